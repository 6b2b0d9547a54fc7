//! What containers are told to connect to.

use super::server::is_one_container;
use super::{Scene, Words, finding, of};
use crate::compose::{Barrier, Connection, Container, Host, Text};
use crate::manifest::{Service, Target, Topology};
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

/// The database that every server has, to start from.
const EVERYBODYS: &str = "postgres";

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
            if wrong.parts.is_empty() && reaches_itself(&scene, index, connection) {
                wrong.add(
                    "to localhost, which is the container itself".to_owned(),
                    format!("host {}", own_host(&scene)),
                    "host localhost".to_owned(),
                    None,
                );
            }
            // An administrator's way in names another role, and a database that is only where to start.
            if !is_the_admins(&scene, connection) {
                // A tool beside the service, such as an exporter of figures, is at home in the database that every server has.
                let is_common =
                    connection.database.as_ref().and_then(Text::get) == Some(EVERYBODYS);
                if party.by_name || !is_common || wrong.belongs_to.is_some() {
                    wrong_database(&scene, connection, &mut wrong);
                }
                wrong_role(&scene, connection, &mut wrong);
                wrong_options(&scene, connection, &mut wrong);
                if !names_database {
                    no_database(&scene, connection, &mut wrong);
                }
            }
            if wrong.parts.is_empty() {
                diverted(&scene, index, connection, &mut wrong);
            }
            if wrong.parts.is_empty() {
                unreachable(&scene, index, connection, &mut wrong);
            }
            if !wrong.parts.is_empty() {
                let found = wrong.finding(&scene, container, connection);
                // What several containers take from one place, by an anchor, extends or a file, is one fault.
                let is_told =
                    |told: &Finding| told.location == found.location && told.actual == found.actual;
                if !findings.iter().any(is_told) {
                    findings.push(found);
                }
            } else if let Some((host, why, severity)) = stranger(&scene, index, connection) {
                let mut wrong = Wrong::default();
                wrong.add(
                    format!("to {host}, {why}"),
                    format!("host {}", own_host(&scene)),
                    format!("host {host}"),
                    None,
                );
                findings.push(
                    wrong
                        .finding(&scene, container, connection)
                        .severity(severity),
                );
            }
        }
    }
    for (index, container, party) in scene.deployment.of(scene.own) {
        for call in party.calls.iter().filter(|it| it.unread.is_none()) {
            let wrong = wrong_call(&scene, index, call);
            // What a variable says wrongly and a call repeats is one fault.
            let told = |found: &Finding| {
                found.about.name == container.name && found.belongs_to == wrong.belongs_to
            };
            if !wrong.parts.is_empty() && !findings.iter().any(told) {
                findings.push(wrong.finding(&scene, container, call));
            }
        }
    }
    Ok(findings.into())
}

/// What is another service's in a call of PostgreSQL's programs. What is nobody's may be an administrator's.
fn wrong_call(scene: &Scene<'_>, index: usize, call: &Connection) -> Wrong {
    let mut wrong = Wrong::default();
    wrong_host(scene, index, call, &mut wrong);
    let named = |part: &Option<Text>, is: &dyn Fn(&Service, &str) -> bool| {
        let name = part.as_ref().and_then(Text::get);
        name.is_some_and(|name| scene.other(|other| is(other, name)).is_some())
    };
    if named(&call.database, &|other, name| other.database_name() == name) {
        wrong_database(scene, call, &mut wrong);
    }
    if named(&call.role, &|other, name| other.role_name() == Some(name)) {
        wrong_role(scene, call, &mut wrong);
    }
    wrong
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

/// The host under which a service's containers find its database.
fn own_host<'a>(scene: &Scene<'a>) -> &'a str {
    scene
        .databases()
        .next()
        .map(|(_, own)| own.name.as_str())
        .or_else(|| Some(scene.service.container.as_ref()?.value.as_str()))
        .unwrap_or("a server of its own")
}

