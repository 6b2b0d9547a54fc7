//! What the matrix says of which report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::{Matrix, Reach};
use crate::report::verify::{Accepted, Allowed, Found, NotChecked, Question, Report, ServiceLine};
use crate::report::{About, Finding, Severity};

fn service(name: &str, server: u64) -> ServiceLine {
    ServiceLine {
        name: name.to_owned(),
        line: None,
        store: "postgres",
        database: Some(format!("{name}_db")),
        address: Some(format!("localhost:{server}")),
        server_version: None,
        timescaledb_version: None,
        system_identifier: Some(server),
        reachable: Some(true),
        note: None,
        schema: None,
    }
}

fn report() -> Report {
    let asked = ["a", "b", "c"].map(|service| Question {
        rule: "access/public-connect",
        service: service.to_owned(),
    });
    Report {
        manifest: None,
        services: vec![service("a", 1), service("b", 1), service("c", 2)],
        findings: Vec::new(),
        not_checked: Vec::new(),
        allowed: Vec::new(),
        asked: asked.into(),
        rules: 1,
        checked: 1,
        nothing_to_check: false,
        fail_on: Severity::Error,
        at: time::OffsetDateTime::UNIX_EPOCH,
        duration: std::time::Duration::ZERO,
    }
}

fn found(rule: &'static str, service: &str, belongs_to: Option<&str>) -> Found {
    Found {
        service: Some(service.to_owned()),
        database: None,
        finding: Finding {
            rule,
            severity: Severity::Error,
            about: About::plain("role", "x"),
            belongs_to: belongs_to.map(str::to_owned),
            expected: String::new(),
            actual: String::new(),
            message: "it is so".to_owned(),
            remedy: String::new(),
            evidence: "catalog",
            location: None,
        },
    }
}

fn gap(rule: &'static str, service: &str) -> NotChecked {
    NotChecked {
        rule,
        service: service.to_owned(),
        reason: "not permitted".to_owned(),
        remedy: None,
    }
}

/// The matrix as letters: a line for each row, a letter for each column.
fn picture(report: &Report) -> String {
    let letter = |reach| match reach {
        Reach::Own => 'o',
        Reach::Open => 'X',
        Reach::Shut => '.',
        Reach::Unknown => '?',
        Reach::Nothing => '-',
    };
    let rows = Matrix::new(report).rows;
    let rows: Vec<String> = rows
        .iter()
        .map(|row| row.cells.iter().map(|cell| letter(cell.reach)).collect())
        .collect();
    rows.join(" ")
}

/// The picture with this one finding, found and then accepted.
#[track_caller]
fn with(finding: Found) -> String {
    let mut report = report();
    report.findings.push(finding.clone());
    let open = picture(&report);
    report.findings.clear();
    report.allowed.push(Allowed {
        what: Accepted::Finding(Box::new(finding)),
        reason: "reviewed".to_owned(),
        until: None,
        line: 1,
        file: None,
    });
    assert_eq!(picture(&report), open, "what is accepted is still so");
    open
}

#[test]
fn every_question_answered_and_nothing_found_is_shut() {
    assert_eq!(picture(&report()), "o.. .o. ..o ...");
}

#[test]
fn each_finding_opens_the_ways_that_it_tells_of() {
    assert_eq!(
        with(found("access/foreign-connect", "a", Some("c"))),
        "o.. .o. X.o ..."
    );
    assert_eq!(
        with(found("access/membership", "a", Some("c"))),
        "o.X .o. ..o ..."
    );
    assert_eq!(
        with(found("access/superuser", "a", None)),
        "oX. .o. ..o ..."
    );
    assert_eq!(
        with(found("access/public-connect", "a", None)),
        "o.. Xo. ..o X.."
    );
    assert_eq!(with(found("access/trust", "c", None)), "o.X .oX ..o ..X");
    let published = found("access/default-password", "c", None);
    assert_eq!(with(published), "o.X .oX ..o ..X");
    for rule in ["identity/shared-database", "identity/shared-role"] {
        assert_eq!(with(found(rule, "b", Some("a"))), "oX. Xo. ..o ...");
    }
    assert_eq!(
        with(found("identity/wrong-database", "b", Some("c"))),
        "o.. .oX ..o ..."
    );
    assert_eq!(
        with(found("link/foreign-server", "a", Some("b"))),
        "oX. .o. ..o ..."
    );
    assert_eq!(
        with(found("bleed/foreign-object", "a", Some("b"))),
        "o.. .o. ..o ..."
    );
}

#[test]
fn what_a_finding_leaves_open_is_not_known() {
    assert_eq!(
        with(found("link/foreign-server", "a", None)),
        "o?? .o. ..o ..."
    );
    assert_eq!(
        with(found("access/some-new-rule", "a", None)),
        "o.. ?o. ..o ?.."
    );
    assert_eq!(
        with(found("access/foreign-role", "a", Some("c"))),
        "o.. .o. ?.o ..."
    );
    assert_eq!(
        with(found("access/weak-password", "a", None)),
        "o.. .o. ..o ..."
    );
    let mut away = report();
    away.services[0].reachable = Some(false);
    away.findings = vec![found("access/default-password", "a", None)];
    assert_eq!(picture(&away), "o.. ?o. ?.o ?..");
    let mut local = found("access/trust", "c", None);
    local.finding.severity = Severity::Warning;
    assert_eq!(with(local), "o.? .o? ..o ..?");
    let mut report = report();
    report.services[1].system_identifier = None;
    report.services[1].address = Some("elsewhere:1".to_owned());
    report.findings = vec![found("access/public-connect", "a", None)];
    assert_eq!(picture(&report), "o.. ?o. ..o X..");
}

#[test]
fn what_was_not_looked_at_is_never_shut() {
    let mut gaps = report();
    gaps.not_checked = vec![gap("access/trust", "b")];
    assert_eq!(picture(&gaps), "o?. ?o? .?o .?.");
    let accepted = Allowed {
        what: Accepted::Gap(gaps.not_checked.remove(0)),
        reason: "known".to_owned(),
        until: None,
        line: 1,
        file: None,
    };
    gaps.allowed = vec![accepted];
    assert_eq!(picture(&gaps), "o?. ?o? .?o .?.");
    let mut gaps = report();
    gaps.not_checked = vec![gap("link/foreign-server", "a")];
    assert_eq!(picture(&gaps), "o?? .o. ..o ...");
    // `check` asks nothing of a database.
    let mut offline = report();
    offline.asked.clear();
    assert_eq!(picture(&offline), "o?? ?o? ??o ???");
}

#[test]
fn who_has_no_role_reaches_nothing() {
    let mut report = report();
    let mut files = service("files", 9);
    (files.database, files.address, files.system_identifier) = (None, None, None);
    (files.reachable, files.note) = (None, Some("files only".to_owned()));
    report.services.push(files);
    assert_eq!(picture(&report), "o.. .o. ..o --- ...");
    report.services[2].reachable = None;
    report.services[2].note = Some("not configured".to_owned());
    assert_eq!(picture(&report), "o.- .o- --o --- ..-");
    report.not_checked = vec![gap("access/trust", "a")];
    assert_eq!(picture(&report), "o?- ?o- ?-o ?-- ?.-");
}
