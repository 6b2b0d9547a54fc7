//! Which tables are part of which: partitions, chunks, and children by inheritance.

use std::collections::{BTreeMap, BTreeSet};

use super::table::Table;

/// The parts of every table at one moment.
pub(super) struct Families(BTreeMap<u32, Vec<u32>>);

impl Families {
    pub(super) fn of(tables: &BTreeMap<u32, Table>) -> Self {
        let mut parts: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for table in tables.values() {
            for parent in &table.parents {
                parts.entry(*parent).or_default().push(table.oid);
            }
        }
        Self(parts)
    }

    /// A table, and whatever is a part of it or of its parts.
    pub(super) fn below(&self, oid: u32) -> BTreeSet<u32> {
        let (mut found, mut open) = (BTreeSet::new(), vec![oid]);
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(self.0.get(&next).into_iter().flatten());
            }
        }
        found
    }
}

/// The topmost table that a table is a part of; itself, if it is a part of none.
pub(super) fn root<'t>(tables: &'t BTreeMap<u32, Table>, table: &'t Table) -> &'t Table {
    let mut top = table;
    // A table cannot be a part of itself.
    while let Some(parent) = top.parents.iter().find_map(|parent| tables.get(parent)) {
        top = parent;
    }
    top
}
