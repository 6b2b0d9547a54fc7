//! Who may do what beyond entering: everything that [`Privileges`] holds, in one round trip of a few queries.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::guarded::role;
use super::inventory::Inventory;
use super::{Readers, denied};
use crate::snapshot::privileges::{
    DefaultGrant, Given, Grant, Membership, On, Origin, Owned, OwnedElsewhere, ParameterGrant,
    PasswordKind, Passwords, RoleFacts, RoleSetting, Securable, Standby, Tablespace,
};
use crate::snapshot::{CommonContent, Fact, Gap, Kind, Outside, Privileges};

const MEMBER: &str = include_str!("sql/member.sql");
const NO_INTERNALS: &str = "SELECT NULL::oid, NULL::aclitem[] WHERE false";
const NO_PARAMETERS: &str =
    "SELECT '' AS parameter, NULL::text AS grantee, NULL::text[] AS privileges WHERE false";
/// The role whose password must be a SCRAM verifier: it logged in by one (PostgreSQL 16, "System Information Functions").
const PROVED: &str =
    "SELECT CASE WHEN system_user LIKE 'scram-sha-256:%' THEN session_user::text END AS role";

/// Reads them. `relations` are the OIDs of the relations that are no chunks.
pub(super) async fn read(
    readers: &Readers<'_>,
    relations: &[u32],
    there: &Inventory,
) -> Result<Fact<Privileges>, Error> {
    let readable = Readable::of_each(readers).await?;
    let Some(client) = readable
        .iter()
        .find(|session| session.missing.is_empty())
        .map(|session| session.client)
    else {
        let role = role(readers);
        let missing = readable.first().map_or(&[][..], |own| &own.missing);
        let grants: Vec<String> = missing
            .iter()
            .map(|grant| format!("GRANT {grant} TO {role}"))
            .collect();
        return Ok(denied(
            format!(
                "permission denied: role {role} has no {}",
                missing.join(", ")
            ),
            &grants.join("; "),
        ));
    };
    let parameters = if readers.own.session.version_num >= 150_000 {
        include_str!("sql/privileges/parameters.sql")
    } else {
        NO_PARAMETERS
    };
    let relations = relations.to_vec();
    let internals = match there.internals.is_empty() {
        true => NO_INTERNALS,
        false => include_str!("sql/privileges/internals.sql").trim_end(),
    };
    let objects = on_objects(there.member(), internals);
    let asked: [(&(dyn ToSql + Sync), Type); 3] = [
        (&relations, Type::OID_ARRAY),
        (&there.relations, Type::OID_ARRAY),
        (&there.granted_types, Type::OID_ARRAY),
    ];
    // Sent at once: one round trip.
    let (objects, owned, large_objects, open_definers) = futures::try_join!(
        client.query_typed(&objects, &asked),
        client.query_typed(include_str!("sql/privileges/owned.sql"), &[]),
        client.query_typed(include_str!("sql/privileges/large_objects.sql"), &[]),
        client.query_typed(include_str!("sql/privileges/open_definers.sql"), &[]),
    )?;
    let (defaults, elsewhere, settings, tablespaces, parameters) = futures::try_join!(
        client.query_typed(include_str!("sql/privileges/defaults.sql"), &[]),
        client.query_typed(include_str!("sql/privileges/owned_elsewhere.sql"), &[]),
        client.query_typed(include_str!("sql/privileges/settings.sql"), &[]),
        client.query_typed(include_str!("sql/privileges/tablespaces.sql"), &[]),
        client.query_typed(parameters, &[]),
    )?;
    let (roles, memberships, present, standbys) = futures::try_join!(
        client.query_typed(include_str!("sql/privileges/roles.sql"), &[]),
        client.query_typed(include_str!("sql/privileges/memberships.sql"), &[]),
        client.query_typed(include_str!("sql/privileges/present.sql"), &[]),
        client.query_typed(include_str!("sql/privileges/standbys.sql"), &[]),
    )?;
    let chunks = on_chunks(readers, client, &relations).await?;
    let (chunks_granted, chunks_owned): (Vec<&Row>, Vec<&Row>) = chunks
        .iter()
        .partition(|row| matches!(row.try_get("fact"), Ok("privilege")));
    let mut privileges = Privileges {
        grants: all(
            objects.iter().chain(chunks_granted).chain(&large_objects),
            grant,
        )?,
        open_definers: all(&open_definers, routine)?,
        default_grants: all(&defaults, default_grant)?,
        owned: all(chunks_owned.into_iter().chain(&owned), owner)?,
        owned_elsewhere: all(&elsewhere, owned_elsewhere)?,
        roles: all(&roles, role_facts)?,
        memberships: all(&memberships, membership)?,
        settings: all(&settings, setting)?,
        tablespaces: all(&tablespaces, tablespace)?,
        parameters: all(&parameters, parameter)?,
        template: false,
        sessions: Vec::new(),
        standbys: all(&standbys, standby)?,
        passwords: passwords(readers, &readable).await?,
    };
    for row in &present {
        privileges.template = row.try_get("template")?;
        let (Some(role), Some(sessions)) = (
            row.try_get::<_, Option<String>>("role")?,
            row.try_get::<_, Option<i64>>("sessions")?,
        ) else {
            continue;
        };
        privileges.sessions.push((role, sessions.unsigned_abs()));
    }
    Ok(Fact::Known(privileges))
}

