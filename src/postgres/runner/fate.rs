//! Whether a statement that no transaction protects has run, as the catalog tells it.

use tokio_postgres::Error;
use tokio_postgres::types::Type;

use super::super::session::Session;
use super::footprint::resolve;
use crate::migration::{Fate, Name};

/// What has become of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It ran.
    Ran,
    /// It has left nothing: it can be run.
    NotRun,
    /// It was cut off and has left this behind, which must go before it is run again; the SQL that does it.
    CutOff { left: String, mend: Vec<String> },
    /// The catalog does not tell.
    Unknown,
}

/// The indexes to remember before a statement begins: those of the tables that it names, and all that are not valid.
pub(super) async fn witnesses(session: &Session, touches: &[Name]) -> Result<Vec<u32>, Error> {
    let tables = tables(session, touches).await?;
    session
        .client
        .query_typed(
            "SELECT indexrelid FROM pg_index WHERE indrelid = ANY ($1) OR NOT indisvalid",
            &[(&tables, Type::OID_ARRAY)],
        )
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect()
}

/// The tables that these names stand for; an index stands for its table.
pub(super) async fn tables(session: &Session, names: &[Name]) -> Result<Vec<u32>, Error> {
    let mut found = Vec::new();
    for name in names {
        let Some(oid) = resolve(session, name).await? else {
            continue;
        };
        let row = session
            .client
            .query_typed_one(
                "SELECT coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = $1), $1)",
                &[(&oid, Type::OID)],
            )
            .await?;
        found.push(row.try_get(0)?);
    }
    Ok(found)
}

/// What has become of a statement that was begun. `before` are the indexes that were remembered then, `touches` the relations that
/// the statement names.
pub(super) async fn settle(
    session: &Session,
    fate: &Fate,
    touches: &[Name],
    before: &[u32],
) -> Result<Outcome, Error> {
    match fate {
        Fate::IndexCreated { index, table } => {
            let table = tables(session, std::slice::from_ref(table)).await?;
            index_created(session, index.as_ref(), &table, before).await
        }
        Fate::IndexesDropped(indexes) => {
            let mut left = false;
            for index in indexes {
                left |= resolve(session, index).await?.is_some();
            }
            Ok(if left { Outcome::NotRun } else { Outcome::Ran })
        }
        Fate::Detached { parent, partition } => detached(session, parent, partition).await,
        Fate::AggregateCreated(name) => Ok(match resolve(session, name).await? {
            // It is there, but whether it was filled is not known.
            Some(_) => Outcome::Unknown,
            None => Outcome::NotRun,
        }),
        Fate::Repeatable => {
            let tables = tables(session, touches).await?;
            Ok(cut_off(invalid(session, &tables, before).await?).unwrap_or(Outcome::NotRun))
        }
        Fate::Unknown => Ok(Outcome::Unknown),
    }
}

async fn index_created(
    session: &Session,
    index: Option<&Name>,
    table: &[u32],
    before: &[u32],
) -> Result<Outcome, Error> {
    if let Some(outcome) = cut_off(invalid(session, table, before).await?) {
        return Ok(outcome);
    }
    let made = session
        .client
        .query_typed(
            "SELECT c.relname::text, x.indisvalid FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid \
             WHERE x.indrelid = ANY ($1) AND x.indexrelid <> ALL ($2)",
            &[(&table, Type::OID_ARRAY), (&before, Type::OID_ARRAY)],
        )
        .await?;
    let valid = match index {
        Some(index) => made.iter().any(|row| {
            row.try_get::<_, &str>(0)
                .is_ok_and(|name| name == index.name)
        }),
        None => !made.is_empty(),
    };
    if valid {
        return Ok(Outcome::Ran);
    }
    // IF NOT EXISTS over an index that was there before.
    if let Some(index) = index
        && let Some(oid) = resolve(session, index).await?
        && before.contains(&oid)
    {
        return Ok(match is_valid(session, oid).await? {
            true => Outcome::Ran,
            false => Outcome::CutOff {
                left: format!("index {index} is not valid"),
                mend: vec![drop_index(&quoted(index))],
            },
        });
    }
    Ok(Outcome::NotRun)
}

async fn is_valid(session: &Session, index: u32) -> Result<bool, Error> {
    session
        .client
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = $1 AND indisvalid AND indisready)",
            &[(&index, Type::OID)],
        )
        .await?
        .try_get(0)
}

/// Invalid indexes of these tables that were not there before, as SQL names them.
pub(super) async fn invalid(
    session: &Session,
    tables: &[u32],
    before: &[u32],
) -> Result<Vec<String>, Error> {
    session
        .client
        .query_typed(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE NOT (x.indisvalid AND x.indisready) AND c.relkind = 'i' \
             AND x.indrelid = ANY ($1) AND x.indexrelid <> ALL ($2) ORDER BY 1",
            &[(&tables, Type::OID_ARRAY), (&before, Type::OID_ARRAY)],
        )
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect()
}

fn cut_off(invalid: Vec<String>) -> Option<Outcome> {
    (!invalid.is_empty()).then(|| Outcome::CutOff {
        left: format!("the invalid index {}", invalid.join(", ")),
        mend: invalid.iter().map(|index| drop_index(index)).collect(),
    })
}

fn drop_index(quoted: &str) -> String {
    format!("DROP INDEX CONCURRENTLY IF EXISTS {quoted}")
}

/// A name as SQL needs it.
fn quoted(name: &Name) -> String {
    use postgres_protocol::escape::escape_identifier;
    let schema = name.schema.as_deref().unwrap_or("public");
    format!(
        "{}.{}",
        escape_identifier(schema),
        escape_identifier(&name.name)
    )
}

async fn detached(session: &Session, parent: &Name, partition: &Name) -> Result<Outcome, Error> {
    let (of, part) = (
        resolve(session, parent).await?,
        resolve(session, partition).await?,
    );
    let (Some(of), Some(part)) = (of, part) else {
        return Ok(Outcome::Unknown);
    };
    let pending = session
        .client
        .query_typed(
            "SELECT inhdetachpending FROM pg_inherits WHERE inhparent = $1 AND inhrelid = $2",
            &[(&of, Type::OID), (&part, Type::OID)],
        )
        .await?;
    Ok(match pending.first() {
        None => Outcome::Ran,
        Some(row) if row.try_get(0)? => Outcome::CutOff {
            left: format!("partition {partition}, half detached from {parent}"),
            mend: vec![format!(
                "ALTER TABLE {} DETACH PARTITION {} FINALIZE",
                quoted(parent),
                quoted(partition)
            )],
        },
        Some(_) => Outcome::NotRun,
    })
}
