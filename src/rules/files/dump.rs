//! Dumps of one service's database among the files of another.

use std::collections::BTreeMap;

use super::database::owners;
use super::overlap::overlapped;
use super::{
    Case, Finding, Outcome, Rule, Severity, Text, about, contents, directories, finding, name,
};
use crate::files::{Directory, Dump};
use crate::migration::dumped_tables;
use crate::rules::{Scope, Verdict};

/// A dump that is read into the wrong database is how tables get there.
pub(super) const FOREIGN_DUMP: Rule = Rule {
    id: "files/foreign-dump",
    severity: Severity::Warning,
    summary: "Is there no dump of another service's database?",
    help: include_str!("../help/files-foreign-dump.md"),
    scope: Scope::Directory,
    check: foreign_dump,
};

fn foreign_dump(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let directories = contents(directories(case)?, &mut outcome);
    if directories
        .iter()
        .all(|(_, contents)| contents.dumps.is_empty())
    {
        return Ok(outcome);
    }
    let own = case.subject.service.name.as_str();
    let owners = owners(case, &mut outcome);
    for (directory, contents) in directories {
        if overlapped(case, directory).is_some() {
            continue;
        }
        for dump in &contents.dumps {
            let names = dumped_tables(&dump.head);
            let mut left: BTreeMap<String, &str> =
                names.iter().map(|name| (name.clone(), "")).collect();
            // What the service has itself tells nothing.
            for owner in owners.iter().filter(|owner| owner.service == own) {
                for table in owner.matches(&left) {
                    left.remove(&table);
                }
            }
            let other = owners
                .iter()
                .filter(|owner| owner.service != own)
                .map(|owner| (owner.service, owner.matches(&left)))
                .max_by_key(|(_, tables)| tables.len());
            if let Some((owner, tables)) = other.filter(|(_, tables)| !tables.is_empty()) {
                outcome
                    .findings
                    .push(found(own, directory, dump, owner, &tables));
            }
        }
    }
    Ok(outcome)
}

fn found(
    service: &str,
    directory: &Directory,
    dump: &Dump,
    owner: &str,
    tables: &[String],
) -> Finding {
    let path = directory.path.join(&dump.path);
    let list = tables.join(", ");
    let text = Text {
        expected: format!("no dump of {owner}"),
        actual: format!("a dump with {list}"),
        message: format!(
            "{} holds {}, which makes or fills {list} of {owner}",
            name(service, directory),
            path.display()
        ),
        remedy: format!(
            "move {} to where {owner}'s backups are, and read it into no database of {service}",
            path.display()
        ),
    };
    let found = finding(&FOREIGN_DUMP, about("file", &path), text);
    Finding {
        belongs_to: Some(owner.to_owned()),
        ..found
    }
}
