//! Ways out of the database: links, files of the server, other databases.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::walk::Reader;
use super::{Act, constant, names, server};

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
    let of_server = || {
        node.children()
            .find(|child| child.kind() == K::SERVER_CLAUSE)
            .and_then(|clause| clause.children().next())
            .map(|server| names::folded(&server))
            .unwrap_or_default()
    };
    match node.kind() {
        K::DROP_EXTENSION => return drops(reader, node, at),
        K::PRIVILEGE_LANGUAGE if is_granted(node) => return languages(reader, node, at),
        _ => {}
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
        K::ALTER_EXTENSION
            if node
                .children()
                .any(|child| child.kind() == K::ALTER_EXTENSION_UPDATE) =>
        {
            link("extension", named(K::EXTENSION_REF))
        }
        K::CREATE_SERVER => link("server", named(K::SERVER)),
        K::ALTER_SERVER => link("server", named(K::SERVER_REF)),
        K::CREATE_USER_MAPPING | K::ALTER_USER_MAPPING | K::IMPORT_FOREIGN_SCHEMA => {
            link("server", of_server())
        }
        K::CREATE_FOREIGN_TABLE => link("server", of_server()),
        K::CREATE_FOREIGN_DATA_WRAPPER => {
            link("foreign data wrapper", named(K::FOREIGN_DATA_WRAPPER))
        }
        K::ALTER_FOREIGN_DATA_WRAPPER => {
            link("foreign data wrapper", named(K::FOREIGN_DATA_WRAPPER_REF))
        }
        // Its options say what it leads to; its columns are a table's.
        K::ALTER_FOREIGN_TABLE
            if node
                .children()
                .any(|child| child.kind() == K::ALTER_OPTION_LIST) =>
        {
            link("foreign table", server::list(node, K::TABLE_RELATION_NAME))
        }
        K::PRIVILEGE_FOREIGN_SERVER if is_granted(node) => {
            link("server", server::list(node, K::SERVER_REF))
        }
        K::PRIVILEGE_FOREIGN_DATA_WRAPPER if is_granted(node) => link(
            "foreign data wrapper",
            server::list(node, K::FOREIGN_DATA_WRAPPER_REF),
        ),
        K::CREATE_SUBSCRIPTION => link("subscription", named(K::SUBSCRIPTION)),
        K::ALTER_SUBSCRIPTION => link("subscription", named(K::SUBSCRIPTION_REF)),
        K::CREATE_PUBLICATION => link("publication", named(K::PUBLICATION)),
        K::ALTER_PUBLICATION => link("publication", named(K::PUBLICATION_REF)),
        K::CREATE_LANGUAGE => link("language", named(K::LANGUAGE)),
        K::ALTER_LANGUAGE | K::CREATE_TRANSFORM => link("language", named(K::LANGUAGE_REF)),
        K::AS_OBJ_FILE => link("library", literal(node)),
        K::SET_SCHEMA => Act::Moves {
            schema: named(K::SCHEMA_REF),
        },
        K::LOAD => link("library", literal(node)),
        K::COPY_PROGRAM => Act::ServerFile { what: copy(node) },
        K::CREATE_TABLESPACE => Act::ServerFile {
            what: literal(node),
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

/// GRANT … ON LANGUAGE; each by itself, since some are everybody's.
fn languages(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    let languages = node
        .children()
        .filter(|child| child.kind() == SyntaxKind::LANGUAGE_REF);
    for language in languages {
        reader.say(
            at,
            Act::Link {
                kind: "language",
                name: names::folded(&language),
            },
        );
    }
}

/// Whether a privilege is given, not taken away.
fn is_granted(privilege: &SyntaxNode) -> bool {
    let statement = privilege.ancestors().nth(2);
    statement.is_some_and(|statement| statement.kind() == SyntaxKind::GRANT)
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
