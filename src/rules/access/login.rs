//! Log-ins that were really tried: one service's credentials at another's database.

use super::{database, service_of};
use crate::report::text::count;
use crate::rules::identity::share_a_role;
use crate::rules::survey::Place;
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::{Attempted, Credentials, Entry, Fact, Gap, Role};

pub(in crate::rules) const FOREIGN_LOGIN: Rule = Rule {
    id: "access/foreign-login",
    severity: Severity::Error,
    summary: "Is every other service refused when it tries to enter the database?",
    help: include_str!("../help/access-foreign-login.md"),
    scope: Scope::Database,
    check: foreign_login,
};

/// The attempts of one kind; where none was made because nothing could be, the reason.
fn attempts<'a>(
    case: &Case<'a>,
    with: Credentials,
) -> Result<impl Iterator<Item = &'a Entry> + Clone, Gap> {
    let entries = case.subject.proofs.entries.get()?;
    // A database that could not be read was tried all the same; one that is another's is told by group identity.
    if entries.is_empty() || case.snapshot().is_ok() {
        case.own()?;
    }
    Ok(case
        .subject
        .proofs
        .entries
        .known()
        .into_iter()
        .flatten()
        .filter(move |entry| entry.with == with))
}

/// The attempts that came to nothing, as one gap.
fn unanswered<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Gap> {
    let gaps: Vec<&Gap> = entries
        .filter_map(|entry| match &entry.outcome {
            Attempted::Unknown(gap) => Some(gap),
            _ => None,
        })
        .collect();
    gaps.first()
        .map(|first| Gap {
            reason: format!(
                "{} to log in got no answer: {}",
                count(gaps.len(), "attempt"),
                first.reason
            ),
            remedy: first.remedy.clone(),
        })
        .into_iter()
        .collect()
}

/// What was not answered, and what was not tried because this service's own credentials are not known.
fn gaps<'a>(case: &Case<'_>, entries: impl Iterator<Item = &'a Entry>) -> Vec<Gap> {
    let mut gaps = unanswered(entries);
    let service = case.subject.service;
    let is_own = service
        .endpoint()
        .is_none_or(|endpoint| service.role_name() == Some(endpoint.user.as_str()));
    if !is_own {
        gaps.push(Gap {
            reason: format!(
                "the URL of {} does not log in as its own role, so what its credentials open was not tried",
                service.name
            ),
            remedy: Some("give dbctl the URL that the service uses".to_owned()),
        });
    }
    if let Some(elsewhere) = case.elsewhere() {
        gaps.push(Gap {
            reason: format!(
                "the URL of {} names database {}, so who gets into database {} was not tried",
                service.name,
                ident(elsewhere),
                ident(service.database_name())
            ),
            remedy: Some("give dbctl the URL of the service's own database".to_owned()),
        });
    }
    gaps
}

const fn is_in(entry: &Entry) -> bool {
    matches!(
        entry.outcome,
        Attempted::Entered | Attempted::EnteredUnasked
    )
}

/// Whether the connection ends in a database that is not the service's, or would if it were let in: rules of group `identity` say so, and
/// whose log-in works there says nothing more.
fn is_astray(case: &Case<'_>) -> bool {
    case.elsewhere().is_some()
        || matches!(
            case.survey.place(),
            Ok(Place::WrongDatabase | Place::ForeignSchema(_) | Place::ForeignStamp(_))
        )
}

/// Whether the other service's own connection ends in this very database, which rules of group `identity` report.
fn is_at_home_here(case: &Case<'_>, entry: &Entry) -> bool {
    let place = |snapshot: &crate::snapshot::Snapshot| {
        let identity = &snapshot.identity;
        let identifier = identity.system_identifier.known().copied()?;
        Some((identifier, identity.database_oid))
    };
    let here = case.snapshot().ok().and_then(place);
    here.is_some()
        && case
            .others()
            .filter(|other| other.service.name == entry.service)
            .filter_map(|other| other.snapshot.as_ref().and_then(Fact::known))
            .any(|there| place(there) == here)
}

