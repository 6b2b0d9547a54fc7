//! Several migrations in one transaction, where nobody can feel it: in a database that held nothing when the run began. Its tables are
//! this run's own, so no reader waits longer for their locks, and two hundred commits become a dozen.
//!
//! Only what succeeds is done so. Whatever goes wrong is rolled back and left to one transaction for each migration, which keeps what
//! comes before the fault and names it.

use std::time::{Duration, Instant};

use super::super::error::ends_session;
use super::super::session::Session;
use super::failure::{Failure, Step, broken_text, interrupted};
use super::guarded::Guarded;
use super::leftovers::ANY_LEFTOVER;
use super::message::Message;
use super::transaction::{FIRST_WAIT, deaf};
use super::{ApplyError, Event, books, lost};
use crate::migration::analysis::can_share_a_transaction;
use crate::migration::{Migration, Mode};

/// The most migrations in one transaction.
const MOST: usize = 25;

/// The most of their text, in bytes.
const MOST_TEXT: usize = 64 << 10;

impl Guarded<'_> {
    /// Applies as many of the next migrations as fit into one transaction. Returns how many that were: with none, the next is applied
    /// alone. `records` are the statements that record them.
    pub(super) async fn group(&mut self, records: &[&str]) -> Result<usize, ApplyError> {
        let mut room = MOST_TEXT;
        let mut brought = self.brought;
        let group: Vec<Migration> = self
            .pending
            .iter()
            .take(records.len().min(MOST))
            .take_while(|migration| {
                let fits = room.checked_sub(migration.sql.len());
                room = fits.unwrap_or(0);
                let allowed = brought.allows(&migration.sql);
                brought = brought.with(&migration.sql);
                fits.is_some()
                    && migration.mode == Mode::Transaction
                    && can_share_a_transaction(&migration.sql)
                    && allowed
            })
            .cloned()
            .collect();
        let (Some(first), Some(last), true) = (group.first(), group.last(), group.len() > 1) else {
            return Ok(0);
        };
        // What messages name.
        let mut whole = first.clone();
        whole.file = format!("{} to {}", first.file, last.file);
        if *self.options.interrupt.borrow() {
            return Err(interrupted(&whole));
        }
        if !self.applied.is_empty() {
            let books = self.foreign.find_books(self.session).await;
            books.map_err(|error| lost(&error))?;
        }
        (self.observer)(Event::Started {
            file: first.file.clone(),
        });
        let started = Instant::now();
        let records = records.get(..group.len()).unwrap_or_default();
        self.watch.forget();
        let attempt = Box::pin(self.attempt_group(self.session, &group, records));
        let attempt = self.watch.over(attempt);
        let fit = match self.or_cancel(self.session, attempt).await {
            None => return Err(deaf(&whole)),
            Some(Ok(fit)) => fit,
            Some(Err(Failure::Driver { step, error, .. })) => {
                if ends_session(&error) || self.session.client.is_closed() {
                    return Err(self.broken(&whole, step, &error));
                }
                false
            }
            Some(Err(Failure::Unfit { .. } | Failure::Disturbed(_))) => false,
        };
        if !fit {
            if let Err(error) = self.session.client.batch_execute("ROLLBACK").await {
                let text = broken_text(&whole, Step::Own, &error);
                return Err(ApplyError::Unreachable(text));
            }
            if *self.options.interrupt.borrow() {
                return Err(interrupted(&whole));
            }
            self.alone = group.len();
            return Ok(0);
        }
        let done = group.len();
        let took = started.elapsed() / u32::try_from(done).unwrap_or(u32::MAX);
        for (number, migration) in group.into_iter().enumerate() {
            self.pending.pop_front();
            if number > 0 {
                (self.observer)(Event::Started {
                    file: migration.file.clone(),
                });
            }
            self.applied(migration, took);
        }
        Ok(done)
    }

    /// Writes down that a migration was committed.
    pub(super) fn applied(&mut self, migration: Migration, took: Duration) {
        (self.observer)(Event::Applied {
            file: migration.file.clone(),
            took,
        });
        // The interrupt has ended the wait, and nothing else.
        if self.watch.awaited_standby() && *self.options.interrupt.borrow() {
            (self.observer)(Event::Noticed {
                file: migration.file.clone(),
                what: "committed on this server alone: the wait for its standbys was interrupted, and they may not have it yet"
                    .to_owned(),
            });
        }
        // Only the transactions of several migrations ask for it.
        if self.may_group {
            self.brought = self.brought.with(&migration.sql);
        }
        let checksum = migration.checksum.to_string();
        self.known.push(i64::from(migration.version), &checksum);
        self.applied.push((migration, took));
    }

    /// Everything in one message, and the COMMIT once every answer was looked at. Returns whether it was committed.
    async fn attempt_group(
        &self,
        session: &Session,
        group: &[Migration],
        records: &[&str],
    ) -> Result<bool, Failure> {
        let mut before = vec!["BEGIN".to_owned()];
        before.extend(self.settings("SET LOCAL", FIRST_WAIT));
        // Each begins as it would alone. In a database that holds no code of its own nothing changes a setting unseen.
        let brought = (group.iter()).fold(self.brought, |all, migration| all.with(&migration.sql));
        let settings = match brought.code {
            true => format!(
                "{};{};",
                session.resetting(),
                self.settings("SET LOCAL", FIRST_WAIT).join(";")
            ),
            false => String::new(),
        };
        let between = format!("\n;SET CONSTRAINTS ALL IMMEDIATE;{settings}");
        let texts: Vec<&str> = group
            .iter()
            .map(|migration| migration.sql.as_str())
            .collect();
        let mut after = vec!["SET CONSTRAINTS ALL IMMEDIATE".to_owned()];
        after.extend(books::OWN_SETTINGS.map(str::to_owned));
        let mut ask = |sql: String| {
            after.push(sql);
            after.len() - 1
        };
        let touched = ask(self.foreign.touched_sql());
        let leftover = ask(ANY_LEFTOVER.to_owned());
        let stamp = (self.options.service.as_str(), self.set.name.as_str());
        for sql in books::open(self.applied.is_empty().then_some(stamp)) {
            ask(sql);
        }
        let history = ask(books::HISTORY.to_owned());
        for record in records {
            ask((*record).to_owned());
        }
        let versions: Vec<String> = group
            .iter()
            .map(|migration| migration.version.to_string())
            .collect();
        let kept = ask(books::keeps(&versions.join(", ")));
        let written = group.iter().map(|migration| {
            let checksum = migration.checksum.to_string();
            books::kept(migration.version.into(), &migration.name, &checksum)
        });
        let written = written.collect::<Vec<_>>().join(",");
        let message = Message {
            before,
            own: &texts.join(&between),
            number: 0,
            after,
        };
        let (reset, answers) = futures::join!(session.reset(), message.run(session));
        reset.map_err(Failure::own)?;
        if let Some(failure) = answers.failure {
            return Err(failure);
        }
        let is = |statement, column, expected| answers.text(statement, column) == Some(expected);
        let is_known = answers
            .text(history, "history")
            .is_some_and(|now| self.known.compare(now).is_ok());
        let fit = is_known
            && answers.text(touched, "touched").is_none()
            && is(touched, "locked", "t")
            && is(leftover, "leftover", "f")
            && is(kept, "kept", &written);
        if fit {
            if is(touched, "deferrable", "t") {
                self.settle(session, FIRST_WAIT).await?;
            }
            let commit = session.client.batch_execute("COMMIT").await;
            commit.map_err(Failure::at(Step::Commit))?;
        }
        Ok(fit)
    }
}
