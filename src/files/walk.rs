//! A bounded walk below a directory that knows storage engines by their content.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{DirEntry, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};

use super::signs::{Signs, is_version};
use super::{Contents, Dump, Engine, Node, Role, Symlink, Trace, is_missing, resolve};
use crate::snapshot::{Fact, Gap};
use crate::sqlite::HEADER;

/// How far a walk goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) depth: usize,
    pub(super) entries: usize,
}

impl Default for Limits {
    /// A large PGDATA has tens of thousands of files; a walk over this many takes seconds.
    fn default() -> Self {
        Self {
            depth: 32,
            entries: 200_000,
        }
    }
}

// The names of the RGB library's own database: there, a file without SQLite's header is a broken one.
pub(super) const RGB_DATABASES: [&str; 2] = ["rgb_lib_db", "database.db"];

// rgb-lib's utils.rs: made for each operation and removed after it; a crash leaves it.
const RGB_RUNTIME_LOCK: &str = "rgb_runtime.lock";

// The file that RocksDB (env/fs_posix.cc) holds an fcntl lock on as long as the database is open.
const ROCKSDB_LOCK: &str = "LOCK";

// How SQLite names what belongs to a database and is no database.
const JOURNALS: [&str; 2] = ["-wal", "-journal"];

// Of a dump the head is enough: whose it is stands in its first statements.
const DUMP_HEAD: u64 = 64 << 10;
const MOST_DUMPS: usize = 50;

struct Walk<'a> {
    role: Role,
    root: &'a Path,
    limits: Limits,
    contents: Contents,
    unread: Unread,
}

/// Entries that could not be read: said once, with the first as the example.
#[derive(Default)]
struct Unread {
    count: usize,
    first: Option<String>,
    denied: bool,
}

/// What lies below `root`.
pub(super) fn contents(role: Role, root: &Path, node: &Node, limits: Limits) -> Fact<Contents> {
    let mut walk = Walk {
        role,
        root,
        limits,
        contents: Contents::default(),
        unread: Unread::default(),
    };
    // Breadth first: when the bound is reached, what lies near the top was seen.
    let mut queue = VecDeque::from([(PathBuf::new(), 0, reach(node.mode))]);
    let mut too_deep = 0_usize;
    while let Some((below, depth, open)) = queue.pop_front() {
        if depth > limits.depth {
            too_deep += 1;
            continue;
        }
        match walk.list(&below, open) {
            Ok(Some(folders)) => queue.extend(
                folders
                    .into_iter()
                    .map(|(path, open)| (path, depth + 1, open)),
            ),
            Ok(None) => break,
            Err(error) if is_missing(&error) => {}
            Err(error) if depth == 0 => return Fact::Unknown(denied(root, node, &error)),
            Err(error) => walk.unread.add(&root.join(&below), &error),
        }
    }
    if too_deep > 0 {
        walk.contents.gaps.push(Gap::new(format!(
            "{}: {too_deep} directories lie deeper than {} levels and were not looked into",
            root.display(),
            limits.depth
        )));
    }
    walk.contents.gaps.extend(walk.unread.gap(root, node));
    // A directory lists its entries in no order; an outer engine comes before what lies in it.
    let order = |trace: &Trace| (trace.path.components().count(), trace.path.clone());
    walk.contents.traces.sort_by_cached_key(order);
    Fact::Known(walk.contents)
}

impl Walk<'_> {
    /// Looks at one directory, past which group and others get as `open` says, and returns those in it; `None` when there were too
    /// many entries.
    fn list(&mut self, below: &Path, open: u32) -> io::Result<Option<Vec<(PathBuf, u32)>>> {
        let mut folders = Vec::new();
        let mut signs = Signs::default();
        for entry in std::fs::read_dir(join(self.root, below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if self.has_own_entry(&path) {
                continue;
            }
            if self.contents.entries == self.limits.entries {
                self.contents.gaps.push(Gap::new(format!(
                    "{}: only the first {} entries were looked at",
                    self.root.display(),
                    self.limits.entries
                )));
                self.engines(below, signs);
                return Ok(None);
            }
            self.contents.entries += 1;
            let meta = match entry.metadata() {
                Ok(meta) => meta,
                Err(error) => {
                    self.unread.add(&entry.path(), &error);
                    continue;
                }
            };
            if meta.is_symlink() {
                let directory = std::fs::metadata(entry.path())
                    .ok()
                    .filter(Metadata::is_dir)
                    .map(|meta| Node::of(&meta).identity);
                self.contents.symlinks.push(Symlink {
                    target: resolve(&entry.path()),
                    path,
                    directory,
                });
            } else if meta.is_dir() {
                let node = Node::of(&meta);
                // Who may write a directory replaces what lies in it.
                if node.mode & open & 0o022 != 0 {
                    self.contents.open_files.push(path.clone());
                }
                self.contents.folders.push((node.identity, path.clone()));
                folders.push((path, open & reach(node.mode)));
            } else if meta.is_file() {
                if meta.mode() & open != 0 {
                    self.contents.open_files.push(path.clone());
                }
                self.file(&entry, &meta, path, &mut signs);
            } else {
                signs.special(&entry.file_name());
            }
        }
        self.engines(below, signs);
        Ok(Some(folders))
    }

    /// Whether this is a part of a `storage_dir`, which is walked by itself.
    fn has_own_entry(&self, path: &Path) -> bool {
        self.role == Role::Storage
            && Role::PARTS
                .iter()
                .any(|part| path == Path::new(part.as_str()))
    }

    fn file(&mut self, entry: &DirEntry, meta: &Metadata, path: PathBuf, signs: &mut Signs) {
        let name = entry.file_name();
        let expected =
            self.role == Role::RgbSqlite && RGB_DATABASES.iter().any(|known| name == *known);
        let head = match head(&entry.path()) {
            Ok(head) => head,
            Err(error) => return self.unread.add(&entry.path(), &error),
        };
        signs.file(&name, &head);
        if self.role == Role::RgbSqlite && meta.len() > 0 && is_orphan(&entry.path()) {
            self.contents.orphans.push(path.clone());
        }
        if meta.nlink() > 1 {
            let identity = Node::of(meta).identity;
            self.contents.linked.push((identity, path.clone()));
        }
        if is_dump(&path, &head) && self.contents.dumps.len() < MOST_DUMPS {
            match beginning(&entry.path(), DUMP_HEAD) {
                Ok(head) => self.contents.dumps.push(Dump {
                    path: path.clone(),
                    head: String::from_utf8_lossy(&head).into_owned(),
                }),
                Err(error) => self.unread.add(&entry.path(), &error),
            }
        }
        if self.is_at_work(&name, &entry.path()) {
            self.contents.running.push(path.clone());
        }
        let engine = if head.starts_with(HEADER) || expected {
            Some(Engine::Sqlite { facts: None })
        } else {
            signs.other(&name, &head)
        };
        if let Some(engine) = engine {
            self.contents.traces.push(Trace {
                path,
                engine,
                names: meta.nlink(),
            });
        }
    }

    /// Whether this file says that an engine is at work.
    fn is_at_work(&mut self, name: &OsStr, path: &Path) -> bool {
        if self.role == Role::RgbSqlite && name == RGB_RUNTIME_LOCK {
            return true;
        }
        if name != ROCKSDB_LOCK {
            return false;
        }
        is_locked(path).unwrap_or_else(|error| {
            self.unread.add(path, &error);
            false
        })
    }

    fn engines(&mut self, below: &Path, signs: Signs) {
        let folder = self.root.join(below);
        let engines = signs.engines(&folder);
        self.contents.traces.extend(engines.map(|engine| Trace {
            path: below.to_owned(),
            engine,
            names: 1,
        }));
    }
}

