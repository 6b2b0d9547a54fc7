//! Where a connection string, a server or a job leads: which service of the manifest is there.

use crate::rules::{Case, Subject, System};
use crate::snapshot::Dsn;

/// The service at the end of a connection string. Its own may be one too: then nobody else is concerned.
pub(super) fn service_at<'a>(
    system: &'a System<'a>,
    own: &str,
    dsn: &Dsn,
) -> Option<&'a Subject<'a>> {
    let ranked = |subject: &&'a Subject<'a>| rank(subject, dsn);
    let best = system.subjects.iter().map(|s| ranked(&s)).max()?;
    if best == 0 {
        return None;
    }
    let mut candidates = system.subjects.iter().filter(|s| ranked(s) == best);
    // Of several that fit equally well, the own one: nobody is accused on a guess.
    let first = candidates.clone().next();
    candidates.find(|s| s.service.name == own).or(first)
}

/// The other service there, by name.
pub(super) fn other_at<'a>(case: &Case<'a>, dsn: &Dsn) -> Option<&'a str> {
    let name = case.subject.service.name.as_str();
    let found = service_at(case.system, name, dsn)?.service.name.as_str();
    (found != name).then_some(found)
}

/// How well a connection string fits a service: the database counts most, then the address, then the role.
fn rank(subject: &Subject<'_>, dsn: &Dsn) -> u8 {
    let service = subject.service;
    let same = |ours: Option<&str>, theirs: &Option<String>| matches!((ours, theirs), (Some(ours), Some(theirs)) if ours == theirs && !ours.is_empty());
    let database = same(Some(service.database_name()), &dsn.dbname);
    if dsn.dbname.is_some() && !database {
        return 0;
    }
    let role = same(service.role_name(), &dsn.user);
    let address = dsn
        .host
        .as_deref()
        .is_some_and(|host| is_at(subject, host, dsn.port.as_deref()));
    u8::from(database) * 4 + u8::from(address) * 2 + u8::from(role)
}

/// Whether a service's database is at this address: one of its hosts, or its container.
fn is_at(subject: &Subject<'_>, hosts: &str, port: Option<&str>) -> bool {
    let service = subject.service;
    let container = service.container.as_ref().map(|name| name.value.as_str());
    hosts.split(',').map(str::trim).any(|host| {
        container.is_some_and(|name| name.eq_ignore_ascii_case(host))
            || service.endpoint().is_some_and(|endpoint| {
                endpoint.hosts.iter().any(|own| {
                    (own.name.eq_ignore_ascii_case(host)
                        || (is_loopback(&own.name) && is_loopback(host)))
                        && port.is_none_or(|port| port == own.port.to_string())
                })
            })
    })
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "::1") || host.starts_with("127.")
}
