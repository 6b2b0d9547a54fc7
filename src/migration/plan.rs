//! Set × history → what is applied, pending, divergent, missing, out of order.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Change, Migration, Problem, Set};
use crate::snapshot::{History, HistoryRow};

/// How a set relates to a database's history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What the history holds and the set knows, in order.
    pub applied: Vec<Applied>,
    /// What is still to be applied, in order.
    pub pending: Vec<Migration>,
    /// What must be mended before anything is applied.
    pub problems: Vec<Problem>,
    /// Where nothing else is wrong than that the history goes on where the set ends.
    pub ahead: Option<Ahead>,
}

/// A database that a newer release of the set has migrated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// The newest recorded migration.
    pub recorded: HistoryRow,
    /// How many recorded migrations the set does not have.
    pub more: usize,
    /// The set's newest version; 0 where it has none.
    pub newest: i32,
}

impl Ahead {
    /// What is the case, and what to do about it for this service.
    #[must_use]
    pub fn told(&self, service: &str) -> String {
        let more = match self.more {
            1 => "1 migration".to_owned(),
            more => format!("{more} migrations"),
        };
        format!(
            "the database is ahead of this set: {} is the newest recorded migration, applied on {}, and V{} the set's newest ({more} that the set does \
             not have): as a newer release of the set leaves it; deploy that one, or, with it, take the database back first: dbctl \
             rollback --service {service} --target {}",
            self.recorded.stem(),
            self.recorded.when(),
            self.newest,
            self.newest
        )
    }
}

/// A migration that the history holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The version.
    pub version: i64,
    /// The name.
    pub name: String,
    /// When, as the history says.
    pub applied_on: String,
}

/// Whether refinery could read this time: its own reader panics where it cannot.
fn is_time(applied_on: &str) -> bool {
    OffsetDateTime::parse(applied_on, &Rfc3339).is_ok()
}

/// Whether the history is that of a newer release: it holds all of the set, and above it what the set does not have.
fn ahead(set: &Set, plan: &Plan) -> Option<Ahead> {
    let newest = i64::from(set.newest());
    let above = |problem: &Problem| match problem {
        // No file has the highest number: such a row was edited by hand.
        Problem::Unknown(row) if row.version > newest && row.version < i64::from(i32::MAX) => {
            Some(row.clone())
        }
        _ => None,
    };
    let rows: Option<Vec<HistoryRow>> = plan.problems.iter().map(above).collect();
    let rows = rows?;
    Some(Ahead {
        more: rows.len(),
        recorded: rows.into_iter().max_by_key(|row| row.version)?,
        newest: set.newest(),
    })
}

impl Plan {
    /// Everything that keeps the set from being applied, in words, for this service.
    #[must_use]
    pub fn told(&self, service: &str) -> Vec<String> {
        match &self.ahead {
            Some(ahead) => vec![ahead.told(service)],
            None => {
                let problems = self.problems.iter();
                problems.map(|problem| problem.told(service)).collect()
            }
        }
    }

    /// Compares a set with a history.
    #[must_use]
    pub fn new(set: &Set, history: &History) -> Self {
        let mut plan = Self::default();
        let known: BTreeMap<i64, &Migration> = set
            .migrations
            .iter()
            .map(|migration| (i64::from(migration.version), migration))
            .collect();
        let recorded: BTreeSet<i64> = history.rows.iter().map(|row| row.version).collect();
        // Versions that the history has under another number.
        let mut elsewhere = BTreeSet::new();
        let mut moved = |row: &HistoryRow| {
            if known.contains_key(&row.version) {
                return None;
            }
            set.migrations.iter().find(|migration| {
                !recorded.contains(&i64::from(migration.version))
                    && migration.name == row.name
                    && (migration.is_text_of(row) || migration.has_checksum(&row.checksum))
                    && elsewhere.insert(migration.version)
            })
        };
        let rows: Vec<(&HistoryRow, Option<&Migration>)> =
            history.rows.iter().map(|row| (row, moved(row))).collect();
        // A number that was edited by hand says nothing of what is newest.
        let numbers = rows.iter().map(|(row, moved)| match moved {
            Some(migration) if migration.has_checksum(&row.checksum) => migration.version.into(),
            _ => row.version,
        });
        let newest = numbers.max();
        let last = set.migrations.iter().map(|last| last.version.into()).max();
        let free = newest.max(last).unwrap_or_default().saturating_add(1);
        let free = i32::try_from(free).ok();
        let mut seen = BTreeSet::new();
        for (row, renumbered) in rows {
            if !seen.insert(row.version) {
                plan.problems.push(Problem::Repeated(row.clone()));
                continue;
            }
            let Some(migration) = known.get(&row.version) else {
                plan.problems.push(match renumbered {
                    Some(migration) => Problem::Renumbered {
                        file: migration.file.clone(),
                        version: migration.version,
                        row: row.clone(),
                        edited: migration.has_checksum(&row.checksum),
                    },
                    None => Problem::Unknown(row.clone()),
                });
                continue;
            };
            if let Some(change) = change(migration, row, free) {
                plan.problems.push(Problem::Divergent {
                    file: migration.file.clone(),
                    row: row.clone(),
                    // One of the file's own checksums is no difference to tell of.
                    checksum: match migration.has_checksum(&row.checksum) {
                        true => row.checksum.parse().unwrap_or(migration.checksum),
                        false => migration.checksum,
                    },
                    change,
                });
            }
            plan.applied.push(Applied {
                version: row.version,
                name: row.name.clone(),
                applied_on: row.applied_on.clone(),
            });
        }
        for migration in &set.migrations {
            let version = i64::from(migration.version);
            if seen.contains(&version) || elsewhere.contains(&migration.version) {
                continue;
            }
            match newest {
                Some(newest) if newest > version => plan.problems.push(Problem::OutOfOrder {
                    file: migration.file.clone(),
                    newest,
                    free,
                }),
                _ => plan.pending.push(migration.clone()),
            }
        }
        plan.ahead = ahead(set, &plan);
        plan
    }
}

/// What differs between a file and the row of its version.
fn change(migration: &Migration, row: &HistoryRow, free: Option<i32>) -> Option<Change> {
    let named = migration.name == row.name;
    let unchanged = migration.has_checksum(&row.checksum);
    if named && unchanged {
        return (!is_time(&row.applied_on)).then_some(Change::Time);
    }
    Some(
        if row.checksum.is_empty() && (named || row.name.is_empty()) {
            Change::Silent
        } else if named {
            Change::Text
        } else if unchanged || migration.is_text_of(row) {
            Change::Name
        } else {
            Change::Another { free }
        },
    )
}
