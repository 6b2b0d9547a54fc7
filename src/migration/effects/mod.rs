//! What a script does to whom, as far as its text tells: every object it names, every role, setting, file and link, with its place.
//! Facts only; whether something is wrong is said by the rules of group `sets`.

mod access;
mod allow;
mod body;
mod calls;
mod columns;
mod constant;
mod dialect;
mod into;
mod keys;
mod link;
mod loose;
mod named;
mod names;
mod psql;
mod routine;
mod said;
mod server;
mod setting;
mod takes;
mod temporary;
mod values;
mod walk;

use crate::migration::analysis::{Script, with_stack};
use crate::migration::masked::hide;
use crate::secret::Secret;

pub use access::SLIGHT;
pub use allow::Allow;
pub use columns::{Column, Kind};
pub use constant::{CURRENT_DATABASE, CURRENT_USER, UNKNOWN};
pub(super) use psql::without_rows;
pub use routine::{Arguments, Change, Names, Routine, Runs, TypeName};
pub use walk::TOO_LARGE;
pub(super) use walk::{script as of, unread};

/// What a script does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Its statements, in their order.
    pub statements: Vec<Said>,
    /// What they do, in the order of their places.
    pub effects: Vec<Effect>,
    /// The exceptions from rules that it asks for.
    pub allows: Vec<Allow>,
    /// The statements about tables that run within others: of which statement each is a part, and its text.
    pub(super) inner: Vec<(usize, String)>,
}

/// A statement of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Where it begins.
    pub place: Position,
    /// The line on which it ends, counted from 1.
    pub last_line: usize,
    /// Its beginning in one line, without quoted texts and whatever else may be a password.
    pub excerpt: String,
    /// What must not be said of it.
    withheld: Vec<Secret>,
    /// Where it begins and ends in the text, in bytes.
    span: (usize, usize),
}

/// A place in a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

/// One thing that a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Where the text says it.
    pub place: Position,
    /// The index of its statement in [`Effects::statements`].
    pub statement: usize,
    /// The code that does it, if it is not the statement itself: `a function body`, `dynamic SQL`.
    pub within: Option<&'static str>,
    /// What it does.
    pub act: Act,
}

/// A name as a statement writes it, folded as the server folds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// The database of a three-part name.
    pub database: Option<String>,
    /// The schema, if it is given.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

/// What kind of object a name can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A table, view, sequence, index: they share one namespace.
    Relation,
    /// A type, or a table that is used as one.
    Type,
    /// A function, procedure or aggregate.
    Function,
    /// A trigger, a policy, a rule: named within a table.
    Part,
    /// A schema.
    Schema,
    /// A database.
    Database,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// It comes into being, or gets this name.
    Create,
    /// It, its rows or something that hangs on it is changed or removed.
    Change,
    /// It is read or referred to.
    Read,
    /// A privilege on it is taken away.
    Revoke,
}

/// Where a setting holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Until the session ends.
    Session,
    /// Until the transaction ends.
    Transaction,
    /// While a function runs.
    Function,
    /// For every session of a database.
    Database(String),
    /// For every session of a role.
    Role(String),
    /// For the whole server.
    Server,
}

