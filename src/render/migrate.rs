//! The report of `migrate`.

use serde::Serialize;

use super::Style;
use super::style::{Tone, duration, lines, safe};
use crate::report::migrate::{Outcome, Report, ServiceRun};
use crate::report::text::count;

/// The report as a table, with the errors in full below it.
#[must_use]
pub fn table(report: &Report, style: Style) -> String {
    let mut table = style.table(&[
        "SERVICE", "DATABASE", "RESULT", "APPLIED", "PENDING", "TIME",
    ]);
    for run in &report.services {
        table.add_row([
            safe(&run.name),
            database(run),
            style.paint(tone(run.outcome), words(run.outcome)),
            applied(run),
            run.pending.len().to_string(),
            duration(run.took),
        ]);
    }
    let mut text = lines(&table);
    if report.dry_run {
        text.push_str(&plan(report, style));
    }
    for run in &report.services {
        if let Some(error) = &run.error {
            text.push_str(&format!(
                "\n{} {}: {}\n",
                style.paint(tone(run.outcome), words(run.outcome)),
                run.name,
                safe(error)
            ));
        }
    }
    text.push_str(&format!("\n{}\n", verdict(report)));
    text
}

/// What a dry run would apply; with the SQL itself where more is wanted.
fn plan(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for run in report.services.iter().filter(|run| !run.pending.is_empty()) {
        text.push_str(&format!(
            "\n{} would apply to {}:\n",
            run.name,
            database(run)
        ));
        for pending in &run.pending {
            text.push_str(&format!(
                "  V{}__{}, in one transaction\n",
                pending.version, pending.name
            ));
            if style.verbose {
                for line in pending.sql.lines() {
                    text.push_str(&format!("    {}\n", safe(line)));
                }
            }
        }
    }
    text
}

fn database(run: &ServiceRun) -> String {
    match &run.address {
        Some(address) => format!("{} at {address}", safe(&run.database)),
        None if run.database.is_empty() => "-".to_owned(),
        None => safe(&run.database),
    }
}

fn applied(run: &ServiceRun) -> String {
    match run.total {
        Some(total) if !run.applied.is_empty() => format!("{} of {total}", run.applied.len()),
        Some(_) => "0".to_owned(),
        None => "-".to_owned(),
    }
}

const fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Migrated | Outcome::UpToDate => Tone::Good,
        Outcome::Planned => Tone::Warn,
        Outcome::NotConfigured | Outcome::NoDatabase | Outcome::Managed => Tone::Faint,
        _ => Tone::Bad,
    }
}

const fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Migrated => "migrated",
        Outcome::UpToDate => "up to date, nothing to do",
        Outcome::Planned => "would be migrated",
        Outcome::NotConfigured => "not configured (single-user mode), nothing to do",
        Outcome::NoDatabase => "no SQL database, nothing to do",
        Outcome::Managed => "migrates itself, left alone",
        Outcome::Refused => "refused",
        Outcome::BadSet => "set is wrong",
        Outcome::Unreachable => "not reached",
        Outcome::Locked => "locked",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "interrupted",
    }
}

fn verdict(report: &Report) -> String {
    let applied: usize = report.services.iter().map(|run| run.applied.len()).sum();
    let wrong = report
        .services
        .iter()
        .filter(|run| run.error.is_some())
        .count();
    let services = report.services.len();
    let did = if report.dry_run {
        let pending: usize = report.services.iter().map(|run| run.pending.len()).sum();
        format!(
            "{} would be applied; nothing was changed",
            count(pending, "migration")
        )
    } else if applied == 0 && wrong == 0 {
        "nothing to apply, nothing was changed".to_owned()
    } else if applied == 0 {
        "nothing was changed".to_owned()
    } else {
        format!("{} applied", count(applied, "migration"))
    };
    let failed = if wrong == 0 {
        String::new()
    } else {
        format!("; {wrong} of {services} services not migrated")
    };
    format!("{did}{failed} ({})", duration(report.took))
}

#[derive(Serialize)]
struct Wire<'a> {
    version: u8,
    tool: Tool,
    status: &'static str,
    dry_run: bool,
    services: Vec<WireService<'a>>,
    duration_ms: u128,
}

#[derive(Serialize)]
pub(super) struct Tool {
    name: &'static str,
    version: &'static str,
}

impl Tool {
    pub(super) const fn new() -> Self {
        Self {
            name: "dbctl",
            version: crate::VERSION,
        }
    }
}

#[derive(Serialize)]
struct WireService<'a> {
    name: &'a str,
    store: &'a str,
    database: Option<&'a str>,
    address: Option<&'a str>,
    outcome: &'static str,
    applied: Vec<WireMigration<'a>>,
    pending: Vec<WireMigration<'a>>,
    total_applied: Option<usize>,
    error: Option<&'a str>,
    duration_ms: u128,
}

#[derive(Serialize)]
struct WireMigration<'a> {
    version: i32,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u128>,
}

/// The report as JSON, version 1.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let wire = Wire {
        version: 1,
        tool: Tool::new(),
        status: if report.exit().code() == 0 {
            "ok"
        } else {
            "failed"
        },
        dry_run: report.dry_run,
        services: report.services.iter().map(service).collect(),
        duration_ms: report.took.as_millis(),
    };
    serde_json::to_string_pretty(&wire)
}

fn service(run: &ServiceRun) -> WireService<'_> {
    WireService {
        name: &run.name,
        store: run.store,
        database: (!run.database.is_empty()).then_some(run.database.as_str()),
        address: run.address.as_deref(),
        outcome: run.outcome.as_str(),
        applied: run
            .applied
            .iter()
            .map(|applied| WireMigration {
                version: applied.version,
                name: &applied.name,
                duration_ms: Some(applied.took.as_millis()),
            })
            .collect(),
        pending: run
            .pending
            .iter()
            .map(|pending| WireMigration {
                version: pending.version,
                name: &pending.name,
                duration_ms: None,
            })
            .collect(),
        total_applied: run.total,
        error: run.error.as_deref(),
        duration_ms: run.took.as_millis(),
    }
}
