//! Which compose files a run is about, read and matched with the manifest.

use std::path::{Path, PathBuf};

use crate::compose::{self, ComposeError, Deployment, Wanted};
use crate::manifest::{Inputs, Manifest};

/// Reads the compose files: those named here (each over those before it), else the manifest's, else the ones that Docker Compose
/// would take in the manifest's folder: those of `COMPOSE_FILE`, else the default ones. `None` when there are none.
///
/// # Errors
/// When a file is not there, or is no compose file.
pub fn load(
    manifest: &Manifest,
    named: &[PathBuf],
    inputs: &Inputs,
) -> Result<Option<Deployment>, ComposeError> {
    let folder = manifest.path.as_deref().and_then(Path::parent);
    let is_named = !named.is_empty() || !manifest.compose.is_empty();
    let files = if !named.is_empty() {
        named.to_vec()
    } else if is_named {
        manifest.compose.clone()
    } else {
        compose::chosen_files(
            folder.unwrap_or(&inputs.directory),
            &inputs.directory,
            &inputs.env,
        )
    };
    if files.is_empty() {
        return Ok(None);
    }
    let short = |file: PathBuf| {
        file.strip_prefix(&inputs.directory)
            .map(Path::to_path_buf)
            .unwrap_or(file)
    };
    let project = compose::load(&Wanted {
        files: files.into_iter().map(short).collect(),
        env: inputs.env.clone(),
        garbled: inputs.garbled.clone(),
        directory: inputs.directory.clone(),
    })?;
    Ok(Some(Deployment::new(project, manifest, is_named)))
}
