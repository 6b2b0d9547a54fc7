//! What only shows when services stand side by side.

use std::path::{Path, PathBuf};

use super::problems::Problems;
use super::resolve::Resolved;
use super::value::{Source, Sourced};

/// Refuses two services in one set or in one database.
///
/// Only what the manifest itself says counts here. A database that a variable points to is a matter for the commands, which
/// refuse one service and serve the others.
pub(super) fn services(services: &[Resolved], problems: &mut Problems) {
    // Each folder is looked at once, however many services there are.
    let sets: Vec<Option<Set<'_>>> = services.iter().map(set_of).collect();
    for (index, later) in services.iter().enumerate() {
        for (earlier, set) in services.iter().zip(&sets).take(index) {
            if set.is_some() && sets.get(index) == Some(set) {
                same_set(earlier, later, problems);
            }
            same_database(earlier, later, problems);
        }
    }
}

/// Where a service's set is.
#[derive(PartialEq)]
enum Set<'a> {
    Folder(PathBuf),
    BuiltIn(&'a str),
}

fn set_of(resolved: &Resolved) -> Option<Set<'_>> {
    let name = resolved.service.set.as_ref()?;
    let folder = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    Some(match &resolved.service.set_dir {
        Some(path) => Set::Folder(folder(path)),
        None => Set::BuiltIn(&name.value),
    })
}

fn same_set(earlier: &Resolved, later: &Resolved, problems: &mut Problems) {
    let (Some(set), Some(other)) = (&later.service.set, &earlier.service.set) else {
        return;
    };
    let place = later.service.set_dir.as_ref().map_or_else(
        || format!("the built-in set {}", set.value),
        |path: &PathBuf| format!("the folder {}", path.display()),
    );
    problems.at(
        line(set, later),
        &format!("services.{}.set", later.service.name),
        &format!(
            "expected a set of its own, found {place}, which is {}'s (line {}); give each service its own set",
            earlier.service.name,
            line(other, earlier)
        ),
    );
}

fn same_database(earlier: &Resolved, later: &Resolved, problems: &mut Problems) {
    if !(earlier.fixed && later.fixed) {
        return;
    }
    let (Some(a), Some(b)) = (earlier.service.endpoint(), later.service.endpoint()) else {
        return;
    };
    if let Some(host) = b.shares_database_with(a) {
        let place = |resolved: &Resolved| {
            let database = resolved.service.database.as_ref();
            database.map_or(resolved.service.line, |name| line(name, resolved))
        };
        problems.at(
            place(later),
            &format!("services.{}.database", later.service.name),
            &format!(
                "expected a database of its own, found {:?} at {}:{}, which is {}'s (line {}); give each service its own database",
                b.database, host.name, host.port, earlier.service.name, place(earlier)
            ),
        );
    }
}

/// The line of a value, or of its service where the value came from elsewhere.
const fn line(value: &Sourced<String>, resolved: &Resolved) -> usize {
    match &value.source {
        Source::File(line) => *line,
        _ => resolved.service.line,
    }
}
