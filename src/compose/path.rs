//! Where a mount's data lies: a directory of the host or a volume, and what lies within it.

use std::path::{Component, Path, PathBuf};

use super::text::Text;

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
    /// A path of the host as a compose file writes it, relative to `base`.
    pub(super) fn bind(text: &Text, base: &Path) -> Self {
        let shown = text.shown();
        let Some(known) = text.get() else {
            let mut parts = text.raw().split('/').map(str::to_owned);
            return Self {
                root: format!("unknown:{}", parts.next().unwrap_or_default()),
                parts: parts
                    .filter(|part| !part.is_empty() && part != ".")
                    .collect(),
                shown,
                host: None,
            };
        };
        if let Some(rest) = known.strip_prefix('~') {
            return Self {
                root: "home".to_owned(),
                parts: normal(Path::new(rest.trim_start_matches('/'))),
                shown,
                host: None,
            };
        }
        let path = base.join(known);
        // Symlinks count where they can be seen.
        let path = path.canonicalize().unwrap_or(path);
        Self {
            root: "host".to_owned(),
            parts: normal(&path),
            shown,
            host: Some(path),
        }
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

/// Whether a path within a container is another, or lies in it.
pub(super) fn within(inner: &str, outer: &str) -> bool {
    normal(Path::new(inner)).starts_with(&normal(Path::new(outer)))
}
