//! The report of `verify` and `check` for people.

pub use super::verify_github::github;
pub use super::verify_html::html;
pub use super::verify_json::json;
pub use super::verify_junit::junit;
pub use super::verify_markdown::{markdown, step_summary};
pub use super::verify_sarif::sarif;

use super::Style;
use super::style::{Tone, lines};
use super::wrap::wrap;
use crate::report::Severity;
use crate::report::grouped::{by_reason, by_service, causes};
use crate::report::text::{count, one_line};
use crate::report::verify::{Accepted, Found, Report, ServiceLine, Status};

/// Everything: services, findings by service, what was not checked, what is accepted, the verdict as the last line.
#[must_use]
pub fn table(report: &Report, style: Style) -> String {
    let mut out = services(report, style);
    findings(report, style, &mut out);
    not_checked(report, style, &mut out);
    allowed(report, style, &mut out);
    out.push_str(&format!("\n{}\n", verdict(report, style)));
    out
}

/// The width to wrap at. Where there is no terminal a line is one thing, whole: a remedy can be copied, a script can look for it.
fn width(style: Style) -> usize {
    style.width.map_or(usize::MAX, usize::from)
}

fn services(report: &Report, style: Style) -> String {
    let mut table = style.table(&[
        "SERVICE",
        "DATABASE",
        "SERVER",
        "ERRORS",
        "WARNINGS",
        "NOT CHECKED",
    ]);
    for service in &report.services {
        let number = |number: usize, tone: Tone| {
            if number == 0 {
                "0".to_owned()
            } else {
                style.paint(tone, &number.to_string())
            }
        };
        table.add_row([
            one_line(&service.name),
            place(service),
            server(service),
            number(report.count_of(&service.name, Severity::Error), Tone::Bad),
            number(
                report.count_of(&service.name, Severity::Warning),
                Tone::Warn,
            ),
            number(report.not_checked_of(&service.name), Tone::Warn),
        ]);
    }
    lines(&table)
}

/// The database and where it is.
pub(super) fn place(service: &ServiceLine) -> String {
    match (&service.database, &service.address) {
        (Some(database), Some(address)) => {
            format!("{} at {}", one_line(database), one_line(address))
        }
        _ => "-".to_owned(),
    }
}

/// The server's version, or why there is none to tell.
pub(super) fn server(service: &ServiceLine) -> String {
    if let Some(note) = &service.note {
        return one_line(note);
    }
    match (&service.server_version, &service.timescaledb_version) {
        (Some(server), Some(timescaledb)) => {
            format!(
                "{}, TimescaleDB {}",
                one_line(server),
                one_line(timescaledb)
            )
        }
        (Some(server), None) => one_line(server),
        (None, _) if service.reachable.is_none() => "-".to_owned(),
        (None, _) => "not reached".to_owned(),
    }
}

pub(super) const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Info => Tone::Faint,
    }
}

fn findings(report: &Report, style: Style, out: &mut String) {
    for (service, findings) in by_service(report) {
        out.push_str(&format!("\n{}\n", one_line(service.unwrap_or("manifest"))));
        for found in findings {
            finding(found, style, out);
        }
    }
}

fn finding(found: &Found, style: Style, out: &mut String) {
    let finding = &found.finding;
    let label = format!("{:<7}", finding.severity.as_str());
    let place = finding
        .location
        .as_ref()
        .map_or_else(String::new, |at| format!("  {}", one_line(&at.to_string())));
    out.push_str(&format!(
        "  {} {}{place}\n",
        style.paint(tone(finding.severity), &label),
        finding.rule
    ));
    out.push_str(&wrap(&one_line(&finding.message), width(style), 10));
    if style.verbose {
        for (word, text) in [("expected", &finding.expected), ("actual", &finding.actual)] {
            if !text.is_empty() {
                out.push_str(&wrap(
                    &format!("{word}: {}", one_line(text)),
                    width(style),
                    10,
                ));
            }
        }
    }
    if !finding.remedy.is_empty() {
        out.push_str(&wrap(
            &format!("-> {}", one_line(&finding.remedy)),
            width(style),
            10,
        ));
    }
}

/// One reason stands once, however many rules it stopped.
/// What was not checked, by reason, with what would make it readable.
pub(super) fn not_checked(report: &Report, style: Style, out: &mut String) {
    if report.not_checked.is_empty() {
        return;
    }
    out.push_str("\nnot checked\n");
    for stopped in by_reason(&report.not_checked) {
        let rules = if stopped.rules.len() <= 3 || style.verbose {
            stopped.rules.join(", ")
        } else {
            count(stopped.rules.len(), "rule")
        };
        let (service, why) = (one_line(&stopped.who()), one_line(stopped.reason));
        out.push_str(&wrap(
            &format!("{service}: {why} ({rules})"),
            width(style),
            2,
        ));
        if let Some(remedy) = stopped.remedy {
            out.push_str(&wrap(&format!("-> {}", one_line(remedy)), width(style), 10));
        }
    }
}

fn allowed(report: &Report, style: Style, out: &mut String) {
    if report.allowed.is_empty() {
        return;
    }
    out.push_str("\naccepted\n");
    for allowed in &report.allowed {
        let what = match &allowed.what {
            Accepted::Finding(found) => {
                format!("{}: {}", found.finding.rule, found.finding.message)
            }
            Accepted::Gap(gap) => format!(
                "{} of {}, not checked: {}",
                gap.rule, gap.service, gap.reason
            ),
        };
        let until = allowed
            .until
            .as_ref()
            .map_or_else(String::new, |until| format!(", until {until}"));
        let text = format!(
            "{} ({}: {}{until})",
            one_line(&what),
            one_line(&allowed.place()),
            one_line(&allowed.reason)
        );
        out.push_str(&wrap(&text, width(style), 2));
    }
}

/// The verdict in one line.
pub(super) fn verdict(report: &Report, style: Style) -> String {
    let status = report.status();
    let mut parts = Vec::new();
    for severity in [Severity::Error, Severity::Warning] {
        let number = report.count(severity);
        if number > 0 {
            parts.push(count(number, severity.as_str()));
        }
    }
    let infos = report.count(Severity::Info);
    if infos > 0 {
        parts.push(format!("{infos} info"));
    }
    if parts.is_empty() {
        parts.push("0 findings".to_owned());
    }
    if !report.not_checked.is_empty() {
        parts.push(format!("{} not checked", causes(&report.not_checked)));
    } else if status == Status::Incomplete {
        parts.push("nothing could be checked".to_owned());
    }
    if !report.allowed.is_empty() {
        parts.push(format!("{} accepted", report.allowed.len()));
    }
    let tone = match status {
        Status::Pass => Tone::Good,
        Status::Fail => Tone::Bad,
        Status::Incomplete => Tone::Warn,
    };
    let scope = format!(
        "{}, {}",
        count(report.services.len(), "service"),
        count(report.rules, "rule")
    );
    let found = parts.join(", ");
    let word = style.paint(tone, status.as_str());
    match status {
        Status::Pass => format!("{word}: {scope}, {found}"),
        Status::Fail | Status::Incomplete => format!("{word}: {found}; {scope}"),
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
