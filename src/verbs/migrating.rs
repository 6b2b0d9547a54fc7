//! The verbs that change a service's database to another version, or its books.

use dbctl::command::{self, Interrupt, Loaded};
use dbctl::exit::Exit;
use dbctl::manifest::{Manifest, Service};
use dbctl::postgres::Word;
use dbctl::render;

use super::{Stop, load, show};
use crate::cli::{Baseline, Chosen, Global, Migrate, Repair, Rollback};
use crate::progress::Progress;

pub(super) async fn migrate(
    global: &Global,
    manifest: &'static Manifest,
    options: &Migrate,
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
        wait: options.wait,
        // As for the server, zero is no limit.
        statement_timeout: options.statement_timeout.filter(|limit| !limit.is_zero()),
    };
    let ahead = command::migrate::Ahead::begin(&services, &asked);
    // On a thread of its own: this one logs in meanwhile.
    let loaded = tokio::task::spawn_blocking(move || Loaded::new(manifest, &services))
        .await
        .map_err(|error| Stop::refused(format!("the sets cannot be read: {error}")))?;
    has_version(&loaded, asked.target)?;
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

pub(super) async fn rollback(
    global: &Global,
    manifest: &Manifest,
    options: &Rollback,
    interrupt: &Interrupt,
) -> Result<Exit, Stop> {
    let chosen = [options.service.clone()];
    let services: Vec<&Service> = manifest.select(&chosen).map_err(Stop::usage)?;
    let loaded = Loaded::new(manifest, &services);
    // 0 is before the first one.
    has_version(&loaded, Some(options.target).filter(|target| *target != 0))?;
    let Some(service) = loaded.chosen().next() else {
        return Err(Stop::usage(format!("no service {}", options.service)));
    };
    let asked = command::rollback::Options {
        target: options.target,
        allow_data_loss: options.allow_data_loss,
        dry_run: options.dry_run,
        lock_timeout: options.lock_timeout,
        // As for the server, zero is no limit.
        statement_timeout: options.statement_timeout.filter(|limit| !limit.is_zero()),
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

pub(super) async fn baseline(
    global: &Global,
    manifest: &Manifest,
    options: &Baseline,
    interrupt: &Interrupt,
) -> Result<Exit, Stop> {
    let loaded = load(manifest, &one(&options.service))?;
    has_version(&loaded, options.version)?;
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

pub(super) async fn repair(
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

/// A version that no chosen set has is a slip of the command line.
fn has_version(loaded: &Loaded<'_>, version: Option<i32>) -> Result<(), Stop> {
    match version.and_then(|version| loaded.unknown_version(version)) {
        Some(problem) => Err(Stop::usage(problem)),
        None => Ok(()),
    }
}

/// The choice of a verb that is about one service.
fn one(service: &str) -> Chosen {
    Chosen {
        services: vec![service.to_owned()],
    }
}
