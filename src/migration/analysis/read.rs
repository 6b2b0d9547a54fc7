//! What the parser tells of a file's statements.

use std::collections::BTreeSet;

use squawk_syntax::ast::{AstNode as _, Stmt};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::parse::Parsed;
use super::script::Script;
use super::{Hazard, Lock, Mode, Name, hazard, lock, names, unparsed};

/// What is read of one statement.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) lock: Option<Lock>,
    pub(super) hazards: Vec<Hazard>,
    pub(super) creates: Vec<Name>,
    pub(super) touches: Vec<Name>,
    /// Whether the parser knew its syntax.
    pub(super) parsed: bool,
    /// Whether it touches nothing but what the file itself has created.
    pub(super) own: bool,
}

/// Reads the statements of a file; as many as there are, in their order.
pub(super) fn read(script: &Script<'_>) -> Vec<Read> {
    let mut found = unlinted(script);
    hazard::lint(
        script.sql,
        &script.statements,
        script.mode == Mode::Transaction,
        &mut found,
    );
    found
}

/// As [`read`], without asking squawk's rules.
pub(super) fn unlinted(script: &Script<'_>) -> Vec<Read> {
    let mut fresh = Fresh::default();
    let statements = script.statements.iter().enumerate();
    statements
        .map(|(index, statement)| {
            let parsed = script.parsed(index);
            match parsed.as_ref().and_then(Parsed::statement) {
                Some(parsed) => known(&parsed, &mut fresh),
                None => unparsed::read(statement.text, &fresh),
            }
        })
        .collect()
}

fn known(statement: &Stmt, fresh: &mut Fresh) -> Read {
    let node = statement.syntax();
    let locks = lock::locks(statement);
    let creates = names::created(node);
    let touches = names::touched(node);
    let own = !touches.is_empty() && touches.iter().all(|name| fresh.has(name));
    let read = Read {
        lock: fresh.strongest(locks.known),
        hazards: locks
            .dynamic
            .then(hazard::dynamic)
            .into_iter()
            .chain(hazard::serial(node).filter(|_| !own))
            .chain(hazard::rewrite(node).filter(|_| !own))
            .collect(),
        own,
        parsed: true,
        touches,
        creates,
    };
    if is_new(statement) {
        fresh.0.extend(read.creates.iter().cloned());
    }
    read
}

/// Whether what the statement creates was not there before. IF NOT EXISTS and OR REPLACE may have met it, and ALTER gives new names
/// to what is old.
fn is_new(statement: &Stmt) -> bool {
    let renames = matches!(
        statement,
        Stmt::AlterTable(_)
            | Stmt::AlterForeignTable(_)
            | Stmt::AlterIndex(_)
            | Stmt::AlterView(_)
            | Stmt::AlterMaterializedView(_)
            | Stmt::AlterSequence(_)
    );
    let may_meet = |child: SyntaxNode| {
        matches!(
            child.kind(),
            SyntaxKind::IF_NOT_EXISTS | SyntaxKind::OR_REPLACE
        )
    };
    !renames && !statement.syntax().children().any(may_meet)
}

/// The relations that the file itself has created so far: they hold no rows that anybody uses, and nobody waits for them.
#[derive(Debug, Default)]
pub(super) struct Fresh(BTreeSet<Name>);

impl Fresh {
    /// Whether the file has created this relation. A name without a schema is taken for one with a schema.
    pub(super) fn has(&self, name: &Name) -> bool {
        self.0.iter().any(|known| {
            let one_schema =
                known.schema.is_none() || name.schema.is_none() || known.schema == name.schema;
            known.name == name.name && one_schema
        })
    }

    /// The strongest of these locks that others can feel.
    pub(super) fn strongest(&self, locks: Vec<Lock>) -> Option<Lock> {
        let mut strongest: Option<Lock> = None;
        for lock in locks {
            let felt = lock.relation.as_ref().is_none_or(|name| !self.has(name));
            let stronger = strongest
                .as_ref()
                .is_none_or(|known| lock.mode > known.mode);
            if felt && stronger {
                strongest = Some(lock);
            }
        }
        strongest
    }
}
