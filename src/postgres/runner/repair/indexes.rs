//! Invalid indexes, and constraints that were never validated.

use tokio_postgres::types::Type;

use super::super::super::inspect::Marks;
use super::super::ApplyError;
use super::super::footprint::Foreign;
use super::super::leftovers::{Leftover, leftovers};
use super::named::Named;
use super::{MendState, Refusal, Repair};
use crate::snapshot::attributes::VALIDATED;
use crate::snapshot::{Kind, Lock, ObjectKey, Text};

/// What the set says of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Half of a `REINDEX CONCURRENTLY` that did not come to its end.
    Transient,
    /// A version that is applied has it.
    Applied,
    /// A version that is not applied yet creates it.
    Pending,
    /// No version has it.
    Unknown,
}

impl Repair<'_> {
    /// Mends indexes that are not valid; explains the others and constraints that are not validated.
    pub(super) async fn indexes(
        &mut self,
        marks: &Marks,
        foreign: &Foreign,
    ) -> Result<(), ApplyError> {
        let gone = |error| self.gone(&error);
        let left = leftovers(self.session).await.map_err(gone)?;
        if left.is_empty() {
            return Ok(());
        }
        let newest = newest(marks);
        let now = self.options.lock.and_then(|lock| lock.at(newest));
        let now = now.as_ref().map(|expected| &expected.lock);
        let named = self.named(marks).await?;
        for leftover in left {
            // Those of other services and tools are theirs to mend, and an index of a partitioned table waits for its partitions.
            if foreign.is(leftover.table_oid) || (leftover.index && leftover.partitioned) {
                continue;
            }
            if !leftover.index {
                if !is_meant(now, &leftover) {
                    self.constraint(&leftover);
                }
                continue;
            }
            let origin = self.origin(now, &named, &leftover);
            if let Some(builder) = self.builder(&leftover).await? {
                // A migration that is to create it meets it.
                let (state, besides) = match origin {
                    Origin::Pending => (
                        MendState::Blocks,
                        "; a migration that is not applied yet creates it too",
                    ),
                    _ => (MendState::Left, ""),
                };
                self.note(
                    "index",
                    subject(&leftover),
                    format!("it is not valid, and {builder} builds it right now{besides}"),
                    state,
                    "left alone: look again when that has ended".to_owned(),
                );
                continue;
            }
            if let Some(place) = named.dropped(&leftover) {
                self.note(
                    "index",
                    subject(&leftover),
                    format!("it is not valid, and {place}, which is not applied yet, drops it"),
                    MendState::Left,
                    format!("left alone: {} takes it away", self.migrates()),
                );
                continue;
            }
            self.index(&leftover, origin).await?;
        }
        Ok(())
    }

    async fn index(&mut self, leftover: &Leftover, origin: Origin) -> Result<(), ApplyError> {
        let name = &leftover.name;
        let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
        let (found, sql, action) = match origin {
            Origin::Transient => (
                "it is not valid: half of a REINDEX CONCURRENTLY that was cut off",
                drop,
                "dropped",
            ),
            Origin::Pending => (
                "it is not valid, and a migration that is not applied yet creates it",
                drop,
                "dropped: the next migrate creates it",
            ),
            Origin::Applied => (
                "it is not valid, so queries do not use it",
                format!("REINDEX INDEX CONCURRENTLY {name}"),
                "built anew",
            ),
            Origin::Unknown => {
                self.note(
                    "index",
                    subject(leftover),
                    "it is not valid, and no version of the set has it".to_owned(),
                    MendState::Left,
                    format!("DROP INDEX CONCURRENTLY {name} takes it away, REINDEX INDEX CONCURRENTLY {name} builds it anew"),
                );
                return Ok(());
            }
        };
        // A settled statement may have taken it away in a dry run's words already.
        let told = |mend: &super::Mend| mend.kind == "statement" && mend.found.contains(name);
        if self.options.dry_run && self.mends.iter().any(told) {
            return Ok(());
        }
        let mended = match self.options.dry_run {
            true => self.permitted(leftover).await?,
            false => self.mend(&subject(leftover), &sql).await?,
        };
        let Err(refusal) = mended else {
            let action = format!("{action} ({sql})");
            self.mended("index", subject(leftover), found.to_owned(), &action);
            return Ok(());
        };
        // One that is to be created would meet this one; any other is in nobody's way.
        let state = match origin {
            Origin::Pending => MendState::Blocks,
            _ => MendState::Left,
        };
        let reason = refusal.reason;
        let action = match refusal.denied {
            true => format!("left as it is, for {reason}; a superuser: {sql}"),
            false => format!(
                "left as it is, for the server refuses {sql}: {reason}; mend what it names, then run {} again",
                self.verb()
            ),
        };
        self.note("index", subject(leftover), found.to_owned(), state, action);
        Ok(())
    }

    /// Whether the role may mend an index, as a dry run can tell: a TOAST table's has the service's owner, and lies in a schema that is
    /// closed to it.
    async fn permitted(&self, leftover: &Leftover) -> Result<Result<(), Refusal>, ApplyError> {
        let denied = self
            .session
            .client
            .query_typed_one(
                include_str!("../sql/denied.sql"),
                &[(&leftover.oid, Type::OID)],
            )
            .await
            .and_then(|row| row.try_get::<_, Option<String>>(0))
            .map_err(|error| self.gone(&error))?;
        Ok(denied.map_or(Ok(()), |reason| {
            Err(Refusal {
                reason,
                denied: true,
            })
        }))
    }

    fn constraint(&mut self, leftover: &Leftover) {
        let (name, table) = (&leftover.name, &leftover.table);
        self.note(
            "constraint",
            format!("constraint {name} of {table}"),
            "it is not validated: rows that were there before may break it".to_owned(),
            MendState::Left,
            format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name} checks them, and lets others read and write meanwhile"),
        );
    }

    fn origin(&self, now: Option<&Lock>, named: &Named, leftover: &Leftover) -> Origin {
        let has = |lock: &Lock| lock.objects.keys().any(|key| is_index(key, leftover));
        let plain = &leftover.plain;
        if now.is_some_and(has) || named.applied.contains(plain) {
            Origin::Applied
        } else if self.options.lock.is_some_and(has) || named.pending.contains(plain) {
            Origin::Pending
        } else if is_transient(plain) {
            Origin::Transient
        } else {
            Origin::Unknown
        }
    }

    /// Who builds the index at this moment, as far as this role may know.
    async fn builder(&self, leftover: &Leftover) -> Result<Option<String>, ApplyError> {
        let row = self
            .session
            .client
            .query_typed(
                include_str!("../sql/builder.sql"),
                &[(&leftover.oid, Type::OID), (&leftover.table_oid, Type::OID)],
            )
            .await
            .map_err(|error| self.gone(&error))?;
        row.first()
            .map(|row| row.try_get(0))
            .transpose()
            .map_err(|error| self.gone(&error))
    }
}

