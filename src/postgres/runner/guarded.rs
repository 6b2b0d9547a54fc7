//! The session as refinery sees it: one migration, one transaction, with everything that refinery does not know about.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use refinery_core::Migration as Refinery;
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use super::super::error::{describe, ends_session};
use super::super::inspect::{self, is_lock_conflict};
use super::super::session::Session;
use super::failure::{Failure, Step, broken_text, failure_text, interrupted};
use super::lock::{jitter, raised};
use super::{ApplyError, ApplyOptions, Event, FAREWELL, history_table, lost};
use crate::migration::{CREATE_STAMP, Migration};

/// The history table. It and the stamp are created in the transaction of the first migration, so that a failed first migration
/// leaves nothing at all.
const CREATE_HISTORY: &str = "\
CREATE TABLE IF NOT EXISTS public.refinery_schema_history (
    version int4 PRIMARY KEY,
    name varchar(255),
    applied_on varchar(255),
    checksum varchar(255)
);";

/// The session as refinery sees it.
pub(super) struct Guarded<'a> {
    pub(super) session: &'a mut Session,
    pub(super) options: &'a ApplyOptions,
    pub(super) observer: &'a (dyn Fn(Event) + Sync),
    pub(super) set_name: &'a str,
    /// What refinery is going to apply, in its order.
    pub(super) pending: VecDeque<Migration>,
    pub(super) applied: Vec<(Migration, Duration)>,
    /// The first failure: refinery would wrap it until its cause is out of reach.
    pub(super) failure: Option<ApplyError>,
}

/// The error that refinery passes through; the cause is kept in the session.
#[derive(Debug, thiserror::Error)]
#[error("the migration was not applied")]
pub(super) struct NotApplied;

impl AsyncTransaction for Guarded<'_> {
    type Error = NotApplied;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, NotApplied> {
        let queries: Vec<&str> = queries.filter(|query| !query.is_empty()).collect();
        // refinery asserts its table before anything else; here the first migration brings it.
        if queries.is_empty() {
            return Ok(0);
        }
        let Some(migration) = self.pending.pop_front() else {
            self.failure = Some(ApplyError::Refused(
                "refinery planned a migration that dbctl did not; the history changed during the run"
                    .to_owned(),
            ));
            return Err(NotApplied);
        };
        if *self.options.interrupt.borrow() {
            self.failure = Some(interrupted(&migration));
            return Err(NotApplied);
        }
        (self.observer)(Event::Started {
            file: migration.file.clone(),
        });
        let started = Instant::now();
        match self.in_transaction(&migration, &queries, started).await {
            Ok(()) => {
                let took = started.elapsed();
                (self.observer)(Event::Applied {
                    file: migration.file.clone(),
                    took,
                });
                self.applied.push((migration, took));
                Ok(queries.len())
            }
            Err(failure) => {
                self.failure = Some(failure);
                Err(NotApplied)
            }
        }
    }
}

impl AsyncQuery<Vec<Refinery>> for Guarded<'_> {
    async fn query<'a>(&'a mut self, _query: &'a str) -> Result<Vec<Refinery>, NotApplied> {
        // refinery's own query fails where the table is not there yet, and its parser panics on a row edited by hand.
        let marks = match inspect::marks(self.session).await {
            Ok(marks) => marks,
            Err(error) => {
                self.failure = Some(lost(&error));
                return Err(NotApplied);
            }
        };
        let mut applied = Vec::new();
        for row in marks.history.rows {
            let parsed = i32::try_from(row.version)
                .ok()
                .zip(OffsetDateTime::parse(&row.applied_on, &Rfc3339).ok())
                .zip(row.checksum.parse::<u64>().ok());
            match parsed {
                Some(((version, applied_on), checksum)) => {
                    applied.push(Refinery::applied(version, row.name, applied_on, checksum));
                }
                None => {
                    self.failure = Some(ApplyError::Refused(format!(
                        "the history's row of version {} ({}) was edited by hand: expected an RFC 3339 time and a checksum, \
                         found {:?} and {:?}; mend the row in {}",
                        row.version,
                        row.name,
                        row.applied_on,
                        row.checksum,
                        history_table()
                    )));
                    return Err(NotApplied);
                }
            }
        }
        Ok(applied)
    }
}

