//! The order at start: databases that say when they are ready, and clients that wait for it.

use std::collections::BTreeSet;

use super::connection::foreign_servers;
use super::{Scene, Words, finding};
use crate::compose::{Condition, Container, Health, Kind, Party};
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Verdict};

/// A database does not say when it is ready.
pub(super) const HEALTHCHECK: Rule = Rule {
    id: "compose/healthcheck",
    severity: Severity::Warning,
    summary: "Does every database container say when it is ready?",
    help: include_str!("../help/compose-healthcheck.md"),
    scope: Scope::Container,
    check: healthcheck,
};

fn healthcheck(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings = Vec::new();
    for (_, container) in scene.databases() {
        let actual = match container.health {
            Health::Checked => continue,
            Health::Disabled => "a healthcheck that is switched off",
            Health::Missing => "no healthcheck",
            Health::Empty => "a healthcheck that always succeeds",
        };
        let name = &container.name;
        findings.push(finding(
            &HEALTHCHECK,
            container,
            &container.place,
            Words {
                message: format!("{name} has {actual}: nothing can wait until it is ready"),
                expected: "a healthcheck".to_owned(),
                actual: actual.to_owned(),
                remedy: format!(
                    "Give {name} a healthcheck, as in test: [CMD-SHELL, pg_isready -U postgres -d {}].",
                    scene.service.database_name()
                ),
            },
        ));
    }
    Ok(findings.into())
}

/// A container does not wait for its database.
pub(super) const DEPENDS_ON: Rule = Rule {
    id: "compose/depends-on",
    severity: Severity::Warning,
    summary: "Does every client wait until its own database is healthy?",
    help: include_str!("../help/compose-depends-on.md"),
    scope: Scope::Container,
    check: depends_on,
};

fn depends_on(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case).filter(Scene::is_sql) else {
        return Ok(Outcome::default());
    };
    let own: Vec<&Container> = scene.databases().map(|(_, container)| container).collect();
    let mut findings = Vec::new();
    for (index, container, party) in scene.clients() {
        // One that is known by its connection only may be a tool that is started by hand; one that is told a foreign server
        // has that one fault.
        let misled = party
            .connections
            .iter()
            .any(|connection| !foreign_servers(&scene, index, connection).is_empty());
        if !party.by_name || party.connections.is_empty() || misled || own.is_empty() {
            continue;
        }
        let alone = without_its_own(&scene, index, container, party);
        findings.extend(alone.or_else(|| waits(&scene, container, &own)));
    }
    Ok(findings.into())
}

/// A container that starts while no server of its own that it connects to does. Where nothing says which profiles are started, only one
/// that always starts is asked about: of containers in different profiles both may be meant to be named.
fn without_its_own(
    scene: &Scene<'_>,
    index: usize,
    container: &Container,
    party: &Party,
) -> Option<Finding> {
    let connections = party.connections.iter().filter(|it| it.unread.is_none());
    let led: BTreeSet<usize> = connections
        .flat_map(|connection| scene.deployment.targets(index, connection))
        .collect();
    let reached: Vec<&Container> = scene
        .databases()
        .filter(|(database, _)| led.contains(database))
        .map(|(_, container)| container)
        .collect();
    let first = reached.first()?;
    let active = scene.deployment.project.profiles.as_deref();
    let starts = |it: &Container| {
        let is_active = |profile: &String| {
            active.is_some_and(|active| active.iter().any(|one| one == "*" || one == profile))
        };
        it.profiles.is_empty() || it.profiles.iter().any(is_active)
    };
    let spared = container.depends_on.iter().any(|dependency| {
        dependency.optional && reached.iter().any(|own| own.name == dependency.on)
    });
    if spared || !starts(container) || reached.iter().any(|own| starts(own)) {
        return None;
    }
    let name = &container.name;
    let needs = first.profiles.join(" or ");
    let started = match active {
        Some(active) => format!("COMPOSE_PROFILES starts {}", active.join(", ")),
        None => format!("{name} always starts"),
    };
    Some(finding(
        &DEPENDS_ON,
        container,
        &container.place,
        Words {
            message: format!(
                "{name} starts without its database: {} needs profile {needs}, and {started}",
                first.name
            ),
            expected: format!("{name} and {} in the same profiles", first.name),
            actual: match container.profiles.as_slice() {
                [] => format!("no profiles for {name}, {needs} for {}", first.name),
                own => format!("{} for {name}, {needs} for {}", own.join(", "), first.name),
            },
            remedy: format!(
                "Give {name} and {} the same profiles, or start {needs} as well; where another server may stand in: \
                 depends_on {}: {{condition: service_healthy, required: false}}.",
                first.name, first.name
            ),
        },
    ))
}

fn waits(scene: &Scene<'_>, container: &Container, own: &[&Container]) -> Option<Finding> {
    let name = &container.name;
    let database = own.first()?;
    let foreign = container.depends_on.iter().find_map(|dependency| {
        let (other, party) = find(scene, &dependency.on)?;
        let is_foreign =
            party.kind == Kind::Database && party.owner.is_some_and(|owner| owner != scene.own);
        is_foreign.then_some((other, party, dependency))
    });
    let healthy = reaches(scene, container, own, &mut BTreeSet::new());
    let (place, message) = if let Some((other, party, dependency)) = foreign {
        let instead = if healthy {
            String::new()
        } else {
            format!(" instead of {}", database.name)
        };
        let message = format!(
            "{name} waits for {} of {}{instead}",
            other.name,
            scene.name(party.owner)
        );
        (&dependency.place, message)
    } else if healthy || own.iter().all(|own| own.health != Health::Checked) {
        // Without a healthcheck there is nothing to wait for: that is the fault.
        return None;
    } else if let Some(dependency) = container
        .depends_on
        .iter()
        .find(|dependency| own.iter().any(|own| own.name == dependency.on))
    {
        let message = format!(
            "{name} waits until {} is started, not until it is healthy",
            dependency.on
        );
        (&dependency.place, message)
    } else {
        (
            &container.place,
            format!("{name} does not wait for {}", database.name),
        )
    };
    Some(finding(
        &DEPENDS_ON,
        container,
        place,
        Words {
            message,
            expected: format!(
                "depends_on {} with condition: service_healthy",
                database.name
            ),
            actual: "something else".to_owned(),
            remedy: format!(
                "Let depends_on of {name} hold {}: {{condition: service_healthy}} and no other service's database.",
                database.name
            ),
        },
    ))
}

/// Whether the container waits, itself or through others, until one of these is healthy.
fn reaches(
    scene: &Scene<'_>,
    container: &Container,
    own: &[&Container],
    seen: &mut BTreeSet<String>,
) -> bool {
    if !seen.insert(container.name.clone()) {
        return false;
    }
    container.depends_on.iter().any(|dependency| {
        if own.iter().any(|own| own.name == dependency.on) {
            return dependency.condition == Condition::Healthy;
        }
        find(scene, &dependency.on).is_some_and(|(next, _)| reaches(scene, next, own, seen))
    })
}

fn find<'a>(scene: &Scene<'a>, name: &str) -> Option<(&'a Container, &'a Party)> {
    scene
        .deployment
        .all()
        .find(|(_, container, _)| container.name == name)
        .map(|(_, container, party)| (container, party))
}
