//! Exceptions from rules, said in the file where they hold: `-- dbctl:allow RULE reason`.

use super::{Position, Said};
use crate::migration::analysis::{ALLOW, ALLOW_FILE};
use crate::migration::tokens::{Kind, tokens};

/// An exception from a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// Where it stands.
    pub place: Position,
    /// The rule.
    pub rule: String,
    /// Why; empty when nothing is said.
    pub reason: String,
    /// The statement that it is for; `None` for the whole file.
    pub statement: Option<usize>,
}

/// The exceptions in a text. One stands before its statement, in it, or behind it on its last line.
pub(super) fn allows(
    sql: &str,
    statements: &[Said],
    place: &dyn Fn(usize) -> Position,
) -> Vec<Allow> {
    if !sql.contains("dbctl:allow") {
        return Vec::new();
    }
    tokens(sql)
        .filter(|token| token.kind == Kind::Comment)
        .filter_map(|token| {
            let text = token.text.trim_end();
            let (said, whole) = match text.strip_prefix(ALLOW_FILE) {
                Some(said) => (said, true),
                None => (text.strip_prefix(ALLOW)?, false),
            };
            let (rule, reason) = said
                .trim()
                .split_once(char::is_whitespace)
                .unwrap_or((said.trim(), ""));
            let place = place(token.at);
            Some(Allow {
                place,
                rule: rule.to_owned(),
                reason: reason.trim().to_owned(),
                statement: (!whole).then(|| nearest(statements, token.at, place.line)),
            })
        })
        .collect()
}

/// The statement that a comment is for; one more than there are, when there is none.
fn nearest(statements: &[Said], at: usize, line: usize) -> usize {
    statements
        .iter()
        .position(|said| {
            let behind = said.span.1 <= at && said.last_line == line;
            let within_or_before = at < said.span.1;
            behind || within_or_before
        })
        .unwrap_or(statements.len())
}
