use super::one;
use crate::migration::analysis::{LockMode, analyse};

/// The lock in short: `AccessExclusive t`.
fn shown(analysis: &crate::migration::Analysis) -> String {
    analysis.lock.as_ref().map_or_else(String::new, |lock| {
        let relation = lock
            .relation
            .as_ref()
            .map_or_else(|| "*".to_owned(), ToString::to_string);
        format!("{:?} {relation}", lock.mode)
    })
}

#[test]
fn the_strongest_lock_counts() {
    for (sql, expected) in [
        // ALTER TABLE, by subcommand
        ("ALTER TABLE t ADD COLUMN a int", "AccessExclusive t"),
        (
            "ALTER TABLE IF EXISTS ONLY s.t DROP COLUMN a",
            "AccessExclusive s.t",
        ),
        (
            "ALTER TABLE t VALIDATE CONSTRAINT c",
            "ShareUpdateExclusive t",
        ),
        (
            "ALTER TABLE t ALTER COLUMN a SET STATISTICS 100",
            "ShareUpdateExclusive t",
        ),
        (
            "ALTER TABLE t ALTER a SET (n_distinct = 5)",
            "ShareUpdateExclusive t",
        ),
        (
            "ALTER TABLE t ALTER a RESET (n_distinct)",
            "ShareUpdateExclusive t",
        ),
        ("ALTER TABLE t ALTER a TYPE bigint", "AccessExclusive t"),
        ("ALTER TABLE t ALTER a SET NOT NULL", "AccessExclusive t"),
        (
            "ALTER TABLE t ALTER a SET STORAGE EXTERNAL",
            "AccessExclusive t",
        ),
        (
            "ALTER TABLE t SET (fillfactor = 70)",
            "ShareUpdateExclusive t",
        ),
        (
            "ALTER TABLE t RESET (autovacuum_enabled)",
            "ShareUpdateExclusive t",
        ),
        (
            "ALTER TABLE t SET (user_catalog_table = true)",
            "AccessExclusive t",
        ),
        (
            "ALTER TABLE t SET (timescaledb.compress)",
            "AccessExclusive t",
        ),
        ("ALTER TABLE t CLUSTER ON i", "ShareUpdateExclusive t"),
        (
            "ALTER TABLE t SET WITHOUT CLUSTER",
            "ShareUpdateExclusive t",
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
            "AccessExclusive t",
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (b)",
            "ShareRowExclusive t",
        ),
        (
            "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u NOT VALID",
            "ShareRowExclusive t",
        ),
        (
            "ALTER TABLE t ADD COLUMN a int REFERENCES u",
            "AccessExclusive t",
        ),
        ("ALTER TABLE t ENABLE TRIGGER g", "ShareRowExclusive t"),
        ("ALTER TABLE t DISABLE TRIGGER ALL", "ShareRowExclusive t"),
        ("ALTER TABLE t ENABLE RULE r", "AccessExclusive t"),
        ("ALTER TABLE t OWNER TO o", "AccessExclusive t"),
        ("ALTER TABLE t RENAME TO u", "AccessExclusive t"),
        ("ALTER TABLE t RENAME COLUMN a TO b", "AccessExclusive t"),
        ("ALTER TABLE t SET SCHEMA s", "AccessExclusive t"),
        (
            "ALTER TABLE t VALIDATE CONSTRAINT c, ADD COLUMN a int",
            "AccessExclusive t",
        ),
        (
            "ALTER TABLE t VALIDATE CONSTRAINT c, ADD FOREIGN KEY (a) REFERENCES u",
            "ShareRowExclusive t",
        ),
        (
            "ALTER TABLE m ATTACH PARTITION p FOR VALUES IN (1)",
            "AccessExclusive p",
        ),
        ("ALTER TABLE m DETACH PARTITION p", "AccessExclusive m"),
        (
            "ALTER TABLE m DETACH PARTITION p CONCURRENTLY",
            "AccessExclusive p",
        ),
        ("ALTER TABLE ALL IN TABLESPACE x SET TABLESPACE y", ""),
        (
            "ALTER MATERIALIZED VIEW v SET SCHEMA s",
            "AccessExclusive v",
        ),
        ("ALTER VIEW v ALTER a SET DEFAULT 1", "AccessExclusive v"),
        ("ALTER INDEX i RENAME TO j", "ShareUpdateExclusive i"),
        (
            "ALTER INDEX i SET (fillfactor = 70)",
            "ShareUpdateExclusive i",
        ),
        ("ALTER INDEX i SET TABLESPACE x", "AccessExclusive i"),
        ("ALTER SEQUENCE q RESTART", "ShareRowExclusive q"),
        ("ALTER SEQUENCE q OWNER TO o", "AccessExclusive q"),
        // Other DDL
        ("CREATE INDEX ON t (a)", "Share t"),
        (
            "CREATE INDEX CONCURRENTLY i ON s.t (a)",
            "ShareUpdateExclusive s.t",
        ),
        ("DROP INDEX i", "AccessExclusive i"),
        ("DROP INDEX CONCURRENTLY i", "ShareUpdateExclusive i"),
        (
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
            "ShareRowExclusive t",
        ),
        ("DROP TRIGGER g ON t", "AccessExclusive t"),
        ("CREATE POLICY p ON t USING (true)", "AccessExclusive t"),
        (
            "CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING",
            "AccessExclusive t",
        ),
        (
            "CREATE STATISTICS x ON a, b FROM t",
            "ShareUpdateExclusive t",
        ),
        ("COMMENT ON TABLE t IS 'x'", "ShareUpdateExclusive t"),
        ("COMMENT ON COLUMN s.t.a IS 'x'", "ShareUpdateExclusive s.t"),
        ("COMMENT ON SCHEMA s IS 'x'", ""),
        ("CREATE TABLE n (a int)", ""),
        ("CREATE TABLE n (a int REFERENCES t)", "ShareRowExclusive t"),
        (
            "CREATE TABLE n (a int, FOREIGN KEY (a) REFERENCES t)",
            "ShareRowExclusive t",
        ),
        (
            "CREATE TABLE n PARTITION OF m FOR VALUES IN (1)",
            "AccessExclusive m",
        ),
        ("CREATE TABLE n () INHERITS (t)", "ShareUpdateExclusive t"),
        ("CREATE TABLE n (LIKE t)", "AccessShare t"),
        ("CREATE TABLE n AS SELECT * FROM t", "AccessShare t"),
        ("CREATE VIEW v AS SELECT * FROM t", "AccessShare t"),
        (
            "CREATE OR REPLACE VIEW v AS SELECT * FROM t",
            "AccessExclusive v",
        ),
        ("DROP TABLE t, u", "AccessExclusive t"),
        ("DROP VIEW v", "AccessExclusive v"),
        ("TRUNCATE t", "AccessExclusive t"),
        ("REFRESH MATERIALIZED VIEW v", "AccessExclusive v"),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", "Exclusive v"),
        ("LOCK TABLE t", "AccessExclusive t"),
        ("LOCK t IN SHARE ROW EXCLUSIVE MODE", "ShareRowExclusive t"),
        ("LOCK t IN ROW SHARE MODE NOWAIT", "RowShare t"),
        ("VACUUM t", "ShareUpdateExclusive t"),
        ("VACUUM", "ShareUpdateExclusive *"),
        ("VACUUM FULL t", "AccessExclusive t"),
        ("VACUUM (FULL, ANALYZE) t", "AccessExclusive t"),
        ("VACUUM (FULL off) t", "ShareUpdateExclusive t"),
        ("ANALYZE t", "ShareUpdateExclusive t"),
        ("CLUSTER t USING i", "AccessExclusive t"),
        ("REINDEX TABLE t", "Share t"),
        ("REINDEX INDEX i", "AccessExclusive i"),
        ("REINDEX (CONCURRENTLY) TABLE t", "ShareUpdateExclusive t"),
        ("GRANT SELECT ON t TO r", ""),
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP TABLE t $$",
            "",
        ),
        ("CREATE EXTENSION pg_trgm", ""),
        ("ALTER PUBLICATION p ADD TABLE t", "ShareUpdateExclusive t"),
        // Rows
        ("INSERT INTO t VALUES (1)", "RowExclusive t"),
        ("UPDATE ONLY t SET a = 1", "RowExclusive t"),
        ("DELETE FROM t", "RowExclusive t"),
        (
            "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE",
            "RowExclusive t",
        ),
        (
            "WITH c AS (DELETE FROM t RETURNING *) SELECT * FROM c",
            "RowExclusive t",
        ),
        ("SELECT * FROM t", "AccessShare t"),
        ("SELECT * FROM t FOR UPDATE", "RowShare t"),
        ("TABLE t", "AccessShare t"),
        ("WITH c AS (SELECT 1) SELECT * FROM c", ""),
        ("SELECT 1", ""),
        ("COPY t FROM '/x'", "RowExclusive t"),
        ("COPY t TO '/x'", "AccessShare t"),
        (
            "SELECT create_hypertable('s.t', 'time')",
            "AccessExclusive s.t",
        ),
        ("SELECT add_retention_policy('t', INTERVAL '1 day')", ""),
        // Not known to the parser
        ("ALTER TABLE t FROBNICATE", "AccessExclusive t"),
        ("CREATE INDEX i ON t (a) FROBNICATE", "Share t"),
        ("UPDATE t FROBNICATE a = 1", "RowExclusive t"),
        ("DROP TABLE IF EXISTS t, u FROBNICATE", "AccessExclusive t"),
        ("TRUNCATE t FROBNICATE", "AccessExclusive t"),
    ] {
        assert_eq!(shown(&one(sql)), expected, "{sql}");
    }
}

