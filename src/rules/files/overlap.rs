//! Directories that are one directory, lie in each other, or lead into each other.

use std::path::Path;

use super::{
    Case, Finding, Outcome, Rule, Severity, Subject, Text, about, contents, directories,
    everywhere, finding, is_root, name,
};
use crate::files::{Directory, Role, Symlink};
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
        || is_mounted_in(inner, outer)
}

/// Whether a bind mount puts the directory into the other: it has a second path there, which no symlink tells of.
fn is_mounted_in(inner: &Directory, outer: &Directory) -> bool {
    let identity = inner.node.known().and_then(Option::as_ref);
    let folders = outer.contents.known().map(|contents| &contents.folders);
    identity.is_some_and(|node| {
        folders
            .into_iter()
            .flatten()
            .any(|(folder, _)| *folder == node.identity)
    })
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

/// A symlink that leads a store's data to where it does not belong.
pub(super) const SYMLINK: Rule = Rule {
    id: "files/symlink",
    severity: Severity::Error,
    summary: "Does no symlink lead out of the RGB storage or into another store?",
    help: include_str!("../help/files-symlink.md"),
    scope: Scope::Directory,
    check: symlink,
};

fn symlink(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let directories = directories(case)?;
    let service = &case.subject.service.name;
    let storage = directories
        .iter()
        .find(|directory| directory.role == Role::Storage);
    for directory in directories {
        // Where it leads into another store, files/shared-directory says so.
        if directory.role == Role::RgbSqlite
            && directory.symlink
            && storage.is_some_and(|storage| !directory.resolved.starts_with(&storage.resolved))
            && overlapped(case, directory).is_none()
        {
            outcome.findings.push(leaves(service, directory));
        }
    }
    for (directory, contents) in contents(directories, &mut outcome) {
        for link in &contents.symlinks {
            let into = everywhere(case).find(|(_, owner, other)| {
                let own_root = owner.service.name == *service
                    && (other.role == Role::Data) == (directory.role == Role::Data);
                is_root(other.role) && !own_root && link.target.starts_with(&other.resolved)
            });
            if let Some((_, owner, other)) = into {
                outcome
                    .findings
                    .push(leads_into(service, directory, link, owner, other));
            }
        }
    }
    Ok(outcome)
}

fn leaves(service: &str, directory: &Directory) -> Finding {
    let text = Text {
        expected: "a directory inside the storage directory".to_owned(),
        actual: format!("a symlink to {}", directory.resolved.display()),
        message: format!(
            "{service}'s {} {} is a symlink that leaves the storage directory: it leads to {}",
            directory.role.as_str(),
            directory.path.display(),
            directory.resolved.display()
        ),
        remedy: format!(
            "stop {service}, remove the symlink and move {} to its place",
            directory.resolved.display()
        ),
    };
    finding(&SYMLINK, about("directory", &directory.path), text)
}

fn leads_into(
    service: &str,
    directory: &Directory,
    link: &Symlink,
    owner: &Subject<'_>,
    other: &Directory,
) -> Finding {
    let path = directory.path.join(&link.path);
    let owner = &owner.service.name;
    let tablespace = if link.path.starts_with(Path::new("pg_tblspc")) {
        "move the tablespace's tables away (ALTER TABLE … SET TABLESPACE), drop it"
    } else {
        "move what lies there"
    };
    let text = Text {
        expected: format!("no symlink into a directory of {owner}"),
        actual: format!("a symlink to {}", link.target.display()),
        message: format!(
            "{} in {} is a symlink to {}, which belongs to {}",
            path.display(),
            name(service, directory),
            link.target.display(),
            name(owner, other)
        ),
        remedy: format!("{tablespace}, and keep {service}'s data in its own directory"),
    };
    let found = finding(&SYMLINK, about("file", &path), text);
    Finding {
        belongs_to: (owner != service).then(|| owner.clone()),
        ..found
    }
}
