//! The session as refinery sees it: one migration after the other, with everything that refinery does not know about.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use refinery_core::Migration as Refinery;
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::Error;

use super::super::blockers::Watch;
use super::super::inspect;
use super::super::session::Session;
use super::books::Known;
use super::failure::interrupted;
use super::footprint::Foreign;
use super::looks::Looks;
use super::progress::Entry;
use super::{ApplyError, ApplyOptions, Event, history_table, lost};
use crate::migration::analysis::{Brought, can_share_a_transaction};
use crate::migration::{Migration, Mode, Set};

/// From so many migrations on it pays to prepare what each of them is asked.
const MANY: usize = 3;

/// The session as refinery sees it.
pub(super) struct Guarded<'a> {
    pub(super) session: &'a mut Session,
    pub(super) options: &'a ApplyOptions,
    pub(super) observer: &'a (dyn Fn(Event) + Sync),
    pub(super) set: &'a Set,
    /// Who blocks a statement that waits.
    pub(super) watch: Watch<'a>,
    /// What migrations must not touch.
    pub(super) foreign: Foreign,
    /// What every transaction is asked.
    pub(super) looks: Looks,
    /// Invalid indexes and constraints that were there before the run, or were told in it.
    pub(super) leftovers: Mutex<BTreeSet<u32>>,
    /// What the history is known to hold.
    pub(super) known: Known,
    /// The statements that ran in an earlier run: their versions go on by statement, whatever the file says now.
    pub(super) unfinished: Vec<Entry>,
    /// What refinery is going to apply, in its order.
    pub(super) pending: VecDeque<Migration>,
    pub(super) applied: Vec<(Migration, Duration)>,
    /// Whether several migrations may share a transaction: nobody else uses the database.
    pub(super) may_group: bool,
    /// What the migrations of this run have brought, where several may share a transaction.
    pub(super) brought: Brought,
    /// How many of the next migrations are applied alone: together they were not fit.
    pub(super) alone: usize,
    /// The first failure: refinery would wrap it until its cause is out of reach.
    pub(super) failure: Option<ApplyError>,
}

impl Guarded<'_> {
    /// Finds dbctl's own tables, which the first migration brings, and prepares what is asked of every one after it.
    async fn look_for_books(&mut self) -> Result<(), Error> {
        self.foreign.find_books(self.session).await?;
        let worth_it = self.looks.are_prepared() || self.pending.len() >= MANY;
        if self.applied.is_empty() || !worth_it {
            return Ok(());
        }
        self.looks.prepare(self.session, &self.foreign).await
    }

    /// Applies the next migrations, which these statements record.
    async fn all(&mut self, records: &[&str]) -> Result<(), ApplyError> {
        let mut rest = records;
        while let Some((record, after)) = rest.split_first() {
            let done = match self.may_group && self.alone == 0 {
                true => self.group(rest).await?,
                false => 0,
            };
            self.alone = self.alone.saturating_sub(1);
            if done == 0 {
                self.next(record).await?;
                rest = after;
            } else {
                rest = rest.get(done..).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Applies the next migration alone.
    async fn next(&mut self, record: &str) -> Result<(), ApplyError> {
        let Some(mut migration) = self.pending.pop_front() else {
            return Err(ApplyError::Refused(
                "refinery planned a migration that dbctl did not; the history changed during the run"
                    .to_owned(),
            ));
        };
        if *self.options.interrupt.borrow() {
            return Err(interrupted(&migration));
        }
        (self.observer)(Event::Started {
            file: migration.file.clone(),
        });
        let started = Instant::now();
        self.look_for_books().await.map_err(|error| lost(&error))?;
        let begun = |entry: &Entry| entry.version == migration.version;
        if self.unfinished.iter().any(begun) {
            migration.mode = Mode::Statements;
        }
        match migration.mode {
            Mode::Transaction => Box::pin(self.whole(&migration, record)).await?,
            Mode::Statements => Box::pin(self.by_statement(&migration, record)).await?,
        }
        // The next one begins as it would in a run of its own.
        if !self.pending.is_empty() && !can_share_a_transaction(&migration.sql) {
            let forgotten = self.session.forget().await;
            forgotten.map_err(|error| lost(&error))?;
        }
        self.applied(migration, started.elapsed());
        Ok(())
    }
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
        // refinery hands over a migration's SQL and, after it, the statement that records it; or all of them so.
        let records: Vec<&str> = queries
            .chunks_exact(2)
            .filter_map(|pair| pair.last().copied())
            .collect();
        match self.all(&records).await {
            Ok(()) => Ok(queries.len()),
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
            // refinery compares checksums to the letter: a file that differs in its line ends only is the one that was applied.
            let own = self.set.migrations.iter().find(|migration| {
                i64::from(migration.version) == row.version && migration.has_checksum(&row.checksum)
            });
            let checksum = own.map_or_else(
                || row.checksum.parse::<u64>().ok(),
                |migration| Some(migration.checksum),
            );
            let parsed = i32::try_from(row.version)
                .ok()
                .zip(OffsetDateTime::parse(&row.applied_on, &Rfc3339).ok())
                .zip(checksum);
            let Some(((version, applied_on), checksum)) = parsed else {
                self.failure = Some(ApplyError::Refused(format!(
                    "the history's row of version {} ({}) was edited by hand: expected an RFC 3339 time and a checksum, \
                     found {:?} and {:?}; mend the row in {}, or let dbctl repair --service {} do it",
                    row.version,
                    row.name,
                    row.applied_on,
                    row.checksum,
                    history_table(),
                    self.options.service
                )));
                return Err(NotApplied);
            };
            self.known.push(row.version, &row.checksum);
            applied.push(Refinery::applied(version, row.name, applied_on, checksum));
        }
        Ok(applied)
    }
}

impl AsyncMigrate for Guarded<'_> {
    fn assert_migrations_table_query(_migration_table_name: &str) -> String {
        String::new()
    }
}
