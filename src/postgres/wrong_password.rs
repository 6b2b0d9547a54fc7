//! What to do about a password that the server does not accept: it has to be mended where it is from.

use tokio_postgres::error::SqlState;

use super::inspect::plain_or_quoted;
use super::wire::OpenError;
use crate::manifest::{Endpoint, Host, Source};

/// Whether the server has refused a password; of a role that it does not have it says the same.
pub(super) fn is_wrong_password(error: &OpenError) -> bool {
    matches!(error, OpenError::Driver(error) if error.code() == Some(&SqlState::INVALID_PASSWORD))
}

/// What to do about a service's password.
pub(super) fn mend(endpoint: &Endpoint, host: &Host) -> String {
    let provision = endpoint.provision();
    let mend = match (&endpoint.password_source, endpoint.filed_line(host)) {
        (_, Some(line)) => format!(
            "mend {line}, or give the role that password: ALTER ROLE {} PASSWORD '…' ({provision} sets none that is in a password file)",
            plain_or_quoted(&endpoint.user)
        ),
        (Some((_, Source::Env(name) | Source::DotEnv(name))), None) => {
            format!("mend {name}, or let {provision} give the role the password that is there")
        }
        (Some((key, Source::Default)), None) => format!(
            "set the variable that the manifest's {key} names, or let {provision} give the role the manifest's default"
        ),
        (Some((key, source)), None) => {
            format!(
                "mend {key} ({source}), or let {provision} give the role the password that is there"
            )
        }
        (None, None) => "mend it in the URL".to_owned(),
    };
    format!(
        "the password is wrong, the role has expired (VALID UNTIL), or there is no such role: {mend}"
    )
}

/// What to do about an administrator's role or password.
pub(super) fn mend_admin(endpoint: &Endpoint, host: &Host) -> String {
    let password = match endpoint.filed_line(host) {
        Some(line) => format!("the role of admin_url, the password in {line},"),
        None => "role and password of admin_url,".to_owned(),
    };
    format!("check {password} and the server's pg_hba.conf")
}
