//! Which relations of a database a service's set accounts for, so that a migration that touches others is noticed.

use std::collections::BTreeSet;

use super::analyse;
use super::guard::Party;
use crate::snapshot::Lock;

/// A schema and a name.
type Relation = (String, String);

/// The schema that a name without one belongs to: migrations run with `search_path = public`.
const DEFAULT_SCHEMA: &str = "public";

/// The relations of one service, and what is known of the others'.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned {
    /// What the lock holds and what the set's statements create.
    relations: BTreeSet<Relation>,
    /// Whether nothing else can be the service's: no statement creates relations whose names the text does not tell.
    complete: bool,
    /// What the other services' locks and sets hold, and this one's does not; empty where `complete` makes it needless.
    foreign: BTreeSet<Relation>,
}

impl Owned {
    /// What `own` accounts for, beside `others`.
    #[must_use]
    pub fn new(own: Party<'_>, others: &[Party<'_>]) -> Self {
        let own_made = made(own);
        let current = own
            .set
            .zip(own.lock)
            .is_some_and(|(set, lock)| lock.sum == set.sum());
        let complete = current || !own_made.dynamic;
        // Where nothing else can be the service's, it does not matter whose it is.
        let foreign = match complete {
            true => BTreeSet::new(),
            false => others
                .iter()
                .flat_map(|other| made(*other).relations)
                .filter(|relation| !own_made.relations.contains(relation))
                .collect(),
        };
        Self {
            relations: own_made.relations,
            complete,
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

    /// Whether a relation that is none of [`Owned::names`] belongs to no object of this service. Where the set makes relations that
    /// its text does not name, only what is another service's, or another role's, is certain.
    #[must_use]
    pub fn is_foreign(&self, schema: &str, name: &str, own_role: bool) -> bool {
        self.complete || !own_role || self.foreign.contains(&(schema.to_owned(), name.to_owned()))
    }
}

/// What a service makes.
struct Made {
    /// What its lock holds and what its set's statements create.
    relations: BTreeSet<Relation>,
    /// Whether a statement of the set does what its text does not tell: DO, CALL, a function.
    dynamic: bool,
}

fn made(party: Party<'_>) -> Made {
    let locked = party.lock.into_iter().flat_map(Lock::relations);
    let mut made = Made {
        relations: locked.collect(),
        dynamic: false,
    };
    let migrations = party.set.into_iter().flat_map(|set| &set.migrations);
    for analysis in migrations.flat_map(|migration| analyse(&migration.sql)) {
        let hazards = analysis.hazards.iter();
        made.dynamic |= hazards.into_iter().any(|hazard| hazard.code == "dynamic");
        made.relations
            .extend(analysis.creates.into_iter().map(|name| {
                let schema = name.schema.unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
                (schema, name.name)
            }));
    }
    made
}
