//! What is there, but not as the set makes it.

use std::collections::BTreeMap;

use super::inherited::Tables;
use super::newer::LOCK_FIRST;
use super::undo::{UNDO, stored, undo};
use super::{bereft, books, labels, last_made_by, settled};
use crate::report::text::{count, short};
use crate::rules::link::{is_spoken_of, is_text};
use crate::rules::text::{ident, named};
use crate::rules::{About, Case, Finding, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::attributes::{
    CHUNK_INTERVAL, DEFINITION, DIMENSIONS, ENABLED, PERSISTENCE, SQL_BODY, TIME_COLUMN,
};
use crate::snapshot::{Change, Gap, Kind, ObjectKey, attributes};

pub(in crate::rules) const CHANGED_OBJECT: Rule = Rule {
    id: "drift/changed-object",
    severity: Severity::Error,
    summary: "Is everything as the set creates it?",
    help: include_str!("../help/drift-changed-object.md"),
    scope: Scope::Database,
    check: changed_object,
};

/// Attributes of a hypertable that have rules of their own.
const HYPERTABLE_RULES: [&str; 3] = [TIME_COLUMN, CHUNK_INTERVAL, DIMENSIONS];

fn changed_object(case: &Case<'_>) -> Verdict {
    let Some(diff) = settled(case)? else {
        return Ok(Outcome::default());
    };
    // One object, one finding, however many of its attributes differ.
    let mut objects: BTreeMap<&ObjectKey, Vec<&Change>> = BTreeMap::new();
    let tables = Tables::new(case);
    for change in &diff.changed {
        let elsewhere = change.key.kind == Kind::Hypertable
            && HYPERTABLE_RULES.contains(&change.attribute.as_str());
        let told = is_text(&change.attribute) && is_spoken_of(&case.survey.reaches, &change.key);
        // A child's column is changed with its parent's.
        let follows = tables.is_told_of_parent(&change.key, |parent| {
            diff.changed.iter().any(|other| {
                other.key == *parent
                    && (&other.attribute, &other.actual) == (&change.attribute, &change.actual)
            })
        });
        if !elsewhere && !told && !follows && !labels::explain(&diff.changed, change) {
            objects.entry(&change.key).or_default().push(change);
        }
    }
    let findings = objects
        .into_iter()
        // One that was replaced so that another could be dropped is told with that.
        .filter(|(_, changes)| bereft::cause(diff, changes).is_none())
        .map(|(key, changes)| changed(case, key, &changes))
        .chain(books::changed(case))
        .collect();
    let gaps = unreadable(case, diff.unknown.len()).into_iter().collect();
    Ok(Outcome { findings, gaps })
}

/// What the server deparses differs between major versions; a text that the lock does not know for this one is not guessed.
fn unreadable(case: &Case<'_>, texts: usize) -> Option<Gap> {
    let major = case.snapshot().ok()?.server.major();
    (texts > 0).then(|| Gap {
        reason: format!(
            "the schema lock of {} has no text of PostgreSQL {major} for {}",
            case.name(),
            count(texts, "definition")
        ),
        remedy: Some(format!(
            "dbctl lock with DBCTL_POSTGRES_BIN naming the binaries of PostgreSQL {major}"
        )),
    })
}

fn changed(case: &Case<'_>, key: &ObjectKey, changes: &[&Change]) -> Finding {
    let severity = if changes.iter().all(|change| {
        attributes::is_cosmetic(key.kind, &change.attribute) || is_stored_otherwise(change)
    }) {
        Severity::Info
    } else {
        CHANGED_OBJECT.severity
    };
    let list = |text: fn(&Change) -> String| {
        changes
            .iter()
            .map(|change| text(change))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let name = named(key);
    let database = ident(case.subject.service.database_name());
    let what = list(|change| {
        format!(
            "{} is {}, expected {}",
            words(change),
            value(change, &change.actual),
            value(change, &change.expected)
        )
    });
    CHANGED_OBJECT
        .finding(
            About::key(key),
            format!(
                "{name} of {} in database {database} is not as the set makes it: {what}",
                case.name()
            ),
        )
        .severity(severity)
        .saw(
            list(|change| format!("{} {}", words(change), change.expected)),
            list(|change| format!("{} {}", words(change), change.actual)),
        )
        .remedy(remedy(case, key, changes))
}

/// The statements that undo it, where they put no row at risk, and else where it is written.
fn remedy(case: &Case<'_>, key: &ObjectKey, changes: &[&Change]) -> String {
    let first = match case.is_lock_stale() {
        true => LOCK_FIRST,
        false => "If the change is wanted, make it in a new migration of the set",
    };
    match undo(case, key, changes) {
        Ok(sql) => format!("{first}; {UNDO}{}", sql.join(" ")),
        Err("") => format!(
            "{first}; otherwise undo it as {} writes it.",
            last_made_by(case, key)
        ),
        Err(why) => format!(
            "{first}; otherwise undo it as {} writes it: {why}.",
            last_made_by(case, key)
        ),
    }
}

/// Whether an index is the same but for its storage parameters (`WITH (fillfactor='70')`).
fn is_stored_otherwise(change: &Change) -> bool {
    change.key.kind == Kind::Index
        && change.attribute == DEFINITION
        && stored(&change.expected).0 == stored(&change.actual).0
}

/// How messages name an attribute.
fn words(change: &Change) -> String {
    match (change.key.kind, change.attribute.as_str()) {
        (_, "kind") => "relation kind".to_owned(),
        (Kind::View | Kind::MaterializedView, DEFINITION) => "view definition".to_owned(),
        (Kind::Function, DEFINITION | SQL_BODY) => "body".to_owned(),
        (_, ENABLED) => "state".to_owned(),
        (Kind::Sequence, name) => format!("sequence definition ({})", name.replace('_', " ")),
        (_, name) => name.replace('_', " "),
    }
}

/// A value of an attribute for a sentence. Of what is on or off, or has one usual value, the lock holds the other one alone.
fn value(change: &Change, value: &str) -> String {
    let is_switch = [&change.actual, &change.expected]
        .iter()
        .all(|value| matches!(value.as_str(), "" | "true"));
    match (change.attribute.as_str(), value) {
        (ENABLED, "") => "enabled".to_owned(),
        (ENABLED, "replica") => "enabled on replicas only".to_owned(),
        (ENABLED, "always") => "always enabled".to_owned(),
        (PERSISTENCE, "") => "logged".to_owned(),
        (_, "") if is_switch => "off".to_owned(),
        (_, "true") if is_switch => "on".to_owned(),
        _ => shown(value),
    }
}

/// A value for a sentence: one short line, never nothing.
pub(super) fn shown(value: &str) -> String {
    if value.trim().is_empty() {
        "not set".to_owned()
    } else {
        short(value, 100)
    }
}
