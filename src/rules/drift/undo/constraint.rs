//! Constraints: dropped and added again in one statement, which looks at every row.

use super::{BY_HAND, Sql, Wanted, definition, names, table_of};
use crate::rules::text::sql_ident;
use crate::snapshot::attributes::{DEFINITION, ENABLED, VALIDATED};
use crate::snapshot::{Change, ObjectKey};

/// `CONSTRAINT name definition`, as the lock has it.
pub(super) fn written(wanted: &Wanted<'_>, key: &ObjectKey) -> Result<String, &'static str> {
    let text = wanted.text(key, DEFINITION)?;
    // What is not so by its own making is somebody's switch.
    if text.is_empty() || !wanted.text(key, ENABLED)?.is_empty() {
        return Err(BY_HAND);
    }
    let late = match wanted.text(key, VALIDATED)? {
        "false" => " NOT VALID",
        _ => "",
    };
    Ok(format!(
        "CONSTRAINT {} {}{late}",
        sql_ident(&key.name),
        definition(text)
    ))
}

pub(super) fn undo(wanted: &Wanted<'_>, key: &ObjectKey, changes: &[&Change]) -> Sql {
    let (table, name) = (table_of(key), sql_ident(&key.name));
    let text = wanted.text(key, DEFINITION)?;
    let is_foreign = text.starts_with("FOREIGN KEY");
    let names = names(changes);
    // A foreign key that was switched off has let rows pass: only one that is made anew has seen them all. What else can be switched off
    // is so in the catalog alone.
    if names.contains(&ENABLED) && !is_foreign {
        return Err(BY_HAND);
    }
    if names == [VALIDATED]
        && wanted.text(key, VALIDATED)?.is_empty()
        && (is_foreign || text.starts_with("CHECK"))
    {
        return Ok(vec![format!(
            "ALTER TABLE {table} VALIDATE CONSTRAINT {name};"
        )]);
    }
    Ok(vec![format!(
        "ALTER TABLE {table} DROP CONSTRAINT {name}, ADD {};",
        written(wanted, key)?
    )])
}
