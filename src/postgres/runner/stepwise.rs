//! A migration that runs statement by statement, because one of them cannot run in a transaction. What has run is written down, so
//! that a run that was killed is continued at the right statement.

mod aftermath;

use std::time::{Duration, Instant};

use super::failure::{Failure, interrupted, place};
use super::fate::{Outcome, settle, witnesses};
use super::guarded::Guarded;
use super::progress::{self, Entry};
use super::touched::foreign_text;
use super::transaction::{Body, deaf, execute, ran_before};
use super::{ApplyError, Event, lost};
use crate::migration::{Analysis, Fate, Migration, Place, analyse};

/// How often a statement that was cut off is mended and begun again.
const MENDINGS: usize = 3;

/// One statement that cannot run in a transaction block.
struct Alone<'a> {
    migration: &'a Migration,
    analysis: &'a Analysis,
    /// How many statements stand before it in its file.
    number: usize,
    fate: &'a Fate,
}

impl Alone<'_> {
    fn entry(&self, done: bool, indexes: Vec<u32>) -> Entry {
        entry(self.migration, self.analysis, self.number, done, indexes)
    }

    /// How messages name it.
    fn place(&self) -> String {
        place(self.migration, self.number, None)
    }

    /// What is the case when it has failed and left nothing.
    fn state(&self) -> String {
        format!(
            "nothing of this statement remains; {}; the next run goes on from here",
            ran_before(self.number)
        )
    }
}

fn entry(
    migration: &Migration,
    analysis: &Analysis,
    number: usize,
    done: bool,
    indexes: Vec<u32>,
) -> Entry {
    Entry {
        version: migration.version,
        // A file of 64 MiB holds fewer statements than that.
        statement: i32::try_from(number + 1).unwrap_or(i32::MAX),
        sum: progress::sum(&analysis.text),
        done,
        indexes,
    }
}

