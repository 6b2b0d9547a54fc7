//! Everything that is wrong with a manifest, collected so that it is reported at once.

use super::load::ManifestError;

/// The problems of one manifest.
pub(super) struct Problems {
    origin: String,
    list: Vec<(usize, String)>,
}

impl Problems {
    /// None yet. `origin` is how messages name the manifest.
    pub(super) const fn new(origin: String) -> Self {
        Self {
            origin,
            list: Vec::new(),
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

    /// Whether nothing is wrong.
    pub(super) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The error: one line for each problem, in the order of the file.
    pub(super) fn into_error(mut self) -> ManifestError {
        self.list.sort_by_key(|(line, _)| *line);
        self.list.dedup();
        let lines: Vec<String> = self.list.into_iter().map(|(_, text)| text).collect();
        ManifestError(lines.join("\n"))
    }
}
