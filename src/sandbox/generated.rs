//! A manifest that says where the sandbox is, for a system whose own manifest has no variables for it.

use std::path::Path;

use toml::{Table, Value};

use super::environment::Place;
use crate::manifest::{Allow, Engine, Managed, Manifest, Service, Topology};

/// The manifest as text. It contains passwords.
pub(super) fn render(manifest: &Manifest, services: &[(&Service, Place)]) -> String {
    let mut root = Table::new();
    root.insert("version".to_owned(), Value::Integer(1));
    if let Some(sets) = services
        .iter()
        .find_map(|(service, _)| sets_folder(service))
    {
        put(&mut root, "sets", sets.display());
    }
    let topology = match manifest.topology {
        Topology::Any => "any",
        Topology::Dedicated => "dedicated",
        Topology::Shared => "shared",
    };
    put(&mut root, "topology", topology);
    let tables: Table = services
        .iter()
        .map(|(service, place)| (service.name.clone(), Value::Table(table(service, place))))
        .collect();
    root.insert("services".to_owned(), Value::Table(tables));
    if !manifest.allow.is_empty() {
        let entries = manifest
            .allow
            .iter()
            .map(|allow| Value::Table(entry(allow)));
        root.insert("allow".to_owned(), Value::Array(entries.collect()));
    }
    format!("# Written by `dbctl sandbox`; it goes away with it.\n{root}")
}

fn put(table: &mut Table, key: &str, value: impl std::fmt::Display) {
    table.insert(key.to_owned(), Value::String(value.to_string()));
}

/// The folder of set folders, if the service's set is in one.
fn sets_folder(service: &Service) -> Option<&Path> {
    let (folder, set) = (service.set_dir.as_deref()?, service.set.as_ref()?);
    folder
        .ancestors()
        .nth(Path::new(&set.value).components().count())
}

fn table(service: &Service, place: &Place) -> Table {
    let mut table = Table::new();
    put(&mut table, "store", service.store.as_str());
    if service.managed == Managed::Service {
        put(&mut table, "managed", "service");
    }
    if let Some(engine) = service.engine {
        let engine = match engine {
            Engine::RocksDb => "rocksdb",
            Engine::Fjall => "fjall",
        };
        put(&mut table, "engine", engine);
    }
    let texts = [
        ("set", &service.set),
        ("database", &service.database),
        ("role", &service.role),
        ("container", &service.container),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            put(&mut table, key, &text.value);
        }
    }
    if let Some(database) = &place.database {
        put(&mut table, "url", database.url.expose());
        put(&mut table, "admin_url", database.admin_url.expose());
    }
    let paths = [
        ("storage_dir", &place.storage_dir),
        ("data_dir", &place.data_dir),
        ("lock", &service.lock_file),
    ];
    for (key, path) in paths {
        if let Some(path) = path {
            put(&mut table, key, path.display());
        }
    }
    table
}

fn entry(allow: &Allow) -> Table {
    let mut table = Table::new();
    put(&mut table, "rule", &allow.rule);
    for (key, text) in [("service", &allow.service), ("object", &allow.object)] {
        if let Some(text) = text {
            put(&mut table, key, text);
        }
    }
    put(&mut table, "reason", &allow.reason);
    if let Some(until) = allow.until {
        put(&mut table, "until", until);
    }
    if allow.not_checked {
        table.insert("not_checked".to_owned(), Value::Boolean(true));
    }
    table
}
