//! Applying: one session that writes, and the runner.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::preflight::Refusal;
use super::task::{Task, ended};
use super::{Options, Ready, wanted};
use crate::command::Interrupt;
use crate::migration::{Migration, Owned};
use crate::postgres::inspect::Marks;
use crate::postgres::{
    ApplyError, ApplyOptions, Event, Purpose, Session, apply, connect_patiently, unfinished,
};
use crate::report::migrate::{Applied, Outcome, ServiceRun};

/// How to apply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// The newest version to apply.
    pub(crate) target: Option<i32>,
    /// How long to wait for another runner and for locked tables.
    pub(crate) lock_timeout: Duration,
    /// The longest that one attempt waits for a table's lock.
    pub(crate) lock_wait: Duration,
    /// How long one statement may run.
    pub(crate) statement_timeout: Option<Duration>,
}

/// Opens the session that the migrations run in.
///
/// # Errors
/// The reason why there is none.
pub(crate) async fn open(task: &Task<'_>) -> Result<Session, Refusal> {
    connect_patiently(
        task.endpoint,
        Purpose::Write,
        &task.application(),
        task.wait,
    )
    .await
    .map_err(|error| task.unreachable(error))
}

/// Applies what is pending. What was committed is in the first half, however it ended.
pub(crate) async fn run(
    session: &mut Session,
    task: &Task<'_>,
    settings: Settings,
    interrupt: &Interrupt,
    observer: &(dyn Fn(Event) + Sync),
) -> (Vec<(Migration, Duration)>, Result<(), Refusal>) {
    let options = ApplyOptions {
        application: task.application(),
        target: settings.target,
        lock_timeout: settings.lock_timeout,
        lock_wait: settings.lock_wait,
        statement_timeout: settings.statement_timeout,
        ..ApplyOptions::new(task.own.service, task.endpoint, interrupt.receiver())
    };
    let check = |marks: &Marks| task.refused_by_marks(marks);
    let owned = || Owned::new(task.own, &task.others);
    let (applied, result) = apply(session, task.set, &options, &owned, &check, observer).await;
    (
        applied,
        result.map_err(|error| (class(&error), error.to_string())),
    )
}

const fn class(error: &ApplyError) -> Outcome {
    match error {
        ApplyError::Locked(_) => Outcome::Locked,
        ApplyError::Refused(_) => Outcome::Refused,
        ApplyError::Failed(_) => Outcome::Failed,
        ApplyError::Unreachable(_) => Outcome::Unreachable,
        ApplyError::Interrupted(_) => Outcome::Interrupted,
    }
}

/// What is to be said of a service's run afterwards.
#[derive(Default)]
struct Seen {
    notes: Mutex<Vec<String>>,
    /// Whether the migration that is under way runs outside a transaction: of it something may stay.
    stepped: AtomicBool,
    /// Whether the connection broke at a COMMIT.
    unsure: AtomicBool,
}

impl Seen {
    fn note(&self, event: &Event) {
        match event {
            // One that is finished leaves nothing to go on with, whatever ends the run between two.
            Event::Started { .. } | Event::Applied { .. } => {
                self.stepped.store(false, Ordering::Relaxed);
            }
            Event::Statement { .. } | Event::Mending { .. } => {
                self.stepped.store(true, Ordering::Relaxed);
            }
            Event::Unsure { .. } => self.unsure.store(true, Ordering::Relaxed),
            Event::Noticed { file, what } => {
                let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
                notes.push(format!("{file}: {what}"));
            }
            _ => {}
        }
    }
}

/// How long the server is asked for what stays of a migration.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the books hold statements of a migration that has failed. Where nobody can tell, some may have run.
async fn stays(session: &Session) -> bool {
    let versions = tokio::time::timeout(PATIENCE, unfinished::versions(session)).await;
    !matches!(versions, Ok(Ok(Some(versions))) if versions.is_empty())
}

/// The first service of a run that failed. With `--fail-fast` nobody begins anything once it is known.
pub(super) type FirstFailure = OnceLock<String>;

