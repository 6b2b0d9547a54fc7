//! Keys of hypertables, and statements that hurt a database in use.

use std::collections::{HashMap, HashSet};

use super::judge::{Context, Draft, Placed};
use super::{answer, rule};
use crate::migration::effects::{Act, Effect};
use crate::migration::{CHANGES_TYPE, FileFacts, NOT_NULL};
use crate::rules::{About, Rule, Severity};

pub(super) const PARTITION_KEY: Rule = rule(
    "sets/partition-key",
    Severity::Error,
    "Does every unique key of a hypertable hold its partition column?",
    include_str!("../help/sets-partition-key.md"),
    |case| answer(case, "sets/partition-key"),
);

pub(super) const UNSAFE_DDL: Rule = rule(
    "sets/unsafe-ddl",
    Severity::Warning,
    "Does a migration hold up readers and writers of a table in use?",
    include_str!("../help/sets-unsafe-ddl.md"),
    |case| answer(case, "sets/unsafe-ddl"),
);

/// squawk's rules about statements that block or fail on a table in use. Those about dropping and renaming are left out: that is what
/// such a migration is for, and `rollback` guards the rows. `require-timeout-settings` is, too: dbctl sets the timeouts.
const UNSAFE: [&str; 15] = [
    "adding-field-with-default",
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "adding-required-field",
    "adding-serial-primary-key-field",
    "ban-alter-domain-with-add-constraint",
    "ban-concurrent-index-creation-in-transaction",
    "ban-truncate-cascade",
    CHANGES_TYPE,
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "require-concurrent-index-creation",
    "require-concurrent-partition-detach",
    "require-concurrent-reindex",
    "rewriting-table",
];

/// The statements of a file that hurt a database in use.
pub(super) fn unsafe_ddl(context: &Context<'_, '_>, number: usize) -> Vec<Placed> {
    let file = context.file;
    let mut found: Vec<Placed> = Vec::new();
    for (index, code, message) in &file.hazards {
        if !UNSAFE.contains(&code.as_str()) {
            continue;
        }
        let statement = Some(*index);
        // One statement is one cause, however many rules see it.
        if found.iter().any(|placed| placed.statement == statement) {
            continue;
        }
        let said = file.effects.statements.get(*index);
        let place = said.map(|said| said.place).unwrap_or_default();
        let draft = Draft::new(
            &UNSAFE_DDL,
            About::plain("migration", &file.file),
            format!("is unsafe on a table in use ({code}): {message}"),
        )
        .expected("statements that readers and writers do not wait for")
        .remedy(format!(
            "{} A file that is applied stays as it is: accept it with an [[allow]] entry of the manifest, object = {:?}.",
            remedy(code),
            file.file
        ));
        found.push(Placed {
            draft,
            place,
            statement,
            within: None,
            file: number,
        });
    }
    found
}

fn remedy(code: &str) -> &'static str {
    match code {
        "require-concurrent-index-creation" => {
            "CREATE INDEX CONCURRENTLY in a file of its own; on a hypertable WITH (timescaledb.transaction_per_chunk)."
        }
        "require-concurrent-reindex" => "REINDEX … CONCURRENTLY in a file of its own.",
        "ban-concurrent-index-creation-in-transaction" => {
            "Put it into a file of its own, which dbctl runs without a transaction."
        }
        "adding-foreign-key-constraint" | "constraint-missing-not-valid" => {
            "Add it with NOT VALID, and VALIDATE CONSTRAINT in a later migration."
        }
        "disallowed-unique-constraint" => {
            "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT … USING INDEX."
        }
        CHANGES_TYPE => {
            "Add a column of the new type, fill it in portions, and change over; or allow it with the table's size as the reason."
        }
        NOT_NULL => {
            "Three migrations: ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID; VALIDATE CONSTRAINT; SET NOT NULL, which then reads no row, and \
             DROP CONSTRAINT after it."
        }
        "adding-field-with-default" | "adding-required-field" => {
            "Add the column without it, fill it in portions, then set the default, and NOT NULL by way of a CHECK that is NOT VALID at first."
        }
        _ => {
            "Take the steps that lock briefly, or allow it where it stands: -- dbctl:allow sets/unsafe-ddl REASON"
        }
    }
}

/// A unique key of a table, with its place.
#[derive(Clone)]
struct Key<'a> {
    name: String,
    what: &'static str,
    columns: &'a [String],
    file: usize,
    effect: &'a Effect,
}

#[derive(Default)]
struct Table<'a> {
    keys: Vec<Key<'a>>,
    /// The columns of its dimensions; none while it is no hypertable.
    partitions: Vec<&'a str>,
}

