//! Images: without TimescaleDB, or of no fixed version.

use super::{Container, Finding, Scene, Words, finding};
use crate::manifest::Store;
use crate::rules::{Case, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::Gap;

/// The image of a service with hypertables has no TimescaleDB.
pub(super) const NO_TIMESCALEDB: Rule = Rule {
    id: "compose/no-timescaledb",
    severity: Severity::Warning,
    summary: "Does every database that needs TimescaleDB run an image with it?",
    help: include_str!("../help/compose-no-timescaledb.md"),
    scope: Scope::Container,
    check: no_timescaledb,
};

/// Images that are known to have no TimescaleDB, by how their names begin.
const PLAIN: [&str; 4] = ["postgres", "postgresql", "postgis", "pgvector"];

fn no_timescaledb(case: &Case<'_>) -> Verdict {
    let mut outcome = Outcome::default();
    let Some(scene) = Scene::of(case).filter(|scene| scene.service.store == Store::TimescaleDb)
    else {
        return Ok(outcome);
    };
    for (_, container) in scene.databases() {
        let whole = container.image.as_ref().map(|image| image.text.shown());
        let has = whole
            .as_ref()
            .is_some_and(|image| image.to_ascii_lowercase().contains("timescale"));
        if has {
            let told = container.option("", &[PRELOAD]);
            let left_out = told.filter(|list| !list.contains("timescaledb"));
            let left_out = left_out.map(|list| not_preloaded(&scene, container, list));
            outcome.findings.extend(left_out);
            continue;
        }
        let name = &container.name;
        let plain = container
            .image_name()
            .is_some_and(|image| PLAIN.contains(&image));
        match (&container.image, plain) {
            (Some(image), true) => outcome.findings.push(finding(
                &NO_TIMESCALEDB,
                container,
                &image.place,
                Words {
                    message: format!(
                        "{name} runs {}, which has no TimescaleDB; {} needs it for its hypertables",
                        image.text.shown(),
                        scene.service.name
                    ),
                    expected: "an image such as timescale/timescaledb:2.19.3-pg17".to_owned(),
                    actual: image.text.shown(),
                    remedy: format!("Give {name} an image with TimescaleDB of the same major version of PostgreSQL."),
                },
            )),
            _ => outcome.gaps.push(Gap::new(format!(
                "whether {} has TimescaleDB cannot be told from its name",
                whole.map_or_else(
                    || format!("the image that is built for {name}"),
                    |image| format!("image {image} of {name}")
                )
            ))),
        }
    }
    Ok(outcome)
}

/// The parameter that the images set in their own configuration, and that a command replaces.
const PRELOAD: &str = "shared_preload_libraries";

fn not_preloaded(scene: &Scene<'_>, container: &Container, list: &str) -> Finding {
    let name = &container.name;
    finding(
        &NO_TIMESCALEDB,
        container,
        &container.place,
        Words {
            message: format!(
                "{name} is started with {PRELOAD}={list}, without timescaledb: no hypertable of {} can be used",
                scene.service.name
            ),
            expected: format!("{PRELOAD} with timescaledb"),
            actual: list.to_owned(),
            remedy: format!("Write {PRELOAD}=timescaledb,{list} in the command of {name}."),
        },
    )
}

/// The image is another one tomorrow.
pub(super) const FLOATING_TAG: Rule = Rule {
    id: "compose/floating-tag",
    severity: Severity::Warning,
    summary: "Does every database, and every application, run an image of a fixed version?",
    help: include_str!("../help/compose-floating-tag.md"),
    scope: Scope::Container,
    check: floating_tag,
};

/// Words in tags that move.
const MOVING: [&str; 8] = [
    "latest", "edge", "nightly", "main", "master", "dev", "rolling", "stable",
];

fn floating_tag(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings = Vec::new();
    let databases = scene.databases().map(|(_, container)| (container, true));
    let clients = scene.clients().map(|(_, container, _)| (container, false));
    for (container, is_database) in databases.chain(clients) {
        let Some(image) = container.image.as_ref().filter(|_| !container.build) else {
            continue;
        };
        let raw = image.text.raw();
        let last = raw.rsplit('/').next().unwrap_or(raw);
        if raw.contains('@') || image.text.get().is_none() {
            continue;
        }
        let what = match last.split_once(':') {
            None => "no tag, which means latest".to_owned(),
            Some((_, tag)) => {
                let mut words = tag.split(['-', '.', '_']);
                // An application's own versions may be called as they like.
                let moves = if is_database {
                    words.any(|word| MOVING.contains(&word))
                } else {
                    words.any(|word| word == "latest")
                };
                if !moves {
                    continue;
                }
                format!("tag {tag}")
            }
        };
        let name = &container.name;
        let (brings, example, how) = if is_database {
            (
                "another version of PostgreSQL or TimescaleDB".to_owned(),
                "2.19.3-pg17",
                " (in psql: SELECT extversion FROM pg_extension)",
            )
        } else {
            let service = &scene.service.name;
            (
                format!("a version of {service} that expects another schema"),
                "1.2.0",
                "",
            )
        };
        findings.push(finding(
            &FLOATING_TAG,
            container,
            &image.place,
            Words {
                message: format!("{name} runs {raw} ({what}): the next pull may bring {brings}"),
                expected: format!("a tag with a version, as in {example}"),
                actual: what,
                remedy: format!("Write the version that {name} runs now{how} as its tag."),
            },
        ));
    }
    Ok(findings.into())
}
