//! Migrations that no transaction can hold: recognised, run statement by statement, continued, never recorded half done.

use nix::sys::signal::Signal;

use crate::lab::{Lab, binaries, start};
use crate::shop::{DB, Holder, ROLE, Shop, join};

const GOODS: (&str, &str) = (
    "V1__goods.sql",
    "CREATE TABLE goods (id int PRIMARY KEY, name text);\nINSERT INTO goods SELECT g, 'g' || g FROM generate_series(1, 100) g;",
);

fn indexes(shop: &Shop) -> String {
    shop.sql(
        "SELECT coalesce(string_agg(indexrelid::regclass || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END, ', ' ORDER BY indexrelid::regclass::text), '') \
         FROM (SELECT indexrelid, indisvalid FROM pg_index WHERE indrelid = 'goods'::regclass AND NOT indisprimary ORDER BY 1) i",
    )
}

/// Cuts off a `CREATE INDEX CONCURRENTLY` of somebody else, so that an invalid index of this name is left.
fn leave_invalid(shop: &Shop, index: &str) {
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; UPDATE goods SET name = name WHERE id = 1;",
    );
    let url = shop.lab.url(DB, ROLE);
    let sql = format!(
        "SET statement_timeout = '300ms';\nCREATE INDEX CONCURRENTLY {index} ON goods (name);"
    );
    let failed = crate::lab::psql(shop.lab.bin(), &url, &sql).unwrap_err();
    assert!(failed.contains("statement timeout"), "{failed}");
    holder.release();
    assert!(indexes(shop).contains("INVALID"), "{}", indexes(shop));
}

#[test]
fn statements_that_refuse_a_transaction_are_recognised_and_run() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__index.sql",
            "-- by name\nCREATE INDEX CONCURRENTLY goods_name_idx ON goods (name);\nVACUUM (ANALYZE) goods;\n\
             INSERT INTO goods VALUES (1000, 'more');\nREINDEX INDEX CONCURRENTLY goods_name_idx;",
        ),
        (
            "V3__type.sql",
            "-- dbctl:no-transaction\nCREATE PROCEDURE twice() LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO goods VALUES (2000, 'a'); COMMIT; INSERT INTO goods VALUES (2001, 'b'); COMMIT; END $$;\nCALL twice();",
        ),
        ("V4__drop.sql", "DROP INDEX CONCURRENTLY goods_name_idx;"),
    ]);
    let run = shop.migrate(&[]).exits(0).says("4 migrations applied");
    assert!(
        run.err.contains("V2__index.sql: statement 1 of 4, line 2"),
        "{}",
        run.err
    );
    assert_eq!(shop.history(), "1 goods, 2 index, 3 type, 4 drop");
    assert_eq!(shop.sql("SELECT count(*) FROM goods WHERE id >= 1000"), "3");
    assert_eq!(indexes(&shop), "");
    assert_eq!(shop.sql("SELECT count(*) FROM dbctl.progress"), "0");
    shop.migrate(&[]).exits(0).says("nothing to do");
}

