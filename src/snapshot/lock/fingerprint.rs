//! One short text for a whole catalog: equal catalogs have equal fingerprints.

use sha2::{Digest, Sha256};

use super::super::attributes::depends_on_reader;
use super::Snapshot;

/// How many hexadecimal digits a fingerprint has: 128 bits, enough that no two catalogs share one by chance.
pub(super) const DIGITS: usize = 32;

/// The fingerprint of a database's catalog: a hash over what a lock would hold of it on this major version. Two snapshots of one
/// major version have the same if and only if [`diff`](crate::snapshot::diff) would find no difference between them.
#[must_use]
pub fn fingerprint(snapshot: &Snapshot) -> String {
    let mut objects: Vec<_> = snapshot.objects.iter().collect();
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    let mut hash = Sha256::new();
    for object in objects {
        let key = &object.key;
        let attributes: Vec<_> = object
            .attributes
            .iter()
            .filter(|(name, _)| !depends_on_reader(key.kind, name))
            .collect();
        let names = [
            key.kind.as_str(),
            &key.schema,
            &key.parent,
            &key.name,
            &key.arguments,
        ];
        for text in names {
            add(&mut hash, text);
        }
        hash.update((attributes.len() as u64).to_le_bytes());
        for (name, text) in attributes {
            add(&mut hash, name);
            add(&mut hash, text);
        }
    }
    let mut digits = hex(&hash.finalize());
    digits.truncate(DIGITS);
    digits
}

/// The hash over a file's text, as a lock holds it.
#[must_use]
pub fn text_sum(text: &str) -> String {
    // A checkout with other line ends is the same file.
    format!(
        "sha256:{}",
        hex(&Sha256::digest(text.replace("\r\n", "\n")))
    )
}

/// The length comes first, so that no two lists of texts read the same.
fn add(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
