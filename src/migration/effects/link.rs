//! Ways out of the database: links, files of the server, the server itself, other databases.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::walk::Reader;
use super::{Act, constant, names};

/// Takes down what a node opens.
pub(super) fn read(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    let named = |kind: K| {
        node.children()
            .find(|child| child.kind() == kind)
            .map(|child| names::folded(&child))
            .unwrap_or_default()
    };
    let link = |kind: &'static str, name: String| Act::Link { kind, name };
    let server = || {
        node.children()
            .find(|child| child.kind() == K::SERVER_CLAUSE)
            .and_then(|clause| clause.children().next())
            .map(|server| names::folded(&server))
            .unwrap_or_default()
    };
    if node.kind() == K::DROP_EXTENSION {
        drops(reader, node, at);
        return;
    }
    let act = match node.kind() {
        K::ALTER_EXTENSION
            if node
                .children()
                .any(|child| child.kind() == K::ALTER_EXTENSION_ADD) =>
        {
            Act::Attaches {
                extension: named(K::EXTENSION_REF),
            }
        }
        K::CREATE_EXTENSION => link("extension", named(K::EXTENSION)),
        K::CREATE_SERVER => link("server", named(K::SERVER)),
        K::ALTER_SERVER => link("server", named(K::SERVER_REF)),
        K::CREATE_USER_MAPPING | K::ALTER_USER_MAPPING | K::IMPORT_FOREIGN_SCHEMA => {
            link("server", server())
        }
        K::CREATE_FOREIGN_TABLE => link("server", server()),
        K::CREATE_FOREIGN_DATA_WRAPPER => {
            link("foreign data wrapper", named(K::FOREIGN_DATA_WRAPPER))
        }
        K::CREATE_SUBSCRIPTION => link("subscription", named(K::SUBSCRIPTION)),
        K::ALTER_SUBSCRIPTION => link("subscription", named(K::SUBSCRIPTION_REF)),
        K::CREATE_PUBLICATION => link("publication", named(K::PUBLICATION)),
        K::ALTER_PUBLICATION => link("publication", named(K::PUBLICATION_REF)),
        K::CREATE_LANGUAGE => link("language", named(K::LANGUAGE)),
        K::AS_OBJ_FILE => link("library", literal(node)),
        K::SET_SCHEMA => Act::Moves {
            schema: named(K::SCHEMA_REF),
        },
        K::LOAD => link("library", literal(node)),
        K::COPY_PROGRAM => Act::ServerFile { what: copy(node) },
        K::CREATE_TABLESPACE => Act::ServerFile {
            what: literal(node),
        },
        K::CREATE_EVENT_TRIGGER => Act::Superuser {
            what: format!("CREATE EVENT TRIGGER {}", named(K::EVENT_TRIGGER)),
        },
        // A new owner is told by itself.
        K::ALTER_EVENT_TRIGGER if !node.children().any(|child| child.kind() == K::OWNER_TO) => {
            Act::Superuser {
                what: format!("ALTER EVENT TRIGGER {}", named(K::EVENT_TRIGGER_REF)),
            }
        }
        K::ALTER_SYSTEM => Act::Server {
            what: format!("ALTER SYSTEM {}", parameter(node)),
        },
        K::CREATE_DATABASE => Act::Database {
            does: "CREATE DATABASE",
            name: named(K::DATABASE),
        },
        K::DROP_DATABASE => Act::Database {
            does: "DROP DATABASE",
            name: named(K::DATABASE_REF),
        },
        K::ALTER_DATABASE => Act::Database {
            does: alter_database(node),
            name: named(K::DATABASE_REF),
        },
        _ => return,
    };
    reader.say(at, act);
}

/// DROP EXTENSION … CASCADE
fn drops(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    let all = node
        .descendants_with_tokens()
        .any(|inner| inner.kind() == SyntaxKind::CASCADE_KW);
    let extensions = node
        .descendants()
        .filter(|inner| all && inner.kind() == SyntaxKind::EXTENSION_REF);
    for extension in extensions {
        reader.say(
            at,
            Act::Drops {
                extension: names::folded(&extension),
            },
        );
    }
}

fn literal(node: &SyntaxNode) -> String {
    node.descendants()
        .find_map(|child| constant::literal(&child))
        .unwrap_or_default()
}

/// The file that COPY names; a program's text may hold a password.
fn copy(node: &SyntaxNode) -> String {
    let program = node
        .children_with_tokens()
        .any(|child| child.kind() == SyntaxKind::PROGRAM_KW);
    if program {
        "PROGRAM".to_owned()
    } else {
        literal(node)
    }
}

fn parameter(node: &SyntaxNode) -> String {
    let word = node
        .descendants()
        .find(|child| child.kind() == SyntaxKind::CONFIG_PARAMETER_REF)
        .and_then(|child| names::path(&child));
    let resets = node
        .children()
        .any(|child| child.kind() == SyntaxKind::RESET_CONFIG_PARAM);
    let verb = if resets { "RESET" } else { "SET" };
    word.map_or_else(
        || format!("{verb} ALL"),
        |parameter| format!("{verb} {parameter}"),
    )
}

/// What is done to the database; its owner and its settings are told by themselves.
fn alter_database(node: &SyntaxNode) -> &'static str {
    let has = |kind: SyntaxKind| node.children().any(|child| child.kind() == kind);
    if has(SyntaxKind::DATABASE_RENAME_TO) {
        "ALTER DATABASE … RENAME"
    } else if has(SyntaxKind::OWNER_TO) {
        "ALTER DATABASE … OWNER TO"
    } else if has(SyntaxKind::SET_CONFIG_PARAM) || has(SyntaxKind::RESET_CONFIG_PARAM) {
        "ALTER DATABASE … SET"
    } else {
        "ALTER DATABASE"
    }
}
