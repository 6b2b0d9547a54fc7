//! The environment in which a manifest means the sandbox, and nothing but the sandbox.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::manifest::{Endpoint, LOCATION, Service, Source};
use crate::secret::Secret;

/// One variable for the commands that run in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value; empty means that the manifest's own value counts, whatever the caller's environment or `.env` says.
    pub value: Secret,
}

/// Where a service of the sandbox is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The service's way into its database, and the superuser's; `None` for a `files` store.
    pub(super) database: Option<DatabasePlace>,
    pub(super) storage_dir: Option<PathBuf>,
    pub(super) data_dir: Option<PathBuf>,
}

/// Where a service's database is.
#[derive(Debug, Clone)]
pub(super) struct DatabasePlace {
    pub(super) port: u16,
    pub(super) role: String,
    pub(super) password: Secret,
    pub(super) url: Secret,
    pub(super) admin_url: Secret,
}

/// The variables, and whether they are enough.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) variables: BTreeMap<String, Secret>,
    /// Something that must be said has no variable, so a manifest has to say it.
    pub(super) needs_manifest: bool,
}

/// The names of the variables for one key of a service, first name first.
pub(super) fn names<'a>(service: &'a Service, key: &str) -> &'a [String] {
    service
        .variables
        .iter()
        .find(|(name, _)| *name == key)
        .map_or(&[], |(_, names)| names.as_slice())
}

/// The endpoint that the manifest's parts make, not a URL from the environment.
pub(super) fn literal(service: &Service) -> Option<&Endpoint> {
    let crate::manifest::Target::Database(endpoint) = &service.target else {
        return None;
    };
    match &endpoint.source {
        Source::Env(name) | Source::DotEnv(name) if names(service, "url").contains(name) => None,
        _ => Some(&endpoint.value),
    }
}

/// Whether a host name is this machine's loopback.
fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

/// Works out the variables for the services and their places.
pub(super) fn of(services: &[(&Service, Place)]) -> Environment {
    let mut environment = Environment {
        variables: BTreeMap::new(),
        needs_manifest: false,
    };
    for (service, place) in services {
        if let Some(database) = &place.database {
            environment.needs_manifest |= !environment.add_database(service, database);
        }
        let directories = [
            ("storage_dir", &place.storage_dir),
            ("data_dir", &place.data_dir),
        ];
        for (key, path) in directories {
            if let Some(path) = path {
                let value = Secret::new(path.display().to_string());
                environment.needs_manifest |= !environment.put(service, key, &value);
            }
        }
    }
    // Last, because a name that one service does without may be another's.
    for name in services
        .iter()
        .flat_map(|(service, _)| LOCATION.map(|key| names(service, key)))
        .flatten()
    {
        environment
            .variables
            .entry(name.clone())
            .or_insert_with(|| Secret::new(""));
    }
    environment
}

impl Environment {
    /// Says where a database is; false when there are not variables enough.
    fn add_database(&mut self, service: &Service, place: &DatabasePlace) -> bool {
        let has = |key| !names(service, key).is_empty();
        let literal = literal(service);
        let literally = |holds: &dyn Fn(&Endpoint) -> bool| literal.is_some_and(holds);
        let parts = literal.is_some()
            && (has("host") || literally(&|at| at.hosts.iter().all(|host| is_local(&host.name))))
            && (has("port")
                || literally(&|at| at.hosts.iter().all(|host| host.port == place.port)))
            && (has("password") || literally(&|at| at.password.as_ref() == Some(&place.password)))
            && literally(&|at| at.hosts.len() == 1);

        let known = [
            ("host", Secret::new("127.0.0.1")),
            ("port", Secret::new(place.port.to_string())),
            ("password", place.password.clone()),
            ("role", Secret::new(place.role.clone())),
            ("database", Secret::new(service.database_name())),
        ];
        let mut enough = true;
        for (key, value) in &known {
            if has(key) {
                enough &= self.put(service, key, value);
            }
        }
        // A whole URL wins over the parts, so it is only given where the parts do not do.
        enough &= parts || self.put(service, "url", &place.url);
        self.put(service, "admin_url", &place.admin_url) && enough
    }

    /// Sets the first variable for a key; false when there is none, or another service needs it for something else.
    fn put(&mut self, service: &Service, key: &str, value: &Secret) -> bool {
        let Some(name) = names(service, key).first() else {
            return false;
        };
        let present = self
            .variables
            .entry(name.clone())
            .or_insert_with(|| value.clone());
        present == value
    }
}
