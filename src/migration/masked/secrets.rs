//! What of a statement must not be said, to take it out of what others say of the statement.

use super::{is_telltale, values};
use crate::migration::tokens::{Kind, Token, tokens};
#[cfg(feature = "cli")]
use crate::secret::Secret;

/// What stands for a secret within somebody else's words.
const HIDDEN: &str = "…";

/// What is shorter, in characters, is found in every other word.
const SHORTEST: usize = 3;

/// How deep a text may lie in a text: code that executes a text that holds a text.
const DEEPEST: usize = 4;

/// The longest name, in bytes; the server cuts off what is longer (PostgreSQL documentation, "Lexical Structure").
const LONGEST_NAME: usize = 63;

/// A server's message about a statement without the secrets of the statement: where it speaks of a password, none of its texts is told.
pub(super) fn server_words(told: &str, statement: &str) -> String {
    let mut found = Vec::new();
    collect(statement, true, false, DEEPEST, &mut found);
    replaced(told, found.iter().map(String::as_str))
}

/// A server's message without what reads as a password in it: code that a statement runs may say what its text does not hold.
pub(super) fn own_words(told: &str) -> String {
    let mut found = Vec::new();
    passwords(told, &mut found);
    replaced(told, found.iter().map(String::as_str))
}

/// What must not be said of a statement: passwords without the quotes of a text, and those in connection strings.
#[cfg(feature = "cli")]
pub(crate) fn withheld(statement: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    collect(statement, false, false, DEEPEST, &mut found);
    found.into_iter().map(Secret::new).collect()
}

/// A text without these secrets.
#[cfg(feature = "cli")]
pub(crate) fn hide(text: &str, secrets: &[Secret]) -> String {
    replaced(text, secrets.iter().map(Secret::expose))
}

fn replaced<'a>(text: &str, secrets: impl Iterator<Item = &'a str>) -> String {
    let mut secrets: Vec<&str> = secrets
        .filter(|secret| secret.chars().count() >= SHORTEST)
        .collect();
    // The longest first: a part of a secret must not leave the rest of it.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
        .into_iter()
        .fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
}

/// Collects the secrets of a text, with those of the texts in it: `texts` asks for whole texts, where `secret` or a word of the
/// statement tells that they may be passwords.
fn collect(sql: &str, texts: bool, secret: bool, depth: usize, found: &mut Vec<String>) {
    // Most texts are long and speak of no password.
    if !secret && !is_telltale(sql) {
        return;
    }
    let all: Vec<Token<'_>> = tokens(sql).collect();
    for statement in all.split_inclusive(|token| token.kind == Kind::End) {
        let secret = secret || statement.iter().any(|token| is_telltale(token.text));
        let mut value = String::new();
        for (token, is_value) in statement.iter().zip(values::values(statement)) {
            if is_value {
                value.push_str(token.text);
            } else {
                keep(&std::mem::take(&mut value), found);
            }
            if token.kind == Kind::Name && (is_value || values::is_connection(token)) {
                keep(&content(token.text), found);
                passwords(&content(token.text), found);
            }
            if token.kind != Kind::Text {
                continue;
            }
            let inner = content(token.text);
            if texts && secret {
                keep(&inner, found);
            }
            passwords(&inner, found);
            if let Some(depth) = depth.checked_sub(1).filter(|_| secret) {
                collect(&inner, texts, secret, depth, found);
            }
        }
        keep(&value, found);
    }
}

/// A secret as it stands there, and as the server folds and cuts it where it takes it for a name.
fn keep(secret: &str, found: &mut Vec<String>) {
    let secret = secret.trim();
    if secret.is_empty() {
        return;
    }
    found.push(secret.to_owned());
    let folded = secret.to_lowercase();
    if folded != secret {
        found.push(folded);
    }
    let cut = secret.floor_char_boundary(LONGEST_NAME);
    found.extend(
        secret
            .get(..cut)
            .filter(|cut| cut.len() < secret.len())
            .map(str::to_owned),
    );
}

/// The passwords in the connection strings of a text: `postgres://user:password@host`.
fn passwords(text: &str, found: &mut Vec<String>) {
    for rest in text.split("://").skip(1) {
        let word = rest.split_whitespace().next().unwrap_or_default();
        let user = word.rsplit_once('@').map(|(user, _)| user);
        if let Some((_, password)) = user.and_then(|user| user.split_once(':')) {
            keep(password, found);
        }
    }
    // `user=u password=hunter2`, also within a URL.
    for part in text.split([' ', '&', '?', '\n', '\t']) {
        if let Some((key, value)) = part.split_once('=')
            && is_telltale(key)
        {
            keep(value.trim_matches(['\'', '"']), found);
        }
    }
}

/// What a quoted text or name holds.
fn content(text: &str) -> String {
    if let Some((tag, rest)) = text.strip_prefix('$').and_then(|rest| rest.split_once('$')) {
        let end = format!("${tag}$");
        return rest.strip_suffix(&end).unwrap_or(rest).to_owned();
    }
    if let Some(name) = text.strip_prefix('"') {
        return name.strip_suffix('"').unwrap_or(name).replace("\"\"", "\"");
    }
    let escaped = text.strip_prefix(['e', 'E']);
    let quoted = escaped.unwrap_or(text);
    let inner = quoted.strip_prefix('\'').unwrap_or(quoted);
    let inner = inner.strip_suffix('\'').unwrap_or(inner).replace("''", "'");
    match escaped {
        Some(_) => inner.replace("\\'", "'").replace("\\\\", "\\"),
        None => inner,
    }
}
