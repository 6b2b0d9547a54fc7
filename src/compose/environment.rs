//! `.env` and `env_file` (Docker documentation, "Set, use, and manage variables in a Compose file with interpolation").
//!
//! Not dotenvy: that refuses what Compose takes (values with spaces, names without a value), and asks the process's environment.

use std::collections::BTreeMap;

use super::interpolate::{Lookup, interpolate};
use super::text::{CLOSE, OPEN, Text};

/// One line of such a file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    /// `None`: the name alone, which takes its value from the environment.
    pub(super) value: Option<Text>,
    /// The line, counted from 1.
    pub(super) line: usize,
}

/// Reads the entries; of two for one name the last counts, for the caller to apply. A variable in a value is what `lookup` says, else
/// what an earlier line says, else what a file `before` this one said: so does compose-go's `WithServicesEnvironmentResolved`.
///
/// # Errors
/// The line and what is wrong with it. It never quotes the line.
pub(super) fn read(
    text: &str,
    lookup: &Lookup<'_>,
    before: &BTreeMap<String, Text>,
) -> Result<Vec<Entry>, (usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen = before.clone();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let number = index + 1;
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.contains([OPEN, CLOSE]) {
            return Err((
                number,
                "a character of a private plane is in this line".to_owned(),
            ));
        }
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        // YAML's way of writing is taken as well (compose-go, `locateKeyName`).
        let (name, value) = match line.split_once(['=', ':']) {
            Some((name, value)) => (name.trim_end(), Some(value)),
            None => (line.trim_end(), None),
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err((
                number,
                "this is no line of an environment file; expected NAME=value".to_owned(),
            ));
        }
        let Some(value) = value else {
            entries.push(Entry {
                name: name.to_owned(),
                value: None,
                line: number,
            });
            continue;
        };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let value = match quote {
            Some(quote) => {
                let mut whole = value.strip_prefix(quote).unwrap_or_default().to_owned();
                // A quoted value may go on over several lines.
                while end_of(&whole, quote).is_none() {
                    let Some((_, next)) = lines.next() else {
                        return Err((number, "a quote is opened here and never closed".to_owned()));
                    };
                    whole.push('\n');
                    whole.push_str(next);
                }
                let end = end_of(&whole, quote).unwrap_or(whole.len());
                whole.truncate(end);
                match quote {
                    '"' => unescaped(&whole),
                    _ => whole.replace("\\'", "'"),
                }
            }
            None => value
                .split_once(" #")
                .map_or(value, |(value, _)| value)
                .trim_end()
                .to_owned(),
        };
        let text = if quote == Some('\'') {
            Text::known(value)
        } else {
            let earlier = |name: &str| lookup(name).or_else(|| seen.get(name).cloned());
            interpolate(&value, &earlier).map_err(|problem| (number, problem))?
        };
        seen.insert(name.to_owned(), text.clone());
        entries.push(Entry {
            name: name.to_owned(),
            value: Some(text),
            line: number,
        });
    }
    Ok(entries)
}

/// Reads the entries of a file whose `format` is `raw`: what stands behind the `=` is the value as it is, quotes and dollars included
/// (Docker documentation, "Services top-level elements", `env_file`).
///
/// # Errors
/// As [`read`].
pub(super) fn read_raw(text: &str) -> Result<Vec<Entry>, (usize, String)> {
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
            return Err((
                number,
                "this is no line of an environment file; expected NAME=value".to_owned(),
            ));
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
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('$') => out.push_str("$$"),
            Some(quoted @ ('"' | '\\')) => out.push(quoted),
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

    use super::super::text::Text;
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
