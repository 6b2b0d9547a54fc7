//! Which tokens of a statement may be a password though they are no quoted text: `PASSWORD hunter2`, `PASSWORD "hunter2"`. The server
//! takes none of these, and quotes them in its error.

use std::ops::Range;

use crate::migration::tokens::{Kind, Token};

/// Words that a password follows.
const KEYS: [&str; 5] = ["password", "passwd", "passphrase", "pwd", "sslpassword"];

/// How parameters and options end that hold a password or its like.
const ENDINGS: [&str; 7] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "apikey",
    "api_key",
];

/// Values that are none.
const NO_VALUES: [&str; 4] = ["null", "default", "true", "false"];

/// Words after which a password word is a column's name.
const OF_ROWS: [&str; 5] = ["select", "insert", "update", "delete", "returning"];

/// The same, where a statement or a piece of code begins with them.
const OF_ROWS_FIRST: [&str; 32] = [
    "analyze",
    "call",
    "cluster",
    "comment",
    "copy",
    "declare",
    "drop",
    "elsif",
    "execute",
    "explain",
    "for",
    "grant",
    "if",
    "lock",
    "merge",
    "perform",
    "prepare",
    "raise",
    "refresh",
    "reindex",
    "reset",
    "return",
    "revoke",
    "security",
    "show",
    "table",
    "truncate",
    "vacuum",
    "values",
    "while",
    "with",
    "exception",
];

/// Objects that have columns, parameters or a name of their own called so; of the others CREATE and ALTER take a password.
const WITH_COLUMNS: [&str; 17] = [
    "aggregate",
    "cast",
    "domain",
    "extension",
    "function",
    "index",
    "policy",
    "procedure",
    "publication",
    "rule",
    "schema",
    "sequence",
    "statistics",
    "table",
    "trigger",
    "type",
    "view",
];

/// Words of code behind which a statement begins.
const OPENING: [&str; 4] = ["begin", "else", "loop", "then"];

/// How many words may stand between CREATE and the kind of object.
const BEFORE_KIND: usize = 5;

/// For each token of a statement, whether it may be a password or a part of one.
pub(super) fn values(statement: &[Token<'_>]) -> Vec<bool> {
    let mut hidden = vec![false; statement.len()];
    let mut reader = Reader::default();
    for (index, token) in statement.iter().enumerate() {
        if matches!(token.kind, Kind::Blank | Kind::Comment) {
            continue;
        }
        let Some(key) = reader.read(token) else {
            continue;
        };
        if let Some(range) = value(statement, index + 1, key) {
            let value = hidden.get_mut(range).unwrap_or_default();
            value.fill(true);
        }
    }
    hidden
}

/// Whether a quoted name is a connection string: then the quotes are the wrong ones, and a password may be in it.
pub(super) fn is_connection(token: &Token<'_>) -> bool {
    let lower = token.text.to_lowercase();
    let has_key = || ENDINGS.iter().any(|key| lower.contains(key));
    token.kind == Kind::Name
        && (lower.contains("://") && lower.contains('@') || lower.contains('=') && has_key())
}

/// A word that a password may follow.
#[derive(Clone, Copy)]
struct Key {
    /// Only behind `=` or its like.
    assigned: bool,
    /// It may be a column's name.
    column: bool,
}

/// What was read of a statement so far.
#[derive(Default)]
struct Reader {
    /// The word before, in lower case.
    before: String,
    /// A password word is a column's name here.
    of_rows: bool,
    /// How many words may come before the kind of what is created or altered.
    before_kind: usize,
    /// Within OPTIONS ( … ).
    in_options: bool,
    identified: bool,
}

impl Reader {
    fn read(&mut self, token: &Token<'_>) -> Option<Key> {
        let word = token.text.trim_matches('"').to_ascii_lowercase();
        let before = std::mem::replace(&mut self.before, word.clone());
        let first = before.is_empty();
        match token.kind {
            Kind::Symbol if word == "(" => self.in_options |= before == "options",
            Kind::Symbol if word == ")" => self.in_options = false,
            Kind::Word => self.word(&word, first || OPENING.contains(&before.as_str())),
            _ => {}
        }
        if !matches!(token.kind, Kind::Word | Kind::Name) {
            return None;
        }
        if self.identified && matches!(word.as_str(), "by" | "as") {
            return Some(Key {
                assigned: false,
                column: false,
            });
        }
        let exact = KEYS.contains(&word.as_str());
        let ends = ENDINGS.iter().any(|ending| word.ends_with(ending));
        let column = !self.identified && (first || self.of_rows && !self.in_options);
        (exact || ends).then_some(Key {
            assigned: column || !(exact || self.in_options),
            column,
        })
    }

    fn word(&mut self, word: &str, opens: bool) {
        self.identified |= word == "identified";
        if OF_ROWS.contains(&word) || opens && OF_ROWS_FIRST.contains(&word) {
            self.of_rows = true;
        } else if opens && matches!(word, "create" | "alter") {
            self.of_rows = false;
            self.before_kind = BEFORE_KIND;
        } else if let Some(left) = self.before_kind.checked_sub(1) {
            let known = WITH_COLUMNS.contains(&word);
            self.of_rows |= known;
            let other = matches!(word, "role" | "user" | "group" | "server" | "subscription");
            self.before_kind = if known || other { 0 } else { left };
        }
    }
}

/// The tokens of the value that follows a key, if one does.
fn value(statement: &[Token<'_>], from: usize, key: Key) -> Option<Range<usize>> {
    let is = |token: &Token<'_>, word: &str| token.text.eq_ignore_ascii_case(word);
    let mut begin = from;
    let mut assigned = false;
    loop {
        let token = statement.get(begin)?;
        match token.kind {
            Kind::Blank | Kind::Comment => {}
            Kind::Symbol if matches!(token.text, "=" | ":" | ">") => assigned = true,
            Kind::Symbol if token.text == "(" && !key.column => {}
            Kind::Word if is(token, "to") && !key.column => assigned = true,
            // SET PASSWORD FOR somebody = …
            Kind::Word if is(token, "for") && !key.column => {
                let rest = statement.get(begin..)?;
                begin += rest.iter().position(|token| token.text == "=")?;
                continue;
            }
            _ => break,
        }
        begin += 1;
    }
    let rest = statement.get(begin..)?;
    let ends = |token: &Token<'_>| {
        matches!(token.kind, Kind::Blank | Kind::Comment | Kind::End)
            || token.kind == Kind::Symbol && matches!(token.text, "," | "(" | ")" | "[" | "]")
    };
    let length = rest.iter().position(ends).unwrap_or(rest.len());
    let alone = length == 1;
    let first = rest.first()?;
    let none = alone && NO_VALUES.iter().any(|word| is(first, word));
    let calls = rest.get(length).is_some_and(|token| token.text == "(");
    // A column is given the result of a function, another column, or a text.
    let computed = key.column && (calls || !alone);
    let missing = length == 0 || key.assigned && !assigned;
    (!none && !computed && !missing).then_some(begin..begin + length)
}
