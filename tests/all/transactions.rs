//! What surrounds a migration's own statements in its transaction: it must not get in their way, nor they in its.

use crate::lab::{Lab, R, binaries};
use crate::shop::{DB, ROLE, Shop};

const TABLE: &str = "CREATE TABLE a (id integer PRIMARY KEY, b integer);";

#[test]
fn a_limit_of_whole_transactions_does_not_end_a_migration() {
    let shop = Shop::new(&[(
        "V1__slow.sql",
        "SELECT pg_sleep(1.5);\nCREATE TABLE slow (i int);",
    )]);
    shop.lab.sql(
        "postgres",
        &format!(
            "ALTER ROLE {} SET transaction_timeout = '500ms'",
            shop.lab.db(ROLE)
        ),
    );
    shop.migrate(&[]).exits(0);
    shop.file(
        "V2__slow.sql",
        "-- dbctl:no-transaction\nSELECT pg_sleep(1.5);\n",
    );
    shop.migrate(&[]).exits(0);
    shop.lab.run(&["status"]).exits(0);
}

#[test]
fn a_migration_that_lets_go_of_the_runners_lock_is_told_so() {
    let shop = Shop::new(&[("V1__a.sql", "CREATE TABLE a (i int);")]);
    shop.migrate(&["-q"]).exits(0);
    shop.file(
        "V2__free.sql",
        "DO $$ BEGIN EXECUTE 'SELE' || 'CT pg_advisory_unlock_all()'; END $$;",
    );
    shop.migrate(&[])
        .exits(3)
        .says("the migration has let go of it");
    assert_eq!(shop.history(), "1 a");
}

#[test]
fn books_that_somebody_else_owns_are_seen_before_anything_is_changed() {
    let shop = Shop::new(&[("V1__a.sql", "CREATE TABLE a (i int);")]);
    shop.migrate(&["-q"]).exits(0);
    shop.file("V2__b.sql", "CREATE TABLE b (i int);");
    for table in ["refinery_schema_history", "dbctl.identity"] {
        shop.sql(&format!(
            "ALTER TABLE {table} OWNER TO postgres; GRANT SELECT ON {table} TO {}",
            shop.lab.db(ROLE)
        ));
        for args in [&["--dry-run"][..], &[]] {
            shop.migrate(args)
                .exits(4)
                .says("may not write dbctl's own tables")
                .says("dbctl provision");
        }
        shop.lab.run(&["provision", "-q"]).exits(0);
        shop.migrate(&["--dry-run"]).exits(0);
    }
    shop.migrate(&[]).exits(0);
}

#[test]
fn a_template_is_no_services_database() {
    let lab = Lab::new();
    let shop = Shop::in_lab(lab, &[("V1__a.sql", "CREATE TABLE a (i int);")]);
    let database = shop.lab.db(DB);
    shop.lab.sql(
        "postgres",
        &format!("ALTER DATABASE {database} IS_TEMPLATE true"),
    );
    shop.migrate(&[]).exits(3).says("is a template");
    shop.lab
        .run(&["provision"])
        .exits(3)
        .says("is a template")
        .says("nothing was changed");
    shop.lab.sql(
        "postgres",
        &format!("ALTER DATABASE {database} IS_TEMPLATE false"),
    );
    shop.migrate(&[]).exits(0);
}

#[test]
fn a_migration_that_throws_prepared_statements_away_disturbs_nobody() {
    let shop = Shop::new(&[
        ("V1__a.sql", TABLE),
        ("V2__b.sql", "INSERT INTO a VALUES (1, 1);"),
        ("V3__c.sql", "INSERT INTO a VALUES (2, 2);\nDEALLOCATE ALL;"),
        (
            "V4__d.sql",
            "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$;\nINSERT INTO a VALUES (3, 3)",
        ),
        ("V5__e.sql", "INSERT INTO a VALUES (4, 4);"),
    ]);
    shop.migrate(&[]).exits(0).says("V5__e");
    assert_eq!(
        shop.sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM a"),
        "1 2 3 4"
    );
    let history = "SELECT count(*) FROM refinery_schema_history";
    assert_eq!(shop.sql(history), "5");
    // A missing prepared statement of the migration's own is its own fault.
    shop.file("V6__f.sql", "SELECT 1;\nEXECUTE nobodys;");
    shop.migrate(&[])
        .exits(5)
        .says("V6__f.sql, line 2 (EXECUTE nobodys)")
        .says("nothing of V6__f remains");
    assert_eq!(shop.sql(history), "5");
}

#[test]
fn errors_name_the_line_of_the_file() {
    for (sql, place) in [
        (
            "CREATE TABLE a (id integer);\n\nSELECT *\nFROM nowhere;",
            "V1__a.sql, line 4",
        ),
        (
            "CREATE TABLE a (id integer);\nCREATE TABL b (id integer);",
            "V1__a.sql, line 2",
        ),
        (
            "CREATE TABLE a (id integer CHECK (id > 0));\nINSERT INTO a VALUES (-1);",
            "V1__a.sql, line 2 (INSERT INTO a VALUES (-1))",
        ),
        (
            "CREATE TABLE a (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO a VALUES (1), (1); -- twice",
            "V1__a.sql, at its COMMIT",
        ),
    ] {
        let shop = Shop::new(&[("V1__a.sql", sql)]);
        shop.migrate(&[])
            .exits(5)
            .says(place)
            .says(match sql.contains("TABL b") {
                true => "nothing was changed",
                false => "nothing of V1__a remains",
            });
        let left = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace OR relname = 'identity'";
        assert_eq!(shop.sql(left), "0", "{sql}");
    }
}

