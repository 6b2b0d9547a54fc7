//! What `status` saw.

use crate::exit::Exit;
use crate::snapshot::whole_seconds;

/// All services at once.
#[derive(Debug, Clone)]
pub struct Report {
    /// Each service, in the manifest's order.
    pub services: Vec<ServiceStatus>,
}

impl Report {
    /// The exit code: 3 where a set is wrong, 1 where history and set do not fit, the database is not the service's or
    /// was never adopted, 4 where something could not be read.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::worst_of(self.services.iter().map(|service| service.state.exit()))
    }

    /// Whether every service that has a database answers and is fully migrated.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.services.iter().all(|service| {
            matches!(
                service.state,
                State::UpToDate | State::NotConfigured | State::NoDatabase | State::Managed
            )
        })
    }
}

/// One service.
#[derive(Debug, Clone)]
pub struct ServiceStatus {
    /// The service.
    pub name: String,
    /// Its store, as in the manifest.
    pub store: &'static str,
    /// Its database; empty for a file store.
    pub database: String,
    /// Where it is.
    pub address: Option<String>,
    /// The server's version, if it answered.
    pub server_version: Option<String>,
    /// How it stands.
    pub state: State,
    /// The newest version that the history holds, whether the set has it or not.
    pub recorded: Option<i64>,
    /// The newest version of the set.
    pub newest: Option<i32>,
    /// Whether a newer release of the set has migrated the database.
    pub ahead: bool,
    /// What the history holds and the set knows.
    pub applied: Vec<Applied>,
    /// What is still to be applied.
    pub pending: Vec<Pending>,
    /// Migrations of which some statements ran; `None` when that was not or could not be read.
    pub unfinished: Option<Vec<Unfinished>>,
    /// The process that works on it right now, in words: another dbctl.
    pub runner: Option<String>,
    /// That it was looked at as another role than the service's, which `migrate` refuses, in words.
    pub wrong_role: Option<String>,
    /// Other tools' histories, in a database that has none of dbctl's.
    pub other_histories: Vec<OtherHistory>,
    /// What does not fit between history and set.
    pub divergent: Vec<String>,
    /// Why it could not be read, or why `migrate` refuses it.
    pub error: Option<String>,
}

impl ServiceStatus {
    /// Whether a migration has begun, statement by statement, and is not finished.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        let all = self.unfinished.as_ref();
        all.is_some_and(|all| !all.is_empty())
    }
}

/// An applied migration.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The version.
    pub version: i64,
    /// The name.
    pub name: String,
    /// When, as the history says.
    pub applied_on: String,
}

impl Applied {
    /// When, for people.
    #[must_use]
    pub fn when(&self) -> String {
        whole_seconds(&self.applied_on)
    }
}

/// A migration that is not applied.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The version.
    pub version: i32,
    /// The name.
    pub name: String,
}

/// A migration of which some statements ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The version.
    pub version: i32,
    /// How many of its statements are done.
    pub done: i64,
    /// How many were begun, and nobody has written down how they ended.
    pub begun: i64,
    /// How many statements its file has; `None` when the set has no such version.
    pub total: Option<usize>,
}

/// Another tool's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherHistory {
    /// The tool.
    pub tool: &'static str,
    /// Its table's schema.
    pub schema: String,
    /// Its table.
    pub table: &'static str,
}

/// How a service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything of the set is applied.
    UpToDate,
    /// Something is to be applied.
    Pending,
    /// It holds tables although no migration was ever recorded in it: `migrate` refuses it until it was adopted.
    NotAdopted,
    /// History and set do not fit.
    Divergent,
    /// The database is another service's, or not the one that the manifest names.
    WrongDatabase,
    /// It cannot be reached, entered or read.
    Unreachable,
    /// The set cannot be read.
    BadSet,
    /// It has no URL: single-user mode.
    NotConfigured,
    /// It has no SQL database.
    NoDatabase,
    /// It migrates itself, and its database answers.
    Managed,
}

impl State {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "up_to_date",
            Self::Pending => "pending",
            Self::NotAdopted => "not_adopted",
            Self::Divergent => "divergent",
            Self::WrongDatabase => "wrong_database",
            Self::Unreachable => "unreachable",
            Self::BadSet => "bad_set",
            Self::NotConfigured => "not_configured",
            Self::NoDatabase => "no_database",
            Self::Managed => "managed_by_service",
        }
    }

    const fn exit(self) -> Exit {
        match self {
            Self::UpToDate
            | Self::Pending
            | Self::NotConfigured
            | Self::NoDatabase
            | Self::Managed => Exit::Done,
            Self::NotAdopted | Self::Divergent | Self::WrongDatabase => Exit::Findings,
            Self::Unreachable => Exit::Incomplete,
            Self::BadSet => Exit::Refused,
        }
    }
}
