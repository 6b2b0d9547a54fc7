//! Privileges on real servers: grants, owners, memberships, settings, and what a whole server gives away.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::lab::{K, Lab, R, S, binaries, psql, start};
use crate::sandbox::until;
use crate::standby::Replica;
use crate::verify_access::rgb_alone;
use crate::verify_cases::{Case, assert_clean, case, follow, list, play, shown, text, verify, zoo};

const GRANT: &str = "access/object-grant";
const SYSTEM: &str = "access/system-grant";
const DEFAULTS: &str = "access/default-privileges";
const OWNER: &str = "access/object-owner";
const DEFINER: &str = "access/security-definer";
const MEMBERSHIP: &str = "access/membership";
const SETTING: &str = "access/setting";

pub const CASES: &[Case] = &[
    case(GRANT, "error", R, ("table", "public", "animals"), "GRANT INSERT, SELECT ON public.animals, public.cages TO \"{k_social_user}\"")
        .of(K)
        .says(&["INSERT, SELECT", "public.animals", "public.cages", "{k_social_user}", K]),
    case(GRANT, "error", S, ("table", "public", "addresses"), "GRANT REFERENCES, TRIGGER ON public.addresses TO \"{rgb_user}\"").of(R).says(&["TRIGGER"]),
    case(GRANT, "error", R, ("table", "public", "cages"), "GRANT SELECT ON public.cages TO PUBLIC").says(&["PUBLIC", "public.cages"]),
    case(GRANT, "error", R, ("table", "public", "cages"), "CREATE ROLE \"readers_{suffix}\"; CREATE ROLE \"more_{suffix}\"; GRANT \"readers_{suffix}\" TO \"more_{suffix}\"; \
          GRANT \"more_{suffix}\" TO \"{simply_kaspa_user}\"; GRANT SELECT ON public.cages TO \"readers_{suffix}\"")
        .of(S)
        .says(&["readers_{suffix}", "{simply_kaspa_user}"])
        .then("DROP ROLE \"readers_{suffix}\"; DROP ROLE \"more_{suffix}\""),
    case(GRANT, "warning", R, ("table", "public", "cages"), "CREATE ROLE \"analyst_{suffix}\"; GRANT SELECT ON public.cages TO \"analyst_{suffix}\"")
        .says(&["analyst_{suffix}", "no service's"])
        .then("DROP ROLE \"analyst_{suffix}\""),
    case(GRANT, "warning", R, ("database", "", "{rgb_lightning_node}"), "CREATE ROLE \"analyst_{suffix}\"; GRANT CREATE ON DATABASE \"{rgb_lightning_node}\" TO \"analyst_{suffix}\"")
        .says(&["analyst_{suffix}", "CREATE"])
        .then("DROP ROLE \"analyst_{suffix}\""),
    case(GRANT, "error", R, ("column", "public", "animals.name"), "GRANT SELECT (name), UPDATE (name) ON public.animals TO \"{k_social_user}\"").of(K).says(&["public.animals.name"]),
    case(GRANT, "error", R, ("sequence", "public", "ticket"), "GRANT USAGE ON SEQUENCE public.ticket TO \"{k_social_user}\"").of(K),
    case(GRANT, "error", R, ("view", "public", "sad_animals"), "GRANT SELECT ON public.sad_animals TO \"{k_social_user}\"").of(K),
    case(GRANT, "error", R, ("function", "public", "speak"), "GRANT EXECUTE ON FUNCTION public.speak(text) TO \"{k_social_user}\"").of(K).says(&["public.speak(text)"]),
    case(GRANT, "error", R, ("type", "public", "mood"), "GRANT USAGE ON TYPE public.mood, public.posint TO \"{k_social_user}\"").of(K).says(&["public.mood", "public.posint"]),
    case(GRANT, "error", R, ("schema", "", "public"), "GRANT USAGE ON SCHEMA public TO \"{k_social_user}\"").of(K).says(&["USAGE"]),
    case(GRANT, "error", R, ("large_object", "", "990001"), "SELECT lo_from_bytea(990001, ''); ALTER LARGE OBJECT 990001 OWNER TO \"{rgb_user}\"; \
          GRANT SELECT ON LARGE OBJECT 990001 TO \"{k_social_user}\"")
        .of(K)
        .says(&["large object 990001"]),
    // One chunk alone; what the hypertable has is said there, once.
    case(GRANT, "error", K, ("chunk", "_timescaledb_internal", "_hyper_1_1_chunk"), "INSERT INTO public.events VALUES (now(), now(), 'x'); \
          GRANT SELECT ON _timescaledb_internal._hyper_1_1_chunk TO \"{rgb_user}\"")
        .of(R)
        .says(&["_hyper_1_1_chunk of events"]),
    case(GRANT, "error", K, ("table", "public", "events"), "GRANT SELECT ON public.events TO \"{rgb_user}\"").of(R).says(&["table public.events in"]),
    case(GRANT, "error", K, ("column", "_timescaledb_internal", "_hyper_1_1_chunk.source"), "GRANT SELECT (source) ON _timescaledb_internal._hyper_1_1_chunk TO PUBLIC"),
    // What is in no set and open to others is one finding, and its remedy removes it.
    case(GRANT, "error", R, ("view", "public", "wallet_view"), "CREATE VIEW public.wallet_view AS SELECT id FROM public.animals; ALTER VIEW public.wallet_view OWNER TO \"{rgb_user}\"; \
          GRANT SELECT ON public.wallet_view TO \"{k_social_user}\"")
        .of(K)
        .says(&["public.wallet_view", "{k_social_user}"]),
    case(SYSTEM, "error", K, ("table", "pg_catalog", "pg_authid"), "GRANT SELECT ON pg_catalog.pg_authid TO \"{k_social_user}\"").says(&["{k_social_user}", "pg_authid"]),
    case(SYSTEM, "error", R, ("column", "pg_catalog", "pg_authid.rolpassword"), "GRANT SELECT (rolpassword) ON pg_catalog.pg_authid TO \"{k_social_user}\"").of(K),
    case(SYSTEM, "error", R, ("function", "pg_catalog", "pg_read_file"), "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO PUBLIC").says(&["pg_read_file(text)", "PUBLIC"]),
    // PUBLIC has it from the start; by name it is somebody's doing all the same.
    case(SYSTEM, "error", K, ("language", "", "plpgsql"), "GRANT USAGE ON LANGUAGE plpgsql TO \"{simply_kaspa_user}\"").of(S).says(&["USAGE"]),
    case(SYSTEM, "error", K, ("schema", "", "_timescaledb_internal"), "GRANT CREATE, USAGE ON SCHEMA _timescaledb_internal TO \"{simply_kaspa_user}\"").of(S).says(&["CREATE"]),
    case(SYSTEM, "warning", K, ("table", "_timescaledb_catalog", "hypertable"), "GRANT INSERT ON _timescaledb_catalog.hypertable TO \"{k_social_user}\""),
    // What PUBLIC has from the start, and more than that.
    case(SYSTEM, "error", K, ("function", "public", "approximate_row_count"), "GRANT EXECUTE ON FUNCTION public.approximate_row_count(regclass) TO \"{simply_kaspa_user}\" WITH GRANT OPTION")
        .of(S)
        .says(&["may grant it"]),
    case(DEFAULTS, "error", S, ("role", "", "{simply_kaspa_user}"), "ALTER DEFAULT PRIVILEGES FOR ROLE \"{simply_kaspa_user}\" IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC")
        .says(&["schema public", "PUBLIC", "SELECT"]),
    case(DEFAULTS, "error", S, ("role", "", "{simply_kaspa_user}"), "ALTER DEFAULT PRIVILEGES FOR ROLE \"{simply_kaspa_user}\" GRANT EXECUTE ON FUNCTIONS TO \"{k_social_user}\"").of(K),
    case("drift/unknown-object", "error", R, ("large_object", "", "990002"), "SELECT lo_from_bytea(990002, ''); ALTER LARGE OBJECT 990002 OWNER TO \"{k_social_user}\"")
        .of(K)
        .says(&["990002", "{k_social_user}"]),
    case(OWNER, "warning", R, ("table", "public", "cages"), "ALTER TABLE public.cages OWNER TO CURRENT_USER; GRANT SELECT, INSERT ON public.cages TO \"{rgb_user}\"")
        .says(&["superuser"]),
    // A restore without owners and privileges, and an owner whose rights were revoked: the service stands before closed doors.
    case(OWNER, "error", R, ("table", "public", "cages"), "ALTER TABLE public.cages OWNER TO CURRENT_USER; ALTER VIEW public.sad_animals OWNER TO CURRENT_USER")
        .says(&["superuser", "cannot use table public.cages, view public.sad_animals"]),
    case(OWNER, "error", R, ("sequence", "public", "ticket"), "REVOKE ALL ON public.animals, public.cages, public.ticket FROM \"{rgb_user}\"")
        .says(&["{rgb_user}", "cannot use sequence public.ticket, table public.animals, table public.cages"]),
    case(OWNER, "error", R, ("table", "public", "cages"), "REVOKE INSERT, UPDATE, DELETE ON public.cages FROM \"{rgb_user}\"").says(&["cannot use table public.cages"]),
    // dbctl's own books, a group with another service in it, what initdb made.
    case(OWNER, "error", R, ("schema", "", "dbctl"), "ALTER SCHEMA dbctl OWNER TO \"{k_social_user}\"; ALTER TABLE dbctl.identity OWNER TO \"{k_social_user}\"; \
          ALTER TABLE public.refinery_schema_history OWNER TO \"{k_social_user}\"")
        .of(K)
        .says(&["schema dbctl", "table dbctl.identity", "table public.refinery_schema_history", "{k_social_user}"]),
    case(OWNER, "error", R, ("table", "public", "cages"), "CREATE ROLE \"team_{suffix}\"; GRANT \"team_{suffix}\" TO \"{k_social_user}\"; ALTER TABLE public.cages OWNER TO \"team_{suffix}\"")
        .of(K)
        .says(&["team_{suffix}", "{k_social_user}"])
        .then("DROP ROLE \"team_{suffix}\""),
    case(OWNER, "error", R, ("object", "", "language plpgsql"), "ALTER LANGUAGE plpgsql OWNER TO \"{k_social_user}\"")
        .of(K)
        .says(&["language plpgsql", "{k_social_user}"]),
    case(OWNER, "error", R, ("object", "", "function max(integer)"), "ALTER OPERATOR pg_catalog.+(integer, integer) OWNER TO \"{k_social_user}\"; \
          ALTER TEXT SEARCH CONFIGURATION pg_catalog.english OWNER TO \"{k_social_user}\"; ALTER DOMAIN information_schema.yes_or_no OWNER TO \"{k_social_user}\"; \
          ALTER OPERATOR CLASS pg_catalog.int4_ops USING btree OWNER TO \"{k_social_user}\"; ALTER FUNCTION pg_catalog.pg_read_file(text) OWNER TO \"{k_social_user}\"; \
          ALTER SCHEMA information_schema OWNER TO \"{k_social_user}\"; ALTER VIEW information_schema.tables OWNER TO \"{k_social_user}\"; \
          ALTER AGGREGATE pg_catalog.max(integer) OWNER TO \"{k_social_user}\"; ALTER COLLATION pg_catalog.\"C\" OWNER TO \"{k_social_user}\"")
        .of(K),
    case("access/database-owner", "error", R, ("database", "", "{rgb_lightning_node}"), "CREATE ROLE \"team_{suffix}\"; GRANT \"team_{suffix}\" TO \"{k_social_user}\"; GRANT \"team_{suffix}\" TO \"{rgb_user}\"; \
          ALTER DATABASE \"{rgb_lightning_node}\" OWNER TO \"team_{suffix}\"; REVOKE \"team_{suffix}\" FROM \"{rgb_user}\"; GRANT CONNECT ON DATABASE \"{rgb_lightning_node}\" TO \"{rgb_user}\"")
        .of(K)
        .says(&["team_{suffix}", "{k_social_user}"])
        .then("DROP ROLE \"team_{suffix}\""),
    case("drift/unknown-object", "error", R, ("operator_family", "public", "loose"), "CREATE OPERATOR FAMILY public.loose USING btree; ALTER OPERATOR FAMILY public.loose USING btree OWNER TO \"{k_social_user}\"")
        .of(K),
    case(DEFINER, "error", R, ("function", "public", "k_admin"), "CREATE FUNCTION public.k_admin() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1'; \
          ALTER FUNCTION public.k_admin() OWNER TO \"{k_social_user}\"")
        .of(K)
        .says(&["{k_social_user}", "executable by PUBLIC", K]),
    case(DEFINER, "warning", R, ("function", "public", "k_admin"), "CREATE FUNCTION public.k_admin() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; \
          REVOKE ALL ON FUNCTION public.k_admin() FROM PUBLIC; ALTER FUNCTION public.k_admin() OWNER TO \"{rgb_user}\"")
        .says(&["public.k_admin()", "search_path"]),
    case(DEFINER, "error", R, ("function", "public", "k_admin"), "CREATE FUNCTION public.k_admin() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1'; \
          REVOKE ALL ON FUNCTION public.k_admin() FROM PUBLIC; GRANT EXECUTE ON FUNCTION public.k_admin() TO \"{k_social_user}\"; ALTER FUNCTION public.k_admin() OWNER TO \"{rgb_user}\"")
        .of(K)
        .says(&["public.k_admin()", "{k_social_user}"]),
    case(DEFINER, "error", R, ("function", "public", "k_admin"), "CREATE FUNCTION public.k_admin() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1'")
        .says(&["superuser", "executable by PUBLIC"]),
    case(MEMBERSHIP, "error", S, ("role", "", "{simply_kaspa_user}"), "GRANT \"{k_social_user}\" TO \"{simply_kaspa_user}\" WITH INHERIT FALSE, SET TRUE").of(K).says(&["act as it, by SET ROLE"]),
    case(MEMBERSHIP, "error", S, ("role", "", "{simply_kaspa_user}"), "GRANT \"{k_social_user}\" TO \"{simply_kaspa_user}\" WITH INHERIT FALSE, SET FALSE, ADMIN TRUE").of(K).says(&["ADMIN"]),
    // SET ROLE to the group, and what the group inherits is there.
    case(MEMBERSHIP, "error", S, ("role", "", "{simply_kaspa_user}"), "CREATE ROLE \"a_{suffix}\"; GRANT \"{k_social_user}\" TO \"a_{suffix}\" WITH INHERIT TRUE, SET FALSE; \
          GRANT \"a_{suffix}\" TO \"{simply_kaspa_user}\" WITH INHERIT FALSE, SET TRUE")
        .of(K)
        .says(&["through a_{suffix}", "by INHERIT"])
        .then("DROP ROLE \"a_{suffix}\""),
    case(MEMBERSHIP, "warning", K, ("role", "", "analyst_{suffix}"), "CREATE ROLE \"a_{suffix}\"; CREATE ROLE \"analyst_{suffix}\" LOGIN; GRANT \"{k_social_user}\" TO \"a_{suffix}\"; \
          GRANT \"a_{suffix}\" TO \"analyst_{suffix}\"")
        .says(&["analyst_{suffix}", "no service's", "{k_social_user}", "through a_{suffix}"])
        .then("DROP ROLE \"a_{suffix}\"; DROP ROLE \"analyst_{suffix}\""),
    case(MEMBERSHIP, "warning", S, ("role", "", "{simply_kaspa_user}"), "GRANT \"{k_social_user}\" TO \"{simply_kaspa_user}\" WITH INHERIT FALSE, SET FALSE").of(K).says(&["options are off"]),
    case(MEMBERSHIP, "error", S, ("role", "", "{simply_kaspa_user}"), "CREATE ROLE \"a_{suffix}\"; CREATE ROLE \"b_{suffix}\"; GRANT \"{k_social_user}\" TO \"b_{suffix}\"; \
          GRANT \"b_{suffix}\" TO \"a_{suffix}\"; GRANT \"a_{suffix}\" TO \"{simply_kaspa_user}\"")
        .of(K)
        .says(&["{k_social_user}", "a_{suffix}", "b_{suffix}"])
        .then("DROP ROLE \"a_{suffix}\"; DROP ROLE \"b_{suffix}\""),
    case(MEMBERSHIP, "error", S, ("role", "", "{simply_kaspa_user}"), "CREATE ROLE \"a_{suffix}\" CREATEROLE; GRANT \"a_{suffix}\" TO \"{simply_kaspa_user}\"")
        .says(&["CREATEROLE", "a_{suffix}"])
        .then("DROP ROLE \"a_{suffix}\""),
    case("access/shared-group", "warning", S, ("role", "", "team_{suffix}"), "CREATE ROLE \"team_{suffix}\"; GRANT \"team_{suffix}\" TO \"{k_social_user}\", \"{simply_kaspa_user}\"")
        .of(K)
        .says(&["{k_social_user}", "{simply_kaspa_user}"])
        .then("DROP ROLE \"team_{suffix}\""),
    case(SETTING, "error", K, ("role", "", "{k_social_user}"), "ALTER ROLE \"{k_social_user}\" SET search_path = simply_kaspa, public").says(&["search_path", "simply_kaspa"]),
    case(SETTING, "error", K, ("database", "", "{ksocial}"), "ALTER DATABASE \"{ksocial}\" SET search_path = legacy, public").says(&["{ksocial}", "legacy"]),
    case(SETTING, "error", K, ("role", "", "{k_social_user}"), "ALTER ROLE \"{k_social_user}\" IN DATABASE \"{ksocial}\" SET search_path = ''").says(&["search_path", "do not find"]),
    case(SETTING, "error", R, ("database", "", "{rgb_lightning_node}"), "ALTER DATABASE \"{rgb_lightning_node}\" SET search_path = pg_catalog").says(&["pg_catalog", "do not find"]),
    case(SETTING, "error", R, ("database", "", "{rgb_lightning_node}"), "ALTER DATABASE \"{rgb_lightning_node}\" SET session_preload_libraries = 'dblink'").says(&["session_preload_libraries", "dblink"]),
    case(SETTING, "error", R, ("role", "", "{rgb_user}"), "CREATE ROLE \"other_{suffix}\"; GRANT \"other_{suffix}\" TO \"{rgb_user}\"; \
          ALTER ROLE \"{rgb_user}\" IN DATABASE \"{rgb_lightning_node}\" SET role = 'other_{suffix}'")
        .says(&["role = other_{suffix}"])
        .then("DROP ROLE \"other_{suffix}\""),
    case(SETTING, "warning", R, ("role", "", "{k_social_user}"), "ALTER ROLE \"{k_social_user}\" IN DATABASE \"{rgb_lightning_node}\" SET search_path = legacy")
        .of(K)
        .says(&["{k_social_user}", K, "{rgb_lightning_node}", "legacy"]),
    case(SETTING, "warning", S, ("role", "", "{k_social_user}"), "ALTER ROLE \"{k_social_user}\" IN DATABASE \"{simply_kaspa}\" SET role = '{simply_kaspa_user}'")
        .of(K)
        .says(&["{k_social_user}", "{simply_kaspa_user}", "every session becomes that role"]),
    case(SETTING, "error", R, ("database", "", "{rgb_lightning_node}"), "ALTER DATABASE \"{rgb_lightning_node}\" SET dynamic_library_path = '/tmp/lib:$libdir'").says(&["dynamic_library_path"]),
    case(SETTING, "error", K, ("database", "", "{ksocial}"), "ALTER DATABASE \"{ksocial}\" SET event_triggers = off").says(&["event_triggers", "TimescaleDB"]),
    case(SETTING, "error", R, ("database", "", "{rgb_lightning_node}"), "ALTER DATABASE \"{rgb_lightning_node}\" SET lo_compat_privileges = 'T'").says(&["lo_compat_privileges"]),
    case(SETTING, "error", R, ("database", "", "{rgb_lightning_node}"), "ALTER DATABASE \"{rgb_lightning_node}\" SET default_transaction_read_only = on").says(&["default_transaction_read_only", "nothing can be written"]),
    case(SETTING, "warning", R, ("role", "", "{rgb_user}"), "ALTER ROLE \"{rgb_user}\" SET row_security = off").says(&["row_security"]),
    case(SETTING, "warning", K, ("role", "", "{k_social_user}"), "ALTER ROLE \"{k_social_user}\" IN DATABASE \"{ksocial}\" SET check_function_bodies = off").says(&["check_function_bodies"]),
    case(SETTING, "error", S, ("database", "", "{simply_kaspa}"), "ALTER DATABASE \"{simply_kaspa}\" SET zero_damaged_pages = on").says(&["zero_damaged_pages"]),
    // What is as it is anyhow.
    case(SETTING, "warning", K, ("database", "", "{ksocial}"), "ALTER DATABASE \"{ksocial}\" SET default_transaction_read_only = off; ALTER DATABASE \"{ksocial}\" SET row_security = on; \
          ALTER DATABASE \"{ksocial}\" SET standard_conforming_strings = on; ALTER DATABASE \"{ksocial}\" SET backslash_quote = safe_encoding; ALTER DATABASE \"{ksocial}\" SET array_nulls = off")
        .says(&["array_nulls"])
        .then("ALTER DATABASE \"{ksocial}\" RESET ALL"),
    case(SETTING, "error", R, ("role", "", "{rgb_user}"), "ALTER ROLE \"{rgb_user}\" SET default_table_access_method = 'columns'").says(&["default_table_access_method", "columns"]),
    case("access/parameter-grant", "error", K, ("parameter", "", "archive_command"), "GRANT ALTER SYSTEM ON PARAMETER archive_command TO \"{k_social_user}\"").says(&["ALTER SYSTEM", "{k_social_user}"]),
    case("access/template-database", "error", S, ("database", "", "{simply_kaspa}"), "ALTER DATABASE \"{simply_kaspa}\" IS_TEMPLATE true").says(&["template", "{simply_kaspa}"]),
    case("access/look-alike-role", "error", K, ("role", "", "K_social_user_{suffix}"), "CREATE ROLE \"K_social_user_{suffix}\" LOGIN").says(&["K_social_user_{suffix}", "{k_social_user}"]),
];

