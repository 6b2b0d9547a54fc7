//! What is told of a statement from its text, held against what a real server does with it.

use dbctl::migration::{Place, analyse};

use crate::lab::{Lab, psql};

const DB: &str = "rgb_lightning_node";

/// A database with something of everything.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    lab.sql(
        DB,
        "CREATE EXTENSION IF NOT EXISTS timescaledb;
         CREATE TABLE u (id int PRIMARY KEY);
         CREATE TABLE t (a int, b text, c int);
         ALTER TABLE t ADD CONSTRAINT positive CHECK (c > 0) NOT VALID;
         ALTER TABLE t ADD CONSTRAINT to_u FOREIGN KEY (a) REFERENCES u NOT VALID;
         CREATE INDEX i ON t (a);
         CREATE TABLE m (a int) PARTITION BY LIST (a);
         CREATE TABLE p PARTITION OF m FOR VALUES IN (1);
         CREATE TABLE n (a int);
         CREATE VIEW w AS SELECT a FROM t;
         CREATE MATERIALIZED VIEW v AS SELECT id FROM u;
         CREATE UNIQUE INDEX vi ON v (id);
         REFRESH MATERIALIZED VIEW v;
         CREATE SEQUENCE q;
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
         CREATE TABLE h (at timestamptz NOT NULL);
         SELECT create_hypertable('h', 'at');
         CREATE PROCEDURE plain() LANGUAGE sql AS $$ SELECT 1 $$;
         CREATE PUBLICATION pub FOR TABLE u;",
    );
    lab
}

