//! The report of `provision`.

use serde::Serialize;

use super::Style;
use super::migrate::Tool;
use super::style::{Tone, lines, safe};
use crate::report::provision::{Report, Step};
use crate::report::text::count;

/// What was done and what was already so, service by service.
#[must_use]
pub fn table(report: &Report, style: Style) -> String {
    let mut table = style.table(&["SERVICE", "WHAT", "DONE"]);
    for service in &report.services {
        if service.steps.is_empty() {
            let done = if service.error.is_none() {
                "nothing to provision".to_owned()
            } else {
                style.paint(Tone::Bad, "stopped: see below")
            };
            table.add_row([safe(&service.name), "-".to_owned(), done]);
        }
        for step in &service.steps {
            table.add_row([
                safe(&service.name),
                safe(&step.what),
                style.paint(tone(step), &safe(&step.done)),
            ]);
        }
    }
    let mut text = lines(&table);
    for service in &report.services {
        if let Some(error) = &service.error {
            text.push_str(&format!(
                "\n{} {}: {}\n",
                style.paint(Tone::Bad, "stopped"),
                service.name,
                safe(error)
            ));
        }
    }
    let steps = || report.services.iter().flat_map(|service| &service.steps);
    let changed = steps().filter(|step| step.changed).count();
    let warnings = steps().filter(|step| step.warning).count();
    let mut verdict = match (changed, report.dry_run) {
        (0, true) => "nothing would be changed".to_owned(),
        (_, true) => format!(
            "{} would be made; nothing was changed",
            count(changed, "change")
        ),
        (0, false) => "nothing was changed".to_owned(),
        (_, false) => format!("{} made", count(changed, "change")),
    };
    if warnings > 0 {
        verdict.push_str(&format!(", {warnings} left as they were: see above"));
    }
    let stopped = report
        .services
        .iter()
        .filter(|service| service.error.is_some())
        .count();
    if stopped > 0 {
        let services = report.services.len();
        verdict.push_str(&format!(
            "; {stopped} of {services} services not provisioned"
        ));
    }
    text.push_str(&format!("\n{verdict}\n"));
    text
}

const fn tone(step: &Step) -> Tone {
    if step.warning {
        Tone::Warn
    } else if step.changed {
        Tone::Good
    } else {
        Tone::Faint
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    version: u8,
    tool: Tool,
    dry_run: bool,
    services: Vec<WireService<'a>>,
}

#[derive(Serialize)]
struct WireService<'a> {
    name: &'a str,
    address: Option<&'a str>,
    steps: Vec<WireStep<'a>>,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct WireStep<'a> {
    what: &'a str,
    done: &'a str,
    changed: bool,
    warning: bool,
}

/// The report as JSON, version 1.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let services = report
        .services
        .iter()
        .map(|service| WireService {
            name: &service.name,
            address: service.address.as_deref(),
            steps: service
                .steps
                .iter()
                .map(|step| WireStep {
                    what: &step.what,
                    done: &step.done,
                    changed: step.changed,
                    warning: step.warning,
                })
                .collect(),
            error: service.error.as_deref(),
        })
        .collect();
    super::json_text::pretty(&Wire {
        version: 1,
        tool: Tool::new(),
        dry_run: report.dry_run,
        services,
    })
}