/// Rules that need more than SQL in one database, and the test that plants them.
pub const ELSEWHERE: &[(&str, &str)] = &[
    (
        "access/owns-elsewhere",
        "what_a_role_owns_in_other_databases",
    ),
    ("access/tablespace", "a_tablespace_of_two_services"),
    (
        "access/foreign-session",
        "another_service_that_is_connected",
    ),
    ("access/streaming-standby", "a_standby_holds_every_database"),
    (
        "access/foreign-role",
        "another_services_role_in_a_server_of_one",
    ),
    ("access/weak-password", "a_password_that_is_stored_badly"),
    ("access/hba", "lines_that_take_weak_proofs"),
];

/// What an operator does, and nobody has to be told of.
const BENIGN: &[(&str, &str, &str)] = &[
    (
        "rgb_lightning_node",
        "GRANT SELECT ON public.cages TO \"{rgb_user}\"",
        "SELECT 1",
    ),
    // What PUBLIC may from the start.
    (
        "ksocial",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO \"{k_social_user}\", \"{rgb_user}\"; GRANT SELECT ON timescaledb_information.hypertables TO \"{k_social_user}\"",
        "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM \"{k_social_user}\", \"{rgb_user}\"; REVOKE SELECT ON timescaledb_information.hypertables FROM \"{k_social_user}\"",
    ),
    (
        "rgb_lightning_node",
        "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) TO PUBLIC",
    ),
    (
        "ksocial",
        "ALTER DEFAULT PRIVILEGES FOR ROLE \"{k_social_user}\" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; GRANT SELECT ON public.events TO \"{k_social_user}\"; INSERT INTO public.events VALUES (now() - interval '9 days', now(), 'y')",
        "ALTER DEFAULT PRIVILEGES FOR ROLE \"{k_social_user}\" GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
    ),
    // Rows that are only added, and a table of which some columns are read.
    (
        "rgb_lightning_node",
        "REVOKE UPDATE, DELETE, TRUNCATE ON public.cages FROM \"{rgb_user}\"; REVOKE SELECT ON public.animals FROM \"{rgb_user}\"; GRANT SELECT (id) ON public.animals TO \"{rgb_user}\"",
        "GRANT ALL ON public.cages, public.animals TO \"{rgb_user}\"; REVOKE SELECT (id) ON public.animals FROM \"{rgb_user}\"",
    ),
    (
        "postgres",
        "CREATE ROLE \"watcher_{suffix}\" LOGIN; GRANT pg_monitor TO \"watcher_{suffix}\"; CREATE ROLE \"dba_{suffix}\" SUPERUSER LOGIN; GRANT CONNECT ON DATABASE \"{ksocial}\" TO \"watcher_{suffix}\"",
        "REVOKE CONNECT ON DATABASE \"{ksocial}\" FROM \"watcher_{suffix}\"; DROP ROLE \"watcher_{suffix}\"; DROP ROLE \"dba_{suffix}\"",
    ),
    (
        "postgres",
        "ALTER DATABASE \"{ksocial}\" SET work_mem = '64MB'; ALTER ROLE \"{k_social_user}\" SET search_path = public; ALTER ROLE \"{k_social_user}\" SET statement_timeout = '30s'",
        "ALTER DATABASE \"{ksocial}\" RESET work_mem; ALTER ROLE \"{k_social_user}\" RESET ALL",
    ),
];

