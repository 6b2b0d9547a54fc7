//! What is true of a database beside its objects: single chunks, extensions' versions, a restore that was not finished, keys of
//! key/value tables, and the databases that new ones are made from.

use super::privileges::{DefaultGrant, Grant};
use super::{Fact, Object};

/// These facts together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Chunks that are not as their hypertable.
    pub chunks: Vec<Deviation>,
    /// Extensions whose version is not the server's default.
    pub extensions: Fact<Vec<ExtensionVersion>>,
    /// The database's encoding, as in `UTF8`.
    pub encoding: String,
    /// The versions of the database's own collation, where it has one and they are not the same (`pg_database`, `datcollversion`).
    pub collation: Fact<Option<CollationVersions>>,
    /// Where `timescaledb.restoring` is set for this database, with its value.
    pub restoring: Vec<Restoring>,
    /// Keys of the database's key/value tables.
    pub keys: Fact<Vec<StoredKey>>,
    /// Members of extensions that bear a name from one of the system's locks.
    pub members: Vec<Object>,
    /// What initdb made and somebody has changed since: `replaced`, `altered`, `added` or `trusted` says how.
    pub system: Vec<Object>,
    /// What dbctl keeps in the database for itself: history, stamp and progress with their columns and constraints.
    pub books: Vec<Object>,
    /// Extensions that were moved to another schema after they were made, each with a member, in words, of which nothing tells any more
    /// whether it was replaced or altered before.
    pub moved: Vec<(String, String)>,
    /// Extensions that were updated (ALTER EXTENSION … UPDATE), each with a function, in words, that was replaced before the last update.
    pub updated: Vec<(String, String)>,
    /// What is in databases that belong to no service; of each server only one service's snapshot has them.
    pub commons: Vec<Common>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            extensions: Fact::Known(Vec::new()),
            encoding: "UTF8".to_owned(),
            collation: Fact::Known(None),
            restoring: Vec::new(),
            keys: Fact::Known(Vec::new()),
            members: Vec::new(),
            system: Vec::new(),
            books: Vec::new(),
            moved: Vec::new(),
            updated: Vec::new(),
            commons: Vec::new(),
        }
    }
}

/// A collation that has changed since the database was made, or since somebody said that all is well
/// (`ALTER DATABASE … REFRESH COLLATION VERSION`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollationVersions {
    /// The one that was recorded then.
    pub recorded: String,
    /// The one that the operating system has now; `None` if it gives this collation no version.
    pub actual: Option<String>,
}

/// Something that one or more chunks of a hypertable have and it has not, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// The hypertable's schema.
    pub schema: String,
    /// The hypertable.
    pub hypertable: String,
    /// `index`, `trigger`, `rule`, `policy`, `row_security`, `persistence`, `name`, `child`, `parent`, `constraint`, `tablespace`,
    /// `index_tablespace`, `blocker` or `length`.
    pub kind: String,
    /// `missing`, `extra`, `spare`, `invalid`, `disabled`, `differs`, `moved`, `longer` or `shorter`.
    pub state: String,
    /// The name of what is missing or extra, as the hypertable has it if it is missing; the tablespace; of `length` the length.
    pub name: String,
    /// A trigger's function; a constraint's definition; what lies in the tablespace; the time column's type.
    pub detail: Option<String>,
    /// How many chunks it concerns; 0 where it is the hypertable itself.
    pub chunks: i64,
    /// The schema of the first of them.
    pub chunk_schema: String,
    /// The first of them.
    pub chunk: String,
}

/// An extension whose version is not the one that the server's files have as default (view `pg_available_extensions`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionVersion {
    /// The extension.
    pub name: String,
    /// Its version in this database.
    pub version: String,
    /// The default version; `None` if the server has no files of this extension.
    pub default: Option<String>,
    /// Whether the server's files lead from the one to the other (function `pg_extension_update_paths`).
    pub updatable: bool,
}

/// A setting of `timescaledb.restoring` (views `pg_db_role_setting` and `pg_settings`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoring {
    /// The database that it is set for, if it is one.
    pub database: Option<String>,
    /// The role that it is set for, if it is one.
    pub role: Option<String>,
    /// The value as it stands there.
    pub value: String,
}

/// A key of a key/value table. Values are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The table, in schema `public`.
    pub table: String,
    /// The key.
    pub key: String,
}

/// A database that belongs to no service: `template1`, which new databases are copies of, and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// The database.
    pub database: String,
    /// What is in it.
    pub content: Fact<CommonContent>,
}

/// What somebody left in a database that belongs to no service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommonContent {
    /// Its objects that neither the server nor an extension made.
    pub objects: Vec<Object>,
    /// What initdb made and somebody has changed since.
    pub system: Vec<Object>,
    /// The database's owner.
    pub owner: String,
    /// Who else may create schemas in it; `None` is PUBLIC.
    pub creators: Vec<Option<String>>,
    /// Whether somebody may log in to `template0`, which is as initdb left it only as long as nobody can.
    pub template0_open: bool,
    /// Who owns `template0`, where there is one.
    pub template0_owner: Option<String>,
    /// Privileges on what initdb and extensions made, schema `public` among it.
    pub grants: Vec<Grant>,
    /// Privileges that objects will have which are yet to be made.
    pub default_grants: Vec<DefaultGrant>,
    /// What somebody has written beside what initdb made.
    pub notes: Vec<CommonNote>,
}

/// A comment, or a label of security, that initdb did not make. What it says is not kept: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonNote {
    /// What it is about, in words.
    pub what: String,
    /// Whether it holds what looks like a connection string.
    pub leads: bool,
    /// The statement that takes it back; `None` for labels.
    pub statement: Option<String>,
}
