//! Privileges on what initdb and extensions made, beyond those that it had from the start.

use std::collections::BTreeMap;

use super::grant::{finding, seen};
use super::reach::{Holder, Reach};
use crate::rules::{Case, Rule, Scope, Severity, Verdict};
use crate::snapshot::privileges::{Grant, Origin};

pub(in crate::rules) const SYSTEM_GRANT: Rule = Rule {
    id: "access/system-grant",
    severity: Severity::Error,
    summary: "Are the server's and the extensions' own objects as closed as they were made?",
    help: include_str!("../help/access-system-grant.md"),
    scope: Scope::Database,
    check: system_grant,
};

/// What dbctl itself asks to be granted: neither shows more than where the server's data and its log-in rules are.
const ASKED_FOR: [&str; 4] = [
    "pg_control_system",
    "pg_file_settings",
    "pg_hba_file_rules",
    "pg_show_all_file_settings",
];

fn system_grant(case: &Case<'_>) -> Verdict {
    let reach = Reach::new(case)?;
    let mut groups: BTreeMap<_, Vec<&Grant>> = BTreeMap::new();
    for grant in &reach.privileges.grants {
        let holder = reach.holder(grant.grantee.as_deref());
        let severity = match (&grant.origin, holder) {
            (Origin::Made, _) | (_, Holder::Administrator) => continue,
            (Origin::System, Holder::Own(_)) => Severity::Error,
            (Origin::Extension(_), Holder::Own(_)) => Severity::Warning,
            (_, holder) => holder.severity(),
        };
        let asked_for = grant.origin == Origin::System
            && grant.grantee.is_some()
            && ASKED_FOR.contains(&grant.object.name.as_str());
        if !asked_for {
            groups
                .entry((holder, severity, grant.object.on.as_str()))
                .or_default()
                .push(grant);
        }
    }
    let findings = groups
        .into_iter()
        .map(|((holder, severity, _), grants)| {
            let mut finding = finding(case, &SYSTEM_GRANT, holder, &grants)
                .severity(severity)
                .saw(
                    "the privileges that initdb or the extension gave",
                    seen(holder, &grants),
                );
            finding
                .message
                .push_str(", which neither initdb nor an extension gave");
            finding
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}
