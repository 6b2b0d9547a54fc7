//! `verify` as a whole: clean, incomplete, one server down, the wrong target, read only, its output, other server versions.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::{K, Lab, R, S, binaries, start};
use crate::migrate::free_port;
use crate::verify_cases::{assert_clean, list, shown, statements, text, verify, zoo};

fn service<'a>(report: &'a Value, name: &str) -> &'a Value {
    list(report, "services")
        .iter()
        .find(|service| service["name"] == name)
        .unwrap()
}

fn rules_of<'a>(report: &'a Value, name: &str) -> Vec<&'a str> {
    list(report, "findings")
        .iter()
        .filter(|found| found["service"] == name)
        .map(|found| text(found, "rule"))
        .collect()
}

#[test]
fn a_shared_cluster_with_plain_roles_is_clean() {
    let lab = Lab::migrated();
    assert_clean(&lab);
    assert_eq!(
        lab.sql("postgres", &format!("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%\\_{}' AND NOT rolsuper AND NOT rolcreatedb", lab.suffix)),
        "3"
    );
    let report = verify(&lab, &[]);
    for (name, database) in [
        (K, "ksocial"),
        (S, "simply_kaspa"),
        (R, "rgb_lightning_node"),
    ] {
        let service = service(&report, name);
        assert_eq!(service["reachable"], true);
        assert_eq!(text(service, "database"), lab.db(database));
        assert!(
            text(service, "server_version").starts_with("17."),
            "{service}"
        );
        assert_eq!(
            service["timescaledb_version"].is_string(),
            name != R,
            "{service}"
        );
    }
}

#[test]
fn what_the_plain_roles_may_not_read_is_named_with_the_grants_that_help() {
    let mut lab = Lab::migrated();
    lab.without_admin();
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "incomplete");
    assert_eq!(list(&report, "findings").len(), 0, "{}", shown(&report));
    let gaps = list(&report, "not_checked");
    for name in [K, S, R] {
        assert!(
            gaps.iter().any(|gap| gap["service"] == name),
            "{}",
            shown(&report)
        );
    }
    lab.run(&["verify"])
        .exits(4)
        .says("GRANT EXECUTE ON FUNCTION")
        .says("admin_url");
    // Who has set it already is not told to.
    let plain = lab.url("ksocial", "k_social_user");
    lab.env.insert("K_SOCIAL_ADMIN".to_owned(), plain);
    let run = lab
        .run(&["verify", "--service", K])
        .exits(4)
        .says("; or give admin_url a role that may do so");
    assert!(!run.out.contains("or set admin_url"), "{}", run.out);
    lab.without_admin();
    for gap in gaps {
        let remedy = text(gap, "remedy");
        assert!(remedy.contains("admin_url"), "{gap}");
        let sql = statements(remedy);
        assert!(
            !sql.is_empty() && sql.iter().all(|sql| sql.starts_with("GRANT ")),
            "{gap}"
        );
        let database = match text(gap, "service") {
            K => "ksocial",
            S => "simply_kaspa",
            _ => "rgb_lightning_node",
        };
        lab.sql(database, &sql.join(";"));
    }
    assert_clean(&lab);
}

#[test]
fn one_server_that_is_down_leaves_the_others_verified() {
    let mut lab = Lab::migrated();
    let url = format!(
        "postgresql://u:c4nary@127.0.0.1:{}/{}",
        free_port(),
        lab.db("simply_kaspa")
    );
    lab.env.insert("SIMPLY_KASPA_URL".to_owned(), url);
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "incomplete", "{}", shown(&report));
    assert_eq!(list(&report, "findings").len(), 0, "{}", shown(&report));
    assert_eq!(service(&report, S)["reachable"], false);
    assert!(service(&report, S)["not_checked"].as_u64().unwrap() > 20);
    for name in [K, R] {
        assert_eq!(service(&report, name)["reachable"], true);
        assert_eq!(
            service(&report, name)["not_checked"],
            0,
            "{}",
            shown(&report)
        );
    }
    for gap in list(&report, "not_checked") {
        assert_eq!(gap["service"], S, "{gap}");
        assert!(text(gap, "reason").contains("refused"), "{gap}");
    }
    // An error elsewhere weighs more than what could not be looked at.
    lab.sql("rgb_lightning_node", "CREATE TABLE public.k_posts (id int)");
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "fail");
    assert_eq!(rules_of(&report, R), ["bleed/foreign-object"]);
    assert_eq!(service(&report, S)["reachable"], false);
    lab.run(&["verify"])
        .exits(1)
        .says("not reached")
        .says("public.k_posts");
}

