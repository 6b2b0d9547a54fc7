//! The report of `lock`.

use serde::Serialize;

use super::Style;
use super::migrate::Tool;
use super::style::{Tone, lines, safe};
use crate::report::lock::{LockState, Report, SetLock};

/// The sets and their locks.
#[must_use]
pub fn table(report: &Report, style: Style) -> String {
    if report.sets.is_empty() {
        return "no set to lock: dbctl lock --from SERVICE records the schema of a service that migrates itself\n".to_owned();
    }
    let mut table = style.table(&["SET", "LOCK", "RESULT", "OBJECTS", "POSTGRESQL"]);
    for set in &report.sets {
        table.add_row([
            safe(&set.set),
            set.path.as_ref().map_or_else(
                || "built in".to_owned(),
                |path| safe(&path.display().to_string()),
            ),
            style.paint(tone(set.state), words(set.state)),
            set.objects.to_string(),
            majors(set),
        ]);
    }
    let mut text = lines(&table);
    for set in &report.sets {
        if let Some(detail) = &set.detail {
            text.push_str(&format!(
                "\n{} {}: {}\n",
                style.paint(tone(set.state), words(set.state)),
                set.set,
                safe(detail)
            ));
        }
        if style.verbose && !set.without_down.is_empty() {
            text.push_str(&format!(
                "\n{}: without a down script, so that dbctl rollback cannot go below: {}\n",
                set.set,
                safe(&set.without_down.join(", "))
            ));
        }
    }
    text
}

fn majors(set: &SetLock) -> String {
    let majors: Vec<String> = set.majors.iter().map(ToString::to_string).collect();
    if majors.is_empty() {
        "-".to_owned()
    } else {
        majors.join(", ")
    }
}

const fn tone(state: LockState) -> Tone {
    match state {
        LockState::Written | LockState::Current => Tone::Good,
        _ => Tone::Bad,
    }
}

const fn words(state: LockState) -> &'static str {
    match state {
        LockState::Written => "written",
        LockState::Current => "current",
        LockState::Stale => "stale",
        LockState::Missing => "missing",
        LockState::BadSet => "set is wrong",
        LockState::Refused => "refused",
        LockState::Unreachable => "not reached",
        LockState::NoServer => "no server",
        LockState::Interrupted => "interrupted",
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    version: u8,
    tool: Tool,
    check: bool,
    sets: Vec<WireSet<'a>>,
}

#[derive(Serialize)]
struct WireSet<'a> {
    service: &'a str,
    set: &'a str,
    path: Option<String>,
    state: &'static str,
    objects: usize,
    majors: &'a [u32],
    detail: Option<&'a str>,
    without_down: &'a [String],
}

/// The report as JSON, version 1.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    super::json_text::pretty(&Wire {
        version: 1,
        tool: Tool::new(),
        check: report.check,
        sets: report
            .sets
            .iter()
            .map(|set| WireSet {
                service: &set.service,
                set: &set.set,
                path: set.path.as_ref().map(|path| path.display().to_string()),
                state: set.state.as_str(),
                objects: set.objects,
                majors: &set.majors,
                detail: set.detail.as_deref(),
                without_down: &set.without_down,
            })
            .collect(),
    })
}
