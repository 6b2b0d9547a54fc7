//! Set × history → what is applied, pending, divergent, missing, out of order.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Migration, Set};
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

/// Why history and set do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The file was edited, or another migration took its version, after it was applied; or the row itself was edited.
    Divergent {
        /// The migration of the set.
        file: String,
        /// The history's row.
        row: HistoryRow,
        /// The checksum of the set's file.
        checksum: u64,
    },
    /// The history holds a migration that the set does not have.
    Unknown(HistoryRow),
    /// The set holds a migration that is older than the newest applied one and was never applied.
    OutOfOrder {
        /// The migration of the set.
        file: String,
        /// The newest applied version.
        newest: i64,
        /// The first version above all that are known.
        free: i64,
    },
    /// Two rows of the history claim one version.
    Repeated(HistoryRow),
}

impl Problem {
    /// The version that it is about, as far as the history has it.
    #[must_use]
    pub const fn version(&self) -> Option<i64> {
        match self {
            Self::Divergent { row, .. } | Self::Unknown(row) | Self::Repeated(row) => {
                Some(row.version)
            }
            Self::OutOfOrder { .. } => None,
        }
    }
}

impl Problem {
    /// What is the case.
    #[must_use]
    pub fn fact(&self) -> String {
        match self {
            Self::Divergent { file, row, .. } if file_name(row) != *file => format!(
                "version {} is {} in the history but {file} in the set",
                row.version,
                file_name(row)
            ),
            Self::Divergent {
                file,
                row,
                checksum,
            } if row.checksum == checksum.to_string() => format!(
                "the history's row of {file} was edited by hand: its time is {:?}, expected one such as 2026-01-31T12:00:00Z",
                row.applied_on
            ),
            Self::Divergent {
                file,
                row,
                checksum,
            } => format!(
                "{file} was edited after it was applied on {}: its checksum is {checksum}, the history says {}",
                row.applied_on, row.checksum
            ),
            Self::Unknown(row) => format!(
                "the history holds {}, applied on {}, which the set does not have",
                file_name(row),
                row.applied_on
            ),
            Self::OutOfOrder { file, newest, .. } => format!(
                "{file} was never applied although version {newest} was: a migration must be newer than every applied one"
            ),
            Self::Repeated(row) => {
                format!("the history holds version {} more than once", row.version)
            }
        }
    }

    /// What to do, in the order in which it is to be done.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Divergent { file, row, .. } if file_name(row) != *file => {
                "give the file its old name back; or, if only its name has changed, run dbctl lock first and then dbctl repair, which takes \
                 the new name over; or, if it is another migration, bring the old file back and give this one a higher version"
                    .to_owned()
            }
            Self::Divergent { row, checksum, .. } if row.checksum == checksum.to_string() => {
                "dbctl repair writes one that can be read".to_owned()
            }
            Self::Divergent { .. } => {
                "give the file back what it had, or, where the database is already as the set says, run dbctl lock first and then dbctl \
                 repair, which proves that and takes the new checksum over"
                    .to_owned()
            }
            Self::Unknown(_) => {
                "bring the file back, or use the dbctl and the sets that applied it".to_owned()
            }
            Self::OutOfOrder { file, free, .. } => format!(
                "rename it to {} (and its down script with it), then run dbctl lock",
                renumbered(file, *free)
            ),
            Self::Repeated(_) => "dbctl repair tells what to do".to_owned(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.fact(), self.advice())
    }
}

/// The same file with another version.
fn renumbered(file: &str, version: i64) -> String {
    let name = file.split_once("__").map_or(file, |(_, name)| name);
    format!("V{version}__{name}")
}

/// The file name that a history row stands for.
fn file_name(row: &HistoryRow) -> String {
    format!("V{}__{}.sql", row.version, row.name)
}

/// Whether refinery could read this time: its own reader panics where it cannot.
fn is_time(applied_on: &str) -> bool {
    OffsetDateTime::parse(applied_on, &Rfc3339).is_ok()
}

impl Plan {
    /// Compares a set with a history.
    #[must_use]
    pub fn new(set: &Set, history: &History) -> Self {
        let mut plan = Self::default();
        let newest = history.rows.iter().map(|row| row.version).max();
        let known: BTreeMap<i64, &Migration> = set
            .migrations
            .iter()
            .map(|migration| (i64::from(migration.version), migration))
            .collect();
        let mut seen = BTreeSet::new();
        for row in &history.rows {
            if !seen.insert(row.version) {
                plan.problems.push(Problem::Repeated(row.clone()));
                continue;
            }
            match known.get(&row.version) {
                None => plan.problems.push(Problem::Unknown(row.clone())),
                Some(migration) => {
                    let unchanged = migration.has_checksum(&row.checksum);
                    if migration.name != row.name || !unchanged || !is_time(&row.applied_on) {
                        plan.problems.push(Problem::Divergent {
                            file: migration.file.clone(),
                            row: row.clone(),
                            // One of the file's own checksums is no difference to tell of.
                            checksum: row
                                .checksum
                                .parse()
                                .ok()
                                .filter(|_| unchanged)
                                .unwrap_or(migration.checksum),
                        });
                    }
                    plan.applied.push(Applied {
                        version: row.version,
                        name: row.name.clone(),
                        applied_on: row.applied_on.clone(),
                    });
                }
            }
        }
        let last = set.migrations.iter().map(|last| last.version.into()).max();
        let free = newest.max(last).unwrap_or_default().saturating_add(1);
        for migration in &set.migrations {
            let version = i64::from(migration.version);
            if seen.contains(&version) {
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
        plan
    }
}
