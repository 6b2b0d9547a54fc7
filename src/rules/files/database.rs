//! What is wrong with, or in, the RGB library's SQLite files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{
    Case, Finding, Outcome, Rule, Severity, Text, about, contents, directories, everywhere,
    finding, joins_stores,
};
use crate::files::{Engine, Identity, RGB_TABLES, Role, Trace, is_rgb_database};
use crate::migration::Owned;
use crate::migration::guard::{Party, Way};
use crate::migration::other_tools::TOOLS;
use crate::rules::{Scope, Subject, Verdict};
use crate::snapshot::{Fact, Gap, HISTORY_TABLE};
use crate::sqlite::{Code, SqliteFacts};

/// Tables of the multi-user database, or of an indexer, in the RGB library's file.
pub(super) const WRONG_TABLES: Rule = Rule {
    id: "files/wrong-tables",
    severity: Severity::Error,
    summary: "Does the RGB library's SQLite file hold its own tables, and none of SQL services?",
    help: include_str!("../help/files-wrong-tables.md"),
    scope: Scope::Directory,
    check: wrong_tables,
};

// What the RGB library itself keeps there; another manifest's service may well have an `asset`.
const RGB_LIBRARY: [&str; 16] = [
    "asset",
    "asset_transfer",
    "backup_info",
    "batch_transfer",
    "coloring",
    "media",
    "pending_witness_script",
    "reserved_txo",
    "seaql_migrations",
    "token",
    "token_media",
    "transfer",
    "transfer_transport_endpoint",
    "transport_endpoint",
    "txo",
    "wallet_transaction",
];

// Older wallets keep the Bitcoin side in tables of these names; `transactions` is theirs then.
const BDK: [&str; 2] = ["script_pubkeys", "last_derivation_indices"];

fn wrong_tables(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let databases = databases(case, &mut outcome)?;
    if databases.is_empty() {
        return Ok(outcome);
    }
    let owners = owners(case, &mut outcome);
    for database in databases {
        let schema = match database.facts {
            Fact::Known(SqliteFacts::Readable(schema)) => schema,
            // Its own rule says that it is broken; here it means that nobody looked.
            Fact::Known(facts) => {
                outcome.gaps.push(Gap::new(format!(
                    "the tables of {} could not be read: {}",
                    database.path.display(),
                    facts
                )));
                continue;
            }
            Fact::Unknown(gap) => {
                outcome.gaps.push(gap.clone());
                continue;
            }
        };
        let lacking: Vec<&str> = RGB_TABLES
            .into_iter()
            .filter(|table| !schema.has(table))
            .collect();
        if is_rgb_database(database.trace) && !lacking.is_empty() {
            outcome
                .findings
                .push(lacks(case, &database.path, &lacking.join(", ")));
        }
        let lower: BTreeSet<String> = schema
            .relations
            .iter()
            .map(|name| name.to_lowercase())
            .collect();
        let bdk = BDK.iter().all(|name| lower.contains(*name));
        let mut left: BTreeMap<String, &str> = schema
            .relations
            .iter()
            .map(|name| (name.to_lowercase(), name.as_str()))
            .filter(|(lower, _)| !RGB_LIBRARY.contains(&lower.as_str()))
            .filter(|(lower, _)| !(bdk && lower == "transactions"))
            .collect();
        // The RGB library's own is seaql_migrations.
        let histories: Vec<&str> = TOOLS
            .iter()
            .map(|tool| tool.table)
            .chain([HISTORY_TABLE.1])
            .filter_map(|table| left.remove(table))
            .collect();
        if !histories.is_empty() {
            outcome
                .findings
                .push(history(case, &database.path, &histories.join(", ")));
        }
        let mut told: BTreeSet<String> = BTreeSet::new();
        // A name that two services know counts for the one with more of its tables there.
        while let Some((owner, matched)) = owners
            .iter()
            .map(|owner| (owner, owner.matches(&left)))
            .max_by_key(|(_, matched)| matched.len())
            .filter(|(_, matched)| !matched.is_empty())
        {
            let tables: Vec<&str> = matched
                .iter()
                .filter_map(|table| left.remove(table))
                .collect();
            outcome
                .findings
                .push(wrong(case, &database.path, owner.service, &tables));
            told.extend(matched);
        }
        let is_told = |code: &&Code| told.contains(&code.of.to_lowercase());
        let code: Vec<String> = schema
            .code
            .iter()
            .filter(|code| is_rgb_database(database.trace) && !is_told(code))
            .map(Code::to_string)
            .collect();
        if !code.is_empty() {
            outcome
                .findings
                .push(runs_code(case, &database.path, &code.join(", ")));
        }
    }
    Ok(outcome)
}

