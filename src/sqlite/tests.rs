#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use sqlx::{AssertSqlSafe, Executor as _};

use super::access::beside;
use super::*;

/// Creates (or opens) a database and runs the script.
pub(crate) async fn make(path: &Path, script: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut connection = writer(path).await;
    connection.execute(AssertSqlSafe(script)).await.unwrap();
    connection.close().await.unwrap();
}

async fn writer(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(uri(path, "mode=rwc"))
        .create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// Another process with the database open: locks of the same process are invisible to `fcntl`.
pub(crate) struct Other(Child);

impl Other {
    pub(crate) fn holding(path: &Path, script: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::tests::other_process", "--nocapture"])
            .env("DBCTL_TEST_SQLITE", path)
            .env("DBCTL_TEST_SCRIPT", script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        assert!(
            out.lines()
                .map_while(Result::ok)
                .any(|line| line.contains("holding"))
        );
        Self(child)
    }
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "how the parent knows that it is there")]
async fn other_process() {
    let Some(path) = std::env::var_os("DBCTL_TEST_SQLITE") else {
        return;
    };
    let mut connection = writer(Path::new(&path)).await;
    let script = std::env::var("DBCTL_TEST_SCRIPT").unwrap();
    connection.execute(AssertSqlSafe(script)).await.unwrap();
    println!("holding");
    let _ = std::io::stdin().lines().next();
    std::process::exit(0);
}

fn bytes(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

fn names(directory: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    names
}

fn relations(fact: &Fact<SqliteFacts>) -> Vec<&str> {
    match fact {
        Fact::Known(SqliteFacts::Readable(schema)) => {
            schema.relations.iter().map(String::as_str).collect()
        }
        other => panic!("not readable: {other:?}"),
    }
}

/// Reads, and proves that nothing there changed.
async fn read_quietly(path: &Path) -> Fact<SqliteFacts> {
    let directory = path.parent().unwrap();
    let before = (bytes(directory), names(directory));
    let fact = read(path).await;
    assert!(before == (bytes(directory), names(directory)), "{fact:?}");
    fact
}

#[tokio::test]
async fn tables_views_and_application_id_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rgb_lib_db");
    make(
        &path,
        "CREATE TABLE txo (idx INTEGER PRIMARY KEY AUTOINCREMENT); CREATE VIEW Coins AS SELECT * FROM txo; PRAGMA application_id = 7",
    )
    .await;
    let fact = read_quietly(&path).await;
    assert_eq!(relations(&fact), ["Coins", "txo"]);
    let Fact::Known(SqliteFacts::Readable(schema)) = fact else {
        panic!()
    };
    assert_eq!(schema.application_id, 7);
}

#[tokio::test]
async fn odd_names_are_opened_as_they_are() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir
        .path()
        .join(std::ffi::OsStr::from_bytes(b"a%20?b#c&d=\xff.db"));
    make(&path, "CREATE TABLE txo (idx)").await;
    assert_eq!(relations(&read_quietly(&path).await), ["txo"]);
}

#[tokio::test]
async fn what_is_no_database_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rgb_lib_db");
    assert!(matches!(read(&path).await, Fact::Unknown(_)));
    assert!(!path.exists());
    std::fs::write(&path, "").unwrap();
    assert_eq!(read(&path).await, Fact::Known(SqliteFacts::Empty));
    std::fs::write(&path, "hello, this is text").unwrap();
    assert_eq!(read(&path).await, Fact::Known(SqliteFacts::NotSqlite));
    std::fs::write(&path, HEADER).unwrap();
    assert!(matches!(
        read(&path).await,
        Fact::Known(SqliteFacts::Corrupt(_))
    ));
    std::fs::remove_file(&path).unwrap();
    make(&path, "CREATE TABLE a (x); CREATE TABLE b (x)").await;
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, whole.get(..6000).unwrap()).unwrap();
    assert!(matches!(
        read_quietly(&path).await,
        Fact::Known(SqliteFacts::Corrupt(_))
    ));
}

#[tokio::test]
async fn a_live_writer_in_wal_mode_is_joined_and_not_disturbed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rgb_lib_db");
    let writer = Other::holding(
        &path,
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE old (x); CREATE TABLE k_posts (x); BEGIN IMMEDIATE; CREATE TABLE open (x)",
    );
    // The last commit is seen, the open transaction is not.
    assert_eq!(relations(&read_quietly(&path).await), ["k_posts", "old"]);
    // Killed: the WAL stays behind, nobody has it open.
    writer.kill();
    assert_eq!(relations(&read_quietly(&path).await), ["k_posts", "old"]);
    // Without its index there is no way in that leaves no trace.
    std::fs::remove_file(beside(&path, "-shm")).unwrap();
    assert!(matches!(read_quietly(&path).await, Fact::Unknown(_)));
}

#[tokio::test]
async fn a_database_in_wal_mode_that_nobody_has_open_gets_no_new_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rgb_lib_db");
    make(&path, "PRAGMA journal_mode = WAL; CREATE TABLE txo (x)").await;
    assert_eq!(names(dir.path()).len(), 1);
    assert_eq!(relations(&read_quietly(&path).await), ["txo"]);
}

#[tokio::test]
async fn a_writer_with_a_reserved_lock_does_not_stop_the_reader_and_an_exclusive_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rgb_lib_db");
    make(&path, "CREATE TABLE txo (x)").await;
    let writer = Other::holding(&path, "BEGIN IMMEDIATE; CREATE TABLE media (x)");
    assert_eq!(relations(&read_quietly(&path).await), ["txo"]);
    writer.kill();
    let writer = Other::holding(&path, "BEGIN EXCLUSIVE");
    assert_eq!(read_quietly(&path).await, Fact::Known(SqliteFacts::Locked));
    writer.kill();
    assert_eq!(relations(&read_quietly(&path).await), ["txo"]);
}

#[tokio::test]
async fn a_hot_journal_is_not_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rgb_lib_db");
    make(&path, "CREATE TABLE txo (x)").await;
    let journal = beside(&path, "-journal");
    std::fs::write(&journal, "x").unwrap();
    assert_eq!(
        read_quietly(&path).await,
        Fact::Known(SqliteFacts::Unfinished {
            journal: journal.clone()
        })
    );
    // Journal mode PERSIST leaves a zeroed one.
    std::fs::write(&journal, [0; 28]).unwrap();
    assert_eq!(relations(&read_quietly(&path).await), ["txo"]);
}
