//! From raw manifest and environment to a validated [`Manifest`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::defaults::Defaults;
use super::environment::Environment;
use super::problems::Problems;
use super::resolve::Sets;
use super::values::{Context, Values};
use super::{Manifest, Topology, allow, check, overrides, raw, resolve};
use crate::regular::read_bounded;

/// The largest manifest and the largest `.env`, in bytes.
pub(super) const LARGEST: u64 = 16 << 20;

/// The Kaspa/RGB system.
const BUILT_IN: &str = include_str!("builtin.toml");

/// What a manifest is resolved against. Nothing below reads the process's environment.
#[derive(Clone, Default)]
pub struct Inputs {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// `--sets DIR`: a folder of set folders that replaces the manifest's, and the built-in sets.
    pub sets: Option<PathBuf>,
    /// `--set SERVICE.KEY=VALUE`, in the order given.
    pub overrides: Vec<String>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Variables of the environment whose values are not UTF-8. One that is asked for is an error, not one that is unset.
    pub garbled: BTreeSet<String>,
    /// For a sandbox: what environment and `.env` say about *where* things are ([`LOCATION`]) is not believed, and a service
    /// whose place only they could tell has none yet.
    pub sandbox: bool,
    /// For what reaches no server: a service whose place only a variable could tell, and that variable is not set, has none. As in CI,
    /// where nobody has the URLs.
    pub offline: bool,
    /// The working directory: `dbctl.toml` and `.env` are looked for there.
    pub directory: PathBuf,
}

impl std::fmt::Debug for Inputs {
    /// Leaves out environment and overrides, which may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs")
            .field("config", &self.config)
            .field("sets", &self.sets)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// The keys that say where things are, and how to get in.
pub const LOCATION: [&str; 6] = [
    "url",
    "host",
    "password",
    "admin_url",
    "storage_dir",
    "data_dir",
];

/// Why there is no manifest: names file, line and key, says what was expected and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ManifestError {
    /// One line for each problem.
    pub text: String,
    /// Whether the manifest is right, and a flag is wrong that was to give one of its values.
    pub usage: bool,
}

impl From<String> for ManifestError {
    fn from(text: String) -> Self {
        Self { text, usage: false }
    }
}

/// Loads the manifest: `--config`, else `DBCTL_CONFIG`, else `dbctl.toml` in the working directory, else the built-in one.
///
/// A flag beats the environment, which beats `.env`, which beats the file. A variable that is set but empty counts as unset
/// (and hides its line in `.env`), except for a password that is needed: an empty one is refused. A `password` whose
/// variable is unset and that has no default means none: the server may trust the role.
///
/// # Errors
/// When the manifest or `.env` cannot be read, or the manifest is not valid. Every problem is on a line of its own, as
/// `file:line: services.NAME.KEY: expected …, found …; do …`, and none quotes a password or a URL.
pub fn load(inputs: &Inputs) -> Result<Manifest, ManifestError> {
    let environment = Environment::read(inputs)?;
    let file = find(inputs, &environment)?;
    let origin = file.path.as_ref().map_or_else(
        || "built-in manifest".to_owned(),
        |path| path.display().to_string(),
    );
    let mut problems = Problems::new(origin);
    let Some(mut raw) = raw::read(&file.text, &mut problems) else {
        return Err(problems.into_error());
    };
    overrides::apply(&mut raw, &inputs.overrides, &mut problems);
    let base = file.path.as_deref().and_then(Path::parent);
    // A sandbox makes its own servers; the password of a real one is none of theirs.
    let defaults = if inputs.sandbox {
        Defaults::default()
    } else {
        Defaults::read(&environment, &inputs.directory, &mut problems)
    };
    let context = Context {
        environment: &environment,
        built_in: file.path.is_none(),
        base: base.unwrap_or(&inputs.directory),
        directory: &inputs.directory,
        sandbox: inputs.sandbox,
        offline: inputs.offline,
        defaults: &defaults,
    };
    let mut top = Values {
        table: &raw.top,
        context: &context,
        problems: &mut problems,
    };
    let topologies = [
        ("any", Topology::Any),
        ("dedicated", Topology::Dedicated),
        ("shared", Topology::Shared),
    ];
    let topology = top.word("topology", &topologies).unwrap_or(Topology::Any);
    let login_proof = top.lookup("login_proof").is_none() || top.truth("login_proof");
    let sets = Sets {
        flag: inputs.sets.as_ref().map(|sets| inputs.directory.join(sets)),
        file: top.path("sets").map(|sets| sets.value),
    };
    let compose = top.paths("compose");
    let mut resolved = Vec::new();
    for table in &raw.services {
        let mut values = Values {
            table,
            context: &context,
            problems: &mut problems,
        };
        match resolve::service(&mut values, &sets) {
            Some(service) => resolved.push(service),
            // A service must never drop out silently: this one has no problem of its own only if a check is missing.
            None if problems.is_empty() => {
                problems.at(
                    table.line,
                    &table.path,
                    "cannot be resolved; check its keys",
                );
            }
            None => {}
        }
    }
    check::services(&resolved, &mut problems);
    let mut accepted = Vec::new();
    for table in &raw.allow {
        let mut values = Values {
            table,
            context: &context,
            problems: &mut problems,
        };
        accepted.extend(allow::resolve(&mut values, &raw.services));
    }
    let garbled = environment.garbled();
    if !garbled.is_empty() {
        // What else is wrong may come of it.
        problems = Problems::new(String::new());
    }
    for name in garbled {
        let what = "its value is not UTF-8, so it cannot be used; set it anew, or unset it";
        problems.flag(&format!("environment {name}"), what);
    }
    if !problems.is_empty() {
        return Err(problems.into_error());
    }
    Ok(Manifest {
        path: file.path,
        topology,
        login_proof,
        compose,
        services: resolved.into_iter().map(|it| it.service).collect(),
        allow: accepted,
    })
}

/// A manifest's text and where it came from.
struct Found {
    path: Option<PathBuf>,
    text: String,
}

fn find(inputs: &Inputs, environment: &Environment) -> Result<Found, ManifestError> {
    let variable = environment
        .get("DBCTL_CONFIG")
        .filter(|(value, _)| !value.is_empty());
    let (path, named_by) = if let Some(path) = &inputs.config {
        (inputs.directory.join(path), "--config".to_owned())
    } else if let Some((path, source)) = variable {
        (inputs.directory.join(path), source.to_string())
    } else {
        let path = inputs.directory.join("dbctl.toml");
        // A link to nowhere is a mistake, not an absent manifest.
        if path
            .symlink_metadata()
            .is_err_and(|error| error.kind() == ErrorKind::NotFound)
        {
            return Ok(Found {
                path: None,
                text: BUILT_IN.to_owned(),
            });
        }
        (path, "the working directory".to_owned())
    };
    let shown = path.display();
    let bytes = read_bounded(&path, LARGEST).map_err(|error| {
        ManifestError::from(format!(
            "{shown}: expected a manifest (named by {named_by}), found none that can be read: {error}; correct the path, or leave it out to use the built-in manifest"
        ))
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error
            .as_bytes()
            .iter()
            .take(error.utf8_error().valid_up_to());
        let line = valid.filter(|byte| **byte == b'\n').count() + 1;
        ManifestError::from(format!("{shown}:{line}: not UTF-8; save the file as UTF-8"))
    })?;
    Ok(Found {
        path: Some(path),
        text,
    })
}

#[cfg(test)]
#[path = "load_tests/mod.rs"]
mod tests;
