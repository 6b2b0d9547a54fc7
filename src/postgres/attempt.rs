//! One attempt at one address: log-in, a first look at the server, and the settings of the session.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_postgres::{Client, Config, NoTls, config::SslMode as DriverSslMode, error::SqlState};
use tokio_rustls::TlsConnector;

use super::error::{CHECK_ADDRESS, Reason, classify, describe, describe_open};
use super::first_look::FirstLook;
use super::inspect::plain_or_quoted;
use super::pooler::{self, Mode, PROOF};
use super::session::{Connection, LOCK_WAIT, OVERDUE, Purpose, Session};
use super::standby;
use super::wire::{LogIn, OpenError, Place, Silence};
use super::wrong_password;
use crate::manifest::{Endpoint, Host, SessionAttrs};

/// The oldest major version of PostgreSQL that dbctl works with.
pub const OLDEST_MAJOR: u32 = 14;

/// What to do about a pooler.
const PASS_THE_POOLER: &str = "give the URL of PostgreSQL itself, its own host and port instead of the pooler's, or set pool_mode = session \
     for this database in the pooler";

/// How often a session is begun whose first statements are cut off: a role may have a `statement_timeout` of a millisecond, which a busy
/// server misses now and then.
const CUT_TRIES: u32 = 8;

/// What is the same for all addresses of an endpoint.
pub(super) struct Attempt<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) purpose: Purpose,
    pub(super) application: &'a str,
    /// Which servers will do in this round.
    pub(super) attrs: SessionAttrs,
    pub(super) tls: &'a TlsConnector,
    /// How long the attempt may take.
    pub(super) limit: Duration,
}

/// Where one attempt leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    /// The host is a directory with a socket.
    Socket,
    /// One of the host's addresses, with its port and, where it is local to a link, its zone.
    Ip(SocketAddr),
}

/// Why one attempt came to nothing.
#[derive(Debug)]
pub(super) struct Failure {
    /// Where: the host, and the address where it has several.
    pub(super) place: String,
    pub(super) reason: Reason,
    /// What happened.
    pub(super) text: String,
    /// What to do.
    pub(super) advice: String,
    /// Whether the server answered and said no: the next host is for servers that are not to be had.
    is_final: bool,
    /// Whether a limit of the role or the database ended one of the session's first statements, before the limit was lifted.
    was_cut: bool,
}

impl Failure {
    /// Nobody was there.
    pub(super) fn new(place: String, reason: Reason, text: String) -> Self {
        Self {
            place,
            reason,
            text,
            advice: CHECK_ADDRESS.to_owned(),
            is_final: false,
            was_cut: false,
        }
    }

    /// Whether no other host is to be tried.
    pub(super) const fn is_final(&self) -> bool {
        self.is_final
    }
}

