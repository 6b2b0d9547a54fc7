//! `migrate` when things go wrong: whatever happens in the middle, a migration is there as a whole or not at all, the report says
//! which, and the next run completes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::lab::{K, Lab, R, binaries, psql, start};
use crate::shop::{DB, Holder, ROLE, Shop, join, send};

/// The advisory lock that runners of one database take (`LOCK_KEY` of the runner): "dbctl" as a number.
const LOCK_KEY: i64 = 0x64_62_63_74_6c;

const GOOD: (&str, &str) = ("V1__goods.sql", "CREATE TABLE goods (id int PRIMARY KEY);");

// A migration that fails.

#[test]
fn a_failing_migration_leaves_nothing_and_tells_everything() {
    let shop = Shop::new(&[
        GOOD,
        (
            "V2__prices.sql",
            "-- prices\nCREATE TABLE prices (id int);\n\nINSERT INTO goods VALUES (1);\nALTER TABLE prices\n  ADD COLUMN amount numbr;\n",
        ),
        ("V3__later.sql", "CREATE TABLE later (id int);"),
    ]);
    let run = shop
        .migrate(&[])
        .exits(5)
        .says(R)
        .says("V2__prices.sql, line 6")
        .says("ADD COLUMN amount numbr")
        .says("type \"numbr\" does not exist (SQLSTATE 42704)")
        .says("nothing of V2__prices remains");
    assert!(run.err.contains("applied V1__goods.sql"), "{}", run.err);
    assert_eq!(shop.history(), "1 goods");
    assert_eq!(
        shop.made(),
        "dbctl.identity public.goods public.refinery_schema_history"
    );
    assert_eq!(shop.sql("SELECT count(*) FROM goods"), "0");
    let report = shop.lab.json(&["migrate"], 5);
    let service = &report["services"][0];
    assert_eq!(service["outcome"], "failed", "{report}");
    assert_eq!(service["applied"].as_array().unwrap().len(), 0);
    assert_eq!(service["pending"][0]["version"], 2);
    assert_eq!(service["pending"][1]["version"], 3);
    assert_eq!(service["total_applied"], 1);

    shop.file("V2__prices.sql", "CREATE TABLE prices (id int);");
    shop.migrate(&[]).exits(0).says("2 migrations applied");
    assert_eq!(shop.history(), "1 goods, 2 prices, 3 later");
}

#[test]
fn a_failure_without_a_position_names_the_statement_detail_and_hint() {
    let shop = Shop::new(&[
        GOOD,
        (
            "V2__fill.sql",
            "/* two; of them */ INSERT INTO goods VALUES (1); -- and; one\nDO $do$ BEGIN PERFORM ';'; END $do$;\n\n\
             INSERT INTO goods\n  VALUES (1);\nSELECT 1;",
        ),
    ]);
    shop.migrate(&[])
        .exits(5)
        .says("V2__fill.sql, line 4 (INSERT INTO goods VALUES (1))")
        .says("SQLSTATE 23505")
        .says("detail: Key (id)=(1) already exists.");
    shop.file(
        "V2__fill.sql",
        "DO $$ BEGIN RAISE EXCEPTION 'no stock' USING HINT = 'order some', DETAIL = 'shelf 7'; END $$;",
    );
    shop.migrate(&[])
        .exits(5)
        .says("V2__fill.sql, line 1 (DO ")
        .says("no stock (SQLSTATE P0001)")
        .says("detail: shelf 7")
        .says("hint: order some");
    // A constraint that is checked at the end is the migration's failure too.
    shop.file(
        "V2__fill.sql",
        "CREATE TABLE parts (good int REFERENCES goods DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO parts VALUES (9);",
    );
    shop.migrate(&[])
        .exits(5)
        .says("V2__fill.sql, at its COMMIT: ")
        .says("SQLSTATE 23503")
        .says("nothing of V2__fill remains");
    assert_eq!(shop.history(), "1 goods");
    assert_eq!(shop.sql("SELECT count(*) FROM goods"), "0");
}

#[test]
fn what_the_server_cannot_read_is_named_where_it_stands() {
    let shop = Shop::new(&[(
        "V1__goods.sql",
        "CREATE TABLE ä (id int);\n\nCREATE TABLE goods (id int);\n-- the next one\nCREATE TABLE more (id int,);\nSELECT 1;",
    )]);
    shop.migrate(&[])
        .exits(5)
        .says("V1__goods.sql, line 5 (CREATE TABLE more (id int,)): syntax error")
        .says("nothing was changed");
}

#[test]
fn a_failing_first_migration_leaves_nothing_at_all() {
    let shop = Shop::new(&[(
        "V1__goods.sql",
        "CREATE TABLE goods (id int);\nSELECT 1 / 0;",
    )]);
    let before = shop.made();
    shop.migrate(&[])
        .exits(5)
        .says("V1__goods.sql, line 2 (SELECT 1 / 0)")
        .says("SQLSTATE 22012");
    assert_eq!(shop.made(), before);
    assert_eq!(before, "");
    assert_eq!(
        shop.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'dbctl'"),
        "0"
    );
    shop.file("V1__goods.sql", "CREATE TABLE goods (id int);");
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 goods");
}

#[test]
fn a_statement_that_takes_too_long_is_a_failure_with_its_reason() {
    let shop = Shop::new(&[
        GOOD,
        (
            "V2__slow.sql",
            "CREATE TABLE slow (id int);\nSELECT pg_sleep(60);",
        ),
    ]);
    let started = Instant::now();
    shop.migrate(&["--statement-timeout", "2s"])
        .exits(5)
        .says("V2__slow.sql, line 2 (SELECT pg_sleep(60))")
        .says("canceling statement due to statement timeout (SQLSTATE 57014)")
        .says("nothing of V2__slow remains");
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(shop.history(), "1 goods");
    assert_eq!(shop.sql("SELECT to_regclass('slow') IS NULL"), "t");
    // Zero is no limit, as for the server.
    shop.file("V2__slow.sql", "SELECT pg_sleep(0.3);");
    shop.migrate(&["--statement-timeout", "0"]).exits(0);
}

