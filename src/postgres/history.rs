//! refinery's history table as it is found: its columns, and its rows.

use tokio_postgres::{Error, Row};

use super::Session;
use crate::snapshot::{HISTORY_TABLE, HistoryRow};

/// The columns as refinery makes them, with the OIDs of their types, which never change: int4 and varchar (PostgreSQL, pg_type.dat).
const USUAL: [(&str, u32); 4] = [
    ("version", 23),
    ("name", 1043),
    ("applied_on", 1043),
    ("checksum", 1043),
];

/// What the table gave.
pub(super) enum Found {
    Rows(Vec<HistoryRow>),
    /// Why the table's columns keep its rows from being read or written, and what mends them.
    Misshapen(String),
}

/// Reads the table, if it is there. Every value is read as text, which every type has: a row or column altered by hand must not end the run.
pub(super) async fn read(session: &Session, exists: bool) -> Result<Found, Error> {
    if !exists {
        return Ok(Found::Rows(Vec::new()));
    }
    let rows = session
        .client
        .query_typed(
            "SELECT h.version::text, coalesce(h.name::text, ''), coalesce(h.applied_on::text, ''), coalesce(h.checksum::text, ''), h.* \
             FROM public.refinery_schema_history h",
            &[],
        )
        .await?;
    // Only rows tell for nothing what the columns are.
    if !rows.first().is_some_and(is_usual)
        && let Some(reason) = misshapen(session).await?
    {
        return Ok(Found::Misshapen(reason));
    }
    let mut rows: Vec<HistoryRow> = rows
        .iter()
        .map(|row| {
            Ok(HistoryRow {
                version: row
                    .try_get::<_, Option<&str>>(0)?
                    .and_then(|version| version.parse().ok())
                    .unwrap_or(HistoryRow::UNNUMBERED),
                name: row.try_get(1)?,
                applied_on: row.try_get(2)?,
                checksum: row.try_get(3)?,
            })
        })
        .collect::<Result<_, Error>>()?;
    rows.sort_by_key(|row| (row.version == HistoryRow::UNNUMBERED, row.version));
    Ok(Found::Rows(rows))
}

/// Whether all columns of the table are those that refinery makes.
fn is_usual(row: &Row) -> bool {
    row.columns()
        .iter()
        .skip(USUAL.len())
        .map(|column| (column.name(), column.type_().oid()))
        .eq(USUAL)
}

/// Why the table's columns keep its rows from being read or written, and what mends them, if so.
async fn misshapen(session: &Session) -> Result<Option<String>, Error> {
    let row = session
        .client
        .query_typed_one(include_str!("sql/history_shape.sql"), &[])
        .await?;
    let (schema, table) = HISTORY_TABLE;
    let wrong: Option<&str> = row.try_get("wrong")?;
    Ok(wrong
        .zip(row.try_get::<_, Option<&str>>("mending")?)
        .map(|(wrong, mending)| {
            format!(
                "{schema}.{table} is not as refinery makes it (version integer PRIMARY KEY, name, applied_on and checksum varchar(255)): \
                 {wrong}; ALTER TABLE {schema}.{table} {mending} puts that right"
            )
        }))
}
