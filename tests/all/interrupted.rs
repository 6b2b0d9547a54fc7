//! A run that only reads and computes ends at once when it is told to, whatever its threads are busy with.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::check_sets::Repository;
use crate::lab::{self, K};
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
