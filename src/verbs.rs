//! What each verb does from the command line to the exit code.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dbctl::command::sandbox::{DownOptions, RunOptions, SandboxOptions, UpOptions};
use dbctl::command::{self, Interrupt, Loaded};
use dbctl::exit::Exit;
use dbctl::manifest::{self, Inputs, Manifest, Service};
use dbctl::postgres::Word;
use dbctl::render;
use dbctl::report::changes::{Changes, Known};
use dbctl::report::verify::Report as VerifyReport;
use dbctl::rules::Severity;
use dbctl::sandbox::SandboxError;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::{
    Baseline, Chosen, Cli, Command, FailOn, Format, Global, Repair, Sandbox, SandboxCommand,
    SandboxFlags, Status,
};
use crate::progress::Progress;
use crate::{deliver, manual, output};

/// A run that ends before its verb: what to say and the exit code.
pub(crate) struct Stop(Exit, String);

impl Stop {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self(Exit::Usage, text.into())
    }

    pub(crate) fn refused(text: impl ToString) -> Self {
        Self(Exit::Refused, text.to_string())
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
    let inputs = inputs(&global)?;
    // The sandbox reads the manifest in its own way, and catches signals itself.
    if let Command::Sandbox(options) = command {
        return sandbox(&global, &inputs, options).await;
    }
    let manifest = manifest::load(&inputs).map_err(Stop::refused)?;
    let interrupt = interrupt()?;
    let exit = match command {
        Command::Services => services(&global, &manifest)?,
        Command::Provision(chosen) => {
            let loaded = load(&manifest, &chosen)?;
            let report = command::provision::run(&loaded).await;
            show(
                &global,
                || render::provision::json(&report),
                |style| render::provision::table(&report, style),
            )?;
            report.exit()
        }
        Command::Migrate(options) => migrate(&global, &manifest, &options, &interrupt).await?,
        Command::Rollback(options) => rollback(&global, &manifest, &options, &interrupt).await?,
        Command::Baseline(options) => baseline(&global, &manifest, &options, &interrupt).await?,
        Command::Repair(options) => repair(&global, &manifest, &options, &interrupt).await?,
        Command::Status(options) => status(&global, &manifest, &options, &interrupt).await?,
        Command::Verify(options) => {
            verify(&global, &manifest, &inputs, &options, &interrupt).await?
        }
        Command::Check(options) => {
            deliver::look_ahead(&options.outputs.files)?;
            let loaded = load(&manifest, &options.chosen)?;
            let compose = command::compose::load(&manifest, &options.compose, &inputs)
                .map_err(Stop::refused)?;
            deliver::spare(
                &options.outputs.files,
                &command::files_read(&loaded, compose.as_ref(), &inputs),
            )?;
            if !global.quiet {
                output::talk(&command::sources(&loaded, compose.as_ref()));
            }
            let report = command::check::run(&loaded, compose, severity(options.fail_on)).await;
            deliver::report(&global, &options.outputs.files, &report)?;
            report.exit()
        }
        Command::Lock(options) => {
            let mut chosen = options.chosen;
            chosen.services.extend(options.from.clone());
            let loaded = load(&manifest, &chosen)?;
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
            let report = match options.from {
                Some(_) => command::lock::record(&loaded, options.check, &talk, &interrupt).await,
                None => command::lock::run(&loaded, &lock, &talk, &interrupt).await,
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
    let mut env = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        // A variable that is not UTF-8 cannot be one that a manifest names, unless its value is what is wrong.
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
            env.insert(name.to_owned(), value.to_owned());
        }
    }
    let directory = std::env::current_dir()
        .map_err(|error| Stop::refused(format!("the working directory cannot be read: {error}")))?;
    Ok(Inputs {
        config: global.config.clone(),
        sets: global.sets.clone(),
        overrides: global.overrides.clone(),
        sandbox: false,
        env,
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

/// An interrupt that SIGINT, SIGTERM and SIGHUP raise.
fn interrupt() -> Result<Interrupt, Stop> {
    let (sender, receiver) = watch::channel(false);
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let mut stream = signal(kind)
            .map_err(|error| Stop::refused(format!("signals cannot be caught: {error}")))?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                // Who asks twice does not want to wait for a server that does not answer.
                if sender.send_replace(true) {
                    std::process::exit(Exit::Interrupted.code().into());
                }
            }
        });
    }
    Ok(Interrupt::new(receiver))
}

fn services(global: &Global, manifest: &Manifest) -> Result<Exit, Stop> {
    let report = command::services::report(manifest);
    show(
        global,
        || render::services::json(&report),
        |style| render::services::table(&report, style),
    )?;
    Ok(Exit::Done)
}

