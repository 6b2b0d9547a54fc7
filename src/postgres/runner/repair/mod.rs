//! Mending what a failed migration without a transaction, a cancelled index build or an edited file has left.

mod absent;
mod alike;
mod indexes;
mod lost;
mod named;
mod rows;
mod statements;
mod unfinished;
mod word;
mod write;

use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::super::blockers::{SOON, Watch};
use super::super::error::{describe, ends_session};
use super::super::inspect::{self, Marks, is_lock_conflict};
use super::super::session::Session;
use super::cancel::or_cancel;
use super::footprint::Foreign;
use super::lock::{lock, unlock};
use super::progress;
use super::taking_away::take_away;
use super::{ApplyError, ApplyOptions, Event, lost};
use crate::migration::{Owned, Set};
use crate::snapshot::{Lock, Snapshot};

/// What to repair, and how.
#[derive(Debug)]
pub struct RepairOptions<'a> {
    /// Whose database it is, and how long to wait for locks.
    pub apply: ApplyOptions,
    /// The relations that the service's set accounts for.
    pub owned: Owned,
    /// The service's set.
    pub set: &'a Set,
    /// Its schema lock, where it was written from the set's present files.
    pub lock: Option<&'a Lock>,
    /// What the operator says of the one statement, or of the files that change rows alone, whose fate the catalog does not tell.
    pub word: Option<Word>,
    /// The version whose entries in `dbctl.progress` are to be forgotten.
    pub forget: Option<i32>,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
}

/// What the operator knows of a statement, or of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It ran.
    Ran,
    /// It did not, or what it did was taken back.
    NotRun,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    /// What kind of thing: `statement`, `progress`, `index`, `constraint`, `history`.
    pub kind: &'static str,
    /// Which one.
    pub subject: String,
    /// What is the case.
    pub found: String,
    /// How it stands now.
    pub state: MendState,
    /// What was done or would be, or what to do.
    pub action: String,
}

/// How something stands after a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MendState {
    /// It was mended.
    Mended,
    /// It would be mended (a dry run).
    WouldMend,
    /// The operator has to say what became of a statement or a file.
    NeedsWord,
    /// It was left as it is, and `migrate` refuses because of it.
    Blocks,
    /// It was left as it is, and stands in nobody's way.
    Left,
}

/// Proves that a catalog is that of this version or, where it is not, of a newer one: which.
pub type Prove<'a> = dyn Fn(Snapshot, i32) -> Result<i32, NotProven> + Sync + 'a;

/// Why it is not proven that a catalog is that of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotProven {
    /// In a sentence.
    pub reason: String,
    /// The newer version that the catalog comes nearer to, if there is one.
    pub nearest: Option<i32>,
}

impl NotProven {
    /// It comes nearest to the version that was asked for, or that is not known.
    #[must_use]
    pub const fn new(reason: String) -> Self {
        Self {
            reason,
            nearest: None,
        }
    }
}

