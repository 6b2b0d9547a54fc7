//! Why a service did not get into its database: the manifest knows whose database a URL leads to and whose role it logs in as, the
//! connection does not.

use crate::manifest::Endpoint;
use crate::migration::guard::{Party, wrong_database};
use crate::postgres::{ConnectError, Reason};

/// What is said of a connection that failed; `shared` says that another service has the same database, if so. Where the URL names
/// another database or role than the manifest, that is what is to be mended: letting that role in there, or making that database,
/// would be wrong.
pub(crate) fn not_entered(
    own: Party<'_>,
    others: &[Party<'_>],
    endpoint: &Endpoint,
    shared: Option<String>,
    error: ConnectError,
) -> String {
    let by_role = matches!(error.reason, Reason::LogIn | Reason::NoConnect);
    let by_name = by_role || error.reason == Reason::NoDatabase;
    let wrong = wrong_database(own, others, &endpoint.database)
        .filter(|_| by_name)
        .or_else(|| shared.filter(|_| by_name))
        .or_else(|| wrong_role(own, others, &endpoint.user).filter(|_| by_role));
    match wrong {
        Some(reason) => format!("{}; {reason}", error.fact),
        None => error.message,
    }
}

/// A log-in as another role than the manifest's.
pub(super) struct WrongRole {
    /// What is wrong, in words.
    pub(super) reason: String,
    /// Whether it is another service's. One that is nobody's may look.
    pub(super) foreign: bool,
}

/// Why a verb that writes does not begin: what it makes would belong to another role than the manifest's, which could then not use it.
pub(super) fn contradicts_role(
    own: Party<'_>,
    others: &[Party<'_>],
    endpoint: &Endpoint,
) -> Option<WrongRole> {
    own.role.filter(|role| *role != endpoint.user)?;
    // That it leads elsewhere is said first, and by itself.
    if endpoint.database != own.database {
        return None;
    }
    let reason = wrong_role(own, others, &endpoint.user)?;
    let user = Some(endpoint.user.as_str());
    Some(WrongRole {
        reason: format!("{}: {reason}", endpoint.display()),
        foreign: others.iter().any(|other| other.role == user),
    })
}

/// Whether the URL logs in as another role than the manifest's, or as one that another service logs in as.
pub(super) fn wrong_role(own: Party<'_>, others: &[Party<'_>], user: &str) -> Option<String> {
    let owner = others.iter().find(|other| other.role == Some(user));
    let role = own.role.filter(|role| *role != user);
    Some(match (role, owner) {
        (Some(role), Some(other)) => format!(
            "its role is {role}, but its URL logs in as {user}, which is the role of {}: mend {}",
            other.service,
            own.way.url()
        ),
        (Some(role), None) => {
            format!("its role is {role}, but its URL logs in as {user}: make them the same")
        }
        (None, _) => format!(
            "its URL logs in as {user}, which is also the role of {}: give {} a role of its own",
            owner?.service, own.service
        ),
    })
}
