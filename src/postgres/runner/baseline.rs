//! Writing the history of a database that already has the schema: stamp, history table and rows in one transaction, no migration.

use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use refinery_core::{Migration as Refinery, Runner, Target};
use tokio_postgres::Error;

use super::super::blockers::{LATER, Watch};
use super::super::catalog;
use super::super::error::describe;
use super::super::inspect::is_lock_conflict;
use super::super::session::Session;
use super::cancel::or_cancel;
use super::failure::Failure;
use super::lock::{lock, unlock};
use super::{ApplyError, ApplyOptions, Event, books, history_table, lost};
use crate::migration::Set;
use crate::snapshot::Snapshot;

/// Records every migration of the set up to `version` without running any, under the runners' lock.
///
/// `check` judges the database once more, in the transaction that writes, when stamp and history table are there and locked; the
/// sentence that it returns refuses the run.
///
/// # Errors
/// See [`ApplyError`]. Nothing is written then, unless the connection broke at the COMMIT.
pub async fn baseline(
    session: &Session,
    set: &Set,
    version: i32,
    options: &ApplyOptions,
    check: &(dyn Fn(Snapshot) -> Option<String> + Sync),
    observer: &(dyn Fn(Event) + Sync),
) -> Result<(), ApplyError> {
    lock(session, options.lock_timeout, &options.interrupt, observer).await?;
    let watch = Watch::new(
        &options.endpoint,
        &options.application,
        session.pid(),
        LATER,
    )
    .telling_standbys(observer);
    let writing = watch.over(Box::pin(write(session, set, version, options, check)));
    let Some(written) = or_cancel(session, &options.interrupt, writing).await else {
        return Err(interrupted(
            "the server does not answer: dbctl status tells what became of it",
        ));
    };
    watch.close().await;
    if let Err(failure) = written {
        return Err(ended(session, options, failure).await);
    }
    unlock(session).await.map_err(|error| lost(&error))
}

/// Why nothing was written.
enum Stopped {
    /// A sentence of the check's.
    Refused(String),
    /// The server or somebody else stood in the way.
    Failure(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failure(Failure::own(error))
    }
}

async fn write(
    session: &Session,
    set: &Set,
    version: i32,
    options: &ApplyOptions,
    check: &(dyn Fn(Snapshot) -> Option<String> + Sync),
) -> Result<(), Stopped> {
    let client = &session.client;
    let patience = options.lock_timeout.as_millis().max(1);
    client
        .batch_execute(&format!(
            "BEGIN; SET LOCAL lock_timeout = {patience}; SET LOCAL search_path = pg_catalog, pg_temp"
        ))
        .await?;
    let open = books::open(Some((&options.service, &set.name))).join(";");
    client.batch_execute(&open).await?;
    let history = client.query_typed_one(books::HISTORY, &[]).await?;
    books::Known::default().compare(history.try_get(0)?)?;
    // From here on no other tool can write the history.
    let snapshot = catalog::read(client, None).await?;
    if let Some(reason) = check(snapshot) {
        return Err(Stopped::Refused(reason));
    }
    record(session, set, version).await?;
    let recorded = set.migrations.iter();
    let recorded = recorded.filter(|migration| migration.version <= version);
    let (mut versions, mut written) = (Vec::new(), Vec::new());
    for migration in recorded {
        let checksum = migration.checksum.to_string();
        versions.push(migration.version.to_string());
        written.push(books::kept(
            migration.version.into(),
            &migration.name,
            &checksum,
        ));
    }
    if !versions.is_empty() {
        let asked = books::keeps(&versions.join(", "));
        let kept: String = client.query_typed_one(&asked, &[]).await?.try_get("kept")?;
        if let Some(reason) = books::not_kept(&written.join(","), Some(&kept)) {
            return Err(Stopped::Refused(reason));
        }
    }
    books::still_locked(session).await?;
    client.batch_execute("COMMIT").await?;
    Ok(())
}

/// Lets refinery itself write the rows: its own fake run.
async fn record(session: &Session, set: &Set, version: i32) -> Result<(), Stopped> {
    let migrations = set
        .migrations
        .iter()
        .map(|migration| Refinery::unapplied(migration.stem(), &migration.text()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Stopped::Refused(error.to_string()))?;
    let mut runner = Runner::new(&migrations).set_target(Target::FakeVersion(version));
    runner.set_migration_table_name(history_table());
    let mut recorder = Recorder {
        session,
        failure: None,
    };
    let recorded = runner.run_async(&mut recorder).await;
    match (recorder.failure, recorded) {
        (Some(error), _) => Err(error.into()),
        (None, Err(error)) => Err(Stopped::Refused(error.to_string())),
        (None, Ok(_)) => Ok(()),
    }
}

/// The session as refinery sees it: a history that is empty, and statements that are run as they come.
struct Recorder<'a> {
    session: &'a Session,
    /// The first failure: refinery would wrap it until its cause is out of reach.
    failure: Option<Error>,
}

/// The error that refinery passes through; the cause is kept beside it.
#[derive(Debug, thiserror::Error)]
#[error("the history was not written")]
struct NotWritten;

impl AsyncTransaction for Recorder<'_> {
    type Error = NotWritten;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, NotWritten> {
        let mut count = 0;
        for query in queries.filter(|query| !query.is_empty()) {
            if let Err(error) = self.session.client.batch_execute(query).await {
                self.failure = Some(error);
                return Err(NotWritten);
            }
            count += 1;
        }
        Ok(count)
    }
}

impl AsyncQuery<Vec<Refinery>> for Recorder<'_> {
    async fn query<'a>(&'a mut self, _query: &'a str) -> Result<Vec<Refinery>, NotWritten> {
        // It was found empty when it was locked.
        Ok(Vec::new())
    }
}

impl AsyncMigrate for Recorder<'_> {
    fn assert_migrations_table_query(_migration_table_name: &str) -> String {
        String::new()
    }
}

/// Rolls back and says why.
async fn ended(session: &Session, options: &ApplyOptions, stopped: Stopped) -> ApplyError {
    let rolled_back = session.client.batch_execute("ROLLBACK").await;
    if let Err(error) = rolled_back {
        return match stopped {
            Stopped::Failure(Failure::Driver { error, .. }) => lost(&error),
            _ => lost(&error),
        };
    }
    match stopped {
        Stopped::Refused(reason)
        | Stopped::Failure(Failure::Unfit { reason, .. } | Failure::Disturbed(reason)) => {
            ApplyError::Refused(reason)
        }
        Stopped::Failure(Failure::Driver { error, .. }) => {
            if *options.interrupt.borrow() {
                interrupted("nothing was written")
            } else if is_lock_conflict(&error) {
                ApplyError::Locked(format!(
                    "{}: somebody else writes there; nothing was written: try again later, or raise --lock-timeout",
                    describe(&error)
                ))
            } else {
                ApplyError::Unreachable(format!("{}; nothing was written", describe(&error)))
            }
        }
    }
}

fn interrupted(state: &str) -> ApplyError {
    ApplyError::Interrupted(format!("interrupted; {state}"))
}
