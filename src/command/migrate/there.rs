//! What a pending migration would create and somebody has: the migrations before it must not be applied, perhaps for the second time, only for
//! the run to fail then.

use crate::migration::{Migration, Name, creations, statements};
use crate::postgres::{DriverError, Session, inspect};

/// Why the run of these migrations is certain to fail, if it is.
///
/// # Errors
/// When the query fails.
pub(super) async fn there_already(
    session: &Session,
    pending: &[Migration],
    service: &str,
) -> Result<Option<String>, DriverError> {
    let creations = creations(pending);
    // Where somebody has written functions, no statement is certain to leave a relation where it is.
    if creations.is_empty() || inspect::has_code(session).await? {
        return Ok(None);
    }
    let names: Vec<Name> = creations.iter().map(|one| one.name.clone()).collect();
    let missing = inspect::missing(session, &names).await?;
    let there = creations.iter().find(|one| !missing.contains(&one.name));
    Ok(there.map(|one| {
        let all = statements(&one.migration.sql);
        let line = all.get(one.number).map_or(1, |statement| statement.line);
        format!(
            "{}, line {line}: relation {} already exists (SQLSTATE 42P07); nothing was changed; it is there already: somebody made it by hand, \
             another file of the set makes it too, or the history lost a row, which dbctl repair --service {service} proves and mends",
            one.migration.file, one.name
        )
    }))
}
