//! `rollback` on real servers: down to any version and up again, and nothing lost that was not given up.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::lab::{K, Lab, R, Run, S, binaries, start};
use crate::shop::{DB, ROLE, Shop, join, send};
use crate::verify_access::control;

/// Everything that a database's own catalog holds, and the history.
fn dump(lab: &Lab, database: &str) -> String {
    lab.sql(
        database,
        "SELECT oid, xmin, relname, relkind FROM pg_class WHERE oid >= 16384 ORDER BY oid; \
         SELECT attrelid, attnum, attname, xmin FROM pg_attribute WHERE attrelid >= 16384 ORDER BY 1, 2; \
         SELECT * FROM refinery_schema_history ORDER BY version; SELECT * FROM dbctl.identity",
    )
}

fn versions(lab: &Lab, database: &str) -> String {
    lab.sql(
        database,
        "SELECT coalesce(string_agg(version::text, ' ' ORDER BY version), '') FROM refinery_schema_history",
    )
}

/// A lab with one service `a` of three migrations, provisioned and migrated; the down scripts are given.
fn shop(downs: &[(&str, &str)]) -> Lab {
    let mut lab = Lab::new();
    lab.own_services(&["a"]);
    for (name, sql) in downs {
        lab.write(&format!("sql/a/{name}.down.sql"), sql);
    }
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    lab
}

/// Down scripts for all of its migrations.
const ALL: [(&str, &str); 3] = [
    ("V1__one", "DROP TABLE a_one;"),
    ("V2__two", "DROP TABLE a_two;"),
    ("V4__four", "DROP TABLE a_four;"),
];

/// Takes service `a` back, whatever is lost.
fn take_back(lab: &Lab, target: &str) -> Run {
    lab.run(&[
        "rollback",
        "--service",
        "a",
        "--target",
        target,
        "--allow-data-loss",
    ])
}

fn tables(lab: &Lab) -> String {
    lab.sql(
        "a",
        "SELECT coalesce(string_agg(tablename, ' ' ORDER BY tablename), '') FROM pg_tables \
         WHERE schemaname = 'public' AND tablename <> 'refinery_schema_history'",
    )
}

