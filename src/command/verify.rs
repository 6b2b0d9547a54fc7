//! `dbctl verify`: reads facts everywhere, in read-only sessions, tries what can only be tried, and asks every rule about all of it.

mod commons;

use std::time::Instant;

use futures::future::join_all;

use super::entrance::not_entered;
use super::proof::Door;
use super::system::{read_locks, texts};
use super::{Loaded, LoadedService, proof};
use crate::compose::Deployment;
use crate::files;
use crate::manifest::Endpoint;
use crate::migration::SetFacts;
use crate::postgres::{
    Looking, Purpose, Reason, Session, connect, cron_jobs, describe, outside, same_database,
    snapshot_with_state,
};
use crate::report::verify::Report;
use crate::rules::{self, Severity, Subject, System};
use crate::snapshot::{Entry, Fact, Gap, Kind, Live, Outside, Proofs, Snapshot};

/// What to verify with.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The severity from which on a finding fails the run.
    pub fail_on: Severity,
    /// Whether to try log-ins with what belongs to other services.
    pub login_proof: bool,
}

/// What came of the log-ins that a run tried: a run that looks again does not try them again.
#[derive(Debug, Default)]
pub struct Tried(Option<Vec<Fact<Vec<Entry>>>>);

/// Verifies the chosen services.
pub async fn run(
    loaded: &Loaded<'_>,
    compose: Option<Deployment>,
    options: &Options,
    tried: &mut Tried,
) -> Report {
    let started = Instant::now();
    read_locks(loaded);
    let names = names(loaded);
    let looks = join_all(loaded.services.iter().map(|service| {
        look(
            loaded,
            service,
            &names,
            loaded.chosen.contains(&service.service.name.as_str()),
        )
    }));
    // The sets are read while the servers are on their way.
    let (mut looks, commons, texts) =
        futures::join!(looks, commons::read(loaded), async { texts(loaded) });
    let sessions: Vec<(&str, Option<&Session>)> = loaded
        .services
        .iter()
        .zip(&looks)
        .map(|(service, look)| (service.service.name.as_str(), look.session.as_ref()))
        .collect();
    let live = proof::live(&sessions).await;
    join_all(
        looks
            .iter_mut()
            .filter_map(|look| look.session.take())
            .map(Session::close),
    )
    .await;
    let entries = entries(loaded, options, &looks, tried).await;
    let mut subjects: Vec<Subject<'_>> = loaded
        .services
        .iter()
        .zip(looks)
        .zip(texts)
        .zip(live.into_iter().zip(entries))
        .map(|(((service, look), texts), (live, entries))| {
            subject(service, texts, look, live, entries)
        })
        .collect();
    commons::hand_out(&mut subjects, commons);
    let system = System {
        manifest: loaded.manifest,
        subjects,
        offline: false,
        compose,
    };
    rules::run(&system, &loaded.chosen, options.fail_on, started)
}

/// What was seen of one service.
struct Look {
    /// Its database; `None` when there is none, or it was not chosen.
    snapshot: Option<Fact<Snapshot>>,
    /// The service's own session, still open.
    session: Option<Session>,
    /// Whether a server answered, be it with a refusal.
    answers: bool,
    pooled: bool,
    hosts: Vec<crate::snapshot::HostLook>,
    /// What an administrator sees where the service is not let in.
    outside: Option<Outside>,
    directories: Option<Fact<files::DirectoryFacts>>,
}

