//! `check` on migrations that reach beyond their service: each case is one file in a copy of the built-in sets.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::lab::{self, K, R, S};
use crate::side_by_side::each;

const SETS: [(&str, &str, &str, &str); 3] = [
    (K, "k_social", "ksocial", "k_social_user"),
    (S, "simply_kaspa", "simply_kaspa", "simply_kaspa_user"),
    (R, "rgb_users", "rgb_lightning_node", "rgb_user"),
];

/// The built-in sets with their locks in a folder, and a manifest for them.
pub struct Repository(tempfile::TempDir);

impl Repository {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut manifest = String::from("version = 1\nsets = \"sets\"\n");
        for (service, set, database, role) in SETS {
            let store = if service == R {
                "postgres"
            } else {
                "timescaledb"
            };
            manifest.push_str(&format!(
                "\n[services.{service}]\nstore = \"{store}\"\nset = \"{set}\"\ndatabase = \"{database}\"\nrole = \"{role}\"\nhost = \"localhost\"\nport = 5432\n"
            ));
            let from = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(set);
            let to = dir.path().join("sets").join(set);
            std::fs::create_dir_all(&to).unwrap();
            for file in std::fs::read_dir(from).unwrap() {
                let file = file.unwrap();
                std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        }
        std::fs::write(dir.path().join("dbctl.toml"), manifest).unwrap();
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, service: &str, file: &str, sql: &str) {
        let (_, set, ..) = SETS.iter().find(|(name, ..)| *name == service).unwrap();
        std::fs::write(self.0.path().join("sets").join(set).join(file), sql).unwrap();
    }

