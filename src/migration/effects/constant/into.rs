//! SQL statements of a block that fill variables: `SELECT … INTO a, b`, `… RETURNING … INTO a` (PostgreSQL documentation, "Executing a
//! Command with a Single-Row Result"). The parser does not know them within a block, and leaves their text.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::migration::analysis::Parsed;
use crate::migration::tokens::{Kind, Token, meaningful};

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
    let tokens: Vec<Token<'_>> = meaningful(text).collect();
    let is = |token: &Token<'_>, word: &str| {
        token.kind == Kind::Word && token.text.eq_ignore_ascii_case(word)
    };
    // The table of INSERT INTO, MERGE INTO comes before the variables.
    let at = tokens.iter().rposition(|token| is(token, "into"))?;
    let mut rest = tokens.get(at + 1..)?.iter().peekable();
    rest.next_if(|token| is(token, "strict"));
    let mut variables = Vec::new();
    let mut end = None;
    while let Some(name) = rest.next() {
        variables.push(folded(name)?);
        end = Some(name.at + name.text.len());
        // A field of a row fills the row.
        while rest.next_if(|token| token.text == ".").is_some() {
            end = rest.next().map(|field| field.at + field.text.len());
        }
        if rest.next_if(|token| token.text == ",").is_none() {
            break;
        }
    }
    let clause = tokens.get(at)?.at;
    let mut selected = text.to_owned();
    selected.replace_range(clause..end?, "");
    let selects = tokens.first().is_some_and(|first| is(first, "select"));
    let values = selects.then(|| values(&selected)).flatten();
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

/// A name as the server folds it.
fn folded(name: &Token<'_>) -> Option<String> {
    match name.kind {
        Kind::Word => Some(name.text.to_ascii_lowercase()),
        Kind::Name => {
            let inner = name.text.strip_prefix('"')?.strip_suffix('"')?;
            Some(inner.replace("\"\"", "\""))
        }
        _ => None,
    }
}
