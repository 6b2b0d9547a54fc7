//! What Docker Compose refuses of several services together: one name for two containers, and services that wait for each other.

use std::collections::{HashMap, HashSet};

use super::{BESIDE, Found, entries, shown};
use crate::compose::Place;
use crate::compose::text::Text;
use crate::compose::yaml::Node;

/// What services cannot be together.
pub(super) fn judge(found: &mut Found, root: &Node) {
    let services = entries(root, "services");
    let mut named: HashMap<&str, Vec<(&str, &Node)>> = HashMap::new();
    for (key, service) in services {
        let Some((node, name)) = service
            .get("container_name")
            .and_then(|node| Some((node, node.text()?.get()?)))
        else {
            continue;
        };
        let others = named.entry(name).or_default();
        if let Some((other, _)) = others.iter().find(|(_, other)| meet(other, service)) {
            let what = format!(
                "{} has the container_name that {} has",
                shown(&key.name),
                shown(other)
            );
            found.container = Some(key.name.clone());
            found.say(&node.place, &what, None);
        }
        others.push((&key.name, service));
    }
    found.container = None;
    let needs: HashMap<&str, Vec<(String, &Place)>> = services
        .iter()
        .map(|(key, service)| (key.name.as_str(), needed(service)))
        .collect();
    let mut done: HashSet<&str> = HashSet::new();
    for (key, _) in services {
        if let Some((circle, place)) = circle(&key.name, &needs, &mut done) {
            let names: Vec<&str> = circle.iter().map(|name| shown(name)).collect();
            let what = format!("services wait for each other: {}", names.join(" -> "));
            found.container = circle.first().map(|name| (*name).to_owned());
            found.say(place, &what, None);
        }
    }
    found.container = None;
}

/// Whether profiles let two services run together.
fn meet(one: &Node, other: &Node) -> bool {
    let profiles = |service: &Node| -> Vec<String> {
        let items = service.get("profiles").map(Node::items).unwrap_or_default();
        let texts = items.iter().filter_map(Node::text);
        texts.map(|text| text.raw().to_owned()).collect()
    };
    let (one, other) = (profiles(one), profiles(other));
    one.is_empty() || other.is_empty() || one.iter().any(|profile| other.contains(profile))
}

/// The services that one needs before it starts (Docker documentation, "Control startup order"): those that it names in `depends_on`,
/// and those that it shares something with.
fn needed(service: &Node) -> Vec<(String, &Place)> {
    let mut found = Vec::new();
    for (key, dependency) in entries(service, "depends_on") {
        if !dependency.get("required").is_some_and(Node::is_false) {
            found.push((key.name.clone(), &key.place));
        }
    }
    for key in ["links", "volumes_from"] {
        for item in service.get(key).map(Node::items).unwrap_or_default() {
            let first = item
                .text()
                .and_then(Text::get)
                .and_then(|text| text.split(':').next());
            // `container:` leads out of the files.
            let first = first.filter(|name| *name != "container");
            found.extend(first.map(|name| (name.to_owned(), &item.place)));
        }
    }
    for key in BESIDE {
        if let Some(mode) = service.get(key)
            && let Some(name) = mode.text().and_then(Text::get)
            && let Some(name) = name.strip_prefix("service:")
        {
            found.push((name.to_owned(), &mode.place));
        }
    }
    found
}

/// A way from a service back to itself, with the place that closes it. Services that lead to none are done.
fn circle<'a>(
    start: &'a str,
    needs: &'a HashMap<&str, Vec<(String, &'a Place)>>,
    done: &mut HashSet<&'a str>,
) -> Option<(Vec<&'a str>, &'a Place)> {
    // Each step of the way, with how many of its needs were followed.
    let mut way: Vec<(&str, usize)> = vec![(start, 0)];
    while let Some((name, next)) = way.last_mut() {
        let current = *name;
        let need = needs.get(current).and_then(|needs| needs.get(*next));
        *next += 1;
        let Some((needed, place)) = need.filter(|_| !done.contains(current)) else {
            done.insert(current);
            way.pop();
            continue;
        };
        if let Some(from) = way.iter().position(|(name, _)| name == needed) {
            let mut names: Vec<&str> = way.iter().skip(from).map(|(name, _)| *name).collect();
            names.push(needed);
            // One circle is told once.
            done.extend(way.iter().map(|(name, _)| *name));
            return Some((names, place));
        }
        if needs.contains_key(needed.as_str()) && !done.contains(needed.as_str()) {
            way.push((needed, 0));
        }
    }
    None
}
