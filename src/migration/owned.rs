//! Which relations of a database a service's set accounts for, so that a migration that touches others is noticed.

use std::collections::{BTreeMap, BTreeSet};

use super::analysis::{analyse_names, with_stack};
use super::guard::Party;
use super::words::Words;
use super::{Migration, Set, tokens};
use crate::snapshot::{Lock, text_sum};

/// A schema and a name.
type Relation = (String, String);

/// The schema that a name without one belongs to: migrations run with `search_path = public`.
const DEFAULT_SCHEMA: &str = "public";

/// The relations of one service, and what is known of the others'.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned {
    /// What the lock holds and what the set's statements create, and the first version that may have made it.
    relations: BTreeMap<Relation, i32>,
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
                .flat_map(|other| Made::by(*other).relations.into_keys())
                .filter(|relation| !own.relations.contains_key(relation))
                .collect(),
        };
        Self {
            relations: own.relations,
            complete_to: own.known_to,
            foreign,
        }
    }

    /// Whether lock or text tell every relation that the set makes.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete_to == i32::MAX
    }

    /// Schemas and names of the service's relations in a database at this version, side by side. What a later migration is yet to
    /// make is not there, or somebody else's.
    #[must_use]
    pub fn names(&self, applied: i64) -> (Vec<&str>, Vec<&str>) {
        self.relations
            .iter()
            .filter(|(_, version)| i64::from(**version) <= applied)
            .map(|((schema, name), _)| (schema.as_str(), name.as_str()))
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
    /// What its lock holds and what its set's statements create, and the first version that may have made it.
    relations: BTreeMap<Relation, i32>,
    /// The newest version up to which no relation's name is missing.
    known_to: i32,
}

impl Made {
    fn by(party: Party<'_>) -> Self {
        let lock = party.lock.get();
        let mut made = Self::nothing();
        if let Some(set) = party.set {
            // One thread for all texts; where one of them breaks the parser, each has its own.
            let read = || {
                let mut made = Self::nothing();
                made.read_set(set, lock);
                made
            };
            made = with_stack(read).unwrap_or_else(read);
        }
        // What no text creates may have been there from the first version on.
        for relation in lock.map(Lock::relations).unwrap_or_default() {
            made.relations.entry(relation).or_insert(0);
        }
        made
    }

    fn nothing() -> Self {
        Self {
            relations: BTreeMap::new(),
            known_to: i32::MAX,
        }
    }

    /// Takes the names of a set's texts; a lock that is current knows those that the texts do not tell.
    fn read_set(&mut self, set: &Set, lock: Option<&Lock>) {
        let current = lock.is_some_and(|lock| lock.is_current(&set.sum()));
        let mut functions = BTreeSet::new();
        for migration in &set.migrations {
            let entry = lock.and_then(|lock| lock.version(migration.version));
            let locked = entry.is_some_and(|entry| entry.sum == text_sum(&migration.sql));
            let told = self.read(migration, &mut functions);
            if !(current || locked || told) {
                self.known_to = self.known_to.min(migration.version.saturating_sub(1));
            }
        }
    }

    /// Takes the names of a migration's text; false when a statement does what its text does not tell: DO, CALL, a function.
    fn read(&mut self, migration: &Migration, functions: &mut BTreeSet<String>) -> bool {
        let mut told = true;
        for analysis in analyse_names(&migration.sql) {
            let codes = analysis.hazards.iter().map(|hazard| hazard.code.as_str());
            told &= !codes
                .into_iter()
                .any(|code| ["dynamic", "unread"].contains(&code));
            told &= !moves(&analysis.text) && !calls(&analysis.text, functions);
            for name in analysis.creates {
                let schema = name.schema.unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
                self.relations
                    .entry((schema, name.name))
                    .or_insert(migration.version);
            }
        }
        told
    }
}

/// Whether a statement decides in which schema relations lie, so that their names do not tell it.
fn moves(text: &str) -> bool {
    let mut words = Words::new(text);
    if words.has(&["set_config", "("]) {
        return true;
    }
    if words.eat(&["set"]) {
        return words.has(&["search_path"]) || words.has(&["schema"]);
    }
    if words.eat(&["alter"]) {
        return words.has(&["set", "schema"]) || (words.eat(&["schema"]) && words.has(&["rename"]));
    }
    words.eat(&["create", "schema"]) && words.has(&["create"])
}

/// Whether a statement calls a function that the set has made, which can do anything; takes the name of one that it makes.
fn calls(text: &str, functions: &mut BTreeSet<String>) -> bool {
    let mut words = Words::new(text);
    if words.eat(&["create"]) {
        words.eat(&["or", "replace"]);
        if words.eat_any(&["function", "procedure"]) {
            functions.extend(words.name().map(|name| name.name));
            return false;
        }
    }
    if functions.is_empty() {
        return false;
    }
    let mut before: Option<tokens::Token<'_>> = None;
    for token in tokens::meaningful(text) {
        let name = before.map(|token| token.text.trim_matches('"'));
        if token.text == "("
            && name.is_some_and(|name| {
                functions.contains(name) || functions.contains(&name.to_ascii_lowercase())
            })
        {
            return true;
        }
        before = Some(token);
    }
    false
}
