//! A database of another service's name in a server that is not the other service's.

use super::sharing::{Kinship, kinship};
use crate::manifest::Topology;
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::{Gap, Snapshot};

pub(super) const FOREIGN_DATABASE: Rule = Rule {
    id: "identity/foreign-database",
    severity: Severity::Error,
    summary: "Has the server no database that bears another service's name by mistake?",
    help: include_str!("../help/identity-foreign-database.md"),
    scope: Scope::Database,
    check: foreign_database,
};

fn foreign_database(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    let topology = case.system.manifest.topology;
    // In one server for all every service's database is at home.
    if topology == Topology::Shared {
        return Ok(Vec::new().into());
    }
    let own = case.subject.service.database_name();
    let mut findings = Vec::new();
    for name in &snapshot.access.databases {
        let owners: Vec<&Subject<'_>> = case
            .others()
            .filter(|other| name != own && other.service.database_name() == name)
            .collect();
        let Some(first) = owners.first() else {
            continue;
        };
        let mut elsewhere = true;
        for owner in &owners {
            elsewhere &= lives_elsewhere(case, snapshot, owner, topology)?;
        }
        if !elsewhere {
            continue;
        }
        let (service, database) = (&first.service.name, ident(name));
        let severity = match topology {
            Topology::Dedicated => Severity::Error,
            Topology::Any | Topology::Shared => Severity::Warning,
        };
        findings.push(
            FOREIGN_DATABASE
                .finding(
                    About::plain("database", name),
                    format!(
                        "database {database} is on the server of database {} of {}, but {service}, whose database has this name, does not belong there",
                        ident(own),
                        case.name()
                    ),
                )
                .severity(severity)
                .belongs_to(service)
                .saw(format!("no database of {service}"), format!("database {database}"))
                .remedy(format!(
                    "See what it holds (\\c {database}, \\dt *.*). If {service} needs none of it: DROP DATABASE {}; if it is {service}'s after all, \
                     mend its URL or the topology in the manifest.",
                    sql_ident(name)
                )),
        );
    }
    Ok(findings.into())
}

/// Whether this service's server is none of the other's. Of one that was not looked at only the topology can tell.
fn lives_elsewhere(
    case: &Case<'_>,
    snapshot: &Snapshot,
    other: &Subject<'_>,
    topology: Topology,
) -> Result<bool, Gap> {
    let Some(theirs) = other.snapshot.as_ref().and_then(|fact| fact.known()) else {
        return Ok(topology == Topology::Dedicated);
    };
    match kinship(case.subject, other, [&snapshot.identity, &theirs.identity]) {
        Some(Kinship::None) => Ok(true),
        // One server for both is identity/shared-server's to tell, one database identity/shared-database's, and a copy of all files
        // identity/copy's.
        Some(Kinship::Server | Kinship::Database | Kinship::Copy) => Ok(false),
        None => {
            snapshot.identity.system_identifier.get()?;
            theirs.identity.system_identifier.get()?;
            Ok(false)
        }
    }
}
