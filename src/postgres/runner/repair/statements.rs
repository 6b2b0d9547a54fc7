//! Statements of unfinished migrations: what became of those that were begun.

use super::super::super::inspect::Marks;
use super::super::ApplyError;
use super::super::failure::place;
use super::super::fate::{Outcome, outcome_of};
use super::super::progress::{self, Entry, sum};
use super::{MendState, Refusal, Repair, Word};
use crate::migration::{Analysis, Migration, analyse};

/// How often a statement that was cut off is mended before that is given up.
const MENDINGS: usize = 3;

/// How a statement that was begun stands after the repair.
enum Settled {
    /// As one that ran.
    Ran,
    /// As one that did not.
    NotRun,
    /// It is left to the operator.
    Open,
}

/// A statement that was begun, and what became of it.
struct Begun<'a> {
    migration: &'a Migration,
    analysis: Analysis,
    entry: Entry,
    outcome: Outcome,
}

impl Begun<'_> {
    fn subject(&self) -> String {
        place(self.migration, at(&self.entry), None)
    }
}

impl<'a> Repair<'a> {
    /// Settles what the books say of unfinished migrations.
    pub(super) async fn statements(
        &mut self,
        marks: &Marks,
        entries: Vec<Entry>,
    ) -> Result<(), ApplyError> {
        let entries = self.forget(marks, entries).await?;
        let mut begun = Vec::new();
        let mut ran = Vec::new();
        // Versions that migrate stops at.
        let mut stuck = Vec::new();
        for entry in entries {
            match self.misfit(marks, &entry) {
                Some((found, action)) => {
                    let subject =
                        format!("version {}, statement {}", entry.version, entry.statement);
                    self.note("progress", subject, found, MendState::Blocks, action);
                    stuck.push(entry.version);
                }
                None if entry.done => ran.push(entry.version),
                None => begun.extend(self.begun(entry).await?),
            }
        }
        self.check_word(&begun)?;
        for begun in begun {
            let version = begun.entry.version;
            match self.settle(begun).await? {
                Settled::Ran => ran.push(version),
                Settled::NotRun => {}
                Settled::Open => stuck.push(version),
            }
        }
        ran.retain(|version| !stuck.contains(version));
        self.goes_on(&ran).await
    }

    /// Why an entry fits no pending migration, and what to do, if so.
    fn misfit(&self, marks: &Marks, entry: &Entry) -> Option<(String, String)> {
        let version = entry.version;
        let service = &self.options.apply.service;
        let forget = format!(
            "or let it be forgotten with dbctl repair --service {service} --forget {version}: what ran stays, and the next migrate begins it anew at the first \
             statement, which then has to accept what is there (IF NOT EXISTS) or to find it taken away"
        );
        let recorded = |row: &crate::snapshot::HistoryRow| row.version == i64::from(version);
        if marks.history.rows.iter().any(recorded) {
            return Some((
                "the history says that the version is finished, and dbctl.progress that it is not"
                    .to_owned(),
                format!(
                    "look whether all of it ran; then dbctl repair --service {service} --forget {version} takes the entries away"
                ),
            ));
        }
        let Some(migration) = self.migration(version) else {
            return Some((
                format!(
                    "it was begun, and set {} has no such version",
                    self.options.set.name
                ),
                format!(
                    "give the set its file back, or let it be forgotten with dbctl repair --service {service} --forget {version}: what ran stays"
                ),
            ));
        };
        let what = if entry.done { "ran" } else { "was begun" };
        let analyses = analyse(&migration.sql);
        match analyses.get(at(entry)) {
            None => Some((
                format!(
                    "it {what}, and {} now has only {} statements",
                    migration.file,
                    analyses.len()
                ),
                format!("give the file back what it had, {forget}"),
            )),
            Some(analysis) if sum(&analysis.text) != entry.sum => Some((
                format!(
                    "{}, line {}: it {what}, and its text was edited since",
                    migration.file, analysis.line
                ),
                format!("give it back the text that it had, {forget}"),
            )),
            Some(_) => None,
        }
    }

