//! Mounts: `volumes` in both syntaxes, and what the named ones are (Docker documentation, "Volumes top-level element").

use super::context::Context;
use super::load::ComposeError;
use super::network::engine_name;
use super::path::{Store, within};
use super::scripts::FOLDER;
use super::text::Text;
use super::yaml::Node;
use super::{Place, normal};

/// A mount.
#[derive(Debug, Clone)]
pub struct Mount {
    /// What is mounted; `None` for an anonymous volume or memory.
    pub source: Option<Store>,
    /// The path in the container.
    pub target: Text,
    /// Whether it cannot be written.
    pub read_only: bool,
    /// Whether it is memory, gone with the container.
    pub memory: bool,
    /// Where it is written.
    pub place: Place,
}

impl Mount {
    /// How people write the source.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.source
            .as_ref()
            .map_or("an anonymous volume", |store| store.shown.as_str())
    }

    /// Whether this path of the container lies in it.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        within(path, self.target.raw())
    }

    /// Whether it holds what runs when the database is created.
    #[must_use]
    pub fn is_init(&self) -> bool {
        within(self.target.raw(), FOLDER)
    }

    /// Whether it lies in this directory of the container.
    #[must_use]
    pub fn lies_in(&self, directory: &str) -> bool {
        within(self.target.raw(), directory)
    }
}

pub(super) fn mount(
    service: &str,
    node: &Node,
    context: &Context<'_>,
) -> Result<Mount, ComposeError> {
    let place = node.place.clone();
    let base = context.base(&place);
    if !node.entries().is_empty() {
        let text = |key: &str| node.get(key).and_then(Node::text);
        let target = text("target")
            .or_else(|| text("destination"))
            .or_else(|| text("dst"))
            .ok_or_else(|| normal::wrong(service, "volumes", "a map with target", node))?;
        let source = text("source").or_else(|| text("src"));
        let kind = text("type").map_or("volume", Text::raw);
        let subpath = node
            .get("volume")
            .and_then(|volume| volume.get("subpath"))
            .and_then(Node::text)
            .map_or("", Text::raw);
        let in_memory = source.is_some_and(|it| kind != "bind" && is_in_memory(it, context));
        return Ok(Mount {
            source: source.map(|source| match kind {
                "bind" => Store::bind(source, &base, context.home()),
                _ => volume(source, subpath, context),
            }),
            target: target.clone(),
            read_only: ["read_only", "readonly"]
                .iter()
                .any(|key| node.get(key).is_some_and(Node::is_true)),
            memory: kind == "tmpfs" || in_memory,
            place,
        });
    }
    let Some(text) = node.text() else {
        return Err(normal::wrong(
            service,
            "volumes",
            "a list of texts or maps",
            node,
        ));
    };
    let mut parts = text.raw().split(':');
    let (source, target, mode) = match (parts.next(), parts.next(), parts.next()) {
        (Some(target), None, _) => (None, target, ""),
        (Some(source), Some(target), mode) => (Some(source), target, mode.unwrap_or("")),
        _ => (None, text.raw(), ""),
    };
    let named = source.filter(|source| !is_path(source));
    Ok(Mount {
        memory: named.is_some_and(|source| is_in_memory(&text.part(source), context)),
        source: source.map(|source| {
            let is_path = is_path(source);
            let source = text.part(source);
            if is_path {
                Store::bind(&source, &base, context.home())
            } else {
                volume(&source, "", context)
            }
        }),
        target: text.part(target),
        read_only: mode.split(',').any(|word| word == "ro"),
        place,
    })
}

/// Whether the source of a mount in the short syntax is a path of the host.
fn is_path(source: &str) -> bool {
    source.starts_with(['/', '.', '~']) || source.contains('/')
}

/// The named volume that a mount is of, where its name is known.
pub(super) fn named_volume(node: &Node) -> Option<String> {
    if let Some(text) = node.text() {
        let (source, _) = text.get()?.split_once(':')?;
        return (!is_path(source)).then(|| source.to_owned());
    }
    let value = |key: &str| node.get(key)?.text()?.get();
    let is_volume = value("type").is_none_or(|kind| kind == "volume");
    let source = value("source").or_else(|| value("src"));
    source.filter(|_| is_volume).map(str::to_owned)
}

