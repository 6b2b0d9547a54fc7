//! A manifest's whole system: a server for each SQL service, directories, and the environment that leads there.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;

use nix::unistd::Uid;

use super::binaries::{Binaries, Need, VARIABLE};
use super::cluster::{file_name, write_private};
use super::environment::{self, DatabasePlace, Place, Variable, literal, names};
use super::error::SandboxError;
use super::generated;
use super::groups::{Group, groups};
use super::process::{self, Cancel};
use super::random_password;
use super::server::{Server, ServerOptions};
use super::state::{RunningServer, State};
use super::watcher::Watcher;
use crate::manifest::{Manifest, Service, Store};
use crate::secret::Secret;

/// The variable that names the manifest.
const CONFIG: &str = "DBCTL_CONFIG";

/// How a system is to be.
#[derive(Debug, Clone)]
pub struct SystemOptions {
    /// The folder in which its own folder is made.
    pub directory: PathBuf,
    /// Listen on the manifest's ports instead of free ones.
    pub real_ports: bool,
    /// Use the manifest's passwords where it has some, instead of random ones.
    pub default_passwords: bool,
    /// Write a manifest even where variables would do: for a caller whose own flags changed the manifest.
    pub write_manifest: bool,
    /// Ends the start early.
    pub cancel: Cancel,
}

impl Default for SystemOptions {
    fn default() -> Self {
        Self {
            directory: std::env::temp_dir(),
            real_ports: false,
            default_passwords: false,
            write_manifest: false,
            cancel: Cancel::default(),
        }
    }
}

/// A running system. Dropping it stops it and removes everything.
#[derive(Debug)]
pub struct System {
    servers: Vec<Server>,
    variables: Vec<Variable>,
    storages: Vec<PathBuf>,
    folder: PathBuf,
    watcher: Watcher,
    kept: bool,
}

impl Drop for System {
    fn drop(&mut self) {
        if !self.kept {
            self.servers.clear();
            self.remove().ok();
        }
    }
}

impl System {
    /// What the binaries for a manifest must be. One set of them serves all its services.
    #[must_use]
    pub fn need(manifest: &Manifest) -> Need {
        Need {
            timescaledb: manifest
                .services
                .iter()
                .any(|service| service.store == Store::TimescaleDb),
            major: None,
        }
    }

    /// Starts everything and waits until all servers answer. Blocks.
    ///
    /// The servers are empty: roles and databases are `provision`'s to make. The manifest should have been loaded with
    /// [`crate::manifest::Inputs::sandbox`], since an address from the caller's environment would hide the manifest's own parts.
    ///
    /// # Errors
    /// When one server does not start; then none of them stays.
    pub fn start(
        manifest: &Manifest,
        binaries: &Binaries,
        options: &SystemOptions,
    ) -> Result<Self, SandboxError> {
        let folder = make_folder(&options.directory)?;
        let watcher = Watcher::start(folder.path())?;
        let mut system = Self {
            servers: Vec::new(),
            variables: Vec::new(),
            storages: Vec::new(),
            folder: folder.keep(),
            watcher,
            kept: false,
        };
        let groups = groups(manifest);
        system.start_servers(&groups, binaries, options)?;
        let services = system.places(manifest, &groups, options)?;
        system.storages = services
            .iter()
            .filter_map(|(_, place)| place.storage_dir.clone())
            .collect();
        system.variables = system.environment(manifest, binaries, &services, options)?;
        Ok(system)
    }

    /// The servers in the manifest's order.
    #[must_use]
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// What a command's environment must be for the manifest to mean this system.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The manifest that was written for this system, where no variables could make the given one mean it: changes of that do not reach it.
    #[must_use]
    pub fn own_manifest(&self) -> Option<&Path> {
        let variable = self.variables.iter().find(|one| one.name == CONFIG)?;
        let path = Path::new(variable.value.expose());
        path.starts_with(&self.folder).then_some(path)
    }

    /// The `storage_dir`s that were made for the services that have one.
    #[must_use]
    pub fn storages(&self) -> &[PathBuf] {
        &self.storages
    }

