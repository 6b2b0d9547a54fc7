//! SQL databases of services that keep files.

use super::{Scene, Words, finding, of};
use crate::compose::{Container, Kind};
use crate::manifest::Store;
use crate::rules::{Case, Outcome, Rule, Scope, Severity, Verdict};

/// A service without an SQL database is given one.
pub(super) const NO_DATABASE: Rule = Rule {
    id: "compose/no-database",
    severity: Severity::Error,
    summary: "Does no service that keeps files have an SQL database?",
    help: include_str!("../help/compose-no-database.md"),
    scope: Scope::Container,
    check: no_sql,
};

fn no_sql(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case).filter(|scene| scene.service.store == Store::Files) else {
        return Ok(Outcome::default());
    };
    let service = &scene.service.name;
    let mut findings = Vec::new();
    let mut add = |container: &Container, place, what: String| {
        findings.push(finding(
            &NO_DATABASE,
            container,
            place,
            Words {
                message: format!(
                    "{} {what}, but {service} keeps files and has no SQL database",
                    of(container, service)
                ),
                expected: "no SQL database".to_owned(),
                actual: what.clone(),
                remedy: format!("Remove it from {}.", container.name),
            },
        ));
    };
    for (_, container) in scene.databases() {
        add(
            container,
            &container.place,
            "is a PostgreSQL server".to_owned(),
        );
    }
    for (_, container, party) in scene.clients() {
        let waits = container.depends_on.iter().find(|dependency| {
            scene.deployment.all().any(|(_, other, party)| {
                other.name == dependency.on
                    && party.kind == Kind::Database
                    && party.owner != Some(scene.own)
            })
        });
        if let Some(connection) = party.connections.first() {
            add(
                container,
                &connection.place,
                format!("is given {}", connection.from),
            );
        } else if let Some(call) = party.calls.first() {
            add(
                container,
                &call.place,
                format!("connects to a database in {}", call.from),
            );
        } else if let Some(dependency) = waits {
            add(
                container,
                &dependency.place,
                format!("waits for the database {}", dependency.on),
            );
        }
    }
    Ok(findings.into())
}
