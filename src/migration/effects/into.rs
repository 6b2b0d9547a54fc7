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

/// A block of code in which every INTO clause of its statements is blanked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filling {
    /// The block, everything in its place.
    pub(super) sql: String,
    /// The statements that have such a clause, as they are written.
    pub(super) statements: Vec<String>,
}

/// Blanks the INTO clauses of a block, so that its statements can be read as any other. `None` when it has none.
pub(super) fn filling(block: &str) -> Option<Filling> {
    let mut sql = block.to_owned();
    let mut statements = Vec::new();
    for range in sql_statements(block) {
        let Some(statement) = block.get(range.clone()) else {
            continue;
        };
        if let Some(without) = blanked(statement) {
            sql.replace_range(range, &without);
            statements.push(statement.to_owned());
        }
    }
    (!statements.is_empty()).then_some(Filling { sql, statements })
}

/// Where the statements of a block stand that can give rows. Words of control around them are passed over: what ends a statement of SQL is
/// its semicolon alone, so that WHEN of a MERGE is none of a CASE around it.
fn sql_statements(block: &str) -> Vec<Range<usize>> {
    let tokens: Vec<Token<'_>> = meaningful(block).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = tokens.get(at..).unwrap_or_default();
        let any = |words: &[&str]| words.iter().any(|word| is(token, word));
        let passed = if any(&["begin", "declare", "else", "exception", "loop"]) {
            1
        } else if any(&["case", "elseif", "elsif", "if", "when"]) {
            until(rest, "then")
        } else if any(&["for", "foreach", "while"]) {
            until(rest, "loop")
        } else if token.text == "<" {
            // A label: `<<name>>`
            5
        } else {
            let end = rest.iter().position(|token| token.kind == Kind::End);
            let last = end.and_then(|end| rest.get(end)).or(rest.last());
            if let Some(last) = last.filter(|_| any(&GIVES_ROWS)) {
                found.push(token.at..last.at + last.text.len());
            }
            end.map_or(rest.len(), |end| end + 1)
        };
        at += passed;
    }
    found
}

/// How many tokens lead to what a word of control begins: up to THEN or LOOP, outside brackets and CASE … END of an expression.
fn until(tokens: &[Token<'_>], word: &str) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(1) {
        if token.text == "(" || is(token, "case") {
            depth += 1;
        } else if token.text == ")" || is(token, "end") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && is(token, word) {
            return index + 1;
        }
    }
    tokens.len()
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
    #![allow(clippy::unwrap_used)]

    use super::{blanked, clause, filling};

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

    #[test]
    fn every_statement_of_a_block_is_found() {
        let block = "<<a>> DECLARE v int := 1; c CURSOR FOR SELECT 1 INTO; BEGIN
            CASE (v) WHEN CASE WHEN true THEN 1 END THEN
              MERGE INTO k USING j ON true WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING RETURNING 1 INTO v;
            WHEN 2, 3 THEN SELECT 2 INTO v; INSERT INTO k SELECT 3;
            ELSE DELETE FROM k RETURNING 4 INTO STRICT v;
            END CASE;
            IF v = (SELECT 5) THEN UPDATE k SET i = 5 RETURNING 5 INTO v;
            ELSIF CASE WHEN v = 1 THEN true ELSE false END THEN NULL; ELSE SELECT 6 INTO v; END IF;
            FOR r IN SELECT CASE WHEN true THEN 7 END LOOP SELECT 7 INTO v; EXIT WHEN v = 7; END LOOP;
            WHILE v = 8 LOOP SELECT 8 INTO v; END LOOP;
            EXECUTE 'SELECT 9' INTO v; PERFORM 1; v := 2;
            BEGIN SELECT 10 INTO v; EXCEPTION WHEN no_data_found OR others THEN SELECT 11 INTO v; WHEN a THEN NULL; END;
            WITH x AS (SELECT 1) SELECT 12 INTO v FROM x;
            END";
        let filling = filling(block).unwrap();
        assert_eq!(filling.sql.len(), block.len());
        let begins: Vec<&str> = filling
            .statements
            .iter()
            .map(|statement| statement.get(..9).unwrap())
            .collect();
        let expected = [
            "MERGE INT",
            "SELECT 2 ",
            "DELETE FR",
            "UPDATE k ",
            "SELECT 6 ",
            "SELECT 7 ",
            "SELECT 8 ",
            "SELECT 10",
            "SELECT 11",
            "WITH x AS",
        ];
        assert_eq!(begins, expected);
        let left = filling.sql.matches("INTO v").count();
        assert_eq!(left, 1, "that of EXECUTE stays: {}", filling.sql);
        assert_eq!(super::filling("BEGIN INSERT INTO k SELECT 1; END"), None);
        for odd in ["", "<", "<<", "IF", "CASE (", "SELECT 1 INTO v", "; ; INTO"] {
            let _ = super::filling(odd);
        }
    }
}
