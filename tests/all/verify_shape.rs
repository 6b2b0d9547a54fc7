//! The shape of a database beyond what a lock lists: single chunks, versions, unfinished restores, keys, rare kinds of objects,
//! and the databases that belong to no service.

use dbctl::report::text::is_unsafe;

use crate::lab::{K, Lab, R, Run, S, binaries, start};
use crate::verify_cases::{Case, assert_clean, case, list, play, shown, text, verify, zoo};

const CHUNK: &str = "drift/chunk";
const UNKNOWN: &str = "drift/unknown-object";
const ATTACHED: &str = "bleed/attached-to-extension";
const SYSTEM: &str = "drift/system-object";
const CHANGED: &str = "drift/changed-object";

/// Three chunks in `public.events`, an hour each; a statement on the first one takes its name as `%s`.
macro_rules! on_chunk {
    ($sql:literal) => {
        concat!(
            "DO $do$ DECLARE c text; BEGIN SELECT format('%I.%I', n.nspname, k.relname) INTO c FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid \
             JOIN pg_namespace n ON n.oid = k.relnamespace WHERE i.inhparent = 'public.events'::regclass ORDER BY i.inhrelid LIMIT 1; EXECUTE replace($x$",
            $sql,
            "$x$, '%s', c); END $do$"
        )
    };
}

/// What to plant on the first chunk, what the message must say, and how it is mended (`None`: by the remedy).
const CHUNKS: &[(&str, &[&str], Option<&str>)] = &[
    (
        on_chunk!(
            "CREATE TRIGGER spy AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION public.spying()"
        ),
        &["spy", "spying"],
        None,
    ),
    (
        on_chunk!("CREATE RULE divert AS ON DELETE TO %s DO ALSO NOTHING"),
        &["rule divert"],
        None,
    ),
    (
        on_chunk!("CREATE POLICY mine ON %s USING (true)"),
        &["policy mine"],
        None,
    ),
    (
        on_chunk!("ALTER TABLE %s ENABLE ROW LEVEL SECURITY"),
        &["row security"],
        None,
    ),
    (
        on_chunk!("ALTER TABLE %s ADD CONSTRAINT few CHECK (source <> 'q')"),
        &["constraint few"],
        None,
    ),
    (
        on_chunk!("CREATE UNIQUE INDEX lone ON %s (seen)"),
        &["unique index lone"],
        None,
    ),
    (
        on_chunk!("UPDATE pg_class SET relpersistence = 'u' WHERE oid = '%s'::regclass"),
        &["unlogged"],
        Some(
            "UPDATE pg_class SET relpersistence = 'p' WHERE relname LIKE '\\_hyper%' AND relpersistence = 'u'",
        ),
    ),
    (
        on_chunk!("ALTER TABLE %s SET SCHEMA attic"),
        &["moved or renamed"],
        None,
    ),
    (
        on_chunk!("ALTER TABLE %s RENAME TO plain"),
        &["moved or renamed"],
        None,
    ),
    (
        "DO $do$ DECLARE i regclass; BEGIN SELECT x.indexrelid::regclass INTO i FROM pg_inherits h JOIN pg_index x ON x.indrelid = h.inhrelid \
         WHERE h.inhparent = 'public.events'::regclass AND NOT x.indisprimary ORDER BY h.inhrelid LIMIT 1; EXECUTE 'DROP INDEX ' || i; END $do$",
        &["lacks index events_seen_idx"],
        Some(
            "DROP INDEX public.events_seen_idx; CREATE INDEX events_seen_idx ON public.events (seen)",
        ),
    ),
];

/// A system with a hypertable that has chunks, and one more index than its set: so that a chunk can lack one.
fn clock() -> Lab {
    let lab = zoo();
    lab.sql(
        "ksocial",
        "INSERT INTO public.events SELECT '2026-01-01 00:10Z'::timestamptz + g * interval '1 hour', now(), 'a' FROM generate_series(1, 3) g; \
         CREATE INDEX events_seen_idx ON public.events (seen); CREATE SCHEMA attic; \
         CREATE FUNCTION public.spying() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    );
    lab
}

/// Findings of this rule.
fn of<'a>(report: &'a serde_json::Value, rule: &str) -> Vec<&'a serde_json::Value> {
    list(report, "findings")
        .iter()
        .filter(|found| found["rule"] == rule)
        .collect()
}

#[test]
fn a_single_chunk_that_is_not_as_its_hypertable_is_one_finding() {
    let lab = clock();
    let before = list(&verify(&lab, &["--service", K]), "findings").len();
    for (plant, words, undo) in CHUNKS {
        lab.sql("ksocial", plant);
        let report = verify(&lab, &["--service", K]);
        let found = of(&report, CHUNK);
        let [found] = found.as_slice() else {
            panic!("{plant}\n{}", shown(&report));
        };
        assert_eq!(found["severity"], "error", "{plant}");
        for word in *words {
            assert!(text(found, "message").contains(word), "{word}: {found}");
        }
        assert!(text(found, "message").contains("public.events"), "{found}");
        // The function that a chunk's trigger runs is said with the trigger.
        assert!(
            list(&report, "findings").len() <= before + 1,
            "{plant}\n{}",
            shown(&report)
        );
        match undo {
            Some(sql) => drop(lab.sql("ksocial", sql)),
            None => crate::verify_cases::follow(&lab, &[*found]),
        }
        let report = verify(&lab, &["--service", K]);
        assert!(of(&report, CHUNK).is_empty(), "{plant}\n{}", shown(&report));
    }
}

#[test]
fn a_child_of_a_chunk_and_chunks_of_another_length_are_found() {
    let lab = clock();
    lab.sql(
        "ksocial",
        on_chunk!("CREATE TABLE public.stowaway () INHERITS (%s)"),
    );
    let report = verify(&lab, &["--service", K]);
    let child: Vec<_> = list(&report, "findings")
        .iter()
        .filter(|found| text(found, "message").contains("stowaway"))
        .collect();
    assert_eq!(child.len(), 1, "{}", shown(&report));
    assert_eq!(child[0]["severity"], "error");
    lab.sql("ksocial", "DROP TABLE public.stowaway");

    lab.sql(
        "ksocial",
        "SELECT set_chunk_time_interval('public.events', INTERVAL '1 day'); \
         INSERT INTO public.events SELECT '2026-03-01'::timestamptz + g * interval '1 day', now(), 'a' FROM generate_series(1, 2) g; \
         SELECT set_chunk_time_interval('public.events', INTERVAL '1 hour')",
    );
    let report = verify(&lab, &["--service", K]);
    let found = of(&report, "drift/chunk-length");
    let [found] = found.as_slice() else {
        panic!("{}", shown(&report));
    };
    assert_eq!(found["severity"], "warning");
    assert!(
        text(found, "message").contains("2 chunks of 1 day"),
        "{found}"
    );
    lab.sql(
        "ksocial",
        "SELECT drop_chunks('public.events', newer_than => '2026-02-01'::timestamptz)",
    );
    assert!(of(&verify(&lab, &["--service", K]), "drift/chunk-length").is_empty());
}

#[test]
fn the_trigger_that_keeps_rows_out_of_a_hypertable_is_missed() {
    let lab = clock();
    lab.sql(
        "ksocial",
        "DELETE FROM pg_trigger WHERE tgrelid = 'public.events'::regclass AND tgname = 'ts_insert_blocker'",
    );
    let report = verify(&lab, &["--service", K]);
    let found = of(&report, CHUNK);
    assert_eq!(found.len(), 1, "{}", shown(&report));
    assert!(
        text(found[0], "message").contains("ts_insert_blocker missing"),
        "{}",
        found[0]
    );
    crate::verify_cases::follow(&lab, &found);
    assert!(of(&verify(&lab, &["--service", K]), CHUNK).is_empty());
}

/// Rules that tests of their own plant.
pub const ELSEWHERE: &[&str] = &[
    "drift/chunk",
    "drift/chunk-length",
    "drift/encoding",
    "bleed/common-database",
];

/// Writes the extension's row anew, as its next version does.
const SAYS_ALL_IS_WELL: &str =
    "UPDATE pg_extension SET extversion = extversion WHERE extname = 'timescaledb'";

