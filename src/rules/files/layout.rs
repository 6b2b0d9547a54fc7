//! Directories that are missing, or open to others.

use std::path::PathBuf;

use super::{Case, Outcome, Rule, Severity, Text, about, directories, finding, is_root, name};
use crate::files::{Directory, Node, Role, reach};
use crate::rules::{Scope, Verdict};
use crate::snapshot::Fact;

/// A directory that the manifest names, or `rgb_sqlite`, is not there or is a file.
pub(super) const MISSING_DIRECTORY: Rule = Rule {
    id: "files/missing-directory",
    severity: Severity::Error,
    summary: "Is every configured directory there, and a directory?",
    help: include_str!("../help/files-missing-directory.md"),
    scope: Scope::Directory,
    check: missing_directory,
};

fn missing_directory(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let service = &case.subject.service.name;
    let mut no_storage = false;
    for directory in directories(case)? {
        let node = match &directory.node {
            Fact::Known(node) => node,
            Fact::Unknown(gap) => {
                outcome.gaps.push(gap.clone());
                continue;
            }
        };
        let usable = node.is_some_and(|node| node.directory);
        // Without a storage directory its parts cannot be there: one cause, one finding.
        if usable || (no_storage && !is_root(directory.role)) {
            continue;
        }
        no_storage |= directory.role == Role::Storage;
        let optional = matches!(directory.role, Role::PostgreSql | Role::LdkData);
        if optional && node.is_none() {
            continue;
        }
        let found = missing(service, directory, *node);
        // The files of a database server may lie on another host.
        let elsewhere =
            node.is_none() && directory.role == Role::Data && case.subject.service.store.is_sql();
        outcome.findings.push(if elsewhere {
            super::Finding {
                severity: Severity::Warning,
                ..found
            }
        } else {
            found
        });
    }
    Ok(outcome)
}

fn missing(service: &str, directory: &Directory, node: Option<Node>) -> super::Finding {
    let named = name(service, directory);
    let actual = match node {
        Some(_) => "a file",
        None if directory.symlink => "a symlink that leads nowhere",
        None => "nothing",
    };
    let remedy = match (node, directory.role) {
        (Some(_), _) => format!(
            "move {} away and run `dbctl provision --service {service}`",
            directory.path.display()
        ),
        (None, Role::Data) => {
            format!("start {service} once, or run `dbctl provision --service {service}`")
        }
        (None, _) => format!(
            "run `dbctl provision --service {service}`, then unlock the node: the RGB library makes its SQLite file first, PostgreSQL comes after it, the user tables last"
        ),
    };
    let text = Text {
        expected: "a directory".to_owned(),
        actual: actual.to_owned(),
        message: if node.is_some() {
            format!("{named} is a file, not a directory")
        } else {
            format!("{named} is missing: {actual} is there")
        },
        remedy,
    };
    finding(
        &MISSING_DIRECTORY,
        about("directory", &directory.path),
        text,
    )
}

/// A directory lets other users in.
pub(super) const OPEN_PERMISSIONS: Rule = Rule {
    id: "files/open-permissions",
    severity: Severity::Error,
    summary: "Is all wallet and store data closed to other users, and open to its owner?",
    help: include_str!("../help/files-open-permissions.md"),
    scope: Scope::Directory,
    check: open_permissions,
};

