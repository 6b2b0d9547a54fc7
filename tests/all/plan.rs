//! All services are one plan: every target is looked at before any is changed, the limits hold, and the plan can be read first.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::{K, Lab, R, S, binaries, start};
use crate::migrate::free_port;
use crate::shop::{ROLE, Shop};

/// A lab with services of its own, provisioned.
fn lab(names: &[&str]) -> Lab {
    let mut lab = Lab::new();
    lab.own_services(names);
    lab.run(&["provision", "-q"]).exits(0);
    lab
}

fn service<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["services"]
        .as_array()
        .unwrap()
        .iter()
        .find(|service| service["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {report:#}"))
}

fn outcome(report: &Value, name: &str) -> String {
    service(report, name)["outcome"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Everything that a write would change: the rows of the catalog with the transactions that wrote them.
fn catalog(lab: &Lab, database: &str) -> String {
    lab.sql(
        database,
        "SELECT xmin, oid, relname FROM pg_class ORDER BY oid; SELECT xmin, nspname FROM pg_namespace ORDER BY oid",
    )
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < limit, "{what} did not come true");
        std::thread::sleep(Duration::from_millis(50));
    }
}

// One failure and the others.

#[test]
fn a_failed_preflight_stops_everything_or_nothing() {
    let mut lab = lab(&["first", "second"]);
    let dead = format!(
        "postgresql://u:c4nary@127.0.0.1:{}/{}",
        free_port(),
        lab.db("second")
    );
    lab.env.insert("SECOND_URL".to_owned(), dead);
    let before = catalog(&lab, "first");
    let report = lab.json(&["migrate", "--fail-fast"], 4);
    assert_eq!(outcome(&report, "first"), "not_started");
    assert_eq!(outcome(&report, "second"), "unreachable");
    assert_eq!(service(&report, "first")["pending"][2]["version"], 4);
    assert_eq!(report["summary"]["not_started"], 1, "{report:#}");
    lab.run(&["migrate", "--fail-fast"])
        .exits(4)
        .says("not started: the preflight of second failed, and --fail-fast changes nothing then")
        .says("nothing was changed; 2 of 2 services not migrated; 1 not reached, 1 not started (");
    assert_eq!(catalog(&lab, "first"), before);

    lab.run(&["migrate", "--fail-fast", "--keep-going"])
        .exits(2);
    let report = lab.json(&["migrate", "--keep-going"], 4);
    assert_eq!(outcome(&report, "first"), "migrated");
    assert_eq!(report["summary"]["applied"], 3, "{report:#}");
    // What is done is done, and needs no start.
    let report = lab.json(&["migrate", "--fail-fast"], 4);
    assert_eq!(outcome(&report, "first"), "up_to_date");
}

#[test]
fn after_a_failure_nothing_is_begun_and_what_runs_is_finished() {
    let lab = lab(&["wrong", "slow", "waiting"]);
    lab.write(
        "sql/wrong/V2__two.sql",
        "CREATE TABLE two (a int); SELECT pg_sleep(1); SELECT 1 / 0;",
    );
    lab.write(
        "sql/slow/V1__one.sql",
        "-- dbctl:no-transaction\nCREATE TABLE slow_one (a int); SELECT pg_sleep(3);",
    );
    let report = lab.json(&["migrate", "--fail-fast", "--jobs", "2"], 5);
    assert_eq!(outcome(&report, "wrong"), "failed");
    assert_eq!(service(&report, "wrong")["applied"][0]["version"], 1);
    let slow = service(&report, "slow");
    assert_eq!(slow["outcome"], "stopped", "{slow:#}");
    assert_eq!(slow["applied"].as_array().unwrap().len(), 1, "{slow:#}");
    assert_eq!(slow["total_applied"], 1, "{slow:#}");
    assert_eq!(slow["pending"][0]["version"], 2, "{slow:#}");
    // It ran statement by statement, and to its end.
    assert_eq!(slow["unfinished"], false, "{slow:#}");
    let waiting = service(&report, "waiting");
    assert_eq!(waiting["outcome"], "not_started", "{waiting:#}");
    let error = waiting["error"].as_str().unwrap();
    assert!(error.contains("wrong failed"), "{error}");
    assert_eq!(
        lab.sql(
            "waiting",
            "SELECT to_regclass('refinery_schema_history') IS NULL"
        ),
        "t"
    );
    // Without the flag a failure is its own service's matter.
    let report = lab.json(&["migrate", "--jobs", "2"], 5);
    assert_eq!(outcome(&report, "wrong"), "failed");
    assert_eq!(outcome(&report, "slow"), "migrated");
    assert_eq!(outcome(&report, "waiting"), "migrated");
    lab.write("sql/wrong/V2__two.sql", "CREATE TABLE two (a int);");
    let report = lab.json(&["migrate", "--fail-fast"], 0);
    assert_eq!(outcome(&report, "wrong"), "migrated");
    assert_eq!(service(&report, "wrong")["total_applied"], 3);
}

