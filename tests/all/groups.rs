//! An empty database is filled in few transactions, and nobody can tell but by their number.

use crate::shop::Shop;

const FILES: [(&str, &str); 5] = [
    ("V1__a.sql", "CREATE TABLE a (id int PRIMARY KEY);"),
    (
        "V2__b.sql",
        "CREATE TABLE b (id int REFERENCES a DEFERRABLE INITIALLY DEFERRED);",
    ),
    (
        "V3__rows.sql",
        "INSERT INTO a VALUES (1);\nINSERT INTO b VALUES (1);",
    ),
    (
        "V4__later.sql",
        "ALTER TABLE b ADD COLUMN name text; -- the end",
    ),
    ("V5__index.sql", "CREATE INDEX b_name ON b (name)"),
];

/// In how many transactions the history's rows were written.
fn transactions(shop: &Shop) -> String {
    shop.sql("SELECT count(DISTINCT xmin::text) FROM refinery_schema_history")
}

#[test]
fn an_empty_database_is_filled_in_one_transaction_and_another_one_by_one() {
    let shop = Shop::new(&FILES);
    let run = shop.migrate(&[]).exits(0).says("5 of 5");
    assert!(!run.all().contains("panicked"));
    assert_eq!(transactions(&shop), "1");
    assert_eq!(shop.history(), "1 a, 2 b, 3 rows, 4 later, 5 index");
    shop.migrate(&[]).exits(0).says("nothing to do");

    let shop = Shop::new(&FILES);
    shop.migrate(&["--target", "1"]).exits(0);
    shop.migrate(&[]).exits(0);
    assert_eq!(transactions(&shop), "5");

    let shop = Shop::new(&FILES);
    shop.migrate(&["--fail-fast"]).exits(0);
    assert_eq!(transactions(&shop), "5");
}

#[test]
fn what_comes_before_a_fault_stays_and_the_fault_is_named() {
    let mut files = FILES.to_vec();
    files[3] = ("V4__later.sql", "ALTER TABLE b\n  ADD COLUMN id text;");
    let shop = Shop::new(&files);
    shop.migrate(&[])
        .exits(5)
        .says("V4__later.sql, line 1 (ALTER TABLE b ADD COLUMN id text)")
        .says("SQLSTATE 42701")
        .says("nothing of V4__later remains");
    assert_eq!(shop.history(), "1 a, 2 b, 3 rows");
    shop.file(FILES[3].0, FILES[3].1);
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 a, 2 b, 3 rows, 4 later, 5 index");
}

#[test]
fn what_does_not_work_together_is_done_one_by_one() {
    // Once constraints were made immediate, a row cannot come before the one that it needs.
    let mut files = FILES.to_vec();
    files[2] = (
        "V3__rows.sql",
        "INSERT INTO b VALUES (1);\nINSERT INTO a VALUES (1);",
    );
    let shop = Shop::new(&files);
    shop.migrate(&[]).exits(0).says("5 of 5");
    assert_eq!(transactions(&shop), "5");
    assert_eq!(shop.sql("SELECT count(*) FROM b"), "1");
}

#[test]
fn what_a_function_sets_does_not_reach_the_next_migration() {
    let shop = Shop::new(&[
        (
            "V1__code.sql",
            "CREATE SCHEMA elsewhere; CREATE TABLE calls (what text);\n\
             CREATE FUNCTION wander() RETURNS text LANGUAGE sql AS \
             $$ SELECT set_config('search_path', 'elsewhere', false) || set_config('lock_timeout', '7s', true) $$;",
        ),
        ("V2__call.sql", "INSERT INTO calls VALUES (wander());"),
        (
            "V3__home.sql",
            "CREATE TABLE home AS SELECT current_setting('lock_timeout') AS wait;",
        ),
    ]);
    shop.migrate(&[]).exits(0);
    assert_eq!(
        shop.sql("SELECT wait <> '7s' FROM public.home"),
        "t",
        "{}",
        shop.made()
    );
}

#[test]
fn a_later_transaction_keeps_its_hands_off_the_books() {
    let name = |number: usize| format!("V{number}__t{number}.sql");
    for (sql, words) in [
        (
            "UPDATE dbctl.identity SET service = 'another';",
            "a table that dbctl keeps its own books in",
        ),
        (
            "DELETE FROM public.refinery_schema_history WHERE version = 3;",
            "a table that dbctl keeps its own books in",
        ),
    ] {
        let shop = Shop::new(&[]);
        for number in 1..=30 {
            shop.file(&name(number), &format!("CREATE TABLE t{number} (id int);"));
        }
        shop.file(&name(28), sql);
        shop.migrate(&[])
            .exits(5)
            .says("V28__t28.sql, line 1 (")
            .says(": it touches ")
            .says(words);
        assert_eq!(
            shop.sql("SELECT count(*) || ' ' || max(version) FROM refinery_schema_history"),
            "27 27"
        );
        // The first 25 together, the two after them alone.
        assert_eq!(transactions(&shop), "3");
    }
}
