//! Group `files` on real directories and real SQLite files, with the built-in manifest and no server at all.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sqlx::{Connection as _, Executor as _};

use crate::lab::{K, R, Run, S, dbctl, finish};
use crate::verify_cases::{list, shown, text};

pub const KASIA: &str = "kasia-indexer";

/// The directories of three services as they should be, below one folder.
pub struct Tree {
    folder: tempfile::TempDir,
    /// What RGB_STORAGE_DIR names.
    pub storage: PathBuf,
    /// What KASIA_DATA_DIR names.
    pub kasia: PathBuf,
    /// Where k-indexer's server keeps its files.
    pub pgdata: PathBuf,
}

impl Tree {
    fn clean() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = Self {
            storage: folder.path().join("storage"),
            kasia: folder.path().join("kasia"),
            pgdata: folder.path().join("pgdata"),
            folder,
        };
        for directory in ["storage", "storage/ldk_data", "storage/rgb_sqlite", "kasia"] {
            fs::create_dir(tree.at(directory)).unwrap();
            chmod(&tree.at(directory), 0o700);
        }
        fs::create_dir(tree.at("storage/rgb_sqlite/8e5c1a77")).unwrap();
        // All that the RGB library's migrations make.
        sqlite(
            &tree.wallet(),
            "CREATE TABLE txo (idx INTEGER); CREATE TABLE media (idx INTEGER); CREATE TABLE asset (idx INTEGER);
             CREATE TABLE batch_transfer (idx INTEGER); CREATE TABLE asset_transfer (idx INTEGER); CREATE TABLE coloring (idx INTEGER);
             CREATE TABLE transfer (idx INTEGER); CREATE TABLE transport_endpoint (idx INTEGER);
             CREATE TABLE transfer_transport_endpoint (idx INTEGER); CREATE TABLE token (idx INTEGER);
             CREATE TABLE token_media (idx INTEGER); CREATE TABLE wallet_transaction (idx INTEGER);
             CREATE TABLE pending_witness_script (idx INTEGER); CREATE TABLE backup_info (idx INTEGER);
             CREATE TABLE reserved_txo (idx INTEGER); CREATE TABLE seaql_migrations (version TEXT)",
        );
        sqlite(
            &tree.at("storage/rgb_sqlite/8e5c1a77/bdk_db"),
            "CREATE TABLE bdk_txout (vout INTEGER)",
        );
        rocksdb(&tree.at("kasia"));
        postgres(&tree.pgdata);
        // The built-in manifest, and a server of k-indexer's on this machine.
        let manifest = include_str!("../../src/manifest/builtin.toml").replace(
            "role = \"k_social_user\"\n",
            "role = \"k_social_user\"\ndata_dir = { env = \"K_PGDATA\" }\n",
        );
        assert!(manifest.contains("K_PGDATA"));
        fs::write(tree.at("dbctl.toml"), manifest).unwrap();
        tree
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn wallet(&self) -> PathBuf {
        self.at(WALLET)
    }

    fn dbctl(&self, args: &[&str]) -> Command {
        let mut command = dbctl(self.folder.path());
        command
            .args(args)
            .args(["--service", R, "--service", KASIA])
            .env("RGB_STORAGE_DIR", &self.storage)
            .env("KASIA_DATA_DIR", &self.kasia);
        command
    }

    fn command(&self, args: &[&str]) -> Run {
        finish(self.dbctl(args))
    }

    /// The two services that have no server.
    fn verify(&self) -> Value {
        report(self.command(&["verify", "--format", "json"]))
    }

    /// All three: what lies in files needs no server.
    fn check(&self) -> Value {
        let mut command = self.dbctl(&["check", "--format", "json", "--service", K]);
        command.env("K_PGDATA", &self.pgdata);
        report(finish(command))
    }
}

fn report(run: Run) -> Value {
    let report = run.json();
    let code = match text(&report, "status") {
        "pass" => 0,
        "fail" => 1,
        "incomplete" => 4,
        other => panic!("{other}"),
    };
    assert_eq!(run.code, code, "{}", shown(&report));
    report
}

pub fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub fn rocksdb(path: &Path) {
    for (name, text) in [
        ("CURRENT", "MANIFEST-000001\n"),
        ("MANIFEST-000001", "m"),
        ("IDENTITY", "0f1e-2d3c"),
        ("OPTIONS-000005", "[Version]\n"),
        ("000003.sst", "x"),
    ] {
        fs::write(path.join(name), text).unwrap();
    }
}

/// What initdb leaves, as far as it is recognised.
pub fn postgres(path: &Path) {
    for directory in ["global", "base", "pg_tblspc"] {
        fs::create_dir_all(path.join(directory)).unwrap();
    }
    chmod(path, 0o700);
    fs::write(path.join("PG_VERSION"), "17\n").unwrap();
    fs::write(path.join("global/pg_control"), [0; 8192]).unwrap();
}

