//! The databases of a server that belong to no service: `template1`, which new databases are copies of, and `postgres`.

use futures::future::join_all;

use super::{Loaded, LoadedService};
use crate::manifest::{Endpoint, Host};
use crate::postgres::{ConnectError, Purpose, Reason, common_content, connect, describe};
use crate::rules::Subject;
use crate::snapshot::{Common, CommonContent, Fact, Gap};

/// Their names. Both are on every server that nobody took them from.
const COMMONS: [&str; 2] = ["template1", "postgres"];

/// What was read of one server, for one service that uses it.
pub(super) struct OfServer {
    service: String,
    commons: Vec<Common>,
}

/// Reads them once for each address that a chosen service uses: as its administrator where there is one, else as the service.
pub(super) async fn read(loaded: &Loaded<'_>) -> Vec<OfServer> {
    let mut servers: Vec<(&[Host], &LoadedService<'_>)> = Vec::new();
    for service in loaded.chosen() {
        let Some(endpoint) = service.service.endpoint() else {
            continue;
        };
        match servers
            .iter_mut()
            .find(|(hosts, _)| *hosts == endpoint.hosts)
        {
            // One with an administrator sees more.
            Some((_, known))
                if known.service.admin.is_none() && service.service.admin.is_some() =>
            {
                *known = service;
            }
            Some(_) => {}
            None => servers.push((&endpoint.hosts, service)),
        }
    }
    join_all(servers.into_iter().map(|(_, service)| of_server(service))).await
}

/// Puts what was read into the snapshot of the service that it was read for.
pub(super) fn hand_out(subjects: &mut [Subject<'_>], read: Vec<OfServer>) {
    for server in read {
        let subject = subjects
            .iter_mut()
            .find(|subject| subject.service.name == server.service);
        if let Some(Fact::Known(snapshot)) = subject.and_then(|subject| subject.snapshot.as_mut()) {
            snapshot.state.commons = server
                .commons
                .into_iter()
                .filter(|common| {
                    // A server may have been set up without a database postgres.
                    common.database != "postgres"
                        || snapshot.access.databases.contains(&common.database)
                })
                .collect();
        }
    }
}

async fn of_server(loaded: &LoadedService<'_>) -> OfServer {
    let service = loaded.service;
    let commons = COMMONS
        .into_iter()
        // Unless it is the service's own.
        .filter(|database| *database != service.database_name())
        .map(async |database| Common {
            database: database.to_owned(),
            content: content(loaded, database).await,
        });
    OfServer {
        service: service.name.clone(),
        commons: join_all(commons).await,
    }
}

/// What is in one of them, read with whichever log-in comes in.
async fn content(loaded: &LoadedService<'_>, database: &str) -> Fact<CommonContent> {
    let service = loaded.service;
    let admin = service.admin_endpoint();
    let mut refused = None;
    for endpoint in admin.into_iter().chain(service.endpoint()) {
        let there = Endpoint {
            database: database.to_owned(),
            ..endpoint.clone()
        };
        let name = format!("dbctl verify {}", service.name);
        match connect(&there, Purpose::Read, &name).await {
            Ok(session) => {
                let read = common_content(&session).await;
                session.leave().await;
                return match read {
                    Ok(content) => Fact::Known(content),
                    Err(error) => Fact::Unknown(Gap::new(format!(
                        "database {database}: {}",
                        describe(&error)
                    ))),
                };
            }
            Err(error) => refused = Some(error),
        }
    }
    Fact::Unknown(gap(service.role_name(), database, refused.as_ref()))
}

fn gap(role: Option<&str>, database: &str, error: Option<&ConnectError>) -> Gap {
    Gap {
        reason: error.map_or_else(
            || format!("database {database} was not looked at"),
            |error| match error.reason {
                Reason::NoEntry => format!(
                    "database {database} could not be looked at: the pooler in front of the server has no entry for it ({})",
                    error.fact
                ),
                _ => format!("database {database} could not be looked at: {}", error.fact),
            },
        ),
        remedy: role.map(|role| match error.map(|error| error.reason) {
            Some(Reason::NoEntry) => format!(
                "give the pooler an entry for it ({database} = host=… in [databases]), or the service an admin_url that names the server itself"
            ),
            Some(Reason::NoConnect | Reason::LogIn) | None => format!(
                "GRANT CONNECT ON DATABASE {database} TO \"{}\"{}",
                role.replace('"', "\"\""),
                Gap::OR_ADMIN
            ),
            // The role may connect, and something else is in the way.
            Some(_) => format!(
                "let a second session in beside the first, and run verify again{}",
                Gap::OR_ADMIN
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_may_not_connect_is_told_to_be_granted_that() {
        for (reason, grants) in [
            (Reason::NoConnect, true),
            // Too many connections, for one.
            (Reason::Refused, false),
            (Reason::Unreachable, false),
            (Reason::NoEntry, false),
        ] {
            let error = ConnectError {
                reason,
                message: String::new(),
                fact: String::new(),
            };
            let gap = gap(Some("a"), "template1", Some(&error));
            let remedy = gap.remedy.unwrap_or_default();
            assert_eq!(remedy.starts_with("GRANT CONNECT"), grants, "{remedy}");
            assert_eq!(
                remedy.contains("[databases]"),
                reason == Reason::NoEntry,
                "{remedy}"
            );
        }
    }
}
