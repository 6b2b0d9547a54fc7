//! The plan of a dry run for people: each migration, how it runs, and what its statements do.

use super::Style;
use super::style::{Tone, safe};
use super::wrap::wrap;
use crate::report::migrate::{Pending, Place, Report, Statement};
use crate::report::text::{count, one_line, short};

/// So many statements in a row that nobody feels are shown as one line.
const MANY: usize = 4;

/// What a dry run would apply; with the SQL itself where more is wanted.
pub(super) fn plan(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for run in report.services.iter().filter(|run| !run.pending.is_empty()) {
        text.push_str(&format!(
            "\n{} would apply to {}:\n",
            run.name,
            super::migrate::database(run)
        ));
        for pending in &run.pending {
            migration(pending, style, &mut text);
        }
    }
    text
}

fn migration(pending: &Pending, style: Style, text: &mut String) {
    let how = if pending.by_statement {
        "statement by statement"
    } else {
        "in one transaction"
    };
    text.push_str(&format!(
        "  V{}__{}, {how}\n",
        pending.version, pending.name
    ));
    if let Some(reason) = &pending.reason {
        note(&one_line(reason), Tone::Faint, style, text);
    }
    if pending.ran > 0 {
        let ran = format!("ran before: {}", count(pending.ran, "statement"));
        note(&ran, Tone::Faint, style, text);
    }
    let mut rest = pending.statements.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let quiet = rest
            .iter()
            .take_while(|statement| is_quiet(statement))
            .count();
        if quiet < MANY {
            statement(first, style, text);
            rest = after;
            continue;
        }
        let (group, after) = rest.split_at_checked(quiet).unwrap_or((rest, &[]));
        let last = group.last().map_or(first.line, |statement| statement.line);
        text.push_str(&format!(
            "    lines {} to {last}: {} without a lock that others could feel\n",
            first.line,
            count(group.len(), "statement")
        ));
        note(&kinds(group), Tone::Faint, style, text);
        rest = after;
    }
    if style.verbose {
        for line in pending.sql.lines() {
            text.push_str(&format!("    {}\n", safe(line)));
        }
    }
}

/// What kinds of statements these are, as in `2 CREATE TABLE, 20 COMMENT`, in the order in which they come.
fn kinds(statements: &[Statement]) -> String {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for statement in statements {
        let kind = kind(&statement.text);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, number)) => *number += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let kinds = kinds
        .iter()
        .map(|(kind, number)| format!("{number} {kind}"));
    kinds.collect::<Vec<_>>().join(", ")
}

/// The command that a statement is: its first word, and what it creates, alters or drops.
fn kind(text: &str) -> String {
    let mut words = text
        .split_whitespace()
        .map(|word| word.to_ascii_uppercase())
        .filter(|word| !matches!(word.as_str(), "OR" | "REPLACE" | "UNIQUE"));
    let first = words.next().unwrap_or_default();
    match (first.as_str(), words.next()) {
        ("CREATE" | "ALTER" | "DROP", Some(object)) => one_line(&format!("{first} {object}")),
        _ => one_line(&first),
    }
}

/// Whether nobody has anything to know about the statement.
fn is_quiet(statement: &Statement) -> bool {
    statement.lock.is_none()
        && statement.hazards.is_empty()
        && statement.cut_off.is_none()
        && statement.place == Place::Transaction
}

fn statement(statement: &Statement, style: Style, text: &mut String) {
    let width = style.width.map_or(80, usize::from);
    let head = format!("    line {}: ", statement.line);
    let room = width.saturating_sub(head.chars().count()).max(20);
    text.push_str(&format!("{head}{}\n", short(&statement.text, room)));
    match statement.place {
        Place::Transaction => {}
        Place::Alone => note("runs outside a transaction", Tone::Faint, style, text),
        Place::FreshSession => note(
            "runs first in a session of its own",
            Tone::Faint,
            style,
            text,
        ),
    }
    if let Some(cut_off) = &statement.cut_off {
        note(&one_line(cut_off), Tone::Warn, style, text);
    }
    if let Some(lock) = &statement.lock {
        let relation = lock.relation.as_deref().unwrap_or("a relation");
        let now = match lock.exists {
            true => "",
            false => " (not there yet)",
        };
        let words = format!("locks {}: {}{now}", one_line(relation), lock.mode);
        note(&words, Tone::Faint, style, text);
    }
    for hazard in &statement.hazards {
        let words = format!("{}: {}", one_line(&hazard.code), one_line(&hazard.message));
        note(&words, Tone::Warn, style, text);
    }
}

/// A note below a statement. Where there is no terminal a line is one thing, whole: a script may look for it.
fn note(words: &str, tone: Tone, style: Style, text: &mut String) {
    let width = style.width.map_or(usize::MAX, usize::from);
    for line in wrap(words, width, 6).lines() {
        text.push_str(&style.paint(tone, line));
        text.push('\n');
    }
}
