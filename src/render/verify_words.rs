//! What the Markdown and the HTML of a report say alike, before either escapes it.

use crate::report::reach::{Matrix, Reach};
use crate::report::text::count;
use crate::report::verify::{Accepted, Allowed, Found, ServiceLine};

/// The report's title.
pub(super) const TITLE: &str = "dbctl: do the services stay apart?";

/// Ways that are open or not known, for one reason.
pub(super) struct Door<'a> {
    /// Open or unknown.
    pub(super) reach: Reach,
    /// From whom to which database, each once.
    pub(super) ways: Vec<String>,
    /// The reason.
    pub(super) why: &'a str,
}

/// The reasons for what the matrix says, open ways first; one reason stands once, whatever number of cells it explains.
pub(super) fn doors(matrix: &Matrix) -> Vec<Door<'_>> {
    let mut doors: Vec<Door<'_>> = Vec::new();
    for wanted in [Reach::Open, Reach::Unknown] {
        for row in &matrix.rows {
            let from = row.service.as_deref().unwrap_or("everybody else");
            for (cell, column) in row.cells.iter().zip(&matrix.columns) {
                for why in cell.why.iter().filter(|_| cell.reach == wanted) {
                    let way = format!("{from} → {}", column.database);
                    match doors
                        .iter_mut()
                        .find(|door| door.reach == wanted && door.why == why)
                    {
                        Some(door) => door.ways.push(way),
                        None => doors.push(Door {
                            reach: wanted,
                            ways: vec![way],
                            why,
                        }),
                    }
                }
            }
        }
    }
    doors
}

/// What the manifest accepts, and why.
pub(super) fn accepted(allowed: &Allowed) -> (String, String) {
    let what = match &allowed.what {
        Accepted::Finding(found) => format!("{}: {}", found.finding.rule, found.finding.message),
        Accepted::Gap(gap) => format!(
            "{} of {}, not checked: {}",
            gap.rule, gap.service, gap.reason
        ),
    };
    let until = allowed
        .until
        .as_ref()
        .map_or_else(String::new, |until| format!(", until {until}"));
    let why = format!("{}: {}{until}", allowed.place(), allowed.reason);
    (what, why)
}

/// The finding's place in a file, as compilers write it.
pub(super) fn location(found: &Found) -> Option<String> {
    found.finding.location.as_ref().map(ToString::to_string)
}

/// A service's schema in one sentence.
pub(super) fn schema(service: &ServiceLine) -> String {
    let Some(schema) = &service.schema else {
        return "-".to_owned();
    };
    let mut parts = Vec::new();
    if let Some((set, newest)) = &schema.set {
        let newest = newest.map_or_else(String::new, |newest| format!(" up to V{newest}"));
        parts.push(format!("set {set}{newest}"));
    }
    if schema.live {
        parts.push(schema.applied.map_or_else(
            || "no history".to_owned(),
            |applied| format!("at V{applied}"),
        ));
    } else {
        parts.push("as its lock says".to_owned());
    }
    let objects: Vec<String> = schema
        .objects
        .iter()
        .map(|(kind, number)| many(*number, kind))
        .collect();
    if !objects.is_empty() {
        parts.push(objects.join(", "));
    }
    parts.join("; ")
}

/// A number and the plural of a kind of object.
fn many(number: usize, kind: &str) -> String {
    match (number, kind) {
        (1, _) | (_, "statistics") => format!("{number} {kind}"),
        (_, "index") => format!("{number} indexes"),
        (_, "policy") => format!("{number} policies"),
        _ => count(number, kind),
    }
}
