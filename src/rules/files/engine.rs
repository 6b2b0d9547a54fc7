//! Storage engines that are where they do not belong, or are not where they do.

use std::path::{Path, PathBuf};

use super::overlap::{mounted, overlapped};
use super::symlink::leaves_wallets;
use super::{
    Case, Finding, Outcome, Rule, Severity, Text, about, contents, directories, everywhere,
    finding, is_root, joins_stores, name, of_role,
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
        let mut strangers = foreign(case, directory, &contents.traces);
        strangers.retain(|trace| {
            let mut linked = contents.linked.iter();
            let found = linked.find(|(_, path)| *path == trace.path);
            !found.is_some_and(|(file, _)| joins_stores(case, *file))
        });
        // A wallet is two files: what lies in one folder was put there by one cause.
        for (position, trace) in strangers.iter().enumerate() {
            let same = |other: &&&Trace| {
                trace.engine.is_file()
                    && called(&trace.engine) == called(&other.engine)
                    && other.engine.is_file()
                    && other.path.parent() == trace.path.parent()
            };
            let (before, after) = strangers.split_at(position);
            if !before.iter().any(|other| same(&other)) {
                let more = after.iter().skip(1).filter(same).count();
                outcome
                    .findings
                    .push(stranger(case, directory, trace, more));
            }
        }
        if let Some(server) = &directory.server
            && is_root(directory.role)
            && overlapped(case, directory).is_none()
        {
            outcome
                .findings
                .push(inside_server(case, directory, server));
        }
    }
    Ok(outcome)
}

/// A directory that the manifest names within the data directory of a PostgreSQL that it does not name.
fn inside_server(case: &Case<'_>, directory: &Directory, server: &Path) -> Finding {
    let service = &case.subject.service.name;
    let server = server.display();
    let text = Text {
        expected: "a directory outside every PostgreSQL data directory".to_owned(),
        actual: format!("it lies in {server}, which has a PG_VERSION"),
        message: format!(
            "{} lies inside the PostgreSQL data directory {server} (PG_VERSION)",
            name(service, directory)
        ),
        remedy: format!(
            "stop {service}, move its data out of {server} and point the manifest there"
        ),
    };
    finding(&FOREIGN_ENGINE, about("directory", &directory.path), text)
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
        let nested = found
            .iter()
            .any(|outer| !outer.engine.is_file() && trace.path.starts_with(&outer.path));
        let misplaced = everywhere(case).any(|(_, subject, other)| {
            let itself =
                subject.service.name == case.subject.service.name && other.role == directory.role;
            !itself
                && (path.starts_with(&other.resolved)
                    && other.resolved.starts_with(&directory.resolved)
                    || mounted(directory, other)
                        .is_some_and(|folder| trace.path.starts_with(folder)))
        });
        if !nested && !misplaced && !belongs(case.subject.service, directory.role, trace) {
            found.push(trace);
        }
    }
    found
}

fn belongs(service: &Service, role: Role, trace: &Trace) -> bool {
    let engine = &trace.engine;
    match role {
        Role::Storage | Role::LdkData => false,
        // A path that was joined twice makes a second one inside.
        Role::RgbSqlite => {
            matches!(engine, Engine::Sqlite { .. })
                && !trace.path.iter().any(|part| part == role.as_str())
        }
        Role::PostgreSql => matches!(engine, Engine::Postgres { .. }),
        Role::Data => is_store(service, engine),
    }
}

/// Whether this is the engine of the service's own store.
const fn is_store(service: &Service, engine: &Engine) -> bool {
    match engine {
        Engine::Postgres { .. } => service.store.is_sql(),
        Engine::RocksDb { .. } | Engine::Fjall { .. } => matches!(service.store, Store::Files),
        Engine::Sqlite { .. } | Engine::Other { .. } => false,
    }
}

