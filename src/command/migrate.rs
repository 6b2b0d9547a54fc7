//! `dbctl migrate`: looks at every target before any is changed, then applies side by side.

use std::time::{Duration, Instant};

use futures::StreamExt as _;

use super::guard::refused_by_marks;
use super::{Interrupt, Loaded, LoadedService};
use crate::manifest::{Endpoint, Store, Target};
use crate::migration::guard;
use crate::migration::{Migration, Plan, Set};
use crate::postgres::inspect::{self, Marks};
use crate::postgres::{
    ApplyError, ApplyOptions, DriverError, Event, Purpose, Session, apply, connect, describe,
    snapshot,
};
use crate::report::migrate::{Applied, Outcome, Pending, Report, ServiceRun};

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Print the plan and change nothing.
    pub dry_run: bool,
    /// The newest version to apply.
    pub target: Option<i32>,
    /// How many services are migrated at once.
    pub jobs: usize,
    /// How long to wait for another runner and for locked tables.
    pub lock_timeout: Duration,
    /// How long one statement may run.
    pub statement_timeout: Option<Duration>,
}

/// Applies the chosen services' sets.
pub async fn run(
    loaded: &Loaded<'_>,
    options: &Options,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
) -> Report {
    let started = Instant::now();
    let jobs = options.jobs.max(1);
    let looked: Vec<Look<'_>> = futures::stream::iter(loaded.chosen())
        .map(|service| preflight(loaded, service, options, interrupt))
        .buffered(jobs)
        .collect()
        .await;
    let services = futures::stream::iter(looked)
        .map(|look| async move {
            match look {
                Look::Ended(run) => run,
                Look::Ready(ready) => migrate(loaded, ready, options, observer, interrupt).await,
            }
        })
        .buffered(jobs)
        .collect()
        .await;
    Report {
        dry_run: options.dry_run,
        services,
        took: started.elapsed(),
    }
}

/// What the preflight of one service came to.
enum Look<'a> {
    /// There is nothing more to do for it.
    Ended(ServiceRun),
    /// It can be migrated.
    Ready(Ready<'a>),
}

struct Ready<'a> {
    service: &'a LoadedService<'a>,
    set: &'a Set,
    endpoint: &'a Endpoint,
    run: ServiceRun,
}

fn blank(loaded: &LoadedService<'_>) -> ServiceRun {
    let service = loaded.service;
    ServiceRun {
        name: service.name.clone(),
        store: service.store.as_str(),
        database: service.database_name().to_owned(),
        address: service.endpoint().map(Endpoint::address),
        outcome: Outcome::UpToDate,
        applied: Vec::new(),
        pending: Vec::new(),
        total: None,
        error: None,
        took: Duration::ZERO,
    }
}

fn ended(mut run: ServiceRun, outcome: Outcome, error: impl Into<Option<String>>) -> ServiceRun {
    run.outcome = outcome;
    run.error = error.into();
    run
}

