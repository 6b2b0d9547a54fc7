//! `dbctl lock`: applies each set version by version to an empty database of a throwaway server and records the catalog after each.

mod produce;
mod prove;
mod record;
mod servers;
mod settle;
mod whose;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Interrupt, Loaded, LoadedService};
use crate::manifest::Store;
use crate::migration::{LOCK_FILE, Set};
use crate::report::lock::{LockState, Report, SetLock};
use crate::snapshot::{Lock, LockError, Snapshot, Step, text_sum};
use produce::{Failure, Produced, produce};
pub use record::record;
use servers::{Servers, binaries, majors_of};
use settle::{Place, settle};
use whose::{foreign, tell};

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
        let generating = one(
            loaded,
            service,
            options,
            &mut servers,
            talk,
            interrupt,
            &mut report,
        );
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
        path: service
            .service
            .set_dir
            .as_ref()
            .map(|directory| directory.join(LOCK_FILE)),
        majors: Vec::new(),
        objects: 0,
        state: LockState::BadSet,
        detail: None,
        without_down: Vec::new(),
    }
}

/// The files that have no down script, where others of the set have one.
fn without_down(set: &Set) -> Vec<String> {
    let without = set.migrations.iter();
    let files: Vec<String> = without
        .filter(|migration| migration.down.is_none())
        .map(|migration| migration.file.clone())
        .collect();
    if files.len() == set.migrations.len() {
        Vec::new()
    } else {
        files
    }
}

async fn one(
    loaded: &Loaded<'_>,
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
    match generate(service, set, options, servers, talk, interrupt).await {
        Ok(new) => {
            report.majors.clone_from(&new.majors);
            report.without_down = without_down(set);
            report.objects = new.objects.keys().filter(|key| !key.kind.is_part()).count();
            let there = Place {
                name: set.lock_path(),
                text: set.lock.as_deref(),
                again: "dbctl lock",
            };
            settle(&new, &there, options.check, report);
            if report.state != LockState::Written {
                return;
            }
            let old = there.text.and_then(|text| Lock::parse("", text).ok());
            let others = loaded.others(&service.service.name);
            if let Some(names) = foreign(&new, old.as_ref(), &others) {
                tell(
                    report,
                    format!(
                        "its set makes what bears the name of another service's, and counts as this service's too once the file is checked in: \
                         {names}; review whether it is to be there"
                    ),
                );
            }
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
) -> Result<Lock, Failure> {
    let timescaledb = service.service.store == Store::TimescaleDb;
    // What is written should speak for no fewer versions than before; to check it, one is enough.
    let known = match (options.check, set.lock.as_deref()) {
        (false, Some(lock)) => majors_of(lock),
        _ => Vec::new(),
    };
    let binaries =
        binaries(options, timescaledb, &known).map_err(|error| (LockState::NoServer, error))?;
    let mut produced = Vec::new();
    for binaries in binaries {
        talk(&format!(
            "{}: applying set {} to an empty database of PostgreSQL {}",
            service.service.name, set.name, binaries.major
        ));
        let server = servers
            .get(&binaries)
            .await
            .map_err(|error| (LockState::NoServer, error))?;
        produced.push((
            binaries.major,
            produce(&server, service, set, interrupt).await?,
        ));
    }
    assemble(set, &produced).map_err(|error| (LockState::BadSet, error.to_string()))
}

fn assemble(set: &Set, produced: &[(u32, Produced)]) -> Result<Lock, LockError> {
    let empty: Vec<(u32, &Snapshot)> = produced
        .iter()
        .map(|(major, produced)| (*major, &produced.empty))
        .collect();
    let steps: Vec<Step<'_>> = set
        .migrations
        .iter()
        .enumerate()
        .map(|(number, migration)| Step {
            version: migration.version,
            file: &migration.file,
            sum: text_sum(&migration.sql),
            down: migration.down.as_ref().map(|down| text_sum(&down.sql)),
            after: produced
                .iter()
                .filter_map(|(major, produced)| Some((*major, produced.after.get(number)?)))
                .collect(),
        })
        .collect();
    Lock::from_steps(&set.name, &set.sum(), &empty, &steps)
}
