//! What dbctl writes and checks around a migration's own statements, in the same transaction.

use postgres_protocol::escape::escape_literal;
use tokio_postgres::types::Type;

use super::super::session::Session;
use super::failure::Failure;
use super::history_table;
use super::lock::LOCK_KEY;
use crate::migration::{CREATE_STAMP, statements};

/// The history table. It and the stamp are created in the transaction of the first migration, so that a failed first migration
/// leaves nothing at all.
const CREATE_HISTORY: &str = "\
CREATE TABLE IF NOT EXISTS public.refinery_schema_history (
    version int4 PRIMARY KEY,
    name varchar(255),
    applied_on varchar(255),
    checksum varchar(255)
)";

/// Whatever the migration has set for the rest of its transaction ends here. In `public` may be an operator or a function that fits
/// dbctl's own queries better than the server's.
pub(super) const OWN_SETTINGS: [&str; 3] = [
    "SET LOCAL SESSION AUTHORIZATION DEFAULT",
    "SET LOCAL ROLE NONE",
    "SET LOCAL search_path = pg_catalog, pg_temp",
];

/// What the history holds, as [`Known`] writes it.
pub(super) const HISTORY: &str = "SELECT coalesce(string_agg(version::bigint || ' ' || coalesce(checksum::text, ''), ',' ORDER BY version), '') AS history \
     FROM public.refinery_schema_history";

/// The versions and checksums that the history is known to hold, by version.
#[derive(Debug, Default)]
pub(super) struct Known(String);

impl Known {
    /// Takes the next row.
    pub(super) fn push(&mut self, version: i64, checksum: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&format!("{version} {checksum}"));
    }

    /// Compares with what [`HISTORY`] has answered.
    pub(super) fn compare(&self, now: &str) -> Result<(), Failure> {
        if now == self.0 {
            return Ok(());
        }
        Err(Failure::Disturbed(format!(
            "{} changed during the run: another tool migrates this database at the same time",
            history_table()
        )))
    }
}

/// The statements that make stamp and history where they are missing (`stamp`: the service and its set, until a migration of this
/// run has brought them) and lock the history against every other tool that writes it. After them [`HISTORY`] tells whether it
/// still holds what it is known to hold: a runner of another kind does not take the runners' lock.
pub(super) fn open(stamp: Option<(&str, &str)>) -> Vec<String> {
    let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", history_table());
    let Some((service, set)) = stamp else {
        return vec![lock];
    };
    let mut sql: Vec<String> = statements(CREATE_STAMP)
        .into_iter()
        .map(|statement| statement.text.to_owned())
        .collect();
    sql.push(CREATE_HISTORY.to_owned());
    sql.push(lock);
    sql.push(format!(
        "INSERT INTO dbctl.identity (service, set_name) VALUES ({}, {}) ON CONFLICT DO NOTHING",
        escape_literal(service),
        escape_literal(set)
    ));
    sql
}

/// The query that tells what the history holds of versions: numbers, or a parameter.
pub(super) fn keeps(versions: &str) -> String {
    let table = history_table();
    format!(
        "SELECT coalesce(string_agg(version::bigint || ' ' || coalesce(name::text, '') || ' ' || coalesce(checksum::text, ''), ',' \
         ORDER BY version), '') AS kept FROM {table} WHERE version IN ({versions})"
    )
}

/// What [`keeps`] has to answer of a version that was recorded.
pub(super) fn kept(version: i64, name: &str, checksum: &str) -> String {
    format!("{version} {name} {checksum}")
}

/// Why what [`keeps`] has answered is not what was written, if so: a trigger may drop or change a row unseen.
pub(super) fn not_kept(written: &str, kept: Option<&str>) -> Option<String> {
    let table = history_table();
    match kept {
        Some(kept) if kept == written => None,
        Some("") | None => Some(format!(
            "{table} does not keep the row that records it: see what triggers or rules it has"
        )),
        Some(kept) => Some(format!(
            "{table} has another row than the one that records it ({kept} in the place of {written}: version, name, checksum): see what \
             triggers or rules it has"
        )),
    }
}

/// Whether this session still holds the runners' lock: behind a pooler it may be another server process than before.
pub(super) async fn still_locked(session: &Session) -> Result<(), Failure> {
    let held: bool = session
        .client
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() \
             AND objsubid = 1 AND ((classid::bigint << 32) | objid::bigint) = $1)",
            &[(&LOCK_KEY, Type::INT8)],
        )
        .await
        .and_then(|row| row.try_get(0))
        .map_err(Failure::own)?;
    if held {
        Ok(())
    } else {
        Err(unlocked(session).await?)
    }
}

/// The runners' lock is gone: which of the two ways it went.
pub(super) async fn unlocked(session: &Session) -> Result<Failure, Failure> {
    let same = session.backend_pid().await.map_err(Failure::own)? == session.pid();
    Ok(Failure::Disturbed(
        match same {
            true => {
                "the runners' lock is not held any more: the migration has let go of it (pg_advisory_unlock_all, DISCARD ALL, or a function \
                 that runs one of them); take that out of it"
            }
            false => {
                "the runners' lock is not held any more: the connection leads through a pooler that gives each transaction another \
                 server process; give dbctl the address of the server itself"
            }
        }
        .to_owned(),
    ))
}