#[test]
fn a_failed_statement_says_what_ran_and_the_next_run_goes_on_there() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__index.sql",
            "INSERT INTO goods VALUES (1000, 'g1');\nCREATE UNIQUE INDEX CONCURRENTLY goods_name_idx ON goods (name);\n\
             INSERT INTO goods VALUES (1001, 'last');",
        ),
    ]);
    shop.migrate(&[])
        .exits(5)
        .says("V2__index.sql, line 2 (CREATE UNIQUE INDEX CONCURRENTLY goods_name_idx")
        .says("SQLSTATE 23505")
        .says("detail: Key (name)=(g1) is duplicated.")
        .says("nothing of this statement remains; statement 1 ran and stays; the next run goes on from here");
    assert_eq!(shop.history(), "1 goods");
    assert_eq!(indexes(&shop), "", "the invalid index is taken away");

    // A position of the server counts from the statement's beginning; the line is the file's.
    let whole = std::fs::read_to_string(shop.path("V2__index.sql")).unwrap();
    // A file of which a part has run goes on by statement, also when nothing of what is left demands it.
    shop.file(
        "V2__index.sql",
        "INSERT INTO goods VALUES (1000, 'g1');\nINSERT INTO goods\n  SELECT 1, nome FROM goods;",
    );
    shop.migrate(&[])
        .exits(5)
        .says("V2__index.sql, line 3 (INSERT INTO goods SELECT 1, nome FROM goods)")
        .says("SQLSTATE 42703")
        .says("statement 1 ran and stays");
    shop.migrate(&["--dry-run"])
        .exits(0)
        .says("V2__index, statement by statement")
        .says("it was begun so")
        .says("ran before: 1 statement")
        .says("line 2: INSERT INTO goods SELECT 1, nome FROM goods");
    shop.file("V2__index.sql", &whole);
    shop.migrate(&["--dry-run"])
        .exits(0)
        .says("ran before: 1 statement")
        .says("line 2: CREATE UNIQUE INDEX CONCURRENTLY");

    // What ran must not be edited, nor taken away.
    let right = std::fs::read_to_string(shop.path("V2__index.sql")).unwrap();
    shop.file(
        "V2__index.sql",
        &right.replace("1000, 'g1'", "1000, 'other'"),
    );
    for dry in [&["--dry-run"][..], &[]] {
        shop.migrate(dry)
            .exits(3)
            .says("V2__index.sql, line 1: statement 1 was edited after it has run")
            .says("--forget 2");
    }
    shop.file("V2__index.sql", "VACUUM goods;");
    shop.migrate(&[]).exits(3).says("statement 1 was edited");
    std::fs::rename(shop.path("V2__index.sql"), shop.path("V3__index.sql")).unwrap();
    for dry in [&["--dry-run"][..], &[]] {
        shop.migrate(dry).exits(3).says("version 2 is not finished");
    }
    std::fs::remove_file(shop.path("V3__index.sql")).unwrap();

    // What did not run may be.
    shop.file("V2__index.sql", &right.replace("UNIQUE ", ""));
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 goods, 2 index");
    assert_eq!(indexes(&shop), "goods_name_idx");
    assert_eq!(
        shop.sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM goods WHERE id >= 1000"),
        "1000 1001"
    );
}

#[test]
fn success_is_not_recorded_over_an_index_that_is_not_valid() {
    let shop = Shop::new(&[GOODS]);
    shop.migrate(&[]).exits(0);
    leave_invalid(&shop, "goods_name_idx");
    // Concurrently: it is taken away and made again.
    shop.file(
        "V2__index.sql",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS goods_name_idx ON goods (name);",
    );
    shop.migrate(&[])
        .exits(0)
        .says("V2__index.sql: takes away index goods_name_idx is not valid");
    assert_eq!(indexes(&shop), "goods_name_idx");

    // In a transaction it cannot be: the run fails.
    leave_invalid(&shop, "goods_other_idx");
    shop.file(
        "V3__other.sql",
        "CREATE INDEX IF NOT EXISTS goods_other_idx ON goods (name);",
    );
    shop.migrate(&[])
        .exits(5)
        .says("index public.goods_other_idx on public.goods is not valid")
        .says("nothing of V3__other remains");
    assert_eq!(shop.history(), "1 goods, 2 index");

    // A name that an index of another table has.
    shop.sql("DROP INDEX goods_other_idx");
    shop.file(
        "V3__other.sql",
        "CREATE TABLE other (id int);\nCREATE INDEX goods_other_idx ON other (id);",
    );
    shop.file(
        "V4__again.sql",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS goods_other_idx ON goods (name);",
    );
    shop.migrate(&[])
        .exits(5)
        .says("the catalog does not show what it should have made");
    assert_eq!(shop.history(), "1 goods, 2 index, 3 other");
}

