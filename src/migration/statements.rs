//! The statements of a migration, told apart as the server does it: to run them one by one, and to name the one that failed.

use super::tokens::{Kind, meaningful};

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
    let mut found = Vec::new();
    let mut begin = None;
    // Semicolons within brackets (CREATE RULE) and within BEGIN ATOMIC … END end no statement.
    let (mut brackets, mut blocks) = (0_usize, 0_usize);
    let mut before = String::new();
    let mut lines = Lines::default();
    for token in meaningful(sql) {
        match token.kind {
            Kind::End if brackets == 0 && blocks == 0 => {
                found.extend(statement(sql, begin.take(), token.at, &mut lines));
                before.clear();
                continue;
            }
            Kind::Word => {
                let word = token.text.to_ascii_lowercase();
                match (word.as_str(), before.as_str()) {
                    ("atomic", "begin") => blocks += 1,
                    ("case", _) if blocks > 0 => blocks += 1,
                    // `AS end` is a name.
                    ("end", "as") => {}
                    ("end", _) => blocks = blocks.saturating_sub(1),
                    _ => {}
                }
                before = word;
            }
            _ => {
                match token.text {
                    "(" => brackets += 1,
                    ")" => brackets = brackets.saturating_sub(1),
                    _ => {}
                }
                before.clear();
            }
        }
        begin.get_or_insert(token.at);
    }
    found.extend(statement(sql, begin, sql.len(), &mut lines));
    found
}

fn statement<'a>(
    sql: &'a str,
    begin: Option<usize>,
    end: usize,
    lines: &mut Lines,
) -> Option<Statement<'a>> {
    let at = begin?;
    Some(Statement {
        line: lines.at(sql, at),
        at,
        text: sql.get(at..end)?.trim_end(),
    })
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
            "SELECT E'a'\r 'b\\'; COMMIT; --'",
            "SELECT a$b;c$d"
                .split_once(';')
                .map_or("", |(first, _)| first),
        ] {
            assert_eq!(
                split(&format!("{sql};SELECT 9")),
                [(1, sql), (1, "SELECT 9")]
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
