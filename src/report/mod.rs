//! What a run found out, as plain data: renderers turn it into bytes.

pub mod baseline;
mod finding;
pub mod lock;
pub mod migrate;
pub mod provision;
pub mod repair;
pub mod rollback;
pub mod rules;
pub mod services;
pub mod status;
pub mod text;
pub mod verify;
pub use finding::{About, Finding, Location, Severity};
