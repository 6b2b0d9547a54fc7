//! A migration that touches what is not its service's fails and is rolled back.

use crate::lab::{K, Lab, S};
use crate::shop::Shop;

const GOODS: (&str, &str) = (
    "V1__goods.sql",
    "CREATE TABLE goods (id int PRIMARY KEY, name text);\nCREATE VIEW names AS SELECT name FROM goods;",
);

/// A shop whose database holds a table that no set of the system makes.
fn with_stranger() -> Shop {
    let shop = Shop::new(&[GOODS]);
    shop.migrate(&[]).exits(0);
    shop.sql(&format!(
        "CREATE TABLE stranger (id int PRIMARY KEY); INSERT INTO stranger VALUES (1); CREATE INDEX stranger_idx ON stranger (id); \
         CREATE SCHEMA attic; CREATE TABLE attic.box (id serial); \
         ALTER TABLE stranger OWNER TO {0}; ALTER SCHEMA attic OWNER TO {0}; ALTER TABLE attic.box OWNER TO {0};",
        shop.lab.db("rgb_user")
    ));
    shop
}

#[test]
fn the_books_keep_their_names() {
    let shop = with_stranger();
    for head in ["", "-- dbctl:no-transaction\n"] {
        for sql in [
            "ALTER SCHEMA dbctl RENAME TO elsewhere;",
            "DO $$ BEGIN EXECUTE 'ALTER SCHEMA dbctl RENAME TO elsewhere'; END $$;",
        ] {
            shop.file("V2__touch.sql", &format!("{head}{sql}"));
            shop.migrate(&[])
                .exits(5)
                .says("a table that dbctl keeps its own books in");
            assert_eq!(shop.history(), "1 goods", "{sql}");
            assert_eq!(
                shop.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'dbctl'"),
                "1"
            );
        }
    }
}

#[test]
fn the_statement_that_names_a_foreign_relation_is_told() {
    let shop = with_stranger();
    shop.file(
        "V2__touch.sql",
        "CREATE TABLE more (id int);\n\nINSERT INTO public.stranger\nVALUES (2);\n",
    );
    shop.migrate(&[])
        .exits(5)
        .says("V2__touch.sql, line 3 (INSERT INTO public.stranger");
}

#[test]
fn touching_a_foreign_relation_in_any_way_rolls_the_migration_back() {
    let shop = with_stranger();
    for (sql, relation) in [
        ("INSERT INTO stranger VALUES (2);", "public.stranger"),
        ("UPDATE stranger SET id = 3;", "public.stranger"),
        (
            "CREATE TABLE copy AS SELECT * FROM stranger;",
            "public.stranger",
        ),
        (
            "ALTER TABLE stranger ADD COLUMN more int;",
            "public.stranger",
        ),
        ("DROP TABLE stranger;", "public.stranger"),
        ("TRUNCATE stranger;", "public.stranger"),
        ("CREATE INDEX ON stranger (id);", "public.stranger"),
        ("DROP INDEX stranger_idx;", "public.stranger"),
        (
            "ALTER INDEX stranger_idx RENAME TO mine;",
            "public.stranger_idx",
        ),
        (
            "ALTER TABLE goods ADD FOREIGN KEY (id) REFERENCES stranger;",
            "public.stranger",
        ),
        (
            "CREATE VIEW both_of AS SELECT goods.name FROM goods, stranger;",
            "public.stranger",
        ),
        (
            "DO $$ BEGIN EXECUTE 'DELETE FROM str' || 'anger'; END $$;",
            "public.stranger",
        ),
        (
            "SET LOCAL search_path = attic;\nINSERT INTO box DEFAULT VALUES;",
            "attic.box",
        ),
        ("SELECT nextval('attic.box_id_seq');", "attic.box_id_seq"),
        ("COMMENT ON TABLE attic.box IS 'mine now';", "attic.box"),
        (
            "CREATE INDEX CONCURRENTLY mine_idx ON stranger (id);",
            "public.stranger",
        ),
        (
            "-- dbctl:no-transaction\nVACUUM goods;\nDELETE FROM stranger;",
            "public.stranger",
        ),
        (
            "DROP INDEX CONCURRENTLY stranger_idx;",
            "public.stranger_idx",
        ),
        ("VACUUM stranger;", "public.stranger"),
    ] {
        shop.file("V2__touch.sql", sql);
        let run = shop.migrate(&[]).exits(5).says(relation);
        assert!(
            run.out
                .contains("belongs to no object of rgb-lightning-node"),
            "{sql}: {}",
            run.out
        );
        assert_eq!(shop.history(), "1 goods", "{sql}");
        assert_eq!(
            shop.sql("SELECT string_agg(id::text, ' ') FROM stranger"),
            "1"
        );
        assert_eq!(
            shop.sql("SELECT to_regclass('stranger_idx') IS NOT NULL"),
            "t"
        );
        if shop.sql("SELECT to_regclass('dbctl.progress') IS NOT NULL") == "t" {
            assert_eq!(
                shop.sql("SELECT count(*) FROM dbctl.progress WHERE NOT done"),
                "0"
            );
            shop.sql("DELETE FROM dbctl.progress");
        }
    }
    // What it makes itself, and what was made before, is its own, also when it is renamed or dropped.
    shop.file(
        "V2__touch.sql",
        "ALTER TABLE goods RENAME TO wares;\nCREATE TABLE extra (id bigserial, ware int REFERENCES wares);\n\
         INSERT INTO extra (ware) SELECT id FROM wares;\nDROP VIEW names;",
    );
    shop.file(
        "V3__more.sql",
        "CREATE INDEX CONCURRENTLY wares_name_idx ON wares (name);\nDROP TABLE extra;",
    );
    shop.migrate(&[]).exits(0);
    shop.file("V4__last.sql", "DROP TABLE wares;");
    shop.migrate(&[]).exits(0);
}

