//! `dbctl services`: what the manifest says. Nothing is connected to.

use std::path::Path;

use crate::manifest::{Engine, Manifest, Service, Target};
use crate::report::services::{ServiceRow, ServicesReport, UnsetRow, ValueRow};

/// The manifest with targets resolved and secrets masked.
#[must_use]
pub fn report(manifest: &Manifest) -> ServicesReport {
    ServicesReport {
        version: 1,
        manifest: manifest.origin(),
        topology: manifest.topology.as_str(),
        services: manifest
            .services
            .iter()
            .map(|service| ServiceRow {
                shared: manifest.shared_database(service),
                ..row(service)
            })
            .collect(),
    }
}

fn row(service: &Service) -> ServiceRow {
    let endpoint = service.endpoint();
    let shown = |path: &Path| path.display().to_string();
    ServiceRow {
        name: service.name.clone(),
        store: service.store.as_str(),
        engine: service.engine.map(Engine::as_str),
        managed: service.managed.as_str(),
        set: service.set.as_ref().map(|set| set.value.clone()),
        set_dir: service.set_dir.as_deref().map(shown),
        database: service.database.as_ref().map(|name| name.value.clone()),
        role: service.role_name().map(str::to_owned),
        address: endpoint.map(crate::manifest::Endpoint::address),
        url: endpoint.map(crate::manifest::Endpoint::display),
        admin: service.admin.as_ref().map(|admin| admin.value.display()),
        container: service.container.as_ref().map(|name| name.value.clone()),
        storage_dir: service.storage_dir.as_ref().map(|path| shown(&path.value)),
        data_dir: service.data_dir.as_ref().map(|path| shown(&path.value)),
        configured: match service.target {
            Target::Database(_) => true,
            Target::NotConfigured { .. } => false,
            Target::Files => service.data_dir.is_some(),
        },
        shared: None,
        default_password: service.default_password,
        values: values(service),
        unset: unset(service),
    }
}

fn values(service: &Service) -> Vec<ValueRow> {
    let rows = service.shown.iter().map(|shown| ValueRow {
        key: shown.key,
        value: shown.value.clone(),
        source: shown.source.to_string(),
    });
    rows.collect()
}

/// The keys whose variables are all unset. What a URL in force makes needless is not missing.
fn unset(service: &Service) -> Vec<UnsetRow> {
    let has = |key: &str| service.shown.iter().any(|shown| shown.key == key);
    service
        .variables
        .iter()
        .filter(|(key, _)| {
            let never_shown = ["store", "engine", "managed", "optional"].contains(key);
            let overridden = has("url") && ["host", "port", "password"].contains(key);
            !has(key) && !never_shown && !overridden
        })
        .map(|(key, variables)| UnsetRow {
            key,
            variables: variables.clone(),
        })
        .collect()
}
