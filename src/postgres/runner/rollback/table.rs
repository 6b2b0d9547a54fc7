//! Tables as the check for lost data sees them. Chunks are judged by their size alone: there may be more of them than locks to be had.

use std::collections::{BTreeMap, BTreeSet};

use postgres_protocol::escape::escape_identifier as identifier;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::actor::Actor;
use super::statement::Failure;

/// Where TimescaleDB keeps chunks.
const CHUNKS: &str = "_timescaledb_internal";

/// Reads them.
const TABLES: &str = concat!(
    "WITH ",
    include_str!("actors.sql"),
    include_str!("tables.sql")
);

/// One table.
pub(super) struct Table {
    pub(super) oid: u32,
    /// The tables that it is a part of: a partitioned table, a hypertable, or those that it inherits from.
    pub(super) parents: Vec<u32>,
    pub(super) schema: String,
    pub(super) name: String,
    /// Whether nobody that this session may be can read it, or row security hides rows of it.
    pub(super) hidden: bool,
    /// The role that can close it to writers, if there is one.
    writer: Option<Actor>,
    /// The role that can read it, if there is one.
    pub(super) reader: Option<Actor>,
    /// Whether it takes any room on disk, as one with rows does.
    sized: bool,
    /// The file that its rows are in: another one once it is truncated or rewritten.
    pub(super) node: Option<u32>,
    /// The room that it takes, without its parts.
    pub(super) size: i64,
    /// Rows deleted so far in this session, as the statistics count them.
    pub(super) deleted: i64,
    /// Rows updated so far in this session.
    pub(super) updated: i64,
    /// Name and type by number.
    pub(super) columns: BTreeMap<i32, (String, String)>,
}

impl Table {
    pub(super) fn is_chunk(&self) -> bool {
        !self.parents.is_empty() && self.schema == CHUNKS
    }

    /// Whether it is kept as it is from others while scripts run.
    pub(super) const fn is_closed(&self) -> bool {
        self.writer.is_some()
    }

    /// Whether its rows can be read, apart from those that row security hides.
    pub(super) const fn is_readable(&self) -> bool {
        self.reader.is_some()
    }

    /// How messages name it.
    pub(super) fn shown(&self) -> String {
        format!("table {}.{}", self.schema, self.name)
    }

    /// How SQL names it.
    pub(super) fn quoted(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.name))
    }
}

/// Reads all tables, by OID. A script's search path must not be in force.
pub(super) async fn read(client: &Client) -> Result<BTreeMap<u32, Table>, Error> {
    let rows = client.query(TABLES, &[]).await?;
    rows.iter()
        .map(|row| {
            let numbers: Vec<i32> = row.try_get(8)?;
            let names: Vec<String> = row.try_get(9)?;
            let types: Vec<String> = row.try_get(10)?;
            let oid: u32 = row.try_get(0)?;
            let table = Table {
                oid,
                parents: row.try_get(1)?,
                schema: row.try_get(2)?,
                name: row.try_get(3)?,
                hidden: row.try_get(4)?,
                sized: row.try_get(5)?,
                node: row.try_get(11)?,
                size: row.try_get(12)?,
                deleted: row.try_get(6)?,
                updated: row.try_get(7)?,
                writer: row.try_get::<_, Option<_>>(13)?.map(Actor::new),
                reader: row.try_get::<_, Option<_>>(14)?.map(Actor::new),
                columns: numbers
                    .into_iter()
                    .zip(names.into_iter().zip(types))
                    .collect(),
            };
            Ok((oid, table))
        })
        .collect()
}

/// Keeps every writer out, so that no row comes after it was looked for. Readers go on. A table that this session cannot write to stays open.
pub(super) async fn lock(
    client: &Client,
    tables: impl Iterator<Item = &Table>,
) -> Result<(), Failure> {
    for table in tables.filter(|table| !table.is_chunk()) {
        let Some(writer) = &table.writer else {
            continue;
        };
        let sql = format!(
            "{}LOCK TABLE ONLY {} IN SHARE MODE{}",
            writer.begin(),
            table.quoted(),
            writer.end()
        );
        client.batch_execute(&sql).await.map_err(|error| Failure {
            place: Some(format!("closing {} to writers", table.shown())),
            ..error.into()
        })?;
    }
    Ok(())
}

/// Those of the tables that hold rows themselves, by OID. One whose rows are hidden or may change meanwhile, and a chunk, may hold some
/// if it takes room.
pub(super) async fn holding(
    client: &Client,
    tables: &BTreeMap<u32, Table>,
) -> Result<BTreeSet<u32>, Error> {
    let mut holding = BTreeSet::new();
    for table in tables.values() {
        let holds = match &table.reader {
            Some(reader) if !table.hidden && !table.is_chunk() && table.is_closed() => {
                reader.enter(client).await?;
                let sql = format!("SELECT EXISTS (SELECT FROM ONLY {})", table.quoted());
                let holds = client.query_one(&sql, &[]).await?.try_get(0)?;
                reader.leave(client).await?;
                holds
            }
            _ => table.sized,
        };
        if holds {
            holding.insert(table.oid);
        }
    }
    Ok(holding)
}

/// What a lock is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Locked {
    /// DROP, ALTER and TRUNCATE.
    Altered,
    /// INSERT, UPDATE and DELETE.
    Written,
}

/// The relations that this transaction has locked so.
pub(super) async fn locked(client: &Client, so: Locked) -> Result<BTreeSet<u32>, Error> {
    let mode = match so {
        Locked::Altered => "AccessExclusiveLock",
        Locked::Written => "RowExclusiveLock",
    };
    let sql = "SELECT relation FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND mode = $1 \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let rows = client.query_typed(sql, &[(&mode, Type::TEXT)]).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}
