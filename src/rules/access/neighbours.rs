//! The server's other roles, and how the service's own proves who it is.

use super::role::own_role;
use super::{database, is_shared, service_of, unreached};
use crate::rules::skeleton::look;
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Finding, Outcome, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::privileges::PasswordKind;
use crate::snapshot::{Gap, HbaLine};

pub(in crate::rules) const FOREIGN_ROLE: Rule = Rule {
    id: "access/foreign-role",
    severity: Severity::Error,
    summary: "Has a server of one service no role of another one?",
    help: include_str!("../help/access-foreign-role.md"),
    scope: Scope::Database,
    check: foreign_role,
};

fn foreign_role(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    let roles = &snapshot.privileges.get()?.roles;
    // In a shared server the roles of all services are at home.
    if is_shared(case, &snapshot.access) {
        return Ok(Vec::new().into());
    }
    let findings = roles
        .iter()
        // Every server has one of this name.
        .filter(|role| role.name != "postgres")
        .filter_map(|role| {
            let service = service_of(case, &role.name)?;
            Some(
                FOREIGN_ROLE
                    .finding(
                        About::plain("role", &role.name),
                        format!(
                            "role {} of {service} exists on the server of database {} of {}, which {} has for itself",
                            ident(&role.name),
                            database(case),
                            case.name(),
                            case.name()
                        ),
                    )
                    .belongs_to(service)
                    .saw(format!("no role of {service}"), format!("role {}", ident(&role.name)))
                    .remedy(format!(
                        "See what it owns and holds in each database (\\drds, \\ddp, REASSIGN OWNED). Then: DROP ROLE {};",
                        sql_ident(&role.name)
                    )),
            )
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

pub(in crate::rules) const LOOK_ALIKE_ROLE: Rule = Rule {
    id: "access/look-alike-role",
    severity: Severity::Error,
    summary: "Is there no role whose name can be taken for the service's?",
    help: include_str!("../help/access-look-alike-role.md"),
    scope: Scope::Database,
    check: look_alike_role,
};

fn look_alike_role(case: &Case<'_>) -> Verdict {
    let roles = &case.own()?.privileges.get()?.roles;
    let own = case
        .subject
        .service
        .role_name()
        .ok_or_else(|| Gap::new("the manifest names no role for this service"))?;
    let findings = roles
        .iter()
        .filter(|role| {
            role.login
                && role.name != own
                && look(&role.name) == look(own)
                && service_of(case, &role.name).is_none()
        })
        .map(|role| {
            LOOK_ALIKE_ROLE
                .finding(
                    About::plain("role", &role.name),
                    format!(
                        "role {} may log in to the server of database {} and can be taken for role {} of {}",
                        ident(&role.name),
                        database(case),
                        ident(own),
                        case.name()
                    ),
                )
                .saw(format!("role {} alone", ident(own)), format!("role {} as well", ident(&role.name)))
                .remedy(format!(
                    "Find out who made it, and what it owns and holds. Then: DROP ROLE {};",
                    sql_ident(&role.name)
                ))
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

pub(in crate::rules) const WEAK_PASSWORD: Rule = Rule {
    id: "access/weak-password",
    severity: Severity::Warning,
    summary: "Is the service's password stored as a SCRAM-SHA-256 verifier?",
    help: include_str!("../help/access-weak-password.md"),
    scope: Scope::Database,
    check: weak_password,
};

fn weak_password(case: &Case<'_>) -> Verdict {
    if let (Some(outside), Err(gap)) = (&case.subject.proofs.outside, case.own()) {
        return Ok(Outcome {
            findings: weak(case, case.subject, &outside.stored)
                .into_iter()
                .collect(),
            gaps: vec![gap],
        });
    }
    let snapshot = case.own()?;
    let role = &own_role(case, &snapshot.access)?.name;
    let passwords = &snapshot.privileges.get()?.passwords;
    let stored = match passwords.stored.get() {
        Ok(stored) => stored,
        Err(_) if passwords.proved.as_ref() == Some(role) => return Ok(Vec::new().into()),
        Err(gap) => {
            // Where no log-in works without one, the log-in was the proof.
            let lines = snapshot.access.hba.get()?;
            let scram = |line: &HbaLine| matches!(line.method.as_str(), "scram-sha-256" | "reject");
            if snapshot.identity.session_user == *role && lines.iter().all(scram) {
                return Ok(Vec::new().into());
            }
            return Err(gap);
        }
    };
    let mut findings = Vec::new();
    findings.extend(weak(case, case.subject, stored));
    // A server that asks for SCRAM lets nobody in whose password is stored otherwise.
    let unreached = unreached(case, &snapshot.access);
    findings.extend(unreached.filter_map(|other| weak(case, other, stored)));
    Ok(findings.into())
}

/// The finding for the role of one service.
fn weak(
    case: &Case<'_>,
    subject: &Subject<'_>,
    stored: &[(String, PasswordKind)],
) -> Option<Finding> {
    let service = subject.service;
    let role = service.role_name()?;
    let (_, kind) = stored.iter().find(|(name, _)| name == role)?;
    let with_password = service
        .endpoint()
        .is_some_and(|endpoint| endpoint.password.is_some());
    let what = match kind {
        PasswordKind::Md5 => "an md5 password, whose hash is enough to log in",
        // Without a password in the manifest the role proves itself otherwise: by peer, by a certificate.
        PasswordKind::None if with_password => {
            "no password: no log-in asks for the one in the manifest"
        }
        _ => return None,
    };
    let mut finding = WEAK_PASSWORD
        .finding(
            About::plain("role", role),
            format!(
                "role {} of {} on the server of database {} has {what}",
                ident(role),
                service.name,
                database(case)
            ),
        )
        .saw("a SCRAM-SHA-256 verifier", what)
        .remedy(format!(
            "SET password_encryption = 'scram-sha-256'; then give it its password again: `dbctl provision --service {}`, or in psql \\password {}",
            service.name,
            sql_ident(role)
        ));
    if service.name != case.name() {
        finding.belongs_to = Some(service.name.clone());
    }
    Some(finding)
}
