//! One service of a compose file, with types.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::environment;
use super::load::{ComposeError, LARGEST};
use super::path::{Store, within};
use super::provided::{Grant, from_files, grants};
use super::scripts::FOLDER;
use super::text::{Field, Text};
use super::yaml::{Key, Node, Value};
use super::{Place, normal};
use crate::regular::read_regular;

/// A service of a compose file.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its key below `services`.
    pub name: String,
    /// Where the key stands.
    pub place: Place,
    /// `container_name`.
    pub container_name: Option<Field>,
    /// `image`.
    pub image: Option<Field>,
    /// Whether it has a `build`.
    pub build: bool,
    /// Its variables, those of its environment files included; by name, in their order.
    pub environment: Vec<Variable>,
    /// `ports`.
    pub ports: Vec<Port>,
    /// `volumes` and `tmpfs`.
    pub mounts: Vec<Mount>,
    /// `volumes_from`, by the name of the service, or `container:` and the name of a container.
    pub volumes_from: Vec<Field>,
    /// The networks that it is in; the default one when none is named.
    pub networks: Vec<Network>,
    /// `network_mode`.
    pub network_mode: Option<Field>,
    /// `depends_on`.
    pub depends_on: Vec<Dependency>,
    /// `healthcheck`.
    pub health: Health,
    /// The words of `entrypoint` and `command`.
    pub command: Vec<Field>,
    /// `env_file`.
    pub env_files: Vec<EnvFile>,
    /// The configs and secrets that it is given.
    pub grants: Vec<Grant>,
    /// Variables that it reads from files whose text is not known, with the reason.
    pub unread: Vec<(String, String)>,
    /// The profiles that start it; none: it always starts.
    pub profiles: Vec<String>,
    /// Other names for other containers that it knows: `links` as alias and service.
    pub links: Vec<(String, String)>,
    /// Names that `extra_hosts` sends to the host itself.
    pub host_names: Vec<String>,
}

/// A variable of a container.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Text,
    /// Where it is set.
    pub place: Place,
}

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

/// What a container waits for.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The service of the compose file.
    pub on: String,
    /// What it waits for.
    pub condition: Condition,
    /// Where it is written.
    pub place: Place,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `service_started`, also when nothing is said.
    Started,
    /// `service_healthy`
    Healthy,
    /// `service_completed_successfully`
    Completed,
}

/// Whether a container says when it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// There is no `healthcheck`.
    Missing,
    /// It is switched off.
    Disabled,
    /// There is one.
    Checked,
}

/// An environment file.
#[derive(Debug, Clone)]
pub struct EnvFile {
    /// Which file.
    pub store: Store,
    /// Where it is named.
    pub place: Place,
}

/// What containers are made with.
pub(super) struct Context<'a> {
    pub(super) env: &'a BTreeMap<String, String>,
    pub(super) bases: &'a BTreeMap<Arc<str>, PathBuf>,
    pub(super) project: &'a str,
    /// The whole of the files.
    pub(super) root: &'a Node,
    pub(super) unread: Vec<(String, String)>,
}

impl Context<'_> {
    /// Where the relative paths of a file begin.
    pub(super) fn base(&self, place: &Place) -> PathBuf {
        self.bases.get(&place.file).cloned().unwrap_or_default()
    }

    /// The home directory that `~` stands for, if it is known.
    pub(super) fn home(&self) -> Option<&str> {
        self.env.get("HOME").map(String::as_str)
    }

    /// A top-level section.
    pub(super) fn section(&self, name: &str) -> Option<&Node> {
        self.root.get(name)
    }

    /// What a variable of the environment is set to.
    pub(super) fn passed(&self, name: &str) -> Text {
        self.env
            .get(name)
            .map_or_else(|| Text::unknown(name), |value| Text::known(value.as_str()))
    }
}

