//! Variables that mention a server in other words than a URL or parts: their whole value is a host (`STORAGE_HOST`), or JSON that
//! holds one.

use serde_json::Value;

use super::names::{is_url_name, part_of};
use super::strings::{in_text, key};
use super::{Connection, Part};
use crate::compose::container::Container;
use crate::compose::variable::Variable;

/// Last words of the names of variables whose value is a name and no way to a server.
const NO_WAY: [&str; 7] = [
    "CONTAINER",
    "INSTANCE",
    "JOB",
    "LABEL",
    "NAME",
    "NETWORK",
    "PROJECT",
];
/// The longest value that is looked through, in bytes.
const LONGEST: usize = 64 << 10;

/// The servers that a container's variables mention. `is_server` tells whether a host's name, in small letters, is a database's.
pub(in crate::compose) fn mentions(
    container: &Container,
    is_server: &dyn Fn(&str) -> bool,
) -> Vec<Connection> {
    let mut found = Vec::new();
    for variable in &container.environment {
        let name = variable.name.to_ascii_uppercase();
        let last = name.rsplit('_').next().unwrap_or_default();
        let is_read = part_of(&name).is_some()
            || is_url_name(&name)
            || !in_text(&variable.name, &variable.place, &variable.value).is_empty();
        if is_read || NO_WAY.contains(&last) || variable.value.raw().len() > LONGEST {
            continue;
        }
        let raw = variable.value.raw().trim();
        if raw.starts_with(['{', '[']) {
            // What is no JSON is some other text.
            if let Ok(json) = serde_json::from_str::<Value>(raw) {
                in_json(variable, &json, is_server, &mut found);
            }
        } else {
            found.extend(alone(variable, raw, is_server));
        }
    }
    found
}

/// The server whose name, with a port or without, is all of a text.
fn alone(variable: &Variable, text: &str, is_server: &dyn Fn(&str) -> bool) -> Option<Connection> {
    let host = text.split(':').next().unwrap_or_default();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if !is_server(&host) {
        return None;
    }
    let mut connection = Connection::new(&variable.name, &variable.place);
    connection.set(Part::Host, variable.value.part(text));
    let connection = connection.whole();
    connection.unread.is_none().then_some(connection)
}

/// The servers in a JSON value: an object with a host and what stands beside it, or a text alone.
fn in_json(
    variable: &Variable,
    json: &Value,
    is_server: &dyn Fn(&str) -> bool,
    found: &mut Vec<Connection>,
) {
    match json {
        Value::String(text) => found.extend(alone(variable, text.trim(), is_server)),
        Value::Array(items) => {
            for item in items {
                in_json(variable, item, is_server, found);
            }
        }
        Value::Object(entries) => {
            let mut connection = Connection::new(&variable.name, &variable.place);
            for (name, value) in entries {
                let text = match value {
                    Value::String(text) => text.trim().to_owned(),
                    Value::Number(number) => number.to_string(),
                    _ => continue,
                };
                if let Some(part) = key(name) {
                    connection.set(part, variable.value.part(text));
                }
            }
            let connection = connection.whole();
            let is_ours = connection.hosts.iter().any(|host| {
                let name = host.name.get().map(str::to_ascii_lowercase);
                name.is_some_and(|name| is_server(&name))
            });
            if is_ours {
                found.push(connection);
                // The texts of this object have been told.
                for value in entries.values().filter(|value| !value.is_string()) {
                    in_json(variable, value, is_server, found);
                }
            } else {
                for value in entries.values() {
                    in_json(variable, value, is_server, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{alone, in_json};
    use crate::compose::Place;
    use crate::compose::text::Text;
    use crate::compose::variable::Variable;

    fn variable(value: &str) -> Variable {
        Variable {
            name: "X".to_owned(),
            value: Text::known(value),
            place: Place {
                file: "f".into(),
                line: 1,
                column: 1,
            },
        }
    }

    #[test]
    fn a_server_is_found_alone_and_in_json() {
        let is_server = |name: &str| name == "pg";
        for (text, expected) in [
            ("pg", true),
            ("PG:5432", true),
            ("pg.", true),
            ("a pg", false),
            ("pgx", false),
        ] {
            let variable = variable(text);
            assert_eq!(
                alone(&variable, text, &is_server).is_some(),
                expected,
                "{text}"
            );
        }
        for (text, expected) in [
            (r#"{"db":{"host":"pg","port":5432,"user":"u"}}"#, 1),
            (r#"["pg:1", "other"]"#, 1),
            (r#"{"a":"pg","b":"x pg"}"#, 1),
            (r#"{"db":{"host":"other"}}"#, 0),
        ] {
            let variable = variable(text);
            let mut found = Vec::new();
            in_json(
                &variable,
                &serde_json::from_str(text).unwrap(),
                &is_server,
                &mut found,
            );
            assert_eq!(found.len(), expected, "{text}");
        }
    }
}
