//! One session, born safe: named, with timeouts, without a search path to trip over, read-only where nothing is to be written.
//!
//! Behind a pooler that gives a server process to one transaction at a time, what a session sets stays behind for the next client. So
//! there a reading session lives in transactions, and every setting of it ends with them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client, Error, NoTls, SimpleQueryMessage};

use super::wire::{OpenError, Place};

/// How long a server or a pooler may take to hear that a session ends.
const GOODBYE: Duration = Duration::from_secs(1);

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
    pub(super) connection: Connection,
    pub(super) place: Place,
    pub(super) purpose: Purpose,
    pub(super) pooled: bool,
    pub(super) standby: bool,
    pub(super) misled: Option<String>,
    pub(super) pid: i32,
    pub(super) server_version: String,
    /// The longest wait for a lock, in milliseconds.
    pub(super) lock_wait: AtomicU64,
    /// Whether the server can notice a client that is gone while a statement runs.
    pub(super) misses_clients: bool,
    /// Whether the server limits whole transactions (`transaction_timeout`, PostgreSQL 17).
    pub(super) times_transactions: bool,
}

/// The task that moves a session's bytes. It ends with the session, also with one that is dropped in the middle of a statement.
pub(super) struct Connection(pub(super) JoinHandle<()>);

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

    /// Whether a pooler stands between dbctl and the server. A session for writing then has a server process of its own, by proof.
    #[must_use]
    pub const fn pooled(&self) -> bool {
        self.pooled
    }

    /// Whether the server was a standby when the session began.
    #[must_use]
    pub const fn standby(&self) -> bool {
        self.standby
    }

    /// Why this is not the session that was asked for, if so: a pooler may be configured to enter as another role, or another database.
    pub(super) fn misled(&self) -> Option<&str> {
        self.misled.as_deref()
    }

    /// The server process that answered first. Behind a pooler another one may answer later.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// The server process that answers now.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn backend_pid(&self) -> Result<i32, Error> {
        self.client
            .query_typed_one("SELECT pg_catalog.pg_backend_pid()", &[])
            .await?
            .try_get(0)
    }

    /// Applies the settings of a new session.
    pub(super) async fn settle(&self) -> Result<(), Error> {
        if self.in_transactions() {
            return self.begin("BEGIN READ ONLY").await;
        }
        self.client
            .batch_execute(&self.settings(self.purpose))
            .await
    }

    /// Makes sure that the next query can be answered, whatever became of the last one. Where a session lives in transactions, an
    /// error has ended its transaction; elsewhere there is nothing to do.
    pub(super) async fn begin_reading(&self) -> Result<(), Error> {
        if !self.in_transactions() {
            return Ok(());
        }
        self.begin("ROLLBACK; BEGIN READ ONLY").await
    }

    /// Waits for a lock no longer than this, where that is less than a session waits anyway.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(super) async fn wait_for_locks(&self, limit: Duration) -> Result<(), Error> {
        // Zero would mean no limit.
        let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1);
        if self.lock_wait.fetch_min(limit, Ordering::Relaxed) <= limit {
            return Ok(());
        }
        if self.in_transactions() {
            return self.begin_reading().await;
        }
        self.settle().await
    }

    /// Begins a transaction in which nothing can write and everything that is read is of one moment.
    pub(super) async fn begin_snapshot(&self) -> Result<(), Error> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        if self.in_transactions() {
            return self.begin(&format!("ROLLBACK; {BEGIN}")).await;
        }
        self.client.batch_execute(BEGIN).await
    }

    /// Ends the transaction of [`Session::begin_snapshot`].
    pub(super) async fn end_snapshot(&self) -> Result<(), Error> {
        if self.in_transactions() {
            return self.begin_reading().await;
        }
        self.client.batch_execute("COMMIT").await
    }

    /// Whether the session's settings may not outlive a transaction.
    pub(super) const fn in_transactions(&self) -> bool {
        self.pooled && matches!(self.purpose, Purpose::Read)
    }

    /// Begins a transaction with the settings of a reader. One message: the pooler has no moment in between to give the server process
    /// away.
    async fn begin(&self, begin: &str) -> Result<(), Error> {
        let sql = format!("{begin}; {}", self.local_settings());
        self.client.batch_execute(&sql).await
    }

    /// Makes the session as it was at its start, whatever was set in it since. Locks stay.
    pub(super) async fn reset(&self) -> Result<(), Error> {
        self.client.batch_execute(&self.resetting()).await
    }

    /// Takes away what the session remembers besides: cursors that were held, and statements that SQL prepared. The driver's stay, and the
    /// looks that dbctl itself has prepared.
    pub(super) async fn forget(&self) -> Result<(), Error> {
        let held = "CLOSE ALL; SELECT pg_catalog.quote_ident(name) FROM pg_catalog.pg_prepared_statements \
                    WHERE from_sql AND name !~ '^dbctl_[0-9a-f]{32}_'";
        let answers = self.client.simple_query(held).await?;
        let names = answers.iter().filter_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        let sql: Vec<String> = names.map(|name| format!("DEALLOCATE {name}")).collect();
        match sql.is_empty() {
            true => Ok(()),
            false => self.client.batch_execute(&sql.join(";")).await,
        }
    }

    /// The statements of [`Session::reset`].
    pub(super) fn resetting(&self) -> String {
        format!(
            "RESET SESSION AUTHORIZATION; RESET ALL; DISCARD TEMP; {}",
            self.settings(Purpose::Write)
        )
    }

    /// The settings of a session that has its server process for itself.
    fn settings(&self, purpose: Purpose) -> String {
        let mut statements = Vec::new();
        if purpose == Purpose::Read {
            // Before anything that is evaluated.
            statements.push("SET default_transaction_read_only = on".to_owned());
        }
        // The first that counts time: the limit of the role or the database may be a millisecond.
        let timeout = match purpose {
            Purpose::Read => READING_TIMEOUT,
            Purpose::Write => WRITING_TIMEOUT,
        };
        let set = std::iter::once(&timeout).chain(&SETTINGS);
        statements.extend(set.map(|(name, value)| format!("SET {name} = {value}")));
        statements.push(format!(
            "SET lock_timeout = {}",
            self.lock_wait.load(Ordering::Relaxed)
        ));
        if self.times_transactions {
            statements.push(format!("SET {NO_TRANSACTION_TIMEOUT}"));
        }
        if purpose == Purpose::Write {
            statements.push(PEER_CHECK.to_owned());
            if self.misses_clients {
                statements.push(CLIENT_CHECK.to_owned());
            }
        }
        statements.join(";")
    }

    /// The settings of a reader, for one transaction.
    fn local_settings(&self) -> String {
        let mut statements: String = std::iter::once(&READING_TIMEOUT)
            .chain(&SETTINGS)
            .map(|(name, value)| format!("SET LOCAL {name} = {value};"))
            .collect();
        // In milliseconds, as the server takes a number without a unit.
        statements.push_str(&format!(
            "SET LOCAL lock_timeout = {}",
            self.lock_wait.load(Ordering::Relaxed)
        ));
        if self.times_transactions {
            statements.push_str(&format!("; SET LOCAL {NO_TRANSACTION_TIMEOUT}"));
        }
        statements
    }

    /// Says goodbye to the server and waits until it has heard, so that no backend is left behind when the run ends.
    pub async fn close(self) {
        // A server that does not answer any more has nothing to hear either.
        drop(tokio::time::timeout(GOODBYE, self.clear()).await);
        let Self {
            client,
            mut connection,
            ..
        } = self;
        drop(client);
        drop(tokio::time::timeout(GOODBYE, &mut connection.0).await);
    }

    /// As [`Session::close`], and behind a pooler its server process ends as well: there it would stay in the database for minutes, and
    /// nobody can copy or drop a database that somebody is in.
    pub async fn leave(self) {
        if self.pooled {
            let ending = self.client.batch_execute(
                "SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())",
            );
            drop(tokio::time::timeout(GOODBYE, ending).await);
        }
        self.close().await;
    }

    /// Hands a pooler's server process back as it was: in the middle of a transaction the pooler would have to close it.
    async fn clear(&self) -> Result<(), Error> {
        match (self.pooled, self.purpose) {
            (false, _) => Ok(()),
            (true, Purpose::Read) => self.client.batch_execute("ROLLBACK").await,
            (true, Purpose::Write) => self.client.batch_execute("DISCARD ALL").await,
        }
    }

    /// What can cancel this session's running statement while the session itself is busy.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller {
            token: self.client.cancel_token(),
            place: self.place.clone(),
        }
    }
}

