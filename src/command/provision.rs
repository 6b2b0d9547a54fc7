//! `dbctl provision`: roles, databases, privileges, directories. Each step looks first and says what was already so; with `--dry-run` it
//! only looks.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures::StreamExt as _;

use super::entrance::wrong_role;
use super::{Interrupt, Loaded, LoadedService};
use crate::exit::Exit;
use crate::files;
use crate::manifest::{Endpoint, Host, Store, Target};
use crate::migration::guard::wrong_database;
use crate::postgres::provision::{ProvisionError, Wanted, attempted, prove, provision};
use crate::postgres::{Event, Purpose};
use crate::report::provision::{Report, ServiceSteps, Step};

/// How long a name server may take to say what a name means: as long as a connection attempt may.
const LOOKUP: Duration = Duration::from_secs(10);

/// Is told what a service waits for.
type Observer<'a> = dyn Fn(&str, Event) + Sync + 'a;

/// Provisions the chosen services, one after the other: several may share a server and its role catalog. With `dry_run` nothing is changed.
pub async fn run(
    loaded: &Loaded<'_>,
    dry_run: bool,
    observer: &Observer<'_>,
    interrupt: &Interrupt,
) -> Report {
    let services = futures::stream::iter(loaded.chosen())
        .then(|service| one(loaded, service, dry_run, observer, interrupt))
        .collect()
        .await;
    Report { dry_run, services }
}

async fn one(
    loaded: &Loaded<'_>,
    loaded_service: &LoadedService<'_>,
    dry_run: bool,
    observer: &Observer<'_>,
    interrupt: &Interrupt,
) -> ServiceSteps {
    let service = loaded_service.service;
    let mut report = ServiceSteps {
        name: service.name.clone(),
        address: None,
        steps: Vec::new(),
        error: None,
        exit: Exit::Done,
    };
    if interrupt.raised() {
        report.exit = Exit::Interrupted;
        report.error = Some("interrupted before anything was changed".to_owned());
        return report;
    }
    match &service.target {
        Target::Files => {}
        Target::NotConfigured { variables } => report.steps.push(Step {
            what: "database".to_owned(),
            done: format!(
                "not configured (single-user mode): none of {} is set",
                variables.join(", ")
            ),
            changed: false,
            warning: false,
        }),
        Target::Database(endpoint) => {
            let (steps, error) = database(
                loaded,
                loaded_service,
                &endpoint.value,
                dry_run,
                observer,
                interrupt,
            )
            .await;
            report.address = service.admin.as_ref().map(|admin| admin.value.address());
            report.steps = steps;
            if let Some((exit, error)) = error {
                report.exit = exit;
                report.error = Some(error);
            }
            if report.exit == Exit::Interrupted {
                return report;
            }
        }
    }
    for step in files::create(service, dry_run) {
        if !step.done {
            report.exit = report.exit.worst(Exit::Incomplete);
        }
        let noteworthy = step.warning.is_some();
        report.steps.push(Step {
            what: step.what,
            done: match (step.warning, step.changed, step.done) {
                (Some(warning), _, true) => warning,
                (Some(warning), _, false) => format!("not created: {warning}"),
                (None, true, _) => "created, private".to_owned(),
                (None, false, _) => "already there, private".to_owned(),
            },
            changed: step.changed,
            warning: noteworthy,
        });
    }
    if dry_run {
        for step in report.steps.iter_mut().filter(|step| step.changed) {
            step.done = format!("would be {}", step.done);
        }
    }
    report
}

