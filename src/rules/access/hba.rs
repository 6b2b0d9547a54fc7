//! What `pg_hba.conf` admits beyond `trust`.

use super::reach::Reach;
use super::role::{is_local, numbers};
use super::{database, service_of, speaks_first};
use crate::report::text::one_line;
use crate::rules::text::ident;
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::snapshot::HbaLine;

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
    Ok(findings.into())
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
