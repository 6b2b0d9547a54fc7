//! The environment and the file `.env`, as one place to look variables up in.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::rc::Rc;

use super::load::{Inputs, LARGEST, ManifestError};
use super::value::Source;
use crate::regular::read_regular;

/// The environment with `.env` behind it.
pub(super) struct Environment {
    env: BTreeMap<String, String>,
    dotenv: BTreeMap<String, String>,
}

impl Environment {
    /// Takes the environment from the inputs and reads `.env` in the working directory, if there is one.
    pub(super) fn read(inputs: &Inputs) -> Result<Self, ManifestError> {
        Ok(Self {
            env: inputs.env.clone(),
            dotenv: read_dotenv(&inputs.directory.join(".env"))?,
        })
    }

    /// The variable as it is set. One that is set but empty in the environment hides `.env`: that is how to switch a line
    /// of `.env` off for one command.
    pub(super) fn get(&self, name: &str) -> Option<(&str, Source)> {
        if let Some(value) = self.env.get(name) {
            return Some((value, Source::Env(name.to_owned())));
        }
        self.dotenv
            .get(name)
            .map(|value| (value.as_str(), Source::DotEnv(name.to_owned())))
    }
}

/// Reads `.env` with dotenvy, without touching the process. Of two lines for one variable the last counts, as in a shell.
fn read_dotenv(path: &Path) -> Result<BTreeMap<String, String>, ManifestError> {
    let shown = path.display();
    let bytes = match read_regular(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => {
            return Err(ManifestError(format!(
                "{shown}: cannot be read: {error}; make it readable, or move it away"
            )));
        }
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let valid = bytes.iter().take(error.valid_up_to());
        let line = valid.filter(|byte| **byte == b'\n').count() + 1;
        ManifestError(format!("{shown}:{line}: not UTF-8; save the file as UTF-8"))
    })?;
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = Rc::new(Cell::new(0));
    let lines = Lines {
        // Without the last line's end dotenvy takes a trailing space for an open value.
        rest: format!("{text}\n").into_bytes().into(),
        line: Rc::clone(&line),
    };
    let mut variables = BTreeMap::new();
    for item in dotenvy::Iter::new(lines) {
        match item {
            Ok((name, value)) => {
                variables.insert(name, value);
            }
            // dotenvy's own message quotes the line, which may hold a password.
            Err(dotenvy::Error::LineParse(broken, _)) => {
                let first = (line.get() + 1).saturating_sub(broken.lines().count().max(1));
                return Err(ManifestError(format!(
                    "{shown}:{}: this is no line of a .env file; expected NAME=value, with quotes around a value that holds spaces, quotes, $, # or \\",
                    first.max(1)
                )));
            }
            Err(_) => {
                return Err(ManifestError(format!(
                    "{shown}:{}: cannot be read; expected NAME=value",
                    line.get()
                )));
            }
        }
    }
    Ok(variables)
}

/// Hands out one line at a time and counts them, because dotenvy does not say where it is.
struct Lines {
    rest: std::collections::VecDeque<u8>,
    line: Rc<Cell<usize>>,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut count = 0;
        for slot in buffer {
            let Some(byte) = self.rest.pop_front() else {
                break;
            };
            *slot = byte;
            count += 1;
            if byte == b'\n' {
                self.line.set(self.line.get() + 1);
                break;
            }
        }
        Ok(count)
    }
}