async fn database(
    loaded: &Loaded<'_>,
    loaded_service: &LoadedService<'_>,
    endpoint: &Endpoint,
    dry_run: bool,
    observer: &Observer<'_>,
    interrupt: &Interrupt,
) -> (Vec<Step>, Option<(Exit, String)>) {
    let service = loaded_service.service;
    let refuse = |reason: String| (Vec::new(), Some((Exit::Refused, reason)));
    let Some(admin) = &service.admin else {
        let variable = service
            .variables
            .iter()
            .find(|(key, _)| *key == "admin_url")
            .and_then(|(_, names)| names.first());
        return refuse(variable.map_or_else(
            || {
                "provision needs a superuser's URL: add admin_url to the service in the manifest"
                    .to_owned()
            },
            |variable| format!("provision needs a superuser's URL: set {variable}"),
        ));
    };
    let (own, others) = (loaded_service.party(), loaded.others(&service.name));
    let wrong = wrong_database(own, &others, &endpoint.database)
        .or_else(|| wrong_role(own, &others, &endpoint.user));
    if let Some(reason) = wrong {
        return refuse(reason);
    }
    let same = tokio::select! {
        same = same_place(&admin.value, endpoint) => same,
        () = interrupt.wait() => {
            let reason = "interrupted before anything was changed".to_owned();
            return (Vec::new(), Some((Exit::Interrupted, reason)));
        }
    };
    if !same {
        return refuse(format!(
            "admin_url leads to {}, and the service's own way to {}: these may be two servers, and the wrong one would be changed; \
             nothing was changed: give both the same host and port",
            admin.value.address(),
            endpoint.address()
        ));
    }
    let wanted = Wanted {
        service: service.name.clone(),
        role: endpoint.user.clone(),
        password: endpoint.password.clone(),
        password_variable: endpoint
            .unset_password()
            // A role with a certificate needs none.
            .filter(|_| endpoint.client_certificate.is_none())
            .map(ToOwned::to_owned),
        database: service.database_name().to_owned(),
        other_roles: loaded
            .services
            .iter()
            .filter(|other| other.service.name != service.name)
            .filter_map(|other| other.service.role_name().map(ToOwned::to_owned))
            .filter(|other| other != &endpoint.user)
            .collect(),
        timescaledb: service.store == Store::TimescaleDb,
    };
    let purpose = if dry_run {
        Purpose::Read
    } else {
        Purpose::Write
    };
    let interrupt = interrupt.receiver();
    let observer = |event| observer(&service.name, event);
    let (mut steps, mut result) =
        provision(&admin.value, &wanted, purpose, &interrupt, &observer).await;
    if result.is_ok() && dry_run {
        steps.push(attempted(endpoint));
    } else if result.is_ok() {
        match prove(&admin.value, endpoint, &interrupt).await {
            Ok(step) => steps.push(step),
            Err(error) => result = Err(error),
        }
    }
    let steps = steps
        .into_iter()
        .map(|step| Step {
            what: step.what,
            done: step.done,
            changed: step.changed,
            warning: step.warning,
        })
        .collect();
    let error = result.err().map(|error| {
        let exit = match error {
            ProvisionError::Refused(_) => Exit::Refused,
            ProvisionError::Locked(_) | ProvisionError::Blocked(_) => Exit::Locked,
            ProvisionError::Interrupted(_) => Exit::Interrupted,
            ProvisionError::Unreachable(_)
            | ProvisionError::Cancelled { .. }
            | ProvisionError::Failed(_)
            | ProvisionError::Raced(_) => Exit::Incomplete,
        };
        (exit, error.to_string())
    });
    (steps, error)
}

/// Whether two endpoints lead to one server, as far as addresses tell: the same port, and hosts that are equal, both this machine, or
/// resolve to a common address.
async fn same_place(a: &Endpoint, b: &Endpoint) -> bool {
    for a in &a.hosts {
        for b in b.hosts.iter().filter(|b| a.port == b.port) {
            if same_host(a, b).await {
                return true;
            }
        }
    }
    false
}

async fn same_host(a: &Host, b: &Host) -> bool {
    if a.name == b.name {
        return true;
    }
    let (a, b) = futures::join!(addresses(a), addresses(b));
    let local = |addresses: &[IpAddr]| addresses.iter().any(IpAddr::is_loopback);
    (local(&a) && local(&b)) || a.iter().any(|address| b.contains(address))
}

/// What a host's name means. One that means nothing in time is equal to none but itself.
async fn addresses(host: &Host) -> Vec<IpAddr> {
    if host.is_socket() {
        // A socket is on this machine.
        return vec![Ipv4Addr::LOCALHOST.into()];
    }
    let found = tokio::net::lookup_host((host.name.as_str(), host.port));
    match tokio::time::timeout(LOOKUP, found).await {
        Ok(Ok(found)) => found.map(|address| address.ip().to_canonical()).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::same_place;
    use crate::manifest::Endpoint;

    #[tokio::test]
    async fn two_ways_to_one_server_are_known() {
        for (a, b, same) in [
            ("localhost:5432", "127.0.0.1:5432", true),
            ("[::1]:5432", "127.0.0.1", true),
            ("%2Ftmp:5432", "localhost", true),
            ("localhost:5432", "127.0.0.1:5433", false),
            ("10.0.0.1", "10.0.0.2", false),
            ("nowhere.invalid", "nowhere.invalid", true),
            ("nowhere.invalid", "elsewhere.invalid", false),
            ("10.0.0.1,10.0.0.2", "10.0.0.2", true),
        ] {
            let endpoint =
                |hosts: &str| Endpoint::parse(&format!("postgresql://u@{hosts}/d")).unwrap();
            assert_eq!(
                same_place(&endpoint(a), &endpoint(b)).await,
                same,
                "{a} {b}"
            );
        }
    }
}
