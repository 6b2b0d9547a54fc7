//! One file per verb: asks for facts, decides what to do, hands a report back. Nothing here prints.

pub mod baseline;
pub mod lock;
pub mod migrate;
pub mod provision;
pub mod repair;
pub mod rules;
pub mod sandbox;
pub mod services;
mod single;
pub mod status;
mod system;
pub mod verify;

pub use system::{Interrupt, Loaded, LoadedService};
