//! The service's database and its owner.

use postgres_protocol::escape::escape_identifier as identifier;

use super::super::session::Session;
use super::attended::Attended;
use super::{ProvisionError, Step, Wanted, execute, failed, open};
use crate::manifest::Endpoint;

/// A database that is there already, and may be the service's.
pub(super) struct There {
    owner: String,
}

/// Whether the database is there, and nothing says that it is somebody else's.
pub(super) async fn foreign(
    run: Attended<'_>,
    session: &Session,
    wanted: &Wanted,
) -> Result<Option<There>, ProvisionError> {
    let what = format!("database {}", wanted.database);
    let refuse = |reason: String| {
        Err(ProvisionError::Refused(format!(
            "{what} {reason}; nothing was changed"
        )))
    };
    let Some(found) = owner(session, wanted, &what).await? else {
        return Ok(None);
    };
    let (owner, role) = (&found.owner, identifier(&wanted.role));
    if wanted.other_roles.contains(owner) {
        return refuse(format!(
            "is owned by {owner}, the role of another service: check admin_url; if the database is really this service's, CREATE ROLE {role} \
             where there is none, and ALTER DATABASE {} OWNER TO {role}: dbctl verify then names what in it is still {owner}'s",
            identifier(&wanted.database)
        ));
    }
    if found.template {
        return refuse(format!(
            "is a template: every database that is made from it would carry the service's tables; give the service a database of its own, or, \
             if this is it, ALTER DATABASE {} IS_TEMPLATE false",
            identifier(&wanted.database)
        ));
    }
    if !found.connectable {
        return refuse(format!(
            "accepts no connections (ALLOW_CONNECTIONS false), somebody switched it off: ALTER DATABASE {} ALLOW_CONNECTIONS true",
            identifier(&wanted.database)
        ));
    }
    if *owner != wanted.role && !found.by_administrator {
        return refuse(format!(
            "is owned by {owner}, who is neither the service's role {} nor an administrator: if it is really this service's, \
             ALTER DATABASE {} OWNER TO {role}",
            wanted.role,
            identifier(&wanted.database)
        ));
    }
    let inside = Endpoint {
        database: wanted.database.clone(),
        ..run.admin.clone()
    };
    let run = Attended {
        admin: &inside,
        ..run
    };
    let inside = run.looking(open(&inside, session.purpose)).await?;
    let reading = async { stamp(&inside).await.map_err(|error| failed(&what, &error)) };
    let stamp = run.working(&inside, reading).await;
    inside.close().await;
    match stamp? {
        Some(service) if service != wanted.service => refuse(format!(
            "belongs to service {service}, says its stamp in dbctl.identity, not to {}: check admin_url",
            wanted.service
        )),
        _ => Ok(Some(There { owner: found.owner })),
    }
}

/// The service that the database's stamp names. An administrator reads here what a service owns, so nothing of the service's may be
/// evaluated: an ordinary table without heirs, and two columns of a built-in type that are stored as they are.
async fn stamp(session: &Session) -> Result<Option<String>, tokio_postgres::Error> {
    let client = &session.client;
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let plain: bool = client
        .query_one(
            "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = 'dbctl' AND c.relname = 'identity' AND c.relkind = 'r' AND NOT c.relhasrules \
             AND NOT EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid)) \
             AND 2 = (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('service', 'set_name') \
             AND a.atttypid = 'text'::regtype AND a.attgenerated = ''))",
            &[],
        )
        .await?
        .try_get(0)?;
    let service = if plain {
        client
            .query_opt("SELECT service FROM ONLY dbctl.identity LIMIT 1", &[])
            .await?
            .map(|row| row.try_get(0))
            .transpose()?
    } else {
        None
    };
    client.batch_execute("COMMIT").await?;
    Ok(service)
}

pub(super) async fn database(
    session: &Session,
    wanted: &Wanted,
    there: Option<There>,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    let what = format!("database {}", wanted.database);
    let (database, role) = (identifier(&wanted.database), identifier(&wanted.role));
    if let Some(there) = there {
        return take_over(session, wanted, &what, &there.owner, steps).await;
    }
    // Not template1: TimescaleDB's images put the extension there, and whatever else somebody left there would come along.
    let sql = format!("CREATE DATABASE {database} OWNER {role} TEMPLATE template0 ENCODING 'UTF8'");
    execute(session, &what, &sql).await?;
    let done = format!("created, owned by {}", wanted.role);
    steps.push(Step::new(what, done, true));
    Ok(())
}

/// What is known about the database from outside.
struct Found {
    owner: String,
    connectable: bool,
    /// Its owner is a superuser, or who provisions.
    by_administrator: bool,
    /// Databases are made from it.
    template: bool,
}

async fn owner(
    session: &Session,
    wanted: &Wanted,
    what: &str,
) -> Result<Option<Found>, ProvisionError> {
    session
        .client
        .query_opt(
            "SELECT r.rolname::text, d.datallowconn, r.rolsuper OR r.rolname = current_user, d.datistemplate \
             FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = $1",
            &[&wanted.database],
        )
        .await
        .and_then(|row| {
            row.map(|row| {
                Ok(Found {
                    owner: row.try_get(0)?,
                    connectable: row.try_get(1)?,
                    by_administrator: row.try_get(2)?,
                    template: row.try_get(3)?,
                })
            })
            .transpose()
        })
        .map_err(|error| failed(what, &error))
}

/// Makes the service's role the owner of a database that is there.
async fn take_over(
    session: &Session,
    wanted: &Wanted,
    what: &str,
    owner: &str,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    if owner == wanted.role {
        steps.push(Step::new(
            what,
            format!("already there, owned by {owner}"),
            false,
        ));
        return Ok(());
    }
    let (database, role) = (identifier(&wanted.database), identifier(&wanted.role));
    execute(
        session,
        what,
        &format!("ALTER DATABASE {database} OWNER TO {role}"),
    )
    .await?;
    steps.push(Step::new(
        what,
        format!("given to {} (owner until now: {owner})", wanted.role),
        true,
    ));
    Ok(())
}
