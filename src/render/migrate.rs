//! The report of `migrate` for people.

pub(super) use super::migrate_json::Tool;
pub use super::migrate_json::json;

use super::Style;
use super::migrate_plan::plan;
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
            pending(run),
            duration(run.took),
        ]);
    }
    let mut text = lines(&table);
    if report.dry_run {
        text.push_str(&plan(report, style));
    }
    for run in &report.services {
        for note in &run.notes {
            let note = format!(
                "\n{} {}: {}\n",
                style.paint(Tone::Warn, "note"),
                run.name,
                safe(note)
            );
            text.push_str(&note);
        }
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

/// The database and where it is.
pub(super) fn database(run: &ServiceRun) -> String {
    match &run.address {
        Some(address) => format!("{} at {address}", safe(&run.database)),
        None if run.database.is_empty() => "-".to_owned(),
        None => safe(&run.database),
    }
}

fn applied(run: &ServiceRun) -> String {
    match run.total {
        Some(_) if run.applied.is_empty() => "0".to_owned(),
        // Of what was to be done: what earlier runs applied is not counted.
        Some(_) => {
            let due = run.applied.len() + run.pending.len();
            format!("{} of {due}", run.applied.len())
        }
        None => "-".to_owned(),
    }
}

/// What is pending, where the history was read: else nobody knows.
fn pending(run: &ServiceRun) -> String {
    match run.total {
        Some(_) => run.pending.len().to_string(),
        None => "-".to_owned(),
    }
}

const fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Migrated | Outcome::UpToDate => Tone::Good,
        Outcome::Planned | Outcome::NotStarted | Outcome::Stopped => Tone::Warn,
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
        Outcome::NotStarted => "not started",
        Outcome::Stopped => "stopped",
    }
}

/// The same for a summary.
const fn short(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::UpToDate => "up to date",
        Outcome::Planned => "to be migrated",
        Outcome::NotConfigured => "not configured",
        Outcome::NoDatabase => "without a database",
        Outcome::Managed => "left alone",
        Outcome::BadSet => "with a wrong set",
        other => words(other),
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
        // Of a service that could not be looked at nobody knows.
        let known = match wrong {
            0 => "",
            _ => ", as far as could be seen",
        };
        format!(
            "{} would be applied{known}; nothing was changed",
            count(pending, "migration")
        )
    } else if applied == 0 && wrong == 0 {
        "nothing to apply, nothing was changed".to_owned()
    } else if report.services.iter().any(|run| run.unfinished) {
        format!(
            "{} applied, one more is unfinished",
            count(applied, "migration")
        )
    } else if report.services.iter().any(|run| run.unsure) {
        format!(
            "{} applied, and of one more commit it is not known",
            count(applied, "migration")
        )
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
    let counts: Vec<String> = report
        .counts()
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(outcome, number)| format!("{number} {}", short(outcome)))
        .collect();
    format!(
        "{did}{failed}; {} ({})",
        counts.join(", "),
        duration(report.took)
    )
}

#[cfg(test)]
#[path = "migrate_tests.rs"]
mod tests;
