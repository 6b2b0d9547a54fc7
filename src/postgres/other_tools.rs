//! What another migration tool's history says, and the versions that services keep which migrate themselves.

use postgres_protocol::escape::escape_identifier;
use tokio_postgres::Error;
use tokio_postgres::types::Type;

use super::session::Session;
use crate::migration::other_tools::OtherHistory;

/// What a history holds, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// How many migrations are applied; `None` where the tool does not keep them one by one, or the table cannot be read.
    pub applied: Option<i64>,
    /// The newest one.
    pub newest: Option<String>,
}

/// How to ask one tool's table.
struct Question {
    /// Whether it has a row for each migration.
    counted: bool,
    /// Which rows stand for an applied migration.
    applied: &'static str,
    /// What names one.
    label: &'static str,
    /// What they are ordered by.
    order: &'static str,
}

fn question(tool: &str) -> Option<Question> {
    let (counted, applied, label, order) = match tool {
        "sqlx" => (true, "success", "version || ' ' || description", "version"),
        "Flyway" => (
            true,
            "success",
            "coalesce(version || ' ', '') || description",
            "installed_rank",
        ),
        "Alembic" => (false, "true", "version_num", "version_num"),
        "golang-migrate" => (
            false,
            "true",
            "version || CASE WHEN dirty THEN ' (dirty)' ELSE '' END",
            "version",
        ),
        "Ecto" | "Rails" | "dbmate" | "Diesel" => (true, "true", "version", "version"),
        "Knex" | "node-pg-migrate" => (true, "true", "name", "id"),
        "Prisma" => (
            true,
            "finished_at IS NOT NULL AND rolled_back_at IS NULL",
            "migration_name",
            "finished_at",
        ),
        // A row whose version begins with a dot is Atlas's own.
        "Atlas" => (
            true,
            "applied = total AND version NOT LIKE '.%'",
            "version || ' ' || description",
            "version",
        ),
        "goose" => (true, "is_applied AND version_id > 0", "version_id", "id"),
        "Liquibase" => (true, "true", "id", "orderexecuted"),
        "refinery" => (true, "true", "version || ' ' || name", "version"),
        _ => return None,
    };
    Some(Question {
        counted,
        applied,
        label,
        order,
    })
}

/// Asks these histories, in their order. A table that the role may not read, or that is not as the tool makes it, tells nothing.
///
/// # Errors
/// When the connection breaks.
pub async fn told(session: &Session, histories: &[OtherHistory]) -> Result<Vec<Told>, Error> {
    let mut answers = Vec::new();
    for history in histories {
        answers.push(one(session, history).await?);
    }
    Ok(answers)
}

async fn one(session: &Session, history: &OtherHistory) -> Result<Told, Error> {
    let (schema, table) = (history.schema.as_str(), history.tool.table);
    let Some(question) = question(history.tool.name) else {
        return Ok(Told::default());
    };
    if !readable(session, schema, table).await? {
        return Ok(Told::default());
    }
    let Question {
        applied,
        label,
        order,
        counted,
    } = question;
    let from = format!("{}.{}", escape_identifier(schema), escape_identifier(table));
    let sql = format!(
        "SELECT (SELECT count(*) FROM {from} WHERE {applied}), \
         (SELECT ({label})::text FROM {from} WHERE {applied} ORDER BY {order} DESC LIMIT 1)"
    );
    match session.client.query_typed_one(&sql, &[]).await {
        Ok(row) => Ok(Told {
            applied: counted.then(|| row.try_get(0)).transpose()?,
            newest: row.try_get(1)?,
        }),
        Err(error) if error.as_db_error().is_some() && !session.client.is_closed() => {
            Ok(Told::default())
        }
        Err(error) => Err(error),
    }
}

/// Whether all rows of an ordinary table of this name can be read.
async fn readable(session: &Session, schema: &str, table: &str) -> Result<bool, Error> {
    session
        .client
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r' AND has_schema_privilege(n.oid, 'USAGE') \
             AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid))",
            &[(&schema, Type::TEXT), (&table, Type::TEXT)],
        )
        .await?
        .try_get(0)
}

/// The schema version that a service keeps which migrates itself: the table and the value. simply-kaspa-indexer keeps it in `vars`,
/// K-indexer in `k_vars`.
///
/// # Errors
/// When the connection breaks.
pub async fn own_versions(session: &Session) -> Result<Vec<(&'static str, String)>, Error> {
    let mut found = Vec::new();
    for table in ["vars", "k_vars"] {
        if !readable(session, "public", table).await? {
            continue;
        }
        let sql = format!(
            "SELECT value::text FROM public.{table} WHERE key::text = 'schema_version' LIMIT 1"
        );
        match session.client.query_typed(&sql, &[]).await {
            Ok(rows) => {
                if let Some(row) = rows.first() {
                    let value: Option<String> = row.try_get(0)?;
                    found.push((table, value.unwrap_or_default()));
                }
            }
            // A table of this name with other columns is another table.
            Err(error) if error.as_db_error().is_some() && !session.client.is_closed() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
