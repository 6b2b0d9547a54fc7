//! What migrate and rollback ask of a database before they write: is it this service's, and does its history fit the set?

use crate::migration::guard::{self, Party};
use crate::postgres::inspect::Marks;

/// Why the database is not to be written to, as far as its name, its stamp and its history tell.
pub(super) fn refused_by_marks(
    own: Party<'_>,
    others: &[Party<'_>],
    marks: &Marks,
) -> Option<String> {
    if let Some(reason) = guard::wrong_database(own, others, &marks.database) {
        return Some(reason);
    }
    if let Some(trouble) = &marks.trouble {
        return Some(format!(
            "database {}: it cannot be told whose it is and what was applied: {trouble}",
            marks.database
        ));
    }
    guard::marked(
        own,
        others,
        &marks.database,
        marks.stamp.as_ref(),
        &marks.history,
    )
}
