//! Databases of another service's name, or of one that can be taken for a service's, in a server where they do not belong.

use super::sharing::{Kinship, kinship};
use crate::manifest::Topology;
use crate::rules::skeleton::{is_copy_of, look};
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
    let own = case.subject.service.database_name();
    let mut findings = Vec::new();
    for (name, owner) in strays(case, snapshot, |name, theirs| name == theirs)? {
        let (service, database) = (&owner.service.name, ident(name));
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

pub(super) const LOOK_ALIKE_DATABASE: Rule = Rule {
    id: "identity/look-alike-database",
    severity: Severity::Warning,
    summary: "Is there no database whose name can be taken for a service's?",
    help: include_str!("../help/identity-look-alike-database.md"),
    scope: Scope::Database,
    check: look_alike_database,
};

fn look_alike_database(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    let own = case.subject.service.database_name();
    let is_anyones = |name: &str| {
        let mut subjects = case.system.subjects.iter();
        subjects.any(|subject| subject.service.database_name() == name)
    };
    let alike = |name: &str, theirs: &str| {
        (look(name) == look(theirs) || is_copy_of(name, theirs)) && !is_anyones(name)
    };
    let finding = |name: &str, whose: &str, message: String| {
        let database = sql_ident(name);
        let remedy = if is_copy_of(name, whose) {
            format!(
                "See what it holds (\\c {}, \\dt *.*) and who may enter it. If nobody needs it any more: DROP DATABASE {database};",
                ident(name)
            )
        } else {
            format!(
                "If nothing uses it: DROP DATABASE {database}; otherwise rename it: ALTER DATABASE {database} RENAME TO …;"
            )
        };
        let finding = LOOK_ALIKE_DATABASE
            .finding(About::plain("database", name), message)
            .remedy(remedy);
        // A restore or the other half of blue and green: nobody gets into it by mistake.
        if is_copy_of(name, whose) {
            finding.severity(Severity::Info)
        } else {
            finding
        }
    };
    let taken = |name: &str, whose: &str, it: &str| {
        if is_copy_of(name, whose) {
            format!("is by its name a copy of {it}")
        } else {
            format!("can be taken for {it}")
        }
    };
    let here = format!(
        "is on the server of database {} of {}",
        ident(own),
        case.name()
    );
    let mut findings = Vec::new();
    for name in snapshot
        .access
        .databases
        .iter()
        .filter(|name| alike(name, own))
    {
        let (database, taken) = (ident(name), taken(name, own, "it"));
        findings.push(
            finding(name, own, format!("database {database} {here} and {taken}")).saw(
                format!("database {} alone", ident(own)),
                format!("database {database} as well"),
            ),
        );
    }
    for (name, owner) in strays(case, snapshot, |name, theirs| {
        alike(name, theirs) && !alike(name, own)
    })? {
        let (service, theirs) = (&owner.service.name, owner.service.database_name());
        let it = format!(
            "{} of {service}, which does not belong there",
            ident(theirs)
        );
        let (database, taken) = (ident(name), taken(name, theirs, &it));
        findings.push(
            finding(
                name,
                theirs,
                format!("database {database} {here} and {taken}"),
            )
            .belongs_to(service)
            .saw(
                format!("no database of {service}"),
                format!("database {database}"),
            ),
        );
    }
    Ok(findings.into())
}

/// The databases of this server whose name fits a service's that lives in another one, told once for each server. In one server for all
/// every service's database is at home.
fn strays<'a>(
    case: &Case<'a>,
    snapshot: &'a Snapshot,
    fits: impl Fn(&str, &str) -> bool,
) -> Result<Vec<(&'a str, &'a Subject<'a>)>, Gap> {
    let topology = case.system.manifest.topology;
    let own = case.subject.service.database_name();
    let mut found = Vec::new();
    if topology == Topology::Shared || is_told(case, snapshot) {
        return Ok(found);
    }
    for name in &snapshot.access.databases {
        let owners: Vec<&Subject<'_>> = case
            .others()
            .filter(|other| name != own && fits(name, other.service.database_name()))
            .collect();
        let mut elsewhere = true;
        for owner in &owners {
            elsewhere &= lives_elsewhere(case, snapshot, owner, topology)?;
        }
        if let Some(first) = owners.first().filter(|_| elsewhere) {
            found.push((name.as_str(), *first));
        }
    }
    Ok(found)
}

/// Whether an earlier service lives in the same server, and tells of it.
fn is_told(case: &Case<'_>, snapshot: &Snapshot) -> bool {
    case.system
        .subjects
        .iter()
        .take_while(|subject| subject.service.name != case.name())
        .filter_map(|earlier| Some((earlier, earlier.snapshot.as_ref()?.known()?)))
        .any(|(earlier, theirs)| {
            let identities = [&snapshot.identity, &theirs.identity];
            let kinship = kinship(case.subject, earlier, identities);
            matches!(kinship, Some(Kinship::Server | Kinship::Database))
        })
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