/// What the file says of a named volume.
fn definition<'a>(key: &Text, context: &'a Context<'_>) -> Option<&'a Node> {
    context.section("volumes")?.get(key.raw())
}

/// What the engine's own driver is told of a volume: `type`, `o` and `device` are those of mount(8).
fn option<'a>(definition: &'a Node, name: &str) -> Option<&'a Text> {
    definition.get("driver_opts")?.get(name)?.text()
}

/// Whether a named volume is memory: its `device` is a word without meaning then (Docker documentation, "docker volume create").
fn is_in_memory(key: &Text, context: &Context<'_>) -> bool {
    let kind = definition(key, context).and_then(|it| option(it, "type"));
    kind.is_some_and(|kind| kind.raw() == "tmpfs")
}

/// A named volume: by the device that it is made of, else by the name that the engine knows it by.
fn volume(key: &Text, subpath: &str, context: &Context<'_>) -> Store {
    let definition = definition(key, context);
    let option = |name: &str| definition.and_then(|it| option(it, name));
    let device = option("device").filter(|_| !is_in_memory(key, context));
    if let (Some(device), Some(node)) = (device, definition) {
        let how = option("o").map_or("", Text::raw);
        let mut store = if how.split(',').any(|word| word == "bind") {
            Store::bind(device, &context.base(&node.place), context.home()).below(subpath)
        } else {
            let (server, path) = remote(how, device.raw());
            // The type says how it is mounted; what is on the server is one thing by every one of them.
            Store::volume(&format!("remote {server}"), &path, key.shown()).below(subpath)
        };
        store.shown = format!("{} ({})", key.shown(), without_credentials(&device.shown()));
        return store;
    }
    let named =
        definition.and_then(|it| it.get("name").or_else(|| it.get("external")?.get("name")));
    let shown = match named.and_then(Node::text) {
        Some(name) => format!("{} (named {})", key.shown(), name.shown()),
        None => key.shown(),
    };
    Store::volume(&engine_name("volumes", key.raw(), context), subpath, shown)
}

/// The server and the path of a volume that lies elsewhere: `addr=h` and `:/path`, `h:/path` (nfs(5)), `//h/share/path`
/// (mount.cifs(8)). Options such as `rw` and `nfsvers` change neither.
fn remote(options: &str, device: &str) -> (String, String) {
    let addr = options
        .split(',')
        .find_map(|option| option.trim().strip_prefix("addr="))
        .unwrap_or_default();
    let (written, path) = match device.strip_prefix("//") {
        Some(share) => share.split_once('/').unwrap_or((share, "")),
        None => device.rsplit_once(":/").unwrap_or(("", device)),
    };
    // The user's name before the server is no part of it.
    let written = written.rsplit('@').next().unwrap_or_default();
    let server = if addr.is_empty() { written } else { addr };
    (server.to_ascii_lowercase(), path.to_owned())
}

/// A device as messages show it: what stands before an `@` may hold a password.
fn without_credentials(device: &str) -> String {
    match device.rsplit_once('@') {
        Some((before, rest)) => {
            let slashes = if before.starts_with("//") { "//" } else { "" };
            format!("{slashes}…@{rest}")
        }
        None => device.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{remote, without_credentials};

    #[test]
    fn a_remote_volume_is_known_by_server_and_path() {
        for (options, device, server, path) in [
            ("addr=10.0.0.1,rw", ":/srv/pg", "10.0.0.1", "srv/pg"),
            (
                "nfsvers=4,addr=10.0.0.1",
                ":/srv/pg/",
                "10.0.0.1",
                "srv/pg/",
            ),
            ("rw", "NAS:/srv/pg", "nas", "srv/pg"),
            (
                "username=u,password=c4nary",
                "//nas/share/pg",
                "nas",
                "share/pg",
            ),
            ("", "//u:c4nary@nas/pg", "nas", "pg"),
        ] {
            assert_eq!(
                remote(options, device),
                (server.to_owned(), path.to_owned()),
                "{device}"
            );
        }
    }

    #[test]
    fn no_password_of_a_device_is_shown() {
        assert_eq!(without_credentials("//u:c4@nary@h/pg"), "//…@h/pg");
        assert_eq!(without_credentials("/srv/pg"), "/srv/pg");
    }
}
