//! What a superuser writes into the server's own catalogs: to hide a privilege, or to have the server's operators and names mean another
//! thing.

use crate::lab::{K, Lab, R, S, binaries, start};
use crate::verify_cases::{
    Case, assert_clean, case, follow, list, play, shown, text, verify, zoo, zoo_unprovisioned,
};
use crate::verify_privileges::only;

const SYSTEM: &str = "drift/system-object";
const GRANT: &str = "access/system-grant";

const CASES: &[Case] = &[
    // What takes a privilege for one from the start.
    case(GRANT, "error", R, ("function", "pg_catalog", "pg_ls_dir"), "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO \"{simply_kaspa_user}\"; \
          UPDATE pg_init_privs SET initprivs = (SELECT proacl FROM pg_proc WHERE oid = objoid) WHERE classoid = 'pg_proc'::regclass AND objoid = 'pg_ls_dir(text)'::regprocedure")
        .of(S)
        .says(&["pg_ls_dir(text)", "{simply_kaspa_user}"]),
    case(GRANT, "error", R, ("function", "pg_catalog", "pg_ls_dir"), "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO PUBLIC; \
          UPDATE pg_init_privs SET initprivs = (SELECT proacl FROM pg_proc WHERE oid = objoid) WHERE classoid = 'pg_proc'::regclass AND objoid = 'pg_ls_dir(text)'::regprocedure")
        .says(&["PUBLIC has EXECUTE"]),
    case(GRANT, "error", R, ("function", "pg_catalog", "pg_ls_dir"), "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO \"{simply_kaspa_user}\"; \
          CREATE TABLE public.kept AS SELECT * FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'pg_ls_dir(text)'::regprocedure; \
          DELETE FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'pg_ls_dir(text)'::regprocedure")
        .of(S)
        .also(&["drift/unknown-object"])
        .undo("REVOKE EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) FROM \"{simply_kaspa_user}\"; INSERT INTO pg_init_privs SELECT * FROM public.kept; \
               DROP TABLE public.kept"),
    case("access/object-grant", "error", R, ("table", "public", "ln_user_wallets"), "GRANT SELECT ON public.ln_user_wallets TO \"{k_social_user}\"; \
          INSERT INTO pg_init_privs SELECT oid, 'pg_class'::regclass, 0, 'e', relacl FROM pg_class WHERE oid = 'public.ln_user_wallets'::regclass")
        .of(K)
        .then("DELETE FROM pg_init_privs WHERE objoid = 'public.ln_user_wallets'::regclass"),
    case(GRANT, "error", K, ("table", "_timescaledb_catalog", "chunk"), "GRANT INSERT ON _timescaledb_catalog.chunk TO \"{simply_kaspa_user}\"; \
          UPDATE pg_init_privs SET initprivs = (SELECT relacl FROM pg_class WHERE oid = objoid) \
          WHERE classoid = 'pg_class'::regclass AND objoid = '_timescaledb_catalog.chunk'::regclass")
        .of(S)
        .says(&["INSERT"]),
    // What the server's operators and aggregates run.
    case(SYSTEM, "error", R, ("operator_family", "pg_catalog", "integer_ops"), "CREATE FUNCTION public.order_of(int4, text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 0'; \
          ALTER OPERATOR FAMILY integer_ops USING btree ADD FUNCTION 1 (int4, text) public.order_of(int4, text)")
        .says(&["FUNCTION 1 (integer,text)"])
        .also(&["drift/unknown-object"]),
    case(SYSTEM, "error", R, ("operator_family", "pg_catalog", "integer_ops"), "UPDATE pg_amproc SET amproc = 'btint8cmp'::regproc WHERE amproc = 'btint4cmp'::regproc AND amprocnum = 1 \
          AND amproclefttype = 'int4'::regtype AND amprocrighttype = 'int4'::regtype")
        .undo("UPDATE pg_amproc SET amproc = 'btint4cmp'::regproc WHERE amproclefttype = 'int4'::regtype AND amprocrighttype = 'int4'::regtype AND amprocnum = 1 \
               AND amproc = 'btint8cmp'::regproc"),
    case(SYSTEM, "error", R, ("operator", "pg_catalog", "="), "ALTER OPERATOR pg_catalog.= (int4, int4) SET (RESTRICT = neqsel)")
        .says(&["(integer, integer)", "altered"])
        .undo("ALTER OPERATOR pg_catalog.= (int4, int4) SET (RESTRICT = eqsel)"),
    case(SYSTEM, "error", R, ("function", "pg_catalog", "max"), "UPDATE pg_aggregate SET aggtransfn = 'int8smaller'::regproc WHERE aggfnoid = 'max(int8)'::regprocedure")
        .undo("UPDATE pg_aggregate SET aggtransfn = 'int8larger'::regproc WHERE aggfnoid = 'max(int8)'::regprocedure"),
    // What lies elsewhere, or bears another name.
    case(SYSTEM, "error", R, ("function", "public", "md5"), "ALTER FUNCTION pg_catalog.md5(text) SET SCHEMA public")
        .says(&["public.md5(text)", "another schema than pg_catalog"]),
    case(SYSTEM, "error", R, ("view", "public", "tables"), "ALTER VIEW information_schema.tables SET SCHEMA public")
        .says(&["another schema than information_schema"]),
    case(SYSTEM, "error", R, ("type", "public", "point"), "ALTER TYPE pg_catalog.point SET SCHEMA public"),
    case(SYSTEM, "error", R, ("operator_class", "public", "int4_ops"), "ALTER OPERATOR CLASS pg_catalog.int4_ops USING btree SET SCHEMA public"),
    case(SYSTEM, "error", R, ("schema", "", "info"), "ALTER SCHEMA information_schema RENAME TO info"),
    case(SYSTEM, "error", R, ("function", "pg_catalog", "md5_was"), "ALTER FUNCTION pg_catalog.md5(text) RENAME TO md5_was")
        .says(&["renamed"])
        .undo("ALTER FUNCTION pg_catalog.md5_was(text) RENAME TO md5"),
    // Granted since, so that no more than all of its kind can be named.
    case(SYSTEM, "error", S, ("view", "information_schema", "tables_was"), "GRANT SELECT ON pg_catalog.pg_views TO \"{simply_kaspa_user}\"; \
          ALTER VIEW information_schema.tables RENAME TO tables_was")
        .says(&["or another one was", "pg_catalog.pg_views"])
        .undo("ALTER VIEW information_schema.tables_was RENAME TO tables; REVOKE SELECT ON pg_catalog.pg_views FROM \"{simply_kaspa_user}\""),
    case(SYSTEM, "error", S, ("type", "pg_catalog", "pointed"), "ALTER TYPE pg_catalog.point RENAME TO pointed")
        .undo("ALTER TYPE pg_catalog.pointed RENAME TO point"),
    case(SYSTEM, "error", S, ("operator_class", "pg_catalog", "int4_were"), "ALTER OPERATOR CLASS pg_catalog.int4_ops USING btree RENAME TO int4_were")
        .undo("ALTER OPERATOR CLASS pg_catalog.int4_were USING btree RENAME TO int4_ops"),
    case(SYSTEM, "error", R, ("language", "", "plpg"), "ALTER LANGUAGE plpgsql RENAME TO plpg")
        .undo("ALTER LANGUAGE plpg RENAME TO plpgsql"),
    case(SYSTEM, "error", R, ("text_search_parser", "pg_catalog", "usual"), "ALTER TEXT SEARCH PARSER pg_catalog.\"default\" RENAME TO usual")
        .undo("ALTER TEXT SEARCH PARSER pg_catalog.usual RENAME TO \"default\""),
    // What a row says of an object so that it counts as something else's.
    case("bleed/foreign-object", "error", R, ("table", "public", "k_votes"), "CREATE TABLE public.k_votes (id integer); \
          UPDATE pg_class SET relpersistence = 't' WHERE oid = 'public.k_votes'::regclass")
        .of(K)
        .undo("UPDATE pg_class SET relpersistence = 'p' WHERE oid = 'public.k_votes'::regclass; DROP TABLE public.k_votes"),
    case("drift/unknown-object", "warning", R, ("function", "public", "part"), "CREATE FUNCTION public.part() RETURNS integer LANGUAGE sql AS 'SELECT 1'; \
          INSERT INTO pg_depend VALUES ('pg_proc'::regclass, 'public.part'::regproc, 0, 'pg_type'::regclass, 'public.ln_user_wallets'::regtype, 0, 'i')")
        .undo("DELETE FROM pg_depend WHERE objid = 'public.part'::regproc AND deptype = 'i'; DROP FUNCTION public.part()"),
    case("drift/unknown-object", "warning", R, ("sequence", "public", "part"), "CREATE SEQUENCE public.part; INSERT INTO pg_depend VALUES ('pg_class'::regclass, 'public.part'::regclass, 0, \
          'pg_class'::regclass, 'public.ln_user_wallets'::regclass, 1, 'i')")
        .undo("DELETE FROM pg_depend WHERE objid = 'public.part'::regclass AND refobjid = 'public.ln_user_wallets'::regclass; DROP SEQUENCE public.part"),
    case("bleed/foreign-object", "error", S, ("table", "public", "k_posts"), "CREATE TABLE public.k_posts (id integer); INSERT INTO _timescaledb_catalog.continuous_agg \
          (mat_hypertable_id, raw_hypertable_id, user_view_schema, user_view_name, partial_view_schema, partial_view_name, direct_view_schema, direct_view_name) \
          VALUES (1, 1, 'public', 'x', 'public', 'k_posts', 'public', 'y')")
        .of(K)
        .undo("DELETE FROM _timescaledb_catalog.continuous_agg; DROP TABLE public.k_posts"),
    // Of an extension's table.
    case("bleed/attached-to-extension", "warning", S, ("column", "_timescaledb_catalog", "hypertable.table_name"), "ALTER TABLE _timescaledb_catalog.hypertable ALTER COLUMN table_name DROP NOT NULL")
        .says(&["may be NULL"]),
];

