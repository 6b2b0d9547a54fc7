//! `dbctl repair`: explains and mends what a failed migration without a transaction or an edited file has left.

use std::time::{Duration, Instant};

use super::entrance::{WrongRole, contradicts_role, not_entered};
use super::migrate::{Task, preflight};
use super::single::{Unusable, proving_lock, target, unable};
use super::{Interrupt, Loaded, LoadedService};
use crate::manifest::Endpoint;
use crate::migration::other_tools::without_any;
use crate::migration::proof::{Proof, Unproven, count, judged, prove};
use crate::migration::{Owned, guard};
use crate::postgres::inspect::{self, Marks};
use crate::postgres::{
    ApplyError, ApplyOptions, DriverError, Event, Mend, MendState, NotProven, Purpose,
    RepairOptions, Word, connect, describe, repair, standby,
};
use crate::report::migrate::Outcome;
use crate::report::repair::{Item, Reason, Report, State, Stopped};
use crate::snapshot::{Lock, Snapshot};

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the operator says of the one statement, or of the files, whose fate is not known.
    pub word: Option<Word>,
    /// The version whose begun statements are to be forgotten.
    pub forget: Option<i32>,
    /// Explain and change nothing.
    pub dry_run: bool,
    /// How long to wait for another runner and for locked tables.
    pub lock_timeout: Duration,
}

/// Repairs the first of the chosen services: the command line names exactly one.
pub async fn run(
    loaded: &Loaded<'_>,
    options: &Options,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
) -> Option<Report> {
    let started = Instant::now();
    let loaded_service = loaded.chosen().next()?;
    let service = loaded_service.service;
    let (items, result) = one(loaded, loaded_service, options, observer, interrupt).await;
    Some(Report {
        dry_run: options.dry_run,
        service: service.name.clone(),
        store: service.store.as_str(),
        database: service.database_name().to_owned(),
        address: service.endpoint().map(Endpoint::address),
        items,
        stopped: result
            .err()
            .map(|(reason, error)| Stopped { reason, error }),
        took: started.elapsed(),
    })
}

/// What ended a run early.
type Ended = (Reason, String);

async fn one(
    loaded: &Loaded<'_>,
    service: &LoadedService<'_>,
    options: &Options,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
) -> (Vec<Item>, Result<(), Ended>) {
    let ended = |ended: Ended| (Vec::new(), Err(ended));
    let (endpoint, set) = match target(service) {
        Ok(target) => target,
        Err(Unusable::Refused(reason)) => return ended((Reason::Refused, reason)),
        Err(Unusable::BadSet(reason)) => return ended((Reason::BadSet, reason)),
    };
    let name = &service.service.name;
    let (own, others) = (service.party(), loaded.others(name));
    let application = format!("dbctl repair {name}");
    let purpose = match options.dry_run {
        true => Purpose::Read,
        false => Purpose::Write,
    };
    let shared = loaded.manifest.shared_database(service.service);
    let session = tokio::select! {
        connecting = connect(endpoint, purpose, &application) => match connecting {
            Ok(session) => session,
            Err(error) => {
                return ended((Reason::Unreachable, not_entered(own, &others, endpoint, shared, error)));
            }
        },
        () = interrupt.wait() => {
            return ended((Reason::Interrupted, "interrupted before anything was changed".to_owned()));
        }
    };
    let session = standby::or_primary(session, endpoint, &application).await;
    if let Some(WrongRole { reason, .. }) = contradicts_role(own, &others, endpoint) {
        return ended((Reason::Refused, format!("{reason}; nothing was changed")));
    }
    let admin = service.service.admin_endpoint();
    let abilities = match inspect::abilities(&session).await {
        Ok(abilities) => abilities,
        Err(error) => return ended((Reason::Unreachable, unread(endpoint, &error))),
    };
    let at_standby = match standby::refusal(&session, endpoint, admin).await {
        Ok(reason) => reason,
        Err(error) => return ended((Reason::Unreachable, unread(endpoint, &error))),
    };
    let check = |marks: &Marks| {
        if let Some(reason) = refused(own, &others, marks) {
            return Some(ApplyError::Refused(format!(
                "{reason}; nothing was changed"
            )));
        }
        let reason = at_standby.clone().or_else(|| unable(abilities, endpoint))?;
        Some(ApplyError::Unreachable(reason))
    };
    let lock = proving_lock(service, set);
    let how = RepairOptions {
        apply: ApplyOptions {
            application,
            lock_timeout: options.lock_timeout,
            ..ApplyOptions::new(name, endpoint, interrupt.receiver())
        },
        owned: Owned::new(own, &others),
        set,
        lock: lock.as_ref().ok().copied(),
        word: options.word,
        forget: options.forget,
        dry_run: options.dry_run,
    };
    let proof = |snapshot: Snapshot, version: i32| match &lock {
        Ok(lock) => proven(lock, snapshot, version),
        Err(reason) => Err(NotProven::new(format!(
            "it cannot be proven that nothing else differs: {reason}, then run dbctl repair --service {name} again"
        ))),
    };
    let observe = |event| observer(name, event);
    let (mends, result) = repair(&session, &how, &check, &proof, &observe).await;
    session.close().await;
    let mut items: Vec<Item> = mends.into_iter().map(item).collect();
    let is_settled = |item: &Item| matches!(item.state, State::Mended | State::Left);
    if result.is_ok() && items.iter().all(is_settled) {
        match next_migrate(loaded, service, options, observer, interrupt).await {
            Ok(blocks) => items.extend(blocks),
            Err(ended) => return (items, Err(ended)),
        }
    }
    (items, result.map_err(why))
}

