//! What the set creates and is not there.

use super::newer::LOCK_FIRST;
use super::{bereft, made_by, renamed, settled, undo};
use crate::rules::text::{ident, named};
use crate::rules::{About, Case, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::{Change, Kind, ObjectKey};

pub(in crate::rules) const MISSING_OBJECT: Rule = Rule {
    id: "drift/missing-object",
    severity: Severity::Error,
    summary: "Is everything there that the set creates?",
    help: include_str!("../help/drift-missing-object.md"),
    scope: Scope::Database,
    check: missing_object,
};

fn missing_object(case: &Case<'_>) -> Verdict {
    let diff = match settled(case) {
        Ok(Some(diff)) => diff,
        Ok(None) => return Ok(Vec::new().into()),
        // What has another name is known all the same, where the history is gone.
        Err(gap) => {
            let findings = renamed::findings(case);
            return match findings.is_empty() {
                true => Err(gap),
                false => Ok(Outcome {
                    findings,
                    gaps: vec![gap],
                }),
            };
        }
    };
    let database = ident(case.subject.service.database_name());
    let findings = diff
        .missing
        .iter()
        .filter(|key| key.kind != Kind::Hypertable)
        .map(|key| {
            let name = named(key);
            let replaced = bereft::replaced(diff, key);
            MISSING_OBJECT
                .finding(
                    About::key(key),
                    format!(
                        "{name} of {} is missing in database {database}{}",
                        case.name(),
                        bereft::told(&replaced)
                    ),
                )
                .saw(name, "missing")
                .remedy(remedy(case, key, &replaced))
        })
        .chain(renamed::findings(case))
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// What makes it again, where that loses nothing, and else where it is written.
fn remedy(case: &Case<'_>, key: &ObjectKey, replaced: &[&Change]) -> String {
    let made = made_by(case, &key.name);
    let first = match case.is_lock_stale() {
        true => format!("{LOCK_FIRST}. Otherwise: "),
        false => String::new(),
    };
    let with_replaced = undo::create(case, key).and_then(|mut sql| {
        for change in replaced {
            sql.extend(undo::undo(case, &change.key, &[change])?);
        }
        Ok(sql)
    });
    match with_replaced {
        Ok(sql) => format!(
            "{first}{made} creates it. Find out who removed it, {}{}",
            undo::AGAIN,
            sql.join(" ")
        ),
        Err("") => format!(
            "{first}{made} creates it. Find out who removed it, then restore it from a backup or run its statement again."
        ),
        Err(why) => format!(
            "{first}{made} creates it. Find out who removed it, then run its statement again: {why}."
        ),
    }
}
