//! Reports as bytes: one file per report and format. Renderers never filter and never judge.

pub mod baseline;
pub mod changes;
pub mod lock;
pub mod migrate;
mod migrate_json;
mod migrate_plan;
pub mod provision;
pub mod repair;
pub mod services;
pub mod status;
mod style;

pub use style::Style;
pub mod rollback;
pub mod rules;
pub mod verify;
mod verify_json;
mod wrap;
