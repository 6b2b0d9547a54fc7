//! What failed, where, and what the state is now.

use tokio_postgres::error::SqlState;

use super::super::error::{describe, position};
use super::{ApplyError, ApplyOptions};
use crate::migration::masked::{server_words, without_texts};
use crate::migration::tokens::contains;
use crate::migration::{Migration, Mode, Statement, statements};

/// A failed attempt.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server or the connection refused something.
    Driver {
        /// What was being done.
        step: Step,
        /// What it said.
        error: tokio_postgres::Error,
        /// How many characters were sent before the migration's own.
        offset: usize,
    },
    /// Everything ran, and what it left cannot be committed: the sentence that says why.
    Unfit {
        /// The statement, if one alone is to blame: the one after so many.
        statement: Option<usize>,
        /// Why.
        reason: String,
    },
    /// Somebody else works on the same database without the runners' lock: the sentence that says so.
    Disturbed(String),
}

impl Failure {
    pub(super) fn at(step: Step) -> impl Fn(tokio_postgres::Error) -> Self + Copy {
        move |error| Self::Driver {
            step,
            error,
            offset: 0,
        }
    }

    /// An error of what dbctl and refinery add.
    pub(super) fn own(error: tokio_postgres::Error) -> Self {
        Self::Driver {
            step: Step::Own,
            error,
            offset: 0,
        }
    }
}

/// Which part of a migration failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A statement of the migration's own SQL: the one after so many.
    Statement(usize),
    /// Its COMMIT, and the deferred constraints that are checked there.
    Commit,
    /// What dbctl and refinery add around it.
    Own,
}

pub(super) fn interrupted(migration: &Migration) -> ApplyError {
    let state = match migration.mode {
        Mode::Transaction => "the running migration was rolled back",
        Mode::Statements => "the next run goes on from there",
    };
    ApplyError::Interrupted(format!("{}: interrupted; {state}", migration.file))
}

/// What is known when the connection broke in a migration.
pub(super) fn broken_text(
    migration: &Migration,
    step: Step,
    error: &tokio_postgres::Error,
) -> String {
    let (when, now) = match (step, migration.mode) {
        (Step::Commit, _) => (
            " at its COMMIT",
            "dbctl status tells whether it was committed, and the next run goes on from there",
        ),
        (_, Mode::Statements) => (
            "",
            "what ran before stays, and the next run finds out what became of the last statement and goes on from there",
        ),
        (Step::Own | Step::Statement(_), Mode::Transaction) => {
            ("", "the server rolls it back, and the next run applies it")
        }
    };
    // A server without room for its log ends (PANIC), and does so again.
    let first = match error.code() == Some(&SqlState::DISK_FULL) {
        true => "make room on the server's disk first: ",
        false => "",
    };
    format!(
        "{}: the connection broke{when}: {}; {first}{now}",
        migration.file,
        describe(error)
    )
}

