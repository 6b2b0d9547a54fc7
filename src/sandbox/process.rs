//! Child processes: a clean environment, a group of their own, and an end for sure.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt as _;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::account::Account;
use super::error::SandboxError;

/// How often a condition is looked at while waiting for it.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Ends a start that is under way, from another thread.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks every start that holds a clone to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The same as an error, for `?`.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        if self.is_cancelled() {
            Err(SandboxError::Interrupted)
        } else {
            Ok(())
        }
    }
}

/// A command that inherits nothing that could change what a server does: no `PG*`, no locale, no secret.
/// Its own process group keeps Ctrl-C at the terminal from ending it before dbctl has cleaned up.
pub(crate) fn clean(program: &Path, account: Option<&Account>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .current_dir(directory)
        .stdin(Stdio::null())
        .process_group(0);
    if let Some(account) = account {
        account.put_on(&mut command);
    }
    command
}

/// Waits until the child has ended or the time is over.
pub(crate) fn wait_for(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => sleep(TICK),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// Sends one signal after the other, each with its time, until the child has ended.
pub(crate) fn end(child: &mut Child, steps: &[(Signal, Duration)]) -> bool {
    for (signal, limit) in steps {
        // A child that was waited for has no pid any more: ask first, so that no stranger is hit.
        if !matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        send(child.id(), *signal);
        if wait_for(child, *limit).is_some() {
            return true;
        }
    }
    matches!(child.try_wait(), Ok(Some(_)))
}

/// Sends a signal; a process that is gone is not an error.
pub(crate) fn send(pid: u32, signal: Signal) {
    if let Some(pid) = pid_of(pid) {
        kill(pid, signal).ok();
    }
}

/// Whether there is a process of this number.
pub(crate) fn exists(pid: u32) -> bool {
    pid_of(pid).is_some_and(|pid| {
        // EPERM also means that it is there.
        kill(pid, None) != Err(nix::errno::Errno::ESRCH)
    })
}

/// A pid that names one process: 0 and negative numbers would name groups.
fn pid_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid)
        .ok()
        .filter(|pid| *pid > 0)
        .map(Pid::from_raw)
}

/// Removes a folder. A process that is just ending may still write into it, so not only once.
pub(crate) fn remove(folder: &Path) -> Result<(), SandboxError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match std::fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !folder.exists() => {
                return Ok(());
            }
            Err(source) if tries == 20 => {
                return Err(SandboxError::Io {
                    what: format!("remove {}", folder.display()),
                    source,
                });
            }
            Err(_) => sleep(Duration::from_millis(50)),
        }
    }
}

/// The last lines of a log file.
pub(crate) fn tail(path: &Path) -> Vec<String> {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(15))
        .map(|line| (*line).to_owned())
        .collect()
}
