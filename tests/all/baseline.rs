//! `baseline` on real servers: a database that has the schema is adopted, and only one that has; and nothing else is written.

use crate::lab::{K, Lab, R, Run, S, binaries};
use crate::shop::Shop;

const DB: &str = "rgb_lightning_node";
const ROLE: &str = "rgb_user";

/// The SQL of a built-in set up to this version, as somebody would run it by hand.
fn by_hand(set: &str, upto: i32) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(set);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".sql") && !name.ends_with(".down.sql")
        })
        .collect();
    files.sort();
    let version = |path: &std::path::Path| -> i32 {
        let name = path.file_name().unwrap().to_str().unwrap();
        name[1..].split_once("__").unwrap().0.parse().unwrap()
    };
    files
        .iter()
        .filter(|path| version(path) <= upto)
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// The built-in services, provisioned; the RGB node's schema made by hand up to this version.
fn made_by_hand(upto: i32) -> Lab {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    as_role(&lab, &by_hand("rgb_users", upto));
    lab
}

#[track_caller]
fn as_role(lab: &Lab, sql: &str) -> String {
    lab.sql_as(DB, ROLE, sql).unwrap()
}

fn baseline(lab: &Lab, args: &[&str]) -> Run {
    lab.run(&[&["baseline", "--service", R], args].concat())
}

/// Everything in the catalog and in the tables that dbctl writes: it must stand still where nothing is to be written.
fn everything(lab: &Lab) -> String {
    let there =
        |table: &str| lab.sql(DB, &format!("SELECT to_regclass('{table}') IS NOT NULL")) == "t";
    let mut seen = lab.sql(DB, "SELECT oid, xmin, relname FROM pg_class ORDER BY oid");
    for table in ["dbctl.identity", "refinery_schema_history"] {
        if there(table) {
            seen.push_str(&lab.sql(DB, &format!("SELECT xmin, * FROM {table} ORDER BY ctid")));
        }
    }
    seen
}

/// Asserts that a run is refused with these words and has written nothing.
#[track_caller]
fn refused(lab: &Lab, args: &[&str], code: i32, words: &[&str]) {
    let before = everything(lab);
    let mut run = baseline(lab, args).exits(code);
    for word in words {
        run = run.says(word);
    }
    assert_eq!(everything(lab), before, "something was written");
}

#[test]
fn a_schema_made_by_hand_is_adopted_and_migrated_further() {
    for upto in [4, 2] {
        let lab = made_by_hand(upto);
        lab.run(&["migrate", "--service", R])
            .exits(3)
            .says("no migration history but is not empty")
            .says("dbctl baseline");
        let before = everything(&lab);
        baseline(&lab, &["--dry-run"])
            .exits(0)
            .says("proven, would be adopted")
            .says("nothing was written");
        assert_eq!(everything(&lab), before);

        let report = lab.json(&["baseline", "--service", R], 0);
        let service = &report["services"][0];
        assert_eq!(service["outcome"], "adopted", "{report}");
        assert_eq!(service["version"], upto, "{report}");
        let versions = |key: &str| -> Vec<i64> {
            let list = service[key].as_array().unwrap();
            list.iter()
                .map(|one| one["version"].as_i64().unwrap())
                .collect()
        };
        assert_eq!(
            versions("recorded"),
            (1..=i64::from(upto)).collect::<Vec<_>>()
        );
        assert_eq!(
            versions("pending"),
            (i64::from(upto) + 1..=4).collect::<Vec<_>>()
        );
        assert_eq!(
            lab.sql(DB, "SELECT service, set_name FROM dbctl.identity"),
            format!("{R}|rgb_users")
        );

        let migrated = lab.json(&["migrate", "--service", R], 0);
        let applied = migrated["services"][0]["applied"].as_array().unwrap().len();
        assert_eq!(applied, 4 - usize::try_from(upto).unwrap(), "{migrated}");
        lab.run(&["verify", "--service", R]).exits(0);
        lab.run(&["status", "--service", R])
            .exits(0)
            .says("up to date");
        baseline(&lab, &[])
            .exits(3)
            .says("already under dbctl")
            .says("goes on from there");
    }
}

