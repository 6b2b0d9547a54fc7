//! Who is who: which container is which service's, and what it is.

use std::net::IpAddr;

use super::configured;
use super::connection::{self, Connection, Host};
use super::container::Container;
use super::load::Project;
use super::provided::Grant;
use crate::manifest::{Manifest, Service};

/// The endings of a database container's name, after its service's.
const ENDS: [&str; 8] = [
    "-db",
    "_db",
    "-postgres",
    "-postgresql",
    "-timescaledb",
    "-timescale",
    "-database",
    "-pg",
];
/// Names by which a container reaches the host.
const HOST_NAMES: [&str; 4] = [
    "host.docker.internal",
    "gateway.docker.internal",
    "host.containers.internal",
    "172.17.0.1",
];

/// The compose files with who is who in them.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The files.
    pub project: Project,
    /// What each of the project's containers is, in their order.
    pub parties: Vec<Party>,
    /// Whether somebody named the files: default ones may have nothing to do with the manifest.
    pub named: bool,
}

/// What a container is.
#[derive(Debug, Clone)]
pub struct Party {
    /// The position of its service in the manifest.
    pub owner: Option<usize>,
    /// Whether the owner is known by name, not only by what it connects to.
    pub by_name: bool,
    /// What it does.
    pub kind: Kind,
    /// What it is told to connect to.
    pub connections: Vec<Connection>,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is a PostgreSQL server.
    Database,
    /// Anything else.
    Client,
}

impl Deployment {
    /// Finds out who is who.
    #[must_use]
    pub fn new(mut project: Project, manifest: &Manifest, named: bool) -> Self {
        let services = &manifest.services;
        let mut parties: Vec<Party> = project
            .containers
            .iter()
            .map(|container| {
                let kind = if is_database(container, services) {
                    Kind::Database
                } else {
                    Kind::Client
                };
                let owner = match kind {
                    Kind::Database => database_owner(container, services),
                    Kind::Client => client_owner(container, services),
                };
                Party {
                    owner,
                    by_name: owner.is_some(),
                    kind,
                    connections: match kind {
                        Kind::Database => Vec::new(),
                        Kind::Client => connections(container, &mut project.unread),
                    },
                }
            })
            .collect();
        // A server that no name gives away is its only client's.
        let mut deployment = Self {
            project,
            parties: parties.clone(),
            named,
        };
        for (index, party) in parties.iter_mut().enumerate() {
            if party.owner.is_none() && party.kind == Kind::Database {
                let mut clients: Vec<usize> = deployment.services_of(index);
                clients.dedup();
                if let [only] = clients.as_slice() {
                    party.owner = Some(*only);
                }
            }
        }
        deployment.parties.clone_from(&parties);
        for (index, party) in parties.iter_mut().enumerate() {
            if party.owner.is_none() && party.kind == Kind::Client {
                party.owner = deployment.by_connection(index, services);
            }
        }
        deployment.parties = parties;
        deployment
    }

    /// The containers of a service with what they are.
    pub fn of(&self, owner: usize) -> impl Iterator<Item = (usize, &Container, &Party)> {
        self.all()
            .filter(move |(_, _, party)| party.owner == Some(owner))
    }

    /// The databases of a service.
    pub fn databases(&self, owner: usize) -> impl Iterator<Item = (usize, &Container)> {
        self.of(owner)
            .filter(|(_, _, party)| party.kind == Kind::Database)
            .map(|(index, container, _)| (index, container))
    }

    /// The containers of a service that are no databases.
    pub fn clients(&self, owner: usize) -> impl Iterator<Item = (usize, &Container, &Party)> {
        self.of(owner)
            .filter(|(_, _, party)| party.kind == Kind::Client)
    }

    /// All containers with what they are.
    pub fn all(&self) -> impl Iterator<Item = (usize, &Container, &Party)> {
        self.project
            .containers
            .iter()
            .zip(&self.parties)
            .enumerate()
            .map(|(index, (container, party))| (index, container, party))
    }

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
        let beside = from.network_mode.as_ref().and_then(|mode| {
            let mode = mode.text.raw();
            mode.strip_prefix("service:")
                .or_else(|| mode.strip_prefix("container:"))
        });
        let name = match (is_local, beside) {
            (true, Some(other)) => other.to_ascii_lowercase(),
            (true, None) => return Vec::new(),
            (false, _) => from
                .links
                .iter()
                .find(|(alias, _)| alias.eq_ignore_ascii_case(&host))
                .map_or(host, |(_, service)| service.to_ascii_lowercase()),
        };
        self.all()
            .filter(|(index, container, _)| {
                *index != client
                    && names(container).any(|own| {
                        own.eq_ignore_ascii_case(&name)
                            // Docker also answers to `name.network`.
                            || container.networks.iter().any(|network| {
                                name == format!("{own}.{}", network.name).to_ascii_lowercase()
                            })
                    })
                    || has_address(container, &name)
            })
            .map(|(index, _, _)| index)
            .collect()
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

    /// The service that a container logs in for. A role of its own (a backup, a dashboard) makes it nobody's.
    fn by_connection(&self, client: usize, services: &[Service]) -> Option<usize> {
        let party = self.parties.get(client)?;
        let mut owners = Vec::new();
        for connection in &party.connections {
            let role = connection.role.as_ref();
            if let Some(role) = role.and_then(|role| role.get()) {
                owners.push(only(services, |service| service.role_name() == Some(role))?);
                continue;
            }
            let database = connection
                .database
                .as_ref()
                .and_then(|database| database.get());
            let by_database =
                database.and_then(|name| only(services, |service| service.database_name() == name));
            let targets = self.targets(client, connection);
            let by_host = targets
                .first()
                .and_then(|target| self.parties.get(*target)?.owner);
            owners.extend(by_database.or(by_host));
        }
        owners.dedup();
        match owners.as_slice() {
            [owner] => Some(*owner),
            _ => None,
        }
    }
}

