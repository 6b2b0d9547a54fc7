//! Dumps of one service's database among the files of another.

use std::collections::BTreeMap;

use super::database::owners;
use super::overlap::overlapped;
use super::{
    Case, Finding, Outcome, Rule, Severity, Text, about, contents, directories, finding, name,
};
use crate::files::{Directory, Dump};
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

// What names a table in a dump, as pg_dump writes it. Its own format holds the same statements in its table of contents.
const BEFORE_A_TABLE: [&str; 4] = [
    "CREATE TABLE ",
    "CREATE TABLE IF NOT EXISTS ",
    "COPY ",
    "INSERT INTO ",
];

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
            let names = tables(&dump.head);
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

/// The tables that the text creates or fills, in lower case, without their schema.
fn tables(text: &str) -> Vec<String> {
    let after = |keyword: &&str| -> Vec<String> {
        text.split(*keyword)
            .skip(1)
            .filter_map(first_name)
            .collect()
    };
    BEFORE_A_TABLE.iter().flat_map(after).collect()
}

fn first_name(text: &str) -> Option<String> {
    let word = text
        .split(|c: char| c.is_whitespace() || c == '(' || c == ';')
        .next()?;
    let name = word.rsplit('.').next()?.trim_matches('"');
    (!name.is_empty()).then(|| name.to_lowercase())
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

#[cfg(test)]
mod tests {
    use super::tables;

    #[test]
    fn the_tables_of_a_dump_are_read_from_its_statements() {
        let text = "--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.k_posts (\n id bigint\n);\n\
            COPY public.\"K_Votes\" (id) FROM stdin;\nINSERT INTO k_follows VALUES (1);\n";
        assert_eq!(tables(text), ["k_posts", "k_votes", "k_follows"]);
        assert!(tables("SELECT 1; -- CREATE TABLE").is_empty());
    }
}
