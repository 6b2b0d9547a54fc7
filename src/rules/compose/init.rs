//! What runs when a database is created.

use std::collections::BTreeSet;

use super::{Scene, Words, finding};
use crate::compose::{Script, Scripts};
use crate::migration::analyse;
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::{Gap, Kind};

/// Two databases run the same scripts.
pub(super) const SHARED_INIT: Rule = Rule {
    id: "compose/shared-init",
    severity: Severity::Error,
    summary: "Does every database have init scripts of its own?",
    help: include_str!("../help/compose-shared-init.md"),
    scope: Scope::Container,
    check: shared_init,
};

fn shared_init(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings: Vec<Finding> = Vec::new();
    for (one, other) in scene.pairs() {
        if one.party.owner == other.party.owner || !one.is_database() || !other.is_database() {
            continue;
        }
        let found = other
            .container
            .mounts
            .iter()
            .filter(|mount| mount.is_init())
            .find(|mount| {
                one.container
                    .mounts
                    .iter()
                    .filter(|own| own.is_init())
                    .any(|own| {
                        let both = own.source.as_ref().zip(mount.source.as_ref());
                        both.is_some_and(|(own, theirs)| own.meets(theirs))
                    })
            });
        let Some(mount) = found else { continue };
        // One script that makes extensions only may well be for both.
        let file = mount
            .source
            .as_ref()
            .and_then(|store| store.host.as_deref())
            .filter(|path| path.is_file());
        let harmless = file.is_some_and(|path| {
            let mut scripts = scene
                .deployment
                .project
                .scripts
                .iter()
                .flat_map(|scripts| &scripts.files);
            scripts.any(|script| script.path == path && only_extensions(script))
        });
        if harmless {
            continue;
        }
        let (a, b) = (&one.container.name, &other.container.name);
        findings.push(finding(
            &SHARED_INIT,
            other.container,
            &mount.place,
            Words {
                message: format!(
                    "{a} ({}) and {b} ({}) run the same init scripts, {}: whatever one makes the other has too",
                    scene.name(one.party.owner),
                    scene.name(other.party.owner),
                    mount.shown()
                ),
                expected: "init scripts of its own for each".to_owned(),
                actual: mount.shown().to_owned(),
                remedy: format!("Give {b} a directory of its own. Scripts run only on an empty volume: one that has been used keeps what they made, and `dbctl verify` finds it."),
            },
        ));
    }
    Ok(findings.into())
}

fn only_extensions(script: &Script) -> bool {
    let is_sql = script.path.extension().is_some_and(|end| end == "sql");
    is_sql
        && analyse(&script.text).iter().all(|statement| {
            statement
                .text
                .trim_start()
                .to_ascii_uppercase()
                .starts_with("CREATE EXTENSION")
        })
}

/// A script makes or names what is another service's.
pub(super) const INIT_SCRIPT: Rule = Rule {
    id: "compose/init-script",
    severity: Severity::Error,
    summary: "Do the init scripts of every database leave other services' objects alone?",
    help: include_str!("../help/compose-init-script.md"),
    scope: Scope::Container,
    check: init_script,
};

fn init_script(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let Some(scene) = Scene::of(case) else {
        return Ok(outcome);
    };
    let own: BTreeSet<usize> = scene.databases().map(|(index, _)| index).collect();
    let of_own = |scripts: &&Scripts| own.contains(&scripts.container);
    for scripts in scene.deployment.project.scripts.iter().filter(of_own) {
        let Some((container, _)) = scene.container(scripts.container) else {
            continue;
        };
        let Some(mount) = container.mounts.get(scripts.mount) else {
            continue;
        };
        outcome.gaps.extend(
            scripts
                .unread
                .iter()
                .map(|reason| Gap::new(format!("init scripts of {}: {reason}", container.name))),
        );
        for script in &scripts.files {
            let mut named: Vec<(String, &str)> = Vec::new();
            for name in names(script) {
                if let Some(owner) = owner(case, &name)
                    && !named.contains(&(name.clone(), owner))
                {
                    named.push((name, owner));
                }
            }
            let Some((_, owner)) = named.first() else {
                continue;
            };
            let list: Vec<String> = named
                .iter()
                .map(|(name, owner)| format!("{name} of {owner}"))
                .collect();
            let path = script.path.display();
            let words = Words {
                message: format!(
                    "init script {path} of {} names {}",
                    container.name,
                    list.join(", ")
                ),
                expected: format!("objects of {} only", scene.service.name),
                actual: list.join(", "),
                remedy: format!(
                    "Take them out of {path}; the tables are the migrations' to make (`dbctl migrate`)."
                ),
            };
            outcome
                .findings
                .push(finding(&INIT_SCRIPT, container, &mount.place, words).belongs_to(*owner));
        }
    }
    Ok(outcome)
}

/// What a script names: relations, databases, roles.
fn names(script: &Script) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // psql's own commands are no SQL.
    let sql: String = script
        .text
        .lines()
        .map(|line| {
            if line.trim_start().starts_with('\\') {
                ""
            } else {
                line
            }
        })
        .collect::<Vec<_>>()
        .join("\n");
    if script.path.extension().is_some_and(|end| end == "sql") {
        for statement in analyse(&sql) {
            found.extend(
                statement
                    .creates
                    .into_iter()
                    .chain(statement.touches)
                    .map(|name| name.name),
            );
        }
    }
    found.extend(by_keywords(&script.text));
    found
}

/// What follows a keyword that a name follows, in SQL or in a shell's script.
fn by_keywords(text: &str) -> BTreeSet<String> {
    // A comment of SQL ends the line; `--dbname` of a shell does not.
    let uncommented: Vec<&str> = text
        .lines()
        .map(|line| match line.split_once("--") {
            Some((before, comment)) if !comment.starts_with(char::is_alphabetic) => before,
            _ => line,
        })
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    let joined = uncommented.join(" ");
    let words: Vec<&str> = joined
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | '(' | ')' | ',' | '\'' | '"' | '='))
        .filter(|word| !word.is_empty())
        .collect();
    let mut found = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        let keyword = word.to_ascii_lowercase();
        if ![
            "database",
            "role",
            "user",
            "table",
            "to",
            "owner",
            "\\c",
            "\\connect",
            "-d",
            "--dbname",
            "dbname",
            "-u",
        ]
        .contains(&keyword.as_str())
        {
            continue;
        }
        let next = words.iter().skip(at + 1).find(|word| {
            !["if", "not", "exists", "only", "to"].contains(&word.to_ascii_lowercase().as_str())
        });
        if let Some(name) = next {
            let name = name.rsplit('.').next().unwrap_or(name);
            found.insert(name.to_owned());
        }
    }
    found
}

/// The other service that a relation, database or role of this name is known to be, and not this one's too.
fn owner<'a>(case: &Case<'a>, name: &str) -> Option<&'a str> {
    let has = |subject: &Subject<'_>| {
        let service = subject.service;
        let is_table = subject.lock.known().is_some_and(|lock| {
            lock.objects
                .keys()
                .any(|key| matches!(key.kind, Kind::Table | Kind::View) && key.name == name)
        });
        service.database_name() == name || service.role_name() == Some(name) || is_table
    };
    if has(case.subject) {
        return None;
    }
    case.others()
        .find(|other| has(other))
        .map(|other| other.service.name.as_str())
}
