//! Histories that other migration tools keep, as the catalog shows them. Each tool's documentation names its table.

use std::collections::BTreeSet;

use crate::snapshot::attributes::OWNED_BY;
use crate::snapshot::{HISTORY_TABLE, Kind, Lock, Object, ObjectKey, Snapshot};

/// A migration tool, and what its history looks like.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// What people call it.
    pub name: &'static str,
    /// Its history table.
    pub table: &'static str,
    /// Columns that this table has. One alone: it has no other.
    columns: &'static [&'static str],
    /// Tables that it keeps beside the history.
    companions: &'static [&'static str],
    /// Whether these must be there, for another tool has the same table.
    needs_companions: bool,
}

const fn tool(name: &'static str, table: &'static str, columns: &'static [&'static str]) -> Tool {
    Tool {
        name,
        table,
        columns,
        companions: &[],
        needs_companions: false,
    }
}

/// Every tool that is recognised. Of those with one table name the first that fits is it.
pub const TOOLS: [Tool; 15] = [
    tool(
        "sqlx",
        "_sqlx_migrations",
        &["version", "description", "success"],
    ),
    tool(
        "Flyway",
        "flyway_schema_history",
        &["installed_rank", "version", "description", "success"],
    ),
    tool("Alembic", "alembic_version", &["version_num"]),
    tool("golang-migrate", "schema_migrations", &["version", "dirty"]),
    tool("Ecto", "schema_migrations", &["version", "inserted_at"]),
    Tool {
        companions: &["ar_internal_metadata"],
        needs_companions: true,
        ..tool("Rails", "schema_migrations", &["version"])
    },
    tool("dbmate", "schema_migrations", &["version"]),
    Tool {
        companions: &["knex_migrations_lock"],
        ..tool("Knex", "knex_migrations", &["id", "name", "batch"])
    },
    tool(
        "Diesel",
        "__diesel_schema_migrations",
        &["version", "run_on"],
    ),
    tool(
        "Prisma",
        "_prisma_migrations",
        &["migration_name", "finished_at", "rolled_back_at"],
    ),
    tool(
        "Atlas",
        "atlas_schema_revisions",
        &["version", "description", "applied", "total"],
    ),
    tool(
        "goose",
        "goose_db_version",
        &["id", "version_id", "is_applied"],
    ),
    Tool {
        companions: &["databasechangeloglock"],
        ..tool("Liquibase", "databasechangelog", &["id", "orderexecuted"])
    },
    tool("node-pg-migrate", "pgmigrations", &["id", "name", "run_on"]),
    tool(
        "refinery",
        HISTORY_TABLE.1,
        &["version", "name", "applied_on", "checksum"],
    ),
];

/// One other tool's history in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherHistory {
    /// The tool.
    pub tool: &'static Tool,
    /// The schema that its table lies in.
    pub schema: String,
    /// Its tables there: the history first, then what it keeps beside it.
    tables: Vec<&'static str>,
}

impl std::fmt::Display for OtherHistory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tool { name, table, .. } = self.tool;
        write!(f, "{name}'s history ({}.{table})", self.schema)
    }
}

/// The other tools' histories in a database. What a version of the service's own lock holds is none.
#[must_use]
pub fn recognise(snapshot: &Snapshot, lock: Option<&Lock>) -> Vec<OtherHistory> {
    let own = lock.map(Lock::relations).unwrap_or_default();
    let is_table = |schema: &str, name: &str| {
        snapshot.objects.iter().any(|object| {
            object.key.kind == Kind::Table && object.key.schema == schema && object.key.name == name
        })
    };
    let mut found: Vec<OtherHistory> = Vec::new();
    for key in snapshot.objects.iter().map(|object| &object.key) {
        let tool = TOOLS.iter().find(|tool| {
            key.kind == Kind::Table
                && key.name == tool.table
                && fits(tool, &columns(snapshot, key))
                && (!tool.needs_companions
                    || tool
                        .companions
                        .iter()
                        .all(|name| is_table(&key.schema, name)))
        });
        let Some(tool) = tool else {
            continue;
        };
        if own.contains(&(key.schema.clone(), key.name.clone())) {
            continue;
        }
        let companions = tool.companions.iter().copied();
        let tables = std::iter::once(tool.table)
            .chain(companions.filter(|name| is_table(&key.schema, name)))
            .filter(|name| !own.contains(&(key.schema.clone(), (*name).to_owned())))
            .collect();
        found.push(OtherHistory {
            tool,
            schema: key.schema.clone(),
            tables,
        });
    }
    found
}

