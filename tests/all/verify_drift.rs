//! Group `drift` on real databases: every kind of object missing, changed and extra; hypertables; the history.

use serde_json::Value;

use crate::lab::{K, Lab, R, S};
use crate::shop::Shop;
use crate::verify_cases::{
    Case, assert_clean, case, database_of, list, play, shown, statements, text, verify, zoo,
    zoo_unprovisioned,
};

const MISSING: &str = "drift/missing-object";
const CHANGED: &str = "drift/changed-object";
const UNKNOWN: &str = "drift/unknown-object";

pub const CASES: &[Case] = &[
    // Missing, one of each kind.
    case(MISSING, "error", R, ("table", "public", "cages"), "DROP TABLE public.cages")
        .says(&["public.cages", "rgb-lightning-node", "{rgb_lightning_node}"])
        .undo("SET ROLE \"{rgb_user}\"; CREATE TABLE public.cages (id integer CONSTRAINT cages_pkey PRIMARY KEY, animal integer, \
               CONSTRAINT cages_animal_fkey FOREIGN KEY (animal) REFERENCES public.animals (id))"),
    case(MISSING, "error", R, ("column", "public", "animals.legs"), "ALTER TABLE public.animals DROP CONSTRAINT animals_legs_check, DROP COLUMN legs")
        .also(&[MISSING])
        .undo("ALTER TABLE public.animals ADD COLUMN legs smallint, ADD CONSTRAINT animals_legs_check CHECK (legs >= 0)"),
    case(MISSING, "error", R, ("constraint", "public", "cages_animal_fkey"), "ALTER TABLE public.cages DROP CONSTRAINT cages_animal_fkey")
        .says(&["cages_animal_fkey", "public.cages"])
        .undo("ALTER TABLE public.cages ADD CONSTRAINT cages_animal_fkey FOREIGN KEY (animal) REFERENCES public.animals (id)"),
    case(MISSING, "error", R, ("constraint", "public", "animals_name_key"), "ALTER TABLE public.animals DROP CONSTRAINT animals_name_key")
        .undo("ALTER TABLE public.animals ADD CONSTRAINT animals_name_key UNIQUE (name)"),
    case(MISSING, "error", R, ("index", "public", "animals_born_idx"), "DROP INDEX public.animals_born_idx")
        .says(&["animals_born_idx", "public.animals"])
        .undo("CREATE INDEX animals_born_idx ON public.animals (born)"),
    case(MISSING, "error", R, ("function", "public", "speak"), "DROP FUNCTION public.speak(text)")
        .says(&["public.speak(text)"])
        .undo("SET ROLE \"{rgb_user}\"; CREATE FUNCTION public.speak(word text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT word'"),
    case(MISSING, "error", R, ("view", "public", "sad_animals"), "DROP VIEW public.sad_animals")
        .undo("SET ROLE \"{rgb_user}\"; CREATE VIEW public.sad_animals AS SELECT id, name FROM public.animals WHERE mood = 'sad'"),
    case(MISSING, "error", R, ("materialized_view", "public", "herd"), "DROP MATERIALIZED VIEW public.herd")
        .undo("SET ROLE \"{rgb_user}\"; CREATE MATERIALIZED VIEW public.herd AS SELECT count(*) AS n FROM public.animals"),
    case(MISSING, "error", R, ("type", "public", "pair"), "DROP TYPE public.pair").undo("SET ROLE \"{rgb_user}\"; CREATE TYPE public.pair AS (a integer, b text)"),
    case(MISSING, "error", R, ("sequence", "public", "ticket"), "DROP SEQUENCE public.ticket").undo("SET ROLE \"{rgb_user}\"; CREATE SEQUENCE public.ticket INCREMENT 5"),
    case(MISSING, "error", R, ("trigger", "public", "animals_touch"), "DROP TRIGGER animals_touch ON public.animals")
        .says(&["animals_touch", "public.animals"])
        .undo("CREATE TRIGGER animals_touch BEFORE UPDATE ON public.animals FOR EACH ROW EXECUTE FUNCTION public.touch()"),
    // Renamed or moved: one finding, whose remedy renames and drops nothing; what only speaks of it by its new name is not changed.
    case(MISSING, "error", R, ("table", "public", "cages"), "CREATE SCHEMA attic; ALTER TABLE public.cages SET SCHEMA attic")
        .says(&["table attic.cages", "under another name"]),
    case(MISSING, "error", R, ("table", "public", "animals"), "ALTER TABLE public.animals RENAME TO \"Big Beasts\"")
        .says(&["public.animals", "public.\"Big Beasts\""]),
    case(MISSING, "error", R, ("table", "public", "animals"), "CREATE SCHEMA attic; ALTER TABLE public.animals RENAME TO beings; ALTER TABLE public.beings SET SCHEMA attic"),
    // A name of another service's on the own columns: one finding still, with the view and the foreign keys that speak of it.
    case(MISSING, "error", R, ("table", "public", "animals"), "ALTER TABLE public.animals RENAME TO blocks")
        .says(&["public.animals", "public.blocks", S]),
    // Functions go with the types of their arguments, however these are written.
    case(MISSING, "error", R, ("type", "public", "mood"), "CREATE FUNCTION public.cheer(m public.mood, x integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'; \
          ALTER TYPE public.mood RENAME TO \"My \"\"Mood\"\", sir\"")
        .also(&[UNKNOWN]),
    case(MISSING, "error", R, ("table", "public", "visits"), "ALTER TABLE public.visits RENAME TO calls").says(&["public.calls"]),
    case(MISSING, "error", R, ("table", "public", "beasts"), "ALTER TABLE public.beasts RENAME TO brutes").says(&["public.brutes"]),
    case(MISSING, "error", R, ("column", "public", "animals.born"), "ALTER TABLE public.animals RENAME born TO birthday")
        .says(&["public.animals.born", "public.animals.birthday"]),
    case(MISSING, "error", R, ("column", "public", "animals.mood"), "ALTER TABLE public.animals RENAME mood TO temper"),
    case(MISSING, "error", R, ("column", "public", "animals.id"), "ALTER TABLE public.animals RENAME id TO number"),
    case(MISSING, "error", R, ("constraint", "public", "animals_legs_check"), "ALTER TABLE public.animals RENAME CONSTRAINT animals_legs_check TO has_legs"),
    case(MISSING, "error", R, ("constraint", "public", "animals_pkey"), "ALTER INDEX public.animals_pkey RENAME TO animals_key"),
    case(MISSING, "error", R, ("index", "public", "animals_born_idx"), "ALTER INDEX public.animals_born_idx RENAME TO by_age"),
    case(MISSING, "error", R, ("trigger", "public", "animals_touch"), "ALTER TRIGGER animals_touch ON public.animals RENAME TO touched"),
    case(MISSING, "error", R, ("function", "public", "speak"), "ALTER FUNCTION public.speak(text) RENAME TO talk"),
    case(MISSING, "error", R, ("function", "public", "touch"), "CREATE SCHEMA attic; ALTER FUNCTION public.touch() SET SCHEMA attic"),
    case(MISSING, "error", R, ("function", "public", "largest"), "ALTER AGGREGATE public.largest(integer) RENAME TO greatest_of"),
    case(MISSING, "error", R, ("view", "public", "sad_animals"), "ALTER VIEW public.sad_animals RENAME TO blue_animals"),
    case(MISSING, "error", R, ("materialized_view", "public", "herd"), "ALTER MATERIALIZED VIEW public.herd RENAME TO flock"),
    case(MISSING, "error", R, ("type", "public", "mood"), "ALTER TYPE public.mood RENAME TO temper").says(&["public.temper"]),
    case(MISSING, "error", R, ("type", "public", "posint"), "ALTER DOMAIN public.posint RENAME TO natural_number"),
    case(MISSING, "error", R, ("sequence", "public", "ticket"), "ALTER SEQUENCE public.ticket RENAME TO token"),
    case(MISSING, "error", R, ("schema", "", "public"), "ALTER SCHEMA public RENAME TO old")
        .says(&["schema public", "schema old"]),
    case(MISSING, "error", K, ("table", "public", "events"), "ALTER TABLE public.events RENAME TO moments").says(&["public.moments"]),
    case(MISSING, "error", K, ("column", "public", "events.time"), "ALTER TABLE public.events RENAME \"time\" TO at"),
    // Of two that are like it nobody knows which it is: neither is advised to be dropped before that is known.
    case(MISSING, "error", R, ("table", "public", "cages"), "CREATE TABLE public.one (LIKE public.cages INCLUDING ALL); ALTER TABLE public.cages RENAME TO two")
        .also(&[UNKNOWN, UNKNOWN])
        .undo("DROP TABLE public.one; ALTER TABLE public.two RENAME TO cages"),
    // What a partition has of its own, known or new.
    case(UNKNOWN, "error", R, ("column", "public", "visits_2026.body"), "ALTER TABLE public.visits_2026 ALTER body SET DEFAULT 'x', ALTER body SET NOT NULL")
        .says(&["public.visits_2026.body", "a default and a NOT NULL of its own"]),
    case(UNKNOWN, "error", R, ("column", "public", "visits_2026.body"), "ALTER TABLE public.visits_2026 ALTER body DROP DEFAULT"),
    case(UNKNOWN, "info", R, ("table", "public", "visits_2027"), "SET ROLE \"{rgb_user}\"; \
          CREATE TABLE public.visits_2027 PARTITION OF public.visits FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')"),
    case(UNKNOWN, "info", R, ("table", "public", "visits_2027"), "SET ROLE \"{rgb_user}\"; CREATE TABLE public.visits_2027 (LIKE public.visits INCLUDING ALL); \
          ALTER TABLE public.visits ATTACH PARTITION public.visits_2027 FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')"),
    case(UNKNOWN, "info", R, ("table", "public", "visits_2028"), "SET ROLE \"{rgb_user}\"; \
          CREATE TABLE public.visits_2028 PARTITION OF public.visits FOR VALUES FROM ('2028-01-01') TO ('2029-01-01') PARTITION BY LIST (id)"),
    case(UNKNOWN, "error", R, ("table", "public", "visits_2029"), "CREATE TABLE public.visits_2029 PARTITION OF public.visits FOR VALUES FROM ('2029-01-01') TO ('2030-01-01'); \
          CREATE TRIGGER spy AFTER INSERT ON public.visits_2029 FOR EACH ROW EXECUTE FUNCTION public.touch()")
        .says(&["public.visits_2029", "has no trigger spy on public.visits_2029"])
        .then("DROP TABLE public.visits_2029"),
    // A child has its columns from its parent.
    case(UNKNOWN, "error", R, ("column", "public", "beasts.legs"), "ALTER TABLE public.beasts ADD COLUMN legs integer"),
    case(CHANGED, "error", R, ("column", "public", "beasts.weight"), "ALTER TABLE public.beasts ALTER weight TYPE bigint")
        .undo("ALTER TABLE public.beasts ALTER weight TYPE integer"),
    // The extension takes the hypertables along.
    case(MISSING, "error", K, ("extension", "", "timescaledb"), "DROP EXTENSION timescaledb CASCADE")
        .undo("CREATE EXTENSION timescaledb; SELECT create_hypertable('public.events', by_range('time', INTERVAL '1 hour'), create_default_indexes => false, migrate_data => true)"),
    // Changed, one of each kind.
    case(CHANGED, "error", R, ("table", "public", "cages"), "ALTER TABLE public.cages SET UNLOGGED")
        .says(&["public.cages", "unlogged"])
        .undo("ALTER TABLE public.cages SET LOGGED"),
    case(CHANGED, "error", R, ("table", "public", "cages"), "ALTER TABLE public.cages ENABLE ROW LEVEL SECURITY")
        .undo("ALTER TABLE public.cages DISABLE ROW LEVEL SECURITY"),
    // Its foreign key holds no longer, and nothing else shows it.
    case(CHANGED, "error", R, ("constraint", "public", "cages_animal_fkey"), "ALTER TABLE public.cages DISABLE TRIGGER ALL")
        .says(&["cages_animal_fkey", "disabled"])
        .undo("ALTER TABLE public.cages ENABLE TRIGGER ALL"),
    case(CHANGED, "info", R, ("table", "public", "cages"), "ALTER TABLE public.cages SET (fillfactor = 70)")
        .undo("ALTER TABLE public.cages RESET (fillfactor)"),
    case(CHANGED, "info", R, ("index", "public", "animals_born_idx"), "ALTER INDEX public.animals_born_idx SET (fillfactor = 70, deduplicate_items = off)")
        .undo("ALTER INDEX public.animals_born_idx RESET (fillfactor, deduplicate_items)"),
    case(CHANGED, "error", R, ("function", "public", "speak"), "ALTER FUNCTION public.speak(text) SUPPORT pg_catalog.textlike_support")
        .says(&["support is textlike_support"])
        .undo("DROP FUNCTION public.speak(text); SET ROLE \"{rgb_user}\"; CREATE FUNCTION public.speak(word text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT word'"),
    case(CHANGED, "error", R, ("function", "public", "largest"), "CREATE OR REPLACE AGGREGATE public.largest(integer) (SFUNC = int4larger, STYPE = integer, SORTOP = operator(pg_catalog.<))")
        .says(&["sortop = <(integer,integer)"])
        .undo("CREATE OR REPLACE AGGREGATE public.largest(integer) (SFUNC = int4larger, STYPE = integer)"),
    case(CHANGED, "error", R, ("table", "public", "cages"), "ALTER TABLE public.cages RENAME TO kept; \
          CREATE VIEW public.cages AS SELECT * FROM public.kept; DROP VIEW public.cages; DROP TABLE public.kept; CREATE VIEW public.cages AS SELECT 1 AS id")
        .says(&["relation kind", "view", "table"])
        .undo("DROP VIEW public.cages; SET ROLE \"{rgb_user}\"; CREATE TABLE public.cages (id integer CONSTRAINT cages_pkey PRIMARY KEY, animal integer, \
               CONSTRAINT cages_animal_fkey FOREIGN KEY (animal) REFERENCES public.animals (id))"),
    case(CHANGED, "error", R, ("column", "public", "animals.born"), "ALTER TABLE public.animals ALTER born TYPE timestamp")
        .says(&["public.animals.born", "date", "timestamp without time zone"])
        .undo("ALTER TABLE public.animals ALTER born TYPE date"),
    case(CHANGED, "error", R, ("column", "public", "animals.name"), "ALTER TABLE public.animals ALTER name DROP NOT NULL, ALTER name DROP DEFAULT")
        .says(&["not null", "default"])
        .undo("ALTER TABLE public.animals ALTER name SET NOT NULL, ALTER name SET DEFAULT 'nobody'"),
    case(CHANGED, "error", R, ("column", "public", "cages.id"), "ALTER TABLE public.cages ALTER id ADD GENERATED ALWAYS AS IDENTITY (INCREMENT 2)")
        .says(&["identity", "increment 2"])
        .undo("ALTER TABLE public.cages ALTER id DROP IDENTITY"),
    case(CHANGED, "error", R, ("constraint", "public", "animals_legs_check"), "ALTER TABLE public.animals DROP CONSTRAINT animals_legs_check, \
          ADD CONSTRAINT animals_legs_check CHECK (legs >= -1)")
        .undo("ALTER TABLE public.animals DROP CONSTRAINT animals_legs_check, ADD CONSTRAINT animals_legs_check CHECK (legs >= 0)"),
    case(CHANGED, "error", R, ("constraint", "public", "cages_animal_fkey"), "ALTER TABLE public.cages DROP CONSTRAINT cages_animal_fkey, \
          ADD CONSTRAINT cages_animal_fkey FOREIGN KEY (animal) REFERENCES public.animals (id) NOT VALID")
        .undo("ALTER TABLE public.cages VALIDATE CONSTRAINT cages_animal_fkey"),
    case(CHANGED, "error", R, ("index", "public", "animals_born_idx"), "DROP INDEX public.animals_born_idx; CREATE INDEX animals_born_idx ON public.animals (born DESC)")
        .says(&["animals_born_idx", "DESC"])
        .undo("DROP INDEX public.animals_born_idx; CREATE INDEX animals_born_idx ON public.animals (born)"),
    case(CHANGED, "error", R, ("index", "public", "animals_born_idx"), "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.animals_born_idx'::regclass")
        .says(&["valid is false"])
        .undo("REINDEX INDEX public.animals_born_idx"),
    case(CHANGED, "error", R, ("function", "public", "speak"), "CREATE OR REPLACE FUNCTION public.speak(word text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''moo'''")
        .says(&["body", "moo"])
        .undo("CREATE OR REPLACE FUNCTION public.speak(word text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT word'"),
    case(CHANGED, "error", R, ("function", "public", "touch"), "ALTER FUNCTION public.touch() SECURITY DEFINER")
        .says(&["security definer"])
        .undo("ALTER FUNCTION public.touch() SECURITY INVOKER"),
    case(CHANGED, "error", R, ("view", "public", "sad_animals"), "CREATE OR REPLACE VIEW public.sad_animals AS SELECT id, name FROM public.animals WHERE mood = 'happy'")
        .says(&["view definition", "happy"])
        .undo("CREATE OR REPLACE VIEW public.sad_animals AS SELECT id, name FROM public.animals WHERE mood = 'sad'"),
    case(CHANGED, "error", R, ("type", "public", "mood"), "ALTER TYPE public.mood RENAME VALUE 'happy' TO 'glad'")
        .says(&["glad", "happy"])
        .undo("ALTER TYPE public.mood RENAME VALUE 'glad' TO 'happy'"),
    case(CHANGED, "error", R, ("type", "public", "posint"), "ALTER DOMAIN public.posint DROP CONSTRAINT posint_check")
        .undo("ALTER DOMAIN public.posint ADD CONSTRAINT posint_check CHECK (VALUE > 0)"),
    case(CHANGED, "error", R, ("sequence", "public", "ticket"), "ALTER SEQUENCE public.ticket INCREMENT 7")
        .says(&["increment"])
        .undo("ALTER SEQUENCE public.ticket INCREMENT 5"),
    case(CHANGED, "error", R, ("trigger", "public", "animals_touch"), "ALTER TABLE public.animals DISABLE TRIGGER animals_touch")
        .says(&["disabled"])
        .undo("ALTER TABLE public.animals ENABLE TRIGGER animals_touch"),
    // Extra, one of each kind: the remedy drops each.
    case(UNKNOWN, "warning", R, ("index", "public", "half"), "CREATE INDEX half ON public.animals (born); \
          UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.half'::regclass")
        .says(&["half", "not valid"]),
    case(UNKNOWN, "warning", R, ("table", "public", "visitors"), "CREATE TABLE public.visitors (id serial PRIMARY KEY, name text)"),
    case(UNKNOWN, "warning", R, ("table", "public", "animals_old"), "CREATE TABLE public.animals_old (LIKE public.animals)").says(&["copy of animals"]),
    case(UNKNOWN, "error", R, ("table", "public", "twins"), "CREATE TABLE public.twins () INHERITS (public.cages)"),
    case(UNKNOWN, "error", R, ("table", "public", "scratch"), "CREATE TABLE public.scratch (i int); ALTER TABLE public.scratch OWNER TO \"{simply_kaspa_user}\"")
        .of(S)
        .says(&["{simply_kaspa_user}", S]),
    case(UNKNOWN, "error", R, ("column", "public", "animals.nickname"), "ALTER TABLE public.animals ADD COLUMN nickname text"),
    case(UNKNOWN, "error", R, ("column", "public", "sad_animals.name"), "ALTER VIEW public.sad_animals ALTER COLUMN name SET DEFAULT 'x'")
        .says(&["it is a view's, and has a default"]),
    case(UNKNOWN, "error", R, ("constraint", "public", "few_legs"), "ALTER TABLE public.animals ADD CONSTRAINT few_legs CHECK (legs < 1000)"),
    case(UNKNOWN, "info", R, ("index", "public", "dba_idx"), "CREATE INDEX dba_idx ON public.animals (legs)"),
    case(UNKNOWN, "warning", R, ("function", "public", "helper"), "CREATE FUNCTION public.helper(integer, text[]) RETURNS integer LANGUAGE sql AS 'SELECT 1'"),
    case(UNKNOWN, "warning", R, ("function", "public", "chore"), "CREATE PROCEDURE public.chore(IN a integer, INOUT b integer) LANGUAGE plpgsql AS 'BEGIN END'"),
    case(UNKNOWN, "warning", R, ("view", "public", "all_animals"), "CREATE VIEW public.all_animals AS SELECT id FROM public.animals"),
    case(UNKNOWN, "warning", R, ("materialized_view", "public", "counted"), "CREATE MATERIALIZED VIEW public.counted AS SELECT 1 AS n"),
    case(UNKNOWN, "warning", R, ("type", "public", "colour"), "CREATE TYPE public.colour AS ENUM ('red')"),
    case(UNKNOWN, "warning", R, ("type", "public", "percent"), "CREATE DOMAIN public.percent AS integer CHECK (VALUE <= 100)"),
    case(UNKNOWN, "warning", R, ("type", "public", "span"), "CREATE TYPE public.span AS RANGE (subtype = integer)"),
    case(UNKNOWN, "warning", R, ("sequence", "public", "spare"), "CREATE SEQUENCE public.spare"),
    case(UNKNOWN, "error", R, ("trigger", "public", "spy"), "CREATE TRIGGER spy AFTER INSERT ON public.cages FOR EACH ROW EXECUTE FUNCTION public.touch()")
        .says(&["spy", "public.cages", "touch"]),
    case(UNKNOWN, "error", R, ("rule", "public", "divert"), "CREATE RULE divert AS ON INSERT TO public.cages DO ALSO NOTHING"),
    case(UNKNOWN, "error", R, ("policy", "public", "mine"), "CREATE POLICY mine ON public.cages USING (true)"),
    case(UNKNOWN, "info", R, ("statistics", "public", "stat"), "CREATE STATISTICS public.stat ON name, born FROM public.animals"),
    case(UNKNOWN, "warning", R, ("collation", "public", "german"), "CREATE COLLATION public.german FROM \"C\""),
    case(UNKNOWN, "error", R, ("event_trigger", "", "watch_ddl"), "CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
          CREATE EVENT TRIGGER watch_ddl ON ddl_command_end EXECUTE FUNCTION public.on_ddl()"),
    case(UNKNOWN, "warning", R, ("operator", "public", "<~>"), "CREATE FUNCTION public.near(integer, integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END'; \
          CREATE OPERATOR public.<~> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = public.near)"),
    case(UNKNOWN, "warning", R, ("cast", "", "public.mood AS integer"), "CREATE FUNCTION public.weigh(public.mood) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'; \
          CREATE CAST (public.mood AS integer) WITH FUNCTION public.weigh(public.mood)"),
    case(UNKNOWN, "warning", R, ("schema", "", "attic"), "CREATE SCHEMA attic"),
    case(UNKNOWN, "info", R, ("extension", "", "pg_trgm"), "CREATE EXTENSION pg_trgm"),
    // One cause, one finding: a schema with what lies in it, a column with its key.
    case(UNKNOWN, "info", R, ("extension", "", "pg_trgm"), "CREATE SCHEMA extensions; CREATE EXTENSION pg_trgm SCHEMA extensions").then("DROP SCHEMA extensions"),
    case(UNKNOWN, "warning", R, ("table", "attic", "box"), "CREATE SCHEMA attic; CREATE TABLE attic.box (i integer)").says(&["attic.box"]),
    case(UNKNOWN, "error", R, ("column", "public", "cages.mate"), "ALTER TABLE public.cages ADD COLUMN mate integer REFERENCES public.animals (id)"),
    // A trigger that nobody brought, on a table that an extension brought.
    case(UNKNOWN, "error", K, ("trigger", "_timescaledb_catalog", "spy"), "CREATE FUNCTION public.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
          CREATE TRIGGER spy BEFORE INSERT ON _timescaledb_catalog.tablespace FOR EACH ROW EXECUTE FUNCTION public.spy()")
        .says(&["spy", "_timescaledb_catalog.tablespace"]),
    // The names that deceive: the remedy must reach exactly the object.
    case(UNKNOWN, "warning", R, ("table", "public", "a\"b\u{202e}\u{1b}\nc"), "CREATE TABLE public.\"a\"\"b\u{202e}\u{1b}\nc\" (i int)"),
    // Hypertables.
    case("drift/missing-hypertable", "error", K, ("hypertable", "public", "events"), "DROP TABLE public.events; \
          SET ROLE \"{k_social_user}\"; CREATE TABLE public.events (\"time\" timestamptz NOT NULL, seen timestamptz NOT NULL, source text NOT NULL, CONSTRAINT events_pkey PRIMARY KEY (\"time\", seen, source)); \
          INSERT INTO public.events VALUES ('2026-01-01 00:10Z', now(), 'a'), ('2026-01-01 02:10Z', now(), 'a')")
        .says(&["public.events", "plain table"])
        .then("DO $$ BEGIN ASSERT (SELECT count(*) FROM show_chunks('public.events')) = 2 AND (SELECT count(*) FROM public.events) = 2; END $$; TRUNCATE public.events"),
    case("drift/time-column", "error", K, ("hypertable", "public", "events"), "DROP TABLE public.events; \
          SET ROLE \"{k_social_user}\"; CREATE TABLE public.events (\"time\" timestamptz NOT NULL, seen timestamptz NOT NULL, source text NOT NULL, CONSTRAINT events_pkey PRIMARY KEY (\"time\", seen, source)); \
          SELECT create_hypertable('public.events', by_range('seen', INTERVAL '1 hour'), create_default_indexes => false)")
        .says(&["public.events", "seen", "time"])
        .undo("DROP TABLE public.events; \
          SET ROLE \"{k_social_user}\"; CREATE TABLE public.events (\"time\" timestamptz NOT NULL, seen timestamptz NOT NULL, source text NOT NULL, CONSTRAINT events_pkey PRIMARY KEY (\"time\", seen, source)); \
          SELECT create_hypertable('public.events', by_range('time', INTERVAL '1 hour'), create_default_indexes => false)"),
    case("drift/dimensions", "error", K, ("hypertable", "public", "events"), "SELECT add_dimension('public.events', by_hash('source', 4))")
        .says(&["public.events", "source (4 partitions)"])
        .undo("DROP TABLE public.events; \
          SET ROLE \"{k_social_user}\"; CREATE TABLE public.events (\"time\" timestamptz NOT NULL, seen timestamptz NOT NULL, source text NOT NULL, CONSTRAINT events_pkey PRIMARY KEY (\"time\", seen, source)); \
          SELECT create_hypertable('public.events', by_range('time', INTERVAL '1 hour'), create_default_indexes => false)"),
    case(UNKNOWN, "error", K, ("hypertable", "public", "notes"), "SELECT create_hypertable('public.notes', by_range('time'), create_default_indexes => false)")
        .undo("DROP TABLE public.notes; SET ROLE \"{k_social_user}\"; CREATE TABLE public.notes (\"time\" timestamptz NOT NULL, body text NOT NULL)"),
    case("drift/chunk-interval", "error", S, ("hypertable", "public", "blocks"), "SELECT set_chunk_time_interval('public.blocks', INTERVAL '1 day')")
        .says(&["public.blocks", "1 day", "30 minutes"]),
    // The history.
    case("drift/history", "error", S, ("migration", "", "V99__gone.sql"), "INSERT INTO public.refinery_schema_history VALUES (99, 'gone', '2026-01-01T00:00:00Z', '1')")
        .says(&["V99__gone", "{simply_kaspa}"])
        .undo("DELETE FROM public.refinery_schema_history WHERE version = 99"),
    case("drift/history", "error", S, ("migration", "", "V2__blocks_and_transactions.sql"), "UPDATE public.refinery_schema_history SET checksum = checksum || '0' WHERE version = 2")
        .says(&["V2__blocks_and_transactions.sql", "edited"])
        .undo("UPDATE public.refinery_schema_history SET checksum = left(checksum, -1) WHERE version = 2"),
];

#[test]
fn every_kind_of_drift_is_one_finding_and_its_remedy_mends_it() {
    let lab = zoo();
    play(&lab, CASES);
}

#[test]
fn a_partition_of_a_new_partition_comes_and_goes_as_well() {
    let lab = zoo();
    lab.sql(
        "rgb_lightning_node",
        "CREATE TABLE public.visits_2028 PARTITION OF public.visits FOR VALUES FROM ('2028-01-01') TO ('2029-01-01') PARTITION BY LIST (id); \
         CREATE TABLE public.visits_2028_1 PARTITION OF public.visits_2028 DEFAULT",
    );
    let report = verify(&lab, &["--service", R]);
    let severities: Vec<&str> = list(&report, "findings")
        .iter()
        .map(|found| text(found, "severity"))
        .collect();
    assert_eq!(severities, ["info", "info"], "{}", shown(&report));
    lab.sql("rgb_lightning_node", "DROP TABLE public.visits_2028");
    assert_clean(&lab);
}

#[test]
fn a_database_that_was_never_migrated_is_one_finding_each_and_migrate_mends_it() {
    let lab = zoo_unprovisioned();
    lab.run(&["provision", "-q"]).exits(0);
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "fail");
    let found = list(&report, "findings");
    let services: Vec<&str> = found.iter().map(|found| text(found, "service")).collect();
    assert_eq!(services, [K, S, R], "{}", shown(&report));
    for (found, service) in found.iter().zip([K, S, R]) {
        assert_eq!(found["rule"], "drift/not-migrated", "{}", shown(&report));
        assert_eq!(text(&found["object"], "name"), lab.db(database_of(service)));
        assert!(text(found, "message").contains(&lab.db(database_of(service))));
        mend_by_command(&lab, text(found, "remedy"));
    }
    assert_clean(&lab);
}

/// Runs a remedy that is a command of dbctl's.
#[track_caller]
pub fn mend_by_command(lab: &Lab, remedy: &str) {
    let start = remedy.find("dbctl ").unwrap();
    let command = remedy[start..]
        .split(['`', ';', '('])
        .next()
        .unwrap()
        .trim();
    let args: Vec<&str> = command.split(' ').skip(1).collect();
    lab.run(&args).exits(0);
}

#[test]
fn a_pending_migration_is_one_finding_and_what_depends_on_it_is_not_checked() {
    let lab = Lab::migrated();
    lab.sql(
        "simply_kaspa",
        "DELETE FROM public.refinery_schema_history WHERE version = 6; DROP TABLE public.addresses",
    );
    let report = verify(&lab, &[]);
    let [found] = list(&report, "findings") else {
        panic!("{}", shown(&report))
    };
    assert_eq!(
        (
            text(found, "rule"),
            text(found, "severity"),
            text(found, "service")
        ),
        ("drift/pending", "error", S)
    );
    assert_eq!(text(&found["object"], "name"), "V6__addresses.sql");
    assert!(text(found, "message").contains("V6__addresses.sql"));
    // A table that the migration would bring is not called missing.
    let gaps: Vec<&str> = list(&report, "not_checked")
        .iter()
        .map(|gap| text(gap, "rule"))
        .collect();
    assert!(
        gaps.contains(&MISSING) && gaps.iter().all(|rule| rule.starts_with("drift/")),
        "{gaps:?}"
    );
    mend_by_command(&lab, text(found, "remedy"));
    assert_clean(&lab);
}

const ORDERS: &str = "CREATE TABLE orders (id bigint CONSTRAINT orders_pkey PRIMARY KEY, total bigint CONSTRAINT orders_total_check CHECK (total >= 0));\n\
    CREATE INDEX orders_total_idx ON orders (total);\nCREATE TABLE dull (id int);\nCREATE INDEX dull_idx ON dull (id);";

/// The findings of a report as rule and object, and that no remedy but a cautious one takes anything away.
fn told(report: &Value) -> Vec<(String, String)> {
    let findings = list(report, "findings");
    for found in findings {
        let remedy = text(found, "remedy");
        assert!(
            !remedy.contains("DROP") || remedy.contains("First find out whether"),
            "{}",
            shown(report)
        );
    }
    let name = |found: &Value| text(&found["object"], "name").to_owned();
    findings
        .iter()
        .map(|found| (text(found, "rule").to_owned(), name(found)))
        .collect()
}

#[test]
fn what_was_renamed_is_known_without_the_history() {
    let shop = Shop::new(&[
        ("V1__orders.sql", ORDERS),
        (
            "V2__notes.sql",
            "DROP TABLE dull;\nCREATE TABLE notes (id int, body text, at date);",
        ),
    ]);
    shop.lab.run(&["lock", "-q"]).exits(0);
    shop.migrate(&["-q"]).exits(0);
    shop.sql(
        "DROP TABLE refinery_schema_history; ALTER INDEX orders_total_idx RENAME TO by_total; \
         ALTER TABLE orders RENAME CONSTRAINT orders_total_check TO positive; ALTER TABLE notes RENAME TO remarks",
    );
    let report = verify(&shop.lab, &[]);
    let names: Vec<String> = told(&report)
        .into_iter()
        .map(|(rule, name)| format!("{rule} {name}"))
        .collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "drift/missing-object notes",
            "drift/missing-object orders_total_check",
            "drift/missing-object orders_total_idx",
            "drift/pending V1__orders.sql"
        ],
        "{}",
        shown(&report)
    );
    // From top to bottom: baseline adopts what has its names again.
    assert_eq!(
        names.last().map(String::as_str),
        Some("drift/pending V1__orders.sql"),
        "{}",
        shown(&report)
    );
    for found in list(&report, "findings") {
        let remedy = text(found, "remedy");
        match text(found, "rule") {
            "drift/pending" => shop.lab.run(&["baseline", "--service", R]).exits(0),
            _ => {
                shop.sql(&statements(remedy).join(";"));
                continue;
            }
        };
        assert!(remedy.contains("dbctl baseline"), "{remedy}");
    }
    shop.lab.run(&["verify"]).exits(0);
}

