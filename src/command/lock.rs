//! `dbctl lock`: applies each set to an empty database of a throwaway server and records the catalog that it produces.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Interrupt, Loaded, LoadedService};
use crate::manifest::{Endpoint, Store};
use crate::migration::{LOCK_FILE, Set};
use crate::postgres::provision::{Wanted, discard, provision};
use crate::postgres::{ApplyError, ApplyOptions, Purpose, apply, connect, describe, snapshot};
use crate::report::lock::{LockState, Report, SetLock};
use crate::sandbox::{Binaries, Cancel, Need, Server, ServerOptions, find, random_password};
use crate::snapshot::{Lock, Snapshot};

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Write nothing.
    pub check: bool,
    /// Folders of server binaries; empty means: find one.
    pub postgres_bin: Vec<PathBuf>,
    /// The environment, where DBCTL_POSTGRES_BIN and the cache are looked up.
    pub env: BTreeMap<String, String>,
}

/// Writes or checks the locks of the chosen services' sets. `talk` is told what is being done.
pub async fn run(
    loaded: &Loaded<'_>,
    options: &Options,
    talk: &(dyn Fn(&str) + Sync),
    interrupt: &Interrupt,
) -> Report {
    let mut servers = Servers::default();
    let cancel = servers.cancel.clone();
    let mut sets = Vec::new();
    for service in loaded.chosen().filter(|service| service.is_migrated()) {
        if interrupt.raised() {
            break;
        }
        let mut report = blank(service);
        let generating = one(service, options, &mut servers, talk, interrupt, &mut report);
        let interrupted = tokio::select! {
            () = generating => false,
            () = interrupt.wait() => true,
        };
        if interrupted {
            // A server that is just starting gives up; the others are stopped below.
            cancel.cancel();
            report.state = LockState::Interrupted;
            report.detail = Some("interrupted; nothing was written".to_owned());
        }
        sets.push(report);
    }
    servers.stop().await;
    Report {
        check: options.check,
        sets,
    }
}

fn blank(service: &LoadedService<'_>) -> SetLock {
    let set = service.service.set.as_ref();
    SetLock {
        service: service.service.name.clone(),
        set: set.map_or_else(String::new, |set| set.value.clone()),
        path: None,
        majors: Vec::new(),
        objects: 0,
        state: LockState::BadSet,
        detail: None,
    }
}

async fn one(
    service: &LoadedService<'_>,
    options: &Options,
    servers: &mut Servers,
    talk: &(dyn Fn(&str) + Sync),
    interrupt: &Interrupt,
    report: &mut SetLock,
) {
    let set = match &service.set {
        Some(Ok(set)) => set,
        Some(Err(error)) => {
            report.detail = Some(error.to_string());
            return;
        }
        None => return,
    };
    report.path = set
        .directory
        .as_ref()
        .map(|directory| directory.join(LOCK_FILE));
    match generate(service, set, options, servers, talk, interrupt).await {
        Ok(new) => {
            report.majors.clone_from(&new.majors);
            report.objects = new.objects.keys().filter(|key| !key.kind.is_part()).count();
            settle(&new, set, options.check, report);
        }
        Err((state, detail)) => {
            report.state = state;
            report.detail = Some(detail);
        }
    }
}

/// Applies the set on each server and makes one lock of what came out.
async fn generate(
    service: &LoadedService<'_>,
    set: &Set,
    options: &Options,
    servers: &mut Servers,
    talk: &(dyn Fn(&str) + Sync),
    interrupt: &Interrupt,
) -> Result<Lock, (LockState, String)> {
    let timescaledb = service.service.store == Store::TimescaleDb;
    let binaries = binaries(options, timescaledb).map_err(|error| (LockState::NoServer, error))?;
    let mut snapshots = Vec::new();
    for binaries in binaries {
        talk(&format!(
            "{}: applying set {} to an empty database of PostgreSQL {}",
            service.service.name, set.name, binaries.major
        ));
        let server = servers
            .get(&binaries)
            .await
            .map_err(|error| (LockState::NoServer, error))?;
        let snapshot = produce(&server, service, set, timescaledb, interrupt).await?;
        snapshots.push((binaries.major, snapshot));
    }
    let parts: Vec<(u32, &Snapshot)> = snapshots
        .iter()
        .map(|(major, snapshot)| (*major, snapshot))
        .collect();
    Lock::from_snapshots(&set.name, &set.sum(), &parts)
        .map_err(|error| (LockState::BadSet, error.to_string()))
}

