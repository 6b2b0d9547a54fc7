//! Storage parameters and other lists of `name=value`.

use super::one_line::quoted;
use super::{BY_HAND, Sql};
use crate::rules::text::sql_ident;

/// `fillfactor=70, autovacuum_enabled=off` in pairs.
fn pairs(options: &str) -> Result<Vec<(&str, &str)>, &'static str> {
    if options.is_empty() {
        return Ok(Vec::new());
    }
    let pairs = options.split(", ").map(|option| option.split_once('='));
    pairs.collect::<Option<_>>().ok_or(BY_HAND)
}

/// A namespace before a name is written as it is.
fn name(option: &str) -> String {
    let parts: Vec<String> = option.split('.').map(sql_ident).collect();
    parts.join(".")
}

/// `fillfactor='70'`, for WITH and SET.
pub(super) fn list(options: &str) -> Result<String, &'static str> {
    let pairs = pairs(options)?.into_iter();
    let all: Vec<String> = pairs
        .map(|(option, value)| format!("{}={}", name(option), quoted(value)))
        .collect();
    Ok(all.join(", "))
}

/// ` WITH (…)`, or nothing where there are no options.
pub(super) fn with(options: &str) -> Result<String, &'static str> {
    Ok(match list(options)? {
        list if list.is_empty() => String::new(),
        list => format!(" WITH ({list})"),
    })
}

/// The statements that turn one list into another; `alter` is `ALTER TABLE name`.
pub(super) fn alter(alter: &str, expected: &str, actual: &str) -> Sql {
    let (wanted, found) = (pairs(expected)?, pairs(actual)?);
    let mut sql = Vec::new();
    let gone = |(option, _): &&(&str, &str)| !wanted.iter().any(|(other, _)| other == option);
    let reset: Vec<String> = found
        .iter()
        .filter(gone)
        .map(|(option, _)| name(option))
        .collect();
    if !reset.is_empty() {
        sql.push(format!("{alter} RESET ({});", reset.join(", ")));
    }
    let set: Vec<String> = wanted
        .iter()
        .filter(|pair| !found.contains(pair))
        .map(|(option, value)| format!("{}={}", name(option), quoted(value)))
        .collect();
    if !set.is_empty() {
        sql.push(format!("{alter} SET ({});", set.join(", ")));
    }
    Ok(sql)
}