#[test]
fn the_rows_are_those_that_migrate_writes() {
    let rows = |lab: &Lab| {
        lab.sql(
            DB,
            "SELECT version, name, checksum, applied_on::timestamptz > now() - interval '5min', applied_on ~ '^\\d{4}-\\d\\d-\\d\\dT.*Z$' \
             FROM refinery_schema_history ORDER BY version",
        )
    };
    let columns = |lab: &Lab| {
        lab.sql(
            DB,
            "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute a \
             JOIN pg_class c ON c.oid = a.attrelid WHERE c.relname IN ('refinery_schema_history', 'identity') AND a.attnum > 0 ORDER BY 1, a.attnum",
        )
    };
    let (adopted, migrated) = (made_by_hand(4), Lab::migrated());
    baseline(&adopted, &[]).exits(0);
    assert_eq!(rows(&adopted), rows(&migrated));
    assert_eq!(columns(&adopted), columns(&migrated));
}

#[test]
fn hypertables_are_adopted_too() {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    for (database, role, set, service) in [
        ("ksocial", "k_social_user", "k_social", K),
        ("simply_kaspa", "simply_kaspa_user", "simply_kaspa", S),
    ] {
        lab.sql_as(database, role, &by_hand(set, 99)).unwrap();
        lab.run(&["baseline", "--service", service])
            .exits(0)
            .says("nothing is pending");
        lab.run(&["verify", "--service", service]).exits(0);
    }
}

#[test]
fn an_older_version_that_was_asked_for_must_be_the_one_that_is_there() {
    let lab = made_by_hand(2);
    refused(
        &lab,
        &["--version", "4"],
        3,
        &[
            "does not have the schema of V4",
            "missing table public.virtual_channels",
        ],
    );
    refused(
        &lab,
        &["--version", "1"],
        3,
        &["does not have the schema of V1", "extra table"],
    );
    refused(
        &lab,
        &["--version", "9"],
        2,
        &["there is no version 9: the newest is 4 in set rgb_users"],
    );
    baseline(&lab, &["--version", "2"])
        .exits(0)
        .says("2 migrations are pending");
}

#[test]
fn what_differs_is_named() {
    let lab = made_by_hand(4);
    as_role(
        &lab,
        "ALTER TABLE ln_user_wallets ALTER COLUMN mnemonic_encrypted DROP NOT NULL; ALTER TABLE virtual_channels ADD COLUMN stray int; \
         DROP TABLE ln_user_addresses",
    );
    let before = everything(&lab);
    let report = lab.json(&["baseline", "--service", R], 3);
    let service = &report["services"][0];
    assert_eq!(service["outcome"], "differs", "{report}");
    assert_eq!(service["version"], 4, "{report}");
    let all: Vec<String> = service["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {} {}",
                text(&one["what"]),
                text(&one["object"]["name"]),
                text(&one["attribute"]),
                text(&one["expected"]),
                text(&one["actual"])
            )
        })
        .collect();
    assert_eq!(
        all,
        [
            "missing ln_user_addresses - - -",
            "extra virtual_channels.stray - - -",
            "changed ln_user_wallets.mnemonic_encrypted not_null true -",
        ],
        "{report}"
    );
    assert_eq!(everything(&lab), before);
    refused(
        &lab,
        &[],
        3,
        &[
            "V4 comes nearest: 3 differences; give the database what the set makes, or the set what the database has (and dbctl lock \
             --service rgb-lightning-node), and run dbctl baseline --service rgb-lightning-node again",
            "changed column public.ln_user_wallets.mnemonic_encrypted: not_null is nothing, expected true",
        ],
    );
    // The table shows no more than a screen of them.
    let many: String = (0..30)
        .map(|n| format!("CREATE TABLE extra_{n} (a int);"))
        .collect();
    as_role(&lab, &many);
    refused(&lab, &[], 3, &["33 differences", "and 13 more"]);
}

