//! Errors of the driver, told in full: tokio_postgres displays an error of the server as "db error" and nothing else.

use tokio_postgres::error::{DbError, ErrorPosition, Severity, SqlState};

use super::scram::Unproven;
use super::wire::{OpenError, Refusal};
use crate::migration::masked::{own_words, without_quotes};

/// An error of the driver or the server in one line: message, SQLSTATE, detail, hint, and the chain of sources.
#[must_use]
pub fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => told(db, true),
        None => with_sources(error),
    }
}

/// What the server says, with the code that it was running, if that is wanted.
pub(super) fn told(db: &DbError, with_code: bool) -> String {
    // Each part by itself: what separates them must not be taken for the end of a password.
    let mut text = format!(
        "{} (SQLSTATE {})",
        own_words(db.message()),
        db.code().code()
    );
    let code = db.where_().filter(|_| with_code);
    for (label, part) in [
        ("detail", db.detail().map(str::to_owned)),
        ("hint", db.hint().map(str::to_owned)),
        ("where", code.map(without_quotes)),
    ] {
        if let Some(part) = part {
            text.push_str(&format!(
                "; {label}: {}",
                own_words(part.trim()).replace('\n', " / ")
            ));
        }
    }
    text
}

/// As [`describe`], of an error before there was a session.
pub(super) fn describe_open(error: &OpenError) -> String {
    match error {
        OpenError::Driver(error) => describe(error),
        _ => with_sources(error),
    }
}

/// An error and the chain of its sources.
fn with_sources(error: &dyn std::error::Error) -> String {
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
            .and_then(DbError::parsed_severity)
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
    /// The same after a wait.
    pub(super) fn after(self, waited: std::time::Duration) -> Self {
        let note = format!("; gave up after {:.0} s", waited.as_secs_f32());
        Self {
            message: format!("{}{note}", self.message),
            fact: format!("{}{note}", self.fact),
            ..self
        }
    }

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
    /// A pooler in front of the server has no entry for the database: whether the server has it, it does not tell.
    NoEntry,
    /// The role has no CONNECT privilege on the database.
    NoConnect,
    /// TLS was wanted and is not to be had, or the certificate is not trusted.
    Tls,
    /// The server is too old.
    TooOld,
    /// The server is starting or shutting down.
    Starting,
    /// The server refuses for another reason, as too many connections, or it is not one that can be used.
    Refused,
}

/// What to do where nobody answers.
pub(super) const CHECK_ADDRESS: &str =
    "check that the server runs and that host and port are right";

/// The class of an error at connect, and what to do about it.
pub(super) fn classify(error: &OpenError) -> (Reason, &'static str) {
    match error {
        OpenError::Driver(error) => classify_driver(error),
        OpenError::NoTls => (Reason::Tls, CHECK_SSLMODE),
        OpenError::Tls(_) => cause(error).map_or((Reason::Tls, CHECK_SSLMODE), classify_tls),
        OpenError::Connect(_) | OpenError::Io(_) => (Reason::Unreachable, CHECK_ADDRESS),
    }
}

