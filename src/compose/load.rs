//! From files to a [`Project`]: `-f` files merged, `include` and `extends` followed, within bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::container::Container;
use super::context::Context;
use super::merge::{merge, without_reset};
use super::refused::{Refused, Seen, refused};
use super::scripts::{self, Scripts};
use super::yaml::Node;
use super::{Place, Text, elsewhere, project_name};

/// The largest file that is read, in bytes.
pub(super) const LARGEST: u64 = 4 << 20;
/// How many files may take part.
pub(super) const MOST_FILES: usize = 200;
/// How long a chain of `include` or `extends` may be.
pub(super) const LONGEST: usize = 30;

/// Which compose files to read, and with which variables.
#[derive(Clone, Default)]
pub struct Wanted {
    /// The files, as several `-f` name them: each over those before it. Relative ones begin at `directory`.
    pub files: Vec<PathBuf>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Variables of the environment whose values are not UTF-8: one that a file asks for is an error, not one that is unset.
    pub garbled: BTreeSet<String>,
    /// The working directory.
    pub directory: PathBuf,
}

impl std::fmt::Debug for Wanted {
    /// Leaves out the environment, which may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wanted")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

/// Why the compose files are not one project: `file:line:column: what; what to do`. It never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ComposeError(pub(super) String);

impl ComposeError {
    pub(super) fn new(place: Place, problem: impl std::fmt::Display) -> Self {
        Self(format!(
            "{}:{}:{}: {problem}",
            place.file, place.line, place.column
        ))
    }
}

/// What the compose files say together.
#[derive(Debug, Clone)]
pub struct Project {
    /// The files that were named, as they were named.
    pub files: Vec<Arc<str>>,
    /// The services of the files. Called containers here: a service is one of the manifest's.
    pub containers: Vec<Container>,
    /// What could not be looked at, such as an environment file that is not there: the container's name, and the reason.
    pub unread: Vec<(String, String)>,
    /// What Docker Compose refuses the files for, and what they name and was not followed.
    pub refused: Vec<Refused>,
    /// What runs when a database is created.
    pub scripts: Vec<Scripts>,
    /// The profiles that are started, where `COMPOSE_PROFILES` says them; `*` is all.
    pub profiles: Option<Vec<String>>,
    /// Every compose file and `.env` that takes part.
    read: Vec<PathBuf>,
}

impl Project {
    /// Every file that the project is told by: compose files, `.env` files, environment files, configs, secrets and init scripts.
    #[must_use]
    pub fn files_read(&self) -> Vec<PathBuf> {
        let stores = self.containers.iter().flat_map(|container| {
            let env_files = container.env_files.iter().map(|file| &file.store);
            let grants = container.grants.iter().map(|grant| &grant.store);
            env_files.chain(grants)
        });
        let hosts = stores.filter_map(|store| store.host.clone());
        let scripts = self.scripts.iter().flat_map(|scripts| &scripts.read);
        let files = self.read.iter().chain(scripts).cloned();
        files.chain(hosts).collect()
    }
}

/// The files that Compose takes when none is named, in this folder: one, and its override.
fn default_files(folder: &Path) -> Vec<PathBuf> {
    for stem in ["compose", "docker-compose"] {
        let find = |middle: &str| {
            ["yaml", "yml"]
                .iter()
                .map(|end| folder.join(format!("{stem}{middle}.{end}")))
                // Whatever is there under this name: one that cannot be read is an error and not none.
                .find(|path| path.symlink_metadata().is_ok())
        };
        if let Some(file) = find("") {
            return std::iter::once(file).chain(find(".override")).collect();
        }
    }
    Vec::new()
}

/// The files that Compose takes when none is named, in this folder: those of `COMPOSE_FILE`, in the environment or in `.env`, else the
/// default ones. A `.env` that cannot be read is told where the files are.
#[must_use]
pub fn chosen_files(
    folder: &Path,
    directory: &Path,
    env: &BTreeMap<String, String>,
) -> Vec<PathBuf> {
    let mut loader = Loader {
        env: env.clone(),
        ..Loader::default()
    };
    let mut bases = vec![(directory, env.clone())];
    for base in [directory, folder] {
        let set = loader.dotenv(&base.join(".env")).unwrap_or_default();
        let known = set
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.get()?.to_owned())));
        bases.push((base, known.collect()));
    }
    let value = |name: &str| {
        let mut set = bases
            .iter()
            .filter_map(|(base, known)| Some((*base, known.get(name)?)));
        set.find(|(_, value)| !value.is_empty())
    };
    let Some((base, files)) = value("COMPOSE_FILE") else {
        return default_files(folder);
    };
    let separator = value("COMPOSE_PATH_SEPARATOR").map_or(":", |(_, separator)| separator);
    let files = files
        .split(separator)
        .map(str::trim)
        .filter(|file| !file.is_empty());
    files.map(|file| base.join(file)).collect()
}

