//! Reads typed values out of a raw table: looks variables up, checks types, and reports what does not fit.

use std::path::{Path, PathBuf};

use super::defaults::Defaults;
use super::environment::Environment;
use super::load::LOCATION;
use super::problems::Problems;
use super::suggest;
use super::table::{Scalar, Table, Value};
use super::uri::MAX_NAME;
use super::value::{Source, Sourced};

/// Keys whose values are never shown.
const SECRET: [&str; 3] = ["password", "url", "admin_url"];

/// What every table is resolved against.
pub(super) struct Context<'a> {
    pub(super) environment: &'a Environment,
    /// Whether the manifest is the built-in one.
    pub(super) built_in: bool,
    /// The manifest's folder: relative paths in the file begin here.
    pub(super) base: &'a Path,
    /// The working directory: relative paths in variables and flags begin here.
    pub(super) directory: &'a Path,
    /// Whether variables may not say where things are.
    pub(super) sandbox: bool,
    /// Whether no server is reached.
    pub(super) offline: bool,
    /// What libpq's variables say, for what an endpoint leaves open.
    pub(super) defaults: &'a Defaults,
}

/// One table with the means to resolve its values.
pub(super) struct Values<'a> {
    pub(super) table: &'a Table,
    pub(super) context: &'a Context<'a>,
    pub(super) problems: &'a mut Problems,
}

