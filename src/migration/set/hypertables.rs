//! Indexes of hypertables made CONCURRENTLY, which TimescaleDB refuses (TimescaleDB documentation, "CREATE INDEX"): told in the plan, where an
//! earlier statement of the set says that its table is one. `check` tells it by the parser (`rules/sets/keys.rs`).

use std::collections::HashSet;

use super::Migration;
use crate::migration::analysis::Hazard;
use crate::migration::statements;
use crate::migration::tokens::{Kind, contains};
use crate::migration::words::Words;

/// What this hazard is called.
const CONCURRENTLY: &str = "concurrently-on-hypertable";

/// The hazard.
fn hazard() -> Hazard {
    Hazard {
        code: CONCURRENTLY.to_owned(),
        message: "TimescaleDB refuses CONCURRENTLY on a hypertable, so this statement fails: write CREATE INDEX … WITH \
                  (timescaledb.transaction_per_chunk), which locks one chunk at a time."
            .to_owned(),
    }
}

/// The statements of these scripts, in their order, that ask for it: the script's number and the statement's.
fn concurrent(scripts: &[&str]) -> HashSet<(usize, usize)> {
    let any = |word: &str| scripts.iter().any(|sql| contains(sql, word));
    let mut found = HashSet::new();
    if !(any("concurrently") && any("hypertable")) {
        return found;
    }
    let mut hypertables = HashSet::new();
    for (number, sql) in scripts.iter().enumerate() {
        for (index, statement) in statements(sql).into_iter().enumerate() {
            let words = Words::new(statement.text);
            if let Some(table) = made(&words) {
                hypertables.insert(table);
            } else if indexed(words).is_some_and(|table| hypertables.contains(&table)) {
                found.insert((number, index));
            }
        }
    }
    found
}

/// Such statements of a set, by file and number.
#[derive(Debug, Default)]
pub struct Refused(HashSet<(String, usize)>);

impl Refused {
    /// The hazard of a file's statement, which is told by its index, if it has this one.
    #[must_use]
    pub fn hazard(&self, file: &str, statement: usize) -> Option<Hazard> {
        self.0.contains(&(file.to_owned(), statement)).then(hazard)
    }
}

/// Reads all migrations of a set: those that were applied tell which tables are hypertables.
#[must_use]
pub fn refused_by_timescaledb(migrations: &[Migration]) -> Refused {
    let scripts: Vec<&str> = migrations.iter().map(|one| one.sql.as_str()).collect();
    let named = |(number, index): (usize, usize)| {
        let file: &Migration = migrations.get(number)?;
        Some((file.file.clone(), index))
    };
    Refused(concurrent(&scripts).into_iter().filter_map(named).collect())
}

type Table = (String, String);

/// The table that a statement makes a hypertable.
fn made(words: &Words<'_>) -> Option<Table> {
    if let Some(mut call) = words.after(&["create_hypertable"]) {
        let mut arguments = call.bracketed()?;
        // relation => 'schema.table'
        while let Some(token) = arguments.take() {
            if token.kind == Kind::Text {
                let text = token.text.strip_prefix('\'')?.strip_suffix('\'')?;
                return named(&mut Words::new(text));
            }
        }
        return None;
    }
    let mut words = words.clone();
    let is_one = ["timescaledb", "tsdb"]
        .iter()
        .any(|space| words.has(&[space, ".", "hypertable"]));
    if !(is_one && words.eat(&["create"])) {
        return None;
    }
    words.eat(&["unlogged"]);
    if !words.eat(&["table"]) {
        return None;
    }
    words.eat(&["if", "not", "exists"]);
    named(&mut words)
}

/// The table of which a statement makes an index CONCURRENTLY, or makes its indexes anew so.
fn indexed(mut words: Words<'_>) -> Option<Table> {
    if !words.has(&["concurrently"]) {
        return None;
    }
    if words.eat(&["reindex"]) {
        let mut table = words.after(&["table"])?;
        table.eat(&["concurrently"]);
        return named(&mut table);
    }
    if !words.eat(&["create"]) {
        return None;
    }
    words.eat(&["unique"]);
    if !words.eat(&["index", "concurrently"]) {
        return None;
    }
    let mut table = words.after(&["on"])?;
    table.eat(&["only"]);
    named(&mut table)
}

fn named(words: &mut Words<'_>) -> Option<Table> {
    let name = words.name()?;
    Some((
        name.schema.unwrap_or_else(|| "public".to_owned()),
        name.name,
    ))
}

#[cfg(test)]
mod tests {
    use super::concurrent;

    #[test]
    fn only_hypertables_are_told_and_only_concurrently() {
        let scripts = [
            "CREATE TABLE h (t timestamptz); SELECT create_hypertable('h', by_range('t'));\nCREATE TABLE p (a int);",
            "CREATE TABLE tick.s (t timestamptz) WITH (tsdb.hypertable, tsdb.partition_column='t');\n\
             SELECT public.create_hypertable(relation => '\"tick\".\"Q\"', time_column_name => 't');",
            "CREATE INDEX CONCURRENTLY ON h (t);\nCREATE INDEX CONCURRENTLY i ON p (a);\nCREATE INDEX ON h (t);\n\
             CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS j ON ONLY tick.s USING btree (t);\nREINDEX TABLE CONCURRENTLY h;\n\
             REINDEX (CONCURRENTLY) TABLE tick.\"Q\";\nCREATE INDEX CONCURRENTLY k ON tick.q (t);\nREINDEX INDEX CONCURRENTLY h",
        ];
        let mut found: Vec<_> = concurrent(&scripts).into_iter().collect();
        found.sort_unstable();
        assert_eq!(found, [(2, 0), (2, 3), (2, 4), (2, 5)]);
        // What comes before it is not yet one.
        assert!(
            concurrent(&[
                "CREATE INDEX CONCURRENTLY ON h (t)",
                "SELECT create_hypertable('h', 't')"
            ])
            .is_empty()
        );
    }
}
