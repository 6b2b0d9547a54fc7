//! An empty database is filled in few transactions, and nobody can tell but by their number.

use crate::shop::Shop;

const FILES: [(&str, &str); 5] = [
    ("V1__a.sql", "CREATE TABLE a (id int PRIMARY KEY);"),
    (
        "V2__b.sql",
        "CREATE TABLE b (id int REFERENCES a, at timestamptz DEFAULT now());",
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
    // Two rows of one moment.
    let mut files = FILES.to_vec();
    files[0] = (
        "V1__a.sql",
        "CREATE TABLE a (id int PRIMARY KEY, at timestamptz UNIQUE DEFAULT now());",
    );
    files[3] = ("V4__later.sql", "INSERT INTO a VALUES (2);");
    files[4] = ("V5__index.sql", "CREATE INDEX b_id ON b (id)");
    let shop = Shop::new(&files);
    shop.migrate(&[]).exits(0).says("5 of 5");
    assert_eq!(transactions(&shop), "5");
    assert_eq!(shop.sql("SELECT count(*) FROM a"), "2");
}

/// Constraints that wait for the end of the transaction, and the time of it: each migration has its own, so the rows are the same.
#[test]
fn what_would_write_other_rows_together_has_a_transaction_of_its_own() {
    let files = [
        (
            "V1__init.sql",
            "CREATE TABLE orders (id int PRIMARY KEY);\nCREATE TABLE lines (order_id int REFERENCES orders, qty int);\n\
             CREATE TABLE totals (order_id int, qty bigint);\n\
             CREATE FUNCTION sum_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO public.totals SELECT NEW.id, sum(qty) FROM public.lines WHERE order_id = NEW.id; RETURN NULL; END $$;\n\
             CREATE CONSTRAINT TRIGGER sum_up AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION sum_up();",
        ),
        (
            "V2__seed.sql",
            "INSERT INTO orders VALUES (1); INSERT INTO lines VALUES (1, 5), (1, 7);",
        ),
        (
            "V3__seed.sql",
            "INSERT INTO orders VALUES (2); INSERT INTO lines VALUES (2, 5), (2, 7);",
        ),
        (
            "V4__events.sql",
            "CREATE TABLE events (at timestamptz DEFAULT now(), old bool); INSERT INTO events (old) VALUES (false);",
        ),
        ("V5__later.sql", "INSERT INTO events (old) VALUES (false);"),
        (
            "V6__old.sql",
            "UPDATE events SET old = true WHERE at < (SELECT max(at) FROM events);",
        ),
        ("V7__older.sql", "DELETE FROM events WHERE at = now();"),
        ("V8__more.sql", "CREATE TABLE more (id int);"),
        ("V9__yet_more.sql", "CREATE TABLE yet_more (id int);"),
    ];
    for args in [&[][..], &["--fail-fast"]] {
        let shop = Shop::new(&files);
        shop.migrate(args).exits(0).says("9 of 9");
        assert_eq!(
            shop.sql(
                "SELECT string_agg(order_id || ' ' || qty, ', ' ORDER BY order_id) FROM totals"
            ),
            "1 12, 2 12",
            "{args:?}"
        );
        assert_eq!(
            shop.sql("SELECT string_agg(old::text, ', ' ORDER BY at) FROM events"),
            "true, false",
            "{args:?}"
        );
        let expected = if args.is_empty() { "8" } else { "9" };
        assert_eq!(transactions(&shop), expected);
    }
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
