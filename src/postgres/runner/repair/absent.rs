//! Versions that the database has and the history does not.

use postgres_protocol::escape::escape_literal;

use super::super::super::inspect;
use super::super::{ApplyError, history_table, lost, progress};
use super::rows::subject;
use super::write::{Write, row_of};
use super::{MendState, NotProven, Prove, Repair};
use crate::migration::{Migration, Name, Plan, Problem, analyse, changes_rows};
use crate::snapshot::{HistoryRow, Lock};

impl Repair<'_> {
    /// A version below the newest applied one: its row is written where what it makes is seen in a catalog that is proven.
    pub(super) async fn skipped(
        &mut self,
        migration: &Migration,
        problem: &Problem,
        newest: i32,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let row = row_of(migration)?;
        let added = |proven| {
            // What leaves no trace is not proven by any catalog.
            let lock = self.options.lock;
            match lock.is_some_and(|lock| lock.leaves_a_trace(migration.version, proven)) {
                true => Ok(vec![Write::Added(row.clone())]),
                false => Err(NotProven::new(format!(
                    "the catalog of version {proven} is the same without it, so it cannot be proven that it ran"
                ))),
            }
        };
        let reason = match self.write(newest, Some(prove), &added).await? {
            Ok(proven) => {
                self.recorded(migration, proven, problem.fact(), false);
                return Ok(());
            }
            Err(unproven) => unproven.reason,
        };
        let table = history_table();
        let action = match problem {
            Problem::OutOfOrder {
                newest, free: None, ..
            } => format!(
                "its row is not written, for {reason}; first mend the row of version {newest}, for no file can have a higher one: where \
                 you know which migration it says was applied, UPDATE {table} SET version = N WHERE version = {newest}, N being its version; \
                 else DELETE FROM {table} WHERE version = {newest}; then run dbctl repair again"
            ),
            Problem::OutOfOrder { newest, .. } => format!(
                "its row is not written, for {reason}; if it never ran here, nothing in the database is to be mended: give the file a \
                 version above {newest}: {}",
                problem.advice()
            ),
            _ => format!("its row is not written, for {reason}"),
        };
        self.blocks(migration.file.clone(), problem, action);
        Ok(())
    }

    /// Versions above the newest recorded one that the catalog shows to have run: their rows are lost, and are written again.
    pub(super) async fn unrecorded(
        &mut self,
        plan: &Plan,
        newest: i32,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let Some(first) = plan.pending.first() else {
            return Ok(());
        };
        // What is half there is gone on with by migrate.
        let unfinished = progress::read(self.session).await;
        if !unfinished.map_err(|error| lost(&error))?.is_empty() {
            return Ok(());
        }
        let Some(lock) = self.options.lock else {
            if self.is_there(first).await? {
                self.perhaps_lost(first, newest, prove).await?;
            }
            return Ok(());
        };
        let rows: Vec<HistoryRow> = plan.pending.iter().map(row_of).collect::<Result<_, _>>()?;
        let missing = |proven: i32| {
            let there = rows.iter().filter(|row| row.version <= i64::from(proven));
            Ok(there.cloned().map(Write::Added).collect())
        };
        match self.write(newest, Some(prove), &missing).await? {
            Ok(proven) => {
                for (migration, row) in plan.pending.iter().zip(&rows) {
                    let version = migration.version;
                    let found = format!(
                        "the history does not have {}, and the catalog is that of version {proven}",
                        migration.file
                    );
                    if version <= proven {
                        let silent = !lock.leaves_a_trace(version, version);
                        self.recorded(migration, proven, found, silent);
                    } else if is_alike(lock, proven, version)
                        && !changes_rows(&migration.sql).is_empty()
                    {
                        self.untold(migration, row, proven);
                    }
                }
            }
            Err(unproven) => {
                // Of versions that leave the same catalog, the first has made it.
                let nearest = unproven.nearest.and_then(|nearest| {
                    let mut pending = plan.pending.iter();
                    pending.find(|migration| is_alike(lock, migration.version, nearest))
                });
                if let Some(migration) = nearest {
                    let sign = format!(
                        "the catalog comes nearest to that of version {}",
                        migration.version
                    );
                    self.doubt(migration, &sign, &unproven.reason);
                }
            }
        }
        Ok(())
    }

    /// Whether everything that a migration creates is there, and there is something.
    async fn is_there(&self, migration: &Migration) -> Result<bool, ApplyError> {
        let analyses = analyse(&migration.sql).into_iter();
        let names: Vec<Name> = analyses.flat_map(|analysis| analysis.creates).collect();
        let missing = inspect::missing(self.session, &names).await;
        Ok(!names.is_empty() && missing.map_err(|error| lost(&error))?.is_empty())
    }

    /// Notes, where there is no lock to prove anything with, that a row may be lost.
    async fn perhaps_lost(
        &mut self,
        migration: &Migration,
        newest: i32,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let nothing = |_| Ok(Vec::new());
        if let Err(unproven) = self.write(newest, Some(prove), &nothing).await? {
            self.doubt(migration, "what it creates is there", &unproven.reason);
        }
        Ok(())
    }

    fn doubt(&mut self, migration: &Migration, sign: &str, reason: &str) {
        self.note(
            "history",
            subject(migration.version.into()),
            format!(
                "the history does not have {}, and {sign}: the row may be lost",
                migration.file
            ),
            MendState::Left,
            format!("its row is not written, for {reason}"),
        );
    }

    /// Notes that a row is there again.
    fn recorded(&mut self, migration: &Migration, proven: i32, found: String, silent: bool) {
        let how = match silent {
            true => {
                "that it ran follows from its place before that alone, for it leaves the catalog as it was"
            }
            false => "what the file does to rows was not looked at",
        };
        let action = format!(
            "its row is there again: the catalog is proven to be that of version {proven}; {how}"
        );
        self.mended("history", subject(migration.version.into()), found, &action);
    }

    /// Notes a pending migration of which no catalog tells whether it ran.
    fn untold(&mut self, migration: &Migration, row: &HistoryRow, proven: i32) {
        let action = format!(
            "taken as not applied, the next dbctl migrate runs it; if you know that it ran and its row is lost, write the row first: \
             INSERT INTO {} VALUES ({}, {}, {}, {})",
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

/// Whether the versions after the older one, up to the newer, leave its catalog as it is.
fn is_alike(lock: &Lock, older: i32, newer: i32) -> bool {
    if newer < older {
        return false;
    }
    let between = |version: i32| version > older && version <= newer;
    let mut later = lock.versions.iter().filter(|entry| between(entry.version));
    later.all(|entry| entry.adds.is_empty() && entry.removes.is_empty() && entry.changes.is_empty())
}
