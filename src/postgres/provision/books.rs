//! What dbctl keeps in a service's database: it belongs to the service's role, whoever made it.

use postgres_protocol::escape::escape_identifier as identifier;

use super::super::session::Session;
use super::{ProvisionError, Step, Wanted, execute, failed};

/// Gives schema `dbctl`, its tables and the history to the service's role where an administrator has made them: a run with a
/// superuser's URL leaves them so, and the role could not go on.
pub(super) async fn books(
    session: &Session,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    let what = format!("dbctl's tables in {}", wanted.database);
    let rows = session
        .client
        .query(
            "WITH book AS ( \
             SELECT 'SCHEMA dbctl' AS object, nspowner AS owner FROM pg_namespace WHERE nspname = 'dbctl' \
             UNION ALL \
             SELECT 'TABLE ' || n.nspname || '.' || c.relname, c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind = 'r' AND (n.nspname, c.relname) IN (('dbctl', 'identity'), ('dbctl', 'progress'), ('public', 'refinery_schema_history'))) \
             SELECT b.object::text, r.rolname::text, r.rolsuper OR r.rolname = current_user FROM book b JOIN pg_roles r ON r.oid = b.owner \
             WHERE r.rolname <> $1 ORDER BY b.object",
            &[&wanted.role],
        )
        .await
        .map_err(|error| failed(&what, &error))?;
    for row in rows {
        let name = |column: usize| row.try_get::<_, String>(column);
        let read = || -> Result<_, tokio_postgres::Error> {
            Ok((name(0)?, name(1)?, row.try_get::<_, bool>(2)?))
        };
        let (object, owner, by_administrator) = read().map_err(|error| failed(&what, &error))?;
        let sql = format!("ALTER {object} OWNER TO {}", identifier(&wanted.role));
        let about = format!("{object} in {}", wanted.database);
        if by_administrator {
            execute(session, &what, &sql).await?;
            let done = format!("given to {} (owner until now: {owner})", wanted.role);
            steps.push(Step::new(about, done, true));
        } else {
            // Somebody's own is not taken unasked.
            let done = format!(
                "is owned by {owner}, so {} cannot migrate: {sql}; dbctl verify names what else is {owner}'s",
                wanted.role
            );
            steps.push(Step {
                warning: true,
                ..Step::new(about, done, false)
            });
        }
    }
    Ok(())
}