#[test]
fn the_wrong_database_is_one_finding() {
    let mut lab = Lab::migrated();
    for url in [
        lab.url("ksocial", "k_social_user"),
        lab.admin_url("ksocial"),
    ] {
        lab.env.insert("RGB_USERS_URL".to_owned(), url);
        let report = verify(&lab, &[]);
        assert_eq!(report["status"], "fail");
        let [found] = list(&report, "findings") else {
            panic!("{}", shown(&report))
        };
        assert_eq!(
            (
                text(found, "rule"),
                text(found, "severity"),
                text(found, "service"),
                text(found, "belongs_to")
            ),
            ("identity/wrong-database", "error", R, K)
        );
        for name in [lab.db("ksocial"), lab.db("rgb_lightning_node")] {
            assert!(text(found, "message").contains(&name), "{found}");
        }
        assert!(
            list(&report, "not_checked")
                .iter()
                .all(|gap| gap["service"] == R),
            "{}",
            shown(&report)
        );
    }
    lab.env.remove("RGB_USERS_URL");
    assert_clean(&lab);
}

#[test]
fn two_services_in_one_database_under_two_names() {
    let mut lab = Lab::migrated();
    let (k, s) = (lab.db("ksocial"), lab.db("simply_kaspa"));
    lab.edit(
        &format!("database = \"{s}\""),
        &format!("database = \"{k}\""),
    );
    let url = lab
        .url("ksocial", "k_social_user")
        .replace("@127.0.0.1:", "@localhost:");
    assert!(url.contains("@localhost:"));
    lab.env.insert("SIMPLY_KASPA_URL".to_owned(), url);
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "fail");
    let found = list(&report, "findings")
        .iter()
        .find(|found| found["rule"] == "identity/shared-database")
        .unwrap_or_else(|| panic!("{}", shown(&report)));
    assert_eq!(
        (
            text(found, "severity"),
            text(found, "service"),
            text(found, "belongs_to")
        ),
        ("error", S, K)
    );
    for name in [K, S, &k] {
        assert!(text(found, "message").contains(name), "{found}");
    }
    // The database is one of the two services' own, and nothing is a finding there.
    assert_eq!(
        rules_of(&report, K),
        Vec::<&str>::new(),
        "{}",
        shown(&report)
    );
    assert!(list(&report, "findings").len() <= 2, "{}", shown(&report));
    lab.env.remove("SIMPLY_KASPA_URL");
    lab.edit(
        &format!("set = \"simply_kaspa\"\ndatabase = \"{k}\""),
        &format!("set = \"simply_kaspa\"\ndatabase = \"{s}\""),
    );
    assert_clean(&lab);
}

#[test]
fn a_dedicated_topology_in_one_server() {
    let lab = Lab::migrated();
    lab.edit("version = 1\n", "version = 1\ntopology = \"dedicated\"\n");
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "fail");
    let found = list(&report, "findings");
    assert_eq!(found.len(), 2, "{}", shown(&report));
    for (found, (service, database)) in found
        .iter()
        .zip([(S, "simply_kaspa"), (R, "rgb_lightning_node")])
    {
        assert_eq!(
            (
                text(found, "rule"),
                text(found, "severity"),
                text(found, "service")
            ),
            ("identity/shared-server", "error", service)
        );
        assert!(
            text(found, "message").contains(&lab.db(database)),
            "{found}"
        );
        assert!(
            text(found, "message").contains(&lab.db("ksocial")),
            "{found}"
        );
    }
    lab.edit("topology = \"dedicated\"", "topology = \"shared\"");
    assert_clean(&lab);
}