#[test]
fn every_privilege_is_one_finding_and_its_remedy_takes_it_back() {
    let lab = zoo();
    play(&lab, CASES);
    for (database, plant, undo) in BENIGN {
        lab.sql(database, &crate::verify_cases::fill(&lab, plant));
        assert_clean(&lab);
        lab.sql(database, &crate::verify_cases::fill(&lab, undo));
    }
}

/// Rule, severity and service of each finding.
fn rules(report: &Value) -> Vec<(&str, &str, &str)> {
    list(report, "findings")
        .iter()
        .map(|found| {
            (
                text(found, "rule"),
                text(found, "severity"),
                text(found, "service"),
            )
        })
        .collect()
}

#[track_caller]
pub fn only<'a>(report: &'a Value, rule: &str, severity: &str, service: &str) -> &'a Value {
    assert_eq!(
        rules(report),
        [(rule, severity, service)],
        "{}",
        shown(report)
    );
    &report["findings"][0]
}

/// The Apache edition makes no continuous aggregates, but takes them for what its catalog says, and copies what is granted on them.
#[test]
fn a_grant_on_a_continuous_aggregate_is_one_finding() {
    let lab = Lab::migrated();
    lab.sql(
        "ksocial",
        "CREATE TABLE _timescaledb_internal._materialized_hypertable_0 (bucket timestamptz NOT NULL, n bigint); \
         SELECT create_hypertable('_timescaledb_internal._materialized_hypertable_0', by_range('bucket')); \
         CREATE VIEW public.daily AS SELECT bucket, n FROM _timescaledb_internal._materialized_hypertable_0; \
         CREATE VIEW _timescaledb_internal._partial_view_0 AS SELECT \"time\" AS bucket FROM public.k_posts; \
         CREATE VIEW _timescaledb_internal._direct_view_0 AS SELECT \"time\" AS bucket FROM public.k_posts; \
         INSERT INTO _timescaledb_catalog.continuous_agg (mat_hypertable_id, raw_hypertable_id, user_view_schema, user_view_name, \
             partial_view_schema, partial_view_name, direct_view_schema, direct_view_name) \
         SELECT m.id, r.id, 'public', 'daily', '_timescaledb_internal', '_partial_view_0', '_timescaledb_internal', '_direct_view_0' \
           FROM _timescaledb_catalog.hypertable m, _timescaledb_catalog.hypertable r \
          WHERE m.table_name = '_materialized_hypertable_0' AND r.table_name = 'k_posts'; \
         INSERT INTO _timescaledb_catalog.continuous_aggs_bucket_function (mat_hypertable_id, bucket_func, bucket_width, bucket_fixed_width) \
         SELECT mat_hypertable_id, 'public.time_bucket(interval,timestamptz)', '1 day', true FROM _timescaledb_catalog.continuous_agg",
    );
    let grants = || {
        let report = verify(&lab, &["--service", K]);
        let found: Vec<Value> = list(&report, "findings")
            .iter()
            .filter(|found| found["rule"] == GRANT)
            .cloned()
            .collect();
        found
    };
    assert!(grants().is_empty());
    let role = lab.db("rgb_user");
    lab.sql(
        "ksocial",
        &format!("GRANT SELECT ON public.daily TO \"{role}\""),
    );
    let copied = "SELECT count(*) FROM pg_class WHERE relname IN ('daily', '_materialized_hypertable_0') AND relacl IS NOT NULL";
    assert_eq!(lab.sql("ksocial", copied), "2");
    let found = grants();
    let [found] = found.as_slice() else {
        panic!("{found:#?}");
    };
    assert!(
        text(found, "message").contains("view public.daily"),
        "{found}"
    );
    // What is granted behind it alone is no copy.
    lab.sql(
        "ksocial",
        &format!(
            "REVOKE ALL ON public.daily FROM \"{role}\"; GRANT SELECT ON _timescaledb_internal._materialized_hypertable_0 TO \"{role}\""
        ),
    );
    let found = grants();
    let [found] = found.as_slice() else {
        panic!("{found:#?}");
    };
    assert!(
        text(found, "message").contains("_materialized_hypertable_0"),
        "{found}"
    );
}

