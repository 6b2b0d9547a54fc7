use crate::migration::analysis::analyse;

/// The codes of the hazards, by statement.
fn codes(sql: &str) -> Vec<String> {
    analyse(sql)
        .iter()
        .map(|analysis| {
            let codes: Vec<&str> = analysis
                .hazards
                .iter()
                .map(|hazard| hazard.code.as_str())
                .collect();
            codes.join(" ")
        })
        .collect()
}

#[test]
fn dangers_are_told() {
    for (sql, expected) in [
        (
            "CREATE INDEX i ON t (a)",
            "require-concurrent-index-creation",
        ),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", ""),
        ("DROP INDEX i", "require-concurrent-index-deletion"),
        ("REINDEX TABLE t", "require-concurrent-reindex"),
        (
            "ALTER TABLE t ADD COLUMN a int NOT NULL",
            "adding-required-field",
        ),
        ("ALTER TABLE t ADD COLUMN a int", ""),
        (
            "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()",
            "adding-field-with-default",
        ),
        ("ALTER TABLE t ADD COLUMN a int DEFAULT 1", ""),
        (
            "ALTER TABLE t ADD COLUMN a BigSerial",
            "adding-field-with-default",
        ),
        (
            "ALTER TABLE t ADD COLUMN b int, ADD a serial4 UNIQUE",
            "adding-field-with-default disallowed-unique-constraint",
        ),
        (
            "ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS IDENTITY",
            "adding-field-with-default",
        ),
        (
            "ALTER TABLE t ALTER COLUMN a TYPE bigint",
            "changing-column-type",
        ),
        (
            "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
            "adding-not-nullable-field",
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
            "constraint-missing-not-valid",
        ),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", ""),
        (
            "ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)",
            "constraint-missing-not-valid disallowed-unique-constraint",
        ),
        ("ALTER TABLE t RENAME COLUMN a TO b", "renaming-column"),
        ("ALTER TABLE t RENAME TO u", "renaming-table"),
        ("ALTER TABLE t DROP COLUMN a", "ban-drop-column"),
        ("DROP TABLE t", "ban-drop-table"),
        (
            "ALTER TABLE m DETACH PARTITION p",
            "require-concurrent-partition-detach",
        ),
        ("DO $$ BEGIN END $$", "dynamic"),
        ("CALL p()", "dynamic"),
        ("SELECT do_something('t')", "dynamic"),
        ("SELECT drop_chunks('t', INTERVAL '1 day')", "dynamic"),
        ("DROP TABLE t CASCADE", "dynamic ban-drop-table"),
        ("ALTER EXTENSION pg_trgm UPDATE", "dynamic"),
        ("SELECT set_config('a.b', 'c', true)", ""),
        (
            "SELECT create_hypertable('t', public.by_range('time', INTERVAL '6 hours'))",
            "",
        ),
        ("GIBBERISH", "unread"),
        // Taste is not danger.
        (
            "CREATE TABLE t (id serial, a varchar(5), b char(3), c timestamp)",
            "",
        ),
        ("UPDATE t SET a = 1", ""),
    ] {
        assert_eq!(codes(sql), [expected], "{sql}");
    }
    assert!(
        codes("TRUNCATE t CASCADE")
            .concat()
            .contains("ban-truncate-cascade")
    );
    let key = codes("ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (b)").concat();
    assert!(key.contains("constraint-missing-not-valid"), "{key}");
}

#[test]
fn a_danger_is_told_where_it_is() {
    let sql = "-- ä\nSELECT 1; -- é; x\nGIBBERISH ' ((;\nCREATE INDEX i ON t (a) -- y;\n;DROP TABLE u; FROBNICATE; /* z */\nDROP TABLE v";
    // The quote is never closed: everything behind it is one statement.
    assert_eq!(codes(sql), ["", "unread"]);
    let sql = sql.replace("' ((", "x)");
    assert_eq!(
        codes(&sql),
        [
            "",
            "unread",
            "require-concurrent-index-creation",
            "ban-drop-table",
            "unread",
            "ban-drop-table"
        ]
    );
}

#[test]
fn what_the_file_has_created_is_in_no_danger() {
    let sql = "CREATE TABLE s.t (a int); CREATE INDEX i ON s.t (a); ALTER TABLE s.t ADD COLUMN b int NOT NULL;\
        ALTER TABLE s.t ADD CONSTRAINT c UNIQUE (a); DROP TABLE s.t";
    assert_eq!(codes(sql), [""; 5]);
    // Also where each statement is by itself.
    let alone = format!("-- dbctl:no-transaction\n{sql}");
    assert_eq!(codes(&alone), [""; 5]);
    assert_eq!(
        codes("CREATE TABLE t (a int); CREATE INDEX ON u (a)"),
        ["", "require-concurrent-index-creation"]
    );
}
