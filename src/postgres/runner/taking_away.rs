//! Takes away what a statement that was cut off has left.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

/// What begins a statement that waits for nobody but old transactions.
const CONCURRENTLY: &str = "DROP INDEX CONCURRENTLY ";

/// The longest that an index which must be locked for it is waited for: whoever waits for such a lock makes all that come after wait too.
const WAIT: &str = "5s";

/// Runs the statement. An index with others behind it, as a hypertable's has one for each chunk, cannot be dropped CONCURRENTLY (PostgreSQL
/// source, RemoveRelations): it is dropped with a lock that is held for a moment.
///
/// # Errors
/// What the server says.
pub(super) async fn take_away(client: &Client, sql: &str) -> Result<(), Error> {
    let refused = match client.batch_execute(sql).await {
        Err(error) if error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED) => error,
        done => return done,
    };
    let Some(index) = sql.strip_prefix(CONCURRENTLY) else {
        return Err(refused);
    };
    let locking = format!("BEGIN; SET LOCAL lock_timeout = '{WAIT}'; DROP INDEX {index}; COMMIT");
    let dropped = client.batch_execute(&locking).await;
    if dropped.is_err() {
        // A connection that is gone has rolled it back.
        drop(client.batch_execute("ROLLBACK").await);
    }
    dropped
}
