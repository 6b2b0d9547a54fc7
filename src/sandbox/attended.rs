//! A command that runs in the sandbox, and the signals that dbctl gets meanwhile.

use std::io::{self, IsTerminal as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::error::SandboxError;
use crate::exit::Exit;

/// How long a command that was told to end may take before it is told more firmly.
const PATIENCE: Duration = Duration::from_secs(10);

/// The signals that ask dbctl to end.
pub(crate) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    /// From now on they do not end dbctl by themselves.
    pub(crate) fn new() -> Result<Self, SandboxError> {
        let listen = |kind| {
            signal(kind).map_err(|source| SandboxError::Io {
                what: "listen to signals".to_owned(),
                source,
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// The next one that arrives.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hangup.recv() => Signal::SIGHUP,
        }
    }
}

/// The command, and who tells it about signals.
pub(crate) struct Attended {
    child: Child,
    pid: Option<Pid>,
    /// At a terminal the command shares dbctl's process group: it may read the terminal, and Ctrl-C reaches it without help.
    at_terminal: bool,
}

impl Attended {
    /// Starts the command.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let at_terminal = io::stdin().is_terminal();
        if !at_terminal {
            command.process_group(0);
        }
        let child = command.spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        Ok(Self {
            child,
            pid: pid.map(Pid::from_raw),
            at_terminal,
        })
    }

    fn send(&self, signal: Signal) {
        let Some(pid) = self.pid else { return };
        // A command that has just ended is no error.
        if self.at_terminal {
            kill(pid, signal).ok();
        } else {
            killpg(pid, signal).ok();
        }
    }

    /// Waits for the command's end, passes signals on, and gets firmer when it does not listen.
    pub(crate) async fn wait(mut self, signals: &mut Signals) -> Result<i32, SandboxError> {
        let mut firmer = [Signal::SIGTERM, Signal::SIGKILL].into_iter();
        let mut deadline: Option<Instant> = None;
        let mut interrupted = false;
        loop {
            let patience = deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
            tokio::select! {
                status = self.child.wait() => {
                    let status = status.map_err(|source| SandboxError::Io {
                        what: "wait for the command".to_owned(),
                        source,
                    })?;
                    return Ok(if interrupted { Exit::Interrupted.code().into() } else { code(status) });
                }
                signal = signals.next() => {
                    if interrupted {
                        // Whoever asks twice does not want to wait.
                        firmer.next().into_iter().for_each(|signal| self.send(signal));
                    } else if !(self.at_terminal && signal == Signal::SIGINT) {
                        self.send(signal);
                        deadline = Some(Instant::now() + PATIENCE);
                    }
                    interrupted = true;
                }
                () = sleep_until(patience), if deadline.is_some() => {
                    firmer.next().into_iter().for_each(|signal| self.send(signal));
                    deadline = Some(Instant::now() + PATIENCE);
                }
            }
        }
    }
}

/// The exit status as a shell gives it.
fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_what_a_shell_would_say() {
        assert_eq!(code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(code(ExitStatus::from_raw(9)), 137);
    }
}
