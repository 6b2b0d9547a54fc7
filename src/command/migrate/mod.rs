//! `dbctl migrate`: looks at every target before any is changed, then applies side by side.

mod ahead;
mod apply;
#[cfg(feature = "cli")]
mod initialisation;
mod limits;
mod plan;
mod preflight;
mod room;
mod task;
mod workers;

use std::time::{Duration, Instant};

use futures::future::join_all;

use super::{Interrupt, Loaded, LoadedService};
use crate::manifest::Endpoint;
use crate::migration::{Applied, Set};
use crate::postgres::capacity::Workers;
use crate::postgres::{Connecting, Event};
use crate::report::migrate::{Outcome, Report, ServiceRun};
pub use ahead::Ahead;
use apply::{FirstFailure, migrate};
use limits::Limits;
use task::{blank, ended};
use workers::{Claim, share};

pub(crate) use apply::{Settings, open, run as apply_pending};
pub(crate) use preflight::preflight;
pub(crate) use task::Task;

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Print the plan and change nothing.
    pub dry_run: bool,
    /// The newest version to apply.
    pub target: Option<i32>,
    /// Change nothing when a preflight fails, and begin nothing after a failure.
    pub fail_fast: bool,
    /// How many services are worked on at once.
    pub jobs: usize,
    /// How many of them on one server, host and port as the endpoint names it.
    pub jobs_per_server: usize,
    /// How long to wait for another runner and for locked tables.
    pub lock_timeout: Duration,
    /// The longest that one attempt waits for a table's lock, and makes others wait behind it.
    pub lock_wait: Duration,
    /// How long to wait for a server that does not answer yet.
    pub wait: Duration,
    /// How long one statement may run.
    pub statement_timeout: Option<Duration>,
}

/// What an interrupted run has to say about a service that it has not begun.
const INTERRUPTED: &str = "interrupted before anything was changed";

/// Applies the chosen services' sets over the sessions that were begun ahead or over its own. No database is changed before all of them were looked at.
pub async fn run(
    loaded: &Loaded<'_>,
    options: &Options,
    mut ahead: Ahead,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
) -> Report {
    let started = Instant::now();
    let servers = loaded
        .chosen()
        .filter_map(|service| service.service.endpoint().map(Endpoint::address));
    let limits = Limits::new(options.jobs, options.jobs_per_server, servers);
    let looks = loaded.chosen().map(|service| {
        let ahead = ahead.take(&service.service.name);
        look(
            loaded, service, options, ahead, &limits, observer, interrupt,
        )
    });
    let looks = join_all(looks).await;
    let looks = judged_together(looks, options);
    let failed = FirstFailure::new();
    let services = looks.into_iter().map(|look| async {
        match look {
            Look::Ended(run) => *run,
            Look::Ready(ready) => {
                let _turn = limits.turn(&ready.server).await;
                migrate(*ready, options, &failed, observer, interrupt).await
            }
        }
    });
    Report {
        dry_run: options.dry_run,
        services: join_all(services).await,
        took: started.elapsed(),
    }
}

/// What the preflight of one service came to.
enum Look<'a> {
    /// There is nothing more to do for it.
    Ended(Box<ServiceRun>),
    /// It can be migrated.
    Ready(Box<Ready<'a>>),
}

/// A service that can be migrated.
struct Ready<'a> {
    task: Task<'a>,
    run: ServiceRun,
    /// Its server, host and port as the endpoint names it.
    server: String,
    /// TimescaleDB's workers there, where the service needs one.
    workers: Option<Workers>,
}

async fn look<'a>(
    loaded: &'a Loaded<'a>,
    service: &'a LoadedService<'a>,
    options: &Options,
    ahead: Option<Connecting>,
    limits: &Limits,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
) -> Look<'a> {
    let mut run = blank(service);
    let task = match Task::new(loaded, service, options.wait, options.dry_run) {
        Ok(task) => task,
        Err((outcome, reason)) => return Look::Ended(Box::new(ended(run, outcome, reason))),
    };
    // Before a turn is taken: who waits for the RGB library must not hold up other services.
    #[cfg(feature = "cli")]
    if let Err((outcome, reason)) =
        initialisation::done(service.service, options.wait, interrupt).await
    {
        return Look::Ended(Box::new(ended(run, outcome, reason)));
    }
    let server = task.endpoint.address();
    let _turn = limits.turn(&server).await;
    let started = Instant::now();
    let observe = |event| observer(&service.service.name, event);
    let looked = tokio::select! {
        looked = preflight(&task, options.target, options.lock_timeout, ahead, &observe) => looked,
        () = interrupt.wait() => Err((Outcome::Interrupted, INTERRUPTED.to_owned())),
    };
    run.took = started.elapsed();
    let cleared = match looked {
        Ok(cleared) => cleared,
        Err((outcome, reason)) => return Look::Ended(Box::new(ended(run, outcome, reason))),
    };
    run.total = Some(cleared.plan.applied.len());
    run.pending = cleared
        .plan
        .pending
        .iter()
        .map(|migration| {
            let unfinished = cleared.unfinished.iter();
            let begun = unfinished.filter(|one| one.version == migration.version);
            let ran = begun
                .map(|one| usize::try_from(one.done).unwrap_or(0))
                .sum();
            plan::pending(migration, ran, options.dry_run, &cleared.seen)
        })
        .collect();
    let is_wanted = |run: &ServiceRun| {
        let mut versions = run.pending.iter().map(|pending| pending.version);
        versions.any(|version| wanted(version, options.target))
    };
    run.notes.extend(task.role().1);
    run.notes.extend(deeper(task.set));
    if let Some(note) = above_target(&run, cleared.plan.applied.last(), options.target) {
        run.notes.push(note);
    }
    let begun = cleared.unfinished.iter().map(|one| one.version);
    let left = begun.filter(|version| !wanted(*version, options.target));
    run.notes.extend(left.map(|version| {
        format!(
            "V{version} is begun and not finished; it is above the --target, and stays so until dbctl migrate --service {} goes on with it",
            run.name
        )
    }));
    if !is_wanted(&run) {
        return Look::Ended(Box::new(ended(run, Outcome::UpToDate, None)));
    }
    let workers = cleared.capacity.and_then(|capacity| capacity.workers);
    Look::Ready(Box::new(Ready {
        workers: workers.filter(|_| task.timescaledb),
        task,
        run,
        server,
    }))
}

