//! The order of initialisation: `migrate` waits for the RGB library's SQLite file. Real servers and real SQLite files.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _};

use crate::lab::{K, Lab, R};
use crate::verify_files::sqlite;

/// The tables of `rgb_lib_db`, as the RGB library's migrations name them.
pub const TABLES: &str = "\
    CREATE TABLE seaql_migrations (version TEXT PRIMARY KEY, applied_at INTEGER); \
    CREATE TABLE media (idx INTEGER PRIMARY KEY, digest TEXT, mime TEXT); \
    CREATE TABLE asset (idx INTEGER PRIMARY KEY, media_idx INTEGER REFERENCES media (idx), id TEXT); \
    CREATE TABLE txo (idx INTEGER PRIMARY KEY, txid TEXT, vout INTEGER, spent INTEGER); \
    CREATE TABLE batch_transfer (idx INTEGER PRIMARY KEY, txid TEXT, status INTEGER); \
    CREATE TABLE asset_transfer (idx INTEGER PRIMARY KEY, batch_transfer_idx INTEGER); \
    CREATE TABLE coloring (idx INTEGER PRIMARY KEY, txo_idx INTEGER); \
    CREATE TABLE transfer (idx INTEGER PRIMARY KEY, asset_transfer_idx INTEGER); \
    CREATE TABLE transport_endpoint (idx INTEGER PRIMARY KEY, endpoint TEXT); \
    CREATE TABLE transfer_transport_endpoint (idx INTEGER PRIMARY KEY, transfer_idx INTEGER); \
    CREATE TABLE token (idx INTEGER PRIMARY KEY, asset_idx INTEGER); \
    CREATE TABLE token_media (idx INTEGER PRIMARY KEY, token_idx INTEGER); \
    CREATE TABLE wallet_transaction (idx INTEGER PRIMARY KEY, txid TEXT); \
    CREATE TABLE backup_info (idx INTEGER PRIMARY KEY, last_backup_timestamp TEXT)";

/// A lab whose RGB node has a storage directory, which is not made yet.
fn lab() -> Lab {
    let mut lab = Lab::new();
    lab.edit(
        "set = \"rgb_users\"\n",
        "set = \"rgb_users\"\nstorage_dir = { env = \"STORAGE\" }\n",
    );
    let storage = lab.path().join("storage").display().to_string();
    lab.env.insert("STORAGE".to_owned(), storage);
    lab
}

/// The library's file; its folder is there afterwards.
fn wallet(lab: &Lab) -> PathBuf {
    let folder = lab.path().join("storage/rgb_sqlite/8e5c1a77");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join("rgb_lib_db")
}

const MIGRATE: &[&str] = &["migrate", "--service", R];

fn tables(lab: &Lab) -> String {
    lab.sql(
        "rgb_lightning_node",
        "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace \
         WHERE nspname IN ('public', 'dbctl') AND relkind = 'r'",
    )
}

#[test]
fn each_missing_step_is_said_and_postgresql_stays_as_it_is() {
    let lab = lab();
    // The directories are provision's to make: begin with a database alone.
    lab.run(&["provision", "-q"]).exits(0);
    std::fs::remove_dir_all(lab.path().join("storage")).unwrap();
    lab.run(MIGRATE)
        .exits(4)
        .says("storage is missing: run `dbctl provision --service rgb-lightning-node`, then unlock the node")
        .says("PostgreSQL comes after it, the user tables last; nothing was changed");
    lab.run(&["provision", "--service", R, "-q"]).exits(0);
    lab.run(MIGRATE)
        .exits(4)
        .says("rgb_sqlite holds no SQLite file of the RGB library: unlock the node");
    // A wallet's other database is none of the library's.
    let file = wallet(&lab);
    sqlite(
        &file.with_file_name("bdk_db"),
        "CREATE TABLE bdk_txout (a INTEGER)",
    );
    lab.run(MIGRATE).exits(4).says("unlock the node");
    // SQLite makes an empty file first.
    std::fs::write(&file, "").unwrap();
    lab.run(MIGRATE).exits(4).says("lacks 12 of");
    sqlite(
        &file,
        "CREATE TABLE seaql_migrations (version TEXT); CREATE TABLE txo (idx INTEGER); CREATE TABLE asset (idx INTEGER)",
    );
    lab.run(MIGRATE)
        .exits(4)
        .says("rgb_lib_db lacks 9 of the RGB library's tables (asset_transfer, backup_info,");
    lab.run(&["migrate", "--dry-run", "--service", R])
        .exits(4)
        .says("lacks 9 of");
    assert_eq!(tables(&lab), "0");
    // The other services are not held up.
    lab.run(&["migrate", "-q"]).exits(4).says("lacks 9 of");
    let status = lab.json(&["status"], 0);
    assert_eq!(status["services"][0]["state"], "up_to_date", "{status}");
    assert_eq!(status["services"][0]["name"], K);
    assert_eq!(tables(&lab), "0");
    std::fs::remove_file(&file).unwrap();
    sqlite(&file, TABLES);
    lab.run(MIGRATE).exits(0);
    assert_ne!(tables(&lab), "0");
}

