//! Rules of group `link`: what reaches out of the database.

mod objects;
mod pieces;
mod place;
mod reach;
mod scan;
mod server;
mod settings;
mod texts;

use super::Rule;
pub(super) use reach::{Reach, is_spoken_of, is_text, reaches};
pub(super) use settings::is_off;

/// The rules of this group.
pub(super) const RULES: &[Rule] = &[
    objects::EXTENSION,
    objects::FOREIGN_SERVER,
    objects::FOREIGN_TABLE,
    objects::SUBSCRIPTION,
    objects::PUBLICATION,
    objects::LANGUAGE,
    texts::REACHES_OUT,
    texts::NATIVE_FUNCTION,
    texts::FOREIGN_CHANNEL,
    texts::FOREIGN_NAME,
    server::REPLICATION_SLOT,
    server::REPLICATION_ORIGIN,
    server::PREPARED_TRANSACTION,
    server::JOB,
    settings::SERVER_SETTING,
    settings::CONNECTION_STRING,
];
