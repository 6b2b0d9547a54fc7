//! Which relations of a database a service's set accounts for, so that a migration that touches others is noticed.

use std::collections::BTreeSet;

use super::guard::Party;
use super::{Migration, Set, analyse};
use crate::snapshot::{Lock, text_sum};

/// A schema and a name.
type Relation = (String, String);

/// The schema that a name without one belongs to: migrations run with `search_path = public`.
const DEFAULT_SCHEMA: &str = "public";

/// The relations of one service, and what is known of the others'.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned {
    /// What the lock holds and what the set's statements create.
    relations: BTreeSet<Relation>,
    /// The version up to which nothing else can be the service's: the lock knows what each one makes, or its text tells.
    complete_to: i32,
    /// What the other services' locks and sets hold, and this one's does not.
    foreign: BTreeSet<Relation>,
}

impl Owned {
    /// What `own` accounts for, beside `others`.
    #[must_use]
    pub fn new(own: Party<'_>, others: &[Party<'_>]) -> Self {
        let relations = relations_of(own);
        let foreign = others
            .iter()
            .flat_map(|other| relations_of(*other))
            .filter(|relation| !relations.contains(relation))
            .collect();
        Self {
            relations,
            complete_to: own.set.map_or(0, |set| complete_to(set, own.lock)),
            foreign,
        }
    }

    /// Schemas and names of the service's relations, side by side.
    #[must_use]
    pub fn names(&self) -> (Vec<&str>, Vec<&str>) {
        self.relations
            .iter()
            .map(|(schema, name)| (schema.as_str(), name.as_str()))
            .unzip()
    }

    /// Whether a relation that is none of [`Owned::names`] belongs to no object of this service, in a database to which versions up
    /// to `applied` were applied. Where one of them made relations that neither lock nor text names, only what is another service's,
    /// or another role's, is certain.
    #[must_use]
    pub fn is_foreign(&self, applied: i64, schema: &str, name: &str, own_role: bool) -> bool {
        applied <= i64::from(self.complete_to)
            || !own_role
            || self.foreign.contains(&(schema.to_owned(), name.to_owned()))
    }
}

fn relations_of(party: Party<'_>) -> BTreeSet<Relation> {
    let locked = party.lock.into_iter().flat_map(Lock::relations);
    let created = party.set.into_iter().flat_map(|set| {
        set.migrations
            .iter()
            .flat_map(|migration| analyse(&migration.sql))
            .flat_map(|analysis| analysis.creates)
            .map(|name| {
                let schema = name.schema.unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
                (schema, name.name)
            })
    });
    locked.chain(created).collect()
}

/// The newest version up to which every relation's name is known.
fn complete_to(set: &Set, lock: Option<&Lock>) -> i32 {
    if lock.is_some_and(|lock| lock.is_current(&set.sum())) {
        return i32::MAX;
    }
    let known = |migration: &&Migration| {
        let locked = lock.and_then(|lock| lock.version(migration.version));
        locked.is_some_and(|entry| entry.sum == text_sum(&migration.sql)) || !is_dynamic(migration)
    };
    let unknown = set.migrations.iter().find(|migration| !known(migration));
    unknown.map_or(i32::MAX, |migration| migration.version.saturating_sub(1))
}

/// Whether a statement of the migration does what its text does not tell: DO, CALL, a function.
fn is_dynamic(migration: &Migration) -> bool {
    analyse(&migration.sql).iter().any(|analysis| {
        analysis
            .hazards
            .iter()
            .any(|hazard| ["dynamic", "unread"].contains(&hazard.code.as_str()))
    })
}
