//! `repair` where the history itself is damaged: gone, empty, renumbered by hand, or of other columns than refinery's.

use crate::lab::R;
use crate::repair::{lock, mends, migrate_refuses, nothing_changed, repair};
use crate::shop::{Holder, Shop, until};

const A: (&str, &str) = ("V1__a.sql", "CREATE TABLE a (i int);\n");
const B: (&str, &str) = ("V2__b.sql", "CREATE TABLE b (i int);\n");
const FILL: (&str, &str) = ("V3__fill.sql", "INSERT INTO a VALUES (3);\n");
const C: (&str, &str) = ("V4__c.sql", "CREATE TABLE c (i int);\n");
const MORE: (&str, &str) = ("V5__more.sql", "INSERT INTO a VALUES (5);\n");
const LAST: (&str, &str) = ("V6__last.sql", "INSERT INTO a VALUES (6);\n");

const GOOD: &str = "SELECT version, name, checksum FROM refinery_schema_history ORDER BY version";

/// A database that all of the set was applied to.
fn applied(files: &[(&str, &str)]) -> Shop {
    let shop = Shop::new(files);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    shop
}

fn seen(shop: &Shop) -> String {
    shop.sql("SELECT string_agg(i::text, ',' ORDER BY i) FROM a")
}

#[test]
fn a_history_that_is_gone_is_left_to_baseline() {
    let shop = applied(&[A, B, C]);
    let before = shop.sql(GOOD);
    shop.sql("DROP TABLE refinery_schema_history");
    migrate_refuses(&shop, &["dbctl baseline --service"]);
    let words = [
        "in migrate's way public.refinery_schema_history: the table is gone",
        "dbctl baseline --service rgb-lightning-node makes the table again",
        "the catalog is proven to be that of version 4",
    ];
    nothing_changed(&shop, &["--dry-run"], 1, &words);
    nothing_changed(&shop, &[], 1, &words);
    // A file that changes rows alone is named, for baseline would take it as applied.
    shop.file(MORE.0, MORE.1);
    lock(&shop);
    nothing_changed(
        &shop,
        &[],
        1,
        &["V5__more.sql may have run or not", "--version N"],
    );
    std::fs::remove_file(shop.path(MORE.0)).unwrap();
    lock(&shop);
    // What differs is told all the same.
    shop.sql("CREATE TABLE stray (i int)");
    nothing_changed(
        &shop,
        &[],
        1,
        &["the table is gone", "not proven to be that of"],
    );
    shop.sql("DROP TABLE stray");
    shop.lab
        .run(&["baseline", "-q", "--service", crate::lab::R])
        .exits(0);
    assert_eq!(shop.sql(GOOD), before);
    shop.migrate(&[]).exits(0).says("nothing to do");
    repair(&shop, &[]).exits(0).says("nothing to repair");
}

#[test]
fn an_empty_history_that_nothing_proves_is_in_migrates_way() {
    let shop = Shop::new(&[A, B]);
    shop.migrate(&["-q"]).exits(0);
    for (damage, what) in [
        ("DELETE FROM refinery_schema_history", "it holds no row"),
        ("DROP TABLE refinery_schema_history", "the table is gone"),
    ] {
        shop.sql(damage);
        migrate_refuses(&shop, &["no migration history but is not empty"]);
        let words = [what, "dbctl lock", "dbctl baseline --service"];
        nothing_changed(&shop, &["--dry-run"], 1, &words);
        let run = repair(&shop, &[]).exits(1).says(what);
        assert!(!run.all().contains("does not exist"), "{}", run.all());
    }
    // With a lock, a catalog that is no version's.
    let shop = applied(&[A, B]);
    shop.sql("CREATE TABLE stray (i int); DELETE FROM refinery_schema_history");
    nothing_changed(
        &shop,
        &[],
        1,
        &["it holds no row", "dbctl baseline --service"],
    );
    // A database without tables is in nobody's way.
    shop.sql("DROP TABLE stray, a, b");
    nothing_changed(&shop, &[], 0, &["nothing to repair"]);
    shop.migrate(&["-q"]).exits(0);
}

#[test]
fn a_file_that_changes_rows_and_may_have_lost_its_row_needs_the_operators_word() {
    for (flag, rows, history) in [
        ("--ran", "3,5", "1 a, 2 b, 3 fill, 4 c, 5 more"),
        ("--not-run", "3,5,5", "1 a, 2 b, 3 fill, 4 c"),
    ] {
        let shop = applied(&[A, B, FILL, C, MORE]);
        nothing_changed(&shop, &[flag], 3, &["there is none"]);
        {
            shop.sql("DELETE FROM refinery_schema_history WHERE version > 3");
            nothing_changed(
                &shop,
                &[],
                5,
                &[
                    "needs your word V5__more.sql",
                    "nothing tells whether it ran",
                    "--ran",
                    "--not-run",
                ],
            );
            let report = shop.lab.json(&["repair", "--service", crate::lab::R], 5);
            let item = &report["services"][0]["items"][0];
            assert_eq!(item["state"], "needs_word", "{report}");
            assert_eq!(item["kind"], "history", "{report}");
            mends(&shop, &[flag], &["version 4 in refinery_schema_history"]);
            assert_eq!(shop.history(), history);
            nothing_changed(&shop, &[flag], 3, &["there is none"]);
        }
        shop.migrate(&["-q"]).exits(0);
        assert_eq!(seen(&shop), rows);
    }
}

