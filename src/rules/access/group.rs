//! Groups that two services are members of.

use std::collections::BTreeSet;

use super::cluster::is_looked_at;
use super::membership::{reachable, revoke};
use super::reach::Reach;
use super::role::own_role;
use super::service_of;
use crate::rules::text::ident;
use crate::rules::{About, Case, Rule, Scope, Severity, Verdict};

pub(in crate::rules) const SHARED_GROUP: Rule = Rule {
    id: "access/shared-group",
    severity: Severity::Warning,
    summary: "Is no group shared with another service's role?",
    help: include_str!("../help/access-shared-group.md"),
    scope: Scope::Database,
    check: shared_group,
};

fn shared_group(case: &Case<'_>) -> Verdict {
    let reach = Reach::new(case)?;
    let role = own_role(case, &case.own()?.access)?;
    if role.superuser {
        return Ok(Vec::new().into());
    }
    // Which groups each other service's role can use: there may be thousands of groups, and there are few services.
    let members = reach.privileges.memberships.iter();
    let members: BTreeSet<&str> = members.map(|link| link.member.as_str()).collect();
    let others: Vec<(&str, &str, BTreeSet<&str>)> = members
        .into_iter()
        .filter_map(|member| Some((member, service_of(case, member)?)))
        .filter(|(member, _)| !reach.is_superuser(member))
        .map(|(member, service)| (member, service, reach.groups(member)))
        .collect();
    let reachable = reachable(reach.privileges, &role.name);
    let findings = reachable
        .iter()
        .filter(|(group, _)| !group.starts_with("pg_") && service_of(case, group).is_none())
        .filter_map(|(group, reached)| {
            let (other, service) = others
                .iter()
                .find(|(_, _, groups)| groups.contains(group))
                .map(|(other, service, _)| (*other, *service))?;
            // Said once, at the later of the two.
            is_later(case, service).then(|| {
                SHARED_GROUP
                    .finding(
                        About::plain("role", *group),
                        format!(
                            "role {} has members of two services, {} of {service} and {} of {}: what is granted to it, both may do",
                            ident(group),
                            ident(other),
                            ident(&role.name),
                            case.name()
                        ),
                    )
                    .belongs_to(service)
                    .saw("groups of one service", format!("{} and {}", ident(other), ident(&role.name)))
                    .remedy(revoke(reached))
            })
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// Whether the other service comes first in the manifest and was looked at.
fn is_later(case: &Case<'_>, other: &str) -> bool {
    let earlier = case
        .system
        .subjects
        .iter()
        .take_while(|subject| subject.service.name != case.name())
        .any(|subject| subject.service.name == other);
    let looked_at = case
        .others()
        .find(|subject| subject.service.name == other)
        .is_some_and(is_looked_at);
    earlier || !looked_at
}