#[test]
fn what_stands_in_the_way_is_told_with_a_way_out() {
    let shop = Shop::new(&[GOOD, ("V2__hand.sql", "CREATE TABLE hand (id int);")]);
    shop.migrate(&["--target", "1"]).exits(0);
    shop.sql("CREATE TABLE hand (id int)");
    shop.migrate(&[])
        .exits(5)
        .says("42P07")
        .says("it is there already: somebody made it by hand, another file of the set makes it too, or the history lost a row");
    shop.sql("DROP TABLE hand; ALTER TABLE refinery_schema_history RENAME COLUMN checksum TO sum");
    for verb in ["status", "migrate"] {
        shop.lab
            .run(&[verb])
            .exits(4)
            .says("one of dbctl's own tables was altered");
    }
    shop.sql("ALTER TABLE refinery_schema_history RENAME COLUMN sum TO checksum");
    let database = shop.lab.db(DB);
    let limit = |most: i32| {
        let sql = format!("ALTER DATABASE {database} CONNECTION LIMIT {most}");
        shop.lab.sql("postgres", &sql);
    };
    limit(0);
    shop.lab
        .run(&["status"])
        .exits(4)
        .says("CONNECTION LIMIT of the role or the database");
    limit(-1);
    shop.migrate(&[]).exits(0);
}

// Several at once.

#[test]
fn eight_runners_at_once_apply_everything_once() {
    let shop = Shop::new(&[
        (
            "V1__visits.sql",
            "CREATE TABLE visits (at timestamptz DEFAULT now());",
        ),
        (
            "V2__first.sql",
            "INSERT INTO visits DEFAULT VALUES;\nSELECT pg_sleep(0.3);",
        ),
        ("V3__more.sql", "CREATE INDEX ON visits (at);"),
    ]);
    let runners: Vec<Child> = (0..8).map(|_| shop.spawn(&["--format", "json"])).collect();
    let reports: Vec<_> = runners
        .into_iter()
        .map(|runner| join(runner).exits(0).json())
        .collect();
    let applied: usize = reports
        .iter()
        .map(|report| report["services"][0]["applied"].as_array().unwrap().len())
        .sum();
    assert_eq!(applied, 3, "{reports:#?}");
    for report in &reports {
        assert_eq!(report["services"][0]["total_applied"], 3, "{report}");
        assert_eq!(
            report["services"][0]["pending"],
            serde_json::json!([]),
            "{report}"
        );
    }
    assert_eq!(shop.sql("SELECT count(*) FROM visits"), "1");
    assert_eq!(shop.sql("SELECT count(*) FROM dbctl.identity"), "1");
    assert_eq!(shop.history(), "1 visits, 2 first, 3 more");
}

#[test]
fn a_lock_that_somebody_holds_ends_the_run_and_names_the_holder() {
    let shop = Shop::new(&[GOOD]);
    let holder = Holder::new(
        &shop.lab,
        &format!("SELECT 'pid ' || pg_backend_pid() FROM pg_advisory_lock({LOCK_KEY});"),
    );
    let pid = shop.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'the-holder' AND datname = current_database()");
    let started = Instant::now();
    shop.migrate(&["--lock-timeout", "700ms"])
        .exits(6)
        .says(&format!("process {pid} (the-holder)"))
        .says("--lock-timeout")
        .says("waits for another runner");
    assert!(started.elapsed() >= Duration::from_millis(700));
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(shop.made(), "");
    // A lock of the same key in another database is another lock, and one that is released in time does no harm.
    let runner = shop.spawn(&["--lock-timeout", "30s"]);
    shop.until_backend("query LIKE '%pg_locks%' OR query LIKE '%pg_try_advisory_lock%'");
    holder.release();
    join(runner).exits(0);
    assert_eq!(shop.history(), "1 goods");
}

#[test]
fn a_locked_table_is_waited_for_and_not_longer_than_asked() {
    let shop = Shop::new(&[GOOD]);
    shop.migrate(&[]).exits(0);
    shop.file(
        "V2__more.sql",
        "CREATE TABLE more (id int);\nALTER TABLE goods ADD COLUMN name text;",
    );
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; LOCK TABLE goods IN ACCESS EXCLUSIVE MODE;",
    );
    let started = Instant::now();
    shop.migrate(&["--lock-timeout", "800ms"])
        .exits(6)
        .says("V2__more.sql")
        .says("canceling statement due to lock timeout (SQLSTATE 55P03)")
        .says("nothing of it remains");
    assert!(started.elapsed() >= Duration::from_millis(800));
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(shop.history(), "1 goods");
    assert_eq!(shop.sql("SELECT to_regclass('more') IS NULL"), "t");

    // Every attempt gives the table free for others after a while: the run goes on until one of them gets it.
    let mut runner = shop.spawn(&["--lock-timeout", "30s"]);
    let mut said = String::new();
    let mut talk = runner.stderr.take().unwrap();
    let mut bytes = [0; 256];
    while !said.contains("is tried again") {
        let read = talk.read(&mut bytes).unwrap();
        assert!(read > 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    holder.release();
    join(runner).exits(0);
    assert_eq!(shop.history(), "1 goods, 2 more");
}

#[test]
fn a_lock_that_even_readers_of_the_catalog_wait_for_ends_the_run_as_locked() {
    // The server opens a table to deparse its CHECK and its index, so the look before the run waits as well.
    let shop = Shop::new(&[(
        "V1__guarded.sql",
        "CREATE TABLE guarded (id int CHECK (id > 0));\nCREATE INDEX guarded_id_idx ON guarded ((id + 1));",
    )]);
    shop.migrate(&[]).exits(0);
    shop.file("V2__more.sql", "ALTER TABLE guarded ADD COLUMN name text;");
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; LOCK TABLE guarded IN ACCESS EXCLUSIVE MODE;",
    );
    let started = Instant::now();
    shop.migrate(&["--lock-timeout", "2s"])
        .exits(6)
        .says("blocked by process")
        .says("(the-holder)")
        .says("the lock is on public.guarded")
        .says("waits for a lock: process")
        .says("nothing was changed: try again when the table is free, or raise --lock-timeout");
    assert!(started.elapsed() >= Duration::from_secs(2));
    // Who gives up before anybody could look learns it afterwards.
    shop.migrate(&["--lock-timeout", "0s"])
        .exits(6)
        .says("(the-holder)")
        .says("which holds public.guarded");
    shop.migrate(&["--dry-run", "--lock-timeout", "0s"])
        .exits(6)
        .says("0 migrations would be applied, as far as could be seen");
    shop.lab
        .run(&["verify"])
        .says("the-holder")
        .says("try again when the table is free");
    let runner = shop.spawn(&["--lock-timeout", "60s"]);
    shop.until_backend("wait_event_type = 'Lock'");
    holder.release();
    join(runner).exits(0);
    assert_eq!(shop.history(), "1 guarded, 2 more");

    // The history itself: whose it is and what was applied cannot be read.
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; LOCK TABLE refinery_schema_history IN ACCESS EXCLUSIVE MODE;",
    );
    for (verb, exit) in [("migrate", 6), ("rollback", 6), ("status", 4)] {
        let limit: &[&str] = match verb {
            "migrate" => &["--lock-timeout", "300ms"],
            "rollback" => &["--lock-timeout", "300ms", "--target", "0"],
            _ => &[],
        };
        shop.lab
            .run(&[&[verb, "--service", R], limit].concat())
            .exits(exit)
            .says("the-holder")
            .says("try again when the table is free");
    }
    holder.release();
}