async fn preflight<'a>(
    loaded: &'a Loaded<'a>,
    service: &'a LoadedService<'a>,
    options: &Options,
    interrupt: &Interrupt,
) -> Look<'a> {
    let started = Instant::now();
    let run = blank(service);
    let end = |mut run: ServiceRun, outcome, error: Option<String>| {
        run.took = started.elapsed();
        Look::Ended(ended(run, outcome, error))
    };
    let endpoint = match &service.service.target {
        Target::Files => return end(run, Outcome::NoDatabase, None),
        Target::NotConfigured { .. } => return end(run, Outcome::NotConfigured, None),
        Target::Database(endpoint) => &endpoint.value,
    };
    if !service.is_migrated() {
        return end(run, Outcome::Managed, None);
    }
    let set = match &service.set {
        Some(Ok(set)) => set,
        Some(Err(error)) => return end(run, Outcome::BadSet, Some(error.to_string())),
        None => {
            return end(
                run,
                Outcome::BadSet,
                Some("it has no migration set".to_owned()),
            );
        }
    };
    let look = look_patiently(loaded, service, set, endpoint, options.lock_timeout);
    let plan = tokio::select! {
        looked = look => looked,
        () = interrupt.wait() => return end(run, Outcome::Interrupted, Some("interrupted before anything was changed".to_owned())),
    };
    let plan = match plan {
        Ok(plan) => plan,
        Err((outcome, error)) => return end(run, outcome, Some(error)),
    };
    let mut run = run;
    run.total = Some(plan.applied.len());
    run.pending = plan.pending.iter().map(pending).collect();
    if !plan
        .pending
        .iter()
        .any(|migration| wanted(migration.version, options.target))
    {
        return end(run, Outcome::UpToDate, None);
    }
    if options.dry_run {
        run.pending
            .retain(|pending| wanted(pending.version, options.target));
        return end(run, Outcome::Planned, None);
    }
    run.took = started.elapsed();
    Look::Ready(Ready {
        service,
        set,
        endpoint,
        run,
    })
}

fn wanted(version: i32, target: Option<i32>) -> bool {
    target.is_none_or(|target| version <= target)
}

fn pending(migration: &Migration) -> Pending {
    Pending {
        version: migration.version,
        name: migration.name.clone(),
        sql: migration.sql.clone(),
    }
}

/// As [`look`], again and again while somebody holds a lock that even a reader of the catalog waits for.
async fn look_patiently(
    loaded: &Loaded<'_>,
    service: &LoadedService<'_>,
    set: &Set,
    endpoint: &Endpoint,
    limit: Duration,
) -> Result<Plan, (Outcome, String)> {
    let started = Instant::now();
    loop {
        match look(loaded, service, set, endpoint).await {
            Err((Outcome::Locked, _)) if started.elapsed() < limit => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => return other,
        }
    }
}

/// Looks at one target in a read-only session: whose it is, what is applied, whether it can be migrated.
async fn look(
    loaded: &Loaded<'_>,
    service: &LoadedService<'_>,
    set: &Set,
    endpoint: &Endpoint,
) -> Result<Plan, (Outcome, String)> {
    let name = &service.service.name;
    let unreadable = |error: DriverError| {
        if inspect::is_lock_conflict(&error) {
            let advice =
                "nothing was changed: try again when the table is free, or raise --lock-timeout";
            return (
                Outcome::Locked,
                format!("{}: {}; {advice}", endpoint.display(), describe(&error)),
            );
        }
        (
            Outcome::Unreachable,
            format!("{}: {}", endpoint.display(), describe(&error)),
        )
    };
    let session = connect(endpoint, Purpose::Read, &format!("dbctl migrate {name}"))
        .await
        .map_err(|error| (Outcome::Unreachable, error.message))?;
    let looked = inspected(loaded, service, set, endpoint, &session).await;
    session.close().await;
    looked
        .map_err(unreadable)?
        .map_err(|(outcome, reason)| match outcome {
            Outcome::Refused => (outcome, format!("{reason}; nothing was changed")),
            _ => (outcome, reason),
        })
}

/// The part of [`look`] that talks to the server: the plan, or why there is none.
async fn inspected(
    loaded: &Loaded<'_>,
    service: &LoadedService<'_>,
    set: &Set,
    endpoint: &Endpoint,
    session: &Session,
) -> Result<Result<Plan, (Outcome, String)>, DriverError> {
    let own = service.party();
    let others = loaded.others(&service.service.name);
    let marks = match inspect::marks(session).await {
        Ok(marks) => marks,
        Err(error) => {
            let reason = inspect::unreadable(endpoint, &error);
            return Ok(Err((Outcome::Unreachable, reason)));
        }
    };
    if let Some(reason) = refused_by_marks(own, &others, &marks) {
        return Ok(Err((Outcome::Refused, reason)));
    }
    let plan = Plan::new(set, &marks.history);
    if plan.pending.is_empty() {
        return Ok(Ok(plan));
    }
    let snapshot = snapshot(session, None).await?;
    if let Some(reason) = guard::refusal(own, &others, &snapshot) {
        return Ok(Err((Outcome::Refused, reason)));
    }
    Ok(match unable(session, service, endpoint).await? {
        Some(reason) => Err((Outcome::Unreachable, reason)),
        None => Ok(plan),
    })
}

