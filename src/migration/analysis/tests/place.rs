use super::one;
use crate::migration::analysis::{Fate, Mode, Name, Place, mode};

fn name(text: &str) -> Name {
    match text.split_once('.') {
        Some((schema, name)) => Name {
            schema: Some(schema.to_owned()),
            name: name.to_owned(),
        },
        None => Name {
            schema: None,
            name: text.to_owned(),
        },
    }
}

fn index(index: &str, table: &str) -> Fate {
    Fate::IndexCreated {
        index: (!index.is_empty()).then(|| name(index)),
        table: name(table),
    }
}

#[test]
fn what_cannot_be_in_a_transaction_is_alone() {
    let dropped =
        |names: &[&str]| Fate::IndexesDropped(names.iter().map(|each| name(each)).collect());
    let detached = |parent, partition| Fate::Detached {
        parent: name(parent),
        partition: name(partition),
    };
    let cases: &[(&str, Fate)] = &[
        ("CREATE INDEX CONCURRENTLY i ON t (a)", index("i", "t")),
        (
            "create unique index concurrently if not exists \"I\" on only S.\"T\" using btree (a)",
            index("s.I", "s.T"),
        ),
        ("CREATE INDEX CONCURRENTLY ON t (a)", index("", "t")),
        (
            "CREATE /* x */ INDEX -- y\n CONCURRENTLY I ON T (a)",
            index("i", "t"),
        ),
        (
            "CREATE INDEX CONCURRENTLY concurrently ON t (a)",
            index("concurrently", "t"),
        ),
        (
            "CREATE INDEX CONCURRENTLY U&\"\\0061\" ON t (a)",
            Fate::Unknown,
        ),
        (
            "CREATE INDEX i ON h (t) WITH (timescaledb.transaction_per_chunk)",
            index("i", "h"),
        ),
        (
            "CREATE INDEX i ON h (t) WITH (fillfactor = 70, timescaledb.transaction_per_chunk = true)",
            index("i", "h"),
        ),
        ("DROP INDEX CONCURRENTLY i", dropped(&["i"])),
        (
            "DROP INDEX CONCURRENTLY IF EXISTS a, s.\"B\" RESTRICT",
            dropped(&["a", "s.B"]),
        ),
        ("REINDEX INDEX CONCURRENTLY i", Fate::Repeatable),
        ("REINDEX TABLE CONCURRENTLY t", Fate::Repeatable),
        ("REINDEX (VERBOSE, CONCURRENTLY) TABLE t", Fate::Repeatable),
        (
            "REINDEX (CONCURRENTLY TRUE, TABLESPACE x) INDEX i",
            Fate::Repeatable,
        ),
        ("REINDEX SCHEMA s", Fate::Repeatable),
        ("REINDEX (VERBOSE) DATABASE d", Fate::Repeatable),
        ("REINDEX SYSTEM d", Fate::Repeatable),
        ("VACUUM", Fate::Repeatable),
        ("VACUUM FULL t", Fate::Repeatable),
        ("VACUUM (ANALYZE, FREEZE) t (a), s.u", Fate::Repeatable),
        ("CLUSTER", Fate::Repeatable),
        ("CLUSTER VERBOSE", Fate::Repeatable),
        ("CLUSTER (VERBOSE)", Fate::Repeatable),
        ("ALTER SYSTEM SET work_mem = '1MB'", Fate::Repeatable),
        ("ALTER DATABASE d SET TABLESPACE x", Fate::AllOrNothing),
        ("CREATE TABLESPACE x LOCATION '/x'", Fate::AllOrNothing),
        ("DROP TABLESPACE IF EXISTS x", Fate::AllOrNothing),
        (
            "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
            Fate::Subscription,
        ),
        (
            "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (enabled = false)",
            Fate::Subscription,
        ),
        ("DROP SUBSCRIPTION s", Fate::Subscription),
        (
            "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
            Fate::Subscription,
        ),
        ("ALTER SUBSCRIPTION s SET PUBLICATION p", Fate::Subscription),
        (
            "ALTER SUBSCRIPTION s ADD PUBLICATION p WITH (refresh = true)",
            Fate::Subscription,
        ),
        (
            "ALTER SUBSCRIPTION s SET (failover = true)",
            Fate::Subscription,
        ),
        (
            "ALTER TABLE s.m DETACH PARTITION m1 CONCURRENTLY",
            detached("s.m", "m1"),
        ),
        ("DISCARD ALL", Fate::Repeatable),
        (
            "CREATE MATERIALIZED VIEW IF NOT EXISTS s.v WITH (timescaledb.continuous) AS SELECT 1",
            Fate::AggregateCreated(name("s.v")),
        ),
        (
            "CREATE MATERIALIZED VIEW v WITH (timescaledb.continuous = true, timescaledb.materialized_only) AS SELECT 1 WITH DATA",
            Fate::AggregateCreated(name("v")),
        ),
        (
            "CALL refresh_continuous_aggregate('v', NULL, NULL)",
            Fate::Repeatable,
        ),
        (
            "CALL public.refresh_continuous_aggregate('v', NULL, NULL)",
            Fate::Repeatable,
        ),
        ("CALL merge_chunks('a', 'b')", Fate::Unknown),
        ("CALL run_job(1000)", Fate::Unknown),
        ("CALL recompress_chunk('c')", Fate::Repeatable),
        ("SELECT reorder_chunk('c', 'i')", Fate::Repeatable),
        (
            "SELECT move_chunk(chunk => 'c', destination_tablespace => 'x')",
            Fate::Unknown,
        ),
        (
            "SELECT public . move_chunk (c, 'x', 'y') FROM show_chunks('h') c",
            Fate::Unknown,
        ),
        (
            "WITH c AS (SELECT 1) SELECT reorder_chunk(c) FROM c",
            Fate::Repeatable,
        ),
    ];
    for (sql, expected) in cases {
        let fate = match one(sql).place {
            Place::Alone { fate, .. } => Some(fate),
            _ => None,
        };
        assert_eq!(fate.as_ref(), Some(expected), "{sql}");
        // What the parser does not know, or comments in front of it, hide nothing.
        let odd = format!("/* a ' b */ {sql} gibberish ((((");
        let ends = sql.ends_with("CLUSTER")
            || sql.contains("CLUSTER VERBOSE")
            || sql.contains("CLUSTER (");
        assert!(
            ends || matches!(one(&odd).place, Place::Alone { .. }),
            "{odd}"
        );
        assert_eq!(
            mode(&format!("SELECT 1;\n{sql};\nSELECT 2")),
            Mode::Statements,
            "{sql}"
        );
    }
}

