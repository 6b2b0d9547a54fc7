//! Storage engines that are where they do not belong, or are not where they do.

use std::path::{Path, PathBuf};

use super::overlap::overlapped;
use super::symlink::leaves_wallets;
use super::{
    Case, Finding, Outcome, Rule, Severity, Text, about, contents, directories, everywhere,
    finding, name, of_role,
};
use crate::files::{Directory, Engine, Role, Trace, is_rgb_database};
use crate::manifest::{Service, Store};
use crate::rules::{Scope, Verdict};

/// Another engine's files in a directory.
pub(super) const FOREIGN_ENGINE: Rule = Rule {
    id: "files/foreign-engine",
    severity: Severity::Error,
    summary: "Does every directory hold only the engine that belongs there?",
    help: include_str!("../help/files-foreign-engine.md"),
    scope: Scope::Directory,
    check: foreign_engine,
};

fn foreign_engine(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    for (directory, contents) in contents(directories(case)?, &mut outcome) {
        for trace in foreign(case, directory, &contents.traces) {
            outcome.findings.push(stranger(case, directory, trace));
        }
    }
    Ok(outcome)
}

/// The traces that do not belong in the directory, the outermost of each engine, without those that lie in a directory that
/// is itself misplaced: files/shared-directory reports that.
fn foreign<'a>(case: &Case<'_>, directory: &Directory, traces: &'a [Trace]) -> Vec<&'a Trace> {
    let mut found: Vec<&Trace> = Vec::new();
    if overlapped(case, directory).is_some() && directory.role != Role::Data {
        return found;
    }
    for trace in traces {
        let path = directory.resolved.join(&trace.path);
        let nested = found.iter().any(|outer| {
            !matches!(outer.engine, Engine::Sqlite { .. }) && trace.path.starts_with(&outer.path)
        });
        let misplaced = everywhere(case).any(|(_, subject, other)| {
            let itself =
                subject.service.name == case.subject.service.name && other.role == directory.role;
            !itself
                && path.starts_with(&other.resolved)
                && other.resolved.starts_with(&directory.resolved)
        });
        if !nested && !misplaced && !belongs(case.subject.service, directory.role, &trace.engine) {
            found.push(trace);
        }
    }
    found
}

const fn belongs(service: &Service, role: Role, engine: &Engine) -> bool {
    match role {
        Role::Storage | Role::LdkData => false,
        Role::RgbSqlite => matches!(engine, Engine::Sqlite { .. }),
        Role::PostgreSql => matches!(engine, Engine::Postgres { .. }),
        Role::Data => is_store(service, engine),
    }
}

/// Whether this is the engine of the service's own store.
const fn is_store(service: &Service, engine: &Engine) -> bool {
    match engine {
        Engine::Postgres { .. } => service.store.is_sql(),
        Engine::RocksDb { .. } | Engine::Fjall { .. } => matches!(service.store, Store::Files),
        Engine::Sqlite { .. } => false,
    }
}

/// Where the engine is. Joined to nothing, a path would end in a slash.
fn place(directory: &Directory, trace: &Trace) -> PathBuf {
    if trace.path.as_os_str().is_empty() {
        directory.path.clone()
    } else {
        directory.path.join(&trace.path)
    }
}

fn stranger(case: &Case<'_>, directory: &Directory, trace: &Trace) -> Finding {
    let service = case.subject.service;
    let (engine, sign) = match &trace.engine {
        Engine::Postgres { marker } => ("PostgreSQL", (*marker).to_owned()),
        Engine::RocksDb { manifest, .. } => ("RocksDB", format!("CURRENT names {manifest}")),
        Engine::Fjall { marker } => ("fjall", format!("{marker} is fjall's")),
        Engine::Sqlite { .. } => ("SQLite", "its header".to_owned()),
    };
    let owners: Vec<&str> = case
        .system
        .subjects
        .iter()
        .map(|subject| subject.service)
        .filter(|other| match trace.engine {
            Engine::Sqlite { .. } => other.storage_dir.is_some(),
            _ => is_store(other, &trace.engine),
        })
        .map(|other| other.name.as_str())
        .collect();
    let whose = if owners.is_empty() {
        String::new()
    } else {
        format!(", the engine of {}", owners.join(", "))
    };
    let path = place(directory, trace);
    let kind = match trace.engine {
        Engine::Sqlite { .. } => "file",
        _ => "directory",
    };
    let text = Text {
        expected: allowed(service, directory.role).to_owned(),
        actual: format!("{engine} at {} ({sign})", path.display()),
        message: format!(
            "{} holds {engine} ({sign}){whose}, at {}",
            name(&service.name, directory),
            path.display()
        ),
        remedy: format!(
            "stop whatever writes {}, move it to its own service's directory",
            path.display()
        ),
    };
    let found = finding(&FOREIGN_ENGINE, about(kind, &path), text);
    let belongs_to = match owners.as_slice() {
        [owner] if *owner != service.name => Some((*owner).to_owned()),
        _ => None,
    };
    Finding {
        belongs_to,
        ..found
    }
}

