//! The proof of a down script: after it the catalog is what it was before its migration, and the migration can be applied again.

use super::produce::{Database, Failure};
use crate::migration::proof::differences;
use crate::migration::{Down, Migration};
use crate::report::lock::LockState;
use crate::snapshot::{Lock, Snapshot, diff, fingerprint};

/// What is there around a migration.
pub(super) struct Around<'a> {
    /// The version before it; 0 for the first migration.
    pub(super) previous: i32,
    /// The catalog before it.
    pub(super) before: &'a Snapshot,
    /// The catalog after it.
    pub(super) after: &'a Snapshot,
}

/// Down and up again, from the migration's version back to it. Only the catalog is compared: rows that a migration inserts are the
/// tables' content.
pub(super) async fn prove(
    database: &Database<'_>,
    migration: &Migration,
    down: &Down,
    around: &Around<'_>,
) -> Result<(), Failure> {
    database.roll_back(around.previous).await?;
    let place = match around.previous {
        0 => "of the empty database".to_owned(),
        version => format!("of version {version}"),
    };
    compare(
        around.before,
        &database.snapshot().await?,
        &format!("after {} the catalog is not that {place}", down.file),
    )?;
    database.apply(migration.version).await?;
    compare(
        around.after,
        &database.snapshot().await?,
        &format!(
            "{}, applied again after {}, does not give the catalog that it gave at first",
            migration.file, down.file
        ),
    )
}

fn compare(expected: &Snapshot, found: &Snapshot, what: &str) -> Result<(), Failure> {
    if fingerprint(expected) == fingerprint(found) {
        return Ok(());
    }
    let major = expected.server.major();
    let lock = Lock::from_snapshots("", "", &[(major, expected)])
        .map_err(|error| (LockState::BadSet, error.to_string()))?;
    Err((
        LockState::BadSet,
        format!(
            "on PostgreSQL {major}, {what}: {}",
            differences(&diff(&lock, found))
        ),
    ))
}