#[test]
fn an_index_that_was_cut_off_by_a_cancel_or_a_kill_is_found_and_mended() {
    let shop = Shop::new(&[GOODS]);
    shop.migrate(&[]).exits(0);
    shop.file(
        "V2__index.sql",
        "CREATE INDEX CONCURRENTLY ON goods (name);\nCREATE INDEX CONCURRENTLY goods_both_idx ON goods (name, id);",
    );
    let waiting = "query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'";
    // Cancelled on the server: the run takes away what is left.
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; UPDATE goods SET name = name WHERE id = 1;",
    );
    let runner = shop.spawn(&[]);
    shop.until_backend(waiting);
    shop.lab.sql(
        "postgres",
        &format!(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND {waiting}",
            shop.lab.db(DB)
        ),
    );
    // What is left can be taken away only when the old transaction is over.
    shop.until_backend("query LIKE 'DROP INDEX%'");
    holder.release();
    join(runner)
        .exits(5)
        .says("V2__index.sql, line 1")
        .says("SQLSTATE 57014");
    assert_eq!(indexes(&shop), "");

    // dbctl killed: the next run takes it away and goes on.
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; UPDATE goods SET name = name WHERE id = 1;",
    );
    let mut runner = shop.spawn(&[]);
    shop.until_backend(waiting);
    // Whoever looks meanwhile is told of the run, and of nothing that was cut off.
    let status = shop
        .lab
        .run(&["status"])
        .exits(0)
        .says("V2 unfinished: 0 of 2 statements ran; a run is at work on it")
        .says("another run works on this database: process ");
    assert!(!status.all().contains("cut off"), "{}", status.all());
    let seen = shop.lab.json(&["status"], 0);
    let named = seen["services"][0]["runner"].as_str().unwrap();
    assert!(named.contains("dbctl migrate"), "{named}");
    shop.migrate(&["--dry-run"])
        .exits(0)
        .says("another run is at work on it: process ");
    runner.kill().unwrap();
    runner.wait().unwrap();
    shop.until_no_backend();
    holder.release();
    let status = shop.lab.run(&["status"]).exits(0);
    status.says("1 was cut off: dbctl repair --service rgb-lightning-node tells");
    shop.migrate(&["--dry-run"]).exits(0).says(
        "an earlier run was cut off in it: it left the invalid index public.goods_name_idx; \
         DROP INDEX CONCURRENTLY IF EXISTS public.goods_name_idx comes first",
    );
    assert!(indexes(&shop).contains("INVALID"), "{}", indexes(&shop));
    assert_eq!(
        shop.sql("SELECT statement, done FROM dbctl.progress"),
        "1|f"
    );
    shop.migrate(&[])
        .exits(0)
        .says("takes away the invalid index public.goods_name_idx");
    assert_eq!(indexes(&shop), "goods_both_idx, goods_name_idx");
    assert_eq!(shop.history(), "1 goods, 2 index");
}

#[test]
fn a_connection_that_breaks_while_something_is_taken_away_is_no_failure() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__index.sql",
            "CREATE INDEX CONCURRENTLY goods_name_idx ON goods (name);",
        ),
    ]);
    shop.migrate(&["--target", "1", "-q"]).exits(0);
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; INSERT INTO goods VALUES (777777, 'many');",
    );
    let mut runner = shop.spawn(&[]);
    shop.until_backend("query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'");
    runner.kill().unwrap();
    runner.wait().unwrap();
    shop.until_no_backend();
    let runner = shop.spawn(&["--lock-timeout", "60s"]);
    shop.until_backend("query LIKE 'DROP INDEX%'");
    shop.lab.sql(
        "postgres",
        &format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND query LIKE 'DROP INDEX%'",
            shop.lab.db(DB)
        ),
    );
    join(runner)
        .exits(4)
        .says("the connection broke")
        .says("SQLSTATE 57P01");
    holder.release();
    shop.migrate(&[]).exits(0);
    assert_eq!(indexes(&shop), "goods_name_idx");
}

#[test]
fn an_invalid_index_that_a_text_within_a_text_passes_over_is_no_success() {
    let shop = Shop::new(&[("V1__a.sql", "CREATE TABLE a (i int);")]);
    shop.migrate(&["-q"]).exits(0);
    let broken = "INSERT INTO a VALUES (5), (5)";
    shop.lab.sql_as(DB, ROLE, broken).unwrap();
    shop.lab
        .sql_as(DB, ROLE, "CREATE UNIQUE INDEX CONCURRENTLY ai ON a (i)")
        .unwrap_err();
    shop.sql("DELETE FROM a");
    for sql in [
        "DO $$ BEGIN CREATE UNIQUE INDEX IF NOT EXISTS ai ON a (i); END $$;",
        "DO $$ BEGIN EXECUTE 'CREATE UNIQUE INDEX IF NOT EXISTS ai ON a (i)'; CREATE TABLE IF NOT EXISTS b (i int); END $$;",
    ] {
        shop.file("V2__b.sql", sql);
        shop.migrate(&[])
            .exits(5)
            .says("index public.ai on public.a is not valid");
        assert_eq!(shop.history(), "1 a");
    }
    // Of others it says nothing more than that they are there.
    shop.file("V2__b.sql", "CREATE TABLE IF NOT EXISTS ais (i int);");
    shop.migrate(&[]).exits(0);
}