#[test]
fn all_sets_go_down_to_nothing_and_up_again() {
    let lab = Lab::migrated();
    for (service, database, newest) in [
        (K, "ksocial", 5),
        (S, "simply_kaspa", 6),
        (R, "rgb_lightning_node", 4),
    ] {
        // The first rows of the indexers' state are data: they cannot be told from what an indexer wrote.
        let report = lab.json(
            &[
                "rollback",
                "--service",
                service,
                "--target",
                "0",
                "--allow-data-loss",
            ],
            0,
        );
        let run = &report["services"][0];
        assert_eq!(run["outcome"], "rolled_back", "{report}");
        assert_eq!(run["from"], newest, "{report}");
        let done: Vec<i64> = run["rolled_back"]
            .as_array()
            .unwrap()
            .iter()
            .map(|done| done["version"].as_i64().unwrap())
            .collect();
        assert_eq!(done, (1..=newest).rev().collect::<Vec<i64>>(), "{report}");
        let lost: Vec<&str> = run["losses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|loss| loss["object"].as_str().unwrap())
            .collect();
        let seeds: &[&str] = match service {
            K => &["table public.k_vars", "table public.vars"],
            S => &["table public.vars"],
            _ => &[],
        };
        assert_eq!(lost, seeds, "{report}");
        assert_eq!(versions(&lab, database), "");
        let left = lab.sql(
            database,
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname !~ '^pg_|^information_schema$|^dbctl$' AND c.relname !~ '^refinery_schema_history'; \
             SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql'; SELECT service FROM dbctl.identity",
        );
        assert_eq!(left, format!("0\n0\n{service}"));
        lab.run(&["rollback", "--service", service, "--target", "0"])
            .exits(0)
            .says("already at version 0, nothing was changed");
    }
    lab.run(&["migrate", "-q"]).exits(0);
    let report = lab.json(&["verify"], 0);
    assert_eq!(report["summary"]["error"], 0, "{report}");
}

#[test]
fn hypertables_become_plain_tables_with_the_same_rows_and_back() {
    let lab = Lab::migrated();
    let post = |number: u32, day: u32| {
        format!(
            "INSERT INTO k_posts (time, transaction_id, author_address, content, block_time, block_hash) \
             VALUES ('2026-01-{day:02}', decode(lpad('{number}', 64, '0'), 'hex'), 'a', 'b', '2026-01-{day:02}', decode(repeat('ab', 32), 'hex'));"
        )
    };
    for number in 1..=9 {
        lab.sql("ksocial", &post(number, number));
    }
    // An id that was used is never used again.
    lab.sql("ksocial", "DELETE FROM k_posts WHERE id = 9");
    lab.sql(
        "ksocial",
        "UPDATE k_posts SET likes_count = 7 WHERE id = 3; INSERT INTO k_user_profiles (address) VALUES ('x'); DELETE FROM k_user_profiles",
    );
    let facts = "SELECT * FROM k_posts ORDER BY id; SELECT col_description('k_posts'::regclass, 1), obj_description('k_posts'::regclass); \
                 SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'k_posts'::regclass AND contype <> 'n' ORDER BY 1; \
                 SELECT pg_get_serial_sequence('k_posts', 'id'), relowner::regrole FROM pg_class WHERE oid = 'k_posts'::regclass";
    let before = lab.sql("ksocial", facts);
    lab.run(&["rollback", "--service", K, "--target", "2"])
        .exits(0)
        .says("3 migrations taken back");
    assert_eq!(lab.sql("ksocial", facts), before);
    assert_eq!(versions(&lab, "ksocial"), "1 2");
    let hypertables = "SELECT count(*) FROM timescaledb_information.hypertables";
    assert_eq!(lab.sql("ksocial", hypertables), "0");
    lab.sql("ksocial", &post(10, 10));
    assert_eq!(lab.sql("ksocial", "SELECT max(id) FROM k_posts"), "10");
    let before = lab.sql("ksocial", facts);
    lab.run(&["migrate", "-q"]).exits(0);
    assert_eq!(lab.sql("ksocial", facts), before);
    assert_eq!(lab.sql("ksocial", hypertables), "4");
    lab.run(&["verify", "--service", K]).exits(0);
}

#[test]
fn every_row_of_every_hypertable_is_kept() {
    let lab = Lab::migrated();
    let filled = crate::rows::fill(&lab);
    let digest = |database: &str, tables: &[&str]| -> Vec<String> {
        let one = |table: &&str| {
            lab.sql(
                database,
                &format!("SELECT '{table}', count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"),
            )
        };
        tables.iter().map(one).collect()
    };
    let before = filled
        .each_ref()
        .map(|(database, tables)| digest(database, tables));
    assert!(
        before.iter().flatten().all(|line| line.contains("|500|")),
        "{before:?}"
    );
    for (service, target) in [(K, "2"), (S, "3")] {
        lab.run(&["rollback", "--service", service, "--target", target])
            .exits(0);
    }
    let plain = filled
        .each_ref()
        .map(|(database, tables)| digest(database, tables));
    assert_eq!(plain, before);
    lab.run(&["migrate", "-q"]).exits(0);
    let again = filled
        .each_ref()
        .map(|(database, tables)| digest(database, tables));
    assert_eq!(again, before);
    lab.run(&["verify"]).exits(0);
}

#[test]
fn an_extension_that_was_there_before_the_first_migration_stays() {
    let lab = Lab::new();
    lab.run(&["provision", "-q", "--service", K]).exits(0);
    lab.sql("ksocial", "CREATE EXTENSION timescaledb");
    lab.run(&["migrate", "-q", "--service", K]).exits(0);
    lab.run(&[
        "rollback",
        "--service",
        K,
        "--target",
        "0",
        "--allow-data-loss",
    ])
    .exits(0);
    assert_eq!(
        lab.sql(
            "ksocial",
            "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'; SELECT count(*) FROM pg_tables WHERE tablename LIKE '%vars'"
        ),
        "1\n0"
    );
    lab.run(&["migrate", "-q", "--service", K]).exits(0);
}

#[test]
fn what_holds_rows_is_not_lost_unasked() {
    let lab = shop(&ALL);
    lab.sql("a", "INSERT INTO a_two VALUES (1)");
    let before = dump(&lab, "a");
    let run = lab
        .run(&["rollback", "--service", "a", "--target", "0"])
        .exits(3)
        .says("table public.a_two is gone and held rows")
        .says("data would be lost; nothing was changed: the database is still at version 4")
        .says("--allow-data-loss");
    assert!(!run.all().contains("a_four is gone") && !run.all().contains("a_one is gone"));
    assert_eq!(dump(&lab, "a"), before);
    let report = lab.json(&["rollback", "--service", "a", "--target", "1"], 3);
    let run = &report["services"][0];
    assert_eq!(
        (&run["outcome"], &run["from"]),
        (&"data_loss".into(), &4.into())
    );
    assert_eq!(run["losses"][0]["object"], "table public.a_two", "{report}");
    assert_eq!(run["rolled_back"].as_array().unwrap().len(), 0, "{report}");

    // What holds none is no loss.
    lab.run(&["rollback", "--service", "a", "--target", "2"])
        .exits(0);
    assert_eq!(
        (tables(&lab).as_str(), versions(&lab, "a").as_str()),
        ("a_one a_two", "1 2")
    );
    let run = lab
        .run(&[
            "rollback",
            "--service",
            "a",
            "--target",
            "0",
            "--allow-data-loss",
        ])
        .exits(0)
        .says("Data that was lost:\n  table public.a_two is gone and held rows")
        .says("2 migrations taken back");
    assert!(!run.all().contains("would be lost"));
    assert_eq!(
        (tables(&lab).as_str(), versions(&lab, "a").as_str()),
        ("", "")
    );
    lab.run(&["migrate", "-q"]).exits(0);
    assert_eq!(tables(&lab), "a_four a_one a_two");
}

#[test]
fn every_way_to_lose_rows_is_seen() {
    // The table stays in all of them.
    let cases = [
        (
            "DELETE FROM kept WHERE id = 1",
            "table public.kept had 1 row deleted",
        ),
        (
            "UPDATE kept SET note = NULL",
            "table public.kept had 3 rows updated",
        ),
        (
            "TRUNCATE kept",
            "table public.kept is empty now and held rows",
        ),
        (
            "CREATE TEMP TABLE t AS SELECT * FROM kept LIMIT 1; TRUNCATE kept; INSERT INTO kept SELECT * FROM t",
            "table public.kept held 3 rows and holds 1 now",
        ),
        (
            "ALTER TABLE kept DROP COLUMN note",
            "column public.kept.note is gone, and its table held rows",
        ),
        (
            "ALTER TABLE kept ALTER COLUMN note TYPE varchar(3) USING left(note, 3)",
            "column public.kept.note was text and is character varying(3) now",
        ),
        (
            "DROP TABLE kept; CREATE TABLE kept (id int, note text); INSERT INTO kept VALUES (1, 'x')",
            "table public.kept held 3 rows and holds 1 now",
        ),
        (
            "CREATE TABLE new AS SELECT id, NULL::text AS note FROM kept; DROP TABLE kept; ALTER TABLE new RENAME TO kept",
            "table public.kept was emptied, rewritten or made anew, and its rows are not what they were",
        ),
        (
            "TRUNCATE part_1",
            "table public.part_1 held 1 row and holds 0 now",
        ),
        (
            "TRUNCATE KEPT; INSERT INTO KEPT VALUES (0, 'seed')",
            "table public.kept held 3 rows and holds 1 now",
        ),
        (
            "CREATE FUNCTION refill() RETURNS void LANGUAGE sql AS 'TRUNCATE kept; INSERT INTO kept SELECT 7 + i, NULL FROM generate_series(1, 3) i'; SELECT refill()",
            "table public.kept was emptied, rewritten or made anew, and its rows are not what they were",
        ),
        (
            "ALTER TABLE kept ALTER note TYPE text USING NULL",
            "table public.kept was emptied, rewritten or made anew, and its rows are not what they were",
        ),
        (
            "ALTER TABLE parted DETACH PARTITION part_1; DROP TABLE part_1",
            "table public.parted lost 1 of its partitions or chunks that held rows",
        ),
        (
            "DROP TABLE parted",
            "table public.parted is gone and held rows",
        ),
        (
            "DROP TABLE hidden",
            "table public.hidden is gone and held rows",
        ),
        (
            "DELETE FROM elsewhere.\"Odd \"\"name\"",
            "table elsewhere.Odd \"name is empty now and held rows",
        ),
        // What loses nothing.
        ("ALTER TABLE kept RENAME TO other", ""),
        (
            "ALTER TABLE kept RENAME COLUMN note TO remark; ALTER TABLE kept ADD COLUMN more int",
            "",
        ),
        ("ALTER TABLE parted DETACH PARTITION part_1", ""),
        (
            "CREATE TABLE new AS TABLE kept; DROP TABLE kept; ALTER TABLE new RENAME TO kept",
            "",
        ),
        ("ALTER TABLE kept ALTER note TYPE text USING note || ''", ""),
        ("CREATE TABLE other AS TABLE kept; DELETE FROM other", ""),
        (
            "CREATE TABLE new (LIKE kept INCLUDING ALL); INSERT INTO new TABLE kept; DROP TABLE kept; ALTER TABLE new RENAME TO kept",
            "",
        ),
        (
            "DROP TABLE empty; CREATE TEMP TABLE scratch AS SELECT 1; DROP TABLE scratch",
            "",
        ),
    ];
    let mut lab = Lab::new();
    lab.own_services(&["a"]);
    lab.write(
        "sql/a/V4__four.sql",
        "CREATE TABLE kept (id int PRIMARY KEY, note text); CREATE TABLE empty (id int); INSERT INTO kept VALUES (1, 'one'), (2, 'two'), (3, '');\n\
         CREATE TABLE parted (id int) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF parted FOR VALUES IN (1);\n\
         CREATE TABLE part_2 PARTITION OF parted FOR VALUES IN (2); INSERT INTO parted VALUES (1), (2);\n\
         CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.\"Odd \"\"name\" (id int); INSERT INTO elsewhere.\"Odd \"\"name\" VALUES (1);\n\
         CREATE TABLE hidden (id int); INSERT INTO hidden VALUES (1);\n\
         ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE hidden FORCE ROW LEVEL SECURITY;",
    );
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    let before = dump(&lab, "a");
    for (sql, loss) in cases {
        lab.write("sql/a/V4__four.down.sql", sql);
        if loss.is_empty() {
            // Not committed: the next case finds everything as it was.
            lab.write("sql/a/V4__four.down.sql", format!("{sql}; SELECT 1/0"));
            let run = lab
                .run(&["rollback", "--service", "a", "--target", "2"])
                .exits(5);
            assert!(
                run.all().contains("division by zero"),
                "{sql}: {}",
                run.all()
            );
        } else {
            lab.run(&["rollback", "--service", "a", "--target", "2"])
                .exits(3)
                .says(loss);
        }
        assert_eq!(dump(&lab, "a"), before, "{sql}");
    }
    // Each by itself on a database of its own that is left at version 2 when nothing speaks against it.
    let harmless = cases.iter().filter(|(_, loss)| loss.is_empty());
    for (sql, _) in harmless {
        let copy = format!("{sql}; SELECT 1");
        lab.write("sql/a/V4__four.down.sql", &copy);
        lab.run(&["rollback", "--service", "a", "--target", "2"])
            .exits(0);
        lab.sql(
            "a",
            "DROP TABLE IF EXISTS kept, other, empty, parted, part_1, hidden; DROP SCHEMA elsewhere CASCADE",
        );
        lab.run(&["migrate", "-q"]).exits(0);
    }
}

#[test]
fn chunks_that_go_are_seen() {
    let lab = Lab::migrated();
    lab.sql(
        "ksocial",
        "INSERT INTO k_posts (time, transaction_id, author_address, content, block_time, block_hash) \
         SELECT t, decode(lpad(extract(day FROM t)::text, 64, '0'), 'hex'), 'a', 'b', t, decode(repeat('ab', 32), 'hex') \
         FROM generate_series('2026-01-01'::timestamptz, '2026-01-09', '1 day') t",
    );
    for set in ["k_social", "simply_kaspa", "rgb_users"] {
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        for entry in std::fs::read_dir(source.join(set)).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            lab.write(&format!("sets/{set}/{file}"), std::fs::read(&path).unwrap());
        }
    }
    let sets = lab.path().join("sets").to_str().unwrap().to_owned();
    let args = [
        "rollback",
        "--service",
        K,
        "--target",
        "4",
        "--sets",
        sets.as_str(),
    ];
    for (sql, loss) in [
        (
            "SELECT drop_chunks('k_posts', '2026-01-04'::timestamptz)",
            "table public.k_posts lost 3 of its partitions or chunks that held rows",
        ),
        (
            "TRUNCATE k_posts",
            "table public.k_posts is empty now and held rows",
        ),
        (
            "DELETE FROM k_posts WHERE time < '2026-01-04'",
            "table public.k_posts had 3 rows deleted",
        ),
        (
            "DROP TABLE k_posts",
            "table public.k_posts is gone and held rows",
        ),
    ] {
        lab.write("sets/k_social/V5__user_profiles.down.sql", sql);
        let run = lab.run(&args).exits(3).says(loss);
        assert!(
            !run.all().contains("_timescaledb_internal"),
            "{}",
            run.all()
        );
        assert_eq!(
            lab.sql("ksocial", "SELECT count(*) FROM k_posts"),
            "9",
            "{sql}"
        );
    }
}

