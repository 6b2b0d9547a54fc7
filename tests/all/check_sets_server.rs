//! `check` on statements that reach beyond the service's own database: what is the server's, and what only its superuser may.

use crate::check_sets::Repository;
use crate::lab::K;
use crate::side_by_side::each;

/// SQL, rule, severity, column, what the message names.
const FOUND: &[(&str, &str, &str, u64, &str)] = &[
    (
        "CHECKPOINT;",
        "sets/server-setting",
        "error",
        1,
        "CHECKPOINT",
    ),
    (
        "ALTER TABLESPACE fast SET (random_page_cost = 1);",
        "sets/server-setting",
        "error",
        1,
        "ALTER TABLESPACE fast",
    ),
    (
        "DROP TABLESPACE fast;",
        "sets/server-setting",
        "error",
        1,
        "DROP TABLESPACE fast",
    ),
    (
        "COMMENT ON TABLESPACE fast IS 'x';",
        "sets/server-setting",
        "error",
        12,
        "COMMENT ON TABLESPACE",
    ),
    (
        "SECURITY LABEL FOR a ON TABLESPACE fast IS 'x';",
        "sets/server-setting",
        "error",
        25,
        "SECURITY LABEL ON TABLESPACE",
    ),
    (
        "GRANT CREATE ON TABLESPACE fast TO k_social_user;",
        "sets/server-setting",
        "error",
        1,
        "grants CREATE on tablespace fast",
    ),
    (
        "REVOKE ALL ON TABLESPACE fast FROM PUBLIC;",
        "sets/server-setting",
        "error",
        15,
        "REVOKE ON TABLESPACE fast",
    ),
    (
        "REVOKE SET ON PARAMETER work_mem FROM PUBLIC;",
        "sets/server-setting",
        "error",
        15,
        "REVOKE ON PARAMETER work_mem",
    ),
    (
        "GRANT SET ON /* a */ PARAMETER work_mem TO k_social_user;",
        "sets/server-setting",
        "error",
        1,
        "setting work_mem",
    ),
    (
        "ALTER ROLE ALL SET work_mem = '1MB';",
        "sets/server-setting",
        "error",
        1,
        "ALTER ROLE ALL SET work_mem",
    ),
    (
        "ALTER USER ALL RESET ALL;",
        "sets/server-setting",
        "error",
        1,
        "ALTER ROLE ALL RESET ALL",
    ),
    (
        "CREATE ACCESS METHOD flat TYPE TABLE HANDLER flat_handler;",
        "sets/server-setting",
        "error",
        1,
        "CREATE ACCESS METHOD flat",
    ),
    (
        "DROP ACCESS METHOD flat;",
        "sets/server-setting",
        "error",
        1,
        "DROP ACCESS METHOD flat",
    ),
    (
        "DROP EVENT TRIGGER audit;",
        "sets/server-setting",
        "error",
        1,
        "DROP EVENT TRIGGER audit",
    ),
    (
        "CREATE OPERATOR CLASS k_ops FOR TYPE int4 USING btree AS OPERATOR 1 <;",
        "sets/server-setting",
        "warning",
        1,
        "needs a superuser",
    ),
    (
        "ALTER OPERATOR FAMILY integer_ops USING btree ADD OPERATOR 1 < (int4, int2);",
        "sets/server-setting",
        "warning",
        1,
        "ALTER OPERATOR FAMILY",
    ),
    (
        "CREATE CAST (bigint AS int4) WITHOUT FUNCTION;",
        "sets/server-setting",
        "warning",
        1,
        "WITHOUT FUNCTION",
    ),
    (
        "CREATE TYPE k_t (input = k_in, output = k_out);",
        "sets/server-setting",
        "warning",
        17,
        "input function",
    ),
    (
        "CREATE TEXT SEARCH TEMPLATE k_t (lexize = k_f);",
        "sets/server-setting",
        "warning",
        1,
        "TEXT SEARCH TEMPLATE",
    ),
    (
        "GRANT USAGE ON LANGUAGE plpython3u TO k_social_user;",
        "sets/link",
        "error",
        16,
        "language plpython3u",
    ),
    (
        "ALTER LANGUAGE plperlu RENAME TO perl;",
        "sets/link",
        "error",
        1,
        "language plperlu",
    ),
    (
        "CREATE TRANSFORM FOR k_t LANGUAGE plpython3u (FROM SQL WITH FUNCTION k_f(internal));",
        "sets/link",
        "error",
        1,
        "language plpython3u",
    ),
    (
        "GRANT USAGE ON FOREIGN /* a */ SERVER explorer TO k_social_user;",
        "sets/link",
        "error",
        16,
        "server explorer",
    ),
    (
        "ALTER FOREIGN DATA WRAPPER w OPTIONS (SET host 'x');",
        "sets/link",
        "error",
        1,
        "foreign data wrapper w",
    ),
    (
        "ALTER FOREIGN TABLE k_far OPTIONS (SET table_name 'blocks_copy');",
        "sets/link",
        "error",
        1,
        "foreign table k_far",
    ),
    (
        "ALTER EXTENSION postgres_fdw UPDATE;",
        "sets/link",
        "error",
        1,
        "extension postgres_fdw",
    ),
    (
        "CREATE EXTENSION hstore_plpython3u CASCADE;",
        "sets/link",
        "error",
        1,
        "hstore_plpython3u",
    ),
    (
        "SELECT * FROM pg_hba_file_rules;",
        "sets/server-file",
        "error",
        15,
        "pg_hba_file_rules",
    ),
    (
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO k_social_user;",
        "sets/system-schema",
        "error",
        27,
        "pg_read_file",
    ),
    (
        "CREATE TABLE k_copy AS SELECT rolname, rolpassword FROM pg_authid;",
        "sets/system-schema",
        "error",
        57,
        "passwords",
    ),
    (
        "REVOKE readers FROM simply_kaspa_user;",
        "sets/role",
        "error",
        1,
        "the role of simply-kaspa-indexer",
    ),
    (
        "GRANT CREATE ON DATABASE postgres TO k_social_user;",
        "sets/switches-database",
        "warning",
        26,
        "database postgres",
    ),
    (
        "ALTER ROLE k_social_user IN DATABASE simply_kaspa SET search_path = x;",
        "sets/foreign-object",
        "error",
        38,
        "database simply_kaspa",
    ),
    (
        "ALTER ROLE ALL IN DATABASE simply_kaspa RESET ALL;",
        "sets/foreign-object",
        "error",
        28,
        "database simply_kaspa",
    ),
    (
        "ALTER DATABASE simply_kaspa SET search_path = x;",
        "sets/switches-database",
        "error",
        1,
        "database simply_kaspa",
    ),
    (
        "ALTER ROLE ALL IN DATABASE ksocial SET work_mem = '1MB';",
        "sets/server-setting",
        "warning",
        36,
        "database ksocial",
    ),
    (
        "ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE fast;",
        "sets/unsafe-ddl",
        "warning",
        1,
        "rewriting-table",
    ),
    (
        "ALTER INDEX k_user_profiles_pkey SET TABLESPACE fast;",
        "sets/unsafe-ddl",
        "warning",
        1,
        "rewriting-table",
    ),
    (
        "REPACK k_user_profiles;",
        "sets/unsafe-ddl",
        "warning",
        1,
        "rewriting-table",
    ),
    (
        "ALTER TABLESPACE fast OWNER TO simply_kaspa_user;",
        "sets/server-setting",
        "error",
        1,
        "ALTER TABLESPACE fast",
    ),
    (
        "SELECT pg_hba_file_rules();",
        "sets/server-file",
        "error",
        8,
        "pg_hba_file_rules()",
    ),
    // What a definition names is called by whatever is defined.
    (
        "CREATE AGGREGATE k_all (text) (sfunc = dblink_exec, stype = text);",
        "sets/link",
        "error",
        40,
        "dblink_exec",
    ),
    (
        "CREATE OPERATOR ### (leftarg = text, function = pg_read_file);",
        "sets/server-file",
        "error",
        49,
        "pg_read_file",
    ),
    (
        "CREATE CAST (text AS k_t) WITH FUNCTION pg_read_file(text);",
        "sets/server-file",
        "error",
        41,
        "pg_read_file",
    ),
];

