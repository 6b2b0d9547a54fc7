//! The RGB library's SQLite file, read without a trace: the only place that names sqlx.

mod access;
mod stand_in;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use crate::snapshot::{Fact, Gap};
pub use access::is_being_written;
use access::{Access, Look};
pub use stand_in::make_stand_in;

/// What a file that is, or should be, an SQLite database turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqliteFacts {
    /// It was read.
    Readable(Schema),
    /// It has no bytes at all: SQLite would open it and show no tables.
    Empty,
    /// It does not begin with SQLite's header.
    NotSqlite,
    /// SQLite refuses it, in its words.
    Corrupt(String),
    /// Another process holds it exclusively, and did so for longer than a commit takes.
    Locked,
    /// A transaction was cut off; its journal waits to be rolled back by the next writer.
    Unfinished {
        /// The journal.
        journal: PathBuf,
    },
}

impl std::fmt::Display for SqliteFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Readable(_) => f.write_str("it can be read"),
            Self::Empty => f.write_str("it is empty (0 bytes)"),
            Self::NotSqlite => f.write_str("it does not begin with SQLite's header"),
            Self::Corrupt(message) => write!(f, "it is corrupt: {message}"),
            Self::Locked => f.write_str("it is locked by another process"),
            Self::Unfinished { journal } => write!(
                f,
                "an unfinished transaction waits in {} to be rolled back",
                journal.display()
            ),
        }
    }
}

/// What a readable database holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// The names of its tables and views, sorted, without SQLite's own.
    pub relations: Vec<String>,
    /// `PRAGMA application_id`; 0 when nobody set one.
    pub application_id: i32,
    /// Its triggers and views.
    pub code: Vec<Code>,
    /// Whether its header asks writers for a newer version of the file format than there is: SQLite opens it for reading only
    /// (SQLite documentation, "File format version numbers").
    pub is_read_only: bool,
}

/// A trigger or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// What it is, as SQLite names it: `trigger`, `view`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The table of a trigger; a view itself.
    pub of: String,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        match self.of == self.name {
            true => Ok(()),
            false => write!(f, " on {}", self.of),
        }
    }
}

impl Schema {
    /// Whether there is a table or view of this name; SQLite does not tell upper from lower case.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.relations
            .iter()
            .any(|relation| relation.eq_ignore_ascii_case(name))
    }
}

/// The first bytes of every SQLite database.
pub const HEADER: &[u8; 16] = b"SQLite format 3\0";

// A commit holds its exclusive lock for milliseconds; what is still locked after this many looks is held on purpose.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(60);

/// The newest version of the file format: that of the WAL.
const NEWEST_FORMAT: u8 = 2;

/// How long SQLite may take to check a file: a reader keeps the WAL from being emptied.
const INTEGRITY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the schema of the SQLite database at `path`.
///
/// It changes no byte of the database, its `-wal` and its `-shm`, creates no file and makes no writer wait: a database whose WAL holds
/// nothing is read without any lock and checked for changes afterwards; else it is joined as a reader that may not write the index
/// ("Read-Only WAL-Mode Databases" in SQLite's page on write-ahead logging).
pub async fn read(path: &Path) -> Fact<SqliteFacts> {
    let mut last = Fact::Known(SqliteFacts::Locked);
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        match read_once(path).await {
            Attempt::Settled(fact) => return fact,
            Attempt::Again(fact) => last = fact,
        }
    }
    last
}

/// One look at the file: an answer, or what to answer if it stays so.
enum Attempt {
    Settled(Fact<SqliteFacts>),
    Again(Fact<SqliteFacts>),
}

async fn read_once(path: &Path) -> Attempt {
    let look = match Look::at(path) {
        Ok(look) => look,
        Err(error) => return Attempt::Settled(Fact::Unknown(unreadable(path, &error))),
    };
    let options = match &look.access {
        Access::Settled(facts) => return Attempt::Settled(Fact::Known(facts.clone())),
        Access::Passing(facts) => return Attempt::Again(Fact::Known(facts.clone())),
        Access::Closed(gap) => return Attempt::Settled(Fact::Unknown(gap.clone())),
        Access::Immutable => "immutable=1",
        Access::Wal => "mode=ro&readonly_shm=1",
    };
    let outcome = schema(path, options).await;
    let unchanged = look.unchanged(path);
    let write_version = look.write_version;
    // The lock that keeps the -wal file in place goes only now, with the last descriptor on the file.
    drop(look);
    let outcome = match outcome {
        Ok(Read::Schema(schema)) => Ok(SqliteFacts::Readable(Schema {
            is_read_only: write_version > NEWEST_FORMAT,
            ..schema
        })),
        Ok(Read::Corrupt(problems)) => Ok(SqliteFacts::Corrupt(problems)),
        Err(error) => verdict(path, &error),
    };
    match outcome {
        Ok(SqliteFacts::Locked) => Attempt::Again(Fact::Known(SqliteFacts::Locked)),
        _ if !unchanged => Attempt::Again(Fact::Unknown(Gap {
            reason: format!("{} changed while it was being read", path.display()),
            remedy: Some("run it again when the writer is less busy".to_owned()),
        })),
        Ok(facts) => Attempt::Settled(Fact::Known(facts)),
        Err(gap) => Attempt::Settled(Fact::Unknown(gap)),
    }
}

