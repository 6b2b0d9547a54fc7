//! Changes of a column's type that leave the rows as they are, where earlier files tell the type that it had.

use std::collections::{HashMap, HashSet};

use crate::migration::FileFacts;
use crate::migration::effects::{Act, Column, Kind, Path};

/// What the texts tell of a table's columns so far.
#[derive(Default)]
struct Table {
    kinds: HashMap<String, Option<Kind>>,
    computed: HashSet<String>,
}

/// The statements that change types and write nothing anew: the file and the statement, by their indexes.
pub(super) fn in_place(files: &[FileFacts]) -> HashSet<(usize, usize)> {
    let mut tables: HashMap<(String, String), Table> = HashMap::new();
    let mut changes: HashMap<(usize, usize), bool> = HashMap::new();
    for (number, file) in files.iter().enumerate().filter(|(_, file)| !file.down) {
        for effect in &file.effects.effects {
            match &effect.act {
                Act::Column { table, does } => {
                    let wide = column(&mut tables, table, does);
                    if let Some(wide) = wide {
                        let all = changes.entry((number, effect.statement)).or_insert(true);
                        *all &= wide;
                    }
                }
                Act::Unkeys {
                    table: Some(table),
                    name: None,
                } => {
                    tables.remove(&key(table));
                }
                // Whatever it does, it may do to a column.
                Act::Dynamic { .. } | Act::Unread { .. } => tables.clear(),
                _ => {}
            }
        }
    }
    let in_place = changes.into_iter().filter(|(_, wide)| *wide);
    in_place.map(|(place, _)| place).collect()
}

/// Notes what happens to a column; of a new type, whether it is only wider.
fn column(
    tables: &mut HashMap<(String, String), Table>,
    path: &Path,
    does: &Column,
) -> Option<bool> {
    if let Column::Table { new } = does {
        if let Some(table) = tables.remove(&key(path)) {
            let (schema, _) = key(path);
            tables.insert((schema, new.clone()), table);
        }
        return None;
    }
    let table = tables.entry(key(path)).or_default();
    match does {
        Column::Is {
            name,
            kind,
            perhaps,
        } => {
            if !perhaps || !table.kinds.contains_key(name) {
                table.kinds.insert(name.clone(), kind.clone());
            }
        }
        Column::Becomes { name, kind } => {
            let old = table.kinds.insert(name.clone(), kind.clone()).flatten();
            let wider = old
                .zip(kind.as_ref())
                .is_some_and(|(old, new)| old.widens_to(new));
            return Some(wider && !table.computed.contains(name));
        }
        Column::Called { name, new } => {
            let kind = table.kinds.remove(name).flatten();
            table.kinds.insert(new.clone(), kind);
            if table.computed.remove(name) {
                table.computed.insert(new.clone());
            }
        }
        Column::Computed { name } => {
            table.computed.insert(name.clone());
        }
        Column::Gone { name } => {
            table.kinds.remove(name);
            table.computed.remove(name);
        }
        Column::Table { .. } => {}
    }
    None
}

/// A table's schema and name; without a schema it is in `public`.
fn key(table: &Path) -> (String, String) {
    let schema = table.schema.as_deref().unwrap_or("public");
    (schema.to_owned(), table.name.clone())
}