/// What only a superuser makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Superuser {
    /// Code that runs in every session that changes a schema.
    EventTrigger,
    /// Code of the server's that keeps tables or indexes.
    AccessMethod,
    /// A definition that the server trusts: an operator class, a base type.
    Definition,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It names an object.
    Names {
        /// What the name can stand for.
        class: Class,
        /// What is done to it.
        access: Access,
        /// The name.
        path: Path,
        /// Whether it is something that lives no longer than the session.
        temporary: bool,
    },
    /// It gives a privilege.
    Grants {
        /// The privileges, as written.
        privileges: String,
        /// What they are on, as written.
        on: String,
        /// The role that gets them.
        to: String,
    },
    /// It makes a role a member of another.
    Joins {
        /// The role that is granted.
        role: String,
        /// The role that gets it.
        member: String,
    },
    /// It makes a role the owner of something.
    Owned {
        /// The role.
        by: String,
    },
    /// It makes, changes or removes a role, or takes it on.
    Role {
        /// What it does, as a verb with its object to follow: `creates role`.
        does: &'static str,
        /// The role.
        role: String,
    },
    /// It sets a parameter.
    Sets {
        /// The parameter.
        parameter: String,
        /// For `search_path`, the schemas, and for `session_replication_role` its value; otherwise nothing, since a value may be a secret.
        value: Vec<String>,
        /// Where it holds.
        scope: Scope,
    },
    /// It opens a way out of the database, or uses one.
    Link {
        /// What it is: `server`, `extension`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// It reads or writes files of the server, or runs a program there.
    ServerFile {
        /// What it uses: a path, `PROGRAM`, a function.
        what: String,
    },
    /// It steers the server, not a database.
    Server {
        /// What it uses: `ALTER SYSTEM SET archive_command`.
        what: String,
    },
    /// It makes, changes or drops what only a superuser may.
    Superuser {
        /// What it does: `CREATE EVENT TRIGGER watch`.
        what: String,
        /// What that is.
        of: Superuser,
    },
    /// It switches off all triggers of a table, those of its foreign keys included.
    Unguards {
        /// The table.
        table: Path,
    },
    /// It writes a value that an earlier statement of the same transaction added to an enum.
    WritesValue {
        /// The type.
        of: Path,
        /// The value.
        value: String,
    },
    /// It moves something into a schema.
    Moves {
        /// The schema.
        schema: String,
    },
    /// It is a command of psql.
    Psql {
        /// The command with its backslash.
        command: String,
        /// What it leads to, without passwords.
        target: String,
    },
    /// It makes, removes or changes a database.
    Database {
        /// What it does: `CREATE DATABASE`.
        does: &'static str,
        /// The database.
        name: String,
    },
    /// It runs code that its text does not hold.
    Dynamic {
        /// Why it cannot be followed.
        why: String,
    },
    /// It has a syntax that the parser does not know.
    Unread {
        /// What the parser says.
        why: String,
        /// Whether no server can read it: a typing error, and `why` names it.
        sure: bool,
    },
    /// It is written for another database system.
    Dialect {
        /// The system.
        system: &'static str,
        /// What tells it.
        mark: &'static str,
    },
    /// It makes, alters or drops a function or procedure.
    Routine(Box<Routine>),
    /// It takes a schema's name away from what is in it, or drops all that is.
    LeavesSchema {
        /// The schema.
        schema: String,
        /// Its new name; `None` where it is dropped.
        new: Option<String>,
        /// Whether that happens.
        runs: Runs,
    },
    /// It makes a table a hypertable.
    Partitions {
        /// The table.
        table: Path,
        /// The partition column.
        column: String,
    },
    /// It makes an index CONCURRENTLY.
    Concurrently {
        /// The table.
        table: Path,
    },
    /// It makes an object a member of an extension.
    Attaches {
        /// The extension.
        extension: String,
    },
    /// It drops an extension with all that depends on it.
    Drops {
        /// The extension.
        extension: String,
    },
    /// It makes, changes or drops a column.
    Column {
        /// The table.
        table: Path,
        /// What is done.
        does: Column,
    },
    /// It gives a table a unique key.
    Unique {
        /// The table.
        table: Path,
        /// The constraint or index, if it is named.
        name: Option<String>,
        /// What it is: `primary key`, `unique constraint`, `unique index`, `exclusion constraint`.
        what: &'static str,
        /// The columns.
        columns: Vec<String>,
    },
    /// It gives a new table the keys that another one has: LIKE … INCLUDING INDEXES.
    Copies {
        /// The new table.
        table: Path,
        /// The table that has them.
        from: Path,
    },
    /// It takes a constraint, an index or a whole table away.
    Unkeys {
        /// The table, where it is named.
        table: Option<Path>,
        /// The constraint or index; `None` for the whole table.
        name: Option<String>,
    },
}

/// What a script does. The parser runs on a thread of its own, with stack enough for nested texts.
#[must_use]
pub fn effects(sql: &str) -> Effects {
    with_stack(|| of(&Script::new(sql))).unwrap_or_else(|| unread(sql))
}

impl Effects {
    /// The index of the statement that holds this line, if one does.
    #[must_use]
    pub fn statement_on(&self, line: usize) -> Option<usize> {
        self.statements
            .iter()
            .position(|said| said.place.line <= line && line <= said.last_line)
    }
}

impl Said {
    /// What is said of the statement, without what may be a password in it.
    #[must_use]
    pub fn without_secrets(&self, told: &str) -> String {
        hide(told, &self.withheld)
    }
}

impl Path {
    /// A name without a schema.
    #[must_use]
    pub fn plain(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Whether the name lies in the session's own schema of temporary objects.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.schema
            .as_deref()
            .is_some_and(|schema| schema.starts_with("pg_temp"))
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in [&self.database, &self.schema].into_iter().flatten() {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests;
