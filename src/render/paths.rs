//! How a report names files: from the top of the repository, as the readers of reports look for them.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::report::verify::{Found, Report};

/// What need not be encoded in the path of a URI (RFC 3986, unreserved, and the slash).
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The manifest that a repository would have in the place of the built-in one.
const MANIFEST: &str = "dbctl.toml";

/// Where the run began, and what paths are counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    directory: PathBuf,
    root: PathBuf,
}

impl Paths {
    /// Paths of a run in this directory; `root` is the top of the repository, where it is known.
    #[must_use]
    pub fn new(directory: PathBuf, root: Option<PathBuf>) -> Self {
        let root = root
            .filter(|root| directory.starts_with(root))
            .unwrap_or_else(|| directory.clone());
        Self { directory, root }
    }

    /// The path from the root, where the file lies below it; else the whole path.
    pub(super) fn shown(&self, file: &str) -> String {
        let path = self.directory.join(file);
        path.strip_prefix(&self.root)
            .unwrap_or(&path)
            .display()
            .to_string()
    }

    /// The file as a URI reference, relative where it lies below the root.
    pub(super) fn uri(&self, file: &str) -> String {
        let shown = self.shown(file);
        let encoded = utf8_percent_encode(&shown, PATH).to_string();
        if Path::new(&shown).is_absolute() {
            format!("file://{encoded}")
        } else {
            encoded
        }
    }
}

/// A place in a file: line and column counted from 1.
pub(super) struct Place<'a> {
    /// The file.
    pub(super) file: &'a str,
    /// The line.
    pub(super) line: usize,
    /// The column, where it is known.
    pub(super) column: Option<usize>,
}

impl<'a> Place<'a> {
    /// Where a finding stands, for formats that need a place: its own, else its service's in the manifest.
    pub(super) fn of(report: &'a Report, found: &'a Found) -> Self {
        match &found.finding.location {
            Some(location) => Self {
                file: &location.file,
                line: location.line.unwrap_or(1),
                column: location.column,
            },
            None => Self::of_service(report, found.service.as_deref()),
        }
    }

    /// The service's table in the manifest, else its beginning.
    pub(super) fn of_service(report: &'a Report, service: Option<&str>) -> Self {
        let line = report
            .services
            .iter()
            .find(|line| Some(line.name.as_str()) == service)
            .and_then(|line| line.line);
        Self {
            file: report.manifest.as_deref().unwrap_or(MANIFEST),
            line: line.unwrap_or(1),
            column: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Paths;

    #[test]
    fn files_are_named_from_the_top_of_the_repository() {
        let paths = Paths::new("/repo/ops".into(), Some("/repo".into()));
        assert_eq!(paths.shown("dbctl.toml"), "ops/dbctl.toml");
        assert_eq!(paths.shown("/repo/sql/V1__a.sql"), "sql/V1__a.sql");
        assert_eq!(
            paths.uri("/repo/sql/a b%:ä.sql"),
            "sql/a%20b%25%3A%C3%A4.sql"
        );
        assert_eq!(paths.uri("/etc/dbctl.toml"), "file:///etc/dbctl.toml");
        let elsewhere = Paths::new("/work".into(), Some("/repo".into()));
        assert_eq!(elsewhere.shown("a.sql"), "a.sql");
    }
}
