//! Two services in one database or one server.

use super::evidence;
use crate::manifest::Topology;
use crate::rules::text::ident;
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::{Gap, Identity, Snapshot};

/// Two services' databases side by side.
struct Pair<'a> {
    earlier: &'a Subject<'a>,
    theirs: &'a Identity,
    ours: &'a Identity,
    kinship: Kinship,
}

/// How two services' databases are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kinship {
    /// One database, or a standby of it.
    Database,
    /// Two databases of one cluster.
    Server,
    /// Two clusters that run side by side and were one once: one is a copy of the other's files.
    Copy,
    /// Nothing in common.
    None,
}

/// A lock that one session holds and the other sees is proof, whatever lies between. Where one could hold none (a standby), the
/// identifiers must do, which a copy has as well.
pub(super) fn kinship(
    ours: &Subject<'_>,
    theirs: &Subject<'_>,
    identities: [&Identity; 2],
) -> Option<Kinship> {
    let [own, other] = identities;
    let identifiers = own
        .system_identifier
        .known()
        .zip(other.system_identifier.known())
        .map(|(own, other)| own == other);
    if let (Some(one), Some(two)) = (&ours.proofs.live, &theirs.proofs.live)
        && one.held
        && two.held
    {
        let (name, theirs) = (&ours.service.name, &theirs.service.name);
        return Some(
            if one.same_database.contains(theirs) || two.same_database.contains(name) {
                Kinship::Database
            } else if one.same_cluster.contains(theirs) || two.same_cluster.contains(name) {
                Kinship::Server
            } else if identifiers == Some(true) {
                Kinship::Copy
            } else {
                Kinship::None
            },
        );
    }
    Some(match identifiers? {
        true if own.database_oid == other.database_oid => Kinship::Database,
        true => Kinship::Server,
        false => Kinship::None,
    })
}

/// This service beside each earlier one: what concerns two services is reported once, at the later one.
fn pairs<'a>(case: &Case<'a>) -> Result<Vec<Pair<'a>>, Gap> {
    let ours = &case.snapshot()?.identity;
    let name = case.name();
    let mut pairs = Vec::new();
    for earlier in case
        .system
        .subjects
        .iter()
        .take_while(|subject| subject.service.name != name)
    {
        let Some(snapshot): Option<&Snapshot> =
            earlier.snapshot.as_ref().and_then(|fact| fact.known())
        else {
            continue;
        };
        let theirs = &snapshot.identity;
        // An identifier that cannot be read is a gap of the service whose it is.
        let Some(kinship) = kinship(case.subject, earlier, [ours, theirs]) else {
            ours.system_identifier.get()?;
            continue;
        };
        pairs.push(Pair {
            earlier,
            theirs,
            ours,
            kinship,
        });
    }
    Ok(pairs)
}

pub(super) const SHARED_DATABASE: Rule = Rule {
    id: "identity/shared-database",
    severity: Severity::Error,
    summary: "Has every service a physical database of its own?",
    help: include_str!("../help/identity-shared-database.md"),
    scope: Scope::Address,
    check: shared_database,
};

fn shared_database(case: &Case<'_>) -> Verdict {
    let mut findings = Vec::new();
    // Where one of the two cannot be read, what their URLs say must do.
    if let Some((other, database)) = written_twice(case) {
        findings.push(shared(case, &other.service.name, database));
        return Ok(findings.into());
    }
    if case.system.offline {
        return Ok(findings.into());
    }
    for pair in pairs(case)? {
        let same = pair.kinship == Kinship::Database;
        // With the wrong database reached, that is the cause, and it has its own finding.
        let explained = pair.ours.database != case.subject.service.database_name()
            || pair.theirs.database != pair.earlier.service.database_name();
        if same && !explained {
            let other = &pair.earlier.service.name;
            findings.push(shared(case, other, &pair.ours.database));
            break;
        }
    }
    Ok(findings.into())
}

/// An earlier service whose URL leads to the same host, port and database, that being the database of both by the manifest, if not both
/// of them could be read.
fn written_twice<'a>(case: &Case<'a>) -> Option<(&'a Subject<'a>, &'a str)> {
    let own = case.subject.service.endpoint()?;
    let name = case.name();
    let mut earlier = case
        .system
        .subjects
        .iter()
        .take_while(|subject| subject.service.name != name);
    let found = earlier.find(|subject| {
        let is_read = subject
            .snapshot
            .as_ref()
            .is_some_and(|it| it.known().is_some());
        let theirs = subject.service.endpoint();
        let is_meant = [case.subject, *subject]
            .iter()
            .all(|subject| subject.service.database_name() == own.database);
        !(is_read && case.snapshot().is_ok())
            && is_meant
            && theirs.is_some_and(|theirs| own.shares_database_with(theirs).is_some())
    })?;
    Some((found, own.database.as_str()))
}

