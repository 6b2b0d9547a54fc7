//! What runs when a database is created: the files that are mounted on `/docker-entrypoint-initdb.d`.

use std::path::{Path, PathBuf};

use super::container::Container;
use super::load::LARGEST;
use crate::regular::read_regular;

/// Where the images look for them.
pub(super) const FOLDER: &str = "/docker-entrypoint-initdb.d";
/// How many files of one mount are read.
const MOST: usize = 200;

/// The scripts of one mount.
#[derive(Debug, Clone)]
pub struct Scripts {
    /// The position of the container among the project's.
    pub container: usize,
    /// The position of the mount among the container's.
    pub mount: usize,
    /// The scripts.
    pub files: Vec<Script>,
    /// What could not be read, and why.
    pub unread: Vec<String>,
}

/// One script.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its path.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

pub(super) fn read(containers: &[Container]) -> Vec<Scripts> {
    let mut found = Vec::new();
    for (container, of) in containers.iter().enumerate() {
        for (mount, of) in of.mounts.iter().enumerate() {
            if !of.is_init() {
                continue;
            }
            let mut scripts = Scripts {
                container,
                mount,
                files: Vec::new(),
                unread: Vec::new(),
            };
            match of.source.as_ref().and_then(|store| store.host.as_deref()) {
                Some(path) => folder(path, &mut scripts),
                None => scripts.unread.push(format!(
                    "{} is no directory of this host that is known",
                    of.shown()
                )),
            }
            found.push(scripts);
        }
    }
    found
}

fn folder(path: &Path, scripts: &mut Scripts) {
    let mut paths = vec![path.to_path_buf()];
    if path.is_dir() {
        match std::fs::read_dir(path) {
            Ok(entries) => {
                paths = entries
                    .filter_map(|entry| Some(entry.ok()?.path()))
                    .filter(|path| !path.is_dir())
                    .collect();
                paths.sort();
            }
            Err(error) => {
                let reason = format!("{} cannot be read: {error}", path.display());
                scripts.unread.push(reason);
                return;
            }
        }
    } else if !path.exists() {
        scripts
            .unread
            .push(format!("{} is not here", path.display()));
        return;
    }
    for path in paths.into_iter().take(MOST) {
        let name = path.to_string_lossy();
        let known = [".sql", ".sh"].iter().any(|end| name.ends_with(end));
        let packed = [".sql.gz", ".sql.xz", ".sql.zst"]
            .iter()
            .any(|end| name.ends_with(end));
        if packed {
            scripts.unread.push(format!("{name} is compressed"));
        }
        if !known {
            continue;
        }
        match read_regular(&path, LARGEST).map(String::from_utf8) {
            Ok(Ok(text)) => scripts.files.push(Script { path, text }),
            Ok(Err(_)) => scripts.unread.push(format!("{name} is not UTF-8")),
            Err(error) => scripts
                .unread
                .push(format!("{name} cannot be read: {error}")),
        }
    }
}
