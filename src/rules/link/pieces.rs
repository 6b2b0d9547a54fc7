//! SQL as words, names and texts: without comments, with neighbouring texts joined, so that what a body says can be read whatever
//! way it was written. What comes from data (`chr()`, base64, a variable) cannot be seen.

use crate::migration::tokens::{Kind, tokens};

/// Stands for what is not a text in a joined one: a variable, the result of a function.
pub(super) const UNKNOWN: char = '\u{fffd}';

/// The most times that texts are joined: each time resolves one more level of brackets.
const ROUNDS: usize = 8;

/// The longest expression that is looked at, in pieces.
const LONGEST: usize = 4096;

/// One part of an SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A keyword or a plain name, in lower case as the server folds it.
    Word(String),
    /// A quoted name, without its quotes.
    Name(String),
    /// A text, without its quotes and escapes.
    Text(String),
    /// One character of an operator, a bracket, a comma.
    Symbol(char),
    /// `;`
    End,
}

impl Piece {
    /// The identifier that this is.
    pub(super) fn ident(&self) -> Option<&str> {
        match self {
            Self::Word(word) | Self::Name(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }

    pub(super) fn is_symbol(&self, symbol: char) -> bool {
        matches!(self, Self::Symbol(own) if *own == symbol)
    }
}

/// Reads a text.
pub(super) fn pieces(sql: &str) -> Vec<Piece> {
    let mut pieces = raw(sql);
    // Inner brackets first; what is still not known then is not going to be.
    for force in [false, true] {
        for _ in 0..ROUNDS {
            let before = pieces.len();
            pieces = joined(&functions(&pieces, force), force);
            if pieces.len() == before {
                break;
            }
        }
    }
    pieces
}

/// The pieces one after the other; a text that goes on in the next line is one.
fn raw(sql: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    // What stands directly before, without a blank, and whether a new line lies between two texts.
    let (mut close, mut new_line) = (false, false);
    for token in tokens(sql) {
        let piece = match token.kind {
            Kind::Blank | Kind::Comment => {
                new_line |= token.text.contains(['\n', '\r']);
                close = false;
                continue;
            }
            Kind::Word => Piece::Word(token.text.to_lowercase()),
            Kind::Name => Piece::Name(unquoted(token.text, '"')),
            Kind::Text => Piece::Text(text(token.text)),
            Kind::End => Piece::End,
            Kind::Symbol => Piece::Symbol(token.text.chars().next().unwrap_or(UNKNOWN)),
        };
        let unicode = close
            && matches!(pieces.as_slice(), [.., Piece::Word(u), Piece::Symbol('&')] if u == "u");
        match (pieces.last_mut(), piece) {
            // U&"d\0061ta" and U&'…' (PostgreSQL documentation, "Identifiers with Unicode Escapes").
            (_, Piece::Name(name)) if unicode => {
                pieces.truncate(pieces.len().saturating_sub(2));
                pieces.push(Piece::Name(unicode_escapes(&name)));
            }
            (_, Piece::Text(text)) if unicode => {
                pieces.truncate(pieces.len().saturating_sub(2));
                pieces.push(Piece::Text(unicode_escapes(&text)));
            }
            (Some(Piece::Text(before)), Piece::Text(text)) if new_line => before.push_str(&text),
            (Some(Piece::Word(prefix)), Piece::Text(text)) if close && prefix == "n" => {
                pieces.pop();
                pieces.push(Piece::Text(text));
            }
            (_, piece) => pieces.push(piece),
        }
        (close, new_line) = (true, false);
    }
    pieces
}

fn unquoted(text: &str, quote: char) -> String {
    let inner = text.strip_prefix(quote).unwrap_or(text);
    let inner = inner.strip_suffix(quote).unwrap_or(inner);
    inner.replace(&format!("{quote}{quote}"), &quote.to_string())
}

/// What a quoted text stands for.
fn text(quoted: &str) -> String {
    if let Some(escaped) = quoted.strip_prefix(['e', 'E']) {
        return backslashes(&unquoted(escaped, '\''));
    }
    if quoted.starts_with('$')
        && let Some((tag, body)) = quoted
            .strip_prefix('$')
            .and_then(|rest| rest.split_once('$'))
    {
        return body
            .strip_suffix(&format!("${tag}$"))
            .unwrap_or(body)
            .to_owned();
    }
    unquoted(quoted, '\'')
}

/// Resolves C-style escapes (PostgreSQL documentation, "String Constants with C-Style Escapes").
fn backslashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('x') => out.push(number(&mut chars, 16, 2, 0)),
            Some('u') => out.push(number(&mut chars, 16, 4, 0)),
            Some('U') => out.push(number(&mut chars, 16, 8, 0)),
            Some(digit @ '0'..='7') => {
                out.push(number(&mut chars, 8, 2, digit.to_digit(8).unwrap_or(0)));
            }
            Some('n' | 'r') => out.push('\n'),
            Some('t' | 'b' | 'f') => out.push(' '),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

/// Resolves `\0061` and `\+000061`.
fn unicode_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
        } else if chars.next_if_eq(&'\\').is_some() {
            out.push('\\');
        } else if chars.next_if_eq(&'+').is_some() {
            out.push(number(&mut chars, 16, 6, 0));
        } else {
            out.push(number(&mut chars, 16, 4, 0));
        }
    }
    out
}