    fn check(&self) -> Value {
        let output = lab::dbctl(self.0.path())
            .args(["check", "--format", "json"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("canary"), "a password in the output: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!(
                "{error}: {text} {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// What is found, but for the lock that has become older than its set.
    pub fn found(&self) -> Vec<Found> {
        found_in(&self.check())
    }

    /// The one thing that is found; `case` names what was tried.
    fn only(&self, case: &str) -> Found {
        let mut found = self.found();
        assert_eq!(found.len(), 1, "{case}: {found:#?}");
        found.remove(0)
    }
}

fn found_in(report: &Value) -> Vec<Found> {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(Found::new)
        .filter(|found| found.rule != "sets/stale-lock")
        .collect()
}

#[derive(Debug, Clone)]
pub struct Found {
    pub rule: String,
    pub severity: String,
    belongs_to: String,
    pub message: String,
    pub file: String,
    pub line: u64,
    pub column: u64,
}

impl Found {
    fn new(finding: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for key in ["expected", "actual", "remedy"] {
            assert!(!text(&finding[key]).is_empty(), "no {key}: {finding}");
        }
        assert_eq!(finding["evidence"], "file");
        let location = &finding["location"];
        Self {
            rule: text(&finding["rule"]),
            severity: text(&finding["severity"]),
            belongs_to: text(&finding["belongs_to"]),
            message: text(&finding["message"]),
            file: text(&location["file"]),
            line: location["line"].as_u64().unwrap_or_default(),
            column: location["column"].as_u64().unwrap_or_default(),
        }
    }
}

/// Service, SQL, rule, line, what the message names.
pub type Bad = (&'static str, &'static str, &'static str, u64, &'static str);

pub const BAD: &[Bad] = &[
    (
        S,
        "CREATE TABLE k_posts (id bigint);",
        "sets/foreign-object",
        1,
        "k_posts",
    ),
    (
        K,
        "SELECT 1;\nCREATE TABLE U&\"\\0062locks\" (hash bytea);",
        "sets/foreign-object",
        2,
        "blocks",
    ),
    (
        K,
        "CREATE/* k */TABLE/* k */blocks (hash bytea);",
        "sets/foreign-object",
        1,
        "blocks",
    ),
    (
        K,
        "CREATE TABLE IF NOT EXISTS public.\"transactions\" (i int);",
        "sets/foreign-object",
        1,
        "transactions",
    ),
    (
        K,
        "CREATE VIEW addresses AS SELECT 1 AS i;",
        "sets/foreign-object",
        1,
        "addresses",
    ),
    (
        K,
        "SELECT 1 AS i\nINTO blocks;",
        "sets/foreign-object",
        2,
        "blocks",
    ),
    (
        K,
        "ALTER TABLE k_posts RENAME TO blocks;",
        "sets/foreign-object",
        1,
        "blocks",
    ),
    (
        K,
        "-- a\nALTER TABLE blocks ADD COLUMN k_seen boolean;",
        "sets/foreign-object",
        2,
        "blocks",
    ),
    (
        K,
        "DROP TABLE IF EXISTS blocks;",
        "sets/foreign-object",
        1,
        "blocks",
    ),
    (
        K,
        "TRUNCATE addresses;",
        "sets/foreign-object",
        1,
        "addresses",
    ),
    (
        K,
        "DELETE FROM addresses;",
        "sets/foreign-object",
        1,
        "addresses",
    ),
    (
        K,
        "CREATE TRIGGER transaction_notify_trigger\nAFTER INSERT ON transactions\nFOR EACH ROW EXECUTE FUNCTION notify_transaction();",
        "sets/foreign-object",
        2,
        "transaction_notify_trigger",
    ),
    (
        K,
        "COMMENT ON TABLE blocks IS 'x';",
        "sets/foreign-object",
        1,
        "blocks",
    ),
    (K, "LOCK TABLE blocks;", "sets/foreign-object", 1, "blocks"),
    (
        K,
        "CREATE POLICY p ON blocks USING (true);",
        "sets/foreign-object",
        1,
        "blocks",
    ),
    (
        K,
        "SELECT create_hypertable('blocks', 'time');",
        "sets/foreign-object",
        1,
        "blocks",
    ),
    (
        K,
        "WITH x AS (DELETE FROM blocks RETURNING 1)\nSELECT * FROM x;",
        "sets/foreign-object",
        1,
        "blocks",
    ),
    (
        K,
        "DO $$ BEGIN\n  EXECUTE format('ALTER TABLE %I ADD COLUMN k int', 'addresses');\nEND $$;",
        "sets/foreign-object",
        2,
        "addresses",
    ),
    (
        K,
        "DO $$ DECLARE t text; BEGIN\n  FOREACH t IN ARRAY ARRAY['blocks', 'addresses'] LOOP\n    EXECUTE 'ANALYZE ' || quote_ident(t);\n  END LOOP;\nEND $$;",
        "sets/foreign-object",
        3,
        "blocks",
    ),
    (
        K,
        "DO $$ DECLARE t text; BEGIN\n  FOREACH t IN ARRAY string_to_array('blocks,addresses', ',') LOOP\n    EXECUTE format('TRUNCATE %I', t);\n  END LOOP;\nEND $$;",
        "sets/foreign-object",
        3,
        "blocks",
    ),
    (
        K,
        "DO $$ BEGIN\n  EXECUTE format('TRUNCATE %I', (string_to_array('x.blocks', '.'))[2]);\nEND $$;",
        "sets/foreign-object",
        2,
        "blocks",
    ),
    (
        K,
        "DO $$ BEGIN\n  EXECUTE format('TRUNCATE %I', ('{blocks,addresses}'::text[])[1]);\nEND $$;",
        "sets/foreign-object",
        2,
        "blocks",
    ),
    (
        K,
        "DO $$ BEGIN\n  EXECUTE 'TRUNCATE ' || quote_ident(split_part('a/blocks', '/', 2));\nEND $$;",
        "sets/foreign-object",
        2,
        "blocks",
    ),
    (
        S,
        "CREATE INDEX i ON k_posts (time);",
        "sets/foreign-object",
        1,
        "k_posts",
    ),
    (
        K,
        "CREATE VIEW k_feed AS\nSELECT p.* FROM k_posts p JOIN blocks b ON b.hash = p.transaction_id;",
        "sets/foreign-reference",
        2,
        "blocks",
    ),
    (
        K,
        "CREATE TABLE k_seen (seen boolean) INHERITS (blocks);",
        "sets/foreign-reference",
        1,
        "blocks",
    ),
    (
        K,
        "CREATE TABLE k_copy (LIKE blocks INCLUDING ALL);",
        "sets/foreign-reference",
        1,
        "blocks",
    ),
    (
        K,
        "CREATE TABLE k_ref (a text REFERENCES addresses (address));",
        "sets/foreign-reference",
        1,
        "addresses",
    ),
    (
        K,
        "CREATE FUNCTION k_f(t bytea) RETURNS bytea LANGUAGE plpgsql AS $f$\nDECLARE r bytea;\nBEGIN\n  SELECT payload INTO r FROM transactions;\n  RETURN r;\nEND $f$;",
        "sets/foreign-reference",
        4,
        "transactions",
    ),
    (
        K,
        "CREATE FUNCTION k_f() RETURNS int LANGUAGE plpgsql AS $f$\nDECLARE v int; t text;\nBEGIN\n  SELECT 1, b.hash\n    INTO STRICT v,\n      t FROM k_posts JOIN blocks b ON true;\n  RETURN v;\nEND $f$;",
        "sets/foreign-reference",
        6,
        "blocks",
    ),
    (
        K,
        "DO $$ DECLARE v int; t text; BEGIN\nUPDATE blocks SET time = now() RETURNING 1, 'x' INTO v, t;\nEND $$;",
        "sets/foreign-object",
        2,
        "blocks",
    ),
    (
        K,
        "CREATE FUNCTION k_f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM blocks';",
        "sets/foreign-reference",
        1,
        "blocks",
    ),
    (
        K,
        "CREATE FUNCTION k_f() RETURNS bigint BEGIN ATOMIC\nSELECT count(*) FROM blocks; END;",
        "sets/foreign-reference",
        2,
        "blocks",
    ),
    (
        K,
        "SELECT 'public.blocks'::regclass;",
        "sets/foreign-reference",
        1,
        "blocks",
    ),
    (
        K,
        "CREATE FUNCTION k_f(b blocks) RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "sets/foreign-reference",
        1,
        "blocks",
    ),
    (
        K,
        "PREPARE p AS SELECT * FROM blocks;",
        "sets/foreign-reference",
        1,
        "blocks",
    ),
    (
        K,
        "CREATE SCHEMA IF NOT EXISTS simply_kaspa;\nCREATE TABLE simply_kaspa.k_extra (i int);",
        "sets/foreign-schema",
        1,
        "simply_kaspa",
    ),
    (
        K,
        "SELECT * FROM simply_kaspa.public.k_votes;",
        "sets/foreign-schema",
        1,
        "simply_kaspa",
    ),
    (
        K,
        "CREATE TABLE \"Blocks\" (hash bytea);",
        "sets/look-alike",
        1,
        "Blocks",
    ),
    (
        K,
        "CREATE TABLE _timescaledb_internal.k_cache (i int);",
        "sets/system-schema",
        1,
        "_timescaledb_internal",
    ),
    (
        K,
        "UPDATE pg_class SET relname = 'x';",
        "sets/system-schema",
        1,
        "pg_class",
    ),
    (
        K,
        "DELETE FROM refinery_schema_history WHERE version > 1;",
        "sets/history",
        1,
        "refinery_schema_history",
    ),
    (
        K,
        "DROP SCHEMA IF EXISTS \"public\" CASCADE;",
        "sets/history",
        1,
        "takes refinery_schema_history away",
    ),
    (
        S,
        "DO $$ BEGIN\nEXECUTE 'ALTER SCHEMA public RENAME TO old'; END $$;",
        "sets/history",
        2,
        "takes refinery_schema_history away",
    ),
    (
        K,
        "INSERT INTO cron.job (schedule, command, database) VALUES ('* * * * *', 'DELETE FROM t', 'other');",
        "sets/link",
        1,
        "cron.job",
    ),
    (
        K,
        "ALTER INDEX blocks_pkey RENAME TO k_key;",
        "sets/foreign-object",
        1,
        "changes index blocks_pkey",
    ),
    (
        K,
        "DROP OWNED BY CURRENT_USER;",
        "sets/role",
        1,
        "everything that belongs to the role that migrates",
    ),
    (
        K,
        "UPDATE dbctl.identity SET service = 'x';",
        "sets/history",
        1,
        "dbctl.identity",
    ),
    (
        R,
        "CREATE TABLE txo (idx bigserial PRIMARY KEY, txid text);",
        "sets/wrong-engine",
        1,
        "txo",
    ),
    (
        R,
        "CREATE TABLE a (id int);\nPRAGMA foreign_keys = ON;",
        "sets/wrong-engine",
        2,
        "SQLite",
    ),
    (
        K,
        "GRANT SELECT ON k_posts TO simply_kaspa_user;",
        "sets/foreign-grant",
        1,
        "simply_kaspa_user",
    ),
    (
        K,
        "GRANT SELECT ON k_posts TO PUBLIC;",
        "sets/foreign-grant",
        1,
        "public",
    ),
    (
        K,
        "GRANT k_social_user TO simply_kaspa_user;",
        "sets/foreign-grant",
        1,
        "k_social_user",
    ),
    (
        K,
        "ALTER TABLE k_posts OWNER TO simply_kaspa_user;",
        "sets/foreign-grant",
        1,
        "simply_kaspa_user",
    ),
    (
        K,
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public\nGRANT SELECT ON TABLES TO simply_kaspa_user;",
        "sets/foreign-grant",
        2,
        "future tables",
    ),
    (
        K,
        "CREATE ROLE simply_kaspa_user LOGIN PASSWORD 'canary';",
        "sets/role",
        1,
        "simply_kaspa_user",
    ),
    (
        K,
        "SET ROLE simply_kaspa_user;\nCREATE TABLE k_extra (i int);",
        "sets/role",
        1,
        "simply_kaspa_user",
    ),
    (
        K,
        "REASSIGN OWNED BY simply_kaspa_user TO k_social_user;",
        "sets/role",
        1,
        "simply_kaspa_user",
    ),
    (
        K,
        "SELECT 1;\nGRANT SET, ALTER SYSTEM ON PARAMETER log_statement TO k_social_user;",
        "sets/server-setting",
        2,
        "setting log_statement of the server to k_social_user",
    ),
    (
        K,
        "SELECT pg_drop_replication_slot('wallets');",
        "sets/server-setting",
        1,
        "pg_drop_replication_slot",
    ),
    (
        K,
        "SELECT count(*) FROM pg_ls_replslotdir('wallets');",
        "sets/server-file",
        1,
        "pg_ls_replslotdir",
    ),
    (
        K,
        "GRANT USAGE ON FOREIGN SERVER explorer TO k_social_user;",
        "sets/link",
        1,
        "server explorer",
    ),
    (
        K,
        "CREATE FUNCTION k_admin() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';",
        "sets/security-definer",
        1,
        "k_admin",
    ),
    (
        K,
        "\\connect simply_kaspa\nCREATE TABLE k_extra (i int);",
        "sets/switches-database",
        1,
        "simply_kaspa",
    ),
    (
        K,
        "\\c postgres://u:canary@127.0.0.1:5434/simply_kaspa\nSELECT 1;",
        "sets/switches-database",
        1,
        "simply_kaspa",
    ),
    (
        K,
        "CREATE DATABASE simply_kaspa;",
        "sets/switches-database",
        1,
        "simply_kaspa",
    ),
    (
        K,
        "SELECT 1;\n\\i ../simply-kaspa-indexer/001_init.sql",
        "sets/psql-command",
        2,
        "../simply-kaspa-indexer/001_init.sql",
    ),
    (
        K,
        "\\! PGPASSWORD=canary pg_dump simply_kaspa | psql ksocial",
        "sets/psql-command",
        1,
        "\\!",
    ),
    (
        K,
        "SET search_path = simply_kaspa, public;\nCREATE TABLE k_extra (i int);",
        "sets/search-path",
        1,
        "simply_kaspa",
    ),
    (
        K,
        "SELECT set_config('search_path', 'simply_kaspa', true);",
        "sets/search-path",
        1,
        "simply_kaspa",
    ),
    (
        K,
        "ALTER DATABASE ksocial SET search_path = simply_kaspa, public;",
        "sets/search-path",
        1,
        "ksocial",
    ),
    (
        K,
        "CREATE EXTENSION IF NOT EXISTS dblink;",
        "sets/link",
        1,
        "dblink",
    ),
    (
        K,
        "CREATE SERVER sk FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'x', password 'canary');\nCREATE USER MAPPING FOR CURRENT_USER SERVER sk;",
        "sets/link",
        1,
        "sk",
    ),
    (
        K,
        "SELECT 1;\nSELECT * FROM dblink('password=canary', 'SELECT 1') AS t(i int);",
        "sets/link",
        2,
        "dblink",
    ),
    (
        K,
        "COPY k_posts TO '/srv/simply_kaspa/k_posts.csv';",
        "sets/server-file",
        1,
        "/srv/simply_kaspa",
    ),
    (
        K,
        "SELECT pg_read_file('/etc/passwd');",
        "sets/server-file",
        1,
        "/etc/passwd",
    ),
    (
        K,
        "-- dbctl:no-transaction\nALTER SYSTEM SET archive_command = 'cp canary';",
        "sets/server-setting",
        2,
        "archive_command",
    ),
    (
        K,
        "DO $$ DECLARE s text; BEGIN\n  SELECT value INTO s FROM k_vars WHERE key = 'ddl';\n  EXECUTE s;\nEND $$;",
        "sets/dynamic-sql",
        3,
        "cannot be analysed",
    ),
    (
        K,
        "CREATE TABLE k_likes (id bigserial PRIMARY KEY, block_time bigint NOT NULL);\nSELECT create_hypertable('k_likes', 'block_time', chunk_time_interval => 21600000);",
        "sets/partition-key",
        1,
        "block_time",
    ),
    (
        K,
        "ALTER TABLE k_posts ADD CONSTRAINT k_posts_id_key UNIQUE (transaction_id) NOT VALID;",
        "sets/partition-key",
        1,
        "time",
    ),
    (
        K,
        "CREATE INDEX k_posts_content_idx ON k_posts (content);",
        "sets/unsafe-ddl",
        1,
        "require-concurrent-index-creation",
    ),
    (
        K,
        "ALTER TABLE k_posts\n  ALTER COLUMN content TYPE varchar(100);",
        "sets/unsafe-ddl",
        1,
        "changing-column-type",
    ),
    (
        K,
        "ALTER TABLE k_posts ADD COLUMN u uuid DEFAULT gen_random_uuid();",
        "sets/unsafe-ddl",
        1,
        "adding-field-with-default",
    ),
    (
        K,
        "SELECT 1;\nCOPY k_posts FROM STDIN;\n1\tblocks\n\\.\n",
        "sets/unreadable",
        2,
        "COPY",
    ),
    (
        K,
        "SET work_mem = '1GB';",
        "sets/unreadable",
        1,
        "SET LOCAL",
    ),
    (K, "SELECT 1;\nCOMMIT;", "sets/unreadable", 2, "COMMIT"),
    (
        K,
        "SELECT 1;\n\nCRAETE TABLE k_t (a int);",
        "sets/unreadable",
        3,
        "CRAETE is no word of SQL here, CREATE may be meant",
    ),
    (
        K,
        "CREATE TABEL k_t (a int);",
        "sets/unreadable",
        1,
        "TABEL is no word of SQL here, TABLE may be meant",
    ),
    (
        K,
        "CREATE TABLE k_t (\n  a int\n  b text\n);",
        "sets/unreadable",
        3,
        "a comma is missing before b",
    ),
    (
        K,
        "CREATE TABLE k_t (\n  a int,\n);",
        "sets/unreadable",
        2,
        "nothing stands between the comma and the )",
    ),
    (
        K,
        "DO $$\nBEGIN\n  PERFROM 1;\nEND $$;",
        "sets/unreadable",
        3,
        "PERFROM is no word of SQL here, PERFORM may be meant",
    ),
    (
        K,
        "-- dbctl:allow sets/unsafe-ddl the table is small\nSELECT 1;",
        "sets/inline-allow",
        1,
        "nothing of the kind",
    ),
    (
        K,
        "SELECT 1; -- dbctl:allow sets/unsafe-dll x",
        "sets/inline-allow",
        1,
        "did you mean sets/unsafe-ddl",
    ),
    (
        K,
        "CREATE TEMP TABLE blocks (a int);\nDROP TABLE blocks;\nCREATE TABLE blocks (a int);",
        "sets/foreign-object",
        3,
        "blocks",
    ),
    (
        K,
        "CREATE TEMP TABLE blocks (a int);\nALTER TABLE blocks RENAME TO b2;\nDELETE FROM blocks;",
        "sets/foreign-object",
        3,
        "blocks",
    ),
    (
        K,
        "CREATE FUNCTION k_f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE blocks (a int); END $$;\nCREATE FUNCTION k_g() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM blocks';",
        "sets/foreign-reference",
        2,
        "blocks",
    ),
    (
        K,
        "SELECT table_to_xml('blocks', true, true, '');",
        "sets/foreign-reference",
        1,
        "blocks",
    ),
    (
        K,
        "SELECT attach_tablespace('ts', 'blocks');",
        "sets/foreign-object",
        1,
        "blocks",
    ),
    (
        K,
        "SELECT hypertable_detailed_size('blocks');",
        "sets/foreign-reference",
        1,
        "blocks",
    ),
    (
        K,
        "CREATE EXTENSION pgcrypto SCHEMA simply_kaspa;",
        "sets/foreign-schema",
        1,
        "simply_kaspa",
    ),
    (
        K,
        "ALTER LARGE OBJECT 1 OWNER TO simply_kaspa_user;",
        "sets/foreign-grant",
        1,
        "simply_kaspa_user",
    ),
    (
        K,
        "CREATE FUNCTION k_f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1';\nALTER FUNCTION k_f() RESET ALL;",
        "sets/security-definer",
        2,
        "k_f",
    ),
    (K, "CREATE EXTENSION pg_cron;", "sets/link", 1, "pg_cron"),
    (
        K,
        "CREATE EXTENSION IF NOT EXISTS oracle_fdw;",
        "sets/link",
        1,
        "oracle_fdw",
    ),
    (
        K,
        "CREATE TABLE k_x (a int) STRICT;",
        "sets/wrong-engine",
        1,
        "SQLite",
    ),
    (
        K,
        "CREATE TABLE `k_x` (a int);",
        "sets/wrong-engine",
        1,
        "MySQL",
    ),
    (
        K,
        "CREATE VIRTUAL TABLE k_x USING fts5(a);",
        "sets/wrong-engine",
        1,
        "SQLite",
    ),
    (
        K,
        "CREATE TABLE k_x (a int) ENGINE=InnoDB;",
        "sets/wrong-engine",
        1,
        "MySQL",
    ),
    (
        K,
        "ALTER TABLE k_posts ADD COLUMN x bigserial;",
        "sets/unsafe-ddl",
        1,
        "serial",
    ),
    (
        K,
        "CREATE TABLE \"__EFMigrationsHistory\" (\"MigrationId\" text);",
        "sets/history",
        1,
        "Entity Framework",
    ),
    (
        K,
        "CREATE TABLE k_likes (id bigint, block_time timestamptz NOT NULL, EXCLUDE USING btree (id WITH =));\nSELECT create_hypertable('k_likes', by_range('block_time'));",
        "sets/partition-key",
        1,
        "block_time",
    ),
    (
        K,
        "CREATE TABLE k_base (id bigint PRIMARY KEY, block_time timestamptz NOT NULL);\nCREATE TABLE k_likes (LIKE k_base INCLUDING ALL);\nSELECT create_hypertable('k_likes', by_range('block_time'));",
        "sets/partition-key",
        2,
        "block_time",
    ),
    (
        K,
        "CREATE TABLE k_likes (id bigint, ts timestamptz NOT NULL, a text, PRIMARY KEY (ts, id));\nSELECT create_hypertable('k_likes', 'ts', 'a', 4);",
        "sets/partition-key",
        1,
        "partition column a",
    ),
    (
        K,
        "CREATE TABLE k_likes (id bigint, ts timestamptz NOT NULL, a text, PRIMARY KEY (ts, id));\nSELECT create_hypertable('k_likes', by_range('ts'), FALSE);\nSELECT add_dimension('k_likes', by_hash('a', 4));",
        "sets/partition-key",
        1,
        "partition column a",
    ),
    (
        K,
        "CREATE TABLE k_likes (id bigint, ts timestamptz NOT NULL, a text);\nSELECT create_hypertable('k_likes', 'ts');\nSELECT add_dimension('k_likes', column_name => 'a', number_partitions => 4);\nCREATE UNIQUE INDEX k_likes_u ON k_likes (ts, id);",
        "sets/partition-key",
        4,
        "partition column a",
    ),
    (
        K,
        "CREATE INDEX CONCURRENTLY k_x ON k_posts (content);",
        "sets/unsafe-ddl",
        1,
        "hypertable k_posts",
    ),
    (
        K,
        "CREATE INDEX k_x ON k_posts (content) WITH (timescaledb.transaction_per_chunk = false);",
        "sets/unsafe-ddl",
        1,
        "require-concurrent-index-creation",
    ),
    (
        K,
        "ALTER TABLE k_vars ADD COLUMN n int GENERATED ALWAYS AS (length(value)) STORED;",
        "sets/unsafe-ddl",
        1,
        "adding-field-with-default",
    ),
    (
        K,
        "SELECT 1;\nALTER EXTENSION timescaledb ADD TABLE k_posts;",
        "sets/system-schema",
        2,
        "extension timescaledb",
    ),
    (
        K,
        "SELECT 1;\nDO $$\nBEGIN\n  ALTER TABLE k_posts ALTER COLUMN content TYPE varchar(10);\nEND $$;",
        "sets/unsafe-ddl",
        2,
        "changing-column-type",
    ),
    (
        K,
        "DO $$ BEGIN EXECUTE 'CREATE INDEX k_zz ON k_posts (content)'; END $$;",
        "sets/unsafe-ddl",
        1,
        "require-concurrent-index-creation",
    ),
    (
        K,
        "DROP EXTENSION IF EXISTS timescaledb CASCADE;",
        "sets/system-schema",
        1,
        "every hypertable",
    ),
    // Rights are another service's to take away, too.
    (
        K,
        "REVOKE CONNECT ON DATABASE simply_kaspa FROM PUBLIC;",
        "sets/foreign-object",
        1,
        "database simply_kaspa",
    ),
    (
        K,
        "REVOKE SELECT ON blocks FROM PUBLIC;",
        "sets/foreign-object",
        1,
        "blocks",
    ),
    (
        K,
        "REVOKE ALL ON ALL TABLES IN SCHEMA simply_kaspa FROM PUBLIC;",
        "sets/foreign-schema",
        1,
        "schema simply_kaspa",
    ),
    (
        K,
        "ALTER DATABASE simply_kaspa SET work_mem = '1MB';",
        "sets/switches-database",
        1,
        "the database of simply-kaspa-indexer",
    ),
    (
        K,
        "ALTER ROLE simply_kaspa_user SET work_mem = '1MB';",
        "sets/server-setting",
        1,
        "the role of simply-kaspa-indexer",
    ),
    (
        K,
        "ALTER ROLE simply_kaspa_user RESET ALL;",
        "sets/role",
        1,
        "the role of simply-kaspa-indexer",
    ),
    (
        K,
        "COMMENT ON ROLE simply_kaspa_user IS 'x';",
        "sets/role",
        1,
        "the role of simply-kaspa-indexer",
    ),
    (
        K,
        "ALTER DEFAULT PRIVILEGES FOR ROLE simply_kaspa_user GRANT SELECT ON TABLES TO k_social_user;",
        "sets/role",
        1,
        "the role of simply-kaspa-indexer",
    ),
    // What only a superuser may do.
    (
        K,
        "SELECT 1;\nCREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION k_watch();",
        "sets/server-setting",
        2,
        "CREATE EVENT TRIGGER watch",
    ),
    (
        K,
        "ALTER EVENT TRIGGER watch DISABLE;",
        "sets/server-setting",
        1,
        "ALTER EVENT TRIGGER watch",
    ),
    (
        K,
        "SELECT 1;\nALTER TABLE k_user_profiles DISABLE TRIGGER ALL;",
        "sets/unsafe-ddl",
        2,
        "all triggers of k_user_profiles",
    ),
    (
        K,
        "SET LOCAL session_replication_role = replica;",
        "sets/unsafe-ddl",
        1,
        "all triggers of the session",
    ),
    // A whole table is written anew.
    (
        K,
        "SELECT 1;\nALTER TABLE k_user_profiles SET UNLOGGED;",
        "sets/unsafe-ddl",
        2,
        "rewriting-table",
    ),
    (
        K,
        "SELECT 1;\nALTER TABLE k_user_profiles SET TABLESPACE fast;",
        "sets/unsafe-ddl",
        2,
        "rewriting-table",
    ),
    (
        K,
        "SELECT 1;\nCLUSTER k_user_profiles USING k_user_profiles_pkey;",
        "sets/unsafe-ddl",
        2,
        "rewriting-table",
    ),
    (
        K,
        "VACUUM (FULL, ANALYZE) k_user_profiles;",
        "sets/unsafe-ddl",
        1,
        "rewriting-table",
    ),
    // A schema that nobody makes.
    (
        K,
        "CREATE TABLE k_a (id int);\nALTER TABLE k_a SET SCHEMA nowhere;",
        "sets/foreign-schema",
        2,
        "nowhere, which no migration of the set makes",
    ),
];

#[test]
fn what_was_read_is_said() {
    let repository = Repository::new();
    let compose = repository.0.path().join("compose.yaml");
    let check = |args: &[&str]| {
        let output = lab::dbctl(repository.0.path())
            .arg("check")
            .args(args)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
    let (code, said) = check(&[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("read: "), "{said}");
    assert!(
        said.contains("dbctl.toml; sets: k_social, rgb_users, simply_kaspa in "),
        "{said}"
    );
    assert!(said.ends_with("compose files: none\n"), "{said}");
    assert_eq!(check(&["--quiet"]), (0, String::new()));

    std::fs::write(&compose, "services: {web: {image: \"nginx:1.27\"}}\n").unwrap();
    let (code, said) = check(&[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("compose.yaml (no container of it is a service of the manifest)"),
        "{said}"
    );
    // What is there and cannot be read is not the same as nothing.
    std::fs::remove_file(&compose).unwrap();
    std::os::unix::fs::symlink("nowhere.yaml", &compose).unwrap();
    let (code, said) = check(&[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("compose.yaml"), "{said}");
}

#[test]
fn every_bad_migration_is_found_where_it_is_bad() {
    each(BAD, |(service, sql, rule, line, mentions)| {
        let repository = Repository::new();
        repository.write(service, "V90__case.sql", sql);
        let found = repository.found();
        let hit = found
            .iter()
            .find(|found| found.rule == *rule)
            .unwrap_or_else(|| panic!("{sql}\nexpected {rule}, found {found:#?}"));
        assert_eq!(hit.line, *line, "{sql}\n{hit:#?}");
        assert!(hit.column > 0, "{sql}\n{hit:#?}");
        assert!(hit.file.ends_with("V90__case.sql"), "{hit:#?}");
        assert!(
            hit.message.contains(mentions),
            "{sql}: no {mentions:?} in {hit:#?}"
        );
        let others: Vec<&Found> = found
            .iter()
            .filter(|other| other.rule != hit.rule && other.severity != "info")
            .collect();
        // One cause, one finding. A key on a table in use is two.
        assert!(
            others.is_empty() || others.iter().all(|other| other.rule == "sets/unsafe-ddl"),
            "{sql}\n{found:#?}"
        );
        let owned = [
            "sets/foreign-object",
            "sets/foreign-reference",
            "sets/look-alike",
        ];
        if owned.contains(rule) {
            let owner = if *service == K { S } else { K };
            assert_eq!(hit.belongs_to, owner, "{hit:#?}");
        }
    });
}

/// What is done to another service's object is wrong once, whatever else is wrong with how it is done.
#[test]
fn one_statement_about_anothers_object_is_one_finding() {
    const CASES: &[(&str, &str)] = &[
        ("CREATE INDEX ix ON blocks (hash);", "sets/foreign-object"),
        (
            "ALTER TABLE blocks ALTER COLUMN hash TYPE text;",
            "sets/foreign-object",
        ),
        ("REINDEX TABLE blocks;", "sets/foreign-object"),
        (
            "TRUNCATE k_follows, addresses CASCADE;",
            "sets/foreign-object",
        ),
        (
            "SELECT create_hypertable(relation => 'blocks'::regclass, time_column_name => 'time');",
            "sets/foreign-object",
        ),
        (
            "SELECT compress_chunk(c) FROM show_chunks('blocks') c;",
            "sets/foreign-object",
        ),
        (
            "REASSIGN OWNED BY k_social_user TO simply_kaspa_user;",
            "sets/foreign-grant",
        ),
        (
            "REASSIGN OWNED BY k_social_user TO CURRENT_USER;",
            "sets/role",
        ),
        // An exception has its effect, and hides no more than it says.
        (
            "-- dbctl:allow sets/unsafe-ddl small\nCREATE INDEX ix ON blocks (hash);",
            "sets/foreign-object",
        ),
    ];
    each(CASES, |(sql, rule)| {
        let repository = Repository::new();
        repository.write(K, "V90__case.sql", sql);
        assert_eq!(repository.only(sql).rule, *rule, "{sql}");
    });
}

#[test]
fn the_remedy_says_who_asks_whom() {
    let repository = Repository::new();
    repository.write(K, "V90__case.sql", "DELETE FROM blocks;");
    let report = repository.check();
    let findings = report["findings"].as_array().unwrap();
    let found = |finding: &&Value| finding["rule"] == "sets/foreign-object";
    let remedy = findings.iter().find(found).unwrap()["remedy"].clone();
    assert_eq!(
        remedy,
        format!(
            "Remove it: the services have databases of their own. What {K} needs of {S}'s it asks {S} for."
        )
    );
}

#[test]
fn statements_on_one_line_are_told_apart() {
    let repository = Repository::new();
    repository.write(
        K,
        "V90__case.sql",
        "SELECT 1; CREATE INDEX a ON k_user_profiles (bio); CREATE INDEX b ON k_user_profiles (bio);",
    );
    let found = repository.found();
    let places: Vec<(&str, u64, u64)> = found
        .iter()
        .map(|found| (found.rule.as_str(), found.line, found.column))
        .collect();
    let rule = "sets/unsafe-ddl";
    assert_eq!(places, [(rule, 1, 11), (rule, 1, 52)], "{found:#?}");
    assert!(found[0].message.contains("CREATE INDEX a"), "{found:#?}");
}

#[test]
fn an_exception_in_another_dress_is_told_how_it_is_written() {
    for dress in ["--dbctl:allow", "-- dbctl: allow", "-- dbctl:Allow"] {
        let repository = Repository::new();
        let sql =
            format!("{dress} sets/unsafe-ddl small\nCREATE INDEX ix ON k_user_profiles (bio);");
        repository.write(K, "V90__case.sql", &sql);
        let only = repository.only(&sql);
        assert_eq!(only.rule, "sets/unreadable", "{only:#?}");
        assert!(
            only.message
                .contains("an exception is written -- dbctl:allow RULE REASON"),
            "{only:#?}"
        );
    }
}

/// A password is in no output, however it is written.
#[test]
fn no_format_shows_a_password() {
    const LEAKS: [&str; 18] = [
        "CREATE USER app WITH PASSWORD canary;",
        "ALTER ROLE k_social_user PASSWORD \"canary\";",
        "ALTER USER k_social_user PASSWORD = canary;",
        "ALTER ROLE k_social_user PASSWORD U&\"canary\" VALID UNTIL 'x';",
        "CREATE USER app IDENTIFIED BY canary;",
        "CREATE SUBSCRIPTION s CONNECTION \"host=h password=canary\" PUBLICATION p;",
        "CREATE USER MAPPING FOR x SERVER s OPTIONS (user 'a', password \"canary\");",
        "SET dblink.password = canary;",
        "ALTER ROLE k_social_user SET app.password = canary;",
        "ALTER SYSTEM SET app.password = canary;",
        "CREATE USER MAPPING FOR x SERVER \"postgres://u:canary@h/d\" OPTIONS (password $$canary$$);",
        "CREATE ROLE x LOGIN PASWORD 'canary' PASSWORD canary;",
        "ALTER ROLE k_social_user PASSWORD 'canary;\nSELECT 1;",
        "DO $$ BEGIN EXECUTE 'ALTER ROLE k_social_user PASSWORD canary'; END $$;",
        "COPY k_posts FROM 'https://u:canary@h/rows';",
        "SELECT lo_import('https://u:canary@h/rows');",
        "\\!PGPASSWORD=canary psql",
        "\\connect \"dbname=postgres://u:canary@h/d\"",
    ];
    let repository = Repository::new();
    for (index, sql) in LEAKS.iter().enumerate() {
        repository.write(K, &format!("V{}__case.sql", 100 + index), sql);
    }
    let found = repository.found();
    for (index, sql) in LEAKS.iter().enumerate() {
        let file = format!("V{}__case.sql", 100 + index);
        let read = found.iter().any(|found| found.file.ends_with(&file));
        assert!(read, "{sql}: nothing is said of it: {found:#?}");
    }
    for format in [
        "table", "json", "github", "sarif", "junit", "markdown", "html",
    ] {
        let output = lab::dbctl(repository.0.path())
            .args(["check", "--format", format])
            .output()
            .unwrap();
        for stream in [output.stdout, output.stderr] {
            let text = String::from_utf8(stream).unwrap();
            let leaks: Vec<&str> = text
                .lines()
                .filter(|line| line.contains("canary"))
                .collect();
            assert!(leaks.is_empty(), "{format}: {leaks:#?}");
        }
    }
    // The reason of an exception is written to be read.
    let reason = "-- dbctl:allow sets/role the password is hunter2\nALTER ROLE k_social_user PASSWORD \"canary\";";
    let repository = Repository::new();
    repository.write(K, "V90__case.sql", reason);
    let report = repository.check().to_string();
    assert!(report.contains("the password is hunter2"), "{report}");
}

#[test]
fn every_rule_of_the_group_has_a_case() {
    let output = lab::dbctl(Path::new("."))
        .args(["rules", "--format", "json"])
        .output()
        .unwrap();
    let rules: Value = serde_json::from_slice(&output.stdout).unwrap();
    let planted: BTreeSet<&str> = BAD.iter().map(|(_, _, rule, ..)| *rule).collect();
    for rule in rules["rules"].as_array().unwrap() {
        let id = rule["id"].as_str().unwrap();
        let beside = ["sets/stale-lock", "sets/copied-migration"];
        assert!(
            !id.starts_with("sets/") || planted.contains(id) || beside.contains(&id),
            "{id} has no case"
        );
    }
}

const BENIGN: &[(&str, &str)] = &[
    // A table of the file's own is not in use, and a plain VACUUM locks nobody out.
    (
        K,
        "CREATE TABLE k_new (id int PRIMARY KEY);\nALTER TABLE k_new SET UNLOGGED;",
    ),
    (K, "VACUUM (ANALYZE) k_user_profiles;"),
    (
        K,
        "CREATE TABLE IF NOT EXISTS vars (key varchar(255) PRIMARY KEY, value text NOT NULL);",
    ),
    (
        K,
        "-- replaces the old trigger on transactions\n/* DROP TABLE blocks; */\nALTER TABLE k_posts ADD COLUMN edited boolean;\nCOMMENT ON TABLE k_posts IS 'taken from transactions and blocks';",
    ),
    (
        K,
        "INSERT INTO k_vars (key, value) VALUES ('source_table', 'transactions'), ('note', 'DROP TABLE blocks');",
    ),
    (
        K,
        "CREATE TABLE k_blocks (id bigserial PRIMARY KEY, blocked_user_pubkey bytea NOT NULL);",
    ),
    (
        K,
        "CREATE TEMP TABLE blocks AS SELECT DISTINCT transaction_id FROM k_posts; DROP TABLE blocks;",
    ),
    (
        K,
        "CREATE FUNCTION k_touch() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$BEGIN RETURN NEW; END$$;",
    ),
    (
        K,
        "GRANT SELECT ON k_posts TO k_social_user; REVOKE ALL ON k_posts FROM PUBLIC;",
    ),
    (K, "REVOKE ALL ON k_posts FROM simply_kaspa_user;"),
    (
        K,
        "WITH blocks AS (SELECT time FROM k_posts) SELECT * FROM blocks;",
    ),
    (
        K,
        "SELECT p.content AS blocks FROM k_posts AS transactions, k_posts AS p;",
    ),
    (
        K,
        "CREATE TABLE k_new (blocks int, transactions text, addresses jsonb);",
    ),
    (
        K,
        "CREATE TABLE k_new (a int);\nCREATE INDEX k_new_a_idx ON k_new (a);\nALTER TABLE k_new ALTER COLUMN a TYPE bigint;",
    ),
    (
        K,
        "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE %I IS %L', 'k_posts', now()::text); END $$;",
    ),
    (
        K,
        "DO $$ DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM k_posts; IF n > 0 THEN RAISE NOTICE 'blocks: %', n; END IF; END $$;",
    ),
    (
        K,
        "SELECT relname FROM pg_catalog.pg_class; SELECT table_name FROM information_schema.tables;",
    ),
    (
        K,
        "SELECT hypertable_name FROM timescaledb_information.hypertables;",
    ),
    (
        K,
        "CREATE TABLE k_likes (id bigint, block_time timestamptz NOT NULL, PRIMARY KEY (id, block_time));\nSELECT create_hypertable('k_likes', by_range('block_time'));",
    ),
    (
        K,
        "CREATE FUNCTION k_safe() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1';",
    ),
    (K, "CREATE EXTENSION IF NOT EXISTS pg_trgm;"),
    (K, "SET LOCAL work_mem = '64MB';\nDROP TABLE k_votes;"),
    (R, "CREATE TABLE media (id int);"),
    (
        K,
        "CREATE TEMP TABLE k_tmp (id int) ON COMMIT DROP;\nALTER TABLE k_tmp RENAME TO blocks;\nDELETE FROM blocks;",
    ),
    (
        K,
        "DO $$ BEGIN CREATE TEMP TABLE blocks (id int); DELETE FROM blocks; END $$;\nTRUNCATE blocks;",
    ),
    (
        K,
        "CREATE FUNCTION k_f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE blocks (a int); DELETE FROM blocks; DROP TABLE blocks; END $$;",
    ),
    (
        K,
        "CREATE FUNCTION k_f() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE v bigint; t text; r k_votes%ROWTYPE; BEGIN\nSELECT 1, 'x' INTO v, t;\nSELECT id, content INTO STRICT v, t FROM k_posts;\nSELECT INTO v 1 FROM k_posts;\nSELECT id FROM k_posts WHERE id = 1 INTO r.id;\nWITH x AS (SELECT 1 AS i) SELECT i INTO v FROM x;\nEXECUTE 'SELECT 1, 2' INTO v, t;\nRETURN v; END $$;",
    ),
    (
        K,
        "DO $$ DECLARE v bigint; t text; r record; BEGIN\nINSERT INTO k_vars (key, value) VALUES ('k', 'v') RETURNING value INTO t;\nUPDATE k_vars SET value = 'w' WHERE key = 'k' RETURNING key, value INTO STRICT t, t;\nDELETE FROM k_vars WHERE key = 'k' RETURNING * INTO r;\nSELECT count(*), max(content) INTO v, t FROM k_posts;\nEND $$;",
    ),
    (
        K,
        "SELECT hypertable_detailed_size('k_posts'), has_table_privilege('k_posts', 'select');",
    ),
    (
        K,
        "CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA public;\nCREATE EXTENSION IF NOT EXISTS citext SCHEMA pg_catalog;",
    ),
    (
        K,
        "CREATE FUNCTION k_f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';\nALTER FUNCTION k_f() SET search_path = pg_catalog, pg_temp;",
    ),
    (
        K,
        "CREATE FUNCTION k_f() RETURNS int LANGUAGE sql SET search_path = pg_catalog AS 'SELECT 1';\nALTER FUNCTION k_f() RESET search_path;",
    ),
    (
        K,
        "CREATE TABLE k_new (a int, strict boolean, engine text DEFAULT 'InnoDB');\nALTER TABLE k_new ADD COLUMN id bigserial;",
    ),
    (
        K,
        "CREATE TABLE k_base (id bigint PRIMARY KEY, block_time timestamptz NOT NULL);\nCREATE TABLE k_likes (LIKE k_base INCLUDING ALL EXCLUDING INDEXES);\nSELECT create_hypertable('k_likes', by_range('block_time'));",
    ),
    (
        K,
        "CREATE TABLE k_likes (id bigint, ts timestamptz NOT NULL, a text, PRIMARY KEY (ts, id, a));\nSELECT create_hypertable('k_likes', 'ts', 'a', 4);",
    ),
    (
        K,
        "CREATE TABLE k_likes (id bigint, ts timestamptz NOT NULL, PRIMARY KEY (ts, id));\nSELECT create_hypertable('k_likes', 'ts', NULL, if_not_exists => TRUE);",
    ),
    (
        K,
        "CREATE TABLE k_likes (id bigint, ts timestamptz NOT NULL, PRIMARY KEY (ts, id));\nSELECT create_hypertable('k_likes', by_range('ts'), FALSE, TRUE);",
    ),
    (
        K,
        "CREATE INDEX k_x ON k_posts (content) WITH (timescaledb.transaction_per_chunk);",
    ),
    (K, "CREATE INDEX CONCURRENTLY k_x ON k_vars (value);"),
    (
        K,
        "ALTER TABLE k_vars ADD COLUMN n int GENERATED ALWAYS AS (length(value)) VIRTUAL;",
    ),
    (K, "DROP EXTENSION IF EXISTS pg_trgm CASCADE;"),
    (
        K,
        "CREATE TABLE k_new (a int);\nDO $$ BEGIN CREATE TABLE k_newer (a int); CREATE INDEX k_i ON k_newer (a); EXECUTE 'CREATE INDEX k_j ON k_new (a)'; END $$;",
    ),
    (
        K,
        "CREATE FUNCTION k_f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE k_posts ALTER COLUMN content TYPE text; END $$;",
    ),
    (R, "DROP EXTENSION IF EXISTS timescaledb CASCADE;"),
    (
        K,
        "REVOKE CONNECT ON DATABASE ksocial FROM PUBLIC; REVOKE CREATE ON SCHEMA public FROM PUBLIC; REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC;",
    ),
    (
        K,
        "ALTER ROLE CURRENT_USER RESET search_path; COMMENT ON ROLE k_social_user IS 'x'; ALTER DEFAULT PRIVILEGES FOR ROLE k_social_user REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;",
    ),
    (
        K,
        "ALTER TABLE k_user_profiles DISABLE TRIGGER USER; SET LOCAL session_replication_role = origin;",
    ),
    (
        K,
        "CREATE SCHEMA k_more; CREATE TABLE k_b (id int); ALTER TABLE k_b SET SCHEMA k_more; ALTER TABLE k_more.k_b SET SCHEMA public;",
    ),
    (
        K,
        "CREATE TYPE k_mood AS ENUM ('sad'); ALTER TYPE k_mood ADD VALUE 'glad'; SELECT 'glad'::k_mood;",
    ),
];

/// PostgreSQL refuses a value in the transaction that added it to an enum which was there before.
#[test]
fn a_new_value_of_an_enum_waits_for_the_next_migration() {
    type Case = (&'static str, &'static str, Option<(u64, &'static str)>);
    let cases: [Case; 9] = [
        ("", "SELECT 'glad'::k_mood;", Some((2, "error"))),
        (
            "",
            "DO $$ BEGIN PERFORM 'glad'::k_mood; END $$;",
            Some((2, "error")),
        ),
        (
            "",
            "ALTER TABLE k_felt ALTER COLUMN m SET DEFAULT 'glad';",
            Some((2, "warning")),
        ),
        (
            "",
            "SELECT 1;\nUPDATE k_felt SET m = 'glad' WHERE id = 1;",
            Some((3, "warning")),
        ),
        // Other words, other tables, remarks, and what runs later.
        ("", "UPDATE k_felt SET m = 'sad' WHERE id = 1;", None),
        (
            "",
            "UPDATE k_vars SET value = 'glad' WHERE key = 'x';",
            None,
        ),
        (
            "",
            "COMMENT ON TABLE k_felt IS 'glad'; COMMENT ON TYPE k_mood IS 'glad';",
            None,
        ),
        (
            "",
            "ALTER TYPE k_mood ADD VALUE 'happy' BEFORE 'glad';",
            None,
        ),
        // Each statement is a transaction of its own.
        ("VACUUM k_vars;", "SELECT 'glad'::k_mood;", None),
    ];
    each(&cases, |(before, sql, expected)| {
        let repository = Repository::new();
        repository.write(
            K,
            "V90__felt.sql",
            "CREATE TYPE k_mood AS ENUM ('sad'); CREATE TABLE k_felt (id int, m k_mood);",
        );
        let text = format!("{before} ALTER TYPE k_mood ADD VALUE 'glad';\n{sql}");
        repository.write(K, "V91__case.sql", &text);
        let found = repository.found();
        let told: Vec<&Found> = found
            .iter()
            .filter(|found| found.message.contains("55P04"))
            .collect();
        match (expected, told.as_slice()) {
            (None, []) => {}
            (Some((line, severity)), [only]) => {
                assert_eq!(only.rule, "sets/unsafe-ddl", "{only:#?}");
                assert_eq!(
                    (only.line, only.severity.as_str()),
                    (*line, *severity),
                    "{only:#?}"
                );
                assert!(only.file.ends_with("V91__case.sql"), "{only:#?}");
            }
            _ => panic!("{sql}: {found:#?}"),
        }
    });
}

#[test]
fn what_is_benign_stays_quiet() {
    each(BENIGN, |(service, sql)| {
        let repository = Repository::new();
        repository.write(service, "V90__case.sql", sql);
        let report = repository.check();
        let loud: Vec<Found> = found_in(&report)
            .into_iter()
            .filter(|found| found.severity != "info")
            .collect();
        assert!(loud.is_empty(), "{sql}\n{loud:#?}");
        assert_eq!(report["not_checked"].as_array().unwrap().len(), 0, "{sql}");
    });
}

#[test]
fn the_built_in_sets_are_clean() {
    let report = Repository::new().check();
    assert_eq!(report["status"], "pass", "{report:#}");
    assert_eq!(
        report["findings"].as_array().unwrap().len(),
        0,
        "{report:#}"
    );
    assert_eq!(
        report["not_checked"].as_array().unwrap().len(),
        0,
        "{report:#}"
    );
    // The indexes of the first release, with the reason.
    let allowed = report["allowed"].as_array().unwrap();
    assert_eq!(allowed.len(), 3, "{report:#}");
    for allowed in allowed {
        assert_eq!(allowed["finding"]["rule"], "sets/unsafe-ddl");
        assert!(allowed["file"].as_str().unwrap().ends_with("__indexes.sql"));
        assert!(
            allowed["reason"]
                .as_str()
                .unwrap()
                .starts_with("the first release")
        );
    }
}

#[test]
fn a_lock_that_is_older_than_its_set_is_found() {
    let repository = Repository::new();
    repository.write(K, "V90__case.sql", "CREATE TABLE k_extra (i int);");
    let report = repository.check();
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "sets/stale-lock", "{report:#}");
    let file = finding["location"]["file"].as_str().unwrap();
    assert!(file.ends_with("k_social/schema.lock"), "{file}");
    assert!(finding["expected"].as_str().unwrap().starts_with("sha256:"));
}

#[test]
fn a_copied_migration_is_one_finding() {
    let repository = Repository::new();
    let from = repository
        .0
        .path()
        .join("sets/simply_kaspa/V2__blocks_and_transactions.sql");
    let text = std::fs::read_to_string(from).unwrap();
    repository.write(
        K,
        "V90__case.sql",
        &format!(
            "-- ours now\n{}",
            text.to_uppercase().replace("PUBLIC.", "public.")
        ),
    );
    let found = repository.found();
    let [copy] = found.as_slice() else {
        panic!("{found:#?}");
    };
    assert_eq!(copy.rule, "sets/copied-migration");
    for part in [
        "V2__blocks_and_transactions.sql",
        S,
        "blocks",
        "transactions",
    ] {
        assert!(copy.message.contains(part), "{part}: {}", copy.message);
    }
}

#[test]
fn an_exception_holds_for_its_statement_and_needs_a_reason() {
    let repository = Repository::new();
    let index = |name: &str| format!("CREATE INDEX {name} ON k_posts (content);\n");
    let sql = format!(
        "-- dbctl:allow sets/unsafe-ddl a maintenance window\n{}{}-- dbctl:allow sets/unsafe-ddl\n{}",
        index("a_idx"),
        index("b_idx"),
        index("c_idx")
    );
    repository.write(K, "V90__case.sql", &sql);
    let report = repository.check();
    let at: Vec<(String, u64)> = repository
        .found()
        .into_iter()
        .map(|found| (found.rule, found.line))
        .collect();
    let rule = |rule: &str, line| (rule.to_owned(), line);
    assert_eq!(
        at,
        [
            rule("sets/unsafe-ddl", 3),
            rule("sets/unsafe-ddl", 5),
            rule("sets/inline-allow", 4)
        ]
    );
    let reasons: Vec<&str> = report["allowed"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|allowed| allowed["reason"].as_str())
        .collect();
    assert!(reasons.contains(&"a maintenance window"), "{reasons:?}");
}

#[test]
fn what_is_never_allowed_is_found_all_the_same() {
    let repository = Repository::new();
    let sql = "-- dbctl:allow sets/foreign-object reviewed\nDROP TABLE blocks;\n";
    repository.write(K, "V90__case.sql", sql);
    let found = repository.found();
    let told = |rule: &str, line| {
        found
            .iter()
            .any(|found| found.rule == rule && found.line == line)
    };
    assert!(told("sets/foreign-object", 2), "{found:#?}");
    assert!(told("sets/inline-allow", 1), "{found:#?}");
    assert_eq!(found.len(), 2, "{found:#?}");
}

#[test]
fn a_block_that_is_too_large_for_the_parser_is_not_checked_for_that_reason() {
    let repository = Repository::new();
    let mut sql = String::from("DO $$ BEGIN\n");
    for at in 0..1_000 {
        sql.push_str(&format!(
            "EXECUTE format('CREATE TABLE %I (id int)', 'k_{at}');\n"
        ));
    }
    sql.push_str("DROP TABLE blocks;\nEND $$;\n");
    repository.write(K, "V90__case.sql", &sql);
    let report = repository.check();
    let gap = &report["not_checked"][0];
    assert_eq!(gap["rule"], "sets/unreadable");
    for (key, words) in [
        (
            "reason",
            "it has more than 10000 words and signs, too many for dbctl's parser",
        ),
        ("remedy", "make several statements of it"),
    ] {
        assert!(gap[key].as_str().unwrap().contains(words), "{gap}");
    }
    // What its keywords tell is found all the same.
    let found = found_in(&report);
    let dropped = found
        .iter()
        .find(|found| found.rule == "sets/foreign-object");
    assert_eq!(dropped.unwrap().line, 1_002);
}

#[test]
fn what_the_parser_does_not_know_is_not_checked_but_for_its_names() {
    let repository = Repository::new();
    repository.write(
        K,
        "V90__case.sql",
        "SELECT 1;\n  ALTER TABLE k_posts FROBNICATE SOON;\n",
    );
    let report = repository.check();
    assert_eq!(report["status"], "incomplete", "{report:#}");
    let gap = &report["not_checked"][0];
    assert_eq!(gap["rule"], "sets/unreadable");
    let reason = gap["reason"].as_str().unwrap();
    assert!(
        reason
            .contains("V90__case.sql:2:23: dbctl's parser cannot read it, it stops at FROBNICATE"),
        "{gap}"
    );
    assert!(!reason.contains("_KW"), "{gap}");

    repository.write(K, "V90__case.sql", "ALTER TABLE blocks FROBNICATE SOON;\n");
    let found = repository.found();
    assert_eq!(found[0].rule, "sets/foreign-object", "{found:#?}");

    let allowed = "-- dbctl:allow sets/unreadable PostgreSQL 20, reviewed\nALTER TABLE k_posts FROBNICATE SOON;\n";
    repository.write(K, "V90__case.sql", allowed);
    let report = repository.check();
    assert_eq!(
        report["not_checked"].as_array().unwrap().len(),
        0,
        "{report:#}"
    );
}

#[test]
fn a_set_that_cannot_be_loaded_is_told_file_by_file() {
    let repository = Repository::new();
    repository.write(
        K,
        "V90__case.sql",
        "CREATE TABLE blocks (i int);\nSELECT 'never closed\n",
    );
    repository.write(K, "V91__empty.sql", "-- nothing\n");
    repository.write(K, "V92-wrong.sql", "SELECT 1;\n");
    let found = repository.found();
    let told = |rule: &str, file: &str, line: u64| {
        assert!(
            found.iter().any(|found| found.rule == rule
                && found.file.ends_with(file)
                && found.line == line),
            "{rule} {file}:{line} in {found:#?}"
        );
    };
    told("sets/foreign-object", "V90__case.sql", 1);
    told("sets/unreadable", "V90__case.sql", 2);
    told("sets/unreadable", "V91__empty.sql", 0);
    told("sets/unreadable", "V92-wrong.sql", 0);
}

/// SQL that lies in a set's folder and is no part of it: nobody looked at it.
#[test]
fn what_lies_beside_a_set_is_not_checked() {
    let repository = Repository::new();
    let gaps = |repository: &Repository| -> Vec<String> {
        let report = repository.check();
        let gaps = report["not_checked"].as_array().unwrap().iter();
        let gaps = gaps.filter(|gap| gap["rule"] == "sets/unreadable");
        gaps.map(|gap| gap["reason"].as_str().unwrap().to_owned())
            .collect()
    };
    repository.write(K, "README.md", "CREATE TABLE blocks (a int);");
    assert_eq!(gaps(&repository), Vec::<String>::new());
    repository.write(K, "V6__more.sql.gz", "x");
    repository.write(K, "dump.txt", "--\n-- PostgreSQL database dump\n--\n");
    let folder = repository.0.path().join("sets/k_social/sub");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("V7__x.sql"), "CREATE TABLE blocks (a int);").unwrap();
    let said = gaps(&repository);
    let [packed, dump, folder] = said.as_slice() else {
        panic!("{said:#?}");
    };
    assert!(packed.contains("V6__more.sql.gz is SQL of another form, or packed, and was not read"));
    assert!(dump.contains("dump.txt holds SQL and was not read"));
    assert!(
        folder.contains("sub holds V7__x.sql, and only the files of the set's own folder are read")
    );
}

/// What `set_config` sets for a transaction alone is a warning, as SET LOCAL is.
#[test]
fn set_config_for_the_transaction_is_not_for_the_session() {
    for (local, severity) in [
        ("true", "warning"),
        ("TRUE", "warning"),
        ("'t'", "warning"),
        ("is_local => true", "warning"),
        ("false", "error"),
        ("is_local => false", "error"),
    ] {
        let repository = Repository::new();
        let sql = format!("SELECT set_config('search_path', 'public', {local});");
        repository.write(K, "V90__case.sql", &sql);
        let only = repository.only(&sql);
        assert_eq!(
            (only.rule.as_str(), only.severity.as_str()),
            ("sets/search-path", severity),
            "{sql}"
        );
    }
}

/// A temporary table of the caller comes first wherever `pg_temp` is not written last.
#[test]
fn a_function_with_its_owners_rights_looks_into_pg_temp_last() {
    let create = "CREATE FUNCTION k_f() RETURNS int LANGUAGE sql";
    let alter = "ALTER FUNCTION k_f() SET search_path";
    for (sql, line, said) in [
        (
            format!("{create} SECURITY DEFINER SET search_path = pg_catalog AS 'SELECT 1';"),
            1,
            "search_path pg_catalog, in which pg_temp is not last",
        ),
        (
            format!(
                "{create} SECURITY DEFINER SET search_path = pg_temp, pg_catalog AS 'SELECT 1';"
            ),
            1,
            "pg_temp is not last",
        ),
        (
            format!("{create} SECURITY DEFINER SET search_path = '' AS 'SELECT 1';"),
            1,
            "an empty search_path",
        ),
        // One schema of that name, not two.
        (
            format!(
                "{create} SECURITY DEFINER SET search_path = 'pg_catalog, pg_temp' AS 'SELECT 1';"
            ),
            1,
            "pg_temp is not last",
        ),
        (
            format!("{create} SECURITY DEFINER SET search_path FROM CURRENT AS 'SELECT 1';"),
            1,
            "FROM CURRENT",
        ),
        (
            format!("{create} SECURITY DEFINER AS 'SELECT 1';"),
            1,
            "without a search_path of its own",
        ),
        (
            format!("{create} SECURITY DEFINER AS 'SELECT 1';\n{alter} = public;"),
            2,
            "search_path public, in which pg_temp is not last",
        ),
        (
            format!(
                "{create} SECURITY DEFINER SET search_path = public, pg_temp AS 'SELECT 1';\n{alter} = public;"
            ),
            2,
            "search_path public, in which pg_temp is not last",
        ),
    ] {
        let repository = Repository::new();
        repository.write(K, "V90__case.sql", &sql);
        let only = repository.only(&sql);
        assert_eq!(only.rule, "sets/security-definer", "{sql}");
        assert_eq!(only.line, line, "{sql}");
        assert!(only.message.contains(said), "{sql}: {}", only.message);
        // One that is fixed and only leaves it out is common, and no warning.
        let fixed = said.contains("in which")
            || said.contains("empty")
            || sql.contains("'pg_catalog, pg_temp'");
        assert_eq!(
            only.severity,
            if fixed { "info" } else { "warning" },
            "{sql}"
        );
    }
    for sql in [
        format!("{create} SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1';"),
        format!(
            "{create} SECURITY DEFINER SET search_path = public AS 'SELECT 1';\n{alter} = public, pg_temp;"
        ),
        format!("{create} SET search_path = public AS 'SELECT 1';\n{alter} = pg_catalog;"),
    ] {
        let repository = Repository::new();
        repository.write(K, "V90__case.sql", &sql);
        let found = repository.found();
        assert!(found.is_empty(), "{sql}: {found:#?}");
    }
}

/// SQL that is put together by what cannot be followed is said to be so, wherever it is run.
#[test]
fn sql_that_is_put_together_is_followed_or_said() {
    for run in [
        "EXECUTE concat_ws(' ', 'TRUNCATE', (SELECT relname FROM pg_class LIMIT 1))",
        "EXECUTE (SELECT string_agg(x, '') FROM (VALUES ('TRUNCATE '), ('blo')) v(x))",
        "EXECUTE format('TRUNCATE %I', array_to_string(ARRAY['blo', 'cks'], ''))",
        "EXECUTE format(reverse('I% ETACNURT'), 'x')",
        "EXECUTE overlay('TRUNCATE xxxxxx' placing 'blocks' from 10)",
        "FOR r IN EXECUTE format('SELECT 1 FROM %I', reverse('skcolb')) LOOP END LOOP",
        "OPEN c FOR EXECUTE concat_ws(' ', 'SELECT 1 FROM', reverse('skcolb'))",
        "EXECUTE concat_ws(' ', 'TRUNCATE', NULLIF(current_setting('x'), ''))",
    ] {
        let repository = Repository::new();
        let sql = format!("DO $$ DECLARE r record; c refcursor; BEGIN {run}; END $$;");
        repository.write(K, "V90__case.sql", &sql);
        let found = repository.found();
        assert!(
            found.iter().any(|found| found.rule == "sets/dynamic-sql"),
            "{run}: {found:#?}"
        );
    }
    // What is known is followed.
    for run in [
        "EXECUTE concat_ws(' ', 'TRUNCATE', 'blocks')",
        "EXECUTE format('TRUNCATE %I', concat_ws('', 'blo', 'cks'))",
    ] {
        let repository = Repository::new();
        repository.write(K, "V90__case.sql", &format!("DO $$ BEGIN {run}; END $$;"));
        let only = repository.only(run);
        assert_eq!(only.rule, "sets/foreign-object", "{run}");
        assert!(only.message.contains("blocks"), "{run}");
    }
}

/// A rule that is misspelt in a file is told the one of its group that is meant; one of another group has another place.
#[test]
fn a_misspelt_rule_of_an_exception_is_corrected() {
    for (rule, said) in [
        ("foreign-objct", "did you mean sets/foreign-object?"),
        ("sets/Foreign-Object", "did you mean sets/foreign-object?"),
        ("bleed/foreign-object", "which is about more than a file"),
    ] {
        let repository = Repository::new();
        let sql = format!("-- dbctl:allow {rule} reviewed\nSELECT 1;");
        repository.write(K, "V90__case.sql", &sql);
        let only = repository.only(rule);
        assert_eq!(only.rule, "sets/inline-allow", "{rule}");
        assert!(only.message.contains(said), "{rule}: {}", only.message);
    }
}

/// A schema that is written as one text is one schema, and is shown so.
#[test]
fn a_search_path_is_shown_as_it_can_be_written() {
    for (sql, shown) in [
        ("SET search_path = 'a, b';", "to \"a, b\""),
        ("SET search_path = a, \"B c\";", "to a, \"B c\""),
        (
            "SET LOCAL search_path = \"$user\", public;",
            "to \"$user\", public",
        ),
    ] {
        let repository = Repository::new();
        repository.write(K, "V90__case.sql", sql);
        let found = repository.found();
        let told = found.iter().find(|found| found.rule == "sets/search-path");
        let message = told.map(|told| told.message.as_str()).unwrap_or_default();
        assert!(message.ends_with(shown), "{sql}: {found:#?}");
    }
}

/// As in CI, where nobody has the URLs.
#[test]
fn the_place_of_a_database_is_not_needed() {
    let repository = Repository::new();
    let path = repository.path().join("dbctl.toml");
    let manifest = std::fs::read_to_string(&path).unwrap();
    let manifest = manifest.replacen(
        "host = \"localhost\"\nport = 5432",
        "url = { env = \"NOBODY_SETS_THIS\" }",
        1,
    );
    std::fs::write(&path, manifest).unwrap();
    let run = |args: &[&str]| {
        let output = lab::dbctl(repository.path()).args(args).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), text)
    };
    let (code, text) = run(&["check"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("NOBODY_SETS_THIS not set"), "{text}");
    repository.write(
        K,
        "V900__reach.sql",
        "ALTER TABLE blocks ADD COLUMN k int;\n",
    );
    let (code, text) = run(&["check"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("V900__reach.sql"), "{text}");
    // Who reaches a server needs it.
    let (code, text) = run(&["status"]);
    assert_eq!(code, Some(3), "{text}");
}
