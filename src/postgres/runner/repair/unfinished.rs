//! Unfinished migrations: what is given up at the operator's word, and what migrate goes on with.

use super::super::super::inspect::Marks;
use super::super::ApplyError;
use super::super::progress::{self, Entry};
use super::super::there::meets;
use super::rows::subject;
use super::{MendState, Prove, Repair};
use crate::migration::statements;
use crate::snapshot::HistoryRow;

impl Repair<'_> {
    /// Forgets the entries of the version that the operator named; the others.
    pub(super) async fn forget(
        &mut self,
        marks: &Marks,
        entries: Vec<Entry>,
    ) -> Result<Vec<Entry>, ApplyError> {
        let Some(version) = self.options.forget else {
            return Ok(entries);
        };
        let (forgotten, others): (Vec<Entry>, Vec<Entry>) = entries
            .into_iter()
            .partition(|entry| entry.version == version);
        if forgotten.is_empty() {
            return Err(ApplyError::Refused(format!(
                "dbctl.progress has no entry of version {version}: there is nothing to forget, and nothing was changed"
            )));
        }
        if !self.options.dry_run {
            self.session
                .client
                .batch_execute(&progress::finishing(version))
                .await
                .map_err(|error| self.failed("dbctl.progress", &error))?;
        }
        let list = |done: bool| -> Vec<String> {
            let chosen = forgotten.iter().filter(|entry| entry.done == done);
            chosen.map(|entry| entry.statement.to_string()).collect()
        };
        let (ran, begun) = (list(true), list(false));
        let found = [(&ran, "ran"), (&begun, "begun")]
            .into_iter()
            .filter(|(statements, _)| !statements.is_empty())
            .map(|(statements, how)| format!("statements {how}: {}", statements.join(", ")))
            .collect::<Vec<_>>()
            .join("; ");
        let recorded = |row: &HistoryRow| row.version == i64::from(version);
        let action = if marks.history.rows.iter().any(recorded) {
            "its entries are forgotten: the history says that the version is finished, and no migrate runs it again".to_owned()
        } else if self.migration(version).is_some() {
            "its entries are forgotten: what ran stays as it is, and the next migrate begins the version anew, at its first statement: \
             take away what the statements have made, or let them accept it (IF NOT EXISTS), before it does"
                .to_owned()
        } else {
            let known = match ran.as_slice() {
                [] => "none is known to have ended".to_owned(),
                [one] => format!("statement {one} ran to its end"),
                several => format!("statements {} ran to their end", several.join(", ")),
            };
            format!(
                "its entries are forgotten. Set {} has no such version, so no migrate runs it again, and what it has made is left behind \
                 ({known}): dbctl verify names the objects that no version has; take away what is not wanted",
                self.options.set.name
            )
        };
        self.mended("progress", format!("version {version}"), found, &action);
        Ok(others)
    }

    /// Tells of unfinished migrations whose catalog is there already: their row may be lost. No row is written then, for a statement that
    /// leaves no trace may not have run.
    pub(super) async fn perhaps_finished(
        &mut self,
        entries: &[Entry],
        newest: i32,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let looks_only = std::mem::replace(&mut self.looks_only, true);
        let looked = self.write(newest, Some(prove), &|_| Ok(Vec::new())).await;
        self.looks_only = looks_only;
        let Ok(proven) = looked? else {
            return Ok(());
        };
        for migration in &self.options.set.migrations {
            let version = migration.version;
            let done = entries.iter().filter(|entry| entry.version == version);
            let done = done.filter(|entry| entry.done).count();
            let begun = entries.iter().any(|entry| entry.version == version);
            if !begun || version > proven || done >= statements(&migration.sql).len() {
                continue;
            }
            let action = format!(
                "where {0} stops at what is there already, the row is lost: {1} --forget {version} then forgets the statements, \
                 and {1} alone proves the catalog and writes the row; look first whether all ran that leaves no trace in the catalog",
                self.migrates(),
                self.verb()
            );
            self.note(
                "history",
                subject(version.into()),
                format!(
                    "{} is unfinished, and the catalog is proven to be that of version {proven} already",
                    migration.file
                ),
                MendState::Left,
                action,
            );
        }
        Ok(())
    }

    /// Tells which migrations are half there, and whether migrate goes on with them. `ran` has the version of each statement that ran.
    pub(super) async fn goes_on(&mut self, ran: &[i32]) -> Result<(), ApplyError> {
        let entries = self.entries().await?;
        for migration in &self.options.set.migrations {
            let version = migration.version;
            let done = ran.iter().filter(|ran| **ran == version).count();
            if done == 0 {
                continue;
            }
            let (total, file) = (statements(&migration.sql).len(), &migration.file);
            let met = meets(self.session, migration, &entries).await;
            let (state, how) = match met.map_err(|error| self.gone(&error))? {
                Some(there) => (
                    MendState::Blocks,
                    format!(
                        "stops at {}; where somebody else made that, take it away or give it another name",
                        there.fact()
                    ),
                ),
                None if done < total => (MendState::Left, "goes on from there".to_owned()),
                None => (MendState::Left, "records it".to_owned()),
            };
            self.note(
                "progress",
                format!("version {version}"),
                format!("{file} is unfinished: {done} of {total} statements ran"),
                state,
                format!(
                    "{} {how}; {} --forget {version} gives it up, and what ran stays",
                    self.migrates(),
                    self.verb()
                ),
            );
        }
        Ok(())
    }
}
