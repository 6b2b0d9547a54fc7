//! Writing rows of the history anew: in one transaction with the proof that the database is as they say.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::types::{ToSql, Type};

use super::super::super::catalog;
use super::super::{ApplyError, books, history_table};
use super::{NotProven, Prove, Repair};
use crate::migration::Migration;
use crate::snapshot::HistoryRow;

/// One row to be written.
pub(super) enum Write {
    /// In the place of another, if that is still what it was.
    Anew {
        /// What it was.
        row: HistoryRow,
        /// What it becomes.
        fixed: HistoryRow,
    },
    /// Where there is none of its version.
    Added(HistoryRow),
}

/// What is to be written where the catalog is proven to be that of a version, or why that proves nothing of it.
pub(super) type Choose<'a> = dyn Fn(i32) -> Result<Vec<Write>, NotProven> + Sync + 'a;

impl Repair<'_> {
    /// Writes rows if the proof holds in the same transaction: the version that the catalog is that of. The inner error says why not.
    /// A dry run only proves, and so does one that finds no history table.
    pub(super) async fn write(
        &self,
        newest: i32,
        prove: Option<&Prove<'_>>,
        choose: &Choose<'_>,
    ) -> Result<Result<i32, NotProven>, ApplyError> {
        let client = &self.session.client;
        let table = history_table();
        let begin = match self.looks_only {
            true => "BEGIN READ ONLY".to_owned(),
            false => format!("BEGIN; LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"),
        };
        if let Err(error) = client.batch_execute(&begin).await {
            // A BEGIN whose LOCK was refused has left a transaction that is to end.
            client
                .batch_execute("ROLLBACK")
                .await
                .map_err(|error| self.gone(&error))?;
            return told(Err(self.failed(&table, &error)));
        }
        let done = self.write_within(newest, prove, choose).await;
        let end = match (&done, self.looks_only) {
            (Ok(Ok(_)), false) => "COMMIT",
            _ => "ROLLBACK",
        };
        let ended = self.watch.over(client.batch_execute(end)).await;
        let done = told(done)?;
        ended.map_err(|error| self.gone(&error))?;
        Ok(done)
    }

    async fn write_within(
        &self,
        newest: i32,
        prove: Option<&Prove<'_>>,
        choose: &Choose<'_>,
    ) -> Result<Result<i32, NotProven>, ApplyError> {
        let failed = |error| self.failed(&history_table(), &error);
        let mut proven = newest;
        if let Some(prove) = prove {
            let snapshot = catalog::read(&self.session.client, None)
                .await
                .map_err(failed)?;
            match prove(snapshot, newest) {
                Ok(version) => proven = version,
                Err(reason) => return Ok(Err(reason)),
            }
        }
        let writes = match choose(proven) {
            Ok(writes) => writes,
            Err(reason) => return Ok(Err(reason)),
        };
        if self.looks_only {
            return Ok(Ok(proven));
        }
        for write in writes {
            if self.write_row(&write).await.map_err(failed)? != 1 {
                let table = history_table();
                return Ok(Err(NotProven::new(format!(
                    "{table} changed meanwhile: run {} again",
                    self.verb()
                ))));
            }
            let (Write::Anew { fixed: new, .. } | Write::Added(new)) = &write;
            let written = books::kept(new.version, &new.name, &new.checksum);
            let asked = books::keeps(&new.version.to_string());
            let answer = self.session.client.query_typed_one(&asked, &[]).await;
            let kept: String = answer.and_then(|row| row.try_get("kept")).map_err(failed)?;
            if let Some(reason) = books::not_kept(&written, Some(&kept)) {
                return Ok(Err(NotProven::new(reason)));
            }
        }
        Ok(Ok(proven))
    }

    async fn write_row(&self, write: &Write) -> Result<u64, tokio_postgres::Error> {
        let table = history_table();
        let (new, old) = match write {
            Write::Anew { row, fixed } => (fixed, Some(row)),
            Write::Added(row) => (row, None),
        };
        let number = old.and_then(HistoryRow::number);
        let mut values: Vec<(&(dyn ToSql + Sync), Type)> = vec![
            (&new.version, Type::INT8),
            (&new.name, Type::TEXT),
            (&new.applied_on, Type::TEXT),
            (&new.checksum, Type::TEXT),
        ];
        let sql = match old {
            Some(old) => {
                values.extend([
                    (&number as &(dyn ToSql + Sync), Type::INT8),
                    (&old.name, Type::TEXT),
                    (&old.applied_on, Type::TEXT),
                    (&old.checksum, Type::TEXT),
                ]);
                format!(
                    "UPDATE {table} SET version = $1, name = $2, applied_on = $3, checksum = $4 WHERE version IS NOT DISTINCT FROM $5 \
                     AND coalesce(name::text, '') = $6 AND coalesce(applied_on::text, '') = $7 AND coalesce(checksum::text, '') = $8"
                )
            }
            None => format!(
                "INSERT INTO {table} (version, name, applied_on, checksum) \
                 SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM {table} WHERE version = $1)"
            ),
        };
        self.session.client.execute_typed(&sql, &values).await
    }
}

/// What the server refuses ends no repair: it is the reason why a row is left.
fn told(
    done: Result<Result<i32, NotProven>, ApplyError>,
) -> Result<Result<i32, NotProven>, ApplyError> {
    match done {
        Err(ApplyError::Failed(refused)) => Ok(Err(NotProven::new(format!(
            "the server refuses it: {refused}"
        )))),
        done => done,
    }
}

/// The row that says that a migration was applied at this moment.
pub(super) fn row_of(migration: &Migration) -> Result<HistoryRow, ApplyError> {
    Ok(HistoryRow {
        version: migration.version.into(),
        name: migration.name.clone(),
        applied_on: now()?,
        checksum: migration.checksum.to_string(),
    })
}

/// The present time as refinery writes it.
pub(super) fn now() -> Result<String, ApplyError> {
    OffsetDateTime::now_utc().format(&Rfc3339).map_err(|error| {
        ApplyError::Refused(format!("the present time cannot be written: {error}"))
    })
}
