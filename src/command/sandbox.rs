//! `dbctl sandbox`: the whole system on throwaway local servers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::task::spawn_blocking;

use crate::files::RGB_TABLES;
use crate::manifest::{self, Inputs, Manifest};
use crate::sandbox::{
    Attended, Binaries, SandboxError, Signals, State, System, SystemOptions, Variable,
    default_directory, find, make_directory,
};
use crate::sqlite::make_stand_in;

/// What `run` and `up` have in common.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The manifest, from [`load`].
    pub manifest: Manifest,
    /// The environment, for the places where server binaries and the state may be.
    pub env: BTreeMap<String, String>,
    /// `--postgres-bin DIR`.
    pub postgres_bin: Option<PathBuf>,
    /// `--real-ports`: the manifest's ports instead of free ones.
    pub real_ports: bool,
    /// `--default-passwords`: the manifest's passwords instead of random ones.
    pub default_passwords: bool,
    /// The caller's flags (`--set`, `--sets`) changed the manifest, so a command in the sandbox cannot read it from its file.
    pub write_manifest: bool,
}

/// `dbctl sandbox run -- COMMAND…`.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The system.
    pub sandbox: SandboxOptions,
    /// The program and its arguments.
    pub command: Vec<OsString>,
}

/// `dbctl sandbox up`.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// The system.
    pub sandbox: SandboxOptions,
    /// `--dir DIR`: where data and state are kept.
    pub directory: Option<PathBuf>,
}

/// `dbctl sandbox down`.
#[derive(Debug, Clone)]
pub struct DownOptions {
    /// The environment, for the default folder.
    pub env: BTreeMap<String, String>,
    /// `--dir DIR`, as given to `up`.
    pub directory: Option<PathBuf>,
}

/// Loads the manifest for a sandbox: without the addresses and passwords of the caller's environment.
///
/// # Errors
/// When the manifest cannot be loaded.
pub fn load(inputs: &Inputs) -> Result<Manifest, SandboxError> {
    Ok(manifest::load(&Inputs {
        sandbox: true,
        ..inputs.clone()
    })?)
}

/// Starts the system, runs the command in its environment, and stops everything, whatever happens.
/// Returns the command's exit status, as a shell would give it; 130 after a signal.
///
/// # Errors
/// When the system or the command does not start, or the system does not stop.
pub async fn run(options: RunOptions, talk: &mut (dyn Write + Send)) -> Result<i32, SandboxError> {
    let Some((program, arguments)) = options.command.split_first() else {
        return Err(SandboxError::Usage(
            "sandbox run needs a command: dbctl sandbox run -- COMMAND…".to_owned(),
        ));
    };
    let mut signals = Signals::new()?;
    let directory = std::env::temp_dir();
    let system = start(&options.sandbox, directory, &mut signals, talk).await?;
    let mut command = Command::new(program);
    command.args(arguments);
    for Variable { name, value } in system.variables() {
        command.env(name, value.expose());
    }
    let ended = match Attended::spawn(&mut command) {
        Ok(child) => child.wait(&mut signals).await,
        Err(source) => Err(SandboxError::Command {
            program: program.display().to_string(),
            source,
        }),
    };
    // A terminal that is gone must not keep the servers from being stopped.
    say(talk, "stopping the servers").ok();
    let stopped = in_background(move || system.stop()).await;
    let status = ended?;
    stopped?;
    Ok(status)
}

/// Starts the system and leaves it running; prints the environment as `export` lines for `eval`.
/// Where it runs already, only prints them again.
///
/// # Errors
/// When the system does not start, or its state cannot be recorded.
pub async fn up(
    options: UpOptions,
    data: &mut (dyn Write + Send),
    talk: &mut (dyn Write + Send),
) -> Result<(), SandboxError> {
    let directory = options
        .directory
        .unwrap_or_else(|| default_directory(&options.sandbox.env));
    make_directory(&directory)?;
    let _lock = lock(&directory)?;
    let mut signals = Signals::new()?;
    let manifest = origin(&options.sandbox.manifest);
    let running = match State::load(&directory)? {
        Some(state) if state.is_running() => {
            if let Some(other) = state.manifest.as_ref().filter(|other| **other != manifest) {
                return Err(SandboxError::Usage(format!(
                    "a sandbox of another system runs in {}: of {other}, and this is {manifest}; end it with `dbctl sandbox down`, or \
                     give this one a folder of its own with --dir",
                    directory.display()
                )));
            }
            say(talk, "the sandbox is already running")?;
            Some(state)
        }
        Some(state) => {
            say(
                talk,
                "the last sandbox has ended; removing what is left of it",
            )?;
            let folder = directory.clone();
            in_background(move || state.stop(&folder)).await?;
            None
        }
        None => None,
    };
    let state = match running {
        Some(state) => state,
        None => {
            let system = start(&options.sandbox, directory.clone(), &mut signals, talk).await?;
            system.leave(&directory, manifest)?
        }
    };
    for server in &state.servers {
        say(
            talk,
            &format!("{} on 127.0.0.1:{}", server.name, server.port),
        )?;
    }
    say(
        talk,
        &format!(
            "the passwords below are throwaway ones of loopback servers; `dbctl sandbox down --dir {}` ends them",
            directory.display()
        ),
    )?;
    write!(data, "{}", exports(&state.variables))
        .and_then(|()| data.flush())
        .map_err(|source| SandboxError::Io {
            what: "write the exports".to_owned(),
            source,
        })
}

