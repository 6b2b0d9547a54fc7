//! A database that a newer release of the set has migrated.

use super::changed::CHANGED_OBJECT;
use super::missing::MISSING_OBJECT;
use super::plan;
use super::unknown::UNKNOWN_OBJECT;
use crate::migration::Ahead;
use crate::report::verify::Found;
use crate::rules::Case;
use crate::rules::bleed::foreign_row;

/// How far the database is ahead of its set, if nothing else is wrong with its history.
pub(super) fn ahead(case: &Case<'_>) -> Option<Ahead> {
    let plan = plan(case).ok()??;
    let ahead = plan.ahead?;
    foreign_row(case, &ahead.recorded)
        .is_none()
        .then_some(ahead)
}

/// What a newer release has made, changed or taken away is not to be undone by the advice of an older one.
pub(in crate::rules) fn spare_newer(case: &Case<'_>, findings: &mut [Found]) {
    let told = [UNKNOWN_OBJECT.id, MISSING_OBJECT.id, CHANGED_OBJECT.id];
    let is_told = |found: &&mut Found| told.contains(&found.finding.rule);
    let mut about = findings.iter_mut().filter(is_told).peekable();
    if about.peek().is_none() {
        return;
    }
    let Some(ahead) = ahead(case) else {
        return;
    };
    for found in about {
        found.finding.remedy = format!(
            "The database is ahead of this set (drift/history): {} or another migration of a newer release may have made it so. Change nothing for this \
             finding; verify with the set of that release.",
            ahead.recorded.stem()
        );
    }
}
