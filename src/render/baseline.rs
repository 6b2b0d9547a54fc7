//! The report of `baseline`.

use serde::Serialize;

use super::Style;
use super::migrate::Tool;
use super::style::{Tone, duration, lines, safe};
use crate::report::baseline::{Difference, Migration, Outcome, Report, What};
use crate::report::text::{count, short};

/// How many differences the table shows.
const MOST: usize = 20;

/// How much of a definition the table shows, in characters.
const WIDEST: usize = 100;

/// The report as a table, with the differences and the sentences below it.
#[must_use]
pub fn table(report: &Report, style: Style) -> String {
    let mut table = style.table(&[
        "SERVICE", "DATABASE", "RESULT", "VERSION", "RECORDED", "PENDING",
    ]);
    table.add_row([
        safe(&report.service),
        match &report.address {
            Some(address) => format!("{} at {address}", safe(&report.database)),
            None => "-".to_owned(),
        },
        style.paint(tone(report.outcome), words(report.outcome)),
        report
            .version
            .map_or_else(|| "-".to_owned(), |version| format!("V{version}")),
        report.recorded.len().to_string(),
        report.pending.len().to_string(),
    ]);
    let mut text = lines(&table);
    if let Some(error) = &report.error {
        text.push_str(&format!(
            "\n{} {}: {}\n",
            style.paint(tone(report.outcome), words(report.outcome)),
            report.service,
            safe(error)
        ));
    }
    for difference in report.differences.iter().take(MOST) {
        text.push_str(&format!("  {}\n", line(difference)));
    }
    let more = report.differences.len().saturating_sub(MOST);
    if more > 0 {
        text.push_str(&format!("  and {more} more: --format json lists all\n"));
    }
    for migration in &report.recorded {
        let did = match report.outcome {
            Outcome::Adopted => "recorded",
            _ => "would record",
        };
        text.push_str(&format!(
            "  {did} V{}__{}\n",
            migration.version, migration.name
        ));
    }
    for note in &report.notes {
        text.push_str(&format!(
            "\n{}: {}\n",
            style.paint(Tone::Warn, "note"),
            safe(note)
        ));
    }
    text.push_str(&format!("\n{}\n", verdict(report)));
    text
}

fn line(difference: &Difference) -> String {
    let object = format!(
        "{} {}",
        difference.object.kind.replace('_', " "),
        safe(&difference.object.qualified())
    );
    let side = |text: &Option<String>| {
        text.as_deref()
            .map_or_else(|| "nothing".to_owned(), |text| short(text, WIDEST))
    };
    match (difference.what, &difference.attribute) {
        (What::Missing, _) => format!("missing {object}"),
        (What::Extra, _) => format!("extra {object}"),
        (What::Changed, attribute) => format!(
            "changed {object}: {} is {}, expected {}",
            attribute.as_deref().unwrap_or("it"),
            side(&difference.actual),
            side(&difference.expected)
        ),
        (What::NotJudged, attribute) => format!(
            "not judged {object}: {} is {}, the lock knows {}",
            attribute.as_deref().unwrap_or("it"),
            side(&difference.actual),
            side(&difference.expected)
        ),
    }
}

const fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Adopted | Outcome::Proven => Tone::Good,
        _ => Tone::Bad,
    }
}

const fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Adopted => "adopted",
        Outcome::Proven => "proven, would be adopted",
        Outcome::Differs => "differs",
        Outcome::Refused => "refused",
        Outcome::BadSet => "set or lock is wrong",
        Outcome::Unreachable => "not reached",
        Outcome::Locked => "locked",
        Outcome::Interrupted => "interrupted",
    }
}

fn verdict(report: &Report) -> String {
    let took = duration(report.took);
    match report.outcome {
        Outcome::Adopted => {
            let next = match report.pending.len() {
                0 => "nothing is pending".to_owned(),
                pending => format!(
                    "{}: dbctl migrate --service {}",
                    is_pending(pending),
                    report.service
                ),
            };
            format!(
                "{} recorded, none was run; {next} ({took})",
                count(report.recorded.len(), "migration")
            )
        }
        Outcome::Proven => format!(
            "{} would be recorded; nothing was written ({took})",
            count(report.recorded.len(), "migration")
        ),
        _ => format!("nothing was written ({took})"),
    }
}

fn is_pending(pending: usize) -> String {
    let verb = if pending == 1 { "is" } else { "are" };
    format!("{} {verb} pending", count(pending, "migration"))
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
    server_version: Option<&'a str>,
    outcome: &'static str,
    version: Option<i32>,
    recorded: Vec<WireMigration<'a>>,
    pending: Vec<WireMigration<'a>>,
    differences: Vec<WireDifference<'a>>,
    other_histories: Vec<WireHistory<'a>>,
    notes: &'a [String],
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct WireMigration<'a> {
    version: i32,
    name: &'a str,
}

#[derive(Serialize)]
struct WireDifference<'a> {
    what: &'static str,
    object: WireObject<'a>,
    attribute: Option<&'a str>,
    expected: Option<&'a str>,
    actual: Option<&'a str>,
}

#[derive(Serialize)]
struct WireObject<'a> {
    kind: &'a str,
    schema: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize)]
struct WireHistory<'a> {
    tool: &'a str,
    schema: &'a str,
    table: &'a str,
    applied: Option<i64>,
    newest: Option<&'a str>,
}

/// The report as JSON, version 1.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
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
            server_version: report.server_version.as_deref(),
            outcome: report.outcome.as_str(),
            version: report.version,
            recorded: report.recorded.iter().map(migration).collect(),
            pending: report.pending.iter().map(migration).collect(),
            differences: report.differences.iter().map(difference).collect(),
            other_histories: report
                .histories
                .iter()
                .map(|history| WireHistory {
                    tool: history.tool,
                    schema: &history.schema,
                    table: history.table,
                    applied: history.applied,
                    newest: history.newest.as_deref(),
                })
                .collect(),
            notes: &report.notes,
            error: report.error.as_deref(),
        }],
        duration_ms: report.took.as_millis(),
    })
}

fn migration(migration: &Migration) -> WireMigration<'_> {
    WireMigration {
        version: migration.version,
        name: &migration.name,
    }
}

fn difference(difference: &Difference) -> WireDifference<'_> {
    WireDifference {
        what: difference.what.as_str(),
        object: WireObject {
            kind: difference.object.kind,
            schema: difference.object.schema.as_deref(),
            name: &difference.object.name,
        },
        attribute: difference.attribute.as_deref(),
        expected: difference.expected.as_deref(),
        actual: difference.actual.as_deref(),
    }
}
