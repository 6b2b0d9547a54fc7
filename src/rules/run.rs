//! Every rule asked of every service that it is about.

use std::collections::{BTreeSet, HashSet};
use std::time::Instant;

use super::allow::{Answers, apply};
use super::compose::Around;
use super::sets::Owners;
use super::survey::Survey;
use super::{Case, Rule, Scope, Severity, Subject, System};
use crate::manifest::Target;
use crate::report::verify::{Accepted, Allowed, Found, NotChecked, Question, Report, ServiceLine};
use crate::snapshot::Gap;

/// Asks every rule about the chosen services (none named: all of them) and puts the answers together.
#[must_use]
pub fn run(system: &System<'_>, chosen: &[&str], fail_on: Severity, started: Instant) -> Report {
    run_on(
        system,
        chosen,
        fail_on,
        started,
        time::OffsetDateTime::now_utc().date(),
    )
}

/// As [`run`], on a given day.
pub(super) fn run_on(
    system: &System<'_>,
    chosen: &[&str],
    fail_on: Severity,
    started: Instant,
    today: time::Date,
) -> Report {
    let names: HashSet<&str> = chosen.iter().copied().collect();
    let subjects: Vec<&Subject<'_>> = system
        .subjects
        .iter()
        .filter(|subject| names.is_empty() || names.contains(subject.service.name.as_str()))
        .collect();
    let mut answers = Answers::default();
    let mut rules = BTreeSet::new();
    let mut checked = 0;
    let owners = Owners::new(system);
    let around = Around::new(system, chosen);
    for subject in &subjects {
        let survey = Survey::new(system, subject, &owners, &around);
        let case = Case {
            system,
            subject,
            survey: &survey,
        };
        let before = answers.findings.len();
        for rule in super::all().filter(|rule| is_about(rule, system, subject, &around)) {
            rules.insert(rule.id);
            answers.asked.push((rule.id, subject.service.name.clone()));
            let of_database = matches!(rule.scope, Scope::Database | Scope::Directory);
            if ask(rule, &case, &mut answers) && (system.offline || of_database) {
                checked += 1;
            }
        }
        let own = answers.findings.get_mut(before..).unwrap_or_default();
        super::order::order(&case, &survey, own);
        super::drift::spare_newer(&case, own);
        super::enclosing::tell(&survey, own);
        super::actor::tell(&case, own);
        answers.allowed.extend(in_files(subject, &survey));
    }
    if !system.manifest.allow.is_empty() {
        rules.extend(
            super::all()
                .filter(|rule| rule.scope == Scope::Manifest)
                .map(|rule| rule.id),
        );
    }
    apply(system.manifest, today, system.offline, &mut answers);
    #[cfg(feature = "mutation")]
    {
        answers
            .findings
            .retain(|found| !is_turned_off(found.finding.rule));
        // What some rules have to say are gaps alone.
        answers.not_checked.retain(|gap| !is_turned_off(gap.rule));
    }
    answers
        .findings
        .sort_by_key(|found| std::cmp::Reverse(found.finding.severity));
    let asked = answers
        .asked
        .into_iter()
        .map(|(rule, service)| Question { rule, service })
        .collect();
    Report {
        manifest: (system.manifest.path.as_ref()).map(|path| path.display().to_string()),
        services: subjects
            .iter()
            .map(|subject| line(system, subject))
            .collect(),
        findings: answers.findings,
        not_checked: answers.not_checked,
        allowed: answers.allowed,
        asked,
        rules: rules.len(),
        checked,
        nothing_to_check: !subjects.is_empty()
            && subjects.iter().all(|subject| is_excused(subject)),
        fail_on,
        at: time::OffsetDateTime::now_utc(),
        duration: started.elapsed(),
    }
}

/// Whether `scripts/mutation.sh` has turned this rule off, to see that a test misses it. No build that is used holds this.
#[cfg(feature = "mutation")]
fn is_turned_off(rule: &str) -> bool {
    std::env::var("DBCTL_MUTATION").is_ok_and(|off| off == rule)
}

