//! `migrate` on real servers: the right tables in the right database, once; and nothing anywhere else.

use crate::lab::{K, Lab, R, S};

const K_TABLES: [&str; 7] = [
    "k_follows",
    "k_posts",
    "k_transactions",
    "k_user_profiles",
    "k_vars",
    "k_votes",
    "vars",
];
const S_TABLES: [&str; 7] = [
    "addresses",
    "blocks",
    "transaction_inputs",
    "transaction_outputs",
    "transactions",
    "transactions_acceptances",
    "vars",
];
const R_TABLES: [&str; 8] = [
    "ln_user_addresses",
    "ln_user_balances",
    "ln_user_channels",
    "ln_user_transactions",
    "ln_user_wallets",
    "virtual_channels",
    "virtual_payments",
    "virtual_transactions",
];

fn tables(lab: &Lab, database: &str) -> Vec<String> {
    lab.sql(
        database,
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'refinery_schema_history' ORDER BY 1",
    )
    .lines()
    .map(str::to_owned)
    .collect()
}

#[test]
fn every_table_is_in_its_own_database_and_in_no_other() {
    let lab = Lab::migrated();
    assert_eq!(tables(&lab, "ksocial"), K_TABLES);
    assert_eq!(tables(&lab, "simply_kaspa"), S_TABLES);
    assert_eq!(tables(&lab, "rgb_lightning_node"), R_TABLES);
}

#[test]
fn the_hypertables_have_their_chunk_intervals() {
    let lab = Lab::migrated();
    let intervals = |database| {
        lab.sql(
            database,
            "SELECT hypertable_name, column_name, time_interval FROM timescaledb_information.dimensions ORDER BY 1",
        )
    };
    assert_eq!(
        intervals("ksocial"),
        "k_follows|time|06:00:00\nk_posts|time|06:00:00\nk_transactions|time|06:00:00\nk_votes|time|06:00:00"
    );
    assert_eq!(
        intervals("simply_kaspa"),
        "blocks|time|00:30:00\ntransaction_inputs|time|00:15:00\ntransaction_outputs|time|00:15:00\n\
         transactions|time|00:15:00\ntransactions_acceptances|time|00:15:00"
    );
    assert_eq!(
        lab.sql(
            "rgb_lightning_node",
            "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"
        ),
        "0"
    );
}

#[test]
fn a_second_run_changes_nothing_and_says_so() {
    let lab = Lab::migrated();
    lab.sql_as(
        "ksocial",
        "k_social_user",
        "UPDATE k_vars SET value = '4711' WHERE key = 'last_processed_block'",
    )
    .unwrap();
    let before = lab.sql(
        "ksocial",
        "SELECT * FROM refinery_schema_history ORDER BY version",
    );
    let report = lab.json(&["migrate"], 0);
    for service in report["services"].as_array().unwrap() {
        assert_eq!(service["outcome"], "up_to_date", "{report}");
        assert_eq!(service["applied"].as_array().unwrap().len(), 0, "{report}");
    }
    lab.run(&["migrate"])
        .exits(0)
        .says("nothing to apply, nothing was changed");
    assert_eq!(
        lab.sql(
            "ksocial",
            "SELECT value FROM k_vars WHERE key = 'last_processed_block'"
        ),
        "4711"
    );
    assert_eq!(
        lab.sql(
            "ksocial",
            "SELECT * FROM refinery_schema_history ORDER BY version"
        ),
        before
    );
}

#[test]
fn another_services_database_is_refused_before_any_write() {
    let mut lab = Lab::migrated();
    let dump = |lab: &Lab| {
        lab.sql(
            "ksocial",
            "SELECT xmin, oid, relname FROM pg_class ORDER BY oid; SELECT * FROM refinery_schema_history; SELECT * FROM dbctl.identity",
        )
    };
    let before = dump(&lab);
    // As the role of its own, and as a superuser who could write everything.
    for url in [
        lab.url("ksocial", "k_social_user"),
        lab.admin_url("ksocial"),
    ] {
        lab.env.insert("RGB_USERS_URL".to_owned(), url);
        let expected = lab.db("rgb_lightning_node");
        let actual = lab.db("ksocial");
        let run = lab
            .run(&["migrate", "--service", R])
            .exits(3)
            .says(&expected)
            .says(&actual)
            .says(K);
        assert!(run.err.is_empty(), "{}", run.err);
    }
    assert_eq!(dump(&lab), before);
}

