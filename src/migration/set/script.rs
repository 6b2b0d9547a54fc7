//! What cannot stand in a script, told before anything runs: the server would say it too, but after earlier migrations were applied,
//! or not at all.

use super::temporary::Temporary;
use crate::migration::analysis::{
    Analysis, Mode, NO_TRANSACTION, Place, asked, is_alone, misplaced,
};
use crate::migration::statements::{Lines, Reader};
use crate::migration::tokens::{Kind, Token, contains, tokens};
use crate::migration::words::{Words, psql_command};
use crate::migration::{Statement, analyse, statements};

/// What is wrong, with the line of each.
pub(super) type Problems = Vec<(usize, String)>;

/// Which script it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// A migration that is run in this way.
    Up(Mode),
    /// What takes one back, in one transaction.
    Down,
}

/// What a text says when it is read.
pub(super) struct Read {
    /// How a migration is run.
    pub(super) mode: Mode,
    /// Everything that is wrong with it, in the order of the lines.
    pub(super) problems: Problems,
    /// Whether it holds no statement.
    pub(super) empty: bool,
    /// Whether it is no text, or not closed: everything else would be read wrongly.
    unreadable: bool,
}

/// Reads a migration.
pub(super) fn up(sql: &str) -> Read {
    let sql = before_rows(sql);
    let read = read(sql, Script::Up(Mode::Transaction));
    let read = match read.mode {
        Mode::Transaction => read,
        // Now that it is known how it is run.
        Mode::Statements => self::read(sql, Script::Up(Mode::Statements)),
    };
    read.sorted()
}

/// Reads a down script.
pub(super) fn down(sql: &str) -> Read {
    let sql = before_rows(sql);
    let mut read = read(sql, Script::Down);
    if !read.unreadable {
        read.problems.extend(not_in_a_transaction(sql));
    }
    read.sorted()
}

impl Read {
    fn sorted(mut self) -> Self {
        self.problems.sort();
        self.problems.dedup();
        self
    }
}

fn read(sql: &str, script: Script) -> Read {
    let mut problems = Vec::new();
    let (mut alone, mut empty) = (asked(sql), true);
    let mut reader = Reader::new(sql);
    let mut temporary = Temporary::default();
    while let Some(statement) = reader.next() {
        empty = false;
        if script == Script::Up(Mode::Statements) {
            problems.extend(temporary.next(statement, reader.tokens()));
        }
        let words = Words::of(reader.tokens());
        problems.extend(in_statement(statement, &words, script));
        alone |= is_alone(words);
    }
    let unclosed = reader.unclosed().map(|token| unclosed(sql, token));
    let broken: Problems = control_character(sql).into_iter().chain(unclosed).collect();
    let unreadable = !broken.is_empty();
    if unreadable {
        problems = broken;
    } else {
        problems.extend(misplaced(sql));
    }
    let mode = match alone {
        true => Mode::Statements,
        false => Mode::Transaction,
    };
    Read {
        mode,
        problems,
        empty,
        unreadable,
    }
}

/// The text up to the first COPY … FROM STDIN, which is wrong by itself: behind it come rows, which are no statements.
fn before_rows(sql: &str) -> &str {
    let copies = |statement: &Statement<'_>| {
        let mut words = Words::new(statement.text);
        words.eat(&["copy"]) && words.has(&["from", "stdin"])
    };
    // Most files can be spared the search.
    if !contains(sql, "stdin") {
        return sql;
    }
    statements(sql)
        .into_iter()
        .find(copies)
        .and_then(|statement| sql.get(..statement.at + statement.text.len()))
        .unwrap_or(sql)
}

/// The first control character that has no business in a text. PostgreSQL takes no NUL at all.
fn control_character(sql: &str) -> Option<(usize, String)> {
    let wrong = |c: u8| c.is_ascii_control() && !b"\t\n\r\x0b\x0c".contains(&c);
    let (at, c) = sql.bytes().enumerate().find(|(_, c)| wrong(*c))?;
    Some((
        Lines::default().at(sql, at),
        format!(
            "control character U+{:04X}; a script is plain text: remove it, or write it as chr({}) or with \\x in an E'…' text",
            u32::from(c),
            u32::from(c)
        ),
    ))
}

/// A quote or comment that the text ends in.
fn unclosed(sql: &str, token: Token<'_>) -> (usize, String) {
    let what = match token.kind {
        Kind::Comment => "comment (/*)".to_owned(),
        Kind::Name => "quoted name (\")".to_owned(),
        _ if token.text.starts_with('$') => {
            let tag = token.text.split('$').nth(1).unwrap_or_default();
            format!("text (${tag}$)")
        }
        _ => "text (')".to_owned(),
    };
    (
        Lines::default().at(sql, token.at),
        format!("the {what} that begins here is never closed"),
    )
}

fn in_statement(statement: Statement<'_>, words: &Words<'_>, script: Script) -> Problems {
    let mut problems = Vec::new();
    let backslash = statement
        .text
        .contains('\\')
        .then(|| tokens(statement.text).find(|token| token.text == "\\"))
        .flatten();
    if let Some(token) = backslash {
        let line = statement.line + Lines::default().at(statement.text, token.at) - 1;
        let rest = statement.text.get(token.at..).unwrap_or_default();
        let (command, _) = psql_command(rest);
        problems.push((
            line,
            format!(
                "{command} is a command of psql, not SQL; expected statements for the server only"
            ),
        ));
    }
    let problem = transaction(words.clone(), script)
        .or_else(|| set(words.clone(), script))
        .or_else(|| copy(words))
        .or_else(|| elsewhere(words.clone()));
    problems.extend(problem.map(|problem| (statement.line, problem)));
    problems
}

