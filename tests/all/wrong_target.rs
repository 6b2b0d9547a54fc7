//! The set of one service against the database of another, with every combination of verbs and flags: refused, nothing written.

use crate::lab::{K, Lab, R, S};
use crate::verify_cases::{list, shown, text, verify};

/// Everything that a wrong run could write: catalog, histories, stamp, rows of the small tables.
fn everything(lab: &Lab, database: &str) -> String {
    lab.sql(
        database,
        "SELECT string_agg(n.nspname || '.' || c.relname || ' ' || c.relkind::text || ' ' || c.oid, ' ' ORDER BY c.oid) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid >= 16384; \
         SELECT * FROM public.refinery_schema_history ORDER BY version; \
         SELECT count(*) FROM pg_namespace; \
         SELECT string_agg(key || '=' || value, ' ' ORDER BY key) FROM public.vars; \
         SELECT CASE WHEN to_regclass('dbctl.identity') IS NULL THEN '' ELSE \
         query_to_xml('SELECT * FROM dbctl.identity', true, true, '')::text END",
    )
}

const WRITING: [&[&str]; 16] = [
    &["migrate"],
    &["migrate", "--target", "1"],
    &["migrate", "--target", "99"],
    &["migrate", "--fail-fast"],
    &[
        "migrate",
        "--keep-going",
        "--jobs",
        "1",
        "--jobs-per-server",
        "1",
    ],
    &[
        "migrate",
        "--lock-timeout",
        "1s",
        "--lock-wait",
        "500ms",
        "--statement-timeout",
        "1min",
    ],
    &["migrate", "--dry-run"],
    &["migrate", "--wait", "1"],
    &["baseline"],
    &["baseline", "--version", "1"],
    &["baseline", "--version", "5"],
    &["baseline", "--dry-run"],
    &["rollback", "--target", "0", "--allow-data-loss"],
    &[
        "rollback",
        "--target",
        "1",
        "--allow-data-loss",
        "--lock-timeout",
        "1s",
    ],
    &["repair"],
    &["repair", "--forget", "1"],
];

#[test]
fn no_verb_and_no_flag_lets_one_services_set_into_anothers_database() {
    let mut lab = Lab::migrated();
    // k-indexer's commands are led to simply-kaspa's database, as a DATABASE_URL of the wrong shell would.
    let (database, url) = ("simply_kaspa", lab.url("simply_kaspa", "simply_kaspa_user"));
    lab.env.insert("K_SOCIAL_URL".to_owned(), url);
    for (mark, undo) in [
        // Whatever is left to tell whose it is.
        ("", ""),
        (
            "ALTER SCHEMA dbctl RENAME TO kept",
            "ALTER SCHEMA kept RENAME TO dbctl",
        ),
    ] {
        if !mark.is_empty() {
            lab.sql(database, mark);
        }
        let before = everything(&lab, database);
        for named in ["url", "also the manifest's name"] {
            // Where the manifest itself names the other database, the name alone tells nothing.
            let renamed = named != "url";
            if renamed {
                lab.edit(
                    &format!("database = \"{}\"", lab.db("ksocial")),
                    &format!("database = \"{}\"", lab.db("simply_kaspa")),
                );
                lab.edit(
                    &format!("[services.{S}]\nstore = \"timescaledb\"\nset = \"simply_kaspa\"\ndatabase = \"{}\"", lab.db("simply_kaspa")),
                    &format!("[services.{S}]\nstore = \"timescaledb\"\nset = \"simply_kaspa\"\ndatabase = \"{}\"", lab.db("elsewhere")),
                );
            }
            for verb in WRITING {
                let run = lab.run(&[verb, &["--service", K]].concat());
                assert!(
                    [2, 3].contains(&run.code),
                    "{verb:?} ({named}): {} {}",
                    run.code,
                    run.all()
                );
                assert_eq!(everything(&lab, database), before, "{verb:?} ({named})");
            }
            if renamed {
                lab.edit(
                    &format!("database = \"{}\"", lab.db("simply_kaspa")),
                    &format!("database = \"{}\"", lab.db("ksocial")),
                );
                lab.edit(
                    &format!("database = \"{}\"", lab.db("elsewhere")),
                    &format!("database = \"{}\"", lab.db("simply_kaspa")),
                );
            }
        }
        if !undo.is_empty() {
            lab.sql(database, undo);
        }
    }
    lab.env.remove("K_SOCIAL_URL");
    for service in [K, S, R] {
        lab.run(&["migrate", "--service", service])
            .exits(0)
            .says("nothing to do");
    }
}