/// What fjall leaves.
pub fn fjall(path: &Path) {
    fs::create_dir_all(path.join("journals")).unwrap();
    fs::create_dir_all(path.join("partitions")).unwrap();
    fs::write(path.join("version"), b"FJL\x02").unwrap();
}

fn set_byte(path: &Path, at: usize, byte: u8) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] = byte;
    fs::write(path, bytes).unwrap();
}

pub fn sqlite(path: &Path, script: &'static str) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let options = sqlx::sqlite::SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true);
            let mut connection = sqlx::SqliteConnection::connect_with(&options)
                .await
                .unwrap();
            connection.execute(script).await.unwrap();
            connection.close().await.unwrap();
        });
}

/// What ends a case: by hand, or what its remedy says.
pub type Mend = fn(&mut Tree, remedy: &str);

pub struct Case {
    pub rule: &'static str,
    pub severity: &'static str,
    pub service: &'static str,
    pub object: (&'static str, &'static str),
    pub says: &'static [&'static str],
    pub plant: fn(&mut Tree),
    pub mend: Mend,
}

/// Runs the shell command or the command of dbctl's that a remedy names.
pub fn remedy(tree: &mut Tree, remedy: &str) {
    if let Some((_, command)) = remedy.split_once("`dbctl ") {
        let args: Vec<&str> = command.split('`').next().unwrap().split(' ').collect();
        tree.command(&args).exits(0);
    } else {
        let done = Command::new("sh").args(["-c", remedy]).status().unwrap();
        assert!(done.success(), "{remedy}");
    }
}

pub const WALLET: &str = "storage/rgb_sqlite/8e5c1a77/rgb_lib_db";
const JOURNAL: &str = "storage/rgb_sqlite/8e5c1a77/rgb_lib_db-journal";

