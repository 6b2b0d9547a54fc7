//! What `include` and `extends` name in other places: a git repository, an image registry (Docker documentation, "Include" and "OCI
//! artifacts"). Compose fetches it; nothing is fetched here.

use std::sync::Arc;

use super::load::Loader;
use super::yaml::{Node, Value};
use super::{Place, Text};

/// Whether a path leads elsewhere.
pub(super) fn is_url(path: &str) -> bool {
    path.contains("://") || path.starts_with("git@") || path.starts_with("github.com/")
}

/// What is said of a file that is named by a URL.
pub(super) fn named() -> String {
    "a compose file that is named by a URL was not fetched, and nothing of it was looked at"
        .to_owned()
}

/// A project of which nothing is here.
pub(super) fn nothing() -> Node {
    let place = Place {
        file: Arc::from(""),
        line: 1,
        column: 1,
    };
    Node::new(Value::Map(Vec::new()), place)
}

impl Loader {
    /// Whether a path leads elsewhere; takes it down if so. The URL may hold a password and is not shown.
    pub(super) fn leaves(
        &mut self,
        container: Option<&str>,
        key: &str,
        path: &Text,
        place: &Place,
    ) -> bool {
        let leads = is_url(path.raw());
        if leads {
            let what = format!(
                "{key} names a URL, which was not fetched, and nothing of what lies there was looked at"
            );
            self.stops_at(container, place, &what);
        }
        leads
    }
}
