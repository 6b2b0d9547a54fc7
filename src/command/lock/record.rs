//! `dbctl lock --from`: the schema that a service made by itself, recorded from its live database, read-only.

use super::settle::{Place, settle};
use super::whose::{foreign, tell};
use super::{Interrupt, Loaded, LoadedService, blank};
use crate::manifest::{Managed, Store};
use crate::postgres::{Purpose, connect, describe, snapshot};
use crate::report::lock::{LockState, Report, SetLock};
use crate::snapshot::{Kind, Lock, Snapshot, fingerprint};

/// Records, or with `check` compares, the schemas of the chosen services. `talk` is told what is being done.
pub async fn record(
    loaded: &Loaded<'_>,
    check: bool,
    talk: &(dyn Fn(&str) + Sync),
    interrupt: &Interrupt,
) -> Report {
    let mut sets = Vec::new();
    for service in loaded.chosen() {
        let blank = blank(service);
        let mut report = SetLock {
            path: service.service.lock_file.clone().or(blank.path),
            set: service.service.name.clone(),
            ..blank
        };
        let (state, detail) = tokio::select! {
            () = interrupt.wait() => (LockState::Interrupted, "interrupted; nothing was written".to_owned()),
            read = read(service, talk) => match read {
                Ok(snapshot) => match write(loaded, service, &snapshot, check, &mut report) {
                    Ok(()) => (report.state, report.detail.take().unwrap_or_default()),
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            },
        };
        report.state = state;
        report.detail = (!detail.is_empty()).then_some(detail);
        sets.push(report);
    }
    Report { check, sets }
}

/// Why nothing was recorded: how the lock stands then, and the sentence.
type Failure = (LockState, String);

/// Reads the database as the service itself.
async fn read(
    loaded: &LoadedService<'_>,
    talk: &(dyn Fn(&str) + Sync),
) -> Result<Snapshot, Failure> {
    let service = loaded.service;
    let name = &service.name;
    let refused = |text: String| (LockState::Refused, text);
    if service.store == Store::Files {
        return Err(refused(format!("service {name} has no SQL database")));
    }
    if service.managed == Managed::Dbctl {
        return Err(refused(format!(
            "service {name} is migrated by dbctl: its lock comes from its set, with dbctl lock; write managed = \"service\" in the manifest if it migrates itself"
        )));
    }
    if service.lock_file.is_none() {
        return Err(refused(format!(
            "service {name} has a set, whose lock counts: take the set from its table in the manifest to record what the service makes"
        )));
    }
    let Some(endpoint) = service.endpoint() else {
        return Err((
            LockState::Unreachable,
            format!("service {name} has no database configured"),
        ));
    };
    talk(&format!("{name}: reading {}", endpoint.display()));
    let unreachable = |text: String| (LockState::Unreachable, text);
    let session = connect(endpoint, Purpose::Read, "dbctl lock")
        .await
        .map_err(|error| unreachable(error.message))?;
    let read = snapshot(&session, None).await;
    session.close().await;
    let snapshot =
        read.map_err(|error| unreachable(format!("{}: {}", endpoint.display(), describe(&error))))?;
    if snapshot.identity.database != service.database_name() {
        return Err(refused(format!(
            "database {:?} was reached instead of {:?}",
            snapshot.identity.database,
            service.database_name()
        )));
    }
    if let Some(Some(stamp)) = snapshot.identity.stamp.known()
        && stamp.service != *name
    {
        return Err(refused(format!(
            "the stamp of database {:?} says that it belongs to {:?}",
            snapshot.identity.database, stamp.service
        )));
    }
    let is_empty = !snapshot
        .objects
        .iter()
        .any(|object| object.key.kind == Kind::Table);
    if is_empty {
        return Err(refused(format!(
            "database {:?} has no table yet: start {name} once, so that it makes its schema",
            snapshot.identity.database
        )));
    }
    Ok(snapshot)
}

/// Makes a lock of it and puts it beside the one that is there.
fn write(
    loaded: &Loaded<'_>,
    service: &LoadedService<'_>,
    snapshot: &Snapshot,
    check: bool,
    report: &mut SetLock,
) -> Result<(), Failure> {
    let name = &service.service.name;
    let bad = |text: String| (LockState::BadSet, text);
    let major = snapshot.server.major();
    let mut new = Lock::from_snapshots(name, "", &[(major, snapshot)])
        .map_err(|error| bad(error.to_string()))?;
    // There is no set whose text could be summed up: the catalog itself is.
    new.sum = format!("catalog:{}", fingerprint(snapshot));
    new.source = Some(source(snapshot));
    report.majors.clone_from(&new.majors);
    report.objects = new.objects.keys().filter(|key| !key.kind.is_part()).count();
    let text = match report.path.as_deref().map(std::fs::read_to_string) {
        Some(Ok(text)) => Some(text),
        Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(bad(format!("the lock cannot be read: {error}")));
        }
        _ => None,
    };
    // The server's minor version may change without the schema.
    if let Some(Ok(old)) = text.as_ref().map(|text| Lock::parse("", text))
        && old.set == new.set
        && old.objects == new.objects
        && old.majors == new.majors
    {
        new.source = old.source;
    }
    let again = format!("dbctl lock --from {name}");
    let there = Place {
        name: report
            .path
            .as_ref()
            .map_or_else(String::new, |path| path.display().to_string()),
        text: text.as_deref(),
        again: &again,
    };
    settle(&new, &there, check, report);
    if let Some(names) = foreign(&new, None, &loaded.others(name)) {
        tell(
            report,
            format!(
                "review whose these are before the file is checked in, for what it holds counts as this service's: {names}"
            ),
        );
    }
    Ok(())
}

/// Where a lock came from, without an address: the file is checked in.
fn source(snapshot: &Snapshot) -> String {
    let timescaledb = snapshot
        .server
        .timescaledb
        .as_ref()
        .map_or_else(String::new, |version| format!(", TimescaleDB {version}"));
    format!(
        "database {} on PostgreSQL {}{timescaledb}",
        snapshot.identity.database, snapshot.server.version
    )
}