#[test]
fn what_was_granted_on_is_taken_back_by_who_gave_it() {
    let lab = Lab::migrated();
    let (k, s, r) = (
        lab.db("k_social_user"),
        lab.db("simply_kaspa_user"),
        "rgb_lightning_node",
    );
    lab.sql(
        r,
        &format!(
            "GRANT USAGE ON SCHEMA public TO \"{k}\"; GRANT SELECT ON public.virtual_channels TO \"{k}\" WITH GRANT OPTION; \
             SET ROLE \"{k}\"; GRANT SELECT ON public.virtual_channels TO \"{s}\""
        ),
    );
    let report = verify(&lab, &[]);
    assert_eq!(list(&report, "findings").len(), 3, "{}", shown(&report));
    assert!(
        shown(&report).contains("may grant it")
            && shown(&report).contains(&format!("granted by role {k}"))
    );
    follow(&lab, &list(&report, "findings").iter().collect::<Vec<_>>());
    assert_clean(&lab);
}

#[test]
fn a_chain_of_grants_is_taken_back_from_its_beginning() {
    let lab = Lab::migrated();
    let (k, s) = (lab.db("k_social_user"), lab.db("simply_kaspa_user"));
    let (database, dba) = (lab.db("rgb_lightning_node"), lab.db("dba"));
    lab.sql("postgres", &format!("CREATE ROLE \"{dba}\" CREATEROLE"));
    // Of the database, of schema public, of a parameter, and of a role.
    for sql in [
        format!(
            "GRANT CONNECT ON DATABASE \"{database}\" TO \"{k}\" WITH GRANT OPTION; SET ROLE \"{k}\"; \
             GRANT CONNECT ON DATABASE \"{database}\" TO \"{s}\""
        ),
        format!(
            "GRANT CONNECT ON DATABASE \"{database}\" TO \"{dba}\" WITH GRANT OPTION; SET ROLE \"{dba}\"; \
             GRANT CONNECT ON DATABASE \"{database}\" TO \"{s}\""
        ),
        format!(
            "GRANT USAGE, CREATE ON SCHEMA public TO \"{k}\" WITH GRANT OPTION; SET ROLE \"{k}\"; \
             GRANT CREATE ON SCHEMA public TO \"{s}\""
        ),
        format!(
            "GRANT SET ON PARAMETER session_replication_role TO \"{k}\" WITH GRANT OPTION; SET ROLE \"{k}\"; \
             GRANT SET ON PARAMETER session_replication_role TO \"{s}\""
        ),
        format!(
            "GRANT \"{k}\" TO \"{dba}\" WITH ADMIN OPTION; SET ROLE \"{dba}\"; GRANT \"{k}\" TO \"{s}\""
        ),
    ] {
        lab.sql("rgb_lightning_node", &sql);
        let report = verify(&lab, &[]);
        let found = list(&report, "findings");
        assert!(!found.is_empty(), "{sql}");
        follow(&lab, &found.iter().collect::<Vec<_>>());
        let left = verify(&lab, &[]);
        let errors = list(&left, "findings").iter();
        let errors = errors.filter(|found| found["severity"] == "error");
        assert_eq!(
            errors.count(),
            0,
            "{sql}\n{}\n{}",
            shown(&report),
            shown(&left)
        );
        lab.sql(
            "rgb_lightning_node",
            &format!("REVOKE ALL ON DATABASE \"{database}\" FROM \"{dba}\" CASCADE; REVOKE \"{k}\" FROM \"{dba}\" CASCADE"),
        );
    }
    lab.sql("postgres", &format!("DROP ROLE \"{dba}\""));
    assert_clean(&lab);
}

