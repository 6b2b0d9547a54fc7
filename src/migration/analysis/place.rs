//! Where a statement can run, told by its keywords. They are read without a grammar, so that a syntax that the parser does not
//! know hides nothing.
//!
//! Sources: each command's page of the PostgreSQL documentation ("… cannot be executed inside a transaction block"), and the pages
//! of TimescaleDB's API reference.

use super::{Fate, Mode, Name, Place};
use crate::migration::tokens::meaningful;
use crate::migration::words::Words;

/// Whether it is the one statement that can be very large.
pub(super) fn is_insert(text: &str) -> bool {
    meaningful(text)
        .next()
        .is_some_and(|first| first.text.eq_ignore_ascii_case("insert"))
}

/// Where a statement can run.
pub(super) fn place(text: &str) -> Place {
    if is_insert(text) {
        return Place::Transaction;
    }
    place_of(Words::new(text))
}

/// As [`place`], of a statement's words.
pub(super) fn place_of(words: Words<'_>) -> Place {
    if is_timescaledb_update(words.clone()) {
        return Place::FreshSession;
    }
    match alone(words) {
        Some((reason, fate)) => Place::Alone { reason, fate },
        None => Place::Transaction,
    }
}

/// Whether the statement may hold COMMIT or ROLLBACK, which needs that no transaction is around it: a call of a procedure, or a
/// block of code with one of these words in it.
pub(super) fn may_commit(text: &str) -> Option<&'static str> {
    let mut words = Words::new(text);
    if words.eat(&["call"]) {
        return Some("CALL");
    }
    let commits = ["commit", "rollback", "call"];
    let lower = text.to_ascii_lowercase();
    (words.eat(&["do"]) && commits.iter().any(|word| lower.contains(word))).then_some("DO")
}

/// Whether the server refuses the statement in a transaction where what it names is partitioned, which no text shows. It can be run
/// again (PostgreSQL documentation, "REINDEX", "CLUSTER").
fn may_be_partitioned(text: &str) -> Option<&'static str> {
    let mut words = Words::new(text);
    if words.eat(&["reindex"]) {
        Some("REINDEX")
    } else {
        words.eat(&["cluster"]).then_some("CLUSTER")
    }
}

/// The place of a statement in a file that is run this way.
pub(super) fn place_in(place: &Place, text: &str, mode: Mode) -> Place {
    if (place, mode) != (&Place::Transaction, Mode::Statements) {
        return place.clone();
    }
    if let Some(reason) = may_commit(text) {
        let fate = Fate::Unknown;
        return Place::Alone { reason, fate };
    }
    match may_be_partitioned(text) {
        Some(reason) => Place::Alone {
            reason,
            fate: Fate::Repeatable,
        },
        None => Place::Transaction,
    }
}

fn is_timescaledb_update(mut words: Words<'_>) -> bool {
    let timescaledb = |name: Name| name.name == "timescaledb";
    words.eat(&["alter", "extension"])
        && words.name().is_some_and(timescaledb)
        && words.eat(&["update"])
}

fn alone(mut words: Words<'_>) -> Option<(&'static str, Fate)> {
    if words.eat(&["create"]) {
        create(words)
    } else if words.eat(&["drop"]) {
        drop(words)
    } else if words.eat(&["alter"]) {
        alter(words)
    } else if words.eat(&["call"]) {
        call(words)
    } else if words.eat(&["vacuum"]) {
        Some(("VACUUM", Fate::Repeatable))
    } else if words.eat(&["reindex"]) {
        reindex(words)
    } else if words.eat(&["cluster"]) {
        cluster(words)
    } else if words.eat(&["repack"]) {
        repack(words)
    } else if words.eat(&["discard", "all"]) {
        Some(("DISCARD ALL", Fate::Repeatable))
    } else {
        function(&words)
    }
}

