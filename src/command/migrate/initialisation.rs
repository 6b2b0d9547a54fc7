//! The order of initialisation: the RGB library's SQLite file first, PostgreSQL after it, the user tables last.

use std::time::{Duration, Instant};

use super::INTERRUPTED;
use super::preflight::Refusal;
use crate::command::Interrupt;
use crate::files::{RgbLibrary, rgb_library};
use crate::manifest::Service;
use crate::report::migrate::Outcome;

/// How often to look again.
const PAUSE: Duration = Duration::from_millis(250);

/// How long an operation of the library is waited for in any case: most take less than a second.
const OPERATION: Duration = Duration::from_secs(2);

/// Waits until the RGB library has initialised its side of the service's `storage_dir`, and is quiet. A service without one has
/// nothing to wait for.
///
/// # Errors
/// What is still to be done after `wait`, and by whom. The server was not asked for anything.
pub(super) async fn done(
    service: &Service,
    wait: Duration,
    interrupt: &Interrupt,
) -> Result<(), Refusal> {
    let Some(storage) = &service.storage_dir else {
        return Ok(());
    };
    let started = Instant::now();
    loop {
        let state = rgb_library(&storage.value).await;
        let Some(step) = missing(&service.name, &state) else {
            return Ok(());
        };
        if started.elapsed() >= patience(&state, wait) {
            return Err((Outcome::Unreachable, told(&step, wait)));
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = interrupt.wait() => return Err((Outcome::Interrupted, INTERRUPTED.to_owned())),
        }
    }
}

/// How long the state may last.
fn patience(state: &RgbLibrary, wait: Duration) -> Duration {
    match state {
        RgbLibrary::Busy { .. } | RgbLibrary::Running(_) => wait.max(OPERATION),
        RgbLibrary::NotADirectory(_) | RgbLibrary::Damaged { .. } => Duration::ZERO,
        _ => wait,
    }
}

fn told(step: &str, wait: Duration) -> String {
    let waited = match wait.as_secs() {
        0 => "--wait TIME waits for it".to_owned(),
        seconds => format!("it was waited for {seconds} s"),
    };
    format!(
        "{step}. The order is: the RGB library makes its SQLite file, PostgreSQL comes after it, the user tables last; \
         nothing was changed ({waited})"
    )
}

/// The step that is missing, and who has to do it.
fn missing(service: &str, state: &RgbLibrary) -> Option<String> {
    let step = match state {
        RgbLibrary::Ready => return None,
        RgbLibrary::NoDirectory(path) => format!(
            "{} is missing: run `dbctl provision --service {service}`, then unlock the node",
            path.display()
        ),
        RgbLibrary::NotADirectory(path) => format!(
            "{} is a file, not a directory: move it away and run `dbctl provision --service {service}`",
            path.display()
        ),
        RgbLibrary::NoDatabase(path) => format!(
            "{} holds no SQLite file of the RGB library: unlock the node, which makes it",
            path.display()
        ),
        RgbLibrary::Incomplete { database, missing } => format!(
            "{} lacks {} of the RGB library's tables ({}): it is still being made, or was cut off; unlock the node and let it finish",
            database.display(),
            missing.len(),
            missing.join(", ")
        ),
        RgbLibrary::Running(lock) => format!(
            "{} is there: an operation of the RGB library runs, let it finish; if the node does not run, a crash has left the \
             file: remove it",
            lock.display()
        ),
        RgbLibrary::Busy { database, sign } => format!(
            "{} is in use: {sign}; let the RGB library finish",
            database.display()
        ),
        RgbLibrary::Damaged { database, problem } => format!(
            "the RGB library's file {} cannot be used: {problem}; stop {service} and restore the file from its backup",
            database.display()
        ),
        RgbLibrary::Unknown(gap) => match &gap.remedy {
            Some(remedy) => format!("{}: {remedy}", gap.reason),
            None => gap.reason.clone(),
        },
    };
    Some(step)
}
