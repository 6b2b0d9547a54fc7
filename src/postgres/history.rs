//! refinery's history table as it is found: its columns, and its rows.

use super::Session;
use crate::snapshot::{HISTORY_TABLE, HistoryRow};

/// Why the table's columns keep its rows from being read or written, and what mends them. Both come from `sql/marks.sql`.
pub(super) fn misshapen(wrong: Option<String>, mending: Option<String>) -> Option<String> {
    let ((wrong, mending), (schema, table)) = (wrong.zip(mending)?, HISTORY_TABLE);
    Some(format!(
        "{schema}.{table} is not as refinery makes it (version integer PRIMARY KEY, name, applied_on and checksum varchar(255)): \
         {wrong}; ALTER TABLE {schema}.{table} {mending} puts that right"
    ))
}

/// The rows of the table, if it can be read. Everything is read as text: a row edited by hand must not end the run.
pub(super) async fn rows(
    session: &Session,
    is_readable: bool,
) -> Result<Vec<HistoryRow>, tokio_postgres::Error> {
    if !is_readable {
        return Ok(Vec::new());
    }
    session
        .client
        .query_typed(
            "SELECT version::bigint, coalesce(name::text, ''), coalesce(applied_on::text, ''), coalesce(checksum::text, '') \
             FROM public.refinery_schema_history ORDER BY version",
            &[],
        )
        .await?
        .into_iter()
        .map(|row| {
            Ok(HistoryRow {
                version: row
                    .try_get::<_, Option<i64>>(0)?
                    .unwrap_or(HistoryRow::UNNUMBERED),
                name: row.try_get(1)?,
                applied_on: row.try_get(2)?,
                checksum: row.try_get(3)?,
            })
        })
        .collect()
}