/// The same with the set that has objects of each kind, and hypertables.
const ZOO: &[Case] = &[
    // A label's new name is told of the type alone, a default of nobody's function with the function.
    case("drift/changed-object", "error", R, ("type", "public", "mood"), "ALTER TYPE public.mood RENAME VALUE 'sad' TO 'blue'")
        .undo("ALTER TYPE public.mood RENAME VALUE 'blue' TO 'sad'"),
    case("link/reaches-out", "error", R, ("function", "public", "peek"), "CREATE FUNCTION public.peek() RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN pg_read_file('x'); END$$; \
          ALTER TABLE public.animals ALTER COLUMN name SET DEFAULT public.peek()")
        .says(&["the default of column public.animals.name"]),
    // What keeps a part of a table from being seen, or from holding.
    case("drift/unknown-object", "error", R, ("trigger", "public", "apart"), "CREATE TRIGGER apart BEFORE INSERT ON public.animals FOR EACH ROW EXECUTE FUNCTION public.touch(); \
          UPDATE pg_trigger SET tgisinternal = true, tgparentid = 1 WHERE tgname = 'apart'")
        .undo("UPDATE pg_trigger SET tgisinternal = false, tgparentid = 0 WHERE tgname = 'apart'; DROP TRIGGER apart ON public.animals"),
    case("drift/unknown-object", "error", R, ("constraint", "public", "apart"), "ALTER TABLE public.animals ADD CONSTRAINT apart CHECK (legs <> 77); \
          UPDATE pg_constraint SET conparentid = 1, conislocal = false, coninhcount = 1 WHERE conname = 'apart'")
        .undo("UPDATE pg_constraint SET conparentid = 0, conislocal = true, coninhcount = 0 WHERE conname = 'apart'; ALTER TABLE public.animals DROP CONSTRAINT apart"),
    case("drift/changed-object", "error", R, ("constraint", "public", "animals_legs_check"), "UPDATE pg_class SET relchecks = 0 WHERE oid = 'public.animals'::regclass")
        .says(&["state is disabled, expected enabled"])
        .undo("UPDATE pg_class SET relchecks = 1 WHERE oid = 'public.animals'::regclass"),
    case("drift/changed-object", "error", R, ("constraint", "public", "animals_name_key"), "UPDATE pg_index SET indisunique = false WHERE indexrelid = 'public.animals_name_key'::regclass")
        .says(&["validated is false"])
        .undo("UPDATE pg_index SET indisunique = true WHERE indexrelid = 'public.animals_name_key'::regclass"),
];

