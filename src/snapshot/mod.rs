//! What is true: plain facts about one target, read in one read-only transaction. No driver types, no judgement.

pub mod attributes;
mod diff;
mod dsn;
mod fact;
pub mod interval;
mod links;
mod lock;
mod object;
pub mod privileges;
mod proof;
pub(crate) mod quoting;
mod renames;
mod reread;
#[cfg(test)]
mod samples;
mod state;
mod words;

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use diff::{Change, Diff, diff};
pub use dsn::{Dsn, dsns, noted};
pub use fact::Fact;
pub use links::{Job, Links, Note, NotePlace, Prepared, Scheduler, Setting, Slot};
pub use lock::{
    DeferredLock, Expected, Lock, LockError, LockSource, Step, Text, VersionEntry, fingerprint,
    text_sum,
};
pub use object::{Kind, Object, ObjectKey};
pub use privileges::Privileges;
pub use proof::{Attempted, Credentials, Entry, HostLook, HostPlace, Live, Outside, Proofs};
pub use renames::{Rename, Renamed, before, diff_renamed, explain};
pub use state::{
    CollationVersions, Common, CommonContent, CommonNote, Deviation, ExtensionVersion, Restoring,
    State, StoredKey,
};

/// The history table, schema and name: refinery's, so that its own command can read it. Not one of a snapshot's objects.
pub const HISTORY_TABLE: (&str, &str) = ("public", "refinery_schema_history");

/// The table of dbctl's stamp, schema and name: one row, `service` and `set_name`. Neither it nor its schema is an object.
pub const STAMP_TABLE: (&str, &str) = ("dbctl", "identity");

/// The table of statements that ran outside a transaction in a migration that is not finished, schema and name. No object either.
pub const PROGRESS_TABLE: (&str, &str) = ("dbctl", "progress");

/// Why something was not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What stood in the way, in the server's words where it has some.
    pub reason: String,
    /// What would make it readable: a grant, an `admin_url`.
    pub remedy: Option<String>,
}

impl Gap {
    /// Ends a remedy where an administrator's session would do as well.
    pub const OR_ADMIN: &str = "; or set admin_url";

    /// The same gap, of a service that has an `admin_url` already.
    #[must_use]
    pub fn beside_admin(self) -> Self {
        let sooner = |remedy: String| {
            remedy.replace(Self::OR_ADMIN, "; or give admin_url a role that may do so")
        };
        Self {
            remedy: self.remedy.map(sooner),
            ..self
        }
    }

    /// A gap with a reason alone.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: None,
        }
    }
}

/// Why a role cannot use a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// It has no USAGE of the schema; of the relation it may have what it needs.
    Schema,
    /// It may not read it, or owns it and may not write.
    Relation,
    /// Both.
    Both,
}

/// Everything that was read from one service's database.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The server.
    pub server: Server,
    /// Which database this is.
    pub identity: Identity,
    /// The catalog's objects that neither the server, nor an extension's script, nor TimescaleDB's chunks account for,
    /// in the order of their keys.
    pub objects: Vec<Object>,
    /// Those of its relations that the session's own role cannot use.
    pub shut: BTreeMap<ObjectKey, Shut>,
    /// The migration history.
    pub history: Fact<History>,
    /// Who may do what.
    pub access: Access,
    /// Who may do what beyond entering.
    pub privileges: Fact<Privileges>,
    /// What else is true of it; empty where only objects were asked for.
    pub state: State,
    /// What reaches out of the database beside its objects.
    pub links: Links,
}

impl Snapshot {
    /// The relations and sequences among its objects: what a database that nobody uses has none of.
    pub fn relations(&self) -> impl Iterator<Item = &Object> {
        self.objects
            .iter()
            .filter(|object| object.key.kind.is_relation() || object.key.kind == Kind::Sequence)
    }

    /// Says of every fact that could not be read why the administrator's session, which was asked for, did not read it.
    pub fn explain_gaps(&mut self, reason: &str) {
        let gaps = [
            self.identity.system_identifier.gap_mut(),
            self.identity.stamp.gap_mut(),
            self.history.gap_mut(),
            self.access.hba.gap_mut(),
            self.access.ident.gap_mut(),
            match &mut self.privileges {
                Fact::Known(privileges) => privileges.passwords.stored.gap_mut(),
                Fact::Unknown(gap) => Some(gap),
            },
            self.state.extensions.gap_mut(),
            self.state.keys.gap_mut(),
            self.links.jobs.gap_mut(),
            self.links.settings.gap_mut(),
        ];
        for gap in gaps.into_iter().flatten() {
            gap.reason = format!("{}; {reason}", gap.reason);
        }
    }
}

/// Facts about the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `server_version_num`, as in 170006.
    pub version_num: u32,
    /// The version as people write it, as in `17.6`.
    pub version: String,
    /// Whether it is a standby.
    pub standby: bool,
    /// The version of TimescaleDB in this database, if it is installed there.
    pub timescaledb: Option<String>,
    /// TimescaleDB's license setting, `apache` or `timescale`.
    pub timescaledb_license: Option<String>,
}

impl Server {
    /// The major version, as in 17.
    #[must_use]
    pub const fn major(&self) -> u32 {
        self.version_num / 10_000
    }
}

