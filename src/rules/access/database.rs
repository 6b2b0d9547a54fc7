//! Privileges on the database and on schema `public`.

use std::collections::BTreeMap;

use super::login::proven;
use super::revoke::taken_back;
use super::{database, is_shared, neighbour, service_beside, service_of, unreached};
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Finding, Outcome, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::{Access, Gap};

pub(in crate::rules) const DATABASE_OWNER: Rule = Rule {
    id: "access/database-owner",
    severity: Severity::Error,
    summary: "Is the database owned by the service's role?",
    help: include_str!("../help/access-database-owner.md"),
    scope: Scope::Database,
    check: database_owner,
};

fn database_owner(case: &Case<'_>) -> Verdict {
    if let (Some(outside), Err(gap)) = (&case.subject.proofs.outside, case.own()) {
        let owner = outside.owner.as_ref();
        return Ok(Outcome {
            findings: owner
                .and_then(|owner| not_the_owner(case, case.subject, owner))
                .into_iter()
                .collect(),
            gaps: vec![gap],
        });
    }
    let access = &case.own()?.access;
    if case.subject.service.role_name().is_none() {
        return Err(Gap::new("the manifest names no role for this service"));
    }
    let mut findings = Vec::new();
    findings.extend(not_the_owner(case, case.subject, &access.database_owner));
    // Another owner often means that the service's role is not let in any more.
    findings.extend(unreached(case, access).filter_map(|other| {
        let mut all = access.databases.iter().zip(&access.database_owners);
        let (_, owner) = all.find(|(name, _)| *name == other.service.database_name())?;
        not_the_owner(case, other, owner)
    }));
    Ok(findings.into())
}

/// The finding for the database of one service.
fn not_the_owner(case: &Case<'_>, subject: &Subject<'_>, owner: &str) -> Option<Finding> {
    let service = subject.service;
    let role = service.role_name().filter(|role| *role != owner)?;
    let whose = service_beside(case, subject, owner);
    let group = (service.name == case.name())
        .then(|| super::owner::group(case, owner))
        .flatten();
    let who = match (whose, &group) {
        (Some(whose), _) => format!("role {} of {whose}", ident(owner)),
        (None, Some((words, _))) => words.clone(),
        (None, None) => format!("role {}", ident(owner)),
    };
    let mut finding = DATABASE_OWNER
        .finding(
            About::plain("database", service.database_name()),
            format!(
                "database {} of {} is owned by {who}, not by role {}",
                ident(service.database_name()),
                service.name,
                ident(role)
            ),
        )
        .saw(
            format!("owner {}", ident(role)),
            format!(
                "owner {}{}",
                ident(owner),
                proven(case, |role| role == owner)
            ),
        )
        .remedy(format!(
            "ALTER DATABASE {} OWNER TO {};",
            sql_ident(service.database_name()),
            sql_ident(role)
        ));
    let other = (service.name != case.name()).then_some(service.name.as_str());
    let through = group.as_ref().map(|(_, service)| service.as_str());
    finding.belongs_to = whose.or(through).or(other).map(str::to_owned);
    Some(finding)
}

pub(in crate::rules) const PUBLIC_CONNECT: Rule = Rule {
    id: "access/public-connect",
    severity: Severity::Error,
    summary: "May every role of the server connect to the database?",
    help: include_str!("../help/access-public-connect.md"),
    scope: Scope::Database,
    check: public_connect,
};

fn public_connect(case: &Case<'_>) -> Verdict {
    let access = &case.own()?.access;
    if !access.public_connect {
        return Ok(Vec::new().into());
    }
    let temporary = temporary(access);
    let beside = neighbour(case, access).map_or_else(String::new, |other| {
        format!("; database {} is in the same server", ident(other))
    });
    let name = case.subject.service.database_name();
    let finding = PUBLIC_CONNECT
        .finding(
            About::plain("database", name),
            format!(
                "PUBLIC may connect{} to database {} of {}{beside}",
                if temporary {
                    ", and create temporary tables,"
                } else {
                    ""
                },
                database(case),
                case.name()
            ),
        )
        .severity(if is_shared(case, access) {
            Severity::Error
        } else {
            Severity::Warning
        })
        .saw(
            "CONNECT for the owner alone",
            format!("CONNECT for PUBLIC{}", proven(case, |_| true)),
        )
        .remedy(format!(
            "REVOKE CONNECT{} ON DATABASE {} FROM PUBLIC;",
            if temporary { ", TEMPORARY" } else { "" },
            sql_ident(name)
        ));
    Ok(vec![finding].into())
}

/// Whether PUBLIC may create temporary tables: together with CONNECT that is PostgreSQL's default, and one cause.
fn temporary(access: &Access) -> bool {
    access
        .public_database
        .iter()
        .any(|privilege| is_temporary(privilege))
}

fn is_temporary(privilege: &str) -> bool {
    matches!(
        privilege.to_ascii_uppercase().as_str(),
        "TEMP" | "TEMPORARY"
    )
}

pub(in crate::rules) const PUBLIC_DATABASE: Rule = Rule {
    id: "access/public-database",
    severity: Severity::Warning,
    summary: "May every role create schemas or temporary tables in the database?",
    help: include_str!("../help/access-public-database.md"),
    scope: Scope::Database,
    check: public_database,
};

