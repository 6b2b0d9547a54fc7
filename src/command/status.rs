//! `dbctl status`: what is applied and pending everywhere, from read-only sessions.

use futures::future::join_all;

use super::entrance::{contradicts_role, not_entered};
use super::{Loaded, LoadedService};
use crate::manifest::{Endpoint, Target};
use crate::migration::other_tools::recognise;
use crate::migration::{Plan, analyse, guard};
use crate::postgres::inspect::Marks;
use crate::postgres::unfinished::unfinished;
use crate::postgres::{
    DriverError, Looking, Purpose, Session, connect, holder, inspect, misfit, snapshot,
};
use crate::report::status::{
    Applied, OtherHistory, Pending, Report, ServiceStatus, State, Unfinished,
};
use crate::snapshot::{HistoryRow, Snapshot};

/// Looks at the chosen services, all at once.
pub async fn run(loaded: &Loaded<'_>) -> Report {
    let services = join_all(loaded.chosen().map(|service| look(loaded, service))).await;
    Report { services }
}

async fn look(loaded: &Loaded<'_>, loaded_service: &LoadedService<'_>) -> ServiceStatus {
    let service = loaded_service.service;
    let mut status = ServiceStatus {
        name: service.name.clone(),
        store: service.store.as_str(),
        database: service.database_name().to_owned(),
        address: service.endpoint().map(Endpoint::address),
        server_version: None,
        state: State::UpToDate,
        recorded: None,
        newest: None,
        ahead: false,
        applied: Vec::new(),
        pending: Vec::new(),
        unfinished: None,
        runner: None,
        wrong_role: None,
        other_histories: Vec::new(),
        divergent: Vec::new(),
        error: None,
    };
    match &service.target {
        Target::Files => status.state = State::NoDatabase,
        Target::NotConfigured { .. } => status.state = State::NotConfigured,
        Target::Database(endpoint) => {
            match read(loaded, loaded_service, &endpoint.value, &mut status).await {
                Ok(state) => status.state = state,
                Err((state, error)) => {
                    // Whose they are is not known, so nothing is said of adopting them.
                    status.other_histories.clear();
                    status.state = state;
                    status.error = Some(error);
                }
            }
        }
    }
    status
}

async fn read(
    loaded: &Loaded<'_>,
    service: &LoadedService<'_>,
    endpoint: &Endpoint,
    status: &mut ServiceStatus,
) -> Result<State, (State, String)> {
    let name = &service.service.name;
    let application = format!("dbctl status {name}");
    let others = loaded.others(name);
    let shared = loaded.manifest.shared_database(service.service);
    let session = connect(endpoint, Purpose::Read, &application)
        .await
        .map_err(|error| {
            let reason = not_entered(service.party(), &others, endpoint, shared.clone(), error);
            (State::Unreachable, reason)
        })?;
    // A role that only looks is no mistake; another service's is, and must not be let in.
    if let Some(wrong) = contradicts_role(service.party(), &others, endpoint) {
        if wrong.foreign {
            session.close().await;
            return Err((State::Unreachable, wrong.reason));
        }
        status.wrong_role = Some(wrong.reason);
    }
    status.server_version = Some(session.server_version().to_owned());
    let looking = Looking {
        endpoint,
        application: &application,
        patience: None,
        tell: &|_| (),
    };
    let seen = looking
        .at(&session, settled(service, &session, status))
        .await;
    session.close().await;
    let seen = seen.map_err(|unread| (State::Unreachable, unread.reason))?;
    let marks = seen.marks;
    if let Some(reason) = guard::wrong_database(service.party(), &others, &marks.database)
        .or_else(|| guard::foreign_stamp(service.party(), &marks.database, marks.stamp.as_ref()))
        // A stamp tells whose it is; without one nobody can.
        .or_else(|| shared.filter(|_| marks.stamp.is_none() && marks.history.rows.is_empty()))
    {
        return Err((State::WrongDatabase, reason));
    }
    if let Some(trouble) = &marks.trouble {
        return Err((
            State::Divergent,
            format!("it cannot be told whose the database is and what was applied: {trouble}"),
        ));
    }
    if !service.is_migrated() {
        return Ok(State::Managed);
    }
    let set = match &service.set {
        Some(Ok(set)) => set,
        Some(Err(error)) => return Err((State::BadSet, error.to_string())),
        None => return Err((State::BadSet, "it has no migration set".to_owned())),
    };
    if let Some(problem) = service.bad_lock() {
        return Err((State::BadSet, problem));
    }
    let plan = Plan::new(set, &marks.history);
    let numbers = marks.history.rows.iter();
    status.recorded = numbers.filter_map(HistoryRow::number).max();
    status.newest = (!set.migrations.is_empty()).then(|| set.newest());
    status.divergent = plan.told(name);
    status.ahead = plan.ahead.is_some();
    status.applied = plan
        .applied
        .into_iter()
        .map(|applied| Applied {
            version: applied.version,
            name: applied.name,
            applied_on: applied.applied_on,
        })
        .collect();
    status.pending = plan
        .pending
        .into_iter()
        .map(|pending| Pending {
            version: pending.version,
            name: pending.name,
        })
        .collect();
    status.divergent.extend(seen.misfit);
    // What migrate refuses is told in its words.
    if let Some(snapshot) = &seen.snapshot
        && status.divergent.is_empty()
    {
        let own = service.party();
        if let Some(reason) = guard::foreign_tables(own, &others, snapshot) {
            return Err((State::WrongDatabase, reason));
        }
        let begun = status.has_begun();
        status.error = guard::unadopted(own, snapshot, &marks.history, begun);
        if status.error.is_some() {
            return Ok(State::NotAdopted);
        }
    }
    Ok(if !status.divergent.is_empty() {
        State::Divergent
    } else if !status.pending.is_empty() {
        State::Pending
    } else {
        State::UpToDate
    })
}

