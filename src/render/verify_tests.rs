//! What people and scripts see.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use super::super::Style;
use super::{json, table};
use crate::report::verify::{Accepted, Allowed, Found, NotChecked, Report, ServiceLine};
use crate::report::{About, Finding, Severity};

fn service(name: &str, database: &str) -> ServiceLine {
    ServiceLine {
        name: name.to_owned(),
        line: Some(3),
        store: "timescaledb",
        database: Some(database.to_owned()),
        address: Some("localhost:5434".to_owned()),
        server_version: Some("17.6".to_owned()),
        timescaledb_version: Some("2.19.3".to_owned()),
        system_identifier: Some(7),
        reachable: Some(true),
        note: None,
        schema: None,
    }
}

fn found(severity: Severity, message: &str) -> Found {
    Found {
        service: Some("simply-kaspa-indexer".to_owned()),
        database: Some("simply_kaspa".to_owned()),
        finding: Finding {
            rule: "bleed/foreign-object",
            severity,
            about: About {
                kind: "table",
                schema: Some("public".to_owned()),
                name: "k_posts".to_owned(),
            },
            belongs_to: Some("k-indexer".to_owned()),
            expected: "no object of k-indexer".to_owned(),
            actual: "table public.k_posts".to_owned(),
            message: message.to_owned(),
            remedy: "DROP TABLE public.k_posts;".to_owned(),
            evidence: "catalog",
            location: None,
        },
    }
}

fn gap(rule: &'static str) -> NotChecked {
    NotChecked {
        rule,
        service: "k-indexer".to_owned(),
        reason: "permission denied for view pg_hba_file_rules".to_owned(),
        remedy: Some("set K_SOCIAL_ADMIN_URL".to_owned()),
    }
}

fn report() -> Report {
    let mut kasia = service("kasia-indexer", "");
    (kasia.store, kasia.database, kasia.address) = ("files", None, None);
    (kasia.server_version, kasia.timescaledb_version) = (None, None);
    (kasia.reachable, kasia.note) = (None, Some("files only, no database".to_owned()));
    Report {
        manifest: Some("/srv/dbctl.toml".to_owned()),
        services: vec![
            service("k-indexer", "ksocial"),
            service("simply-kaspa-indexer", "simply_kaspa"),
            kasia,
        ],
        findings: vec![found(
            Severity::Error,
            "table public.k_posts in database simply_kaspa belongs to k-indexer",
        )],
        not_checked: vec![gap("access/trust"), gap("a/b"), gap("c/d"), gap("e/f")],
        allowed: vec![Allowed {
            what: Accepted::Finding(Box::new(found(
                Severity::Error,
                "foreign server analytics_srv",
            ))),
            reason: "reviewed".to_owned(),
            until: Some("2027-03-31".to_owned()),
            line: 12,
            file: None,
        }],
        asked: Vec::new(),
        rules: 44,
        checked: 3,
        nothing_to_check: false,
        fail_on: Severity::Error,
        at: time::OffsetDateTime::UNIX_EPOCH,
        duration: Duration::from_millis(37),
    }
}

fn plain(width: u16) -> Style {
    Style {
        width: Some(width),
        ..Style::default()
    }
}

#[test]
fn the_table_tells_everything_once() {
    insta::assert_snapshot!(table(&report(), plain(100)), @r"
    SERVICE               DATABASE         SERVER                    ERRORS  WARNINGS  NOT CHECKED
    k-indexer             ksocial at       17.6, TimescaleDB 2.19.3  0       0         4
                          localhost:5434
    simply-kaspa-indexer  simply_kaspa at  17.6, TimescaleDB 2.19.3  1       0         0
                          localhost:5434
    kasia-indexer         -                files only, no database   0       0         0

    simply-kaspa-indexer
      error   bleed/foreign-object
              table public.k_posts in database simply_kaspa belongs to k-indexer
              -> DROP TABLE public.k_posts;

    not checked
      k-indexer: permission denied for view pg_hba_file_rules (4 rules)
              -> set K_SOCIAL_ADMIN_URL

    accepted
      bleed/foreign-object: foreign server analytics_srv (line 12: reviewed, until 2027-03-31)

    fail: 1 error, 4 not checked, 1 accepted; 3 services, 44 rules
    ");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [60, 80, 120] {
        let text = table(&report(), plain(width));
        // The verdict stays on one line, for those who cut it out.
        let verdict = text.lines().count() - 1;
        for line in text.lines().take(verdict) {
            assert!(
                line.chars().count() <= usize::from(width),
                "{width}: {line}"
            );
        }
    }
}