#[test]
fn overlapping_histories_of_the_same_names_are_told_apart() {
    let mut lab = Lab::new();
    lab.own_services(&["ours", "theirs"]);
    // The same versions and names, other contents: only checksums, stamp and tables tell.
    for name in ["ours", "theirs"] {
        for (version, table) in [(1, "one"), (2, "two"), (4, "four")] {
            lab.write(
                &format!("sql/{name}/V{version}__{table}.sql"),
                format!("CREATE TABLE {name}_{table} (a int);\n"),
            );
        }
    }
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    lab.write("sql/ours/V5__five.sql", "CREATE TABLE ours_five (a int);\n");
    let theirs = lab.url("theirs", "theirs");
    lab.env.insert("OURS_URL".to_owned(), theirs);
    let tables = |lab: &Lab| {
        lab.sql("theirs", "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND oid >= 16384")
    };
    for stamped in [true, false] {
        if !stamped {
            lab.sql("theirs", "DROP SCHEMA dbctl CASCADE");
        }
        let before = tables(&lab);
        for verb in WRITING {
            let run = lab.run(&[verb, &["--service", "ours"]].concat());
            assert!([2, 3].contains(&run.code), "{verb:?}: {}", run.all());
            assert_eq!(tables(&lab), before, "{verb:?}");
        }
    }
}

/// What every verb says of service `a` while its URL leads there; `verify` ends with this code, all others with 4.
#[track_caller]
fn every_verb(lab: &Lab, verifies: i32, said: &[&str], unsaid: &[&str]) {
    let verbs: [&[&str]; 7] = [
        &["migrate"],
        &["migrate", "--dry-run"],
        &["status"],
        &["verify"],
        &["baseline"],
        &["repair"],
        &["rollback", "--target", "0"],
    ];
    for verb in verbs {
        let code = if verb == ["verify"] { verifies } else { 4 };
        let run = lab.run(&[verb, &["--service", "a"]].concat()).exits(code);
        for text in said {
            assert!(
                run.all().contains(text),
                "{verb:?}: no {text:?} in {}",
                run.all()
            );
        }
        for text in unsaid {
            assert!(!run.all().contains(text), "{verb:?}: {}", run.all());
        }
    }
}

