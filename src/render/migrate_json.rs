//! The report of `migrate` as JSON, version 1. The structs are copies of the report's types, so that those can move.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::migrate::{Pending, Report, ServiceRun, Statement};

#[derive(Serialize)]
struct Wire<'a> {
    version: u8,
    tool: Tool,
    status: &'static str,
    dry_run: bool,
    summary: Summary,
    services: Vec<WireService<'a>>,
    duration_ms: u128,
}

/// How many services ended in which way.
#[derive(Serialize)]
struct Summary {
    services: usize,
    applied: usize,
    #[serde(flatten)]
    outcomes: BTreeMap<&'static str, usize>,
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
    applied: Vec<WireApplied<'a>>,
    pending: Vec<WirePending<'a>>,
    total_applied: Option<usize>,
    error: Option<&'a str>,
    notes: &'a [String],
    unfinished: bool,
    duration_ms: u128,
}

#[derive(Serialize)]
struct WireApplied<'a> {
    version: i32,
    name: &'a str,
    duration_ms: u128,
}

#[derive(Serialize)]
struct WirePending<'a> {
    version: i32,
    name: &'a str,
    mode: &'static str,
    reason: Option<&'a str>,
    ran: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    statements: Option<Vec<WireStatement<'a>>>,
}

#[derive(Serialize)]
struct WireStatement<'a> {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    place: &'static str,
    lock: Option<WireLock<'a>>,
    cut_off: Option<&'a str>,
    hazards: Vec<WireHazard<'a>>,
}

#[derive(Serialize)]
struct WireLock<'a> {
    mode: &'static str,
    relation: Option<&'a str>,
    exists: bool,
}

#[derive(Serialize)]
struct WireHazard<'a> {
    code: &'a str,
    message: &'a str,
}

/// The report as JSON, version 1; with the SQL of a plan where more is wanted.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &Report, verbose: bool) -> Result<String, serde_json::Error> {
    let wire = Wire {
        version: 1,
        tool: Tool::new(),
        status: if report.exit().code() == 0 {
            "ok"
        } else {
            "failed"
        },
        dry_run: report.dry_run,
        summary: Summary {
            services: report.services.len(),
            applied: report.services.iter().map(|run| run.applied.len()).sum(),
            outcomes: report
                .counts()
                .into_iter()
                .map(|(outcome, number)| (outcome.as_str(), number))
                .collect(),
        },
        services: report
            .services
            .iter()
            .map(|run| service(run, report.dry_run, verbose))
            .collect(),
        duration_ms: report.took.as_millis(),
    };
    super::json_text::pretty(&wire)
}

fn service(run: &ServiceRun, dry_run: bool, verbose: bool) -> WireService<'_> {
    WireService {
        name: &run.name,
        store: run.store,
        database: (!run.database.is_empty()).then_some(run.database.as_str()),
        address: run.address.as_deref(),
        outcome: run.outcome.as_str(),
        applied: run
            .applied
            .iter()
            .map(|applied| WireApplied {
                version: applied.version,
                name: &applied.name,
                duration_ms: applied.took.as_millis(),
            })
            .collect(),
        pending: run
            .pending
            .iter()
            .map(|migration| pending(migration, dry_run, verbose))
            .collect(),
        total_applied: run.total,
        error: run.error.as_deref(),
        notes: &run.notes,
        unfinished: run.unfinished,
        duration_ms: run.took.as_millis(),
    }
}

fn pending(pending: &Pending, dry_run: bool, verbose: bool) -> WirePending<'_> {
    let statements = pending.statements.iter();
    WirePending {
        version: pending.version,
        name: &pending.name,
        mode: if pending.by_statement {
            "statements"
        } else {
            "transaction"
        },
        reason: pending.reason.as_deref(),
        ran: pending.ran,
        statements: dry_run.then(|| statements.map(|one| statement(one, verbose)).collect()),
    }
}

fn statement(statement: &Statement, verbose: bool) -> WireStatement<'_> {
    WireStatement {
        line: statement.line,
        text: verbose.then_some(statement.text.as_str()),
        place: statement.place.as_str(),
        lock: statement.lock.as_ref().map(|lock| WireLock {
            mode: lock.mode,
            relation: lock.relation.as_deref(),
            exists: lock.exists,
        }),
        cut_off: statement.cut_off.as_deref(),
        hazards: statement
            .hazards
            .iter()
            .map(|hazard| WireHazard {
                code: &hazard.code,
                message: &hazard.message,
            })
            .collect(),
    }
}
