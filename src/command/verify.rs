//! `dbctl verify`: reads facts everywhere, in read-only sessions, and asks every rule about them.

mod commons;

use std::time::Instant;

use futures::future::join_all;

use super::{Loaded, LoadedService};
use crate::files;
use crate::manifest::Endpoint;
use crate::postgres::{Purpose, Session, connect, describe, same_database, snapshot_with_state};
use crate::report::verify::Report;
use crate::rules::{self, Severity, Subject, System};
use crate::snapshot::{Fact, Gap, Kind, Snapshot};

/// Verifies the chosen services.
pub async fn run(loaded: &Loaded<'_>, fail_on: Severity) -> Report {
    let started = Instant::now();
    let names = names(loaded);
    let subjects = join_all(loaded.services.iter().map(|service| {
        subject(
            service,
            &names,
            loaded.chosen.contains(&service.service.name.as_str()),
        )
    }));
    let (mut subjects, commons) = futures::join!(subjects, commons::read(loaded));
    commons::hand_out(&mut subjects, commons);
    let system = System {
        manifest: loaded.manifest,
        subjects,
        offline: false,
    };
    rules::run(&system, &loaded.chosen, fail_on, started)
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
async fn subject<'a>(loaded: &'a LoadedService<'_>, names: &[String], chosen: bool) -> Subject<'a> {
    let service = loaded.service;
    let snapshot = match service.endpoint().filter(|_| chosen) {
        Some(endpoint) => Some(database(loaded, names, endpoint).await),
        None => None,
    };
    Subject {
        service,
        set: loaded.good_set(),
        lock: loaded.lock.clone(),
        snapshot,
        // Those of every service: a chosen one may lie inside of one that was not chosen.
        directories: files::read(service).await,
    }
}

async fn database(
    loaded: &LoadedService<'_>,
    names: &[String],
    endpoint: &Endpoint,
) -> Fact<Snapshot> {
    let name = format!("dbctl verify {}", loaded.service.name);
    let session = match connect(endpoint, Purpose::Read, &name).await {
        Ok(session) => session,
        Err(error) => return Fact::Unknown(Gap::new(error.message)),
    };
    let admin = admin(loaded, endpoint, &session, &name).await;
    let usable = admin.as_ref().and_then(|admin| admin.as_ref().ok());
    let read = snapshot_with_state(&session, usable, names).await;
    session.close().await;
    let refused = match admin {
        Some(Ok(admin)) => {
            admin.close().await;
            None
        }
        Some(Err(reason)) => Some(reason),
        None => None,
    };
    match read {
        Ok(mut snapshot) => {
            if let Some(reason) = refused {
                snapshot.explain_gaps(&reason);
            }
            Fact::Known(snapshot)
        }
        Err(error) => Fact::Unknown(Gap::new(format!(
            "{}: {}",
            endpoint.display(),
            describe(&error)
        ))),
    }
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
