//! What each version of a set does to the catalog, and what the catalog is like after it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::diff::{Diff, KIND, diff};
use super::fingerprint::fingerprint;
use super::{Attributes, Kind, Lock, LockError, ObjectKey, Snapshot};

/// One version of the set, as the lock knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionEntry {
    /// The version.
    pub version: i32,
    /// Its migration's file.
    pub file: String,
    /// The hash over that file's text.
    pub sum: String,
    /// The hash over its down script's text, if there is one.
    pub down: Option<String>,
    /// The fingerprint of the catalog after it, by major version.
    pub fingerprints: BTreeMap<u32, String>,
    /// What exists from this version on. Parts of a relation that is added follow from it and are not listed.
    pub adds: BTreeSet<ObjectKey>,
    /// What existed until this version. Parts of a relation that is removed are not listed.
    pub removes: BTreeSet<ObjectKey>,
    /// What existed before and differs in its attributes since.
    pub changes: BTreeSet<ObjectKey>,
}

impl VersionEntry {
    /// The fingerprint of the catalog after this version on a major version of PostgreSQL; `None` for a major that the lock does not
    /// speak for.
    #[must_use]
    pub fn fingerprint(&self, major: u32) -> Option<&str> {
        self.fingerprints.get(&major).map(String::as_str)
    }
}

/// One migration that was applied, and what was there after it on each major version.
#[derive(Debug)]
pub struct Step<'a> {
    /// The version.
    pub version: i32,
    /// Its migration's file.
    pub file: &'a str,
    /// The hash over that file's text.
    pub sum: String,
    /// The hash over its down script's text, if there is one.
    pub down: Option<String>,
    /// What was there after it, by major version.
    pub after: Vec<(u32, &'a Snapshot)>,
}

/// The catalog as it should be at one version of the set, as far as the lock knows it.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Every object that exists at that version. Those in `unknown` have no attributes here: compare with [`Expected::diff`].
    pub lock: Lock,
    /// Objects that exist at that version with attributes that the lock does not hold, because a later version changes or removes
    /// them.
    pub unknown: BTreeSet<ObjectKey>,
    /// Relations, schema and name, whose parts the lock does not hold, because a later version removes the whole.
    opaque: BTreeSet<Name>,
}

/// Schema and name of a relation: relations of every kind share one namespace.
type Name = (String, String);

impl Expected {
    /// How a database differs from the catalog of that version. What the lock does not know of it is not compared.
    #[must_use]
    pub fn diff<'a>(&self, snapshot: &'a Snapshot) -> Diff<'a> {
        let mut diff = diff(&self.lock, snapshot);
        diff.changed
            .retain(|change| change.attribute == KIND || !self.unknown.contains(&change.key));
        diff.unknown
            .retain(|change| !self.unknown.contains(&change.key));
        diff.extra.retain(|object| {
            !(object.key.kind.is_part() && self.opaque.contains(&parent(&object.key)))
        });
        diff
    }
}