/// Another tool has taken the file for its database.
fn history(case: &Case<'_>, path: &Path, tables: &str) -> Finding {
    let service = &case.subject.service.name;
    let text = Text {
        expected: "the RGB library's own tables".to_owned(),
        actual: format!("migration history {tables}"),
        message: format!(
            "{service}'s SQLite file {} holds the migration history {tables}: another tool has migrated it",
            path.display()
        ),
        remedy: format!(
            "find what wrote it (a DATABASE_URL that names the file), stop it, back up {} and drop {tables} and what it made there",
            path.display()
        ),
    };
    finding(&WRONG_TABLES, about("file", path), text)
}

/// Triggers and views: the RGB library makes none, and a trigger runs in the wallet's own transactions.
fn runs_code(case: &Case<'_>, path: &Path, code: &str) -> Finding {
    let service = &case.subject.service.name;
    let text = Text {
        expected: "tables and indexes of the RGB library's only".to_owned(),
        actual: code.to_owned(),
        message: format!(
            "{service}'s SQLite file {} holds {code}, which the RGB library does not make",
            path.display()
        ),
        remedy: format!(
            "find what made it, stop {service}, back up {} and drop it there",
            path.display()
        ),
    };
    Finding {
        severity: Severity::Warning,
        ..finding(&WRONG_TABLES, about("file", path), text)
    }
}

/// A file of the RGB library without tables that all of its releases make.
fn lacks(case: &Case<'_>, path: &Path, tables: &str) -> Finding {
    let service = &case.subject.service.name;
    let text = Text {
        expected: "the RGB library's own tables".to_owned(),
        actual: format!("no {tables}"),
        message: format!(
            "{service}'s SQLite file {} lacks tables that the RGB library makes: {tables}",
            path.display()
        ),
        remedy: format!(
            "where the library is making the file right now, look again; else stop {service} and restore the file from its backup"
        ),
    };
    finding(&WRONG_TABLES, about("file", path), text)
}

/// An SQL service and the names of its relations, in lower case.
pub(super) struct Owner<'a> {
    pub(super) service: &'a str,
    relations: BTreeSet<String>,
    prefixes: &'static [&'static str],
}

impl Owner<'_> {
    pub(super) fn matches(&self, tables: &BTreeMap<String, &str>) -> Vec<String> {
        tables
            .keys()
            .filter(|table| {
                self.relations.contains(*table)
                    || self.prefixes.iter().any(|prefix| table.starts_with(prefix))
            })
            .cloned()
            .collect()
    }
}

pub(super) fn owners<'a>(case: &Case<'a>, outcome: &mut Outcome) -> Vec<Owner<'a>> {
    let own = &case.subject.service.name;
    // The service itself last: `max_by_key` takes the last of equals, and its multi-user tables are the likeliest guests.
    let subjects = case.others().chain(std::iter::once(case.subject));
    subjects
        .filter(|subject| subject.service.store.is_sql())
        .map(|subject| {
            let service = subject.service.name.as_str();
            // Without a lock the set's text tells most of them.
            let owned = Owned::new(party(subject), &[]);
            if let Fact::Unknown(gap) = &subject.lock
                && (subject.set.is_none() || !owned.is_complete())
            {
                outcome.gaps.push(Gap {
                    reason: format!("the tables of {service} are not all known: {}", gap.reason),
                    remedy: gap.remedy.clone(),
                });
            }
            let (_, names) = owned.names(i64::MAX);
            let relations = names.into_iter().map(str::to_lowercase).collect();
            Owner {
                service,
                relations,
                prefixes: if service == own {
                    &["ln_user_", "virtual_"]
                } else {
                    &[]
                },
            }
        })
        .collect()
}

fn party<'a>(subject: &'a Subject<'_>) -> Party<'a> {
    Party {
        service: &subject.service.name,
        database: subject.service.database_name(),
        role: subject.service.role_name(),
        set: subject.set,
        lock: subject.lock.known().into(),
        way: Way::default(),
    }
}

fn wrong(case: &Case<'_>, path: &Path, owner: &str, tables: &[&str]) -> Finding {
    let service = &case.subject.service.name;
    let (noun, belong) = match tables.len() {
        1 => ("table", "belongs"),
        _ => ("tables", "belong"),
    };
    let list = tables.join(", ");
    let text = Text {
        expected: "the RGB library's own tables".to_owned(),
        actual: format!("{noun} {list}"),
        message: format!(
            "{service}'s SQLite file {} holds {noun} {list}, which {belong} to the PostgreSQL database of {owner}",
            path.display()
        ),
        remedy: format!(
            "find what wrote them (a DATABASE_URL that names the file, both stores initialised in one directory), stop it, back up {} and drop {list} there",
            path.display()
        ),
    };
    let found = finding(&WRONG_TABLES, about("file", path), text);
    Finding {
        belongs_to: (owner != service).then(|| owner.to_owned()),
        ..found
    }
}

