//! Unique keys and partition columns: on a hypertable every unique key must contain the partition column
//! (TimescaleDB documentation, "Enforce constraints with unique indexes on hypertables").

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::walk::Reader;
use super::{Act, Path, constant, names};

/// Takes down the keys that a node adds or takes away.
pub(super) fn read(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    match node.kind() {
        K::PRIMARY_KEY_CONSTRAINT => constraint(reader, node, at, "primary key"),
        K::UNIQUE_CONSTRAINT => constraint(reader, node, at, "unique constraint"),
        K::EXCLUDE_CONSTRAINT => constraint(reader, node, at, "exclusion constraint"),
        K::LIKE_CLAUSE => copies(reader, node, at),
        K::CREATE_INDEX => {
            concurrent_index(reader, node, at);
            index(reader, node, at);
        }
        K::DROP_CONSTRAINT => {
            let name = child(node, K::CONSTRAINT_NAME_REF).map(|name| last(&name));
            if let (Some(table), Some(name)) = (table_of(node), name) {
                reader.say(
                    at,
                    Act::Unkeys {
                        table: Some(table),
                        name: Some(name),
                    },
                );
            }
        }
        K::DROP_INDEX => {
            for index in node.children().filter(|child| child.kind() == K::INDEX_REF) {
                reader.say(
                    at,
                    Act::Unkeys {
                        table: None,
                        name: Some(last(&index)),
                    },
                );
            }
        }
        K::DROP_TABLE => {
            for table in node.children().filter_map(|child| names::path(&child)) {
                reader.say(
                    at,
                    Act::Unkeys {
                        table: Some(table),
                        name: None,
                    },
                );
            }
        }
        K::CREATE_TABLE => with_options(reader, node, at),
        K::DISABLE_TRIGGER => {
            let mut words = node.descendants_with_tokens();
            let all = words.any(|word| word.kind() == K::ALL_KW);
            if let (true, Some(table)) = (all, table_of(node)) {
                reader.say(at, Act::Unguards { table });
            }
        }
        _ => {}
    }
}

fn constraint(reader: &mut Reader, node: &SyntaxNode, at: usize, what: &'static str) {
    use SyntaxKind as K;
    // USING INDEX names a key that is there already.
    if child(node, K::USING_INDEX_NAME).is_some() {
        return;
    }
    let Some(table) = table_of(node) else { return };
    let list = node
        .descendants()
        .find(|inner| inner.kind() == K::CONSTRAINT_COLUMN_REF_LIST);
    let columns = match list {
        // An expression is no column here either.
        _ if node.kind() == K::EXCLUDE_CONSTRAINT => node
            .descendants()
            .filter(|inner| inner.kind() == K::CONSTRAINT_EXCLUSION)
            .filter_map(|item| child(&item, K::NAME_REF))
            .map(|name| names::folded(&name))
            .collect(),
        Some(list) => of_kind(&list, K::COLUMN_NAME_REF),
        // A column's own constraint.
        None => node
            .ancestors()
            .find(|above| {
                above
                    .descendants()
                    .any(|inner| inner.kind() == K::COLUMN_NAME)
            })
            .map(|column| {
                of_kind(&column, K::COLUMN_NAME)
                    .into_iter()
                    .take(1)
                    .collect()
            })
            .unwrap_or_default(),
    };
    let name = node
        .children()
        .find(|child| child.kind() == K::CONSTRAINT_NAME_CLAUSE)
        .and_then(|clause| child(&clause, K::CONSTRAINT_NAME))
        .map(|name| last(&name));
    reader.say(
        at,
        Act::Unique {
            table,
            name,
            what,
            columns,
        },
    );
}

fn index(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    let unique = node
        .children_with_tokens()
        .any(|child| child.kind() == K::UNIQUE_KW);
    let (true, Some(table), Some(items)) = (
        unique,
        child(node, K::TABLE_RELATION_NAME).and_then(|table| names::path(&table)),
        child(node, K::PARTITION_ITEM_LIST),
    ) else {
        return;
    };
    // An expression is no column, even where it is made of the partition column.
    let columns = items
        .children()
        .filter_map(|item| child(&item, K::NAME_REF))
        .map(|name| names::folded(&name))
        .collect();
    reader.say(
        at,
        Act::Unique {
            table,
            name: child(node, K::INDEX).map(|name| last(&name)),
            what: "unique index",
            columns,
        },
    );
}

fn concurrent_index(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    let concurrently = node
        .children_with_tokens()
        .any(|child| child.kind() == K::CONCURRENTLY_KW);
    let table = child(node, K::TABLE_RELATION_NAME).and_then(|table| names::path(&table));
    if let (true, Some(table)) = (concurrently, table) {
        reader.say(at, Act::Concurrently { table });
    }
}

/// LIKE with INCLUDING INDEXES brings keys along; the last word about them counts.
fn copies(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    let indexes = node
        .children()
        .filter(|option| {
            option
                .descendants()
                .any(|inner| matches!(inner.kind(), K::PROPERTY_INDEXES | K::PROPERTY_ALL))
        })
        .last()
        .is_some_and(|option| option.kind() == K::INCLUDING_PROPERTY);
    let from = child(node, K::RELATION_NAME_REF).and_then(|from| names::path(&from));
    if let (true, Some(table), Some(from)) = (indexes, table_of(node), from) {
        reader.say(at, Act::Copies { table, from });
    }
}

/// CREATE TABLE … WITH (timescaledb.hypertable, timescaledb.partition_column = '…').
fn with_options(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    let column = node
        .descendants()
        .filter(|inner| inner.kind() == K::ATTRIBUTE_OPTION)
        .find(|option| {
            child(option, K::ATTRIBUTE_NAME)
                .is_some_and(|name| names::folded(&name) == "partition_column")
        })
        .and_then(|option| {
            option
                .descendants()
                .find_map(|inner| constant::literal(&inner))
        });
    if let (Some(table), Some(column)) = (table_of(node), column) {
        reader.say(at, Act::Partitions { table, column });
    }
}

/// The table that the statement around a node makes or alters.
pub(super) fn table_of(node: &SyntaxNode) -> Option<Path> {
    use SyntaxKind as K;
    let statement = node.ancestors().find(|above| {
        matches!(
            above.kind(),
            K::CREATE_TABLE | K::CREATE_TABLE_AS | K::ALTER_TABLE | K::CREATE_FOREIGN_TABLE
        )
    })?;
    let name = statement
        .children()
        .find(|child| matches!(child.kind(), K::TABLE_NAME | K::TABLE_RELATION_NAME))?;
    names::path(&name)
}

pub(super) fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|child| child.kind() == kind)
}

pub(super) fn of_kind(node: &SyntaxNode, kind: SyntaxKind) -> Vec<String> {
    node.descendants()
        .filter(|inner| inner.kind() == kind)
        .map(|inner| names::folded(&inner))
        .collect()
}

pub(super) fn last(node: &SyntaxNode) -> String {
    names::path(node).map(|path| path.name).unwrap_or_default()
}