impl Lock {
    /// The lock of a set that was applied version by version; `empty` is what was there before the first.
    ///
    /// # Errors
    /// As [`Lock::from_snapshots`], for the catalog after any of the versions.
    pub fn from_steps(
        set: &str,
        sum: &str,
        empty: &[(u32, &Snapshot)],
        steps: &[Step<'_>],
    ) -> Result<Self, LockError> {
        let mut lock = Self::from_snapshots(set, sum, empty)?;
        let mut versions = Vec::new();
        for step in steps {
            let after = Self::from_snapshots(set, sum, &step.after)
                .map_err(|error| LockError(format!("{}, after {}", error.0, step.file)))?;
            let fingerprints = step.after.iter();
            let mut entry = VersionEntry {
                version: step.version,
                file: step.file.to_owned(),
                sum: step.sum.clone(),
                down: step.down.clone(),
                fingerprints: fingerprints
                    .map(|(major, snapshot)| (*major, fingerprint(snapshot)))
                    .collect(),
                adds: BTreeSet::new(),
                removes: BTreeSet::new(),
                changes: BTreeSet::new(),
            };
            entry.compare(&lock.objects, &after.objects);
            versions.push(entry);
            lock = after;
        }
        lock.versions = versions;
        Ok(lock)
    }

    /// What the lock knows of one version; `None` when it has no entry for it.
    #[must_use]
    pub fn version(&self, version: i32) -> Option<&VersionEntry> {
        self.versions.iter().find(|entry| entry.version == version)
    }

    /// The catalog after this version (0: before the first), as far as it is known. `None` for a lock without entries for versions,
    /// which knows the newest only.
    #[must_use]
    pub fn at(&self, version: i32) -> Option<Expected> {
        if self.versions.is_empty() {
            return None;
        }
        let mut expected = Expected {
            lock: self.clone(),
            unknown: BTreeSet::new(),
            opaque: BTreeSet::new(),
        };
        let later = self.versions.iter().rev();
        for entry in later.take_while(|entry| entry.version > version) {
            expected.take_back(entry);
        }
        let known = |entry: &VersionEntry| entry.version <= version;
        expected.lock.versions.retain(known);
        Some(expected)
    }

    /// Whether the catalog after `newest` would be another one without what this version did: whether something of it was not
    /// done over since.
    #[must_use]
    pub fn leaves_a_trace(&self, version: i32, newest: i32) -> bool {
        let Some(entry) = self.version(version) else {
            return false;
        };
        let since = |later: &&VersionEntry| version < later.version && later.version <= newest;
        let later: Vec<&VersionEntry> = self.versions.iter().filter(since).collect();
        let stays = |key: &ObjectKey| !later.iter().any(|later| later.concerns(key));
        [&entry.adds, &entry.removes, &entry.changes]
            .into_iter()
            .flatten()
            .any(stays)
    }

    /// Whether the catalog after `newest` shows that this version ran: it leaves a trace, or has made what later versions only change.
    #[must_use]
    pub fn is_seen(&self, version: i32, newest: i32) -> bool {
        // What CREATE OR REPLACE makes, a later version may have made.
        let lasting = |key: &&ObjectKey| key.kind == Kind::Table || key.kind == Kind::Column;
        let gone = |key: &ObjectKey| {
            let since = |later: &&VersionEntry| version < later.version && later.version <= newest;
            let mut later = self.versions.iter().filter(since);
            let whole = |other: &ObjectKey| other.kind.is_relation() && own(other) == parent(key);
            later.any(|later| {
                later.removes.contains(key)
                    || (key.kind.is_part() && later.removes.iter().any(whole))
            })
        };
        let entry = self.version(version);
        let mut made = entry.iter().flat_map(|entry| &entry.adds).filter(lasting);
        self.leaves_a_trace(version, newest) || made.any(|key| !gone(key))
    }

    /// Whether an object that the newest version has not, or its relation, existed at an earlier one.
    #[must_use]
    pub fn had(&self, key: &ObjectKey) -> bool {
        let is_its = |gone: &ObjectKey| {
            gone == key
                || key.kind.is_part()
                    && gone.kind.is_relation()
                    && (&gone.schema, &gone.name) == (&key.schema, &key.parent)
        };
        self.versions
            .iter()
            .any(|entry| entry.removes.iter().any(is_its))
    }

    /// Every relation, schema and name, that exists at any version of the set.
    #[must_use]
    pub fn relations(&self) -> BTreeSet<(String, String)> {
        let added = self.versions.iter().flat_map(|entry| &entry.adds);
        self.objects
            .keys()
            .chain(added)
            .filter(|key| key.kind.is_relation())
            .map(own)
            .collect()
    }
}

impl Expected {
    /// Goes one version back.
    fn take_back(&mut self, entry: &VersionEntry) {
        for key in &entry.adds {
            self.lock.objects.remove(key);
            self.unknown.remove(key);
            if key.kind.is_relation() {
                let relation = own(key);
                let part = |key: &ObjectKey| key.kind.is_part() && parent(key) == relation;
                self.lock.objects.retain(|key, _| !part(key));
                self.unknown.retain(|key| !part(key));
                self.opaque.remove(&relation);
            }
        }
        for key in entry.removes.iter().chain(&entry.changes) {
            self.lock.objects.insert(key.clone(), Attributes::new());
            self.unknown.insert(key.clone());
        }
        let removed = entry.removes.iter();
        self.opaque
            .extend(removed.filter(|key| key.kind.is_relation()).map(own));
    }
}

impl VersionEntry {
    /// Whether it makes, changes or takes away this object, or the whole that it is a part of.
    fn concerns(&self, key: &ObjectKey) -> bool {
        let whole = |other: &ObjectKey| other.kind.is_relation() && own(other) == parent(key);
        [&self.adds, &self.removes, &self.changes]
            .into_iter()
            .any(|keys| keys.contains(key) || (key.kind.is_part() && keys.iter().any(whole)))
    }

    /// Fills in what differs between two catalogs.
    fn compare(
        &mut self,
        before: &BTreeMap<ObjectKey, Attributes>,
        after: &BTreeMap<ObjectKey, Attributes>,
    ) {
        let only = |a: &BTreeMap<ObjectKey, Attributes>, b: &BTreeMap<ObjectKey, Attributes>| {
            let keys = a.keys().filter(|key| !b.contains_key(*key));
            keys.cloned().collect::<BTreeSet<ObjectKey>>()
        };
        let (added, removed) = (only(after, before), only(before, after));
        let whole: BTreeSet<Name> = added
            .iter()
            .chain(&removed)
            .filter(|key| key.kind.is_relation())
            .map(own)
            .collect();
        let listed = |key: &ObjectKey| !(key.kind.is_part() && whole.contains(&parent(key)));
        self.adds = added.into_iter().filter(listed).collect();
        self.removes = removed.into_iter().filter(listed).collect();
        self.changes = after
            .iter()
            .filter(|(key, attributes)| before.get(*key).is_some_and(|old| old != *attributes))
            .map(|(key, _)| key.clone())
            .filter(listed)
            .collect();
    }
}

fn own(key: &ObjectKey) -> Name {
    (key.schema.clone(), key.name.clone())
}

fn parent(key: &ObjectKey) -> Name {
    (key.schema.clone(), key.parent.clone())
}

#[cfg(test)]
mod tests;
