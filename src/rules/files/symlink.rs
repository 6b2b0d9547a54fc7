//! Symlinks that lead the data of a store to where it does not belong.

use std::path::Path;

use super::overlap::overlapped;
use super::{
    Case, Finding, Outcome, Rule, Severity, Subject, Text, about, contents, directories,
    everywhere, finding, is_root, name,
};
use crate::files::{Directory, Role, Symlink};
use crate::rules::{Scope, Verdict};
use crate::snapshot::Fact;

/// A symlink that leads a store's data to where it does not belong.
pub(super) const SYMLINK: Rule = Rule {
    id: "files/symlink",
    severity: Severity::Error,
    summary: "Does no symlink lead out of the RGB storage or into another store?",
    help: include_str!("../help/files-symlink.md"),
    scope: Scope::Directory,
    check: symlink,
};

/// Directories that nothing of the database lies in: servers may share them.
const NO_DATA: [&str; 2] = ["log", "pg_log"];

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
            // One that leads nowhere is files/missing-directory's.
            && !matches!(directory.node, Fact::Known(None))
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
            let found = match (into, &storage) {
                (Some((_, owner, other)), _) => {
                    Some(leads_into(service, directory, link, owner, other))
                }
                (None, Some(storage)) if leaves_wallets(directory, link, storage) => {
                    Some(wallet_leaves(service, directory, link))
                }
                (None, _) => shared(case, directory, link).map(|(owner, other, theirs)| {
                    leads_together(service, (directory, link), owner, (other, theirs))
                }),
            };
            outcome.findings.extend(found);
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
        remedy: format!(
            "{}, and keep {service}'s data in its own directory",
            way_back(link)
        ),
    };
    let found = finding(&SYMLINK, about("file", &path), text);
    Finding {
        belongs_to: (owner != service).then(|| owner.clone()),
        ..found
    }
}

/// Whether a wallet, or its file, lies elsewhere: the walk does not follow it there, nor does a backup of the storage.
pub(super) fn leaves_wallets(directory: &Directory, link: &Symlink, storage: &Directory) -> bool {
    directory.role == Role::RgbSqlite && !link.target.starts_with(&storage.resolved) && {
        // Where rgb_sqlite itself leads out, that is the finding.
        !link.target.starts_with(&directory.resolved)
    }
}

fn wallet_leaves(service: &str, directory: &Directory, link: &Symlink) -> Finding {
    let path = directory.path.join(&link.path);
    let target = link.target.display();
    let text = Text {
        expected: "a wallet that lies in the storage directory itself".to_owned(),
        actual: format!("a symlink to {target}"),
        message: format!(
            "{} in {} is a symlink that leaves the storage directory: it leads to {target}, where nobody has looked",
            path.display(),
            name(service, directory)
        ),
        remedy: format!("stop {service}, remove the symlink and move {target} to its place"),
    };
    finding(&SYMLINK, about("file", &path), text)
}

/// The link of an earlier service, with its directory, that leads to the directory that this one leads to, or around it, or into it.
fn shared<'a>(
    case: &Case<'a>,
    directory: &Directory,
    link: &Symlink,
) -> Option<(&'a Subject<'a>, &'a Directory, &'a Symlink)> {
    let holds_data = |link: &&Symlink| {
        let name = link.path.file_name();
        link.directory.is_some() && !NO_DATA.iter().any(|known| name == Some(known.as_ref()))
    };
    let link = Some(link).filter(holds_data)?;
    // Two services on one directory have every link in common.
    if overlapped(case, directory).is_some() {
        return None;
    }
    everywhere(case)
        .take_while(|(_, owner, _)| owner.service.name != case.subject.service.name)
        .filter_map(|(_, owner, other)| Some((owner, other, other.contents.known()?)))
        .flat_map(|(owner, other, contents)| {
            let links = contents.symlinks.iter().filter(holds_data);
            links.map(move |theirs| (owner, other, theirs))
        })
        .find(|(_, other, theirs)| {
            let meet = link.directory == theirs.directory
                || link.target.starts_with(&theirs.target)
                || theirs.target.starts_with(&link.target);
            // A directory that one of them has for itself is told as such.
            meet && !link.target.starts_with(&other.resolved)
                && !theirs.target.starts_with(&directory.resolved)
        })
}

fn leads_together(
    service: &str,
    (directory, link): (&Directory, &Symlink),
    owner: &Subject<'_>,
    (other, theirs): (&Directory, &Symlink),
) -> Finding {
    let path = directory.path.join(&link.path);
    let owner = &owner.service.name;
    let target = link.target.display();
    let text = Text {
        expected: "a directory of its own".to_owned(),
        actual: format!("a symlink to {target}"),
        message: format!(
            "{} in {} is a symlink to {target}, where {} in {} leads as well ({})",
            path.display(),
            name(service, directory),
            other.path.join(&theirs.path).display(),
            name(owner, other),
            theirs.target.display()
        ),
        remedy: format!("{}, to a directory of {service}'s own", way_back(link)),
    };
    let found = finding(&SYMLINK, about("file", &path), text);
    Finding {
        belongs_to: Some(owner.clone()),
        ..found
    }
}

/// How what lies behind a symlink is moved.
fn way_back(link: &Symlink) -> &'static str {
    if link.path.starts_with(Path::new("pg_tblspc")) {
        "move the tablespace's tables away (ALTER TABLE … SET TABLESPACE), drop it"
    } else {
        "move what lies there"
    }
}
