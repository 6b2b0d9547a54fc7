//! What the parser tells of a file's statements.

use squawk_syntax::ast::AstNode as _;

use super::{Hazard, Lock, Name, names, parse};
use crate::migration::Statement;

/// What is read of one statement.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) lock: Option<Lock>,
    pub(super) hazards: Vec<Hazard>,
    pub(super) creates: Vec<Name>,
    pub(super) touches: Vec<Name>,
}

impl Read {
    /// What the keywords tell of a statement that the parser could not read.
    pub(super) fn unread(_text: &str) -> Self {
        Self::default()
    }
}

/// Reads the statements of a file; as many as there are, in their order.
pub(super) fn read(_sql: &str, statements: &[Statement<'_>]) -> Vec<Read> {
    statements
        .iter()
        .map(|statement| match parse::statement(statement.text) {
            Some(parsed) => Read {
                creates: names::created(parsed.syntax()),
                touches: names::touched(parsed.syntax()),
                ..Read::default()
            },
            None => Read::unread(statement.text),
        })
        .collect()
}