/// A file of the RGB library that cannot be used as it is.
pub(super) const UNREADABLE_SQLITE: Rule = Rule {
    id: "files/unreadable-sqlite",
    severity: Severity::Error,
    summary: "Can the RGB library's SQLite file be read?",
    help: include_str!("../help/files-unreadable-sqlite.md"),
    scope: Scope::Directory,
    check: unreadable_sqlite,
};

fn unreadable_sqlite(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    for database in databases(case, &mut outcome)? {
        match database.facts {
            Fact::Known(SqliteFacts::Readable(schema)) if schema.is_read_only => {
                outcome.findings.push(read_only(case, &database.path));
            }
            Fact::Known(SqliteFacts::Readable(_)) => {}
            Fact::Known(facts) => {
                outcome
                    .findings
                    .push(unreadable(case, &database.path, facts));
            }
            Fact::Unknown(gap) => outcome.gaps.push(gap.clone()),
        }
    }
    let rgb = super::of_role(directories(case)?, Role::RgbSqlite);
    for (directory, contents) in contents(rgb, &mut Outcome::default()) {
        for path in &contents.orphans {
            outcome
                .findings
                .push(orphan(case, &directory.path.join(path)));
        }
    }
    Ok(outcome)
}

/// SQLite reads it and refuses to write: the wallet shows what it has and can keep nothing new.
fn read_only(case: &Case<'_>, path: &Path) -> Finding {
    let service = &case.subject.service.name;
    let text = Text {
        expected: "a write version of 1 or 2 in its header (byte 18)".to_owned(),
        actual: "a newer write version".to_owned(),
        message: format!(
            "{service}'s SQLite file {} can be read and not written: its header asks writers for a newer file format",
            path.display()
        ),
        remedy: format!(
            "stop {service}, restore the file from its backup, or write its rows into a new one (sqlite3 '{}' .dump)",
            path.display()
        ),
    };
    finding(&UNREADABLE_SQLITE, about("file", path), text)
}

/// A journal whose database is gone: what it holds is of no use alone, and is lost once a new database begins.
fn orphan(case: &Case<'_>, path: &Path) -> Finding {
    let service = &case.subject.service.name;
    let name = path.display().to_string();
    let base = name.trim_end_matches("-wal").trim_end_matches("-journal");
    let text = Text {
        expected: format!("{base} beside it"),
        actual: "a journal without its database".to_owned(),
        message: format!(
            "{service}'s SQLite journal {name} is there, and the database {base} is not"
        ),
        remedy: format!(
            "stop {service}, put {base} back beside its journal, or restore both from one backup"
        ),
    };
    finding(&UNREADABLE_SQLITE, about("file", path), text)
}

fn unreadable(case: &Case<'_>, path: &Path, facts: &SqliteFacts) -> Finding {
    let service = &case.subject.service.name;
    let state = facts.to_string();
    let passing = matches!(facts, SqliteFacts::Locked | SqliteFacts::Unfinished { .. });
    let remedy = match facts {
        SqliteFacts::Locked => format!(
            "find who holds it (`fuser '{}'`) and run dbctl again when the lock is gone",
            path.display()
        ),
        SqliteFacts::Unfinished { .. } => format!(
            "start {service}: SQLite rolls the transaction back by itself; keep the journal, without it the file is corrupt"
        ),
        _ => format!("stop {service} and restore the file from its backup"),
    };
    let text = Text {
        expected: "an SQLite database that can be read".to_owned(),
        actual: state.clone(),
        message: format!("{service}'s SQLite file {}: {state}", path.display()),
        remedy,
    };
    let found = finding(&UNREADABLE_SQLITE, about("file", path), text);
    if passing {
        Finding {
            severity: Severity::Warning,
            ..found
        }
    } else {
        found
    }
}

/// One database under two names.
pub(super) const HARD_LINK: Rule = Rule {
    id: "files/hard-link",
    severity: Severity::Error,
    summary: "Has the RGB library's SQLite file one name only, and is no file in two stores?",
    help: include_str!("../help/files-hard-link.md"),
    scope: Scope::Directory,
    check: hard_link,
};