#[test]
fn what_a_pending_migration_concerns_is_not_advised_to_be_dropped() {
    let shop = Shop::new(&[("V1__orders.sql", ORDERS)]);
    shop.lab.run(&["lock", "-q"]).exits(0);
    shop.migrate(&["-q"]).exits(0);
    shop.file("V2__notes.sql", "DROP TABLE dull;\nALTER TABLE orders ADD note text;\nCREATE TABLE notes (id int);\nCREATE INDEX notes_idx ON notes (id);");
    shop.lab.run(&["lock", "-q"]).exits(0);
    // What it takes away is no stranger's.
    let pending = ("drift/pending".to_owned(), "V2__notes.sql".to_owned());
    assert_eq!(
        told(&verify(&shop.lab, &[])),
        std::slice::from_ref(&pending)
    );
    // The table as it was is like nothing of the lock; the index goes with its table; the last may have been made ahead.
    shop.sql("ALTER TABLE orders RENAME TO ordini; ALTER INDEX dull_idx RENAME TO dullness; CREATE TABLE remarks (id int)");
    let report = verify(&shop.lab, &[]);
    let mut names = told(&report);
    names.sort();
    let unknown = |name: &str| ("drift/unknown-object".to_owned(), name.to_owned());
    assert_eq!(
        names,
        [pending, unknown("ordini"), unknown("remarks")],
        "{}",
        shown(&report)
    );
    let remedy = |name: &str| {
        let mut all = list(&report, "findings").iter();
        all.find(|found| text(&found["object"], "name") == name)
            .map(|found| text(found, "remedy"))
            .unwrap()
    };
    assert!(
        remedy("remarks").contains("table public.notes"),
        "{}",
        remedy("remarks")
    );
    assert!(
        remedy("ordini").contains("somebody renamed it"),
        "{}",
        remedy("ordini")
    );
}

