//! Group `compose` through the binary: a published deployment's shape, and one fault at a time in it. No server at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use crate::lab::{CANARY, K, R, Run, S, dbctl, finish};
use crate::side_by_side::each;

pub const KASIA: &str = "kasia-indexer";
pub const REFERENCE: &str = include_str!("compose/reference.yaml");

/// A folder with a compose file and its init directories.
pub struct Deployment {
    folder: tempfile::TempDir,
}

impl Deployment {
    pub fn new(compose: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { folder };
        this.write("compose.yaml", compose);
        this.write(
            "config/k-social/init/01.sql",
            "CREATE EXTENSION IF NOT EXISTS timescaledb;",
        );
        this.write(
            "config/simply-kaspa/init/01.sql",
            "CREATE EXTENSION IF NOT EXISTS timescaledb;",
        );
        this
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Run {
        let mut command = dbctl(self.path());
        command.args(args).envs(env.iter().copied());
        finish(command)
    }

    pub fn check(&self) -> Value {
        self.run(&["check", "--format", "json"], &[]).json()
    }
}

/// The findings as `severity rule of service: message`.
pub fn findings(report: &Value) -> BTreeSet<String> {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} of {}: {}",
                text("severity"),
                text("rule"),
                text("service"),
                text("message")
            )
        })
        .collect()
}

#[test]
fn the_published_shape_has_its_known_weaknesses_and_no_others() {
    let deployment = Deployment::new(REFERENCE);
    let report = deployment
        .run(&["check", "--format", "json"], &[])
        .exits(0)
        .json();
    let found: Vec<String> = findings(&report)
        .iter()
        .map(|finding| finding.split(':').next().unwrap().to_owned())
        .collect();
    let mut expected: Vec<String> = ["default-password", "floating-tag", "open-port", "superuser"]
        .iter()
        .flat_map(|rule| [K, S].map(|service| format!("warning compose/{rule} of {service}")))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(report["not_checked"].as_array().unwrap().len(), 0);
    // With values of its own the passwords are nobody's business.
    let env = [
        ("K_SOCIAL_DB_PASSWORD", CANARY),
        ("SIMPLY_KASPA_DB_PASSWORD", "c4nary-too"),
    ];
    let report = deployment
        .run(&["check", "--format", "json"], &env)
        .exits(0)
        .json();
    assert!(
        !findings(&report)
            .iter()
            .any(|finding| finding.contains("password"))
    );
}

#[test]
fn a_finding_says_where_it_stands() {
    let deployment = Deployment::new(REFERENCE);
    let report = deployment.check();
    let finding = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == "compose/open-port" && finding["service"] == K)
        .unwrap();
    let line = 1 + REFERENCE
        .lines()
        .position(|line| line.contains("K_SOCIAL_DB_PORT"))
        .unwrap();
    assert_eq!(
        finding["location"],
        serde_json::json!({"file": "compose.yaml", "line": line, "column": 9})
    );
    assert_eq!(finding["evidence"], "file");
    assert_eq!(
        finding["object"],
        serde_json::json!({"kind": "container", "schema": null, "name": "k-social-db"})
    );
    deployment
        .run(&["check"], &[])
        .exits(0)
        .says(&format!("compose/open-port  compose.yaml:{line}:9"));
}

/// One fault in the reference: what is replaced by what, and the finding that it must give, and no other.
struct Mutation {
    from: &'static str,
    to: &'static str,
    severity: &'static str,
    rule: &'static str,
    service: &'static str,
    mentions: &'static [&'static str],
}

const fn mutation(
    from: &'static str,
    to: &'static str,
    finding: (&'static str, &'static str, &'static str),
    mentions: &'static [&'static str],
) -> Mutation {
    Mutation {
        from,
        to,
        severity: finding.0,
        rule: finding.1,
        service: finding.2,
        mentions,
    }
}

pub const K_URL: &str = "postgresql://k_social_user:${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@k-social-db:5432/ksocial";
const K_WAITS: &str = "    depends_on:\n      k-social-db:\n        condition: service_healthy\n";
const K_HEALTH: &str = "    healthcheck:\n      test: [\"CMD-SHELL\", \"pg_isready -U k_social_user -d ksocial\"]\n      interval: 10s\n      timeout: 5s\n      retries: 5\n";

