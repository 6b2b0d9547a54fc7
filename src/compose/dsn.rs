//! The `key=value` strings of libpq (PostgreSQL documentation, "Keyword/Value Connection Strings"), alone or within a command.

/// The pairs of such a string. Words between them that are no pairs are left out: the string may stand in a command.
pub(super) fn pairs(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c.is_whitespace() || c == '=')
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        // Blanks may stand on both sides of the sign.
        let Some(value) = after.trim_start().strip_prefix('=') else {
            rest = after.trim_start();
            continue;
        };
        let (value, after) = value_of(value.trim_start());
        found.push((name, value));
        rest = after.trim_start();
    }
    found
}

/// A value, quoted or not, and what comes after it.
fn value_of(text: &str) -> (String, &str) {
    let quote = text.chars().next().filter(|c| ['\'', '"'].contains(c));
    let mut value = String::new();
    let mut chars = text.chars();
    if quote.is_some() {
        chars.next();
    }
    loop {
        let rest = chars.as_str();
        match chars.next() {
            None => return (value, ""),
            Some('\\') => value.extend(chars.next()),
            Some(c) if quote == Some(c) => return (value, chars.as_str()),
            // A quote that was opened before the string, as in `psql 'host=h'`.
            Some(c) if quote.is_none() && (c.is_whitespace() || c == '\'' || c == '"') => {
                return (value, rest.trim_start_matches(['\'', '"']));
            }
            Some(c) => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn pairs_are_taken_apart_as_libpq_does() {
        let shown = |text| -> Vec<String> {
            let pairs = pairs(text).into_iter();
            pairs
                .map(|(name, value)| format!("{name}:{value}"))
                .collect()
        };
        assert_eq!(
            shown("a=b c = 'd e'\tf=\\'g\nh="),
            ["a:b", "c:d e", "f:'g", "h:"]
        );
        assert_eq!(shown("run 'a=b c=d' -x"), ["'a:b", "c:d"]);
        assert_eq!(shown("a='never closed"), ["a:never closed"]);
        assert!(shown("no pairs here =").len() < 2);
    }
}
