//! `dbctl rollback`: looks at one service's database read-only, then takes it down to an older version.

use std::time::{Duration, Instant};

use super::entrance::{contradicts_role, not_entered};
use super::guard::refused_by_marks;
use super::{Interrupt, Loaded, LoadedService};
use crate::manifest::{Endpoint, Target};
use crate::migration::guard::{self, Party};
use crate::migration::masked::without_secrets;
use crate::migration::{Owned, Rollback, Set, Yardstick, unfinished_refusal};
use crate::postgres::inspect::{self, Marks};
use crate::postgres::{
    ApplyError, DriverError, Event, Looking, Purpose, RollbackError, RollbackOptions, Session,
    connect, rollback, snapshot, standby, unfinished,
};
use crate::report::rollback::{Loss, Outcome, Planned, Report, RolledBack};

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The version to be at afterwards; 0 takes back everything.
    pub target: i32,
    /// Commit although data is lost.
    pub allow_data_loss: bool,
    /// Print the scripts and change nothing.
    pub dry_run: bool,
    /// How long to wait for another runner and for locked tables.
    pub lock_timeout: Duration,
    /// How long one statement may run.
    pub statement_timeout: Option<Duration>,
}

/// Why nothing was rolled back: how the run ended, and the sentence.
type Ended = (Outcome, String);

/// Rolls back one service's database.
pub async fn run(
    loaded: &Loaded<'_>,
    service: &LoadedService<'_>,
    options: &Options,
    observer: &(dyn Fn(&str, Event) + Sync),
    interrupt: &Interrupt,
) -> Report {
    let started = Instant::now();
    let mut report = blank(service, options);
    let rolling = async {
        let task = Task::new(loaded, service, options)?;
        task.run(observer, interrupt, &mut report).await
    };
    if let Err((outcome, error)) = rolling.await {
        report.outcome = outcome;
        report.error = Some(error);
    }
    report.took = started.elapsed();
    report
}

fn blank(loaded: &LoadedService<'_>, options: &Options) -> Report {
    let service = loaded.service;
    Report {
        dry_run: options.dry_run,
        name: service.name.clone(),
        store: service.store.as_str(),
        database: service.database_name().to_owned(),
        address: service.endpoint().map(Endpoint::address),
        target: options.target,
        from: None,
        outcome: Outcome::AtTarget,
        planned: Vec::new(),
        rolled_back: Vec::new(),
        losses: Vec::new(),
        note: None,
        error: None,
        took: Duration::ZERO,
    }
}

/// One service's database that is to be rolled back.
struct Task<'a> {
    own: Party<'a>,
    others: Vec<Party<'a>>,
    set: &'a Set,
    endpoint: &'a Endpoint,
    /// That another service of the system has the same database, if so.
    shared: Option<String>,
    /// An administrator's way in, who may know where a standby's primary is.
    admin: Option<&'a Endpoint>,
    options: &'a Options,
}

impl<'a> Task<'a> {
    /// The set and the database, if the service has both.
    fn new(
        loaded: &'a Loaded<'_>,
        service: &'a LoadedService<'_>,
        options: &'a Options,
    ) -> Result<Self, Ended> {
        let name = &service.service.name;
        let refused = |reason: &str| {
            let reason = format!("{name} {reason}: there is nothing to roll back");
            Err((Outcome::Refused, reason))
        };
        let endpoint = match &service.service.target {
            Target::Files => return refused("has no SQL database"),
            Target::NotConfigured { .. } => {
                return refused("is not configured (single-user mode)");
            }
            Target::Database(endpoint) => &endpoint.value,
        };
        if !service.is_migrated() {
            return refused("migrates itself, dbctl leaves it alone");
        }
        let set = match &service.set {
            Some(Ok(set)) => set,
            Some(Err(error)) => return Err((Outcome::BadSet, error.to_string())),
            None => return Err((Outcome::BadSet, format!("{name} has no migration set"))),
        };
        // Without what it holds, a down script would run without the guards that it gives.
        if let Some(problem) = service.bad_lock() {
            return Err((Outcome::BadSet, problem));
        }
        let (own, others) = (service.party(), loaded.others(name));
        Ok(Self {
            own,
            others,
            set,
            endpoint,
            shared: loaded.manifest.shared_database(service.service),
            admin: service.service.admin_endpoint(),
            options,
        })
    }

