//! What the files of a set do, also of a set that the loader refuses: a check should say what is wrong with each file, and where.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use super::beside::beside;
use super::file::{BYTE_ORDER_MARK, FileName, belongs};
use super::quick::without_quick;
use super::{LOCK_FILE, Set, SetError, script};
use crate::migration::analysis::{self, Hazard, Mode, Script, analyse, with_stack};
use crate::migration::effects::{self, Effects};
use crate::migration::tokens::meaningful;
use crate::regular::read_regular;
use crate::snapshot::{Lock, text_sum};

/// What the files of a set do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetFacts {
    /// Its scripts, migrations and down scripts, in the order of their versions.
    pub files: Vec<FileFacts>,
    /// What the loader says against the set beyond single lines: a misnamed file, two of one version.
    pub refused: Vec<String>,
    /// What lies in its folder, holds SQL and is no part of it.
    pub beside: Vec<String>,
    /// The schema lock beside the files of a set that is refused, if it can be read.
    pub lock: Option<Lock>,
}

/// What one file does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Its name.
    pub file: String,
    /// How messages name it: with its folder.
    pub path: String,
    /// Its version.
    pub version: i32,
    /// Whether it takes a migration back.
    pub down: bool,
    /// The hash over its text, as a lock holds it.
    pub sum: String,
    /// The same for every text that differs in nothing but white space, comments and case.
    pub likeness: u64,
    /// What it does.
    pub effects: Effects,
    /// What readers, writers or data may suffer: the statement's index among those of [`Effects::statements`], squawk's code and message;
    /// not where the files before it tell that the statement is quick.
    pub hazards: Vec<(usize, String, String)>,
    /// What the loader says against it: line and message.
    pub refused: Vec<(usize, String)>,
}

/// A file as it lies there.
struct Text {
    file: String,
    path: String,
    name: FileName,
    sql: String,
    /// How it is run, where that is known.
    mode: Option<Mode>,
    refused: Vec<(usize, String)>,
}

impl SetFacts {
    /// The facts of a set, or of the files in the folder of one that was refused.
    #[must_use]
    pub fn new(set: &Result<Set, SetError>, directory: Option<&Path>) -> Self {
        let mut facts = match set {
            Ok(set) => Self {
                files: of(set),
                ..Self::default()
            },
            Err(error) => Self::refused(error, directory),
        };
        without_quick(&mut facts.files);
        Self {
            beside: directory.map(beside).unwrap_or_default(),
            ..facts
        }
    }

    fn refused(error: &SetError, directory: Option<&Path>) -> Self {
        let texts = directory.map(texts_in).unwrap_or_default();
        let told: Vec<String> = texts
            .iter()
            .flat_map(|text| {
                let shown = |(line, problem): &(usize, String)| {
                    format!("{}: line {line}: {problem}", text.path)
                };
                text.refused.iter().map(shown)
            })
            .collect();
        Self {
            files: read(texts),
            refused: error
                .problems
                .iter()
                .filter(|problem| !told.contains(problem))
                .cloned()
                .collect(),
            beside: Vec::new(),
            lock: directory.and_then(lock),
        }
    }
}

/// What the files of a set do.
pub(super) fn of(set: &Set) -> Vec<FileFacts> {
    read(texts_of(set))
}

fn lock(directory: &Path) -> Option<Lock> {
    let path = directory.join(LOCK_FILE);
    let bytes = read_regular(&path, super::load::LARGEST).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Lock::parse(&path.display().to_string(), &text).ok()
}

