//! What is true of a database beside its objects. The number of queries is fixed, and all look-ups into chunks are one of them.

use tokio_postgres::Error;
use tokio_postgres::types::{ToSql, Type};

use super::super::inspect::plain_or_quoted;
use super::Reader;
use super::{denied, row};
use crate::snapshot::{
    Deviation, ExtensionVersion, Fact, Kind, Object, Restoring, State, StoredKey,
};

/// Most keys that are read of one table.
const MOST_KEYS: i64 = 1000;

/// Reads it as the service itself: key/value tables are the service's.
pub(super) async fn read(
    reader: &Reader<'_>,
    objects: &[Object],
    names: &[String],
) -> Result<State, Error> {
    let row = reader
        .client
        .query_typed_one(include_str!("sql/state_session.sql"), &[])
        .await?;
    let closed: Vec<String> = row.try_get("closed")?;
    let open: Vec<String> = row.try_get("open")?;
    let has_hypertables = objects
        .iter()
        .any(|object| object.key.kind == Kind::Hypertable);
    Ok(State {
        chunks: match has_hypertables {
            true => chunks(reader).await?,
            false => Vec::new(),
        },
        extensions: extensions(reader, row.try_get("extensions")?).await?,
        encoding: row.try_get("encoding")?,
        restoring: restoring(reader).await?,
        keys: keys(reader, &open, &closed).await?,
        members: members(reader, names).await?,
        commons: Vec::new(),
    })
}

/// Chunks that are not as their hypertable.
async fn chunks(reader: &Reader<'_>) -> Result<Vec<Deviation>, Error> {
    let session = &reader.session;
    let known = if session.chunk_relid {
        include_str!("sql/known_by_relid.sql")
    } else {
        include_str!("sql/known_by_name.sql")
    };
    let sql = format!("WITH {known}{}", include_str!("sql/chunks.sql"));
    let oids = reader
        .client
        .query_typed(include_str!("sql/hypertable_oids.sql"), &[])
        .await?
        .iter()
        .map(|row| row.try_get("oid"))
        .collect::<Result<Vec<u32>, Error>>()?;
    let blocks_inserts = !session.chunk_relid;
    let parameters: [(&(dyn ToSql + Sync), Type); 2] =
        [(&oids, Type::OID_ARRAY), (&blocks_inserts, Type::BOOL)];
    // The planner cannot know how many rows come from a WITH query and would loop over all chunks for each chunk.
    let (_, rows, _) = futures::try_join!(
        reader
            .client
            .batch_execute("SET LOCAL enable_nestloop = off"),
        reader.client.query_typed(&sql, &parameters),
        reader
            .client
            .batch_execute("SET LOCAL enable_nestloop = on"),
    )?;
    rows.iter()
        .map(|row| {
            Ok(Deviation {
                schema: row.try_get("schema")?,
                hypertable: row.try_get("hypertable")?,
                kind: row.try_get("kind")?,
                state: row.try_get("state")?,
                name: row.try_get("name")?,
                detail: row.try_get("detail")?,
                chunks: row.try_get("chunks")?,
                chunk_schema: row.try_get("chunk_schema")?,
                chunk: row.try_get("chunk_name")?,
            })
        })
        .collect()
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