fn open_permissions(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let service = case.subject.service;
    // What the storage directory lets through to its parts.
    let mut passes = 0;
    let mut storage_is_open = false;
    let mut storage_owner = None;
    for directory in directories(case)? {
        let node = match &directory.node {
            Fact::Known(Some(node)) if node.directory => node,
            Fact::Known(_) => continue,
            Fact::Unknown(gap) => {
                outcome.gaps.push(gap.clone());
                continue;
            }
        };
        // PostgreSQL itself allows its group to read (0750).
        let closed = match directory.role {
            Role::Data if service.store.is_sql() => 0o026,
            Role::PostgreSql => 0o026 & passes,
            Role::Storage | Role::Data => 0o066,
            // The library's own place is private whatever lies around it: it may be mounted or copied alone.
            Role::RgbSqlite if !storage_is_open => 0o066,
            _ if directory.symlink => 0o066,
            _ => 0o066 & passes,
        };
        let open = node.mode & closed;
        if directory.role == Role::Storage && open == 0 {
            passes = reach(node.mode);
        }
        storage_is_open |= directory.role == Role::Storage && open != 0;
        if directory.role == Role::Storage {
            storage_owner = Some(node.owner);
        }
        if open != 0 {
            outcome
                .findings
                .push(open_to_others(&service.name, directory, node, open));
            continue;
        }
        if node.mode & 0o700 != 0o700 {
            let found = closed_to_owner(&service.name, directory, node);
            outcome.findings.push(found);
            continue;
        }
        let is_part = matches!(directory.role, Role::RgbSqlite | Role::LdkData);
        // Root gets in everywhere; PostgreSQL has a user of its own.
        if let Some(owner) = storage_owner
            && is_part
            && owner != 0
            && owner != node.owner
        {
            // Of several parts the first tells it: their cause is one.
            storage_owner = None;
            let found = of_another(&service.name, directory, node, owner);
            outcome.findings.push(found);
        }
        // PostgreSQL sees to its own files' modes, and a file store has none that others could use without the rest.
        let is_wallet = matches!(
            directory.role,
            Role::Storage | Role::RgbSqlite | Role::LdkData
        );
        let is_reached = directory.role == Role::Storage || passes != 0;
        if is_wallet
            && is_reached
            && let Fact::Known(contents) = &directory.contents
        {
            let files = &contents.open_files;
            outcome
                .findings
                .extend(open_file(&service.name, directory, files));
        }
    }
    Ok(outcome)
}

/// Wallet data that others can get at by its name, though they cannot list the directory.
fn open_file(service: &str, directory: &Directory, files: &[PathBuf]) -> Option<super::Finding> {
    let path = directory.path.join(files.first()?);
    let more = match files.len() {
        1 => String::new(),
        count => format!(" (and {} more files there)", count - 1),
    };
    let text = Text {
        expected: "files that their owner alone can read".to_owned(),
        actual: format!("{} open to others", files.len()),
        message: format!(
            "{}: {} can be read or written by its group or by everybody{more}: every directory above it lets them pass",
            name(service, directory),
            path.display()
        ),
        remedy: format!("chmod -R go-rwx '{}'", directory.path.display()),
    };
    Some(finding(&OPEN_PERMISSIONS, about("file", &path), text))
}

fn closed_to_owner(service: &str, directory: &Directory, node: &Node) -> super::Finding {
    let mode = node.mode;
    let text = Text {
        expected: "mode 0700".to_owned(),
        actual: format!("mode {mode:04o}, owner uid {}", node.owner),
        message: format!(
            "{} (mode {mode:04o}) keeps its own owner (uid {}) from reading, writing or entering it",
            name(service, directory),
            node.owner
        ),
        remedy: format!("chmod 700 '{}'", directory.path.display()),
    };
    finding(&OPEN_PERMISSIONS, about("directory", &directory.path), text)
}

/// A part of the storage directory that is another user's: the node cannot use it, or that user can.
fn of_another(service: &str, directory: &Directory, node: &Node, owner: u32) -> super::Finding {
    let text = Text {
        expected: format!("owner uid {owner}, as storage_dir"),
        actual: format!("owner uid {}", node.owner),
        message: format!(
            "{} belongs to uid {}, and the storage_dir around it to uid {owner}",
            name(service, directory),
            node.owner
        ),
        remedy: format!("chown -R {owner} '{}'", directory.path.display()),
    };
    super::Finding {
        severity: Severity::Warning,
        ..finding(&OPEN_PERMISSIONS, about("directory", &directory.path), text)
    }
}

fn open_to_others(service: &str, directory: &Directory, node: &Node, open: u32) -> super::Finding {
    let mode = node.mode;
    let who = match (open & 0o060 != 0, open & 0o006 != 0) {
        (true, true) => "its group and by others",
        (true, false) => "its group",
        _ => "others",
    };
    let how = match (open & 0o044 != 0, open & 0o022 != 0) {
        (true, true) => "read and written",
        (true, false) => "read",
        _ => "written",
    };
    let text = Text {
        expected: "mode 0700".to_owned(),
        actual: format!("mode {mode:04o}, owner uid {}", node.owner),
        message: format!(
            "{} can be {how} by {who} (mode {mode:04o})",
            name(service, directory)
        ),
        remedy: format!("chmod 700 '{}'", directory.path.display()),
    };
    finding(&OPEN_PERMISSIONS, about("directory", &directory.path), text)
}