impl Attempt<'_> {
    /// Connects to one address of one host.
    pub(super) async fn run(
        &self,
        host: &Host,
        address: Address,
        place: String,
    ) -> Result<Session, Failure> {
        let trying = async {
            let mut tries = 1;
            loop {
                match self.session(host, address).await {
                    Err(failure) if failure.was_cut && tries < CUT_TRIES => tries += 1,
                    ended => return ended,
                }
            }
        };
        match tokio::time::timeout(self.limit, trying).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(failure)) => Err(Failure { place, ..failure }),
            Err(_) => {
                let text = format!("no answer within {} s", self.limit.as_secs());
                Err(Failure::new(place, Reason::Unreachable, text))
            }
        }
    }

    async fn session(&self, host: &Host, address: Address) -> Result<Session, Failure> {
        let failed = |error: tokio_postgres::Error| self.failed(host, &error.into());
        let (place, client, connection) = self.enter(host, self.place(host, address)).await?;
        let mut session = Session {
            client,
            connection,
            place,
            purpose: self.purpose,
            pooled: false,
            standby: false,
            misled: None,
            pid: 0,
            server_version: String::new(),
            lock_wait: LOCK_WAIT.into(),
            misses_clients: false,
            times_transactions: false,
        };
        let look = FirstLook::read(&session.client)
            .await
            .map_err(failed)?
            .ok_or_else(|| refusal("it does not answer as PostgreSQL does", ""))?;
        if look.version_num / 10_000 < OLDEST_MAJOR {
            let text = format!(
                "the server is PostgreSQL {}; dbctl needs {OLDEST_MAJOR} or newer",
                look.version
            );
            return Err(Failure {
                reason: Reason::TooOld,
                ..refusal(&text, "upgrade the server")
            });
        }
        session.pid = look.pid;
        session.standby = look.standby;
        session.misled = self.misled(&look);
        session.misses_clients = look.misses_clients;
        session.times_transactions = look.version_num >= 170_000;
        // Debian adds its package's name behind the version.
        session.server_version = look
            .version
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_owned();
        let named = pooler::handshake_pid(&session.client.cancel_token()).await;
        session.pooled = named.is_some_and(|named| named != look.pid);
        if let Some(text) = self.unwanted(&look) {
            return Err(Failure {
                is_final: false,
                ..refusal(
                    &text,
                    "give the URL the host of one, or another target_session_attrs",
                )
            });
        }
        if let Some(text) = session.misled().filter(|_| self.purpose == Purpose::Write) {
            return Err(refusal(text, ""));
        }
        if session.pooled && self.purpose == Purpose::Write {
            self.prove_session_pooling(host, &session).await?;
        }
        session.settle().await.map_err(|error| {
            // Statement pooling allows no transaction.
            if session.pooled && error.as_db_error().is_some() {
                refusal(&describe(&error), PASS_THE_POOLER)
            } else {
                failed(error)
            }
        })?;
        if look.standby && self.purpose == Purpose::Write {
            let primary = standby::standby_of(&session).await.map_err(failed)?;
            return Err(Failure {
                is_final: false,
                ..refusal(&standby::words(primary.as_deref()), "")
            });
        }
        Ok(session)
    }

    /// Why a server that answers is not the one that is asked for.
    fn unwanted(&self, look: &FirstLook) -> Option<String> {
        let (is, fits) = match self.attrs {
            SessionAttrs::Any | SessionAttrs::PreferStandby => return None,
            SessionAttrs::Primary => ("a standby", !look.standby),
            SessionAttrs::Standby => ("no standby", look.standby),
            SessionAttrs::ReadWrite => ("read-only", !look.read_only),
            SessionAttrs::ReadOnly => ("not read-only", look.read_only),
        };
        (!fits).then(|| {
            format!(
                "the server is {is}, and target_session_attrs={} asks for another",
                self.attrs.as_str()
            )
        })
    }

    /// Why who writes here would write as somebody else, or elsewhere.
    fn misled(&self, look: &FirstLook) -> Option<String> {
        let (role, database) = (&self.endpoint.user, &self.endpoint.database);
        let (what, is, setting) = if look.role != *role {
            (
                format!("role {role}"),
                format!("role {}", look.role),
                "user",
            )
        } else if look.database != *database {
            let is = format!("database {}", look.database);
            (format!("database {database}"), is, "dbname")
        } else {
            return None;
        };
        Some(format!(
            "the URL says {what}, and the connection ends in {is}: a connection pooler in between is told so, and nothing is written \
             through it; take {setting}= out of the pooler's configuration of this database, or give the URL of PostgreSQL itself"
        ))
    }

    /// Refuses a pooler that gives the server process of a writing session to others: locks and settings would not hold.
    async fn prove_session_pooling(&self, host: &Host, session: &Session) -> Result<(), Failure> {
        let proof = async {
            let (second, _connection) = self.connection(host, &session.place).await?;
            Ok(pooler::mode(&session.client, session.pid, &second).await?)
        };
        let unknown = |reason: &str| {
            let text = format!(
                "a connection pooler answers here, and it cannot be told whether it keeps a server process for one client (a second \
                 connection through it: {reason}); without one, dbctl's lock and settings would not hold"
            );
            Err(refusal(&text, PASS_THE_POOLER))
        };
        match tokio::time::timeout(PROOF, proof).await {
            Ok(Ok(Mode::Session)) => Ok(()),
            Ok(Ok(Mode::Shared)) => Err(refusal(
                "a connection pooler answers here, and it gives the server process of one client to others between two transactions \
                 (transaction or statement pooling): dbctl's lock and settings would not hold, so nothing is written through it",
                PASS_THE_POOLER,
            )),
            Ok(Err(error)) => unknown(&describe_open(&error)),
            Err(_) => unknown(&format!("no answer within {} s", PROOF.as_secs())),
        }
    }

    /// Connects, and where TLS is only preferred and does not lead in, once more without it, as libpq does.
    async fn enter(
        &self,
        host: &Host,
        place: Place,
    ) -> Result<(Place, Client, Connection), Failure> {
        let error = match self.connection(host, &place).await {
            Ok((client, connection)) => return Ok((place, client, connection)),
            Err(error) => error,
        };
        let first = self.failed(host, &error);
        let plain = place.without_tls().filter(|_| may_be_for_tls(&error));
        let Some(plain) = plain else {
            return Err(first);
        };
        match self.connection(host, &plain).await {
            Ok((client, connection)) => Ok((plain, client, connection)),
            Err(second) if may_be_for_tls(&second) || describe_open(&second) == first.text => {
                Err(first)
            }
            Err(second) => {
                let second = self.failed(host, &second);
                let text = format!("{}; without TLS: {}", first.text, second.text);
                Err(Failure { text, ..second })
            }
        }
    }

    async fn connection(
        &self,
        host: &Host,
        place: &Place,
    ) -> Result<(Client, Connection), OpenError> {
        let opened = place.open().await?;
        let password = self.endpoint.password_for(host).cloned();
        let limit = (self.purpose == Purpose::Read).then_some(OVERDUE);
        let stream = Silence::new(opened.stream, limit);
        let stream = LogIn::new(
            stream,
            password,
            opened.binding,
            self.endpoint.channel_binding,
        );
        let (client, connection) = self.config(host).connect_raw(stream, NoTls).await?;
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok((client, Connection(task)))
    }

    fn place(&self, host: &Host, address: Address) -> Place {
        match address {
            Address::Socket => Place::socket(host),
            Address::Ip(ip) => Place::tcp(host, ip, self.endpoint.ssl_mode, self.tls),
        }
    }

    /// The driver's configuration for one host.
    fn config(&self, host: &Host) -> Config {
        let endpoint = self.endpoint;
        let mut config = Config::new();
        config
            .user(&endpoint.user)
            .dbname(&endpoint.database)
            .application_name(self.application)
            // The stream that the driver is given has TLS where there is any.
            .ssl_mode(DriverSslMode::Disable);
        if let Some(password) = endpoint.password_for(host) {
            config.password(password.expose());
        }
        if let Some(options) = &endpoint.options {
            config.options(options);
        }
        config
    }

    /// What to do about a role that may not connect.
    fn grant_connect(&self) -> String {
        let (role, database) = (&self.endpoint.user, &self.endpoint.database);
        format!(
            "role {role} may not connect to database {database}: run {}, or GRANT CONNECT ON DATABASE {} TO {} as the \
             database's owner or a superuser",
            self.endpoint.provision(),
            plain_or_quoted(database),
            plain_or_quoted(role)
        )
    }

    /// An error, with what was shown to the server.
    fn failed(&self, host: &Host, error: &OpenError) -> Failure {
        let (reason, advice) = classify(error);
        let mut text = describe_open(error);
        let note = (reason == Reason::LogIn)
            .then(|| match &self.endpoint.client_certificate {
                Some(own) if text.to_lowercase().contains("certificate") => Some(format!(
                    "the client certificate is {}",
                    own.certificate.display()
                )),
                _ => self.endpoint.password_note(host),
            })
            .flatten();
        if let Some(note) = note {
            text = format!("{text}; {note}");
        }
        let advice = match reason {
            Reason::NoConnect => self.grant_connect(),
            // What provision makes is the service's role.
            Reason::LogIn if self.endpoint.is_admin() => {
                wrong_password::mend_admin(self.endpoint, host)
            }
            Reason::LogIn if wrong_password::is_wrong_password(error) => {
                wrong_password::mend(self.endpoint, host)
            }
            _ => advice.replace("dbctl provision", &self.endpoint.provision()),
        };
        Failure {
            place: String::new(),
            reason,
            text,
            advice,
            is_final: !matches!(reason, Reason::Unreachable | Reason::Starting | Reason::Tls),
            was_cut: matches!(error, OpenError::Driver(error) if error.code() == Some(&SqlState::QUERY_CANCELED)),
        }
    }
}

/// Whether the same address may let in without TLS: the handshake failed, or pg_hba.conf has no line for a role that comes with TLS.
fn may_be_for_tls(error: &OpenError) -> bool {
    match error {
        OpenError::Tls(_) => true,
        OpenError::Driver(error) => {
            error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
        }
        OpenError::Connect(_) | OpenError::Io(_) | OpenError::NoTls => false,
    }
}

/// The server answered, and it is not to be used.
fn refusal(text: &str, advice: &str) -> Failure {
    Failure {
        place: String::new(),
        reason: Reason::Refused,
        text: text.to_owned(),
        advice: advice.to_owned(),
        is_final: true,
        was_cut: false,
    }
}
