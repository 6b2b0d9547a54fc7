//! Migrations that run statement by statement and are not finished, for verbs that only look.

use tokio_postgres::Error;

use super::session::Session;

/// A migration of which some statements ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// Its version.
    pub version: i32,
    /// How many of its statements are done.
    pub done: i64,
    /// How many were begun, and nobody has written down how they ended.
    pub begun: i64,
}

/// The unfinished migrations by version, from `dbctl.progress`. `None` when the role may not read it all, which is no error: a role that only
/// looks needs no grant for it.
///
/// # Errors
/// When a query fails.
pub async fn unfinished(session: &Session) -> Result<Option<Vec<Unfinished>>, Error> {
    let client = &session.client;
    let tables = client
        .query_typed(
            "SELECT c.relkind = 'r' AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') \
             AND NOT row_security_active(c.oid) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'dbctl' AND c.relname = 'progress'",
            &[],
        )
        .await?;
    match tables.first() {
        None => return Ok(Some(Vec::new())),
        Some(row) if !row.try_get::<_, bool>(0)? => return Ok(None),
        Some(_) => {}
    }
    let rows = client
        .query_typed(
            "SELECT version, count(*) FILTER (WHERE done), count(*) FILTER (WHERE NOT done) FROM dbctl.progress \
             GROUP BY version ORDER BY version",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Unfinished {
                version: row.try_get(0)?,
                done: row.try_get(1)?,
                begun: row.try_get(2)?,
            })
        })
        .collect::<Result<Vec<_>, Error>>()
        .map(Some)
}

/// The versions of [`unfinished`] alone, for a verb that waits until there are none.
///
/// # Errors
/// When a query fails.
pub async fn versions(session: &Session) -> Result<Option<Vec<i32>>, Error> {
    let all = unfinished(session).await?;
    Ok(all.map(|all| all.iter().map(|one| one.version).collect()))
}
