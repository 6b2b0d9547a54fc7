//! What a run found out, as plain data: renderers turn it into bytes.

pub mod baseline;
pub mod changes;
pub mod explain;
mod finding;
pub mod grouped;
pub mod lock;
pub mod migrate;
pub mod provision;
pub mod reach;
pub mod repair;
pub mod rollback;
pub mod rules;
pub mod services;
pub mod status;
pub mod text;
pub mod verify;
pub use finding::{About, Finding, Location, Severity};
