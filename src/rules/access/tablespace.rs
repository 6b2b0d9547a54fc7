//! Tablespaces that several services use or may use.

use super::cluster::is_looked_at;
use super::reach::Reach;
use super::{service_of, speaks_first};
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::privileges::Tablespace;

pub(in crate::rules) const TABLESPACE: Rule = Rule {
    id: "access/tablespace",
    severity: Severity::Error,
    summary: "Has every service's database a tablespace of its own?",
    help: include_str!("../help/access-tablespace.md"),
    scope: Scope::Database,
    check: tablespace,
};

fn tablespace(case: &Case<'_>) -> Verdict {
    let reach = Reach::new(case)?;
    let mut findings = Vec::new();
    for space in &reach.privileges.tablespaces {
        if !space.made {
            let grantees = space.grantees.iter();
            findings.extend(
                grantees.filter_map(|to| granted_of_server(case, &reach, space, to.as_deref())),
            );
            findings.extend(owned_of_server(case, space));
            continue;
        }
        findings.extend(shared_by(case, space));
        findings.extend(owned(case, space));
        for grantee in &space.grantees {
            findings.extend(granted(case, &reach, space, grantee.as_deref()));
        }
    }
    Ok(findings.into())
}

/// The other services whose databases are in a tablespace.
fn users<'a>(case: &Case<'a>, space: &Tablespace) -> Vec<&'a Subject<'a>> {
    case.others()
        .filter(|other| uses(other.service.database_name(), space))
        .collect()
}

fn uses(name: &str, space: &Tablespace) -> bool {
    !name.is_empty() && space.databases.iter().any(|database| database == name)
}

/// A tablespace that holds databases of several services: said by the last of them that was looked at.
fn shared_by(case: &Case<'_>, space: &Tablespace) -> Option<Finding> {
    let own = case.subject.service.database_name();
    let users = users(case, space);
    if !uses(own, space) || users.is_empty() {
        return None;
    }
    let later = case
        .system
        .subjects
        .iter()
        .skip_while(|subject| subject.service.name != case.name())
        .skip(1)
        .any(|subject| is_looked_at(subject) && uses(subject.service.database_name(), space));
    if later {
        return None;
    }
    let all: Vec<String> = users
        .iter()
        .map(|user| {
            format!(
                "database {} of {}",
                ident(user.service.database_name()),
                user.service.name
            )
        })
        .collect();
    let finding = TABLESPACE
        .finding(
            About::plain("tablespace", &space.name),
            format!(
                "tablespace {} holds database {} of {} and {}",
                ident(&space.name),
                ident(own),
                case.name(),
                all.join(", ")
            ),
        )
        .saw(
            "a tablespace for each service, or pg_default",
            all.join(", "),
        )
        .remedy(format!(
            "While nobody is connected: ALTER DATABASE {} SET TABLESPACE pg_default;",
            sql_ident(own)
        ));
    Some(match users.first() {
        Some(user) => finding.belongs_to(&user.service.name),
        None => finding,
    })
}

/// A tablespace with this service's database in it that belongs to another service.
fn owned(case: &Case<'_>, space: &Tablespace) -> Option<Finding> {
    let own = case.subject.service.database_name();
    // One that several services share has a finding already.
    let alone = uses(own, space) && users(case, space).is_empty();
    let service = service_of(case, &space.owner).filter(|_| alone)?;
    let finding = TABLESPACE
        .finding(
            About::plain("tablespace", &space.name),
            format!(
                "tablespace {}, which holds database {} of {}, is owned by role {} of {service}, which may rename it and keep its files",
                ident(&space.name),
                ident(own),
                case.name(),
                ident(&space.owner)
            ),
        )
        .belongs_to(service)
        .saw(
            "a tablespace of the service or of an administrator",
            format!("owner {}", ident(&space.owner)),
        )
        .remedy(format!(
            "ALTER TABLESPACE {} OWNER TO {};",
            sql_ident(&space.name),
            sql_ident(case.subject.service.role_name().unwrap_or_default())
        ));
    Some(finding)
}