fn public_database(case: &Case<'_>) -> Verdict {
    let access = &case.own()?.access;
    let privileges: Vec<&str> = access
        .public_database
        .iter()
        .filter(|privilege| !privilege.eq_ignore_ascii_case("CONNECT"))
        .filter(|privilege| !(access.public_connect && is_temporary(privilege)))
        .map(String::as_str)
        .collect();
    if privileges.is_empty() {
        return Ok(Vec::new().into());
    }
    let list = privileges.join(", ");
    let name = case.subject.service.database_name();
    let finding = PUBLIC_DATABASE
        .finding(
            About::plain("database", name),
            format!(
                "PUBLIC has {list} on database {} of {}",
                database(case),
                case.name()
            ),
        )
        .saw("no privilege of PUBLIC", list.clone())
        .remedy(format!(
            "REVOKE {list} ON DATABASE {} FROM PUBLIC;",
            sql_ident(name)
        ));
    Ok(vec![finding].into())
}

pub(in crate::rules) const FOREIGN_CONNECT: Rule = Rule {
    id: "access/foreign-connect",
    severity: Severity::Error,
    summary: "Has another service's role a privilege on the database?",
    help: include_str!("../help/access-foreign-connect.md"),
    scope: Scope::Database,
    check: foreign_connect,
};

fn foreign_connect(case: &Case<'_>) -> Verdict {
    let access = &case.own()?.access;
    let mut by_role: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (role, privilege) in &access.database_grants {
        by_role.entry(role).or_default().push(privilege);
    }
    let name = case.subject.service.database_name();
    let findings = by_role
        .into_iter()
        .filter_map(|(grantee, privileges)| {
            let (role, service) = holder(case, access, grantee)?;
            let list = privileges.join(", ");
            let through = if role == grantee {
                String::new()
            } else {
                format!(" through role {}", ident(grantee))
            };
            let finding = FOREIGN_CONNECT
                .finding(
                    About::plain("database", name),
                    format!(
                        "role {} of {service} has {list} on database {} of {}{through}",
                        ident(role),
                        database(case),
                        case.name()
                    ),
                )
                .belongs_to(service)
                .saw(
                    format!("no privilege of {service}"),
                    format!(
                        "{list} for {}{}",
                        ident(grantee),
                        proven(case, |name| name == role)
                    ),
                )
                .remedy(taken_back(
                    &list,
                    &format!("DATABASE {}", sql_ident(name)),
                    &sql_ident(grantee),
                    access.given.get(&(true, grantee.to_owned())),
                ));
            Some(finding)
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// The role of another service that a grant reaches, itself or as a member of the grantee.
fn holder<'a>(case: &Case<'a>, access: &'a Access, grantee: &'a str) -> Option<(&'a str, &'a str)> {
    if let Some(service) = service_of(case, grantee) {
        return Some((grantee, service));
    }
    access
        .roles
        .iter()
        // A superuser is a member of everything by definition; access/superuser speaks of it.
        .filter(|role| !role.superuser && role.member_of.iter().any(|group| group == grantee))
        .find_map(|role| Some((role.name.as_str(), service_of(case, &role.name)?)))
}

pub(in crate::rules) const PUBLIC_SCHEMA_CREATE: Rule = Rule {
    id: "access/public-schema-create",
    severity: Severity::Error,
    summary: "May anyone but the service create objects in schema public?",
    help: include_str!("../help/access-public-schema-create.md"),
    scope: Scope::Database,
    check: public_schema_create,
};

fn public_schema_create(case: &Case<'_>) -> Verdict {
    let access = &case.own()?.access;
    let findings = access
        .public_schema
        .iter()
        .filter(|(_, privilege)| privilege.eq_ignore_ascii_case("CREATE"))
        .filter_map(|(grantee, _)| {
            let everyone = grantee == "PUBLIC";
            let holder = if everyone {
                None
            } else {
                Some(holder(case, access, grantee)?)
            };
            let whose = holder.map_or_else(String::new, |(role, service)| {
                if role == grantee {
                    format!(" of {service}")
                } else {
                    format!(", which role {} of {service} is a member of,", ident(role))
                }
            });
            let who = if everyone {
                "PUBLIC".to_owned()
            } else {
                format!("role {}", ident(grantee))
            };
            let mut finding = PUBLIC_SCHEMA_CREATE
                .finding(
                    About::plain("schema", "public"),
                    format!(
                        "{who}{whose} has CREATE on schema public of database {} of {}",
                        database(case),
                        case.name()
                    ),
                )
                .saw(
                    format!("CREATE for {} alone", case.name()),
                    format!("CREATE for {who}"),
                )
                .remedy(format!(
                    "In database {}: {}",
                    database(case),
                    taken_back(
                        // What it may look up there would be the next finding.
                        if !everyone
                            && access
                                .public_schema
                                .contains(&(grantee.clone(), "USAGE".to_owned()))
                        {
                            "CREATE, USAGE"
                        } else {
                            "CREATE"
                        },
                        "SCHEMA public",
                        &if everyone {
                            "PUBLIC".to_owned()
                        } else {
                            sql_ident(grantee)
                        },
                        access.given.get(&(false, grantee.clone())),
                    )
                ));
            finding.belongs_to = holder.map(|(_, service)| service.to_owned());
            Some(finding)
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}
