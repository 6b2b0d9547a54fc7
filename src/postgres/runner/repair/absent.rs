//! Versions that the database has and the history does not.

use super::super::super::inspect;
use super::super::there::meets;
use super::super::{ApplyError, history_table};
use super::rows::subject;
use super::write::{Write, row_of};
use super::{MendState, NotProven, Prove, Repair};
use crate::migration::{Migration, Name, Problem, analyse};

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
                 else DELETE FROM {table} WHERE version = {newest}; then run {} again",
                self.verb()
            ),
            Problem::OutOfOrder { newest, .. } => format!(
                "its row is not written, for {reason}; if it never ran here, nothing in the database is to be mended: give the file a \
                 version above {newest}: {}",
                problem
                    .renumbering(&self.options.apply.service)
                    .unwrap_or_default()
            ),
            _ => format!("its row is not written, for {reason}"),
        };
        self.blocks(migration.file.clone(), problem, action);
        Ok(())
    }

    /// Whether everything that a migration creates is there, and there is something.
    pub(super) async fn is_there(&self, migration: &Migration) -> Result<bool, ApplyError> {
        let analyses = analyse(&migration.sql).into_iter();
        let names: Vec<Name> = analyses.flat_map(|analysis| analysis.creates).collect();
        let missing = inspect::missing(self.session, &names).await;
        Ok(!names.is_empty() && missing.map_err(|error| self.gone(&error))?.is_empty())
    }

    /// Notes, where there is no lock to prove anything with, that a row may be lost: the version, where that is in migrate's way.
    pub(super) async fn perhaps_lost(
        &mut self,
        migration: &Migration,
        newest: i32,
        prove: &Prove<'_>,
    ) -> Result<Option<i32>, ApplyError> {
        let nothing = |_| Ok(Vec::new());
        match self.write(newest, Some(prove), &nothing).await? {
            Err(unproven) => {
                let sign = "what it creates is there";
                self.doubt(migration, sign, &unproven.reason).await
            }
            Ok(_) => Ok(None),
        }
    }

    /// Notes that a row may be lost: the version, where the next migrate stops at what is there.
    pub(super) async fn doubt(
        &mut self,
        migration: &Migration,
        sign: &str,
        reason: &str,
    ) -> Result<Option<i32>, ApplyError> {
        let there = meets(self.session, migration, &[]).await;
        let there = there.map_err(|error| self.gone(&error))?;
        let found = format!(
            "the history does not have {}, and {sign}: the row may be lost",
            migration.file
        );
        let action = format!("its row is not written, for {reason}");
        let (state, action) = match &there {
            None => (MendState::Left, action),
            Some(there) => (
                MendState::Blocks,
                format!(
                    "{action}; {} stops at {}; where somebody else made that, take it away or give it another name",
                    self.migrates(),
                    there.fact()
                ),
            ),
        };
        self.note(
            "history",
            subject(migration.version.into()),
            found,
            state,
            action,
        );
        Ok(there.map(|there| there.version))
    }

    /// Notes that a row is there again.
    pub(super) fn recorded(
        &mut self,
        migration: &Migration,
        proven: i32,
        found: String,
        silent: bool,
    ) {
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
}
