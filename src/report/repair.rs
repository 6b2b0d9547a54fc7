//! What `repair` found and mended.

use std::time::Duration;

use crate::exit::Exit;

/// The whole run: it is about one service.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whether nothing was to be changed (`--dry-run`).
    pub dry_run: bool,
    /// The service.
    pub service: String,
    /// Its store, as in the manifest.
    pub store: &'static str,
    /// Its database; empty for a file store.
    pub database: String,
    /// Where it is.
    pub address: Option<String>,
    /// What was found, in the order in which it was looked at.
    pub items: Vec<Item>,
    /// What ended the run early; `None` when everything was looked at.
    pub stopped: Option<Stopped>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// The exit code: what ended the run, else the worst of what is left.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let left = Exit::worst_of(self.items.iter().map(|item| item.state.exit()));
        self.stopped
            .as_ref()
            .map_or(left, |stopped| stopped.reason.exit())
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What kind of thing: `statement`, `progress`, `index`, `constraint`, `history`, `migrate`.
    pub kind: &'static str,
    /// Which one.
    pub subject: String,
    /// What is the case.
    pub found: String,
    /// How it stands now.
    pub state: State,
    /// What was done or would be, or what to do.
    pub action: String,
}

/// How something stands after the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was mended.
    Mended,
    /// It would be mended (`--dry-run`).
    WouldMend,
    /// The operator has to say what became of a statement or a file.
    NeedsWord,
    /// It was left as it is, and `migrate` refuses because of it.
    Blocks,
    /// It was left as it is, and stands in nobody's way.
    Left,
}

impl State {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mended => "mended",
            Self::WouldMend => "would_mend",
            Self::NeedsWord => "needs_word",
            Self::Blocks => "blocks",
            Self::Left => "left",
        }
    }

    const fn exit(self) -> Exit {
        match self {
            Self::Mended | Self::WouldMend | Self::Left => Exit::Done,
            Self::NeedsWord => Exit::MigrationFailed,
            Self::Blocks => Exit::Findings,
        }
    }
}

/// What ended a run early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// By class.
    pub reason: Reason,
    /// In full sentences.
    pub error: String,
}

/// The classes of what ends a run early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The database is not this service's, or a flag does not fit what is there.
    Refused,
    /// The set cannot be read.
    BadSet,
    /// The database cannot be reached, entered or read, or takes no writes.
    Unreachable,
    /// The server refused what was asked with `--forget`.
    NotMended,
    /// Another runner, or somebody who holds a table.
    Locked,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

impl Reason {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::BadSet => "bad_set",
            Self::Unreachable => "unreachable",
            Self::NotMended => "not_mended",
            Self::Locked => "locked",
            Self::Interrupted => "interrupted",
        }
    }

    const fn exit(self) -> Exit {
        match self {
            Self::Refused | Self::BadSet => Exit::Refused,
            Self::Unreachable | Self::NotMended => Exit::Incomplete,
            Self::Locked => Exit::Locked,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}