/// Why the server or the role cannot take a migration, if so.
async fn unable(
    session: &Session,
    service: &LoadedService<'_>,
    endpoint: &Endpoint,
) -> Result<Option<String>, DriverError> {
    let abilities = inspect::abilities(session).await?;
    let shown = endpoint.display();
    if abilities.standby {
        return Ok(Some(format!(
            "{shown}: the server is a standby, which takes no writes: give the URL of its primary"
        )));
    }
    if !abilities.may_create {
        return Ok(Some(format!(
            "{shown}: role {} may not create schemas in database {}: run dbctl provision, or make the role its owner",
            endpoint.user,
            service.service.database_name()
        )));
    }
    if abilities.read_only {
        return Ok(Some(format!(
            "{shown}: every transaction of role {} in this database starts read-only (default_transaction_read_only is on): \
             somebody froze it; ALTER DATABASE or ALTER ROLE … RESET default_transaction_read_only ends that",
            endpoint.user
        )));
    }
    if service.service.store == Store::TimescaleDb {
        return Ok(
            inspect::timescaledb_problem(abilities).map(|problem| format!("{shown}: {problem}"))
        );
    }
    Ok(None)
}

async fn migrate(
    loaded: &Loaded<'_>,
    ready: Ready<'_>,
    options: &Options,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
) -> ServiceRun {
    let started = Instant::now();
    let Ready {
        service,
        set,
        endpoint,
        mut run,
    } = ready;
    let name = &service.service.name;
    if interrupt.raised() {
        return ended(
            run,
            Outcome::Interrupted,
            "interrupted before anything was changed".to_owned(),
        );
    }
    let application = format!("dbctl migrate {name}");
    let connecting = tokio::select! {
        connecting = connect(endpoint, Purpose::Write, &application) => connecting,
        () = interrupt.wait() => return ended(run, Outcome::Interrupted, "interrupted before anything was changed".to_owned()),
    };
    let mut session = match connecting {
        Ok(session) => session,
        Err(error) => return ended(run, Outcome::Unreachable, error.message),
    };
    let apply_options = ApplyOptions {
        service: name.clone(),
        target: options.target,
        lock_timeout: options.lock_timeout,
        statement_timeout: options.statement_timeout,
        interrupt: interrupt.receiver(),
    };
    let own = service.party();
    let others = loaded.others(name);
    let check = |marks: &Marks| refused_by_marks(own, &others, marks);
    let observe = |event| observer(name, event);
    let (applied, result) = apply(&mut session, set, &apply_options, &check, &observe).await;
    session.close().await;
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
    run.took += started.elapsed();
    match result {
        Ok(()) => {
            // What was wanted and is left was done by another runner between the preflight and the lock.
            let before = run.pending.len();
            run.pending
                .retain(|pending| !wanted(pending.version, options.target));
            run.total = run.total.map(|total| total + before - run.pending.len());
            let outcome = if run.applied.is_empty() {
                Outcome::UpToDate
            } else {
                Outcome::Migrated
            };
            ended(run, outcome, None)
        }
        Err(error) => {
            let outcome = match error {
                ApplyError::Locked(_) => Outcome::Locked,
                ApplyError::Refused(_) => Outcome::Refused,
                ApplyError::Failed(_) => Outcome::Failed,
                ApplyError::Unreachable(_) => Outcome::Unreachable,
                ApplyError::Interrupted(_) => Outcome::Interrupted,
            };
            ended(run, outcome, error.to_string())
        }
    }
}
