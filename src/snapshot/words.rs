//! Deparsed texts as words and signs, to see whether two differ by names alone.

use super::quoting::deparsed;

/// Whether two texts are the same but for these words, old and new. White space and quotes do not count, nor that an output column
/// keeps the name that its source has lost (`new AS old`).
pub(super) fn are_same(expected: &str, actual: &str, names: &[(&str, &str)]) -> bool {
    let (expected, actual) = (words(expected), words(actual));
    let mut actual = actual.iter();
    for was in &expected {
        let Some(is) = actual.next() else {
            return false;
        };
        if was == is {
            continue;
        }
        if !names.contains(&(was.as_str(), is.as_str())) {
            return false;
        }
        let mut ahead = actual.clone();
        if ahead.next().is_some_and(|word| word == "AS") && ahead.next() == Some(was) {
            actual = ahead;
        }
    }
    actual.next().is_none()
}

/// A text with names replaced, old and new, quoted as the server does.
pub(super) fn replace(text: &str, names: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (raw, word) = first(rest);
        let new = names.iter().find(|(was, _)| *was == word);
        match new {
            Some((_, is)) => out.push_str(&deparsed(is)),
            None => out.push_str(raw),
        }
        rest = rest.strip_prefix(raw).unwrap_or_default();
    }
    out
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (raw, word) = first(rest);
        words.push(word);
        rest = rest.strip_prefix(raw).unwrap_or_default().trim_start();
    }
    words
}

/// What a text begins with, as it stands there and without quotes; never nothing of a text that is not empty.
fn first(text: &str) -> (&str, String) {
    if let Some(inner) = text.strip_prefix('"') {
        let mut chars = inner.char_indices().peekable();
        let mut name = String::new();
        while let Some((at, c)) = chars.next() {
            if c != '"' {
                name.push(c);
            } else if chars.next_if(|(_, next)| *next == '"').is_some() {
                name.push('"');
            } else {
                return (text.get(..at + 2).unwrap_or(text), name);
            }
        }
        return (text, name);
    }
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let length = match text.find(|c: char| !part(c)) {
        Some(0) => text.chars().next().map_or(0, char::len_utf8),
        Some(length) => length,
        None => text.len(),
    };
    let raw = text.get(..length).unwrap_or(text);
    (raw, raw.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{are_same, replace};

    #[test]
    fn names_alone_may_differ() {
        let names = [("blocks", "Old Blocks"), ("hash", "h")];
        let view = " SELECT blocks.hash,\n    blocks.n\n   FROM public.blocks;";
        let now =
            " SELECT \"Old Blocks\".h AS hash,\n \"Old Blocks\".n\n FROM public.\"Old Blocks\";";
        assert!(are_same(view, now, &names));
        assert!(!are_same(view, now, &names[..1]));
        assert!(!are_same(view, &now.replace(".n", ".m"), &names));
        assert!(!are_same(view, now.trim_end_matches(';'), &names));
        assert!(!are_same(view, &format!("{now} x"), &names));
        assert!(are_same("a \"\"", "a \"\"", &names));
    }

    #[test]
    fn arguments_follow_their_types() {
        let names = [("mood", "mood2"), ("my type", "plain")];
        assert_eq!(
            replace("public.mood, public.\"my type\"[], moods", &names),
            "public.mood2, public.plain[], moods"
        );
        let hostile = [("mood", "My \"Type\""), ("moods", "user"), ("state", "a$b")];
        assert_eq!(
            replace("public.mood[], public.moods, state", &hostile),
            "public.\"My \"\"Type\"\"\"[], public.\"user\", \"a$b\""
        );
    }
}
