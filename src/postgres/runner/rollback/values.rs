//! What a rollback loses besides rows: how far sequences had come, and large objects.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::actor::Actor;
use super::loss::Loss;

/// Reads the sequences.
const SEQUENCES: &str = concat!(
    "WITH ",
    include_str!("actors.sql"),
    include_str!("sequences.sql")
);

/// Begins a transaction of dbctl's own.
const BEGIN: &str = "BEGIN; SET LOCAL search_path = pg_catalog, pg_temp";

/// Where a sequence stands.
struct Sequence {
    name: String,
    /// The value that it gave out last; `None` when it has given out none.
    last: Option<i64>,
    descending: bool,
    /// Whether it comes and goes with a table's column.
    owned: bool,
    /// The columns that it belongs to or gives its values to, as in `16400.1` and `public.posts.id`: a table may be renamed or made anew.
    columns: Vec<String>,
    /// Those of them that it gives its values to, by number.
    feeds: Vec<String>,
    /// The role that can read it, if there is one.
    reader: Option<Actor>,
    /// Whether that one can set it.
    sets: bool,
}

impl Sequence {
    /// Whether this sequence gives out again what the other had given out, up to this number. One that has turned round does.
    fn is_behind(&self, other: &Self, before: i64) -> bool {
        self.descending != other.descending
            || self.last.is_none_or(|now| match self.descending {
                true => now > before,
                false => now < before,
            })
    }
}

/// Sequences and large objects at one moment.
pub(in crate::postgres::runner) struct Values {
    sequences: BTreeMap<u32, Sequence>,
    /// How many large objects there are, and the sum of their numbers' hashes.
    large_objects: (i64, String),
    /// How many pages of large objects this session has deleted or written over so far.
    overwritten: i64,
}

impl Values {
    /// Reads them, in a transaction. A script's search path must not be in force.
    pub(super) async fn read(client: &Client) -> Result<Self, Error> {
        let mut sequences = BTreeMap::new();
        let mut stands: BTreeMap<Actor, Vec<String>> = BTreeMap::new();
        for row in client.query_typed(SEQUENCES, &[]).await? {
            let sequence = Sequence {
                name: row.try_get("name")?,
                last: None,
                descending: row.try_get("descending")?,
                owned: row.try_get("owned")?,
                columns: row.try_get("columns")?,
                feeds: row.try_get("feeds")?,
                reader: row.try_get::<_, Option<_>>("reader")?.map(Actor::new),
                sets: row.try_get("sets")?,
            };
            let (oid, quoted): (u32, &str) = (row.try_get("oid")?, row.try_get("quoted")?);
            if let Some(reader) = &sequence.reader {
                // pg_sequence_last_value would lock it as who writes to it does.
                stands.entry(reader.clone()).or_default().push(format!(
                    "SELECT {oid}::oid, CASE WHEN is_called THEN last_value END FROM {quoted}"
                ));
            }
            sequences.insert(oid, sequence);
        }
        for (reader, stands) in stands {
            reader.enter(client).await?;
            for row in client.query_typed(&stands.join(" UNION ALL "), &[]).await? {
                if let Some(sequence) = sequences.get_mut(&row.try_get::<_, u32>(0)?) {
                    sequence.last = row.try_get(1)?;
                }
            }
            reader.leave(client).await?;
        }
        let row = client
            .query_typed_one(
                "SELECT count(*), coalesce(sum(hashoid(oid)), 0)::text, pg_stat_get_xact_tuples_updated('pg_largeobject'::regclass) \
                 + pg_stat_get_xact_tuples_deleted('pg_largeobject'::regclass) FROM pg_largeobject_metadata",
                &[],
            )
            .await?;
        Ok(Self {
            sequences,
            large_objects: (row.try_get(0)?, row.try_get(1)?),
            overwritten: row.try_get(2)?,
        })
    }

