//! Facts about data directories. No judgement.

mod create;
mod foreign;
mod rgb_library;
mod signs;
mod walk;

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::manifest::Service;
use crate::snapshot::{Fact, Gap};
use crate::sqlite::{self, SqliteFacts};

pub use create::{Step, create};
pub use rgb_library::{RgbLibrary, TABLES as RGB_TABLES, is_rgb_database, rgb_library};
use walk::Limits;
pub use walk::reach;

/// What lies in a service's directories.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryFacts {
    /// Each directory that the manifest names or that the RGB node's layout demands, outer ones first.
    pub directories: Vec<Directory>,
}

/// What a directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The RGB node's `storage_dir`.
    Storage,
    /// The RGB library's place in it.
    RgbSqlite,
    /// The place for PostgreSQL in it.
    PostgreSql,
    /// Lightning's place in it.
    LdkData,
    /// The `data_dir` of a service: where its store lies.
    Data,
}

impl Role {
    /// The parts of a `storage_dir`.
    pub const PARTS: [Self; 3] = [Self::RgbSqlite, Self::PostgreSql, Self::LdkData];

    /// How messages name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Storage => "storage_dir",
            Self::RgbSqlite => "rgb_sqlite",
            Self::PostgreSql => "postgresql",
            Self::LdkData => "ldk_data",
            Self::Data => "data_dir",
        }
    }
}

/// A device and an inode on it: the same for every name of one file.
pub type Identity = (u64, u64);

/// One directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// What it is for.
    pub role: Role,
    /// Where the manifest says that it is.
    pub path: PathBuf,
    /// Where that leads, symlinks resolved as far as the path exists.
    pub resolved: PathBuf,
    /// Whether the path itself (not one of its parents) is a symlink.
    pub symlink: bool,
    /// What is there; `None`: nothing.
    pub node: Fact<Option<Node>>,
    /// The identities of the directories that it lies in, nearest first.
    pub parents: Vec<Identity>,
    /// The nearest of them that is a PostgreSQL's data directory, by its `PG_VERSION`.
    pub server: Option<PathBuf>,
    /// What lies below it, the parts of a `storage_dir` left to their own entries. Empty where there is no directory.
    pub contents: Fact<Contents>,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Whether it is a directory.
    pub directory: bool,
    /// The permission bits.
    pub mode: u32,
    /// The owner's user id.
    pub owner: u32,
    /// Which file it is, whatever its name.
    pub identity: Identity,
}

impl Node {
    fn of(meta: &Metadata) -> Self {
        Self {
            directory: meta.is_dir(),
            mode: meta.mode() & 0o7777,
            owner: meta.uid(),
            identity: (meta.dev(), meta.ino()),
        }
    }
}

/// What a walk below a directory came across.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// How many entries were seen.
    pub entries: usize,
    /// The storage engines, known by their content.
    pub traces: Vec<Trace>,
    /// The symlinks. They are not followed.
    pub symlinks: Vec<Symlink>,
    /// The files that say that an engine is at work: RocksDB's `LOCK` while a process holds it, the RGB library's own lock file
    /// while it is there.
    pub running: Vec<PathBuf>,
    /// What the group or others may read or write, as far as the directories between here and there let them pass.
    pub open_files: Vec<PathBuf>,
    /// SQLite's journals (`-wal`, `-journal`) in `rgb_sqlite` whose database is not there.
    pub orphans: Vec<PathBuf>,
    /// The files that have more names than one.
    pub linked: Vec<(Identity, PathBuf)>,
    /// The directories, by which a bind mount of another store is known.
    pub folders: Vec<(Identity, PathBuf)>,
    /// The dumps of databases.
    pub dumps: Vec<Dump>,
    /// What could not be looked at, or was left out.
    pub gaps: Vec<Gap>,
}

/// A storage engine's file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Where, below the directory walked; empty for that directory itself.
    pub path: PathBuf,
    /// What gave it away.
    pub engine: Engine,
    /// How many names the file has.
    pub names: u64,
}

/// An engine, and what gave it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// A directory with a file that only PostgreSQL makes.
    Postgres {
        /// The file's name.
        marker: &'static str,
    },
    /// A directory whose `CURRENT` names this manifest.
    RocksDb {
        /// `MANIFEST-…`
        manifest: String,
        /// Why RocksDB cannot open it: what is wrong with the files that everything in it is found by.
        torn: Option<&'static str>,
    },
    /// A directory with fjall's `version` file or marker.
    Fjall {
        /// The file's name.
        marker: &'static str,
        /// A directory that every one of them has, and that is not there.
        lacks: Option<&'static str>,
    },
    /// An SQLite file; in `rgb_sqlite` also a file that has its name but not its header.
    Sqlite {
        /// What is in it. `None`: not opened, where its place already says enough.
        facts: Option<Fact<SqliteFacts>>,
    },
    /// An engine that no store of a manifest is of.
    Other {
        /// How it is called.
        name: &'static str,
        /// The file that gave it away.
        marker: String,
        /// Whether the database is a directory, and not that one file.
        directory: bool,
    },
}

