//! A report's findings and gaps in the groups in which people read them.

use std::collections::{HashMap, HashSet};

use super::verify::{Found, NotChecked, Report};

/// Findings by service, in the report's order; what concerns the manifest as a whole stands last, whatever service an entry names.
#[must_use]
pub fn by_service(report: &Report) -> Vec<(Option<&str>, Vec<&Found>)> {
    let mut groups: Vec<(Option<&str>, Vec<&Found>)> = Vec::new();
    let mut places: HashMap<Option<&str>, usize> = HashMap::new();
    let known = report
        .services
        .iter()
        .map(|service| (Some(service.name.as_str()), None));
    let found = report
        .findings
        .iter()
        .map(|found| (found.service.as_deref(), Some(found)));
    for (name, found) in known.chain(found) {
        let place = *places.entry(name).or_insert_with(|| {
            groups.push((name, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, findings)) = groups.get_mut(place) {
            findings.extend(found);
        }
    }
    groups.retain(|(_, findings)| !findings.is_empty());
    groups
}

/// Gaps for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped<'a> {
    /// The services: one, but for what is wrong with files that several have in common.
    pub services: Vec<&'a str>,
    /// What stood in the way.
    pub reason: &'a str,
    /// What would make it readable, of the first gap that tells.
    pub remedy: Option<&'a str>,
    /// The rules that it stopped.
    pub rules: Vec<&'static str>,
}

impl Stopped<'_> {
    /// The services as a report names them.
    #[must_use]
    pub fn who(&self) -> String {
        match self.services.len() {
            0..=4 => self.services.join(", "),
            many => format!("{many} services"),
        }
    }
}

/// What a reason is one cause with: a compose file that keeps several services from being looked at is one, and each database is one of its
/// own, though it says the same.
fn cause(gap: &NotChecked) -> (&str, &str) {
    let of_all = gap.rule.starts_with("compose/");
    (if of_all { "" } else { &gap.service }, &gap.reason)
}

/// Gaps by cause: one reason stands once, however many rules it stopped.
#[must_use]
pub fn by_reason(gaps: &[NotChecked]) -> Vec<Stopped<'_>> {
    let mut all: Vec<Stopped<'_>> = Vec::new();
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    for gap in gaps {
        let place = *places.entry(cause(gap)).or_insert_with(|| {
            all.push(Stopped {
                services: Vec::new(),
                reason: &gap.reason,
                remedy: None,
                rules: Vec::new(),
            });
            all.len() - 1
        });
        let Some(stopped) = all.get_mut(place) else {
            continue;
        };
        stopped.remedy = stopped.remedy.or(gap.remedy.as_deref());
        if stopped.services.last() != Some(&gap.service.as_str()) {
            stopped.services.push(&gap.service);
        }
        if !stopped.rules.contains(&gap.rule) {
            stopped.rules.push(gap.rule);
        }
    }
    all
}

/// How many questions have no answer, where one cause for several services counts once.
#[must_use]
pub fn causes(gaps: &[NotChecked]) -> usize {
    let of = |gap: &NotChecked| -> (&'static str, String, String) {
        let (service, reason) = cause(gap);
        (gap.rule, service.to_owned(), reason.to_owned())
    };
    gaps.iter().map(of).collect::<HashSet<_>>().len()
}