#[test]
fn a_manifest_that_names_another_services_database_is_refused_too() {
    // The name is right now: stamp, history and tables have to tell.
    let mut lab = Lab::migrated();
    lab.run(&["migrate", "-q"]).exits(0);
    let (k, r) = (lab.db("ksocial"), lab.db("rgb_lightning_node"));
    lab.edit(&format!("database = \"{k}\""), "database = \"elsewhere\"");
    lab.edit(
        &format!("database = \"{r}\""),
        &format!("database = \"{k}\""),
    );
    lab.edit(&lab.db("rgb_user"), &lab.db("k_social_user"));
    lab.env.insert(
        "RGB_USERS_PW".to_owned(),
        crate::lab::password("k_social_user"),
    );
    lab.run(&["migrate", "--service", R])
        .exits(3)
        .says("belongs to service k-indexer");
    // Without the stamp the history tells, and without both the tables.
    lab.sql("ksocial", "DROP SCHEMA dbctl CASCADE");
    lab.run(&["migrate", "--service", R])
        .exits(3)
        .says("holds the history of k-indexer");
    lab.sql("ksocial", "DELETE FROM refinery_schema_history");
    lab.run(&["migrate", "--service", R])
        .exits(3)
        .says("tables of another service");
    lab.sql("ksocial", "DROP TABLE k_vars, vars, k_user_profiles; DROP TABLE k_posts; DROP TABLE k_votes; DROP TABLE k_follows; DROP TABLE k_transactions; CREATE TABLE mine (a int)");
    lab.run(&["migrate", "--service", R])
        .exits(3)
        .says("no migration history but is not empty");
    assert_eq!(tables(&lab, "ksocial"), ["mine"]);
}

#[test]
fn one_server_that_is_down_does_not_stop_the_others() {
    let mut lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    lab.env.insert(
        "SIMPLY_KASPA_URL".to_owned(),
        format!(
            "postgresql://u:c4nary@127.0.0.1:{}/{}",
            free_port(),
            lab.db("simply_kaspa")
        ),
    );
    let report = lab.json(&["migrate"], 4);
    let outcome = |name: &str| {
        report["services"]
            .as_array()
            .unwrap()
            .iter()
            .find(|service| service["name"] == name)
            .unwrap()["outcome"]
            .clone()
    };
    assert_eq!(
        (outcome(K), outcome(S), outcome(R)),
        ("migrated".into(), "unreachable".into(), "migrated".into())
    );
    assert_eq!(tables(&lab, "ksocial"), K_TABLES);
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[test]
fn a_service_that_is_not_configured_or_has_no_database_is_said_and_done() {
    let lab = Lab::new();
    std::fs::write(
        lab.path().join("dbctl.toml"),
        "version = 1\n[services.a]\nstore = \"postgres\"\nset = \"rgb_users\"\ndatabase = \"x\"\nurl = { env = \"NOBODY\" }\noptional = true\n\
         [services.b]\nstore = \"files\"\nengine = \"rocksdb\"\n",
    )
    .unwrap();
    lab.run(&["migrate"])
        .exits(0)
        .says("single-user mode")
        .says("no SQL database");
    lab.run(&["status"]).exits(0).says("single-user mode");
}

#[test]
fn a_version_that_no_set_has_is_no_target() {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    let before = lab.sql("rgb_lightning_node", "SELECT count(*) FROM pg_class");
    lab.run(&["migrate", "-s", R, "--target", "99"])
        .exits(2)
        .says("there is no version 99: the newest is ")
        .says(" in set rgb_users");
    assert_eq!(
        lab.sql("rgb_lightning_node", "SELECT count(*) FROM pg_class"),
        before
    );
    // Another chosen service's set may have it.
    lab.run(&["migrate", "--target", "3"]).exits(0);
}
