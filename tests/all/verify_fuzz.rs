//! Random catalogs: whatever a database holds, `verify` answers with a report, writes nothing, and a lock that is recorded from it
//! describes it.
//!
//! A few known catalogs unless `DBCTL_FUZZ_SECONDS` says how long; `DBCTL_FUZZ_SEED` says which catalogs then (other ones each time).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dbctl::report::text::is_unsafe;

use crate::lab::{Lab, binaries, psql, start};
use crate::verify_cases::{list, shown, text};

/// `«a|b»` is one of these, `{s}` a schema, `{a}` to `{f}` new names, `{sa}` the name `{s}.{a}` within a literal, `{r}` a new role's name, `{l}` and `{m}` literals. All is valid.
const TEMPLATES: &[&str] = &[
    // Tables, columns, defaults, constraints.
    "CREATE «|UNLOGGED »TABLE {s}.{a} ({b} «int|bigint|smallint» PRIMARY KEY, {c} «text|varchar(7)|\"char\"|bpchar(3)|name» DEFAULT {l}«| NOT NULL| UNIQUE», \
        {d} «numeric(10,3)|int[]|timestamptz(2)|interval day to second(2)|bit varying(5)|point|jsonb|xml|tsvector|int4multirange|pg_lsn|regclass», \
        CONSTRAINT {e} CHECK ({c} IS DISTINCT FROM {m})«| NOT VALID»)",
    "CREATE TABLE {s}.{a} ({b} int, {c} int, {d} text); ALTER TABLE {s}.{a} DROP COLUMN {c}; ALTER TABLE {s}.{a} ADD {c} text COLLATE «\"C\"|\"POSIX\"|\"ucs_basic\"»; \
        ALTER TABLE {s}.{a} «ALTER {d} SET STORAGE EXTERNAL|ALTER {d} SET STATISTICS 7|ALTER {d} SET (n_distinct = 5)|DROP COLUMN {d}|SET (fillfactor = 70, autovacuum_enabled = off)|REPLICA IDENTITY FULL»",
    "CREATE TABLE {s}.{a} ({b} int GENERATED «ALWAYS|BY DEFAULT» AS IDENTITY«| (START 5 INCREMENT 2)| (MINVALUE -3 CYCLE)| (CACHE 9)», {c} int GENERATED ALWAYS AS ({b} «+|-|*» 2) STORED)",
    "CREATE TABLE {s}.{a} ()",
    "CREATE TABLE {s}.{a} ({b} int PRIMARY KEY, {c} int REFERENCES {s}.{a} ON DELETE «CASCADE|SET NULL|RESTRICT»«| DEFERRABLE INITIALLY DEFERRED»); \
        COMMENT ON COLUMN {s}.{a}.{c} IS {l}; COMMENT ON TABLE {s}.{a} IS {m}",
    "CREATE TABLE {s}.{a} ({b} int4range, {c} int, CONSTRAINT {d} EXCLUDE USING gist ({b} WITH &&)«| WHERE ({c} > 0)»«| DEFERRABLE»)",
    "CREATE TABLE {s}.{a} ({b} int, {c} text); CREATE «|UNIQUE »INDEX {d} ON {s}.{a} «({b} DESC NULLS LAST, {c} text_pattern_ops)|(lower({c})) WHERE {b} > 1|({b}) INCLUDE ({c})|({c} COLLATE \"C\")»«| WITH (fillfactor = 60)»",
    "CREATE TABLE {s}.{a} ({b} int[], {d} int); CREATE INDEX {c} ON {s}.{a} USING gin ({b}); CREATE INDEX ON {s}.{a} USING brin ({d})",
    // Inheritance and partitions of partitions.
    "CREATE TABLE {s}.{a} ({b} int, {c} int CONSTRAINT {f} CHECK ({c} > 0)); CREATE TABLE {s}.{d} ({e} text) INHERITS ({s}.{a}); CREATE TABLE {s}.{b} () INHERITS ({s}.{d}, {s}.{a}); \
        ALTER TABLE {s}.{d} ALTER {c} SET DEFAULT 7",
    "CREATE TABLE {s}.{a} ({b} int, {c} text) PARTITION BY «RANGE|LIST» ({b}); CREATE TABLE {s}.{d} PARTITION OF {s}.{a} DEFAULT PARTITION BY HASH ({c}); \
        CREATE TABLE {s}.{e} PARTITION OF {s}.{d} ({c} DEFAULT {l}) FOR VALUES WITH (MODULUS 2, REMAINDER «0|1») PARTITION BY LIST (upper({c})); \
        CREATE TABLE {s}.{f} PARTITION OF {s}.{e} FOR VALUES IN ({m}, NULL); CREATE INDEX ON {s}.{a} ({c})",
    "CREATE TABLE {s}.{a} ({b} int, {c} date) PARTITION BY RANGE ({b}, {c}); CREATE TABLE {s}.{d} ({c} date, {e} int, {b} int); ALTER TABLE {s}.{d} DROP COLUMN {e}; \
        ALTER TABLE {s}.{a} ATTACH PARTITION {s}.{d} FOR VALUES FROM (MINVALUE, MINVALUE) TO (5, '2026-01-01')",
    // Types.
    "CREATE TYPE {s}.{a} AS ENUM ({l}, {m}, 'x'); CREATE TABLE {s}.{b} ({c} {s}.{a} DEFAULT {l}, {d} {s}.{a}[]); ALTER TYPE {s}.{a} ADD VALUE 'y' BEFORE 'x'; ALTER TYPE {s}.{a} RENAME VALUE 'y' TO 'z'",
    "CREATE TYPE {s}.{a} AS ({b} int, {c} text COLLATE \"C\"); CREATE TYPE {s}.{d} AS ({e} {s}.{a}[]); ALTER TYPE {s}.{a} DROP ATTRIBUTE {b}",
    "CREATE DOMAIN {s}.{a} AS int[] DEFAULT '{1}' CONSTRAINT {b} CHECK (array_length(VALUE, 1) < 5); CREATE DOMAIN {s}.{c} AS {s}.{a}[]«| NOT NULL»; CREATE TABLE {s}.{d} ({e} {s}.{c}, {f} {s}.{a})",
    "CREATE TYPE {s}.{a} AS RANGE (subtype = «numeric|text|float8», multirange_type_name = {s}.{b})",
    "CREATE TYPE {s}.{a}",
    // Code.
    "CREATE FUNCTION {s}.{a}(«IN|INOUT» {b} int DEFAULT 3, «VARIADIC {c} text[] DEFAULT '{}'|{c} text DEFAULT {l}») LANGUAGE sql «IMMUTABLE|STABLE PARALLEL SAFE|STRICT LEAKPROOF|SECURITY DEFINER SET search_path = ''» RETURNS int AS $fuzz$SELECT 1 -- {l}$fuzz$",
    "CREATE FUNCTION {s}.{a}() RETURNS TABLE ({b} int, {c} text) LANGUAGE plpgsql COST 5 ROWS 7 SET «work_mem = '5MB'|\"my.setting\" = {l}» AS $fuzz$BEGIN {b} := 1; {c} := {l}; RETURN NEXT; END$fuzz$",
    "CREATE FUNCTION {s}.{a}({b} int, {c} text) RETURNS int BEGIN ATOMIC SELECT {b} + length({c} || {l}); END",
    "CREATE PROCEDURE {s}.{a}(INOUT {b} anyarray, {c} int) LANGUAGE plpgsql AS $fuzz$BEGIN NULL; END$fuzz$; COMMENT ON PROCEDURE {s}.{a} IS {l}",
    "CREATE FUNCTION {s}.{a}(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1'; CREATE AGGREGATE {s}.{b}(int) (SFUNC = {s}.{a}, STYPE = int«|, INITCOND = '5'|, SORTOP = <»)",
    "CREATE FUNCTION {s}.{a}({b} int) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE TABLE {s}.{c} ({d} int CHECK ({s}.{a}({d}))); ALTER TABLE {s}.{c} ADD {e} boolean DEFAULT {s}.{a}(1)",
    // Defaults in a circle: the function reads the table whose default calls it.
    "CREATE TABLE {s}.{a} ({b} int); CREATE FUNCTION {s}.{c}() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM {s}.{a}; END; ALTER TABLE {s}.{a} ALTER {b} SET DEFAULT {s}.{c}()",
    "CREATE TABLE {s}.{a} ({b} int, {c} text); CREATE FUNCTION {s}.{d}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
        CREATE TRIGGER {e} «BEFORE UPDATE OF {c}|AFTER INSERT OR DELETE» ON {s}.{a} FOR EACH ROW EXECUTE FUNCTION {s}.{d}({l}, {m}); ALTER TABLE {s}.{a} «ENABLE ALWAYS|DISABLE|ENABLE REPLICA» TRIGGER {e}",
    "CREATE TABLE {s}.{a} ({b} int); CREATE FUNCTION {s}.{c}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
        CREATE CONSTRAINT TRIGGER {d} AFTER INSERT ON {s}.{a} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.{b} > 3) EXECUTE FUNCTION {s}.{c}()",
    // Views, rules, policies, statistics.
    "CREATE TABLE {s}.{a} ({b} int, {c} text); CREATE VIEW {s}.{d} «|WITH (security_barrier) |WITH (security_invoker, check_option = local) »AS SELECT {b} AS {e}, {c} AS {f} FROM {s}.{a} WHERE {c} = {l}; COMMENT ON VIEW {s}.{d} IS {m}",
    "CREATE MATERIALIZED VIEW {s}.{a} AS SELECT 1 AS {b}, {l}::text AS {c} «WITH NO DATA|WITH DATA»; CREATE UNIQUE INDEX {d} ON {s}.{a} ({b})",
    "CREATE RECURSIVE VIEW {s}.{a} ({b}) AS VALUES (1) UNION ALL SELECT {b} + 1 FROM {a} WHERE {b} < 3",
    "CREATE TABLE {s}.{a} ({b} int, {c} text); CREATE RULE {d} AS ON «UPDATE|DELETE» TO {s}.{a} WHERE OLD.{b} > 1 DO «ALSO|INSTEAD» INSERT INTO {s}.{a} VALUES (1, {l}); ALTER TABLE {s}.{a} DISABLE RULE {d}",
    "CREATE TABLE {s}.{a} ({b} int, {c} text); ALTER TABLE {s}.{a} ENABLE ROW LEVEL SECURITY«|, FORCE ROW LEVEL SECURITY»; \
        CREATE POLICY {d} ON {s}.{a} AS «PERMISSIVE|RESTRICTIVE» FOR «ALL|UPDATE» USING ({c} = {l}) WITH CHECK ({b} > 0)",
    "CREATE TABLE {s}.{a} ({b} int, {c} text, {d} int); CREATE STATISTICS {s}.{e} «(ndistinct, mcv) ON {b}, {d}|ON (lower({c})), {b}|(dependencies) ON {b}, {c}» FROM {s}.{a}",
    // Sequences, operators, casts, text search, collations.
    "CREATE SEQUENCE {s}.{a} AS «smallint|int|bigint» INCREMENT -2 MINVALUE -9 MAXVALUE 8 START 7 CYCLE; CREATE TABLE {s}.{b} ({c} bigint DEFAULT nextval('{sa}')); ALTER SEQUENCE {s}.{a} OWNED BY {s}.{b}.{c}",
    "CREATE FUNCTION {s}.{a}(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'; CREATE OPERATOR {s}.«=#=|@@@|<->?» (FUNCTION = {s}.{a}, LEFTARG = int, RIGHTARG = int, RESTRICT = eqsel«|, HASHES»)",
    "CREATE TYPE {s}.{a} AS ({b} int); CREATE FUNCTION {s}.{c}({s}.{a}) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; CREATE CAST ({s}.{a} AS int) WITH FUNCTION {s}.{c}({s}.{a})«| AS ASSIGNMENT| AS IMPLICIT»",
    "CREATE OPERATOR FAMILY {s}.{a} USING btree; CREATE OPERATOR CLASS {s}.{b} FOR TYPE int USING btree FAMILY {s}.{a} AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int)",
    "CREATE TEXT SEARCH DICTIONARY {s}.{a} (TEMPLATE = simple, STOPWORDS = english); CREATE TEXT SEARCH CONFIGURATION {s}.{b} (PARSER = \"default\"); \
        ALTER TEXT SEARCH CONFIGURATION {s}.{b} ADD MAPPING FOR word, asciiword WITH {s}.{a}, simple",
    "CREATE COLLATION {s}.{a} (PROVIDER = «libc, LOCALE = 'C'|builtin, LOCALE = 'C.UTF-8'»); CREATE TABLE {s}.{b} ({c} text COLLATE {s}.{a}); CREATE INDEX ON {s}.{b} ({c} COLLATE \"C\")",
    "CREATE CONVERSION {s}.{a} FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    "CREATE ACCESS METHOD {a} TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE {s}.{b} ({c} int) USING {a}",
    // What leads out.
    "CREATE TABLE {s}.{a} ({b} int PRIMARY KEY, {c} text); CREATE PUBLICATION {d} FOR «TABLE {s}.{a} ({b}, {c}) WHERE ({b} > 3 AND {b} < 9)|TABLES IN SCHEMA {s}» WITH (publish = 'insert«|, update»')",
    "CREATE SUBSCRIPTION {a} CONNECTION 'host=nowhere.invalid dbname=''x y'' password=c4nary-{n}' PUBLICATION {b}, {c} WITH (connect = false, slot_name = NONE)",
    "CREATE FOREIGN DATA WRAPPER {a} OPTIONS (\"a b\" {l}); CREATE SERVER {c} TYPE {l} VERSION {m} FOREIGN DATA WRAPPER {a} OPTIONS (\"it's\" {m}, password 'c4nary-{n}'); \
        CREATE USER MAPPING FOR PUBLIC SERVER {c} OPTIONS (user {l}, password 'c4nary-{n}'); CREATE FOREIGN TABLE {s}.{e} ({f} int OPTIONS (\"ж\" {m}) NOT NULL, CHECK ({f} > 1)) SERVER {c} OPTIONS (\"X\" {l})",
    "CREATE FUNCTION {s}.{a}() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER {b} ON «ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE')|sql_drop|table_rewrite» EXECUTE FUNCTION {s}.{a}(); ALTER EVENT TRIGGER {b} «DISABLE|ENABLE ALWAYS»",
    "CREATE FUNCTION {s}.{a}() RETURNS text LANGUAGE plpgsql AS $fuzz$BEGIN EXECUTE 'SELECT ' || {l}; PERFORM dblink({m}, 'x'); RETURN 'postgres://u:c4nary-{n}@h/d'; END$fuzz$",
    "SELECT lo_create(0); COMMENT ON DATABASE {db} IS {l}",
    // Roles and privileges.
    "CREATE TABLE {s}.{a} ({b} int, {c} text); CREATE ROLE {r}«| LOGIN PASSWORD 'c4nary-{n}'»; GRANT «SELECT ({b}), UPDATE ({c})|ALL|TRIGGER, TRUNCATE» ON {s}.{a} TO {r}«| WITH GRANT OPTION»; GRANT SELECT ON {s}.{a} TO PUBLIC",
    "CREATE ROLE {r}; GRANT «USAGE|CREATE» ON SCHEMA {s} TO {r}; ALTER DEFAULT PRIVILEGES «|IN SCHEMA {s} »GRANT «SELECT ON TABLES|EXECUTE ON FUNCTIONS|USAGE ON TYPES» TO {r}",
    "CREATE ROLE {r}; CREATE TABLE {s}.{a} ({b} int); ALTER TABLE {s}.{a} OWNER TO {r}; ALTER ROLE {r} IN DATABASE {db} SET «search_path = {s}|\"my.setting\" = {l}»",
    "CREATE ROLE {r}; CREATE FUNCTION {s}.{a}() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; REVOKE ALL ON FUNCTION {s}.{a}() FROM PUBLIC; GRANT EXECUTE ON FUNCTION {s}.{a}() TO {r}; GRANT {r} TO {db}",
    "CREATE ROLE {r}; GRANT USAGE ON LANGUAGE «sql|plpgsql» TO {r}; GRANT SELECT ON pg_catalog.pg_authid TO {r}; GRANT SET ON PARAMETER \"my.p{n}\" TO {r}",
    "CREATE SCHEMA {a}; CREATE TABLE {a}.{b} ({c} int); ALTER SCHEMA {a} RENAME TO {d}; COMMENT ON SCHEMA {d} IS {l}",
    "CREATE TABLE {s}.{a} ({b} int); ALTER TABLE {s}.{a} RENAME TO {c}; ALTER TABLE {s}.{c} RENAME {b} TO {d}; DROP TABLE {s}.{c}",
];

