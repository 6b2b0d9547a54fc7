//! What a database's container is told to make: databases, a superuser, who may enter.

use super::{Scene, Words, finding, hba};
use crate::compose::{Container, Kind, Text, Variable};
use crate::manifest::{Service, Topology};
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::Gap;

/// A database container makes another service's database or role.
pub(super) const WRONG_DATABASE: Rule = Rule {
    id: "compose/wrong-database",
    severity: Severity::Error,
    summary: "Does every database container make its own service's database and role?",
    help: include_str!("../help/compose-wrong-database.md"),
    scope: Scope::Container,
    check: wrong_database,
};

/// The first of these variables that is set.
pub(super) fn first<'a>(container: &'a Container, names: &[&str]) -> Option<&'a Variable> {
    names.iter().find_map(|name| container.variable(name))
}

const DATABASE: [&str; 2] = ["POSTGRES_DB", "POSTGRESQL_DATABASE"];
pub(super) const USER: [&str; 2] = ["POSTGRES_USER", "POSTGRESQL_USERNAME"];

fn wrong_database(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case).filter(Scene::is_sql) else {
        return Ok(Outcome::default());
    };
    let service = scene.service;
    let mut findings: Vec<Finding> = Vec::new();
    let mut gaps = Vec::new();
    for (_, container) in scene.databases() {
        let made_by_file =
            |(name, _): &&(String, String)| DATABASE.iter().chain(&USER).any(|known| known == name);
        for (name, why) in container.unread.iter().filter(made_by_file) {
            gaps.push(Gap::new(format!(
                "{name}_FILE of {}: {why}",
                container.name
            )));
        }
        let user = first(container, &USER).and_then(|variable| variable.value.get());
        let database = first(container, &DATABASE);
        if let Some((variable, name)) = database.and_then(|it| Some((it, it.value.get()?))) {
            let other = scene.other(|other| other.database_name() == name);
            // `postgres` and the superuser's own are there in any case; provision makes the service's.
            let is_fine =
                name == service.database_name() || name == "postgres" || Some(name) == user;
            if other.is_some() || !is_fine {
                let what = ("database", name, service.database_name().to_owned());
                findings.push(made(
                    container,
                    variable,
                    what,
                    other.map(|it| it.name.as_str()),
                    &service.name,
                ));
            }
        }
        if let Some(variable) = first(container, &USER)
            && let Some(name) = variable.value.get()
            && service.role_name() != Some(name)
            && let Some(other) = scene.other(|other| other.role_name() == Some(name))
        {
            let own = service
                .role_name()
                .unwrap_or("a role of its own")
                .to_owned();
            findings.push(made(
                container,
                variable,
                ("role", name, own),
                Some(&other.name),
                &service.name,
            ));
        }
    }
    Ok(Outcome { findings, gaps })
}

fn made(
    container: &Container,
    variable: &Variable,
    (kind, found, own): (&str, &str, String),
    other: Option<&str>,
    service: &str,
) -> Finding {
    let whose = other.map_or_else(String::new, |other| format!(" of {other}"));
    let name = &container.name;
    let result = finding(
        &WRONG_DATABASE,
        container,
        &variable.place,
        Words {
            message: format!(
                "{name} of {service} makes {kind} {found}{whose} ({}); {service} has {kind} {own}",
                variable.name
            ),
            expected: own.clone(),
            actual: found.to_owned(),
            remedy: format!(
                "Write {own} as {} of {name}. It is read only when the volume is empty: one that has been used keeps what it has.",
                variable.name
            ),
        },
    );
    match other {
        Some(other) => result.belongs_to(other),
        None => result,
    }
}

/// Two services' databases are in one server.
pub(super) const SHARED_SERVER: Rule = Rule {
    id: "compose/shared-server",
    severity: Severity::Error,
    summary: "Does every database container hold one service's database?",
    help: include_str!("../help/compose-shared-server.md"),
    scope: Scope::Container,
    check: shared_server,
};

fn shared_server(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case).filter(|scene| scene.topology != Topology::Shared) else {
        return Ok(Outcome::default());
    };
    let mut findings = Vec::new();
    for (_, container) in scene.databases() {
        let several = [
            "POSTGRES_MULTIPLE_DATABASES",
            "POSTGRES_DATABASES",
            "POSTGRES_ADDITIONAL_DATABASES",
        ];
        let Some(variable) = first(container, &several) else {
            continue;
        };
        let names: Vec<&str> = variable
            .value
            .raw()
            .split([',', ';', ' ', ':'])
            .map(str::trim)
            .collect();
        if let Some(other) = scene.other(|other| {
            !other.database_name().is_empty() && names.contains(&other.database_name())
        }) {
            findings.push(together(container, variable, &scene, &other.name));
        }
    }
    // A server that is nobody's own: the last of its services says so.
    for (index, container, party) in scene.deployment.all() {
        if party.kind != Kind::Database {
            continue;
        }
        // One that the manifest itself names for two: the later one says so.
        if let Some(owner) = party.owner {
            let theirs = scene.services.get(owner).filter(|_| owner != scene.own);
            if theirs.is_some_and(|theirs| is_one_container(scene.service, theirs)) {
                findings.push(shared(&scene, container, scene.name(Some(owner))));
            }
            continue;
        }
        let services = scene.deployment.services_of(index);
        let other = services.iter().rev().find(|other| **other != scene.own);
        if let Some(other) = other.filter(|_| scene.tells(&services)) {
            findings.push(shared(&scene, container, scene.name(Some(*other))));
        }
    }
    Ok(findings.into())
}