#[test]
fn everything_else_is_in_a_transaction() {
    for sql in [
        "CREATE INDEX i ON t (a)",
        "CREATE INDEX concurrently_i ON t (concurrently)",
        "CREATE INDEX i ON t (a) WITH (fillfactor = 70)",
        "DROP INDEX i",
        "REINDEX TABLE t",
        "REINDEX (CONCURRENTLY FALSE) TABLE t",
        "REINDEX INDEX i",
        "CLUSTER t USING i",
        "CLUSTER t",
        "CREATE TABLE vacuum (a int)",
        "SELECT 'VACUUM'",
        "SELECT $$ CREATE INDEX CONCURRENTLY i ON t (a) $$",
        "INSERT INTO t VALUES ('move_chunk(1)')",
        "SELECT 1 -- move_chunk(1)",
        "SELECT move_chunk FROM t",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ SELECT move_chunk('a') $$",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = false)",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (create_slot = false, slot_name = 'x')",
        "ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)",
        "ALTER SUBSCRIPTION s DISABLE",
        "ALTER SUBSCRIPTION s SET (synchronous_commit = off)",
        "ALTER TABLE m DETACH PARTITION m1",
        "ALTER TABLE m DETACH PARTITION m1 FINALIZE",
        "ALTER DATABASE d SET work_mem = '1MB'",
        "CREATE MATERIALIZED VIEW v AS SELECT 1",
        "CREATE MATERIALIZED VIEW v WITH (timescaledb.continuous) AS SELECT 1 WITH NO DATA",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "CALL anything(1)",
        "DO $$ BEGIN COMMIT; END $$",
        "DISCARD PLANS",
        "ANALYZE",
        "ALTER EXTENSION pg_trgm UPDATE",
        "ALTER EXTENSION timescaledb SET SCHEMA x",
        "COMMIT",
        "gibberish",
    ] {
        assert_eq!(one(sql).place, Place::Transaction, "{sql}");
        assert_eq!(mode(sql), Mode::Transaction, "{sql}");
    }
}

