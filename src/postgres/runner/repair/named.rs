//! Indexes as the set's statements name them.

use std::collections::BTreeSet;

use super::super::super::inspect::Marks;
use super::super::leftovers::Leftover;
use super::super::{ApplyError, progress};
use super::Repair;
use crate::migration::{Name, analyse};

/// What the set's statements create and drop.
#[derive(Default)]
pub(super) struct Named {
    /// What was created.
    pub(super) applied: BTreeSet<String>,
    /// What is still to be created.
    pub(super) pending: BTreeSet<String>,
    /// What is still to be dropped, and where.
    dropped: Vec<(Name, String)>,
}

impl Named {
    /// Where an index is still to be dropped, if it is.
    pub(super) fn dropped(&self, leftover: &Leftover) -> Option<&str> {
        let is = |name: &Name| {
            name.name == leftover.plain
                && name.schema.as_deref().unwrap_or("public") == leftover.schema
        };
        let mut dropped = self.dropped.iter();
        dropped
            .find(|(name, _)| is(name))
            .map(|(_, place)| place.as_str())
    }
}

impl Repair<'_> {
    /// What the set's statements create and drop; a statement of an unfinished migration that is done counts as applied.
    pub(super) async fn named(&self, marks: &Marks) -> Result<Named, ApplyError> {
        let entries = progress::read(self.session)
            .await
            .map_err(|error| self.gone(&error))?;
        let mut named = Named::default();
        for migration in &self.options.set.migrations {
            let version = i64::from(migration.version);
            let recorded = marks.history.rows.iter().any(|row| row.version == version);
            for (number, analysis) in analyse(&migration.sql).into_iter().enumerate() {
                let done = entries.iter().any(|entry| {
                    entry.version == migration.version
                        && entry.done
                        && usize::try_from(entry.statement) == Ok(number + 1)
                });
                let drops = analysis.drops_indexes();
                let names = analysis.creates.into_iter().map(|name| name.name);
                if recorded || done {
                    named.applied.extend(names);
                } else {
                    let place = format!("{}, line {}", migration.file, analysis.line);
                    named.pending.extend(names);
                    let drops = drops.into_iter().map(|name| (name, place.clone()));
                    named.dropped.extend(drops);
                }
            }
        }
        Ok(named)
    }
}
