//! `dbctl baseline`: adopts a database that already has the schema, after proving that it has.

mod judge;

use std::time::{Duration, Instant};

use super::entrance::{contradicts_role, not_entered};
use super::single::{Unusable, proving_lock, target, unable};
use super::{Interrupt, Loaded, LoadedService};
use crate::manifest::Endpoint;
use crate::migration::other_tools::recognise;
use crate::migration::{Name, Set, column_order, guard};
use crate::postgres::inspect;
use crate::postgres::other_tools::{Told, own_versions, told};
use crate::postgres::unfinished::unfinished;
use crate::postgres::{
    ApplyError, ApplyOptions, ConnectError, DriverError, Event, Looking, Purpose, Session,
    baseline, connect, snapshot, standby,
};
use crate::report::baseline::{Migration, OtherHistory, Outcome, Report};
use crate::snapshot::{Lock, Snapshot};
use judge::{Judged, judge};

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The version to adopt the database at; `None` looks for the newest one that fits.
    pub version: Option<i32>,
    /// Prove and write nothing.
    pub dry_run: bool,
    /// How long to wait for another runner and for locked tables.
    pub lock_timeout: Duration,
}

/// How a run ended, and the sentence that says why.
type Ended = (Outcome, String);

/// Adopts the first of the chosen services: the command line names exactly one.
pub async fn run(
    loaded: &Loaded<'_>,
    options: &Options,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
) -> Option<Report> {
    let started = Instant::now();
    let service = loaded.chosen().next()?;
    let mut report = blank(service, options);
    let outcome = match adopt(loaded, service, options, observer, interrupt, &mut report).await {
        Ok(outcome) => outcome,
        Err((outcome, error)) => {
            report.error = Some(error);
            outcome
        }
    };
    if !matches!(outcome, Outcome::Adopted | Outcome::Proven) {
        report.recorded.clear();
    }
    report.outcome = outcome;
    report.took = started.elapsed();
    Some(report)
}

fn blank(loaded: &LoadedService<'_>, options: &Options) -> Report {
    let service = loaded.service;
    Report {
        dry_run: options.dry_run,
        service: service.name.clone(),
        store: service.store.as_str(),
        database: service.database_name().to_owned(),
        address: service.endpoint().map(Endpoint::address),
        server_version: None,
        outcome: Outcome::Refused,
        version: None,
        recorded: Vec::new(),
        pending: Vec::new(),
        differences: Vec::new(),
        histories: Vec::new(),
        notes: Vec::new(),
        error: None,
        took: Duration::ZERO,
    }
}

/// A service that can be adopted, as far as the manifest and its files tell.
struct Ready<'a> {
    service: &'a LoadedService<'a>,
    endpoint: &'a Endpoint,
    set: &'a Set,
    lock: &'a Lock,
}

fn ready<'a>(service: &'a LoadedService<'a>, version: Option<i32>) -> Result<Ready<'a>, Ended> {
    let (endpoint, set) = target(service).map_err(|unusable| match unusable {
        Unusable::Refused(reason) => (Outcome::Refused, reason),
        Unusable::BadSet(reason) => (Outcome::BadSet, reason),
    })?;
    let lock = proving_lock(service, set).map_err(|reason| (Outcome::BadSet, reason))?;
    if let Some(version) = version
        && lock.version(version).is_none()
    {
        let known: Vec<String> = set
            .migrations
            .iter()
            .map(|migration| migration.version.to_string())
            .collect();
        let reason = format!(
            "set {} has no version {version}: it has {}",
            set.name,
            known.join(", ")
        );
        return Err((Outcome::BadSet, reason));
    }
    Ok(Ready {
        service,
        endpoint,
        set,
        lock,
    })
}