/// Whose system it is, whatever folder the caller is in.
fn origin(manifest: &Manifest) -> String {
    let full = manifest.path.as_deref().map(std::fs::canonicalize);
    match full {
        Some(Ok(path)) => path.display().to_string(),
        Some(Err(_)) | None => manifest.origin(),
    }
}

/// Stops what `up` has started and removes everything. Nothing to stop is not an error.
///
/// # Errors
/// When a server does not stop or something cannot be removed.
pub async fn down(options: DownOptions, talk: &mut (dyn Write + Send)) -> Result<(), SandboxError> {
    let directory = options
        .directory
        .unwrap_or_else(|| default_directory(&options.env));
    if !directory.is_dir() {
        return say(talk, &nothing_runs(&directory));
    }
    let _lock = lock(&directory)?;
    let Some(state) = State::load(&directory)? else {
        return say(talk, &nothing_runs(&directory));
    };
    let folder = directory.clone();
    in_background(move || state.stop(&folder)).await?;
    // Only an empty folder goes: --dir may be the caller's own.
    std::fs::remove_dir(&directory).ok();
    say(talk, "the sandbox is stopped and removed")
}

/// The lines that `eval` understands.
fn exports(variables: &[Variable]) -> String {
    variables
        .iter()
        .map(|Variable { name, value }| format!("export {name}={}\n", quote(value.expose())))
        .collect()
}

/// A text as one word of a POSIX shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn say(talk: &mut (dyn Write + Send), line: &str) -> Result<(), SandboxError> {
    writeln!(talk, "dbctl: {line}").map_err(|source| SandboxError::Io {
        what: "write to stderr".to_owned(),
        source,
    })
}

/// Two `up`s at once would start two systems and record one.
fn lock(directory: &Path) -> Result<File, SandboxError> {
    File::open(directory)
        .and_then(|folder| folder.lock().map(|()| folder))
        .map_err(|source| SandboxError::Io {
            what: format!("lock {}", directory.display()),
            source,
        })
}

/// Starting and stopping blocks, and signals must be heard meanwhile.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SandboxError> + Send + 'static,
) -> Result<T, SandboxError> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(SandboxError::Io {
            what: "finish".to_owned(),
            source: io::Error::other(error),
        }),
    }
}

/// The system with what the RGB library makes when its node is unlocked: `migrate` waits for that, and there is no node here.
async fn initialised(system: System) -> Result<System, SandboxError> {
    for storage in system.storages() {
        let path = storage.join("rgb_sqlite/sandbox/rgb_lib_db");
        make_stand_in(&path, &RGB_TABLES)
            .await
            .map_err(SandboxError::io(format!("make {}", path.display())))?;
    }
    Ok(system)
}

/// Starts the system; a signal ends the start and leaves nothing.
async fn start(
    options: &SandboxOptions,
    directory: PathBuf,
    signals: &mut Signals,
    talk: &mut (dyn Write + Send),
) -> Result<System, SandboxError> {
    let need = System::need(&options.manifest);
    let binaries: Binaries = find(options.postgres_bin.as_deref(), &options.env, need)?;
    say(
        talk,
        &format!(
            "starting throwaway servers (PostgreSQL {} from {})",
            binaries.major,
            binaries.bin.display()
        ),
    )?;
    let system = SystemOptions {
        directory,
        real_ports: options.real_ports,
        default_passwords: options.default_passwords,
        write_manifest: options.write_manifest,
        ..SystemOptions::default()
    };
    let cancel = system.cancel.clone();
    let manifest = options.manifest.clone();
    let starting = in_background(move || System::start(&manifest, &binaries, &system));
    tokio::pin!(starting);
    tokio::select! {
        started = &mut starting => {
            let system = initialised(started?).await?;
            if let Some(path) = system.own_manifest() {
                say(
                    talk,
                    &format!(
                        "no variables make this manifest mean these servers: DBCTL_CONFIG names a copy that does, {}; changes of the manifest \
                         reach it with the next start",
                        path.display()
                    ),
                )?;
            }
            Ok(system)
        }
        _ = signals.next() => {
            cancel.cancel();
            // It may have been ready just then; stopping it is part of being interrupted.
            let started = starting.await;
            in_background(move || started.map_or(Ok(()), System::stop)).await?;
            Err(SandboxError::Interrupted)
        }
    }
}

/// Where a sandbox was looked for in vain.
fn nothing_runs(directory: &Path) -> String {
    format!(
        "no sandbox is running in {}; one that `up --dir DIR` has started is ended by `down --dir DIR`",
        directory.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn exports_survive_a_shell() {
        let variables = [
            Variable {
                name: "A".to_owned(),
                value: Secret::new("it's; $HOME `x`"),
            },
            Variable {
                name: "B".to_owned(),
                value: Secret::new(""),
            },
        ];
        assert_eq!(
            exports(&variables),
            "export A='it'\\''s; $HOME `x`'\nexport B=''\n"
        );
    }
}
