//! The server fails in the middle of a migration: a restart, a full disk, a deadlock.

use std::process::Command;
use std::time::Duration;

use crate::lab::{Lab, binaries, start};
use crate::shop::{Holder, Shop, join, until};

const GOODS: (&str, &str) = (
    "V1__goods.sql",
    "CREATE TABLE goods (id int PRIMARY KEY, name text);\nINSERT INTO goods VALUES (1, 'a'), (2, 'b');",
);

#[test]
fn a_server_that_restarts_in_the_middle_leaves_nothing_of_the_migration() {
    let Some(binaries) = binaries(17, false) else {
        return;
    };
    let server = start(&binaries, false, &[("restart_after_crash", "on")]);
    let shop = Shop::in_lab(
        Lab::on(&server, "postgres"),
        &[
            GOODS,
            (
                "V2__slow.sql",
                "CREATE TABLE slow (id int);\nSELECT pg_sleep(3);\nINSERT INTO goods VALUES (3, 'c');",
            ),
        ],
    );
    let runner = shop.spawn(&[]);
    shop.until_backend("query LIKE '%pg_sleep(3)%'");
    // Every session ends and the server starts again, as after a crash.
    let victim = shop.lab.sql(
        "postgres",
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'",
    );
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(victim.parse().unwrap()),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    join(runner)
        .exits(4)
        .says("V2__slow.sql: the connection broke")
        .says("the server rolls it back, and the next run applies it");
    // The next run waits for a server that is still starting.
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 goods, 2 slow");
    assert_eq!(shop.sql("SELECT count(*) FROM goods"), "3");
}

#[test]
fn a_full_disk_is_an_error_that_leaves_nothing() {
    let Some(binaries) = binaries(17, false) else {
        return;
    };
    let Some(disk) = SmallDisk::new() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "a small file system cannot be mounted here, and CI skips nothing"
        );
        eprintln!("SKIPPED: a small file system cannot be mounted here (no root)");
        return;
    };
    let server = start(&binaries, false, &[]);
    let shop = Shop::in_lab(Lab::on(&server, "postgres"), &[GOODS]);
    shop.migrate(&[]).exits(0);
    disk.give_to_owner_of(&shop.sql("SHOW data_directory"));
    shop.sql(&format!(
        "CREATE TABLESPACE small LOCATION '{}'; GRANT CREATE ON TABLESPACE small TO {}",
        disk.path(),
        shop.lab.db("rgb_user")
    ));
    for (name, sql) in [
        (
            "V2__much.sql",
            "CREATE TABLE much (filler text) TABLESPACE small;\n\
             INSERT INTO much SELECT repeat('x', 1000) FROM generate_series(1, 50000);",
        ),
        (
            "V2__index.sql",
            "CREATE TABLE much AS SELECT repeat(md5(g::text), 10) AS filler FROM generate_series(1, 50000) g;\n\
             CREATE INDEX CONCURRENTLY much_idx ON much (filler) TABLESPACE small;",
        ),
    ] {
        shop.file(name, sql);
        let run = shop
            .migrate(&[])
            .exits(5)
            .says("No space left on device")
            .says("SQLSTATE 53100");
        assert!(
            run.out.contains("nothing of"),
            "it says what is left: {}",
            run.out
        );
        assert_eq!(shop.history(), "1 goods");
        assert_eq!(
            shop.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"),
            "0"
        );
        std::fs::remove_file(shop.path(name)).unwrap();
        shop.sql("DROP TABLE IF EXISTS much; DROP TABLE IF EXISTS dbctl.progress");
    }
    shop.file(
        "V2__much.sql",
        "CREATE TABLE much (filler text) TABLESPACE small;\nINSERT INTO much VALUES ('x');",
    );
    shop.migrate(&[]).exits(0);
    assert_eq!(shop.history(), "1 goods, 2 much");
}

