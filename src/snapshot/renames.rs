//! Objects of a lock that are there under another name: one change, which shows in every text that speaks of them.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::attributes::TYPE;
use super::diff::{Name, agrees, diff_with};
use super::words;
use super::{Diff, Kind, Lock, Object, ObjectKey, Snapshot};

/// One object under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Its key in the lock.
    pub was: ObjectKey,
    /// Its key in the database.
    pub is: ObjectKey,
}

impl Rename {
    /// The schema that it was moved into, if it was.
    #[must_use]
    pub fn moved_into(&self) -> Option<&str> {
        (self.was.schema != self.is.schema && !self.is.kind.is_part())
            .then_some(self.is.schema.as_str())
    }

    /// A key with this rename applied; `None` if it says nothing of it.
    fn apply(&self, key: &ObjectKey) -> Option<ObjectKey> {
        let (was, is) = (&self.was, &self.is);
        if was == key {
            return Some(is.clone());
        }
        let of_relation = key.kind.is_part() && was.kind.is_relation();
        if of_relation && (&was.schema, &was.name) == (&key.schema, &key.parent) {
            // A hypertable bears its table's name.
            let name = match key.kind {
                Kind::Hypertable => is.name.clone(),
                _ => key.name.clone(),
            };
            return Some(ObjectKey {
                schema: is.schema.clone(),
                parent: is.name.clone(),
                name,
                ..key.clone()
            });
        }
        (was.kind == Kind::Schema && was.name == key.schema).then(|| ObjectKey {
            schema: is.name.clone(),
            ..key.clone()
        })
    }
}

/// All that is known to have another name.
#[derive(Debug, Clone, Default)]
pub(super) struct Renames(Vec<Rename>);

impl Renames {
    /// What a key of the lock is called in the database.
    pub(super) fn now<'k>(&self, key: &'k ObjectKey) -> Cow<'k, ObjectKey> {
        let now = follow(&self.0, key);
        match key.arguments.is_empty() || self.0.is_empty() {
            true => now,
            false => Cow::Owned(ObjectKey {
                arguments: words::replace(&now.arguments, &self.words()),
                ..now.into_owned()
            }),
        }
    }

    /// Whether two texts say the same of objects that have other names.
    pub(super) fn explain(&self, expected: &str, actual: &str) -> bool {
        !self.0.is_empty() && words::are_same(expected, actual, &self.words())
    }

    fn words(&self) -> Vec<(&str, &str)> {
        let pairs = self.0.iter().flat_map(|rename| {
            let (was, is) = (&rename.was, &rename.is);
            [(&was.name, &is.name), (&was.schema, &is.schema)]
        });
        pairs
            .filter(|(was, is)| was != is)
            .map(|(was, is)| (was.as_str(), is.as_str()))
            .collect()
    }

    fn with(&self, rename: Rename) -> Self {
        let mut all = self.0.clone();
        all.push(rename);
        Self(all)
    }
}

/// Whether two texts say the same of objects that have other names.
#[must_use]
pub fn explain(renames: &[Rename], expected: &str, actual: &str) -> bool {
    Renames(renames.to_vec()).explain(expected, actual)
}

/// What an object of the database is called once all have their names back.
#[must_use]
pub fn before(renames: &[Rename], key: &ObjectKey) -> ObjectKey {
    let back = renames.iter().map(|rename| Rename {
        was: rename.is.clone(),
        is: rename.was.clone(),
    });
    Renames(back.collect()).now(key).into_owned()
}

/// The most particular rename first: an object's own, then its relation's, then its schema's.
fn follow<'k>(renames: &[Rename], key: &'k ObjectKey) -> Cow<'k, ObjectKey> {
    let rank = |rename: &Rename| match (rename.was == *key, rename.was.kind) {
        (true, _) => 0,
        (_, Kind::Schema) => 2,
        _ => 1,
    };
    let found = renames
        .iter()
        .filter_map(|rename| Some((rank(rename), rename.apply(key)?)))
        .min_by_key(|(rank, _)| *rank);
    found.map_or(Cow::Borrowed(key), |(_, key)| Cow::Owned(key))
}

