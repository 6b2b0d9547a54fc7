//! A database that dbctl has migrated is continued by plain refinery, and the other way round.

use std::path::{Path, PathBuf};

use refinery_core::{Runner, load_sql_migrations};

use crate::lab::{Lab, R};

const DB: &str = "rgb_lightning_node";
const ROLE: &str = "rgb_user";

/// The built-in set on disk, with migrations that come after it.
fn set(lab: &Lab, later: &[(&str, &str)]) -> PathBuf {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for set in std::fs::read_dir(built_in).unwrap() {
        let set = set.unwrap();
        let folder = lab.path().join("sets").join(set.file_name());
        std::fs::create_dir_all(&folder).unwrap();
        for file in std::fs::read_dir(set.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
    }
    let folder = lab.path().join("sets/rgb_users");
    for (name, sql) in later {
        std::fs::write(folder.join(name), sql).unwrap();
    }
    folder
}

/// Runs refinery's own runner as the service's role; the versions that it applied.
fn refinery(lab: &Lab, folder: &Path) -> Vec<i32> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let url = lab.url(DB, ROLE);
    let migrations = load_sql_migrations(folder).unwrap();
    runtime.block_on(async {
        let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let report = Runner::new(&migrations)
            .set_abort_divergent(true)
            .set_abort_missing(true)
            .run_async(&mut client)
            .await
            .unwrap_or_else(|error| panic!("refinery: {error:?}"));
        drop(client);
        connection.await.unwrap().unwrap();
        report
            .applied_migrations()
            .iter()
            .map(|migration| migration.version())
            .collect()
    })
}

#[test]
fn refinery_goes_on_where_dbctl_stopped_and_back() {
    let lab = Lab::migrated();
    let folder = set(
        &lab,
        &[
            (
                "V5__concurrently.sql",
                "CREATE INDEX CONCURRENTLY ln_user_wallets_created_idx ON ln_user_wallets (created_at);",
            ),
            (
                "V6__marked.sql",
                "\u{feff}CREATE TABLE later_marked (id int);\r\n",
            ),
        ],
    );
    let sets = folder.parent().unwrap().to_str().unwrap().to_owned();
    let migrate = || lab.run(&["migrate", "-s", R, "--sets", &sets]);
    migrate().exits(0).says("2 migrations applied");
    assert_eq!(refinery(&lab, &folder), Vec::<i32>::new());

    std::fs::write(
        folder.join("V7__theirs.sql"),
        "CREATE TABLE later_theirs (id int);",
    )
    .unwrap();
    assert_eq!(refinery(&lab, &folder), [7]);
    migrate().exits(0).says("nothing to do");

    std::fs::write(
        folder.join("V8__ours.sql"),
        "ALTER TABLE later_theirs ADD COLUMN name text;",
    )
    .unwrap();
    migrate().exits(0).says("1 migration applied");
    assert_eq!(refinery(&lab, &folder), Vec::<i32>::new());
}

#[test]
fn dbctl_goes_on_where_refinery_began() {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    let folder = set(&lab, &[]);
    assert_eq!(refinery(&lab, &folder), [1, 2, 3, 4]);
    assert_eq!(
        lab.sql(DB, "SELECT to_regclass('dbctl.identity') IS NULL"),
        "t"
    );
    let sets = folder.parent().unwrap().to_str().unwrap().to_owned();
    lab.run(&["status", "-s", R, "--sets", &sets])
        .exits(0)
        .says("up to date");
    std::fs::write(
        folder.join("V5__ours.sql"),
        "ALTER TABLE virtual_channels ADD COLUMN note text;",
    )
    .unwrap();
    lab.run(&["migrate", "-s", R, "--sets", &sets])
        .exits(0)
        .says("1 migration applied");
    assert_eq!(
        lab.sql(DB, "SELECT service FROM dbctl.identity"),
        R,
        "the first migration of dbctl's stamps the database"
    );
    assert_eq!(refinery(&lab, &folder), Vec::<i32>::new());
    // What refinery began, dbctl takes back.
    std::fs::write(
        folder.join("V5__ours.down.sql"),
        "ALTER TABLE virtual_channels DROP COLUMN note;",
    )
    .unwrap();
    lab.run(&["rollback", "-s", R, "--sets", &sets, "--target", "4"])
        .exits(0);
    std::fs::remove_file(folder.join("V5__ours.sql")).unwrap();
    std::fs::remove_file(folder.join("V5__ours.down.sql")).unwrap();
    assert_eq!(refinery(&lab, &folder), Vec::<i32>::new());
}
