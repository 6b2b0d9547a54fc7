//! From raw tables to services and allow entries.

use std::path::{Path, PathBuf};

use super::value::Sourced;
use super::values::Values;
use super::{Engine, Managed, Service, Shown, Store, Target, suggest, target};
use crate::migration::built_in_names;

/// Where migration sets are looked for.
pub(super) struct Sets {
    /// `--sets`: replaces everything else.
    pub(super) flag: Option<PathBuf>,
    /// `sets` in the manifest; the built-in sets stand behind it.
    pub(super) file: Option<PathBuf>,
}

/// A service, and whether the manifest alone says where its database is.
pub(super) struct Resolved {
    pub(super) service: Service,
    pub(super) fixed: bool,
}

/// Resolves one service. `None` after a problem was reported.
pub(super) fn service(values: &mut Values<'_>, sets: &Sets) -> Option<Resolved> {
    let table = values.table;
    values.require("store", "timescaledb, postgres or files", "add store");
    let store = values.word(
        "store",
        &[
            ("timescaledb", Store::TimescaleDb),
            ("postgres", Store::Postgres),
            ("files", Store::Files),
        ],
    );
    let engine = values.word(
        "engine",
        &[("rocksdb", Engine::RocksDb), ("fjall", Engine::Fjall)],
    );
    let managed = values.word(
        "managed",
        &[("service", Managed::Service), ("dbctl", Managed::Dbctl)],
    );
    let managed = managed.unwrap_or(Managed::Dbctl);
    let optional = values.truth("optional");
    let container = values.text("container");
    let app = values.text("app");
    let storage_dir = values.path("storage_dir");
    let data_dir = values.path("data_dir");
    // Without a store nothing can be said about the other keys.
    let store = store?;
    let mut service = Service {
        name: table.name.clone(),
        line: table.line,
        store,
        managed,
        set: None,
        set_dir: None,
        lock_file: None,
        database: None,
        role: None,
        target: Target::Files,
        admin: None,
        container,
        app,
        storage_dir,
        data_dir,
        engine,
        variables: table.variables(),
        default_password: false,
        shown: Vec::new(),
    };
    let mut fixed = false;
    if store.is_sql() {
        fixed = sql(values, sets, optional, &mut service)?;
    } else {
        files(values);
    }
    paths(&mut service);
    Some(Resolved { service, fixed })
}

/// A `files` service has no database, so it has none of the keys of one.
fn files(values: &mut Values<'_>) {
    for key in [
        "set",
        "lock",
        "database",
        "role",
        "host",
        "port",
        "password",
        "url",
        "admin_url",
    ] {
        if values.has(key) {
            values.problem(
                key,
                "expected no such key with store = \"files\", which has no SQL database; remove it, or change store",
            );
        }
    }
}

/// The keys of an SQL service; whether the manifest alone says where its database is.
fn sql(
    values: &mut Values<'_>,
    sets: &Sets,
    optional: bool,
    service: &mut Service,
) -> Option<bool> {
    if values.has("engine") {
        values.problem(
            "engine",
            "expected no engine with an SQL store; remove it, or write store = \"files\"",
        );
    }
    let set = set(values, sets, service.managed);
    service.lock_file = lock_file(values, &service.name, service.managed);
    let database = values.name("database");
    values.require(
        "database",
        "the name of the service's database",
        "add database",
    );
    let role = values.name("role");
    let resolved = target::resolve(values, database.as_ref(), role.as_ref(), optional);
    let admin = target::endpoint(values, "admin_url");
    let resolved = resolved?;

    let mut shown: Vec<Shown> = Vec::new();
    if let Some((set, _)) = &set {
        shown.push(Shown::new("set", set.value.clone(), &set.source));
    }
    for (key, name) in [("database", &database), ("role", &role)] {
        if let Some(name) = name {
            shown.push(Shown::new(key, name.value.clone(), &name.source));
        }
    }
    shown.extend(resolved.shown);
    if let Some(admin) = &admin {
        shown.push(Shown::new(
            "admin_url",
            admin.value.display(),
            &admin.source,
        ));
        let defaults = values.context.defaults;
        shown.extend(defaults.shown_password(&admin.value, "admin_password"));
    }
    service.shown = shown;
    (service.set, service.set_dir) = set.map_or((None, None), |(set, dir)| (Some(set), dir));
    service.database = database;
    service.role = role;
    service.target = resolved.target;
    service.admin = admin;
    service.default_password = resolved.default_password;
    Some(resolved.fixed)
}

