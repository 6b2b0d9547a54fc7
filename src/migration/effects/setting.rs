//! Parameters that a statement sets, and for how long.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::walk::Reader;
use super::{Act, Scope, access, constant, names};

/// The parameter that decides what a name without a schema means.
pub(super) const SEARCH_PATH: &str = "search_path";

/// The parameter that decides which triggers fire.
const REPLICATION_ROLE: &str = "session_replication_role";

/// Takes down what a node sets.
pub(super) fn read(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    match node.kind() {
        K::SET_CONFIG => sets(reader, node, at, set_scope(node)),
        K::SET_SCHEMA_VALUE => {
            let value = node
                .children()
                .filter_map(|child| constant::literal(&child));
            let act = Act::Sets {
                parameter: SEARCH_PATH.to_owned(),
                value: value.collect(),
                scope: set_scope(node),
            };
            reader.say(at, act);
        }
        K::SET_CONFIG_PARAM => {
            if let Some(scope) = scope(node) {
                sets(reader, node, at, scope);
            }
        }
        _ => {}
    }
}

/// Where a SET holds.
fn set_scope(node: &SyntaxNode) -> Scope {
    let local = node.parent().is_some_and(|set| {
        set.children()
            .any(|child| child.kind() == SyntaxKind::LOCAL_SCOPE)
    });
    if local {
        Scope::Transaction
    } else {
        Scope::Session
    }
}

/// Where the SET of another statement holds.
fn scope(node: &SyntaxNode) -> Option<Scope> {
    use SyntaxKind as K;
    let statement = node
        .ancestors()
        .skip(1)
        .find(|above| !matches!(above.kind(), K::SET_FUNC_OPTION | K::FUNC_OPTION_LIST))?;
    let named = |kind: K| statement.descendants().find(|child| child.kind() == kind);
    Some(match statement.kind() {
        K::ALTER_SYSTEM => Scope::Server,
        K::ALTER_DATABASE => Scope::Database(names::folded(&named(K::DATABASE_REF)?)),
        K::ALTER_ROLE | K::ALTER_USER => match (named(K::ROLE_REF), named(K::DATABASE_REF)) {
            (Some(role), _) => Scope::Role(access::role(&role)),
            (None, Some(database)) => Scope::Database(names::folded(&database)),
            (None, None) => Scope::Server,
        },
        _ => Scope::Function,
    })
}

fn sets(reader: &mut Reader, node: &SyntaxNode, at: usize, scope: Scope) {
    let Some(parameter) = parameter(node) else {
        return;
    };
    let value = if [SEARCH_PATH, REPLICATION_ROLE].contains(&parameter.as_str()) {
        schemas(node)
    } else {
        Vec::new()
    };
    reader.say(
        at,
        Act::Sets {
            parameter,
            value,
            scope,
        },
    );
}

/// The parameter that a SET or RESET names.
pub(super) fn parameter(node: &SyntaxNode) -> Option<String> {
    node.children()
        .find(|child| child.kind() == SyntaxKind::CONFIG_PARAMETER_REF)
        .and_then(|child| names::path(&child))
        .map(|path| path.to_string().to_ascii_lowercase())
}

/// The schemas of a search path.
pub(super) fn schemas(node: &SyntaxNode) -> Vec<String> {
    node.descendants()
        .filter_map(|child| match child.kind() {
            SyntaxKind::CONFIG_VALUE_NAME => Some(names::folded(&child)),
            SyntaxKind::LITERAL => constant::literal(&child),
            _ => None,
        })
        .collect()
}
