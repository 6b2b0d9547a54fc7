//! The manifest as an operator meets it: where each value comes from, and a system of one's own without any Rust.

use serde_json::Value;

use crate::lab::{CANARY, K, LOGGED, Lab, R, S};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The value and source of a key, as the JSON of `services` has them.
fn value(report: &Value, service: &str, key: &str) -> (String, String) {
    let service = report["services"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == service)
        .unwrap();
    let row = service["values"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["key"] == key)
        .unwrap_or_else(|| panic!("{key} is not in {service:#}"));
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    (text("value"), text("source"))
}

fn pair(value: &str, source: &str) -> (String, String) {
    (value.to_owned(), source.to_owned())
}

#[test]
fn every_value_is_shown_with_its_source_and_no_secret() {
    let mut lab = Lab::new();
    let encoded = utf8_percent_encode(CANARY, NON_ALPHANUMERIC).to_string();
    // The manifest: a literal password on k-indexer, a default on simply-kaspa, variables on the node.
    lab.edit(
        "password = { env = \"K_SOCIAL_PW\" }",
        "password = \"c4nary literal\"",
    );
    lab.edit(
        "password = { env = \"SIMPLY_KASPA_PW\" }",
        "password = { env = \"SIMPLY_KASPA_PW\", default = \"c4nary default\" }",
    );
    lab.edit(
        "role = \"k_social",
        "container = \"k-db\"\nrole = \"k_social",
    );
    lab.env.remove("SIMPLY_KASPA_PW");
    lab.env.remove("SIMPLY_KASPA_ADMIN");
    lab.env.insert(
        "RGB_USERS_URL".to_owned(),
        format!("postgres://node:{encoded}@[::1]:6000,db/x?sslmode=require&password={encoded}"),
    );
    lab.write(
        ".env",
        format!("SIMPLY_KASPA_ADMIN=postgresql://root:{encoded}@h:7/postgres\nRGB_USERS_URL=postgres://hidden/x\n"),
    );
    let flags = ["services", "--set", "k-indexer.port=5999"];
    let report = lab.json(&flags, 0);
    let line = |text: &str| format!("file line {}", lab.line(text));
    let k = |key: &str| value(&report, K, key);
    assert_eq!(k("port"), pair("5999", "flag --set"));
    assert_eq!(k("host"), pair("127.0.0.1", &line("host = ")));
    assert_eq!(k("set"), pair("k_social", &line("set = \"k_social\"")));
    assert_eq!(
        k("database"),
        pair(&lab.db("ksocial"), &line("database = \"ksocial"))
    );
    assert_eq!(k("container"), pair("k-db", &line("container = ")));
    assert_eq!(k("password"), pair("***", &line("c4nary literal")));
    assert_eq!(value(&report, S, "password"), pair("***", "default"));
    assert_eq!(
        value(&report, S, "admin_url"),
        pair("postgresql://root@h:7/postgres", ".env SIMPLY_KASPA_ADMIN")
    );
    assert_eq!(
        value(&report, R, "url"),
        pair(
            "postgresql://node@[::1]:6000,db:5432/x",
            "environment RGB_USERS_URL"
        )
    );
    assert_eq!(report["services"][0]["address"], "127.0.0.1:5999");
    assert!(
        report["manifest"]
            .as_str()
            .unwrap()
            .ends_with("/dbctl.toml")
    );

    let run = lab.run(&flags).exits(0);
    assert_eq!(run.err, "");
    for row in [
        &["port", "5999", "flag --set"][..],
        &["password", "***", &line("c4nary literal")],
        &[
            "password",
            "***",
            "default (a published default: change it)",
        ],
        &[
            "admin_url",
            "postgresql://root@h:7/postgres",
            ".env SIMPLY_KASPA_ADMIN",
        ],
        &[
            "url",
            "postgresql://node@[::1]:6000,db:5432/x",
            "environment RGB_USERS_URL",
        ],
        &["url", "not set", "environment K_SOCIAL_URL"],
    ] {
        assert!(
            run.out
                .lines()
                .any(|line| row.iter().all(|part| line.contains(part))),
            "{row:?} is not in\n{}",
            run.out
        );
    }
    lab.run(&["services", "-v", "--color", "always"]).exits(0);
    // A flag takes no secret: it would stand in the process list.
    for key in ["password", "url", "admin_url"] {
        lab.run(&["services", "--set", &format!("k-indexer.{key}=c4nary")])
            .exits(2)
            .says(&format!("--set k-indexer.{key}: "))
            .says("command line");
    }
    lab.run(&["services", "--set", "k-indexr.port=1"])
        .exits(2)
        .says("did you mean k-indexer?");
    // A flag that is written wrong is wrong usage; a value that does not fit is the manifest's.
    lab.run(&["services", "--set", "k-indexer"])
        .exits(2)
        .says("there is no =");
    lab.run(&["services", "--set", "k-indexer.prot=1"])
        .exits(2)
        .says("did you mean port?");
    lab.run(&["services", "--set", "k-indexer.port=x"]).exits(3);
    lab.run(&[
        "services",
        "--set",
        "k-indexer",
        "--set",
        "k-indexer.port=x",
    ])
    .exits(3)
    .says("there is no =");
    lab.run(&["sandbox", "run", "--set", "k-indexer", "--", "true"])
        .exits(2)
        .says("there is no =");
}

