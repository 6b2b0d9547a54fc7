//! Files that a report is written to: whole, or not at all.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;

use crate::cli::Format;

/// A file and the form of the report in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutputFile {
    /// The form.
    pub(crate) format: Format,
    /// The file.
    pub(crate) path: PathBuf,
}

/// Reads `FORMAT=FILE`, or a file whose ending names the form.
pub(crate) fn parse(text: &str) -> Result<OutputFile, String> {
    if let Some((word, path)) = text.split_once('=')
        && let Ok(format) = Format::from_str(word, true)
    {
        if path.is_empty() {
            return Err(format!("expected a file after {word}="));
        }
        return Ok(OutputFile {
            format,
            path: path.into(),
        });
    }
    if let Some((word, _)) = text.split_once('=')
        && let Some(format) = misspelt(word)
    {
        return Err(format!(
            "{word} is no form; did you mean {format}=FILE? (A file of this name is written ./{text}.)"
        ));
    }
    let path = PathBuf::from(text);
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let format = match ending.as_deref() {
        Some("json") => Format::Json,
        Some("sarif") => Format::Sarif,
        Some("xml") => Format::Junit,
        Some("md") => Format::Markdown,
        Some("html") => Format::Html,
        Some("txt") => Format::Table,
        _ => {
            return Err(format!(
                "its ending names no form: expected .json, .sarif, .xml, .md, .html or .txt, or FORMAT=FILE with one of {}",
                names().join(", ")
            ));
        }
    };
    Ok(OutputFile { format, path })
}

/// The names of all forms.
fn names() -> Vec<String> {
    Format::value_variants()
        .iter()
        .filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
        .collect()
}

/// The form that a misspelt word probably means. A path is none.
fn misspelt(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    if word.contains(['/', '.']) {
        return None;
    }
    let near = |name: &String| strsim::damerau_levenshtein(name, &word) <= 2 && word.len() > 2;
    names().into_iter().find(near)
}

/// The file that is replaced: where a link leads, or the path itself when nothing is there yet.
///
/// # Errors
/// When the directory is not there, or something else than a file stands in the way: a sentence that says what to do.
pub(crate) fn target(path: &Path) -> Result<PathBuf, String> {
    let shown = path.display();
    let directory = directory(path);
    match directory.metadata() {
        Ok(found) if found.is_dir() => {}
        Ok(_) => {
            return Err(format!(
                "{shown} cannot be written: {} is no directory",
                directory.display()
            ));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(format!(
                "{shown} cannot be written: there is no directory {}; make it first",
                directory.display()
            ));
        }
        Err(error) => {
            return Err(format!(
                "{shown} cannot be written: directory {}: {error}",
                directory.display()
            ));
        }
    }
    // A link that leads nowhere is there as well.
    if path.symlink_metadata().is_err() {
        let Some(name) = path.file_name() else {
            return Err(format!("{shown} names no file"));
        };
        return directory
            .canonicalize()
            .map(|directory| directory.join(name))
            .map_err(|error| format!("{shown} cannot be written: {error}"));
    }
    match path.metadata() {
        Ok(found) if found.is_file() => path
            .canonicalize()
            .map_err(|error| format!("{shown} cannot be written: {error}")),
        Ok(found) if found.is_dir() => Err(format!("{shown} is a directory: name a file in it")),
        Ok(_) => Err(format!(
            "{shown} is no ordinary file: name one, or use --format for stdout"
        )),
        Err(error) => Err(format!(
            "{shown} cannot be written: it is a link, and where it leads is {error}"
        )),
    }
}

/// Sees whether a file can be written: as [`target`], and by making a file in its directory, which is taken away at once.
///
/// # Errors
/// A sentence that says why not, and what to do.
pub(crate) fn writable(path: &Path) -> Result<PathBuf, String> {
    let target = target(path)?;
    let directory = directory(&target);
    tempfile::Builder::new()
        .prefix(".dbctl-")
        .tempfile_in(directory)
        .map_err(|error| {
            format!(
                "{} cannot be written: no file can be made in directory {}: {}; name a file in one that dbctl may write to",
                path.display(),
                directory.display(),
                std::io::Error::from(error.kind())
            )
        })?;
    Ok(target)
}

/// The directory that a file lies in.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Writes a file whole: into one of another name beside it, which then takes its place.
///
/// # Errors
/// When it cannot be written; what was there before is unchanged then.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    let target = target(path)?;
    let failed = |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
    let directory = directory(&target);
    // What is replaced keeps its mode; a new file has what the umask leaves.
    let mode = target
        .metadata()
        .map_or(0o666, |old| old.permissions().mode() & 0o777);
    let permissions = std::fs::Permissions::from_mode(mode);
    let mut file = tempfile::Builder::new()
        .prefix(".dbctl-")
        .permissions(permissions.clone())
        .tempfile_in(directory)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if target.exists() {
        file.as_file()
            .set_permissions(permissions)
            .map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::path::PathBuf;

    use super::{parse, target, writable, write};
    use crate::cli::Format;

    #[test]
    fn the_form_is_the_one_of_the_ending_or_the_one_that_is_named() {
        for (text, format, path) in [
            ("a.json", Format::Json, "a.json"),
            ("out/a.SARIF", Format::Sarif, "out/a.SARIF"),
            ("a.xml", Format::Junit, "a.xml"),
            ("a.md", Format::Markdown, "a.md"),
            ("a.html", Format::Html, "a.html"),
            ("a.txt", Format::Table, "a.txt"),
            ("github=a.txt", Format::Github, "a.txt"),
            ("md=b", Format::Markdown, "b"),
            ("a=b.json", Format::Json, "a=b.json"),
            ("json=a=b", Format::Json, "a=b"),
        ] {
            let file = parse(text).unwrap();
            assert_eq!(
                (file.format, file.path),
                (format, PathBuf::from(path)),
                "{text}"
            );
        }
        for (text, form) in [
            ("hmtl=report", "html=FILE"),
            ("jsn=a.json", "json=FILE"),
            ("Makdown=a.md", "markdown=FILE"),
        ] {
            assert!(parse(text).unwrap_err().contains(form), "{text}");
        }
        assert!(parse("./hmtl=report.html").is_ok());
        for text in ["a", "a.pdf", "", "sarif=", ".json"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("a.pdf").unwrap_err().contains("junit"));
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        write(&at("a.txt"), "one").unwrap();
        write(&at("a.txt"), "two").unwrap();
        std::os::unix::fs::symlink("a.txt", at("link.txt")).unwrap();
        write(&at("link.txt"), "three").unwrap();
        assert_eq!(std::fs::read_to_string(at("a.txt")).unwrap(), "three");
        assert!(at("link.txt").is_symlink());
        std::os::unix::fs::symlink("nowhere", at("lost.txt")).unwrap();
        std::fs::create_dir(at("d.txt")).unwrap();
        for (name, why) in [
            ("lost.txt", "link"),
            ("d.txt", "directory"),
            ("no/a.txt", "make it first"),
            ("a.txt/b.txt", "no directory"),
        ] {
            let error = write(&at(name), "x").unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(
            target("/dev/null".as_ref())
                .unwrap_err()
                .contains("no ordinary file")
        );
        writable(&at("new.txt")).unwrap();
        // Nobody makes files there, not even who may do everything.
        let error = writable("/proc/report.txt".as_ref()).unwrap_err();
        assert!(error.contains("directory /proc"), "{error}");
        // No temporary file is left.
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);
    }
}