fn wrong_host(scene: &Scene<'_>, client: usize, connection: &Connection, wrong: &mut Wrong) {
    // In a shared server every service may be another's guest.
    if scene.topology == Topology::Shared {
        return;
    }
    let expected = own_host(scene);
    let foreign = foreign_servers(scene, client, connection);
    // One that the manifest names for this service as well is no wrong way: compose/shared-server tells of the two.
    let is_own = |owner: Option<usize>| {
        let theirs = owner.and_then(|owner| scene.services.get(owner));
        theirs.is_some_and(|theirs| is_one_container(scene.service, theirs))
    };
    let foreign = foreign.iter().find(|(_, owner)| !is_own(*owner));
    if let Some((server, owner)) = foreign {
        let owner = scene.name(*owner);
        wrong.add(
            format!("to container {} of {owner}", server.name),
            format!("host {expected}"),
            format!("host {}", server.name),
            Some(owner),
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
        let is_here = || {
            let mut all = scene.deployment.all();
            all.any(|(_, container, _)| crate::compose::names(container).any(|name| name == host))
        };
        if let Some(other) = scene
            .other(is_other)
            .filter(|other| !is_one_container(scene.service, other) && !is_here())
        {
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

/// A database's container whose name the client's own `extra_hosts` send elsewhere.
fn diverted(scene: &Scene<'_>, client: usize, connection: &Connection, wrong: &mut Wrong) {
    let hosts = connection.hosts.iter();
    let known = hosts.filter_map(|host| Some((host.get()?, host.port()?)));
    let mut diverted = known.filter_map(|(host, port)| {
        let address = scene.deployment.diverted(client, host, port)?;
        (!is_the_manifests(scene, address)).then_some((host, address))
    });
    if let Some((host, address)) = diverted.next() {
        wrong.add(
            format!("to {host}, which its extra_hosts send to {address}, past the container of that name"),
            format!("no extra_hosts for {host}"),
            format!("{host} at {address}"),
            None,
        );
    }
}

/// A host that is the right one, and that no network of the container leads to.
fn unreachable(scene: &Scene<'_>, client: usize, connection: &Connection, wrong: &mut Wrong) {
    let hosts = connection.hosts.iter();
    let known = hosts.filter_map(|host| Some((host.get()?, host.port()?)));
    let mut barred = known
        .filter_map(|(host, port)| Some((host, scene.deployment.barrier(client, host, port)?)));
    if let Some((host, barrier)) = barred.next() {
        let (why, expected) = match barrier {
            Barrier::Without => (
                "though it has no network (network_mode: none)".to_owned(),
                format!("a network that {host} is in"),
            ),
            Barrier::OtherWithout => (
                "which has no network (network_mode: none)".to_owned(),
                format!("a network for {host}"),
            ),
            Barrier::OnHost => (
                "a name that is not known in the host's network (network_mode: host)".to_owned(),
                "localhost and the published port, or a network".to_owned(),
            ),
            Barrier::OtherOnHost => (
                "which is in the host's network (network_mode: host), where no name leads"
                    .to_owned(),
                "host.docker.internal, or a network for both".to_owned(),
            ),
            Barrier::Apart => (
                "with which it has no network in common".to_owned(),
                format!("a network that {host} is in as well"),
            ),
        };
        wrong.add(
            format!("to {host}, {why}"),
            expected,
            format!("host {host}"),
            None,
        );
    }
}

/// A host that is no container and not the manifest's either, with what it may be.
fn stranger<'a>(
    scene: &Scene<'_>,
    client: usize,
    connection: &'a Connection,
) -> Option<(&'a str, String, Severity)> {
    /// Letters by which a mistyped name differs at most.
    const TYPO: usize = 2;
    if scene.topology == Topology::Shared {
        return None;
    }
    let (container, _) = scene.container(client)?;
    let hosts = connection
        .hosts
        .iter()
        .filter_map(|host| Some((host.get()?, host.port()?)));
    for (host, port) in hosts {
        let is_path = host.starts_with(['/', '@']);
        let is_known = is_path
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
            || host.eq_ignore_ascii_case("localhost")
            || is_the_manifests(scene, host)
            || container
                .extra_hosts
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(host))
            || crate::compose::is_host_name(host)
            || !scene.deployment.reached(client, host, port).is_empty();
        if is_known {
            continue;
        }
        let near = scene
            .deployment
            .all()
            .flat_map(|(_, other, _)| crate::compose::names(other))
            .find(|name| {
                let distance =
                    strsim::damerau_levenshtein(&name.to_lowercase(), &host.to_lowercase());
                (1..=TYPO).contains(&distance)
            });
        return Some(match near {
            Some(near) => (
                host,
                format!("which is no container of the compose files (did you mean {near}?)"),
                Severity::Warning,
            ),
            None if !host.contains(['.', ':']) => (
                host,
                "which is no container of the compose files".to_owned(),
                Severity::Warning,
            ),
            // Where the service's own server is in no file, this may well be it.
            None if scene.databases().next().is_none() => return None,
            None => (
                host,
                "which is no container of the compose files and not the manifest's address"
                    .to_owned(),
                Severity::Info,
            ),
        });
    }
    None
}

/// Whether the manifest has this host for the service's own database.
fn is_the_manifests(scene: &Scene<'_>, host: &str) -> bool {
    let container = scene.service.container.as_ref();
    let is_container = container.is_some_and(|own| own.value.eq_ignore_ascii_case(host));
    let is_target = match &scene.service.target {
        Target::Database(endpoint) => endpoint
            .value
            .hosts
            .iter()
            .any(|own| own.name.eq_ignore_ascii_case(host)),
        Target::NotConfigured { .. } | Target::Files => false,
    };
    is_container || is_target
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

/// What `options` of the connection switch to: another service's role, or a schema that is called after another service.
fn wrong_options(scene: &Scene<'_>, connection: &Connection, wrong: &mut Wrong) {
    for parameter in ["role", "session_authorization"] {
        let role = connection.option(parameter).unwrap_or_default();
        let role = role.trim_matches(['"', '\'']);
        let is_own = scene.service.role_name() == Some(role);
        let other = scene.other(|service| service.role_name() == Some(role));
        if let Some(other) = other.filter(|_| !is_own) {
            wrong.add(
                format!("as role {role} of {} by its options", other.name),
                format!("no {parameter} in options"),
                format!("{parameter} {role}"),
                Some(&other.name),
            );
        }
    }
    let path = connection.option("search_path").unwrap_or_default();
    let mut schemas = path
        .split(',')
        .map(|schema| schema.trim().trim_matches(['"', '\'']));
    let found = schemas.find_map(|schema| {
        let is_after = |service: &Service| is_called_after(schema, service);
        let other = scene.other(is_after)?;
        (!is_after(scene.service)).then_some((schema, other))
    });
    if let Some((schema, other)) = found {
        wrong.add(
            format!("with search_path {schema}, a schema of {}", other.name),
            "no search_path in options".to_owned(),
            format!("search_path {schema}"),
            Some(&other.name),
        );
    }
}

/// Whether a schema bears the name of a service, its set, its database or its role, as for the rules about sets.
fn is_called_after(schema: &str, service: &Service) -> bool {
    let set = service.set.as_ref().map(|set| set.value.as_str());
    let names = [
        Some(service.name.as_str()),
        set,
        Some(service.database_name()),
        service.role_name(),
    ];
    let mut names = names.into_iter().flatten();
    !schema.is_empty()
        && schema != "public"
        && names.any(|name| name == schema || name.replace('-', "_") == schema)
}
