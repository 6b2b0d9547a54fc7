//! dbctl owns the database schemas of a system of services, one database each, and proves that they stay apart.
//!
//! The layers, from the outside in: [`command`] (one file per verb) asks [`postgres`], [`sqlite`] and [`files`] for facts,
//! gives them to [`migration`] or [`rules`], and hands the resulting [`report`] to [`render`]. [`manifest`] and [`snapshot`]
//! hold the plain data that all of them share. ARCHITECTURE.md tells the whole story.

pub mod command;
pub mod exit;
pub mod files;
pub mod manifest;
pub mod migration;
pub mod postgres;
mod regular;
pub mod render;
pub mod report;
pub mod rules;
pub mod sandbox;
pub mod secret;
pub mod snapshot;
pub mod sqlite;

/// The version of this build, as `dbctl --version` prints it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
