//! One network namespace for two services: a container in another's (`network_mode: service:…`).

use super::{Scene, Side, Words, apart, finding};
use crate::compose::Container;
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Verdict};

/// A container is in the network namespace of another service's database.
pub(super) const SHARED_NETWORK: Rule = Rule {
    id: "compose/shared-network",
    severity: Severity::Error,
    summary: "Is no service's container in the network namespace of another service's database?",
    help: include_str!("../help/compose-shared-network.md"),
    scope: Scope::Container,
    check: shared_network,
};

fn shared_network(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings: Vec<Finding> = Vec::new();
    for (one, other) in scene.pairs() {
        let two_services = one.party.owner.is_some()
            && other.party.owner.is_some()
            && one.party.owner != other.party.owner;
        let with_database = one.is_database() || other.is_database();
        let root = scene.deployment.namespace(one.container);
        let shares = root.is_some() && root == scene.deployment.namespace(other.container);
        if !(two_services && with_database && shares) {
            continue;
        }
        let found = shared(&scene, one, other);
        findings.push(if apart(one.container, other.container) {
            found.severity(Severity::Info)
        } else {
            found
        });
    }
    Ok(findings.into())
}

fn shared(scene: &Scene<'_>, one: Side<'_>, other: Side<'_>) -> Finding {
    // The one that says so; where a third container has the namespace, both do.
    let (side, beside) = match mode(other.container) {
        Some(_) => (other, one),
        None => (one, other),
    };
    let written = mode(side.container).unwrap_or_default();
    let (a, b) = (&side.container.name, &beside.container.name);
    let what = match (side.is_database(), beside.is_database()) {
        (true, true) => "they want one port, and localhost of each leads to the other",
        _ => {
            "localhost leads to a database that lets in whoever comes from there, without a password"
        }
    };
    let place = side
        .container
        .network_mode
        .as_ref()
        .map_or(&side.container.place, |mode| &mode.place);
    let words = Words {
        message: format!(
            "{a} ({}) and {b} ({}) are in one network namespace (network_mode: {written}): {what}",
            scene.name(side.party.owner),
            scene.name(beside.party.owner)
        ),
        expected: "a network namespace for each service".to_owned(),
        actual: format!("network_mode: {written}"),
        remedy: format!(
            "Take network_mode away from {a} and put it into a network: names lead to containers there."
        ),
    };
    let found = finding(&SHARED_NETWORK, side.container, place, words);
    match beside.party.owner {
        Some(_) => found.belongs_to(scene.name(beside.party.owner)),
        None => found,
    }
}

/// What `network_mode` says of a namespace that is another container's.
fn mode(container: &Container) -> Option<String> {
    container.beside()?;
    Some(container.network_mode.as_ref()?.text.shown())
}
