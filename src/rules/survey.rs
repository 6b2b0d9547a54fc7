//! What all rules need to know about one service's database, worked out once for the whole run.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use super::classify::{Class, Surroundings, classify};
use super::compose::{Around, ForeignNames, foreign_names};
use super::drift::pending;
use super::index::Index;
use super::link::{Reach, reaches};
use super::sets::{Judged, Owners, judge};
use super::{Subject, System};

use crate::snapshot::{
    Diff, Gap, Kind, Lock, Object, ObjectKey, Rename, Renamed, Snapshot, Stamp, diff, diff_renamed,
};

/// Which database was reached.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// The service's own.
    Own,
    /// The service's own, and nothing was ever migrated there.
    NotMigrated,
    /// One of another name.
    WrongDatabase,
    /// One of the right name that holds this service's schema.
    ForeignSchema(&'a Subject<'a>),
    /// One of the right name that neither holds this service's schema nor is stamped as its own.
    ForeignStamp(&'a Stamp),
}

/// Works for one subject.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    place: Result<Place<'a>, Gap>,
    /// What differs from the lock, and what only has another name.
    renamed: Result<Renamed<'a>, Gap>,
    /// Objects that the lock does not know, with what they are.
    pub(super) extras: Vec<(&'a Object, Class<'a>)>,
    /// Texts that reach out of the database: the finding about one is the finding about its object.
    pub(super) reaches: Vec<Reach<'a>>,
    /// Locks of other services that could not be read: what is theirs cannot be known.
    pub(super) blind: Vec<Gap>,
    /// What is to be said of its migration set; `None` when it has none.
    pub(super) sets: Option<Judged>,
    /// What the init scripts of its database containers name of other services.
    pub(super) init: ForeignNames,
    /// What lies around it in the deployment.
    pub(super) around: &'a Around<'a>,
}

impl<'a> Survey<'a> {
    pub(super) fn new(
        system: &'a System<'a>,
        subject: &'a Subject<'a>,
        owners: &Owners<'a>,
        around: &'a Around<'a>,
    ) -> Self {
        let others = || {
            system
                .subjects
                .iter()
                .filter(|other| other.service.name != subject.service.name)
        };
        let snapshot = subject.snapshot.as_ref().map_or_else(
            || Err(Gap::new("no database is configured")),
            |fact| fact.get(),
        );
        // Reads the locks of all services: only for a database that can be compared with its own.
        let index = LazyCell::new(|| Index::new(subject, others()));
        let place = snapshot
            .clone()
            .map(|snapshot| place(system, subject, snapshot));
        let renamed = snapshot.clone().and_then(|snapshot| {
            let lock = subject.lock.get()?;
            if !matches!(place, Ok(Place::Own)) {
                return Ok(Renamed {
                    diff: diff(lock, snapshot),
                    ..Renamed::default()
                });
            }
            // What a pending migration would bring is not there under another name for certain. But a schema that holds all that the lock
            // has in it was renamed, and may have taken the history along; and where the history is gone all counts as pending.
            let pending = pending(subject, snapshot) > 0;
            let lost = is_history_lost(snapshot);
            // What is another service's by its name is taken for an own object only where it cannot be theirs by its columns.
            let may_be = |diff: &Diff<'a>| {
                let around = Surroundings::new(snapshot, diff, &[]);
                let own = diff.extra.iter().copied();
                own.filter(|object| !pending || lost || object.key.kind == Kind::Schema)
                    .filter(|object| !pending || !lock.had(&object.key))
                    .filter(|object| match classify(object, &index, &around) {
                        Class::Foreign { owner, .. } => {
                            is_theirs_by_name_alone(owner, object, snapshot)
                        }
                        class => class.may_be_own(),
                    })
                    .map(|object| &object.key)
                    .collect()
            };
            Ok(diff_renamed(lock, snapshot, may_be))
        });
        let extras = match (&snapshot, &renamed) {
            (Ok(snapshot), Ok(Renamed { diff, renames, .. })) => {
                let around = Surroundings::new(snapshot, diff, renames);
                diff.extra
                    .iter()
                    .map(|object| (*object, classify(object, &index, &around)))
                    .collect()
            }
            _ => Vec::new(),
        };
        let reaches = match (&snapshot, subject.lock.known()) {
            (Ok(snapshot), Some(lock)) => {
                let renames = renamed.as_ref().map_or(&[][..], |it| &it.renames);
                reaches(system, subject, snapshot, lock, &extras, renames)
            }
            _ => Vec::new(),
        };
        // Asked of what lies in a database only.
        let blind = others()
            .filter(|_| snapshot.is_ok())
            .filter(|other| other.service.set.is_some() || other.service.lock_file.is_some())
            .filter_map(|other| {
                let gap = other.lock.get().err()?;
                Some(Gap {
                    reason: format!(
                        "what belongs to {} is not known: {}",
                        other.service.name, gap.reason
                    ),
                    remedy: gap.remedy,
                })
            })
            .collect();
        Self {
            place,
            renamed,
            extras,
            reaches,
            blind,
            sets: judge(owners, subject, system.offline),
            init: foreign_names(owners, system, subject, around),
            around,
        }
    }

    pub(super) fn place(&self) -> Result<Place<'a>, Gap> {
        self.place.clone()
    }

    pub(super) fn diff(&self) -> Result<&Diff<'a>, Gap> {
        let renamed = self.renamed.as_ref().map_err(Clone::clone)?;
        Ok(&renamed.diff)
    }

    /// What only has another name.
    pub(super) fn renames(&self) -> &[Rename] {
        let renamed = self.renamed.as_ref();
        renamed.map_or(&[], |renamed| &renamed.renames)
    }

    /// What schema `public` is called now, if it was renamed: the history went with it.
    pub(super) fn public(&self) -> Option<&str> {
        let mut renames = self
            .renames()
            .iter()
            .map(|rename| (&rename.was, &rename.is));
        let (_, is) = renames.find(|(was, _)| was.kind == Kind::Schema && was.name == "public")?;
        Some(&is.name)
    }

    /// What of the lock an unknown object may be: several are alike, or it bears a name of another service's.
    pub(super) fn perhaps<'s>(&'s self, object: &'s Object) -> impl Iterator<Item = &'s Rename> {
        let renamed = self.renamed.as_ref();
        let perhaps = renamed.map_or(&[][..], |renamed| &renamed.perhaps);
        perhaps.iter().filter(|pair| pair.is == object.key)
    }
}