#[test]
fn a_first_migration_that_ends_during_a_look_leaves_no_strangers_tables() {
    let shop = Shop::new(&[
        ("V1__a.sql", "CREATE TABLE a (x int);"),
        // One that runs statement by statement makes dbctl.progress.
        ("V2__b.sql", "CREATE INDEX CONCURRENTLY b ON a (x);"),
    ]);
    shop.migrate(&[]).exits(0);
    shop.sql("CREATE TABLE dbctl.kept AS SELECT * FROM refinery_schema_history; DELETE FROM refinery_schema_history");
    shop.lab
        .run(&["status", "--service", R])
        .exits(1)
        .says("has no migration history but is not empty");
    // What is read after the history waits, and meanwhile the history comes back, as if the first runner had just ended.
    let mut holder = Holder::new(&shop.lab, "BEGIN; LOCK TABLE dbctl.progress;");
    let mut look = shop.lab.command(&["status", "--service", R]);
    look.stdout(Stdio::piped()).stderr(Stdio::piped());
    let look = look.spawn().unwrap();
    shop.until_backend("wait_event_type = 'Lock' AND query LIKE '%dbctl.progress%'");
    holder.send("INSERT INTO refinery_schema_history SELECT * FROM dbctl.kept; DROP TABLE dbctl.kept; COMMIT;");
    let ended = join(look);
    ended.exits(0).says("up to date");
    holder.release();
}

#[test]
fn a_password_in_a_migration_is_not_shown() {
    // `lab::finish` looks for the canary in every output.
    let canary = crate::lab::CANARY.replace('\'', "''");
    let shop = Shop::new(&[]);
    for sql in [
        format!("CREATE ROLE somebody PASSWORD '{canary}';"),
        format!(
            "CREATE ROLE somebody PASSWORD $p${}$p$;",
            crate::lab::CANARY
        ),
        format!("CREATE SUBSCRIPTION s CONNECTION 'host=h password={canary}' PUBLICATION p;"),
        format!(
            "DO $$ DECLARE p text := '{canary}'; BEGIN EXECUTE format('CREATE ROLE somebody PASSWORD %L', p); END $$;"
        ),
        format!("SELECT 'postgresql://u:{canary}@h/db'::int;"),
    ] {
        shop.file("V1__role.sql", &sql);
        for form in [
            &["--dry-run"][..],
            &["--dry-run", "-v"],
            &["--dry-run", "--format=json"],
        ] {
            shop.migrate(form).exits(0);
        }
        for form in [&[][..], &["--format=json"]] {
            let run = shop.migrate(form);
            assert_ne!(run.code, 0, "{}", run.out);
            run.says("V1__role.sql");
        }
        shop.lab.run(&["repair", "--service", R]);
        shop.lab.run(&["repair", "--service", R, "--forget", "1"]);
    }
}

#[test]
fn a_password_that_only_a_function_says_is_not_shown() {
    let shop = Shop::new(&[
        (
            "V1__say.sql",
            "CREATE FUNCTION say() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'cannot reach postgresql://u:s3same@h/d' \
             USING DETAIL = 'host=h password=s3same', HINT = 'set PGPASSWORD=s3same'; END $$;",
        ),
        ("V2__call.sql", "SELECT say();"),
    ]);
    for form in [&[][..], &["--format=json"]] {
        let run = shop
            .migrate(form)
            .exits(5)
            .says("cannot reach postgresql://u:…@h/d (SQLSTATE P0001); detail: host=h password=…; hint: set PGPASSWORD=…");
        assert!(!run.all().contains("s3same"), "{}", run.all());
    }
}

#[test]
fn a_migration_cannot_leave_its_transaction() {
    let shop = Shop::new(&[GOOD]);
    for (sql, line, word) in [
        (
            "CREATE TABLE half (id int);\nCOMMIT;\nSELECT nowhere();",
            2,
            "COMMIT",
        ),
        ("BEGIN;\nCREATE TABLE half (id int);\nCOMMIT;", 1, "BEGIN"),
        (
            "CREATE TABLE half (id int);\n\n/* done */ rollback;",
            3,
            "ROLLBACK",
        ),
        ("START  TRANSACTION;", 1, "START"),
        ("CREATE TABLE half (id int);\nEND;", 2, "END"),
        (
            "\\connect elsewhere\nCREATE TABLE half (id int);",
            1,
            "\\connect",
        ),
    ] {
        shop.file("V2__half.sql", sql);
        shop.migrate(&[])
            .exits(3)
            .says(&format!("V2__half.sql: line {line}: {word}"));
        assert_eq!(shop.made(), "");
    }
    // Words that only look so: a savepoint, a function's body, a quoted text.
    shop.file(
        "V2__half.sql",
        "SAVEPOINT here;\nCREATE TABLE half (id int);\nROLLBACK TO SAVEPOINT here;\n\
         CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'COMMIT; BEGIN;'; END $$;",
    );
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 goods, 2 half");
}

