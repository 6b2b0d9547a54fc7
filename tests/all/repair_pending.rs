//! `repair` takes nothing that is pending for something that ran: only what the catalog proves, or the operator says, gets a row.

use std::fs;

use crate::repair::{lock, mends, nothing_changed, repair};
use crate::shop::{DB, ROLE, Shop};

const ONE: (&str, &str) = (
    "V1__one.sql",
    "CREATE TABLE one (a int, b int);\nINSERT INTO one VALUES (1, 1);\n",
);
const COLUMN: (&str, &str) = ("V2__column.sql", "ALTER TABLE one ADD COLUMN c int;\n");

/// Writes the set's lock as one that was written on a server of another major version than this one.
fn lock_elsewhere(shop: &Shop) {
    lock(shop);
    let path = shop.path("schema.lock");
    let text = fs::read_to_string(&path).unwrap();
    let other = text.replace("majors = [17]", "majors = [18]");
    assert_ne!(other, text);
    fs::write(path, other).unwrap();
}

/// Brings the database to version 2, with a row that a division fails at.
fn up_to_two(shop: &Shop) {
    shop.migrate(&["-q", "--target", "2"]).exits(0);
    shop.sql("UPDATE one SET b = 0");
}

/// Both kinds of lock.
const LOCKS: [fn(&Shop); 2] = [lock, lock_elsewhere];

#[test]
fn a_pending_file_that_changes_rows_alone_is_never_taken_for_a_lost_row() {
    for write in LOCKS {
        let shop = Shop::new(&[
            ONE,
            COLUMN,
            ("V3__rows.sql", "UPDATE one SET c = 10 / b;\n"),
        ]);
        write(&shop);
        up_to_two(&shop);
        // As it is, and after it has failed.
        for failed in [false, true] {
            if failed {
                shop.migrate(&["-q"]).exits(5).says("division by zero");
            }
            let words = ["left V3__rows.sql: it is pending and leaves the same catalog"];
            nothing_changed(&shop, &[], 0, &words);
            assert_eq!(shop.history(), "1 one, 2 column");
        }
        shop.sql("UPDATE one SET b = 1");
        shop.migrate(&["-q"]).exits(0);
        assert_eq!(shop.sql("SELECT c FROM one"), "10");
    }
}

#[test]
fn what_is_forgotten_is_not_recorded_by_the_same_run() {
    for write in LOCKS {
        let rows =
            "-- dbctl:no-transaction\nUPDATE one SET a = a + 1;\nUPDATE one SET a = a / b;\n";
        let shop = Shop::new(&[ONE, COLUMN, ("V3__rows.sql", rows)]);
        write(&shop);
        up_to_two(&shop);
        shop.migrate(&["-q"]).exits(5).says("division by zero");
        repair(&shop, &["--forget", "3"]).exits(0).says("anew");
        assert_eq!(shop.history(), "1 one, 2 column");
        // An index proves nothing of the statement behind it.
        let index = "CREATE INDEX CONCURRENTLY one_a_idx ON one (a);\nUPDATE one SET a = a / b;\n";
        let shop = Shop::new(&[ONE, COLUMN, ("V3__index.sql", index)]);
        write(&shop);
        up_to_two(&shop);
        shop.migrate(&["-q"]).exits(5).says("division by zero");
        repair(&shop, &["--forget", "3"]);
        assert_eq!(shop.history(), "1 one, 2 column");
        nothing_changed(&shop, &[], 5, &["needs your word V3__index.sql"]);
        mends(&shop, &["--ran"], &["version 3 in"]);
        assert_eq!(shop.history(), "1 one, 2 column, 3 index");
    }
}

#[test]
fn pending_files_that_bring_the_catalog_back_to_what_it_was_are_pending() {
    for write in LOCKS {
        let shop = Shop::new(&[
            ONE,
            (
                "V2__add.sql",
                "ALTER TABLE one ADD COLUMN c int;\nUPDATE one SET a = 7;\n",
            ),
            ("V3__drop.sql", "ALTER TABLE one DROP COLUMN c;\n"),
            ("V4__none.sql", "SELECT 1;\n"),
        ]);
        write(&shop);
        shop.migrate(&["-q", "--target", "1"]).exits(0);
        repair(&shop, &[]).exits(0);
        assert_eq!(shop.history(), "1 one");
        shop.migrate(&["-q"]).exits(0);
        assert_eq!(shop.sql("SELECT a FROM one"), "7");
        // Version 2 was taken back by hand: what version 3 leaves is there, and proves nothing of it.
        shop.sql("DELETE FROM refinery_schema_history WHERE version > 2");
        let before = shop.history();
        repair(&shop, &[]);
        assert_eq!(shop.history(), before);
    }
}

#[test]
fn a_file_before_what_somebody_made_by_hand_needs_the_operators_word() {
    for write in LOCKS {
        let shop = Shop::new(&[
            ONE,
            ("V2__rows.sql", "UPDATE one SET a = 7;\n"),
            ("V3__index.sql", "CREATE INDEX one_a_idx ON one (a);\n"),
        ]);
        write(&shop);
        shop.migrate(&["-q", "--target", "1"]).exits(0);
        shop.lab
            .sql_as(DB, ROLE, "CREATE INDEX one_a_idx ON one (a)")
            .unwrap();
        let words = [
            "needs your word V2__rows.sql",
            "the history has lost rows (V3__index.sql)",
        ];
        nothing_changed(&shop, &[], 5, &words);
        repair(&shop, &["--not-run"]).says("taken as not applied on your word");
        assert_eq!(shop.history(), "1 one");
        shop.sql("DROP INDEX one_a_idx");
        shop.migrate(&["-q"]).exits(0);
        assert_eq!(shop.sql("SELECT a FROM one"), "7");
    }
}

#[test]
fn a_row_that_is_lost_for_certain_is_written_whatever_server_the_lock_is_of() {
    for write in LOCKS {
        let shop = Shop::new(&[ONE, COLUMN]);
        write(&shop);
        shop.migrate(&["-q"]).exits(0);
        shop.sql("DELETE FROM refinery_schema_history WHERE version = 2");
        mends(&shop, &[], &["its row is there again"]);
        assert_eq!(shop.history(), "1 one, 2 column");
    }
}