async fn adopt(
    loaded: &Loaded<'_>,
    service: &LoadedService<'_>,
    options: &Options,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
    report: &mut Report,
) -> Result<Outcome, Ended> {
    let ready = ready(service, options.version)?;
    let before = (
        Outcome::Interrupted,
        "interrupted before anything was written".to_owned(),
    );
    let version = tokio::select! {
        looked = look(loaded, &ready, options, report) => looked?,
        () = interrupt.wait() => return Err(before),
    };
    if options.dry_run {
        return Ok(Outcome::Proven);
    }
    let name = &service.service.name;
    let application = format!("dbctl baseline {name}");
    let session = tokio::select! {
        connecting = connect(ready.endpoint, Purpose::Write, &application) => {
            connecting.map_err(|error| unreachable(loaded, &ready, error))?
        }
        () = interrupt.wait() => return Err(before),
    };
    let how = ApplyOptions {
        application,
        lock_timeout: options.lock_timeout,
        ..ApplyOptions::new(name, ready.endpoint, interrupt.receiver())
    };
    let check = |snapshot: Snapshot| {
        judge(loaded, &ready, snapshot, Some(version))
            .err()
            .map(|judged| format!("{}; nothing was written", judged.reason))
    };
    let observe = |event| observer(name, event);
    let written = baseline(&session, ready.set, version, &how, &check, &observe).await;
    session.close().await;
    written.map(|()| Outcome::Adopted).map_err(|error| {
        let outcome = match error {
            ApplyError::Locked(_) => Outcome::Locked,
            ApplyError::Refused(_) | ApplyError::Failed(_) => Outcome::Refused,
            ApplyError::Unreachable(_) => Outcome::Unreachable,
            ApplyError::Interrupted(_) => Outcome::Interrupted,
        };
        (outcome, error.to_string())
    })
}

fn unreachable(loaded: &Loaded<'_>, ready: &Ready<'_>, error: ConnectError) -> Ended {
    let own = ready.service;
    let others = loaded.others(&own.service.name);
    let shared = loaded.manifest.shared_database(own.service);
    let reason = not_entered(own.party(), &others, ready.endpoint, shared, error);
    (Outcome::Unreachable, reason)
}

/// Looks at the database in a read-only session and fills the report; the version that was proven.
async fn look(
    loaded: &Loaded<'_>,
    ready: &Ready<'_>,
    options: &Options,
    report: &mut Report,
) -> Result<i32, Ended> {
    let endpoint = ready.endpoint;
    let application = format!("dbctl baseline {}", ready.service.service.name);
    let session = connect(endpoint, Purpose::Read, &application)
        .await
        .map_err(|error| unreachable(loaded, ready, error))?;
    let session = standby::or_primary(session, endpoint, &application).await;
    report.server_version = Some(session.server_version().to_owned());
    let looking = Looking {
        endpoint,
        application: &application,
        patience: Some(options.lock_timeout),
        tell: &|_| (),
    };
    let work = inspected(loaded, ready, options, &session, report);
    let looked = looking.at(&session, work).await;
    session.close().await;
    looked.map_err(|unread| unread.ended(Outcome::Locked, Outcome::Unreachable))?
}

async fn inspected(
    loaded: &Loaded<'_>,
    ready: &Ready<'_>,
    options: &Options,
    session: &Session,
    report: &mut Report,
) -> Result<Result<i32, Ended>, DriverError> {
    let refused = |reason: String| Ok(Err((Outcome::Refused, reason)));
    let (own, others) = (
        ready.service.party(),
        loaded.others(&ready.service.service.name),
    );
    if let Some(wrong) = contradicts_role(own, &others, ready.endpoint) {
        return refused(wrong.reason);
    }
    let marks = inspect::marks(session).await?;
    if let Some(reason) = guard::wrong_database(own, &others, &marks.database) {
        return refused(reason);
    }
    if let Some(trouble) = &marks.trouble {
        return refused(format!(
            "database {}: it cannot be told whose it is and what was applied: {trouble}",
            marks.database
        ));
    }
    let admin = ready.service.service.admin_endpoint();
    if let Some(reason) = standby::refusal(session, ready.endpoint, admin).await? {
        return Ok(Err((Outcome::Unreachable, reason)));
    }
    if let Some(reason) = unable(inspect::abilities(session).await?, ready.endpoint) {
        return Ok(Err((Outcome::Unreachable, reason)));
    }
    if let Some(first) = unfinished(session).await?.unwrap_or_default().first() {
        return refused(format!(
            "database {}: V{} is not finished, says dbctl.progress: dbctl migrate --service {2} goes on with it, or dbctl repair --service {2} settles it first",
            marks.database, first.version, ready.service.service.name
        ));
    }
    let snapshot = snapshot(session, None).await?;
    let histories = recognise(&snapshot, own.lock.get());
    for (history, told) in histories.iter().zip(told(session, &histories).await?) {
        let seen = OtherHistory {
            tool: history.tool.name,
            schema: history.schema.clone(),
            table: history.tool.table,
            applied: told.applied,
            newest: told.newest.clone(),
        };
        report.notes.push(history_note(&seen, &told));
        report.histories.push(seen);
    }
    for (table, value) in own_versions(session).await? {
        report.notes.push(own_version_note(table, &value));
    }
    let judged = match judge(loaded, ready, snapshot, options.version) {
        Ok(judged) => judged,
        Err(unfit) => {
            report.version = unfit.version;
            report.differences = unfit.differences;
            let outcome = match report.differences.is_empty() && unfit.version.is_none() {
                true => Outcome::Refused,
                false => Outcome::Differs,
            };
            return Ok(Err((outcome, unfit.reason)));
        }
    };
    let version = judged.version;
    fill(report, ready.set, judged);
    let expected = column_order(ready.set, version);
    let names: Vec<Name> = expected.iter().map(|(name, _)| name.clone()).collect();
    let found = inspect::columns(session, &names).await?;
    report.notes.extend(order_note(&expected, &found));
    Ok(Ok(report.version.unwrap_or_default()))
}

