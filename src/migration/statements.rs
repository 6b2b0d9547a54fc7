//! The statements of a migration, told apart as the server does it: to name the one that failed.

/// One statement of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The line on which it begins, counted from 1.
    pub line: usize,
    /// Its text, without the semicolon.
    pub text: &'a str,
}

impl Statement<'_> {
    /// Why the statement cannot stand in a migration, if so: it would end the transaction that dbctl has begun, so that a failure
    /// after it could not be rolled back, or it is a command of psql, which no server knows.
    #[must_use]
    pub fn escapes(&self) -> Option<String> {
        let mut words = self.text.split_whitespace().map(str::to_ascii_uppercase);
        let first = words.next().unwrap_or_default();
        let rest: Vec<String> = words.take(2).collect();
        let second = rest.first().map_or("", String::as_str);
        let to_savepoint = first == "ROLLBACK" && rest.iter().any(|word| word == "TO");
        let ends = matches!(
            first.as_str(),
            "BEGIN" | "COMMIT" | "END" | "ABORT" | "ROLLBACK"
        ) || matches!(
            (first.as_str(), second),
            ("START" | "PREPARE", "TRANSACTION")
        );
        if ends && !to_savepoint {
            return Some(format!(
                "{first} has no place in a migration: dbctl runs each file in one transaction of its own; remove it, or make two files"
            ));
        }
        self.text.starts_with('\\').then(|| {
            format!(
                "{} is a command of psql, not SQL; expected statements for the server only",
                self.text.split_whitespace().next().unwrap_or_default()
            )
        })
    }
}

/// What a text begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// White space or a comment.
    Blank,
    /// A keyword, a name, or a number.
    Word,
    /// `;`
    End,
    /// A quoted text, a bracket, an operator.
    Other,
}

/// Splits a text at the semicolons that end statements. Empty statements are left out, as the server leaves them out.
#[must_use]
pub fn statements(sql: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut rest = sql;
    let mut begin = None;
    // Semicolons within brackets (CREATE RULE) and within BEGIN ATOMIC … END end no statement.
    let (mut brackets, mut blocks) = (0_usize, 0_usize);
    let mut before = String::new();
    while !rest.is_empty() {
        let at = sql.len() - rest.len();
        let (token, length) = token(rest);
        let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        match token {
            Token::Blank => continue,
            Token::End if brackets == 0 && blocks == 0 => {
                found.extend(statement(sql, begin.take(), at));
                before.clear();
                continue;
            }
            Token::End | Token::Other => {
                match text {
                    "(" => brackets += 1,
                    ")" => brackets = brackets.saturating_sub(1),
                    _ => {}
                }
                before.clear();
            }
            Token::Word => {
                let word = text.to_ascii_lowercase();
                match (word.as_str(), before.as_str()) {
                    ("atomic", "begin") => blocks += 1,
                    ("case", _) if blocks > 0 => blocks += 1,
                    ("end", _) => blocks = blocks.saturating_sub(1),
                    _ => {}
                }
                before = word;
            }
        }
        begin.get_or_insert(at);
    }
    found.extend(statement(sql, begin, sql.len()));
    found
}

fn statement(sql: &str, begin: Option<usize>, end: usize) -> Option<Statement<'_>> {
    let begin = begin?;
    Some(Statement {
        line: sql.get(..begin)?.matches('\n').count() + 1,
        text: sql.get(begin..end)?.trim_end(),
    })
}

/// What the text begins with, and how many bytes that takes; never none of a text that is not empty.
fn token(text: &str) -> (Token, usize) {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return (Token::Blank, 0);
    };
    if first.is_whitespace() {
        return (Token::Blank, first.len_utf8());
    }
    if text.starts_with("--") {
        return (Token::Blank, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (Token::Blank, comment(text));
    }
    match first {
        ';' => (Token::End, 1),
        '\'' | '"' => (Token::Other, quoted(text, first, false)),
        'e' | 'E' if chars.next() == Some('\'') => (
            Token::Other,
            1 + quoted(text.get(1..).unwrap_or_default(), '\'', true),
        ),
        '$' => (Token::Other, dollar_quoted(text).unwrap_or(1)),
        _ if is_word(first) => (
            Token::Word,
            text.find(|c| !is_word(c) && c != '$').unwrap_or(text.len()),
        ),
        _ => (Token::Other, first.len_utf8()),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// The length of a comment; comments nest.
fn comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("/*") {
            depth += 1;
            rest = inner;
        } else if let Some(outer) = rest.strip_prefix("*/") {
            depth -= 1;
            rest = outer;
            if depth == 0 {
                break;
            }
        } else {
            let mut chars = rest.chars();
            chars.next();
            rest = chars.as_str();
        }
    }
    text.len() - rest.len()
}

/// The length of a quoted text. A doubled quote is two quoted texts side by side, which is the same here.
fn quoted(text: &str, quote: char, backslashes: bool) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if backslashes && c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// The length of a dollar-quoted text, if it is one.
fn dollar_quoted(text: &str) -> Option<usize> {
    let (tag, body) = text.strip_prefix('$')?.split_once('$')?;
    let is_tag = tag.chars().all(is_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
    if !is_tag {
        return None;
    }
    let delimiter = format!("${tag}$");
    let length = body
        .find(&delimiter)
        .map_or(body.len(), |at| at + delimiter.len());
    Some(delimiter.len() + length)
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
