//! One password for two services. No message holds it.

use std::collections::BTreeSet;

use super::password::given;
use super::{Scene, Words, finding};
use crate::compose::{Container, Place};
use crate::manifest::{Service, Store};
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Verdict};

/// One password for two services.
pub(super) const REPEATED_PASSWORD: Rule = Rule {
    id: "compose/repeated-password",
    severity: Severity::Error,
    summary: "Does every service have a password of its own?",
    help: include_str!("../help/compose-repeated-password.md"),
    scope: Scope::Container,
    check: repeated_password,
};

/// What makes two passwords one, and how messages call it.
struct Key<'a> {
    owner: usize,
    /// Two with any of these in common are one: the value, the file.
    identities: Vec<String>,
    shown: String,
    container: &'a Container,
    place: &'a Place,
}

fn keys<'a>(scene: &Scene<'a>, owner: usize) -> Vec<Key<'a>> {
    let mut keys: Vec<Key<'a>> = Vec::new();
    for (_, container, _) in scene.deployment.of(owner) {
        for variable in &container.environment {
            let name = variable.name.to_ascii_uppercase();
            if let (true, Some(path)) = (name.ends_with("PASSWORD_FILE"), variable.value.get())
                && let Some(file) = container.file(path)
            {
                keys.push(Key {
                    owner,
                    identities: vec![file.store.identity()],
                    shown: file.shown,
                    container,
                    place: &variable.place,
                });
            }
        }
    }
    for given in given(scene, owner) {
        let value = format!("value {}", given.text.raw());
        // A password that was read from a file is that file's.
        let of_file = |key: &&mut Key<'_>| {
            key.container.name == given.container.name && key.place == given.place
        };
        if let Some(key) = keys.iter_mut().find(of_file) {
            key.identities.push(value);
            continue;
        }
        let variables: Vec<&str> = given.text.variables.iter().map(String::as_str).collect();
        let shown = if variables.is_empty() {
            given.from.clone()
        } else {
            format!("{} from {}", given.from, variables.join(", "))
        };
        keys.push(Key {
            owner,
            identities: vec![value],
            shown,
            container: given.container,
            place: given.place,
        });
    }
    keys
}

/// The passwords of all services, those that are one together.
fn passwords<'a>(scene: &Scene<'a>) -> Vec<Vec<Key<'a>>> {
    let mut all: Vec<Vec<Key<'a>>> = Vec::new();
    let with_database = |(_, service): &(usize, &Service)| service.store != Store::Files;
    let services = scene.services.iter().enumerate().filter(with_database);
    for key in services.flat_map(|(owner, _)| keys(scene, owner)) {
        let is_one = |known: &Vec<Key<'_>>| {
            let mut identities = known.iter().flat_map(|known| &known.identities);
            identities.any(|identity| key.identities.contains(identity))
        };
        // A file and its value may join what was two so far.
        let (mut one, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_one);
        all = others;
        let mut joined: Vec<Key<'a>> = one.drain(..).flatten().collect();
        joined.push(key);
        all.push(joined);
    }
    all
}

fn repeated_password(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case).filter(Scene::is_sql) else {
        return Ok(Outcome::default());
    };
    let mut findings: Vec<Finding> = Vec::new();
    for password in passwords(&scene) {
        let owners: BTreeSet<usize> = password.iter().map(|key| key.owner).collect();
        let owners: Vec<usize> = owners.into_iter().collect();
        let mut own = password.iter().filter(|key| key.owner == scene.own);
        let Some(key) = own
            .next()
            .filter(|_| owners.len() > 1 && scene.tells(&owners))
        else {
            continue;
        };
        let places = |owner: &usize| {
            let keys = password.iter().filter(|key| key.owner == *owner);
            let places: Vec<String> = keys
                .map(|key| format!("{}: {}", key.container.name, key.shown))
                .collect();
            format!("{} ({})", scene.name(Some(*owner)), places.join("; "))
        };
        let told: Vec<String> = owners.iter().map(places).collect();
        let told = told.join(" and ");
        findings.push(finding(
            &REPEATED_PASSWORD,
            key.container,
            key.place,
            Words {
                message: format!("{told} have one password"),
                expected: "a password for each service".to_owned(),
                actual: told.clone(),
                remedy:
                    "Give each service a variable or secret of its own with a password of its own."
                        .to_owned(),
            },
        ));
    }
    Ok(findings.into())
}