#[test]
fn a_foreign_or_empty_database_is_refused() {
    let mut lab = Lab::migrated();
    refused(&lab, &[], 3, &["already under dbctl"]);
    lab.sql(DB, "DROP SCHEMA dbctl CASCADE");
    refused(
        &lab,
        &[],
        3,
        &["has refinery's history already", "stamps it"],
    );
    // Another service's, by its name, its stamp, its history and its tables.
    let (own, k) = (lab.db(DB), lab.db("ksocial"));
    lab.env.insert(
        "RGB_USERS_URL".to_owned(),
        lab.url("ksocial", "k_social_user"),
    );
    baseline(&lab, &[]).exits(3).says(&own).says(&k);
    lab.env.remove("RGB_USERS_URL");
    lab.env.insert(
        "RGB_USERS_PW".to_owned(),
        crate::lab::password("k_social_user"),
    );
    let as_k = |lab: &Lab| {
        lab.edit(&format!("database = \"{k}\""), "database = \"elsewhere\"");
        lab.edit(
            &format!("database = \"{own}\""),
            &format!("database = \"{k}\""),
        );
        lab.edit(&lab.db(ROLE), &lab.db("k_social_user"));
    };
    as_k(&lab);
    let before = lab.sql("ksocial", "SELECT oid, xmin FROM pg_class ORDER BY 1");
    baseline(&lab, &[])
        .exits(3)
        .says("belongs to service k-indexer");
    assert_eq!(
        lab.sql("ksocial", "SELECT oid, xmin FROM pg_class ORDER BY 1"),
        before
    );
    lab.sql("ksocial", "DROP SCHEMA dbctl CASCADE");
    baseline(&lab, &[])
        .exits(3)
        .says("holds the history of k-indexer");
    lab.sql("ksocial", "DROP TABLE refinery_schema_history");
    baseline(&lab, &[])
        .exits(3)
        .says("tables of another service");
    assert_eq!(lab.sql("ksocial", "SELECT to_regclass('refinery_schema_history') IS NULL AND to_regclass('dbctl.identity') IS NULL"), "t");

    let empty = Lab::new();
    empty.run(&["provision", "-q"]).exits(0);
    refused(
        &empty,
        &[],
        3,
        &[
            "is empty",
            "dbctl migrate --service rgb-lightning-node makes the schema",
        ],
    );
}

#[test]
fn a_database_that_takes_no_writes_is_refused() {
    let lab = made_by_hand(4);
    let (database, role) = (lab.db(DB), lab.db(ROLE));
    lab.sql(
        "postgres",
        &format!("ALTER DATABASE {database} SET default_transaction_read_only = on"),
    );
    refused(&lab, &[], 4, &["starts read-only"]);
    lab.sql("postgres", &format!("SET default_transaction_read_only = off; ALTER DATABASE {database} RESET default_transaction_read_only"));
    lab.sql("postgres", &format!("ALTER DATABASE {database} OWNER TO postgres; REVOKE CREATE ON DATABASE {database} FROM {role}; GRANT CONNECT ON DATABASE {database} TO {role}"));
    lab.sql(DB, &format!("GRANT USAGE ON SCHEMA public TO {role}"));
    refused(&lab, &["--dry-run"], 4, &["may not create schemas"]);
}

#[test]
fn what_another_role_owns_is_refused_unless_the_service_may_act_for_it() {
    let lab = made_by_hand(4);
    let (role, builder) = (lab.db(ROLE), format!("builder_{}", lab.suffix));
    lab.sql("postgres", &format!("CREATE ROLE {builder}"));
    lab.sql(
        DB,
        &format!("GRANT USAGE, CREATE ON SCHEMA public TO {builder}; ALTER TABLE virtual_channels OWNER TO {builder}"),
    );
    refused(
        &lab,
        &[],
        3,
        &["table public.virtual_channels", &builder, "OWNER TO"],
    );
    lab.sql("postgres", &format!("GRANT {builder} TO {role}"));
    baseline(&lab, &["--dry-run"]).exits(0);
    lab.sql(
        DB,
        &format!("DROP OWNED BY {builder} CASCADE; DROP ROLE {builder}"),
    );
}

