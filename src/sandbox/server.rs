//! One throwaway server: a direct child of dbctl, on loopback only, gone when its handle is.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::account::Account;
use super::binaries::Binaries;
use super::cluster::{check_access, initdb, make_folder};
use super::error::SandboxError;
use super::process::{self, Cancel, TICK};
use super::settings::{self, free_port, is_free};
use super::watcher::Watcher;
use crate::secret::Secret;

/// Somebody else may take a free port between its choice and the server's start.
const PORT_TRIES: usize = 8;

/// What a server is to be.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Its name in messages and in its folder's name.
    pub name: String,
    /// The folder in which its own folder is made.
    pub directory: PathBuf,
    /// The port; `None` means a free one.
    pub port: Option<u16>,
    /// Whether TimescaleDB is preloaded.
    pub timescaledb: bool,
    /// The superuser's name.
    pub user: String,
    /// The superuser's password.
    pub password: Secret,
    /// More settings, which win over the ones that every throwaway server has.
    pub settings: Vec<(String, String)>,
    /// The lines of `pg_hba.conf`; `None` means scram-sha-256 for everybody.
    pub hba: Option<String>,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// Ends the start early.
    pub cancel: Cancel,
}

impl ServerOptions {
    /// A plain server below the system's folder for temporary files.
    #[must_use]
    pub fn new(name: impl Into<String>, password: Secret) -> Self {
        Self {
            name: name.into(),
            directory: std::env::temp_dir(),
            port: None,
            timescaledb: false,
            user: "postgres".to_owned(),
            password,
            settings: Vec::new(),
            hba: None,
            timeout: Duration::from_secs(60),
            cancel: Cancel::default(),
        }
    }
}

/// A running server. Dropping it stops it and removes its data.
#[derive(Debug)]
pub struct Server {
    name: String,
    binaries: Binaries,
    user: String,
    password: Secret,
    port: u16,
    folder: PathBuf,
    parts: Option<Parts>,
}

/// What is left to clean up.
#[derive(Debug)]
struct Parts {
    child: Option<Child>,
    folder: PathBuf,
    watcher: Watcher,
    kept: bool,
}

impl Drop for Parts {
    fn drop(&mut self) {
        // The data goes too, so the quickest shutdown will do. What fails here is left to the watcher.
        if !self.kept && self.end(&[(Signal::SIGQUIT, Duration::from_secs(10))]) {
            self.remove().ok();
        }
    }
}

impl Parts {
    fn end(&mut self, steps: &[(Signal, Duration)]) -> bool {
        let Some(child) = &mut self.child else {
            return true;
        };
        let ended = process::end(child, steps)
            || process::end(child, &[(Signal::SIGKILL, Duration::from_secs(10))]);
        if ended {
            self.child = None;
        }
        ended
    }

    fn remove(&mut self) -> Result<(), SandboxError> {
        process::remove(&self.folder)?;
        self.kept = true;
        self.watcher.disarm();
        Ok(())
    }
}

