//! Where a mount's data lies: a directory of the host or a volume, and what lies within it.

use std::path::{Component, Path, PathBuf};

use super::text::{OPEN, Text};

/// The root of what lies on the host.
const HOST: &str = "host";

/// A place for data: two that are equal, or of which one lies in the other, are one store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Store {
    /// Which tree: the host's, a volume's, or one that is not known.
    root: String,
    parts: Vec<String>,
    /// How people write it.
    pub shown: String,
    /// The directory of the host, if it is one that is known.
    pub host: Option<PathBuf>,
}

impl Store {
    /// A path of the host as a compose file writes it, relative to `base`. `~` is the home directory, as `${HOME}` is.
    pub(super) fn bind(text: &Text, base: &Path, home: Option<&str>) -> Self {
        let shown = text.shown();
        let raw = match text.raw().strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                let home = home.map_or_else(|| Text::unknown("HOME"), Text::known);
                format!("{}{rest}", home.raw())
            }
            _ => text.raw().to_owned(),
        };
        // What begins with an unknown variable may be anywhere; the rest is below it.
        if raw.starts_with([OPEN, '~']) {
            let (first, rest) = raw.split_once('/').unwrap_or((&raw, ""));
            return Self {
                root: format!("unknown:{first}"),
                parts: normal(Path::new(rest)),
                shown,
                host: None,
            };
        }
        let path = base.join(&raw);
        let parts = normal(&std::path::absolute(&path).unwrap_or(path));
        if raw.contains(OPEN) {
            return Self {
                root: HOST.to_owned(),
                parts,
                shown,
                host: None,
            };
        }
        Self::host(&parts, shown)
    }

    /// A path of the host. Symlinks count where they can be seen.
    fn host(parts: &[String], shown: String) -> Self {
        let path: PathBuf = std::iter::once("/")
            .chain(parts.iter().map(String::as_str))
            .collect();
        let seen = path.ancestors().find_map(|above| {
            let rest = path.strip_prefix(above).ok()?;
            // An empty rest would put a slash behind a file.
            let parts = rest.components();
            Some(parts.fold(above.canonicalize().ok()?, |path, part| path.join(part)))
        });
        let path = seen.unwrap_or(path);
        Self {
            root: HOST.to_owned(),
            parts: normal(&path),
            shown,
            host: Some(path),
        }
    }

    /// What is no directory and no volume: a config or a secret by the name that the engine knows it by.
    pub(super) fn named(kind: &str, name: &str, shown: String) -> Self {
        Self {
            root: format!("{kind}:{name}"),
            parts: Vec::new(),
            shown,
            host: None,
        }
    }

    /// What lies at this path below it.
    pub(super) fn below(&self, path: &str) -> Self {
        let rest = normal(Path::new(path));
        let shown = [std::slice::from_ref(&self.shown), &rest]
            .concat()
            .join("/");
        let parts = [self.parts.as_slice(), &rest].concat();
        if self.host.is_some() {
            return Self::host(&parts, shown);
        }
        Self {
            root: self.root.clone(),
            parts,
            shown,
            host: None,
        }
    }

    /// A text that two have in common if and only if they are one place.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{} {}", self.root, self.parts.join("/"))
    }

    /// The identities of every place that it lies in, its own among them.
    pub fn way(&self) -> impl Iterator<Item = String> {
        (0..=self.parts.len()).map(|depth| {
            let parts = self.parts.get(..depth).unwrap_or_default();
            format!("{} {}", self.root, parts.join("/"))
        })
    }

    /// A volume, by the name that the engine knows it by.
    pub(super) fn volume(name: &str, subpath: &str, shown: String) -> Self {
        Self {
            root: format!("volume:{name}"),
            parts: normal(Path::new(subpath)),
            shown,
            host: None,
        }
    }

    /// Whether this is the other, or lies in it.
    #[must_use]
    pub fn lies_in(&self, other: &Self) -> bool {
        self.root == other.root && self.parts.starts_with(&other.parts)
    }

    /// Whether both are one place.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.root == other.root && self.parts == other.parts
    }

    /// Whether they have data in common.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.lies_in(other) || other.lies_in(self)
    }

    /// Whether it is a volume of the engine, not a directory of the host.
    #[must_use]
    pub fn is_volume(&self) -> bool {
        self.root.starts_with("volume:")
    }
}

/// The components without `.` and with `..` applied.
fn normal(path: &Path) -> Vec<String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    parts
}

/// The rest of a path within a container, below another that it is or lies in.
pub(super) fn rest_of(inner: &str, outer: &str) -> Option<String> {
    let inner = normal(Path::new(inner));
    let rest = inner.strip_prefix(normal(Path::new(outer)).as_slice())?;
    Some(rest.join("/"))
}

/// Whether a path within a container is another, or lies in it.
pub(super) fn within(inner: &str, outer: &str) -> bool {
    normal(Path::new(inner)).starts_with(&normal(Path::new(outer)))
}