fn subject(leftover: &Leftover) -> String {
    format!("index {} on {}", leftover.name, leftover.table)
}

/// The newest version that the history holds, as far as a set can have it; 0 when there is none.
pub(super) fn newest(marks: &Marks) -> i32 {
    let versions = marks.history.rows.iter().map(|row| row.version);
    versions
        .max()
        .and_then(|version| i32::try_from(version).ok())
        .unwrap_or_default()
}

/// Whether this object of a lock is the index, or the constraint that it belongs to. Names of indexes are unique in a schema.
fn is_index(key: &ObjectKey, leftover: &Leftover) -> bool {
    matches!(key.kind, Kind::Index | Kind::Constraint)
        && key.name == leftover.plain
        && key.schema == leftover.schema
}

/// Whether the lock has this constraint as one that is not validated.
fn is_meant(lock: Option<&Lock>, leftover: &Leftover) -> bool {
    let Some(lock) = lock else {
        return false;
    };
    lock.objects.iter().any(|(key, attributes)| {
        key.kind == Kind::Constraint
            && key.name == leftover.plain
            && key.schema == leftover.schema
            && matches!(attributes.get(VALIDATED), Some(Text::Same(text)) if text == "false")
    })
}

/// Whether the server has given this name for the time of a `REINDEX CONCURRENTLY` (PostgreSQL documentation, "REINDEX").
fn is_transient(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.ends_with("_ccnew") || stem.ends_with("_ccold")
}

#[cfg(test)]
mod tests {
    use super::is_transient;

    #[test]
    fn the_names_that_a_reindex_leaves() {
        for name in [
            "a_idx_ccnew",
            "a_idx_ccold",
            "a_idx_ccnew1",
            "a_idx_ccold12",
        ] {
            assert!(is_transient(name), "{name}");
        }
        for name in ["a_idx", "a_idx_ccnewer", "ccnew_a", "a_idx1"] {
            assert!(!is_transient(name), "{name}");
        }
    }
}
