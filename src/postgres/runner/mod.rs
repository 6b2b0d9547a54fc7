//! refinery's runner on a session of ours, through refinery's own traits. What refinery lacks is added around it: a lock against
//! other runners, the stamp and the history table in the transaction of the first migration, timeouts, and errors that tell.

mod baseline;
mod books;
mod cancel;
mod causes;
mod failure;
mod fate;
mod footprint;
mod group;
mod guarded;
mod leftovers;
mod lock;
mod looks;
mod message;
mod progress;
mod repair;
mod resumption;
mod rollback;
mod set_back;
mod settle;
mod stepwise;
mod taking_away;
mod there;
mod touched;
mod transaction;
mod unreadable;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use refinery_core::{Migration as Refinery, Runner, Target};
use tokio::sync::watch;

use super::DriverError;
use super::blockers::{SOON, Watch};
use super::error::describe;
use super::inspect::{self, Marks};
use super::session::Session;
use crate::manifest::Endpoint;
use crate::migration::analysis::Brought;
use crate::migration::{Migration, Owned, Plan, Set};
use crate::snapshot::HISTORY_TABLE;
pub use baseline::baseline;
use books::Known;
pub(super) use cancel::or_cancel;
use footprint::Foreign;
use guarded::Guarded;
pub use lock::holder;
pub(super) use lock::raised;
use lock::{lock, unlock};
use looks::Looks;
pub use progress::misfit;
pub use repair::{Mend, MendState, NotProven, Prove, RepairOptions, Word, repair};
pub use resumption::{Resumptions, resumptions};
pub use rollback::{Loss, RollbackError, RollbackOptions, RolledBack, rollback};
pub use there::{There, there_already};
pub use unreadable::unreadable;

/// How long a server may take to end what an interrupted run has begun. After that the connection is closed.
const FAREWELL: Duration = Duration::from_secs(5);

/// How to apply.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The service whose database it is: written into the stamp.
    pub service: String,
    /// Where the session leads: for the second connection that looks who blocks, and for a session in which no library is loaded.
    pub endpoint: Endpoint,
    /// The application name of these connections.
    pub application: String,
    /// The newest version to apply; `None` applies everything.
    pub target: Option<i32>,
    /// How long to wait for another runner, and for locks that others hold on tables, before giving up.
    pub lock_timeout: Duration,
    /// The longest that one attempt waits for a table's lock, and makes others wait behind it. The first waits 500 ms, each one
    /// after it twice as long.
    pub lock_wait: Duration,
    /// How long one statement may run; `None` sets no limit.
    pub statement_timeout: Option<Duration>,
    /// Becomes true when the run is to end early.
    pub interrupt: watch::Receiver<bool>,
    /// Whether the database is dbctl's own and empty at first: what is there already is another file's work, and no row can be lost.
    pub throwaway: bool,
}

impl ApplyOptions {
    /// How a service's migrations are applied when nothing else is said.
    #[must_use]
    pub fn new(service: &str, endpoint: &Endpoint, interrupt: watch::Receiver<bool>) -> Self {
        Self {
            service: service.to_owned(),
            endpoint: endpoint.clone(),
            application: format!("dbctl migrate {service}"),
            target: None,
            lock_timeout: Duration::from_secs(60),
            lock_wait: Duration::from_secs(5),
            statement_timeout: None,
            interrupt,
            throwaway: false,
        }
    }
}

/// What happens during a run, told as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Another runner holds the lock.
    WaitingForRunner {
        /// Who it is, as `pg_stat_activity` shows it.
        holder: String,
    },
    /// A table is locked by somebody else, and the look at the database before the first migration waits for it.
    WaitingForLock {
        /// Who holds it.
        holder: String,
    },
    /// What was committed waits until the standbys have it that the server is told to wait for.
    WaitingForStandby {
        /// The setting that names them.
        standbys: String,
    },
    /// A table is locked by somebody else; the migration was rolled back and is tried again.
    Retrying {
        /// The migration.
        file: String,
        /// What the server said.
        reason: String,
    },
    /// A statement of a migration that runs statement by statement begins.
    Statement {
        /// The migration.
        file: String,
        /// The line on which the statement begins.
        line: usize,
        /// Which one it is, counted from 1.
        number: usize,
        /// How many the migration has.
        total: usize,
    },
    /// What a statement that was cut off has left is taken away.
    Mending {
        /// The migration.
        file: String,
        /// What it left.
        what: String,
    },
    /// A migration has left something that somebody has to know of: a constraint that is not validated.
    Noticed {
        /// The migration.
        file: String,
        /// What it left.
        what: String,
    },
    /// The connection broke at a COMMIT: whether the migration was committed is not known.
    Unsure {
        /// The migration.
        file: String,
    },
    /// A migration begins.
    Started {
        /// The migration.
        file: String,
    },
    /// A migration was committed.
    Applied {
        /// The migration.
        file: String,
        /// How long it took.
        took: Duration,
    },
}

/// Why a run ended early. What was applied before is applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The lock is held by another runner, or a table's lock was not to be had in time.
    #[error("{0}")]
    Locked(String),
    /// History and set do not fit, or the database changed hands since the preflight.
    #[error("{0}")]
    Refused(String),
    /// A migration failed and was rolled back.
    #[error("{0}")]
    Failed(String),
    /// The server went away, or refused what every run needs.
    #[error("{0}")]
    Unreachable(String),
    /// The run was interrupted; the running migration was rolled back.
    #[error("{0}")]
    Interrupted(String),
}

