//! What cannot stand in a script, told before anything runs: the server would say it too, but after earlier migrations were applied,
//! or not at all.

use crate::migration::analysis::{
    Analysis, Mode, NO_TRANSACTION, Place, misplaced, mode_and_words,
};
use crate::migration::statements::Lines;
use crate::migration::tokens::{Kind, tokens};
use crate::migration::words::Words;
use crate::migration::{Statement, analyse, statements};

/// Which script it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// A migration that is run in this way.
    Up(Mode),
    /// What takes one back, in one transaction.
    Down,
}

/// How a migration is run, and everything that is wrong with its text, with the line of each, in their order.
pub(super) fn up(sql: &str) -> (Mode, Vec<(usize, String)>) {
    let statements = statements(sql);
    let (mode, words) = mode_and_words(sql, &statements);
    let problems = problems(sql, Script::Up(mode), &statements, words);
    (mode, problems)
}

/// As [`up`], of a down script.
pub(super) fn down(sql: &str) -> Vec<(usize, String)> {
    let statements = statements(sql);
    problems(sql, Script::Down, &statements, Vec::new())
}

fn problems<'a>(
    sql: &str,
    script: Script,
    statements: &[Statement<'a>],
    words: Vec<Option<Words<'a>>>,
) -> Vec<(usize, String)> {
    let sql = before_rows(sql, statements);
    // What is not a text, or is not closed, would be read wrongly in everything else.
    let unreadable: Vec<(usize, String)> = control_character(sql)
        .into_iter()
        .chain(unclosed(sql))
        .collect();
    if !unreadable.is_empty() {
        return unreadable;
    }
    let mut problems = misplaced(sql);
    let words = words.into_iter().chain(std::iter::repeat_with(|| None));
    let before = statements.iter().filter(|it| it.at < sql.len());
    for (statement, words) in before.zip(words) {
        let words = words.unwrap_or_else(|| Words::new(statement.text));
        problems.extend(in_statement(*statement, words, script));
    }
    if script == Script::Down {
        problems.extend(not_in_a_transaction(sql));
    }
    problems.sort();
    problems.dedup();
    problems
}

/// The text up to the first COPY … FROM STDIN, which is wrong by itself: behind it come rows, which are no statements.
fn before_rows<'a>(sql: &'a str, all: &[Statement<'_>]) -> &'a str {
    let copies = |statement: &Statement<'_>| {
        let mut words = Words::new(statement.text);
        words.eat(&["copy"]) && words.has(&["from", "stdin"])
    };
    let may_copy = |statement: &Statement<'_>| {
        (statement.text.get(..4)).is_some_and(|word| word.eq_ignore_ascii_case("copy"))
    };
    all.iter()
        .find(|statement| may_copy(statement) && copies(statement))
        .and_then(|statement| sql.get(..statement.at + statement.text.len()))
        .unwrap_or(sql)
}

/// The first control character that has no business in a text. PostgreSQL takes no NUL at all.
fn control_character(sql: &str) -> Option<(usize, String)> {
    let wrong = |c: char| c.is_ascii_control() && !"\t\n\r\u{b}\u{c}".contains(c);
    let (at, c) = sql.char_indices().find(|(_, c)| wrong(*c))?;
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
fn unclosed(sql: &str) -> Option<(usize, String)> {
    let token = tokens(sql).find(|token| !token.closed)?;
    let what = match token.kind {
        Kind::Comment => "comment (/*)".to_owned(),
        Kind::Name => "quoted name (\")".to_owned(),
        _ if token.text.starts_with('$') => {
            let tag = token.text.split('$').nth(1).unwrap_or_default();
            format!("text (${tag}$)")
        }
        _ => "text (')".to_owned(),
    };
    Some((
        Lines::default().at(sql, token.at),
        format!("the {what} that begins here is never closed"),
    ))
}

fn in_statement(
    statement: Statement<'_>,
    words: Words<'_>,
    script: Script,
) -> Vec<(usize, String)> {
    let mut problems = Vec::new();
    let backslash = statement
        .text
        .contains('\\')
        .then(|| tokens(statement.text).find(|token| token.text == "\\"))
        .flatten();
    if let Some(token) = backslash {
        let line = statement.line + Lines::default().at(statement.text, token.at) - 1;
        let rest = statement.text.get(token.at..).unwrap_or_default();
        let command = rest.split_whitespace().next().unwrap_or_default();
        problems.push((
            line,
            format!(
                "{command} is a command of psql, not SQL; expected statements for the server only"
            ),
        ));
    }
    let problem = transaction(words.clone(), script)
        .or_else(|| set(words.clone(), script))
        .or_else(|| copy(&words))
        .or_else(|| elsewhere(words));
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
