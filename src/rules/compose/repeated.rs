//! One password for two services. No message holds it.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::password::given;
use super::{Scene, Words, finding};
use crate::compose::{Container, Place};
use crate::manifest::Store;
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

/// What an identity by value begins with.
const VALUE: &str = "value ";

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
        let value = format!("{VALUE}{}", given.text.raw());
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

/// The passwords of this service and of all that share one with it, those that are one together.
fn passwords<'a>(scene: &Scene<'a>) -> Vec<Vec<Key<'a>>> {
    let mut found = keys(scene, scene.own);
    let mut identities: HashSet<String> = of_keys(&found);
    let mut known = BTreeSet::from([scene.own]);
    // A file and its value may join what was two so far: again, until nobody else is found.
    loop {
        let values = identities.iter().filter_map(|it| it.strip_prefix(VALUE));
        let by_value = values.flat_map(|value| scene.around.may_have(value));
        let more: BTreeSet<usize> = by_value
            .chain(scene.around.with_files())
            .filter(|owner| !known.contains(owner) && has_database(scene, *owner))
            .collect();
        if more.is_empty() {
            break;
        }
        for owner in &more {
            let keys = keys(scene, *owner);
            identities.extend(of_keys(&keys));
            found.extend(keys);
        }
        known.extend(more);
    }
    found.sort_by_key(|key| key.owner);
    together(found)
}

fn of_keys(keys: &[Key<'_>]) -> HashSet<String> {
    let identities = keys.iter().flat_map(|key| &key.identities);
    identities.cloned().collect()
}

fn has_database(scene: &Scene<'_>, owner: usize) -> bool {
    let service = scene.services.get(owner);
    service.is_some_and(|service| service.store != Store::Files)
}

/// Keys that have an identity in common, in the order of the first of each.
fn together(keys: Vec<Key<'_>>) -> Vec<Vec<Key<'_>>> {
    let mut groups: Vec<Vec<Key<'_>>> = Vec::new();
    let mut group_of: HashMap<String, usize> = HashMap::new();
    for key in keys {
        let mut meant: Vec<usize> = key
            .identities
            .iter()
            .filter_map(|identity| group_of.get(identity).copied())
            .collect();
        meant.sort_unstable();
        meant.dedup();
        let into = meant.first().copied().unwrap_or(groups.len());
        if into == groups.len() {
            groups.push(Vec::new());
        }
        let mut joined: Vec<Key<'_>> = Vec::new();
        for other in meant.into_iter().skip(1) {
            joined.extend(
                groups
                    .get_mut(other)
                    .map(std::mem::take)
                    .unwrap_or_default(),
            );
        }
        joined.push(key);
        for identity in joined.iter().flat_map(|key| &key.identities) {
            group_of.insert(identity.clone(), into);
        }
        if let Some(group) = groups.get_mut(into) {
            group.extend(joined);
        }
    }
    groups
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
