//! Passwords that a database and its clients do not agree about.

use super::{Scene, Words, finding};
use crate::compose::Text;
use crate::rules::{Case, Outcome, Rule, Scope, Severity, Verdict};

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
    let mut findings = Vec::new();
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