#[test]
fn a_lock_that_proves_nothing_is_refused() {
    let mut lab = Lab::new();
    lab.own_services(&["a"]);
    lab.run(&["provision", "-q"]).exits(0);
    let run = |lab: &Lab| lab.run(&["baseline", "--service", "a"]);
    run(&lab)
        .exits(3)
        .says("has no schema lock")
        .says("dbctl lock");
    locked(&lab);
    lab.write("sql/a/V5__five.sql", "CREATE TABLE a_five (a int);");
    run(&lab)
        .exits(3)
        .says("older than its set")
        .says("dbctl lock");
    std::fs::remove_file(lab.path().join("sql/a/V5__five.sql")).unwrap();
    let path = lab.path().join("sql/a/schema.lock");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, objects) = (
        text.split_once("[[migration]]").unwrap().0,
        text.split_once("[[object]]").unwrap().1,
    );
    std::fs::write(&path, format!("{head}[[object]]{objects}")).unwrap();
    run(&lab)
        .exits(3)
        .says("does not tell the set's versions apart");
    assert_eq!(
        lab.sql("a", "SELECT to_regclass('dbctl.identity') IS NULL"),
        "t"
    );
}

/// Writes the lock of service `a`.
#[track_caller]
fn locked(lab: &Lab) {
    let bin = binaries(17, false)
        .expect("PostgreSQL 17: run ./test.sh")
        .bin;
    lab.run(&[
        "lock",
        "-q",
        "--service",
        "a",
        "--postgres-bin",
        bin.to_str().unwrap(),
    ])
    .exits(0);
}

#[test]
fn versions_that_leave_the_same_catalog_are_told() {
    let mut lab = Lab::new();
    lab.own_services(&["a"]);
    lab.run(&["provision", "-q"]).exits(0);
    lab.write("sql/a/V3__rows.sql", "INSERT INTO a_two VALUES (1);");
    locked(&lab);
    lab.sql_as(
        "a",
        "a",
        "CREATE TABLE a_one (a int PRIMARY KEY); CREATE TABLE a_two (a int PRIMARY KEY)",
    )
    .unwrap();
    lab.run(&["baseline", "--service", "a", "--dry-run"])
        .exits(0)
        .says("V2 and V3 leave the same catalog")
        .says("--version 2");
    lab.run(&["baseline", "--service", "a", "--version", "2"])
        .exits(0);
    lab.run(&["migrate", "-q", "--service", "a"]).exits(0);
    assert_eq!(lab.sql("a", "SELECT count(*) FROM a_two"), "1");
}

const SQLX: &str = "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, \
    installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL); \
    INSERT INTO _sqlx_migrations VALUES (20240101, 'wallets', now(), true, '\\x00', 1), (20240202, 'ledgers', now(), true, '\\x00', 1)";

#[test]
fn another_tools_history_is_recognised_and_does_not_count() {
    let lab = made_by_hand(4);
    as_role(&lab, SQLX);
    lab.run(&["migrate", "--service", R])
        .exits(3)
        .says("sqlx's history (public._sqlx_migrations)")
        .says("dbctl baseline");
    let report = lab.json(&["baseline", "--service", R], 0);
    let history = &report["services"][0]["other_histories"][0];
    assert_eq!(history["tool"], "sqlx", "{report}");
    assert_eq!(history["applied"], 2, "{report}");
    assert_eq!(history["newest"], "20240202 ledgers", "{report}");
    let notes = report["services"][0]["notes"].to_string();
    assert!(notes.contains("must not do so any more"), "{report}");
    lab.run(&["migrate", "--service", R]).exits(0);
    lab.run(&["verify", "--service", R])
        .says("_sqlx_migrations");
    as_role(&lab, "DROP TABLE _sqlx_migrations");
    let clean = lab.run(&["verify", "--service", R]).exits(0);
    assert!(!clean.all().contains("_sqlx_migrations"), "{}", clean.all());
}

