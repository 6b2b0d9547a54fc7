#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;
use std::path::Path;

use super::Set;
use crate::migration::Mode;

/// The set of these files, or everything that is wrong with it, without the folder's name.
fn load(files: &[(&str, &str)]) -> Result<Set, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    load_from(folder.path())
}

fn load_from(folder: &Path) -> Result<Set, Vec<String>> {
    Set::on_disk("own", folder).map_err(|error| {
        let prefix = format!("{}/", folder.display());
        error
            .problems
            .iter()
            .map(|problem| problem.replace(&prefix, ""))
            .collect()
    })
}

/// What is wrong with a set of one migration with this text.
fn wrong(sql: &str) -> Vec<String> {
    load(&[("V1__x.sql", sql)]).map_or_else(|problems| problems, |_| Vec::new())
}

/// All of `problems` begin as expected, and there are no others.
#[track_caller]
fn begin(problems: &[String], expected: &[&str]) {
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(
            problem.starts_with(expected),
            "{problem}\n  is not: {expected}"
        );
    }
}

#[test]
fn built_in_sets_are_right() {
    for name in super::built_in_names() {
        let set = Set::built_in(name).unwrap().unwrap();
        assert!(!set.migrations.is_empty());
        for migration in &set.migrations {
            assert_eq!(migration.mode, Mode::Transaction, "{}", migration.file);
            for statement in crate::migration::analyse(&migration.sql) {
                // Each one is understood, and nothing is left to chance.
                let unsure = |code: &str| matches!(code, "unread" | "dynamic");
                let understood = !statement.hazards.iter().any(|hazard| unsure(&hazard.code));
                assert!(understood, "{}:{}", migration.file, statement.line);
            }
        }
    }
}

#[test]
fn what_cannot_stand_in_a_migration_is_named_with_its_line() {
    for (sql, expected) in [
        (
            "SELECT 1;\nCOMMIT;",
            "line 2: COMMIT has no place in a migration",
        ),
        ("COMMIT PREPARED 'x'", "line 1: COMMIT"),
        ("/* x */ begin /* y */", "line 1: BEGIN"),
        ("PREPARE TRANSACTION 'x'", "line 1: PREPARE"),
        (
            "SELECT 1;\n\\c elsewhere",
            "line 2: \\c is a command of psql",
        ),
        (
            "SELECT 1; \\c elsewhere",
            "line 1: \\c is a command of psql",
        ),
        (
            "SELECT 'a',\n 2 \\gexec\n",
            "line 2: \\gexec is a command of psql",
        ),
        (
            "SELECT 1;\nCOPY t (a) FROM STDIN;\n1\n'\n\\.\nSELECT 2;",
            "line 2: COPY … FROM STDIN: rows of data cannot stand in a migration; write INSERT",
        ),
        ("COPY t TO STDOUT", "line 1: COPY … TO STDOUT"),
        (
            "create database x",
            "line 1: CREATE DATABASE has no place in a migration",
        ),
        ("DROP DATABASE IF EXISTS x", "line 1: DROP DATABASE"),
        (
            "SET search_path = x",
            "line 1: SET stays in force after the script, for whatever runs next in the session; write SET LOCAL",
        ),
        ("SET SESSION x = 1", "line 1: SET stays in force"),
        ("SET ROLE x", "line 1: SET stays in force"),
        ("SET SESSION AUTHORIZATION x", "line 1: SET stays in force"),
        ("SET TIME ZONE 'UTC'", "line 1: SET stays in force"),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "line 1: SET SESSION CHARACTERISTICS",
        ),
        (
            "SELECT pg_catalog.set_config('search_path', '', false)",
            "line 1: set_config(…, false)",
        ),
        (
            "SELECT set_config('a.b', lower('c)'), is_local => FALSE)",
            "line 1: set_config(…, false)",
        ),
        ("RESET ALL", "line 1: RESET ALL"),
        (
            "SELECT pg_advisory_unlock_all()",
            "line 1: frees the lock that dbctl holds",
        ),
        ("DISCARD ALL", "line 1: frees the lock that dbctl holds"),
        (
            "SELECT 1;\n\nSELECT 'a;\n",
            "line 3: the text (') that begins here is never closed",
        ),
        (
            "SELECT 1;\n/* a\n\n",
            "line 2: the comment (/*) that begins here is never closed",
        ),
        (
            "SELECT \"a\n",
            "line 1: the quoted name (\") that begins here is never closed",
        ),
        (
            "DO $x$\n BEGIN\n $$ ",
            "line 1: the text ($x$) that begins here is never closed",
        ),
        ("SELECT 1;\nSELECT '\0'", "line 2: control character U+0000"),
        ("SELECT 1 \u{7f}", "line 1: control character U+007F"),
        (
            "-- dbctl:no-transactions\nSELECT 1",
            "line 1: unknown directive",
        ),
        (
            "SELECT 1;\n-- dbctl:no-transaction",
            "line 2: -- dbctl:no-transaction must stand before the first statement",
        ),
        (
            "-- nothing",
            "empty: a migration must hold at least one statement",
        ),
        // Statement by statement
        (
            "VACUUM;\nSET LOCAL x = 1",
            "line 2: SET has no place in a file that is run statement by statement",
        ),
        (
            "VACUUM;\nCREATE TEMP TABLE t AS SELECT 1;\nCREATE TABLE u AS SELECT * FROM t",
            "line 3: t is temporary (line 2) and gone before this statement",
        ),
        (
            "-- dbctl:no-transaction\nSET x = 1",
            "line 2: SET has no place",
        ),
        (
            "-- dbctl:no-transaction\nSAVEPOINT a",
            "line 2: SAVEPOINT has no place in a file that is run statement by statement",
        ),
        (
            "-- dbctl:no-transaction\nROLLBACK TO a",
            "line 2: ROLLBACK has no place",
        ),
        (
            "-- dbctl:no-transaction\nCOMMIT",
            "line 2: COMMIT has no place",
        ),
    ] {
        begin(&wrong(sql), &[&format!("V1__x.sql: {expected}")]);
    }
}