/// Migrates one service that the preflight has cleared.
pub(super) async fn migrate(
    ready: Ready<'_>,
    options: &Options,
    failed: &FirstFailure,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
) -> ServiceRun {
    let started = Instant::now();
    let Ready { task, mut run, .. } = ready;
    if interrupt.raised() {
        return ended(run, Outcome::Interrupted, super::INTERRUPTED.to_owned());
    }
    if let Some(first) = stopped_by(options, failed) {
        let reason =
            format!("not started: {first} failed, and --fail-fast begins nothing after a failure");
        return ended(run, Outcome::NotStarted, reason);
    }
    let seen = Seen::default();
    let name = task.own.service.to_owned();
    let observe = |event| {
        seen.note(&event);
        observer(&name, event);
    };
    let opened = tokio::select! {
        opened = open(&task) => opened,
        () = interrupt.wait() => Err((Outcome::Interrupted, super::INTERRUPTED.to_owned())),
    };
    let (applied, result) = match opened {
        Ok(mut session) => {
            let done = steps(
                &mut session,
                &task,
                &run,
                options,
                failed,
                &observe,
                interrupt,
            )
            .await;
            if done.1.is_err() && seen.stepped.load(Ordering::Relaxed) {
                let stays = stays(&session).await;
                seen.stepped.store(stays, Ordering::Relaxed);
            }
            session.close().await;
            done
        }
        Err(refusal) => (Vec::new(), Err(refusal)),
    };
    let Seen {
        notes,
        stepped,
        unsure,
    } = seen;
    run.unsure = unsure.load(Ordering::Relaxed);
    run.notes
        .extend(notes.into_inner().unwrap_or_else(PoisonError::into_inner));
    run.unfinished = result.is_err() && stepped.load(Ordering::Relaxed);
    record(&mut run, applied);
    run.took += started.elapsed();
    match result {
        Ok(()) => completed(run, options.target),
        Err((outcome, reason)) => {
            if !matches!(outcome, Outcome::Stopped) {
                // A second failure is not the first; which of two at once is told does not matter.
                let _ = failed.set(run.name.clone());
            }
            ended(run, outcome, reason)
        }
    }
}

fn stopped_by<'a>(options: &Options, failed: &'a FirstFailure) -> Option<&'a String> {
    failed.get().filter(|_| options.fail_fast)
}

/// Applies everything in one go; with `--fail-fast` one migration after the other, with a look around before each.
async fn steps(
    session: &mut Session,
    task: &Task<'_>,
    run: &ServiceRun,
    options: &Options,
    failed: &FirstFailure,
    observe: &(dyn Fn(Event) + Sync),
    interrupt: &Interrupt,
) -> (Vec<(Migration, Duration)>, Result<(), Refusal>) {
    let targets: Vec<Option<i32>> = if options.fail_fast {
        let versions = run.pending.iter().map(|pending| pending.version);
        versions
            .filter(|version| wanted(*version, options.target))
            .map(Some)
            .collect()
    } else {
        vec![options.target]
    };
    let mut applied = Vec::new();
    for target in targets {
        if let Some(first) = stopped_by(options, failed) {
            let reason = format!(
                "stopped between two migrations: {first} failed, and --fail-fast begins nothing after a failure"
            );
            return (applied, Err((Outcome::Stopped, reason)));
        }
        let settings = Settings {
            target,
            lock_timeout: options.lock_timeout,
            lock_wait: options.lock_wait,
            statement_timeout: options.statement_timeout,
        };
        let (done, result) = self::run(session, task, settings, interrupt, observe).await;
        applied.extend(done);
        if result.is_err() {
            return (applied, result);
        }
    }
    (applied, Ok(()))
}

/// Moves what was applied from what is pending.
fn record(run: &mut ServiceRun, applied: Vec<(Migration, Duration)>) {
    run.pending.retain(|pending| {
        !applied
            .iter()
            .any(|(done, _)| done.version == pending.version)
    });
    run.total = run.total.map(|total| total + applied.len());
    run.applied = applied
        .into_iter()
        .map(|(migration, took)| Applied {
            version: migration.version,
            name: migration.name,
            took,
        })
        .collect();
}

fn completed(mut run: ServiceRun, target: Option<i32>) -> ServiceRun {
    // What was wanted and is left was done by another runner between the preflight and the lock.
    let before = run.pending.len();
    run.pending
        .retain(|pending| !wanted(pending.version, target));
    run.total = run.total.map(|total| total + before - run.pending.len());
    let outcome = if run.applied.is_empty() {
        Outcome::UpToDate
    } else {
        Outcome::Migrated
    };
    ended(run, outcome, None)
}
