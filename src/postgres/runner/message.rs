//! A transaction as one message: the statements around a migration's own travel with them, in one round trip. The server runs them in
//! their order, and nothing after one that fails.

use std::collections::VecDeque;

use futures::StreamExt as _;
use tokio_postgres::{Error, SimpleQueryMessage, SimpleQueryRow};

use super::super::session::Session;
use super::failure::{Failure, Step};
use crate::migration::statements;

/// Everything of a transaction but its COMMIT.
pub(super) struct Message<'a> {
    /// What comes before, one statement each.
    pub(super) before: Vec<String>,
    /// The migration's own SQL, or one statement of it; empty when there is none.
    pub(super) own: &'a str,
    /// How many statements stand before it in its file.
    pub(super) number: usize,
    /// What comes after it, one statement each.
    pub(super) after: Vec<String>,
}

/// What the server has answered.
#[derive(Default)]
pub(super) struct Answers {
    /// The first row of each statement of [`Message::after`] that has run.
    rows: Vec<Option<SimpleQueryRow>>,
    /// Why the rest has not.
    pub(super) failure: Option<Failure>,
}

impl Answers {
    /// A column of what a statement of [`Message::after`] has answered; `None` when it has not run, or has not answered so.
    pub(super) fn text(&self, statement: usize, column: &str) -> Option<&str> {
        let row = self.rows.get(statement)?.as_ref()?;
        row.try_get(column).ok().flatten()
    }
}

impl Message<'_> {
    /// Sends it and reads every answer.
    pub(super) async fn run(&self, session: &Session) -> Answers {
        let mut text = self.before();
        text.push_str(self.own);
        // Its last line may be a comment.
        text.push_str("\n;");
        text.push_str(&self.after.join(";"));
        let stream = match session.client.simple_query_raw(&text).await {
            Ok(stream) => stream,
            Err(error) => return self.failed(0, VecDeque::new(), error),
        };
        tokio::pin!(stream);
        let mut done = 0_usize;
        let (mut rows, mut row) = (VecDeque::new(), None);
        while let Some(message) = stream.next().await {
            match message {
                Ok(SimpleQueryMessage::CommandComplete(_)) => {
                    done += 1;
                    // Those of the migration itself are nobody's business.
                    if rows.len() == self.after.len() {
                        rows.pop_front();
                    }
                    rows.push_back(row.take());
                }
                Ok(SimpleQueryMessage::Row(first)) => {
                    row.get_or_insert(first);
                }
                Ok(_) => {}
                Err(error) => return self.failed(done, rows, error),
            }
        }
        Answers {
            rows: rows.into(),
            failure: None,
        }
    }

    fn before(&self) -> String {
        let mut text = self.before.join(";");
        text.push(';');
        text
    }

    /// The answers up to an error, with the statement that is to blame: the one after so many.
    fn failed(
        &self,
        done: usize,
        mut rows: VecDeque<Option<SimpleQueryRow>>,
        error: Error,
    ) -> Answers {
        let own = statements(self.own).len();
        let before = self.before.len();
        let step = match done.checked_sub(before) {
            // The server reads the whole text before it runs anything.
            None if done == 0 && own > 0 => Step::Statement(self.number),
            None => Step::Own,
            Some(ran) if ran < own => Step::Statement(self.number + ran),
            // SET CONSTRAINTS ALL IMMEDIATE: what the COMMIT would find.
            Some(ran) if ran == own => Step::Commit,
            Some(_) => Step::Own,
        };
        let after = done.saturating_sub(before + own);
        rows.drain(..rows.len().saturating_sub(after));
        Answers {
            rows: rows.into(),
            failure: Some(Failure::Driver {
                step,
                error,
                offset: self.before().chars().count(),
            }),
        }
    }
}
