//! Reads sets: those that are compiled in, and those on disk.

use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::path::Path;

use include_dir::{Dir, include_dir};

use super::file::{FileName, belongs, down, up};
use super::{Down, LOCK_FILE, Migration, Set, SetError};
use crate::regular::read_regular;

/// The sets that are compiled in.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// The largest file of a set, in bytes: data of this size is loaded by other means.
pub(super) const LARGEST: u64 = 64 << 20;

/// The names of the sets that are compiled in.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.dirs().filter_map(|dir| dir.path().to_str())
}

impl Set {
    /// The built-in set of this name, if there is one.
    ///
    /// # Errors
    /// When its files are wrong, which a test rules out.
    pub fn built_in(name: &str) -> Option<Result<Self, SetError>> {
        Some(Self::embedded(name, BUILT_IN.get_dir(name)?))
    }

    /// The set in a folder that was compiled into the program.
    ///
    /// # Errors
    /// When its files are wrong: misnamed, empty, not UTF-8, two of one version, or with what cannot stand in a migration.
    pub fn embedded(name: &str, dir: &Dir<'_>) -> Result<Self, SetError> {
        let files = dir
            .files()
            .filter_map(|file| {
                let name = file.path().file_name()?.to_str()?.to_owned();
                belongs(&name).then(|| (name, Ok(file.contents().to_vec())))
            })
            .collect();
        Self::from_files(name, None, files)
    }

    /// The set in this folder.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read, or a file is misnamed, empty, a duplicate, not UTF-8, a link that leads out of
    /// the folder, or holds what cannot stand in a migration.
    pub fn on_disk(name: &str, directory: &Path) -> Result<Self, SetError> {
        let fail = |problem: String| SetError {
            set: name.to_owned(),
            problems: vec![problem],
        };
        let entries = std::fs::read_dir(directory).map_err(|error| {
            fail(format!(
                "cannot read folder {}: {error}",
                directory.display()
            ))
        })?;
        let mut files = BTreeMap::new();
        let mut deeper = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| {
                fail(format!(
                    "cannot read folder {}: {error}",
                    directory.display()
                ))
            })?;
            let file_name = entry.file_name();
            let Some(file) = file_name.to_str() else {
                return Err(fail(format!(
                    "{}: the file name is not UTF-8; rename it",
                    entry.path().display()
                )));
            };
            if belongs(file) {
                files.insert(file.to_owned(), read(directory, &entry));
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                deeper.extend(in_folder(&entry.path(), file));
            }
        }
        deeper.sort();
        Ok(Self {
            deeper,
            ..Self::from_files(name, Some(directory), files)?
        })
    }

    fn from_files(
        name: &str,
        directory: Option<&Path>,
        files: BTreeMap<String, Result<Vec<u8>, String>>,
    ) -> Result<Self, SetError> {
        let shown = |file: &str| {
            directory.map_or_else(
                || format!("{name}/{file}"),
                |directory| directory.join(file).display().to_string(),
            )
        };
        let mut read = Files::default();
        for (file, content) in files {
            if let Err(problems) = read.add(&file, content) {
                let named = problems
                    .iter()
                    .map(|problem| format!("{}: {problem}", shown(&file)));
                read.problems.extend(named);
            }
        }
        let (migrations, lock, mut problems) = read.joined(&shown);
        if migrations.is_empty() && problems.is_empty() {
            problems.push(format!(
                "{} holds no migration; expected files such as V1__init.sql",
                directory.map_or_else(|| name.to_owned(), |path| path.display().to_string())
            ));
        }
        if problems.is_empty() {
            Ok(Self {
                name: name.to_owned(),
                directory: directory.map(Path::to_path_buf),
                migrations,
                lock,
                deeper: Vec::new(),
            })
        } else {
            Err(SetError {
                set: name.to_owned(),
                problems,
            })
        }
    }
}