#[test]
fn a_statement_whose_fate_nobody_knows_stops_the_next_run_and_is_named() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__walk.sql",
            "CREATE PROCEDURE walk() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO goods VALUES (1000, 'a'); COMMIT; \
             PERFORM pg_sleep(30); END $$;",
        ),
        (
            "V3__call.sql",
            "-- dbctl:no-transaction\nVACUUM goods;\nCALL walk();",
        ),
    ]);
    let mut runner = shop.spawn(&[]);
    shop.until_backend("query LIKE 'CALL walk%' AND wait_event = 'PgSleep'");
    runner.kill().unwrap();
    runner.wait().unwrap();
    shop.until_no_backend();
    for _ in 0..2 {
        shop.migrate(&[])
            .exits(5)
            .says("V3__call.sql, line 3 (CALL walk())")
            .says("the catalog does not tell whether it ran")
            .says("dbctl repair");
    }
    assert_eq!(shop.history(), "1 goods, 2 walk");
    assert_eq!(shop.sql("SELECT count(*) FROM goods WHERE id = 1000"), "1");
}

#[test]
fn an_interrupt_in_a_statement_leaves_nothing_of_it() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__index.sql",
            "CREATE INDEX CONCURRENTLY goods_name_idx ON goods (name);",
        ),
    ]);
    shop.migrate(&["--target", "1"]).exits(0);
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; UPDATE goods SET name = name WHERE id = 1;",
    );
    let runner = shop.spawn(&[]);
    shop.until_backend("query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'");
    crate::shop::send(&runner, nix::sys::signal::Signal::SIGINT);
    join(runner).exits(130).says("V2__index.sql: interrupted");
    holder.release();
    shop.until_no_backend();
    shop.migrate(&[]).exits(0);
    assert_eq!(indexes(&shop), "goods_name_idx");
}

#[test]
fn a_partition_that_was_half_detached_is_finished() {
    let shop = Shop::new(&[(
        "V1__days.sql",
        "CREATE TABLE days (day date) PARTITION BY RANGE (day);\n\
         CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');",
    )]);
    shop.migrate(&[]).exits(0);
    shop.file(
        "V2__detach.sql",
        "ALTER TABLE days DETACH PARTITION days_1 CONCURRENTLY;",
    );
    let holder = Holder::new(&shop.lab, "BEGIN; SELECT FROM days;");
    let mut runner = shop.spawn(&[]);
    shop.until_backend("query LIKE 'ALTER TABLE days DETACH%' AND wait_event_type = 'Lock'");
    runner.kill().unwrap();
    runner.wait().unwrap();
    shop.until_no_backend();
    holder.release();
    assert_eq!(shop.sql("SELECT inhdetachpending FROM pg_inherits"), "t");
    shop.migrate(&[]).exits(0).says("half detached");
    assert_eq!(shop.sql("SELECT count(*) FROM pg_inherits"), "0");
}

#[test]
fn what_is_not_validated_is_said() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__check.sql",
            "ALTER TABLE goods ADD CONSTRAINT goods_id_check CHECK (id > 0) NOT VALID;",
        ),
    ]);
    shop.migrate(&[])
        .exits(0)
        .says("V2__check.sql: note: constraint goods_id_check of public.goods is not validated")
        .says("ALTER TABLE public.goods VALIDATE CONSTRAINT goods_id_check");
}

