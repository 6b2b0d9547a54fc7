//! Privileges, owners and roles in a migration: what a service owns nobody else gets, and roles are not a migration's to make.

use super::elsewhere::SERVER_SETTING;
use super::judge::{Context, Draft};
use super::objects::with_holder;
use super::{answer, rule};
use crate::migration::effects::{Act, CURRENT_USER, SLIGHT, UNKNOWN};
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

/// Rights that everybody has by default.
const EVERYBODYS: [&str; 2] = ["EXECUTE", "USAGE"];

/// What is wrong with what is done to roles, if something is.
pub(super) fn role_act(context: &Context<'_, '_>, act: &Act) -> Option<Draft> {
    match act {
        Act::Grants { privileges, on, to } => grant(context, privileges, on, to),
        Act::Joins { role, member } => joins(context, role, member),
        Act::Owned { by } => owned(context, by),
        Act::Role { does, role } => role_draft(context, does, role),
        _ => None,
    }
}

fn is_own(context: &Context<'_, '_>, role: &str) -> bool {
    role == CURRENT_USER || role == UNKNOWN || context.own.role() == Some(role)
}

fn grant(context: &Context<'_, '_>, privileges: &str, on: &str, to: &str) -> Option<Draft> {
    if let Some((kind, what, names)) = servers(on) {
        return Some(server_grant(context, privileges, (kind, what), names, to));
    }
    // It is so without the statement (PostgreSQL documentation, "Privileges").
    let is_default = to == "public"
        && privileges.eq_ignore_ascii_case("USAGE")
        && on.eq_ignore_ascii_case("SCHEMA public");
    if is_default {
        return None;
    }
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

/// The settings or tablespaces that a privilege is on, if it is on what is the server's: their kind, what it is called, their names.
fn servers(on: &str) -> Option<(&'static str, &'static str, &str)> {
    let (word, list) = on.split_once(' ')?;
    let kinds = [("parameter", "setting"), ("tablespace", "tablespace")];
    let known = kinds
        .iter()
        .find(|(kind, _)| word.eq_ignore_ascii_case(kind));
    known.map(|(kind, called)| (*kind, *called, list))
}

/// Whoever gets a right on what is the server's, the service's own role included, reaches more than its database.
fn server_grant(
    context: &Context<'_, '_>,
    privileges: &str,
    (kind, called): (&'static str, &'static str),
    on: &str,
    to: &str,
) -> Draft {
    let remedy = match kind {
        "parameter" => "Remove it; the server's settings are its operator's.",
        _ => "Remove it; where tables may lie on disk is the server's operator's to say.",
    };
    let draft = Draft::new(
        &SERVER_SETTING,
        About::plain(kind, on),
        format!("grants {privileges} on {called} {on} of the server to {to}"),
    )
    .expected("a migration that leaves the server alone")
    .remedy(remedy);
    with_holder(draft, context.owners.role_of(context.index, to))
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

fn role_draft(context: &Context<'_, '_>, does: &str, role: &str) -> Option<Draft> {
    let holder = context.owners.role_of(context.index, role);
    if SLIGHT.contains(&does) && (holder.is_none() || is_own(context, role)) {
        return None;
    }
    let (does, shown) = match role {
        CURRENT_USER => (
            does.strip_suffix(" role").unwrap_or(does),
            "the role that migrates",
        ),
        role => (does, role),
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
    Some(with_holder(draft, holder))
}

fn own_role(context: &Context<'_, '_>) -> String {
    context
        .own
        .role()
        .unwrap_or("the service's role")
        .to_owned()
}
