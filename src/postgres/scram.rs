//! Whether a stored SCRAM verifier belongs to a password (RFC 5802 and 5803; PostgreSQL documentation, "pg_authid").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// More rounds than this are not worth computing: the answer is then "no", and the password is set again.
const MOST_ITERATIONS: u32 = 1_000_000;

/// Whether `verifier`, in the form `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`, was made from this password.
pub(super) fn matches(verifier: &str, password: &str) -> bool {
    server_key(verifier, password).is_some_and(|(stored, computed)| stored == computed)
}

/// The server key that the verifier stores and the one that the password gives.
fn server_key(verifier: &str, password: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (parameters, keys) = verifier.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
    let (iterations, salt) = parameters.split_once(':')?;
    let iterations: u32 = iterations.parse().ok()?;
    if iterations > MOST_ITERATIONS {
        return None;
    }
    let stored = STANDARD.decode(keys.split_once(':')?.1).ok()?;
    // The server prepares a password with SASLprep where it can, and takes it as it is where it cannot.
    let prepared = stringprep::saslprep(password)
        .map_or_else(|_| password.to_owned(), std::borrow::Cow::into_owned);
    let salted = stretch(
        prepared.as_bytes(),
        &STANDARD.decode(salt).ok()?,
        iterations,
    )?;
    Some((stored, keyed(&salted, &[b"Server Key"])?))
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().to_vec())
}

/// `Hi()` of RFC 5802: PBKDF2 with HMAC-SHA-256 and one block of output.
fn stretch(password: &[u8], salt: &[u8], iterations: u32) -> Option<Vec<u8>> {
    let mut round = keyed(password, &[salt, &1_u32.to_be_bytes()])?;
    let mut sum = round.clone();
    for _ in 1..iterations {
        round = keyed(password, &[&round])?;
        for (sum, byte) in sum.iter_mut().zip(&round) {
            *sum ^= byte;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::matches;
    use postgres_protocol::password::scram_sha_256;

    #[test]
    fn a_verifier_matches_its_own_password_alone() {
        for password in ["secret", "pässwörd ✓", "", "a'b\\c"] {
            let verifier = scram_sha_256(password.as_bytes());
            assert!(matches(&verifier, password), "{password}");
            assert!(!matches(&verifier, "another"));
        }
        assert!(!matches("md5abcdef", "secret"));
        assert!(!matches("SCRAM-SHA-256$x:y$z", "secret"));
    }
}
