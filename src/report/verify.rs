//! What `verify` and `check` found out: services × rules, with the findings, the gaps and the exceptions.

use std::time::Duration;

use time::OffsetDateTime;

use super::{Finding, Severity};
use crate::exit::Exit;

/// The whole report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The manifest's file; `None` for the built-in one.
    pub manifest: Option<String>,
    /// The services that the run was about.
    pub services: Vec<ServiceLine>,
    /// What is wrong and not accepted.
    pub findings: Vec<Found>,
    /// What could not be looked at and is not accepted.
    pub not_checked: Vec<NotChecked>,
    /// What the manifest accepts.
    pub allowed: Vec<Allowed>,
    /// Every question that was asked, answered or not.
    pub asked: Vec<Question>,
    /// How many rules were asked.
    pub rules: usize,
    /// How many questions (a rule asked of a service) were answered about a database or a directory.
    pub checked: usize,
    /// Whether the manifest says of every chosen service that there is nothing to look at.
    pub nothing_to_check: bool,
    /// The severity from which on a finding fails the run.
    pub fail_on: Severity,
    /// When it was made.
    pub at: OffsetDateTime,
    /// How long it took.
    pub duration: Duration,
}

/// A rule asked of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// The rule.
    pub rule: &'static str,
    /// The service.
    pub service: String,
}

/// One service of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLine {
    /// Its name.
    pub name: String,
    /// The line of its table in the manifest, counted from 1; `None` for the built-in manifest.
    pub line: Option<usize>,
    /// Its store, as the manifest writes it.
    pub store: &'static str,
    /// Its database, if it has one.
    pub database: Option<String>,
    /// Where the database is, without a password.
    pub address: Option<String>,
    /// The server's version.
    pub server_version: Option<String>,
    /// TimescaleDB's version.
    pub timescaledb_version: Option<String>,
    /// What tells the server from others (`pg_control_system()`), if it could be read.
    pub system_identifier: Option<u64>,
    /// Whether the database could be read; `None` when there is none to reach.
    pub reachable: Option<bool>,
    /// Why there is nothing to look at, if there is nothing.
    pub note: Option<String>,
    /// Its schema in short, if a database or a lock tells it.
    pub schema: Option<SchemaLine>,
}

/// A schema in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaLine {
    /// Whether it is what the database holds; else it is what the schema lock says.
    pub live: bool,
    /// The migration set and its newest version, if there is a set.
    pub set: Option<(String, Option<i32>)>,
    /// The newest version that the database's history names; `None` when there is none or it could not be read.
    pub applied: Option<i64>,
    /// How many objects of each kind, none of them 0.
    pub objects: Vec<(&'static str, usize)>,
}

/// A finding and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The service; `None` for what concerns the manifest as a whole.
    pub service: Option<String>,
    /// The database that it was found in.
    pub database: Option<String>,
    /// The finding.
    pub finding: Finding,
}

/// A question without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotChecked {
    /// The rule.
    pub rule: &'static str,
    /// The service.
    pub service: String,
    /// What stood in the way.
    pub reason: String,
    /// What would make it readable.
    pub remedy: Option<String>,
}

/// A finding or a gap that an entry of the manifest accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// What is accepted.
    pub what: Accepted,
    /// The entry's reason.
    pub reason: String,
    /// The last day on which it is accepted, as `2027-03-31`.
    pub until: Option<String>,
    /// The entry's line in the manifest, or in the file that says it.
    pub line: usize,
    /// The file that says it, where it is not the manifest.
    pub file: Option<String>,
}

impl Allowed {
    /// Where the entry stands: `line N` of the manifest, or `FILE, line N`.
    #[must_use]
    pub fn place(&self) -> String {
        self.file.as_ref().map_or_else(
            || format!("line {}", self.line),
            |file| format!("{file}, line {}", self.line),
        )
    }
}

