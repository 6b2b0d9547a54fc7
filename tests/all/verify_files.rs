//! Group `files` on real directories and real SQLite files, with the built-in manifest and no server at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sqlx::{Connection as _, Executor as _};

use crate::lab::{R, Run, dbctl, finish};
use crate::verify_cases::{list, shown, text};

const KASIA: &str = "kasia-indexer";

struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    fn clean() -> Self {
        let tree = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for directory in ["storage", "storage/ldk_data", "storage/rgb_sqlite", "kasia"] {
            fs::create_dir(tree.at(directory)).unwrap();
            chmod(&tree.at(directory), 0o700);
        }
        fs::create_dir(tree.at("storage/rgb_sqlite/8e5c1a77")).unwrap();
        sqlite(
            &tree.wallet(),
            "CREATE TABLE txo (idx INTEGER); CREATE TABLE asset (id TEXT); CREATE TABLE seaql_migrations (version TEXT)",
        );
        sqlite(
            &tree.at("storage/rgb_sqlite/8e5c1a77/bdk_db"),
            "CREATE TABLE bdk_txout (vout INTEGER)",
        );
        rocksdb(&tree.at("kasia"));
        tree
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn wallet(&self) -> PathBuf {
        self.at("storage/rgb_sqlite/8e5c1a77/rgb_lib_db")
    }

    fn command(&self, args: &[&str]) -> Run {
        let mut command = dbctl(self.folder.path());
        command
            .args(args)
            .args(["--service", R, "--service", KASIA])
            .env("RGB_STORAGE_DIR", self.at("storage"))
            .env("KASIA_DATA_DIR", self.at("kasia"));
        finish(command)
    }

    fn verify(&self) -> Value {
        let run = self.command(&["verify", "--format", "json"]);
        let report = run.json();
        assert_eq!(
            run.code,
            if report["status"] == "pass" { 0 } else { 1 },
            "{}",
            shown(&report)
        );
        report
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn rocksdb(path: &Path) {
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
type Mend = fn(&Tree, remedy: &str);

struct Case {
    rule: &'static str,
    severity: &'static str,
    service: &'static str,
    object: (&'static str, &'static str),
    says: &'static [&'static str],
    plant: fn(&Tree),
    mend: Mend,
}

/// Runs the shell command or the command of dbctl's that a remedy names.
fn remedy(tree: &Tree, remedy: &str) {
    if let Some((_, command)) = remedy.split_once("`dbctl ") {
        let args: Vec<&str> = command.split('`').next().unwrap().split(' ').collect();
        tree.command(&args).exits(0);
    } else {
        let done = Command::new("sh").args(["-c", remedy]).status().unwrap();
        assert!(done.success(), "{remedy}");
    }
}

const WALLET: &str = "storage/rgb_sqlite/8e5c1a77/rgb_lib_db";

const CASES: &[Case] = &[
    Case {
        rule: "files/missing-directory",
        severity: "warning",
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
            fs::create_dir_all(tree.at("storage/rgb_sqlite/pg/global")).unwrap();
            fs::create_dir_all(tree.at("storage/rgb_sqlite/pg/base")).unwrap();
            fs::write(tree.at("storage/rgb_sqlite/pg/PG_VERSION"), "17\n").unwrap();
            fs::write(
                tree.at("storage/rgb_sqlite/pg/global/pg_control"),
                [0; 8192],
            )
            .unwrap();
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
];

#[test]
fn every_fault_of_directories_and_files_is_one_finding() {
    let tree = Tree::clean();
    let report = tree.verify();
    assert_eq!(report["status"], "pass", "{}", shown(&report));
    assert_eq!(list(&report, "findings").len(), 0, "{}", shown(&report));
    for case in CASES {
        (case.plant)(&tree);
        let report = tree.verify();
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
        (case.mend)(&tree, text(found, "remedy"));
    }
    let report = tree.verify();
    assert_eq!(report["status"], "pass", "{}", shown(&report));
    assert_eq!(list(&report, "findings").len(), 0, "{}", shown(&report));
    let mut planted: Vec<&str> = CASES.iter().map(|case| case.rule).collect();
    planted.dedup();
    assert_eq!(planted, RULES);
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
