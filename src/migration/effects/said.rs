//! How a statement is quoted, and where it stands.

use super::Position;
use crate::migration::masked::instead;
use crate::migration::tokens::{Token, tokens};

/// The longest excerpt of a statement, in characters.
const EXCERPT: usize = 120;

/// How many tokens are looked at for one: enough, even where comments and blanks stand between all of them.
const MOST_TOKENS: usize = 512;

/// A statement's beginning in one line. What is quoted may be a password, and is left out.
pub(super) fn excerpt(text: &str) -> String {
    let mut out = String::new();
    let mut end = None;
    let tokens: Vec<Token<'_>> = tokens(text).take(MOST_TOKENS).collect();
    let shown = tokens.iter().zip(instead(&tokens));
    for (token, instead) in shown.filter(|(token, _)| token.means_something()) {
        if end.is_some_and(|end| end < token.at) {
            out.push(' ');
        }
        out.push_str(instead.unwrap_or(token.text));
        end = Some(token.at + token.text.len());
        if out.chars().count() > EXCERPT {
            out = out.chars().take(EXCERPT).chain(['…']).collect();
            break;
        }
    }
    out
}

/// The lines of a text.
pub(super) struct Lines<'a> {
    text: &'a str,
    begins: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            begins: std::iter::once(0).chain(ends).collect(),
        }
    }

    pub(super) fn position(&self, at: usize) -> Position {
        let line = self.begins.partition_point(|begin| *begin <= at);
        let begin = line
            .checked_sub(1)
            .and_then(|index| self.begins.get(index))
            .copied()
            .unwrap_or_default();
        let before = self.text.get(begin..at).unwrap_or_default();
        Position {
            line,
            column: before.chars().count() + 1,
        }
    }
}
