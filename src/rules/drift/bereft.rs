//! Views that were replaced so that another one could be dropped: the one that is missing is the cause.

use crate::rules::text::{mentions, named};
use crate::snapshot::attributes::DEFINITION;
use crate::snapshot::{Change, Diff, Kind, ObjectKey};

/// The missing view that a replaced one showed and shows no longer. Of several the first.
pub(super) fn cause<'d>(diff: &'d Diff<'_>, changes: &[&Change]) -> Option<&'d ObjectKey> {
    let [change] = changes else {
        return None;
    };
    if change.key.kind != Kind::View || change.attribute != DEFINITION {
        return None;
    }
    let is_view = |key: &&ObjectKey| matches!(key.kind, Kind::View | Kind::MaterializedView);
    diff.missing
        .iter()
        .filter(is_view)
        .find(|key| mentions(&change.expected, &key.name) && !mentions(&change.actual, &key.name))
}

/// The views that were replaced so that this one could be dropped.
pub(super) fn replaced<'d>(diff: &'d Diff<'_>, missing: &ObjectKey) -> Vec<&'d Change> {
    let all = diff.changed.iter();
    let alone = |change: &&Change| {
        let same = diff.changed.iter().filter(|other| other.key == change.key);
        same.count() == 1
    };
    all.filter(|change| cause(diff, &[change]) == Some(missing))
        .filter(alone)
        .collect()
}

/// Them for a sentence.
pub(super) fn told(changes: &[&Change]) -> String {
    let names: Vec<String> = changes.iter().map(|change| named(&change.key)).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(
            ", and was taken out of {}, which showed it",
            names.join(", ")
        ),
    }
}
