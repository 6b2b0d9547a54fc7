//! Groups `bleed` and `link` on real databases: another service's objects, disguises, hiding places, ways out.

use crate::lab::{K, Lab, R, S};
use crate::verify_cases::{Case, case, play, zoo};

const FOREIGN: &str = "bleed/foreign-object";
const ALIKE: &str = "bleed/look-alike";
const EXTENSION: &str = "link/extension";

/// The columns of simply-kaspa-indexer's `addresses`.
const LEDGER: &str = "CREATE TABLE public.ledger_rows (address text NOT NULL, balance bigint NOT NULL, created_at timestamptz, first_seen_at timestamptz, \
    last_seen_at timestamptz, total_received numeric(38,0), total_sent numeric(38,0), transaction_count bigint, updated_at timestamptz, utxo_count bigint, note text)";

/// In a system whose three sets are the built-in ones.
pub const CASES: &[Case] = &[
    case(FOREIGN, "error", S, ("table", "public", "k_posts"), "CREATE TABLE public.k_posts (id bigint)")
        .of(K)
        .says(&["public.k_posts", "{simply_kaspa}", K]),
    case(FOREIGN, "error", K, ("table", "legacy", "blocks"), "CREATE SCHEMA legacy; CREATE TABLE legacy.blocks (id bigint)")
        .of(S)
        .says(&["legacy.blocks"]),
    case(FOREIGN, "error", R, ("table", "public", "vars"), "CREATE TABLE public.vars (key text, value text)").of(K),
    case(FOREIGN, "error", K, ("view", "public", "transactions"), "CREATE VIEW public.transactions AS SELECT * FROM public.k_transactions")
        .of(S)
        .says(&["there it is a table"]),
    case(FOREIGN, "error", K, ("sequence", "public", "addresses"), "CREATE SEQUENCE public.addresses").of(S),
    case(FOREIGN, "error", K, ("type", "public", "addresses"), "CREATE TYPE public.addresses AS (a integer)").of(S),
    case(FOREIGN, "error", S, ("index", "public", "k_posts_author_address_time_idx"), "CREATE INDEX k_posts_author_address_time_idx ON public.addresses (balance)").of(K),
    case(FOREIGN, "error", S, ("statistics", "public", "k_posts_author_address_time_idx"), "CREATE STATISTICS k_posts_author_address_time_idx ON address, balance FROM public.addresses").of(K),
    case(FOREIGN, "error", K, ("constraint", "public", "addresses_balance_check"), "ALTER TABLE public.k_vars ADD CONSTRAINT addresses_balance_check CHECK (true)").of(S),
    case(FOREIGN, "error", K, ("table", "public", "blocks"), "CREATE TABLE public.blocks (\"time\" timestamptz NOT NULL); \
          SELECT create_hypertable('public.blocks', by_range('time')); INSERT INTO public.blocks VALUES (now())")
        .of(S)
        .says(&["hypertable", "chunks"]),
    case(FOREIGN, "error", K, ("table", "information_schema", "blocks"), "CREATE TABLE information_schema.blocks (id bigint)").of(S),
    case(ALIKE, "error", K, ("table", "public", "Blocks "), "CREATE TABLE public.\"Blocks \" (id bigint)").of(S).says(&["blocks"]),
    case(ALIKE, "error", K, ("table", "public", "bl\u{43e}cks"), "CREATE TABLE public.\"bl\u{43e}cks\" (id bigint)").of(S),
    case(ALIKE, "error", R, ("view", "public", "k_votes_backup_2026"), "CREATE VIEW public.k_votes_backup_2026 AS SELECT 1 AS a").of(K),
    case(ALIKE, "error", K, ("statistics", "public", "transactions_acceptances_by_block"), "CREATE STATISTICS public.transactions_acceptances_by_block ON key, value FROM public.k_vars")
        .of(S)
        .says(&["named after transactions_acceptances"]),
    case(ALIKE, "error", S, ("index", "public", "idx_k_votes_value"), "CREATE INDEX idx_k_votes_value ON public.vars (value)").of(K),
    case("drift/unknown-object", "info", K, ("index", "public", "idx_k_votes_by_hand"), "CREATE INDEX idx_k_votes_by_hand ON public.k_vars (value)"),
    case("bleed/same-shape", "error", K, ("table", "public", "ledger_rows"), LEDGER).of(S).says(&["addresses", "10 columns"]),
    case("bleed/same-shape", "error", R, ("table", "public", "dump"), "CREATE TABLE public.dump (\"Key\" text, \"Transaction_ID\" bytea, \"Block_Hash\" bytea, \"TIME\" timestamptz)")
        .of(S)
        .says(&["transactions_acceptances"]),
    case("bleed/same-shape", "error", K, ("view", "public", "ledger"), "CREATE VIEW public.ledger AS SELECT 'a'::text AS address, 1::bigint AS balance, now() AS created_at, \
          now() AS first_seen_at, now() AS last_seen_at, 1::numeric(38,0) AS total_received, 1::numeric(38,0) AS total_sent, 1::bigint AS transaction_count, \
          now() AS updated_at, 1::bigint AS utxo_count")
        .of(S)
        .says(&["addresses", "10 columns"]),
    case("bleed/same-shape", "error", K, ("type", "public", "ledger"), "CREATE TYPE public.ledger AS (\"Address\" text, balance bigint, created_at timestamptz, first_seen_at timestamptz, \
          last_seen_at timestamptz, total_received numeric(38,0), total_sent numeric(38,0), transaction_count bigint, updated_at timestamptz, utxo_count bigint)")
        .of(S)
        .says(&["addresses", "10 columns"]),
    // A view of own rows may have any of their columns.
    case("drift/unknown-object", "warning", K, ("view", "public", "recent"), "CREATE VIEW public.recent AS SELECT transaction_id, block_hash, \"time\" FROM public.k_transactions"),
    case("drift/unknown-object", "warning", S, ("view", "public", "everything"), "CREATE VIEW public.everything AS SELECT * FROM public.transaction_outputs"),
    case("bleed/hidden-object", "error", K, ("table", "information_schema", "attic"), "CREATE TABLE information_schema.attic (id bigint)")
        .says(&["information_schema.attic"]),
    case("bleed/hidden-object", "error", S, ("table", "_timescaledb_internal", "stash"), "CREATE TABLE _timescaledb_internal.stash (id bigint)"),
    case("bleed/attached-to-extension", "error", R, ("function", "public", "helper"), "CREATE FUNCTION public.helper(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'; \
          ALTER EXTENSION plpgsql ADD FUNCTION public.helper(integer)")
        .says(&["public.helper(integer)", "plpgsql"])
        .then("DROP FUNCTION public.helper(integer)"),
    case("bleed/attached-to-extension", "error", S, ("table", "public", "stash"), "CREATE TABLE public.stash (i integer); ALTER TABLE public.stash OWNER TO \"{rgb_user}\"; \
          ALTER EXTENSION timescaledb ADD TABLE public.stash")
        .says(&["public.stash", "timescaledb"])
        .then("DROP TABLE public.stash"),
    case("bleed/foreign-schema-name", "error", K, ("schema", "", "simply_kaspa"), "CREATE SCHEMA simply_kaspa").of(S).says(&["simply_kaspa"]),
    case("bleed/foreign-schema-name", "error", K, ("schema", "", "{rgb_lightning_node}"), "CREATE SCHEMA \"{rgb_lightning_node}\"").of(R),
    case("bleed/foreign-schema-name", "error", S, ("schema", "", "Public"), "CREATE SCHEMA \"Public\""),
    case("bleed/foreign-history", "error", K, ("migration", "", "V6__addresses"), "INSERT INTO public.refinery_schema_history VALUES (6, 'addresses', '2026-01-01T00:00:00Z', '1')")
        .of(S)
        .says(&["V6__addresses", "{ksocial}"]),
    case("bleed/foreign-tool-history", "warning", R, ("table", "public", "_sqlx_migrations"), "CREATE TABLE public._sqlx_migrations (version bigint)").says(&["sqlx"]),
    case("bleed/foreign-tool-history", "warning", S, ("table", "attic", "refinery_schema_history"), "CREATE SCHEMA attic; CREATE TABLE attic.refinery_schema_history (version bigint)")
        .says(&["refinery"]),
    case("bleed/file-engine-table", "error", R, ("table", "public", "asset"), "CREATE TABLE public.txo (id integer); CREATE TABLE public.coloring (id integer); CREATE TABLE public.asset (id integer)")
        .says(&["txo", "coloring", "asset", "rgb-lib"]),
    case("bleed/file-engine-table", "error", K, ("table", "public", "handshakes"), "CREATE TABLE public.handshakes (id integer)").says(&["kasia-indexer"]),
    // Ways out.
    case(EXTENSION, "error", S, ("extension", "", "dblink"), "CREATE EXTENSION dblink").says(&["dblink", "{simply_kaspa}"]),
    case(EXTENSION, "error", R, ("wrapper", "", "w"), "CREATE FOREIGN DATA WRAPPER w"),
    case("link/foreign-server", "error", S, ("server", "", "other_srv"), "CREATE EXTENSION postgres_fdw; \
          CREATE SERVER other_srv FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'k-social-db', dbname '{ksocial}'); \
          CREATE USER MAPPING FOR CURRENT_USER SERVER other_srv OPTIONS (user '{k_social_user}', password 'c4nary-mapping')")
        .of(K)
        .says(&["other_srv", "{ksocial}", K]),
    // One cause, one finding: a server with what goes through it, and the extension that does nothing without it.
    case("link/foreign-server", "error", R, ("server", "", "far"), "CREATE EXTENSION postgres_fdw; \
          CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'analytics'); CREATE FOREIGN TABLE public.elsewhere (id integer) SERVER far; \
          CREATE FOREIGN TABLE public.beyond (id integer) SERVER far")
        .says(&["far", "public.elsewhere", "public.beyond", "analytics"]),
    case("link/foreign-server", "error", R, ("server", "", "far"), "CREATE FOREIGN DATA WRAPPER bare; \
          CREATE SERVER far FOREIGN DATA WRAPPER bare OPTIONS (dbname 'analytics'); CREATE FOREIGN TABLE public.elsewhere (id integer) SERVER far")
        .says(&["far", "public.elsewhere", "wrapper bare"]),
    // A server that is told otherwise does not speak for its tables.
    case("link/foreign-table", "error", R, ("foreign_table", "public", "elsewhere"), "CREATE EXTENSION postgres_fdw; \
          CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'analytics'); CREATE FOREIGN TABLE public.elsewhere (id integer) SERVER far; \
          ALTER EXTENSION plpgsql ADD SERVER far")
        .says(&["public.elsewhere"])
        .also(&[EXTENSION, "bleed/attached-to-extension"])
        .undo("ALTER EXTENSION plpgsql DROP SERVER far; DROP EXTENSION postgres_fdw CASCADE"),
    case("link/publication", "error", K, ("publication", "", "everything"), "CREATE PUBLICATION everything FOR ALL TABLES").says(&["everything", "FOR ALL TABLES"]),
    case("link/publication", "error", R, ("publication", "", "some"), "CREATE PUBLICATION \"some\" FOR TABLE public.ln_user_wallets").says(&["ln_user_wallets"]),
    case("link/subscription", "error", S, ("subscription", "", "sub_{suffix}"), "CREATE SUBSCRIPTION \"sub_{suffix}\" CONNECTION 'dbname={ksocial} password=c4nary-conninfo' PUBLICATION p \
          WITH (connect = false, slot_name = 'kept')")
        .of(K)
        .says(&["sub_{suffix}", "{ksocial}"]),
    case("link/language", "error", R, ("language", "", "evil"), "CREATE LANGUAGE evil HANDLER plpgsql_call_handler").says(&["evil"]),
];

