//! The report of `verify` and `check` as Markdown: for a pull request, a wiki, or the step summary of GitHub Actions.

use super::Style;
use super::escape::markdown as escape;
use super::verify::{place, server, verdict};
use super::verify_words::{TITLE, accepted, doors, location, schema};
use crate::report::Severity;
use crate::report::grouped::{by_reason, by_service};
use crate::report::reach::{Matrix, Reach};
use crate::report::text::count;
use crate::report::verify::{Found, Report, Status};

/// The whole report.
#[must_use]
pub fn markdown(report: &Report) -> String {
    step_summary(report, usize::MAX)
}

/// The report in at most so many bytes. What there is no room for is counted, and the last line says so.
#[must_use]
pub fn step_summary(report: &Report, limit: usize) -> String {
    let mut out = String::new();
    let mut left_out = 0;
    // The last line has to fit as well.
    let room = limit.saturating_sub(200);
    for block in blocks(report) {
        if left_out > 0 || out.len() + block.len() > room {
            left_out += 1;
        } else {
            out.push_str(&block);
        }
    }
    if left_out > 0 {
        out.push_str(&format!(
            "\n**There is no room here for {} of this report.** `dbctl verify` shows all of it.\n",
            count(left_out, "part")
        ));
    }
    out
}

/// The report in parts that stand for themselves.
fn blocks(report: &Report) -> Vec<String> {
    let mark = match report.status() {
        Status::Pass => "✅",
        Status::Fail => "❌",
        Status::Incomplete => "❔",
    };
    let verdict = escape(&verdict(report, Style::default()));
    let mut blocks = vec![format!("# {TITLE}\n\n{mark} **{verdict}**\n")];
    blocks.push(matrix(report));
    blocks.push(services(report));
    for (service, findings) in by_service(report) {
        blocks.push(format!(
            "\n## {}\n\n",
            escape(service.unwrap_or("manifest"))
        ));
        blocks.extend(findings.into_iter().map(finding));
    }
    if !report.not_checked.is_empty() {
        blocks.push("\n## Not checked\n\n".to_owned());
        for stopped in by_reason(&report.not_checked) {
            let remedy = stopped
                .remedy
                .map_or_else(String::new, |remedy| format!("  \n  → {}", escape(remedy)));
            blocks.push(format!(
                "- **{}**: {} ({}){remedy}\n",
                escape(&stopped.who()),
                escape(stopped.reason),
                escape(&stopped.rules.join(", "))
            ));
        }
    }
    if !report.allowed.is_empty() {
        blocks.push("\n## Accepted by the manifest\n\n".to_owned());
        for allowed in &report.allowed {
            let (what, why) = accepted(allowed);
            blocks.push(format!("- {} ({})\n", escape(&what), escape(&why)));
        }
    }
    blocks
}

const fn mark(reach: Reach) -> &'static str {
    match reach {
        Reach::Own => "own",
        Reach::Open => "❌ can reach",
        Reach::Shut => "✅ no way found",
        Reach::Unknown => "❔ not known",
        Reach::Nothing => "–",
    }
}

fn matrix(report: &Report) -> String {
    let matrix = Matrix::new(report);
    if matrix.columns.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n## Who can reach what\n\n| from ↓ to → |");
    for column in &matrix.columns {
        out.push_str(&format!(
            " {} ({}) |",
            escape(&column.database),
            escape(&column.service)
        ));
    }
    out.push_str(&format!("\n|---|{}\n", "---|".repeat(matrix.columns.len())));
    for row in &matrix.rows {
        out.push_str(&format!(
            "| **{}** |",
            escape(row.service.as_deref().unwrap_or("everybody else"))
        ));
        for cell in &row.cells {
            out.push_str(&format!(" {} |", mark(cell.reach)));
        }
        out.push('\n');
    }
    for door in doors(&matrix) {
        out.push_str(&format!(
            "\n- {} {}: {}",
            mark(door.reach),
            escape(&door.ways.join(", ")),
            escape(door.why)
        ));
    }
    out.push('\n');
    out
}

fn services(report: &Report) -> String {
    let mut out = String::from(
        "\n## Services\n\n| service | database | server | schema | errors | warnings | not checked |\n|---|---|---|---|--:|--:|--:|\n",
    );
    for service in &report.services {
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            escape(&service.name),
            escape(&place(service)),
            escape(&server(service)),
            escape(&schema(service)),
            report.count_of(&service.name, Severity::Error),
            report.count_of(&service.name, Severity::Warning),
            report.not_checked_of(&service.name)
        ));
    }
    out
}

fn finding(found: &Found) -> String {
    let finding = &found.finding;
    let mark = match finding.severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
        Severity::Info => "ℹ️",
    };
    let mut out = format!(
        "- {mark} **{} {}**  \n  {}\n",
        finding.severity.as_str(),
        escape(finding.rule),
        escape(&finding.message)
    );
    let place = location(found).unwrap_or_default();
    for (word, text) in [
        ("at", place.as_str()),
        ("expected", finding.expected.as_str()),
        ("actual", finding.actual.as_str()),
        ("how to mend", finding.remedy.as_str()),
    ] {
        if !text.is_empty() {
            out.push_str(&format!("  - {word}: {}\n", escape(text)));
        }
    }
    out
}
