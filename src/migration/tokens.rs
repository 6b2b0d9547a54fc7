//! The tokens of SQL, as far as they are needed to tell statements apart and to read their keywords
//! (PostgreSQL documentation, "Lexical Structure").

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// White space.
    Blank,
    /// `-- …` or `/* … */`
    Comment,
    /// A keyword, a name, or a number.
    Word,
    /// A quoted name: `"…"`.
    Name,
    /// A quoted text: `'…'`, `E'…'` or `$tag$…$tag$`.
    Text,
    /// `;`
    End,
    /// A bracket, a comma, one character of an operator.
    Symbol,
}

/// One token of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    /// As it stands in the text.
    pub(crate) text: &'a str,
    /// Where it begins, in bytes.
    pub(crate) at: usize,
    /// Whether what it opens is closed: a quote or a comment need not be.
    pub(crate) closed: bool,
}

impl Token<'_> {
    /// Whether it is neither white space nor a comment.
    pub(crate) const fn means_something(&self) -> bool {
        !matches!(self.kind, Kind::Blank | Kind::Comment)
    }
}

/// The tokens of a text, one after the other.
pub(crate) struct Tokens<'a> {
    length: usize,
    rest: &'a str,
}

/// All tokens of a text; together they are the text.
pub(crate) const fn tokens(sql: &str) -> Tokens<'_> {
    Tokens {
        length: sql.len(),
        rest: sql,
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let first = self.rest.chars().next()?;
        let at = self.length - self.rest.len();
        let (kind, length, closed) = read(self.rest, first);
        let (text, after) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.rest = after;
        Some(Token {
            kind,
            text,
            at,
            closed,
        })
    }
}

/// Whether a text names this identifier as a word of its own.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let before = text.get(..at).and_then(|head| head.chars().next_back());
            let after = text
                .get(at + name.len()..)
                .and_then(|tail| tail.chars().next());
            !before.is_some_and(part) && !after.is_some_and(part)
        })
}

/// Whether an ASCII word stands in a text, in upper or lower case.
pub(crate) fn contains(sql: &str, word: &str) -> bool {
    sql.as_bytes()
        .windows(word.len())
        .any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// The tokens that mean something: neither white space nor comments.
pub(crate) fn meaningful(sql: &str) -> impl Iterator<Item = Token<'_>> {
    tokens(sql).filter(Token::means_something)
}

/// What the text begins with, how many bytes that takes (never none), and whether it is closed.
fn read(text: &str, first: char) -> (Kind, usize, bool) {
    if first.is_whitespace() {
        let length = text.find(|c: char| !c.is_whitespace());
        return (Kind::Blank, length.unwrap_or(text.len()), true);
    }
    if text.starts_with("--") {
        // A lone carriage return ends a comment as well.
        let length = text.find(['\n', '\r']).unwrap_or(text.len());
        return (Kind::Comment, length, true);
    }
    if text.starts_with("/*") {
        let (length, closed) = comment(text);
        return (Kind::Comment, length, closed);
    }
    match first {
        ';' => (Kind::End, 1, true),
        '"' => with_kind(Kind::Name, quoted(text, first, false)),
        '\'' => with_kind(Kind::Text, quoted(text, first, false)),
        'e' | 'E' if text.chars().nth(1) == Some('\'') => {
            let (length, closed) = escaped(text.get(1..).unwrap_or_default());
            (Kind::Text, length + 1, closed)
        }
        '$' => match dollar_quoted(text) {
            Some(read) => with_kind(Kind::Text, read),
            None => (Kind::Symbol, 1, true),
        },
        _ if is_word(first) => {
            // Every byte of a character beyond ASCII is one of a word's.
            let length = text.bytes().position(|b| b.is_ascii() && !is_word_byte(b));
            (Kind::Word, length.unwrap_or(text.len()), true)
        }
        _ => (Kind::Symbol, first.len_utf8(), true),
    }
}

fn with_kind(kind: Kind, (length, closed): (usize, bool)) -> (Kind, usize, bool) {
    (kind, length, closed)
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// The length of a comment, and whether it ends; comments nest.
fn comment(text: &str) -> (usize, bool) {
    let mut depth = 0_usize;
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("/*") {
            depth += 1;
            rest = inner;
        } else if let Some(outer) = rest.strip_prefix("*/") {
            depth -= 1;
            rest = outer;
            if depth == 0 {
                return (text.len() - rest.len(), true);
            }
        } else {
            let mut chars = rest.chars();
            chars.next();
            rest = chars.as_str();
        }
    }
    (text.len(), false)
}

