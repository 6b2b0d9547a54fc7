//! A database in the place of the RGB library's, for the sandbox: no node is unlocked there.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};

/// Makes a database with tables of these names, and the directory that it lies in, both private. They have one column and no rows.
///
/// # Errors
/// The directory or the file cannot be made, or something is there already.
pub async fn make_stand_in(path: &Path, tables: &[&'static str]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
    }
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    write(path, tables).await.map_err(io::Error::other)
}

async fn write(path: &Path, tables: &[&'static str]) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(super::uri(path, "mode=rw"))
        .disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await?;
    for table in tables {
        let statement = format!("CREATE TABLE {table} (idx INTEGER PRIMARY KEY)");
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    connection.close().await
}
