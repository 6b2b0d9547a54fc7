use super::one;

fn shown(names: &[crate::migration::Name]) -> String {
    names
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn names_are_told_apart_and_folded() {
    for (sql, creates, touches) in [
        ("CREATE TABLE T (a int)", "t", ""),
        (
            "CREATE TABLE IF NOT EXISTS \"S\".\"T\" (a int REFERENCES U (id))",
            "S.T",
            "u",
        ),
        (
            "CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (2)",
            "m1",
            "m",
        ),
        (
            "CREATE TEMP TABLE t AS SELECT * FROM x JOIN s.y USING (id)",
            "t",
            "x s.y",
        ),
        ("SELECT * INTO t FROM x", "t", "x"),
        (
            "CREATE OR REPLACE VIEW v AS WITH c AS (SELECT 1 FROM a) SELECT * FROM c, b",
            "v",
            "a b",
        ),
        ("CREATE MATERIALIZED VIEW v AS SELECT * FROM a", "v", "a"),
        ("CREATE SEQUENCE s.q", "s.q", ""),
        ("CREATE INDEX i ON t (a)", "i", "t"),
        ("CREATE INDEX ON t (a)", "", "t"),
        ("CREATE INDEX CONCURRENTLY \"I\" ON s.t (a)", "s.I", "s.t"),
        ("CREATE FOREIGN TABLE f (a int) SERVER x", "f", ""),
        ("ALTER TABLE s.a RENAME TO \"B\"", "s.B", "s.a"),
        ("ALTER INDEX a RENAME TO b", "b", "a"),
        ("ALTER VIEW a RENAME TO b", "b", "a"),
        ("ALTER SEQUENCE s.a RENAME TO b", "s.b", "s.a"),
        ("ALTER TABLE a RENAME COLUMN x TO y", "", "a"),
        (
            "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES b (y)",
            "",
            "a b",
        ),
        ("ALTER TABLE m DETACH PARTITION m1 CONCURRENTLY", "", "m m1"),
        ("DROP TABLE IF EXISTS a, s.b CASCADE", "", "a s.b"),
        ("DROP INDEX CONCURRENTLY s.i", "", "s.i"),
        ("TRUNCATE a, b", "", "a b"),
        ("INSERT INTO a SELECT * FROM b", "", "a b"),
        (
            "WITH c AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM c",
            "",
            "a b",
        ),
        ("UPDATE a SET x = 1 FROM b WHERE a.id = b.id", "", "a b"),
        (
            "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE",
            "",
            "a b",
        ),
        ("VACUUM a, s.b (c)", "", "a s.b"),
        ("REINDEX TABLE CONCURRENTLY a", "", "a"),
        ("REINDEX (CONCURRENTLY) INDEX i", "", "i"),
        ("CLUSTER a USING i", "", "a i"),
        (
            "CREATE TRIGGER g AFTER INSERT ON a EXECUTE FUNCTION f()",
            "",
            "a",
        ),
        ("GRANT SELECT ON a, s.b TO r", "", "a s.b"),
        ("SELECT * FROM db.s.a", "", "s.a"),
        ("SELECT * FROM U&\"d\\0061t\"", "", "dat"),
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ INSERT INTO a VALUES (1) $$",
            "",
            "",
        ),
    ] {
        let analysis = one(sql);
        assert_eq!(shown(&analysis.creates), creates, "creates: {sql}");
        assert_eq!(shown(&analysis.touches), touches, "touches: {sql}");
    }
}
