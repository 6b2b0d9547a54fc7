//! What `lock` did.

use std::path::PathBuf;

use crate::exit::Exit;

/// The whole run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whether nothing was to be written (`--check`).
    pub check: bool,
    /// Each set, in the manifest's order.
    pub sets: Vec<SetLock>,
}

impl Report {
    /// The exit code: the worst of the sets.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::worst_of(self.sets.iter().map(|set| set.state.exit()))
    }
}

/// The lock of one set.
#[derive(Debug, Clone)]
pub struct SetLock {
    /// The service.
    pub service: String,
    /// Its set.
    pub set: String,
    /// The lock's file; `None` for a built-in set.
    pub path: Option<PathBuf>,
    /// The major versions that it was generated on now.
    pub majors: Vec<u32>,
    /// How many objects it holds, parts not counted.
    pub objects: usize,
    /// How it stands.
    pub state: LockState,
    /// What else is to be said: what changed, what went wrong.
    pub detail: Option<String>,
    /// The migrations without a down script, by file, where others of the set have one: `dbctl rollback` cannot go below them.
    pub without_down: Vec<String>,
}

/// How a lock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockState {
    /// It was written.
    Written,
    /// It is what the set produces.
    Current,
    /// It is not what the set produces (`--check`).
    Stale,
    /// There is none (`--check`).
    Missing,
    /// The set cannot be read, or could not be applied to an empty database.
    BadSet,
    /// The schema of this service is not to be recorded from its database (`--from`).
    Refused,
    /// The database could not be read (`--from`).
    Unreachable,
    /// There is no server to try the set on, or it did not start.
    NoServer,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

impl LockState {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Current => "current",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::BadSet => "bad_set",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::NoServer => "no_server",
            Self::Interrupted => "interrupted",
        }
    }

    const fn exit(self) -> Exit {
        match self {
            Self::Written | Self::Current => Exit::Done,
            Self::Stale | Self::Missing | Self::BadSet | Self::Refused => Exit::Refused,
            Self::NoServer | Self::Unreachable => Exit::Incomplete,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}