/// Facts that tell one database from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `current_database()`.
    pub database: String,
    /// `session_user`.
    pub session_user: String,
    /// `current_user`.
    pub current_user: String,
    /// The cluster's system identifier (`pg_control_system()`), the same for a standby or a file copy.
    pub system_identifier: Fact<u64>,
    /// The database's OID within its cluster.
    pub database_oid: u32,
    /// dbctl's stamp, if there is one.
    pub stamp: Fact<Option<Stamp>>,
    /// The service that a comment on the database names, as `dbctl:service=NAME`: people mark databases so that `psql -l+` shows whose they are.
    pub marked: Option<String>,
}

/// The mark that dbctl leaves in a database that it migrated: whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The service.
    pub service: String,
    /// Its migration set.
    pub set: String,
}

/// The migration history of a database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Whether the history table exists.
    pub exists: bool,
    /// Its rows by version.
    pub rows: Vec<HistoryRow>,
}

/// One row of the history table, as it stands there: nothing in it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The version.
    pub version: i64,
    /// The name, without version and extension.
    pub name: String,
    /// When it was applied, as written there.
    pub applied_on: String,
    /// refinery's checksum, as written there.
    pub checksum: String,
}

/// A time for people, who want no nanoseconds; a text that is none as it is.
#[must_use]
pub fn whole_seconds(time: &str) -> String {
    OffsetDateTime::parse(time, &Rfc3339)
        .ok()
        .and_then(|time| time.replace_nanosecond(0).ok()?.format(&Rfc3339).ok())
        .unwrap_or_else(|| time.to_owned())
}

impl HistoryRow {
    /// What stands for a version that is NULL: no column of refinery's can hold it.
    pub const UNNUMBERED: i64 = i64::MIN;

    /// The version, if there is one.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        (self.version != Self::UNNUMBERED).then_some(self.version)
    }

    /// When it was applied, for people.
    #[must_use]
    pub fn when(&self) -> String {
        whole_seconds(&self.applied_on)
    }

    /// The version as a message tells it.
    #[must_use]
    pub fn numbered(&self) -> String {
        self.number().map_or_else(
            || "version NULL".to_owned(),
            |version| format!("version {version}"),
        )
    }

    /// The condition that finds the row in SQL.
    #[must_use]
    pub fn condition(&self) -> String {
        self.number().map_or_else(
            || "version IS NULL".to_owned(),
            |version| format!("version = {version}"),
        )
    }

    /// The name of the file that the row stands for, without its extension.
    #[must_use]
    pub fn stem(&self) -> String {
        let version = self
            .number()
            .map_or_else(|| "NULL".to_owned(), |version| version.to_string());
        format!("V{version}__{}", self.name)
    }
}

/// Facts about roles and privileges around one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The database's owner.
    pub database_owner: String,
    /// Whether PUBLIC may connect.
    pub public_connect: bool,
    /// Whether PUBLIC may create temporary tables or schemas in the database.
    pub public_database: Vec<String>,
    /// Roles, other than the owner and PUBLIC, with a privilege on the database: role and privilege.
    pub database_grants: Vec<(String, String)>,
    /// The owner of schema `public`; empty if there is no such schema.
    pub public_schema_owner: String,
    /// Privileges on schema `public`, the schema owner's left out: grantee (`PUBLIC` or a role) and privilege.
    pub public_schema: Vec<(String, String)>,
    /// Who gave these privileges on: whether on the database, the grantee (`PUBLIC` or a role), and the givers.
    pub given: BTreeMap<(bool, String), privileges::Given>,
    /// The roles of the cluster that may log in.
    pub roles: Vec<Role>,
    /// The databases of the cluster, templates left out.
    pub databases: Vec<String>,
    /// Their owners, in the same order (every role may read them).
    pub database_owners: Vec<String>,
    /// The lines of `pg_hba.conf` (`pg_hba_file_rules`).
    pub hba: Fact<Vec<HbaLine>>,
    /// The lines of `pg_ident.conf`, where one of `pg_hba.conf` has a map (`pg_ident_file_mappings`).
    pub ident: Fact<Vec<IdentLine>>,
}

/// A role and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// SUPERUSER.
    pub superuser: bool,
    /// CREATEDB.
    pub createdb: bool,
    /// CREATEROLE.
    pub createrole: bool,
    /// REPLICATION.
    pub replication: bool,
    /// BYPASSRLS.
    pub bypassrls: bool,
    /// The roles that it is a member of, directly or not.
    pub member_of: Vec<String>,
}

/// One line of `pg_hba.conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HbaLine {
    /// The line's number.
    pub line: i32,
    /// `local`, `host`, `hostssl`, …
    pub kind: String,
    /// The databases, comma-separated.
    pub databases: String,
    /// The roles, comma-separated.
    pub roles: String,
    /// The address; empty for `local`.
    pub address: String,
    /// The method, as in `trust`; `error: …` for a line that the server cannot read.
    pub method: String,
    /// Whether a regular expression of the line means this database.
    pub here: bool,
    /// The roles that the line's regular expressions mean.
    pub meant: Vec<String>,
    /// The map of `pg_ident.conf` that the line names (`map=`); empty for none.
    pub map: String,
}

/// One line of `pg_ident.conf` (PostgreSQL documentation, "User Name Maps").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentLine {
    /// The line's number.
    pub line: i32,
    /// The map that it belongs to.
    pub map: String,
    /// Who comes: a user of the system or a certificate's name; a regular expression begins with a slash.
    pub system: String,
    /// As whom he may log in: a role, `+` and a group, `all`, or a regular expression that begins with a slash.
    pub role: String,
    /// Why the server cannot read the line; empty if it can.
    pub error: String,
    /// The roles that the line's regular expression means.
    pub meant: Vec<String>,
}
