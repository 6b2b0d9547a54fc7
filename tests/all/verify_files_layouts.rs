//! More broken layouts of the directories of group `files`: half a store, a store in a store, a store that its owner cannot use.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::net::UnixListener;

use crate::lab::{K, R};
use crate::verify_files::{
    Case, KASIA, Tree, WALLET, chmod, each_is_one_finding, fjall, remedy, sqlite,
};

const RGB: &str = "storage/rgb_sqlite";

const fn error(
    rule: &'static str,
    service: &'static str,
    object: (&'static str, &'static str),
    says: &'static [&'static str],
    plant: fn(&mut Tree),
    mend: fn(&mut Tree, &str),
) -> Case {
    Case {
        rule,
        severity: "error",
        service,
        object,
        says,
        plant,
        mend,
    }
}

fn remove(tree: &Tree, path: &str) {
    fs::remove_file(tree.at(path)).unwrap();
}

fn aside(tree: &Tree, path: &str) {
    fs::rename(tree.at(path), tree.at("away")).unwrap();
}

fn back(tree: &Tree, path: &str) {
    fs::rename(tree.at("away"), tree.at(path)).unwrap();
}

const CASES: &[Case] = &[
    // SQLite's own files.
    error(
        "files/unreadable-sqlite",
        R,
        ("file", "storage/rgb_sqlite/8e5c1a77/rgb_lib_db-wal"),
        &["rgb_lib_db-wal is there", "rgb_lib_db is not"],
        |tree| {
            aside(tree, WALLET);
            fs::write(tree.at(&format!("{WALLET}-wal")), "changes").unwrap();
        },
        |tree, _| {
            remove(tree, &format!("{WALLET}-wal"));
            back(tree, WALLET);
        },
    ),
    error(
        "files/wrong-tables",
        R,
        ("file", WALLET),
        &["lacks", "transfer, txo"],
        |tree| sqlite(&tree.wallet(), "DROP TABLE txo; DROP TABLE transfer"),
        |tree, _| {
            sqlite(
                &tree.wallet(),
                "CREATE TABLE txo (a); CREATE TABLE transfer (a)",
            )
        },
    ),
    error(
        "files/wrong-tables",
        R,
        ("file", WALLET),
        &["_sqlx_migrations", "another tool"],
        |tree| sqlite(&tree.wallet(), "CREATE TABLE _sqlx_migrations (version)"),
        |tree, _| sqlite(&tree.wallet(), "DROP TABLE _sqlx_migrations"),
    ),
    // Names in UTF-16 are names.
    error(
        "files/wrong-tables",
        R,
        ("file", "storage/rgb_sqlite/8e5c1a77/other_db"),
        &["ln_user_wallets", "other_db"],
        |tree| {
            sqlite(
                &tree.at("storage/rgb_sqlite/8e5c1a77/other_db"),
                "PRAGMA encoding = 'UTF-16be'; CREATE TABLE ln_user_wallets (a)",
            )
        },
        |tree, _| remove(tree, "storage/rgb_sqlite/8e5c1a77/other_db"),
    ),
    error(
        "files/hard-link",
        R,
        ("file", WALLET),
        &["rgb_lib_db", "2 names"],
        |tree| fs::hard_link(tree.wallet(), tree.at("storage/rgb_sqlite/8e5c1a77/z_copy")).unwrap(),
        |tree, _| remove(tree, "storage/rgb_sqlite/8e5c1a77/z_copy"),
    ),
    // A wallet in a wrong place is one thing, its two files and the empty right place included.
    error(
        "files/foreign-engine",
        R,
        ("file", "storage/8e5c1a77/bdk_db"),
        &["storage/8e5c1a77/bdk_db", "1 more"],
        |tree| {
            fs::rename(
                tree.at("storage/rgb_sqlite/8e5c1a77"),
                tree.at("storage/8e5c1a77"),
            )
            .unwrap()
        },
        |tree, _| {
            fs::rename(
                tree.at("storage/8e5c1a77"),
                tree.at("storage/rgb_sqlite/8e5c1a77"),
            )
            .unwrap()
        },
    ),
    error(
        "files/foreign-engine",
        R,
        ("file", "storage/rgb_sqlite/rgb_sqlite/rgb_lib_db"),
        &["rgb_sqlite/rgb_sqlite"],
        |tree| {
            fs::create_dir(tree.at("storage/rgb_sqlite/rgb_sqlite")).unwrap();
            fs::copy(
                tree.wallet(),
                tree.at("storage/rgb_sqlite/rgb_sqlite/rgb_lib_db"),
            )
            .unwrap();
        },
        |tree, _| fs::remove_dir_all(tree.at("storage/rgb_sqlite/rgb_sqlite")).unwrap(),
    ),
    // Engines of which no service is. Two of their files in one folder were put there by one cause.
    error(
        "files/foreign-engine",
        KASIA,
        ("file", "kasia/cache/data.mdb"),
        &["LMDB", "its header", "1 more LMDB"],
        |tree| {
            fs::create_dir(tree.at("kasia/cache")).unwrap();
            let page = [&[0; 16][..], &[0xde, 0xc0, 0xef, 0xbe], &[0; 40]].concat();
            fs::write(tree.at("kasia/cache/data.mdb"), &page).unwrap();
            fs::write(tree.at("kasia/cache/second.mdb"), &page).unwrap();
        },
        |tree, _| fs::remove_dir_all(tree.at("kasia/cache")).unwrap(),
    ),
    error(
        "files/foreign-engine",
        K,
        ("directory", "pgdata"),
        &["MySQL or MariaDB", "ibdata1"],
        |tree| {
            let page = [&[0; 24][..], &[0, 8], &[0; 38]].concat();
            fs::write(tree.at("pgdata/ibdata1"), page).unwrap();
        },
        |tree, _| remove(tree, "pgdata/ibdata1"),
    ),
    error(
        "files/foreign-engine",
        R,
        ("file", "storage/rgb_sqlite/dump.rdb"),
        &["Redis or Valkey"],
        |tree| fs::write(tree.at("storage/rgb_sqlite/dump.rdb"), "REDIS0011\u{fa}").unwrap(),
        |tree, _| remove(tree, "storage/rgb_sqlite/dump.rdb"),
    ),
    // Symlinks that lead nowhere are one finding, whichever way.
    error(
        "files/missing-directory",
        R,
        ("directory", RGB),
        &["a symlink that leads nowhere"],
        |tree| {
            aside(tree, RGB);
            symlink("rgb_sqlite", tree.at(RGB)).unwrap();
        },
        |tree, _| {
            remove(tree, RGB);
            back(tree, RGB);
        },
    ),
    error(
        "files/missing-directory",
        R,
        ("directory", RGB),
        &["a symlink that leads nowhere"],
        |tree| {
            aside(tree, RGB);
            symlink("/nowhere/rgb", tree.at(RGB)).unwrap();
        },
        |tree, _| {
            remove(tree, RGB);
            back(tree, RGB);
        },
    ),
    // Modes and owners.
    error(
        "files/open-permissions",
        R,
        ("directory", "storage"),
        &["0600", "its own owner"],
        |tree| chmod(&tree.at("storage"), 0o600),
        remedy,
    ),
    error(
        "files/open-permissions",
        KASIA,
        ("directory", "kasia"),
        &["0500", "its own owner"],
        |tree| chmod(&tree.at("kasia"), 0o500),
        remedy,
    ),
    error(
        "files/open-permissions",
        R,
        ("file", "storage/rgb_sqlite/8e5c1a77"),
        &["8e5c1a77", "by its group or by everybody"],
        |tree| {
            chmod(&tree.at("storage"), 0o711);
            chmod(&tree.at(RGB), 0o711);
            for file in ["bdk_db", "rgb_lib_db"] {
                chmod(&tree.at("storage/rgb_sqlite/8e5c1a77").join(file), 0o600);
            }
            chmod(&tree.at("storage/rgb_sqlite/8e5c1a77"), 0o733);
        },
        |tree, text| {
            remedy(tree, text);
            chmod(&tree.at("storage"), 0o700);
        },
    ),
    error(
        "files/open-permissions",
        R,
        ("file", WALLET),
        &["rgb_lib_db", "by its group"],
        |tree| {
            for path in ["storage", RGB, "storage/rgb_sqlite/8e5c1a77"] {
                chmod(&tree.at(path), 0o710);
            }
            chmod(&tree.wallet(), 0o640);
        },
        |tree, text| {
            remedy(tree, text);
            chmod(&tree.at("storage"), 0o700);
        },
    ),
    // PostgreSQL's files where nothing of it should be, and a data directory that is none.
    error(
        "files/foreign-engine",
        R,
        ("directory", RGB),
        &["PostgreSQL", ".s.PGSQL."],
        |tree| {
            // The path of the tree may be too long for a socket.
            let short = tempfile::tempdir_in("/tmp").unwrap();
            let link = short.path().join("s");
            symlink(tree.at(RGB), &link).unwrap();
            drop(UnixListener::bind(link.join(".s.PGSQL.5432")).unwrap());
        },
        |tree, _| remove(tree, "storage/rgb_sqlite/.s.PGSQL.5432"),
    ),
    error(
        "files/foreign-engine",
        KASIA,
        ("directory", "kasia/global"),
        &["PostgreSQL", "pg_control"],
        |tree| {
            fs::create_dir(tree.at("kasia/global")).unwrap();
            fs::write(tree.at("kasia/global/pg_control"), [0; 64]).unwrap();
        },
        |tree, _| fs::remove_dir_all(tree.at("kasia/global")).unwrap(),
    ),
    error(
        "files/foreign-engine",
        K,
        ("directory", "pgdata/base"),
        &["inside the PostgreSQL data directory", "PG_VERSION"],
        |tree| {
            chmod(&tree.at("pgdata/base"), 0o700);
            tree.pgdata = tree.at("pgdata/base");
        },
        |tree, _| tree.pgdata = tree.at("pgdata"),
    ),
    error(
        "files/unexpected-engine",
        K,
        ("directory", "pgdata"),
        &["no PG_VERSION"],
        |tree| aside(tree, "pgdata/PG_VERSION"),
        |tree, _| back(tree, "pgdata/PG_VERSION"),
    ),
    error(
        "files/unexpected-engine",
        K,
        ("directory", "pgdata"),
        &["global/pg_control"],
        |tree| aside(tree, "pgdata/global/pg_control"),
        |tree, _| back(tree, "pgdata/global/pg_control"),
    ),
    // Kasia's stores, not whole or two.
    error(
        "files/unexpected-engine",
        KASIA,
        ("directory", "kasia"),
        &["MANIFEST-000001", "that file is empty"],
        |tree| fs::write(tree.at("kasia/MANIFEST-000001"), "").unwrap(),
        |tree, _| fs::write(tree.at("kasia/MANIFEST-000001"), "m").unwrap(),
    ),
    error(
        "files/unexpected-engine",
        KASIA,
        ("directory", "kasia"),
        &["CURRENT does not end"],
        |tree| fs::write(tree.at("kasia/CURRENT"), "MANIFEST-000001").unwrap(),
        |tree, _| fs::write(tree.at("kasia/CURRENT"), "MANIFEST-000001\n").unwrap(),
    ),
    error(
        "files/unexpected-engine",
        KASIA,
        ("directory", "kasia"),
        &["partitions/ is not"],
        |tree| {
            aside(tree, "kasia");
            fjall(&tree.at("kasia"));
            chmod(&tree.at("kasia"), 0o700);
            fs::remove_dir(tree.at("kasia/partitions")).unwrap();
        },
        |tree, _| {
            fs::remove_dir_all(tree.at("kasia")).unwrap();
            back(tree, "kasia");
        },
    ),
    Case {
        rule: "files/unexpected-engine",
        severity: "warning",
        service: KASIA,
        object: ("directory", "kasia"),
        says: &["RocksDB and a fjall"],
        plant: |tree| fjall(&tree.at("kasia")),
        mend: |tree, _| {
            remove(tree, "kasia/version");
            fs::remove_dir(tree.at("kasia/journals")).unwrap();
            fs::remove_dir(tree.at("kasia/partitions")).unwrap();
        },
    },
];

#[test]
fn every_broken_layout_is_one_finding() {
    each_is_one_finding(CASES);
}

#[test]
fn a_part_that_is_another_users_is_told_once() {
    // Only root gives files away.
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    each_is_one_finding(&[Case {
        rule: "files/open-permissions",
        severity: "warning",
        service: R,
        object: ("directory", RGB),
        says: &["uid 0", "uid 4711"],
        plant: |tree| chown(tree.at("storage"), Some(4711), None).unwrap(),
        mend: |tree, text| {
            assert!(text.starts_with("chown -R 4711 "), "{text}");
            chown(tree.at("storage"), Some(0), None).unwrap();
        },
    }]);
}
