//! The database and its schema `public` for the service alone.

use postgres_protocol::escape::escape_identifier as identifier;

use super::super::session::Session;
use super::{ProvisionError, Step, Wanted, execute, failed};

/// Takes the rights on the database from PUBLIC and from the other services' roles.
pub(super) async fn database_privileges(
    session: &Session,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    let what = format!("privileges on database {}", wanted.database);
    let grantees = grantees(
        session,
        &what,
        "SELECT DISTINCT CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee)::text END \
         FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a \
         WHERE d.datname = $1 AND a.grantee <> d.datdba",
        &wanted.database,
        wanted,
    )
    .await?;
    let object = format!("DATABASE {}", identifier(&wanted.database));
    revoke(session, &what, &object, &grantees, steps).await?;
    // Whoever is yet to become the owner gets the old owner's privileges with it.
    let lacks = "SELECT d.datdba = r.oid AND NOT (pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT') \
                 AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CREATE')) \
                 FROM pg_catalog.pg_roles r, pg_catalog.pg_database d WHERE r.rolname = $1 AND d.datname = $2";
    give_back(
        session,
        &what,
        &object,
        lacks,
        &wanted.database,
        wanted,
        steps,
    )
    .await
}

/// Gives schema `public` to the service alone.
pub(super) async fn schema_privileges(
    session: &Session,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    let what = format!("schema public in {}", wanted.database);
    let owner: Option<String> = session
        .client
        .query_opt(
            "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'public'",
            &[],
        )
        .await
        .and_then(|row| row.map(|row| row.try_get(0)).transpose())
        .map_err(|error| failed(&what, &error))?;
    let role = identifier(&wanted.role);
    match owner.as_deref() {
        None => {
            execute(
                session,
                &what,
                &format!("CREATE SCHEMA public AUTHORIZATION {role}"),
            )
            .await?;
            steps.push(Step::new(&what, "created", true));
        }
        // PostgreSQL 15 and newer: the owner of the database owns the schema through this role.
        Some("pg_database_owner") => {}
        Some(owner) if owner == wanted.role => {}
        Some(owner) => {
            let done = format!("given to {} (owner until now: {owner})", wanted.role);
            execute(
                session,
                &what,
                &format!("ALTER SCHEMA public OWNER TO {role}"),
            )
            .await?;
            steps.push(Step::new(&what, done, true));
        }
    }
    let what = format!("privileges on schema public in {}", wanted.database);
    let grantees = grantees(
        session,
        &what,
        "SELECT DISTINCT CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee)::text END \
         FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a \
         WHERE n.nspname = $1 AND a.grantee <> n.nspowner",
        "public",
        wanted,
    )
    .await?;
    revoke(session, &what, "SCHEMA public", &grantees, steps).await?;
    let lacks = "SELECT n.nspowner IN (r.oid, 'pg_database_owner'::pg_catalog.regrole) \
                 AND EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database() AND d.datdba = r.oid) \
                 AND NOT (pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE') \
                 AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE')) \
                 FROM pg_catalog.pg_roles r, pg_catalog.pg_namespace n WHERE r.rolname = $1 AND n.nspname = $2";
    give_back(
        session,
        &what,
        "SCHEMA public",
        lacks,
        "public",
        wanted,
        steps,
    )
    .await
}

/// What would be revoked and given in a database that is yet to be made. A new database has the privileges that are built in; its schema
/// public is that of `template0`, into which nobody can look, so what initdb makes there is taken for what is there.
pub(super) async fn unmade_privileges(
    session: &Session,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    let database = &wanted.database;
    let what = format!("privileges on database {database}");
    steps.push(Step::new(what, "revoked from PUBLIC", true));
    // Before PostgreSQL 15 the role that initdb made owns it; since then pg_database_owner does.
    let what = format!("schema public in {database}");
    let owner: Option<String> = session
        .client
        .query_opt(
            "SELECT rolname::text FROM pg_roles WHERE oid = 10 AND current_setting('server_version_num')::int < 150000",
            &[],
        )
        .await
        .and_then(|row| row.map(|row| row.try_get(0)).transpose())
        .map_err(|error| failed(&what, &error))?;
    if let Some(owner) = owner.filter(|owner| *owner != wanted.role) {
        let done = format!("given to {} (owner until now: {owner})", wanted.role);
        steps.push(Step::new(what, done, true));
    }
    let what = format!("privileges on schema public in {database}");
    let done = "revoked from PUBLIC, where template0, which lets nobody look, is as initdb made it";
    steps.push(Step::new(what, done, true));
    Ok(())
}

/// The grantees of an object that must have no right on it: PUBLIC (an empty name) and the other services' roles.
async fn grantees(
    session: &Session,
    what: &str,
    query: &str,
    object: &str,
    wanted: &Wanted,
) -> Result<Vec<String>, ProvisionError> {
    let rows = session
        .client
        .query(query, &[&object])
        .await
        .map_err(|error| failed(what, &error))?;
    let mut found = Vec::new();
    for row in rows {
        let grantee: String = row.try_get(0).map_err(|error| failed(what, &error))?;
        if grantee.is_empty() || wanted.other_roles.contains(&grantee) {
            found.push(grantee);
        }
    }
    Ok(found)
}

/// Gives the service's role what it needs and lacks: even an owner can lose the privileges on what it owns (PostgreSQL
/// documentation, "Privileges").
async fn give_back(
    session: &Session,
    what: &str,
    object: &str,
    lacks: &str,
    name: &str,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    // A role that is yet to be made has no row, and will be the owner.
    let lacks: Option<bool> = session
        .client
        .query_opt(lacks, &[&wanted.role, &name])
        .await
        .and_then(|row| row.map(|row| row.try_get(0)).transpose())
        .map_err(|error| failed(what, &error))?;
    if lacks == Some(true) {
        let role = identifier(&wanted.role);
        execute(session, what, &format!("GRANT ALL ON {object} TO {role}")).await?;
        let done = format!("given back to {}", wanted.role);
        steps.push(Step::new(what, done, true));
    }
    Ok(())
}

async fn revoke(
    session: &Session,
    what: &str,
    object: &str,
    grantees: &[String],
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    if grantees.is_empty() {
        let done = "already closed to PUBLIC and to other services";
        steps.push(Step::new(what, done, false));
    }
    for grantee in grantees {
        let (name, shown) = if grantee.is_empty() {
            ("PUBLIC".to_owned(), "PUBLIC")
        } else {
            (identifier(grantee), grantee.as_str())
        };
        execute(
            session,
            what,
            &format!("REVOKE ALL ON {object} FROM {name}"),
        )
        .await?;
        steps.push(Step::new(what, format!("revoked from {shown}"), true));
    }
    Ok(())
}
