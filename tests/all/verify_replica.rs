//! `verify` on a hot standby: it reads there what it reads on the primary, and nothing that it asks is refused during recovery.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::lab::{K, Lab, binaries, start};
use crate::sandbox::until;
use crate::standby::Replica;
use crate::verify_cases::{assert_clean, fill, list, shown, text, verify};

/// Something of every kind that the reader reads, each with a finding. No large object's privileges: they are in no WAL of their own.
const PLANTS: &[(&str, &str)] = &[
    (
        "ksocial",
        "CREATE TABLE public.blocks (id bigint); CREATE VIEW public.transactions AS SELECT 1 AS a; CREATE TYPE public.addresses AS (a int)",
    ),
    (
        "ksocial",
        "INSERT INTO public.k_posts (time, transaction_id, author_address, content, block_time, block_hash) \
        SELECT t, decode(repeat('00', 31) || to_hex(16 + g), 'hex'), 'a', 'b', t, decode(repeat('00', 32), 'hex') \
        FROM generate_series(1, 5) g, LATERAL (SELECT '2026-01-01'::timestamptz + g * interval '1 day' AS t) x; \
        DO $do$ DECLARE c regclass; BEGIN SELECT inhrelid::regclass INTO c FROM pg_inherits WHERE inhparent = 'public.k_posts'::regclass LIMIT 1; \
        EXECUTE format('ALTER TABLE %s ADD COLUMN smuggled int', 'public.k_vars'); EXECUTE format('CREATE INDEX ON %s (content)', c); END $do$",
    ),
    (
        "ksocial",
        "CREATE PUBLICATION p FOR ALL TABLES; CREATE SUBSCRIPTION away CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p WITH (connect = false)",
    ),
    (
        "ksocial",
        "CREATE EXTENSION postgres_fdw; CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname '{simply_kaspa}'); \
        CREATE FOREIGN TABLE public.far (a int) SERVER away; CREATE EXTENSION dblink",
    ),
    (
        "ksocial",
        "CREATE FUNCTION public.pull() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM dblink('dbname={simply_kaspa}', 'x'); END$$",
    ),
    (
        "simply_kaspa",
        "SELECT lo_create(990010); GRANT SELECT ON public.blocks TO PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO \"{rgb_user}\"; \
        CREATE POLICY spy ON public.addresses USING (address <> pg_read_file('/etc/hostname')); CREATE STATISTICS public.stats ON address, balance FROM public.addresses; \
        CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION public.watch()",
    ),
    (
        "simply_kaspa",
        "CREATE TABLE _timescaledb_internal.stash (id bigint); CREATE FUNCTION pg_catalog.hideout() RETURNS integer LANGUAGE sql AS 'SELECT 1'; \
        INSERT INTO public.vars (key, value) VALUES ('indexer_mode', 'full'); DROP INDEX public.blocks_blue_score_idx",
    ),
    (
        "rgb_lightning_node",
        "ALTER ROLE \"{rgb_user}\" CREATEDB; ALTER ROLE \"{rgb_user}\" SET search_path = elsewhere; GRANT \"{k_social_user}\" TO \"{rgb_user}\"; \
        GRANT CONNECT ON DATABASE \"{ksocial}\" TO \"{rgb_user}\"; INSERT INTO public.refinery_schema_history VALUES (9, 'nine', '2026-01-01T00:00:00Z', '1'); \
        COMMENT ON TABLE public.ln_user_wallets IS 'postgres://u:c4nary-comment@127.0.0.1/{ksocial}'",
    ),
    ("postgres", "CREATE TABLE public.notes (id int)"),
];

/// What is said of the server's role in replication, and nowhere else but there.
const OF_REPLICATION: [&str; 2] = ["identity/standby", "access/streaming-standby"];

/// Rule, service and message of everything found but what concerns replication itself.
fn findings(report: &Value) -> BTreeSet<(String, String, String)> {
    list(report, "findings")
        .iter()
        .filter(|found| !OF_REPLICATION.contains(&text(found, "rule")))
        .map(|found| {
            ["rule", "service", "message"]
                .map(|key| text(found, key).to_owned())
                .into()
        })
        .collect()
}

/// Rule and service of everything that was not checked.
fn gaps(report: &Value) -> BTreeSet<(String, String)> {
    list(report, "not_checked")
        .iter()
        .map(|gap| {
            ["rule", "service"]
                .map(|key| text(gap, key).to_owned())
                .into()
        })
        .collect()
}

