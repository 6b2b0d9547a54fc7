//! What Docker Compose refuses a file for: a key that it does not know, and the name of a volume, network, secret, config or service that
//! is declared nowhere.

mod keys;

use std::collections::BTreeSet;

use super::Place;
use super::mount::named_volume;
use super::yaml::{Key, Node};
use crate::manifest::suggest::closest;
use keys::{BELOW, DECLARED, OF_ITEMS, SERVICE, TOP};

/// Something that Docker Compose refuses.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The service of the file that it stands in; `None` outside of services.
    pub container: Option<String>,
    /// What it is, with its place and what was meant.
    pub reason: String,
}

/// What Docker Compose refuses in the whole of the files.
pub(super) fn refused(root: &Node) -> Vec<Refused> {
    let mut found = Found::default();
    found.keys("", root, TOP);
    for (section, known) in DECLARED {
        for (key, node) in entries(root, section) {
            found.keys(&format!("{section}.{}", shown(&key.name)), node, known);
        }
    }
    for (key, service) in entries(root, "services") {
        found.container = Some(key.name.clone());
        found.service(root, &key.name, service);
    }
    found.refused
}

#[derive(Default)]
struct Found {
    container: Option<String>,
    places: BTreeSet<Place>,
    refused: Vec<Refused>,
}

impl Found {
    fn service(&mut self, root: &Node, name: &str, service: &Node) {
        let path = format!("services.{}", shown(name));
        self.keys(&path, service, SERVICE);
        for (key, known) in BELOW {
            if let Some(node) = service.get(key) {
                self.keys(&format!("{path}.{key}"), node, known);
            }
        }
        for (key, known) in OF_ITEMS {
            let items = service.get(key).map(Node::items).unwrap_or_default();
            let named = entries(service, key).iter().map(|(_, node)| node);
            for node in items.iter().chain(named) {
                self.keys(&format!("{path}.{key}"), node, known);
            }
        }
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

    /// The keys of a map that are none of these. Keys that begin with `x-` are everybody's.
    fn keys(&mut self, path: &str, node: &Node, known: &[&str]) {
        for (key, _) in node.entries() {
            let is_known = known.contains(&key.name.as_str()) || key.name.starts_with("x-");
            if is_known {
                continue;
            }
            let dot = if path.is_empty() { "" } else { "." };
            let what = format!(
                "{path}{dot}{} is no key that it knows, and what stands there was not looked at",
                shown(&key.name)
            );
            self.say(&key.place, &what, closest(&key.name, known.iter().copied()));
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
fn shown(key: &str) -> &str {
    if is_name(key) { key } else { "…" }
}

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
    if let Some(mode) = service.get("network_mode")
        && let Some(beside) = text(mode)
        && let Some(name) = beside.strip_prefix("service:")
    {
        found.push(("services", name.to_owned(), &mode.place));
    }
    found
}