/// What an entry of the manifest accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// A finding.
    Finding(Box<Found>),
    /// A gap.
    Gap(NotChecked),
}

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Everything was checked and nothing is at or above the threshold.
    Pass,
    /// Something is at or above the threshold.
    Fail,
    /// Nothing of what was seen is at or above the threshold, but something was not seen.
    Incomplete,
}

impl Status {
    /// The name in JSON and on the verdict line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Incomplete => "incomplete",
        }
    }
}

impl Report {
    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|found| found.finding.severity == severity)
            .count()
    }

    /// How many findings of this severity one service has.
    #[must_use]
    pub fn count_of(&self, service: &str, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|found| found.service.as_deref() == Some(service))
            .filter(|found| found.finding.severity == severity)
            .count()
    }

    /// How many questions about one service have no answer.
    #[must_use]
    pub fn not_checked_of(&self, service: &str) -> usize {
        self.not_checked
            .iter()
            .filter(|gap| gap.service == service)
            .count()
    }

    /// The verdict. What was found weighs more than what was not seen; a run that saw nothing is never a pass.
    #[must_use]
    pub fn status(&self) -> Status {
        let fails = |found: &Found| found.finding.severity >= self.fail_on;
        if self.findings.iter().any(fails) {
            Status::Fail
        } else if !self.not_checked.is_empty() || (self.checked == 0 && !self.nothing_to_check) {
            Status::Incomplete
        } else {
            Status::Pass
        }
    }

    /// The exit code of the contract.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self.status() {
            Status::Pass => Exit::Done,
            Status::Fail => Exit::Findings,
            Status::Incomplete => Exit::Incomplete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, NotChecked, Report, Status};
    use crate::exit::Exit;
    use crate::report::{About, Finding, Severity};

    fn report(severities: &[Severity], gaps: usize) -> Report {
        Report {
            manifest: None,
            services: Vec::new(),
            findings: severities
                .iter()
                .map(|severity| Found {
                    service: None,
                    database: None,
                    finding: Finding {
                        rule: "drift/history",
                        severity: *severity,
                        about: About::plain("database", "a"),
                        belongs_to: None,
                        expected: String::new(),
                        actual: String::new(),
                        message: String::new(),
                        remedy: String::new(),
                        evidence: "catalog",
                        location: None,
                    },
                })
                .collect(),
            not_checked: vec![
                NotChecked {
                    rule: "drift/history",
                    service: "a".to_owned(),
                    reason: "down".to_owned(),
                    remedy: None,
                };
                gaps
            ],
            allowed: Vec::new(),
            asked: Vec::new(),
            rules: 1,
            checked: 1,
            nothing_to_check: false,
            fail_on: Severity::Error,
            at: time::OffsetDateTime::UNIX_EPOCH,
            duration: std::time::Duration::ZERO,
        }
    }

    #[test]
    fn exit_codes_follow_the_contract() {
        let cases: [(&[Severity], usize, Exit); 5] = [
            (&[], 0, Exit::Done),
            (&[Severity::Warning, Severity::Info], 0, Exit::Done),
            (&[Severity::Warning], 1, Exit::Incomplete),
            (&[Severity::Error], 0, Exit::Findings),
            (&[Severity::Error], 3, Exit::Findings),
        ];
        for (severities, gaps, exit) in cases {
            assert_eq!(
                report(severities, gaps).exit(),
                exit,
                "{severities:?} {gaps}"
            );
        }
    }

    #[test]
    fn the_threshold_moves() {
        let mut report = report(&[Severity::Info], 0);
        report.fail_on = Severity::Info;
        assert_eq!(report.status(), Status::Fail);
        report.fail_on = Severity::Warning;
        assert_eq!(report.status(), Status::Pass);
    }

    #[test]
    fn a_run_that_checked_nothing_is_incomplete_unless_there_is_nothing() {
        let mut report = report(&[], 0);
        report.checked = 0;
        assert_eq!(report.exit(), Exit::Incomplete);
        report.nothing_to_check = true;
        assert_eq!(report.exit(), Exit::Done);
    }
}
