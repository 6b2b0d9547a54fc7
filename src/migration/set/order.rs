//! The order of a table's columns, as far as the texts tell: no schema lock holds it, and no constraint hangs on it.

use std::collections::BTreeMap;

use super::Set;
use super::facts;
use crate::migration::Name;
use crate::migration::effects::{Act, Column, Path};

/// The columns of each table that the set's texts declare up to a version, in the order in which the server has them then. A column that no
/// text names (of LIKE, of a query, of another table) is not among them.
#[must_use]
pub fn column_order(set: &Set, version: i32) -> Vec<(Name, Vec<String>)> {
    let files = facts::of(set);
    let upto: Vec<&str> = set
        .migrations
        .iter()
        .filter(|migration| migration.version <= version)
        .map(|migration| migration.file.as_str())
        .collect();
    let mut tables: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for file in files
        .iter()
        .filter(|file| upto.contains(&file.file.as_str()))
    {
        for effect in &file.effects.effects {
            match &effect.act {
                Act::Column { table, does } => column(&mut tables, table, does),
                Act::Unkeys {
                    table: Some(table),
                    name: None,
                } => {
                    tables.remove(&key(table));
                }
                _ => {}
            }
        }
    }
    tables
        .into_iter()
        .map(|((schema, name), columns)| {
            let schema = Some(schema);
            (Name { schema, name }, columns)
        })
        .collect()
}

fn column(tables: &mut BTreeMap<(String, String), Vec<String>>, path: &Path, does: &Column) {
    match does {
        Column::Is { name, .. } => {
            let columns = tables.entry(key(path)).or_default();
            // IF NOT EXISTS leaves it where it is.
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        Column::Called { name, new } => {
            let columns = tables.get_mut(&key(path)).into_iter().flatten();
            for column in columns.filter(|column| *column == name) {
                column.clone_from(new);
            }
        }
        Column::Gone { name } => {
            if let Some(columns) = tables.get_mut(&key(path)) {
                columns.retain(|column| column != name);
            }
        }
        Column::Table { new } => {
            if let Some(columns) = tables.remove(&key(path)) {
                let (schema, _) = key(path);
                tables.insert((schema, new.clone()), columns);
            }
        }
        _ => {}
    }
}

/// A table's schema and name; without a schema it is in `public`.
fn key(table: &Path) -> (String, String) {
    let schema = table.schema.as_deref().unwrap_or("public");
    (schema.to_owned(), table.name.clone())
}
