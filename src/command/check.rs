//! `dbctl check`: the questions of `verify` that need no server.

use std::time::Instant;

use futures::future::join_all;

use super::{Loaded, LoadedService};
use crate::files;
use crate::report::verify::Report;
use crate::rules::{self, Severity, Subject, System};
use crate::snapshot::Proofs;

/// Checks the chosen services: sets, locks, directories. Connects to nothing.
pub async fn run(loaded: &Loaded<'_>, fail_on: Severity) -> Report {
    let started = Instant::now();
    let system = System {
        manifest: loaded.manifest,
        subjects: join_all(loaded.services.iter().map(subject)).await,
        offline: true,
    };
    rules::run(&system, &loaded.chosen, fail_on, started)
}

async fn subject<'a>(loaded: &'a LoadedService<'_>) -> Subject<'a> {
    Subject {
        service: loaded.service,
        set: loaded.good_set(),
        lock: loaded.lock.clone(),
        snapshot: None,
        directories: files::read(loaded.service).await,
        proofs: Proofs::default(),
    }
}