#[test]
fn an_update_of_timescaledb_wants_a_fresh_session() {
    for sql in [
        "ALTER EXTENSION timescaledb UPDATE",
        "alter extension TimescaleDB update to '2.19.3'",
        "ALTER EXTENSION \"timescaledb\" UPDATE",
    ] {
        assert_eq!(one(sql).place, Place::FreshSession, "{sql}");
        assert_eq!(mode(sql), Mode::Transaction);
    }
}

#[test]
fn what_may_commit_is_alone_in_a_file_without_a_transaction() {
    for (sql, reason) in [
        ("CALL p()", "CALL"),
        ("DO $$ BEGIN DELETE FROM t; COMMIT; END $$", "DO"),
        ("DO LANGUAGE plpgsql 'BEGIN rollback; END'", "DO"),
        ("DO $$ BEGIN CALL p(); END $$", "DO"),
    ] {
        let analysis = one(sql);
        assert_eq!(analysis.place_in(Mode::Transaction), Place::Transaction);
        let fate = Fate::Unknown;
        assert_eq!(
            analysis.place_in(Mode::Statements),
            Place::Alone { reason, fate },
            "{sql}"
        );
    }
    for sql in [
        "DO $$ BEGIN DELETE FROM t; END $$",
        "SELECT 'CALL'",
        "UPDATE t SET a = 1",
    ] {
        assert_eq!(
            one(sql).place_in(Mode::Statements),
            Place::Transaction,
            "{sql}"
        );
    }
    for (sql, reason) in [
        ("REINDEX TABLE t", "REINDEX"),
        ("reindex (verbose) index i", "REINDEX"),
        ("CLUSTER t USING i", "CLUSTER"),
    ] {
        let analysis = one(sql);
        assert_eq!(analysis.place_in(Mode::Transaction), Place::Transaction);
        let fate = Fate::Repeatable;
        assert_eq!(
            analysis.place_in(Mode::Statements),
            Place::Alone { reason, fate },
            "{sql}"
        );
    }
    let refresh = one("CALL refresh_continuous_aggregate('v', NULL, NULL)");
    assert_eq!(refresh.place_in(Mode::Statements), refresh.place);
}

#[test]
fn the_directive_stands_in_the_head() {
    for sql in [
        "-- dbctl:no-transaction\nUPDATE t SET a = 1",
        "/* Licence */\n-- A word.\n\n  -- dbctl:no-transaction  \r\nUPDATE t SET a = 1",
    ] {
        assert_eq!(mode(sql), Mode::Statements, "{sql}");
    }
    for sql in [
        "UPDATE t SET a = 1;\n-- dbctl:no-transaction",
        "/* -- dbctl:no-transaction */ SELECT 1",
        "SELECT '\n-- dbctl:no-transaction\n'",
    ] {
        assert_eq!(mode(sql), Mode::Transaction, "{sql}");
    }
}

#[test]
fn misspelt_directives_are_named() {
    use crate::migration::analysis::misplaced;
    for (sql, line) in [
        ("-- dbctl:no-transactions\nSELECT 1", 1),
        ("\n-- dbctl: no-transaction\nSELECT 1", 2),
        ("--dbctl:no-transaction\nSELECT 1", 1),
        ("-- DBCTL:no-transaction\nSELECT 1", 1),
        ("-- dbctl:no_transaction\nSELECT 1", 1),
        ("-- dbctl no-transaction\nSELECT 1", 1),
        ("-- dbctl:no-transaction because\nSELECT 1", 1),
        ("-- dbctl:other\nSELECT 1", 1),
        ("SELECT 1;\n\n-- dbctl:no-transaction\nSELECT 1", 3),
        ("SELECT 1; -- dbctl:no-transaction", 1),
    ] {
        let found = misplaced(sql);
        assert_eq!(found.len(), 1, "{sql}: {found:?}");
        assert!(
            found
                .iter()
                .all(|(at, text)| *at == line && text.contains("-- dbctl:no-transaction")),
            "{sql}: {found:?}"
        );
    }
    for sql in [
        "-- dbctl:no-transaction\nSELECT 1",
        "-- dbctl:allow sets/foreign-name: reason\nSELECT 1",
        "SELECT 1 -- dbctl:allow x\n, 2",
        "-- dbctl runs this in one transaction\n-- dbct\nSELECT '-- dbctl:x'",
    ] {
        assert_eq!(misplaced(sql), [], "{sql}");
    }
}
