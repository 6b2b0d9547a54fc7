//! The transaction of a rollback: attempted until no lock stands in its way, and ended as what it found says.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::super::super::blockers::Watch;
use super::super::super::catalog;
use super::super::super::error::{describe, ends_session};
use super::super::super::inspect::{self, is_lock_conflict};
use super::super::super::session::Session;
use super::super::cancel::or_cancel;
use super::super::causes::causes;
use super::super::footprint::{BOOKS, Foreign};
use super::super::lock::{jitter, raised};
use super::super::set_back::{Way, left};
use super::super::settle::{ENDLESS, settle};
use super::super::touched::foreign_text;
use super::super::transaction::FIRST_WAIT;
use super::super::{ApplyError, Event, history_table, lost};
use super::loss::{State, losses};
use super::statement::{self, Failure};
use super::values::Values;
use super::views::Views;
use super::{RollbackError, RollbackOptions, RolledBack};
use crate::migration::{Rollback, Yardstick};

/// The longest that one attempt waits for a lock.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The search path of dbctl's own queries: a temporary table of a script's must not come before the catalog.
const OWN_PATH: &str = "pg_catalog, pg_temp";

/// What an attempt came to before its COMMIT.
#[derive(Default)]
struct Done {
    rolled_back: RolledBack,
    /// Versions above the target that the history holds all the same.
    left: Vec<i64>,
    /// What the scripts wrote to although it is not the service's.
    touched: Vec<String>,
    /// Materialized views that are gone and must be looked into before the scripts run.
    unknown: BTreeSet<u32>,
    /// How the catalog differs from that of the target.
    differs: Option<String>,
    /// That something is left for the COMMIT to run, which nobody could look at.
    endless: bool,
}

/// One rollback.
pub(super) struct Run<'a> {
    pub(super) session: &'a Session,
    pub(super) watch: Watch<'a>,
    pub(super) options: &'a RollbackOptions,
    pub(super) observer: &'a (dyn Fn(Event) + Sync),
    pub(super) rollback: &'a Rollback,
    pub(super) yardstick: Option<Yardstick<'a>>,
    pub(super) foreign: &'a Foreign,
    pub(super) started: Instant,
}