#[test]
fn what_a_role_owns_in_other_databases() {
    let lab = Lab::migrated();
    let (table, role) = (lab.db("stray"), lab.db("k_social_user"));
    // A database of its own: what lies in `postgres` other tests would see.
    let elsewhere = lab.db("elsewhere");
    lab.sql("postgres", &format!("CREATE DATABASE \"{elsewhere}\""));
    lab.sql(
        "elsewhere",
        &format!("CREATE TABLE \"{table}\" (a int); ALTER TABLE \"{table}\" OWNER TO \"{role}\""),
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "access/owns-elsewhere", "warning", K);
    assert!(
        text(found, "message").contains(&format!("1 object in database {elsewhere}")),
        "{found}"
    );
    lab.sql("postgres", &format!("DROP DATABASE \"{elsewhere}\""));
    assert_clean(&lab);
    // Another service's database names it itself, unless it was not looked at.
    lab.sql(
        "simply_kaspa",
        &format!("CREATE TABLE scratch (a int); ALTER TABLE scratch OWNER TO \"{role}\""),
    );
    let report = verify(&lab, &[]);
    only(&report, "drift/unknown-object", "error", S);
    let report = verify(&lab, &["--service", K]);
    let found = only(&report, "access/owns-elsewhere", "error", K);
    assert_eq!(text(found, "belongs_to"), S);
    lab.sql("simply_kaspa", "DROP TABLE scratch");
    assert_clean(&lab);
}

