//! The session itself: server, database, role, and which guarded facts this role may read.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use crate::snapshot::{HISTORY_TABLE, STAMP_TABLE};

/// What `sql/session.sql` answers.
pub(super) struct Session {
    pub(super) version_num: u32,
    pub(super) version: String,
    pub(super) standby: bool,
    pub(super) database: String,
    pub(super) database_oid: u32,
    /// The service that the database's comment names as its owner.
    pub(super) marked: Option<String>,
    pub(super) session_user: String,
    pub(super) current_user: String,
    pub(super) timescaledb: Option<String>,
    pub(super) timescaledb_license: Option<String>,
    /// `_timescaledb_catalog.chunk` has OIDs instead of names.
    pub(super) chunk_relid: bool,
    /// `_timescaledb_catalog.chunk` keeps rows of dropped chunks.
    pub(super) chunk_dropped: bool,
    /// Tables of compressed chunks are found in `_timescaledb_catalog.compression_settings`.
    pub(super) compress_relid: bool,
    /// May call `pg_control_system()`.
    pub(super) control_system: bool,
    /// May call `pg_hba_file_rules()`.
    pub(super) hba_function: bool,
    /// May read the view over it.
    pub(super) hba_view: bool,
    /// May read `pg_subscription.subconninfo`.
    pub(super) conninfo: bool,
    /// The history table.
    pub(super) history: Table,
    /// The stamp's table.
    pub(super) stamp: Table,
}

/// A table of dbctl's own, as this session sees it.
pub(super) struct Table {
    /// An ordinary table of this name exists.
    pub(super) exists: bool,
    /// USAGE on its schema.
    pub(super) usage: bool,
    /// SELECT on it.
    pub(super) select: bool,
    /// Row security hides rows from this role.
    pub(super) filtered: bool,
}

impl Table {
    /// Whether all of its rows can be read.
    pub(super) const fn readable(&self) -> bool {
        self.usage && self.select && !self.filtered
    }

    fn from_row(row: &Row, name: &str) -> Result<Self, Error> {
        let flag = |what: &str| row.try_get::<_, bool>(format!("{name}_{what}").as_str());
        Ok(Self {
            exists: flag("exists")?,
            usage: flag("usage")?,
            select: flag("select")?,
            filtered: flag("filtered")?,
        })
    }
}

impl Session {
    /// Asks the server.
    pub(super) async fn read(client: &Client) -> Result<Self, Error> {
        let names = [
            HISTORY_TABLE.0,
            HISTORY_TABLE.1,
            STAMP_TABLE.0,
            STAMP_TABLE.1,
        ];
        let [a, b, c, d] = &names;
        let names: [(&(dyn ToSql + Sync), Type); 4] = [
            (a, Type::TEXT),
            (b, Type::TEXT),
            (c, Type::TEXT),
            (d, Type::TEXT),
        ];
        let (_, row) = futures::try_join!(
            client.batch_execute(include_str!("sql/settings.sql")),
            client.query_typed_one(include_str!("sql/session.sql"), &names),
        )?;
        Ok(Self {
            version_num: row.try_get::<_, i32>("version_num")?.cast_unsigned(),
            version: row.try_get("version")?,
            standby: row.try_get("standby")?,
            database: row.try_get("database")?,
            database_oid: row.try_get("database_oid")?,
            marked: row.try_get("marked")?,
            session_user: row.try_get("session_user")?,
            current_user: row.try_get("current_user")?,
            timescaledb: row.try_get("timescaledb")?,
            timescaledb_license: row.try_get("timescaledb_license")?,
            chunk_relid: row.try_get("chunk_relid")?,
            chunk_dropped: row.try_get("chunk_dropped")?,
            compress_relid: row.try_get("compress_relid")?,
            control_system: row.try_get("control_system")?,
            hba_function: row.try_get("hba_function")?,
            hba_view: row.try_get("hba_view")?,
            conninfo: row.try_get("conninfo")?,
            history: Table::from_row(&row, "history")?,
            stamp: Table::from_row(&row, "stamp")?,
        })
    }

    /// The query about chunks that fits how TimescaleDB keeps them here: by relation, or by name. Without TimescaleDB there are none.
    pub(super) fn chunks(&self, by_relid: &str, by_name: &str) -> String {
        if self.timescaledb.is_none() {
            "SELECT NULL::oid WHERE false".to_owned()
        } else if self.chunk_relid {
            by_relid.to_owned()
        } else if self.chunk_dropped {
            format!("{}\n   AND NOT ch.dropped", by_name.trim_end())
        } else {
            by_name.to_owned()
        }
    }
}