#[test]
fn the_built_in_manifest_is_used_where_there_is_none() {
    let mut lab = Lab::new();
    std::fs::remove_file(lab.path().join("dbctl.toml")).unwrap();
    lab.env.clear();
    lab.env
        .insert("K_SOCIAL_DB_PASSWORD".to_owned(), CANARY.to_owned());
    lab.env
        .insert("SIMPLY_KASPA_DB_PORT".to_owned(), "6001".to_owned());
    let run = lab.run(&["services"]).exits(0);
    let run = run
        .says("the built-in manifest")
        .says("kasia-indexer")
        .says("not configured");
    assert!(run.out.contains("localhost:6001"), "{}", run.out);
    // Somebody may be in the wrong folder: every verb that would reach a server says whose system it takes.
    let folder = lab.path().canonicalize().unwrap();
    let told = format!(
        "no dbctl.toml in {}, and neither --config nor DBCTL_CONFIG: the built-in manifest counts (k-indexer, ",
        folder.display()
    );
    for verb in [
        &["status"][..],
        &["provision", "--dry-run"],
        &["migrate"],
        &["verify"],
        &["lock", "--check"],
        &["baseline"],
        &["repair"],
        &["rollback", "--target", "0"],
    ] {
        let run = |more: &[&str]| lab.run(&[verb, &["--service", "kasia-indexer"], more].concat());
        let loud = run(&[]);
        assert_eq!(loud.err.matches(&told).count(), 1, "{}", loud.all());
        let quiet = run(&["-q"]);
        assert!(!quiet.err.contains("dbctl.toml"), "{}", quiet.all());
    }
    let report = lab.json(&["services"], 0);
    assert_eq!(
        value(&report, K, "password"),
        pair("***", "environment K_SOCIAL_DB_PASSWORD")
    );
    assert_eq!(value(&report, K, "port"), pair("5433", "default"));
    assert_eq!(value(&report, K, "role"), pair("k_social_user", "built in"));
}

#[test]
fn an_empty_variable_falls_back_to_the_parts_and_hides_dotenv() {
    let mut lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    // The line of .env leads to another service's database; the environment switches it off.
    let foreign = lab.url("simply_kaspa", "k_social_user");
    lab.write(".env", format!("K_SOCIAL_URL={foreign}\n"));
    let report = lab.json(&["services"], 0);
    assert_eq!(value(&report, K, "url").1, ".env K_SOCIAL_URL");
    lab.run(&["status", "--service", K])
        .exits(4)
        .says(&lab.db("simply_kaspa"));

    lab.env.insert("K_SOCIAL_URL".to_owned(), String::new());
    let report = lab.json(&["services"], 0);
    assert_eq!(
        value(&report, K, "password"),
        pair("***", "environment K_SOCIAL_PW")
    );
    assert_eq!(value(&report, K, "host").0, "127.0.0.1");
    lab.run(&["migrate", "--service", K, "-q"]).exits(0);
    assert_eq!(lab.sql("ksocial", "SELECT service FROM dbctl.identity"), K);
    assert_eq!(
        lab.sql(
            "simply_kaspa",
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ),
        "0"
    );
}

#[test]
fn a_system_of_ones_own_needs_no_rust() {
    let mut lab = Lab::on(&LOGGED, "postgres");
    lab.own_services(&["orders", "billing"]);
    lab.write(
        "sql/orders/V5__view.sql",
        "CREATE VIEW orders_open AS SELECT a FROM orders_one WHERE a > 0;\n",
    );
    lab.run(&["provision"])
        .exits(0)
        .says(&format!("created, owned by {}", lab.db("billing")));

    lab.run(&["lock", "--sets", "sql"]).exits(0);
    let lock = std::fs::read_to_string(lab.path().join("sql/orders/schema.lock")).unwrap();
    assert!(
        lock.contains("orders_open") && lock.contains("orders_four"),
        "{lock}"
    );
    assert!(
        !lock.contains("billing") && !lock.contains(&lab.suffix),
        "{lock}"
    );
    lab.run(&["lock", "--check", "--sets", "sql"]).exits(0);

    let report = lab.json(&["migrate"], 0);
    assert_eq!(report["services"][0]["outcome"], "migrated");
    assert_eq!(report["services"][0]["applied"][3]["name"], "view");
    lab.run(&["status", "--wait", "0"])
        .exits(0)
        .says("4, newest V5")
        .says("3, newest V4");
    let rows = lab.sql_as(
        "orders",
        "orders",
        "INSERT INTO orders_one VALUES (7); SELECT * FROM orders_open",
    );
    assert_eq!(rows.unwrap(), "7");
    assert_eq!(
        lab.sql(
            "billing",
            "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"
        ),
        "billing_four billing_one billing_two refinery_schema_history"
    );
    // Its services are kept apart like the built-in ones.
    let foreign = lab.url("orders", "orders");
    lab.env.insert("BILLING_URL".to_owned(), foreign);
    lab.run(&["migrate"])
        .exits(3)
        .says(&lab.db("billing"))
        .says("which is the database of orders");
    // Another folder may hold the manifest: paths in it begin there.
    let elsewhere = tempfile::tempdir().unwrap();
    lab.env.remove("BILLING_URL");
    let mut command = lab.command(&[
        "status",
        "--wait",
        "0",
        "--config",
        lab.path().join("dbctl.toml").to_str().unwrap(),
    ]);
    command.current_dir(elsewhere.path());
    crate::lab::finish(command).exits(0).says("4, newest V5");
}
