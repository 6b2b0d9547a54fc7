//! What data a rollback loses: the tables before the first script against the tables after the last, before anything is committed.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Error};

use super::attributes::Composites;
use super::content::{self, Content, LARGEST, Rows};
use super::counted::counted;
use super::family::Families;
use super::statement::Failure;
use super::table::{Locked, Table, holding, lock, locked, read};
use super::uncounted;

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
    pub(super) tables: BTreeMap<u32, Table>,
    /// The OIDs of those that hold rows themselves.
    pub(super) holding: BTreeSet<u32>,
    /// What those hold themselves that are no chunks, by OID, where it could be read.
    pub(super) own: BTreeMap<u32, Content>,
    /// Whether this session may switch off the statistics, so that what it writes to is to be read.
    pub(super) switchable: bool,
    /// What composite types in their columns hold.
    composites: Composites,
    /// Which are parts of which.
    parts: Families,
    /// What a root that has parts holds with them.
    families: BTreeMap<u32, Content>,
}

impl State {
    /// The tables before the first script, closed to writers.
    pub(super) async fn before(client: &Client) -> Result<Self, Failure> {
        lock(client, read(client).await?.values()).await?;
        // Again, since a row may have come before the lock.
        let mut state = Self::now(client).await?;
        let (mut own, mut families) = (BTreeMap::new(), BTreeMap::new());
        for table in state.tables.values() {
            let names: Vec<&str> = table.columns.values().map(|(name, _)| &**name).collect();
            let holds = state.holding.contains(&table.oid) && !table.is_chunk();
            if holds && table.size <= LARGEST {
                let content = content::read(client, table, Rows::Own, &names).await?;
                own.extend(content.map(|content| (table.oid, content)));
            }
            if !state.is_root(table) {
                continue;
            }
            let small = state.parts(table).map(|part| part.size).sum::<i64>() <= LARGEST;
            // Reading a hypertable locks each of its chunks.
            let few = (2..=1000).contains(&state.parts(table).count());
            if few && small && state.holds(table) {
                let content = content::read(client, table, Rows::Family, &names).await?;
                families.extend(content.map(|content| (table.oid, content)));
            }
        }
        (state.own, state.families) = (own, families);
        state.switchable = uncounted::is_switchable(client).await?;
        Ok(state)
    }

    /// The tables as they are, without what they hold.
    async fn now(client: &Client) -> Result<Self, Error> {
        let tables = read(client).await?;
        let holding = holding(client, &tables).await?;
        Ok(Self {
            parts: Families::of(&tables),
            tables,
            holding,
            composites: Composites::read(client).await?,
            own: BTreeMap::new(),
            switchable: false,
            families: BTreeMap::new(),
        })
    }

    /// What a root held with its parts, if it has any.
    fn family(&self, root: &Table) -> Option<&Content> {
        let parted = self.parts(root).any(|part| part.oid != root.oid);
        if parted {
            self.families.get(&root.oid)
        } else {
            self.own.get(&root.oid)
        }
    }

    /// Whether a table is a part of no other that is looked at.
    fn is_root(&self, table: &Table) -> bool {
        let known = |parent| self.tables.contains_key(parent);
        !table.parents.iter().any(known)
    }

    fn roots(&self) -> impl Iterator<Item = &Table> {
        self.tables.values().filter(|table| self.is_root(table))
    }

    /// A table and all its parts.
    pub(super) fn parts(&self, table: &Table) -> impl Iterator<Item = &Table> {
        let below = self.parts.below(table.oid);
        below.into_iter().filter_map(|oid| self.tables.get(&oid))
    }

    /// Those of its parts, and itself, that hold rows themselves.
    fn held(&self, table: &Table) -> impl Iterator<Item = &Table> {
        self.parts(table)
            .filter(|part| self.holding.contains(&part.oid))
    }

    /// Whether all that held its rows is there, be it as a part of another table.
    fn is_kept(&self, table: &Table, after: &Self) -> bool {
        self.held(table)
            .all(|part| after.tables.contains_key(&part.oid))
    }

