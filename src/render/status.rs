//! The report of `status`.

use serde::Serialize;

use super::Style;
use super::migrate::Tool;
use super::style::{Tone, lines, safe};
use crate::report::status::{Report, ServiceStatus, State, Unfinished};

/// All services in one screen.
#[must_use]
pub fn table(report: &Report, style: Style) -> String {
    let mut table = style.table(&[
        "SERVICE", "DATABASE", "SERVER", "STATE", "APPLIED", "PENDING",
    ]);
    for status in &report.services {
        table.add_row([
            safe(&status.name),
            match &status.address {
                Some(address) => format!("{} at {address}", safe(&status.database)),
                None => "-".to_owned(),
            },
            status
                .server_version
                .as_deref()
                .map_or_else(|| "-".to_owned(), safe),
            style.paint(tone(status.state), words(status)),
            newest(status),
            pending(status),
        ]);
    }
    let mut text = lines(&table);
    for status in &report.services {
        for problem in status.divergent.iter().chain(&status.error) {
            text.push_str(&format!(
                "\n{} {}: {}\n",
                style.paint(tone(status.state), words(status)),
                status.name,
                safe(problem)
            ));
        }
        for note in notes(status) {
            text.push_str(&format!(
                "\n{} {}: {}\n",
                style.paint(Tone::Warn, "note"),
                status.name,
                safe(&note)
            ));
        }
        if style.verbose {
            for applied in &status.applied {
                text.push_str(&format!(
                    "{}: V{}__{} applied on {}\n",
                    status.name,
                    applied.version,
                    safe(&applied.name),
                    safe(&applied.when())
                ));
            }
        }
    }
    text
}

/// What there is to know beside the state.
fn notes(status: &ServiceStatus) -> Vec<String> {
    let unfinished = status.unfinished.iter().flatten().map(|unfinished| {
        let total = unfinished
            .total
            .map_or_else(String::new, |total| format!(" of {total}"));
        let begun = match unfinished.begun {
            // What it has begun is not cut off as long as it lives.
            _ if status.runner.is_some() => "a run is at work on it".to_owned(),
            0 if unfinished.total.is_none() => {
                "the set has no such version: bring its file back".to_owned()
            }
            0 if status.state == State::Divergent => {
                format!(
                    "dbctl migrate --service {} does not go on with it as things are",
                    status.name
                )
            }
            0 => format!("dbctl migrate --service {} goes on from there", status.name),
            begun => format!(
                "{begun} was cut off: dbctl repair --service {} tells what became of it",
                status.name
            ),
        };
        format!(
            "V{} unfinished: {}{total} statements ran; {begun}",
            unfinished.version, unfinished.done
        )
    });
    // The reason why it is not adopted names them already.
    let untold = status.state != State::NotAdopted;
    let histories = status.other_histories.iter().filter(|_| untold);
    let histories = histories.map(|history| {
        format!(
            "holds {}'s history ({}.{}): dbctl baseline --service {} adopts it after proving the schema",
            history.tool, history.schema, history.table, status.name
        )
    });
    let runner = status.runner.iter();
    let runner = runner.map(|runner| format!("another run works on this database: {runner}"));
    let role = status.wrong_role.iter();
    let role = role.map(|reason| format!("{reason}; migrate refuses that"));
    unfinished
        .chain(histories)
        .chain(runner)
        .chain(role)
        .collect()
}

fn newest(status: &ServiceStatus) -> String {
    if let (true, Some(recorded), Some(newest)) = (status.ahead, status.recorded, status.newest) {
        return format!("newest V{recorded}, the set's V{newest}");
    }
    status.applied.last().map_or_else(
        || "-".to_owned(),
        |newest| format!("{}, newest V{}", status.applied.len(), newest.version),
    )
}

fn pending(status: &ServiceStatus) -> String {
    match (status.state, status.pending.as_slice()) {
        (State::UpToDate, _) => "0".to_owned(),
        // What it holds may be what they make: until it is adopted nobody knows.
        (State::NotAdopted | State::WrongDatabase, _) | (_, []) => "-".to_owned(),
        (_, [only]) => format!("1: V{}", only.version),
        (_, [first, .., last]) => format!(
            "{}: V{} to V{}",
            status.pending.len(),
            first.version,
            last.version
        ),
    }
}

