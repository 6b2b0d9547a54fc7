//! Ports: one for two servers, another than the manifest's, open to everybody.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::{Scene, Side, Words, apart, finding};
use crate::compose::{Container, Kind, Place, Port, server_port};
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Verdict};

/// Two containers want one port of the host.
pub(super) const PORT_CONFLICT: Rule = Rule {
    id: "compose/port-conflict",
    severity: Severity::Error,
    summary: "Does every database have a port of the host of its own?",
    help: include_str!("../help/compose-port-conflict.md"),
    scope: Scope::Container,
    check: port_conflict,
};

/// A port of the host that leads to a container.
pub(super) struct Published<'a> {
    /// `None`: on all addresses.
    address: Option<String>,
    /// `None`: not known, compared as it is written.
    pub(super) ports: Option<RangeInclusive<u16>>,
    pub(super) written: String,
    protocol: &'a str,
    host_network: bool,
    place: &'a Place,
}

/// Whether an address stands for all of the host's, however it is written.
fn is_any(address: &str) -> bool {
    let parsed: Result<IpAddr, _> = address.parse();
    ["*", ""].contains(&address) || parsed.is_ok_and(|address| address.is_unspecified())
}

/// An address in its one spelling, if it is one.
fn spelt(address: &str) -> String {
    let parsed: Result<IpAddr, _> = address.parse();
    parsed.map_or_else(|_| address.to_owned(), |address| address.to_string())
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// The ports of the host that lead to a container.
pub(super) fn published<'a>(side: &Side<'a>) -> Vec<Published<'a>> {
    let container = side.container;
    if container.is_on_host_network() {
        let server = side.is_database().then(|| server_port(container)).flatten();
        return server
            .map(|port| Published {
                address: None,
                ports: Some(port..=port),
                written: port.to_string(),
                protocol: "tcp",
                host_network: true,
                place: container
                    .network_mode
                    .as_ref()
                    .map_or(&container.place, |mode| &mode.place),
            })
            .into_iter()
            .collect();
    }
    container
        .ports
        .iter()
        .filter_map(|port| {
            let written = port.published.as_ref()?;
            Some(Published {
                address: port
                    .address
                    .as_ref()
                    .map(crate::compose::Text::shown)
                    .filter(|address| !is_any(address))
                    .map(|address| spelt(&address)),
                ports: written.get().and_then(range),
                written: written.shown(),
                protocol: &port.protocol,
                host_network: false,
                place: &port.place,
            })
        })
        .collect()
}

fn collide(one: &Published<'_>, other: &Published<'_>) -> bool {
    let ports = match (&one.ports, &other.ports) {
        (Some(one), Some(other)) => one.start() <= other.end() && other.start() <= one.end(),
        _ => one.written == other.written,
    };
    let addresses =
        one.address.is_none() || other.address.is_none() || one.address == other.address;
    ports && addresses && one.protocol == other.protocol
}

/// The first port that two containers both want.
fn collision<'a>(one: &Side<'a>, other: &Side<'a>) -> Option<(Published<'a>, Published<'a>)> {
    if !one.is_database() && !other.is_database() {
        return None;
    }
    let others = published(other);
    published(one).into_iter().find_map(|first| {
        let at = others.iter().position(|second| collide(&first, second))?;
        let second = published(other).into_iter().nth(at)?;
        Some((first, second))
    })
}

fn port_conflict(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings: Vec<Finding> = Vec::new();
    for (one, other) in scene.pairs() {
        let Some((first, second)) = collision(&one, &other) else {
            continue;
        };
        let never_together = apart(one.container, other.container);
        if never_together && one.party.owner == other.party.owner {
            continue;
        }
        let (a, b) = (&one.container.name, &other.container.name);
        let port = &second.written;
        let how = match (first.host_network, second.host_network) {
            (true, true) => format!("both use the host network and port {port}"),
            (false, false) => format!("both publish port {port} of the host"),
            _ => format!("both use port {port} of the host, one of them by the host network"),
        };
        let words = Words {
            message: format!(
                "{a} ({}) and {b} ({}) {how}: the second does not start, and its clients reach the first",
                scene.name(one.party.owner),
                scene.name(other.party.owner)
            ),
            expected: "a port of the host for each".to_owned(),
            actual: format!("port {port} for both"),
            remedy: format!(
                "Publish {b} on a port of its own; the manifest's port is where dbctl looks for it."
            ),
        };
        let found = finding(&PORT_CONFLICT, other.container, second.place, words);
        findings.push(if never_together {
            found.severity(Severity::Info)
        } else {
            found
        });
    }
    Ok(findings.into())
}

/// A database is published on another port than the manifest's, or asked for on one that it does not listen on.
pub(super) const UNEXPECTED_PORT: Rule = Rule {
    id: "compose/unexpected-port",
    severity: Severity::Error,
    summary: "Is every database published and asked for on the port that is its own?",
    help: include_str!("../help/compose-unexpected-port.md"),
    scope: Scope::Container,
    check: unexpected_port,
};

/// PostgreSQL is asked over TCP alone.
fn is_the_servers(port: &Port) -> bool {
    port.protocol == "tcp"
}

fn is_local(host: &str) -> bool {
    ["localhost", "127.0.0.1", "::1"].contains(&host)
}

/// The port of the host on which the manifest looks for the service.
fn expected(service: &crate::manifest::Service) -> Option<u16> {
    let hosts = &service.endpoint()?.hosts;
    match hosts.as_slice() {
        [host] if is_local(&host.name) => Some(host.port),
        _ => None,
    }
}

