//! The command `dbctl`: parse, run, render, exit. This file and its neighbours alone own stdout, stderr and the exit code.

mod cli;
mod output;
mod progress;
mod verbs;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let exit = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_or_else(
            |error| output::complain(&format!("dbctl cannot start: {error}")),
            |runtime| runtime.block_on(verbs::run(cli)),
        );
    ExitCode::from(exit)
}
