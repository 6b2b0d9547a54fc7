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
