//! Errors of the driver, told in full: tokio_postgres displays an error of the server as "db error" and nothing else.

use std::error::Error as _;

use tokio_postgres::error::{ErrorPosition, Severity, SqlState};

/// An error of the driver or the server in one line: message, SQLSTATE, detail, hint, and the chain of sources.
#[must_use]
pub fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        let mut text = format!("{} (SQLSTATE {})", db.message(), db.code().code());
        for (label, part) in [
            ("detail", db.detail()),
            ("hint", db.hint()),
            ("where", db.where_()),
        ] {
            if let Some(part) = part {
                text.push_str(&format!("; {label}: {}", part.trim().replace('\n', " / ")));
            }
        }
        return text;
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// The position of an error within the text that was sent, in characters counted from 1.
pub(super) fn position(error: &tokio_postgres::Error) -> Option<usize> {
    match error.as_db_error()?.position()? {
        ErrorPosition::Original(position) => usize::try_from(*position).ok(),
        ErrorPosition::Internal { .. } => None,
    }
}

/// Whether the error has ended the session. The driver hears of it a little later.
pub(super) fn ends_session(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || error
            .as_db_error()
            .and_then(tokio_postgres::error::DbError::parsed_severity)
            .is_some_and(|severity| matches!(severity, Severity::Fatal | Severity::Panic))
}

/// Why there is no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConnectError {
    /// What stood in the way, by class.
    pub reason: Reason,
    /// The whole sentence: where to, what happened, what to do. Never a password.
    pub message: String,
    /// Where to and what happened alone, for a caller who knows better what to do.
    pub fact: String,
}

impl ConnectError {
    /// From what happened and what to do about it; nothing may be said about the latter.
    pub(super) fn new(reason: Reason, fact: String, advice: &str) -> Self {
        let message = if advice.is_empty() {
            fact.clone()
        } else {
            format!("{fact}; {advice}")
        };
        Self {
            reason,
            message,
            fact,
        }
    }
}

/// The classes of failed connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nobody answers there, or the connection broke.
    Unreachable,
    /// The server did not accept role or password.
    LogIn,
    /// There is no such database on the server.
    NoDatabase,
    /// TLS was wanted and is not to be had, or the certificate is not trusted.
    Tls,
    /// The server is too old.
    TooOld,
    /// The server refuses for another reason: starting, shutting down, too many connections, the role may not connect.
    Refused,
}

/// What to do where nobody answers.
pub(super) const CHECK_ADDRESS: &str =
    "check that the server runs and that host and port are right";

/// The class of a driver's error at connect, and what to do about it.
pub(super) fn classify(error: &tokio_postgres::Error) -> (Reason, &'static str) {
    match error.code() {
        Some(code) if *code == SqlState::INVALID_PASSWORD => (
            Reason::LogIn,
            "check the password variable, or run dbctl provision to set it",
        ),
        Some(code) if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => (
            Reason::LogIn,
            "check the role (dbctl provision creates it) and the server's pg_hba.conf",
        ),
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => (
            Reason::NoDatabase,
            "check the URL, or run dbctl provision to create the database",
        ),
        Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => {
            (Reason::Refused, "wait until the server has started")
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => (
            Reason::Refused,
            "grant the role CONNECT on its database, or run dbctl provision",
        ),
        Some(_) => (Reason::Refused, "see the server's message"),
        // The server asked for one and the endpoint has none.
        None if describe(error).contains("password missing") => (
            Reason::LogIn,
            "check the password: its variable is not set, or the URL holds none",
        ),
        None if mentions_tls(error) => (
            Reason::Tls,
            "check sslmode and sslrootcert, or switch TLS on in the server",
        ),
        None => (Reason::Unreachable, CHECK_ADDRESS),
    }
}

/// Whether the failure is about TLS: the driver's TLS errors carry no kind that could be matched.
fn mentions_tls(error: &tokio_postgres::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(current) = cause {
        if current.downcast_ref::<rustls::Error>().is_some() {
            return true;
        }
        if let Some(io) = current.downcast_ref::<std::io::Error>()
            && io
                .get_ref()
                .is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some())
        {
            return true;
        }
        cause = current.source();
    }
    let text = error.to_string();
    text.contains("TLS")
}