#[test]
fn a_migration_may_begin_with_the_properties_of_its_transaction_and_end_in_a_comment() {
    let shop = Shop::new(&[
        ("V1__a.sql", &format!("{TABLE} -- no line after this one")),
        (
            "V2__b.sql",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n\
             INSERT INTO a SELECT 1, 2 WHERE current_setting('transaction_isolation') = 'serializable' /* the end */",
        ),
        // What a function has set for the session must not reach the next migration.
        (
            "V3__c.sql",
            "DO $$ BEGIN PERFORM set_config('default_transaction_isolation', 'serializable', false); \
             PERFORM set_config('search_path', 'nowhere', false); \
             PERFORM set_config('standard_conforming_strings', 'off', false); CREATE TEMP TABLE t (id integer); END $$;",
        ),
        (
            "V4__d.sql",
            "CREATE TEMP TABLE t (id integer);\n\
             INSERT INTO a SELECT 2, 3 WHERE current_setting('transaction_isolation') = 'read committed' AND length('a\\') = 2;",
        ),
    ]);
    shop.migrate(&[]).exits(0).says("V4__d");
    assert_eq!(
        shop.sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM a"),
        "1 2"
    );
}

#[test]
fn rows_that_a_migration_reads_are_not_taken_for_the_answers_of_the_server() {
    let shop = Shop::new(&[
        ("V1__a.sql", TABLE),
        (
            "V2__b.sql",
            "INSERT INTO a SELECT g, g FROM generate_series(1, 1000) g;",
        ),
        (
            "V3__c.sql",
            "SELECT NULL AS touched, 't' AS locked, 'f' AS leftover, '' AS history, 't' AS kept FROM a;",
        ),
        ("V4__d.sql", "CREATE INDEX a_b ON a (b);"),
    ]);
    shop.migrate(&[]).exits(0);
    // Neither is a trigger that keeps the history from being written.
    shop.sql("CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
    shop.sql("CREATE TRIGGER t BEFORE INSERT ON refinery_schema_history FOR EACH ROW EXECUTE FUNCTION public.nothing()");
    shop.file("V5__e.sql", "SELECT 't' AS kept;");
    shop.migrate(&[])
        .exits(5)
        .says("does not keep the row that records it");
}

#[test]
fn an_operator_of_the_services_own_does_not_get_into_dbctls_queries() {
    const VERSIONS: &str =
        "SELECT string_agg(version::text, ' ' ORDER BY version) FROM refinery_schema_history";
    // It fits `version::bigint || ' '` better than the server's own, which takes anything.
    let shop = Shop::new(&[
        (
            "V1__glue.sql",
            "CREATE FUNCTION glue(bigint, text) RETURNS text LANGUAGE sql AS $$ SELECT 'glued' $$;\n\
             CREATE OPERATOR || (LEFTARG = bigint, RIGHTARG = text, FUNCTION = glue);",
        ),
        ("V2__one.sql", "CREATE TABLE one (id int);"),
    ]);
    shop.migrate(&["--target", "1"]).exits(0);
    shop.migrate(&[]).exits(0);
    shop.file(
        "V3__index.sql",
        "CREATE INDEX CONCURRENTLY one_id ON one (id);\nINSERT INTO one VALUES (1);",
    );
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.sql(VERSIONS), "1 2 3");
    shop.file("V3__index.down.sql", "DROP INDEX one_id;");
    shop.lab
        .run(&["rollback", "--service", R, "--target", "2"])
        .exits(0);
    assert_eq!(shop.sql(VERSIONS), "1 2");
}

#[test]
fn the_server_notices_a_machine_that_went_away_without_a_word() {
    // Over TCP the server tells what is in force; over a socket it is 0.
    let shop = Shop::new(&[(
        "V1__seen.sql",
        "CREATE TABLE seen AS SELECT current_setting('tcp_keepalives_idle')::int + current_setting('tcp_keepalives_interval')::int \
         * current_setting('tcp_keepalives_count')::int AS seconds, inet_client_addr() IS NOT NULL AS over_tcp;",
    )]);
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.sql("SELECT over_tcp, seconds <= 120 FROM seen"), "t|t");
}

/// What a role has set for its sessions changes nothing of what is found out.
#[test]
fn settings_of_the_role_do_not_change_what_is_seen() {
    for setting in [
        "default_transaction_isolation = 'serializable'",
        "quote_all_identifiers = on",
        "exit_on_error = on",
        "check_function_bodies = off",
        "standard_conforming_strings = off",
        "statement_timeout = '1ms'",
    ] {
        let shop = Shop::new(&[
            ("V1__a.sql", TABLE),
            ("V2__b.sql", "CREATE TABLE \"B\" (\"Id\" integer);"),
            (
                "V2__b.down.sql",
                "DROP TABLE \"B\"; SELECT count(*) FROM public.refinery_schema_history;",
            ),
        ]);
        let bin = binaries(17, false).unwrap().bin;
        let lock = ["lock", "-q", "--postgres-bin", bin.to_str().unwrap()];
        shop.lab.run(&lock).exits(0);
        shop.lab.sql(
            "postgres",
            &format!("ALTER ROLE {} SET {setting}", shop.lab.db(ROLE)),
        );
        shop.migrate(&["--dry-run"]).exits(0);
        shop.migrate(&[]).exits(0);
        shop.lab.run(&["repair", "--service", R]).exits(0);
        let back = shop
            .lab
            .run(&["rollback", "--service", R, "--target", "1"])
            .exits(0);
        assert!(
            !back.all().contains("not compared"),
            "{setting}: {}",
            back.all()
        );
        assert_eq!(shop.history(), "1 a", "{setting}");
        shop.sql("DROP TABLE refinery_schema_history; DROP SCHEMA dbctl CASCADE");
        shop.lab.run(&["baseline", "--service", R]).exits(0);
        assert_eq!(shop.history(), "1 a", "{setting}");
    }
}
