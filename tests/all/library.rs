//! dbctl within a service: the same guards and the same result as the command's, from a future on a runtime of many threads.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dbctl::{MigrateError, Migrator, Set};

use crate::lab::{CANARY, Lab};

/// Hides the crate of this name, as it is hidden from a service that depends on dbctl alone.
mod include_dir {}

static ORDERS: dbctl::Dir = dbctl::include_dir!("$CARGO_MANIFEST_DIR/examples/own_set/migrations");

fn orders() -> Set {
    Set::embedded("orders", &ORDERS).unwrap()
}

/// A service `orders`, provisioned, with the example's set.
fn lab() -> Lab {
    let mut lab = Lab::new();
    lab.own_services(&["orders"]);
    for entry in std::fs::read_dir(lab.path().join("sql/orders")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for file in ORDERS.files() {
        let name = file.path().to_str().unwrap();
        lab.write(&format!("sql/orders/{name}"), file.contents());
    }
    lab.run(&["provision", "-q"]).exits(0);
    lab
}

fn url(lab: &Lab) -> String {
    lab.url("orders", "orders")
}

/// Runs a migrator as a task of a runtime with two threads.
fn run(migrator: Migrator, url: &str) -> Result<Vec<i32>, MigrateError> {
    let url = url.to_owned();
    let applied = runtime()
        .block_on(async { tokio::spawn(async move { migrator.run(&url).await }).await })
        .unwrap()?;
    Ok(applied.iter().map(|migration| migration.version).collect())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// The example's binary, as new as its source.
fn example() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.ancestors().nth(2).unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--locked", "--example", "own_set"])
        .arg("--target-dir")
        .arg(profile.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells a test about its crate would make build scripts run again, and everything after them.
    for (name, _) in std::env::vars_os() {
        let told = name.to_str().unwrap_or_default();
        if told.starts_with("CARGO_PKG_")
            || told.starts_with("CARGO_MANIFEST_")
            || told == "OUT_DIR"
        {
            cargo.env_remove(name);
        }
    }
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success(), "the example is built");
    profile.join("examples/own_set")
}

#[test]
fn the_example_migrates_once_however_often_it_is_started() {
    let lab = lab();
    let example = example();
    let start = || {
        Command::new(&example)
            .env_clear()
            .env("DATABASE_URL", url(&lab))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [start(), start(), start(), start()];
    let mut applied = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{err}");
        assert!(out.ends_with("ready\n"), "{out}");
        applied.extend(
            out.lines()
                .filter(|line| line.starts_with("applied"))
                .map(str::to_owned),
        );
    }
    assert_eq!(applied, ["applied V1__orders", "applied V2__order_items"]);
    let output = start().wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "ready\n");

    // The command sees what it would have made itself.
    let report = lab.json(&["status"], 0);
    assert_eq!(report["services"][0]["state"], "up_to_date", "{report:#}");
    let report = lab.json(&["migrate"], 0);
    assert_eq!(report["services"][0]["outcome"], "up_to_date", "{report:#}");
    assert_eq!(
        lab.sql("orders", "SELECT service, set_name FROM dbctl.identity"),
        "orders|orders"
    );
}

#[test]
fn the_options_do_what_they_say() {
    let lab = lab();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&seen);
    let migrator = Migrator::new("orders", orders())
        .database(lab.db("orders"))
        .target(1)
        .lock_timeout(Duration::from_secs(5))
        .statement_timeout(Duration::from_secs(5))
        .on_event(move |event| to.lock().unwrap().push(event));
    assert_eq!(run(migrator.clone(), &url(&lab)).unwrap(), [1]);
    assert_eq!(run(migrator.clone(), &url(&lab)).unwrap(), [] as [i32; 0]);
    let seen = format!("{:?}", seen.lock().unwrap());
    assert!(
        seen.contains("Applied { file: \"V1__orders.sql\""),
        "{seen}"
    );
    assert!(!seen.contains("V2"), "{seen}");
    assert_eq!(run(migrator.target(2), &url(&lab)).unwrap(), [2]);
    // A folder of the host will do as well.
    let folder = lab.path().join("sql/orders");
    let set = Set::on_disk("orders", &folder).unwrap();
    assert_eq!(
        run(Migrator::new("orders", set), &url(&lab)).unwrap(),
        [] as [i32; 0]
    );
    lab.write(
        "sql/orders/V3__slow.sql",
        "CREATE TABLE slow (a int); SELECT pg_sleep(20);",
    );
    let set = Set::on_disk("orders", &folder).unwrap();
    let slow = Migrator::new("orders", set).statement_timeout(Duration::from_secs(2));
    let error = run(slow, &url(&lab)).unwrap_err();
    assert!(matches!(&error, MigrateError::Failed(_)), "{error:?}");
    assert!(
        error.to_string().contains("V3__slow.sql, line 1"),
        "{error}"
    );
}