#[test]
fn a_hot_standby_tells_what_its_primary_tells() {
    let server = start(
        &binaries(17, true).expect("PostgreSQL 17 with TimescaleDB: run ./test.sh"),
        true,
        &[("wal_level", "logical")],
    );
    let mut lab = Lab::on(&server, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    assert_clean(&lab);
    let replica = Replica::streaming(&server);
    let (first, second) = (server.port(), replica.port);
    let there = |url: &str| url.replace(&format!(":{first}/"), &format!(":{second}/"));
    let admin = there(server.admin_url("postgres").expose());
    replica.go(lab.bin(), &admin);
    let bin = lab.bin().to_path_buf();
    let caught_up = |lab: &Lab| {
        let end = lab.sql("postgres", "SELECT pg_current_wal_flush_lsn()");
        until(
            "the replica has replayed it",
            Duration::from_secs(60),
            || {
                crate::lab::psql(
                    &bin,
                    &admin,
                    &format!("SELECT pg_last_wal_replay_lsn() >= '{end}'"),
                )
                .is_ok_and(|said| said == "t")
            },
        );
    };
    let manifest = |lab: &Lab| std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    let (on_primary, env_primary) = (manifest(&lab), lab.env.clone());
    let on_replica = on_primary.replace(&format!("port = {first}"), &format!("port = {second}"));
    let mut env_replica = env_primary.clone();
    env_replica
        .values_mut()
        .for_each(|value| *value = there(value));
    let on = |lab: &mut Lab, replica: bool| {
        caught_up(lab);
        lab.write(
            "dbctl.toml",
            if replica { &on_replica } else { &on_primary },
        );
        lab.env = if replica {
            env_replica.clone()
        } else {
            env_primary.clone()
        };
    };

    // A clean system: nothing but that these are standbys.
    on(&mut lab, true);
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "pass", "{}", shown(&report));
    let rules: Vec<&str> = list(&report, "findings")
        .iter()
        .map(|found| text(found, "rule"))
        .collect();
    assert_eq!(rules, ["identity/standby"; 3], "{}", shown(&report));
    assert_eq!(gaps(&report), BTreeSet::new(), "{}", shown(&report));

    // One service at the primary and the others at its standby: one cluster, and neither a copy nor one database.
    let (head, tail) = on_replica.split_once(&format!("port = {second}")).unwrap();
    lab.write("dbctl.toml", format!("{head}port = {first}{tail}"));
    let admin_of_k = env_primary["K_SOCIAL_ADMIN"].clone();
    lab.env.insert("K_SOCIAL_ADMIN".to_owned(), admin_of_k);
    let report = verify(&lab, &[]);
    assert_eq!(findings(&report), BTreeSet::new(), "{}", shown(&report));
    assert_eq!(gaps(&report), BTreeSet::new(), "{}", shown(&report));
    let of_k = list(&report, "findings")
        .iter()
        .filter(|found| text(found, "service") == K);
    let of_k: Vec<&str> = of_k.map(|found| text(found, "rule")).collect();
    assert_eq!(of_k, ["access/streaming-standby"], "{}", shown(&report));

    // Without an administrator the same is left out on both.
    for replica in [false, true] {
        on(&mut lab, replica);
        lab.without_admin();
        let report = verify(&lab, &[]);
        assert_eq!(findings(&report), BTreeSet::new(), "{}", shown(&report));
        if replica {
            // The lock that tells two databases apart cannot be held there, and only an administrator may compare the clusters.
            let here = gaps(&report);
            on(&mut lab, false);
            lab.without_admin();
            let more: Vec<_> = here
                .difference(&gaps(&verify(&lab, &[])))
                .cloned()
                .collect();
            assert_eq!(more, [], "{}", shown(&report));
        }
    }

    // Something of every kind: both say the same.
    on(&mut lab, false);
    for (database, sql) in PLANTS {
        lab.sql(database, &fill(&lab, sql));
    }
    let report = verify(&lab, &[]);
    let (expected, missed) = (findings(&report), gaps(&report));
    assert!(expected.len() >= 20, "{}", shown(&report));
    on(&mut lab, true);
    let report = verify(&lab, &[]);
    assert_eq!(findings(&report), expected);
    assert_eq!(gaps(&report), missed);
    // And so is what is recorded of a schema.
    lab.edit("set = \"simply_kaspa\"", "managed = \"service\"");
    lab.run(&["lock", "--from", crate::lab::S, "-q"]).exits(0);
    let log = replica.log();
    assert!(!log.contains("during recovery"), "{log}");
}
