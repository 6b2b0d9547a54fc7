//! SQL statements of a block that fill variables, and with what.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::migration::analysis::Parsed;
use crate::migration::effects::into;
use crate::migration::words::Words;

/// What a statement fills.
#[derive(Debug, Default)]
pub(super) struct Into {
    /// The variables, in their order.
    pub(super) variables: Vec<String>,
    /// The expressions that they get, where these are all that the statement selects and no relation is read. There are as many, or
    /// one variable is a row of all.
    pub(super) values: Vec<SyntaxNode>,
}

/// The variables that a statement fills; `None` when it fills none.
pub(super) fn into(text: &str) -> Option<Into> {
    let variables = into::clause(text)?.variables;
    let selects = Words::new(text).eat(&["select"]);
    let values = selects
        .then(|| into::blanked(text))
        .flatten()
        .and_then(|query| values(&query));
    Some(Into {
        values: values
            .filter(|values| variables.len() == 1 || values.len() == variables.len())
            .unwrap_or_default(),
        variables,
    })
}

/// The expressions that a query selects, if it is nothing but these.
fn values(query: &str) -> Option<Vec<SyntaxNode>> {
    use SyntaxKind as K;
    let parsed = Parsed::new(query).filter(|parsed| parsed.error.is_none())?;
    let reads = |node: SyntaxNode| {
        matches!(
            node.kind(),
            K::FROM_CLAUSE | K::COMPOUND_SELECT | K::VALUES | K::TABLE
        )
    };
    if parsed.root.descendants().any(reads) {
        return None;
    }
    let list = parsed
        .root
        .descendants()
        .find(|node| node.kind() == K::TARGET_LIST)?;
    Some(
        list.children()
            .filter(|child| child.kind() == K::TARGET)
            .collect(),
    )
}
