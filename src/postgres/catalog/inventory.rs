//! What there is to ask about: one look, so that the queries behind it are sent only where they can have an answer.

use std::sync::LazyLock;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::chunks::Look;
use super::session::Session;
use crate::snapshot::CommonNote;

/// What is put in front of this query: it looks at the ages of what extensions made.
static MEMBER_AGED: LazyLock<String> = LazyLock::new(|| {
    let oldest = include_str!("sql/member_oldest.sql").trim_end();
    let member = include_str!("sql/member_aged.sql").replace("{oldest}", oldest);
    format!(
        "{},\n{member}",
        include_str!("sql/initdb_age.sql").trim_end()
    )
});

/// What `sql/inventory.sql` answers.
pub(super) struct Inventory {
    /// OIDs of relations: all that are no chunks, and some more.
    pub(super) relations: Vec<u32>,
    /// OIDs of relations that TimescaleDB keeps for itself, chunks apart.
    pub(super) internals: Vec<u32>,
    /// OIDs of the types that were made as such.
    pub(super) types: Vec<u32>,
    /// OIDs of the types with privileges of their own.
    pub(super) granted_types: Vec<u32>,
    parts: Vec<String>,
    /// Whether anything was changed that an extension's script made, or attached to it.
    pub(super) changed: bool,
    /// Extensions that were moved to another schema, each with a member of which nothing tells what was changed before.
    pub(super) moved: Vec<(String, String)>,
    /// Extensions that were updated, each with a function that was replaced before.
    pub(super) updated: Vec<(String, String)>,
}

/// Queries about objects that many databases have none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// `sql/routines.sql`.
    Routines,
    /// `sql/others.sql`.
    Others,
    /// `sql/rare.sql`.
    Rare,
    /// `sql/links.sql`.
    Links,
}

impl Part {
    /// The word for it in `sql/inventory.sql`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Routines => "routines",
            Self::Others => "others",
            Self::Rare => "rare",
            Self::Links => "links",
        }
    }
}

impl Inventory {
    /// Looks. `look` may have seen already that whatever inherits from a hypertable is one of its chunks.
    pub(super) async fn read(
        client: &Client,
        session: &Session,
        look: &Look,
    ) -> Result<Self, Error> {
        let regular = look.regular();
        let row = client
            .query_typed_one(&sql(session), &[(&regular, Type::OID_ARRAY)])
            .await?;
        let extensions: Vec<String> = row.try_get("moved")?;
        let what: Vec<String> = row.try_get("moved_what")?;
        let updated: Vec<String> = row.try_get("updated")?;
        let replaced: Vec<String> = row.try_get("updated_what")?;
        Ok(Self {
            moved: extensions.into_iter().zip(what).collect(),
            updated: updated.into_iter().zip(replaced).collect(),
            relations: row.try_get("relations")?,
            internals: row.try_get("internals")?,
            types: row.try_get("types")?,
            granted_types: row.try_get("granted_types")?,
            parts: row.try_get("parts")?,
            changed: row.try_get("changed")?,
        })
    }

    /// What is put in front of a query that leaves out members of extensions.
    pub(super) fn member(&self) -> &'static str {
        if self.changed {
            &MEMBER_AGED
        } else {
            include_str!("sql/member.sql")
        }
    }

    /// A query, with its part about what was replaced where anything was.
    pub(super) fn with_replaced(&self, sql: &str, replaced: &str) -> String {
        let replaced = format!("\n{}", replaced.trim_end());
        sql.replace("{replaced}", if self.changed { &replaced } else { "" })
    }

    /// The query about what acts on rows, with what was put on extensions' relations where anything was changed.
    pub(super) fn behaviour(&self) -> String {
        let young = |row: &str, relation: &str| {
            if self.changed {
                format!(
                    "EXISTS (SELECT FROM young y WHERE y.oid = {row}.{relation} AND age({row}.xmin) < y.made AND {row}.oid > y.newest)"
                )
            } else {
                "false".to_owned()
            }
        };
        let mut sql = self.member().to_owned();
        if self.changed {
            sql.push_str(include_str!("sql/behaviour_young.sql"));
        }
        sql.push_str(&format!(
            include_str!("sql/behaviour.sql"),
            trigger = young("t", "tgrelid"),
            rule = young("r", "ev_class"),
            policy = young("p", "polrelid")
        ));
        if self.changed {
            sql.push_str(&format!(
                include_str!("sql/behaviour_constraints.sql"),
                constraint = young("k", "conrelid")
            ));
        }
        sql
    }

    /// Whether this query has an answer.
    pub(super) fn has(&self, part: Part) -> bool {
        self.parts.iter().any(|known| known == part.as_str())
    }
}

/// Whether anybody has made anything in this database.
pub(super) async fn has_anything(client: &Client) -> Result<bool, Error> {
    client
        .query_typed_one(include_str!("sql/anything.sql"), &[])
        .await?
        .try_get("anything")
}

/// What one look tells of a database that belongs to no service.
pub(super) struct Touched {
    /// Whether anybody may have changed here what initdb made.
    pub(super) touched: bool,
    /// Whether somebody has written something beside what initdb made.
    pub(super) noted: bool,
}

/// Looks whether anybody has been at work in a database that belongs to no service.
pub(super) async fn touched(client: &Client) -> Result<Touched, Error> {
    let row = client
        .query_typed_one(
            concat!(
                include_str!("sql/initdb_age.sql"),
                include_str!("sql/initdb_gone.sql"),
                include_str!("sql/common_touched.sql")
            ),
            &[],
        )
        .await?;
    Ok(Touched {
        touched: row.try_get("touched")?,
        noted: row.try_get("noted")?,
    })
}

/// What somebody has written beside what initdb made.
pub(super) async fn notes(client: &Client) -> Result<Vec<CommonNote>, Error> {
    let rows = client
        .query_typed(
            concat!(
                include_str!("sql/initdb_age.sql"),
                include_str!("sql/common_notes.sql")
            ),
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(CommonNote {
                what: row.try_get("what")?,
                leads: row.try_get("leads")?,
                statement: row.try_get("statement")?,
            })
        })
        .collect()
}

/// The query, with what TimescaleDB's catalog in this database says of chunks.
fn sql(session: &Session) -> String {
    let chunk = session.chunks(
        include_str!("sql/row_type_by_relid.sql"),
        include_str!("sql/row_type_by_name.sql"),
    );
    let mut left_out = if session.timescaledb.is_none() {
        "SELECT NULL::oid WHERE false".to_owned()
    } else {
        include_str!("sql/internals.sql").to_owned()
    };
    if session.compress_relid {
        left_out.push_str("\nUNION ALL\n");
        left_out.push_str(include_str!("sql/chunks_compressed.sql"));
    }
    format!(
        "{},\nleft_out(oid) AS MATERIALIZED (\n{left_out}\n),\n{}",
        MEMBER_AGED.trim_end(),
        include_str!("sql/inventory.sql").replace("{chunk}", chunk.trim_end())
    )
}
