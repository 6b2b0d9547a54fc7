//! One service with a set of the test's own, and somebody else who holds something: for tests of what goes wrong.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::{Lab, R, Run};

pub const DB: &str = "rgb_lightning_node";
pub const ROLE: &str = "rgb_user";

/// One service, provisioned and empty, with a set of the test's own.
pub struct Shop {
    pub lab: Lab,
}

impl Shop {
    pub fn new(files: &[(&str, &str)]) -> Self {
        Self::in_lab(Lab::new(), files)
    }

    pub fn in_lab(lab: Lab, files: &[(&str, &str)]) -> Self {
        let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
        let (_, service) = manifest.split_once(&format!("[services.{R}]")).unwrap();
        let manifest = format!(
            "version = 1\nsets = \"sets\"\n[services.{R}]{}",
            service.replace("set = \"rgb_users\"", "set = \"shop\"")
        );
        std::fs::write(lab.path().join("dbctl.toml"), manifest).unwrap();
        std::fs::create_dir_all(lab.path().join("sets/shop")).unwrap();
        let shop = Self { lab };
        for (name, sql) in files {
            shop.file(name, sql);
        }
        shop.lab.run(&["provision", "-q"]).exits(0);
        shop
    }

    pub fn file(&self, name: &str, sql: &str) {
        std::fs::write(self.path(name), sql).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.lab.path().join("sets/shop").join(name)
    }

    pub fn migrate(&self, args: &[&str]) -> Run {
        self.lab.run(&[&["migrate"], args].concat())
    }

    /// Starts `migrate` and returns at once.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.lab
            .command(&[&["migrate"], args].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    #[track_caller]
    pub fn sql(&self, sql: &str) -> String {
        self.lab.sql(DB, sql)
    }

    /// The versions that the history holds.
    #[track_caller]
    pub fn history(&self) -> String {
        self.sql("SELECT coalesce(string_agg(version || ' ' || name, ', ' ORDER BY version), '') FROM refinery_schema_history")
    }

    /// The tables and schemas that somebody made.
    #[track_caller]
    pub fn made(&self) -> String {
        self.sql(
            "SELECT coalesce(string_agg(n.nspname || '.' || c.relname, ' ' ORDER BY n.nspname, c.relname), '') FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'S') \
             AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'",
        )
    }

    /// Waits until dbctl's backend does something that this condition on `pg_stat_activity` names.
    #[track_caller]
    pub fn until_backend(&self, condition: &str) {
        until(condition, || self.backends(condition) > 0);
    }

    /// Waits until the server has no session of dbctl in this database any more.
    #[track_caller]
    pub fn until_no_backend(&self) {
        let gone = format!(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '{}' AND application_name LIKE 'dbctl %')",
            self.lab.db(DB)
        );
        // A server that a killed backend takes along answers again when it has recovered.
        until("dbctl's sessions end", || {
            self.lab
                .try_sql("postgres", &gone)
                .is_ok_and(|gone| gone == "t")
        });
    }

    pub fn backends(&self, condition: &str) -> u32 {
        self.lab
            .sql(
                "postgres",
                &format!(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND application_name LIKE 'dbctl %' AND ({condition})",
                    self.lab.db(DB)
                ),
            )
            .parse()
            .unwrap()
    }
}

#[track_caller]
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits for a run that was started before. One that hangs is ended, and fails the test.
#[track_caller]
pub fn join(mut child: Child) -> Run {
    let deadline = Instant::now() + Duration::from_secs(120);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            panic!("dbctl hangs: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    let run = Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(!run.all().contains("c4nary"), "{}", run.all());
    run
}

pub fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

/// A session of somebody else that holds something. Dropping it ends it.
pub struct Holder(Child);

impl Holder {
    pub fn new(lab: &Lab, sql: &str) -> Self {
        let mut child = std::process::Command::new(lab.bin().join("psql"))
            .args(["-qXAt", "-v", "ON_ERROR_STOP=1", "-d", &lab.admin_url(DB)])
            .env("PGAPPNAME", "the-holder")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.as_mut().unwrap();
        writeln!(input, "{sql}\nSELECT 'held';").unwrap();
        let mut answer = [0; 5];
        let output = child.stdout.as_mut().unwrap();
        // What the SQL itself returns comes first.
        let mut seen = String::new();
        while !seen.contains("held") {
            let read = output.read(&mut answer).unwrap();
            assert!(read > 0, "the holder ended: {seen}");
            seen.push_str(&String::from_utf8_lossy(&answer[..read]));
        }
        Self(child)
    }

    /// Sends more SQL, and waits for nothing.
    pub fn send(&mut self, sql: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{sql}").unwrap();
    }

    pub fn release(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().ok();
    }
}
