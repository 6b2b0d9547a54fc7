//! What the verbs about one service need before they look at its database.

use super::LoadedService;
use crate::manifest::{Endpoint, Target};
use crate::migration::Set;
use crate::postgres::inspect::{self, Abilities};
use crate::snapshot::Lock;

/// Why a service is none for such a verb.
pub(super) enum Unusable {
    /// It has no database that dbctl keeps a history in.
    Refused(String),
    /// Its set or lock cannot be used.
    BadSet(String),
}

/// The service's database and set.
pub(super) fn target<'a>(
    service: &'a LoadedService<'a>,
) -> Result<(&'a Endpoint, &'a Set), Unusable> {
    let name = &service.service.name;
    let refused = |reason: String| Err(Unusable::Refused(reason));
    let endpoint = match &service.service.target {
        Target::Database(endpoint) => &endpoint.value,
        Target::Files => {
            return refused(format!(
                "{name} has no SQL database: there is nothing to do"
            ));
        }
        Target::NotConfigured { variables } => {
            return refused(format!(
                "{name} is not configured (single-user mode): set {} to name its database",
                variables.join(" or ")
            ));
        }
    };
    if !service.is_migrated() {
        return refused(format!(
            "{name} migrates itself (managed = \"service\" in the manifest): dbctl keeps no history for it"
        ));
    }
    match &service.set {
        Some(Ok(set)) => Ok((endpoint, set)),
        Some(Err(error)) => Err(Unusable::BadSet(error.to_string())),
        None => Err(Unusable::BadSet(format!("{name} has no migration set"))),
    }
}

/// The lock, if it was written from the set's present files and tells the versions apart; else why it cannot prove anything.
pub(super) fn proving_lock<'a>(
    service: &'a LoadedService<'_>,
    set: &Set,
) -> Result<&'a Lock, String> {
    let lock = service.lock.get().map_err(|gap| match gap.remedy {
        Some(remedy) => format!("{}: {remedy}", gap.reason),
        None => gap.reason,
    })?;
    if !lock.is_current(&set.sum()) {
        return Err(format!(
            "{} is older than its set: run dbctl lock --service {}, review it and check it in",
            set.lock_path(),
            service.service.name
        ));
    }
    if lock.versions.is_empty() {
        return Err(format!(
            "{} does not tell the set's versions apart: run dbctl lock --service {} to write it anew",
            set.lock_path(),
            service.service.name
        ));
    }
    Ok(lock)
}

/// Why the role cannot write, if so.
pub(super) fn unable(abilities: Abilities, endpoint: &Endpoint) -> Option<String> {
    let (shown, role) = (endpoint.display(), &endpoint.user);
    if !abilities.may_create {
        return Some(format!(
            "{shown}: role {role} may not create schemas in database {}: run {}, or make the role its owner",
            endpoint.database,
            endpoint.provision()
        ));
    }
    inspect::frozen(abilities, endpoint).map(|reason| format!("{shown}: {reason}"))
}
