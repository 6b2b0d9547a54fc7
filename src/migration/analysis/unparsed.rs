//! What the keywords tell of a statement that the parser does not know, or that is too large for it.

use super::hazard::unread;
use super::read::{Fresh, Read};
use super::{Lock, LockMode, Name};
use crate::migration::words::Words;

/// Reads a statement's first words.
pub(super) fn read(text: &str, fresh: &Fresh) -> Read {
    let mut words = Words::new(text);
    if words.eat(&["insert", "into"]) {
        // Data is the one thing that is large; there is nothing that a rule would find in it.
        let locks = locks(LockMode::RowExclusive, words.name());
        return Read {
            lock: fresh.strongest(locks.clone()),
            touches: named(&locks),
            ..Read::default()
        };
    }
    let (creates, locks) = named_by(words);
    Read {
        touches: named(&locks),
        lock: fresh.strongest(locks),
        hazards: vec![unread()],
        creates,
        ..Read::default()
    }
}

/// What the statement creates and what it locks.
fn named_by(mut words: Words<'_>) -> (Vec<Name>, Vec<Lock>) {
    if words.eat(&["update"]) || words.eat(&["delete", "from"]) || words.eat(&["merge", "into"]) {
        words.eat(&["only"]);
        return (Vec::new(), locks(LockMode::RowExclusive, words.name()));
    }
    if words.eat(&["truncate"]) {
        words.eat(&["table"]);
        words.eat(&["only"]);
        return (
            Vec::new(),
            locks(LockMode::AccessExclusive, words.names().unwrap_or_default()),
        );
    }
    let alters = words.eat(&["alter"]);
    if alters || words.eat(&["drop"]) {
        words.eat_any(&["materialized", "foreign"]);
        if words.eat_any(&["table", "view", "index", "sequence"]) {
            words.eat(&["concurrently"]);
            words.eat(&["if", "exists"]);
            words.eat(&["only"]);
            return (
                Vec::new(),
                locks(LockMode::AccessExclusive, words.names().unwrap_or_default()),
            );
        }
        return Default::default();
    }
    if words.eat(&["create"]) {
        return create(words);
    }
    Default::default()
}

fn create(mut words: Words<'_>) -> (Vec<Name>, Vec<Lock>) {
    words.eat(&["or", "replace"]);
    words.eat_any(&["global", "local"]);
    words.eat_any(&["temporary", "temp", "unlogged", "unique", "recursive"]);
    words.eat_any(&["materialized", "foreign"]);
    let index = words.eat(&["index"]);
    if !index && !words.eat_any(&["table", "view", "sequence"]) {
        return Default::default();
    }
    words.eat(&["concurrently"]);
    words.eat(&["if", "not", "exists"]);
    if !index {
        return (words.name().into_iter().collect(), Vec::new());
    }
    let mut name = Vec::new();
    if !words.eat(&["on"]) {
        name.extend(words.name());
        words.eat(&["on"]);
    }
    words.eat(&["only"]);
    (name, locks(LockMode::Share, words.name()))
}

fn locks(mode: LockMode, relations: impl IntoIterator<Item = Name>) -> Vec<Lock> {
    relations
        .into_iter()
        .map(|name| Lock {
            mode,
            relation: Some(name),
        })
        .collect()
}

fn named(locks: &[Lock]) -> Vec<Name> {
    locks
        .iter()
        .filter_map(|lock| lock.relation.clone())
        .collect()
}
