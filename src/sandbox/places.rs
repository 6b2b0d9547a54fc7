//! The places where servers are usually installed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Patterns of folders, in the order in which they are looked at.
pub(super) fn places(env: &BTreeMap<String, String>) -> Vec<String> {
    let mut places = Vec::new();
    for cache in caches(env) {
        let cache = cache.display();
        places.push(format!("{cache}/postgresql-*/usr/lib/postgresql/*/bin"));
    }
    places.extend(
        [
            "/usr/lib/postgresql/*/bin",
            "/usr/pgsql-*/bin",
            "/usr/local/pgsql/bin",
            "/opt/homebrew/opt/postgresql@*/bin",
        ]
        .map(str::to_owned),
    );
    places
}

/// The caches that `scripts/postgres-runtime.sh` fills.
fn caches(env: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let mut caches: Vec<PathBuf> = set(env, "DBCTL_CACHE")
        .map(PathBuf::from)
        .into_iter()
        .collect();
    caches.push(PathBuf::from("/var/cache/dbctl"));
    let own = set(env, "XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| set(env, "HOME").map(|home| Path::new(home).join(".cache")));
    caches.extend(own.map(|own| own.join("dbctl")));
    caches
}

/// The folders that a pattern with `*` at the end of a component, or alone, stands for.
pub(super) fn expand(pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        folders = match part.strip_suffix('*') {
            None => folders
                .into_iter()
                .map(|folder| folder.join(part))
                .collect(),
            Some(prefix) => folders
                .iter()
                .flat_map(|folder| children(folder, prefix))
                .collect(),
        };
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

fn children(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut children: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect();
    children.sort();
    children
}

/// A variable that is set to something.
pub(super) fn set<'a>(env: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    env.get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}