/// Reads the character of this number, of at most so many digits.
fn number(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    radix: u32,
    digits: usize,
    begun: u32,
) -> char {
    let mut value = begun;
    for _ in 0..digits {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else {
            break;
        };
        chars.next();
        value = value.wrapping_mul(radix).wrapping_add(digit);
    }
    char::from_u32(value).unwrap_or(UNKNOWN)
}

/// Functions whose result is their text: what they add does not matter here.
const SAME: [&str; 7] = [
    "quote_ident",
    QUOTES.0,
    QUOTES.1,
    "lower",
    "trim",
    "btrim",
    "text",
];

/// Of these, the functions whose result is a text within a text.
const QUOTES: (&str, &str) = ("quote_literal", "quote_nullable");

/// Resolves `format('…', …)`, `concat(…)`, `quote_ident('…')`, `('…')` and casts of a text to a text.
fn functions(pieces: &[Piece], force: bool) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut rest = pieces;
    while let Some((first, after)) = rest.split_first() {
        if let Some((text, tail)) = call(rest, out.last(), force) {
            // The schema of the function, as in pg_catalog.format.
            if let [.., Piece::Word(schema), Piece::Symbol('.')] = out.as_slice()
                && schema == "pg_catalog"
            {
                out.truncate(out.len().saturating_sub(2));
            }
            out.push(Piece::Text(text));
            rest = tail;
            continue;
        }
        if let (
            [
                Piece::Symbol(':'),
                Piece::Symbol(':'),
                Piece::Word(kind),
                ..,
            ],
            Some(Piece::Text(_)),
        ) = (rest, out.last())
            && matches!(kind.as_str(), "text" | "varchar" | "name" | "bpchar")
        {
            rest = rest.get(3..).unwrap_or_default();
            continue;
        }
        out.push(first.clone());
        rest = after;
    }
    out
}

