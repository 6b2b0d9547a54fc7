//! Progress of `migrate`: a line with a spinner for each service on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

use dbctl::postgres::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output;

/// Where progress goes.
pub(crate) enum Progress {
    /// Nowhere: `--quiet`.
    Silent,
    /// Lines on stderr.
    Lines,
    /// Spinners on stderr.
    Terminal(MultiProgress, Mutex<BTreeMap<String, ProgressBar>>),
}

impl Progress {
    /// The progress for this stderr.
    pub(crate) fn new(quiet: bool) -> Self {
        if quiet {
            Self::Silent
        } else if std::io::stderr().is_terminal() {
            Self::Terminal(MultiProgress::new(), Mutex::default())
        } else {
            Self::Lines
        }
    }

    /// Tells what happens to a service.
    pub(crate) fn event(&self, service: &str, event: &Event) {
        let line = words(event);
        match self {
            Self::Silent => {}
            Self::Lines => output::talk(&format!("{service}: {line}")),
            Self::Terminal(all, bars) => {
                // A poisoned lock means that a drawing thread has panicked: draw on.
                let mut bars = bars
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                let bar = bars.entry(service.to_owned()).or_insert_with(|| {
                    let bar = all.add(ProgressBar::new_spinner());
                    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {msg}") {
                        bar.set_style(style);
                    }
                    bar.set_prefix(service.to_owned());
                    bar.enable_steady_tick(Duration::from_millis(100));
                    bar
                });
                bar.set_message(line);
            }
        }
    }

    /// Takes the spinners away: the summary follows.
    pub(crate) fn end(&self) {
        if let Self::Terminal(all, _) = self {
            drop(all.clear());
        }
    }
}

fn words(event: &Event) -> String {
    match event {
        Event::WaitingForRunner { holder } => format!("waits for another runner: {holder}"),
        Event::WaitingForLock { holder } => format!("waits for a lock: {holder}"),
        Event::WaitingForStandby { standbys } => format!(
            "committed here, and the server waits until its standbys have it ({standbys}); what is interrupted now stays committed"
        ),
        Event::Retrying { file, reason } => {
            format!("{file} was rolled back and is tried again: {reason}")
        }
        Event::Statement {
            file,
            line,
            number,
            total,
        } => format!("{file}: statement {number} of {total}, line {line}"),
        Event::Mending { file, what } => format!("{file}: takes away {what}"),
        Event::Noticed { file, what } => format!("{file}: note: {what}"),
        Event::Unsure { file } => format!("{file}: the connection broke at its COMMIT"),
        Event::Started { file } => format!("applying {file}"),
        Event::Applied { file, took } => format!("applied {file} in {} ms", took.as_millis()),
    }
}