impl Server {
    /// Makes a database cluster, starts its server and waits until it answers. Blocks.
    ///
    /// # Errors
    /// When the cluster cannot be made, or the server does not start; nothing of it is left then.
    pub fn start(binaries: &Binaries, options: &ServerOptions) -> Result<Self, SandboxError> {
        options.cancel.check()?;
        if let Some(port) = options.port
            && !is_free(port)
        {
            return Err(taken(options, port));
        }
        let account = Account::for_servers()?;
        let folder = make_folder(options, account.as_ref())?;
        let watcher = Watcher::start(folder.path())?;
        let path = folder.keep();
        let mut parts = Parts {
            child: None,
            folder: path.clone(),
            watcher,
            kept: false,
        };
        check_access(binaries, account.as_ref(), &path, options)?;
        initdb(binaries, account.as_ref(), &path, options)?;

        let mut tries = 0;
        let port = loop {
            tries += 1;
            let port = match options.port {
                Some(port) => port,
                None => free_port()?,
            };
            match launch(binaries, account.as_ref(), &path, options, port, &mut parts) {
                Ok(()) => break port,
                Err(error) if is_free(port) || matches!(error, SandboxError::Interrupted) => {
                    return Err(error);
                }
                Err(_) if options.port.is_some() => return Err(taken(options, port)),
                Err(error) if tries >= PORT_TRIES => return Err(error),
                Err(_) => {}
            }
        };
        Ok(Self {
            name: options.name.clone(),
            binaries: binaries.clone(),
            user: options.user.clone(),
            password: options.password.clone(),
            port,
            folder: path,
            parts: Some(parts),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The programs that it was started from.
    #[must_use]
    pub const fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The folder of those programs.
    #[must_use]
    pub fn bin(&self) -> &Path {
        &self.binaries.bin
    }

    /// The URL of one of its databases for the superuser.
    #[must_use]
    pub fn admin_url(&self, database: &str) -> Secret {
        self.url(&self.user, &self.password, database)
    }

    /// The URL of one of its databases for some role.
    #[must_use]
    pub fn url(&self, role: &str, password: &Secret, database: &str) -> Secret {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        Secret::new(format!(
            "postgresql://{}:{}@127.0.0.1:{}/{}",
            encode_name(role),
            encode(password.expose()),
            self.port,
            encode_name(database)
        ))
    }

    /// Its log.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        log_of(&self.folder)
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The folder that holds everything of it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process of the server, while this handle owns it.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.parts.as_ref()?.child.as_ref().map(Child::id)
    }

    /// Shuts it down in order (sessions are ended, data is written) and removes its data.
    ///
    /// # Errors
    /// When it does not end, or its data cannot be removed.
    pub fn stop(mut self) -> Result<(), SandboxError> {
        let Some(mut parts) = self.parts.take() else {
            return Ok(());
        };
        let pid = parts.child.as_ref().map_or(0, Child::id);
        let (fast, immediate) = (Duration::from_secs(20), Duration::from_secs(10));
        if !parts.end(&[(Signal::SIGINT, fast), (Signal::SIGQUIT, immediate)]) {
            return Err(SandboxError::NotStopped {
                name: self.name.clone(),
                pid,
            });
        }
        parts.remove()
    }

    /// Lets it outlive dbctl: from now on nobody stops it but [`super::State::stop`].
    pub(crate) fn leave(mut self) {
        if let Some(mut parts) = self.parts.take() {
            // The handle of a child that is dropped does not end the child.
            parts.child = None;
            parts.kept = true;
            parts.watcher.disarm();
        }
    }
}

/// Names of roles and databases keep their underscores and hyphens, which makes a readable URL.
fn encode_name(name: &str) -> String {
    const SET: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');
    utf8_percent_encode(name, SET).to_string()
}

fn taken(options: &ServerOptions, port: u16) -> SandboxError {
    SandboxError::PortTaken {
        name: options.name.clone(),
        port,
    }
}

fn log_of(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

/// Starts the server and waits until it answers; ends it again when it does not.
fn launch(
    binaries: &Binaries,
    account: Option<&Account>,
    folder: &Path,
    options: &ServerOptions,
    port: u16,
    parts: &mut Parts,
) -> Result<(), SandboxError> {
    let log = log_of(folder);
    let config = settings::write(options, folder, port)?;
    let output = File::create(&log).map_err(SandboxError::io("write the server's log"))?;
    let errors = output
        .try_clone()
        .map_err(SandboxError::io("write the server's log"))?;
    let child = process::clean(&binaries.program("postgres"), account, &folder.join("data"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-c")
        .arg(format!("config_file={}", config.display()))
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(SandboxError::io("run postgres"))?;
    let pid = child.id();
    let child = parts.child.insert(child);
    parts.watcher.watch(pid)?;

    let deadline = Instant::now() + options.timeout;
    let reason = loop {
        if let Ok(Some(status)) = child.try_wait() {
            break format!("it ended with {status}");
        }
        if is_ready(&folder.join("data"), pid)
            && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        {
            return Ok(());
        }
        if options.cancel.is_cancelled() {
            parts.end(&[(Signal::SIGQUIT, Duration::from_secs(10))]);
            return Err(SandboxError::Interrupted);
        }
        if Instant::now() > deadline {
            break format!("it did not answer within {} s", options.timeout.as_secs());
        }
        sleep(TICK);
    };
    parts.end(&[(Signal::SIGQUIT, Duration::from_secs(10))]);
    Err(SandboxError::NotStarted {
        name: options.name.clone(),
        reason,
        log: process::tail(&log),
    })
}

/// Whether the server says of itself that it takes connections, in the last line of its pid file.
fn is_ready(data: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    lines.next() == Some(pid.to_string().as_str()) && lines.next_back() == Some("ready")
}
