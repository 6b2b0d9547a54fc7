//! Variables of a container: `environment` and `env_file`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::context::{Context, set_in};
use super::load::{ComposeError, LARGEST};
use super::path::Store;
use super::text::Text;
use super::yaml::{Node, Value};
use super::{Place, normal};
use crate::dotenv;
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
    /// Whether Compose goes on without it (`required: false`).
    pub(super) optional: bool,
    /// Whether its values are taken as they are (`format: raw`).
    raw: bool,
}

impl EnvFile {
    /// Its path, where it is here.
    pub(super) fn here(&self) -> Option<&PathBuf> {
        self.store.host.as_ref().filter(|path| path.is_file())
    }
}

pub(super) fn env_files(node: &Node, context: &Context<'_>) -> Vec<EnvFile> {
    let items = node.get("env_file").map(Node::items).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| {
            let path = item.text().or_else(|| item.get("path")?.text())?;
            let format = item.get("format").and_then(Node::text);
            Some(EnvFile {
                store: Store::bind(path, &context.base(&item.place), context.home()),
                place: item.place.clone(),
                optional: item.get("required").is_some_and(Node::is_false),
                raw: format.is_some_and(|format| format.raw() == "raw"),
            })
        })
        .collect()
}

/// The variables of a service: those of its environment files, each over those before it, and `environment` over all of them.
pub(super) fn variables(
    service: &str,
    node: &Node,
    files: &[EnvFile],
    context: &mut Context<'_>,
) -> Result<Vec<Variable>, ComposeError> {
    let own = of_environment(service, node, context)?;
    let mut variables: Vec<Variable> = Vec::new();
    for file in files {
        for variable in of_file(service, file, &own, &variables, context)? {
            set(&mut variables, variable);
        }
    }
    for variable in own {
        set(&mut variables, variable);
    }
    Ok(variables)
}

/// What `build.args` gives a build (Docker documentation, "Compose Build Specification").
pub(super) fn build_arguments(node: &Node, context: &Context<'_>) -> Vec<Variable> {
    let args = node.get("build").and_then(|build| build.get("args"));
    args.map(|args| given(args, context)).unwrap_or_default()
}

/// Variables in a map or a list. One without a value is passed on.
pub(super) fn given(args: &Node, context: &Context<'_>) -> Vec<Variable> {
    let one = |name: &str, value: Option<Text>, place: &Place| Variable {
        name: name.to_owned(),
        value: value.unwrap_or_else(|| context.passed(name)),
        place: place.clone(),
    };
    let of_list = args.items().iter().filter_map(|item| {
        let text = item.text()?;
        Some(match text.raw().split_once('=') {
            Some((name, value)) => one(name, Some(text.part(value)), &item.place),
            None => one(text.raw(), None, &item.place),
        })
    });
    let of_map = args
        .entries()
        .iter()
        .map(|(key, value)| one(&key.name, value.text().cloned(), &key.place));
    of_list.chain(of_map).collect()
}

fn set(variables: &mut Vec<Variable>, variable: Variable) {
    variables.retain(|other| other.name != variable.name);
    variables.push(variable);
}

/// What `environment` says.
fn of_environment(
    service: &str,
    node: &Node,
    context: &Context<'_>,
) -> Result<Vec<Variable>, ComposeError> {
    let entries = node
        .get("environment")
        .map(Node::entries)
        .unwrap_or_default();
    entries
        .iter()
        .map(|(key, value)| {
            let text = match &value.value {
                Value::Scalar(text) => text.clone(),
                Value::Null => context.passed(&key.name),
                Value::List(_) | Value::Map(_) => {
                    let path = format!("environment.{}", key.name);
                    return Err(normal::wrong(service, &path, "a text", value));
                }
            };
            Ok(Variable {
                name: key.name.clone(),
                value: text,
                place: key.place.clone(),
            })
        })
        .collect()
}

/// What an environment file says: `own` is what `environment` says, and `before` what the files before it do.
fn of_file(
    service: &str,
    file: &EnvFile,
    own: &[Variable],
    before: &[Variable],
    context: &mut Context<'_>,
) -> Result<Vec<Variable>, ComposeError> {
    let shown = &file.store.shown;
    let Some(path) = file.here() else {
        // What only an optional one would say is asked for where it matters.
        if !file.optional {
            let reason = format!("environment file {shown} of {service} is not here");
            context.unread.push((service.to_owned(), reason));
        }
        return Ok(Vec::new());
    };
    let text = read_regular(path, LARGEST)
        .map_err(|error| error.to_string())
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
    let text = match text {
        Ok(text) => text,
        Err(error) => {
            let reason = format!("environment file {shown} of {service} cannot be read: {error}");
            context.unread.push((service.to_owned(), reason));
            return Ok(Vec::new());
        }
    };
    let name: Arc<str> = shown.as_str().into();
    let place = |line: usize| Place {
        file: Arc::clone(&name),
        line,
        column: 1,
    };
    let value_in = |variables: &[Variable], name: &str| {
        let mut variables = variables.iter();
        let found = variables.find(|variable| variable.name == name)?;
        Some(found.value.clone())
    };
    let (env, partly) = (context.env, context.partly);
    let lookup = |name: &str| {
        let outside = set_in(env, partly, name);
        outside.or_else(|| value_in(own, name))
    };
    let before: BTreeMap<String, Text> = before
        .iter()
        .map(|variable| (variable.name.clone(), variable.value.clone()))
        .collect();
    let entries = match file.raw {
        true => dotenv::read_raw(&text),
        false => dotenv::read(&text, &lookup, &before),
    };
    let entries = entries.map_err(|(line, problem)| ComposeError::new(place(line), problem))?;
    let variable = |entry: dotenv::Entry| Variable {
        value: entry.value.unwrap_or_else(|| context.passed(&entry.name)),
        place: place(entry.line),
        name: entry.name,
    };
    Ok(entries.into_iter().map(variable).collect())
}