/// Asks one rule; says whether it could answer.
fn ask(rule: &'static Rule, case: &Case<'_>, answers: &mut Answers) -> bool {
    let service = &case.subject.service.name;
    let before = answers.not_checked.len();
    let has_admin = case.subject.service.admin.is_some();
    let mut not_checked = |gap: Gap| {
        let gap = match has_admin {
            true => gap.beside_admin(),
            false => gap,
        };
        let gap = NotChecked {
            rule: rule.id,
            service: service.clone(),
            reason: gap.reason,
            remedy: gap.remedy,
        };
        // Only this rule asks about this service.
        let own = answers.not_checked.get(before..).unwrap_or_default();
        if !own.contains(&gap) {
            answers.not_checked.push(gap);
        }
    };
    match (rule.check)(case) {
        Err(gap) => {
            not_checked(gap);
            false
        }
        Ok(outcome) => {
            outcome.gaps.into_iter().for_each(not_checked);
            answers
                .findings
                .extend(outcome.findings.into_iter().map(|finding| Found {
                    service: Some(service.clone()),
                    database: database(case.subject),
                    finding,
                }));
            true
        }
    }
}

/// What the files of a set allow themselves.
fn in_files(subject: &Subject<'_>, survey: &Survey<'_>) -> Vec<Allowed> {
    let mut accepted = survey
        .sets
        .as_ref()
        .map(|judged| judged.accepted.clone())
        .unwrap_or_default();
    for allowed in &mut accepted {
        match &mut allowed.what {
            Accepted::Finding(found) => {
                found.service = Some(subject.service.name.clone());
                found.database = database(subject);
            }
            Accepted::Gap(gap) => gap.service.clone_from(&subject.service.name),
        }
    }
    accepted
}

/// Whether a rule has a question about this service.
fn is_about(rule: &Rule, system: &System<'_>, subject: &Subject<'_>, around: &Around<'_>) -> bool {
    match rule.scope {
        Scope::Database => subject.snapshot.is_some(),
        Scope::Address => subject.service.endpoint().is_some(),
        Scope::Directory => subject.directories.is_some(),
        Scope::Set => subject.service.set.is_some(),
        Scope::Container | Scope::Compose => {
            super::compose::is_about(rule.scope, system, subject, around)
        }
        Scope::Manifest => false,
    }
}

/// Whether the manifest says that there is nothing to look at: single-user mode.
fn is_excused(subject: &Subject<'_>) -> bool {
    matches!(subject.service.target, Target::NotConfigured { .. })
        && subject.snapshot.is_none()
        && subject.directories.is_none()
}

/// The database that was reached, else the one that the manifest names.
fn database(subject: &Subject<'_>) -> Option<String> {
    subject.snapshot.as_ref()?;
    let name = subject.service.database_name();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether a process has the service's RocksDB open.
fn is_running(subject: &Subject<'_>) -> bool {
    let directories = subject.directories.as_ref().and_then(|fact| fact.known());
    directories.is_some_and(|facts| {
        let mut contents = facts.directories.iter().map(|found| &found.contents);
        contents.any(|contents| contents.known().is_some_and(|it| !it.running.is_empty()))
    })
}

fn line(system: &System<'_>, subject: &Subject<'_>) -> ServiceLine {
    let service = subject.service;
    let snapshot = subject.snapshot.as_ref();
    let server = snapshot
        .and_then(|fact| fact.known())
        .map(|snapshot| &snapshot.server);
    let note = match &service.target {
        Target::NotConfigured { variables } => Some(format!(
            "not configured ({} not set): nothing to verify in a database",
            variables.join(", ")
        )),
        Target::Files if subject.directories.is_none() => {
            Some("no directory configured".to_owned())
        }
        Target::Files if is_running(subject) => {
            Some("files only, no database; running (LOCK is held)".to_owned())
        }
        Target::Files => Some("files only, no database".to_owned()),
        Target::Database(_) if system.offline => None,
        Target::Database(_) if snapshot.is_none() => Some("not looked at".to_owned()),
        Target::Database(_) => None,
    };
    ServiceLine {
        name: service.name.clone(),
        line: system.manifest.path.is_some().then_some(service.line),
        store: service.store.as_str(),
        database: service
            .database
            .as_ref()
            .map(|database| database.value.clone()),
        address: service.endpoint().map(|endpoint| {
            let hosts: Vec<String> = endpoint
                .hosts
                .iter()
                .map(|host| {
                    if host.name.contains(':') {
                        format!("[{}]:{}", host.name, host.port)
                    } else {
                        format!("{}:{}", host.name, host.port)
                    }
                })
                .collect();
            hosts.join(",")
        }),
        server_version: server.map(|server| server.version.clone()),
        timescaledb_version: server.and_then(|server| server.timescaledb.clone()),
        system_identifier: snapshot
            .and_then(|fact| fact.known())
            .and_then(|snapshot| snapshot.identity.system_identifier.known().copied()),
        reachable: snapshot.map(|fact| fact.known().is_some()),
        note,
        schema: super::schema::line(subject),
    }
}