#[test]
fn a_tablespace_of_two_services() {
    let server = start(&binaries(17, false).unwrap(), false, &[]);
    let mut lab = Lab::on(&server, "postgres");
    lab.own_services(&["a", "b"]);
    lab.run(&[
        "lock",
        "-q",
        "--postgres-bin",
        server.bin().to_str().unwrap(),
    ])
    .exits(0);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    assert_clean(&lab);
    let (a, b) = (lab.db("a"), lab.db("b"));
    lab.sql(
        "postgres",
        "SET allow_in_place_tablespaces = on; CREATE TABLESPACE fast LOCATION ''",
    );
    assert_clean(&lab);
    // A table of the one and a right of the other.
    lab.sql(
        "postgres",
        &format!(
            "ALTER DATABASE \"{a}\" SET TABLESPACE fast; GRANT CREATE ON TABLESPACE fast TO \"{b}\""
        ),
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "access/tablespace", "error", "a");
    assert!(
        text(found, "message").contains(&format!("role {b} of b")),
        "{found}"
    );
    lab.sql(
        "postgres",
        &crate::verify_cases::statements(text(found, "remedy")).join(";"),
    );
    assert_clean(&lab);
    // In the other's hands.
    lab.sql(
        "postgres",
        &format!(
            "ALTER DATABASE \"{a}\" SET TABLESPACE fast; ALTER TABLESPACE fast OWNER TO \"{b}\""
        ),
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "access/tablespace", "error", "a");
    assert!(
        text(found, "message").contains(&format!("owned by role {b} of b")),
        "{found}"
    );
    lab.sql(
        "postgres",
        &crate::verify_cases::statements(text(found, "remedy")).join(";"),
    );
    assert_clean(&lab);
    // Both databases in it.
    lab.sql(
        "postgres",
        &format!("ALTER DATABASE \"{b}\" SET TABLESPACE fast"),
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "access/tablespace", "error", "b");
    for name in ["fast", &a, &b] {
        assert!(text(found, "message").contains(name), "{found}");
    }
    lab.sql(
        "postgres",
        &crate::verify_cases::statements(text(found, "remedy")).join(";"),
    );
    assert_clean(&lab);
}

