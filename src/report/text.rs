//! Text from a server or a file, made fit to be shown.

use std::fmt::Write as _;

/// Whether a character could move the cursor, reorder the line or hide itself.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// The text on one line, with what could deceive a terminal or a reader written out as `\u{202e}`.
#[must_use]
pub fn one_line(text: &str) -> String {
    escape(text, |_| false)
}

/// As [`one_line`], but line breaks stay.
#[must_use]
pub fn lines(text: &str) -> String {
    escape(text, |c| c == '\n')
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if keep(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:04x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// The first characters of a text on one line, with `…` where something was left out.
#[must_use]
pub fn short(text: &str, limit: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= limit {
        return one_line(&line);
    }
    let kept: String = line.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", one_line(kept.trim_end()))
}

/// A number and its noun: `1 error`, `2 errors`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::{lines, one_line, short};

    #[test]
    fn deceiving_characters_are_written_out() {
        assert_eq!(
            one_line("a\u{1b}[2J\u{202e}b\nc\u{200b}"),
            "a\\u{001b}[2J\\u{202e}b\\nc\\u{200b}"
        );
        assert_eq!(lines("a\nb\u{7}"), "a\nb\\u{0007}");
        assert_eq!(one_line("blосks"), "blосks");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(short("a  b\nc", 10), "a b c");
        assert_eq!(short("abcdef", 4), "abc…");
    }
}
