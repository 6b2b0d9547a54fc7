//! Roles that a script may act as.

use postgres_protocol::escape::escape_identifier as identifier;
use tokio_postgres::{Client, Error};

/// The session's own role, or one that it may SET ROLE to without having its privileges.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Actor(String);

impl Actor {
    /// The role of this name; an empty one is the session's own.
    pub(super) const fn new(name: String) -> Self {
        Self(name)
    }

    /// What makes this session that role until the transaction or its savepoint ends; nothing when it is that role.
    pub(super) fn begin(&self) -> String {
        match &*self.0 {
            "" => String::new(),
            role => format!("SET LOCAL ROLE {}; ", identifier(role)),
        }
    }

    /// What makes it itself again.
    pub(super) const fn end(&self) -> &'static str {
        match self.0.is_empty() {
            true => "",
            false => "; SET LOCAL ROLE NONE",
        }
    }

    /// Makes this session that role.
    pub(super) async fn enter(&self, client: &Client) -> Result<(), Error> {
        match self.0.is_empty() {
            true => Ok(()),
            false => client.batch_execute(&self.begin()).await,
        }
    }

    /// Makes it itself again.
    pub(super) async fn leave(&self, client: &Client) -> Result<(), Error> {
        match self.0.is_empty() {
            true => Ok(()),
            false => client.batch_execute("SET LOCAL ROLE NONE").await,
        }
    }
}
