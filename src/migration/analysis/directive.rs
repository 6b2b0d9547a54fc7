//! What a file says to dbctl: `-- dbctl:…` in its head, before the first statement.

use crate::migration::statements::Lines;
use crate::migration::tokens::{Kind, contains, tokens};

/// The line in a file's head that makes it run statement by statement.
pub const NO_TRANSACTION: &str = "-- dbctl:no-transaction";

/// What begins an exception from a rule for the statement that it stands at.
pub(in crate::migration) const ALLOW: &str = "-- dbctl:allow ";

/// What begins an exception from a rule for the whole file.
pub(in crate::migration) const ALLOW_FILE: &str = "-- dbctl:allow-file ";

/// Whether the file's head asks to be run statement by statement.
pub(in crate::migration) fn asked(sql: &str) -> bool {
    // Most files can be spared the search.
    sql.contains(NO_TRANSACTION)
        && comments(sql)
            .take_while(|comment| comment.in_head)
            .any(|comment| comment.text == NO_TRANSACTION)
}

/// Comments that look like a directive and are none: the line, and what is wrong.
#[must_use]
pub fn misplaced(sql: &str) -> Vec<(usize, String)> {
    // Most files can be spared the search.
    if !contains(sql, "dbctl") {
        return Vec::new();
    }
    let mut lines = Lines::default();
    comments(sql)
        .filter_map(|comment| {
            let problem = problem(&comment)?;
            Some((lines.at(sql, comment.at), problem))
        })
        .collect()
}

struct Comment<'a> {
    /// From `--` on, without white space at its end.
    text: &'a str,
    at: usize,
    /// Whether no statement comes before it, and nothing else on its line.
    in_head: bool,
}

fn comments(sql: &str) -> impl Iterator<Item = Comment<'_>> {
    let mut in_head = true;
    tokens(sql).filter_map(move |token| match token.kind {
        Kind::Comment if token.text.starts_with("--") => Some(Comment {
            text: token.text.trim_end(),
            at: token.at,
            in_head,
        }),
        Kind::Blank | Kind::Comment => None,
        _ => {
            in_head = false;
            None
        }
    })
}

fn problem(comment: &Comment<'_>) -> Option<String> {
    let text = comment.text.trim_start_matches('-').trim();
    let word = text.get(..5)?;
    if !word.eq_ignore_ascii_case("dbctl") {
        return None;
    }
    // `-- dbctl runs this twice` is prose; `-- dbctl: x` and `-- dbctl no-transaction` are not.
    let said = text.get(5..)?;
    let value = said.trim_start_matches([':', '=', ' ', '\t']);
    let meant = value.to_ascii_lowercase().replace([' ', '_', '-'], "");
    if !said.trim_start().starts_with([':', '=']) && !meant.starts_with("notransaction") {
        return None;
    }
    if comment.text == NO_TRANSACTION {
        return (!comment.in_head).then(|| {
            format!("{NO_TRANSACTION} must stand before the first statement of the file; move it to the top")
        });
    }
    // Exceptions from rules, said where they hold.
    if comment.text.starts_with(ALLOW) {
        return None;
    }
    if comment.text.starts_with(ALLOW_FILE) {
        return (!comment.in_head).then(|| {
            format!("{ALLOW_FILE}… must stand before the first statement of the file; move it to the top, or write {ALLOW}…")
        });
    }
    if meant.starts_with("allow") {
        return Some(format!(
            "unknown directive {:?}; an exception is written {ALLOW}RULE REASON, or {ALLOW_FILE}RULE REASON at the top of the file",
            comment.text
        ));
    }
    Some(format!(
        "unknown directive {:?}; write {NO_TRANSACTION} before the first statement to run the file statement by statement",
        comment.text
    ))
}
