//! The report of `verify` and `check` as annotations of GitHub Actions: workflow commands, one a line.

use super::Style;
use super::escape::{workflow_message, workflow_property};
use super::paths::Paths;
use super::verify::verdict;
use crate::report::Severity;
use crate::report::grouped::{Stopped, by_reason};
use crate::report::text::one_line;
use crate::report::verify::{Found, Report, Status};

/// An annotation for each finding, worst first, and for each reason that something was not checked; then the verdict.
///
/// The commands are those of GitHub's page "Workflow commands for GitHub Actions".
#[must_use]
pub fn github(report: &Report, paths: &Paths) -> String {
    let mut out = String::new();
    for found in &report.findings {
        out.push_str(&finding(found, paths));
    }
    for stopped in by_reason(&report.not_checked) {
        out.push_str(&gap(&stopped));
    }
    if report.status() == Status::Incomplete && report.not_checked.is_empty() {
        out.push_str("::warning title=dbctl%3A not checked::nothing could be checked\n");
    }
    out.push_str(&format!("{}\n", verdict(report, Style::default())));
    out
}

fn finding(found: &Found, paths: &Paths) -> String {
    let finding = &found.finding;
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let place = finding
        .location
        .as_ref()
        .map_or_else(String::new, |location| {
            let number = |name, number: Option<usize>| {
                number.map_or_else(String::new, |number| format!("{name}={number},"))
            };
            format!(
                "file={},{}{}",
                workflow_property(&paths.shown(&location.file)),
                number("line", location.line),
                number("col", location.column)
            )
        });
    let mut message = one_line(&finding.message);
    if let Some(service) = &found.service {
        message = format!("{}: {message}", one_line(service));
    }
    if !finding.remedy.is_empty() {
        message.push_str(&format!("\n-> {}", one_line(&finding.remedy)));
    }
    format!(
        "::{command} {place}title={}::{}\n",
        workflow_property(&format!("dbctl: {}", finding.rule)),
        workflow_message(&message)
    )
}

fn gap(stopped: &Stopped<'_>) -> String {
    let mut message = format!(
        "{}: {} ({})",
        one_line(&stopped.who()),
        one_line(stopped.reason),
        stopped.rules.join(", ")
    );
    if let Some(remedy) = stopped.remedy {
        message.push_str(&format!("\n-> {}", one_line(remedy)));
    }
    format!(
        "::warning title=dbctl%3A not checked::{}\n",
        workflow_message(&message)
    )
}
