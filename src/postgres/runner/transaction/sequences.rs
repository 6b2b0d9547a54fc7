//! What becomes of the sequences that a migration has set (`setval`), when it fails.

use super::super::super::session::Session;
use super::super::failure::{Step, broken_text};
use super::super::guarded::Guarded;
use super::super::rollback::Values;
use super::super::set_back::{Way, left};
use super::super::{ApplyError, lost};
use super::Body;
use crate::migration::Migration;

impl Guarded<'_> {
    /// Runs one transaction until it succeeds or fails for good. Sequences that its text sets are put back when it fails.
    pub(in crate::postgres::runner) async fn in_transaction(
        &self,
        session: &Session,
        body: Body<'_>,
    ) -> Result<(), ApplyError> {
        if !body.sets_sequences() {
            return self.again_and_again(session, body, None).await;
        }
        let values = Values::stand(&session.client).await;
        let values = values.map_err(|error| lost(&error))?;
        let error = match self.again_and_again(session, body, Some(&values)).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let ApplyError::Unreachable(what) = error else {
            return Err(error);
        };
        let way = Way {
            endpoint: &self.options.endpoint,
            application: &self.options.application,
            lock_timeout: self.options.lock_timeout,
            interrupt: &self.options.interrupt,
            observer: self.observer,
        };
        let version = i64::from(body.migration().version);
        let sequences = match body {
            Body::Whole { .. } => {
                let was_rolled_back = |versions: &[i64]| !versions.contains(&version);
                Box::pin(way.put_back(Some(&values), was_rolled_back)).await
            }
            // The history does not tell whether a single statement was committed.
            _ => left(Some(&values)),
        };
        Err(ApplyError::Unreachable(what + &sequences))
    }
}

/// Puts sequences back that a migration has set, in a transaction that was rolled back.
pub(super) async fn set_back(
    session: &Session,
    migration: &Migration,
    values: Option<&Values>,
) -> Result<(), ApplyError> {
    let Some(values) = values else {
        return Ok(());
    };
    let done = values.put_back(&session.client).await;
    done.map_err(|error| ApplyError::Unreachable(broken_text(migration, Step::Own, &error)))
}
