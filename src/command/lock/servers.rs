//! The throwaway servers of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::Options;
use crate::sandbox::{Binaries, Cancel, Need, Server, ServerOptions, find, random_password};

/// The throwaway servers of one run, one for each folder of binaries.
#[derive(Default)]
pub(super) struct Servers {
    running: BTreeMap<PathBuf, Arc<Server>>,
    pub(super) cancel: Cancel,
}

impl Servers {
    pub(super) async fn get(&mut self, binaries: &Binaries) -> Result<Arc<Server>, String> {
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

    pub(super) async fn stop(self) {
        // Dropping a server waits for it to end. A panic in there has nothing left to lose.
        drop(tokio::task::spawn_blocking(move || drop(self.running)).await);
    }
}

/// The major versions that a schema lock speaks for, also one that a merge has left in pieces.
pub(super) fn majors_of(lock: &str) -> Vec<u32> {
    let lists = lock
        .lines()
        .filter_map(|line| line.strip_prefix("majors = [")?.strip_suffix(']'));
    let majors: BTreeSet<u32> = lists
        .flat_map(|list| list.split(','))
        .filter_map(|major| major.trim().parse().ok())
        .collect();
    majors.into_iter().collect()
}

/// The servers to use: those that were named and will do; else those of the `known` major versions that are found, or the newest.
pub(super) fn binaries(
    options: &Options,
    timescaledb: bool,
    known: &[u32],
) -> Result<Vec<Binaries>, String> {
    let need = Need {
        timescaledb,
        major: None,
    };
    if options.postgres_bin.is_empty() {
        let of = |major: &u32| {
            let major = Some(*major);
            find(None, &options.env, Need { major, ..need }).ok()
        };
        let found: Vec<Binaries> = known.iter().filter_map(of).collect();
        if !found.is_empty() {
            return Ok(found);
        }
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