pub const CASES: &[Case] = &[
    case("drift/extension-version", "error", R, ("extension", "", "plpgsql"), "UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'plpgsql'")
        .says(&["plpgsql", "0.9", "1.0"])
        .undo("UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'plpgsql'"),
    // The lab's collation is C.UTF-8 of libc, which has no version.
    case("drift/collation", "warning", R, ("database", "", "{rgb_lightning_node}"), "UPDATE pg_database SET datcollversion = '2.31' WHERE datname = '{rgb_lightning_node}'")
        .says(&["{rgb_lightning_node}", "2.31", "no version"])
        .undo("UPDATE pg_database SET datcollversion = NULL WHERE datname = '{rgb_lightning_node}'"),
    case("drift/restoring", "error", K, ("database", "", "{ksocial}"), "ALTER DATABASE \"{ksocial}\" SET timescaledb.restoring = 'on'")
        .says(&["{ksocial}", "timescaledb.restoring"]),
    case("drift/restoring", "error", S, ("database", "", "{simply_kaspa}"), "ALTER ROLE \"{simply_kaspa_user}\" IN DATABASE \"{simply_kaspa}\" SET timescaledb.restoring = 'true'")
        .says(&["{simply_kaspa_user}"]),
    case("bleed/foreign-variable", "error", K, ("table", "public", "vars"), "INSERT INTO public.vars (key, value) VALUES ('block_checkpoint', '0'), ('vcp_checkpoint', '0')")
        .of(S)
        .says(&["block_checkpoint", "vcp_checkpoint", "public.vars"]),
    case("bleed/foreign-variable", "error", S, ("table", "public", "vars"), "INSERT INTO public.vars (key, value) VALUES ('indexer_mode', 'full'), ('my_own_key', '1')")
        .of(K)
        .says(&["indexer_mode"])
        .then("DELETE FROM public.vars WHERE key = 'my_own_key'"),
    // Kinds of objects that few schemas have; the remedy drops each.
    case(UNKNOWN, "warning", R, ("operator", "public", "==="), "CREATE OPERATOR public.=== (FUNCTION = int4eq, LEFTARG = integer, RIGHTARG = integer)")
        .says(&["public.===", "integer, integer"]),
    case(UNKNOWN, "warning", R, ("function", "public", "joined"), "CREATE AGGREGATE public.joined(text) (SFUNC = textcat, STYPE = text)").says(&["public.joined(text)"]),
    case(UNKNOWN, "warning", R, ("operator_class", "public", "odd_ops"), "CREATE OPERATOR CLASS public.odd_ops FOR TYPE integer USING hash AS OPERATOR 1 =")
        .says(&["odd_ops"])
        .then("DROP OPERATOR FAMILY IF EXISTS public.odd_ops USING hash"),
    case(UNKNOWN, "warning", R, ("operator_family", "public", "lone"), "CREATE OPERATOR FAMILY public.lone USING btree"),
    case(UNKNOWN, "warning", R, ("cast", "", "bytea AS json"), "CREATE CAST (bytea AS json) WITHOUT FUNCTION").says(&["bytea AS json"]),
    // What makes `text || integer` and `text || oid` ambiguous to every query that has them.
    case(UNKNOWN, "warning", S, ("cast", "", "integer AS text"), "CREATE CAST (integer AS text) WITH INOUT AS IMPLICIT").says(&["integer AS text"]),
    case(UNKNOWN, "warning", K, ("cast", "", "oid AS text"), "CREATE CAST (oid AS text) WITH INOUT AS IMPLICIT").says(&["oid AS text"]),
    case(UNKNOWN, "warning", R, ("conversion", "public", "conv"), "CREATE CONVERSION public.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8"),
    case(UNKNOWN, "warning", R, ("text_search_configuration", "public", "words"), "CREATE TEXT SEARCH CONFIGURATION public.words (COPY = pg_catalog.simple)"),
    case(UNKNOWN, "warning", R, ("text_search_dictionary", "public", "dict"), "CREATE TEXT SEARCH DICTIONARY public.dict (TEMPLATE = pg_catalog.simple)"),
    case(UNKNOWN, "warning", R, ("text_search_template", "public", "tmpl"), "CREATE TEXT SEARCH TEMPLATE public.tmpl (LEXIZE = dsimple_lexize)"),
    case(UNKNOWN, "warning", R, ("access_method", "", "heap_too"), "CREATE ACCESS METHOD heap_too TYPE TABLE HANDLER heap_tableam_handler"),
    case(UNKNOWN, "warning", R, ("large_object", "", "990001"), "SELECT lo_create(990001), lo_create(990002)").says(&["990001", "990002"]),
    // A superuser's own: only when it was attached tells it from what the extension made.
    case(ATTACHED, "error", S, ("table", "public", "stash"), "CREATE TABLE public.stash (id integer PRIMARY KEY); ALTER EXTENSION timescaledb ADD TABLE public.stash")
        .says(&["public.stash", "timescaledb"])
        .then("DROP TABLE public.stash"),
    case(ATTACHED, "error", S, ("function", "public", "stash"), "BEGIN; CREATE FUNCTION public.stash() RETURNS integer LANGUAGE sql AS 'SELECT 1'; \
          ALTER EXTENSION timescaledb ADD FUNCTION public.stash(); COMMIT")
        .says(&["public.stash()"])
        .then("DROP FUNCTION public.stash()"),
    case(ATTACHED, "error", S, ("type", "public", "stash"), "BEGIN; CREATE TYPE public.stash AS ENUM ('a'); ALTER EXTENSION timescaledb ADD TYPE public.stash; COMMIT")
        .says(&["public.stash"])
        .then("DROP TYPE public.stash"),
    // The schema of "$user" comes before public; what else lies there is only unknown.
    case(UNKNOWN, "error", K, ("table", "{k_social_user}", "k_vars"), "CREATE SCHEMA \"{k_social_user}\"; CREATE TABLE \"{k_social_user}\".k_vars (LIKE public.k_vars)")
        .says(&["{k_social_user}.k_vars", "before k_vars in schema public"]),
    case(UNKNOWN, "warning", K, ("table", "{k_social_user}", "scrap"), "CREATE SCHEMA \"{k_social_user}\"; CREATE TABLE \"{k_social_user}\".scrap (a integer)"),
    // What hangs on an extension's own tables.
    case(UNKNOWN, "error", S, ("rule", "_timescaledb_config", "hush"), "CREATE RULE hush AS ON DELETE TO _timescaledb_config.bgw_job DO INSTEAD NOTHING")
        .says(&["hush", "_timescaledb_config.bgw_job"]),
    case(UNKNOWN, "error", S, ("policy", "_timescaledb_catalog", "mine"), "CREATE POLICY mine ON _timescaledb_catalog.metadata USING (true)")
        .says(&["mine", "_timescaledb_catalog.metadata"]),
    case(UNKNOWN, "error", S, ("constraint", "_timescaledb_config", "some_check"), "ALTER TABLE _timescaledb_config.bgw_job ADD CONSTRAINT some_check CHECK (id > 0)")
        .says(&["some_check"]),
    case(UNKNOWN, "error", S, ("trigger", "_timescaledb_config", "once"), "CREATE TRIGGER once BEFORE UPDATE ON _timescaledb_config.bgw_job \
          FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()")
        .says(&["once"]),
    case(UNKNOWN, "error", S, ("trigger", "_timescaledb_catalog", "spy"), "CREATE FUNCTION public.spying() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
          CREATE TRIGGER spy AFTER INSERT ON _timescaledb_catalog.metadata FOR EACH ROW EXECUTE FUNCTION public.spying()")
        .says(&["spy"]),
    case("link/reaches-out", "error", S, ("function", "public", "stash"), "CREATE PROCEDURE public.stash() LANGUAGE plpgsql AS 'BEGIN PERFORM dblink(''dbname={ksocial}'', ''SELECT 1''); END'; \
          ALTER EXTENSION timescaledb ADD PROCEDURE public.stash()")
        .of(K)
        .says(&["dblink", "attached to extension timescaledb"])
        .then("DROP PROCEDURE public.stash()"),
    // What an extension made, altered by somebody.
    case(ATTACHED, "error", S, ("function", "public", "approximate_row_count"), "ALTER FUNCTION public.approximate_row_count(regclass) SECURITY DEFINER LEAKPROOF SET search_path = legacy, public")
        .says(&["public.approximate_row_count(regclass)", "altered it (SECURITY DEFINER, LEAKPROOF, SET search_path)"])
        .then("ALTER FUNCTION public.approximate_row_count(regclass) SET search_path = pg_catalog, pg_temp"),
    case(ATTACHED, "error", S, ("function", "public", "time_bucket"), "ALTER FUNCTION public.time_bucket(interval, date) OWNER TO \"{k_social_user}\"")
        .says(&["altered it (OWNER TO", "{k_social_user}"]),
    case(ATTACHED, "error", S, ("table", "_timescaledb_catalog", "metadata"), "ALTER TABLE _timescaledb_catalog.metadata OWNER TO \"{k_social_user}\"")
        .says(&["altered it (OWNER TO", "{k_social_user}"]),
    case(ATTACHED, "error", S, ("table", "_timescaledb_catalog", "metadata"), "ALTER TABLE _timescaledb_catalog.metadata ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        .says(&["altered it (ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY)"]),
    case(ATTACHED, "error", S, ("table", "_timescaledb_catalog", "metadata"), "ALTER TABLE _timescaledb_catalog.metadata SET UNLOGGED")
        .says(&["altered it (UNLOGGED)"]),
    case(ATTACHED, "error", S, ("column", "_timescaledb_catalog", "metadata.note"), "ALTER TABLE _timescaledb_catalog.metadata ADD COLUMN note text DEFAULT 'x'")
        .says(&["_timescaledb_catalog.metadata.note", "altered it (ADD COLUMN)"]),
    case(ATTACHED, "error", S, ("column", "_timescaledb_catalog", "metadata.include_in_telemetry"), "ALTER TABLE _timescaledb_catalog.metadata ALTER COLUMN include_in_telemetry SET DEFAULT true")
        .says(&["altered it (DEFAULT)"]),
    case(ATTACHED, "error", S, ("event_trigger", "", "timescaledb_ddl_command_end"), "ALTER EVENT TRIGGER timescaledb_ddl_command_end DISABLE")
        .says(&["timescaledb_ddl_command_end", "altered it (DISABLE)"]),
    // What initdb made, changed by somebody.
    case(SYSTEM, "error", R, ("function", "pg_catalog", "pg_read_file"), "ALTER FUNCTION pg_catalog.pg_read_file(text) SECURITY DEFINER SET search_path = public")
        .says(&["pg_catalog.pg_read_file(text)", "SECURITY DEFINER, SET search_path"]),
    case(SYSTEM, "error", R, ("function", "pg_catalog", "pg_ls_dir"), "ALTER FUNCTION pg_catalog.pg_ls_dir(text) SET role = 'pg_monitor'")
        .says(&["pg_catalog.pg_ls_dir(text)", "SET role"]),
    case(SYSTEM, "error", R, ("function", "pg_catalog", "version"), "CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE plpgsql STABLE STRICT AS 'BEGIN RETURN ''1''; END'")
        .says(&["pg_catalog.version()", "replaced"])
        .undo("CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE internal STABLE STRICT AS 'pgsql_version'"),
    case(SYSTEM, "error", R, ("rule", "information_schema", "hush"), "CREATE RULE hush AS ON INSERT TO information_schema.sql_sizing DO INSTEAD NOTHING")
        .says(&["hush", "information_schema.sql_sizing"]),
    case(SYSTEM, "error", R, ("column", "information_schema", "sql_features.note"), "ALTER TABLE information_schema.sql_features ADD COLUMN note text DEFAULT 'x'")
        .says(&["sql_features.note", "added it"]),
    case(SYSTEM, "error", R, ("column", "information_schema", "sql_sizing.comments"), "ALTER TABLE information_schema.sql_sizing ALTER COLUMN comments SET DEFAULT 'x'")
        .says(&["sql_sizing.comments", "altered (DEFAULT)"]),
    case(SYSTEM, "error", R, ("constraint", "information_schema", "few"), "ALTER TABLE information_schema.sql_parts ADD CONSTRAINT few CHECK (feature_id <> 'x')")
        .says(&["few on information_schema.sql_parts"]),
    case(SYSTEM, "error", R, ("policy", "information_schema", "mine"), "CREATE POLICY mine ON information_schema.sql_parts USING (true)")
        .says(&["mine on information_schema.sql_parts"]),
    case(SYSTEM, "error", R, ("trigger", "information_schema", "once"), "CREATE TRIGGER once BEFORE UPDATE ON information_schema.sql_parts \
          FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()")
        .says(&["once on information_schema.sql_parts"]),
    case(SYSTEM, "error", R, ("index", "information_schema", "by_name"), "CREATE INDEX by_name ON information_schema.sql_parts (feature_name)")
        .says(&["by_name"]),
    case(SYSTEM, "error", R, ("constraint", "information_schema", "sql_sizing_pkey"), "ALTER TABLE information_schema.sql_sizing ADD CONSTRAINT sql_sizing_pkey PRIMARY KEY (sizing_id)"),
    case(SYSTEM, "error", R, ("table", "information_schema", "sql_sizing"), "ALTER TABLE information_schema.sql_sizing ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        .says(&["ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"]),
    case(SYSTEM, "error", R, ("table", "information_schema", "sql_sizing"), "ALTER TABLE information_schema.sql_sizing SET UNLOGGED")
        .says(&["UNLOGGED"]),
    case(SYSTEM, "error", R, ("type", "information_schema", "cardinal_number"), "ALTER DOMAIN information_schema.cardinal_number ADD CONSTRAINT few CHECK (VALUE < 9999999999)")
        .says(&["information_schema.cardinal_number", "CONSTRAINT few"]),
    case(SYSTEM, "error", R, ("text_search_configuration", "pg_catalog", "english"), "ALTER TEXT SEARCH CONFIGURATION pg_catalog.english ALTER MAPPING FOR asciiword WITH simple")
        .says(&["pg_catalog.english", "altered (MAPPING)"]),
    case(SYSTEM, "error", R, ("text_search_configuration", "pg_catalog", "russian"), "ALTER TEXT SEARCH CONFIGURATION pg_catalog.russian DROP MAPPING FOR url; \
          ALTER TEXT SEARCH CONFIGURATION pg_catalog.russian ADD MAPPING FOR tag WITH simple"),
    case(SYSTEM, "error", R, ("text_search_dictionary", "pg_catalog", "english_stem"), "ALTER TEXT SEARCH DICTIONARY pg_catalog.english_stem (stopwords)")
        .says(&["pg_catalog.english_stem", "altered (OPTIONS)"]),
    case(SYSTEM, "error", S, ("text_search_dictionary", "pg_catalog", "greek_stem"), "ALTER TEXT SEARCH DICTIONARY pg_catalog.greek_stem (stopwords = 'english')"),
    case(SYSTEM, "error", R, ("text_search_dictionary", "pg_catalog", "simple"), "ALTER TEXT SEARCH DICTIONARY pg_catalog.simple (accept = false)"),
    case(SYSTEM, "error", S, ("cast", "", "integer AS boolean"), "UPDATE pg_cast SET castcontext = 'i' WHERE castsource = 'int4'::regtype AND casttarget = 'bool'::regtype")
        .says(&["(integer AS boolean)", "replaced or altered"])
        .undo("UPDATE pg_cast SET castcontext = 'e' WHERE castsource = 'int4'::regtype AND casttarget = 'bool'::regtype"),
    case(SYSTEM, "error", S, ("function", "pg_catalog", "now"), "ALTER FUNCTION pg_catalog.now() IMMUTABLE LEAKPROOF")
        .says(&["pg_catalog.now()", "replaced or altered"])
        .undo("ALTER FUNCTION pg_catalog.now() STABLE NOT LEAKPROOF"),
    case(SYSTEM, "error", K, ("function", "pg_catalog", "md5"), "CREATE OR REPLACE FUNCTION pg_catalog.md5(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'upper'")
        .undo("CREATE OR REPLACE FUNCTION pg_catalog.md5(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'md5_text'"),
    case(SYSTEM, "error", R, ("type", "information_schema", "sql_identifier"), "ALTER DOMAIN information_schema.sql_identifier SET DEFAULT 'x'; \
          ALTER DOMAIN information_schema.sql_identifier SET NOT NULL")
        .says(&["NOT NULL", "DEFAULT"]),
    case(SYSTEM, "error", R, ("operator_family", "pg_catalog", "integer_ops"), "CREATE FUNCTION public.same(int4, text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true'; \
          CREATE OPERATOR public.=@ (LEFTARG = int4, RIGHTARG = text, FUNCTION = public.same); \
          ALTER OPERATOR FAMILY integer_ops USING btree ADD OPERATOR 3 public.=@ (int4, text)")
        .says(&["OPERATOR 3"])
        .also(&["drift/unknown-object"]),
    // The privilege that it hides is seen all the same.
    case(SYSTEM, "error", R, ("function", "pg_catalog", "pg_ls_dir"), "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO \"{simply_kaspa_user}\"; \
          ALTER EXTENSION plpgsql ADD FUNCTION pg_catalog.pg_ls_dir(text)")
        .says(&["MEMBER OF plpgsql"])
        .also(&["access/system-grant"]),
    case(SYSTEM, "error", R, ("language", "", "c"), "UPDATE pg_language SET lanpltrusted = true WHERE lanname = 'c'")
        .says(&["language c", "trusted"]),
    // Replaced by somebody; of an extension that all hangs on, nothing but the next version makes it again.
    case(ATTACHED, "error", S, ("function", "public", "approximate_row_count"), "CREATE OR REPLACE FUNCTION public.approximate_row_count(relation regclass) RETURNS bigint \
          LANGUAGE sql VOLATILE STRICT AS 'SELECT 0::bigint'")
        .says(&["public.approximate_row_count(regclass)", "replaced"])
        .undo(SAYS_ALL_IS_WELL),
    case(ATTACHED, "error", S, ("view", "timescaledb_information", "dimensions"), "DO $do$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW timescaledb_information.dimensions AS ' \
          || pg_get_viewdef('timescaledb_information.dimensions'::regclass); END $do$")
        .says(&["timescaledb_information.dimensions", "replaced"])
        .undo(SAYS_ALL_IS_WELL),
    case("bleed/attached-to-extension", "error", S, ("table", "public", "k_posts"), "CREATE TABLE public.k_posts (id integer); ALTER EXTENSION timescaledb ADD TABLE public.k_posts")
        .of(K)
        .says(&["public.k_posts", "timescaledb"])
        .then("DROP TABLE public.k_posts"),
    // What somebody hangs on dbctl's own tables.
    case(UNKNOWN, "error", R, ("column", "public", "refinery_schema_history.note"), "ALTER TABLE public.refinery_schema_history ADD COLUMN note text")
        .says(&["refinery_schema_history"]),
    case(UNKNOWN, "error", S, ("constraint", "dbctl", "some_check"), "ALTER TABLE dbctl.identity ADD CONSTRAINT some_check CHECK (service <> 'x')"),
    case(UNKNOWN, "info", K, ("index", "dbctl", "by_set"), "CREATE INDEX by_set ON dbctl.identity (set_name)"),
    // What somebody altered of them.
    case(CHANGED, "error", R, ("table", "public", "refinery_schema_history"), "ALTER TABLE public.refinery_schema_history ALTER COLUMN checksum SET DEFAULT '1'")
        .says(&["default of column checksum", "dbctl keeps for itself"]),
    case(CHANGED, "error", S, ("table", "dbctl", "identity"), "ALTER TABLE dbctl.identity ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, ALTER COLUMN stamped_at DROP DEFAULT")
        .says(&["row security is true", "force row security is true", "default of column stamped_at is not set, expected now()"]),
    case(CHANGED, "error", K, ("table", "public", "refinery_schema_history"), "ALTER TABLE public.refinery_schema_history SET UNLOGGED")
        .says(&["persistence is unlogged"]),
    case(CHANGED, "error", R, ("table", "public", "refinery_schema_history"), "ALTER TABLE public.refinery_schema_history DROP CONSTRAINT refinery_schema_history_pkey")
        .says(&["constraint refinery_schema_history_pkey is missing"]),
    case(CHANGED, "error", R, ("table", "dbctl", "identity"), "ALTER TABLE dbctl.identity DROP CONSTRAINT identity_only_row_check, ADD CONSTRAINT identity_only_row_check CHECK (only_row OR service <> '') NOT VALID")
        .says(&["definition of constraint identity_only_row_check", "CHECK (only_row)"]),
    case(CHANGED, "error", R, ("table", "public", "refinery_schema_history"), "CREATE TABLE public.every_history (LIKE public.refinery_schema_history INCLUDING ALL); \
          ALTER TABLE public.refinery_schema_history INHERIT public.every_history")
        .also(&[UNKNOWN])
        .says(&["inherits is public.every_history"]),
    // Its rows appear as rows of the history.
    case(UNKNOWN, "error", R, ("table", "public", "more"), "CREATE TABLE public.more () INHERITS (public.refinery_schema_history)"),
    case("bleed/hidden-object", "error", R, ("function", "pg_temp_99999", "hideout"), "SET allow_system_table_mods = on; CREATE SCHEMA pg_temp_99999; \
          CREATE FUNCTION pg_temp_99999.hideout() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        .then("SET allow_system_table_mods = on; DROP SCHEMA pg_temp_99999"),
    case("bleed/hidden-object", "error", R, ("function", "pg_catalog", "hideout"), "CREATE FUNCTION pg_catalog.hideout() RETURNS integer LANGUAGE sql AS 'SELECT 1'"),
];

#[test]
fn every_deviation_is_one_finding_and_its_remedy_mends_it() {
    play(&Lab::migrated(), CASES);
}

#[test]
fn what_was_replaced_before_an_update_is_not_clean() {
    let lab = Lab::migrated();
    let database = "rgb_lightning_node";
    let run = |sql: &str| {
        lab.sql(database, sql);
        verify(&lab, &["--service", R])
    };
    let strpos = "FUNCTION public.strpos(citext, citext) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS";
    // Updates alone, one after another, are harmless.
    let mut report =
        run("CREATE EXTENSION citext VERSION '1.4'; CREATE EXTENSION hstore VERSION '1.4'");
    for update in ["citext UPDATE TO '1.5'", "citext UPDATE", "hstore UPDATE"] {
        report = run(&format!("ALTER EXTENSION {update}"));
        assert_eq!(
            list(&report, "not_checked").len(),
            0,
            "{update}: {}",
            shown(&report)
        );
        assert_eq!(of(&report, ATTACHED).len(), 0, "{update}");
    }
    drop(report);
    let report = run("DROP EXTENSION citext; CREATE EXTENSION citext VERSION '1.4'");
    assert_eq!(list(&report, "not_checked").len(), 0, "{}", shown(&report));
    let report = run(&format!("CREATE OR REPLACE {strpos} 'SELECT 7'"));
    assert_eq!(of(&report, ATTACHED).len(), 1, "{}", shown(&report));
    let report = run("ALTER EXTENSION citext UPDATE");
    assert_eq!(of(&report, ATTACHED).len(), 0, "{}", shown(&report));
    let [gap] = list(&report, "not_checked") else {
        panic!("{}", shown(&report));
    };
    assert_eq!(text(gap, "rule"), ATTACHED);
    for word in ["citext", "strpos", "UPDATE"] {
        assert!(text(gap, "reason").contains(word), "{gap}");
    }
    // What is replaced now is told as ever.
    let report = run(&format!("CREATE OR REPLACE {strpos} 'SELECT 8'"));
    assert_eq!(of(&report, ATTACHED).len(), 1, "{}", shown(&report));
    run("DROP EXTENSION citext, hstore");
    assert_clean(&lab);
}

#[test]
fn the_life_of_an_extension_is_no_finding() {
    let lab = Lab::migrated();
    let attached = || of(&verify(&lab, &["--service", R]), ATTACHED).len();
    lab.sql(
        "rgb_lightning_node",
        "CREATE EXTENSION hstore VERSION '1.4'; CREATE EXTENSION pg_trgm VERSION '1.3'; ALTER EXTENSION pg_trgm UPDATE; CREATE SCHEMA tools",
    );
    assert_eq!(attached(), 0);
    for sql in [
        // After a GRANT nothing tells what else was done.
        "GRANT EXECUTE ON FUNCTION public.hs_concat(hstore, hstore) TO PUBLIC; ALTER FUNCTION public.hs_concat(hstore, hstore) LEAKPROOF",
        "ALTER FUNCTION public.svals(hstore) SECURITY DEFINER; ALTER FUNCTION public.svals(hstore) SECURITY INVOKER",
        "GRANT EXECUTE ON FUNCTION public.akeys(hstore) TO PUBLIC; REVOKE EXECUTE ON FUNCTION public.akeys(hstore) FROM PUBLIC",
        "ALTER FUNCTION public.akeys(hstore) COST 7; ALTER FUNCTION public.avals(hstore) SET search_path = pg_catalog",
        "CREATE OR REPLACE FUNCTION public.skeys(hstore) RETURNS SETOF text AS '$libdir/hstore', 'hstore_skeys' LANGUAGE C STRICT IMMUTABLE",
        "ALTER EXTENSION hstore UPDATE",
        "REINDEX SCHEMA CONCURRENTLY public; ALTER EXTENSION hstore SET SCHEMA tools; VACUUM FULL pg_proc; VACUUM FULL pg_depend; VACUUM FREEZE pg_extension",
    ] {
        lab.sql("rgb_lightning_node", sql);
        assert_eq!(attached(), 0, "{sql}");
    }
    lab.sql(
        "rgb_lightning_node",
        "CREATE OR REPLACE FUNCTION tools.akeys(tools.hstore) RETURNS text[] LANGUAGE sql AS 'SELECT NULL::text[]'",
    );
    assert_eq!(attached(), 1);
    // The remedy for what was replaced is none that writes a catalog of the system.
    lab.sql(
        "rgb_lightning_node",
        "DROP EXTENSION hstore; CREATE EXTENSION hstore SCHEMA tools VERSION '1.7'",
    );
    assert_eq!(attached(), 0);
    lab.sql(
        "rgb_lightning_node",
        "CREATE OR REPLACE FUNCTION tools.akeys(tools.hstore) RETURNS text[] LANGUAGE sql AS 'SELECT NULL::text[]'",
    );
    let report = verify(&lab, &["--service", R]);
    let found = of(&report, ATTACHED);
    let remedy = text(found[0], "remedy");
    for way in [
        "DROP EXTENSION hstore; CREATE EXTENSION hstore;",
        "ALTER EXTENSION hstore UPDATE;",
        "[[allow]]",
    ] {
        assert!(remedy.contains(way), "{way}: {remedy}");
    }
    assert!(!remedy.contains("pg_extension"), "{remedy}");
    lab.sql(
        "rgb_lightning_node",
        "DROP EXTENSION hstore, pg_trgm; DROP SCHEMA tools",
    );
    assert_clean(&lab);
}

/// Comments on what initdb made tell who was there; what they say may be a password, and is not shown.
#[test]
fn comments_in_the_databases_of_nobody_are_told() {
    let server = start(&binaries(17, true).expect("PostgreSQL 17"), true, &[]);
    let lab = Lab::on(&server, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    let of_commons = || {
        let report = verify(&lab, &[]);
        let found = of(&report, "bleed/common-database").into_iter();
        found.cloned().collect::<Vec<_>>()
    };
    assert_eq!(of_commons(), Vec::<serde_json::Value>::new());
    for (database, plant, what, severity) in [
        (
            "postgres",
            "COMMENT ON DATABASE postgres IS 'x'",
            "database postgres",
            "info",
        ),
        (
            "postgres",
            "COMMENT ON FUNCTION pg_catalog.lower(text) IS 'k_social: host=db password=c4nary-in-a-comment'",
            "function lower(text)",
            "warning",
        ),
        (
            "template1",
            "COMMENT ON DATABASE template0 IS 'x'",
            "database template0",
            "info",
        ),
        (
            "template1",
            "COMMENT ON COLUMN pg_catalog.pg_class.relname IS 'x'",
            "column relname of table pg_class",
            "info",
        ),
        (
            "template1",
            "COMMENT ON OPERATOR pg_catalog.= (integer, integer) IS 'x'",
            "operator =(integer,integer)",
            "info",
        ),
        (
            "template1",
            "COMMENT ON SCHEMA public IS 'x'",
            "schema public",
            "info",
        ),
    ] {
        lab.try_sql(database, plant).unwrap();
        let found = of_commons();
        let [found] = found.as_slice() else {
            panic!("{plant}: {found:#?}");
        };
        assert_eq!(found["severity"], severity, "{found}");
        assert_eq!(found["object"]["name"], database, "{found}");
        assert!(text(found, "message").contains(what), "{found}");
        assert!(!found.to_string().contains("c4nary"), "{found}");
        for sql in crate::verify_cases::statements(text(found, "remedy")) {
            lab.try_sql(database, &sql).unwrap();
        }
        assert_eq!(of_commons(), Vec::<serde_json::Value>::new(), "{plant}");
    }
}

/// What was replaced or altered before an extension was moved left no trace: it is not called clean.
#[test]
fn an_extension_that_was_moved_is_not_checked_where_nothing_tells() {
    let lab = Lab::migrated();
    let there = |sql: &str| lab.sql("rgb_lightning_node", sql);
    let gaps = || {
        let report = verify(&lab, &["--service", R]);
        let found = list(&report, "not_checked").iter();
        let of_rule = found.filter(|gap| text(gap, "rule") == ATTACHED);
        let reasons: Vec<String> = of_rule.map(|gap| text(gap, "reason").to_owned()).collect();
        (reasons, of(&report, ATTACHED).len())
    };
    // Made of C functions of their own libraries: as clean as before.
    there(
        "CREATE SCHEMA tools; CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore; CREATE EXTENSION pg_stat_statements; \
         ALTER EXTENSION pg_trgm SET SCHEMA tools; ALTER EXTENSION hstore SET SCHEMA tools; ALTER EXTENSION pg_stat_statements SET SCHEMA tools; \
         ALTER EXTENSION pg_stat_statements SET SCHEMA public; DROP EXTENSION pg_stat_statements",
    );
    assert_eq!(gaps(), (Vec::new(), 0));
    for (plant, mend) in [
        (
            "CREATE OR REPLACE FUNCTION public.show_limit() RETURNS real LANGUAGE sql AS 'SELECT 1::real'",
            "DROP EXTENSION pg_trgm",
        ),
        (
            "CREATE OR REPLACE FUNCTION public.show_trgm(text) RETURNS text[] LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "DROP EXTENSION pg_trgm",
        ),
        (
            "ALTER FUNCTION public.show_limit() SECURITY DEFINER",
            "DROP EXTENSION pg_trgm",
        ),
    ] {
        there("DROP EXTENSION IF EXISTS pg_trgm; CREATE EXTENSION pg_trgm SCHEMA public");
        there(plant);
        assert_eq!(gaps(), (Vec::new(), 1), "{plant}");
        there("ALTER EXTENSION pg_trgm SET SCHEMA tools");
        let (reasons, _) = gaps();
        let [reason] = reasons.as_slice() else {
            panic!("{plant}: {reasons:?}");
        };
        for word in ["extension pg_trgm", "SET SCHEMA", "show_"] {
            assert!(reason.contains(word), "{plant}: {reason}");
        }
        there(mend);
    }
    there("DROP EXTENSION hstore; DROP SCHEMA tools");
    assert_clean(&lab);
}

/// What was attached stays told when the extension's next script writes the extension's row anew.
#[test]
fn what_was_attached_is_told_after_an_update_too() {
    let lab = Lab::migrated();
    let there = |sql: &str| lab.sql("rgb_lightning_node", sql);
    let told = || {
        let report = verify(&lab, &["--service", R]);
        let of_these = |finding: &&serde_json::Value| {
            [ATTACHED, "link/reaches-out"].contains(&text(finding, "rule"))
        };
        let found = list(&report, "findings").iter().filter(of_these);
        let mut names: Vec<String> = found
            .map(|found| text(&found["object"], "name").to_owned())
            .collect();
        names.sort();
        names
    };
    there(
        "CREATE EXTENSION pg_trgm VERSION '1.3'; \
         CREATE FUNCTION public.zq_f() RETURNS text LANGUAGE sql AS $$SELECT pg_read_file('/etc/hostname')$$",
    );
    for sql in [
        "ALTER EXTENSION pg_trgm ADD FUNCTION public.zq_f()",
        "CREATE TABLE public.zq_t (a integer); ALTER EXTENSION pg_trgm ADD TABLE public.zq_t",
        "BEGIN; CREATE SCHEMA timescaledb_arch; CREATE TABLE timescaledb_arch.blocks (a integer); \
         ALTER EXTENSION pg_trgm ADD SCHEMA timescaledb_arch; ALTER EXTENSION pg_trgm ADD TABLE timescaledb_arch.blocks; COMMIT",
        "CREATE FUNCTION public.zq_e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
         CREATE EVENT TRIGGER zq_e ON ddl_command_end EXECUTE FUNCTION public.zq_e(); \
         ALTER EXTENSION pg_trgm ADD FUNCTION public.zq_e(); ALTER EXTENSION pg_trgm ADD EVENT TRIGGER zq_e",
    ] {
        there(sql);
    }
    let before = told();
    for name in ["blocks", "timescaledb_arch", "zq_e", "zq_f", "zq_t"] {
        assert!(before.iter().any(|told| told == name), "{name}: {before:?}");
    }
    there("ALTER EXTENSION pg_trgm UPDATE");
    assert_eq!(told(), before);
    // What writes their rows anew.
    there(
        "GRANT EXECUTE ON FUNCTION public.zq_f() TO PUBLIC; GRANT SELECT ON public.zq_t TO PUBLIC; ALTER TABLE public.zq_t ADD COLUMN b integer",
    );
    assert_eq!(told(), before);
    there("DROP EXTENSION pg_trgm CASCADE; DROP SCHEMA IF EXISTS timescaledb_arch CASCADE");
    assert_clean(&lab);
    // In one transaction with the script, after it.
    there(
        "BEGIN; CREATE EXTENSION pg_trgm; CREATE TABLE public.zq_t (a integer); ALTER EXTENSION pg_trgm ADD TABLE public.zq_t; COMMIT",
    );
    assert_eq!(told(), ["zq_t"]);
    there("DROP EXTENSION pg_trgm");
    assert_clean(&lab);
}

/// Who closes template0 right after initdb does not make what lies in the server look like initdb's.
#[test]
fn a_write_to_template0_hides_nothing() {
    let server = start(&binaries(17, true).expect("PostgreSQL 17"), true, &[]);
    let lab = Lab::on(&server, "timescaledb");
    let there = |database: &str, sql: &str| lab.try_sql(database, sql).unwrap();
    there("template1", "CREATE TABLE k_posts (id bigint)");
    there(
        "postgres",
        "REVOKE CONNECT ON DATABASE template0 FROM PUBLIC",
    );
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]);
    let found = |report: &serde_json::Value| {
        let all = of(report, "bleed/common-database").into_iter();
        let objects = all.filter(|found| !text(found, "message").contains("commented"));
        objects.count()
    };
    let report = verify(&lab, &[]);
    assert_eq!(found(&report), 1, "{}", shown(&report));
    // Nor when all of initdb's databases are written: then nothing is taken for initdb's.
    for database in ["template1", "postgres"] {
        there(
            "postgres",
            &format!("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC"),
        );
        there(
            "postgres",
            &format!("COMMENT ON DATABASE {database} IS 'x'"),
        );
    }
    let report = verify(&lab, &[]);
    assert_eq!(found(&report), 1, "{}", shown(&report));
}

#[test]
fn what_initdb_made_is_told_by_its_age_where_nothing_else_tells() {
    let lab = Lab::migrated();
    // What every server's administrator does, and what writes the rows anew.
    for sql in [
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8), pg_catalog.lpad(text, integer) TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) FROM PUBLIC; REVOKE SELECT ON information_schema.tables FROM PUBLIC; \
         GRANT SELECT ON information_schema.tables TO PUBLIC",
        "ALTER FUNCTION pg_catalog.pg_sleep(float8) COST 5",
        "VACUUM FULL pg_proc",
        "VACUUM FULL pg_rewrite",
        "VACUUM FREEZE pg_rewrite",
        "REINDEX TABLE pg_proc",
    ] {
        lab.sql("rgb_lightning_node", sql);
        assert_clean(&lab);
    }
    for (plant, kind, name) in [
        (
            "CREATE OR REPLACE FUNCTION information_schema._pg_truetypid(pg_attribute, pg_type) RETURNS oid LANGUAGE sql IMMUTABLE AS 'SELECT 0::oid'",
            "function",
            "_pg_truetypid",
        ),
        (
            "CREATE OR REPLACE VIEW information_schema.enabled_roles AS SELECT rolname::information_schema.sql_identifier AS role_name FROM pg_roles",
            "view",
            "enabled_roles",
        ),
    ] {
        let before = of(&verify(&lab, &["--service", R]), SYSTEM).len();
        lab.sql("rgb_lightning_node", plant);
        let report = verify(&lab, &["--service", R]);
        assert_eq!(
            list(&report, "findings").len(),
            before + 1,
            "{}",
            shown(&report)
        );
        let found = of(&report, SYSTEM);
        let found = found
            .iter()
            .find(|found| found["object"]["name"] == name)
            .unwrap_or_else(|| panic!("{}", shown(&report)));
        assert_eq!(found["object"]["kind"], kind);
        assert!(text(found, "message").contains("replaced"), "{found}");
        assert!(text(found, "remedy").contains("template0"), "{found}");
    }
}

/// What was dropped leaves no row, and what was only granted on is not accused of it.
#[test]
fn what_is_missing_of_initdbs_is_told_and_nothing_else() {
    let lab = Lab::migrated();
    lab.sql(
        "rgb_lightning_node",
        "DROP VIEW information_schema.user_mapping_options; DROP TEXT SEARCH CONFIGURATION pg_catalog.danish",
    );
    for sql in [
        "SELECT",
        "GRANT SELECT ON pg_catalog.pg_stat_activity, information_schema.tables TO PUBLIC",
    ] {
        lab.sql("rgb_lightning_node", sql);
        let report = verify(&lab, &["--service", R]);
        let [found] = list(&report, "findings") else {
            panic!("{}", shown(&report));
        };
        assert_eq!(text(found, "rule"), SYSTEM, "{found}");
        for word in ["missing", "user_mapping_options", "danish"] {
            assert!(text(found, "message").contains(word), "{word}: {found}");
        }
        assert!(text(found, "remedy").contains("template0"), "{found}");
    }
}

/// Indexes over the same columns and triggers of one name may differ in the rest.
#[test]
fn an_index_or_trigger_of_a_chunk_with_other_options_is_found() {
    let lab = clock();
    lab.sql(
        "ksocial",
        "CREATE TRIGGER spy AFTER INSERT ON public.events FOR EACH ROW EXECUTE FUNCTION public.spying()",
    );
    let found = || {
        let report = verify(&lab, &["--service", K]);
        of(&report, CHUNK)
            .into_iter()
            .cloned()
            .collect::<Vec<serde_json::Value>>()
    };
    assert_eq!(found(), Vec::<serde_json::Value>::new());
    for options in [
        "(seen DESC)",
        "USING brin (seen)",
        "(seen) INCLUDE (source)",
    ] {
        lab.sql(
            "ksocial",
            &format!(
                "DO $do$ DECLARE i regclass; c regclass; BEGIN SELECT x.indexrelid, x.indrelid INTO i, c FROM pg_inherits h \
                 JOIN pg_index x ON x.indrelid = h.inhrelid JOIN pg_class r ON r.oid = x.indexrelid \
                 WHERE h.inhparent = 'public.events'::regclass AND r.relname LIKE '%events_seen_idx' ORDER BY h.inhrelid LIMIT 1; \
                 EXECUTE 'DROP INDEX ' || i; EXECUTE format('CREATE INDEX other ON %s {}', c) ; END $do$",
                options
            ),
        );
        let seen = found();
        let lacks = |found: &serde_json::Value| {
            text(found, "message").contains("lacks index events_seen_idx")
        };
        assert!(seen.iter().any(lacks), "{options}: {seen:?}");
        lab.sql(
            "ksocial",
            "DO $do$ DECLARE i regclass; BEGIN FOR i IN SELECT c.oid FROM pg_class c WHERE c.relname = 'other' LOOP \
             EXECUTE 'DROP INDEX ' || i; END LOOP; END $do$; \
             DROP INDEX public.events_seen_idx; CREATE INDEX events_seen_idx ON public.events (seen)",
        );
        assert_eq!(found(), Vec::<serde_json::Value>::new(), "{options}");
    }
    // A foreign key of the same name that points elsewhere.
    lab.sql(
        "ksocial",
        "CREATE TABLE attic.a (id text PRIMARY KEY); CREATE TABLE attic.b (id text PRIMARY KEY); INSERT INTO attic.a VALUES ('a'); \
         INSERT INTO attic.b VALUES ('a'); ALTER TABLE public.events ADD CONSTRAINT points FOREIGN KEY (source) REFERENCES attic.a",
    );
    assert_eq!(found(), Vec::<serde_json::Value>::new());
    lab.sql(
        "ksocial",
        "SET timescaledb.restoring = on; DO $do$ DECLARE k record; BEGIN SELECT conrelid::regclass AS c, conname AS n INTO k FROM pg_constraint \
         WHERE contype = 'f' AND confrelid = 'attic.a'::regclass AND conrelid <> 'public.events'::regclass ORDER BY 1 LIMIT 1; \
         EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I; ALTER TABLE %1$s ADD CONSTRAINT %2$I FOREIGN KEY (source) REFERENCES attic.b', k.c, k.n); END $do$",
    );
    let seen = found();
    assert!(
        seen.iter()
            .any(|found| text(found, "message").contains("attic.b")),
        "{seen:?}"
    );
    lab.sql(
        "ksocial",
        "ALTER TABLE public.events DROP CONSTRAINT points; DROP TABLE attic.b CASCADE",
    );
    assert_eq!(found(), Vec::<serde_json::Value>::new());
    for plant in [
        on_chunk!(
            "DROP TRIGGER spy ON %s; CREATE TRIGGER spy AFTER INSERT ON %s FOR EACH ROW WHEN (false) EXECUTE FUNCTION public.spying()"
        ),
        on_chunk!(
            "DROP TRIGGER spy ON %s; CREATE CONSTRAINT TRIGGER spy AFTER INSERT ON %s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.spying()"
        ),
    ] {
        lab.sql("ksocial", plant);
        let seen = found();
        let [one] = seen.as_slice() else {
            panic!("{plant}: {seen:?}");
        };
        assert!(text(one, "message").contains("another condition"), "{one}");
        crate::verify_cases::follow(&lab, &[one]);
        assert_eq!(found(), Vec::<serde_json::Value>::new(), "{plant}");
    }
}

/// Sets that make such objects: a lock holds them.
#[test]
fn a_lock_holds_rare_kinds_of_objects() {
    let mut lab = Lab::new();
    lab.own_services(&["alpha"]);
    lab.write(
        "sql/alpha/V1__rare.sql",
        "CREATE TABLE t (a int PRIMARY KEY, kind varchar(10) CONSTRAINT t_kind CHECK (kind IN ('post', 'it''s'))); CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = integer, RIGHTARG = integer);\n\
         CREATE TEXT SEARCH CONFIGURATION words (COPY = pg_catalog.simple);\n\
         CREATE FUNCTION as_text(bytea) RETURNS json LANGUAGE sql IMMUTABLE AS 'SELECT NULL::json';\n",
    );
    for table in ["V1__one", "V2__two", "V4__four"] {
        std::fs::remove_file(lab.path().join(format!("sql/alpha/{table}.sql"))).unwrap();
    }
    lab.write(
        "sql/alpha/V5__parted.sql",
        "CREATE TABLE kept (id int PRIMARY KEY); CREATE TABLE parted (id int, kept int REFERENCES kept (id)) PARTITION BY LIST (id); \
         CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1); \
         CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
         CREATE TRIGGER same BEFORE INSERT ON parted FOR EACH ROW EXECUTE FUNCTION same()",
    );
    let bin = lab.bin().to_str().unwrap().to_owned();
    lab.run(&["lock", "-q", "--postgres-bin", &bin]).exits(0);
    lab.run(&["lock", "-q", "--check", "--postgres-bin", &bin])
        .exits(0);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    assert_clean(&lab);
    // As a dump writes it and a restore reads it; what the server makes of that has another form.
    lab.sql(
        "alpha",
        "DO $do$ DECLARE was text := pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 't_kind'; BEGIN \
         EXECUTE 'ALTER TABLE t DROP CONSTRAINT t_kind, ADD CONSTRAINT t_kind ' || was; \
         ASSERT was <> (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 't_kind'); END $do$",
    );
    assert_clean(&lab);
    // What fires on a partitioned table, on one of its partitions alone.
    lab.sql("alpha", "ALTER TABLE parted_1 DISABLE TRIGGER ALL");
    let report = verify(&lab, &[]);
    let found = of(&report, CHANGED);
    let kinds: Vec<&str> = found
        .iter()
        .filter(|found| text(found, "message").contains("public.parted_1"))
        .map(|found| text(&found["object"], "kind"))
        .collect();
    assert_eq!(kinds, ["constraint", "trigger"], "{}", shown(&report));
    lab.sql("alpha", "ALTER TABLE parted_1 ENABLE TRIGGER ALL");
    assert_clean(&lab);
    lab.sql("alpha", "DROP OPERATOR === (integer, integer)");
    let report = verify(&lab, &[]);
    let found = of(&report, "drift/missing-object");
    assert_eq!(found.len(), 1, "{}", shown(&report));
    assert_eq!(found[0]["object"]["kind"], "operator");
    let (database, role) = (lab.db("alpha"), lab.db("alpha"));
    lab.sql(
        "postgres",
        &format!("DROP DATABASE \"{database}\" WITH (FORCE); DROP ROLE \"{role}\""),
    );
}

#[test]
fn what_lies_in_template1_is_told_once_for_each_server() {
    let server = start(&binaries(17, true).expect("PostgreSQL 17"), true, &[]);
    let lab = Lab::on(&server, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    assert_clean(&lab);
    let there = |database: &str, sql: &str| lab.try_sql(database, sql).unwrap();
    there(
        "template1",
        "CREATE EXTENSION timescaledb; CREATE TABLE k_posts (id bigint); CREATE TABLE scrap (id bigserial)",
    );
    there("postgres", "CREATE TABLE notes (id int)");
    let report = verify(&lab, &[]);
    let found = of(&report, "bleed/common-database");
    let seen: Vec<(&str, Option<&str>)> = found
        .iter()
        .map(|found| (text(found, "severity"), found["belongs_to"].as_str()))
        .collect();
    assert_eq!(
        seen,
        [("error", None), ("error", Some(K)), ("warning", None)],
        "{}",
        shown(&report)
    );
    assert!(text(found[0], "message").contains("public.scrap"));
    assert!(text(found[2], "message").contains("public.notes"));
    there("template1", "DROP TABLE k_posts, scrap");
    there("postgres", "DROP TABLE notes");
    assert_clean(&lab);
    // A way into a service's database from where everybody may connect.
    let plant = format!(
        "CREATE EXTENSION postgres_fdw; CREATE SERVER leak FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname '{}')",
        lab.db("ksocial")
    );
    there("postgres", &plant);
    let report = verify(&lab, &[]);
    let found = of(&report, "bleed/common-database");
    let [leads] = found.as_slice() else {
        panic!("{}", shown(&report));
    };
    assert_eq!(
        (text(leads, "severity"), text(leads, "belongs_to")),
        ("error", K)
    );
    assert!(text(leads, "message").contains("leads to the database of k-indexer"));
    let sql = crate::verify_cases::statements(text(leads, "remedy")).join(";");
    there("postgres", &sql);
    assert_clean(&lab);

    // Privileges there.
    let role = lab.db("k_social_user");
    for (database, plant, severity, owner, words) in [
        (
            "template1",
            format!("GRANT CREATE ON SCHEMA public TO \"{role}\""),
            "error",
            Some(K),
            vec!["CREATE on schema public", &role, K],
        ),
        (
            "template1",
            format!("GRANT CREATE ON DATABASE template1 TO \"{role}\""),
            "error",
            Some(K),
            vec!["may create schemas", &role],
        ),
        (
            "template1",
            format!("ALTER DATABASE template1 OWNER TO \"{role}\""),
            "error",
            Some(K),
            vec!["is the owner", &role],
        ),
        (
            "template1",
            format!("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO \"{role}\""),
            "error",
            Some(K),
            vec!["SELECT on future tables", &role],
        ),
        (
            "template1",
            "GRANT CREATE ON SCHEMA public TO PUBLIC".to_owned(),
            "warning",
            None,
            vec!["PUBLIC has CREATE on schema public"],
        ),
        (
            "template1",
            "CREATE ROLE passer_by; GRANT EXECUTE ON FUNCTION pg_read_file(text) TO passer_by"
                .to_owned(),
            "warning",
            None,
            vec!["passer_by", "pg_read_file(text)"],
        ),
        (
            "template1",
            "ALTER FUNCTION pg_catalog.pg_read_file(text) SECURITY DEFINER".to_owned(),
            "error",
            None,
            vec!["pg_catalog.pg_read_file(text)", "SECURITY DEFINER"],
        ),
        (
            "template1",
            "ALTER DOMAIN information_schema.cardinal_number ADD CONSTRAINT few CHECK (VALUE < 9999999999)"
                .to_owned(),
            "error",
            None,
            vec!["information_schema.cardinal_number", "CONSTRAINT few"],
        ),
        (
            "template1",
            "CREATE POLICY mine ON information_schema.sql_parts USING (true)".to_owned(),
            "error",
            None,
            vec!["policy mine", "information_schema.sql_parts"],
        ),
        // What hangs on what is nobody's to change is a cause of its own.
        (
            "template1",
            "CREATE RULE hush AS ON DELETE TO _timescaledb_config.bgw_job DO INSTEAD NOTHING"
                .to_owned(),
            "error",
            None,
            vec!["rule hush", "_timescaledb_config.bgw_job"],
        ),
        (
            "template1",
            "ALTER TABLE _timescaledb_catalog.metadata ADD COLUMN note text".to_owned(),
            "error",
            None,
            vec!["column _timescaledb_catalog.metadata.note"],
        ),
        (
            "postgres",
            format!("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO \"{role}\""),
            "error",
            Some(K),
            vec!["pg_read_file(text)", &role],
        ),
        (
            "postgres",
            "GRANT SELECT ON pg_authid TO PUBLIC".to_owned(),
            "error",
            None,
            vec!["PUBLIC has SELECT", "pg_authid"],
        ),
        (
            "postgres",
            format!("GRANT CREATE ON SCHEMA public TO \"{role}\""),
            "warning",
            Some(K),
            vec!["CREATE on schema public", &role],
        ),
    ] {
        there(database, &plant);
        let report = verify(&lab, &[]);
        let [found] = list(&report, "findings") else {
            panic!("{plant}\n{}", shown(&report));
        };
        assert_eq!(text(found, "rule"), "bleed/common-database", "{plant}");
        assert_eq!(text(found, "severity"), severity, "{plant}");
        assert_eq!(found["belongs_to"].as_str(), owner, "{plant}");
        let why = if database == "template1" {
            "every new database is a copy"
        } else {
            "database postgres"
        };
        for word in words.into_iter().chain([database, why]) {
            assert!(text(found, "message").contains(word), "{word}: {found}");
        }
        let sql = crate::verify_cases::statements(text(found, "remedy")).join(";");
        there(database, &sql);
        assert_clean(&lab);
    }
    there(
        "postgres",
        "ALTER DATABASE template0 ALLOW_CONNECTIONS true",
    );
    let report = verify(&lab, &[]);
    let [found] = list(&report, "findings") else {
        panic!("{}", shown(&report));
    };
    assert_eq!(text(found, "severity"), "warning", "{found}");
    assert!(text(found, "message").contains("template0"), "{found}");
    let sql = crate::verify_cases::statements(text(found, "remedy")).join(";");
    there("postgres", &sql);
    assert_clean(&lab);
    let owner = lab.db("k_social_user");
    there(
        "postgres",
        &format!("ALTER DATABASE template0 OWNER TO \"{owner}\""),
    );
    let report = verify(&lab, &[]);
    let [found] = list(&report, "findings") else {
        panic!("{}", shown(&report));
    };
    assert_eq!(
        (text(found, "severity"), text(found, "belongs_to")),
        ("error", K),
        "{found}"
    );
    assert!(
        text(found, "message").contains("owns database template0"),
        "{found}"
    );
    let sql = crate::verify_cases::statements(text(found, "remedy")).join(";");
    there("postgres", &sql);
    assert_clean(&lab);
    // Tools and their readers in postgres, and what a service may do everywhere.
    for (database, plant) in [
        (
            "postgres",
            "GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO passer_by; GRANT CREATE ON SCHEMA public TO passer_by",
        ),
        (
            "postgres",
            "GRANT USAGE ON SCHEMA public TO passer_by; GRANT EXECUTE ON FUNCTION lpad(text, integer) TO passer_by",
        ),
        (
            "postgres",
            "CREATE EXTENSION pg_stat_statements; GRANT SELECT ON pg_stat_statements TO passer_by",
        ),
        (
            "template1",
            "REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE EXECUTE ON FUNCTION pg_sleep(float8) FROM PUBLIC; \
             GRANT EXECUTE ON FUNCTION pg_sleep(float8) TO PUBLIC; ALTER DATABASE template1 SET search_path = public",
        ),
    ] {
        there(database, plant);
        assert_clean(&lab);
    }

    // Who may not look there says so.
    let mut lab = lab;
    lab.try_sql(
        "postgres",
        "REVOKE CONNECT ON DATABASE template1, postgres FROM PUBLIC",
    )
    .unwrap();
    assert_clean(&lab);
    lab.without_admin();
    let report = verify(&lab, &[]);
    let gaps: Vec<_> = list(&report, "not_checked")
        .iter()
        .filter(|gap| gap["rule"] == "bleed/common-database")
        .collect();
    assert_eq!(gaps.len(), 2, "{}", shown(&report));
    assert!(text(gaps[0], "remedy").starts_with("GRANT CONNECT ON DATABASE template1"));
}

#[test]
fn a_database_of_another_encoding_is_a_warning() {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    let (database, role) = (lab.db("rgb_lightning_node"), lab.db("rgb_user"));
    for sql in [
        format!("DROP DATABASE \"{database}\""),
        format!(
            "CREATE DATABASE \"{database}\" OWNER \"{role}\" TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"
        ),
        format!("REVOKE ALL ON DATABASE \"{database}\" FROM PUBLIC"),
    ] {
        lab.sql("postgres", &sql);
    }
    lab.run(&["migrate", "-q"]).exits(0);
    let report = verify(&lab, &[]);
    let found = of(&report, "drift/encoding");
    assert_eq!(found.len(), 1, "{}", shown(&report));
    assert!(
        text(found[0], "message").contains("SQL_ASCII"),
        "{}",
        found[0]
    );
    assert_eq!(found[0]["severity"], "warning");
}

/// Names and texts that could break a terminal, a JSON parser or the reader.
#[test]
fn a_hostile_catalog_is_read_and_told_without_escapes() {
    let lab = Lab::migrated();
    let long = "ж".repeat(31);
    lab.sql(
        "rgb_lightning_node",
        &format!(
            "CREATE TABLE public.\"a\"\"b'c\u{1b}[31m\n\r\t\u{202e}\u{7f}\" (\"co\"\"l\u{1b}]0;x\u{7}\n\" int DEFAULT 1); \
             CREATE TABLE public.\"{long}\" (\"{long}\" int); \
             CREATE SCHEMA \"s\u{1b}[2J\u{2066}\"; CREATE TYPE public.\"e\u{9b}31m\" AS ENUM ('\u{1b}[0m', 'x\ny'); \
             CREATE FUNCTION public.\"f\u{1b}(0\"(\"p\u{1b}\" text DEFAULT E'\\x1b[31m') RETURNS text LANGUAGE sql AS $$SELECT '{}'$$; \
             CREATE VIEW public.\"v\u{200b}\u{feff}\" AS SELECT 1 AS \"\u{1b}c\"; \
             CREATE INDEX \"i\u{1b}[31m\" ON public.ln_user_wallets (user_id) WHERE user_id <> E'\\x1b[31m'; \
             COMMENT ON TABLE public.\"{long}\" IS E'\\x1b]8;;http://x\\x1b\\\\ password=c4nary-comment'; \
             SELECT lo_create(990003)",
            "m\u{1b}[31m".repeat(160_000)
        ),
    );
    let harmless = |run: &Run| {
        assert_eq!(run.code, 0, "{}", run.all());
        let harm: Vec<char> = run.all().chars().filter(|c| *c != '\n').collect();
        let harm: Vec<char> = harm.into_iter().filter(|c| is_unsafe(*c)).collect();
        assert!(harm.is_empty(), "{harm:?} in {:?}", run.all());
        assert!(run.out.len() < 300_000, "{} bytes", run.out.len());
    };
    harmless(&lab.run(&["verify", "-v"]));
    for format in [
        "table", "json", "github", "sarif", "junit", "markdown", "html",
    ] {
        let run = lab.run(&["verify", "--format", format]);
        harmless(&run);
        assert!(run.out.contains(&long), "{format}:\n{}", run.out);
        match format {
            "json" => {
                let report = run.json();
                assert!(list(&report, "findings").len() >= 7, "{}", shown(&report));
                let names: Vec<&str> = list(&report, "findings")
                    .iter()
                    .map(|found| text(&found["object"], "name"))
                    .collect();
                assert!(names.contains(&"e\u{9b}31m"), "{names:?}");
            }
            "sarif" => {
                let results = &run.json()["runs"][0]["results"];
                assert!(results.as_array().unwrap().len() >= 7, "{results}");
            }
            "junit" => {
                let read = quick_junit::Report::deserialize_from_str(&run.out).unwrap();
                assert!(read.tests > 7);
            }
            "github" => {
                let commands = run.out.lines().filter(|line| line.starts_with("::"));
                assert!(commands.count() >= 7, "{}", run.out);
            }
            // That markup of others does not get through is formats.rs's.
            _ => {}
        }
    }
    // And the same system recorded as a lock reads back as it is.
    lab.edit("set = \"rgb_users\"", "managed = \"service\"");
    lab.run(&["lock", "--from", R, "-q"]).exits(0);
    lab.run(&["lock", "--from", R, "--check", "-q"]).exits(0);
}

#[test]
fn a_chunk_in_a_tablespace_of_its_own_is_worth_knowing() {
    let server = start(&binaries(17, true).expect("PostgreSQL 17"), true, &[]);
    let lab = Lab::on(&server, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    crate::rows::spread(&lab, 3);
    let chunk = "(SELECT format('%I.%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks \
                 WHERE hypertable_name = 'k_posts' ORDER BY 1 LIMIT 1)";
    lab.sql(
        "postgres",
        "SET allow_in_place_tablespaces = on; CREATE TABLESPACE slow LOCATION ''; CREATE TABLESPACE other LOCATION ''",
    );
    assert_clean(&lab);
    lab.sql(
        "ksocial",
        &format!(
            "DO $do$ BEGIN EXECUTE 'ALTER TABLE ' || {chunk} || ' SET TABLESPACE slow'; END $do$"
        ),
    );
    lab.sql(
        "ksocial",
        &format!(
            "DO $do$ BEGIN EXECUTE 'ALTER INDEX ' || (SELECT min(indexrelid::regclass::text) FROM pg_index WHERE indrelid = {chunk}::regclass) \
             || ' SET TABLESPACE other'; END $do$"
        ),
    );
    let report = verify(&lab, &["--service", K]);
    let found = of(&report, CHUNK);
    let [index, table] = found.as_slice() else {
        panic!("{}", shown(&report));
    };
    for (found, word) in [(table, "tablespace slow"), (index, "tablespace other")] {
        assert_eq!(found["severity"], "info");
        assert!(text(found, "message").contains(word), "{found}");
    }
    crate::verify_cases::follow(&lab, &found);
    assert!(of(&verify(&lab, &["--service", K]), CHUNK).is_empty());
    // Where the hypertable may lie, its chunks may.
    lab.sql(
        "ksocial",
        &format!(
            "GRANT CREATE ON TABLESPACE slow TO \"{}\"; SELECT attach_tablespace('slow', 'public.k_posts', if_not_attached => true); \
             DO $do$ BEGIN EXECUTE 'ALTER TABLE ' || {chunk} || ' SET TABLESPACE slow'; END $do$",
            lab.db("k_social_user")
        ),
    );
    let report = verify(&lab, &["--service", K]);
    assert!(of(&report, CHUNK).is_empty(), "{}", shown(&report));
}
