//! Which services get which server.

use crate::manifest::{Manifest, Service, Store, Topology};

/// The services that share a server.
pub(super) struct Group<'a> {
    pub(super) name: &'a str,
    pub(super) services: Vec<&'a Service>,
}

impl Group<'_> {
    pub(super) fn timescaledb(&self) -> bool {
        self.services
            .iter()
            .any(|service| service.store == Store::TimescaleDb)
    }

    /// The port that the manifest gives, else PostgreSQL's own.
    pub(super) fn port(&self) -> u16 {
        self.services
            .iter()
            .filter_map(|service| service.endpoint())
            .find_map(|endpoint| endpoint.hosts.first())
            .map_or(5432, |host| host.port)
    }
}

/// A server for each SQL service, or one for all where the manifest says that they share it.
pub(super) fn groups(manifest: &Manifest) -> Vec<Group<'_>> {
    let sql = || {
        manifest
            .services
            .iter()
            .filter(|service| service.store.is_sql())
    };
    if manifest.topology == Topology::Shared {
        return sql()
            .next()
            .map(|first| Group {
                name: server_name(first),
                services: sql().collect(),
            })
            .into_iter()
            .collect();
    }
    sql()
        .map(|service| Group {
            name: server_name(service),
            services: vec![service],
        })
        .collect()
}

fn server_name(service: &Service) -> &str {
    service
        .container
        .as_ref()
        .map_or(service.name.as_str(), |container| container.value.as_str())
}
