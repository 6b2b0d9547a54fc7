//! Objects of other services, of the server and of dbctl itself, in a migration.

use std::collections::HashSet;

use super::elsewhere::{SEARCH_PATH, SERVER_SETTING};
use super::engines::engine;
use super::judge::{Context, Draft, Placed};
use super::owners::{Family, Service, family};
use super::privileges::{FOREIGN_GRANT, ROLE};
use super::schemas::{database, in_schema, kept_by_others, other_database, schema};
use super::{answer, rule};
use crate::migration::effects::{Access, Class, Path, UNKNOWN};
use crate::rules::{About, Rule, Severity};

pub(super) const FOREIGN_OBJECT: Rule = rule(
    "sets/foreign-object",
    Severity::Error,
    "Does a migration create or change what belongs to another service?",
    include_str!("../help/sets-foreign-object.md"),
    |case| answer(case, "sets/foreign-object"),
);

pub(super) const FOREIGN_REFERENCE: Rule = rule(
    "sets/foreign-reference",
    Severity::Error,
    "Does a migration read or refer to what belongs to another service?",
    include_str!("../help/sets-foreign-reference.md"),
    |case| answer(case, "sets/foreign-reference"),
);

pub(super) const FOREIGN_SCHEMA: Rule = rule(
    "sets/foreign-schema",
    Severity::Error,
    "Does a migration name another service's schema or database?",
    include_str!("../help/sets-foreign-schema.md"),
    |case| answer(case, "sets/foreign-schema"),
);

pub(super) const LOOK_ALIKE: Rule = rule(
    "sets/look-alike",
    Severity::Error,
    "Does a migration create a name that looks like another service's?",
    include_str!("../help/sets-look-alike.md"),
    |case| answer(case, "sets/look-alike"),
);

pub(super) const COPIED_MIGRATION: Rule = rule(
    "sets/copied-migration",
    Severity::Error,
    "Is a migration a copy of another service's?",
    include_str!("../help/sets-copied-migration.md"),
    |case| answer(case, "sets/copied-migration"),
);

pub(super) const SYSTEM_SCHEMA: Rule = rule(
    "sets/system-schema",
    Severity::Error,
    "Does a migration change what belongs to the server or to TimescaleDB?",
    include_str!("../help/sets-system-schema.md"),
    |case| answer(case, "sets/system-schema"),
);

pub(super) const HISTORY: Rule = rule(
    "sets/history",
    Severity::Error,
    "Does a migration touch a migration history?",
    include_str!("../help/sets-history.md"),
    |case| answer(case, "sets/history"),
);

pub(super) const WRONG_ENGINE: Rule = rule(
    "sets/wrong-engine",
    Severity::Error,
    "Is a migration meant for another database engine?",
    include_str!("../help/sets-wrong-engine.md"),
    |case| answer(case, "sets/wrong-engine"),
);

/// What is wrong with naming this object, if something is.
pub(super) fn named(
    context: &Context<'_, '_>,
    class: Class,
    access: Access,
    path: &Path,
) -> Option<Draft> {
    if path.name.contains(UNKNOWN) {
        return None;
    }
    let draft = other_database(context, path).or_else(|| match class {
        Class::Part => None,
        Class::Database => database(context, path),
        Class::Schema => schema(context, access, path),
        Class::Relation | Class::Type | Class::Function => object(context, class, access, path),
    });
    // To take rights away is wrong only where they are another service's to give.
    draft.filter(|draft| access != Access::Revoke || draft.belongs_to.is_some())
}

fn object(context: &Context<'_, '_>, class: Class, access: Access, path: &Path) -> Option<Draft> {
    let family = family(class)?;
    if let Some(draft) = kept_by_others(context, family, access, path) {
        return draft;
    }
    let name = path.name.as_str();
    let own = match access {
        // What it creates must be in the lock; what a text of the set creates was judged there.
        Access::Create => context.own.locks(family, name) || is_settled(context),
        _ => context.own.has(family, name),
    };
    if own {
        return in_schema(context, path);
    }
    let holder = context.owners.holder(context.index, family, name);
    let implied = || match family {
        Family::Relation if access != Access::Create => context.owners.implied(context.index, name),
        _ => None,
    };
    if let Some((holder, kind)) = holder.or_else(implied) {
        return Some(foreign(context, access, kind, path, holder));
    }
    let new = access == Access::Create && class == Class::Relation;
    new.then(|| disguised(context, path))
        .flatten()
        .or_else(|| in_schema(context, path))
        .or_else(|| new.then(|| engine(context, path)).flatten())
}

/// Whether what the file creates was accepted: its lock was written with it. Without a lock nobody can tell.
fn is_settled(context: &Context<'_, '_>) -> bool {
    context.own.lock.is_none() || context.own.has_reviewed(&context.file.sum)
}