/// Everything that a client is told to connect to. A config that cannot be read may hold it, where nothing else does.
fn connections(container: &Container, unread: &mut Vec<(String, String)>) -> Vec<Connection> {
    let mut found = connection::of(container);
    let (configured, reasons) = configured::of(container);
    found.extend(configured);
    if found.is_empty() {
        let reasons = reasons.into_iter().map(|why| {
            let reason = format!(
                "{why}; nothing else tells what {} connects to",
                container.name
            );
            (container.name.clone(), reason)
        });
        unread.extend(reasons);
    }
    configured::complete(&mut found, container);
    found
}

/// The names under which other containers find this one.
pub fn names(container: &Container) -> impl Iterator<Item = &str> {
    let aliases = container
        .networks
        .iter()
        .flat_map(|network| &network.aliases);
    std::iter::once(container.name.as_str())
        .chain(container.container_name.iter().map(|name| name.text.raw()))
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

fn only(services: &[Service], is: impl Fn(&Service) -> bool) -> Option<usize> {
    let mut found = services
        .iter()
        .enumerate()
        .filter(|(_, service)| is(service))
        .map(|(index, _)| index);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The names that a container was given itself.
fn own_names(container: &Container) -> impl Iterator<Item = &str> {
    std::iter::once(container.name.as_str())
        .chain(container.container_name.iter().map(|name| name.text.raw()))
}

fn by_container_key(container: &Container, services: &[Service]) -> Option<usize> {
    own_names(container).find_map(|name| {
        only(services, |service| {
            service
                .container
                .as_ref()
                .is_some_and(|own| own.value == name)
        })
    })
}

fn is_database(container: &Container, services: &[Service]) -> bool {
    if by_container_key(container, services).is_some() {
        return true;
    }
    let image = container
        .image_name()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_tool = [
        "exporter", "backup", "client", "admin", "pool", "bouncer", "rest", "meta", "migrat",
    ]
    .iter()
    .any(|word| image.contains(word));
    let is_server = ["timescaledb", "postgis", "pgvector", "spilo"]
        .iter()
        .any(|word| image.contains(word))
        || image.starts_with("postgres")
        || image.ends_with("-postgres");
    let keeps = container
        .mounts
        .iter()
        .any(|mount| mount.lies_in("/var/lib/postgresql") || mount.is_init())
        || container.grants.iter().any(Grant::is_init);
    let is_set = |name: &str| container.variable(name).is_some();
    let is_told =
        is_set("POSTGRES_PASSWORD") || is_set("POSTGRES_PASSWORD_FILE") || is_set("PGDATA");
    !is_tool && (is_server && !runs_a_tool(container) || keeps && (is_told || container.build))
}

/// Whether the server's image is used for its tools: a backup, a migration.
fn runs_a_tool(container: &Container) -> bool {
    let first = container
        .command
        .iter()
        .flat_map(|field| field.text.raw().split_whitespace())
        .next();
    first.is_some_and(|word| {
        let word = word.rsplit('/').next().unwrap_or(word);
        [
            "sh",
            "bash",
            "psql",
            "pg_dump",
            "pg_dumpall",
            "pg_restore",
            "pg_isready",
            "pgbench",
            "sleep",
            "tail",
        ]
        .contains(&word)
    })
}

fn database_owner(container: &Container, services: &[Service]) -> Option<usize> {
    if let Some(owner) = by_container_key(container, services) {
        return Some(owner);
    }
    let by_name = own_names(container).find_map(|name| {
        let stem = ENDS.iter().find_map(|end| name.strip_suffix(end))?;
        only(services, |service| service.name == stem).or_else(|| {
            only(services, |service| {
                service
                    .name
                    .strip_prefix(stem)
                    .is_some_and(|rest| rest.starts_with('-'))
            })
        })
    });
    let known = |name: &str| {
        container
            .variable(name)
            .and_then(|variable| variable.value.get())
    };
    by_name
        .or_else(|| {
            let database = known("POSTGRES_DB").or_else(|| known("POSTGRESQL_DATABASE"))?;
            only(services, |service| service.database_name() == database)
        })
        .or_else(|| {
            let user = known("POSTGRES_USER").or_else(|| known("POSTGRESQL_USERNAME"))?;
            only(services, |service| service.role_name() == Some(user))
        })
}

fn client_owner(container: &Container, services: &[Service]) -> Option<usize> {
    let image = container.image_name();
    let all = || own_names(container).chain(image);
    let is_app =
        |service: &Service, name: &str| service.app.as_ref().is_some_and(|app| app.value == name);
    own_names(container)
        .find_map(|name| only(services, |service| is_app(service, name)))
        .or_else(|| all().find_map(|name| only(services, |service| service.name == name)))
        .or_else(|| {
            all().find_map(|name| {
                let padded = format!("-{}-", name.replace(['_', '.'], "-").to_ascii_lowercase());
                only(services, |service| {
                    padded.contains(&format!("-{}-", service.name.replace('_', "-")))
                })
            })
        })
}
