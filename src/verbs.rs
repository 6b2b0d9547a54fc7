//! What each verb does from the command line to the exit code.

mod looking;
mod migrating;
mod sandbox;
mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dbctl::command::{self, Interrupt, Loaded};
use dbctl::exit::Exit;
use dbctl::manifest::{self, Inputs, Manifest, ManifestError, Service};
use dbctl::render;
use dbctl::rules::Severity;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::{Chosen, Cli, Command, FailOn, Format, Global};
use crate::progress::Progress;
use crate::{deliver, manual, output};
use looking::{status, verify};
use migrating::{baseline, migrate, repair, rollback};
use sandbox::sandbox;
use telling::{explain, rules, services};

/// A run that ends before its verb: what to say and the exit code.
pub(crate) struct Stop(Exit, String);

impl Stop {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self(Exit::Usage, text.into())
    }

    pub(crate) fn refused(text: impl ToString) -> Self {
        Self(Exit::Refused, text.to_string())
    }

    /// There is no manifest: it is wrong, or only the flags that were to give its values are.
    fn manifest(error: ManifestError) -> Self {
        if error.usage {
            Self::usage(error.text)
        } else {
            Self::refused(error)
        }
    }

    /// A report that was made and could not be written.
    pub(crate) fn unwritten(text: String) -> Self {
        Self(Exit::Incomplete, text)
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::refused(format!("the report cannot be written as JSON: {error}"))
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self(
            Exit::Incomplete,
            format!("the report cannot be written: {error}"),
        )
    }
}

/// Runs the command and returns the process's exit code.
pub(crate) async fn run(cli: Cli) -> u8 {
    match dispatch(cli).await {
        Ok(code) => code,
        Err(Stop(exit, text)) => {
            output::talk(&format!("dbctl: {text}"));
            exit.code()
        }
    }
}

async fn dispatch(cli: Cli) -> Result<u8, Stop> {
    let Cli { global, command } = cli;
    deliver::has_format(&global, &command)?;
    match &command {
        Command::Rules { id } => return rules(&global, id.as_deref()),
        Command::Explain { topic } => return explain(&global, topic.as_deref()),
        Command::Completions { shell } => return manual::completions(*shell),
        Command::Man { dir } => return manual::pages(dir.as_deref()),
        _ => {}
    }
    let inputs = Inputs {
        offline: command.is_offline(),
        ..inputs(&global)?
    };
    // The sandbox reads the manifest in its own way, and catches signals itself.
    if let Command::Sandbox(options) = command {
        return sandbox(&global, &inputs, options).await;
    }
    let signals = signals()?;
    // Until the process ends: what reads sets beside the sessions borrows from it.
    let manifest: &'static Manifest =
        Box::leak(Box::new(manifest::load(&inputs).map_err(Stop::manifest)?));
    // `services` and `check` say themselves what they have read.
    if !global.quiet
        && !matches!(command, Command::Services | Command::Check(_))
        && let Some(text) = command::built_in(manifest, &inputs.directory)
    {
        output::talk(&text);
    }
    let exit = match command {
        Command::Services => services(&global, manifest)?,
        Command::Provision(options) => {
            let loaded = load(manifest, &options.chosen)?;
            // A dry run has nothing to put in order.
            let interrupt = match options.dry_run {
                true => &signals.interrupt,
                false => signals.hold(),
            };
            let progress = Progress::new(global.quiet);
            let observer = |service: &str, event| progress.event(service, &event);
            let report =
                command::provision::run(&loaded, options.dry_run, &observer, interrupt).await;
            progress.end();
            show(
                &global,
                || render::provision::json(&report),
                |style| render::provision::table(&report, style),
            )?;
            report.exit()
        }
        Command::Migrate(options) => migrate(&global, manifest, &options, signals.hold()).await?,
        Command::Rollback(options) => rollback(&global, manifest, &options, signals.hold()).await?,
        Command::Baseline(options) => baseline(&global, manifest, &options, signals.hold()).await?,
        Command::Repair(options) => repair(&global, manifest, &options, signals.hold()).await?,
        Command::Status(options) => status(&global, manifest, &options, &signals.interrupt).await?,
        Command::Verify(options) => verify(&global, manifest, &inputs, &options, &signals).await?,
        Command::Check(options) => {
            deliver::look_ahead(&options.outputs.files)?;
            let loaded = load(manifest, &options.chosen)?;
            let compose = command::compose::load(manifest, &options.compose, &inputs)
                .map_err(Stop::refused)?;
            deliver::spare(
                &options.outputs.files,
                &command::files_read(&loaded, compose.as_ref(), &inputs),
            )?;
            if !global.quiet {
                output::talk(&command::sources(&loaded, compose.as_ref()));
            }
            let report = command::check::run(&loaded, compose, severity(options.fail_on)).await;
            signals.hold();
            deliver::report(&global, &options.outputs.files, &report)?;
            report.exit()
        }
        Command::Lock(options) => {
            let mut chosen = options.chosen;
            chosen.services.extend(options.from.clone());
            let loaded = load(manifest, &chosen)?;
            let quiet = global.quiet;
            let talk = move |text: &str| {
                if !quiet {
                    output::talk(text);
                }
            };
            let lock = command::lock::Options {
                check: options.check,
                postgres_bin: options.postgres_bin,
                env: inputs.env.clone(),
            };
            let interrupt = signals.hold();
            let report = match options.from {
                Some(_) => command::lock::record(&loaded, options.check, &talk, interrupt).await,
                None => command::lock::run(&loaded, &lock, &talk, interrupt).await,
            };
            show(
                &global,
                || render::lock::json(&report),
                |style| render::lock::table(&report, style),
            )?;
            if interrupt.raised() {
                Exit::Interrupted
            } else {
                report.exit()
            }
        }
        Command::Sandbox(_)
        | Command::Rules { .. }
        | Command::Explain { .. }
        | Command::Completions { .. }
        | Command::Man { .. } => Exit::Done,
    };
    Ok(exit.code())
}

