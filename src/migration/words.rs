//! Reads a statement's keywords and names one after the other, without a grammar.

use super::Name;
use super::tokens::{Kind, Token, meaningful};

/// A statement's tokens, and how far they are read.
#[derive(Clone)]
pub(in crate::migration) struct Words<'a> {
    tokens: std::rc::Rc<[Token<'a>]>,
    next: usize,
}

impl<'a> Words<'a> {
    pub(in crate::migration) fn new(text: &'a str) -> Self {
        Self {
            tokens: meaningful(text).collect(),
            next: 0,
        }
    }

    /// The words of a statement that is read already.
    pub(in crate::migration) fn of(tokens: &[Token<'a>]) -> Self {
        Self {
            tokens: tokens.into(),
            next: 0,
        }
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).copied()
    }

    /// Reads the next token.
    pub(in crate::migration) fn take(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.next += 1;
        Some(token)
    }

    /// Reads these keywords (or symbols) if they come next, in this order.
    pub(in crate::migration) fn eat(&mut self, keywords: &[&str]) -> bool {
        let here = self.next;
        for keyword in keywords {
            match self.take() {
                Some(token) if is(token, keyword) => {}
                _ => {
                    self.next = here;
                    return false;
                }
            }
        }
        true
    }

    /// Reads one of these keywords if it comes next.
    pub(in crate::migration) fn eat_any(&mut self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.eat(&[keyword]))
    }

    /// The last token.
    pub(in crate::migration) fn last(&self) -> Option<Token<'a>> {
        self.tokens.last().copied()
    }

    /// Whether nothing is left.
    pub(in crate::migration) fn at_end(&self) -> bool {
        self.peek().is_none()
    }

    /// Whether these keywords stand next to one another somewhere in what is left.
    pub(in crate::migration) fn has(&self, keywords: &[&str]) -> bool {
        self.after(keywords).is_some()
    }

    /// What follows these keywords, if they stand next to one another somewhere in what is left.
    pub(in crate::migration) fn after(&self, keywords: &[&str]) -> Option<Self> {
        let mut rest = self.clone();
        while !rest.at_end() {
            if rest.eat(keywords) {
                return Some(rest);
            }
            rest.take();
        }
        None
    }

    /// Reads `(…)` if it comes next, and gives what is in it.
    pub(in crate::migration) fn bracketed(&mut self) -> Option<Self> {
        let here = self.next;
        if !self.eat(&["("]) {
            return None;
        }
        let first = self.next;
        let mut depth = 1_usize;
        while let Some(token) = self.take() {
            match token.text {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let inner = self.tokens.get(first..self.next - 1)?;
                return Some(Self {
                    tokens: inner.into(),
                    next: 0,
                });
            }
        }
        self.next = here;
        None
    }

    /// The value of an option in a list such as `(concurrently, verbose off)`: whether it is on; `None` when it is not in the list.
    pub(in crate::migration) fn option(&self, name: &str) -> Option<bool> {
        let mut after = self.after(&[name])?;
        after.eat(&["="]);
        let off = after.take().is_some_and(|token| {
            ["false", "off", "no", "0", "'false'", "'off'", "'no'", "'0'"]
                .iter()
                .any(|off| token.text.eq_ignore_ascii_case(off))
        });
        Some(!off)
    }

    /// Reads a name, as the server folds it; `None` when none comes next, or one that is not read here: `U&"…"`.
    pub(in crate::migration) fn name(&mut self) -> Option<Name> {
        let first = self.part()?;
        if !self.eat(&["."]) {
            return Some(Name {
                schema: None,
                name: first,
            });
        }
        let second = self.part()?;
        if self.eat(&["."]) {
            // database.schema.table
            return Some(Name {
                schema: Some(second),
                name: self.part()?,
            });
        }
        Some(Name {
            schema: Some(first),
            name: second,
        })
    }

    /// Reads names separated by commas; `None` when one of them cannot be read.
    pub(in crate::migration) fn names(&mut self) -> Option<Vec<Name>> {
        let mut names = vec![self.name()?];
        while self.eat(&[","]) {
            names.push(self.name()?);
        }
        Some(names)
    }

    fn part(&mut self) -> Option<String> {
        let token = self.take()?;
        match token.kind {
            Kind::Word if self.peek().is_some_and(|next| next.text == "&") => None,
            // The server folds ASCII only in the usual encodings.
            Kind::Word => Some(cut(token.text.to_ascii_lowercase())),
            Kind::Name => {
                let inner = token.text.strip_prefix('"')?.strip_suffix('"')?;
                Some(cut(inner.replace("\"\"", "\"")))
            }
            _ => None,
        }
    }
}

/// A name as the server keeps it: of a longer one the first 63 bytes, no character in two.
pub(in crate::migration) fn cut(mut name: String) -> String {
    const LONGEST: usize = 63;
    if name.len() > LONGEST {
        name.truncate(name.floor_char_boundary(LONGEST));
    }
    name
}

fn is(token: Token<'_>, keyword: &str) -> bool {
    matches!(token.kind, Kind::Word | Kind::Symbol) && token.text.eq_ignore_ascii_case(keyword)
}
/// A command of psql and what it is given: its name ends where its letters end, so that an argument is never shown as a part of it.
pub(super) fn psql_command(line: &str) -> (&str, &str) {
    let name = line.strip_prefix('\\').unwrap_or(line);
    let letters = name
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(name.len());
    // `\!`, `\?` and `\.` are signs.
    let length = match letters {
        0 => name.chars().next().map_or(0, char::len_utf8),
        letters => letters,
    };
    let begin = line.len() - name.len();
    line.split_at_checked(begin + length).unwrap_or((line, ""))
}
