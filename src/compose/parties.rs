//! Who is who: which container is which service's, and what it is.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use super::configured;
use super::connection::{self, Connection};
use super::container::Container;
use super::load::Project;
use super::owner::{client_owner, database_owner, is_database, only};
use super::reach::{Index, names};
use crate::manifest::{Manifest, Service};

/// The compose files with who is who in them.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The files.
    pub project: Project,
    /// What each of the project's containers is, in their order.
    pub parties: Vec<Party>,
    /// Whether somebody named the files: default ones may have nothing to do with the manifest.
    pub named: bool,
    /// Who is found under a name, once somebody asks.
    pub(super) index: OnceLock<Index>,
    /// The containers of each service, once somebody asks.
    owned: OnceLock<HashMap<usize, Vec<usize>>>,
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
    /// What PostgreSQL's programs in its command, and its healthcheck and hooks, connect to, what its build is given, and servers that
    /// variables mention. An administrator's role and database are right there.
    pub calls: Vec<Connection>,
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
                        Kind::Database => {
                            unknown_settings(container, &mut project.unread);
                            Vec::new()
                        }
                        Kind::Client => connections(container, &mut project.unread),
                    },
                    calls: calls(container),
                }
            })
            .collect();
        let servers: BTreeSet<String> = project
            .containers
            .iter()
            .zip(&parties)
            .filter(|(_, party)| party.kind == Kind::Database)
            .flat_map(|(container, _)| names(container))
            .chain(
                services
                    .iter()
                    .filter_map(|service| Some(service.container.as_ref()?.value.as_str())),
            )
            .map(str::to_ascii_lowercase)
            .collect();
        for (container, party) in project.containers.iter().zip(&mut parties) {
            let mentioned = connection::mentions(container, &|name| servers.contains(name));
            party.calls.extend(mentioned);
        }
        // A server that no name gives away is its only client's.
        let mut deployment = Self {
            project,
            parties: parties.clone(),
            named,
            index: OnceLock::new(),
            owned: OnceLock::new(),
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
        let owned = self.owned.get_or_init(|| self.by_owner());
        let indexes = owned.get(&owner).into_iter().flatten();
        indexes.filter_map(|index| {
            let container = self.project.containers.get(*index)?;
            Some((*index, container, self.parties.get(*index)?))
        })
    }

    fn by_owner(&self) -> HashMap<usize, Vec<usize>> {
        let mut owned: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, _, party) in self.all() {
            if let Some(owner) = party.owner {
                owned.entry(owner).or_default().push(index);
            }
        }
        owned
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

/// What is connected to beside the container's own connections: a build may need a database that nothing of the deployment is.
fn calls(container: &Container) -> Vec<Connection> {
    let mut found = connection::calls(container);
    found.extend(configured::of_build(container));
    found
}

/// What only an optional environment file that is not here would tell: elsewhere it may be there.
fn told_elsewhere(container: &Container) -> Option<String> {
    let mut files = container.env_files.iter();
    let file = files.find(|file| file.optional && file.here().is_none())?;
    Some(format!(
        "environment file {} of {} is optional and not here",
        file.store.shown, container.name
    ))
}

/// Says which settings of a server nothing here gives, where a file that is not here may.
fn unknown_settings(container: &Container, unread: &mut Vec<(String, String)>) {
    const SETTINGS: [[&str; 2]; 3] = [
        ["POSTGRES_DB", "POSTGRESQL_DATABASE"],
        ["POSTGRES_USER", "POSTGRESQL_USERNAME"],
        ["POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"],
    ];
    let Some(why) = told_elsewhere(container) else {
        return;
    };
    let is_open = |names: &&[&str; 2]| names.iter().all(|name| container.variable(name).is_none());
    let open: Vec<&str> = SETTINGS
        .iter()
        .filter(is_open)
        .flat_map(|names| names.first().copied())
        .collect();
    if !open.is_empty() {
        let reason = format!(
            "{why}: it may set {}, which nothing else does",
            open.join(", ")
        );
        unread.push((container.name.clone(), reason));
    }
}

/// Everything that a client is told to connect to. A config that cannot be read may hold it, where nothing else does.
fn connections(container: &Container, unread: &mut Vec<(String, String)>) -> Vec<Connection> {
    let mut found = connection::of(container);
    let (configured, reasons) = configured::of(container);
    found.extend(configured);
    if found.is_empty() {
        let reasons = reasons.into_iter().chain(told_elsewhere(container));
        let reasons = reasons.map(|why| {
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
