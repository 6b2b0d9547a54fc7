//! Runs what was put off to the COMMIT, while it can still be looked at what that does.

use std::time::Duration;

use tokio_postgres::{Client, Error};

use super::super::session::Session;
use super::failure::{Failure, Step};
use super::footprint::BOOKS;
use super::guarded::Guarded;
use super::touched::foreign_text;

/// After so many rounds it is taken that what was put off puts itself off for ever.
const ROUNDS: usize = 100;

/// How many rows this transaction has written so far, by the statistics; nothing where no trigger can be put off. It is asked with the
/// settings of a script in force.
const WRITTEN: &str = "SELECT pg_catalog.concat_ws(' ', pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)), \
     pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)), pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid))) \
     FROM pg_catalog.pg_class c WHERE EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgdeferrable)";

/// What a script is told that [`settle`] finds no end of.
pub(super) const ENDLESS: &str = "deferred triggers put themselves off again and again, so what they do at COMMIT cannot be looked at";

/// Runs deferred triggers and constraints now, with the settings that are in force. Returns whether none is left: one that runs may put
/// off more (SET CONSTRAINTS ALL DEFERRED), but only by writing a row.
pub(super) async fn settle(client: &Client) -> Result<bool, Error> {
    let mut before = None;
    for _ in 0..ROUNDS {
        client
            .batch_execute("SET CONSTRAINTS ALL IMMEDIATE")
            .await?;
        let written: String = client.query_typed_one(WRITTEN, &[]).await?.try_get(0)?;
        if written.is_empty() || before.as_ref() == Some(&written) {
            return Ok(true);
        }
        before = Some(written);
    }
    Ok(false)
}

impl Guarded<'_> {
    /// Deferred triggers that ran may have put off more to the COMMIT: nothing is left to it, and what that touches is looked at as well.
    pub(super) async fn settle(
        &self,
        session: &Session,
        patience: Duration,
    ) -> Result<(), Failure> {
        let client = &session.client;
        let settings = self.settings("SET LOCAL", patience).join(";");
        client
            .batch_execute(&settings)
            .await
            .map_err(Failure::own)?;
        let settled = settle(client).await.map_err(Failure::at(Step::Commit))?;
        let sql = self.foreign.touched_sql();
        let row = client
            .query_typed_one(&sql, &[])
            .await
            .map_err(Failure::own)?;
        let oids: Option<String> = row.try_get("touched").map_err(Failure::own)?;
        let mut relations = self.foreign.touched(&oids.unwrap_or_default());
        // dbctl has written to its books itself meanwhile.
        relations.retain(|one| one != BOOKS);
        let reason = match relations.is_empty() {
            true if settled => return Ok(()),
            true => ENDLESS.to_owned(),
            false => foreign_text(&relations, &self.options.service),
        };
        Err(Failure::Unfit {
            statement: None,
            reason,
        })
    }
}
