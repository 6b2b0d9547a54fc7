//! Many runners at once, and runs that are killed at any moment.

use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::Rng as _;

use crate::lab::{Lab, R, Run, binaries, start};
use crate::shop::{DB, Shop, join, until};

/// How many times a run is killed.
const KILLS: usize = 200;

#[test]
fn thirty_two_runners_at_once_all_succeed_and_each_statement_runs_once() {
    let shop = Shop::new(&[
        (
            "V1__visits.sql",
            "CREATE TABLE visits (who text, at timestamptz DEFAULT now());",
        ),
        (
            "V2__first.sql",
            "INSERT INTO visits (who) VALUES ('transaction');",
        ),
        (
            "V3__index.sql",
            "CREATE INDEX CONCURRENTLY visits_at_idx ON visits (at);\nINSERT INTO visits (who) VALUES ('statement');",
        ),
        ("V4__last.sql", "ALTER TABLE visits ADD COLUMN note text;"),
    ]);
    let runners: Vec<Child> = (0..32).map(|_| shop.spawn(&["--format", "json"])).collect();
    let mut applied = Vec::new();
    for runner in runners {
        let report = join(runner).exits(0).json();
        for migration in report["services"][0]["applied"].as_array().unwrap() {
            applied.push(migration["version"].as_i64().unwrap());
        }
    }
    applied.sort_unstable();
    assert_eq!(applied, [1, 2, 3, 4], "each was applied by one of them");
    assert_eq!(
        shop.sql("SELECT who, count(*) FROM visits GROUP BY who ORDER BY who"),
        "statement|1\ntransaction|1"
    );
    assert_eq!(
        shop.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'visits_at_idx'::regclass"),
        "t"
    );
    assert_eq!(shop.sql("SELECT count(*) FROM dbctl.progress"), "0");
    shop.until_no_backend();
}

/// A set that grows: rounds of migrations, transactional ones and others, each of which leaves a trace that can be counted.
struct Rounds {
    shop: Shop,
    rounds: usize,
}

impl Rounds {
    fn new(shop: Shop) -> Self {
        shop.file(
            "V1__trace.sql",
            "CREATE TABLE trace (round int, step text, filler text DEFAULT repeat('x', 200));\n\
             INSERT INTO trace SELECT 0, 'fill' FROM generate_series(1, 3000);\n\
             CREATE PROCEDURE step(round int) LANGUAGE plpgsql AS $$ BEGIN \
             PERFORM pg_sleep(0.02); INSERT INTO trace VALUES (round, 'call'); COMMIT; PERFORM pg_sleep(0.02); END $$;",
        );
        let mut rounds = Self { shop, rounds: 0 };
        rounds.add();
        rounds
    }

    fn add(&mut self) {
        self.rounds += 1;
        let round = self.rounds;
        let (a, b, c, d) = (round * 10, round * 10 + 1, round * 10 + 2, round * 10 + 3);
        self.shop.file(
            &format!("V{a}__table.sql"),
            &format!(
                "CREATE TABLE made_{round} (id int);\nINSERT INTO trace (round, step) VALUES ({round}, 'whole');\n\
                 SELECT pg_sleep(0.01);\nALTER TABLE trace ADD COLUMN c{round} int;"
            ),
        );
        self.shop.file(
            &format!("V{b}__index.sql"),
            &format!(
                "INSERT INTO trace (round, step) VALUES ({round}, 'before');\n\
                 CREATE INDEX CONCURRENTLY trace_{round}_idx ON trace (step, round, c{round});\n\
                 VACUUM trace;\n\
                 INSERT INTO trace (round, step) VALUES ({round}, 'after');"
            ),
        );
        self.shop.file(
            &format!("V{c}__drop.sql"),
            &format!(
                "INSERT INTO trace (round, step) VALUES ({round}, 'drop');\n\
                 DROP INDEX CONCURRENTLY trace_{round}_idx;\n\
                 REINDEX TABLE CONCURRENTLY trace;\n\
                 CREATE UNIQUE INDEX CONCURRENTLY ON made_{round} (id);"
            ),
        );
        // Only its caller knows what a procedure with a COMMIT has done.
        self.shop.file(
            &format!("V{d}__call.sql"),
            &format!("-- dbctl:no-transaction\nCALL step({round});"),
        );
    }

    /// What must hold at every moment: a transactional migration is there as a whole and recorded, or not at all.
    #[track_caller]
    fn consistent(&self) {
        if self
            .shop
            .sql("SELECT to_regclass('public.refinery_schema_history') IS NULL")
            == "t"
        {
            assert_eq!(self.shop.sql("SELECT to_regclass('trace') IS NULL"), "t");
            return;
        }
        let wrong = self.shop.sql(&format!(
            "SELECT r FROM generate_series(1, {}) r WHERE \
             (to_regclass('made_' || r) IS NOT NULL) <> EXISTS (SELECT FROM refinery_schema_history WHERE version = r * 10) \
             OR (SELECT count(*) FROM trace WHERE round = r AND step = 'whole') \
             <> (SELECT count(*) FROM refinery_schema_history WHERE version = r * 10)",
            self.rounds
        ));
        assert_eq!(wrong, "", "a transactional migration is half there");
        let order = self.shop.sql(
            "SELECT count(*) FROM refinery_schema_history h WHERE NOT EXISTS \
             (SELECT FROM refinery_schema_history b WHERE b.version < h.version) AND version <> 1",
        );
        assert_eq!(order, "0", "the history begins in the middle");
    }