const CASES: &[Case] = &[
    Case {
        rule: "files/missing-directory",
        severity: "error",
        service: R,
        object: ("directory", "storage"),
        says: &["storage", "missing"],
        plant: |tree| fs::rename(tree.at("storage"), tree.at("away")).unwrap(),
        mend: |tree, text| {
            remedy(tree, text);
            fs::remove_dir_all(tree.at("storage")).unwrap();
            fs::rename(tree.at("away"), tree.at("storage")).unwrap();
        },
    },
    Case {
        rule: "files/missing-directory",
        severity: "error",
        service: R,
        object: ("directory", "storage/ldk_data"),
        says: &["ldk_data", "is a file"],
        plant: |tree| {
            fs::remove_dir(tree.at("storage/ldk_data")).unwrap();
            fs::write(tree.at("storage/ldk_data"), "x").unwrap();
        },
        mend: |tree, text| {
            fs::remove_file(tree.at("storage/ldk_data")).unwrap();
            remedy(tree, text);
        },
    },
    Case {
        rule: "files/open-permissions",
        severity: "error",
        service: KASIA,
        object: ("directory", "kasia"),
        says: &["kasia", "0755"],
        plant: |tree| chmod(&tree.at("kasia"), 0o755),
        mend: remedy,
    },
    Case {
        rule: "files/open-permissions",
        severity: "error",
        service: R,
        object: ("directory", "storage"),
        says: &["storage", "0770"],
        plant: |tree| chmod(&tree.at("storage"), 0o770),
        mend: remedy,
    },
    Case {
        rule: "files/shared-directory",
        severity: "error",
        service: R,
        object: ("directory", "storage"),
        says: &["kasia", "storage", KASIA],
        plant: |tree| {
            fs::rename(tree.at("kasia"), tree.at("away")).unwrap();
            symlink(tree.at("storage"), tree.at("kasia")).unwrap();
        },
        mend: |tree, _| {
            fs::remove_file(tree.at("kasia")).unwrap();
            fs::rename(tree.at("away"), tree.at("kasia")).unwrap();
        },
    },
    Case {
        rule: "files/symlink",
        severity: "error",
        service: R,
        object: ("directory", "storage/rgb_sqlite"),
        says: &["rgb_sqlite", "elsewhere"],
        plant: |tree| {
            fs::rename(tree.at("storage/rgb_sqlite"), tree.at("elsewhere")).unwrap();
            symlink(tree.at("elsewhere"), tree.at("storage/rgb_sqlite")).unwrap();
        },
        mend: |tree, _| {
            fs::remove_file(tree.at("storage/rgb_sqlite")).unwrap();
            fs::rename(tree.at("elsewhere"), tree.at("storage/rgb_sqlite")).unwrap();
        },
    },
    Case {
        rule: "files/symlink",
        severity: "error",
        service: R,
        object: ("file", "storage/ldk_data/link"),
        says: &["link", "kasia", KASIA],
        plant: |tree| symlink(tree.at("kasia"), tree.at("storage/ldk_data/link")).unwrap(),
        mend: |tree, _| fs::remove_file(tree.at("storage/ldk_data/link")).unwrap(),
    },
    Case {
        rule: "files/foreign-engine",
        severity: "error",
        service: KASIA,
        object: ("file", "kasia/cache.db"),
        says: &["SQLite", "kasia/cache.db"],
        plant: |tree| sqlite(&tree.at("kasia/cache.db"), "CREATE TABLE a (b)"),
        mend: |tree, _| fs::remove_file(tree.at("kasia/cache.db")).unwrap(),
    },
    Case {
        rule: "files/foreign-engine",
        severity: "error",
        service: R,
        object: ("directory", "storage/rgb_sqlite/pg"),
        says: &["PostgreSQL", "PG_VERSION", "rgb_sqlite/pg"],
        plant: |tree| {
            postgres(&tree.at("storage/rgb_sqlite/pg"));
        },
        mend: |tree, _| fs::remove_dir_all(tree.at("storage/rgb_sqlite/pg")).unwrap(),
    },
    Case {
        rule: "files/unexpected-engine",
        severity: "error",
        service: KASIA,
        object: ("directory", "kasia"),
        says: &["kasia", "RocksDB", "fjall"],
        plant: |tree| fs::rename(tree.at("kasia/CURRENT"), tree.at("kasia/CURRENT.bak")).unwrap(),
        mend: |tree, _| fs::rename(tree.at("kasia/CURRENT.bak"), tree.at("kasia/CURRENT")).unwrap(),
    },
    Case {
        rule: "files/no-database",
        severity: "warning",
        service: R,
        object: ("directory", "storage/rgb_sqlite"),
        says: &["rgb_sqlite", "no SQLite file"],
        plant: |tree| fs::rename(tree.at("storage/rgb_sqlite/8e5c1a77"), tree.at("away")).unwrap(),
        mend: |tree, _| {
            fs::rename(tree.at("away"), tree.at("storage/rgb_sqlite/8e5c1a77")).unwrap()
        },
    },
    Case {
        rule: "files/wrong-tables",
        severity: "error",
        service: R,
        object: ("file", WALLET),
        says: &["ln_user_wallets", "virtual_channels", "rgb_lib_db"],
        plant: |tree| {
            sqlite(
                &tree.wallet(),
                "CREATE TABLE ln_user_wallets (a); CREATE TABLE virtual_channels (a)",
            )
        },
        mend: |tree, _| {
            sqlite(
                &tree.wallet(),
                "DROP TABLE ln_user_wallets; DROP TABLE virtual_channels",
            )
        },
    },
    Case {
        rule: "files/wrong-tables",
        severity: "error",
        service: R,
        object: ("file", WALLET),
        says: &["K_Posts", "k-indexer"],
        plant: |tree| sqlite(&tree.wallet(), "CREATE VIEW K_Posts AS SELECT 1 AS a"),
        mend: |tree, _| sqlite(&tree.wallet(), "DROP VIEW K_Posts"),
    },
    // The wallet's program makes neither.
    Case {
        rule: "files/wrong-tables",
        severity: "warning",
        service: R,
        object: ("file", WALLET),
        says: &["rgb_lib_db", "trigger Copy on txo, view v,"],
        plant: |tree| {
            sqlite(
                &tree.wallet(),
                "CREATE VIEW v AS SELECT 1 AS a; CREATE TRIGGER Copy AFTER INSERT ON txo BEGIN DELETE FROM coloring; END",
            )
        },
        mend: |tree, _| sqlite(&tree.wallet(), "DROP VIEW v; DROP TRIGGER Copy"),
    },
    // SQLite opens it for reading only.
    Case {
        rule: "files/unreadable-sqlite",
        severity: "error",
        service: R,
        object: ("file", WALLET),
        says: &["rgb_lib_db", "can be read and not written"],
        plant: |tree| set_byte(&tree.wallet(), 18, 3),
        mend: |tree, _| {
            let bytes = fs::read(tree.wallet()).unwrap();
            set_byte(&tree.wallet(), 18, bytes[19]);
        },
    },
    Case {
        rule: "files/unreadable-sqlite",
        severity: "error",
        service: R,
        object: ("file", WALLET),
        says: &["rgb_lib_db", "0 bytes"],
        plant: |tree| {
            fs::rename(tree.wallet(), tree.at("away")).unwrap();
            fs::write(tree.wallet(), "").unwrap();
        },
        mend: |tree, _| fs::rename(tree.at("away"), tree.wallet()).unwrap(),
    },
    Case {
        rule: "files/hard-link",
        severity: "error",
        service: R,
        object: ("file", WALLET),
        says: &["rgb_lib_db", "2 names"],
        plant: |tree| fs::hard_link(tree.wallet(), tree.at("copy")).unwrap(),
        mend: |tree, _| fs::remove_file(tree.at("copy")).unwrap(),
    },
    Case {
        rule: "files/missing-directory",
        severity: "error",
        service: R,
        object: ("directory", "storage"),
        says: &["storage", "is a file"],
        plant: |tree| {
            fs::rename(tree.at("storage"), tree.at("away")).unwrap();
            fs::write(tree.at("storage"), "x").unwrap();
        },
        mend: |tree, _| {
            fs::remove_file(tree.at("storage")).unwrap();
            fs::rename(tree.at("away"), tree.at("storage")).unwrap();
        },
    },
    Case {
        rule: "files/missing-directory",
        severity: "error",
        service: R,
        object: ("directory", "storage"),
        says: &["storage", "a symlink that leads nowhere"],
        plant: |tree| {
            fs::rename(tree.at("storage"), tree.at("away")).unwrap();
            symlink(tree.at("nowhere"), tree.at("storage")).unwrap();
        },
        mend: |tree, _| {
            fs::remove_file(tree.at("storage")).unwrap();
            fs::rename(tree.at("away"), tree.at("storage")).unwrap();
        },
    },
    Case {
        rule: "files/missing-directory",
        severity: "error",
        service: R,
        object: ("directory", "storage/rgb_sqlite"),
        says: &["rgb_sqlite", "missing"],
        plant: |tree| fs::rename(tree.at("storage/rgb_sqlite"), tree.at("away")).unwrap(),
        mend: |tree, text| {
            remedy(tree, text);
            fs::remove_dir(tree.at("storage/rgb_sqlite")).unwrap();
            fs::rename(tree.at("away"), tree.at("storage/rgb_sqlite")).unwrap();
        },
    },
    Case {
        rule: "files/missing-directory",
        severity: "error",
        service: R,
        object: ("directory", "storage/rgb_sqlite"),
        says: &["rgb_sqlite", "is a file"],
        plant: |tree| {
            fs::rename(tree.at("storage/rgb_sqlite"), tree.at("away")).unwrap();
            fs::write(tree.at("storage/rgb_sqlite"), "x").unwrap();
        },
        mend: |tree, _| {
            fs::remove_file(tree.at("storage/rgb_sqlite")).unwrap();
            fs::rename(tree.at("away"), tree.at("storage/rgb_sqlite")).unwrap();
        },
    },
    Case {
        rule: "files/missing-directory",
        severity: "error",
        service: KASIA,
        object: ("directory", "kasia"),
        says: &["kasia", "missing"],
        plant: |tree| fs::rename(tree.at("kasia"), tree.at("away")).unwrap(),
        mend: |tree, text| {
            remedy(tree, text);
            fs::remove_dir(tree.at("kasia")).unwrap();
            fs::rename(tree.at("away"), tree.at("kasia")).unwrap();
        },
    },
    // A server's files may lie on another host: a warning.
    Case {
        rule: "files/missing-directory",
        severity: "warning",
        service: K,
        object: ("directory", "pgdata"),
        says: &["pgdata", "missing"],
        plant: |tree| fs::rename(tree.at("pgdata"), tree.at("away")).unwrap(),
        mend: |tree, _| fs::rename(tree.at("away"), tree.at("pgdata")).unwrap(),
    },
    Case {
        rule: "files/open-permissions",
        severity: "error",
        service: R,
        object: ("directory", "storage/rgb_sqlite"),
        says: &["rgb_sqlite", "0755"],
        plant: |tree| chmod(&tree.at("storage/rgb_sqlite"), 0o755),
        mend: remedy,
    },
    Case {
        rule: "files/open-permissions",
        severity: "error",
        service: K,
        object: ("directory", "pgdata"),
        says: &["pgdata", "0755"],
        plant: |tree| chmod(&tree.at("pgdata"), 0o755),
        mend: remedy,
    },
    // Nobody can list the directories, but everybody can open what lies there under a known name.
    Case {
        rule: "files/open-permissions",
        severity: "error",
        service: R,
        object: ("file", WALLET),
        says: &["rgb_lib_db", "everybody"],
        plant: |tree| {
            for directory in [
                "storage",
                "storage/rgb_sqlite",
                "storage/rgb_sqlite/8e5c1a77",
            ] {
                chmod(&tree.at(directory), 0o711);
            }
            chmod(&tree.at("storage/rgb_sqlite/8e5c1a77/bdk_db"), 0o600);
            chmod(&tree.wallet(), 0o604);
        },
        mend: |tree, text| {
            remedy(tree, text);
            chmod(&tree.at("storage"), 0o700);
        },
    },
    Case {
        rule: "files/shared-directory",
        severity: "error",
        service: R,
        object: ("directory", "kasia"),
        says: &["same directory", KASIA],
        plant: |tree| {
            fs::create_dir(tree.at("kasia/ldk_data")).unwrap();
            fs::rename(tree.at("storage/rgb_sqlite"), tree.at("kasia/rgb_sqlite")).unwrap();
            tree.storage = tree.at("kasia");
        },
        mend: |tree, _| {
            fs::remove_dir(tree.at("kasia/ldk_data")).unwrap();
            fs::rename(tree.at("kasia/rgb_sqlite"), tree.at("storage/rgb_sqlite")).unwrap();
            tree.storage = tree.at("storage");
        },
    },
    Case {
        rule: "files/shared-directory",
        severity: "error",
        service: KASIA,
        object: ("directory", "storage/kasia"),
        says: &["lies inside", R],
        plant: |tree| {
            fs::rename(tree.at("kasia"), tree.at("storage/kasia")).unwrap();
            tree.kasia = tree.at("storage/kasia");
        },
        mend: |tree, _| {
            fs::rename(tree.at("storage/kasia"), tree.at("kasia")).unwrap();
            tree.kasia = tree.at("kasia");
        },
    },
    Case {
        rule: "files/shared-directory",
        severity: "error",
        service: R,
        object: ("directory", "kasia/storage"),
        says: &["lies inside", KASIA],
        plant: |tree| {
            fs::rename(tree.at("storage"), tree.at("kasia/storage")).unwrap();
            tree.storage = tree.at("kasia/storage");
        },
        mend: |tree, _| {
            fs::rename(tree.at("kasia/storage"), tree.at("storage")).unwrap();
            tree.storage = tree.at("storage");
        },
    },
    // The path has a symlink in its middle: only where it leads tells that it is inside the other.
    Case {
        rule: "files/shared-directory",
        severity: "error",
        service: KASIA,
        object: ("directory", "alias/kasia"),
        says: &["alias/kasia", "which is", "lies inside", R],
        plant: |tree| {
            fs::rename(tree.at("kasia"), tree.at("storage/ldk_data/kasia")).unwrap();
            symlink(tree.at("storage/ldk_data"), tree.at("alias")).unwrap();
            tree.kasia = tree.at("alias/kasia");
        },
        mend: |tree, _| {
            fs::rename(tree.at("storage/ldk_data/kasia"), tree.at("kasia")).unwrap();
            fs::remove_file(tree.at("alias")).unwrap();
            tree.kasia = tree.at("kasia");
        },
    },
    Case {
        rule: "files/shared-directory",
        severity: "error",
        service: K,
        object: ("directory", "storage/rgb_sqlite/pg"),
        says: &["lies inside", "rgb_sqlite", R],
        plant: |tree| {
            fs::rename(tree.at("pgdata"), tree.at("storage/rgb_sqlite/pg")).unwrap();
            tree.pgdata = tree.at("storage/rgb_sqlite/pg");
        },
        mend: |tree, _| {
            fs::rename(tree.at("storage/rgb_sqlite/pg"), tree.at("pgdata")).unwrap();
            tree.pgdata = tree.at("pgdata");
        },
    },
    Case {
        rule: "files/shared-directory",
        severity: "error",
        service: R,
        object: ("directory", "storage/ldk_data"),
        says: &["ldk_data", "same directory", "rgb_sqlite"],
        plant: |tree| {
            fs::remove_dir(tree.at("storage/ldk_data")).unwrap();
            symlink(tree.at("storage/rgb_sqlite"), tree.at("storage/ldk_data")).unwrap();
        },
        mend: |tree, _| {
            fs::remove_file(tree.at("storage/ldk_data")).unwrap();
            fs::create_dir(tree.at("storage/ldk_data")).unwrap();
            chmod(&tree.at("storage/ldk_data"), 0o700);
        },
    },
    Case {
        rule: "files/symlink",
        severity: "error",
        service: K,
        object: ("file", "pgdata/pg_tblspc/16401"),
        says: &["16401", "kasia", KASIA],
        plant: |tree| symlink(tree.at("kasia"), tree.at("pgdata/pg_tblspc/16401")).unwrap(),
        mend: |tree, text| {
            assert!(text.contains("tablespace"), "{text}");
            fs::remove_file(tree.at("pgdata/pg_tblspc/16401")).unwrap();
        },
    },
    Case {
        rule: "files/foreign-engine",
        severity: "error",
        service: K,
        object: ("file", "pgdata/base/cache"),
        says: &["SQLite", "pgdata/base/cache"],
        plant: |tree| sqlite(&tree.at("pgdata/base/cache"), "CREATE TABLE a (b)"),
        mend: |tree, _| fs::remove_file(tree.at("pgdata/base/cache")).unwrap(),
    },
    Case {
        rule: "files/foreign-engine",
        severity: "error",
        service: R,
        object: ("file", "storage/rgb_lib_db"),
        says: &["SQLite", "storage/rgb_lib_db"],
        plant: |tree| {
            fs::copy(tree.wallet(), tree.at("storage/rgb_lib_db")).unwrap();
        },
        mend: |tree, _| fs::remove_file(tree.at("storage/rgb_lib_db")).unwrap(),
    },
    Case {
        rule: "files/foreign-engine",
        severity: "error",
        service: R,
        object: ("file", "storage/ldk_data/notes"),
        says: &["SQLite", "ldk_data/notes"],
        plant: |tree| sqlite(&tree.at("storage/ldk_data/notes"), "CREATE TABLE a (b)"),
        mend: |tree, _| fs::remove_file(tree.at("storage/ldk_data/notes")).unwrap(),
    },
    Case {
        rule: "files/foreign-engine",
        severity: "error",
        service: R,
        object: ("directory", "storage/rgb_sqlite/kv"),
        says: &["RocksDB", "MANIFEST-000001", "rgb_sqlite/kv", KASIA],
        plant: |tree| {
            fs::create_dir(tree.at("storage/rgb_sqlite/kv")).unwrap();
            rocksdb(&tree.at("storage/rgb_sqlite/kv"));
        },
        mend: |tree, _| fs::remove_dir_all(tree.at("storage/rgb_sqlite/kv")).unwrap(),
    },
    Case {
        rule: "files/foreign-engine",
        severity: "error",
        service: R,
        object: ("directory", "storage/ldk_data/store"),
        says: &["fjall", "ldk_data/store"],
        plant: |tree| fjall(&tree.at("storage/ldk_data/store")),
        mend: |tree, _| fs::remove_dir_all(tree.at("storage/ldk_data/store")).unwrap(),
    },
    Case {
        rule: "files/foreign-engine",
        severity: "error",
        service: R,
        object: ("directory", "storage"),
        says: &["PostgreSQL", "PG_VERSION", "storage"],
        plant: |tree| fs::write(tree.at("storage/PG_VERSION"), "17\n").unwrap(),
        mend: |tree, _| fs::remove_file(tree.at("storage/PG_VERSION")).unwrap(),
    },
    Case {
        rule: "files/foreign-engine",
        severity: "error",
        service: KASIA,
        object: ("directory", "kasia/pg"),
        says: &["PostgreSQL", "kasia/pg", "k-indexer"],
        plant: |tree| postgres(&tree.at("kasia/pg")),
        mend: |tree, _| fs::remove_dir_all(tree.at("kasia/pg")).unwrap(),
    },
    Case {
        rule: "files/foreign-engine",
        severity: "error",
        service: K,
        object: ("directory", "pgdata/base/kv"),
        says: &["RocksDB", "pgdata/base/kv"],
        plant: |tree| {
            fs::create_dir(tree.at("pgdata/base/kv")).unwrap();
            rocksdb(&tree.at("pgdata/base/kv"));
        },
        mend: |tree, _| fs::remove_dir_all(tree.at("pgdata/base/kv")).unwrap(),
    },
    Case {
        rule: "files/unexpected-engine",
        severity: "error",
        service: KASIA,
        object: ("directory", "kasia"),
        says: &["CURRENT names MANIFEST-000001", "not there"],
        plant: |tree| fs::rename(tree.at("kasia/MANIFEST-000001"), tree.at("away")).unwrap(),
        mend: |tree, _| fs::rename(tree.at("away"), tree.at("kasia/MANIFEST-000001")).unwrap(),
    },
    Case {
        rule: "files/no-database",
        severity: "warning",
        service: R,
        object: ("directory", "storage/rgb_sqlite"),
        says: &["rgb_sqlite", "no SQLite file"],
        plant: |tree| fs::rename(tree.wallet(), tree.at("away")).unwrap(),
        mend: |tree, _| fs::rename(tree.at("away"), tree.wallet()).unwrap(),
    },
    Case {
        rule: "files/wrong-tables",
        severity: "error",
        service: R,
        object: ("file", WALLET),
        says: &["transactions_acceptances", S],
        plant: |tree| sqlite(&tree.wallet(), "CREATE TABLE transactions_acceptances (a)"),
        mend: |tree, _| sqlite(&tree.wallet(), "DROP TABLE transactions_acceptances"),
    },
    Case {
        rule: "files/unreadable-sqlite",
        severity: "error",
        service: R,
        object: ("file", WALLET),
        says: &["rgb_lib_db", "does not begin with SQLite's header"],
        plant: |tree| {
            fs::rename(tree.wallet(), tree.at("away")).unwrap();
            fs::write(tree.wallet(), "this is a text, and no database").unwrap();
        },
        mend: |tree, _| fs::rename(tree.at("away"), tree.wallet()).unwrap(),
    },
    // Its tables can be listed; only what lies in a page of one is broken.
    Case {
        rule: "files/unreadable-sqlite",
        severity: "error",
        service: R,
        object: ("file", WALLET),
        says: &["rgb_lib_db", "corrupt"],
        plant: |tree| {
            fs::copy(tree.wallet(), tree.at("away")).unwrap();
            sqlite(
                &tree.wallet(),
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO seaql_migrations SELECT hex(randomblob(20)) FROM n",
            );
            let mut bytes = fs::read(tree.wallet()).unwrap();
            let last = bytes.len() - 4096;
            bytes[last..last + 200].fill(0xa5);
            fs::write(tree.wallet(), bytes).unwrap();
        },
        mend: |tree, _| fs::rename(tree.at("away"), tree.wallet()).unwrap(),
    },
    Case {
        rule: "files/unreadable-sqlite",
        severity: "warning",
        service: R,
        object: ("file", WALLET),
        says: &["unfinished transaction", "rgb_lib_db-journal"],
        plant: |tree| fs::write(tree.at(JOURNAL), "a journal that nobody rolled back").unwrap(),
        mend: |tree, _| fs::remove_file(tree.at(JOURNAL)).unwrap(),
    },
    // No SQLite file: any file that two stores have in common.
    Case {
        rule: "files/hard-link",
        severity: "error",
        service: R,
        object: ("file", "storage/ldk_data/000003.sst"),
        says: &["hard link joins two stores", "kasia/000003.sst", KASIA],
        plant: |tree| {
            fs::hard_link(
                tree.at("kasia/000003.sst"),
                tree.at("storage/ldk_data/000003.sst"),
            )
            .unwrap()
        },
        mend: |tree, _| fs::remove_file(tree.at("storage/ldk_data/000003.sst")).unwrap(),
    },
    Case {
        rule: "files/application-id",
        severity: "error",
        service: R,
        object: ("file", WALLET),
        says: &["application_id 252006673", "0x0F055111"],
        plant: |tree| sqlite(&tree.wallet(), "PRAGMA application_id = 252006673"),
        mend: |tree, _| sqlite(&tree.wallet(), "PRAGMA application_id = 0"),
    },
    Case {
        rule: "files/foreign-dump",
        severity: "warning",
        service: R,
        object: ("file", "storage/ldk_data/backup.sql"),
        says: &["backup.sql", "k_posts", "k-indexer"],
        plant: |tree| {
            fs::write(
                tree.at("storage/ldk_data/backup.sql"),
                "--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.k_posts (\n    id bigint\n);\n",
            )
            .unwrap()
        },
        mend: |tree, _| fs::remove_file(tree.at("storage/ldk_data/backup.sql")).unwrap(),
    },
    // pg_dump's own format, whatever its name.
    Case {
        rule: "files/foreign-dump",
        severity: "warning",
        service: KASIA,
        object: ("file", "kasia/old"),
        says: &["kasia/old", "ln_user_wallets", R],
        plant: |tree| {
            fs::write(
                tree.at("kasia/old"),
                b"PGDMP\x01\x10\x00CREATE TABLE public.ln_user_wallets (",
            )
            .unwrap()
        },
        mend: |tree, _| fs::remove_file(tree.at("kasia/old")).unwrap(),
    },
    Case {
        rule: "files/foreign-dump",
        severity: "warning",
        service: K,
        object: ("file", "pgdata/restore.sql"),
        says: &["restore.sql", "transaction_outputs", S],
        plant: |tree| {
            fs::write(
                tree.at("pgdata/restore.sql"),
                "COPY public.transaction_outputs (transaction_id) FROM stdin;\n",
            )
            .unwrap()
        },
        mend: |tree, _| fs::remove_file(tree.at("pgdata/restore.sql")).unwrap(),
    },
];

