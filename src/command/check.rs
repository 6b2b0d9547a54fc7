//! `dbctl check`: the questions of `verify` that need no server.

use std::time::Instant;

use futures::future::join_all;

use super::system::{read_locks, texts};
use super::{Loaded, LoadedService};
use crate::compose::Deployment;
use crate::files;
use crate::migration::SetFacts;
use crate::report::verify::Report;
use crate::rules::{self, Severity, Subject, System};
use crate::snapshot::Proofs;

/// Checks the chosen services: sets, locks, directories, and the compose files if there are any. Connects to nothing.
pub async fn run(loaded: &Loaded<'_>, compose: Option<Deployment>, fail_on: Severity) -> Report {
    let started = Instant::now();
    read_locks(loaded);
    let system = System {
        manifest: loaded.manifest,
        subjects: join_all(loaded.services.iter().zip(texts(loaded)).map(subject)).await,
        offline: true,
        compose,
    };
    rules::run(&system, &loaded.chosen, fail_on, started)
}

async fn subject<'a>((loaded, texts): (&'a LoadedService<'_>, Option<SetFacts>)) -> Subject<'a> {
    Subject {
        service: loaded.service,
        set: loaded.good_set(),
        texts,
        lock: loaded.lock.clone(),
        snapshot: None,
        directories: files::read(loaded.service).await,
        proofs: Proofs::default(),
    }
}
