//! The report of `verify` and `check` as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), for code scanning.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use serde_sarif::sarif::{
    ArtifactLocation, Invocation, Location, LogicalLocation, Message, MultiformatMessageString,
    PhysicalLocation, PropertyBag, Region, ReportingConfiguration, ReportingDescriptor,
    Result as SarifResult, ResultKind, ResultLevel, Run, SCHEMA_URL, Sarif, Suppression, Tool,
    ToolComponent,
};
use sha2::{Digest as _, Sha256};

use super::paths::{Paths, Place};
use crate::report::Severity;
use crate::report::rules::RuleLine;
use crate::report::text::one_line;
use crate::report::verify::{Accepted, Allowed, Found, NotChecked, Report, Status};

/// The report as SARIF. A finding is a result of kind `fail`, what was not checked one of kind `open`, and what the manifest
/// accepts a result that is suppressed. `rules` is the catalogue.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn sarif(
    report: &Report,
    rules: &[RuleLine],
    paths: &Paths,
) -> Result<String, serde_json::Error> {
    let driver = ToolComponent::builder()
        .name("dbctl")
        .version(crate::VERSION)
        .semantic_version(crate::VERSION)
        .rules(named(report, rules).map(descriptor).collect::<Vec<_>>())
        .build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .column_kind(json!("unicodeCodePoints"))
        .invocations(vec![invocation(report)])
        .results(results(report, rules, paths))
        .build();
    let log = Sarif::builder()
        .schema(SCHEMA_URL)
        .version(json!("2.1.0"))
        .runs(vec![run])
        .build();
    let mut text = super::json_text::pretty(&log)?;
    text.push('\n');
    Ok(text)
}

/// The rules that were asked or found something, in the catalogue's order.
fn named<'a>(report: &'a Report, rules: &'a [RuleLine]) -> impl Iterator<Item = &'a RuleLine> {
    let asked = report.asked.iter().map(|asked| asked.rule);
    let found = report.findings.iter().map(|found| found.finding.rule);
    let gaps = report.not_checked.iter().map(|gap| gap.rule);
    let allowed = report.allowed.iter().map(|allowed| match &allowed.what {
        Accepted::Finding(found) => found.finding.rule,
        Accepted::Gap(gap) => gap.rule,
    });
    let named: BTreeSet<&str> = asked.chain(found).chain(gaps).chain(allowed).collect();
    rules.iter().filter(move |rule| named.contains(rule.id))
}

const fn level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Info => ResultLevel::Note,
    }
}

fn descriptor(rule: &RuleLine) -> ReportingDescriptor {
    let text = |text: &str| MultiformatMessageString::builder().text(text).build();
    let help = MultiformatMessageString::builder()
        .text(rule.help)
        .markdown(rule.help)
        .build();
    let usual = ReportingConfiguration::builder()
        .level(json!(level(rule.severity)))
        .build();
    ReportingDescriptor::builder()
        .id(rule.id)
        .short_description(text(rule.summary))
        .full_description(text(rule.summary))
        .help(help)
        .default_configuration(usual)
        .build()
}

fn invocation(report: &Report) -> Invocation {
    let complete = report.not_checked.is_empty() && report.status() != Status::Incomplete;
    Invocation::builder()
        .execution_successful(complete)
        .exit_code(i64::from(report.exit().code()))
        .exit_code_description(report.status().as_str())
        .build()
}

fn results(report: &Report, rules: &[RuleLine], paths: &Paths) -> Vec<SarifResult> {
    let index: BTreeMap<&str, usize> = named(report, rules)
        .enumerate()
        .map(|(index, rule)| (rule.id, index))
        .collect();
    let writer = Writer {
        report,
        paths,
        index,
    };
    let findings = report.findings.iter().map(|found| writer.finding(found));
    let gaps = report.not_checked.iter().map(|gap| writer.gap(gap));
    let allowed = report.allowed.iter().map(|allowed| {
        let mut result = match &allowed.what {
            Accepted::Finding(found) => writer.finding(found),
            Accepted::Gap(gap) => writer.gap(gap),
        };
        result.suppressions = Some(vec![suppression(allowed)]);
        result
    });
    findings.chain(gaps).chain(allowed).collect()
}

fn suppression(allowed: &Allowed) -> Suppression {
    let until = allowed
        .until
        .as_ref()
        .map_or_else(String::new, |until| format!(", until {until}"));
    Suppression::builder()
        .kind(json!(if allowed.file.is_some() {
            "inSource"
        } else {
            "external"
        }))
        .status(json!("accepted"))
        .justification(format!(
            "{}{until} ({}{})",
            one_line(&allowed.reason),
            one_line(&allowed.place()),
            if allowed.file.is_some() {
                ""
            } else {
                " of the manifest"
            }
        ))
        .build()
}

/// What every result needs.
struct Writer<'a> {
    report: &'a Report,
    paths: &'a Paths,
    index: BTreeMap<&'a str, usize>,
}