/// The servers to use: those that were named and will do, else the newest that is found.
fn binaries(options: &Options, timescaledb: bool) -> Result<Vec<Binaries>, String> {
    let need = Need {
        timescaledb,
        major: None,
    };
    if options.postgres_bin.is_empty() {
        return find(None, &options.env, need)
            .map(|binaries| vec![binaries])
            .map_err(|error| error.to_string());
    }
    let mut found: Vec<Binaries> = Vec::new();
    for folder in &options.postgres_bin {
        let any =
            find(Some(folder), &options.env, Need::default()).map_err(|error| error.to_string())?;
        if any.timescaledb || !timescaledb {
            found.push(any);
        }
    }
    found.sort_by_key(|binaries| binaries.major);
    found.dedup_by_key(|binaries| binaries.major);
    if found.is_empty() {
        return Err(
            "none of the folders given with --postgres-bin has TimescaleDB, which this set needs"
                .to_owned(),
        );
    }
    Ok(found)
}

/// An empty database, the set applied to it as the service's plain role, and what is there afterwards.
async fn produce(
    server: &Server,
    service: &LoadedService<'_>,
    set: &Set,
    timescaledb: bool,
    interrupt: &Interrupt,
) -> Result<Snapshot, (LockState, String)> {
    let no_server = |error: String| (LockState::NoServer, error);
    let admin = Endpoint::parse(server.admin_url("postgres").expose())
        .map_err(|error| no_server(error.to_string()))?;
    // Neither the role's nor the database's name is part of a lock, but defaults may depend on them: take the real ones.
    let wanted = Wanted {
        service: service.service.name.clone(),
        role: service
            .service
            .role_name()
            .unwrap_or("dbctl_lock")
            .to_owned(),
        password: Some(random_password()),
        database: service.service.database_name().to_owned(),
        other_roles: Vec::new(),
        timescaledb,
    };
    // Services of different servers may give their databases the same name.
    discard(&admin, &wanted.database)
        .await
        .map_err(|error| no_server(error.to_string()))?;
    provision(&admin, &wanted)
        .await
        .1
        .map_err(|error| no_server(error.to_string()))?;
    let endpoint = Endpoint {
        user: wanted.role.clone(),
        password: wanted.password.clone(),
        database: wanted.database.clone(),
        ..admin
    };
    let mut session = connect(&endpoint, Purpose::Write, "dbctl lock")
        .await
        .map_err(|error| no_server(error.message))?;
    let options = ApplyOptions::new(&service.service.name, &endpoint, interrupt.receiver());
    apply(&mut session, set, &options, &|_| None, &|_| {})
        .await
        .1
        .map_err(|error| match error {
            ApplyError::Unreachable(_) => no_server(error.to_string()),
            _ => (LockState::BadSet, error.to_string()),
        })?;
    drop(session);
    let session = connect(&endpoint, Purpose::Read, "dbctl lock")
        .await
        .map_err(|error| no_server(error.message))?;
    snapshot(&session, None)
        .await
        .map_err(|error| no_server(describe(&error)))
}

/// Compares the new lock with the one that is there, and writes it where it differs and may be written.
fn settle(new: &Lock, set: &Set, check: bool, report: &mut SetLock) {
    let old = set
        .lock
        .as_ref()
        .map(|text| Lock::parse(&set.lock_path(), text));
    let current = match &old {
        // Major versions that are not installed here keep what they have, as long as the rest is the same.
        Some(Ok(old)) => old.restricted(&new.majors) == *new,
        Some(Err(_)) | None => false,
    };
    report.state = match (&old, current, check) {
        (_, true, _) => LockState::Current,
        (None, _, true) => LockState::Missing,
        (Some(_), _, true) => LockState::Stale,
        (_, _, false) => LockState::Written,
    };
    if let Some(Ok(old)) = &old {
        if report.state == LockState::Stale
            && !new.majors.iter().any(|major| old.majors.contains(major))
        {
            report.detail = Some(format!(
                "the lock speaks for PostgreSQL {}, and the server at hand is PostgreSQL {}: name a folder of one of the former, or run \
                 dbctl lock with --postgres-bin for each",
                majors(&old.majors),
                majors(&new.majors)
            ));
        } else if report.state == LockState::Stale {
            report.detail = Some(difference(old, new));
        } else if report.state == LockState::Written {
            let dropped: Vec<u32> = old
                .majors
                .iter()
                .filter(|major| !new.majors.contains(major))
                .copied()
                .collect();
            if !dropped.is_empty() {
                report.detail = Some(format!(
                    "it no longer speaks for PostgreSQL {}, which was not at hand: name those servers with --postgres-bin too",
                    majors(&dropped)
                ));
            }
        }
    }
    if let (Some(Err(error)), LockState::Stale) = (&old, report.state) {
        report.detail = Some(error.to_string());
    }
    if report.state == LockState::Missing {
        report.detail = Some("run dbctl lock to write it, review it and check it in".to_owned());
    }
    if report.state == LockState::Written
        && let Err(problem) = write(new, report.path.as_deref())
    {
        report.state = LockState::BadSet;
        report.detail = Some(problem);
    }
}