/// Repairs one database under the runners' lock. `check` refuses a database that is not the service's or takes no writes.
///
/// # Errors
/// See [`ApplyError`]; [`ApplyError::Failed`] says that the server refused to forget entries. The first half of the pair tells what
/// was found and done before.
pub async fn repair(
    session: &Session,
    options: &RepairOptions<'_>,
    check: &(dyn Fn(&Marks) -> Option<ApplyError> + Sync),
    prove: &Prove<'_>,
    observer: &(dyn Fn(Event) + Sync),
) -> (Vec<Mend>, Result<(), ApplyError>) {
    if let Err(error) = lock(
        session,
        options.apply.lock_timeout,
        &options.apply.interrupt,
        observer,
    )
    .await
    {
        return (Vec::new(), Err(error));
    }
    let watch = Watch::new(
        &options.apply.endpoint,
        &options.apply.application,
        session.pid(),
        SOON,
    )
    .telling_standbys(observer);
    let tell = |holder: &str| {
        observer(Event::WaitingForLock {
            holder: holder.to_owned(),
        });
    };
    let mut repair = Repair {
        session,
        options,
        watch: &watch,
        mends: Vec::new(),
        looks_only: options.dry_run,
        nothing_begun: false,
        settled: Vec::new(),
    };
    let working = watch.telling(&tell, Box::pin(repair.run(check, prove)));
    let done = or_cancel(session, &options.apply.interrupt, working).await;
    let result = match done {
        Some(Err(ApplyError::Locked(reason))) if watch.blockers().is_none() => {
            watch.look_late().await;
            Err(ApplyError::Locked(watch.with_blockers(reason)))
        }
        Some(result) => result,
        None => Err(ApplyError::Interrupted(format!(
            "interrupted; the server does not answer: run dbctl repair --service {} again to see what is left",
            options.apply.service
        ))),
    };
    let Repair { mends, .. } = repair;
    watch.close().await;
    if result.is_ok() {
        let unlocked = unlock(session).await;
        if let Err(error) = unlocked {
            return (mends, Err(lost(&error)));
        }
    }
    (mends, result)
}

/// Why the server does not let something be mended.
struct Refusal {
    /// In its words.
    reason: String,
    /// Whether the role has not the right to.
    denied: bool,
}

/// A repair under way.
struct Repair<'a> {
    session: &'a Session,
    options: &'a RepairOptions<'a>,
    /// Who blocks what is mended.
    watch: &'a Watch<'a>,
    /// What was found, and what became of it.
    mends: Vec<Mend>,
    /// Whether rows of the history are only looked at: a dry run, or there is no such table.
    looks_only: bool,
    /// Whether no statement of an unfinished migration was begun: then the operator's word is about rows of the history.
    nothing_begun: bool,
    /// What a dry run would write down of statements that were begun: version, statement, and whether it ran.
    settled: Vec<(i32, i32, bool)>,
}

