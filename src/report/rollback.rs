//! What `rollback` did.

use std::time::Duration;

use crate::exit::Exit;

/// The whole run: one service's.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whether nothing was to be rolled back (`--dry-run`).
    pub dry_run: bool,
    /// The service.
    pub name: String,
    /// Its store, as in the manifest.
    pub store: &'static str,
    /// Its database; empty for a file store.
    pub database: String,
    /// Where it is.
    pub address: Option<String>,
    /// The version to be at; 0 takes back everything.
    pub target: i32,
    /// The newest version that was applied before; `None` when the history was not read.
    pub from: Option<i32>,
    /// How it ended.
    pub outcome: Outcome,
    /// What is to be taken back, newest first; empty once it was.
    pub planned: Vec<Planned>,
    /// What was taken back and committed, newest first.
    pub rolled_back: Vec<RolledBack>,
    /// The data that was lost or, when the run was refused for it, would be.
    pub losses: Vec<Loss>,
    /// What there is to know beside it: that the catalog could not be compared with the target's.
    pub note: Option<String>,
    /// What went wrong, in full sentences.
    pub error: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// A migration that is to be taken back.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The version.
    pub version: i32,
    /// The name.
    pub name: String,
    /// The down script's file.
    pub file: String,
    /// Its SQL.
    pub sql: String,
}

/// A migration that was taken back.
#[derive(Debug, Clone)]
pub struct RolledBack {
    /// The version.
    pub version: i32,
    /// The name.
    pub name: String,
    /// How long its script took.
    pub took: Duration,
}

/// Data that goes.
#[derive(Debug, Clone)]
pub struct Loss {
    /// What it is about, as in `table public.posts`.
    pub object: String,
    /// Why its data is lost.
    pub reason: String,
}

/// How a rollback ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The database is at the target now.
    RolledBack,
    /// It was at the target before.
    AtTarget,
    /// It would be rolled back (`--dry-run`).
    Planned,
    /// The service has no database to roll back, the database is not this service's, or there is no way down to the target.
    Refused,
    /// Data would be lost, and that was not allowed.
    DataLoss,
    /// The set cannot be read.
    BadSet,
    /// The database cannot be reached, entered or written to.
    Unreachable,
    /// Another runner, or somebody who holds a table.
    Locked,
    /// A script failed; everything was rolled back.
    Failed,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

impl Outcome {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RolledBack => "rolled_back",
            Self::AtTarget => "at_target",
            Self::Planned => "planned",
            Self::Refused => "refused",
            Self::DataLoss => "data_loss",
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
            Self::RolledBack | Self::AtTarget | Self::Planned => Exit::Done,
            Self::Refused | Self::DataLoss | Self::BadSet => Exit::Refused,
            Self::Unreachable => Exit::Incomplete,
            Self::Locked => Exit::Locked,
            Self::Failed => Exit::MigrationFailed,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}
