//! The report of the last run, for `verify --since-last`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::regular::read_regular;
use crate::report::Severity;
use crate::report::changes::{Before, Blank, Known};

/// The largest report that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// The file with the last report.
#[derive(Debug)]
pub struct Last {
    path: PathBuf,
    report: Option<Before>,
}

impl Last {
    /// Reads the last report. A file that is not there is a first run.
    ///
    /// # Errors
    /// When something else than dbctl's own report is there, or it cannot be read: nothing of others' is ever replaced.
    pub fn read(path: &Path) -> Result<Self, String> {
        let at = |text: String| format!("--since-last {}: {text}", path.display());
        let metadata = match std::fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let folder = folder(path);
                return if folder.is_dir() {
                    Ok(Self {
                        path: path.to_path_buf(),
                        report: None,
                    })
                } else {
                    Err(at(format!(
                        "folder {} does not exist: make it first",
                        folder.display()
                    )))
                };
            }
            Err(error) => return Err(at(error.to_string())),
        };
        let advice = "name a file that only dbctl writes";
        if !metadata.is_file() {
            return Err(at(format!(
                "expected a report of dbctl, found something that is no regular file; {advice}"
            )));
        }
        if metadata.uid() != nix::unistd::geteuid().as_raw() {
            return Err(at(format!(
                "it belongs to another user, and is not replaced; {advice}"
            )));
        }
        let bytes = read_regular(path, LARGEST).map_err(|error| at(error.to_string()))?;
        let report = before(&bytes).ok_or_else(|| {
            at(format!("expected a report of dbctl verify (JSON, version 1), found something else; {advice}"))
        })?;
        Ok(Self {
            path: path.to_path_buf(),
            report: Some(report),
        })
    }

    /// What the last run reported; `None` when there was none.
    #[must_use]
    pub const fn report(&self) -> Option<&Before> {
        self.report.as_ref()
    }

    /// Replaces the file by a new report, at once or not at all, readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn replace(&self, report: &str) -> Result<(), String> {
        let write = || -> std::io::Result<()> {
            // Made with mode 0600.
            let mut file = tempfile::NamedTempFile::new_in(folder(&self.path))?;
            file.write_all(report.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            Ok(())
        };
        write().map_err(|error| {
            format!(
                "--since-last {}: the new report could not be written: {error}",
                self.path.display()
            )
        })
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What a report says; `None` when it is none.
fn before(bytes: &[u8]) -> Option<Before> {
    let report: Value = serde_json::from_slice(bytes).ok()?;
    let is_ours =
        report.get("version")?.as_u64()? == 1 && report.pointer("/tool/name")?.as_str()? == "dbctl";
    if !is_ours {
        return None;
    }
    Some(Before {
        findings: findings(&report)?,
        blanks: blanks(&report)?,
    })
}

fn blanks(report: &Value) -> Option<BTreeSet<Blank>> {
    let text = |gap: &Value, key: &str| Some(gap.get(key)?.as_str()?.to_owned());
    (report.get("not_checked")?.as_array()?.iter())
        .map(|gap| Some((text(gap, "service")?, text(gap, "rule")?)))
        .collect()
}

fn findings(report: &Value) -> Option<Vec<Known>> {
    report
        .get("findings")?
        .as_array()?
        .iter()
        .map(|finding| {
            let text = |key: &str| finding.get(key).and_then(Value::as_str).map(str::to_owned);
            let object = |key: &str| {
                finding
                    .get("object")
                    .and_then(|object| object.get(key))
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            Some(Known {
                rule: text("rule")?,
                severity: match text("severity")?.as_str() {
                    "error" => Severity::Error,
                    "warning" => Severity::Warning,
                    "info" => Severity::Info,
                    _ => return None,
                },
                service: text("service"),
                object: (object("kind")?, object("schema"), object("name")?),
                message: text("message")?,
                remedy: text("remedy").unwrap_or_default(),
            })
        })
        .collect()
}