/// What a database that SQLite opens turned out to be.
enum Read {
    Schema(Schema),
    Corrupt(String),
}

async fn schema(path: &Path, access: &str) -> Result<Read, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(uri(path, access))
        .read_only(true)
        .create_if_missing(false)
        .busy_timeout(Duration::ZERO)
        .disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let schema = query(&mut connection).await;
    connection.close().await?;
    schema
}

async fn query(connection: &mut SqliteConnection) -> Result<Read, sqlx::Error> {
    let problems = integrity(connection).await?;
    if !problems.is_empty() {
        return Ok(Read::Corrupt(problems.join("; ")));
    }
    // As bytes: a name that is not UTF-8 must not hide the others. They are in the database's own encoding then.
    let encoding: String = sqlx::query("PRAGMA encoding")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    let rows = sqlx::query(
        "SELECT type, CAST(name AS BLOB), CAST(tbl_name AS BLOB) FROM sqlite_master
         WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut relations = Vec::new();
    let mut code = Vec::new();
    for row in rows {
        let kind: String = row.try_get(0)?;
        let name = decoded(&row.try_get::<Vec<u8>, _>(1)?, &encoding);
        let of = decoded(&row.try_get::<Vec<u8>, _>(2)?, &encoding);
        if kind != "trigger" {
            relations.push(name.clone());
        }
        if kind != "table" {
            code.push(Code { kind, name, of });
        }
    }
    code.sort_by(|one: &Code, other| one.name.cmp(&other.name));
    relations.sort();
    let application_id = sqlx::query("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    Ok(Read::Schema(Schema {
        relations,
        application_id,
        code,
        is_read_only: false,
    }))
}

/// A text of the database, whose encoding is as `PRAGMA encoding` names it.
fn decoded(bytes: &[u8], encoding: &str) -> String {
    let unit = match encoding {
        "UTF-16le" => u16::from_le_bytes,
        "UTF-16be" => u16::from_be_bytes,
        _ => return String::from_utf8_lossy(bytes).into_owned(),
    };
    let (pairs, _) = bytes.as_chunks();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16_lossy(&units)
}

/// What `PRAGMA integrity_check` says, at most three lines of it; nothing when all is well.
async fn integrity(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    let end = Instant::now() + INTEGRITY_TIMEOUT;
    let mut handle = connection.lock_handle().await?;
    // The number of instructions of SQLite's machine between two looks at the clock: less than a millisecond.
    handle.set_progress_handler(10_000, move || Instant::now() < end);
    drop(handle);
    let rows = sqlx::query("PRAGMA integrity_check(3)")
        .fetch_all(&mut *connection)
        .await?;
    let lines = rows
        .iter()
        .map(|row| row.try_get::<String, _>(0))
        .collect::<Result<Vec<_>, _>>()?;
    connection.lock_handle().await?.remove_progress_handler();
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// The path as a URI: every byte of it survives, and it can carry SQLite's own options.
fn uri(path: &Path, options: &str) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = path.as_os_str().as_bytes();
    let path = percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC);
    format!("file:{path}?{options}")
}

/// What an error of SQLite says about the file. The number after `&` is SQLite's primary result code.
fn verdict(path: &Path, error: &sqlx::Error) -> Result<SqliteFacts, Gap> {
    const READONLY_ROLLBACK: i32 = 776;
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<i32>().ok());
    let message = error
        .as_database_error()
        .map_or_else(|| error.to_string(), |error| error.message().to_owned());
    match code {
        Some(READONLY_ROLLBACK) => Ok(SqliteFacts::Unfinished {
            journal: access::beside(path, "-journal"),
        }),
        Some(code) if matches!(code & 0xff, 5 | 6) => Ok(SqliteFacts::Locked),
        Some(9) => Err(Gap {
            reason: format!(
                "{}: its integrity could not be checked within {} s",
                path.display(),
                INTEGRITY_TIMEOUT.as_secs()
            ),
            remedy: Some(format!(
                "stop its service and run sqlite3 '{}' 'PRAGMA integrity_check'",
                path.display()
            )),
        }),
        Some(code) if matches!(code & 0xff, 11 | 26) => Ok(SqliteFacts::Corrupt(message)),
        _ => Err(Gap::new(format!("{}: {message}", path.display()))),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Gap {
    Gap {
        reason: format!("{}: {error}", path.display()),
        remedy: (error.kind() == std::io::ErrorKind::PermissionDenied)
            .then(|| "run dbctl as the file's owner or as root".to_owned()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
