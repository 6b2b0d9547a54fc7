//! What a new lock claims that another service's lock holds: from then on the rules take it for the own.

use crate::migration::guard::Party;
use crate::report::lock::SetLock;
use crate::snapshot::{Kind, Lock};

/// Most names that a sentence lists.
const MOST: usize = 5;

/// The objects of a lock, those of the `old` one left out, that bear a name which another service's lock knows: whoever reviews the file
/// must decide whose they are.
pub(super) fn foreign(new: &Lock, old: Option<&Lock>, others: &[Party<'_>]) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for key in new.objects.keys().filter(|key| is_telling(key.kind)) {
        if old.is_some_and(|old| old.objects.contains_key(key)) {
            continue;
        }
        let owner = others.iter().find(|other| {
            other.lock.get().is_some_and(|theirs| {
                // Also where the columns differ: locked, it is nobody else's any more.
                theirs
                    .objects
                    .keys()
                    .any(|known| known.kind == key.kind && known.name == key.name)
            })
        });
        if let Some(owner) = owner {
            names.push(format!(
                "{} {} ({})",
                key.kind.words(),
                key.name,
                owner.service
            ));
        }
    }
    if names.is_empty() {
        return None;
    }
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    Some(names.join(", "))
}

/// Adds a sentence to what a report says.
pub(super) fn tell(report: &mut SetLock, note: String) {
    report.detail = Some(match report.detail.take() {
        Some(before) => format!("{before}; {note}"),
        None => note,
    });
}

/// Whether one name can mean another service's object. What belongs to a table is told with it.
const fn is_telling(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Table
            | Kind::View
            | Kind::MaterializedView
            | Kind::Function
            | Kind::Trigger
            | Kind::Type
    )
}