// The limits.

const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// How many of six services were migrated at the same time.
fn most_at_once(args: &[&str]) -> usize {
    let lab = lab(&SIX);
    for name in SIX {
        lab.write(
            &format!("sql/{name}/V1__one.sql"),
            "CREATE TABLE seen (at timestamptz); INSERT INTO seen VALUES (clock_timestamp()); SELECT pg_sleep(0.6);\n\
             INSERT INTO seen VALUES (clock_timestamp());",
        );
    }
    lab.run(&[&["migrate", "-q"], args].concat()).exits(0);
    let spans: Vec<(f64, f64)> = SIX
        .iter()
        .map(|name| {
            let span = lab.sql(
                name,
                "SELECT extract(epoch FROM min(at)), extract(epoch FROM max(at)) FROM seen",
            );
            let (begin, end) = span.split_once('|').unwrap();
            (begin.parse().unwrap(), end.parse().unwrap())
        })
        .collect();
    let during = |moment: f64| {
        let running = |span: &&(f64, f64)| span.0 <= moment && moment < span.1;
        spans.iter().filter(running).count()
    };
    spans.iter().map(|span| during(span.0)).max().unwrap()
}

#[test]
fn a_server_gets_no_more_jobs_at_once_than_it_may_have() {
    assert_eq!(most_at_once(&["--jobs-per-server", "2"]), 2);
    // Without a limit of the server's own more of them run together.
    assert!(most_at_once(&["--jobs-per-server", "6"]) > 2);
    Lab::new()
        .run(&["migrate", "--jobs-per-server", "0"])
        .exits(2);
}

// The plan.

#[test]
fn a_dry_run_shows_every_statement_and_writes_nothing() {
    let lab = lab(&["shop"]);
    lab.write(
        "sql/shop/V1__one.sql",
        "CREATE TABLE goods (\n    id int\n);\n\nINSERT INTO goods VALUES (1);\n",
    );
    lab.write(
        "sql/shop/V2__two.sql",
        "CREATE TABLE two (id int);\nVACUUM goods;\n",
    );
    let before = catalog(&lab, "shop");
    let run = lab
        .run(&["migrate", "--dry-run"])
        .exits(0)
        .says("shop would apply to ")
        .says("V1__one, in one transaction\n")
        .says(
            "V2__two, statement by statement\n      VACUUM in line 2 cannot run in a transaction\n",
        )
        .says("line 1: CREATE TABLE goods ( id int )")
        .says("line 5: INSERT INTO goods")
        .says("line 2: VACUUM goods\n      runs outside a transaction")
        .says("3 migrations would be applied; nothing was changed; 1 to be migrated (");
    assert!(!run.out.contains("    id int"), "{}", run.out);
    lab.run(&["migrate", "--dry-run", "-v"])
        .exits(0)
        .says("    CREATE TABLE goods (\n        id int\n    );\n");

    let report = lab.json(&["migrate", "--dry-run"], 0);
    let pending = &report["services"][0]["pending"];
    assert_eq!(pending[0]["mode"], "transaction");
    assert_eq!(pending[0]["reason"], Value::Null);
    assert_eq!(pending[1]["mode"], "statements");
    let statements = pending[0]["statements"].as_array().unwrap();
    assert_eq!(statements.len(), 2);
    assert_eq!(statements[1]["line"], 5);
    assert_eq!(statements[1]["place"], "transaction");
    assert!(statements[1]["hazards"].is_array());
    assert_eq!(statements[0]["lock"], Value::Null);
    assert_eq!(statements[0].get("text"), None);
    assert_eq!(pending[1]["statements"][1]["place"], "alone");
    // Of a lock on a table that an earlier file of the plan makes nobody can feel anything yet.
    assert_eq!(pending[1]["statements"][1]["lock"]["relation"], "goods");
    assert_eq!(pending[1]["statements"][1]["lock"]["exists"], false);
    lab.run(&["migrate", "--dry-run"])
        .exits(0)
        .says("locks goods: SHARE UPDATE EXCLUSIVE (not there yet)");
    let report = lab.json(&["migrate", "--dry-run", "-v"], 0);
    assert_eq!(
        report["services"][0]["pending"][0]["statements"][1]["text"],
        "INSERT INTO goods VALUES (1)"
    );
    assert_eq!(catalog(&lab, "shop"), before);
    // A preflight that fails is told in a dry run too, with the exit code that the run would have.
    lab.sql("shop", "CREATE TABLE somebodys (a int)");
    lab.run(&["migrate", "--dry-run"])
        .exits(3)
        .says("no migration history but is not empty");
}

