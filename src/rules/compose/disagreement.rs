//! Passwords that a database and its clients do not agree about.

use super::{Scene, Words, finding};
use crate::compose::{Container, Text};
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Verdict};

/// A client and its server do not say the same.
pub(super) const DISAGREEMENT: Rule = Rule {
    id: "compose/disagreement",
    severity: Severity::Error,
    summary: "Do a database and its clients agree about the password?",
    help: include_str!("../help/compose-disagreement.md"),
    scope: Scope::Container,
    check: disagreement,
};

fn disagreement(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case).filter(Scene::is_sql) else {
        return Ok(Outcome::default());
    };
    let mut findings: Vec<Finding> = scene
        .databases()
        .flat_map(|(_, server)| said_twice(server))
        .collect();
    for (index, client, party) in scene.clients() {
        for connection in &party.connections {
            for target in scene.deployment.targets(index, connection) {
                let Some((server, _)) = scene
                    .container(target)
                    .filter(|(_, of)| of.owner == Some(scene.own))
                else {
                    continue;
                };
                let known = |name: &str| {
                    server
                        .variable(name)
                        .and_then(|variable| variable.value.get())
                };
                let user = known("POSTGRES_USER");
                let role = connection.role.as_ref().and_then(Text::get);
                let (Some(asked), Some(set)) = (
                    connection.password.as_ref().and_then(Text::get),
                    known("POSTGRES_PASSWORD"),
                ) else {
                    continue;
                };
                if user.is_none() || role != user || asked == set {
                    continue;
                }
                findings.push(finding(
                    &DISAGREEMENT,
                    client,
                    &connection.place,
                    Words {
                        message: format!(
                            "{} connects to {} as role {} with another password ({}) than POSTGRES_PASSWORD of {} gives that role",
                            client.name,
                            server.name,
                            role.unwrap_or_default(),
                            connection.from,
                            server.name
                        ),
                        expected: "one password on both sides".to_owned(),
                        actual: "two".to_owned(),
                        remedy: format!("Write one variable in both places, {} and POSTGRES_PASSWORD of {}.", connection.from, server.name),
                    },
                ));
            }
        }
    }
    Ok(findings.into())
}

/// The variables that PostgreSQL's image takes from themselves or from a file, and from both never: it does not start then (Docker Hub,
/// "postgres", "Docker Secrets"). Bitnami's image takes the file.
fn said_twice(server: &Container) -> Vec<Finding> {
    const EXCLUSIVE: [&str; 4] = [
        "POSTGRES_PASSWORD",
        "POSTGRES_USER",
        "POSTGRES_DB",
        "POSTGRES_INITDB_ARGS",
    ];
    let image = server.image.as_ref().map(|image| image.text.raw());
    if image.is_some_and(|image| image.contains("bitnami")) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for name in EXCLUSIVE {
        let file = format!("{name}_FILE");
        let set = |name: &str| {
            let variable = server.variable(name)?;
            (!variable.value.is_empty()).then_some(variable)
        };
        let (Some(own), Some(from_file)) = (set(name), set(&file)) else {
            continue;
        };
        // What only the host knows may be empty; what was read from the file stands where the file is named.
        if own.value.get().is_none() || own.place == from_file.place {
            continue;
        }
        findings.push(finding(
            &DISAGREEMENT,
            server,
            &from_file.place,
            Words {
                message: format!(
                    "{} is given both {name} and {file}: its image refuses to start",
                    server.name
                ),
                expected: format!("{name} or {file}"),
                actual: "both".to_owned(),
                remedy: format!("Remove {name} from {}, or {file}.", server.name),
            },
        ));
    }
    findings
}
