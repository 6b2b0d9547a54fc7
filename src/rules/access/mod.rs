//! Rules of group `access`: who may enter, and what may the service's own role do elsewhere?

mod cluster;
mod common;
mod database;
mod defaults;
mod grant;
mod group;
mod hba;
mod login;
mod membership;
mod neighbours;
mod owner;
mod reach;
mod revoke;
mod role;
mod routine;
mod setting;
mod system;
mod tablespace;

use super::text::ident;
use super::{Case, Rule, Subject};
use crate::manifest::Topology;
use crate::snapshot::{Access, Fact, Snapshot};

/// The rules of this group.
pub(super) const RULES: &[Rule] = &[
    database::DATABASE_OWNER,
    database::PUBLIC_CONNECT,
    database::PUBLIC_DATABASE,
    database::FOREIGN_CONNECT,
    database::PUBLIC_SCHEMA_CREATE,
    grant::OBJECT_GRANT,
    system::SYSTEM_GRANT,
    defaults::DEFAULT_PRIVILEGES,
    owner::OBJECT_OWNER,
    cluster::OWNS_ELSEWHERE,
    routine::SECURITY_DEFINER_RULE,
    role::SUPERUSER,
    membership::MEMBERSHIP,
    group::SHARED_GROUP,
    setting::SETTING,
    cluster::PARAMETER_GRANT,
    tablespace::TABLESPACE,
    cluster::TEMPLATE_DATABASE,
    cluster::FOREIGN_SESSION,
    cluster::STREAMING_STANDBY,
    neighbours::FOREIGN_ROLE,
    neighbours::LOOK_ALIKE_ROLE,
    neighbours::WEAK_PASSWORD,
    role::DEFAULT_PASSWORD,
    role::TRUST,
    hba::HBA,
    login::FOREIGN_LOGIN,
    login::SHARED_PASSWORD,
];

pub(super) use common::given;
pub(super) use grant::spoken;
pub(super) use routine::told as definers;
pub(super) use setting::{elements, is_known_schema, is_stock_library_path};

fn database(case: &Case<'_>) -> String {
    ident(case.subject.service.database_name())
}

/// Another service's database in the same cluster, if there is one.
fn neighbour<'a>(case: &Case<'a>, access: &Access) -> Option<&'a str> {
    let own = case.subject.service.database_name();
    case.others()
        .filter_map(|other| other.service.database.as_ref())
        .map(|database| database.value.as_str())
        .find(|name| *name != own && access.databases.iter().any(|database| database == name))
}

/// Whether what one role may do in this cluster concerns other services.
pub(super) fn is_shared(case: &Case<'_>, access: &Access) -> bool {
    case.system.manifest.topology == Topology::Shared || neighbour(case, access).is_some()
}

/// The other service that logs in as this role, unless it is this service's own role as well.
pub(super) fn service_of<'a>(case: &Case<'a>, role: &str) -> Option<&'a str> {
    service_beside(case, case.subject, role)
}

/// The same as seen from another service than the one that is looked at.
fn service_beside<'a>(case: &Case<'a>, subject: &Subject<'_>, role: &str) -> Option<&'a str> {
    if subject.service.role_name() == Some(role) {
        return None;
    }
    let mut subjects = case.system.subjects.iter();
    let other = subjects.find(|other| {
        other.service.name != subject.service.name && other.service.role_name() == Some(role)
    })?;
    Some(other.service.name.as_str())
}

/// The services whose database is in this server and could not be looked at, for the one that speaks for the server: only a neighbour
/// can tell why.
fn unreached<'a>(case: &'a Case<'a>, access: &'a Access) -> impl Iterator<Item = &'a Subject<'a>> {
    let speaks = speaks_first(case);
    case.others().filter(move |other| {
        let unknown = other
            .snapshot
            .as_ref()
            .is_some_and(|fact| fact.known().is_none());
        let name = other.service.database_name();
        // What its own administrator says of it is said there.
        let silent = other.proofs.outside.is_none();
        speaks && unknown && silent && access.databases.iter().any(|here| here == name)
    })
}

/// Whether no earlier service of the same server was looked at: what concerns the whole server is said once. Where it cannot be told
/// which server it is, everybody says it.
fn speaks_first(case: &Case<'_>) -> bool {
    let identifier = |fact: Option<&Fact<Snapshot>>| {
        let snapshot = fact?.known()?;
        snapshot.identity.system_identifier.known().copied()
    };
    let Some(own) = identifier(case.subject.snapshot.as_ref()) else {
        return true;
    };
    !case
        .system
        .subjects
        .iter()
        .take_while(|subject| subject.service.name != case.name())
        .filter(|earlier| identifier(earlier.snapshot.as_ref()) == Some(own))
        .filter_map(|earlier| earlier.snapshot.as_ref()?.known())
        .any(|earlier| earlier.access.hba.known().is_some() && earlier.privileges.known().is_some())
}