// What the server has left.

#[test]
fn a_server_without_a_background_worker_for_timescaledb_is_refused() {
    let Some(binaries) = binaries(17, true) else {
        return;
    };
    // The launcher counts as one of them.
    let server = start(
        &binaries,
        true,
        &[("timescaledb.max_background_workers", "2")],
    );
    let mut lab = Lab::on(&server, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    let refused = "the server has no background worker left for TimescaleDB, which needs one for each database: \
                   timescaledb.max_background_workers is 2 with 1 running";
    // There is one slot for two databases.
    let report = lab.json(&["migrate", "--target", "1"], 4);
    assert_eq!(outcome(&report, K), "migrated");
    assert_eq!(outcome(&report, S), "unreachable");
    assert_eq!(outcome(&report, R), "migrated", "it needs none");
    let error = service(&report, S)["error"].as_str().unwrap();
    assert!(error.contains(refused), "{error}");
    assert!(
        error.contains("k-indexer of this run take what is left"),
        "{error}"
    );
    assert_eq!(
        lab.sql("simply_kaspa", "SELECT to_regnamespace('dbctl') IS NULL"),
        "t"
    );
    let scheduler = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'TimescaleDB%Scheduler' AND datname = '{}'",
        lab.db("ksocial")
    );
    wait_until("the scheduler runs", || {
        lab.sql("postgres", &scheduler) == "1"
    });
    // Who has a scheduler needs none. A role that may not look into the sessions of others still sees the workers' names.
    for with_admin in [true, false] {
        if !with_admin {
            lab.without_admin();
        }
        let dry = lab.json(&["migrate", "--dry-run"], 4);
        assert_eq!(outcome(&dry, K), "planned");
        let error = service(&dry, S)["error"].as_str().unwrap();
        assert!(error.contains("is 2 with 2 running"), "{error}");
        assert!(!error.contains("of this run"), "{error}");
    }
    let report = lab.json(&["migrate"], 4);
    assert_eq!(outcome(&report, K), "migrated");
    assert_eq!(outcome(&report, S), "unreachable");
}

/// A session of the superuser that does nothing.
struct Idle(Child);

