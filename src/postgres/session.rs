//! One connection, born safe: named, with timeouts, without a search path to trip over, read-only where nothing is to be written.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client, Config, NoTls, config::SslMode as DriverSslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::{CHECK_ADDRESS, ConnectError, Reason, classify, describe};
use super::tls;
use crate::manifest::{Endpoint, Host, SessionAttrs, SslMode};

/// The oldest major version of PostgreSQL that dbctl works with.
pub const OLDEST_MAJOR: u32 = 14;

/// How long a connection attempt may take where the URL does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Reading: every transaction is read-only, whatever is sent.
    Read,
    /// Writing: migrations, provisioning.
    Write,
}

/// A session. The connection ends when it is dropped.
pub struct Session {
    /// The driver's client.
    pub(crate) client: Client,
    connection: Connection,
    tls: MakeRustlsConnect,
    plain: bool,
    server_version: String,
}

/// The task that moves a session's bytes. It ends with the session, also with one that is dropped in the middle of a statement.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    /// The server's version as people write it, as in `17.6`.
    #[must_use]
    pub fn server_version(&self) -> &str {
        &self.server_version
    }

    /// Makes the session as it was at its start, whatever was set in it since. Locks stay.
    pub(super) async fn reset(&self) -> Result<(), tokio_postgres::Error> {
        let sql = format!(
            "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DISCARD TEMP; {}",
            settings(Purpose::Write)
        );
        self.client.batch_execute(&sql).await
    }

    /// Says goodbye to the server and waits until it has heard, so that no backend is left behind when the run ends.
    pub async fn close(self) {
        let Self {
            client,
            mut connection,
            ..
        } = self;
        drop(client);
        // A server that does not answer any more has nothing to hear either.
        drop(tokio::time::timeout(Duration::from_secs(1), &mut connection.0).await);
    }

    /// What can cancel this session's running statement while the session itself is busy.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller {
            token: self.client.cancel_token(),
            tls: self.tls.clone(),
            plain: self.plain,
        }
    }
}

/// Cancels the running statement of a session.
pub struct Canceller {
    token: CancelToken,
    tls: MakeRustlsConnect,
    plain: bool,
}

impl Canceller {
    /// Asks the server to cancel. Nothing is known afterwards: the request may not arrive, or nothing may be running.
    pub async fn cancel(&self) {
        let asked = async {
            if self.plain {
                self.token.cancel_query(NoTls).await
            } else {
                self.token.cancel_query(self.tls.clone()).await
            }
        };
        drop(tokio::time::timeout(Duration::from_secs(2), asked).await);
    }
}

