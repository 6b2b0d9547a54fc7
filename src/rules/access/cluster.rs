//! What the whole server gives away: parameters, templates, streams of the write-ahead log, sessions.

use super::reach::Reach;
use super::revoke::taken_back;
use super::{database, service_of, speaks_first};
use crate::report::text::one_line;
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::Gap;

pub(in crate::rules) const PARAMETER_GRANT: Rule = Rule {
    id: "access/parameter-grant",
    severity: Severity::Error,
    summary: "May the service's role change no setting of the whole server?",
    help: include_str!("../help/access-parameter-grant.md"),
    scope: Scope::Database,
    check: parameter_grant,
};

fn parameter_grant(case: &Case<'_>) -> Verdict {
    let reach = Reach::new(case)?;
    let role = case.subject.service.role_name().unwrap_or_default();
    let first = speaks_first(case);
    let findings = reach
        .privileges
        .parameters
        .iter()
        .filter_map(|grant| {
            let who = match grant.grantee.as_deref() {
                None if first => "PUBLIC".to_owned(),
                Some(grantee) if grantee == role => {
                    format!("role {} of {}", ident(role), case.name())
                }
                Some(grantee) if reach.members(grantee).contains(&role) => format!(
                    "role {}, which role {} of {} is a member of,",
                    ident(grantee),
                    ident(role),
                    case.name()
                ),
                _ => return None,
            };
            let list = grant.privileges.join(", ");
            let to = grant
                .grantee
                .as_deref()
                .map_or_else(|| "PUBLIC".to_owned(), sql_ident);
            let name = one_line(&grant.parameter);
            Some(
                PARAMETER_GRANT
                    .finding(
                        About::plain("parameter", &grant.parameter),
                        format!(
                            "{who} has {list} on parameter {name} of the server of database {}",
                            database(case)
                        ),
                    )
                    .saw(
                        "parameters for superusers alone",
                        format!("{list} on {name} for {to}"),
                    )
                    .remedy(taken_back(
                        &list,
                        &format!("PARAMETER {name}"),
                        &to,
                        Some(&grant.given),
                    )),
            )
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

pub(in crate::rules) const TEMPLATE_DATABASE: Rule = Rule {
    id: "access/template-database",
    severity: Severity::Error,
    summary: "Can nobody copy the database as a template?",
    help: include_str!("../help/access-template-database.md"),
    scope: Scope::Database,
    check: template_database,
};

fn template_database(case: &Case<'_>) -> Verdict {
    if !case.own()?.privileges.get()?.template {
        return Ok(Vec::new().into());
    }
    let name = case.subject.service.database_name();
    let finding = TEMPLATE_DATABASE
        .finding(
            About::plain("database", name),
            format!(
                "database {} of {} is a template: every role with CREATEDB can copy it, rows and all",
                database(case),
                case.name()
            ),
        )
        .saw("an ordinary database", "IS_TEMPLATE true")
        .remedy(format!("ALTER DATABASE {} IS_TEMPLATE false;", sql_ident(name)));
    Ok(vec![finding].into())
}

pub(in crate::rules) const STREAMING_STANDBY: Rule = Rule {
    id: "access/streaming-standby",
    severity: Severity::Warning,
    summary: "Does nobody copy the whole server by streaming?",
    help: include_str!("../help/access-streaming-standby.md"),
    scope: Scope::Database,
    check: streaming_standby,
};

fn streaming_standby(case: &Case<'_>) -> Verdict {
    let privileges = case.own()?.privileges.get()?;
    let Some(first) = privileges.standbys.first() else {
        return Ok(Vec::new().into());
    };
    if !speaks_first(case) {
        return Ok(Vec::new().into());
    }
    let all: Vec<String> = privileges
        .standbys
        .iter()
        .map(|standby| format!("{} (role {})", ident(&standby.name), ident(&standby.role)))
        .collect();
    let finding = STREAMING_STANDBY
        .finding(
            About::plain("standby", &first.name),
            format!(
                "the server of database {} of {} streams its write-ahead log, which holds every database, to {}",
                database(case),
                case.name(),
                all.join(", ")
            ),
        )
        .saw("no receiver that nobody declared", all.join(", "))
        .remedy("A replica that is wanted is accepted with an [[allow]] entry. Otherwise stop it, drop its slot, and take REPLICATION from its role.");
    Ok(vec![finding].into())
}

pub(in crate::rules) const FOREIGN_SESSION: Rule = Rule {
    id: "access/foreign-session",
    severity: Severity::Error,
    summary: "Is no other service connected to the database right now?",
    help: include_str!("../help/access-foreign-session.md"),
    scope: Scope::Database,
    check: foreign_session,
};

fn foreign_session(case: &Case<'_>) -> Verdict {
    let privileges = case.own()?.privileges.get()?;
    let name = case.subject.service.database_name();
    let findings = privileges
        .sessions
        .iter()
        .filter_map(|(role, sessions)| {
            let service = service_of(case, role)?;
            let many = crate::report::text::count(usize::try_from(*sessions).unwrap_or(usize::MAX), "session");
            Some(
                FOREIGN_SESSION
                    .finding(
                        About::plain("role", role),
                        format!(
                            "role {} of {service} has {many} in database {} of {}",
                            ident(role),
                            database(case),
                            case.name()
                        ),
                    )
                    .belongs_to(service)
                    .saw(format!("no session of {service}"), many)
                    .remedy(format!(
                        "Point {service} at its own database. Then: REVOKE ALL ON DATABASE {} FROM {}; \
                         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = {};",
                        sql_ident(name),
                        sql_ident(role),
                        crate::rules::text::sql_literal(role)
                    ))
                    .evidence("activity"),
            )
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// Whether a service's database was read in this run.
pub(super) fn is_looked_at(subject: &Subject<'_>) -> bool {
    subject
        .snapshot
        .as_ref()
        .is_some_and(|fact| fact.known().is_some())
}

pub(in crate::rules) const OWNS_ELSEWHERE: Rule = Rule {
    id: "access/owns-elsewhere",
    severity: Severity::Error,
    summary: "Does the service's role own nothing in other databases?",
    help: include_str!("../help/access-owns-elsewhere.md"),
    scope: Scope::Database,
    check: owns_elsewhere,
};

fn owns_elsewhere(case: &Case<'_>) -> Verdict {
    let privileges = case.own()?.privileges.get()?;
    let role = case
        .subject
        .service
        .role_name()
        .ok_or_else(|| Gap::new("the manifest names no role for this service"))?;
    let findings = privileges
        .owned_elsewhere
        .iter()
        .filter(|owned| owned.role == role && owned.database_owner != role)
        .filter_map(|owned| {
            let other = case
                .others()
                .find(|other| other.service.database_name() == owned.database);
            // What was looked at speaks for itself: access/object-owner and drift/unknown-object name what it is.
            if other.is_some_and(is_looked_at) {
                return None;
            }
            let whose = other.map_or_else(
                || ", which is no service's".to_owned(),
                |other| format!(" of {}", other.service.name),
            );
            let many = crate::report::text::count(
                usize::try_from(owned.objects).unwrap_or(usize::MAX),
                "object",
            );
            let mut finding = OWNS_ELSEWHERE
                .finding(
                    About::plain("role", role),
                    format!(
                        "role {} of {} owns {many} in database {}{whose}",
                        ident(role),
                        case.name(),
                        ident(&owned.database)
                    ),
                )
                .severity(if other.is_some() {
                    Severity::Error
                } else {
                    Severity::Warning
                })
                .saw(
                    format!("objects in database {} alone", database(case)),
                    format!("{many} in database {}", ident(&owned.database)),
                )
                .remedy(format!(
                    "In database {}: REASSIGN OWNED BY {} TO {};",
                    ident(&owned.database),
                    sql_ident(role),
                    sql_ident(&owned.database_owner)
                ));
            finding.belongs_to = other.map(|other| other.service.name.clone());
            Some(finding)
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}
