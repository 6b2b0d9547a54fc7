//! What runs when a database is created: what lies in `/docker-entrypoint-initdb.d` of its container (Docker Hub, "postgres",
//! "Initialization scripts"), and what that reads in turn.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use super::container::Container;
use super::dockerfile::Built;
use super::path::{Store, rest_of};
use super::provided::Provided;
use super::shell::{self, Told};
use super::text::Text;
use super::{Place, psql};

/// Where the images look for them.
pub(super) const FOLDER: &str = "/docker-entrypoint-initdb.d";
/// How many scripts of one mount are read.
const MOST: usize = 200;

/// The scripts of one mount, config or secret.
#[derive(Debug, Clone)]
pub struct Scripts {
    /// The position of the container among the project's.
    pub container: usize,
    /// Where the container is given them.
    pub place: Place,
    /// How people call it.
    pub shown: String,
    /// What makes two of them one; `None` for an anonymous volume.
    pub store: Option<Store>,
    /// The scripts.
    pub files: Vec<Script>,
    /// What could not be read, and why.
    pub unread: Vec<String>,
    /// The files of this host that were read.
    pub(super) read: Vec<PathBuf>,
}

/// One script. It may hold passwords.
#[derive(Debug, Clone)]
pub struct Script {
    /// How people call it: its path, or the config that it is.
    pub shown: String,
    /// Whether all of it is SQL.
    pub is_sql: bool,
    /// SQL that it runs. A part that only running it would tell is an unknown variable.
    pub sql: Vec<Text>,
    /// Words that may be the name of a database or role.
    pub words: Vec<Text>,
    /// Names of tables that are given to programs.
    pub tables: Vec<Text>,
}

/// A script that is still to be read: in which language, by which path in the container.
struct Waiting {
    file: Provided,
    path: String,
    is_sql: bool,
}

pub(super) fn read(containers: &[Container]) -> Vec<Scripts> {
    let mut found = Vec::new();
    for (index, container) in containers.iter().enumerate() {
        for mount in container.mounts.iter().filter(|mount| mount.is_init()) {
            let mut scripts =
                Scripts::none_of(index, &mount.place, mount.shown(), mount.source.as_ref());
            match mount.source.as_ref().filter(|store| store.host.is_some()) {
                Some(store) => scripts.take_all(store, mount.target.raw(), container),
                None => scripts.unread.push(format!(
                    "{} is no directory of this host that is known",
                    mount.shown()
                )),
            }
            found.push(scripts);
        }
        for built in &container.built {
            found.push(of_build(index, container, built));
        }
        for grant in container.grants.iter().filter(|grant| grant.is_init()) {
            let file = grant.file();
            let mut scripts =
                Scripts::none_of(index, &grant.place, &file.shown, Some(&grant.store));
            scripts.take(vec![(grant.target.clone(), file)], container);
            found.push(scripts);
        }
    }
    found
}

/// The scripts that a `build` puts into the image.
fn of_build(index: usize, container: &Container, built: &Built) -> Scripts {
    let shown = format!("{} of the image of {}", built.target, container.name);
    let mut scripts = Scripts::none_of(index, &built.place, &shown, built.source.as_ref().ok());
    match &built.source {
        Ok(store) => scripts.take_all(store, &built.target, container),
        Err(why) => scripts.unread.push(why.clone()),
    }
    scripts
}

/// Images with the official entrypoint. It goes through `/docker-entrypoint-initdb.d/*` and runs `*.sh`, `*.sql`, `*.sql.gz`,
/// `*.sql.xz` and `*.sql.zst`; all else it ignores, folders and files of other endings alike (docker-library/postgres,
/// `docker_process_init_files`). Bitnami's looks into folders, too.
const OFFICIAL: [&str; 6] = [
    "pgvector",
    "postgis",
    "postgres",
    "timescaledb",
    "timescaledb-ha",
    "timescaledb-postgis",
];

fn is_official(container: &Container) -> bool {
    let name = container.image_name();
    !container.build && name.is_some_and(|name| OFFICIAL.contains(&name))
}

/// The names of the files of a mount, with their paths in the container. A file that is mounted alone is called as its target.
fn names(
    path: &Path,
    rest: &str,
    is_official: bool,
    unread: &mut Vec<String>,
) -> Vec<(String, String)> {
    if !path.exists() {
        unread.push(format!("{} is not here", path.display()));
        return Vec::new();
    }
    if !path.is_dir() {
        return vec![(rest.to_owned(), format!("{FOLDER}/{rest}"))];
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            unread.push(format!("{} cannot be read: {error}", path.display()));
            return Vec::new();
        }
    };
    let (folders, files): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.path().is_dir());
    if !is_official {
        unread.extend(folders.iter().map(|folder| {
            format!(
                "folder {} lies among them: the official image ignores it, and what this one does is not known",
                folder.path().display()
            )
        }));
    }
    let mut names: Vec<String> = files
        .into_iter()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let folder = format!("{FOLDER}/{rest}");
    let folder = folder.trim_end_matches('/');
    names
        .into_iter()
        .map(|name| (name.clone(), format!("{folder}/{name}")))
        .collect()
}

