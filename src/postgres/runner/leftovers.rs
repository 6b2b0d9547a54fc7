//! Invalid indexes and constraints that were never validated: a migration that leaves one has not done what it says.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::Error;

use super::super::session::Session;
use super::Event;
use super::guarded::Guarded;
use crate::migration::tokens::mentions;
use crate::migration::{Migration, analyse};

/// One thing that is there and does not work as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::postgres) struct Leftover {
    /// Its OID.
    pub(super) oid: u32,
    /// Its table's OID.
    pub(super) table_oid: u32,
    /// Whether it is an index; else a constraint.
    pub(super) index: bool,
    /// Its name, quoted as SQL needs it; an index's with its schema.
    pub(super) name: String,
    /// Its name alone, as the catalog has it.
    pub(super) plain: String,
    /// The schema of its table, and of an index, as the catalog has it.
    pub(super) schema: String,
    /// Its table, quoted as SQL needs it.
    pub(super) table: String,
    /// Whether the table is partitioned: such an index is invalid until every partition has one.
    pub(super) partitioned: bool,
}

impl std::fmt::Display for Leftover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.index {
            write!(
                f,
                "index {} on {} is not valid: queries do not use it (unless somebody is building it right now)",
                self.name, self.table
            )
        } else {
            write!(
                f,
                "constraint {} of {1} is not validated: rows that were there before may break it; \
                 ALTER TABLE {1} VALIDATE CONSTRAINT {0} checks them",
                self.name, self.table
            )
        }
    }
}

/// Whether there is any: there hardly ever is, and the names take the server some milliseconds to plan.
pub(super) const ANY_LEFTOVER: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_index WHERE NOT (indisvalid AND indisready)) \
     OR EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE NOT convalidated) AS leftover";

/// What is left in the database right now. Works inside and outside a transaction.
pub(in crate::postgres) async fn leftovers(session: &Session) -> Result<Vec<Leftover>, Error> {
    let any: bool = session
        .client
        .query_typed_one(ANY_LEFTOVER, &[])
        .await?
        .try_get(0)?;
    if !any {
        return Ok(Vec::new());
    }
    session
        .client
        .query_typed(include_str!("sql/leftovers.sql"), &[])
        .await?
        .iter()
        .map(|row| {
            Ok(Leftover {
                oid: row.try_get("oid")?,
                table_oid: row.try_get("table_oid")?,
                index: row.try_get::<_, &str>("what")? == "index",
                name: row.try_get("shown")?,
                plain: row.try_get("plain")?,
                schema: row.try_get("schema")?,
                table: row.try_get("on_table")?,
                partitioned: row.try_get("partitioned")?,
            })
        })
        .collect()
}

impl Guarded<'_> {
    /// The index that the migration was to create and that is not valid, if there is one; else what is left besides is told, once.
    pub(super) async fn broken_index(
        &self,
        session: &Session,
        migration: &Migration,
    ) -> Result<Option<Leftover>, Error> {
        let now = leftovers(session).await?;
        if now.is_empty() {
            return Ok(None);
        }
        let created: Vec<String> = analyse(&migration.sql)
            .into_iter()
            .flat_map(|analysis| analysis.creates)
            .map(|name| name.name)
            .collect();
        // Within a DO block, or in a text that it runs, the statement is not read: there the name alone tells.
        let text = migration.sql.to_lowercase();
        let is_named = |leftover: &Leftover| {
            text.contains("if not exists") && mentions(&text, &leftover.plain.to_lowercase())
        };
        let is_broken = |leftover: &&Leftover| {
            leftover.index
                && !leftover.partitioned
                && (created.contains(&leftover.plain) || is_named(leftover))
        };
        if let Some(broken) = now.iter().find(is_broken) {
            return Ok(Some(broken.clone()));
        }
        for leftover in new(now, &self.leftovers) {
            (self.observer)(Event::Noticed {
                file: migration.file.clone(),
                what: leftover.to_string(),
            });
        }
        Ok(None)
    }
}

/// Those that are not known yet; from now on they are.
pub(super) fn new(now: Vec<Leftover>, known: &Mutex<BTreeSet<u32>>) -> Vec<Leftover> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    now.into_iter()
        .filter(|leftover| known.insert(leftover.oid))
        .collect()
}