fn rules(global: &Global, id: Option<&str>) -> Result<u8, Stop> {
    match id {
        None => {
            let rules = command::rules::list();
            show(
                global,
                || render::rules::json(&rules),
                |style| render::rules::list(&rules, style),
            )?;
        }
        Some(id) => {
            let rule =
                command::rules::one(id).map_err(|unknown| Stop::usage(unknown.to_string()))?;
            let rules = std::slice::from_ref(&rule);
            show(
                global,
                || render::rules::json(rules),
                |_| render::rules::page(&rule),
            )?;
        }
    }
    Ok(Exit::Done.code())
}

fn explain(global: &Global, topic: Option<&str>) -> Result<u8, Stop> {
    let explanations = match topic {
        None => command::explain::exit_codes(),
        Some(topic) => {
            vec![command::explain::one(topic).map_err(|unknown| Stop::usage(unknown.to_string()))?]
        }
    };
    show(
        global,
        || render::explain::json(&explanations),
        |style| render::explain::text(&explanations, style),
    )?;
    Ok(Exit::Done.code())
}

async fn migrate(
    global: &Global,
    manifest: &Manifest,
    options: &crate::cli::Migrate,
    interrupt: &Interrupt,
) -> Result<Exit, Stop> {
    let services: Vec<&Service> = manifest
        .select(&options.chosen.services)
        .map_err(Stop::usage)?;
    let asked = command::migrate::Options {
        dry_run: options.dry_run,
        target: options.target,
        fail_fast: options.fail_fast && !options.keep_going,
        jobs: options.jobs,
        jobs_per_server: options.jobs_per_server,
        lock_timeout: options.lock_timeout,
        lock_wait: options.lock_wait,
        wait: Duration::from_secs(options.wait),
        statement_timeout: options.statement_timeout,
    };
    let ahead = command::migrate::Ahead::begin(&services, &asked);
    let loaded = Loaded::new(manifest, &services);
    if let Some(problem) = asked
        .target
        .and_then(|target| loaded.unknown_version(target))
    {
        return Err(Stop::usage(problem));
    }
    let progress = Progress::new(global.quiet);
    let observer = |service: &str, event| progress.event(service, &event);
    let report = command::migrate::run(&loaded, &asked, ahead, &observer, interrupt).await;
    progress.end();
    show(
        global,
        || render::migrate::json(&report, global.verbose),
        |style| render::migrate::table(&report, style),
    )?;
    Ok(report.exit())
}

async fn rollback(
    global: &Global,
    manifest: &Manifest,
    options: &crate::cli::Rollback,
    interrupt: &Interrupt,
) -> Result<Exit, Stop> {
    let chosen = [options.service.clone()];
    let services: Vec<&Service> = manifest.select(&chosen).map_err(Stop::usage)?;
    let loaded = Loaded::new(manifest, &services);
    let Some(service) = loaded.chosen().next() else {
        return Err(Stop::usage(format!("no service {}", options.service)));
    };
    let asked = command::rollback::Options {
        target: options.target,
        allow_data_loss: options.allow_data_loss,
        dry_run: options.dry_run,
        lock_timeout: options.lock_timeout,
        statement_timeout: options.statement_timeout,
    };
    let progress = Progress::new(global.quiet);
    let observer = |service: &str, event| progress.event(service, &event);
    let report = command::rollback::run(&loaded, service, &asked, &observer, interrupt).await;
    progress.end();
    show(
        global,
        || render::rollback::json(&report),
        |style| render::rollback::table(&report, style),
    )?;
    Ok(report.outcome.exit())
}

async fn baseline(
    global: &Global,
    manifest: &Manifest,
    options: &Baseline,
    interrupt: &Interrupt,
) -> Result<Exit, Stop> {
    let loaded = load(manifest, &one(&options.service))?;
    let asked = command::baseline::Options {
        version: options.version,
        dry_run: options.dry_run,
        lock_timeout: options.lock_timeout,
    };
    let progress = Progress::new(global.quiet);
    let observer = |service: &str, event| progress.event(service, &event);
    let report = command::baseline::run(&loaded, &asked, &observer, interrupt).await;
    progress.end();
    let report = report.ok_or_else(|| Stop::usage("no service was chosen"))?;
    show(
        global,
        || render::baseline::json(&report),
        |style| render::baseline::table(&report, style),
    )?;
    Ok(report.exit())
}

async fn repair(
    global: &Global,
    manifest: &Manifest,
    options: &Repair,
    interrupt: &Interrupt,
) -> Result<Exit, Stop> {
    let loaded = load(manifest, &one(&options.service))?;
    let asked = command::repair::Options {
        word: match (options.ran, options.not_run) {
            (true, _) => Some(Word::Ran),
            (false, true) => Some(Word::NotRun),
            (false, false) => None,
        },
        forget: options.forget,
        dry_run: options.dry_run,
        lock_timeout: options.lock_timeout,
    };
    let progress = Progress::new(global.quiet);
    let observer = |service: &str, event| progress.event(service, &event);
    let report = command::repair::run(&loaded, &asked, &observer, interrupt).await;
    progress.end();
    let report = report.ok_or_else(|| Stop::usage("no service was chosen"))?;
    show(
        global,
        || render::repair::json(&report),
        |style| render::repair::table(&report, style),
    )?;
    Ok(report.exit())
}

