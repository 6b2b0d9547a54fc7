//! The report of `verify` and `check` as JUnit XML: a suite for each service, a test case for each rule that was asked of it.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::report::text::{count, one_line};
use crate::report::verify::{Accepted, Found, Report, Status};

/// What one rule said about one service.
#[derive(Default)]
struct Case<'a> {
    findings: Vec<&'a Found>,
    gaps: Vec<String>,
    accepted: Vec<String>,
}

/// Cases by the service's place in the report, service and rule.
type Cases<'a> = BTreeMap<(usize, &'a str, &'a str), Case<'a>>;

/// The report as JUnit XML.
///
/// A finding at or above the threshold is a failure; what was not checked is an error, so that no reader counts it as passed;
/// a milder finding stands in the output of a case that passed, and what the manifest accepts is a skipped case.
///
/// # Errors
/// When the XML cannot be written, which its types rule out.
pub fn junit(report: &Report) -> Result<String, SerializeError> {
    let mut out = quick_junit::Report::new("dbctl");
    out.set_time(report.duration);
    let mut suite: Option<(&str, TestSuite)> = None;
    for ((_, service, rule), case) in cases(report) {
        let mut case = test_case(report, rule, &case);
        case.set_classname(one_line(service));
        let (name, mut current) = match suite.take() {
            Some(open) if open.0 == service => open,
            other => {
                out.add_test_suites(other.map(|(_, done)| done));
                (service, TestSuite::new(one_line(service)))
            }
        };
        current.add_test_case(case);
        suite = Some((name, current));
    }
    out.add_test_suites(suite.map(|(_, done)| done));
    if report.status() == Status::Incomplete && report.not_checked.is_empty() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message("nothing could be checked");
        let mut suite = TestSuite::new("dbctl");
        suite.add_test_case(TestCase::new("verdict", status));
        out.add_test_suite(suite);
    }
    // Jenkins' schema (junit-10.xsd) knows this attribute of a suite, and not of all suites together, which come first.
    let skipped = format!(" skipped=\"{}\"", out.skipped);
    Ok(out.to_string()?.replacen(&skipped, "", 1))
}

/// What each rule said about each service.
fn cases(report: &Report) -> Cases<'_> {
    let mut cases = Cases::new();
    for asked in &report.asked {
        at(&mut cases, report, Some(&asked.service), asked.rule);
    }
    for found in &report.findings {
        let service = found.service.as_deref();
        at(&mut cases, report, service, found.finding.rule)
            .findings
            .push(found);
    }
    for gap in &report.not_checked {
        let mut text = one_line(&gap.reason);
        if let Some(remedy) = &gap.remedy {
            text.push_str(&format!("\n-> {}", one_line(remedy)));
        }
        at(&mut cases, report, Some(&gap.service), gap.rule)
            .gaps
            .push(text);
    }
    for allowed in &report.allowed {
        let (service, rule, what) = match &allowed.what {
            Accepted::Finding(found) => (
                found.service.as_deref(),
                found.finding.rule,
                &found.finding.message,
            ),
            Accepted::Gap(gap) => (Some(gap.service.as_str()), gap.rule, &gap.reason),
        };
        let text = format!(
            "accepted in {}: {}: {}",
            one_line(&allowed.place()),
            one_line(&allowed.reason),
            one_line(what)
        );
        at(&mut cases, report, service, rule).accepted.push(text);
    }
    cases
}

/// The case of a rule and a service; what concerns the manifest as a whole stands last.
fn at<'c, 'r>(
    cases: &'c mut Cases<'r>,
    report: &'r Report,
    service: Option<&'r str>,
    rule: &'r str,
) -> &'c mut Case<'r> {
    let place = report
        .services
        .iter()
        .position(|line| Some(line.name.as_str()) == service)
        .unwrap_or(report.services.len());
    cases
        .entry((place, service.unwrap_or("manifest"), rule))
        .or_default()
}

fn test_case(report: &Report, rule: &str, case: &Case<'_>) -> TestCase {
    let (failing, mild): (Vec<&Found>, Vec<&Found>) = case
        .findings
        .iter()
        .partition(|found| found.finding.severity >= report.fail_on);
    let texts = |findings: &[&Found]| findings.iter().map(|found| text(found)).collect::<Vec<_>>();
    let status = if !failing.is_empty() {
        let message = match failing.as_slice() {
            [only] => one_line(&only.finding.message),
            several => count(several.len(), "finding"),
        };
        non_success(NonSuccessKind::Failure, &message, rule, &texts(&failing))
    } else if let Some(first) = case.gaps.first() {
        let first = first.lines().next().unwrap_or_default();
        let message = format!("not checked: {first}");
        non_success(NonSuccessKind::Error, &message, "not checked", &case.gaps)
    } else if let (Some(first), true) = (case.accepted.first(), mild.is_empty()) {
        let mut status = TestCaseStatus::skipped();
        // As a text: Jenkins' older schemas know no attribute of this element.
        status.set_description(first.as_str());
        status
    } else {
        TestCaseStatus::success()
    };
    let mut output = texts(&mild);
    output.extend(case.accepted.iter().cloned());
    if !failing.is_empty() {
        let gaps = case.gaps.iter().map(|gap| format!("not checked: {gap}"));
        output.extend(gaps);
    }
    let mut case = TestCase::new(rule, status);
    if !output.is_empty() {
        case.set_system_out(output.join("\n"));
    }
    case
}

fn non_success(kind: NonSuccessKind, message: &str, of: &str, texts: &[String]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status
        .set_message(message)
        .set_type(of)
        .set_description(texts.join("\n"));
    status
}

fn text(found: &Found) -> String {
    let finding = &found.finding;
    let mut lines = vec![format!(
        "{}: {}",
        finding.severity.as_str(),
        one_line(&finding.message)
    )];
    if let Some(location) = &finding.location {
        lines.push(format!("at: {}", one_line(&location.to_string())));
    }
    for (word, text) in [
        ("expected: ", &finding.expected),
        ("actual: ", &finding.actual),
        ("-> ", &finding.remedy),
    ] {
        if !text.is_empty() {
            lines.push(format!("{word}{}", one_line(text)));
        }
    }
    lines.join("\n")
}
