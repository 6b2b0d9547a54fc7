//! A script whose statements the parser reads once, for all who ask about them.

use std::cell::OnceCell;

use super::Mode;
use super::parse::Parsed;
#[cfg(feature = "cli")]
use super::{mode_of, places};
use crate::migration::Statement;
#[cfg(feature = "cli")]
use crate::migration::statements;

/// The longest script whose trees are kept, in bytes: they take many times the room of their text.
const LONGEST: usize = 1 << 20;

/// A script with its statements. The parser needs stack for them: see [`super::with_stack`].
pub(in crate::migration) struct Script<'a> {
    /// Its text.
    pub(in crate::migration) sql: &'a str,
    /// How it is run.
    pub(in crate::migration) mode: Mode,
    /// Its statements, in their order.
    pub(in crate::migration) statements: Vec<Statement<'a>>,
    /// What the parser has read of each; nothing for a script that is too long.
    kept: Vec<OnceCell<Option<Parsed>>>,
}

impl<'a> Script<'a> {
    /// A script, with how it is run told from its text.
    #[cfg(feature = "cli")]
    pub(in crate::migration) fn new(sql: &'a str) -> Self {
        let statements = statements(sql);
        let mode = mode_of(sql, &places(&statements));
        Self::of(sql, statements, mode)
    }

    /// A script that is run in this way.
    #[cfg(feature = "cli")]
    pub(in crate::migration) fn in_mode(sql: &'a str, mode: Mode) -> Self {
        Self::of(sql, statements(sql), mode)
    }

    /// A script of which these are the statements.
    pub(super) fn of(sql: &'a str, statements: Vec<Statement<'a>>, mode: Mode) -> Self {
        let kept = match sql.len() {
            ..=LONGEST => statements.iter().map(|_| OnceCell::new()).collect(),
            _ => Vec::new(),
        };
        Self {
            sql,
            mode,
            statements,
            kept,
        }
    }

    /// What the parser reads of a statement; `None` when it is too large, or there is none of this index.
    pub(in crate::migration) fn parsed(&self, index: usize) -> Option<Parsed> {
        let text = self.statements.get(index)?.text;
        match self.kept.get(index) {
            Some(kept) => kept.get_or_init(|| Parsed::new(text)).clone(),
            None => Parsed::new(text),
        }
    }
}
