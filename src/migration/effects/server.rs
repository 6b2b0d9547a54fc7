//! What is the server's or its superuser's, whichever database a migration runs in: tablespaces, access methods, event triggers.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::walk::Reader;
use super::{Act, Superuser, names};

/// Takes down what a node does to the server, or as only a superuser may.
pub(super) fn read(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    let named = |kind: K| list(node, kind);
    let superuser = |what: String, of: Superuser| Act::Superuser { what, of };
    let act = match node.kind() {
        K::CHECKPOINT => server("CHECKPOINT".to_owned()),
        K::ALTER_SYSTEM => server(format!("ALTER SYSTEM {}", parameter(node))),
        K::ALTER_ROLE | K::ALTER_USER if is_about_all(node) => {
            server(format!("ALTER ROLE ALL {}", parameter(node)))
        }
        K::ALTER_TABLESPACE => server(format!("ALTER TABLESPACE {}", named(K::TABLESPACE_REF))),
        K::DROP_TABLESPACE => server(format!("DROP TABLESPACE {}", named(K::TABLESPACE_REF))),
        K::OBJECT_TABLESPACE => match node.parent().map(|parent| parent.kind()) {
            Some(K::COMMENT_ON) => server(format!(
                "COMMENT ON TABLESPACE {}",
                named(K::TABLESPACE_REF)
            )),
            Some(K::SECURITY_LABEL) => server(format!(
                "SECURITY LABEL ON TABLESPACE {}",
                named(K::TABLESPACE_REF)
            )),
            _ => return,
        },
        // What is granted is told with who gets it.
        K::PRIVILEGE_TABLESPACE if is_revoked(node) => {
            server(format!("REVOKE ON TABLESPACE {}", named(K::TABLESPACE_REF)))
        }
        K::PRIVILEGE_PARAMETER if is_revoked(node) => server(format!(
            "REVOKE ON PARAMETER {}",
            named(K::CONFIG_PARAMETER_REF)
        )),
        K::CREATE_EVENT_TRIGGER => superuser(
            format!("CREATE EVENT TRIGGER {}", named(K::EVENT_TRIGGER)),
            Superuser::EventTrigger,
        ),
        // A new owner is told by itself.
        K::ALTER_EVENT_TRIGGER if !node.children().any(|child| child.kind() == K::OWNER_TO) => {
            superuser(
                format!("ALTER EVENT TRIGGER {}", named(K::EVENT_TRIGGER_REF)),
                Superuser::EventTrigger,
            )
        }
        K::DROP_EVENT_TRIGGER => superuser(
            format!("DROP EVENT TRIGGER {}", named(K::EVENT_TRIGGER_REF)),
            Superuser::EventTrigger,
        ),
        K::CREATE_ACCESS_METHOD => superuser(
            format!("CREATE ACCESS METHOD {}", named(K::ACCESS_METHOD)),
            Superuser::AccessMethod,
        ),
        K::DROP_ACCESS_METHOD => superuser(
            format!("DROP ACCESS METHOD {}", named(K::ACCESS_METHOD_REF)),
            Superuser::AccessMethod,
        ),
        kind => match only_superuser(node, kind) {
            Some(what) => superuser(what.to_owned(), Superuser::Definition),
            None => return,
        },
    };
    reader.say(at, act);
}

fn server(what: String) -> Act {
    Act::Server { what }
}

/// What a superuser alone may define, because a wrong definition can crash the server (PostgreSQL documentation, the page of each).
fn only_superuser(node: &SyntaxNode, kind: SyntaxKind) -> Option<&'static str> {
    use SyntaxKind as K;
    let has = |kind: K| node.children().any(|child| child.kind() == kind);
    match kind {
        K::CREATE_OPERATOR_CLASS => Some("CREATE OPERATOR CLASS"),
        K::CREATE_OPERATOR_FAMILY => Some("CREATE OPERATOR FAMILY"),
        K::ALTER_OPERATOR_FAMILY if has(K::ADD_OP_CLASS_OPTIONS) => {
            Some("ALTER OPERATOR FAMILY … ADD")
        }
        K::ALTER_OPERATOR_FAMILY if has(K::DROP_OP_CLASS_OPTIONS) => {
            Some("ALTER OPERATOR FAMILY … DROP")
        }
        K::CREATE_CAST if has(K::WITHOUT_FUNCTION) => Some("CREATE CAST … WITHOUT FUNCTION"),
        K::CREATE_TEXT_SEARCH_PARSER => Some("CREATE TEXT SEARCH PARSER"),
        K::CREATE_TEXT_SEARCH_TEMPLATE => Some("CREATE TEXT SEARCH TEMPLATE"),
        K::BASE_TYPE => Some("CREATE TYPE with an input function"),
        _ => None,
    }
}

/// ALTER ROLE ALL without IN DATABASE: the sessions of every service.
fn is_about_all(node: &SyntaxNode) -> bool {
    let mut children = node.children();
    !children.any(|child| matches!(child.kind(), SyntaxKind::ROLE_REF | SyntaxKind::IN_DATABASE))
}

/// Whether a privilege is taken away.
fn is_revoked(privilege: &SyntaxNode) -> bool {
    let statement = privilege.ancestors().nth(2);
    statement.is_some_and(|statement| statement.kind() == SyntaxKind::REVOKE)
}

/// The names in the children of a kind, one after the other.
pub(super) fn list(node: &SyntaxNode, kind: SyntaxKind) -> String {
    let named = node.children().filter(|child| child.kind() == kind);
    let named = named.filter_map(|child| names::path(&child));
    let named: Vec<String> = named.map(|path| path.to_string()).collect();
    named.join(", ")
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