impl Values<'_> {
    /// Whether the key is there at all, with or without a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.field(key).is_some()
    }

    /// The variables that the key reads.
    pub(super) fn variables(&self, key: &str) -> &[String] {
        match self.table.field(key).map(|field| &field.value) {
            Some(Value::Variable { names, .. }) => names,
            _ => &[],
        }
    }

    /// Whether `--set` gives the key.
    pub(super) fn is_flag(&self, key: &str) -> bool {
        self.table
            .field(key)
            .is_some_and(|field| field.flag.is_some())
    }

    /// The value in force. A variable that is set but empty counts as unset, except for a password: nobody who writes
    /// `PASSWORD=` means the published default.
    pub(super) fn lookup(&self, key: &str) -> Option<(Scalar, Source)> {
        let field = self.table.field(key)?;
        if let Some(text) = &field.flag {
            return Some((Scalar::Text(text.clone()), Source::Flag));
        }
        match &field.value {
            Value::Absent | Value::Broken => None,
            Value::Literal(scalar) => {
                let source = if self.context.built_in {
                    Source::BuiltIn
                } else {
                    Source::File(field.line)
                };
                Some((scalar.clone(), source))
            }
            Value::Variable { names, default } => names
                .iter()
                .filter(|_| !self.context.sandbox || !LOCATION.contains(&key))
                .filter_map(|name| self.context.environment.get(name))
                .find(|(text, _)| !text.is_empty() || key == "password")
                .map(|(text, source)| (Scalar::Text(text.to_owned()), source))
                .or_else(|| default.clone().map(|scalar| (scalar, Source::Default))),
        }
    }

    /// Reports a key that has to have a value and has none.
    pub(super) fn require(&mut self, key: &str, expected: &str, advice: &str) {
        if self.lookup(key).is_some() || self.table.broken(key) {
            return;
        }
        let advice = match self.variables(key) {
            [] => advice.to_owned(),
            names => format!("set {}, or give it a default", names.join(" or ")),
        };
        self.problem(
            key,
            &format!("expected {expected}, found nothing; {advice}"),
        );
    }

    /// Reports a problem with a key.
    pub(super) fn problem(&mut self, key: &str, message: &str) {
        let line = self
            .table
            .field(key)
            .map_or(self.table.line, |field| field.line);
        if self.is_flag(key) {
            let flag = format!("--set {}.{key}", self.table.name);
            self.problems.flag(&flag, message);
        } else {
            let dot = if self.table.path.is_empty() { "" } else { "." };
            let path = format!("{}{dot}{key}", self.table.path);
            self.problems.at(line, &path, message);
        }
    }

    /// Reports a value that does not fit: what was expected, what was found and where, what to do.
    pub(super) fn unfit(
        &mut self,
        key: &str,
        source: &Source,
        expected: &str,
        found: &str,
        advice: &str,
    ) {
        let place = match source {
            Source::Env(name) => format!(" in environment {name}"),
            Source::DotEnv(name) => format!(" in .env {name}"),
            Source::Default => " as the default".to_owned(),
            Source::Flag
            | Source::File(_)
            | Source::BuiltIn
            | Source::Home
            | Source::PasswordFile(..) => String::new(),
        };
        self.problem(
            key,
            &format!("expected {expected}, found {found}{place}; {advice}"),
        );
    }

    /// A text that is not empty and has no control characters.
    pub(super) fn text(&mut self, key: &str) -> Option<Sourced<String>> {
        let (scalar, source) = self.lookup(key)?;
        let Scalar::Text(value) = scalar else {
            let found = scalar.found(SECRET.contains(&key));
            self.unfit(key, &source, "text in quotes", &found, "put it in quotes");
            return None;
        };
        if value.is_empty() {
            let expected = if key == "password" {
                "a password"
            } else {
                "a text"
            };
            let advice = match &source {
                Source::Env(name) | Source::DotEnv(name) => format!("set {name}, or unset it"),
                _ => "write one, or leave the key out".to_owned(),
            };
            self.unfit(key, &source, expected, "an empty text", &advice);
            return None;
        }
        // A URL says for itself what is wrong with it, and a password may hold anything but NUL.
        let wrong = match key {
            "url" | "admin_url" => false,
            "password" => value.contains('\0'),
            _ => value.chars().any(char::is_control),
        };
        if wrong {
            let found = "a control character in it";
            self.unfit(key, &source, "plain text", found, "take it out");
            return None;
        }
        Some(Sourced { value, source })
    }

    /// The name of a database or role.
    pub(super) fn name(&mut self, key: &str) -> Option<Sourced<String>> {
        let name = self.text(key)?;
        if name.value.len() > MAX_NAME {
            self.unfit(
                key,
                &name.source,
                &format!("a name of at most {MAX_NAME} bytes"),
                &format!("one of {} bytes", name.value.len()),
                "shorten it: PostgreSQL would cut it silently",
            );
            return None;
        }
        Some(name)
    }

    /// A port: a number, or digits in a text.
    pub(super) fn port(&mut self) -> Option<Sourced<u16>> {
        let (scalar, source) = self.lookup("port")?;
        let number = match &scalar {
            Scalar::Integer(number) => u16::try_from(*number).ok(),
            Scalar::Text(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        match number {
            Some(value) if value > 0 => Some(Sourced { value, source }),
            _ => {
                // Only what looks like a number is shown: anything else may have been meant for another variable.
                let found = match &scalar {
                    Scalar::Text(text)
                        if text.len() < 20
                            && text.bytes().all(|b| b.is_ascii_digit() || b == b'-') =>
                    {
                        format!("{text:?}")
                    }
                    Scalar::Integer(number) => number.to_string(),
                    _ => "something else".to_owned(),
                };
                let advice = match &source {
                    Source::Env(name) | Source::DotEnv(name) => format!("correct {name}"),
                    _ => "write such a number".to_owned(),
                };
                let expected = "a port number from 1 to 65535";
                self.unfit("port", &source, expected, &found, &advice);
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let word = self.text(key)?;
        let found = words.iter().find(|(known, _)| *known == word.value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
            let advice = suggest::advice(&word.value, &known);
            let (expected, shown) = (known.join(" or "), format!("{:?}", word.value));
            self.unfit(key, &word.source, &expected, &shown, &advice);
        }
        found.map(|(_, value)| *value)
    }

    /// `true` or `false`; false when the key is not there.
    pub(super) fn truth(&mut self, key: &str) -> bool {
        match self.lookup(key) {
            None => false,
            Some((Scalar::Bool(value), _)) => value,
            Some((Scalar::Text(text), _)) if text == "true" => true,
            Some((Scalar::Text(text), _)) if text == "false" => false,
            Some((scalar, source)) => {
                let found = scalar.found(false);
                self.unfit(key, &source, "true or false", &found, "write one of them");
                false
            }
        }
    }

    /// Several paths, separated by colons as in `COMPOSE_FILE`; none when the key has no value. They begin where [`Values::path`]
    /// says.
    pub(super) fn paths(&mut self, key: &str) -> Vec<PathBuf> {
        let Some(text) = self.text(key) else {
            return Vec::new();
        };
        let base = self.base(&text.source);
        text.value
            .split(':')
            .filter(|path| !path.is_empty())
            .map(|path| base.join(path))
            .collect()
    }

    /// Where relative paths of this source begin.
    fn base(&self, source: &Source) -> PathBuf {
        match source {
            Source::File(_) | Source::Default | Source::BuiltIn => self.context.base,
            Source::Flag
            | Source::Env(_)
            | Source::DotEnv(_)
            | Source::Home
            | Source::PasswordFile(..) => self.context.directory,
        }
        .to_path_buf()
    }

    /// A path. A relative one begins at the manifest's folder when the manifest says it, and at the working directory when
    /// a variable or a flag does.
    pub(super) fn path(&mut self, key: &str) -> Option<Sourced<PathBuf>> {
        let text = self.text(key)?;
        Some(Sourced {
            value: self.base(&text.source).join(text.value),
            source: text.source,
        })
    }
}
