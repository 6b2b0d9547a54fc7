//! Snapshots for tests.

use std::collections::BTreeMap;

use super::{
    Access, Fact, Gap, History, Identity, Kind, Object, ObjectKey, Privileges, Server, Snapshot,
    State,
};

/// An object; `path` is `schema.parent.name` or `schema.name`.
pub(super) fn object(kind: Kind, path: [&str; 3], attributes: &[(&str, &str)]) -> Object {
    let [schema, parent, name] = path.map(str::to_owned);
    Object {
        key: ObjectKey {
            schema,
            parent,
            kind,
            name,
            arguments: String::new(),
        },
        owner: Some("somebody".to_owned()),
        extension: None,
        attributes: attributes
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
    }
}

/// A table with a column, a constraint, an index, and a view over it.
pub(super) fn posts() -> Vec<Object> {
    vec![
        object(Kind::Table, ["public", "", "posts"], &[]),
        object(
            Kind::Column,
            ["public", "posts", "id"],
            &[
                ("type", "bigint"),
                ("not_null", "true"),
                ("identity", "always"),
            ],
        ),
        object(
            Kind::Constraint,
            ["public", "posts", "posts_pkey"],
            &[("definition", "PRIMARY KEY (id, \"time\")")],
        ),
        object(
            Kind::Index,
            ["public", "posts", "posts_idx"],
            &[(
                "definition",
                "CREATE INDEX posts_idx ON public.posts USING btree (id)",
            )],
        ),
        object(
            Kind::Hypertable,
            ["public", "posts", "posts"],
            &[("time_column", "time"), ("chunk_interval", "6 hours")],
        ),
        object(
            Kind::View,
            ["public", "", "totals"],
            &[("definition", " SELECT posts.id\n   FROM public.posts;")],
        ),
    ]
}

/// A snapshot of nothing but objects.
pub(super) fn snapshot(major: u32, mut objects: Vec<Object>) -> Snapshot {
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    Snapshot {
        server: Server {
            version_num: major * 10_000,
            version: major.to_string(),
            standby: false,
            timescaledb: None,
            timescaledb_license: None,
        },
        identity: Identity {
            database: String::new(),
            session_user: String::new(),
            current_user: String::new(),
            system_identifier: Fact::Unknown(Gap::new("a test")),
            database_oid: 0,
            stamp: Fact::Known(None),
            marked: None,
        },
        objects,
        shut: BTreeMap::new(),
        history: Fact::Known(History::default()),
        access: Access {
            database_owner: String::new(),
            public_connect: false,
            public_database: Vec::new(),
            database_grants: Vec::new(),
            public_schema_owner: "pg_database_owner".to_owned(),
            given: BTreeMap::new(),
            public_schema: Vec::new(),
            roles: Vec::new(),
            databases: Vec::new(),
            database_owners: Vec::new(),
            hba: Fact::Known(Vec::new()),
            ident: Fact::Known(Vec::new()),
        },
        privileges: Fact::Known(Privileges::default()),
        state: State::default(),
        links: super::Links::default(),
    }
}
