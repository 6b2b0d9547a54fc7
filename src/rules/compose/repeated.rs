//! One password for two services. No message holds it.

use std::collections::HashMap;

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

/// The passwords that several services have, worked out once for a run.
#[derive(Debug)]
pub(super) struct Repeated {
    passwords: Vec<Shared>,
    /// Which of them each service has.
    of: HashMap<usize, Vec<usize>>,
}

/// A password that several services have.
#[derive(Debug)]
struct Shared {
    owners: Vec<usize>,
    /// The container and the place of the first of each owner, in the order of the owners.
    places: Vec<(String, Place)>,
    told: String,
}

impl Repeated {
    /// Looks at the passwords of all services.
    fn new(scene: &Scene<'_>) -> Self {
        let owners = 0..scene.services.len();
        let owners = owners.filter(|owner| has_database(scene, *owner));
        let all: Vec<Key<'_>> = owners.flat_map(|owner| keys(scene, owner)).collect();
        let mut repeated = Self {
            passwords: Vec::new(),
            of: HashMap::new(),
        };
        for mut keys in together(all) {
            keys.sort_by_key(|key| key.owner);
            let shared = Shared::new(scene, &keys);
            if shared.owners.len() < 2 {
                continue;
            }
            for owner in &shared.owners {
                let of = repeated.of.entry(*owner).or_default();
                of.push(repeated.passwords.len());
            }
            repeated.passwords.push(shared);
        }
        repeated
    }

    fn of(&self, owner: usize) -> impl Iterator<Item = &Shared> {
        let of = self.of.get(&owner).into_iter().flatten();
        of.filter_map(|at| self.passwords.get(*at))
    }
}

impl Shared {
    /// One password's keys, in the order of their owners.
    fn new(scene: &Scene<'_>, keys: &[Key<'_>]) -> Self {
        let mut shared = Self {
            owners: Vec::new(),
            places: Vec::new(),
            told: String::new(),
        };
        let mut told = Vec::new();
        for keys in keys.chunk_by(|one, other| one.owner == other.owner) {
            let Some(first) = keys.first() else {
                continue;
            };
            shared.owners.push(first.owner);
            let container = first.container.name.clone();
            shared.places.push((container, first.place.clone()));
            let shown: Vec<String> = keys
                .iter()
                .map(|key| format!("{}: {}", key.container.name, key.shown))
                .collect();
            told.push(format!(
                "{} ({})",
                scene.name(Some(first.owner)),
                shown.join("; ")
            ));
        }
        shared.told = told.join(" and ");
        shared
    }
}

fn repeated_password(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case).filter(Scene::is_sql) else {
        return Ok(Outcome::default());
    };
    let repeated = scene.around.repeated(|| Repeated::new(&scene));
    let mut findings: Vec<Finding> = Vec::new();
    for shared in repeated.of(scene.own) {
        let at = shared.owners.binary_search(&scene.own);
        let place = at.ok().and_then(|at| shared.places.get(at));
        let Some((name, place)) = place.filter(|_| scene.tells(&shared.owners)) else {
            continue;
        };
        let mut containers = scene.deployment.of(scene.own);
        let told = &shared.told;
        if let Some((_, container, _)) = containers.find(|(_, it, _)| it.name == *name) {
            findings.push(finding(
                &REPEATED_PASSWORD,
                container,
                place,
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
    }
    Ok(findings.into())
}