/// A right to create in one of the server's own tablespaces, which is everybody's: initdb gives it to nobody.
fn granted_of_server(
    case: &Case<'_>,
    reach: &Reach<'_, '_>,
    space: &Tablespace,
    grantee: Option<&str>,
) -> Option<Finding> {
    let who = match grantee {
        None if speaks_first(case) => "PUBLIC".to_owned(),
        Some(name) => {
            let role = case.subject.service.role_name()?;
            let member = reach.members(name).contains(&role);
            match member {
                _ if name == role => format!("role {} of {}", ident(name), case.name()),
                true => format!(
                    "role {}, which role {} of {} is a member of,",
                    ident(name),
                    ident(role),
                    case.name()
                ),
                false => return None,
            }
        }
        None => return None,
    };
    let name = ident(&space.name);
    let finding = TABLESPACE
        .finding(
            About::plain("tablespace", &space.name),
            format!("{who} has CREATE on tablespace {name}, which is the server's own"),
        )
        .severity(Severity::Warning)
        .saw(
            format!("CREATE on {name} for nobody but its owner"),
            format!("CREATE for {who}"),
        )
        .remedy(revoke(space, grantee));
    Some(finding)
}

/// One of the server's own tablespaces in the service's hands.
fn owned_of_server(case: &Case<'_>, space: &Tablespace) -> Option<Finding> {
    let role = case.subject.service.role_name()?;
    let own = space.owner == role;
    own.then(|| {
        TABLESPACE
            .finding(
                About::plain("tablespace", &space.name),
                format!(
                    "role {} of {} owns tablespace {}, which is the server's own",
                    ident(role),
                    case.name(),
                    ident(&space.name)
                ),
            )
            .saw(
                "an administrator's tablespace",
                format!("owner {}", ident(role)),
            )
            .remedy(format!(
                "As a superuser: ALTER TABLESPACE {} OWNER TO CURRENT_USER;",
                sql_ident(&space.name)
            ))
    })
}

fn revoke(space: &Tablespace, grantee: Option<&str>) -> String {
    format!(
        "REVOKE CREATE ON TABLESPACE {} FROM {};",
        sql_ident(&space.name),
        grantee.map_or_else(|| "PUBLIC".to_owned(), sql_ident)
    )
}

/// A right to create in a tablespace, where it concerns more than one service.
fn granted(
    case: &Case<'_>,
    reach: &Reach<'_, '_>,
    space: &Tablespace,
    grantee: Option<&str>,
) -> Option<Finding> {
    let own = case.subject.service.database_name();
    let role = case.subject.service.role_name();
    let here = uses(own, space);
    let users = users(case, space);
    let (who, severity, service) = match grantee {
        None if here => ("PUBLIC".to_owned(), Severity::Error, None),
        None if users.is_empty() && speaks_first(case) => {
            ("PUBLIC".to_owned(), Severity::Warning, None)
        }
        None => return None,
        // The service's own right to what is not its own, unless the service that uses it says so.
        Some(name) if Some(name) == role => {
            if here || users.iter().any(|user| is_looked_at(user)) {
                return None;
            }
            let who = format!("role {} of {}", ident(name), case.name());
            (who, Severity::Error, None)
        }
        Some(name) if here => {
            let service = service_of(case, name);
            let severity = if service.is_some() {
                Severity::Error
            } else {
                Severity::Warning
            };
            if reach.is_own(name) || reach.is_superuser(name) {
                return None;
            }
            let whose = service.map_or_else(
                || ", which is no service's,".to_owned(),
                |service| format!(" of {service}"),
            );
            (format!("role {}{whose}", ident(name)), severity, service)
        }
        Some(_) => return None,
    };
    let place = if here {
        format!("which holds database {} of {}", ident(own), case.name())
    } else {
        format!(
            "which is not that of database {} of {}",
            ident(own),
            case.name()
        )
    };
    let to = grantee.map_or_else(|| "PUBLIC".to_owned(), sql_ident);
    let mut finding = TABLESPACE
        .finding(
            About::plain("tablespace", &space.name),
            format!(
                "{who} has CREATE on tablespace {}, {place}",
                ident(&space.name)
            ),
        )
        .severity(severity)
        .saw(
            "CREATE for whose database is in it",
            format!("CREATE for {to}"),
        )
        .remedy(revoke(space, grantee));
    finding.belongs_to = service.map(str::to_owned);
    Some(finding)
}
