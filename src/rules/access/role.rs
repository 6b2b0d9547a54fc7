//! The service's own role, and how roles log in.

use super::login::proven_elsewhere;
use super::{database, is_shared, speaks_first};
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::{Access, Gap, HbaLine, Role};

/// The service's role as the server knows it.
pub(super) fn own_role<'a>(case: &Case<'a>, access: &'a Access) -> Result<&'a Role, Gap> {
    let name = case
        .subject
        .service
        .role_name()
        .ok_or_else(|| Gap::new("the manifest names no role for this service"))?;
    access
        .roles
        .iter()
        .find(|role| role.name == name)
        .ok_or_else(|| Gap {
            reason: format!(
                "role {} does not exist on this server or may not log in",
                ident(name)
            ),
            remedy: Some(format!("dbctl provision --service {}", case.name())),
        })
}

pub(in crate::rules) const SUPERUSER: Rule = Rule {
    id: "access/superuser",
    severity: Severity::Error,
    summary: "Has the service's role powers that reach beyond its database?",
    help: include_str!("../help/access-superuser.md"),
    scope: Scope::Database,
    check: superuser,
};

fn superuser(case: &Case<'_>) -> Verdict {
    let access = &case.own()?.access;
    let role = own_role(case, access)?;
    let all = [
        (role.superuser, "SUPERUSER"),
        (role.createdb, "CREATEDB"),
        (role.createrole, "CREATEROLE"),
        (role.replication, "REPLICATION"),
        (role.bypassrls, "BYPASSRLS"),
    ];
    let held: Vec<&str> = all
        .iter()
        .filter(|(held, _)| *held)
        .map(|(_, name)| *name)
        .collect();
    if held.is_empty() {
        return Ok(Vec::new().into());
    }
    // SUPERUSER contains the rest: a stock container's role has all five.
    let shown = if role.superuser {
        "SUPERUSER".to_owned()
    } else {
        held.join(", ")
    };
    let shared = is_shared(case, access);
    let revoke: Vec<String> = held.iter().map(|name| format!("NO{name}")).collect();
    let finding = SUPERUSER
        .finding(
            About::plain("role", &role.name),
            format!(
                "role {} of {} has {shown}{}",
                ident(&role.name),
                case.name(),
                if shared {
                    " in a server that other services use".to_owned()
                } else {
                    format!(" in the server of database {}", database(case))
                }
            ),
        )
        .severity(if shared { Severity::Error } else { Severity::Warning })
        .saw("an ordinary role", format!("{shown}{}", proven_elsewhere(case)))
        .remedy(format!(
            "From {} superuser: ALTER ROLE {} {};{}",
            if role.superuser { "another" } else { "a" },
            sql_ident(&role.name),
            revoke.join(" "),
            if role.superuser {
                format!(
                    " the role that initdb made cannot lose SUPERUSER: `dbctl provision --service {}` with an admin_url makes an ordinary role \
                     for the service.",
                    case.name()
                )
            } else {
                String::new()
            }
        ));
    Ok(vec![finding].into())
}

pub(in crate::rules) const DEFAULT_PASSWORD: Rule = Rule {
    id: "access/default-password",
    severity: Severity::Warning,
    summary: "Does the service use the password that is published with the manifest?",
    help: include_str!("../help/access-default-password.md"),
    scope: Scope::Database,
    check: default_password,
};

fn default_password(case: &Case<'_>) -> Verdict {
    let service = case.subject.service;
    if !service.default_password {
        return Ok(Vec::new().into());
    }
    let variable = service
        .variables
        .iter()
        .find(|(key, _)| *key == "password")
        .and_then(|(_, names)| names.first())
        .map_or("the password in the manifest", String::as_str);
    let role = service.role_name().unwrap_or_default();
    let finding = DEFAULT_PASSWORD
        .finding(
            About::plain("role", role),
            format!(
                "role {} of {} is configured with the published default password for database {}",
                ident(role),
                service.name,
                database(case)
            ),
        )
        .saw("a password of its own", "the published default")
        .remedy(format!(
            "In psql: \\password {}; then set {variable} for dbctl and for the service.",
            sql_ident(role)
        ))
        .evidence("manifest");
    Ok(vec![finding].into())
}

