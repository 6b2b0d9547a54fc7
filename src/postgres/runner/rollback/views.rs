//! Materialized views: one whose rows follow from its sources loses nothing when it is dropped, since the next migration fills it again.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Error};

use super::actor::Actor;
use super::content::LARGEST;
use super::loss::Loss;

/// One view that holds rows.
struct View {
    name: String,
    quoted: String,
    /// The query that fills it.
    query: String,
    size: i64,
    /// The role that can read it, if there is one.
    reader: Option<Actor>,
}

/// The materialized views before the first script.
pub(super) struct Views {
    all: BTreeMap<u32, View>,
    /// How many rows of those that were looked into do not follow from their sources; `None` where that cannot be told.
    stale: BTreeMap<u32, Option<i64>>,
}

/// Reads them.
const VIEWS: &str = concat!(
    "WITH ",
    include_str!("actors.sql"),
    include_str!("views.sql")
);

impl Views {
    /// Reads them, and looks into these. A script's search path must not be in force.
    pub(super) async fn read(client: &Client, into: &BTreeSet<u32>) -> Result<Self, Error> {
        let mut all = BTreeMap::new();
        for row in client.query_typed(VIEWS, &[]).await? {
            let view = View {
                name: row.try_get(1)?,
                quoted: row.try_get(2)?,
                query: row.try_get(3)?,
                size: row.try_get(4)?,
                reader: row.try_get::<_, Option<_>>(5)?.map(Actor::new),
            };
            all.insert(row.try_get(0)?, view);
        }
        let mut stale = BTreeMap::new();
        for oid in into {
            if let Some(view) = all.get(oid) {
                stale.insert(*oid, view.stale(client).await?);
            }
        }
        Ok(Self { all, stale })
    }

    /// Those that are gone now and were not looked into. To run their queries after the scripts is too late.
    pub(super) async fn unknown(&self, client: &Client) -> Result<BTreeSet<u32>, Error> {
        let gone = self.gone(client).await?;
        Ok(gone
            .into_iter()
            .filter(|oid| !self.stale.contains_key(oid))
            .collect())
    }

    /// What is lost now.
    pub(super) async fn losses(&self, client: &Client) -> Result<Vec<Loss>, Error> {
        let mut losses = Vec::new();
        for oid in self.gone(client).await? {
            let (Some(view), Some(stale)) = (self.all.get(&oid), self.stale.get(&oid)) else {
                continue;
            };
            let reason = match stale {
                Some(0) => continue,
                Some(1) => {
                    "is gone and held 1 row that does not follow from its sources any more".into()
                }
                Some(rows) => format!(
                    "is gone and held {rows} rows that do not follow from its sources any more"
                ),
                None => "is gone, and whether its rows follow from its sources cannot be told: it is too large to compare (over 256 MB), \
                         not readable for this role, or its query fails"
                    .to_owned(),
            };
            losses.push(Loss {
                object: format!("materialized view {}", view.name),
                reason,
            });
        }
        Ok(losses)
    }

    async fn gone(&self, client: &Client) -> Result<BTreeSet<u32>, Error> {
        if self.all.is_empty() {
            return Ok(BTreeSet::new());
        }
        let rows = client
            .query_typed("SELECT oid FROM pg_class WHERE relkind = 'm'", &[])
            .await?;
        let mut there = BTreeSet::new();
        for row in rows {
            there.insert(row.try_get::<_, u32>(0)?);
        }
        Ok(self
            .all
            .keys()
            .filter(|oid| !there.contains(oid))
            .copied()
            .collect())
    }
}

impl View {
    /// How many of its rows its query does not give any more; `None` where that cannot be told.
    async fn stale(&self, client: &Client) -> Result<Option<i64>, Error> {
        let Some(reader) = self.reader.as_ref().filter(|_| self.size <= LARGEST) else {
            return Ok(None);
        };
        client
            .batch_execute(&format!("SAVEPOINT dbctl_view; {}", reader.begin()))
            .await?;
        let sql = format!(
            "SELECT count(*) FROM (SELECT m::text FROM {} m EXCEPT ALL SELECT d::text FROM ({}) d) gone",
            self.quoted,
            self.query.trim_end().trim_end_matches(';')
        );
        let found = match client.query_typed_one(&sql, &[]).await {
            Ok(row) => Some(row.try_get(0)?),
            Err(error) if fails_by_itself(&error) => None,
            Err(error) => return Err(error),
        };
        client
            .batch_execute("ROLLBACK TO SAVEPOINT dbctl_view; RELEASE SAVEPOINT dbctl_view")
            .await?;
        Ok(found)
    }
}

/// Whether it is the query's own fault: no lock that somebody holds, no interrupt, no broken connection.
fn fails_by_itself(error: &Error) -> bool {
    let class = |code: &tokio_postgres::error::SqlState| code.code().get(..2).map(str::to_owned);
    error
        .code()
        .and_then(class)
        .is_some_and(|class| !["08", "40", "53", "55", "57", "58"].contains(&&*class))
}
