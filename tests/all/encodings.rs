//! Databases that keep their text in another encoding than UTF-8.

use std::path::Path;

use crate::lab::{Lab, R};
use crate::shop::{DB, Shop};

const FILES: &[(&str, &str)] = &[
    ("V1__a.sql", "CREATE TABLE a (t text);"),
    ("V2__b.sql", "CREATE TABLE b (i int);"),
];

/// What dbctl asks goes through the server's conversion, its comments too.
#[test]
fn every_verb_works_in_a_database_of_another_encoding() {
    for encoding in ["LATIN1", "LATIN9", "KOI8R", "SQL_ASCII"] {
        let lab = Lab::new();
        let database = lab.db(DB);
        lab.sql(
            "postgres",
            &format!(
                "CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
            ),
        );
        let shop = Shop::in_lab(lab, FILES);
        shop.migrate(&["--target", "1"]).exits(0);
        shop.sql("INSERT INTO a VALUES ('one')");
        let lab = &shop.lab;
        lab.run(&["status"]).exits(0);
        shop.migrate(&["--dry-run"]).exits(0);
        shop.migrate(&[]).exits(0);
        assert_eq!(shop.history(), "1 a, 2 b", "{encoding}");
        lab.run(&["status"]).exits(0);
        lab.run(&["repair", "--service", R]).exits(0);
        let report = lab.run(&["verify", "--format", "json"]);
        assert!(
            !report.out.contains("has no equivalent"),
            "{encoding}: {}",
            report.out
        );
        shop.file("V2__b.down.sql", "DROP TABLE b;");
        lab.run(&["rollback", "--service", R, "--target", "1"])
            .exits(0);
        assert_eq!(shop.history(), "1 a", "{encoding}");
    }
}

/// A character that the encoding lacks is told with its line, wherever it stands: the server takes the file no more in a comment.
#[test]
fn a_character_that_the_encoding_lacks_is_told_with_its_line() {
    let lab = Lab::new();
    let database = lab.db(DB);
    lab.sql(
        "postgres",
        &format!(
            "CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        ),
    );
    let shop = Shop::in_lab(lab, FILES);
    let what = "character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\" (SQLSTATE 22P05); \
                nothing was changed";
    for (sql, place) in [
        ("-- ä\n-- für 5 €\nSELECT 1;", "line 2 (in a comment)"),
        (
            "-- ä\nSELECT 'ö';\n\n-- ß\n/* ü\n € */ SELECT 1;\n-- €",
            "line 6 (in a comment)",
        ),
        ("SELECT 1;\n-- ü, the end: €", "line 2 (in a comment)"),
        ("SELECT 'ä',\n  '€';", "line 2 (SELECT '…', '…')"),
        ("SELECT 1;\nSELECT 1, -- €\n 2;", "line 2 (SELECT 1, "),
    ] {
        shop.file("V2__b.sql", sql);
        let run = shop.migrate(&[]).exits(5).says(what);
        run.says(&format!("V2__b.sql, {place}"));
    }
    shop.file("V2__b.sql", "-- ä\nSELECT 'ö', -- ÿ\n 1;");
    shop.migrate(&[]).exits(0);
}

/// A character that the database's encoding lacks ends a query, be it in a comment of its.
#[test]
fn what_is_sent_to_a_server_is_ascii() {
    fn look(folder: &Path, files: &mut usize) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                *files += 1;
                assert!(
                    std::fs::read_to_string(&path).unwrap().is_ascii(),
                    "{}",
                    path.display()
                );
            }
        }
    }
    let mut files = 0;
    look(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    assert!(files > 50, "the queries were not found");
}