fn create(mut words: Words<'_>) -> Option<(&'static str, Fate)> {
    let unique = words.eat(&["unique"]);
    if words.eat(&["index"]) {
        return create_index(words);
    }
    if unique {
        return None;
    }
    if words.eat(&["tablespace"]) {
        return Some(("CREATE TABLESPACE", Fate::AllOrNothing));
    }
    if words.eat(&["subscription"]) {
        // Without a slot to create, it can stand in a transaction (PostgreSQL documentation, CREATE SUBSCRIPTION).
        let options = words.after(&["with"]).and_then(|mut rest| rest.bracketed());
        let off = |name| {
            options
                .as_ref()
                .is_some_and(|options| options.option(name) == Some(false))
        };
        return (!off("connect") && !off("create_slot"))
            .then_some(("CREATE SUBSCRIPTION", Fate::Subscription));
    }
    if words.eat(&["materialized", "view"]) {
        words.eat(&["if", "not", "exists"]);
        let name = words.name();
        let continuous = words.has(&["timescaledb", ".", "continuous"])
            || words.has(&["tsdb", ".", "continuous"]);
        if continuous && !words.has(&["with", "no", "data"]) {
            return Some((
                "CREATE MATERIALIZED VIEW … WITH (timescaledb.continuous) without WITH NO DATA",
                name.map_or(Fate::Unknown, Fate::AggregateCreated),
            ));
        }
    }
    None
}

/// `[CONCURRENTLY] [[IF NOT EXISTS] name] ON [ONLY] table … [WITH (timescaledb.transaction_per_chunk)]`
fn create_index(mut words: Words<'_>) -> Option<(&'static str, Fate)> {
    let concurrently = words.eat(&["concurrently"]);
    words.eat(&["if", "not", "exists"]);
    let index = if words.eat(&["on"]) {
        Some(None)
    } else {
        let name = words.name();
        if words.eat(&["on"]) {
            name.map(Some)
        } else {
            None
        }
    };
    words.eat(&["only"]);
    words.eat(&["("]);
    let table = words.name();
    let fate = match (index, table) {
        // An index lies in the schema of its table.
        (Some(index), Some(table)) => Fate::IndexCreated {
            index: index.map(|index| Name {
                schema: table.schema.clone(),
                ..index
            }),
            table,
        },
        _ => Fate::Unknown,
    };
    if concurrently {
        return Some(("CREATE INDEX CONCURRENTLY", fate));
    }
    let per_chunk = words.has(&["timescaledb", ".", "transaction_per_chunk"]);
    per_chunk.then_some((
        "CREATE INDEX … WITH (timescaledb.transaction_per_chunk)",
        fate,
    ))
}

/// The names of a DROP, behind its kind.
fn listed(mut words: Words<'_>) -> Option<Vec<Name>> {
    words.eat(&["if", "exists"]);
    words.names()
}

/// The indexes that a statement drops by name.
pub(super) fn dropped_indexes(text: &str) -> Vec<Name> {
    let mut words = Words::new(text);
    if !words.eat(&["drop", "index"]) {
        return Vec::new();
    }
    words.eat(&["concurrently"]);
    listed(words).unwrap_or_default()
}

fn drop(mut words: Words<'_>) -> Option<(&'static str, Fate)> {
    if words.eat(&["index", "concurrently"]) {
        let fate = listed(words).map_or(Fate::Unknown, Fate::IndexesDropped);
        return Some(("DROP INDEX CONCURRENTLY", fate));
    }
    if words.eat(&["tablespace"]) {
        return Some(("DROP TABLESPACE", Fate::AllOrNothing));
    }
    words
        .eat(&["subscription"])
        .then_some(("DROP SUBSCRIPTION", Fate::Subscription))
}

fn alter(mut words: Words<'_>) -> Option<(&'static str, Fate)> {
    if words.eat(&["system"]) {
        return Some(("ALTER SYSTEM", Fate::Repeatable));
    }
    if words.eat(&["database"]) {
        return words
            .has(&["set", "tablespace"])
            .then_some(("ALTER DATABASE … SET TABLESPACE", Fate::AllOrNothing));
    }
    if words.eat(&["subscription"]) {
        return alter_subscription(words);
    }
    if !words.eat(&["table"]) {
        return None;
    }
    words.eat(&["if", "exists"]);
    words.eat(&["only"]);
    let parent = words.name();
    let mut partition = words.after(&["detach", "partition"])?;
    let name = partition.name();
    partition.eat(&["concurrently"]).then(|| {
        let fate = match (parent, name) {
            (Some(parent), Some(partition)) => Fate::Detached { parent, partition },
            _ => Fate::Unknown,
        };
        ("ALTER TABLE … DETACH PARTITION … CONCURRENTLY", fate)
    })
}

