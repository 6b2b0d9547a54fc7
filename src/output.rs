//! The two streams: data on stdout, talk and progress on stderr.

use std::io::{IsTerminal as _, Write as _};

use dbctl::exit::Exit;
use dbctl::render::Style;

use crate::cli::{Color, Global};

/// Writes data to stdout. A reader that has gone away (`| head`) is no error.
pub(crate) fn data(text: &str) -> Result<(), std::io::Error> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| {
            if text.ends_with('\n') {
                Ok(())
            } else {
                stdout.write_all(b"\n")
            }
        })
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a line of talk to stderr. Where that is closed there is nobody to tell.
pub(crate) fn talk(text: &str) {
    let mut stderr = std::io::stderr().lock();
    drop(writeln!(stderr, "{text}"));
}

/// Says why nothing was done; returns the exit code of a wrong manifest, set or lock.
pub(crate) fn complain(text: &str) -> u8 {
    talk(&format!("dbctl: {text}"));
    Exit::Refused.code()
}

/// Width and colour of stdout.
pub(crate) fn style(global: &Global) -> Style {
    let terminal = std::io::stdout().is_terminal();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Style {
        width: width(),
        color: match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color,
        },
        verbose: global.verbose,
    }
}

/// The width of what stdout goes to, if it is known.
pub(crate) fn width() -> Option<u16> {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .filter(|columns| *columns >= 20)
        .or_else(|| {
            std::io::stdout()
                .is_terminal()
                .then(console_width)
                .flatten()
        })
}

/// The width of the terminal behind stdout.
fn console_width() -> Option<u16> {
    comfy_table::Table::new().width()
}
