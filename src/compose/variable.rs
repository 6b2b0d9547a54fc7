//! Variables of a container: `environment` and `env_file`.

use std::sync::Arc;

use super::context::Context;
use super::environment;
use super::load::{ComposeError, LARGEST};
use super::path::Store;
use super::text::Text;
use super::yaml::{Node, Value};
use super::{Place, normal};
use crate::regular::read_regular;

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

/// An environment file.
#[derive(Debug, Clone)]
pub struct EnvFile {
    /// Which file.
    pub store: Store,
    /// Where it is named.
    pub place: Place,
}

pub(super) fn env_files(node: &Node, context: &Context<'_>) -> Vec<(EnvFile, bool)> {
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

pub(super) fn variables(
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
