//! Can every file be loaded and read?

use super::elsewhere::{PSQL_COMMAND, SEARCH_PATH, SWITCHES_DATABASE};
use super::judge::{Context, Draft, Placed};
use super::objects::WRONG_ENGINE;
use super::privileges::ROLE;
use super::{answer, rule};
use crate::migration::SetFacts;
use crate::migration::analysis::MOST_TOKENS;
use crate::migration::effects::{Act, Position, Said, TOO_LARGE};
use crate::report::{About, Finding, Location, Severity};
use crate::rules::{Rule, Subject};
use crate::snapshot::Gap;

pub(super) const UNREADABLE: Rule = rule(
    "sets/unreadable",
    Severity::Error,
    "Can every file of the set be loaded and read?",
    include_str!("../help/sets-unreadable.md"),
    |case| answer(case, "sets/unreadable"),
);

/// Rules that say why a file is refused, better than the loader does.
const SAID_BETTER: [&str; 5] = [
    PSQL_COMMAND.id,
    SWITCHES_DATABASE.id,
    SEARCH_PATH.id,
    ROLE.id,
    WRONG_ENGINE.id,
];

const REMEDY: &str = "Mend the file: `migrate` refuses the whole set as it is.";

/// What to do about SQL that lies beside a set.
pub(super) const BESIDE: &str = "make it a migration, or move it out of the set's folder; an entry with not_checked = true in the manifest accepts that it stays";

/// What the loader says against a file and no other rule has said.
pub(super) fn refused(context: &Context<'_, '_>, number: usize, found: &[Placed]) -> Vec<Placed> {
    let file = context.file;
    let said = |line: usize| {
        let statement = file.effects.statement_on(line);
        found.iter().any(|placed| {
            SAID_BETTER.contains(&placed.draft.rule)
                && (placed.place.line == line
                    || statement.is_some() && placed.statement == statement)
        })
    };
    file.refused
        .iter()
        .filter(|(line, _)| !said(*line))
        .map(|(line, problem)| {
            // Of several statements on the line, the one that begins as the problem names it.
            let statements = file.effects.statements.iter().enumerate();
            let on_line: Vec<(usize, &Said)> = statements
                .filter(|(_, said)| said.place.line == *line)
                .collect();
            let word = problem.split(' ').next().unwrap_or_default();
            let begins = |said: &Said| {
                let first = said.excerpt.split(' ').next();
                first.is_some_and(|first| first.eq_ignore_ascii_case(word))
            };
            let statement = on_line
                .iter()
                .find(|(_, said)| begins(said))
                .or(on_line.first())
                .map(|(index, _)| *index);
            let place = statement
                .and_then(|index| file.effects.statements.get(index))
                .map_or(
                    Position {
                        line: *line,
                        column: 1,
                    },
                    |said| said.place,
                );
            Placed {
                draft: Draft::new(
                    &UNREADABLE,
                    About::plain("migration", &file.file),
                    format!("cannot be loaded: {problem}"),
                )
                .expected("a script that dbctl can apply")
                .remedy(REMEDY),
                place,
                statement,
                within: None,
                file: number,
            }
        })
        .collect()
}

/// Statements that no server can read: one finding for each.
pub(super) fn misspelt(context: &Context<'_, '_>, number: usize, found: &[Placed]) -> Vec<Placed> {
    let file = context.file;
    let mut told: Vec<Placed> = Vec::new();
    for effect in &file.effects.effects {
        let Act::Unread { why, sure: true } = &effect.act else {
            continue;
        };
        let same = |placed: &Placed| placed.statement == Some(effect.statement);
        let said = |placed: &Placed| {
            same(placed)
                && (SAID_BETTER.contains(&placed.draft.rule) || placed.draft.rule == UNREADABLE.id)
        };
        if found.iter().any(said) || told.iter().any(same) {
            continue;
        }
        let statement = file.effects.statements.get(effect.statement);
        let why = statement.map_or_else(String::new, |said| said.without_secrets(why));
        told.push(Placed {
            draft: Draft::new(
                &UNREADABLE,
                About::plain("migration", &file.file),
                format!("cannot be read: {why}"),
            )
            .expected("SQL that the server can read")
            .remedy("Mend the statement: no PostgreSQL server can read it as it is."),
            place: effect.place,
            statement: Some(effect.statement),
            within: effect.within,
            file: number,
        });
    }
    told
}

/// Statements that the parser does not know: what their words tell was judged, the rest was not looked at.
pub(super) fn unread(
    context: &Context<'_, '_>,
    number: usize,
    found: &[Placed],
) -> Vec<(&'static str, usize, Option<usize>, Gap)> {
    let file = context.file;
    let mut gaps = Vec::new();
    for effect in &file.effects.effects {
        let Act::Unread { why, sure: false } = &effect.act else {
            continue;
        };
        // What is no SQL at all was said already.
        let said = found.iter().any(|placed| {
            placed.statement == Some(effect.statement)
                && (SAID_BETTER.contains(&placed.draft.rule) || placed.draft.rule == UNREADABLE.id)
        });
        let again = |(_, _, statement, _): &(&str, usize, Option<usize>, Gap)| {
            *statement == Some(effect.statement)
        };
        if said || gaps.iter().any(again) {
            continue;
        }
        let why = file
            .effects
            .statements
            .get(effect.statement)
            .map_or_else(String::new, |said| said.without_secrets(why));
        let (cause, mend) = match why == TOO_LARGE {
            true => (
                format!(
                    "it has more than {MOST_TOKENS} words and signs, too many for dbctl's parser"
                ),
                "make several statements of it",
            ),
            false => (
                format!("dbctl's parser cannot read it, {why}"),
                "mend it, or write it in a syntax that the parser knows",
            ),
        };
        let reason = format!(
            "{}:{}:{}: {cause}; only the names behind its keywords were looked at",
            file.path, effect.place.line, effect.place.column
        );
        let gap = Gap {
            reason,
            remedy: Some(format!(
                "{mend}; if it is right, review it and write before it: -- dbctl:allow sets/unreadable REASON"
            )),
        };
        gaps.push((UNREADABLE.id, number, Some(effect.statement), gap));
    }
    gaps
}

/// What the loader says against the set as a whole.
pub(super) fn of_set(subject: &Subject<'_>, texts: &SetFacts) -> Vec<Finding> {
    let set = subject
        .service
        .set
        .as_ref()
        .map_or("", |set| set.value.as_str());
    texts
        .refused
        .iter()
        .map(|problem| {
            let file = problem
                .split_once(": ")
                .map(|(file, _)| file)
                .filter(|file| file.ends_with(".sql") || file.ends_with(".lock"));
            let about = file.map_or_else(
                || About::plain("directory", set),
                |file| About::plain("file", file),
            );
            let finding = UNREADABLE
                .finding(about, format!("set {set} cannot be loaded: {problem}"))
                .saw("a set that dbctl can apply", problem.clone())
                .remedy(match file {
                    Some(_) => REMEDY,
                    None => "Mend the set as the message says: `migrate` refuses it as it is.",
                })
                .evidence("file");
            match file {
                Some(file) => finding.at(Location {
                    file: file.to_owned(),
                    line: None,
                    column: None,
                }),
                None => finding,
            }
        })
        .collect()
}
