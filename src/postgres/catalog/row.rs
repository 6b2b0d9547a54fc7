//! One row of the object queries, all of which have the same columns.

use std::collections::BTreeMap;
use std::error::Error as StdError;

use tokio_postgres::types::{FromSql, Type, accepts};
use tokio_postgres::{Error, Row};

use crate::snapshot::attributes::{CHUNK_INTERVAL, TIME_TYPE};
use crate::snapshot::{Kind, Object, ObjectKey, interval};

/// The column `attributes`: a JSON object of texts, without those that are NULL.
struct Attributes(BTreeMap<String, String>);

impl<'a> FromSql<'a> for Attributes {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        let all: BTreeMap<String, Option<String>> = serde_json::from_slice(raw)?;
        Ok(Self(
            all.into_iter()
                .filter_map(|(name, text)| text.map(|text| (name, text)))
                .collect(),
        ))
    }

    accepts!(JSON);
}

/// The object that a row stands for; `None` if its kind is none that this build knows.
pub(super) fn object(row: &Row) -> Result<Option<Object>, Error> {
    let Some(kind) = Kind::from_name(row.try_get("kind")?) else {
        return Ok(None);
    };
    let Attributes(mut attributes) = row.try_get("attributes")?;
    if kind == Kind::Hypertable {
        let is_time = attributes
            .get(TIME_TYPE)
            .is_some_and(|time_type| time_type == "date" || time_type.starts_with("timestamp"));
        if let Some(length) = attributes.get_mut(CHUNK_INTERVAL)
            && is_time
            && let Ok(microseconds) = length.parse()
        {
            *length = interval::words(microseconds);
        }
    }
    Ok(Some(Object {
        key: ObjectKey {
            schema: row.try_get("schema")?,
            parent: row.try_get("parent")?,
            kind,
            name: row.try_get("name")?,
            arguments: row.try_get("arguments")?,
        },
        owner: row.try_get("owner")?,
        extension: row.try_get("extension")?,
        attributes,
    }))
}