#[test]
fn what_is_not_there_is_refused_before_anything_runs() {
    let lab = shop(&[("V4__four", "DROP TABLE a_four;")]);
    let before = dump(&lab, "a");
    let to = |target: &str| take_back(&lab, target);
    to("0")
        .exits(3)
        .says("set a cannot go back to version 0: V2__two.down.sql, V1__one.down.sql are missing; write each beside its migration, let dbctl lock prove them, and run this again, \
            or go back to version 2, the lowest within reach; nothing was changed");
    to("1").exits(3).says("V2__two.down.sql is missing");
    for target in ["3", "5"] {
        to(target).exits(2).says(&format!(
            "there is no version {target}: the newest is 4 in set a"
        ));
    }
    to("4")
        .exits(0)
        .says("already at version 4, nothing was changed");
    to("-1").exits(2);
    assert_eq!(dump(&lab, "a"), before);
    lab.run(&["rollback", "--target", "1"])
        .exits(2)
        .says("--service");
    lab.run(&["rollback", "--service", "b", "--target", "1"])
        .exits(2);
    to("2").exits(0).says("1 migration taken back");
}

#[test]
fn a_dry_run_shows_the_scripts_and_changes_nothing() {
    let lab = shop(&ALL);
    let before = dump(&lab, "a");
    let args = ["rollback", "--service", "a", "--target", "1", "--dry-run"];
    lab.run(&args)
        .exits(0)
        .says("V4__four.down.sql\n  V2__two.down.sql\n")
        .says("2 migrations would be taken back; nothing was changed");
    lab.run(&[args.as_slice(), &["-v"]].concat())
        .exits(0)
        .says("    DROP TABLE a_four;");
    let report = lab.json(&args, 0);
    let run = &report["services"][0];
    assert_eq!(run["outcome"], "planned", "{report}");
    assert_eq!(run["planned"][0]["file"], "V4__four.down.sql", "{report}");
    assert_eq!(dump(&lab, "a"), before);
}

