//! Which container a host's name and port lead to.

use std::net::IpAddr;

use super::connection::{Connection, Host};
use super::container::Container;
use super::parties::{Deployment, Kind};

/// Names by which a container reaches the host.
const HOST_NAMES: [&str; 4] = [
    "host.docker.internal",
    "gateway.docker.internal",
    "host.containers.internal",
    "172.17.0.1",
];

impl Deployment {
    /// The containers that a client reaches under this host and port.
    #[must_use]
    pub fn reached(&self, client: usize, host: &str, port: u16) -> Vec<usize> {
        let Some(from) = self.project.containers.get(client) else {
            return Vec::new();
        };
        let asked = host.to_ascii_lowercase();
        // `extra_hosts` is read before any name server is asked.
        let host = from
            .extra_hosts
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&asked))
            .map_or(asked, |(_, address)| address.to_ascii_lowercase());
        let is_local = ["localhost", "127.0.0.1", "::1", "0.0.0.0"].contains(&host.as_str());
        let is_host = host == "host-gateway"
            || HOST_NAMES.contains(&host.as_str())
            || (is_local && from.is_on_host_network());
        if is_host {
            return self
                .all()
                .filter(|(_, container, _)| publishes(container, port))
                .map(|(index, _, _)| index)
                .collect();
        }
        if is_local {
            let own = self.namespace(from);
            let beside = |(index, container): (usize, &Container)| {
                (index != client && own.is_some() && self.namespace(container) == own)
                    .then_some(index)
            };
            let containers = self.project.containers.iter();
            return containers.enumerate().filter_map(beside).collect();
        }
        let name = from
            .links
            .iter()
            .find(|(alias, _)| alias.eq_ignore_ascii_case(&host))
            .map_or(host, |(_, service)| service.to_ascii_lowercase());
        self.all()
            .filter(|(index, container, _)| {
                *index != client
                    && names(container).any(|own| {
                        own.eq_ignore_ascii_case(&name)
                            // Docker also answers to `name.network`.
                            || container.networks.iter().any(|network| {
                                [&network.name, &network.engine_name].iter().any(|network| {
                                    name == format!("{own}.{network}").to_ascii_lowercase()
                                })
                            })
                    })
                    || has_address(container, &name)
            })
            .map(|(index, _, _)| index)
            .collect()
    }

    /// The container whose network namespace this one is in: itself, mostly. `None` where it is the host's.
    #[must_use]
    pub fn namespace<'a>(&'a self, container: &'a Container) -> Option<&'a str> {
        let mut at = container;
        // One that leads around in a ring never starts.
        for _ in &self.project.containers {
            let Some(beside) = at.beside() else {
                return (!at.is_on_host_network()).then_some(at.name.as_str());
            };
            let mut all = self.project.containers.iter();
            match all.find(|other| names(other).any(|name| name.eq_ignore_ascii_case(beside))) {
                Some(next) => at = next,
                None => return Some(beside),
            }
        }
        None
    }

    /// The databases that a connection leads to.
    #[must_use]
    pub fn targets(&self, client: usize, connection: &Connection) -> Vec<usize> {
        let hosts = connection.hosts.iter();
        let mut found: Vec<usize> = hosts
            .flat_map(|host| self.targets_of(client, host))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The databases that one host of a connection leads to.
    #[must_use]
    pub fn targets_of(&self, client: usize, host: &Host) -> Vec<usize> {
        let (Some(name), Some(port)) = (host.get(), host.port()) else {
            return Vec::new();
        };
        let mut found = self.reached(client, name, port);
        found.retain(|index| self.is_database(*index));
        found
    }

    /// The services whose containers connect to this database.
    #[must_use]
    pub fn services_of(&self, database: usize) -> Vec<usize> {
        let mut owners: Vec<usize> = self
            .all()
            .filter(|(index, _, party)| {
                party
                    .connections
                    .iter()
                    .any(|connection| self.targets(*index, connection).contains(&database))
            })
            .filter_map(|(_, _, party)| party.owner)
            .collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    fn is_database(&self, index: usize) -> bool {
        self.parties
            .get(index)
            .is_some_and(|party| party.kind == Kind::Database)
    }
}

/// Whether this is a name or address by which a container reaches the host.
#[must_use]
pub fn is_host_name(name: &str) -> bool {
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    HOST_NAMES.iter().any(is)
}

/// The names under which other containers find this one (Docker documentation, "Networking in Compose").
pub fn names(container: &Container) -> impl Iterator<Item = &str> {
    let aliases = container
        .networks
        .iter()
        .flat_map(|network| &network.aliases);
    std::iter::once(container.name.as_str())
        .chain(container.container_name.iter().map(|name| name.text.raw()))
        .chain(container.default_names.iter().map(String::as_str))
        .chain(container.hostname.iter().map(|name| name.text.raw()))
        .chain(aliases.map(|alias| alias.text.raw()))
}

/// Whether a container was given this address.
fn has_address(container: &Container, address: &str) -> bool {
    let Ok(asked) = address.parse::<IpAddr>() else {
        return false;
    };
    let networks = container.networks.iter();
    networks
        .flat_map(|network| &network.addresses)
        .any(|own| own.text.get().and_then(|own| own.parse().ok()) == Some(asked))
}

/// Whether the host's port leads to this container.
fn publishes(container: &Container, port: u16) -> bool {
    if container.is_on_host_network() {
        return server_port(container) == Some(port);
    }
    container.ports.iter().any(|published| {
        let known = published.published.as_ref().and_then(|text| text.get());
        known.is_some_and(|text| spans(text, port))
    })
}

/// Whether a port is this one, or in this range (`5432-5434`).
fn spans(written: &str, port: u16) -> bool {
    let (first, last) = written.split_once('-').unwrap_or((written, written));
    match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
        (Ok(first), Ok(last)) => (first..=last).contains(&port),
        _ => false,
    }
}

/// The port that a server listens on in its container, if that is known.
#[must_use]
pub fn server_port(container: &Container) -> Option<u16> {
    let named = container
        .variable("PGPORT")
        .map(|variable| variable.value.raw().to_owned());
    let mut words = container
        .command
        .iter()
        .flat_map(|field| field.text.raw().split_whitespace());
    let mut flag = None;
    while let Some(word) = words.next() {
        // `-p 5433`, `-p5433`, `--port 5433`, `--port=5433`, `-c port=5433` (PostgreSQL documentation, "postgres").
        if ["-p", "--port"].contains(&word) {
            flag = words.next().map(str::to_owned);
        } else if let Some(port) = ["--port=", "-cport=", "port=", "-p"]
            .iter()
            .find_map(|begin| word.strip_prefix(begin))
        {
            flag = Some(port.to_owned());
        }
    }
    flag.or(named)
        .map_or(Some(crate::manifest::DEFAULT_PORT), |port| {
            port.parse().ok()
        })
}
