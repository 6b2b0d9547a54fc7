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
