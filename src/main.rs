//! The command `dbctl`: parse, run, render, exit. This file and its neighbours alone own stdout, stderr and the exit code.

mod cli;
mod deliver;
mod examples;
mod manual;
mod output;
mod output_file;
mod progress;
mod verbs;

use std::num::NonZero;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use tokio::runtime::{Builder, Runtime};

/// The most threads that log in and move bytes; everything else runs on the main one.
const WORKERS: usize = 4;

fn main() -> ExitCode {
    let command = examples::fitting(cli::Cli::command(), output::width());
    let cli =
        cli::Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit());
    let starts_servers = cli.command.starts_servers();
    let exit = runtime(&cli.command).map_or_else(
        |error| output::complain(&format!("dbctl cannot start: {error}")),
        |runtime| {
            let exit = runtime.block_on(verbs::run(cli));
            // What is still open then, as a name server's answer that the run has given up on, is of no use to anybody: to wait for it
            // would keep whoever has pressed Ctrl-C.
            if !starts_servers {
                std::process::exit(exit.into());
            }
            exit
        },
    );
    ExitCode::from(exit)
}

/// Threads for verbs that compute beside their sessions, or have hundreds of these. One where each answer is waited for: to hand it from
/// thread to thread would take longer than to read it.
fn runtime(command: &cli::Command) -> std::io::Result<Runtime> {
    if command.waits_for_servers() {
        return Builder::new_current_thread().enable_all().build();
    }
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread()
        .worker_threads(cores.min(WORKERS))
        .enable_all()
        .build()
}
