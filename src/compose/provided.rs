//! Files that a container is given: `configs` and `secrets` (Docker documentation, "Configs top-level elements" and "Secrets
//! top-level elements"), and what lies in its mounts.

use std::path::Path;

use super::Place;
use super::container::Container;
use super::context::Context;
use super::load::LARGEST;
use super::path::{Store, rest_of, within};
use super::scripts::FOLDER;
use super::text::{CLOSE, OPEN, Text};
use super::yaml::Node;
use crate::regular::read_regular;

/// A config or a secret of a container.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What it is: `config` or `secret`.
    pub kind: &'static str,
    /// Its key.
    pub name: String,
    /// What makes two of them one: the file, variable or external name.
    pub store: Store,
    /// The path in the container.
    pub target: String,
    /// Where the container is given it.
    pub place: Place,
    /// What it says, where the compose file says it.
    content: Option<Text>,
}

/// A file within a container.
#[derive(Debug, Clone)]
pub struct Provided {
    /// How people call it: `secret pw`, `./pw`.
    pub shown: String,
    /// What makes two of them one.
    pub store: Store,
    content: Option<Text>,
}

impl Provided {
    /// What lies at a place of the host.
    pub(super) fn lying_at(store: Store) -> Self {
        Self {
            shown: store
                .host
                .as_ref()
                .map_or_else(|| store.shown.clone(), |path| path.display().to_string()),
            store,
            content: None,
        }
    }

    /// What it says.
    ///
    /// # Errors
    /// Why that is not known, without what it says.
    pub fn text(&self) -> Result<Text, String> {
        if let Some(content) = &self.content {
            return Ok(content.clone());
        }
        match &self.store.host {
            Some(path) => text_at(path, &self.shown),
            None => Err(format!(
                "{} is no file of this host that is known",
                self.shown
            )),
        }
    }
}

impl Grant {
    /// It as a file.
    #[must_use]
    pub fn file(&self) -> Provided {
        Provided {
            shown: format!("{} {}", self.kind, self.name),
            store: self.store.clone(),
            content: self.content.clone(),
        }
    }

    /// Whether it is run when the database is created.
    #[must_use]
    pub fn is_init(&self) -> bool {
        within(&self.target, FOLDER)
    }
}

impl Container {
    /// The file at this path of the container, if it was given one there.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<Provided> {
        let is_it =
            |grant: &&Grant| rest_of(path, &grant.target).is_some_and(|rest| rest.is_empty());
        if let Some(grant) = self.grants.iter().rev().find(is_it) {
            return Some(grant.file());
        }
        // The innermost mount hides those around it.
        let (rest, mount) = self
            .mounts
            .iter()
            .filter_map(|mount| Some((rest_of(path, mount.target.raw())?, mount)))
            .min_by_key(|(rest, _)| rest.len())?;
        let store = mount.source.as_ref()?.below(&rest);
        Some(Provided {
            shown: store.shown.clone(),
            store,
            content: None,
        })
    }
}

/// What a file of the host says.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn text_at(path: &Path, shown: &str) -> Result<Text, String> {
    let text = read_text(path, shown)?;
    // UTF-16 of plain letters is UTF-8 as well, with a zero beside each.
    if text.contains('\0') {
        return Err(format!("{shown} holds zero bytes, as UTF-16 does"));
    }
    if text.contains([OPEN, CLOSE]) {
        return Err(format!("{shown} holds a character of a private plane"));
    }
    Ok(Text::known(text))
}

/// The text of a file of the host, whatever is in it.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read_text(path: &Path, shown: &str) -> Result<String, String> {
    if !path.exists() {
        return Err(format!("{shown} is not here"));
    }
    let bytes =
        read_regular(path, LARGEST).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8"))
}

/// The configs and secrets that a service of a compose file is given.
pub(super) fn grants(node: &Node, context: &Context<'_>) -> Vec<Grant> {
    let mut found: Vec<Grant> = Vec::new();
    for (section, kind, folder) in [
        ("configs", "config", "/"),
        ("secrets", "secret", "/run/secrets/"),
    ] {
        for item in node.get(section).map(Node::items).unwrap_or_default() {
            let Some(grant) = grant(item, (section, kind, folder), context) else {
                continue;
            };
            // Of two on one path the last counts.
            found.retain(|other| other.target != grant.target);
            found.push(grant);
        }
    }
    found
}