/// To take a link away is right, and what everybody may do is no matter of the server's.
const QUIET: &[&str] = &[
    "DROP SERVER IF EXISTS old CASCADE;",
    "DROP EXTENSION IF EXISTS dblink;",
    "DROP PUBLICATION IF EXISTS old;",
    "DROP SUBSCRIPTION IF EXISTS old;",
    "DROP FOREIGN TABLE IF EXISTS k_far;",
    "DROP USER MAPPING IF EXISTS FOR CURRENT_USER SERVER old;",
    "REVOKE USAGE ON FOREIGN SERVER old FROM PUBLIC;",
    "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;",
    "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM PUBLIC;",
    "REVOKE simply_kaspa_user FROM k_social_user;",
    "GRANT USAGE ON LANGUAGE plpgsql TO k_social_user;",
    "GRANT CONNECT ON DATABASE ksocial TO k_social_user;",
    "DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO k_social_user', current_database()); END $$;",
    "COMMENT ON DATABASE ksocial IS 'posts';",
    "CREATE TABLE k_cold (i int) TABLESPACE cold;",
    "SET LOCAL default_tablespace = cold;",
    "CREATE CAST (k_mood AS text) WITH INOUT AS IMPLICIT;",
    "CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq);",
    "ALTER OPERATOR FAMILY k_ops USING btree RENAME TO k_ops2;",
    "ALTER EXTENSION pgcrypto UPDATE;",
    "CREATE EXTENSION jsonb_plperl CASCADE;",
    "ALTER FOREIGN TABLE k_far ADD COLUMN a int;",
    "SELECT rolname FROM pg_roles;",
    "SELECT pg_notify('k_posts', 'x');",
    "REPACK (CONCURRENTLY) k_user_profiles;",
    "CREATE INDEX CONCURRENTLY k_i ON k_user_profiles (username COLLATE pg_catalog.\"C\");",
    "CREATE CAST (bytea AS k_t) WITH FUNCTION pg_catalog.encode(bytea, text);",
    "CREATE AGGREGATE k_sum(int) (sfunc = pg_catalog.int4pl, stype = int);",
    "GRANT USAGE ON SCHEMA public TO PUBLIC;",
];

