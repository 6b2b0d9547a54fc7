//! Which files a run without a server has read: a set that nobody names is looked at by nobody, and that must be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Loaded;
use crate::compose::Deployment;
use crate::report::text::{count, one_line};

/// One sentence: the manifest, where the sets of the chosen services come from, and the compose files.
#[must_use]
pub fn sources(loaded: &Loaded<'_>, compose: Option<&Deployment>) -> String {
    let mut built_in = BTreeSet::new();
    let mut folders: BTreeMap<PathBuf, BTreeSet<&str>> = BTreeMap::new();
    for service in loaded.chosen().map(|chosen| chosen.service) {
        match (&service.set, &service.set_dir) {
            (Some(set), Some(folder)) => {
                let above = folder.parent().unwrap_or(folder).to_owned();
                folders.entry(above).or_default().insert(&set.value);
            }
            (Some(set), None) => drop(built_in.insert(set.value.as_str())),
            (None, _) => {}
        }
    }
    let mut sets: Vec<String> = folders
        .iter()
        .map(|(folder, sets)| format!("{} in {}", listed(sets), folder.display()))
        .collect();
    if !built_in.is_empty() {
        sets.push(format!("{} (built in)", listed(&built_in)));
    }
    if sets.is_empty() {
        sets.push("none".to_owned());
    }
    let compose = match compose {
        None => "none".to_owned(),
        Some(deployment) => {
            let files = deployment.project.files.join(", ");
            let known = deployment.parties.iter().any(|party| party.owner.is_some());
            match known {
                true => files,
                false => format!("{files} (no container of it is a service of the manifest)"),
            }
        }
    };
    one_line(&format!(
        "read: {}; sets: {}; compose files: {compose}",
        loaded.manifest.origin(),
        sets.join(", ")
    ))
}

/// The names, or how many there are where a line would not hold them.
fn listed(names: &BTreeSet<&str>) -> String {
    if names.len() > 8 {
        return count(names.len(), "set");
    }
    let names: Vec<&str> = names.iter().copied().collect();
    names.join(", ")
}