#[test]
fn what_only_looks_wrong_is_left_alone() {
    for sql in [
        "SAVEPOINT a; RELEASE SAVEPOINT a; ROLLBACK TO SAVEPOINT a; ROLLBACK WORK TO a",
        "SET LOCAL search_path = x; SET LOCAL ROLE y; SET CONSTRAINTS ALL DEFERRED; SET TRANSACTION READ ONLY; RESET x",
        "SELECT set_config('a.b', 'false', true); SELECT set_config('a.b', 'c', is_local => true)",
        "SELECT 'SET x', 'pg_advisory_unlock_all()', E'\\\\c'; DISCARD PLANS; COPY t FROM '/x'",
        "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql SET search_path = x AS $$ BEGIN COMMIT; RETURN '\\c'; END $$",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
        "UPDATE t SET a = 1; ALTER ROLE r SET x = 1; CREATE ROLE r; DROP USER IF EXISTS u",
        // squawk is not the server.
        "GIBBERISH of a (later version)",
        "SELECT\t1;\r\nSELECT 2\u{c};",
    ] {
        assert_eq!(wrong(sql), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn everything_wrong_is_told_once() {
    let problems = load(&[
        (
            "V1__a.sql",
            "BEGIN;\nCREATE DATABASE x;\nSET a = 1;\n\\c\nCOMMIT;",
        ),
        ("V2__b.sql", "SELECT 'x"),
        ("V2__c.sql", "SELECT 1"),
        ("V3__d.sql", "SELECT 1"),
        ("V3__e.sql", "SELECT 1"),
        ("V4.sql", "SELECT 1"),
    ]);
    begin(
        &problems.unwrap_err(),
        &[
            "V1__a.sql: line 1: BEGIN",
            "V1__a.sql: line 2: CREATE DATABASE",
            "V1__a.sql: line 3: SET",
            "V1__a.sql: line 4: \\c",
            "V2__b.sql: line 1: the text",
            "V4.sql: misnamed",
            "V3__d.sql and V3__e.sql both have version 3",
        ],
    );
}

#[test]
fn a_down_script_belongs_to_its_migration() {
    let set = load(&[
        ("V1__init.sql", "CREATE TABLE a (id int);"),
        ("V1__init.down.sql", "\u{feff}DROP TABLE a;"),
        ("V2__more.sql", "CREATE TABLE b (id int);"),
    ])
    .unwrap();
    let downs: Vec<Option<(&str, &str)>> = set
        .migrations
        .iter()
        .map(|migration| {
            migration
                .down
                .as_ref()
                .map(|down| (down.file.as_str(), down.sql.as_str()))
        })
        .collect();
    assert_eq!(downs, [Some(("V1__init.down.sql", "DROP TABLE a;")), None]);

    let bare = load(&[
        ("V1__init.sql", "CREATE TABLE a (id int);"),
        ("V2__more.sql", "CREATE TABLE b (id int);"),
    ])
    .unwrap();
    assert_ne!(bare.sum(), set.sum());
    let sums = |set: &Set| {
        set.migrations
            .iter()
            .map(|migration| migration.checksum)
            .collect::<Vec<_>>()
    };
    assert_eq!(sums(&bare), sums(&set));
}

#[test]
fn the_sum_without_down_scripts_stays_as_it_was() {
    let set = load(&[
        ("V1__init.sql", "CREATE TABLE a (id int);\n"),
        ("V2__more.sql", "SELECT 1;\n"),
    ])
    .unwrap();
    // Taken before there were down scripts: schema locks on disk hold such sums.
    assert_eq!(
        set.sum(),
        "sha256:f122276339c9988b7da1208e9668fc45e2a21290dd7b8609ffc3c900990dcc1d"
    );
}

#[test]
fn wrong_down_scripts() {
    for (file, sql, expected) in [
        (
            "V2__init.down.sql",
            "SELECT 1",
            "V2__init.down.sql: there is no V2__init.sql for it to take back",
        ),
        (
            "V1__other.down.sql",
            "SELECT 1",
            "V1__other.down.sql: there is no V1__other.sql for it to take back",
        ),
        (
            "V1__init.down.sql",
            " -- nothing\n",
            "V1__init.down.sql: empty: a down script must hold",
        ),
        (
            "V1__init.down.sql",
            "SELECT 1;\nCOMMIT",
            "V1__init.down.sql: line 2: COMMIT",
        ),
        (
            "V1__init.down.sql",
            "SELECT 1;\nDROP INDEX CONCURRENTLY i",
            "V1__init.down.sql: line 2: DROP INDEX CONCURRENTLY cannot run in a transaction, and a down script runs in one; write it without CONCURRENTLY",
        ),
        (
            "V1__init.down.sql",
            "VACUUM",
            "V1__init.down.sql: line 1: VACUUM cannot run in a transaction, and a down script runs in one; leave it out",
        ),
        (
            "V1__init.down.sql",
            "-- dbctl:no-transaction\nSELECT 1",
            "V1__init.down.sql: line 1: -- dbctl:no-transaction has no place in a down script",
        ),
        (
            "V1__init.down.sql",
            "SELECT 1;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
            "V1__init.down.sql: line 2: the isolation level, DEFERRABLE, SNAPSHOT and READ ONLY are set before the first query",
        ),
        (
            "V1__init.down.sql",
            "SET LOCAL transaction_isolation = 'serializable'",
            "V1__init.down.sql: line 1: the isolation level",
        ),
        (
            "V1__init.down.sql",
            "SET TRANSACTION READ ONLY",
            "V1__init.down.sql: line 1: the isolation level",
        ),
        (
            "V01__init.down.sql",
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET TRANSACTION READ WRITE",
            "",
        ),
        ("V1__init.up.sql", "SELECT 1", "V1__init.up.sql: misnamed"),
        ("V01__init.down.sql", "SELECT 1", ""),
    ] {
        let problems = load(&[("V1__init.sql", "SELECT 1"), (file, sql)])
            .map_or_else(|problems| problems, |_| Vec::new());
        if expected.is_empty() {
            assert_eq!(problems, Vec::<String>::new(), "{file}");
        } else {
            begin(&problems, &[expected]);
        }
    }
    // The down script of a migration that is wrong has its migration.
    let problems = load(&[
        ("V1__init.sql", "COMMIT"),
        ("V1__init.down.sql", "SELECT 1"),
    ])
    .unwrap_err();
    begin(&problems, &["V1__init.sql: line 1: COMMIT"]);
}

#[test]
fn links_stay_within_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (set, other) = (folder.path().join("set"), folder.path().join("other"));
    for path in [&set, &other] {
        std::fs::create_dir(path).unwrap();
        std::fs::write(path.join("text"), "SELECT 1;").unwrap();
    }
    symlink("text", set.join("V1__in.sql")).unwrap();
    assert_eq!(load_from(&set).unwrap().migrations.len(), 1);
    // The folder itself may be one.
    symlink("set", folder.path().join("link")).unwrap();
    assert_eq!(
        load_from(&folder.path().join("link"))
            .unwrap()
            .migrations
            .len(),
        1
    );

    symlink("../other/text", set.join("V2__out.sql")).unwrap();
    symlink(other.join("text"), set.join("schema.lock")).unwrap();
    symlink("nowhere", set.join("V3__dangling.sql")).unwrap();
    let problems = load_from(&set).unwrap_err();
    begin(
        &problems,
        &[
            "V2__out.sql: a link to ../other/text, which is outside the set's folder",
            "V3__dangling.sql: cannot be read: No such file or directory (os error 2); it is a link to nowhere",
            "schema.lock: a link to",
        ],
    );
    assert!(
        problems
            .iter()
            .take(1)
            .all(|problem| problem.contains(&set.display().to_string())),
        "{problems:?}"
    );
}

#[test]
fn line_ends_and_byte_order_marks_make_no_difference() {
    let one = |sql: &str| load(&[("V1__x.sql", sql)]).unwrap().migrations.remove(0);
    let (unix, windows) = (
        "CREATE TABLE a (\n  id int\n);\n",
        "CREATE TABLE a (\r\n  id int\r\n);\r\n",
    );
    let texts = [
        unix.to_owned(),
        windows.to_owned(),
        format!("\u{feff}{unix}"),
        format!("\u{feff}{windows}"),
    ];
    for recorded in &texts {
        let recorded = one(recorded).checksum.to_string();
        for text in &texts {
            assert!(one(text).has_checksum(&recorded), "{text:?}");
        }
        for text in [
            unix.trim_end(),
            &unix.replace('\n', "\r"),
            &format!("{unix}-- x\n"),
        ] {
            assert!(!one(text).has_checksum(&recorded), "{text:?}");
        }
    }
    // Mixed line ends are a text of their own, which has the checksums of the others too.
    let mixed = one("CREATE TABLE a (\r\n  id int\n);\n");
    assert!(mixed.has_checksum(&mixed.checksum.to_string()));
    assert!(mixed.has_checksum(&one(windows).checksum.to_string()));
    assert!(!mixed.has_checksum("") && !mixed.has_checksum("x"));

    // refinery reads the file with the mark; the server must not see it.
    let marked = one(&format!("\u{feff}{unix}"));
    assert_eq!(marked.sql, unix);
    let refinery =
        refinery_core::Migration::unapplied("V1__x", &format!("\u{feff}{unix}")).unwrap();
    assert_eq!(marked.checksum, refinery.checksum());
    for set in super::built_in_names().map(|name| Set::built_in(name).unwrap().unwrap()) {
        for migration in set.migrations {
            let refinery =
                refinery_core::Migration::unapplied(migration.stem(), &migration.text()).unwrap();
            assert_eq!(
                migration.checksum,
                refinery.checksum(),
                "{}",
                migration.file
            );
        }
    }
    assert_eq!(marked.mode, Mode::Transaction);
    assert_eq!(
        one("\u{feff}-- dbctl:no-transaction\nSELECT 1").mode,
        Mode::Statements
    );
}