#[test]
fn a_lock_older_than_its_set_is_a_warning() {
    let lab = zoo();
    let path = lab.path().join("sets/zoo/schema.lock");
    let text_of_lock = std::fs::read_to_string(&path).unwrap();
    let stale = text_of_lock.replacen("sum = \"sha256:", "sum = \"sha256:0", 1);
    assert_ne!(stale, text_of_lock);
    std::fs::write(&path, stale).unwrap();
    let report = verify(&lab, &["--fail-on", "warning"]);
    let [found] = list(&report, "findings") else {
        panic!("{}", shown(&report))
    };
    assert_eq!(
        (
            text(found, "rule"),
            text(found, "severity"),
            text(found, "service")
        ),
        ("sets/stale-lock", "warning", R)
    );
    assert!(text(found, "message").contains("zoo"), "{found}");
    // What the lock does not know may be the set's own: nobody is told to drop it at once.
    let newcomer = |sql: &str| lab.sql_as("rgb_lightning_node", "rgb_user", sql).unwrap();
    newcomer("CREATE TABLE newcomer (id int)");
    let report = verify(&lab, &["--fail-on", "warning"]);
    let unknown = list(&report, "findings")
        .iter()
        .find(|found| text(found, "rule") == "drift/unknown-object")
        .unwrap_or_else(|| panic!("{}", shown(&report)));
    assert!(
        text(unknown, "message").contains("the lock of its own set is older than the set"),
        "{unknown}"
    );
    assert!(
        text(unknown, "remedy").contains("run `dbctl lock` first"),
        "{unknown}"
    );
    newcomer("DROP TABLE newcomer");
    std::fs::write(&path, text_of_lock).unwrap();
    assert_clean(&lab);
}

