//! `.env` and `env_file` (Docker documentation, "Set, use, and manage variables in a Compose file with interpolation").
//!
//! One reader for compose files and the manifest: `.env` in the working directory is Compose's as well. Not dotenvy: that refuses what
//! Compose takes (values with spaces, names without a value, `NAME: value`), and asks the process's environment.

// A service's library reads `.env` and no compose files, which is what the rest is for.
#![cfg_attr(not(feature = "cli"), allow(dead_code, unreachable_pub))]

mod interpolate;
mod text;

use std::collections::BTreeMap;

pub(crate) use interpolate::{Lookup, interpolate};
pub use text::Text;
pub(crate) use text::{CLOSE, OPEN};

/// One line of such a file.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// `None`: the name alone, which takes its value from the environment.
    pub(crate) value: Option<Text>,
    /// The line, counted from 1.
    pub(crate) line: usize,
}

/// Reads the entries; of two for one name the last counts, for the caller to apply. A variable in a value is what `lookup` says, else
/// what an earlier line says, else what a file `before` this one said: so does compose-go's `WithServicesEnvironmentResolved`.
///
/// # Errors
/// The line and what is wrong with it. It never quotes the line.
pub(crate) fn read(
    text: &str,
    lookup: &Lookup<'_>,
    before: &BTreeMap<String, Text>,
) -> Result<Vec<Entry>, (usize, String)> {
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n");
    if let Some((at, _)) = text.match_indices([OPEN, CLOSE]).next() {
        let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let problem = "a character of a private plane is in this line";
        return Err((line, problem.to_owned()));
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen = before.clone();
    let mut reader = Reader {
        rest: &text,
        line: 1,
    };
    while reader.advance() {
        let line = reader.line;
        let (name, has_value) = reader.name().ok_or_else(|| (line, NO_ENTRY.to_owned()))?;
        if !has_value {
            entries.push(Entry {
                name: name.to_owned(),
                value: None,
                line,
            });
            continue;
        }
        let value = match reader.value().map_err(|problem| (line, problem))? {
            Value::Exact(value) => Text::known(value),
            Value::WithVariables(value) => {
                let earlier = |name: &str| lookup(name).or_else(|| seen.get(name).cloned());
                interpolate(&value, &earlier).map_err(|problem| (line, problem))?
            }
        };
        seen.insert(name.to_owned(), value.clone());
        entries.push(Entry {
            name: name.to_owned(),
            value: Some(value),
            line,
        });
    }
    Ok(entries)
}

/// What is wrong with a line that holds no name.
const NO_ENTRY: &str = "this is no line of an environment file; expected NAME=value";

/// A value as it is written.
enum Value {
    /// Between single quotes.
    Exact(String),
    WithVariables(String),
}

/// Goes through such a file (compose-go, `dotenv/parser.go`).
struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    /// Passes over blanks, empty lines and comments. Whether there is more.
    fn advance(&mut self) -> bool {
        loop {
            let next = self.rest.trim_start();
            self.pass(self.rest.len() - next.len());
            if !self.rest.starts_with('#') {
                return !self.rest.is_empty();
            }
            self.pass(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    fn pass(&mut self, bytes: usize) -> &'a str {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += passed.matches('\n').count();
        self.rest = rest;
        passed
    }

    /// The name, and whether a value follows: behind `=`, or behind `:` as in YAML.
    fn name(&mut self) -> Option<(&'a str, bool)> {
        if let Some(rest) = self.rest.strip_prefix("export") {
            let name = rest.trim_start_matches(is_blank);
            if name.len() < rest.len() {
                self.rest = name;
            }
        }
        let end = self.rest.find(['=', ':', '\n']).unwrap_or(self.rest.len());
        let name = self.pass(end).trim_end();
        let has_value = self.rest.starts_with(['=', ':']);
        self.pass(usize::from(!self.rest.is_empty()));
        let fits = |c: char| c.is_alphanumeric() || "_.-[]".contains(c);
        (!name.is_empty() && name.chars().all(fits)).then_some((name, has_value))
    }

    fn value(&mut self) -> Result<Value, String> {
        self.rest = self.rest.trim_start_matches(is_blank);
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else {
            let line = self.pass(self.rest.find('\n').unwrap_or(self.rest.len()));
            let value = line.split_once(" #").map_or(line, |(value, _)| value);
            return Ok(Value::WithVariables(value.trim_end().to_owned()));
        };
        self.pass(1);
        // It may go on over several lines.
        let end = end_of(self.rest, quote)
            .ok_or_else(|| "a quote is opened here and never closed".to_owned())?;
        let inner = self.pass(end);
        self.pass(1);
        Ok(match quote {
            '"' => Value::WithVariables(unescaped(inner)),
            _ => Value::Exact(inner.replace("\\'", "'")),
        })
    }
}

/// Whether a character separates within a line.
fn is_blank(c: char) -> bool {
    c != '\n' && c.is_whitespace()
}

/// Reads the entries of a file whose `format` is `raw`: what stands behind the `=` is the value as it is, quotes and dollars included
/// (Docker documentation, "Services top-level elements", `env_file`).
///
/// # Errors
/// As [`read`].
pub(crate) fn read_raw(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(Text::known(value))),
            None => (line.trim_end(), None),
        };
        if name.is_empty() || name.contains(char::is_whitespace) || line.contains([OPEN, CLOSE]) {
            return Err((number, NO_ENTRY.to_owned()));
        }
        entries.push(Entry {
            name: name.to_owned(),
            value,
            line: number,
        });
    }
    Ok(entries)
}