/// The names of relations, functions and types that the locks of the system know.
fn names(loaded: &Loaded<'_>) -> Vec<String> {
    let locks = loaded
        .services
        .iter()
        .filter_map(|service| service.lock.known());
    let mut names: Vec<String> = locks
        .flat_map(|lock| lock.objects.keys())
        .filter(|key| key.kind.is_relation() || matches!(key.kind, Kind::Function | Kind::Type))
        .map(|key| key.name.clone())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Everything that is to be known about one service. One that was not chosen is known by its set, lock and directories.
async fn look(
    all: &Loaded<'_>,
    loaded: &LoadedService<'_>,
    names: &[String],
    chosen: bool,
) -> Look {
    let service = loaded.service;
    let mut look = match service.endpoint().filter(|_| chosen) {
        Some(endpoint) => database(all, loaded, names, endpoint).await,
        None => Look::nothing(),
    };
    if chosen {
        look.hosts = proof::hosts(service).await;
    }
    // Those of every service: a chosen one may lie inside of one that was not chosen.
    look.directories = files::read(service).await;
    look
}

impl Look {
    const fn nothing() -> Self {
        Self {
            snapshot: None,
            session: None,
            answers: false,
            pooled: false,
            hosts: Vec::new(),
            outside: None,
            directories: None,
        }
    }
}

/// What came of the log-ins: tried now, in an earlier round, or not at all.
async fn entries(
    loaded: &Loaded<'_>,
    options: &Options,
    looks: &[Look],
    tried: &mut Tried,
) -> Vec<Fact<Vec<Entry>>> {
    let off = if !options.login_proof {
        Some("--no-login-proof")
    } else if !loaded.manifest.login_proof {
        Some("login_proof = false in the manifest")
    } else {
        None
    };
    if let Some(by) = off {
        return looks
            .iter()
            .map(|_| proof::switched_off(by).entries)
            .collect();
    }
    if let Tried(Some(kept)) = tried {
        return kept.clone();
    }
    let doors: Vec<Door> = loaded
        .services
        .iter()
        .zip(looks)
        .map(|(service, look)| door(service, look))
        .collect();
    let entries = proof::entries(loaded, &doors).await;
    tried.0 = Some(entries.clone());
    entries
}

/// What the look at a service says of its door. Behind a pooler the server has proved itself to the pooler, and another host need not
/// be as the one that was reached.
fn door(loaded: &LoadedService<'_>, look: &Look) -> Door {
    let proved = || {
        let endpoint = loaded.service.endpoint()?;
        let privileges = look.snapshot.as_ref()?.known()?.privileges.known()?;
        let role = privileges.passwords.proved.as_ref()?;
        Some(*role == endpoint.user && endpoint.hosts.len() == 1 && !look.pooled)
    };
    match look.answers {
        false => Door::Silent,
        true if proved() == Some(true) => Door::Proved,
        true => Door::Answers,
    }
}

fn subject<'a>(
    loaded: &'a LoadedService<'_>,
    texts: Option<SetFacts>,
    look: Look,
    live: Option<Live>,
    entries: Fact<Vec<Entry>>,
) -> Subject<'a> {
    Subject {
        service: loaded.service,
        set: loaded.good_set(),
        texts,
        lock: loaded.lock.clone(),
        snapshot: look.snapshot,
        directories: look.directories,
        proofs: Proofs {
            entries,
            live,
            hosts: look.hosts,
            pooled: look.pooled,
            outside: look.outside,
        },
    }
}

async fn database(
    all: &Loaded<'_>,
    loaded: &LoadedService<'_>,
    names: &[String],
    endpoint: &Endpoint,
) -> Look {
    let name = format!("dbctl verify {}", loaded.service.name);
    let session = match connect(endpoint, Purpose::Read, &name).await {
        Ok(session) => session,
        Err(error) => {
            let shut_out = matches!(error.reason, Reason::LogIn | Reason::NoConnect);
            return Look {
                answers: matches!(
                    error.reason,
                    Reason::LogIn
                        | Reason::NoDatabase
                        | Reason::NoEntry
                        | Reason::NoConnect
                        | Reason::Refused
                ),
                outside: match &loaded.service.admin {
                    // Of a URL to another database, or with another role, that is what is wrong.
                    Some(admin)
                        if shut_out
                            && endpoint.database == loaded.service.database_name()
                            && Some(endpoint.user.as_str()) == loaded.service.role_name() =>
                    {
                        from_outside(&admin.value, endpoint, &name).await
                    }
                    _ => None,
                },
                snapshot: Some(Fact::Unknown(Gap::new(not_entered(
                    loaded.party(),
                    &all.others(&loaded.service.name),
                    endpoint,
                    all.manifest.shared_database(loaded.service),
                    error,
                )))),
                ..Look::nothing()
            };
        }
    };
    let admin = admin(loaded, endpoint, &session, &name).await;
    let usable = admin.as_ref().and_then(|admin| admin.as_ref().ok());
    let reading = snapshot_with_state(&session, usable, names);
    let looking = Looking {
        endpoint,
        application: &name,
        patience: None,
        tell: &|_| (),
    };
    let read = looking.at(&session, reading).await;
    let refused = match admin {
        Some(Ok(admin)) => {
            admin.close().await;
            None
        }
        Some(Err(reason)) => Some(reason),
        None => None,
    };
    let snapshot = match read {
        Ok(mut snapshot) => {
            add_cron_jobs(loaded, &mut snapshot, &name).await;
            if let Some(reason) = refused {
                snapshot.explain_gaps(&reason);
            }
            Fact::Known(snapshot)
        }
        Err(unread) => Fact::Unknown(Gap::new(unread.reason)),
    };
    Look {
        pooled: session.pooled(),
        answers: true,
        snapshot: Some(snapshot),
        session: Some(session),
        ..Look::nothing()
    }
}

