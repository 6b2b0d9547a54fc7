//! What a migration's statements do, as far as their text tells: whether they can run in a transaction, which lock they take, and
//! how the catalog tells afterwards whether they ran.

mod alter;
mod complaint;
mod directive;
mod hazard;
mod index;
mod lock;
mod names;
mod parse;
mod place;
mod query;
mod read;
mod rows;
mod script;
mod sharing;
mod unparsed;

use super::words::Words;
use super::{Statement, statements};

#[cfg(feature = "cli")]
pub(in crate::migration) use complaint::{Complaint, plain};
pub(super) use directive::asked;
#[cfg(feature = "cli")]
pub(super) use directive::{ALLOW, ALLOW_FILE};
pub use directive::{NO_TRANSACTION, misplaced};
pub use index::{Likeness, accepts_absence, likeness};
#[cfg(feature = "cli")]
pub(crate) use parse::MOST_TOKENS;
#[cfg(feature = "cli")]
pub(in crate::migration) use parse::Parsed;
pub(in crate::migration) use parse::with_stack;
pub use rows::changes_rows;
#[cfg(feature = "cli")]
pub(in crate::migration) use script::Script;
pub use sharing::{Brought, can_share_a_transaction};

/// What one statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// The line on which it begins, counted from 1.
    pub line: usize,
    /// Its text, without the semicolon.
    pub text: String,
    /// Where it can run.
    pub place: Place,
    /// The strongest lock that it takes on a relation that was there before; `None` when it takes none that anybody could feel.
    pub lock: Option<Lock>,
    /// What readers, writers or data may suffer from it.
    pub hazards: Vec<Hazard>,
    /// The relations that it creates, or gives a new name to.
    pub creates: Vec<Name>,
    /// The relations that it names and that are not its own to create.
    pub touches: Vec<Name>,
}

/// Where a statement can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a transaction, with others.
    Transaction,
    /// Not in a transaction block.
    Alone {
        /// Why, in words: `CREATE INDEX CONCURRENTLY`.
        reason: &'static str,
        /// How the catalog tells whether it ran.
        fate: Fate,
    },
    /// In a transaction, but as the first statement of a session: `ALTER EXTENSION timescaledb UPDATE`
    /// (TimescaleDB documentation, "Upgrade within a PostgreSQL instance").
    FreshSession,
}

/// How one learns, after a run was killed, whether a statement that cannot be rolled back has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// A valid index of this name says that it ran; an invalid one that it was cut off.
    IndexCreated {
        /// The index; `None` when the server chooses its name.
        index: Option<Name>,
        /// The table that it is on.
        table: Name,
    },
    /// The absence of these indexes says that it ran.
    IndexesDropped(Vec<Name>),
    /// The table is no partition any more: it ran. A detachment that is pending is finished with FINALIZE.
    Detached {
        /// The partitioned table.
        parent: Name,
        /// The partition.
        partition: Name,
    },
    /// A continuous aggregate of this name says that it was created; it may have to be refreshed.
    AggregateCreated(Name),
    /// Running it once more gives the same: VACUUM, REINDEX CONCURRENTLY, refresh_continuous_aggregate.
    Repeatable,
    /// One that the server refuses has done nothing; of one whose connection broke the catalog does not tell: statements on tablespaces.
    AllOrNothing,
    /// It makes or changes a subscription, and perhaps its slot on the other server, of which the catalog tells nothing.
    Subscription,
    /// The catalog does not tell.
    Unknown,
}

/// A relation as a statement names it, folded as the server folds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The schema, if it is given.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

/// A table lock that others may have to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Its mode.
    pub mode: LockMode,
    /// The relation, where the text names it.
    pub relation: Option<Name>,
}

/// The modes of table locks, weakest first (PostgreSQL documentation, "Explicit Locking").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockMode {
    /// ACCESS SHARE
    AccessShare,
    /// ROW SHARE
    RowShare,
    /// ROW EXCLUSIVE
    RowExclusive,
    /// SHARE UPDATE EXCLUSIVE
    ShareUpdateExclusive,
    /// SHARE
    Share,
    /// SHARE ROW EXCLUSIVE
    ShareRowExclusive,
    /// EXCLUSIVE
    Exclusive,
    /// ACCESS EXCLUSIVE
    AccessExclusive,
}

impl LockMode {
    /// The mode as SQL writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }
}

/// Something to know before a statement is run on a database in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hazard {
    /// A stable word for it, squawk's where the rule is squawk's: `require-concurrent-index-creation`.
    pub code: String,
    /// One sentence.
    pub message: String,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// How a migration is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The whole file in one transaction.
    Transaction,
    /// Statement by statement: one of them cannot run in a transaction block, or the file says so.
    Statements,
}

