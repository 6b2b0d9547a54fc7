//! refinery's history table as it is found: its columns, and its rows.

use super::Session;
use crate::snapshot::{HISTORY_TABLE, HistoryRow};

/// The columns as refinery makes them, with the OIDs of their types, which never change: int4 and varchar (PostgreSQL, pg_type.dat).
const USUAL: &str = "version 23,name 1043,applied_on 1043,checksum 1043";

/// Why the table's columns keep its rows from being read or written, and what mends them.
///
/// # Errors
/// When the query fails.
pub(super) async fn misshapen(
    session: &Session,
    columns: Option<&str>,
) -> Result<Option<String>, tokio_postgres::Error> {
    // The server plans the query longer than it runs it, and hardly ever is it needed.
    if columns.is_none_or(|columns| columns == USUAL) {
        return Ok(None);
    }
    let row = session
        .client
        .query_typed_one(include_str!("sql/history_shape.sql"), &[])
        .await?;
    let wrong: Option<&str> = row.try_get("wrong")?;
    let (Some((wrong, mending)), (schema, table)) = (
        wrong.zip(row.try_get::<_, Option<&str>>("mending")?),
        HISTORY_TABLE,
    ) else {
        return Ok(None);
    };
    Ok(Some(format!(
        "{schema}.{table} is not as refinery makes it (version integer PRIMARY KEY, name, applied_on and checksum varchar(255)): \
         {wrong}; ALTER TABLE {schema}.{table} {mending} puts that right"
    )))
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