#[test]
fn several_files_that_change_rows_are_settled_together_or_by_baseline() {
    let shop = applied(&[A, FILL, C, MORE, LAST]);
    shop.sql("DELETE FROM refinery_schema_history");
    nothing_changed(
        &shop,
        &[],
        5,
        &[
            "needs your word V3__fill.sql, V5__more.sql, V6__last.sql",
            "DELETE FROM public.refinery_schema_history, then dbctl baseline --service rgb-lightning-node --version N",
        ],
    );
    let baseline = [
        "baseline",
        "-q",
        "--service",
        crate::lab::R,
        "--version",
        "5",
    ];
    shop.lab.run(&baseline).exits(0);
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(seen(&shop), "3,5,6,6");
    shop.sql("DELETE FROM refinery_schema_history");
    mends(&shop, &["--ran"], &["version 6 in"]);
    shop.migrate(&[]).exits(0).says("nothing to do");
}

#[test]
fn a_number_that_was_edited_by_hand_is_given_back() {
    let shop = applied(&[A, B, C]);
    let before = shop.sql(GOOD);
    shop.sql("ALTER TABLE refinery_schema_history DROP CONSTRAINT refinery_schema_history_pkey, ALTER version DROP NOT NULL");
    for (edit, said) in [
        ("version = NULL", "its version is NULL"),
        ("version = 2147483647", "it says version 2147483647"),
        ("version = 7", "it says version 7"),
    ] {
        shop.sql(&format!(
            "UPDATE refinery_schema_history SET {edit} WHERE version = 2"
        ));
        let fact = format!("the history's row of V2__b.sql was edited by hand: {said}");
        migrate_refuses(
            &shop,
            &[
                &fact,
                "dbctl repair --service rgb-lightning-node gives the row its number back",
            ],
        );
        let all = shop.lab.run(&["status"]).exits(1).says(&fact).all();
        assert!(
            !all.contains("2147483648") && !all.contains("V0__"),
            "{all}"
        );
        mends(&shop, &[], &[&fact, "its version is now 2"]);
        assert_eq!(shop.sql(GOOD), before);
    }
    // What is no migration of the set, and what the catalog does not prove.
    shop.sql("UPDATE refinery_schema_history SET version = NULL, checksum = '7' WHERE version = 4");
    migrate_refuses(&shop, &["a row whose version is NULL (name \"c\""]);
    nothing_changed(
        &shop,
        &[],
        1,
        &["DELETE FROM public.refinery_schema_history WHERE version IS NULL"],
    );
    shop.sql("UPDATE refinery_schema_history SET version = 2147483647 WHERE version IS NULL");
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "no file can have a higher version",
            "UPDATE public.refinery_schema_history SET version = N WHERE version = 2147483647",
        ],
    );
    let all = shop.migrate(&[]).exits(3).all();
    assert!(!all.contains("rename it to"), "{all}");
    shop.sql("DELETE FROM refinery_schema_history WHERE version = 2147483647");
    mends(&shop, &[], &["version 4 in refinery_schema_history"]);
    shop.sql("CREATE TABLE stray (i int); UPDATE refinery_schema_history SET version = NULL WHERE version = 2");
    nothing_changed(
        &shop,
        &[],
        1,
        &["UPDATE public.refinery_schema_history SET version = 2 WHERE version IS NULL"],
    );
}

