//! `provision` on real servers: each role and database as it must be, whatever was there before; nothing of a password anywhere.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use dbctl::sandbox::Server;
use nix::sys::signal::Signal;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::lab::{CANARY, K, LOGGED, Lab, R, Run, S, binaries, psql, start};
use crate::shop::{Holder, join, send, until};

/// Database and role of each service.
const TARGETS: [(&str, &str); 3] = [
    ("ksocial", "k_social_user"),
    ("simply_kaspa", "simply_kaspa_user"),
    ("rgb_lightning_node", "rgb_user"),
];

/// A lab whose RGB node has a storage directory, which is not there yet.
fn with_storage() -> (Lab, PathBuf) {
    let mut lab = Lab::new();
    let storage = lab.path().join("rgb");
    lab.edit(
        "set = \"rgb_users\"\n",
        "set = \"rgb_users\"\nstorage_dir = { env = \"STORAGE\" }\n",
    );
    lab.env
        .insert("STORAGE".to_owned(), storage.display().to_string());
    (lab, storage)
}

/// Asserts what must hold of every service after `provision`.
#[track_caller]
fn assert_provisioned(lab: &Lab) {
    for (database, role) in TARGETS {
        let (db, owner) = (lab.db(database), lab.db(role));
        assert_eq!(
            lab.sql(
                "postgres",
                &format!(
                    "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = '{db}'"
                )
            ),
            format!("{owner}|UTF8")
        );
        assert_eq!(
            lab.sql(
                "postgres",
                &format!(
                    "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = '{owner}'"
                )
            ),
            "t|f|f|f|f|f"
        );
        // Nobody but the owner has any right on the database or on schema public; pg_database_owner is the owner.
        assert_eq!(
            lab.sql(
                database,
                "SELECT 'database', a.grantee::regrole, a.privilege_type FROM pg_database d, \
                 aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a \
                 WHERE d.datname = current_database() AND a.grantee <> d.datdba \
                 UNION ALL SELECT 'schema', a.grantee::regrole, a.privilege_type FROM pg_namespace n, \
                 aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a \
                 WHERE n.nspname = 'public' AND a.grantee <> n.nspowner"
            ),
            "",
            "{database}"
        );
        lab.sql_as(
            database,
            role,
            "CREATE TABLE public.own (a int); DROP TABLE public.own",
        )
        .unwrap();
        for (other, _) in TARGETS.iter().filter(|(other, _)| *other != database) {
            let error = lab.sql_as(other, role, "SELECT 1").unwrap_err();
            assert!(
                error.contains("permission denied for database"),
                "{role} on {other}: {error}"
            );
        }
    }
}

#[test]
fn roles_and_databases_are_made_and_a_second_run_changes_nothing() {
    let lab = Lab::new();
    let run = lab
        .run(&["provision"])
        .exits(0)
        .says(&format!("role {}", lab.db("k_social_user")))
        .says("created, with its password")
        .says(&format!("created, owned by {}", lab.db("rgb_user")))
        .says("revoked from PUBLIC")
        .says("available; the first migration creates it");
    assert_eq!(run.err, "");
    assert_provisioned(&lab);

    let report = lab.json(&["provision"], 0);
    for service in report["services"].as_array().unwrap() {
        assert_eq!(service["error"], serde_json::Value::Null, "{report}");
        for step in service["steps"].as_array().unwrap() {
            assert_eq!(step["changed"], false, "{step}");
            assert_eq!(step["warning"], false, "{step}");
        }
    }
    lab.run(&["provision"])
        .exits(0)
        .says("already so")
        .says("already there, owned by")
        .says("already closed to PUBLIC")
        .says("nothing was changed");
    assert_provisioned(&lab);
}

/// The lab's roles and databases: passwords, attributes, owners and privileges.
fn of_the_server(lab: &Lab) -> String {
    let own = lab.db("");
    lab.sql(
        "postgres",
        &format!(
            "SELECT string_agg(t, E'\\n' ORDER BY t) FROM (SELECT a::text FROM pg_authid a WHERE rolname LIKE '%{own}' \
             UNION ALL SELECT d::text FROM (SELECT datname, datdba, datacl FROM pg_database WHERE datname LIKE '%{own}') d) x(t)"
        ),
    )
}