async fn verify(
    global: &Global,
    manifest: &Manifest,
    inputs: &Inputs,
    options: &crate::cli::Verify,
    interrupt: &Interrupt,
) -> Result<Exit, Stop> {
    let files = &options.outputs.files;
    deliver::look_ahead(files)?;
    if options.watch.is_some() || options.since_last.is_some() {
        deliver::has_changes(global)?;
    }
    let loaded = load(manifest, &options.chosen)?;
    let asked = command::verify::Options {
        fail_on: severity(options.fail_on),
        login_proof: !options.no_login_proof,
    };
    // A file that cannot be used is refused before anything is looked at.
    let last = match &options.since_last {
        Some(path) => Some(command::since::Last::read(path).map_err(Stop::refused)?),
        None => None,
    };
    let mut tried = command::verify::Tried::default();
    let mut before: Option<Vec<Known>> = None;
    loop {
        let compose = command::compose::load(manifest, &[], inputs).map_err(Stop::refused)?;
        let mut read = command::files_read(&loaded, compose.as_ref(), inputs);
        read.extend(options.since_last.clone());
        deliver::spare(files, &read)?;
        let report = tokio::select! {
            report = command::verify::run(&loaded, compose, &asked, &mut tried) => report,
            () = interrupt.wait() => return Ok(Exit::Interrupted),
        };
        if let Some(seconds) = options.watch {
            let changes = Changes::between(before.as_deref(), &report);
            watched(global, &report, &changes)?;
            deliver::files(global, files, &report)?;
            before = Some(changes.kept());
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(seconds)) => continue,
                () = interrupt.wait() => return Ok(Exit::Interrupted),
            }
        }
        let Some(last) = last else {
            deliver::report(global, files, &report)?;
            return Ok(report.exit());
        };
        let changes = Changes::between(last.findings(), &report);
        show(
            global,
            || render::changes::json(&report, &changes),
            |style| render::changes::table(&report, &changes, style),
        )?;
        deliver::files(global, files, &report)?;
        last.replace(&render::verify::json(&report)?)
            .map_err(Stop::refused)?;
        return Ok(report.exit());
    }
}

/// Shows one round of `--watch`: everything the first time, then only what changed.
fn watched(global: &Global, report: &VerifyReport, changes: &Changes) -> Result<(), Stop> {
    if !changes.first && changes.is_empty() {
        return Ok(());
    }
    let now = time::OffsetDateTime::now_utc();
    let text = match global.format {
        Format::Json => render::changes::json_line(report, changes, now)?,
        // No other form gets here: see `deliver::has_changes`.
        _ => render::changes::round(report, changes, now, output::style(global)),
    };
    output::data(&text)?;
    Ok(())
}

/// The choice of a verb that is about one service.
fn one(service: &str) -> Chosen {
    Chosen {
        services: vec![service.to_owned()],
    }
}

async fn status(
    global: &Global,
    manifest: &Manifest,
    options: &Status,
    interrupt: &Interrupt,
) -> Result<Exit, Stop> {
    let loaded = load(manifest, &options.chosen)?;
    let started = Instant::now();
    let limit = options.wait.map(Duration::from_secs);
    let mut pause = Duration::from_millis(100);
    loop {
        let report = tokio::select! {
            report = command::status::run(&loaded) => report,
            () = interrupt.wait() => return Ok(Exit::Interrupted),
        };
        let late = limit.is_none_or(|limit| started.elapsed() >= limit);
        // A wrong set or a foreign database does not mend itself: there is nothing to wait for.
        let hopeless = matches!(report.exit(), Exit::Refused | Exit::Findings);
        if options.watch || report.ready() || hopeless || late {
            show(
                global,
                || render::status::json(&report),
                |style| render::status::table(&report, style),
            )?;
            if !options.watch {
                let in_vain = limit.filter(|_| !report.ready());
                if let Some(limit) = in_vain
                    && !hopeless
                    && !global.quiet
                {
                    output::talk(&format!("dbctl: not ready after {} s", limit.as_secs()));
                }
                return Ok(if in_vain.is_some() {
                    report.exit().worst(Exit::Incomplete)
                } else {
                    report.exit()
                });
            }
        }
        let next = if options.watch {
            Duration::from_secs(2)
        } else {
            pause
        };
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            () = interrupt.wait() => return Ok(Exit::Interrupted),
        }
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

const fn severity(fail_on: FailOn) -> Severity {
    match fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Info => Severity::Info,
    }
}

async fn sandbox(global: &Global, inputs: &Inputs, options: Sandbox) -> Result<u8, Stop> {
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
            let status = command::sandbox::run(options, &mut talk)
                .await
                .map_err(stop)?;
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
