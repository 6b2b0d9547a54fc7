//! One service of a compose file, with types.

use super::Place;
use super::context::Context;
use super::dockerfile::{Built, built};
use super::load::ComposeError;
use super::mount::{Mount, mount};
use super::network::{Network, extra_hosts, networks};
use super::port::{Port, port};
use super::provided::{Grant, from_files, grants};
use super::start::{Dependency, Health, Hook, dependencies, health, hooks};
use super::text::Field;
use super::variable::{EnvFile, Variable, build_arguments, env_files, variables};
use super::yaml::{Key, Node};

/// A service of a compose file.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its key below `services`.
    pub name: String,
    /// Where the key stands.
    pub place: Place,
    /// `container_name`.
    pub container_name: Option<Field>,
    /// `hostname`.
    pub hostname: Option<Field>,
    /// The names that Compose gives it where it has no `container_name`: `project-service-1`, and that of older versions.
    pub default_names: Vec<String>,
    /// `image`.
    pub image: Option<Field>,
    /// Whether it has a `build`.
    pub build: bool,
    /// What its `build` puts into the image to run when a database is created.
    pub built: Vec<Built>,
    /// What its `build` is given, and its image keeps.
    pub build_arguments: Vec<Variable>,
    /// How many of it run: `deploy.replicas` or `scale`.
    pub replicas: Option<Field>,
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
    /// The commands that are run in it beside its own.
    pub hooks: Vec<Hook>,
    /// `env_file`.
    pub env_files: Vec<EnvFile>,
    /// The configs and secrets that it is given.
    pub grants: Vec<Grant>,
    /// Variables that it reads from files whose text is not known, with the reason.
    pub unread: Vec<(String, String)>,
    /// Those of them whose file is nowhere in the container, as far as the files tell.
    pub unmounted: Vec<String>,
    /// The profiles that start it; none: it always starts.
    pub profiles: Vec<String>,
    /// Other names for other containers that it knows: `links` as alias and service.
    pub links: Vec<(String, String)>,
    /// Names of `extra_hosts` with their addresses; `host-gateway` is the host itself.
    pub extra_hosts: Vec<(String, String)>,
}

impl Container {
    /// The variable of this name.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.environment
            .iter()
            .find(|variable| variable.name == name)
    }

    /// The directory that a server in it keeps its data in, where it is told one: by `-D` or `-c data_directory`, else by PGDATA.
    #[must_use]
    pub fn data_directory(&self) -> Option<&str> {
        self.option("-D", &["data_directory"])
            .or_else(|| self.variable("PGDATA")?.value.get())
            .filter(|path| !path.is_empty())
    }

    /// An option of the server in the command (PostgreSQL documentation, "postgres"): `-D X`, `-DX`, `--name=X`, `-c name=X`. `None`
    /// also where it is not known.
    #[must_use]
    pub fn option(&self, short: &str, names: &[&str]) -> Option<&str> {
        let mut words = self.command.iter().flat_map(|field| {
            let words = field.text.get().unwrap_or_default().split_whitespace();
            words.map(|word| word.trim_matches(['"', '\'', ';']))
        });
        let mut found = None;
        while let Some(word) = words.next() {
            if !short.is_empty() && word == short {
                found = words.next().or(found);
                continue;
            }
            let set = word
                .strip_prefix("--")
                .or_else(|| word.strip_prefix("-c"))
                .unwrap_or(word);
            let named = set.split_once('=').filter(|(name, _)| {
                let name = name.replace('-', "_");
                names.iter().any(|known| *known == name)
            });
            let joined = word.strip_prefix(short).filter(|_| !short.is_empty());
            found = named.map(|(_, value)| value).or(joined).or(found);
        }
        found
    }

    /// Whether it uses the host's network.
    #[must_use]
    pub fn is_on_host_network(&self) -> bool {
        self.network_mode
            .as_ref()
            .is_some_and(|mode| mode.text.raw() == "host")
    }

    /// Its `network_mode`, empty where there is none; `None` where only the host knows it.
    pub(super) fn mode(&self) -> Option<&str> {
        self.network_mode
            .as_ref()
            .map_or(Some(""), |mode| mode.text.get())
    }

    /// The container whose network namespace it is put into.
    #[must_use]
    pub fn beside(&self) -> Option<&str> {
        let mode = self.network_mode.as_ref()?.text.raw();
        mode.strip_prefix("service:")
            .or_else(|| mode.strip_prefix("container:"))
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
            hostname: field("hostname"),
            default_names: if node.get("container_name").is_some() {
                Vec::new()
            } else {
                ['-', '_']
                    .map(|dash| format!("{}{dash}{}{dash}1", context.project, key.name))
                    .to_vec()
            },
            image: field("image"),
            build: node.get("build").is_some(),
            built: built(node, context),
            build_arguments: build_arguments(node, context),
            replicas: replicas(node),
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
            hooks: hooks(node, context),
            env_files,
            grants: grants(node, context),
            unread: Vec::new(),
            unmounted: Vec::new(),
            profiles: list("profiles")
                .iter()
                .filter_map(|item| Some(item.text()?.shown()))
                .collect(),
            links: ["links", "external_links"]
                .iter()
                .flat_map(|name| list(name))
                .filter_map(|item| {
                    let text = item.text()?.shown();
                    let (service, alias) = text.split_once(':')?;
                    Some((alias.to_owned(), service.to_owned()))
                })
                .collect(),
            extra_hosts: extra_hosts(node),
        };
        for (variable, why) in from_files(&container) {
            let path = container.variable(&format!("{}_FILE", variable.name));
            let path = path.and_then(|variable| variable.value.get());
            if path.is_some_and(|path| container.file(path).is_none()) {
                container.unmounted.push(variable.name.clone());
            }
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

/// How many of a service run.
fn replicas(node: &Node) -> Option<Field> {
    let deployed = node.get("deploy").and_then(|deploy| deploy.get("replicas"));
    let number = deployed.or_else(|| node.get("scale"))?;
    Some(Field {
        text: number.text()?.clone(),
        place: number.place.clone(),
    })
}

/// The texts of a scalar or a list.
pub(super) fn texts(node: &Node) -> Vec<Field> {
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
