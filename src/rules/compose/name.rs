//! Names in the network: one name for two servers.

use super::{Scene, Side, Words, finding};
use crate::compose::{Container, Network, Place, names};
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Verdict};

/// Two containers answer to one name.
pub(super) const SHARED_NAME: Rule = Rule {
    id: "compose/shared-name",
    severity: Severity::Error,
    summary: "Does every database answer to names of its own?",
    help: include_str!("../help/compose-shared-name.md"),
    scope: Scope::Container,
    check: shared_name,
};

fn shared_name(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings: Vec<Finding> = Vec::new();
    for (one, other) in scene.pairs() {
        if one.party.owner == other.party.owner || !(one.is_database() || other.is_database()) {
            continue;
        }
        if let Some(name) = common(&one, &other) {
            // The one that was given the name, not the one whose own it is.
            let (side, beside) = if other.container.name.eq_ignore_ascii_case(&name) {
                (one, other)
            } else {
                (other, one)
            };
            findings.push(shared(&scene, side, beside, &name));
        }
    }
    for (_, container, _) in scene.deployment.of(scene.own) {
        let own = scene
            .service
            .container
            .as_ref()
            .map(|own| own.value.as_str());
        // Two services that share a server both name its container.
        let taken = names(container)
            .filter(|name| own != Some(name))
            .find_map(|name| {
                let other = scene.other(|service| {
                    service
                        .container
                        .as_ref()
                        .is_some_and(|own| own.value == name)
                })?;
                let is_there = scene.deployment.all().any(|(_, beside, _)| {
                    beside.name != container.name && names(beside).any(|own| own == name)
                });
                (!is_there).then_some((name, other))
            });
        if let Some((name, other)) = taken {
            let words = words(
                container,
                name,
                &format!("the manifest's container of {}", other.name),
            );
            findings.push(
                finding(&SHARED_NAME, container, place(container, name), words)
                    .belongs_to(&other.name),
            );
        }
    }
    Ok(findings.into())
}

/// A name that both answer to, where both can be asked.
fn common(one: &Side<'_>, other: &Side<'_>) -> Option<String> {
    let engine = |side: &Side<'_>| {
        let name = side.container.container_name.as_ref()?;
        Some(name.text.raw().to_owned())
    };
    // The engine has one list of container names for all networks.
    if engine(one).is_some() && engine(one) == engine(other) {
        return engine(one);
    }
    for network in &one.container.networks {
        let others = other.container.networks.iter();
        for beside in others.filter(|beside| beside.engine_name == network.engine_name) {
            let taken = |name: &&str| {
                let mut others = names_in(other.container, beside);
                others.any(|own| own.eq_ignore_ascii_case(name))
            };
            if let Some(name) = names_in(one.container, network).find(taken) {
                return Some(name.to_owned());
            }
        }
    }
    None
}

/// The names of a container in one of its networks: an alias is known in its own network only.
pub(super) fn names_in<'a>(
    container: &'a Container,
    network: &'a Network,
) -> impl Iterator<Item = &'a str> {
    let own = [&container.container_name, &container.hostname];
    std::iter::once(container.name.as_str())
        .chain(own.into_iter().flatten().map(|name| name.text.raw()))
        .chain(container.default_names.iter().map(String::as_str))
        .chain(network.aliases.iter().map(|alias| alias.text.raw()))
}

fn place<'a>(container: &'a Container, name: &str) -> &'a Place {
    let aliases = container
        .networks
        .iter()
        .flat_map(|network| &network.aliases);
    container
        .container_name
        .iter()
        .chain(&container.hostname)
        .chain(aliases)
        .find(|field| field.text.raw().eq_ignore_ascii_case(name))
        .map_or(&container.place, |field| &field.place)
}

fn words(container: &Container, name: &str, other: &str) -> Words {
    Words {
        message: format!(
            "{} answers to the name {name}, and so does {other}: connections land in one or the other",
            container.name
        ),
        expected: "a name for each".to_owned(),
        actual: name.to_owned(),
        remedy: format!(
            "Take the name {name} (alias, hostname or container_name) away from {}.",
            container.name
        ),
    }
}

fn shared(scene: &Scene<'_>, side: Side<'_>, beside: Side<'_>, name: &str) -> Finding {
    let other = format!(
        "{} ({})",
        beside.container.name,
        scene.name(beside.party.owner)
    );
    let words = words(side.container, name, &other);
    finding(
        &SHARED_NAME,
        side.container,
        place(side.container, name),
        words,
    )
}