#[test]
fn what_the_file_has_created_is_locked_by_nobody_else() {
    let locks = |sql| analyse(sql).iter().map(shown).collect::<Vec<_>>();
    assert_eq!(
        locks(
            "CREATE TABLE s.t (a int); CREATE INDEX i ON s.t (a); ALTER TABLE t ADD COLUMN b int; DROP INDEX s.i;\
             ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES old; ALTER TABLE other.t ADD COLUMN b int; CREATE VIEW v AS TABLE t;\
             DROP VIEW v; DROP TABLE t FROBNICATE"
        ),
        [
            "",
            "",
            "",
            "",
            "ShareRowExclusive old",
            "AccessExclusive other.t",
            "",
            "",
            ""
        ]
    );
    // These may have been there before.
    assert_eq!(
        locks(
            "CREATE TABLE IF NOT EXISTS t (a int); CREATE INDEX ON t (a); ALTER TABLE a RENAME TO b; TRUNCATE b"
        ),
        ["", "Share t", "AccessExclusive a", "AccessExclusive b"]
    );
}

#[test]
fn a_large_insert_is_told_by_its_first_words() {
    let sql = format!(
        "INSERT INTO s.t VALUES {}(1, 'x')",
        "(1, 'x'), ".repeat(20_000)
    );
    let analysis = one(&sql);
    assert_eq!(shown(&analysis), "RowExclusive s.t");
    assert_eq!(analysis.hazards, []);
}

#[test]
fn modes_are_ordered_by_strength() {
    assert!(
        LockMode::AccessShare < LockMode::RowShare && LockMode::Share < LockMode::ShareRowExclusive
    );
    assert!(LockMode::Exclusive < LockMode::AccessExclusive);
}
