//! The relations in a parsed statement.

use std::collections::BTreeSet;

use squawk_syntax::ast::{self, AstNode as _, NameLike as _};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::Name;
use crate::migration::words::cut;

/// The relations that a statement creates, or gives a new name to.
pub(super) fn created(statement: &SyntaxNode) -> Vec<Name> {
    let old = schema_of_new(statement);
    all(statement, |kind| {
        matches!(
            kind,
            SyntaxKind::TABLE_NAME | SyntaxKind::VIEW | SyntaxKind::SEQUENCE | SyntaxKind::INDEX
        )
    })
    .into_iter()
    .map(|name| Name {
        schema: name.schema.or_else(|| old.clone()),
        ..name
    })
    .collect()
}

/// The relations that a statement names and that are not its own to create.
pub(super) fn touched(statement: &SyntaxNode) -> Vec<Name> {
    let own: BTreeSet<String> = statement
        .descendants()
        .filter_map(ast::CteName::cast)
        .map(|name| name.text())
        .collect();
    let mut names = all(statement, is_reference);
    // What WITH defines is no relation.
    names.retain(|name| name.schema.is_some() || !own.contains(&name.name));
    names
}

/// The first relation that a node refers to.
pub(super) fn reference(node: &SyntaxNode) -> Option<Name> {
    node.descendants()
        .find(|node| is_reference(node.kind()))
        .and_then(|node| name(&node))
}

/// All relations that a node refers to.
pub(super) fn references(node: &SyntaxNode) -> Vec<Name> {
    all(node, is_reference)
}

fn is_reference(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::TABLE_NAME_REF
            | SyntaxKind::RELATION_NAME_REF
            | SyntaxKind::VIEW_REF
            | SyntaxKind::SEQUENCE_REF
            | SyntaxKind::INDEX_REF
            | SyntaxKind::QUALIFIED_COLUMN_NAME_REF
    )
}

fn all(node: &SyntaxNode, wanted: impl Fn(SyntaxKind) -> bool) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for name in node
        .descendants()
        .filter(|node| wanted(node.kind()))
        .filter_map(|node| name(&node))
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A new index and a relation under a new name lie where their table, or they themselves, lay before; the text does not repeat it.
fn schema_of_new(statement: &SyntaxNode) -> Option<String> {
    statement
        .descendants()
        .find(|node| {
            matches!(
                node.kind(),
                SyntaxKind::CREATE_INDEX
                    | SyntaxKind::TABLE_RENAME_TO
                    | SyntaxKind::VIEW_RENAME_TO
                    | SyntaxKind::SEQUENCE_RENAME_TO
                    | SyntaxKind::INDEX_RENAME_TO
            )
        })
        .and_then(|_| reference(statement))
        .and_then(|name| name.schema)
}

/// The name in a node, as the server folds it: of `database.schema.table` the last two.
fn name(node: &SyntaxNode) -> Option<Name> {
    let mut parts: Vec<String> = node
        .descendants()
        .filter(|node| {
            matches!(
                node.kind(),
                SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF
            )
        })
        .map(|node| cut(ast::normalize_name_node(&node)))
        .collect();
    if node.kind() == SyntaxKind::QUALIFIED_COLUMN_NAME_REF {
        parts.pop();
    }
    let name = parts.pop().filter(|name| !name.is_empty())?;
    Some(Name {
        schema: parts.pop(),
        name,
    })
}
