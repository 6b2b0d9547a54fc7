//! Set × history × target → the down scripts to run.

mod proof;

use super::{Down, Migration, Set};
use crate::snapshot::History;
pub use proof::{Before, Yardstick};

/// What takes a database from its newest version down to an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// The newest version that is applied; 0 when none is.
    pub from: i32,
    /// What is taken back, newest first; empty when the database is at the target.
    pub steps: Vec<Step>,
}

/// One migration that is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The migration.
    pub migration: Migration,
    /// Its down script.
    pub down: Down,
}

impl Rollback {
    /// The way down to `target`: an applied version, or 0 for everything. The history must fit the set.
    ///
    /// # Errors
    /// When `target` is neither, or a down script is missing: the sentence names the versions that are applied, or every file.
    pub fn new(set: &Set, history: &History, target: i32) -> Result<Self, String> {
        let applied: Vec<&Migration> = set
            .migrations
            .iter()
            .filter(|migration| {
                let version = i64::from(migration.version);
                history.rows.iter().any(|row| row.version == version)
            })
            .collect();
        if target != 0 && !applied.iter().any(|migration| migration.version == target) {
            return Err(not_applied(target, &applied));
        }
        let mut steps = Vec::new();
        let mut missing = Vec::new();
        for migration in applied.iter().rev() {
            if migration.version <= target {
                break;
            }
            match &migration.down {
                Some(down) => steps.push(Step {
                    migration: (*migration).clone(),
                    down: down.clone(),
                }),
                None => missing.push((migration.version, format!("{}.down.sql", migration.stem()))),
            }
        }
        let from = applied.last().map_or(0, |migration| migration.version);
        if let Some((lowest, _)) = missing.first() {
            let files: Vec<&str> = missing.iter().map(|(_, file)| file.as_str()).collect();
            let (is, it, them) = match files.len() {
                1 => ("is", "it", "it"),
                _ => ("are", "each", "them"),
            };
            let reach = match from == *lowest {
                true => String::new(),
                false => format!(", or go back to version {lowest}, the lowest within reach"),
            };
            return Err(format!(
                "set {} cannot go back to version {target}: {} {is} missing; write {it} beside its migration, let dbctl lock prove {them}, \
                 and run this again{reach}",
                set.name,
                files.join(", "),
            ));
        }
        Ok(Self { from, steps })
    }
}

/// Why nothing can be taken back while migrations are unfinished; `None` of them known means that their books cannot be read.
#[must_use]
pub fn unfinished_refusal(service: &str, versions: Option<&[i32]>) -> Option<String> {
    let Some(versions) = versions else {
        return Some(
            "this role may not read dbctl.progress, so whether a migration is unfinished cannot be told: grant it SELECT"
                .to_owned(),
        );
    };
    let names: Vec<String> = versions
        .iter()
        .map(|version| format!("V{version}"))
        .collect();
    let (are, them, its) = match names.len() {
        0 => return None,
        1 => ("is", "it", "its"),
        _ => ("are", "them", "their"),
    };
    Some(format!(
        "{} {are} unfinished: finish {them} with dbctl migrate --service {service}, settle {them} with dbctl repair --service {service}, or give {them} up \
         with dbctl repair --service {service} --forget {} (what {its} statements made stays, and is to be taken away by hand), first",
        names.join(", "),
        versions.first().copied().unwrap_or_default()
    ))
}

fn not_applied(target: i32, applied: &[&Migration]) -> String {
    let versions: Vec<String> = applied
        .iter()
        .map(|migration| migration.version.to_string())
        .collect();
    let which = if versions.is_empty() {
        "no version is".to_owned()
    } else {
        format!("applied are {}", versions.join(", "))
    };
    format!(
        "version {target} is not applied: {which}; expected one of them, or 0 to take back everything"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::{Down, Rollback, unfinished_refusal};
    use crate::migration::Set;
    use crate::snapshot::{History, HistoryRow};

    /// A built-in set of four versions; those in `downs` have a down script, those up to `applied` are applied.
    fn case(downs: &[i32], applied: i32) -> (Set, History) {
        let mut set = Set::built_in("rgb_users").unwrap().unwrap();
        for migration in &mut set.migrations {
            migration.down = downs.contains(&migration.version).then(|| Down {
                file: format!("{}.down.sql", migration.stem()),
                sql: "SELECT 1".to_owned(),
            });
        }
        let rows = set.migrations.iter();
        let rows = rows
            .filter(|migration| migration.version <= applied)
            .map(|migration| HistoryRow {
                version: migration.version.into(),
                name: migration.name.clone(),
                applied_on: String::new(),
                checksum: migration.checksum.to_string(),
            })
            .collect();
        (set, History { exists: true, rows })
    }

    fn versions(rollback: &Rollback) -> Vec<i32> {
        let steps = rollback.steps.iter();
        steps.map(|step| step.migration.version).collect()
    }

    #[test]
    fn it_goes_down_newest_first() {
        let (set, history) = case(&[1, 2, 3, 4], 3);
        let all = Rollback::new(&set, &history, 0).unwrap();
        assert_eq!((all.from, versions(&all)), (3, vec![3, 2, 1]));
        let two = Rollback::new(&set, &history, 1).unwrap();
        assert_eq!(versions(&two), [3, 2]);
        let none = Rollback::new(&set, &history, 3).unwrap();
        assert_eq!((none.from, versions(&none)), (3, Vec::new()));
        let (set, history) = case(&[], 0);
        assert_eq!(Rollback::new(&set, &history, 0).unwrap().from, 0);
    }

    #[test]
    fn a_target_must_be_applied() {
        let (set, history) = case(&[1, 2, 3, 4], 2);
        for target in [3, 99, -1] {
            let error = Rollback::new(&set, &history, target).unwrap_err();
            assert_eq!(
                error,
                format!(
                    "version {target} is not applied: applied are 1, 2; expected one of them, or 0 to take back everything"
                )
            );
        }
    }

    #[test]
    fn every_missing_script_is_named() {
        let (set, history) = case(&[3], 4);
        let error = Rollback::new(&set, &history, 1).unwrap_err();
        assert_eq!(
            error,
            "set rgb_users cannot go back to version 1: V4__indexes.down.sql, V2__user_ledgers.down.sql are missing; write each \
             beside its migration, let dbctl lock prove them, and run this again"
        );
        assert!(Rollback::new(&set, &history, 4).unwrap().steps.is_empty());
    }

    #[test]
    fn what_is_unfinished_is_named() {
        assert_eq!(unfinished_refusal("x", Some(&[])), None);
        let one = "V2 is unfinished: finish it with dbctl migrate --service x, settle it with dbctl repair --service x, or give it up with dbctl repair --service x --forget 2 ";
        let said = unfinished_refusal("x", Some(&[2])).unwrap();
        assert!(said.starts_with(one), "{said}");
        let two = unfinished_refusal("x", Some(&[2, 3])).unwrap();
        assert!(
            two.starts_with("V2, V3 are unfinished: finish them"),
            "{two}"
        );
        assert!(
            unfinished_refusal("x", None)
                .unwrap()
                .contains("dbctl.progress")
        );
    }
}