fn columns<'s>(snapshot: &'s Snapshot, table: &ObjectKey) -> BTreeSet<&'s str> {
    snapshot
        .objects
        .iter()
        .map(|object| &object.key)
        .filter(|key| {
            key.kind == Kind::Column && key.schema == table.schema && key.parent == table.name
        })
        .map(|key| key.name.as_str())
        .collect()
}

fn fits(tool: &Tool, columns: &BTreeSet<&str>) -> bool {
    tool.columns.iter().all(|column| columns.contains(column))
        && (tool.columns.len() > 1 || columns.len() == 1)
}

/// What is said of a database that holds nothing but these histories: there is nothing to adopt, and they are in the way.
#[must_use]
pub fn nothing_else(
    snapshot: &Snapshot,
    histories: &[OtherHistory],
    service: &str,
) -> Option<String> {
    let is_theirs = |object: &Object| histories.iter().any(|history| history.holds(object));
    if histories.is_empty() || !snapshot.relations().all(is_theirs) {
        return None;
    }
    let named: Vec<String> = histories.iter().map(ToString::to_string).collect();
    let drops: Vec<String> = histories
        .iter()
        .flat_map(|history| {
            let tables = history.tables.iter();
            tables.map(|table| format!("DROP TABLE {}.{}", history.schema, table))
        })
        .collect();
    Some(format!(
        "it holds {} and nothing else, so there is nothing to adopt; if that tool is not to go on here, {}, and dbctl migrate \
         --service {service} makes the schema",
        named.join(" and "),
        drops.join("; ")
    ))
}

/// The snapshot without these histories: their tables with columns, constraints, indexes and sequences, and a schema that holds
/// nothing else and that the lock does not know. What somebody hangs on the tables (a trigger, a rule, a policy) stays.
#[must_use]
pub fn without(mut snapshot: Snapshot, histories: &[OtherHistory], lock: &Lock) -> Snapshot {
    for history in histories {
        snapshot.objects.retain(|object| !history.holds(object));
        let schema = history.schema.as_str();
        let known = |key: &ObjectKey| key.kind == Kind::Schema && key.name == schema;
        let empty = !snapshot
            .objects
            .iter()
            .any(|object| object.key.schema == schema);
        let added = lock.versions.iter().flat_map(|entry| &entry.adds);
        if empty && !lock.objects.keys().chain(added).any(known) {
            snapshot.objects.retain(|object| !known(&object.key));
        }
    }
    snapshot
}

/// The snapshot without any other tool's history.
#[must_use]
pub fn without_any(snapshot: Snapshot, lock: &Lock) -> Snapshot {
    let histories = recognise(&snapshot, Some(lock));
    without(snapshot, &histories, lock)
}

impl OtherHistory {
    fn holds(&self, object: &Object) -> bool {
        let key = &object.key;
        let is = |name: &str| key.schema == self.schema && self.tables.contains(&name);
        match key.kind {
            Kind::Table => is(&key.name),
            Kind::Column | Kind::Constraint | Kind::Index => is(&key.parent),
            // As in `public.knex_migrations.id`: a serial column's sequence lies in its table's schema.
            Kind::Sequence => object
                .attributes
                .get(OWNED_BY)
                .and_then(|column| column.rsplit('.').nth(1))
                .is_some_and(is),
            _ => false,
        }
    }
}
