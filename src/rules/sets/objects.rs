//! Objects of other services, of the server and of dbctl itself, in a migration.

use super::judge::{Context, Draft, Placed};
use super::owners::{Family, Service, family};
use super::{answer, rule};
use crate::migration::effects::{Access, Act, CURRENT_DATABASE, Class, Path, UNKNOWN};
use crate::rules::classify::Class as Known;
use crate::rules::{About, Rule, Severity, known};
use crate::snapshot::{Gap, HISTORY_TABLE};

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

/// What dbctl keeps in every database.
const OWN_SCHEMA: &str = "dbctl";

/// What is wrong with naming this object, if something is.
pub(super) fn named(
    context: &Context<'_, '_>,
    class: Class,
    access: Access,
    path: &Path,
) -> Option<Draft> {
    if access == Access::Revoke || path.name.contains(UNKNOWN) {
        return None;
    }
    other_database(context, path).or_else(|| match class {
        Class::Part => None,
        Class::Database => database(context, path),
        Class::Schema => schema(context, access, path),
        Class::Relation | Class::Type | Class::Function => object(context, class, access, path),
    })
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

fn foreign(
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
            "Remove it: the services have databases of their own. What {} needs of {}'s it asks {0} for.",
            holder.name(),
            context.own.name()
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

/// The server's schemas, TimescaleDB's, dbctl's and the history: who may read them may still not change them. `Some(None)`: they are
/// only read, and there is nothing more to ask.
fn kept_by_others(
    context: &Context<'_, '_>,
    family: Family,
    access: Access,
    path: &Path,
) -> Option<Option<Draft>> {
    let reads = access == Access::Read;
    let schema = path.schema.as_deref();
    let history = path.name == HISTORY_TABLE.1 || schema == Some(OWN_SCHEMA);
    if history {
        return Some((!reads).then(|| {
            Draft::new(
                &HISTORY,
                about("table", path),
                format!("changes {path}, where dbctl keeps what was applied"),
            )
            .expected("a history that only dbctl writes")
            .remedy("Remove it. `dbctl repair` mends a history, `dbctl baseline` begins one.")
        }));
    }
    let system = match schema {
        Some(schema) => known::is_system_schema(schema),
        None => {
            family == Family::Relation
                && path.name.starts_with("pg_")
                && !context.own.has(family, &path.name)
                && !reads
        }
    };
    system.then(|| (!reads).then(|| system_draft(about("table", path), path)))
}

fn system_draft(about: About, path: &Path) -> Draft {
    Draft::new(
        &SYSTEM_SCHEMA,
        about,
        format!("changes {path}, which belongs to the server or to an extension"),
    )
    .expected("objects in the service's own schemas")
    .remedy("Remove it, or put the object into a schema of the service's own.")
}

/// A three-part name.
fn other_database(context: &Context<'_, '_>, path: &Path) -> Option<Draft> {
    let database = path.database.as_deref()?;
    if database == context.own.database() || database == CURRENT_DATABASE {
        return None;
    }
    let holder = context.owners.database_of(context.index, database);
    let draft = Draft::new(
        &FOREIGN_SCHEMA,
        About::plain("database", database),
        format!(
            "names {path}, which is in database {database}{}",
            of(holder)
        ),
    )
    .expected(format!("names in database {}", context.own.database()))
    .remedy("Remove the database from the name; no statement reaches another database.");
    Some(with_holder(draft, holder))
}

fn database(context: &Context<'_, '_>, path: &Path) -> Option<Draft> {
    let holder = context.owners.database_of(context.index, &path.name)?;
    if path.name == context.own.database() {
        return None;
    }
    Some(foreign(context, Access::Change, "database", path, holder))
}

fn schema(context: &Context<'_, '_>, access: Access, path: &Path) -> Option<Draft> {
    let name = path.name.as_str();
    if name == OWN_SCHEMA && access != Access::Read {
        let path = Path {
            schema: Some(name.to_owned()),
            ..path.clone()
        };
        return kept_by_others(context, Family::Relation, access, &path).flatten();
    }
    if known::is_system_schema(name) {
        return (access != Access::Read && !name.starts_with("pg_temp"))
            .then(|| system_draft(About::plain("schema", name), path));
    }
    let verb = if access == Access::Create {
        "creates"
    } else {
        "names"
    };
    foreign_schema(context, name, verb)
}

/// A name of the service's own, or of nobody, in another service's schema.
fn in_schema(context: &Context<'_, '_>, path: &Path) -> Option<Draft> {
    foreign_schema(context, path.schema.as_deref()?, "names")
}

pub(super) fn foreign_schema(context: &Context<'_, '_>, schema: &str, verb: &str) -> Option<Draft> {
    let holder = context.owners.schema_of(context.index, schema)?;
    Some(
        Draft::new(
            &FOREIGN_SCHEMA,
            About::plain("schema", schema),
            format!("{verb} schema {schema}, which is {}'s", holder.name()),
        )
        .belongs_to(holder.name())
        .expected(format!("no schema of {}", holder.name()))
        .remedy("Use schema public, or one that is named after the service itself."),
    )
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

/// Tables that are known without any lock: those of file stores and of other tools.
fn engine(context: &Context<'_, '_>, path: &Path) -> Option<Draft> {
    let name = path.name.as_str();
    let effects = &context.file.effects.effects;
    let beside = effects.iter().any(|effect| {
        matches!(&effect.act, Act::Names { access: Access::Create, path, .. } if known::RGB_LIB.contains(&path.name.as_str()))
    });
    match known::table(name, beside)? {
        Known::FileEngine(engine) => Some(
            Draft::new(
                &WRONG_ENGINE,
                about("table", path),
                format!("creates {path}, which {engine} keeps in its own files"),
            )
            .belongs_to(engine)
            .expected(format!("no table of {engine} in PostgreSQL"))
            .remedy("Remove it: the engine makes its tables itself, in its own store."),
        ),
        Known::ToolHistory(tool) => Some(
            Draft::new(
                &HISTORY,
                about("table", path),
                format!("creates {path}, the history of {tool}"),
            )
            .severity(Severity::Warning)
            .expected("one migration tool, with its own history")
            .remedy("Remove it, or let the other tool make it."),
        ),
        _ => None,
    }
}

/// A statement of another system.
pub(super) fn dialect(system: &str, mark: &str) -> Draft {
    Draft::new(
        &WRONG_ENGINE,
        About::plain("migration", mark),
        format!("is written for {system} ({mark})"),
    )
    .expected("SQL of PostgreSQL")
    .remedy("Remove it, or write it in PostgreSQL's SQL; a file store's own tables are made by its engine.")
}

/// Where the file is another service's, word for word, that is the one thing to say about what it creates.
pub(super) fn fold_copy(context: &Context<'_, '_>, number: usize, found: &mut Vec<Placed>) {
    let folds = [FOREIGN_OBJECT.id, FOREIGN_REFERENCE.id, LOOK_ALIKE.id];
    let names: Vec<String> = found
        .iter()
        .filter(|placed| folds.contains(&placed.draft.rule))
        .map(|placed| placed.draft.about.qualified())
        .collect();
    let Some((holder, original)) = context
        .owners
        .original(context.index, context.file.likeness)
        .filter(|_| !names.is_empty() && !context.file.down)
    else {
        return;
    };
    found.retain(|placed| !folds.contains(&placed.draft.rule));
    let draft = Draft::new(
        &COPIED_MIGRATION,
        About::plain("migration", &context.file.file),
        format!(
            "is a copy of {original} of {}, with {}",
            holder.name(),
            names.join(", ")
        ),
    )
    .belongs_to(holder.name())
    .expected(format!("a migration of {}'s own", context.own.name()))
    .remedy("Remove the file.");
    let first = context.file.effects.statements.first();
    found.push(Placed {
        draft,
        place: first.map(|said| said.place).unwrap_or_default(),
        statement: None,
        within: None,
        file: number,
    });
}

/// Without a lock of its own it is not known whether a name that two sets create is meant to be in both.
pub(super) fn undecided(
    context: &Context<'_, '_>,
    number: usize,
) -> Vec<(&'static str, usize, Option<usize>, Gap)> {
    if context.own.lock.is_some() {
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    for effect in &context.file.effects.effects {
        if let Act::Names {
            class: class @ (Class::Relation | Class::Type),
            access: Access::Create,
            path,
            temporary: false,
        } = &effect.act
            && let Some(family) = family(*class)
            && let Some((holder, _)) = context.owners.holder(context.index, family, &path.name)
        {
            let name = format!("{path} (as {} does)", holder.name());
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    if names.is_empty() || context.file.down {
        return Vec::new();
    }
    let gap = Gap {
        reason: format!(
            "{} creates {}; without a schema lock nobody has said that {} is meant to have it, too",
            context.file.path,
            names.join(", "),
            context.own.name()
        ),
        remedy: context
            .own
            .subject
            .lock
            .get()
            .err()
            .and_then(|gap| gap.remedy),
    };
    vec![(FOREIGN_OBJECT.id, number, None, gap)]
}

fn of(holder: Option<&Service<'_>>) -> String {
    holder.map_or_else(String::new, |holder| format!(" of {}", holder.name()))
}

pub(super) fn with_holder(draft: Draft, holder: Option<&Service<'_>>) -> Draft {
    match holder {
        Some(holder) => draft.belongs_to(holder.name()),
        None => draft,
    }
}

fn about(kind: &'static str, path: &Path) -> About {
    About {
        kind,
        schema: path.schema.clone(),
        name: path.name.clone(),
    }
}
