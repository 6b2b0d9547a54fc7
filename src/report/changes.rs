//! What has changed between two reports of `verify`.

use std::collections::{BTreeMap, BTreeSet};

use super::Severity;
use super::verify::{Found, NotChecked, Report};

/// Kind, schema and name of an object.
pub type ObjectName = (String, Option<String>, String);

/// Rule, service, object and severity.
type Key<'a> = (&'a str, Option<&'a str>, &'a ObjectName, Severity);

/// A finding as two reports can be compared by it: what it is about is the same even where its words are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The rule's id.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// The service.
    pub service: Option<String>,
    /// Kind, schema and name of the object.
    pub object: ObjectName,
    /// The sentence.
    pub message: String,
    /// What mends it; empty where a report that was read again does not matter for that.
    pub remedy: String,
}

/// A rule that could not look at a service: the service's name and the rule's id.
pub type Blank = (String, String);

/// What a report is compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Before {
    /// The findings.
    pub findings: Vec<Known>,
    /// What was not looked at.
    pub blanks: BTreeSet<Blank>,
}

impl Known {
    /// What makes it the same finding.
    fn key(&self) -> Key<'_> {
        (
            &self.rule,
            self.service.as_deref(),
            &self.object,
            self.severity,
        )
    }
}

impl From<&Found> for Known {
    fn from(found: &Found) -> Self {
        let finding = &found.finding;
        Self {
            rule: finding.rule.to_owned(),
            severity: finding.severity,
            service: found.service.clone(),
            object: (
                finding.about.kind.to_owned(),
                finding.about.schema.clone(),
                finding.about.name.clone(),
            ),
            message: finding.message.clone(),
            remedy: finding.remedy.clone(),
        }
    }
}

/// How a report differs from the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Whether there was no report before.
    pub first: bool,
    /// Findings that were not there.
    pub new: Vec<Known>,
    /// Findings that were there, and whose rule has looked again and not seen them.
    pub gone: Vec<Known>,
    /// Findings that were there, and whose rule has not looked this time: nothing is known about them.
    pub unseen: Vec<Known>,
    /// Findings that were there and still are.
    pub unchanged: Vec<Known>,
    /// What could be looked at, and cannot any more.
    pub stopped: Vec<NotChecked>,
    /// What could not be looked at, and was looked at now.
    pub resumed: BTreeSet<Blank>,
    /// All that was not looked at, now or when it was last asked for.
    blanks: BTreeSet<Blank>,
}

impl Changes {
    /// Compares a report with the one before; `None` when there is none.
    #[must_use]
    pub fn between(before: Option<&Before>, report: &Report) -> Self {
        let findings: Vec<Known> = report.findings.iter().map(Known::from).collect();
        let mut left: BTreeMap<_, Vec<&Known>> = BTreeMap::new();
        for known in before.iter().flat_map(|before| &before.findings) {
            left.entry(known.key()).or_default().push(known);
        }
        let mut changes = Self {
            first: before.is_none(),
            ..Self::default()
        };
        for now in &findings {
            let same = left.get_mut(&now.key()).and_then(Vec::pop);
            if same.is_some() {
                changes.unchanged.push(now.clone());
            } else {
                changes.new.push(now.clone());
            }
        }
        for known in left.into_values().flatten() {
            let list = if has_looked(report, known) {
                &mut changes.gone
            } else {
                &mut changes.unseen
            };
            list.push(known.clone());
        }
        changes.compare_blanks(before, report);
        changes
    }

    fn compare_blanks(&mut self, before: Option<&Before>, report: &Report) {
        let known = before.map(|before| &before.blanks);
        let blank = |gap: &NotChecked| (gap.service.clone(), gap.rule.to_owned());
        self.stopped = (report.not_checked.iter())
            .filter(|gap| known.is_none_or(|known| !known.contains(&blank(gap))))
            .cloned()
            .collect();
        self.blanks = report.not_checked.iter().map(blank).collect();
        let chosen = |name: &str| report.services.iter().any(|line| line.name == name);
        for earlier in known.into_iter().flatten() {
            if !chosen(&earlier.0) {
                self.blanks.insert(earlier.clone());
            } else if !self.blanks.contains(earlier) {
                self.resumed.insert(earlier.clone());
            }
        }
    }

    /// Whether nothing came or went, and what can be looked at is the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new.is_empty()
            && self.gone.is_empty()
            && self.stopped.is_empty()
            && self.resumed.is_empty()
    }

    /// What the next round is compared with: what was not looked at is still waited for.
    #[must_use]
    pub fn kept(&self) -> Before {
        Before {
            findings: [&self.new, &self.unchanged, &self.unseen]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            blanks: self.blanks.clone(),
        }
    }
}

/// Whether the rule of an earlier finding was asked of its service, and could answer.
fn has_looked(report: &Report, known: &Known) -> bool {
    let Some(service) = &known.service else {
        return true;
    };
    report.services.iter().any(|line| line.name == *service)
        && !report
            .not_checked
            .iter()
            .any(|gap| gap.service == *service && gap.rule == known.rule)
}
