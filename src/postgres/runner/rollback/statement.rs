//! Runs a script statement by statement, so that the one that fails is known.

use tokio_postgres::Client;

use super::super::super::error::{describe, position};
use super::super::failure::{lines, shortened};
use crate::migration::masked::server_words;
use crate::migration::statements;

/// A statement that failed, or what dbctl does around it.
pub(super) struct Failure {
    /// Where: file, line and statement; `None` for dbctl's own statements.
    pub(super) place: Option<String>,
    /// The statement's text, whose secrets the server's words must not tell.
    pub(super) statement: String,
    pub(super) error: tokio_postgres::Error,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self {
            place: None,
            statement: String::new(),
            error,
        }
    }
}

impl Failure {
    /// Where it failed and what the server said.
    pub(super) fn text(&self) -> String {
        let place = self.place.as_deref();
        format!(
            "{}: {}",
            place.unwrap_or("in dbctl's own statements"),
            server_words(&describe(&self.error), &self.statement)
        )
    }
}

/// Runs a script's statements in the transaction that is open.
pub(super) async fn run(client: &Client, file: &str, sql: &str) -> Result<(), Failure> {
    for statement in statements(sql) {
        if let Err(error) = client.batch_execute(statement.text).await {
            let line = statement.line + position(&error).map_or(0, |at| lines(statement.text, at));
            let text = shortened(statement.text);
            return Err(Failure {
                place: Some(format!("{file}, line {line} ({text})")),
                statement: statement.text.to_owned(),
                error,
            });
        }
    }
    Ok(())
}
