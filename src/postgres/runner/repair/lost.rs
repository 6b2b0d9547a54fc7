//! Rows of the history that are lost: above the newest one that is there, or all of them, or the table itself.

use std::sync::atomic::{AtomicBool, Ordering};

use postgres_protocol::escape::escape_literal;

use super::super::super::inspect::Marks;
use super::super::{ApplyError, history_table, there_already};
use super::alike::{is_alike, unseen, untold};
use super::rows::subject;
use super::write::{Write, row_of};
use super::{MendState, NotProven, Prove, Repair};
use crate::migration::{Migration, Plan};
use crate::snapshot::{HistoryRow, Snapshot};

impl Repair<'_> {
    /// Versions above the newest recorded one that the catalog shows to have run: their rows are lost, and are written again.
    pub(super) async fn unrecorded(
        &mut self,
        marks: &Marks,
        plan: &Plan,
        newest: i32,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let Some(first) = plan.pending.first() else {
            return Ok(());
        };
        // What is half there is gone on with by migrate.
        let unfinished = self.entries().await?;
        if !unfinished.is_empty() {
            return self.perhaps_finished(&unfinished, newest, prove).await;
        }
        let gone = marks.history.rows.is_empty();
        if self.options.lock.is_none() && !gone {
            let doubted = match self.is_there(first).await? {
                true => self.perhaps_lost(first, newest, prove).await?,
                false => None,
            };
            return self.in_the_way(&plan.pending, doubted).await;
        }
        let rows: Vec<HistoryRow> = plan.pending.iter().map(row_of).collect::<Result<_, _>>()?;
        let exists = marks.history.exists;
        let missing = |proven: i32| {
            let last = self.last(plan, proven).filter(|_| exists);
            let there = |row: &&HistoryRow| last.is_some_and(|last| row.version <= i64::from(last));
            let there = rows.iter().filter(there);
            Ok(there.cloned().map(Write::Added).collect())
        };
        // No relation is in nobody's way: migrate takes such a database for an empty one.
        let empty = AtomicBool::new(false);
        let seen = |snapshot: Snapshot, newest| {
            empty.store(snapshot.relations().next().is_none(), Ordering::Relaxed);
            prove(snapshot, newest)
        };
        let written = self.write(newest, Some(&seen), &missing).await?;
        let adopted = !gone || empty.load(Ordering::Relaxed);
        match written {
            Ok(proven) if !exists => self.table_lost(plan, proven),
            Ok(proven) => {
                self.rows_lost(plan, &rows, proven);
                if let Some(last) = self.last(plan, proven) {
                    let recorded = plan.pending.partition_point(|one| one.version <= last);
                    let left = plan.pending.get(recorded..).unwrap_or_default();
                    let forgotten = self.forgotten(plan, proven);
                    return self.in_the_way(left, forgotten).await;
                }
            }
            Err(unproven) if adopted => {
                let doubted = self.nearest(plan, &unproven).await?;
                return self.in_the_way(&plan.pending, doubted).await;
            }
            Err(unproven) => self.not_adopted(exists, &unproven.reason),
        }
        Ok(())
    }

    /// Notes what stands where a migration that is to be applied makes something, unless its row was said to be lost.
    async fn in_the_way(
        &mut self,
        pending: &[Migration],
        doubted: Option<i32>,
    ) -> Result<(), ApplyError> {
        let there = there_already(self.session, pending).await;
        let there = there.map_err(|error| self.gone(&error))?;
        let Some(there) = there.filter(|there| doubted != Some(there.version)) else {
            return Ok(());
        };
        self.note(
            "history",
            subject(there.version.into()),
            format!("it is not recorded, and {}", there.fact()),
            MendState::Blocks,
            format!(
                "{} refuses it; nothing proves that the row is lost: where somebody else made that, take it away or give it another name",
                self.migrates()
            ),
        );
        Ok(())
    }

    /// Notes what became of rows that are lost, the catalog being that of a version.
    fn rows_lost(&mut self, plan: &Plan, rows: &[HistoryRow], proven: i32) {
        let Some(lock) = self.options.lock else {
            return;
        };
        let awaiting = self.awaiting(plan, proven);
        let Some(last) = self.last(plan, proven) else {
            self.needs_word(plan, &awaiting, proven);
            return;
        };
        for migration in plan.pending.iter().filter(|one| one.version <= last) {
            let version = migration.version;
            let found = format!(
                "the history does not have {}, and the catalog is that of version {proven}",
                migration.file
            );
            if version > proven {
                let action = "its row is there again, on your word";
                self.mended("history", subject(version.into()), found, action);
                continue;
            }
            let silent = !lock.leaves_a_trace(version, version);
            self.recorded(migration, proven, found, silent);
        }
        let mut untold = untold(lock, plan, proven);
        untold.extend(unseen(lock, plan, proven));
        for (migration, row) in plan.pending.iter().zip(rows) {
            let is = |other: &&Migration| other.version == migration.version;
            if migration.version <= last || !untold.iter().any(is) {
                continue;
            }
            if awaiting.iter().any(is) {
                self.note(
                    "history",
                    migration.file.clone(),
                    format!(
                        "the catalog is that of version {proven}, which does not tell whether it ran"
                    ),
                    MendState::Left,
                    format!("taken as not applied on your word: {} runs it", self.migrates()),
                );
            } else if is_alike(lock, proven, migration.version) {
                self.untold(migration, row, proven);
            }
        }
    }

    /// Notes that the table is gone from a database whose catalog is that of a version.
    fn table_lost(&mut self, plan: &Plan, proven: i32) {
        let service = &self.options.apply.service;
        let lock = self.options.lock;
        let untold = lock.map(|lock| untold(lock, plan, proven));
        let files: Vec<&str> = untold
            .iter()
            .flatten()
            .map(|migration| migration.file.as_str())
            .collect();
        let which = match files.as_slice() {
            [] => String::new(),
            _ => format!(
                "; {} may have run or not, for the catalog does not tell: --version N names the last version that ran",
                files.join(", ")
            ),
        };
        let action = format!(
            "dbctl baseline --service {service} makes the table again and writes the rows: the catalog is proven to be that of version \
             {proven}{which}"
        );
        self.blocked(false, action);
    }

    /// Notes that migrate takes the database for one that was never adopted, and that no proof is to be had.
    fn not_adopted(&mut self, exists: bool, reason: &str) {
        let action = format!(
            "no row is written, for {reason}; when that is mended, dbctl baseline --service {} proves the schema and writes the rows",
            self.options.apply.service
        );
        self.blocked(exists, action);
    }

    fn blocked(&mut self, exists: bool, action: String) {
        let what = match exists {
            true => "it holds no row",
            false => "the table is gone",
        };
        self.note(
            "history",
            history_table(),
            format!("{what} and the database holds tables, so {} refuses it as one that was never adopted", self.migrates()),
            MendState::Blocks,
            action,
        );
    }

    /// Notes which version a catalog that proves nothing comes nearest to, where that speaks of a lost row: the version, where that row is in
    /// migrate's way.
    async fn nearest(
        &mut self,
        plan: &Plan,
        unproven: &NotProven,
    ) -> Result<Option<i32>, ApplyError> {
        let Some(lock) = self.options.lock else {
            return Ok(None);
        };
        // Of versions that leave the same catalog, the first has made it.
        let nearest = unproven.nearest.and_then(|nearest| {
            let mut pending = plan.pending.iter();
            pending.find(|migration| is_alike(lock, migration.version, nearest))
        });
        let Some(migration) = nearest else {
            return Ok(None);
        };
        let sign = format!(
            "the catalog comes nearest to that of version {}",
            migration.version
        );
        self.doubt(migration, &sign, &unproven.reason).await
    }

    /// Notes a pending migration of which no catalog tells whether it ran.
    fn untold(&mut self, migration: &Migration, row: &HistoryRow, proven: i32) {
        let action = format!(
            "taken as not applied, {} runs it; if you know that it ran and its row is lost, write the row first: \
             INSERT INTO {} VALUES ({}, {}, {}, {})",
            self.migrates(),
            history_table(),
            row.version,
            escape_literal(&row.name),
            escape_literal(&row.applied_on),
            escape_literal(&row.checksum)
        );
        self.note(
            "history",
            migration.file.clone(),
            format!(
                "it is pending and leaves the same catalog as version {proven}, so that does not tell whether it ran"
            ),
            MendState::Left,
            action,
        );
    }
}
