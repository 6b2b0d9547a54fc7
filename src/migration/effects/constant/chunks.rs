//! Chunks as TimescaleDB's show_chunks() lists them: what is done to one is done to its hypertable.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::{Value, Variables, arguments, child, within};
use crate::migration::effects::{calls, names};

/// Whether a node is a call that lists chunks.
pub(super) fn lists(node: &SyntaxNode) -> bool {
    node.kind() == SyntaxKind::CALL_EXPR
        && names::called(node).is_some_and(|(_, function)| function.name == "show_chunks")
}

impl Variables {
    /// The hypertables whose chunks a call lists.
    pub(super) fn shown(&self, call: &SyntaxNode) -> Value {
        let arguments = arguments(call);
        let name = |argument: &SyntaxNode| calls::argument_name(argument);
        let named = arguments
            .iter()
            .find(|argument| matches!(name(argument).as_deref(), Some("relation" | "hypertable")));
        let first = arguments
            .first()
            .filter(|argument| name(argument).is_none());
        named
            .or(first)
            .map_or_else(Value::unknown, |relation| self.value(relation))
    }

    /// The hypertable of a chunk that a name in a query stands for: a row or a column of what FROM lists.
    pub(super) fn chunk(&self, node: &SyntaxNode, name: &str) -> Option<Value> {
        use SyntaxKind as K;
        let mut queries = node
            .ancestors()
            .filter_map(|above| child(&above, K::FROM_CLAUSE))
            // Names within FROM would lead back to themselves.
            .filter(|from| !within(node, from));
        queries.find_map(|from| {
            let items = from
                .children()
                .filter(|item| matches!(item.kind(), K::FUNCTION_FROM_ITEM | K::PAREN_FROM_ITEM));
            items.into_iter().find_map(|item| {
                // What a query reads beside is no chunk.
                let reads = |inner: &SyntaxNode| {
                    matches!(inner.kind(), K::RELATION_FROM_ITEM | K::COMPOUND_SELECT)
                };
                if item.descendants().any(|inner| reads(&inner)) {
                    return None;
                }
                let list = item.descendants().find(lists)?;
                let is_it = |inner: SyntaxNode| {
                    matches!(inner.kind(), K::TABLE_ALIAS | K::COLUMN_NAME)
                        && names::folded(&inner) == name
                };
                let is_named = item.descendants().any(is_it) || name == "show_chunks";
                is_named.then(|| self.shown(&list))
            })
        })
    }
}
