//! Takes a database down to an older version: all down scripts in one transaction, under the runners' lock, and only as far as no
//! data is lost unless that is allowed.

mod actor;
mod attributes;
mod content;
mod counted;
mod family;
mod loss;
mod run;
mod statement;
mod table;
mod uncounted;
mod values;
mod views;

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::super::blockers::{SOON, Watch};
use super::super::inspect::{self, Marks};
use super::super::session::Session;
use super::super::unfinished::versions as unfinished;
use super::footprint::Foreign;
use super::lock::{lock, unlock};
use super::{ApplyError, Event, lost};
use crate::manifest::Endpoint;
use crate::migration::{Migration, Owned, Rollback, Set, Yardstick, unfinished_refusal};
pub use loss::Loss;
use run::Run;
pub(super) use values::Values;

/// How to roll back.
#[derive(Debug, Clone)]
pub struct RollbackOptions {
    /// The service whose database it is.
    pub service: String,
    /// The relations that the service's set accounts for: a script that writes to another one fails.
    pub owned: Owned,
    /// The version to be at afterwards; 0 takes back everything.
    pub target: i32,
    /// Whether to commit although data is lost.
    pub allow_data_loss: bool,
    /// How long to wait for another runner, and for locks that others hold on tables, before giving up.
    pub lock_timeout: Duration,
    /// How long one statement may run; `None` sets no limit.
    pub statement_timeout: Option<Duration>,
    /// Where the database is, to ask who is in the way.
    pub endpoint: Endpoint,
    /// The name of the session that asks.
    pub application: String,
    /// Becomes true when the run is to end early.
    pub interrupt: watch::Receiver<bool>,
}

/// What was rolled back and committed.
#[derive(Debug, Clone, Default)]
pub struct RolledBack {
    /// The migrations that were taken back, newest first, each with the time that its script took. Empty: there was nothing to do.
    pub migrations: Vec<(Migration, Duration)>,
    /// The data that was lost, which was allowed.
    pub losses: Vec<Loss>,
    /// That the catalog could not be compared with the target's, and why.
    pub note: Option<String>,
}

/// Why nothing was rolled back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RollbackError {
    /// Data would be lost, and that was not allowed.
    #[error("data would be lost; nothing was changed: the database is still at version {from}")]
    DataLoss {
        /// The version that the database is at.
        from: i32,
        /// The data.
        losses: Vec<Loss>,
    },
    /// Anything else, as for [`apply`](super::apply).
    #[error(transparent)]
    Run(#[from] ApplyError),
}

/// Runs the down scripts from the newest applied version to the one after the target, in one transaction.
///
/// `check` is asked under the lock, as in [`apply`](super::apply); with a `yardstick` the catalog must be that of the target afterwards. Every table that the role may write to, itself or as a role that it may SET ROLE to, is closed to writers meanwhile.
///
/// # Errors
/// See [`RollbackError`]; whichever it is, nothing was changed, except where the connection broke at COMMIT.
pub async fn rollback(
    session: &mut Session,
    set: &Set,
    options: &RollbackOptions,
    check: &(dyn Fn(&Marks) -> Option<String> + Sync),
    yardstick: Option<Yardstick<'_>>,
    observer: &(dyn Fn(Event) + Sync),
) -> Result<RolledBack, RollbackError> {
    lock(session, options.lock_timeout, &options.interrupt, observer).await?;
    let result = locked(session, set, options, check, yardstick, observer).await;
    // As in `apply`: the lock is freed before the report is written, unless the session may not answer any more.
    if !matches!(
        result,
        Err(RollbackError::Run(
            ApplyError::Interrupted(_) | ApplyError::Unreachable(_)
        ))
    ) {
        let unlocked = unlock(session).await;
        if let (Ok(_), Err(error)) = (&result, unlocked) {
            return Err(lost(&error).into());
        }
    }
    result
}

async fn locked(
    session: &Session,
    set: &Set,
    options: &RollbackOptions,
    check: &(dyn Fn(&Marks) -> Option<String> + Sync),
    yardstick: Option<Yardstick<'_>>,
    observer: &(dyn Fn(Event) + Sync),
) -> Result<RolledBack, RollbackError> {
    let marks = inspect::marks(session)
        .await
        .map_err(|error| lost(&error))?;
    if let Some(reason) = check(&marks) {
        return Err(ApplyError::Refused(reason).into());
    }
    let rollback =
        Rollback::new(set, &marks.history, options.target).map_err(ApplyError::Refused)?;
    let unfinished = unfinished(session).await.map_err(|error| lost(&error))?;
    if let Some(reason) = unfinished_refusal(&options.service, unfinished.as_deref()) {
        return Err(ApplyError::Refused(reason).into());
    }
    if rollback.steps.is_empty() {
        return Ok(RolledBack::default());
    }
    let foreign = Foreign::read(session, &|| options.owned.clone(), &marks.history)
        .await
        .map_err(|error| lost(&error))?;
    let run = Run {
        session,
        watch: Watch::new(&options.endpoint, &options.application, session.pid(), SOON)
            .telling_standbys(observer),
        foreign: &foreign,
        options,
        observer,
        rollback: &rollback,
        yardstick,
        started: Instant::now(),
    };
    let result = run.until_unlocked().await;
    run.watch.close().await;
    result
}
