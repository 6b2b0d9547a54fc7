//! Temporary relations in a file that runs statement by statement: dbctl puts its session back behind each statement, and they go with it
//! (PostgreSQL documentation, "DISCARD").

use super::script::Problems;
use crate::migration::analysis::accepts_absence;
use crate::migration::tokens::{Kind, Token};
use crate::migration::words::{Words, cut};
use crate::migration::{Name, Statement};

/// The temporary relations that the statements so far have made, and where.
#[derive(Default)]
pub(super) struct Temporary {
    made: Vec<(String, usize)>,
}

impl Temporary {
    /// Takes the next statement: what is wrong with it.
    pub(super) fn next(&mut self, statement: Statement<'_>, tokens: &[Token<'_>]) -> Problems {
        let used = self
            .made
            .iter()
            .filter(|(name, _)| !accepts_absence(statement.text) && names(tokens, name));
        let problems = used.map(|(name, line)| {
            (
                statement.line,
                format!(
                    "{name} is temporary (line {line}) and gone before this statement: in a file that is run statement by statement each one \
                     has a session of its own; make it a table, and drop it at the end"
                ),
            )
        });
        let problems = problems.collect();
        if let Some(name) = made(Words::of(tokens)) {
            self.made.push((name, statement.line));
        }
        problems
    }
}

/// The temporary relation that a statement makes.
fn made(mut words: Words<'_>) -> Option<String> {
    if !words.eat(&["create"]) {
        return None;
    }
    words.eat(&["or", "replace"]);
    words.eat_any(&["local", "global"]);
    let temporary = words.eat_any(&["temp", "temporary"]);
    words.eat(&["recursive"]);
    if !words.eat_any(&["table", "view", "sequence"]) {
        return None;
    }
    words.eat(&["if", "not", "exists"]);
    let Name { schema, name } = words.name()?;
    (temporary || schema.as_deref() == Some("pg_temp")).then_some(name)
}

/// Whether a statement names a relation where one stands.
fn names(tokens: &[Token<'_>], name: &str) -> bool {
    let before = [
        "from", "join", "into", "update", "table", "on", "only", "using", "truncate", "analyze",
        "vacuum", "copy", "like",
    ];
    let is_before = |token: &Token<'_>| {
        let is = |word: &&str| token.text.eq_ignore_ascii_case(word);
        before.iter().any(is)
    };
    let is_name = |token: &Token<'_>| match token.kind {
        Kind::Word => cut(token.text.to_ascii_lowercase()) == name,
        Kind::Name => token.text.trim_matches('"') == name,
        _ => false,
    };
    let mut meaning = tokens.iter().filter(|token| token.means_something());
    let mut last = meaning.next();
    meaning.any(|token| {
        let found = last.is_some_and(is_before) && is_name(token);
        last = Some(token);
        found
    })
}