#[rustfmt::skip]
const MUTATIONS: &[Mutation] = &[
    mutation("- simply-kaspa-db-data:/var/lib/postgresql/data", "- k-social-db-data:/var/lib/postgresql", ("error", "shared-volume", S), &["k-social-db-data", "simply-kaspa-db", "k-social-db"]),
    mutation("example/kasia-indexer:0.9.0", "example/kasia-indexer:latest", ("warning", "floating-tag", KASIA), &["kasia-indexer", "tag latest"]),
    mutation("example/kasia-indexer:0.9.0", "example/kasia-indexer", ("warning", "floating-tag", KASIA), &["kasia-indexer", "no tag"]),
    mutation("    container_name: k-indexer\n", "    container_name: k-indexer\n    extra_hosts: {k-social-db: 10.9.9.9}\n", ("error", "wrong-connection", K), &["k-social-db", "extra_hosts", "10.9.9.9"]),
    mutation("@k-social-db:5432/ksocial\n", "@k-social-db:5432/ksocial?options=-csearch_path%3Dsimply_kaspa,public\n", ("error", "wrong-connection", K), &["search_path simply_kaspa", S]),
    mutation("@k-social-db:5432/ksocial\n", "@k-social-db:5432/ksocial?options=-c%20role%3Dsimply_kaspa_user\n", ("error", "wrong-connection", K), &["as role simply_kaspa_user", "by its options"]),
    mutation("@k-social-db:5432/ksocial\n", "@k-social-db:5432/ksocial?options=--session-authorization%3Dsimply_kaspa_user\n", ("error", "wrong-connection", K), &["as role simply_kaspa_user"]),
    mutation("- simply-kaspa-db-data:/var", "- k-social-db-data:/var", ("error", "shared-volume", S), &["k-social-db-data", "simply-kaspa-db", "k-social-db"]),
    mutation("  k-social-db-data:\n  simply-kaspa-db-data:\n", "  k-social-db-data: {name: pg}\n  simply-kaspa-db-data: {external: true, name: pg}\n", ("error", "shared-volume", S), &["k-social-db-data", "simply-kaspa-db-data", "pg"]),
    mutation("  k-social-db-data:\n  simply-kaspa-db-data:\n", "  k-social-db-data: {driver_opts: {o: bind, type: none, device: /srv/pg}}\n  simply-kaspa-db-data: {driver_opts: {o: bind, type: none, device: /srv/pg/sk}}\n", ("error", "shared-volume", S), &["/srv/pg/sk", "lies in"]),
    mutation("- kasia-data:/data", "- kasia-data:/data\n      - k-social-db-data:/pg:ro", ("error", "shared-volume", KASIA), &["k-social-db-data", "kasia-indexer"]),
    mutation("image: example/dashboard:2.0.0", "image: example/dashboard:2.0.0\n    volumes_from: [k-social-db]", ("error", "shared-volume", K), &["dashboard", "k-social-db"]),
    mutation("    volumes:\n      - kasia-data:/data\n", "", ("warning", "unmounted-storage", KASIA), &["KASIA_DATA_DIR", "/data"]),
    mutation("      - k-social-db-data:/var/lib/postgresql/data\n", "", ("warning", "unmounted-storage", K), &["k-social-db"]),
    mutation("${SIMPLY_KASPA_DB_PORT:-5434}:5432", "5433:5432", ("error", "port-conflict", S), &["5433", "k-social-db", "simply-kaspa-db"]),
    mutation("${SIMPLY_KASPA_DB_PORT:-5434}:5432", "5439:5432", ("error", "unexpected-port", S), &["simply-kaspa-db", "5439", "5434"]),
    mutation("@k-social-db:5432", "@k-social-db:5433", ("error", "unexpected-port", K), &["k-indexer", "5433", "5432"]),
    mutation("@k-social-db:5432", "@simply-kaspa-db:5432", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db"]),
    mutation("@k-social-db:5432", "@host.docker.internal:5434", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db"]),
    mutation("@k-social-db:5432", "@k-social-db:5432,simply-kaspa-db:5432", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db"]),
    mutation("@k-social-db:5432", "@host.docker.internal:5434,host.docker.internal:5433", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db"]),
    mutation("@k-social-db:5432", "@simply-kaspa-db.:5432", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db"]),
    mutation("@k-social-db:5432/ksocial", "@k-social-db:5432/simply_kaspa", ("error", "wrong-connection", K), &["k-indexer", "simply_kaspa"]),
    mutation("postgresql://k_social_user:", "postgresql://simply_kaspa_user:", ("error", "wrong-connection", K), &["k-indexer", "simply_kaspa_user"]),
    mutation("@simply-kaspa-db:5432/simply_kaspa", "@k-social-db:5432/ksocial", ("error", "wrong-connection", S), &["simply-kaspa-indexer", "k-social-db", "ksocial"]),
    mutation("DATABASE_URL: postgresql://k_social_user:${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@k-social-db:5432/ksocial", "DB_HOST: simply-kaspa-db\n      DB_NAME: ksocial\n      DB_USER: k_social_user", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db"]),
    mutation("DATABASE_URL: postgresql://k_social_user:${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@k-social-db:5432/ksocial", "DATABASE_URL: \"host = 'simply-kaspa-db' port = 5432 dbname = ksocial user = k_social_user\"", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db"]),
    mutation("DATABASE_URL: postgresql://k_social_user:${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@k-social-db:5432/ksocial", "DATABASE_URL: |\n        host=simply-kaspa-db\n        dbname=ksocial\n        user=k_social_user", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db"]),
    mutation("      - \"${SIMPLY_KASPA_DB_PORT:-5434}:5432\"\n", "      - \"${SIMPLY_KASPA_DB_PORT:-5434}:5432\"\n      - \"127.0.0.3:5433:5432\"\n", ("error", "port-conflict", S), &["5433", "simply-kaspa-db"]),
    mutation("${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@", "c4nary@", ("error", "disagreement", K), &["k-indexer", "k-social-db", "k_social_user"]),
    mutation("KASIA_DATA_DIR: /data", "KASIA_DATA_DIR: /data\n      DATABASE_URL: postgres://k_social_user:c4nary@k-social-db/ksocial", ("error", "no-database", KASIA), &["kasia-indexer", "DATABASE_URL"]),
    mutation("image: example/kasia-indexer:0.9.0", "image: example/kasia-indexer:0.9.0\n    depends_on: [k-social-db]", ("error", "no-database", KASIA), &["kasia-indexer", "k-social-db"]),
    mutation("POSTGRES_DB: ksocial", "POSTGRES_DB: simply_kaspa", ("error", "wrong-database", K), &["k-social-db", "simply_kaspa"]),
    mutation("POSTGRES_DB: ksocial", "POSTGRES_DB: ksocial\n      POSTGRES_MULTIPLE_DATABASES: ksocial, simply_kaspa", ("error", "shared-server", K), &["k-social-db", "simply-kaspa-indexer"]),
    mutation("POSTGRES_DB: ksocial", "POSTGRES_DB: ksocial\n      POSTGRES_HOST_AUTH_METHOD: trust", ("error", "trust", K), &["k-social-db", "trust"]),
    mutation("container_name: k-social-db\n", "container_name: simply-kaspa-db\n", ("error", "shared-name", S), &["k-social-db", "simply-kaspa-db"]),
    mutation("container_name: k-social-db\n", "container_name: k-social-db\n    networks: {back: {aliases: [simply-kaspa-db]}}\n", ("error", "shared-name", S), &["k-social-db", "simply-kaspa-db"]),
    mutation("container_name: k-social-db\n", "container_name: k-social-db\n    hostname: simply-kaspa-db\n", ("error", "shared-name", S), &["k-social-db", "simply-kaspa-db"]),
    mutation("container_name: k-social-db\n", "container_name: k-social-db\n    hostname: k-social-db\n", ("info", "nothing", K), &[]),
    mutation("@k-social-db:5432", "@simply-kaspa-db.aio_back:5432", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db"]),
    mutation("@k-social-db:5432", "@k-social-db.aio_back:5432", ("info", "nothing", K), &[]),
    mutation("NETWORK: ${KASPA_NETWORK:-mainnet}", "KINDEXER__DATABASE__HOST: simply-kaspa-db", ("error", "wrong-connection", K), &["container simply-kaspa-db", "KINDEXER__DATABASE__…"]),
    mutation("NETWORK: ${KASPA_NETWORK:-mainnet}", "SQL_HOST: simply-kaspa-db", ("error", "wrong-connection", K), &["container simply-kaspa-db", "SQL_"]),
    mutation("NETWORK: ${KASPA_NETWORK:-mainnet}", "DB_ADDR: \"simply-kaspa-db:5432\"", ("error", "wrong-connection", K), &["container simply-kaspa-db", "DB_"]),
    mutation("NETWORK: ${KASPA_NETWORK:-mainnet}", "STORAGE_HOST: simply-kaspa-db", ("error", "wrong-connection", K), &["container simply-kaspa-db", "STORAGE_HOST"]),
    mutation("NETWORK: ${KASPA_NETWORK:-mainnet}", "CONFIG: '{\"db\":{\"host\":\"simply-kaspa-db\"}}'", ("error", "wrong-connection", K), &["container simply-kaspa-db", "CONFIG"]),
    mutation("NETWORK: ${KASPA_NETWORK:-mainnet}", "STORAGE_HOST: k-social-db\n      CONFIG: '{\"db\":{\"host\":\"k-social-db\"}}'\n      NOTE: not simply-kaspa-db\n      REDIS_HOST: redis", ("info", "nothing", K), &[]),
    mutation("container_name: k-indexer\n", "container_name: k-indexer\n    post_start: [{command: \"createdb -h simply-kaspa-db x\"}]\n", ("error", "wrong-connection", K), &["container simply-kaspa-db", "the post_start hook"]),
    mutation("container_name: k-indexer\n", "container_name: k-indexer\n    post_start: [{command: \"dropuser -h k-social-db simply_kaspa_user\"}]\n", ("error", "wrong-connection", K), &["simply_kaspa_user", "the post_start hook"]),
    mutation("image: example/dashboard:2.0.0", "image: postgres:17\n    command: [sh, -c, \"pg_basebackup -h k-social-db -U backup -D /a && pg_basebackup -h simply-kaspa-db -U backup -D /b\"]", ("warning", "common-client", S), &["dashboard", "k-indexer (the command)"]),
    mutation("image: example/dashboard:2.0.0", "image: postgres:17\n    command: [pg_receivewal, -h, k-social-db, -D, /a]", ("info", "nothing", S), &[]),
    mutation("container_name: k-social-db\n", "container_name: k-social-db\n    command: [sh, -c, \"(until pg_isready; do sleep 1; done; createdb x) & exec docker-entrypoint.sh postgres\"]\n", ("info", "nothing", K), &[]),
    mutation("@k-social-db:5432", "@k-socail-db:5432", ("warning", "wrong-connection", K), &["k-indexer", "k-socail-db", "did you mean k-social-db?"]),
    mutation("@k-social-db:5432", "@pgserver:5432", ("warning", "wrong-connection", K), &["k-indexer", "pgserver", "no container"]),
    mutation("@k-social-db:5432", "@pg.example.com:5432", ("info", "wrong-connection", K), &["k-indexer", "pg.example.com", "not the manifest's address"]),
    mutation("POSTGRES_DB: ksocial", "POSTGRES_DB: ksocial\n      PGDATA: /pgdata", ("warning", "unmounted-storage", K), &["k-social-db", "/pgdata"]),
    mutation("POSTGRES_DB: ksocial", "POSTGRES_DB: ksocial\n      PGDATA: /var/lib/postgresql/data/pgdata", ("info", "nothing", K), &[]),
    mutation("container_name: k-social-db\n", "container_name: k-social-db\n    command: [postgres, -D, /elsewhere]\n", ("warning", "unmounted-storage", K), &["k-social-db", "/elsewhere"]),
    mutation("container_name: k-social-db\n", "container_name: k-social-db\n    command: postgres -c data_directory=/var/lib/postgresql/data -p 5432\n", ("info", "nothing", K), &[]),
    mutation("  k-social-db-data:\n  simply-kaspa-db-data:\n", "  k-social-db-data: {driver_opts: {type: nfs, o: \"addr=10.0.0.1,rw\", device: \":/srv/pg\"}}\n  simply-kaspa-db-data: {driver_opts: {type: nfs4, o: \"addr=10.0.0.1,nfsvers=4\", device: \":/srv/pg/sk/\"}}\n", ("error", "shared-volume", S), &["/srv/pg/sk", "lies in"]),
    mutation("  k-social-db-data:\n  simply-kaspa-db-data:\n", "  k-social-db-data: {driver_opts: {type: cifs, o: \"rw\", device: \"//u:c4nary@nas/pg\"}}\n  simply-kaspa-db-data: {driver_opts: {type: cifs, o: \"username=u,password=c4nary\", device: \"//NAS/pg/\"}}\n", ("error", "shared-volume", S), &["//NAS/pg"]),
    mutation("  k-social-db-data:\n  simply-kaspa-db-data:\n", "  k-social-db-data: {driver_opts: {type: nfs, o: \"addr=10.0.0.1,rw\", device: \":/srv/pg\"}}\n  simply-kaspa-db-data: {driver_opts: {type: nfs, o: \"addr=10.0.0.2,rw\", device: \":/srv/pg\"}}\n", ("info", "nothing", S), &[]),
    mutation("POSTGRES_DB: ksocial", "POSTGRES_DB: ksocial\n      POSTGRES_INITDB_ARGS: \"-A trust --x=c4nary\"", ("error", "trust", K), &["k-social-db", "trust"]),
    mutation(K_HEALTH, "", ("warning", "healthcheck", K), &["k-social-db", "healthcheck"]),
    mutation(K_HEALTH, "    healthcheck: {disable: true}\n", ("warning", "healthcheck", K), &["k-social-db", "healthcheck"]),
    mutation(K_WAITS, "", ("warning", "depends-on", K), &["k-indexer", "k-social-db"]),
    mutation(K_WAITS, "    depends_on: [k-social-db]\n", ("warning", "depends-on", K), &["k-indexer", "started"]),
    mutation(K_WAITS, "    depends_on: {simply-kaspa-db: {condition: service_healthy}}\n", ("warning", "depends-on", K), &["k-indexer", "simply-kaspa-db"]),
    mutation("- ./config/simply-kaspa/init:", "- ./config/k-social:", ("error", "shared-init", S), &["./config/k-social", "simply-kaspa-db"]),
    mutation("- POSTGRES_PASSWORD=${SIMPLY_KASPA_DB_PASSWORD:-simply_kaspa_secure_pass}\n      - POSTGRES_DB=simply_kaspa\n", "- POSTGRES_PASSWORD_FILE=/run/secrets/pw\n      - POSTGRES_DB=simply_kaspa\n    secrets: [pw]\n", ("info", "nothing", S), &[]),
    mutation("image: example/k-indexer:1.2.0", "image: example/k-indexer:1.2.0\n    env_file: [common.env]", ("info", "nothing", S), &[]),
    mutation("image: timescale/timescaledb:latest-pg17\n", "image: timescale/timescaledb:latest-pg17\n  env_file: common.env\n", ("warning", "shared-env-file", S), &["common.env", "k-social-db", "simply-kaspa-db"]),
    mutation(K_HEALTH, "    healthcheck: {test: [CMD-SHELL, \"pg_isready -U simply_kaspa_user -d simply_kaspa\"]}\n", ("error", "wrong-connection", K), &["k-social-db", "simply_kaspa_user", "the healthcheck"]),
    mutation(K_HEALTH, "    healthcheck: {test: [CMD, pg_isready, --host=simply-kaspa-db]}\n", ("error", "wrong-connection", K), &["k-social-db", "container simply-kaspa-db", "the healthcheck"]),
    mutation(K_HEALTH, "    healthcheck: {test: \"psql postgres://postgres:c4nary@simply-kaspa-db/postgres -c 'select 1'\"}\n", ("error", "wrong-connection", K), &["k-social-db", "container simply-kaspa-db", "the healthcheck"]),
    mutation(K_HEALTH, "    healthcheck: {test: [CMD-SHELL, \"pg_isready -U postgres -h localhost -d $$POSTGRES_DB\"]}\n    post_start: [{command: psql -U postgres -d ksocial -f /x.sql}]\n    pre_stop: [{command: [sh, -c, \"sleep 1; psql -d postgres -c checkpoint\"]}]\n", ("info", "nothing", K), &[]),
    mutation("container_name: k-indexer\n", "container_name: k-indexer\n    healthcheck: {test: [CMD-SHELL, \"pg_isready -h simply-kaspa-db || exit 1\"]}\n", ("error", "wrong-connection", K), &["k-indexer", "container simply-kaspa-db", "the healthcheck"]),
    mutation("container_name: k-indexer\n", "container_name: k-indexer\n    post_start: [{command: [sh, -c, \"psql -h simply-kaspa-db -U simply_kaspa_user simply_kaspa -c 'select 1'\"]}]\n", ("error", "wrong-connection", K), &["k-indexer", "simply_kaspa", "the post_start hook"]),
    mutation("container_name: k-indexer\n", "container_name: k-indexer\n    pre_stop: [{command: \"psql postgres://simply_kaspa_user:c4nary@simply-kaspa-db/simply_kaspa\"}]\n", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db", "the pre_stop hook"]),
    mutation("container_name: k-indexer\n", "container_name: k-indexer\n    entrypoint: [sh, -c, \"until pg_isready -h simply-kaspa-db; do sleep 1; done; exec k-indexer\"]\n", ("error", "wrong-connection", K), &["k-indexer", "simply-kaspa-db", "the command"]),
    mutation("container_name: k-indexer\n", "container_name: k-indexer\n    entrypoint: [sh, -c, \"until pg_isready -h k-social-db -U postgres; do sleep 1; done; exec k-indexer\"]\n", ("info", "nothing", K), &[]),
    mutation("KASIA_DATA_DIR: /data", "KASIA_DATA_DIR: /data\n    healthcheck: {test: [CMD, pg_isready, -h, k-social-db]}", ("error", "no-database", KASIA), &["kasia-indexer", "the healthcheck"]),
    mutation("image: example/dashboard:2.0.0", "image: example/cron:2.0.0\n    environment: {K_URL: \"postgres://backup:${BACKUP_PW:?}@k-social-db/ksocial\", S_URL: \"postgres://backup:${BACKUP_PW:?}@simply-kaspa-db/simply_kaspa\"}", ("warning", "common-client", S), &["dashboard", "k-indexer (K_URL)", "simply-kaspa-indexer (S_URL)"]),
    mutation("image: example/dashboard:2.0.0", "image: postgres:17\n    command: [sh, -c, \"pg_dump -h k-social-db -U backup ksocial > /a; pg_dump -h simply-kaspa-db -U backup simply_kaspa > /b\"]", ("warning", "common-client", S), &["dashboard", "k-indexer (the command)", "simply-kaspa-indexer (the command)"]),
    mutation("image: example/dashboard:2.0.0", "image: postgres:17\n    command: [sh, -c, \"pg_dump -h k-social-db -U backup ksocial > /a\"]", ("info", "nothing", S), &[]),
    mutation("image: example/dashboard:2.0.0", "image: dpage/pgadmin4:9\n    environment: {PGADMIN_DEFAULT_EMAIL: a@example.org, PGADMIN_DEFAULT_PASSWORD: \"${PGADMIN_PW:?}\"}", ("info", "nothing", S), &[]),
    mutation("container_name: simply-kaspa-db\n", "container_name: simply-kaspa-db\n    network_mode: service:k-social-db\n", ("error", "shared-network", S), &["simply-kaspa-db", "k-social-db", "network_mode: service:k-social-db", "localhost"]),
    mutation("container_name: k-indexer\n", "container_name: k-indexer\n    network_mode: container:simply-kaspa-db\n", ("error", "shared-network", S), &["k-indexer", "simply-kaspa-db", "without a password"]),
    mutation("container_name: k-indexer\n", "container_name: k-indexer\n    network_mode: service:k-social-db\n", ("info", "nothing", K), &[]),
    mutation("image: example/dashboard:2.0.0", "image: example/exporter:2.0.0\n    network_mode: service:k-social-db", ("info", "nothing", K), &[]),
    mutation("NETWORK: ${KASPA_NETWORK:-mainnet}", "PGOPTIONS: -c role=simply_kaspa_user", ("error", "wrong-connection", K), &["as role simply_kaspa_user", "by its options"]),
    mutation("NETWORK: ${KASPA_NETWORK:-mainnet}", "PGOPTIONS: -c statement_timeout=5s", ("info", "nothing", K), &[]),
    mutation("NETWORK: ${KASPA_NETWORK:-mainnet}", "PGHOSTADDR: 10.9.9.9", ("info", "wrong-connection", K), &["10.9.9.9", "no container"]),
    mutation("NETWORK: ${KASPA_NETWORK:-mainnet}", "PGHOSTADDR: 10.9.9.9\n      PGHOST: k-social-db", ("info", "wrong-connection", K), &["10.9.9.9", "no container"]),
    mutation(K_URL, "jdbc:postgresql:simply_kaspa", ("error", "wrong-connection", K), &["localhost, which is the container itself", "database simply_kaspa"]),
    mutation("container_name: k-indexer\n", "container_name: k-indexer\n    external_links: [\"simply-kaspa-db:k-social-db\"]\n", ("error", "wrong-connection", K), &["container simply-kaspa-db"]),
    mutation("container_name: k-social-db\n", "container_name: k-social-db\n    command: postgres -c shared_preload_libraries=pg_stat_statements\n", ("warning", "no-timescaledb", K), &["shared_preload_libraries=pg_stat_statements"]),
    mutation("container_name: k-social-db\n", "container_name: k-social-db\n    command: [postgres, -c, \"shared_preload_libraries=timescaledb,pg_stat_statements\"]\n", ("info", "nothing", K), &[]),
    mutation("container_name: k-social-db\n", "container_name: k-social-db\n    command: [postgres, -c, \"primary_conninfo=host=simply-kaspa-db user=replica\"]\n", ("error", "wrong-connection", K), &["k-social-db", "container simply-kaspa-db", "primary_conninfo"]),
    mutation("image: example/kasia-indexer:0.9.0", "image: postgres:17\n    command: [postgres, -D, /data]\n    healthcheck: {test: pg_isready}", ("error", "no-database", KASIA), &["kasia-indexer", "is a PostgreSQL server"]),
    mutation(K_HEALTH, "    healthcheck: {test: [CMD, \"true\"]}\n", ("warning", "healthcheck", K), &["k-social-db", "always succeeds"]),
    mutation(K_HEALTH, "    healthcheck: {test: \"pg_isready || exit 0\"}\n", ("warning", "healthcheck", K), &["k-social-db", "always succeeds"]),
    mutation(K_HEALTH, "    healthcheck: {test: \"pg_isready || exit 1\"}\n", ("info", "nothing", K), &[]),
    mutation("container_name: k-social-db\n", "container_name: k-social-db\n    image: postgres:17\n", ("warning", "no-timescaledb", K), &["k-social-db", "postgres:17"]),
];

#[test]
fn each_fault_gives_its_finding_and_no_other() {
    let clean = findings(&Deployment::new(REFERENCE).check());
    each(MUTATIONS, |mutation| {
        let what = format!("{:?} -> {:?}", mutation.from, mutation.to);
        assert!(REFERENCE.contains(mutation.from), "{what}");
        let deployment = Deployment::new(&REFERENCE.replacen(mutation.from, mutation.to, 1));
        deployment.write("common.env", "A=1\n");
        let report = deployment.check();
        // A known weakness stays the same one when a port or an image in its words changes.
        let head = |finding: &String| finding.split(':').next().unwrap().to_owned();
        let known: BTreeSet<String> = clean.iter().map(head).collect();
        let new: Vec<String> = findings(&report)
            .into_iter()
            .filter(|finding| !known.contains(&head(finding)))
            .collect();
        if mutation.mentions.is_empty() {
            assert_eq!(new, Vec::<String>::new(), "{what}");
            return;
        }
        let [only] = new.as_slice() else {
            panic!("{what}: {new:#?}");
        };
        let head = format!(
            "{} compose/{} of {}: ",
            mutation.severity, mutation.rule, mutation.service
        );
        assert!(only.starts_with(&head), "{what}: {only}");
        for word in mutation.mentions {
            assert!(only.contains(word), "{what}: {word:?} not in {only}");
        }
        let failed = mutation.severity == "error";
        assert_eq!(
            report["status"],
            if failed { "fail" } else { "pass" },
            "{what}"
        );
    });
    assert!(REFERENCE.contains(K_URL));
}

#[test]
fn files_that_are_mounted_are_read() {
    for (name, text, says) in [
        (
            "k.toml",
            "[db]\nurl = \"postgres://k_social_user@simply-kaspa-db/ksocial\"\n",
            Some("container simply-kaspa-db"),
        ),
        (
            "pgpass",
            "# whose?\nk-social-db:5432:ksocial:k_social_user:k_social_secure_pass\nsimply-kaspa-db:*:simply_kaspa:simply_kaspa_user:c4n\\:ary\n",
            Some("container simply-kaspa-db"),
        ),
        (
            "pgpass",
            "k-social-db:5432:ksocial:k_social_user:k_social_secure_pass\n",
            None,
        ),
        ("hosts", "127.0.0.1 localhost\n", None),
    ] {
        let mount =
            format!("container_name: k-indexer\n    volumes: [\"./{name}:/etc/k/{name}:ro\"]\n");
        let deployment =
            Deployment::new(&REFERENCE.replacen("container_name: k-indexer\n", &mount, 1));
        deployment.write(name, text);
        let report = deployment.run(&["check", "--format", "json"], &[]).json();
        assert!(!report.to_string().contains("c4n"), "{report}");
        match (errors(&report).as_slice(), says) {
            ([], None) => {}
            ([only], Some(says)) => {
                assert!(
                    only.contains(&format!("compose/wrong-connection of {K}")),
                    "{only}"
                );
                assert!(only.contains(says) && only.contains(name), "{only}");
            }
            (found, _) => panic!("{name}: {found:#?}"),
        }
    }
}

/// One cause is one finding, with every place; whichever of the services are asked about, it is told.
#[test]
fn a_password_of_three_services_is_one_finding() {
    let all = REFERENCE
        .replace("${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}", "${PW:?}")
        .replace(
            "${SIMPLY_KASPA_DB_PASSWORD:-simply_kaspa_secure_pass}",
            "${PW:?}",
        )
        .replace(
            "  dashboard:\n",
            "  rgb-lightning-node:\n    image: example/rgb-lightning-node:1\n    environment: {DATABASE_URL: \"postgres://rgb:${PW:?}@rgb-db/rgb_lightning_node\"}\n  dashboard:\n",
        );
    let deployment = Deployment::new(&all);
    for (services, teller) in [
        (vec![], R),
        (vec![K, S], S),
        (vec![K], K),
        (vec![S, KASIA], S),
    ] {
        let mut args = vec!["check", "--format", "json"];
        args.extend(services.iter().flat_map(|service| ["--service", *service]));
        let found: Vec<String> = findings(&deployment.run(&args, &[]).json())
            .into_iter()
            .filter(|finding| finding.contains("compose/repeated-password"))
            .collect();
        let [only] = found.as_slice() else {
            panic!("{services:?}: {found:#?}");
        };
        assert!(only.contains(&format!(" of {teller}: ")), "{only}");
        for place in [
            "k-social-db: POSTGRES_PASSWORD from PW; k-indexer: DATABASE_URL from PW",
            "simply-kaspa-db: POSTGRES_PASSWORD from PW; simply-kaspa-indexer: the command from PW",
            "rgb-lightning-node: DATABASE_URL from PW",
        ] {
            assert!(only.contains(place), "{place} not in {only}");
        }
    }
}

/// Faults that take more than one place, or a file.
#[test]
fn faults_of_two_places() {
    let of = |rule: &str, deployment: &Deployment| -> Vec<String> {
        let rule = format!("compose/{rule} ");
        findings(&deployment.check())
            .into_iter()
            .filter(|finding| finding.contains(&rule))
            .collect()
    };
    let secret = REFERENCE
        .replace(
            "POSTGRES_PASSWORD: ${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}",
            "POSTGRES_PASSWORD_FILE: /run/secrets/pw",
        )
        .replace(
            "- POSTGRES_PASSWORD=${SIMPLY_KASPA_DB_PASSWORD:-simply_kaspa_secure_pass}",
            "- POSTGRES_PASSWORD_FILE=/run/secrets/pw",
        )
        .replace(
            "    container_name: k-social-db\n",
            "    container_name: k-social-db\n    secrets: [pw]\n",
        )
        .replace(
            "    container_name: simply-kaspa-db\n",
            "    container_name: simply-kaspa-db\n    secrets: [pw]\n",
        )
        + "secrets: {pw: {file: ./pw}}\n";
    let found = of("repeated-password", &Deployment::new(&secret));
    assert!(
        found.len() == 1 && found[0].matches("secret pw").count() == 2,
        "{found:#?}"
    );
    // One variable that is not set here is one password all the same.
    let variable = REFERENCE
        .replace("${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}", "${PW:?}")
        .replace(
            "${SIMPLY_KASPA_DB_PASSWORD:-simply_kaspa_secure_pass}",
            "${PW:?}",
        );
    let found = of("repeated-password", &Deployment::new(&variable));
    assert!(found.len() == 1 && found[0].contains("PW"), "{found:#?}");
    let env = REFERENCE
        .replace(
            "container_name: k-indexer\n",
            "container_name: k-indexer\n    env_file: common.env\n",
        )
        .replace(
            "container_name: simply-kaspa-indexer\n",
            "container_name: simply-kaspa-indexer\n    env_file: [{path: ./common.env}]\n",
        );
    let deployment = Deployment::new(&env);
    deployment.write(
        "common.env",
        "DATABASE_URL=postgresql://simply_kaspa_user:c4nary@simply-kaspa-db/simply_kaspa\n",
    );
    let found = of("shared-env-file", &deployment);
    assert!(
        found.len() == 1 && found[0].contains("common.env"),
        "{found:#?}"
    );
    let host = REFERENCE
        .replace(
            "container_name: k-social-db\n",
            "container_name: k-social-db\n    network_mode: host\n",
        )
        .replace(
            "container_name: simply-kaspa-db\n",
            "container_name: simply-kaspa-db\n    network_mode: host\n",
        );
    // Two databases in the namespace of a third container.
    let third = REFERENCE
        .replace(
            "container_name: k-social-db\n",
            "container_name: k-social-db\n    network_mode: service:dashboard\n",
        )
        .replace(
            "container_name: simply-kaspa-db\n",
            "container_name: simply-kaspa-db\n    network_mode: service:dashboard\n",
        );
    let found = of("shared-network", &Deployment::new(&third));
    assert!(
        found.len() == 1 && found[0].contains("service:dashboard"),
        "{found:#?}"
    );
    let found = of("port-conflict", &Deployment::new(&host));
    assert!(
        found.len() == 1 && found[0].contains("host network"),
        "{found:#?}"
    );
}

#[test]
fn init_scripts_are_read() {
    for (name, script, names) in [
        (
            "02.sql",
            "CREATE TABLE IF NOT EXISTS public.k_posts (id int);",
            "k_posts",
        ),
        ("02.sql", "\\c ksocial\nSELECT 1;", "ksocial"),
        (
            "02.sql",
            "CREATE ROLE k_social_user LOGIN PASSWORD 'c4nary';",
            "k_social_user",
        ),
        (
            "02.sh",
            "psql -U postgres -d ksocial -c 'select 1'",
            "ksocial",
        ),
        (
            "02.sh",
            "psql <<EOF\nCREATE DATABASE ksocial;\nEOF",
            "ksocial",
        ),
        (
            "02.sql",
            "ALTER SYSTEM SET primary_conninfo = 'host=k-social-db password=c4nary';",
            "k-social-db",
        ),
        (
            "02.sql",
            "DO $$ BEGIN PERFORM dblink_connect('host=x,k-social-db port=5432'); END $$;",
            "k-social-db",
        ),
        (
            "02.sql",
            "COMMENT ON SCHEMA public IS 'postgres://c4nary:c4nary@k-social-db:5432/x';",
            "k-social-db",
        ),
    ] {
        let deployment = Deployment::new(REFERENCE);
        deployment.write(&format!("config/simply-kaspa/init/{name}"), script);
        let found = findings(&deployment.check());
        let found: Vec<&String> = found
            .iter()
            .filter(|finding| finding.starts_with("error"))
            .collect();
        let [only] = found.as_slice() else {
            panic!("{script}: {found:#?}");
        };
        assert!(
            only.contains(&format!("compose/init-script of {S}")),
            "{only}"
        );
        assert!(only.contains(names) && only.contains(K), "{only}");
    }
    let deployment = Deployment::new(REFERENCE);
    deployment.write(
        "config/simply-kaspa/init/02.sql",
        "-- CREATE TABLE k_posts\nCREATE TABLE vars (key text); CREATE ROLE simply_kaspa_user; \\c simply_kaspa\n\
         COMMENT ON SCHEMA public IS 'host=simply-kaspa-db port=5432';",
    );
    deployment.run(&["check"], &[]).exits(0);
}

/// The errors of a report.
pub fn errors(report: &Value) -> Vec<String> {
    let found = findings(report).into_iter();
    found.filter(|one| one.starts_with("error")).collect()
}

#[test]
fn init_scripts_are_read_whatever_their_form() {
    let faults = [
        ("1.sh", "createdb -U postgres ksocial", "ksocial"),
        ("1.sh", "createuser k_social_user", "k_social_user"),
        ("1.sh", "psql -U postgres ksocial -c 'select 1'", "ksocial"),
        ("1.sh", "psql -dksocial -c 'select 1'", "ksocial"),
        ("1.sh", "PGDATABASE=ksocial psql -c 'select 1'", "ksocial"),
        (
            "1.sh",
            "for db in simply_kaspa ksocial; do createdb $db; done",
            "ksocial",
        ),
        ("1.sh", "psql <<EOF\n\\connect ksocial\nEOF\n", "ksocial"),
        (
            "1.sh",
            "echo 'CREATE TABLE k_posts (a int)' | psql",
            "k_posts",
        ),
        (
            "1.sh",
            "psql -d \"$POSTGRES_DB\" -c 'INSERT INTO k_votes DEFAULT VALUES'",
            "k_votes",
        ),
        (
            "1.sql",
            "DO $$ BEGIN EXECUTE 'CREATE TABLE '||'k_'||'posts (a int)'; END $$;",
            "k_posts",
        ),
        (
            "1.sql",
            "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM k_posts';",
            "k_posts",
        ),
        (
            "1.sql",
            "SELECT 'CREATE DATABASE ksocial' WHERE true\\gexec\n",
            "ksocial",
        ),
        ("1.sql", "\\set db ksocial\n\\c :db\n", "ksocial"),
        (
            "1.sql",
            "GRANT ALL ON SCHEMA public TO k_social_user;",
            "k_social_user",
        ),
        (
            "1.sql",
            "\\i /docker-entrypoint-initdb.d/more.txt\n",
            "k_follows",
        ),
    ];
    each(&faults, |(name, script, names)| {
        let deployment = Deployment::new(REFERENCE);
        deployment.write(&format!("config/simply-kaspa/init/{name}"), script);
        deployment.write(
            "config/simply-kaspa/init/more.txt",
            "CREATE TABLE k_follows (a int);",
        );
        let found = errors(&deployment.check());
        let [only] = found.as_slice() else {
            panic!("{script}: {found:#?}");
        };
        assert!(
            only.contains(&format!("compose/init-script of {S}")),
            "{only}"
        );
        assert!(only.contains(names) && only.contains(K), "{only}");
    });
    for (name, script) in [
        (
            "1.sql",
            "/* CREATE TABLE k_votes (a int); */\n-- \\c ksocial\nSELECT 1;",
        ),
        ("1.sh", "# createdb ksocial\necho \"nothing for ksocial\"\n"),
        (
            "1.sh",
            "#!/bin/bash\nset -e\npsql -v ON_ERROR_STOP=1 --username \"$POSTGRES_USER\" --dbname \"$POSTGRES_DB\" <<-EOSQL\n\tCREATE TABLE vars (key text);\nEOSQL\n",
        ),
    ] {
        let deployment = Deployment::new(REFERENCE);
        deployment.write(&format!("config/simply-kaspa/init/{name}"), script);
        deployment.run(&["check"], &[]).exits(0);
    }
}

#[test]
fn init_scripts_that_nobody_can_follow_are_not_checked() {
    let faults = [
        ("1.sh", "createdb $SOMEWHERE", "createdb is given SOMEWHERE"),
        ("1.sh", "psql -f /elsewhere/x.sql", "reads /elsewhere/x.sql"),
        (
            "1.sh",
            "gunzip -c /x.gz | psql",
            "what another command writes",
        ),
        (
            "1.sh",
            "#!/usr/bin/env python3\nprint(1)",
            "no script of a shell",
        ),
        ("1.sql", "\\i /elsewhere/x.sql\n", "reads /elsewhere/x.sql"),
        (
            "1.sql",
            "CREATE FUNCTION f(t text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE t; END $$;",
            "line 1",
        ),
        ("1.sql.gz", "", "is compressed"),
    ];
    each(&faults, |(name, script, says)| {
        let deployment = Deployment::new(REFERENCE);
        deployment.write(&format!("config/simply-kaspa/init/{name}"), script);
        deployment
            .run(&["check"], &[])
            .exits(4)
            .says("compose/init-script")
            .says(says);
    });
    // More than are read.
    let deployment = Deployment::new(REFERENCE);
    for number in 0..210 {
        deployment.write(
            &format!("config/simply-kaspa/init/a{number:03}.sql"),
            "SELECT 1;",
        );
    }
    deployment
        .run(&["check"], &[])
        .exits(4)
        .says("of more than 200 scripts");
}

const S_INIT: &str = "      - ./config/simply-kaspa/init:/docker-entrypoint-initdb.d:ro\n";

#[test]
fn init_scripts_come_as_files_and_configs() {
    let at = |service: &str| format!("    container_name: {service}\n");
    let given = |service: &str, what: &str| format!("{}    {what}\n", at(service));
    let config = "configs: [{source: i, target: /docker-entrypoint-initdb.d/1.sql}]";
    let db = "simply-kaspa-db";
    assert!(REFERENCE.contains(S_INIT));
    let of_db = REFERENCE.replace(&at(db), &given(db, config));
    let makes = "CREATE TABLE k_posts (a int);";
    for compose in [
        // The name in the container makes it a script.
        REFERENCE.replace(
            S_INIT,
            "      - ./schema.txt:/docker-entrypoint-initdb.d/1.sql:ro\n",
        ),
        format!("{of_db}configs: {{i: {{content: \"{makes}\"}}}}\n"),
        format!("{of_db}configs: {{i: {{file: ./schema.txt}}}}\n"),
        format!("{of_db}configs: {{i: {{environment: SCHEMA}}}}\n"),
        REFERENCE.replace(&at(db), &given(db, &config.replace("configs", "secrets")))
            + "secrets: {i: {file: ./schema.txt}}\n",
    ] {
        let deployment = Deployment::new(&compose);
        deployment.write("schema.txt", makes);
        let run = deployment.run(&["check", "--format", "json"], &[("SCHEMA", makes)]);
        let found = errors(&run.json());
        assert!(
            matches!(found.as_slice(), [only] if only.contains("compose/init-script") && only.contains("k_posts")),
            "{compose}: {found:#?}"
        );
    }
    for definition in ["external: true", "environment: NOWHERE", "file: ./nowhere"] {
        let deployment = Deployment::new(&format!("{of_db}configs: {{i: {{{definition}}}}}\n"));
        deployment
            .run(&["check"], &[])
            .exits(4)
            .says("compose/init-script")
            .says("config i");
    }
    let both = of_db.replace(&at("k-social-db"), &given("k-social-db", config));
    for definition in ["external: true", "file: ./schema.txt", "content: SELECT 1"] {
        let deployment = Deployment::new(&format!("{both}configs: {{i: {{{definition}}}}}\n"));
        deployment.write("schema.txt", "CREATE TABLE foo (a int);");
        let found = errors(&deployment.check());
        assert!(
            matches!(found.as_slice(), [only] if only.contains("compose/shared-init") && only.contains("config i")),
            "{definition}: {found:#?}"
        );
    }
}

#[test]
fn one_thing_under_two_names_is_one() {
    let k_password = "POSTGRES_PASSWORD: ${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}";
    let s_password = "- POSTGRES_PASSWORD=${SIMPLY_KASPA_DB_PASSWORD:-simply_kaspa_secure_pass}";
    let at = |service: &str| format!("    container_name: {service}\n");
    let (k, s) = (at("k-social-db"), at("simply-kaspa-db"));
    let change = |changes: &[(&str, &str)]| {
        changes
            .iter()
            .fold(REFERENCE.to_owned(), |text, (from, to)| {
                assert!(text.contains(from), "{from}");
                text.replacen(from, to, 1)
            })
    };
    let k_data = "- k-social-db-data:/var/lib/postgresql/data";
    let s_data = "- simply-kaspa-db-data:/var/lib/postgresql/data";
    let with = |mount: &str, more: &str| format!("{mount}\n      - {more}");
    let of_k = |line: &str| format!("{k}    {line}\n");
    let of_s = |line: &str| format!("{s}    {line}\n");
    let file = |path: &str| format!("POSTGRES_PASSWORD_FILE: {path}");
    let s_file = |path: &str| format!("- POSTGRES_PASSWORD_FILE={path}");
    let cases: Vec<(&str, String)> = vec![
        (
            "repeated-password",
            change(&[
                (k_password, &file("/pw")),
                (s_password, &s_file("/etc/pw/one")),
                (k_data, &with(k_data, "./pw/one:/pw:ro")),
                (s_data, &with(s_data, "./init/../pw:/etc/pw:ro")),
            ]),
        ),
        (
            "repeated-password",
            change(&[
                (k_password, &file("/run/secrets/a")),
                (s_password, &s_file("/run/secrets/b")),
                (&k, &of_k("secrets: [a]")),
                (&s, &of_s("secrets: [b]")),
            ]) + "secrets: {a: {file: ./pw/one}, b: {file: ./init/../pw/one}}\n",
        ),
        // Two files that say the same.
        (
            "repeated-password",
            change(&[
                (k_password, &file("/run/secrets/a")),
                (s_password, &s_file("/run/secrets/b")),
                (&k, &of_k("secrets: [a]")),
                (&s, &of_s("secrets: [b]")),
            ]) + "secrets: {a: {file: ./pw/one}, b: {file: ./pw/two}}\n",
        ),
        (
            "shared-volume",
            change(&[
                (k_data, "- ~/data:/var/lib/postgresql/data"),
                (s_data, "- ${HOME}/x/../data:/var/lib/postgresql/data"),
            ]),
        ),
        (
            "shared-volume",
            change(&[(&s, &of_s("volumes_from: [\"container:k-social-db:ro\"]"))]),
        ),
        (
            "shared-name",
            change(&[
                (&k, &of_k("networks: {a: {aliases: [db]}}")),
                (&s, &of_s("networks: {b: {aliases: [db]}}")),
                (
                    "\nnetworks:\n",
                    "\nnetworks:\n  a: {name: n, external: true}\n  b: {name: n, external: true}\n",
                ),
            ]),
        ),
    ];
    for (rule, compose) in cases {
        for env in [&[("HOME", "/srv/home")] as &[_], &[]] {
            let deployment = Deployment::new(&compose);
            deployment.write("pw/one", "c4nary\n");
            deployment.write("pw/two", "c4nary");
            let report = deployment.run(&["check", "--format", "json"], env).json();
            let of_rule = format!("compose/{rule} ");
            let found: Vec<String> = errors(&report)
                .into_iter()
                .filter(|one| one.contains(&of_rule))
                .collect();
            assert_eq!(found.len(), 1, "{rule} in {compose}: {report:#}");
        }
    }
    // A password of which nothing is here is nobody's business; one alias in two networks is not one name.
    let apart = change(&[
        (k_password, &file("/run/secrets/a")),
        (s_password, &s_file("/run/secrets/b")),
        (
            &k,
            &of_k("secrets: [a]\n    networks: {a: {aliases: [db]}, back: }"),
        ),
        (
            &s,
            &of_s("secrets: [b]\n    networks: {b: {aliases: [db]}, back: }"),
        ),
        (
            "\nnetworks:\n",
            "\nnetworks:\n  a: {name: n}\n  b: {name: m}\n",
        ),
    ]) + "secrets: {a: {external: true}, b: {file: ./nowhere}}\n";
    Deployment::new(&apart).run(&["check"], &[]).exits(0);
}

#[test]
fn what_is_in_files_is_read() {
    let at = "    container_name: k-social-db\n";
    let secret = format!("{at}    secrets: [d]\n");
    for (from, to, text, says) in [
        (
            "POSTGRES_DB: ksocial",
            "POSTGRES_DB_FILE: /run/secrets/d",
            "simply_kaspa\n",
            "simply_kaspa",
        ),
        (
            "POSTGRES_USER: k_social_user",
            "POSTGRES_USER_FILE: /run/secrets/d",
            "simply_kaspa_user\n",
            "simply_kaspa_user",
        ),
    ] {
        let compose =
            REFERENCE.replacen(from, to, 1).replace(at, &secret) + "secrets: {d: {file: ./d}}\n";
        let deployment = Deployment::new(&compose);
        deployment
            .run(&["check"], &[])
            .exits(4)
            .says("secret d is not here");
        deployment.write("d", text);
        deployment
            .run(&["check"], &[])
            .exits(1)
            .says("compose/wrong-database")
            .says(says);
    }
    let app = "    container_name: k-indexer\n";
    let config = format!("{app}    configs: [{{source: c, target: /app/config.toml}}]\n");
    let base = REFERENCE.replace(app, &config).replace(
        &format!("      DATABASE_URL: {K_URL}\n"),
        "      LOG: info\n",
    );
    assert!(!base.contains(K_URL));
    let url = "database_url = 'postgres://k_social_user:c4nary@simply-kaspa-db/ksocial'";
    for definition in [
        format!("content: \"{url}\""),
        "file: ./config.toml".to_owned(),
    ] {
        let deployment = Deployment::new(&format!("{base}configs: {{c: {{{definition}}}}}\n"));
        deployment.write("config.toml", url);
        deployment
            .run(&["check"], &[])
            .exits(1)
            .says("compose/wrong-connection")
            .says("config c");
    }
    let deployment = Deployment::new(&format!("{base}configs: {{c: {{external: true}}}}\n"));
    deployment
        .run(&["check"], &[])
        .exits(4)
        .says("config c")
        .says("compose/unread");
}

#[test]
fn addresses_ports_and_parts_beside_a_url() {
    for (from, to, rule) in [
        ("- \"127.0.0.1:", "- \"[0:0:0:0:0:0:0:0]:", "open-port"),
        (
            K_URL,
            "x\n      SPRING_DATASOURCE_URL: jdbc:postgresql://k-social-db:5432/ksocial\n      SPRING_DATASOURCE_USERNAME: simply_kaspa_user",
            "wrong-connection",
        ),
    ] {
        let base = REFERENCE.replace(
            "- \"${K_SOCIAL_DB_PORT:-5433}:5432\"",
            "- \"127.0.0.1:5433:5432\"",
        );
        assert!(base.contains(from), "{from}");
        let deployment = Deployment::new(&base.replacen(from, to, 1));
        let report = deployment.check();
        let head = format!("compose/{rule} of {K}:");
        assert!(
            findings(&report).iter().any(|one| one.contains(&head)),
            "{to}: {report:#}"
        );
        assert!(
            !findings(&Deployment::new(&base).check())
                .iter()
                .any(|one| one.contains(&head)),
            "{to}"
        );
    }
    for flag in [
        "-p5433",
        "--port=5433",
        "--port 5433",
        "-p 5433",
        "-c port=5433",
    ] {
        let compose = REFERENCE.replace(
            "    container_name: simply-kaspa-db\n",
            &format!("    container_name: simply-kaspa-db\n    network_mode: host\n    command: postgres {flag}\n"),
        );
        let found = errors(&Deployment::new(&compose).check());
        assert!(
            found
                .iter()
                .any(|one| one.contains("compose/port-conflict") && one.contains("5433")),
            "{flag}: {found:#?}"
        );
    }
}

#[test]
fn files_that_are_named_are_merged_and_default_ones_are_found() {
    let deployment = Deployment::new(REFERENCE);
    let fault = "services: {k-indexer: {environment: {DATABASE_URL: \"postgres://k_social_user:c4nary@simply-kaspa-db/ksocial\"}}}";
    deployment.write("prod.yaml", fault);
    deployment.run(&["check"], &[]).exits(0);
    deployment
        .run(
            &[
                "check",
                "--compose",
                "compose.yaml",
                "--compose",
                "prod.yaml",
            ],
            &[],
        )
        .exits(1)
        .says("prod.yaml:1:")
        .says("k-indexer connects to container simply-kaspa-db");
    deployment.write("compose.override.yaml", fault);
    deployment.run(&["check"], &[]).exits(1);
    fs::remove_file(deployment.path().join("compose.override.yaml")).unwrap();
    // The manifest may name them.
    let manifest = include_str!("../../src/manifest/builtin.toml").replace(
        "version = 1\n",
        "version = 1\ncompose = \"compose.yaml:prod.yaml\"\n",
    );
    deployment.write("dbctl.toml", &manifest);
    deployment
        .run(&["check"], &[])
        .exits(1)
        .says("prod.yaml:1:");
    deployment
        .run(&["verify"], &[])
        .exits(1)
        .says("prod.yaml:1:");
}

#[test]
fn wrong_files_end_with_their_place() {
    for (text, place) in [
        ("services: [", "compose.yaml:2:1: not YAML"),
        (
            "services:\n  k-social-db:\n    environment: c4nary",
            "compose.yaml:3:18: services.k-social-db.environment",
        ),
        ("services:\n  a: {image: \"c4nary${\"}", "compose.yaml:2:14"),
    ] {
        Deployment::new(text)
            .run(&["check"], &[])
            .exits(3)
            .says(place);
    }
    let deployment = Deployment::new(REFERENCE);
    deployment
        .run(&["check", "--compose", "no.yaml"], &[])
        .exits(3)
        .says("no.yaml");
}

#[test]
fn what_nobody_can_tell_is_not_checked() {
    // A URL that only the host knows.
    let deployment = Deployment::new(&REFERENCE.replace(K_URL, "${SOMEWHERE_URL}"));
    deployment
        .run(&["check"], &[])
        .exits(4)
        .says("compose/unread")
        .says("DATABASE_URL of k-indexer: SOMEWHERE_URL is not set here");
    // A part of one that only the host knows.
    for (from, to, unknown) in [
        ("@k-social-db:5432", "@${DB_HOST}:5432", "host ${DB_HOST}"),
        ("5432/ksocial", "5432/${DB_NAME}", "database ${DB_NAME}"),
        ("//k_social_user:", "//${DB_USER}:", "role ${DB_USER}"),
    ] {
        assert!(REFERENCE.contains(from));
        Deployment::new(&REFERENCE.replacen(from, to, 1))
            .run(&["check"], &[])
            .exits(4)
            .says(&format!(
                "DATABASE_URL of k-indexer: {unknown} cannot be told"
            ));
    }
    // An entry of a file that libpq reads in the container.
    for (from, to, variable) in [
        (
            "NETWORK: ${KASPA_NETWORK:-mainnet}",
            "PGSERVICE: ksocial",
            "PGSERVICE",
        ),
        ("5432/ksocial", "5432/?service=ksocial", "DATABASE_URL"),
    ] {
        Deployment::new(&REFERENCE.replacen(from, to, 1))
            .run(&["check"], &[])
            .exits(4)
            .says(&format!(
                "{variable} of k-indexer: it names an entry of libpq's service file"
            ));
    }
    // Whatever it is, the container has the same.
    let both = REFERENCE
        .replacen("5432/ksocial", "5432/${DB_NAME}", 1)
        .replacen("POSTGRES_DB: ksocial", "POSTGRES_DB: ${DB_NAME}", 1);
    let report = Deployment::new(&both).check();
    assert!(
        !report["not_checked"].to_string().contains("cannot be told"),
        "{report}"
    );
    // A password with a stray @ shifts every border.
    let deployment = Deployment::new(
        &REFERENCE.replace(K_URL, "postgres://k_social_user:c4nary@c4nary@h/ksocial"),
    );
    deployment
        .run(&["check"], &[])
        .exits(4)
        .says("percent-encoded");
    // What should be a URL and is none: nothing of it is known, and nothing of it is shown.
    for odd in [
        "k_social_user:c4nary@simply-kaspa-db:5432/ksocial",
        "postgress://k_social_user:c4nary@simply-kaspa-db:5432/ksocial",
        "postgres//k_social_user:c4nary@simply-kaspa-db:5432/ksocial",
        "timescaledb://k_social_user:c4nary@simply-kaspa-db:5432/ksocial",
        "\"postgres://k_social_user:x c4nary@simply-kaspa-db:5432/ksocial\"",
    ] {
        let run = Deployment::new(&REFERENCE.replace(K_URL, odd)).run(&["check"], &[]);
        run.exits(4)
            .says("compose/unread")
            .says("DATABASE_URL of k-indexer: ");
    }
    for other in [
        "sqlite:///data/k.db",
        "mysql://u:c4nary@maria/k",
        "/data/k.db",
    ] {
        let run = Deployment::new(&REFERENCE.replace(K_URL, other)).run(&["check"], &[]);
        run.exits(0);
    }
    // Init scripts that are not here.
    let deployment = Deployment::new(REFERENCE);
    fs::remove_dir_all(deployment.path().join("config/k-social")).unwrap();
    deployment.run(&["check"], &[]).exits(4).says("is not here");
    // Containers that the manifest does not know, and that it is told of.
    let strange = REFERENCE
        .replace("k-social-db", "store-one")
        .replace("POSTGRES_DB: ksocial", "POSTGRES_DB: ${NAME_OF_IT}")
        .replace("POSTGRES_USER: k_social_user", "POSTGRES_USER: admin")
        .replace("example/k-indexer", "example/one")
        .replace("  k-indexer:", "  one:")
        .replace("container_name: k-indexer", "container_name: one")
        .replace(K_URL, "x")
        .replace("postgresql://k_social_user:${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@store-one:5432/ksocial", "${ONE_URL}");
    let deployment = Deployment::new(&strange);
    deployment
        .run(&["check"], &[])
        .exits(4)
        .says("store-one is a PostgreSQL server, and nothing tells whether it is k-indexer's");
    let manifest = include_str!("../../src/manifest/builtin.toml").replace(
        "container = \"k-social-db\"",
        "container = \"store-one\"\napp = \"one\"",
    );
    deployment.write("dbctl.toml", &manifest);
    deployment
        .run(&["check"], &[])
        .exits(4)
        .says("DATABASE_URL of one: ONE_URL is not set here");
    // Nothing of the system at all: not clean where it was named, and nothing to say where it was only there.
    let deployment = Deployment::new("services: {web: {image: \"nginx:1\"}}");
    deployment
        .run(&["check", "--compose", "compose.yaml"], &[])
        .exits(4)
        .says("no container of compose.yaml is known to be k-indexer's");
    deployment.run(&["check"], &[]).exits(0);
}

#[test]
fn no_password_in_any_output() {
    let places = [
        ("${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}", "c4nary"),
        (
            "${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}",
            "${PW:-c4nary}",
        ),
        (
            "${SIMPLY_KASPA_DB_PASSWORD:-simply_kaspa_secure_pass}",
            "${K_SOCIAL_DB_PASSWORD:-c4nary}",
        ),
        (
            "${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@",
            "c4/n4ry-c4nary@",
        ),
        (
            "${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@",
            "c4nary@c4nary@",
        ),
        (
            "${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@",
            "c4nary?c4nary@",
        ),
        (
            K_URL,
            "host=simply-kaspa-db dbname=ksocial user=k_social_user password=c4nary",
        ),
        (
            K_URL,
            "Host=simply-kaspa-db;Database=x;Username=y;Password=c4nary",
        ),
        (
            "POSTGRES_DB: ksocial",
            "POSTGRES_DB: ksocial\n      K_SOCIAL_DB_PASSWORD: [c4nary]",
        ),
    ];
    each(&places, |(from, to)| {
        let deployment = Deployment::new(&REFERENCE.replace(from, to));
        for args in [
            &["check"] as &[&str],
            &["check", "-v"],
            &["check", "--format", "json"],
        ] {
            // `finish` looks for the canary.
            let run = deployment.run(args, &[("SIMPLY_KASPA_DB_PASSWORD", CANARY)]);
            assert!(run.code == 1 || run.code == 0 || run.code == 3 || run.code == 4);
        }
    });
    for dotenv in ["A=c4nary\nB c4nary", "A=\"c4nary", "A=c4nary$"] {
        let deployment = Deployment::new(REFERENCE);
        deployment.write("deploy/compose.yaml", REFERENCE);
        deployment.write("deploy/.env", dotenv);
        deployment.run(&["check", "--compose", "deploy/compose.yaml"], &[]);
    }
}

#[test]
fn an_address_given_to_another_server_leads_there() {
    let own = REFERENCE.replacen("@k-social-db:5432/ksocial", "@172.20.0.3:5432/ksocial", 1);
    let at = "    container_name: simply-kaspa-db\n";
    let address = format!("{at}    networks: {{back: {{ipv4_address: 172.20.0.3}}}}\n");
    let by_address = own.replacen(at, &address, 1);
    let by_host = REFERENCE.replacen(at, &address, 1).replacen(
        "    container_name: k-indexer\n",
        "    container_name: k-indexer\n    extra_hosts: {k-social-db: 172.20.0.3}\n",
        1,
    );
    let beside = REFERENCE
        .replacen("@k-social-db:5432/ksocial", "@localhost:5432/ksocial", 1)
        .replacen(
            "    container_name: k-indexer\n",
            "    container_name: k-indexer\n    network_mode: container:simply-kaspa-db\n",
            1,
        )
        .replacen(
            "        condition: service_healthy\n    networks: [back]\n",
            "        condition: service_healthy\n",
            1,
        );
    for compose in [by_address, by_host, beside] {
        let report = Deployment::new(&compose).check();
        assert!(
            findings(&report).iter().any(|finding| {
                finding.starts_with("error compose/wrong-connection of k-indexer")
                    && finding.contains("simply-kaspa-db")
            }),
            "{:?}",
            findings(&report)
        );
    }
}

#[test]
fn a_password_that_shifts_into_another_part_is_not_shown() {
    let url = "DATABASE_URL: postgresql://k_social_user:${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@k-social-db:5432/ksocial";
    for shifted in [
        "DATABASE_URL: \"postgres://k_social_user@k-social-db/ksocial;password=c4nary\"",
        "DATABASE_URL: \"jdbc:postgresql://k-social-db/ksocial?user=k_social_user;password=c4nary\"",
        "DATABASE_URL: \"Server=k-social-db;User Id=k_social_user Password=c4nary;Database=ksocial\"",
        "DATABASE_URL: \"host=k-social-db dbname=ksocial user=k_social_user,password=c4nary\"",
        "DATABASE_URL: \"postgres://k_social_user%3Ac4nary@k-social-db/ksocial\"",
        "DB_HOST: k-social-db\n      DB_USER: \"k_social_user:c4nary\"",
        "DB_HOST: \"k_social_user:c4nary@k-social-db\"\n      DB_NAME: ksocial",
    ] {
        let deployment = Deployment::new(&REFERENCE.replacen(url, shifted, 1));
        let names = ["json", "github", "sarif", "junit", "markdown", "html"];
        let outputs = names.map(|name| format!("{name}=report.{name}"));
        let mut args = vec!["check", "-v"];
        args.extend(outputs.iter().flat_map(|output| ["--output", output]));
        let run = deployment.run(&args, &[]);
        assert_eq!(run.code, 4, "{shifted}: {}", run.all());
        assert!(!run.all().contains("c4nary"), "{shifted}: {}", run.all());
        for name in names {
            let report = deployment.path().join(format!("report.{name}"));
            let text = fs::read_to_string(report).unwrap();
            assert!(!text.contains("c4nary"), "{shifted}: {text}");
        }
    }
    // libpq's own separators are no trouble.
    let lines = "DATABASE_URL: |\n        host=k-social-db dbname=ksocial user=k_social_user\n        password=c4nary";
    let deployment = Deployment::new(&REFERENCE.replacen(url, lines, 1));
    let run = deployment.run(&["check", "--format", "json"], &[]);
    assert!(!run.all().contains("c4nary"), "{}", run.all());
    assert_eq!(run.json()["not_checked"].as_array().unwrap().len(), 0);
}

#[test]
fn every_rule_of_the_group_has_a_case() {
    // Planted by tests of their own in this file, the last four by the reference itself.
    let beside = [
        "repeated-password",
        "init-script",
        "unread",
        "default-password",
        "floating-tag",
        "open-port",
        "superuser",
    ];
    let rules = crate::lab::finish({
        let mut command = crate::lab::dbctl(std::path::Path::new("."));
        command.args(["rules", "--format", "json"]);
        command
    })
    .exits(0)
    .json();
    let ids: Vec<&str> = rules["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|rule| rule["id"].as_str().unwrap().strip_prefix("compose/"))
        .collect();
    assert!(ids.len() >= 20, "{ids:?}");
    for id in ids {
        assert!(
            MUTATIONS.iter().any(|mutation| mutation.rule == id) || beside.contains(&id),
            "compose/{id} has no case"
        );
    }
}

/// Docker's DNS answers to more than the names that are written: the hostname, and the name that Compose makes up.
#[test]
fn every_name_of_a_container_leads_to_it() {
    let unnamed = |url: &str, host: &str, project: &str| {
        REFERENCE
            .replacen("name: aio\n", project, 1)
            .replacen("    container_name: simply-kaspa-db\n", host, 1)
            .replacen("@k-social-db:5432", url, 1)
    };
    let foreign = |compose: &str| {
        let deployment = Deployment::new("services: {}");
        deployment.write("My.Proj/compose.yaml", compose);
        let args = [
            "check",
            "--format",
            "json",
            "--compose",
            "My.Proj/compose.yaml",
        ];
        let found = findings(&deployment.run(&args, &[]).json());
        found.iter().any(|finding| {
            finding.starts_with("error compose/wrong-connection of k-indexer")
                && finding.contains("container simply-kaspa-db")
        })
    };
    let hostname = "    hostname: sk-pg\n";
    assert!(foreign(&unnamed("@sk-pg:5432", hostname, "name: aio\n")));
    assert!(!foreign(&unnamed("@k-social-db:5432", hostname, "")));
    for (url, project) in [
        ("@aio-simply-kaspa-db-1:5432", "name: aio\n"),
        ("@aio_simply-kaspa-db_1:5432", "name: aio\n"),
        ("@myproj-simply-kaspa-db-1:5432", ""),
        ("@simply-kaspa-db.myproj_back:5432", ""),
    ] {
        assert!(foreign(&unnamed(url, "", project)), "{url}");
    }
}

/// A file of client authentication in the project is read; one that is not here is not checked.
#[test]
fn the_hba_file_of_a_command_is_read() {
    let name = "    container_name: k-social-db\n";
    let with = |lines: &str, content: &str| {
        let command = format!("{name}    command: [postgres, -c, hba_file=/etc/hba.conf]\n{lines}");
        let configs = format!("configs: {{hba: {{content: \"{content}\"}}}}\n");
        let compose = REFERENCE.replacen(name, &command, 1) + &configs;
        // Two lists of volumes are one key too many.
        let volumes = "      - k-social-db-data:/var/lib/postgresql/data\n";
        let compose = if lines.is_empty() {
            compose.replacen(
                volumes,
                &format!("{volumes}      - ./hba.conf:/etc/hba.conf:ro\n"),
                1,
            )
        } else {
            compose
        };
        Deployment::new(&compose)
    };
    let config = "    configs: [{source: hba, target: /etc/hba.conf}]\n";
    let trust = with(config, "local all all trust\\nhost all all all trust");
    let found = errors(&trust.check());
    assert!(
        found.len() == 1
            && found[0].contains("compose/trust of k-indexer")
            && found[0].contains("line 2"),
        "{found:#?}"
    );
    let own = with(
        config,
        "host all all 127.0.0.1/32 trust\\nhost all all all scram-sha-256",
    );
    own.run(&["check"], &[]).exits(0);
    let mounted = with("", "x");
    mounted
        .run(&["check"], &[])
        .exits(4)
        .says("hba_file of k-social-db: ");
    mounted.write("hba.conf", "host all all 0.0.0.0/0 trust\n");
    let found = errors(&mounted.check());
    assert!(
        found.len() == 1 && found[0].contains("compose/trust"),
        "{found:#?}"
    );
}

/// A folder with nothing but extensions may be for both; with anything else it may not.
#[test]
fn a_folder_of_extensions_may_be_shared() {
    let compose = REFERENCE
        .replacen("./config/simply-kaspa/init:", "./config/both:", 1)
        .replacen("./config/k-social/init:", "./config/both:", 1);
    let deployment = Deployment::new(&compose);
    deployment.write(
        "config/both/1.sql",
        "CREATE EXTENSION IF NOT EXISTS timescaledb;",
    );
    assert_eq!(errors(&deployment.check()), Vec::<String>::new());
    deployment.write("config/both/2.sql", "CREATE TABLE zz (a int);");
    let found = errors(&deployment.check());
    assert!(
        found.len() == 1 && found[0].contains("compose/shared-init"),
        "{found:#?}"
    );
}

/// A script that the Dockerfile puts into the image is read as one that is mounted.
#[test]
fn init_scripts_of_a_build_are_read() {
    let name = "    container_name: simply-kaspa-db\n";
    let compose = REFERENCE.replacen(name, &format!("{name}    build: ./image\n"), 1);
    let deployment = Deployment::new(&compose);
    deployment
        .run(&["check"], &[])
        .exits(4)
        .says("Dockerfile is not here");
    deployment.write(
        "image/Dockerfile",
        "FROM timescale/timescaledb:2.19.3-pg17\nCOPY init/*.sql \\\n  /docker-entrypoint-initdb.d/\n",
    );
    deployment.write("image/init/1.sql", "CREATE TABLE vars (key text);");
    deployment.run(&["check"], &[]).exits(0);
    deployment.write("image/init/2.sql", "CREATE TABLE k_posts (a int);");
    let found = errors(&deployment.check());
    assert!(
        found.len() == 1 && found[0].contains("compose/init-script of simply-kaspa-indexer"),
        "{found:#?}"
    );
    deployment.write(
        "image/Dockerfile",
        "FROM timescale/timescaledb:2.19.3-pg17\nCOPY --from=x /a.sql /docker-entrypoint-initdb.d/\n",
    );
    deployment
        .run(&["check"], &[])
        .exits(4)
        .says("does not lie here");
}

/// What services have in common is worked out once for all of them, not once for each.
#[test]
fn one_password_file_for_hundreds_of_services_takes_no_longer_than_none() {
    let seconds = |shared: bool| {
        let mut manifest = String::from("version = 1\n");
        let mut compose = String::from("services:\n");
        let password = if shared {
            "POSTGRES_PASSWORD_FILE: /run/secrets/pw}\n    secrets: [pw]"
        } else {
            "POSTGRES_DB: shop}"
        };
        for at in 0..500 {
            manifest.push_str(&format!(
                "[services.s{at}]\nstore = \"postgres\"\nmanaged = \"service\"\ndatabase = \"d{at}\"\nrole = \"r{at}\"\nhost = \"localhost\"\nport = {}\ncontainer = \"db{at}\"\n",
                10_000 + at
            ));
            compose.push_str(&format!(
                "  db{at}:\n    image: postgres:17.2\n    environment: {{{password}\n"
            ));
        }
        compose.push_str("secrets: {pw: {file: ./pw}}\n");
        let deployment = Deployment::new(&compose);
        deployment.write("dbctl.toml", &manifest);
        deployment.write("pw", CANARY);
        let began = Instant::now();
        let report = deployment.check();
        let took = began.elapsed().as_secs_f64();
        let found = findings(&report);
        let told = found
            .iter()
            .filter(|it| it.contains("compose/repeated-password"));
        assert_eq!(told.count(), usize::from(shared));
        took
    };
    let (none, one) = (seconds(false), seconds(true));
    assert!(one < 4.0 * none + 1.0, "{one} s, and {none} s without it");
}
