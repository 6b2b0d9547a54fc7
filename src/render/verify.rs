//! The report of `verify` and `check` for people.

use std::collections::BTreeMap;

pub use super::verify_json::json;

use super::Style;
use super::style::{Tone, lines};
use super::wrap::wrap;
use crate::report::Severity;
use crate::report::text::{count, one_line};
use crate::report::verify::{Accepted, Found, NotChecked, Report, ServiceLine, Status};

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

fn place(service: &ServiceLine) -> String {
    match (&service.database, &service.address) {
        (Some(database), Some(address)) => {
            format!("{} at {}", one_line(database), one_line(address))
        }
        _ => "-".to_owned(),
    }
}

fn server(service: &ServiceLine) -> String {
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
    let names = report
        .services
        .iter()
        .map(|service| Some(service.name.as_str()));
    // What concerns the manifest as a whole stands last, whatever service an entry names.
    let mut groups: Vec<Option<&str>> = names.collect();
    for found in &report.findings {
        if !groups.contains(&found.service.as_deref()) {
            groups.push(found.service.as_deref());
        }
    }
    for group in groups {
        let of: Vec<&Found> = report
            .findings
            .iter()
            .filter(|found| found.service.as_deref() == group)
            .collect();
        if !of.is_empty() {
            out.push_str(&format!("\n{}\n", one_line(group.unwrap_or("manifest"))));
            for found in of {
                finding(found, style, out);
            }
        }
    }
}

fn finding(found: &Found, style: Style, out: &mut String) {
    let finding = &found.finding;
    let label = format!("{:<7}", finding.severity.as_str());
    let place = finding.location.as_ref().map_or_else(String::new, |at| {
        let numbers: Vec<String> = [at.line, at.column]
            .iter()
            .flatten()
            .map(|number| format!(":{number}"))
            .collect();
        format!("  {}{}", one_line(&at.file), numbers.concat())
    });
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
fn not_checked(report: &Report, style: Style, out: &mut String) {
    if report.not_checked.is_empty() {
        return;
    }
    out.push_str("\nnot checked\n");
    let mut reasons: BTreeMap<(&str, &str), Vec<&NotChecked>> = BTreeMap::new();
    let mut order = Vec::new();
    for gap in &report.not_checked {
        let reason = (gap.service.as_str(), gap.reason.as_str());
        if !order.contains(&reason) {
            order.push(reason);
        }
        reasons.entry(reason).or_default().push(gap);
    }
    for reason in order {
        let gaps = reasons.remove(&reason).unwrap_or_default();
        let rules = if gaps.len() <= 3 || style.verbose {
            gaps.iter()
                .map(|gap| gap.rule)
                .collect::<Vec<_>>()
                .join(", ")
        } else {
            count(gaps.len(), "rule")
        };
        let (service, why) = reason;
        let text = format!("{}: {} ({rules})", one_line(service), one_line(why));
        out.push_str(&wrap(&text, width(style), 2));
        if let Some(remedy) = gaps.iter().find_map(|gap| gap.remedy.as_ref()) {
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
            "{} ({}line {}: {}{until})",
            one_line(&what),
            allowed
                .file
                .as_ref()
                .map_or_else(String::new, |file| format!("{}, ", one_line(file))),
            allowed.line,
            one_line(&allowed.reason)
        );
        out.push_str(&wrap(&text, width(style), 2));
    }
}

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
        parts.push(format!("{} not checked", report.not_checked.len()));
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