/// What an administrator of the same address sees of a database that the service does not get into. It only helps to say why: the
/// database counts as not looked at, whatever comes of this.
async fn from_outside(admin: &Endpoint, endpoint: &Endpoint, name: &str) -> Option<Outside> {
    if admin.hosts != endpoint.hosts {
        return None;
    }
    let mut opened = None;
    // The service's database may be the one that admin_url names, and closed to everybody.
    for database in [&admin.database, "postgres"] {
        let there = Endpoint {
            database: database.to_owned(),
            ..admin.clone()
        };
        if let Ok(session) = connect(&there, Purpose::Read, &format!("{name} (admin)")).await {
            opened = Some(session);
            break;
        }
    }
    let session = opened?;
    let seen = outside(&session, &endpoint.database).await;
    session.close().await;
    seen.ok()
}

/// Adds the jobs that pg_cron keeps in another database and runs in this one.
async fn add_cron_jobs(loaded: &LoadedService<'_>, snapshot: &mut Snapshot, name: &str) {
    let Some(keeper) = snapshot.links.cron_elsewhere.clone() else {
        return;
    };
    let seen = match &loaded.service.admin {
        None => Fact::Unknown(Gap {
            reason: format!("pg_cron keeps its jobs in database {keeper}"),
            remedy: Some("set admin_url".to_owned()),
        }),
        Some(admin) => {
            let there = Endpoint {
                database: keeper.clone(),
                ..admin.value.clone()
            };
            let database = &snapshot.identity.database;
            jobs_there(&there, database, name)
                .await
                .unwrap_or_else(|reason| {
                    Fact::Unknown(Gap::new(format!(
                        "pg_cron keeps its jobs in database {keeper}: {reason}"
                    )))
                })
        }
    };
    match (&mut snapshot.links.jobs, seen) {
        (Fact::Known(jobs), Fact::Known(more)) => jobs.extend(more),
        (jobs @ Fact::Known(_), unknown) => *jobs = unknown,
        (Fact::Unknown(_), _) => {}
    }
}

async fn jobs_there(
    endpoint: &Endpoint,
    database: &str,
    name: &str,
) -> Result<Fact<Vec<crate::snapshot::Job>>, String> {
    let session = connect(endpoint, Purpose::Read, &format!("{name} (pg_cron)"))
        .await
        .map_err(|error| error.message)?;
    let jobs = cron_jobs(&session, database).await;
    session.close().await;
    jobs.map_err(|error| describe(&error))
}

/// The administrator's session in the service's own database, or why there is none; `None` when the manifest gives no `admin_url`.
async fn admin(
    loaded: &LoadedService<'_>,
    endpoint: &Endpoint,
    session: &Session,
    name: &str,
) -> Option<Result<Session, String>> {
    let admin = Endpoint {
        database: endpoint.database.clone(),
        ..loaded.service.admin.as_ref()?.value.clone()
    };
    Some(open_admin(&admin, session, name).await)
}

async fn open_admin(admin: &Endpoint, session: &Session, name: &str) -> Result<Session, String> {
    let opened = connect(admin, Purpose::Read, &format!("{name} (admin)"))
        .await
        .map_err(|error| format!("admin_url could not be used: {error}"))?;
    match same_database(session, &opened).await {
        Ok(Some(true)) => Ok(opened),
        Ok(Some(false)) => Err(format!(
            "admin_url leads to {}, which is not the database that the service uses: make both lead to one server",
            admin.display()
        )),
        Ok(None) => Err(
            "it cannot be told whether admin_url and the service's URL lead to one database: \
             GRANT EXECUTE ON FUNCTION pg_control_system() to both"
                .to_owned(),
        ),
        Err(error) => Err(format!("admin_url could not be used: {}", describe(&error))),
    }
}
