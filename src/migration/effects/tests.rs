//! What is told of statements: each case is a script and what must be among what it does, in short words.

use super::{Act, Change, Names, effects};

/// What a script does, one line for each thing: `2:1 Change Relation a.b`.
fn told(sql: &str) -> Vec<String> {
    effects(sql)
        .effects
        .into_iter()
        .map(|effect| {
            let said = match effect.act {
                Act::Names {
                    class,
                    access,
                    path,
                    temporary,
                } => format!(
                    "{access:?} {class:?} {path}{}",
                    if temporary { " (temporary)" } else { "" }
                ),
                Act::Dynamic { .. } => "Dynamic".to_owned(),
                Act::Unread { .. } => "Unread".to_owned(),
                act => format!("{act:?}"),
            };
            format!("{}:{} {said}", effect.place.line, effect.place.column)
        })
        .collect()
}

#[track_caller]
fn all_told(cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        let told = told(sql);
        assert!(
            told.iter().any(|line| line == expected),
            "{sql}\nexpected {expected}\ntold {told:#?}"
        );
    }
}

#[test]
fn names_are_read_however_they_are_written() {
    all_told(&[
        (
            "CREATE TABLE U&\"\\0062locks\" (i int)",
            "1:14 Create Relation blocks",
        ),
        (
            "CREATE/* a */TABLE/* b */BLOCKS (i int)",
            "1:26 Create Relation blocks",
        ),
        (
            "SELECT 1;\n  DROP TABLE a.\"B\"",
            "2:14 Change Relation a.B",
        ),
        ("TABLE x.y.z", "1:7 Read Relation x.y.z"),
        ("COMMENT ON COLUMN a.b IS ''", "1:19 Change Relation a"),
        (
            "SELECT create_hypertable(relation => 'a.b', dimension => by_range('t'))",
            "1:8 Change Relation a.b",
        ),
        (
            "SELECT 'a'::regclass, to_regclass('\"B\"')",
            "1:23 Read Relation B",
        ),
        ("SELECT regclass 'a'", "1:8 Read Relation a"),
        (
            "CREATE FUNCTION f(x blocks) RETURNS int RETURN 1",
            "1:21 Read Type blocks",
        ),
        ("EXPLAIN ANALYZE DELETE FROM a", "1:29 Change Relation a"),
        (
            "PREPARE p AS INSERT INTO a VALUES (1)",
            "1:26 Change Relation a",
        ),
        (
            "CREATE SCHEMA s CREATE VIEW v AS SELECT * FROM a",
            "1:48 Read Relation a",
        ),
        ("COPY (SELECT * FROM a) TO STDOUT", "1:21 Read Relation a"),
        (
            "MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE",
            "1:20 Read Relation b",
        ),
        (
            "CREATE RULE r AS ON INSERT TO a DO ALSO DELETE FROM b",
            "1:53 Change Relation b",
        ),
        (
            "CREATE POLICY p ON a USING (EXISTS (SELECT FROM b))",
            "1:49 Read Relation b",
        ),
        (
            "CREATE TEMP TABLE a (i int)",
            "1:19 Create Relation a (temporary)",
        ),
    ]);
}

#[test]
fn functions_that_are_given_a_name_in_a_text() {
    for (call, expected) in [
        ("table_to_xml('a', true, true, '')", "Read Relation a"),
        ("schema_to_xml('a', true, true, '')", "Read Schema a"),
        ("attach_tablespace('t', 'a')", "Change Relation a"),
        (
            "detach_tablespace('t', hypertable => 'a')",
            "Change Relation a",
        ),
        ("hypertable_detailed_size('a')", "Read Relation a"),
        ("public.chunks_detailed_size('b.a')", "Read Relation b.a"),
        ("reorder_chunk('c', 'a')", "Change Relation a"),
        ("reorder_chunk('c', index => 'a')", "Change Relation a"),
        (
            "merge_chunks(ARRAY['b', 'a']::regclass[])",
            "Change Relation a",
        ),
        ("add_job('a', '1h')", "Read Function a"),
        ("has_table_privilege('a', 'select')", "Read Relation a"),
        ("has_table_privilege('r', 'a', 'select')", "Read Relation a"),
        (
            "has_column_privilege('a', 'c', 'select')",
            "Read Relation a",
        ),
        ("pgstattuple('a')", "Read Relation a"),
        ("to_regprocedure('a(int)')", "Read Function a"),
        ("query_to_xml('TABLE a', true, true, '')", "Read Relation a"),
        (
            "ts_rewrite('b'::tsquery, 'SELECT t, s FROM a')",
            "Read Relation a",
        ),
        ("crosstab('TABLE b', 'TABLE a')", "Read Relation a"),
    ] {
        let sql = format!("SELECT {call}");
        let told = told(&sql);
        assert!(
            told.iter().any(|line| line.ends_with(expected)),
            "{sql}: {told:#?}"
        );
        assert!(
            !told.iter().any(|line| line.ends_with("Dynamic")),
            "{sql}: {told:#?}"
        );
    }
    // Calls of procedures, and what is no text of SQL.
    all_told(&[("CALL convert_to_columnstore('a')", "1:1 Change Relation a")]);
    let quiet = told("SELECT crosstab('TABLE a', 3), ts_rewrite('a', 'b', 'c')");
    assert!(
        !quiet.iter().any(|line| line.ends_with("Dynamic")),
        "{quiet:#?}"
    );
}