/// Whether the file is a journal of SQLite's whose database is not there.
fn is_orphan(path: &Path) -> bool {
    let name = path.as_os_str().as_encoded_bytes();
    JOURNALS
        .iter()
        .find_map(|end| name.strip_suffix(end.as_bytes()))
        .is_some_and(|base| {
            use std::os::unix::ffi::OsStrExt as _;
            std::fs::symlink_metadata(OsStr::from_bytes(base))
                .is_err_and(|error| is_missing(&error))
        })
}

/// Whether the directory is a PostgreSQL's.
pub(super) fn is_server(directory: &Path) -> bool {
    beginning(&directory.join("PG_VERSION"), 16).is_ok_and(|head| is_version(&head))
}

impl Unread {
    fn add(&mut self, path: &Path, error: &io::Error) {
        // Gone since it was listed: engines remove files all the time.
        if is_missing(error) {
            return;
        }
        self.count += 1;
        self.denied |= error.kind() == io::ErrorKind::PermissionDenied;
        self.first
            .get_or_insert_with(|| format!("{}: {error}", path.display()));
    }

    fn gap(self, root: &Path, node: &Node) -> Option<Gap> {
        let first = self.first?;
        let others = match self.count {
            1 => String::new(),
            count => format!(" (and {} more below {})", count - 1, root.display()),
        };
        Some(Gap {
            reason: first + &others,
            remedy: self.denied.then(|| as_owner(node)),
        })
    }
}

fn denied(root: &Path, node: &Node, error: &io::Error) -> Gap {
    Gap {
        reason: format!("{}: {error}", root.display()),
        remedy: (error.kind() == io::ErrorKind::PermissionDenied).then(|| as_owner(node)),
    }
}

fn as_owner(node: &Node) -> String {
    format!("run dbctl as its owner (uid {}) or as root", node.owner)
}

fn join(root: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() {
        root.to_owned()
    } else {
        root.join(below)
    }
}

/// Whether another process holds a lock on the file. Takes none.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the constants of <fcntl.h> are declared wider than the fields they are for"
)]
fn is_locked(path: &Path) -> io::Result<bool> {
    let file = open(path)?;
    let mut lock = nix::libc::flock {
        l_type: nix::libc::F_RDLCK as i16,
        l_whence: nix::libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) != nix::libc::F_UNLCK)
}

/// Opens what was a file when it was listed, and may be a pipe or a symlink by now.
fn open(path: &Path) -> io::Result<File> {
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    File::options().read(true).custom_flags(flags).open(path)
}

/// The bits of a directory's entries that count when the directory itself has this mode: nobody gets past a closed one.
pub const fn reach(mode: u32) -> u32 {
    let group = if mode & 0o010 != 0 { 0o060 } else { 0 };
    let others = if mode & 0o001 != 0 { 0o006 } else { 0 };
    group | others
}

/// Whether the file is one of SQL, or of `pg_dump` or `pg_dumpall`: as a script, in its own format, or in that as a tar archive, which
/// begins with its table of contents.
fn is_dump(path: &Path, head: &[u8]) -> bool {
    let is_sql = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("sql"));
    let begins: [&[u8]; 4] = [
        b"PGDMP",
        b"toc.dat\0",
        // "… database dump" and "… database cluster dump"
        b"--\n-- PostgreSQL database ",
        b"--\r\n-- PostgreSQL database ",
    ];
    is_sql || begins.iter().any(|begin| head.starts_with(begin))
}

/// The first bytes of a file.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    beginning(path, 64)
}

fn beginning(path: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    open(path)?.take(bytes).read_to_end(&mut head)?;
    Ok(head)
}
