//! A look at a database that somebody's lock may hold up: `ACCESS EXCLUSIVE` on a table makes even a reader of the catalog wait
//! (PostgreSQL documentation, "Explicit Locking").

use super::blockers::Watch;
use super::inspect::{is_lock_conflict, unreadable};
use super::session::Session;
use crate::manifest::Endpoint;

/// Why a look came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Whether a lock was not to be had in time, rather than that the server or the role was the reason.
    pub locked: bool,
    /// The server's words, with who held the lock or which grants are missing.
    pub text: String,
}

impl Unread {
    /// The text, with what to do about a lock, for a look that has changed nothing and is not repeated.
    #[must_use]
    pub fn advised(self) -> String {
        match self.locked {
            true => format!("{}; try again when the table is free", self.text),
            false => self.text,
        }
    }
}

/// Does the `work` of a session, tells who blocks it while it waits, and says so when it was given up.
///
/// # Errors
/// When the work fails.
pub async fn looking<T>(
    session: &Session,
    endpoint: &Endpoint,
    application: &str,
    tell: &(dyn Fn(&str) + Sync),
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Unread> {
    let watch = Watch::new(endpoint, application, session.pid());
    let done = watch.telling(tell, work).await.map_err(|error| {
        let text = unreadable(endpoint, &error);
        let locked = is_lock_conflict(&error);
        Unread {
            locked,
            text: match locked {
                true => watch.with_blockers(text),
                false => text,
            },
        }
    });
    watch.close().await;
    done
}