/// What differs, with that which only has another name set apart.
#[derive(Debug, Clone, Default)]
pub struct Renamed<'a> {
    /// All other differences.
    pub diff: Diff<'a>,
    /// What has another name for certain: nothing else is like it, on either side.
    pub renames: Vec<Rename>,
    /// What may be one of several that are missing, by the lock's keys.
    pub perhaps: Vec<Rename>,
}

/// How often renames are looked for: a schema's, then its relations', then those of columns, then of what hangs on columns.
const ROUNDS: usize = 4;

/// With so many that are like it, a missing object is none of them for certain.
const ENOUGH: usize = 8;

/// Compares a database with a lock, and pairs what is missing with what is there instead. `may_be` says which of the objects that
/// the lock does not know may be the lock's.
#[must_use]
pub fn diff_renamed<'a>(
    lock: &Lock,
    snapshot: &'a Snapshot,
    may_be: impl Fn(&Diff<'a>) -> BTreeSet<&'a ObjectKey>,
) -> Renamed<'a> {
    let mut renames = Renames::default();
    let mut diff = diff_with(lock, snapshot, &renames);
    let mut perhaps = Vec::new();
    for _ in 0..ROUNDS {
        let alike = Sides::new(lock, snapshot, &renames, &diff).pairs();
        if alike.is_empty() {
            perhaps = alike;
            break;
        }
        let own = may_be(&diff);
        let (own, others): (Vec<_>, Vec<_>) =
            alike.into_iter().partition(|pair| own.contains(&pair.is));
        let (mut certain, doubtful) = only_pairs(own);
        // What lies in a schema went with it.
        if certain.iter().any(|pair| pair.was.kind == Kind::Schema) {
            certain.retain(|pair| pair.was.kind == Kind::Schema);
        }
        perhaps = others.into_iter().chain(doubtful).collect();
        if certain.is_empty() {
            break;
        }
        renames.0.extend(certain);
        diff = diff_with(lock, snapshot, &renames);
    }
    Renamed {
        diff,
        renames: renames.0,
        perhaps,
    }
}

/// The pairs in which each is like no other, or shares the plain name, and those that are left.
fn only_pairs(pairs: Vec<Rename>) -> (Vec<Rename>, Vec<Rename>) {
    // How many pairs a key is in, and how many of them keep its name.
    let mut counts: HashMap<(bool, &ObjectKey), (usize, usize)> = HashMap::new();
    let keeps_name = |pair: &Rename| pair.was.name == pair.is.name;
    for pair in &pairs {
        for side in [(false, &pair.was), (true, &pair.is)] {
            let count = counts.entry(side).or_default();
            count.0 += 1;
            count.1 += usize::from(keeps_name(pair));
        }
    }
    let is_only = |pair: &Rename| {
        [(false, &pair.was), (true, &pair.is)]
            .iter()
            .all(|side| match counts.get(side) {
                Some((1, _)) => true,
                Some((_, 1)) => keeps_name(pair),
                _ => false,
            })
    };
    let certain: Vec<Rename> = pairs.iter().filter(|pair| is_only(pair)).cloned().collect();
    let taken: BTreeSet<&ObjectKey> = certain
        .iter()
        .flat_map(|pair| [&pair.was, &pair.is])
        .collect();
    let left = pairs
        .iter()
        .filter(|pair| !taken.contains(&pair.was) && !taken.contains(&pair.is))
        .cloned()
        .collect();
    (certain, left)
}

/// Schema `public` is no object of a lock. It is gone where nothing that the lock has in it is there.
fn lost_public(lock: &Lock, snapshot: &Snapshot) -> Option<ObjectKey> {
    let of_lock =
        |object: &Object| object.key.schema == "public" && lock.objects.contains_key(&object.key);
    let has_any = lock.objects.keys().any(|key| key.schema == "public");
    (has_any && !snapshot.objects.iter().any(of_lock)).then(|| ObjectKey {
        schema: String::new(),
        parent: String::new(),
        kind: Kind::Schema,
        name: "public".to_owned(),
        arguments: String::new(),
    })
}

/// A lock and a database, arranged so that pairs are found in one look at each.
struct Sides<'s> {
    lock: &'s Lock,
    snapshot: &'s Snapshot,
    renames: &'s Renames,
    diff: &'s Diff<'s>,
    /// The columns of the lock's tables and of the database's, by schema and name.
    expected: HashMap<Name<'s>, Vec<&'s ObjectKey>>,
    found: HashMap<Name<'s>, Vec<&'s Object>>,
}

