//! Lock against snapshot: what should be, and what is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::attributes::{depends_on_reader, is_deparsed};
use super::renames::Renames;
use super::reread::reread;
use super::{Kind, Lock, Object, ObjectKey, Snapshot, Text};

/// The attribute of a change when a relation is of another kind than the lock's.
pub(super) const KIND: &str = "kind";

/// How a database differs from a lock, each list in the order of keys.
#[derive(Debug, Clone, Default)]
pub struct Diff<'a> {
    /// Objects of the lock that are not there. Parts of a missing relation are not listed.
    pub missing: Vec<ObjectKey>,
    /// Objects that are not in the lock. Parts of an extra relation are not listed.
    pub extra: Vec<&'a Object>,
    /// Attributes that differ.
    pub changed: Vec<Change>,
    /// Attributes whose text cannot be judged: the lock does not know this major version, and the text equals none of its own.
    pub unknown: Vec<Change>,
}

/// One attribute that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The lock's object.
    pub key: ObjectKey,
    /// The attribute; `kind` for a relation that became one of another kind.
    pub attribute: String,
    /// What the lock says; empty if it says nothing.
    pub expected: String,
    /// What the catalog says; empty if it says nothing.
    pub actual: String,
}

/// Schema and name: relations of every kind share one namespace.
pub(super) type Name<'k> = (&'k str, &'k str);

/// The relations of one side, with their kinds.
fn relations<'k>(keys: impl Iterator<Item = &'k ObjectKey>) -> BTreeMap<Name<'k>, Kind> {
    keys.filter(|key| key.kind.is_relation())
        .map(|key| ((key.schema.as_str(), key.name.as_str()), key.kind))
        .collect()
}

/// Compares a database with a lock.
#[must_use]
pub fn diff<'a>(lock: &Lock, snapshot: &'a Snapshot) -> Diff<'a> {
    diff_with(lock, snapshot, &Renames::default())
}

/// The same, of a database in which some of the lock's objects are known to have other names.
pub(super) fn diff_with<'a>(lock: &Lock, snapshot: &'a Snapshot, renames: &Renames) -> Diff<'a> {
    let found: BTreeMap<&ObjectKey, &'a Object> = snapshot
        .objects
        .iter()
        .map(|object| (&object.key, object))
        .collect();
    let now: BTreeMap<Cow<'_, ObjectKey>, &ObjectKey> = lock
        .objects
        .keys()
        .map(|key| (renames.now(key), key))
        .collect();
    let expected = relations(now.keys().map(AsRef::as_ref));
    let actual = relations(found.keys().copied());
    // A relation that is missing, extra or of another kind is one entry: its parts follow from it.
    let explained: BTreeSet<Name<'_>> = expected
        .iter()
        .chain(&actual)
        .map(|(name, _)| *name)
        .filter(|name| expected.get(name) != actual.get(name))
        .collect();
    let follows = |key: &ObjectKey| {
        key.kind.is_part() && explained.contains(&(key.schema.as_str(), key.parent.as_str()))
    };
    let became = |side: &BTreeMap<Name<'_>, Kind>, key: &ObjectKey| {
        let name = (key.schema.as_str(), key.name.as_str());
        key.kind.is_relation().then(|| side.get(&name).copied())?
    };

    let mut diff = Diff::default();
    for (now, key) in &now {
        let Some(attributes) = lock.objects.get(*key).filter(|_| !follows(now)) else {
            continue;
        };
        match (found.get(now.as_ref()), became(&actual, now)) {
            (Some(object), _) => {
                let look = Look {
                    lock,
                    major: snapshot.server.major(),
                    renames,
                };
                look.compare(key, attributes, object, &mut diff);
            }
            (None, Some(kind)) => diff.changed.push(Change {
                key: (*key).clone(),
                attribute: KIND.to_owned(),
                expected: key.kind.words().to_owned(),
                actual: kind.words().to_owned(),
            }),
            (None, None) => diff.missing.push((*key).clone()),
        }
    }
    for (key, object) in found {
        if !now.contains_key(key) && !follows(key) && became(&expected, key).is_none() {
            diff.extra.push(object);
        }
    }
    diff
}

/// What one object is compared with.
struct Look<'l> {
    lock: &'l Lock,
    major: u32,
    renames: &'l Renames,
}

/// Whether an object has the lock's attributes, of those asked for, once names are set aside.
pub(super) fn agrees(
    lock: &Lock,
    snapshot: &Snapshot,
    key: &ObjectKey,
    object: &Object,
    renames: &Renames,
    is_asked: impl Fn(&str) -> bool,
) -> bool {
    let look = Look {
        lock,
        major: snapshot.server.major(),
        renames,
    };
    let mut diff = Diff::default();
    if let Some(attributes) = lock.objects.get(key) {
        look.compare(key, attributes, object, &mut diff);
    }
    let mut differ = diff.changed.iter().chain(&diff.unknown);
    !differ.any(|change| is_asked(&change.attribute))
}

/// How an attribute's text relates to the lock's.
enum Judged {
    Same,
    Differs,
    Unknown,
}

impl Look<'_> {
    /// Compares the attributes of one object.
    fn compare(
        &self,
        key: &ObjectKey,
        expected: &BTreeMap<String, Text>,
        object: &Object,
        diff: &mut Diff<'_>,
    ) {
        let names: BTreeSet<&String> = expected.keys().chain(object.attributes.keys()).collect();
        for name in names {
            if depends_on_reader(key.kind, name) {
                continue;
            }
            let actual = object.attributes.get(name);
            let (judged, text) = self.judge(key.kind, name, expected.get(name), actual);
            let list = match judged {
                Judged::Same => continue,
                Judged::Differs => &mut diff.changed,
                Judged::Unknown => &mut diff.unknown,
            };
            list.push(Change {
                key: key.clone(),
                attribute: name.clone(),
                expected: text.cloned().unwrap_or_default(),
                actual: actual.cloned().unwrap_or_default(),
            });
        }
    }

    /// Judges one attribute, and says which of the lock's texts is the one to show.
    fn judge<'t>(
        &self,
        kind: Kind,
        name: &str,
        expected: Option<&'t Text>,
        actual: Option<&String>,
    ) -> (Judged, Option<&'t String>) {
        let (variants, own): (Vec<&String>, _) = match expected {
            None => (Vec::new(), None),
            Some(Text::Same(text)) => (vec![text], Some(text)),
            Some(Text::ByMajor(texts)) => (texts.values().collect(), texts.get(&self.major)),
        };
        let known = self.lock.majors.contains(&self.major) && (own.is_some() || expected.is_none());
        let shown = own.or_else(|| variants.last().copied());
        let (Some(actual), false) = (actual, variants.is_empty()) else {
            // That an attribute is there at all does not depend on how it is deparsed.
            return match (actual, shown) {
                (None, None) => (Judged::Same, None),
                _ => (Judged::Differs, shown),
            };
        };
        if known || !is_deparsed(kind, name) {
            let same = |text: &String| {
                text == actual
                    || is_deparsed(kind, name) && reread(text) == reread(actual)
                    || self.renames.explain(text, actual)
            };
            return match shown.is_some_and(same) {
                true => (Judged::Same, shown),
                false => (Judged::Differs, shown),
            };
        }
        let is_known = |text: &&String| *text == actual || self.renames.explain(text, actual);
        match variants.iter().any(is_known) {
            true => (Judged::Same, shown),
            false => (Judged::Unknown, shown),
        }
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
