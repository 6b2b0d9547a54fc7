//! The statements that take privileges back.

use std::collections::BTreeSet;

use crate::rules::text::{sql_ident, sql_name};
use crate::snapshot::Kind;
use crate::snapshot::privileges::{Given, Grant, On};

/// How many objects one REVOKE lists; beyond that it takes the whole schema.
const LISTED: usize = 50;

/// Takes privileges of one grantee on objects of one kind back. What somebody granted on goes with that one's right to do so, which
/// the owner takes back: a REVOKE reaches only what the same role has granted (REVOKE, "Notes").
pub(super) fn revoke(grants: &[&Grant]) -> Vec<String> {
    let Some(first) = grants.first() else {
        return Vec::new();
    };
    let (option, from) = match (&first.grantor, &first.grantee) {
        (Some(grantor), _) => ("GRANT OPTION FOR ", sql_ident(grantor)),
        (None, Some(grantee)) => ("", sql_ident(grantee)),
        (None, None) => ("", "PUBLIC".to_owned()),
    };
    let cascade = if first.grantor.is_some() || grants.iter().any(|grant| grant.grantable) {
        " CASCADE"
    } else {
        ""
    };
    let end = format!("FROM {from}{cascade};");
    let privileges = first.privileges.join(", ");
    if let Some(what) = many(first.object.on, grants.len()) {
        let schemas: BTreeSet<&str> = grants
            .iter()
            .map(|grant| grant.object.schema.as_str())
            .collect();
        return schemas
            .into_iter()
            .map(|schema| {
                format!(
                    "REVOKE {option}ALL ON ALL {what} IN SCHEMA {} {end}",
                    sql_ident(schema)
                )
            })
            .collect();
    }
    if first.object.on == On::Object(Kind::Column) {
        return grants
            .iter()
            .map(|grant| column(grant, option, &end))
            .collect();
    }
    let names: Vec<String> = grants.iter().map(|grant| name(grant)).collect();
    vec![format!(
        "REVOKE {option}{privileges} ON {} {} {end}",
        keyword(first.object.on),
        names.join(", ")
    )]
}

/// Takes privileges of a grantee on one thing (`DATABASE x`) back, the other way round from how they were given on.
pub(super) fn taken_back(
    privileges: &str,
    on: &str,
    grantee: &str,
    given: Option<&Given>,
) -> String {
    let Some(given) = given else {
        return format!("REVOKE {privileges} ON {on} FROM {grantee};");
    };
    let cascade = if given.grantable { " CASCADE" } else { "" };
    let own = (!given.by_others_alone)
        .then(|| format!("REVOKE {privileges} ON {on} FROM {grantee}{cascade};"));
    let others = given.grantors.iter().map(|grantor| {
        format!(
            "REVOKE GRANT OPTION FOR {privileges} ON {on} FROM {} CASCADE;",
            sql_ident(grantor)
        )
    });
    own.into_iter().chain(others).collect::<Vec<_>>().join(" ")
}

fn column(grant: &Grant, option: &str, end: &str) -> String {
    let object = &grant.object;
    let column = sql_ident(&object.name);
    format!(
        "REVOKE {option}{} ({column}) ON TABLE {}.{} {end}",
        grant.privileges.join(&format!(" ({column}), ")),
        sql_ident(&object.schema),
        sql_ident(&object.parent)
    )
}

fn name(grant: &Grant) -> String {
    match grant.object.on {
        // An OID is no name that would have to be quoted.
        On::LargeObject => grant.object.name.clone(),
        _ => sql_name(&grant.object.key()),
    }
}

/// The word for all objects of this kind in a schema, where there are too many to list.
fn many(on: On, number: usize) -> Option<&'static str> {
    match on {
        _ if number <= LISTED => None,
        On::Chunk => Some("TABLES"),
        On::Object(Kind::Sequence) => Some("SEQUENCES"),
        On::Object(Kind::Function) => Some("ROUTINES"),
        On::Object(kind) if kind.is_relation() => Some("TABLES"),
        _ => None,
    }
}

/// What GRANT and REVOKE call a kind.
const fn keyword(on: On) -> &'static str {
    match on {
        On::LargeObject => "LARGE OBJECT",
        On::Object(Kind::Sequence) => "SEQUENCE",
        On::Object(Kind::Function) => "ROUTINE",
        On::Object(Kind::Type) => "TYPE",
        On::Object(Kind::Schema) => "SCHEMA",
        On::Object(Kind::Language) => "LANGUAGE",
        On::Object(Kind::Wrapper) => "FOREIGN DATA WRAPPER",
        On::Object(Kind::Server) => "FOREIGN SERVER",
        _ => "TABLE",
    }
}
