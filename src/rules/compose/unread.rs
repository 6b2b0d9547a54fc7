//! What the compose files do not tell.

use super::Scene;
use super::connection::is_the_admins;
use crate::compose::{Connection, Kind, Refused, Text};
use crate::manifest::{Target, Topology};
use crate::rules::{Case, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::Gap;

/// Something that the other rules need cannot be read from the files. It has no findings, only gaps.
pub(super) const UNREAD: Rule = Rule {
    id: "compose/unread",
    severity: Severity::Info,
    summary: "Do the compose files say all that the other rules of this group need?",
    help: include_str!("../help/compose-unread.md"),
    scope: Scope::Compose,
    check: unread,
};

fn unread(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let Some(scene) = Scene::of(case) else {
        return Ok(outcome);
    };
    let project = &scene.deployment.project;
    let service = &scene.service.name;
    let refused = project.refused.iter();
    let own = refused.filter(|refused| tells(&scene, refused));
    outcome
        .gaps
        .extend(own.map(|refused| Gap::new(&refused.reason)));
    if scene
        .deployment
        .parties
        .iter()
        .all(|party| party.owner.is_none())
    {
        let files: Vec<&str> = project.files.iter().map(AsRef::as_ref).collect();
        outcome.gaps.push(Gap {
            reason: format!(
                "no container of {} is known to be {service}'s",
                files.join(", ")
            ),
            remedy: Some(advice(service)),
        });
        return Ok(outcome);
    }
    for (_, container, party) in scene.clients() {
        for connection in &party.connections {
            if let Some(reason) = connection
                .unread
                .as_ref()
                .filter(|_| !is_excused(&scene, connection))
            {
                outcome.gaps.push(Gap::new(format!(
                    "{} of {}: {reason}",
                    connection.from, container.name
                )));
            } else if connection.unread.is_none()
                && let Some(unknown) = unknown_parts(&scene, connection)
            {
                outcome.gaps.push(Gap::new(format!(
                    "{} of {}: {unknown} cannot be told: not all of its variables are set here",
                    connection.from, container.name
                )));
            }
        }
    }
    for (_, container, _) in scene.deployment.of(scene.own) {
        // A database's and a role's name are asked for by compose/wrong-database. A secret that is not here is as it should be; one
        // that nothing puts into the container is not.
        let is_told = |(name, _): &&(String, String)| {
            name.ends_with("PASSWORD") && container.unmounted.contains(name)
        };
        let unmounted = container.unread.iter().filter(is_told);
        outcome.gaps.extend(
            unmounted
                .map(|(name, why)| Gap::new(format!("{name}_FILE of {}: {why}", container.name))),
        );
        let unread = project.unread.iter();
        let own = unread.filter(|(name, _)| *name == container.name);
        outcome.gaps.extend(own.map(|(_, reason)| Gap::new(reason)));
    }
    // A server that could be the one that is missing.
    if scene.is_sql() && scene.databases().next().is_none() {
        let strangers: Vec<&str> = scene
            .deployment
            .all()
            .filter(|(index, _, party)| {
                party.kind == Kind::Database
                    && party.owner.is_none()
                    && scene.deployment.services_of(*index).is_empty()
                    && !is_another_programs(&scene, *index)
            })
            .map(|(_, container, _)| container.name.as_str())
            .collect();
        if !strangers.is_empty() {
            outcome.gaps.push(Gap {
                reason: format!(
                    "{} is a PostgreSQL server, and nothing tells whether it is {service}'s",
                    strangers.join(", ")
                ),
                remedy: Some(advice(service)),
            });
        }
    }
    Ok(outcome)
}

/// Whether a server is that of a program which is no service: it makes the database that the program asks it for, and no service has one of
/// that name.
fn is_another_programs(scene: &Scene<'_>, server: usize) -> bool {
    let made = scene.container(server).and_then(|(container, _)| {
        let made = container.variable("POSTGRES_DB");
        made.or_else(|| container.variable("POSTGRES_USER"))?
            .value
            .get()
    });
    let Some(made) = made.filter(|made| !made.is_empty()) else {
        return false;
    };
    let is_a_services = scene
        .services
        .iter()
        .any(|service| service.database_name() == made || service.role_name() == Some(made));
    let mut programs = scene
        .deployment
        .all()
        .filter(|(_, _, party)| party.kind == Kind::Client && party.owner.is_none());
    !is_a_services
        && programs.any(|(index, _, party)| {
            party.connections.iter().any(|connection| {
                let asked = connection.database.as_ref().and_then(Text::get);
                asked == Some(made)
                    && scene
                        .deployment
                        .targets(index, connection)
                        .contains(&server)
            })
        })
}

/// Whether this service tells what Docker Compose refuses. What stands in no container keeps all of them from being looked at; what stands
/// in nobody's is told once.
fn tells(scene: &Scene<'_>, refused: &Refused) -> bool {
    if refused.container.is_none() {
        return true;
    }
    let mut all = scene.deployment.all();
    let owner = all.find_map(|(_, container, party)| {
        let is_it = refused.container.as_ref() == Some(&container.name);
        party.owner.filter(|_| is_it)
    });
    let everybody: Vec<usize> = (0..scene.services.len()).collect();
    owner.map_or_else(|| scene.tells(&everybody), |owner| owner == scene.own)
}

fn advice(service: &str) -> String {
    format!(
        "name it in the manifest: container = \"…\" (its database) or app = \"…\" (itself) below [services.{service}]"
    )
}

/// The parts of a connection that only the host knows, as far as they tell whose database it leads to.
fn unknown_parts(scene: &Scene<'_>, connection: &Connection) -> Option<String> {
    let is_open = |text: &&Text| text.get().is_none();
    // What the service's own container is told in the same words is the same.
    let as_its_own = |text: &&Text, name: &str| {
        scene.databases().any(|(_, own)| {
            own.variable(name)
                .is_some_and(|own| own.value.raw() == text.raw())
        })
    };
    // In a shared server the host tells nothing.
    let host = connection
        .hosts
        .iter()
        .filter(|_| scene.topology != Topology::Shared)
        .map(|host| &host.name)
        .find(is_open)
        .map(|host| ("host", host));
    // An administrator's way in names another role, and a database that is only where to start.
    let names = (!is_the_admins(scene, connection)).then(|| {
        let open = |text: &'_ Option<Text>, name: &str| {
            text.as_ref()
                .is_some_and(|text| is_open(&text) && !as_its_own(&text, name))
        };
        [
            ("database", &connection.database, "POSTGRES_DB"),
            ("role", &connection.role, "POSTGRES_USER"),
        ]
        .into_iter()
        .filter(|(_, text, name)| open(text, name))
        .filter_map(|(part, text, _)| Some((part, text.as_ref()?)))
        .collect::<Vec<_>>()
    });
    let parts: Vec<String> = host
        .into_iter()
        .chain(names.into_iter().flatten())
        .map(|(part, text)| format!("{part} {}", text.shown()))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// An optional service whose variable is not set does without a database.
fn is_excused(scene: &Scene<'_>, connection: &Connection) -> bool {
    matches!(&scene.service.target, Target::NotConfigured { variables } if variables.contains(&connection.from))
}
