//! INTO of PL/pgSQL, which fills variables: `SELECT … INTO a, b`, `… RETURNING … INTO STRICT a` (PostgreSQL documentation, "Executing a
//! Command with a Single-Row Result"). The parser does not know it within a block, and leaves the text of the statement.

use std::ops::Range;

use crate::migration::tokens::{Kind, Token, meaningful};

/// What a statement begins with whose rows INTO can take. INTO of other statements (EXECUTE, FETCH) is known to the parser.
const GIVES_ROWS: [&str; 10] = [
    "(", "delete", "explain", "insert", "merge", "select", "show", "update", "values", "with",
];

/// Words that name no variable without quotes: the reserved keywords of PL/pgSQL (PostgreSQL's source, `pl_reserved_kwlist.h`).
const RESERVED: [&str; 24] = [
    "all", "begin", "by", "case", "declare", "else", "end", "execute", "for", "foreach", "from",
    "if", "in", "into", "loop", "not", "null", "or", "strict", "then", "to", "using", "when",
    "while",
];

/// The INTO clause of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clause {
    /// Where it stands in the statement, in bytes.
    pub(super) range: Range<usize>,
    /// The variables that it fills, in their order; of a field, the row.
    pub(super) variables: Vec<String>,
}

/// The INTO clause of a statement of a block, if it has one. As in the server it ends with the last variable: what follows, also an
/// element's `[1]`, belongs to the statement.
pub(super) fn clause(statement: &str) -> Option<Clause> {
    let tokens: Vec<Token<'_>> = meaningful(statement).collect();
    let into = into(&tokens)?;
    let begin = tokens.get(into)?.at;
    let mut rest = tokens.get(into + 1..)?.iter().peekable();
    rest.next_if(|token| is(token, "strict"));
    let mut variables = Vec::new();
    loop {
        let name = rest.next()?;
        variables.push(variable(name)?);
        let mut last = name;
        while rest.next_if(|token| token.text == ".").is_some() {
            last = rest.next()?;
            variable(last)?;
        }
        if rest.next_if(|token| token.text == ",").is_none() {
            return Some(Clause {
                range: begin..last.at + last.text.len(),
                variables,
            });
        }
    }
}

/// A statement of a block as SQL: with blanks for its INTO clause, so that the rest stays in its place. `None` when it has none.
pub(super) fn blanked(statement: &str) -> Option<String> {
    let first = meaningful(statement).next()?;
    if !GIVES_ROWS.iter().any(|word| is(&first, word)) {
        return None;
    }
    let range = clause(statement)?.range;
    let blanks = " ".repeat(range.len());
    let mut sql = statement.to_owned();
    sql.replace_range(range, &blanks);
    Some(sql)
}

/// The index of the word INTO that begins the clause: outside brackets, and not that of INSERT INTO or MERGE INTO.
fn into(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut names_table = false;
    for (index, token) in tokens.iter().enumerate() {
        match token.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            _ if depth == 0 && !names_table && is(token, "into") => return Some(index),
            _ => {}
        }
        names_table = is(token, "insert") || is(token, "merge");
    }
    None
}

fn is(token: &Token<'_>, word: &str) -> bool {
    matches!(token.kind, Kind::Word | Kind::Symbol) && token.text.eq_ignore_ascii_case(word)
}

/// A variable's name as the server folds it.
fn variable(name: &Token<'_>) -> Option<String> {
    match name.kind {
        Kind::Word if name.text.starts_with(|c: char| c.is_ascii_digit()) => None,
        Kind::Word if RESERVED.iter().any(|word| is(name, word)) => None,
        Kind::Word => Some(name.text.to_ascii_lowercase()),
        Kind::Name => {
            let inner = name.text.strip_prefix('"')?.strip_suffix('"')?;
            Some(inner.replace("\"\"", "\""))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{blanked, clause};

    #[test]
    fn into_is_blanked_wherever_it_stands() {
        for (statement, sql, variables) in [
            (
                "SELECT 1,'x' INTO v, t;",
                "SELECT 1,'x'          ;",
                vec!["v", "t"],
            ),
            (
                "SELECT a, b INTO STRICT v, r.f FROM k",
                "SELECT a, b                    FROM k",
                vec!["v", "r"],
            ),
            (
                "select into V 1 from k",
                "select        1 from k",
                vec!["v"],
            ),
            (
                "SELECT INTO STRICT \"V\" a FROM k",
                "SELECT                 a FROM k",
                vec!["V"],
            ),
            (
                "SELECT a FROM k\nWHERE i = 1\nINTO v -- it\n;",
                "SELECT a FROM k\nWHERE i = 1\n       -- it\n;",
                vec!["v"],
            ),
            (
                "INSERT INTO k VALUES (1) RETURNING id INTO v",
                "INSERT INTO k VALUES (1) RETURNING id       ",
                vec!["v"],
            ),
            (
                "INSERT/* a */INTO k VALUES (1) RETURNING id INTO new.x",
                "INSERT/* a */INTO k VALUES (1) RETURNING id           ",
                vec!["new"],
            ),
            (
                "MERGE INTO k USING j ON true WHEN NOT MATCHED THEN INSERT DEFAULT VALUES RETURNING i INTO v",
                "MERGE INTO k USING j ON true WHEN NOT MATCHED THEN INSERT DEFAULT VALUES RETURNING i       ",
                vec!["v"],
            ),
            (
                "WITH x AS (INSERT INTO k VALUES (1) RETURNING *) SELECT i INTO v FROM x",
                "WITH x AS (INSERT INTO k VALUES (1) RETURNING *) SELECT i        FROM x",
                vec!["v"],
            ),
            (
                "SELECT 'é into w', \"into\" INTO v, /* b */\n t FROM k",
                "SELECT 'é into w', \"into\"                    FROM k",
                vec!["v", "t"],
            ),
            // The server reads an element as a variable and what belongs to the query.
            (
                "SELECT 1 INTO a[(SELECT i FROM k)]",
                "SELECT 1       [(SELECT i FROM k)]",
                vec!["a"],
            ),
        ] {
            assert_eq!(blanked(statement).as_deref(), Some(sql));
            assert_eq!(
                clause(statement).map(|clause| clause.variables),
                Some(variables.into_iter().map(str::to_owned).collect()),
                "{statement}"
            );
        }
    }

    #[test]
    fn what_fills_no_variable_stays() {
        for statement in [
            "INSERT INTO k SELECT 1",
            "MERGE INTO k USING j ON true WHEN MATCHED THEN DELETE",
            "WITH x AS (SELECT 1) INSERT INTO k TABLE x",
            "SELECT (SELECT 1 INTO v)",
            "SELECT 1 INTO 2",
            "SELECT 1 INTO v, FROM",
            "SELECT 1 INTO r.",
            "SELECT 1 INTO",
            // Known to the parser, or to nobody.
            "EXECUTE q INTO v",
            "FROBNICATE k INTO v",
        ] {
            assert_eq!(blanked(statement), None, "{statement}");
        }
    }
}