impl AsyncMigrate for Guarded<'_> {
    fn assert_migrations_table_query(_migration_table_name: &str) -> String {
        String::new()
    }
}

impl Guarded<'_> {
    /// Runs one migration in one transaction, again and again while others hold locks, until the lock timeout.
    async fn in_transaction(
        &self,
        migration: &Migration,
        queries: &[&str],
        started: Instant,
    ) -> Result<(), ApplyError> {
        let mut pause = Duration::from_millis(100);
        loop {
            let Failure { step, error } = match self.attempt_or_cancel(queries, started).await {
                Some(Ok(())) => return Ok(()),
                Some(Err(failure)) => failure,
                None => {
                    return Err(ApplyError::Interrupted(format!(
                        "{}: interrupted; the server does not answer: the connection was closed, and the server rolls back what \
                         was not committed; dbctl status tells",
                        migration.file
                    )));
                }
            };
            let client = &self.session.client;
            if ends_session(&error)
                || client.is_closed()
                || client.batch_execute("ROLLBACK").await.is_err()
            {
                return Err(ApplyError::Unreachable(broken_text(
                    migration, step, &error,
                )));
            }
            let cancelled = error.code() == Some(&SqlState::QUERY_CANCELED);
            if cancelled && *self.options.interrupt.borrow() {
                return Err(interrupted(migration));
            }
            if !is_lock_conflict(&error) {
                return Err(ApplyError::Failed(failure_text(migration, step, &error)));
            }
            if started.elapsed() + pause >= self.options.lock_timeout {
                return Err(ApplyError::Locked(format!(
                    "{}: {}; nothing of it remains; try again when the table is free, or raise --lock-timeout",
                    migration.file,
                    describe(&error)
                )));
            }
            (self.observer)(Event::Retrying {
                file: migration.file.clone(),
                reason: describe(&error),
            });
            tokio::select! {
                () = tokio::time::sleep(jitter(pause)) => {}
                () = raised(&self.options.interrupt) => return Err(interrupted(migration)),
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// One attempt. An interrupt cancels it on the server; what the server answers then is what has become of it.
    /// `None` when the server does not answer.
    async fn attempt_or_cancel(
        &self,
        queries: &[&str],
        started: Instant,
    ) -> Option<Result<(), Failure>> {
        let attempt = self.attempt(queries, started);
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

    /// One attempt in a transaction.
    async fn attempt(&self, queries: &[&str], started: Instant) -> Result<(), Failure> {
        let client = &self.session.client;
        let own = Failure::at(Step::Own);
        self.session.reset().await.map_err(own)?;
        client.batch_execute("BEGIN").await.map_err(own)?;
        client
            .batch_execute(&self.transaction_settings(started))
            .await
            .map_err(own)?;
        client
            .batch_execute(&format!("{CREATE_STAMP}{CREATE_HISTORY}"))
            .await
            .map_err(own)?;
        client
            .execute(
                "INSERT INTO dbctl.identity (service, set_name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                &[&self.options.service, &self.set_name],
            )
            .await
            .map_err(own)?;
        // refinery hands over the migration and, after it, the statement that records it.
        let mut queries = queries.iter();
        if let Some(migration) = queries.next() {
            self.execute_counting(migration).await?;
        }
        for query in queries {
            client.batch_execute(query).await.map_err(own)?;
        }
        client
            .batch_execute("COMMIT")
            .await
            .map_err(Failure::at(Step::Commit))
    }

    /// Runs a migration's SQL and counts its statements: most errors do not say which of them failed.
    async fn execute_counting(&self, sql: &str) -> Result<(), Failure> {
        let mut done = 0;
        let stream = self.session.client.simple_query_raw(sql).await;
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

    /// Settings for one migration's transaction.
    fn transaction_settings(&self, started: Instant) -> String {
        let statement = self
            .options
            .statement_timeout
            .map_or(0, |limit| limit.as_millis().max(1));
        // Whoever waits for a table's lock makes all that come after wait too: an attempt waits for a few seconds only.
        // The server takes 0 for no limit.
        let lock = self
            .options
            .lock_timeout
            .saturating_sub(started.elapsed())
            .clamp(Duration::from_millis(1), Duration::from_secs(5));
        format!(
            "SET LOCAL search_path = public; SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {statement};",
            lock.as_millis()
        )
    }
}
