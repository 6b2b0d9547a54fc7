//! The objects of a database: relations first, then their parts and everything else, at once.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::conninfo::Source;
use super::inventory::{Inventory, Part};
use super::session::Session;
use super::{Readers, row};
use crate::snapshot::attributes::{DBNAME, HOST};
use crate::snapshot::{HISTORY_TABLE, Kind, Object, ObjectKey, PROGRESS_TABLE, STAMP_TABLE, Shut};

/// What was read of a database's objects.
pub(super) struct Read {
    /// Its objects, in the order of their keys.
    pub(super) objects: Vec<Object>,
    /// What dbctl keeps there for itself.
    pub(super) books: Vec<Object>,
    /// OIDs of the relations that were read: those that are no chunks.
    pub(super) relations: Vec<u32>,
    /// Those of its relations that the session's role cannot use.
    pub(super) shut: BTreeMap<ObjectKey, Shut>,
}

/// Reads all objects.
pub(super) async fn read(readers: &Readers<'_>, there: &Inventory) -> Result<Read, Error> {
    let client = readers.own.client;
    let session = &readers.own.session;
    let relations = match there.relations.is_empty() {
        true => Vec::new(),
        false => {
            let among: [(&(dyn ToSql + Sync), Type); 2] = [
                (&there.relations, Type::OID_ARRAY),
                (&there.internals, Type::OID_ARRAY),
            ];
            client
                .query_typed(&relations(session, there), &among)
                .await?
        }
    };
    let mut oids: Vec<u32> = Vec::new();
    let mut objects = Vec::new();
    let mut shut = BTreeMap::new();
    for row in &relations {
        oids.push(row.try_get("oid")?);
        let object = row::object(row)?;
        let why = match (row.try_get("schema_shut")?, row.try_get("shut")?) {
            (false, false) => None,
            (true, false) => Some(Shut::Schema),
            (false, true) => Some(Shut::Relation),
            (true, true) => Some(Shut::Both),
        };
        shut.extend(object.as_ref().map(|object| object.key.clone()).zip(why));
        objects.extend(object);
    }
    let own: BTreeSet<(String, String)> = objects
        .iter()
        .filter(|object| object.key.kind == Kind::Table)
        .map(|object| (object.key.schema.clone(), object.key.name.clone()))
        .filter(|(schema, name)| {
            [HISTORY_TABLE, STAMP_TABLE, PROGRESS_TABLE].contains(&(schema.as_str(), name.as_str()))
        })
        .collect();
    // TimescaleDB's internals are no objects, but somebody's trigger on one of them is.
    let acted_on: Vec<u32> = oids.iter().chain(&there.internals).copied().collect();
    let acting: [(&(dyn ToSql + Sync), Type); 1] = [(&acted_on, Type::OID_ARRAY)];
    let behaviour = there.behaviour();
    let lasting = include_str!("sql/lasting.sql").trim_end();
    let with_members =
        |sql: &str| format!("{}{}", there.member(), sql.replace("{lasting}", lasting));
    let routines = with_members(include_str!("sql/routines.sql"));
    let types = with_members(include_str!("sql/types.sql"));
    let schemas = with_members(include_str!("sql/schemas.sql"));
    let others = with_members(include_str!("sql/others.sql"));
    let rare = with_members(include_str!("sql/rare.sql"));
    // Sent at once: one round trip.
    let rows = futures::try_join!(
        of(client, include_str!("sql/columns.sql"), &oids),
        of(client, include_str!("sql/constraints.sql"), &oids),
        of(client, include_str!("sql/indexes.sql"), &oids),
        // Asked where there is no relation as well: it looks at those of extensions and of initdb too.
        client.query_typed(&behaviour, &acting),
        hypertables(client, session, &oids),
        of(client, &types, &there.types),
        client.query_typed(&schemas, &[]),
    )?;
    let (columns, constraints, indexes, behaviour, hypertables, types, schemas) = rows;
    let (routines, others, rare) = futures::try_join!(
        part(client, there, Part::Routines, &routines),
        part(client, there, Part::Others, &others),
        part(client, there, Part::Rare, &rare),
    )?;
    for row in [
        columns,
        constraints,
        indexes,
        behaviour,
        hypertables,
        types,
        schemas,
        routines,
        others,
        rare,
    ]
    .iter()
    .flatten()
    {
        objects.extend(row::object(row)?);
    }
    if there.has(Part::Links) {
        objects.extend(links(readers, there).await?);
    }
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    let (books, objects) = objects.into_iter().partition(|object| is_own(object, &own));
    Ok(Read {
        objects,
        books,
        relations: oids,
        shut,
    })
}

/// Large objects: data, so that they are in no lock, but nobody's who has none in its set either.
pub(super) async fn large(client: &Client) -> Result<Vec<Object>, Error> {
    let rows = client
        .query_typed(include_str!("sql/large_objects.sql"), &[])
        .await?;
    rows.iter()
        .filter_map(|row| row::object(row).transpose())
        .collect()
}

/// Asks about what has these OIDs, if there is anything to ask about.
async fn of(client: &Client, sql: &str, oids: &Vec<u32>) -> Result<Vec<Row>, Error> {
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    client.query_typed(sql, &[(oids, Type::OID_ARRAY)]).await
}

/// Asks about one kind of objects, if there are any.
async fn part(
    client: &Client,
    there: &Inventory,
    part: Part,
    sql: &str,
) -> Result<Vec<Row>, Error> {
    if !there.has(part) {
        return Ok(Vec::new());
    }
    client.query_typed(sql, &[]).await
}