/// Cancels the running statement of a session.
pub struct Canceller {
    token: CancelToken,
    place: Place,
}

impl Canceller {
    /// Asks the server to cancel. Nothing is known afterwards: the request may not arrive, or nothing may be running.
    pub async fn cancel(&self) {
        let asked = async {
            let mut stream = self.place.open().await?.stream;
            // Where there is TLS, the stream has it already.
            self.token.cancel_query_raw(&mut stream, NoTls).await?;
            // The server closes it when it has passed the request on. Who goes on sooner may have a later statement cancelled.
            drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
            Ok::<(), OpenError>(())
        };
        drop(tokio::time::timeout(Duration::from_secs(2), asked).await);
    }
}

/// The settings of every session, in this order. The search path comes before what is evaluated: whoever owns the database can give it one with functions
/// of their own, which an administrator's session would run with an administrator's rights. They are sent after the log-in because a
/// pooler refuses them at start.
const SETTINGS: [(&str, &str); 8] = [
    ("search_path", "pg_catalog"),
    ("role", "none"),
    ("standard_conforming_strings", "on"),
    ("client_min_messages", "warning"),
    ("jit", "off"),
    // What the server deparses is compared as text.
    ("quote_all_identifiers", "off"),
    ("idle_in_transaction_session_timeout", "'5min'"),
    // Whoever waits for another runner or another service's migration is idle meanwhile.
    ("idle_session_timeout", "0"),
];

/// How long a session waits for a lock where nobody says otherwise.
pub(super) const LOCK_WAIT: u64 = 5_000;

/// How long a reading session's statement may run.
const READING_TIMEOUT: (&str, &str) = ("statement_timeout", "'60s'");

/// How long a reading session may wait for any answer: the server ends the statement before that ([`READING_TIMEOUT`]), if it can.
pub(super) const OVERDUE: Duration = Duration::from_secs(75);

/// A migration's statement runs as long as it needs, unless its limit is given.
const WRITING_TIMEOUT: (&str, &str) = ("statement_timeout", "0");

/// Nor does its transaction end before it is done, whatever the role or the database has: it would end in the same place every time.
const NO_TRANSACTION_TIMEOUT: &str = "transaction_timeout = 0";

/// A killed dbctl must not leave a backend behind that waits for a lock. Servers on other systems than Linux refuse the setting
/// (PostgreSQL documentation, "Connections and Authentication").
const CLIENT_CHECK: &str = "SET client_connection_check_interval = '2s'";

/// Nor one that holds the runners' lock for a machine that went away without a word: by itself the server's system would ask after two
/// hours. A system that has no such setting takes no notice, nor does a socket without TCP.
const PEER_CHECK: &str = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 6; SET tcp_user_timeout = '90s'";
