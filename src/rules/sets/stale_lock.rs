//! Was the schema lock written from the set's present files?

use crate::migration;
use crate::report::Location;
use crate::rules::{About, Case, Rule, Scope, Severity, Verdict};
use crate::snapshot::Gap;

pub(super) const STALE_LOCK: Rule = Rule {
    id: "sets/stale-lock",
    severity: Severity::Warning,
    summary: "Was the schema lock written from the set's present files?",
    help: include_str!("../help/sets-stale-lock.md"),
    scope: Scope::Set,
    check: stale_lock,
};

fn stale_lock(case: &Case<'_>) -> Verdict {
    let Some(set) = case.subject.set else {
        return Err(Gap::new(
            "the migration set could not be loaded: the findings of its files say why",
        ));
    };
    let lock = case.lock()?;
    let sum = set.sum();
    if lock.is_current(&sum) {
        return Ok(Vec::new().into());
    }
    let finding = STALE_LOCK
        .finding(
            About::plain("file", migration::LOCK_FILE),
            format!(
                "the schema lock of set {} of {} is older than its migrations: what it expects may not be what they produce",
                set.name,
                case.name()
            ),
        )
        .saw(sum, lock.sum.clone())
        .remedy("`dbctl lock` writes it again from a throwaway server; review the difference and commit it.")
        .at(Location {
            file: set.lock_path(),
            line: None,
            column: None,
        })
        .evidence("file");
    Ok(vec![finding].into())
}
