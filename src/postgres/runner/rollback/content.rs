//! What a table holds, as one number: whether a table that was rewritten or made anew still holds the same.

use postgres_protocol::escape::escape_identifier as identifier;
use tokio_postgres::{Client, Error};

use super::table::Table;

/// Tables that take more room than this are not read.
pub(super) const LARGEST: i64 = 256 * 1024 * 1024;

/// The rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// How many they are.
    pub(super) rows: i64,
    /// The sum of their hashes.
    sum: String,
}

/// Which rows of a table to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// Its own and those of its parts.
    Family,
    /// Its own.
    Own,
    /// Its own, but for those that this transaction has written.
    Kept,
}

/// Reads what a table holds in these columns. `None` where rows cannot be read, or may change meanwhile.
pub(super) async fn read(
    client: &Client,
    table: &Table,
    which: Rows,
    columns: &[&str],
) -> Result<Option<Content>, Error> {
    let Some(reader) = &table.reader else {
        return Ok(None);
    };
    if table.hidden || !table.is_closed() {
        return Ok(None);
    }
    let columns: Vec<String> = columns
        .iter()
        .map(|name| format!("t.{}", identifier(name)))
        .collect();
    let sql = format!(
        "SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text COLLATE \"C\", 0)::numeric), 0)::text FROM {}{} t{}",
        columns.join(", "),
        if which == Rows::Family { "" } else { "ONLY " },
        table.quoted(),
        // The transaction has its number since before the scripts: what is not older was written by it, or by a part of it.
        if which == Rows::Kept {
            " WHERE age(t.xmin) > 0"
        } else {
            ""
        },
    );
    // Values must read the same whatever a script has set; and the locks on a hypertable's chunks are given back.
    client
        .batch_execute(&format!(
            "SAVEPOINT dbctl_content; {}SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; \
             SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 3",
            reader.begin()
        ))
        .await?;
    let row = client.query_one(&sql, &[]).await?;
    client
        .batch_execute("ROLLBACK TO SAVEPOINT dbctl_content; RELEASE SAVEPOINT dbctl_content")
        .await?;
    Ok(Some(Content {
        rows: row.try_get(0)?,
        sum: row.try_get(1)?,
    }))
}