/// Runs `provision --dry-run`, which may change nothing, and gives what it says.
fn looked(lab: &Lab) -> Run {
    let before = of_the_server(lab);
    let run = lab.run(&["provision", "--dry-run"]).exits(0);
    assert_eq!(of_the_server(lab), before, "something was changed");
    run
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let (lab, storage) = with_storage();
    // Nothing is there yet.
    looked(&lab)
        .says("would be created, with its password")
        .says(&format!(
            "would be created, owned by {}",
            lab.db("rgb_user")
        ))
        .says("would be revoked from PUBLIC")
        .says("tried at the end, at 127.0.0.1:")
        .says("available; the first migration creates it")
        .says("would be created, private")
        .says("changes would be made; nothing was changed");
    assert!(!storage.exists());
    let report = lab.json(&["provision", "--dry-run"], 0);
    assert_eq!(report["dry_run"], true, "{report}");

    // All is there.
    lab.run(&["provision", "-q"]).exits(0);
    looked(&lab).says("nothing would be changed");

    // Some of it is not as it should be.
    let (db, role, other) = (
        lab.db("ksocial"),
        lab.db("k_social_user"),
        lab.db("simply_kaspa_user"),
    );
    lab.sql(
        "postgres",
        &format!(
            "ALTER ROLE {role} CREATEDB PASSWORD 'another'; ALTER DATABASE {db} OWNER TO postgres; GRANT CONNECT ON DATABASE {db} TO PUBLIC"
        ),
    );
    lab.sql("ksocial", &format!("GRANT ALL ON SCHEMA public TO {other}"));
    let acl = "SELECT nspacl FROM pg_namespace WHERE nspname = 'public'";
    let before = lab.sql("ksocial", acl);
    looked(&lab)
        .says("would be altered: NOCREATEDB")
        .says("would be set")
        .says(&format!(
            "would be given to {role} (owner until now: postgres)"
        ))
        .says("would be revoked from PUBLIC")
        .says(&format!("would be revoked from {other}"))
        .says("5 changes would be made; nothing was changed");
    assert_eq!(lab.sql("ksocial", acl), before);
    lab.run(&["provision"]).exits(0).says("5 changes made");
    looked(&lab).says("nothing would be changed");

    // A role that is missing beside its database, and what is refused.
    lab.sql(
        "postgres",
        &format!("ALTER DATABASE {db} OWNER TO postgres; ALTER DATABASE {db} RENAME TO kept_{db}"),
    );
    lab.sql("postgres", &format!("CREATE DATABASE {db} OWNER {other}"));
    let before = of_the_server(&lab);
    lab.run(&["provision", "--dry-run"])
        .exits(3)
        .says("the role of another service")
        .says(&format!("ALTER DATABASE \"{db}\" OWNER TO \"{role}\""));
    assert_eq!(of_the_server(&lab), before);
}

/// What a report says of each step, apart from what only the end of a run can know.
fn planned(report: &Value) -> Vec<String> {
    let services = report["services"].as_array().unwrap().iter();
    services
        .flat_map(|service| {
            let steps = service["steps"].as_array().unwrap().iter();
            steps.map(|step| {
                let done = step["done"].as_str().unwrap();
                let done = done.trim_start_matches("would be ");
                let done = done.split(", where template0").next().unwrap();
                let done = match step["what"].as_str().unwrap().starts_with("log-in of ") {
                    true => "",
                    false => done,
                };
                format!(
                    "{} {} {} {done}",
                    service["name"], step["what"], step["changed"]
                )
            })
        })
        .collect()
}