pub(super) fn foreign(
    context: &Context<'_, '_>,
    access: Access,
    kind: &'static str,
    path: &Path,
    holder: &Service<'_>,
) -> Draft {
    let (rule, verb) = match access {
        Access::Create => (&FOREIGN_OBJECT, "creates"),
        Access::Change | Access::Revoke => (&FOREIGN_OBJECT, "changes"),
        Access::Read => (&FOREIGN_REFERENCE, "reads or refers to"),
    };
    let remedy = match access {
        Access::Create => format!(
            "Remove it, or give it a name of {}'s own. If both services are meant to have one of this name, each in its database: \
             `dbctl lock` and review.",
            context.own.name()
        ),
        _ => format!(
            "Remove it: the services have databases of their own. What {} needs of {}'s it asks {1} for.",
            context.own.name(),
            holder.name()
        ),
    };
    Draft::new(
        rule,
        about(kind, path),
        format!("{verb} {kind} {path}, which belongs to {}", holder.name()),
    )
    .belongs_to(holder.name())
    .expected(format!("no object of {}", holder.name()))
    .remedy(remedy)
}

/// What a statement changes it may read as well: `create_hypertable('blocks'::regclass, …)`. That is one cause. So is REASSIGN OWNED to
/// somebody else, whoever owned it, and a setting of another database.
pub(super) fn once(found: &mut Vec<Placed>) {
    let elsewhere: HashSet<Option<usize>> = found
        .iter()
        .filter(|placed| placed.draft.about.kind == "database")
        .map(|placed| placed.statement)
        .collect();
    found.retain(|placed| {
        ![SERVER_SETTING.id, SEARCH_PATH.id].contains(&placed.draft.rule)
            || !elsewhere.contains(&placed.statement)
    });
    let given: HashSet<Option<usize>> = found
        .iter()
        .filter(|placed| placed.draft.rule == FOREIGN_GRANT.id)
        .map(|placed| placed.statement)
        .collect();
    found.retain(|placed| {
        placed.draft.rule != ROLE.id
            || placed.draft.belongs_to.is_some()
            || !given.contains(&placed.statement)
    });
    let changed: HashSet<(Option<usize>, String)> = found
        .iter()
        .filter(|placed| placed.draft.rule == FOREIGN_OBJECT.id)
        .map(|placed| (placed.statement, placed.draft.about.name.clone()))
        .collect();
    found.retain(|placed| {
        placed.draft.rule != FOREIGN_REFERENCE.id
            || !changed.contains(&(placed.statement, placed.draft.about.name.clone()))
    });
}

/// The unsafe statements that are about tables of the service's own: another service's table is not made safe, but left alone. Where the
/// file allows it, it is told, for an exception has to have its effect.
pub(super) fn on_own_tables(
    context: &Context<'_, '_>,
    unsafe_ddl: Vec<Placed>,
    found: &[Placed],
) -> Vec<Placed> {
    let foreign: HashSet<Option<usize>> = found
        .iter()
        .filter(|placed| placed.draft.rule == FOREIGN_OBJECT.id && placed.within.is_none())
        .map(|placed| placed.statement)
        .collect();
    let allows = &context.file.effects.allows;
    let is_told = |placed: &Placed| {
        placed.statement.is_none()
            || !foreign.contains(&placed.statement)
            || allows.iter().any(|allow| allow.rule == placed.draft.rule)
    };
    unsafe_ddl.into_iter().filter(is_told).collect()
}

fn disguised(context: &Context<'_, '_>, path: &Path) -> Option<Draft> {
    if is_settled(context) {
        return None;
    }
    let (holder, original) = context.owners.look_alike(context.index, &path.name)?;
    Some(
        Draft::new(
            &LOOK_ALIKE,
            about("table", path),
            format!(
                "creates {:?}, which looks like {original} of {}",
                path.to_string(),
                holder.name()
            ),
        )
        .belongs_to(holder.name())
        .expected("a name that nobody takes for another service's")
        .remedy("Give it another name. If it is meant to be called so: `dbctl lock` and review."),
    )
}

pub(super) fn of(holder: Option<&Service<'_>>) -> String {
    holder.map_or_else(String::new, |holder| format!(" of {}", holder.name()))
}

pub(super) fn with_holder(draft: Draft, holder: Option<&Service<'_>>) -> Draft {
    match holder {
        Some(holder) => draft.belongs_to(holder.name()),
        None => draft,
    }
}

pub(super) fn about(kind: &'static str, path: &Path) -> About {
    About {
        kind,
        schema: path.schema.clone(),
        name: path.name.clone(),
    }
}
