//! Which files a run without a server has read: a set that nobody names is looked at by nobody, and that must be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Loaded;
use crate::compose::Deployment;
use crate::manifest::{Inputs, Manifest};
use crate::migration::LOCK_FILE;
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

/// One sentence where nobody named a manifest and none is there: whose system counts then. Somebody may be in the wrong folder.
#[must_use]
pub fn built_in(manifest: &Manifest, directory: &Path) -> Option<String> {
    if manifest.path.is_some() {
        return None;
    }
    let services = manifest.services.iter();
    let names: Vec<&str> = services.map(|service| service.name.as_str()).collect();
    Some(one_line(&format!(
        "no dbctl.toml in {}, and neither --config nor DBCTL_CONFIG: the built-in manifest counts ({})",
        directory.display(),
        names.join(", ")
    )))
}

/// Every file that a run reads and that can be named: the manifest, `.env`, the files of the sets and their locks, the compose files
/// and what these name.
#[must_use]
pub fn files_read(
    loaded: &Loaded<'_>,
    compose: Option<&Deployment>,
    inputs: &Inputs,
) -> Vec<PathBuf> {
    let mut files = vec![inputs.directory.join(".env")];
    files.extend(loaded.manifest.path.clone());
    for service in &loaded.manifest.services {
        files.extend(service.lock_file.clone());
        let entries = service.set_dir.as_ref().and_then(|it| it.read_dir().ok());
        let paths = entries.into_iter().flatten().flatten().map(|it| it.path());
        files.extend(paths.filter(|path| {
            path.extension().is_some_and(|ending| ending == "sql") || path.ends_with(LOCK_FILE)
        }));
    }
    files.extend(compose.into_iter().flat_map(|it| it.project.files_read()));
    files
}

/// The names, or how many there are where a line would not hold them.
fn listed(names: &BTreeSet<&str>) -> String {
    if names.len() > 8 {
        return count(names.len(), "set");
    }
    let names: Vec<&str> = names.iter().copied().collect();
    names.join(", ")
}
