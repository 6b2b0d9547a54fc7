//! A migration set: a folder of SQL in refinery's naming, built in or on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::{Mode, statements};
use crate::regular::read_regular;

/// The sets that are compiled in.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// The largest file of a set, in bytes: data of this size is loaded by other means.
const LARGEST: u64 = 64 << 20;

/// The file beside the migrations that holds the schema lock.
pub const LOCK_FILE: &str = "schema.lock";

/// The names of the sets that are compiled in.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.dirs().filter_map(|dir| dir.path().to_str())
}

/// A migration set.
#[derive(Debug, Clone)]
pub struct Set {
    /// Its name: the folder's.
    pub name: String,
    /// Where it lies on disk; `None` when it is built in.
    pub directory: Option<PathBuf>,
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
    /// Its SQL.
    pub sql: String,
    /// refinery's checksum over name, version and SQL.
    pub checksum: u64,
    /// How it is run.
    pub mode: Mode,
    /// What takes it back, if there is a script for it.
    pub down: Option<Down>,
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
        self.checksum.to_string() == recorded
    }

    /// The file's name without its extension, as refinery writes it: `V1__init`.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.file.strip_suffix(".sql").unwrap_or(&self.file)
    }
}

impl Set {
    /// The built-in set of this name, if there is one.
    ///
    /// # Errors
    /// When its files are wrong, which a test rules out.
    pub fn built_in(name: &str) -> Option<Result<Self, SetError>> {
        Some(Self::embedded(name, BUILT_IN.get_dir(name)?))
    }

    /// The set in a folder that was compiled into the program.
    ///
    /// # Errors
    /// When its files are wrong: misnamed, empty, not UTF-8, or two of one version.
    pub fn embedded(name: &str, dir: &Dir<'_>) -> Result<Self, SetError> {
        let files = dir
            .files()
            .filter_map(|file| {
                let name = file.path().file_name()?.to_str()?.to_owned();
                belongs(&name).then(|| (name, Ok(file.contents().to_vec())))
            })
            .collect();
        Self::from_files(name, None, files)
    }

    /// The set in this folder.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read, or a file is misnamed, empty, a duplicate or not UTF-8.
    pub fn on_disk(name: &str, directory: &Path) -> Result<Self, SetError> {
        let fail = |problem: String| SetError {
            set: name.to_owned(),
            problems: vec![problem],
        };
        let entries = std::fs::read_dir(directory).map_err(|error| {
            fail(format!(
                "cannot read folder {}: {error}",
                directory.display()
            ))
        })?;
        let mut files = BTreeMap::new();
        for entry in entries {
            let entry = entry.map_err(|error| {
                fail(format!(
                    "cannot read folder {}: {error}",
                    directory.display()
                ))
            })?;
            let file_name = entry.file_name();
            let Some(file) = file_name.to_str() else {
                return Err(fail(format!(
                    "{}: the file name is not UTF-8; rename it",
                    entry.path().display()
                )));
            };
            if belongs(file) {
                files.insert(
                    file.to_owned(),
                    read_regular(&entry.path(), LARGEST).map_err(|error| error.to_string()),
                );
            }
        }
        Self::from_files(name, Some(directory), files)
    }