fn fill(report: &mut Report, set: &Set, judged: Judged) {
    report.version = Some(judged.version);
    report.notes.extend(judged.notes);
    let (recorded, pending) = set
        .migrations
        .iter()
        .map(|migration| Migration {
            version: migration.version,
            name: migration.name.clone(),
        })
        .partition(|migration| migration.version <= judged.version);
    report.recorded = recorded;
    report.pending = pending;
}

/// What there is to know of tables whose columns stand in another order than the set makes them.
fn order_note(expected: &[(Name, Vec<String>)], found: &[(Name, Vec<String>)]) -> Option<String> {
    /// Most tables that are named.
    const MOST: usize = 5;
    let mut differ: Vec<String> = found
        .iter()
        .filter_map(|(name, columns)| {
            let (_, wanted) = expected.iter().find(|(table, _)| table == name)?;
            // What no text names may stand anywhere.
            let of_both = |from: &[String], other: &[String]| -> Vec<String> {
                let both = from.iter().filter(|column| other.contains(column));
                both.cloned().collect()
            };
            let (here, there) = (of_both(columns, wanted), of_both(wanted, columns));
            (here != there).then(|| {
                format!(
                    "{name} ({}; the set: {})",
                    here.join(", "),
                    there.join(", ")
                )
            })
        })
        .collect();
    if differ.is_empty() {
        return None;
    }
    let more = differ.len().saturating_sub(MOST);
    differ.truncate(MOST);
    if more > 0 {
        differ.push(format!("and {more} more"));
    }
    Some(format!(
        "columns stand in another order than the set makes them, which is no difference in the schema: {}; INSERT and COPY without a list of \
         columns, and what reads SELECT * by position, meet another column here than in a database that the set has made",
        differ.join(", ")
    ))
}

fn history_note(history: &OtherHistory, told: &Told) -> String {
    let applied = told
        .applied
        .map_or_else(String::new, |applied| format!(", {applied} applied"));
    let newest = told
        .newest
        .as_ref()
        .map_or_else(String::new, |newest| format!(", newest {newest}"));
    let (tool, schema, table) = (history.tool, &history.schema, history.table);
    format!(
        "{tool} has migrated this database ({schema}.{table}{applied}{newest}): it must not do so any more, switch it off; \
         its table can be dropped when nothing uses {tool} here any more, and dbctl verify reports it until then"
    )
}

fn own_version_note(table: &str, value: &str) -> String {
    let whose = match table {
        "vars" => "simply-kaspa-indexer does, newest known 23",
        _ => "K-indexer does, newest known 2",
    };
    format!(
        "public.{table} says schema_version {value}: a service that migrates itself keeps it ({whose}), and would migrate this \
         database at its next start: switch its own migrations off, or leave them to it with managed = \"service\" in the manifest"
    )
}