/// What the database says of itself.
struct Seen {
    marks: Marks,
    /// Why a migration that is begun cannot be gone on with.
    misfit: Option<String>,
    /// Its catalog, where something is to be applied to it and somebody has made a relation in it.
    snapshot: Option<Snapshot>,
}

/// How often a database is looked at that changes meanwhile. What counts of it changes twice: a first migration begins, and ends.
const LOOKS: u32 = 5;

/// As [`see`], with the marks and the catalog of one state: a runner may finish the first migration between the two, and its tables are
/// nobody's without the history.
async fn settled(
    service: &LoadedService<'_>,
    session: &Session,
    status: &mut ServiceStatus,
) -> Result<Seen, DriverError> {
    let mut looks = 1;
    loop {
        status.other_histories.clear();
        let seen = see(service, session, status).await?;
        if seen.snapshot.is_none() || looks == LOOKS {
            return Ok(seen);
        }
        let later = inspect::marks(session).await?;
        let begun = unfinished(session).await?;
        if later.stamp == seen.marks.stamp
            && later.history.rows.is_empty() == seen.marks.history.rows.is_empty()
            && begun.is_some_and(|all| !all.is_empty()) == status.has_begun()
        {
            return Ok(seen);
        }
        looks += 1;
    }
}

async fn see(
    service: &LoadedService<'_>,
    session: &Session,
    status: &mut ServiceStatus,
) -> Result<Seen, DriverError> {
    // Asked for before what it may be changing is read, and once more below: it may begin or end in between.
    status.runner = holder(session).await?;
    let marks = inspect::marks(session).await?;
    let total = |version: i32| {
        let mut migrations = service.good_set()?.migrations.iter();
        let migration = migrations.find(|migration| migration.version == version)?;
        Some(analyse(&migration.sql).len())
    };
    status.unfinished = unfinished(session).await?.map(|all| {
        all.into_iter()
            .map(|one| Unfinished {
                version: one.version,
                done: one.done,
                begun: one.begun,
                total: total(one.version),
            })
            .collect()
    });
    let begun = |all: &Vec<Unfinished>| all.iter().any(|one| one.begun > 0);
    if status.runner.is_none() && status.unfinished.as_ref().is_some_and(begun) {
        status.runner = holder(session).await?;
    }
    let mut seen = Seen {
        marks,
        misfit: None,
        snapshot: None,
    };
    let Some(set) = service.good_set().filter(|_| service.is_migrated()) else {
        return Ok(seen);
    };
    let pending = Plan::new(set, &seen.marks.history).pending;
    if status.has_begun() {
        seen.misfit = misfit(session, &pending, &service.service.name).await?;
    }
    if !pending.is_empty() && inspect::has_relations(session).await? {
        seen.snapshot = Some(snapshot(session, None).await?);
    }
    if let Some(snapshot) = seen
        .snapshot
        .as_ref()
        .filter(|_| seen.marks.history.rows.is_empty())
    {
        status.other_histories = recognise(snapshot, service.lock.known())
            .into_iter()
            .map(|history| OtherHistory {
                tool: history.tool.name,
                schema: history.schema,
                table: history.tool.table,
            })
            .collect();
    }
    Ok(seen)
}