#[test]
fn another_service_that_is_connected() {
    let lab = Lab::migrated();
    let (database, role) = (lab.db("rgb_lightning_node"), lab.db("k_social_user"));
    lab.sql(
        "postgres",
        &format!("GRANT CONNECT ON DATABASE \"{database}\" TO \"{role}\""),
    );
    let mut session = Command::new(lab.bin().join("psql"))
        .args([
            "-qX",
            "-d",
            &lab.url("rgb_lightning_node", "k_social_user"),
            "-c",
            "SELECT pg_sleep(600)",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the session is there", Duration::from_secs(60), || {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND datname = '{database}'"
        );
        lab.sql("postgres", &sql) == "1"
    });
    lab.sql(
        "postgres",
        &format!("REVOKE CONNECT ON DATABASE \"{database}\" FROM \"{role}\""),
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "access/foreign-session", "error", R);
    assert!(text(found, "message").contains(&role), "{found}");
    assert_eq!(text(found, "belongs_to"), K);
    follow(&lab, &[found]);
    session.wait().unwrap();
    assert_clean(&lab);
}

#[test]
fn a_standby_holds_every_database() {
    let server = start(&binaries(17, false).unwrap(), false, &[]);
    let lab = rgb_alone(&server);
    assert_clean(&lab);
    let replica = Replica::of(&server);
    let url = server.admin_url("postgres");
    let there = url.expose().replace(
        &format!(":{}/", server.port()),
        &format!(":{}/", replica.port),
    );
    replica.go(lab.bin(), &there);
    until("the replica streams", Duration::from_secs(60), || {
        lab.sql(
            "postgres",
            "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'",
        ) == "1"
    });
    let report = verify(&lab, &[]);
    let found = only(&report, "access/streaming-standby", "warning", R);
    assert!(
        text(found, "message").contains("write-ahead log"),
        "{found}"
    );
    drop(replica);
    until("the sender is gone", Duration::from_secs(60), || {
        lab.sql("postgres", "SELECT count(*) FROM pg_stat_replication") == "0"
    });
    assert_clean(&lab);
}

#[test]
fn another_services_role_in_a_server_of_one() {
    let server = start(&binaries(17, false).unwrap(), false, &[]);
    let lab = Lab::on(&server, "postgres");
    let args = ["--service", R];
    lab.run(&["provision", "-q", "--service", R]).exits(0);
    lab.run(&["migrate", "-q", "--service", R]).exits(0);
    assert_eq!(verify(&lab, &args)["status"], "pass");
    let role = lab.db("k_social_user");
    lab.sql("postgres", &format!("CREATE ROLE \"{role}\""));
    let report = verify(&lab, &args);
    let found = only(&report, "access/foreign-role", "error", R);
    assert!(text(found, "message").contains(&role), "{found}");
    follow(&lab, &[found]);
    assert_eq!(verify(&lab, &args)["status"], "pass");
    // With its database beside this one the role is at home.
    lab.sql("postgres", &format!("CREATE ROLE \"{role}\"; CREATE DATABASE \"{}\"; REVOKE ALL ON DATABASE \"{}\" FROM PUBLIC", lab.db("ksocial"), lab.db("ksocial")));
    assert_eq!(verify(&lab, &args)["status"], "pass");
}

#[test]
fn a_password_that_is_stored_badly() {
    let mut lab = Lab::migrated();
    let role = lab.db("k_social_user");
    for (sql, says) in [
        (
            "SET password_encryption = 'md5'; ALTER ROLE \"{role}\" PASSWORD 'c4nary-md5'",
            "md5",
        ),
        ("ALTER ROLE \"{role}\" PASSWORD NULL", "no password"),
    ] {
        lab.sql("postgres", &sql.replace("{role}", &role));
        // The server asks for SCRAM, so the service itself cannot come in: its administrator tells why, or else its neighbour.
        let report = verify(&lab, &[]);
        let found = only(&report, "access/weak-password", "warning", K);
        assert!(text(found, "message").contains(says), "{found}");
        let admin = lab.env.remove("K_SOCIAL_ADMIN").unwrap();
        let report = verify(&lab, &[]);
        let found = only(&report, "access/weak-password", "warning", S);
        assert_eq!(text(&found["object"], "name"), role);
        assert!(text(found, "message").contains(says), "{found}");
        assert_eq!(text(found, "belongs_to"), K);
        lab.env.insert("K_SOCIAL_ADMIN".to_owned(), admin);
        lab.run(&["provision", "-q", "--service", K]).exits(0);
        assert_clean(&lab);
    }
}