fn texts_of(set: &Set) -> Vec<Text> {
    let path = |file: &str| {
        set.directory.as_ref().map_or_else(
            || format!("{}/{file}", set.name),
            |directory| directory.join(file).display().to_string(),
        )
    };
    set.migrations
        .iter()
        .flat_map(|migration| {
            let down = migration
                .down
                .iter()
                .map(|down| (&down.file, &down.sql, true));
            std::iter::once((&migration.file, &migration.sql, false))
                .chain(down)
                .map(|(file, sql, down)| Text {
                    file: file.clone(),
                    path: path(file),
                    name: FileName {
                        version: migration.version,
                        name: migration.name.clone(),
                        down,
                    },
                    sql: sql.clone(),
                    mode: (!down).then_some(migration.mode),
                    refused: Vec::new(),
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The files of a folder that are named as a set's are and can be read as text; what is wrong with the others the loader says.
fn texts_in(directory: &Path) -> Vec<Text> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut texts: Vec<Text> = entries
        .filter_map(|entry| {
            // What a link leads to is not the set's.
            entry.file_type().ok().filter(std::fs::FileType::is_file)?;
            let file = entry.file_name().to_str()?.to_owned();
            let name = belongs(&file)
                .then(|| FileName::read(&file).ok())
                .flatten()?;
            let path = entry.path();
            let bytes = read_regular(&path, super::load::LARGEST).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let sql = text
                .strip_prefix(BYTE_ORDER_MARK)
                .unwrap_or(&text)
                .to_owned();
            let (mode, read) = match name.down {
                true => (None, script::down(&sql)),
                false => {
                    let read = script::up(&sql);
                    (Some(read.mode), read)
                }
            };
            Some(Text {
                refused: read.problems,
                mode,
                path: path.display().to_string(),
                file,
                name,
                sql,
            })
        })
        .collect();
    texts.sort_by(|a, b| {
        (a.name.version, a.name.down, &a.file).cmp(&(b.name.version, b.name.down, &b.file))
    });
    texts
}

fn read(texts: Vec<Text>) -> Vec<FileFacts> {
    with_stack(|| texts.iter().map(with_parser).collect()).unwrap_or_else(|| {
        // A file that breaks the parser hides none of the others.
        let alone = |text| with_stack(|| with_parser(text)).unwrap_or_else(|| by_words(text));
        texts.iter().map(alone).collect()
    })
}

fn with_parser(text: &Text) -> FileFacts {
    let script = match text.mode {
        Some(mode) => Script::in_mode(&text.sql, mode),
        None => Script::new(&text.sql),
    };
    let effects = effects::of(&script);
    let inner = effects.inner.clone();
    facts(text, effects, |_| {
        let mut hazards = analysis::hazards(&script);
        hazards.extend(analysis::hazards_within(&script, &inner));
        hazards
    })
}

/// What can be told of a file without the parser.
fn by_words(text: &Text) -> FileFacts {
    facts(text, effects::unread(&text.sql), |sql| {
        let told = |(index, analysis): (usize, analysis::Analysis)| {
            let hazards = analysis.hazards.into_iter();
            hazards.map(move |hazard| (index, hazard))
        };
        analyse(sql)
            .into_iter()
            .enumerate()
            .flat_map(told)
            .collect()
    })
}

fn facts(
    text: &Text,
    effects: Effects,
    hazards: impl FnOnce(&str) -> Vec<(usize, Hazard)>,
) -> FileFacts {
    // Nothing is said of a down script: it is there to take away.
    let hazards = match text.name.down || !text.refused.is_empty() {
        true => Vec::new(),
        false => hazards(&text.sql),
    };
    FileFacts {
        file: text.file.clone(),
        path: text.path.clone(),
        version: text.name.version,
        down: text.name.down,
        sum: text_sum(&text.sql),
        likeness: likeness(&text.sql),
        effects,
        hazards: hazards
            .into_iter()
            .map(|(index, hazard)| (index, hazard.code, hazard.message))
            .collect(),
        refused: text.refused.clone(),
    }
}

fn likeness(sql: &str) -> u64 {
    let mut hash = DefaultHasher::new();
    for token in meaningful(sql) {
        token.text.to_lowercase().hash(&mut hash);
    }
    hash.finish()
}
