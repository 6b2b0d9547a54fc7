//! Hypertables against the lock.

use super::settled;
use crate::rules::text::{ident, named, sql_ident};
use crate::rules::{About, Case, Rule, Scope, Severity, Verdict};
use crate::snapshot::attributes;
use crate::snapshot::{Change, Kind, ObjectKey, Text, interval};

pub(in crate::rules) const MISSING_HYPERTABLE: Rule = Rule {
    id: "drift/missing-hypertable",
    severity: Severity::Error,
    summary: "Is every hypertable of the set a hypertable?",
    help: include_str!("../help/drift-missing-hypertable.md"),
    scope: Scope::Database,
    check: missing_hypertable,
};

fn missing_hypertable(case: &Case<'_>) -> Verdict {
    let Some(diff) = settled(case)? else {
        return Ok(Vec::new().into());
    };
    // Without TimescaleDB there is no hypertable: drift/missing-object says so.
    let is_extension = |key: &ObjectKey| key.kind == Kind::Extension && key.name == "timescaledb";
    if diff.missing.iter().any(is_extension) {
        return Ok(Vec::new().into());
    }
    let findings = diff
        .missing
        .iter()
        .filter(|key| key.kind == Kind::Hypertable)
        .map(|key| {
            MISSING_HYPERTABLE
                .finding(
                    About::key(key),
                    format!(
                        "{} of {} is a plain table in database {}, expected a hypertable",
                        named(key).replacen("hypertable", "table", 1),
                        case.name(),
                        ident(case.subject.service.database_name())
                    ),
                )
                .saw("a hypertable", "a plain table")
                .remedy(format!(
                    "SELECT create_hypertable('{}', by_range('{}', {}), create_default_indexes => false, migrate_data => true); it locks the table while it moves the rows.",
                    sql_name(key),
                    locked(case, key, attributes::TIME_COLUMN),
                    sql_interval(&locked(case, key, attributes::CHUNK_INTERVAL))
                ))
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// What the lock says of a hypertable.
fn locked(case: &Case<'_>, key: &ObjectKey, attribute: &str) -> String {
    let known = case.lock().ok().and_then(|lock| lock.objects.get(key));
    match known.and_then(|attributes| attributes.get(attribute)) {
        Some(Text::Same(text)) => text.clone(),
        _ => String::new(),
    }
}

pub(in crate::rules) const TIME_COLUMN: Rule = Rule {
    id: "drift/time-column",
    severity: Severity::Error,
    summary: "Is every hypertable partitioned by the set's column?",
    help: include_str!("../help/drift-time-column.md"),
    scope: Scope::Database,
    check: time_column,
};

fn time_column(case: &Case<'_>) -> Verdict {
    differing(case, &TIME_COLUMN, attributes::TIME_COLUMN, |change| {
        (
            format!(
                "is partitioned by {}, expected {}",
                ident(&change.actual),
                ident(&change.expected)
            ),
            "The partitioning column cannot be changed: create a new hypertable with the right one, copy the rows, and exchange the names.".to_owned(),
        )
    })
}

pub(in crate::rules) const CHUNK_INTERVAL: Rule = Rule {
    id: "drift/chunk-interval",
    severity: Severity::Error,
    summary: "Has every hypertable the set's chunk interval?",
    help: include_str!("../help/drift-chunk-interval.md"),
    scope: Scope::Database,
    check: chunk_interval,
};

fn chunk_interval(case: &Case<'_>) -> Verdict {
    differing(
        case,
        &CHUNK_INTERVAL,
        attributes::CHUNK_INTERVAL,
        |change| {
            // TimescaleDB itself shows microseconds where the column is a time.
            let exact = |text: &str| {
                interval::microseconds(text).map_or_else(
                    || text.to_owned(),
                    |number| format!("{text} ({number} microseconds)"),
                )
            };
            (
                format!(
                    "has chunk interval {}, expected {}",
                    exact(&change.actual),
                    exact(&change.expected)
                ),
                format!(
                    "SELECT set_chunk_time_interval('{}', {}); it holds for new chunks, the old ones keep theirs.",
                    sql_name(&change.key),
                    sql_interval(&change.expected)
                ),
            )
        },
    )
}

pub(in crate::rules) const DIMENSIONS: Rule = Rule {
    id: "drift/dimensions",
    severity: Severity::Error,
    summary: "Has every hypertable the set's dimensions and no other?",
    help: include_str!("../help/drift-dimensions.md"),
    scope: Scope::Database,
    check: dimensions,
};

fn dimensions(case: &Case<'_>) -> Verdict {
    differing(case, &DIMENSIONS, attributes::DIMENSIONS, |change| {
        // The common case, one dimension, is not written down.
        let shown = |text: &str| {
            if text.is_empty() {
                "its time column alone".to_owned()
            } else {
                text.to_owned()
            }
        };
        (
            format!(
                "is partitioned by {}, expected {}",
                shown(&change.actual),
                shown(&change.expected)
            ),
            "A dimension cannot be removed: create a new hypertable without it, copy the rows, and exchange the names.".to_owned(),
        )
    })
}

/// One finding for each hypertable whose attribute differs.
fn differing(
    case: &Case<'_>,
    rule: &Rule,
    attribute: &str,
    say: fn(&Change) -> (String, String),
) -> Verdict {
    let Some(diff) = settled(case)? else {
        return Ok(Vec::new().into());
    };
    let findings = diff
        .changed
        .iter()
        .filter(|change| change.key.kind == Kind::Hypertable && change.attribute == attribute)
        .map(|change| {
            let (what, remedy) = say(change);
            let or_default = |text: &str| {
                if text.is_empty() {
                    "the default".to_owned()
                } else {
                    text.to_owned()
                }
            };
            rule.finding(
                About::key(&change.key),
                format!(
                    "{} of {} in database {} {what}",
                    named(&change.key),
                    case.name(),
                    ident(case.subject.service.database_name())
                ),
            )
            .saw(or_default(&change.expected), or_default(&change.actual))
            .remedy(remedy)
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// The table's name inside a string literal.
fn sql_name(key: &ObjectKey) -> String {
    format!("{}.{}", sql_ident(&key.schema), sql_ident(&key.parent)).replace('\'', "''")
}

/// An interval as TimescaleDB's functions take it: in words for a time, a bare number in the column's own unit otherwise.
fn sql_interval(text: &str) -> String {
    if interval::microseconds(text).is_some() {
        format!("INTERVAL '{text}'")
    } else {
        text.to_owned()
    }
}