    fn from_files(
        name: &str,
        directory: Option<&Path>,
        files: BTreeMap<String, Result<Vec<u8>, String>>,
    ) -> Result<Self, SetError> {
        let mut problems = Vec::new();
        let mut migrations: Vec<Migration> = Vec::new();
        let mut lock = None;
        let mut downs = Vec::new();
        let shown = |file: &str| {
            directory.map_or_else(
                || format!("{name}/{file}"),
                |directory| directory.join(file).display().to_string(),
            )
        };
        for (file, content) in files {
            let text = match content.map(String::from_utf8) {
                Ok(Ok(text)) => text,
                Ok(Err(error)) => {
                    problems.push(format!(
                        "{}: not UTF-8 (byte {}); save the file as UTF-8",
                        shown(&file),
                        error.utf8_error().valid_up_to()
                    ));
                    continue;
                }
                Err(error) => {
                    problems.push(format!("{}: cannot be read: {error}", shown(&file)));
                    continue;
                }
            };
            if file == LOCK_FILE {
                lock = Some(text);
            } else if file.ends_with(".down.sql") {
                downs.push(Down { file, sql: text });
            } else {
                match parse(&file, &text) {
                    Ok(migration) => migrations.push(migration),
                    Err(problem) => problems.push(format!("{}: {problem}", shown(&file))),
                }
            }
        }
        for down in downs {
            let up = down.file.replace(".down.sql", ".sql");
            match migrations.iter_mut().find(|migration| migration.file == up) {
                Some(migration) => migration.down = Some(down),
                None => problems.push(format!("{}: there is no {up}", shown(&down.file))),
            }
        }
        migrations.sort_by(|a, b| (a.version, &a.file).cmp(&(b.version, &b.file)));
        for (a, b) in migrations.iter().zip(migrations.iter().skip(1)) {
            if a.version == b.version {
                problems.push(format!(
                    "{} and {} both have version {}; give one of them another version",
                    shown(&a.file),
                    shown(&b.file),
                    a.version
                ));
            }
        }
        if migrations.is_empty() && problems.is_empty() {
            problems.push(format!(
                "{} holds no migration; expected files such as V1__init.sql",
                directory.map_or_else(|| name.to_owned(), |path| path.display().to_string())
            ));
        }
        if problems.is_empty() {
            Ok(Self {
                name: name.to_owned(),
                directory: directory.map(Path::to_path_buf),
                migrations,
                lock,
            })
        } else {
            Err(SetError {
                set: name.to_owned(),
                problems,
            })
        }
    }

    /// The hash over all migrations, names and contents: what a schema lock was generated from.
    #[must_use]
    pub fn sum(&self) -> String {
        let mut hash = Sha256::new();
        for migration in &self.migrations {
            for part in [&migration.file, &migration.sql] {
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

/// Whether a file of a set's folder is the set's: its SQL and its lock. A README may hold what it likes, and a dot file is an
/// editor's or the system's.
fn belongs(file: &str) -> bool {
    let sql = Path::new(file)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("sql"));
    !file.starts_with('.') && (sql || file == LOCK_FILE)
}

/// Reads one migration from its file's name and text.
fn parse(file: &str, sql: &str) -> Result<Migration, String> {
    let expected = "expected V<number>__<name>.sql with letters, digits and underscores in the name, as in V1__init.sql";
    let stem = file
        .strip_suffix(".sql")
        .ok_or_else(|| format!("misnamed: {expected} (lower-case .sql)"))?;
    let (version, name) = stem
        .strip_prefix('V')
        .and_then(|rest| rest.split_once("__"))
        .ok_or_else(|| format!("misnamed: {expected}"))?;
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("misnamed: {expected}"));
    }
    let version: i32 = version
        .parse()
        .ok()
        .filter(|version| *version > 0)
        .ok_or_else(|| {
            format!(
                "version {version} is out of range: expected 1 to {}",
                i32::MAX
            )
        })?;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("misnamed: {expected}"));
    }
    if sql.trim().is_empty() {
        return Err("empty: a migration must hold at least one statement".to_owned());
    }
    for statement in statements(sql) {
        if let Some(reason) = statement.escapes() {
            return Err(format!("line {}: {reason}", statement.line));
        }
    }
    let migration = refinery_core::Migration::unapplied(stem, sql)
        .map_err(|error| format!("refinery does not accept it: {error}"))?;
    Ok(Migration {
        version,
        name: name.to_owned(),
        file: file.to_owned(),
        sql: sql.to_owned(),
        checksum: migration.checksum(),
        mode: super::analysis::mode(sql),
        down: None,
    })
}