fn foreign_login(case: &Case<'_>) -> Verdict {
    let entries = attempts(case, Credentials::Own)?;
    let gaps = gaps(case, entries.clone());
    if is_astray(case) {
        return Ok(Outcome {
            findings: Vec::new(),
            gaps,
        });
    }
    // The role of both is told from the manifest, where it is in one server for certain.
    let is_one_role = |entry: &Entry| {
        let mut others = case.others();
        others.any(|it| {
            it.service.name == entry.service
                && share_a_role(case.subject, it) == Some(entry.role.as_str())
        })
    };
    let findings = entries
        .filter(|entry| is_in(entry) && !is_at_home_here(case, entry) && !is_in_one_database(case, entry) && !is_one_role(entry))
        .filter_map(|entry| {
            let (why, told) = reason(case, entry);
            if told {
                return None;
            }
            let unasked = if entry.outcome == Attempted::EnteredUnasked {
                "without being asked for a password (trust in pg_hba.conf)"
            } else {
                "with its own password"
            };
            let is_shared = case.subject.service.role_name() == Some(entry.role.as_str());
            if is_shared && is_told_by_the_other(case, entry) {
                return None;
            }
            let finding = FOREIGN_LOGIN
                .finding(
                    About::plain("role", &entry.role),
                    format!(
                        "role {} of {} logged in to database {} of {} {unasked}: {why}",
                        ident(&entry.role),
                        entry.service,
                        database(case),
                        case.name()
                    ),
                )
                .belongs_to(&entry.service)
                .saw("a refusal", format!("a session of role {}: {why}", ident(&entry.role)))
                .remedy(if is_shared {
                    own_role(case, entry)
                } else {
                    format!(
                        "REVOKE ALL ON DATABASE {} FROM {}; look at CONNECT of PUBLIC, at the role's memberships and attributes, and at pg_hba.conf.",
                        sql_ident(case.subject.service.database_name()),
                        sql_ident(&entry.role)
                    )
                })
                .evidence("login");
            Some(finding)
        })
        .collect();
    Ok(Outcome { findings, gaps })
}

/// What to do about a role that two services have: to take something from it would shut both out.
fn own_role(case: &Case<'_>, entry: &Entry) -> String {
    format!(
        "Take nothing from role {0}: {1} needs it. Give {1} or {2} another role in the manifest, CREATE ROLE it, make it the owner of the \
         service's database (ALTER DATABASE … OWNER TO …) and set the service's password; dbctl verify then names what is still {0}'s.",
        sql_ident(&entry.role),
        case.name(),
        entry.service
    )
}

/// Whether this service got into the other one's database by the same role: what concerns two is said once, at the later one.
fn is_told_by_the_other(case: &Case<'_>, entry: &Entry) -> bool {
    let (own, subjects) = (case.name(), &case.system.subjects);
    subjects
        .iter()
        .skip_while(|subject| subject.service.name != own)
        .filter(|later| later.service.name == entry.service)
        .filter_map(|later| later.proofs.entries.known())
        .flatten()
        .any(|theirs| theirs.service == own && theirs.with == Credentials::Own && is_in(theirs))
}

/// Whether both services' own sessions are in this very database: that is the cause, and group `identity` tells it.
fn is_in_one_database(case: &Case<'_>, entry: &Entry) -> bool {
    let live = case.subject.proofs.live.as_ref();
    live.is_some_and(|live| live.same_database.contains(&entry.service))
}

/// What let a role in, as far as the catalog tells, and whether another rule says so already.
fn reason(case: &Case<'_>, entry: &Entry) -> (String, bool) {
    let role = entry.role.as_str();
    if case.subject.service.role_name() == Some(role) {
        return (
            format!("both services log in as role {}", ident(role)),
            false,
        );
    }
    let Ok(snapshot) = case.own() else {
        return (
            "what let it in could not be read".to_owned(),
            owns_from_outside(case, entry),
        );
    };
    let access = &snapshot.access;
    let known = access.roles.iter().find(|known| known.name == role);
    if known.is_some_and(|known| known.superuser) {
        return (
            "it is a superuser".to_owned(),
            is_known_at_home(case, entry, |role| role.superuser),
        );
    }
    if access.database_owner == role {
        return ("it owns the database".to_owned(), true);
    }
    let is_in_group = |group: &str| {
        group == role || known.is_some_and(|known| known.member_of.iter().any(|name| name == group))
    };
    if let Some((grantee, _)) = access
        .database_grants
        .iter()
        .find(|(grantee, privilege)| privilege == "CONNECT" && is_in_group(grantee))
    {
        return (
            format!("role {} has CONNECT", ident(grantee)),
            service_of(case, role).is_some(),
        );
    }
    if access.public_connect {
        return ("PUBLIC has CONNECT".to_owned(), true);
    }
    if is_in_group(&access.database_owner) {
        return (
            format!("it is a member of role {}", ident(&access.database_owner)),
            is_known_at_home(case, entry, |_| true),
        );
    }
    ("nothing in the catalog says why".to_owned(), false)
}

/// Whether the role owns a database that its own service is not let into, itself or through groups: `access/database-owner` says so.
fn owns_from_outside(case: &Case<'_>, entry: &Entry) -> bool {
    let outside = case.subject.proofs.outside.as_ref();
    let Some(owner) = outside.and_then(|outside| outside.owner.as_ref()) else {
        return false;
    };
    *owner == entry.role
        || case
            .others()
            .filter(|other| other.service.name == entry.service)
            .filter_map(|other| other.snapshot.as_ref().and_then(Fact::known))
            .flat_map(|there| &there.access.roles)
            .any(|role| role.name == entry.role && role.member_of.contains(owner))
}

