//! The set of one service against the database of another, with every combination of verbs and flags: refused, nothing written.

use crate::lab::{K, Lab, R, S};

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
