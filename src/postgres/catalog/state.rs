//! What is true of a database beside its objects. The number of queries is fixed.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::super::inspect::plain_or_quoted;
use super::{Reader, Readers};
use super::{denied, row};
use crate::snapshot::{
    CollationVersions, ExtensionVersion, Fact, Object, Restoring, State, StoredKey,
};

/// Most keys that are read of one table.
const MOST_KEYS: i64 = 1000;

/// Reads it as the service itself: key/value tables are the service's.
pub(super) async fn read(readers: &Readers<'_>, names: &[String]) -> Result<State, Error> {
    let reader = &readers.own;
    let row = reader
        .client
        .query_typed_one(
            concat!(
                include_str!("sql/initdb_age.sql"),
                include_str!("sql/initdb_gone.sql"),
                include_str!("sql/state_session.sql")
            ),
            &[],
        )
        .await?;
    let closed: Vec<String> = row.try_get("closed")?;
    let open: Vec<String> = row.try_get("open")?;
    let system = if row.try_get("system_touched")? {
        system_changed(reader.client).await?
    } else {
        Vec::new()
    };
    Ok(State {
        extensions: extensions(reader, row.try_get("extensions")?).await?,
        encoding: row.try_get("encoding")?,
        collation: collation(
            reader,
            row.try_get("collation_version")?,
            row.try_get("collation_function")?,
        )
        .await?,
        restoring: restoring(reader).await?,
        keys: keys(reader, &open, &closed).await?,
        members: members(reader, names).await?,
        system,
        // Read with the objects: the snapshot has them already.
        books: Vec::new(),
        moved: Vec::new(),
        updated: Vec::new(),
        commons: Vec::new(),
        chunks: readers.look().await?.deviations(reader).await?,
    })
}

/// Extensions whose version is not the server's default.
async fn extensions(
    reader: &Reader<'_>,
    allowed: bool,
) -> Result<Fact<Vec<ExtensionVersion>>, Error> {
    if !allowed {
        let role = plain_or_quoted(&reader.session.current_user);
        return Ok(denied(
            "permission denied for function pg_available_extensions or pg_extension_update_paths",
            &format!(
                "GRANT EXECUTE ON FUNCTION pg_catalog.pg_available_extensions(), pg_catalog.pg_extension_update_paths(name) TO {role}"
            ),
        ));
    }
    let rows = reader
        .client
        .query_typed(include_str!("sql/extension_versions.sql"), &[])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ExtensionVersion {
                name: row.try_get("name")?,
                version: row.try_get("version")?,
                default: row.try_get("default")?,
                updatable: row.try_get("updatable")?,
            })
        })
        .collect::<Result<_, Error>>()
        .map(Fact::Known)
}

/// The versions of the database's collation, where they differ. `recorded` is `None` for one that has no version, as C and POSIX, and
/// before PostgreSQL 15.
async fn collation(
    reader: &Reader<'_>,
    recorded: Option<String>,
    allowed: bool,
) -> Result<Fact<Option<CollationVersions>>, Error> {
    let Some(recorded) = recorded else {
        return Ok(Fact::Known(None));
    };
    if !allowed {
        let role = plain_or_quoted(&reader.session.current_user);
        return Ok(denied(
            "permission denied for function pg_database_collation_actual_version",
            &format!(
                "GRANT EXECUTE ON FUNCTION pg_catalog.pg_database_collation_actual_version(oid) TO {role}"
            ),
        ));
    }
    let actual: Option<String> = reader
        .client
        .query_typed_one(include_str!("sql/collation.sql"), &[])
        .await?
        .try_get("actual")?;
    Ok(Fact::Known(
        (actual.as_ref() != Some(&recorded)).then_some(CollationVersions { recorded, actual }),
    ))
}

/// Where a restore of TimescaleDB is still on.
async fn restoring(reader: &Reader<'_>) -> Result<Vec<Restoring>, Error> {
    let rows = reader
        .client
        .query_typed(include_str!("sql/restoring.sql"), &[])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Restoring {
                database: row.try_get("database")?,
                role: row.try_get("role")?,
                value: row.try_get("value")?,
            })
        })
        .collect()
}

/// The keys of the key/value tables, the first ones of each.
async fn keys(
    reader: &Reader<'_>,
    open: &[String],
    closed: &[String],
) -> Result<Fact<Vec<StoredKey>>, Error> {
    if let Some(table) = closed.first() {
        let (role, name) = (
            plain_or_quoted(&reader.session.current_user),
            plain_or_quoted(table),
        );
        return Ok(denied(
            format!(
                "role {role} may not read the column key of table public.{name}, or row security hides rows"
            ),
            &format!(
                "GRANT USAGE ON SCHEMA public TO {role}; GRANT SELECT (key) ON public.{name} TO {role}"
            ),
        ));
    }
    let mut keys = Vec::new();
    for table in open {
        let sql = format!(
            "SELECT key::pg_catalog.text AS key FROM ONLY public.{} WHERE key IS NOT NULL LIMIT {MOST_KEYS}",
            plain_or_quoted(table)
        );
        for row in reader.client.query_typed(&sql, &[]).await? {
            keys.push(StoredKey {
                table: table.clone(),
                key: row.try_get("key")?,
            });
        }
    }
    keys.sort_by(|a, b| (&a.table, &a.key).cmp(&(&b.table, &b.key)));
    Ok(Fact::Known(keys))
}

/// What initdb made and somebody has changed since.
pub(super) async fn system_changed(client: &Client) -> Result<Vec<Object>, Error> {
    let rows = client
        .query_typed(
            concat!(
                include_str!("sql/initdb_age.sql"),
                include_str!("sql/initdb_stock.sql"),
                include_str!("sql/initdb_gone.sql"),
                include_str!("sql/initdb_kept.sql"),
                include_str!("sql/system_changed.sql"),
                include_str!("sql/system_moved.sql")
            ),
            &[],
        )
        .await?;
    rows.iter()
        .filter_map(|row| row::object(row).transpose())
        .collect()
}

/// Members of extensions that bear one of these names.
async fn members(reader: &Reader<'_>, names: &[String]) -> Result<Vec<Object>, Error> {
    let names = names.to_vec();
    let rows = reader
        .client
        .query_typed(
            include_str!("sql/members.sql"),
            &[(&names, Type::TEXT_ARRAY)],
        )
        .await?;
    rows.iter()
        .filter_map(|row| row::object(row).transpose())
        .collect()
}