/// The text of a call that begins here, and what follows it.
fn call<'a>(
    rest: &'a [Piece],
    before: Option<&Piece>,
    force: bool,
) -> Option<(String, &'a [Piece])> {
    match rest {
        // Brackets around a text; after a name they are a call.
        [
            Piece::Symbol('('),
            Piece::Text(text),
            Piece::Symbol(')'),
            tail @ ..,
        ] if before.is_none_or(|before| before.ident().is_none() || is_keyword(before)) => {
            Some((text.clone(), tail))
        }
        [
            Piece::Word(name),
            Piece::Symbol('('),
            Piece::Text(text),
            Piece::Symbol(')'),
            tail @ ..,
        ] if SAME.contains(&name.as_str()) => {
            let quoted = name == QUOTES.0 || name == QUOTES.1;
            Some((if quoted { literal(text) } else { text.clone() }, tail))
        }
        [Piece::Word(name), Piece::Symbol('('), inner @ ..]
            if matches!(name.as_str(), "format" | "concat" | "concat_ws") =>
        {
            let (arguments, tail) = arguments(inner)?;
            let shown = |argument: &&[Piece]| match argument {
                [Piece::Text(text)] => text.clone(),
                _ => UNKNOWN.to_string(),
            };
            let values: Vec<String> = arguments.iter().map(shown).collect();
            let waits = |argument: &&[Piece]| {
                argument.len() > 1
                    && argument
                        .iter()
                        .any(|piece| matches!(piece, Piece::Text(_) | Piece::Symbol('|')))
            };
            if !force && arguments.iter().any(waits) {
                return None;
            }
            // One of them at least must say something.
            if values.iter().all(|value| *value == UNKNOWN.to_string()) {
                return None;
            }
            let (first, others) = values.split_first()?;
            let text = match name.as_str() {
                "concat" => values.concat(),
                "concat_ws" => others.join(first),
                _ => formatted(first, others),
            };
            Some((text, tail))
        }
        _ => None,
    }
}

/// A text as SQL writes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Words after which a bracket begins no call.
fn is_keyword(piece: &Piece) -> bool {
    [
        "execute", "select", "return", "values", "in", "then", "using", "when", "and", "or",
        "from", "as",
    ]
    .iter()
    .any(|word| piece.is(word))
}

/// The arguments of a call up to its closing bracket, and what follows that.
fn arguments(inner: &[Piece]) -> Option<(Vec<&[Piece]>, &[Piece])> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    let mut start = 0;
    for (at, piece) in inner.iter().enumerate().take(LONGEST) {
        match piece {
            Piece::Symbol('(' | '[') => depth += 1,
            Piece::Symbol(')' | ']') if depth > 0 => depth -= 1,
            Piece::Symbol(')') => {
                found.push(inner.get(start..at)?);
                return Some((found, inner.get(at + 1..)?));
            }
            Piece::Symbol(',') if depth == 0 => {
                found.push(inner.get(start..at)?);
                start = at + 1;
            }
            Piece::End => return None,
            _ => {}
        }
    }
    None
}

