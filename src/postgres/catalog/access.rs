//! Who may do what: privileges on the database and on schema `public`, roles, databases, `pg_hba.conf`.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Error};

use super::guarded::role;
use super::{Readers, denied};
use crate::snapshot::privileges::Given;
use crate::snapshot::{Access, Fact, Gap, HbaLine, IdentLine, Role};

/// Reads it.
pub(super) async fn read(readers: &Readers<'_>) -> Result<Access, Error> {
    let client = readers.own.client;
    let (grants, roles, databases) = futures::try_join!(
        client.query_typed(include_str!("sql/grants.sql"), &[]),
        client.query_typed(include_str!("sql/roles.sql"), &[]),
        client.query_typed(include_str!("sql/databases.sql"), &[]),
    )?;
    let (hba, ident) = hba(readers).await?;
    let mut access = Access {
        database_owner: String::new(),
        public_connect: false,
        public_database: Vec::new(),
        database_grants: Vec::new(),
        public_schema_owner: String::new(),
        public_schema: Vec::new(),
        given: BTreeMap::new(),
        roles: Vec::new(),
        databases: Vec::new(),
        database_owners: Vec::new(),
        hba,
        ident,
    };
    for row in &grants {
        let on_database = row.try_get::<_, &str>("object")? == "database";
        let owner = row.try_get("owner")?;
        if on_database {
            access.database_owner = owner;
        } else {
            access.public_schema_owner = owner;
        }
        // An ACL without any entry still has a row here, for the owner's sake.
        let (Some(grantee), Some(privilege)) = (
            row.try_get::<_, Option<String>>("grantee")?,
            row.try_get::<_, Option<String>>("privilege")?,
        ) else {
            continue;
        };
        if row.try_get("to_owner")? {
            continue;
        }
        let given = access.given.entry((on_database, grantee.clone()));
        let given = given.or_insert_with(|| Given {
            by_others_alone: true,
            ..Given::default()
        });
        match row.try_get::<_, Option<String>>("grantor")? {
            Some(grantor) if given.grantors.contains(&grantor) => {}
            Some(grantor) => given.grantors.push(grantor),
            None => given.by_others_alone = false,
        }
        given.grantable |= row.try_get::<_, bool>("grantable")?;
        let add = |list: &mut Vec<(String, String)>, pair| {
            if !list.contains(&pair) {
                list.push(pair);
            }
        };
        match (on_database, row.try_get("to_public")?) {
            (true, true) if privilege == "CONNECT" => access.public_connect = true,
            (true, true) if access.public_database.contains(&privilege) => {}
            (true, true) => access.public_database.push(privilege),
            (true, false) => add(&mut access.database_grants, (grantee, privilege)),
            (false, _) => add(&mut access.public_schema, (grantee, privilege)),
        }
    }
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &roles {
        groups.insert(row.try_get("name")?, row.try_get("groups")?);
    }
    for row in &roles {
        if !row.try_get::<_, bool>("login")? {
            continue;
        }
        let name: String = row.try_get("name")?;
        access.roles.push(Role {
            member_of: all_groups(&name, &groups),
            name,
            superuser: row.try_get("superuser")?,
            createdb: row.try_get("createdb")?,
            createrole: row.try_get("createrole")?,
            replication: row.try_get("replication")?,
            bypassrls: row.try_get("bypassrls")?,
        });
    }
    for row in &databases {
        access.databases.push(row.try_get("name")?);
        access.database_owners.push(row.try_get("owner")?);
    }
    Ok(access)
}

/// All groups that a role is a member of, directly or through others.
fn all_groups(role: &str, groups: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut all: BTreeSet<&str> = BTreeSet::new();
    let mut ahead = vec![role];
    while let Some(member) = ahead.pop() {
        for group in groups.get(member).into_iter().flatten() {
            if all.insert(group) {
                ahead.push(group);
            }
        }
    }
    all.into_iter().map(str::to_owned).collect()
}

/// The lines of `pg_hba.conf`, and those of `pg_ident.conf` if one of them has a map.
async fn hba(readers: &Readers<'_>) -> Result<(Fact<Vec<HbaLine>>, Fact<Vec<IdentLine>>), Error> {
    let own = &readers.own.session;
    let Some(client) = readers.allowed(|session| session.hba_function && session.hba_view) else {
        let role = role(readers);
        let mut grants = Vec::new();
        if !own.hba_function {
            grants.push(format!(
                "GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO {role}"
            ));
        }
        if !own.hba_view {
            grants.push(format!(
                "GRANT SELECT ON pg_catalog.pg_hba_file_rules TO {role}"
            ));
        }
        let reason = if own.hba_view {
            "permission denied for function pg_hba_file_rules"
        } else {
            "permission denied for view pg_hba_file_rules"
        };
        // Without these lines nobody asks for those.
        return Ok((denied(reason, &grants.join("; ")), Fact::Known(Vec::new())));
    };
    let mut lines = Vec::new();
    let mut mappings = None;
    for row in client
        .query_typed(include_str!("sql/hba.sql"), &[])
        .await?
        .iter()
    {
        mappings = row.try_get("mappings")?;
        lines.push(HbaLine {
            line: row.try_get("line")?,
            kind: row.try_get("kind")?,
            databases: row.try_get("databases")?,
            roles: row.try_get("roles")?,
            address: row.try_get("address")?,
            method: row.try_get("method")?,
            here: row.try_get("here")?,
            meant: row.try_get("meant")?,
            map: row.try_get("map")?,
        });
    }
    let ident = match mappings {
        _ if lines.iter().all(|line| line.map.is_empty()) => Fact::Known(Vec::new()),
        Some(true) => Fact::Known(ident(client).await?),
        Some(false) => denied(
            "permission denied for view pg_ident_file_mappings",
            &format!(
                "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ident_file_mappings() TO {role}; GRANT SELECT ON pg_catalog.pg_ident_file_mappings TO {role}",
                role = role(readers)
            ),
        ),
        None => Fact::Unknown(Gap {
            reason: "pg_ident.conf cannot be read through a server older than PostgreSQL 15".to_owned(),
            remedy: Some("read the maps that pg_hba.conf names (map=) in the file itself, and accept the gap with an [[allow]] entry".to_owned()),
        }),
    };
    Ok((Fact::Known(lines), ident))
}

async fn ident(client: &Client) -> Result<Vec<IdentLine>, Error> {
    let mut lines = Vec::new();
    for row in client
        .query_typed(include_str!("sql/ident.sql"), &[])
        .await?
        .iter()
    {
        lines.push(IdentLine {
            line: row.try_get("line")?,
            map: row.try_get("map")?,
            system: row.try_get("system")?,
            role: row.try_get("role")?,
            error: row.try_get("error")?,
            meant: row.try_get("meant")?,
        });
    }
    Ok(lines)
}