/// The length of a quoted text, and whether it ends. A doubled quote is a quote.
fn quoted(text: &str, quote: char, backslashes: bool) -> (usize, bool) {
    let mut at = quote.len_utf8();
    while let Some(rest) = text.get(at..) {
        let next = match backslashes {
            true => rest.find([quote, '\\']),
            false => rest.find(quote),
        };
        let Some((_, found)) = next.and_then(|next| rest.split_at_checked(next)) else {
            break;
        };
        at += rest.len() - found.len();
        let mut chars = found.chars();
        let is_quote = chars.next() == Some(quote);
        at += 1;
        match chars.next() {
            // A doubled quote, or what stands behind a backslash.
            Some(c) if !is_quote || c == quote => at += c.len_utf8(),
            _ if is_quote => return (at, true),
            _ => {}
        }
    }
    (text.len(), false)
}

/// The length of a text with backslashes and of what continues it on the next lines, and whether it ends.
fn escaped(text: &str) -> (usize, bool) {
    let (mut length, mut closed) = quoted(text, '\'', true);
    while closed {
        let after = text.get(length..).unwrap_or_default();
        let next = continuation(after).and_then(|blank| Some((blank, after.get(blank..)?)));
        let Some((blank, next)) = next else {
            break;
        };
        let (more, ends) = quoted(next, '\'', true);
        length += blank + more;
        closed = ends;
    }
    (length, closed)
}

/// How far behind a text the quote stands that goes on with it: blanks with a new line between them, and comments up to the ends of lines
/// (PostgreSQL's `scan.l`, quotecontinue).
fn continuation(text: &str) -> Option<usize> {
    let (mut at, mut new_line) = (0, false);
    loop {
        let rest = text.get(at..)?;
        at += match rest.chars().next()? {
            '\n' | '\r' => {
                new_line = true;
                1
            }
            ' ' | '\t' | '\x0b' | '\x0c' => 1,
            '-' if rest.starts_with("--") => rest.find(['\n', '\r'])?,
            '\'' if new_line => return Some(at),
            _ => return None,
        };
    }
}

/// The length of a dollar-quoted text, if it is one, and whether it ends.
fn dollar_quoted(text: &str) -> Option<(usize, bool)> {
    let (tag, body) = text.strip_prefix('$')?.split_once('$')?;
    let is_tag = tag.chars().all(is_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
    if !is_tag {
        return None;
    }
    let delimiter = format!("${tag}$");
    Some(match body.find(&delimiter) {
        Some(at) => (2 * delimiter.len() + at, true),
        None => (text.len(), false),
    })
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    #[test]
    fn tokens_are_told_apart() {
        let read = |sql| {
            tokens(sql)
                .filter(|token| token.kind != Kind::Blank)
                .map(|token| (token.kind, token.text, token.closed))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            read("a1$ \"b\"\"c\" 'd''e' E'\\'f' $x$g$$h$x$ $1 -- i\r/* j /* k */ l */;"),
            [
                (Kind::Word, "a1$", true),
                (Kind::Name, "\"b\"\"c\"", true),
                (Kind::Text, "'d''e'", true),
                (Kind::Text, "E'\\'f'", true),
                (Kind::Text, "$x$g$$h$x$", true),
                (Kind::Symbol, "$", true),
                (Kind::Word, "1", true),
                (Kind::Comment, "-- i", true),
                (Kind::Comment, "/* j /* k */ l */", true),
                (Kind::End, ";", true),
            ]
        );
        for open in ["'a''", "E'a\\'", "\"a", "$$a$", "$x$a$$", "/* a /* b */"] {
            assert_eq!(
                read(open).first().map(|token| token.2),
                Some(false),
                "{open}"
            );
        }
    }

    #[test]
    fn tokens_are_the_text() {
        let sql = "SELECT 'a', $$b$$, \"c\" /* d */ FROM é -- x\n; $ä$ '";
        let joined: String = tokens(sql).map(|token| token.text).collect();
        assert_eq!(joined, sql);
    }
}
