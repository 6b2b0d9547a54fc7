//! What `pg_hba.conf` admits beyond `trust`.

use super::reach::Reach;
use super::role::{is_local, numbers};
use super::{database, service_of, speaks_first};
use crate::report::text::one_line;
use crate::rules::text::ident;
use crate::rules::{About, Case, Finding, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::{Gap, HbaLine, IdentLine};

pub(in crate::rules) const HBA: Rule = Rule {
    id: "access/hba",
    severity: Severity::Error,
    summary: "Does pg_hba.conf ask for safe proofs, and admit nobody else to the database?",
    help: include_str!("../help/access-hba.md"),
    scope: Scope::Database,
    check: hba,
};

fn hba(case: &Case<'_>) -> Verdict {
    let lines = case.own()?.access.hba.get()?;
    let mut findings: Vec<Finding> = lines.iter().filter_map(|line| admits(case, line)).collect();
    if speaks_first(case) {
        let weak: Vec<(&HbaLine, Severity)> = lines
            .iter()
            .filter_map(|line| Some((line, weakness(line)?)))
            .collect();
        for severity in [Severity::Error, Severity::Warning] {
            let lines: Vec<&HbaLine> = weak
                .iter()
                .filter(|(_, of)| *of == severity)
                .map(|(line, _)| *line)
                .collect();
            findings.extend(weak_lines(case, &lines, severity));
        }
    }
    let mut gaps = Vec::new();
    match mapped(case, lines) {
        Ok(mapped) => findings.extend(mapped),
        Err(gap) => gaps.push(gap),
    }
    Ok(Outcome { findings, gaps })
}

/// Whom a map of pg_ident.conf lets in as the service's role, of those who are another service's.
fn mapped(case: &Case<'_>, lines: &[HbaLine]) -> Result<Vec<Finding>, Gap> {
    let Some(own) = case.subject.service.role_name() else {
        return Ok(Vec::new());
    };
    let database = case.subject.service.database_name();
    let is_for_us = |line: &&HbaLine| {
        let here = line.here
            || line
                .databases
                .split(',')
                .any(|name| name == "all" || name == database);
        let us =
            line.roles.split(',').any(|name| name == "all") || admitted(case, line).contains(&own);
        !line.map.is_empty() && line.method != "reject" && here && us
    };
    let by: Vec<&HbaLine> = lines.iter().filter(is_for_us).collect();
    if by.is_empty() {
        return Ok(Vec::new());
    }
    let maps = case.own()?.access.ident.get()?;
    // A broken line keeps the server from reading the file again.
    if let Some(broken) = maps.iter().find(|line| !line.error.is_empty()) {
        return Err(Gap {
            reason: format!(
                "line {} of pg_ident.conf: {}",
                broken.line,
                one_line(&broken.error)
            ),
            remedy: Some("Mend the line, then: SELECT pg_reload_conf();".to_owned()),
        });
    }
    let mut findings = Vec::new();
    for entry in by
        .iter()
        .flat_map(|line| maps.iter().filter(|entry| entry.map == line.map))
    {
        let Some((whose, why)) =
            stranger(case, own, entry, maps).filter(|_| means(case, entry, own))
        else {
            continue;
        };
        let shown = format!(
            "{} {} {}",
            one_line(&entry.map),
            one_line(&entry.system),
            one_line(&entry.role)
        );
        let mut finding = HBA
            .finding(
                About::plain("file", "pg_ident.conf"),
                format!(
                    "line {} of pg_ident.conf (map {}) lets {why} log in as role {} of {} to database {}",
                    entry.line,
                    ident(&entry.map),
                    ident(own),
                    case.name(),
                    ident(database)
                ),
            )
            .saw(format!("no line for another service's to be {}", ident(own)), shown)
            .remedy("Remove the line from pg_ident.conf, or name the role that is meant, then: SELECT pg_reload_conf();");
        finding.belongs_to = whose.map(str::to_owned);
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    Ok(findings)
}

/// Whether a line of pg_ident.conf lets somebody in as a role.
fn means(case: &Case<'_>, entry: &IdentLine, role: &str) -> bool {
    let in_group =
        |group: &str| Reach::new(case).is_ok_and(|reach| reach.members(group).contains(&role));
    entry.role == role
        || entry.role == "all"
        || entry.meant.iter().any(|meant| meant == role)
        || entry.role.strip_prefix('+').is_some_and(in_group)
}

/// Who comes in by a line, where that is another service's: by name, by another line that makes him the other's role, or as anybody.
fn stranger<'a>(
    case: &'a Case<'a>,
    own: &str,
    entry: &IdentLine,
    maps: &[IdentLine],
) -> Option<(Option<&'a str>, String)> {
    let system = entry.system.as_str();
    let user = format!("user {} of the system or of a certificate", ident(system));
    // `all` for the server's own administrators is their affair.
    if ["postgres", "root"].contains(&system) {
        return None;
    }
    for other in case.others() {
        let (name, role) = (other.service.name.as_str(), other.service.role_name());
        let is_theirs = system == name || role == Some(system);
        let becomes =
            |line: &&IdentLine| role.is_some_and(|role| role != own && means(case, line, role));
        let mut same = maps.iter().filter(|line| line.system == system);
        if role != Some(own) && is_theirs {
            return Some((Some(name), format!("{user}, which is {name}'s,")));
        }
        // What makes one user two services' roles is told once, at the later of them.
        let position = |name: &str| case.survey.around.position(name);
        let is_later = position(name) < position(case.name());
        if let Some(line) = same.find(becomes).filter(|_| is_later) {
            let role = ident(role.unwrap_or_default());
            return Some((
                Some(name),
                format!(
                    "{user}, whom line {} makes role {role} of {name},",
                    line.line
                ),
            ));
        }
    }
    // An expression that keeps nobody out; one with a name in it, or that gives each his own role, does.
    let open = system
        .strip_prefix('/')?
        .chars()
        .all(|c| "^$.*+()?".contains(c));
    (open && !entry.role.contains('\\')).then(|| {
        (
            None,
            "anybody whom the line of pg_hba.conf proves".to_owned(),
        )
    })
}

/// A line that names this database and the role of another service.
fn admits(case: &Case<'_>, line: &HbaLine) -> Option<Finding> {
    let own = case.subject.service.database_name();
    let here = line.here || line.databases.split(',').any(|database| database == own);
    // A line with trust is a finding of access/trust.
    if !here || line.method == "reject" || line.method == "trust" {
        return None;
    }
    let (role, service) = admitted(case, line)
        .into_iter()
        .find_map(|role| Some((role, service_of(case, role)?)))?;
    let finding = HBA
        .finding(
            About::plain("file", "pg_hba.conf"),
            format!(
                "line {} of pg_hba.conf admits role {} of {service} to database {} of {}",
                line.line,
                ident(role),
                database(case),
                case.name()
            ),
        )
        .belongs_to(service)
        .saw(format!("no line for {service}"), shown(line))
        .remedy("Remove the line from pg_hba.conf, then: SELECT pg_reload_conf();");
    Some(finding)
}

/// The roles that a line means: by name, by a regular expression, as members of a group.
fn admitted<'l>(case: &Case<'l>, line: &'l HbaLine) -> Vec<&'l str> {
    let mut roles: Vec<&str> = line.roles.split(',').collect();
    let groups: Vec<&str> = roles
        .iter()
        .filter_map(|role| role.strip_prefix('+'))
        .collect();
    roles.extend(line.meant.iter().map(String::as_str));
    if let Ok(reach) = Reach::new(case) {
        roles.extend(groups.iter().flat_map(|group| reach.members(group)));
    }
    roles
}

/// How bad a method is: a password in clear text and the word of a remote host are no proof; md5 can be replayed from its hash.
fn weakness(line: &HbaLine) -> Option<Severity> {
    let protected = is_local(line) || line.kind == "hostssl";
    match line.method.as_str() {
        "password" if !protected => Some(Severity::Error),
        "ident" if !is_local(line) => Some(Severity::Error),
        "password" | "md5" => Some(Severity::Warning),
        _ => None,
    }
}

fn weak_lines(case: &Case<'_>, lines: &[&HbaLine], severity: Severity) -> Option<Finding> {
    let mut methods: Vec<&str> = lines.iter().map(|line| line.method.as_str()).collect();
    methods.sort_unstable();
    methods.dedup();
    let verb = if lines.len() == 1 {
        "accepts"
    } else {
        "accept"
    };
    (!lines.is_empty()).then(|| {
        HBA.finding(
            About::plain("file", "pg_hba.conf"),
            format!(
                "{} of pg_hba.conf on the server of database {} of {} {verb} a weak proof ({})",
                numbers(lines),
                database(case),
                case.name(),
                methods.join(", ")
            ),
        )
        .severity(severity)
        .saw(
            "scram-sha-256",
            lines.iter().map(|line| shown(line)).collect::<Vec<_>>().join("; "),
        )
        .remedy("Put scram-sha-256 in the place of the method in pg_hba.conf, then: SELECT pg_reload_conf();")
    })
}

/// A line as the file has it.
fn shown(line: &HbaLine) -> String {
    let fields = [
        &line.kind,
        &line.databases,
        &line.roles,
        &line.address,
        &line.method,
    ];
    let fields: Vec<String> = fields
        .into_iter()
        .filter(|field| !field.is_empty())
        .map(|field| one_line(field))
        .collect();
    fields.join(" ")
}
