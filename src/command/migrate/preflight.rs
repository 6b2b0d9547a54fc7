//! What must hold before a database is changed, looked at in read-only sessions.

use std::time::{Duration, Instant};

use super::room;
use super::task::Task;
use crate::manifest::Endpoint;
use crate::migration::{Name, Plan, analyse, guard};
#[cfg(feature = "cli")]
use crate::migration::{Quick, Refused, quick_of, refused_by_timescaledb};
use crate::postgres::capacity::{Capacity, capacity};
use crate::postgres::inspect::{self, Abilities};
use crate::postgres::unfinished::Unfinished;
use crate::postgres::{
    Connecting, DriverError, Event, Looking, Purpose, Resumptions, Session, connect, misfit,
    resumptions, snapshot, standby, there_already, unfinished, unreadable,
};
use crate::report::migrate::Outcome;
use crate::report::text::count;

/// Connections that a migration needs: its own, and one to spare for whoever has to help it.
const CONNECTIONS: i64 = 2;

/// How long an administrator's server may take to let dbctl in. The session is a help and not a need.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(3);

/// Why a database cannot be migrated now: the class, and the sentence.
pub(crate) type Refusal = (Outcome, String);

/// What the preflight of a database found that can be migrated.
pub(crate) struct Cleared {
    /// What is applied and what is pending.
    pub(crate) plan: Plan,
    /// Migrations of which some statements ran before.
    pub(super) unfinished: Vec<Unfinished>,
    /// What its server has left; read only where something is pending.
    pub(super) capacity: Option<Capacity>,
    /// What a dry run tells beside the plan.
    pub(super) seen: Seen,
}

/// What a dry run looks for besides.
#[derive(Default)]
pub(super) struct Seen {
    /// Relations that statements of the plan lock and that are not there yet.
    pub(super) missing: Vec<Name>,
    /// What becomes of statements in which an earlier run was cut off.
    pub(super) resumptions: Resumptions,
    /// What its statements are only said to be.
    #[cfg(feature = "cli")]
    pub(super) quick: Quick,
    /// Its statements that TimescaleDB refuses.
    #[cfg(feature = "cli")]
    pub(super) refused: Refused,
}

/// Looks at a database and at what of its set is pending up to `target`, again and again while somebody holds a lock that even a reader of
/// the catalog waits for. The first look uses
/// the session that was begun `ahead`, if any.
///
/// # Errors
/// The reason why it cannot be migrated.
pub(crate) async fn preflight(
    task: &Task<'_>,
    target: Option<i32>,
    limit: Duration,
    mut ahead: Option<Connecting>,
    observer: &(dyn Fn(Event) + Sync),
) -> Result<Cleared, Refusal> {
    let started = Instant::now();
    loop {
        let left = limit.saturating_sub(started.elapsed());
        match look(task, target, ahead.take(), left, observer).await {
            Err((Outcome::Locked, _)) if started.elapsed() < limit => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => return other,
        }
    }
}

/// One look, in one read-only session: whose it is, what is applied, whether it can be migrated.
async fn look(
    task: &Task<'_>,
    target: Option<i32>,
    ahead: Option<Connecting>,
    patience: Duration,
    observer: &(dyn Fn(Event) + Sync),
) -> Result<Cleared, Refusal> {
    let begun = ahead.unwrap_or_else(|| {
        Connecting::begin(task.endpoint, Purpose::Read, &task.application(), task.wait)
    });
    let session = begun
        .session()
        .await
        .map_err(|error| task.unreachable(error))?;
    let application = task.application();
    let session = standby::or_primary(session, task.endpoint, &application).await;
    let tell = |holder: &str| {
        observer(Event::WaitingForLock {
            holder: holder.to_owned(),
        });
    };
    let looking = Looking {
        endpoint: task.endpoint,
        application: &application,
        patience: Some(patience),
        tell: &tell,
    };
    let looked = looking
        .at(&session, inspected(task, target, &session))
        .await;
    session.close().await;
    looked
        .map_err(|unread| unread.ended(Outcome::Locked, Outcome::Unreachable))?
        .map_err(|(outcome, reason)| match outcome {
            Outcome::Refused => (outcome, format!("{reason}; nothing was changed")),
            _ => (outcome, reason),
        })
}