/// What stands between double quotes, its escapes read; an escaped dollar is one for [`interpolate`].
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('v') => out.push('\u{b}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('$') => out.push_str("$$"),
            Some(quoted @ ('"' | '\\')) => out.push(quoted),
            // `\0101` is `A`: three octal digits.
            Some('0') => {
                let digits = chars.as_str().get(..3).unwrap_or_default();
                let code = u32::from_str_radix(digits, 8).ok().and_then(char::from_u32);
                match code.filter(|_| digits.bytes().all(|digit| digit.is_ascii_digit())) {
                    Some(code) => {
                        out.push(code);
                        chars = chars.as_str().get(3..).unwrap_or_default().chars();
                    }
                    None => out.push_str("\\0"),
                }
            }
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// Where the closing quote stands, in bytes.
fn end_of(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::Text;
    use super::{read, read_raw};

    #[test]
    fn lines_are_read_as_compose_reads_them() {
        let text =
            "# c\nA=1\nexport B = two words # c\nC='$A'\nD=\"$A${NO:-x}\"\nE\nF=\"a\nb\"\nG=\n";
        let entries = read(text, &|_| None, &BTreeMap::new()).unwrap();
        let shown: Vec<(String, Option<String>, usize)> = entries
            .into_iter()
            .map(|entry| {
                (
                    entry.name,
                    entry.value.map(|value| value.shown()),
                    entry.line,
                )
            })
            .collect();
        let is = |name: &str, value: &str, line| (name.to_owned(), Some(value.to_owned()), line);
        assert_eq!(
            shown,
            [
                is("A", "1", 2),
                is("B", "two words", 3),
                is("C", "$A", 4),
                is("D", "1x", 5),
                ("E".to_owned(), None, 6),
                is("F", "a\nb", 7),
                is("G", "", 9),
            ]
        );
    }

    #[test]
    fn errors_do_not_quote() {
        for text in [
            "A=1\nA B=canary",
            "A=1\nA=\"canary",
            "A=1\nA=canary$",
            "A=1\nB canary",
        ] {
            let (line, problem) = read(text, &|_| None, &BTreeMap::new()).unwrap_err();
            assert_eq!(line, 2);
            assert!(!problem.contains("canary"));
        }
    }

    #[test]
    fn yaml_and_escapes_are_read_as_compose_reads_them() {
        let text = r#"A: 1
B : postgres://u:p@h/d?x=1
C="a\"b\\c\$A\td\z"
D='it\'s $A'
E="${A}"
"#;
        let shown: Vec<(String, String)> = read(text, &|_| None, &BTreeMap::new())
            .unwrap()
            .into_iter()
            .filter_map(|entry| Some((entry.name, entry.value?.shown())))
            .collect();
        let is = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            shown,
            [
                is("A", "1"),
                is("B", "postgres://u:p@h/d?x=1"),
                is("C", "a\"b\\c$A\td\\z"),
                is("D", "it's $A"),
                is("E", "1"),
            ]
        );
    }

    /// compose-go's parser: `dotenv/parser.go` and its tests.
    #[test]
    fn what_compose_takes_is_taken() {
        for (text, expected) in [
            ("export\tA=1", vec!["A=1"]),
            ("exported=1", vec!["exported=1"]),
            ("A.b-c[0]=1", vec!["A.b-c[0]=1"]),
            ("A = 1 # c\r\nB=2\r\n", vec!["A=1", "B=2"]),
            ("A=a#b", vec!["A=a#b"]),
            ("A= # c", vec!["A=# c"]),
            ("A=it's", vec!["A=it's"]),
            ("A=C:\\d\\e", vec!["A=C:\\d\\e"]),
            ("A=\"a # b\" # c\nB=1", vec!["A=a # b", "B=1"]),
            ("A='a' B=\"b\"", vec!["A=a", "B=b"]),
            ("A='l\n\nm'\nB=1", vec!["A=l\n\nm", "B=1"]),
            ("A=\"\\0101\\v\\0z\"", vec!["A=A\u{b}\\0z"]),
            ("A=p$$w\nB='p$$w'", vec!["A=p$w", "B=p$$w"]),
            ("\n  # c\n\n  A: 'x'  ", vec!["A=x"]),
            ("# c", vec![]),
        ] {
            let shown: Vec<String> = read(text, &|_| None, &BTreeMap::new())
                .unwrap()
                .into_iter()
                .map(|entry| format!("{}={}", entry.name, entry.value.unwrap().shown()))
                .collect();
            assert_eq!(shown, expected, "{text:?}");
        }
        for text in ["=1", "A@B=1", "A\"=1", "A='x", "\"A\"=1"] {
            assert!(read(text, &|_| None, &BTreeMap::new()).is_err(), "{text}");
        }
    }

    /// The environment counts before the lines above, and those before the files above.
    #[test]
    fn variables_are_taken_from_where_compose_takes_them() {
        let before = BTreeMap::from([
            ("OLD".to_owned(), Text::known("before")),
            ("A".to_owned(), Text::known("before")),
            ("OPEN".to_owned(), Text::unknown("X")),
        ]);
        let lookup = |name: &str| (name == "OUT").then(|| Text::known("outside"));
        let text = "A=1\nOUT=2\nB=${OLD}/${A}/${OUT}\nC=${OPEN:-default}\nD=${C}";
        let shown: Vec<String> = read(text, &lookup, &before)
            .unwrap()
            .into_iter()
            .filter_map(|entry| entry.value.map(|value| value.shown()))
            .collect();
        assert_eq!(shown, ["1", "2", "before/1/outside", "${X}", "${X}"]);
    }

    #[test]
    fn a_raw_file_is_taken_as_it_is() {
        let entries = read_raw("# c\nA='$B' # x\n\nE\n").unwrap();
        let shown: Vec<(&str, Option<String>)> = entries
            .iter()
            .map(|entry| {
                let value = entry.value.as_ref().map(Text::shown);
                (entry.name.as_str(), value)
            })
            .collect();
        assert_eq!(shown, [("A", Some("'$B' # x".to_owned())), ("E", None)]);
        let (line, problem) = read_raw("A=1\nB c4nary").unwrap_err();
        assert!(line == 2 && !problem.contains("c4nary"), "{problem}");
    }
}
