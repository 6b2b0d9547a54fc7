//! Why a service did not get into its database: the manifest knows whose database a URL leads to, the connection does not.

use crate::manifest::Endpoint;
use crate::migration::guard::{Party, wrong_database};
use crate::postgres::{ConnectError, Reason};

/// What is said of a connection that failed. Where the URL names another database than the manifest, that is what is to be mended:
/// letting the role in there, or making that database, would be wrong.
pub(crate) fn not_entered(
    own: Party<'_>,
    others: &[Party<'_>],
    endpoint: &Endpoint,
    error: ConnectError,
) -> String {
    let by_name = matches!(
        error.reason,
        Reason::LogIn | Reason::NoDatabase | Reason::NoConnect
    );
    match wrong_database(own, others, &endpoint.database) {
        Some(reason) if by_name => format!("{}; {reason}", error.fact),
        _ => error.message,
    }
}