    /// What is lost now.
    pub(super) async fn losses(&self, client: &Client, now: &Self) -> Result<Vec<Loss>, Error> {
        let mut losses = Vec::new();
        let unreadable = |(_, sequence): &(&u32, &Sequence)| sequence.reader.is_none();
        let set = match self.sequences.iter().any(|entry| unreadable(&entry)) {
            true => set(client).await?,
            false => BTreeSet::new(),
        };
        for (oid, before) in &self.sequences {
            let after = now.successor(*oid, before);
            let reason = match (before.last, after) {
                (None, _) if before.reader.is_none() && set.contains(oid) => {
                    "was dropped or may have been set, and how far it had come cannot be told: this role may not read it".to_owned()
                }
                (None, _) => continue,
                // With the column or the table that it belongs to.
                (Some(_), None) if before.owned && !any_is_there(client, &before.columns).await? => {
                    continue;
                }
                (Some(reached), None) => format!("is gone and had reached {reached}"),
                (Some(reached), Some(after)) if after.reader.is_none() => {
                    format!("had reached {reached}, and whether it gives the same numbers out again cannot be told: this role may not read it any more")
                }
                (Some(reached), Some(after)) if after.is_behind(before, reached) => {
                    format!("had reached {reached} and gives the same numbers out again")
                }
                (Some(reached), Some(_)) => match now.usurper(before, reached) {
                    Some(other) => format!(
                        "had reached {reached}, and its column takes its values from {} now, which gives the same numbers out again",
                        other.name
                    ),
                    None => continue,
                },
            };
            losses.push(Loss {
                object: format!("sequence {}", before.name),
                reason,
            });
        }
        losses.extend(self.large_objects(now));
        Ok(losses)
    }

    /// The same sequence; else the one that has its name, or gives values to its column.
    fn successor(&self, oid: u32, old: &Sequence) -> Option<&Sequence> {
        let same = self.sequences.get(&oid);
        let all = || self.sequences.values();
        same.or_else(|| all().find(|other| other.name == old.name))
            .or_else(|| {
                let serves = |column| old.columns.contains(column);
                all().find(|other| other.columns.iter().any(serves))
            })
    }

    /// Another sequence that one of its columns takes its values from now, and that gives out again what it had given out.
    fn usurper(&self, old: &Sequence, reached: i64) -> Option<&Sequence> {
        let fed = |column| old.feeds.contains(column);
        self.sequences.values().find(|other| {
            other.name != old.name && other.feeds.iter().any(fed) && other.is_behind(old, reached)
        })
    }

    /// What became of large objects.
    fn large_objects(&self, now: &Self) -> Option<Loss> {
        let ((held, before), (holds, after)) = (&self.large_objects, &now.large_objects);
        let reason = if holds < held {
            format!("were {held} and are {holds} now")
        } else if holds == held && before != after {
            "are not those that there were".to_owned()
        } else if *held > 0 && now.overwritten > self.overwritten {
            "had contents written over or cut off".to_owned()
        } else {
            return None;
        };
        Some(Loss {
            object: "large objects".to_owned(),
            reason,
        })
    }

    /// As [`Values::read`], where no transaction is open.
    pub(in crate::postgres::runner) async fn stand(client: &Client) -> Result<Self, Error> {
        client.batch_execute(BEGIN).await?;
        let values = Self::read(client).await?;
        client.batch_execute("COMMIT").await?;
        Ok(values)
    }

    /// Whether there is a sequence that a script may have set back.
    pub(in crate::postgres::runner) fn can_be_set(&self) -> bool {
        self.sequences
            .values()
            .any(|sequence| sequence.last.is_some())
    }

    /// Puts sequences back that a script has set: `setval` is not undone by ROLLBACK (PostgreSQL documentation, "Sequence
    /// Manipulation Functions").
    pub(in crate::postgres::runner) async fn put_back(&self, client: &Client) -> Result<(), Error> {
        client.batch_execute(BEGIN).await?;
        let now = Self::read(client).await?;
        for (oid, before) in &self.sequences {
            let after = now.sequences.get(oid);
            let (Some(reached), Some(after)) = (before.last, after) else {
                continue;
            };
            if let Some(setter) = after.reader.as_ref().filter(|_| after.sets)
                && after.is_behind(before, reached)
            {
                setter.enter(client).await?;
                client
                    .query_typed(
                        "SELECT setval($1::oid::regclass, $2)",
                        &[(oid, Type::OID), (&reached, Type::INT8)],
                    )
                    .await?;
                setter.leave(client).await?;
            }
        }
        client.batch_execute("COMMIT").await
    }
}

/// The relations that this transaction has locked as who drops or sets a sequence does.
async fn set(client: &Client) -> Result<BTreeSet<u32>, Error> {
    let sql = "SELECT relation FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' \
               AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'ShareLock') \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let rows = client.query_typed(sql, &[]).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Whether one of these columns is there.
async fn any_is_there(client: &Client, columns: &[String]) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') \
               AND (format('%s.%s', c.oid, a.attnum) = ANY ($1) OR format('%s.%s.%s', n.nspname, c.relname, a.attname) = ANY ($1)))";
    let row = client
        .query_typed_one(sql, &[(&columns, Type::TEXT_ARRAY)])
        .await?;
    row.try_get(0)
}
