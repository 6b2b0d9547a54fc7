//! What runs when a database is created.

use std::collections::BTreeSet;

use super::{Scene, Side, Words, finding};
use crate::compose::{Script, Scripts};
use crate::migration::analyse;
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::Gap;

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
        let found = scripts_of(&scene, other).find(|theirs| {
            scripts_of(&scene, one).any(|own| {
                let both = own.store.as_ref().zip(theirs.store.as_ref());
                both.is_some_and(|(own, theirs)| own.meets(theirs))
            })
        });
        let Some(scripts) = found else { continue };
        // Scripts that make extensions only may well be for both.
        if !scripts.files.is_empty()
            && scripts.unread.is_empty()
            && scripts.files.iter().all(only_extensions)
        {
            continue;
        }
        let (a, b) = (&one.container.name, &other.container.name);
        findings.push(finding(
            &SHARED_INIT,
            other.container,
            &scripts.place,
            Words {
                message: format!(
                    "{a} ({}) and {b} ({}) run the same init scripts, {}: whatever one makes the other has too",
                    scene.name(one.party.owner),
                    scene.name(other.party.owner),
                    scripts.shown
                ),
                expected: "init scripts of its own for each".to_owned(),
                actual: scripts.shown.clone(),
                remedy: format!("Give {b} a directory of its own. Scripts run only on an empty volume: one that has been used keeps what they made, and `dbctl verify` finds it."),
            },
        ));
    }
    Ok(findings.into())
}

/// The init scripts of a container.
fn scripts_of<'a>(scene: &Scene<'a>, side: Side<'a>) -> impl Iterator<Item = &'a Scripts> {
    let project = &scene.deployment.project;
    project.scripts.iter().filter(move |scripts| {
        let container = project.containers.get(scripts.container);
        container.is_some_and(|container| container.name == side.container.name)
    })
}

fn only_extensions(script: &Script) -> bool {
    script.is_sql
        && script.sql.iter().all(|sql| {
            analyse(sql.raw()).iter().all(|statement| {
                statement
                    .text
                    .trim_start()
                    .to_ascii_uppercase()
                    .starts_with("CREATE EXTENSION")
            })
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
        outcome.gaps.extend(
            scripts
                .unread
                .iter()
                .map(|reason| Gap::new(format!("init scripts of {}: {reason}", container.name))),
        );
        for script in &scripts.files {
            let path = &script.shown;
            let key = (scripts.container, path.clone());
            let Some(found) = case.survey.init.get(&key) else {
                continue;
            };
            outcome.gaps.extend(found.unread.iter().map(|reason| {
                Gap::new(format!(
                    "init script {path} of {}: {reason}",
                    container.name
                ))
            }));
            let Some((_, owner)) = found.named.first() else {
                continue;
            };
            let list: Vec<String> = found
                .named
                .iter()
                .map(|(name, owner)| format!("{name} of {owner}"))
                .collect();
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
                .push(finding(&INIT_SCRIPT, container, &scripts.place, words).belongs_to(owner));
        }
    }
    Ok(outcome)
}
