//! Words in the place of the names that the parser has for tokens.

/// A parser's message without the names that it has for tokens.
pub(in crate::migration) fn plain(message: &str) -> String {
    // What it has found instead stands in the file.
    let message = message
        .split(", found ")
        .next()
        .and_then(|message| message.split(", got ").next())
        .unwrap_or(message)
        .trim_end_matches('.');
    if message == "expected command" {
        return "it belongs to no statement".to_owned();
    }
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let words = message.split(' ').map(|word| {
        let bare = word.trim_end_matches(',');
        let comma = word.get(bare.len()..).unwrap_or_default();
        let is_token = bare.len() > 1 && bare.chars().all(is_part);
        match is_token {
            true => format!("{}{comma}", spelt(bare)),
            false => word.to_owned(),
        }
    });
    let mut told = words.collect::<Vec<_>>().join(" ");
    if told.starts_with("Expected") || told.starts_with("Invalid") {
        let first = told.remove(0).to_ascii_lowercase();
        told.insert(0, first);
    }
    told
}

/// How a kind of token is written.
fn spelt(kind: &str) -> String {
    let symbol = match kind {
        "SEMICOLON" => ";",
        "COMMA" => "a comma",
        "L_PAREN" => "(",
        "R_PAREN" => ")",
        "L_BRACK" => "[",
        "R_BRACK" => "]",
        "EQ" => "=",
        "DOT" => ".",
        "COLON" => ":",
        "COLON_COLON" | "COLON2" => "::",
        "COLON_EQ" => ":=",
        "FAT_ARROW" => "=>",
        "STAR" => "*",
        "IDENT" => "a name",
        "EOF" => "the end",
        "STRING" | "BYTE_STRING" | "DOLLAR_QUOTED_STRING" | "ESC_STRING" => "a text",
        "INT_NUMBER" | "FLOAT_NUMBER" | "NUMERIC_NUMBER" => "a number",
        _ => return kind.strip_suffix("_KW").unwrap_or(kind).to_owned(),
    };
    symbol.to_owned()
}
