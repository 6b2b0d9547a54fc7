//! What initdb made: the same in every database of a server.

use crate::report::text::one_line;
use crate::rules::bleed::unaltered;
use crate::rules::text::{ident, named, sql_ident, sql_literal};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::snapshot::attributes::{ADDED, ALTERED, REPLACED};
use crate::snapshot::{Kind, Object};

pub(in crate::rules) const SYSTEM_OBJECT: Rule = Rule {
    id: "drift/system-object",
    severity: Severity::Error,
    summary: "Are the server's own functions, views and tables as initdb made them?",
    help: include_str!("../help/drift-system-object.md"),
    scope: Scope::Database,
    check: system_object,
};

fn system_object(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    let system = &snapshot.state.system;
    let mut findings: Vec<Finding> = Vec::new();
    let missing: Vec<&Object> = system.iter().filter(|object| is_missing(object)).collect();
    if let Some((first, others)) = missing.split_first() {
        findings.push(none_of(case, first, others));
    }
    for object in system.iter().filter(|object| !is_missing(object)) {
        // Where it may be any of several, the first speaks for all.
        let alike: Vec<&Object> = system
            .iter()
            .filter(|other| is_one_of(other) && family(other.key.kind) == family(object.key.kind))
            .collect();
        match alike.split_first() {
            Some((first, others)) if is_one_of(object) => {
                if first.key == object.key {
                    findings.push(one_of(case, object, others));
                }
            }
            _ => findings.push(finding(case, object)),
        }
    }
    Ok(findings.into())
}

/// Whether all that is known is that something of its kind was changed, and that its row is younger than initdb.
fn is_one_of(object: &Object) -> bool {
    !object.attributes.contains_key(ALTERED)
        && object
            .attributes
            .get(REPLACED)
            .is_some_and(|replaced| replaced == "perhaps")
}

/// Whether somebody has dropped it.
fn is_missing(object: &Object) -> bool {
    object
        .attributes
        .get(REPLACED)
        .is_some_and(|replaced| replaced == MISSING)
}

/// The kinds that are summed up together (`system_moved.sql`), by one of them.
const fn family(kind: Kind) -> Kind {
    match kind {
        Kind::Table => Kind::View,
        Kind::OperatorFamily | Kind::Collation | Kind::Conversion => Kind::OperatorClass,
        kind => kind,
    }
}

/// One of several was changed.
fn one_of(case: &Case<'_>, object: &Object, others: &[&Object]) -> Finding {
    let mut finding = finding(case, object);
    if !others.is_empty() {
        finding.message.push_str(&format!(
            "; or another one was, and this one was only granted: {}",
            shown(others)
        ));
    }
    finding
}

/// All that were dropped, in one finding: CASCADE takes what depends on one of them.
fn none_of(case: &Case<'_>, object: &Object, others: &[&Object]) -> Finding {
    let mut finding = finding(case, object);
    if !others.is_empty() {
        finding
            .message
            .push_str(&format!("; so are {}", shown(others)));
    }
    finding
}

/// The first ones of them by name.
fn shown(objects: &[&Object]) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = objects
        .iter()
        .take(SHOWN)
        .map(|object| named(&object.key))
        .collect();
    if objects.len() > SHOWN {
        names.push(format!("{} more", objects.len() - SHOWN));
    }
    names.join(", ")
}

fn finding(case: &Case<'_>, object: &Object) -> Finding {
    let name = named(&object.key);
    let database = case.subject.service.database_name();
    let (what, remedy) = change(object, &sql_ident(database));
    SYSTEM_OBJECT
        .finding(
            About::object(object),
            format!(
                "{name} in database {} of {} is not as initdb made it: {what}",
                ident(database),
                case.name()
            ),
        )
        .saw(format!("{name} as initdb made it"), what)
        .remedy(format!("Find out who changed it. {remedy}"))
}

/// What `replaced` says of something of initdb's that is not there.
const MISSING: &str = "missing";

/// The languages that run code of the server's own process.
const UNTRUSTED: [&str; 2] = ["internal", "c"];

/// What somebody changed, and what mends it in the database.
pub(in crate::rules) fn change(object: &Object, database: &str) -> (String, String) {
    let altered = object.attributes.get(ALTERED);
    let added = object.key.kind == Kind::Rule || object.attributes.contains_key(ADDED);
    match altered {
        None if object.key.kind == Kind::Language
            && UNTRUSTED.contains(&object.key.name.as_str()) =>
        {
            (
                "it is trusted, so that every role can make functions of the server's own process"
                    .to_owned(),
                format!(
                    "In database {database}: UPDATE pg_catalog.pg_language SET lanpltrusted = false WHERE lanname = {};",
                    sql_literal(&object.key.name)
                ),
            )
        }
        _ if added => (
            "somebody added it to a relation of the server's".to_owned(),
            format!(
                "In database {database}: {}",
                crate::rules::text::bare_drop_sql(object)
            ),
        ),
        Some(altered) => (
            match altered.strip_prefix("SET SCHEMA ") {
                Some(home) => format!("it lies in another schema than {home}"),
                None => format!("it was altered ({})", one_line(altered)),
            },
            format!(
                "In database {database}: {}",
                unaltered(&object.key, altered)
            ),
        ),
        None if is_missing(object) => (
            "it is missing: somebody dropped it".to_owned(),
            format!(
                "Dump {database}, make a database from template0, which has it, and restore it there; or make it again by its definition in a new \
                 database and accept it with an [[allow]] entry and the reason."
            ),
        ),
        None => (
            "it was renamed, replaced or altered".to_owned(),
            format!(
                "Nothing but a new database is certain to have it right: dump {database}, make a database from template0, and restore it there; \
                 or give it the name and definition that it has in a new database, and accept it with an [[allow]] entry and the reason if it is still told."
            ),
        ),
    }
}
