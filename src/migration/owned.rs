//! Which relations of a database a service's set accounts for, so that a migration that touches others is noticed.

use std::collections::BTreeSet;

use super::guard::Party;
use super::{Migration, analyse};
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
        let own = Made::by(own);
        // Where nothing else can be the service's, it does not matter whose it is.
        let foreign = match own.known_to {
            i32::MAX => BTreeSet::new(),
            _ => others
                .iter()
                .flat_map(|other| Made::by(*other).relations)
                .filter(|relation| !own.relations.contains(relation))
                .collect(),
        };
        Self {
            relations: own.relations,
            complete_to: own.known_to,
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

/// What a service makes.
struct Made {
    /// What its lock holds and what its set's statements create.
    relations: BTreeSet<Relation>,
    /// The newest version up to which no relation's name is missing.
    known_to: i32,
}

impl Made {
    fn by(party: Party<'_>) -> Self {
        let lock = party.lock;
        let mut made = Self {
            relations: lock.map(Lock::relations).unwrap_or_default(),
            known_to: i32::MAX,
        };
        let Some(set) = party.set else {
            return made;
        };
        if lock.is_some_and(|lock| lock.is_current(&set.sum())) {
            return made;
        }
        for migration in &set.migrations {
            let entry = lock.and_then(|lock| lock.version(migration.version));
            let locked = entry.is_some_and(|entry| entry.sum == text_sum(&migration.sql));
            let told = made.read(migration);
            if !(locked || told) {
                made.known_to = made.known_to.min(migration.version.saturating_sub(1));
            }
        }
        made
    }

    /// Takes the names of a migration's text; false when a statement does what its text does not tell: DO, CALL, a function.
    fn read(&mut self, migration: &Migration) -> bool {
        let mut told = true;
        for analysis in analyse(&migration.sql) {
            let codes = analysis.hazards.iter().map(|hazard| hazard.code.as_str());
            told &= !codes
                .into_iter()
                .any(|code| ["dynamic", "unread"].contains(&code));
            self.relations
                .extend(analysis.creates.into_iter().map(|name| {
                    let schema = name.schema.unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
                    (schema, name.name)
                }));
        }
        told
    }
}
