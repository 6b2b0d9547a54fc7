//! A schema lock that is older than its set: what the set makes and the lock does not know.

use crate::rules::Case;
use crate::rules::text::mentions;
use crate::snapshot::{ObjectKey, text_sum};

/// What to do before anything else.
pub(super) const LOCK_FIRST: &str = "The schema lock is older than its set (sets/stale-lock): run `dbctl lock` first, and see whether this is still said";

/// The texts of the set's files that the lock was not written from.
pub(super) fn unlocked<'a>(case: &Case<'a>) -> Vec<&'a str> {
    let Some((set, lock)) = case.subject.set.zip(case.subject.lock.known()) else {
        return Vec::new();
    };
    let is_locked = |sql: &str| {
        let sum = text_sum(sql);
        lock.versions.iter().any(|version| version.sum == sum)
    };
    set.migrations
        .iter()
        .map(|migration| migration.sql.as_str())
        .filter(|sql| !is_locked(sql))
        .collect()
}

/// Whether a migration's text names an object: by its name, or by the column that the server made its name from.
pub(super) fn makes(sql: &str, key: &ObjectKey) -> bool {
    let column = || {
        let rest = key.name.strip_prefix(&key.parent)?.strip_prefix('_')?;
        rest.rsplit_once('_').map(|(column, _)| column)
    };
    (key.parent.is_empty() || mentions(sql, &key.parent))
        && (mentions(sql, &key.name)
            || !key.parent.is_empty() && column().is_some_and(|column| mentions(sql, column)))
}
