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
    for object in system {
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
    const SHOWN: usize = 5;
    let mut finding = finding(case, object);
    if !others.is_empty() {
        let mut names: Vec<String> = others
            .iter()
            .take(SHOWN)
            .map(|other| named(&other.key))
            .collect();
        if others.len() > SHOWN {
            names.push(format!("{} more", others.len() - SHOWN));
        }
        finding.message.push_str(&format!(
            "; or another one was, and this one was only granted: {}",
            names.join(", ")
        ));
    }
    finding
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
        None => (
            "it was renamed, replaced or altered".to_owned(),
            format!(
                "Nothing but a new database is certain to have it right: dump {database}, make a database from template0, and restore it there; \
                 or give it the name and definition that it has in a new database, and accept it with an [[allow]] entry and the reason if it is still told."
            ),
        ),
    }
}
