//! What dbctl writes and checks around a migration's own statements, in the same transaction.

use tokio_postgres::Error;
use tokio_postgres::types::Type;

use super::super::session::Session;
use super::failure::Failure;
use super::lock::LOCK_KEY;
use super::{ApplyOptions, history_table};
use crate::migration::CREATE_STAMP;

/// The history table. It and the stamp are created in the transaction of the first migration, so that a failed first migration
/// leaves nothing at all.
const CREATE_HISTORY: &str = "\
CREATE TABLE IF NOT EXISTS public.refinery_schema_history (
    version int4 PRIMARY KEY,
    name varchar(255),
    applied_on varchar(255),
    checksum varchar(255)
);";

/// Whatever the migration has set for the rest of its transaction ends here.
pub(super) const OWN_SETTINGS: &str =
    "SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE NONE; SET LOCAL search_path = public";

/// The versions and checksums that the history is known to hold.
pub(super) type Known = Vec<(i64, String)>;

/// Makes stamp and history where they are missing (`make`: until a migration of this run has brought them), locks the history
/// against every other tool that writes it, and looks whether it still holds what it is known to hold: a runner of another kind
/// does not take the runners' lock. Its statements are sent at once.
pub(super) async fn open(
    session: &Session,
    options: &ApplyOptions,
    set_name: &str,
    known: &Known,
    make: bool,
) -> Result<(), Failure> {
    let client = &session.client;
    let table = history_table();
    let lock = format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE");
    let sql = match make {
        true => format!("{CREATE_STAMP}{CREATE_HISTORY}{lock}"),
        false => lock,
    };
    let (locked, stamped, now) = futures::join!(
        client.batch_execute(&sql),
        stamp(session, &options.service, set_name),
        history(session, &table),
    );
    locked.map_err(Failure::own)?;
    stamped.map_err(Failure::own)?;
    let mut now = now.map_err(Failure::own)?;
    let mut then = known.clone();
    now.sort();
    then.sort();
    if now == then {
        return Ok(());
    }
    Err(Failure::Disturbed(format!(
        "{table} changed during the run: another tool migrates this database at the same time"
    )))
}

/// Writes whose database it is, unless that is written.
async fn stamp(session: &Session, service: &str, set_name: &str) -> Result<(), Error> {
    session
        .client
        .query_typed(
            "INSERT INTO dbctl.identity (service, set_name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[(&service, Type::TEXT), (&set_name, Type::TEXT)],
        )
        .await
        .map(drop)
}

async fn history(session: &Session, table: &str) -> Result<Known, Error> {
    session
        .client
        .query_typed(
            &format!("SELECT version::bigint, coalesce(checksum::text, '') FROM {table}"),
            &[],
        )
        .await?
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

/// Whether the history holds this version.
pub(super) async fn keeps(session: &Session, version: i32) -> Result<bool, Error> {
    let table = history_table();
    session
        .client
        .query_typed_one(
            &format!("SELECT EXISTS (SELECT FROM {table} WHERE version = $1)"),
            &[(&version, Type::INT4)],
        )
        .await?
        .try_get(0)
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
        return Ok(());
    }
    Err(Failure::Disturbed(
        "the runners' lock is not held any more: the connection leads through a pooler that gives each transaction another \
         server process; give dbctl the address of the server itself"
            .to_owned(),
    ))
}