impl Run<'_> {
    /// Tries again and again while others hold locks, until the lock timeout.
    pub(super) async fn until_unlocked(&self) -> Result<RolledBack, RollbackError> {
        let client = &self.session.client;
        let (mut pause, mut wait) = (Duration::from_millis(100), FIRST_WAIT);
        let mut views = BTreeSet::new();
        loop {
            self.watch.forget();
            let mut values = None;
            let attempt = self.watch.over(self.attempt(wait, &views, &mut values));
            let attempt = or_cancel(self.session, &self.options.interrupt, attempt);
            let Some(attempt) = attempt.await else {
                return Err(self.interrupted(&format!(
                    "interrupted; the server does not answer: the connection was closed, and the server rolls back what was not \
                     committed; dbctl status tells{}",
                    left(values.as_ref())
                )));
            };
            let failure = match attempt {
                Ok(done) if !done.unknown.is_empty() => {
                    // Once more, since to run their queries after the scripts is too late.
                    client
                        .batch_execute("ROLLBACK")
                        .await
                        .map_err(|error| lost(&error))?;
                    put_back(client, values).await?;
                    views.extend(done.unknown);
                    continue;
                }
                Ok(done) => return self.end(done, values).await,
                Err(failure) => failure,
            };
            let error = &failure.error;
            if ends_session(error)
                || client.is_closed()
                || client.batch_execute("ROLLBACK").await.is_err()
            {
                let sequences = self.put_back_anew(values.as_ref()).await;
                return Err(ApplyError::Unreachable(format!(
                    "the connection broke: {}; the server rolls everything back: {}{sequences}",
                    failure.text(),
                    self.still()
                ))
                .into());
            }
            // Before the next attempt takes them for what they were.
            put_back(client, values).await?;
            if error.code() == Some(&SqlState::QUERY_CANCELED) && *self.options.interrupt.borrow() {
                return Err(self.interrupted(&format!("interrupted; {}", self.nothing())));
            }
            if !is_lock_conflict(error) {
                let why = causes(self.session, error).await;
                return Err(self.failed(&format!("{}{why}", failure.text())));
            }
            if self.started.elapsed() + pause >= self.options.lock_timeout {
                return Err(ApplyError::Locked(format!(
                    "{}; {}; try again when the table is free, or raise --lock-timeout",
                    self.watch.with_blockers(failure.text()),
                    self.nothing()
                ))
                .into());
            }
            (self.observer)(Event::Retrying {
                file: "the rollback".to_owned(),
                reason: self.watch.with_blockers(describe(error)),
            });
            tokio::select! {
                () = tokio::time::sleep(jitter(pause)) => {}
                () = raised(&self.options.interrupt) => {
                    return Err(self.interrupted(&format!("interrupted; {}", self.nothing())));
                }
            }
            pause = (pause * 2).min(Duration::from_secs(5));
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        }
    }

    /// Commits, unless something speaks against it.
    async fn end(&self, done: Done, values: Option<Values>) -> Result<RolledBack, RollbackError> {
        let client = &self.session.client;
        let Done {
            rolled_back,
            left,
            touched,
            unknown: _,
            differs,
            endless,
        } = done;
        let losing = !rolled_back.losses.is_empty() && !self.options.allow_data_loss;
        let against = if *self.options.interrupt.borrow() {
            Some(self.interrupted(&format!("interrupted; {}", self.nothing())))
        } else if !left.is_empty() {
            Some(self.failed(&format!(
                "{} still holds version {} after its row was deleted: see what triggers or rules it has",
                history_table(),
                list(&left)
            )))
        } else if !touched.is_empty() {
            Some(self.failed(&foreign_text(&touched, &self.options.service)))
        } else if endless {
            Some(self.failed(ENDLESS))
        } else if losing {
            Some(RollbackError::DataLoss {
                from: self.rollback.from,
                losses: rolled_back.losses.clone(),
            })
        } else if let Some(differs) = differs {
            let scripts: Vec<&str> = self
                .rollback
                .steps
                .iter()
                .map(|step| step.down.file.as_str())
                .collect();
            let place = match self.options.target {
                0 => "of an empty database".to_owned(),
                version => format!("of version {version}"),
            };
            Some(self.failed(&format!(
                "after {} the catalog is not that {place}: {differs}; mend the script, and let dbctl lock --service {} prove it",
                scripts.join(", "),
                self.options.service
            )))
        } else {
            None
        };
        if let Some(against) = against {
            client
                .batch_execute("ROLLBACK")
                .await
                .map_err(|error| lost(&error))?;
            put_back(client, values).await?;
            return Err(against);
        }
        match client.batch_execute("COMMIT").await {
            Ok(()) => Ok(rolled_back),
            Err(error) if ends_session(&error) || client.is_closed() => {
                let sequences = self.put_back_anew(values.as_ref()).await;
                Err(ApplyError::Unreachable(format!(
                    "the connection broke at COMMIT: {}; dbctl status tells whether it was committed{sequences}",
                    describe(&error)
                ))
                .into())
            }
            Err(error) => {
                put_back(client, values).await?;
                Err(self.failed(&format!("at COMMIT: {}", describe(&error))))
            }
        }
    }

    /// Everything but the COMMIT.
    async fn attempt(
        &self,
        wait: Duration,
        views: &BTreeSet<u32>,
        kept: &mut Option<Values>,
    ) -> Result<Done, Failure> {
        let client = &self.session.client;
        self.session.reset().await?;
        client.batch_execute("BEGIN").await?;
        self.settings(OWN_PATH, wait).await?;
        let before = State::before(client).await?;
        let views = Views::read(client, views).await?;
        let values = &*kept.insert(Values::read(client).await?);
        let known = match self.yardstick {
            Some(yardstick) => {
                let snapshot = Box::pin(catalog::read(client, None)).await?;
                Some((yardstick, yardstick.before(snapshot, self.rollback.from)))
            }
            None => None,
        };
        let mut migrations = Vec::new();
        for step in &self.rollback.steps {
            let started = Instant::now();
            (self.observer)(Event::Started {
                file: step.down.file.clone(),
            });
            self.settings("public", wait).await?;
            statement::run(client, &step.down.file, &step.down.sql).await?;
            migrations.push((step.migration.clone(), started.elapsed()));
        }
        // As the COMMIT would run it: where the scripts have left the settings.
        let mut settled = settle(client).await.map_err(at_commit)?;
        self.settings(OWN_PATH, wait).await?;
        // Before dbctl's own DELETE: until then a script alone can have written to the history.
        let mut touched = self.foreign.written(self.session).await?;
        if touched.is_empty() && settled {
            for step in &self.rollback.steps {
                let sql = format!(
                    "DELETE FROM {} WHERE version = {}",
                    history_table(),
                    step.migration.version
                );
                client.batch_execute(&sql).await?;
            }
            // Triggers of the history's may have done anything.
            settled &= settle(client).await.map_err(at_commit)?;
            self.settings(OWN_PATH, wait).await?;
            touched = self.foreign.written(self.session).await?;
            touched.retain(|one| one != BOOKS);
        }
        if !touched.is_empty() || !settled {
            return Ok(Done {
                touched,
                endless: !settled,
                ..Done::default()
            });
        }
        let unknown = views.unknown(client).await?;
        if !unknown.is_empty() {
            return Ok(Done {
                unknown,
                ..Done::default()
            });
        }
        let mut losses = losses(client, &before).await?;
        let now = Values::read(client).await?;
        losses.extend(values.losses(client, &now).await?);
        losses.extend(views.losses(client).await?);
        let history = inspect::marks(self.session).await?.history;
        let versions = history.rows.iter().map(|row| row.version);
        let left = versions.filter(|version| *version > i64::from(self.options.target));
        let left = left.collect();
        let (note, differs) = match known {
            Some((yardstick, before)) => {
                let snapshot = Box::pin(catalog::read(client, None)).await?;
                match yardstick.after(&before, snapshot, self.options.target) {
                    Ok(note) => (note, None),
                    Err(differs) => (None, Some(differs)),
                }
            }
            None => (None, None),
        };
        Ok(Done {
            rolled_back: RolledBack {
                migrations,
                losses,
                note,
            },
            left,
            touched,
            unknown: BTreeSet::new(),
            differs,
            endless: false,
        })
    }

    /// The settings for what comes next, whatever a script has set.
    async fn settings(
        &self,
        search_path: &str,
        wait: Duration,
    ) -> Result<(), tokio_postgres::Error> {
        let statement = self
            .options
            .statement_timeout
            .map_or(0, |limit| limit.as_millis().max(1));
        // Whoever waits for a table's lock makes all that come after wait too: the first attempt waits for a moment only.
        // The server takes 0 for no limit.
        let lock = self
            .options
            .lock_timeout
            .saturating_sub(self.started.elapsed())
            .min(wait)
            .max(Duration::from_millis(1));
        let sql = format!(
            "SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE NONE; SET LOCAL search_path = {search_path}; SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {statement}",
            lock.as_millis()
        );
        self.session.client.batch_execute(&sql).await
    }

    /// Where the session that ran the scripts is gone: unless it has committed.
    async fn put_back_anew(&self, values: Option<&Values>) -> String {
        let way = Way {
            endpoint: &self.options.endpoint,
            application: &self.options.application,
            lock_timeout: self.options.lock_timeout,
            interrupt: &self.options.interrupt,
            observer: self.observer,
        };
        let from = i64::from(self.rollback.from);
        Box::pin(way.put_back(values, |versions| versions.contains(&from))).await
    }

    fn failed(&self, what: &str) -> RollbackError {
        ApplyError::Failed(format!("{what}; {}", self.nothing())).into()
    }

    fn interrupted(&self, what: &str) -> RollbackError {
        ApplyError::Interrupted(what.to_owned()).into()
    }

    fn nothing(&self) -> String {
        format!("nothing was rolled back: {}", self.still())
    }

    fn still(&self) -> String {
        format!("the database is still at version {}", self.rollback.from)
    }
}

/// Puts sequences back that a script has set, in a transaction that was rolled back.
async fn put_back(client: &Client, values: Option<Values>) -> Result<(), RollbackError> {
    match values {
        Some(values) => Ok(values
            .put_back(client)
            .await
            .map_err(|error| lost(&error))?),
        None => Ok(()),
    }
}

/// Deferred triggers and constraints run as the COMMIT would run them.
fn at_commit(error: tokio_postgres::Error) -> Failure {
    Failure {
        place: Some("at COMMIT".to_owned()),
        ..error.into()
    }
}

/// Numbers as people list them.
fn list(versions: &[i64]) -> String {
    let versions: Vec<String> = versions.iter().map(i64::to_string).collect();
    versions.join(", ")
}
