//! The statements of a migration, told apart as the server does it: to run them one by one, and to name the one that failed.

use super::tokens::{Kind, Token, Tokens, tokens};

/// One statement of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The line on which it begins, counted from 1.
    pub line: usize,
    /// Where it begins in the text, in bytes.
    pub at: usize,
    /// Its text, without the semicolon.
    pub text: &'a str,
}

/// Splits a text at the semicolons that end statements. Empty statements are left out, as the server leaves them out.
#[must_use]
pub fn statements(sql: &str) -> Vec<Statement<'_>> {
    Reader::new(sql).collect()
}

/// Reads a text's statements one after the other, and keeps the tokens of the last.
pub(super) struct Reader<'a> {
    sql: &'a str,
    all: Tokens<'a>,
    lines: Lines,
    tokens: Vec<Token<'a>>,
    last: Option<Token<'a>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        Self {
            sql,
            all: tokens(sql),
            lines: Lines::default(),
            tokens: Vec::new(),
            last: None,
        }
    }

    /// The tokens of the statement that was read last: neither white space nor comments.
    pub(super) fn tokens(&self) -> &[Token<'a>] {
        &self.tokens
    }

    /// The quote or comment that the text ends in, when all of it is read.
    pub(super) fn unclosed(&self) -> Option<Token<'a>> {
        self.last.filter(|token| !token.closed)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Statement<'a>;

    fn next(&mut self) -> Option<Statement<'a>> {
        self.tokens.clear();
        // Semicolons within brackets (CREATE RULE) and within BEGIN ATOMIC … END end no statement.
        let (mut brackets, mut in_body) = (0_usize, false);
        let mut before = "";
        let mut end = self.sql.len();
        for token in self.all.by_ref() {
            self.last = Some(token);
            match token.kind {
                Kind::Blank | Kind::Comment => continue,
                Kind::End if brackets == 0 && !in_body => {
                    if self.tokens.is_empty() {
                        continue;
                    }
                    end = token.at;
                    break;
                }
                Kind::Word => {
                    let is = |word: &str| token.text.eq_ignore_ascii_case(word);
                    // Each statement of a body has its semicolon: any other END is that of a CASE, or a name.
                    if is("end") && (before == ";" || before.eq_ignore_ascii_case("atomic")) {
                        in_body = false;
                    } else if is("atomic") && before.eq_ignore_ascii_case("begin") {
                        in_body = true;
                    }
                    before = token.text;
                }
                _ => {
                    match token.text {
                        "(" => brackets += 1,
                        ")" => brackets = brackets.saturating_sub(1),
                        _ => {}
                    }
                    before = token.text;
                }
            }
            self.tokens.push(token);
        }
        let at = self.tokens.first()?.at;
        Some(Statement {
            line: self.lines.at(self.sql, at),
            at,
            text: self.sql.get(at..end)?.trim_end(),
        })
    }
}

/// Counts lines from one place to the next, so that a long text is gone through once.
#[derive(Default)]
pub(super) struct Lines {
    counted: usize,
    ends: usize,
}

impl Lines {
    /// The line of a byte, counted from 1. Places are asked for in their order.
    pub(super) fn at(&mut self, sql: &str, at: usize) -> usize {
        self.ends += sql
            .get(self.counted..at)
            .unwrap_or("")
            .matches('\n')
            .count();
        self.counted = at;
        self.ends + 1
    }
}

#[cfg(test)]
mod tests {
    use super::statements;

    fn split(sql: &str) -> Vec<(usize, &str)> {
        statements(sql)
            .into_iter()
            .map(|statement| (statement.line, statement.text))
            .collect()
    }

    #[test]
    fn statements_end_at_semicolons_and_begin_after_comments() {
        assert_eq!(
            split("-- a; b\n\nSELECT 1 ;;\n/* x; /* y; */ z; */ SELECT 2 -- c;\n  + 3;\n\n"),
            [(3, "SELECT 1"), (4, "SELECT 2 -- c;\n  + 3")]
        );
        assert_eq!(split(" ; -- nothing\n"), []);
        assert_eq!(split("SELECT 'ä'"), [(1, "SELECT 'ä'")]);
    }

    #[test]
    fn quoted_semicolons_end_nothing() {
        for sql in [
            "SELECT 'a;''b;', \"c;\"",
            "SELECT E'a\\';b', e'\\\\'",
            "SELECT 'a\\', $1, $$ ; $x$ ; $$, $x$ ; $$ ; $x$",
            "DO $ä1$ BEGIN; END; $ä1$",
            "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT 2; END",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT r.end FROM r; SELECT 1 end; SELECT 1 AS case; SELECT 1 case; SELECT 2; END",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC /* ; */ SELECT CASE WHEN (SELECT 1 end) = 1 THEN 1 END; /* x */ END",
            "SELECT E'a'\r 'b\\'; COMMIT; --'",
            "SELECT E'a' -- c\n 'b\\'; COMMIT; --'",
            "SELECT E'a' \n-- c\n\t-- d\n'b\\'; COMMIT; --' -- e\n'\\';'",
            "SELECT E'a' /* c */, 'b\\'",
            "SELECT a$b;c$d"
                .split_once(';')
                .map_or("", |(first, _)| first),
        ] {
            let line = 1 + sql.matches('\n').count();
            assert_eq!(
                split(&format!("{sql};SELECT 9")),
                [(1, sql), (line, "SELECT 9")]
            );
        }
        // A transaction's BEGIN and END are statements like any other.
        assert_eq!(split("BEGIN; END;").len(), 2);
    }

    #[test]
    fn what_is_never_closed_is_one_statement() {
        for sql in [
            "SELECT 'a; b",
            "SELECT $$ a; b",
            "SELECT (1; 2",
            "SELECT 1 /* a; b",
        ] {
            assert_eq!(split(sql).len(), 1, "{sql}");
        }
    }
}