fn unexpected_port(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings = Vec::new();
    for (index, container) in scene.databases() {
        findings.extend(elsewhere(&scene, index, container));
    }
    for (index, container, party) in scene.clients() {
        for connection in &party.connections {
            let asked = connection.hosts.iter().filter(|host| host.port.is_some());
            let leads = asked.filter_map(|host| Some((host.get()?, host.port()?)));
            let targets = leads.flat_map(|(host, port)| {
                // Within the network, where the host's ports do not count.
                let reached = scene.deployment.reached(index, host, 0).into_iter();
                reached.map(move |target| (port, target))
            });
            for (port, target) in targets {
                let Some((server, _)) = scene
                    .container(target)
                    .filter(|(_, party)| party.kind == Kind::Database)
                else {
                    continue;
                };
                let Some(listens) = server_port(server).filter(|listens| *listens != port) else {
                    continue;
                };
                findings.push(finding(
                    &UNEXPECTED_PORT,
                    container,
                    &connection.place,
                    Words {
                        message: format!(
                            "{} connects to {} on port {port} ({}), where it listens on {listens}: the host's port does not count inside the network",
                            container.name, server.name, connection.from
                        ),
                        expected: listens.to_string(),
                        actual: port.to_string(),
                        remedy: format!("Write {}:{listens} in {}.", server.name, connection.from),
                    },
                ));
            }
        }
    }
    Ok(findings.into())
}

fn elsewhere(scene: &Scene<'_>, index: usize, container: &Container) -> Option<Finding> {
    let expected_port = expected(scene.service)?;
    let listens = server_port(container)?;
    let (_, party) = scene.container(index)?;
    let own = Side { container, party };
    // A port that two want is that one fault.
    let conflicts = scene.deployment.all().any(|(other, beside, party)| {
        other != index
            && collision(
                &own,
                &Side {
                    container: beside,
                    party,
                },
            )
            .is_some()
    });
    let ports: Vec<(u16, &Place)> = container
        .ports
        .iter()
        .filter(|port| is_the_servers(port))
        .filter(|port| port.target.get().and_then(|target| target.parse().ok()) == Some(listens))
        .filter_map(|port| Some((port.published.as_ref()?.get()?.parse().ok()?, &port.place)))
        .collect();
    // Two services that share a server are both looked for on its port.
    let others = |port: u16| {
        scene
            .other(|service| expected(service) == Some(port))
            .filter(|_| port != expected_port)
    };
    // A second port of its own is nobody's business; the one where another service is looked for is.
    let is_there = ports.iter().any(|(port, _)| *port == expected_port);
    let borrowed = ports.iter().find(|(port, _)| others(*port).is_some());
    if !is_there && borrowed.is_none() && ports.is_empty() {
        return anew(scene, container, listens, expected_port);
    }
    let (port, place) = *borrowed.or(ports.first().filter(|_| !is_there))?;
    if conflicts {
        return None;
    }
    let other = others(port);
    let whose = other.map_or_else(String::new, |other| format!(", the port of {}", other.name));
    let name = &container.name;
    let found = finding(
        &UNEXPECTED_PORT,
        container,
        place,
        Words {
            message: format!(
                "{name} is published on port {port}{whose}; {} is expected on {expected_port}",
                scene.service.name
            ),
            expected: expected_port.to_string(),
            actual: port.to_string(),
            remedy: format!(
                "Publish {name} on {expected_port}, or give {} this port in the manifest.",
                scene.service.name
            ),
        },
    );
    Some(match other {
        Some(other) => found.belongs_to(&other.name),
        None => found,
    })
}

/// A database whose port of the host is another one at every start: none is written, or a range to take one from.
fn anew(scene: &Scene<'_>, container: &Container, listens: u16, expected: u16) -> Option<Finding> {
    let is_free = |port: &&Port| {
        let target = port.target.get().and_then(|target| target.parse().ok());
        let written = port
            .published
            .as_ref()
            .map(|text| text.get().and_then(range));
        let is_open = match written {
            None => true,
            Some(ports) => ports.is_some_and(|ports| ports.start() != ports.end()),
        };
        target == Some(listens) && is_open
    };
    let port = container.ports.iter().find(is_free)?;
    let name = &container.name;
    let found = finding(
        &UNEXPECTED_PORT,
        container,
        &port.place,
        Words {
            message: format!(
                "{name} is published on a port that the engine chooses anew at every start; {} is expected on {expected}",
                scene.service.name
            ),
            expected: expected.to_string(),
            actual: "any free port".to_owned(),
            remedy: format!("Publish {name} on {expected}, as in 127.0.0.1:{expected}:{listens}."),
        },
    );
    Some(found.severity(Severity::Warning))
}

/// A database's port is open to the network.
pub(super) const OPEN_PORT: Rule = Rule {
    id: "compose/open-port",
    severity: Severity::Warning,
    summary: "Is every database published on chosen addresses only?",
    help: include_str!("../help/compose-open-port.md"),
    scope: Scope::Container,
    check: open_port,
};

fn open_port(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings = Vec::new();
    for (_, container) in scene.databases() {
        let mut ports = container.ports.iter().filter(|port| is_the_servers(port));
        let open = ports.find(|port| match &port.address {
            None => true,
            Some(address) => address.get().is_some_and(is_any),
        });
        let Some(port) = open.filter(|_| !container.is_on_host_network()) else {
            continue;
        };
        let written = port.published.as_ref().map_or_else(
            || "a free port".to_owned(),
            |text| format!("port {}", text.shown()),
        );
        let name = &container.name;
        findings.push(finding(
            &OPEN_PORT,
            container,
            &port.place,
            Words {
                message: format!("{name} publishes {written} on all addresses of the host, past its firewall"),
                expected: "an address, as in 127.0.0.1".to_owned(),
                actual: "all addresses".to_owned(),
                remedy: format!("Put 127.0.0.1: before the port of {name}, or leave the port out where only containers connect."),
            },
        ));
    }
    Ok(findings.into())
}
