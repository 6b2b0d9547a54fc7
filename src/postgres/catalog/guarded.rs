//! Facts that a role may be refused: who may read them is asked first, for an error would end the transaction.

use serde_json::{Map, Value};
use tokio_postgres::{Client, Error};

use super::super::inspect::plain_or_quoted;
use super::session::Table;
use super::{Readers, denied};
use crate::snapshot::{Fact, HISTORY_TABLE, History, HistoryRow, STAMP_TABLE, Stamp};

/// What stands for a version that is no whole number: no migration has this version, so the row is never overlooked.
const NO_VERSION: i64 = -1;

/// The cluster's identifier.
pub(super) async fn system_identifier(readers: &Readers<'_>) -> Result<Fact<u64>, Error> {
    let Some(client) = readers.allowed(|session| session.control_system) else {
        return Ok(denied(
            "permission denied for function pg_control_system",
            &format!(
                "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO {}",
                role(readers)
            ),
        ));
    };
    let row = client
        .query_typed_one(include_str!("sql/control.sql"), &[])
        .await?;
    Ok(Fact::Known(
        row.try_get::<_, i64>("identifier")?.cast_unsigned(),
    ))
}

/// The stamp, if there is one.
pub(super) async fn stamp(readers: &Readers<'_>) -> Result<Fact<Option<Stamp>>, Error> {
    if !readers.own.session.stamp.exists {
        return Ok(Fact::Known(None));
    }
    let Some(client) = own(readers, &readers.own.session.stamp) else {
        return Ok(unreadable(readers, &readers.own.session.stamp, STAMP_TABLE));
    };
    let rows = entries(client, include_str!("sql/stamp.sql")).await?;
    let (schema, table) = STAMP_TABLE;
    Ok(match rows.as_slice() {
        [entry] if entry.contains_key("service") && entry.contains_key("set_name") => {
            Fact::Known(Some(Stamp {
                service: field(entry, "service"),
                set: field(entry, "set_name"),
            }))
        }
        [] => Fact::Known(None),
        [_] => denied(
            format!(
                "table {schema}.{table} is not as dbctl makes it: it has no column service or set_name"
            ),
            "find out who changed it, and restore it from a backup",
        ),
        rows => denied(
            format!(
                "table {schema}.{table} holds {} rows, expected one",
                rows.len()
            ),
            "find out who changed it, and leave the row of the service that owns this database",
        ),
    })
}

/// The migration history.
pub(super) async fn history(readers: &Readers<'_>) -> Result<Fact<History>, Error> {
    if !readers.own.session.history.exists {
        return Ok(Fact::Known(History::default()));
    }
    let Some(client) = own(readers, &readers.own.session.history) else {
        let table = &readers.own.session.history;
        return Ok(unreadable(readers, table, HISTORY_TABLE));
    };
    let mut rows: Vec<HistoryRow> = entries(client, include_str!("sql/history.sql"))
        .await?
        .iter()
        .map(|entry| HistoryRow {
            version: match field(entry, "version") {
                null if null.is_empty() => HistoryRow::UNNUMBERED,
                version => version.parse().unwrap_or(NO_VERSION),
            },
            name: field(entry, "name"),
            applied_on: field(entry, "applied_on"),
            checksum: field(entry, "checksum"),
        })
        .collect();
    rows.sort_by(|a, b| (a.version, &a.name).cmp(&(b.version, &b.name)));
    Ok(Fact::Known(History { exists: true, rows }))
}

/// The service's own session, if it may read the table. Never the administrator's: the service owns these tables, and what it hangs
/// on them (a cast, a type) would run with the administrator's rights.
fn own<'a>(readers: &Readers<'a>, table: &Table) -> Option<&'a Client> {
    table.readable().then_some(readers.own.client)
}

/// Why a table of dbctl's own cannot be read.
fn unreadable<T>(readers: &Readers<'_>, table: &Table, (schema, name): (&str, &str)) -> Fact<T> {
    let role = role(readers);
    let mut grants = Vec::new();
    if !table.usage {
        grants.push(format!("GRANT USAGE ON SCHEMA {schema} TO {role}"));
    }
    if !table.select {
        grants.push(format!("GRANT SELECT ON {schema}.{name} TO {role}"));
    }
    let reason = if !table.usage {
        format!("permission denied for schema {schema}")
    } else if !table.select {
        format!("permission denied for table {name}")
    } else {
        grants.push(format!(
            "ALTER TABLE {schema}.{name} DISABLE ROW LEVEL SECURITY"
        ));
        format!("row security hides rows of table {name} from role {role}")
    };
    denied(reason, &grants.join("; "))
}

/// Rows of JSON. A row that is not an object cannot come from `to_jsonb` of a table's row; it would count as empty.
async fn entries(client: &Client, sql: &str) -> Result<Vec<Map<String, Value>>, Error> {
    client
        .query_typed(sql, &[])
        .await?
        .iter()
        .map(|row| Ok(serde_json::from_str(row.try_get("entry")?).unwrap_or_default()))
        .collect()
}

/// A field as text; what is missing or NULL is empty.
fn field(entry: &Map<String, Value>, name: &str) -> String {
    match entry.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The service's role, quoted where SQL asks for it.
pub(super) fn role(readers: &Readers<'_>) -> String {
    plain_or_quoted(&readers.own.session.current_user)
}
