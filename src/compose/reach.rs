//! Which container a host's name and port lead to.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::OnceLock;

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

/// Who is found under a name: looking through all containers for each would take the square of a large file.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// Names and addresses, in lower case.
    by_name: HashMap<String, Vec<usize>>,
    /// Those that are found under a port of the host.
    publishing: Vec<usize>,
    /// For each container, those that connect to it.
    clients: OnceLock<Vec<Vec<usize>>>,
}

impl Index {
    fn new(containers: &[Container]) -> Self {
        let mut index = Self::default();
        for (at, container) in containers.iter().enumerate() {
            let mut called: BTreeSet<String> = BTreeSet::new();
            for name in names(container) {
                let name = name.to_ascii_lowercase();
                // Docker also answers to `name.network`.
                for network in &container.networks {
                    for network in [&network.name, &network.engine_name] {
                        called.insert(format!("{name}.{network}").to_ascii_lowercase());
                    }
                }
                called.insert(name);
            }
            let networks = container.networks.iter();
            let addresses = networks.flat_map(|network| &network.addresses);
            let known = addresses.filter_map(|own| own.text.get()?.parse::<IpAddr>().ok());
            called.extend(known.map(|address| address.to_string()));
            for name in called {
                index.by_name.entry(name).or_default().push(at);
            }
            if container.is_on_host_network() || !container.ports.is_empty() {
                index.publishing.push(at);
            }
        }
        index
    }
}

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
            let all = self.index().publishing.iter().copied();
            return all
                .filter(|at| {
                    let mut found = self.project.containers.get(*at).into_iter();
                    found.any(|container| publishes(container, port))
                })
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
        let name = match name.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => name,
        };
        let named = self.index().by_name.get(&name).into_iter().flatten();
        named.copied().filter(|index| *index != client).collect()
    }

    /// What keeps a container from a host that it asks by name or address: `None` where nothing does, as far as the files tell.
    #[must_use]
    pub fn barrier(&self, client: usize, host: &str, port: u16) -> Option<Barrier> {
        let from = self.root(self.project.containers.get(client)?)?;
        let mode = from.mode()?;
        let is_asked = |(name, _): &(String, String)| name.eq_ignore_ascii_case(host);
        let is_local = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            || host.eq_ignore_ascii_case("localhost")
            || host.starts_with(['/', '@']);
        if is_local {
            return None;
        }
        if mode == "none" {
            return Some(Barrier::Without);
        }
        // Links and hosts of its own lead where no network does.
        if is_host_name(host) || from.extra_hosts.iter().any(is_asked) || !from.links.is_empty() {
            return None;
        }
        let mut barrier = None;
        for reached in self.reached(client, host, port) {
            let to = self.root(self.project.containers.get(reached)?)?;
            barrier = Some(between(from, to, host)?);
        }
        barrier
    }

    /// The address to which `extra_hosts` of a container send the name of another, where that does not lead to it.
    #[must_use]
    pub fn diverted(&self, client: usize, host: &str, port: u16) -> Option<&str> {
        let from = self.project.containers.get(client)?;
        // The host's network knows no container by name, so there they say where it is.
        if from.is_on_host_network() {
            return None;
        }
        let mut hosts = from.extra_hosts.iter();
        let (_, address) = hosts.find(|(name, _)| name.eq_ignore_ascii_case(host))?;
        // Nobody tells where a variable leads that is not set.
        if address.contains('$') {
            return None;
        }
        let asked = host.to_ascii_lowercase();
        let meant = self.index().by_name.get(&asked)?;
        let reached = self.reached(client, host, port);
        let database = meant.iter().any(|index| self.is_database(*index));
        (database && !meant.iter().any(|index| reached.contains(index))).then_some(address)
    }

    /// The container whose network namespace this one is in; `None` where it is in no file.
    fn root<'a>(&'a self, container: &'a Container) -> Option<&'a Container> {
        if container.beside().is_none() {
            return Some(container);
        }
        let mut at = container;
        for _ in &self.project.containers {
            let Some(beside) = at.beside() else {
                return Some(at);
            };
            let mut all = self.project.containers.iter();
            at = all.find(|other| names(other).any(|name| name.eq_ignore_ascii_case(beside)))?;
        }
        None
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
        let clients = self.index().clients.get_or_init(|| self.clients_of_all());
        let clients = clients.get(database).into_iter().flatten();
        let mut owners: Vec<usize> = clients
            .filter_map(|client| self.parties.get(*client)?.owner)
            .collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// The containers that connect to each container.
    fn clients_of_all(&self) -> Vec<Vec<usize>> {
        let mut clients = vec![Vec::new(); self.project.containers.len()];
        for (client, _, party) in self.all() {
            for connection in &party.connections {
                for target in self.targets(client, connection) {
                    if let Some(clients) = clients.get_mut(target) {
                        clients.push(client);
                    }
                }
            }
        }
        clients
    }

    fn index(&self) -> &Index {
        self.index
            .get_or_init(|| Index::new(&self.project.containers))
    }

    fn is_database(&self, index: usize) -> bool {
        self.parties
            .get(index)
            .is_some_and(|party| party.kind == Kind::Database)
    }
}

/// What keeps one container from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    /// It has no network itself (`network_mode: none`).
    Without,
    /// The other has none.
    OtherWithout,
    /// It is in the host's network, where no container's name is known.
    OnHost,
    /// The other is.
    OtherOnHost,
    /// They are in no common network.
    Apart,
}

/// What keeps one from the other; `None` where nothing does, or the files do not tell.
fn between(from: &Container, to: &Container, host: &str) -> Option<Barrier> {
    if std::ptr::eq(from, to) {
        return None;
    }
    let is_address = host.parse::<IpAddr>().is_ok();
    match (from.mode()?, to.mode()?) {
        (_, "none") => Some(Barrier::OtherWithout),
        // The host itself finds the addresses of its containers.
        ("host", _) if is_address => None,
        ("host", _) => Some(Barrier::OnHost),
        (_, "host") => Some(Barrier::OtherOnHost),
        ("", "") => {
            let meets = from.networks.iter().any(|own| {
                let mut others = to.networks.iter();
                others.any(|other| other.engine_name == own.engine_name)
            });
            (!meets).then_some(Barrier::Apart)
        }
        _ => None,
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
