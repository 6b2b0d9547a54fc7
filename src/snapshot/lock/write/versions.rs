//! Writes the entries for versions, one object a line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::version::VersionEntry;
use super::super::{ObjectKey, key};
use super::{line, quoted};

pub(super) fn entry(out: &mut String, entry: &VersionEntry, majors: &[u32]) {
    out.push_str("\n[[migration]]\n");
    line(out, "version", &entry.version.to_string());
    line(out, "file", &quoted(&entry.file));
    line(out, "sum", &quoted(&entry.sum));
    if let Some(down) = &entry.down {
        line(out, "down", &quoted(down));
    }
    line(
        out,
        "fingerprint",
        &fingerprints(&entry.fingerprints, majors),
    );
    keys(out, "adds", &entry.adds);
    keys(out, "removes", &entry.removes);
    keys(out, "changes", &entry.changes);
}

/// One text where every major version of the lock has the same.
fn fingerprints(texts: &BTreeMap<u32, String>, majors: &[u32]) -> String {
    let distinct: BTreeSet<&String> = texts.values().collect();
    if let (Some(text), 1) = (distinct.first(), distinct.len())
        && texts.keys().eq(majors)
    {
        return quoted(text);
    }
    let texts: Vec<String> = texts
        .iter()
        .map(|(major, text)| format!("{major} = {}", quoted(text)))
        .collect();
    format!("{{ {} }}", texts.join(", "))
}

fn keys(out: &mut String, name: &str, keys: &BTreeSet<ObjectKey>) {
    if keys.is_empty() {
        return;
    }
    let _ = writeln!(out, "{name} = [");
    for key in keys {
        let _ = writeln!(out, "  {},", quoted(&key::write(key)));
    }
    out.push_str("]\n");
}
