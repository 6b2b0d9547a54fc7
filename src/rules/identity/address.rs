//! What the URL does beside naming a database: a pooler in front, several hosts, settings that ride along.

use crate::rules::text::ident;
use crate::rules::{About, Case, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::{Fact, Gap, HostPlace};

pub(super) const POOLER: Rule = Rule {
    id: "identity/pooler",
    severity: Severity::Warning,
    summary: "Does the URL lead to PostgreSQL itself, and not to a pooler?",
    help: include_str!("../help/identity-pooler.md"),
    scope: Scope::Database,
    check: pooler,
};

fn pooler(case: &Case<'_>) -> Verdict {
    let database = &case.snapshot()?.identity.database;
    if !case.subject.proofs.pooled {
        return Ok(Vec::new().into());
    }
    let address = case
        .subject
        .service
        .endpoint()
        .map_or_else(String::new, crate::manifest::Endpoint::address);
    let finding = POOLER
        .finding(
            About::plain("database", database),
            format!(
                "a connection pooler answers at {address} for database {} of {}: which database its name leads to is for the pooler's configuration to say",
                ident(database),
                case.name()
            ),
        )
        .saw("PostgreSQL itself", format!("a pooler at {address}"))
        .remedy("For verify, give the URL of PostgreSQL itself. If the pooler is wanted here, accept it with an [[allow]] entry.")
        .evidence("identity");
    Ok(vec![finding].into())
}

pub(super) const SEVERAL_HOSTS: Rule = Rule {
    id: "identity/several-hosts",
    severity: Severity::Warning,
    summary: "Do all hosts of a URL lead to the same database?",
    help: include_str!("../help/identity-several-hosts.md"),
    scope: Scope::Database,
    check: several_hosts,
};

fn several_hosts(case: &Case<'_>) -> Verdict {
    let own = &case.snapshot()?.identity;
    let mut outcome = Outcome::default();
    for look in &case.subject.proofs.hosts {
        let place = match &look.place {
            Fact::Known(place) => place,
            Fact::Unknown(gap) => {
                outcome.gaps.push(Gap {
                    reason: format!(
                        "host {} of the URL could not be looked at: {}",
                        look.address, gap.reason
                    ),
                    remedy: gap.remedy.clone(),
                });
                continue;
            }
        };
        let (Some(own_identifier), Some(identifier)) =
            (own.system_identifier.known(), place.system_identifier)
        else {
            own.system_identifier.get()?;
            outcome.gaps.push(Gap::new(format!(
                "whether host {} of the URL leads to the same database is not known: its system identifier cannot be read",
                look.address
            )));
            continue;
        };
        if identifier == *own_identifier && place.database_oid == own.database_oid {
            continue;
        }
        let other = whose(case, place);
        let what = other.map_or_else(
            || "another database".to_owned(),
            |service| format!("the server of {service}"),
        );
        let mut finding = SEVERAL_HOSTS
            .finding(
                About::plain("host", &look.address),
                format!(
                    "host {} in the URL of {} leads to {what}, not to database {} that the other hosts serve: whichever host answers first decides",
                    look.address,
                    case.name(),
                    ident(&own.database)
                ),
            )
            .saw("one database behind all hosts", format!("{what} behind {}", look.address))
            .remedy(format!("Take host {} out of the URL, or make it a standby of the others.", look.address))
            .evidence("identity");
        if other.is_some() {
            finding.severity = Severity::Error;
        }
        finding.belongs_to = other.map(str::to_owned);
        outcome.findings.push(finding);
    }
    Ok(outcome)
}

/// The other service in whose cluster a host lies, where that is not the own one.
fn whose<'a>(case: &Case<'a>, place: &HostPlace) -> Option<&'a str> {
    let own = case.snapshot().ok()?.identity.system_identifier.known();
    case.others()
        .find(|other| {
            let identity = other
                .snapshot
                .as_ref()
                .and_then(Fact::known)
                .map(|snapshot| &snapshot.identity);
            identity.is_some_and(|identity| {
                let identifier = identity.system_identifier.known().copied();
                identifier == place.system_identifier
                    && (identity.database_oid == place.database_oid || own.copied() != identifier)
            })
        })
        .map(|other| other.service.name.as_str())
}

pub(super) const SMUGGLED_SETTING: Rule = Rule {
    id: "identity/smuggled-setting",
    severity: Severity::Warning,
    summary: "Does the URL bring a search path or a role along?",
    help: include_str!("../help/identity-smuggled-setting.md"),
    scope: Scope::Database,
    check: smuggled_setting,
};

/// Settings that change what a name means, or who asks.
const TELLING: [&str; 6] = [
    "search_path",
    "role",
    "session_authorization",
    "session_replication_role",
    "default_tablespace",
    "row_security",
];

fn smuggled_setting(case: &Case<'_>) -> Verdict {
    let service = case.subject.service;
    let options = service
        .endpoint()
        .and_then(|endpoint| endpoint.options.as_deref());
    let found: Vec<String> = options
        .map(settings)
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| TELLING.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={}", crate::report::text::short(&value, 60)))
        .collect();
    if found.is_empty() {
        // Nothing to say of a database that was not seen.
        case.snapshot()?;
        return Ok(Vec::new().into());
    }
    let shown = found.join(", ");
    let finding = SMUGGLED_SETTING
        .finding(
            About::plain("database", service.database_name()),
            format!(
                "the URL of {} for database {} brings {shown} along in its options: every name and right in its sessions depends on it",
                service.name,
                ident(service.database_name())
            ),
        )
        .saw("a URL without such options", format!("options with {shown}"))
        .remedy(format!(
            "Take it out of the options in the URL of {}; `dbctl services` shows where the URL comes from.",
            service.name
        ))
        .evidence("manifest");
    Ok(vec![finding].into())
}

/// The settings in command-line options: `-c name=value`, `-cname=value`, `--name=value` (PostgreSQL documentation, "postgres").
fn settings(options: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut words = options.split_whitespace();
    while let Some(word) = words.next() {
        let pair = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(pair), _) => pair,
            (None, Some("")) => words.next().unwrap_or_default(),
            (None, Some(pair)) => pair,
            (None, None) => continue,
        };
        if let Some((name, value)) = pair.split_once('=') {
            found.push((name.replace('-', "_").to_lowercase(), value.to_owned()));
        }
    }
    found
}