/// Reads who was given what in a database that belongs to no service: on what is in every database, and on what is yet to be made.
/// Who owns the database is asked in any case, the rest only where somebody has `touched` the catalogs.
pub(super) async fn read_common(client: &Client, touched: bool) -> Result<CommonContent, Error> {
    let objects = on_objects(MEMBER, NO_INTERNALS);
    let none: Vec<u32> = Vec::new();
    let nothing_made: [(&(dyn ToSql + Sync), Type); 3] = [
        (&none, Type::OID_ARRAY),
        (&none, Type::OID_ARRAY),
        (&none, Type::OID_ARRAY),
    ];
    let given = async {
        if !touched {
            return Ok((Vec::new(), Vec::new()));
        }
        futures::try_join!(
            client.query_typed(&objects, &nothing_made),
            client.query_typed(include_str!("sql/privileges/defaults.sql"), &[]),
        )
    };
    let (database, (objects, defaults)) = futures::try_join!(
        client.query_typed_one(include_str!("sql/common_grants.sql"), &[]),
        given,
    )?;
    let grants: Vec<Grant> = all(&objects, grant)?;
    Ok(CommonContent {
        owner: database.try_get("owner")?,
        creators: database.try_get("creators")?,
        template0_open: database.try_get("template0_open")?,
        template0_owner: database.try_get("template0_owner")?,
        grants: grants.into_iter().filter(is_everywhere).collect(),
        default_grants: all(&defaults, default_grant)?,
        ..CommonContent::default()
    })
}

/// The query for privileges on objects.
fn on_objects(member: &str, internals: &str) -> String {
    let age = include_str!("sql/initdb_age.sql").trim_end();
    let member = if member.starts_with(age) {
        member.to_owned()
    } else {
        // One more of the same WITH.
        format!("{age}, {}", member.replacen("WITH ", "", 1))
    };
    format!(
        "{}\n{}{}",
        member.trim_end(),
        include_str!("sql/initdb_stock.sql"),
        include_str!("sql/privileges/objects.sql").replace("{internals}", internals)
    )
}

/// Whether a privilege is on what every database has; what somebody made is told as an object.
fn is_everywhere(grant: &Grant) -> bool {
    grant.origin != Origin::Made
        || grant.object.on == On::Object(Kind::Schema)
            && grant.object.name == "public"
            // PUBLIC has USAGE from the start.
            && grant.privileges != ["USAGE"]
}

/// What one session may read.
struct Readable<'a> {
    client: &'a Client,
    /// Privileges that are missing.
    missing: Vec<String>,
    /// Whether it may read how passwords are stored.
    passwords: bool,
}

impl<'a> Readable<'a> {
    /// Asks each session, the service's own first.
    async fn of_each(readers: &Readers<'a>) -> Result<Vec<Self>, Error> {
        let mut each = Vec::new();
        for reader in std::iter::once(&readers.own).chain(&readers.admin) {
            let client = reader.client;
            let row = client
                .query_typed_one(include_str!("sql/privileges/readable.sql"), &[])
                .await?;
            each.push(Self {
                client,
                missing: row.try_get("missing")?,
                passwords: row.try_get("passwords")?,
            });
        }
        Ok(each)
    }
}

/// Asks about chunks with privileges or owners of their own, if there may be any.
async fn on_chunks(
    readers: &Readers<'_>,
    client: &Client,
    relations: &Vec<u32>,
) -> Result<Vec<Row>, Error> {
    let known = readers.look.get().is_some_and(|look| look.granted);
    if readers.own.session.timescaledb.is_some() && !known {
        let columns = client
            .query_typed_one(include_str!("sql/privileges/chunk_columns.sql"), &[])
            .await?;
        if !columns.try_get::<_, bool>("granted")? && !readers.look().await?.granted {
            return Ok(Vec::new());
        }
    }
    client
        .query_typed(
            include_str!("sql/privileges/chunks.sql"),
            &[(relations, Type::OID_ARRAY)],
        )
        .await
}

fn all<'r, T>(
    rows: impl IntoIterator<Item = &'r Row>,
    read: fn(&Row) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    rows.into_iter().map(read).collect()
}

/// How passwords are stored: the table for whoever may read it, and what the log-in itself proves.
async fn passwords(readers: &Readers<'_>, readable: &[Readable<'_>]) -> Result<Passwords, Error> {
    let own = &readers.own;
    let proved = if own.session.version_num >= 160_000 {
        own.client
            .query_typed_one(PROVED, &[])
            .await?
            .try_get("role")?
    } else {
        None
    };
    if let Some(session) = readable.iter().find(|session| session.passwords) {
        let rows = session
            .client
            .query_typed(include_str!("sql/privileges/passwords.sql"), &[])
            .await?;
        return Ok(Passwords {
            stored: Fact::Known(all(&rows, password)?),
            proved,
        });
    }
    Ok(Passwords {
        stored: Fact::Unknown(Gap {
            reason: "permission denied for table pg_authid".to_owned(),
            // No grant is named: it would show every role's verifier.
            remedy: Some(
                "set admin_url: only a superuser reads how passwords are stored".to_owned(),
            ),
        }),
        proved,
    })
}