/// Whether a table that bears the name of another service's has other columns than that.
fn is_theirs_by_name_alone(owner: &Subject<'_>, object: &Object, snapshot: &Snapshot) -> bool {
    let (Kind::Table, Some(lock)) = (object.key.kind, owner.lock.known()) else {
        return false;
    };
    let columns =
        |keys: &mut dyn Iterator<Item = &ObjectKey>, schema: Option<&str>| -> BTreeSet<String> {
            keys.filter(|key| key.kind == Kind::Column && key.parent == object.key.name)
                .filter(|key| schema.is_none_or(|schema| key.schema == schema))
                .map(|key| key.name.clone())
                .collect()
        };
    let theirs = columns(&mut lock.objects.keys(), None);
    let there = snapshot.objects.iter().map(|object| &object.key);
    !theirs.is_empty() && columns(&mut { there }, Some(&object.key.schema)) != theirs
}

/// Whether a history that can be read says nothing.
pub(super) fn is_history_lost(snapshot: &Snapshot) -> bool {
    let history = snapshot.history.known();
    history.is_some_and(|history| history.rows.is_empty())
}

fn place<'a>(
    system: &'a System<'a>,
    subject: &'a Subject<'a>,
    snapshot: &'a Snapshot,
) -> Place<'a> {
    if snapshot.identity.database != subject.service.database_name() {
        return Place::WrongDatabase;
    }
    let Some(lock) = subject.lock.known() else {
        return Place::Own;
    };
    let relations: BTreeSet<&str> = snapshot
        .objects
        .iter()
        .filter(|object| object.key.kind.is_relation())
        .map(|object| object.key.name.as_str())
        .collect();
    let share = |lock: &Lock| Share::of(&distinct_tables(system, lock), &relations);
    let own = share(lock);
    if own.is_below_threshold() {
        let other = system
            .subjects
            .iter()
            .filter(|other| other.service.name != subject.service.name)
            .find(|other| {
                other
                    .lock
                    .known()
                    .is_some_and(|lock| share(lock).reaches_threshold())
            });
        if let Some(other) = other {
            return Place::ForeignSchema(other);
        }
        let stamp = snapshot.identity.stamp.known().and_then(Option::as_ref);
        if let Some(stamp) = stamp
            && stamp.service != subject.service.name
        {
            return Place::ForeignStamp(stamp);
        }
    }
    let migrated = snapshot
        .history
        .known()
        .is_none_or(|history| history.exists && !history.rows.is_empty());
    if !migrated && own.present == 0 {
        return Place::NotMigrated;
    }
    Place::Own
}

/// The tables that only this set has: a name that several sets share says nothing about whose a database is.
pub(super) fn distinct_tables<'l>(system: &System<'_>, lock: &'l Lock) -> BTreeSet<&'l str> {
    let tables = |lock: &'l Lock| {
        lock.objects
            .keys()
            .filter(|key| key.kind == Kind::Table)
            .map(|key| key.name.as_str())
    };
    let elsewhere = |name: &str| {
        system
            .subjects
            .iter()
            .filter_map(|subject| subject.lock.known())
            .filter(|other| other.set != lock.set)
            .any(|other| {
                other
                    .objects
                    .keys()
                    .any(|key| key.kind == Kind::Table && key.name == name)
            })
    };
    tables(lock).filter(|name| !elsewhere(name)).collect()
}

/// How many of a set's tables are there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) present: usize,
    pub(super) total: usize,
}

impl Share {
    pub(super) fn of(tables: &BTreeSet<&str>, relations: &BTreeSet<&str>) -> Self {
        Self {
            present: tables.intersection(relations).count(),
            total: tables.len(),
        }
    }

    /// Less than four fifths: not this service's database.
    const fn is_below_threshold(self) -> bool {
        self.present * 5 < self.total * 4
    }

    /// Four fifths or more of a set that has tables.
    const fn reaches_threshold(self) -> bool {
        self.total > 0 && !self.is_below_threshold()
    }
}
