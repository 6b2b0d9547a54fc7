//! What one transaction does, and the one message that asks the server for all of it.

use std::time::Duration;

use super::super::books;
use super::super::failure::nothing_remains;
use super::super::guarded::Guarded;
use super::super::message::Message;
use super::super::progress::{self, Entry};
use super::ran_before;
use crate::migration::tokens::contains;
use crate::migration::{Analysis, CREATE_PROGRESS, Migration, statements};

/// What one transaction does.
#[derive(Clone, Copy)]
pub(in crate::postgres::runner) enum Body<'a> {
    /// A whole migration, and the statement that records it.
    Whole {
        migration: &'a Migration,
        record: &'a str,
    },
    /// One statement of a migration that runs statement by statement: the one after so many.
    One {
        migration: &'a Migration,
        analysis: &'a Analysis,
        number: usize,
        entry: &'a Entry,
    },
    /// The books of a migration that runs statement by statement: they are opened before its first statement.
    Open {
        migration: &'a Migration,
        /// What an earlier run has written down of it.
        begun: &'a [Entry],
    },
    /// They are closed after its last one.
    Close {
        migration: &'a Migration,
        record: &'a str,
    },
}

impl<'a> Body<'a> {
    pub(super) const fn migration(&self) -> &'a Migration {
        match self {
            Self::Whole { migration, .. }
            | Self::One { migration, .. }
            | Self::Open { migration, .. }
            | Self::Close { migration, .. } => migration,
        }
    }

    /// Whether its text sets a sequence, which no ROLLBACK undoes. What functions and triggers do it does not tell.
    pub(super) fn sets_sequences(&self) -> bool {
        let sql = match self {
            Self::Whole { migration, .. } => &migration.sql,
            Self::One { analysis, .. } => &analysis.text,
            Self::Open { .. } | Self::Close { .. } => return false,
        };
        contains(sql, "setval")
    }

    /// What is left of it when it fails.
    pub(super) fn state(&self) -> String {
        match self {
            Self::Whole { migration, .. } => nothing_remains(migration),
            Self::One { number, .. } => format!(
                "nothing of this statement remains; {}; the next run goes on from here",
                ran_before(*number)
            ),
            Self::Open { begun: [], .. } => nothing_remains(self.migration()),
            Self::Open { begun, .. } => ran_in_earlier_runs(begun),
            Self::Close { .. } => {
                "all its statements ran, and it is not recorded; the next run goes on from here"
                    .to_owned()
            }
        }
    }
}

/// What earlier runs of a migration have left, as the books say.
fn ran_in_earlier_runs(begun: &[Entry]) -> String {
    let done = begun.iter().filter(|entry| entry.done).count();
    let open = match begun.iter().find(|entry| !entry.done) {
        Some(entry) => format!(
            "; statement {} was begun, and what became of it was not looked at",
            entry.statement
        ),
        None => String::new(),
    };
    let ran = match done {
        0 => "no statement is known to have ended".to_owned(),
        done => ran_before(done),
    };
    format!(
        "this run has run none of its statements; of an earlier run {ran}{open}; the next run goes on from there"
    )
}

/// What one attempt sends, and where in [`Message::after`] the answers stand.
pub(super) struct Asked<'a> {
    pub(super) message: Message<'a>,
    pub(super) touched: usize,
    pub(super) leftover: Option<usize>,
    pub(super) history: usize,
    pub(super) kept: Option<usize>,
}

impl Guarded<'_> {
    /// What one attempt sends.
    pub(super) fn asked<'b>(
        &self,
        body: Body<'b>,
        patience: Duration,
        prepared: bool,
    ) -> Asked<'b> {
        let mut before = vec!["BEGIN".to_owned()];
        before.extend(self.settings("SET LOCAL", patience));
        let (own, number) = match body {
            Body::Whole { migration, .. } => (migration.sql.as_str(), 0),
            Body::One {
                analysis, number, ..
            } => (analysis.text.as_str(), number),
            Body::Open { .. } | Body::Close { .. } => ("", 0),
        };
        // What must hold after a migration's own statements: nothing is left for the COMMIT to find, and nothing foreign was touched.
        let mut after = vec!["SET CONSTRAINTS ALL IMMEDIATE".to_owned()];
        after.extend(books::OWN_SETTINGS.map(str::to_owned));
        let mut ask = |sql: String| {
            after.push(sql);
            after.len() - 1
        };
        let touched = ask(self.looks.touched(prepared, &self.foreign));
        let leftover =
            matches!(body, Body::Whole { .. }).then(|| ask(self.looks.leftover(prepared)));
        let stamp = (self.options.service.as_str(), self.set.name.as_str());
        for sql in books::open(self.applied.is_empty().then_some(stamp)) {
            ask(sql);
        }
        let history = ask(self.looks.history(prepared));
        for sql in recording(body) {
            ask(sql);
        }
        let kept = matches!(body, Body::Whole { .. } | Body::Close { .. })
            .then(|| ask(self.looks.keeps(prepared, body.migration().version)));
        Asked {
            message: Message {
                before,
                own,
                number,
                after,
            },
            touched,
            leftover,
            history,
            kept,
        }
    }
}

/// The statements that write down what the body has done.
fn recording(body: Body<'_>) -> Vec<String> {
    match body {
        Body::Whole { record, .. } => vec![record.to_owned()],
        Body::One { entry, .. } => vec![entry.writing()],
        Body::Open { .. } => statements(CREATE_PROGRESS)
            .into_iter()
            .map(|statement| statement.text.to_owned())
            .collect(),
        Body::Close { migration, record } => {
            vec![record.to_owned(), progress::finishing(migration.version)]
        }
    }
}
