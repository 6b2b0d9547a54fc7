//! What containers are told to connect to.

use super::{Scene, Words, finding, of};
use crate::compose::{Connection, Container, Host, Kind, Text};
use crate::manifest::{Store, Topology};
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Verdict};

/// A container is told to connect to another service's server or database, or as another role.
pub(super) const WRONG_CONNECTION: Rule = Rule {
    id: "compose/wrong-connection",
    severity: Severity::Error,
    summary: "Does every container connect to its own service's database, as its role?",
    help: include_str!("../help/compose-wrong-connection.md"),
    scope: Scope::Container,
    check: wrong_connection,
};

fn wrong_connection(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case).filter(Scene::is_sql) else {
        return Ok(Outcome::default());
    };
    let mut findings = Vec::new();
    for (index, container, party) in scene.clients() {
        let names_database = party
            .connections
            .iter()
            .any(|connection| connection.database.is_some());
        for connection in party.connections.iter().filter(|it| it.unread.is_none()) {
            let mut wrong = Wrong::default();
            wrong_host(&scene, index, connection, &mut wrong);
            // An administrator's way in names another role, and a database that is only where to start.
            if !is_the_admins(&scene, connection) {
                wrong_database(&scene, connection, &mut wrong);
                wrong_role(&scene, connection, &mut wrong);
                if !names_database {
                    no_database(&scene, connection, &mut wrong);
                }
            }
            if !wrong.parts.is_empty() {
                findings.push(wrong.finding(&scene, container, connection));
            }
        }
    }
    Ok(findings.into())
}

/// Whether the connection is in the variable that the manifest reads the service's `admin_url` from.
pub(super) fn is_the_admins(scene: &Scene<'_>, connection: &Connection) -> bool {
    let variables = &scene.service.variables;
    variables
        .iter()
        .any(|(key, names)| *key == "admin_url" && names.contains(&connection.from))
}

/// What is wrong with one connection.
#[derive(Default)]
struct Wrong {
    parts: Vec<String>,
    expected: Vec<String>,
    actual: Vec<String>,
    belongs_to: Option<String>,
}

impl Wrong {
    fn add(&mut self, part: String, expected: String, actual: String, owner: Option<&str>) {
        self.parts.push(part);
        self.expected.push(expected);
        self.actual.push(actual);
        if self.belongs_to.is_none() {
            self.belongs_to = owner.map(str::to_owned);
        }
    }

    fn finding(self, scene: &Scene<'_>, container: &Container, connection: &Connection) -> Finding {
        let name = &container.name;
        let words = Words {
            message: format!(
                "{} connects {} ({})",
                of(container, &scene.service.name),
                self.parts.join(" and "),
                connection.from
            ),
            expected: self.expected.join(", "),
            actual: self.actual.join(", "),
            remedy: format!(
                "Correct {} of {name}: {}.",
                connection.from,
                self.expected.join(", ")
            ),
        };
        let found = finding(&WRONG_CONNECTION, container, &connection.place, words);
        match self.belongs_to {
            Some(owner) => found.belongs_to(owner),
            None => found,
        }
    }
}

/// The servers of other services that a connection leads to. A host that leads to the service's own as well, as a name in several
/// networks may, is no sign.
pub(super) fn foreign_servers<'a>(
    scene: &Scene<'a>,
    client: usize,
    connection: &Connection,
) -> Vec<(&'a Container, Option<usize>)> {
    let mut found: Vec<(&Container, Option<usize>)> = Vec::new();
    for host in &connection.hosts {
        let targets: Vec<_> = scene
            .deployment
            .targets_of(client, host)
            .into_iter()
            .filter_map(|target| scene.container(target))
            .map(|(container, party)| (container, party.owner))
            .collect();
        if targets.iter().any(|(_, owner)| *owner == Some(scene.own)) {
            continue;
        }
        found.extend(targets.into_iter().filter(|(_, owner)| owner.is_some()));
    }
    found
}

fn wrong_host(scene: &Scene<'_>, client: usize, connection: &Connection, wrong: &mut Wrong) {
    // In a shared server every service may be another's guest.
    if scene.topology == Topology::Shared {
        return;
    }
    let expected = scene
        .databases()
        .next()
        .map(|(_, own)| own.name.as_str())
        .or_else(|| Some(scene.service.container.as_ref()?.value.as_str()))
        .unwrap_or("a server of its own");
    let foreign = foreign_servers(scene, client, connection);
    if let Some((server, owner)) = foreign.first() {
        let owner = scene.name(*owner);
        wrong.add(
            format!("to container {} of {owner}", server.name),
            format!("host {expected}"),
            format!("host {}", server.name),
            Some(owner),
        );
        return;
    }
    if reaches_itself(scene, client, connection) {
        wrong.add(
            "to localhost, which is the container itself".to_owned(),
            format!("host {expected}"),
            "host localhost".to_owned(),
            None,
        );
        return;
    }
    // The other's container may be in a file that is not here.
    for host in connection.hosts.iter().filter_map(Host::get) {
        let is_other = |service: &crate::manifest::Service| {
            service
                .container
                .as_ref()
                .is_some_and(|name| name.value == host)
        };
        let is_here = scene
            .deployment
            .all()
            .any(|(_, container, _)| crate::compose::names(container).any(|name| name == host));
        if let Some(other) = scene.other(is_other).filter(|_| !is_here) {
            wrong.add(
                format!("to container {host} of {}", other.name),
                format!("host {expected}"),
                format!("host {host}"),
                Some(&other.name),
            );
            return;
        }
    }
}

/// Whether a connection ends in the container that makes it.
fn reaches_itself(scene: &Scene<'_>, client: usize, connection: &Connection) -> bool {
    let alone = scene
        .container(client)
        .is_some_and(|(container, _)| container.network_mode.is_none());
    let mut hosts = connection.hosts.iter().filter_map(Host::get);
    alone && hosts.any(|host| ["localhost", "127.0.0.1", "::1"].contains(&host))
}

fn wrong_database(scene: &Scene<'_>, connection: &Connection, wrong: &mut Wrong) {
    let own = scene.service.database_name();
    let Some(name) = connection
        .database
        .as_ref()
        .and_then(Text::get)
        .filter(|name| *name != own)
    else {
        return;
    };
    let other = scene.other(|service| service.database_name() == name);
    let whose = other.map_or_else(String::new, |other| format!(" of {}", other.name));
    wrong.add(
        format!("to database {name}{whose}"),
        format!("database {own}"),
        format!("database {name}"),
        other.map(|other| other.name.as_str()),
    );
}

fn no_database(scene: &Scene<'_>, connection: &Connection, wrong: &mut Wrong) {
    let own = scene.service.database_name();
    let role = connection.role.as_ref().and_then(Text::get);
    let Some(role) = role.filter(|role| *role != own && !connection.hosts.is_empty()) else {
        return;
    };
    wrong.add(
        format!("without a database's name, so to one named as the role, {role}"),
        format!("database {own}"),
        "no database".to_owned(),
        None,
    );
}

fn wrong_role(scene: &Scene<'_>, connection: &Connection, wrong: &mut Wrong) {
    let (Some(own), Some(role)) = (
        scene.service.role_name(),
        connection.role.as_ref().and_then(Text::get),
    ) else {
        return;
    };
    if role == own {
        return;
    }
    let other = scene.other(|service| service.role_name() == Some(role));
    let whose = other.map_or_else(String::new, |other| format!(" of {}", other.name));
    wrong.add(
        format!("as role {role}{whose}"),
        format!("role {own}"),
        format!("role {role}"),
        other.map(|other| other.name.as_str()),
    );
}

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