/// Indexes that are made CONCURRENTLY on hypertables, which TimescaleDB refuses (TimescaleDB documentation, "CREATE INDEX").
pub(super) fn concurrent_indexes(files: &[FileFacts]) -> Vec<Placed> {
    let mut hypertables: HashSet<&str> = HashSet::new();
    let mut found = Vec::new();
    for (number, file) in files.iter().enumerate().filter(|(_, file)| !file.down) {
        for effect in &file.effects.effects {
            match &effect.act {
                Act::Partitions { table, .. } => {
                    hypertables.insert(&table.name);
                }
                Act::Concurrently { table } if hypertables.contains(table.name.as_str()) => {
                    let table = &table.name;
                    let draft = Draft::new(
                        &UNSAFE_DDL,
                        About::plain("table", table),
                        format!("fails: TimescaleDB makes no index CONCURRENTLY on hypertable {table}"),
                    )
                    .severity(Severity::Error)
                    .expected("CREATE INDEX … WITH (timescaledb.transaction_per_chunk)")
                    .remedy(
                        "Write it without CONCURRENTLY, WITH (timescaledb.transaction_per_chunk), in a file of its own.",
                    );
                    found.push(Placed::at(draft, effect, number));
                }
                _ => {}
            }
        }
    }
    found
}

/// Unique keys of hypertables without a partition column, over all files of a set: a table is often made in one file and made a
/// hypertable in another.
pub(super) fn partition_keys(files: &[FileFacts]) -> Vec<Placed> {
    let mut tables: HashMap<&str, Table<'_>> = HashMap::new();
    let mut found = Vec::new();
    for (number, file) in files.iter().enumerate().filter(|(_, file)| !file.down) {
        for effect in &file.effects.effects {
            match &effect.act {
                Act::Unique {
                    table,
                    name,
                    what,
                    columns,
                } => {
                    let key = Key {
                        name: name
                            .clone()
                            .unwrap_or_else(|| usual_name(&table.name, what, columns)),
                        what,
                        columns,
                        file: number,
                        effect,
                    };
                    let table_name = table.name.as_str();
                    let table = tables.entry(table_name).or_default();
                    for column in &table.partitions {
                        found.extend(lacking(&key, table_name, column, (number, effect)));
                    }
                    table.keys.push(key);
                }
                Act::Copies { table, from } => {
                    let keys = tables
                        .get(from.name.as_str())
                        .map(|original| original.keys.clone())
                        .unwrap_or_default();
                    let copies = keys.into_iter().map(|key| Key {
                        name: usual_name(&table.name, key.what, key.columns),
                        file: number,
                        effect,
                        ..key
                    });
                    let table_name = table.name.as_str();
                    let table = tables.entry(table_name).or_default();
                    for key in copies {
                        for column in &table.partitions {
                            found.extend(lacking(&key, table_name, column, (number, effect)));
                        }
                        table.keys.push(key);
                    }
                }
                Act::Partitions { table, column } => {
                    let table_name = table.name.as_str();
                    let table = tables.entry(table_name).or_default();
                    if table.partitions.contains(&column.as_str()) {
                        continue;
                    }
                    table.partitions.push(column);
                    for key in &table.keys {
                        found.extend(lacking(key, table_name, column, (number, effect)));
                    }
                }
                Act::Unkeys { table, name } => match (table, name) {
                    (Some(table), None) => {
                        tables.remove(table.name.as_str());
                    }
                    (_, Some(name)) => {
                        for table in tables.values_mut() {
                            table.keys.retain(|key| key.name != *name);
                        }
                    }
                    (None, None) => {}
                },
                _ => {}
            }
        }
    }
    found
}

/// The name that the server gives a key (PostgreSQL documentation, CREATE TABLE).
fn usual_name(table: &str, what: &str, columns: &[String]) -> String {
    match what {
        "primary key" => format!("{table}_pkey"),
        "exclusion constraint" => format!("{table}_{}_excl", columns.join("_")),
        "unique index" => format!("{table}_{}_idx", columns.join("_")),
        _ => format!("{table}_{}_key", columns.join("_")),
    }
}

/// The key's own place, if it is in the file that makes it wrong; else the place that does.
fn lacking(key: &Key<'_>, table: &str, column: &str, wrong: (usize, &Effect)) -> Option<Placed> {
    if key.columns.iter().any(|known| known == column) {
        return None;
    }
    let (file, effect) = if key.file == wrong.0 {
        (key.file, key.effect)
    } else {
        wrong
    };
    let columns = key.columns.join(", ");
    let draft = Draft::new(
        &PARTITION_KEY,
        About::plain("table", table),
        format!(
            "leaves hypertable {table} with a {} ({columns}) that lacks its partition column {column}",
            key.what
        ),
    )
    .expected(format!("{column} in every unique key of {table}"))
    .remedy(format!(
        "Add {column} to the key: ({columns}, {column}). TimescaleDB refuses it otherwise."
    ));
    Some(Placed::at(draft, effect, file))
}