impl Engine {
    /// Whether a database of it is a file.
    #[must_use]
    pub const fn is_file(&self) -> bool {
        matches!(
            self,
            Self::Sqlite { .. }
                | Self::Other {
                    directory: false,
                    ..
                }
        )
    }
}

/// A file of SQL, or of `pg_dump`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    /// Where, below the directory walked.
    pub path: PathBuf,
    /// How it begins.
    pub head: String,
}

/// A symlink below a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symlink {
    /// Where, below the directory walked.
    pub path: PathBuf,
    /// Where it leads, resolved as far as the path exists.
    pub target: PathBuf,
    /// Which directory that is, if it is one that is there.
    pub directory: Option<Identity>,
}

// The RGB node keeps two SQLite files a wallet.
const MOST_SQLITE_FILES: usize = 200;

/// Reads the facts about a service's directories. `None`: the manifest names none.
pub async fn read(service: &Service) -> Option<Fact<DirectoryFacts>> {
    read_within(service, Limits::default()).await
}

async fn read_within(service: &Service, limits: Limits) -> Option<Fact<DirectoryFacts>> {
    let mut places = Vec::new();
    if let Some(storage) = &service.storage_dir {
        places.push((Role::Storage, storage.value.clone()));
        places.extend(Role::PARTS.map(|part| (part, storage.value.join(part.as_str()))));
    }
    places.extend(
        service
            .data_dir
            .as_ref()
            .map(|data| (Role::Data, data.value.clone())),
    );
    if places.is_empty() {
        return None;
    }
    // A walk blocks; on a slow disk it must not hold up the other services.
    let walked = tokio::task::spawn_blocking(move || {
        places
            .into_iter()
            .map(|(role, path)| directory(role, path, limits))
            .collect::<Vec<_>>()
    })
    .await;
    let mut directories = match walked {
        Ok(directories) => directories,
        Err(error) => return Some(Fact::Unknown(Gap::new(error.to_string()))),
    };
    for directory in &mut directories {
        open_databases(directory).await;
    }
    Some(Fact::Known(DirectoryFacts { directories }))
}

fn directory(role: Role, path: PathBuf, limits: Limits) -> Directory {
    let resolved = resolve(&path);
    let symlink = std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink());
    let node = match std::fs::metadata(&path) {
        Ok(meta) => Fact::Known(Some(Node::of(&meta))),
        Err(error) if is_missing(&error) => Fact::Known(None),
        Err(error) => Fact::Unknown(unreadable(&path, &error)),
    };
    let contents = match &node {
        Fact::Known(Some(node)) if node.directory => walk::contents(role, &resolved, node, limits),
        Fact::Known(_) => Fact::Known(Contents::default()),
        Fact::Unknown(gap) => Fact::Unknown(gap.clone()),
    };
    Directory {
        parents: parents(&resolved),
        server: resolved
            .ancestors()
            .skip(1)
            .find(|parent| walk::is_server(parent))
            .map(Path::to_owned),
        role,
        path,
        resolved,
        symlink,
        node,
        contents,
    }
}

async fn open_databases(directory: &mut Directory) {
    let Fact::Known(contents) = &mut directory.contents else {
        return;
    };
    if directory.role == Role::Data {
        return;
    }
    let mut opened = 0;
    for trace in &mut contents.traces {
        let Engine::Sqlite { facts } = &mut trace.engine else {
            continue;
        };
        let path = directory.resolved.join(&trace.path);
        opened += 1;
        *facts = Some(if opened > MOST_SQLITE_FILES {
            Fact::Unknown(Gap::new(format!(
                "{} was not opened: only the first {MOST_SQLITE_FILES} SQLite files are",
                path.display()
            )))
        } else {
            sqlite::read(&path).await
        });
    }
}

/// The path with its symlinks resolved; where it ends in nothing, the longest part that exists is.
fn resolve(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    // A dangling symlink leads where it says, not where it lies.
    if let (Err(_), Ok(target), Some(parent)) = (
        absolute.canonicalize(),
        std::fs::read_link(&absolute),
        absolute.parent(),
    ) {
        return parent.join(target);
    }
    absolute
        .ancestors()
        .find_map(|ancestor| {
            let rest = absolute.strip_prefix(ancestor).ok()?;
            // join("") would add a slash.
            ancestor.canonicalize().ok().map(|base| {
                if rest.as_os_str().is_empty() {
                    base
                } else {
                    base.join(rest)
                }
            })
        })
        .unwrap_or(absolute)
}

fn parents(resolved: &Path) -> Vec<Identity> {
    resolved
        .ancestors()
        .skip(1)
        .filter_map(|parent| std::fs::metadata(parent).ok())
        .map(|meta| Node::of(&meta).identity)
        .collect()
}

/// Nothing is there. A symlink that leads in a circle leads nowhere as well.
fn is_missing(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::ELOOP)
        || matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
}

fn unreadable(path: &Path, error: &io::Error) -> Gap {
    Gap {
        reason: format!("{}: {error}", path.display()),
        remedy: (error.kind() == io::ErrorKind::PermissionDenied)
            .then(|| "run dbctl as the directory's owner or as root".to_owned()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