#[test]
fn what_is_done_to_a_chunk_is_done_to_its_hypertable() {
    for sql in [
        "SELECT compress_chunk(show_chunks('a', older_than => interval '1 day'))",
        "SELECT compress_chunk(c) FROM show_chunks('a', interval '1 day') c",
        "SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks('a') AS c",
        "SELECT decompress_chunk(x.c) FROM show_chunks('a') AS x(c)",
        "SELECT drop_chunks(show_chunks) FROM show_chunks(older_than => interval '1 day', relation => 'a')",
        "SELECT reorder_chunk(i, 'a') FROM (SELECT show_chunks('a') AS i) s",
        "SELECT public.compress_chunk(c) FROM generate_series(1, 2) g, public.show_chunks('a'::regclass) c",
        "DO $$ BEGIN PERFORM compress_chunk(c) FROM show_chunks('a') c; END $$",
        "DO $$ DECLARE c regclass; BEGIN FOR c IN SELECT show_chunks('a', interval '1 day') LOOP PERFORM compress_chunk(c); END LOOP; END $$",
        "DO $$ DECLARE c record; BEGIN FOR c IN SELECT * FROM show_chunks('a') AS x(c) LOOP CALL convert_to_columnstore(c.c); END LOOP; END $$",
    ] {
        let told = told(sql);
        let ends = |end: &str| told.iter().any(|line| line.ends_with(end));
        assert!(ends("Change Relation a"), "{sql}: {told:#?}");
        assert!(!ends("Dynamic"), "{sql}: {told:#?}");
        let relations = told.iter().filter(|line| line.contains(" Relation "));
        assert!(
            relations.clone().all(|line| line.ends_with(" a")),
            "{sql}: {told:#?}"
        );
    }
    // What comes from elsewhere is not known.
    for sql in [
        "SELECT compress_chunk(c) FROM show_chunks(current_setting('a.b')) c",
        "SELECT compress_chunk(t) FROM show_chunks('a') c, k t",
        "SELECT compress_chunk(c) FROM (SELECT show_chunks('a') UNION SELECT i FROM k) s(c)",
        "SELECT compress_chunk(c) FROM show_chunks(c) c",
        "SELECT compress_chunk(a) FROM show_chunks(b) a, show_chunks(a) b",
    ] {
        let told = told(sql);
        assert!(
            told.iter().any(|line| line.ends_with("Dynamic")),
            "{sql}: {told:#?}"
        );
    }
}

