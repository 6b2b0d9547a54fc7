//! One database to migrate: everything that preflight and runner have to know about it.

use std::path::Path;
use std::time::Duration;

use super::super::entrance::{contradicts_role, not_entered};
use super::super::guard::refused_by_marks;
use super::super::{Loaded, LoadedService};
use crate::manifest::{Endpoint, Store, Target};
use crate::migration::{Set, guard};
use crate::postgres::ConnectError;
use crate::postgres::inspect::Marks;
use crate::report::migrate::{Outcome, ServiceRun};

/// One database to migrate.
pub(crate) struct Task<'a> {
    /// The service and its set.
    pub(crate) own: guard::Party<'a>,
    /// The other services of the system.
    pub(crate) others: Vec<guard::Party<'a>>,
    /// The set.
    pub(crate) set: &'a Set,
    /// Where the database is.
    pub(crate) endpoint: &'a Endpoint,
    /// An administrator's way in, for what the service's role may not see.
    pub(crate) admin: Option<&'a Endpoint>,
    /// Whether the set needs TimescaleDB.
    pub(crate) timescaledb: bool,
    /// Where the database's files lie, if that is on this host.
    pub(crate) data_dir: Option<&'a Path>,
    /// Why nobody may be the first in this database, if another service of the system is to be in it as well.
    pub(crate) shared: Option<String>,
    /// How long to wait for a server that does not answer yet.
    pub(crate) wait: Duration,
    /// Whether only the plan is wanted (`--dry-run`).
    pub(crate) dry_run: bool,
}

impl<'a> Task<'a> {
    /// The task for a service of the manifest, or how its run ends without one.
    pub(crate) fn new(
        loaded: &'a Loaded<'_>,
        service: &'a LoadedService<'_>,
        wait: Duration,
        dry_run: bool,
    ) -> Result<Self, (Outcome, Option<String>)> {
        let endpoint = match &service.service.target {
            Target::Files => return Err((Outcome::NoDatabase, None)),
            Target::NotConfigured { .. } => return Err((Outcome::NotConfigured, None)),
            Target::Database(endpoint) => &endpoint.value,
        };
        if !service.is_migrated() {
            return Err((Outcome::Managed, None));
        }
        let set = match &service.set {
            Some(Ok(set)) => set,
            Some(Err(error)) => return Err((Outcome::BadSet, Some(error.to_string()))),
            None => {
                let reason = "it has no migration set".to_owned();
                return Err((Outcome::BadSet, Some(reason)));
            }
        };
        // Without what it holds, a migration would run without the guards that it gives.
        if let Some(problem) = service.bad_lock() {
            return Err((Outcome::BadSet, Some(problem)));
        }
        let manifest = service.service;
        let (own, others) = (service.party(), loaded.others(&manifest.name));
        Ok(Self {
            own,
            others,
            set,
            endpoint,
            admin: manifest.admin_endpoint(),
            timescaledb: manifest.store == Store::TimescaleDb,
            data_dir: manifest.data_dir.as_ref().map(|dir| dir.value.as_path()),
            shared: loaded.manifest.shared_database(manifest),
            wait,
            dry_run,
        })
    }

    /// The name of its sessions, as `pg_stat_activity` shows it.
    pub(super) fn application(&self) -> String {
        application(self.own.service)
    }

    /// How the run ends where there is no session.
    pub(super) fn unreachable(&self, error: ConnectError) -> (Outcome, String) {
        let reason = not_entered(
            self.own,
            &self.others,
            self.endpoint,
            self.shared.clone(),
            error,
        );
        (Outcome::Unreachable, reason)
    }

    /// Why nothing is done over this way in, if so, and what is to be noted of it: a role that nobody else has may look.
    pub(super) fn role(&self) -> (Option<String>, Option<String>) {
        match contradicts_role(self.own, &self.others, self.endpoint) {
            None => (None, None),
            Some(wrong) if self.dry_run && !wrong.foreign => (
                None,
                Some(format!("{}; migrate refuses that", wrong.reason)),
            ),
            Some(wrong) => (Some(wrong.reason), None),
        }
    }

    /// Why the set must not be applied to the database with these marks, if so.
    pub(super) fn refused_by_marks(&self, marks: &Marks) -> Option<String> {
        refused_by_marks(self.own, &self.others, marks).or_else(|| {
            // A stamp tells whose it is; without one nobody can.
            let is_nobodys = marks.stamp.is_none() && marks.history.rows.is_empty();
            self.shared.clone().filter(|_| is_nobodys)
        })
    }
}

/// The name of the sessions that migrate a service.
pub(super) fn application(service: &str) -> String {
    format!("dbctl migrate {service}")
}

/// The report of a service about which nothing is known yet.
pub(super) fn blank(loaded: &LoadedService<'_>) -> ServiceRun {
    let service = loaded.service;
    ServiceRun {
        name: service.name.clone(),
        store: service.store.as_str(),
        database: service.database_name().to_owned(),
        address: service.endpoint().map(Endpoint::address),
        outcome: Outcome::UpToDate,
        applied: Vec::new(),
        pending: Vec::new(),
        total: None,
        error: None,
        notes: Vec::new(),
        unfinished: false,
        unsure: false,
        took: Duration::ZERO,
    }
}

/// The report with its end.
pub(super) fn ended(
    mut run: ServiceRun,
    outcome: Outcome,
    error: impl Into<Option<String>>,
) -> ServiceRun {
    run.outcome = outcome;
    run.error = error.into();
    run
}
