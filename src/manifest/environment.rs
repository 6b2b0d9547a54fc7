//! The environment and the file `.env`, as one place to look variables up in.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

use super::load::{Inputs, LARGEST, ManifestError};
use super::value::Source;
use crate::dotenv::{self, Text};
use crate::regular::read_regular;

/// The environment with `.env` behind it.
pub(super) struct Environment {
    env: BTreeMap<String, String>,
    dotenv: BTreeMap<String, String>,
    unread: Unread,
}

/// Variables whose values are not UTF-8, and those of them that somebody has asked for.
#[derive(Default)]
struct Unread {
    names: BTreeSet<String>,
    asked: RefCell<BTreeSet<String>>,
}

impl Unread {
    fn ask(&self, name: &str) {
        if self.names.contains(name) {
            self.asked.borrow_mut().insert(name.to_owned());
        }
    }
}

impl Environment {
    /// Takes the environment from the inputs and reads `.env` in the working directory, if there is one.
    pub(super) fn read(inputs: &Inputs) -> Result<Self, ManifestError> {
        let unread = Unread {
            names: inputs.garbled.clone(),
            ..Unread::default()
        };
        Ok(Self {
            env: inputs.env.clone(),
            dotenv: read_dotenv(&inputs.directory.join(".env"), &inputs.env, &unread)?,
            unread,
        })
    }

    /// The variable as it is set. One that is set but empty in the environment hides `.env`: that is how to switch a line
    /// of `.env` off for one command.
    pub(super) fn get(&self, name: &str) -> Option<(&str, Source)> {
        self.unread.ask(name);
        if let Some(value) = self.env.get(name) {
            return Some((value, Source::Env(name.to_owned())));
        }
        self.dotenv
            .get(name)
            .map(|value| (value.as_str(), Source::DotEnv(name.to_owned())))
    }

    /// The variables that somebody has asked for and whose values cannot be read.
    pub(super) fn garbled(&self) -> Vec<String> {
        self.unread.asked.borrow().iter().cloned().collect()
    }
}

/// Reads `.env` as Compose does, without touching the process. Of two lines for one variable the last counts, as in a shell; a variable
/// in a value that is set nowhere is empty.
fn read_dotenv(
    path: &Path,
    env: &BTreeMap<String, String>,
    unread: &Unread,
) -> Result<BTreeMap<String, String>, ManifestError> {
    let shown = path.display();
    let bytes = match read_regular(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => {
            return Err(ManifestError::from(format!(
                "{shown}: cannot be read: {error}; make it readable, or move it away"
            )));
        }
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let valid = bytes.iter().take(error.valid_up_to());
        let line = valid.filter(|byte| **byte == b'\n').count() + 1;
        ManifestError::from(format!("{shown}:{line}: not UTF-8; save the file as UTF-8"))
    })?;
    let set = |name: &str| {
        unread.ask(name);
        env.get(name).map(|value| Text::known(value.as_str()))
    };
    let entries = dotenv::read(text, &set, &BTreeMap::new())
        .map_err(|(line, problem)| ManifestError::from(format!("{shown}:{line}: {problem}")))?;
    // A name alone is what the environment says, which is asked first anyway.
    let values = entries
        .into_iter()
        .filter_map(|entry| Some((entry.name, entry.value?.filled(""))));
    Ok(values.collect())
}
