//! Creates a service's directories, closed to everybody else.

use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use super::Role;
use crate::manifest::{Service, Store};

/// One step of `provision`: what was wanted, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What should be there.
    pub what: String,
    /// Whether it is there now, or can be as far as was seen.
    pub done: bool,
    /// Whether this run changed anything for it, or would.
    pub changed: bool,
    /// What somebody should look at: why it is not done, or what was found and left as it is.
    pub warning: Option<String>,
}

/// Creates the directories that the service needs: the RGB node's storage with its parts, and the directory of a file store.
/// A database server makes its own. What is there already is left as it is, and said. With `dry_run` nothing is made.
#[must_use]
pub fn create(service: &Service, dry_run: bool) -> Vec<Step> {
    let storage = service.storage_dir.iter().flat_map(|storage| {
        let parts = Role::PARTS.map(|part| storage.value.join(part.as_str()));
        std::iter::once(storage.value.clone()).chain(parts)
    });
    let data = service
        .data_dir
        .iter()
        .filter(|_| service.store == Store::Files)
        .map(|data| data.value.clone());
    storage
        .chain(data)
        .map(|path| step(&path, dry_run))
        .collect()
}

fn step(path: &Path, dry_run: bool) -> Step {
    let what = format!("directory {}", path.display());
    let created = if dry_run {
        look(path)
    } else {
        create_private(path)
    };
    match created {
        Ok(created) => Step {
            what,
            done: true,
            changed: created.changed,
            warning: created.warning,
        },
        Err(error) => Step {
            what,
            done: false,
            changed: false,
            warning: Some(format!("{}: {error}", path.display())),
        },
    }
}

struct Created {
    changed: bool,
    warning: Option<String>,
}

/// Creates the directory with mode 0700, and its parents as the umask says.
fn create_private(path: &Path) -> io::Result<Created> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(Created {
            changed: true,
            warning: stranger(path),
        }),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => there(path),
        Err(error) => Err(error),
    }
}

/// What [`create_private`] would do, as far as the path tells: not whether its parent may be written.
fn look(path: &Path) -> io::Result<Created> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Created {
            changed: true,
            warning: None,
        }),
        Err(error) => Err(error),
        Ok(_) => there(path),
    }
}

fn there(path: &Path) -> io::Result<Created> {
    let meta = std::fs::metadata(path)?;
    if meta.is_dir() {
        Ok(Created {
            changed: false,
            warning: open_to_others(path, &meta),
        })
    } else {
        Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            "is a file, not a directory; move it away",
        ))
    }
}

/// A directory that somebody else made keeps its mode: a backup or a monitor may rely on it.
fn open_to_others(path: &Path, meta: &Metadata) -> Option<String> {
    let mode = meta.mode() & 0o7777;
    (mode & 0o066 != 0).then(|| {
        format!(
            "{} was there with mode {mode:04o}, open to others: chmod 700 '{}'",
            path.display(),
            path.display()
        )
    })
}

/// Root makes directories that the service cannot enter.
fn stranger(path: &Path) -> Option<String> {
    let own = std::fs::metadata(path).ok()?.uid();
    let parent = std::fs::metadata(path.parent()?).ok()?.uid();
    (own == 0 && parent != 0).then(|| {
        format!(
            "{} belongs to root, its parent to uid {parent}: chown -R {parent} '{}'",
            path.display(),
            path.display()
        )
    })
}
