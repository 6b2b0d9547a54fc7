#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::manifest::{Managed, Source, Sourced, Store, Target};
use crate::sqlite::tests::make;

fn sourced(path: PathBuf) -> Sourced<PathBuf> {
    Sourced {
        value: path,
        source: Source::File(1),
    }
}

/// A service as the manifest gives it, with directories alone.
pub(crate) fn service(
    name: &str,
    store: Store,
    storage: Option<PathBuf>,
    data: Option<PathBuf>,
) -> Service {
    Service {
        name: name.to_owned(),
        line: 1,
        store,
        managed: Managed::Dbctl,
        set: None,
        set_dir: None,
        lock_file: None,
        database: None,
        role: None,
        target: Target::Files,
        admin: None,
        container: None,
        app: None,
        storage_dir: storage.map(sourced),
        data_dir: data.map(sourced),
        engine: None,
        shown: Vec::new(),
        variables: Vec::new(),
        default_password: false,
    }
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn write(path: &Path, text: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A directory as RocksDB leaves it.
pub(crate) fn rocksdb(path: &Path) {
    write(&path.join("CURRENT"), b"MANIFEST-000001\n");
    write(&path.join("MANIFEST-000001"), b"m");
    write(&path.join("000004.log"), b"");
    chmod(path, 0o700);
}

/// A directory as initdb leaves it.
pub(crate) fn postgres(path: &Path) {
    write(&path.join("PG_VERSION"), b"17\n");
    write(&path.join("base/1/PG_VERSION"), b"17\n");
    write(&path.join("global/pg_control"), &[0; 512]);
    std::fs::create_dir_all(path.join("pg_tblspc")).unwrap();
    chmod(path, 0o700);
}

async fn facts(service: &Service) -> Vec<Directory> {
    match read(service).await {
        Some(Fact::Known(facts)) => facts.directories,
        other => panic!("{other:?}"),
    }
}

async fn data(path: &Path) -> Directory {
    let service = service("kasia", Store::Files, None, Some(path.to_owned()));
    facts(&service).await.pop().unwrap()
}

fn known(directory: &Directory) -> &Contents {
    directory.contents.known().unwrap()
}

#[tokio::test]
async fn nothing_configured_is_no_fact() {
    assert_eq!(read(&service("a", Store::Files, None, None)).await, None);
}

#[tokio::test]
async fn engines_are_known_by_content() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    rocksdb(&root.join("r"));
    postgres(&root.join("p"));
    write(&root.join("f1/version"), b"FJL\x02");
    write(&root.join("f2/.fjall"), b"");
    make(&root.join("s/picture.png"), "CREATE TABLE a (x)").await;
    write(&root.join("n2/PG_VERSION"), b"17\n");
    // What only looks like it.
    write(&root.join("n/CURRENT"), b"the current state of affairs");
    write(&root.join("n/PG_VERSION"), b"the version of my page");
    write(&root.join("n/version"), b"1.2.3");
    write(&root.join("n/data.sqlite3"), b"SQLite is a library");
    let data = data(root).await;
    let mut found: Vec<_> = known(&data)
        .traces
        .iter()
        .map(|trace| (trace.path.to_str().unwrap(), trace.engine.clone()))
        .collect();
    found.sort_by_key(|(path, _)| *path);
    let manifest = "MANIFEST-000001".to_owned();
    assert_eq!(
        found,
        [
            (
                "f1",
                Engine::Fjall {
                    marker: "version",
                    lacks: Some("journals")
                }
            ),
            (
                "f2",
                Engine::Fjall {
                    marker: ".fjall",
                    lacks: Some("journals")
                }
            ),
            (
                "n2",
                Engine::Postgres {
                    marker: "PG_VERSION"
                }
            ),
            (
                "p",
                Engine::Postgres {
                    marker: "PG_VERSION"
                }
            ),
            (
                "p/base/1",
                Engine::Postgres {
                    marker: "PG_VERSION"
                }
            ),
            (
                "p/global",
                Engine::Postgres {
                    marker: "pg_control"
                }
            ),
            (
                "r",
                Engine::RocksDb {
                    manifest,
                    torn: None
                }
            ),
            ("s/picture.png", Engine::Sqlite { facts: None }),
        ]
    );
    assert!(known(&data).gaps.is_empty());
}

#[tokio::test]
async fn engines_that_no_store_is_of_are_known_by_their_first_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let file = |name: &str, before: usize, bytes: &[u8]| {
        write(
            &root.join(name),
            &[&vec![0; before], bytes, &[0; 64]].concat(),
        );
    };
    file("bitcoin/wallet", 12, &[0x62, 0x31, 5, 0]);
    file("bitcoin/hashes", 12, &[0x61, 0x15, 6, 0]);
    file("d.db", 8, b"DUCK");
    file("l.mdb", 16, &[0xde, 0xc0, 0xef, 0xbe]);
    file("mongo/WiredTiger", 0, b"WiredTiger\nWiredTiger 10.0.2");
    file("mysql/ibdata1", 24, &[0, 8]);
    file("r.redb", 0, b"redb\x1a\n\xa9\r\n");
    file(
        "reth/mdbx.dat",
        20,
        &[3, 0x11, 0x4c, 0xef, 0xbd, 0x9d, 0x65, 0x59],
    );
    file("state.rdb", 0, b"REDIS0011");
    // What only looks like it.
    file("no/ibdata1", 0, b"a table of contents");
    file("no/other.ibd", 24, &[0, 8]);
    file("no/duck.txt", 0, b"DUCK");
    write(&root.join("no/short"), b"REDIS");
    let data = data(root).await;
    let mut found: Vec<_> = known(&data)
        .traces
        .iter()
        .map(|trace| match &trace.engine {
            Engine::Other { name, .. } => (trace.path.to_str().unwrap(), *name),
            other => panic!("{other:?}"),
        })
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("bitcoin/hashes", "Berkeley DB"),
            ("bitcoin/wallet", "Berkeley DB"),
            ("d.db", "DuckDB"),
            ("l.mdb", "LMDB"),
            ("mongo", "MongoDB (WiredTiger)"),
            ("mysql", "MySQL or MariaDB"),
            ("r.redb", "redb"),
            ("reth/mdbx.dat", "MDBX"),
            ("state.rdb", "Redis or Valkey"),
        ]
    );
}

