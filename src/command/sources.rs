//! Which files a run without a server has read: a set that nobody names is looked at by nobody, and that must be seen.

use std::collections::BTreeSet;

use super::Loaded;
use crate::compose::Deployment;

/// One sentence: the manifest, where the sets of the chosen services come from, and the compose files.
#[must_use]
pub fn sources(loaded: &Loaded<'_>, compose: Option<&Deployment>) -> String {
    let mut built_in = BTreeSet::new();
    let mut folders = BTreeSet::new();
    for service in loaded.chosen().map(|chosen| chosen.service) {
        match (&service.set, &service.set_dir) {
            (Some(_), Some(folder)) => drop(folders.insert(folder.display().to_string())),
            (Some(set), None) => drop(built_in.insert(set.value.as_str())),
            (None, _) => {}
        }
    }
    let mut sets: Vec<String> = folders.into_iter().collect();
    if !built_in.is_empty() {
        let names: Vec<&str> = built_in.into_iter().collect();
        sets.push(format!("{} (built in)", names.join(", ")));
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
    format!(
        "read: {}; sets: {}; compose files: {compose}",
        loaded.manifest.origin(),
        sets.join(", ")
    )
}
