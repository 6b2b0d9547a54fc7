//! What makes the next `migrate` refuse is never told by `repair` as nothing: whatever it leaves, its exit code is that of what is to come.

use crate::lab::R;
use crate::repair::{lock, nothing_changed, repair};
use crate::shop::Shop;

const A: (&str, &str) = ("V1__a.sql", "CREATE TABLE a (i int);\n");

fn forget(shop: &Shop, version: u32) {
    shop.sql(&format!(
        "DELETE FROM refinery_schema_history WHERE version >= {version}"
    ));
}

#[test]
fn a_lost_row_that_no_lock_proves_is_in_migrates_way() {
    for (sql, there) in [
        (
            "CREATE TABLE b (i int);",
            "relation public.b already exists",
        ),
        ("CREATE INDEX b ON a (i);", "relation b already exists"),
        (
            "CREATE INDEX CONCURRENTLY b ON a (i);",
            "relation b already exists",
        ),
    ] {
        for function in [
            "",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ] {
            let shop = Shop::new(&[A, ("V2__b.sql", sql)]);
            shop.migrate(&["-q"]).exits(0);
            forget(&shop, 2);
            shop.sql(function);
            let words = [
                "in migrate's way version 2",
                "the row may be lost",
                "dbctl lock",
                &format!("V2__b.sql, line 1 ({})", sql.trim_end_matches(';')),
            ];
            nothing_changed(&shop, &["--dry-run"], 1, &words);
            nothing_changed(&shop, &[], 1, &words);
            let report = shop.lab.json(&["repair", "--service", R], 1);
            let items = report["services"][0]["items"].as_array().unwrap();
            assert_eq!(items.len(), 1, "{sql}: {report}");
            assert_eq!(items[0]["state"], "blocks", "{sql}: {report}");
            let action = items[0]["action"].as_str().unwrap();
            assert!(action.contains("already exists"), "{there}: {action}");
            shop.migrate(&["-q"]).exits(5);
        }
    }
    // What accepts what is there is in nobody's way.
    let shop = Shop::new(&[A, ("V2__b.sql", "CREATE TABLE IF NOT EXISTS b (i int);")]);
    shop.migrate(&["-q"]).exits(0);
    forget(&shop, 2);
    nothing_changed(&shop, &[], 0, &["the row may be lost", "left version 2"]);
    shop.migrate(&["-q"]).exits(0);
}

#[test]
fn what_stands_where_a_later_migration_makes_something_is_in_migrates_way() {
    let b = ("V2__b.sql", "CREATE TABLE b (i int);\n");
    let c = ("V3__c.sql", "-- The third.\nCREATE TABLE c (i int);\n");
    for locked in [false, true] {
        let shop = Shop::new(&[A, b, c]);
        if locked {
            lock(&shop);
        }
        shop.migrate(&["-q", "--target", "1"]).exits(0);
        repair(&shop, &[]).exits(0).says("nothing to repair");
        shop.sql("CREATE TABLE c (other text)");
        let fact = "V3__c.sql, line 2 (CREATE TABLE c (i int)): relation public.c already exists (SQLSTATE 42P07)";
        shop.migrate(&["-q"]).exits(5).says(fact);
        nothing_changed(&shop, &[], 1, &["in migrate's way version 3", fact]);
        shop.sql("ALTER TABLE c RENAME TO other");
        repair(&shop, &[]).exits(0);
        shop.migrate(&["-q"]).exits(0);
    }
}

/// Whatever the preflight of `migrate` refuses, of which `repair` itself knows nothing.
#[test]
fn what_else_migrate_refuses_for_is_asked_of_it() {
    let shop = Shop::new(&[A]);
    shop.migrate(&["-q"]).exits(0);
    let both = |migrate: i32, code: i32, words: &str| {
        shop.migrate(&["-q", "--dry-run"]).exits(migrate);
        nothing_changed(&shop, &["--dry-run"], code, &[words]);
        nothing_changed(&shop, &[], code, &[words]);
    };
    both(0, 0, "nothing to repair");
    shop.file("V2__b.sql", "CREATE TABEL b (i int);");
    both(
        5,
        1,
        "V2__b.sql, line 1 (CREATE TABEL b (i int)): syntax error",
    );
    shop.file("V2__b.sql", "CREATE TABLE b (i int);");
    both(0, 0, "nothing to repair");
    shop.file("schema.lock", "this is no lock\n");
    both(3, 1, "dbctl lock");
    std::fs::remove_file(shop.path("schema.lock")).unwrap();
    shop.sql("ALTER SCHEMA public RENAME TO private; CREATE TABLE private.kept AS SELECT * FROM private.refinery_schema_history");
    let run = repair(&shop, &[]);
    assert_ne!(run.code, 0, "{}", run.all());
    let run = shop.migrate(&["-q", "--dry-run"]);
    assert_ne!(run.code, 0, "{}", run.all());
    shop.sql("ALTER SCHEMA private RENAME TO public; DROP TABLE public.kept");
    both(0, 0, "nothing to repair");
    let report = {
        shop.file("V2__b.sql", "CREATE TABEL b (i int);");
        shop.lab.json(&["repair", "--service", R], 1)
    };
    let item = &report["services"][0]["items"][0];
    assert_eq!(item["kind"], "migrate", "{report}");
    assert_eq!(item["state"], "blocks", "{report}");
}