fn grant(
    item: &Node,
    (section, kind, folder): (&str, &'static str, &str),
    context: &Context<'_>,
) -> Option<Grant> {
    let key = item.text().or_else(|| item.get("source")?.text())?;
    let target = match item.get("target").and_then(Node::text).unwrap_or(key).raw() {
        path if path.starts_with('/') => path.to_owned(),
        file => format!("{folder}{file}"),
    };
    let definition = context.section(section).and_then(|all| all.get(key.raw()));
    let value = |key: &str| definition.and_then(|it| it.get(key)).and_then(Node::text);
    let shown = format!("{kind} {}", key.shown());
    let mut content = None;
    let store = if let (Some(file), Some(node)) = (value("file"), definition) {
        Store::bind(file, &context.base(&node.place), context.home())
    } else if let Some(variable) = value("environment") {
        content = Some(context.passed(variable.raw()));
        Store::named("variable", variable.raw(), shown)
    } else {
        content = value("content").cloned();
        let named = value("name").or_else(|| definition?.get("external")?.get("name")?.text());
        Store::named(kind, named.unwrap_or(key).raw(), shown)
    };
    Some(Grant {
        kind,
        name: key.shown(),
        store,
        target,
        place: item.place.clone(),
        content,
    })
}

/// Variables that the images of PostgreSQL read from a file as well, `…_FILE` (Docker Hub, "postgres", "Docker Secrets"; Bitnami's
/// image does so with names of its own).
const FROM_FILES: [&str; 6] = [
    "POSTGRES_DB",
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
    "POSTGRESQL_DATABASE",
    "POSTGRESQL_USERNAME",
    "POSTGRESQL_PASSWORD",
];

/// The variables that a container reads from files, with why what they say is not known, if it is not. Other programs have passwords
/// by the same convention.
pub(super) fn from_files(container: &Container) -> Vec<(super::Variable, Option<String>)> {
    let mut found = Vec::new();
    for variable in &container.environment {
        let Some(name) = variable.name.strip_suffix("_FILE") else {
            continue;
        };
        if !FROM_FILES.contains(&name) && !name.ends_with("PASSWORD") {
            continue;
        }
        let own = container.variable(name);
        if variable.value.is_empty() || own.is_some_and(|own| !own.value.is_empty()) {
            continue;
        }
        let text = match variable.value.get() {
            None => Err(format!("the path in {name}_FILE is not known")),
            Some(path) => named_in(container, path, name),
        };
        let (value, why) = match text {
            // As a shell's $(cat file): without the line ends behind it.
            Ok(text) => (text.part(text.raw().trim_end_matches(['\n', '\r'])), None),
            Err(why) => {
                let name = format!("{} of {}", variable.name, container.name);
                (Text::unknown(&name), Some(why))
            }
        };
        found.push((
            super::Variable {
                name: name.to_owned(),
                value,
                place: variable.place.clone(),
            },
            why,
        ));
    }
    found
}

/// What the file of a variable says. The password's own file is never taken for a name, which messages would show.
fn named_in(container: &Container, path: &str, name: &str) -> Result<Text, String> {
    /// The longest name that PostgreSQL keeps, in bytes (PostgreSQL documentation, "Identifiers and Key Words").
    const LONGEST: usize = 63;
    let Some(file) = container.file(path) else {
        return Err(format!(
            "no secret, config or mount puts {path} there: unless its image has it, it does not start"
        ));
    };
    let text = file.text()?;
    if name.ends_with("PASSWORD") {
        return Ok(text);
    }
    let is_password = container.environment.iter().any(|variable| {
        let other = variable.value.get().and_then(|path| container.file(path));
        variable.name.ends_with("PASSWORD_FILE")
            && other.is_some_and(|other| other.store.is(&file.store))
    });
    if is_password || text.raw().trim().len() > LONGEST {
        return Err(format!("{} holds no name", file.shown));
    }
    Ok(text)
}
