//! Is the catalog that of a version of the set? The proof that adopting a database needs.

use std::cmp::Reverse;

use crate::snapshot::{Diff, Lock, ObjectKey, Snapshot, VersionEntry, fingerprint};

/// What comparing a catalog with the versions of a lock came to.
#[derive(Debug, Clone)]
pub enum Proof<'a> {
    /// It is the catalog of this version.
    Proven {
        /// The version.
        version: i32,
        /// Older versions that leave the very same catalog: what lies between them changes rows alone.
        alike: Vec<i32>,
    },
    /// It is not, or that cannot be shown.
    Unproven(Unproven<'a>),
}

/// How a catalog differs from the version that it was compared with.
#[derive(Debug, Clone)]
pub struct Unproven<'a> {
    /// The version that was asked for, or that comes nearest.
    pub version: i32,
    /// The differences, as far as the lock knows that version.
    pub diff: Diff<'a>,
    /// Objects whose attributes at that version the lock does not hold: a difference may lie there.
    pub silent: Vec<ObjectKey>,
    /// Whether the lock does not speak for this major version of PostgreSQL.
    pub unspoken: bool,
}

/// Compares a catalog with one version of a lock, or with all of them, newest first. `None` when the lock has no such version.
#[must_use]
pub fn prove<'a>(lock: &Lock, snapshot: &'a Snapshot, wanted: Option<i32>) -> Option<Proof<'a>> {
    let major = snapshot.server.major();
    let newest = lock.versions.last()?.version;
    let print = fingerprint(snapshot);
    let entries: Vec<&VersionEntry> = lock
        .versions
        .iter()
        .rev()
        .filter(|entry| wanted.is_none_or(|wanted| wanted == entry.version))
        .collect();
    let is = |entry: &&&VersionEntry| {
        entry.fingerprint(major) == Some(print.as_str())
            || (entry.version == newest && count(&crate::snapshot::diff(lock, snapshot)) == 0)
    };
    if let Some(entry) = entries.iter().find(is) {
        let alike = |other: &&&VersionEntry| {
            other.version < entry.version && other.fingerprints == entry.fingerprints
        };
        return Some(Proof::Proven {
            version: entry.version,
            alike: entries
                .iter()
                .filter(alike)
                .map(|other| other.version)
                .collect(),
        });
    }
    entries
        .into_iter()
        .filter_map(|entry| {
            let expected = lock.at(entry.version)?;
            Some(Unproven {
                version: entry.version,
                diff: expected.diff(snapshot),
                silent: expected.unknown.into_iter().collect(),
                unspoken: entry.fingerprint(major).is_none(),
            })
        })
        .min_by_key(|unproven| (count(&unproven.diff), Reverse(unproven.version)))
        .map(Proof::Unproven)
}

/// How many differences there are.
#[must_use]
pub fn count(diff: &Diff<'_>) -> usize {
    judged(diff) + diff.unknown.len()
}

/// How many differences are certain: those in `unknown` cannot be judged.
#[must_use]
pub fn judged(diff: &Diff<'_>) -> usize {
    diff.missing.len() + diff.extra.len() + diff.changed.len()
}

/// How a catalog differs, object by object, in one sentence.
#[must_use]
pub fn differences(diff: &Diff<'_>) -> String {
    /// Most differences that it lists.
    const MOST: usize = 5;
    let missing = diff.missing.iter();
    let mut said: Vec<String> = missing
        .map(|key| format!("{} is missing", key.described()))
        .collect();
    let extra = diff.extra.iter();
    said.extend(extra.map(|object| format!("{} is there", object.key.described())));
    said.extend(diff.changed.iter().map(|change| {
        format!(
            "{} of {} is {:?}, expected {:?}",
            change.attribute,
            change.key.described(),
            change.actual,
            change.expected
        )
    }));
    let more = said.len().saturating_sub(MOST);
    said.truncate(MOST);
    if more > 0 {
        said.push(format!("and {more} more"));
    }
    said.join(", ")
}
