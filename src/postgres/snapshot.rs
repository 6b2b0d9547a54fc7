//! The snapshot of one database: everything in one read-only transaction.

use super::catalog;
use super::session::Session;
use crate::snapshot::{CommonContent, Fact, Job, Outside, Snapshot};

/// Reads the snapshot. `admin` is a superuser's session in the same database, for the facts that only a superuser may read.
///
/// # Errors
/// When the connection breaks or a query fails.
pub async fn snapshot(
    session: &Session,
    admin: Option<&Session>,
) -> Result<Snapshot, tokio_postgres::Error> {
    session.begin_snapshot().await?;
    if let Some(admin) = admin {
        admin.begin_snapshot().await?;
    }
    let snapshot = catalog::read(&session.client, admin.map(|admin| &admin.client)).await?;
    if let Some(admin) = admin {
        admin.end_snapshot().await?;
    }
    session.end_snapshot().await?;
    Ok(snapshot)
}

/// Reads the snapshot and everything else that `verify` judges. `names` are those of all objects that a lock of the system knows.
///
/// # Errors
/// When the connection breaks or a query fails.
pub async fn snapshot_with_state(
    session: &Session,
    admin: Option<&Session>,
    names: &[String],
) -> Result<Snapshot, tokio_postgres::Error> {
    session.begin_snapshot().await?;
    if let Some(admin) = admin {
        admin.begin_snapshot().await?;
    }
    let admin_client = admin.map(|admin| &admin.client);
    let mut snapshot = catalog::read_with_state(&session.client, admin_client, names).await?;
    let large = catalog::read_large_objects(&session.client).await?;
    snapshot.objects.extend(large);
    if let Some(admin) = admin {
        admin.end_snapshot().await?;
    }
    session.end_snapshot().await?;
    Ok(snapshot)
}

/// Reads what somebody left in a database that belongs to no service.
///
/// # Errors
/// When the connection breaks or a query fails.
pub async fn common_content(session: &Session) -> Result<CommonContent, tokio_postgres::Error> {
    session.begin_snapshot().await?;
    let content = catalog::read_common(&session.client).await?;
    session.end_snapshot().await?;
    Ok(content)
}

/// What an administrator's session in another database sees of this one, whose service is not let in.
///
/// # Errors
/// When a query fails.
pub async fn outside(session: &Session, database: &str) -> Result<Outside, tokio_postgres::Error> {
    session.begin_snapshot().await?;
    let outside = catalog::outside(&session.client, database).await?;
    session.end_snapshot().await?;
    Ok(outside)
}

/// The jobs of pg_cron that run in `database`, seen from the database where pg_cron keeps them.
///
/// # Errors
/// When a query fails.
pub async fn cron_jobs(
    session: &Session,
    database: &str,
) -> Result<Fact<Vec<Job>>, tokio_postgres::Error> {
    session.begin_reading().await?;
    catalog::cron_jobs_elsewhere(&session.client, database).await
}

/// Whether both sessions are in the same physical database: same cluster, same OID. `None` when the role may not know.
///
/// # Errors
/// When a query fails.
pub async fn same_database(
    a: &Session,
    b: &Session,
) -> Result<Option<bool>, tokio_postgres::Error> {
    let identity = "SELECT CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE') \
        THEN (SELECT system_identifier FROM pg_control_system()) END, \
        (SELECT oid FROM pg_database WHERE datname = current_database())";
    let mut seen = Vec::new();
    for session in [a, b] {
        session.begin_reading().await?;
        let row = session.client.query_typed_one(identity, &[]).await?;
        let system: Option<i64> = row.try_get(0)?;
        let oid: u32 = row.try_get(1)?;
        seen.push(system.map(|system| (system, oid)));
    }
    Ok(match seen.as_slice() {
        [Some(a), Some(b)] => Some(a == b),
        _ => None,
    })
}