impl Guarded<'_> {
    /// Runs a migration statement by statement.
    pub(super) async fn by_statement(
        &self,
        migration: &Migration,
        record: &str,
    ) -> Result<(), ApplyError> {
        let analyses = analyse(&migration.sql);
        let version = migration.version;
        let begun = self.unfinished.iter();
        let begun = begun.filter(|entry| entry.version == version).cloned();
        let begun: Vec<Entry> = begun.collect();
        let body = Body::Open {
            migration,
            begun: &begun,
        };
        self.in_transaction(self.session, body).await?;
        let entries: Vec<Entry> = progress::read(self.session)
            .await
            .map_err(|error| lost(&error))?
            .into_iter()
            .filter(|entry| entry.version == migration.version)
            .collect();
        if let Some(reason) =
            progress::problem(&entries, migration, &analyses, &self.options.service)
        {
            return Err(ApplyError::Refused(reason));
        }
        for (number, analysis) in analyses.iter().enumerate() {
            let known = entries
                .iter()
                .find(|entry| usize::try_from(entry.statement) == Ok(number + 1));
            if known.is_some_and(|entry| entry.done) {
                continue;
            }
            if *self.options.interrupt.borrow() {
                return Err(interrupted(migration));
            }
            (self.observer)(Event::Statement {
                file: migration.file.clone(),
                line: analysis.line,
                number: number + 1,
                total: analyses.len(),
            });
            match analysis.place_in(migration.mode) {
                Place::Alone { fate, .. } => {
                    let alone = Alone {
                        migration,
                        analysis,
                        number,
                        fate: &fate,
                    };
                    self.alone(&alone, known).await?;
                }
                Place::Transaction | Place::FreshSession => {
                    let entry = entry(migration, analysis, number, true, Vec::new());
                    let body = Body::One {
                        migration,
                        analysis,
                        number,
                        entry: &entry,
                    };
                    self.in_transaction(self.session, body).await?;
                }
            }
        }
        self.notice(migration).await?;
        self.in_transaction(self.session, Body::Close { migration, record })
            .await
    }

    /// Success is not recorded over an invalid index that the migration was to create; what else is left is told.
    async fn notice(&self, migration: &Migration) -> Result<(), ApplyError> {
        let broken = self.broken_index(self.session, migration).await;
        match broken.map_err(|error| lost(&error))? {
            None => Ok(()),
            Some(broken) => Err(ApplyError::Failed(format!(
                "{}: {broken}; all its statements ran, and it is not recorded: dbctl repair --service {} mends it",
                migration.file, self.options.service
            ))),
        }
    }

    /// Runs a statement outside a transaction. `known` is what was written down of it when an earlier run was cut off.
    async fn alone(&self, alone: &Alone<'_>, known: Option<&Entry>) -> Result<(), ApplyError> {
        let (session, analysis) = (&*self.session, alone.analysis);
        let gone = |error| lost(&error);
        let named: Vec<_> = analysis
            .touches
            .iter()
            .chain(&analysis.creates)
            .cloned()
            .collect();
        let touched = self.foreign.among(session, &named).await.map_err(gone)?;
        if !touched.is_empty() {
            return Err(ApplyError::Failed(format!(
                "{}: {}; {}",
                alone.place(),
                foreign_text(&touched, &self.options.service),
                alone.state()
            )));
        }
        let before = match known {
            Some(entry) => {
                if self.resume(alone, entry).await? {
                    return Ok(());
                }
                entry.indexes.clone()
            }
            None => witnesses(session, &analysis.touches).await.map_err(gone)?,
        };
        let started = Instant::now();
        self.watch.forget();
        let mut pause = Duration::from_millis(100);
        let mut mendings = 0;
        loop {
            progress::write(session, &alone.entry(false, before.clone()))
                .await
                .map_err(gone)?;
            let patience = self.options.lock_timeout.saturating_sub(started.elapsed());
            let attempt = self.watch.over(Box::pin(self.run_alone(alone, patience)));
            let failure = match self.or_cancel(session, attempt).await {
                Some(Ok(())) => None,
                Some(Err(failure)) => Some(failure),
                None => return Err(deaf(alone.migration)),
            };
            let Some(failure) = failure else {
                let outcome = self.outcome(alone, &before).await?;
                match (&outcome, alone.fate) {
                    // It said that it ran, and the catalog does not speak against it.
                    (Outcome::Ran | Outcome::Unknown, _) | (Outcome::NotRun, Fate::Repeatable) => {
                        return self.done(alone, before).await;
                    }
                    (Outcome::CutOff { left, mend }, _) if mendings < MENDINGS => {
                        mendings += 1;
                        self.mend(alone, left, mend).await?;
                        continue;
                    }
                    (Outcome::CutOff { left, .. }, _) => {
                        return Err(ApplyError::Failed(format!(
                            "{}: it ended without an error and left {left}; it is not recorded: dbctl repair --service {} mends it",
                            alone.place(),
                            self.options.service
                        )));
                    }
                    (Outcome::NotRun, _) => {
                        self.forget(alone).await?;
                        return Err(ApplyError::Failed(format!(
                            "{}: it ended without an error, and the catalog does not show what it should have made: \
                             IF [NOT] EXISTS may have met an object of the same name; {}",
                            alone.place(),
                            alone.state()
                        )));
                    }
                }
            };
            if self
                .failed(alone, &before, failure, started, &mut pause)
                .await?
            {
                return Ok(());
            }
        }
    }

    /// Finds out what became of a statement that an earlier run had begun; true when there is nothing more to do.
    async fn resume(&self, alone: &Alone<'_>, known: &Entry) -> Result<bool, ApplyError> {
        for _ in 0..MENDINGS {
            match self.outcome(alone, &known.indexes).await? {
                Outcome::Ran => {
                    self.done(alone, known.indexes.clone()).await?;
                    return Ok(true);
                }
                Outcome::NotRun => return Ok(false),
                Outcome::CutOff { left, mend } => self.mend(alone, &left, &mend).await?,
                Outcome::Unknown => {
                    return Err(ApplyError::Failed(format!(
                        "{}: an earlier run was cut off in this statement, and the catalog does not tell whether it ran; {}; \
                         look, and say it with dbctl repair --service {} and --ran or --not-run",
                        alone.place(),
                        ran_before(alone.number),
                        self.options.service
                    )));
                }
            }
        }
        Ok(false)
    }

    async fn outcome(&self, alone: &Alone<'_>, before: &[u32]) -> Result<Outcome, ApplyError> {
        settle(
            self.session,
            alone.fate,
            &alone.analysis.text,
            &alone.analysis.touches,
            before,
        )
        .await
        .map_err(|error| lost(&error))
    }

    async fn done(&self, alone: &Alone<'_>, before: Vec<u32>) -> Result<(), ApplyError> {
        progress::write(self.session, &alone.entry(true, before))
            .await
            .map_err(|error| lost(&error))
    }

    async fn forget(&self, alone: &Alone<'_>) -> Result<(), ApplyError> {
        let entry = alone.entry(false, Vec::new());
        progress::forget(self.session, entry.version, entry.statement)
            .await
            .map_err(|error| lost(&error))
    }

    /// The statement itself, in a session with the settings that every migration has.
    async fn run_alone(&self, alone: &Alone<'_>, patience: Duration) -> Result<(), Failure> {
        let session = &*self.session;
        session.reset().await.map_err(Failure::own)?;
        super::books::still_locked(session).await?;
        session
            .client
            .batch_execute(&self.settings("SET", patience).join(";"))
            .await
            .map_err(Failure::own)?;
        execute(session, &alone.analysis.text, alone.number).await?;
        session.reset().await.map_err(Failure::own)
    }
}