#[test]
fn what_is_written_into_the_catalogs_is_seen() {
    play(&Lab::migrated(), CASES);
}

#[test]
fn one_cause_is_told_once() {
    play(&zoo(), ZOO);
}

#[test]
fn the_present_time_of_a_hypertable_is_the_sets() {
    let lab = zoo_unprovisioned();
    lab.write(
        "sets/clock/V2__ticks.sql",
        "CREATE TABLE public.ticks (t bigint NOT NULL, CONSTRAINT ticks_pkey PRIMARY KEY (t));\n\
         SELECT create_hypertable('public.ticks', by_range('t', 1000::bigint), create_default_indexes => false);\n",
    );
    let bin = lab.bin().to_str().unwrap().to_owned();
    lab.run(&["lock", "-q", "--postgres-bin", &bin, "--service", K])
        .exits(0);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    assert_clean(&lab);
    play(&lab, &[case(
        "drift/changed-object",
        "error",
        K,
        ("hypertable", "public", "ticks"),
        "CREATE FUNCTION public.present() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT 1::bigint'; SELECT set_integer_now_func('public.ticks', 'public.present')",
    )
    .says(&["integer now is public.present"])
    .also(&["drift/unknown-object"])
    .undo("UPDATE _timescaledb_catalog.dimension SET integer_now_func = NULL, integer_now_func_schema = NULL; DROP FUNCTION public.present()")]);
}