/// With nothing else in the database neither verb sends to the other.
#[test]
fn another_tools_history_alone_is_nothing_to_adopt() {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    as_role(&lab, SQLX);
    for verb in ["migrate", "baseline"] {
        let run = lab.run(&[verb, "--service", R]).exits(3);
        let run = run
            .says("nothing else, so there is nothing to adopt")
            .says("DROP TABLE public._sqlx_migrations, and dbctl migrate");
        assert!(!run.all().contains("dbctl baseline"), "{}", run.all());
    }
    as_role(&lab, "DROP TABLE _sqlx_migrations");
    lab.run(&["migrate", "--service", R]).exits(0);
}

#[test]
fn every_tool_is_told_by_its_table() {
    let cases: [(&str, &str, Option<i64>, Option<&str>); 14] = [
        (
            "Flyway",
            "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200), type varchar(20), \
             script varchar(1000), checksum int, installed_by varchar(100), installed_on timestamp DEFAULT now(), execution_time int, success boolean); \
             CREATE INDEX flyway_schema_history_s_idx ON flyway_schema_history (success); \
             INSERT INTO flyway_schema_history (installed_rank, version, description, success) VALUES (1, '9', 'nine', true), (2, '10', 'ten', true), (3, '11', 'broken', false)",
            Some(2),
            Some("10 ten"),
        ),
        (
            "Alembic",
            "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); INSERT INTO alembic_version VALUES ('ae1027a6acf')",
            None,
            Some("ae1027a6acf"),
        ),
        (
            "dbmate",
            "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY); INSERT INTO schema_migrations VALUES ('20240101')",
            Some(1),
            Some("20240101"),
        ),
        (
            "golang-migrate",
            "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (7, true)",
            None,
            Some("7 (dirty)"),
        ),
        (
            "Ecto",
            "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp(0)); INSERT INTO schema_migrations VALUES (20240101, now())",
            Some(1),
            Some("20240101"),
        ),
        (
            "Rails",
            "CREATE TABLE schema_migrations (version varchar PRIMARY KEY); CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar); \
             INSERT INTO schema_migrations VALUES ('20240101')",
            Some(1),
            Some("20240101"),
        ),
        (
            "Knex",
            "CREATE TABLE knex_migrations (id serial PRIMARY KEY, name varchar(255), batch int, migration_time timestamptz); \
             CREATE TABLE knex_migrations_lock (index serial PRIMARY KEY, is_locked int); INSERT INTO knex_migrations (name, batch) VALUES ('a.js', 1), ('b.js', 1)",
            Some(2),
            Some("b.js"),
        ),
        (
            "Diesel",
            "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp DEFAULT now()); INSERT INTO __diesel_schema_migrations VALUES ('1')",
            Some(1),
            Some("1"),
        ),
        (
            "Prisma",
            "CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64), finished_at timestamptz, migration_name varchar(255), logs text, \
             rolled_back_at timestamptz, started_at timestamptz, applied_steps_count int); \
             INSERT INTO _prisma_migrations (id, migration_name, finished_at) VALUES ('a', '1_init', now()), ('b', '2_open', NULL)",
            Some(1),
            Some("1_init"),
        ),
        (
            "Atlas",
            "CREATE SCHEMA atlas_schema_revisions; CREATE TABLE atlas_schema_revisions.atlas_schema_revisions (version varchar PRIMARY KEY, description varchar, \
             type bigint, applied bigint, total bigint); INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('.atlas_cloud_identifier', '', 0, 0, 0), ('1', 'init', 2, 3, 3)",
            Some(1),
            Some("1 init"),
        ),
        (
            "goose",
            "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint, is_applied boolean, tstamp timestamp DEFAULT now()); \
             INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (3, true)",
            Some(1),
            Some("3"),
        ),
        (
            "Liquibase",
            "CREATE TABLE databasechangelog (id varchar(255), author varchar(255), filename varchar(255), dateexecuted timestamp, orderexecuted int); \
             CREATE TABLE databasechangeloglock (id int PRIMARY KEY, locked boolean); INSERT INTO databasechangelog (id, orderexecuted) VALUES ('one', 1), ('two', 2)",
            Some(2),
            Some("two"),
        ),
        (
            "node-pg-migrate",
            "CREATE TABLE pgmigrations (id serial PRIMARY KEY, name varchar(255), run_on timestamp); INSERT INTO pgmigrations (name) VALUES ('1_a')",
            Some(1),
            Some("1_a"),
        ),
        (
            "refinery",
            "CREATE SCHEMA other; CREATE TABLE other.refinery_schema_history (version int4 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255)); \
             INSERT INTO other.refinery_schema_history VALUES (3, 'x', 'y', 'z')",
            Some(1),
            Some("3 x"),
        ),
    ];
    let lab = made_by_hand(4);
    let made = "DROP SCHEMA IF EXISTS other, atlas_schema_revisions CASCADE; DROP TABLE IF EXISTS flyway_schema_history, alembic_version, schema_migrations, \
        ar_internal_metadata, knex_migrations, knex_migrations_lock, __diesel_schema_migrations, _prisma_migrations, goose_db_version, databasechangelog, \
        databasechangeloglock, pgmigrations";
    for (tool, sql, applied, newest) in cases {
        as_role(&lab, made);
        as_role(&lab, sql);
        let report = lab.json(&["baseline", "--service", R, "--dry-run"], 0);
        let histories = report["services"][0]["other_histories"].as_array().unwrap();
        assert_eq!(histories.len(), 1, "{tool}: {report}");
        assert_eq!(histories[0]["tool"], tool, "{report}");
        assert_eq!(histories[0]["applied"].as_i64(), applied, "{report}");
        assert_eq!(histories[0]["newest"].as_str(), newest, "{report}");
    }
    // What merely has such a name is a difference, and so is what hangs on such a table.
    as_role(&lab, made);
    as_role(
        &lab,
        "CREATE TABLE schema_migrations (version text, note text)",
    );
    refused(&lab, &[], 3, &["extra table public.schema_migrations"]);
    as_role(&lab, made);
    as_role(
        &lab,
        &format!("{SQLX}; CREATE RULE spy AS ON INSERT TO _sqlx_migrations DO ALSO NOTIFY x"),
    );
    refused(&lab, &[], 3, &["extra rule"]);
}