impl Idle {
    fn new(lab: &Lab) -> Self {
        let child = Command::new(lab.bin().join("psql"))
            .args(["-qXAt", "-d", &lab.admin_url(R_DATABASE)])
            .env("PGAPPNAME", "idle")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

const R_DATABASE: &str = "rgb_lightning_node";

#[test]
fn a_server_without_a_connection_to_spare_is_refused() {
    let Some(binaries) = binaries(17, true) else {
        return;
    };
    let server = start(
        &binaries,
        false,
        &[
            ("max_connections", "8"),
            ("superuser_reserved_connections", "3"),
        ],
    );
    let lab = Lab::on(&server, "postgres");
    lab.run(&["provision", "-q", "--service", R]).exits(0);
    let idle: Vec<Idle> = (0..4).map(|_| Idle::new(&lab)).collect();
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'idle'";
    wait_until("all are connected", || lab.sql("postgres", count) == "4");
    // The session that has counted may not have ended yet.
    let refused = std::cell::RefCell::new(None);
    wait_until("there is one connection left", || {
        let run = lab.run(&["migrate", "--service", R]).exits(4);
        let is_full = run.all().contains("SQLSTATE 53300");
        refused.replace(Some(run));
        !is_full
    });
    refused
        .take()
        .unwrap()
        .says("the server has 1 connection left for role ")
        .says("max_connections is 8, 3 of them reserved and 4 in use");
    assert_eq!(
        lab.sql(R_DATABASE, "SELECT to_regnamespace('dbctl') IS NULL"),
        "t"
    );
    drop(idle);
    wait_until("all are gone", || lab.sql("postgres", count) == "0");
    lab.run(&["migrate", "--service", R]).exits(0);
}

#[test]
fn a_schema_that_takes_no_tables_is_refused() {
    let lab = lab(&["shop"]);
    let role = lab.db("shop");
    lab.sql(
        "shop",
        &format!("ALTER SCHEMA public OWNER TO CURRENT_USER; REVOKE ALL ON SCHEMA public FROM \"{role}\", PUBLIC; \
             GRANT USAGE ON SCHEMA public TO \"{role}\""),
    );
    lab.run(&["migrate"])
        .exits(4)
        .says("may not create tables in schema public of database ")
        .says("run dbctl provision");
    lab.sql("shop", "DROP SCHEMA public");
    lab.run(&["migrate"])
        .exits(4)
        .says("has no schema public, which holds the history of its migrations");
    assert_eq!(
        lab.sql("shop", "SELECT to_regnamespace('dbctl') IS NULL"),
        "t"
    );
}

/// A small file system; unmounted when it is dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m", "dbctl-test"])
            .arg(dir.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(dir))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        Command::new("umount").arg(self.0.path()).status().ok();
    }
}

#[test]
fn a_disk_without_room_is_refused() {
    let Some(small) = Small::mount() else {
        eprintln!("SKIPPED: a tmpfs cannot be mounted here, which only root may");
        return;
    };
    let lab = lab(&["shop"]);
    let place = small.0.path().display().to_string();
    lab.edit(
        "[services.shop]",
        &format!("[services.shop]\ndata_dir = \"{place}\""),
    );
    lab.run(&["migrate"])
        .exits(4)
        .says(&format!("its data_dir {place} has 1"))
        .says("MiB free, and a migration is begun with 64 MiB at least: make room there");
    assert_eq!(
        lab.sql("shop", "SELECT to_regnamespace('dbctl') IS NULL"),
        "t"
    );
    // A directory that is not on this host says nothing.
    lab.edit(&place, "/no/such/place");
    lab.run(&["migrate"]).exits(0);
}

#[test]
fn nobody_is_the_first_in_a_database_that_two_services_would_share() {
    let mut lab = Lab::new();
    lab.own_services(&["a", "b"]);
    lab.run(&["provision", "-q"]).exits(0);
    let (a, b) = (lab.db("a"), lab.db("b"));
    lab.sql(
        "postgres",
        &format!("GRANT CONNECT ON DATABASE \"{a}\" TO \"{b}\""),
    );
    lab.sql("a", &format!("GRANT USAGE ON SCHEMA public TO \"{b}\""));
    let shared = format!("b.database={a}");
    for dry in [&["migrate", "--dry-run"][..], &["migrate"]] {
        lab.run(&[dry, &["--set", &shared]].concat())
            .exits(3)
            .says(&format!("database {a} at 127.0.0.1:"))
            .says("is b's as well: give each service its own database")
            .says("is a's as well: give each service its own database");
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'dbctl')";
    assert_eq!(lab.sql("a", tables), "0");
    // Whose it is the stamp tells: then only the other one is refused.
    lab.run(&["migrate", "-q"]).exits(0);
    lab.sql(
        "a",
        &format!(
            "GRANT USAGE ON SCHEMA dbctl TO \"{b}\"; GRANT SELECT ON dbctl.identity, public.refinery_schema_history TO \"{b}\""
        ),
    );
    lab.run(&["migrate", "--set", &shared])
        .exits(3)
        .says("up to date")
        .says("belongs to service a");
}