impl Container {
    /// The variable of this name.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.environment
            .iter()
            .find(|variable| variable.name == name)
    }

    /// Whether it uses the host's network.
    #[must_use]
    pub fn is_on_host_network(&self) -> bool {
        self.network_mode
            .as_ref()
            .is_some_and(|mode| mode.text.raw() == "host")
    }

    /// The name by which messages call it.
    #[must_use]
    pub fn image_name(&self) -> Option<&str> {
        let image = self.image.as_ref()?.text.raw();
        let path = image.split('@').next().unwrap_or(image);
        let last = path.rsplit('/').next().unwrap_or(path);
        Some(last.split(':').next().unwrap_or(last))
    }

    pub(super) fn new(
        key: &Key,
        node: &Node,
        context: &mut Context<'_>,
    ) -> Result<Self, ComposeError> {
        let field = |name: &str| {
            let node = node.get(name)?;
            Some(Field {
                text: node.text()?.clone(),
                place: node.place.clone(),
            })
        };
        let list = |name: &str| node.get(name).map(Node::items).unwrap_or_default();
        let env_files = env_files(node, context);
        let network_mode = field("network_mode");
        let mut mounts = Vec::new();
        for item in list("volumes") {
            let mount = mount(&key.name, item, context)?;
            // Of two mounts on one path the last counts, as where files are merged.
            mounts.retain(|other: &Mount| other.target != mount.target);
            mounts.push(mount);
        }
        for item in node.get("tmpfs").into_iter().flat_map(texts) {
            let target = item.text.raw().split(':').next().unwrap_or_default();
            mounts.push(Mount {
                source: None,
                target: item.text.part(target),
                read_only: false,
                memory: true,
                place: item.place.clone(),
            });
        }
        let mut ports = Vec::new();
        for item in list("ports") {
            ports.push(port(&key.name, item)?);
        }
        let mut container = Self {
            name: key.name.clone(),
            place: key.place.clone(),
            container_name: field("container_name"),
            image: field("image"),
            build: node.get("build").is_some(),
            environment: variables(&key.name, node, &env_files, context)?,
            ports,
            mounts,
            volumes_from: list("volumes_from")
                .iter()
                .filter_map(|item| {
                    let text = item.text()?;
                    let raw = text.raw();
                    let mode = [":ro", ":rw"]
                        .iter()
                        .find_map(|mode| raw.strip_suffix(mode));
                    Some(Field {
                        text: text.part(mode.unwrap_or(raw)),
                        place: item.place.clone(),
                    })
                })
                .collect(),
            networks: networks(node, network_mode.as_ref(), context),
            network_mode,
            depends_on: dependencies(node),
            health: health(node),
            command: ["entrypoint", "command"]
                .iter()
                .filter_map(|name| node.get(name))
                .flat_map(texts)
                .collect(),
            env_files: env_files.into_iter().map(|(file, _)| file).collect(),
            grants: grants(node, context),
            unread: Vec::new(),
            profiles: list("profiles")
                .iter()
                .filter_map(|item| Some(item.text()?.shown()))
                .collect(),
            links: list("links")
                .iter()
                .filter_map(|item| {
                    let text = item.text()?.shown();
                    let (service, alias) = text.split_once(':')?;
                    Some((alias.to_owned(), service.to_owned()))
                })
                .collect(),
            host_names: host_names(node),
        };
        for (variable, why) in from_files(&container) {
            container
                .unread
                .extend(why.map(|why| (variable.name.clone(), why)));
            container
                .environment
                .retain(|own| own.name != variable.name);
            container.environment.push(variable);
        }
        Ok(container)
    }
}

/// The texts of a scalar or a list.
fn texts(node: &Node) -> Vec<Field> {
    std::iter::once(node)
        .chain(node.items())
        .filter_map(|node| {
            Some(Field {
                text: node.text()?.clone(),
                place: node.place.clone(),
            })
        })
        .collect()
}

