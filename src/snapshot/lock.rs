//! The schema lock: the catalog that a migration set produces, as a generated, reviewed, checked-in file.

mod deferred;
mod fingerprint;
mod key;
mod parse;
mod version;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use super::attributes::{depends_on_reader, is_deparsed};
use super::{Kind, Object, ObjectKey, Snapshot};

pub use deferred::{DeferredLock, LockSource};
pub use fingerprint::{fingerprint, text_sum};
pub use version::{Expected, Step, VersionEntry};

/// The version of the file format.
const VERSION: i64 = 1;

/// The parts of a relation as its block lists them: the key in the file and the kind.
const PARTS: [(&str, Kind); 6] = [
    ("columns", Kind::Column),
    ("constraints", Kind::Constraint),
    ("indexes", Kind::Index),
    ("triggers", Kind::Trigger),
    ("rules", Kind::Rule),
    ("policies", Kind::Policy),
];

/// The part that a relation has once at most, and that bears its name.
const HYPERTABLE: &str = "hypertable";

/// The attributes of one object.
type Attributes = BTreeMap<String, Text>;

/// A schema lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The set.
    pub set: String,
    /// The hash over the set's migration files at the time the lock was written.
    pub sum: String,
    /// The database that it was recorded from, in words; `None` for a set's, which comes from throwaway servers.
    pub source: Option<String>,
    /// The major versions of PostgreSQL that it was generated on.
    pub majors: Vec<u32>,
    /// What each version does and leaves, ascending; empty in a lock that was written before there were such entries.
    pub versions: Vec<VersionEntry>,
    /// The objects of the newest version, in the order of their keys.
    pub objects: BTreeMap<ObjectKey, BTreeMap<String, Text>>,
}

/// An attribute's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// The same on every major version of the lock.
    Same(String),
    /// What the server deparses differs: the text for each major version.
    ByMajor(BTreeMap<u32, String>),
}

/// Why a lock file is wrong: names file and line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LockError(pub String);

impl Lock {
    /// The lock of a set that was applied to servers of these major versions.
    ///
    /// # Errors
    /// When there is no snapshot, or two majors differ in more than text that the server deparses: names the object.
    pub fn from_snapshots(
        set: &str,
        sum: &str,
        snapshots: &[(u32, &Snapshot)],
    ) -> Result<Self, LockError> {
        let sides: BTreeMap<u32, BTreeMap<&ObjectKey, &Object>> = snapshots
            .iter()
            .map(|(major, snapshot)| {
                let objects = snapshot.objects.iter();
                (
                    *major,
                    objects.map(|object| (&object.key, object)).collect(),
                )
            })
            .collect();
        if sides.is_empty() {
            return Err(LockError(format!(
                "set {set}: no server to take the lock from"
            )));
        }
        let keys: BTreeSet<&ObjectKey> = sides.values().flat_map(BTreeMap::keys).copied().collect();
        let mut objects = BTreeMap::new();
        for key in keys {
            let mut found = BTreeMap::new();
            for (major, side) in &sides {
                let object = side.get(key).ok_or_else(|| {
                    LockError(format!(
                        "set {set}: {} is not there on PostgreSQL {major}, but on another major version",
                        key.described()
                    ))
                })?;
                found.insert(*major, *object);
            }
            objects.insert(key.clone(), merged(set, key, &found)?);
        }
        Ok(Self {
            set: set.to_owned(),
            sum: sum.to_owned(),
            source: None,
            majors: sides.into_keys().collect(),
            versions: Vec::new(),
            objects,
        })
    }

    /// Whether it was written from migrations with this hash: from the set's present files, when it is given their `Set::sum`.
    #[must_use]
    pub fn is_current(&self, sum: &str) -> bool {
        self.sum == sum
    }

    /// What this lock says of some of its major versions, for a machine that has fewer servers.
    #[must_use]
    pub fn restricted(&self, majors: &[u32]) -> Self {
        let restrict = |text: &Text| match text {
            Text::Same(_) => Some(text.clone()),
            Text::ByMajor(texts) => one_text(
                texts
                    .iter()
                    .filter(|(major, _)| majors.contains(major))
                    .map(|(major, text)| (*major, text.clone()))
                    .collect(),
            ),
        };
        let objects = self.objects.iter().map(|(key, attributes)| {
            let kept = attributes
                .iter()
                .filter_map(|(name, text)| Some((name.clone(), restrict(text)?)));
            (key.clone(), kept.collect())
        });
        let versions = self.versions.iter().map(|entry| {
            let mut entry = entry.clone();
            entry.fingerprints.retain(|major, _| majors.contains(major));
            entry
        });
        Self {
            versions: versions.collect(),
            set: self.set.clone(),
            sum: self.sum.clone(),
            source: self.source.clone(),
            majors: self
                .majors
                .iter()
                .copied()
                .filter(|major| majors.contains(major))
                .collect(),
            objects: objects.collect(),
        }
    }
}

/// One text if all are equal; `None` if there is none.
fn one_text(texts: BTreeMap<u32, String>) -> Option<Text> {
    let first = texts.values().next()?;
    Some(if texts.values().all(|text| text == first) {
        Text::Same(first.clone())
    } else {
        Text::ByMajor(texts)
    })
}

/// The attributes of one object, as all majors have them.
fn merged(
    set: &str,
    key: &ObjectKey,
    found: &BTreeMap<u32, &Object>,
) -> Result<Attributes, LockError> {
    let names: BTreeSet<&String> = found.values().flat_map(|o| o.attributes.keys()).collect();
    let mut merged = BTreeMap::new();
    for name in names {
        if depends_on_reader(key.kind, name) {
            continue;
        }
        let differs = || {
            LockError(format!(
                "set {set}: attribute {name} of {} is not the same on PostgreSQL {}",
                key.described(),
                list(found.keys())
            ))
        };
        let mut texts = BTreeMap::new();
        for (major, object) in found {
            let text = object.attributes.get(name).ok_or_else(differs)?;
            texts.insert(*major, text.clone());
        }
        match one_text(texts) {
            Some(Text::ByMajor(_)) if !is_deparsed(key.kind, name) => return Err(differs()),
            Some(text) => merged.insert(name.clone(), text),
            None => None,
        };
    }
    Ok(merged)
}

/// Numbers as people list them.
fn list<'n>(majors: impl Iterator<Item = &'n u32>) -> String {
    let majors: Vec<String> = majors.map(u32::to_string).collect();
    majors.join(", ")
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
