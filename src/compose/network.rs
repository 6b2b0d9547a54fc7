//! Networks of a container, and the names that are known in them.

use super::container::texts;
use super::context::Context;
use super::text::Field;
use super::yaml::Node;

/// A network that a container is in.
#[derive(Debug, Clone)]
pub struct Network {
    /// Its key.
    pub name: String,
    /// The name that the engine knows it by.
    pub engine_name: String,
    /// The names that the container has in it beside its own.
    pub aliases: Vec<Field>,
}

pub(super) fn networks(node: &Node, mode: Option<&Field>, context: &Context<'_>) -> Vec<Network> {
    if mode.is_some_and(|mode| mode.text.raw() != "bridge") {
        return Vec::new();
    }
    let named: Vec<Network> = node
        .get("networks")
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .map(|(key, value)| Network {
            name: key.name.clone(),
            engine_name: engine_name("networks", &key.name, context),
            aliases: value.get("aliases").map(texts).unwrap_or_default(),
        })
        .collect();
    if named.is_empty() {
        return vec![Network {
            name: "default".to_owned(),
            engine_name: engine_name("networks", "default", context),
            aliases: Vec::new(),
        }];
    }
    named
}

/// The name by which the engine knows a network: its `name`, its key where it is `external`, else project and key.
pub(super) fn engine_name(section: &str, key: &str, context: &Context<'_>) -> String {
    let definition = context.section(section).and_then(|all| all.get(key));
    let external = definition.and_then(|it| it.get("external"));
    let named = definition
        .and_then(|it| it.get("name"))
        // Older files write the name below `external`.
        .or_else(|| external?.get("name"))
        .and_then(Node::text);
    let is_external = external.is_some_and(|it| it.is_true() || !it.entries().is_empty());
    match named {
        Some(name) => name.raw().to_owned(),
        None if is_external => key.to_owned(),
        None => format!("{}_{key}", context.project),
    }
}

pub(super) fn host_names(node: &Node) -> Vec<String> {
    let Some(hosts) = node.get("extra_hosts") else {
        return Vec::new();
    };
    let of_list = texts(hosts).into_iter().filter_map(|host| {
        let text = host.text.raw().to_owned();
        let (name, address) = text.split_once(['=', ':'])?;
        (address == "host-gateway").then(|| name.to_owned())
    });
    let of_map = hosts.entries().iter().filter_map(|(key, value)| {
        let address = value.text().filter(|text| text.raw() == "host-gateway");
        address.map(|_| key.name.clone())
    });
    of_list.chain(of_map).collect()
}
