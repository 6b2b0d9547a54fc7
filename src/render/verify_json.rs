//! The report of `verify` and `check` for scripts, version 1: copies of the domain types, so that those can change. Keys are
//! only ever added.

use serde::Serialize;

use crate::report::verify::{Accepted, Allowed, Found, NotChecked, Report, ServiceLine};
use crate::report::{About, Location, Severity};

#[derive(Serialize)]
struct V1Report<'a> {
    version: u8,
    tool: V1Tool,
    status: &'static str,
    summary: V1Summary,
    services: Vec<V1Service<'a>>,
    findings: Vec<V1Finding<'a>>,
    not_checked: Vec<V1NotChecked<'a>>,
    allowed: Vec<V1Allowed<'a>>,
}

#[derive(Serialize)]
struct V1Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct V1Summary {
    error: usize,
    warning: usize,
    info: usize,
    not_checked: usize,
    allowed: usize,
    services: usize,
    rules: usize,
    fail_on: &'static str,
    duration_ms: u64,
}

#[derive(Serialize)]
struct V1Service<'a> {
    name: &'a str,
    store: &'a str,
    database: Option<&'a str>,
    address: Option<&'a str>,
    server_version: Option<&'a str>,
    timescaledb_version: Option<&'a str>,
    reachable: Option<bool>,
    error: usize,
    warning: usize,
    info: usize,
    not_checked: usize,
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct V1Finding<'a> {
    rule: &'a str,
    severity: &'a str,
    service: Option<&'a str>,
    database: Option<&'a str>,
    object: V1Object<'a>,
    belongs_to: Option<&'a str>,
    expected: &'a str,
    actual: &'a str,
    message: &'a str,
    remedy: &'a str,
    evidence: &'a str,
    location: Option<V1Location<'a>>,
}

#[derive(Serialize)]
struct V1Location<'a> {
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
}

#[derive(Serialize)]
struct V1Object<'a> {
    kind: &'a str,
    schema: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize)]
struct V1NotChecked<'a> {
    rule: &'a str,
    service: &'a str,
    reason: &'a str,
    remedy: Option<&'a str>,
}

/// Either `finding` or `not_checked` is there, whichever the entry accepts.
#[derive(Serialize)]
struct V1Allowed<'a> {
    finding: Option<V1Finding<'a>>,
    not_checked: Option<V1NotChecked<'a>>,
    reason: &'a str,
    until: Option<&'a str>,
    line: usize,
    file: Option<&'a str>,
}

impl<'a> From<&'a Report> for V1Report<'a> {
    fn from(report: &'a Report) -> Self {
        Self {
            version: 1,
            tool: V1Tool {
                name: "dbctl",
                version: crate::VERSION,
            },
            status: report.status().as_str(),
            summary: V1Summary {
                error: report.count(Severity::Error),
                warning: report.count(Severity::Warning),
                info: report.count(Severity::Info),
                not_checked: report.not_checked.len(),
                allowed: report.allowed.len(),
                services: report.services.len(),
                rules: report.rules,
                fail_on: report.fail_on.as_str(),
                duration_ms: u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
            },
            services: report
                .services
                .iter()
                .map(|service| V1Service::new(report, service))
                .collect(),
            findings: report.findings.iter().map(V1Finding::from).collect(),
            not_checked: report.not_checked.iter().map(V1NotChecked::from).collect(),
            allowed: report.allowed.iter().map(V1Allowed::from).collect(),
        }
    }
}

impl<'a> V1Service<'a> {
    fn new(report: &Report, service: &'a ServiceLine) -> Self {
        Self {
            name: &service.name,
            store: service.store,
            database: service.database.as_deref(),
            address: service.address.as_deref(),
            server_version: service.server_version.as_deref(),
            timescaledb_version: service.timescaledb_version.as_deref(),
            reachable: service.reachable,
            error: report.count_of(&service.name, Severity::Error),
            warning: report.count_of(&service.name, Severity::Warning),
            info: report.count_of(&service.name, Severity::Info),
            not_checked: report.not_checked_of(&service.name),
            note: service.note.as_deref(),
        }
    }
}

impl<'a> From<&'a Found> for V1Finding<'a> {
    fn from(found: &'a Found) -> Self {
        let finding = &found.finding;
        Self {
            rule: finding.rule,
            severity: finding.severity.as_str(),
            service: found.service.as_deref(),
            database: found.database.as_deref(),
            object: V1Object::from(&finding.about),
            belongs_to: finding.belongs_to.as_deref(),
            expected: &finding.expected,
            actual: &finding.actual,
            message: &finding.message,
            remedy: &finding.remedy,
            evidence: finding.evidence,
            location: finding.location.as_deref().map(V1Location::from),
        }
    }
}

impl<'a> From<&'a Location> for V1Location<'a> {
    fn from(location: &'a Location) -> Self {
        Self {
            file: &location.file,
            line: location.line,
            column: location.column,
        }
    }
}

impl<'a> From<&'a About> for V1Object<'a> {
    fn from(about: &'a About) -> Self {
        Self {
            kind: about.kind,
            schema: about.schema.as_deref(),
            name: &about.name,
        }
    }
}

impl<'a> From<&'a NotChecked> for V1NotChecked<'a> {
    fn from(gap: &'a NotChecked) -> Self {
        Self {
            rule: gap.rule,
            service: &gap.service,
            reason: &gap.reason,
            remedy: gap.remedy.as_deref(),
        }
    }
}

impl<'a> From<&'a Allowed> for V1Allowed<'a> {
    fn from(allowed: &'a Allowed) -> Self {
        let (finding, not_checked) = match &allowed.what {
            Accepted::Finding(found) => (Some(found.as_ref().into()), None),
            Accepted::Gap(gap) => (None, Some(gap.into())),
        };
        Self {
            finding,
            not_checked,
            reason: &allowed.reason,
            until: allowed.until.as_deref(),
            line: allowed.line,
            file: allowed.file.as_deref(),
        }
    }
}

/// The report as a JSON value, version 1.
pub(super) fn report_value(report: &Report) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::to_value(V1Report::from(report))
}

/// The report as JSON, version 1.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = super::json_text::pretty(&V1Report::from(report))?;
    text.push('\n');
    Ok(text)
}