/// Whether the other service's own rules (`access/superuser`, `access/membership`) are about this very server, and see what its role is.
fn is_known_at_home(case: &Case<'_>, entry: &Entry, is: impl Fn(&Role) -> bool) -> bool {
    let identifier =
        |snapshot: &crate::snapshot::Snapshot| snapshot.identity.system_identifier.known().copied();
    let Ok(here) = case.snapshot().map(identifier) else {
        return false;
    };
    case.others()
        .filter(|other| other.service.name == entry.service)
        .filter_map(|other| other.snapshot.as_ref().and_then(Fact::known))
        .any(|there| {
            // Where a plain role may not read the identifier, the names decide.
            let is_elsewhere = here
                .zip(identifier(there))
                .is_some_and(|(here, there)| here != there);
            !is_elsewhere
                && there
                    .access
                    .roles
                    .iter()
                    .any(|role| role.name == entry.role && is(role))
        })
}

/// What a finding about a way in adds: who was really let in by it.
pub(super) fn proven(case: &Case<'_>, may: impl Fn(&str) -> bool) -> String {
    let Ok(entries) = attempts(case, Credentials::Own) else {
        return String::new();
    };
    let names: Vec<String> = entries
        .filter(|entry| is_in(entry) && may(&entry.role))
        .map(|entry| format!("role {} of {}", ident(&entry.role), entry.service))
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("; proven: {} logged in", names.join(", "))
    }
}

/// The databases that this service's role was really let into.
pub(super) fn proven_elsewhere(case: &Case<'_>) -> String {
    let own = case.name();
    let databases: Vec<String> = case
        .others()
        .filter(|other| {
            other.proofs.entries.known().is_some_and(|entries| {
                entries.iter().any(|entry| {
                    entry.with == Credentials::Own && entry.service == own && is_in(entry)
                })
            })
        })
        .map(|other| ident(other.service.database_name()))
        .collect();
    if databases.is_empty() {
        String::new()
    } else {
        format!("; proven: it logged in to {}", databases.join(", "))
    }
}

pub(in crate::rules) const SHARED_PASSWORD: Rule = Rule {
    id: "access/shared-password",
    severity: Severity::Error,
    summary: "Has the service's role a password that no other service has?",
    help: include_str!("../help/access-shared-password.md"),
    scope: Scope::Database,
    check: shared_password,
};

fn shared_password(case: &Case<'_>) -> Verdict {
    let entries = attempts(case, Credentials::Password)?;
    let gaps = gaps(case, entries.clone());
    if is_astray(case) {
        return Ok(Outcome {
            findings: Vec::new(),
            gaps,
        });
    }
    let service = case.subject.service;
    let role = service.role_name().unwrap_or_default();
    let others: Vec<(&str, &str, &str)> = entries
        .filter(|entry| entry.outcome == Attempted::Entered)
        .map(|entry| (entry.service.as_str(), "logs in with", "login"))
        .chain(
            same_in_manifest(case)
                .into_iter()
                .map(|other| (other, "is configured with", "manifest")),
        )
        .collect();
    let findings = others
        .into_iter()
        .map(|(other, how, evidence)| {
            let theirs = case
                .others()
                .find(|subject| subject.service.name == other)
                .and_then(|subject| subject.service.role_name())
                .unwrap_or_default();
            SHARED_PASSWORD
                .finding(
                    About::plain("role", role),
                    format!(
                        "role {} of {} {how} the password of role {} of {other} at database {}",
                        ident(role),
                        service.name,
                        ident(theirs),
                        database(case)
                    ),
                )
                .belongs_to(other)
                .saw(
                    "a password of its own",
                    format!("the password of {}", ident(theirs)),
                )
                .remedy(format!(
                    "In psql: \\password {}; then set the new one for {} and for dbctl.",
                    sql_ident(role),
                    service.name
                ))
                .evidence(evidence)
        })
        .collect();
    Ok(Outcome { findings, gaps })
}

/// Earlier services that the manifest gives the same password: what concerns two is said once, at the later one.
fn same_in_manifest<'a>(case: &Case<'a>) -> Vec<&'a str> {
    let password = |service: &'a crate::manifest::Service| {
        let endpoint = service.endpoint()?;
        endpoint.password_for(endpoint.hosts.first()?)
    };
    let user = |service: &'a crate::manifest::Service| {
        service.endpoint().map(|endpoint| endpoint.user.as_str())
    };
    let Some(own) = password(case.subject.service) else {
        return Vec::new();
    };
    case.system
        .subjects
        .iter()
        .take_while(|subject| subject.service.name != case.subject.service.name)
        // One role for both is no matter of passwords: identity, or the log-in itself, tells it.
        .filter(|earlier| user(earlier.service) != user(case.subject.service))
        .filter(|earlier| password(earlier.service) == Some(own))
        .map(|earlier| earlier.service.name.as_str())
        .collect()
}