#[test]
fn a_dry_run_names_every_step_that_the_run_takes() {
    let (lab, _) = with_storage();
    let old = binaries(14, false).map(|binaries| {
        let server = start(&binaries, false, &[]);
        let mut lab = Lab::on(&server, "postgres");
        // Not every server comes with its own.
        lab.psql_from(&crate::lab::binaries(17, true).unwrap().bin);
        (lab, server)
    });
    for lab in [Some(&lab), old.as_ref().map(|(lab, _)| lab)]
        .into_iter()
        .flatten()
    {
        for round in ["nothing is there", "all is there"] {
            let before = planned(&lab.json(&["provision", "--dry-run"], 0));
            let after = planned(&lab.json(&["provision"], 0));
            assert_eq!(before, after, "{round}");
            assert!(before.len() > 11, "{before:?}");
        }
        // A database that somebody else has made, and a role that has lost its password.
        let (db, role) = (lab.db("ksocial"), lab.db("k_social_user"));
        lab.sql("postgres", &format!("DROP DATABASE {db}"));
        lab.sql("postgres", &format!("CREATE DATABASE {db}"));
        lab.sql(
            "postgres",
            &format!("ALTER ROLE {role} PASSWORD NULL CREATEROLE"),
        );
        let before = planned(&lab.json(&["provision", "--dry-run"], 0));
        assert_eq!(before, planned(&lab.json(&["provision"], 0)));
    }
}

#[test]
fn what_another_role_keeps_of_dbctls_tables_is_told() {
    let lab = Lab::migrated();
    let (role, other) = (lab.db("k_social_user"), lab.db("simply_kaspa_user"));
    lab.sql(
        "ksocial",
        &format!("ALTER TABLE dbctl.identity OWNER TO {other}"),
    );
    lab.run(&["provision", "--service", K])
        .exits(0)
        .says("TABLE dbctl.identity")
        .says(&format!("ALTER TABLE dbctl.identity OWNER TO \"{role}\""));
    let owner = "SELECT relowner::regrole FROM pg_class WHERE oid = 'dbctl.identity'::regclass";
    assert_eq!(lab.sql("ksocial", owner), other);
}

/// A server whose only difference is its version.
fn server_of(major: u32) -> Option<Server> {
    Some(start(&binaries(major, false)?, false, &[]))
}

#[test]
fn it_is_the_same_on_postgresql_15_and_18() {
    for major in [15, 18] {
        let Some(server) = server_of(major) else {
            continue;
        };
        let lab = Lab::on(&server, "postgres");
        lab.run(&["provision", "-q"]).exits(0);
        assert_provisioned(&lab);
        lab.run(&["provision"]).exits(0).says("nothing was changed");
        assert_old_database_is_taken_over(&Lab::on(&server, "postgres"));
    }
}

/// A database as PostgreSQL 14 made it: the administrator owns it and its schema public, where everybody may create.
#[track_caller]
fn assert_old_database_is_taken_over(lab: &Lab) {
    let (db, role, other) = (
        lab.db("ksocial"),
        lab.db("k_social_user"),
        lab.db("simply_kaspa_user"),
    );
    lab.sql(
        "postgres",
        &format!(
            "CREATE DATABASE {db}; CREATE ROLE {other}; GRANT ALL ON DATABASE {db} TO {other}"
        ),
    );
    lab.sql(
        "ksocial",
        &format!(
            "ALTER SCHEMA public OWNER TO postgres; GRANT ALL ON SCHEMA public TO PUBLIC, {other}; CREATE TABLE kept AS SELECT 1 AS a"
        ),
    );
    lab.run(&["provision"])
        .exits(0)
        .says(&format!("given to {role} (owner until now: postgres)"))
        .says(&format!("revoked from {other}"));
    assert_provisioned(lab);
    assert_eq!(lab.sql("ksocial", "SELECT a FROM kept"), "1");
    lab.run(&["provision"]).exits(0).says("nothing was changed");
}

#[test]
fn a_database_that_the_administrator_made_is_taken_over() {
    assert_old_database_is_taken_over(&Lab::new());
}