/// The part of [`look`] that talks to the server. The outer error is the driver's, the inner one is a refusal.
async fn inspected(
    task: &Task<'_>,
    target: Option<i32>,
    session: &Session,
) -> Result<Result<Cleared, Refusal>, DriverError> {
    if let (Some(reason), _) = task.role() {
        return Ok(Err((Outcome::Refused, reason)));
    }
    let marks = inspect::marks(session).await?;
    if let Some(reason) = task.refused_by_marks(&marks) {
        return Ok(Err((Outcome::Refused, reason)));
    }
    // Also where nothing is pending: the first migration to come would be refused.
    if let Some(reason) = standby::refusal(session, task.endpoint, task.admin).await? {
        return Ok(Err((Outcome::Unreachable, reason)));
    }
    let plan = Plan::new(task.set, &marks.history);
    let begun = match marks.progress {
        true => unfinished::unfinished(session).await?.unwrap_or_default(),
        false => Vec::new(),
    };
    // Also where nothing is pending: a migration that is half there, and whose file is gone, is not nothing.
    if !begun.is_empty()
        && let Some(reason) = misfit(session, &plan.pending, task.own.service).await?
    {
        return Ok(Err((Outcome::Refused, reason)));
    }
    if plan.pending.is_empty() {
        return Ok(Ok(Cleared {
            plan,
            unfinished: begun,
            capacity: None,
            seen: Seen::default(),
        }));
    }
    // An empty database holds nobody's tables.
    let is_empty = !inspect::has_relations(session).await?;
    if !is_empty {
        let snapshot = Box::pin(snapshot(session, None)).await?;
        if let Some(reason) = guard::refusal(task.own, &task.others, &snapshot, !begun.is_empty()) {
            // The tables may be another runner's, who has begun a first migration since.
            let later = unfinished::unfinished(session).await?.unwrap_or_default();
            let outcome = match begun.is_empty() && !later.is_empty() {
                true => Outcome::Locked,
                false => Outcome::Refused,
            };
            return Ok(Err((outcome, reason)));
        }
    }
    let seen = match task.dry_run {
        true => Seen {
            missing: inspect::missing(session, &locked(&plan)).await?,
            resumptions: match begun.is_empty() {
                true => Resumptions::new(),
                false => resumptions(session, &plan.pending, task.own.service).await?,
            },
            #[cfg(feature = "cli")]
            quick: quick_of(task.set, &plan.pending),
            #[cfg(feature = "cli")]
            refused: refused_by_timescaledb(&task.set.migrations),
        },
        false => Seen::default(),
    };
    let capacity = seen_capacity(task, session).await?;
    let abilities = inspect::abilities(session).await?;
    if abilities.template && marks.stamp.is_none() {
        return Ok(Err((
            Outcome::Refused,
            format!(
                "database {} is a template: every database that is made from it would carry the service's tables; give the service a database \
                 of its own",
                task.own.database
            ),
        )));
    }
    let unwritable = (inspect::unwritable(session).await?)
        .filter(|_| task.role().1.is_none())
        .map(|tables| {
        format!(
            "role {} may not write dbctl's own tables ({tables}), somebody else owns them: run dbctl provision --service {}, which gives them back",
            task.endpoint.user,
            task.own.service
        )
    });
    let problem = unable(task, abilities)
        .or(unwritable)
        .or_else(|| task.data_dir.and_then(room::problem))
        .or_else(|| crowded(task, &capacity));
    if let Some(problem) = problem {
        return Ok(Err((
            Outcome::Unreachable,
            format!("{}: {problem}", task.endpoint.display()),
        )));
    }
    let wanted = |version| target.is_none_or(|target| version <= target);
    let wanted = plan
        .pending
        .partition_point(|migration| wanted(migration.version));
    let files = plan.pending.get(..wanted).unwrap_or_default();
    if let Some(reason) = unreadable(session, files).await? {
        return Ok(Err((Outcome::Failed, reason)));
    }
    if !is_empty
        && begun.is_empty()
        && let Some(there) = there_already(session, files).await?
        // Another runner may have applied it since the history was read, and then it is in there by now.
        && inspect::marks(session).await?.history == marks.history
    {
        return Ok(Err((
            Outcome::Failed,
            format!(
                "{}; nothing was changed; it is there already: somebody made it by hand, another file of the set makes it too, or the history lost \
                 a row, which dbctl repair --service {} proves and mends",
                there.fact(),
                task.own.service
            ),
        )));
    }
    Ok(Ok(Cleared {
        plan,
        unfinished: begun,
        capacity: Some(capacity),
        seen,
    }))
}

