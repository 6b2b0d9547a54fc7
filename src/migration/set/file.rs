//! The files of a set: what their names say, and what is wrong with their contents.

use std::path::Path;
use std::sync::OnceLock;

use super::{Down, LOCK_FILE, Migration, checksum, script};
use crate::migration::tokens::{Kind, meaningful};

/// What editors of some systems put before a text; the server takes it for a part of the first word.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Whether a file of a set's folder is the set's: its SQL and its lock. A README may hold what it likes, and a dot file is an
/// editor's or the system's.
pub(super) fn belongs(file: &str) -> bool {
    let sql = Path::new(file)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("sql"));
    !file.starts_with('.') && (sql || file == LOCK_FILE)
}

/// What a file's name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileName {
    pub(super) version: i32,
    pub(super) name: String,
    /// Whether it takes the migration back: `V1__init.down.sql`.
    pub(super) down: bool,
}

impl FileName {
    /// Reads a file's name.
    pub(super) fn read(file: &str) -> Result<Self, String> {
        let expected = "expected V<number>__<name>.sql with letters, digits and underscores in the name, as in V1__init.sql \
             (or V1__init.down.sql, which takes it back)";
        let stem = file
            .strip_suffix(".sql")
            .ok_or_else(|| format!("misnamed: {expected} (lower-case .sql)"))?;
        let (stem, down) = match stem.strip_suffix(".down") {
            Some(stem) => (stem, true),
            None => (stem, false),
        };
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
        Ok(Self {
            version,
            name: name.to_owned(),
            down,
        })
    }
}

/// Reads a migration.
pub(super) fn up(file: &str, name: FileName, text: &str) -> Result<Migration, Vec<String>> {
    let sql = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let (mode, problems) = script::up(sql);
    check(sql, "migration", problems)?;
    let stem = file.strip_suffix(".sql").unwrap_or(file);
    let checksum = checksum(stem, text)
        .map_err(|error| vec![format!("refinery does not accept it: {error}")])?;
    Ok(Migration {
        version: name.version,
        name: name.name,
        file: file.to_owned(),
        sql: sql.to_owned(),
        checksum,
        mode,
        down: None,
        same: OnceLock::new(),
        marked: text.starts_with(BYTE_ORDER_MARK),
    })
}

/// Reads a down script.
pub(super) fn down(file: &str, text: &str) -> Result<Down, Vec<String>> {
    let sql = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    check(sql, "down script", script::down(sql))?;
    Ok(Down {
        file: file.to_owned(),
        sql: sql.to_owned(),
    })
}

fn check(sql: &str, script: &str, problems: Vec<(usize, String)>) -> Result<(), Vec<String>> {
    if !problems.is_empty() {
        let shown = |(line, problem)| format!("line {line}: {problem}");
        return Err(problems.into_iter().map(shown).collect());
    }
    if meaningful(sql).all(|token| token.kind == Kind::End) {
        return Err(vec![format!(
            "empty: a {script} must hold at least one statement"
        )]);
    }
    Ok(())
}