/// Whoever copies the remedies from top to bottom meets nothing that still depends on what is dropped.
#[test]
fn remedies_stand_in_an_order_that_runs() {
    let lab = Lab::migrated();
    lab.sql(
        "rgb_lightning_node",
        "CREATE TABLE public.ships (id int, mood text); \
         CREATE VIEW public.fleets AS SELECT count(*) FROM public.ships; \
         CREATE FUNCTION public.arrive() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
         CREATE TRIGGER arrives BEFORE INSERT ON public.ships FOR EACH ROW EXECUTE FUNCTION public.arrive()",
    );
    let report = verify(&lab, &["--service", R]);
    let found = list(&report, "findings");
    assert!(found.len() > 1, "{}", shown(&report));
    for finding in found {
        for statement in statements(text(finding, "remedy")) {
            lab.sql("rgb_lightning_node", &statement);
        }
    }
    assert_clean(&lab);
}

#[test]
fn what_a_newer_set_makes_is_told_by_its_stale_lock_alone() {
    let lab = zoo();
    let file = lab.path().join("sets/zoo/V2__more.sql");
    let sql = "CREATE TABLE public.keepers (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE);\n\
               ALTER TABLE public.animals ADD COLUMN nickname text CHECK (nickname <> '');\n\
               CREATE INDEX ON public.animals (nickname);\n\
               CREATE VIEW public.nicknames AS SELECT nickname FROM public.animals;\n";
    std::fs::write(&file, sql).unwrap();
    lab.run(&["migrate", "-q"]).exits(0);
    let rules = || {
        let report = verify(&lab, &["--fail-on", "warning"]);
        let found = list(&report, "findings").iter();
        found
            .map(|found| text(found, "rule").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(rules(), ["sets/stale-lock"]);
    // What none of its files makes is told all the same.
    let database = "rgb_lightning_node";
    lab.sql_as(
        database,
        "rgb_user",
        "ALTER TABLE public.animals ADD COLUMN owner_note text; CREATE TABLE public.strangers (id int)",
    )
    .unwrap();
    assert_eq!(rules(), [UNKNOWN, UNKNOWN, "sets/stale-lock"]);
    // Nor is what became of the lock's own to be undone before the lock is known to be right.
    lab.sql_as(
        database,
        "rgb_user",
        "ALTER TABLE public.animals DROP COLUMN owner_note, ALTER COLUMN legs SET DEFAULT 4; DROP TABLE public.strangers",
    )
    .unwrap();
    let report = verify(&lab, &["--fail-on", "warning"]);
    let found = list(&report, "findings")
        .iter()
        .find(|found| text(found, "rule") == CHANGED)
        .unwrap_or_else(|| panic!("{}", shown(&report)));
    assert!(
        text(found, "remedy").contains("run `dbctl lock` first"),
        "{found}"
    );
}

#[test]
fn what_may_be_an_own_table_under_another_name_is_not_advised_to_be_dropped() {
    let lab = zoo();
    let database = "rgb_lightning_node";
    // A name that looks like another service's: whose it is cannot be told from the outside.
    for (name, rule) in [("n0tes", "bleed/look-alike")] {
        lab.sql(
            database,
            &format!("ALTER TABLE public.cages RENAME TO {name}"),
        );
        let report = verify(&lab, &["--service", R]);
        let found = list(&report, "findings");
        let rules: Vec<&str> = found.iter().map(|found| text(found, "rule")).collect();
        assert_eq!(rules, [MISSING, rule], "{}", shown(&report));
        for word in ["it may be table public.cages", "which is missing"] {
            assert!(text(&found[1], "message").contains(word), "{}", found[1]);
        }
        assert!(
            text(&found[1], "remedy")
                .starts_with("First find out whether it is table public.cages"),
            "{}",
            found[1]
        );
        lab.sql(
            database,
            &format!("ALTER TABLE public.{name} RENAME TO cages"),
        );
    }
    // With a lock that is older than the set, the new name may be the right one.
    std::fs::write(
        lab.path().join("sets/zoo/V2__more.sql"),
        "ALTER TABLE public.cages RENAME TO beings;\n",
    )
    .unwrap();
    lab.run(&["migrate", "-q"]).exits(0);
    let report = verify(&lab, &["--service", R]);
    let found = list(&report, "findings");
    assert_eq!(text(&found[0], "rule"), MISSING, "{}", shown(&report));
    assert!(
        text(&found[0], "remedy").contains("run `dbctl lock` first"),
        "{}",
        found[0]
    );
    assert_eq!(found.len(), 2, "{}", shown(&report));
}
