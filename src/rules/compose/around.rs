//! What the rules ask of all containers and services again and again, worked out once for a run: which containers can have something in
//! common at all, so that no rule looks at every pair.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use super::Side;
use super::name::names_in;
use super::port::published;
use super::repeated::Repeated;
use crate::compose::{Container, Deployment};
use crate::rules::System;

/// What lies around each service and container.
#[derive(Debug, Default)]
pub(in crate::rules) struct Around<'a> {
    /// Services by name.
    positions: HashMap<&'a str, usize>,
    /// Services by the role that they log in as.
    roles: HashMap<&'a str, Vec<usize>>,
    /// The services that the run is about.
    chosen: BTreeSet<usize>,
    /// The passwords that several services have, from when they are first asked for.
    repeated: OnceLock<Repeated>,
    /// For each container, the others that it may have something in common with.
    neighbours: Vec<BTreeSet<usize>>,
}

impl<'a> Around<'a> {
    /// Looks around in a system; `chosen` are the services that the run is about, and none means all.
    pub(in crate::rules) fn new(system: &'a System<'_>, chosen: &[&str]) -> Self {
        let mut around = Self {
            neighbours: system.compose.as_ref().map(neighbours).unwrap_or_default(),
            ..Self::default()
        };
        let chosen: HashSet<&str> = chosen.iter().copied().collect();
        for (at, service) in system.manifest.services.iter().enumerate() {
            around.positions.entry(&service.name).or_insert(at);
            if let Some(role) = service.role_name() {
                around.roles.entry(role).or_default().push(at);
            }
            if chosen.is_empty() || chosen.contains(service.name.as_str()) {
                around.chosen.insert(at);
            }
        }
        around
    }

    /// The passwords that several services have.
    pub(super) fn repeated(&self, make: impl FnOnce() -> Repeated) -> &Repeated {
        self.repeated.get_or_init(make)
    }

    /// The position of a service in the manifest.
    pub(in crate::rules) fn position(&self, service: &str) -> Option<usize> {
        self.positions.get(service).copied()
    }

    /// Whether another service than this one logs in as a role.
    pub(super) fn has_role(&self, role: &str, own: usize) -> bool {
        let holders = self.roles.get(role).into_iter().flatten();
        holders.copied().any(|holder| holder != own)
    }

    /// Whether this service is the last of these that the run is about.
    pub(in crate::rules) fn is_last(&self, own: usize, owners: &[usize]) -> bool {
        let mut later = owners.iter().filter(|owner| **owner > own);
        owners.contains(&own) && !later.any(|owner| self.chosen.contains(owner))
    }

    /// The containers that one may have something in common with.
    pub(super) fn neighbours(&self, container: usize) -> impl Iterator<Item = usize> {
        let found = self.neighbours.get(container).into_iter().flatten();
        found.copied()
    }
}

/// What a container has, and what it looks for: it is a neighbour of those that have what it looks for.
#[derive(Default)]
struct Marks {
    has: BTreeSet<String>,
    seeks: BTreeSet<String>,
}

impl Marks {
    /// Something that is shared by those that have the same.
    fn both(&mut self, mark: String) {
        self.seeks.insert(mark.clone());
        self.has.insert(mark);
    }
}

fn neighbours(deployment: &Deployment) -> Vec<BTreeSet<usize>> {
    let mut marks: Vec<Marks> = deployment
        .all()
        .map(|(_, container, party)| {
            let mut marks = Marks::default();
            named(container, &mut marks);
            stored(container, &mut marks);
            on_host(&Side { container, party }, &mut marks);
            if let Some(root) = deployment.namespace(container) {
                marks.both(format!("namespace {root}"));
            }
            marks
        })
        .collect();
    for scripts in &deployment.project.scripts {
        let of = marks.get_mut(scripts.container);
        if let (Some(marks), Some(store)) = (of, &scripts.store) {
            marks.has.insert(format!("init {}", store.identity()));
            let above = store.way().map(|place| format!("init {place}"));
            marks.seeks.extend(above);
        }
    }
    let mut holders: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, marks) in marks.iter().enumerate() {
        for mark in &marks.has {
            holders.entry(mark).or_default().push(at);
        }
    }
    let mut found = vec![BTreeSet::new(); marks.len()];
    for (at, marks) in marks.iter().enumerate() {
        let sought = marks
            .seeks
            .iter()
            .filter_map(|mark| holders.get(mark.as_str()));
        for other in sought.flatten().copied().filter(|other| *other != at) {
            for (one, two) in [(at, other), (other, at)] {
                if let Some(found) = found.get_mut(one) {
                    found.insert(two);
                }
            }
        }
    }
    found
}

/// Names: the engine's of a container, and those in each of its networks.
fn named(container: &Container, marks: &mut Marks) {
    if let Some(name) = &container.container_name {
        marks.both(format!("engine {}", name.text.raw()));
    }
    for network in &container.networks {
        for name in names_in(container, network) {
            let name = name.to_ascii_lowercase();
            marks.both(format!("in {} {name}", network.engine_name));
        }
    }
}

/// Places for data: the same, one within the other, another container's, and environment files.
fn stored(container: &Container, marks: &mut Marks) {
    for store in container
        .mounts
        .iter()
        .filter_map(|mount| mount.source.as_ref())
    {
        marks.has.insert(format!("store {}", store.identity()));
        let above = store.way().map(|place| format!("store {place}"));
        marks.seeks.extend(above);
    }
    for file in &container.env_files {
        marks.both(format!("file {}", file.store.identity()));
    }
    marks.has.insert(format!("volumes {}", container.name));
    match &container.container_name {
        Some(name) => {
            marks
                .has
                .insert(format!("volumes container:{}", name.text.raw()));
        }
        None => marks
            .has
            .extend(["-", "_"].map(|dash| format!("volumes {dash}{}{dash}1", container.name))),
    }
    for field in &container.volumes_from {
        let name = field.text.raw();
        marks.seeks.insert(format!("volumes {name}"));
        // Of a name that Compose makes the end is known.
        let ends = name.match_indices(['-', '_']);
        let ends = ends.filter_map(|(at, _)| name.get(at..));
        marks.seeks.extend(ends.map(|end| format!("volumes {end}")));
    }
}

/// How many ports are told one by one: a wider range is held against every container that publishes any.
const FEW: u16 = 16;

/// Ports of the host.
fn on_host(side: &Side<'_>, marks: &mut Marks) {
    const ANY: &str = "a port";
    for published in published(side) {
        marks.has.insert(ANY.to_owned());
        match &published.ports {
            None => marks.both(format!("port {}", published.written)),
            Some(ports) if ports.end().abs_diff(*ports.start()) < FEW => {
                for port in ports.clone() {
                    marks.both(format!("port {port}"));
                }
            }
            Some(_) => {
                marks.seeks.insert(ANY.to_owned());
            }
        }
    }
}
