//! The two keys that SCRAM makes of a password. Stretching costs milliseconds, and a run logs in many times with the same password, so
//! the keys are kept while the process lives.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ring::{hmac, pbkdf2};
use sha2::{Digest as _, Sha256};

use crate::secret::Secret;

/// The length in bytes of every key of SCRAM-SHA-256.
pub(super) const KEY: usize = 32;

/// How many passwords' keys are kept.
const MOST: usize = 64;

/// Who has one of them can log in, or pass for the server: neither is shown nor written.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) client: [u8; KEY],
    pub(super) server: [u8; KEY],
}

/// What the keys were made from, hashed: the password itself is not kept.
type Origin = [u8; KEY];

/// The keys by their origin, the oldest first. A slot is filled by whoever asks first; who asks meanwhile waits for that.
struct Kept(Mutex<VecDeque<(Origin, Arc<OnceLock<Keys>>)>>);

static KEPT: Kept = Kept::new();

/// The keys for this password, salt and number of rounds (RFC 5802, section 3).
pub(super) fn keys(password: &Secret, salt: &[u8], iterations: NonZeroU32) -> Keys {
    let password = prepared(password);
    KEPT.slot(origin(&password, salt, iterations))
        .get_or_init(|| derive(&password, salt, iterations))
        .clone()
}

/// The server prepares a password with SASLprep where it can, and takes it as it is where it cannot.
fn prepared(password: &Secret) -> Secret {
    let text = password.expose();
    Secret::new(stringprep::saslprep(text).unwrap_or(text.into()))
}

fn derive(password: &Secret, salt: &[u8], iterations: NonZeroU32) -> Keys {
    let mut salted = [0; KEY];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        password.expose().as_bytes(),
        &mut salted,
    );
    Keys {
        client: hmac(&salted, b"Client Key"),
        server: hmac(&salted, b"Server Key"),
    }
}

/// HMAC-SHA-256.
pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; KEY] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut sum = [0; KEY];
    for (to, from) in sum.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    sum
}

fn origin(password: &Secret, salt: &[u8], iterations: NonZeroU32) -> Origin {
    // Of a fixed length, so that no two origins run into one text.
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(password.expose()));
    hash.update(Sha256::digest(salt));
    hash.update(iterations.get().to_be_bytes());
    hash.finalize().into()
}

impl Kept {
    const fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// The slot of this origin, a new one where there is none.
    fn slot(&self, origin: Origin) -> Arc<OnceLock<Keys>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = kept.iter().find(|(known, _)| *known == origin) {
            return Arc::clone(slot);
        }
        if kept.len() >= MOST {
            kept.pop_front();
        }
        let slot = Arc::default();
        kept.push_back((origin, Arc::clone(&slot)));
        slot
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;

    use super::{KEPT, Kept, MOST, hmac, keys, origin};
    use crate::secret::Secret;

    fn rounds(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn a_password_is_stretched_once() {
        let password = Secret::new("kept");
        let made = origin(&password, b"salt", rounds(7));
        let slot = KEPT.slot(made);
        assert!(slot.get().is_none());
        let first = keys(&password, b"salt", rounds(7));
        assert_eq!(slot.get().unwrap().client, first.client);
        assert_eq!(
            keys(&password, b"salt", rounds(7)).server,
            slot.get().unwrap().server
        );
    }

    #[test]
    fn passwords_salts_and_rounds_are_told_apart() {
        let one = keys(&Secret::new("ab"), b"c", rounds(2));
        for other in [
            keys(&Secret::new("a"), b"bc", rounds(2)),
            keys(&Secret::new("ab"), b"d", rounds(2)),
            keys(&Secret::new("ab"), b"c", rounds(3)),
        ] {
            assert_ne!(one.client, other.client);
            assert_ne!(one.server, other.server);
        }
        assert_ne!(one.client, one.server);
    }

    #[test]
    fn what_was_kept_longest_goes_first() {
        let kept = Kept::new();
        let name = |number: usize| hmac(b"", &number.to_be_bytes());
        let (first, second) = (kept.slot(name(0)), kept.slot(name(1)));
        for number in 2..=MOST {
            kept.slot(name(number));
        }
        assert!(Arc::ptr_eq(&second, &kept.slot(name(1))));
        assert!(!Arc::ptr_eq(&first, &kept.slot(name(0))));
        assert_eq!(kept.0.lock().unwrap().len(), MOST);
    }
}
