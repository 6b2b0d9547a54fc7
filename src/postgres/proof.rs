//! What is tried rather than read: a lock that another session sees, a log-in that ought to be refused, a host on its own.

use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::types::Type;

use super::connect::Connecting;
use super::error::{ConnectError, Reason, describe};
use super::session::{Purpose, Session};
use crate::manifest::{Endpoint, Host, SessionAttrs};
use crate::snapshot::{Attempted, Fact, Gap, HostPlace};

/// The name that attempts carry in the server's log and in `pg_stat_activity`.
const APPLICATION: &str = "dbctl verify (log-in proof)";

/// Begins a transaction that holds the advisory lock `(run, number)` until [`let_go`]. Says whether it does: a standby gives none.
///
/// `pg_advisory_xact_lock` is allowed in a read-only transaction (PostgreSQL documentation, "Advisory Lock Functions").
///
/// # Errors
/// When a query fails.
pub async fn hold(session: &Session, run: i32, number: i32) -> Result<bool, Error> {
    session.begin_snapshot().await?;
    session
        .client
        .query_typed_one(
            "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN false ELSE pg_catalog.pg_try_advisory_xact_lock($1, $2) END",
            &[(&run, Type::INT4), (&number, Type::INT4)],
        )
        .await?
        .try_get(0)
}

/// The locks of this run that the session sees: their numbers, and whether they are in its own database. `pg_locks` shows those of the
/// whole cluster (PostgreSQL documentation, "pg_locks").
///
/// # Errors
/// When the query fails.
pub async fn held(session: &Session, run: i32) -> Result<Vec<(i32, bool)>, Error> {
    let rows = session
        .client
        .query_typed(
            "SELECT l.objid::int8::int4 AS number, \
             l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AS here \
             FROM pg_catalog.pg_locks l \
             WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND l.classid::int8 = $1::int4::int8",
            &[(&run, Type::INT4)],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("number")?, row.try_get("here")?)))
        .collect()
}

/// Ends the transaction of [`hold`].
///
/// # Errors
/// When the server does not answer.
pub async fn let_go(session: &Session) -> Result<(), Error> {
    session.end_snapshot().await
}

/// Tries to log in, once. Whoever is let in leaves at once.
pub async fn enter(endpoint: &Endpoint, limit: Duration) -> Attempted {
    let connecting = Connecting::begin(endpoint, Purpose::Read, APPLICATION, Duration::ZERO);
    match tokio::time::timeout(limit, connecting.session()).await {
        Ok(Ok(session)) => {
            session.close().await;
            Attempted::Entered
        }
        Ok(Err(error)) => refused(&error),
        Err(_) => Attempted::Unknown(Gap::new(format!(
            "{}: no answer within {} s",
            endpoint.display(),
            limit.as_secs()
        ))),
    }
}

/// A refusal is an answer; a server that cannot be asked is not.
fn refused(error: &ConnectError) -> Attempted {
    match error.reason {
        Reason::LogIn | Reason::NoDatabase | Reason::NoConnect => Attempted::Refused,
        // The database takes no connections, or a pooler passes on that CONNECT is missing; too many connections are no answer.
        Reason::Refused
            if ["42501", "55000"]
                .iter()
                .any(|state| error.fact.contains(&format!("SQLSTATE {state}"))) =>
        {
            Attempted::Refused
        }
        _ => Attempted::Unknown(Gap::new(error.fact.clone())),
    }
}

/// Looks at one of the hosts of a URL with several.
pub async fn host(endpoint: &Endpoint, host: &Host, limit: Duration) -> Fact<HostPlace> {
    let alone = Endpoint {
        hosts: vec![host.clone()],
        session_attrs: SessionAttrs::Any,
        ..endpoint.clone()
    };
    let looking = async {
        let session =
            Connecting::begin(&alone, Purpose::Read, "dbctl verify (host)", Duration::ZERO)
                .session()
                .await
                .map_err(|error| error.fact)?;
        let place = place(&session).await.map_err(|error| describe(&error));
        session.close().await;
        place
    };
    match tokio::time::timeout(limit, looking).await {
        Ok(Ok(place)) => Fact::Known(place),
        Ok(Err(reason)) => Fact::Unknown(Gap::new(reason)),
        Err(_) => Fact::Unknown(Gap::new(format!("no answer within {} s", limit.as_secs()))),
    }
}

async fn place(session: &Session) -> Result<HostPlace, Error> {
    session.begin_reading().await?;
    let row = session
        .client
        .query_typed_one(
            "SELECT CASE WHEN pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') \
             THEN (SELECT c.system_identifier FROM pg_catalog.pg_control_system() c) END AS identifier, \
             (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AS oid, \
             pg_catalog.pg_is_in_recovery() AS standby",
            &[],
        )
        .await?;
    Ok(HostPlace {
        system_identifier: row
            .try_get::<_, Option<i64>>("identifier")?
            .map(i64::cast_unsigned),
        database_oid: row.try_get("oid")?,
        standby: row.try_get("standby")?,
    })
}