impl Repair<'_> {
    async fn run(
        &mut self,
        check: &(dyn Fn(&Marks) -> Option<ApplyError> + Sync),
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        self.limit().await?;
        let marks = inspect::marks(self.session)
            .await
            .map_err(|error| self.unread(&error))?;
        if let Some(error) = check(&marks) {
            return Err(error);
        }
        if self.session.in_transactions() {
            // The look has begun another one.
            self.limit().await?;
        }
        let entries = progress::read(self.session)
            .await
            .map_err(|error| self.gone(&error))?;
        if marks.stamp.is_none() && marks.history.rows.is_empty() && entries.is_empty() {
            return Err(ApplyError::Refused(format!(
                "database {} has no stamp and no history: dbctl has migrated nothing here, so there is nothing of it to repair; \
                 {} fills an empty database, and dbctl baseline --service {} adopts one that holds the service's tables",
                marks.database,
                self.migrates(),
                self.options.apply.service
            )));
        }
        let foreign = Foreign::read(self.session, &|| self.options.owned.clone(), &marks.history)
            .await
            .map_err(|error| self.gone(&error))?;
        self.looks_only |= !marks.history.exists;
        self.nothing_begun = entries.is_empty();
        if self.nothing_begun && self.options.word.is_some() {
            self.check_word_of_rows(&marks, prove).await?;
        }
        self.statements(&marks, entries).await?;
        self.indexes(&marks, &foreign).await?;
        self.rows(&marks, prove).await
    }

    /// What the books say of unfinished migrations by now, or would say after what a dry run would do.
    async fn entries(&self) -> Result<Vec<progress::Entry>, ApplyError> {
        let entries = progress::read(self.session).await;
        let mut entries = entries.map_err(|error| self.gone(&error))?;
        entries.retain(|entry| self.options.forget != Some(entry.version));
        for (version, statement, ran) in &self.settled {
            let is_it = |entry: &progress::Entry| {
                entry.version == *version && entry.statement == *statement
            };
            entries.retain(|entry| *ran || !is_it(entry));
            let settled = entries.iter_mut().filter(|entry| is_it(entry));
            settled.for_each(|entry| entry.done = true);
        }
        Ok(entries)
    }

    /// Sets how long this session waits.
    async fn limit(&self) -> Result<(), ApplyError> {
        let limit = self.options.apply.lock_timeout;
        let sql = format!(
            "SET lock_timeout = {}; SET statement_timeout = 0",
            limit.max(Duration::from_millis(1)).as_millis()
        );
        let set = self.session.client.batch_execute(&sql).await;
        set.map_err(|error| self.gone(&error))
    }

    /// Why stamp and history cannot be read, with what helps where that is known.
    fn unread(&self, error: &Error) -> ApplyError {
        let code = error.code();
        let known = [SqlState::UNDEFINED_COLUMN, SqlState::INSUFFICIENT_PRIVILEGE];
        match known.iter().any(|known| code == Some(known)) {
            true => {
                ApplyError::Unreachable(inspect::unreadable(&self.options.apply.endpoint, error))
            }
            false => self.gone(error),
        }
    }

    /// The command that applies what is pending for this service, as it can be copied.
    fn migrates(&self) -> String {
        format!("dbctl migrate --service {}", self.options.apply.service)
    }

    /// This command for this service, as it can be copied.
    fn verb(&self) -> String {
        format!("dbctl repair --service {}", self.options.apply.service)
    }

    /// Why something could not be read: a lock and an interrupt end the run as what they are.
    fn gone(&self, error: &Error) -> ApplyError {
        match self.failed("dbctl repair cannot look", error) {
            ApplyError::Failed(_) => lost(error),
            ended => ended,
        }
    }

    /// Runs SQL that mends something, outside a transaction; nothing in a dry run. The inner error says why the server refuses it.
    async fn mend(&self, what: &str, sql: &str) -> Result<Result<(), Refusal>, ApplyError> {
        if self.options.dry_run {
            return Ok(Ok(()));
        }
        self.watch.forget();
        let mending = Box::pin(take_away(&self.session.client, sql));
        let mended = self.watch.over(mending).await;
        self.spared(&format!("{what}: {sql}"), mended)
    }

    /// What the server refuses ends no repair: it is told, and the rest is mended all the same. What else went wrong does end it.
    fn spared(
        &self,
        what: &str,
        result: Result<(), Error>,
    ) -> Result<Result<(), Refusal>, ApplyError> {
        let Err(error) = result else {
            return Ok(Ok(()));
        };
        match self.failed(what, &error) {
            ApplyError::Failed(_) => Ok(Err(Refusal {
                reason: describe(&error),
                denied: error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            })),
            ended => Err(ended),
        }
    }

    /// Why something was not mended.
    fn failed(&self, what: &str, error: &Error) -> ApplyError {
        let text = format!("{what}: {}", describe(error));
        if ends_session(error) || self.session.client.is_closed() {
            return lost(error);
        }
        if error.code() == Some(&SqlState::QUERY_CANCELED) && *self.options.apply.interrupt.borrow()
        {
            return ApplyError::Interrupted(format!(
                "{what}: interrupted; what is left is mended by the next dbctl repair --service {}",
                self.options.apply.service
            ));
        }
        if is_lock_conflict(error) {
            let text = self.watch.with_blockers(text);
            return ApplyError::Locked(format!(
                "{text}; try again when the table is free, or raise --lock-timeout"
            ));
        }
        ApplyError::Failed(text)
    }

    /// Notes what was mended, or would be.
    fn mended(&mut self, kind: &'static str, subject: String, found: String, action: &str) {
        let state = if self.options.dry_run {
            MendState::WouldMend
        } else {
            MendState::Mended
        };
        self.note(kind, subject, found, state, action.to_owned());
    }

    /// Notes what was left as it is.
    fn note(
        &mut self,
        kind: &'static str,
        subject: String,
        found: String,
        state: MendState,
        action: String,
    ) {
        self.mends.push(Mend {
            kind,
            subject,
            found,
            state,
            action,
        });
    }
}