/// The files of a folder within a set's that are named as migrations are. What cannot be read has none.
fn in_folder(folder: &Path, name: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str().map(str::to_owned));
    names
        .filter(|file| FileName::read(file).is_ok_and(|read| !read.down))
        .map(|file| format!("{name}/{file}"))
        .collect()
}

/// Reads a file of a set's folder. A link may lead to another file of the folder, but not out of it: what is applied must be what was
/// reviewed and released with the folder.
fn read(directory: &Path, entry: &DirEntry) -> Result<Vec<u8>, String> {
    let path = &entry.path();
    // The folder's listing tells, mostly; where it does not, the file is asked.
    let maybe_link = entry.file_type().map_or(true, |kind| kind.is_symlink());
    if maybe_link && let Ok(target) = std::fs::read_link(path) {
        let target = target.display();
        let real = |path: &Path| {
            std::fs::canonicalize(path)
                .map_err(|error| format!("cannot be read: {error}; it is a link to {target}"))
        };
        if !real(path)?.starts_with(real(directory)?) {
            return Err(format!(
                "a link to {target}, which is outside the set's folder {}; put the file itself there",
                directory.display()
            ));
        }
    }
    read_regular(path, LARGEST).map_err(|error| format!("cannot be read: {error}"))
}

/// What was read of a set's files.
#[derive(Default)]
struct Files {
    ups: Vec<Migration>,
    downs: Vec<(FileName, Down)>,
    /// The versions and names of all migrations, those that are wrong included.
    named: Vec<(i32, String)>,
    lock: Option<String>,
    problems: Vec<String>,
}

impl Files {
    fn add(&mut self, file: &str, content: Result<Vec<u8>, String>) -> Result<(), Vec<String>> {
        let text = content.and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| {
                format!(
                    "not UTF-8 (byte {}); save the file as UTF-8",
                    error.utf8_error().valid_up_to()
                )
            })
        });
        if file == LOCK_FILE {
            self.lock = Some(text.map_err(|problem| vec![problem])?);
            return Ok(());
        }
        let name = FileName::read(file).map_err(|problem| vec![problem])?;
        if !name.down {
            self.named.push((name.version, name.name.clone()));
        }
        let text = text.map_err(|problem| vec![problem])?;
        if name.down {
            self.downs.push((name, down(file, &text)?));
        } else {
            self.ups.push(up(file, name, &text)?);
        }
        Ok(())
    }

    /// The migrations by version with their down scripts, the lock, and everything that is wrong.
    fn joined(
        self,
        shown: &dyn Fn(&str) -> String,
    ) -> (Vec<Migration>, Option<String>, Vec<String>) {
        let Self {
            mut ups,
            downs,
            named,
            lock,
            mut problems,
        } = self;
        ups.sort_by(|a, b| (a.version, &a.file).cmp(&(b.version, &b.file)));
        for (a, b) in ups.iter().zip(ups.iter().skip(1)) {
            if a.version == b.version {
                problems.push(format!(
                    "{} and {} both have version {}; give one of them another version",
                    shown(&a.file),
                    shown(&b.file),
                    a.version
                ));
            }
        }
        for (name, down) in downs {
            let up = ups
                .iter_mut()
                .find(|up| (up.version, &up.name) == (name.version, &name.name));
            match up {
                Some(up) => match &up.down {
                    Some(other) => problems.push(format!(
                        "{} and {} both take back {}; remove one of them",
                        shown(&other.file),
                        shown(&down.file),
                        up.file
                    )),
                    None => up.down = Some(down),
                },
                // A migration that is there but wrong is told by itself.
                None if named.contains(&(name.version, name.name.clone())) => {}
                None => problems.push(format!(
                    "{}: there is no V{}__{}.sql for it to take back; version and name must be the same",
                    shown(&down.file),
                    name.version,
                    name.name
                )),
            }
        }
        (ups, lock, problems)
    }
}