#[test]
fn an_index_that_is_still_to_be_dropped_is_not_built_anew() {
    let shop = Shop::new(&[(
        "V1__a.sql",
        "CREATE TABLE a (i int);\nCREATE INDEX ai ON a (i);\n",
    )]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    shop.file(
        "V2__drop.sql",
        "INSERT INTO a VALUES (1);\nDROP INDEX CONCURRENTLY ai;\nINSERT INTO a VALUES (2);\n",
    );
    lock(&shop);
    let holder = Holder::new(&shop.lab, "BEGIN; INSERT INTO a VALUES (0);");
    let child = shop.spawn(&["-q"]);
    shop.until_backend("query LIKE 'DROP INDEX%' AND wait_event_type = 'Lock'");
    let invalid = "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'ai'::regclass";
    until("the index is not valid any more", || {
        shop.sql(invalid) == "t"
    });
    shop.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'DROP INDEX%'");
    assert_ne!(crate::shop::join(child).code, 0);
    holder.release();
    let words = [
        "V2__drop.sql, line 2",
        "the next migrate runs it",
        "V2__drop.sql, line 2, which is not applied yet, drops it",
    ];
    let mut run = repair(&shop, &["--dry-run"]).exits(0);
    for word in words {
        run = run.says(word);
    }
    let mut run = repair(&shop, &[]).exits(0);
    for word in words {
        run = run.says(word);
    }
    assert!(!run.all().contains("REINDEX"), "{}", run.all());
    assert_eq!(shop.sql(invalid), "t");
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(seen(&shop), "1,2");
    assert_eq!(shop.sql("SELECT to_regclass('ai') IS NULL"), "t");
}

#[test]
fn a_history_of_other_columns_is_refused_with_what_mends_it() {
    let shop = Shop::new(&[A, B]);
    shop.migrate(&["-q", "--target", "1"]).exits(0);
    let table = "ALTER TABLE public.refinery_schema_history";
    for (damage, wrong, mending) in [
        (
            "ALTER version TYPE text",
            "version is text, expected integer",
            "ALTER COLUMN version TYPE integer USING version::integer",
        ),
        (
            "ALTER version TYPE numeric",
            "version is numeric, expected integer",
            "ALTER COLUMN version TYPE integer USING version::integer",
        ),
        (
            "ADD host text NOT NULL DEFAULT 'x'; ALTER TABLE refinery_schema_history ALTER host DROP DEFAULT",
            "host is no column of refinery's",
            "ALTER COLUMN host DROP NOT NULL",
        ),
        (
            "ALTER applied_on TYPE timestamptz USING applied_on::timestamptz, ALTER checksum TYPE numeric USING checksum::numeric",
            "applied_on is timestamp with time zone, expected character varying(255), checksum is numeric",
            "ALTER COLUMN applied_on TYPE varchar(255) USING to_char(applied_on AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
             ALTER COLUMN checksum TYPE varchar(255)",
        ),
    ] {
        let before = shop.sql(GOOD);
        shop.sql(&format!("{table} {damage}"));
        let mending = format!("{table} {mending}");
        let words = [wrong, &mending];
        migrate_refuses(&shop, &words);
        nothing_changed(&shop, &[], 3, &words);
        for (args, code) in [(vec!["migrate", "--dry-run"], 3), (vec!["status"], 1)] {
            shop.lab.run(&args).exits(code).says(wrong).says(&mending);
        }
        shop.sql(&mending);
        assert_eq!(shop.sql(GOOD), before, "{damage}");
        repair(&shop, &[]).exits(0).says("nothing to repair");
    }
    // What refinery can write all the same is no reason to stop.
    shop.sql(&format!("{table} ALTER version TYPE bigint, ALTER name TYPE text, ADD note text, ADD at timestamptz NOT NULL DEFAULT now()"));
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(shop.history(), "1 a, 2 b");
}

#[test]
fn a_history_that_lacks_a_column_is_told_with_what_mends_it() {
    let shop = Shop::new(&[A]);
    shop.migrate(&["-q"]).exits(0);
    shop.sql("ALTER TABLE refinery_schema_history RENAME checksum TO sum");
    repair(&shop, &[])
        .exits(4)
        .says("one of dbctl's own tables was altered")
        .says(
            "public.refinery_schema_history (version, name, applied_on, checksum) its columns back",
        );
}

#[test]
fn books_that_are_no_tables_or_name_nobody_are_told_as_that() {
    let shop = Shop::new(&[("V1__one.sql", "CREATE TABLE one (id int);")]);
    shop.migrate(&[]).exits(0);
    shop.sql("ALTER TABLE dbctl.identity ALTER service DROP NOT NULL; UPDATE dbctl.identity SET service = NULL");
    let names_nobody = "the row of dbctl.identity names no service, so it was edited by hand";
    shop.lab.run(&["status"]).exits(1).says(names_nobody);
    shop.migrate(&[])
        .exits(3)
        .says(names_nobody)
        .says("nothing was changed");
    shop.sql(&format!("UPDATE dbctl.identity SET service = '{R}'"));
    shop.migrate(&[]).exits(0);

    shop.sql("ALTER TABLE refinery_schema_history RENAME TO put_away; CREATE SEQUENCE refinery_schema_history");
    let no_table = "public.refinery_schema_history: row security hides rows from this role, or it is no ordinary table";
    shop.lab.run(&["status"]).exits(1).says(no_table);
    shop.migrate(&[]).exits(3).says(no_table);
    shop.lab
        .run(&["repair", "--service", R])
        .exits(3)
        .says(no_table);
}