    /// The folder that holds everything of it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops the servers in order and removes everything.
    ///
    /// # Errors
    /// When a server does not end or something cannot be removed; the rest is done all the same.
    pub fn stop(mut self) -> Result<(), SandboxError> {
        let servers = std::mem::take(&mut self.servers);
        let stopped = thread::scope(|scope| {
            let threads: Vec<_> = servers
                .into_iter()
                .map(|server| scope.spawn(move || server.stop()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or(Ok(())))
                .fold(Ok(()), Result::and)
        });
        stopped.and(self.remove())
    }

    /// Records the system in `directory`, with whose it is (`manifest`), and lets it outlive dbctl.
    ///
    /// # Errors
    /// When the record cannot be written; then the system is stopped.
    pub fn leave(mut self, directory: &Path, manifest: String) -> Result<State, SandboxError> {
        let state = State {
            manifest: Some(manifest),
            folder: self.folder.clone(),
            servers: self
                .servers
                .iter()
                .map(|server| RunningServer {
                    name: server.name().to_owned(),
                    pid: server.pid().unwrap_or_default(),
                    port: server.port(),
                    data_dir: server.data_dir(),
                    log: server.log_path(),
                })
                .collect(),
            variables: self.variables.clone(),
        };
        // Recorded first: until then the watchers end what an interrupted dbctl leaves behind.
        state.save(directory)?;
        self.servers.drain(..).for_each(Server::leave);
        self.kept = true;
        self.watcher.disarm();
        Ok(state)
    }

    fn remove(&mut self) -> Result<(), SandboxError> {
        process::remove(&self.folder)?;
        self.kept = true;
        self.watcher.disarm();
        Ok(())
    }

    /// One thread for each server: most of a start is waiting.
    fn start_servers(
        &mut self,
        groups: &[Group<'_>],
        binaries: &Binaries,
        options: &SystemOptions,
    ) -> Result<(), SandboxError> {
        let folder = &self.folder;
        let results: Vec<Result<Server, SandboxError>> = thread::scope(|scope| {
            let threads: Vec<_> = groups
                .iter()
                .map(|group| {
                    let mut server = ServerOptions::new(group.name, random_password());
                    server.directory.clone_from(folder);
                    server.port = options.real_ports.then(|| group.port());
                    server.timescaledb = group.timescaledb();
                    server.cancel = options.cancel.clone();
                    scope.spawn(move || Server::start(binaries, &server))
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or(Err(SandboxError::Interrupted)))
                .collect()
        });
        // Taken one by one, so that after an error the servers that did start are dropped, and with it stopped.
        self.servers = results.into_iter().collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Where each service is now; makes its directories.
    fn places<'a>(
        &self,
        manifest: &'a Manifest,
        groups: &[Group<'_>],
        options: &SystemOptions,
    ) -> Result<Vec<(&'a Service, Place)>, SandboxError> {
        let mut places = Vec::new();
        for service in &manifest.services {
            let server = groups
                .iter()
                .zip(&self.servers)
                .find(|(group, _)| group.services.iter().any(|one| one.name == service.name))
                .map(|(_, server)| server);
            let wants = |key, present: bool| present || !names(service, key).is_empty();
            let storage_dir = wants("storage_dir", service.storage_dir.is_some())
                .then(|| self.make_directory(service, "storage"))
                .transpose()?;
            let data_dir = match (wants("data_dir", service.data_dir.is_some()), server) {
                (false, _) => None,
                (true, Some(server)) => Some(server.data_dir()),
                (true, None) => Some(self.make_directory(service, "data")?),
            };
            let database = server.map(|server| database_place(service, server, options));
            places.push((
                service,
                Place {
                    database,
                    storage_dir,
                    data_dir,
                },
            ));
        }
        Ok(places)
    }

    fn make_directory(&self, service: &Service, name: &str) -> Result<PathBuf, SandboxError> {
        let path = self
            .folder
            .join("directories")
            .join(file_name(&service.name))
            .join(name);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(SandboxError::io(format!("make {}", path.display())))?;
        Ok(path)
    }

    fn environment(
        &self,
        manifest: &Manifest,
        binaries: &Binaries,
        services: &[(&Service, Place)],
        options: &SystemOptions,
    ) -> Result<Vec<Variable>, SandboxError> {
        let mut environment = environment::of(services);
        let config = if environment.needs_manifest || options.write_manifest {
            let path = self.folder.join("dbctl.toml");
            write_private(&path, &generated::render(manifest, services))?;
            Some(path)
        } else {
            // The command may run in another directory, and was not given --config.
            manifest
                .path
                .as_deref()
                .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
        };
        let paths = [
            (CONFIG, config),
            // `backup` needs the tools of these servers, not an older system's.
            (VARIABLE, Some(binaries.bin.clone())),
        ];
        for (name, path) in paths {
            if let Some(path) = path {
                let value = Secret::new(path.display().to_string());
                environment.variables.insert(name.to_owned(), value);
            }
        }
        let variables = environment.variables.into_iter();
        Ok(variables
            .map(|(name, value)| Variable { name, value })
            .collect())
    }
}

fn database_place(service: &Service, server: &Server, options: &SystemOptions) -> DatabasePlace {
    let database = service.database_name();
    let role = service
        .role_name()
        .map_or_else(|| format!("{database}_user"), str::to_owned);
    let has_variable = ["password", "url"]
        .iter()
        .any(|key| !names(service, key).is_empty());
    // A password that the manifest fixes stays what it is: no variable could tell another.
    let password = literal(service)
        .and_then(|endpoint| endpoint.password.clone())
        .filter(|_| options.default_passwords || !has_variable)
        .unwrap_or_else(random_password);
    DatabasePlace {
        port: server.port(),
        url: server.url(&role, &password, database),
        admin_url: server.admin_url("postgres"),
        role,
        password,
    }
}

/// The folder of a system. Root's servers belong to another user, who must be able to pass through.
fn make_folder(parent: &Path) -> Result<tempfile::TempDir, SandboxError> {
    let what = || format!("make a folder in {}", parent.display());
    let mode = if Uid::effective().is_root() {
        0o711
    } else {
        0o700
    };
    let parent = fs::canonicalize(parent).map_err(SandboxError::io(what()))?;
    let folder = tempfile::Builder::new()
        .prefix("dbctl-sandbox-")
        .tempdir_in(parent)
        .map_err(SandboxError::io(what()))?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode))
        .map_err(SandboxError::io(what()))?;
    Ok(folder)
}
