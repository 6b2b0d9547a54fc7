//! Rules of group `drift`: is the schema what the set makes of it?

mod ahead;
mod bereft;
mod books;
mod changed;
mod chunk;
mod engine;
mod history;
mod hypertable;
mod inherited;
mod labels;
mod missing;
mod newer;
mod renamed;
mod system;
mod undo;
mod unknown;

pub(super) use ahead::spare_newer;
pub(super) use inherited::Tables;
pub(super) use renamed::perhaps_own;
pub(super) use system::change;
pub(super) use undo::sql_of;
pub(super) use unknown::{foreign_owner, severity_of};

use super::survey::Place;
use super::text::{ident, mentions};
use super::{Case, Rule, Subject};
use crate::migration::{Plan, Set};
use crate::report::text::count;
use crate::snapshot::{Diff, Gap, ObjectKey, Snapshot};

/// The rules of this group.
pub(super) const RULES: &[Rule] = &[
    history::NOT_MIGRATED,
    history::HISTORY,
    history::PENDING,
    missing::MISSING_OBJECT,
    changed::CHANGED_OBJECT,
    unknown::UNKNOWN_OBJECT,
    hypertable::MISSING_HYPERTABLE,
    hypertable::TIME_COLUMN,
    hypertable::CHUNK_INTERVAL,
    hypertable::DIMENSIONS,
    chunk::CHUNK,
    chunk::CHUNK_LENGTH,
    engine::EXTENSION_VERSION,
    engine::RESTORING,
    engine::ENCODING,
    engine::COLLATION,
    system::SYSTEM_OBJECT,
];

/// The set of the service.
fn set<'a>(case: &Case<'a>) -> Result<&'a Set, Gap> {
    case.subject
        .set
        .ok_or_else(|| Gap::new("there is no migration set to compare the history with"))
}

/// Set against history; `None` where nothing was ever migrated, which is one finding of its own.
pub(super) fn plan(case: &Case<'_>) -> Result<Option<Plan>, Gap> {
    let snapshot = case.own()?;
    if let Place::NotMigrated = case.survey.place()? {
        return Ok(None);
    }
    if let Some(now) = case.survey.public() {
        return Err(Gap::new(format!(
            "the history lies in schema {} now, which was schema public (drift/missing-object)",
            ident(now)
        )));
    }
    // A service that migrates itself keeps its own history.
    if case.subject.service.lock_file.is_some() {
        return Ok(None);
    }
    Ok(Some(Plan::new(set(case)?, snapshot.history.get()?)))
}

/// The differences, where the whole set has been applied: what a pending migration would bring is not missing.
fn settled<'a>(case: &Case<'a>) -> Result<Option<&'a Diff<'a>>, Gap> {
    let diff = case.diff()?;
    if let Place::NotMigrated = case.survey.place()? {
        return Ok(None);
    }
    let pending = pending(case.subject, case.snapshot()?);
    if pending > 0 && case.survey.public().is_none() {
        return Err(Gap {
            reason: format!("{} pending (drift/pending)", is_are(pending)),
            remedy: Some(next_step(case)),
        });
    }
    Ok(Some(diff))
}

/// How many migrations of its set a database has yet to see, as far as its history can be read.
pub(super) fn pending(subject: &Subject<'_>, snapshot: &Snapshot) -> usize {
    match (subject.set, snapshot.history.known()) {
        (Some(set), Some(history)) => Plan::new(set, history).pending.len(),
        _ => 0,
    }
}

/// What brings the database to where its set is. What holds relations and was never migrated has to be adopted first: migrate refuses it.
fn next_step(case: &Case<'_>) -> String {
    let is_adopted = |snapshot: &Snapshot| {
        let history = snapshot.history.known();
        history.is_none_or(|history| !history.rows.is_empty())
            // A first migration of which some statements ran has left its tables, the stamp and an empty history.
            || history.is_some_and(|history| history.exists)
                && matches!(snapshot.identity.stamp.known(), Some(Some(_)))
            || snapshot.relations().next().is_none()
    };
    match case.snapshot().is_ok_and(is_adopted) {
        true => format!("dbctl migrate --service {}", case.name()),
        false => format!(
            "dbctl baseline --service {}, which adopts what is there once it has proved that it is the set's; until then dbctl migrate refuses it",
            case.name()
        ),
    }
}

fn is_are(pending: usize) -> String {
    format!(
        "{} {}",
        count(pending, "migration"),
        if pending == 1 { "is" } else { "are" }
    )
}

/// Where the statement stands that makes an object right.
/// The file that made an object as it is to be: the last that the lock knows to have made or changed it.
fn last_made_by(case: &Case<'_>, key: &ObjectKey) -> String {
    let lock = case.subject.lock.known();
    let mut entries = lock.iter().flat_map(|lock| lock.versions.iter().rev());
    let entry = entries.find(|entry| entry.adds.contains(key) || entry.changes.contains(key));
    match (entry, case.subject.set) {
        (Some(entry), Some(set)) => format!("{} of set {}", entry.file, set.name),
        _ => made_by(
            case,
            if key.kind.is_part() {
                &key.parent
            } else {
                &key.name
            },
        ),
    }
}

fn made_by(case: &Case<'_>, name: &str) -> String {
    let file = case.subject.set.and_then(|set| {
        set.migrations
            .iter()
            .find(|migration| mentions(&migration.sql, name))
            .map(|migration| format!("{} of set {}", migration.file, set.name))
    });
    file.unwrap_or_else(|| "the migration set".to_owned())
}