/// How people call it.
const fn called(engine: &Engine) -> &'static str {
    match engine {
        Engine::Postgres { .. } => "PostgreSQL",
        Engine::RocksDb { .. } => "RocksDB",
        Engine::Fjall { .. } => "fjall",
        Engine::Sqlite { .. } => "SQLite",
        Engine::Other { name, .. } => name,
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

fn stranger(case: &Case<'_>, directory: &Directory, trace: &Trace, more: usize) -> Finding {
    let service = case.subject.service;
    let engine = called(&trace.engine);
    let sign = match &trace.engine {
        Engine::Postgres { marker } => (*marker).to_owned(),
        Engine::RocksDb { manifest, .. } => format!("CURRENT names {manifest}"),
        Engine::Fjall { marker, .. } => format!("{marker} is fjall's"),
        Engine::Sqlite { .. }
        | Engine::Other {
            directory: false, ..
        } => "its header".to_owned(),
        Engine::Other { marker, .. } => marker.clone(),
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
    let beside = match more {
        0 => String::new(),
        more => format!(" (and {more} more {engine} in that folder)"),
    };
    let kind = match trace.engine.is_file() {
        true => "file",
        false => "directory",
    };
    let text = Text {
        expected: allowed(service, directory.role).to_owned(),
        actual: format!("{engine} at {} ({sign})", path.display()),
        message: format!(
            "{} holds {engine} ({sign}){whose}, at {}{beside}",
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
        Role::RgbSqlite => "the RGB library's SQLite files alone, and no rgb_sqlite/ inside",
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
    summary: "Does every store's directory hold its own engine, whole and alone?",
    help: include_str!("../help/files-unexpected-engine.md"),
    scope: Scope::Directory,
    check: unexpected_engine,
};

fn unexpected_engine(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let service = case.subject.service;
    let is_files = service.store == Store::Files;
    let data = of_role(directories(case)?, Role::Data);
    for (directory, contents) in contents(data, &mut outcome) {
        let own = contents.traces.iter().any(|trace| match trace.engine {
            // A database's own folder (base/1) has a PG_VERSION as well, and no global/. Without pg_control no server starts.
            Engine::Postgres { marker } if !is_files => {
                let global = trace.path.join("global");
                let control = |other: &Trace| {
                    let pg_control = Engine::Postgres {
                        marker: "pg_control",
                    };
                    other.path == global && other.engine == pg_control
                };
                marker == "PG_VERSION" && contents.traces.iter().any(control)
            }
            _ => is_store(service, &trace.engine),
        });
        outcome
            .findings
            .extend(contents.traces.iter().filter_map(|trace| {
                let path = place(directory, trace);
                match &trace.engine {
                    _ if !is_files => None,
                    Engine::RocksDb {
                        manifest,
                        torn: Some(why),
                    } => {
                        let seen = format!("CURRENT names {manifest}, and {why}");
                        Some(torn(service, directory, &path, ("RocksDB", &seen)))
                    }
                    Engine::Fjall {
                        lacks: Some(part),
                        marker,
                    } => {
                        let seen = format!("{marker} is there, and {part}/ is not");
                        Some(torn(service, directory, &path, ("fjall", &seen)))
                    }
                    Engine::Fjall { .. } => {
                        let both = |other: &Trace| {
                            other.path == trace.path
                                && matches!(other.engine, Engine::RocksDb { .. })
                        };
                        let both = contents.traces.iter().any(both);
                        both.then(|| two_engines(service, directory, &path))
                    }
                    _ => None,
                }
            }));
        // An empty directory is a new one; what is another engine's is files/foreign-engine's to say.
        // Where not everything was seen, the gap says so instead.
        if own
            || contents.entries == 0
            || !contents.gaps.is_empty()
            || overlapped(case, directory).is_some()
            || directory.server.is_some()
            || !foreign(case, directory, &contents.traces).is_empty()
        {
            continue;
        }
        let named = name(&service.name, directory);
        let text = Text {
            expected: allowed(service, Role::Data).to_owned(),
            actual: if is_files {
                "no CURRENT that names a MANIFEST-*, no fjall `version` file".to_owned()
            } else {
                "no PG_VERSION with global/pg_control beside it".to_owned()
            },
            message: if is_files {
                format!(
                    "{named} is neither a RocksDB (no CURRENT that names a MANIFEST-*) nor a fjall directory, and is not empty"
                )
            } else {
                format!(
                    "{named} is not empty and holds no whole PostgreSQL data directory: there is no PG_VERSION with global/pg_control beside it"
                )
            },
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

/// A store without what everything in it is found by.
fn torn(
    service: &Service,
    directory: &Directory,
    path: &Path,
    (engine, seen): (&str, &str),
) -> Finding {
    let text = Text {
        expected: format!("a whole {engine}"),
        actual: seen.to_owned(),
        message: format!(
            "{}: {seen}: the {engine} cannot be opened",
            name(&service.name, directory)
        ),
        remedy: format!(
            "stop {} and restore the store from its backup",
            service.name
        ),
    };
    finding(&UNEXPECTED_ENGINE, about("directory", path), text)
}

/// Two engines' files in one folder: one of the two stores is not the one that the service reads.
fn two_engines(service: &Service, directory: &Directory, path: &Path) -> Finding {
    let text = Text {
        expected: "RocksDB or fjall".to_owned(),
        actual: "both in one folder".to_owned(),
        message: format!(
            "{} holds a RocksDB and a fjall store in one folder, {}",
            name(&service.name, directory),
            path.display()
        ),
        remedy: format!(
            "stop {}, find which one its release reads, and move the other's files away",
            service.name
        ),
    };
    let found = finding(&UNEXPECTED_ENGINE, about("directory", path), text);
    Finding {
        severity: Severity::Warning,
        ..found
    }
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
    // files/foreign-engine says where it lies.
    let misplaced = directories(case)?
        .iter()
        .filter(|other| !matches!(other.role, Role::RgbSqlite | Role::Data))
        .filter_map(|other| other.contents.known())
        .any(|contents| contents.traces.iter().any(is_rgb_database));
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
            || misplaced
            // files/unreadable-sqlite says what is left of it.
            || !contents.orphans.is_empty()
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
