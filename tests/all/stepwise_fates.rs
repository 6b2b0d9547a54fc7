//! What became of a statement that was cut off, or that met what it says it accepts: told by what it covers, not by a name or a number.

use crate::shop::{Holder, Shop};

const GOODS: (&str, &str) = (
    "V1__goods.sql",
    "CREATE TABLE goods (id int, name text, price int);\nCREATE INDEX ON goods (name);\n",
);

fn indexes(shop: &Shop) -> String {
    shop.sql(
        "SELECT coalesce(string_agg(indexdef, '; ' ORDER BY indexname), '') FROM pg_indexes WHERE tablename = 'goods'",
    )
}

/// A run that is killed while its statement waits and has made nothing yet.
fn cut_off(shop: &Shop) {
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; LOCK TABLE goods IN SHARE ROW EXCLUSIVE MODE;",
    );
    let mut runner = shop.spawn(&[]);
    shop.until_backend("query LIKE 'CREATE%INDEX%' AND wait_event_type = 'Lock'");
    runner.kill().unwrap();
    runner.wait().unwrap();
    let waits = "query LIKE 'CREATE%INDEX%'";
    shop.lab.sql(
        "postgres",
        &format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND {waits} AND application_name LIKE 'dbctl %'",
            shop.lab.db(crate::shop::DB)
        ),
    );
    shop.until_no_backend();
    holder.release();
    assert_eq!(shop.sql("SELECT done FROM dbctl.progress"), "f");
}

#[test]
fn an_index_without_a_name_is_not_taken_for_another_that_was_made_meanwhile() {
    for meanwhile in [
        "REINDEX INDEX CONCURRENTLY goods_name_idx",
        "CREATE INDEX ON goods (price)",
        "CREATE UNIQUE INDEX ON goods (id)",
        "CREATE INDEX ON goods (id) WHERE price > 1",
    ] {
        let shop = Shop::new(&[GOODS]);
        shop.migrate(&["-q"]).exits(0);
        shop.file(
            "V2__index.sql",
            "CREATE INDEX CONCURRENTLY ON goods (id);\n",
        );
        cut_off(&shop);
        shop.sql(meanwhile);
        shop.migrate(&["-q"]).exits(0);
        let made = indexes(&shop);
        assert!(
            made.split("; ")
                .any(|index| index.ends_with("USING btree (id)") && !index.contains("UNIQUE")),
            "{meanwhile}: {made}"
        );
    }
    // Where the text does not tell whether it is the statement's own, the operator does.
    let shop = Shop::new(&[GOODS]);
    shop.migrate(&["-q"]).exits(0);
    shop.file(
        "V2__index.sql",
        "CREATE INDEX CONCURRENTLY ON goods (id) WHERE name IN ('a', 'b');\n",
    );
    cut_off(&shop);
    shop.sql("CREATE INDEX ON goods (id) WHERE name = ANY (ARRAY['c'])");
    shop.migrate(&[])
        .exits(5)
        .says("CREATE INDEX CONCURRENTLY ON goods (id)")
        .says("the catalog does not tell whether it ran");
}

#[test]
fn an_index_of_the_same_name_that_covers_something_else_is_no_success() {
    let shop = Shop::new(&[GOODS]);
    shop.migrate(&["-q"]).exits(0);
    shop.file(
        "V2__index.sql",
        "CREATE UNIQUE INDEX CONCURRENTLY ix ON goods (id);\n",
    );
    cut_off(&shop);
    shop.sql("CREATE INDEX ix ON goods (price)");
    shop.migrate(&[]).exits(5).says("already exists");
    assert_eq!(shop.history(), "1 goods");
    shop.sql("DROP INDEX ix");
    shop.migrate(&["-q"]).exits(0);
    assert!(indexes(&shop).contains("UNIQUE INDEX ix"));
}

#[test]
fn what_need_not_be_there_or_is_there_is_no_failure() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__again.sql",
            "DROP INDEX CONCURRENTLY IF EXISTS goods_id;\nCREATE INDEX CONCURRENTLY IF NOT EXISTS goods_id ON goods (id);\n\
             CREATE INDEX CONCURRENTLY IF NOT EXISTS goods_id ON goods (id);\n\
             ALTER TABLE IF EXISTS nowhere DETACH PARTITION nothing CONCURRENTLY;\n",
        ),
    ]);
    crate::repair::lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(shop.history(), "1 goods, 2 again");
    // Without IF EXISTS the server says what is missing, whatever else is not valid in the database.
    shop.sql(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'goods_name_idx'::regclass",
    );
    shop.file("V3__drop.sql", "DROP INDEX CONCURRENTLY nothing;\n");
    shop.migrate(&[])
        .exits(5)
        .says("\"nothing\" does not exist");
    assert_eq!(shop.history(), "1 goods, 2 again");
}

#[test]
fn a_run_that_cannot_open_its_books_says_what_ran_before() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__fill.sql",
            "INSERT INTO goods VALUES (1), (1);\nCREATE UNIQUE INDEX CONCURRENTLY ix ON goods (id);\n",
        ),
    ]);
    shop.migrate(&["-q"])
        .exits(5)
        .says("could not create unique index");
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; LOCK TABLE dbctl.progress IN SHARE ROW EXCLUSIVE MODE;",
    );
    let run = shop.migrate(&["--lock-timeout", "2s"]).exits(6);
    let run = run.says(
        "this run has run none of its statements; of an earlier run statement 1 ran and stays",
    );
    assert!(!run.all().contains("nothing of V2"), "{}", run.all());
    holder.release();
}

#[test]
fn a_history_that_changes_its_rows_is_no_success() {
    let shop = Shop::new(&[GOODS]);
    crate::repair::lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    for (change, shown) in [("checksum := '5'", "2 more 5"), ("name := 'x'", "2 x ")] {
        shop.sql(&format!(
            "CREATE OR REPLACE FUNCTION public.change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.{change}; RETURN NEW; END $$; \
             DROP TRIGGER IF EXISTS change ON refinery_schema_history; \
             CREATE TRIGGER change BEFORE INSERT ON refinery_schema_history FOR EACH ROW EXECUTE FUNCTION public.change()"
        ));
        for sql in ["CREATE TABLE more (i int);\n", "VACUUM goods;\n"] {
            shop.file("V2__more.sql", sql);
            shop.migrate(&[])
                .exits(5)
                .says("has another row than the one that records it")
                .says(shown);
            assert_eq!(shop.history(), "1 goods");
        }
        shop.sql("DELETE FROM dbctl.progress");
    }
    // Nor does repair write such a row.
    shop.sql("DROP FUNCTION public.change CASCADE");
    std::fs::remove_file(shop.path("V2__more.sql")).unwrap();
    shop.sql(
        "CREATE FUNCTION public.change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.checksum := '5'; RETURN NEW; END $$; \
         CREATE TRIGGER change BEFORE UPDATE ON refinery_schema_history FOR EACH ROW EXECUTE FUNCTION public.change()",
    );
    shop.file(GOODS.0, &format!("-- Edited.\n{}", GOODS.1));
    crate::repair::lock(&shop);
    crate::repair::repair(&shop, &[]).exits(1);
    assert_ne!(
        shop.sql("SELECT checksum FROM refinery_schema_history"),
        "5"
    );
}