#[test]
fn the_server_is_not_asked_before_the_library_is_done() {
    let mut lab = lab();
    lab.env.insert(
        "RGB_USERS_URL".to_owned(),
        format!(
            "postgresql://{}:x@127.0.0.1:1/{}",
            lab.db("rgb_user"),
            lab.db("rgb_lightning_node")
        ),
    );
    let run = lab.run(MIGRATE).exits(4).says("storage is missing");
    assert!(!run.all().contains("refused"), "{}", run.all());
    sqlite(&wallet(&lab), TABLES);
    lab.run(MIGRATE).exits(4).says("refused");
}

#[test]
fn the_library_is_waited_for() {
    let lab = lab();
    lab.run(&["provision", "-q"]).exits(0);
    let file = wallet(&lab);
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(2));
        sqlite(&file, TABLES);
    });
    let started = Instant::now();
    lab.run(&["migrate", "--service", R, "--wait", "60"])
        .exits(0);
    assert!(started.elapsed() >= Duration::from_secs(2));
    late.join().unwrap();
    assert_ne!(tables(&lab), "0");
}

#[test]
fn what_is_busy_is_waited_for_and_what_is_broken_is_not() {
    let lab = lab();
    lab.run(&["provision", "-q"]).exits(0);
    let file = wallet(&lab);
    sqlite(&file, TABLES);
    // An operation of the library, or what a crash left of one.
    let lock = file.with_file_name("rgb_runtime.lock");
    std::fs::write(&lock, "").unwrap();
    lab.run(MIGRATE)
        .exits(4)
        .says("rgb_runtime.lock is there: an operation of the RGB library runs");
    let ends = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        std::fs::remove_file(&lock).unwrap();
    });
    lab.run(&["migrate", "--dry-run", "--service", R]).exits(0);
    ends.join().unwrap();
    // A transaction that writes, in both journal modes.
    for mode in ["DELETE", "WAL"] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let connection = runtime.block_on(async {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
            let mut connection = sqlx::SqliteConnection::connect_with(&options)
                .await
                .unwrap();
            let begin = format!(
                "PRAGMA journal_mode = {mode}; BEGIN IMMEDIATE; INSERT INTO txo (txid) VALUES ('a')"
            );
            connection
                .execute(sqlx::AssertSqlSafe(begin))
                .await
                .unwrap();
            connection
        });
        lab.run(MIGRATE)
            .exits(4)
            .says("a transaction that writes is open");
        runtime.block_on(connection.close()).unwrap();
    }
    assert_eq!(tables(&lab), "0");
    // Waiting does not mend a file that is no database.
    std::fs::write(&file, "this is no database at all").unwrap();
    let started = Instant::now();
    lab.run(&["migrate", "--service", R, "--wait", "60"])
        .exits(4)
        .says(
            "it does not begin with SQLite's header; stop rgb-lightning-node and restore the file",
        );
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(tables(&lab), "0");
}

#[test]
fn a_node_with_one_user_has_nothing_to_wait_for() {
    let lab = lab();
    lab.edit("role = \"rgb_user", "optional = true\nrole = \"rgb_user");
    let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    // Without parts the URL alone says where the database is, and it is not set.
    let (others, rgb) = manifest
        .split_once("[services.rgb-lightning-node]")
        .unwrap();
    let rgb: Vec<&str> = rgb
        .lines()
        .filter(|line| {
            !["host", "port", "password"]
                .iter()
                .any(|key| line.starts_with(key))
        })
        .collect();
    lab.write(
        "dbctl.toml",
        format!("{others}[services.rgb-lightning-node]{}\n", rgb.join("\n")),
    );
    lab.run(MIGRATE).exits(0).says("not configured");
}
