//! dbctl as a library: a service that applies its own set when it starts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::command::Interrupt;
use crate::command::migrate::{Settings, Task, apply_pending, open, preflight};
use crate::manifest::{Endpoint, EndpointError};
use crate::migration::guard::{Party, Way};
use crate::migration::{Set, SetError};
use crate::postgres::Event;
use crate::report::migrate::{Applied, Outcome};
use crate::snapshot::Lock;

/// How long to wait for another runner and for locked tables, unless told otherwise: as long as the command does.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// How long one attempt waits for a table's lock at most.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Compiles a folder of migrations into the program: `dbctl::include_dir!("$CARGO_MANIFEST_DIR/migrations")`.
///
/// Cargo does not notice a file that is added to the folder later; `println!("cargo::rerun-if-changed=migrations")` in the
/// program's `build.rs` tells it.
#[macro_export]
macro_rules! include_dir {
    ($path:tt) => {{
        // The macro below writes paths that begin with its crate's name.
        use $crate::__include_dir as include_dir;
        include_dir::include_dir!($path)
    }};
}

/// Called for each event of a run.
type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// Applies a service's migration set to its database, with the guards of `dbctl migrate`: it refuses a database that another service
/// has stamped, whose history does not fit the set, or that holds tables without a history. Of many instances that start at once one
/// applies, and the others wait for it and find nothing to do.
#[derive(Clone)]
pub struct Migrator {
    service: String,
    set: Set,
    database: Option<String>,
    target: Option<i32>,
    wait: Duration,
    lock_timeout: Duration,
    statement_timeout: Option<Duration>,
    observer: Option<Observer>,
}

impl Migrator {
    /// A migrator for this service. The name goes into the database's stamp and must stay the same: it is the one that dbctl's
    /// manifest gives the service, where there is a manifest.
    #[must_use]
    pub fn new(service: impl Into<String>, set: Set) -> Self {
        Self {
            service: service.into(),
            set,
            database: None,
            target: None,
            wait: Duration::ZERO,
            lock_timeout: LOCK_TIMEOUT,
            statement_timeout: None,
            observer: None,
        }
    }

    /// The name that the database must have; without it the one that the URL leads to will do.
    #[must_use]
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.database = Some(name.into());
        self
    }

    /// The newest version to apply; everything without it.
    #[must_use]
    pub const fn target(mut self, version: i32) -> Self {
        self.target = Some(version);
        self
    }

    /// How long to wait for a server that does not answer yet; none without it. A server that says that it is starting is waited for
    /// in any case, up to 30 seconds.
    #[must_use]
    pub const fn wait(mut self, limit: Duration) -> Self {
        self.wait = limit;
        self
    }

    /// How long to wait for another runner and for locked tables; 60 seconds without it.
    #[must_use]
    pub const fn lock_timeout(mut self, limit: Duration) -> Self {
        self.lock_timeout = limit;
        self
    }

    /// How long one statement may run; no limit without it.
    #[must_use]
    pub const fn statement_timeout(mut self, limit: Duration) -> Self {
        self.statement_timeout = Some(limit);
        self
    }

    /// Is called with what happens, as it happens.
    #[must_use]
    pub fn on_event(mut self, observer: impl Fn(Event) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Applies what is pending to the database of this URL and returns what was applied, in order; nothing where all was applied
    /// before. The server reads every pending file before the first is applied.
    ///
    /// It needs a tokio runtime, of one thread or many. Dropping the future closes the connection, and the server rolls the running
    /// transaction back as soon as it notices, on Linux within about two seconds; what was committed before stays.
    ///
    /// # Errors
    /// See [`MigrateError`]. No message holds a password.
    pub async fn run(&self, url: &str) -> Result<Vec<Applied>, MigrateError> {
        let endpoint = Endpoint::parse(url)?;
        let lock = self.lock()?;
        let task = Task {
            own: Party {
                service: &self.service,
                database: self.database.as_deref().unwrap_or(&endpoint.database),
                role: None,
                set: Some(&self.set),
                lock: lock.as_ref().into(),
                way: Way::default(),
            },
            others: Vec::new(),
            set: &self.set,
            endpoint: &endpoint,
            admin: None,
            timescaledb: false,
            data_dir: None,
            shared: None,
            wait: self.wait,
            dry_run: false,
        };
        let observer = |event| {
            if let Some(observer) = &self.observer {
                observer(event);
            }
        };
        let cleared = Box::pin(preflight(
            &task,
            self.target,
            self.lock_timeout,
            None,
            &observer,
        ))
        .await?;
        let wanted = |version| self.target.is_none_or(|target| version <= target);
        let mut pending = cleared.plan.pending.iter();
        if !pending.any(|migration| wanted(migration.version)) {
            return Ok(Vec::new());
        }
        let settings = Settings {
            target: self.target,
            lock_timeout: self.lock_timeout,
            lock_wait: LOCK_WAIT,
            statement_timeout: self.statement_timeout,
        };
        // Nobody raises it: a caller who wants to end the run drops the future.
        let (_interrupter, interrupted) = watch::channel(false);
        let interrupt = Interrupt::new(interrupted);
        let mut session = open(&task).await?;
        let (applied, result) = Box::pin(apply_pending(
            &mut session,
            &task,
            settings,
            &interrupt,
            &observer,
        ))
        .await;
        session.close().await;
        result?;
        Ok(applied
            .into_iter()
            .map(|(migration, took)| Applied {
                version: migration.version,
                name: migration.name,
                took,
            })
            .collect())
    }

    /// The set's schema lock, where it has one.
    fn lock(&self) -> Result<Option<Lock>, MigrateError> {
        let Some(text) = &self.set.lock else {
            return Ok(None);
        };
        Lock::parse(&self.set.lock_path(), text)
            .map(Some)
            .map_err(|error| MigrateError::Refused(error.to_string()))
    }
}

impl std::fmt::Debug for Migrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Migrator")
            .field("service", &self.service)
            .field("set", &self.set.name)
            .field("database", &self.database)
            .field("target", &self.target)
            .field("lock_timeout", &self.lock_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}

/// Why a set was not applied. The texts are those of `dbctl migrate`; what was committed before the error stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The URL cannot be used. The message does not quote it.
    #[error("the database's URL cannot be used: {0}")]
    Url(#[from] EndpointError),
    /// The set's files are wrong.
    #[error(transparent)]
    Set(#[from] SetError),
    /// The database is not this service's, or its history does not fit the set.
    #[error("{0}")]
    Refused(String),
    /// The database cannot be reached or entered, or lacks what a migration needs.
    #[error("{0}")]
    Unreachable(String),
    /// Another runner holds the lock, or somebody holds a table, for longer than the lock timeout.
    #[error("{0}")]
    Locked(String),
    /// A migration failed, or the server cannot parse one that is pending: then nothing was changed.
    #[error("{0}")]
    Failed(String),
}

impl From<(Outcome, String)> for MigrateError {
    fn from((outcome, reason): (Outcome, String)) -> Self {
        match outcome {
            Outcome::Refused | Outcome::BadSet => Self::Refused(reason),
            Outcome::Locked => Self::Locked(reason),
            Outcome::Unreachable => Self::Unreachable(reason),
            // The others are ends of a service's run and no reasons; a new reason is a failure until it has a name here.
            _ => Self::Failed(reason),
        }
    }
}