#[test]
fn functions_with_their_owners_rights_and_where_they_look() {
    let said = |sql: &str| {
        let read = effects(sql).effects.into_iter();
        let mut changes = read.filter_map(|effect| match effect.act {
            Act::Routine(routine) => Some(routine.change),
            _ => None,
        });
        changes.next()
    };
    let made = |definer, names| {
        Some(Change::Made {
            definer,
            names,
            procedure: false,
        })
    };
    let altered = |names| {
        Some(Change::Altered {
            definer: None,
            names,
        })
    };
    let schemas = |schema: &str| Names::Schemas(vec![schema.to_owned()]);
    let create = "CREATE FUNCTION f() RETURNS int LANGUAGE sql";
    for (sql, expected) in [
        (
            format!("{create} AS 'SELECT 1'"),
            made(false, Names::Callers),
        ),
        (
            format!("{create} SECURITY DEFINER AS 'SELECT 1'"),
            made(true, Names::Callers),
        ),
        (
            format!("{create} SECURITY DEFINER SET search_path = '' AS 'SELECT 1'"),
            made(true, schemas("")),
        ),
        (
            format!("{create} SECURITY DEFINER SET search_path TO DEFAULT AS 'SELECT 1'"),
            made(true, Names::Callers),
        ),
        (
            "ALTER FUNCTION f() RESET search_path".to_owned(),
            altered(Some(Names::Callers)),
        ),
        (
            "ALTER ROUTINE f() RESET ALL".to_owned(),
            altered(Some(Names::Callers)),
        ),
        (
            "ALTER FUNCTION f() RESET work_mem".to_owned(),
            altered(None),
        ),
        (
            "ALTER FUNCTION f() SET search_path = pg_catalog".to_owned(),
            altered(Some(schemas("pg_catalog"))),
        ),
    ] {
        assert_eq!(said(&sql), expected, "{sql}");
    }
}

#[test]
fn code_within_code_is_read_where_it_stands() {
    all_told(&[
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nDECLARE r int;\nBEGIN\n  SELECT 1 INTO r FROM a;\n  RETURN r;\nEND $$",
            "4:24 Read Relation a",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1\nFROM a'",
            "2:6 Read Relation a",
        ),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 FROM a; END",
            "1:60 Read Relation a",
        ),
        (
            "DO $a$ BEGIN\n EXECUTE $b$DO $c$ BEGIN DROP TABLE a; END $c$$b$;\nEND $a$",
            "2:10 Change Relation a",
        ),
        (
            "DO $$ DECLARE r a%ROWTYPE; BEGIN NULL; END $$",
            "1:17 Read Type a",
        ),
    ]);
}

#[test]
fn statements_that_fill_variables_are_read() {
    for statement in [
        "SELECT 1,'x' INTO v, t FROM a",
        "SELECT i, j INTO STRICT v, r.f FROM a",
        "SELECT INTO v 1 FROM a",
        "SELECT INTO STRICT v i FROM a",
        "SELECT i FROM a WHERE i = 1 INTO v",
        "SELECT i FROM a ORDER BY i LIMIT 1 INTO v FOR UPDATE",
        "(SELECT i FROM a) UNION SELECT 2 INTO v",
        "SELECT CASE WHEN true THEN 1 ELSE 2 END INTO v FROM a",
        "SELECT ARRAY[1] INTO w[1] FROM a",
        "WITH x AS (SELECT i FROM a) SELECT i, 2 INTO v, t FROM x",
        "INSERT INTO a VALUES (1) RETURNING id INTO v",
        "INSERT INTO a SELECT 1 RETURNING id INTO STRICT new.x",
        "UPDATE a SET i = 1 RETURNING i, j INTO v, t",
        "DELETE FROM a RETURNING * INTO v",
        "MERGE INTO a USING (SELECT 1 AS i) s ON s.i = a.i WHEN MATCHED THEN DELETE RETURNING a.i INTO v",
        "EXECUTE 'SELECT 1, 2 FROM a' INTO v, t",
        "EXPLAIN SELECT 1 FROM a INTO t",
    ] {
        let body = format!("DECLARE v int; t text; BEGIN\n {statement};\nEND");
        let within = |before: &str, after: &str| {
            format!("DO $$ DECLARE v int; t text; BEGIN {before}\n {statement};\n{after} END $$")
        };
        for sql in [
            format!("DO $$ {body} $$"),
            format!("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ {body} $$"),
            // WHEN, THEN and ELSE of a statement are its own.
            within("CASE v WHEN 1 THEN", "WHEN 2 THEN NULL; END CASE;"),
            within("CASE WHEN v = 1 THEN NULL; ELSE", "END CASE;"),
            within("IF v = 1 THEN", "ELSE NULL; END IF;"),
            within(
                "BEGIN NULL; EXCEPTION WHEN others THEN",
                "WHEN no_data THEN NULL; END;",
            ),
            within("FOR v IN 1..2 LOOP", "EXIT WHEN v = 1; END LOOP;"),
        ] {
            let told: Vec<String> = told(&sql)
                .into_iter()
                .filter(|line| !line.ends_with("Create Function f") && !line.contains(" Routine("))
                .collect();
            let relation = |line: &String| {
                line.starts_with("2:")
                    && (line.ends_with("Read Relation a") || line.ends_with("Change Relation a"))
            };
            assert!(
                !told.is_empty() && told.iter().all(relation),
                "{sql}: {told:#?}"
            );
        }
    }
    all_told(&[
        (
            "DO $$ DECLARE v int; t text; BEGIN\n SELECT 1, 2\n  INTO v,\n   t FROM k JOIN a ON true;\nEND $$",
            "4:18 Read Relation a",
        ),
        (
            "DO 'DECLARE v int; BEGIN SELECT ''x'', 2 INTO STRICT v, v FROM a; END'",
            "1:64 Read Relation a",
        ),
        // INTO makes a table elsewhere.
        ("SELECT 1 INTO a", "1:15 Create Relation a"),
        // What is wrong beside it is said.
        (
            "DO $$ DECLARE v int; BEGIN SELECT 1, 2 INTO v, v;v FROBNICATE; END $$",
            "1:6 Unread",
        ),
        (
            "DO $$ DECLARE v int; BEGIN SELECT 1 INTO v; v := 1 END $$",
            "1:6 Unread",
        ),
        (
            "DO $$ DECLARE v int; BEGIN SELECT 1 INTO v FROM k INTO v; END $$",
            "1:6 Unread",
        ),
    ]);
}

