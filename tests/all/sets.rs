//! Sets on disk, read strictly, on real servers.

use crate::lab::Lab;

/// Small services of these names, migrated.
fn migrated(names: &[&str]) -> Lab {
    let mut lab = Lab::new();
    lab.own_services(names);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    lab
}

#[test]
fn line_ends_and_byte_order_marks_are_no_edit() {
    let lab = migrated(&["windows", "marked", "edited"]);
    let file = |service: &str| lab.path().join(format!("sql/{service}/V2__two.sql"));
    let change = |service: &str, with: &dyn Fn(&str) -> String| {
        let text = std::fs::read_to_string(file(service)).unwrap();
        std::fs::write(file(service), with(&text)).unwrap();
    };
    change("windows", &|text| text.replace('\n', "\r\n"));
    change("marked", &|text| format!("\u{feff}{text}"));
    let run = lab.run(&["status"]).exits(0);
    assert_eq!(run.err, "");
    assert!(!run.out.contains("divergent"), "{}", run.out);

    change("edited", &|text| text.replace("a int", "b int"));
    lab.run(&["status"])
        .exits(1)
        .says("divergent edited: V2__two.sql was edited after it was applied on ");
    let report = lab.json(&["status"], 1);
    let states: Vec<&str> = report["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| service["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["up_to_date", "up_to_date", "divergent"]);
}

#[test]
fn a_new_file_with_a_byte_order_mark_is_applied() {
    let lab = migrated(&["marked"]);
    lab.write(
        "sql/marked/V5__five.sql",
        "\u{feff}CREATE TABLE five (a int);\r\n",
    );
    lab.run(&["migrate"]).exits(0).says("1 migration applied");
    assert_eq!(lab.sql("marked", "SELECT count(*) FROM five"), "0");
    lab.run(&["status"]).exits(0);
}

#[test]
fn everything_wrong_is_told_before_anything_runs() {
    let lab = migrated(&["own"]);
    lab.write("sql/own/V5__five.sql", "CREATE TABLE five (a int);\n");
    lab.write(
        "sql/own/V6__six.sql",
        "SET search_path = x;\nCREATE DATABASE y;\nCOPY own_one FROM STDIN;\n1\n\\.\n",
    );
    lab.write("sql/own/V6__six.down.sql", "DROP INDEX CONCURRENTLY i;\n");
    lab.write("sql/own/V7__seven.down.sql", "SELECT 1;\n");
    lab.run(&["migrate"])
        .exits(3)
        .says("V6__six.sql: line 1: SET stays in force")
        .says("V6__six.sql: line 2: CREATE DATABASE has no place")
        .says("V6__six.sql: line 3: COPY … FROM STDIN")
        .says("V6__six.down.sql: line 1: DROP INDEX CONCURRENTLY cannot run in a transaction")
        .says("V7__seven.down.sql: there is no V7__seven.sql");
    assert_eq!(lab.sql("own", "SELECT to_regclass('five') IS NULL"), "t");
}
