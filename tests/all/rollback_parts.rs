//! `rollback` on real servers: rows of partitions and children are counted where they are, whatever those are a part of.

use crate::rollback_losses::{back, refused, shop};
use crate::shop::{DB, ROLE};

const TABLES: &str = "CREATE TABLE m (id int NOT NULL, t text) PARTITION BY RANGE (id);\n\
     CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (0) TO (10); CREATE TABLE m2 PARTITION OF m FOR VALUES FROM (10) TO (20);\n\
     CREATE TABLE o (id int NOT NULL, t text) PARTITION BY RANGE (id);\n\
     CREATE TABLE p (id int NOT NULL, t text); CREATE TABLE top (id int NOT NULL, t text); CREATE TABLE child () INHERITS (top);";

const FILL: &str = "INSERT INTO m SELECT i, 'x' FROM generate_series(0, 19) i; INSERT INTO p VALUES (21, 'p'), (22, 'p'); \
     INSERT INTO top VALUES (31, 't'); INSERT INTO child VALUES (41, 'c')";

const ATTACH: &str = "ALTER TABLE m ATTACH PARTITION p FOR VALUES FROM (20) TO (30);";

/// What all of them hold.
const ROWS: &str = "SELECT string_agg(id || t, ',' ORDER BY id) FROM (SELECT * FROM m UNION SELECT * FROM o UNION SELECT * FROM p UNION SELECT * FROM top \
     UNION SELECT * FROM m1 UNION SELECT * FROM child) r";

#[test]
fn rows_stay_where_tables_become_parts_or_stop_being_some() {
    let shop = shop(TABLES, "CREATE TABLE q (id int);");
    shop.migrate(&["-q"]).exits(0);
    shop.sql(FILL);
    for (sql, count) in [
        (ATTACH, "SELECT count(*) = 22 FROM m"),
        (
            "ALTER TABLE m DETACH PARTITION m1;",
            "SELECT count(*) = 10 FROM m",
        ),
        (
            "ALTER TABLE m DETACH PARTITION m1; ALTER TABLE m DETACH PARTITION m2;",
            "SELECT count(*) = 0 FROM m",
        ),
        (
            "ALTER TABLE m DETACH PARTITION m1; ALTER TABLE m DETACH PARTITION m2; DROP TABLE m;",
            "SELECT count(*) = 10 FROM m2",
        ),
        (
            "ALTER TABLE m DETACH PARTITION m2; ALTER TABLE o ATTACH PARTITION m2 FOR VALUES FROM (10) TO (20);",
            "SELECT count(*) = 10 FROM o",
        ),
        (
            "ALTER TABLE p RENAME TO p_1; CREATE TABLE p (id int NOT NULL, t text) PARTITION BY RANGE (id); \
             ALTER TABLE p ATTACH PARTITION p_1 FOR VALUES FROM (20) TO (30);",
            "SELECT count(*) = 2 FROM p",
        ),
        ("ALTER TABLE p INHERIT top;", "SELECT count(*) = 4 FROM top"),
        (
            "ALTER TABLE child NO INHERIT top;",
            "SELECT count(*) = 1 FROM top",
        ),
        ("ALTER TABLE child INHERIT p;", "SELECT count(*) = 3 FROM p"),
    ] {
        back(&shop, &format!("DROP TABLE q; {sql}"), &[]).exits(0);
        assert_eq!(shop.sql(count), "t", "{sql}");
        shop.sql("DROP TABLE IF EXISTS m, m1, m2, o, p, p_1, top, child CASCADE");
        shop.lab.sql_as(DB, ROLE, TABLES).unwrap();
        shop.sql(FILL);
        shop.migrate(&["-q"]).exits(0);
    }
    // What goes on the way is told.
    let detach = "ALTER TABLE m DETACH PARTITION m1;";
    for (sql, says) in [
        (
            format!("{ATTACH} DELETE FROM m WHERE id = 21;"),
            "table public.p had 1 row deleted",
        ),
        (
            format!("{ATTACH} DELETE FROM p;"),
            "table public.p is empty now and held rows",
        ),
        (
            format!("TRUNCATE p; {ATTACH}"),
            "table public.p is empty now and held rows",
        ),
        (
            format!("{detach} ALTER TABLE m1 DROP COLUMN t;"),
            "column public.m1.t is gone, and its table held rows",
        ),
        (
            format!("{detach} DELETE FROM m1 WHERE id = 3;"),
            "table public.m had 1 row deleted",
        ),
        (
            format!("{detach} TRUNCATE m1;"),
            "table public.m1 held 10 rows and holds 0 now",
        ),
        (
            format!("{detach} DROP TABLE m1;"),
            "table public.m lost 1 of its partitions or chunks that held rows",
        ),
        (
            format!("{detach} DROP TABLE m;"),
            "table public.m is gone and held rows",
        ),
        (
            format!("{detach} DROP TABLE m; CREATE TABLE m (LIKE m1);"),
            "table public.m",
        ),
        (
            "DROP TABLE child;".to_owned(),
            "table public.top lost 1 of its partitions or chunks that held rows",
        ),
    ] {
        refused(&shop, &format!("DROP TABLE q; {sql}"), ROWS, says);
    }
}
