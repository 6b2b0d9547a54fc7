//! Rows that are lost while the statistics are switched off: tables that a superuser's script has written to are read.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

use super::content::{self, Rows};
use super::family::root;
use super::loss::{Loss, State, loss, names};
use super::table::{Locked, Table, locked};

/// Whether this session, a role that it may SET ROLE to, or a function that runs with its owner's rights may switch the statistics off,
/// or a function says that it does. If so the transaction gets its number now.
pub(super) async fn is_switchable(client: &Client) -> Result<bool, Error> {
    let sql = "SELECT current_setting('server_version_num')::int >= 150000";
    let granted: bool = client.query_typed_one(sql, &[]).await?.try_get(0)?;
    let may = match granted {
        true => "has_parameter_privilege(r.oid, 'track_counts', 'SET')",
        false => "r.rolsuper",
    };
    // What extensions bring is no script's to change.
    let sql = format!(
        "WITH {} SELECT (SELECT bool_or({may}) FROM pg_roles r JOIN actor a ON a.oid = r.oid) \
         OR EXISTS (SELECT FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner \
                     WHERE p.oid >= 16384 AND (p.prosecdef AND {may} OR concat_ws(' ', p.prosrc, p.proconfig) ~* 'track_counts') \
                       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))",
        include_str!("actors.sql")
    );
    let switchable = client.query_typed_one(&sql, &[]).await?.try_get(0)?;
    if switchable {
        client.batch_execute("SELECT pg_current_xact_id()").await?;
    }
    Ok(switchable)
}

/// Tables that were written to, and do not hold all rows that they held.
pub(super) async fn look(
    client: &Client,
    before: &State,
    after: &BTreeMap<u32, Table>,
    losses: &mut Vec<Loss>,
) -> Result<(), Error> {
    let written = locked(client, Locked::Written).await?;
    for old in before.tables.values() {
        if !written.contains(&old.oid) || !before.holding.contains(&old.oid) {
            continue;
        }
        let root = root(&before.tables, old);
        let told = |loss: &Loss| loss.object == old.shown() || loss.object == root.shown();
        // What was rewritten was compared.
        let Some(new) = after.get(&old.oid).filter(|new| new.node == old.node) else {
            continue;
        };
        if losses.iter().any(told) {
            continue;
        }
        let (Some(held), Some(names)) = (before.own.get(&old.oid), names(old, new)) else {
            let reason = "was written to, and whether it lost rows cannot be told: this role, or a function that runs with its owner's rights, \
                          may switch track_counts off, and the table is too large to compare (over 256 MB), a hypertable, hidden by row security, or lost columns";
            losses.push(loss(root, reason.to_owned()));
            continue;
        };
        if content::read(client, new, Rows::Kept, &names)
            .await?
            .as_ref()
            != Some(held)
        {
            let reason = "had rows deleted or updated while track_counts was off";
            losses.push(loss(root, reason.to_owned()));
        }
    }
    Ok(())
}