fn classify_driver(error: &tokio_postgres::Error) -> (Reason, &'static str) {
    let message = error.as_db_error().map_or("", DbError::message);
    match error.code() {
        Some(code) if *code == SqlState::INVALID_PASSWORD => (
            Reason::LogIn,
            "check the password, that there is such a role, and that it has not expired (VALID UNTIL)",
        ),
        Some(code)
            if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
                && message.contains("certificate") =>
        {
            (
                Reason::LogIn,
                "pg_hba.conf asks for a client certificate of this role (its common name, or what pg_ident.conf maps to it): name it with sslcert and \
                 sslkey (or PGSSLCERT and PGSSLKEY)",
            )
        }
        Some(code) if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => (
            Reason::LogIn,
            "check the role (dbctl provision creates it) and the server's pg_hba.conf",
        ),
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => (
            Reason::NoDatabase,
            "check the URL, or run dbctl provision to create the database",
        ),
        Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => {
            (Reason::Starting, "wait until the server has started")
        }
        // What this part of the server refuses with that code is the missing privilege alone; its words may be in any language.
        Some(code)
            if *code == SqlState::INSUFFICIENT_PRIVILEGE
                && error.as_db_error().and_then(DbError::routine) == Some("CheckMyDatabase") =>
        {
            (Reason::NoConnect, "")
        }
        Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => (
            Reason::Refused,
            "end sessions, or raise the limit: CONNECTION LIMIT of the role or the database, or the server's max_connections",
        ),
        // PgBouncer has one code for all that it refuses, and its words are English.
        Some(code)
            if *code == SqlState::PROTOCOL_VIOLATION
                && message.ends_with("authentication failed") =>
        {
            (
                Reason::LogIn,
                "check role and password; these are the words of a pooler such as PgBouncer, which has passwords of its own (auth_file, auth_query)",
            )
        }
        Some(code)
            if *code == SqlState::PROTOCOL_VIOLATION && message.starts_with("no such database") =>
        {
            (
                Reason::NoEntry,
                "check the URL; these are the words of a pooler such as PgBouncer, whose [databases] have no entry for it: add one, or give an address \
                 of the server itself",
            )
        }
        Some(_) => (Reason::Refused, "see the server's message"),
        // The server asked for one and the endpoint has none.
        None if describe(error).contains("password missing") => (
            Reason::LogIn,
            "give the manifest's `password`, the URL or a password file one (PGPASSWORD is not read: one password would go to every service's server)",
        ),
        None if describe(error).contains("unsupported authentication method") => (
            Reason::LogIn,
            "the server asks for GSSAPI, SSPI or the like, and dbctl has only passwords and certificates: give the role a line in pg_hba.conf with scram-sha-256 \
             for the address that dbctl comes from",
        ),
        None => match (cause(error), cause(error)) {
            (Some(refusal), _) => (Reason::Refused, log_in_advice(refusal)),
            (None, Some(tls)) => classify_tls(tls),
            (None, None) => (Reason::Unreachable, CHECK_ADDRESS),
        },
    }
}

/// The class of a failure of TLS, and what to do about it.
fn classify_tls(error: &rustls::Error) -> (Reason, &'static str) {
    use rustls::AlertDescription as Alert;
    match error {
        // What a server says of a client's certificate; with TLS 1.3 it comes when the handshake is done.
        rustls::Error::AlertReceived(
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
            | Alert::CertificateRequired,
        ) => (
            Reason::LogIn,
            "the server does not accept the client certificate: check that it has not expired and is of an authority in the server's \
             ssl_ca_file, and name another with sslcert and sslkey",
        ),
        _ => (Reason::Tls, certificate_advice(error)),
    }
}

/// The first error of this kind among an error and its sources. One in an error of a stream is no source of it.
fn cause<'a, E: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        let inner = current
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref());
        if let Some(found) = current.downcast_ref().or(inner) {
            return Some(found);
        }
        cause = current.source();
    }
    None
}

/// What to do where TLS was wanted and there is none, or nothing is known about why.
const CHECK_SSLMODE: &str = "check sslmode and sslrootcert, or switch TLS on in the server";

/// What to do about a server that does not log in as it should.
const fn log_in_advice(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Unproven(Unproven::Iterations(_)) => {
            "set scram_iterations in the server to one of these, and the role's password anew"
        }
        Refusal::Unbound => {
            "use sslmode=require or higher and scram-sha-256 in the server, or take channel_binding=require out of the URL"
        }
        _ => {
            "check that host and port lead to the right PostgreSQL server, and that nobody in between answers in its place"
        }
    }
}

/// What to do about a server's certificate that is not accepted.
fn certificate_advice(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Wrong;
    match error {
        rustls::Error::InvalidCertificate(Wrong::UnknownIssuer | Wrong::BadSignature) => {
            "the server's certificate is not of an authority in sslrootcert: name the file with the certificate of its authority"
        }
        rustls::Error::InvalidCertificate(
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. },
        ) => {
            "the server's certificate is for another name: connect to a name that it is for, or give the server a certificate for this one"
        }
        rustls::Error::InvalidCertificate(Wrong::Expired | Wrong::ExpiredContext { .. }) => {
            "renew the server's certificate; if it should be valid, set this machine's clock"
        }
        rustls::Error::InvalidCertificate(
            Wrong::NotValidYet | Wrong::NotValidYetContext { .. },
        ) => {
            "the server's certificate is of a later time than this machine's clock: set the clock, or give the server one that is valid by now"
        }
        rustls::Error::InvalidCertificate(Wrong::Other(other))
            if other.to_string().contains("CaUsedAsEndEntity") =>
        {
            "the server's certificate is one of an authority (CA:TRUE), which may sign others but not stand for a server: give the server \
             one with CA:FALSE"
        }
        _ => CHECK_SSLMODE,
    }
}
