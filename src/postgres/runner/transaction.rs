//! One migration, or one statement of one, in a transaction that is tried again while others hold locks.

mod body;
mod sequences;

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use super::super::connect::connect;
use super::super::error::{describe, ends_session};
use super::super::inspect::is_lock_conflict;
use super::super::session::{Purpose, Session};
use super::cancel::or_cancel;
use super::failure::{Failure, Step, broken_text, failure_text, interrupted, place};
use super::guarded::Guarded;
use super::lock::{jitter, raised};
use super::rollback::Values;
use super::set_back::left;
use super::touched::{foreign_text, naming};
use super::{ApplyError, Event, books, causes};
use crate::migration::Migration;
use crate::migration::analysis::needs_fresh_session;
use body::Asked;
pub(super) use body::Body;
use sequences::set_back;

/// How long the first attempt waits for a table's lock. Whoever waits for one makes all that come after wait too.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Which statements of a migration ran before the one after so many.
pub(super) fn ran_before(number: usize) -> String {
    match number {
        0 => "none ran before it".to_owned(),
        1 => "statement 1 ran and stays".to_owned(),
        _ => format!("statements 1 to {number} ran and stay"),
    }
}

impl Guarded<'_> {
    /// Runs a migration in one transaction.
    pub(super) async fn whole(
        &self,
        migration: &Migration,
        record: &str,
    ) -> Result<(), ApplyError> {
        let body = Body::Whole { migration, record };
        if !needs_fresh_session(&migration.sql) {
            return self.in_transaction(self.session, body).await;
        }
        let session = self.fresh_session().await?;
        let result = self.in_transaction(&session, body).await;
        session.close().await;
        result
    }

    /// A session in which TimescaleDB's library is not loaded: `ALTER EXTENSION timescaledb UPDATE` fails in every other.
    async fn fresh_session(&self) -> Result<Session, ApplyError> {
        let mut endpoint = self.options.endpoint.clone();
        let unloaded = "-c timescaledb.disable_load=on";
        endpoint.options = Some(match endpoint.options.take() {
            Some(options) => format!("{options} {unloaded}"),
            None => unloaded.to_owned(),
        });
        connect(&endpoint, Purpose::Write, &self.options.application)
            .await
            .map_err(|error| ApplyError::Unreachable(error.message))
    }

    /// Runs one transaction again and again while others hold locks, until the lock timeout. `values`: how sequences stood before it.
    async fn again_and_again(
        &self,
        session: &Session,
        body: Body<'_>,
        values: Option<&Values>,
    ) -> Result<(), ApplyError> {
        let migration = body.migration();
        let limit = self.options.lock_timeout;
        let started = Instant::now();
        self.watch.forget();
        let (mut pause, mut wait) = (Duration::from_millis(100), FIRST_WAIT);
        loop {
            // The server takes 0 for no limit.
            let patience = limit
                .saturating_sub(started.elapsed())
                .min(self.options.lock_wait)
                .min(wait)
                .max(Duration::from_millis(1));
            // On the heap: a service's runtime gives its threads small stacks.
            let attempt = Box::pin(self.attempt(session, body, patience));
            let attempt = self.watch.over(attempt);
            let failure = match self.or_cancel(session, attempt).await {
                Some(Ok(())) => return Ok(()),
                Some(Err(failure)) => failure,
                None => {
                    return Err(match deaf(migration) {
                        ApplyError::Interrupted(what) => {
                            ApplyError::Interrupted(what + &left(values))
                        }
                        error => error,
                    });
                }
            };
            let client = &session.client;
            let (step, error, offset) = match failure {
                Failure::Driver {
                    step,
                    error,
                    offset,
                } => (step, error, offset),
                Failure::Unfit { statement, reason } => {
                    self.roll_back(session, migration, values).await?;
                    let place = statement.map_or_else(
                        || migration.file.clone(),
                        |number| place(migration, number, None),
                    );
                    return Err(ApplyError::Failed(format!(
                        "{place}: {reason}; {}",
                        body.state()
                    )));
                }
                Failure::Disturbed(reason) => {
                    self.roll_back(session, migration, values).await?;
                    return Err(ApplyError::Refused(format!(
                        "{}: {reason}; {}",
                        migration.file,
                        body.state()
                    )));
                }
            };
            if ends_session(&error)
                || client.is_closed()
                || client.batch_execute("ROLLBACK").await.is_err()
            {
                return Err(self.broken(migration, step, &error));
            }
            set_back(session, migration, values).await?;
            // The migration has thrown away what was prepared.
            if step == Step::Own
                && error.code() == Some(&SqlState::INVALID_SQL_STATEMENT_NAME)
                && self.looks.are_prepared()
            {
                self.looks.lose();
                continue;
            }
            let cancelled = error.code() == Some(&SqlState::QUERY_CANCELED);
            if cancelled && *self.options.interrupt.borrow() {
                return Err(interrupted(migration));
            }
            if !is_lock_conflict(&error) {
                let text =
                    failure_text(migration, step, &error, offset, &body.state(), self.options);
                let why = causes::causes(session, &error).await;
                return Err(ApplyError::Failed(format!("{text}{why}")));
            }
            let reason = self.with_blockers(describe(&error));
            let state = match body {
                Body::Whole { .. } => "nothing of it remains".to_owned(),
                _ => body.state(),
            };
            self.pause(migration, started, &mut pause, reason, &state)
                .await?;
            wait = wait.saturating_mul(2);
        }
    }

    /// Says why a migration is tried again and waits a little; an error when there is no time left.
    pub(super) async fn pause(
        &self,
        migration: &Migration,
        started: Instant,
        pause: &mut Duration,
        reason: String,
        state: &str,
    ) -> Result<(), ApplyError> {
        let file = &migration.file;
        if started.elapsed() + *pause >= self.options.lock_timeout {
            return Err(ApplyError::Locked(format!(
                "{file}: {reason}; {state}; try again when the table is free, or raise --lock-timeout"
            )));
        }
        (self.observer)(Event::Retrying {
            file: file.clone(),
            reason,
        });
        tokio::select! {
            () = tokio::time::sleep(jitter(*pause)) => {}
            () = raised(&self.options.interrupt) => return Err(interrupted(migration)),
        }
        *pause = (*pause * 2).min(Duration::from_secs(5));
        Ok(())
    }

    /// The server's words, and who stood in the way.
    pub(super) fn with_blockers(&self, reason: String) -> String {
        self.watch.with_blockers(reason)
    }

    /// The connection broke.
    pub(super) fn broken(
        &self,
        migration: &Migration,
        step: Step,
        error: &tokio_postgres::Error,
    ) -> ApplyError {
        if step == Step::Commit {
            (self.observer)(Event::Unsure {
                file: migration.file.clone(),
            });
        }
        ApplyError::Unreachable(broken_text(migration, step, error))
    }

    async fn roll_back(
        &self,
        session: &Session,
        migration: &Migration,
        values: Option<&Values>,
    ) -> Result<(), ApplyError> {
        session
            .client
            .batch_execute("ROLLBACK")
            .await
            .map_err(|error| ApplyError::Unreachable(broken_text(migration, Step::Own, &error)))?;
        set_back(session, migration, values).await
    }

    /// An attempt that an interrupt cancels on the server; what the server answers then is what has become of it.
    /// `None` when the server does not answer.
    pub(super) async fn or_cancel<T>(
        &self,
        session: &Session,
        attempt: impl Future<Output = T>,
    ) -> Option<T> {
        or_cancel(session, &self.options.interrupt, attempt).await
    }

    /// One attempt: everything but the COMMIT in one message, and nothing is committed before every answer was looked at.
    async fn attempt(
        &self,
        session: &Session,
        body: Body<'_>,
        patience: Duration,
    ) -> Result<(), Failure> {
        let own_session = std::ptr::eq(session, &*self.session);
        let Asked {
            message,
            touched,
            leftover,
            history,
            kept,
        } = self.asked(body, patience, own_session);
        // Sent at once. The server reads the whole message before it runs any of it, so what tells how it is read is put back first.
        let (reset, answers) = futures::join!(session.reset(), message.run(session));
        reset.map_err(Failure::own)?;
        if let Some(oids) = answers.text(touched, "touched") {
            let relations = self.foreign.touched(oids);
            let mut reason = foreign_text(&relations, &self.options.service);
            reason.push_str(&causes::may_have_touched(session).await);
            let statement = match body {
                Body::One { number, .. } => Some(number),
                Body::Whole { migration, .. } => naming(&migration.sql, &relations),
                _ => None,
            };
            return Err(Failure::Unfit { statement, reason });
        }
        let now = answers.text(history, "history");
        if let Some(now) = now {
            self.known.compare(now)?;
        }
        if let Some(failure) = answers.failure {
            return Err(failure);
        }
        let locked = answers.text(touched, "locked");
        let left = leftover.map(|leftover| answers.text(leftover, "leftover"));
        if now.is_none() || locked.is_none() || left == Some(None) {
            return Err(Failure::Unfit {
                statement: None,
                reason: "the server has not answered what it was asked after it: its text ends otherwise than dbctl reads it"
                    .to_owned(),
            });
        }
        match own_session {
            true if locked == Some("t") => {}
            true => return Err(books::unlocked(session).await?),
            false => books::still_locked(self.session).await?,
        }
        if let (Body::Whole { migration, .. }, Some(Some("t"))) = (body, left) {
            self.check_indexes(session, migration).await?;
        }
        let Migration {
            version,
            name,
            checksum,
            ..
        } = body.migration();
        let written = books::kept((*version).into(), name, &checksum.to_string());
        let not_kept = kept.and_then(|kept| books::not_kept(&written, answers.text(kept, "kept")));
        if let Some(reason) = not_kept {
            return Err(Failure::Unfit {
                statement: None,
                reason,
            });
        }
        if answers.text(touched, "deferrable") == Some("t") {
            self.settle(session, patience).await?;
        }
        session
            .client
            .batch_execute("COMMIT")
            .await
            .map_err(Failure::at(Step::Commit))
    }

    /// Success is not recorded over an invalid index that the migration was to create.
    async fn check_indexes(&self, session: &Session, migration: &Migration) -> Result<(), Failure> {
        let broken = self.broken_index(session, migration).await;
        match broken.map_err(Failure::own)? {
            None => Ok(()),
            Some(broken) => Err(Failure::Unfit {
                statement: None,
                reason: format!(
                    "{broken}, so IF NOT EXISTS has left it as it was; drop it first (DROP INDEX CONCURRENTLY {}), \
                     or let dbctl repair --service {} do it",
                    broken.name, self.options.service
                ),
            }),
        }
    }

    /// Settings for what runs next; `set` is `SET LOCAL` within a transaction and `SET` without one.
    pub(super) fn settings(&self, set: &str, patience: Duration) -> [String; 3] {
        let statement = self
            .options
            .statement_timeout
            .map_or(0, |limit| limit.as_millis().max(1));
        [
            format!("{set} search_path = public"),
            format!("{set} lock_timeout = {}", patience.as_millis().max(1)),
            format!("{set} statement_timeout = {statement}"),
        ]
    }
}

/// The server does not answer any more.
pub(super) fn deaf(migration: &Migration) -> ApplyError {
    ApplyError::Interrupted(format!(
        "{}: interrupted; the server does not answer: the connection was closed, and the server rolls back what \
         was not committed; dbctl status tells",
        migration.file
    ))
}

/// Runs SQL and counts its statements, since most errors do not say which of them failed; `before` stand before it in its file.
pub(super) async fn execute(session: &Session, sql: &str, before: usize) -> Result<(), Failure> {
    let mut done = before;
    let stream = session.client.simple_query_raw(sql).await;
    let stream = stream.map_err(Failure::at(Step::Statement(done)))?;
    tokio::pin!(stream);
    while let Some(message) = stream.next().await {
        match message {
            Ok(SimpleQueryMessage::CommandComplete(_)) => done += 1,
            Ok(_) => {}
            Err(error) => return Err(Failure::at(Step::Statement(done))(error)),
        }
    }
    Ok(())
}
