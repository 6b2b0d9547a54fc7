//! What `sandbox up` leaves for `sandbox down`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Uid;
use serde::{Deserialize, Serialize};

use super::environment::Variable;
use super::error::SandboxError;
use super::process;
use crate::secret::Secret;

const FILE: &str = "state.json";

/// A system that runs without dbctl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Whose system it is: the manifest's path, or its name where it is built in; `None` where an older dbctl has started it.
    pub manifest: Option<String>,
    /// The folder that holds everything of it.
    pub folder: PathBuf,
    /// Its servers.
    pub servers: Vec<RunningServer>,
    /// The environment that leads to it.
    pub variables: Vec<Variable>,
}

/// One server of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningServer {
    /// Its name.
    pub name: String,
    /// Its process.
    pub pid: u32,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Its data directory.
    pub data_dir: PathBuf,
    /// Its log.
    pub log: PathBuf,
}

/// The file's form. A [`Secret`] cannot be serialized by accident; here it is meant to be.
#[derive(Serialize, Deserialize)]
struct Raw {
    version: u32,
    #[serde(default)]
    manifest: Option<String>,
    folder: PathBuf,
    servers: Vec<RunningServer>,
    variables: Vec<(String, String)>,
}

/// Where the state is kept when the caller does not say: below the cache for root, whose home is closed to the user that
/// the servers run as, else below the user's own state folder.
#[must_use]
pub fn default_directory(env: &BTreeMap<String, String>) -> PathBuf {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty());
    if let Some(cache) = set("DBCTL_CACHE") {
        return Path::new(cache).join("sandbox");
    }
    if Uid::effective().is_root() {
        return PathBuf::from("/var/cache/dbctl/sandbox");
    }
    let state = set("XDG_STATE_HOME").map(PathBuf::from);
    let home = set("HOME").map(|home| Path::new(home).join(".local/state"));
    state
        .or(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("dbctl/sandbox")
}

impl State {
    /// Writes it for its owner alone, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, directory: &Path) -> Result<(), SandboxError> {
        let path = directory.join(FILE);
        let raw = Raw {
            version: 1,
            manifest: self.manifest.clone(),
            folder: self.folder.clone(),
            servers: self.servers.clone(),
            variables: self
                .variables
                .iter()
                .map(|variable| (variable.name.clone(), variable.value.expose().to_owned()))
                .collect(),
        };
        let write = || -> std::io::Result<()> {
            // tempfile makes it 0600.
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            serde_json::to_writer_pretty(&mut file, &raw)?;
            writeln!(file)?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(SandboxError::io(format!("write {}", path.display())))
    }

    /// Reads it; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is not what [`State::save`] writes.
    pub fn load(directory: &Path) -> Result<Option<Self>, SandboxError> {
        let path = directory.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(SandboxError::io(format!("read {}", path.display()))(error));
            }
        };
        let wrong = |reason: String| SandboxError::State {
            path: path.clone(),
            reason,
        };
        let raw: Raw = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        if raw.version != 1 {
            return Err(wrong(format!("it has version {}", raw.version)));
        }
        // What `stop` removes must lie where `up` puts it.
        let here = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let inside = raw.folder.parent() == Some(&here)
            && raw
                .servers
                .iter()
                .all(|server| server.data_dir.starts_with(&raw.folder));
        if !inside {
            return Err(wrong("its folder lies elsewhere".to_owned()));
        }
        let variables = raw.variables.into_iter();
        Ok(Some(Self {
            manifest: raw.manifest,
            folder: raw.folder,
            servers: raw.servers,
            variables: variables
                .map(|(name, value)| Variable {
                    name,
                    value: Secret::new(value),
                })
                .collect(),
        }))
    }

    /// Whether all of its servers run.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.servers.iter().all(RunningServer::is_running)
    }

    /// Stops the servers, removes everything, and forgets it.
    ///
    /// # Errors
    /// When a server does not end or something cannot be removed.
    pub fn stop(&self, directory: &Path) -> Result<(), SandboxError> {
        for server in &self.servers {
            if server.is_running() {
                process::send(server.pid, Signal::SIGINT);
            }
        }
        for server in &self.servers {
            server.wait_for_end()?;
        }
        process::remove(&self.folder)?;
        let path = directory.join(FILE);
        fs::remove_file(&path).map_err(SandboxError::io(format!("remove {}", path.display())))
    }
}

impl RunningServer {
    /// Whether the recorded process is this very server: pids are used again.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let text = fs::read_to_string(self.data_dir.join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines().map(str::trim);
        let is_own = lines.next() == Some(self.pid.to_string().as_str())
            && lines.next().map(Path::new) == Some(self.data_dir.as_path());
        is_own && process::exists(self.pid) && self.is_named_by_process()
    }

    /// After a crash of the machine the pid file is still there; where there is a /proc, it knows better.
    fn is_named_by_process(&self) -> bool {
        match fs::read(format!("/proc/{}/cmdline", self.pid)) {
            Ok(bytes) => {
                String::from_utf8_lossy(&bytes).contains(&*self.data_dir.to_string_lossy())
            }
            Err(_) => !Path::new("/proc/self").exists(),
        }
    }

    fn wait_for_end(&self) -> Result<(), SandboxError> {
        let steps = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL];
        for signal in steps {
            let deadline = Instant::now() + Duration::from_secs(10);
            if self.is_running() {
                process::send(self.pid, signal);
            }
            while self.is_running() && Instant::now() < deadline {
                sleep(process::TICK);
            }
            if !self.is_running() {
                return Ok(());
            }
        }
        Err(SandboxError::NotStopped {
            name: self.name.clone(),
            pid: self.pid,
        })
    }
}

/// Makes the state folder. Root's servers pass through it as another user; nobody else needs to list it.
pub(crate) fn make_directory(directory: &Path) -> Result<(), SandboxError> {
    let what = || format!("make the folder {}", directory.display());
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory).map_err(SandboxError::io(what()))?;
    let mode = if Uid::effective().is_root() {
        0o711
    } else {
        0o700
    };
    fs::set_permissions(directory, fs::Permissions::from_mode(mode))
        .map_err(SandboxError::io(what()))
}