#[test]
fn ordinary_life_writes_the_catalogs_too() {
    let lab = Lab::migrated();
    for sql in [
        "VACUUM FULL pg_init_privs; VACUUM FULL pg_operator; VACUUM FULL pg_amproc; VACUUM FULL pg_type",
        "CREATE EXTENSION btree_gist; CREATE EXTENSION hstore; DROP EXTENSION btree_gist; DROP EXTENSION hstore",
        "REVOKE SELECT ON _timescaledb_catalog.chunk FROM PUBLIC; GRANT SELECT ON _timescaledb_catalog.chunk TO PUBLIC",
        "ALTER TABLE _timescaledb_catalog.chunk ALTER COLUMN id SET STATISTICS 10; ANALYZE _timescaledb_catalog.chunk",
        "CREATE OPERATOR public.@#@ (LEFTARG = int4, RIGHTARG = int4, FUNCTION = int4eq); DROP OPERATOR public.@#@ (int4, int4)",
        "GRANT USAGE ON TYPE pg_catalog.point TO PUBLIC",
        // PUBLIC reads the whole table.
        "GRANT SELECT (hypertable_id) ON _timescaledb_catalog.chunk TO PUBLIC",
        "REVOKE SELECT (hypertable_id) ON _timescaledb_catalog.chunk FROM PUBLIC",
    ] {
        lab.sql("simply_kaspa", sql);
        assert_clean(&lab);
    }
}

#[test]
fn a_query_that_fails_says_why_it_may() {
    let lab = Lab::migrated();
    lab.sql(
        "rgb_lightning_node",
        "ALTER FUNCTION pg_catalog.lower(text) RENAME TO lower_was",
    );
    let report = verify(&lab, &["--service", R]);
    assert_eq!(report["status"], "incomplete", "{}", shown(&report));
    let gap = &list(&report, "not_checked")[0];
    assert!(
        text(gap, "reason").contains("find out who renamed"),
        "{gap}"
    );
    lab.sql(
        "rgb_lightning_node",
        "ALTER FUNCTION pg_catalog.lower_was(text) RENAME TO lower",
    );
    assert_clean(&lab);
}

