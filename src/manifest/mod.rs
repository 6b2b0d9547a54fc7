//! What should exist: services, their stores, sets, roles and targets, read from `dbctl.toml` or the built-in manifest.

mod allow;
mod check;
mod defaults;
mod endpoint;
mod environment;
mod load;
mod overrides;
mod parameters;
mod passfile;
mod problems;
mod raw;
mod resolve;
pub(crate) mod suggest;
mod table;
mod target;
mod tls;
mod uri;
mod value;
mod values;

use std::path::PathBuf;

pub use endpoint::{
    ChannelBinding, ClientCertificate, DEFAULT_PORT, Endpoint, EndpointError, Host, SessionAttrs,
    SslMode,
};
pub use load::{Inputs, LOCATION, ManifestError, load};
pub use passfile::PasswordFile;
pub use value::{Source, Sourced};

/// A validated manifest. Everything in it was checked; nothing in it is raw input.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The file it came from; `None` for the built-in Kaspa/RGB system.
    pub path: Option<PathBuf>,
    /// How services may share servers.
    pub topology: Topology,
    /// Whether `verify` tries to log in with what belongs to other services.
    pub login_proof: bool,
    /// The compose files that it names, as several `-f` of Docker Compose; none when it names none.
    pub compose: Vec<PathBuf>,
    /// The services in the manifest's order.
    pub services: Vec<Service>,
    /// Findings that are accepted.
    pub allow: Vec<Allow>,
}

impl Manifest {
    /// How messages name the manifest: its path, or "the built-in manifest".
    #[must_use]
    pub fn origin(&self) -> String {
        self.path.as_ref().map_or_else(
            || "the built-in manifest".to_owned(),
            |path| path.display().to_string(),
        )
    }

    /// The service of this name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The service that a misspelt name probably means.
    #[must_use]
    pub fn suggest(&self, name: &str) -> Option<&str> {
        suggest::closest(name, self.names())
    }

    /// The services of these names in the manifest's order, each once; all of them when no name is given.
    ///
    /// # Errors
    /// When a name is unknown; the message suggests the nearest one and lists all.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Service>, String> {
        for name in names {
            if self.service(name).is_none() {
                let nearest = self
                    .suggest(name)
                    .map(|nearest| format!("did you mean {nearest}? "))
                    .unwrap_or_default();
                let known: Vec<&str> = self.names().collect();
                return Err(format!(
                    "unknown service {name:?}: {nearest}{} has {}",
                    self.origin(),
                    known.join(", ")
                ));
            }
        }
        Ok(self
            .services
            .iter()
            .filter(|service| names.is_empty() || names.contains(&service.name))
            .collect())
    }

    /// Why nothing may be written to the service's database, if another service of the system is in it as well: flags and variables may
    /// say so, which the manifest's own check leaves to the verbs.
    #[must_use]
    pub fn shared_database(&self, own: &Service) -> Option<String> {
        let endpoint = own.endpoint()?;
        self.services
            .iter()
            .filter(|other| other.name != own.name)
            .find_map(|other| endpoint.shared_with(other.endpoint()?, &other.name))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(|service| service.name.as_str())
    }
}

/// How services may share database servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// Both layouts are right.
    Any,
    /// Each service has a server of its own; two services in one server are an error.
    Dedicated,
    /// All services live in one server.
    Shared,
}

impl Topology {
    /// The name in the manifest and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Dedicated => "dedicated",
            Self::Shared => "shared",
        }
    }
}

/// Where a service keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// PostgreSQL with the TimescaleDB extension.
    TimescaleDb,
    /// PostgreSQL.
    Postgres,
    /// A directory of files; no SQL database at all.
    Files,
}

impl Store {
    /// The name in the manifest and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimescaleDb => "timescaledb",
            Self::Postgres => "postgres",
            Self::Files => "files",
        }
    }

    /// Whether the store is an SQL database that dbctl can connect to.
    #[must_use]
    pub const fn is_sql(self) -> bool {
        !matches!(self, Self::Files)
    }
}

/// The storage engine of a `files` service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// RocksDB.
    RocksDb,
    /// The Rust store fjall.
    Fjall,
}

impl Engine {
    /// The name in the manifest and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RocksDb => "rocksdb",
            Self::Fjall => "fjall",
        }
    }
}