    async fn run(
        &self,
        observer: &(dyn Fn(&str, Event) + Sync),
        interrupt: &Interrupt,
        report: &mut Report,
    ) -> Result<(), Ended> {
        let unchanged = || {
            let what = "interrupted before anything was changed".to_owned();
            (Outcome::Interrupted, what)
        };
        let plan = tokio::select! {
            looked = self.look_patiently(observer) => looked?,
            () = interrupt.wait() => return Err(unchanged()),
        };
        report.from = Some(plan.from);
        report.planned = planned(&plan);
        if plan.steps.is_empty() {
            return Ok(());
        }
        if self.options.dry_run {
            report.outcome = Outcome::Planned;
            return Ok(());
        }
        let mut session = tokio::select! {
            session = self.session(Purpose::Write) => session?,
            () = interrupt.wait() => return Err(unchanged()),
        };
        let options = RollbackOptions {
            service: self.own.service.to_owned(),
            owned: Owned::new(self.own, &self.others),
            target: self.options.target,
            allow_data_loss: self.options.allow_data_loss,
            lock_timeout: self.options.lock_timeout,
            statement_timeout: self.options.statement_timeout,
            endpoint: self.endpoint.clone(),
            application: self.application(),
            interrupt: interrupt.receiver(),
        };
        let check = |marks: &Marks| refused_by_marks(self.own, &self.others, marks);
        let observe = |event| observer(self.own.service, event);
        let yardstick = Yardstick {
            set: self.set,
            lock: self.own.lock.get(),
        };
        let result = rollback(
            &mut session,
            self.set,
            &options,
            &check,
            Some(yardstick),
            &observe,
        )
        .await;
        session.close().await;
        settle(result, report)
    }

    fn application(&self) -> String {
        format!("dbctl rollback {}", self.own.service)
    }

    async fn session(&self, purpose: Purpose) -> Result<Session, Ended> {
        connect(self.endpoint, purpose, &self.application())
            .await
            .map_err(|error| {
                let reason = not_entered(
                    self.own,
                    &self.others,
                    self.endpoint,
                    self.shared.clone(),
                    error,
                );
                (Outcome::Unreachable, reason)
            })
    }

    /// As [`Task::look`], again and again while somebody holds a lock that even a reader of the catalog waits for.
    async fn look_patiently(
        &self,
        observer: &(dyn Fn(&str, Event) + Sync),
    ) -> Result<Rollback, Ended> {
        let started = Instant::now();
        loop {
            let left = self.options.lock_timeout.saturating_sub(started.elapsed());
            match self.look(left, observer).await {
                Err((Outcome::Locked, _)) if started.elapsed() < self.options.lock_timeout => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                other => return other,
            }
        }
    }

    /// Looks at the database in a read-only session: whose it is, what is applied, whether it can be rolled back.
    async fn look(
        &self,
        patience: Duration,
        observer: &(dyn Fn(&str, Event) + Sync),
    ) -> Result<Rollback, Ended> {
        let session = self.session(Purpose::Read).await?;
        let application = self.application();
        let session = standby::or_primary(session, self.endpoint, &application).await;
        let tell = |holder: &str| {
            let holder = holder.to_owned();
            observer(self.own.service, Event::WaitingForLock { holder });
        };
        let looking = Looking {
            endpoint: self.endpoint,
            application: &application,
            patience: Some(patience),
            tell: &tell,
        };
        let looked = looking.at(&session, self.inspected(&session)).await;
        session.close().await;
        looked.map_err(|unread| unread.ended(Outcome::Locked, Outcome::Unreachable))?
    }

