//! SCRAM-SHA-256 (RFC 5802 and 7677): the client's side of a log-in, and whether a stored verifier belongs to a password (RFC 5803;
//! PostgreSQL documentation, "pg_authid").

mod exchange;
mod keys;

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secret::Secret;
pub(super) use exchange::{Binding, Exchange, Unproven};

/// More rounds than this are not worth computing: the answer is then "no", and the password is set again.
const MOST_ITERATIONS: u32 = 1_000_000;

/// Whether `verifier`, in the form `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`, was made from this password.
pub(super) fn matches(verifier: &str, password: &Secret) -> bool {
    server_key(verifier, password).is_some_and(|(stored, computed)| stored == computed)
}

/// The server key that the verifier stores and the one that the password gives.
fn server_key(verifier: &str, password: &Secret) -> Option<(Vec<u8>, Vec<u8>)> {
    let (parameters, keys) = verifier.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
    let (iterations, salt) = parameters.split_once(':')?;
    let iterations: NonZeroU32 = iterations.parse().ok()?;
    if iterations.get() > MOST_ITERATIONS {
        return None;
    }
    let stored = STANDARD.decode(keys.split_once(':')?.1).ok()?;
    let salt = STANDARD.decode(salt).ok()?;
    let computed = keys::keys(password, &salt, iterations).server;
    Some((stored, computed.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::matches;
    use crate::secret::Secret;
    use postgres_protocol::password::scram_sha_256;

    #[test]
    fn a_verifier_matches_its_own_password_alone() {
        for password in ["secret", "pässwörd ✓", "", "a'b\\c"] {
            let verifier = scram_sha_256(password.as_bytes());
            assert!(matches(&verifier, &Secret::new(password)), "{password}");
            assert!(!matches(&verifier, &Secret::new("another")));
        }
        let secret = Secret::new("secret");
        assert!(!matches("md5abcdef", &secret));
        assert!(!matches("SCRAM-SHA-256$x:y$z", &secret));
        assert!(!matches("SCRAM-SHA-256$0:c2FsdA==$a:a", &secret));
    }
}