/// Adds what every store may have to the list of values.
fn paths(service: &mut Service) {
    for (key, name) in [("container", &service.container), ("app", &service.app)] {
        let Some(name) = name else { continue };
        let shown = Shown::new(key, name.value.clone(), &name.source);
        service.shown.push(shown);
    }
    for (key, path) in [
        ("storage_dir", &service.storage_dir),
        ("data_dir", &service.data_dir),
    ] {
        if let Some(path) = path {
            let shown = Shown::new(key, path.value.display().to_string(), &path.source);
            service.shown.push(shown);
        }
    }
}

/// The schema lock of a service that migrates itself: the manifest's, else `NAME.lock` beside the manifest. One that has a set has the
/// set's lock.
fn lock_file(values: &mut Values<'_>, name: &str, managed: Managed) -> Option<PathBuf> {
    let given = values.path("lock");
    if managed == Managed::Dbctl {
        if given.is_some() {
            values.problem(
                "lock",
                "expected no such key where dbctl migrates: the lock lies in the set's folder; remove it, or write managed = \"service\"",
            );
        }
        return None;
    }
    if values.has("set") {
        if given.is_some() {
            values.problem(
                "lock",
                "expected either set or lock: a set has a lock of its own; remove one of them",
            );
        }
        return None;
    }
    let beside = || values.context.base.join(format!("{name}.lock"));
    Some(given.map_or_else(beside, |path| path.value))
}

/// The service's set and its folder.
fn set(
    values: &mut Values<'_>,
    sets: &Sets,
    managed: Managed,
) -> Option<(Sourced<String>, Option<PathBuf>)> {
    let set = values.text("set");
    if managed == Managed::Dbctl {
        values.require(
            "set",
            "a migration set",
            "add set, or write managed = \"service\" if the service migrates itself",
        );
    }
    let set = set?;
    let name = &set.value;
    if name.starts_with('.') || name.contains(['/', '\\']) {
        values.unfit(
            "set",
            &set.source,
            "the plain name of a folder",
            &format!("{name:?}"),
            "write the name only, and the folder above it as sets at the top of the manifest",
        );
        return None;
    }
    match find(sets, name) {
        Ok(directory) => Some((set, directory)),
        Err(reason) => {
            values.unfit(
                "set",
                &set.source,
                "a known migration set",
                &format!("{name:?}"),
                &reason,
            );
            None
        }
    }
}

/// The folder of a set, or `None` for a built-in one.
fn find(sets: &Sets, name: &str) -> Result<Option<PathBuf>, String> {
    if let Some(folder) = &sets.flag {
        let directory = folder.join(name);
        return if directory.is_dir() {
            Ok(Some(directory))
        } else {
            Err(format!(
                "there is no folder {} (--sets replaces the built-in sets); make it, or leave --sets out",
                directory.display()
            ))
        };
    }
    if let Some(directory) = sets.file.as_deref().map(|folder| folder.join(name))
        && directory.is_dir()
    {
        return Ok(Some(directory));
    }
    let mut known: Vec<String> = built_in_names().map(str::to_owned).collect();
    if known.iter().any(|built_in| built_in == name) {
        return Ok(None);
    }
    known.extend(sets.file.as_deref().map(folders).unwrap_or_default());
    known.sort();
    known.dedup();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let nearest = suggest::closest(name, known.iter().copied())
        .map(|nearest| format!(" (did you mean {nearest}?)"))
        .unwrap_or_default();
    let place = sets.file.as_ref().map_or_else(
        || "write sets = \"FOLDER\" at the top of the manifest for sets of your own".to_owned(),
        |folder| format!("make the folder {}", folder.join(name).display()),
    );
    Err(format!("known are {}{nearest}; {place}", known.join(", ")))
}

fn folders(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            (entry.path().is_dir() && !name.starts_with('.')).then_some(name)
        })
        .collect()
}
