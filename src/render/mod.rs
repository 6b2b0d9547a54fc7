//! Reports as bytes: one file per report and format. Renderers never filter and never judge.

pub mod baseline;
pub mod lock;
pub mod migrate;
pub mod provision;
pub mod repair;
pub mod services;
pub mod status;
mod style;

pub use style::Style;
pub mod rules;
pub mod verify;
mod verify_json;
mod wrap;
