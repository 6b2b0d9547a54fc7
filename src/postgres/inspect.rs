//! Short read-only looks at a database that need no whole catalog. No statement is prepared by name: behind a pooler another client
//! may have left one of that name.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::Session;
use super::error::describe;
use super::history::{self, Found};
use crate::manifest::Endpoint;
use crate::migration::Name;
use crate::snapshot::{HISTORY_TABLE, History, STAMP_TABLE, Stamp};

/// Whose database it is and what was applied to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// `current_database()`.
    pub database: String,
    /// dbctl's stamp.
    pub stamp: Option<Stamp>,
    /// The migration history.
    pub history: History,
    /// Whether dbctl has ever run a migration statement by statement here: some may be unfinished.
    pub progress: bool,
    /// Why stamp or history cannot be believed, if so.
    pub trouble: Option<String>,
}

/// Reads stamp and history. Works inside and outside a transaction and creates nothing. A reading session behind a pooler begins a new
/// transaction.
///
/// # Errors
/// When a query fails.
pub async fn marks(session: &Session) -> Result<Marks, tokio_postgres::Error> {
    session.begin_reading().await?;
    let row = session
        .client
        .query_typed_one(include_str!("sql/marks.sql"), &[])
        .await?;
    let mut trouble = row.try_get::<_, Option<String>>(4)?.map(|tables| {
        format!("{tables}: row security hides rows from this role, or it is no ordinary table")
    });
    let exists = row.try_get(2)?;
    // What is no table may have no columns either.
    let readable = trouble.is_none() && exists;
    // Sent at once: one round trip.
    let (mut stamps, found) = futures::try_join!(
        stamps(session, row.try_get(1)?),
        history::read(session, readable)
    )?;
    let rows = match found {
        Found::Rows(rows) => rows,
        Found::Misshapen(reason) => {
            trouble.get_or_insert(reason);
            Vec::new()
        }
    };
    if stamps.len() > 1 && trouble.is_none() {
        trouble = Some(format!(
            "dbctl.identity holds {} rows, expected one",
            stamps.len()
        ));
    }
    let named = stamps.len();
    stamps.retain(|stamp| !stamp.service.is_empty());
    if stamps.len() < named && trouble.is_none() {
        trouble = Some(
            "the row of dbctl.identity names no service, so it was edited by hand; UPDATE dbctl.identity SET service = the service's name puts \
             that right"
                .to_owned(),
        );
    }
    Ok(Marks {
        database: row.try_get(0)?,
        stamp: stamps.pop(),
        history: History { exists, rows },
        progress: row.try_get(3)?,
        trouble,
    })
}

/// The rows of the stamp's table, if it is there: one is right.
async fn stamps(session: &Session, exists: bool) -> Result<Vec<Stamp>, tokio_postgres::Error> {
    if !exists {
        return Ok(Vec::new());
    }
    session
        .client
        .query_typed(
            "SELECT service::text, set_name::text FROM dbctl.identity LIMIT 3",
            &[],
        )
        .await?
        .into_iter()
        .map(|row| {
            Ok(Stamp {
                service: row.try_get::<_, Option<String>>(0)?.unwrap_or_default(),
                set: row.try_get::<_, Option<String>>(1)?.unwrap_or_default(),
            })
        })
        .collect()
}

/// Why stamp and history could not be read, and which grants would let this role read them.
#[must_use]
pub fn unreadable(endpoint: &Endpoint, error: &tokio_postgres::Error) -> String {
    let text = format!("{}: {}", endpoint.display(), describe(error));
    if error.code() == Some(&SqlState::UNDEFINED_COLUMN) {
        return format!(
            "{text}; one of dbctl's own tables was altered: give dbctl.identity (service, set_name), dbctl.progress or \
             public.refinery_schema_history (version, name, applied_on, checksum) its columns back"
        );
    }
    if error.code() != Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
        return text;
    }
    let role = plain_or_quoted(&endpoint.user);
    let ((stamp, identity), (public, history)) = (STAMP_TABLE, HISTORY_TABLE);
    format!(
        "{text}; if {role} is the service's own role, {} gives it what is its own or tells whose the database is; a role \
         that is only to look needs GRANT USAGE ON SCHEMA {stamp}, {public} TO {role}; \
         GRANT SELECT ON {stamp}.{identity}, {public}.{history} TO {role}",
        endpoint.provision()
    )
}