/// What else the next migrate refuses to begin for: where nothing is in its way here, it is asked itself.
async fn next_migrate(
    loaded: &Loaded<'_>,
    service: &LoadedService<'_>,
    options: &Options,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
) -> Result<Option<Item>, Ended> {
    let name = &service.service.name;
    let observe = |event| observer(name, event);
    let looked = match Task::new(loaded, service, Duration::ZERO, false) {
        Ok(task) => tokio::select! {
            looked = Box::pin(preflight(&task, None, options.lock_timeout, None, &observe)) => looked.map(drop),
            () = interrupt.wait() => {
                return Err((Reason::Interrupted, "interrupted before it was known whether dbctl migrate would begin".to_owned()));
            }
        },
        Err((outcome, Some(reason))) => Err((outcome, reason)),
        // A service that has nothing to migrate was told before.
        Err((_, None)) => Ok(()),
    };
    let (outcome, found) = match looked {
        Ok(()) => return Ok(None),
        Err(refusal) => refusal,
    };
    match outcome {
        Outcome::Locked => Err((Reason::Locked, found)),
        Outcome::Unreachable => Err((Reason::Unreachable, found)),
        _ => Ok(Some(Item {
            kind: "migrate",
            subject: format!("dbctl migrate --service {name}"),
            found,
            state: State::Blocks,
            action: "nothing that repair mends: do what is said there, then run it again"
                .to_owned(),
        })),
    }
}

fn unread(endpoint: &Endpoint, error: &DriverError) -> String {
    format!("{}: {}", endpoint.display(), describe(error))
}

/// Why the database is not this service's, or cannot be told to be. That its history does not fit the set is what is to be repaired.
fn refused(own: guard::Party<'_>, others: &[guard::Party<'_>], marks: &Marks) -> Option<String> {
    let database = &marks.database;
    if let Some(reason) = guard::wrong_database(own, others, database) {
        return Some(reason);
    }
    if let Some(trouble) = &marks.trouble {
        return Some(format!(
            "database {database}: it cannot be told whose it is and what was applied: {trouble}"
        ));
    }
    guard::foreign_stamp(own, database, marks.stamp.as_ref())
        .or_else(|| guard::foreign_history(own, others, database, &marks.history))
}