/// What there is to say where the database is beyond the wanted version already: migrate goes up alone.
fn above_target(run: &ServiceRun, newest: Option<&Applied>, target: Option<i32>) -> Option<String> {
    let (newest, target) = (newest?.version, target?);
    (newest > i64::from(target)).then(|| {
        format!(
            "it is at version {newest}, above --target {target}, and stays there; dbctl rollback --service {} --target {target} takes it down",
            run.name
        )
    })
}

/// What is said of files that plain refinery would apply and dbctl does not read.
fn deeper(set: &Set) -> Option<String> {
    let (first, more) = set.deeper.split_first()?;
    let more = match more.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "{first}{more} in the set's folder is no part of the set, and refinery would apply it: move it up, or out of the folder"
    ))
}

fn wanted(version: i32, target: Option<i32>) -> bool {
    target.is_none_or(|target| version <= target)
}

/// What only all looks together can tell: what is left for each, whether one failure stops all, and whether this was only a plan.
fn judged_together<'a>(looks: Vec<Look<'a>>, options: &Options) -> Vec<Look<'a>> {
    let looks = with_workers(looks);
    if options.dry_run {
        return ended_each(looks, |mut run| {
            run.pending
                .retain(|pending| wanted(pending.version, options.target));
            match stopped_ahead(&run) {
                Some(reason) => ended(run, Outcome::Failed, reason),
                None => ended(run, Outcome::Planned, None),
            }
        });
    }
    let failed = looks.iter().find_map(|look| match look {
        Look::Ended(run) if run.error.is_some() => Some(run.name.clone()),
        _ => None,
    });
    match failed.filter(|_| options.fail_fast) {
        None => looks,
        Some(first) => ended_each(looks, |run| {
            let reason = format!(
                "not started: the preflight of {first} failed, and --fail-fast changes nothing then"
            );
            ended(run, Outcome::NotStarted, reason)
        }),
    }
}

/// Where the run of this plan would stop for the operator's word, if it would.
fn stopped_ahead(run: &ServiceRun) -> Option<String> {
    let mut pending = run.pending.iter();
    pending.find_map(|pending| {
        let statement = pending.statements.iter().find(|one| one.stops)?;
        Some(format!(
            "V{}, line {}: the run would stop here, for the catalog does not tell whether this statement ran in an earlier one: \
             run dbctl repair --service {} first",
            pending.version, statement.line, run.name
        ))
    })
}

fn ended_each(looks: Vec<Look<'_>>, end: impl Fn(ServiceRun) -> ServiceRun) -> Vec<Look<'_>> {
    looks
        .into_iter()
        .map(|look| match look {
            Look::Ready(ready) => Look::Ended(Box::new(end(ready.run))),
            ended => ended,
        })
        .collect()
}

/// Ends those for which their server has no background worker left.
fn with_workers(looks: Vec<Look<'_>>) -> Vec<Look<'_>> {
    let claims: Vec<Claim<'_>> = looks
        .iter()
        .filter_map(|look| match look {
            Look::Ready(ready) => Some(Claim {
                service: &ready.run.name,
                server: &ready.server,
                workers: ready.workers,
            }),
            Look::Ended(_) => None,
        })
        .collect();
    let mut reasons = share(&claims).into_iter();
    looks
        .into_iter()
        .map(|look| match look {
            Look::Ended(run) => Look::Ended(run),
            Look::Ready(ready) => match reasons.next().flatten() {
                None => Look::Ready(ready),
                Some(reason) => {
                    let place = ready.task.endpoint.display();
                    let reason = format!("{place}: {reason}");
                    Look::Ended(Box::new(ended(ready.run, Outcome::Unreachable, reason)))
                }
            },
        })
        .collect()
}