#[test]
fn a_down_script_keeps_to_its_service_too() {
    let shop = with_stranger();
    shop.file("V2__more.sql", "CREATE TABLE more (id int);");
    for sql in [
        "DROP TABLE more;\nDROP TABLE stranger;",
        "DELETE FROM stranger;\nDROP TABLE more;",
        "DROP TABLE more;\nALTER TABLE attic.box ADD COLUMN mine int;",
    ] {
        shop.file("V2__more.down.sql", sql);
        shop.migrate(&[]).exits(0);
        shop.lab
            .run(&[
                "rollback",
                "-s",
                crate::lab::R,
                "--target",
                "1",
                "--allow-data-loss",
            ])
            .exits(5)
            .says("belongs to no object of rgb-lightning-node")
            .says("the database is still at version 2");
        assert_eq!(shop.history(), "1 goods, 2 more");
        assert_eq!(shop.sql("SELECT count(*) FROM stranger"), "1");
    }
    shop.file("V2__more.down.sql", "DROP TABLE more;");
    shop.lab
        .run(&["rollback", "-s", crate::lab::R, "--target", "1"])
        .exits(0);
    assert_eq!(shop.history(), "1 goods");
}

#[test]
fn dbctls_own_books_are_not_a_migrations_to_write() {
    let shop = Shop::new(&[GOODS]);
    shop.migrate(&[]).exits(0);
    for sql in [
        "UPDATE dbctl.identity SET service = 'other';",
        "DELETE FROM refinery_schema_history;",
        "DROP TABLE dbctl.identity;",
        "INSERT INTO public.refinery_schema_history VALUES (9, 'x', '', '0');",
        "DROP OWNED BY CURRENT_USER;",
        "DROP SCHEMA dbctl CASCADE;",
        "REASSIGN OWNED BY CURRENT_USER TO CURRENT_USER;",
    ] {
        shop.file("V2__books.sql", &format!("SELECT 1;\n{sql}"));
        let run = shop
            .migrate(&[])
            .exits(5)
            .says(&format!("V2__books.sql, line 2 ({}", sql.split(' ').next().unwrap()))
            .says("a table that dbctl keeps its own books in (dbctl.identity, dbctl.progress, public.refinery_schema_history)");
        // No lock would make it right.
        assert!(!run.all().contains("needs a new lock"), "{}", run.all());
        assert_eq!(shop.history(), "1 goods");
    }
    // Reading them is nobody's harm.
    shop.file(
        "V2__books.sql",
        "CREATE TABLE seen AS SELECT count(*) FROM refinery_schema_history;",
    );
    shop.migrate(&[]).exits(0);
}

#[test]
fn what_a_service_sets_as_its_role_does_not_reach_the_books() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__role.sql",
            "SET LOCAL ROLE pg_read_all_data;\nSELECT count(*) FROM goods;",
        ),
    ]);
    shop.sql(&format!(
        "GRANT pg_read_all_data TO {}",
        shop.lab.db("rgb_user")
    ));
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 goods, 2 role");
}

