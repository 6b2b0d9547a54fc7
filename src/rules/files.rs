//! Rules of group `files`.

mod database;
mod dump;
mod engine;
mod layout;
mod overlap;
mod symlink;
#[cfg(test)]
mod tests;

use super::{About, Case, Finding, Outcome, Rule, Severity, Subject};
use crate::files::{Contents, Directory, DirectoryFacts, Identity, Role};
use crate::snapshot::{Fact, Gap};

/// The rules of this group.
pub(super) const RULES: &[Rule] = &[
    layout::MISSING_DIRECTORY,
    layout::OPEN_PERMISSIONS,
    overlap::SHARED_DIRECTORY,
    symlink::SYMLINK,
    engine::FOREIGN_ENGINE,
    engine::UNEXPECTED_ENGINE,
    engine::NO_DATABASE,
    database::WRONG_TABLES,
    database::UNREADABLE_SQLITE,
    database::HARD_LINK,
    database::APPLICATION_ID,
    dump::FOREIGN_DUMP,
];

/// The directories of the service; none when none is configured.
fn directories<'a>(case: &Case<'a>) -> Result<&'a [Directory], Gap> {
    match &case.subject.directories {
        Some(facts) => Ok(&facts.get()?.directories),
        None => Ok(&[]),
    }
}

/// The directories with what lies in them; where that is not known, or not all of it, the gaps go to the outcome.
fn contents<'a>(
    directories: impl IntoIterator<Item = &'a Directory>,
    outcome: &mut Outcome,
) -> Vec<(&'a Directory, &'a Contents)> {
    let mut known = Vec::new();
    for directory in directories {
        match &directory.contents {
            Fact::Known(contents) => {
                outcome.gaps.extend(contents.gaps.iter().cloned());
                known.push((directory, contents));
            }
            Fact::Unknown(gap) => outcome.gaps.push(gap.clone()),
        }
    }
    known
}

/// Every directory of the system that is known, with its service; the position orders the services.
fn everywhere<'a>(
    case: &Case<'a>,
) -> impl Iterator<Item = (usize, &'a Subject<'a>, &'a Directory)> + use<'a> {
    let subjects = &case.system.subjects;
    subjects.iter().enumerate().flat_map(|(position, subject)| {
        subject
            .directories
            .as_ref()
            .and_then(Fact::known)
            .into_iter()
            .flat_map(|facts: &DirectoryFacts| &facts.directories)
            .map(move |directory| (position, subject, directory))
    })
}

/// Whether a file has a name in another service's store as well: the pair of them is told, by files/hard-link.
fn joins_stores(case: &Case<'_>, file: Identity) -> bool {
    everywhere(case)
        .filter(|(_, subject, _)| subject.service.name != case.subject.service.name)
        .filter_map(|(_, _, other)| other.contents.known())
        .any(|theirs| theirs.linked.iter().any(|(one, _)| *one == file))
}

/// How messages name a directory: its service, what it is for, where it is, and where that leads if it is elsewhere.
fn name(service: &str, directory: &Directory) -> String {
    let leads = if directory.path == directory.resolved {
        String::new()
    } else {
        format!(" (which is {})", directory.resolved.display())
    };
    format!(
        "{service}'s {} {}{leads}",
        directory.role.as_str(),
        directory.path.display()
    )
}

/// The directories of this role.
fn of_role(directories: &[Directory], role: Role) -> impl Iterator<Item = &Directory> {
    directories
        .iter()
        .filter(move |directory| directory.role == role)
}

/// Whether the role is a directory that the manifest names itself.
const fn is_root(role: Role) -> bool {
    matches!(role, Role::Storage | Role::Data)
}

/// A finding of the rule, about a path.
fn finding(rule: &Rule, about: About, text: Text) -> Finding {
    Finding {
        rule: rule.id,
        severity: rule.severity,
        about,
        belongs_to: None,
        expected: text.expected,
        actual: text.actual,
        message: text.message,
        remedy: text.remedy,
        evidence: "file",
        location: None,
    }
}

/// The words of a finding.
struct Text {
    expected: String,
    actual: String,
    message: String,
    remedy: String,
}

/// A directory or a file, by its path.
fn about(kind: &'static str, path: &std::path::Path) -> About {
    About::plain(kind, path.display().to_string())
}
