//! The migration history against the set.

use super::ahead::ahead;
use super::{is_are, next_step, plan};
use crate::manifest::Managed;
use crate::migration::{Change, Problem};
use crate::report::text::count;
use crate::rules::bleed::foreign_row;
use crate::rules::survey::Place;
use crate::rules::text::ident;
use crate::rules::{About, Case, Rule, Scope, Severity, Verdict};

pub(in crate::rules) const NOT_MIGRATED: Rule = Rule {
    id: "drift/not-migrated",
    severity: Severity::Error,
    summary: "Was anything ever migrated here?",
    help: include_str!("../help/drift-not-migrated.md"),
    scope: Scope::Database,
    check: not_migrated,
};

fn not_migrated(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    case.lock()?;
    snapshot.history.get()?;
    let Place::NotMigrated = case.survey.place()? else {
        return Ok(Vec::new().into());
    };
    let database = &snapshot.identity.database;
    let finding = NOT_MIGRATED
        .finding(
            About::plain("database", database),
            format!(
                "database {} of {} has neither a migration history nor any of the service's tables",
                ident(database),
                case.name()
            ),
        )
        .saw("a migrated database", "no history and no tables")
        .remedy(match case.subject.service.managed {
            Managed::Dbctl if snapshot.relations().next().is_some() => format!(
                "Look at the address, for it is not empty and dbctl migrate refuses it; or give {} an empty database.",
                case.name()
            ),
            Managed::Dbctl => format!("dbctl migrate --service {}", case.name()),
            Managed::Service => format!("Start {}: it makes its tables itself.", case.name()),
        });
    Ok(vec![finding].into())
}

pub(in crate::rules) const HISTORY: Rule = Rule {
    id: "drift/history",
    severity: Severity::Error,
    summary: "Are the applied migrations those of the set, unchanged and in order?",
    help: include_str!("../help/drift-history.md"),
    scope: Scope::Database,
    check: history,
};

fn history(case: &Case<'_>) -> Verdict {
    let Some(plan) = plan(case)? else {
        return Ok(Vec::new().into());
    };
    let database = ident(case.subject.service.database_name());
    let ahead = ahead(case);
    let findings = plan
        .problems
        .iter()
        .filter(|problem| match problem {
            Problem::Divergent { row, .. } | Problem::Unknown(row) => {
                foreign_row(case, row).is_none()
            }
            Problem::OutOfOrder { .. } | Problem::Renumbered { .. } | Problem::Repeated(_) => true,
        })
        .map(|problem| {
            let (name, remedy) = match problem {
                Problem::Divergent {
                    file,
                    change: Change::Time | Change::Silent,
                    ..
                } => (
                    file.clone(),
                    format!("dbctl repair --service {} fills the row in.", case.name()),
                ),
                Problem::Divergent {
                    file,
                    row,
                    change: Change::Another { .. },
                    ..
                } => (
                    file.clone(),
                    format!(
                        "Bring {}.sql back into the set and give {file} a version above every applied one.",
                        row.stem()
                    ),
                ),
                Problem::Divergent { file, .. } => (
                    file.clone(),
                    format!(
                        "Put the applied text of {file} back from version control and make the change of {} in a new migration",
                        case.name()
                    ),
                ),
                Problem::Unknown(row) if row.number().is_none() => (
                    format!("{}.sql", row.stem()),
                    format!(
                        "Give the row the version that was applied, or remove it: dbctl repair --service {} says how.",
                        case.name()
                    ),
                ),
                Problem::Unknown(row) if ahead.is_some() => (
                    format!("{}.sql", row.stem()),
                    format!(
                        "A newer release of the set leaves it so: deploy that one, or, with it, take the database back first: dbctl rollback --service {} --target {}. If no release has {}.sql: dbctl repair --service {0} says how the row goes.",
                        case.name(),
                        ahead.as_ref().map_or(0, |ahead| ahead.newest),
                        row.stem()
                    ),
                ),
                Problem::Unknown(row) => (
                    format!("{}.sql", row.stem()),
                    format!(
                        "Bring {}.sql back into the set, or use the release that has it. Remove the row only if what it did was taken back as well: dbctl repair --service {} says how.",
                        row.stem(),
                        case.name()
                    ),
                ),
                Problem::Renumbered { file, .. } => (
                    file.clone(),
                    format!("dbctl repair --service {} gives the row its new number.", case.name()),
                ),
                Problem::OutOfOrder { file, free: None, .. } => (
                    file.clone(),
                    format!(
                        "Where only its row is lost, dbctl repair --service {} writes it again; else find out what the row with the highest version says: no file can have a higher one.",
                        case.name()
                    ),
                ),
                Problem::OutOfOrder { file, .. } => (
                    file.clone(),
                    format!(
                        "Where only its row is lost, dbctl repair --service {} writes it again; else give {file} a version above every applied one.",
                        case.name()
                    ),
                ),
                Problem::Repeated(row) => (
                    format!("{}.sql", row.stem()),
                    format!(
                        "Look at both rows and delete the wrong one: SELECT * FROM public.refinery_schema_history WHERE {};",
                        row.condition()
                    ),
                ),
            };
            let (expected, actual) = match problem {
                Problem::Divergent { row, checksum, .. } => (
                    format!("checksum {checksum}"),
                    format!("checksum {}", row.checksum),
                ),
                Problem::Unknown(row) => (
                    "a migration of the set".to_owned(),
                    format!("{}.sql", row.stem()),
                ),
                Problem::Renumbered { version, row, .. } => {
                    (format!("version {version}"), row.numbered())
                }
                Problem::OutOfOrder { newest, .. } => {
                    (format!("a version above {newest}"), name.clone())
                }
                Problem::Repeated(_) => ("one row".to_owned(), "two rows".to_owned()),
            };
            HISTORY
                .finding(
                    About::plain("migration", name),
                    format!("history of database {database} of {}: {}", case.name(), problem.fact()),
                )
                .saw(expected, actual)
                .remedy(remedy)
                .evidence("history")
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

pub(in crate::rules) const PENDING: Rule = Rule {
    id: "drift/pending",
    severity: Severity::Error,
    summary: "Has every migration of the set been applied?",
    help: include_str!("../help/drift-pending.md"),
    scope: Scope::Database,
    check: pending,
};

fn pending(case: &Case<'_>) -> Verdict {
    let Some(plan) = plan(case)? else {
        return Ok(Vec::new().into());
    };
    let Some(first) = plan.pending.first() else {
        return Ok(Vec::new().into());
    };
    let files: Vec<&str> = plan
        .pending
        .iter()
        .map(|migration| migration.file.as_str())
        .collect();
    let finding = PENDING
        .finding(
            About::plain("migration", &first.file),
            format!(
                "{} pending in database {} of {}: {}",
                is_are(files.len()),
                ident(case.subject.service.database_name()),
                case.name(),
                files.join(", ")
            ),
        )
        .saw(
            "no pending migration",
            count(files.len(), "pending migration"),
        )
        .remedy(next_step(case))
        .evidence("history");
    Ok(vec![finding].into())
}