#[test]
fn sql_that_is_put_together_from_known_texts_is_read() {
    let block = |declare: &str, body: &str| format!("DO $$ DECLARE {declare} BEGIN {body} END $$");
    for (declare, body, name) in [
        ("", "EXECUTE 'DROP TABLE ' || 'a';", "a"),
        ("", "EXECUTE format('DROP TABLE %I.%I', 's', 'A');", "s.A"),
        ("", "EXECUTE format('DROP TABLE %2$I', 'x', 'a');", "a"),
        (
            "",
            "EXECUTE concat('DROP TABLE ', quote_ident('a b'));",
            "a b",
        ),
        ("", "EXECUTE 'DROP TABLE ' || chr(97);", "a"),
        ("", "EXECUTE E'DROP \\x54ABLE a';", "a"),
        ("q text := 'DROP TABLE ';", "q := q || 'a'; EXECUTE q;", "a"),
        (
            "t text;",
            "FOREACH t IN ARRAY ARRAY['a', 'b'] LOOP EXECUTE 'DROP TABLE ' || t; END LOOP;",
            "b",
        ),
        (
            "r record;",
            "FOR r IN SELECT * FROM (VALUES ('a')) v(t) LOOP EXECUTE format('DROP TABLE %I', r.t); END LOOP;",
            "a",
        ),
        (
            "b bool := true;",
            "EXECUTE CASE WHEN b THEN 'DROP TABLE a' ELSE 'SELECT 1' END;",
            "a",
        ),
        ("t text;", "SELECT 'DROP TABLE a' INTO t; EXECUTE t;", "a"),
        (
            "t text;",
            "SELECT INTO STRICT t 'DROP TABLE ' || 'a'; EXECUTE t;",
            "a",
        ),
        (
            "t text; u text;",
            "SELECT 'x', 'a' INTO u, t; EXECUTE 'DROP TABLE ' || t;",
            "a",
        ),
        (
            "r record;",
            "SELECT 'a' AS t, 'b' AS u INTO r; EXECUTE 'DROP TABLE ' || r.t;",
            "a",
        ),
    ] {
        let sql = block(declare, body);
        let told = told(&sql);
        let expected = format!("Change Relation {name}");
        assert!(
            told.iter().any(|line| line.ends_with(&expected)),
            "{sql}: {told:#?}"
        );
        assert!(
            !told.iter().any(|line| line.ends_with("Dynamic")),
            "{sql}: {told:#?}"
        );
    }
    for (declare, body) in [
        // What a query reads into a variable is not followed, and said, also where the variable had a known value before.
        ("s text;", "SELECT value INTO s FROM k_vars; EXECUTE s;"),
        (
            "s text := 'SELECT 1';",
            "SELECT value INTO STRICT s FROM k_vars; EXECUTE s;",
        ),
        (
            "s text := 'SELECT 1'; n int;",
            "SELECT 1, (SELECT value FROM k_vars) INTO n, s; EXECUTE s;",
        ),
        (
            "s text := 'SELECT 1';",
            "INSERT INTO k_vars (value) VALUES ('a') RETURNING value INTO s; EXECUTE s;",
        ),
        ("r record;", "SELECT * INTO r FROM k_vars; EXECUTE r.value;"),
        ("", "EXECUTE reverse('a ELBAT PORD');"),
        (
            "r record;",
            "FOR r IN SELECT tablename FROM pg_tables LOOP EXECUTE format('ANALYZE %I', r.tablename); END LOOP;",
        ),
        (
            "",
            "EXECUTE convert_from(decode('RFJPUA==', 'base64'), 'UTF8');",
        ),
    ] {
        let sql = block(declare, body);
        let told = told(&sql);
        assert!(
            told.iter().any(|line| line.ends_with("Dynamic")),
            "{sql}: {told:#?}"
        );
    }
    // A quoted value changes nothing about what the statement does.
    let quiet = told(&block(
        "v text;",
        "EXECUTE format('INSERT INTO a VALUES (%L)', v);",
    ));
    assert!(
        !quiet.iter().any(|line| line.ends_with("Dynamic")),
        "{quiet:#?}"
    );
}

