//! Takes a database down to an older version: all down scripts in one transaction, under the runners' lock, and only as far as no
//! data is lost unless that is allowed.

mod loss;
mod statement;
mod table;

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_postgres::error::SqlState;

use super::super::error::{describe, ends_session};
use super::super::inspect::{self, Marks, is_lock_conflict};
use super::super::session::Session;
use super::lock::{LOCK_KEY, jitter, lock, raised};
use super::{ApplyError, ApplyOptions, Event, FAREWELL, history_table, lost};
use crate::migration::{Migration, Rollback, Set};
pub use loss::Loss;
use loss::{State, losses};
use statement::Failure;

/// How to roll back.
#[derive(Debug, Clone)]
pub struct RollbackOptions {
    /// The service whose database it is.
    pub service: String,
    /// The version to be at afterwards; 0 takes back everything.
    pub target: i32,
    /// Whether to commit although data is lost.
    pub allow_data_loss: bool,
    /// How long to wait for another runner, and for locks that others hold on tables, before giving up.
    pub lock_timeout: Duration,
    /// How long one statement may run; `None` sets no limit.
    pub statement_timeout: Option<Duration>,
    /// Becomes true when the run is to end early.
    pub interrupt: watch::Receiver<bool>,
}

/// What was rolled back and committed.
#[derive(Debug, Clone, Default)]
pub struct RolledBack {
    /// The migrations that were taken back, newest first, each with the time that its script took. Empty: there was nothing to do.
    pub migrations: Vec<(Migration, Duration)>,
    /// The data that was lost, which was allowed.
    pub losses: Vec<Loss>,
}

/// Why nothing was rolled back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RollbackError {
    /// Data would be lost, and that was not allowed.
    #[error("data would be lost; nothing was changed: the database is still at version {from}")]
    DataLoss {
        /// The version that the database is at.
        from: i32,
        /// The data.
        losses: Vec<Loss>,
    },
    /// Anything else, as for [`apply`](super::apply).
    #[error(transparent)]
    Run(#[from] ApplyError),
}

/// Runs the down scripts from the newest applied version to the one after the target, in one transaction.
///
/// `check` is asked under the lock, as in [`apply`](super::apply). Every table of the role's is closed to writers meanwhile.
///
/// # Errors
/// See [`RollbackError`]; whichever it is, nothing was changed, except where the connection broke at COMMIT.
pub async fn rollback(
    session: &mut Session,
    set: &Set,
    options: &RollbackOptions,
    check: &(dyn Fn(&Marks) -> Option<String> + Sync),
    observer: &(dyn Fn(Event) + Sync),
) -> Result<RolledBack, RollbackError> {
    let waiting = ApplyOptions {
        service: options.service.clone(),
        target: None,
        lock_timeout: options.lock_timeout,
        statement_timeout: options.statement_timeout,
        interrupt: options.interrupt.clone(),
    };
    lock(session, &waiting, observer).await?;
    let result = locked(session, set, options, check, observer).await;
    // As in `apply`: the lock is freed before the report is written, unless the session may not answer any more.
    if !matches!(
        result,
        Err(RollbackError::Run(
            ApplyError::Interrupted(_) | ApplyError::Unreachable(_)
        ))
    ) {
        let unlocked = session
            .client
            .execute("SELECT pg_advisory_unlock($1)", &[&LOCK_KEY])
            .await;
        if let (Ok(_), Err(error)) = (&result, unlocked) {
            return Err(lost(&error).into());
        }
    }
    result
}

async fn locked(
    session: &Session,
    set: &Set,
    options: &RollbackOptions,
    check: &(dyn Fn(&Marks) -> Option<String> + Sync),
    observer: &(dyn Fn(Event) + Sync),
) -> Result<RolledBack, RollbackError> {
    let marks = inspect::marks(session)
        .await
        .map_err(|error| lost(&error))?;
    if let Some(reason) = check(&marks) {
        return Err(ApplyError::Refused(reason).into());
    }
    let rollback =
        Rollback::new(set, &marks.history, options.target).map_err(ApplyError::Refused)?;
    if rollback.steps.is_empty() {
        return Ok(RolledBack::default());
    }
    let run = Run {
        session,
        options,
        observer,
        rollback: &rollback,
        started: Instant::now(),
    };
    run.until_unlocked().await
}

/// What an attempt came to before its COMMIT.
struct Done {
    rolled_back: RolledBack,
    /// Versions above the target that the history holds all the same.
    left: Vec<i64>,
}

/// One rollback.
struct Run<'a> {
    session: &'a Session,
    options: &'a RollbackOptions,
    observer: &'a (dyn Fn(Event) + Sync),
    rollback: &'a Rollback,
    started: Instant,
}

