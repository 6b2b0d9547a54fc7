//! Statements that are written for another database system: its words, which PostgreSQL's grammar does not have.

use super::Act;
use crate::migration::words::Words;

/// Words that stand next to one another nowhere in PostgreSQL's SQL.
const MARKS: [(&str, &[&str]); 9] = [
    ("SQLite", &["autoincrement"]),
    ("SQLite", &["without", "rowid"]),
    ("SQLite", &["insert", "or", "replace"]),
    ("SQLite", &["insert", "or", "ignore"]),
    ("SQLite", &["attach", "database"]),
    ("SQLite", &["detach", "database"]),
    ("SQLite", &["from", "sqlite_master"]),
    ("MySQL", &["auto_increment"]),
    ("MySQL", &["replace", "into"]),
];

/// How each of them is shown.
const SHOWN: [&str; 9] = [
    "AUTOINCREMENT",
    "WITHOUT ROWID",
    "INSERT OR REPLACE",
    "INSERT OR IGNORE",
    "ATTACH DATABASE",
    "DETACH DATABASE",
    "sqlite_master",
    "AUTO_INCREMENT",
    "REPLACE INTO",
];

/// The dialect of a statement, if it is another's.
pub(super) fn dialect(text: &str) -> Option<Act> {
    let words = Words::new(text);
    if words.clone().eat(&["pragma"]) {
        return Some(Act::Dialect {
            system: "SQLite",
            mark: "PRAGMA",
        });
    }
    MARKS
        .iter()
        .zip(SHOWN)
        .find(|((_, mark), _)| words.has(mark))
        .map(|((system, _), mark)| Act::Dialect { system, mark })
}
