//! Whether an index is the one that a statement makes: what it covers, as the statement and the server's own definition of it tell.

use super::super::tokens::{Kind, Token};
use super::super::words::Words;

/// How an index compares with what a statement makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// It covers the same.
    Same,
    /// It is certainly another one.
    Other,
    /// Both write it differently, which may mean the same.
    Unsure,
}

/// Compares the `CREATE INDEX` of a migration with that of an index (`pg_get_indexdef`); names, storage and place are not compared.
#[must_use]
pub fn likeness(statement: &str, definition: &str) -> Likeness {
    match (Shape::read(statement), Shape::read(definition)) {
        (Some(wanted), Some(there)) => wanted.compare(&there),
        _ => Likeness::Unsure,
    }
}

/// Whether a statement accepts that what it names is not there: `IF EXISTS`.
#[must_use]
pub fn accepts_absence(statement: &str) -> bool {
    Words::new(statement).has(&["if", "exists"])
}

/// What an index covers.
struct Shape {
    unique: bool,
    distinct_nulls: bool,
    method: String,
    keys: Vec<Key>,
    includes: Vec<Key>,
    predicate: Option<Vec<String>>,
}

/// One of the things that it is over.
struct Key {
    /// The column, unless it is an expression.
    column: Option<String>,
    descending: bool,
    /// All of it, as far as both ways to write it can be compared.
    words: Vec<String>,
}

impl Shape {
    /// `CREATE [UNIQUE] INDEX … ON [ONLY] table [USING method] (…) [INCLUDE (…)] [NULLS [NOT] DISTINCT] [WITH …] [WHERE …]`
    fn read(text: &str) -> Option<Self> {
        let mut words = Words::new(text);
        if !words.eat(&["create"]) {
            return None;
        }
        let unique = words.eat(&["unique"]);
        if !words.eat(&["index"]) {
            return None;
        }
        words.eat(&["concurrently"]);
        words.eat(&["if", "not", "exists"]);
        if !words.eat(&["on"]) {
            words.name()?;
            if !words.eat(&["on"]) {
                return None;
            }
        }
        words.eat(&["only"]);
        words.name()?;
        let method = match words.eat(&["using"]) {
            true => words.name()?.name,
            false => "btree".to_owned(),
        };
        let keys = listed(words.bracketed()?);
        let includes = match words.eat(&["include"]) {
            true => listed(words.bracketed()?),
            false => Vec::new(),
        };
        let predicate = words.after(&["where"]);
        Some(Self {
            unique,
            distinct_nulls: !words.has(&["nulls", "not", "distinct"]),
            method,
            keys,
            includes,
            predicate: predicate.map(|words| plain(&rest(words))),
        })
    }

    fn compare(&self, other: &Self) -> Likeness {
        let differs = self.unique != other.unique
            || self.distinct_nulls != other.distinct_nulls
            || self.method != other.method
            || self.keys.len() != other.keys.len()
            || self.includes.len() != other.includes.len()
            || self.predicate.is_some() != other.predicate.is_some();
        let pairs = || {
            let keys = self.keys.iter().zip(&other.keys);
            keys.chain(self.includes.iter().zip(&other.includes))
        };
        if differs || pairs().any(|(one, other)| one.is_other(other)) {
            return Likeness::Other;
        }
        let same = pairs().all(|(one, other)| one.words == other.words);
        match same && self.predicate == other.predicate {
            true => Likeness::Same,
            false => Likeness::Unsure,
        }
    }
}

impl Key {
    fn new(tokens: &[Token<'_>]) -> Self {
        let mut words = plain(tokens);
        let column = match words.as_slice() {
            // What stands in brackets, or takes something in brackets, is an expression to the server, but for a column alone.
            [only] if is_name(only) => Some(only.clone()),
            [first, ..] if is_name(first) && tokens.iter().all(is_part) => Some(first.clone()),
            _ => None,
        };
        // The order is what the server leaves out where it is the usual one.
        let mut ends = |end: &[&str]| {
            let last = words.iter().rev().zip(end.iter().rev());
            let is = words.len() > end.len()
                && last.filter(|(one, other)| one == *other).count() == end.len();
            if is {
                words.truncate(words.len() - end.len());
            }
            is
        };
        let (first, last) = (ends(&["nulls", "first"]), ends(&["nulls", "last"]));
        let descending = ends(&["desc"]);
        ends(&["asc"]);
        let order = (descending, first, last);
        if descending {
            words.push("desc".to_owned());
        }
        match order {
            (true, _, true) => words.push("nulls last".to_owned()),
            (false, true, _) => words.push("nulls first".to_owned()),
            _ => {}
        }
        Self {
            column,
            descending,
            words,
        }
    }

    fn is_other(&self, other: &Self) -> bool {
        let columns = self.column.as_ref().zip(other.column.as_ref());
        self.descending != other.descending || columns.is_some_and(|(one, other)| one != other)
    }
}

/// Whether a token can stand behind a column that is no expression: COLLATE, an operator class, an order.
fn is_part(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Word | Kind::Name) || token.text == "."
}

fn is_name(word: &str) -> bool {
    let first = word.chars().next();
    first.is_some_and(|c| c.is_alphabetic() || c == '_' || c == '"')
}

