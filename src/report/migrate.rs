//! What `migrate` did.

use std::time::Duration;

use crate::exit::Exit;

/// The whole run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whether nothing was to be applied (`--dry-run`).
    pub dry_run: bool,
    /// Each service, in the manifest's order.
    pub services: Vec<ServiceRun>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// The exit code: the worst of the services.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::worst_of(self.services.iter().map(|service| service.outcome.exit()))
    }
}

/// One service's part of a run.
#[derive(Debug, Clone)]
pub struct ServiceRun {
    /// The service.
    pub name: String,
    /// Its store, as in the manifest.
    pub store: &'static str,
    /// Its database; empty for a file store.
    pub database: String,
    /// Where it is.
    pub address: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was applied in this run.
    pub applied: Vec<Applied>,
    /// What is still to be applied.
    pub pending: Vec<Pending>,
    /// How many migrations the history holds now; `None` when it was not read.
    pub total: Option<usize>,
    /// What went wrong, in full sentences.
    pub error: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// A migration that this run applied.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The version.
    pub version: i32,
    /// The name.
    pub name: String,
    /// How long it took.
    pub took: Duration,
}

/// A migration that is not applied.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The version.
    pub version: i32,
    /// The name.
    pub name: String,
    /// Its SQL.
    pub sql: String,
}

/// How one service's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything asked for is applied, and something was applied now.
    Migrated,
    /// There was nothing to do.
    UpToDate,
    /// Something would be applied (`--dry-run`).
    Planned,
    /// It has no URL: single-user mode.
    NotConfigured,
    /// It has no SQL database.
    NoDatabase,
    /// It migrates itself.
    Managed,
    /// The database is not this service's, or its history does not fit.
    Refused,
    /// The set cannot be read.
    BadSet,
    /// The database cannot be reached or entered, or lacks what the set needs.
    Unreachable,
    /// Another runner, or somebody who holds a table.
    Locked,
    /// A migration failed and was rolled back.
    Failed,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

impl Outcome {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Migrated => "migrated",
            Self::UpToDate => "up_to_date",
            Self::Planned => "planned",
            Self::NotConfigured => "not_configured",
            Self::NoDatabase => "no_database",
            Self::Managed => "managed_by_service",
            Self::Refused => "refused",
            Self::BadSet => "bad_set",
            Self::Unreachable => "unreachable",
            Self::Locked => "locked",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// The exit code of a run that ended so.
    #[must_use]
    pub const fn exit(self) -> Exit {
        match self {
            Self::Migrated
            | Self::UpToDate
            | Self::Planned
            | Self::NotConfigured
            | Self::NoDatabase
            | Self::Managed => Exit::Done,
            Self::Refused | Self::BadSet => Exit::Refused,
            Self::Unreachable => Exit::Incomplete,
            Self::Locked => Exit::Locked,
            Self::Failed => Exit::MigrationFailed,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}