// The end of dbctl in the middle.

const SLOW: (&str, &str) = (
    "V2__slow.sql",
    "CREATE TABLE slow (id int);\nSELECT pg_sleep(600);\nINSERT INTO slow VALUES (1);",
);

/// Nothing of V2 is there and nobody works on it; with the mended file the next run completes.
#[track_caller]
fn nothing_of_the_slow_one_and_the_next_run_completes(shop: &Shop) {
    shop.until_no_backend();
    assert_eq!(shop.history(), "1 goods");
    assert_eq!(shop.sql("SELECT to_regclass('slow') IS NULL"), "t");
    shop.file(SLOW.0, &SLOW.1.replace("600", "0"));
    shop.migrate(&[]).exits(0).says("1 migration applied");
    assert_eq!(shop.history(), "1 goods, 2 slow");
    assert_eq!(shop.sql("SELECT count(*) FROM slow"), "1");
}

#[test]
fn a_killed_run_is_rolled_back_by_the_server() {
    let shop = Shop::new(&[GOOD, SLOW]);
    let mut runner = shop.spawn(&[]);
    shop.until_backend("wait_event = 'PgSleep'");
    runner.kill().unwrap();
    runner.wait().unwrap();
    nothing_of_the_slow_one_and_the_next_run_completes(&shop);
}

#[test]
fn interrupt_and_terminate_roll_back_and_leave_nobody_working() {
    let shop = Shop::new(&[GOOD, SLOW]);
    for (signal, applied) in [(Signal::SIGINT, 1), (Signal::SIGTERM, 0)] {
        let runner = shop.spawn(&["--format", "json"]);
        shop.until_backend("wait_event = 'PgSleep'");
        send(&runner, signal);
        let report = join(runner).exits(130).json();
        let service = &report["services"][0];
        assert_eq!(service["outcome"], "interrupted", "{report}");
        assert_eq!(
            service["error"],
            "V2__slow.sql: interrupted; the running migration was rolled back"
        );
        // What was committed before is reported as applied.
        assert_eq!(
            service["applied"].as_array().unwrap().len(),
            applied,
            "{report}"
        );
        assert_eq!(service["total_applied"], 1, "{report}");
        assert_eq!(service["pending"].as_array().unwrap().len(), 1, "{report}");
        shop.until_no_backend();
    }
    nothing_of_the_slow_one_and_the_next_run_completes(&shop);
}

#[test]
fn an_interrupt_while_a_table_is_locked_leaves_nobody_in_the_queue() {
    let shop = Shop::new(&[GOOD]);
    shop.migrate(&[]).exits(0);
    shop.file("V2__slow.sql", "ALTER TABLE goods ADD COLUMN name text;");
    let holder = Holder::new(&shop.lab, "BEGIN; LOCK TABLE goods IN ACCESS SHARE MODE;");
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let runner = shop.spawn(&[]);
        shop.until_backend("wait_event_type = 'Lock'");
        send(&runner, signal);
        join(runner)
            .exits(130)
            .says("interrupted; the running migration was rolled back");
        shop.until_no_backend();
    }
    // Nobody waits for a stronger lock, so a reader gets in while the holder is still there.
    assert_eq!(
        shop.sql("SET lock_timeout = '1s'; SELECT count(*) FROM goods"),
        "0"
    );
    // While waiting for another runner, too.
    let other = Holder::new(
        &shop.lab,
        &format!("SELECT 1 FROM pg_advisory_lock({LOCK_KEY});"),
    );
    let runner = shop.spawn(&[]);
    shop.until_backend("query LIKE '%pg_locks%' OR query LIKE '%pg_try_advisory_lock%'");
    send(&runner, Signal::SIGINT);
    join(runner).exits(130).says("interrupted");
    drop((holder, other));
    assert_eq!(shop.history(), "1 goods");
}

// The end of the server, or of the way to it.

#[test]
fn a_terminated_backend_is_told_and_the_next_run_completes() {
    let shop = Shop::new(&[GOOD, SLOW]);
    let runner = shop.spawn(&[]);
    shop.until_backend("wait_event = 'PgSleep'");
    shop.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()");
    join(runner)
        .exits(4)
        .says(R)
        .says("V2__slow.sql: the connection broke: terminating connection due to administrator command (SQLSTATE 57P01)")
        .says("the server rolls it back, and the next run applies it");
    nothing_of_the_slow_one_and_the_next_run_completes(&shop);
}

#[test]
fn a_server_that_is_stopped_in_the_middle_is_told() {
    let server = start(
        &binaries(17, false).expect("PostgreSQL 17: run ./test.sh"),
        false,
        &[],
    );
    let shop = Shop::in_lab(Lab::on(&server, "postgres"), &[GOOD, SLOW]);
    let runner = shop.spawn(&["--format", "json"]);
    shop.until_backend("wait_event = 'PgSleep'");
    server.stop().unwrap();
    let report = join(runner).exits(4).json();
    let service = &report["services"][0];
    assert_eq!(service["outcome"], "unreachable", "{report}");
    assert_eq!(service["applied"][0]["name"], "goods", "{report}");
    let error = service["error"].as_str().unwrap();
    assert!(
        error.starts_with("V2__slow.sql: the connection broke: "),
        "{error}"
    );
    // And the next run finds nobody there.
    shop.migrate(&[])
        .exits(4)
        .says("check that the server runs");
}

/// A wire to the server that can be cut.
struct Wire {
    port: u16,
    /// Whether the cut was made.
    cut: Arc<AtomicBool>,
}

/// Where the wire is cut.
#[derive(Clone, Copy)]
enum Cut {
    /// The server never sees the COMMIT.
    Before,
    /// The server commits, and its answer is lost.
    After,
}

