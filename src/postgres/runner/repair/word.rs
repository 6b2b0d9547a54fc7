//! Which lost rows are written: what the operator has to say of files of which the catalog does not tell, and what `--forget` gives up.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::super::inspect::Marks;
use super::super::{ApplyError, history_table};
use super::alike::{alike, unseen, untold};
use super::rows::{proven_for, subject};
use super::{MendState, Prove, Repair, Word};
use crate::migration::{Migration, Plan, Problem};

impl Repair<'_> {
    /// Refuses the operator's word where no row waits for it.
    pub(super) async fn check_word_of_rows(
        &mut self,
        marks: &Marks,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let plan = Plan::new(self.options.set, &marks.history);
        let awaited = AtomicBool::new(false);
        let repeated = |problem: &Problem| matches!(problem, Problem::Repeated(_));
        if marks.history.exists && !plan.problems.iter().any(repeated) {
            let looks_only = std::mem::replace(&mut self.looks_only, true);
            let look = |proven| {
                let waits = !self.awaiting(&plan, proven).is_empty();
                awaited.store(waits, Ordering::Relaxed);
                Ok(Vec::new())
            };
            let looked = self
                .write(proven_for(marks, &plan), Some(prove), &look)
                .await;
            self.looks_only = looks_only;
            if let Err(unproven) = looked? {
                return Err(ApplyError::Refused(format!(
                    "--ran and --not-run speak of a statement or a file that waits for your word, and there is none, for {}; nothing was \
                     changed",
                    unproven.reason
                )));
            }
        }
        match awaited.into_inner() {
            true => Ok(()),
            false => Err(ApplyError::Refused(format!(
                "--ran and --not-run speak of a statement whose fate the catalog does not tell, or of a file that changes rows alone and \
                 may have lost its row, and there is none: run {} without them; nothing was changed",
                self.verb()
            ))),
        }
    }

    /// The newest version whose row is to be written; `None` while the operator's word is awaited.
    pub(super) fn last(&self, plan: &Plan, proven: i32) -> Option<i32> {
        let lock = self.options.lock?;
        let awaiting = self.awaiting(plan, proven);
        let last = match awaiting.last() {
            None => proven,
            Some(file) => match self.options.word.filter(|_| self.nothing_begun)? {
                // No row is written behind a file that is to be run.
                Word::NotRun => match unseen(lock, plan, proven).first() {
                    Some(first) => first.version - 1,
                    None => proven,
                },
                Word::Ran if file.version <= proven => proven,
                // Files behind it that bring the catalog back to what it is ran as well.
                Word::Ran => alike(lock, proven)
                    .into_iter()
                    .find(|version| *version >= file.version)?,
            },
        };
        // What is given up is begun anew: no row says in the same breath that it is finished.
        Some(match self.options.forget {
            Some(forgotten) => last.min(forgotten - 1),
            None => last,
        })
    }

    /// Files that the next migrate would run although they may have run: rows before or behind theirs are lost, and what the catalog is does
    /// not tell of them.
    pub(super) fn awaiting<'p>(&self, plan: &'p Plan, proven: i32) -> Vec<&'p Migration> {
        let lost = plan.pending.iter().any(|first| first.version <= proven);
        let Some(lock) = self.options.lock.filter(|_| lost) else {
            return Vec::new();
        };
        let mut files = unseen(lock, plan, proven);
        files.extend(untold(lock, plan, proven));
        if let Some(forgotten) = self.options.forget {
            files.retain(|file| file.version < forgotten);
        }
        files
    }

    /// Notes that what is given up in this run is not recorded in it, where the catalog is that of its version already: which.
    pub(super) fn forgotten(&mut self, plan: &Plan, proven: i32) -> Option<i32> {
        let version = self.options.forget.filter(|version| *version <= proven)?;
        let is = |one: &&Migration| one.version == version;
        let file = plan.pending.iter().find(is)?.file.clone();
        let action = format!(
            "no row is written in the run that gives it up: {} proves the catalog and writes it, {} begins the version anew",
            self.verb(),
            self.migrates()
        );
        self.note(
            "history",
            subject(version.into()),
            format!("the catalog is that of version {proven}, so the row of {file} may be lost"),
            MendState::Left,
            action,
        );
        Some(version)
    }

    /// Notes that nothing is written before the operator has said whether files ran that may have lost their rows.
    pub(super) fn needs_word(&mut self, plan: &Plan, awaiting: &[&Migration], proven: i32) {
        let named = |versions: Vec<&Migration>| {
            let files: Vec<&str> = versions.iter().map(|one| one.file.as_str()).collect();
            files.join(", ")
        };
        let is_awaiting =
            |one: &&Migration| awaiting.iter().any(|file| file.version == one.version);
        let lost = plan.pending.iter().filter(|one| one.version <= proven);
        let lost: Vec<&Migration> = lost.filter(|one| !is_awaiting(one)).collect();
        let lost = match lost.is_empty() {
            true => "the history does not have it".to_owned(),
            false => format!("the history has lost rows ({})", named(lost)),
        };
        let (whether, one_or_all) = match awaiting.len() {
            1 => (
                "nothing tells whether it ran",
                format!(
                    "it ran, and writes its row with the others; --not-run says that it did not, writes those before it alone, and {} runs it",
                    self.migrates()
                ),
            ),
            _ => (
                "nothing tells whether they ran",
                format!(
                    "all of them ran, and writes their rows with the others; --not-run says that none did, writes those before them \
                     alone, and {} runs them; where only some ran: DELETE FROM {}, then dbctl baseline --service {} --version N, N being \
                     the last that ran",
                    self.migrates(),
                    history_table(),
                    self.options.apply.service
                ),
            ),
        };
        self.note(
            "history",
            named(awaiting.to_vec()),
            format!("{lost}, the catalog is that of version {proven}, and {whether}"),
            MendState::NeedsWord,
            format!(
                "no row is written before you say it, for {} would run what has no row: look at the rows in the tables; \
                 {} --ran says that {one_or_all}",
                self.migrates(),
                self.verb()
            ),
        );
    }
}
