//! A container that is nobody's and leads to several services' databases.

use super::{Scene, Words, finding};
use crate::compose::{Connection, Container, Kind, Party, Text};
use crate::manifest::Topology;
use crate::rules::{Case, Outcome, Rule, Scope, Severity, Verdict};

/// A container that belongs to no service connects to the databases of two.
pub(super) const COMMON_CLIENT: Rule = Rule {
    id: "compose/common-client",
    severity: Severity::Warning,
    summary: "Does no container that is no service's connect to the databases of two?",
    help: include_str!("../help/compose-common-client.md"),
    scope: Scope::Container,
    check: common_client,
};

fn common_client(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings = Vec::new();
    for (index, container, party) in scene.deployment.all() {
        if party.owner.is_some() || party.kind == Kind::Database || is_dbctl(container) {
            continue;
        }
        let doors = doors(&scene, index, party);
        let mut owners: Vec<usize> = doors.iter().map(|(owner, _)| *owner).collect();
        owners.sort_unstable();
        owners.dedup();
        if owners.len() < 2 || !scene.tells(&owners) {
            continue;
        }
        let told: Vec<String> = owners
            .iter()
            .map(|owner| {
                let from = doors.iter().filter(|(other, _)| other == owner);
                let from: Vec<&str> = from.map(|(_, from)| from.as_str()).collect();
                format!("{} ({})", scene.name(Some(*owner)), from.join(", "))
            })
            .collect();
        let told = told.join(" and ");
        let name = &container.name;
        findings.push(finding(
            &COMMON_CLIENT,
            container,
            &container.place,
            Words {
                message: format!(
                    "{name}, which is no service's, connects to the databases of {told}"
                ),
                expected: "one service's database for each container".to_owned(),
                actual: told,
                remedy: format!(
                    "Give each database a container of its own in place of {name}, with a role that may do no more than it needs; or accept it in the manifest, with the reason."
                ),
            },
        ));
    }
    Ok(findings.into())
}

/// dbctl itself is there to look after all of them.
fn is_dbctl(container: &Container) -> bool {
    container.image_name() == Some("dbctl")
}

/// The services whose databases a container connects to, each with where that is written.
fn doors(scene: &Scene<'_>, index: usize, party: &Party) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for connection in party.connections.iter().chain(&party.calls) {
        for owner in leads_to(scene, index, connection) {
            let door = (owner, connection.from.clone());
            if !found.contains(&door) {
                found.push(door);
            }
        }
    }
    found
}

/// The services that a connection leads to: by its database, its hosts, and where it has neither by its role.
fn leads_to(scene: &Scene<'_>, index: usize, connection: &Connection) -> Vec<usize> {
    let named = |part: &Option<Text>, is: &dyn Fn(usize, &str) -> bool| -> Vec<usize> {
        let name = part.as_ref().and_then(Text::get);
        let services = 0..scene.services.len();
        services
            .filter(|owner| name.is_some_and(|name| is(*owner, name)))
            .collect()
    };
    let mut found = named(&connection.database, &|owner, name| {
        scene
            .services
            .get(owner)
            .is_some_and(|service| service.database_name() == name)
    });
    // In a shared server the host tells nothing.
    if scene.topology != Topology::Shared {
        let targets = scene.deployment.targets(index, connection);
        let parties = targets.into_iter().filter_map(|at| scene.container(at));
        found.extend(parties.filter_map(|(_, party)| party.owner));
    }
    if found.is_empty() {
        found = named(&connection.role, &|owner, name| {
            scene
                .services
                .get(owner)
                .is_some_and(|service| service.role_name() == Some(name))
        });
    }
    found
}
