//! Services that migrate themselves: `lock --from` records what they made, and `verify` holds the database to it.

use crate::lab::{K, Lab, S};
use crate::verify_cases::{assert_clean, list, shown, text, verify};

/// What simply-kaspa-indexer itself makes (its schema version 23), in short: two composite types carry names of older tables.
const SIMPLY: &str = "\
CREATE TABLE vars (key varchar(255) PRIMARY KEY, value text NOT NULL);
INSERT INTO vars VALUES ('schema_version', '23'), ('block_checkpoint', '00'), ('vcp_checkpoint', '00');
CREATE TYPE transactions_inputs AS (index smallint, previous_outpoint_hash bytea, previous_outpoint_index smallint, signature_script bytea);
CREATE TYPE transactions_outputs AS (index smallint, amount bigint, script_public_key bytea, script_public_key_address varchar);
CREATE TABLE blocks (hash bytea PRIMARY KEY, accepted_id_merkle_root bytea, blue_score bigint, daa_score bigint, \"timestamp\" bigint, version smallint);
CREATE TABLE block_parent (block_hash bytea, parent_hash bytea, PRIMARY KEY (block_hash, parent_hash));
CREATE TABLE transactions (transaction_id bytea PRIMARY KEY, block_time bigint, mass integer, payload bytea, inputs transactions_inputs[], outputs transactions_outputs[]);
CREATE TABLE transactions_acceptances (transaction_id bytea PRIMARY KEY, block_hash bytea);
CREATE TABLE addresses_transactions (address varchar NOT NULL, transaction_id bytea NOT NULL, block_time bigint NOT NULL, PRIMARY KEY (address, block_time, transaction_id));
CREATE TABLE scripts_transactions (script_public_key bytea NOT NULL, transaction_id bytea NOT NULL, block_time bigint NOT NULL, PRIMARY KEY (script_public_key, block_time, transaction_id));
CREATE INDEX ON blocks (blue_score);
CREATE INDEX ON transactions (block_time DESC);
";

/// What K-indexer itself makes (its schema version 2), in short.
const KAY: &str = "\
CREATE TABLE k_vars (key varchar(255) PRIMARY KEY, value text NOT NULL);
INSERT INTO k_vars VALUES ('schema_version', '2');
CREATE TYPE k_vote_kind AS ENUM ('upvote', 'downvote');
CREATE TABLE k_posts (id bigserial PRIMARY KEY, transaction_id bytea UNIQUE NOT NULL, block_time bigint NOT NULL, sender_pubkey bytea NOT NULL, base64_encoded_message text NOT NULL);
CREATE TABLE k_votes (id bigserial PRIMARY KEY, post_id bytea NOT NULL, vote k_vote_kind NOT NULL);
CREATE INDEX idx_k_posts_sender ON k_posts (sender_pubkey, block_time DESC);
CREATE FUNCTION k_touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER k_posts_touch BEFORE UPDATE ON k_posts FOR EACH ROW EXECUTE FUNCTION k_touch();
";

/// A system in which both indexers migrate themselves.
fn own_schemas() -> Lab {
    let lab = Lab::new();
    lab.edit(
        "set = \"k_social\"",
        "managed = \"service\"\nlock = \"locks/k.lock\"",
    );
    lab.edit("set = \"simply_kaspa\"", "managed = \"service\"");
    std::fs::create_dir(lab.path().join("locks")).unwrap();
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    lab.sql_as("simply_kaspa", "simply_kaspa_user", SIMPLY)
        .unwrap();
    lab.sql_as("ksocial", "k_social_user", KAY).unwrap();
    lab
}

#[test]
fn what_a_service_made_is_recorded_and_held() {
    let lab = own_schemas();
    // Until there is a lock, nothing about the schema was checked.
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "incomplete", "{}", shown(&report));
    let gaps = shown(&report);
    assert!(gaps.contains(&format!("dbctl lock --from {S}")), "{gaps}");

    lab.run(&["lock", "--from", S, "--check"])
        .exits(3)
        .says("missing");
    lab.run(&["lock", "--from", S])
        .exits(0)
        .says(&format!("{S}.lock"));
    lab.run(&["lock", "--from", K])
        .exits(0)
        .says("locks/k.lock");
    let written = std::fs::read_to_string(lab.path().join(format!("{S}.lock"))).unwrap();
    assert!(written.contains(&format!("set = \"{S}\"")), "{written}");
    assert!(
        written.contains(&format!(
            "source = \"database {} on PostgreSQL 17.",
            lab.db("simply_kaspa")
        )),
        "{written}"
    );
    for name in [
        "addresses_transactions",
        "transactions_inputs",
        "block_parent",
        "scripts_transactions",
    ] {
        assert!(
            written.contains(&format!("name = \"{name}\"")),
            "{name}\n{written}"
        );
    }
    lab.run(&["lock", "--from", S, "--check"])
        .exits(0)
        .says("current");
    assert_clean(&lab);

    // dbctl migrates neither.
    lab.run(&["migrate"]).exits(0);
    assert_eq!(
        lab.sql(
            "simply_kaspa",
            "SELECT count(*) FROM pg_class WHERE relname = 'refinery_schema_history'"
        ),
        "0"
    );

    // Drift, and bleed between two services that both migrate themselves.
    for (database, plant, rule, names, undo) in [
        (
            "simply_kaspa",
            "ALTER TABLE blocks DROP COLUMN daa_score",
            "drift/missing-object",
            "blocks.daa_score",
            "ALTER TABLE blocks ADD daa_score bigint",
        ),
        (
            "simply_kaspa",
            "CREATE TABLE k_posts (a int)",
            "bleed/foreign-object",
            K,
            "DROP TABLE k_posts",
        ),
        (
            "ksocial",
            "CREATE TYPE transactions_inputs AS (a int)",
            "bleed/foreign-object",
            S,
            "DROP TYPE transactions_inputs",
        ),
        (
            "ksocial",
            "ALTER TYPE k_vote_kind ADD VALUE 'x'",
            "drift/changed-object",
            "k_vote_kind",
            "",
        ),
    ] {
        lab.sql(database, plant);
        let report = verify(&lab, &[]);
        let [found] = list(&report, "findings") else {
            panic!("{plant}\n{}", shown(&report));
        };
        assert_eq!(text(found, "rule"), rule, "{found}");
        assert!(text(found, "message").contains(names), "{found}");
        if !undo.is_empty() {
            lab.sql(database, undo);
        }
    }
    lab.run(&["lock", "--from", K, "--check"])
        .exits(3)
        .says("k_vote_kind")
        .says("stale");
    lab.run(&["lock", "--from", K]).exits(0);
    assert_clean(&lab);
}

