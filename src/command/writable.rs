//! What a verb needs of a database before it writes to it.

use crate::manifest::Endpoint;
use crate::postgres::inspect::Abilities;

/// Why the server or the role takes no writes, if so.
pub(super) fn unable(abilities: Abilities, endpoint: &Endpoint) -> Option<String> {
    let (shown, role) = (endpoint.display(), &endpoint.user);
    if abilities.standby {
        return Some(format!(
            "{shown}: the server is a standby, which takes no writes: give the URL of its primary"
        ));
    }
    if !abilities.may_create {
        return Some(format!(
            "{shown}: role {role} may not create schemas in database {}: run dbctl provision, or make the role its owner",
            endpoint.database
        ));
    }
    abilities.read_only.then(|| {
        format!(
            "{shown}: every transaction of role {role} in this database starts read-only (default_transaction_read_only is on): \
             somebody froze it; ALTER DATABASE or ALTER ROLE … RESET default_transaction_read_only ends that"
        )
    })
}
