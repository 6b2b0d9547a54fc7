//! What a migration would do, as a report shows it.

use super::preflight::Seen;
use crate::migration::masked::without_secrets;
use crate::migration::{Analysis, Migration, Mode, Name, Place, analyse};
use crate::report::migrate::{self as report, Pending, Statement};

/// A migration that is still to be applied, of which so many statements ran before; with the others where the plan itself is what was
/// asked for.
pub(super) fn pending(
    migration: &Migration,
    ran: usize,
    with_statements: bool,
    seen: &Seen,
) -> Pending {
    // What was begun statement by statement goes on so, whatever its file says by now.
    let by_statement = migration.mode == Mode::Statements || ran > 0;
    let statements = if with_statements || by_statement {
        analyse(&migration.sql)
    } else {
        Vec::new()
    };
    Pending {
        version: migration.version,
        name: migration.name.clone(),
        sql: if with_statements {
            without_secrets(&migration.sql)
        } else {
            String::new()
        },
        by_statement,
        reason: by_statement.then(|| reason(migration.mode, &statements)),
        ran,
        statements: if with_statements {
            statements
                .into_iter()
                .enumerate()
                .skip(ran)
                .map(|(number, one)| {
                    let resumption = seen.resumptions.get(&(migration.version, number));
                    // The library makes no dry run, and does not read what earlier files tell.
                    #[cfg(feature = "cli")]
                    let one = {
                        let mut one = one;
                        one.hazards.retain(|hazard| {
                            !seen.quick.has(&migration.file, number, &hazard.code)
                        });
                        one.hazards
                            .extend(seen.refused.hazard(&migration.file, number));
                        one
                    };
                    Statement {
                        cut_off: resumption.map(|next| next.says.clone()),
                        stops: resumption.is_some_and(|next| next.stops),
                        ..statement(one, &seen.missing)
                    }
                })
                .collect()
        } else {
            Vec::new()
        },
    }
}

/// Why a file runs statement by statement: the first statement that demands it, else the file itself.
fn reason(mode: Mode, statements: &[Analysis]) -> String {
    statements
        .iter()
        .find_map(|statement| match statement.place {
            Place::Alone { reason, .. } => Some(format!(
                "{reason} in line {} cannot run in a transaction",
                statement.line
            )),
            Place::Transaction | Place::FreshSession => None,
        })
        .unwrap_or_else(|| {
            let otherwise = match mode {
                Mode::Statements => "the file asks for it",
                Mode::Transaction => "it was begun so",
            };
            otherwise.to_owned()
        })
}

fn statement(analysis: Analysis, missing: &[Name]) -> Statement {
    Statement {
        line: analysis.line,
        text: without_secrets(&analysis.text),
        place: match analysis.place {
            Place::Transaction => report::Place::Transaction,
            Place::Alone { .. } => report::Place::Alone,
            Place::FreshSession => report::Place::FreshSession,
        },
        lock: analysis.lock.map(|lock| report::Lock {
            mode: lock.mode.as_str(),
            exists: lock
                .relation
                .as_ref()
                .is_none_or(|relation| !missing.contains(relation)),
            relation: lock.relation.map(|relation| relation.to_string()),
        }),
        cut_off: None,
        stops: false,
        hazards: analysis
            .hazards
            .into_iter()
            .map(|hazard| report::Hazard {
                code: hazard.code,
                message: hazard.message,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::{Seen, pending};
    use crate::migration::analysis::NO_TRANSACTION;
    use crate::migration::{Migration, Mode, Set};

    fn migration(sql: &str) -> Migration {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("V1__a.sql"), sql).unwrap();
        let set = Set::on_disk("a", dir.path()).unwrap();
        set.migrations.into_iter().next().unwrap()
    }

    #[test]
    fn the_statement_that_demands_its_own_run_is_named() {
        let plan = pending(&migration("SELECT 1;\nVACUUM;"), 0, true, &Seen::default());
        assert!(plan.by_statement);
        assert_eq!(
            plan.reason.as_deref(),
            Some("VACUUM in line 2 cannot run in a transaction")
        );
        assert_eq!(plan.statements.len(), 2);
    }

    #[test]
    fn statements_that_ran_are_not_in_the_plan() {
        let plan = pending(&migration("SELECT 1;\nVACUUM;"), 1, true, &Seen::default());
        assert_eq!(plan.ran, 1);
        let lines: Vec<usize> = plan.statements.iter().map(|one| one.line).collect();
        assert_eq!(lines, [2]);
    }

    #[test]
    fn a_file_can_ask_to_be_run_by_statement() {
        let migration = migration(&format!("{NO_TRANSACTION}\nSELECT 1;"));
        assert_eq!(migration.mode, Mode::Statements);
        let plan = pending(&migration, 0, false, &Seen::default());
        assert_eq!(plan.reason.as_deref(), Some("the file asks for it"));
        assert!(plan.statements.is_empty());
    }

    #[test]
    fn one_transaction_needs_no_reason() {
        let plan = pending(&migration("SELECT 1"), 0, true, &Seen::default());
        assert!(!plan.by_statement);
        assert_eq!(plan.reason, None);
    }
}
