//! The verbs that look at the services' databases, once or again and again.

use std::time::{Duration, Instant};

use dbctl::command::{self, Interrupt};
use dbctl::exit::Exit;
use dbctl::manifest::{Inputs, Manifest};
use dbctl::render;
use dbctl::report::changes::{Before, Changes};
use dbctl::report::verify::Report;

use super::{Signals, Stop, load, severity, show};
use crate::cli::{Format, Global, Status, Verify};
use crate::{deliver, output};

pub(super) async fn verify(
    global: &Global,
    manifest: &Manifest,
    inputs: &Inputs,
    options: &Verify,
    signals: &Signals,
) -> Result<Exit, Stop> {
    let interrupt = &signals.interrupt;
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
    let mut before: Option<Before> = None;
    loop {
        let compose = command::compose::load(manifest, &[], inputs).map_err(Stop::refused)?;
        let mut read = command::files_read(&loaded, compose.as_ref(), inputs);
        read.extend(options.since_last.clone());
        deliver::spare(files, &read)?;
        let report = tokio::select! {
            report = command::verify::run(&loaded, compose, &asked, &mut tried) => report,
            () = interrupt.wait() => return Ok(Exit::Interrupted),
        };
        signals.hold();
        if let Some(seconds) = options.watch {
            let changes = Changes::between(before.as_ref(), &report);
            watched(global, &report, &changes)?;
            deliver::files(global, files, &report)?;
            before = Some(changes.kept());
            signals.release();
            if interrupt.raised() {
                return Ok(Exit::Interrupted);
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(seconds)) => continue,
                () = interrupt.wait() => return Ok(Exit::Interrupted),
            }
        }
        let Some(last) = last else {
            deliver::report(global, files, &report)?;
            return Ok(report.exit());
        };
        let changes = Changes::between(last.report(), &report);
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
fn watched(global: &Global, report: &Report, changes: &Changes) -> Result<(), Stop> {
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

pub(super) async fn status(
    global: &Global,
    manifest: &Manifest,
    options: &Status,
    interrupt: &Interrupt,
) -> Result<Exit, Stop> {
    let loaded = load(manifest, &options.chosen)?;
    let started = Instant::now();
    let limit = options.wait;
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
