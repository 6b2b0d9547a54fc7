//! Why a set and a history do not fit, and what to do.

use crate::snapshot::HistoryRow;

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
        /// What differs.
        change: Change,
    },
    /// The history holds a migration that the set does not have.
    Unknown(HistoryRow),
    /// The history holds a migration that the set has under another version.
    Renumbered {
        /// The migration of the set.
        file: String,
        /// Its version there.
        version: i32,
        /// The history's row.
        row: HistoryRow,
        /// Whether only the row was edited: its checksum is that of the file as it is.
        edited: bool,
    },
    /// The set holds a migration that is older than the newest applied one, and the history does not.
    OutOfOrder {
        /// The migration of the set.
        file: String,
        /// The newest applied version.
        newest: i64,
        /// The first version above all that are known; `None` when no file can have it.
        free: Option<i32>,
    },
    /// Two rows of the history claim one version.
    Repeated(HistoryRow),
}

/// What differs between a file and the history's row of its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The row's time cannot be read.
    Time,
    /// The row does not say what was applied.
    Silent,
    /// The text.
    Text,
    /// The name.
    Name,
    /// Both: it is another migration.
    Another {
        /// The first version above all that are known; `None` when no file can have it.
        free: Option<i32>,
    },
}

impl Problem {
    /// The version that it is about, as far as the history has it.
    #[must_use]
    pub const fn version(&self) -> Option<i64> {
        match self {
            Self::Divergent { row, .. }
            | Self::Unknown(row)
            | Self::Renumbered { row, .. }
            | Self::Repeated(row) => Some(row.version),
            Self::OutOfOrder { .. } => None,
        }
    }

    /// What is the case.
    #[must_use]
    pub fn fact(&self) -> String {
        match self {
            Self::Divergent {
                file,
                row,
                checksum,
                change,
            } => divergence(file, row, *checksum, *change),
            Self::Unknown(row) if row.number().is_none() => format!(
                "the history holds a row whose version is NULL (name {:?}, applied on {}), which is no migration of the set",
                row.name,
                row.when()
            ),
            Self::Unknown(row) => format!(
                "the history holds {}, applied on {}, which the set does not have",
                file_name(row),
                row.when()
            ),
            Self::Renumbered {
                file,
                row,
                edited: true,
                ..
            } => {
                let is = row.number().map_or_else(
                    || "its version is NULL".to_owned(),
                    |version| format!("it says version {version}"),
                );
                format!(
                    "the history's row of {file} was edited by hand: {is}, and its checksum is that of the file"
                )
            }
            Self::Renumbered { file, row, .. } => format!(
                "{file} is what this database applied as version {}",
                row.version
            ),
            Self::OutOfOrder { file, newest, .. } => format!(
                "{file} was never applied although version {newest} was, as the history says: a migration must be newer than every \
                 applied one"
            ),
            Self::Repeated(row) => format!("the history holds {} more than once", row.numbered()),
        }
    }

    /// What is the case and what to do about it, for this service.
    #[must_use]
    pub fn told(&self, service: &str) -> String {
        format!("{}; {}", self.fact(), self.advice(service))
    }

    /// How a file that was never applied gets a version above all that were, where one is free.
    #[must_use]
    pub fn renumbering(&self, service: &str) -> Option<String> {
        match self {
            Self::OutOfOrder {
                file,
                free: Some(free),
                ..
            } => Some(renumbering(file, *free, service)),
            _ => None,
        }
    }