/// Two migrated services with locks.
fn two() -> Lab {
    let mut lab = Lab::new();
    lab.own_services(&["a", "b"]);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["lock", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    lab
}

#[test]
fn a_url_to_a_database_that_does_not_let_the_role_in_says_what_is_to_be_mended() {
    let mut lab = two();
    let (a, b) = (lab.db("a"), lab.db("b"));
    // Another service's: the way in must stay shut.
    let astray = lab.url("b", "a");
    lab.env.insert("A_URL".to_owned(), astray);
    let leads = format!("its URL leads to database {b}, which is the database of b");
    let mend = format!("mend the URL in A_URL, so that it ends in /{a}");
    every_verb(
        &lab,
        1,
        &["SQLSTATE 42501", &leads, &mend],
        &["GRANT", "dbctl provision"],
    );
    // Another service's as a whole, and the two exchanged: the variable and what else is the other's are told.
    let (own_a, own_b) = (lab.url("a", "a"), lab.url("b", "b"));
    lab.env.insert("A_URL".to_owned(), own_b);
    let whole = format!(
        "the URL in A_URL looks like that of b as a whole, for it logs in as {b}, the role of b"
    );
    let give =
        format!("give a its own, with its own host, role ({a}) and password, that ends in /{a}");
    for (exchanged, said) in [
        (false, String::new()),
        (
            true,
            format!(", and B_URL, that of b, leads to {a}: the two look exchanged"),
        ),
    ] {
        if exchanged {
            lab.env.insert("B_URL".to_owned(), own_a.clone());
        }
        let words = format!("{whole}{said}; {give}");
        for verb in [&["migrate"][..], &["migrate", "--dry-run"], &["repair"]] {
            lab.run(&[verb, &["--service", "a"]].concat())
                .exits(3)
                .says(&words);
        }
        lab.run(&["status", "--service", "a"]).exits(1).says(&words);
        lab.run(&["verify", "--service", "a"])
            .exits(1)
            .says("Set A_URL, which holds the URL of a, to its own, with its own host, role and password")
            .says(&format!("it looks like that of b as a whole, for it logs in as {b} too"));
    }
    lab.env.remove("B_URL");
    // Nobody's that the manifest knows.
    lab.sql("postgres", &format!("CREATE DATABASE c_{b}"));
    lab.sql(
        "postgres",
        &format!("REVOKE CONNECT ON DATABASE c_{b} FROM PUBLIC"),
    );
    let right = lab.url("b", "a");
    let (place, _) = right.rsplit_once('/').unwrap();
    let astray = format!("{place}/c_{b}");
    lab.env.insert("A_URL".to_owned(), astray);
    let check = format!("check the URL, or the manifest's `database` if c_{b} is right");
    every_verb(
        &lab,
        4,
        &["SQLSTATE 42501", &check],
        &["GRANT", "dbctl provision"],
    );
    lab.sql("postgres", &format!("DROP DATABASE c_{b}"));
    // Its own: both ways out, and both work.
    lab.env.remove("A_URL");
    let revoke = format!("REVOKE CONNECT ON DATABASE {a} FROM {a}");
    let grant = format!("GRANT CONNECT ON DATABASE {a} TO {a}");
    lab.sql("postgres", &revoke);
    let fact = format!(
        "role {a} may not connect to database {a}: run dbctl provision --service a, or {grant}"
    );
    every_verb(&lab, 4, &["SQLSTATE 42501", &fact], &[]);
    lab.sql("postgres", &grant);
    lab.run(&["migrate", "--service", "a"]).exits(0);
    lab.sql("postgres", &revoke);
    lab.run(&["provision", "--service", "a"])
        .exits(0)
        .says(&format!("given back to {a}"));
    lab.run(&["migrate", "--service", "a"]).exits(0);
    // So with the schema that the history is in.
    lab.sql(
        "a",
        &format!("ALTER SCHEMA public OWNER TO {a}; REVOKE ALL ON SCHEMA public FROM {a}"),
    );
    lab.run(&["provision", "--service", "a"])
        .exits(0)
        .says(&format!("given back to {a}"));
    lab.run(&["provision", "--service", "a"])
        .exits(0)
        .says("nothing was changed");
}

#[test]
fn a_url_that_logs_in_as_another_services_role_is_to_be_mended_and_not_let_in() {
    let mut lab = two();
    let (a, b) = (lab.db("a"), lab.db("b"));
    let astray = lab.url("a", "b");
    lab.env.insert("A_URL".to_owned(), astray);
    let said = format!("its role is {a}, but its URL logs in as {b}, which is the role of b");
    let unsaid = ["GRANT CONNECT", "dbctl provision"];
    every_verb(&lab, 4, &["SQLSTATE 42501", &said], &unsaid);
    lab.run(&["provision", "--service", "a"])
        .exits(3)
        .says(&said);
    // So where it is let in.
    lab.sql("postgres", &format!("GRANT CONNECT ON DATABASE {a} TO {b}"));
    for (verb, code) in [
        (&["status"][..], 4),
        (&["migrate"], 3),
        (&["migrate", "--dry-run"], 3),
        (&["baseline"], 3),
        (&["repair"], 3),
        (&["rollback", "--target", "0"], 3),
    ] {
        let run = lab.run(&[verb, &["--service", "a"]].concat()).exits(code);
        let run = run.says(&said);
        assert!(!run.all().contains("GRANT"), "{verb:?}: {}", run.all());
    }
    lab.sql(
        "postgres",
        &format!("REVOKE CONNECT ON DATABASE {a} FROM {b}"),
    );
    // Where the manifest names no role, the others' are still theirs.
    let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    let line = format!("role = \"{a}\"\n");
    assert!(manifest.contains(&line), "{manifest}");
    lab.write("dbctl.toml", manifest.replacen(&line, "", 1));
    let said = format!("logs in as {b}, which is also the role of b: give a a role of its own");
    for (verb, code) in [("status", 4), ("provision", 3)] {
        let run = lab.run(&[verb, "--service", "a"]).exits(code).says(&said);
        assert!(!run.all().contains("GRANT"), "{}", run.all());
    }
}

/// What a superuser's URL makes is the superuser's, and the service could not go on with it.
#[test]
fn a_superusers_url_is_no_way_to_migrate_and_what_it_made_is_given_back() {
    let mut lab = two();
    let a = lab.db("a");
    let admin = lab.admin_url("a");
    lab.env.insert("A_URL".to_owned(), admin);
    lab.run(&["migrate", "--service", "a"])
        .exits(3)
        .says(&format!(
            "its role is {a}, but its URL logs in as postgres: make them the same"
        ));
    for verb in [&["status"][..], &["migrate", "--dry-run"]] {
        lab.run(&[verb, &["--service", "a"]].concat())
            .exits(0)
            .says("migrate refuses that");
    }
    let seen = lab.json(&["status", "--service", "a"], 0);
    assert!(seen["services"][0]["wrong_role"].is_string(), "{seen}");
    lab.env.remove("A_URL");
    // As an older dbctl has left it.
    lab.sql(
        "a",
        "ALTER SCHEMA dbctl OWNER TO postgres; ALTER TABLE dbctl.identity OWNER TO postgres; \
         ALTER TABLE refinery_schema_history OWNER TO postgres",
    );
    lab.run(&["status", "--service", "a"])
        .exits(4)
        .says("permission denied")
        .says("dbctl provision --service a gives it what is its own");
    lab.run(&["provision", "--service", "a"])
        .exits(0)
        .says("SCHEMA dbctl in ")
        .says("TABLE public.refinery_schema_history in ")
        .says(&format!("given to {a} (owner until now: postgres)"));
    lab.write("sql/a/V5__five.sql", "CREATE TABLE a_five (a int);\n");
    lab.run(&["lock", "-q", "--service", "a"]).exits(0);
    lab.run(&["migrate", "--service", "a"]).exits(0);
    lab.run(&["provision", "--service", "a"])
        .exits(0)
        .says("nothing was changed");
}

/// The plan is for whoever may look; what such a role may write is not asked.
#[test]
fn a_role_that_only_looks_sees_the_plan() {
    let mut lab = two();
    let peeker = lab.db("peeker");
    lab.write("sql/a/V5__five.sql", "CREATE TABLE a_five (a int);\n");
    lab.run(&["lock", "-q", "--service", "a"]).exits(0);
    lab.sql(
        "postgres",
        &format!(
            "CREATE ROLE {peeker} LOGIN PASSWORD 'peeker'; GRANT CONNECT ON DATABASE {} TO {peeker}",
            lab.db("a")
        ),
    );
    lab.sql(
        "a",
        &format!(
            "GRANT USAGE ON SCHEMA dbctl, public TO {peeker}; \
             GRANT SELECT ON dbctl.identity, public.refinery_schema_history TO {peeker}"
        ),
    );
    let admin = lab.admin_url("a");
    let (_, place) = admin.rsplit_once('@').unwrap();
    lab.env.insert(
        "A_URL".to_owned(),
        format!("postgresql://{peeker}:peeker@{place}"),
    );
    lab.run(&["migrate", "--dry-run", "--service", "a"])
        .exits(0)
        .says("migrate refuses that")
        .says("V5__five");
    lab.run(&["migrate", "--service", "a"]).exits(3);
    // A password that is nowhere is told by its variable.
    lab.env.remove("A_URL");
    lab.env.remove("A_PW");
    lab.run(&["status", "--service", "a"])
        .exits(4)
        .says("A_PW is not set")
        .says("PGPASSWORD is not read");
}

/// A set whose lock cannot be read is refused by migrate, and status says the same beforehand.
#[test]
fn status_tells_of_a_lock_that_cannot_be_read() {
    let lab = two();
    let path = lab.path().join("sql/a/schema.lock");
    let text = std::fs::read_to_string(&path).unwrap();
    lab.write("sql/a/schema.lock", format!("<<<<<<< ours\n{text}"));
    for verb in ["status", "migrate"] {
        lab.run(&[verb, "--service", "a"])
            .exits(3)
            .says("schema.lock:1");
    }
}

/// A refused password is told with where it is from; provision mends a service's, and not an administrator's.
#[test]
fn a_refused_password_is_told_with_the_variable_that_it_is_from() {
    let mut lab = two();
    let wrong = |url: String| {
        let (before, after) = url.split_once('@').unwrap();
        let (role, _) = before.rsplit_once(':').unwrap();
        format!("{role}:canary-refused@{after}")
    };
    let right = lab.url("a", "a");
    lab.env.insert("A_URL".to_owned(), wrong(right.clone()));
    let run = lab.run(&["status", "--service", "a"]).exits(4);
    let run = run.says("the password is from the manifest's url (environment A_URL)");
    let run = run.says(
        "mend A_URL, or let dbctl provision --service a give the role the password that is there",
    );
    assert!(!run.all().contains("canary"), "{}", run.all());
    // The manifest's variable, its default, a literal, .env, and one for psql.
    lab.env.remove("A_URL");
    let own = lab
        .env
        .insert("A_PW".to_owned(), "canary-refused".to_owned());
    let status = |lab: &Lab, words: &[&str]| {
        let mut run = lab.run(&["status", "--service", "a"]).exits(4);
        for word in words {
            run = run.says(word);
        }
        assert!(!run.all().contains("canary"), "{}", run.all());
    };
    status(
        &lab,
        &[
            "the password is from the manifest's password (environment A_PW)",
            "mend A_PW, or let dbctl provision --service a give the role the password that is there",
        ],
    );
    lab.env.remove("A_PW");
    lab.write(".env", "A_PW=canary-refused\n");
    status(&lab, &["(.env A_PW)", "mend A_PW, or let"]);
    std::fs::remove_file(lab.path().join(".env")).unwrap();
    lab.env
        .insert("PGPASSWORD".to_owned(), "canary-refused".to_owned());
    status(&lab, &["A_PW is not set", "PGPASSWORD is not read"]);
    let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    let variable = "{ env = \"A_PW\" }";
    assert!(manifest.contains(variable), "{manifest}");
    lab.edit(variable, "\"canary-refused\"");
    status(
        &lab,
        &[
            "the password is from the manifest's password (file line ",
            "mend password (file line ",
        ],
    );
    lab.write("dbctl.toml", &manifest);
    lab.edit(variable, "{ env = \"A_PW\", default = \"canary-refused\" }");
    status(
        &lab,
        &[
            "the password is from the manifest's password (default)",
            "set the variable that the manifest's password names, or let dbctl provision --service a give the role the manifest's default",
        ],
    );
    lab.write("dbctl.toml", &manifest);
    lab.env.insert("A_PW".to_owned(), own.unwrap());
    lab.env.insert("A_URL".to_owned(), right);
    let admin = wrong(lab.admin_url("postgres"));
    lab.env.insert("A_ADMIN".to_owned(), admin);
    let run = lab.run(&["provision", "--service", "a"]).exits(4);
    let run = run
        .says("the password is from the manifest's admin_url (environment A_ADMIN)")
        .says("check role, password and database of admin_url");
    assert!(!run.all().contains("canary"), "{}", run.all());
    assert!(!run.all().contains("run dbctl provision"), "{}", run.all());
}

/// Each has the other's name: the URLs are right, and neither is written to.
#[test]
fn databases_that_were_renamed_into_each_other_are_told() {
    let lab = two();
    let (a, b) = (lab.db("a"), lab.db("b"));
    let between = format!("between_{a}");
    for (from, to) in [(&a, &between), (&b, &a), (&between, &b)] {
        lab.sql("postgres", &format!("ALTER DATABASE {from} RENAME TO {to}"));
    }
    let grants =
        format!("GRANT CONNECT ON DATABASE {a} TO {a}; GRANT CONNECT ON DATABASE {b} TO {b}");
    lab.sql("postgres", &grants);
    for service in ["a", "b"] {
        let other = if service == "a" { "b" } else { "a" };
        let name = lab.db(service);
        lab.sql(service, &format!("GRANT ALL ON SCHEMA dbctl, public TO {name}; GRANT SELECT ON ALL TABLES IN SCHEMA dbctl, public TO {name}"));
        let said =
            format!("a database of {other} that was renamed to {name}, or was restored into it");
        lab.run(&["migrate", "--service", service])
            .exits(3)
            .says(&said);
        lab.run(&["status", "--service", service])
            .exits(1)
            .says(&said);
    }
}

/// Overrides bring two services together where the manifest does not.
#[test]
fn services_tells_of_two_services_on_one_database() {
    let mut lab = Lab::new();
    lab.own_services(&["a", "b"]);
    let alone = lab.json(&["services"], 0);
    assert!(alone["services"][0]["shared"].is_null(), "{alone}");
    let url = lab.url("a", "a");
    lab.env.insert("A_URL".to_owned(), url.clone());
    lab.env.insert("B_URL".to_owned(), url);
    lab.run(&["services"])
        .exits(0)
        .says("is b's as well: give each service its own database")
        .says("is a's as well: give each service its own database");
    let both = lab.json(&["services"], 0);
    assert!(both["services"][1]["shared"].is_string(), "{both}");
    // Who is not let in there is not to be: no GRANT is advised.
    lab.env.remove("A_URL");
    lab.env.remove("B_URL");
    lab.run(&["provision", "-q"]).exits(0);
    // As long as it bears no stamp, nobody can tell whose it is, and status says what migrate would.
    let onto = format!("a.database={}", lab.db("b"));
    for (verb, code) in [("status", 1), ("migrate", 3)] {
        lab.run(&[verb, "--service", "b", "--set", &onto])
            .exits(code)
            .says("is a's as well: give each service its own database");
    }
    let over = format!("a.database={}", lab.db("b"));
    let run = lab
        .run(&["status", "--service", "a", "--set", &over])
        .exits(4)
        .says("is b's as well: give each service its own database");
    assert!(!run.all().contains("GRANT"), "{}", run.all());
}

#[test]
fn a_database_that_is_not_there_is_made_by_provision_only_if_the_manifest_names_it() {
    let mut lab = two();
    let a = lab.db("a");
    let right = lab.url("a", "a");
    let (place, _) = right.rsplit_once('/').unwrap();
    let misspelt = format!("{place}/x{a}");
    lab.env.insert("A_URL".to_owned(), misspelt);
    let check = format!("check the URL, or the manifest's `database` if x{a} is right");
    every_verb(&lab, 4, &["SQLSTATE 3D000", &check], &["dbctl provision"]);
    lab.run(&["provision", "--service", "a"])
        .exits(3)
        .says(&check);
    lab.env.remove("A_URL");
    lab.sql("postgres", &format!("DROP DATABASE {a}"));
    let make = "or run dbctl provision --service a to create the database";
    every_verb(&lab, 4, &["SQLSTATE 3D000", make], &[]);
    lab.run(&["provision", "--service", "a"]).exits(0);
    lab.run(&["migrate", "--service", "a"]).exits(0);
}

#[test]
fn sets_that_were_exchanged_in_the_manifest_are_told_as_what_they_are() {
    let lab = two();
    lab.edit("set = \"a\"", "set = \"x\"");
    lab.edit("set = \"b\"", "set = \"a\"");
    lab.edit("set = \"x\"", "set = \"b\"");
    let a = lab.db("a");
    let holds = format!(
        "database {a} of a holds the tables of set a, which is b's, and 0 of the 3 tables of its own set b"
    );
    lab.run(&["verify", "--service", "a"])
        .exits(1)
        .says("identity/foreign-schema")
        .says(&holds)
        .says("Either the URL of a or the manifest's `set` of a is wrong")
        .says("dbctl's stamp in it says service a, set a.");
    let stamp = format!(
        "database {a} of a was migrated with set a, says its stamp in dbctl.identity, but the manifest gives it set b: check the \
         manifest's `set`, and the URL"
    );
    lab.run(&["migrate", "--service", "a"])
        .exits(3)
        .says(&stamp);
    lab.run(&["status", "--service", "a"]).exits(1).says(&stamp);
}

/// Which rules found something about which service.
fn rules_of(report: &serde_json::Value) -> Vec<(String, String)> {
    list(report, "findings")
        .iter()
        .map(|found| {
            (
                text(found, "rule").to_owned(),
                text(found, "service").to_owned(),
            )
        })
        .collect()
}

#[test]
fn verify_tells_a_url_to_another_services_database_that_lets_nobody_in_as_that() {
    let mut lab = two();
    let (a, b) = (lab.db("a"), lab.db("b"));
    let astray = lab.url("b", "a");
    lab.env.insert("A_URL".to_owned(), astray);
    let report = verify(&lab, &[]);
    // Nobody has got into the database of a, whoever got into the one of b.
    assert_eq!(
        rules_of(&report),
        [("identity/wrong-database".to_owned(), "a".to_owned())],
        "{}",
        shown(&report)
    );
    let found = &list(&report, "findings")[0];
    let says = format!(
        "a expects database {a} but its URL names database {b}, which is the database of b"
    );
    assert_eq!(text(found, "message"), says);
    let untried = format!("names database {b}, so who gets into database {a} was not tried");
    let gaps = list(&report, "not_checked");
    assert!(
        gaps.iter()
            .any(|gap| text(gap, "reason").contains(&untried)),
        "{gaps:?}"
    );
    lab.env.remove("A_URL");
    assert!(rules_of(&verify(&lab, &[])).is_empty());
}

#[test]
fn verify_tells_a_database_that_the_manifest_gives_to_two_services_also_where_one_cannot_enter() {
    let mut lab = two();
    let (a, b) = (lab.db("a"), lab.db("b"));
    let both = lab.url("a", "b");
    lab.env.insert("B_URL".to_owned(), both);
    lab.edit(
        &format!("database = \"{b}\""),
        &format!("database = \"{a}\""),
    );
    let report = verify(&lab, &[]);
    let found = list(&report, "findings");
    let shared: Vec<_> = found
        .iter()
        .filter(|found| text(found, "rule") == "identity/shared-database")
        .collect();
    let [shared] = shared.as_slice() else {
        panic!("{}", shown(&report));
    };
    assert_eq!(
        text(shared, "message"),
        format!("b and a use one physical database, {a}")
    );
}

#[test]
fn verify_tells_a_database_that_was_never_adopted_what_migrate_tells_it() {
    let mut lab = Lab::new();
    lab.own_services(&["a"]);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["lock", "-q"]).exits(0);
    let make = "CREATE TABLE a_one (a int PRIMARY KEY); CREATE TABLE a_two (a int PRIMARY KEY); CREATE TABLE a_four (a int PRIMARY KEY)";
    lab.sql("a", &format!("SET ROLE {}; {make}", lab.db("a")));
    lab.run(&["migrate"])
        .exits(3)
        .says("dbctl baseline --service a");
    let report = verify(&lab, &[]);
    let pending = list(&report, "findings")
        .iter()
        .find(|found| text(found, "rule") == "drift/pending");
    let remedy = text(pending.unwrap(), "remedy");
    assert!(
        remedy.starts_with("dbctl baseline --service a, "),
        "{remedy}"
    );
    for gap in list(&report, "not_checked") {
        assert!(!text(gap, "remedy").starts_with("dbctl migrate"), "{gap}");
    }
    lab.run(&["baseline", "--service", "a"]).exits(0);
    assert!(rules_of(&verify(&lab, &[])).is_empty());
}