const fn tone(state: State) -> Tone {
    match state {
        State::UpToDate => Tone::Good,
        State::Pending => Tone::Warn,
        State::NotConfigured | State::NoDatabase | State::Managed => Tone::Faint,
        State::NotAdopted
        | State::Divergent
        | State::WrongDatabase
        | State::Unreachable
        | State::BadSet => Tone::Bad,
    }
}

const fn words(status: &ServiceStatus) -> &'static str {
    match status.state {
        State::UpToDate => "up to date",
        State::Pending => "pending",
        State::NotAdopted => "not adopted",
        State::Divergent if status.ahead => "ahead of its set",
        State::Divergent => "divergent",
        State::WrongDatabase => "wrong database",
        State::Unreachable if status.server_version.is_some() => "not readable",
        State::Unreachable => "not reached",
        State::BadSet => "set is wrong",
        State::NotConfigured => "not configured (single-user mode)",
        State::NoDatabase => "no SQL database",
        State::Managed => "migrates itself",
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    version: u8,
    tool: Tool,
    ready: bool,
    services: Vec<WireService<'a>>,
}

#[derive(Serialize)]
struct WireService<'a> {
    name: &'a str,
    store: &'a str,
    database: Option<&'a str>,
    address: Option<&'a str>,
    server_version: Option<&'a str>,
    state: &'static str,
    reachable: bool,
    recorded: Option<i64>,
    newest: Option<i32>,
    ahead: bool,
    applied: Vec<WireApplied<'a>>,
    pending: Vec<WirePending<'a>>,
    unfinished: Option<Vec<WireUnfinished>>,
    runner: Option<&'a str>,
    wrong_role: Option<&'a str>,
    other_histories: Vec<WireHistory<'a>>,
    divergent: &'a [String],
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct WireApplied<'a> {
    version: i64,
    name: &'a str,
    applied_on: &'a str,
}

#[derive(Serialize)]
struct WirePending<'a> {
    version: i32,
    name: &'a str,
}

#[derive(Serialize)]
struct WireUnfinished {
    version: i32,
    done: i64,
    begun: i64,
    total: Option<usize>,
}

#[derive(Serialize)]
struct WireHistory<'a> {
    tool: &'a str,
    schema: &'a str,
    table: &'a str,
}

/// The report as JSON, version 1.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let services = report
        .services
        .iter()
        .map(|status| WireService {
            name: &status.name,
            store: status.store,
            database: (!status.database.is_empty()).then_some(status.database.as_str()),
            address: status.address.as_deref(),
            server_version: status.server_version.as_deref(),
            state: status.state.as_str(),
            reachable: status.server_version.is_some(),
            recorded: status.recorded,
            newest: status.newest,
            ahead: status.ahead,
            applied: status
                .applied
                .iter()
                .map(|applied| WireApplied {
                    version: applied.version,
                    name: &applied.name,
                    applied_on: &applied.applied_on,
                })
                .collect(),
            pending: status
                .pending
                .iter()
                .map(|pending| WirePending {
                    version: pending.version,
                    name: &pending.name,
                })
                .collect(),
            unfinished: status
                .unfinished
                .as_ref()
                .map(|all| all.iter().map(unfinished).collect()),
            runner: status.runner.as_deref(),
            wrong_role: status.wrong_role.as_deref(),
            other_histories: status
                .other_histories
                .iter()
                .map(|history| WireHistory {
                    tool: history.tool,
                    schema: &history.schema,
                    table: history.table,
                })
                .collect(),
            divergent: &status.divergent,
            error: status.error.as_deref(),
        })
        .collect();
    super::json_text::pretty(&Wire {
        version: 1,
        tool: Tool::new(),
        ready: report.ready(),
        services,
    })
}

const fn unfinished(unfinished: &Unfinished) -> WireUnfinished {
    WireUnfinished {
        version: unfinished.version,
        done: unfinished.done,
        begun: unfinished.begun,
        total: unfinished.total,
    }
}
