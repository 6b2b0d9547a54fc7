//! What reaches out of a database, or holds it, beside its objects: slots, prepared transactions, jobs, settings of the server.

use super::{Dsn, Fact};

/// Everything of this kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// Logical replication slots on this database (`pg_replication_slots`).
    pub slots: Vec<Slot>,
    /// Replication origins that no subscription of the cluster accounts for (`pg_replication_origin`).
    pub origins: Vec<String>,
    /// Prepared transactions in this database (`pg_prepared_xacts`).
    pub prepared: Vec<Prepared>,
    /// Jobs of a scheduler that run in this database.
    pub jobs: Fact<Vec<Job>>,
    /// Settings of the server, also those that wait for a reload or a restart (`pg_file_settings`).
    pub settings: Fact<Vec<Setting>>,
    /// Comments and settings of roles and databases that hold a connection string.
    pub notes: Vec<Note>,
    /// The database where pg_cron keeps its jobs, if it is another one (`cron.database_name`): they can run in any.
    pub cron_elsewhere: Option<String>,
}

impl Default for Links {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            origins: Vec::new(),
            prepared: Vec::new(),
            jobs: Fact::Known(Vec::new()),
            settings: Fact::Known(Vec::new()),
            notes: Vec::new(),
            cron_elsewhere: None,
        }
    }
}

/// A logical replication slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// The output plugin, as `pgoutput`.
    pub plugin: String,
    /// Whether somebody reads from it now.
    pub active: bool,
}

/// A prepared transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Its global identifier.
    pub gid: String,
    /// The role that prepared it.
    pub owner: String,
    /// When it was prepared.
    pub since: String,
}

/// Who runs a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    /// TimescaleDB's own (`bgw_job`).
    TimescaleDb,
    /// The extension `pg_cron`.
    Cron,
}

/// A job of a scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Who runs it.
    pub scheduler: Scheduler,
    /// Its number.
    pub id: i64,
    /// Its name; empty if it has none.
    pub name: String,
    /// The role that it runs as.
    pub owner: String,
    /// The procedure, with its schema, or the statement.
    pub action: String,
    /// The hypertable that it is about, if it is about one.
    pub hypertable: Option<String>,
    /// The database that it runs in.
    pub database: String,
    /// The host that it runs on, as far as it is another one.
    pub host: Option<String>,
    /// Whether it is switched on.
    pub active: bool,
}

/// A setting of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value. It may hold a password: it is never shown as it is.
    pub value: String,
    /// Whether it stands in a file and is not in force yet.
    pub pending: bool,
}

/// A text with a connection string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where: `comment` or `setting`.
    pub place: NotePlace,
    /// The kind of the object that has it, as `pg_identify_object` calls it.
    pub kind: String,
    /// The object's schema, if it has one.
    pub schema: Option<String>,
    /// The object's plain name.
    pub name: String,
    /// The object with its kind, in words.
    pub described: String,
    /// The statement that removes a comment, where one is known.
    pub statement: Option<String>,
    /// Where the connection strings lead.
    pub dsns: Vec<Dsn>,
}

/// What kind of text it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotePlace {
    /// `COMMENT ON`.
    Comment,
    /// `ALTER ROLE … SET` or `ALTER DATABASE … SET`: the setting's name.
    Setting(String),
}