fn name_of(relation: &ObjectKey) -> Name<'_> {
    (&relation.schema, &relation.name)
}

impl<'s> Sides<'s> {
    fn new(
        lock: &'s Lock,
        snapshot: &'s Snapshot,
        renames: &'s Renames,
        diff: &'s Diff<'s>,
    ) -> Self {
        let mut sides = Self {
            lock,
            snapshot,
            renames,
            diff,
            expected: HashMap::new(),
            found: HashMap::new(),
        };
        if diff.missing.is_empty() || diff.extra.is_empty() {
            return sides;
        }
        for key in lock.objects.keys().filter(|key| key.kind == Kind::Column) {
            let table = (key.schema.as_str(), key.parent.as_str());
            sides.expected.entry(table).or_default().push(key);
        }
        for object in &snapshot.objects {
            let key = &object.key;
            if key.kind == Kind::Column {
                let table = (key.schema.as_str(), key.parent.as_str());
                sides.found.entry(table).or_default().push(object);
            }
        }
        sides
    }

    /// All pairs of something missing and something unknown that is like it.
    fn pairs(&self) -> Vec<Rename> {
        let mut pairs = Vec::new();
        if self.diff.missing.is_empty() || self.diff.extra.is_empty() {
            return pairs;
        }
        let public = lost_public(self.lock, self.snapshot);
        for was in self.diff.missing.iter().chain(&public) {
            let like = |keeps_name: bool| {
                let extras = self.diff.extra.iter().filter(move |object| {
                    (object.key.name == was.name) == keeps_name
                        && object.extension.is_none()
                        && self.can_be_renamed(was, &object.key)
                        && self.is_like(was, object)
                });
                extras.map(|object| Rename {
                    was: was.clone(),
                    is: object.key.clone(),
                })
            };
            pairs.extend(like(true).chain(like(false)).take(ENOUGH));
        }
        pairs
    }

    /// Whether a statement exists that makes one key of the other.
    fn can_be_renamed(&self, was: &ObjectKey, is: &ObjectKey) -> bool {
        if was.kind != is.kind {
            return false;
        }
        let now = self.renames.now(was);
        match was.kind {
            kind if !kind.has_given_name() => false,
            // An operator may be moved, and keeps its name.
            Kind::Operator => was.name == is.name && now.arguments == is.arguments,
            kind if kind.is_part() => (&now.schema, &now.parent) == (&is.schema, &is.parent),
            _ => now.arguments == is.arguments,
        }
    }

    /// Whether an object is the lock's in all but its name. Of a table the columns count: what else differs is told as a change.
    fn is_like(&self, was: &ObjectKey, object: &Object) -> bool {
        let is = &object.key;
        let renames = || {
            self.renames.with(Rename {
                was: was.clone(),
                is: is.clone(),
            })
        };
        match was.kind {
            Kind::Schema => {
                let expected: BTreeSet<_> = contents(self.lock.objects.keys(), &was.name).collect();
                let found = self.snapshot.objects.iter().map(|object| &object.key);
                let found: BTreeSet<_> = contents(found, &is.name).collect();
                !expected.is_empty() && expected.is_subset(&found)
            }
            Kind::Table | Kind::ForeignTable => {
                let (Some(expected), Some(found)) = (
                    self.expected.get(&name_of(was)),
                    self.found.get(&name_of(is)),
                ) else {
                    return false;
                };
                expected.len() == found.len()
                    && expected
                        .iter()
                        .zip(found)
                        .all(|(key, column)| key.name == column.key.name)
                    && {
                        let renames = renames();
                        expected.iter().zip(found).all(|(key, column)| {
                            agrees(self.lock, self.snapshot, key, column, &renames, |name| {
                                name == TYPE
                            })
                        })
                    }
            }
            _ => agrees(self.lock, self.snapshot, was, object, &renames(), |_| true),
        }
    }
}

/// What lies in a schema, without what hangs on its relations.
fn contents<'k>(
    keys: impl Iterator<Item = &'k ObjectKey>,
    schema: &str,
) -> impl Iterator<Item = (Kind, &'k str)> {
    keys.filter(move |key| key.schema == schema && !key.kind.is_part())
        .map(|key| (key.kind, key.name.as_str()))
}