/// What an administrator sees of this database and of roles' passwords from another database.
pub(super) async fn outside(client: &Client, database: &str) -> Result<Outside, Error> {
    let row = client
        .query_typed_one(
            include_str!("sql/privileges/outside.sql"),
            &[(&database, Type::TEXT)],
        )
        .await?;
    let stored = match row.try_get("readable")? {
        true => {
            let passwords = include_str!("sql/privileges/passwords.sql");
            all(&client.query_typed(passwords, &[]).await?, password)?
        }
        false => Vec::new(),
    };
    Ok(Outside {
        owner: row.try_get("owner")?,
        stored,
    })
}

fn password(row: &Row) -> Result<(String, PasswordKind), Error> {
    let kind = match row.try_get("kind")? {
        "none" => PasswordKind::None,
        "md5" => PasswordKind::Md5,
        _ => PasswordKind::Scram,
    };
    Ok((row.try_get("name")?, kind))
}

fn securable(row: &Row) -> Result<Securable, Error> {
    Ok(Securable {
        on: On::from_name(row.try_get("kind")?),
        schema: row.try_get("schema")?,
        parent: row.try_get("parent")?,
        name: row.try_get("name")?,
        arguments: String::new(),
    })
}

fn routine(row: &Row) -> Result<Securable, Error> {
    Ok(Securable {
        arguments: row.try_get("arguments")?,
        ..securable(row)?
    })
}

fn grant(row: &Row) -> Result<Grant, Error> {
    let extension: Option<String> = row.try_get("extension")?;
    Ok(Grant {
        object: routine(row)?,
        origin: match (row.try_get("origin")?, extension) {
            ("extension", Some(extension)) => Origin::Extension(extension),
            ("system", _) => Origin::System,
            _ => Origin::Made,
        },
        owner: row.try_get("owner")?,
        grantee: row.try_get("grantee")?,
        grantor: row.try_get("grantor")?,
        privileges: row.try_get("privileges")?,
        grantable: row.try_get("grantable")?,
        more: row.try_get::<_, i64>("more")?.unsigned_abs(),
    })
}

fn default_grant(row: &Row) -> Result<DefaultGrant, Error> {
    Ok(DefaultGrant {
        role: row.try_get("role")?,
        schema: row.try_get("schema")?,
        objects: row.try_get("objects")?,
        grantee: row.try_get("grantee")?,
        privileges: row.try_get("privileges")?,
    })
}

fn owner(row: &Row) -> Result<Owned, Error> {
    Ok(Owned {
        object: securable(row)?,
        owner: row.try_get("owner")?,
        more: row.try_get::<_, i64>("more")?.unsigned_abs(),
    })
}

fn owned_elsewhere(row: &Row) -> Result<OwnedElsewhere, Error> {
    Ok(OwnedElsewhere {
        role: row.try_get("role")?,
        database: row.try_get("database")?,
        database_owner: row.try_get("database_owner")?,
        objects: row.try_get::<_, i64>("objects")?.unsigned_abs(),
    })
}

fn role_facts(row: &Row) -> Result<RoleFacts, Error> {
    Ok(RoleFacts {
        name: row.try_get("name")?,
        login: row.try_get("login")?,
        powers: row.try_get("powers")?,
    })
}

fn membership(row: &Row) -> Result<Membership, Error> {
    Ok(Membership {
        group: row.try_get("group")?,
        member: row.try_get("member")?,
        inherit: row.try_get("inherit")?,
        set: row.try_get("set")?,
        admin: row.try_get("admin")?,
        given: given(row, false)?,
    })
}

fn setting(row: &Row) -> Result<RoleSetting, Error> {
    Ok(RoleSetting {
        role: row.try_get("role")?,
        here: row.try_get("here")?,
        name: row.try_get("name")?,
        value: row.try_get("value")?,
    })
}

fn tablespace(row: &Row) -> Result<Tablespace, Error> {
    Ok(Tablespace {
        name: row.try_get("name")?,
        owner: row.try_get("owner")?,
        made: row.try_get("made")?,
        databases: row.try_get("databases")?,
        grantees: row.try_get("grantees")?,
    })
}

fn parameter(row: &Row) -> Result<ParameterGrant, Error> {
    Ok(ParameterGrant {
        parameter: row.try_get("parameter")?,
        grantee: row.try_get("grantee")?,
        privileges: row.try_get("privileges")?,
        given: given(row, row.try_get("grantable")?)?,
    })
}

fn given(row: &Row, grantable: bool) -> Result<Given, Error> {
    Ok(Given {
        grantors: row.try_get("grantors")?,
        by_others_alone: !row.try_get::<_, bool>("plain")?,
        grantable,
    })
}

fn standby(row: &Row) -> Result<Standby, Error> {
    Ok(Standby {
        name: row.try_get("name")?,
        role: row.try_get("role")?,
    })
}