    /// What to do for this service, in the order in which it is to be done.
    #[must_use]
    pub fn advice(&self, service: &str) -> String {
        let (repair, lock) = (
            format!("dbctl repair --service {service}"),
            format!("dbctl lock --service {service}"),
        );
        match self {
            Self::Divergent {
                file, row, change, ..
            } => remedy(file, row, *change, service),
            Self::Unknown(row) if row.number().is_none() => {
                format!("{repair} tells what to do")
            }
            Self::Unknown(_) => {
                "bring the file back, or use the dbctl and the sets that applied it".to_owned()
            }
            Self::Renumbered { edited: true, .. } => {
                format!(
                    "{repair} gives the row its number back, once it has proven the catalog (run {lock} first if the lock is older than \
                     the set)"
                )
            }
            Self::Renumbered { .. } => {
                format!(
                    "{repair} gives the row its new number, once it has proven the catalog (run {lock} first if the lock is older than \
                     the set)"
                )
            }
            Self::OutOfOrder {
                file,
                free: Some(free),
                ..
            } => format!(
                "where the database holds what the file makes and only its row is lost, {repair} proves that and writes the row; \
                 else {}; databases that have applied it already take the new number over with {repair}",
                renumbering(file, *free, service)
            ),
            Self::OutOfOrder { newest, .. } => format!(
                "where the database holds what the file makes and only its row is lost, {repair} proves that and writes the row; \
                 else the row of version {newest} is in the way, for no file can have a higher version than {}: {repair} tells what to \
                 do with it",
                i32::MAX
            ),
            Self::Repeated(_) => format!("{repair} tells what to do"),
        }
    }
}

fn divergence(file: &str, row: &HistoryRow, checksum: u64, change: Change) -> String {
    let on = match row.applied_on.is_empty() {
        true => String::new(),
        false => format!(" on {}", row.when()),
    };
    let names = || {
        format!(
            "version {} is {} in the history but {file} in the set",
            row.version,
            file_name(row)
        )
    };
    match change {
        Change::Time => format!(
            "the history's row of {file} was edited by hand: its time is {:?}, expected one such as 2026-01-31T12:00:00Z",
            row.applied_on
        ),
        Change::Silent if row.name.is_empty() => format!(
            "the history says nothing of version {} but that it was applied{on}: name and checksum of its row are empty; the set has \
             {file}",
            row.version
        ),
        Change::Silent => format!(
            "the history says nothing of the text of {file}, applied{on}: the checksum of its row is empty"
        ),
        Change::Text => format!(
            "{file} was edited after it was applied{on}, or its row in the history was: the file's checksum is {checksum}, the history \
             says {}",
            row.checksum
        ),
        Change::Name => names(),
        Change::Another { .. } => format!("{}, and their texts differ too", names()),
    }
}

fn remedy(file: &str, row: &HistoryRow, change: Change, service: &str) -> String {
    let (repair, lock) = (
        format!("dbctl repair --service {service}"),
        format!("dbctl lock --service {service}"),
    );
    match change {
        Change::Time => format!("{repair} writes one that can be read"),
        Change::Silent => {
            format!(
                "{repair} proves that the catalog is the set's and fills the row in (run {lock} first if the lock is older than the set)"
            )
        }
        Change::Text => {
            format!(
                "give the file back what it had, or, where the database is already as the set says, run {lock} first and then {repair}, \
                 which proves that and takes the new checksum over"
            )
        }
        Change::Name => {
            format!(
                "give the file its old name back; or run {lock} first and then {repair}, which takes the new name over"
            )
        }
        Change::Another { free } => format!(
            "if it is another migration, bring {} back and give this one {}; if it is the same one, give it its old name or its old text \
             back first",
            file_name(row),
            free.map_or_else(
                || format!("the highest version, once {repair} has told what to do with the row that has it now"),
                |free| format!("a higher version: {}", renumbering(file, free, service))
            )
        ),
    }
}

/// How a file gets another version.
fn renumbering(file: &str, version: i32, service: &str) -> String {
    let name = file.split_once("__").map_or(file, |(_, name)| name);
    format!(
        "rename it to V{version}__{name} (and its down script with it), then run dbctl lock --service {service}"
    )
}

/// The file name that a history row stands for.
fn file_name(row: &HistoryRow) -> String {
    format!("{}.sql", row.stem())
}