#[test]
fn a_script_that_fails_leaves_everything() {
    let lab = shop(&[
        ("V4__four", "DROP TABLE a_four;"),
        (
            "V2__two",
            "-- the second\nDROP TABLE a_two;\nALTER TABLE a_one\n  DROP COLUMN zzz;",
        ),
    ]);
    let before = dump(&lab, "a");
    lab.run(&["rollback", "--service", "a", "--target", "1"])
        .exits(5)
        .says("V2__two.down.sql, line 3 (ALTER TABLE a_one DROP COLUMN zzz): column \"zzz\" of relation \"a_one\" does not exist (SQLSTATE 42703)")
        .says("nothing was rolled back: the database is still at version 4");
    assert_eq!(dump(&lab, "a"), before);
    lab.write(
        "sql/a/V2__two.down.sql",
        "DROP TABLE a_two;\nSELECT pg_sleep(60);",
    );
    lab.run(&["rollback", "--service", "a", "--target", "1", "--statement-timeout", "200ms"])
        .exits(5)
        .says("V2__two.down.sql, line 2 (SELECT pg_sleep(60)): canceling statement due to statement timeout");
    // A constraint that is checked at COMMIT.
    lab.write(
        "sql/a/V2__two.down.sql",
        "CREATE TABLE child (a int REFERENCES a_one DEFERRABLE INITIALLY DEFERRED); INSERT INTO child VALUES (9);",
    );
    lab.run(&["rollback", "--service", "a", "--target", "1"])
        .exits(5)
        .says("at COMMIT: ")
        .says("SQLSTATE 23503");
    assert_eq!(dump(&lab, "a"), before);
}