/// Who migrates the service's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Managed {
    /// dbctl, from the service's migration set.
    Dbctl,
    /// The service itself; dbctl never writes there.
    Service,
}

impl Managed {
    /// The name in the manifest and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dbctl => "dbctl",
            Self::Service => "service",
        }
    }
}

/// One service of the system.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name, the key below `[services]`.
    pub name: String,
    /// The line of its table in the manifest, counted from 1.
    pub line: usize,
    /// Where it keeps its data.
    pub store: Store,
    /// Who migrates it.
    pub managed: Managed,
    /// The name of its migration set; always there for an SQL store that dbctl manages.
    pub set: Option<Sourced<String>>,
    /// The folder of the set; `None` when the set is a built-in one.
    pub set_dir: Option<PathBuf>,
    /// The schema lock of a service that migrates itself and has no set: `dbctl lock --from` writes it.
    pub lock_file: Option<PathBuf>,
    /// The name that its database must have; always there for an SQL store.
    pub database: Option<Sourced<String>>,
    /// The role that it logs in as, if the manifest says so.
    pub role: Option<Sourced<String>>,
    /// Its database, as resolved from URL or parts.
    pub target: Target,
    /// A superuser's way in, for `provision` and for facts that only a superuser may read.
    pub admin: Option<Sourced<Endpoint>>,
    /// The container of its database in a compose file.
    pub container: Option<Sourced<String>>,
    /// The service's own container in a compose file, where its name does not tell.
    pub app: Option<Sourced<String>>,
    /// The RGB node's storage directory.
    pub storage_dir: Option<Sourced<PathBuf>>,
    /// Where its store lies on this host.
    pub data_dir: Option<Sourced<PathBuf>>,
    /// The engine of a `files` store.
    pub engine: Option<Engine>,
    /// The environment variables that the manifest reads for this service, by manifest key (`url`, `port`, …), first name first.
    pub variables: Vec<(&'static str, Vec<String>)>,
    /// Whether the password in use is the published default of the manifest, wherever it came from.
    pub default_password: bool,
    /// Every value in force and where it came from, in a fixed order. Parts that a URL overrides are left out.
    pub shown: Vec<Shown>,
}

/// A value of a service as people may see it: passwords are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The manifest's key.
    pub key: &'static str,
    /// The value; `***` for a password, and a URL without its password.
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

impl Shown {
    fn new(key: &'static str, value: String, source: &Source) -> Self {
        Self {
            key,
            value,
            source: source.clone(),
        }
    }
}

impl Service {
    /// The name that its database must have, or an empty string for a `files` service.
    #[must_use]
    pub fn database_name(&self) -> &str {
        self.database
            .as_ref()
            .map_or("", |database| database.value.as_str())
    }

    /// The endpoint of its database, if it has one that is configured.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.target {
            Target::Database(endpoint) => Some(&endpoint.value),
            Target::NotConfigured { .. } | Target::Files => None,
        }
    }

    /// The endpoint of its administrator, if there is one.
    #[must_use]
    pub fn admin_endpoint(&self) -> Option<&Endpoint> {
        self.admin.as_ref().map(|admin| &admin.value)
    }

    /// The role that the service logs in as: the manifest's, else the one in its URL.
    #[must_use]
    pub fn role_name(&self) -> Option<&str> {
        self.role
            .as_ref()
            .map(|role| role.value.as_str())
            .or_else(|| self.endpoint().map(|endpoint| endpoint.user.as_str()))
    }
}

/// What a service's commands talk to.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for each service, and most are databases"
)]
pub enum Target {
    /// A database at this endpoint.
    Database(Sourced<Endpoint>),
    /// An optional service without a URL: single-user mode, nothing to do.
    NotConfigured {
        /// The variables that would configure it.
        variables: Vec<String>,
    },
    /// A directory of files; no database.
    Files,
}

/// A finding, or a gap, that the manifest accepts.
#[derive(Debug, Clone)]
pub struct Allow {
    /// The line of the entry in the manifest, counted from 1.
    pub line: usize,
    /// The rule's id.
    pub rule: String,
    /// The service it is accepted for; `None` means any.
    pub service: Option<String>,
    /// The object it is accepted for; `None` means any.
    pub object: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is accepted.
    pub until: Option<time::Date>,
    /// Accepts that the rule could not be checked, instead of a finding.
    pub not_checked: bool,
}
