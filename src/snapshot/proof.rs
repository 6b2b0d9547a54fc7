//! What was tried rather than read: log-ins with others' credentials, one lock seen from another session, every host of a URL.

use super::privileges::PasswordKind;
use super::{Fact, Gap};

/// What was tried around one service's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proofs {
    /// Attempts to enter this database with what belongs to other services; a gap when none was made.
    pub entries: Fact<Vec<Entry>>,
    /// What this service's session saw of the advisory locks of the others' sessions; `None` when it could not look.
    pub live: Option<Live>,
    /// The hosts of a URL with several, each looked at on its own.
    pub hosts: Vec<HostLook>,
    /// Whether a pooler stands in front of the server.
    pub pooled: bool,
    /// What an administrator sees where the service itself is not let in.
    pub outside: Option<Outside>,
}

/// What is known of a service that does not get into its database, from outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// The database's owner, where there is such a database.
    pub owner: Option<String>,
    /// How the passwords of roles are stored; nothing where the administrator may not read it.
    pub stored: Vec<(String, PasswordKind)>,
}

impl Default for Proofs {
    fn default() -> Self {
        Self {
            entries: Fact::Known(Vec::new()),
            live: None,
            hosts: Vec::new(),
            pooled: false,
            outside: None,
        }
    }
}

/// One attempt to enter a service's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The service whose credentials were tried.
    pub service: String,
    /// The role that was to log in.
    pub role: String,
    /// What of that service was tried.
    pub with: Credentials,
    /// What came of it.
    pub outcome: Attempted,
}

/// What of another service is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// Its own role with its own password.
    Own,
    /// Its password, for this service's role.
    Password,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempted {
    /// The server let it in.
    Entered,
    /// The server let it in, and would have with any password.
    EnteredUnasked,
    /// The server refused.
    Refused,
    /// It cannot be known.
    Unknown(Gap),
}

/// Advisory locks as one session saw them while every session that could held one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// Whether this session held one itself: a standby gives none.
    pub held: bool,
    /// Services whose lock was seen in the same database.
    pub same_database: Vec<String>,
    /// Services whose lock was seen in another database of the same cluster.
    pub same_cluster: Vec<String>,
}

/// One host of a URL with several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostLook {
    /// Host and port.
    pub address: String,
    /// What is there.
    pub place: Fact<HostPlace>,
}

/// Which database answers at one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPlace {
    /// The cluster's system identifier, if the role may know it.
    pub system_identifier: Option<u64>,
    /// The database's OID.
    pub database_oid: u32,
    /// Whether it is a standby.
    pub standby: bool,
}
