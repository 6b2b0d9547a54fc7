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
    /// The addresses that it was given in it.
    pub addresses: Vec<Field>,
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
            addresses: ["ipv4_address", "ipv6_address"]
                .iter()
                .filter_map(|key| value.get(key))
                .flat_map(texts)
                .collect(),
        })
        .collect();
    if named.is_empty() {
        return vec![Network {
            name: "default".to_owned(),
            engine_name: engine_name("networks", "default", context),
            aliases: Vec::new(),
            addresses: Vec::new(),
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

/// The names of `extra_hosts` with their addresses.
pub(super) fn extra_hosts(node: &Node) -> Vec<(String, String)> {
    let Some(hosts) = node.get("extra_hosts") else {
        return Vec::new();
    };
    let pair = |name: &str, address: &str| {
        let address = address.trim_start_matches('[').trim_end_matches(']');
        (name.to_owned(), address.to_owned())
    };
    let of_list = texts(hosts).into_iter().filter_map(|host| {
        let (name, address) = host.text.raw().split_once(['=', ':'])?;
        Some(pair(name, address))
    });
    let of_map = hosts.entries().iter().flat_map(|(key, value)| {
        let addresses = texts(value).into_iter();
        addresses.map(|address| pair(&key.name, address.text.raw()))
    });
    of_list.chain(of_map).collect()
}