impl Wire {
    /// Listens; cuts the connection of the runner (the one that asks for the lock) at its COMMIT of this number.
    fn new(server: String, cut: Cut, commit: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let wire = Self {
            port: listener.local_addr().unwrap().port(),
            cut: Arc::default(),
        };
        let done = Arc::clone(&wire.cut);
        // Ends with the test process; while it lives it only waits.
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, done) = (client.unwrap(), Arc::clone(&done));
                let server = TcpStream::connect(&server).unwrap();
                std::thread::spawn(move || carry(client, server, cut, commit, &done));
            }
        });
        wire
    }
}

fn carry(mut client: TcpStream, mut server: TcpStream, cut: Cut, commit: usize, done: &AtomicBool) {
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let quiet = Arc::new(AtomicBool::new(false));
    let silent = Arc::clone(&quiet);
    let returning = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = answers.read(&mut bytes) {
            // The answer to the COMMIT has come, so the server has committed; nobody hears of it.
            if silent.load(Ordering::SeqCst) || back.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        back.shutdown(Shutdown::Both).ok();
        answers.shutdown(Shutdown::Both).ok();
    });
    let mut bytes = [0; 4096];
    let (mut runner, mut commits) = (false, 0);
    while let Ok(read @ 1..) = client.read(&mut bytes) {
        let message = String::from_utf8_lossy(&bytes[..read]).into_owned();
        runner |= message.contains("pg_try_advisory_lock");
        if runner && message.contains("COMMIT\0") {
            commits += 1;
            if commits == commit {
                done.store(true, Ordering::SeqCst);
                match cut {
                    Cut::Before => break,
                    Cut::After => quiet.store(true, Ordering::SeqCst),
                }
            }
        }
        if server.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    client.shutdown(Shutdown::Both).ok();
    server.shutdown(Shutdown::Both).ok();
    returning.join().ok();
}

#[test]
fn a_connection_that_is_cut_at_the_commit_leaves_all_or_nothing() {
    const ALL: &str = "1 goods, 2 more, 3 last";
    // One by one, and all in the one transaction that an empty database is filled in.
    for (cut, before, file, after) in [
        (Cut::Before, Some("1"), "V2__more.sql", "1 goods"),
        (Cut::After, Some("1"), "V2__more.sql", "1 goods, 2 more"),
        (Cut::Before, None, "V1__goods.sql to V3__last.sql", ""),
        (Cut::After, None, "V1__goods.sql to V3__last.sql", ALL),
    ] {
        let mut shop = Shop::new(&[
            GOOD,
            (
                "V2__more.sql",
                "CREATE TABLE more (id int);\nINSERT INTO more VALUES (1);",
            ),
            ("V3__last.sql", "INSERT INTO more VALUES (2);"),
        ]);
        if let Some(target) = before {
            shop.migrate(&["--target", target]).exits(0);
        }
        let url = shop.lab.url(DB, ROLE);
        let (_, place) = url.rsplit_once('@').unwrap();
        let (server, _) = place.split_once('/').unwrap();
        let wire = Wire::new(server.to_owned(), cut, 1);
        let through = url.replace(server, &format!("127.0.0.1:{}", wire.port));
        shop.lab.env.insert("RGB_USERS_URL".to_owned(), through);
        let run = shop
            .migrate(&[])
            .exits(4)
            .says(&format!("{file}: the connection broke at its COMMIT: "))
            .says("dbctl status")
            .says("0 migrations applied, and of one more commit it is not known");
        assert!(!run.all().contains("nothing was changed"), "{}", run.all());
        assert!(wire.cut.load(Ordering::SeqCst));
        shop.until_no_backend();
        if after.is_empty() {
            assert_eq!(shop.made(), "");
        } else {
            assert_eq!(shop.history(), after);
        }
        assert_eq!(
            shop.sql("SELECT to_regclass('more') IS NOT NULL"),
            if after.contains("more") { "t" } else { "f" }
        );
        shop.lab.env.remove("RGB_USERS_URL");
        shop.migrate(&[]).exits(0);
        assert_eq!(shop.history(), ALL);
        assert_eq!(
            shop.sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM more"),
            "1 2"
        );
    }
}

// What was asked for, and no more.

#[test]
fn a_target_and_a_dry_run_do_what_they_say() {
    let shop = Shop::new(&[
        GOOD,
        ("V2__two.sql", "CREATE TABLE two (id int); -- a quiet place"),
        ("V3__three.sql", "CREATE TABLE three (id int);"),
    ]);
    let run = shop
        .migrate(&["--dry-run"])
        .exits(0)
        .says("V3__three, in one transaction")
        .says("3 migrations would be applied; nothing was changed");
    assert!(!run.out.contains("a quiet place"), "{}", run.out);
    assert_eq!(shop.made(), "");
    shop.migrate(&["--dry-run", "-v"])
        .exits(0)
        .says("    CREATE TABLE two (id int); -- a quiet place");
    let run = shop
        .migrate(&["--dry-run", "--target", "2", "-v"])
        .exits(0)
        .says("CREATE TABLE two");
    assert!(!run.out.contains("CREATE TABLE three"), "{}", run.out);
    let report = shop.lab.json(&["migrate", "--dry-run"], 0);
    assert_eq!(report["dry_run"], true);
    assert_eq!(report["services"][0]["outcome"], "planned");
    assert_eq!(shop.made(), "");

    shop.migrate(&["--target", "2"])
        .exits(0)
        .says("2 migrations applied");
    assert_eq!(shop.history(), "1 goods, 2 two");
    // Migrate goes up alone, and says what goes down.
    let below = "it is at version 2, above --target 1, and stays there; dbctl rollback --service";
    for args in [&["--target", "1"][..], &["--target", "1", "--dry-run"]] {
        shop.migrate(args).exits(0).says(below);
    }
    assert!(!shop.migrate(&["--target", "2"]).all().contains("above"));
    assert_eq!(shop.history(), "1 goods, 2 two");
    // What lies beyond the target is still pending, and said to be.
    let report = shop.lab.json(&["migrate", "--target", "2"], 0);
    assert_eq!(report["services"][0]["outcome"], "up_to_date");
    assert_eq!(report["services"][0]["pending"][0]["version"], 3);
    shop.migrate(&["--target", "1"])
        .exits(0)
        .says("nothing to apply");
    assert_eq!(shop.history(), "1 goods, 2 two");
    shop.migrate(&["--target", "0"]).exits(2);
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 goods, 2 two, 3 three");
}

