//! Reads statements with squawk's parser, which is PostgreSQL's grammar written anew.

use std::cell::Cell;

use squawk_syntax::ast::{AstNode as _, Stmt};
use squawk_syntax::{SourceFile, SyntaxNode};

use super::complaint::{Complaint, complaint};
use crate::migration::tokens::{Kind, meaningful};

/// The stack that parsing may use, in bytes. The parser calls itself for everything that is nested, and for every operator.
const STACK: usize = 128 << 20;

/// The most tokens of a statement that is parsed. So deep a nesting as this allows stays within [`STACK`]; what is larger is data.
pub(crate) const MOST_TOKENS: usize = 10_000;

thread_local! {
    /// Whether this thread has stack enough already.
    static ROOMY: Cell<bool> = const { Cell::new(false) };
}

/// Runs `read` where there is stack enough for the parser; `None` when the system gives no such thread, or the parser breaks.
/// Within `read`, it costs no other thread.
pub(in crate::migration) fn with_stack<T: Send>(read: impl FnOnce() -> T + Send) -> Option<T> {
    if ROOMY.get() {
        return Some(read());
    }
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("parser".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, || {
                ROOMY.set(true);
                read()
            })
            .ok()?
            .join()
            .ok()
    })
}

/// A text as the parser reads it: the most expensive thing that is done with one.
#[derive(Debug, Clone)]
pub(in crate::migration) struct Parsed {
    /// The tree.
    pub(in crate::migration) root: SyntaxNode,
    /// What the parser has against it.
    pub(in crate::migration) error: Option<Complaint>,
}

impl Parsed {
    /// Reads a text; `None` when the parser has not stack enough for it.
    pub(in crate::migration) fn new(text: &str) -> Option<Self> {
        if !fits(text) {
            return None;
        }
        let parse = SourceFile::parse(text);
        let error = parse.errors().into_iter().next();
        let root = parse.syntax_node();
        let error = error.map(|error| {
            let at = usize::from(error.range().start());
            complaint(text, &root, at, error.message())
        });
        Some(Self { root, error })
    }

    /// The statement of a text that holds one; `None` when the parser does not know its syntax.
    pub(super) fn statement(&self) -> Option<Stmt> {
        let mut statements = SourceFile::cast(self.root.clone())?.stmts();
        let first = statements.next()?;
        // A function's body is not what the statement itself does.
        let has_body = matches!(
            first,
            Stmt::CreateFunction(_) | Stmt::CreateProcedure(_) | Stmt::Do(_)
        );
        let whole = statements.next().is_none() && (has_body || self.error.is_none());
        (whole && first.syntax().text_range().len() > 0.into()).then_some(first)
    }
}

/// Whether the parser has stack enough for a text.
fn fits(text: &str) -> bool {
    tokens(text) <= MOST_TOKENS
}

/// How many tokens there are, also within quoted texts: the parser reads the bodies of functions.
fn tokens(text: &str) -> usize {
    let mut count = 0;
    let mut texts = vec![text];
    while let Some(text) = texts.pop() {
        for token in meaningful(text) {
            count += 1;
            if count > MOST_TOKENS {
                return count;
            }
            let inner = token
                .text
                .trim_matches(|c: char| c.is_ascii_alphanumeric() || "$_'\"".contains(c));
            if token.kind == Kind::Text && inner.len() < token.text.len() {
                texts.push(inner);
            }
        }
    }
    count
}