#[test]
fn what_is_not_to_be_enforced_is_not_called_unvalidated() {
    let Some(binaries) = binaries(18, false) else {
        return;
    };
    let server = start(&binaries, false, &[]);
    let shop = Shop::in_lab(
        Lab::on(&server, "postgres"),
        &[
            (
                "V1__goods.sql",
                "CREATE TABLE goods (id int CONSTRAINT meant CHECK (id > 0) NOT ENFORCED);",
            ),
            (
                "V2__check.sql",
                "ALTER TABLE goods ADD CONSTRAINT checked CHECK (id > 1) NOT VALID;",
            ),
        ],
    );
    let run = shop.migrate(&[]).exits(0);
    assert!(!run.all().contains("meant"), "{}", run.all());
    run.says("constraint checked of public.goods is not validated");
}

#[test]
fn timescaledb_is_updated_in_a_session_of_its_own() {
    let Some(binaries) = binaries(17, true) else {
        return;
    };
    let server = start(&binaries, true, &[]);
    let shop = Shop::in_lab(
        Lab::on(&server, "postgres"),
        &[
            (
                "V1__extension.sql",
                "CREATE EXTENSION IF NOT EXISTS timescaledb;",
            ),
            (
                "V2__points.sql",
                "CREATE TABLE points (at timestamptz NOT NULL);\nSELECT create_hypertable('points', 'at');",
            ),
            ("V3__update.sql", "ALTER EXTENSION timescaledb UPDATE;"),
            (
                "V4__more.sql",
                "CREATE TABLE more (at timestamptz NOT NULL);\nSELECT create_hypertable('more', 'at');",
            ),
        ],
    );
    // In a session that has used it, the server refuses: that is what the migration is protected from.
    shop.migrate(&["--target", "2"]).exits(0);
    let url = shop.lab.url(DB, ROLE);
    let used = crate::lab::psql(
        shop.lab.bin(),
        &url,
        "SELECT count(*) FROM points;\nALTER EXTENSION timescaledb UPDATE;",
    );
    assert!(used.is_err(), "{used:?}");
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 extension, 2 points, 3 update, 4 more");
}

#[test]
fn what_the_server_refused_has_not_run_however_often_it_is_tried() {
    let shop = Shop::new(&[
        GOODS,
        ("V2__name.sql", "CREATE INDEX goods_idx ON goods (id);"),
    ]);
    shop.migrate(&[]).exits(0);
    for (sql, code) in [
        (
            "CREATE UNIQUE INDEX CONCURRENTLY goods_idx ON goods (name);",
            "42P07",
        ),
        ("DROP INDEX CONCURRENTLY goods_ixd;", "42704"),
        (
            "ALTER TABLE goods DETACH PARTITION goods_1 CONCURRENTLY;",
            "SQLSTATE",
        ),
        (
            "-- dbctl:no-transaction\nINSERT INTO goods VALUES (1, 'again');",
            "23505",
        ),
    ] {
        shop.file("V3__wrong.sql", sql);
        for _ in 0..3 {
            let run = shop.migrate(&[]).exits(5).says(code);
            let run = run.says("nothing of this statement remains");
            assert!(!run.all().contains("unfinished"), "{}", run.all());
        }
        assert_eq!(shop.history(), "1 goods, 2 name", "{sql}");
        assert_eq!(
            shop.sql("SELECT count(*) FROM dbctl.progress"),
            "0",
            "{sql}"
        );
    }
}

#[test]
fn a_first_migration_of_which_a_part_ran_is_continued() {
    let shop = Shop::new(&[(
        "V1__first.sql",
        "CREATE TABLE goods (id int);\nINSERT INTO goods VALUES (1), (1);\nCREATE UNIQUE INDEX CONCURRENTLY goods_id_idx ON goods (id);",
    )]);
    for _ in 0..2 {
        shop.migrate(&[])
            .exits(5)
            .says("SQLSTATE 23505")
            .says("0 migrations applied, one more is unfinished");
    }
    shop.sql("DELETE FROM goods");
    // Other line ends are the same text.
    let text = std::fs::read_to_string(shop.path("V1__first.sql")).unwrap();
    shop.file("V1__first.sql", &text.replace('\n', "\r\n"));
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 first");
    assert_eq!(shop.sql("SELECT count(*) FROM goods"), "0");
}