/// How a file is run.
#[must_use]
pub fn mode(sql: &str) -> Mode {
    mode_of(sql, &places(&statements(sql)))
}

/// How a file is run whose statements can run in these places.
fn mode_of(sql: &str, places: &[Place]) -> Mode {
    let alone = |place: &Place| matches!(place, Place::Alone { .. });
    if directive::asked(sql) || places.iter().any(alone) {
        Mode::Statements
    } else {
        Mode::Transaction
    }
}

/// Whether the statement that these words make cannot run in a transaction block.
pub(super) fn is_alone(words: Words<'_>) -> bool {
    matches!(place::place_of(words), Place::Alone { .. })
}

fn places(statements: &[Statement<'_>]) -> Vec<Place> {
    statements
        .iter()
        .map(|statement| place::place(statement.text))
        .collect()
}

/// Whether a statement of a file must be the first of a session.
#[must_use]
pub fn needs_fresh_session(sql: &str) -> bool {
    statements(sql)
        .iter()
        .any(|statement| place::place(statement.text) == Place::FreshSession)
}

impl Analysis {
    /// Where the statement can run in a file that is run in this way. A file that is run statement by statement gives each statement
    /// a transaction of its own, except those that may hold COMMIT: CALL, and DO with COMMIT, ROLLBACK or CALL in its text.
    #[must_use]
    pub fn place_in(&self, mode: Mode) -> Place {
        place::place_in(&self.place, &self.text, mode)
    }

    /// The indexes that it drops by name.
    #[must_use]
    pub fn drops_indexes(&self) -> Vec<Name> {
        place::dropped_indexes(&self.text)
    }
}

/// What the statements of a text do: one analysis for each of [`statements`], in their order.
#[must_use]
pub fn analyse(sql: &str) -> Vec<Analysis> {
    with_parser(sql, read::read)
}

/// As [`analyse`], without squawk's rules, which take the most time: of hazards there are those of our own.
pub(in crate::migration) fn analyse_names(sql: &str) -> Vec<Analysis> {
    with_parser(sql, read::unlinted)
}

/// What there is to know before the statements of a script are run on a database in use, each with its statement's index.
#[cfg(feature = "cli")]
pub(in crate::migration) fn hazards(script: &Script<'_>) -> Vec<(usize, Hazard)> {
    read::read(script)
        .into_iter()
        .enumerate()
        .flat_map(|(index, read)| read.hazards.into_iter().map(move |hazard| (index, hazard)))
        .collect()
}

/// The same for the statements that run within others, as [`hazards`] does for a script: `inner` tells of which statement each is a
/// part. What the script has created before is known to be new.
#[cfg(feature = "cli")]
pub(in crate::migration) fn hazards_within(
    script: &Script<'_>,
    inner: &[(usize, String)],
) -> Vec<(usize, Hazard)> {
    if inner.is_empty() {
        return Vec::new();
    }
    let mut parts: Vec<(usize, bool, &str)> = Vec::new();
    for (index, statement) in script.statements.iter().enumerate() {
        parts.push((index, false, statement.text));
        let within = inner.iter().filter(|(of, _)| *of == index);
        parts.extend(within.map(|(_, text)| (index, true, text.trim().trim_end_matches(';'))));
    }
    let text: String = parts
        .iter()
        .map(|(.., text)| format!("{text}\n;\n"))
        .collect();
    let whole = Script::in_mode(&text, Mode::Transaction);
    // A text that is more than one statement, or none, would shift all others.
    if whole.statements.len() != parts.len() {
        return Vec::new();
    }
    parts
        .into_iter()
        .zip(read::read(&whole))
        .filter(|((_, within, _), _)| *within)
        .flat_map(|((index, ..), read)| read.hazards.into_iter().map(move |hazard| (index, hazard)))
        .collect()
}

fn with_parser(
    sql: &str,
    read: impl FnOnce(&script::Script<'_>) -> Vec<read::Read> + Send,
) -> Vec<Analysis> {
    let statements = statements(sql);
    let places = places(&statements);
    let mode = mode_of(sql, &places);
    // Without a thread for the parser, the keywords must do.
    let read = with_stack(|| read(&script::Script::of(sql, statements.clone(), mode)))
        .unwrap_or_else(|| {
            statements
                .iter()
                .map(|statement| unparsed::read(statement.text, &read::Fresh::default()))
                .collect()
        });
    statements
        .iter()
        .zip(places)
        .zip(read)
        .map(|((statement, place), read)| Analysis {
            line: statement.line,
            text: statement.text.to_owned(),
            place,
            lock: read.lock,
            hazards: read.hazards,
            creates: read.creates,
            touches: read.touches,
        })
        .collect()
}

#[cfg(test)]
mod tests;