#[test]
fn a_role_with_connect_alone_sees_what_it_can_and_writes_nothing() {
    let server = start(
        &binaries(17, true).unwrap(),
        true,
        &[("log_line_prefix", "%a|")],
    );
    let mut lab = Lab::on(&server, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    let looker = lab.db("looker");
    lab.sql(
        "postgres",
        &format!("CREATE ROLE \"{looker}\" LOGIN PASSWORD 'c4nary_looker'; ALTER ROLE \"{looker}\" SET default_transaction_read_only = on"),
    );
    for (database, key) in [
        ("ksocial", "K_SOCIAL"),
        ("simply_kaspa", "SIMPLY_KASPA"),
        ("rgb_lightning_node", "RGB_USERS"),
    ] {
        lab.sql(
            "postgres",
            &format!(
                "GRANT CONNECT ON DATABASE \"{}\" TO \"{looker}\"",
                lab.db(database)
            ),
        );
        let url = lab.admin_url(database);
        let (_, place) = url.split_once('@').unwrap();
        lab.env.insert(
            format!("{key}_URL"),
            format!("postgresql://{looker}:c4nary_looker@{place}"),
        );
    }
    lab.without_admin();
    let before = counters(&lab);
    let log = std::fs::read_to_string(server.log_path()).unwrap().len();
    for _ in 0..3 {
        // One role for all three would be let in everywhere, and be reported.
        let report = verify(&lab, &["--no-login-proof"]);
        assert_eq!(report["status"], "incomplete", "{}", shown(&report));
        assert!(
            list(&report, "findings")
                .iter()
                .all(|found| text(found, "rule") == "identity/wrong-role"),
            "{}",
            shown(&report)
        );
        for name in [K, S, R] {
            assert_eq!(service(&report, name)["reachable"], true);
        }
        // The structure is compared: pg_catalog is open to every role.
        assert!(
            list(&report, "not_checked")
                .iter()
                .all(|gap| text(gap, "rule") != "drift/unknown-object"),
            "{}",
            shown(&report)
        );
        lab.run(&["status"]);
    }
    assert_eq!(counters(&lab), before);
    let text = std::fs::read_to_string(server.log_path()).unwrap();
    let said = said(&text[log..]);
    assert!(said.len() > 60, "{said:?}");
    for statement in said {
        let first = statement
            .split([' ', '\n', '\t', ';', '('])
            .next()
            .unwrap_or_default()
            .to_uppercase();
        assert!(
            [
                "SET", "SHOW", "SELECT", "WITH", "BEGIN", "COMMIT", "ROLLBACK"
            ]
            .contains(&first.as_str()),
            "{statement}"
        );
    }
}

/// Rows written in the databases, after every session of dbctl's has ended and said what it did. TimescaleDB's own workers write
/// in the two others, so only the plain database is compared.
fn counters(lab: &Lab) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    while lab.sql(
        "postgres",
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'dbctl%'",
    ) != "0"
    {
        assert!(Instant::now() < deadline, "sessions of dbctl's do not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    lab.sql(
        "postgres",
        &format!(
            "SELECT pg_stat_force_next_flush(); SELECT tup_inserted, tup_updated, tup_deleted, temp_files FROM pg_stat_database WHERE datname = '{}'",
            lab.db("rgb_lightning_node")
        ),
    )
}

/// The statements that the log holds of sessions called `dbctl verify …` and `dbctl status …`, leading comments left out.
fn said(log: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let mut inside = false;
    for line in log.lines() {
        if let (true, Some(more)) = (inside, line.strip_prefix('\t')) {
            if let Some(statement) = statements.last_mut() {
                statement.push('\n');
                statement.push_str(more);
            }
            continue;
        }
        inside = false;
        let Some((name, message)) = line.split_once('|') else {
            continue;
        };
        if !(name.starts_with("dbctl verify") || name.starts_with("dbctl status")) {
            continue;
        }
        assert!(
            name.starts_with("dbctl status")
                || !(message.starts_with("ERROR") || message.starts_with("FATAL")),
            "{line}"
        );
        let statement = message.split_once("statement: ").or_else(|| {
            message
                .strip_prefix("LOG:  execute ")
                .and_then(|rest| rest.split_once(": "))
        });
        if let Some((_, statement)) = statement {
            statements.push(statement.to_owned());
            inside = true;
        }
    }
    statements
        .iter()
        .map(|statement| {
            let lines: Vec<&str> = statement
                .lines()
                .skip_while(|line| line.trim_start().starts_with("--"))
                .collect();
            lines.join("\n").trim_start().to_owned()
        })
        .collect()
}

#[test]
fn json_version_1_has_every_key_of_the_contract() {
    let lab = Lab::migrated();
    lab.sql(
        "simply_kaspa",
        "CREATE TABLE public.k_posts (id int); CREATE INDEX dba ON public.addresses (balance)",
    );
    let report = verify(&lab, &[]);
    assert_eq!(report["version"], 1);
    assert_eq!(report["tool"]["name"], "dbctl");
    assert_eq!(report["tool"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["status"], "fail");
    let summary = &report["summary"];
    for (key, number) in [
        ("error", 1),
        ("warning", 0),
        ("info", 1),
        ("not_checked", 0),
        ("services", 3),
    ] {
        assert_eq!(summary[key], number, "{key}: {summary}");
    }
    assert!(
        summary["rules"].as_u64().unwrap() > 30 && summary["duration_ms"].is_u64(),
        "{summary}"
    );
    let simply = service(&report, S);
    assert_eq!(
        (simply["error"].as_u64(), simply["warning"].as_u64()),
        (Some(1), Some(0))
    );
    for key in [
        "name",
        "store",
        "database",
        "address",
        "server_version",
        "timescaledb_version",
    ] {
        assert!(simply[key].is_string(), "{key}: {simply}");
    }
    let found = &list(&report, "findings")[0];
    assert_eq!(
        (
            text(found, "rule"),
            text(found, "severity"),
            text(found, "evidence")
        ),
        ("bleed/foreign-object", "error", "catalog")
    );
    assert_eq!(
        found["object"],
        serde_json::json!({"kind": "table", "schema": "public", "name": "k_posts"})
    );
    for key in [
        "service",
        "database",
        "belongs_to",
        "expected",
        "actual",
        "message",
        "remedy",
    ] {
        assert!(found[key].is_string(), "{key}: {found}");
    }
    // The table names the same, and its last line is the verdict.
    let run = lab.run(&["verify"]).exits(1);
    for found in list(&report, "findings") {
        assert!(run.out.contains(text(found, "rule")), "{}", run.out);
    }
    let flat: String = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains(&format!(
            "table public.k_posts in database {} belongs to {K}",
            lab.db("simply_kaspa")
        )),
        "{flat}"
    );
    let last = run.out.trim_end().lines().last().unwrap();
    assert!(
        last.starts_with("fail: 1 error, 1 info; 3 services,"),
        "{last}"
    );
    assert_eq!(run.err, "");
    // The threshold decides about the exit code and about nothing else.
    lab.sql(
        "simply_kaspa",
        "DROP TABLE public.k_posts; CREATE TABLE public.spare (i int)",
    );
    for (threshold, code) in [("error", 0), ("warning", 1), ("info", 1)] {
        lab.run(&["verify", "--fail-on", threshold])
            .exits(code)
            .says("public.spare");
    }
    lab.sql("simply_kaspa", "DROP TABLE public.spare");
    for (threshold, code) in [("error", 0), ("warning", 0), ("info", 1)] {
        lab.run(&["verify", "--fail-on", threshold])
            .exits(code)
            .says("index public.dba");
    }
}

#[test]
fn entries_of_the_allow_list() {
    let mut lab = Lab::migrated();
    lab.sql(
        "simply_kaspa",
        "CREATE TABLE public.k_posts (id int); CREATE TABLE public.k_votes (id int)",
    );
    let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    let path = lab.path().join("dbctl.toml");
    let allow = |entries: &str| {
        std::fs::write(&path, format!("{manifest}{entries}")).unwrap();
    };
    let entry = |object: &str, more: &str| {
        format!(
            "\n[[allow]]\nrule = \"bleed/foreign-object\"\nservice = \"{S}\"\nobject = \"{object}\"\nreason = \"moves on Friday\"\n{more}\n"
        )
    };
    // One accepted, with and without its schema; the other still counts.
    for object in ["k_posts", "public.k_posts"] {
        allow(&entry(object, "until = \"2999-12-31\""));
        let report = verify(&lab, &[]);
        let [found] = list(&report, "findings") else {
            panic!("{}", shown(&report))
        };
        assert_eq!(found["object"]["name"], "k_votes");
        assert_eq!(
            list(&report, "allowed")[0]["finding"]["object"]["name"],
            "k_posts"
        );
        assert_eq!(list(&report, "allowed")[0]["reason"], "moves on Friday");
    }
    allow(&format!("{}{}", entry("k_posts", ""), entry("k_votes", "")));
    lab.run(&["verify"])
        .exits(0)
        .says("moves on Friday")
        .says("2 accepted");
    // Expired: the finding is back, and the entry is one itself.
    allow(&format!(
        "{}{}",
        entry("k_posts", "until = \"2020-01-01\""),
        entry("k_votes", "")
    ));
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "fail");
    let found = list(&report, "findings");
    let rules: Vec<&str> = found.iter().map(|found| text(found, "rule")).collect();
    assert_eq!(
        rules,
        ["bleed/foreign-object", "allow/expired"],
        "{}",
        shown(&report)
    );
    assert_eq!(found[1]["severity"], "warning");
    assert!(
        text(&found[1], "message").contains("2020-01-01"),
        "{}",
        shown(&report)
    );
    // Nothing to accept any more.
    lab.sql(
        "simply_kaspa",
        "DROP TABLE public.k_posts; DROP TABLE public.k_votes",
    );
    allow(&entry("k_posts", ""));
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "pass");
    let [found] = list(&report, "findings") else {
        panic!("{}", shown(&report))
    };
    assert_eq!(
        (text(found, "rule"), text(found, "severity")),
        ("allow/unmatched", "warning")
    );
    assert!(text(found, "message").contains("k_posts"), "{found}");
    // What only check asks about is not idle here; what is accepted of a set is told by it.
    allow(&format!(
        "\n[[allow]]\nrule = \"sets/unsafe-ddl\"\nservice = \"{S}\"\nobject = \"V1__extension_and_variables.sql\"\nreason = \"small\"\n"
    ));
    assert_eq!(list(&verify(&lab, &[]), "findings").len(), 0);
    lab.run(&["check"]).exits(0).says("allow/unmatched");
    // A gap may be accepted, and only by an entry that says so.
    let url = format!(
        "postgresql://u:c4nary@127.0.0.1:{}/{}",
        free_port(),
        lab.db("simply_kaspa")
    );
    let report = {
        lab.without_admin();
        allow("");
        verify(&lab, &[])
    };
    let mut gaps: Vec<(&str, &str)> = list(&report, "not_checked")
        .iter()
        .map(|gap| (text(gap, "rule"), text(gap, "service")))
        .collect();
    gaps.dedup();
    assert!(gaps.len() >= 3, "{gaps:?}");
    let entries = |more: &str| -> String {
        gaps.iter()
            .map(|(rule, service)| format!("\n[[allow]]\nrule = \"{rule}\"\nservice = \"{service}\"\nreason = \"no grants here\"\n{more}\n"))
            .collect()
    };
    allow(&entries(""));
    assert_eq!(verify(&lab, &[])["status"], "incomplete");
    allow(&entries("not_checked = true"));
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "pass", "{}", shown(&report));
    assert_eq!(list(&report, "allowed").len(), gaps.len());
    // A server that is down has more gaps than those.
    lab.env.insert("SIMPLY_KASPA_URL".to_owned(), url);
    assert_eq!(verify(&lab, &[])["status"], "incomplete");
}