#[test]
fn names_that_with_defines_are_no_relations() {
    let reads = |sql: &str| {
        told(sql)
            .into_iter()
            .filter(|line| line.contains("Relation"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        reads("WITH a AS (SELECT 1) SELECT * FROM a UNION SELECT * FROM a"),
        Vec::<String>::new()
    );
    assert_eq!(
        reads("WITH a AS (SELECT * FROM a) SELECT * FROM a"),
        ["1:26 Read Relation a"]
    );
    assert_eq!(
        reads("WITH RECURSIVE a AS (SELECT 1 UNION SELECT * FROM a) TABLE a"),
        Vec::<String>::new()
    );
    assert_eq!(
        reads("WITH a AS (SELECT 1) INSERT INTO a SELECT * FROM a"),
        ["1:34 Change Relation a"]
    );
}

#[test]
fn what_the_parser_does_not_know_is_said_and_its_names_are_read() {
    let told = told("SELECT 1;\nFROBNICATE TABLE a FROM \"b\";\nDROP TABLE c");
    for expected in [
        "2:1 Unread",
        "2:18 Change Relation a",
        "2:25 Read Relation b",
        "3:12 Change Relation c",
    ] {
        assert!(
            told.iter().any(|line| line == expected),
            "{expected}: {told:#?}"
        );
    }
}

#[test]
fn code_that_lies_too_deep_is_said_not_to_be_read() {
    let nested = |depth: usize| {
        let mut code = "DROP TABLE a".to_owned();
        for level in 0..depth {
            code =
                format!("DO $q{level}$ BEGIN EXECUTE $e{level}${code}$e{level}$; END $q{level}$");
        }
        told(&code)
    };
    let found = nested(4);
    assert!(
        found.iter().any(|line| line.ends_with("Change Relation a")),
        "{found:#?}"
    );
    assert!(
        !found.iter().any(|line| line.ends_with("Unread")),
        "{found:#?}"
    );
    for depth in [5, 6, 9] {
        let found = nested(depth);
        assert!(
            found.iter().any(|line| line.ends_with("Unread")),
            "{depth}: {found:#?}"
        );
    }
}

#[test]
fn hostile_texts_end() {
    for sql in [
        "DO $$ BEGIN EXECUTE 'x' || ; END",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS ''",
        "SELECT format('%', 1), format('%9$s'), format('%1$')",
        "\\",
        "$$",
        "U&\"",
        "",
    ] {
        let _ = effects(sql);
    }
    let nested = format!("SELECT {}1{}", "(".repeat(3000), ")".repeat(3000));
    let _ = effects(&nested);
    let joined = format!("DO $$ BEGIN EXECUTE {}'a'; END $$", "'a' || ".repeat(2000));
    let _ = effects(&joined);
}

#[test]
fn an_excerpt_holds_no_quoted_text() {
    let effects = effects("CREATE ROLE a PASSWORD 'canary'; DO $$ canary $$");
    for said in &effects.statements {
        assert!(!said.excerpt.contains("canary"), "{}", said.excerpt);
    }
}
