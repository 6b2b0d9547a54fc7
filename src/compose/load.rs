//! From files to a [`Project`]: `-f` files merged, `include` and `extends` followed, within bounds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::container::{Container, Context};
use super::environment;
use super::interpolate::{Lookup, interpolate};
use super::merge::{merge, without_reset};
use super::normal;
use super::scripts::{self, Scripts};
use super::yaml::{Key, Node, Value, parse};
use super::{Place, Text};
use crate::regular::read_regular;

/// The largest file that is read, in bytes.
pub(super) const LARGEST: u64 = 4 << 20;
/// How many files may take part, and how long a chain of `include` or `extends` may be.
const MOST_FILES: usize = 200;
const LONGEST: usize = 30;

/// Which compose files to read, and with which variables.
#[derive(Clone, Default)]
pub struct Wanted {
    /// The files, as several `-f` name them: each over those before it. Relative ones begin at `directory`.
    pub files: Vec<PathBuf>,
    /// The environment.
    pub env: BTreeMap<String, String>,
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
pub struct ComposeError(String);

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
    /// What runs when a database is created.
    pub scripts: Vec<Scripts>,
}

/// The files that Compose takes when none is named, in this folder: one, and its override.
#[must_use]
pub fn default_files(folder: &Path) -> Vec<PathBuf> {
    for stem in ["compose", "docker-compose"] {
        let find = |middle: &str| {
            ["yaml", "yml"]
                .iter()
                .map(|end| folder.join(format!("{stem}{middle}.{end}")))
                .find(|path| path.is_file())
        };
        if let Some(file) = find("") {
            return std::iter::once(file).chain(find(".override")).collect();
        }
    }
    Vec::new()
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
        .first()
        .and_then(|path| path.parent())
        .unwrap_or(&wanted.directory)
        .to_path_buf();
    let mut loader = Loader {
        env: wanted.env.clone(),
        bases: BTreeMap::new(),
        read: 0,
    };
    let here = loader.dotenv(&wanted.directory.join(".env"))?;
    let beside = loader.dotenv(&folder.join(".env"))?;
    for (name, value) in here.into_iter().chain(beside) {
        loader.env.entry(name).or_insert(value);
    }
    let mut root: Option<Node> = None;
    let mut files = Vec::new();
    for (shown, path) in wanted.files.iter().zip(&paths) {
        let file: Arc<str> = shown.display().to_string().into();
        files.push(Arc::clone(&file));
        let node = loader.file(&file, path, &folder, &mut vec![path.clone()])?;
        root = Some(match root {
            None => node,
            Some(base) => merge(base, node, ""),
        });
    }
    let Some(root) = root.map(without_reset) else {
        return Err(ComposeError("no compose file is named".to_owned()));
    };
    loader.project(&root, files, &folder)
}

struct Loader {
    env: BTreeMap<String, String>,
    /// Where the relative paths of each file begin.
    bases: BTreeMap<Arc<str>, PathBuf>,
    read: usize,
}

impl Loader {
    fn dotenv(&self, path: &Path) -> Result<Vec<(String, String)>, ComposeError> {
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let entries = environment::read(&text_of(path, None)?, &|name| self.env.get(name).cloned())
            .map_err(|(line, problem)| {
                ComposeError(format!("{}:{line}: {problem}", path.display()))
            })?;
        let mut known = BTreeMap::new();
        for entry in entries {
            if let Some(value) = entry.value.as_ref().and_then(Text::get) {
                known.insert(entry.name, value.to_owned());
            }
        }
        Ok(known.into_iter().collect())
    }