#[tokio::test]
async fn the_parts_of_a_storage_are_walked_once_and_its_databases_opened() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let database = root.join("rgb_sqlite/8e5c1a77/rgb_lib_db");
    make(&database, "CREATE TABLE txo (x)").await;
    write(&root.join("rgb_sqlite/9c0ffee1/rgb_lib_db"), b"");
    let service = service("rgb", Store::Postgres, Some(root.to_owned()), None);
    let directories = facts(&service).await;
    let roles: Vec<_> = directories.iter().map(|found| found.role).collect();
    assert_eq!(
        roles,
        [
            Role::Storage,
            Role::RgbSqlite,
            Role::PostgreSql,
            Role::LdkData
        ]
    );
    let [storage, rgb, postgresql, _] = directories.as_slice() else {
        panic!()
    };
    assert_eq!(known(storage).entries, 0);
    assert_eq!(postgresql.node, Fact::Known(None));
    let states: Vec<_> = known(rgb)
        .traces
        .iter()
        .map(|trace| match &trace.engine {
            Engine::Sqlite {
                facts: Some(Fact::Known(SqliteFacts::Readable(schema))),
            } => schema.relations.join(","),
            Engine::Sqlite {
                facts: Some(Fact::Known(SqliteFacts::Empty)),
            } => "empty".to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(states.contains(&"txo".to_owned()) && states.contains(&"empty".to_owned()));
}

#[tokio::test]
async fn paths_are_resolved_and_identified() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("real/db")).unwrap();
    symlink("real", root.join("alias")).unwrap();
    symlink("real/db", root.join("direct")).unwrap();
    let plain = data(&root.join("real/db")).await;
    let parent = data(&root.join("alias/db")).await;
    let direct = data(&root.join("direct")).await;
    assert_eq!(parent.resolved, plain.resolved);
    assert_eq!(direct.resolved, plain.resolved);
    assert_eq!(parent.node, plain.node);
    assert!(!parent.symlink && direct.symlink);
    let identity = data(&root).await.node.known().unwrap().unwrap().identity;
    assert!(plain.parents.contains(&identity));
    // Not there yet: resolved as far as it goes.
    let missing = data(&root.join("alias/not/yet")).await;
    assert_eq!(missing.node, Fact::Known(None));
    assert_eq!(missing.resolved, root.join("real/not/yet"));
}

