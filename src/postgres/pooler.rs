//! Connection poolers, as PgBouncer is one: recognising them, and telling whether a session may rely on its server process.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, duplex};
use tokio_postgres::{CancelToken, Client, Error, NoTls, SimpleQueryMessage};

/// How long the proof of session pooling may take, its second connection included.
pub(super) const PROOF: Duration = Duration::from_secs(2);

/// How often both connections are asked.
const ROUNDS: usize = 8;

/// What a pooler does with a session's server process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It belongs to the client until the client leaves.
    Session,
    /// Other clients get it in between.
    Shared,
}

/// The process id that the log-in named. A server names its process, a pooler anything. `None` when the driver does not tell.
///
/// The driver keeps the number for cancel requests only; so it writes one, to nobody.
pub(super) async fn handshake_pid(token: &CancelToken) -> Option<i32> {
    let (theirs, mut ours) = duplex(64);
    let writing = token.cancel_query_raw(theirs, NoTls);
    let reading = async {
        let _length = ours.read_i32().await?;
        let _code = ours.read_i32().await?;
        ours.read_i32().await
    };
    let (written, read) = futures::join!(writing, reading);
    written.ok()?;
    read.ok()
}

/// Proves that two connections through one pooler keep a server process each, by asking both in turns.
///
/// A pooler of transactions hands a process to whoever asks next: the one that was given back last, or the one that has rested
/// longest. The first connection asks twice, so that neither order looks like a process of its own.
pub(super) async fn mode(first: &Client, seen: i32, second: &Client) -> Result<Mode, Error> {
    let mut other = None;
    for _ in 0..ROUNDS {
        for _ in 0..2 {
            if backend_pid(first).await? != Some(seen) {
                return Ok(Mode::Shared);
            }
        }
        let answered = backend_pid(second).await?;
        if answered == Some(seen) || answered != *other.get_or_insert(answered) {
            return Ok(Mode::Shared);
        }
    }
    Ok(Mode::Session)
}

/// The server process that answers now. Nothing is prepared: a pooler may not keep prepared statements apart.
async fn backend_pid(client: &Client) -> Result<Option<i32>, Error> {
    let messages = client
        .simple_query("SELECT pg_catalog.pg_backend_pid()")
        .await?;
    let mut pid = None;
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            pid = row.try_get(0)?.and_then(|text| text.parse().ok());
        }
    }
    Ok(pid)
}
