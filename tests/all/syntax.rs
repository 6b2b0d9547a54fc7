//! What the server cannot read is found before anything is written, and what it can read is never refused.

use dbctl::sandbox::Server;

use crate::lab::{Lab, R, binaries, start};
use crate::shop::{DB, Shop};

const GOOD: &str = "CREATE TABLE first (a int);";
const ALL: &str =
    "nothing was changed: the server reads every pending file before the first is applied";

/// A lab on this server, asked by another one's psql: not every server comes with its own.
fn lab_on(server: &Server) -> Lab {
    let mut lab = Lab::on(server, "postgres");
    lab.psql_from(&binaries(17, true).unwrap().bin);
    lab
}

/// The last of several files is read before the first is applied.
#[test]
fn a_later_file_that_cannot_be_read_keeps_the_earlier_ones_from_being_applied() {
    let shop = Shop::new(&[
        ("V1__first.sql", GOOD),
        ("V2__steps.sql", "-- dbctl:no-transaction\nVACUUM first;"),
        (
            "V3__bad.sql",
            "-- ä\nCREATE TABLE third (a int);\n\nALTER TABLE third\n  ADD COLUM b int;\nSELECT 1;",
        ),
    ]);
    let words = "V3__bad.sql, line 5 (ALTER TABLE third ADD COLUM b int): syntax error at or near \"int\" (SQLSTATE 42601)";
    let before = shop.sql("SELECT xmin, oid, relname FROM pg_class ORDER BY oid");
    for args in [&["--dry-run"][..], &[]] {
        let run = shop.migrate(args).exits(5).says(words).says(ALL);
        assert!(!run.all().contains("PL/pgSQL"), "{}", run.all());
        assert_eq!(
            shop.sql("SELECT xmin, oid, relname FROM pg_class ORDER BY oid"),
            before
        );
    }
    let report = shop.lab.json(&["migrate"], 5);
    assert_eq!(report["services"][0]["outcome"], "failed", "{report:#}");
    // A file that is not asked for is not read, and so is one that was applied.
    shop.migrate(&["--target", "2"]).exits(0);
    assert_eq!(shop.history(), "1 first, 2 steps");
    shop.migrate(&[]).exits(5).says(words);
    // A statement of a file that runs by statement is read before the first of them runs.
    shop.file(
        "V3__bad.sql",
        "CREATE TABLE third (a int);\nVACUUM third;\nCREATE INDEX CONCURRENTLY ON third (a;",
    );
    shop.migrate(&[])
        .exits(5)
        .says("V3__bad.sql, line 3 (CREATE INDEX CONCURRENTLY ON third (a;)")
        .says(ALL);
    assert_eq!(shop.sql("SELECT to_regclass('third') IS NULL"), "t");
    shop.file("V3__bad.sql", "CREATE TABLE third (a int);");
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 first, 2 steps, 3 bad");
}

/// The server's log of a good run holds no error, and a bad file's password is in no output.
#[test]
fn reading_leaves_nothing_in_the_log_and_tells_no_password() {
    let server = start(&binaries(17, true).unwrap(), false, &[]);
    let shop = Shop::in_lab(Lab::on(&server, "postgres"), &[("V1__first.sql", GOOD)]);
    shop.migrate(&[]).exits(0);
    shop.file("V2__two.sql", "CREATE TABLE two (a int);");
    shop.migrate(&["--dry-run"]).exits(0);
    let log = std::fs::read_to_string(server.log_path()).unwrap();
    assert!(!log.contains("ERROR:"), "{log}");
    shop.file(
        "V3__role.sql",
        "ALTER ROLE CURRENT_USER PASSWORD c4nary_unquoted;",
    );
    let run = shop.migrate(&[]).exits(5).says("V3__role.sql, line 1");
    assert!(!run.all().contains("c4nary"), "{}", run.all());
    assert_eq!(shop.history(), "1 first");
}

