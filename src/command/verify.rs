//! `dbctl verify`: reads facts everywhere, in read-only sessions, and asks every rule about them.

use std::time::Instant;

use futures::future::join_all;

use super::system::texts;
use super::{Loaded, LoadedService};
use crate::files;
use crate::manifest::Endpoint;
use crate::migration::SetFacts;
use crate::postgres::{Purpose, Session, connect, describe, same_database, snapshot};
use crate::report::verify::Report;
use crate::rules::{self, Severity, Subject, System};
use crate::snapshot::{Fact, Gap, Snapshot};

/// Verifies the chosen services.
pub async fn run(loaded: &Loaded<'_>, fail_on: Severity) -> Report {
    let started = Instant::now();
    let subjects = join_all(
        loaded
            .services
            .iter()
            .zip(texts(loaded))
            .map(|(service, texts)| {
                subject(
                    service,
                    texts,
                    loaded.chosen.contains(&service.service.name.as_str()),
                )
            }),
    )
    .await;
    let system = System {
        manifest: loaded.manifest,
        subjects,
        offline: false,
    };
    rules::run(&system, &loaded.chosen, fail_on, started)
}

/// Everything that is to be known about one service. One that was not chosen is known by its set, lock and directories.
async fn subject<'a>(
    loaded: &'a LoadedService<'_>,
    texts: Option<SetFacts>,
    chosen: bool,
) -> Subject<'a> {
    let service = loaded.service;
    let snapshot = match service.endpoint().filter(|_| chosen) {
        Some(endpoint) => Some(database(loaded, endpoint).await),
        None => None,
    };
    Subject {
        service,
        set: loaded.good_set(),
        texts,
        lock: loaded.lock.clone(),
        snapshot,
        // Those of every service: a chosen one may lie inside of one that was not chosen.
        directories: files::read(service).await,
    }
}

async fn database(loaded: &LoadedService<'_>, endpoint: &Endpoint) -> Fact<Snapshot> {
    let name = format!("dbctl verify {}", loaded.service.name);
    let session = match connect(endpoint, Purpose::Read, &name).await {
        Ok(session) => session,
        Err(error) => return Fact::Unknown(Gap::new(error.message)),
    };
    let admin = admin(loaded, endpoint, &session, &name).await;
    let usable = admin.as_ref().and_then(|admin| admin.as_ref().ok());
    let read = snapshot(&session, usable).await;
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
