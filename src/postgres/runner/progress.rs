//! The books on a migration that runs statement by statement: which of its statements have begun, and which are done.

use postgres_protocol::escape::escape_literal;
use sha2::{Digest, Sha256};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

use super::super::session::Session;
use crate::migration::{Analysis, Migration, analyse};

/// One statement of an unfinished migration, as `dbctl.progress` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The migration's version.
    pub(super) version: i32,
    /// The statement's place in the file, counted from 1.
    pub(super) statement: i32,
    /// What its text was.
    pub(super) sum: String,
    /// Whether it is done; else it was begun, and nobody has written down how it ended.
    pub(super) done: bool,
    /// The indexes that its table had before it began, and those that were not valid.
    pub(super) indexes: Vec<u32>,
}

/// What a statement's text is remembered by.
pub(super) fn sum(text: &str) -> String {
    // Line ends make no difference, as for checksums.
    let digest = Sha256::digest(text.replace("\r\n", "\n"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All entries, in order. Nothing when the table is not there.
pub(super) async fn read(session: &Session) -> Result<Vec<Entry>, Error> {
    let client = &session.client;
    let there: bool = client
        .query_typed_one("SELECT to_regclass('dbctl.progress') IS NOT NULL", &[])
        .await?
        .try_get(0)?;
    if !there {
        return Ok(Vec::new());
    }
    let rows = client
        .query_typed(
            "SELECT version, statement, sum, done, indexes FROM dbctl.progress ORDER BY version, statement",
            &[],
        )
        .await?;
    rows.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<Entry, Error> {
    Ok(Entry {
        version: row.try_get(0)?,
        statement: row.try_get(1)?,
        sum: row.try_get(2)?,
        done: row.try_get(3)?,
        indexes: row.try_get(4)?,
    })
}

/// Writes down that a statement begins, or is done.
pub(super) async fn write(session: &Session, entry: &Entry) -> Result<(), Error> {
    session.client.batch_execute(&entry.writing()).await
}

impl Entry {
    /// The statement that writes it down.
    pub(super) fn writing(&self) -> String {
        let Self {
            version,
            statement,
            sum,
            done,
            indexes,
        } = self;
        let indexes: Vec<String> = indexes.iter().map(u32::to_string).collect();
        format!(
            "INSERT INTO dbctl.progress (version, statement, sum, done, indexes) \
             VALUES ({version}, {statement}, {}, {done}, '{{{}}}'::oid[]) \
             ON CONFLICT (version, statement) DO UPDATE SET sum = excluded.sum, done = excluded.done, indexes = excluded.indexes",
            escape_literal(sum),
            indexes.join(",")
        )
    }
}

/// Forgets one statement, which has left nothing behind.
pub(super) async fn forget(session: &Session, version: i32, statement: i32) -> Result<(), Error> {
    session
        .client
        .query_typed(
            "DELETE FROM dbctl.progress WHERE version = $1 AND statement = $2",
            &[(&version, Type::INT4), (&statement, Type::INT4)],
        )
        .await
        .map(drop)
}

/// The statement that forgets a migration: it is finished.
pub(super) fn finishing(version: i32) -> String {
    format!("DELETE FROM dbctl.progress WHERE version = {version}")
}

/// Why the books do not fit the file, if so: what has run must not be edited, and nothing may have run that is not there.
pub(super) fn problem(
    entries: &[Entry],
    migration: &Migration,
    analyses: &[Analysis],
    service: &str,
) -> Option<String> {
    let file = &migration.file;
    for entry in entries {
        let at = usize::try_from(entry.statement).ok()?.checked_sub(1)?;
        let what = if entry.done { "has run" } else { "was begun" };
        match analyses.get(at) {
            None => {
                return Some(format!(
                    "{file}: statement {} of it {what}, and the file now has only {}: give the file back what it had, \
                     or settle it with dbctl repair --service {service} (--forget {} lets the next migrate begin the file anew, at its first \
                     statement)",
                    entry.statement,
                    analyses.len(),
                    entry.version
                ));
            }
            Some(analysis) if sum(&analysis.text) != entry.sum => {
                return Some(format!(
                    "{file}, line {}: statement {} was edited after it {what}: give it back the text that it had, \
                     or settle it with dbctl repair --service {service} (--forget {} lets the next migrate begin the file anew, at its first \
                     statement)",
                    analysis.line, entry.statement, entry.version
                ));
            }
            Some(_) => {}
        }
    }
    None
}

/// Why a migration that is begun cannot be gone on with, for a look before anything is changed.
///
/// # Errors
/// When a query fails.
pub async fn misfit(
    session: &Session,
    pending: &[Migration],
    service: &str,
) -> Result<Option<String>, Error> {
    let entries = read(session).await?;
    let versions: Vec<i32> = pending.iter().map(|migration| migration.version).collect();
    if let Some(reason) = stray(&entries, &versions, service) {
        return Ok(Some(reason));
    }
    Ok(pending.iter().find_map(|migration| {
        let own: Vec<Entry> = entries
            .iter()
            .filter(|entry| entry.version == migration.version)
            .cloned()
            .collect();
        // Most migrations are not begun, and need not be read.
        if own.is_empty() {
            return None;
        }
        problem(&own, migration, &analyse(&migration.sql), service)
    }))
}

/// Why entries of other migrations stand in the way, if so.
pub(super) fn stray(entries: &[Entry], pending: &[i32], service: &str) -> Option<String> {
    let entry = entries
        .iter()
        .find(|entry| !pending.contains(&entry.version))?;
    Some(format!(
        "dbctl.progress says that version {0} is not finished, but it is not among the migrations to be applied: bring its file back \
         if it is gone, or settle it with dbctl repair --service {service} (--forget {0} takes the entries away, and what ran stays)",
        entry.version
    ))
}
