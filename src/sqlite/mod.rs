//! The RGB library's SQLite file, read without a trace: the only place that names sqlx.

mod access;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use crate::snapshot::{Fact, Gap};
use access::{Access, Look};

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

/// What a readable database holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// The names of its tables and views, sorted, without SQLite's own.
    pub relations: Vec<String>,
    /// `PRAGMA application_id`; 0 when nobody set one.
    pub application_id: i32,
}

/// The first bytes of every SQLite database.
pub const HEADER: &[u8; 16] = b"SQLite format 3\0";

// A commit holds its exclusive lock for milliseconds; what is still locked after this many looks is held on purpose.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(60);

/// Reads the schema of the SQLite database at `path`.
///
/// It changes no byte of the database, creates no file and makes no writer wait: a database that nobody has open in WAL mode is
/// read without any lock and checked for changes afterwards; one that somebody has open in WAL mode is joined as a reader.
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
        Access::LiveWal => "mode=ro",
        Access::IdleWal => "mode=ro&readonly_shm=1",
    };
    let outcome = schema(path, options).await;
    let unchanged = look.unchanged(path);
    // The lock that keeps the -wal file in place goes only now, with the last descriptor on the file.
    drop(look);
    let outcome = match outcome {
        Ok(schema) => Ok(SqliteFacts::Readable(schema)),
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

async fn schema(path: &Path, access: &str) -> Result<Schema, sqlx::Error> {
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

async fn query(connection: &mut SqliteConnection) -> Result<Schema, sqlx::Error> {
    // As bytes: a name that is not UTF-8 must not hide the others.
    let rows = sqlx::query(
        "SELECT CAST(name AS BLOB) FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut relations = rows
        .iter()
        .map(|row| {
            row.try_get::<Vec<u8>, _>(0)
                .map(|name| String::from_utf8_lossy(&name).into_owned())
        })
        .collect::<Result<Vec<_>, _>>()?;
    relations.sort();
    let application_id = sqlx::query("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    Ok(Schema {
        relations,
        application_id,
    })
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
