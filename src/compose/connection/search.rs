//! Where a container is told of connections: in its variables, and in the words of its command.

use std::collections::BTreeMap;

use super::names::{is_url_name, part_of};
use super::strings::in_text;
use super::{Connection, Part, programs};
use crate::compose::container::Container;
use crate::compose::text::Text;

/// Everything that a container is told to connect to.
pub(in crate::compose) fn of(container: &Container) -> Vec<Connection> {
    let mut found: Vec<Connection> = Vec::new();
    let mut parts: BTreeMap<String, Connection> = BTreeMap::new();
    for variable in &container.environment {
        let name = variable.name.to_ascii_uppercase();
        let urls = in_text(&variable.name, &variable.place, &variable.value);
        if !urls.is_empty() {
            found.extend(urls);
        } else if let Some(begin) = name
            .strip_suffix("_FILE")
            .filter(|begin| is_url_name(begin))
        {
            let mut connection = Connection::new(&variable.name, &variable.place);
            connection.unread = Some(format!(
                "what {begin} is read from is no part of the compose file"
            ));
            found.push(connection);
        } else if is_url_name(&name) && variable.value.get().is_none() {
            let mut connection = Connection::new(&variable.name, &variable.place);
            connection.unread = Some(format!(
                "{} is not set here",
                variable
                    .value
                    .variables
                    .iter()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            ));
            found.push(connection);
        } else if let Some((begin, part)) = part_of(&name) {
            parts
                .entry(begin.to_owned())
                .or_insert_with(|| Connection::new(&format!("{begin}…"), &variable.place))
                .set(part, variable.value.clone());
        }
    }
    let parts = parts.into_values().map(Connection::whole);
    found.extend(parts.filter(Connection::says_something));
    found.extend(in_command(container));
    let mut unique: Vec<Connection> = Vec::new();
    for connection in found {
        let same = |other: &Connection| {
            (&other.hosts, &other.database, &other.role)
                == (&connection.hosts, &connection.database, &connection.role)
                && other.unread == connection.unread
        };
        if !unique.iter().any(same) {
            unique.push(connection);
        }
    }
    unique
}

/// What the programs in a container's command, and its healthcheck and hooks, connect to.
pub(in crate::compose) fn calls(container: &Container) -> Vec<Connection> {
    let environment: BTreeMap<String, Text> = container
        .environment
        .iter()
        .map(|variable| (variable.name.clone(), variable.value.clone()))
        .collect();
    let mut found = programs::connections("the command", &container.command, &environment);
    for hook in &container.hooks {
        let texts = hook.words.iter();
        found.extend(texts.flat_map(|field| in_text(hook.from, &field.place, &field.text)));
        found.extend(programs::connections(hook.from, &hook.words, &environment));
    }
    found
}

fn in_command(container: &Container) -> Vec<Connection> {
    let Some(first) = container.command.first() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut parts = Connection::new("the command", &first.place);
    let mut open: Option<Part> = None;
    for field in &container.command {
        let urls = in_text("the command", &field.place, &field.text);
        if !urls.is_empty() {
            found.extend(urls);
            continue;
        }
        for word in field.text.raw().split_whitespace() {
            let word = word.trim_matches(['"', '\'']);
            if let Some(part) = open.take() {
                parts.set(part, field.text.part(word));
                continue;
            }
            let Some(flag) = word.strip_prefix("--") else {
                continue;
            };
            let (flag, value) = flag
                .split_once('=')
                .map_or((flag, None), |(flag, value)| (flag, Some(value)));
            let name = flag.replace('-', "_").to_ascii_uppercase();
            let Some((_, part)) = part_of(&name) else {
                continue;
            };
            parts.place = field.place.clone();
            match value {
                Some(value) => parts.set(part, field.text.part(value.trim_matches(['"', '\'']))),
                None => open = Some(part),
            }
        }
    }
    let parts = parts.whole();
    if parts.says_something() {
        found.push(parts);
    }
    found
}
