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
    let how = match &pending.reason {
        Some(reason) => format!("statement by statement: {}", one_line(reason)),
        None if pending.by_statement => "statement by statement".to_owned(),
        None => "in one transaction".to_owned(),
    };
    text.push_str(&format!(
        "  V{}__{}, {how}\n",
        pending.version, pending.name
    ));
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
        rest = after;
    }
    if style.verbose {
        for line in pending.sql.lines() {
            text.push_str(&format!("    {}\n", safe(line)));
        }
    }
}

/// Whether nobody has anything to know about the statement.
fn is_quiet(statement: &Statement) -> bool {
    statement.lock.is_none()
        && statement.hazards.is_empty()
        && statement.place == Place::Transaction
}

fn statement(statement: &Statement, style: Style, text: &mut String) {
    let width = style.width.map_or(80, usize::from);
    let head = format!("    line {}: ", statement.line);
    let room = width.saturating_sub(head.chars().count()).max(20);
    text.push_str(&format!("{head}{}\n", short(&statement.text, room)));
    let mut note = |tone: Tone, note: &str| {
        // Where there is no terminal a line is one thing, whole: a script may look for it.
        let width = style.width.map_or(usize::MAX, usize::from);
        for line in wrap(note, width, 6).lines() {
            text.push_str(&style.paint(tone, line));
            text.push('\n');
        }
    };
    match statement.place {
        Place::Transaction => {}
        Place::Alone => note(Tone::Faint, "runs outside a transaction"),
        Place::FreshSession => note(Tone::Faint, "runs first in a session of its own"),
    }
    if let Some(lock) = &statement.lock {
        let relation = lock.relation.as_deref().unwrap_or("a relation");
        note(
            Tone::Faint,
            &format!("locks {}: {}", one_line(relation), lock.mode),
        );
    }
    for hazard in &statement.hazards {
        let words = format!("{}: {}", one_line(&hazard.code), one_line(&hazard.message));
        note(Tone::Warn, &words);
    }
}
