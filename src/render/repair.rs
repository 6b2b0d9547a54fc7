//! The report of `repair`.

use serde::Serialize;

use super::Style;
use super::migrate::Tool;
use super::style::{Tone, duration, lines, safe};
use crate::report::repair::{Item, Reason, Report, State};

/// The report: the service in one row, then a paragraph for each thing that was found.
#[must_use]
pub fn table(report: &Report, style: Style) -> String {
    let mut table = style.table(&["SERVICE", "DATABASE", "RESULT"]);
    let (tone, result) = result(report);
    table.add_row([
        safe(&report.service),
        match &report.address {
            Some(address) => format!("{} at {address}", safe(&report.database)),
            None => "-".to_owned(),
        },
        style.paint(tone, &result),
    ]);
    let mut text = lines(&table);
    for item in &report.items {
        let (tone, word) = words(item.state);
        text.push_str(&format!(
            "\n{} {}: {}\n  {}\n",
            style.paint(tone, word),
            safe(&item.subject),
            safe(&item.found),
            safe(&item.action)
        ));
    }
    if let Some(stopped) = &report.stopped {
        text.push_str(&format!(
            "\n{} {}: {}\n",
            style.paint(Tone::Bad, reason(stopped.reason)),
            report.service,
            safe(&stopped.error)
        ));
    }
    text.push_str(&format!(
        "\n{} ({})\n",
        verdict(report),
        duration(report.took)
    ));
    text
}

fn count(report: &Report, states: &[State]) -> usize {
    let of = |item: &&Item| states.contains(&item.state);
    report.items.iter().filter(of).count()
}

fn result(report: &Report) -> (Tone, String) {
    if let Some(stopped) = &report.stopped {
        return (Tone::Bad, reason(stopped.reason).to_owned());
    }
    let left = count(report, &[State::NeedsWord, State::Blocks]);
    if left > 0 {
        return (Tone::Bad, format!("{left} left to you"));
    }
    match count(report, &[State::WouldMend]) {
        0 if count(report, &[State::Left]) > 0 => (Tone::Good, "nothing more to repair".to_owned()),
        0 => (Tone::Good, "nothing is left to repair".to_owned()),
        more => (Tone::Warn, format!("{more} would be mended")),
    }
}

fn verdict(report: &Report) -> String {
    let parts: Vec<String> = [
        (State::Mended, "mended"),
        (State::WouldMend, "would be mended"),
        (State::NeedsWord, "in need of your word"),
        (State::Blocks, "in migrate's way: see above"),
        (State::Left, "left alone"),
    ]
    .into_iter()
    .map(|(state, words)| (count(report, &[state]), words))
    .filter(|(number, _)| *number > 0)
    .map(|(number, words)| format!("{number} {words}"))
    .collect();
    let mut text = parts.join(", ");
    if text.is_empty() {
        text.push_str(match report.stopped {
            Some(_) => "stopped",
            None => "nothing to repair",
        });
    }
    if count(report, &[State::Mended]) == 0 {
        text.push_str("; nothing was changed");
    }
    text
}

const fn words(state: State) -> (Tone, &'static str) {
    match state {
        State::Mended => (Tone::Good, "mended"),
        State::WouldMend => (Tone::Warn, "would mend"),
        State::NeedsWord => (Tone::Bad, "needs your word"),
        State::Blocks => (Tone::Bad, "in migrate's way"),
        State::Left => (Tone::Faint, "left"),
    }
}

const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Refused => "refused",
        Reason::BadSet => "set is wrong",
        Reason::Unreachable => "not reached",
        Reason::NotMended => "not mended",
        Reason::Locked => "locked",
        Reason::Interrupted => "interrupted",
    }
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
    items: Vec<WireItem<'a>>,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct WireItem<'a> {
    kind: &'a str,
    subject: &'a str,
    found: &'a str,
    state: &'static str,
    action: &'a str,
}

/// The report as JSON, version 1.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let stopped = report.stopped.as_ref();
    let items = report
        .items
        .iter()
        .map(|item| WireItem {
            kind: item.kind,
            subject: &item.subject,
            found: &item.found,
            state: item.state.as_str(),
            action: &item.action,
        })
        .collect();
    super::json_text::pretty(&Wire {
        version: 1,
        tool: Tool::new(),
        status: if report.exit().code() == 0 {
            "ok"
        } else {
            "failed"
        },
        dry_run: report.dry_run,
        services: [WireService {
            name: &report.service,
            store: report.store,
            database: (!report.database.is_empty()).then_some(report.database.as_str()),
            address: report.address.as_deref(),
            outcome: stopped.map_or("complete", |stopped| stopped.reason.as_str()),
            items,
            error: stopped.map(|stopped| stopped.error.as_str()),
        }],
        duration_ms: report.took.as_millis(),
    })
}