/// A name as an operator would write it in SQL.
pub(super) fn plain_or_quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        postgres_protocol::escape::escape_identifier(name)
    }
}

/// Whether anybody has made a relation in the database, an extension included: one query instead of a whole snapshot.
///
/// # Errors
/// When the query fails.
pub async fn has_relations(session: &Session) -> Result<bool, tokio_postgres::Error> {
    session.begin_reading().await?;
    // The server's own have OIDs below FirstNormalObjectId (PostgreSQL documentation, "System Catalog Declarations and Initial Contents").
    session
        .client
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM pg_class WHERE oid >= 16384)",
            &[],
        )
        .await?
        .try_get(0)
}

/// Whether a statement may run what somebody has written: a function of a trigger, a rule, a default or a check can drop or rename any
/// relation. Those of extensions and of the server do not.
///
/// # Errors
/// When the query fails.
pub async fn has_code(session: &Session) -> Result<bool, tokio_postgres::Error> {
    session.begin_reading().await?;
    session
        .client
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM pg_proc p WHERE p.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d \
              WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))",
            &[],
        )
        .await?
        .try_get(0)
}

/// Those of these relations that are not there now. A name without a schema is looked for in `public`, where migrations make it.
///
/// # Errors
/// When the query fails.
pub async fn missing(
    session: &Session,
    names: &[Name],
) -> Result<Vec<Name>, tokio_postgres::Error> {
    session.begin_reading().await?;
    let schemas: Vec<&str> = names
        .iter()
        .map(|name| name.schema.as_deref().unwrap_or("public"))
        .collect();
    let relations: Vec<&str> = names.iter().map(|name| name.name.as_str()).collect();
    let rows = session
        .client
        .query_typed(
            "SELECT (ordinal - 1)::int FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema, relation, ordinal) \
             WHERE NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = schema AND c.relname = relation)",
            &[(&schemas, Type::TEXT_ARRAY), (&relations, Type::TEXT_ARRAY)],
        )
        .await?;
    let mut missing = Vec::new();
    for row in rows {
        let at = usize::try_from(row.try_get::<_, i32>(0)?).ok();
        missing.extend(at.and_then(|at| names.get(at)).cloned());
    }
    Ok(missing)
}

/// The columns of those of these tables that are there, in their order.
///
/// # Errors
/// When the query fails.
pub async fn columns(
    session: &Session,
    names: &[Name],
) -> Result<Vec<(Name, Vec<String>)>, tokio_postgres::Error> {
    session.begin_reading().await?;
    let schemas: Vec<Option<&str>> = names.iter().map(|name| name.schema.as_deref()).collect();
    let tables: Vec<&str> = names.iter().map(|name| name.name.as_str()).collect();
    let rows = session
        .client
        .query_typed(
            "SELECT n.nspname::text, c.relname::text, array_agg(a.attname::text ORDER BY a.attnum) \
             FROM unnest($1::text[], $2::text[]) AS wanted (schema, name) \
             JOIN pg_namespace n ON n.nspname = wanted.schema \
             JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             GROUP BY 1, 2 ORDER BY 1, 2",
            &[(&schemas, Type::TEXT_ARRAY), (&tables, Type::TEXT_ARRAY)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let schema = Some(row.try_get(0)?);
            let name = row.try_get(1)?;
            Ok((Name { schema, name }, row.try_get(2)?))
        })
        .collect()
}

/// What a migration needs of its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Whether the server is a standby.
    pub standby: bool,
    /// Whether the role may create schemas in this database.
    pub may_create: bool,
    /// Whether the role may create tables in schema public; `None` when there is no such schema.
    pub may_create_in_public: Option<bool>,
    /// The server's major version.
    pub major: i32,
    /// Whether the role or the database starts every transaction read-only.
    pub read_only: bool,
    /// Whether TimescaleDB can be created, or is there.
    pub timescaledb_available: bool,
    /// Whether TimescaleDB's library is loaded (`shared_preload_libraries`).
    pub timescaledb_loaded: bool,
    /// Whether databases are made from this one.
    pub template: bool,
}

