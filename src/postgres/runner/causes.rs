//! What the catalog and the settings tell about a failure, beyond the server's own words. Asked after the ROLLBACK.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use super::super::session::Session;
use crate::migration::tokens::mentions;

/// The sentences that help with this error, each after a semicolon; nothing where nothing is known.
pub(super) async fn causes(session: &Session, error: &Error) -> String {
    let Some(db) = error.as_db_error() else {
        return String::new();
    };
    // Where these cannot be asked the server's words stand alone.
    let told = match is_lock_table_full(db) {
        true => lock_table(session).await.ok(),
        false => thrown(session, db).await.ok().flatten(),
    };
    told.map_or_else(String::new, |told| format!("; {told}"))
}

/// Which event triggers may have touched what no migration may touch; nothing where there are none.
pub(super) async fn may_have_touched(session: &Session) -> String {
    let triggers = event_triggers(session).await.unwrap_or_default();
    let names: Vec<String> = triggers.iter().map(Trigger::described).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(
            "; {} runs with statements like these in this database, and may be what touches it",
            names.join(", ")
        ),
    }
}

/// An event trigger that somebody made.
struct Trigger {
    name: String,
    event: String,
    function: String,
    /// The function's name without its schema.
    bare: String,
    owner: String,
}

impl Trigger {
    fn described(&self) -> String {
        format!(
            "event trigger {} ({}, function {}, of role {})",
            self.name, self.event, self.function, self.owner
        )
    }
}

/// The event triggers that fire here. Those of extensions (TimescaleDB's) are theirs.
async fn event_triggers(session: &Session) -> Result<Vec<Trigger>, Error> {
    let rows = session
        .client
        .query_typed(include_str!("../sql/event_triggers.sql"), &[])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Trigger {
                name: row.try_get(0)?,
                event: row.try_get(1)?,
                function: row.try_get(2)?,
                bare: row.try_get(3)?,
                owner: row.try_get(4)?,
            })
        })
        .collect()
}

/// The event trigger whose function the error came through, and what to do about it. Several may have one function.
async fn thrown(session: &Session, db: &DbError) -> Result<Option<String>, Error> {
    let Some(code) = db.where_() else {
        return Ok(None);
    };
    let triggers = event_triggers(session).await?;
    let of_function = |trigger: &&Trigger| mentions(code, &trigger.bare);
    let (said, disabling): (Vec<String>, Vec<String>) = triggers
        .iter()
        .filter(of_function)
        .map(|one| {
            let disabling = format!("ALTER EVENT TRIGGER {} DISABLE", one.name);
            (one.described(), disabling)
        })
        .unzip();
    Ok((!said.is_empty()).then(|| {
        format!(
            "it comes from {}, which somebody has made in this database: let it pass what migrations do, or switch it off meanwhile \
             (as its owner: {})",
            said.join(" or "),
            disabling.join("; ")
        )
    }))
}

/// Whether the server has no room for one more lock: the name of the setting is the same in every language.
fn is_lock_table_full(db: &DbError) -> bool {
    *db.code() == SqlState::OUT_OF_MEMORY
        && db
            .hint()
            .is_some_and(|hint| hint.contains("max_locks_per_transaction"))
}

/// How many locks there is room for and how many relations there are, and which setting would do.
async fn lock_table(session: &Session) -> Result<String, Error> {
    let row = session
        .client
        .query_typed_one(include_str!("../sql/lock_table.sql"), &[])
        .await?;
    let (each, sessions): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let (relations, parts): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
    let enough = enough(each, sessions, relations);
    Ok(format!(
        "the server has room for about {} locks of all its sessions together (max_locks_per_transaction is {each}), and this database has \
         {relations} tables and indexes, {parts} of them partitions, chunks and their indexes: set max_locks_per_transaction = {enough} and restart \
         the server, or make several files that touch fewer of them each",
        each.saturating_mul(sessions)
    ))
}

/// A setting with which one transaction can lock every relation, beside what the others do now; a multiple of 64.
fn enough(each: i64, sessions: i64, relations: i64) -> i64 {
    let more = relations / sessions.max(1) + 1;
    let wanted = each.saturating_add(more).max(each.saturating_mul(2));
    (wanted + 63) / 64 * 64
}

#[cfg(test)]
mod tests {
    use super::enough;

    #[test]
    fn every_relation_can_be_locked_with_what_is_advised() {
        for (each, sessions, relations, expected) in [
            (64, 120, 5_000, 128),
            (64, 120, 60_000, 576),
            (10, 20, 2_000, 128),
            (64, 0, 1, 128),
        ] {
            let advised = enough(each, sessions, relations);
            assert_eq!(advised, expected);
            assert!(advised * sessions.max(1) >= relations);
        }
    }
}
