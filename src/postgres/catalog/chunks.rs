//! Single chunks: whether any of them is not as its hypertable, and only then what it is. There may be 10,000 and more.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::Reader;
use super::session::Session;
use crate::snapshot::Deviation;

/// What one look at all chunks together says. It is of one moment in itself, be that another than the snapshot's.
pub(super) struct Look {
    /// OIDs of the hypertables that somebody made.
    hypertables: Vec<u32>,
    /// Whether some chunk may not be as its hypertable.
    deviates: bool,
    /// Whether some chunk, or another relation that inherits, may have an owner or privileges of its own, its columns left aside.
    pub(super) granted: bool,
}

impl Look {
    /// Nobody has looked: whatever there is has to be asked about.
    pub(super) const NONE: Self = Self {
        hypertables: Vec::new(),
        deviates: false,
        granted: true,
    };

    /// OIDs of hypertables of which everything that inherits is a chunk: none, where something is odd about any of them.
    pub(super) fn regular(&self) -> &[u32] {
        if self.deviates {
            &[]
        } else {
            &self.hypertables
        }
    }

    /// Looks, where there are hypertables.
    pub(super) async fn read(client: &Client, session: &Session) -> Result<Self, Error> {
        if session.timescaledb.is_none() {
            return Ok(Self::NONE);
        }
        let hypertables = client
            .query_typed(include_str!("sql/hypertable_oids.sql"), &[])
            .await?
            .iter()
            .map(|row| row.try_get("oid"))
            .collect::<Result<Vec<u32>, Error>>()?;
        if hypertables.is_empty() {
            return Ok(Self::NONE);
        }
        let listed = if session.chunk_relid {
            include_str!("sql/listed_by_relid.sql")
        } else {
            include_str!("sql/listed_by_name.sql")
        };
        let sql = include_str!("sql/chunks_look.sql").replace("{listed}", listed.trim_end());
        let rows = of_all(client, session, &sql, &hypertables).await?;
        // A look without an answer would be one that saw nothing.
        let Some(row) = rows.first() else {
            return Ok(Self {
                hypertables,
                deviates: true,
                granted: true,
            });
        };
        Ok(Self {
            hypertables,
            deviates: row.try_get("deviates")?,
            granted: row.try_get("granted")?,
        })
    }

    /// Chunks that are not as their hypertable.
    pub(super) async fn deviations(&self, reader: &Reader<'_>) -> Result<Vec<Deviation>, Error> {
        if !self.deviates {
            return Ok(Vec::new());
        }
        let session = &reader.session;
        let known = if session.chunk_relid {
            include_str!("sql/known_by_relid.sql")
        } else {
            include_str!("sql/known_by_name.sql")
        };
        let sql = format!("WITH {known}{}", include_str!("sql/chunks.sql"));
        let rows = of_all(reader.client, session, &sql, &self.hypertables).await?;
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
}

/// Asks about all chunks of these hypertables.
async fn of_all(
    client: &Client,
    session: &Session,
    sql: &str,
    hypertables: &Vec<u32>,
) -> Result<Vec<Row>, Error> {
    // TimescaleDB before 2.31 keeps rows out of the hypertable itself by a trigger.
    let blocks_inserts = !session.chunk_relid;
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [
        (hypertables, Type::OID_ARRAY),
        (&blocks_inserts, Type::BOOL),
    ];
    let sql = sql
        .replace("{placed}", include_str!("sql/chunks_placed.sql").trim_end())
        .replace("{covers}", include_str!("sql/index_covers.sql").trim_end());
    // The planner cannot know how many rows come from a WITH query and would loop over all chunks for each chunk.
    let (_, rows, _) = futures::try_join!(
        client.batch_execute("SET LOCAL enable_nestloop = off"),
        client.query_typed(&sql, &parameters),
        client.batch_execute("SET LOCAL enable_nestloop = on"),
    )?;
    Ok(rows)
}