/// TimescaleDB refuses what is right for every other table: told in the plan, by `check` and where it fails.
#[test]
fn an_index_of_a_hypertable_is_not_made_concurrently() {
    let shop = Shop::new(&[
        (
            "V1__ticks.sql",
            "CREATE EXTENSION IF NOT EXISTS timescaledb;\nCREATE TABLE ticks (at timestamptz NOT NULL, a int);\n\
             SELECT create_hypertable('ticks', by_range('at'));\nCREATE TABLE plain (a int);\nINSERT INTO ticks VALUES (now(), 1);",
        ),
        (
            "V2__index.sql",
            "CREATE INDEX CONCURRENTLY ON plain (a);\nCREATE INDEX CONCURRENTLY ON public.ticks (a);",
        ),
    ]);
    let told = "concurrently-on-hypertable: TimescaleDB refuses CONCURRENTLY on a hypertable";
    let plan = shop.migrate(&["--dry-run"]).exits(0).says(told);
    assert_eq!(
        plan.out.matches("concurrently-on-hypertable").count(),
        1,
        "{}",
        plan.out
    );
    shop.lab
        .run(&["check", "--fail-on", "warning"])
        .says("V2__index.sql")
        .says("fails: TimescaleDB makes no index CONCURRENTLY on hypertable ticks");
    shop.migrate(&[])
        .exits(5)
        .says("V2__index.sql, line 2")
        .says("hypertables do not support concurrent index creation")
        .says("WITH (timescaledb.transaction_per_chunk)");
    shop.file(
        "V2__index.sql",
        "CREATE INDEX CONCURRENTLY ON plain (a);\nCREATE INDEX ON public.ticks (a) WITH (timescaledb.transaction_per_chunk);",
    );
    let plan = shop.migrate(&["--dry-run"]).exits(0);
    assert!(
        !plan.out.contains("concurrently-on-hypertable"),
        "{}",
        plan.out
    );
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 ticks, 2 index");
}

/// The superuser of a server of its own writes rows that make chunks: they are the service's, as everything of its hypertables is.
#[test]
fn a_superusers_rows_make_chunks_of_its_own() {
    let shop = Shop::new(&[(
        "V1__ticks.sql",
        "CREATE EXTENSION IF NOT EXISTS timescaledb;\nCREATE TABLE ticks (at timestamptz NOT NULL, a int);\n\
         SELECT create_hypertable('ticks', by_range('at', interval '1 day'));\nINSERT INTO ticks VALUES ('2020-01-01', 1);",
    )]);
    // As in the stock container, where POSTGRES_USER is the service's role.
    shop.sql(&format!("ALTER ROLE {} SUPERUSER", shop.lab.db(ROLE)));
    shop.migrate(&["-q"]).exits(0);
    shop.sql("INSERT INTO ticks VALUES ('2021-01-01', 1)");
    shop.file(
        "V2__rows.sql",
        "INSERT INTO ticks SELECT '2010-01-01'::timestamptz + i * interval '1 day', 1 FROM generate_series(1, 20) AS i;\n\
         UPDATE ticks SET a = 2; DELETE FROM ticks WHERE at < '2010-01-05';",
    );
    shop.file(
        "V2__rows.down.sql",
        "INSERT INTO ticks VALUES ('2022-01-01', 1);",
    );
    shop.file(
        "V3__steps.sql",
        "-- dbctl:no-transaction\nINSERT INTO ticks VALUES ('2023-01-01', 1);\nVACUUM ticks;",
    );
    shop.file("V3__steps.down.sql", "SELECT 1;");
    shop.migrate(&[]).exits(0);
    shop.lab
        .run(&[
            "rollback",
            "--service",
            R,
            "--target",
            "1",
            "--allow-data-loss",
        ])
        .exits(0);
    assert_eq!(shop.sql("SELECT count(*) FROM ticks"), "21");
}