/// A part of every hostile name: quotes, controls, what reorders a line, what a form could take for its own.
const NAMES: &[&str] = &[
    "a",
    "B",
    "select",
    "it's",
    "two \"quotes\"",
    "a\nb\r\t",
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "\u{9b}31m",
    "\u{202e}left\u{200f}",
    "жжжжжжжжжжжжжжжжжжжжжжж",
    "🦀🦀🦀🦀🦀🦀🦀🦀🦀",
    "a.b",
    "100%",
    "{0}",
    "$1",
    "$$",
    "\\",
    "\\n",
    "--",
    "/*",
    "*/",
    ";",
    "::error::x",
    "]]>",
    "<b>",
    "`",
    "|",
    "@root",
    "\u{feff}",
    "e\u{301}",
    " ",
    "'",
    "\u{1}",
    "\u{7f}",
    "pg",
    "=",
    "\u{e0041}",
    "x'||'y",
    "ſ",
    "İ",
];

/// Deterministic numbers (splitmix64), so that a seed says everything.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// Makes statements of [`TEMPLATES`].
struct Generator {
    random: Random,
    made: usize,
    schemas: Vec<String>,
    database: String,
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Generator {
    /// A name that is not there yet, of at most 63 bytes.
    fn name(&mut self) -> String {
        self.made += 1;
        let text = format!(
            "{}{}{}",
            self.random.one(NAMES),
            self.random.one(NAMES),
            self.random.one(NAMES)
        );
        let mut name = format!("{}{}", self.made, text);
        while name.len() > 63 {
            name.pop();
        }
        quoted(&name)
    }

    fn literal(&mut self) -> String {
        let text = format!("{}{}", self.random.one(NAMES), self.random.one(NAMES));
        format!("'{}'", text.replace('\'', "''"))
    }

    fn statement(&mut self) -> String {
        let mut sql = self.random.one(TEMPLATES).to_owned();
        while let Some((head, rest)) = sql.split_once('«') {
            let (choices, tail) = rest.split_once('»').unwrap();
            let choices: Vec<&str> = choices.split('|').collect();
            sql = format!("{head}{}{tail}", self.random.one(&choices));
        }
        let number = self.made.to_string();
        let schema = self.schemas[self.random.below(self.schemas.len())].clone();
        let (first, second) = (self.literal(), self.literal());
        let names: Vec<String> = (0..7).map(|_| self.name()).collect();
        let within = format!("{schema}.{}", names[0]).replace('\'', "''");
        // One pass: a name may hold braces.
        let mut out = String::new();
        let mut rest = sql.as_str();
        while let Some((head, tail)) = rest.split_once('{') {
            out.push_str(head);
            let (key, after) = tail.split_once('}').unwrap();
            let braced;
            let filled = match key {
                "a" => &names[0],
                "b" => &names[1],
                "c" => &names[2],
                "d" => &names[3],
                "e" => &names[4],
                "f" => &names[5],
                "r" => &names[6],
                "s" => &schema,
                // The name of `{s}.{a}` within a literal.
                "sa" => &within,
                "l" => &first,
                "m" => &second,
                "n" => &number,
                "db" => &self.database,
                other => {
                    braced = format!("{{{other}}}");
                    &braced
                }
            };
            out.push_str(filled);
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// How many catalogs, unless a time is given.
const ROUNDS: usize = 5;

#[test]
fn random_catalogs_are_read_told_and_recorded() {
    // What CI runs must not depend on chance.
    let seconds: Option<u64> = std::env::var("DBCTL_FUZZ_SECONDS")
        .ok()
        .map(|text| text.parse().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let any = seconds.map_or(2, |_| now.subsec_nanos().into());
    let seed = std::env::var("DBCTL_FUZZ_SEED").map_or(any, |text| text.parse().unwrap());
    let server = start(
        &binaries(17, false).unwrap(),
        false,
        // Nobody but this test may write, so that the next transaction's number tells whether dbctl did.
        &[("autovacuum", "off"), ("log_statement", "none")],
    );
    let mut lab = Lab::on(&server, "postgres");
    lab.own_services(&["fuzz", "beside"]);
    lab.edit("set = \"fuzz\"", "managed = \"service\"");
    let bin = server.bin().to_str().unwrap().to_owned();
    lab.run(&["lock", "-q", "--postgres-bin", &bin]).exits(0);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    let mut generator = Generator {
        random: Random(seed),
        made: 0,
        schemas: vec!["public".to_owned()],
        database: quoted(&lab.db("fuzz")),
    };
    for _ in 0..3 {
        let schema = generator.name();
        lab.sql("fuzz", &format!("CREATE SCHEMA {schema}"));
        generator.schemas.push(schema);
    }
    let admin = lab.admin_url("fuzz");
    let next = |lab: &Lab| lab.sql("fuzz", "SELECT pg_snapshot_xmax(pg_current_snapshot())");
    lab.sql("fuzz", "CREATE TABLE public.first (id int)");
    lab.run(&["lock", "--from", "fuzz", "-q"]).exits(0);
    let (begun, mut refused, mut tried) = (Instant::now(), Vec::new(), 0);
    let mut rounds = 0;
    while seconds.map_or(rounds < ROUNDS, |seconds| {
        begun.elapsed() < Duration::from_secs(seconds)
    }) {
        rounds += 1;
        let statements: Vec<String> = (0..10).map(|_| generator.statement()).collect();
        let about = format!("DBCTL_FUZZ_SEED={seed}\n{}", statements.join(";\n"));
        for sql in &statements {
            tried += 1;
            if let Err(error) = psql(lab.bin(), &admin, &format!("BEGIN;\n{sql};\nCOMMIT;")) {
                refused.push(format!("{sql}\n{error}"));
            }
        }
        let before = next(&lab);
        // Against the lock of the catalog before, in any form; then as it is now.
        let format = generator
            .random
            .one(&["table", "github", "sarif", "junit", "markdown", "html"]);
        let run = lab.run(&["verify", "--format", format]);
        assert!(matches!(run.code, 0 | 1), "{about}\n{}", run.all());
        assert!(
            !run.all().contains(|c| c != '\n' && is_unsafe(c)),
            "{about}\n{:?}",
            run.all()
        );
        let run = lab.run(&["verify", "--format", "json"]);
        let report = run.json();
        assert!(
            matches!(run.code, 0 | 1) && list(&report, "not_checked").is_empty(),
            "{about}\n{}",
            shown(&report)
        );
        assert_eq!(next(&lab), before, "something was written\n{about}");
        lab.run(&["lock", "--from", "fuzz", "-q"]).exits(0);
        let run = lab.run(&["lock", "--from", "fuzz", "--check", "-q"]);
        assert_eq!(run.code, 0, "{about}\n{}", run.all());
        let report = lab.run(&["verify", "--format", "json"]).json();
        let drift: Vec<String> = list(&report, "findings")
            .iter()
            .filter(|found| text(found, "rule").starts_with("drift/"))
            // These are data: a lock holds none.
            .filter(|found| text(&found["object"], "kind") != "large_object")
            .map(ToString::to_string)
            .collect();
        assert!(drift.is_empty(), "{about}\n{drift:#?}");
    }
    // Names are random, and a few statements may not be; most must be, or this proves nothing.
    assert!(
        tried > 0 && refused.len() * 20 <= tried,
        "DBCTL_FUZZ_SEED={seed}: {} of {tried} refused\n{}",
        refused.len(),
        refused.join("\n")
    );
}
