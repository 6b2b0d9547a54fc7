//! Privileges, owners and roles.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::walk::Reader;
use super::{Act, CURRENT_USER, names};

/// ALTER ROLE … RESET.
const RESETS: &str = "resets a setting of role";
/// COMMENT ON ROLE.
const REMARKS: &str = "comments on role";
/// ALTER DEFAULT PRIVILEGES FOR ROLE.
const FORESEES: &str = "changes the default privileges of role";
/// REVOKE of a role.
const EXPELS: &str = "takes a membership away from role";

/// What matters only where the role is another service's.
pub const SLIGHT: [&str; 4] = [RESETS, REMARKS, FORESEES, EXPELS];

/// Takes down what a node does to roles and with privileges.
pub(super) fn read(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    let mut does = |does: &'static str, roles: Vec<String>| {
        for role in roles {
            reader.say(at, Act::Role { does, role });
        }
    };
    match node.kind() {
        K::REVOKE
            if !node
                .children()
                .any(|child| child.kind() == K::ON_PRIVILEGE_OBJECTS_CLAUSE) =>
        {
            does(EXPELS, grantees(node));
        }
        K::GRANT => grant(reader, node, at),
        K::GRANT_DEFAULT_PRIVILEGES => {
            let on = text(node, |kind| kind_name_starts(kind, "PRIVILEGE_TARGET"));
            gives(reader, node, at, &format!("future {}", on.to_lowercase()));
        }
        // A tablespace is the server's, whoever gets it.
        K::OWNER_TO
            if node
                .parent()
                .is_some_and(|of| of.kind() == K::ALTER_TABLESPACE) => {}
        K::OWNER_TO | K::ALTER_LARGE_OBJECT | K::NAMED_SCHEMA | K::AUTHORIZATION_SCHEMA => {
            let new = [K::ROLE_REF, K::ROLE];
            for by in children(node, &new) {
                reader.say(at, Act::Owned { by });
            }
        }
        K::CREATE_ROLE | K::CREATE_USER | K::CREATE_GROUP => {
            does("creates role", children(node, &[K::ROLE]));
        }
        K::ALTER_ROLE | K::ALTER_USER | K::ALTER_GROUP => {
            let has = |kind: K| node.children().any(|child| child.kind() == kind);
            // Told as a setting.
            if has(K::SET_CONFIG_PARAM) {
                return;
            }
            let verb = if has(K::RESET_CONFIG_PARAM) {
                RESETS
            } else {
                "alters role"
            };
            does(verb, children(node, &[K::ROLE_REF]));
        }
        K::OBJECT_ROLE => does(REMARKS, children(node, &[K::ROLE_REF])),
        K::FOR_ROLES => does(FORESEES, grantees(node)),
        K::DROP_ROLE | K::DROP_USER | K::DROP_GROUP => {
            does("drops role", children(node, &[K::ROLE_REF]));
        }
        K::SET_ROLE | K::SET_SESSION_AUTH => {
            let mut roles = children(node, &[K::ROLE_REF]);
            roles.extend(literals(node));
            does("runs as role", roles);
        }
        K::REASSIGN => {
            let mut lists = node
                .children()
                .filter(|child| child.kind() == K::ROLE_REF_LIST)
                .map(|list| children(&list, &[K::ROLE_REF]));
            does(
                "reassigns what belongs to role",
                lists.next().unwrap_or_default(),
            );
            // Who gets it is told as after OWNER TO.
            for by in lists.flatten().chain(children(node, &[K::ROLE_REF])) {
                reader.say(at, Act::Owned { by });
            }
        }
        K::DROP_OWNED => does("drops everything that belongs to role", grantees(node)),
        K::POLICY_ROLES => {
            for to in grantees(node) {
                reader.say(
                    at,
                    Act::Grants {
                        privileges: "a row security policy".to_owned(),
                        on: "rows".to_owned(),
                        to,
                    },
                );
            }
        }
        _ => {}
    }
}

fn grant(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    let clause = SyntaxKind::ON_PRIVILEGE_OBJECTS_CLAUSE;
    if let Some(objects) = node.children().find(|child| child.kind() == clause) {
        let on = words(&objects);
        let on = on.get(2..).unwrap_or_default().trim_start();
        gives(reader, node, at, on);
        return;
    }
    let granted: Vec<String> = node
        .children()
        .filter(|child| child.kind() == SyntaxKind::REVOKE_COMMAND_LIST)
        .flat_map(|list| list.children().collect::<Vec<_>>())
        .map(|granted| role(granted.children().next().as_ref().unwrap_or(&granted)))
        .collect();
    for member in grantees(node) {
        for role in &granted {
            reader.say(
                at,
                Act::Joins {
                    role: role.clone(),
                    member: member.clone(),
                },
            );
        }
    }
}

fn gives(reader: &mut Reader, node: &SyntaxNode, at: usize, on: &str) {
    let privileges = text(node, |kind| {
        matches!(
            kind,
            SyntaxKind::REVOKE_COMMAND_LIST | SyntaxKind::ALL_PRIVILEGES
        )
    });
    for to in grantees(node) {
        reader.say(
            at,
            Act::Grants {
                privileges: privileges.clone(),
                on: on.to_owned(),
                to,
            },
        );
    }
}

/// The roles of a statement's list. PUBLIC is `public`.
fn grantees(node: &SyntaxNode) -> Vec<String> {
    node.children()
        .filter(|child| child.kind() == SyntaxKind::ROLE_REF_LIST)
        .flat_map(|list| children(&list, &[SyntaxKind::ROLE_REF]))
        .collect()
}

/// The names in the children of these kinds.
fn children(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Vec<String> {
    node.children()
        .filter(|child| kinds.contains(&child.kind()))
        .map(|child| role(&child))
        .collect()
}

/// The role that a node names; whoever runs the script is [`CURRENT_USER`].
pub(super) fn role(node: &SyntaxNode) -> String {
    let named = node
        .children()
        .find(|child| child.kind() == SyntaxKind::ROLE_NAME_REF);
    let current = node.children().any(|child| {
        matches!(
            child.kind(),
            SyntaxKind::ROLE_REF_CURRENT_ROLE
                | SyntaxKind::ROLE_REF_CURRENT_USER
                | SyntaxKind::ROLE_REF_SESSION_USER
        )
    });
    if current {
        CURRENT_USER.to_owned()
    } else {
        names::folded(named.as_ref().unwrap_or(node))
    }
}

fn literals(node: &SyntaxNode) -> Vec<String> {
    node.children()
        .filter_map(|child| super::constant::literal(&child))
        .collect()
}

/// The text of the first child of a kind, in one line.
fn text(node: &SyntaxNode, wanted: impl Fn(SyntaxKind) -> bool) -> String {
    node.children()
        .find(|child| wanted(child.kind()))
        .map(|child| words(&child))
        .unwrap_or_default()
}

/// The text of a node in one line, without comments.
fn words(node: &SyntaxNode) -> String {
    let tokens = node
        .descendants_with_tokens()
        .filter_map(|element| element.into_token());
    let text: String = tokens
        .map(|token| match token.kind() {
            SyntaxKind::COMMENT => " ".to_owned(),
            _ => token.text().to_owned(),
        })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn kind_name_starts(kind: SyntaxKind, with: &str) -> bool {
    format!("{kind:?}").starts_with(with)
}