/// What is left to read.
fn rest<'a>(mut words: Words<'a>) -> Vec<Token<'a>> {
    std::iter::from_fn(|| words.take()).collect()
}

/// The parts between commas.
fn listed(words: Words<'_>) -> Vec<Key> {
    let mut depth = 0_usize;
    let tokens = rest(words);
    let parts = tokens.split(|token| {
        match token.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.text == ","
    });
    parts.map(Key::new).collect()
}

/// The words of an expression without what the server adds to it when it writes it down: brackets, and the types of constants.
fn plain(tokens: &[Token<'_>]) -> Vec<String> {
    let mut plain: Vec<String> = Vec::new();
    let mut tokens = tokens.iter().peekable();
    let mut after_text = false;
    while let Some(token) = tokens.next() {
        let is_cast = token.text == ":" && tokens.peek().is_some_and(|next| next.text == ":");
        if after_text && is_cast {
            tokens.next();
            tokens.next();
            while tokens
                .next_if(|next| ["varying", "precision"].contains(&next.text))
                .is_some()
            {}
            continue;
        }
        after_text = token.kind == Kind::Text;
        match token.kind {
            Kind::Symbol if ["(", ")"].contains(&token.text) => {}
            Kind::Word => plain.push(token.text.to_ascii_lowercase()),
            Kind::Name => plain.push(unquoted(token.text)),
            _ => plain.push(token.text.to_owned()),
        }
    }
    plain
}

/// A quoted name as it would stand without quotes, where it could.
fn unquoted(name: &str) -> String {
    let inner = name.trim_matches('"');
    let simple = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match inner.chars().all(simple) {
        true => inner.to_owned(),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Likeness, accepts_absence, likeness};

    #[test]
    fn an_index_is_told_from_another_by_what_it_covers() {
        for (statement, definition, expected) in [
            ("t (i)", "public.t USING btree (i)", Likeness::Same),
            ("t (i)", "public.t USING btree (j)", Likeness::Other),
            ("t (i)", "public.t USING btree (i, j)", Likeness::Other),
            ("t (i)", "public.t USING hash (i)", Likeness::Other),
            (
                "t (i)",
                "public.t USING btree (i) WHERE (j > 0)",
                Likeness::Other,
            ),
            (
                "t (i)",
                "public.t USING btree (i) INCLUDE (j)",
                Likeness::Other,
            ),
            ("t (i)", "public.t USING btree (i DESC)", Likeness::Other),
            (
                "t (i)",
                "public.t USING btree (i) NULLS NOT DISTINCT",
                Likeness::Other,
            ),
            (
                "t (i)",
                "public.t USING btree (i text_pattern_ops)",
                Likeness::Unsure,
            ),
            (
                "t (i)",
                "public.t USING btree (i NULLS FIRST)",
                Likeness::Unsure,
            ),
            ("t ((i))", "public.t USING btree (i)", Likeness::Same),
            (
                "t (i ASC NULLS LAST)",
                "public.t USING btree (i)",
                Likeness::Same,
            ),
            (
                "t (i DESC NULLS FIRST)",
                "public.t USING btree (i DESC)",
                Likeness::Same,
            ),
            (
                "t (\"i\", \"J\")",
                "public.t USING btree (i, \"J\")",
                Likeness::Same,
            ),
            (
                "ONLY s.t USING gin (I)",
                "s.t USING gin (i)",
                Likeness::Same,
            ),
            (
                "t (lower(n))",
                "public.t USING btree (lower(n))",
                Likeness::Same,
            ),
            (
                "t (lower(n))",
                "public.t USING btree (upper(n))",
                Likeness::Unsure,
            ),
            ("t (lower(n))", "public.t USING btree (n)", Likeness::Unsure),
            (
                "t ((i::text))",
                "public.t USING btree (((i)::text))",
                Likeness::Same,
            ),
            (
                "t ((i::text))",
                "public.t USING btree (i)",
                Likeness::Unsure,
            ),
            (
                "t ((i + 1))",
                "public.t USING btree (((i + 1)))",
                Likeness::Same,
            ),
            (
                "t (i) WHERE s = 'open'",
                "public.t USING btree (i) WHERE (s = 'open'::text)",
                Likeness::Same,
            ),
            (
                "t (i) WHERE s IN ('a', 'b')",
                "public.t USING btree (i) WHERE (s = ANY (ARRAY['a'::text, 'b'::text]))",
                Likeness::Unsure,
            ),
        ] {
            let statement = format!("CREATE INDEX CONCURRENTLY ON {statement}");
            let definition = format!("CREATE INDEX t_i_idx ON {definition}");
            let found = likeness(&statement, &definition);
            assert_eq!(found, expected, "{statement} / {definition}");
        }
        let unique = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS x ON t (i)";
        let there = "CREATE INDEX x ON public.t USING btree (i)";
        assert_eq!(likeness(unique, there), Likeness::Other);
        assert_eq!(likeness("REINDEX TABLE t", there), Likeness::Unsure);
        assert!(accepts_absence("DROP INDEX CONCURRENTLY IF EXISTS a"));
        assert!(!accepts_absence("DROP INDEX CONCURRENTLY a"));
    }
}