/// Reads the files as Compose does.
///
/// # Errors
/// When a file cannot be read, is not YAML, or says what Compose refuses.
pub fn load(wanted: &Wanted) -> Result<Project, ComposeError> {
    let paths: Vec<PathBuf> = wanted
        .files
        .iter()
        .map(|file| wanted.directory.join(file))
        .collect();
    let folder = paths
        .iter()
        .find(|path| !elsewhere::is_url(&path.to_string_lossy()))
        .and_then(|path| path.parent())
        .unwrap_or(&wanted.directory)
        .to_path_buf();
    let mut loader = Loader {
        env: wanted.env.clone(),
        partly: (wanted.garbled.iter())
            .map(|name| (name.clone(), Text::unknown(name)))
            .collect(),
        garbled: wanted.garbled.clone(),
        ..Loader::default()
    };
    let here = loader.dotenv(&wanted.directory.join(".env"))?;
    let beside = loader.dotenv(&folder.join(".env"))?;
    loader.take(here.into_iter().chain(beside));
    let misnamed = project_name::problem(&loader.env);
    let project = loader.project_name(&wanted.files, &paths, &folder)?;
    // What a file says in ${COMPOSE_PROJECT_NAME} is what the project is called, however it came to its name.
    loader
        .env
        .insert(project_name::VARIABLE.to_owned(), project.clone());
    let mut root: Option<Node> = None;
    let mut files = Vec::new();
    for (shown, path) in wanted.files.iter().zip(&paths) {
        let file: Arc<str> = shown.display().to_string().into();
        files.push(Arc::clone(&file));
        if elsewhere::is_url(&file) {
            loader.unfollowed.push(Refused {
                container: None,
                reason: elsewhere::named(),
            });
            continue;
        }
        let node = loader.file(&file, path, &folder, &mut vec![path.clone()])?;
        root = Some(match root {
            None => node,
            Some(base) => merge(base, node, ""),
        });
    }
    let root = match root.map(without_reset) {
        Some(root) => root,
        None if files.is_empty() => {
            return Err(ComposeError("no compose file is named".to_owned()));
        }
        None => elsewhere::nothing(),
    };
    let mut read = loader.project(&root, files, &project)?;
    read.refused.extend(misnamed);
    Ok(read)
}

/// Reads the files of one project.
#[derive(Default)]
pub(super) struct Loader {
    pub(super) env: BTreeMap<String, String>,
    /// What `.env` sets with a variable in it that is not set here.
    pub(super) partly: BTreeMap<String, Text>,
    /// Variables of the environment whose values are not UTF-8.
    pub(super) garbled: BTreeSet<String>,
    /// Where the relative paths of each file begin.
    pub(super) bases: BTreeMap<Arc<str>, PathBuf>,
    /// The files that have been read.
    pub(super) read: Vec<PathBuf>,
    /// The documents of files that were read for the project's name, by the name and the path of each: to be taken out.
    pub(super) parsed: BTreeMap<(Arc<str>, PathBuf), Vec<Node>>,
    /// Where `extends` has led to, by the name and the path of each file, while the environment is the same.
    pub(super) led_to: BTreeMap<(Arc<str>, PathBuf), Arc<Node>>,
    /// The services that extend themselves in the end, by the path of the file and the name: told once for each circle.
    pub(super) circles: BTreeSet<(PathBuf, String)>,
    /// What `include` and `extends` name and was not followed: it lies elsewhere, leads in a circle, or is not there.
    pub(super) unfollowed: Vec<Refused>,
}

impl Loader {
    pub(super) fn base_of(&self, place: &Place) -> PathBuf {
        self.bases.get(&place.file).cloned().unwrap_or_default()
    }

    /// Takes down what is not followed, once: several services may come by one place.
    pub(super) fn stops_at(&mut self, container: Option<&str>, place: &Place, what: &str) {
        let reason = format!("{}:{}:{}: {what}", place.file, place.line, place.column);
        self.stops(container, reason);
    }

    /// The same where Docker Compose refuses it.
    pub(super) fn refuses(&mut self, place: &Place, what: &str) {
        let reason = format!(
            "Docker Compose refuses {}:{}:{}: {what}",
            place.file, place.line, place.column
        );
        self.stops(None, reason);
    }

    fn stops(&mut self, container: Option<&str>, reason: String) {
        let container = container.map(str::to_owned);
        let is_told = |told: &Refused| told.reason == reason && told.container == container;
        if !self.unfollowed.iter().any(is_told) {
            self.unfollowed.push(Refused { container, reason });
        }
    }

    /// One file with its variables, `include` and `extends`. `chain` is how it came to be read.
    pub(super) fn file(
        &mut self,
        file: &Arc<str>,
        path: &Path,
        base: &Path,
        chain: &mut Vec<PathBuf>,
    ) -> Result<Node, ComposeError> {
        let root = self.document(file, path, base)?;
        let extended = self.all_extended(root, path)?;
        self.included(extended, base, chain)
    }

    fn project(
        self,
        root: &Node,
        files: Vec<Arc<str>>,
        project: &str,
    ) -> Result<Project, ComposeError> {
        let services = root.get("services").map(Node::entries).unwrap_or_default();
        if services.is_empty() && self.unfollowed.is_empty() {
            return Err(ComposeError::new(
                root.place.clone(),
                "expected services, found none; this is no compose file",
            ));
        }
        let mut context = Context {
            env: &self.env,
            partly: &self.partly,
            bases: &self.bases,
            project,
            root,
            unread: Vec::new(),
        };
        let mut containers = Vec::new();
        for (key, node) in services {
            containers.push(Container::new(key, node, &mut context)?);
        }
        let unread = std::mem::take(&mut context.unread);
        let scripts = scripts::read(&containers);
        let profiles = self.env.get("COMPOSE_PROFILES");
        let profiles = profiles.filter(|profiles| !profiles.trim().is_empty());
        let profiles =
            profiles.map(|all| all.split(',').map(|one| one.trim().to_owned()).collect());
        Ok(Project {
            files,
            containers,
            unread,
            // Who does not see the whole does not know what is missing.
            refused: match self.unfollowed.is_empty() {
                true => refused(root, Seen::Whole),
                false => refused(root, Seen::Part)
                    .into_iter()
                    .chain(self.unfollowed)
                    .collect(),
            },
            scripts,
            profiles,
            read: self.read,
        })
    }
}