/// Words of PL/pgSQL, oddities of quoting, and what no transaction holds: a reader by halves could take them for wrong.
#[test]
fn what_the_server_can_read_is_never_refused() {
    let odd = [
        "CREATE TABLE t (a int, b text, \"if\" int);",
        "INSERT INTO t (a, b) VALUES (1, 'a\\'), (2, E'it\\'s'), (3, U&'d\\0061t\\+000061' UESCAPE '\\'), (4, $ä$;$$;$ä$), (5, $$x$$);",
        "SELECT a AS \"into\", 1 AS loop INTO TEMP strict_into FROM t;",
        "WITH moved AS (DELETE FROM t WHERE a = 5 RETURNING *) INSERT INTO t SELECT a + 1, b FROM moved;",
        "CALL p();",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1; FETCH NEXT FROM c; MOVE c; CLOSE c;",
        "/* nested /* comment ; ' */ $$ */ SELECT 1 --'\n;",
        "SELECT 'it' \n 's', E'a' \n '\\'b', N'n', B'01', X'ff', 1_000, 0xff;",
        "LOCK TABLE t; LISTEN l; NOTIFY l, 'x'; UNLISTEN l;",
        "SET LOCAL standard_conforming_strings = off; SET LOCAL search_path = public, pg_catalog; SET CONSTRAINTS ALL DEFERRED;",
        "PREPARE s AS SELECT $1::int; EXECUTE s (1); DEALLOCATE s;",
        "SAVEPOINT s; ROLLBACK TO s; RELEASE s;",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;",
        "CREATE RULE r AS ON INSERT TO t WHERE NEW.a = 9 DO ALSO (UPDATE t SET a = 1 WHERE false; DELETE FROM t WHERE false);",
        "DO $outer$ BEGIN IF true THEN PERFORM 1/1; RETURN; END IF; EXCEPTION WHEN division_by_zero THEN NULL; END $outer$;",
        "GRANT SELECT ON t TO CURRENT_USER; COMMENT ON TABLE t IS 'if; loop'; SECURITY LABEL ON TABLE t IS NULL;",
        "IMPORT FOREIGN SCHEMA s FROM SERVER x INTO y;",
        "VACUUM; REINDEX TABLE CONCURRENTLY t; ALTER SYSTEM RESET ALL; CHECKPOINT; CLUSTER t USING i;",
    ];
    // Those that are for the parser alone: they name what is not there, or are not for a transaction.
    let parsed_only = [
        "CALL p()",
        "IMPORT FOREIGN",
        "VACUUM",
        "SECURITY LABEL",
        "1_000",
        "SAVEPOINT",
    ];
    for major in 14..=18 {
        let Some(binaries) = binaries(major, false) else {
            continue;
        };
        let server = start(&binaries, false, &[]);
        let shop = Shop::in_lab(lab_on(&server), &[]);
        let mut whole = String::new();
        for sql in odd {
            // Numbers with underscores came with PostgreSQL 16.
            if !(sql.contains("1_000") && major < 16) {
                shop.file(
                    "V1__odd.sql",
                    &format!("\u{feff}{}", sql.replace('\n', "\r\n")),
                );
                shop.migrate(&["--dry-run"]).exits(0);
            }
            if !parsed_only.iter().any(|only| sql.contains(only)) {
                whole.push_str(sql);
                whole.push('\n');
            }
        }
        shop.file("V1__odd.sql", &whole);
        shop.migrate(&[]).exits(0);
        assert_eq!(shop.history(), "1 odd", "{major}");
    }
}

/// Each major version has its own grammar: MERGE came with 15.
#[test]
fn the_server_that_is_migrated_is_the_one_that_reads() {
    let file =
        "CREATE TABLE t (a int);\nMERGE INTO t USING t AS s ON t.a = s.a WHEN MATCHED THEN DELETE;";
    for (major, code) in [(14, 5), (15, 0)] {
        let Some(binaries) = binaries(major, false) else {
            continue;
        };
        let server = start(&binaries, false, &[]);
        let shop = Shop::in_lab(
            lab_on(&server),
            &[("V1__first.sql", GOOD), ("V2__merge.sql", file)],
        );
        let run = shop.migrate(&[]).exits(code);
        if code == 5 {
            run.says("V2__merge.sql, line 2 (MERGE INTO t").says(ALL);
            assert_eq!(shop.made(), "");
        }
    }
}

/// Where PL/pgSQL is not to be used, and where a file is larger than what is read at once.
#[test]
fn without_plpgsql_a_file_is_judged_when_it_runs_and_a_large_one_is_read_whole() {
    let shop = Shop::new(&[
        ("V1__first.sql", GOOD),
        ("V2__bad.sql", "CREATE TABEL second (a int);"),
    ]);
    shop.sql("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC");
    shop.migrate(&[])
        .exits(5)
        .says("V2__bad.sql, line 1")
        .says("nothing of V2__bad remains");
    assert_eq!(shop.history(), "1 first");
    shop.sql("GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC");
    let row = format!("INSERT INTO first VALUES (1); -- {}\n", "x".repeat(100));
    shop.file("V2__bad.sql", &row.repeat(12_000));
    shop.file(
        "V3__more.sql",
        &format!("{}INSERT INTO first VALUE (1);", row.repeat(100)),
    );
    shop.migrate(&[])
        .exits(5)
        .says("V3__more.sql, line 101 (INSERT INTO first VALUE (1)): syntax error");
    assert_eq!(shop.history(), "1 first");
}

/// A character that the database cannot hold is no syntax error, and the file is refused by the server all the same.
#[test]
fn a_character_that_the_database_lacks_is_found_before_anything_is_applied() {
    let lab = Lab::new();
    let database = lab.db(DB);
    lab.sql(
        "postgres",
        &format!(
            "CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        ),
    );
    let shop = Shop::in_lab(
        lab,
        &[
            ("V1__first.sql", GOOD),
            ("V2__euro.sql", "SELECT 'ä';\nSELECT 1;\nSELECT '€';"),
        ],
    );
    shop.migrate(&[])
        .exits(5)
        .says("V2__euro.sql, line 3 (SELECT '…')")
        .says("SQLSTATE 22P05")
        .says(ALL);
    assert_eq!(shop.made(), "");
    shop.lab
        .run(&["status", "--service", R])
        .exits(0)
        .says("2: V1 to V2");
}
