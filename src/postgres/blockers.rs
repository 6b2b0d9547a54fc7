//! Who stands in the way of a statement, asked through a second connection while it waits.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio_postgres::types::Type;

use super::connect::connect;
use super::runner::Event;
use super::session::{Purpose, Session};
use crate::manifest::Endpoint;

/// How long work for which a lock is likely may take before somebody asks who blocks it.
pub(super) const SOON: Duration = Duration::from_millis(250);

/// As [`SOON`], where a lock is unlikely and the work may take long by itself.
pub(super) const LATER: Duration = Duration::from_secs(1);

/// How long it may take to learn who was in the way of something that has failed already.
const LATE: Duration = Duration::from_secs(2);

/// How often is asked.
const PAUSE: Duration = Duration::from_millis(250);

/// Which standbys process $1 waits for: it has committed here (PostgreSQL documentation, "Synchronous Replication").
const STANDBYS: &str = "SELECT (SELECT 'synchronous_standby_names = ' || quote_literal(current_setting('synchronous_standby_names')) \
     FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'IPC' AND wait_event = 'SyncRep')";

/// Looks who blocks the session of this process.
pub(super) struct Watch<'a> {
    endpoint: &'a Endpoint,
    application: &'a str,
    pid: i32,
    quiet: Duration,
    session: tokio::sync::Mutex<Option<Session>>,
    seen: Mutex<Option<String>>,
    observer: &'a (dyn Fn(Event) + Sync),
    awaits_standby: AtomicBool,
}

impl<'a> Watch<'a> {
    /// A watch that begins to look after this time.
    pub(super) fn new(
        endpoint: &'a Endpoint,
        application: &'a str,
        pid: i32,
        quiet: Duration,
    ) -> Self {
        Self {
            endpoint,
            application,
            pid,
            quiet,
            session: tokio::sync::Mutex::new(None),
            seen: Mutex::default(),
            observer: &|_| (),
            awaits_standby: AtomicBool::new(false),
        }
    }

    /// The same, which also says it where something that is committed here waits for standbys to have it.
    pub(super) fn telling_standbys(self, observer: &'a (dyn Fn(Event) + Sync)) -> Self {
        Self { observer, ..self }
    }

    /// Whether it was seen to wait for standbys since [`Watch::forget`].
    pub(super) fn awaited_standby(&self) -> bool {
        self.awaits_standby.load(Ordering::Relaxed)
    }

    /// Runs something while watching who blocks it.
    pub(super) async fn over<T>(&self, work: impl Future<Output = T>) -> T {
        self.telling(&|_| (), work).await
    }

    /// As [`Watch::over`], and says who blocks it whenever that has changed.
    pub(super) async fn telling<T>(
        &self,
        tell: &(dyn Fn(&str) + Sync),
        work: impl Future<Output = T>,
    ) -> T {
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => return done,
            () = self.look(tell) => {}
        }
        // There is nothing to look with: the work goes on all the same.
        work.await
    }

    /// Forgets who was seen: something else begins.
    pub(super) fn forget(&self) {
        self.remember(None);
        self.awaits_standby.store(false, Ordering::Relaxed);
    }

    /// Who was seen to block it last, in words.
    pub(super) fn blockers(&self) -> Option<String> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A sentence, with who was seen to block.
    pub(super) fn with_blockers(&self, reason: String) -> String {
        match self.blockers() {
            Some(blockers) => format!("{reason}; blocked by {blockers}"),
            None => reason,
        }
    }

    fn remember(&self, blockers: Option<String>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = blockers;
    }

    /// The second connection, opened where there was none; empty when it cannot be had.
    async fn second(&self) -> MutexGuard<'_, Option<Session>> {
        let mut held = self.session.lock().await;
        if held.is_none() {
            *held = connect(self.endpoint, Purpose::Read, self.application)
                .await
                .ok();
        }
        held
    }

    /// Looks until it is dropped; returns when it cannot look.
    async fn look(&self, tell: &(dyn Fn(&str) + Sync)) {
        tokio::time::sleep(self.quiet).await;
        let mut held = self.second().await;
        let Some(session) = held.as_ref() else {
            return;
        };
        while let Ok(blockers) = ask(session, include_str!("blockers.sql"), self.pid).await {
            if let Some(blockers) = blockers
                && self.blockers().as_ref() != Some(&blockers)
            {
                tell(&blockers);
                self.remember(Some(blockers));
            }
            if !self.awaited_standby() {
                let Ok(standbys) = ask(session, STANDBYS, self.pid).await else {
                    break;
                };
                if let Some(standbys) = standbys {
                    self.awaits_standby.store(true, Ordering::Relaxed);
                    (self.observer)(Event::WaitingForStandby { standbys });
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        *held = None;
    }

    /// Looks who holds what a reader waits for, when the wait was over before anybody was seen.
    pub(super) async fn look_late(&self) {
        if self.blockers().is_some() {
            return;
        }
        let looking = async {
            let held = self.second().await;
            let session = held.as_ref()?;
            let holders = ask(session, include_str!("holders.sql"), self.pid);
            holders.await.ok().flatten()
        };
        if let Ok(Some(holders)) = tokio::time::timeout(LATE, looking).await {
            self.remember(Some(holders));
        }
    }

    /// Ends the second connection, if there was one.
    pub(super) async fn close(self) {
        if let Some(session) = self.session.into_inner() {
            session.close().await;
        }
    }
}

/// The processes that block this one, in words. What they run is not told: it may hold what nobody should read.
async fn ask(
    session: &Session,
    sql: &str,
    pid: i32,
) -> Result<Option<String>, tokio_postgres::Error> {
    session.begin_reading().await?;
    session
        .client
        .query_typed_one(sql, &[(&pid, Type::INT4)])
        .await?
        .try_get(0)
}
