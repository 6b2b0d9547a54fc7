//! What can go wrong with throwaway servers. Each message says what to do.

use std::io;
use std::path::PathBuf;

use crate::exit::Exit;

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No server binaries that would do were found.
    #[error(
        "no server binaries: {need} is needed\n  install it: {install}\n  looked at:\n    {}",
        looked_at.join("\n    ")
    )]
    NoBinaries {
        /// What was asked for.
        need: String,
        /// How to get it.
        install: String,
        /// Each place, and what was there.
        looked_at: Vec<String>,
    },
    /// The folder that the caller named is not one of server binaries that would do.
    #[error("{folder} (from {source_name}) will not do: {reason}\n  install it: {install}", folder = folder.display())]
    Unsuitable {
        /// The folder.
        folder: PathBuf,
        /// The flag or variable that named it.
        source_name: &'static str,
        /// What is missing in it.
        reason: String,
        /// How to get what would do.
        install: String,
    },
    /// The user that the server would run as cannot get at something.
    #[error("the user {user} cannot {what}; {remedy}")]
    NoAccess {
        /// The user.
        user: String,
        /// What it cannot do.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// Root, and no user to become.
    #[error(
        "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody; run dbctl as an ordinary user"
    )]
    NoUser,
    /// Somebody listens on the port already.
    #[error(
        "port {port}, which {name} needs, is in use; stop what listens there, or leave out --real-ports"
    )]
    PortTaken {
        /// The server.
        name: String,
        /// The port.
        port: u16,
    },
    /// initdb or the server failed.
    #[error("the server {name} did not start: {reason}\n  the end of its log:\n    {}", log.join("\n    "))]
    NotStarted {
        /// The server.
        name: String,
        /// What happened.
        reason: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// A server does not end.
    #[error("the server {name} (pid {pid}) does not stop")]
    NotStopped {
        /// The server.
        name: String,
        /// Its process.
        pid: u32,
    },
    /// The command of `sandbox run` could not be started.
    #[error("cannot run {program}: {source}")]
    Command {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// `sandbox run` without a command, or the like.
    #[error("{0}")]
    Usage(String),
    /// The manifest cannot be loaded.
    #[error(transparent)]
    Manifest(#[from] crate::manifest::ManifestError),
    /// The recorded state of `sandbox up` cannot be read.
    #[error(
        "{path} is not a sandbox's state: {reason}; end its servers by hand, then remove the file",
        path = path.display()
    )]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A signal arrived while the servers were starting.
    #[error("interrupted")]
    Interrupted,
    /// The file system or the process table refused.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: io::Error,
    },
}

impl SandboxError {
    /// How dbctl ends because of it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Interrupted => Exit::Interrupted,
            Self::Usage(_) => Exit::Usage,
            Self::Manifest(error) if error.usage => Exit::Usage,
            Self::Manifest(_) => Exit::Refused,
            _ => Exit::Incomplete,
        }
    }

    /// What a shell ends with when it cannot run the command: 127 where there is none of this name, 126 where it cannot be executed.
    #[must_use]
    pub fn status_of_command(&self) -> Option<u8> {
        match self {
            Self::Command { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => Some(127),
                _ => Some(126),
            },
            _ => None,
        }
    }

    /// An [`SandboxError::Io`] for `map_err`.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
