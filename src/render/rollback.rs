//! The report of `rollback`.

use serde::Serialize;

use super::Style;
use super::migrate::Tool;
use super::style::{Tone, duration, lines, safe};
use crate::report::rollback::{Outcome, Report};
use crate::report::text::count;

/// The report as a table, with losses and the error in full below it.
#[must_use]
pub fn table(report: &Report, style: Style) -> String {
    let mut table = style.table(&["SERVICE", "DATABASE", "RESULT", "FROM", "TO", "TIME"]);
    table.add_row([
        safe(&report.name),
        database(report),
        style.paint(tone(report.outcome), words(report.outcome)),
        report
            .from
            .map_or_else(|| "-".to_owned(), |from| from.to_string()),
        report.target.to_string(),
        duration(report.took),
    ]);
    let mut text = lines(&table);
    if report.outcome == Outcome::Planned {
        text.push_str(&plan(report, style));
    }
    if !report.losses.is_empty() {
        let lost = match report.outcome {
            Outcome::RolledBack => "Data that was lost:",
            _ => "Data that would be lost:",
        };
        text.push_str(&format!("\n{lost}\n"));
        for loss in &report.losses {
            let (object, reason) = (safe(&loss.object), safe(&loss.reason));
            text.push_str(&format!("  {object} {reason}\n"));
        }
    }
    if let Some(note) = &report.note {
        let word = style.paint(Tone::Warn, "note");
        text.push_str(&format!("\n{word} {}: {}\n", report.name, safe(note)));
    }
    if let Some(error) = &report.error {
        text.push_str(&format!(
            "\n{} {}: {}\n",
            style.paint(tone(report.outcome), words(report.outcome)),
            report.name,
            safe(error)
        ));
    }
    text.push_str(&format!("\n{}\n", verdict(report)));
    text
}

/// The scripts that would run; with their SQL where more is wanted.
fn plan(report: &Report, style: Style) -> String {
    let mut text = format!(
        "\n{} would run in one transaction on {}:\n",
        report.name,
        database(report)
    );
    for planned in &report.planned {
        text.push_str(&format!("  {}\n", safe(&planned.file)));
        if style.verbose {
            for line in planned.sql.lines() {
                text.push_str(&format!("    {}\n", safe(line)));
            }
        }
    }
    text.push_str(
        "Whether data would be lost shows only when the scripts run: then nothing is committed without --allow-data-loss.\n",
    );
    text
}

fn database(report: &Report) -> String {
    match &report.address {
        Some(address) => format!("{} at {address}", safe(&report.database)),
        None if report.database.is_empty() => "-".to_owned(),
        None => safe(&report.database),
    }
}

const fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::RolledBack | Outcome::AtTarget => Tone::Good,
        Outcome::Planned => Tone::Warn,
        _ => Tone::Bad,
    }
}

const fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::RolledBack => "rolled back",
        Outcome::AtTarget => "already there, nothing to do",
        Outcome::Planned => "would be rolled back",
        Outcome::Refused => "refused",
        Outcome::DataLoss => "refused, data would be lost",
        Outcome::BadSet => "set is wrong",
        Outcome::Unreachable => "not reached",
        Outcome::Locked => "locked",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "interrupted",
    }
}

fn verdict(report: &Report) -> String {
    let did = match report.outcome {
        Outcome::RolledBack => {
            format!(
                "{} taken back",
                count(report.rolled_back.len(), "migration")
            )
        }
        Outcome::Planned => format!(
            "{} would be taken back; nothing was changed",
            count(report.planned.len(), "migration")
        ),
        Outcome::AtTarget => format!("already at version {}, nothing was changed", report.target),
        _ => "not rolled back".to_owned(),
    };
    format!("{did} ({})", duration(report.took))
}

#[derive(Serialize)]
struct Wire<'a> {
    version: u8,
    tool: Tool,
    status: &'static str,
    dry_run: bool,
    services: [WireService<'a>; 1],
    duration_ms: u128,
}

#[derive(Serialize)]
struct WireService<'a> {
    name: &'a str,
    store: &'a str,
    database: Option<&'a str>,
    address: Option<&'a str>,
    outcome: &'static str,
    from: Option<i32>,
    target: i32,
    planned: Vec<WirePlanned<'a>>,
    rolled_back: Vec<WireRolledBack<'a>>,
    losses: Vec<WireLoss<'a>>,
    note: Option<&'a str>,
    error: Option<&'a str>,
    duration_ms: u128,
}

#[derive(Serialize)]
struct WirePlanned<'a> {
    version: i32,
    name: &'a str,
    file: &'a str,
}

#[derive(Serialize)]
struct WireRolledBack<'a> {
    version: i32,
    name: &'a str,
    duration_ms: u128,
}

#[derive(Serialize)]
struct WireLoss<'a> {
    object: &'a str,
    reason: &'a str,
}

/// The report as JSON, version 1.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let planned = report.planned.iter().map(|planned| WirePlanned {
        version: planned.version,
        name: &planned.name,
        file: &planned.file,
    });
    let rolled_back = report.rolled_back.iter().map(|done| WireRolledBack {
        version: done.version,
        name: &done.name,
        duration_ms: done.took.as_millis(),
    });
    let losses = report.losses.iter().map(|loss| WireLoss {
        object: &loss.object,
        reason: &loss.reason,
    });
    let ok = report.outcome.exit().code() == 0;
    super::json_text::pretty(&Wire {
        version: 1,
        tool: Tool::new(),
        status: if ok { "ok" } else { "failed" },
        dry_run: report.dry_run,
        services: [WireService {
            name: &report.name,
            store: report.store,
            database: (!report.database.is_empty()).then_some(report.database.as_str()),
            address: report.address.as_deref(),
            outcome: report.outcome.as_str(),
            from: report.from,
            target: report.target,
            planned: planned.collect(),
            rolled_back: rolled_back.collect(),
            losses: losses.collect(),
            note: report.note.as_deref(),
            error: report.error.as_deref(),
            duration_ms: report.took.as_millis(),
        }],
        duration_ms: report.took.as_millis(),
    })
}
