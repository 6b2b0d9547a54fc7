//! Sessions that are opened while the sets are still being read: servers answer meanwhile.

use std::collections::BTreeMap;

use super::Options;
use super::task::application;
use crate::manifest::{Managed, Service};
use crate::postgres::{Connecting, Purpose};

/// The sessions of the preflight, by service. Those that nobody asks for end unused.
#[derive(Default)]
pub struct Ahead(BTreeMap<String, Connecting>);

impl Ahead {
    /// Begins to connect to the services' databases, within the limits of the run. Only reads; a set that is refused ends the session
    /// before anything was asked.
    #[must_use]
    pub fn begin(services: &[&Service], options: &Options) -> Self {
        let mut sessions = BTreeMap::new();
        let mut on_server: BTreeMap<String, usize> = BTreeMap::new();
        for service in services {
            let Some(endpoint) = service.endpoint() else {
                continue;
            };
            // Its PostgreSQL comes after the RGB library.
            if service.storage_dir.is_some() {
                continue;
            }
            let server = on_server.entry(endpoint.address()).or_default();
            let within = sessions.len() < options.jobs && *server < options.jobs_per_server;
            if within && service.managed == Managed::Dbctl && service.set.is_some() {
                *server += 1;
                let name = application(&service.name);
                let session = Connecting::begin(endpoint, Purpose::Read, &name, options.wait);
                sessions.insert(service.name.clone(), session);
            }
        }
        Self(sessions)
    }

    /// The session of a service's preflight, where one was begun.
    pub(super) fn take(&mut self, service: &str) -> Option<Connecting> {
        self.0.remove(service)
    }
}
