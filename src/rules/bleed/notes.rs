//! What somebody wrote beside what initdb made, in the databases that belong to no service.

use super::common::{COMMON_DATABASE, MOST, why};
use crate::report::text::{count, one_line};
use crate::rules::text::ident;
use crate::rules::{About, Finding, Severity};
use crate::snapshot::{Common, CommonNote};

/// One finding for all comments and labels of a database. What they say is not shown.
pub(super) fn noted(common: &Common, notes: &[CommonNote]) -> Option<Finding> {
    if notes.is_empty() {
        return None;
    }
    let database = ident(&common.database);
    let mut names: Vec<String> = notes
        .iter()
        .take(MOST)
        .map(|note| one_line(&note.what))
        .collect();
    let more = notes.len().saturating_sub(MOST);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let leads = notes.iter().any(|note| note.leads);
    let sql: Vec<&str> = notes
        .iter()
        .take(MOST)
        .filter_map(|note| note.statement.as_deref())
        .collect();
    let remedy = match sql.is_empty() {
        true => "See what it says, and whom for. Then take it back with SECURITY LABEL … IS NULL."
            .to_owned(),
        false => format!(
            "See what it says, and whom for (it is not shown here: it may hold a password). Then, in database {database}: {}",
            sql.join(" ")
        ),
    };
    Some(
        COMMON_DATABASE
            .finding(
                About::plain("database", &common.database),
                format!(
                    "somebody commented in database {database} on {}{}{}",
                    names.join(", "),
                    if leads {
                        "; what it says looks like a connection string"
                    } else {
                        ""
                    },
                    why(common)
                ),
            )
            .severity(if leads {
                Severity::Warning
            } else {
                Severity::Info
            })
            .saw("initdb's own comments", count(notes.len(), "comment"))
            .remedy(remedy),
    )
}