#[test]
fn a_database_that_is_not_the_services_is_refused_whatever_the_flags() {
    let mut lab = Lab::migrated();
    let before = dump(&lab, "ksocial");
    let args = [
        "rollback",
        "--service",
        R,
        "--target",
        "0",
        "--allow-data-loss",
    ];
    lab.env
        .insert("RGB_USERS_URL".to_owned(), lab.admin_url("ksocial"));
    lab.run(&args)
        .exits(3)
        .says(&lab.db("rgb_lightning_node"))
        .says(K);
    assert_eq!(dump(&lab, "ksocial"), before);
    lab.env.remove("RGB_USERS_URL");
    lab.sql(
        "rgb_lightning_node",
        "UPDATE dbctl.identity SET service = 'other'",
    );
    lab.run(&args).exits(3).says("belongs to service other");
    lab.sql(
        "rgb_lightning_node",
        "UPDATE dbctl.identity SET service = 'rgb-lightning-node'",
    );
    lab.sql(
        "rgb_lightning_node",
        "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2",
    );
    lab.run(&args)
        .exits(3)
        .says("V2__user_ledgers.sql was edited after it was applied")
        .says("nothing was changed");
    assert_eq!(versions(&lab, "rgb_lightning_node"), "1 2 3 4");
}

#[test]
fn a_service_without_a_database_has_nothing_to_roll_back() {
    let lab = Lab::new();
    lab.write(
        "dbctl.toml",
        "version = 1\n[services.a]\nstore = \"postgres\"\nset = \"rgb_users\"\ndatabase = \"x\"\nurl = { env = \"NOBODY\" }\noptional = true\n\
         [services.b]\nstore = \"files\"\nengine = \"rocksdb\"\n",
    );
    for (service, reason) in [("a", "single-user mode"), ("b", "has no SQL database")] {
        lab.run(&["rollback", "--service", service, "--target", "0"])
            .exits(3)
            .says(reason);
    }
}

