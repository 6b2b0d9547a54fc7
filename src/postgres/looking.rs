//! A look at a database that somebody's lock may hold up: `ACCESS EXCLUSIVE` on a table makes even a reader of the catalog wait
//! (PostgreSQL documentation, "Explicit Locking").

use std::time::Duration;

use super::blockers::{LATER, SOON, Watch};
use super::inspect::{is_lock_conflict, names_nothing, unreadable};
use super::session::Session;
use crate::manifest::Endpoint;

/// How to look.
pub struct Looking<'a> {
    /// Where.
    pub endpoint: &'a Endpoint,
    /// The name under which is asked who is in the way.
    pub application: &'a str,
    /// The operator's `--lock-timeout`, where the verb has one. A session waits for a few seconds at most anyway.
    pub patience: Option<Duration>,
    /// Told who is in the way while the look waits.
    pub tell: &'a (dyn Fn(&str) + Sync),
}

/// Why a look came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Whether a lock was not to be had in time, rather than that the server or the role was the reason.
    pub locked: bool,
    /// The server's words, with who held the lock and what to do about it, or which grants are missing.
    pub reason: String,
}

impl Unread {
    /// How a verb ends for which a lock means one thing and every other reason another.
    pub fn ended<T>(self, locked: T, otherwise: T) -> (T, String) {
        match self.locked {
            true => (locked, self.reason),
            false => (otherwise, self.reason),
        }
    }
}

impl Looking<'_> {
    /// Does the `work` of a session, tells who blocks it while it waits, and says so when it was given up.
    ///
    /// # Errors
    /// When the work fails.
    pub async fn at<T>(
        &self,
        session: &Session,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Unread> {
        // Without the operator's limit a session waits for seconds, and reading a large catalog takes a while.
        let quiet = self.patience.map_or(LATER, |_| SOON);
        let watch = Watch::new(self.endpoint, self.application, session.pid(), quiet);
        let work = async {
            if let Some(limit) = self.patience {
                session.wait_for_locks(limit).await?;
            }
            work.await
        };
        let done = match watch.telling(self.tell, work).await {
            Ok(done) => Ok(done),
            Err(error) => Err(self.failed(&watch, &error).await),
        };
        watch.close().await;
        done
    }

    async fn failed(&self, watch: &Watch<'_>, error: &tokio_postgres::Error) -> Unread {
        let mut text = unreadable(self.endpoint, error);
        if names_nothing(error) {
            text.push_str(
                "; dbctl's queries name only what initdb and TimescaleDB make: find out who renamed, moved or dropped it, \
                 unless this server is newer than this dbctl",
            );
        }
        let locked = is_lock_conflict(error);
        if !locked {
            return Unread {
                locked,
                reason: text,
            };
        }
        watch.look_late().await;
        let advice = match self.patience {
            Some(_) => {
                "nothing was changed: try again when the table is free, or raise --lock-timeout"
            }
            None => "try again when the table is free",
        };
        Unread {
            locked,
            reason: format!("{}; {advice}", watch.with_blockers(text)),
        }
    }
}
