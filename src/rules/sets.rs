//! Rules of group `sets`: what can be said of a migration set without a server.

mod copies;
mod definer;
mod elsewhere;
mod engines;
mod extensions;
mod fails;
mod inline;
mod judge;
mod keys;
mod objects;
mod owners;
mod privileges;
mod readable;
mod schemas;
mod stale_lock;

use super::{Case, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::Gap;
pub(super) use judge::{Judged, judge};
pub(super) use owners::{Family, Owners, Service, family};

/// The rules of this group.
pub(super) const RULES: &[Rule] = &[
    stale_lock::STALE_LOCK,
    readable::UNREADABLE,
    objects::FOREIGN_OBJECT,
    objects::FOREIGN_REFERENCE,
    objects::FOREIGN_SCHEMA,
    objects::LOOK_ALIKE,
    objects::COPIED_MIGRATION,
    objects::SYSTEM_SCHEMA,
    objects::HISTORY,
    objects::WRONG_ENGINE,
    privileges::FOREIGN_GRANT,
    privileges::ROLE,
    definer::SECURITY_DEFINER,
    elsewhere::SWITCHES_DATABASE,
    elsewhere::PSQL_COMMAND,
    elsewhere::SEARCH_PATH,
    elsewhere::LINK,
    elsewhere::SERVER_FILE,
    elsewhere::SERVER_SETTING,
    elsewhere::DYNAMIC_SQL,
    keys::PARTITION_KEY,
    keys::UNSAFE_DDL,
    inline::INLINE_ALLOW,
];

/// A rule whose findings are worked out together with all others of its group.
const fn rule(
    id: &'static str,
    severity: Severity,
    summary: &'static str,
    help: &'static str,
    check: fn(&Case<'_>) -> Verdict,
) -> Rule {
    Rule {
        id,
        severity,
        summary,
        help,
        scope: Scope::Set,
        check,
    }
}

/// What was found for one rule.
fn answer(case: &Case<'_>, id: &str) -> Verdict {
    let Some(judged) = case.survey.sets.as_ref() else {
        return Err(Gap::new("the migration set could not be read"));
    };
    let findings = judged.findings.iter().filter(|finding| finding.rule == id);
    let gaps = judged.gaps.iter().filter(|(rule, _)| *rule == id);
    Ok(Outcome {
        findings: findings.cloned().collect(),
        gaps: gaps.map(|(_, gap)| gap.clone()).collect(),
    })
}
