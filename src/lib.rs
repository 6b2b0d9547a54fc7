//! dbctl owns the database schemas of a system of services, one database each, and proves that they stay apart.
//!
//! # In a service
//!
//! A service that applies its own migrations when it starts needs three lines. The folder holds `V1__name.sql`, `V2__…`, as for the
//! command, and the command sees the database as it would see one that it had migrated itself.
//!
//! ```no_run
//! static MIGRATIONS: dbctl::Dir = dbctl::include_dir!("$CARGO_MANIFEST_DIR/examples/own_set/migrations");
//!
//! # async fn start(database_url: String) -> Result<(), dbctl::MigrateError> {
//! let set = dbctl::Set::embedded("orders", &MIGRATIONS)?; // or dbctl::Set::on_disk("orders", folder)
//! let applied = dbctl::Migrator::new("orders", set).run(&database_url).await?;
//! # drop(applied);
//! # Ok(())
//! # }
//! ```
//!
//! [`Migrator`] has the options, [`MigrateError`] the reasons not to start, [`Event`] what can be logged meanwhile.
//! `examples/own_set.rs` is a whole program.
//!
//! ## What to know
//!
//! * **Cargo**: `dbctl = { git = "…", default-features = false }`. The feature `cli` (default) brings the command, SQLite and their crates;
//!   nothing above needs it. No feature changes what a migration does.
//! * **Runtime**: tokio, with its time and I/O enabled, of one thread or many; the futures are `Send`. No other thread is started for long, no
//!   signal is handled, nothing is printed.
//! * **The set** is read and checked by [`Set::embedded`] or [`Set::on_disk`], before any server is asked: [`SetError`] names file and line.
//!   Down scripts and `schema.lock` belong into the folder as well. The lock is not needed; with it, what a migration may touch is known also
//!   where the texts do not tell.
//! * **The role** of the URL needs CREATE on its database and on schema `public` (`dbctl provision` sees to both), and it must own what its
//!   migrations change. It logs in once more where something takes long, to see who is in the way.
//! * **The URL** says everything: libpq's parameters, `passfile` among them; none of libpq's variables is read, nor `~/.pgpass`. A pooler must
//!   give each session a server process of its own, else the run is refused.
//! * **Several instances** may start at once: one applies, the others wait up to [`Migrator::lock_timeout`] and find nothing to do. An instance
//!   of an older release, whose set ends before the history does, gets [`MigrateError::Refused`].
//! * **A failure** leaves nothing of the migration that failed, and keeps those before it; of a file that runs statement by statement the
//!   message says what ran, and the next run goes on there. Files that the server cannot parse are found before the first one is applied. What
//!   only an operator can decide is settled with the command, `dbctl repair --service NAME`.
//! * **A database that has the schema already** is never taken over by itself: `dbctl baseline --service NAME` adopts it.
//!
//! # The modules
//!
//! They are what the command is made of, and change as it does. The layers, from the outside in: [`command`] (one file per verb)
//! asks [`postgres`], [`sqlite`] and [`files`] for facts, gives them to [`migration`] or [`rules`], and hands the resulting [`report`]
//! to [`render`]. [`manifest`] and [`snapshot`] hold the plain data that all of them share. ARCHITECTURE.md tells the whole story.

pub mod command;
#[cfg(feature = "cli")]
pub mod compose;
mod dotenv;
pub mod exit;
#[cfg(feature = "cli")]
pub mod files;
mod library;
pub mod manifest;
pub mod migration;
pub mod postgres;
mod regular;
#[cfg(feature = "cli")]
pub mod render;
pub mod report;
#[cfg(feature = "cli")]
pub mod rules;
#[cfg(feature = "cli")]
pub mod sandbox;
pub mod secret;
pub mod snapshot;
#[cfg(feature = "cli")]
pub mod sqlite;

#[doc(hidden)]
pub use ::include_dir as __include_dir;
pub use ::include_dir::Dir;
pub use library::{MigrateError, Migrator};
pub use migration::{Set, SetError};
pub use postgres::Event;
pub use report::migrate::Applied;

/// The version of this build, as `dbctl --version` prints it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
