//! A service's schema in short, for the report: what the database holds, else what the schema lock says.

use std::collections::BTreeMap;

use super::Subject;
use crate::report::verify::SchemaLine;
use crate::snapshot::{HistoryRow, Kind, Snapshot};

/// The schema in short; `None` when neither a database nor a lock tells it.
pub(super) fn line(subject: &Subject<'_>) -> Option<SchemaLine> {
    let snapshot = subject.snapshot.as_ref().and_then(|fact| fact.known());
    let lock = subject.lock.known();
    let objects = match (snapshot, lock) {
        (Some(snapshot), _) => count(snapshot.objects.iter().map(|object| object.key.kind)),
        (None, Some(lock)) => count(lock.objects.keys().map(|key| key.kind)),
        (None, None) => return None,
    };
    Some(SchemaLine {
        live: snapshot.is_some(),
        set: subject.set.map(|set| {
            let newest = set.migrations.last().map(|migration| migration.version);
            (set.name.clone(), newest)
        }),
        applied: snapshot.and_then(newest),
        objects,
    })
}

/// The newest version of the history.
fn newest(snapshot: &Snapshot) -> Option<i64> {
    let history = snapshot.history.known()?;
    history.rows.iter().filter_map(HistoryRow::number).max()
}

/// How many there are of each kind, in the order of [`Kind::ALL`].
fn count(kinds: impl Iterator<Item = Kind>) -> Vec<(&'static str, usize)> {
    let mut numbers: BTreeMap<Kind, usize> = BTreeMap::new();
    for kind in kinds {
        *numbers.entry(kind).or_default() += 1;
    }
    Kind::ALL
        .into_iter()
        .filter_map(|kind| Some((kind.words(), *numbers.get(&kind)?)))
        .collect()
}
