//! What Docker Compose refuses a file for: a key that it does not know, a name that is declared nowhere, a value that cannot be, and what
//! services cannot be together. What its versions do not agree on is not refused here.

mod keys;
mod together;
mod values;

use std::collections::BTreeSet;

use super::Place;
use super::mount::named_volume;
use super::yaml::{Key, Node};
use crate::manifest::suggest::closest;
use keys::{FILE, Shape};

/// Something that Docker Compose refuses.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The service of the file that it stands in; `None` outside of services.
    pub container: Option<String>,
    /// What it is, with its place and what was meant.
    pub reason: String,
}

/// How much of a project is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// All of it.
    Whole,
    /// Only a part: what is not declared here may be elsewhere.
    Part,
}

/// What Docker Compose refuses in the whole of the files.
pub(super) fn refused(root: &Node, seen: Seen) -> Vec<Refused> {
    let mut found = Found::default();
    found.shape("", root, &FILE);
    for (key, service) in entries(root, "services") {
        found.container = Some(key.name.clone());
        if seen == Seen::Whole {
            found.names(root, &key.name, service);
            values::origin(&mut found, key, service);
        }
        values::service(&mut found, key, service);
    }
    found.container = None;
    values::sources(&mut found, root);
    together::judge(&mut found, root);
    found.refused
}

#[derive(Default)]
struct Found {
    container: Option<String>,
    places: BTreeSet<Place>,
    refused: Vec<Refused>,
}

impl Found {
    /// What is declared nowhere.
    fn names(&mut self, root: &Node, name: &str, service: &Node) {
        for (section, used, place) in uses(service) {
            let declared: Vec<&str> = entries(root, section)
                .iter()
                .map(|(key, _)| key.name.as_str())
                .collect();
            // What only the host knows may be any of them.
            let is_known = declared.contains(&used.as_str()) || !is_name(&used);
            if is_known || (section == "networks" && used == "default") {
                continue;
            }
            let kind = section.trim_end_matches('s');
            self.say(
                place,
                &format!("{kind} {used}, which {name} uses, is not declared below {section}"),
                closest(&used, declared),
            );
        }
    }

    /// The keys of a map that are none of these, and what stands below the others. Keys that begin with `x-` are everybody's.
    fn shape(&mut self, path: &str, node: &Node, shape: &Shape) {
        let below = |key: &Key| match path {
            "" => shown(&key.name).to_owned(),
            path => format!("{path}.{}", shown(&key.name)),
        };
        match shape {
            Shape::Each(each) => {
                for item in node.items() {
                    self.shape(path, item, each);
                }
                for (key, item) in node.entries() {
                    self.within(path, key, |found| found.shape(&below(key), item, each));
                }
            }
            Shape::Keys(plain, deep) => {
                for (key, value) in node.entries() {
                    let name = key.name.as_str();
                    if let Some((_, shape)) = deep.iter().find(|(known, _)| *known == name) {
                        self.shape(&below(key), value, shape);
                    } else if !plain.contains(&name) && !name.starts_with("x-") {
                        let what = format!(
                            "{} is no key that it knows, and what stands there was not looked at",
                            below(key)
                        );
                        let known = plain.iter().chain(deep.iter().map(|(known, _)| known));
                        self.say(&key.place, &what, closest(name, known.copied()));
                    }
                }
            }
        }
    }

    /// Reads what may be a service's.
    fn within(&mut self, path: &str, key: &Key, read: impl FnOnce(&mut Self)) {
        if path == "services" {
            self.container = Some(key.name.clone());
        }
        read(self);
        if path == "services" {
            self.container = None;
        }
    }

    fn say(&mut self, place: &Place, what: &str, meant: Option<&str>) {
        // What several services have from one place, by an anchor or `extends`, is one fault.
        if !self.places.insert(place.clone()) {
            return;
        }
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        self.refused.push(Refused {
            container: self.container.clone(),
            reason: format!(
                "Docker Compose refuses {}:{}:{}: {what}{meant}",
                place.file, place.line, place.column
            ),
        });
    }
}

fn entries<'a>(node: &'a Node, key: &str) -> &'a [(Key, Node)] {
    node.get(key).map(Node::entries).unwrap_or_default()
}

/// Whether a text is a name as sections have them (`^[a-zA-Z0-9._-]+$` in the schema).
fn is_name(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !text.is_empty() && text.chars().all(is_allowed)
}

/// A key as messages show it: what is no name may be a value that stands in the wrong place.
pub(super) fn shown(key: &str) -> &str {
    if is_name(key) { key } else { "…" }
}

/// Keys that put a service beside another: `service:NAME`.
const BESIDE: [&str; 3] = ["ipc", "network_mode", "pid"];

/// What a service names of other sections: the section, the name and its place.
fn uses(service: &Node) -> Vec<(&'static str, String, &Place)> {
    let mut found = Vec::new();
    let items = |key: &str| service.get(key).map(Node::items).unwrap_or_default();
    let text = |node: &Node| Some(node.text()?.get()?.to_owned());
    for item in items("volumes") {
        found.extend(named_volume(item).map(|name| ("volumes", name, &item.place)));
    }
    for section in ["configs", "secrets"] {
        for item in items(section) {
            let name = text(item).or_else(|| text(item.get("source")?));
            found.extend(name.map(|name| (section, name, &item.place)));
        }
    }
    for (key, _) in entries(service, "networks") {
        found.push(("networks", key.name.clone(), &key.place));
    }
    for (key, _) in entries(service, "depends_on") {
        found.push(("services", key.name.clone(), &key.place));
    }
    for item in items("links") {
        let link = text(item).map(|text| text.split(':').next().unwrap_or_default().to_owned());
        found.extend(link.map(|name| ("services", name, &item.place)));
    }
    for key in BESIDE {
        if let Some(mode) = service.get(key)
            && let Some(beside) = text(mode)
            && let Some(name) = beside.strip_prefix("service:")
        {
            found.push(("services", name.to_owned(), &mode.place));
        }
    }
    let build = service.get("build").and_then(|build| build.get("secrets"));
    for item in build.map(Node::items).unwrap_or_default() {
        let name = text(item).or_else(|| text(item.get("source")?));
        found.extend(name.map(|name| ("secrets", name, &item.place)));
    }
    for item in items("models") {
        found.extend(text(item).map(|name| ("models", name, &item.place)));
    }
    for (key, _) in entries(service, "models") {
        found.push(("models", key.name.clone(), &key.place));
    }
    found
}