    /// Says of the statement whose fate only an operator can know what has become of it.
    #[track_caller]
    fn settle(&self, said: &Run) {
        assert!(said.all().contains("CALL step("), "{}", said.all());
        assert!(said.all().contains("dbctl repair"), "{}", said.all());
        let ran = self.shop.sql(
            "SELECT EXISTS (SELECT FROM trace t WHERE step = 'call' AND NOT EXISTS \
             (SELECT FROM refinery_schema_history WHERE version = t.round * 10 + 3))",
        );
        let word = if ran == "t" { "--ran" } else { "--not-run" };
        self.shop
            .lab
            .run(&["repair", "--service", R, word])
            .exits(0);
    }

    /// What must hold at the end.
    #[track_caller]
    fn complete(&self) {
        let run = self.shop.migrate(&[]);
        if run.code == 5 {
            self.settle(&run);
        }
        self.shop.migrate(&[]).exits(0);
        self.consistent();
        assert_eq!(
            self.shop
                .sql("SELECT count(*) FROM refinery_schema_history"),
            (1 + 4 * self.rounds).to_string()
        );
        let wrong = self.shop.sql(&format!(
            "SELECT r, s FROM generate_series(1, {}) r, unnest(ARRAY['whole', 'before', 'after', 'drop', 'call']) s \
             WHERE 1 <> (SELECT count(*) FROM trace WHERE round = r AND step = s)",
            self.rounds
        ));
        assert_eq!(wrong, "", "a statement ran twice, or never");
        assert_eq!(
            self.shop.sql("SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE NOT indisvalid"),
            ""
        );
        assert_eq!(
            self.shop.sql("SELECT count(*) FROM pg_index WHERE indrelid::regclass::text LIKE 'made\\_%' AND indisunique"),
            self.rounds.to_string(),
            "an index was made twice, or never"
        );
        assert_eq!(self.shop.sql("SELECT count(*) FROM dbctl.progress"), "0");
    }
}

/// Kills runs until enough were killed; `strike` kills one that has been running for a while, and says whether it did.
fn storm(mut rounds: Rounds, kills: usize, strike: impl Fn(&Rounds, &mut Child) -> bool) {
    let mut random = rand::rng();
    let (mut struck, mut settled) = (0, 0);
    let mut longest = Duration::from_millis(300);
    while struck < kills {
        let mut child = rounds.shop.spawn(&["--lock-timeout", "20s"]);
        let started = Instant::now();
        std::thread::sleep(random.random_range(Duration::ZERO..longest));
        let alive = child.try_wait().unwrap().is_none();
        if alive && strike(&rounds, &mut child) {
            struck += 1;
        }
        let run = join(child);
        if run.code == 5 {
            rounds.settle(&run);
            settled += 1;
            continue;
        }
        assert!(
            [0, 4, -1].contains(&run.code),
            "after {struck} kills: {} {}",
            run.code,
            run.all()
        );
        if run.code == 0 {
            // Kills should meet a run at work, not its end.
            longest = (longest + started.elapsed()) / 2;
            rounds.add();
        }
        rounds.shop.until_no_backend();
        rounds.consistent();
    }
    rounds.complete();
    eprintln!(
        "{struck} kills in {} rounds, {settled} statements settled by repair",
        rounds.rounds
    );
}

#[test]
fn killing_dbctl_at_any_moment_leaves_a_state_that_the_next_run_goes_on_from() {
    let rounds = Rounds::new(Shop::new(&[]));
    storm(rounds, KILLS, |_, child| {
        // The server hears of it only when it next talks to the client, or when it looks (client_connection_check_interval).
        child.kill().is_ok()
    });
}

#[test]
fn killing_the_servers_process_at_any_moment_does_too() {
    let Some(binaries) = binaries(17, false) else {
        return;
    };
    // The server of this test alone: it ends every session when one of its processes is killed.
    let server = start(
        &binaries,
        false,
        &[
            ("shared_buffers", "16MB"),
            ("log_statement", "none"),
            ("restart_after_crash", "on"),
        ],
    );
    let shop = Shop::in_lab(Lab::on(&server, "postgres"), &[]);
    storm(Rounds::new(shop), KILLS, |rounds, _| {
        let pid = rounds.shop.lab.try_sql(
            "postgres",
            &format!(
                "SELECT pid FROM pg_stat_activity WHERE datname = '{}' AND application_name LIKE 'dbctl %' ORDER BY backend_start LIMIT 1",
                rounds.shop.lab.db(DB)
            ),
        );
        let Some(pid) = pid.ok().and_then(|pid| pid.parse::<i32>().ok()) else {
            return false;
        };
        let pid = Pid::from_raw(pid);
        let killed = kill(pid, Signal::SIGKILL).is_ok();
        // A process dies when it next gets a processor; until the server has reaped it, it lets everybody in, and then ends them all.
        until("the killed process is gone", || kill(pid, None).is_err());
        until("the server is back", || {
            rounds.shop.lab.try_sql("postgres", "SELECT 1").is_ok()
        });
        killed
    });
}

/// Runners that look at a database while another one is at work there: what that one has made is no stranger's.
#[test]
fn runners_that_come_while_another_is_at_work_find_nothing_in_their_way() {
    let shop = Shop::new(&[("V1__first.sql", "CREATE TABLE first (id int);")]);
    shop.migrate(&["-q"]).exits(0);
    for round in 0..4 {
        for file in 0..4 {
            let version = 2 + round * 4 + file;
            shop.file(
                &format!("V{version}__more.sql"),
                &format!(
                    "CREATE TABLE more_{version} (id int); INSERT INTO first VALUES ({version});"
                ),
            );
        }
        let runners: Vec<_> = (0..16)
            .map(|_| {
                std::thread::sleep(Duration::from_millis(15));
                shop.spawn(&["-q"])
            })
            .collect();
        for runner in runners {
            join(runner).exits(0);
        }
    }
    assert_eq!(
        shop.sql("SELECT count(*), count(DISTINCT id) FROM first"),
        "16|16"
    );
}