/// The relations that the statements of the plan lock.
fn locked(plan: &Plan) -> Vec<Name> {
    plan.pending
        .iter()
        .flat_map(|migration| analyse(&migration.sql))
        .filter_map(|statement| statement.lock?.relation)
        .collect()
}

/// Why the server or the role cannot take a migration, if so.
fn unable(task: &Task<'_>, abilities: Abilities) -> Option<String> {
    let (role, database, service) = (&task.endpoint.user, task.own.database, task.own.service);
    // A role that only looks is not the one that would write.
    let looks = task.role().1.is_some();
    if !abilities.may_create && !looks {
        return Some(format!(
            "role {role} may not create schemas in database {database}: run dbctl provision --service {service}, or make the role its owner"
        ));
    }
    match abilities.may_create_in_public {
        None => {
            return Some(format!(
                "database {database} has no schema public, which holds the history of its migrations: CREATE SCHEMA public"
            ));
        }
        Some(false) if !looks => {
            return Some(format!(
                "role {role} may not create tables in schema public of database {database}: run dbctl provision --service {service}, \
                 or grant it CREATE on that schema"
            ));
        }
        Some(_) => {}
    }
    if let Some(reason) = inspect::frozen(abilities, task.endpoint) {
        return Some(reason);
    }
    if task.timescaledb {
        return inspect::timescaledb_problem(abilities);
    }
    None
}

/// What the server has left, seen by the service's role or, where that may not look, by the administrator. What neither sees is
/// not judged.
async fn seen_capacity(task: &Task<'_>, session: &Session) -> Result<Capacity, DriverError> {
    let own = capacity(session, &task.endpoint.user).await?;
    if own.sees_all {
        return Ok(own);
    }
    let admin = capacity_for_admin(task).await;
    Ok(admin
        .filter(|admin| admin.started == own.started)
        .unwrap_or(own))
}

async fn capacity_for_admin(task: &Task<'_>) -> Option<Capacity> {
    let endpoint = Endpoint {
        database: task.endpoint.database.clone(),
        connect_timeout: Some(ADMIN_TIMEOUT),
        ..task.admin?.clone()
    };
    let name = format!("{} (admin)", task.application());
    let session = connect(&endpoint, Purpose::Read, &name).await.ok()?;
    let seen = capacity(&session, &task.endpoint.user).await;
    session.close().await;
    seen.ok()
}

/// Why there is no connection for a migration, if so.
fn crowded(task: &Task<'_>, capacity: &Capacity) -> Option<String> {
    let connections = capacity.connections?;
    let free = connections.free();
    (free < CONNECTIONS).then(|| {
        format!(
            "the server has {} left for role {}, and a migration needs {CONNECTIONS}: max_connections is {}, {} of them reserved and \
             {} in use; end sessions, or raise max_connections",
            count(usize::try_from(free).unwrap_or(0), "connection"),
            task.endpoint.user,
            connections.most,
            connections.reserved,
            connections.used
        )
    })
}