/// The query for relations, with what TimescaleDB's catalog in this database says of chunks.
fn relations(session: &Session, there: &Inventory) -> String {
    let chunk = session.chunks(
        include_str!("sql/chunks_by_relid.sql"),
        include_str!("sql/chunks_by_name.sql"),
    );
    format!(
        "{}, chunk(oid) AS MATERIALIZED (\n{chunk}\n)\n{}",
        there.member().trim_end(),
        there.with_replaced(
            include_str!("sql/relations.sql"),
            include_str!("sql/relations_replaced.sql")
        )
    )
}

async fn hypertables(
    client: &Client,
    session: &Session,
    oids: &Vec<u32>,
) -> Result<Vec<Row>, Error> {
    if session.timescaledb.is_none() {
        return Ok(Vec::new());
    }
    of(client, include_str!("sql/hypertables.sql"), oids).await
}

/// Wrappers, servers, subscriptions: read by the session that sees most of their details.
async fn links(readers: &Readers<'_>, there: &Inventory) -> Result<Vec<Object>, Error> {
    let sql = format!("{}{}", there.member(), include_str!("sql/links.sql"));
    let mut objects = Vec::new();
    for row in readers.widest().query_typed(&sql, &[]).await? {
        objects.extend(row::object(&row)?);
    }
    let subscribed = objects
        .iter()
        .any(|object| object.key.kind == Kind::Subscription);
    if let Some(client) = readers.allowed(|session| session.conninfo)
        && subscribed
    {
        for row in client
            .query_typed(include_str!("sql/conninfo.sql"), &[])
            .await?
        {
            let name: &str = row.try_get("name")?;
            let conninfo: &str = row.try_get("conninfo")?;
            let of_this = |object: &&mut Object| {
                object.key.kind == Kind::Subscription && object.key.name == name
            };
            if let Some(object) = objects.iter_mut().find(of_this) {
                let source = Source::of(conninfo);
                let known = [(HOST, source.host), (DBNAME, source.dbname)];
                object.attributes.extend(
                    known
                        .into_iter()
                        .filter_map(|(name, text)| Some((name.to_owned(), text?))),
                );
            }
        }
    }
    Ok(objects)
}

/// The columns and constraints of dbctl's own tables.
const OWN_PARTS: [(&str, &[&str]); 3] = [
    (
        HISTORY_TABLE.1,
        &[
            "version",
            "name",
            "applied_on",
            "checksum",
            "refinery_schema_history_pkey",
        ],
    ),
    (
        STAMP_TABLE.1,
        &[
            "only_row",
            "service",
            "set_name",
            "stamped_at",
            "identity_pkey",
            "identity_only_row_check",
        ],
    ),
    (
        PROGRESS_TABLE.1,
        &[
            "version",
            "statement",
            "sum",
            "done",
            "indexes",
            "started_at",
            "progress_pkey",
        ],
    ),
];

/// Whether dbctl itself, or refinery for it, made this: the history, the stamp and the progress, each with columns and constraints,
/// and the schema of the latter two. What somebody hangs on them (a column, an index, a trigger, a rule, a policy) is not.
fn is_own(object: &Object, own: &BTreeSet<(String, String)>) -> bool {
    let key = &object.key;
    let of = |table: &str| own.contains(&(key.schema.clone(), table.to_owned()));
    match key.kind {
        Kind::Schema => key.name == STAMP_TABLE.0,
        Kind::Table => of(&key.name),
        Kind::Column | Kind::Constraint => {
            of(&key.parent)
                && OWN_PARTS.iter().any(|(table, parts)| {
                    *table == key.parent && parts.contains(&key.name.as_str())
                })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::is_own;
    use crate::snapshot::{HISTORY_TABLE, Kind, Object, ObjectKey, STAMP_TABLE};

    #[test]
    fn only_what_dbctl_made_is_its_own() {
        let own: BTreeSet<(String, String)> = [HISTORY_TABLE, STAMP_TABLE]
            .map(|(schema, name)| (schema.to_owned(), name.to_owned()))
            .into();
        let is_own = |kind, schema: &str, parent: &str, name: &str| {
            let object = Object {
                key: ObjectKey {
                    schema: schema.to_owned(),
                    parent: parent.to_owned(),
                    kind,
                    name: name.to_owned(),
                    arguments: String::new(),
                },
                owner: None,
                extension: None,
                attributes: BTreeMap::new(),
            };
            is_own(&object, &own)
        };
        let history = HISTORY_TABLE.1;
        assert!(is_own(Kind::Table, "public", "", history));
        let primary = "refinery_schema_history_pkey";
        assert!(is_own(Kind::Constraint, "public", history, primary));
        assert!(is_own(Kind::Column, "dbctl", "identity", "service"));
        assert!(!is_own(Kind::Constraint, "public", history, "x_check"));
        assert!(!is_own(Kind::Column, "dbctl", "identity", "extra"));
        assert!(!is_own(Kind::Index, "public", history, "x_idx"));
        assert!(is_own(Kind::Schema, "", "", "dbctl"));
        assert!(!is_own(Kind::Trigger, "public", history, "spy"));
        assert!(!is_own(Kind::View, "public", "", history));
        assert!(!is_own(Kind::Table, "elsewhere", "", history));
        assert!(!is_own(Kind::Table, "dbctl", "", "other"));
        assert!(!is_own(Kind::Function, "public", "", history));
    }
}
