//! What `baseline` found and did.

use std::time::Duration;

use super::About;
use crate::exit::Exit;

/// The whole run: it is about one service.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whether nothing was to be written (`--dry-run`).
    pub dry_run: bool,
    /// The service.
    pub service: String,
    /// Its store, as in the manifest.
    pub store: &'static str,
    /// Its database; empty for a file store.
    pub database: String,
    /// Where it is.
    pub address: Option<String>,
    /// The server's version, if it answered.
    pub server_version: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The version whose catalog was found, or the one that comes nearest.
    pub version: Option<i32>,
    /// The migrations that the history holds now, or would hold.
    pub recorded: Vec<Migration>,
    /// The migrations that `migrate` applies next.
    pub pending: Vec<Migration>,
    /// How the catalog differs from that version.
    pub differences: Vec<Difference>,
    /// Histories of other tools.
    pub histories: Vec<OtherHistory>,
    /// What there is to know, in full sentences.
    pub notes: Vec<String>,
    /// What went wrong, in full sentences.
    pub error: Option<String>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// The exit code.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.outcome.exit()
    }
}

/// A migration of the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The version.
    pub version: i32,
    /// The name.
    pub name: String,
}

/// One difference between the catalog and the schema lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What kind of difference it is.
    pub what: What,
    /// The object.
    pub object: About,
    /// The attribute, where one differs.
    pub attribute: Option<String>,
    /// What the lock says.
    pub expected: Option<String>,
    /// What the catalog says.
    pub actual: Option<String>,
}

/// Kinds of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The lock has it, the database does not.
    Missing,
    /// The database has it, the lock does not.
    Extra,
    /// An attribute is another.
    Changed,
    /// The lock does not know this major version's text, and the text equals none of its own.
    NotJudged,
}

impl What {
    /// The word in table and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Changed => "changed",
            Self::NotJudged => "not_judged",
        }
    }
}

/// Another tool's history in this database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherHistory {
    /// The tool.
    pub tool: &'static str,
    /// Its table's schema.
    pub schema: String,
    /// Its table.
    pub table: &'static str,
    /// How many migrations it holds, where that can be read.
    pub applied: Option<i64>,
    /// The newest one, where that can be read.
    pub newest: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The history was written.
    Adopted,
    /// It would be written (`--dry-run`).
    Proven,
    /// The catalog is not that of the version, or that cannot be shown.
    Differs,
    /// The database is not this service's, is under dbctl already, or cannot be written to.
    Refused,
    /// Set or lock cannot be used.
    BadSet,
    /// The database cannot be reached, entered or read.
    Unreachable,
    /// Another runner, or somebody who holds a table.
    Locked,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

impl Outcome {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Proven => "proven",
            Self::Differs => "differs",
            Self::Refused => "refused",
            Self::BadSet => "bad_set",
            Self::Unreachable => "unreachable",
            Self::Locked => "locked",
            Self::Interrupted => "interrupted",
        }
    }

    const fn exit(self) -> Exit {
        match self {
            Self::Adopted | Self::Proven => Exit::Done,
            Self::Differs | Self::Refused | Self::BadSet => Exit::Refused,
            Self::Unreachable => Exit::Incomplete,
            Self::Locked => Exit::Locked,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}