#[test]
fn an_index_that_somebody_else_builds_meanwhile_is_left_alone() {
    let shop = Shop::new(&[GOODS]);
    shop.migrate(&[]).exits(0);
    shop.file(
        "V2__index.sql",
        "CREATE INDEX CONCURRENTLY goods_name_idx ON goods (name);\nVACUUM goods;",
    );
    let old = Holder::new(
        &shop.lab,
        "BEGIN; UPDATE goods SET name = name WHERE id = 1;",
    );
    // Theirs begins first and waits for the old transaction; ours waits behind it and is killed there.
    let mut theirs = std::process::Command::new(shop.lab.bin().join("psql"))
        .args(["-qXAt", "-d", &shop.lab.admin_url(DB), "-c"])
        .arg("CREATE INDEX CONCURRENTLY theirs_idx ON goods (id, name)")
        .spawn()
        .unwrap();
    crate::shop::until("theirs is being built", || {
        indexes(&shop).contains("theirs_idx INVALID")
    });
    let mut ours = shop.spawn(&[]);
    shop.until_backend("query LIKE 'CREATE INDEX%'");
    ours.kill().unwrap();
    ours.wait().unwrap();
    shop.until_no_backend();
    let repair = shop.lab.run(&["repair", "-s", crate::lab::R, "--dry-run"]);
    assert!(
        !repair.out.contains("would drop public.theirs_idx"),
        "{}",
        repair.out
    );
    old.release();
    shop.migrate(&[]).exits(0);
    assert!(theirs.wait().unwrap().success());
    assert_eq!(indexes(&shop), "goods_name_idx, theirs_idx");
}

#[test]
fn a_history_that_does_not_keep_its_rows_is_no_success() {
    let shop = Shop::new(&[GOODS]);
    shop.migrate(&[]).exits(0);
    shop.sql(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
         CREATE TRIGGER swallow BEFORE INSERT ON refinery_schema_history FOR EACH ROW EXECUTE FUNCTION swallow()",
    );
    shop.file("V2__more.sql", "INSERT INTO goods VALUES (1000, 'once');");
    shop.migrate(&[])
        .exits(5)
        .says("does not keep the row that records it")
        .says("nothing of V2__more remains");
    assert_eq!(shop.sql("SELECT count(*) FROM goods WHERE id = 1000"), "0");
}

#[test]
fn a_subscription_or_tablespace_that_the_role_may_not_make_has_left_nothing() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__link.sql",
            "CREATE TABLE two (a int);\nCREATE SUBSCRIPTION link CONNECTION 'host=nowhere.invalid password=c4nary' PUBLICATION p;\n",
        ),
    ]);
    for _ in 0..2 {
        let run = shop
            .migrate(&[])
            .exits(5)
            .says("V2__link.sql, line 2")
            .says("SQLSTATE 42501")
            .says("nothing of this statement remains; statement 1 ran and stays; the next run goes on from here");
        assert!(!run.all().contains("not known"), "{}", run.all());
    }
    assert_eq!(
        shop.sql("SELECT count(*) FROM dbctl.progress WHERE NOT done"),
        "0"
    );
    shop.file(
        "V2__link.sql",
        "CREATE TABLE two (a int);\nCREATE TABLESPACE elsewhere LOCATION '/nowhere';\n",
    );
    shop.migrate(&[])
        .exits(5)
        .says("V2__link.sql, line 2")
        .says("nothing of this statement remains; statement 1 ran and stays");
    assert_eq!(
        shop.sql("SELECT count(*) FROM dbctl.progress WHERE NOT done"),
        "0"
    );
    // Nor has one that does not reach the other server.
    shop.sql(&format!(
        "GRANT pg_create_subscription TO {role}; GRANT CREATE ON DATABASE {db} TO {role}",
        role = shop.lab.db(ROLE),
        db = shop.lab.db(DB)
    ));
    shop.file(
        "V2__link.sql",
        "CREATE TABLE two (a int);\nCREATE SUBSCRIPTION link CONNECTION 'host=127.0.0.1 port=1 dbname=d password=c4nary' PUBLICATION p;\n",
    );
    shop.migrate(&[])
        .exits(5)
        .says("SQLSTATE 08006")
        .says("nothing of this statement remains; statement 1 ran and stays");
    // Of one that was let through and failed nobody can know what the other server keeps.
    shop.file(
        "V2__link.sql",
        "CREATE TABLE two (a int);\nDROP SUBSCRIPTION nobodys;\n",
    );
    shop.migrate(&[])
        .exits(5)
        .says("SQLSTATE 42704")
        .says("not known");
}