pub(in crate::rules) const TRUST: Rule = Rule {
    id: "access/trust",
    severity: Severity::Error,
    summary: "Does pg_hba.conf let anyone in without a password?",
    help: include_str!("../help/access-trust.md"),
    scope: Scope::Database,
    check: trust,
};

fn trust(case: &Case<'_>) -> Verdict {
    let access = &case.own()?.access;
    let lines = access.hba.get()?;
    if lines.is_empty() || !speaks_first(case) {
        return Ok(Vec::new().into());
    }
    // With a line that the server cannot read, the file on disk is not what is in force.
    let gaps = lines
        .iter()
        .filter(|line| line.method.starts_with("error: "))
        .map(|line| Gap {
            reason: format!("line {} of pg_hba.conf: {}", line.line, line.method),
            remedy: Some("Mend the line, then: SELECT pg_reload_conf();".to_owned()),
        })
        .collect();
    let (local, open): (Vec<&HbaLine>, Vec<&HbaLine>) = lines
        .iter()
        .filter(|line| line.method == "trust")
        .partition(|line| is_local(line));
    let mut findings = Vec::new();
    let finding = |lines: &[&HbaLine], who: String| {
        TRUST
            .finding(
                About::plain("file", "pg_hba.conf"),
                format!(
                    "{} of pg_hba.conf on the server of database {} of {} {who} without a password (trust)",
                    numbers(lines),
                    database(case),
                    case.name()
                ),
            )
            .saw(
                "scram-sha-256",
                lines
                    .iter()
                    .map(|line| {
                        let fields = [&line.kind, &line.databases, &line.roles, &line.address, &line.method];
                        let fields: Vec<&str> = fields.into_iter().map(String::as_str).filter(|field| !field.is_empty()).collect();
                        fields.join(" ")
                    })
                    .collect::<Vec<_>>()
                    .join("; "),
            )
            .remedy("Put scram-sha-256 in the place of trust in pg_hba.conf, then: SELECT pg_reload_conf();")
    };
    for line in open {
        findings.push(finding(
            &[line],
            format!(
                "lets role {} into database {} from {}",
                line.roles, line.databases, line.address
            ),
        ));
    }
    if !local.is_empty() {
        let verb = if local.len() == 1 { "lets" } else { "let" };
        findings.push(
            finding(&local, format!("{verb} every local process in")).severity(Severity::Warning),
        );
    }
    Ok(Outcome { findings, gaps })
}

/// How messages name lines of the file.
pub(super) fn numbers(lines: &[&HbaLine]) -> String {
    let numbers: Vec<String> = lines.iter().map(|line| line.line.to_string()).collect();
    format!(
        "line{} {}",
        if lines.len() == 1 { "" } else { "s" },
        numbers.join(", ")
    )
}

/// Whether a line admits only who is on the server's own machine. The mask matters: 127.0.0.1/0.0.0.0 is everybody.
pub(super) fn is_local(line: &HbaLine) -> bool {
    let (address, mask) = line
        .address
        .split_once('/')
        .unwrap_or((line.address.as_str(), ""));
    let narrow = match mask {
        "" => true,
        mask if mask.contains(':') => mask.split(':').filter(|part| *part == "ffff").count() == 8,
        mask if mask.contains('.') => mask.starts_with("255."),
        bits => bits
            .parse::<u8>()
            .is_ok_and(|bits| bits >= if address.contains(':') { 128 } else { 8 }),
    };
    let loopback = address == "::1" || address.starts_with("127.");
    line.kind == "local" || matches!(address, "" | "localhost" | "samehost") || (loopback && narrow)
}
