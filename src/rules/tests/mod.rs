//! Every rule on a small system: clean, broken in one place, clean again.
#![allow(clippy::unwrap_used, clippy::panic)]

mod fixtures;
mod privileges;

use Severity::Error;
use fixtures::{FIXTURES, Fixture, hidden, trust};

use super::fixture::{K, R, S, World, key, object, table};
use super::{Severity, all};
use crate::manifest::Target;
use crate::report::verify::Status;
use crate::snapshot::{Fact, Gap, Job, Kind, Scheduler};

/// Every fixture.
fn fixtures() -> impl Iterator<Item = &'static Fixture> {
    FIXTURES.iter().chain(privileges::FIXTURES)
}

/// A change to the system.
type Plant = fn(&mut World);

#[test]
fn a_clean_system_has_no_findings_and_no_gaps() {
    let report = World::clean().run();
    assert_eq!(report.findings, []);
    assert_eq!(report.not_checked, []);
    assert_eq!(report.status(), Status::Pass);
    assert_eq!(report.services.len(), 4);
}

#[test]
fn a_job_of_the_set_belongs_to_its_service() {
    let jobs = |owner: &str| {
        let mut world = World::clean();
        let set = world.sets.get_mut(K).and_then(Option::as_mut).unwrap();
        let sql = &mut set.migrations.first_mut().unwrap().sql;
        sql.push_str("SELECT add_retention_policy('k_posts', INTERVAL '1 year');");
        world.links(K).jobs = Fact::Known(vec![Job {
            scheduler: Scheduler::TimescaleDb,
            id: 1000,
            name: "Retention Policy [1000]".into(),
            owner: owner.into(),
            action: "_timescaledb_functions.policy_retention".into(),
            hypertable: Some("public.k_posts".into()),
            database: "ksocial".into(),
            host: None,
            active: true,
        }]);
        let found = world.run().findings.into_iter();
        let jobs = found.filter(|found| found.finding.rule == "link/job");
        jobs.map(|found| (found.finding.severity, found.finding.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(jobs("k_social_user"), []);
    let [(Error, message)] = &jobs("simply_kaspa_user")[..] else {
        panic!("{:?}", jobs("simply_kaspa_user"));
    };
    assert!(
        message.contains("simply_kaspa_user of simply-kaspa-indexer")
            && !message.contains("no migration"),
        "{message}"
    );
}

#[test]
fn every_rule_sees_its_fixture_and_no_other_rule_does() {
    for Fixture {
        rule,
        plant,
        severity,
        service,
        mentions,
    } in fixtures()
    {
        let mut world = World::clean();
        plant(&mut world);
        let report = world.run();
        let [found] = report.findings.as_slice() else {
            panic!("{rule}: {:#?}", report.findings);
        };
        let finding = &found.finding;
        assert_eq!(
            (finding.rule, finding.severity),
            (*rule, *severity),
            "{}",
            finding.message
        );
        let name = world.manifest.services.get(*service).unwrap().name.as_str();
        assert_eq!(found.service.as_deref(), Some(name), "{rule}");
        for word in *mentions {
            assert!(
                finding.message.contains(word),
                "{rule}: {word:?} not in {}",
                finding.message
            );
        }
        for text in [&finding.expected, &finding.actual, &finding.remedy] {
            assert!(!text.is_empty(), "{rule}: {finding:#?}");
        }
        assert!(!finding.message.contains('\n'), "{rule}");
    }
}

#[test]
fn every_rule_has_a_fixture_a_page_and_a_good_id() {
    let ids: Vec<&str> = all().map(|rule| rule.id).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    for rule in all() {
        let (group, name) = rule.id.split_once('/').unwrap();
        assert!(
            !group.is_empty() && group.chars().all(|c| c.is_ascii_lowercase()),
            "{}",
            rule.id
        );
        assert!(
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
            "{}",
            rule.id
        );
        assert!(
            rule.summary.ends_with('?') && rule.summary.len() < 90,
            "{}",
            rule.id
        );
        for heading in [
            "## Example",
            "## Why it matters",
            "## How to mend it",
            "## When to allow it",
        ] {
            assert!(rule.help.contains(heading), "{}: no {heading}", rule.id);
        }
        assert!(
            rule.help.starts_with(&format!("# {}\n", rule.id)),
            "{}",
            rule.id
        );
    }
    // Groups whose files are others' work have their fixtures beside them.
    // Those of sets are planted in tests/all/check_sets.rs, those of compose in tests/all/check_compose.rs.
    let beside = |id: &str| {
        ["files/", "sets/", "compose/"]
            .iter()
            .any(|group| id.starts_with(group))
    };
    for id in ids.iter().filter(|id| !beside(id)) {
        assert!(
            fixtures().any(|fixture| fixture.rule == *id),
            "{id} has no fixture"
        );
    }
    for fixture in fixtures() {
        assert!(ids.contains(&fixture.rule), "{} is no rule", fixture.rule);
    }
}

/// What the rules find after a change, as `severity id: message`.
fn found(plant: fn(&mut World)) -> Vec<String> {
    let mut world = World::clean();
    plant(&mut world);
    world
        .run()
        .findings
        .iter()
        .map(|found| {
            let finding = &found.finding;
            format!(
                "{} {}: {}",
                finding.severity.as_str(),
                finding.rule,
                finding.message
            )
        })
        .collect()
}

#[test]
fn what_is_benign_stays_quiet() {
    let quiet: &[Plant] = &[
        |w| {
            w.access(K).roles.push(crate::snapshot::Role {
                name: "dba_admin".into(),
                superuser: true,
                createdb: true,
                createrole: true,
                replication: true,
                bypassrls: true,
                member_of: vec!["k_social_user".into(), "simply_kaspa_user".into()],
            })
        },
        |w| {
            w.access(K)
                .database_grants
                .push(("k_social_user".into(), "CONNECT".into()))
        },
        |w| {
            w.access(K)
                .public_schema
                .push(("k_social_user".into(), "CREATE".into()))
        },
        |w| w.access(K).databases.push("grafana".into()),
        |w| {
            w.access(K)
                .database_grants
                .push(("grafana".into(), "CONNECT".into()))
        },
        |w| w.snapshot(R).server.timescaledb = None,
    ];
    for plant in quiet {
        assert_eq!(found(*plant), Vec::<String>::new());
    }
    let extensions = found(|w| {
        w.plant(K, object(Kind::Extension, "", "pg_trgm", &[]));
        w.plant(K, object(Kind::Index, "k_posts", "dba_index", &[]));
        w.plant(S, object(Kind::Extension, "", "pg_stat_statements", &[]));
    });
    assert_eq!(extensions.len(), 3);
    assert!(
        extensions
            .iter()
            .all(|line| line.starts_with("info drift/unknown-object")),
        "{extensions:#?}"
    );
}

#[test]
fn a_stock_container_shows_three_warnings() {
    let lines = found(|w| {
        w.access(K).public_connect = true;
        w.access(K).public_database = vec!["TEMPORARY".into()];
        let role = w.own_role(K);
        (
            role.superuser,
            role.createdb,
            role.createrole,
            role.replication,
            role.bypassrls,
        ) = (true, true, true, true, true);
        w.access(K).hba = Fact::Known(vec![
            trust("local", ""),
            trust("host", "127.0.0.1"),
            trust("host", "::1"),
            trust("local", ""),
            trust("host", "127.0.0.1/32"),
            trust("host", "::1/128"),
        ]);
    });
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(
        lines.iter().all(|line| line.starts_with("warning access/")),
        "{lines:#?}"
    );
}

#[test]
fn in_a_shared_server_the_same_is_an_error() {
    for (plant, rule) in [
        (
            (|w| w.access(K).public_connect = true) as Plant,
            "access/public-connect",
        ),
        (|w| w.own_role(K).createdb = true, "access/superuser"),
    ] {
        let mut world = World::clean();
        world.access(K).databases.push("simply_kaspa".into());
        world.snapshot(S).identity.system_identifier = Fact::Known(1);
        plant(&mut world);
        let report = world.run();
        let [found] = report.findings.as_slice() else {
            panic!("{rule}: {:#?}", report.findings)
        };
        assert_eq!((found.finding.rule, found.finding.severity), (rule, Error));
    }
}

#[test]
fn every_disguise_is_seen_once() {
    let cases: &[(Plant, &str)] = &[
        (
            |w| w.plant_all(K, table("b1ocks", &[])),
            "error bleed/look-alike",
        ),
        (
            |w| w.plant_all(K, table("blосks", &[])),
            "error bleed/look-alike",
        ),
        (
            |w| w.plant_all(K, table("transactions_old", &[])),
            "error bleed/look-alike",
        ),
        (
            |w| w.plant_all(K, table("address_2026", &[])),
            "error bleed/look-alike",
        ),
        (
            |w| w.plant_all(S, table("blocks_new", &[])),
            "warning drift/unknown-object",
        ),
        (
            |w| w.plant_all(S, table("transactions_dedup", &[])),
            "warning drift/unknown-object",
        ),
        (
            |w| w.plant_all(K, table("k_blocks", &[])),
            "warning drift/unknown-object",
        ),
        (
            |w| w.plant(S, object(Kind::View, "", "k_posts", &[])),
            "error bleed/foreign-object: view",
        ),
        (
            |w| w.plant(S, hidden(Kind::Table, "pg_toast", "k_posts")),
            "error bleed/foreign-object: table pg_toast.k_posts",
        ),
        (
            |w| w.plant(K, hidden(Kind::Table, "information_schema", "blocks")),
            "error bleed/foreign-object: table information_schema.blocks",
        ),
        (
            |w| w.plant(K, hidden(Kind::ForeignTable, "sk_import", "blocks")),
            "error bleed/foreign-object: foreign table sk_import.blocks",
        ),
        (
            |w| w.plant(S, object(Kind::Function, "", "notify_transaction", &[])),
            "error bleed/foreign-object: function",
        ),
        (
            |w| w.plant(S, object(Kind::Index, "blocks", "k_posts_by_author", &[])),
            "error bleed/foreign-object: index",
        ),
        (
            |w| w.plant(K, object(Kind::Schema, "", "Public", &[])),
            "error bleed/foreign-schema-name",
        ),
        (
            |w| w.plant(K, object(Kind::EventTrigger, "", "k_ddl_spy", &[])),
            "error drift/unknown-object",
        ),
        (
            |w| w.plant(K, object(Kind::Column, "k_posts", "nickname", &[])),
            "error drift/unknown-object",
        ),
        (
            |w| w.plant(R, object(Kind::Extension, "", "timescaledb", &[])),
            "info drift/unknown-object",
        ),
    ];
    for (plant, start) in cases {
        let lines = found(*plant);
        assert_eq!(lines.len(), 1, "{start}: {lines:#?}");
        assert!(
            lines.iter().all(|line| line.starts_with(start)),
            "{start}: {lines:#?}"
        );
    }
}

#[test]
fn a_trigger_and_its_function_are_one_cause() {
    let lines = found(|w| {
        w.plant(S, object(Kind::Function, "", "notify_transaction", &[]));
        w.plant(
            S,
            object(
                Kind::Trigger,
                "transactions",
                "transaction_notify_trigger",
                &[("definition", "CREATE TRIGGER transaction_notify_trigger AFTER INSERT ON public.transactions FOR EACH ROW EXECUTE FUNCTION public.notify_transaction()")],
            ),
        );
    });
    let [line] = lines.as_slice() else {
        panic!("{lines:#?}")
    };
    for word in [
        "transaction_notify_trigger",
        "public.transactions",
        "notify_transaction",
        "k-indexer",
    ] {
        assert!(line.contains(word), "{line}");
    }
}

#[test]
fn a_trigger_that_another_set_has_names_its_function() {
    let mut world = World::clean();
    let trigger = object(
        Kind::Trigger,
        "transactions",
        "notify_trigger",
        &[(
            "definition",
            "CREATE TRIGGER notify_trigger AFTER INSERT ON public.transactions FOR EACH ROW EXECUTE FUNCTION public.notify_transaction()",
        )],
    );
    let theirs = key(Kind::Trigger, "public", "k_posts", "notify_trigger");
    world
        .lock(K)
        .objects
        .insert(theirs, std::collections::BTreeMap::new());
    world.plant(S, trigger);
    world.plant(S, object(Kind::Function, "", "notify_transaction", &[]));
    let report = world.run_for(&["simply-kaspa-indexer"]);
    let [found] = report.findings.as_slice() else {
        panic!("{:#?}", report.findings)
    };
    assert_eq!(found.finding.rule, "bleed/foreign-object");
    assert!(
        found.finding.message.contains("notify_transaction"),
        "{}",
        found.finding.message
    );
}

#[test]
fn a_hypertable_is_called_one() {
    let lines = found(|w| {
        w.plant_all(K, table("blocks", &[("hash", "bytea")]));
        w.plant(K, object(Kind::Hypertable, "blocks", "blocks", &[]));
    });
    let [line] = lines.as_slice() else {
        panic!("{lines:#?}")
    };
    assert!(
        line.contains("hypertable") && line.contains("chunk"),
        "{line}"
    );
}

#[test]
fn what_cannot_be_read_is_not_checked() {
    let mut world = World::clean();
    *world.snapshots.get_mut(K).unwrap() = Some(Fact::Unknown(Gap::new("connection refused")));
    let report = world.run();
    assert_eq!(report.status(), Status::Incomplete);
    assert_eq!(report.findings, []);
    assert!(
        report
            .not_checked
            .iter()
            .all(|gap| gap.service == "k-indexer" && gap.reason == "connection refused")
    );
    // The manifest alone tells whether the password is the published one, and whether the role is another's.
    let told = ["access/default-password", "identity/shared-role"];
    let is_asked = |scope| matches!(scope, super::Scope::Database | super::Scope::Address);
    let database_rules = all()
        .filter(|rule| is_asked(rule.scope) && !told.contains(&rule.id))
        .count();
    assert_eq!(report.not_checked.len(), database_rules);
    assert_eq!(report.services.first().unwrap().reachable, Some(false));

    // A finding elsewhere weighs more.
    world.plant(S, object(Kind::Schema, "", "ksocial", &[]));
    assert_eq!(world.run().status(), Status::Fail);
}

#[test]
fn a_missing_lock_is_a_gap_of_every_rule_that_needs_it() {
    let mut world = World::clean();
    let gap = Gap {
        reason: "no schema lock".into(),
        remedy: Some("dbctl lock".into()),
    };
    *world.locks.get_mut(S).unwrap() = Fact::Unknown(gap);
    let report = world.run();
    assert_eq!(report.findings, []);
    let of = |service: &str| -> Vec<&str> {
        report
            .not_checked
            .iter()
            .filter(|gap| gap.service == service)
            .map(|gap| gap.rule)
            .collect()
    };
    assert_eq!(
        of("k-indexer"),
        [
            "bleed/foreign-object",
            "bleed/look-alike",
            "bleed/same-shape"
        ]
    );
    assert!(of("simply-kaspa-indexer").contains(&"drift/missing-object"));
    assert!(!of("simply-kaspa-indexer").contains(&"access/superuser"));
    assert!(
        report
            .not_checked
            .iter()
            .all(|gap| gap.remedy.as_deref() == Some("dbctl lock"))
    );
}

#[test]
fn an_unknown_major_is_a_gap_not_a_guess() {
    let mut world = World::clean();
    let texts = std::collections::BTreeMap::from([(16, "SELECT 2".to_owned())]);
    world
        .lock(K)
        .objects
        .get_mut(&key(Kind::View, "public", "", "k_scores"))
        .unwrap()
        .insert("definition".into(), crate::snapshot::Text::ByMajor(texts));
    let report = world.run();
    let [gap] = report.not_checked.as_slice() else {
        panic!("{:#?}", report.not_checked)
    };
    assert_eq!(gap.rule, "drift/changed-object");
    assert!(gap.reason.contains("PostgreSQL 17"), "{}", gap.reason);
}

#[test]
fn single_user_mode_is_nothing_to_check_and_an_empty_run_is_not_clean() {
    let mut world = World::clean();
    world.service(R).target = Target::NotConfigured {
        variables: vec!["DATABASE_URL".into()],
    };
    *world.snapshots.get_mut(R).unwrap() = None;
    assert_eq!(
        world.run_for(&["rgb-lightning-node"]).status(),
        Status::Pass
    );
    assert_eq!(world.run().status(), Status::Pass);
    assert_eq!(
        world.run_for(&["kasia-indexer"]).status(),
        Status::Incomplete
    );
}

#[test]
fn the_manifest_accepts_findings_and_gaps() {
    let mut world = World::clean();
    world.plant(K, object(Kind::Server, "", "analytics_srv", &[]));
    world.access(S).hba = Fact::Unknown(Gap::new("permission denied for view pg_hba_file_rules"));
    assert_eq!(world.run().status(), Status::Fail);
    world.allow(
        "link/foreign-server",
        Some("k-indexer"),
        Some("analytics_srv"),
    );
    assert_eq!(world.run().status(), Status::Incomplete);
    for rule in ["access/trust", "access/hba"] {
        world
            .allow(rule, Some("simply-kaspa-indexer"), None)
            .not_checked = true;
    }
    let report = world.run();
    assert_eq!(
        (report.status(), report.findings.len(), report.allowed.len()),
        (Status::Pass, 0, 3)
    );

    // A run that does not cover an entry does not call it idle.
    let report = world.run_for(&["rgb-lightning-node"]);
    assert_eq!(report.findings, []);

    // Nor does one that could not look.
    let mut world = World::clean();
    *world.snapshots.get_mut(K).unwrap() = Some(Fact::Unknown(Gap::new("connection refused")));
    world.allow("link/foreign-server", Some("k-indexer"), None);
    assert_eq!(world.run().findings, []);

    // A rule that does not exist is named with the one that was meant.
    let mut world = World::clean();
    world.allow("bleed/foreign-objct", None, None);
    let report = world.run();
    assert!(
        report
            .findings
            .first()
            .unwrap()
            .finding
            .message
            .contains("did you mean bleed/foreign-object?")
    );
}

#[test]
fn names_in_messages_cannot_move_the_cursor() {
    let lines = found(|w| w.plant_all(K, table("a\u{1b}[2J\u{202e}", &[])));
    assert!(
        lines
            .iter()
            .all(|line| !line.contains(crate::report::text::is_unsafe)),
        "{lines:?}"
    );
}

#[test]
fn the_real_sets_do_not_accuse_each_other() {
    let Some(world) = World::real() else { return };
    let report = world.run();
    let findings: Vec<&str> = report
        .findings
        .iter()
        .filter(|found| found.finding.rule != "sets/stale-lock")
        .map(|found| found.finding.message.as_str())
        .collect();
    assert_eq!(findings, Vec::<&str>::new());
    assert_eq!(report.not_checked, []);
}

/// A guard against rules that see nothing: every relation of every real set, planted in every other service's database under
/// its own name and under disguises, is one error of group `bleed`.
#[test]
fn every_table_of_the_real_sets_is_seen_elsewhere() {
    if World::real().is_none() {
        return;
    }
    for (from, to) in [(K, S), (K, R), (S, K), (S, R), (R, K), (R, S)] {
        let names: Vec<String> = World::real()
            .unwrap()
            .lock(from)
            .objects
            .keys()
            .filter(|key| key.kind.is_relation() && key.name != "vars")
            .map(|key| key.name.clone())
            .collect();
        assert!(names.len() >= 6);
        for name in names {
            for disguise in [
                name.clone(),
                format!("{name} "),
                format!("{name}_2026"),
                name.to_uppercase(),
                name.replace('a', "\u{430}"),
            ] {
                let mut world = World::real().unwrap();
                world.plant(to, object(Kind::Table, "", &disguise, &[]));
                let service = world.service(to).name.clone();
                let report = world.run_for(&[&service]);
                let bleeding: Vec<&str> = report
                    .findings
                    .iter()
                    .filter(|found| found.finding.severity == Error)
                    .map(|found| found.finding.rule)
                    .collect();
                assert_eq!(bleeding.len(), 1, "{disguise}: {bleeding:?}");
                assert!(bleeding.iter().all(|rule| rule.starts_with("bleed/")));
            }
        }
    }
}
