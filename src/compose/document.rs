//! One compose file or `.env` file: read, with variables put in and every section of its kind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::context::set_in;
use super::load::{ComposeError, LARGEST, Loader, MOST_FILES};
use super::merge::merge;
use super::yaml::{Key, Node, Value, parse};
use super::{Place, Text, normal};
use crate::dotenv::{self, Lookup, interpolate};
use crate::regular::read_regular;

impl Loader {
    pub(super) fn dotenv(&mut self, path: &Path) -> Result<Vec<(String, Text)>, ComposeError> {
        if !path.is_file() {
            return Ok(Vec::new());
        }
        self.read.push(path.to_path_buf());
        let entries = dotenv::read(
            &text_of(path, None)?,
            &|name| self.set(name),
            &BTreeMap::new(),
        )
        .map_err(|(line, problem)| ComposeError(format!("{}:{line}: {problem}", path.display())))?;
        let mut set = BTreeMap::new();
        for entry in entries {
            if let Some(value) = entry.value {
                set.insert(entry.name, value);
            }
        }
        Ok(set.into_iter().collect())
    }

    /// Takes over what a `.env` sets and nobody before it did.
    pub(super) fn take(&mut self, set: impl IntoIterator<Item = (String, Text)>) {
        for (name, value) in set {
            if self.env.contains_key(&name) || self.partly.contains_key(&name) {
                continue;
            }
            if let Some(known) = value.get() {
                self.env.insert(name, known.to_owned());
            } else {
                self.partly.insert(name, value);
            }
        }
    }

    /// What a variable of the environment is set to, if it is.
    pub(super) fn set(&self, name: &str) -> Option<Text> {
        set_in(&self.env, &self.partly, name)
    }

    /// The documents of one file, merged, with variables and long shapes.
    pub(super) fn document(
        &mut self,
        file: &Arc<str>,
        path: &Path,
        base: &Path,
    ) -> Result<Node, ComposeError> {
        self.read.push(path.to_path_buf());
        if self.read.len() > MOST_FILES {
            return Err(ComposeError(format!(
                "{file}: more than {MOST_FILES} files take part; name fewer in include and extends"
            )));
        }
        self.bases.insert(Arc::clone(file), base.to_path_buf());
        let start = Place {
            file: Arc::clone(file),
            line: 1,
            column: 1,
        };
        let mut root = Node::new(Value::Map(Vec::new()), start);
        let documents = match self.parsed.remove(&(Arc::clone(file), path.to_path_buf())) {
            Some(documents) => documents,
            None => parse(file, &text_of(path, Some(file))?)?,
        };
        for mut document in documents {
            match document.value {
                Value::Null => continue,
                Value::Map(_) => {}
                _ => {
                    return Err(ComposeError::new(
                        document.place.clone(),
                        format!(
                            "expected a map with services, found {}; this is no compose file",
                            document.kind()
                        ),
                    ));
                }
            }
            interpolated(&mut document, &|name| self.set(name), &self.garbled)?;
            if let Value::Map(entries) = &mut document.value {
                for (key, value) in entries {
                    check_section(key, value)?;
                }
            }
            root = merge(root, document, "");
        }
        Ok(root)
    }
}

/// The text of a file. Messages name it by `shown`, or by its path.
pub(super) fn text_of(path: &Path, shown: Option<&Arc<str>>) -> Result<String, ComposeError> {
    let shown = shown.map_or_else(|| path.display().to_string(), |shown| shown.to_string());
    let bytes = read_regular(path, LARGEST).map_err(|error| {
        ComposeError(format!(
            "{shown}: expected a compose file, found none that can be read: {error}; correct the path or make it readable"
        ))
    })?;
    String::from_utf8(bytes)
        .map_err(|_| ComposeError(format!("{shown}: not UTF-8; save the file as UTF-8")))
}

/// Checks the kind of a top-level section, and gives services their long shape.
fn check_section(key: &Key, value: &mut Node) -> Result<(), ComposeError> {
    let expected = match key.name.as_str() {
        "services" | "volumes" | "secrets" | "configs" | "networks" => "a map",
        "include" => "a list",
        _ => return Ok(()),
    };
    match (&mut value.value, expected) {
        (Value::Map(entries), "a map") => {
            if key.name == "services" {
                for (name, service) in entries {
                    normal::service(&name.name, service)?;
                }
            }
            Ok(())
        }
        (Value::List(_), "a list") | (Value::Null, _) => Ok(()),
        _ => Err(ComposeError::new(
            value.place.clone(),
            format!(
                "{}: expected {expected}, found {}; write it as Docker's \"Compose file reference\" describes",
                key.name,
                value.kind()
            ),
        )),
    }
}

/// Puts variables into every value below; keys stay as they are.
fn interpolated(
    node: &mut Node,
    lookup: &Lookup<'_>,
    garbled: &BTreeSet<String>,
) -> Result<(), ComposeError> {
    match &mut node.value {
        Value::Null => {}
        Value::Scalar(text) => {
            if text.raw().contains('$') {
                *text = interpolate(text.raw(), lookup)
                    .map_err(|problem| ComposeError::new(node.place.clone(), problem))?;
                if let Some(name) = text.variables.iter().find(|name| garbled.contains(*name)) {
                    let problem = format!(
                        "the value of {name} in the environment is not UTF-8, so it cannot be used; set it anew, or unset it"
                    );
                    return Err(ComposeError::new(node.place.clone(), problem));
                }
            }
        }
        Value::List(items) => {
            for item in items {
                interpolated(item, lookup, garbled)?;
            }
        }
        Value::Map(entries) => {
            for (_, value) in entries {
                interpolated(value, lookup, garbled)?;
            }
        }
    }
    Ok(())
}