#[test]
fn a_target_below_a_begun_migration_tells_of_it() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__fails.sql",
            "CREATE INDEX CONCURRENTLY by_name ON goods (name);\nCREATE UNIQUE INDEX CONCURRENTLY lengths ON goods (length(name));\n",
        ),
    ]);
    shop.migrate(&[]).exits(5);
    let told = "V2 is begun and not finished";
    shop.migrate(&["--target", "1"]).exits(0).says(told);
    shop.migrate(&["--target", "1", "--dry-run"])
        .exits(0)
        .says(told);
    shop.sql("DELETE FROM goods WHERE id > 1");
    let run = shop.migrate(&[]).exits(0);
    assert!(!run.all().contains(told), "{}", run.all());
}

#[test]
fn an_index_that_the_server_names_is_known_by_a_clipped_name_too() {
    let table = "goods_of_all_the_shops_that_there_are_and_ever_were_in_the_town";
    let made = |name: &str| {
        format!(
            "CREATE TABLE {table} (id int, {name} int);\nCREATE INDEX CONCURRENTLY ON {table} (id);\n\
             CREATE INDEX CONCURRENTLY ON {table} (id, {name});\nCREATE INDEX CONCURRENTLY ON {table} (id);"
        )
    };
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__long.sql",
            &made("the_price_of_the_goods_in_all_the_shops_that_there_are"),
        ),
    ]);
    shop.migrate(&[]).exits(0).says("2 migrations applied");
    assert_eq!(shop.history(), "1 goods, 2 long");
    let count = format!(
        "SELECT count(*) FROM pg_index WHERE indrelid = '{table}'::regclass AND indisvalid"
    );
    assert_eq!(shop.sql(&count), "3");
}

#[test]
fn what_is_partitioned_is_reindexed_and_clustered_outside_a_transaction() {
    let parts = (
        "V1__parts.sql",
        "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);\n\
         CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);",
    );
    let shop = Shop::new(&[parts, ("V2__again.sql", "REINDEX TABLE parts;")]);
    shop.migrate(&[])
        .exits(5)
        .says("SQLSTATE 25001")
        .says("runs where the file has the line -- dbctl:no-transaction at its head");
    shop.file(
        "V2__again.sql",
        "-- dbctl:no-transaction\nREINDEX TABLE parts;\nREINDEX INDEX parts_pkey;\nREINDEX TABLE parts_1;",
    );
    shop.migrate(&[]).exits(0);
    shop.file(
        "V3__cluster.sql",
        "-- dbctl:no-transaction\nCLUSTER parts USING parts_pkey;",
    );
    shop.migrate(&[]).exits(0);
}

