//! The project's name, which volumes, networks and containers are called by (Docker documentation, "Specify a project name").

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::text_of;
use super::load::{ComposeError, Loader};
use super::refused::Refused;
use super::yaml::{Node, parse};
use crate::dotenv::interpolate;

/// The variable that names the project, before the files do.
pub(super) const VARIABLE: &str = "COMPOSE_PROJECT_NAME";

impl Loader {
    /// What the project is called: by the variable, else by `name` in the last of the files that has one, else by the folder.
    ///
    /// # Errors
    /// When a file cannot be read or is not YAML.
    pub(super) fn project_name(
        &mut self,
        shown: &[PathBuf],
        paths: &[PathBuf],
        folder: &Path,
    ) -> Result<String, ComposeError> {
        if let Some(name) = self.env.get(VARIABLE).filter(|name| !name.is_empty()) {
            return Ok(name.clone());
        }
        let mut last = None;
        for (shown, path) in shown.iter().zip(paths) {
            let file: Arc<str> = shown.display().to_string().into();
            let documents = parse(&file, &text_of(path, Some(&file))?)?;
            for document in &documents {
                last = self.name_in(document)?.or(last);
            }
            self.parsed.insert((file, path.clone()), documents);
        }
        // `.` as a folder has no name of its own.
        let by_folder = || {
            let folder = folder.canonicalize().ok()?;
            Some(normalised(&folder.file_name()?.to_string_lossy()))
        };
        Ok(last.or_else(by_folder).unwrap_or_default())
    }

    /// The `name` of a document, where it is known.
    fn name_in(&self, document: &Node) -> Result<Option<String>, ComposeError> {
        let Some((node, text)) = document
            .get("name")
            .and_then(|node| Some((node, node.text()?)))
        else {
            return Ok(None);
        };
        let text = interpolate(text.raw(), &|name| self.set(name))
            .map_err(|problem| ComposeError::new(node.place.clone(), problem))?;
        // Compose takes out of it what cannot be in a name.
        let known = text.get().map(normalised);
        Ok(known.filter(|name| !name.is_empty()))
    }
}

/// What is wrong with the variable, if something is: unlike a name in a file it is taken as it is, or not at all.
pub(super) fn problem(env: &BTreeMap<String, String>) -> Option<Refused> {
    let name = env.get(VARIABLE)?;
    (normalised(name) != *name).then(|| Refused {
        container: None,
        reason: format!(
            "Docker Compose refuses {VARIABLE}: a project's name has lowercase letters, digits, - and _ only, and begins with a letter or digit"
        ),
    })
}

/// A folder's name as Compose takes it for the project's.
fn normalised(folder: &str) -> String {
    let lower = folder.to_lowercase();
    let is_kept = |c: &char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-');
    let kept: String = lower.chars().filter(is_kept).collect();
    kept.trim_start_matches(['_', '-']).to_owned()
}
