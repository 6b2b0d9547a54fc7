//! Attributes of composite types: dropping one takes it out of every value, and neither the column's type nor the table's file changes.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

use super::loss::Loss;

/// One attribute.
struct Attribute {
    /// As in `public.addr.zip`.
    name: String,
    ty: String,
}

/// The attributes of one type, by number.
type Attributes = BTreeMap<i32, Attribute>;

/// The composite types in the columns of all tables, with what they hold: by table and column, then by the type's OID.
pub(super) struct Composites(BTreeMap<(u32, i32), BTreeMap<u32, Attributes>>);

impl Composites {
    /// Reads them. A script's search path must not be in force.
    pub(super) async fn read(client: &Client) -> Result<Self, Error> {
        let mut columns: BTreeMap<_, BTreeMap<u32, Attributes>> = BTreeMap::new();
        for row in client
            .query_typed(include_str!("attributes.sql"), &[])
            .await?
        {
            let types = columns
                .entry((row.try_get(0)?, row.try_get(1)?))
                .or_default();
            let attributes = types.entry(row.try_get(2)?).or_default();
            if let Some(number) = row.try_get(4)? {
                let (of, name): (&str, &str) = (row.try_get(3)?, row.try_get(5)?);
                let attribute = Attribute {
                    name: format!("{of}.{name}"),
                    ty: row.try_get(6)?,
                };
                attributes.insert(number, attribute);
            }
        }
        Ok(Self(columns))
    }

    /// What the values of one column have lost since, in a table that was not rewritten. `shown` names the table.
    pub(super) fn losses(&self, now: &Self, column: (u32, i32), shown: &str) -> Vec<Loss> {
        let mut losses = Vec::new();
        let (Some(before), Some(now)) = (self.0.get(&column), now.0.get(&column)) else {
            return losses;
        };
        // A type that is not reached any more was in an attribute that is gone.
        for (attributes, now) in before
            .iter()
            .filter_map(|(oid, attributes)| Some((attributes, now.get(oid)?)))
        {
            for (number, Attribute { name, ty }) in attributes {
                let reason = match now.get(number) {
                    Some(other) if other.ty == *ty => continue,
                    Some(other) => format!("was {ty} and is {} now", other.ty),
                    None => "is gone".to_owned(),
                };
                losses.push(Loss {
                    object: format!("attribute {name}"),
                    reason: format!("{reason}, and {shown} held rows with values of its type"),
                });
            }
        }
        losses
    }
}
