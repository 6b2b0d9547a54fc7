//! Migration sets and plans. Pure: nothing here talks to a server.

pub mod analysis;
mod creations;
#[cfg(feature = "cli")]
mod dump;
#[cfg(feature = "cli")]
pub mod effects;
pub mod guard;
pub(crate) mod masked;
pub mod other_tools;
mod owned;
mod plan;
mod problem;
pub mod proof;
mod rollback;
mod set;
mod statements;
pub(crate) mod tokens;
mod words;

pub use analysis::{
    Analysis, Fate, Likeness, Mode, Name, Place, accepts_absence, analyse, changes_rows, likeness,
};
pub use creations::{Creation, creations};
#[cfg(feature = "cli")]
pub use dump::dumped_tables;
pub use owned::Owned;
pub use plan::{Ahead, Applied, Plan};
pub use problem::{Change, Problem};
pub use rollback::{Before, Rollback, Yardstick, unfinished_refusal};
#[cfg(feature = "cli")]
pub use set::{
    CHANGES_TYPE, FileFacts, NOT_NULL, Quick, Refused, SetFacts, column_order, quick_of,
    refused_by_timescaledb,
};
pub use set::{Down, LOCK_FILE, Migration, Set, SetError, built_in_names};
pub use statements::{Statement, statements};

/// Makes the table of statements that ran outside a transaction, where it is missing.
pub const CREATE_PROGRESS: &str = "\
CREATE TABLE IF NOT EXISTS dbctl.progress (
    version integer NOT NULL,
    statement integer NOT NULL,
    sum text NOT NULL,
    done boolean NOT NULL,
    indexes oid[] NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT progress_pkey PRIMARY KEY (version, statement)
);
COMMENT ON TABLE dbctl.progress IS 'Statements of an unfinished migration that ran outside a transaction. Empty when nothing is unfinished.';
";

/// Makes the table of the stamp where it is missing.
pub const CREATE_STAMP: &str = "\
CREATE SCHEMA IF NOT EXISTS dbctl;
CREATE TABLE IF NOT EXISTS dbctl.identity (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT identity_pkey PRIMARY KEY CONSTRAINT identity_only_row_check CHECK (only_row),
    service text NOT NULL,
    set_name text NOT NULL,
    stamped_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON SCHEMA dbctl IS 'Kept by dbctl: whose database this is.';
COMMENT ON TABLE dbctl.identity IS 'One row: the service that owns this database and the migration set that made its schema.';
";