#[test]
fn a_database_of_another_service_is_refused() {
    let lab = Lab::new();
    let (db, other) = (lab.db("ksocial"), lab.db("simply_kaspa_user"));
    lab.sql(
        "postgres",
        &format!("CREATE ROLE {other}; CREATE DATABASE {db} OWNER {other}"),
    );
    let state = || {
        lab.sql(
            "postgres",
            &format!("SELECT datdba::regrole, datacl FROM pg_database WHERE datname = '{db}'"),
        )
    };
    let before = state();
    let report = lab.json(&["provision"], 3);
    let error = report["services"][0]["error"].as_str().unwrap();
    for part in [&db, &other, &lab.db("k_social_user"), "another service"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    assert_eq!(state(), before);
    // The other services were provisioned.
    assert_eq!(report["services"][1]["error"], serde_json::Value::Null);
    assert_eq!(report["services"][2]["error"], serde_json::Value::Null);
}

#[test]
fn an_existing_role_gets_its_password_and_loses_what_is_too_much() {
    let lab = Lab::new();
    let role = lab.db("k_social_user");
    lab.sql(
        "postgres",
        &format!(
            "CREATE ROLE {role} NOLOGIN SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS PASSWORD 'another'"
        ),
    );
    lab.run(&["provision", "--service", K])
        .exits(0)
        .says("altered: NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS LOGIN")
        .says(&format!("password of {role}"));
    lab.run(&["provision", "-q"]).exits(0);
    assert_provisioned(&lab);
    let steps = |code| {
        let report = lab.json(&["provision", "--service", K], code);
        let steps = report["services"][0]["steps"].as_array().unwrap().clone();
        steps
            .into_iter()
            .find(|step| step["what"] == format!("password of {role}"))
            .unwrap()
    };
    assert_eq!(steps(0)["done"], "already so");
    for wrong in ["PASSWORD 'another'", "PASSWORD NULL"] {
        lab.sql("postgres", &format!("ALTER ROLE {role} {wrong}"));
        assert_eq!(steps(0)["done"], "set", "{wrong}");
        lab.sql_as("ksocial", "k_social_user", "SELECT 1").unwrap();
    }
}

#[test]
fn four_runs_at_once_end_well_and_neither_password_nor_verifier_is_in_the_log() {
    let lab = Lab::on(&LOGGED, "timescaledb");
    for round in ["create", "look"] {
        let children: Vec<_> = (0..4)
            .map(|_| {
                lab.command(&["provision", "-v"])
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let text = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert_eq!(output.status.code(), Some(0), "{round}: {text}");
            assert!(!text.contains("already exists"), "{round}: {text}");
            assert!(!text.contains("c4nary"), "{round}: {text}");
        }
    }
    assert_provisioned(&lab);
    // A password that is set on a role that is there, and statements that fail: a name that the server reserves.
    lab.sql(
        "postgres",
        &format!("ALTER ROLE {} PASSWORD NULL", lab.db("rgb_user")),
    );
    lab.run(&["provision"]).exits(0).says("set");
    lab.edit(&lab.db("k_social_user"), "pg_reserved");
    lab.edit(&lab.db("ksocial"), &lab.db("fresh"));
    lab.run(&["provision", "--service", K, "-v"])
        .exits(4)
        .says("role pg_reserved")
        .says("reserved");

    let log = std::fs::read_to_string(LOGGED.log_path()).unwrap();
    // The log does tell what happens: without that the rest proves nothing.
    assert!(log.contains("dbctl provision postgres@"), "{log}");
    assert!(log.contains("reserved"), "{log}");
    let encoded = utf8_percent_encode(CANARY, NON_ALPHANUMERIC).to_string();
    let quoted = CANARY.replace('\'', "''");
    let escaped = quoted.replace('\\', "\\\\");
    for secret in [
        CANARY,
        &encoded,
        &quoted,
        &escaped,
        "c4nary",
        "SCRAM-SHA-256$",
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the server's log");
    }
    let exists: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(&lab.suffix) && line.contains("already exists"))
        .collect();
    assert_eq!(exists, Vec::<&str>::new());
}

#[test]
fn names_that_need_quoting() {
    for name in [
        "we\"ird",
        "it's $1; DROP\\ --",
        "Groß %41 @:/?#[]",
        "SELECT",
    ] {
        let lab = Lab::on(&LOGGED, "postgres");
        let (db, role) = (lab.db("rgb_lightning_node"), lab.db("rgb_user"));
        let toml = name.replace('\\', "\\\\").replace('"', "\\\"");
        let odd = format!("{name}{}", lab.suffix);
        let odd_toml = format!("{toml}{}", lab.suffix);
        lab.edit(
            &format!("database = \"{db}\""),
            &format!("database = \"{odd_toml}\""),
        );
        lab.edit(
            &format!("role = \"{role}\""),
            &format!("role = \"{odd_toml}\""),
        );
        lab.run(&["provision", "--service", R])
            .exits(0)
            .says(&format!("database {odd}"))
            .says(&format!("created, owned by {odd}"));
        lab.run(&["provision", "--service", R])
            .exits(0)
            .says("nothing was changed");
        lab.run(&["migrate", "--service", R, "-q"]).exits(0);
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let url = format!(
            "postgresql://{}:{}@127.0.0.1:{}/{}",
            encode(&odd),
            encode(&crate::lab::password("rgb_user")),
            LOGGED.port(),
            encode(&odd)
        );
        let found = psql(
            lab.bin(),
            &url,
            "SELECT current_database() = current_user, count(*) FROM ln_user_wallets GROUP BY 1 UNION ALL SELECT true, 0",
        );
        assert_eq!(found.unwrap(), "t|0", "{name}");
    }
}

#[test]
fn without_an_administrator_it_is_refused_and_the_variable_is_named() {
    let mut lab = Lab::new();
    lab.env.remove("SIMPLY_KASPA_ADMIN");
    lab.run(&["provision"])
        .exits(3)
        .says(S)
        .says("set SIMPLY_KASPA_ADMIN")
        .says("1 of 3 services not provisioned");
    lab.sql_as("ksocial", "k_social_user", "SELECT 1").unwrap();
    // No variable that could be set: the key itself is missing.
    lab.edit("admin_url = { env = \"SIMPLY_KASPA_ADMIN\" }\n", "");
    lab.run(&["provision", "--service", S])
        .exits(3)
        .says("add admin_url");
    let exists = format!(
        "SELECT count(*) FROM pg_database WHERE datname = '{}'",
        lab.db("simply_kaspa")
    );
    assert_eq!(lab.sql("postgres", &exists), "0");
}

#[test]
fn an_administrator_who_is_not_let_in_or_not_enough() {
    let mut lab = Lab::new();
    let right = lab.env["K_SOCIAL_ADMIN"].clone();
    let (_, place) = right.rsplit_once('@').unwrap();
    let encoded = utf8_percent_encode(CANARY, NON_ALPHANUMERIC);
    lab.env.insert(
        "K_SOCIAL_ADMIN".to_owned(),
        format!("postgresql://postgres:{encoded}@{place}"),
    );
    let run = lab
        .run(&["provision", "-v"])
        .exits(4)
        .says("password authentication failed for user \"postgres\"")
        .says("admin_url");
    // What provision makes is of no use to one who cannot log in as its administrator.
    assert!(!run.all().contains("run dbctl provision"), "{}", run.all());
    lab.sql_as("rgb_lightning_node", "rgb_user", "SELECT 1")
        .unwrap();

    // A role that may log in and nothing more.
    lab.env.insert(
        "K_SOCIAL_ADMIN".to_owned(),
        lab.url("rgb_lightning_node", "rgb_user"),
    );
    lab.run(&["provision", "--service", K, "-v"])
        .exits(4)
        .says("permission denied to create role")
        .says("provision needs a superuser")
        .says("give one as admin_url");
}

#[test]
fn the_rgb_nodes_directories_are_private() {
    let (lab, storage) = with_storage();
    lab.run(&["provision", "--service", R])
        .exits(0)
        .says(&storage.join("rgb_sqlite").display().to_string());
    for directory in ["", "rgb_sqlite", "postgresql", "ldk_data"] {
        let metadata = storage.join(directory).metadata().unwrap();
        assert!(metadata.is_dir(), "{directory}");
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o700, "{directory}");
    }
    lab.run(&["provision", "--service", R])
        .exits(0)
        .says("nothing was changed");
    // One that somebody has opened keeps its mode, for a backup may rely on it; it is said.
    let part = storage.join("rgb_sqlite");
    std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o755)).unwrap();
    lab.run(&["provision", "--service", R])
        .exits(0)
        .says("open to others")
        .says(&format!("chmod 700 '{}'", part.display()));
    assert_eq!(
        part.metadata().unwrap().permissions().mode() & 0o7777,
        0o755
    );
    // A file in the place of a directory is the operator's to move.
    std::fs::remove_dir(&part).unwrap();
    std::fs::write(&part, "").unwrap();
    lab.run(&["provision", "--service", R])
        .exits(4)
        .says(&part.display().to_string())
        .says("is a file, not a directory; move it away");
}

