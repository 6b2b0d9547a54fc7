//! The report of `verify` and `check` in every form that was asked for: on stdout, in files, in the step summary.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use dbctl::command;
use dbctl::render::{self, Paths, Style};
use dbctl::report::verify::Report;

use crate::cli::{Command, Format, Global};
use crate::output;
use crate::output_file::{self, OutputFile};
use crate::verbs::Stop;

/// The most bytes that GitHub takes as the summary of one step (its page "Workflow commands for GitHub Actions": 1 MiB).
const SUMMARY: usize = 1 << 20;

/// Whether the command has the form that was asked for: all have table and JSON, and only two have reports in other forms.
pub(crate) fn has_format(global: &Global, command: &Command) -> Result<(), Stop> {
    let has = matches!(global.format, Format::Table | Format::Json)
        || matches!(command, Command::Verify(_) | Command::Check(_));
    if has {
        return Ok(());
    }
    Err(Stop::usage(
        "this command has --format table and --format json; the other forms are of verify and check",
    ))
}

/// Sees before the run that the files can be written, and that no two are one.
pub(crate) fn look_ahead(files: &[OutputFile]) -> Result<(), Stop> {
    let mut seen = Vec::new();
    for file in files {
        let target = output_file::writable(&file.path).map_err(Stop::usage)?;
        if seen.contains(&target) {
            return Err(Stop::usage(format!(
                "--output names {} twice",
                file.path.display()
            )));
        }
        seen.push(target);
    }
    Ok(())
}

/// Sees that no file of the report is one that the run reads: writing it would destroy it.
pub(crate) fn spare(files: &[OutputFile], read: &[PathBuf]) -> Result<(), Stop> {
    for file in files {
        let target = output_file::target(&file.path).map_err(Stop::usage)?;
        let is_it = |read: &&PathBuf| read.canonicalize().is_ok_and(|read| read == target);
        if let Some(read) = read.iter().find(is_it) {
            return Err(Stop::usage(format!(
                "--output {} would overwrite {}, which this run reads; name another file",
                file.path.display(),
                read.display()
            )));
        }
    }
    Ok(())
}

/// Whether what has changed between two reports has the form that was asked for: files take the others.
pub(crate) fn has_changes(global: &Global) -> Result<(), Stop> {
    if matches!(global.format, Format::Table | Format::Json) {
        return Ok(());
    }
    Err(Stop::usage(
        "changes have --format table and --format json; --output FILE writes the whole report in the other forms",
    ))
}

/// Prints the report and writes its files.
pub(crate) fn report(global: &Global, wanted: &[OutputFile], report: &Report) -> Result<(), Stop> {
    let text = form(global.format, report, output::style(global))?;
    output::data(&text)?;
    files(global, wanted, report)
}

/// Writes the report's files, and the step summary.
pub(crate) fn files(global: &Global, files: &[OutputFile], report: &Report) -> Result<(), Stop> {
    let style = Style {
        verbose: global.verbose,
        ..Style::default()
    };
    for file in files {
        let text = form(file.format, report, style)?;
        output_file::write(&file.path, &text).map_err(Stop::unwritten)?;
    }
    let mut formats = files.iter().map(|file| file.format).chain([global.format]);
    if formats.any(|format| format == Format::Github)
        && let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())
    {
        summarize(Path::new(&path), report)?;
    }
    Ok(())
}

fn form(format: Format, report: &Report, style: Style) -> Result<String, Stop> {
    Ok(match format {
        Format::Table => render::verify::table(report, style),
        Format::Json => render::verify::json(report)?,
        Format::Github => render::verify::github(report, &paths()?),
        Format::Sarif => render::verify::sarif(report, &command::rules::list(), &paths()?)?,
        Format::Junit => render::verify::junit(report).map_err(|error| {
            Stop::refused(format!(
                "the report cannot be written as JUnit XML: {error}"
            ))
        })?,
        Format::Markdown => render::verify::markdown(report),
        Format::Html => render::verify::html(report),
    })
}

/// Paths from the top of the repository, where GitHub says where that is; else from the working directory.
fn paths() -> Result<Paths, Stop> {
    let directory = std::env::current_dir()
        .map_err(|error| Stop::refused(format!("the working directory cannot be read: {error}")))?;
    let root = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    Ok(Paths::new(directory, root))
}

/// Adds the report to the step's summary: other commands of the step may have written there before.
fn summarize(path: &Path, report: &Report) -> Result<(), Stop> {
    let failed = |error: std::io::Error| {
        Stop::refused(format!(
            "the step summary {} (GITHUB_STEP_SUMMARY) cannot be written: {error}",
            path.display()
        ))
    };
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(failed)?;
    let before = file.metadata().map_err(failed)?.len();
    let room = SUMMARY.saturating_sub(usize::try_from(before).unwrap_or(SUMMARY));
    let text = render::verify::step_summary(report, room);
    file.write_all(text.as_bytes()).map_err(failed)
}