#[test]
fn one_job_migrates_one_service_after_the_other() {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    let run = lab.run(&["migrate", "--jobs", "1"]).exits(0);
    let order: Vec<&str> = run
        .err
        .lines()
        .filter(|line| line.contains(": applying "))
        .filter_map(|line| line.split(':').next())
        .collect();
    let mut sorted = order.clone();
    let place = |name: &str| order.iter().position(|other| *other == name);
    sorted.sort_by_key(|name| place(name));
    assert_eq!(order, sorted, "the services' lines are mixed");
    sorted.dedup();
    assert_eq!(sorted.len(), 3, "{}", run.err);
    lab.run(&["migrate", "--jobs", "0"]).exits(2);
}

// A history that does not fit.

#[test]
fn history_rows_that_were_edited_by_hand_are_reported() {
    let shop = Shop::new(&[GOOD, ("V2__two.sql", "CREATE TABLE two (id int);")]);
    shop.migrate(&["--target", "1"]).exits(0);
    let row = shop.sql("SELECT version, quote_literal(name), quote_literal(applied_on), quote_literal(checksum) FROM refinery_schema_history");
    for (edit, words) in [
        (
            "UPDATE refinery_schema_history SET applied_on = 'yesterday'",
            "V1__goods.sql was edited by hand: its time is \"yesterday\"",
        ),
        (
            "UPDATE refinery_schema_history SET applied_on = NULL",
            "V1__goods.sql was edited by hand: its time is \"\"",
        ),
        (
            "UPDATE refinery_schema_history SET checksum = 'none'",
            "the history says none",
        ),
        (
            "UPDATE refinery_schema_history SET checksum = NULL",
            "the history says nothing of the text of V1__goods.sql",
        ),
        (
            "UPDATE refinery_schema_history SET checksum = '-1'",
            "the history says -1",
        ),
        (
            "UPDATE refinery_schema_history SET name = NULL",
            "V1__goods.sql in the set",
        ),
        (
            "ALTER TABLE refinery_schema_history DROP CONSTRAINT refinery_schema_history_pkey; \
             INSERT INTO refinery_schema_history TABLE refinery_schema_history",
            "the history holds version 1 more than once",
        ),
        (
            "ALTER TABLE refinery_schema_history ALTER COLUMN version DROP NOT NULL; \
             UPDATE refinery_schema_history SET version = NULL",
            "the history's row of V1__goods.sql was edited by hand: its version is NULL",
        ),
        (
            "ALTER TABLE refinery_schema_history ALTER COLUMN version TYPE bigint; \
             UPDATE refinery_schema_history SET version = 9999999999",
            "the history's row of V1__goods.sql was edited by hand: it says version 9999999999",
        ),
    ] {
        shop.sql(edit);
        for target in ["1", "2"] {
            let run = shop.migrate(&["--target", target]).exits(3).says(words);
            assert!(!run.all().contains("panicked"), "{}", run.all());
        }
        shop.lab.run(&["status"]).exits(1).says(words);
        assert_eq!(shop.sql("SELECT to_regclass('two') IS NULL"), "t", "{edit}");
        let values = row.replace('|', ", ");
        shop.sql(&format!(
            "DELETE FROM refinery_schema_history; INSERT INTO refinery_schema_history VALUES ({values})"
        ));
    }
    shop.migrate(&[]).exits(0);
}

#[test]
fn a_set_that_was_changed_behind_its_history_is_refused_by_name() {
    let two = ("V2__two.sql", "CREATE TABLE two (id int);");
    let shop = Shop::new(&[GOOD, two, ("V4__four.sql", "CREATE TABLE four (id int);")]);
    shop.migrate(&[]).exits(0);
    shop.file("V5__five.sql", "CREATE TABLE five (id int);");

    shop.file(two.0, "CREATE TABLE two (id bigint);");
    shop.migrate(&[])
        .exits(3)
        .says("V2__two.sql was edited after it was applied on 20");
    std::fs::remove_file(shop.path(two.0)).unwrap();
    shop.migrate(&[])
        .exits(3)
        .says("the history holds V2__two.sql");
    shop.file("V2__twin.sql", two.1);
    shop.migrate(&[])
        .exits(3)
        .says("version 2 is V2__two.sql in the history but V2__twin.sql in the set");
    std::fs::remove_file(shop.path("V2__twin.sql")).unwrap();
    shop.file(two.0, two.1);
    shop.file("V3__three.sql", "CREATE TABLE three (id int);");
    shop.migrate(&[])
        .exits(3)
        .says("V3__three.sql was never applied although version 4 was");
    assert_eq!(shop.history(), "1 goods, 2 two, 4 four");
    std::fs::remove_file(shop.path("V3__three.sql")).unwrap();
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 goods, 2 two, 4 four, 5 five");
}

// One migration and the next.

#[test]
fn what_a_migration_sets_for_its_session_does_not_reach_the_next() {
    let shop = Shop::new(&[
        (
            "V1__elsewhere.sql",
            // A plain SET would be refused; what a function sets is not seen before it runs.
            "CREATE SCHEMA elsewhere;\nDO $$ BEGIN PERFORM set_config('search_path', 'elsewhere', false),\n\
             set_config('default_transaction_read_only', 'on', false), set_config('application_name', 'somebody', false); END $$;\n\
             CREATE TABLE here (id int);\n\
             CREATE TEMPORARY TABLE scratch (id int);",
        ),
        (
            "V2__home.sql",
            "SELECT pg_sleep(0.05);\nCREATE TABLE home (id int);\nCREATE TEMPORARY TABLE scratch (id int);\n\
             CREATE TABLE seen AS SELECT current_setting('application_name') AS name, current_setting('jit') AS jit;",
        ),
    ]);
    shop.migrate(&[]).exits(0);
    assert_eq!(
        shop.made(),
        "dbctl.identity elsewhere.here public.home public.refinery_schema_history public.seen"
    );
    assert_eq!(
        shop.sql("SELECT * FROM seen"),
        format!("dbctl migrate {R}|off")
    );
}

