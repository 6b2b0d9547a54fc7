//! Rows that the transaction's own statistics say were deleted or updated.

use tokio_postgres::{Client, Error};

use super::content::{self, Rows};
use super::loss::{Loss, State, count_of, loss, names};
use super::table::Table;

/// What the statistics of this transaction say of the rows of one table.
pub(super) async fn counted(
    client: &Client,
    old: &Table,
    before: &State,
    after: &State,
) -> Result<Vec<Loss>, Error> {
    let (mut deleted, mut updated) = (0, 0);
    for part in before
        .parts(old)
        .filter(|part| before.holding.contains(&part.oid) || !part.is_closed())
    {
        let Some(now) = after.tables.get(&part.oid) else {
            continue;
        };
        let counts = (now.deleted - part.deleted, now.updated - part.updated);
        if counts != (0, 0) && !kept(client, part, now, before).await? {
            deleted += counts.0;
            updated += counts.1;
        }
    }
    Ok([(deleted, "deleted"), (updated, "updated")]
        .into_iter()
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, what)| loss(old, format!("had {} {what}", count_of(rows))))
        .collect())
}

/// Whether a table still holds each row that it held: the statistics count what a savepoint has taken back as well.
async fn kept(client: &Client, old: &Table, now: &Table, before: &State) -> Result<bool, Error> {
    let (Some(held), Some(names)) = (before.own.get(&old.oid), names(old, now)) else {
        return Ok(false);
    };
    if now.node != old.node {
        return Ok(false);
    }
    let holds = content::read(client, now, Rows::Kept, &names).await?;
    Ok(holds.as_ref() == Some(held))
}