#[test]
fn what_a_reindex_that_was_cut_off_leaves_of_a_toast_table_is_told_and_in_the_way() {
    let shop = Shop::new(&[("V1__notes.sql", "CREATE TABLE notes (note text);")]);
    shop.migrate(&["-q"]).exits(0);
    shop.file("V2__anew.sql", "REINDEX TABLE CONCURRENTLY notes;");
    let left = || {
        shop.sql(
            "SELECT coalesce(string_agg(indexrelid::regclass::text, ' '), '') FROM pg_index WHERE NOT indisvalid",
        )
    };
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let holder = Holder::new(
            &shop.lab,
            "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM notes;",
        );
        let runner = shop.spawn(&[]);
        shop.until_backend("query LIKE 'REINDEX%' AND wait_event_type = 'Lock'");
        crate::shop::send(&runner, signal);
        let run = join(runner);
        shop.until_no_backend();
        holder.release();
        let index = left();
        assert!(index.starts_with("pg_toast.pg_toast_"), "{index:?}");
        let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {index}");
        if signal == Signal::SIGINT {
            run.exits(130)
                .says("V2__anew.sql: interrupted")
                .says(&format!("it has left the invalid index {index}"))
                .says("a superuser has to run that");
        }
        // The schema is closed to the service's role.
        shop.migrate(&[])
            .exits(5)
            .says(&drop)
            .says("permission denied for schema pg_toast")
            .says("a superuser has to run that, or dbctl repair --service rgb-lightning-node leaves it as it is");
        shop.lab
            .run(&["repair", "--service", crate::lab::R])
            .exits(0)
            .says("a superuser: DROP INDEX CONCURRENTLY");
        if signal == Signal::SIGINT {
            shop.sql(&drop);
        }
    }
    // Nobody has dropped the second one.
    shop.migrate(&[]).exits(0);
    shop.sql(&format!("DROP INDEX CONCURRENTLY {}", left()));
    assert_eq!(shop.history(), "1 notes, 2 anew");

    // One who may take it away does.
    let holder = Holder::new(
        &shop.lab,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM notes;",
    );
    shop.file("V3__again.sql", "REINDEX TABLE CONCURRENTLY notes;");
    let mut runner = shop.spawn(&[]);
    shop.until_backend("query LIKE 'REINDEX%' AND wait_event_type = 'Lock'");
    runner.kill().unwrap();
    runner.wait().unwrap();
    shop.until_no_backend();
    holder.release();
    assert_ne!(left(), "");
    shop.lab.sql(
        "postgres",
        &format!("ALTER ROLE {} SUPERUSER", shop.lab.db(ROLE)),
    );
    shop.migrate(&[])
        .exits(0)
        .says("takes away the invalid index pg_toast.");
    assert_eq!(left(), "");
    assert_eq!(shop.history(), "1 notes, 2 anew, 3 again");
}

/// An index that was being made chunk by chunk has others behind it, so that newer releases of TimescaleDB refuse to drop it CONCURRENTLY.
#[test]
fn an_index_of_a_hypertable_that_was_cut_off_is_taken_away() {
    for major in [17, 18] {
        let Some(binaries) = crate::lab::binaries(major, true) else {
            continue;
        };
        let server = crate::lab::start(&binaries, true, &[]);
        let shop = Shop::in_lab(
            Lab::on(&server, "timescaledb"),
            &[(
                "V1__ticks.sql",
                "CREATE EXTENSION IF NOT EXISTS timescaledb;\nCREATE TABLE ticks (at timestamptz NOT NULL, a int);\n\
                 SELECT create_hypertable('ticks', by_range('at', interval '1 day'));\n\
                 INSERT INTO ticks VALUES ('2020-01-01', 1), ('2020-01-02', 2), ('2020-01-03', 3);",
            )],
        );
        shop.migrate(&["-q"]).exits(0);
        shop.file(
            "V2__index.sql",
            "CREATE INDEX ticks_a ON ticks (a) WITH (timescaledb.transaction_per_chunk);",
        );
        let last = shop.sql("SELECT max(c::text) FROM show_chunks('ticks') AS c");
        for repairs in [false, true] {
            let holder = Holder::new(&shop.lab, &format!("BEGIN; LOCK TABLE {last};"));
            let mut runner = shop.spawn(&[]);
            shop.until_backend("query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'");
            runner.kill().unwrap();
            runner.wait().unwrap();
            shop.until_no_backend();
            holder.release();
            assert_eq!(
                shop.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indexrelid = 'ticks_a'::regclass"),
                "1"
            );
            if repairs {
                shop.lab
                    .run(&["repair", "--service", crate::lab::R])
                    .exits(0)
                    .says("public.ticks_a");
            }
            if !repairs {
                shop.migrate(&[])
                    .exits(0)
                    .says("takes away the invalid index public.ticks_a");
                shop.sql(
                    "DELETE FROM refinery_schema_history WHERE version = 2; DROP INDEX ticks_a",
                );
            }
        }
        shop.migrate(&["-q"]).exits(0);
        assert_eq!(shop.history(), "1 ticks, 2 index");
        assert_eq!(
            shop.sql("SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%ticks_a'"),
            "4"
        );
        assert_eq!(
            shop.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"),
            "0"
        );
    }
}
