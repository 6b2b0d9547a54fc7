//! SQL as it may be shown: a migration may hold a password, and what is shown ends up in logs.

mod secrets;
mod values;

use super::tokens::{Kind, Token, tokens};

#[cfg(feature = "cli")]
pub(crate) use secrets::{hide, withheld};

/// What stands for a text that is not shown.
const HIDDEN: &str = "'…'";

/// What stands for a word or a name that is not shown.
const HIDDEN_WORD: &str = "…";

/// Where one of these is in a statement, each of its texts may be a password.
const TELLTALES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "credential",
    "apikey",
    "api_key",
    "connection",
    "identified",
    "dblink",
    "://",
];

/// The text with every quoted text left out, for a message that names the statement by file and line anyway.
pub(crate) fn without_texts(sql: &str) -> String {
    let all: Vec<Token<'_>> = tokens(sql).collect();
    let mut out = String::with_capacity(sql.len());
    for statement in all.split_inclusive(|token| token.kind == Kind::End) {
        for (token, instead) in statement.iter().zip(instead(statement)) {
            if token.kind != Kind::Comment {
                out.push_str(instead.unwrap_or(token.text));
            }
        }
    }
    out
}

/// The text without what may be a password: the quoted texts and the comments of statements that speak of one. Bodies of functions and
/// of `DO` stay readable, for their statements are what a reviewer looks for.
pub(crate) fn without_secrets(sql: &str) -> String {
    let all: Vec<Token<'_>> = tokens(sql).collect();
    let mut out = String::with_capacity(sql.len());
    for statement in all.split_inclusive(|token| token.kind == Kind::End) {
        let secret = statement.iter().any(|token| is_telltale(token.text));
        for (token, instead) in statement.iter().zip(instead(statement)) {
            match token.kind {
                Kind::Text if secret => out.push_str(&hidden(token.text, is_code(statement))),
                Kind::Text => out.push_str(token.text),
                Kind::Comment if secret => out.push_str("/* … */"),
                _ => out.push_str(instead.unwrap_or(token.text)),
            }
        }
    }
    out
}

/// What is shown in place of each token of one statement: of every quoted text, and of what may be a password without such quotes.
pub(crate) fn instead(statement: &[Token<'_>]) -> Vec<Option<&'static str>> {
    let mut after_hidden = false;
    let values = values::values(statement);
    let shown = statement.iter().zip(values).map(|(token, value)| {
        // What is hidden is one thing, of however many tokens it is made.
        let follows = std::mem::replace(&mut after_hidden, value);
        match token.kind {
            Kind::Text => Some(HIDDEN),
            _ if value && follows => Some(""),
            _ if value || values::is_connection(token) => Some(HIDDEN_WORD),
            _ => None,
        }
    });
    shown.collect()
}

/// What a server says of the place of an error, without the statement that it quotes, where that may hold a password: the quotes within
/// it are its own, so all between the first and the last of them goes.
pub(crate) fn without_quotes(told: &str) -> String {
    let quote = ['"', '\''];
    match (told.split_once(quote), told.rsplit_once(quote)) {
        (Some((before, _)), Some((_, after))) if is_telltale(told) => {
            format!("{before}{HIDDEN}{after}")
        }
        _ => told.to_owned(),
    }
}

/// A server's message about a statement without the secrets of the statement: where it speaks of a password, none of its texts is told.
pub(crate) fn server_words(told: &str, statement: &str) -> String {
    secrets::server_words(told, statement)
}

/// A server's message without what reads as a password in it: `password=…`, `postgres://user:…@host`.
pub(crate) fn own_words(told: &str) -> String {
    secrets::own_words(told)
}

fn is_telltale(text: &str) -> bool {
    let lower = text.to_lowercase();
    TELLTALES.iter().any(|word| lower.contains(word))
}

/// Whether the statement's dollar-quoted text is code.
fn is_code(statement: &[Token<'_>]) -> bool {
    let mut words = statement.iter().filter(|token| token.kind == Kind::Word);
    let is = |token: Option<&Token<'_>>, word: &str| {
        token.is_some_and(|token| token.text.eq_ignore_ascii_case(word))
    };
    let first = words.next();
    is(first, "do")
        || is(first, "create")
            && words.take(3).any(|token| {
                ["function", "procedure"]
                    .iter()
                    .any(|word| token.text.eq_ignore_ascii_case(word))
            })
}

/// A quoted text that is not shown; of code everything but its own texts and comments is.
fn hidden(text: &str, code: bool) -> String {
    let body = text
        .strip_prefix('$')
        .and_then(|rest| rest.split_once('$'))
        .filter(|_| code)
        .and_then(|(tag, rest)| Some((tag, rest.strip_suffix(&format!("${tag}$"))?)));
    body.map_or_else(
        || HIDDEN.to_owned(),
        |(tag, body)| format!("${tag}${}${tag}$", without_texts(body)),
    )
}

#[cfg(test)]
mod tests;