#[test]
fn an_extension_that_is_there_already_does_no_harm() {
    // The images bring TimescaleDB in template1.
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    lab.sql(
        "ksocial",
        "DROP EXTENSION IF EXISTS timescaledb; CREATE EXTENSION timescaledb",
    );
    lab.run(&["migrate", "-q", "--service", K]).exits(0);
    assert_eq!(
        lab.sql(
            "ksocial",
            "SELECT count(*) FROM timescaledb_information.hypertables"
        ),
        "4"
    );
}

// The way back to plain refinery.

#[test]
fn the_history_is_the_one_that_refinery_itself_would_have_written() {
    let lab = Lab::migrated();
    for (database, set) in [
        ("ksocial", "k_social"),
        ("simply_kaspa", "simply_kaspa"),
        (DB, "rgb_users"),
    ] {
        // As `ASSERT_MIGRATIONS_TABLE_QUERY` of refinery-core 0.10 makes it without the feature int8-versions.
        assert_eq!(
            lab.sql(
                database,
                "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute \
                 WHERE attrelid = 'public.refinery_schema_history'::regclass AND attnum > 0 ORDER BY attnum"
            ),
            "version|integer|t\nname|character varying(255)|f\napplied_on|character varying(255)|f\nchecksum|character varying(255)|f"
        );
        assert_eq!(
            lab.sql(
                database,
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'public.refinery_schema_history'::regclass AND contype <> 'n'"
            ),
            "PRIMARY KEY (version)"
        );
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(set);
        // As refinery reads the folder: it leaves down scripts alone.
        let migrations = refinery_core::load_sql_migrations(folder).unwrap();
        let expected: Vec<String> = migrations
            .iter()
            .map(|migration| {
                format!(
                    "{}|{}|{}",
                    migration.version(),
                    migration.name(),
                    migration.checksum()
                )
            })
            .collect();
        assert_eq!(
            lab.sql(
                database,
                "SELECT version, name, checksum FROM refinery_schema_history ORDER BY version"
            ),
            expected.join("\n")
        );
        // refinery's own reader panics on a time that is not RFC 3339.
        assert_eq!(
            lab.sql(
                database,
                "SELECT count(*) FROM refinery_schema_history WHERE applied_on !~ '^20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$'"
            ),
            "0"
        );
    }
    // psql as the service's role: the history is that role's own, so that plain refinery could go on with it.
    psql(
        lab.bin(),
        &lab.url(DB, ROLE),
        "BEGIN; INSERT INTO refinery_schema_history VALUES (99, 'next', '2026-01-01T00:00:00Z', '1'); ROLLBACK",
    )
    .unwrap();
}

#[test]
fn what_sql_prepared_or_held_does_not_reach_the_next() {
    let shop = Shop::new(&[
        ("V1__a.sql", "CREATE TABLE a (i int);"),
        (
            "V2__b.sql",
            "PREPARE \"Q\"(int) AS INSERT INTO a VALUES ($1);\nEXECUTE \"Q\"(1);\nDECLARE c CURSOR WITH HOLD FOR SELECT 1;",
        ),
        (
            "V3__c.sql",
            "PREPARE \"Q\"(int) AS INSERT INTO a VALUES ($1 + 1);\nEXECUTE \"Q\"(1);\nDECLARE c CURSOR WITH HOLD FOR SELECT 2;",
        ),
        (
            "V4__d.sql",
            "-- dbctl:no-transaction\nPREPARE \"Q\"(int) AS INSERT INTO a VALUES ($1 + 2);\nINSERT INTO a VALUES (3);",
        ),
        ("V5__e.sql", "PREPARE \"Q\" AS SELECT 1;\nFETCH c;"),
    ]);
    shop.migrate(&[])
        .exits(5)
        .says("V5__e.sql, line 2")
        .says("cursor \"c\" does not exist");
    assert_eq!(
        shop.sql("SELECT string_agg(i::text, ' ' ORDER BY i) FROM a"),
        "1 2 3"
    );
    assert_eq!(shop.history(), "1 a, 2 b, 3 c, 4 d");
}

#[test]
fn files_that_refinery_would_find_in_a_folder_below_are_named() {
    let shop = Shop::new(&[GOOD]);
    shop.migrate(&[]).exits(0);
    std::fs::create_dir(shop.path("later")).unwrap();
    shop.file("later/V2__more.sql", "CREATE TABLE more (i int);");
    shop.migrate(&[]).exits(0).says(
        "later/V2__more.sql in the set's folder is no part of the set, and refinery would apply it",
    );
    std::fs::remove_dir_all(shop.path("later")).unwrap();
    let run = shop.migrate(&[]).exits(0);
    assert!(!run.all().contains("refinery"), "{}", run.all());
}

#[test]
fn what_a_migration_did_to_its_session_and_a_new_value_of_an_enum_have_their_next_step() {
    let shop = Shop::new(&[("V1__first.sql", "CREATE TYPE en AS ENUM ('a');")]);
    shop.migrate(&["-q"]).exits(0);
    shop.file("V2__read.sql", "SELECT 1;\nSET TRANSACTION READ ONLY;\n");
    shop.migrate(&[])
        .exits(5)
        .says("in dbctl's own statements")
        .says("the migration, or a trigger that it fires, has changed the session (SET TRANSACTION READ ONLY");
    std::fs::remove_file(shop.path("V2__read.sql")).unwrap();
    shop.file(
        "V2__value.sql",
        "ALTER TYPE en ADD VALUE 'x';\nSELECT 'x'::en;\n",
    );
    shop.migrate(&[])
        .exits(5)
        .says("SQLSTATE 55P04")
        .says("make two files of this one, or give it the line -- dbctl:no-transaction");
}

