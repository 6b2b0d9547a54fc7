//! Rows of the history that do not fit the set.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::super::inspect::Marks;
use super::super::{ApplyError, history_table};
use super::indexes::newest;
use super::write::{Write, now};
use super::{MendState, Prove, Repair};
use crate::migration::{Change, Migration, Plan, Problem, changes_rows};
use crate::snapshot::{HISTORY_TABLE, HistoryRow};

/// What there is to know of one row.
struct Misfit<'a> {
    row: &'a HistoryRow,
    migration: &'a Migration,
    problem: &'a Problem,
    change: Change,
}

impl Repair<'_> {
    /// Mends what can be mended without losing anything, and explains the rest.
    pub(super) async fn rows(
        &mut self,
        marks: &Marks,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let set = self.options.set;
        let plan = Plan::new(set, &marks.history);
        let newest = proven_for(marks, &plan);
        let problems = plan.problems.iter();
        let repeated: Vec<i64> = problems
            .filter(|problem| matches!(problem, Problem::Repeated(_)))
            .filter_map(Problem::version)
            .collect();
        for problem in &plan.problems {
            let file = |file: &str| set.migrations.iter().find(|other| other.file == file);
            let (subject, action) = match problem {
                Problem::Divergent {
                    row,
                    file: name,
                    change,
                    ..
                } if !repeated.contains(&row.version) => {
                    if let Some(migration) = file(name) {
                        let misfit = Misfit {
                            row,
                            migration,
                            problem,
                            change: *change,
                        };
                        self.row(&misfit, newest, prove).await?;
                    }
                    continue;
                }
                Problem::Divergent { row, .. } | Problem::Repeated(row) => (
                    subject_of(row),
                    format!(
                        "find out which row is the right one and delete the other from {}; its primary key on version is gone: put that back",
                        history_table()
                    ),
                ),
                Problem::Unknown(row) => (subject_of(row), unknown(row, set.newest())),
                Problem::Renumbered {
                    row, file: name, ..
                } => {
                    if let Some(migration) = file(name) {
                        self.renumbered(row, migration, problem, newest, prove)
                            .await?;
                    }
                    continue;
                }
                Problem::OutOfOrder { file: name, .. } => {
                    if let Some(migration) = file(name) {
                        self.skipped(migration, problem, newest, prove).await?;
                    }
                    continue;
                }
            };
            self.blocks(subject, problem, action);
        }
        // A row without a number may be the one that is missed.
        let unnumbered =
            |problem: &Problem| matches!(problem, Problem::Unknown(row) if row.number().is_none());
        if repeated.is_empty() && !plan.problems.iter().any(unnumbered) {
            self.unrecorded(marks, &plan, newest, prove).await?;
        }
        Ok(())
    }

    /// Notes a problem that is left in migrate's way.
    pub(super) fn blocks(&mut self, subject: String, problem: &Problem, action: String) {
        self.note(
            "history",
            subject,
            problem.fact(),
            MendState::Blocks,
            action,
        );
    }

    /// One row whose migration the set has.
    async fn row(
        &mut self,
        misfit: &Misfit<'_>,
        newest: i32,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let Misfit {
            row,
            migration,
            problem,
            change,
        } = *misfit;
        let subject = subject_of(row);
        let back = match change {
            Change::Time | Change::Silent => "",
            Change::Text => {
                "; otherwise give the file back what it had when it was applied, and put the change into a new version"
            }
            Change::Name => "; otherwise give the file back its old name",
            Change::Another { .. } => {
                self.blocks(
                    subject,
                    problem,
                    format!(
                        "left as it is; {}",
                        problem.advice(&self.options.apply.service)
                    ),
                );
                return Ok(());
            }
        };
        let same = change == Change::Time;
        let fixed = HistoryRow {
            version: row.version,
            name: migration.name.clone(),
            applied_on: match OffsetDateTime::parse(&row.applied_on, &Rfc3339) {
                Ok(_) => row.applied_on.clone(),
                Err(_) => now()?,
            },
            checksum: match same {
                true => row.checksum.clone(),
                false => migration.checksum.to_string(),
            },
        };
        let anew = |_| {
            Ok(vec![Write::Anew {
                row: row.clone(),
                fixed: fixed.clone(),
            }])
        };
        let proof = (!same).then_some(prove);
        match self.write(newest, proof, &anew).await? {
            Ok(_) if same => {
                let action = format!(
                    "its time is now {}: when it was applied is not known any more",
                    fixed.when()
                );
                self.mended("history", subject, problem.fact(), &action);
            }
            Ok(proven) => {
                let action = format!(
                    "name and checksum are now those of {}: the catalog is proven to be that of version {proven}; {}",
                    migration.file,
                    unseen(migration, change)
                );
                self.mended("history", subject, problem.fact(), &action);
            }
            Err(unproven) => {
                let action = format!("left as it is, for {}{back}", unproven.reason);
                self.blocks(subject, problem, action);
            }
        }
        Ok(())
    }

    /// A row whose migration has another version in the set.
    async fn renumbered(
        &mut self,
        row: &HistoryRow,
        migration: &Migration,
        problem: &Problem,
        newest: i32,
        prove: &Prove<'_>,
    ) -> Result<(), ApplyError> {
        let fixed = HistoryRow {
            version: migration.version.into(),
            checksum: migration.checksum.to_string(),
            ..row.clone()
        };
        let edited = matches!(problem, Problem::Renumbered { edited: true, .. });
        let anew = |_| {
            Ok(vec![Write::Anew {
                row: row.clone(),
                fixed: fixed.clone(),
            }])
        };
        let subject = subject_of(row);
        let table = history_table();
        match self.write(newest, Some(prove), &anew).await? {
            Ok(proven) => {
                let key = match row.number() {
                    Some(_) => String::new(),
                    None => format!(
                        "; a primary key would have kept NULL out: ALTER TABLE {table} ADD PRIMARY KEY (version) puts it back"
                    ),
                };
                let action = format!(
                    "its version is now {}: the catalog is proven to be that of version {proven}{key}",
                    migration.version
                );
                self.mended("history", subject, problem.fact(), &action);
            }
            Err(unproven) if edited => {
                let (number, condition) = (migration.version, row.condition());
                let action = format!(
                    "left as it is, for {}; where you know that {} ran here: UPDATE {table} SET version = {number} WHERE {condition}; where \
                     what it did was taken back: DELETE FROM {table} WHERE {condition}",
                    unproven.reason, migration.file
                );
                self.blocks(subject, problem, action);
            }
            Err(unproven) => {
                let action = format!(
                    "left as it is, for {}; where the set has other versions that were not applied here yet, bring V{}__{}.sql back in the \
                     place of {} until dbctl migrate --service {} has applied them",
                    unproven.reason,
                    row.version,
                    row.name,
                    migration.file,
                    self.options.apply.service
                );
                self.blocks(subject, problem, action);
            }
        }
        Ok(())
    }
}

