//! What data a rollback loses: the tables before the first script against the tables after the last, before anything is committed.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Error};

use super::statement::Failure;
use super::table::{Table, count, holding, lock, read};
use crate::migration::Rollback;

/// Data that a rollback loses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What it is about, as in `table public.posts` or `column public.posts.likes`.
    pub object: String,
    /// Why its data is lost, as in `is gone and held rows`.
    pub reason: String,
}

/// The tables at one moment of the transaction.
pub(super) struct State {
    tables: BTreeMap<u32, Table>,
    /// The OIDs of those that hold rows themselves.
    holding: BTreeSet<u32>,
    /// How many rows a root holds, by its OID, where that was worth counting.
    counts: BTreeMap<u32, i64>,
}

impl State {
    /// The tables before the first script, closed to writers. Where a script writes rows, it may be filling a table that takes
    /// another's place: the tables that it names are counted.
    pub(super) async fn before(client: &Client, rollback: &Rollback) -> Result<Self, Failure> {
        lock(client, read(client).await?.values()).await?;
        // Again, since a row may have come before the lock.
        let tables = read(client).await?;
        let holding = holding(client, &tables).await?;
        let scripts = rollback.steps.iter().map(|step| step.down.sql.as_str());
        let writing: Vec<&str> = scripts
            .filter(|sql| sql.to_ascii_lowercase().contains("insert"))
            .collect();
        let mut state = Self {
            tables,
            holding,
            counts: BTreeMap::new(),
        };
        let mut counts = BTreeMap::new();
        for table in state.roots() {
            let named = writing.iter().any(|sql| sql.contains(&table.name));
            if named && state.holds(table) {
                let rows = count(client, table).await?;
                counts.extend(rows.map(|rows| (table.oid, rows)));
            }
        }
        state.counts = counts;
        Ok(state)
    }

    /// The tables after the last script; those that took a counted table's place, or are it, are counted too.
    async fn after(client: &Client, before: &Self) -> Result<Self, Error> {
        let tables = read(client).await?;
        let holding = holding(client, &tables).await?;
        let mut counts = BTreeMap::new();
        for old in before
            .roots()
            .filter(|old| before.counts.contains_key(&old.oid))
        {
            if let Some(new) = successor(&tables, old) {
                let rows = count(client, new).await?;
                counts.extend(rows.map(|rows| (new.oid, rows)));
            }
        }
        Ok(Self {
            tables,
            holding,
            counts,
        })
    }

    fn roots(&self) -> impl Iterator<Item = &Table> {
        self.tables.values().filter(|table| table.is_root())
    }

    /// Whether a root or any of its parts holds rows.
    fn holds(&self, root: &Table) -> bool {
        let mut family = self.tables.values().filter(|table| table.root == root.oid);
        family.any(|table| self.holding.contains(&table.oid))
    }
}

/// The same table, whatever it is called now; else the one that has its name.
fn successor<'t>(tables: &'t BTreeMap<u32, Table>, old: &Table) -> Option<&'t Table> {
    tables.get(&old.oid).or_else(|| {
        let named = |table: &&Table| table.schema == old.schema && table.name == old.name;
        tables.values().find(named)
    })
}

/// What the scripts that ran since lose.
pub(super) async fn losses(client: &Client, before: &State) -> Result<Vec<Loss>, Error> {
    let after = State::after(client, before).await?;
    let mut losses = Vec::new();
    for old in before.roots().filter(|table| before.holds(table)) {
        match successor(&after.tables, old) {
            None => losses.push(loss(old, "is gone and held rows".to_owned())),
            Some(new) => {
                columns(old, new, &mut losses);
                rows(old, new, before, &after, &mut losses);
            }
        }
    }
    let counted: bool = client
        .query_one("SELECT current_setting('track_counts') = 'on'", &[])
        .await?
        .try_get(0)?;
    if !counted {
        losses.push(Loss {
            object: "setting track_counts".to_owned(),
            reason: "is off: whether rows were deleted or updated cannot be told".to_owned(),
        });
    }
    Ok(losses)
}

/// What became of the rows of one table.
fn rows(old: &Table, new: &Table, before: &State, after: &State, losses: &mut Vec<Loss>) {
    if !after.holds(new) {
        losses.push(loss(old, "is empty now and held rows".to_owned()));
        return;
    }
    match (before.counts.get(&old.oid), after.counts.get(&new.oid)) {
        (Some(had), Some(has)) if has < had => {
            losses.push(loss(
                old,
                format!("held {} and holds {has} now", count_of(*had)),
            ));
        }
        (Some(_), Some(_)) => {}
        _ if new.oid != old.oid => {
            let reason = "was made anew, and whether all its rows are there was not counted";
            losses.push(loss(old, reason.to_owned()));
        }
        _ => {}
    }
    let parts = before.tables.values().filter(|part| part.root == old.oid);
    let (mut gone, mut deleted, mut updated) = (0_usize, 0, 0);
    for part in parts.filter(|part| before.holding.contains(&part.oid)) {
        match after.tables.get(&part.oid) {
            Some(now) => {
                deleted += now.deleted - part.deleted;
                updated += now.updated - part.updated;
            }
            // A table that was made anew has other parts; its rows were counted.
            None if new.oid == old.oid => gone += 1,
            None => {}
        }
    }
    if gone > 0 {
        let reason = format!("lost {gone} of its partitions or chunks that held rows");
        losses.push(loss(old, reason));
    }
    if deleted > 0 {
        losses.push(loss(old, format!("had {} deleted", count_of(deleted))));
    }
    if updated > 0 {
        losses.push(loss(old, format!("had {} updated", count_of(updated))));
    }
}

/// Columns that are gone or of another type. A table that is still the same knows its columns by number, whatever they are called.
fn columns(old: &Table, new: &Table, losses: &mut Vec<Loss>) {
    for (number, (name, ty)) in &old.columns {
        let now = if new.oid == old.oid {
            new.columns.get(number)
        } else {
            new.columns.values().find(|(other, _)| other == name)
        };
        let reason = match now {
            None => "is gone, and its table held rows".to_owned(),
            Some((_, other)) if other != ty => {
                format!("was {ty} and is {other} now, and its table held rows")
            }
            Some(_) => continue,
        };
        losses.push(Loss {
            object: format!("column {}.{}.{name}", old.schema, old.name),
            reason,
        });
    }
}

fn count_of(rows: i64) -> String {
    let s = if rows == 1 { "" } else { "s" };
    format!("{rows} row{s}")
}

fn loss(table: &Table, reason: String) -> Loss {
    Loss {
        object: table.shown(),
        reason,
    }
}