#[test]
fn a_service_that_migrates_itself_is_told() {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    for (database, role, set, service, table, value) in [
        ("ksocial", "k_social_user", "k_social", K, "k_vars", "2"),
        (
            "simply_kaspa",
            "simply_kaspa_user",
            "simply_kaspa",
            S,
            "vars",
            "23",
        ),
    ] {
        lab.sql_as(database, role, &by_hand(set, 99)).unwrap();
        lab.sql_as(
            database,
            role,
            &format!("INSERT INTO {table} (key, value) VALUES ('schema_version', '{value}')"),
        )
        .unwrap();
        lab.run(&["baseline", "--service", service])
            .exits(0)
            .says(&format!("public.{table} says schema_version {value}"))
            .says("managed = \"service\"");
    }
    lab.edit(
        "set = \"k_social\"",
        "set = \"k_social\"\nmanaged = \"service\"",
    );
    lab.run(&["baseline", "--service", K])
        .exits(3)
        .says("migrates itself");
}

#[test]
fn somebody_who_works_there_is_waited_for_and_named() {
    let lab = made_by_hand(4);
    as_role(
        &lab,
        "CREATE TABLE IF NOT EXISTS refinery_schema_history (version int4 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255))",
    );
    let holder = crate::shop::Holder::new(&lab, "SELECT pg_advisory_lock(x'646263746c'::bigint);");
    refused(
        &lab,
        &["--lock-timeout", "300ms"],
        6,
        &["another runner works on this database"],
    );
    holder.release();
    let holder = crate::shop::Holder::new(
        &lab,
        "BEGIN; LOCK TABLE refinery_schema_history IN ROW EXCLUSIVE MODE;",
    );
    refused(
        &lab,
        &["--lock-timeout", "300ms"],
        6,
        &["nothing was written"],
    );
    holder.release();
    // A migration that was cut off is no schema to adopt, whatever the catalog is like.
    as_role(
        &lab,
        "CREATE SCHEMA dbctl; CREATE TABLE dbctl.progress (version int, statement int, sum text, done boolean, indexes oid[]); \
         INSERT INTO dbctl.progress VALUES (1, 1, '', true, '{}')",
    );
    refused(&lab, &[], 3, &["V1 is not finished"]);
    as_role(&lab, "DROP SCHEMA dbctl CASCADE");
    baseline(&lab, &[]).exits(0);
}