fn hard_link(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let service = &case.subject.service.name;
    let mut told = BTreeSet::new();
    for database in databases(case, &mut outcome)? {
        let names = database.trace.names;
        // Both names may lie here.
        if names < 2 || !database.identity.is_none_or(|file| told.insert(file)) {
            continue;
        }
        if database
            .identity
            .is_some_and(|file| joins_stores(case, file))
        {
            continue;
        }
        let path = database.path.display();
        let text = Text {
            expected: "one name".to_owned(),
            actual: format!("{names} names"),
            message: format!(
                "{service}'s SQLite file {path} has {names} names: a second hard link leads to the same file"
            ),
            remedy: format!(
                "find the other name (`find / -xdev -samefile '{path}'`) and remove it; to copy the file, use `sqlite3 … .backup`"
            ),
        };
        outcome
            .findings
            .push(finding(&HARD_LINK, about("file", &database.path), text));
    }
    outcome.findings.extend(linked_stores(case)?);
    Ok(outcome)
}

/// Files that this service's directories and those of a service before it have in common.
fn linked_stores(case: &Case<'_>) -> Result<Vec<Finding>, Gap> {
    let service = &case.subject.service.name;
    let mut findings = Vec::new();
    for directory in directories(case)? {
        let Fact::Known(contents) = &directory.contents else {
            continue;
        };
        // One pair of directories has one cause.
        let common = everywhere(case)
            .take_while(|(_, subject, _)| subject.service.name != *service)
            .filter(|(_, _, other)| directory.resolved != other.resolved)
            .find_map(|(_, subject, other)| {
                let theirs = &other.contents.known()?.linked;
                let shared = |(identity, path): &(Identity, PathBuf)| {
                    let (_, theirs) = theirs.iter().find(|(one, _)| one == identity)?;
                    Some((path.clone(), other.path.join(theirs)))
                };
                let pair = contents.linked.iter().find_map(shared)?;
                Some((&subject.service.name, pair))
            });
        if let Some((owner, (own, theirs))) = common {
            let path = directory.path.join(own);
            let text = Text {
                expected: "files of its own".to_owned(),
                actual: format!("the same file as {}", theirs.display()),
                message: format!(
                    "{} in {} is the same file as {} of {owner}: a hard link joins two stores",
                    path.display(),
                    super::name(service, directory),
                    theirs.display()
                ),
                remedy: format!(
                    "stop both services, copy the file ({0} to {0}.copy), and move the copy into its place",
                    path.display()
                ),
            };
            let found = finding(&HARD_LINK, about("file", &path), text);
            findings.push(Finding {
                belongs_to: Some(owner.clone()),
                ..found
            });
        }
    }
    Ok(findings)
}

/// A file that another program has marked as its own.
pub(super) const APPLICATION_ID: Rule = Rule {
    id: "files/application-id",
    severity: Severity::Error,
    summary: "Is the RGB library's SQLite file marked as no other program's?",
    help: include_str!("../help/files-application-id.md"),
    scope: Scope::Directory,
    check: application_id,
};

fn application_id(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let service = &case.subject.service.name;
    for database in databases(case, &mut outcome)? {
        let id = match database.facts {
            Fact::Known(SqliteFacts::Readable(schema)) => schema.application_id,
            // files/unreadable-sqlite tells why.
            Fact::Known(_) => continue,
            Fact::Unknown(gap) => {
                outcome.gaps.push(gap.clone());
                continue;
            }
        };
        if id == 0 {
            continue;
        }
        let path = database.path.display();
        let text = Text {
            expected: "application_id 0, as the RGB library leaves it".to_owned(),
            actual: format!("application_id {id} (0x{id:08X})"),
            message: format!(
                "{service}'s SQLite file {path} has application_id {id} (0x{id:08X}): another program has marked it as its own"
            ),
            remedy: format!(
                "find the program that made it, and move the file to its own directory; if it is the wallet all the same, PRAGMA application_id = 0 with {service} stopped"
            ),
        };
        let found = finding(&APPLICATION_ID, about("file", &database.path), text);
        outcome.findings.push(found);
    }
    Ok(outcome)
}

struct Database<'a> {
    path: PathBuf,
    trace: &'a Trace,
    /// Which file it is, if it has more names than one.
    identity: Option<Identity>,
    facts: &'a Fact<SqliteFacts>,
}

/// The SQLite files of the RGB library's own place.
fn databases<'a>(case: &Case<'a>, outcome: &mut Outcome) -> Result<Vec<Database<'a>>, Gap> {
    let rgb = super::of_role(directories(case)?, Role::RgbSqlite);
    Ok(contents(rgb, outcome)
        .into_iter()
        .flat_map(|(directory, contents)| {
            contents.traces.iter().filter_map(move |trace| {
                let Engine::Sqlite { facts: Some(facts) } = &trace.engine else {
                    return None;
                };
                let mut linked = contents.linked.iter();
                Some(Database {
                    identity: linked
                        .find(|(_, path)| *path == trace.path)
                        .map(|(identity, _)| *identity),
                    path: directory.path.join(&trace.path),
                    trace,
                    facts,
                })
            })
        })
        .collect())
}
