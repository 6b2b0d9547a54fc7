//! What `check` says of a column's new type, held against what a real server does with the rows.

use crate::check_sets::Repository;
use crate::lab::{K, Lab};
use crate::shop::Shop;

const DB: &str = "rgb_lightning_node";

/// The table, what changes it, and whether `check` keeps quiet.
const CHANGES: &[(&str, &str, bool)] = &[
    ("a varchar(10) UNIQUE", "ALTER a TYPE varchar(20)", true),
    ("a varchar(10) UNIQUE", "ALTER a TYPE text", true),
    (
        "a varchar(10)",
        "ALTER a SET DATA TYPE text USING a::text",
        true,
    ),
    (
        "a varchar(10)",
        "ALTER a TYPE varchar(20) USING CAST(a AS varchar(20))",
        true,
    ),
    ("a text", "ALTER a TYPE varchar", true),
    (
        "a numeric(10,2), b varchar",
        "ALTER a TYPE numeric(12,2), ALTER b TYPE text",
        true,
    ),
    ("a numeric(10,2) UNIQUE", "ALTER a TYPE numeric", true),
    ("a timestamptz(3) UNIQUE", "ALTER a TYPE timestamptz", true),
    ("a timestamptz", "ALTER a TYPE timestamptz(6)", true),
    ("a time(0)", "ALTER a TYPE time(3)", true),
    ("a varbit(4)", "ALTER a TYPE bit varying(8)", true),
    ("a text", "ALTER a TYPE varchar(10)", false),
    ("a varchar(20)", "ALTER a TYPE varchar(10)", false),
    ("a varchar(20)", "ALTER a TYPE text USING lower(a)", false),
    ("a char(4)", "ALTER a TYPE char(8)", false),
    ("a numeric(10,2)", "ALTER a TYPE numeric(12,4)", false),
    ("a numeric", "ALTER a TYPE numeric(12,4)", false),
    ("a int", "ALTER a TYPE bigint", false),
    (
        "a varchar(10), b int",
        "ALTER a TYPE text, ALTER b TYPE bigint",
        false,
    ),
    (
        "a varchar(10) COLLATE \"C\" UNIQUE",
        "ALTER a TYPE text",
        false,
    ),
    (
        "a varchar(10), EXCLUDE ((lower(a)) WITH =)",
        "ALTER a TYPE text",
        false,
    ),
    ("a timestamptz", "ALTER a TYPE timestamptz(3)", false),
    // `timestamp` to `timestamptz` is not here: whether rows are written depends on the session's time zone.
];

const FILES: &str = "SELECT string_agg(oid::regclass || ' ' || relfilenode, ',' ORDER BY oid) FROM pg_class
    WHERE oid = 'k_t'::regclass OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'k_t'::regclass)";

#[test]
fn a_type_that_is_only_wider_is_quiet_and_writes_nothing() {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    for (columns, change, quiet) in CHANGES {
        let create = format!("CREATE TABLE k_t ({columns});");
        let alter = format!("ALTER TABLE k_t {change};");
        lab.sql(DB, &create);
        let before = lab.sql(DB, FILES);
        lab.sql(DB, &alter);
        let writes = lab.sql(DB, FILES) != before;
        lab.sql(DB, "DROP TABLE k_t");
        assert_eq!(writes, !quiet, "the server: {columns} {change}");

        let repository = Repository::new();
        repository.write(K, "V90__new.sql", &create);
        repository.write(K, "V91__wider.sql", &alter);
        let found = repository.found();
        assert_eq!(found.is_empty(), *quiet, "{columns} {change}\n{found:#?}");
    }
}