/// The newest version that the catalog has to be that of: rows that get a new number count by it.
pub(super) fn proven_for(marks: &Marks, plan: &Plan) -> i32 {
    let renumbered = |version: i64| {
        plan.problems.iter().find_map(|problem| match problem {
            Problem::Renumbered {
                row, version: to, ..
            } if row.version == version => Some(*to),
            _ => None,
        })
    };
    let rows = marks.history.rows.iter();
    let versions = rows.filter_map(|row| renumbered(row.version).or(row.version.try_into().ok()));
    versions.max().unwrap_or_else(|| newest(marks))
}

/// What a proof of the catalog does not speak of.
fn unseen(migration: &Migration, change: Change) -> String {
    let lines = changes_rows(&migration.sql);
    if change != Change::Text || lines.is_empty() {
        return "what the file does to rows was not looked at".to_owned();
    }
    let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
    let (s, them, were) = match lines.len() {
        1 => ("", "it", "was"),
        _ => ("s", "them", "were"),
    };
    format!(
        "what the file does to rows was not looked at: the statement{s} on line{s} {} may change rows and {were} not run again; run {them} \
         by hand where the edit is meant to reach this database's rows",
        lines.join(", ")
    )
}

/// What to do with a row that is no migration of the set, whose newest version is given.
fn unknown(row: &HistoryRow, newest: i32) -> String {
    let (table, condition) = (history_table(), row.condition());
    let delete = format!("DELETE FROM {table} WHERE {condition}");
    match row.number() {
        None => format!(
            "find out what it says was applied: where the set has that, UPDATE {table} SET version = N WHERE {condition}, N being its \
             version; only if what it did was taken back, or it never ran: {delete}; then ALTER TABLE {table} ADD PRIMARY KEY (version), \
             which is gone"
        ),
        Some(version) if version >= i64::from(i32::MAX) || version < 1 => format!(
            "no file can have {}: where you know which migration it says was applied, UPDATE {table} SET version = N WHERE {condition}, N \
             being its version (the newest of the set is {newest}); else {delete}",
            match version == i64::from(i32::MAX) {
                true => "a higher version",
                false => "that version",
            }
        ),
        Some(version) if version > i64::from(newest) => format!(
            "nothing is to be mended where a newer release of the set has migrated the database: deploy that one (the newest of this set is \
             {newest}); where the file was lost, give the set the file back; only if what it did was taken back as well: {delete}"
        ),
        Some(_) => format!(
            "give the set the file back; only if what it did was taken back as well: {delete}"
        ),
    }
}

/// How a row is named.
fn subject_of(row: &HistoryRow) -> String {
    format!("{} in {}", row.numbered(), HISTORY_TABLE.1)
}

pub(super) fn subject(version: i64) -> String {
    format!("version {version} in {}", HISTORY_TABLE.1)
}
