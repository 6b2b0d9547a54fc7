//! Values that Docker Compose refuses, each for itself.

use super::{Found, entries, shown};
use crate::compose::text::Text;
use crate::compose::yaml::{Key, Node, Value};

/// What a service may wait for.
const CONDITIONS: [&str; 3] = [
    "service_completed_successfully",
    "service_healthy",
    "service_started",
];

/// How a check of one's health may begin.
const TESTS: [&str; 3] = ["CMD", "CMD-SHELL", "NONE"];

/// Whether a service has something to run.
pub(super) fn origin(found: &mut Found, key: &Key, service: &Node) {
    // One that no profile starts may be there for others to extend.
    let starts = service
        .get("profiles")
        .is_none_or(|profiles| profiles.items().is_empty());
    let made = ["build", "image", "provider"]
        .iter()
        .any(|key| service.get(key).is_some_and(|value| !is_empty(value)));
    if starts && !made && matches!(service.value, Value::Map(_)) {
        let what = format!(
            "services.{} has neither an image nor a build",
            shown(&key.name)
        );
        found.say(&key.place, &what, None);
    }
}

/// What is wrong with one service.
pub(super) fn service(found: &mut Found, key: &Key, service: &Node) {
    let name = shown(&key.name);
    for (needed, dependency) in entries(service, "depends_on") {
        let condition = dependency.get("condition");
        let Some((node, word)) = condition.and_then(|node| Some((node, node.text()?.get()?)))
        else {
            continue;
        };
        if !CONDITIONS.contains(&word) {
            let what = format!(
                "services.{name}.depends_on.{} has a condition that is none of {}",
                shown(&needed.name),
                CONDITIONS.join(", ")
            );
            found.say(&node.place, &what, super::closest(word, CONDITIONS));
        }
    }
    if let (Some(mode), Some(networks)) = (service.get("network_mode"), service.get("networks"))
        && !is_empty(mode)
        && !networks.entries().is_empty()
    {
        let what = format!("services.{name} has both network_mode and networks; remove one");
        found.say(&mode.place, &what, None);
    }
    if let Some(test) = service
        .get("healthcheck")
        .and_then(|health| health.get("test"))
        && let Some(first) = test.items().first()
        && let Some(word) = first.text().and_then(Text::get)
        && !TESTS.contains(&word)
    {
        let what = format!(
            "services.{name}.healthcheck.test begins with none of {}",
            TESTS.join(", ")
        );
        found.say(&first.place, &what, super::closest(word, TESTS));
    }
    number(found, name, service);
}

/// How often a service runs.
fn number(found: &mut Found, name: &str, service: &Node) {
    let count = |node: Option<&Node>| node?.text()?.get()?.parse::<u32>().ok();
    let scale = service.get("scale");
    let replicas = service
        .get("deploy")
        .and_then(|deploy| deploy.get("replicas"));
    if let (Some(one), Some(other), Some(node)) = (count(scale), count(replicas), scale)
        && one != other
    {
        let what =
            format!("services.{name} has scale {one} and deploy.replicas {other}; remove one");
        found.say(&node.place, &what, None);
    }
    let several = count(scale)
        .or_else(|| count(replicas))
        .is_some_and(|count| count > 1);
    if let Some(node) = service
        .get("container_name")
        .filter(|name| several && !is_empty(name))
    {
        let what = format!(
            "services.{name} runs more than once, and a container_name is for one container; remove it"
        );
        found.say(&node.place, &what, None);
    }
}

/// Secrets and configs that come from nowhere, or from two places.
pub(super) fn sources(found: &mut Found, root: &Node) {
    const SECRET: &[&str] = &["file", "environment"];
    const CONFIG: &[&str] = &["file", "environment", "content"];
    for (section, kinds) in [("secrets", SECRET), ("configs", CONFIG)] {
        for (key, node) in entries(root, section) {
            // What only a driver or the engine knows has a source of its own.
            if ["driver", "external"]
                .iter()
                .any(|own| node.get(own).is_some())
            {
                continue;
            }
            let given = kinds.iter().filter(|kind| node.get(kind).is_some()).count();
            let kinds = kinds.join(", ");
            let said = match given {
                0 => "has none of",
                1 => continue,
                _ => "has more than one of",
            };
            let what = format!("{section}.{} {said} {kinds}", shown(&key.name));
            found.say(&key.place, &what, None);
        }
    }
}

/// Whether a value is as good as none.
fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Scalar(text) => text.is_empty(),
        Value::List(_) | Value::Map(_) => false,
    }
}
