//! A migration set: a folder of SQL in refinery's naming, built in or on disk.

#[cfg(feature = "cli")]
mod beside;
#[cfg(feature = "cli")]
mod facts;
mod file;
#[cfg(feature = "cli")]
mod hypertables;
mod load;
#[cfg(feature = "cli")]
mod order;
#[cfg(feature = "cli")]
mod quick;
mod script;
mod temporary;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;

use super::Mode;
use crate::snapshot::HistoryRow;
use file::BYTE_ORDER_MARK;

#[cfg(feature = "cli")]
pub use facts::{FileFacts, SetFacts};
#[cfg(feature = "cli")]
pub use hypertables::{Refused, refused_by_timescaledb};
pub use load::built_in_names;
#[cfg(feature = "cli")]
pub use order::column_order;
#[cfg(feature = "cli")]
pub use quick::{CHANGES_TYPE, NOT_NULL, Quick, quick_of};

/// The file beside the migrations that holds the schema lock.
pub const LOCK_FILE: &str = "schema.lock";

/// A migration set.
#[derive(Debug, Clone)]
pub struct Set {
    /// Its name: the folder's.
    pub name: String,
    /// Where it lies on disk; `None` when it is built in.
    pub directory: Option<PathBuf>,
    /// Files in folders of its folder that are named as migrations are: refinery reads them as well, dbctl does not.
    pub deeper: Vec<String>,
    /// Its migrations by version, ascending.
    pub migrations: Vec<Migration>,
    /// The text of its schema lock, if there is one.
    pub lock: Option<String>,
}

/// One versioned migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its version.
    pub version: i32,
    /// Its name, without version and extension.
    pub name: String,
    /// The file's name, as in `V1__init.sql`.
    pub file: String,
    /// Its SQL, as it is sent: without a byte order mark.
    pub sql: String,
    /// refinery's checksum over name, version and the file's text, byte order mark and line ends included.
    pub checksum: u64,
    /// How it is run.
    pub mode: Mode,
    /// What takes it back, if there is a script for it.
    pub down: Option<Down>,
    /// The checksums of texts that differ only in line ends or a byte order mark, from when one was first asked for.
    same: OnceLock<Vec<u64>>,
    /// Whether the file begins with a byte order mark.
    marked: bool,
}

/// The script that takes a migration back: `V1__init.down.sql` beside `V1__init.sql`. It runs in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    /// The file's name.
    pub file: String,
    /// Its SQL.
    pub sql: String,
}

/// Why a set cannot be used: each line names a file and says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("set {set}: {}", problems.join("; "))]
pub struct SetError {
    /// The set.
    pub set: String,
    /// Everything that is wrong with it, one sentence each.
    pub problems: Vec<String>,
}

impl Migration {
    /// Whether a checksum of the history stands for this file. Line ends and a byte order mark make no difference.
    #[must_use]
    pub fn has_checksum(&self, recorded: &str) -> bool {
        recorded.parse().is_ok_and(|recorded| {
            self.checksum == recorded
                || self
                    .same
                    .get_or_init(|| same(self.version, &self.name, &self.sql))
                    .contains(&recorded)
        })
    }

    /// Whether this file's text is what a row of the history was written for, under the name and version that the row has: the checksum
    /// is over both as well.
    #[must_use]
    pub fn is_text_of(&self, row: &HistoryRow) -> bool {
        let (Ok(version), Ok(recorded)) = (i32::try_from(row.version), row.checksum.parse()) else {
            return false;
        };
        same(version, &row.name, &self.sql).contains(&recorded)
    }

    /// The file's whole text, as refinery reads it and computes its checksum from.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self.marked {
            true => Cow::Owned(format!("{BYTE_ORDER_MARK}{}", self.sql)),
            false => Cow::Borrowed(&self.sql),
        }
    }

    /// The file's name without its extension, as refinery writes it: `V1__init`.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.file.strip_suffix(".sql").unwrap_or(&self.file)
    }
}

impl Set {
    /// The hash over all migrations and down scripts, names and contents: what a schema lock was generated from.
    #[must_use]
    pub fn sum(&self) -> String {
        let mut hash = Sha256::new();
        for migration in &self.migrations {
            let up = [&migration.file, &migration.sql];
            let down = migration
                .down
                .iter()
                .flat_map(|down| [&down.file, &down.sql]);
            for part in up.into_iter().chain(down) {
                // A checkout with other line ends is the same set.
                let part = part.replace("\r\n", "\n");
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        let digest = hash.finalize();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }

    /// How messages name the set's lock file.
    #[must_use]
    pub fn lock_path(&self) -> String {
        self.directory.as_ref().map_or_else(
            || format!("{}/{LOCK_FILE} (built in)", self.name),
            |directory| directory.join(LOCK_FILE).display().to_string(),
        )
    }

    /// The newest version of the set.
    #[must_use]
    pub fn newest(&self) -> i32 {
        self.migrations
            .last()
            .map_or(0, |migration| migration.version)
    }
}

/// refinery's checksum of a file: as `refinery_core::Migration::unapplied` makes it, which reads the file's name anew each time.
fn checksum(version: i32, name: &str, text: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    name.hash(&mut hasher);
    version.hash(&mut hasher);
    text.hash(&mut hasher);
    hasher.finish()
}

/// refinery's checksums of the texts that differ from a file's only in line ends or a byte order mark: what version control and
/// editors change without a word.
fn same(version: i32, name: &str, sql: &str) -> Vec<u64> {
    let unix = sql.replace("\r\n", "\n");
    let windows = unix.replace('\n', "\r\n");
    [sql, &unix, &windows]
        .into_iter()
        .flat_map(|text| [text.to_owned(), format!("{BYTE_ORDER_MARK}{text}")])
        .map(|text| checksum(version, name, &text))
        .collect()
}
