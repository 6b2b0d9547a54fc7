//! Privileges of objects that are yet to be made.

use super::database;
use super::reach::Reach;
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Rule, Scope, Severity, Verdict};

pub(in crate::rules) const DEFAULT_PRIVILEGES: Rule = Rule {
    id: "access/default-privileges",
    severity: Severity::Error,
    summary: "Will new tables, chunks and functions be the service's alone?",
    help: include_str!("../help/access-default-privileges.md"),
    scope: Scope::Database,
    check: default_privileges,
};

fn default_privileges(case: &Case<'_>) -> Verdict {
    let reach = Reach::new(case)?;
    let findings = reach
        .privileges
        .default_grants
        .iter()
        .filter_map(|grant| {
            let holder = reach.holder(grant.grantee.as_deref());
            if holder.is_welcome() {
                return None;
            }
            let list = grant.privileges.join(", ");
            let (place, in_schema) = grant.schema.as_ref().map_or_else(
                || (String::new(), String::new()),
                |schema| {
                    (
                        format!(" in schema {}", ident(schema)),
                        format!(" IN SCHEMA {}", sql_ident(schema)),
                    )
                },
            );
            let to = grant
                .grantee
                .as_deref()
                .map_or_else(|| "PUBLIC".to_owned(), sql_ident);
            let objects = grant.objects.to_lowercase();
            let mut finding = DEFAULT_PRIVILEGES
                .finding(
                    About::plain("role", &grant.role),
                    format!(
                        "default privileges of role {}{place} in database {} of {} give {list} on its future {objects} to {}",
                        ident(&grant.role),
                        database(case),
                        case.name(),
                        holder.who().trim_end_matches(',')
                    ),
                )
                .severity(holder.severity())
                .saw(
                    format!("future {objects} for {} alone", case.name()),
                    format!("{list} on future {objects}{place} for {}", holder.who().trim_end_matches(',')),
                )
                .remedy(format!(
                    "In database {}: ALTER DEFAULT PRIVILEGES FOR ROLE {}{in_schema} REVOKE {list} ON {} FROM {to}; what was made meanwhile keeps what it was given.",
                    database(case),
                    sql_ident(&grant.role),
                    grant.objects
                ));
            finding.belongs_to = holder.service();
            Some(finding)
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}