#[test]
fn maps_that_make_one_service_of_another() {
    for major in [17, 15, 14] {
        let Some(binaries) = binaries(major, false) else {
            continue;
        };
        let server = start(&binaries, false, &[]);
        let lab = Lab::on(&server, "postgres");
        for command in ["provision", "migrate"] {
            lab.run(&[command, "-q", "--service", R]).exits(0);
        }
        let args = ["--service", R];
        let (hba, ident) = ["pg_hba.conf", "pg_ident.conf"]
            .map(|name| server.data_dir().join(name))
            .into();
        let before = std::fs::read_to_string(&hba).unwrap();
        let (rgb, k) = (lab.db("rgb_user"), lab.db("k_social_user"));
        std::fs::write(&hba, format!("local all all peer map=m\n{before}")).unwrap();
        if major < 15 {
            let report = verify(&lab, &args);
            let [gap] = list(&report, "not_checked") else {
                panic!("{}", shown(&report));
            };
            assert_eq!(text(gap, "rule"), "access/hba");
            assert!(
                text(gap, "reason").contains("older than PostgreSQL 15"),
                "{gap}"
            );
            continue;
        }
        // The service's own user, the server's administrators, another map, and each as himself.
        let quiet = [
            format!(
                "m {rgb} {rgb}\nm rgb {rgb}\nm postgres {rgb}\nm postgres {k}\nm {k} {k}\nother {k} {rgb}"
            ),
            "m /^(.*)@example.org$ \\1".to_owned(),
        ];
        for lines in quiet {
            std::fs::write(&ident, format!("{lines}\n")).unwrap();
            let report = verify(&lab, &args);
            assert_eq!(
                report["status"],
                "pass",
                "{major} {lines}: {}",
                shown(&report)
            );
        }
        let mut told = vec![
            (format!("m {k} {rgb}"), k.as_str(), Some(K)),
            (format!("m k-indexer {rgb}"), "k-indexer", Some(K)),
            (format!("m both {rgb}\nm both {k}"), "both", Some(K)),
            (format!("m /^.*$ {rgb}"), "anybody", None),
        ];
        if major >= 16 {
            told.push((format!("m {k} all"), k.as_str(), Some(K)));
            told.push((format!("m {k} /^rgb_"), k.as_str(), Some(K)));
        }
        for (lines, who, whose) in told {
            std::fs::write(&ident, format!("{lines}\n")).unwrap();
            let report = verify(&lab, &args);
            let found = only(&report, "access/hba", "error", R);
            assert_eq!(found["object"]["name"], "pg_ident.conf");
            assert_eq!(found["belongs_to"].as_str(), whose, "{found}");
            let message = text(found, "message");
            assert!(
                message.contains("line 1 ") && message.contains(who) && message.contains(&rgb),
                "{found}"
            );
        }
        std::fs::write(&ident, "m only_two\n").unwrap();
        let report = verify(&lab, &args);
        assert_eq!(report["status"], "incomplete", "{}", shown(&report));
        std::fs::write(&ident, "").unwrap();
        assert_eq!(verify(&lab, &args)["status"], "pass");
    }
}

#[test]
fn lines_that_take_weak_proofs() {
    let server = start(&binaries(17, false).unwrap(), false, &[]);
    let lab = Lab::on(&server, "postgres");
    for command in ["provision", "migrate"] {
        lab.run(&[command, "-q", "--service", R]).exits(0);
    }
    let args = ["--service", R];
    assert_eq!(verify(&lab, &args)["status"], "pass");
    let hba = server.data_dir().join("pg_hba.conf");
    let before = std::fs::read_to_string(&hba).unwrap();
    let admits = format!(
        "host {} {} 203.0.113.0/24 scram-sha-256",
        lab.db("rgb_lightning_node"),
        lab.db("k_social_user")
    );
    let by_pattern = "host /^rgb_light /^k_social 203.0.113.0/24 scram-sha-256".to_owned();
    let by_group = admits.replace(&lab.db("k_social_user"), &format!("+team_{}", lab.suffix));
    for (line, severity, says) in [
        ("host all all 203.0.113.0/24 password", "error", "password"),
        ("host all all 203.0.113.0/24 md5", "warning", "md5"),
        (admits.as_str(), "error", "k_social_user"),
    ] {
        std::fs::write(&hba, format!("{line}\n{before}")).unwrap();
        let report = verify(&lab, &args);
        let found = only(&report, "access/hba", severity, R);
        assert!(
            text(found, "message").contains(says) && text(found, "message").contains("line 1 "),
            "{found}"
        );
        std::fs::write(&hba, &before).unwrap();
        assert_eq!(verify(&lab, &args)["status"], "pass");
    }
    // Regular expressions (PostgreSQL 16 and newer) and groups mean roles that are there.
    lab.sql(
        "postgres",
        &format!(
            "CREATE ROLE \"team_{}\"; CREATE ROLE \"{k}\" LOGIN; GRANT \"team_{}\" TO \"{k}\"",
            lab.suffix,
            lab.suffix,
            k = lab.db("k_social_user")
        ),
    );
    for line in [by_pattern, by_group] {
        std::fs::write(&hba, format!("{line}\n{before}")).unwrap();
        let report = verify(&lab, &args);
        let admits = list(&report, "findings")
            .iter()
            .find(|found| found["rule"] == "access/hba")
            .unwrap_or_else(|| panic!("{line}: {}", shown(&report)));
        let message = text(admits, "message");
        assert!(
            message.contains("line 1 ") && message.contains("k_social_user"),
            "{admits}"
        );
    }
}

#[test]
fn privileges_that_a_hardened_server_hides_are_named() {
    let mut lab = Lab::migrated();
    lab.without_admin();
    lab.sql(
        "rgb_lightning_node",
        "REVOKE SELECT ON pg_catalog.pg_default_acl FROM PUBLIC",
    );
    let report = verify(&lab, &["--service", R]);
    assert_eq!(report["status"], "incomplete");
    let gap = list(&report, "not_checked")
        .iter()
        .find(|gap| gap["rule"] == DEFAULTS)
        .unwrap_or_else(|| panic!("{}", shown(&report)));
    assert!(
        text(gap, "remedy").contains("GRANT SELECT ON pg_catalog.pg_default_acl TO"),
        "{gap}"
    );
    let url = lab.admin_url("rgb_lightning_node");
    psql(
        lab.bin(),
        &url,
        &crate::verify_cases::statements(text(gap, "remedy")).join(";"),
    )
    .unwrap();
    let report = verify(&lab, &["--service", R]);
    assert!(
        list(&report, "not_checked")
            .iter()
            .all(|gap| gap["rule"] != DEFAULTS),
        "{}",
        shown(&report)
    );
}