/// Somebody's event trigger runs with every statement of a migration: the error names it, not only its function.
#[test]
fn an_event_trigger_that_stands_in_the_way_is_named() {
    let shop = Shop::new(&[("V1__goods.sql", "CREATE TABLE goods (id int);")]);
    shop.sql(
        "CREATE FUNCTION public.no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$; \
         CREATE EVENT TRIGGER \"Frozen\" ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.no_ddl()",
    );
    let named = "it comes from event trigger \"Frozen\" (ddl_command_start, function public.no_ddl, of role postgres)";
    shop.migrate(&[])
        .exits(5)
        .says("V1__goods.sql, line 1 (CREATE TABLE goods (id int)): not today")
        .says(named)
        .says("ALTER EVENT TRIGGER \"Frozen\" DISABLE");
    shop.file(
        "V1__goods.sql",
        "-- dbctl:no-transaction\nCREATE TABLE goods (id int);",
    );
    shop.migrate(&[]).exits(5).says(named);
    shop.sql("ALTER EVENT TRIGGER \"Frozen\" DISABLE");
    shop.migrate(&[]).exits(0);
    // One that writes where no migration may.
    shop.sql(
        "CREATE SCHEMA audit; CREATE TABLE audit.log (what text); \
         CREATE FUNCTION audit.note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO audit.log VALUES (tg_tag); END $$; \
         CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION audit.note()",
    );
    shop.file("V2__more.sql", "CREATE TABLE more (id int);");
    shop.migrate(&[])
        .exits(5)
        .says("it touches audit.log")
        .says("event trigger noted (ddl_command_end, function audit.note, of role postgres) runs with statements like these");
    // A failure of its own is nobody else's.
    shop.file("V2__more.sql", "SELECT 1 / 0;");
    let run = shop.migrate(&[]).exits(5);
    assert!(!run.all().contains("event trigger"), "{}", run.all());
    // Taken back, a migration meets it as well.
    shop.file("V1__goods.down.sql", "DROP TABLE goods;");
    shop.sql(
        "DROP EVENT TRIGGER noted; DROP EVENT TRIGGER \"Frozen\"; \
              CREATE EVENT TRIGGER kept ON sql_drop EXECUTE FUNCTION public.no_ddl()",
    );
    shop.lab
        .run(&["rollback", "--service", R, "--target", "0"])
        .exits(5)
        .says("it comes from event trigger kept (sql_drop")
        .says("ALTER EVENT TRIGGER kept DISABLE");
}

/// More locks in one transaction than the server has room for: the figures, and the setting that would do.
#[test]
fn a_full_lock_table_is_told_with_figures() {
    let server = start(
        &binaries(17, false).unwrap(),
        false,
        &[
            ("max_locks_per_transaction", "10"),
            ("max_connections", "20"),
            ("max_worker_processes", "4"),
        ],
    );
    let shop = Shop::in_lab(
        Lab::on(&server, "postgres"),
        &[(
            "V1__goods.sql",
            "CREATE TABLE goods (id int) PARTITION BY LIST (id);",
        )],
    );
    shop.migrate(&[]).exits(0);
    shop.lab
        .sql_as(
            DB,
            ROLE,
            "DO $$ BEGIN FOR i IN 1..3000 LOOP EXECUTE format('CREATE TABLE goods_%s PARTITION OF goods FOR VALUES IN (%s)', i, i); \
             COMMIT; END LOOP; END $$",
        )
        .unwrap();
    shop.file("V2__more.sql", "ALTER TABLE goods ADD COLUMN name text;");
    shop.migrate(&[])
        .exits(5)
        .says("V2__more.sql, line 1 (ALTER TABLE goods ADD COLUMN name text): out of shared memory (SQLSTATE 53200)")
        .says("(max_locks_per_transaction is 10)")
        .says("3000 of them partitions, chunks and their indexes: set max_locks_per_transaction = ")
        .says("nothing of V2__more remains");
}

/// A history that has lost its newest rows: what is there already is seen before rows are written for the second time.
#[test]
fn nothing_is_applied_again_before_what_is_certain_to_fail() {
    let shop = Shop::new(&[
        GOOD,
        (
            "V2__rows.sql",
            "INSERT INTO goods SELECT coalesce(max(id), 0) + 1 FROM goods;",
        ),
        ("V3__more.sql", "CREATE TABLE more (id int);"),
    ]);
    shop.migrate(&["-q"]).exits(0);
    shop.sql("DELETE FROM refinery_schema_history WHERE version > 1");
    for args in [&["--dry-run"][..], &[]] {
        shop.migrate(args)
            .exits(5)
            .says("V3__more.sql, line 1 (CREATE TABLE more (id int)): relation public.more already exists (SQLSTATE 42P07); nothing was changed")
            .says("dbctl repair --service rgb-lightning-node proves and mends");
        assert_eq!(shop.sql("SELECT count(*) FROM goods"), "1");
        assert_eq!(shop.history(), "1 goods");
    }
    // What makes room for itself is none of that.
    for file in [
        "ALTER TABLE more RENAME TO older; CREATE TABLE more (id int);",
        "DROP TABLE more; CREATE TABLE more (id int);",
        "CREATE TABLE IF NOT EXISTS more (id int);",
        "SET LOCAL search_path = pg_temp, public; CREATE TABLE more (id int);",
        "CREATE TEMP TABLE more (id int);",
        "DO $$ BEGIN DROP TABLE more; END $$; CREATE TABLE more (id int);",
    ] {
        shop.file("V3__more.sql", file);
        shop.migrate(&["-q", "--dry-run"]).exits(0);
    }
    // Nor is it certain where a function may make room.
    shop.sql("CREATE FUNCTION room() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN ALTER TABLE more RENAME TO older; RETURN NEW; END'; \
              CREATE TRIGGER room BEFORE INSERT ON goods FOR EACH ROW EXECUTE FUNCTION room()");
    shop.file("V3__more.sql", "CREATE TABLE more (id int);");
    shop.migrate(&["-q", "--dry-run"]).exits(0);
}
