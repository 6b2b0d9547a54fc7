//! Privileges, owners and roles in a migration: what a service owns nobody else gets, and roles are not a migration's to make.

use super::judge::{Context, Draft};
use super::objects::with_holder;
use super::{answer, rule};
use crate::migration::effects::{Act, CURRENT_USER, Effect, Path, UNKNOWN};
use crate::rules::{About, Rule, Severity};

pub(super) const FOREIGN_GRANT: Rule = rule(
    "sets/foreign-grant",
    Severity::Error,
    "Does a migration give rights to somebody other than its service?",
    include_str!("../help/sets-foreign-grant.md"),
    |case| answer(case, "sets/foreign-grant"),
);

pub(super) const ROLE: Rule = rule(
    "sets/role",
    Severity::Error,
    "Does a migration make, change or take on a role?",
    include_str!("../help/sets-role.md"),
    |case| answer(case, "sets/role"),
);

pub(super) const SECURITY_DEFINER: Rule = rule(
    "sets/security-definer",
    Severity::Warning,
    "Does a SECURITY DEFINER function say where its names come from?",
    include_str!("../help/sets-security-definer.md"),
    |case| answer(case, "sets/security-definer"),
);

/// Rights that everybody has by default.
const EVERYBODYS: [&str; 2] = ["EXECUTE", "USAGE"];

/// What is wrong with what is done to roles, if something is.
pub(super) fn role_act(context: &Context<'_, '_>, act: &Act) -> Option<Draft> {
    match act {
        Act::Grants { privileges, on, to } => grant(context, privileges, on, to),
        Act::Joins { role, member } => joins(context, role, member),
        Act::Owned { by } => owned(context, by),
        Act::Role { does, role } => Some(role_draft(context, does, role)),
        _ => None,
    }
}

fn is_own(context: &Context<'_, '_>, role: &str) -> bool {
    role == CURRENT_USER || role == UNKNOWN || context.own.role() == Some(role)
}

fn grant(context: &Context<'_, '_>, privileges: &str, on: &str, to: &str) -> Option<Draft> {
    let policy = on == "rows";
    if is_own(context, to) || (policy && to == "public") {
        return None;
    }
    let holder = context.owners.role_of(context.index, to);
    let usual = EVERYBODYS
        .iter()
        .any(|usual| privileges.eq_ignore_ascii_case(usual));
    let severity = match (holder, to) {
        (Some(_), _) => Severity::Error,
        (None, "public") if !usual => Severity::Error,
        _ => Severity::Warning,
    };
    let whose = match (holder, to) {
        (Some(holder), _) => format!("the role of {}", holder.name()),
        (None, "public") => "everybody".to_owned(),
        _ => "no role of this service".to_owned(),
    };
    let draft = Draft::new(
        &FOREIGN_GRANT,
        About::plain("role", to),
        format!("grants {privileges} on {on} to {to}, {whose}"),
    )
    .severity(severity)
    .expected(format!("grants to {} only", own_role(context)))
    .remedy("Remove the grant; a reader that is no service of the system is reviewed and allowed.");
    Some(with_holder(draft, holder))
}

fn joins(context: &Context<'_, '_>, role: &str, member: &str) -> Option<Draft> {
    if is_own(context, role) && is_own(context, member) {
        return None;
    }
    let other = |role: &str| context.owners.role_of(context.index, role);
    let holder = other(member).or_else(|| other(role));
    let draft = Draft::new(
        &FOREIGN_GRANT,
        About::plain("role", member),
        format!("makes {member} a member of {role}, with all its rights"),
    )
    .severity(if holder.is_some() || role.starts_with("pg_") {
        Severity::Error
    } else {
        Severity::Warning
    })
    .expected("no memberships between services")
    .remedy("Remove it; `dbctl provision` gives every service the role that it needs.");
    Some(with_holder(draft, holder))
}

fn owned(context: &Context<'_, '_>, by: &str) -> Option<Draft> {
    if is_own(context, by) {
        return None;
    }
    let holder = context.owners.role_of(context.index, by);
    let whose = holder.map_or_else(
        || "no role of this service".to_owned(),
        |holder| format!("the role of {}", holder.name()),
    );
    let draft = Draft::new(
        &FOREIGN_GRANT,
        About::plain("role", by),
        format!("makes {by} the owner, {whose}"),
    )
    .severity(if holder.is_some() {
        Severity::Error
    } else {
        Severity::Warning
    })
    .expected(format!("objects that {} owns", own_role(context)))
    .remedy("Remove it: what a migration makes belongs to the service's role.");
    Some(with_holder(draft, holder))
}

