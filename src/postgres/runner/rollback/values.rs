//! What a rollback loses besides rows: how far sequences had come, and large objects.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::loss::Loss;

/// Where a sequence stands.
struct Sequence {
    name: String,
    /// The value that it gave out last; `None` when it has given out none.
    last: Option<i64>,
    descending: bool,
    /// Whether it comes and goes with a table's column.
    owned: bool,
}

impl Sequence {
    /// Whether this sequence gives out again what the other had given out.
    fn is_behind(&self, before: i64) -> bool {
        self.last.is_none_or(|now| match self.descending {
            true => now > before,
            false => now < before,
        })
    }
}

/// Sequences and large objects at one moment.
pub(super) struct Values {
    sequences: BTreeMap<u32, Sequence>,
    /// How many large objects there are, and the sum of their numbers' hashes.
    large_objects: (i64, String),
}

impl Values {
    /// Reads them, as far as they are this role's. A script's search path must not be in force.
    pub(super) async fn read(client: &Client) -> Result<Self, Error> {
        let rows = client
            .query_typed(include_str!("sequences.sql"), &[])
            .await?;
        let mut sequences = BTreeMap::new();
        let mut stands = Vec::new();
        for row in rows {
            let sequence = Sequence {
                name: row.try_get("name")?,
                last: None,
                descending: row.try_get("descending")?,
                owned: row.try_get("owned")?,
            };
            let (oid, quoted): (u32, &str) = (row.try_get("oid")?, row.try_get("quoted")?);
            // pg_sequence_last_value would lock it as who writes to it does.
            stands.push(format!(
                "SELECT {oid}::oid, CASE WHEN is_called THEN last_value END FROM {quoted}"
            ));
            sequences.insert(oid, sequence);
        }
        if !stands.is_empty() {
            for row in client.query_typed(&stands.join(" UNION ALL "), &[]).await? {
                if let Some(sequence) = sequences.get_mut(&row.try_get::<_, u32>(0)?) {
                    sequence.last = row.try_get(1)?;
                }
            }
        }
        let row = client
            .query_typed_one(
                "SELECT count(*), coalesce(sum(hashoid(oid)), 0)::text FROM pg_largeobject_metadata WHERE pg_has_role(lomowner, 'USAGE')",
                &[],
            )
            .await?;
        Ok(Self {
            sequences,
            large_objects: (row.try_get(0)?, row.try_get(1)?),
        })
    }

    /// What is lost now.
    pub(super) fn losses(&self, now: &Self) -> Vec<Loss> {
        let mut losses = Vec::new();
        for (oid, before) in &self.sequences {
            let Some(reached) = before.last else {
                continue;
            };
            let after = now.sequences.get(oid).or_else(|| {
                now.sequences
                    .values()
                    .find(|other| other.name == before.name)
            });
            let reason = match after {
                // With the column or the table that it belongs to.
                None if before.owned => continue,
                None => format!("is gone and had reached {reached}"),
                Some(after) if after.is_behind(reached) => {
                    format!("had reached {reached} and gives the same numbers out again")
                }
                Some(_) => continue,
            };
            losses.push(Loss {
                object: format!("sequence {}", before.name),
                reason,
            });
        }
        let ((held, before), (holds, after)) = (&self.large_objects, &now.large_objects);
        if holds < held {
            losses.push(Loss {
                object: "large objects".to_owned(),
                reason: format!("were {held} and are {holds} now"),
            });
        } else if holds == held && before != after {
            losses.push(Loss {
                object: "large objects".to_owned(),
                reason: "are not those that there were".to_owned(),
            });
        }
        losses
    }

    /// Puts sequences back that a script has set: `setval` is not undone by ROLLBACK (PostgreSQL documentation, "Sequence
    /// Manipulation Functions").
    pub(super) async fn put_back(&self, client: &Client) -> Result<(), Error> {
        let now = Self::read(client).await?;
        for (oid, before) in &self.sequences {
            let after = now.sequences.get(oid);
            let (Some(reached), Some(after)) = (before.last, after) else {
                continue;
            };
            if after.is_behind(reached) {
                client
                    .query_typed(
                        "SELECT setval($1::oid::regclass, $2)",
                        &[(oid, Type::OID), (&reached, Type::INT8)],
                    )
                    .await?;
            }
        }
        Ok(())
    }
}
