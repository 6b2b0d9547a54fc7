//! `rollback` on real servers: data that is lost where it is not looked for at first.

use crate::lab::{Lab, R, Run, binaries, start};
use crate::shop::{DB, ROLE, Shop};

/// A service whose first version is there to stay; the second is taken back.
pub fn shop(first: &str, second: &str) -> Shop {
    Shop::new(&[("V1__first.sql", first), ("V2__second.sql", second)])
}

pub fn back(shop: &Shop, down: &str, args: &[&str]) -> Run {
    shop.file("V2__second.down.sql", down);
    shop.lab
        .run(&[&["rollback", "-s", R, "--target", "1"], args].concat())
}

/// The rollback is refused, says this, and changes nothing that the query shows.
#[track_caller]
pub fn refused(shop: &Shop, down: &str, query: &str, says: &str) {
    let before = shop.sql(query);
    back(shop, down, &[])
        .exits(3)
        .says(says)
        .says("--allow-data-loss");
    assert_eq!(shop.sql(query), before, "{down}");
    assert_eq!(shop.history(), "1 first, 2 second");
}

/// A role that the service may become without having its privileges.
fn group(shop: &Shop) -> String {
    let (group, role) = (shop.lab.db("own_grp"), shop.lab.db(ROLE));
    shop.sql(&format!(
        "CREATE ROLE {group}; GRANT {group} TO {role} WITH INHERIT FALSE, SET TRUE; GRANT CREATE, USAGE ON SCHEMA public TO {group}"
    ));
    group
}