#[test]
fn what_is_the_servers_is_found_once() {
    each(FOUND, |(sql, rule, severity, column, mentions)| {
        let repository = Repository::new();
        repository.write(K, "V90__case.sql", &format!("SELECT 1;\n{sql}"));
        let found = repository.found();
        assert_eq!(found.len(), 1, "{sql}\n{found:#?}");
        for hit in found {
            assert_eq!(
                (hit.rule.as_str(), hit.severity.as_str()),
                (*rule, *severity),
                "{sql}\n{hit:#?}"
            );
            assert_eq!((hit.line, hit.column), (2, *column), "{sql}\n{hit:#?}");
            assert!(hit.message.contains(mentions), "{sql}\n{hit:#?}");
        }
    });
}

#[test]
fn what_stays_in_the_database_is_quiet() {
    each(QUIET, |sql| {
        let repository = Repository::new();
        repository.write(K, "V90__case.sql", sql);
        let found = repository.found();
        assert!(found.is_empty(), "{sql}\n{found:#?}");
    });
}

#[test]
fn each_statement_of_a_line_is_told_where_it_is() {
    let repository = Repository::new();
    repository.write(
        K,
        "V90__case.sql",
        "BEGIN; CREATE TABLE k_new (i int); COMMIT;",
    );
    let found = repository.found();
    let mut places: Vec<u64> = found.iter().map(|hit| hit.column).collect();
    places.sort_unstable();
    assert_eq!(places, [1, 36], "{found:#?}");
}