fn role_draft(context: &Context<'_, '_>, does: &str, role: &str) -> Draft {
    let holder = context.owners.role_of(context.index, role);
    let shown = match role {
        CURRENT_USER => "the one that migrates",
        role => role,
    };
    let whose = holder.map_or_else(String::new, |holder| {
        format!(", the role of {}", holder.name())
    });
    let draft = Draft::new(
        &ROLE,
        About::plain("role", shown),
        format!("{does} {shown}{whose}"),
    )
    .expected("a migration that leaves roles alone")
    .remedy("Remove it: roles belong to the server, and `dbctl provision` makes them.");
    with_holder(draft, holder)
}

/// A function with its owner's rights and its caller's `search_path`, or one that a caller gets in front of.
pub(super) fn definer(
    context: &Context<'_, '_>,
    effect: &Effect,
    function: &Path,
) -> Option<Draft> {
    match last_path(context, effect, function) {
        // A statement of its own that gives the path is told by itself.
        Some((at, _)) if at.statement != effect.statement => None,
        Some((_, schemas)) => open_path(function, schemas),
        None => Some(definer_draft(
            function,
            format!("makes SECURITY DEFINER function {function} without a search_path of its own"),
        )),
    }
}

/// A function with its owner's rights that is given a `search_path` in which a caller gets in front.
pub(super) fn repinned(
    context: &Context<'_, '_>,
    effect: &Effect,
    function: &Path,
    schemas: Option<&[String]>,
) -> Option<Draft> {
    (is_definer(context, function) && last_path(context, effect, function)?.0 == effect)
        .then(|| open_path(function, schemas))
        .flatten()
}

/// A function with its owner's rights that loses its own `search_path`.
pub(super) fn unpinned(
    context: &Context<'_, '_>,
    effect: &Effect,
    function: &Path,
) -> Option<Draft> {
    (is_definer(context, function) && last_path(context, effect, function).is_none()).then(|| {
        definer_draft(
            function,
            format!("takes the search_path of SECURITY DEFINER function {function} away"),
        )
    })
}

/// Whether a file up to this one makes the function run with its owner's rights.
fn is_definer(context: &Context<'_, '_>, function: &Path) -> bool {
    let own = context
        .own
        .subject
        .texts
        .iter()
        .flat_map(|texts| &texts.files);
    own.filter(|file| !file.down && file.version <= context.file.version)
        .flat_map(|file| &file.effects.effects)
        .any(|other| {
            matches!(&other.act, Act::Definer { function: definer } if definer.name == function.name)
        })
}

/// The `search_path` that the same statement, or a later one of the file, gives the function, and what gives it.
fn last_path<'a>(
    context: &Context<'_, 'a>,
    effect: &Effect,
    function: &Path,
) -> Option<(&'a Effect, Option<&'a [String]>)> {
    let of_file = context.file.effects.effects.iter().rev();
    of_file
        .filter(|other| other.place >= effect.place)
        .find_map(|other| match &other.act {
            Act::Pinned {
                function: pinned,
                schemas,
            } if pinned.name == function.name => Some((other, schemas.as_deref())),
            _ => None,
        })
}

/// What is wrong with a `search_path` of a function with its owner's rights: `pg_temp` comes first where it is not written last, and
/// everybody may create there (PostgreSQL documentation, "Writing SECURITY DEFINER Functions Safely"). One that is fixed and only
/// leaves it out is common, and safe as long as the body writes its names with their schemas: that is no warning.
fn open_path(function: &Path, schemas: Option<&[String]>) -> Option<Draft> {
    let Some(schemas) = schemas else {
        return Some(definer_draft(
            function,
            format!(
                "gives SECURITY DEFINER function {function} the search_path of whoever runs the migration (FROM CURRENT)"
            ),
        ));
    };
    if schemas.last().is_some_and(|last| last == "pg_temp") {
        return None;
    }
    let severity = match schemas.iter().any(|schema| schema == "pg_temp") {
        true => SECURITY_DEFINER.severity,
        false => Severity::Info,
    };
    let shown = match schemas.join(", ") {
        none if none.is_empty() => "an empty search_path".to_owned(),
        schemas => format!("search_path {schemas}"),
    };
    let draft = definer_draft(
        function,
        format!(
            "gives SECURITY DEFINER function {function} {shown}, in which pg_temp is not last: it is searched first, and a caller's temporary table is found before every other"
        ),
    );
    Some(draft.severity(severity))
}

fn definer_draft(function: &Path, does: String) -> Draft {
    let about = About {
        kind: "function",
        schema: function.schema.clone(),
        name: function.name.clone(),
    };
    Draft::new(&SECURITY_DEFINER, about, does)
        .expected("SET search_path in its definition, with pg_temp as its last schema")
        .remedy("Add SET search_path = pg_catalog, pg_temp, and write names with their schema.")
}

fn own_role(context: &Context<'_, '_>) -> String {
    context
        .own
        .role()
        .unwrap_or("the service's role")
        .to_owned()
}