#[test]
fn nothing_from_a_server_reaches_the_terminal_raw() {
    let mut report = report();
    report.findings = vec![found(Severity::Error, "a\u{1b}[2Jb\u{202e}c\nd")];
    report.services[0].server_version = Some("17\u{1b}]0;x\u{7}".to_owned());
    report.not_checked[0].reason = "\u{1b}[31m".to_owned();
    let text = table(&report, plain(100));
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
    assert!(
        table(
            &report,
            Style {
                color: true,
                ..plain(100)
            }
        )
        .contains("\u{1b}[31m")
    );
}

#[test]
fn the_last_line_is_the_verdict() {
    let last = |report: &Report| table(report, plain(100)).lines().last().unwrap().to_owned();
    let mut report = report();
    assert_eq!(
        last(&report),
        "fail: 1 error, 4 not checked, 1 accepted; 3 services, 44 rules"
    );
    report.findings.clear();
    assert_eq!(
        last(&report),
        "incomplete: 0 findings, 4 not checked, 1 accepted; 3 services, 44 rules"
    );
    report.not_checked.clear();
    report.allowed.clear();
    assert_eq!(last(&report), "pass: 3 services, 44 rules, 0 findings");
    report.checked = 0;
    assert_eq!(
        last(&report),
        "incomplete: 0 findings, nothing could be checked; 3 services, 44 rules"
    );
}

/// The keys of the contract, which scripts rely on; new ones may be added beside them.
#[test]
fn the_json_has_the_keys_of_version_1() {
    let json: serde_json::Value = serde_json::from_str(&json(&report()).unwrap()).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["tool"]["name"], "dbctl");
    assert_eq!(json["tool"]["version"], crate::VERSION);
    assert_eq!(json["status"], "fail");
    for (key, value) in [
        ("error", 1),
        ("warning", 0),
        ("info", 0),
        ("not_checked", 4),
    ] {
        assert_eq!(json["summary"][key], value, "{key}");
    }
    for (key, value) in [("services", 3), ("rules", 44), ("duration_ms", 37)] {
        assert_eq!(json["summary"][key], value, "{key}");
    }
    let service = &json["services"][1];
    let expected = serde_json::json!({
        "name": "simply-kaspa-indexer", "store": "timescaledb", "database": "simply_kaspa",
        "address": "localhost:5434", "server_version": "17.6", "timescaledb_version": "2.19.3",
        "reachable": true, "error": 1, "warning": 0, "not_checked": 0
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&service[key], value, "{key}");
    }
    let expected = serde_json::json!({
        "rule": "bleed/foreign-object", "severity": "error", "service": "simply-kaspa-indexer",
        "database": "simply_kaspa",
        "object": {"kind": "table", "schema": "public", "name": "k_posts"},
        "belongs_to": "k-indexer", "expected": "no object of k-indexer",
        "actual": "table public.k_posts",
        "message": "table public.k_posts in database simply_kaspa belongs to k-indexer",
        "remedy": "DROP TABLE public.k_posts;", "evidence": "catalog",
        "location": null
    });
    assert_eq!(json["findings"][0], expected);
    assert_eq!(json["not_checked"][0]["rule"], "access/trust");
    assert_eq!(json["not_checked"][0]["service"], "k-indexer");
    assert_eq!(
        json["not_checked"][0]["reason"],
        "permission denied for view pg_hba_file_rules"
    );
    assert_eq!(
        json["allowed"][0]["finding"]["rule"],
        "bleed/foreign-object"
    );
    assert_eq!(json["allowed"][0]["until"], "2027-03-31");
}
