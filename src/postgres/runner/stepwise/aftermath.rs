//! What a statement outside a transaction has left when the server refused it or it was cut off, and how that is taken away.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;

use super::super::super::error::{describe, ends_session};
use super::super::super::inspect::is_lock_conflict;
use super::super::causes::causes;
use super::super::failure::{Failure, broken_text, failure_text, interrupted};
use super::super::fate::{Outcome, starts_with};
use super::super::guarded::Guarded;
use super::super::taking_away::take_away;
use super::super::transaction::{deaf, ran_before};
use super::super::{ApplyError, Event, FAREWELL, lost};
use super::{Alone, MENDINGS};
use crate::migration::Fate;

/// What is left of a statement that the server has refused.
enum Cleaned {
    /// Nothing.
    Nothing,
    /// Mending it has finished it.
    Finished,
    /// Something, or nobody knows: the sentence that says so.
    Left(String),
}

impl Guarded<'_> {
    /// What the server's refusal has left: nothing, or something that can be taken away, or nobody knows. An error, unless there is
    /// time for another try; true when mending has finished the statement.
    pub(super) async fn failed(
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
            .clean_up(alone, before, did_nothing(alone, &error))
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
            Cleaned::Nothing => {
                let state = alone.state();
                let text = failure_text(migration, step, &error, 0, &state, self.options);
                let why = causes(self.session, &error).await;
                Err(ApplyError::Failed(format!("{text}{why}")))
            }
            Cleaned::Left(state) => {
                let text = failure_text(migration, step, &error, 0, &state, self.options);
                let text = format!("{text}{}", causes(self.session, &error).await);
                Err(match is_lock_conflict(&error) {
                    true => ApplyError::Locked(text),
                    false => ApplyError::Failed(text),
                })
            }
        }
    }

    /// Takes away what a statement that the server has refused has left, and forgets it. Where it `did_nothing` there is nothing to look for.
    async fn clean_up(
        &self,
        alone: &Alone<'_>,
        before: &[u32],
        did_nothing: bool,
    ) -> Result<Cleaned, ApplyError> {
        // The settings of the statement may have been what it failed by.
        self.session.reset().await.map_err(|error| lost(&error))?;
        if did_nothing {
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
                    let result = self.mend(alone, &left, &mend).await;
                    if let Err(error) = result {
                        if matches!(error, ApplyError::Unreachable(_)) {
                            return Err(error);
                        }
                        let next = match error {
                            ApplyError::Failed(_) => "the next run goes on when it is gone",
                            _ => "the next run takes it away",
                        };
                        return Ok(Cleaned::Left(format!(
                            "it has left {left}, which could not be taken away now ({error}); {next}"
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

    /// Takes away what a statement that was cut off has left.
    pub(super) async fn mend(
        &self,
        alone: &Alone<'_>,
        left: &str,
        mend: &[String],
    ) -> Result<(), ApplyError> {
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
            let mending = take_away(client, sql);
            let mended = match ending {
                true => mending.await,
                // Of a mending that waits in vain the next step is to end who blocks it.
                false => match self
                    .or_cancel(self.session, self.watch.over(Box::pin(mending)))
                    .await
                {
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
                if ends_session(&error) || client.is_closed() {
                    return ApplyError::Unreachable(format!(
                        "{text}: the connection broke: {}; the next run takes it away",
                        describe(&error)
                    ));
                }
                // Schema pg_toast is closed even to who owns what is in it.
                if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
                    let without = match sql.contains(" pg_toast.") {
                        true => format!(
                            ", or dbctl repair --service {} leaves it as it is, in nobody's way, and the next run goes on",
                            self.options.service
                        ),
                        false => String::new(),
                    };
                    return ApplyError::Failed(format!(
                        "{text}: {}; a superuser has to run that{without}",
                        describe(&error)
                    ));
                }
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
}

/// Whether a statement that the server has refused cannot have done anything. Whether a role may make a subscription is asked before the
/// other server is (PostgreSQL documentation, "CREATE SUBSCRIPTION").
fn did_nothing(alone: &Alone<'_>, error: &tokio_postgres::Error) -> bool {
    match alone.fate {
        Fate::AllOrNothing => true,
        Fate::Subscription => {
            // Once the other server is reached and holds a slot, nothing is asked of it any more.
            let unreached = error.code() == Some(&SqlState::CONNECTION_FAILURE);
            error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
                || unreached && starts_with(&alone.analysis.text, "CREATE")
        }
        _ => false,
    }
}
