//! Reports as bytes: one file per report and format. Renderers never filter and never judge.

pub mod baseline;
pub mod changes;
mod escape;
pub mod explain;
mod json_text;
pub mod lock;
pub mod migrate;
mod migrate_json;
mod migrate_plan;
mod narrow;
mod paths;
pub mod provision;
pub mod repair;
pub mod services;
pub mod status;
mod style;

pub use paths::Paths;
pub use style::Style;
pub mod rollback;
pub mod rules;
pub mod verify;
mod verify_github;
mod verify_html;
mod verify_json;
mod verify_junit;
mod verify_markdown;
mod verify_sarif;
mod verify_words;
mod wrap;
