//! Whether a statement that no transaction protects has run, as the catalog tells it.

mod index;

use tokio_postgres::Error;
use tokio_postgres::types::Type;

use super::super::session::Session;
use super::footprint::resolve;
use crate::migration::{Analysis, Fate, Mode, Name, Place, accepts_absence};
use index::{index_created, is_any_gone, made};

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

/// What has become of a statement of a migration that runs statement by statement. `before` are the indexes that were remembered when
/// it began.
pub(super) async fn outcome_of(
    session: &Session,
    analysis: &Analysis,
    before: &[u32],
) -> Result<Outcome, Error> {
    let fate = match analysis.place_in(Mode::Statements) {
        Place::Alone { fate, .. } => fate,
        Place::Transaction | Place::FreshSession => Fate::Unknown,
    };
    settle(session, &fate, &analysis.text, &analysis.touches, before).await
}

/// What has become of a statement that was begun. `before` are the indexes that were remembered then, `touches` the relations that
/// the statement names. Only what the statement itself makes is looked at: others may build indexes at the same time.
pub(super) async fn settle(
    session: &Session,
    fate: &Fate,
    text: &str,
    touches: &[Name],
    before: &[u32],
) -> Result<Outcome, Error> {
    match fate {
        Fate::IndexCreated { index, table } => {
            index_created(session, text, index.as_ref(), table, before).await
        }
        Fate::IndexesDropped(indexes) => {
            let mut left = false;
            for index in indexes {
                left |= resolve(session, index).await?.is_some();
            }
            // What was never there has not been dropped, unless that is all the same to the statement.
            let gone = !left && (accepts_absence(text) || is_any_gone(session, before).await?);
            Ok(match gone {
                true => Outcome::Ran,
                false => Outcome::NotRun,
            })
        }
        Fate::Detached { parent, partition } => detached(session, text, parent, partition).await,
        Fate::AggregateCreated(name) => Ok(match resolve(session, name).await? {
            // It is there, but whether it was filled is not known.
            Some(_) => Outcome::Unknown,
            None => Outcome::NotRun,
        }),
        Fate::Repeatable if starts_with(text, "REINDEX") => {
            let tables = tables(session, touches).await?;
            let left = made(session, &tables, before).await?;
            let shadows = left
                .into_iter()
                .filter(|index| !index.valid && !index.busy && is_shadow(&index.name));
            Ok(cut_off(shadows.map(|index| index.quoted).collect()).unwrap_or(Outcome::NotRun))
        }
        Fate::Repeatable => Ok(Outcome::NotRun),
        Fate::AllOrNothing | Fate::Subscription | Fate::Unknown => Ok(Outcome::Unknown),
    }
}

/// Whether a statement begins with this word.
pub(super) fn starts_with(text: &str, word: &str) -> bool {
    text.split_whitespace()
        .next()
        .is_some_and(|first| first.eq_ignore_ascii_case(word))
}

/// Whether an index is one that REINDEX CONCURRENTLY builds beside another (PostgreSQL documentation, "REINDEX").
pub(super) fn is_shadow(name: &str) -> bool {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    bare.ends_with("_ccnew") || bare.ends_with("_ccold")
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

async fn detached(
    session: &Session,
    text: &str,
    parent: &Name,
    partition: &Name,
) -> Result<Outcome, Error> {
    let (of, part) = (
        resolve(session, parent).await?,
        resolve(session, partition).await?,
    );
    let (Some(of), Some(part)) = (of, part) else {
        // ALTER TABLE IF EXISTS says that a parent need not be there.
        return Ok(match of.is_none() && accepts_absence(text) {
            true => Outcome::Ran,
            false => Outcome::NotRun,
        });
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
