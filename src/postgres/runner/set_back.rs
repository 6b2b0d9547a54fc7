//! Puts sequences back that a script has set: `setval` is not undone by ROLLBACK (PostgreSQL documentation, "Sequence Manipulation
//! Functions").

use std::time::Duration;

use tokio::sync::watch;

use super::super::connect::connect;
use super::super::inspect;
use super::super::session::{Purpose, Session};
use super::lock::{lock, unlock};
use super::rollback::Values;
use super::{Event, lost};
use crate::manifest::Endpoint;

/// How long the session that is gone may keep the runners' lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to the database, for where the session that ran a script is gone.
pub(super) struct Way<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) application: &'a str,
    pub(super) lock_timeout: Duration,
    pub(super) interrupt: &'a watch::Receiver<bool>,
    pub(super) observer: &'a (dyn Fn(Event) + Sync),
}

impl Way<'_> {
    /// Puts sequences back in a new session, if what the history holds says that the script was not committed. Returns what to tell of
    /// them: nothing when they stand as they did, or none can have been set.
    pub(super) async fn put_back(
        &self,
        values: Option<&Values>,
        was_rolled_back: impl Fn(&[i64]) -> bool,
    ) -> String {
        let Some(values) = values.filter(|values| values.can_be_set()) else {
            return String::new();
        };
        match self.anew(values, was_rolled_back).await {
            Ok(()) => String::new(),
            Err(reason) => format!("; {LEFT}, and they could not be put back: {reason}"),
        }
    }

    async fn anew(
        &self,
        values: &Values,
        was_rolled_back: impl Fn(&[i64]) -> bool,
    ) -> Result<(), String> {
        let session = connect(self.endpoint, Purpose::Write, self.application)
            .await
            .map_err(|error| error.fact)?;
        let done = self.under_lock(&session, values, was_rolled_back).await;
        session.close().await;
        done
    }

    /// The server may not have seen yet that the session is gone: until then its transaction goes on, and it holds the lock.
    async fn under_lock(
        &self,
        session: &Session,
        values: &Values,
        was_rolled_back: impl Fn(&[i64]) -> bool,
    ) -> Result<(), String> {
        let limit = self.lock_timeout.min(PATIENCE);
        lock(session, limit, self.interrupt, self.observer)
            .await
            .map_err(|error| error.to_string())?;
        let told = |error| lost(&error).to_string();
        let history = inspect::marks(session).await.map_err(told)?.history;
        let versions: Vec<i64> = history.rows.iter().map(|row| row.version).collect();
        if was_rolled_back(&versions) {
            values.put_back(&session.client).await.map_err(told)?;
        }
        unlock(session).await.map_err(told)
    }
}

/// What is told of them then.
const LEFT: &str = "sequences that it has set (setval) may stand where it left them, since no ROLLBACK undoes that";

/// What to tell of sequences where nobody can put them back.
pub(super) fn left(values: Option<&Values>) -> String {
    match values.is_some_and(Values::can_be_set) {
        true => format!("; {LEFT}"),
        false => String::new(),
    }
}
