//! A value after its variables were put in, with what is not known of it.

use std::collections::{BTreeMap, BTreeSet};

/// Stands around the name of a variable whose value is not known. No text of a file may hold them.
pub(crate) const OPEN: char = '\u{f0000}';
/// The end of such a name.
pub(crate) const CLOSE: char = '\u{f0001}';

/// A value. It may hold a password: its `Debug` is masked, and [`Text::shown`] is for names, paths and ports only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Text {
    raw: String,
    /// Variables that are not set here and whose default is in force, with the default.
    pub defaulted: BTreeMap<String, String>,
    /// Variables that were looked up, set or not.
    pub variables: BTreeSet<String>,
}

impl Text {
    /// A text without variables.
    pub fn known(text: impl Into<String>) -> Self {
        Self {
            raw: text.into(),
            ..Self::default()
        }
    }

    /// The value of a variable that is not set here.
    pub(crate) fn unknown(variable: &str) -> Self {
        Self {
            raw: format!("{OPEN}{variable}{CLOSE}"),
            defaulted: BTreeMap::new(),
            variables: [variable.to_owned()].into(),
        }
    }

    /// Appends another text.
    pub(crate) fn push(&mut self, other: &Self) {
        self.raw.push_str(&other.raw);
        self.defaulted.extend(other.defaulted.clone());
        self.variables.extend(other.variables.iter().cloned());
    }

    /// Appends a character.
    pub(crate) fn push_char(&mut self, c: char) {
        self.raw.push(c);
    }

    /// Another text that came from the same variables: a part of this one. A default that it shares nothing with stands elsewhere; one
    /// with escapes of a URL may look different in it.
    pub(crate) fn part(&self, raw: impl Into<String>) -> Self {
        let raw = raw.into();
        let shares = |default: &str| {
            default.contains(raw.as_str()) || raw.contains(default) || default.contains('%')
        };
        Self {
            defaulted: self
                .defaulted
                .iter()
                .filter(|(_, default)| shares(default))
                .map(|(name, default)| (name.clone(), default.clone()))
                .collect(),
            variables: self.variables.clone(),
            raw,
        }
    }

    /// The text with marks around the names of unknown variables: for splitting and comparing. Two texts with the same
    /// unknown variables in the same places are equal.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The text, if all of it is known.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        (!self.raw.contains(OPEN)).then_some(self.raw.as_str())
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The text with this in place of every unknown variable.
    #[must_use]
    pub fn filled(&self, unknown: &str) -> String {
        let mut parts = self.raw.split(OPEN);
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            text.push_str(unknown);
            text.push_str(part.split_once(CLOSE).map_or("", |(_, rest)| rest));
        }
        text
    }

    /// The text for people, `${NAME}` where it is not known. Never for what may hold a password.
    #[must_use]
    pub fn shown(&self) -> String {
        self.raw.replace(OPEN, "${").replace(CLOSE, "}")
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}
