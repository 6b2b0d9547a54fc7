//! The locks of queries and of what changes rows, also within WITH, EXPLAIN, CREATE TABLE AS and views.

use std::collections::BTreeSet;

use squawk_syntax::ast::{self, AstNode as _, NameLike as _};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::lock::Locks;
use super::names::reference;
use super::{LockMode, Name};
use crate::migration::words::Words;

/// Functions of the server and of TimescaleDB that lock no table against anybody.
const HARMLESS: [&str; 14] = [
    "by_hash",
    "by_range",
    "count",
    "current_setting",
    "currval",
    "gen_random_uuid",
    "max",
    "min",
    "nextval",
    "now",
    "set_config",
    "setval",
    "sum",
    "version",
];

/// TimescaleDB's functions that say how a hypertable is kept, by whether they lock it against readers
/// (TimescaleDB documentation, API reference).
const HYPERTABLE: [(&str, bool); 12] = [
    ("create_hypertable", true),
    ("add_dimension", true),
    ("set_chunk_time_interval", false),
    ("set_integer_now_func", false),
    ("set_number_partitions", false),
    ("add_retention_policy", false),
    ("remove_retention_policy", false),
    ("add_compression_policy", false),
    ("remove_compression_policy", false),
    ("add_reorder_policy", false),
    ("remove_reorder_policy", false),
    ("add_continuous_aggregate_policy", false),
];

/// What a query, or a statement with queries in it, locks.
pub(super) fn locks(statement: &SyntaxNode) -> Locks {
    let own: BTreeSet<String> = statement
        .descendants()
        .filter_map(ast::CteName::cast)
        .map(|name| name.text())
        .collect();
    let mut locks = Locks::default();
    for node in statement.descendants() {
        match node.kind() {
            SyntaxKind::INSERT | SyntaxKind::UPDATE | SyntaxKind::DELETE | SyntaxKind::MERGE => {
                locks.add(LockMode::RowExclusive, target(&node));
            }
            SyntaxKind::COPY_TABLE => locks.add(copy_mode(&node), reference(&node)),
            SyntaxKind::RELATION_FROM_ITEM | SyntaxKind::TABLE => {
                // What WITH defines is no relation.
                let relation = reference(&node)
                    .filter(|name| name.schema.is_some() || !own.contains(&name.name));
                if relation.is_some() {
                    locks.add(read_mode(&node), relation);
                }
            }
            _ => {}
        }
    }
    calls(statement, &mut locks);
    locks
}

/// The relation whose rows change.
fn target(node: &SyntaxNode) -> Option<Name> {
    let names = [
        SyntaxKind::RELATION_NAME_REF,
        SyntaxKind::RELATION_NAME,
        SyntaxKind::TABLE_RELATION_NAME,
    ];
    node.children()
        .find(|child| names.contains(&child.kind()))
        .and_then(|name| reference(&name))
}

fn copy_mode(table: &SyntaxNode) -> LockMode {
    let into = table.parent().is_some_and(|copy| {
        copy.children()
            .any(|child| child.kind() == SyntaxKind::COPY_FROM)
    });
    if into {
        LockMode::RowExclusive
    } else {
        LockMode::AccessShare
    }
}

/// How the query around a relation reads it: FOR UPDATE and its like lock rows.
fn read_mode(item: &SyntaxNode) -> LockMode {
    let query = item
        .ancestors()
        .find(|node| matches!(node.kind(), SyntaxKind::SELECT | SyntaxKind::TABLE));
    let locks_rows = query.is_some_and(|query| {
        query
            .children()
            .any(|child| child.kind() == SyntaxKind::LOCKING_CLAUSE)
    });
    if locks_rows {
        LockMode::RowShare
    } else {
        LockMode::AccessShare
    }
}

/// What the functions lock that a query without a table calls: such a query is there for what they do.
fn calls(statement: &SyntaxNode, locks: &mut Locks) {
    if !locks.known.is_empty() || statement.kind() != SyntaxKind::SELECT {
        return;
    }
    for call in statement.descendants().filter_map(ast::CallExpr::cast) {
        let text = call.syntax().text().to_string();
        let Some(function) = Words::new(&text).name() else {
            continue;
        };
        let known = HYPERTABLE.iter().find(|(name, _)| *name == function.name);
        match (known, named_table(call.syntax())) {
            (Some((_, true)), table @ Some(_)) => locks.add(LockMode::AccessExclusive, table),
            (Some((_, false)), Some(_)) => {}
            _ if function.schema.as_deref() == Some("pg_catalog") => {}
            _ if HARMLESS.contains(&function.name.as_str()) => {}
            _ => locks.dynamic = true,
        }
    }
}

/// The table that a call's first text names.
fn named_table(call: &SyntaxNode) -> Option<Name> {
    let literal = call
        .descendants()
        .find(|node| node.kind() == SyntaxKind::LITERAL)?;
    let text = literal.text().to_string();
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    Words::new(inner).name()
}