const fn allowed(service: &Service, role: Role) -> &'static str {
    match role {
        Role::RgbSqlite => "the RGB library's SQLite files alone",
        Role::PostgreSql => "PostgreSQL alone",
        Role::Storage => "SQLite in rgb_sqlite/ and PostgreSQL in postgresql/, nowhere else",
        Role::LdkData => "Lightning data, no database of another engine",
        Role::Data if service.store.is_sql() => "PostgreSQL alone",
        Role::Data => "RocksDB or fjall alone",
    }
}

/// A file service's directory without its engine.
pub(super) const UNEXPECTED_ENGINE: Rule = Rule {
    id: "files/unexpected-engine",
    severity: Severity::Error,
    summary: "Does a file store's directory hold RocksDB or fjall?",
    help: include_str!("../help/files-unexpected-engine.md"),
    scope: Scope::Directory,
    check: unexpected_engine,
};

fn unexpected_engine(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let service = case.subject.service;
    if service.store != Store::Files {
        return Ok(outcome);
    }
    let data = of_role(directories(case)?, Role::Data);
    for (directory, contents) in contents(data, &mut outcome) {
        let own = contents
            .traces
            .iter()
            .any(|trace| is_store(service, &trace.engine));
        outcome
            .findings
            .extend(contents.traces.iter().filter_map(|trace| {
                let Engine::RocksDb {
                    manifest,
                    whole: false,
                } = &trace.engine
                else {
                    return None;
                };
                Some(torn(service, directory, &place(directory, trace), manifest))
            }));
        // An empty directory is a new one; what is another engine's is files/foreign-engine's to say.
        // Where not everything was seen, the gap says so instead.
        if own
            || contents.entries == 0
            || !contents.gaps.is_empty()
            || overlapped(case, directory).is_some()
            || !foreign(case, directory, &contents.traces).is_empty()
        {
            continue;
        }
        let text = Text {
            expected: "RocksDB or fjall".to_owned(),
            actual: "no CURRENT that names a MANIFEST-*, no fjall `version` file".to_owned(),
            message: format!(
                "{} is neither a RocksDB (no CURRENT that names a MANIFEST-*) nor a fjall directory, and is not empty",
                name(&service.name, directory)
            ),
            remedy: format!(
                "point data_dir at {}'s store, or restore the store from its backup",
                service.name
            ),
        };
        let found = finding(
            &UNEXPECTED_ENGINE,
            about("directory", &directory.path),
            text,
        );
        outcome.findings.push(found);
    }
    Ok(outcome)
}

/// A RocksDB without the file that everything in it is found by.
fn torn(service: &Service, directory: &Directory, path: &Path, manifest: &str) -> Finding {
    let text = Text {
        expected: format!("{manifest}, which CURRENT names"),
        actual: format!("no {manifest}"),
        message: format!(
            "{}: CURRENT names {manifest}, and that file is not there: the RocksDB cannot be opened",
            name(&service.name, directory)
        ),
        remedy: format!(
            "stop {} and restore the store from its backup",
            service.name
        ),
    };
    finding(&UNEXPECTED_ENGINE, about("directory", path), text)
}

/// The RGB library has not been here yet.
pub(super) const NO_DATABASE: Rule = Rule {
    id: "files/no-database",
    severity: Severity::Warning,
    summary: "Does rgb_sqlite/ hold the RGB library's SQLite file?",
    help: include_str!("../help/files-no-database.md"),
    scope: Scope::Directory,
    check: no_database,
};

fn no_database(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let service = &case.subject.service.name;
    let rgb = of_role(directories(case)?, Role::RgbSqlite);
    let storage = of_role(directories(case)?, Role::Storage).next();
    for (directory, contents) in contents(rgb, &mut outcome) {
        // The file may lie where a symlink leads, which files/symlink says.
        let elsewhere = storage.is_some_and(|storage| {
            let mut links = contents.symlinks.iter();
            links.any(|link| leaves_wallets(directory, link, storage))
        });
        let there = matches!(directory.node.known(), Some(Some(node)) if node.directory);
        let database = contents.traces.iter().any(is_rgb_database);
        if !there
            || database
            || elsewhere
            || !contents.gaps.is_empty()
            || overlapped(case, directory).is_some()
        {
            continue;
        }
        let text = Text {
            expected: "the RGB library's SQLite file".to_owned(),
            actual: "no SQLite file of it".to_owned(),
            message: format!(
                "{} holds no SQLite file with the tables of the RGB library",
                name(service, directory)
            ),
            remedy: format!(
                "unlock {service}: the RGB library makes its file then; if it did before, its data was lost or lies elsewhere"
            ),
        };
        let found = finding(&NO_DATABASE, about("directory", &directory.path), text);
        outcome.findings.push(found);
    }
    Ok(outcome)
}
