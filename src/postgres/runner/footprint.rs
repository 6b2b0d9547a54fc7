//! Which relations a migration has touched: the server's own list of locks, read in the migrating transaction before its COMMIT.

use tokio_postgres::Error;
use tokio_postgres::types::Type;

use super::super::inspect::{OWN_TABLES, has_relations};
use super::super::session::Session;
use super::lock::LOCK_KEY;
use crate::migration::{Name, Owned};
use crate::snapshot::{HISTORY_TABLE, History, PROGRESS_TABLE, STAMP_TABLE};

/// How messages name dbctl's own tables.
pub(super) const BOOKS: &str = "a table that dbctl keeps its own books in";

/// The relations of a database that belong to no object of the service.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    empty: bool,
    oids: Vec<u32>,
    names: Vec<String>,
    /// The tables that dbctl keeps its books in: a migration may read them.
    books: Vec<u32>,
}

impl Foreign {
    /// Reads them once, before the first migration: what migrations create later is theirs. The history tells what was applied before.
    pub(super) async fn read(
        session: &Session,
        owned: &(dyn Fn() -> Owned + Sync),
        history: &History,
    ) -> Result<Self, Error> {
        // An empty database holds nobody's relations, and reading the texts of a set takes a while.
        if !has_relations(session).await? {
            return Ok(Self {
                empty: true,
                ..Self::default()
            });
        }
        let owned = owned();
        let newest = history.rows.iter().map(|row| row.version).max();
        let client = &session.client;
        // What an unfinished migration has made is there as well.
        let begun = begun(session).await?;
        let applied = newest.unwrap_or_default();
        let made = begun.map_or(applied, |begun| applied.max(begun));
        let behind = behind_timescaledb(session).await?;
        let (mut schemas, mut names) = owned.names(made);
        for (schema, name) in [HISTORY_TABLE, STAMP_TABLE, PROGRESS_TABLE] {
            schemas.push(schema);
            names.push(name);
        }
        let rows = client
            .query_typed(
                include_str!("sql/foreign.sql"),
                &[
                    (&schemas, Type::TEXT_ARRAY),
                    (&names, Type::TEXT_ARRAY),
                    (&behind, Type::OID_ARRAY),
                ],
            )
            .await?;
        let mut found = Self::default();
        for row in rows {
            let (schema, name): (String, String) = (row.try_get("schema")?, row.try_get("name")?);
            // What TimescaleDB makes behind a foreign hypertable is as foreign, and locked with it.
            if owned.is_foreign(applied, &schema, &name, row.try_get("own_role")?) {
                found.oids.push(row.try_get("oid")?);
                found.names.push(row.try_get("shown")?);
            }
        }
        found.find_books(session).await?;
        Ok(found)
    }

    /// Whether the database held no relation at all.
    pub(super) const fn is_database_empty(&self) -> bool {
        self.empty
    }

    /// Looks for dbctl's own tables, unless they are known: the first migration brings them.
    pub(super) async fn find_books(&mut self, session: &Session) -> Result<(), Error> {
        if self.books.len() > 1 {
            return Ok(());
        }
        self.books = session
            .client
            .query_typed_one(&format!("SELECT {OWN_TABLES}"), &[])
            .await?
            .try_get(0)?;
        Ok(())
    }

    /// The query that tells whether this session holds the runners' lock, and which relations the running transaction has touched:
    /// to be asked before dbctl writes its books.
    pub(super) fn touched_sql(&self) -> String {
        format!(
            include_str!("sql/touched.sql"),
            foreign = array(&self.oids),
            books = array(&self.books),
            now = OWN_TABLES,
            key = LOCK_KEY,
        )
    }

    /// Names what [`Foreign::touched_sql`] has found: OIDs with a blank between them.
    pub(super) fn touched(&self, oids: &str) -> Vec<String> {
        let mut touched: Vec<String> = oids
            .split_whitespace()
            .filter_map(|oid| oid.parse().ok())
            .filter_map(|oid| match self.books.contains(&oid) {
                true => Some(BOOKS.to_owned()),
                false => self.name(oid).map(str::to_owned),
            })
            .collect();
        touched.sort();
        touched.dedup();
        touched
    }

    /// dbctl's own tables, as far as they are known.
    pub(super) fn books(&self) -> &[u32] {
        &self.books
    }

    /// Those that the running transaction has changed, or has locked so that it could, and dbctl's own tables likewise: to be asked before
    /// dbctl writes to these itself.
    pub(super) async fn written(&self, session: &Session) -> Result<Vec<String>, Error> {
        let rows = session
            .client
            .query_typed(
                &format!(include_str!("sql/written.sql"), now = OWN_TABLES),
                &[
                    (&self.oids, Type::OID_ARRAY),
                    (&self.books, Type::OID_ARRAY),
                ],
            )
            .await?;
        let mut written = Vec::new();
        for row in rows {
            let oid: u32 = row.try_get("oid")?;
            if self.books.contains(&oid) {
                written.push(BOOKS.to_owned());
            } else {
                written.extend(self.name(oid).map(str::to_owned));
            }
        }
        written.sort();
        written.dedup();
        Ok(written)
    }

    /// Those of these names that are foreign: asked before a statement that no transaction can take back.
    pub(super) async fn among(
        &self,
        session: &Session,
        names: &[Name],
    ) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        if self.oids.is_empty() {
            return Ok(found);
        }
        for name in names {
            if let Some(foreign) = resolve(session, name).await?.and_then(|oid| self.name(oid)) {
                found.push(foreign.to_owned());
            }
        }
        Ok(found)
    }

    /// Whether a relation is one of them.
    pub(super) fn is(&self, oid: u32) -> bool {
        self.oids.contains(&oid)
    }

    fn name(&self, oid: u32) -> Option<&str> {
        let at = self.oids.iter().position(|known| *known == oid)?;
        self.names.get(at).map(String::as_str)
    }
}

/// OIDs as an array of SQL.
fn array(oids: &[u32]) -> String {
    let texts: Vec<String> = oids.iter().map(u32::to_string).collect();
    format!("'{{{}}}'::oid[]", texts.join(","))
}

/// The OID of the relation that a migration means by this name.
pub(super) async fn resolve(session: &Session, name: &Name) -> Result<Option<u32>, Error> {
    let schema = name.schema.as_deref().unwrap_or("public");
    let row = session
        .client
        .query_typed_one(
            "SELECT (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relname = $2)",
            &[(&schema, Type::TEXT), (&name.name, Type::TEXT)],
        )
        .await?;
    row.try_get(0)
}

/// The newest version of which single statements have run.
async fn begun(session: &Session) -> Result<Option<i64>, Error> {
    let client = &session.client;
    let there: bool = client
        .query_typed_one(
            "SELECT pg_catalog.to_regclass('dbctl.progress') IS NOT NULL",
            &[],
        )
        .await?
        .try_get(0)?;
    if !there {
        return Ok(None);
    }
    client
        .query_typed_one("SELECT max(version)::bigint FROM dbctl.progress", &[])
        .await?
        .try_get(0)
}

/// What TimescaleDB has made behind hypertables and continuous aggregates, where it is there.
async fn behind_timescaledb(session: &Session) -> Result<Vec<u32>, Error> {
    let client = &session.client;
    let there: bool = client
        .query_typed_one(
            "SELECT pg_catalog.to_regclass('_timescaledb_catalog.continuous_agg') IS NOT NULL",
            &[],
        )
        .await?
        .try_get(0)?;
    if !there {
        return Ok(Vec::new());
    }
    client
        .query_typed(include_str!("../catalog/sql/internals.sql"), &[])
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect()
}