#[tokio::test]
async fn symlinks_are_told_and_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("a")).unwrap();
    rocksdb(&root.join("b"));
    symlink("../b", root.join("a/link")).unwrap();
    symlink("..", root.join("a/loop")).unwrap();
    symlink("/nowhere/at/all", root.join("a/dangling")).unwrap();
    let mut contents = known(&data(&root.join("a")).await).clone();
    contents.symlinks.sort_by(|a, b| a.path.cmp(&b.path));
    let targets: Vec<_> = contents.symlinks.iter().map(|link| &link.target).collect();
    assert_eq!(
        targets,
        [&PathBuf::from("/nowhere/at/all"), &root.join("b"), &root]
    );
    assert!(contents.traces.is_empty());
}

#[tokio::test]
async fn a_bound_that_is_reached_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("1/2/3/4");
    rocksdb(&deep);
    let service = service("kasia", Store::Files, None, Some(dir.path().to_owned()));
    for limits in [
        Limits {
            depth: 2,
            entries: 100,
        },
        Limits {
            depth: 9,
            entries: 3,
        },
    ] {
        let Some(Fact::Known(facts)) = read_within(&service, limits).await else {
            panic!()
        };
        let contents = known(facts.directories.first().unwrap()).clone();
        assert_eq!((contents.traces.len(), contents.gaps.len()), (0, 1));
    }
}

#[tokio::test]
async fn names_that_are_not_utf_8_are_entered() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe"));
    rocksdb(&odd);
    let found = data(&odd).await;
    assert_eq!(known(&found).traces.len(), 1);
    assert_eq!(known(&data(dir.path()).await).traces.len(), 1);
}

#[tokio::test]
async fn what_may_not_be_read_is_a_gap_that_says_who_may() {
    let dir = tempfile::tempdir().unwrap();
    let closed = dir.path().join("closed");
    std::fs::create_dir_all(closed.join("inside")).unwrap();
    chmod(&closed, 0o000);
    // Root reads everything.
    if std::fs::read_dir(&closed).is_ok() {
        return;
    }
    let Fact::Unknown(gap) = data(&closed).await.contents else {
        panic!()
    };
    assert!(gap.remedy.unwrap().contains("owner"));
    assert!(matches!(
        data(&closed.join("inside")).await.node,
        Fact::Unknown(_)
    ));
    assert_eq!(known(&data(dir.path()).await).gaps.len(), 1);
    chmod(&closed, 0o700);
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn directories_are_created_closed_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let storage = dir.path().join("deep/storage");
    let kasia = dir.path().join("kasia");
    let rgb = service("rgb", Store::Postgres, Some(storage.clone()), None);
    let would = create(&rgb, true);
    assert!(would.iter().all(|step| step.done && step.changed));
    assert!(!storage.parent().unwrap().exists());
    let steps = create(&rgb, false);
    assert_eq!(steps.len(), 4);
    assert!(steps.iter().all(|step| step.done && step.changed));
    for path in ["", "rgb_sqlite", "postgresql", "ldk_data"] {
        assert_eq!(mode(&storage.join(path)), 0o700);
    }
    for dry_run in [false, true] {
        let again = create(&rgb, dry_run);
        assert!(again.iter().all(|step| step.done && !step.changed));
        assert!(again.iter().all(|step| step.warning.is_none()));
    }
    let files = service("kasia", Store::Files, None, Some(kasia.clone()));
    assert_eq!(create(&files, false).len(), 1);
    assert_eq!(mode(&kasia), 0o700);
    // A server makes its own PGDATA.
    let sql = service("k", Store::Postgres, None, Some(dir.path().join("pg")));
    assert!(create(&sql, false).is_empty());
}

#[test]
fn an_open_directory_is_left_and_a_file_is_not_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kasia");
    std::fs::create_dir(&path).unwrap();
    chmod(&path, 0o755);
    let kasia = service("kasia", Store::Files, None, Some(path.clone()));
    for dry_run in [true, false] {
        let step = create(&kasia, dry_run).pop().unwrap();
        assert!(step.done && !step.changed);
        assert!(step.warning.unwrap().contains("chmod 700"));
    }
    assert_eq!(mode(&path), 0o755);
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, "").unwrap();
    for dry_run in [true, false] {
        let step = create(&kasia, dry_run).pop().unwrap();
        assert!(!step.done && !step.changed && step.warning.unwrap().contains("is a file"));
    }
}