/// Reads what the server and the role are able to do.
///
/// # Errors
/// When the query fails.
pub async fn abilities(session: &Session) -> Result<Abilities, tokio_postgres::Error> {
    session.begin_reading().await?;
    // shared_preload_libraries itself may be read by superusers only; the library's own settings may be read by everyone.
    let row = session
        .client
        .query_typed_one(
            "SELECT pg_is_in_recovery(), has_database_privilege(current_database(), 'CREATE'), \
             EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb'), \
             EXISTS (SELECT FROM pg_settings WHERE name LIKE 'timescaledb%'), \
             current_setting('server_version_num')::int / 10000, \
             (SELECT reset_val = 'on' FROM pg_settings WHERE name = 'default_transaction_read_only'), \
             (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public'), \
             (SELECT datistemplate FROM pg_database WHERE datname = current_database())",
            &[],
        )
        .await?;
    Ok(Abilities {
        standby: row.try_get(0)?,
        may_create: row.try_get(1)?,
        timescaledb_available: row.try_get(2)?,
        timescaledb_loaded: row.try_get(3)?,
        major: row.try_get(4)?,
        read_only: row.try_get(5)?,
        may_create_in_public: row.try_get(6)?,
        template: row.try_get(7)?,
    })
}

/// Those of dbctl's own tables that are there, as an array of OIDs in SQL. A migration may have set `search_path`: it says where each name is from.
pub(super) const OWN_TABLES: &str = "pg_catalog.array_remove(ARRAY[pg_catalog.to_regclass('dbctl.identity')::oid, \
     pg_catalog.to_regclass('dbctl.progress')::oid, pg_catalog.to_regclass('public.refinery_schema_history')::oid], NULL)";

/// Those of dbctl's own tables that the role cannot write as a migration needs it: to comment on the stamp is its owner's alone.
///
/// # Errors
/// When the query fails.
pub async fn unwritable(session: &Session) -> Result<Option<String>, tokio_postgres::Error> {
    session.begin_reading().await?;
    session
        .client
        .query_typed_one(
            &format!(
                "SELECT string_agg(n.nspname || '.' || c.relname, ', ' ORDER BY n.nspname, c.relname) \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.oid = ANY ({OWN_TABLES}) AND NOT pg_has_role(c.relowner, 'USAGE') \
                 AND (c.relname = 'identity' OR NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') \
                 AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')))"
            ),
            &[],
        )
        .await?
        .try_get(0)
}

/// Why every transaction of this session starts read-only, and what ends that, if so.
#[must_use]
pub fn frozen(abilities: Abilities, endpoint: &Endpoint) -> Option<String> {
    const SETTING: &str = "default_transaction_read_only";
    if !abilities.read_only {
        return None;
    }
    // Options win over what is set for role, database and server; they may be written with dashes (PostgreSQL documentation, "Setting
    // Parameters").
    let options = endpoint.options.as_deref().unwrap_or_default();
    Some(if options.replace('-', "_").contains(SETTING) {
        format!(
            "the URL itself makes every transaction read-only (its options set {SETTING}): take that out of the URL"
        )
    } else {
        format!(
            "every transaction of role {} in this database starts read-only ({SETTING} is on): somebody froze it; ALTER DATABASE, ALTER \
             ROLE or ALTER SYSTEM … RESET {SETTING} ends that",
            endpoint.user
        )
    })
}

/// Whether the error says that a lock was not to be had in time, or that a deadlock was broken: worth another try.
#[must_use]
pub fn is_lock_conflict(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::LOCK_NOT_AVAILABLE || *code == SqlState::T_R_DEADLOCK_DETECTED
    })
}

/// Whether a query names what is not there, or what several are.
pub fn names_nothing(error: &tokio_postgres::Error) -> bool {
    let codes = [
        SqlState::UNDEFINED_FUNCTION,
        SqlState::AMBIGUOUS_FUNCTION,
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_COLUMN,
        SqlState::UNDEFINED_OBJECT,
        SqlState::INVALID_SCHEMA_NAME,
    ];
    error.code().is_some_and(|code| codes.contains(code))
}

/// Why TimescaleDB cannot be used on this server, if it cannot, and what to install.
#[must_use]
pub fn timescaledb_problem(abilities: Abilities) -> Option<String> {
    if !abilities.timescaledb_available {
        return Some(format!(
            "TimescaleDB is not installed on this server: install its package for PostgreSQL {0} (as in postgresql-{0}-timescaledb or \
             timescaledb-2-postgresql-{0}, or use the image timescale/timescaledb), set shared_preload_libraries = 'timescaledb' and restart \
             the server",
            abilities.major
        ));
    }
    (!abilities.timescaledb_loaded).then(|| {
        "TimescaleDB is installed on this server but not loaded: set shared_preload_libraries = 'timescaledb' and restart the server"
            .to_owned()
    })
}
