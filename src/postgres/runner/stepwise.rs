//! A migration that runs statement by statement, because one of them cannot run in a transaction. What has run is written down, so
//! that a run that was killed is continued at the right statement.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;

use super::super::error::{describe, ends_session};
use super::super::inspect::is_lock_conflict;
use super::failure::{Failure, broken_text, failure_text, interrupted, place};
use super::fate::{Outcome, settle, witnesses};
use super::guarded::Guarded;
use super::leftovers::{leftovers, new};
use super::progress::{self, Entry};
use super::transaction::{Body, deaf, execute, foreign_text, ran_before};
use super::{ApplyError, Event, FAREWELL, lost};
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

/// What is left of a statement that the server has refused.
enum Cleaned {
    /// Nothing.
    Nothing,
    /// Mending it has finished it.
    Finished,
    /// Something, or nobody knows: the sentence that says so.
    Left(String),
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
        self.in_transaction(self.session, Body::Open { migration })
            .await?;
        let entries: Vec<Entry> = progress::read(self.session)
            .await
            .map_err(|error| lost(&error))?
            .into_iter()
            .filter(|entry| entry.version == migration.version)
            .collect();
        if let Some(reason) = progress::problem(&entries, migration, &analyses) {
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
        self.notice(migration, &analyses).await?;
        self.in_transaction(self.session, Body::Close { migration, record })
            .await
    }