#[test]
fn a_database_that_is_not_this_services_is_refused_in_the_commands_words() {
    let lab = lab();
    let refused = |migrator: Migrator, url: &str, part: &str| {
        let error = run(migrator, url).unwrap_err();
        assert!(matches!(&error, MigrateError::Refused(_)), "{error:?}");
        assert!(
            error.to_string().contains(part),
            "{part:?} is not in {error}"
        );
    };
    let migrator = || Migrator::new("orders", orders());
    // Another name than was asked for.
    refused(
        migrator().database("elsewhere"),
        &url(&lab),
        "orders must be migrated in database elsewhere",
    );
    // Tables that nobody knows.
    lab.sql("orders", "CREATE TABLE somebodys (a int)");
    refused(
        migrator(),
        &url(&lab),
        "has no migration history but is not empty: public.somebodys",
    );
    lab.sql("orders", "DROP TABLE somebodys");
    assert_eq!(run(migrator(), &url(&lab)).unwrap(), [1, 2]);
    // Another service's stamp.
    refused(
        Migrator::new("billing", orders()),
        &url(&lab),
        "belongs to service orders (set orders), says its stamp",
    );
    // A history that the set does not have, and one that was changed.
    lab.sql(
        "orders",
        "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2",
    );
    refused(
        migrator(),
        &url(&lab),
        "V2__order_items.sql was edited after it was applied",
    );
    lab.sql(
        "orders",
        "INSERT INTO refinery_schema_history SELECT 9, 'foreign', applied_on, '2' FROM refinery_schema_history WHERE version = 1",
    );
    refused(migrator(), &url(&lab), "the history holds V9__foreign.sql");
}

/// What src/lib.rs says of an older release and of a file that the server cannot parse.
#[test]
fn an_older_release_is_refused_and_a_file_that_cannot_be_parsed_changes_nothing() {
    let lab = lab();
    let folder = lab.path().join("sql/orders");
    let set = || Set::on_disk("orders", &folder).unwrap();
    let newest = set().newest();
    let next = folder.join(format!("V{}__next.sql", newest + 1));
    let after = folder.join(format!("V{}__after.sql", newest + 2));
    std::fs::write(&next, "CREATE TABLE next (a int);").unwrap();
    std::fs::write(&after, "CREATE TABEL after (a int);").unwrap();
    let error = run(Migrator::new("orders", set()), &url(&lab)).unwrap_err();
    assert!(matches!(error, MigrateError::Failed(_)), "{error:?}");
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    assert_eq!(
        lab.sql(
            "orders",
            "SELECT to_regclass('refinery_schema_history') IS NULL"
        ),
        "t"
    );
    // What is not asked for is not read.
    let to_next = Migrator::new("orders", set()).target(newest + 1);
    assert_eq!(
        run(to_next, &url(&lab)).unwrap().last(),
        Some(&(newest + 1))
    );
    std::fs::remove_file(after).unwrap();
    std::fs::remove_file(next).unwrap();
    let error = run(Migrator::new("orders", set()), &url(&lab)).unwrap_err();
    assert!(matches!(error, MigrateError::Refused(_)), "{error:?}");
    assert!(error.to_string().contains("ahead of this set"), "{error}");
}

#[test]
fn no_error_shows_a_password() {
    let lab = lab();
    let port = crate::migrate::free_port();
    let migrator = || Migrator::new("orders", orders()).lock_timeout(Duration::from_millis(300));
    let cases = [
        (format!("mysql://u:{CANARY}@h/d"), "cannot be used"),
        (
            format!("postgresql://u:c4nary@127.0.0.1:{port}/d"),
            "127.0.0.1",
        ),
        (url(&lab).replace("orders", "nobody"), "nobody"),
    ];
    for (url, part) in cases {
        let error = run(migrator(), &url).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(part), "{part:?} is not in {text}");
        assert!(!text.contains("c4nary"), "{text}");
        assert!(
            matches!(error, MigrateError::Url(_) | MigrateError::Unreachable(_)),
            "{error:?}"
        );
    }
    assert!(!format!("{:?}", migrator()).contains("c4nary"));
}

#[test]
fn a_future_that_is_dropped_leaves_nothing() {
    let lab = lab();
    let folder = lab.path().join("sql/orders");
    lab.write(
        "sql/orders/V3__slow.sql",
        "CREATE TABLE slow (a int); SELECT pg_sleep(60);",
    );
    let slow = Migrator::new("orders", Set::on_disk("orders", &folder).unwrap());
    let database = lab.db("orders");
    let sessions = |condition: &str| {
        lab.sql(
            "postgres",
            &format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND application_name LIKE 'dbctl %' AND {condition}"),
        )
    };
    let url = url(&lab);
    // The runtime goes on, as a service's does.
    let runtime = runtime();
    let task = runtime.spawn(async move {
        let run = slow.run(&url);
        tokio::time::timeout(Duration::from_secs(6), run)
            .await
            .is_err()
    });
    until(|| sessions("query LIKE '%pg_sleep%'") == "1");
    assert!(
        runtime.block_on(task).unwrap(),
        "it was dropped while it ran"
    );
    until(|| sessions("true") == "0");
    assert_eq!(lab.sql("orders", "SELECT to_regclass('slow') IS NULL"), "t");
    assert_eq!(
        lab.sql("orders", "SELECT max(version) FROM refinery_schema_history"),
        "2"
    );
    lab.write("sql/orders/V3__slow.sql", "CREATE TABLE slow (a int);");
    let set = Set::on_disk("orders", &folder).unwrap();
    assert_eq!(
        run(Migrator::new("orders", set), &self::url(&lab)).unwrap(),
        [3]
    );
}

fn until(condition: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < limit, "it did not come true");
        std::thread::sleep(Duration::from_millis(50));
    }
}
