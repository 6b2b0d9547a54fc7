//! A report's findings and gaps in the groups in which people read them.

use super::verify::{Found, NotChecked, Report};

/// Findings by service, in the report's order; what concerns the manifest as a whole stands last, whatever service an entry names.
#[must_use]
pub fn by_service(report: &Report) -> Vec<(Option<&str>, Vec<&Found>)> {
    let mut names: Vec<Option<&str>> = report
        .services
        .iter()
        .map(|service| Some(service.name.as_str()))
        .collect();
    for found in &report.findings {
        if !names.contains(&found.service.as_deref()) {
            names.push(found.service.as_deref());
        }
    }
    let of = |name: Option<&str>| -> Vec<&Found> {
        let findings = report.findings.iter();
        findings
            .filter(|found| found.service.as_deref() == name)
            .collect()
    };
    names
        .into_iter()
        .map(|name| (name, of(name)))
        .filter(|(_, findings)| !findings.is_empty())
        .collect()
}

/// Gaps of one service for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped<'a> {
    /// The service.
    pub service: &'a str,
    /// What stood in the way.
    pub reason: &'a str,
    /// What would make it readable, of the first gap that tells.
    pub remedy: Option<&'a str>,
    /// The rules that it stopped.
    pub rules: Vec<&'static str>,
}

/// Gaps by service and reason: one reason stands once, however many rules it stopped.
#[must_use]
pub fn by_reason(gaps: &[NotChecked]) -> Vec<Stopped<'_>> {
    let mut all: Vec<Stopped<'_>> = Vec::new();
    for gap in gaps {
        let same = all
            .iter_mut()
            .find(|stopped| stopped.service == gap.service && stopped.reason == gap.reason);
        match same {
            Some(stopped) => {
                stopped.rules.push(gap.rule);
                stopped.remedy = stopped.remedy.or(gap.remedy.as_deref());
            }
            None => all.push(Stopped {
                service: &gap.service,
                reason: &gap.reason,
                remedy: gap.remedy.as_deref(),
                rules: vec![gap.rule],
            }),
        }
    }
    all
}
