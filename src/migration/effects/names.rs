//! Names in the parser's tree: which nodes are names, what they can stand for, and how they are folded.

use squawk_syntax::ast::{self, AstNode as _, NameLike as _};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::{Access, Class, Path};
use crate::migration::words::cut;

/// What a node names, if it is a name of something that can belong to a service.
pub(super) fn class(kind: SyntaxKind) -> Option<(Class, bool)> {
    use SyntaxKind as K;
    Some(match kind {
        K::TABLE_NAME
        | K::VIEW
        | K::SEQUENCE
        | K::INDEX
        | K::STATISTICS
        | K::OPTION_SEQUENCE_NAME => (Class::Relation, true),
        K::TABLE_NAME_REF
        | K::RELATION_NAME_REF
        | K::VIEW_REF
        | K::SEQUENCE_REF
        | K::INDEX_REF
        | K::STATISTICS_REF
        | K::USING_INDEX_NAME
        | K::QUALIFIED_COLUMN_NAME_REF => (Class::Relation, false),
        K::TYPE_NAME | K::DOMAIN | K::COLLATION => (Class::Type, true),
        K::TYPE_NAME_REF
        | K::DOMAIN_REF
        | K::COLLATION_REF
        | K::PATH_TYPE
        | K::PERCENT_TYPE
        | K::PLPGSQL_PERCENT_ROWTYPE => (Class::Type, false),
        K::FUNCTION_NAME | K::PROCEDURE_NAME | K::ROUTINE_NAME | K::AGGREGATE_NAME => {
            (Class::Function, true)
        }
        K::FUNCTION_NAME_REF | K::PROCEDURE_NAME_REF | K::ROUTINE_NAME_REF | K::AGGREGATE => {
            (Class::Function, false)
        }
        K::TRIGGER | K::POLICY | K::RULE => (Class::Part, true),
        K::SCHEMA => (Class::Schema, true),
        K::SCHEMA_REF => (Class::Schema, false),
        K::DATABASE_REF => (Class::Database, false),
        _ => return None,
    })
}

/// The name in a node.
pub(super) fn path(node: &SyntaxNode) -> Option<Path> {
    let arguments = [
        SyntaxKind::ARG_LIST,
        SyntaxKind::PARAM_LIST,
        SyntaxKind::ARRAY_BOUND,
    ];
    let mut parts: Vec<String> = node
        .descendants()
        .filter(|part| {
            matches!(
                part.kind(),
                SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF
            )
        })
        // Types of arguments are names of their own.
        .filter(|part| {
            !part
                .ancestors()
                .take_while(|above| above != node)
                .any(|above| arguments.contains(&above.kind()))
        })
        .map(|part| folded(&part))
        .collect();
    if parts.is_empty() {
        parts.push(folded(node));
    }
    // `table.column` names the table.
    if matches!(
        node.kind(),
        SyntaxKind::QUALIFIED_COLUMN_NAME_REF | SyntaxKind::PERCENT_TYPE
    ) {
        parts.pop();
    }
    of_parts(parts)
}

/// The name of the function that a call names.
pub(super) fn called(call: &SyntaxNode) -> Option<(SyntaxNode, Path)> {
    let function = call.children().next()?;
    if !matches!(
        function.kind(),
        SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR
    ) {
        return None;
    }
    let parts = function
        .descendants()
        .filter(|part| part.kind() == SyntaxKind::NAME_REF)
        .map(|part| folded(&part))
        .collect();
    Some((function, of_parts(parts)?))
}

/// A name from its parts, the last of them the name itself.
pub(super) fn of_parts(mut parts: Vec<String>) -> Option<Path> {
    let name = parts.pop().filter(|name| !name.is_empty())?;
    Some(Path {
        name,
        schema: parts.pop(),
        database: parts.pop(),
    })
}

/// A name as the server keeps it.
pub(super) fn folded(node: &SyntaxNode) -> String {
    cut(ast::normalize_name_node(node))
}

/// Whether a name stands in the definition of a cast, an operator, an aggregate, a type and the like, which is not its own.
pub(super) fn is_in_definition(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    node.ancestors().skip(1).any(|above| {
        matches!(
            above.kind(),
            K::CREATE_AGGREGATE
                | K::CREATE_CAST
                | K::CREATE_CONVERSION
                | K::CREATE_LANGUAGE
                | K::CREATE_OPERATOR
                | K::CREATE_OPERATOR_CLASS
                | K::CREATE_TRANSFORM
                | K::CREATE_TYPE
                | K::ADD_OP_CLASS_OPTIONS
        )
    })
}

/// What is done to an object that a node refers to.
pub(super) fn access(node: &SyntaxNode) -> Access {
    use SyntaxKind as K;
    if is_in_definition(node) {
        return Access::Read;
    }
    for above in node.ancestors().skip(1) {
        match above.kind() {
            K::RELATION_FROM_ITEM
            | K::LIKE_CLAUSE
            | K::REFERENCES_CONSTRAINT
            | K::FOREIGN_KEY_CONSTRAINT
            | K::INHERITS
            | K::PARTITION_OF
            | K::SELECT
            | K::TABLE
            | K::COPY_QUERY
            | K::PLPGSQL_EXPR
            | K::CALL_EXPR
            | K::COLLATE
            | K::CAST_EXPR
            | K::PARAM_LIST
            | K::RET_TYPE
            | K::COLUMN
            | K::PLPGSQL_DECLARE_SECTION => return Access::Read,
            K::COPY => {
                let gives = above.children().any(|child| child.kind() == K::COPY_TO);
                return if gives { Access::Read } else { Access::Change };
            }
            K::REVOKE | K::REVOKE_DEFAULT_PRIVILEGES => return Access::Revoke,
            K::INSERT | K::UPDATE | K::DELETE | K::MERGE | K::TRUNCATE => return Access::Change,
            _ => {}
        }
    }
    Access::Change
}

/// Whether a name is one that WITH defines for the query around it.
pub(super) fn is_common_table(node: &SyntaxNode, name: &str) -> bool {
    node.ancestors().any(|above| {
        with_of(&above).is_some_and(|with| {
            let tables: Vec<SyntaxNode> = with
                .children()
                .filter(|child| child.kind() == SyntaxKind::WITH_TABLE)
                .collect();
            let recursive = with
                .children_with_tokens()
                .any(|child| child.kind() == SyntaxKind::RECURSIVE_KW);
            let inside = tables
                .iter()
                .position(|table| table.text_range().contains_range(node.text_range()));
            // A query of WITH sees those before it, and itself when it is recursive.
            let seen = match inside {
                Some(index) if !recursive => index,
                _ => tables.len(),
            };
            tables.iter().take(seen).any(|table| {
                table
                    .children()
                    .find_map(ast::CteName::cast)
                    .is_some_and(|cte| cte.text() == name)
            })
        })
    })
}

/// The WITH of a query; of several that are combined, that of the first is everybody's.
fn with_of(query: &SyntaxNode) -> Option<SyntaxNode> {
    let mut query = query.clone();
    loop {
        let with = query
            .children()
            .find(|child| child.kind() == SyntaxKind::WITH_CLAUSE);
        if with.is_some() || query.kind() != SyntaxKind::COMPOUND_SELECT {
            return with;
        }
        query = query.children().next()?;
    }
}