fn host_names(node: &Node) -> Vec<String> {
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

fn networks(node: &Node, mode: Option<&Field>, context: &Context<'_>) -> Vec<Network> {
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
fn engine_name(section: &str, key: &str, context: &Context<'_>) -> String {
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

fn dependencies(node: &Node) -> Vec<Dependency> {
    let entries = node
        .get("depends_on")
        .map(Node::entries)
        .unwrap_or_default();
    entries
        .iter()
        .map(|(key, value)| {
            let condition = value.get("condition").and_then(Node::text).map(Text::raw);
            Dependency {
                on: key.name.clone(),
                condition: match condition {
                    Some("service_healthy") => Condition::Healthy,
                    Some("service_completed_successfully") => Condition::Completed,
                    _ => Condition::Started,
                },
                place: key.place.clone(),
            }
        })
        .collect()
}

fn health(node: &Node) -> Health {
    let Some(check) = node.get("healthcheck") else {
        return Health::Missing;
    };
    let test = check.get("test");
    let first = test.and_then(|test| test.items().first().or(Some(test)).and_then(Node::text));
    let off = check.get("disable").is_some_and(Node::is_true)
        || first.is_some_and(|word| word.raw() == "NONE");
    match (off, first) {
        (true, _) => Health::Disabled,
        (false, None) => Health::Missing,
        (false, Some(_)) => Health::Checked,
    }
}

fn env_files(node: &Node, context: &Context<'_>) -> Vec<(EnvFile, bool)> {
    let items = node.get("env_file").map(Node::items).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| {
            let path = item.text().or_else(|| item.get("path")?.text())?;
            let required = item
                .get("required")
                .and_then(Node::text)
                .is_none_or(|text| text.raw() != "false");
            let file = EnvFile {
                store: Store::bind(path, &context.base(&item.place), context.home()),
                place: item.place.clone(),
            };
            Some((file, required))
        })
        .collect()
}

fn variables(
    service: &str,
    node: &Node,
    files: &[(EnvFile, bool)],
    context: &mut Context<'_>,
) -> Result<Vec<Variable>, ComposeError> {
    let env = context.env;
    let lookup = |name: &str| env.get(name).cloned();
    let mut variables: Vec<Variable> = Vec::new();
    let mut set = |variable: Variable| {
        variables.retain(|other| other.name != variable.name);
        variables.push(variable);
    };
    for (file, required) in files {
        let shown = &file.store.shown;
        let Some(path) = file.store.host.as_ref().filter(|path| path.is_file()) else {
            if *required {
                let reason = format!("environment file {shown} of {service} is not here");
                context.unread.push((service.to_owned(), reason));
            }
            continue;
        };
        let text = read_regular(path, LARGEST)
            .map_err(|error| error.to_string())
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                let reason =
                    format!("environment file {shown} of {service} cannot be read: {error}");
                context.unread.push((service.to_owned(), reason));
                continue;
            }
        };
        let name: Arc<str> = shown.as_str().into();
        let place = |line: usize| Place {
            file: Arc::clone(&name),
            line,
            column: 1,
        };
        let entries = environment::read(&text, &lookup)
            .map_err(|(line, problem)| ComposeError::new(place(line), problem))?;
        for entry in entries {
            set(Variable {
                value: entry.value.unwrap_or_else(|| context.passed(&entry.name)),
                place: place(entry.line),
                name: entry.name,
            });
        }
    }
    for (key, value) in node
        .get("environment")
        .map(Node::entries)
        .unwrap_or_default()
    {
        let text = match &value.value {
            Value::Scalar(text) => text.clone(),
            Value::Null => context.passed(&key.name),
            Value::List(_) | Value::Map(_) => {
                let path = format!("environment.{}", key.name);
                return Err(normal::wrong(service, &path, "a text", value));
            }
        };
        set(Variable {
            name: key.name.clone(),
            value: text,
            place: key.place.clone(),
        });
    }
    Ok(variables)
}

fn port(service: &str, node: &Node) -> Result<Port, ComposeError> {
    let place = node.place.clone();
    if !node.entries().is_empty() {
        let text = |key: &str| node.get(key).and_then(Node::text).cloned();
        let target = text("target")
            .ok_or_else(|| normal::wrong(service, "ports", "a map with target", node))?;
        return Ok(Port {
            address: text("host_ip").filter(|address| !address.is_empty()),
            published: text("published").filter(|port| !port.is_empty()),
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
        published: some(published),
        target: text.part(target),
        protocol: protocol.to_owned(),
        place,
    })
}

fn mount(service: &str, node: &Node, context: &Context<'_>) -> Result<Mount, ComposeError> {
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
        return Ok(Mount {
            source: source.map(|source| match kind {
                "bind" => Store::bind(source, &base, context.home()),
                _ => volume(source, subpath, context),
            }),
            target: target.clone(),
            read_only: ["read_only", "readonly"]
                .iter()
                .any(|key| node.get(key).is_some_and(Node::is_true)),
            memory: kind == "tmpfs",
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
    Ok(Mount {
        source: source.map(|source| {
            let is_path = source.starts_with(['/', '.', '~']) || source.contains('/');
            let source = text.part(source);
            if is_path {
                Store::bind(&source, &base, context.home())
            } else {
                volume(&source, "", context)
            }
        }),
        target: text.part(target),
        read_only: mode.split(',').any(|word| word == "ro"),
        memory: false,
        place,
    })
}

/// A named volume: by the device that it is made of, else by the name that the engine knows it by.
fn volume(key: &Text, subpath: &str, context: &Context<'_>) -> Store {
    let definition = context
        .section("volumes")
        .and_then(|volumes| volumes.get(key.raw()));
    let options = definition.and_then(|it| it.get("driver_opts"));
    let option = |name: &str| options.and_then(|it| it.get(name)).and_then(Node::text);
    if let (Some(device), Some(node)) = (option("device"), definition) {
        let how = option("o").map_or("", Text::raw);
        let mut store = if how.split(',').any(|word| word == "bind") {
            Store::bind(device, &context.base(&node.place), context.home()).below(subpath)
        } else {
            Store::volume(&format!("{how} {}", device.raw()), subpath, key.shown())
        };
        store.shown = format!("{} ({})", key.shown(), device.shown());
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
