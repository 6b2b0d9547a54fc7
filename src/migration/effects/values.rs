//! Values that a transaction adds to enums, and where it writes them.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::walk::Reader;
use super::{Act, constant, names};

/// Takes down a value that a node adds to an enum, or one that was added before and is written here.
pub(super) fn read(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    match node.kind() {
        SyntaxKind::ADD_VALUE => add(reader, node),
        // A function's body is read when it is called.
        SyntaxKind::LITERAL if !reader.added.is_empty() && !reader.in_function => {
            write(reader, node, at);
        }
        _ => {}
    }
}

fn add(reader: &mut Reader, node: &SyntaxNode) {
    let of = node.parent().and_then(|statement| {
        let mut children = statement.children();
        names::path(&children.find(|child| child.kind() == SyntaxKind::TYPE_NAME_REF)?)
    });
    let value = node.children().find_map(|child| constant::literal(&child));
    if let (Some(of), Some(value)) = (of, value) {
        reader.added.push((reader.statement, of, value));
    }
}

fn write(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    // Remarks are no values, and the catalog alone is asked where a value is put beside another.
    let is_other = |above: SyntaxNode| matches!(above.kind(), K::COMMENT_ON | K::ALTER_TYPE);
    if node.ancestors().any(is_other) {
        return;
    }
    let Some(text) = constant::literal(node) else {
        return;
    };
    let now = reader.statement;
    let added = reader.added.iter();
    let of: Vec<_> = added
        .filter(|(then, _, value)| *then < now && *value == text)
        .map(|(_, of, _)| of.clone())
        .collect();
    for of in of {
        let value = text.clone();
        reader.say(at, Act::WritesValue { of, value });
    }
}