#[test]
fn tablespaces_settings_and_groups_of_a_whole_server() {
    let server = start(&binaries(18, false).unwrap(), false, &[]);
    let mut lab = Lab::on(&server, "postgres");
    lab.own_services(&["a", "b"]);
    lab.write(
        "sql/a/V9__kept.sql",
        "CREATE TABLE kept (id integer CONSTRAINT kept_id NOT NULL);\n",
    );
    let bin = server.bin().to_str().unwrap();
    lab.run(&["lock", "-q", "--postgres-bin", bin]).exits(0);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    assert_clean(&lab);
    let b = lab.db("b");
    lab.sql(
        "postgres",
        &format!("ALTER TABLESPACE pg_default OWNER TO \"{b}\""),
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "access/tablespace", "error", "b");
    assert!(
        text(found, "message").contains("owns tablespace pg_default"),
        "{found}"
    );
    follow(&lab, &[found]);
    assert_clean(&lab);
    lab.sql("postgres", &format!("CREATE ROLE sharers; GRANT sharers TO \"{b}\"; GRANT CREATE ON TABLESPACE pg_default TO sharers"));
    let report = verify(&lab, &[]);
    let found = only(&report, "access/tablespace", "warning", "b");
    assert!(
        text(found, "message").contains("role sharers, which role"),
        "{found}"
    );
    follow(&lab, &[found]);
    lab.sql("postgres", "DROP ROLE sharers");
    assert_clean(&lab);
    for (plant, service, name) in [
        (
            format!("GRANT CREATE ON TABLESPACE pg_default TO \"{b}\""),
            "b",
            "pg_default",
        ),
        (
            "GRANT CREATE ON TABLESPACE pg_global TO PUBLIC".to_owned(),
            "a",
            "pg_global",
        ),
    ] {
        lab.sql("postgres", &plant);
        let report = verify(&lab, &[]);
        let found = only(&report, "access/tablespace", "warning", service);
        assert_eq!(found["object"]["name"], name);
        lab.sql(
            "postgres",
            &crate::verify_cases::statements(text(found, "remedy")).join(";"),
        );
        assert_clean(&lab);
    }
    for (name, value) in [
        ("hba_file", "/etc/other_hba.conf"),
        ("ident_file", "/etc/other_ident.conf"),
        ("oauth_validator_libraries", "spy"),
        ("extension_control_path", "/tmp/elsewhere:$system"),
    ] {
        lab.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"));
        let report = verify(&lab, &[]);
        let found = only(&report, "link/server-setting", "warning", "a");
        assert_eq!(found["object"]["name"], name);
        assert!(text(found, "message").contains(value), "{found}");
        lab.sql("postgres", &format!("ALTER SYSTEM RESET {name}"));
        assert_clean(&lab);
    }
    // The column counts as NOT NULL, and rows that were there may be NULL.
    lab.sql(
        "a",
        "ALTER TABLE kept DROP CONSTRAINT kept_id, ADD CONSTRAINT kept_id NOT NULL id NOT VALID",
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "drift/changed-object", "error", "a");
    assert!(
        text(found, "message").contains("not null is not validated"),
        "{found}"
    );
    lab.sql("a", "ALTER TABLE kept VALIDATE CONSTRAINT kept_id");
    assert_clean(&lab);
    // A recursive query takes minutes here, and so did the rules.
    lab.sql(
        "postgres",
        &format!(
            "DO $$ BEGIN FOR i IN 1 .. 2000 LOOP EXECUTE format('CREATE ROLE nested_%s', i); \
             IF i > 1 THEN EXECUTE format('GRANT nested_%s TO nested_%s', i - 1, i); END IF; END LOOP; END $$; \
             GRANT nested_2000 TO \"{b}\"; GRANT \"{}\" TO nested_1",
            lab.db("a")
        ),
    );
    let begun = std::time::Instant::now();
    let report = verify(&lab, &[]);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    let found = only(&report, "access/membership", "error", "b");
    assert!(
        text(found, "message").contains("through nested_2000, nested_1999"),
        "{found}"
    );
    follow(&lab, &[found]);
    assert_clean(&lab);
}
