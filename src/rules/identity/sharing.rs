//! Two services in one database or one server.

use crate::manifest::Topology;
use crate::rules::text::ident;
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::{Gap, Identity, Snapshot};

/// Two services' databases side by side.
struct Pair<'a> {
    earlier: &'a Subject<'a>,
    theirs: &'a Identity,
    ours: &'a Identity,
    same_server: bool,
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
        let own = *ours.system_identifier.get()?;
        let Some(other) = theirs.system_identifier.known() else {
            continue;
        };
        pairs.push(Pair {
            earlier,
            theirs,
            ours,
            same_server: own == *other,
        });
    }
    Ok(pairs)
}

pub(super) const SHARED_DATABASE: Rule = Rule {
    id: "identity/shared-database",
    severity: Severity::Error,
    summary: "Has every service a physical database of its own?",
    help: include_str!("../help/identity-shared-database.md"),
    scope: Scope::Database,
    check: shared_database,
};

fn shared_database(case: &Case<'_>) -> Verdict {
    let mut findings = Vec::new();
    for pair in pairs(case)? {
        let same = pair.same_server && pair.ours.database_oid == pair.theirs.database_oid;
        // With the wrong database reached, that is the cause, and it has its own finding.
        let explained = pair.ours.database != case.subject.service.database_name()
            || pair.theirs.database != pair.earlier.service.database_name();
        if same && !explained {
            findings.push(shared(case, &pair));
            break;
        }
    }
    Ok(findings.into())
}

fn shared(case: &Case<'_>, pair: &Pair<'_>) -> Finding {
    let other = &pair.earlier.service.name;
    SHARED_DATABASE
        .finding(
            About::plain("database", &pair.ours.database),
            format!(
                "{} and {other} use one physical database, {}",
                case.name(),
                ident(&pair.ours.database)
            ),
        )
        .belongs_to(other)
        .saw("a database for each service", format!("one database, {}", ident(&pair.ours.database)))
        .remedy(format!(
            "Give {} a database of its own (`dbctl provision --service {}`), move its rows there, and change its URL.",
            case.name(),
            case.name()
        ))
        .evidence("identity")
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
        Topology::Dedicated => pairs
            .iter()
            .find(|pair| pair.same_server && pair.ours.database_oid != pair.theirs.database_oid),
        Topology::Shared => pairs.first().filter(|pair| !pair.same_server),
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
