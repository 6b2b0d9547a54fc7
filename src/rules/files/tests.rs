#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::*;
use crate::files::tests::{chmod, postgres, rocksdb, service};
use crate::manifest::{Manifest, Service, Store, Topology};
use crate::rules::System;
use crate::snapshot::{Kind, Lock, ObjectKey};
use crate::sqlite::tests::{Other, make};

/// The whole system's directories, clean.
struct Tree {
    folder: tempfile::TempDir,
    services: Vec<Service>,
}

/// A finding, as the tests compare it.
type Seen = (&'static str, Severity, String);

impl Tree {
    async fn clean() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["ksocial", "simply", "rgb"] {
            postgres(&root.join("pg").join(name));
        }
        let wallet = root.join("rgb/storage/rgb_sqlite/8e5c1a77");
        std::fs::create_dir_all(&wallet).unwrap();
        std::fs::create_dir(root.join("rgb/storage/ldk_data")).unwrap();
        make(
            &wallet.join("rgb_lib_db"),
            "CREATE TABLE txo (x); CREATE TABLE asset (x); CREATE TABLE asset_transfer (x); CREATE TABLE backup_info (x);
             CREATE TABLE batch_transfer (x); CREATE TABLE coloring (x); CREATE TABLE media (x); CREATE TABLE seaql_migrations (x);
             CREATE TABLE token (x); CREATE TABLE transfer (x); CREATE TABLE transport_endpoint (x); CREATE TABLE wallet_transaction (x)",
        )
        .await;
        make(&wallet.join("bdk_db"), "CREATE TABLE bdk_txout (x)").await;
        for part in ["", "rgb_sqlite", "ldk_data"] {
            chmod(&root.join("rgb/storage").join(part), 0o700);
        }
        rocksdb(&root.join("kasia/db"));
        let sql = |name: &str, data: &str| {
            service(
                name,
                Store::TimescaleDb,
                None,
                Some(root.join("pg").join(data)),
            )
        };
        let services = vec![
            sql("k-indexer", "ksocial"),
            sql("simply-kaspa-indexer", "simply"),
            service(
                "rgb-lightning-node",
                Store::Postgres,
                Some(root.join("rgb/storage")),
                Some(root.join("pg/rgb")),
            ),
            service(
                "kasia-indexer",
                Store::Files,
                None,
                Some(root.join("kasia/db")),
            ),
        ];
        Self { folder, services }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn wallet(&self) -> PathBuf {
        self.at("rgb/storage/rgb_sqlite/8e5c1a77/rgb_lib_db")
    }

    fn service(&mut self, name: &str) -> &mut Service {
        let mut services = self.services.iter_mut();
        services.find(|service| service.name == name).unwrap()
    }

    /// What the rules say: findings and gaps.
    async fn check(&self) -> (Vec<Finding>, Vec<Gap>) {
        let manifest = Manifest {
            path: None,
            topology: Topology::Any,
            login_proof: true,
            compose: Vec::new(),
            services: Vec::new(),
            allow: Vec::new(),
        };
        let mut subjects = Vec::new();
        for service in &self.services {
            subjects.push(Subject {
                texts: None,
                service,
                set: None,
                lock: lock(&service.name),
                snapshot: None,
                directories: crate::files::read(service).await,
                proofs: crate::snapshot::Proofs::default(),
            });
        }
        let system = System {
            manifest: &manifest,
            subjects,
            offline: false,
            compose: None,
        };
        let mut all = Outcome::default();
        for subject in &system.subjects {
            let owners = crate::rules::sets::Owners::new(&system);
            let around = crate::rules::compose::Around::new(&system, &[]);
            let survey = crate::rules::survey::Survey::new(&system, subject, &owners, &around);
            let case = Case {
                system: &system,
                subject,
                survey: &survey,
            };
            for rule in RULES {
                match (rule.check)(&case) {
                    Ok(outcome) => {
                        all.findings.extend(outcome.findings);
                        all.gaps.extend(outcome.gaps);
                    }
                    Err(gap) => all.gaps.push(gap),
                }
            }
        }
        (all.findings, all.gaps)
    }

    async fn seen(&self) -> Vec<Seen> {
        let (findings, gaps) = self.check().await;
        assert_eq!(gaps, []);
        self.short(findings)
    }

    fn short(&self, findings: Vec<Finding>) -> Vec<Seen> {
        let root = format!("{}/", self.folder.path().display());
        findings
            .into_iter()
            .map(|found| {
                (
                    found.rule,
                    found.severity,
                    found.about.name.replace(&root, ""),
                )
            })
            .collect()
    }
}

fn lock(service: &str) -> Fact<Lock> {
    let tables: &[&str] = match service {
        "k-indexer" => &["vars", "k_vars", "k_posts", "transactions"],
        "simply-kaspa-indexer" => &["vars", "blocks", "transactions", "asset"],
        "rgb-lightning-node" => &["users", "ln_user_wallets"],
        _ => return Fact::Unknown(Gap::new("it has no set")),
    };
    Fact::Known(Lock {
        set: String::new(),
        source: None,
        sum: String::new(),
        majors: Vec::new(),
        versions: Vec::new(),
        objects: tables
            .iter()
            .map(|name| {
                let key = ObjectKey {
                    schema: "public".to_owned(),
                    parent: String::new(),
                    kind: Kind::Table,
                    name: (*name).to_owned(),
                    arguments: String::new(),
                };
                (key, BTreeMap::new())
            })
            .collect(),
    })
}

fn one(rule: &'static str, severity: Severity, path: &str) -> Vec<Seen> {
    vec![(rule, severity, path.to_owned())]
}

const STORAGE: &str = "rgb/storage";
const RGB: &str = "rgb/storage/rgb_sqlite";
const WALLET: &str = "rgb/storage/rgb_sqlite/8e5c1a77/rgb_lib_db";

#[tokio::test]
async fn missing_directory() {
    let mut tree = Tree::clean().await;
    assert_eq!(tree.seen().await, []);
    for (path, severity) in [
        (STORAGE, Severity::Error),
        (RGB, Severity::Error),
        ("kasia/db", Severity::Error),
        // A server's files may be on another host.
        ("pg/ksocial", Severity::Warning),
    ] {
        std::fs::rename(tree.at(path), tree.at("away")).unwrap();
        assert_eq!(
            tree.seen().await,
            one("files/missing-directory", severity, path)
        );
        // A file in its place.
        std::fs::write(tree.at(path), "").unwrap();
        let error = one("files/missing-directory", Severity::Error, path);
        assert_eq!(tree.seen().await, error);
        std::fs::remove_file(tree.at(path)).unwrap();
        std::fs::rename(tree.at("away"), tree.at(path)).unwrap();
        assert_eq!(tree.seen().await, []);
    }
    for service in &mut tree.services {
        (service.storage_dir, service.data_dir) = (None, None);
    }
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn open_permissions() {
    let tree = Tree::clean().await;
    for (path, mode) in [
        ("kasia/db", 0o777),
        ("kasia/db", 0o750),
        ("pg/ksocial", 0o755),
        (STORAGE, 0o755),
    ] {
        chmod(&tree.at(path), mode);
        assert_eq!(
            tree.seen().await,
            one("files/open-permissions", Severity::Error, path)
        );
        chmod(&tree.at(path), 0o700);
        assert_eq!(tree.seen().await, []);
    }
    // What PostgreSQL allows itself, and what nobody can reach.
    chmod(&tree.at("pg/ksocial"), 0o750);
    chmod(&tree.at("rgb/storage/ldk_data"), 0o755);
    chmod(&tree.wallet(), 0o644);
    assert_eq!(tree.seen().await, []);
    let error = |path| one("files/open-permissions", Severity::Error, path);
    chmod(&tree.at(STORAGE), 0o711);
    assert_eq!(tree.seen().await, error("rgb/storage/ldk_data"));
    chmod(&tree.at("rgb/storage/ldk_data"), 0o700);
    // rgb_sqlite is private whatever lies around it.
    for mode in [0o711, 0o700] {
        chmod(&tree.at(STORAGE), mode);
        chmod(&tree.at(RGB), 0o755);
        assert_eq!(tree.seen().await, error(RGB));
    }
    // Nobody can list the directories, but everybody who knows the name can read the wallet.
    for path in [STORAGE, RGB, "rgb/storage/rgb_sqlite/8e5c1a77"] {
        chmod(&tree.at(path), 0o711);
    }
    chmod(&tree.at("rgb/storage/rgb_sqlite/8e5c1a77/bdk_db"), 0o600);
    assert_eq!(tree.seen().await, error(WALLET));
    // So can its group, which 0711 lets pass as well.
    chmod(&tree.wallet(), 0o640);
    assert_eq!(tree.seen().await, error(WALLET));
    chmod(&tree.wallet(), 0o600);
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn foreign_engine() {
    let tree = Tree::clean().await;
    type Plant = fn(&Path);
    let plants: [(&str, Plant); 6] = [
        ("rgb/storage/ldk_data/x", rocksdb),
        ("rgb/storage/rgb_sqlite/pg", postgres),
        ("rgb/storage/pgdata", postgres),
        ("kasia/db/pg", postgres),
        ("pg/ksocial/idx", rocksdb),
        ("pg/rgb/fjall", |path| {
            std::fs::create_dir(path).unwrap();
            std::fs::write(path.join("version"), "FJL\u{2}").unwrap();
        }),
    ];
    for (path, plant) in plants {
        plant(&tree.at(path));
        let error = one("files/foreign-engine", Severity::Error, path);
        assert_eq!(tree.seen().await, error);
        std::fs::remove_dir_all(tree.at(path)).unwrap();
        assert_eq!(tree.seen().await, []);
    }
    for path in [
        "kasia/db/a",
        "pg/rgb/base/1/16999",
        "rgb/storage/rgb_lib_db",
    ] {
        std::fs::copy(tree.wallet(), tree.at(path)).unwrap();
        let error = one("files/foreign-engine", Severity::Error, path);
        assert_eq!(tree.seen().await, error);
        std::fs::remove_file(tree.at(path)).unwrap();
        assert_eq!(tree.seen().await, []);
    }
    postgres(&tree.at("rgb/storage/postgresql"));
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn shared_directory() {
    let mut tree = Tree::clean().await;
    let cases = [
        ("kasia-indexer", STORAGE),
        ("kasia-indexer", "rgb/storage/ldk_data"),
        ("kasia-indexer", "rgb/storage/ldk_data/new"),
        ("k-indexer", "pg/simply/base"),
        ("rgb-lightning-node", "rgb/storage/pgdata"),
    ];
    for (name, path) in cases {
        let new = tree.at(path);
        let own = tree.service(name).data_dir.clone();
        tree.service(name).data_dir.as_mut().unwrap().value = new.clone();
        let made = std::fs::create_dir(&new).is_ok();
        chmod(&new, 0o700);
        let error = one("files/shared-directory", Severity::Error, path);
        assert_eq!(tree.seen().await, error);
        if made {
            std::fs::remove_dir(&new).unwrap();
        }
        tree.service(name).data_dir = own;
        assert_eq!(tree.seen().await, []);
    }
    // By way of a symlink, and PostgreSQL's data where the layout has a place for it.
    std::fs::rename(tree.at("pg/rgb"), tree.at("rgb/storage/pgdata")).unwrap();
    symlink(tree.at("rgb/storage/pgdata"), tree.at("pg/rgb")).unwrap();
    assert_eq!(
        tree.seen().await,
        one("files/shared-directory", Severity::Error, "pg/rgb")
    );
    std::fs::remove_file(tree.at("pg/rgb")).unwrap();
    std::fs::rename(
        tree.at("rgb/storage/pgdata"),
        tree.at("rgb/storage/postgresql"),
    )
    .unwrap();
    symlink(tree.at("rgb/storage/postgresql"), tree.at("pg/rgb")).unwrap();
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn rgb_sqlite_that_leads_into_another_store_is_shared() {
    let tree = Tree::clean().await;
    std::fs::rename(tree.at(RGB), tree.at("away")).unwrap();
    symlink(tree.at("kasia/db"), tree.at(RGB)).unwrap();
    assert_eq!(
        tree.seen().await,
        one("files/shared-directory", Severity::Error, "kasia/db")
    );
}

#[tokio::test]
async fn wrong_tables() {
    let tree = Tree::clean().await;
    for (table, owner) in [
        ("K_Posts", Some("k-indexer")),
        ("blocks", Some("simply-kaspa-indexer")),
        ("users", None),
        ("ln_user_anything", None),
    ] {
        make(&tree.wallet(), &format!("CREATE VIEW {table} AS SELECT 1")).await;
        let (findings, gaps) = tree.check().await;
        assert_eq!(gaps, []);
        let [found] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert!(found.message.contains(table), "{}", found.message);
        assert_eq!(found.belongs_to.as_deref(), owner);
        assert_eq!(
            tree.short(findings),
            one("files/wrong-tables", Severity::Error, WALLET)
        );
        make(&tree.wallet(), &format!("DROP VIEW {table}")).await;
        assert_eq!(tree.seen().await, []);
    }
    // An older wallet's own `transactions`.
    let bdk = tree.at("rgb/storage/rgb_sqlite/8e5c1a77/bdk_db");
    make(
        &bdk,
        "CREATE TABLE script_pubkeys (x); CREATE TABLE last_derivation_indices (x); CREATE TABLE transactions (x)",
    )
    .await;
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn unexpected_engine() {
    let tree = Tree::clean().await;
    let current = tree.at("kasia/db/CURRENT");
    std::fs::rename(&current, tree.at("away")).unwrap();
    assert_eq!(
        tree.seen().await,
        one("files/unexpected-engine", Severity::Error, "kasia/db")
    );
    std::fs::write(tree.at("kasia/db/version"), "FJL\u{2}").unwrap();
    for part in ["journals", "partitions"] {
        assert_eq!(
            tree.seen().await,
            one("files/unexpected-engine", Severity::Error, "kasia/db")
        );
        std::fs::create_dir(tree.at("kasia/db").join(part)).unwrap();
    }
    assert_eq!(tree.seen().await, []);
    // CURRENT names what is not there.
    std::fs::remove_file(tree.at("kasia/db/version")).unwrap();
    std::fs::write(&current, "MANIFEST-000002\n").unwrap();
    assert_eq!(
        tree.seen().await,
        one("files/unexpected-engine", Severity::Error, "kasia/db")
    );
    std::fs::remove_dir_all(tree.at("kasia/db")).unwrap();
    std::fs::create_dir(tree.at("kasia/db")).unwrap();
    chmod(&tree.at("kasia/db"), 0o700);
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn symlinks() {
    let tree = Tree::clean().await;
    std::fs::rename(tree.at(RGB), tree.at("away")).unwrap();
    symlink(tree.at("away"), tree.at(RGB)).unwrap();
    let error = |path| one("files/symlink", Severity::Error, path);
    assert_eq!(tree.seen().await, error(RGB));
    std::fs::remove_file(tree.at(RGB)).unwrap();
    std::fs::rename(tree.at("away"), tree.at(RGB)).unwrap();
    let space = "pg/ksocial/pg_tblspc/16999";
    std::fs::create_dir(tree.at("rgb/storage/ts")).unwrap();
    symlink(tree.at("rgb/storage/ts"), tree.at(space)).unwrap();
    assert_eq!(tree.seen().await, error(space));
    std::fs::remove_file(tree.at(space)).unwrap();
    // A disk of its own, and a parent that is a symlink.
    symlink("/dev", tree.at(space)).unwrap();
    std::fs::rename(tree.at("kasia"), tree.at("kasia_real")).unwrap();
    symlink("kasia_real", tree.at("kasia")).unwrap();
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn a_wallet_behind_a_symlink_is_told_and_not_missed() {
    let tree = Tree::clean().await;
    let wallet = "rgb/storage/rgb_sqlite/8e5c1a77";
    for path in [wallet, WALLET] {
        std::fs::rename(tree.at(path), tree.at("away")).unwrap();
        symlink(tree.at("away"), tree.at(path)).unwrap();
        // And nothing says that there is no database.
        let seen = tree.seen().await;
        assert_eq!(seen, one("files/symlink", Severity::Error, path));
        std::fs::remove_file(tree.at(path)).unwrap();
        std::fs::rename(tree.at("away"), tree.at(path)).unwrap();
    }
    // Nor does one that stays within, or one that leads nowhere, hide the rest.
    symlink("8e5c1a77", tree.at(RGB).join("alias")).unwrap();
    assert_eq!(tree.seen().await, []);
    let dangling = tree.at(RGB).join("gone");
    symlink(tree.at("nowhere"), &dangling).unwrap();
    let path = "rgb/storage/rgb_sqlite/gone";
    assert_eq!(
        tree.seen().await,
        one("files/symlink", Severity::Error, path)
    );
}

#[tokio::test]
async fn symlinks_of_two_services_to_one_directory() {
    let tree = Tree::clean().await;
    std::fs::create_dir_all(tree.at("x/inner")).unwrap();
    for name in ["pg_wal", "pg_tblspc/16999", "pg_replslot"] {
        for (theirs, own) in [("x", "x"), ("x", "x/inner"), ("x/inner", "x")] {
            let (first, second) = (format!("pg/ksocial/{name}"), format!("pg/simply/{name}"));
            symlink(tree.at(theirs), tree.at(&first)).unwrap();
            assert_eq!(tree.seen().await, [], "{name}");
            symlink(tree.at(own), tree.at(&second)).unwrap();
            let seen = tree.seen().await;
            assert_eq!(seen, one("files/symlink", Severity::Error, &second));
            for path in [first, second] {
                std::fs::remove_file(tree.at(&path)).unwrap();
            }
        }
    }
    // Places side by side on one disk, and what holds no data.
    std::fs::create_dir(tree.at("x/beside")).unwrap();
    std::fs::write(tree.at("x/ca.pem"), "").unwrap();
    for (data, space) in [("ksocial", "inner"), ("simply", "beside")] {
        let link = |name: &str| tree.at("pg").join(data).join(name);
        symlink(tree.at("x").join(space), link("pg_tblspc/16999")).unwrap();
        symlink(tree.at("x"), link("log")).unwrap();
        symlink(tree.at("x/ca.pem"), link("root.crt")).unwrap();
    }
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn unreadable_sqlite() {
    let tree = Tree::clean().await;
    let whole = std::fs::read(tree.wallet()).unwrap();
    for broken in [
        &b""[..],
        b"not a database",
        b"SQLite format 3\0 and nothing",
    ] {
        std::fs::write(tree.wallet(), broken).unwrap();
        let (findings, gaps) = tree.check().await;
        assert_eq!(
            tree.short(findings),
            one("files/unreadable-sqlite", Severity::Error, WALLET)
        );
        // Its tables were not compared.
        assert_eq!(gaps.len(), 1);
    }
    std::fs::write(tree.wallet(), whole).unwrap();
    assert_eq!(tree.seen().await, []);
    let other = Other::holding(&tree.wallet(), "BEGIN EXCLUSIVE");
    let (findings, gaps) = tree.check().await;
    assert!(findings.iter().all(|found| found.actual.contains("locked")));
    assert_eq!(
        tree.short(findings),
        one("files/unreadable-sqlite", Severity::Warning, WALLET)
    );
    assert_eq!(gaps.len(), 1);
    other.kill();
    assert_eq!(tree.seen().await, []);
    let journal = tree.at(&format!("{WALLET}-journal"));
    std::fs::write(&journal, "x").unwrap();
    let (findings, _) = tree.check().await;
    assert!(
        findings
            .iter()
            .all(|found| found.message.contains("-journal"))
    );
    assert_eq!(
        tree.short(findings),
        one("files/unreadable-sqlite", Severity::Warning, WALLET)
    );
    std::fs::remove_file(journal).unwrap();
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn no_database() {
    let tree = Tree::clean().await;
    let wallet = tree.at("rgb/storage/rgb_sqlite/8e5c1a77");
    std::fs::rename(&wallet, tree.at("away")).unwrap();
    assert_eq!(
        tree.seen().await,
        one("files/no-database", Severity::Warning, RGB)
    );
    std::fs::rename(tree.at("away"), &wallet).unwrap();
    // A second wallet.
    let second = tree.at("rgb/storage/rgb_sqlite/9c0ffee1");
    std::fs::create_dir(&second).unwrap();
    std::fs::copy(tree.wallet(), second.join("rgb_lib_db")).unwrap();
    assert_eq!(tree.seen().await, []);
    // The wallet's other database is none of the library's.
    std::fs::remove_dir_all(second).unwrap();
    std::fs::remove_file(tree.wallet()).unwrap();
    assert_eq!(
        tree.seen().await,
        one("files/no-database", Severity::Warning, RGB)
    );
}

#[tokio::test]
async fn hard_link() {
    let tree = Tree::clean().await;
    std::fs::hard_link(tree.wallet(), tree.at("copy")).unwrap();
    assert_eq!(
        tree.seen().await,
        one("files/hard-link", Severity::Error, WALLET)
    );
    std::fs::remove_file(tree.at("copy")).unwrap();
    assert_eq!(tree.seen().await, []);
    // One file in two stores; one that is linked within its own is RocksDB's or a backup's matter.
    std::fs::hard_link(
        tree.at("pg/simply/global/pg_control"),
        tree.at("kasia/db/000009.sst"),
    )
    .unwrap();
    assert_eq!(
        tree.seen().await,
        one("files/hard-link", Severity::Error, "kasia/db/000009.sst")
    );
    std::fs::remove_file(tree.at("kasia/db/000009.sst")).unwrap();
    // Whatever it is, the pair of names is one cause.
    std::fs::hard_link(tree.wallet(), tree.at("kasia/db/000009.sst")).unwrap();
    let seen = tree.seen().await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(format!("{seen:?}").contains("files/hard-link"), "{seen:?}");
    std::fs::remove_file(tree.at("kasia/db/000009.sst")).unwrap();
    std::fs::hard_link(
        tree.at("kasia/db/000004.log"),
        tree.at("kasia/db/000010.log"),
    )
    .unwrap();
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn application_id() {
    let tree = Tree::clean().await;
    make(&tree.wallet(), "PRAGMA application_id = 1196444487").await;
    let (findings, gaps) = tree.check().await;
    assert_eq!(gaps, []);
    assert!(
        findings
            .iter()
            .all(|found| found.actual.contains("0x47504B47"))
    );
    assert_eq!(
        tree.short(findings),
        one("files/application-id", Severity::Error, WALLET)
    );
    make(&tree.wallet(), "PRAGMA application_id = 0").await;
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn foreign_dump() {
    let tree = Tree::clean().await;
    let plain = "--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.k_posts (\n";
    for (path, text) in [
        ("kasia/db/backup.sql", plain.to_owned()),
        ("pg/simply/ksocial", plain.to_owned()),
        (
            "rgb/storage/ldk_data/x",
            "PGDMP\u{1}\u{e}COPY public.k_posts (id) FROM stdin;".to_owned(),
        ),
        ("kasia/db/a.sql", "insert into k_posts values (1);".to_owned()),
        (
            "kasia/db/all.out",
            "--\n-- PostgreSQL database cluster dump\n--\n\\connect ksocial\nCREATE UNLOGGED TABLE\n  public.k_posts (a int);"
                .to_owned(),
        ),
        (
            "kasia/db/all.tar",
            format!("toc.dat{}PGDMP\0CREATE TABLE public.k_posts (", "\0".repeat(505)),
        ),
    ] {
        std::fs::write(tree.at(path), text).unwrap();
        let (findings, gaps) = tree.check().await;
        assert_eq!(gaps, []);
        let owners: Vec<_> = findings
            .iter()
            .map(|found| found.belongs_to.clone())
            .collect();
        assert_eq!(owners, [Some("k-indexer".to_owned())]);
        assert_eq!(
            tree.short(findings),
            one("files/foreign-dump", Severity::Warning, path)
        );
        std::fs::remove_file(tree.at(path)).unwrap();
    }
    // Its own, what both have, and what only speaks of it.
    for (path, text) in [
        ("pg/ksocial/own.sql", plain),
        ("pg/simply/both.sql", "CREATE TABLE vars (key text);"),
        ("kasia/db/notes.sql", "-- k_posts is elsewhere"),
        (
            "kasia/db/comment.sql",
            "-- CREATE TABLE public.k_posts (a int);\n/* COPY k_posts FROM stdin; */",
        ),
    ] {
        std::fs::write(tree.at(path), text).unwrap();
    }
    assert_eq!(tree.seen().await, []);
}

#[tokio::test]
async fn a_running_rocksdb_is_told() {
    let tree = Tree::clean().await;
    std::fs::write(tree.at("kasia/db/LOCK"), "").unwrap();
    let running = || async {
        let kasia = tree.services.last().unwrap();
        let Some(Fact::Known(facts)) = crate::files::read(kasia).await else {
            panic!()
        };
        let contents = facts.directories.last().unwrap().contents.known().unwrap();
        contents.running.clone()
    };
    assert_eq!(running().await, Vec::<PathBuf>::new());
    let other = Other::locking(&tree.at("kasia/db/LOCK"));
    assert_eq!(running().await, [PathBuf::from("LOCK")]);
    assert_eq!(tree.seen().await, []);
    other.kill();
    assert_eq!(running().await, Vec::<PathBuf>::new());
}

#[test]
fn every_rule_has_a_whole_help_page() {
    for rule in RULES {
        assert!(rule.help.starts_with(&format!("# {}\n", rule.id)));
        for heading in [
            "## Example",
            "## Why it matters",
            "## How to mend it",
            "## When to allow it",
        ] {
            assert!(rule.help.contains(heading), "{}: {heading}", rule.id);
        }
    }
}
