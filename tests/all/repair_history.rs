//! `repair` where the history itself is damaged: gone, empty, renumbered by hand, or of other columns than refinery's.

use crate::repair::{lock, repair};
use crate::shop::{Holder, Shop, until};

fn seen(shop: &Shop) -> String {
    shop.sql("SELECT string_agg(i::text, ',' ORDER BY i) FROM a")
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