/// Whether the manifest itself names one container for two services.
pub(super) fn is_one_container(service: &Service, other: &Service) -> bool {
    let names = service.container.as_ref().zip(other.container.as_ref());
    names.is_some_and(|(own, theirs)| own.value == theirs.value)
}

fn shared(scene: &Scene<'_>, container: &Container, other: &str) -> Finding {
    let severity = if scene.topology == Topology::Dedicated {
        Severity::Error
    } else {
        Severity::Warning
    };
    let words = words(&container.name, &scene.service.name, other);
    finding(&SHARED_SERVER, container, &container.place, words).severity(severity)
}

fn words(container: &str, one: &str, other: &str) -> Words {
    Words {
        message: format!("{one} and {other} share the server {container}"),
        expected: "a server for each".to_owned(),
        actual: container.to_owned(),
        remedy: format!(
            "Give {one} a container of its own, or write topology = \"shared\" in the manifest if one server is meant."
        ),
    }
}

fn together(container: &Container, variable: &Variable, scene: &Scene<'_>, other: &str) -> Finding {
    let words = words(&container.name, &scene.service.name, other);
    let words = Words {
        message: format!("{} ({})", words.message, variable.name),
        ..words
    };
    finding(&SHARED_SERVER, container, &variable.place, words).belongs_to(other)
}

/// The service's role is its server's superuser.
pub(super) const SUPERUSER: Rule = Rule {
    id: "compose/superuser",
    severity: Severity::Warning,
    summary: "Is no service's role the superuser that its container makes?",
    help: include_str!("../help/compose-superuser.md"),
    scope: Scope::Container,
    check: superuser,
};

fn superuser(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case).filter(Scene::is_sql) else {
        return Ok(Outcome::default());
    };
    let mut findings = Vec::new();
    for (_, container) in scene.databases() {
        let Some(variable) = container.variable("POSTGRES_USER") else {
            continue;
        };
        let Some(role) = variable
            .value
            .get()
            .filter(|role| scene.service.role_name() == Some(role))
        else {
            continue;
        };
        let name = &container.name;
        findings.push(finding(
            &SUPERUSER,
            container,
            &variable.place,
            Words {
                message: format!("POSTGRES_USER of {name} is {role}, the role of {}: the image makes it a superuser", scene.service.name),
                expected: "an administrator of its own, as in postgres".to_owned(),
                actual: role.to_owned(),
                remedy: format!("Leave POSTGRES_USER of {name} out and let `dbctl provision --service {}` make {role}; a volume that has been used keeps its roles.", scene.service.name),
            },
        ));
    }
    Ok(findings.into())
}

/// A database lets everybody in.
pub(super) const TRUST: Rule = Rule {
    id: "compose/trust",
    severity: Severity::Error,
    summary: "Does every database container ask for a password?",
    help: include_str!("../help/compose-trust.md"),
    scope: Scope::Container,
    check: trust,
};

fn trust(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut outcome = Outcome::default();
    for (_, container) in scene.databases() {
        hba::file(container, &mut outcome);
        let is = |variable: &&Variable| {
            let value = variable
                .value
                .get()
                .map(str::to_ascii_lowercase)
                .unwrap_or_default();
            match variable.name.as_str() {
                "POSTGRES_HOST_AUTH_METHOD" => value == "trust",
                "POSTGRES_INITDB_ARGS" => value.split_whitespace().any(|word| {
                    matches!(word, "trust" | "-atrust")
                        || (word.starts_with("--auth")
                            && !word.starts_with("--auth-local")
                            && word.ends_with("=trust"))
                }),
                "ALLOW_EMPTY_PASSWORD" => ["yes", "true", "1"].contains(&value.as_str()),
                _ => false,
            }
        };
        let Some(variable) = container.environment.iter().find(is) else {
            continue;
        };
        let name = &container.name;
        let value = match variable.name.as_str() {
            // Its other words may be anything.
            "POSTGRES_INITDB_ARGS" => "trust".to_owned(),
            _ => Text::shown(&variable.value),
        };
        outcome.findings.push(finding(
            &TRUST,
            container,
            &variable.place,
            Words {
                message: format!("{name} lets everybody in without a password: {} says {value}", variable.name),
                expected: "scram-sha-256".to_owned(),
                actual: value,
                remedy: format!("Remove {} of {name} and set POSTGRES_PASSWORD; in a volume that has been used, correct pg_hba.conf.", variable.name),
            },
        ));
    }
    Ok(outcome)
}
