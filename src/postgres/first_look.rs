//! What a server says of itself before anything is set.

use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// The answer to the first query of a session.
pub(super) struct FirstLook {
    pub(super) pid: i32,
    pub(super) version_num: u32,
    pub(super) version: String,
    pub(super) standby: bool,
    pub(super) read_only: bool,
    /// Whether the server notices a client that is gone while a statement runs: on Linux alone.
    pub(super) misses_clients: bool,
    /// The role that the server was entered as.
    pub(super) role: String,
    /// The database that the connection ended in.
    pub(super) database: String,
}

impl FirstLook {
    /// Asks who answers, before anything is set: behind a pooler a setting would stay for the next client. Every name in it is qualified
    /// and nothing else is evaluated, because the search path is still whatever the database's owner made it.
    pub(super) async fn read(client: &Client) -> Result<Option<Self>, Error> {
        let messages = client
            .simple_query(
                "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version_num'), \
                 pg_catalog.current_setting('server_version'), pg_catalog.pg_is_in_recovery(), \
                 pg_catalog.current_setting('transaction_read_only'), pg_catalog.version(), session_user, pg_catalog.current_database()",
            )
            .await?;
        for message in messages {
            let SimpleQueryMessage::Row(row) = message else {
                continue;
            };
            let mut texts = Vec::new();
            for column in 0..row.len() {
                texts.push(row.try_get(column)?.unwrap_or_default());
            }
            let [
                pid,
                version_num,
                version,
                standby,
                read_only,
                build,
                role,
                database,
            ] = texts.as_slice()
            else {
                continue;
            };
            let (Ok(pid), Ok(version_num)) = (pid.parse(), version_num.parse()) else {
                continue;
            };
            return Ok(Some(Self {
                pid,
                version_num,
                version: (*version).to_owned(),
                standby: *standby == "t",
                read_only: *read_only == "on",
                misses_clients: build.contains("linux"),
                role: (*role).to_owned(),
                database: (*database).to_owned(),
            }));
        }
        Ok(None)
    }
}
