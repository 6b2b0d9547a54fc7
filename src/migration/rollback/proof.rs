//! Is the catalog after a rollback that of the version gone back to? The schema lock knows, as far as it was written from the set's
//! present files.

use crate::migration::Set;
use crate::migration::other_tools::without_any;
use crate::migration::proof::{Proof, Unproven, differences, judged, prove};
use crate::snapshot::{Lock, Snapshot, VersionEntry, text_sum};

/// What catalogs are compared with.
#[derive(Debug, Clone, Copy)]
pub struct Yardstick<'a> {
    /// The service's set.
    pub set: &'a Set,
    /// Its schema lock, be it older than the set.
    pub lock: Option<&'a Lock>,
}

/// What is known of the catalog before the down scripts run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// It is that of its version: after the scripts it must be that of theirs.
    Right,
    /// The lock does not know that version as the set has it now; it may know the one gone back to.
    NotKnown,
    /// It differs already, so that nothing can be told from what it is like afterwards.
    Differs,
}

impl<'a> Yardstick<'a> {
    /// Judges the catalog of this version before anything is taken back.
    #[must_use]
    pub fn before(&self, snapshot: Snapshot, version: i32) -> Before {
        match self.lock_of(version) {
            None => Before::NotKnown,
            Some(lock) => match at(lock, snapshot, version) {
                Ok(()) => Before::Right,
                Err(_) => Before::Differs,
            },
        }
    }

    /// Judges the catalog after the scripts. `Ok` holds what there is to know where it could not be compared.
    ///
    /// # Errors
    /// How it differs from that of the version gone back to.
    pub fn after(
        &self,
        before: &Before,
        snapshot: Snapshot,
        target: i32,
    ) -> Result<Option<String>, String> {
        let unproven = |why: &str| {
            Ok(Some(format!(
                "whether the catalog is now that of version {target} was not compared: {why}"
            )))
        };
        if *before == Before::Differs {
            return unproven("it differed from its version before (dbctl verify tells how)");
        }
        match self.lock_of(target) {
            Some(lock) => at(lock, snapshot, target).map(|()| None),
            None => unproven(
                "the schema lock does not know that version as the set has it; dbctl lock proves down scripts and writes it",
            ),
        }
    }

    /// The lock, if it was written from the files up to this version as they are now.
    fn lock_of(&self, version: i32) -> Option<&'a Lock> {
        let lock = self.lock?;
        let known = |version: i32| -> Option<&VersionEntry> {
            lock.versions.iter().find(|entry| entry.version == version)
        };
        let current = self
            .set
            .migrations
            .iter()
            .take_while(|migration| migration.version <= version)
            .all(|migration| {
                known(migration.version).is_some_and(|entry| entry.sum == text_sum(&migration.sql))
            });
        current.then_some(lock)
    }
}

/// Whether the catalog is that of this version; other tools' histories apart.
fn at(lock: &Lock, snapshot: Snapshot, version: i32) -> Result<(), String> {
    let snapshot = without_any(snapshot, lock);
    if version == 0 {
        return empty(lock, &snapshot);
    }
    match prove(lock, &snapshot, Some(version)) {
        // For a major version that the lock does not speak for it knows less, and what it knows must hold.
        Some(Proof::Unproven(Unproven { diff, unspoken, .. }))
            if !unspoken || judged(&diff) > 0 =>
        {
            Err(differences(&diff))
        }
        _ => Ok(()),
    }
}

/// Whether nothing of the set is there any more; extensions may have been there before it.
fn empty(lock: &Lock, snapshot: &Snapshot) -> Result<(), String> {
    let left: Vec<String> = snapshot
        .relations()
        .filter(|object| lock.objects.contains_key(&object.key))
        .map(|object| format!("{} is there", object.key.described()))
        .collect();
    match left.is_empty() {
        true => Ok(()),
        false => Err(left.join(", ")),
    }
}