#[test]
fn the_server_refuses_in_a_transaction_what_is_told_to_be_alone() {
    let lab = lab();
    let database = lab.db(DB);
    let (mut alone, mut wrong) = (0, Vec::new());
    for sql in [
        "CREATE INDEX CONCURRENTLY ON t (b)",
        "CREATE INDEX x ON t (b)",
        "CREATE INDEX x ON h (at) WITH (timescaledb.transaction_per_chunk)",
        "DROP INDEX CONCURRENTLY i",
        "DROP INDEX i",
        "REINDEX TABLE CONCURRENTLY t",
        "REINDEX (CONCURRENTLY) INDEX i",
        "REINDEX (CONCURRENTLY off) INDEX i",
        "REINDEX INDEX i",
        "REINDEX SCHEMA public",
        &format!("REINDEX DATABASE {database}"),
        "REINDEX SYSTEM",
        "VACUUM",
        "VACUUM (FULL) t",
        "CLUSTER",
        "CLUSTER t USING i",
        "CLUSTER (VERBOSE)",
        "ALTER SYSTEM SET work_mem = '1MB'",
        &format!("ALTER DATABASE {database} SET TABLESPACE pg_default"),
        &format!("ALTER DATABASE {database} SET work_mem = '1MB'"),
        "CREATE TABLESPACE x LOCATION '/nowhere'",
        "DROP TABLESPACE x",
        "CREATE SUBSCRIPTION x CONNECTION 'dbname=nowhere' PUBLICATION y",
        "CREATE SUBSCRIPTION x CONNECTION 'dbname=nowhere' PUBLICATION y WITH (connect = false)",
        "CREATE SUBSCRIPTION x CONNECTION 'dbname=nowhere' PUBLICATION y WITH (connect = false); \
         ALTER SUBSCRIPTION x SET PUBLICATION z WITH (refresh = false)",
        "CREATE SUBSCRIPTION x CONNECTION 'dbname=nowhere' PUBLICATION y WITH (connect = false); ALTER SUBSCRIPTION x DISABLE",
        "ALTER TABLE m DETACH PARTITION p CONCURRENTLY",
        "ALTER TABLE m DETACH PARTITION p",
        "DISCARD ALL",
        "DISCARD PLANS",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "CALL plain()",
        "DO $$ BEGIN PERFORM 1; END $$",
        "ANALYZE",
        "CHECKPOINT",
        "ALTER EXTENSION plpgsql UPDATE",
        "LOCK t",
        "TRUNCATE t",
    ] {
        let analyses = analyse(sql);
        let told = matches!(analyses.last().unwrap().place, Place::Alone { .. });
        let run = psql(
            lab.bin(),
            &lab.admin_url(DB),
            &format!("BEGIN; {sql}; ROLLBACK;"),
        );
        let refused = run
            .as_ref()
            .is_err_and(|error| error.contains("transaction block"));
        if told != refused || !told && run.is_err() {
            wrong.push(format!("{sql}: told {told}, {run:?}"));
        }
        alone += usize::from(told);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(alone > 15);
}

/// The modes as the server names them, weakest first.
const MODES: [&str; 8] = [
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];

#[test]
fn the_server_takes_the_lock_that_is_told() {
    let lab = lab();
    let mut wrong = Vec::new();
    for sql in [
        "ALTER TABLE t ADD COLUMN d int",
        "ALTER TABLE t DROP COLUMN c",
        "ALTER TABLE t VALIDATE CONSTRAINT positive",
        "ALTER TABLE t VALIDATE CONSTRAINT to_u",
        "ALTER TABLE t ALTER COLUMN a SET STATISTICS 100",
        "ALTER TABLE t ALTER a SET (n_distinct = 5)",
        "ALTER TABLE t ALTER b TYPE varchar(9)",
        "ALTER TABLE t ALTER a SET NOT NULL",
        "ALTER TABLE t ALTER b SET STORAGE EXTERNAL",
        "ALTER TABLE t SET (fillfactor = 70)",
        "ALTER TABLE t SET (autovacuum_enabled = off)",
        "ALTER TABLE t RESET (autovacuum_enabled)",
        "ALTER TABLE t SET (user_catalog_table = true)",
        "ALTER TABLE t CLUSTER ON i",
        "ALTER TABLE t SET WITHOUT CLUSTER",
        "ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0) NOT VALID",
        "ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES u (id)",
        "ALTER TABLE t ADD COLUMN d int REFERENCES u",
        "ALTER TABLE t DISABLE TRIGGER g",
        "ALTER TABLE t ENABLE TRIGGER ALL",
        "ALTER TABLE t RENAME TO x",
        "ALTER TABLE t RENAME COLUMN a TO x",
        "ALTER TABLE t OWNER TO CURRENT_USER",
        "ALTER TABLE t VALIDATE CONSTRAINT positive, ALTER a SET STATISTICS 1",
        "ALTER TABLE m ATTACH PARTITION n FOR VALUES IN (2)",
        "ALTER TABLE m DETACH PARTITION p",
        "ALTER INDEX i RENAME TO j",
        "ALTER INDEX i SET (fillfactor = 70)",
        "ALTER INDEX i SET TABLESPACE pg_default",
        "ALTER SEQUENCE q RESTART",
        "ALTER SEQUENCE q OWNER TO CURRENT_USER",
        "ALTER VIEW w ALTER a SET DEFAULT 1",
        "ALTER MATERIALIZED VIEW v RENAME TO x",
        "CREATE INDEX ON t (b)",
        "DROP INDEX i",
        "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "DROP TRIGGER g ON t",
        "CREATE POLICY x ON t USING (true)",
        "CREATE RULE x AS ON INSERT TO t DO INSTEAD NOTHING",
        "CREATE STATISTICS x ON a, b FROM t",
        "COMMENT ON TABLE t IS 'x'",
        "COMMENT ON COLUMN public.t.a IS 'x'",
        "CREATE TABLE x (a int)",
        "CREATE TABLE x (a int REFERENCES u)",
        "CREATE TABLE x PARTITION OF m FOR VALUES IN (3)",
        "CREATE TABLE x () INHERITS (t)",
        "CREATE TABLE x (LIKE t)",
        "CREATE TABLE x AS SELECT * FROM t",
        "CREATE VIEW x AS SELECT * FROM t",
        "CREATE OR REPLACE VIEW w AS SELECT a FROM t",
        "DROP TABLE t CASCADE",
        "DROP VIEW w",
        "DROP SEQUENCE q",
        "TRUNCATE t",
        "REFRESH MATERIALIZED VIEW v",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "LOCK TABLE t",
        "LOCK t IN SHARE ROW EXCLUSIVE MODE",
        "LOCK t IN ROW SHARE MODE",
        "ANALYZE t",
        "CLUSTER t USING i",
        "REINDEX INDEX i",
        "GRANT SELECT ON t TO PUBLIC",
        "ALTER PUBLICATION pub ADD TABLE t",
        "INSERT INTO u VALUES (1)",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "WITH x AS (DELETE FROM n RETURNING *) SELECT * FROM x, u",
        "MERGE INTO n USING u ON n.a = u.id WHEN MATCHED THEN DELETE",
        "SELECT * FROM t",
        "SELECT * FROM t FOR UPDATE",
        "TABLE t",
        "COPY t TO '/dev/null'",
        "SELECT create_hypertable('n', by_range('a'))",
    ] {
        let analysis = analyse(sql).remove(0);
        let rows = psql(
            lab.bin(),
            &lab.admin_url(DB),
            &format!(
                "SELECT array_agg(oid) AS old FROM pg_class WHERE relnamespace = 'public'::regnamespace \\gset
                 BEGIN;
                 \\o /dev/null
                 {sql};
                 \\o
                 SELECT l.mode FROM pg_locks l WHERE l.locktype = 'relation' AND l.pid = pg_backend_pid()
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND l.relation = ANY (:'old'::oid[]);
                 ROLLBACK;"
            ),
        )
;
        let strength = |mode: &str| MODES.iter().position(|known| *known == mode).unwrap();
        let taken = rows.as_deref().map(|rows| rows.lines().map(strength).max());
        let told = analysis
            .lock
            .as_ref()
            .map(|lock| strength(&format!("{:?}Lock", lock.mode)));
        if taken != Ok(told) {
            wrong.push(format!("{sql}: told {:?}, taken {rows:?}", analysis.lock));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
