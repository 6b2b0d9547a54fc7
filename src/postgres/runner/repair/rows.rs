//! Rows of the history that do not fit the set.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::types::Type;

use super::super::super::catalog;
use super::super::super::inspect::Marks;
use super::super::{ApplyError, history_table, lost};
use super::indexes::newest;
use super::{MendState, Prove, Repair};
use crate::migration::{Migration, Plan, Problem};
use crate::snapshot::{HISTORY_TABLE, HistoryRow};

impl Repair<'_> {
    /// Mends what can be mended without losing anything, and explains the rest.
    pub(super) async fn rows(
        &mut self,
        marks: &Marks,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let plan = Plan::new(self.options.set, &marks.history);
        let repeated: Vec<i64> = plan
            .problems
            .iter()
            .filter_map(|problem| match problem {
                Problem::Repeated(row) => Some(row.version),
                _ => None,
            })
            .collect();
        for problem in &plan.problems {
            let subject = match problem {
                Problem::OutOfOrder { file, .. } => file.clone(),
                _ => subject(problem.version().unwrap_or_default()),
            };
            let action = match problem {
                Problem::Divergent { row, file, .. } if !repeated.contains(&row.version) => {
                    let mut migrations = self.options.set.migrations.iter();
                    let migration = migrations.find(|migration| migration.file == *file);
                    if let Some(migration) = migration.cloned() {
                        self.row(marks, row, &migration, problem, prove).await?;
                    }
                    continue;
                }
                Problem::Divergent { .. } | Problem::Repeated(_) => format!(
                    "find out which row is the right one and delete the other from {}; its primary key on version is gone: put that back",
                    history_table()
                ),
                Problem::Unknown(row) => format!(
                    "give the set the file back; only if what it did was taken back as well: DELETE FROM {} WHERE version = {}",
                    history_table(),
                    row.version
                ),
                Problem::OutOfOrder { newest, .. } => format!(
                    "nothing in the database is to be mended; give the file a version above {newest}: {}",
                    problem.advice()
                ),
            };
            self.note(
                "history",
                subject,
                problem.fact(),
                MendState::Blocks,
                action,
            );
        }
        Ok(())
    }

    /// One row whose migration the set has.
    async fn row(
        &mut self,
        marks: &Marks,
        row: &HistoryRow,
        migration: &Migration,
        problem: &Problem,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let subject = subject(row.version);
        let same = row.name == migration.name && migration.has_checksum(&row.checksum);
        let proof = if same { None } else { Some(prove) };
        let fixed = HistoryRow {
            version: row.version,
            name: migration.name.clone(),
            applied_on: match OffsetDateTime::parse(&row.applied_on, &Rfc3339) {
                Ok(_) => row.applied_on.clone(),
                Err(_) => now()?,
            },
            checksum: match same {
                true => row.checksum.clone(),
                false => migration.checksum.to_string(),
            },
        };
        match self.rewrite(row, &fixed, newest(marks), proof).await? {
            Ok(()) => {
                let action = match same {
                    true => format!(
                        "its time is now {}: when it was applied is not known any more",
                        fixed.applied_on
                    ),
                    false => format!(
                        "name and checksum are now those of {}: the catalog is proven to be that of version {}; what the file does to \
                         rows was not looked at",
                        migration.file,
                        newest(marks)
                    ),
                };
                self.mended("history", subject, problem.fact(), &action);
            }
            Err(reason) => {
                let back = match row.name == migration.name {
                    true => {
                        "what it had when it was applied, and put the change into a new version"
                    }
                    false => "its old name",
                };
                let action =
                    format!("left as it is, for {reason}; otherwise give the file back {back}");
                self.note(
                    "history",
                    subject,
                    problem.fact(),
                    MendState::Blocks,
                    action,
                );
            }
        }
        Ok(())
    }

    /// Writes a row anew, if it is still what it was and the proof holds in the same transaction; the inner error says why not.
    async fn rewrite(
        &self,
        row: &HistoryRow,
        fixed: &HistoryRow,
        newest: i32,
        prove: Option<&Prove<'_>>,
    ) -> Result<Result<(), String>, ApplyError> {
        let client = &self.session.client;
        let table = history_table();
        let failed = |error| self.failed(&table, &error);
        let begin = match self.options.dry_run {
            true => "BEGIN READ ONLY".to_owned(),
            false => format!("BEGIN; LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"),
        };
        if let Err(error) = client.batch_execute(&begin).await {
            // A BEGIN whose LOCK was refused has left a transaction that is to end.
            client
                .batch_execute("ROLLBACK")
                .await
                .map_err(|error| lost(&error))?;
            return told(Err(failed(error)));
        }
        let reason = self.rewrite_within(row, fixed, newest, prove).await;
        let end = match (&reason, self.options.dry_run) {
            (Ok(Ok(())), false) => "COMMIT",
            _ => "ROLLBACK",
        };
        let ended = client.batch_execute(end).await;
        let reason = told(reason)?;
        ended.map_err(|error| lost(&error))?;
        Ok(reason)
    }

    async fn rewrite_within(
        &self,
        row: &HistoryRow,
        fixed: &HistoryRow,
        newest: i32,
        prove: Option<&Prove<'_>>,
    ) -> Result<Result<(), String>, ApplyError> {
        let client = &self.session.client;
        let table = history_table();
        let failed = |error| self.failed(&table, &error);
        if let Some(prove) = prove {
            let snapshot = catalog::read(client, None).await.map_err(failed)?;
            if let Err(reason) = prove(snapshot, newest) {
                return Ok(Err(reason));
            }
        }
        if self.options.dry_run {
            return Ok(Ok(()));
        }
        let written = client
            .execute_typed(
                &format!(
                    "UPDATE {table} SET name = $2, applied_on = $3, checksum = $4 WHERE version = $1 \
                     AND coalesce(name::text, '') = $5 AND coalesce(applied_on::text, '') = $6 AND coalesce(checksum::text, '') = $7"
                ),
                &[
                    (&row.version, Type::INT8),
                    (&fixed.name, Type::TEXT),
                    (&fixed.applied_on, Type::TEXT),
                    (&fixed.checksum, Type::TEXT),
                    (&row.name, Type::TEXT),
                    (&row.applied_on, Type::TEXT),
                    (&row.checksum, Type::TEXT),
                ],
            )
            .await
            .map_err(failed)?;
        Ok(match written {
            1 => Ok(()),
            _ => Err(format!("{table} changed meanwhile: run dbctl repair again")),
        })
    }
}

/// What the server refuses ends no repair: it is the reason why this row is left.
fn told(reason: Result<Result<(), String>, ApplyError>) -> Result<Result<(), String>, ApplyError> {
    match reason {
        Err(ApplyError::Failed(refused)) => Ok(Err(format!("the server refuses it: {refused}"))),
        reason => reason,
    }
}

fn subject(version: i64) -> String {
    format!("version {version} in {}", HISTORY_TABLE.1)
}

/// The present time as refinery writes it.
fn now() -> Result<String, ApplyError> {
    OffsetDateTime::now_utc().format(&Rfc3339).map_err(|error| {
        ApplyError::Refused(format!("the present time cannot be written: {error}"))
    })
}