/// Leaves the server as it was.
fn forget(shop: &Shop, role: &str) {
    shop.sql(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}

#[test]
fn tables_of_a_role_that_the_service_can_become_are_looked_at() {
    let shop = shop("CREATE TABLE kept (id int);", "SELECT 1;");
    let group = group(&shop);
    let role = |sql: &str| format!("SET LOCAL ROLE {group}; {sql}");
    shop.file(
        "V2__second.sql",
        &role("CREATE TABLE p (id int PRIMARY KEY, t text); CREATE TABLE q (id int);"),
    );
    shop.migrate(&["-q"]).exits(0);
    shop.sql("INSERT INTO p VALUES (1, 'x'), (2, 'y')");
    let rows = "SELECT * FROM p ORDER BY id";
    let drop = role("DROP TABLE p, q;");
    for (sql, says) in [
        ("DROP TABLE p, q", "table public.p is gone and held rows"),
        ("DELETE FROM p", "table public.p is empty now"),
        ("TRUNCATE p", "table public.p is empty now"),
        ("UPDATE p SET t = ''", "table public.p had 2 rows updated"),
        ("ALTER TABLE p DROP COLUMN t", "column public.p.t is gone"),
        (
            "ALTER TABLE p ALTER t TYPE text USING 'z'",
            "table public.p was emptied, rewritten or made anew, and its rows are not what they were",
        ),
    ] {
        refused(&shop, &role(&format!("{sql};")), rows, says);
    }
    back(&shop, &drop, &["--allow-data-loss"]).exits(0);
    // Empty ones are no loss.
    shop.migrate(&["-q"]).exits(0);
    back(&shop, &drop, &[]).exits(0);
    assert_eq!(shop.history(), "1 first");
    forget(&shop, &group);
}

#[test]
fn rows_of_another_role_that_the_service_may_write_are_looked_at() {
    let shop = shop(
        "CREATE TABLE p (id int PRIMARY KEY, t text);",
        "CREATE TABLE q (id int);",
    );
    shop.migrate(&["-q"]).exits(0);
    let (other, role) = (shop.lab.db("oth"), shop.lab.db(ROLE));
    shop.sql(&format!(
        "CREATE ROLE {other}; GRANT USAGE ON SCHEMA public TO {other}; ALTER TABLE p OWNER TO {other}; INSERT INTO p VALUES (1, 'x'), (2, 'y')"
    ));
    let grant = |grants: &str| {
        shop.sql(&format!(
            "REVOKE ALL ON p FROM {role}; GRANT {grants} ON p TO {role}"
        ));
    };
    let rows = "SELECT * FROM p ORDER BY id";
    let told = "whether all its rows are there cannot be told";
    for (grants, sql, says) in [
        ("ALL", "DELETE FROM p", "table public.p is empty now"),
        (
            "ALL",
            "DELETE FROM p WHERE id = 1",
            "table public.p had 1 row deleted",
        ),
        ("ALL", "TRUNCATE p", "table public.p is empty now"),
        (
            "SELECT, UPDATE",
            "UPDATE p SET t = ''",
            "table public.p had 2 rows updated",
        ),
        (
            "UPDATE (t)",
            "UPDATE p SET t = ''",
            "table public.p had 2 rows updated",
        ),
        (
            "DELETE",
            "DELETE FROM p",
            "table public.p had 2 rows deleted",
        ),
        ("TRUNCATE", "TRUNCATE p", "table public.p is empty now"),
        (
            "TRUNCATE, INSERT",
            "TRUNCATE p; INSERT INTO p VALUES (1, 'x'), (2, '')",
            told,
        ),
    ] {
        grant(grants);
        refused(&shop, &format!("DROP TABLE q; {sql};"), rows, says);
    }
    // A function of theirs reaches what the service cannot.
    grant("SELECT");
    for (sql, says) in [
        ("DELETE FROM p", "table public.p had 2 rows deleted"),
        ("TRUNCATE p", "table public.p is empty now"),
        (
            "DROP TABLE p",
            "table public.p is gone, and whether it held rows cannot be told",
        ),
    ] {
        shop.sql(&format!(
            "CREATE OR REPLACE FUNCTION reach() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN {sql}; END'; \
             ALTER FUNCTION reach() OWNER TO {other}"
        ));
        let down = "DROP TABLE q; SELECT reach();";
        refused(&shop, down, rows, says);
    }
    // To write a row of its own is no loss, nor is what is not touched.
    for (grants, down) in [
        ("INSERT", "DROP TABLE q; INSERT INTO p VALUES (3, 'z');"),
        ("SELECT", "DROP TABLE q;"),
        ("ALL", "DROP TABLE q;"),
        ("UPDATE", "DROP TABLE q;"),
    ] {
        grant(grants);
        back(&shop, down, &[]).exits(0);
        shop.migrate(&["-q"]).exits(0);
    }
    shop.sql("DROP FUNCTION reach()");
    forget(&shop, &other);
}

#[test]
fn attributes_of_composite_types_are_looked_at() {
    let shop = shop(
        "CREATE TYPE addr AS (street text); CREATE DOMAIN dom AS addr; CREATE TYPE outer_addr AS (a addr, n int);\n\
         CREATE TABLE x (a int); CREATE TABLE p (id int PRIMARY KEY);",
        "ALTER TYPE addr ADD ATTRIBUTE zip text; ALTER TABLE x ADD COLUMN b int;",
    );
    shop.migrate(&["-q"]).exits(0);
    let zip =
        "attribute public.addr.zip is gone, and table public.p held rows with values of its type";
    let drop = "ALTER TYPE addr DROP ATTRIBUTE zip CASCADE; ALTER TABLE x DROP COLUMN b;";
    for (ty, value, down, says) in [
        ("addr", "ROW('s', '12345')", drop, zip),
        ("addr[]", "ARRAY[ROW('s', '12345')::addr]", drop, zip),
        ("dom", "ROW('s', '12345')", drop, zip),
        ("outer_addr", "ROW(ROW('s', '12345'), 1)", drop, zip),
        (
            "outer_addr[]",
            "ARRAY[ROW(ROW('s', '12345'), 1)::outer_addr]",
            drop,
            zip,
        ),
        (
            "x",
            "ROW(1, 2)",
            "ALTER TABLE x DROP COLUMN b; ALTER TABLE x ADD COLUMN b int; ALTER TYPE addr DROP ATTRIBUTE zip;",
            "attribute public.x.b is gone, and table public.p held rows",
        ),
        (
            "addr",
            "ROW('s', '12345')",
            "ALTER TYPE addr DROP ATTRIBUTE zip, ADD ATTRIBUTE zip text, ADD ATTRIBUTE more text; ALTER TABLE x DROP COLUMN b;",
            zip,
        ),
    ] {
        shop.lab
            .sql_as(
                DB,
                ROLE,
                &format!("ALTER TABLE p ADD COLUMN v {ty}; INSERT INTO p VALUES (1, {value})"),
            )
            .unwrap();
        refused(&shop, down, "SELECT * FROM p", says);
        // Without rows nothing is lost.
        shop.sql("DELETE FROM p");
        back(&shop, down, &[]).exits(0);
        shop.sql("ALTER TABLE p DROP COLUMN v; ALTER TYPE addr DROP ATTRIBUTE IF EXISTS more, DROP ATTRIBUTE IF EXISTS zip; ALTER TABLE x DROP COLUMN IF EXISTS b");
        shop.migrate(&["-q"]).exits(0);
    }
    // Neither another name nor one more takes anything away.
    shop.sql("ALTER TABLE p ADD COLUMN v addr[]; INSERT INTO p VALUES (1, ARRAY[ROW('s', '12345')::addr])");
    let down = "ALTER TYPE addr RENAME ATTRIBUTE zip TO code; ALTER TYPE addr ADD ATTRIBUTE zip text; ALTER TABLE x DROP COLUMN b;";
    back(&shop, down, &[]).exits(0);
    assert_eq!(shop.history(), "1 first");
}

#[test]
fn positions_of_a_columns_sequence_are_looked_at() {
    let first = "CREATE TABLE p (id int PRIMARY KEY, t text);";
    let own = "CREATE SEQUENCE s OWNED BY p.id; ALTER TABLE p ALTER id SET DEFAULT nextval('s');";
    let identity = "ALTER TABLE p ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;";
    let drop_own = "ALTER TABLE p ALTER id DROP DEFAULT; DROP SEQUENCE s;";
    for (second, down, name) in [
        (own, drop_own, "s"),
        (
            identity,
            "ALTER TABLE p ALTER id DROP IDENTITY;",
            "p_id_seq",
        ),
        (
            identity,
            "ALTER TABLE p RENAME TO old; ALTER TABLE old ALTER id DROP IDENTITY; ALTER TABLE old RENAME TO p;",
            "p_id_seq",
        ),
        (
            identity,
            "CREATE TABLE new (LIKE p INCLUDING INDEXES); INSERT INTO new TABLE p; DROP TABLE p; ALTER TABLE new RENAME TO p;",
            "p_id_seq",
        ),
    ] {
        let shop = shop(first, second);
        shop.migrate(&["-q"]).exits(0);
        // Nothing was given out.
        back(&shop, down, &[]).exits(0);
        shop.migrate(&["-q"]).exits(0);
        shop.lab
            .sql_as(DB, ROLE, "INSERT INTO p (t) VALUES ('x'), ('y'), ('z')")
            .unwrap();
        let says = format!("sequence public.{name} is gone and had reached 3");
        refused(&shop, down, "SELECT * FROM p ORDER BY id", &says);
    }
    let shop = shop(first, own);
    shop.migrate(&["-q"]).exits(0);
    shop.sql("INSERT INTO p (t) VALUES ('x'), ('y')");
    // One that goes on from there in its stead loses nothing; one that begins again does.
    let other = |from: i32| {
        format!(
            "{drop_own} ALTER TABLE p ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME other); \
             SELECT setval('other', {from}); CREATE TABLE n (id int);"
        )
    };
    refused(
        &shop,
        &other(1),
        "SELECT * FROM p ORDER BY id",
        "sequence public.s had reached 2 and gives the same numbers out again",
    );
    back(&shop, &other(2), &[]).exits(0);
    assert_eq!(shop.history(), "1 first");
}

/// The sequence stays, and its numbers are given out again all the same.
#[test]
fn sequences_that_turn_round_or_are_replaced_are_looked_at() {
    let shop = shop(
        "CREATE TABLE p (id serial PRIMARY KEY, t text); CREATE SEQUENCE low; CREATE SEQUENCE high;",
        "CREATE TABLE q (id int);",
    );
    shop.migrate(&["-q"]).exits(0);
    shop.sql("INSERT INTO p (t) SELECT 'x' FROM generate_series(1, 5); SELECT setval('high', 9)");
    for (sql, says) in [
        (
            "ALTER SEQUENCE p_id_seq INCREMENT -1;",
            "sequence public.p_id_seq had reached 5 and gives the same numbers out again",
        ),
        (
            "ALTER TABLE p ALTER id SET DEFAULT nextval('low');",
            "sequence public.p_id_seq had reached 5, and its column takes its values from public.low now",
        ),
    ] {
        let down = format!("DROP TABLE q; {sql}");
        refused(&shop, &down, "SELECT count(*) FROM p", says);
    }
    let further = "DROP TABLE q; ALTER TABLE p ALTER id SET DEFAULT nextval('high');";
    back(&shop, further, &[]).exits(0);
}

#[test]
fn sequences_of_other_roles_are_looked_at() {
    let shop = shop("CREATE SEQUENCE s;", "CREATE TABLE q (id int);");
    shop.migrate(&["-q"]).exits(0);
    let (group, role) = (group(&shop), shop.lab.db(ROLE));
    shop.sql(&format!(
        "SELECT setval('s', 7); ALTER SEQUENCE s OWNER TO {group}"
    ));
    for (grants, down, says) in [
        (
            "USAGE",
            format!("DROP TABLE q; SET LOCAL ROLE {group}; SELECT setval('s', 1);"),
            "sequence public.s had reached 7",
        ),
        (
            "USAGE",
            format!("DROP TABLE q; SET LOCAL ROLE {group}; DROP SEQUENCE s;"),
            "sequence public.s is gone and had reached 7",
        ),
        (
            "ALL",
            "DROP TABLE q; SELECT setval('s', 1);".to_owned(),
            "sequence public.s had reached 7",
        ),
    ] {
        shop.sql(&format!("GRANT {grants} ON SEQUENCE s TO {role}"));
        refused(&shop, &down, "SELECT last_value FROM s", says);
    }
    shop.sql(&format!(
        "REVOKE ALL ON SEQUENCE s FROM {role}; REVOKE {group} FROM {role}; GRANT UPDATE ON SEQUENCE s TO {role}"
    ));
    back(&shop, "DROP TABLE q; SELECT setval('s', 1);", &[])
        .exits(3)
        .says("sequence public.s was dropped or may have been set, and how far it had come cannot be told");
    back(&shop, "DROP TABLE q;", &[]).exits(0);
    forget(&shop, &group);
}

/// The server does not take `setval` back with the transaction.
#[test]
fn a_script_that_fails_leaves_sequences_where_they_were() {
    let shop = shop("CREATE SEQUENCE s;", "CREATE TABLE q (id int);");
    shop.migrate(&["-q"]).exits(0);
    shop.sql("SELECT setval('s', 7)");
    back(
        &shop,
        "DROP TABLE q; SELECT setval('s', 1); SELECT 1/0;",
        &[],
    )
    .exits(5);
    assert_eq!(shop.sql("SELECT last_value FROM s"), "7");
}

#[test]
fn contents_of_large_objects_are_looked_at() {
    let shop = shop("CREATE TABLE p (o oid);", "CREATE TABLE q (id int);");
    shop.migrate(&["-q"]).exits(0);
    let fill = "INSERT INTO p SELECT lo_from_bytea(0, 'important')";
    shop.lab.sql_as(DB, ROLE, fill).unwrap();
    let content = "SELECT lo_get(o) FROM p";
    for sql in [
        "SELECT lo_put(o, 0, '\\x00') FROM p",
        "SELECT lo_truncate(lo_open(o, 131072), 2) FROM p",
    ] {
        refused(
            &shop,
            &format!("DROP TABLE q; {sql};"),
            content,
            "large objects had contents written over or cut off",
        );
    }
    back(
        &shop,
        "DROP TABLE q; SELECT lo_from_bytea(0, 'one more');",
        &[],
    )
    .exits(0);
}

#[test]
fn rows_of_a_materialized_view_that_follow_from_nothing_are_looked_at() {
    let shop = shop(
        "CREATE TABLE p (id int, t text);",
        "CREATE MATERIALIZED VIEW mv AS SELECT id AS key, t FROM p;",
    );
    shop.migrate(&["-q"]).exits(0);
    let down = "DROP MATERIALIZED VIEW mv;";
    let fill = |sql: &str| shop.lab.sql_as(DB, ROLE, sql).unwrap();
    fill(
        "INSERT INTO p VALUES (1, 'x'), (1, 'x'), (2, NULL); REFRESH MATERIALIZED VIEW mv; INSERT INTO p VALUES (3, 'z')",
    );
    // What follows from its sources is no loss.
    back(&shop, down, &[]).exits(0);
    shop.migrate(&["-q"]).exits(0);
    fill("DELETE FROM p WHERE ctid = (SELECT min(ctid) FROM p)");
    refused(
        &shop,
        down,
        "SELECT * FROM mv ORDER BY key",
        "materialized view public.mv is gone and held 1 row that does not follow from its sources any more",
    );
    back(&shop, down, &["--allow-data-loss"])
        .exits(0)
        .says("materialized view public.mv is gone");
}

#[test]
fn what_a_superuser_deletes_uncounted_is_looked_at() {
    let shop = shop(
        "CREATE TABLE p (id int PRIMARY KEY, t text);",
        "CREATE TABLE q (id int);",
    );
    shop.migrate(&["-q"]).exits(0);
    let role = shop.lab.db(ROLE);
    shop.sql(&format!(
        "INSERT INTO p VALUES (1, 'x'), (2, 'y'); ALTER ROLE {role} SUPERUSER"
    ));
    for sql in [
        "DELETE FROM p WHERE id = 1",
        "DELETE FROM p",
        "UPDATE p SET t = '' WHERE id = 2",
    ] {
        let down = format!(
            "DROP TABLE q; SET LOCAL track_counts = off; {sql}; SET LOCAL track_counts = on; INSERT INTO p VALUES (3, 'z'), (4, '');"
        );
        refused(
            &shop,
            &down,
            "SELECT * FROM p ORDER BY id",
            "table public.p had rows deleted or updated while track_counts was off",
        );
    }
    // Rows of its own, also those that it deletes again, are none.
    let down = "DROP TABLE q; INSERT INTO p VALUES (3, 'z'); DO $$BEGIN INSERT INTO p VALUES (4, 'z'); EXCEPTION WHEN others THEN NULL; END$$;";
    back(&shop, down, &[]).exits(0);
    shop.sql(&format!("ALTER ROLE {role} NOSUPERUSER"));
    // A superuser's function does it for anybody, by what it is declared with, by what it says, or by what it puts together.
    let rows = "SELECT * FROM p ORDER BY id";
    for (settings, body) in [
        (
            "SECURITY DEFINER SET track_counts = off",
            "DELETE FROM public.p WHERE id = 1",
        ),
        (
            "SECURITY DEFINER",
            "SET LOCAL track_counts = off; DELETE FROM public.p WHERE id = 1; SET LOCAL track_counts = on",
        ),
        (
            "SECURITY DEFINER",
            "PERFORM set_config('track_' || 'counts', 'off', true); DELETE FROM public.p WHERE id = 1; PERFORM set_config('track_' || 'counts', 'on', true)",
        ),
    ] {
        shop.migrate(&["-q"]).exits(0);
        shop.sql(&format!(
            "CREATE OR REPLACE FUNCTION quiet() RETURNS void LANGUAGE plpgsql {settings} AS $$ BEGIN {body}; END $$"
        ));
        refused(
            &shop,
            "DROP TABLE q; SELECT quiet();",
            rows,
            "table public.p had rows deleted or updated while track_counts was off",
        );
        // What writes nothing away is no loss.
        let down = "DROP TABLE q; INSERT INTO p SELECT max(id) + 1, 'more' FROM p;";
        back(&shop, down, &[]).exits(0);
    }
}

/// Grants without INHERIT are not known there, nor grants on settings.
#[test]
fn the_oldest_server_is_looked_at_as_well() {
    let server = start(&binaries(14, false).unwrap(), false, &[]);
    let mut lab = Lab::on(&server, "postgres");
    lab.psql_from(&binaries(17, false).unwrap().bin);
    let shop = Shop::in_lab(
        lab,
        &[
            (
                "V1__first.sql",
                "CREATE TYPE addr AS (street text); CREATE TYPE span AS RANGE (subtype = addr, multirange_type_name = multis); CREATE TABLE p (id int, a span, m multis);\n\
                 CREATE TABLE plain (id int, t text);",
            ),
            ("V2__second.sql", "ALTER TYPE addr ADD ATTRIBUTE zip text;"),
        ],
    );
    shop.migrate(&["-q"]).exits(0);
    let down = "ALTER TYPE addr DROP ATTRIBUTE zip;";
    back(&shop, down, &[]).exits(0);
    shop.migrate(&["-q"]).exits(0);
    shop.sql("INSERT INTO p (id, m) VALUES (1, multis(span(ROW('a', '1')::addr, ROW('b', '2')::addr))); INSERT INTO plain VALUES (1, 'x')");
    let says = "attribute public.addr.zip is gone, and table public.p held rows";
    refused(&shop, down, "SELECT * FROM p", says);
    let (group, role) = (shop.lab.db("own_grp"), shop.lab.db(ROLE));
    shop.sql(&format!(
        "CREATE ROLE {group}; ALTER ROLE {role} NOINHERIT; GRANT {group} TO {role}; GRANT USAGE ON SCHEMA public TO {group}; \
         DELETE FROM p; ALTER TABLE plain OWNER TO {group}"
    ));
    let emptied = format!("{down} SET LOCAL ROLE {group}; DROP TABLE plain;");
    let says = "table public.plain is gone and held rows";
    refused(&shop, &emptied, "SELECT * FROM plain", says);
    back(&shop, down, &[]).exits(0);
    shop.migrate(&["-q"]).exits(0);
    shop.sql(&format!("ALTER ROLE {role} SUPERUSER"));
    let uncounted = format!(
        "{down} SET LOCAL track_counts = off; UPDATE plain SET t = ''; SET LOCAL track_counts = on;"
    );
    let says = "table public.plain had rows deleted or updated while track_counts was off";
    refused(&shop, &uncounted, "SELECT * FROM plain", says);
}

/// The statistics count what was deleted within a savepoint, also where that was taken back.
#[test]
fn what_a_savepoint_takes_back_is_no_loss() {
    let shop = shop("CREATE TABLE kept (id int);", "CREATE TABLE more (id int);");
    shop.migrate(&["-q"]).exits(0);
    shop.sql("INSERT INTO kept SELECT generate_series(1, 3)");
    let query = "SELECT string_agg(id::text, ',' ORDER BY id) FROM kept";
    let tried = |sql: &str| {
        format!(
            "DO $$ BEGIN {sql}; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END $$; DROP TABLE more;"
        )
    };
    // What stays deleted, updated or written anew is told.
    for (sql, says) in [
        ("DELETE FROM kept WHERE id = 1;", "had 1 row deleted"),
        ("UPDATE kept SET id = 7 WHERE id = 1;", "had 1 row updated"),
        (
            "DELETE FROM kept WHERE id = 1; INSERT INTO kept VALUES (1);",
            "had 1 row deleted",
        ),
    ] {
        refused(&shop, &format!("{sql} DROP TABLE more;"), query, says);
        let half = format!("{sql} {}", tried("DELETE FROM kept WHERE id = 2"));
        refused(&shop, &half, query, "table public.kept had ");
    }
    for sql in [
        "DELETE FROM kept",
        "UPDATE kept SET id = id + 1",
        "DELETE FROM kept WHERE id = 1; INSERT INTO kept VALUES (9)",
    ] {
        back(&shop, &tried(sql), &[]).exits(0);
        assert_eq!(shop.sql(query), "1,2,3", "{sql}");
        assert_eq!(shop.history(), "1 first");
        shop.migrate(&["-q"]).exits(0);
    }
}