/// What is applied is part of what is known, also where the file is read alone.
#[test]
fn a_dry_run_warns_of_no_more_than_check() {
    let shop = Shop::new(&[("V1__one.sql", "CREATE TABLE k_t (a varchar(10), b int);")]);
    shop.lab.run(&["migrate", "-q"]).exits(0);
    shop.file(
        "V2__types.sql",
        "ALTER TABLE k_t ALTER a TYPE text;\nALTER TABLE k_t ALTER b TYPE bigint;",
    );
    let report = shop.lab.json(&["migrate", "--dry-run"], 0);
    let statements = &report["services"][0]["pending"][0]["statements"];
    let codes = |number: usize| {
        let hazards = statements[number]["hazards"].as_array().unwrap();
        let codes = hazards.iter().map(|hazard| hazard["code"].as_str());
        codes.map(Option::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(codes(0), Vec::<&str>::new());
    assert_eq!(codes(1), ["changing-column-type"]);
}

/// The type is followed through names, and forgotten where a text may have changed it.
#[test]
fn what_the_type_was_is_known_from_the_files_before() {
    for (files, quiet) in [
        (
            &[
                "ALTER TABLE k_t ADD b varchar(3);",
                "ALTER TABLE k_t ALTER b TYPE text;",
            ][..],
            true,
        ),
        (
            &[
                "ALTER TABLE public.k_t RENAME a TO b;",
                "ALTER TABLE k_t ALTER b TYPE text;",
            ],
            true,
        ),
        (
            &[
                "ALTER TABLE k_t RENAME TO k_u;",
                "ALTER TABLE k_u ALTER a TYPE text;",
            ],
            true,
        ),
        (
            &[
                "ALTER TABLE k_t ALTER a TYPE varchar(9);",
                "ALTER TABLE k_t ALTER a TYPE varchar(8);",
            ],
            false,
        ),
        (
            &[
                "ALTER TABLE k_t DROP a;",
                "ALTER TABLE k_t ALTER a TYPE text;",
            ],
            false,
        ),
        (
            &[
                "CREATE TABLE IF NOT EXISTS k_t (a varchar(50));",
                "ALTER TABLE k_t ALTER a TYPE varchar(20);",
            ],
            true,
        ),
        (
            &[
                "DO $$ BEGIN ALTER TABLE k_t ALTER a TYPE int USING 1; END $$; -- dbctl:allow sets/unsafe-ddl x",
                "ALTER TABLE k_t ALTER a TYPE text;",
            ],
            false,
        ),
        (&["ALTER TABLE k_elsewhere ALTER a TYPE text;"], false),
        (
            &[
                "ALTER TABLE k_t ADD CONSTRAINT c CHECK (a <> '') NOT VALID;",
                "ALTER TABLE k_t ALTER a TYPE text;",
            ],
            false,
        ),
    ] {
        let repository = Repository::new();
        repository.write(K, "V90__new.sql", "CREATE TABLE k_t (a varchar(5));");
        for (index, sql) in files.iter().enumerate() {
            repository.write(K, &format!("V{}__then.sql", 91 + index), sql);
        }
        let last = format!("V{}__then.sql", 90 + files.len());
        let found = repository.found();
        let loud = found.iter().any(|found| found.file.ends_with(&last));
        assert_eq!(!loud, quiet, "{files:?}\n{found:#?}");
    }
}

/// NOT NULL where a CHECK proves it reads no row: the way that the finding names is quiet at its end.
#[test]
fn not_null_is_quiet_where_a_constraint_proves_it() {
    const ADD: &str = "ALTER TABLE k_t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;";
    const VALIDATE: &str = "ALTER TABLE k_t VALIDATE CONSTRAINT c;";
    const SET: &str = "ALTER TABLE k_t ALTER a SET NOT NULL;";
    const DROP: &str = "ALTER TABLE k_t DROP CONSTRAINT c;";
    for (files, quiet) in [
        (&[ADD, VALIDATE, SET, DROP][..], true),
        (
            &[
                "ALTER TABLE k_t ADD CHECK ((a IS NOT NULL)) NOT VALID;",
                "ALTER TABLE k_t VALIDATE CONSTRAINT k_t_a_check;",
                "ALTER TABLE k_t ALTER COLUMN a SET NOT NULL, DROP CONSTRAINT k_t_a_check;",
            ],
            false,
        ),
        (&[SET], false),
        (&[ADD, SET], false),
        (&[ADD, VALIDATE, DROP, SET], false),
        (
            &[
                "ALTER TABLE k_t ADD CONSTRAINT c CHECK (b IS NOT NULL) NOT VALID;",
                VALIDATE,
                SET,
            ],
            false,
        ),
        (
            &[
                "ALTER TABLE k_t ADD CONSTRAINT c CHECK (a IS NOT NULL OR b IS NOT NULL) NOT VALID;",
                VALIDATE,
                SET,
            ],
            false,
        ),
    ] {
        let repository = Repository::new();
        repository.write(K, "V90__new.sql", "CREATE TABLE k_t (a int, b int);");
        for (index, sql) in files.iter().enumerate() {
            repository.write(K, &format!("V{}__then.sql", 91 + index), sql);
        }
        let found = repository.found();
        assert_eq!(found.is_empty(), quiet, "{files:?}\n{found:#?}");
    }
}
