//! JSON as text. What a terminal obeys and what deceives an eye is written as `\uXXXX`: a program reads the same, and a screen stays whole.

use serde::Serialize;

use crate::report::text::is_unsafe;

/// The value on several lines, without a line end behind it.
pub(super) fn pretty<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value).map(|text| escaped(&text))
}

/// The value on one line, without a line end behind it.
pub(super) fn line<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(|text| escaped(&text))
}

/// Such characters stand within strings only: between these JSON has nothing but ASCII, and of its control characters the line end.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !is_unsafe(c) {
            out.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{line, pretty};

    #[test]
    fn nothing_moves_a_cursor_and_everything_reads_back() {
        let value =
            serde_json::json!({"a\u{9b}31m": ["\u{1b}[0m\n\u{7f}", "\u{202e}ж🦀", "\u{e0041}"]});
        for text in [pretty(&value).unwrap(), line(&value).unwrap()] {
            assert!(
                !text.contains(|c| c != '\n' && crate::report::text::is_unsafe(c)),
                "{text:?}"
            );
            assert!(text.contains("\\u009b31m") && text.contains("\\udb40\\udc41"));
            assert!(text.contains("ж🦀"));
            let back: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(back, value);
        }
    }
}
