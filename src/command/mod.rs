//! One file per verb: asks for facts, decides what to do, hands a report back. Nothing here prints.

mod guard;
pub mod lock;
pub mod migrate;
pub mod provision;
pub mod rollback;
pub mod rules;
pub mod sandbox;
pub mod services;
pub mod status;
mod system;
pub mod verify;

pub use system::{Interrupt, Loaded, LoadedService};
