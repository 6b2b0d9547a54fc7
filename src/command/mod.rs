//! One file per verb: asks for facts, decides what to do, hands a report back. Nothing here prints.

#[cfg(feature = "cli")]
pub mod baseline;
#[cfg(feature = "cli")]
pub mod check;
#[cfg(feature = "cli")]
pub mod compose;
mod entrance;
#[cfg(feature = "cli")]
pub mod explain;
mod guard;
#[cfg(feature = "cli")]
pub mod lock;
pub mod migrate;
#[cfg(feature = "cli")]
mod proof;
#[cfg(feature = "cli")]
pub mod provision;
#[cfg(feature = "cli")]
pub mod repair;
#[cfg(feature = "cli")]
pub mod rollback;
#[cfg(feature = "cli")]
pub mod rules;
#[cfg(feature = "cli")]
pub mod sandbox;
#[cfg(feature = "cli")]
pub mod services;
#[cfg(feature = "cli")]
pub mod since;
#[cfg(feature = "cli")]
mod single;
#[cfg(feature = "cli")]
mod sources;
#[cfg(feature = "cli")]
pub mod status;
mod system;
#[cfg(feature = "cli")]
pub mod verify;

#[cfg(feature = "cli")]
pub use sources::{built_in, files_read, sources};
pub use system::{Interrupt, Loaded, LoadedService};
