//! `rollback` on real servers: what happens at the COMMIT or after the scripts is looked at as well.

use crate::rollback_losses::{back, refused, shop};
use crate::shop::Shop;

/// A table with rows, and two that triggers may hang on.
const TABLES: &str = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE e (what text); CREATE TABLE e2 (what text); CREATE TABLE log (what text);\n";

/// A trigger that runs at COMMIT.
fn deferred(on: &str, body: &str) -> String {
    format!(
        "CREATE FUNCTION on_{on}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$;\n\
         CREATE CONSTRAINT TRIGGER late AFTER INSERT ON {on} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION on_{on}();\n"
    )
}

fn filled(triggers: &str) -> Shop {
    let shop = shop(&format!("{TABLES}{triggers}"), "CREATE TABLE q (id int);");
    shop.migrate(&["-q"]).exits(0);
    shop.sql("INSERT INTO p SELECT generate_series(1, 100)");
    shop
}

const ROWS: &str = "SELECT count(*) FROM p";
const DOWN: &str = "DROP TABLE q; INSERT INTO e VALUES ('back');";

#[test]
fn what_deferred_triggers_delete_is_looked_at() {
    // Names without a schema mean what they mean in the script.
    let shop = filled(&deferred("e", "DELETE FROM p WHERE id < 10"));
    refused(&shop, DOWN, ROWS, "table public.p had 9 rows deleted");
    back(&shop, DOWN, &["--allow-data-loss"]).exits(0);
    assert_eq!(shop.sql(ROWS), "91");
}

#[test]
fn what_deferred_triggers_defer_again_is_looked_at() {
    let shop = filled(&format!(
        "{}{}",
        deferred(
            "e",
            "SET CONSTRAINTS ALL DEFERRED; INSERT INTO e2 VALUES ('again')"
        ),
        deferred(
            "e2",
            "SET CONSTRAINTS ALL DEFERRED; IF (SELECT count(*) FROM e2) < 12 THEN INSERT INTO e2 VALUES ('again'); ELSE DELETE FROM p; END IF"
        ),
    ));
    refused(
        &shop,
        DOWN,
        ROWS,
        "table public.p is empty now and held rows",
    );
}

#[test]
fn what_defers_itself_for_ever_is_rolled_back() {
    let shop = filled(&deferred(
        "e",
        "SET CONSTRAINTS ALL DEFERRED; INSERT INTO e VALUES ('again')",
    ));
    back(&shop, DOWN, &[])
        .exits(5)
        .says("deferred triggers put themselves off again and again");
    assert_eq!(shop.sql("SELECT count(*) FROM e"), "0");
    assert_eq!(shop.history(), "1 first, 2 second");
}

#[test]
fn deferred_triggers_that_lose_nothing_are_no_obstacle() {
    let shop = filled(&deferred("e", "INSERT INTO log VALUES (NEW.what)"));
    back(&shop, DOWN, &[]).exits(0);
    assert_eq!(shop.sql("SELECT what FROM log"), "back");
    assert_eq!(shop.history(), "1 first");
}

#[test]
fn what_triggers_of_the_history_delete_is_looked_at() {
    let shop = filled("");
    shop.sql(
        "CREATE FUNCTION purge() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.p WHERE id < 10; RETURN OLD; END'",
    );
    for (timing, what) in [
        ("TRIGGER purge BEFORE DELETE ON", ""),
        ("TRIGGER purge AFTER DELETE ON", ""),
        (
            "CONSTRAINT TRIGGER purge AFTER DELETE ON",
            "DEFERRABLE INITIALLY DEFERRED",
        ),
    ] {
        shop.sql(&format!(
            "CREATE {timing} refinery_schema_history {what} FOR EACH ROW EXECUTE FUNCTION purge()"
        ));
        refused(
            &shop,
            "DROP TABLE q;",
            ROWS,
            "table public.p had 9 rows deleted",
        );
        shop.sql("DROP TRIGGER purge ON refinery_schema_history");
    }
}

/// A temporary table comes before the catalog, unless the search path says otherwise.
#[test]
fn temporary_tables_do_not_get_into_dbctls_queries() {
    let shop = filled("");
    refused(
        &shop,
        "DROP TABLE q; DELETE FROM p WHERE id < 10; CREATE TEMP VIEW pg_class AS SELECT * FROM pg_catalog.pg_class WHERE relname <> 'p'; \
         CREATE TEMP VIEW pg_locks AS SELECT * FROM pg_catalog.pg_locks WHERE false;",
        ROWS,
        "table public.p had 9 rows deleted",
    );
}

/// `migrate` looks at what its triggers do as well.
#[test]
fn what_deferred_triggers_of_a_migration_defer_again_is_looked_at() {
    let role = |shop: &Shop| shop.lab.db(crate::shop::ROLE);
    let shop = filled(&format!(
        "{}{}",
        deferred(
            "e",
            "SET CONSTRAINTS ALL DEFERRED; INSERT INTO e2 VALUES ('again')"
        ),
        deferred(
            "e2",
            "SET CONSTRAINTS ALL DEFERRED; IF (SELECT count(*) FROM e2) < 12 THEN INSERT INTO e2 VALUES ('again'); ELSE DELETE FROM stranger; END IF"
        ),
    ));
    shop.sql(&format!(
        "CREATE TABLE stranger (id int); INSERT INTO stranger VALUES (1); GRANT ALL ON stranger TO {}",
        role(&shop)
    ));
    shop.file("V3__third.sql", "INSERT INTO e VALUES ('forth');");
    shop.migrate(&[])
        .exits(5)
        .says("it touches public.stranger");
    assert_eq!(shop.sql("SELECT count(*) FROM stranger"), "1");
    assert_eq!(shop.history(), "1 first, 2 second");
    shop.sql("DROP TABLE stranger; CREATE TABLE stranger (id int)");
    shop.sql("CREATE OR REPLACE FUNCTION on_e2() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (NEW.what); RETURN NULL; END'");
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(shop.sql("SELECT what FROM log"), "again");
}

/// The server does not take `setval` back with the transaction, whichever way it ends.
#[test]
fn sequences_are_put_back_whichever_way_a_script_fails() {
    let shop = shop(
        "CREATE SEQUENCE s; CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int REFERENCES a DEFERRABLE INITIALLY DEFERRED);",
        "CREATE TABLE q (id int);",
    );
    shop.migrate(&["-q"]).exits(0);
    shop.sql("SELECT setval('s', 7)");
    for (sql, code) in [
        ("INSERT INTO b VALUES (9);", 5),
        ("SELECT 1/0;", 5),
        // The connection is lost.
        ("SELECT pg_terminate_backend(pg_backend_pid());", 4),
    ] {
        let sql = format!("SELECT setval('s', 1); {sql}");
        for args in [&[][..], &["--allow-data-loss"]] {
            back(&shop, &format!("DROP TABLE q; {sql}"), args).exits(code);
            assert_eq!(shop.sql("SELECT last_value FROM s"), "7", "{sql}");
        }
        shop.file("V3__third.sql", &sql);
        shop.migrate(&["-q"]).exits(code);
        assert_eq!(shop.sql("SELECT last_value FROM s"), "7", "{sql}");
        std::fs::remove_file(shop.path("V3__third.sql")).unwrap();
    }
    assert_eq!(shop.history(), "1 first, 2 second");
    // What is committed stays.
    shop.file("V3__third.sql", "SELECT setval('s', 3);");
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(shop.sql("SELECT last_value FROM s"), "3");
}