fn alter_subscription(mut words: Words<'_>) -> Option<(&'static str, Fate)> {
    words.name();
    if words.eat(&["refresh"]) {
        return Some((
            "ALTER SUBSCRIPTION … REFRESH PUBLICATION",
            Fate::Subscription,
        ));
    }
    let changes = words.eat_any(&["set", "add", "drop"]);
    if changes && words.eat(&["publication"]) {
        let refreshes = words
            .after(&["with"])
            .and_then(|mut rest| rest.bracketed())
            .and_then(|options| options.option("refresh"));
        return (refreshes != Some(false)).then_some((
            "ALTER SUBSCRIPTION … PUBLICATION with refresh",
            Fate::Subscription,
        ));
    }
    let slot = words
        .bracketed()
        .is_some_and(|options| options.has(&["failover"]) || options.has(&["two_phase"]));
    (changes && slot).then_some((
        "ALTER SUBSCRIPTION … SET (failover, two_phase)",
        Fate::Subscription,
    ))
}

/// Procedures of TimescaleDB that end transactions, or refuse to be in one. A procedure that is not known stays in the transaction.
fn call(mut words: Words<'_>) -> Option<(&'static str, Fate)> {
    let name: Name = words.name()?;
    Some(match name.name.as_str() {
        "refresh_continuous_aggregate" => ("CALL refresh_continuous_aggregate", Fate::Repeatable),
        "merge_chunks" | "merge_chunks_concurrently" => ("CALL merge_chunks", Fate::Unknown),
        "run_job" => ("CALL run_job", Fate::Unknown),
        "recompress_chunk" => ("CALL recompress_chunk", Fate::Repeatable),
        "cagg_migrate" => ("CALL cagg_migrate", Fate::Unknown),
        _ => return None,
    })
}

fn reindex(mut words: Words<'_>) -> Option<(&'static str, Fate)> {
    let options = words.bracketed();
    let concurrently = options.and_then(|options| options.option("concurrently")) == Some(true);
    let whole = words.clone().eat_any(&["schema", "database", "system"]);
    words.take();
    if concurrently || words.eat(&["concurrently"]) {
        return Some(("REINDEX CONCURRENTLY", Fate::Repeatable));
    }
    whole.then_some(("REINDEX SCHEMA, DATABASE or SYSTEM", Fate::Repeatable))
}

fn cluster(mut words: Words<'_>) -> Option<(&'static str, Fate)> {
    words.eat(&["verbose"]);
    words.bracketed();
    words
        .at_end()
        .then_some(("CLUSTER without a table", Fate::Repeatable))
}

/// PostgreSQL 19: `REPACK [(options)] [table]`.
fn repack(mut words: Words<'_>) -> Option<(&'static str, Fate)> {
    let concurrently = words
        .bracketed()
        .and_then(|options| options.option("concurrently"));
    let all = words.at_end() || words.has(&["using", "index"]) && words.clone().eat(&["using"]);
    (all || concurrently == Some(true)).then_some(("REPACK", Fate::Repeatable))
}

/// Functions of TimescaleDB that refuse to be in a transaction, wherever a query calls them.
fn function(words: &Words<'_>) -> Option<(&'static str, Fate)> {
    let queries = ["select", "with", "(", "values", "explain"];
    if !words.clone().eat_any(&queries) {
        return None;
    }
    if words.has(&["reorder_chunk", "("]) {
        return Some(("reorder_chunk", Fate::Repeatable));
    }
    if words.has(&["move_chunk", "("]) {
        return Some(("move_chunk", Fate::Unknown));
    }
    None
}
