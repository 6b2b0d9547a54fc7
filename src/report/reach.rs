//! Who can reach whose database, as far as a report tells. What was not looked at is unknown, never shut.

use super::Severity;
use super::verify::{Accepted, Found, NotChecked, Report, ServiceLine};

/// Services × databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// The services that have a database, in the report's order: the columns.
    pub columns: Vec<Column>,
    /// Every service in the report's order, then everybody else: the rows.
    pub rows: Vec<Row>,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The service whose it is.
    pub service: String,
    /// Its name.
    pub database: String,
}

/// Somebody who may reach databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The service, whose role it is about; `None`: everybody else (PUBLIC, and who needs no password of their own).
    pub service: Option<String>,
    /// One for each column.
    pub cells: Vec<Cell>,
}

/// Whether one can reach the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The answer.
    pub reach: Reach,
    /// What it rests on: sentences of findings, or why it is not known.
    pub why: Vec<String>,
}

/// An answer of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The service's own database.
    Own,
    /// A finding says that it can be reached, accepted or not.
    Open,
    /// Every question was answered, and no way was found.
    Shut,
    /// Something that would tell was not looked at, or a finding leaves it open.
    Unknown,
    /// There is no role or no database that the question could be about.
    Nothing,
}

impl Reach {
    /// The answer in one or two words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Open => "can reach",
            Self::Shut => "no way found",
            Self::Unknown => "not known",
            Self::Nothing => "nothing",
        }
    }
}

/// What a finding says about ways into databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The service's own role goes to the one that the finding names.
    Out,
    /// The one that the finding names gets into the service's database.
    In,
    /// The one that the finding names may come to get into the service's database.
    Maybe,
    /// Each gets into the other's.
    Both,
    /// Every role of the server gets into the service's database.
    Public,
    /// Whoever can speak to the server gets into the service's database.
    Anyone,
}

fn way(rule: &str) -> Option<Way> {
    match rule {
        "access/superuser"
        | "access/membership"
        | "access/owns-elsewhere"
        | "identity/wrong-database" => Some(Way::Out),
        "identity/shared-database" | "identity/shared-role" => Some(Way::Both),
        "access/public-connect" | "access/public-database" | "access/public-schema-create" => {
            Some(Way::Public)
        }
        "access/trust" | "access/default-password" => Some(Way::Anyone),
        rule if rule.starts_with("link/") => Some(Way::Out),
        "access/default-privileges" | "access/foreign-role" | "access/shared-group" => {
            Some(Way::Maybe)
        }
        // How well a way is kept is not who may go it.
        "access/look-alike-role"
        | "access/parameter-grant"
        | "access/setting"
        | "access/tablespace"
        | "access/weak-password" => None,
        // A rule of this group that is not named above tells of somebody else's way in.
        rule if rule.starts_with("access/") => Some(Way::In),
        _ => None,
    }
}

impl Matrix {
    /// The matrix of this report.
    #[must_use]
    pub fn new(report: &Report) -> Self {
        let columns: Vec<&ServiceLine> = report
            .services
            .iter()
            .filter(|service| service.database.is_some())
            .collect();
        let somebody = report.services.iter().map(Some);
        Self {
            rows: somebody
                .chain([None])
                .map(|from| Row {
                    service: from.map(|from| from.name.clone()),
                    cells: columns.iter().map(|to| cell(report, from, to)).collect(),
                })
                .collect(),
            columns: columns
                .into_iter()
                .map(|service| Column {
                    service: service.name.clone(),
                    database: service.database.clone().unwrap_or_default(),
                })
                .collect(),
        }
    }
}

fn cell(report: &Report, from: Option<&ServiceLine>, to: &ServiceLine) -> Cell {
    if from.is_some_and(|from| from.name == to.name) {
        let why = (to.reachable == Some(false)).then(|| "it was not reached".to_owned());
        return Cell {
            reach: Reach::Own,
            why: why.into_iter().collect(),
        };
    }
    let (open, mut doubts) = told(report, from, to);
    if !open.is_empty() {
        return Cell {
            reach: Reach::Open,
            why: open,
        };
    }
    let nothing = |why: &str| Cell {
        reach: Reach::Nothing,
        why: vec![why.to_owned()],
    };
    if let Some(note) = to.note.as_ref().filter(|_| to.reachable.is_none()) {
        return nothing(note);
    }
    doubts.extend(unanswered(report, &to.name, &["access/", "identity/"]));
    if let Some(from) = from {
        if let (None, Some(note), true) = (from.reachable, &from.note, doubts.is_empty()) {
            return nothing(note);
        }
        if from.database.is_some() {
            let groups = ["access/", "identity/", "link/"];
            doubts.extend(unanswered(report, &from.name, &groups));
        }
    }
    doubts.dedup();
    Cell {
        reach: if doubts.is_empty() {
            Reach::Shut
        } else {
            Reach::Unknown
        },
        why: doubts,
    }
}