#[test]
fn a_service_that_cannot_log_in_in_the_end_is_told() {
    let lab = Lab::new();
    lab.run(&["provision", "--service", R])
        .exits(0)
        .says("log-in of")
        .says("works at 127.0.0.1");
    let role = lab.db("rgb_user");
    let expire = |until: &str| {
        lab.sql(
            "postgres",
            &format!("ALTER ROLE {role} VALID UNTIL '{until}'"),
        )
    };
    expire("2020-01-01");
    lab.run(&["provision", "--service", R])
        .exits(4)
        .says("the service itself cannot log in")
        .says(&role);
    expire("infinity");
    lab.run(&["provision", "--service", R]).exits(0);
}

/// Starts `provision` and returns at once.
fn begun(lab: &Lab, args: &[&str]) -> std::process::Child {
    lab.command(&[&["provision"], args].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A session that holds what this SQL takes, until it is dropped.
fn held(lab: &Lab, sql: &str) -> Holder {
    lab.sql(
        "postgres",
        &format!("CREATE DATABASE {}", lab.db("rgb_lightning_node")),
    );
    Holder::new(lab, sql)
}

#[test]
fn an_interrupt_ends_it_and_tells_what_is_done() {
    for (signal, format) in [
        (Signal::SIGINT, "json"),
        (Signal::SIGTERM, "table"),
        (Signal::SIGHUP, "table"),
    ] {
        let lab = Lab::new();
        let role = lab.db("simply_kaspa_user");
        lab.sql("postgres", &format!("CREATE ROLE {role}"));
        // The first service is done, the second waits for this.
        let holder = held(
            &lab,
            &format!("BEGIN; ALTER ROLE {role} CONNECTION LIMIT 5;"),
        );
        let run = begun(&lab, &["--format", format]);
        until("provision waits", || {
            lab.sql(
                "postgres",
                &format!(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dbctl provision' AND wait_event_type = 'Lock' \
                     AND query LIKE 'ALTER ROLE \"{role}\"%'"
                ),
            ) == "1"
        });
        let sent = Instant::now();
        send(&run, signal);
        let run = join(run).exits(130);
        assert!(sent.elapsed() < Duration::from_secs(3), "{signal}");
        holder.release();
        if format == "json" {
            let report = run.json();
            let error = |service: usize| report["services"][service]["error"].as_str();
            assert_eq!(error(0), None, "{report}");
            assert!(
                error(1).unwrap().starts_with(&format!(
                    "interrupted at the role {role}, which was left as it is; nothing was changed: dbctl provision, run again"
                )),
                "{report}"
            );
            assert_eq!(error(2), Some("interrupted before anything was changed"));
            assert_eq!(report["services"][2]["steps"], serde_json::json!([]));
        } else {
            run.says("works at")
                .says(&format!("interrupted at the role {role}"))
                .says("interrupted before anything was changed")
                .says("2 of 3 services not provisioned");
        }
        lab.run(&["provision"]).exits(0);
        assert_provisioned(&lab);
    }
}

#[test]
fn an_interrupt_does_not_wait_for_a_silent_server() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut lab = Lab::new();
    for (key, role) in [
        ("K_SOCIAL_ADMIN", "postgres".to_owned()),
        ("K_SOCIAL_URL", lab.db("k_social_user")),
    ] {
        let database = lab.db("ksocial");
        lab.env.insert(
            key.to_owned(),
            format!("postgresql://{role}@127.0.0.1:{port}/{database}"),
        );
    }
    let run = begun(&lab, &["--service", K]);
    silent.set_nonblocking(true).unwrap();
    let accepted = std::cell::RefCell::new(None);
    until("it connects", || {
        *accepted.borrow_mut() = silent.accept().ok();
        accepted.borrow().is_some()
    });
    let sent = Instant::now();
    send(&run, Signal::SIGINT);
    join(run)
        .exits(130)
        .says("interrupted; nothing was changed");
    assert!(sent.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_lock_that_somebody_holds_ends_it_as_locked_and_names_the_holder() {
    let lab = Lab::new();
    let role = lab.db("k_social_user");
    lab.sql("postgres", &format!("CREATE ROLE {role}"));
    let holder = held(
        &lab,
        &format!("BEGIN; ALTER ROLE {role} CONNECTION LIMIT 5;"),
    );
    lab.run(&["provision", "--service", K])
        .exits(6)
        .says(&format!("role {role}: "))
        .says("(the-holder)")
        .says("run dbctl provision --service k-indexer again when it is free");
    holder.release();
    lab.run(&["provision", "--service", K]).exits(0);
    // In the service's own database.
    lab.run(&["provision", "--service", R]).exits(0);
    lab.sql(
        "rgb_lightning_node",
        "CREATE SCHEMA dbctl; CREATE TABLE dbctl.identity (service text, set_name text)",
    );
    let holder = Holder::new(&lab, "BEGIN; LOCK TABLE dbctl.identity;");
    lab.run(&["provision", "--service", R])
        .exits(6)
        .says("(the-holder)")
        .says("the lock is on dbctl.identity");
    holder.release();
    lab.run(&["provision", "--service", R]).exits(0);
}

#[test]
fn a_role_is_not_made_without_the_password_that_a_variable_is_to_give() {
    let mut lab = Lab::new();
    let password = lab.env.remove("RGB_USERS_PW").unwrap();
    let before = of_the_server(&lab);
    for args in [&["--dry-run"][..], &[]] {
        lab.run(&[&["provision", "--service", R], args].concat())
            .exits(3)
            .says("is not there, and RGB_USERS_PW, which gives its password, is not set: set it")
            .says("nothing was changed");
        assert_eq!(of_the_server(&lab), before);
    }
    // Nor does one that was made so get a database.
    let role = lab.db("rgb_user");
    lab.sql("postgres", &format!("CREATE ROLE {role} LOGIN"));
    let before = of_the_server(&lab);
    lab.run(&["provision", "--service", R])
        .exits(3)
        .says("has no password, and RGB_USERS_PW, which gives it one, is not set: set it");
    assert_eq!(of_the_server(&lab), before);
    lab.env.insert("RGB_USERS_PW".to_owned(), password);
    lab.run(&["provision", "--service", R]).exits(0);
    // One that has its password keeps it; who logs in needs it all the same.
    lab.env.remove("RGB_USERS_PW");
    let run = lab
        .run(&["provision", "--service", R])
        .exits(4)
        .says("RGB_USERS_PW is not set")
        .says("give the manifest's `password`");
    assert!(!run.all().contains("VALID UNTIL"), "{}", run.all());
    // A manifest without a password means it.
    lab.edit("password = { env = \"K_SOCIAL_PW\" }\n", "");
    lab.run(&["provision", "--service", K])
        .exits(4)
        .says("created, without a password");
}