#[test]
fn hostile_names_reach_screen_and_json_without_harm() {
    let lab = Lab::migrated();
    let long: String = "ж".repeat(31);
    let names = [
        "it's \"quoted\"; DROP TABLE x; --".to_owned(),
        "two\nlines\r\t".to_owned(),
        "\u{1b}[2J\u{1b}]0;title\u{7}".to_owned(),
        "\u{200f}right \u{202e}left".to_owned(),
        format!("{long}x"),
        "k_posts\u{200b}".to_owned(),
    ];
    for name in &names {
        lab.sql(
            "rgb_lightning_node",
            &format!(
                "CREATE TABLE public.\"{}\" (i int)",
                name.replace('"', "\"\"")
            ),
        );
    }
    let report = verify(&lab, &[]);
    let mut seen: Vec<&str> = list(&report, "findings")
        .iter()
        .map(|found| text(&found["object"], "name"))
        .collect();
    let mut expected: Vec<&str> = names.iter().map(String::as_str).collect();
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected, "{}", shown(&report));
    for arguments in [&["verify"][..], &["verify", "-v", "--color", "never"]] {
        let run = lab.run(arguments).exits(1);
        let harm = |c: char| {
            (c.is_control() && c != '\n')
                || ('\u{200b}'..='\u{200f}').contains(&c)
                || ('\u{202a}'..='\u{202e}').contains(&c)
        };
        assert!(!run.all().contains(harm), "{:?}", run.all());
        assert!(
            run.out.contains("\\u{001b}") && run.out.contains(&long),
            "{}",
            run.out
        );
    }
    // Each remedy drops exactly its own table.
    let findings: Vec<&Value> = list(&report, "findings").iter().collect();
    crate::verify_cases::follow(&lab, &findings[1..]);
    lab.sql(
        "rgb_lightning_node",
        &format!(
            "DROP TABLE public.\"{}\"",
            text(&findings[0]["object"], "name").replace('"', "\"\"")
        ),
    );
    assert_clean(&lab);
}