    /// One file with its variables, `include` and `extends`. `chain` is how it came to be read.
    fn file(
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

    /// The documents of one file, merged, with variables and long shapes.
    fn document(
        &mut self,
        file: &Arc<str>,
        path: &Path,
        base: &Path,
    ) -> Result<Node, ComposeError> {
        self.read += 1;
        if self.read > MOST_FILES {
            return Err(ComposeError(format!(
                "{file}: more than {MOST_FILES} files take part; name fewer in include and extends"
            )));
        }
        self.bases.insert(Arc::clone(file), base.to_path_buf());
        let start = Place {
            file: Arc::clone(file),
            line: 1,
            column: 1,
        };
        let mut root = Node::new(Value::Map(Vec::new()), start);
        for mut document in parse(file, &text_of(path, Some(file))?)? {
            match document.value {
                Value::Null => continue,
                Value::Map(_) => {}
                _ => {
                    return Err(ComposeError::new(
                        document.place.clone(),
                        format!(
                            "expected a map with services, found {}; this is no compose file",
                            document.kind()
                        ),
                    ));
                }
            }
            interpolated(&mut document, &|name| self.env.get(name).cloned())?;
            if let Value::Map(entries) = &mut document.value {
                for (key, value) in entries {
                    check_section(key, value)?;
                }
            }
            root = merge(root, document, "");
        }
        Ok(root)
    }

    /// Resolves the `extends` of every service of one file.
    fn all_extended(&mut self, root: Node, path: &Path) -> Result<Node, ComposeError> {
        let Node { value, place, tag } = root.clone();
        let Value::Map(mut entries) = value else {
            return Ok(root);
        };
        if let Some((_, services)) = entries.iter_mut().find(|(key, _)| key.name == "services")
            && let Value::Map(list) = &mut services.value
        {
            for (key, service) in list {
                if service.get("extends").is_some() {
                    *service =
                        self.extended(&root, path, &key.name, service.clone(), &mut Vec::new())?;
                }
            }
        }
        Ok(Node {
            value: Value::Map(entries),
            place,
            tag,
        })
    }

    fn extended(
        &mut self,
        root: &Node,
        path: &Path,
        name: &str,
        service: Node,
        chain: &mut Vec<(PathBuf, String)>,
    ) -> Result<Node, ComposeError> {
        let Some(extends) = service.get("extends").cloned() else {
            return Ok(service);
        };
        let step = (path.to_path_buf(), name.to_owned());
        if chain.contains(&step) || chain.len() >= LONGEST {
            return Err(ComposeError::new(
                extends.place,
                format!(
                    "services.{name}.extends: the chain comes back to itself, or is longer than {LONGEST}; extend a service that extends no other of this chain"
                ),
            ));
        }
        chain.push(step);
        let target = extends
            .get("service")
            .and_then(Node::text)
            .or_else(|| extends.text())
            .map(Text::shown)
            .ok_or_else(|| {
                normal::wrong(
                    name,
                    "extends",
                    "a service's name, or a map with service and file",
                    &extends,
                )
            })?;
        let missing = |place: Place| {
            ComposeError::new(
                place,
                format!(
                    "services.{name}.extends: there is no service {target:?} in that file; correct the name"
                ),
            )
        };
        let base = match extends.get("file").and_then(Node::text) {
            None => {
                let base =
                    service_of(root, &target).ok_or_else(|| missing(extends.place.clone()))?;
                self.extended(root, path, &target, base, chain)?
            }
            Some(other) => {
                let folder = self.base_of(&extends.place);
                let file: Arc<str> = other.shown().into();
                let other = folder.join(file.as_ref());
                let base = other.parent().unwrap_or(&folder).to_path_buf();
                let root = self.document(&file, &other, &base)?;
                let base =
                    service_of(&root, &target).ok_or_else(|| missing(extends.place.clone()))?;
                self.extended(&root, &other, &target, base, chain)?
            }
        };
        Ok(merge(base, service, ""))
    }

    /// Puts what `include` names under the file that names it.
    fn included(
        &mut self,
        root: Node,
        base: &Path,
        chain: &mut Vec<PathBuf>,
    ) -> Result<Node, ComposeError> {
        let Some(include) = root.get("include") else {
            return Ok(root);
        };
        let mut below: Option<Node> = None;
        for item in include.items() {
            let paths: Vec<Text> = match (item.text(), item.get("path")) {
                (Some(path), _) => vec![path.clone()],
                (None, Some(path)) => path
                    .text()
                    .into_iter()
                    .chain(path.items().iter().filter_map(Node::text))
                    .cloned()
                    .collect(),
                (None, None) => Vec::new(),
            };
            if paths.is_empty() {
                return Err(ComposeError::new(
                    item.place.clone(),
                    "include: expected the path of a file, or a map with path; correct it",
                ));
            }
            let before = self.env.clone();
            let mut folder: Option<PathBuf> = item
                .get("project_directory")
                .and_then(Node::text)
                .map(|text| base.join(text.shown()));
            let mut one: Option<Node> = None;
            for text in paths {
                let file: Arc<str> = text.shown().into();
                let path = base.join(file.as_ref());
                if chain.contains(&path) || chain.len() >= LONGEST {
                    return Err(ComposeError::new(
                        item.place.clone(),
                        format!(
                            "include: the chain comes back to itself, or is longer than {LONGEST}; include a file that does not include this one"
                        ),
                    ));
                }
                let folder = folder
                    .get_or_insert_with(|| path.parent().unwrap_or(base).to_path_buf())
                    .clone();
                let named = item.get("env_file");
                let mut dotenvs: Vec<PathBuf> = named
                    .into_iter()
                    .flat_map(|node| {
                        node.text()
                            .into_iter()
                            .chain(node.items().iter().filter_map(Node::text))
                    })
                    .map(|text| base.join(text.shown()))
                    .collect();
                if dotenvs.is_empty() {
                    dotenvs.push(folder.join(".env"));
                }
                for dotenv in dotenvs {
                    for (name, value) in self.dotenv(&dotenv)? {
                        self.env.entry(name).or_insert(value);
                    }
                }
                chain.push(path.clone());
                let node = self.file(&file, &path, &folder, chain)?;
                chain.pop();
                one = Some(match one {
                    None => node,
                    Some(base) => merge(base, node, ""),
                });
            }
            self.env = before;
            if let Some(one) = one {
                below = Some(match below {
                    None => one,
                    Some(base) => merge(base, one, ""),
                });
            }
        }
        Ok(match below {
            None => root,
            Some(below) => merge(below, root, ""),
        })
    }

    fn base_of(&self, place: &Place) -> PathBuf {
        self.bases.get(&place.file).cloned().unwrap_or_default()
    }

    fn project(
        self,
        root: &Node,
        files: Vec<Arc<str>>,
        folder: &Path,
    ) -> Result<Project, ComposeError> {
        let Some(services) = root
            .get("services")
            .filter(|node| !node.entries().is_empty())
        else {
            return Err(ComposeError::new(
                root.place.clone(),
                "expected services, found none; this is no compose file",
            ));
        };
        let project = root
            .get("name")
            .and_then(Node::text)
            .and_then(Text::get)
            .map(str::to_owned)
            .or_else(|| self.env.get("COMPOSE_PROJECT_NAME").cloned())
            .or_else(|| Some(folder.file_name()?.to_string_lossy().into_owned()))
            .unwrap_or_default();
        let mut context = Context {
            env: &self.env,
            bases: &self.bases,
            project: &project,
            root,
            unread: Vec::new(),
        };
        let mut containers = Vec::new();
        for (key, node) in services.entries() {
            containers.push(Container::new(key, node, &mut context)?);
        }
        let unread = std::mem::take(&mut context.unread);
        let scripts = scripts::read(&containers);
        Ok(Project {
            files,
            containers,
            unread,
            scripts,
        })
    }
}

/// The text of a file. Messages name it by `shown`, or by its path.
fn text_of(path: &Path, shown: Option<&Arc<str>>) -> Result<String, ComposeError> {
    let shown = shown.map_or_else(|| path.display().to_string(), |shown| shown.to_string());
    let bytes = read_regular(path, LARGEST).map_err(|error| {
        ComposeError(format!(
            "{shown}: expected a compose file, found none that can be read: {error}; correct the path or make it readable"
        ))
    })?;
    String::from_utf8(bytes)
        .map_err(|_| ComposeError(format!("{shown}: not UTF-8; save the file as UTF-8")))
}

fn service_of(root: &Node, name: &str) -> Option<Node> {
    root.get("services")?.get(name).cloned()
}

/// Checks the kind of a top-level section, and gives services their long shape.
fn check_section(key: &Key, value: &mut Node) -> Result<(), ComposeError> {
    let expected = match key.name.as_str() {
        "services" | "volumes" | "secrets" | "configs" | "networks" => "a map",
        "include" => "a list",
        _ => return Ok(()),
    };
    match (&mut value.value, expected) {
        (Value::Map(entries), "a map") => {
            if key.name == "services" {
                for (name, service) in entries {
                    normal::service(&name.name, service)?;
                }
            }
            Ok(())
        }
        (Value::List(_), "a list") | (Value::Null, _) => Ok(()),
        _ => Err(ComposeError::new(
            value.place.clone(),
            format!(
                "{}: expected {expected}, found {}; write it as Docker's \"Compose file reference\" describes",
                key.name,
                value.kind()
            ),
        )),
    }
}

/// Puts variables into every value below; keys stay as they are.
fn interpolated(node: &mut Node, lookup: &Lookup<'_>) -> Result<(), ComposeError> {
    match &mut node.value {
        Value::Null => {}
        Value::Scalar(text) => {
            if text.raw().contains('$') {
                *text = interpolate(text.raw(), lookup)
                    .map_err(|problem| ComposeError::new(node.place.clone(), problem))?;
            }
        }
        Value::List(items) => {
            for item in items {
                interpolated(item, lookup)?;
            }
        }
        Value::Map(entries) => {
            for (_, value) in entries {
                interpolated(value, lookup)?;
            }
        }
    }
    Ok(())
}