/// The rules that these cases plant.
pub const RULES: &[&str] = &[
    "files/missing-directory",
    "files/open-permissions",
    "files/shared-directory",
    "files/symlink",
    "files/foreign-engine",
    "files/unexpected-engine",
    "files/no-database",
    "files/wrong-tables",
    "files/unreadable-sqlite",
    "files/hard-link",
    "files/application-id",
    "files/foreign-dump",
];

#[test]
fn every_fault_of_directories_and_files_is_one_finding() {
    each_is_one_finding(CASES);
    let planted: BTreeSet<&str> = CASES.iter().map(|case| case.rule).collect();
    assert_eq!(planted, RULES.iter().copied().collect());
    assert!(CASES.len() >= 40, "{}", CASES.len());
}

/// Plants one case after the other, each of which is one finding, and mends it again.
pub fn each_is_one_finding(cases: &[Case]) {
    let mut tree = Tree::clean();
    let report = tree.check();
    assert_eq!(report["status"], "pass", "{}", shown(&report));
    assert_eq!(list(&report, "findings").len(), 0, "{}", shown(&report));
    for case in cases {
        (case.plant)(&mut tree);
        let report = tree.check();
        let [found] = list(&report, "findings") else {
            panic!("{}\n{}", case.rule, shown(&report))
        };
        assert_eq!(
            (
                text(found, "rule"),
                text(found, "severity"),
                text(found, "service")
            ),
            (case.rule, case.severity, case.service),
            "{}",
            shown(&report)
        );
        let (kind, path) = case.object;
        assert_eq!(text(&found["object"], "kind"), kind, "{found}");
        assert_eq!(
            text(&found["object"], "name"),
            tree.at(path).to_str().unwrap(),
            "{found}"
        );
        assert_eq!(found["object"]["schema"], Value::Null);
        for word in case.says {
            assert!(
                text(found, "message").contains(word),
                "no {word:?} in {found}"
            );
        }
        (case.mend)(&mut tree, text(found, "remedy"));
    }
    let report = tree.check();
    assert_eq!(report["status"], "pass", "{}", shown(&report));
    assert_eq!(list(&report, "findings").len(), 0, "{}", shown(&report));
}

