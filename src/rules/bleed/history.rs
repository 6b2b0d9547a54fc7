//! Migrations of another service.

use super::database;
use crate::migration::{Migration, Problem};
use crate::rules::drift::plan;
use crate::rules::text::ident;
use crate::rules::{About, Case, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::HistoryRow;

pub(super) const FOREIGN_HISTORY: Rule = Rule {
    id: "bleed/foreign-history",
    severity: Severity::Error,
    summary: "Does the migration history hold a migration of another service?",
    help: include_str!("../help/bleed-foreign-history.md"),
    scope: Scope::Database,
    check: foreign_history,
};

fn foreign_history(case: &Case<'_>) -> Verdict {
    let findings = plan(case)?.map(|plan| plan.problems).unwrap_or_default()
        .iter()
        .filter_map(|problem| match problem {
            Problem::Divergent { row, .. } | Problem::Unknown(row) => {
                Some((row, foreign_row(case, row)?))
            }
            Problem::OutOfOrder { .. } | Problem::Renumbered { .. } | Problem::Repeated(_) => None,
        })
        .map(|(row, owner)| {
            let other = &owner.service.name;
            let name = row.stem();
            FOREIGN_HISTORY
                .finding(
                    About::plain("migration", &name),
                    format!(
                        "the migration history of database {} of {} holds {}, a migration of {other}",
                        database(case),
                        case.name(),
                        ident(&name)
                    ),
                )
                .belongs_to(other)
                .saw(format!("migrations of {} alone", case.name()), format!("{name}, applied on {}", row.when()))
                .remedy(format!(
                    "See what that migration left in the database and remove it. Then: DELETE FROM public.refinery_schema_history WHERE {};",
                    row.condition()
                ))
                .evidence("history")
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// The other service whose migration a history row is: by its checksum, or by version and name where this set has none such.
pub(in crate::rules) fn foreign_row<'a>(
    case: &Case<'a>,
    row: &HistoryRow,
) -> Option<&'a Subject<'a>> {
    let has = |subject: &Subject<'_>, test: &dyn Fn(&Migration) -> bool| {
        subject
            .set
            .is_some_and(|set| set.migrations.iter().any(test))
    };
    let by_sum = |migration: &Migration| migration.has_checksum(&row.checksum);
    let by_name = |migration: &Migration| {
        i64::from(migration.version) == row.version && migration.name == row.name
    };
    if has(case.subject, &by_sum) {
        return None;
    }
    case.others().find(|other| has(other, &by_sum)).or_else(|| {
        case.others()
            .find(|other| has(other, &by_name))
            .filter(|_| !has(case.subject, &by_name))
    })
}
