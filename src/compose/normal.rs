//! One shape for what a compose file may write in several: done before files are merged, so that like meets like.

use super::load::ComposeError;
use super::text::Text;
use super::yaml::{Key, Node, Tag, Value};

/// Gives the lists and maps of one service their long shape.
///
/// # Errors
/// When a value is of a kind that Compose refuses there.
pub(super) fn service(name: &str, node: &mut Node) -> Result<(), ComposeError> {
    if node.tag == Tag::Reset {
        return Ok(());
    }
    let Value::Map(entries) = &mut node.value else {
        return Err(wrong(name, "", "a map", node));
    };
    for (key, value) in entries {
        if matches!(value.value, Value::Null) {
            continue;
        }
        match key.name.as_str() {
            "environment" => to_map(name, key, value, |text| {
                let (variable, value) = match text.raw().split_once('=') {
                    Some((variable, value)) => (variable, Value::Scalar(text.part(value))),
                    None => (text.raw(), Value::Null),
                };
                (variable.to_owned(), value)
            })?,
            "depends_on" | "networks" => {
                to_map(name, key, value, |text| (text.shown(), Value::Null))?;
            }
            "env_file" | "profiles" => to_list(value),
            "ports" | "volumes" | "volumes_from" | "secrets" | "configs" | "links" | "expose"
                if !matches!(value.value, Value::List(_)) =>
            {
                return Err(wrong(name, &key.name, "a list", value));
            }
            "healthcheck" if !matches!(value.value, Value::Map(_)) => {
                return Err(wrong(name, &key.name, "a map", value));
            }
            "image" | "container_name" | "hostname" | "network_mode" if value.text().is_none() => {
                return Err(wrong(name, &key.name, "a text", value));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The error for a value of a wrong kind.
pub(super) fn wrong(service: &str, key: &str, expected: &str, found: &Node) -> ComposeError {
    let dot = if key.is_empty() { "" } else { "." };
    ComposeError::new(
        found.place.clone(),
        format!(
            "services.{service}{dot}{key}: expected {expected}, found {}; write it as Docker's \"Compose file reference\" describes",
            found.kind()
        ),
    )
}

fn to_list(node: &mut Node) {
    if !matches!(node.value, Value::List(_)) {
        let item = node.clone();
        node.value = Value::List(vec![item]);
    }
}

fn to_map(
    service: &str,
    key: &Key,
    node: &mut Node,
    entry: impl Fn(&Text) -> (String, Value),
) -> Result<(), ComposeError> {
    let items = match &node.value {
        Value::Map(_) => return Ok(()),
        Value::List(items) => items,
        Value::Null | Value::Scalar(_) => {
            return Err(wrong(service, &key.name, "a map or a list", node));
        }
    };
    let mut entries: Vec<(Key, Node)> = Vec::new();
    for item in items {
        let Some(text) = item.text() else {
            return Err(wrong(service, &key.name, "a list of texts", item));
        };
        let (name, value) = entry(text);
        // Of two lines for one name the last counts.
        entries.retain(|(key, _)| key.name != name);
        entries.push((
            Key {
                name,
                place: item.place.clone(),
            },
            Node::new(value, item.place.clone()),
        ));
    }
    node.value = Value::Map(entries);
    Ok(())
}