/// Fills `%s`, `%I`, `%L` and `%1$s` (PostgreSQL documentation, "format").
fn formatted(template: &str, values: &[String]) -> String {
    let mut out = String::new();
    let mut next = 0;
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = String::new();
        while let Some(part) = chars.next_if(|c| c.is_ascii_digit() || matches!(c, '$' | '-' | '*'))
        {
            spec.push(part);
        }
        if let Some((position, _)) = spec.split_once('$') {
            next = position.parse::<usize>().unwrap_or(1).saturating_sub(1);
        }
        match chars.next() {
            Some('%') => out.push('%'),
            Some(kind @ ('s' | 'I' | 'L')) => {
                let value = values
                    .get(next)
                    .cloned()
                    .unwrap_or_else(|| UNKNOWN.to_string());
                next += 1;
                if kind == 'L' {
                    out.push_str(&literal(&value));
                } else {
                    out.push_str(&value);
                }
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

/// Joins texts with `||`; what is no text between them is unknown.
fn joined(pieces: &[Piece], force: bool) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut rest = pieces;
    while let Some((first, after)) = rest.split_first() {
        let [Piece::Symbol('|'), Piece::Symbol('|'), operand @ ..] = rest else {
            out.push(first.clone());
            rest = after;
            continue;
        };
        // Up to the next `||`, or to the end of the expression.
        let mut depth = 0_usize;
        let length = operand
            .iter()
            .take(LONGEST)
            .position(|piece| match piece {
                Piece::Symbol('(' | '[') => {
                    depth += 1;
                    false
                }
                Piece::Symbol(')' | ']') if depth > 0 => {
                    depth -= 1;
                    false
                }
                Piece::Symbol(')' | ']' | ',' | '|') | Piece::End => depth == 0,
                Piece::Word(word) => depth == 0 && ENDS.contains(&word.as_str()),
                _ => false,
            })
            .unwrap_or(operand.len().min(LONGEST));
        let (expression, tail) = operand.split_at_checked(length).unwrap_or((operand, &[]));
        let value = match expression {
            [Piece::Text(text)] => Some(text.as_str()),
            _ => None,
        };
        let waits = expression.len() > 1
            && expression
                .iter()
                .any(|piece| matches!(piece, Piece::Text(_)));
        if waits && !force {
            out.push(Piece::Symbol('|'));
            out.push(Piece::Symbol('|'));
            rest = operand;
            continue;
        }
        match (out.last_mut(), value) {
            (Some(Piece::Text(before)), value) => match value {
                Some(text) => before.push_str(text),
                None => {
                    before.push(UNKNOWN);
                    keep(expression, &mut out);
                }
            },
            (_, Some(text)) => out.push(Piece::Text(format!("{UNKNOWN}{text}"))),
            (_, None) => {
                out.push(Piece::Symbol('|'));
                out.push(Piece::Symbol('|'));
                out.extend_from_slice(expression);
            }
        }
        rest = tail;
    }
    out
}

/// Words that end an expression.
const ENDS: [&str; 12] = [
    "into", "using", "then", "loop", "from", "where", "as", "else", "end", "and", "or", "when",
];

/// Keeps what was between two texts in front of the joined one: there may be a call in it.
fn keep(expression: &[Piece], out: &mut Vec<Piece>) {
    let Some(text) = out.pop() else { return };
    out.extend_from_slice(expression);
    out.push(Piece::Symbol(','));
    out.push(text);
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    fn texts(sql: &str) -> Vec<String> {
        pieces(sql)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(text),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn texts_are_joined() {
        for (sql, text) in [
            ("'dbl' || 'ink'", "dblink"),
            ("'dbl'\n  'ink'", "dblink"),
            ("('dbl' || ('in' || 'k'))", "dblink"),
            ("E'\\x64bl\\151nk'", "dblink"),
            ("U&'d\\0062link'", "dblink"),
            ("N'dblink'", "dblink"),
            ("'dbl'::text || 'ink'::text", "dblink"),
            ("format('%s%I', 'dbl', 'ink')", "dblink"),
            ("format('%2$s%1$s', 'ink', 'dbl')", "dblink"),
            (
                "pg_catalog.format('%s', quote_ident('dbl') || 'ink')",
                "dblink",
            ),
            ("concat('dbl', 'ink')", "dblink"),
            ("'a' || x || 'b'", "a\u{fffd}b"),
            ("x || 'b'", "\u{fffd}b"),
            ("$f$dblink$f$", "dblink"),
            ("'a' /* 'no' */ || -- 'no'\n 'b'", "ab"),
        ] {
            assert_eq!(texts(sql), [text], "{sql}");
        }
    }

    #[test]
    fn names_are_read_as_the_server_does() {
        assert_eq!(
            pieces("U&\"dbl\\0069nk\" (\"A\"\"b\") Select -- no\n;"),
            [
                Piece::Name("dblink".into()),
                Piece::Symbol('('),
                Piece::Name("A\"b".into()),
                Piece::Symbol(')'),
                Piece::Word("select".into()),
                Piece::End,
            ]
        );
    }

    #[test]
    fn nothing_hangs_or_panics() {
        for sql in [
            "'",
            "||",
            "'a'||",
            "format(",
            "format('%",
            "format('%9$s')",
            "E'\\",
            "U&'\\",
            "$a$",
            "((((",
            "'a' || (",
        ] {
            pieces(sql);
        }
    }
}
