//! Sentences in lines.

/// The text in lines of at most this many characters, each below `indent` blanks; a word that is longer stands alone.
pub(super) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let room = width.saturating_sub(indent).max(20);
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            out.push_str(&format!("{margin}{}\n", line.trim_end()));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        out.push_str(&format!("{margin}{}\n", line.trim_end()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_end_between_words() {
        assert_eq!(
            wrap("one two three four five six", 22, 2),
            "  one two three four\n  five six\n"
        );
        let long = "x".repeat(30);
        assert_eq!(wrap(&long, 20, 0), format!("{long}\n"));
        assert_eq!(wrap("", 20, 2), "");
    }
}
