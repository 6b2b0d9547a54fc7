//! What ends a server when dbctl itself was killed and can no longer do it.
//!
//! A shell waits at the end of a pipe whose other end only dbctl holds: when dbctl is gone, however it went, the pipe is
//! closed. (`PR_SET_PDEATHSIG` follows the thread that forked, not the process, so it would end servers that were started
//! from a thread pool.)

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};

use super::error::SandboxError;
use super::process;

const SCRIPT: &str = include_str!("watcher.sh");

/// The watcher of one folder, and of the server in it.
#[derive(Debug)]
pub(crate) struct Watcher {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Watcher {
    /// From now on the folder does not outlive dbctl.
    pub(crate) fn start(folder: &Path) -> Result<Self, SandboxError> {
        let mut shell = process::clean(Path::new("/bin/sh"), None, Path::new("/"))
            .arg("-c")
            .arg(SCRIPT)
            .arg("dbctl-watcher")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(SandboxError::io("run /bin/sh"))?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Names the server's process.
    pub(crate) fn watch(&mut self, pid: u32) -> Result<(), SandboxError> {
        self.say(&pid.to_string())
            .map_err(SandboxError::io("talk to the server's watcher"))
    }

    /// The server is stopped and its folder removed, or both are meant to stay.
    pub(crate) fn disarm(&mut self) {
        // When this fails the watcher is gone already.
        self.say("done").ok();
    }

    fn say(&mut self, word: &str) -> std::io::Result<()> {
        match &mut self.pipe {
            Some(pipe) => writeln!(pipe, "{word}"),
            None => Ok(()),
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.pipe.take());
        self.shell.wait().ok();
    }
}