#[test]
fn only_what_a_service_made_itself_is_recorded() {
    let lab = own_schemas();
    // Another service's table is recorded with a word about whose it may be.
    lab.run(&["lock", "--from", K]).exits(0);
    lab.sql("simply_kaspa", "CREATE TABLE k_posts (id bigint, transaction_id bytea, block_time bigint, sender_pubkey bytea, base64_encoded_message text)");
    lab.run(&["lock", "--from", S])
        .exits(0)
        .says("table k_posts (k-indexer)");
    // One that dbctl migrates, one that is no service, both together.
    lab.run(&["lock", "--from", "rgb-lightning-node"])
        .exits(3)
        .says("migrated by dbctl");
    lab.run(&["lock", "--from", "nobody"]).exits(2);
    lab.run(&["lock", "--from", S, "--service", K]).exits(2);
    // An empty database has no schema yet; one that does not answer is no stale lock.
    let lab = Lab::new();
    lab.edit("set = \"k_social\"", "managed = \"service\"");
    lab.run(&["lock", "--from", K]).exits(4);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["lock", "--from", K])
        .exits(3)
        .says("no table yet");
    assert!(!lab.path().join(format!("{K}.lock")).exists());
    // Keys that do not go together.
    lab.edit(
        "managed = \"service\"",
        "set = \"k_social\"\nlock = \"x.lock\"",
    );
    lab.run(&["services"]).exits(3).says("lock");
}