/// In a system where one set has functions, types and triggers to be found elsewhere.
pub const ZOO_CASES: &[Case] = &[
    case(FOREIGN, "error", S, ("function", "public", "speak"), "CREATE FUNCTION public.speak(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        .of(R)
        .says(&["public.speak(integer)"]),
    case(FOREIGN, "error", K, ("type", "public", "mood"), "CREATE TYPE public.mood AS ENUM ('x')").of(R),
    case(FOREIGN, "error", K, ("sequence", "public", "ticket"), "CREATE SEQUENCE public.ticket").of(R),
    case(FOREIGN, "error", S, ("trigger", "public", "animals_touch"), "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
          CREATE TRIGGER animals_touch AFTER INSERT ON public.addresses FOR EACH ROW EXECUTE FUNCTION public.f()")
        .of(R)
        .says(&["animals_touch", "public.addresses", "runs function f"])
        .then("DROP FUNCTION public.f()"),
    case(FOREIGN, "error", S, ("trigger", "public", "spy"), "CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
          CREATE TRIGGER spy AFTER INSERT ON public.addresses FOR EACH ROW EXECUTE FUNCTION public.touch()")
        .of(R)
        .says(&["spy", "touch", R])
        .then("DROP FUNCTION public.touch()"),
    case(ALIKE, "error", S, ("table", "public", "Cage"), "CREATE TABLE public.\"Cage\" (a integer)").of(R),
];

#[test]
fn everything_of_another_service_is_one_finding_and_its_remedy_mends_it() {
    play(&Lab::migrated(), CASES);
}

#[test]
fn functions_types_and_triggers_of_another_service_are_found_too() {
    play(&zoo(), ZOO_CASES);
}
