//! How far the RGB library is with its side of a `storage_dir`.

use std::path::{Path, PathBuf};

use super::walk::{Limits, RGB_DATABASES};
use super::{Contents, Directory, Engine, Role, Trace, directory, is_missing, open_databases};
use crate::snapshot::{Fact, Gap};
use crate::sqlite::{self, SqliteFacts};

/// The tables of `rgb_lib_db`: what the first migrations of the RGB library make. Newer ones add to them.
pub const TABLES: [&str; 12] = [
    "asset",
    "asset_transfer",
    "backup_info",
    "batch_transfer",
    "coloring",
    "media",
    "seaql_migrations",
    "token",
    "transfer",
    "transport_endpoint",
    "txo",
    "wallet_transaction",
];

/// Tables that tell the library's database from others of the wallet, such as `bdk_db`.
const TELLING: [&str; 3] = ["seaql_migrations", "txo", "coloring"];

/// What the library has done so far, and whether it is at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RgbLibrary {
    /// A directory of the layout is not there.
    NoDirectory(PathBuf),
    /// Something else is in the place of a directory of the layout.
    NotADirectory(PathBuf),
    /// `rgb_sqlite` holds no database of the library.
    NoDatabase(PathBuf),
    /// A database lacks tables of the library: it is being made, or was cut off.
    Incomplete {
        /// The database.
        database: PathBuf,
        /// The tables that are not there, sorted.
        missing: Vec<&'static str>,
    },
    /// The library's own lock file is there: an operation runs, or was cut off by a crash.
    Running(PathBuf),
    /// A database is being written, or a cut-off transaction waits to be rolled back.
    Busy {
        /// The database.
        database: PathBuf,
        /// What shows it.
        sign: String,
    },
    /// A database that no waiting mends.
    Damaged {
        /// The database.
        database: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It could not be looked at.
    Unknown(Gap),
    /// Every database has its tables, and nobody writes.
    Ready,
}

/// Looks at `rgb_sqlite` in the storage directory, as [`sqlite::read`] does: without a trace.
pub async fn rgb_library(storage: &Path) -> RgbLibrary {
    let library = storage.join(Role::RgbSqlite.as_str());
    for path in [storage, &library] {
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return RgbLibrary::NotADirectory(path.to_owned()),
            Err(error) if is_missing(&error) => return RgbLibrary::NoDirectory(path.to_owned()),
            Err(error) => return RgbLibrary::Unknown(super::unreadable(path, &error)),
        }
    }
    let walk = move || directory(Role::RgbSqlite, library, Limits::default());
    let mut directory = match tokio::task::spawn_blocking(walk).await {
        Ok(directory) => directory,
        Err(error) => return RgbLibrary::Unknown(Gap::new(error.to_string())),
    };
    open_databases(&mut directory).await;
    match &directory.contents {
        Fact::Known(contents) => progress(&directory, contents),
        Fact::Unknown(gap) => RgbLibrary::Unknown(gap.clone()),
    }
}

/// The first thing that is still to come, or that is in the way.
fn progress(directory: &Directory, contents: &Contents) -> RgbLibrary {
    let mut found = false;
    for trace in &contents.traces {
        let Engine::Sqlite { facts: Some(facts) } = &trace.engine else {
            continue;
        };
        let path = directory.path.join(&trace.path);
        let relations = match facts {
            Fact::Known(SqliteFacts::Readable(schema)) => schema.relations.as_slice(),
            Fact::Known(SqliteFacts::Empty) => &[],
            Fact::Known(facts) => return unusable(path, facts),
            Fact::Unknown(gap) => return RgbLibrary::Unknown(gap.clone()),
        };
        let has = |table: &&str| {
            relations
                .iter()
                .any(|name| name.eq_ignore_ascii_case(table))
        };
        if is_named(trace) || TELLING.iter().any(&has) {
            found = true;
            let missing: Vec<_> = TABLES.into_iter().filter(|table| !has(table)).collect();
            if !missing.is_empty() {
                return RgbLibrary::Incomplete {
                    database: path,
                    missing,
                };
            }
        }
        match sqlite::is_being_written(&path) {
            Ok(false) => {}
            Ok(true) => {
                return RgbLibrary::Busy {
                    database: path,
                    sign: "a transaction that writes is open".to_owned(),
                };
            }
            Err(error) => return RgbLibrary::Unknown(super::unreadable(&path, &error)),
        }
    }
    if let Some(lock) = contents.running.first() {
        return RgbLibrary::Running(directory.path.join(lock));
    }
    match contents.gaps.first() {
        Some(gap) => RgbLibrary::Unknown(gap.clone()),
        None if found => RgbLibrary::Ready,
        None => RgbLibrary::NoDatabase(directory.path.clone()),
    }
}

fn is_named(trace: &Trace) -> bool {
    let name = trace.path.file_name();
    RGB_DATABASES
        .iter()
        .any(|known| name.is_some_and(|name| name == *known))
}

fn unusable(database: PathBuf, facts: &SqliteFacts) -> RgbLibrary {
    let problem = facts.to_string();
    match facts {
        SqliteFacts::Locked | SqliteFacts::Unfinished { .. } => RgbLibrary::Busy {
            database,
            sign: problem,
        },
        _ => RgbLibrary::Damaged { database, problem },
    }
}