#[test]
fn a_deadlock_is_broken_and_the_migration_tried_again() {
    let shop = Shop::new(&[
        GOODS,
        (
            "V2__both.sql",
            "UPDATE goods SET name = 'mine' WHERE id = 1;\nSELECT pg_sleep(0.5);\nUPDATE goods SET name = 'mine' WHERE id = 2;",
        ),
    ]);
    shop.migrate(&["--target", "1"]).exits(0);
    // Whoever waits longer than deadlock_timeout looks for a circle first and is the one who gives way: dbctl.
    let mut holder = Holder::new(
        &shop.lab,
        "SET deadlock_timeout = '20s'; BEGIN; UPDATE goods SET name = 'theirs' WHERE id = 2;",
    );
    let runner = shop.spawn(&[]);
    shop.until_backend("query LIKE '%pg_sleep(0.5)%'");
    std::thread::sleep(Duration::from_millis(100));
    holder.send("UPDATE goods SET name = 'theirs' WHERE id = 1; SELECT pg_sleep(2); COMMIT;");
    let run = join(runner).exits(0);
    assert!(
        run.err.contains("is tried again: deadlock detected")
            || run
                .err
                .contains("is tried again: canceling statement due to lock timeout"),
        "{}",
        run.err
    );
    assert!(run.err.contains("blocked by process"), "{}", run.err);
    assert!(run.err.contains("the-holder"), "{}", run.err);
    holder.release();
    assert_eq!(
        shop.sql("SELECT string_agg(name, ' ' ORDER BY id) FROM goods"),
        "mine mine"
    );
    assert_eq!(shop.history(), "1 goods, 2 both");
}

#[test]
fn a_prepared_transaction_in_the_way_is_named() {
    let Some(binaries) = binaries(17, false) else {
        return;
    };
    let server = start(&binaries, false, &[("max_prepared_transactions", "2")]);
    let shop = Shop::in_lab(
        Lab::on(&server, "postgres"),
        &[GOODS, ("V2__more.sql", "ALTER TABLE goods ADD more int;")],
    );
    shop.migrate(&["--target", "1"]).exits(0);
    shop.sql("BEGIN; LOCK TABLE goods IN ROW EXCLUSIVE MODE; PREPARE TRANSACTION 'left behind'");
    let named = "blocked by the prepared transaction 'left behind' of role postgres, prepared at ";
    shop.migrate(&["--lock-timeout", "3s"])
        .exits(6)
        .says(named)
        .says("which COMMIT PREPARED or ROLLBACK PREPARED ends; the lock is on public.goods");
    shop.sql("ROLLBACK PREPARED 'left behind'");

    // One that a reader of the catalog waits for as well.
    shop.sql("BEGIN; LOCK TABLE goods; PREPARE TRANSACTION 'left behind'");
    shop.migrate(&["--lock-timeout", "3s"])
        .exits(6)
        .says("the prepared transaction 'left behind' of role postgres");
    shop.sql("ROLLBACK PREPARED 'left behind'");
    shop.migrate(&[]).exits(0);
}

#[test]
fn a_table_that_is_locked_for_a_while_is_waited_for_without_blocking_readers() {
    let shop = Shop::new(&[
        GOODS,
        ("V2__column.sql", "ALTER TABLE goods ADD COLUMN more int;"),
    ]);
    shop.migrate(&["--target", "1"]).exits(0);
    let holder = Holder::new(&shop.lab, "BEGIN; SELECT count(*) FROM goods;");
    let runner = shop.spawn(&["--lock-timeout", "60s"]);
    shop.until_backend("wait_event_type = 'Lock'");
    // While it tries, readers get through between two attempts, each of which is short.
    let started = std::time::Instant::now();
    for _ in 0..5 {
        assert_eq!(shop.sql("SELECT count(*) FROM goods"), "2");
    }
    assert!(started.elapsed() < Duration::from_secs(20));
    holder.release();
    let run = join(runner).exits(0);
    assert!(run.err.contains("blocked by process"), "{}", run.err);
    until("nothing is left", || shop.backends("true") == 0);
    assert_eq!(shop.history(), "1 goods, 2 column");
}

/// A file system of a few megabytes. Dropping it unmounts it.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Option<Self> {
        let dir = tempfile::Builder::new()
            .prefix("dbctl-small")
            .tempdir_in("/tmp")
            .ok()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m,mode=0777", "tmpfs"])
            .arg(dir.path())
            .status()
            .ok()?;
        mounted.success().then_some(Self(dir))
    }

    fn path(&self) -> String {
        format!("{}/space", self.0.path().display())
    }

    fn give_to_owner_of(&self, data: &str) {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::create_dir_all(self.path()).unwrap();
        let owner = std::fs::metadata(data).unwrap();
        std::os::unix::fs::chown(self.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(self.0.path(), mode).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status()
            .ok();
    }
}
