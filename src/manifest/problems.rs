//! Everything that is wrong with a manifest, collected so that it is reported at once.

use super::load::ManifestError;

/// The problems of one manifest.
pub(super) struct Problems {
    origin: String,
    list: Vec<(usize, String)>,
    /// How many of them are flags that are not written as they have to be.
    usage: usize,
}

impl Problems {
    /// None yet. `origin` is how messages name the manifest.
    pub(super) const fn new(origin: String) -> Self {
        Self {
            origin,
            list: Vec::new(),
            usage: 0,
        }
    }

    /// Something is wrong with a key on a line.
    pub(super) fn at(&mut self, line: usize, path: &str, message: &str) {
        let origin = &self.origin;
        let text = if path.is_empty() {
            format!("{origin}:{line}: {message}")
        } else {
            format!("{origin}:{line}: {path}: {message}")
        };
        self.list.push((line, text));
    }

    /// Something is wrong with a flag.
    pub(super) fn flag(&mut self, flag: &str, message: &str) {
        self.list.push((usize::MAX, format!("{flag}: {message}")));
    }

    /// A flag is not written as it has to be: wrong usage, whatever the manifest says.
    pub(super) fn misused(&mut self, flag: &str, message: &str) {
        self.flag(flag, message);
        self.usage += 1;
    }

    /// Whether nothing is wrong.
    pub(super) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The error: one line for each problem, in the order of the file.
    pub(super) fn into_error(mut self) -> ManifestError {
        let usage = self.usage == self.list.len();
        self.list.sort_by_key(|(line, _)| *line);
        self.list.dedup();
        let lines: Vec<String> = self.list.into_iter().map(|(_, text)| text).collect();
        ManifestError {
            text: lines.join("\n"),
            usage,
        }
    }
}
