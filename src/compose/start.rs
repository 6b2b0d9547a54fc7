//! When a container starts, and when it is ready: `depends_on` and `healthcheck`.

use super::Place;
use super::connection;
use super::container::texts;
use super::context::Context;
use super::text::{Field, Text};
use super::variable::{Variable, given};
use super::yaml::Node;

/// What a container waits for.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The service of the compose file.
    pub on: String,
    /// What it waits for.
    pub condition: Condition,
    /// Whether Compose goes on without it (`required: false`).
    pub optional: bool,
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
    /// Its command is `true` or the like: it succeeds before anything is ready.
    Empty,
    /// There is one.
    Checked,
}

/// A command that the engine runs in a container beside its own.
#[derive(Debug, Clone)]
pub struct Hook {
    /// What it is: `the healthcheck`, `the post_start hook`.
    pub from: &'static str,
    /// Its words; one of them may be a script.
    pub words: Vec<Field>,
    /// Variables of its own, over those of its container.
    pub environment: Vec<Variable>,
}

impl Hook {
    /// Those of its own variables that hold a database's password.
    pub fn passwords(&self) -> impl Iterator<Item = &Variable> {
        let own = self.environment.iter();
        own.filter(|variable| connection::is_password_name(&variable.name))
    }
}

pub(super) fn dependencies(node: &Node) -> Vec<Dependency> {
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
                optional: value.get("required").is_some_and(Node::is_false),
                place: key.place.clone(),
            }
        })
        .collect()
}

/// The commands of `healthcheck`, `post_start` and `pre_stop`.
pub(super) fn hooks(node: &Node, context: &Context<'_>) -> Vec<Hook> {
    let test = node
        .get("healthcheck")
        .filter(|_| health(node) == Health::Checked)
        .and_then(|check| check.get("test"))
        .map(|test| Hook {
            from: "the healthcheck",
            words: texts(test),
            environment: Vec::new(),
        });
    let of = |key, from| {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(move |item| {
            Some(Hook {
                from,
                words: texts(item.get("command")?),
                environment: item
                    .get("environment")
                    .map(|own| given(own, context))
                    .unwrap_or_default(),
            })
        })
    };
    test.into_iter()
        .chain(of("post_start", "the post_start hook"))
        .chain(of("pre_stop", "the pre_stop hook"))
        .collect()
}

pub(super) fn health(node: &Node) -> Health {
    let Some(check) = node.get("healthcheck") else {
        return Health::Missing;
    };
    let test = check.get("test");
    let first = test.and_then(|test| test.items().first().or(Some(test)).and_then(Node::text));
    let off = check.get("disable").is_some_and(Node::is_true)
        || first.is_some_and(|word| word.raw() == "NONE");
    let mut words = test.map(texts).unwrap_or_default();
    words.retain(|word| !["CMD", "CMD-SHELL"].contains(&word.text.raw()));
    let asks = words.iter().any(|word| {
        let word = word.text.raw().trim();
        // Of `pg_isready || true` the last counts.
        let last = word.rsplit("||").next().unwrap_or(word).trim();
        !["true", "/bin/true", ":", "exit 0", "exit", "0"].contains(&last)
    });
    match (off, first) {
        (true, _) => Health::Disabled,
        (false, Some(_)) if !words.is_empty() && !asks => Health::Empty,
        (false, None) => Health::Missing,
        (false, Some(_)) => Health::Checked,
    }
}
