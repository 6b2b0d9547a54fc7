//! What is known where a service of a compose file is read: the environment, the folders, the other sections.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::Place;
use super::text::Text;
use super::yaml::Node;

/// What containers are made with.
pub(super) struct Context<'a> {
    pub(super) env: &'a BTreeMap<String, String>,
    /// What `.env` sets with a variable in it that is not set here.
    pub(super) partly: &'a BTreeMap<String, Text>,
    pub(super) bases: &'a BTreeMap<Arc<str>, PathBuf>,
    pub(super) project: &'a str,
    /// The whole of the files.
    pub(super) root: &'a Node,
    pub(super) unread: Vec<(String, String)>,
}

impl Context<'_> {
    /// Where the relative paths of a file begin.
    pub(super) fn base(&self, place: &Place) -> PathBuf {
        self.bases.get(&place.file).cloned().unwrap_or_default()
    }

    /// The home directory that `~` stands for, if it is known.
    pub(super) fn home(&self) -> Option<&str> {
        self.env.get("HOME").map(String::as_str)
    }

    /// A top-level section.
    pub(super) fn section(&self, name: &str) -> Option<&Node> {
        self.root.get(name)
    }

    /// What a variable of the environment is set to.
    pub(super) fn passed(&self, name: &str) -> Text {
        set_in(self.env, self.partly, name).unwrap_or_else(|| Text::unknown(name))
    }
}

/// What a variable is set to, if it is: by the environment and `.env`, or by a `.env` that takes a part of it from elsewhere.
pub(super) fn set_in(
    env: &BTreeMap<String, String>,
    partly: &BTreeMap<String, Text>,
    name: &str,
) -> Option<Text> {
    let known = env.get(name).map(|value| Text::known(value.as_str()));
    known.or_else(|| partly.get(name).cloned())
}
