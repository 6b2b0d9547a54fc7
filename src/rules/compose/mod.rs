//! Rules of group `compose`: what the deployment's compose files say, before anything of it runs.

mod around;
mod common_client;
mod connection;
mod disagreement;
mod hba;
mod image;
mod init;
mod name;
mod network;
mod no_database;
mod password;
mod port;
mod repeated;
mod replicas;
mod script;
mod server;
mod start;
#[cfg(test)]
mod tests;
mod unread;
mod volume;

use super::{About, Case, Finding, Rule, Scope, Subject, System};
use crate::compose::{Container, Deployment, Kind, Party, Place};
use crate::manifest::{Service, Store, Topology};
use crate::report::Location;
pub(super) use around::Around;
pub(super) use script::{ForeignNames, foreign_names};

/// The rules of this group.
pub(super) const RULES: &[Rule] = &[
    volume::SHARED_VOLUME,
    volume::UNMOUNTED_STORAGE,
    volume::SHARED_ENV_FILE,
    port::PORT_CONFLICT,
    port::UNEXPECTED_PORT,
    port::OPEN_PORT,
    connection::WRONG_CONNECTION,
    disagreement::DISAGREEMENT,
    no_database::NO_DATABASE,
    common_client::COMMON_CLIENT,
    server::WRONG_DATABASE,
    server::SHARED_SERVER,
    server::SUPERUSER,
    server::TRUST,
    name::SHARED_NAME,
    network::SHARED_NETWORK,
    start::HEALTHCHECK,
    start::DEPENDS_ON,
    init::SHARED_INIT,
    init::INIT_SCRIPT,
    password::DEFAULT_PASSWORD,
    repeated::REPEATED_PASSWORD,
    image::NO_TIMESCALEDB,
    image::FLOATING_TAG,
    unread::UNREAD,
];

/// Whether a rule of this group has a question about this service.
pub(super) fn is_about(
    scope: Scope,
    system: &System<'_>,
    subject: &Subject<'_>,
    around: &Around<'_>,
) -> bool {
    let Some(deployment) = &system.compose else {
        return false;
    };
    if scope == Scope::Container {
        let own = around.position(&subject.service.name);
        return own.is_some_and(|own| deployment.of(own).next().is_some());
    }
    deployment.named || deployment.parties.iter().any(|party| party.owner.is_some())
}

/// What a rule looks at: one service's part of the deployment.
struct Scene<'a> {
    deployment: &'a Deployment,
    services: &'a [Service],
    own: usize,
    service: &'a Service,
    topology: Topology,
    around: &'a Around<'a>,
}

impl<'a> Scene<'a> {
    /// `None` when there are no compose files.
    fn of(case: &Case<'a>) -> Option<Self> {
        let around = case.survey.around;
        Some(Self {
            deployment: case.system.compose.as_ref()?,
            services: &case.system.manifest.services,
            own: around.position(&case.subject.service.name)?,
            service: case.subject.service,
            topology: case.system.manifest.topology,
            around,
        })
    }

    fn databases(&self) -> impl Iterator<Item = (usize, &'a Container)> + use<'a> {
        self.deployment.databases(self.own)
    }

    fn clients(&self) -> impl Iterator<Item = (usize, &'a Container, &'a Party)> + use<'a> {
        self.deployment.clients(self.own)
    }

    /// The name of a service, for messages.
    fn name(&self, index: Option<usize>) -> &'a str {
        index
            .and_then(|index| self.services.get(index))
            .map_or("no service of the manifest", |service| {
                service.name.as_str()
            })
    }

    fn container(&self, index: usize) -> Option<(&'a Container, &'a Party)> {
        Some((
            self.deployment.project.containers.get(index)?,
            self.deployment.parties.get(index)?,
        ))
    }

    /// The other service that this is true of.
    fn other(&self, is: impl Fn(&Service) -> bool) -> Option<&'a Service> {
        self.services
            .iter()
            .enumerate()
            .find(|(index, service)| *index != self.own && is(service))
            .map(|(_, service)| service)
    }

    /// Whether this service is the one that tells what these have in common: the last of them that the run is about.
    fn tells(&self, owners: &[usize]) -> bool {
        self.around.is_last(self.own, owners)
    }

    /// Whether another service than this one logs in as a role.
    fn has_role(&self, role: &str, owner: usize) -> bool {
        self.around.has_role(role, owner)
    }

    /// Every pair of containers that have something in common and that this service reports on: one of them is always its own.
    fn pairs(&self) -> impl Iterator<Item = (Side<'a>, Side<'a>)> {
        let deployment = self.deployment;
        let own = deployment.of(self.own).map(|(index, _, _)| index);
        let mut pairs: Vec<(usize, usize)> = own
            .flat_map(|own| {
                let others = self.around.neighbours(own);
                others.map(move |other| (own.min(other), own.max(other)))
            })
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs.into_iter().filter_map(|(first, second)| {
            let (one, party) = self.container(first)?;
            let (other, other_party) = self.container(second)?;
            let owners: Vec<usize> = [party.owner, other_party.owner]
                .into_iter()
                .flatten()
                .collect();
            let sides = (
                Side {
                    container: one,
                    party,
                },
                Side {
                    container: other,
                    party: other_party,
                },
            );
            self.tells(&owners).then_some(sides)
        })
    }

    fn is_sql(&self) -> bool {
        self.service.store != Store::Files
    }
}

/// A container of a pair.
#[derive(Clone, Copy)]
struct Side<'a> {
    container: &'a Container,
    party: &'a Party,
}

impl Side<'_> {
    fn is_database(&self) -> bool {
        self.party.kind == Kind::Database
    }
}

/// How messages call a container and its service: once, where both have one name.
fn of(container: &Container, service: &str) -> String {
    if container.name == service {
        service.to_owned()
    } else {
        format!("{} ({service})", container.name)
    }
}

/// Whether two containers never run together as far as profiles tell.
fn apart(one: &Container, other: &Container) -> bool {
    !one.profiles.is_empty()
        && !other.profiles.is_empty()
        && one
            .profiles
            .iter()
            .all(|profile| !other.profiles.contains(profile))
}

/// The words of a finding.
struct Words {
    message: String,
    expected: String,
    actual: String,
    remedy: String,
}

/// A finding about a container, at a place of a compose file.
fn finding(rule: &Rule, container: &Container, place: &Place, words: Words) -> Finding {
    rule.finding(About::plain("container", &container.name), words.message)
        .saw(words.expected, words.actual)
        .remedy(words.remedy)
        .evidence("file")
        .at(Location {
            file: place.file.to_string(),
            line: Some(place.line),
            column: Some(place.column),
        })
}