/// What the manifest is resolved against: flags and the process's environment.
fn inputs(global: &Global) -> Result<Inputs, Stop> {
    let (mut env, mut garbled) = (BTreeMap::new(), BTreeSet::new());
    for (name, value) in std::env::vars_os() {
        // A name that is not UTF-8 cannot be one that a manifest names.
        let Ok(name) = name.into_string() else {
            continue;
        };
        match value.into_string() {
            Ok(value) => drop(env.insert(name, value)),
            Err(_) => drop(garbled.insert(name)),
        }
    }
    let directory = std::env::current_dir()
        .map_err(|error| Stop::refused(format!("the working directory cannot be read: {error}")))?;
    Ok(Inputs {
        config: global.config.clone(),
        sets: global.sets.clone(),
        overrides: global.overrides.clone(),
        sandbox: false,
        offline: false,
        env,
        garbled,
        directory,
    })
}

fn load<'a>(manifest: &'a Manifest, chosen: &Chosen) -> Result<Loaded<'a>, Stop> {
    let services: Vec<&Service> = manifest.select(&chosen.services).map_err(Stop::usage)?;
    Ok(Loaded::new(manifest, &services))
}

/// Prints a report in the form that was asked for.
fn show(
    global: &Global,
    json: impl FnOnce() -> Result<String, serde_json::Error>,
    table: impl FnOnce(render::Style) -> String,
) -> Result<(), Stop> {
    let text = match global.format {
        Format::Json => json()?,
        // No other form gets here: see `deliver::has_format`.
        _ => table(output::style(global)),
    };
    output::data(&text)?;
    Ok(())
}

/// What becomes of a run that is interrupted.
pub(crate) struct Signals {
    /// Raised by the first signal.
    interrupt: Interrupt,
    /// Whether the run has something to put in order first. Else it ends at once, whatever its threads are busy with.
    holds: Arc<AtomicBool>,
}

impl Signals {
    /// From here on the run ends in order, by its interrupt: it changes something.
    fn hold(&self) -> &Interrupt {
        self.holds.store(true, Ordering::SeqCst);
        &self.interrupt
    }

    /// It has put everything in order, and looks on.
    fn release(&self) {
        self.holds.store(false, Ordering::SeqCst);
    }
}

/// Catches SIGINT, SIGTERM and SIGHUP. What reads and computes does not look up, so it is the catcher that ends the process then.
fn signals() -> Result<Signals, Stop> {
    let (sender, receiver) = watch::channel(false);
    let holds = Arc::new(AtomicBool::new(false));
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let mut stream = signal(kind)
            .map_err(|error| Stop::refused(format!("signals cannot be caught: {error}")))?;
        let sender = sender.clone();
        let holds = Arc::clone(&holds);
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                // Who asks twice does not want to wait for a server that does not answer.
                if sender.send_replace(true) || !holds.load(Ordering::SeqCst) {
                    std::process::exit(Exit::Interrupted.code().into());
                }
            }
        });
    }
    // A file that grows past the limit (ulimit -f) is an error of writing it, and not the end of the process in the middle of a run.
    let too_large = SignalKind::from_raw(nix::sys::signal::Signal::SIGXFSZ as i32);
    drop(signal(too_large));
    Ok(Signals {
        interrupt: Interrupt::new(receiver),
        holds,
    })
}

const fn severity(fail_on: FailOn) -> Severity {
    match fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Info => Severity::Info,
    }
}
