//! No text may break the analysis: migrations come from other people.

use crate::migration::analysis::{analyse, mode};
use crate::migration::statements;

/// Looks at a text in every way there is.
fn look(sql: &str) {
    let analyses = analyse(sql);
    assert_eq!(analyses.len(), statements(sql).len(), "{sql:?}");
    let _ = mode(sql);
}

const NASTY: &str = "\u{feff}-- dbctl:no-transaction\r\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"a\"\"b\".\"ü\" ON ONLY (t) \
    USING gin (lower(a) COLLATE \"C\" x_ops (k = 1) DESC NULLS LAST, (b->>'c')) INCLUDE (d) WITH (fillfactor = 70) WHERE e IS NOT NULL;\n\
    /* a /* b */ ; */ SELECT $$;$$, $x$ $$ ; $x$, E'\\';', U&'\\0061' UESCAPE '!', U&\"d!0061\", $1, 1e5, 0x1F, b'01', a.b.*, \
    ARRAY[1,2][1:2], x::int[], CASE WHEN 1 = 2 THEN 'a' ELSE NULL END, count(*) FILTER (WHERE a) OVER (PARTITION BY b ROWS 1 PRECEDING) \
    FROM ONLY a, LATERAL (SELECT 1) b (c) JOIN c USING (d) TABLESAMPLE system (1) FOR NO KEY UPDATE OF a SKIP LOCKED;\n\
    CREATE FUNCTION f(a int = 1, VARIADIC b text[]) RETURNS TABLE (c int) BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;\n\
    ALTER TABLE IF EXISTS ONLY s.t ADD COLUMN a int NOT NULL DEFAULT 1, DROP CONSTRAINT b CASCADE, \
    ADD FOREIGN KEY (a) REFERENCES u ON DELETE SET NULL (a) NOT VALID, DETACH PARTITION p CONCURRENTLY;\n\
    REINDEX (CONCURRENTLY, VERBOSE off) TABLE t; CALL s.p(a => 1); DO LANGUAGE plpgsql $$ BEGIN COMMIT; END $$;\n\
    MERGE INTO a USING b ON true WHEN NOT MATCHED BY SOURCE THEN DELETE; COPY t (a) FROM STDIN WITH (FORMAT csv); \\. \\gexec\n\
    CREATE RULE r AS ON INSERT TO t DO INSTEAD (SELECT 1; SELECT 2); GRANT SELECT (a) ON t TO PUBLIC; COMMENT ON TABLE t IS '';";

#[test]
fn every_beginning_and_every_end_of_a_text_is_looked_at() {
    for line in NASTY.lines() {
        for (at, _) in line.char_indices() {
            look(line.get(..at).unwrap_or_default());
            look(line.get(at..).unwrap_or_default());
        }
    }
    for (at, _) in NASTY.char_indices().step_by(97) {
        look(NASTY.get(..at).unwrap_or_default());
        look(NASTY.get(at..).unwrap_or_default());
    }
}

#[test]
fn noise_is_looked_at() {
    use rand::prelude::*;
    let mut random = StdRng::seed_from_u64(7);
    let words: Vec<&str> = NASTY
        .split_inclusive([' ', '(', ')', ',', '.', '\''])
        .collect();
    for _ in 0..200 {
        let bytes: Vec<u8> = (0..random.random_range(0..80))
            .map(|_| random.random())
            .collect();
        look(&String::from_utf8_lossy(&bytes));
        let shuffled: String = (0..random.random_range(1..30))
            .filter_map(|_| words.choose(&mut random).copied())
            .collect();
        look(&shuffled);
    }
}

#[test]
fn what_is_nested_deeply_breaks_nothing() {
    for (open, close) in [
        ("(", ")"),
        ("(SELECT ", ")"),
        ("(SELECT * FROM ", ") x"),
        ("CASE WHEN ", " THEN 1 END"),
        ("NOT ", ""),
        ("- ", ""),
        ("1 + ", ""),
        ("SELECT 1 UNION ", ""),
        ("f(", ")"),
        ("ARRAY[", "]"),
        ("'", ""),
        ("/*", "*/"),
        ("CREATE SCHEMA s ", ""),
    ] {
        for depth in [300, 20_000] {
            look(&format!(
                "SELECT {}1{}",
                open.repeat(depth),
                close.repeat(depth)
            ));
            let body = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            look(&format!(
                "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT {body} $$"
            ));
        }
    }
}
