//! Extensions in a migration: what is hidden in one, and what goes with one.

use super::judge::{Context, Draft};
use super::objects::SYSTEM_SCHEMA;
use crate::migration::effects::Act;
use crate::rules::About;
use crate::snapshot::Kind;

/// The extension that hypertables are made with.
const OF_HYPERTABLES: &str = "timescaledb";

/// ALTER EXTENSION … ADD.
pub(super) fn attached(extension: &str) -> Draft {
    Draft::new(
        &SYSTEM_SCHEMA,
        About::plain("extension", extension),
        format!(
            "attaches an object to extension {extension}: dumps leave its members out, and DROP EXTENSION drops them"
        ),
    )
    .expected("objects that belong to the service, not to an extension")
    .remedy("Remove it; what an extension's own script did not make is not its.")
}

/// DROP EXTENSION … CASCADE: with TimescaleDB go the hypertables and their rows.
pub(super) fn dropped(context: &Context<'_, '_>, extension: &str) -> Option<Draft> {
    let own = context.own;
    let locked = own
        .lock
        .is_some_and(|lock| lock.objects.keys().any(|key| key.kind == Kind::Hypertable));
    let mut texts = own
        .subject
        .texts
        .iter()
        .flat_map(|texts| &texts.files)
        .flat_map(|file| &file.effects.effects);
    let has = extension == OF_HYPERTABLES
        && (locked || texts.any(|effect| matches!(effect.act, Act::Partitions { .. })));
    has.then(|| {
        Draft::new(
            &SYSTEM_SCHEMA,
            About::plain("extension", extension),
            format!(
                "drops extension {extension} and every hypertable of the service with its rows"
            ),
        )
        .expected("an extension that stays as long as there are hypertables")
        .remedy("Remove it; move the rows into plain tables first if TimescaleDB is to go.")
    })
}