/// What failed, where, and what the state is now. `offset` is how many characters were sent before the migration's own.
pub(super) fn failure_text(
    migration: &Migration,
    step: Step,
    error: &tokio_postgres::Error,
    offset: usize,
    state: &str,
    options: &ApplyOptions,
) -> String {
    let mut told = describe(error);
    let place = match step {
        Step::Statement(number) => {
            let position = position(error).and_then(|position| position.checked_sub(offset));
            if let Some(statement) = failed(migration, number, position) {
                told = server_words(&told, statement.text);
            }
            place(migration, number, position)
        }
        Step::Commit => format!("{}, at its COMMIT", migration.file),
        Step::Own => format!("{} (in dbctl's own statements)", migration.file),
    };
    let there = [
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_COLUMN,
        SqlState::DUPLICATE_FUNCTION,
        SqlState::DUPLICATE_OBJECT,
        SqlState::DUPLICATE_SCHEMA,
    ];
    // A procedure that commits, or REINDEX and CLUSTER of what is partitioned: the text does not show it.
    let outside = [
        SqlState::ACTIVE_SQL_TRANSACTION,
        SqlState::INVALID_TRANSACTION_TERMINATION,
    ];
    let hint = match (step, error.code()) {
        (Step::Statement(_), Some(code)) if there.contains(code) && options.throwaway => {
            "; it is there already: another statement of the set makes it too, or the server has it".to_owned()
        }
        (Step::Statement(number), Some(code)) if there.contains(code) => {
            // What is written down of the statements before it keeps repair from the row.
            let how = match (migration.mode, number) {
                (Mode::Statements, 1..) => format!(
                    " --forget {} forgets the statements before this one, and then dbctl repair --service {} proves that the catalog \
                     is the version's, and writes the row",
                    migration.version, options.service
                ),
                _ => " proves and mends".to_owned(),
            };
            format!(
                "; it is there already: somebody made it by hand, another file of the set makes it too, or the history lost a row, which dbctl repair --service {}{how}",
                options.service
            )
        }
        (Step::Statement(_), Some(code))
            if migration.mode == Mode::Transaction && outside.contains(code) =>
        {
            "; what no transaction can hold runs where the file has the line -- dbctl:no-transaction at its head".to_owned()
        }
        (Step::Statement(_), Some(code))
            if *code == SqlState::UNSAFE_NEW_ENUM_VALUE_USAGE =>
        {
            "; a new value can be used after the COMMIT of what adds it: make two files of this one, or give it the line \
             -- dbctl:no-transaction at its head"
                .to_owned()
        }
        (Step::Statement(number), Some(_)) if refuses_concurrently(migration, number, error) => {
            "; TimescaleDB makes no index of a hypertable CONCURRENTLY: write CREATE INDEX … WITH (timescaledb.transaction_per_chunk), which \
             locks one chunk at a time"
                .to_owned()
        }
        (Step::Own, Some(code)) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            "; the migration, or a trigger that it fires, has changed the session (SET TRANSACTION READ ONLY, \
             default_transaction_read_only): take that out"
                .to_owned()
        }
        _ => String::new(),
    };
    format!("{place}: {told}; {state}{hint}")
}

/// Whether TimescaleDB refuses to make an index CONCURRENTLY; its words are English everywhere.
fn refuses_concurrently(
    migration: &Migration,
    number: usize,
    error: &tokio_postgres::Error,
) -> bool {
    let says = |word: &str| {
        let db = error.as_db_error();
        db.is_some_and(|db| db.message().contains(word))
    };
    says("hypertable")
        && says("concurrent")
        && failed(migration, number, None)
            .is_some_and(|statement| contains(statement.text, "concurrently"))
}

/// File, line and text of a statement. `position` is the server's, in what was sent: the whole file, or the statement alone.
pub(super) fn place(migration: &Migration, number: usize, position: Option<usize>) -> String {
    let file = &migration.file;
    let statement = failed(migration, number, position);
    let first = statement.map(|statement| statement.line);
    let line = match (position, migration.mode) {
        (None, _) => first,
        (Some(position), Mode::Transaction) => Some(1 + lines(&migration.sql, position)),
        (Some(position), Mode::Statements) => {
            statement.map(|statement| statement.line + lines(statement.text, position))
        }
    };
    let text = statement.map_or_else(String::new, |statement| shortened(statement.text));
    line.map_or_else(
        || file.clone(),
        |line| format!("{file}, line {line} ({text})"),
    )
}

/// What a failed migration in one transaction leaves.
pub(super) fn nothing_remains(migration: &Migration) -> String {
    format!("nothing of {} remains", migration.stem())
}

/// The statement that failed: the one after so many, or the one that a position is in.
fn failed(migration: &Migration, number: usize, position: Option<usize>) -> Option<Statement<'_>> {
    let all = statements(&migration.sql);
    // The server reads the whole text before it runs any of it: then only the position tells which statement it does not understand.
    let meant = match (position, migration.mode) {
        (Some(position), Mode::Transaction) => all
            .partition_point(|statement| starts_by(&migration.sql, statement.at, position))
            .saturating_sub(1),
        _ => number,
    };
    all.into_iter().nth(meant)
}

/// Whether what begins at this byte begins no later than the character at a position, which is counted from 1.
fn starts_by(sql: &str, at: usize, position: usize) -> bool {
    let before = sql.get(..at).unwrap_or_default();
    before.chars().count() < position
}

/// How many lines end before a position, which is counted from 1.
pub(super) fn lines(sql: &str, position: usize) -> usize {
    let before = sql.chars().take(position.saturating_sub(1));
    before.filter(|c| *c == '\n').count()
}

/// A statement in one line, and not too long a one. A quoted text may be a password and is left out.
pub(super) fn shortened(statement: &str) -> String {
    const MOST: usize = 160;
    let line = without_texts(statement);
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST {
        return line;
    }
    let mut short: String = line.chars().take(MOST).collect();
    short.push('…');
    short
}
