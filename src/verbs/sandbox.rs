//! Throwaway servers from the command line.

use dbctl::command;
use dbctl::command::sandbox::{DownOptions, RunOptions, SandboxOptions, UpOptions};
use dbctl::exit::Exit;
use dbctl::manifest::Inputs;
use dbctl::sandbox::SandboxError;

use super::Stop;
use crate::cli::{Global, Sandbox, SandboxCommand, SandboxFlags};
use crate::output::talk as talk_of;

pub(super) async fn sandbox(
    global: &Global,
    inputs: &Inputs,
    options: Sandbox,
) -> Result<u8, Stop> {
    let stop = |error: SandboxError| Stop(error.exit(), error.to_string());
    let mut talk: Box<dyn std::io::Write + Send> = if global.quiet {
        Box::new(std::io::sink())
    } else {
        Box::new(std::io::stderr())
    };
    let system = |flags: SandboxFlags| -> Result<SandboxOptions, Stop> {
        Ok(SandboxOptions {
            manifest: command::sandbox::load(inputs).map_err(stop)?,
            env: inputs.env.clone(),
            postgres_bin: flags.postgres_bin,
            real_ports: flags.real_ports,
            default_passwords: flags.default_passwords,
            write_manifest: global.sets.is_some() || !global.overrides.is_empty(),
        })
    };
    match options.command {
        SandboxCommand::Run { flags, command } => {
            let options = RunOptions {
                sandbox: system(flags)?,
                command,
            };
            let status = match command::sandbox::run(options, &mut talk).await {
                Ok(status) => status,
                Err(error) => match error.status_of_command() {
                    Some(status) => {
                        talk_of(&format!("dbctl: {error}"));
                        return Ok(status);
                    }
                    None => return Err(stop(error)),
                },
            };
            // A command that ended with a status out of range is reported as failed, never as done.
            Ok(u8::try_from(status).unwrap_or(u8::MAX))
        }
        SandboxCommand::Up { flags, dir } => {
            let options = UpOptions {
                sandbox: system(flags)?,
                directory: dir,
            };
            command::sandbox::up(options, &mut std::io::stdout(), &mut talk)
                .await
                .map_err(stop)?;
            Ok(Exit::Done.code())
        }
        SandboxCommand::Down { dir } => {
            let options = DownOptions {
                env: inputs.env.clone(),
                directory: dir,
            };
            command::sandbox::down(options, &mut talk)
                .await
                .map_err(stop)?;
            Ok(Exit::Done.code())
        }
    }
}
