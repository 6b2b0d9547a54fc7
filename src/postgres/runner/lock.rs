//! The lock against other runners of the same database.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_postgres::types::Type;

use super::super::session::Session;
use super::{ApplyError, Event, lost};

/// The key of the advisory lock that runners of one database take. It is the text "dbctl" as a number.
pub(super) const LOCK_KEY: i64 = 0x64_62_63_74_6c;

/// Takes the runners' lock by asking again and again: a waiter that blocks would deadlock with `CREATE INDEX CONCURRENTLY`.
///
/// Where a reading session shares its server process with others, the lock ends with the transaction in which it was taken: it then says
/// that nobody worked here at that moment, and nothing of it stays behind in the pooler's process.
pub(super) async fn lock(
    session: &Session,
    limit: Duration,
    interrupt: &watch::Receiver<bool>,
    observer: &(dyn Fn(Event) + Sync),
) -> Result<(), ApplyError> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(20);
    let mut told = false;
    let ask = if session.in_transactions() {
        "SELECT pg_try_advisory_xact_lock($1)"
    } else {
        "SELECT pg_try_advisory_lock($1)"
    };
    loop {
        let taken: bool = session
            .client
            .query_typed_one(ask, &[(&LOCK_KEY, Type::INT8)])
            .await
            .and_then(|row| row.try_get(0))
            .map_err(|error| lost(&error))?;
        if taken {
            return Ok(());
        }
        let waited = started.elapsed();
        if waited >= limit || !told {
            let holder = holder(session)
                .await
                .map_err(|error| lost(&error))?
                .unwrap_or_else(|| "a runner that has just ended".to_owned());
            if waited >= limit {
                return Err(ApplyError::Locked(format!(
                    "another runner works on this database: {holder}; gave up after {:.1} s: wait for it, raise --lock-timeout, or, if it hangs, \
                     end it with SELECT pg_terminate_backend of that process",
                    waited.as_secs_f32()
                )));
            }
            observer(Event::WaitingForRunner { holder });
            told = true;
        }
        let pausing = tokio::time::sleep(jitter(pause).min(limit.saturating_sub(waited)));
        tokio::select! {
            () = pausing => {}
            () = raised(interrupt) => {
                return Err(ApplyError::Interrupted(
                    "interrupted while another runner held the lock; nothing was changed".to_owned(),
                ));
            }
        }
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// Lets go of the runners' lock.
pub(super) async fn unlock(session: &Session) -> Result<(), tokio_postgres::Error> {
    if session.in_transactions() {
        // It ended with its transaction.
        return Ok(());
    }
    session
        .client
        .query_typed_one("SELECT pg_advisory_unlock($1)", &[(&LOCK_KEY, Type::INT8)])
        .await
        .map(drop)
}

/// Waits until the run is interrupted; for ever, when nobody can interrupt it any more.
pub(in crate::postgres) async fn raised(interrupt: &watch::Receiver<bool>) {
    if interrupt.clone().wait_for(|raised| *raised).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Who holds the runners' lock of this database, in words, if anybody does.
///
/// # Errors
/// When the query fails.
pub async fn holder(session: &Session) -> Result<Option<String>, tokio_postgres::Error> {
    session.begin_reading().await?;
    let rows = session
        .client
        .query_typed(
            "SELECT l.pid, coalesce(a.application_name, '?'), coalesce(host(a.client_addr), 'local'), \
             coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), '?'), \
             CASE WHEN a.state = 'idle' AND clock_timestamp() - a.state_change > interval '1 minute' \
             THEN to_char(a.state_change AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') END \
             FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) \
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
             AND ((l.classid::bigint << 32) | l.objid::bigint) = $1",
            &[(&LOCK_KEY, Type::INT8)],
        )
        .await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let idle = row.try_get::<_, Option<String>>(4)?;
    let idle = idle.map_or_else(String::new, |since| {
        format!(", idle since {since} UTC: it may hang")
    });
    Ok(Some(format!(
        "process {} ({}) from {}, connected since {} UTC{idle}",
        row.try_get::<_, i32>(0)?,
        row.try_get::<_, String>(1)?,
        row.try_get::<_, String>(2)?,
        row.try_get::<_, String>(3)?
    )))
}

/// A pause of 50 to 150 % of this one, so that many waiters do not ask in step.
pub(super) fn jitter(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.5..1.5))
}
