//! The plan of a dry run as people and scripts see it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use super::super::Style;
use super::{json, table};
use crate::report::migrate::{
    Hazard, Lock, Outcome, Pending, Place, Report, ServiceRun, Statement,
};

fn quiet(line: usize, text: &str) -> Statement {
    Statement {
        line,
        text: text.to_owned(),
        place: Place::Transaction,
        lock: None,
        cut_off: None,
        stops: false,
        hazards: Vec::new(),
    }
}

fn report() -> Report {
    let loud = Statement {
        lock: Some(Lock {
            mode: "ACCESS EXCLUSIVE",
            relation: Some("public.k_posts".to_owned()),
            exists: true,
        }),
        hazards: vec![Hazard {
            code: "adding-required-field".to_owned(),
            message: "every row that is there lacks a value, so that the statement fails on a table that is not empty".to_owned(),
        }],
        ..quiet(
            41,
            "ALTER TABLE public.k_posts\n    ADD COLUMN language text NOT NULL,\n    ADD COLUMN \u{202e}region text NOT NULL",
        )
    };
    let mut statements: Vec<Statement> = (1..=9)
        .map(|number| {
            let index = number > 7;
            quiet(
                number * 4,
                if index {
                    "create unique index ON new (b)"
                } else {
                    "CREATE TABLE a (b int)"
                },
            )
        })
        .collect();
    statements.push(loud);
    statements.push(quiet(44, "INSERT INTO public.k_vars VALUES ('a', 'b')"));
    let concurrent = Statement {
        place: Place::Alone,
        lock: Some(Lock {
            mode: "SHARE UPDATE EXCLUSIVE",
            relation: None,
            exists: true,
        }),
        ..quiet(
            1,
            "CREATE INDEX CONCURRENTLY k_posts_language_idx ON public.k_posts (language)",
        )
    };
    Report {
        dry_run: true,
        services: vec![ServiceRun {
            name: "k-indexer".to_owned(),
            store: "timescaledb",
            database: "ksocial".to_owned(),
            address: Some("localhost:5433".to_owned()),
            outcome: Outcome::Planned,
            applied: Vec::new(),
            pending: vec![
                Pending {
                    version: 6,
                    name: "languages".to_owned(),
                    sql: "SELECT 6;\nSELECT 66;\n".to_owned(),
                    by_statement: false,
                    reason: None,
                    ran: 0,
                    statements,
                },
                Pending {
                    version: 7,
                    name: "language_index".to_owned(),
                    sql: "SELECT 7;\n".to_owned(),
                    by_statement: true,
                    reason: Some(
                        "CREATE INDEX CONCURRENTLY in line 1 cannot run in a transaction"
                            .to_owned(),
                    ),
                    ran: 0,
                    statements: vec![concurrent],
                },
            ],
            total: Some(5),
            error: None,
            notes: Vec::new(),
            unfinished: false,
            unsure: false,
            took: Duration::from_millis(12),
        }],
        took: Duration::from_millis(12),
    }
}

fn style(width: Option<u16>, verbose: bool) -> Style {
    Style {
        width,
        color: false,
        verbose,
    }
}

#[test]
fn a_plan_fits_a_terminal_of_80_columns() {
    let text = table(&report(), style(Some(80), false));
    let (_, plan) = text.split_once("\n\n").unwrap();
    insta::assert_snapshot!(plan, @r"
    k-indexer would apply to ksocial at localhost:5433:
      V6__languages, in one transaction
        lines 4 to 36: 9 statements without a lock that others could feel
          7 CREATE TABLE, 2 CREATE INDEX
        line 41: ALTER TABLE public.k_posts ADD COLUMN language text NOT NULL, ADD…
          locks public.k_posts: ACCESS EXCLUSIVE
          adding-required-field: every row that is there lacks a value, so that the
          statement fails on a table that is not empty
        line 44: INSERT INTO public.k_vars VALUES ('a', 'b')
      V7__language_index, statement by statement
          CREATE INDEX CONCURRENTLY in line 1 cannot run in a transaction
        line 1: CREATE INDEX CONCURRENTLY k_posts_language_idx ON public.k_posts (l…
          runs outside a transaction
          locks a relation: SHARE UPDATE EXCLUSIVE

    2 migrations would be applied; nothing was changed; 1 to be migrated (12 ms)
    ");
    assert!(
        plan.lines().all(|line| line.chars().count() <= 80),
        "{plan}"
    );
}

#[test]
fn a_hazard_is_one_line_where_there_is_no_terminal() {
    let text = table(&report(), style(None, true));
    assert!(
        text.contains("\n      adding-required-field: every row that is there lacks a value, so that the statement fails on a table that is not empty\n"),
        "{text}"
    );
    assert!(text.contains("\n    SELECT 6;\n    SELECT 66;\n"), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
}

#[test]
fn the_plan_as_json() {
    let wire: serde_json::Value = serde_json::from_str(&json(&report(), false).unwrap()).unwrap();
    insta::assert_json_snapshot!(wire["services"][0]["pending"][1], @r#"
    {
      "version": 7,
      "name": "language_index",
      "mode": "statements",
      "reason": "CREATE INDEX CONCURRENTLY in line 1 cannot run in a transaction",
      "ran": 0,
      "statements": [
        {
          "line": 1,
          "place": "alone",
          "lock": {
            "mode": "SHARE UPDATE EXCLUSIVE",
            "relation": null,
            "exists": true
          },
          "cut_off": null,
          "hazards": []
        }
      ]
    }
    "#);
    let first = &wire["services"][0]["pending"][0];
    assert_eq!(first["statements"][9]["lock"]["relation"], "public.k_posts");
    assert_eq!(
        first["statements"][9]["hazards"][0]["code"],
        "adding-required-field"
    );
    assert_eq!(wire["summary"]["planned"], 1);
    assert_eq!(wire["summary"]["failed"], 0);
    let wire: serde_json::Value = serde_json::from_str(&json(&report(), true).unwrap()).unwrap();
    assert_eq!(
        wire["services"][0]["pending"][1]["statements"][0]["text"],
        "CREATE INDEX CONCURRENTLY k_posts_language_idx ON public.k_posts (language)"
    );
}
