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

    /// How many services ended in which way, every way with its number.
    #[must_use]
    pub fn counts(&self) -> Vec<(Outcome, usize)> {
        Outcome::ALL
            .into_iter()
            .map(|outcome| {
                let of = |run: &&ServiceRun| run.outcome == outcome;
                (outcome, self.services.iter().filter(of).count())
            })
            .collect()
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
    /// What migrations have left for somebody to look at: a constraint that is not validated.
    pub notes: Vec<String>,
    /// Whether a migration that runs statement by statement was begun and is not finished: `error` says what of it stays.
    pub unfinished: bool,
    /// Whether the connection broke at a COMMIT, so that `applied` may lack what was committed.
    pub unsure: bool,
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
    /// Its SQL, without what may be a password; empty where the plan was not asked for.
    pub sql: String,
    /// Whether it runs statement by statement rather than in one transaction.
    pub by_statement: bool,
    /// Why it runs statement by statement, if it does.
    pub reason: Option<String>,
    /// How many of its statements ran before, in a run that did not finish it.
    pub ran: usize,
    /// What its other statements do, in their order; read for a dry run only.
    pub statements: Vec<Statement>,
}

/// One statement of a migration, as a plan shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The line on which it begins, counted from 1.
    pub line: usize,
    /// Its text, without the semicolon.
    pub text: String,
    /// Where it can run.
    pub place: Place,
    /// The strongest lock that it takes on a relation in use, if any.
    pub lock: Option<Lock>,
    /// What becomes of it where an earlier run was cut off in it.
    pub cut_off: Option<String>,
    /// Whether the run stops before it, for that is the operator's to settle.
    pub stops: bool,
    /// What readers, writers or data may suffer from it.
    pub hazards: Vec<Hazard>,
}

/// Where a statement can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a transaction, with others.
    Transaction,
    /// Not in a transaction block.
    Alone,
    /// In a transaction, but as the first statement of a session.
    FreshSession,
}

impl Place {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Alone => "alone",
            Self::FreshSession => "fresh_session",
        }
    }
}

/// A table lock that others may have to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Its mode as SQL writes it: `ACCESS EXCLUSIVE`.
    pub mode: &'static str,
    /// The relation, where the statement names it.
    pub relation: Option<String>,
    /// Whether the relation is there now. Else a migration of the plan makes it first, and nobody waits for it yet.
    pub exists: bool,
}

/// Something to know before a statement is run on a database in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hazard {
    /// A stable word for it.
    pub code: String,
    /// One sentence.
    pub message: String,
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
    /// Nothing of it was begun, because another service failed (`--fail-fast`).
    NotStarted,
    /// It ended between two migrations, because another service failed (`--fail-fast`).
    Stopped,
}

impl Outcome {
    /// Every outcome, in the order in which a summary counts them.
    pub const ALL: [Self; 14] = [
        Self::Migrated,
        Self::UpToDate,
        Self::Planned,
        Self::Refused,
        Self::BadSet,
        Self::Unreachable,
        Self::Locked,
        Self::Failed,
        Self::Interrupted,
        Self::Stopped,
        Self::NotStarted,
        Self::NotConfigured,
        Self::NoDatabase,
        Self::Managed,
    ];

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
            Self::NotStarted => "not_started",
            Self::Stopped => "stopped",
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
            Self::Unreachable | Self::NotStarted | Self::Stopped => Exit::Incomplete,
            Self::Locked => Exit::Locked,
            Self::Failed => Exit::MigrationFailed,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}
