//! What initdb made: the same in every database of a server.

use crate::report::text::one_line;
use crate::rules::bleed::unaltered;
use crate::rules::text::{ident, named, sql_ident, sql_literal};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::snapshot::attributes::{ADDED, ALTERED};
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
    let findings: Vec<Finding> = snapshot
        .state
        .system
        .iter()
        .map(|object| finding(case, object))
        .collect();
    Ok(findings.into())
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

/// What somebody changed, and what mends it in the database.
pub(in crate::rules) fn change(object: &Object, database: &str) -> (String, String) {
    let altered = object.attributes.get(ALTERED);
    let added = object.key.kind == Kind::Rule || object.attributes.contains_key(ADDED);
    match altered {
        _ if object.key.kind == Kind::Language => (
            "it is trusted, so that every role can make functions of the server's own process"
                .to_owned(),
            format!(
                "In database {database}: UPDATE pg_catalog.pg_language SET lanpltrusted = false WHERE lanname = {};",
                sql_literal(&object.key.name)
            ),
        ),
        _ if added => (
            "somebody added it to a relation of the server's".to_owned(),
            format!(
                "In database {database}: {}",
                crate::rules::text::bare_drop_sql(object)
            ),
        ),
        Some(altered) => (
            format!("it was altered ({})", one_line(altered)),
            format!(
                "In database {database}: {}",
                unaltered(&object.key, altered)
            ),
        ),
        None => (
            "it was replaced or altered".to_owned(),
            format!(
                "Nothing but a new database is certain to have it right: dump {database}, make a database from template0, and restore it there; \
                 or run the server's own definition again, which a new database has, and accept it with an [[allow]] entry and the reason."
            ),
        ),
    }
}