    pub(super) fn migration(&self, version: i32) -> Option<&'a Migration> {
        let mut migrations = self.options.set.migrations.iter();
        migrations.find(|migration| migration.version == version)
    }

    /// Finds out what became of a statement that was begun.
    async fn begun(&self, entry: Entry) -> Result<Option<Begun<'a>>, ApplyError> {
        let Some(migration) = self.migration(entry.version) else {
            return Ok(None);
        };
        let Some(analysis) = analyse(&migration.sql).into_iter().nth(at(&entry)) else {
            return Ok(None);
        };
        let mut begun = Begun {
            migration,
            analysis,
            entry,
            outcome: Outcome::Unknown,
        };
        begun.outcome = self.outcome(&begun).await?;
        Ok(Some(begun))
    }

    async fn outcome(&self, begun: &Begun<'_>) -> Result<Outcome, ApplyError> {
        let outcome = outcome_of(self.session, &begun.analysis, &begun.entry.indexes)
            .await
            .map_err(|error| self.gone(&error))?;
        let Outcome::CutOff { left, mut mend } = outcome else {
            return Ok(outcome);
        };
        // A TOAST table's index is mended with the others that are not valid: where only a superuser may, nothing has to wait for that.
        mend.retain(|sql| !sql.contains(" pg_toast."));
        let own = |part: &&str| !part.starts_with("pg_toast.");
        let left = left.split(", ").filter(own).collect::<Vec<_>>().join(", ");
        Ok(match mend.is_empty() {
            true => Outcome::NotRun,
            false => Outcome::CutOff { left, mend },
        })
    }

    /// The operator's word is about exactly one statement.
    fn check_word(&self, begun: &[Begun<'_>]) -> Result<(), ApplyError> {
        if self.options.word.is_none() || self.nothing_begun {
            return Ok(());
        }
        let unknown: Vec<String> = begun
            .iter()
            .filter(|begun| begun.outcome == Outcome::Unknown)
            .map(Begun::subject)
            .collect();
        let reason = match unknown.as_slice() {
            [_] => return Ok(()),
            [] => format!(
                "--ran and --not-run speak of a statement whose fate the catalog does not tell, and there is none: \
                 run dbctl repair --service {} without them",
                self.options.apply.service
            ),
            several => format!(
                "--ran and --not-run speak of one statement, and the fate of {} is not known: {}; settle them one by one with --forget",
                several.len(),
                several.join("; ")
            ),
        };
        Err(ApplyError::Refused(format!(
            "{reason}; nothing was changed"
        )))
    }

    async fn settle(&mut self, mut begun: Begun<'_>) -> Result<Settled, ApplyError> {
        let subject = begun.subject();
        let mut found = "an earlier run was cut off in it".to_owned();
        let mut ran: Vec<String> = Vec::new();
        for _ in 0..MENDINGS {
            let Outcome::CutOff { left, mend } = &begun.outcome else {
                break;
            };
            found = format!("an earlier run was cut off in it and left {left}");
            for sql in mend {
                if let Err(refusal) = self.mend(&subject, sql).await? {
                    let by = match refusal.denied {
                        true => "let a superuser take it away",
                        false => "take it away by hand",
                    };
                    let action = format!(
                        "left as it is, for the server refuses {sql}: {}; {by}, then run {} again",
                        refusal.reason,
                        self.verb()
                    );
                    self.note("statement", subject, found, MendState::Blocks, action);
                    return Ok(Settled::Open);
                }
                ran.push(sql.clone());
            }
            begun.outcome = match self.options.dry_run {
                true => Outcome::NotRun,
                false => self.outcome(&begun).await?,
            };
        }
        let settled = match (&begun.outcome, self.options.word) {
            (Outcome::Ran, _) | (Outcome::Unknown, Some(Word::Ran)) => Settled::Ran,
            (Outcome::NotRun, _) | (Outcome::Unknown, Some(Word::NotRun)) => Settled::NotRun,
            (Outcome::Unknown, None) | (Outcome::CutOff { .. }, _) => Settled::Open,
        };
        match (&begun.outcome, self.options.word) {
            (Outcome::Ran, _) => {
                let found = format!("{found}; the catalog shows that it ran");
                self.would_settle(&begun.entry, true);
                let marked = self.mark_done(&begun.entry).await?;
                if self.unwritten(marked, &subject, &found) {
                    return Ok(Settled::Open);
                }
                self.mended(
                    "statement",
                    subject,
                    found,
                    "marked as done: the next migrate goes on behind it",
                );
            }
            (Outcome::NotRun, _) => {
                let marked = self.mark_not_run(&begun.entry).await?;
                if self.unwritten(marked, &subject, &found) {
                    return Ok(Settled::Open);
                }
                if ran.is_empty() {
                    self.would_settle(&begun.entry, false);
                }
                let (found, action) = match ran.is_empty() {
                    true => (
                        format!(
                            "{found}; the catalog shows that nothing of it is there, or that it can be run again"
                        ),
                        "forgotten: the next migrate runs it".to_owned(),
                    ),
                    false => (
                        found,
                        format!(
                            "{}; then forgotten: the next migrate runs it",
                            ran.join("; ")
                        ),
                    ),
                };
                self.mended("statement", subject, found, &action);
            }
            (Outcome::Unknown, Some(Word::Ran)) => {
                self.would_settle(&begun.entry, true);
                let marked = self.mark_done(&begun.entry).await?;
                if self.unwritten(marked, &subject, &found) {
                    return Ok(Settled::Open);
                }
                self.mended(
                    "statement",
                    subject,
                    found,
                    "marked as done on your word: the next migrate goes on behind it",
                );
            }
            (Outcome::Unknown, Some(Word::NotRun)) => {
                self.would_settle(&begun.entry, false);
                let marked = self.mark_not_run(&begun.entry).await?;
                if self.unwritten(marked, &subject, &found) {
                    return Ok(Settled::Open);
                }
                self.mended(
                    "statement",
                    subject,
                    found,
                    "forgotten on your word: the next migrate runs it",
                );
            }
            (Outcome::Unknown, None) => {
                let found = format!("{found}, and the catalog does not tell whether it ran");
                let action = format!(
                    "look, and say it: {} --ran marks it as done, --not-run lets the next migrate run it",
                    self.verb()
                );
                self.note("statement", subject, found, MendState::NeedsWord, action);
            }
            (Outcome::CutOff { left, .. }, _) => {
                let found = format!("{found}; it is still there: {left}");
                let action = format!("take it away by hand, then run {} again", self.verb());
                self.note("statement", subject, found, MendState::Blocks, action);
            }
        }
        Ok(settled)
    }

    /// What a dry run would write down. What a statement that was cut off has left is still there then, so that is none of it.
    fn would_settle(&mut self, entry: &Entry, ran: bool) {
        if self.options.dry_run {
            self.settled.push((entry.version, entry.statement, ran));
        }
    }

    /// Tells that the server does not let dbctl write its own books, if so.
    fn unwritten(&mut self, written: Result<(), Refusal>, subject: &str, found: &str) -> bool {
        let Err(refusal) = written else {
            return false;
        };
        let action = format!(
            "left as it is, for the server refuses to write dbctl.progress: {}; let the service's role own that table, then run {} again",
            refusal.reason,
            self.verb()
        );
        let (subject, found) = (subject.to_owned(), found.to_owned());
        self.note("statement", subject, found, MendState::Blocks, action);
        true
    }

    async fn mark_done(&self, entry: &Entry) -> Result<Result<(), Refusal>, ApplyError> {
        if self.options.dry_run {
            return Ok(Ok(()));
        }
        let entry = Entry {
            done: true,
            ..entry.clone()
        };
        let written = progress::write(self.session, &entry).await;
        self.spared("dbctl.progress", written)
    }

    async fn mark_not_run(&self, entry: &Entry) -> Result<Result<(), Refusal>, ApplyError> {
        if self.options.dry_run {
            return Ok(Ok(()));
        }
        let written = progress::forget(self.session, entry.version, entry.statement).await;
        self.spared("dbctl.progress", written)
    }
}

/// How many statements stand before the entry's in its file. An entry that counts from below 1 stands behind every file's end.
fn at(entry: &Entry) -> usize {
    usize::try_from(entry.statement)
        .ok()
        .and_then(|statement| statement.checked_sub(1))
        .unwrap_or(usize::MAX)
}
