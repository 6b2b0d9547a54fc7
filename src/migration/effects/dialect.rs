//! Statements that are written for another database system: its words, which PostgreSQL's grammar does not have.

use super::Act;
use crate::migration::tokens::{Kind, meaningful};
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

/// Words that PostgreSQL's SQL may have as well, in names or operators: they tell another system only where the parser gives up
/// (SQLite documentation, "CREATE TABLE", "CREATE VIRTUAL TABLE"; MySQL reference manual, "CREATE TABLE Statement" and "INSERT … ON
/// DUPLICATE KEY UPDATE Statement"; Transact-SQL reference, "CREATE TABLE (IDENTITY property)").
const UNREAD_MARKS: [(&str, &[&str], &str); 8] = [
    (
        "SQLite",
        &["create", "virtual", "table"],
        "CREATE VIRTUAL TABLE",
    ),
    ("SQLite", &[")", "strict"], "STRICT"),
    ("SQLite", &[",", "strict"], "STRICT"),
    ("MySQL", &["engine", "="], "ENGINE ="),
    ("MySQL", &["default", "charset"], "DEFAULT CHARSET"),
    ("MySQL", &["on", "duplicate", "key"], "ON DUPLICATE KEY"),
    ("MySQL", &["int", "unsigned"], "UNSIGNED"),
    (
        "SQL Server",
        &["identity", "(", "1", ",", "1", ")"],
        "IDENTITY(1,1)",
    ),
];

/// The dialect of a statement that the parser does not know, if it is another's.
pub(super) fn unread(text: &str) -> Option<Act> {
    let words = Words::new(text);
    let table = words.clone().eat(&["create"]) && words.has(&["table"]);
    let mark = UNREAD_MARKS
        .iter()
        .find(|(_, mark, shown)| words.has(mark) && (table || *shown != "STRICT"))
        .map(|(system, _, shown)| (*system, *shown));
    // In PostgreSQL a backtick is an operator: one that stands before a name at once, and behind it, quotes the name.
    let quoted = || {
        let tokens: Vec<_> = meaningful(text).collect();
        tokens.windows(3).any(|three| match three {
            [open, name, close] => {
                open.text == "`"
                    && close.text == "`"
                    && name.kind == Kind::Word
                    && open.at + 1 == name.at
                    && name.at + name.text.len() == close.at
            }
            _ => false,
        })
    };
    mark.or_else(|| quoted().then_some(("MySQL", "`…`")))
        .map(|(system, mark)| Act::Dialect { system, mark })
}

#[cfg(test)]
mod tests {
    use super::Act;
    use crate::migration::effects::effects;

    fn systems(sql: &str) -> Vec<&'static str> {
        effects(sql)
            .effects
            .into_iter()
            .filter_map(|effect| match effect.act {
                Act::Dialect { system, .. } => Some(system),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn other_systems_statements_are_known() {
        for (sql, system) in [
            ("CREATE TABLE a (i int) STRICT", "SQLite"),
            ("CREATE TABLE a (i int) WITHOUT ROWID, STRICT", "SQLite"),
            ("CREATE VIRTUAL TABLE a USING fts5(b)", "SQLite"),
            (
                "CREATE TABLE a (i INTEGER PRIMARY KEY AUTOINCREMENT)",
                "SQLite",
            ),
            ("PRAGMA foreign_keys = ON", "SQLite"),
            ("CREATE TABLE a (i int) ENGINE=InnoDB", "MySQL"),
            ("CREATE TABLE a (i int) DEFAULT CHARSET=utf8mb4", "MySQL"),
            ("CREATE TABLE `a` (i int)", "MySQL"),
            (
                "INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE i = 2",
                "MySQL",
            ),
            ("CREATE TABLE a (i int unsigned)", "MySQL"),
            ("CREATE TABLE a (i int AUTO_INCREMENT)", "MySQL"),
            ("CREATE TABLE a (i int IDENTITY(1,1))", "SQL Server"),
        ] {
            assert_eq!(systems(sql), [system], "{sql}");
        }
    }

    #[test]
    fn words_that_postgresql_has_as_well_tell_nothing() {
        for sql in [
            "CREATE FUNCTION f(i int) RETURNS int LANGUAGE sql STRICT AS 'SELECT 1'",
            "DO $$ DECLARE i int; BEGIN SELECT 1 INTO STRICT i; END $$",
            "CREATE TABLE a (engine text DEFAULT 'x', strict bool, unsigned int)",
            "INSERT INTO a VALUES ('`b`')",
            "SELECT 1 ` 2",
            "UPDATE a SET engine = 'b'",
            // Not known to the parser, and nobody's.
            "FROBNICATE TABLE a",
        ] {
            assert_eq!(systems(sql), [""; 0], "{sql}");
        }
    }
}