/// Clean, broken, seen: on a server of this major version without TimescaleDB.
fn holds_on(major: u32) {
    let Some(binaries) = binaries(major, false) else {
        return;
    };
    let server = start(&binaries, false, &[]);
    let mut lab = crate::verify_access::rgb_alone(&server);
    // Some come without psql.
    lab.psql_from(&crate::lab::binaries(17, true).unwrap().bin);
    assert_clean(&lab);
    let version = text(service(&verify(&lab, &[]), R), "server_version").to_owned();
    assert!(version.starts_with(&format!("{major}.")), "{version}");
    lab.sql(
        "rgb_lightning_node",
        "ALTER TABLE public.ln_user_channels DROP CONSTRAINT ln_user_channels_capacity_sats_check",
    );
    let report = verify(&lab, &[]);
    assert_eq!(rules_of(&report, R), ["drift/missing-object"]);
}

#[test]
fn the_matrix_of_servers_is_clean() {
    for major in [14, 15, 16, 17, 18] {
        holds_on(major);
    }
}

#[test]
fn postgresql_18_with_timescaledb_is_clean() {
    let server = start(&binaries(18, true).unwrap(), true, &[]);
    let lab = Lab::on(&server, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    assert_clean(&lab);
    let report = verify(&lab, &[]);
    assert!(
        text(service(&report, K), "server_version").starts_with("18."),
        "{report}"
    );
}

#[test]
fn a_major_version_that_the_lock_does_not_know_is_a_gap_and_no_guess() {
    let lab = zoo();
    let path = lab.path().join("sets/zoo/schema.lock");
    let lock = std::fs::read_to_string(&path).unwrap();
    let edit = |edits: &[(&str, &str)]| {
        let edited = edits.iter().fold(lock.clone(), |lock, (from, to)| {
            assert!(lock.contains(from), "{from:?} is not in\n{lock}");
            lock.replace(from, to)
        });
        std::fs::write(&path, edited).unwrap();
    };
    let majors = lock
        .lines()
        .find(|line| line.starts_with("majors"))
        .unwrap();
    // The same text is right, whatever the version.
    edit(&[(majors, "majors = [14]")]);
    assert_clean(&lab);
    // Another text may be another version's way to write it.
    edit(&[
        (majors, "majors = [14]"),
        ("CHECK ((legs >= 0))", "CHECK ((0 <= legs))"),
    ]);
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "incomplete", "{}", shown(&report));
    let [gap] = list(&report, "not_checked") else {
        panic!("{}", shown(&report))
    };
    assert_eq!(
        (text(gap, "rule"), text(gap, "service")),
        ("drift/changed-object", R)
    );
    assert!(text(gap, "reason").contains("PostgreSQL 1"), "{gap}");
    assert!(text(gap, "remedy").contains("dbctl lock"), "{gap}");
    // Known to the lock, it is drift.
    edit(&[
        ("CHECK ((legs >= 0))", "CHECK ((0 <= legs))"),
        (majors, "majors = [17, 18]"),
    ]);
    let report = verify(&lab, &[]);
    assert_eq!(
        rules_of(&report, R),
        ["drift/changed-object"],
        "{}",
        shown(&report)
    );
    // What the server does not deparse is judged whatever the version.
    lab.sql(
        "rgb_lightning_node",
        "ALTER TABLE public.cages DROP COLUMN animal",
    );
    edit(&[(majors, "majors = [14]")]);
    let report = verify(&lab, &[]);
    assert!(
        rules_of(&report, R)
            .iter()
            .all(|rule| *rule == "drift/missing-object"),
        "{}",
        shown(&report)
    );
    assert!(!rules_of(&report, R).is_empty());
}
