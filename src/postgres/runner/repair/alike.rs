//! Versions that leave the same catalog: none tells whether they ran.

use crate::migration::{Migration, Mode, Plan, changes_rows, statements};
use crate::snapshot::Lock;

/// Pending files that change rows and after which, or after others behind them, the catalog is again that of a version.
pub(super) fn untold<'p>(lock: &Lock, plan: &'p Plan, proven: i32) -> Vec<&'p Migration> {
    let Some(last) = alike(lock, proven).into_iter().last() else {
        return Vec::new();
    };
    let pending = plan.pending.iter();
    pending
        .filter(|migration| migration.version > proven && migration.version <= last)
        .filter(|migration| !changes_rows(&migration.sql).is_empty())
        .collect()
}

/// Pending files up to a proven version of which its catalog does not tell that they ran: they change rows, or something that no catalog
/// shows, and what they leave in it is nothing, was done over since, or is there before all of the file ran.
pub(super) fn unseen<'p>(lock: &Lock, plan: &'p Plan, proven: i32) -> Vec<&'p Migration> {
    let pending = plan.pending.iter();
    pending
        .filter(|migration| migration.version <= proven)
        .filter(|migration| {
            let version = migration.version;
            let defines = changes_rows(&migration.sql).is_empty();
            let whole = defines || migration.mode == Mode::Transaction;
            let seen = whole && lock.is_seen(version, proven);
            let done_over = defines && lock.leaves_a_trace(version, version);
            !seen && !done_over && !statements(&migration.sql).is_empty()
        })
        .collect()
}

/// The versions above this one that leave its catalog, in order.
pub(super) fn alike(lock: &Lock, proven: i32) -> Vec<i32> {
    let own = lock.version(proven).map(|entry| &entry.fingerprints);
    let later = lock.versions.iter().filter(|entry| {
        let same = own.is_some_and(|own| !own.is_empty() && *own == entry.fingerprints);
        entry.version > proven && (same || is_alike(lock, proven, entry.version))
    });
    later.map(|entry| entry.version).collect()
}

/// Whether the versions after the older one, up to the newer, leave its catalog as it is.
pub(super) fn is_alike(lock: &Lock, older: i32, newer: i32) -> bool {
    if newer < older {
        return false;
    }
    let between = |version: i32| version > older && version <= newer;
    let mut later = lock.versions.iter().filter(|entry| between(entry.version));
    later.all(|entry| entry.adds.is_empty() && entry.removes.is_empty() && entry.changes.is_empty())
}