/// What would end the transaction that dbctl has begun, so that a failure after it could not be rolled back.
fn transaction(mut words: Words<'_>, script: Script) -> Option<String> {
    let mut second = words.clone();
    let first = words.take()?.text.to_ascii_uppercase();
    let to_savepoint = first == "ROLLBACK" && words.has(&["to"])
        || matches!(first.as_str(), "SAVEPOINT" | "RELEASE");
    if to_savepoint {
        return (script == Script::Up(Mode::Statements)).then(|| {
            format!(
                "{first} has no place in a file that is run statement by statement: each statement is a transaction of its own; remove it"
            )
        });
    }
    second.take();
    let ends = matches!(
        first.as_str(),
        "BEGIN" | "COMMIT" | "END" | "ABORT" | "ROLLBACK"
    ) || matches!(first.as_str(), "START" | "PREPARE") && second.eat(&["transaction"]);
    ends.then(|| {
        format!(
            "{first} has no place in a migration: dbctl runs each file in one transaction of its own; remove it, or make two files"
        )
    })
}

/// What would stay set in the session after the script, or free what dbctl holds in it.
fn set(mut words: Words<'_>, script: Script) -> Option<String> {
    let by_statement = script == Script::Up(Mode::Statements);
    let unlocks = words.has(&["pg_advisory_unlock_all", "("]);
    if unlocks || words.eat(&["discard", "all"]) {
        return Some(
            "frees the lock that dbctl holds against other runners (pg_advisory_unlock_all, DISCARD ALL); remove it".to_owned(),
        );
    }
    if words.eat(&["reset", "all"]) {
        return Some("RESET ALL takes away the limits that dbctl runs a script under; reset single parameters".to_owned());
    }
    if words.eat(&["set"]) {
        let local = words.eat(&["local"]);
        if script == Script::Down && too_late(words.clone()) {
            return Some(
                "the isolation level, DEFERRABLE, SNAPSHOT and READ ONLY are set before the first query of a transaction, and a down script runs in one \
                 in which dbctl has looked at the database and has to write afterwards; leave it out"
                    .to_owned(),
            );
        }
        let of_transaction = words.eat_any(&["transaction", "constraints"]);
        if by_statement {
            return Some(format!(
                "SET has no place in a file that is run statement by statement ({NO_TRANSACTION}, or a statement that cannot be in a \
                 transaction): each one may run in another session; write names with their schema, or make two files"
            ));
        }
        if words.eat(&["session", "characteristics"]) {
            return Some("SET SESSION CHARACTERISTICS stays in force after the script; write SET TRANSACTION".to_owned());
        }
        return (!local && !of_transaction).then(|| {
            "SET stays in force after the script, for whatever runs next in the session; write SET LOCAL".to_owned()
        });
    }
    let queries = words.eat_any(&["select", "with", "values"]);
    let stays = words
        .after(&["set_config"])
        .and_then(|mut rest| rest.bracketed())
        .and_then(|arguments| arguments.last())
        .is_some_and(|last| last.text.eq_ignore_ascii_case("false"));
    (queries && stays).then(|| {
        "set_config(…, false) stays in force after the script, for whatever runs next in the session; write true, or SET LOCAL".to_owned()
    })
}

/// Whether it sets properties of the transaction that nothing can set any more, or that nothing may: what follows SET or SET LOCAL.
fn too_late(mut words: Words<'_>) -> bool {
    // What it is anyway may be said again.
    if words.has(&["read", "committed"]) {
        return false;
    }
    let of_transaction = words.eat(&["transaction"])
        && [
            &["isolation"][..],
            &["deferrable"],
            &["snapshot"],
            &["read", "only"],
        ]
        .iter()
        .any(|property| words.has(property));
    of_transaction || words.eat_any(&["transaction_isolation", "transaction_deferrable"])
}

fn copy(words: &Words<'_>) -> Option<String> {
    let mut words = words.clone();
    if !words.eat(&["copy"]) {
        return None;
    }
    if words.has(&["from", "stdin"]) {
        return Some(
            "COPY … FROM STDIN: rows of data cannot stand in a migration; write INSERT".to_owned(),
        );
    }
    words
        .has(&["to", "stdout"])
        .then(|| "COPY … TO STDOUT: nobody reads what a migration gives out; remove it".to_owned())
}

/// What is not about this database.
fn elsewhere(mut words: Words<'_>) -> Option<String> {
    let creates = words.eat(&["create"]);
    (creates || words.eat(&["drop"])).then_some(())?;
    words.eat(&["database"]).then(|| {
        format!(
            "{} DATABASE has no place in a migration: a set is about the tables in its own database; `dbctl provision` makes databases",
            if creates { "CREATE" } else { "DROP" }
        )
    })
}

/// What a down script cannot do, since it runs in one transaction.
fn not_in_a_transaction(sql: &str) -> Vec<(usize, String)> {
    let asks = sql.lines().position(|line| line.trim() == NO_TRANSACTION);
    let asked = asks.map(|line| {
        (
            line + 1,
            format!("{NO_TRANSACTION} has no place in a down script: it runs in one transaction; remove it"),
        )
    });
    let alone = |analysis: Analysis| match analysis.place {
        Place::Alone { reason, .. } => {
            let instead = if reason.contains("CONCURRENTLY") {
                "write it without CONCURRENTLY"
            } else {
                "leave it out"
            };
            Some((
                analysis.line,
                format!(
                    "{reason} cannot run in a transaction, and a down script runs in one; {instead}"
                ),
            ))
        }
        _ => None,
    };
    asked
        .into_iter()
        .chain(analyse(sql).into_iter().filter_map(alone))
        .collect()
}