#[test]
fn hypertables_chunks_and_sequences_are_their_services() {
    let lab = Lab::migrated();
    let sets = lab.path().join("sets");
    for set in ["k_social", "simply_kaspa", "rgb_users"] {
        copy(
            &format!("{}/migrations/{set}", env!("CARGO_MANIFEST_DIR")),
            &sets.join(set),
        );
    }
    lab.sql(
        "ksocial",
        "INSERT INTO k_votes (time, block_time, transaction_id, voter_address, post_id, vote_type, block_hash) \
         SELECT now() - n * interval '6 hours', now() - n * interval '6 hours', decode(repeat('ab', 31) || to_hex(16 + n), 'hex'), 'v', decode(repeat('cd', 32), 'hex'), 1, \
         decode(repeat('ef', 32), 'hex') FROM generate_series(0, 5) n",
    );
    std::fs::write(
        sets.join("k_social/V6__more.sql"),
        "ALTER TABLE k_votes ADD COLUMN weight int;\nUPDATE k_votes SET weight = 1;\nUPDATE k_vars SET value = 'x' WHERE key = 'y';",
    )
    .unwrap();
    let sets = sets.to_str().unwrap();
    lab.run(&["migrate", "-s", K, "--sets", sets]).exits(0);
    // The other indexer's table in this database belongs to nobody here, whatever it is called.
    lab.sql("simply_kaspa", "CREATE TABLE \"K_Votes\" (id int)");
    std::fs::write(
        lab.path().join("sets/simply_kaspa/V7__more.sql"),
        "INSERT INTO \"K_Votes\" VALUES (1);",
    )
    .unwrap();
    lab.sql(
        "simply_kaspa",
        &format!(
            "ALTER TABLE \"K_Votes\" OWNER TO {}",
            lab.db("simply_kaspa_user")
        ),
    );
    lab.run(&["migrate", "-s", S, "--sets", sets])
        .exits(5)
        .says("public.\"K_Votes\"");
}

#[test]
fn what_lies_where_no_text_tells_is_still_the_services() {
    let long = "l".repeat(75);
    for (first, second) in [
        (
            "CREATE SCHEMA app; SET LOCAL search_path=app; CREATE TABLE t(id int);".to_owned(),
            "ALTER TABLE app.t ADD c int;".to_owned(),
        ),
        (
            "CREATE SCHEMA app; CREATE TABLE t(id int); ALTER TABLE t SET SCHEMA app;".to_owned(),
            "ALTER TABLE app.t ADD c int;".to_owned(),
        ),
        (
            "CREATE SCHEMA app CREATE TABLE t(id int);".to_owned(),
            "ALTER TABLE app.t ADD c int; ALTER SCHEMA app RENAME TO app2;".to_owned(),
        ),
        (
            "CREATE TABLE t(id int); CREATE FUNCTION mk(n text) RETURNS int LANGUAGE plpgsql AS \
             $$BEGIN EXECUTE 'CREATE TABLE ' || n || '(id int)'; RETURN 1; END$$; INSERT INTO t SELECT mk('made');"
                .to_owned(),
            "ALTER TABLE made ADD c int; INSERT INTO t VALUES (1); ANALYZE;".to_owned(),
        ),
        (
            format!("CREATE TABLE {long}(id int);"),
            format!("ALTER TABLE {long} ADD c int;"),
        ),
    ] {
        let shop = Shop::new(&[("V1__one.sql", &first)]);
        shop.migrate(&[]).exits(0);
        shop.file("V2__two.sql", &second);
        shop.migrate(&[]).exits(0);
        if second.contains("app2") {
            shop.file("V3__three.sql", "ALTER TABLE app2.t ADD d int;");
            shop.migrate(&[]).exits(0);
        }
    }
}

#[test]
fn what_a_pending_migration_is_to_create_is_not_its_own_yet() {
    let shop = with_stranger();
    shop.file(
        "V2__meet.sql",
        "CREATE TABLE IF NOT EXISTS stranger (x int);\nDELETE FROM stranger;",
    );
    shop.migrate(&[]).exits(5).says("public.stranger");
    assert_eq!(shop.sql("SELECT count(*) FROM stranger"), "1");
}

#[test]
fn a_lock_that_cannot_be_read_guards_nothing_and_is_refused() {
    let shop = Shop::new(&[GOODS]);
    shop.file("schema.lock", "garbage");
    shop.migrate(&[]).exits(3).says("schema.lock:1:");
    std::fs::remove_file(shop.path("schema.lock")).unwrap();
    shop.migrate(&[]).exits(0);
}

fn copy(from: &str, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