#[test]
fn a_database_that_is_not_reached_is_told() {
    let mut lab = made_by_hand(4);
    let port = crate::migrate::free_port();
    lab.env.insert(
        "RGB_USERS_URL".to_owned(),
        format!("postgresql://u:c4nary@127.0.0.1:{port}/{}", lab.db(DB)),
    );
    baseline(&lab, &[]).exits(4).says(&port.to_string());
}

/// The order of columns is in no lock, and what reads by position meets another column: told, and adopted.
#[test]
fn columns_in_another_order_are_told_and_adopted() {
    let files = [
        (
            "V1__one.sql",
            "CREATE TABLE one (a int, b text, gone int, c int);\nCREATE TABLE same (x int, y int);",
        ),
        (
            "V2__two.sql",
            "ALTER TABLE one DROP COLUMN gone;\nALTER TABLE one RENAME COLUMN b TO name;\nALTER TABLE one RENAME TO first;",
        ),
        ("V3__three.sql", "ALTER TABLE first ADD COLUMN d int;"),
    ];
    for (made, told) in [
        (
            "CREATE TABLE first (d int, a int, name text, c int); CREATE TABLE same (x int, y int)",
            Some(
                "public.first (d, a, name, c; the set: a, name, c, d); INSERT and COPY without a list of columns",
            ),
        ),
        (
            "CREATE TABLE first (a int, name text, c int, x int, d int); ALTER TABLE first DROP x; CREATE TABLE same (x int, y int)",
            None,
        ),
    ] {
        let shop = Shop::new(&files);
        shop.lab.run(&["lock", "-q"]).exits(0);
        shop.lab.sql_as(DB, ROLE, made).unwrap();
        for args in [&["--dry-run"][..], &[]] {
            let run = baseline(&shop.lab, args).exits(0);
            match told {
                Some(told) => {
                    assert!(
                        run.all()
                            .contains("columns stand in another order than the set makes them"),
                        "{}",
                        run.all()
                    );
                    let said = run.all().split_whitespace().collect::<Vec<_>>().join(" ");
                    assert!(said.contains(told), "{said}");
                }
                None => assert!(!run.all().contains("another order"), "{}", run.all()),
            }
        }
        assert_eq!(shop.history(), "1 one, 2 two, 3 three");
    }
}

/// `-V` is the version of dbctl for every other command: taken for that here it would adopt nothing and end with 0.
#[test]
fn the_short_form_of_the_version_is_refused_with_what_is_meant() {
    let lab = Lab::new();
    for args in [
        &["-V"][..],
        &["--service", "x", "-V", "3"],
        &["--service", "x", "-V3"],
    ] {
        lab.run(&[&["baseline"], args].concat())
            .exits(2)
            .says("here --version N is the version whose schema the database has")
            .says("dbctl -V tells the version of dbctl");
    }
}