fn shared(case: &Case<'_>, other: &str, database: &str) -> Finding {
    SHARED_DATABASE
        .finding(
            About::plain("database", database),
            format!(
                "{} and {other} use one physical database, {}",
                case.name(),
                ident(database)
            ),
        )
        .belongs_to(other)
        .saw("a database for each service", format!("one database, {}", ident(database)))
        .remedy(format!(
            "Give {} a database of its own (`dbctl provision --service {}`), move its rows there, and change its URL.",
            case.name(),
            case.name()
        ))
        .evidence(evidence(case))
}

pub(super) const SHARED_SERVER: Rule = Rule {
    id: "identity/shared-server",
    severity: Severity::Error,
    summary: "Do the services share servers as the manifest's topology says?",
    help: include_str!("../help/identity-shared-server.md"),
    scope: Scope::Database,
    check: shared_server,
};

fn shared_server(case: &Case<'_>) -> Verdict {
    let topology = case.system.manifest.topology;
    if topology == Topology::Any {
        case.snapshot()?;
        return Ok(Vec::new().into());
    }
    let pairs = pairs(case)?;
    let database = ident(case.subject.service.database_name());
    let offending = match topology {
        Topology::Any => None,
        Topology::Dedicated => pairs.iter().find(|pair| pair.kinship == Kinship::Server),
        Topology::Shared => pairs
            .first()
            .filter(|pair| matches!(pair.kinship, Kinship::Copy | Kinship::None)),
    };
    let Some(pair) = offending else {
        return Ok(Vec::new().into());
    };
    let other = &pair.earlier.service;
    let other_database = ident(other.database_name());
    let about = About::plain("database", &pair.ours.database);
    let finding = if topology == Topology::Dedicated {
        SHARED_SERVER
            .finding(
                about,
                format!(
                    "database {database} of {} and database {other_database} of {} live in one server although the topology is dedicated",
                    case.name(),
                    other.name
                ),
            )
            .saw("a server for each service", "one server")
            .remedy(format!(
                "Move database {database} to a server of its own, or write topology = \"any\" in the manifest if sharing is wanted."
            ))
    } else {
        SHARED_SERVER
            .finding(
                about,
                format!(
                    "database {database} of {} and database {other_database} of {} live in two servers although the topology is shared",
                    case.name(),
                    other.name
                ),
            )
            .severity(Severity::Warning)
            .saw("one server", "two servers")
            .remedy("Check the hosts and ports with `dbctl services`, or write topology = \"any\" in the manifest.")
    };
    Ok(vec![finding.evidence("identity")].into())
}

pub(super) const COPY: Rule = Rule {
    id: "identity/copy",
    severity: Severity::Warning,
    summary: "Is the server no copy of another service's?",
    help: include_str!("../help/identity-copy.md"),
    scope: Scope::Database,
    check: copy,
};

fn copy(case: &Case<'_>) -> Verdict {
    let pairs = pairs(case)?;
    let Some(pair) = pairs.iter().find(|pair| pair.kinship == Kinship::Copy) else {
        // Without the identifier a copy cannot be told from a server of its own.
        if !pairs.is_empty() {
            case.snapshot()?.identity.system_identifier.get()?;
        }
        return Ok(Vec::new().into());
    };
    let other = &pair.earlier.service;
    let finding = COPY
        .finding(
            About::plain("database", &pair.ours.database),
            format!(
                "the server of database {} of {} and the server of database {} of {} run side by side with one system identifier: one is a copy of the other's files",
                ident(&pair.ours.database),
                case.name(),
                ident(&pair.theirs.database),
                other.name
            ),
        )
        .belongs_to(&other.name)
        .saw("a cluster of its own (initdb)", "the system identifier of another running cluster")
        .remedy("Find out which of the two was copied, and what of the other service's data still lies in it. A new cluster (initdb) and a restore of this service's database alone ends it.")
        .evidence("identity");
    Ok(vec![finding].into())
}
