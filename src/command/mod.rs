//! One file per verb: asks for facts, decides what to do, hands a report back. Nothing here prints.

pub mod baseline;
pub mod lock;
pub mod migrate;
pub mod provision;
pub mod rules;
pub mod sandbox;
pub mod services;
pub mod status;
mod system;
pub mod verify;
mod writable;

pub use system::{Interrupt, Loaded, LoadedService};