impl Scripts {
    /// Those of a place, none of which is read yet.
    fn none_of(container: usize, place: &Place, shown: &str, store: Option<&Store>) -> Self {
        Self {
            container,
            place: place.clone(),
            shown: shown.to_owned(),
            store: store.cloned(),
            files: Vec::new(),
            unread: Vec::new(),
            read: Vec::new(),
        }
    }

    /// Reads what lies in a file or folder of this host that the container has at this path.
    fn take_all(&mut self, store: &Store, target: &str, container: &Container) {
        let folder = store.host.clone().unwrap_or_default();
        let rest = rest_of(target, FOLDER).unwrap_or_default();
        let is_folder = folder.is_dir();
        let files = names(&folder, &rest, is_official(container), &mut self.unread)
            .into_iter()
            .map(|(name, path)| {
                let store = if is_folder {
                    store.below(&name)
                } else {
                    store.clone()
                };
                (path, Provided::lying_at(store))
            })
            .collect();
        self.take(files, container);
    }

    /// Reads what of these files the images run, by their paths in the container, and what that reads.
    fn take(&mut self, files: Vec<(String, Provided)>, container: &Container) {
        let mut waiting: VecDeque<Waiting> = VecDeque::new();
        for (path, file) in files {
            // The entrypoint runs these as well; what is of any other ending it ignores.
            let packed = [".sql.gz", ".sql.xz", ".sql.zst"];
            if packed.iter().any(|end| path.ends_with(end)) {
                self.unread.push(format!("{} is compressed", file.shown));
            }
            let is_sql = path.ends_with(".sql");
            if is_sql || path.ends_with(".sh") {
                waiting.push_back(Waiting { file, path, is_sql });
            }
        }
        let environment: BTreeMap<String, Text> = container
            .environment
            .iter()
            .map(|variable| (variable.name.clone(), variable.value.clone()))
            .collect();
        let mut seen: Vec<String> = Vec::new();
        while let Some(next) = waiting.pop_front() {
            if seen.contains(&next.path) {
                continue;
            }
            if seen.len() >= MOST {
                let more = waiting.len() + 1;
                self.unread
                    .push(format!("{more} of more than {MOST} scripts were not read"));
                break;
            }
            seen.push(next.path.clone());
            let shown = next.file.shown.clone();
            self.read.extend(next.file.store.host.clone());
            let text = match next.file.text() {
                Ok(text) => text,
                Err(why) => {
                    self.unread.push(why);
                    continue;
                }
            };
            if text.get().is_none() {
                let names: Vec<&str> = text.variables.iter().map(String::as_str).collect();
                self.unread.push(format!(
                    "{shown} has parts that are not known here: {}",
                    names.join(", ")
                ));
            }
            let told = if next.is_sql {
                Told {
                    sql: vec![text],
                    ..Told::default()
                }
            } else {
                shell::read(text.raw(), &environment)
            };
            let why = told
                .unknown
                .iter()
                .map(|why| format!("{shown}: {why}, which only running it tells"));
            self.unread.extend(why);
            let mut script = Script {
                shown: shown.clone(),
                is_sql: next.is_sql,
                sql: Vec::new(),
                words: told.words,
                tables: told.tables,
            };
            let mut reads: Vec<(Text, bool)> = Vec::new();
            reads.extend(told.files.into_iter().map(|path| (path, true)));
            reads.extend(told.scripts.into_iter().map(|path| (path, false)));
            for sql in told.sql {
                let commands = psql::commands(&sql, &next.path);
                script.words.extend(commands.words);
                script.tables.extend(commands.tables);
                reads.extend(commands.files.into_iter().map(|path| (path, true)));
                script.sql.push(sql);
            }
            self.files.push(script);
            for (path, is_sql) in reads {
                let path = path.shown();
                if ["-", "/dev/stdin"].contains(&path.as_str()) {
                    continue;
                }
                if let Some(file) = container.file(&path) {
                    waiting.push_back(Waiting { file, path, is_sql });
                    continue;
                }
                // What is no path may hold a password.
                let path = if path.contains([':', '@']) {
                    "a file"
                } else {
                    &path
                };
                let reason = format!("{shown} reads {path}, which is not known here");
                self.unread.push(reason);
            }
        }
    }
}
