//! What failed, where, and what the state is now.

use super::super::error::{describe, position};
use super::ApplyError;
use crate::migration::{Migration, statements};

/// A failed attempt.
pub(super) struct Failure {
    pub(super) step: Step,
    pub(super) error: tokio_postgres::Error,
}

impl Failure {
    pub(super) fn at(step: Step) -> impl Fn(tokio_postgres::Error) -> Self + Copy {
        move |error| Self { step, error }
    }
}

/// Which part of a migration's transaction failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A statement of the migration's own SQL: the one after so many.
    Statement(usize),
    /// Its COMMIT, where deferred constraints are checked.
    Commit,
    /// What dbctl and refinery add around it.
    Own,
}

pub(super) fn interrupted(migration: &Migration) -> ApplyError {
    ApplyError::Interrupted(format!(
        "{}: interrupted; the running migration was rolled back",
        migration.file
    ))
}

/// What is known when the connection broke in a migration.
pub(super) fn broken_text(
    migration: &Migration,
    step: Step,
    error: &tokio_postgres::Error,
) -> String {
    let (when, now) = match step {
        Step::Commit => (
            " at its COMMIT",
            "dbctl status tells whether it was committed, and the next run goes on from there",
        ),
        Step::Own | Step::Statement(_) => {
            ("", "the server rolls it back, and the next run applies it")
        }
    };
    format!(
        "{}: the connection broke{when}: {}; {now}",
        migration.file,
        describe(error)
    )
}

/// What failed, where, and what the state is now.
pub(super) fn failure_text(
    migration: &Migration,
    step: Step,
    error: &tokio_postgres::Error,
) -> String {
    let file = &migration.file;
    let place = match step {
        Step::Statement(number) => {
            let statement = statements(&migration.sql).into_iter().nth(number);
            let line = position(error).map_or_else(
                || statement.map(|statement| statement.line),
                |position| Some(line_of(&migration.sql, position)),
            );
            let text = statement.map_or_else(String::new, |statement| shortened(statement.text));
            line.map_or_else(
                || file.clone(),
                |line| format!("{file}, line {line} ({text})"),
            )
        }
        Step::Commit => format!("{file}, at its COMMIT"),
        Step::Own => format!("{file} (in dbctl's own statements)"),
    };
    format!(
        "{place}: {}; nothing of {} remains",
        describe(error),
        migration.stem()
    )
}

/// The line of a position, both counted from 1.
fn line_of(sql: &str, position: usize) -> usize {
    let before = sql.chars().take(position.saturating_sub(1));
    before.filter(|c| *c == '\n').count() + 1
}

/// A statement in one line, and not too long a one.
fn shortened(statement: &str) -> String {
    const MOST: usize = 160;
    let line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST {
        return line;
    }
    let mut short: String = line.chars().take(MOST).collect();
    short.push('…');
    short
}