/// Connects and sets the session up.
///
/// # Errors
/// When no host lets it in, or the server is older than PostgreSQL 14. The message never holds the password.
pub async fn connect(
    endpoint: &Endpoint,
    purpose: Purpose,
    application: &str,
) -> Result<Session, ConnectError> {
    let tls = tls::connector(endpoint).map_err(|message| {
        ConnectError::new(
            Reason::Tls,
            format!("{}: {message}", endpoint.display()),
            "",
        )
    })?;
    let mut last = ConnectError::new(
        Reason::Unreachable,
        format!("{}: the URL names no host", endpoint.display()),
        "",
    );
    for host in &endpoint.hosts {
        match attempt(endpoint, host, purpose, application, &tls).await {
            Ok(session) => return Ok(session),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn attempt(
    endpoint: &Endpoint,
    host: &Host,
    purpose: Purpose,
    application: &str,
    tls: &MakeRustlsConnect,
) -> Result<Session, ConnectError> {
    let config = config(endpoint, host, application);
    let limit = endpoint.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
    let plain = endpoint.ssl_mode == SslMode::Disable || host.name.starts_with('/');
    let fail = |error: &tokio_postgres::Error| {
        let (reason, advice) = classify(error);
        let fact = format!("{}: {}", endpoint.display(), describe(error));
        ConnectError::new(reason, fact, advice)
    };
    let connecting = async {
        if plain {
            let (client, connection) = config.connect(NoTls).await?;
            Ok((client, tokio::spawn(async move { drop(connection.await) })))
        } else {
            let (client, connection) = config.connect(tls.clone()).await?;
            Ok((client, tokio::spawn(async move { drop(connection.await) })))
        }
    };
    let (client, connection) = tokio::time::timeout(limit, connecting)
        .await
        .map_err(|_| {
            let fact = format!(
                "{}: no answer within {} s",
                endpoint.display(),
                limit.as_secs()
            );
            ConnectError::new(Reason::Unreachable, fact, CHECK_ADDRESS)
        })?
        .map_err(|error| fail(&error))?;
    let mut session = Session {
        client,
        connection: Connection(connection),
        tls: tls.clone(),
        plain,
        server_version: String::new(),
    };
    // Before the first query: whoever owns the database can give it a search path with functions of their own, which an
    // administrator's session would run with an administrator's rights.
    session
        .client
        .batch_execute(first_settings(purpose))
        .await
        .map_err(|error| fail(&error))?;
    session.server_version = check_version(&session, endpoint).await?;
    session
        .client
        .batch_execute(&settings(purpose))
        .await
        .map_err(|error| fail(&error))?;
    if endpoint.session_attrs == SessionAttrs::Primary && standby(&session).await.map_err(|error| fail(&error))? {
        let fact = format!(
            "{}: the server is a standby and target_session_attrs asks for a primary",
            endpoint.display()
        );
        return Err(ConnectError::new(Reason::Refused, fact, ""));
    }
    Ok(session)
}

async fn standby(session: &Session) -> Result<bool, tokio_postgres::Error> {
    session
        .client
        .query_one("SELECT pg_catalog.pg_is_in_recovery()", &[])
        .await?
        .try_get(0)
}

async fn check_version(session: &Session, endpoint: &Endpoint) -> Result<String, ConnectError> {
    let version = session
        .client
        .query_one(
            "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4, pg_catalog.current_setting('server_version')",
            &[],
        )
        .await
        .and_then(|row| Ok((row.try_get::<_, i32>(0)?, row.try_get::<_, String>(1)?)))
        .map_err(|error| {
            let fact = format!("{}: {}", endpoint.display(), describe(&error));
            ConnectError::new(Reason::Refused, fact, "")
        })?;
    if version.0 / 10_000 < OLDEST_MAJOR as i32 {
        let fact = format!(
            "{}: the server is PostgreSQL {}; dbctl needs {OLDEST_MAJOR} or newer",
            endpoint.display(),
            version.1
        );
        return Err(ConnectError::new(
            Reason::TooOld,
            fact,
            "upgrade the server",
        ));
    }
    // Debian adds its package's name behind the version.
    Ok(version.1.split(' ').next().unwrap_or_default().to_owned())
}

/// The driver's configuration for one host of an endpoint.
fn config(endpoint: &Endpoint, host: &Host, application: &str) -> Config {
    let mut config = Config::new();
    config
        .host(&host.name)
        .port(host.port)
        .user(&endpoint.user)
        .dbname(&endpoint.database)
        .application_name(application)
        .ssl_mode(match endpoint.ssl_mode {
            SslMode::Disable => DriverSslMode::Disable,
            SslMode::Prefer => DriverSslMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverSslMode::Require,
        })
        .keepalives_idle(Duration::from_secs(30));
    if let Some(password) = endpoint.password_for(host) {
        config.password(password.expose());
    }
    if let Some(options) = &endpoint.options {
        config.options(options);
    }
    config
}

/// What a session is told before it is asked anything: plain SET statements, which evaluate nothing.
const fn first_settings(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Read => "SET search_path = pg_catalog; SET default_transaction_read_only = on",
        Purpose::Write => "SET search_path = pg_catalog",
    }
}

/// The other settings of a session. They are sent after the log-in because a pooler refuses them at start.
fn settings(purpose: Purpose) -> String {
    let mut sql = String::from(
        "SET search_path = pg_catalog;\
         SET role = none;\
         SET standard_conforming_strings = on;\
         SET client_min_messages = warning;\
         SET jit = off;\
         SET lock_timeout = '5s';\
         SET idle_in_transaction_session_timeout = '5min';",
    );
    match purpose {
        Purpose::Read => {
            sql.push_str("SET statement_timeout = '60s';SET default_transaction_read_only = on;");
        }
        // A killed dbctl must not leave a backend behind that waits for a lock. Servers on other systems refuse the setting
        // (PostgreSQL documentation, "Connections and Authentication").
        Purpose::Write => sql.push_str(
            "SELECT pg_catalog.set_config('client_connection_check_interval', '2s', false) \
             WHERE pg_catalog.version() LIKE '%linux%';",
        ),
    }
    sql
}