    /// Success is not recorded over an invalid index that the migration was to create; what else is left is told.
    async fn notice(&self, migration: &Migration, analyses: &[Analysis]) -> Result<(), ApplyError> {
        let now = leftovers(self.session)
            .await
            .map_err(|error| lost(&error))?;
        let created: Vec<&str> = analyses
            .iter()
            .flat_map(|analysis| &analysis.creates)
            .map(|name| name.name.as_str())
            .collect();
        let broken = now.iter().find(|leftover| {
            leftover.index && !leftover.partitioned && created.contains(&leftover.plain.as_str())
        });
        if let Some(broken) = broken {
            return Err(ApplyError::Failed(format!(
                "{}: {broken}; all its statements ran, and it is not recorded: dbctl repair --service {} mends it",
                migration.file, self.options.service
            )));
        }
        for leftover in new(now, &self.leftovers) {
            (self.observer)(Event::Noticed {
                file: migration.file.clone(),
                what: leftover.to_string(),
            });
        }
        Ok(())
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

    /// What the server's refusal has left: nothing, or something that can be taken away, or nobody knows. An error, unless there is
    /// time for another try; true when mending has finished the statement.
    async fn failed(
        &self,
        alone: &Alone<'_>,
        before: &[u32],
        failure: Failure,
        started: Instant,
        pause: &mut Duration,
    ) -> Result<bool, ApplyError> {
        let migration = alone.migration;
        let (step, error) = match failure {
            Failure::Driver { step, error, .. } => (step, error),
            Failure::Unfit { reason, .. } | Failure::Disturbed(reason) => {
                return Err(ApplyError::Refused(format!("{}: {reason}", migration.file)));
            }
        };
        if ends_session(&error) || self.session.client.is_closed() {
            return Err(ApplyError::Unreachable(broken_text(
                migration, step, &error,
            )));
        }
        let cleaned = self
            .clean_up(alone, before, was_denied(alone, &error))
            .await?;
        // It may have come while what a lock conflict has left was taken away.
        let interrupted_now = *self.options.interrupt.borrow()
            && (error.code() == Some(&SqlState::QUERY_CANCELED) || is_lock_conflict(&error));
        let file = &migration.file;
        match cleaned {
            Cleaned::Finished => self.done(alone, before.to_vec()).await.map(|()| true),
            Cleaned::Nothing if interrupted_now => Err(interrupted(migration)),
            Cleaned::Left(state) if interrupted_now => Err(ApplyError::Interrupted(format!(
                "{file}: interrupted; {state}"
            ))),
            Cleaned::Nothing if is_lock_conflict(&error) => {
                let reason = self.with_blockers(describe(&error));
                self.pause(migration, started, pause, reason, &alone.state())
                    .await
                    .map(|()| false)
            }
            Cleaned::Nothing => Err(ApplyError::Failed(failure_text(
                migration,
                step,
                &error,
                0,
                &alone.state(),
            ))),
            Cleaned::Left(state) => {
                let text = failure_text(migration, step, &error, 0, &state);
                Err(match is_lock_conflict(&error) {
                    true => ApplyError::Locked(text),
                    false => ApplyError::Failed(text),
                })
            }
        }
    }

    /// Takes away what a statement that the server has refused has left, and forgets it. One that was `denied` has done nothing.
    async fn clean_up(
        &self,
        alone: &Alone<'_>,
        before: &[u32],
        denied: bool,
    ) -> Result<Cleaned, ApplyError> {
        // The settings of the statement may have been what it failed by.
        self.session.reset().await.map_err(|error| lost(&error))?;
        if denied {
            self.forget(alone).await?;
            return Ok(Cleaned::Nothing);
        }
        let detaching = matches!(alone.fate, Fate::Detached { .. });
        let mut mended = false;
        for _ in 0..MENDINGS {
            match self.outcome(alone, before).await? {
                // A partition that was half detached is finished, not put back.
                Outcome::Ran if detaching && mended => return Ok(Cleaned::Finished),
                // What is there although the server refused the statement was there before.
                Outcome::NotRun | Outcome::Ran => {
                    self.forget(alone).await?;
                    return Ok(Cleaned::Nothing);
                }
                Outcome::CutOff { left, mend } => {
                    if let Err(error) = self.mend(alone, &left, &mend).await {
                        return Ok(Cleaned::Left(format!(
                            "it has left {left}, which could not be taken away now ({error}); the next run takes it away"
                        )));
                    }
                    mended = true;
                }
                Outcome::Unknown => {
                    return Ok(Cleaned::Left(format!(
                        "what this statement left is not known, for no transaction protects it; {}; \
                         look, and say it with dbctl repair --service {} and --ran or --not-run",
                        ran_before(alone.number),
                        self.options.service
                    )));
                }
            }
        }
        Ok(Cleaned::Left(
            "what it left could not be taken away".to_owned(),
        ))
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

    /// Takes away what a statement that was cut off has left.
    async fn mend(&self, alone: &Alone<'_>, left: &str, mend: &[String]) -> Result<(), ApplyError> {
        let (client, file) = (&self.session.client, &alone.migration.file);
        (self.observer)(Event::Mending {
            file: file.clone(),
            what: left.to_owned(),
        });
        // Who wants to end the run does not wait for somebody's old transaction: the next run takes away what is left.
        let ending = *self.options.interrupt.borrow();
        let limit = match ending {
            true => FAREWELL / 2,
            false => self.options.lock_timeout.max(Duration::from_secs(1)),
        };
        client
            .batch_execute(&self.settings("SET", limit).join(";"))
            .await
            .map_err(|error| lost(&error))?;
        for sql in mend {
            let mending = client.batch_execute(sql);
            let mended = match ending {
                true => mending.await,
                false => match self.or_cancel(self.session, mending).await {
                    Some(mended) => mended,
                    None => return Err(deaf(alone.migration)),
                },
            };
            mended.map_err(|error| {
                if error.code() == Some(&SqlState::QUERY_CANCELED)
                    && *self.options.interrupt.borrow()
                {
                    return interrupted(alone.migration);
                }
                let text = format!("{file}: {left} is to be taken away first: {sql}");
                match is_lock_conflict(&error) {
                    true => ApplyError::Locked(format!(
                        "{text}: {}",
                        self.with_blockers(describe(&error))
                    )),
                    false => ApplyError::Failed(format!("{text}: {}", describe(&error))),
                }
            })?;
        }
        Ok(())
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

/// Whether the role may not do what the statement does. Of a subscription that is asked before the other server is (PostgreSQL
/// documentation, "CREATE SUBSCRIPTION").
fn was_denied(alone: &Alone<'_>, error: &tokio_postgres::Error) -> bool {
    matches!(alone.fate, Fate::Subscription)
        && error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
}