fn majors(majors: &[u32]) -> String {
    let majors: Vec<String> = majors.iter().map(ToString::to_string).collect();
    majors.join(", ")
}

/// What differs between two locks, by name: enough to find it in the set; the whole difference is a `dbctl lock` and a `git diff`.
fn difference(old: &Lock, new: &Lock) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut note = |key: &crate::snapshot::ObjectKey, what: &str| {
        // What belongs to a table that differs as a whole is said with the table.
        let table = |lock: &Lock| {
            lock.objects.keys().any(|other| {
                !other.kind.is_part() && other.schema == key.schema && other.name == key.parent
            })
        };
        if !key.kind.is_part() {
            names.push(format!("{} {} {what}", key.kind.words(), key.name));
        } else if table(old) && table(new) {
            let (kind, table) = (key.kind.words(), &key.parent);
            names.push(format!("{kind} {table}.{} {what}", key.name));
        }
    };
    for (key, attributes) in &new.objects {
        match old.objects.get(key) {
            None => note(key, "is not in the lock"),
            Some(recorded) if recorded != attributes && old.majors == new.majors => {
                note(key, "differs")
            }
            Some(_) => {}
        }
    }
    for key in old
        .objects
        .keys()
        .filter(|key| !new.objects.contains_key(*key))
    {
        note(key, "is no longer produced");
    }
    let more = names.len().saturating_sub(5);
    names.truncate(5);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    if names.is_empty() {
        "the set's files or the major versions changed since the lock was written: run dbctl lock"
            .to_owned()
    } else {
        format!(
            "{}: run dbctl lock, review the difference and check it in",
            names.join(", ")
        )
    }
}

/// Writes the file in one step, so that a killed run leaves the old one or the new one.
fn write(lock: &Lock, path: Option<&std::path::Path>) -> Result<(), String> {
    let Some((path, folder)) = path.and_then(|path| path.parent().map(|folder| (path, folder)))
    else {
        return Err(
            "the set is built in: name the folder of sets to write to with --sets DIR".to_owned(),
        );
    };
    let shown = path.display();
    let fail = |error: &dyn std::fmt::Display| format!("{shown} cannot be written: {error}");
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| fail(&error))?;
    std::io::Write::write_all(&mut file, lock.write().as_bytes()).map_err(|error| fail(&error))?;
    // A temporary file is private; the lock is a file of the repository like any other.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(file.path(), mode).map_err(|error| fail(&error))?;
    file.persist(path).map_err(|error| fail(&error))?;
    Ok(())
}

/// The throwaway servers of one run, one for each folder of binaries.
#[derive(Default)]
struct Servers {
    running: BTreeMap<PathBuf, Arc<Server>>,
    cancel: Cancel,
}

impl Servers {
    async fn get(&mut self, binaries: &Binaries) -> Result<Arc<Server>, String> {
        if let Some(server) = self.running.get(&binaries.bin) {
            return Ok(Arc::clone(server));
        }
        let mut options = ServerOptions::new(format!("lock-{}", binaries.major), random_password());
        options.timescaledb = binaries.timescaledb;
        options.cancel = self.cancel.clone();
        let wanted = binaries.clone();
        let server = tokio::task::spawn_blocking(move || Server::start(&wanted, &options))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        let server = Arc::new(server);
        self.running
            .insert(binaries.bin.clone(), Arc::clone(&server));
        Ok(server)
    }

    async fn stop(self) {
        // Dropping a server waits for it to end. A panic in there has nothing left to lose.
        drop(tokio::task::spawn_blocking(move || drop(self.running)).await);
    }
}
