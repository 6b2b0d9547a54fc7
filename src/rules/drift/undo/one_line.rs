//! SQL on one line, as reports show it, that still runs where it is pasted.

use crate::report::text::is_unsafe;
use crate::rules::text::sql_ident;

/// What the server deparsed, on one line: white space between words is one blank, what stands in quotes stays what it is.
pub(super) fn one_line(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['\'', '"']) {
        let (before, from) = rest.split_at(at);
        blanks(before, &mut out);
        let mark = if from.starts_with('\'') { '\'' } else { '"' };
        let end = end_of(from, mark);
        let (text, after) = from.split_at(end);
        let inner = text
            .strip_prefix(mark)
            .and_then(|text| text.strip_suffix(mark));
        let inner = inner.filter(|inner| inner.chars().any(is_unsafe));
        match inner {
            None => out.push_str(text),
            Some(inner) if mark == '"' => out.push_str(&sql_ident(&inner.replace("\"\"", "\""))),
            // A bit string has no such characters.
            Some(inner) => out.push_str(&escaped(&inner.replace("''", "'"))),
        }
        rest = after;
    }
    blanks(rest, &mut out);
    out.trim().to_owned()
}

/// Text outside of quotes.
fn blanks(text: &str, out: &mut String) {
    for c in text.chars() {
        match c.is_whitespace() {
            true if out.ends_with(' ') => {}
            true => out.push(' '),
            false => out.push(c),
        }
    }
}

/// Where what begins with a quote ends, the closing quote included; a doubled one does not close.
fn end_of(text: &str, mark: char) -> usize {
    let mut open = false;
    let mut marks = text.match_indices(mark).map(|(at, _)| at).peekable();
    while let Some(at) = marks.next() {
        if !open {
            open = true;
        } else if marks.peek() == Some(&(at + 1)) {
            marks.next();
        } else {
            return at + 1;
        }
    }
    text.len()
}

/// A literal, on one line whatever it holds.
pub(super) fn quoted(text: &str) -> String {
    match text.chars().any(is_unsafe) {
        true => escaped(text),
        false => crate::rules::text::sql_literal(text),
    }
}

fn escaped(text: &str) -> String {
    let inner: String = text
        .chars()
        .map(|c| match c {
            '\'' => "''".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\t' => "\\t".to_owned(),
            '\r' => "\\r".to_owned(),
            c if is_unsafe(c) && u32::from(c) > 0xffff => format!("\\U{:08x}", u32::from(c)),
            c if is_unsafe(c) => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("E'{inner}'")
}

#[cfg(test)]
mod tests {
    use super::{one_line, quoted};

    #[test]
    fn only_what_stands_outside_of_quotes_is_joined() {
        for (sql, line) in [
            (
                " SELECT id,\n    name\n   FROM t;",
                "SELECT id, name FROM t;",
            ),
            ("'a  b' \"c  d\"  e", "'a  b' \"c  d\" e"),
            ("'it''s\n\\' || x", "E'it''s\\n\\\\' || x"),
            ("\"a\n\"\"b\" x", "U&\"a\\+00000a\"\"b\" x"),
            ("('a\u{202e}'::text)", "(E'a\\u202e'::text)"),
            ("", ""),
        ] {
            assert_eq!(one_line(sql), line, "{sql}");
        }
        assert_eq!(
            quoted("BEGIN\n  x := 'a';\nEND"),
            "E'BEGIN\\n  x := ''a'';\\nEND'"
        );
        assert_eq!(quoted("plain"), "'plain'");
    }
}
