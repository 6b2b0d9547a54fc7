//! Changes of a column that write and read no rows, where earlier files tell what it was: a type that is only wider, and NOT NULL where a
//! constraint proves it.

use std::collections::{HashMap, HashSet};

use super::facts::{self, FileFacts};
use super::{Migration, Set};
use crate::migration::analysis::analyse;
use crate::migration::effects::{Act, Column, Kind, Path};

/// squawk's name for what a new type of a column may do.
pub const CHANGES_TYPE: &str = "changing-column-type";

/// squawk's name for what it may do to a column to be made NOT NULL.
pub const NOT_NULL: &str = "adding-not-nullable-field";

/// What the texts tell of a table's columns so far.
#[derive(Default)]
struct Table {
    kinds: HashMap<String, Option<Kind>>,
    computed: HashSet<String>,
    /// Constraints that ask that a column is not null, and whether all rows were looked at.
    checks: HashMap<String, (String, bool)>,
}

/// What is no hazard though squawk, which sees one statement, says so.
#[derive(Debug, Default)]
pub struct Quick(HashSet<(String, usize, &'static str)>);

impl Quick {
    /// Whether this is said of a file's statement, which is told by its index.
    #[must_use]
    pub fn has(&self, file: &str, statement: usize, code: &str) -> bool {
        let mut codes = [CHANGES_TYPE, NOT_NULL].into_iter();
        codes.any(|known| known == code && self.0.contains(&(file.to_owned(), statement, known)))
    }
}

/// What a statement does to a column that may hold somebody up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Does {
    Retypes,
    SetsNotNull,
}

impl Does {
    const fn code(self) -> &'static str {
        match self {
            Self::Retypes => CHANGES_TYPE,
            Self::SetsNotNull => NOT_NULL,
        }
    }
}

/// Takes such hazards away.
pub(super) fn without_quick(files: &mut [FileFacts]) {
    let quick = quick(files);
    for file in files {
        let name = &file.file;
        file.hazards
            .retain(|(index, code, _)| !quick.has(name, *index, code));
    }
}

/// Such hazards of a set, looked for only where some of these migrations have hazards of the kind.
#[must_use]
pub fn quick_of(set: &Set, migrations: &[Migration]) -> Quick {
    let may_be_quick = |migration: &Migration| {
        let statements = analyse(&migration.sql);
        let mut hazards = statements.iter().flat_map(|one| &one.hazards);
        hazards.any(|hazard| [CHANGES_TYPE, NOT_NULL].contains(&hazard.code.as_str()))
    };
    match migrations.iter().any(may_be_quick) {
        true => quick(&facts::of(set)),
        false => Quick::default(),
    }
}

/// Follows the files of a set.
fn quick(files: &[FileFacts]) -> Quick {
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
    let named = |(does, number, at): (Does, usize, usize)| {
        Some((files.get(number)?.file.clone(), at, does.code()))
    };
    let quick = changes.into_iter().filter(|(_, quick)| *quick);
    Quick(quick.filter_map(|(place, _)| named(place)).collect())
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
