//! Shell completions and manual pages, made from the command line's own types.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use dbctl::exit::Exit;

use crate::cli::Cli;
use crate::output;
use crate::output_file;
use crate::verbs::Stop;

/// Prints the completions of a shell.
pub(crate) fn completions(shell: Shell) -> Result<u8, Stop> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "dbctl", &mut text);
    output::data(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done.code())
}

/// Prints the manual page of `dbctl`, or writes a page for each command into a directory.
pub(crate) fn pages(directory: Option<&Path>) -> Result<u8, Stop> {
    let mut command = Cli::command();
    let Some(directory) = directory else {
        output::data(&page(&command)?)?;
        return Ok(Exit::Done.code());
    };
    // Gives every command its full name, dbctl-verify.
    command.build();
    std::fs::create_dir_all(directory).map_err(|error| {
        Stop::refused(format!(
            "directory {} cannot be made: {error}; name one with --dir that dbctl may write to",
            directory.display()
        ))
    })?;
    let mut pages = Vec::new();
    all(&command, &mut pages)?;
    for (name, text) in pages {
        output_file::write(&directory.join(name), &text).map_err(Stop::refused)?;
    }
    Ok(Exit::Done.code())
}

fn all(command: &clap::Command, pages: &mut Vec<(String, String)>) -> Result<(), Stop> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    pages.push((format!("{name}.1"), page(command)?));
    for child in command.get_subcommands() {
        if child.get_name() != "help" {
            all(child, pages)?;
        }
    }
    Ok(())
}

fn page(command: &clap::Command) -> Result<String, Stop> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