impl Writer<'_> {
    fn finding(&self, found: &Found) -> SarifResult {
        let finding = &found.finding;
        let about = &finding.about;
        let service = found.service.as_deref().unwrap_or_default();
        let full: Vec<String> = [found.service.as_deref(), found.database.as_deref()]
            .into_iter()
            .flatten()
            .chain([about.qualified().as_str()])
            .map(one_line)
            .collect();
        let logical = LogicalLocation::builder()
            .name(one_line(&about.name))
            .kind(about.kind)
            .fully_qualified_name(full.join("/"))
            .build();
        let mut text = finding.message.clone();
        if !finding.remedy.is_empty() {
            text = format!("{text} -> {}", finding.remedy);
        }
        let properties = json!({
            "service": found.service,
            "database": found.database,
            "belongs_to": finding.belongs_to,
            "expected": one_line(&finding.expected),
            "actual": one_line(&finding.actual),
            "remedy": one_line(&finding.remedy),
            "evidence": finding.evidence,
        });
        let mut result = self.result(finding.rule, &text, properties);
        result.kind = Some(ResultKind::Fail);
        result.level = Some(level(finding.severity));
        result.locations = Some(vec![
            Location::builder()
                .physical_location(self.physical(&Place::of(self.report, found)))
                .logical_locations(vec![logical])
                .build(),
        ]);
        result.partial_fingerprints = Some(fingerprint(&[
            finding.rule,
            service,
            finding.location.as_ref().map_or("", |at| at.file.as_str()),
            about.kind,
            about.schema.as_deref().unwrap_or_default(),
            &about.name,
            finding.belongs_to.as_deref().unwrap_or_default(),
        ]));
        result
    }

    fn gap(&self, gap: &NotChecked) -> SarifResult {
        let mut text = format!("not checked for {}: {}", gap.service, gap.reason);
        if let Some(remedy) = &gap.remedy {
            text = format!("{text} -> {remedy}");
        }
        let properties = json!({"service": gap.service, "remedy": gap.remedy});
        let place = Place::of_service(self.report, Some(&gap.service));
        let mut result = self.result(gap.rule, &text, properties);
        result.kind = Some(ResultKind::Open);
        // The level of everything that is not of kind `fail`.
        result.level = Some(ResultLevel::None);
        result.locations = Some(vec![
            Location::builder()
                .physical_location(self.physical(&place))
                .build(),
        ]);
        result.partial_fingerprints = Some(fingerprint(&["not checked", gap.rule, &gap.service]));
        result
    }

    fn result(&self, rule: &str, text: &str, properties: Value) -> SarifResult {
        let mut result = SarifResult::builder()
            .rule_id(rule)
            .message(Message::builder().text(message(text)).build())
            .properties(bag(properties))
            .build();
        let index = self.index.get(rule).copied();
        result.rule_index = index.and_then(|index| i64::try_from(index).ok());
        result
    }

    fn physical(&self, place: &Place<'_>) -> PhysicalLocation {
        let uri = self.paths.uri(place.file);
        let mut artifact = ArtifactLocation::builder().build();
        if !uri.starts_with("file:") {
            artifact.uri_base_id = Some("%SRCROOT%".to_owned());
        }
        artifact.uri = Some(uri);
        let number = |number: usize| i64::try_from(number.max(1)).ok();
        let mut region = Region::builder().build();
        region.start_line = number(place.line);
        region.start_column = place.column.and_then(number);
        PhysicalLocation::builder()
            .artifact_location(artifact)
            .region(region)
            .build()
    }
}

/// The properties that are there.
fn bag(properties: Value) -> PropertyBag {
    let Value::Object(properties) = properties else {
        return PropertyBag::builder()
            .additional_properties(BTreeMap::new())
            .build();
    };
    let there: BTreeMap<String, Value> = properties
        .into_iter()
        .filter(|(_, value)| !value.is_null() && *value != "")
        .collect();
    PropertyBag::builder().additional_properties(there).build()
}

/// A plain text message: in one, `{0}` is a placeholder (section 3.11.5), and `[a](b)` a link (3.11.6).
fn message(text: &str) -> String {
    let mut text = one_line(text);
    let digits = |rest: &str| {
        rest.split_once('}').is_some_and(|(number, _)| {
            !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
        })
    };
    if text.split('{').skip(1).any(digits) {
        text = text.replace('{', "{{").replace('}', "}}");
    }
    if text.contains("](") {
        text = text.replace('[', "\\[").replace(']', "\\]");
    }
    text
}

/// What a finding is the same by in the next run.
fn fingerprint(parts: &[&str]) -> BTreeMap<String, String> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hex: Vec<String> = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    BTreeMap::from([("dbctl/v1".to_owned(), hex.concat())])
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn a_message_holds_no_placeholder_and_no_link() {
        assert_eq!(message("a {0} {x}"), "a {{0}} {{x}}");
        assert_eq!(message("{x} [y]"), "{x} [y]");
        assert_eq!(
            message("[a](http://b)\u{2028}"),
            r"\[a\](http://b)\u{{2028}}"
        );
    }
}
