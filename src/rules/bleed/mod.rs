//! Rules of group `bleed`: what of another service, or of nobody, lies in this service's database?

mod altered;
mod common;
mod history;
mod notes;
mod owned;
mod places;
mod variable;

pub(super) use altered::unaltered;
pub(super) use common::COMMON_DATABASE;
pub(super) use history::foreign_row;
pub(super) use places::membership;

use super::classify::Class;
use super::drift::perhaps_own;
use super::text::ident;
use super::{Case, Finding, Outcome, Rule, Verdict};
use crate::snapshot::Object;

/// The rules of this group.
pub(super) const RULES: &[Rule] = &[
    owned::FOREIGN_OBJECT,
    owned::LOOK_ALIKE,
    owned::SAME_SHAPE,
    places::HIDDEN_OBJECT,
    places::ATTACHED_TO_EXTENSION,
    places::FOREIGN_SCHEMA_NAME,
    history::FOREIGN_HISTORY,
    places::FOREIGN_TOOL_HISTORY,
    places::FILE_ENGINE_TABLE,
    variable::FOREIGN_VARIABLE,
    common::COMMON_DATABASE,
];

/// The findings about unknown objects, and the gaps where another service's lock is needed and not there.
fn each(
    case: &Case<'_>,
    needs_others: bool,
    judge: impl Fn(&Object, &Class<'_>) -> Option<Finding>,
) -> Verdict {
    case.diff()?;
    let findings = case
        .survey
        .extras
        .iter()
        .filter_map(|(object, class)| Some(perhaps_own(case, object, judge(object, class)?)))
        .collect();
    let gaps = if needs_others {
        case.survey.blind.clone()
    } else {
        Vec::new()
    };
    Ok(Outcome { findings, gaps })
}

fn database(case: &Case<'_>) -> String {
    ident(case.subject.service.database_name())
}