/// What the findings say about this way, accepted or not: that it is open, or that it may be.
fn told(
    report: &Report,
    from: Option<&ServiceLine>,
    to: &ServiceLine,
) -> (Vec<String>, Vec<String>) {
    let accepted = report.allowed.iter().filter_map(|allowed| {
        let Accepted::Finding(found) = &allowed.what else {
            return None;
        };
        Some((found.as_ref(), format!(" (accepted: {})", allowed.reason)))
    });
    let findings = report
        .findings
        .iter()
        .map(|found| (found, String::new()))
        .chain(accepted);
    let (mut open, mut doubts) = (Vec::new(), Vec::new());
    for (found, suffix) in findings {
        let says = format!("{}: {}{suffix}", found.finding.rule, found.finding.message);
        match judge(found, from, to) {
            Some(true) => open.push(says),
            Some(false) => doubts.push(says),
            None => {}
        }
    }
    (open, doubts)
}

/// Whether a finding opens this way (`true`), may open it (`false`), or says nothing about it.
fn judge(found: &Found, from: Option<&ServiceLine>, to: &ServiceLine) -> Option<bool> {
    let way = way(found.finding.rule)?;
    let subject = found.service.as_deref();
    let other = found.finding.belongs_to.as_deref();
    let is_from =
        |name: Option<&str>| name.is_some() && name == from.map(|from| from.name.as_str());
    let is_to = |name: Option<&str>| name == Some(to.name.as_str());
    // Who has no database has no role in a server either.
    let near = from.map_or(Some(true), |from| {
        from.database
            .as_ref()
            .map_or(Some(false), |_| same_server(from, to))
    });
    match (way, other) {
        (Way::Both, _) => ((is_from(subject) && is_to(other))
            || (is_to(subject) && is_from(other)))
        .then_some(true),
        (Way::Out, Some(_)) => (is_from(subject) && is_to(other)).then_some(true),
        // A link that names nobody may lead anywhere; a power ends with its server.
        (Way::Out, None) if is_from(subject) => match near {
            _ if found.finding.rule.starts_with("link/") => Some(false),
            Some(true) => Some(true),
            Some(false) => None,
            None => Some(false),
        },
        (Way::Out, None) => None,
        (Way::In | Way::Public, Some(_)) => (is_to(subject) && is_from(other)).then_some(true),
        (Way::Maybe, Some(_)) => (is_to(subject) && is_from(other)).then_some(false),
        _ if !is_to(subject) => None,
        // Only processes of the server's own machine.
        (Way::Anyone, _) if found.finding.rule == "access/trust" => {
            Some(found.finding.severity == Severity::Error)
        }
        // Where nobody logged in with it, it is not known to be the password.
        (Way::Anyone, _) => Some(to.reachable == Some(true)),
        (Way::Public, None) => match near {
            Some(true) => Some(true),
            Some(false) => None,
            None => Some(false),
        },
        (Way::In | Way::Maybe, None) => (near != Some(false)).then_some(false),
    }
}

/// Whether two databases are in one server; `None` when the report does not tell.
fn same_server(a: &ServiceLine, b: &ServiceLine) -> Option<bool> {
    match (a.system_identifier, b.system_identifier) {
        (Some(a), Some(b)) => Some(a == b),
        _ if a.address.is_some() && a.address == b.address => Some(true),
        _ => None,
    }
}

/// Why it is not known what the questions of these groups would have said about a service, accepted or not.
fn unanswered(report: &Report, service: &str, groups: &[&str]) -> Vec<String> {
    let of_group = |rule: &str| groups.iter().any(|group| rule.starts_with(group));
    let accepted = report
        .allowed
        .iter()
        .filter_map(|allowed| match &allowed.what {
            Accepted::Gap(gap) => Some(gap),
            Accepted::Finding(_) => None,
        });
    let mut why: Vec<String> = Vec::new();
    for NotChecked {
        rule,
        service: of,
        reason,
        ..
    } in report.not_checked.iter().chain(accepted)
    {
        let says = format!("{of}: {reason}");
        if of == service && of_group(rule) && !why.contains(&says) {
            why.push(says);
        }
    }
    let is_asked = report
        .asked
        .iter()
        .any(|asked| asked.service == service && asked.rule.starts_with("access/"));
    if !is_asked {
        why.push(format!("{service}: nobody looked into its database"));
    }
    why
}

#[cfg(test)]
#[path = "reach_tests.rs"]
mod tests;