/// Applies what is pending of the set, under the runners' lock.
///
/// `check` is asked again under the lock, since another runner may have changed the database after the preflight; the sentence it
/// returns refuses the run. `owned` is asked for the relations that the service's set accounts for, when there are any in the database: a
/// migration that touches another one fails.
///
/// # Errors
/// See [`ApplyError`]; the first half of the pair tells what was committed before it.
pub async fn apply(
    session: &mut Session,
    set: &Set,
    options: &ApplyOptions,
    owned: &(dyn Fn() -> Owned + Sync),
    check: &(dyn Fn(&Marks) -> Option<String> + Sync),
    observer: &(dyn Fn(Event) + Sync),
) -> (Vec<(Migration, Duration)>, Result<(), ApplyError>) {
    if let Err(error) = lock(session, options.lock_timeout, &options.interrupt, observer).await {
        return (Vec::new(), Err(error));
    }
    let mut runner = match guarded(session, set, options, observer).await {
        Ok(runner) => runner,
        Err(error) => return (Vec::new(), Err(lost(&error))),
    };
    let result = Box::pin(run(&mut runner, set, owned, check)).await;
    let applied = std::mem::take(&mut runner.applied);
    let failure = runner.failure.take();
    runner.watch.close().await;
    let result = match (failure, result) {
        (Some(failure), _) => Err(failure),
        (None, result) => result,
    };
    // The end of the session frees the lock as well; doing it here frees it before the report is written. A session that was given
    // up may not answer any more.
    if !matches!(
        result,
        Err(ApplyError::Interrupted(_) | ApplyError::Unreachable(_))
    ) {
        let unlocked = unlock(session).await;
        if let (Ok(()), Err(error)) = (&result, unlocked) {
            return (applied, Err(lost(&error)));
        }
    }
    (applied, result)
}

/// The session with what a run has to know beforehand.
async fn guarded<'a>(
    session: &'a mut Session,
    set: &'a Set,
    options: &'a ApplyOptions,
    observer: &'a (dyn Fn(Event) + Sync),
) -> Result<Guarded<'a>, DriverError> {
    let (pid, leftovers) = futures::try_join!(pid(session), leftovers::leftovers(session))?;
    Ok(Guarded {
        session,
        options,
        observer,
        set,
        watch: Watch::new(&options.endpoint, &options.application, pid, SOON)
            .telling_standbys(observer),
        foreign: Foreign::default(),
        leftovers: Mutex::new(leftovers.into_iter().map(|leftover| leftover.oid).collect()),
        looks: Looks::default(),
        known: Known::default(),
        unfinished: Vec::new(),
        pending: VecDeque::new(),
        applied: Vec::new(),
        may_group: false,
        brought: Brought::default(),
        alone: 0,
        failure: None,
    })
}

/// The server process of a session.
async fn pid(session: &Session) -> Result<i32, DriverError> {
    let sql = "SELECT pg_backend_pid()";
    let row = session.client.query_typed_one(sql, &[]).await?;
    row.try_get(0)
}

async fn run(
    runner: &mut Guarded<'_>,
    set: &Set,
    owned: &(dyn Fn() -> Owned + Sync),
    check: &(dyn Fn(&Marks) -> Option<String> + Sync),
) -> Result<(), ApplyError> {
    let (marks, unfinished) = futures::try_join!(
        inspect::marks(runner.session),
        progress::read(runner.session)
    )
    .map_err(|error| lost(&error))?;
    if let Some(reason) = check(&marks) {
        return Err(ApplyError::Refused(reason));
    }
    runner.foreign = Foreign::read(runner.session, owned, &marks.history)
        .await
        .map_err(|error| lost(&error))?;
    // Nobody can be at work in a database that holds nothing.
    runner.may_group = runner.foreign.is_database_empty() && unfinished.is_empty();
    let plan = Plan::new(set, &marks.history);
    let target = runner.options.target;
    let versions: Vec<i32> = plan
        .pending
        .iter()
        .map(|migration| migration.version)
        .collect();
    if let Some(reason) = progress::stray(&unfinished, &versions, &runner.options.service) {
        return Err(ApplyError::Refused(reason));
    }
    runner.unfinished = unfinished;
    runner.pending = plan
        .pending
        .into_iter()
        .filter(|migration| target.is_none_or(|target| migration.version <= target))
        .collect();
    let migrations = set
        .migrations
        .iter()
        .map(|migration| Refinery::unapplied(migration.stem(), &migration.text()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| ApplyError::Refused(error.to_string()))?;
    let mut refinery = Runner::new(&migrations).set_target(
        runner
            .options
            .target
            .map_or(Target::Latest, Target::Version),
    );
    refinery.set_migration_table_name(history_table());
    // Then it hands over all of them at once.
    refinery = refinery.set_grouped(runner.may_group);
    match refinery.run_async(runner).await {
        Ok(_) => Ok(()),
        // The session keeps the error of the statement itself; this is what refinery found by its own look.
        Err(error) => Err(ApplyError::Refused(error.to_string())),
    }
}

fn lost(error: &tokio_postgres::Error) -> ApplyError {
    let what = match error.as_db_error() {
        Some(_) => "the database refused what dbctl asks it",
        None => "the database does not answer",
    };
    ApplyError::Unreachable(format!("{what}: {}", describe(error)))
}

/// The history table's name as refinery writes it into its statements.
fn history_table() -> String {
    let (schema, table) = HISTORY_TABLE;
    format!("{schema}.{table}")
}