    /// The part of [`Task::look`] that talks to the server. The outer error is the driver's.
    async fn inspected(&self, session: &Session) -> Result<Result<Rollback, Ended>, DriverError> {
        let refused = |reason: String| {
            let reason = format!("{reason}; nothing was changed");
            Ok(Err((Outcome::Refused, reason)))
        };
        if let Some(wrong) = contradicts_role(self.own, &self.others, self.endpoint) {
            return refused(wrong.reason);
        }
        let marks = inspect::marks(session).await?;
        if let Some(reason) = refused_by_marks(self.own, &self.others, &marks) {
            return refused(reason);
        }
        let closed = |reason: String| {
            let reason = format!("{reason}; nothing was changed");
            Err((Outcome::Unreachable, reason))
        };
        if let Some(reason) = standby::refusal(session, self.endpoint, self.admin).await? {
            return Ok(closed(reason));
        }
        let plan = match Rollback::new(self.set, &marks.history, self.options.target) {
            Ok(plan) => plan,
            Err(reason) => return refused(reason),
        };
        let unfinished = unfinished::versions(session).await?;
        if let Some(reason) = unfinished_refusal(self.own.service, unfinished.as_deref()) {
            return refused(reason);
        }
        // "At the target" is said of what dbctl has migrated, not of tables that it knows nothing of.
        if plan.from == 0 && inspect::has_relations(session).await? {
            let snapshot = Box::pin(snapshot(session, None)).await?;
            let (own, others) = (self.own, &self.others);
            if let Some(reason) = guard::refusal(own, others, &snapshot, false) {
                return refused(reason);
            }
        }
        if plan.steps.is_empty() {
            return Ok(Ok(plan));
        }
        let shown = self.endpoint.display();
        let abilities = inspect::abilities(session).await?;
        Ok(match inspect::frozen(abilities, self.endpoint) {
            Some(reason) => closed(format!("{shown}: {reason}")),
            None => Ok(plan),
        })
    }
}

fn planned(plan: &Rollback) -> Vec<Planned> {
    let steps = plan.steps.iter();
    steps
        .map(|step| Planned {
            version: step.migration.version,
            name: step.migration.name.clone(),
            file: step.down.file.clone(),
            sql: without_secrets(&step.down.sql),
        })
        .collect()
}

/// Writes into the report what became of the run.
fn settle(
    result: Result<crate::postgres::RolledBack, RollbackError>,
    report: &mut Report,
) -> Result<(), Ended> {
    let losses = |losses: Vec<crate::postgres::Loss>| {
        let losses = losses.into_iter();
        losses
            .map(|loss| Loss {
                object: loss.object,
                reason: loss.reason,
            })
            .collect()
    };
    match result {
        Ok(done) => {
            report.planned.clear();
            report.losses = losses(done.losses);
            report.note = done.note;
            let migrations = done.migrations.into_iter();
            report.rolled_back = migrations
                .map(|(migration, took)| RolledBack {
                    version: migration.version,
                    name: migration.name,
                    took,
                })
                .collect();
            // Another runner may have been there between the look and the lock.
            if !report.rolled_back.is_empty() {
                report.outcome = Outcome::RolledBack;
            }
            Ok(())
        }
        Err(error @ RollbackError::DataLoss { .. }) => {
            let text = format!(
                "{error}; make a backup, then run it again with --allow-data-loss if the data may go"
            );
            if let RollbackError::DataLoss { losses: lost, .. } = error {
                report.losses = losses(lost);
            }
            Err((Outcome::DataLoss, text))
        }
        Err(RollbackError::Run(error)) => {
            let outcome = match error {
                ApplyError::Locked(_) => Outcome::Locked,
                ApplyError::Refused(_) => Outcome::Refused,
                ApplyError::Failed(_) => Outcome::Failed,
                ApplyError::Unreachable(_) => Outcome::Unreachable,
                ApplyError::Interrupted(_) => Outcome::Interrupted,
            };
            let text = match outcome {
                Outcome::Refused => format!("{error}; nothing was changed"),
                _ => error.to_string(),
            };
            Err((outcome, text))
        }
    }
}
