//! As whom the services log in: as the role that the manifest names, and each as one of its own.

use super::evidence;
use super::sharing::{Kinship, kinship};
use crate::rules::access::{is_shared, service_of};
use crate::rules::survey::Place;
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::{Fact, Snapshot};

pub(super) const WRONG_ROLE: Rule = Rule {
    id: "identity/wrong-role",
    severity: Severity::Error,
    summary: "Does the connection log in as the role that the manifest names?",
    help: include_str!("../help/identity-wrong-role.md"),
    scope: Scope::Address,
    check: wrong_role,
};

fn wrong_role(case: &Case<'_>) -> Verdict {
    if case.system.offline {
        return Ok(written_role(case).into_iter().collect::<Vec<_>>().into());
    }
    let snapshot = case.snapshot()?;
    let service = case.subject.service;
    let (Some(expected), actual) = (service.role_name(), &snapshot.identity.session_user) else {
        return Ok(Vec::new().into());
    };
    // In another's database the role is the smaller trouble.
    let (Place::Own | Place::NotMigrated) = case.survey.place()? else {
        return Ok(Vec::new().into());
    };
    if actual == expected {
        return Ok(Vec::new().into());
    }
    let whose = service_of(case, actual);
    let superuser = snapshot
        .access
        .roles
        .iter()
        .any(|role| role.name == *actual && role.superuser);
    let kind = match whose {
        Some(other) => format!(", the role of {other}"),
        None if superuser => ", a superuser".to_owned(),
        // A role for looking alone.
        None => return Ok(Vec::new().into()),
    };
    let severity = if whose.is_some() || is_shared(case, &snapshot.access) {
        Severity::Error
    } else {
        Severity::Warning
    };
    let finding = logs_in_as(case, [expected, actual], &kind).severity(severity);
    Ok(vec![Finding {
        belongs_to: whose.map(str::to_owned),
        ..finding
    }]
    .into())
}

/// Without a server: the URL names another service's role. Any other may be one for looking.
fn written_role(case: &Case<'_>) -> Option<Finding> {
    let actual = &case.subject.service.endpoint()?.user;
    let expected = case.subject.service.role_name()?;
    let whose = service_of(case, actual)?;
    // In another's database the role is the smaller trouble.
    if case.elsewhere().is_some() {
        return None;
    }
    let kind = format!(", the role of {whose}");
    Some(logs_in_as(case, [expected, actual], &kind).belongs_to(whose))
}

fn logs_in_as(case: &Case<'_>, [expected, actual]: [&str; 2], kind: &str) -> Finding {
    WRONG_ROLE
        .finding(
            About::plain("role", actual),
            format!(
                "{} is to log in to database {} as role {}, but its connection logs in as role {}{kind}",
                case.name(),
                ident(case.subject.service.database_name()),
                ident(expected),
                ident(actual)
            ),
        )
        .saw(format!("role {}", ident(expected)), format!("role {}", ident(actual)))
        .remedy(format!(
            "Put role {expected} and its password into the URL of {}; `dbctl services` shows where the URL comes from.",
            case.name()
        ))
        .evidence(evidence(case))
}

pub(super) const SHARED_ROLE: Rule = Rule {
    id: "identity/shared-role",
    severity: Severity::Error,
    summary: "Has every service a role of its own in the server?",
    help: include_str!("../help/identity-shared-role.md"),
    scope: Scope::Address,
    check: shared_role,
};

/// The role of two services, where both log in to databases of one server with it. What they have beside it (one database, a URL that
/// leads to the other's) is the greater trouble, and told by rules of its own.
pub(in crate::rules) fn share_a_role<'a>(
    one: &'a Subject<'_>,
    two: &Subject<'_>,
) -> Option<&'a str> {
    let role = one.service.role_name()?;
    if two.service.role_name() != Some(role) {
        return None;
    }
    let (ours, theirs) = (one.service.endpoint()?, two.service.endpoint()?);
    let is_at_home =
        |subject: &Subject<'_>, database: &str| database == subject.service.database_name();
    if !is_at_home(one, &ours.database) || !is_at_home(two, &theirs.database) {
        return None;
    }
    let is_one_server = match looked_at(one).zip(looked_at(two)) {
        Some((own, other)) => kinship(one, two, [&own.identity, &other.identity]),
        None => None,
    }
    .map_or_else(
        || ours.shares_server_with(theirs) && ours.shares_database_with(theirs).is_none(),
        |kinship| kinship == Kinship::Server,
    );
    is_one_server.then_some(role)
}

fn looked_at<'s>(subject: &'s Subject<'_>) -> Option<&'s Snapshot> {
    subject.snapshot.as_ref().and_then(Fact::known)
}

fn shared_role(case: &Case<'_>) -> Verdict {
    let position = |subject: &Subject<'_>| case.survey.around.position(&subject.service.name);
    let Some(own) = position(case.subject) else {
        return Ok(Vec::new().into());
    };
    let mut sharing: Vec<(&str, usize)> = Vec::new();
    let mut shared = None;
    for other in case.others() {
        if let (Some(role), Some(at)) = (share_a_role(case.subject, other), position(other)) {
            shared = Some(role);
            sharing.push((&other.service.name, at));
        }
    }
    // What several services have in common is told once, at the last of them that the run is about.
    let owners: Vec<usize> = sharing.iter().map(|(_, at)| *at).chain([own]).collect();
    let Some((role, (other, _))) = shared
        .zip(sharing.first())
        .filter(|_| case.survey.around.is_last(own, &owners))
    else {
        return Ok(Vec::new().into());
    };
    let names: Vec<&str> = sharing.iter().map(|(name, _)| *name).collect();
    let name = case.name();
    let server = case
        .subject
        .service
        .endpoint()
        .map_or_else(String::new, crate::manifest::Endpoint::address);
    let finding = SHARED_ROLE
        .finding(
            About::plain("role", role),
            format!(
                "{name} and {} log in as one role, {}, to databases of one server ({server}): each may do in the other's database whatever its owner may",
                names.join(" and "),
                ident(role)
            ),
        )
        .belongs_to(*other)
        .saw("a role for each service", format!("one role, {}", ident(role)))
        .remedy(format!(
            "Take nothing from role {0}: {other} needs it. Give {name} another `role` in the manifest (and in its URL), then \
             `dbctl provision --service {name}`, which makes the role and sets its password; make it the owner of database {1} and of what \
             {0} owns there. `dbctl verify` then names what is still {0}'s.",
            sql_ident(role),
            sql_ident(case.subject.service.database_name()),
        ))
        .evidence("manifest");
    Ok(vec![finding].into())
}
