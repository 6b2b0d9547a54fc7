//! The readers of files that somebody else wrote, fed with mutations of good ones: no panic, no overflow of the stack, no hang.
//! The same few inputs for each in every run of the tests; `scripts/fuzz.sh` runs them for longer.

mod giants;
mod mutate;
mod targets;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mutate::Mutator;
use targets::{TARGETS, Target};

/// How much of a processor's time one input may take. The machine may be busy, so the clock on the wall is asked less strictly.
const HANG: Duration = Duration::from_secs(5);
/// The same for an input of megabytes, read by a build that is not optimised.
const HANG_OF_GIANTS: Duration = Duration::from_secs(120);
/// How many times longer it may take on the wall, where a deadlock takes for ever and costs nothing.
const BUSY: u32 = 20;

const TARGET: &str = "DBCTL_FUZZ_TARGET";
/// For how long, and with giants of full size. Without it a run takes the same few inputs each time.
const SECONDS: &str = "DBCTL_FUZZ_SECONDS";
const FEW: u64 = 500;
const SEED: &str = "DBCTL_FUZZ_SEED";
/// A file to read instead of mutations: what a run before this one found.
const INPUT: &str = "DBCTL_FUZZ_INPUT";
const WORK: &str = "DBCTL_FUZZ_WORK";

#[test]
fn manifest() {
    fuzz("manifest");
}

#[test]
fn compose() {
    fuzz("compose");
}

#[test]
fn mounted() {
    fuzz("mounted");
}

#[test]
fn password_file() {
    fuzz("password_file");
}

#[test]
fn sets() {
    fuzz("sets");
}

#[test]
fn lock() {
    fuzz("lock");
}

#[test]
fn last_report() {
    fuzz("last_report");
}

#[test]
fn connection_url() {
    fuzz("connection_url");
}

/// Runs a target in a process of its own: an overflow of the stack ends the process, and no handler sees it.
fn fuzz(name: &str) {
    let work = tempfile::tempdir().unwrap();
    let seed = std::env::var(SEED).unwrap_or_else(|_| match std::env::var_os(SECONDS) {
        Some(_) => rand::random::<u32>().to_string(),
        None => "1".to_owned(),
    });
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fuzz::worker", "--nocapture"])
        .env(TARGET, name)
        .env(SEED, &seed)
        .env(WORK, work.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    for line in said.lines().filter(|line| line.starts_with("slow: ")) {
        eprintln!("{line}");
    }
    let done = said
        .lines()
        .find(|line| line.starts_with("fuzzed "))
        .unwrap_or_default();
    eprintln!("{done}");
    if output.status.success() && !done.is_empty() {
        return;
    }
    // Beside the build, where it outlives the test.
    let kept = std::env::current_exe()
        .unwrap()
        .with_file_name(format!("fuzz-{name}-{seed}.input"));
    std::fs::copy(input_file(work.path()), &kept).unwrap();
    let shown: String = said
        .chars()
        .rev()
        .take(3000)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    panic!(
        "{name}: {}; the input is kept: {INPUT}={} {TARGET}={name} cargo test --test all fuzz::worker -- --nocapture\n{shown}",
        output.status,
        kept.display()
    );
}

fn input_file(work: &Path) -> PathBuf {
    work.join("input")
}

/// What runs in the other process.
#[test]
fn worker() {
    let Ok(name) = std::env::var(TARGET) else {
        return;
    };
    let target = TARGETS
        .iter()
        .find(|target| target.name == name)
        .unwrap_or_else(|| panic!("there is no target {name}"));
    end_with_any_panic();
    let own = tempfile::tempdir().unwrap();
    let work = std::env::var_os(WORK).map_or_else(|| own.path().to_owned(), PathBuf::from);
    let mut worker = Worker {
        target,
        watch: Watch::start(),
        work,
    };
    if let Some(input) = std::env::var_os(INPUT) {
        worker.run(&std::fs::read(input).unwrap(), HANG_OF_GIANTS);
        return;
    }
    let seconds = std::env::var(SECONDS).ok();
    let size = match seconds {
        Some(_) => giants::Size::FULL,
        None => giants::Size::SMALL,
    };
    for giant in (target.giants)(size) {
        let began = processor_time();
        worker.run(&giant, HANG_OF_GIANTS);
        let head: String = String::from_utf8_lossy(&giant).chars().take(60).collect();
        let took = processor_time() - began;
        if took > HANG {
            eprintln!("slow: {took:.0?} for {head:?}");
        }
    }
    let limit: Option<Duration> =
        seconds.map(|seconds| Duration::from_secs(seconds.parse().unwrap()));
    let seed: u64 = std::env::var(SEED).map_or(1, |seed| seed.parse().unwrap());
    let began = Instant::now();
    let mut mutator = Mutator::new(seed, (target.seeds)(), target.words);
    let (mut inputs, mut accepted) = (0_u64, 0_u64);
    // What was written by hand is accepted, but for what the tests of `check` refuse; else all would end at its first line.
    let seeds = mutator.seeds();
    let good = seeds.iter().filter(|seed| worker.run(seed, HANG)).count();
    assert!(good * 2 > seeds.len(), "{good} of {} seeds", seeds.len());
    while limit.map_or(inputs < FEW, |limit| began.elapsed() < limit) {
        let input = mutator.next();
        inputs += 1;
        if worker.run(&input, HANG) {
            accepted += 1;
            mutator.keep(input);
        }
    }
    assert!(accepted > 0, "every mutation was refused");
    eprintln!("fuzzed {name}: {inputs} inputs, {accepted} accepted, seed {seed}");
}

struct Worker<'a> {
    target: &'a Target,
    watch: Watch,
    work: PathBuf,
}

impl Worker<'_> {
    /// Whether the input was accepted. It is on disk before it is read, so that it outlives this process.
    fn run(&mut self, input: &[u8], limit: Duration) -> bool {
        std::fs::write(input_file(&self.work), input).unwrap();
        self.watch.expect_within(limit);
        let accepted = (self.target.run)(&self.work, input);
        self.watch.rest();
        accepted
    }
}

/// Ends the process when an input takes too long.
struct Watch(Arc<Mutex<Option<Limit>>>);

#[derive(Clone, Copy)]
struct Limit {
    processor: Duration,
    wall: Instant,
}

impl Watch {
    fn start() -> Self {
        let limit = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&limit);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(100));
                let limit: Option<Limit> = *seen.lock().unwrap();
                let over = |limit: Limit| {
                    processor_time() > limit.processor || Instant::now() > limit.wall
                };
                if limit.is_some_and(over) {
                    eprintln!("it hangs");
                    std::process::abort();
                }
            }
        });
        Self(limit)
    }

    fn expect_within(&self, limit: Duration) {
        *self.0.lock().unwrap() = Some(Limit {
            processor: processor_time() + limit,
            wall: Instant::now() + limit * BUSY,
        });
    }

    fn rest(&self) {
        *self.0.lock().unwrap() = None;
    }
}

/// What this process has used so far (proc(5): fields 14 and 15 of `stat`, in hundredths of a second).
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the program may hold spaces; it ends with the last bracket.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// A panic on another thread may be caught there. The parser's own are: a statement that breaks it counts as not parsed.
fn end_with_any_panic() {
    let show = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_parser = panic
            .location()
            .is_some_and(|place| place.file().contains("squawk") || place.file().contains("rowan"));
        if !is_parser {
            show(panic);
            std::process::abort();
        }
    }));
}
