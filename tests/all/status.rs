//! `status` on real servers: one screen for everything that can be so; waiting; and not one byte written.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::lab::{LOGGED, Lab, R, Run};
use crate::migrate::free_port;
use crate::sandbox::until;

/// A system of small services of its own, provisioned.
fn system(names: &[&str]) -> Lab {
    let mut lab = Lab::on(&LOGGED, "postgres");
    lab.own_services(names);
    lab.run(&["provision", "-q"]).exits(0);
    lab
}

#[test]
fn everything_that_can_be_so_in_one_screen() {
    let mut lab = system(&[
        "ready", "behind", "edited", "deleted", "older", "down", "astray",
    ]);
    lab.run(&["migrate", "-q"]).exits(0);
    let set = |service: &str, file: &str| lab.path().join(format!("sql/{service}/{file}"));
    std::fs::write(set("behind", "V5__five.sql"), "SELECT 5;\n").unwrap();
    std::fs::write(set("behind", "V7__seven.sql"), "SELECT 7;\n").unwrap();
    std::fs::write(set("edited", "V2__two.sql"), "SELECT 'edited';\n").unwrap();
    std::fs::remove_file(set("deleted", "V4__four.sql")).unwrap();
    std::fs::write(set("older", "V3__three.sql"), "SELECT 3;\n").unwrap();
    let port = free_port();
    lab.env.insert(
        "DOWN_URL".to_owned(),
        format!("postgresql://u:c4nary@127.0.0.1:{port}/{}", lab.db("down")),
    );
    let ready = lab.url("ready", "ready");
    lab.env.insert("ASTRAY_URL".to_owned(), ready);
    lab.edit(
        "\n[services.ready]",
        "\n[services.files]\nstore = \"files\"\nengine = \"rocksdb\"\n\
         \n[services.single]\nstore = \"postgres\"\nset = \"rgb_users\"\ndatabase = \"x\"\nurl = { env = \"NOBODY\" }\noptional = true\n\
         \n[services.ready]",
    );

    let run = lab.run(&["status"]).exits(1);
    assert_eq!(run.err, "");
    for row in [
        &["files", "no SQL database"][..],
        &["single", "not configured (single-user mode)"],
        &["ready", "up to date", "3, newest V4", "17."],
        &["behind", "pending", "3, newest V4", "2: V5 to V7"],
        &["edited", "divergent", "3, newest V4"],
        &["deleted", "ahead of its set", "newest V4, the set's V2"],
        &["older", "divergent"],
        &["down", "not reached", &port.to_string()],
        &["astray", "wrong database"],
    ] {
        let name = row.first().unwrap();
        let line = run
            .out
            .lines()
            .find(|line| line.split_whitespace().next() == Some(name))
            .unwrap_or_else(|| panic!("{name} is not in\n{}", run.out));
        for part in row {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
    let run = run
        .says("divergent edited: V2__two.sql was edited after it was applied on ")
        .says("ahead of its set deleted: the database is ahead of this set: V4__four is the newest recorded migration, applied on ")
        .says("and V2 the set's newest (1 migration that the set does not have)")
        .says("deploy that one, or, with it, take the database back first: dbctl rollback --service deleted --target 2")
        .says("divergent older: V3__three.sql was never applied although version 4 was")
        .says("rename it to V5__three.sql (and its down script with it), then run dbctl lock --service older")
        .says("run dbctl lock --service edited first and then dbctl repair --service edited")
        .says("Connection refused")
        .says(&format!(
            "astray must be migrated in database {}, but its URL leads to database {}, which is the database of ready",
            lab.db("astray"),
            lab.db("ready")
        ));
    assert!(
        run.out.lines().count() < 24,
        "more than one screen:\n{}",
        run.out
    );
    let run = lab
        .run(&["status", "-v"])
        .exits(1)
        .says("ready: V4__four applied on ");
    // Whole seconds, here and in what is told of rows.
    for (_, time) in run
        .all()
        .split("applied on ")
        .skip(1)
        .filter_map(|rest| rest.split_once('T'))
    {
        let time: String = time
            .chars()
            .take_while(|c| !c.is_whitespace() && *c != ',')
            .collect();
        assert!(
            time.len() == 9 && time.ends_with('Z'),
            "{time}: {}",
            run.all()
        );
    }

    let report = lab.json(&["status"], 1);
    assert_eq!(report["version"], 1);
    assert_eq!(report["ready"], false);
    let of = |name: &str| service(&report, name);
    for (name, state, reachable, applied, pending, divergent) in [
        ("files", "no_database", false, 0, 0, 0),
        ("single", "not_configured", false, 0, 0, 0),
        ("ready", "up_to_date", true, 3, 0, 0),
        ("behind", "pending", true, 3, 2, 0),
        ("edited", "divergent", true, 3, 0, 1),
        ("deleted", "divergent", true, 2, 0, 1),
        ("older", "divergent", true, 3, 0, 1),
        ("down", "unreachable", false, 0, 0, 0),
        ("astray", "wrong_database", true, 0, 0, 0),
    ] {
        let seen = of(name);
        let count = |key: &str| seen[key].as_array().unwrap().len();
        assert_eq!(seen["state"], state, "{seen:#}");
        assert_eq!(seen["reachable"], reachable, "{seen:#}");
        assert_eq!(
            (count("applied"), count("pending"), count("divergent")),
            (applied, pending, divergent),
            "{seen:#}"
        );
    }
    assert_eq!(of("ready")["applied"][2]["version"], 4);
    assert_eq!(of("ready")["applied"][2]["name"], "four");
    assert_eq!(of("behind")["pending"][0]["version"], 5);
    assert_eq!(of("ready")["error"], Value::Null);
    // A newer release of the set has been here, or nobody has.
    for (name, recorded, newest, ahead) in [
        ("ready", Some(4), Some(4), false),
        ("behind", Some(4), Some(7), false),
        ("deleted", Some(4), Some(2), true),
        ("older", Some(4), Some(4), false),
        ("down", None, None, false),
    ] {
        let seen = of(name);
        assert_eq!(seen["recorded"].as_i64(), recorded, "{seen:#}");
        assert_eq!(seen["newest"].as_i64(), newest, "{seen:#}");
        assert_eq!(seen["ahead"], ahead, "{seen:#}");
    }
    lab.run(&["repair", "--service", "deleted", "--dry-run"])
        .exits(1)
        .says("where a newer release of the set has migrated the database: deploy that one (the newest of this set is 2)");
    // One service alone has an exit code of its own.
    for (name, code) in [("ready", 0), ("behind", 0), ("older", 1), ("down", 4)] {
        lab.run(&["status", "--service", name]).exits(code);
    }
    // What status calls divergent migrate refuses, with the same words, and the others go on.
    let run = lab.run(&["migrate"]).exits(3);
    run.says("V2__two.sql was edited after it was applied on ")
        .says("V3__three.sql was never applied although version 4 was")
        .says("2 migrations applied; 5 of 9 services not migrated");
}

fn service<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["services"]
        .as_array()
        .unwrap()
        .iter()
        .find(|service| service["name"] == name)
        .unwrap()
}

/// How long a call took, and what came of it.
fn timed(run: impl FnOnce() -> Run) -> (Duration, Run) {
    let started = Instant::now();
    let run = run();
    (started.elapsed(), run)
}

/// How often status has logged in to this database.
fn looks(database: &str) -> usize {
    let log = std::fs::read_to_string(LOGGED.log_path()).unwrap();
    let opened = format!("database={database} application_name=dbctl status ");
    log.lines().filter(|line| line.contains(&opened)).count()
}

fn background(lab: &Lab, args: &[&str]) -> Child {
    let mut command = lab.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn end(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!text.contains("c4nary"), "{text}");
    (output.status.code(), text)
}

#[test]
fn waiting_ends_when_everything_is_migrated_and_not_before() {
    let mut lab = system(&["wait", "other"]);
    let (first, second) = (lab.db("wait"), lab.db("other"));
    // Zero is one look, and says whether it is so now.
    lab.run(&["status", "--wait", "0"])
        .exits(4)
        .says("3: V1 to V4");
    // The time is kept, and what was seen last is shown.
    let before = looks(&first);
    let (took, run) = timed(|| lab.run(&["status", "--wait", "4"]));
    run.exits(4).says("pending").says("not ready after 4 s");
    assert!(took >= Duration::from_secs(4), "{took:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(looks(&first) > before + 1, "it looked once only");
    let report = lab.json(&["status", "--wait", "0"], 4);
    assert_eq!(report["ready"], false);

    // Half is not enough.
    lab.run(&["migrate", "--service", "other", "-q"]).exits(0);
    let before = looks(&second);
    let child = background(&lab, &["status", "--wait", "100"]);
    until("status looks twice", Duration::from_secs(60), || {
        looks(&second) >= before + 2
    });
    lab.run(&["migrate", "-q"]).exits(0);
    let (took, (code, text)) = {
        let started = Instant::now();
        let ended = end(child);
        (started.elapsed(), ended)
    };
    assert_eq!(code, Some(0), "{text}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    // Once, when it was over.
    assert_eq!(text.matches("up to date").count(), 2, "{text}");
    assert!(!text.contains("pending"), "{text}");
    assert_eq!(lab.json(&["status", "--wait", "0"], 0)["ready"], true);

    // A server that is down may come up; a wrong set does not mend itself, nor does an edited file.
    lab.env.insert(
        "OTHER_URL".to_owned(),
        format!("postgresql://u:c4nary@127.0.0.1:{}/{second}", free_port()),
    );
    let (took, run) = timed(|| lab.run(&["status", "--wait", "1"]));
    run.exits(4).says("Connection refused");
    assert!(took >= Duration::from_secs(1), "{took:?}");
    let path = lab.write("sql/wait/V2__two.sql", "SELECT 'edited';\n");
    let (took, run) = timed(|| lab.run(&["status", "--wait", "100"]));
    run.exits(1).says("V2__two.sql was edited");
    assert!(took < Duration::from_secs(60), "{took:?}");
    std::fs::write(path, "").unwrap();
    let (took, run) = timed(|| lab.run(&["status", "--wait", "100"]));
    run.exits(3).says("empty");
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn waiting_and_watching_can_be_interrupted() {
    let lab = system(&["watch"]);
    let database = lab.db("watch");
    for (args, signal) in [
        (["status", "--wait", "100"], Signal::SIGTERM),
        (["status", "--watch", "-v"], Signal::SIGINT),
    ] {
        let before = looks(&database);
        let child = background(&lab, &args);
        until("status looks twice", Duration::from_secs(60), || {
            looks(&database) >= before + 2
        });
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        let (code, text) = end(child);
        assert_eq!(code, Some(130), "{args:?}: {text}");
        let shown = text.matches("3: V1 to V4").count();
        assert!((args[1] == "--watch") == (shown > 0), "{args:?}: {text}");
    }
}

/// What was sent to this database under this name, statement by statement.
fn statements(database: &str, application: &str) -> Vec<String> {
    let log = std::fs::read_to_string(LOGGED.log_path()).unwrap();
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match (line.strip_prefix('\t'), entries.last_mut()) {
            (Some(rest), Some(entry)) => {
                entry.push('\n');
                entry.push_str(rest);
            }
            _ => entries.push(line.to_owned()),
        }
    }
    let place = format!("@{database} ");
    let name = format!("] {application}");
    entries
        .iter()
        .filter(|entry| entry.contains(&name) && entry.contains(&place))
        .flat_map(|entry| {
            // Only the simple protocol takes several statements at once.
            if let Some((_, sql)) = entry.split_once("statement: ") {
                dbctl::migration::statements(sql)
                    .iter()
                    .map(|one| one.text.to_owned())
                    .collect()
            } else if let Some((_, sql)) = entry
                .split_once("execute ")
                .and_then(|(_, rest)| rest.split_once(": "))
            {
                vec![sql.to_owned()]
            } else {
                Vec::new()
            }
        })
        .map(|sql| {
            let lines = sql
                .lines()
                .map(|line| line.split_once("--").map_or(line, |(sql, _)| sql).trim());
            lines.collect::<Vec<_>>().join(" ").trim().to_owned()
        })
        .filter(|sql| !sql.is_empty())
        .collect()
}

/// What runs nothing of the text that it is given: the first statement of that fails.
const READING: &str = "DO $$ BEGIN EXECUTE pg_catalog.current_setting('dbctl.sql'); EXCEPTION WHEN division_by_zero THEN NULL; END $$";

#[track_caller]
fn assert_reads_only(database: &str, application: &str) {
    let sent = statements(database, application);
    assert!(
        sent.iter().any(|sql| sql.contains("dbctl.identity")),
        "the log holds only {} statements of {application}",
        sent.len()
    );
    for sql in sent {
        // The server reads files that are pending behind a statement that fails.
        let sql = match sql.starts_with(READING) {
            true => "SELECT",
            false => sql.as_str(),
        };
        let verb = sql.split_whitespace().next().unwrap().to_uppercase();
        assert!(
            ["SET", "SELECT", "WITH", "SHOW", "BEGIN", "COMMIT"].contains(&verb.as_str()),
            "{application} sent {sql}"
        );
        // `verify` takes a lock of its own to see which sessions end in one database; it blocks nobody and ends with its transaction.
        let harmless = sql.replace("pg_try_advisory_xact_lock(", "");
        assert!(
            !sql.contains("nextval") && !harmless.contains("_lock("),
            "{sql}"
        );
    }
}

/// Tuples that were ever written in this database, counted when nobody but this question is connected.
fn tuples(lab: &Lab, database: &str) -> i64 {
    let database = lab.db(database);
    until("sessions end", Duration::from_secs(30), || {
        let sessions = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND backend_type = 'client backend'"
        );
        lab.sql("postgres", &sessions) == "0"
    });
    lab.sql(
        "postgres",
        &format!(
            "SELECT tup_inserted + tup_updated + tup_deleted FROM pg_stat_database WHERE datname = '{database}'"
        ),
    )
    .parse()
    .unwrap()
}

/// Everything that exists in this database.
fn catalog(lab: &Lab, database: &str) -> String {
    lab.sql(
        database,
        "SELECT oid, xmin, relname FROM pg_class ORDER BY oid; SELECT oid, xmin, nspname FROM pg_namespace ORDER BY oid; \
         SELECT oid, xmin, extname FROM pg_extension ORDER BY oid",
    )
}

#[test]
fn it_writes_nothing_as_a_role_that_may_only_connect() {
    let mut lab = Lab::on(&LOGGED, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    let targets = [
        ("K_SOCIAL_URL", "ksocial"),
        ("SIMPLY_KASPA_URL", "simply_kaspa"),
        ("RGB_USERS_URL", "rgb_lightning_node"),
    ];
    let reader = lab.db("reader");
    lab.sql(
        "postgres",
        &format!(
            "CREATE ROLE {reader} LOGIN; ALTER ROLE {reader} SET default_transaction_read_only = on"
        ),
    );
    // The password is set by the program under test elsewhere; here it must not reach the log, so it is copied.
    lab.sql(
        "postgres",
        &format!(
            "SET log_statement = 'none'; SET log_min_duration_statement = -1; \
             UPDATE pg_authid SET rolpassword = (SELECT rolpassword FROM pg_authid WHERE rolname = '{}') WHERE rolname = '{reader}'",
            lab.db("rgb_user")
        ),
    );
    for (variable, database) in targets {
        lab.sql(
            "postgres",
            &format!("GRANT CONNECT ON DATABASE {} TO {reader}", lab.db(database)),
        );
        if database != "rgb_lightning_node" {
            // Its scheduler writes what its jobs have done.
            lab.sql(
                database,
                "SELECT _timescaledb_functions.stop_background_workers()",
            );
        }
        let owner = lab.url(database, "rgb_user");
        let url = owner.replacen(&lab.db("rgb_user"), &reader, 1);
        lab.env.insert(variable.to_owned(), url);
    }
    let count = |lab: &Lab| targets.map(|(_, database)| tuples(lab, database));
    let everything = |lab: &Lab| targets.map(|(_, database)| catalog(lab, database));
    let (before, catalogs) = (count(&lab), everything(&lab));

    // It can say that it may not read, and what would let it.
    let run = lab.run(&["status", "-v"]).exits(4);
    for part in [
        "not readable",
        "permission denied",
        &format!("GRANT USAGE ON SCHEMA dbctl, public TO {reader}"),
        &format!("GRANT SELECT ON dbctl.identity, public.refinery_schema_history TO {reader}"),
    ] {
        assert!(run.out.contains(part), "{part} is not in {}", run.out);
    }
    let report = lab.json(&["status"], 4);
    for service in report["services"].as_array().unwrap() {
        assert_eq!(service["state"], "unreachable", "{service:#}");
        assert_eq!(service["reachable"], true, "{service:#}");
    }
    assert_eq!(count(&lab), before);

    for (_, database) in targets {
        lab.sql(
            database,
            &format!(
                "GRANT USAGE ON SCHEMA dbctl, public TO {reader}; GRANT SELECT ON dbctl.identity, public.refinery_schema_history TO {reader}"
            ),
        );
    }
    let before = count(&lab);
    lab.run(&["status", "-v"]).exits(0).says("up to date");
    lab.run(&["status", "--wait", "5"]).exits(0);
    assert_eq!(lab.json(&["status"], 0)["ready"], true);
    lab.run(&["migrate", "--dry-run"])
        .exits(0)
        .says("0 migrations would be applied; nothing was changed");
    // Such a role may not see everything.
    lab.without_admin()
        .run(&["verify", "-v", "--no-login-proof"])
        .exits(4);
    assert_eq!(count(&lab), before);
    let after = everything(&lab);
    for (before, after) in catalogs.iter().zip(&after) {
        // Only the grants touched rows of the catalog.
        assert_eq!(before.lines().count(), after.lines().count());
    }
    for (_, database) in targets {
        assert_reads_only(&lab.db(database), "dbctl status ");
        assert_reads_only(&lab.db(database), "dbctl verify");
    }
    // The counters do count.
    lab.sql("rgb_lightning_node", "CREATE TABLE counted (a int)");
    assert!(count(&lab)[2] > before[2]);
}

#[test]
fn a_virgin_database_stays_one() {
    let lab = Lab::on(&LOGGED, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    let databases = ["ksocial", "simply_kaspa", "rgb_lightning_node"];
    let count = || databases.map(|database| tuples(&lab, database));
    let before = (count(), databases.map(|database| catalog(&lab, database)));
    lab.run(&["status", "-v"])
        .exits(0)
        .says("5: V1 to V5")
        .says("6: V1 to V6")
        .says("4: V1 to V4");
    let report = lab.json(&["migrate", "--dry-run"], 0);
    assert_eq!(report["dry_run"], true);
    for service in report["services"].as_array().unwrap() {
        assert_eq!(service["outcome"], "planned", "{service:#}");
    }
    lab.run(&["migrate", "--dry-run", "-v"])
        .exits(0)
        .says("15 migrations would be applied; nothing was changed")
        .says("V1__user_wallets, in one transaction")
        .says("CREATE TABLE public.ln_user_wallets (");
    assert_eq!(
        (count(), databases.map(|database| catalog(&lab, database))),
        before
    );
    for database in databases {
        assert_reads_only(&lab.db(database), "dbctl status ");
        assert_reads_only(&lab.db(database), "dbctl migrate ");
    }
    // A check of the check: what a real migration sends is noticed.
    lab.run(&["migrate", "--service", R, "-q"]).exits(0);
    let sent = statements(&lab.db("rgb_lightning_node"), "dbctl migrate ");
    assert!(
        sent.iter().any(|sql| sql.starts_with("CREATE TABLE")),
        "{sent:?}"
    );
}

#[test]
fn a_database_that_was_never_adopted_is_told_in_the_words_of_migrate() {
    let lab = system(&["strange", "mixed", "neighbour"]);
    lab.run(&["lock", "-q"]).exits(0);
    lab.run(&["migrate", "-q", "--service", "neighbour"])
        .exits(0);
    lab.sql_as("strange", "strange", "CREATE TABLE left_over (a int)")
        .unwrap();
    lab.sql_as("mixed", "mixed", "CREATE TABLE neighbour_one (a int)")
        .unwrap();
    let report = lab.json(&["status"], 1);
    let refused = lab.json(&["migrate"], 3);
    for (name, state, part) in [
        (
            "strange",
            "not_adopted",
            "no migration history but is not empty: public.left_over",
        ),
        (
            "mixed",
            "wrong_database",
            "tables of another service: public.neighbour_one of neighbour",
        ),
    ] {
        let seen = service(&report, name);
        assert_eq!(seen["state"], state, "{seen:#}");
        assert_eq!(seen["pending"].as_array().unwrap().len(), 3, "{seen:#}");
        let said = seen["error"].as_str().unwrap();
        assert!(said.contains(part), "{said}");
        let refusal = service(&refused, name)["error"].as_str().unwrap();
        assert_eq!(refusal, format!("{said}; nothing was changed"));
    }
    assert_eq!(report["ready"], false);
    lab.run(&["status", "--service", "strange"])
        .exits(1)
        .says("not adopted strange: ")
        .says("dbctl baseline --service strange adopts it");
    // What it holds may be what they make.
    let run = lab.run(&["status"]).exits(1);
    for name in ["strange", "mixed"] {
        let row = run.out.lines().find(|line| line.starts_with(name)).unwrap();
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert!(cells.ends_with(&["-", "-"]), "{row}");
    }
    lab.run(&["status", "--service", "strange", "--wait", "1"])
        .exits(1);
    // Nothing is to be adopted in an empty one, whatever is pending.
    lab.sql_as("strange", "strange", "DROP TABLE left_over")
        .unwrap();
    lab.run(&["status", "--service", "strange"])
        .exits(0)
        .says("pending");
}
