//! How an SQLite file can be read without changing it: its header, its journals, and the locks that others hold on it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::{HEADER, SqliteFacts};
use crate::snapshot::Gap;

/// The way in that disturbs nobody.
#[derive(Debug)]
pub(super) enum Access {
    /// The answer is known without opening it.
    Settled(SqliteFacts),
    /// The answer, if it is the same on every look.
    Passing(SqliteFacts),
    /// There is no way in that leaves no trace.
    Closed(Gap),
    /// Nobody's WAL holds anything newer: read the file itself, without locks.
    Immutable,
    /// Its WAL holds what is newer: join as a reader that may not write the index, or, where nobody has it open, with an index
    /// of its own.
    Wal,
}

/// One look at the file: what it was, and the descriptor that keeps it so.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) access: Access,
    /// The version of the file format that a writer must know; 0 where the file is too short.
    pub(super) write_version: u8,
    file: File,
    stamp: Stamp,
}

/// What changes when somebody writes.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    length: u64,
    modified: (i64, i64),
    change_counter: [u8; 4],
    wal: u64,
}

// Byte ranges that SQLite locks (os.h, os_unix.c): they are part of its file format.
const WRITERS: (i64, i64) = (0x4000_0000, 512);
const RESERVED: (i64, i64) = (0x4000_0001, 1);
const SHARED: (i64, i64) = (0x4000_0002, 510);
// Of the -shm file (wal.c).
const WAL_WRITER: (i64, i64) = (120, 1);

impl Look {
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let stamp = Stamp::of(&file, path)?;
        let access = access(&file, path, &stamp)?;
        let mut version = [0];
        let _ = file.read_at(&mut version, 18)?;
        Ok(Self {
            access,
            write_version: version[0],
            file,
            stamp,
        })
    }

    /// Whether what was read is what lies there. Joined readers see one consistent state by themselves.
    pub(super) fn unchanged(&self, path: &Path) -> bool {
        !matches!(self.access, Access::Immutable)
            || (Stamp::of(&self.file, path).is_ok_and(|now| now == self.stamp)
                && held(&self.file, SHARED).is_ok_and(|held| !held))
    }
}

impl Stamp {
    fn of(file: &File, path: &Path) -> io::Result<Self> {
        let meta = file.metadata()?;
        let mut change_counter = [0; 4];
        // A file too short for a counter has none; its length tells.
        let _ = file.read_at(&mut change_counter, 24)?;
        Ok(Self {
            inode: (meta.dev(), meta.ino()),
            length: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            change_counter,
            wal: length(&beside(path, "-wal"))?,
        })
    }
}

fn access(mut file: &File, path: &Path, stamp: &Stamp) -> io::Result<Access> {
    if stamp.length == 0 {
        return Ok(Access::Settled(SqliteFacts::Empty));
    }
    let mut head = Vec::with_capacity(20);
    file.by_ref().take(20).read_to_end(&mut head)?;
    if !head.starts_with(HEADER) {
        return Ok(Access::Settled(SqliteFacts::NotSqlite));
    }
    if held(file, SHARED)? {
        return Ok(Access::Passing(SqliteFacts::Locked));
    }
    // Bytes 18 and 19 are the versions needed to write and to read it: 2 is WAL.
    if head
        .get(18..20)
        .is_some_and(|versions| versions.contains(&2))
    {
        return wal(file, path);
    }
    let journal = beside(path, "-journal");
    // A journal without a writer behind it is hot; the writer creates it after its lock and removes it before, so look twice.
    if starts_with_data(&journal)? && !held(file, RESERVED)? && starts_with_data(&journal)? {
        return Ok(Access::Passing(SqliteFacts::Unfinished { journal }));
    }
    Ok(Access::Immutable)
}

fn wal(file: &File, path: &Path) -> io::Result<Access> {
    // The lock that every reader of a WAL database holds. It blocks no writer, and while it is held nobody can remove the
    // -wal file, which SQLite would otherwise create anew for us.
    if !share(file)? {
        return Ok(Access::Passing(SqliteFacts::Locked));
    }
    if length(&beside(path, "-wal"))? == 0 {
        return Ok(Access::Immutable);
    }
    let index = beside(path, "-shm");
    match File::open(&index) {
        // A reader that finds no free place in the index takes one that is marked already: SQLite then says what the WAL's newest
        // commit holds all the same, and the checkpointer leaves those pages alone meanwhile.
        Ok(_) => Ok(Access::Wal),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Access::Closed(Gap {
            reason: format!(
                "{} has a -wal file but no -shm file: reading it would create one",
                path.display()
            ),
            remedy: Some("let its service open it once, then run dbctl again".to_owned()),
        })),
        Err(error) => Err(error),
    }
}

/// Whether another process has a transaction open that writes to the database at `path`. Takes no lock.
///
/// # Errors
/// The file, or its index, cannot be opened.
pub fn is_being_written(path: &Path) -> io::Result<bool> {
    if held(&File::open(path)?, WRITERS)? {
        return Ok(true);
    }
    match File::open(beside(path, "-shm")) {
        Ok(shm) => held(&shm, WAL_WRITER),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether another process holds a write lock in this range. Takes none.
fn held(file: &File, range: (i64, i64)) -> io::Result<bool> {
    let mut lock = range_lock(libc::F_RDLCK, range);
    fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

fn share(file: &File) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(&range_lock(libc::F_RDLCK, SHARED))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the constants of <fcntl.h> are declared wider than the fields they are for"
)]
fn range_lock(kind: i32, (start, length): (i64, i64)) -> libc::flock {
    libc::flock {
        l_type: kind as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: start,
        l_len: length,
        l_pid: 0,
    }
}

/// The file beside the database whose name has this suffix.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn length(path: &Path) -> io::Result<u64> {
    match std::fs::metadata(path) {
        Ok(meta) => Ok(meta.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Whether a journal has a header: journal mode PERSIST zeroes it at commit.
fn starts_with_data(journal: &Path) -> io::Result<bool> {
    let mut first = [0];
    match File::open(journal) {
        Ok(file) => Ok(file.read_at(&mut first, 0)? > 0 && first != [0]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