#[test]
fn reading_the_files_changes_none_of_them() {
    let tree = Tree::clean();
    let facts = || {
        let mut all = Vec::new();
        let mut folders = vec![tree.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let meta = entry.metadata().unwrap();
                all.push((entry.path(), meta.len(), meta.modified().unwrap()));
                if meta.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        all.sort();
        all
    };
    let before = facts();
    tree.verify();
    assert_eq!(facts(), before);
}

#[test]
fn verify_asks_files_what_check_asks() {
    let tree = Tree::clean();
    fs::write(tree.at(JOURNAL), "a journal that nobody rolled back").unwrap();
    chmod(&tree.at("kasia"), 0o755);
    let rules = |report: &Value| -> Vec<String> {
        list(report, "findings")
            .iter()
            .map(|found| format!("{} {}", text(found, "rule"), text(found, "message")))
            .collect()
    };
    let found = rules(&tree.verify());
    assert_eq!(found, rules(&tree.check()));
    assert_eq!(found.len(), 2, "{found:#?}");
}

/// The sums of all files in a directory. Another process reads them: SQLite's locks end when this one closes a file of its own.
fn sums(directory: &Path) -> String {
    let output = Command::new("sh")
        .args(["-c", "sha256sum *"])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// A wallet that is in use: a connection that nobody may make wait.
struct Writer {
    runtime: tokio::runtime::Runtime,
    connection: sqlx::SqliteConnection,
}

impl Writer {
    fn open(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(std::time::Duration::ZERO);
        let connection = runtime
            .block_on(sqlx::SqliteConnection::connect_with(&options))
            .unwrap();
        Self {
            runtime,
            connection,
        }
    }

    #[track_caller]
    fn run(&mut self, script: &'static str) {
        let Self {
            runtime,
            connection,
        } = self;
        runtime.block_on(connection.execute(script)).unwrap();
    }

    fn rows(&mut self) -> i64 {
        let Self {
            runtime,
            connection,
        } = self;
        runtime
            .block_on(sqlx::query_scalar("SELECT count(*) FROM txo").fetch_one(connection))
            .unwrap()
    }
}

#[test]
fn a_wallet_with_an_open_writer_is_read_without_a_trace() {
    let tree = Tree::clean();
    let folder = tree.at("storage/rgb_sqlite/8e5c1a77");
    let mut writer = Writer::open(&tree.wallet());
    writer.run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    // Committed, and only in the WAL.
    writer.run("CREATE TABLE k_posts (a)");
    // Neither committed nor to be seen.
    writer.run("BEGIN IMMEDIATE; CREATE TABLE ln_user_wallets (a); INSERT INTO txo VALUES (1)");
    let before = sums(&folder);
    assert_eq!(before.lines().count(), 4, "{before}");
    let report = tree.verify();
    let [found] = list(&report, "findings") else {
        panic!("{}", shown(&report))
    };
    assert_eq!(text(found, "rule"), "files/wrong-tables");
    assert!(text(found, "message").contains("k_posts"), "{found}");
    assert!(!text(found, "message").contains("ln_user"), "{found}");
    assert_eq!(before, sums(&folder));
    writer.run("COMMIT");
    assert_eq!(writer.rows(), 1);
}

/// Nothing of what dbctl does makes a writer that never waits fail, in either journal mode.
#[test]
fn a_writer_is_not_blocked_while_its_wallet_is_read() {
    for mode in ["PRAGMA journal_mode = WAL", "PRAGMA journal_mode = DELETE"] {
        let tree = Tree::clean();
        let mut writer = Writer::open(&tree.wallet());
        writer.run(mode);
        let mut reader = tree
            .dbctl(&["verify", "--format", "json"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut commits = 0;
        let status = loop {
            writer.run("BEGIN IMMEDIATE; INSERT INTO txo VALUES (1); COMMIT");
            commits += 1;
            if let Some(status) = reader.try_wait().unwrap() {
                break status;
            }
        };
        // Read, or changing all the time; never corrupt.
        assert!(matches!(status.code(), Some(0 | 4)), "{mode}: {status}");
        assert!(commits > 10, "{mode}: {commits}");
        assert_eq!(writer.rows(), commits);
        writer.run("BEGIN EXCLUSIVE; INSERT INTO txo VALUES (1); COMMIT; PRAGMA integrity_check");
    }
}

#[test]
fn a_wallet_that_is_held_exclusively_is_no_reason_to_wait() {
    let tree = Tree::clean();
    let mut writer = Writer::open(&tree.wallet());
    writer.run("BEGIN EXCLUSIVE; INSERT INTO txo VALUES (1)");
    let folder = tree.at("storage/rgb_sqlite/8e5c1a77");
    let before = sums(&folder);
    let began = std::time::Instant::now();
    let report = tree.verify();
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert_eq!(before, sums(&folder));
    let [found] = list(&report, "findings") else {
        panic!("{}", shown(&report))
    };
    assert_eq!(
        (text(found, "rule"), text(found, "severity")),
        ("files/unreadable-sqlite", "warning")
    );
    assert!(text(found, "message").contains("locked by another process"));
    // What it holds, nobody has looked at.
    assert_eq!(report["status"], "incomplete", "{}", shown(&report));
    assert!(
        list(&report, "not_checked")
            .iter()
            .any(|gap| text(gap, "rule") == "files/wrong-tables")
    );
    writer.run("COMMIT");
    assert_eq!(tree.verify()["status"], "pass");
}
