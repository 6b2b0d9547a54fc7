//! What is there under another name: to drop it would lose what the service needs.

use super::missing::MISSING_OBJECT;
use super::newer::LOCK_FIRST;
use super::unknown::UNKNOWN_OBJECT;
use super::{last_made_by, settled};
use crate::report::text::count;
use crate::rules::text::{ident, named, rename_sql};
use crate::rules::{About, Case, Finding};
use crate::snapshot::{Kind, Object, ObjectKey, Rename};

/// The findings about objects that only have another name: those of whole schemas first, then of relations, then of their parts, in
/// which order their statements run.
pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let renames = case.survey.renames();
    let mut told: Vec<&Rename> = renames
        .iter()
        .filter(|rename| !goes_with_table(rename, renames))
        .collect();
    told.sort_by_key(|rename| match rename.was.kind {
        Kind::Schema => 0,
        kind if kind.is_part() => 2,
        _ => 1,
    });
    told.into_iter()
        .map(|rename| finding(case, rename))
        .collect()
}

/// Whether it is a column's sequence, which goes where its table goes.
fn goes_with_table(rename: &Rename, renames: &[Rename]) -> bool {
    let way = |rename: &Rename| (rename.was.schema.clone(), rename.is.schema.clone());
    rename.was.kind == Kind::Sequence
        && rename.was.name == rename.is.name
        && renames
            .iter()
            .any(|other| other.was.kind.is_relation() && way(other) == way(rename))
}

fn finding(case: &Case<'_>, rename: &Rename) -> Finding {
    let (was, is) = (named(&rename.was), named(&rename.is));
    // A name that another service has as well.
    let theirs = |key: &&ObjectKey| key.kind.is_relation() && key.name == rename.is.name;
    let others = case.others().find(|other| {
        rename.is.kind.is_relation()
            && rename.was.name != rename.is.name
            && other
                .lock
                .known()
                .is_some_and(|lock| lock.objects.keys().any(|key| theirs(&key)))
    });
    let others = others.map_or_else(String::new, |other| {
        format!(
            ", one that {} has for a table of its own",
            other.service.name
        )
    });
    let lock_first = match case.is_lock_stale() {
        true => format!("{LOCK_FIRST}. Otherwise: "),
        false => String::new(),
    };
    MISSING_OBJECT
        .finding(
            About::key(&rename.was),
            format!(
                "{was} of {} is missing in database {}, and {is}, which is in no set, is the same under another name{others}",
                case.name(),
                ident(case.subject.service.database_name())
            ),
        )
        .saw(was, is)
        .remedy(format!(
            "{lock_first}Give it back its name: {} If the new name is wanted, rename it in a new migration of the set. It is made by {}.",
            rename_sql(rename),
            last_made_by(case, &rename.was)
        ))
}

/// Says of a finding about an unknown object that it may be one of the set's, which comes before any advice to drop it.
pub(in crate::rules) fn perhaps_own(
    case: &Case<'_>,
    object: &Object,
    mut finding: Finding,
) -> Finding {
    let is_settled = match settled(case) {
        Ok(Some(_)) => true,
        Ok(None) => return finding,
        Err(_) => false,
    };
    let mut perhaps = case.survey.perhaps(object);
    let Some(first) = perhaps.next() else {
        let may_be_own = [UNKNOWN_OBJECT.id, "bleed/same-shape", "bleed/hidden-object"];
        if !is_settled && may_be_own.contains(&finding.rule) && object.key.kind.has_given_name() {
            finding.remedy = format!("{} {}", unsettled(case), finding.remedy);
        }
        return finding;
    };
    let more = match perhaps.count() {
        0 => String::new(),
        others => format!(" or {} like it", count(others, "other object")),
    };
    let was = named(&first.was);
    let why = match is_settled {
        true => "",
        false => ", unless a pending migration is still to make that",
    };
    finding.message = format!(
        "{}; it may be {was}{more} of {} under another name, which is missing{why}",
        finding.message,
        case.name()
    );
    finding.remedy = format!(
        "First find out whether it is {was}{more}: then rename it (ALTER … RENAME TO {}) and drop nothing. Otherwise: {}",
        ident(&first.was.name),
        finding.remedy
    );
    finding
}

/// Where migrations are pending, nobody knows what of the set is missing, and so what an unknown object may be.
fn unsettled(case: &Case<'_>) -> String {
    format!(
        "First find out whether {} made it and somebody renamed it, which is not known while migrations are pending (drift/pending): then give it back its name and drop nothing. Otherwise:",
        case.name()
    )
}
