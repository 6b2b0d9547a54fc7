//! Changes of a column that write and read no rows, where earlier files tell what it was: a type that is only wider, and NOT NULL where a
//! constraint proves it.

use std::collections::{HashMap, HashSet};

use crate::migration::FileFacts;
use crate::migration::effects::{Act, Column, Kind, Path};

/// What the texts tell of a table's columns so far.
#[derive(Default)]
struct Table {
    kinds: HashMap<String, Option<Kind>>,
    computed: HashSet<String>,
    /// Constraints that ask that a column is not null, and whether all rows were looked at.
    checks: HashMap<String, (String, bool)>,
}

/// Statements by the indexes of file and statement.
pub(super) type Statements = HashSet<(usize, usize)>;

/// What a statement does to a column that may hold somebody up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Does {
    Retypes,
    SetsNotNull,
}

/// The statements of a set that hold nobody up, though they would elsewhere.
#[derive(Default)]
pub(super) struct Quick {
    /// They change types, and write nothing anew.
    pub(super) in_place: Statements,
    /// They set NOT NULL, and the server need not look (PostgreSQL documentation, ALTER TABLE, "SET NOT NULL").
    pub(super) proven: Statements,
}

/// Follows the files of a set.
pub(super) fn quick(files: &[FileFacts]) -> Quick {
    let mut tables: HashMap<(String, String), Table> = HashMap::new();
    let mut changes: HashMap<(Does, usize, usize), bool> = HashMap::new();
    for (number, file) in files.iter().enumerate().filter(|(_, file)| !file.down) {
        for effect in &file.effects.effects {
            match &effect.act {
                Act::Column { table, does } => {
                    let told = column(&mut tables, table, does);
                    // What drops a constraint as well drops it before it looks.
                    if matches!(does, Column::Unchecked { .. })
                        && let Some(proven) =
                            changes.get_mut(&(Does::SetsNotNull, number, effect.statement))
                    {
                        *proven = false;
                    }
                    if let Some((what, quick)) = told {
                        let place = (what, number, effect.statement);
                        *changes.entry(place).or_insert(true) &= quick;
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
    let of = |what: Does| {
        let quick = changes
            .iter()
            .filter(|(place, quick)| place.0 == what && **quick);
        quick.map(|((_, file, at), _)| (*file, *at)).collect()
    };
    Quick {
        in_place: of(Does::Retypes),
        proven: of(Does::SetsNotNull),
    }
}

/// Notes what happens to a column. Of a new type and of NOT NULL it says whether that is quick: only wider, or proven.
fn column(
    tables: &mut HashMap<(String, String), Table>,
    path: &Path,
    does: &Column,
) -> Option<(Does, bool)> {
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
            return Some((Does::Retypes, wider && !table.computed.contains(name)));
        }
        Column::Called { name, new } => {
            let kind = table.kinds.remove(name).flatten();
            table.kinds.insert(new.clone(), kind);
            for (of, _) in table.checks.values_mut().filter(|(of, _)| of == name) {
                of.clone_from(new);
            }
            if table.computed.remove(name) {
                table.computed.insert(new.clone());
            }
        }
        Column::Computed { name } => {
            table.computed.insert(name.clone());
        }
        Column::Checked {
            name,
            constraint,
            valid,
        } => {
            let known = (name.clone(), *valid);
            table.checks.insert(constraint.clone(), known);
        }
        Column::Validated { constraint } => {
            if let Some((_, valid)) = table.checks.get_mut(constraint) {
                *valid = true;
            }
        }
        Column::Unchecked { constraint } => {
            table.checks.remove(constraint);
        }
        Column::NotNull { name } => {
            let mut checks = table.checks.values();
            return Some((
                Does::SetsNotNull,
                checks.any(|(of, valid)| of == name && *valid),
            ));
        }
        Column::Gone { name } => {
            table.checks.retain(|_, (of, _)| of != name);
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
