//! Rules of group `access`: who may enter, and what may the service's own role do elsewhere?

mod database;
mod login;
mod owner;
mod role;

use super::text::ident;
use super::{Case, Rule};
use crate::manifest::Topology;
use crate::snapshot::Access;

/// The rules of this group.
pub(super) const RULES: &[Rule] = &[
    database::DATABASE_OWNER,
    database::PUBLIC_CONNECT,
    database::PUBLIC_DATABASE,
    database::FOREIGN_CONNECT,
    database::PUBLIC_SCHEMA_CREATE,
    owner::OBJECT_OWNER,
    role::SUPERUSER,
    role::MEMBERSHIP,
    role::DEFAULT_PASSWORD,
    role::TRUST,
    login::FOREIGN_LOGIN,
    login::SHARED_PASSWORD,
];

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
    if case.subject.service.role_name() == Some(role) {
        return None;
    }
    case.others()
        .find(|other| other.service.role_name() == Some(role))
        .map(|other| other.service.name.as_str())
}