impl Run<'_> {
    /// Tries again and again while others hold locks, until the lock timeout.
    async fn until_unlocked(&self) -> Result<RolledBack, RollbackError> {
        let client = &self.session.client;
        let mut pause = Duration::from_millis(100);
        loop {
            let Some(attempt) = self.attempt_or_cancel().await else {
                return Err(self.interrupted(
                    "interrupted; the server does not answer: the connection was closed, and the server rolls back what was not \
                     committed; dbctl status tells",
                ));
            };
            let failure = match attempt {
                Ok(done) => return self.end(done).await,
                Err(failure) => failure,
            };
            let error = &failure.error;
            if ends_session(error)
                || client.is_closed()
                || client.batch_execute("ROLLBACK").await.is_err()
            {
                return Err(ApplyError::Unreachable(format!(
                    "the connection broke: {}; the server rolls everything back: {}",
                    failure.text(),
                    self.still()
                ))
                .into());
            }
            if error.code() == Some(&SqlState::QUERY_CANCELED) && *self.options.interrupt.borrow() {
                return Err(self.interrupted(&format!("interrupted; {}", self.nothing())));
            }
            if !is_lock_conflict(error) {
                return Err(self.failed(&failure.text()));
            }
            if self.started.elapsed() + pause >= self.options.lock_timeout {
                return Err(ApplyError::Locked(format!(
                    "{}; {}; try again when the table is free, or raise --lock-timeout",
                    failure.text(),
                    self.nothing()
                ))
                .into());
            }
            (self.observer)(Event::Retrying {
                file: "the rollback".to_owned(),
                reason: describe(error),
            });
            tokio::select! {
                () = tokio::time::sleep(jitter(pause)) => {}
                () = raised(&self.options.interrupt) => {
                    return Err(self.interrupted(&format!("interrupted; {}", self.nothing())));
                }
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// Commits, unless something speaks against it.
    async fn end(&self, done: Done) -> Result<RolledBack, RollbackError> {
        let client = &self.session.client;
        let Done { rolled_back, left } = done;
        let losing = !rolled_back.losses.is_empty() && !self.options.allow_data_loss;
        let against = if *self.options.interrupt.borrow() {
            Some(self.interrupted(&format!("interrupted; {}", self.nothing())))
        } else if !left.is_empty() {
            Some(self.failed(&format!(
                "{} still holds version {} after its row was deleted: see what triggers or rules it has",
                history_table(),
                list(&left)
            )))
        } else if losing {
            Some(RollbackError::DataLoss {
                from: self.rollback.from,
                losses: rolled_back.losses.clone(),
            })
        } else {
            None
        };
        if let Some(against) = against {
            client
                .batch_execute("ROLLBACK")
                .await
                .map_err(|error| lost(&error))?;
            return Err(against);
        }
        // Deferred constraints are checked now.
        match client.batch_execute("COMMIT").await {
            Ok(()) => Ok(rolled_back),
            Err(error) if ends_session(&error) || client.is_closed() => {
                Err(ApplyError::Unreachable(format!(
                    "the connection broke at COMMIT: {}; dbctl status tells whether it was committed",
                    describe(&error)
                ))
                .into())
            }
            Err(error) => Err(self.failed(&format!("at COMMIT: {}", describe(&error)))),
        }
    }

    /// One attempt. An interrupt cancels it on the server. `None` when the server does not answer.
    async fn attempt_or_cancel(&self) -> Option<Result<Done, Failure>> {
        let attempt = self.attempt();
        tokio::pin!(attempt);
        tokio::select! {
            done = &mut attempt => return Some(done),
            () = raised(&self.options.interrupt) => {}
        }
        let canceller = self.session.canceller();
        let ending = async {
            // Between two statements there is nothing to cancel, so once may not be enough.
            loop {
                canceller.cancel().await;
                let soon = tokio::time::timeout(Duration::from_millis(200), &mut attempt);
                if let Ok(done) = soon.await {
                    break done;
                }
            }
        };
        tokio::time::timeout(FAREWELL, ending).await.ok()
    }

    /// Everything but the COMMIT.
    async fn attempt(&self) -> Result<Done, Failure> {
        let client = &self.session.client;
        self.session.reset().await?;
        client.batch_execute("BEGIN").await?;
        self.settings("pg_catalog").await?;
        let before = State::before(client, self.rollback).await?;
        let mut migrations = Vec::new();
        for step in &self.rollback.steps {
            let started = Instant::now();
            (self.observer)(Event::Started {
                file: step.down.file.clone(),
            });
            self.settings("public").await?;
            statement::run(client, &step.down.file, &step.down.sql).await?;
            self.settings("pg_catalog").await?;
            let sql = format!(
                "DELETE FROM {} WHERE version = {}",
                history_table(),
                step.migration.version
            );
            client.batch_execute(&sql).await?;
            migrations.push((step.migration.clone(), started.elapsed()));
        }
        let losses = losses(client, &before).await?;
        let history = inspect::marks(self.session).await?.history;
        let versions = history.rows.iter().map(|row| row.version);
        let left = versions.filter(|version| *version > i64::from(self.options.target));
        Ok(Done {
            rolled_back: RolledBack { migrations, losses },
            left: left.collect(),
        })
    }

    /// The settings for what comes next, whatever a script has set.
    async fn settings(&self, search_path: &str) -> Result<(), tokio_postgres::Error> {
        let statement = self
            .options
            .statement_timeout
            .map_or(0, |limit| limit.as_millis().max(1));
        // Whoever waits for a table's lock makes all that come after wait too: an attempt waits for a few seconds only.
        // The server takes 0 for no limit.
        let lock = self
            .options
            .lock_timeout
            .saturating_sub(self.started.elapsed())
            .clamp(Duration::from_millis(1), Duration::from_secs(5));
        let sql = format!(
            "RESET ROLE; SET LOCAL search_path = {search_path}; SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {statement}",
            lock.as_millis()
        );
        self.session.client.batch_execute(&sql).await
    }

    fn failed(&self, what: &str) -> RollbackError {
        ApplyError::Failed(format!("{what}; {}", self.nothing())).into()
    }

    fn interrupted(&self, what: &str) -> RollbackError {
        ApplyError::Interrupted(what.to_owned()).into()
    }

    fn nothing(&self) -> String {
        format!("nothing was rolled back: {}", self.still())
    }

    fn still(&self) -> String {
        format!("the database is still at version {}", self.rollback.from)
    }
}

/// Numbers as people list them.
fn list(versions: &[i64]) -> String {
    let versions: Vec<String> = versions.iter().map(i64::to_string).collect();
    versions.join(", ")
}
