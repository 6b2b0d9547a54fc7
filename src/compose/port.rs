//! Published ports, in both syntaxes.

use super::load::ComposeError;
use super::text::Text;
use super::yaml::Node;
use super::{Place, normal};

/// A published port.
#[derive(Debug, Clone)]
pub struct Port {
    /// The address of the host; `None` for all of them.
    pub address: Option<Text>,
    /// The port of the host, `None` where the engine chooses one; a range has several.
    pub published: Option<Text>,
    /// The port in the container.
    pub target: Text,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// Where it is written.
    pub place: Place,
}

/// Whether a port of the host is one that the file chooses: for 0, as for none, the engine takes one that is free.
fn is_chosen(port: &Text) -> bool {
    !port.is_empty() && port.raw() != "0"
}

pub(super) fn port(service: &str, node: &Node) -> Result<Port, ComposeError> {
    let place = node.place.clone();
    if !node.entries().is_empty() {
        let text = |key: &str| node.get(key).and_then(Node::text).cloned();
        let target = text("target")
            .ok_or_else(|| normal::wrong(service, "ports", "a map with target", node))?;
        return Ok(Port {
            address: text("host_ip").filter(|address| !address.is_empty()),
            published: text("published").filter(is_chosen),
            target,
            protocol: text("protocol").map_or_else(|| "tcp".to_owned(), |text| text.shown()),
            place,
        });
    }
    let Some(text) = node.text() else {
        return Err(normal::wrong(
            service,
            "ports",
            "a list of texts or maps",
            node,
        ));
    };
    let (ports, protocol) = text.raw().split_once('/').unwrap_or((text.raw(), "tcp"));
    let (rest, target) = ports
        .rsplit_once(':')
        .map_or((None, ports), |(rest, target)| (Some(rest), target));
    let (address, published) = match rest {
        None => (None, None),
        Some(rest) => match rest.rsplit_once(':') {
            Some((address, published)) => (Some(address), Some(published)),
            None => (None, Some(rest)),
        },
    };
    let some = |part: Option<&str>| {
        part.filter(|part| !part.is_empty())
            .map(|part| text.part(part))
    };
    Ok(Port {
        address: some(address.map(|address| address.trim_matches(['[', ']']))),
        published: some(published).filter(is_chosen),
        target: text.part(target),
        protocol: protocol.to_owned(),
        place,
    })
}
