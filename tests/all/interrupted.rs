//! A run that only reads and computes ends at once when it is told to, whatever its threads are busy with.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::check_sets::Repository;
use crate::lab::{self, K, Lab};
use crate::shop::send;

#[test]
fn who_only_reads_ends_at_once() {
    let repository = Repository::new();
    let statements = "UPDATE k_vars SET value = (SELECT CASE WHEN a.key = 'x' THEN 'y' ELSE lower(a.value) END FROM k_vars a WHERE a.key IN ('p', 'q', 'r') ORDER BY 1 LIMIT 1) WHERE key = 'z';\n"
        .repeat(300);
    for version in 100..500 {
        repository.write(K, &format!("V{version}__many.sql"), &statements);
    }
    for (verb, signal) in [
        ("check", Signal::SIGTERM),
        ("check", Signal::SIGINT),
        ("verify", Signal::SIGTERM),
    ] {
        let mut child = lab::dbctl(repository.path())
            .arg(verb)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", child.id());
        // Once it catches the signal: a bit for each, the first for signal 1.
        let catches = || {
            let status = std::fs::read_to_string(&status).unwrap();
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
            mask & (1 << (signal as i32 - 1)) != 0
        };
        while !catches() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "{verb} was too fast");
        let sent = Instant::now();
        send(&child, signal);
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), Some(130), "{verb} {signal}");
        assert!(
            sent.elapsed() < Duration::from_secs(5),
            "{verb}: {:?}",
            sent.elapsed()
        );
    }
}

/// A name server that says nothing, in a network of the process's own: `None` where the system gives nobody one.
fn where_no_name_server_answers(directory: &Path, dbctl: &[&str]) -> Option<Command> {
    // The socket takes every question and answers none, as long as its parent lives.
    const SILENT: &str = "use Socket; socket(my $s, PF_INET, SOCK_DGRAM, 0) or die; my $up = pack('a16 s x22', 'lo', 0x49); \
                          ioctl($s, 0x8914, $up) or die; bind($s, sockaddr_in(53, inet_aton('127.0.0.1'))) or die; my $p = getppid; \
                          open(my $f, '>', 'silent') or die; close $f; while (getppid == $p) { select(undef, undef, undef, 0.1) }";
    std::fs::write(
        directory.join("resolv.conf"),
        "nameserver 127.0.0.1\noptions timeout:5 attempts:5\n",
    )
    .unwrap();
    std::fs::write(directory.join("nsswitch.conf"), "hosts: files dns\n").unwrap();
    let script = "mount --bind resolv.conf /etc/resolv.conf && mount --bind nsswitch.conf /etc/nsswitch.conf || exit 99; \
                  perl -e \"$0\" & while ! test -e silent; do sleep 0.05; done; exec \"$@\"";
    let own = |script: &str| {
        let command = lab::dbctl(directory);
        let mut unshare = Command::new("unshare");
        unshare
            .current_dir(directory)
            .stdin(Stdio::null())
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .args(["-r", "-n", "-m", "sh", "-c", script, SILENT]);
        unshare
    };
    let possible = own("mount --bind resolv.conf /etc/resolv.conf && perl -e 1").status();
    if !possible.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "unshare and perl are missing, and CI skips nothing"
        );
        eprintln!("SKIPPED: the system gives no network of one's own here");
        return None;
    }
    let mut command = own(script);
    command.arg(env!("CARGO_BIN_EXE_dbctl")).args(dbctl);
    Some(command)
}

#[test]
fn a_name_server_that_never_answers_holds_nobody_up() {
    let lab = Lab::new();
    lab.edit("host = \"127.0.0.1\"", "host = \"db.example.com\"");
    let run = |args: &[&str]| {
        std::fs::remove_file(lab.path().join("silent")).ok();
        let mut command = where_no_name_server_answers(lab.path(), args)?;
        command
            .envs(&lab.env)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Some(command)
    };
    // Bounded by itself.
    let started = Instant::now();
    let Some(mut command) = run(&["migrate", "--service", K]) else {
        return;
    };
    assert_eq!(command.status().unwrap().code(), Some(4));
    let took = started.elapsed();
    assert!((8..20).contains(&took.as_secs()), "{took:?}");
    for verb in [
        &["migrate"][..],
        &["migrate", "--dry-run"],
        &["migrate", "--wait", "60"],
        &["rollback", "--target", "0"],
        &["repair"],
        &["baseline"],
        &["status"],
        &["verify"],
    ] {
        let mut child = run(&[verb, &["--service", K]].concat())
            .unwrap()
            .spawn()
            .unwrap();
        while !lab.path().join("silent").exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(1_500));
        assert!(child.try_wait().unwrap().is_none(), "{verb:?} was too fast");
        let sent = Instant::now();
        send(&child, Signal::SIGINT);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{verb:?}");
        assert!(
            sent.elapsed() < Duration::from_secs(3),
            "{verb:?}: {:?}",
            sent.elapsed()
        );
    }
}