/// The version whose catalog this is, from `newest` on, other tools' histories apart.
fn proven(lock: &Lock, snapshot: Snapshot, newest: i32) -> Result<i32, NotProven> {
    let snapshot = without_any(snapshot, lock);
    let asked = prove(lock, &snapshot, Some(newest));
    if let Some(Proof::Proven { .. }) = asked {
        return Ok(newest);
    }
    // Nothing is recorded yet, or that version is another set's.
    if asked.is_none() && newest != 0 {
        return Err(NotProven::new(format!(
            "the schema lock does not know version {newest}, the newest applied one"
        )));
    }
    let any = prove(lock, &snapshot, None);
    if let Some(Proof::Proven { version, alike }) = &any {
        let of = Found {
            version: *version,
            alike,
        };
        if let Some(told) = newer(lock, &snapshot, newest, &of) {
            return told;
        }
    }
    let differences = |unproven: &Unproven<'_>| count(&unproven.diff);
    let nearest = match (&asked, &any) {
        (asked, Some(Proof::Unproven(any))) if newest != 0 && any.version > newest => match asked {
            Some(Proof::Unproven(asked)) if differences(asked) <= differences(any) => None,
            _ => Some(any.version),
        },
        _ => None,
    };
    let of = match newest {
        0 => "any version of the set".to_owned(),
        _ => format!("version {newest}, the newest applied one"),
    };
    Err(NotProven {
        reason: format!(
            "the catalog is not proven to be that of {of} (dbctl verify tells what differs)"
        ),
        nearest,
    })
}

/// The versions that a catalog is that of.
struct Found<'a> {
    version: i32,
    /// Older ones that leave the same.
    alike: &'a [i32],
}

/// The version that a catalog is that of, where it is certain that the recorded one is not: the migrations between them ran. The recorded
/// one, where that leaves the same catalog: then nothing shows that any ran after it. `None` where it is that of older versions alone.
fn newer(
    lock: &Lock,
    snapshot: &Snapshot,
    newest: i32,
    found: &Found<'_>,
) -> Option<Result<i32, NotProven>> {
    let versions = || found.alike.iter().copied().chain([found.version]);
    if versions().any(|version| version == newest) {
        return Some(Ok(newest));
    }
    let version = versions().filter(|version| *version > newest).min()?;
    // What was taken back by hand looks as what a later version takes away.
    if let Some(older) = versions().filter(|older| *older < newest).max() {
        return Some(Err(NotProven::new(format!(
            "the catalog is that of version {older}, which is older than the newest applied one, as much as that of version {version}"
        ))));
    }
    let recorded = lock.versions.iter().map(|entry| entry.version);
    let before = recorded.filter(|one| (newest..version).contains(one));
    let alike = [newest]
        .into_iter()
        .chain(before)
        .find(|before| !differs(lock, snapshot, *before, version));
    Some(match alike {
        None => Ok(version),
        Some(alike) => Err(NotProven::new(format!(
            "the schema lock does not tell the catalogs of versions {alike} and {version} apart on PostgreSQL {0}: dbctl lock with \
             --postgres-bin of PostgreSQL {0} writes one that does",
            snapshot.server.major()
        ))),
    })
}

/// Whether a catalog that is that of a version is certainly not that of an older one.
fn differs(lock: &Lock, snapshot: &Snapshot, older: i32, version: i32) -> bool {
    let major = snapshot.server.major();
    let print = |version| lock.version(version)?.fingerprint(major);
    match (print(older), print(version)) {
        (Some(older), Some(newer)) => older != newer,
        // Without fingerprints of this major version only what is there, or is not, speaks for it.
        _ => {
            let expected = lock.at(older);
            expected.is_some_and(|expected| judged(&expected.diff(snapshot)) > 0)
        }
    }
}

fn item(mend: Mend) -> Item {
    Item {
        kind: mend.kind,
        subject: mend.subject,
        found: mend.found,
        state: match mend.state {
            MendState::Mended => State::Mended,
            MendState::WouldMend => State::WouldMend,
            MendState::NeedsWord => State::NeedsWord,
            MendState::Blocks => State::Blocks,
            MendState::Left => State::Left,
        },
        action: mend.action,
    }
}

fn why(error: ApplyError) -> Ended {
    let reason = match error {
        ApplyError::Locked(_) => Reason::Locked,
        ApplyError::Refused(_) => Reason::Refused,
        ApplyError::Failed(_) => Reason::NotMended,
        ApplyError::Unreachable(_) => Reason::Unreachable,
        ApplyError::Interrupted(_) => Reason::Interrupted,
    };
    (reason, error.to_string())
}
