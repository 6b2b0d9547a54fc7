//! Directories that are one directory, lie in each other, or lead into each other.

use std::path::Path;

use super::{
    Case, Finding, Outcome, Rule, Severity, Subject, Text, about, directories, everywhere, finding,
    name,
};
use crate::files::{Directory, Role};
use crate::rules::{Scope, Verdict};
use crate::snapshot::Fact;

/// Two stores in one directory.
pub(super) const SHARED_DIRECTORY: Rule = Rule {
    id: "files/shared-directory",
    severity: Severity::Error,
    summary: "Does every store have a directory of its own, none inside another?",
    help: include_str!("../help/files-shared-directory.md"),
    scope: Scope::Directory,
    check: shared_directory,
};

fn shared_directory(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let mut reported: Vec<&Directory> = Vec::new();
    for directory in directories(case)? {
        if let Fact::Unknown(gap) = &directory.node {
            outcome.gaps.push(gap.clone());
        }
        let Some((owner, other)) = overlapped(case, directory) else {
            continue;
        };
        // The parts of a directory that is reported are where they belong within it.
        let covered = reported
            .iter()
            .any(|outer| outer.role == Role::Storage && lies_in(directory, outer));
        reported.push(directory);
        if !covered && is_the_reporter(case, directory, owner, other) {
            outcome
                .findings
                .push(shared(case.subject, directory, owner, other));
        }
    }
    Ok(outcome)
}

/// The directory of another store that this one is, or lies in; the innermost, if there are several.
pub(super) fn overlapped<'a>(
    case: &Case<'a>,
    directory: &Directory,
) -> Option<(&'a Subject<'a>, &'a Directory)> {
    let own = &case.subject.service.name;
    everywhere(case)
        .filter(|(_, owner, other)| {
            if owner.service.name == *own {
                is_foreign_part(directory, other)
            } else {
                same(directory, other) || lies_in(directory, other)
            }
        })
        .max_by_key(|(_, _, other)| other.resolved.components().count())
        .map(|(_, owner, other)| (owner, other))
}

/// Within one service: its PostgreSQL may have its data in `postgresql/`, and nowhere else in the storage directory.
fn is_foreign_part(directory: &Directory, other: &Directory) -> bool {
    let overlap = same(directory, other) || lies_in(directory, other);
    match (directory.role, other.role) {
        (Role::Data, Role::Storage) => {
            overlap
                && !directory
                    .resolved
                    .starts_with(other.resolved.join(Role::PostgreSql.as_str()))
        }
        (Role::Data, Role::RgbSqlite | Role::LdkData) => overlap,
        (Role::Storage, Role::Data) => lies_in(directory, other),
        // Two parts of the storage directory that are one, by way of a symlink.
        (Role::PostgreSql | Role::LdkData, Role::RgbSqlite) => overlap,
        _ => false,
    }
}

/// Of two services on one directory the later in the manifest reports; of two nested ones, the inner.
fn is_the_reporter(
    case: &Case<'_>,
    directory: &Directory,
    owner: &Subject<'_>,
    other: &Directory,
) -> bool {
    let position = |name: &str| {
        case.system
            .subjects
            .iter()
            .position(|subject| subject.service.name == name)
    };
    !same(directory, other) || position(&case.subject.service.name) >= position(&owner.service.name)
}

/// One directory, whatever its names: a bind mount gives it a second path that no symlink tells of.
fn same(one: &Directory, other: &Directory) -> bool {
    let identity = |directory: &Directory| {
        directory
            .node
            .known()
            .and_then(|node| node.map(|node| node.identity))
    };
    one.resolved == other.resolved
        || identity(one).is_some_and(|found| identity(other) == Some(found))
}

fn lies_in(inner: &Directory, outer: &Directory) -> bool {
    let within = inner.resolved != outer.resolved && inner.resolved.starts_with(&outer.resolved);
    let identity = outer.node.known().and_then(Option::as_ref);
    within
        || identity.is_some_and(|node| inner.parents.contains(&node.identity))
        || mounted(outer, inner).is_some()
}

/// Where a bind mount puts a directory into another: it has a second path there, which no symlink tells of.
pub(super) fn mounted<'a>(outer: &'a Directory, inner: &Directory) -> Option<&'a Path> {
    let node = inner.node.known().and_then(Option::as_ref)?;
    let folders = &outer.contents.known()?.folders;
    folders
        .iter()
        .find(|(folder, _)| *folder == node.identity)
        .map(|(_, path)| path.as_path())
}

fn shared(
    subject: &Subject<'_>,
    directory: &Directory,
    owner: &Subject<'_>,
    other: &Directory,
) -> Finding {
    let relation = if same(directory, other) {
        "is the same directory as"
    } else {
        "lies inside"
    };
    let service = &subject.service.name;
    let text = Text {
        expected: "a directory of its own".to_owned(),
        actual: format!("{relation} {}", other.path.display()),
        message: format!(
            "{} {relation} {}",
            name(service, directory),
            name(&owner.service.name, other)
        ),
        remedy: format!(
            "stop {service}, move its data to a directory of its own and point the manifest there"
        ),
    };
    let found = finding(&SHARED_DIRECTORY, about("directory", &directory.path), text);
    Finding {
        belongs_to: (owner.service.name != *service).then(|| owner.service.name.clone()),
        ..found
    }
}