#[test]
fn an_interrupt_rolls_everything_back() {
    let lab = shop(&[
        ("V4__four", "DROP TABLE a_four;"),
        ("V2__two", "DROP TABLE a_two; SELECT pg_sleep(600);"),
    ]);
    let before = dump(&lab, "a");
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let child = lab
            .command(&["rollback", "--service", "a", "--target", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%' \
                      AND application_name = 'dbctl rollback a'";
        let deadline = Instant::now() + Duration::from_secs(60);
        while lab.sql("a", asleep) != "1" {
            assert!(Instant::now() < deadline, "waited in vain");
            std::thread::sleep(Duration::from_millis(20));
        }
        send(&child, signal);
        join(child)
            .exits(130)
            .says("interrupted; nothing was rolled back: the database is still at version 4");
        assert_eq!(lab.sql("a", asleep), "0");
        assert_eq!(dump(&lab, "a"), before);
    }
}

#[test]
fn a_broken_connection_leaves_everything() {
    let lab = shop(&[("V4__four", "DROP TABLE a_four; SELECT pg_sleep(600);")]);
    let before = dump(&lab, "a");
    let child = lab
        .command(&["rollback", "--service", "a", "--target", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
               AND query LIKE 'SELECT pg_sleep(600)%' AND application_name = 'dbctl rollback a'";
    let deadline = Instant::now() + Duration::from_secs(60);
    while lab.sql("a", end) == "0" {
        assert!(Instant::now() < deadline, "waited in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
    join(child)
        .exits(4)
        .says("the connection broke: V4__four.down.sql, line 1 (SELECT pg_sleep(600)): ")
        .says("the database is still at version 4");
    assert_eq!(dump(&lab, "a"), before);
}

#[test]
fn a_standby_is_refused() {
    let server = start(&binaries(17, false).unwrap(), false, &[]);
    let lab = crate::verify_access::rgb_alone(&server);
    let data = server.data_dir();
    std::fs::write(data.join("standby.signal"), "").unwrap();
    control(server.bin(), &data, &["-w", "-m", "fast", "restart"]);
    // The new server is no child of the harness: it is stopped here, whatever the checks say.
    let run = std::panic::catch_unwind(|| lab.run(&["rollback", "--service", R, "--target", "0"]));
    control(server.bin(), &data, &["-w", "-m", "immediate", "stop"]);
    run.unwrap()
        .exits(4)
        .says("the server is a standby, which takes no writes")
        .says("nothing was changed");
}

#[test]
fn a_table_that_somebody_holds_is_waited_for() {
    let lab = shop(&ALL);
    let before = dump(&lab, "a");
    let hold = |seconds: &str| {
        let sql = format!(
            "BEGIN; LOCK TABLE a_four IN ACCESS SHARE MODE; SELECT pg_sleep({seconds}); COMMIT"
        );
        let (bin, url) = (lab.bin().to_path_buf(), lab.admin_url("a"));
        let holder = std::thread::spawn(move || crate::lab::psql(&bin, &url, &sql).unwrap());
        let held = "SELECT count(*) FROM pg_locks WHERE relation = 'a_four'::regclass AND mode = 'AccessShareLock' AND granted";
        while lab.sql("a", held) == "0" {
            std::thread::sleep(Duration::from_millis(20));
        }
        holder
    };
    let args = [
        "rollback",
        "--service",
        "a",
        "--target",
        "2",
        "--lock-timeout",
    ];
    let holder = hold("6");
    lab.run(&[args.as_slice(), &["2s"]].concat())
        .exits(6)
        .says("V4__four.down.sql, line 1 (DROP TABLE a_four): canceling statement due to lock timeout")
        .says("blocked by process")
        .says("the lock is on public.a_four")
        .says("nothing was rolled back: the database is still at version 4")
        .says("raise --lock-timeout");
    assert_eq!(dump(&lab, "a"), before);
    lab.run(&[args.as_slice(), &["30s"]].concat()).exits(0);
    holder.join().unwrap();
    assert_eq!(tables(&lab), "a_one a_two");
}

#[test]
fn no_row_comes_between_the_look_and_the_drop() {
    // A writer that began before the rollback: the rollback waits for it, and sees its row.
    let lab = shop(&ALL);
    let (bin, url) = (lab.bin().to_path_buf(), lab.admin_url("a"));
    let writer = std::thread::spawn(move || {
        crate::lab::psql(
            &bin,
            &url,
            "BEGIN; INSERT INTO a_four VALUES (1); SELECT pg_sleep(2); COMMIT",
        )
        .unwrap()
    });
    let writing = "SELECT count(*) FROM pg_locks WHERE relation = 'a_four'::regclass AND mode = 'RowExclusiveLock' AND granted";
    while lab.sql("a", writing) == "0" {
        std::thread::sleep(Duration::from_millis(20));
    }
    lab.run(&["rollback", "--service", "a", "--target", "2"])
        .exits(3)
        .says("table public.a_four is gone and held rows");
    writer.join().unwrap();
    assert_eq!(lab.sql("a", "SELECT count(*) FROM a_four"), "1");
}

#[test]
fn two_at_once_do_it_once() {
    let lab = shop(&[
        ("V4__four", "DROP TABLE a_four; SELECT pg_sleep(1);"),
        ("V2__two", "DROP TABLE a_two;"),
    ]);
    let begin = || {
        lab.command(&["rollback", "--service", "a", "--target", "2"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let (first, second) = (begin(), begin());
    let (first, second) = (join(first).exits(0), join(second).exits(0));
    let did = [&first, &second].map(|run| run.all().contains("1 migration taken back"));
    assert!(did[0] != did[1], "{first:?}\n{second:?}");
    assert_eq!(tables(&lab), "a_one a_two");
    assert_eq!(
        lab.sql(
            "a",
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        "0"
    );
}

#[test]
fn a_script_that_writes_to_the_books_is_rolled_back() {
    let lab = shop(&ALL);
    let before = dump(&lab, "a");
    for sql in [
        "UPDATE dbctl.identity SET service = 'bill'",
        "DROP SCHEMA dbctl CASCADE",
        "DELETE FROM refinery_schema_history",
        "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1",
        "DROP TABLE refinery_schema_history",
        "ALTER SCHEMA dbctl RENAME TO elsewhere",
    ] {
        // The script of the first that is taken back, and of one after it.
        for file in ["V4__four", "V2__two"] {
            let (_, whole) = ALL.iter().find(|(name, _)| *name == file).unwrap();
            let path = format!("sql/a/{file}.down.sql");
            lab.write(&path, format!("{whole}\n{sql};"));
            lab.run(&[
                "rollback",
                "--service",
                "a",
                "--target",
                "1",
                "--allow-data-loss",
            ])
            .exits(5)
            .says("a table that dbctl keeps its own books in")
            .says("nothing was rolled back: the database is still at version 4");
            lab.write(&path, whole);
            assert_eq!(dump(&lab, "a"), before, "{sql}");
        }
    }
    lab.run(&["rollback", "--service", "a", "--target", "1"])
        .exits(0);
    assert_eq!(versions(&lab, "a"), "1");
}

#[test]
fn sequences_and_large_objects_are_not_lost_unasked() {
    let shop = Shop::new(&[
        (
            "V1__docs.sql",
            "CREATE TABLE docs (i int GENERATED ALWAYS AS IDENTITY, o oid); CREATE SEQUENCE sq; CREATE SEQUENCE down INCREMENT -1; \
             CREATE TABLE brief (i int GENERATED ALWAYS AS IDENTITY);",
        ),
        ("V2__more.sql", "CREATE TABLE more (i int);"),
    ]);
    shop.migrate(&["-q"]).exits(0);
    let fill = "INSERT INTO docs (o) SELECT lo_from_bytea(0, 'important'); INSERT INTO docs (o) VALUES (NULL); \
                INSERT INTO brief DEFAULT VALUES; DELETE FROM brief; \
                SELECT setval('sq', 1000000), setval('down', -5)";
    shop.lab.sql_as(DB, ROLE, fill).unwrap();
    let kept = || {
        shop.sql("SELECT (SELECT last_value FROM sq), (SELECT last_value FROM down), (SELECT count(*) FROM pg_largeobject_metadata)")
    };
    let back = |args: &[&str]| {
        shop.lab
            .run(&[&["rollback", "-s", R, "--target", "1"], args].concat())
    };
    for (sql, says) in [
        (
            "SELECT lo_unlink(o) FROM docs WHERE o IS NOT NULL",
            "large objects were 1 and are 0 now",
        ),
        (
            "SELECT setval('sq', 1)",
            "sequence public.sq had reached 1000000",
        ),
        (
            "SELECT setval('down', -4)",
            "sequence public.down had reached -5",
        ),
        (
            "ALTER SEQUENCE sq RESTART",
            "sequence public.sq had reached 1000000",
        ),
        (
            "ALTER TABLE docs ALTER i RESTART",
            "sequence public.docs_i_seq had reached 2",
        ),
        (
            "DROP SEQUENCE sq",
            "sequence public.sq is gone and had reached 1000000",
        ),
        (
            "ALTER TABLE docs ALTER i DROP IDENTITY",
            "sequence public.docs_i_seq is gone and had reached 2",
        ),
    ] {
        shop.file("V2__more.down.sql", &format!("DROP TABLE more;\n{sql};"));
        back(&[]).exits(3).says(says);
        assert_eq!(kept(), "1000000|-5|1", "{sql}");
        assert_eq!(shop.history(), "1 docs, 2 more");
    }
    // Neither a number more nor a sequence that goes with its own column is a loss of its own.
    shop.file(
        "V2__more.down.sql",
        "DROP TABLE more;\nSELECT nextval('sq');\nDROP TABLE brief;",
    );
    back(&[]).exits(0);
    assert_eq!(shop.history(), "1 docs");
    shop.migrate(&["-q"]).exits(0);
    shop.file("V2__more.down.sql", "DROP TABLE more;\nDROP SEQUENCE sq;");
    back(&["--allow-data-loss"])
        .exits(0)
        .says("sequence public.sq is gone");
}

#[test]
fn an_unfinished_version_is_finished_first() {
    let lab = shop(&ALL);
    lab.write(
        "sql/a/V5__five.sql",
        "CREATE INDEX CONCURRENTLY a_four_again ON a_four (a);\nCREATE UNIQUE INDEX CONCURRENTLY a_four_lone ON a_four ((1));",
    );
    lab.sql("a", "INSERT INTO a_four VALUES (1), (2)");
    lab.run(&["migrate", "-q"]).exits(5);
    let before = dump(&lab, "a");
    for args in [
        &["--target", "2"][..],
        &["--target", "4"],
        &["--target", "2", "--dry-run"],
    ] {
        lab.run(&[&["rollback", "--service", "a", "--allow-data-loss"], args].concat())
            .exits(3)
            .says("V5 is unfinished: finish it with dbctl migrate --service a, settle it with dbctl repair --service a, or give it up with dbctl repair --service a --forget 5 ");
    }
    assert_eq!(dump(&lab, "a"), before);
    lab.sql("a", "DELETE FROM a_four");
    lab.run(&["migrate", "-q"]).exits(0);
    lab.write(
        "sql/a/V5__five.down.sql",
        "DROP INDEX a_four_again, a_four_lone;",
    );
    lab.run(&["rollback", "--service", "a", "--target", "4"])
        .exits(0);
}

/// "At the target" would be said of tables that dbctl knows nothing of.
#[test]
fn what_was_never_adopted_is_not_at_version_0() {
    let mut lab = Lab::new();
    lab.own_services(&["a"]);
    lab.run(&["provision", "-q"]).exits(0);
    let down = ["rollback", "--service", "a", "--target", "0"];
    lab.run(&down).exits(0);
    lab.sql_as("a", "a", "CREATE TABLE a_one (a int)").unwrap();
    lab.run(&down)
        .exits(3)
        .says("has no migration history but is not empty: public.a_one")
        .says("dbctl baseline --service a adopts it");
    lab.run(&["repair", "--service", "a"])
        .exits(3)
        .says("dbctl baseline --service a adopts one that holds the service's tables");
}

/// The history would say a version that the catalog is not of, and the next migrate would fail.
#[test]
fn a_script_that_does_not_lead_back_is_not_committed() {
    let lab = shop(&ALL);
    lab.run(&["lock", "-q"]).exits(0);
    let down = |target: &str| take_back(&lab, target);
    // Edited since it was proved.
    lab.write("sql/a/V4__four.down.sql", "SELECT 1;\n");
    down("2")
        .exits(5)
        .says("after V4__four.down.sql the catalog is not that of version 2: table public.a_four is there")
        .says("nothing was rolled back: the database is still at version 4");
    assert_eq!(versions(&lab, "a"), "1 2 4");
    down("0").exits(5).says("table public.a_four is there");
    lab.write("sql/a/V4__four.down.sql", ALL[2].1);
    // One that was never proved.
    lab.write("sql/a/V5__five.sql", "CREATE TABLE a_five (a int);\n");
    lab.write("sql/a/V5__five.down.sql", "SELECT 1;\n");
    lab.run(&["migrate", "-q"]).exits(0);
    down("4").exits(5).says("table public.a_five is there");
    lab.write("sql/a/V5__five.down.sql", "DROP TABLE a_five;\n");
    down("4").exits(0);
    // Somebody else's table was there before: what is said of the catalog is that it was not compared.
    lab.sql_as("a", "a", "CREATE TABLE stray (a int)").unwrap();
    down("2")
        .exits(0)
        .says("note a: whether the catalog is now that of version 2 was not compared: it differed from its version before");
    lab.sql_as("a", "a", "DROP TABLE stray").unwrap();
    down("0").exits(0);
    assert_eq!(tables(&lab), "");
    let report = lab.json(&["rollback", "--service", "a", "--target", "0"], 0);
    assert!(report["services"][0]["note"].is_null(), "{report}");
}