    /// Whether a table or any of its parts holds rows.
    fn holds(&self, table: &Table) -> bool {
        self.held(table).next().is_some()
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
    let after = State::now(client).await?;
    let mut losses = Vec::new();
    // A table that is not closed may be changed by others meanwhile: that is no loss of this rollback's.
    let altered = match before.tables.values().all(Table::is_closed) {
        true => BTreeSet::new(),
        false => locked(client, Locked::Altered).await?,
    };
    for old in before.roots() {
        if !before
            .parts(old)
            .any(|part| part.is_closed() || altered.contains(&part.oid))
        {
            losses.extend(counted(client, old, before, &after).await?);
            continue;
        }
        if old.is_closed() && !before.holds(old) {
            continue;
        }
        match successor(&after.tables, old) {
            // What it was made of is there, under another table or none.
            None if before.holds(old) && before.is_kept(old, &after) => {
                parts(old, before, &after, &mut losses);
                attributes(old, before, &after, &mut losses);
                rewritten(client, old, old, before, &after, &mut losses).await?;
                losses.extend(counted(client, old, before, &after).await?);
            }
            None if old.is_closed() && old.is_readable() => {
                losses.push(loss(old, "is gone and held rows".to_owned()));
            }
            None => losses.push(loss(
                old,
                "is gone, and whether it held rows cannot be told: this role may not read it"
                    .to_owned(),
            )),
            Some(new) => {
                columns(old, new, &mut losses);
                parts(old, before, &after, &mut losses);
                attributes(old, before, &after, &mut losses);
                rows(client, old, new, before, &after, &mut losses).await?;
                rewritten(client, old, new, before, &after, &mut losses).await?;
            }
        }
    }
    let counts: bool = client
        .query_one("SELECT current_setting('track_counts') = 'on'", &[])
        .await?
        .try_get(0)?;
    if !counts {
        losses.push(Loss {
            object: "setting track_counts".to_owned(),
            reason: "is off: whether rows were deleted or updated cannot be told".to_owned(),
        });
    }
    if before.switchable {
        uncounted::look(client, before, &after.tables, &mut losses).await?;
    }
    Ok(losses)
}

/// What became of the rows of one table.
async fn rows(
    client: &Client,
    old: &Table,
    new: &Table,
    before: &State,
    after: &State,
    losses: &mut Vec<Loss>,
) -> Result<(), Error> {
    // A part may hold them without it.
    let apart = before
        .held(old)
        .any(|part| after.holding.contains(&part.oid));
    if !after.holds(new) && before.holds(old) && !apart {
        losses.push(loss(old, "is empty now and held rows".to_owned()));
        return Ok(());
    }
    if new.oid == old.oid {
        // A table that was made anew has other parts; its rows were counted.
        let gone = before
            .held(old)
            .filter(|part| !after.tables.contains_key(&part.oid))
            .count();
        if gone > 0 {
            let reason = format!("lost {gone} of its partitions or chunks that held rows");
            losses.push(loss(old, reason));
        }
    }
    losses.extend(counted(client, old, before, after).await?);
    Ok(())
}

/// What tables that were made anew, emptied or rewritten hold now, against what they held.
async fn rewritten(
    client: &Client,
    old: &Table,
    new: &Table,
    before: &State,
    after: &State,
    losses: &mut Vec<Loss>,
) -> Result<(), Error> {
    let mut whole = new.oid != old.oid && !(before.holds(old) && before.is_kept(old, after));
    for part in before.held(old) {
        match after.tables.get(&part.oid) {
            Some(now) if now.node != part.node && part.is_chunk() => whole = true,
            Some(now) if now.node != part.node => {
                let held = before.own.get(&part.oid);
                losses.extend(compared(client, part, now, held, Rows::Own).await?);
            }
            _ => {}
        }
    }
    if whole {
        let held = before.family(old);
        losses.extend(compared(client, old, new, held, Rows::Family).await?);
    }
    Ok(())
}

/// The loss, unless a table holds the same rows as before.
async fn compared(
    client: &Client,
    old: &Table,
    new: &Table,
    held: Option<&Content>,
    which: Rows,
) -> Result<Option<Loss>, Error> {
    let (Some(held), Some(names)) = (held, names(old, new)) else {
        let reason = "was emptied, rewritten or made anew, and whether all its rows are there cannot be told: it is too large to compare \
                      (over 256 MB), hidden by row security, not readable for this role, or lost columns";
        return Ok(Some(loss(old, reason.to_owned())));
    };
    let reason = match content::read(client, new, which, &names).await? {
        Some(holds) if holds == *held => return Ok(None),
        Some(holds) if holds.rows < held.rows => {
            format!("held {} and holds {} now", count_of(held.rows), holds.rows)
        }
        _ => "was emptied, rewritten or made anew, and its rows are not what they were".to_owned(),
    };
    Ok(Some(loss(old, reason)))
}

/// What a table's columns are called now; `None` where one is gone, which is a loss by itself.
pub(super) fn names<'t>(old: &Table, new: &'t Table) -> Option<Vec<&'t str>> {
    old.columns
        .iter()
        .map(|(number, (name, _))| {
            let mut now = new.columns.iter();
            let same = now.find(|(other, (called, _))| {
                if new.oid == old.oid {
                    *other == number
                } else {
                    called == name
                }
            });
            same.map(|(_, (called, _))| called.as_str())
        })
        .collect()
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

/// Columns of parts that are no part of it any more: what is done to them is not done to it.
fn parts(old: &Table, before: &State, after: &State, losses: &mut Vec<Loss>) {
    let still = after.parts.below(old.oid);
    for part in before.held(old).filter(|part| !still.contains(&part.oid)) {
        if let Some(now) = after.tables.get(&part.oid) {
            columns(part, now, losses);
        }
    }
}

/// Attributes of composite types that are gone from values. Where a column or its type changed that was said, and what was rewritten is
/// compared by what it holds.
fn attributes(old: &Table, before: &State, after: &State, losses: &mut Vec<Loss>) {
    for part in before.held(old) {
        let now = after.tables.get(&part.oid);
        let Some(now) = now.filter(|now| now.node == part.node) else {
            continue;
        };
        for (number, (_, ty)) in &part.columns {
            if now.columns.get(number).is_some_and(|(_, now)| now == ty) {
                let column = (part.oid, *number);
                let found = before
                    .composites
                    .losses(&after.composites, column, &old.shown());
                for loss in found {
                    // Partitions tell the same of each.
                    if !losses.contains(&loss) {
                        losses.push(loss);
                    }
                }
            }
        }
    }
}

pub(super) fn count_of(rows: i64) -> String {
    let s = if rows == 1 { "" } else { "s" };
    format!("{rows} row{s}")
}

pub(super) fn loss(table: &Table, reason: String) -> Loss {
    Loss {
        object: table.shown(),
        reason,
    }
}
