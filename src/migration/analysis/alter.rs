//! The locks of ALTER TABLE and its like, by subcommand; the strictest one counts
//! (PostgreSQL documentation, ALTER TABLE, ALTER INDEX, ALTER SEQUENCE).

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::LockMode;
use super::lock::Locks;
use super::names::reference;

/// ALTER TABLE, ALTER FOREIGN TABLE, ALTER MATERIALIZED VIEW.
pub(super) fn table(node: &SyntaxNode) -> Locks {
    let Some(relation) = reference(node) else {
        // ALL IN TABLESPACE
        return Locks::dynamic();
    };
    let mut locks = Locks::default();
    for action in node.children() {
        if let Some(mode) = action_mode(&action) {
            locks.add(mode, Some(relation.clone()));
        }
        match action.kind() {
            SyntaxKind::ATTACH_PARTITION | SyntaxKind::DETACH_PARTITION => {
                locks.add(LockMode::AccessExclusive, reference(&action));
            }
            SyntaxKind::INHERIT_TABLE => {
                locks.add(LockMode::ShareUpdateExclusive, reference(&action));
            }
            _ => {}
        }
        foreign_keys(&action, &mut locks);
    }
    locks
}

/// A foreign key locks the table that it refers to as well.
pub(super) fn foreign_keys(node: &SyntaxNode, locks: &mut Locks) {
    let keys = [
        SyntaxKind::FOREIGN_KEY_CONSTRAINT,
        SyntaxKind::REFERENCES_CONSTRAINT,
    ];
    for key in node
        .descendants()
        .filter(|node| keys.contains(&node.kind()))
    {
        locks.add(LockMode::ShareRowExclusive, reference(&key));
    }
}

fn action_mode(action: &SyntaxNode) -> Option<LockMode> {
    let has = |kinds: &[SyntaxKind]| action.children().any(|child| kinds.contains(&child.kind()));
    Some(match action.kind() {
        // Not an action.
        SyntaxKind::IF_EXISTS | SyntaxKind::TABLE_RELATION_NAME | SyntaxKind::VIEW_REF => {
            return None;
        }
        SyntaxKind::VALIDATE_CONSTRAINT
        | SyntaxKind::ATTACH_PARTITION
        | SyntaxKind::CLUSTER_ON
        | SyntaxKind::SET_WITHOUT_CLUSTER => LockMode::ShareUpdateExclusive,
        // Storage parameters of PostgreSQL; those of extensions can do anything.
        SyntaxKind::SET_OPTIONS | SyntaxKind::RESET_OPTIONS
            if !action
                .descendants()
                .any(|node| node.kind() == SyntaxKind::ATTRIBUTE_NAMESPACE)
                && !action.text().to_string().contains("user_catalog_table") =>
        {
            LockMode::ShareUpdateExclusive
        }
        SyntaxKind::ALTER_COLUMN | SyntaxKind::ALTER_SET_STATISTICS
            if has(&[
                SyntaxKind::SET_STATISTICS,
                SyntaxKind::SET_OPTIONS,
                SyntaxKind::RESET_OPTIONS,
            ]) =>
        {
            LockMode::ShareUpdateExclusive
        }
        SyntaxKind::DETACH_PARTITION
            if has(&[SyntaxKind::DETACH_CONCURRENTLY, SyntaxKind::DETACH_FINALIZE]) =>
        {
            LockMode::ShareUpdateExclusive
        }
        SyntaxKind::ENABLE_TRIGGER
        | SyntaxKind::ENABLE_REPLICA_TRIGGER
        | SyntaxKind::ENABLE_ALWAYS_TRIGGER
        | SyntaxKind::DISABLE_TRIGGER => LockMode::ShareRowExclusive,
        SyntaxKind::ADD_CONSTRAINT if has(&[SyntaxKind::FOREIGN_KEY_CONSTRAINT]) => {
            LockMode::ShareRowExclusive
        }
        _ => LockMode::AccessExclusive,
    })
}

/// ALTER INDEX.
pub(super) fn index(node: &SyntaxNode) -> Locks {
    let weak = [
        SyntaxKind::INDEX_RENAME_TO,
        SyntaxKind::ATTACH_INDEX_PARTITION,
        SyntaxKind::SET_OPTIONS,
        SyntaxKind::RESET_OPTIONS,
        SyntaxKind::ALTER_SET_STATISTICS,
    ];
    let mode = if node.children().any(|child| weak.contains(&child.kind())) {
        LockMode::ShareUpdateExclusive
    } else {
        LockMode::AccessExclusive
    };
    reference(node).map_or_else(Locks::dynamic, |index| Locks::one(mode, Some(index)))
}

/// ALTER SEQUENCE.
pub(super) fn sequence(node: &SyntaxNode) -> Locks {
    let strong = [
        SyntaxKind::OWNER_TO,
        SyntaxKind::SEQUENCE_RENAME_TO,
        SyntaxKind::SET_SCHEMA,
        SyntaxKind::SET_LOGGED,
        SyntaxKind::SET_UNLOGGED,
    ];
    let mode = if node.children().any(|child| strong.contains(&child.kind())) {
        LockMode::AccessExclusive
    } else {
        LockMode::ShareRowExclusive
    };
    Locks::one(mode, reference(node))
}
