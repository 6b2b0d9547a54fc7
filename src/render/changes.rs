//! What has changed since another report of `verify`: for people, and for scripts.

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Style;
use super::verify::{not_checked, tone, verdict};
use super::verify_json::report_value;
use crate::report::changes::{Changes, Known};
use crate::report::grouped::{by_reason, causes};
use crate::report::text::{count, one_line};
use crate::report::verify::Report;

#[derive(Serialize)]
struct V1Changes<'a> {
    first: bool,
    new: Vec<V1Known<'a>>,
    gone: Vec<V1Known<'a>>,
    not_checked: Vec<V1Known<'a>>,
    unchanged: usize,
    stopped: Vec<V1Stopped<'a>>,
    resumed: Vec<V1Resumed<'a>>,
}

#[derive(Serialize)]
struct V1Stopped<'a> {
    services: Vec<&'a str>,
    rules: Vec<&'a str>,
    reason: &'a str,
    remedy: Option<&'a str>,
}

#[derive(Serialize)]
struct V1Resumed<'a> {
    service: &'a str,
    rules: Vec<&'a str>,
}

#[derive(Serialize)]
struct V1Known<'a> {
    rule: &'a str,
    severity: &'a str,
    service: Option<&'a str>,
    object: V1Object<'a>,
    message: &'a str,
}

#[derive(Serialize)]
struct V1Object<'a> {
    kind: &'a str,
    schema: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize)]
struct V1Round<'a> {
    time: String,
    status: &'static str,
    #[serde(flatten)]
    changes: V1Changes<'a>,
}

impl<'a> From<&'a Known> for V1Known<'a> {
    fn from(known: &'a Known) -> Self {
        let (kind, schema, name) = &known.object;
        Self {
            rule: &known.rule,
            severity: known.severity.as_str(),
            service: known.service.as_deref(),
            object: V1Object {
                kind,
                schema: schema.as_deref(),
                name,
            },
            message: &known.message,
        }
    }
}

impl<'a> From<&'a Changes> for V1Changes<'a> {
    fn from(changes: &'a Changes) -> Self {
        let list = |known: &'a [Known]| known.iter().map(V1Known::from).collect();
        Self {
            first: changes.first,
            new: list(&changes.new),
            gone: list(&changes.gone),
            not_checked: list(&changes.unseen),
            unchanged: changes.unchanged.len(),
            stopped: by_reason(&changes.stopped)
                .into_iter()
                .map(|stopped| V1Stopped {
                    services: stopped.services,
                    rules: stopped.rules,
                    reason: stopped.reason,
                    remedy: stopped.remedy,
                })
                .collect(),
            resumed: resumed(changes)
                .into_iter()
                .map(|(service, rules)| V1Resumed { service, rules })
                .collect(),
        }
    }
}

/// The report as JSON, version 1, with what has changed under `since_last`.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &Report, changes: &Changes) -> Result<String, serde_json::Error> {
    let mut value = report_value(report)?;
    if let Some(object) = value.as_object_mut() {
        object.insert(
            "since_last".to_owned(),
            serde_json::to_value(V1Changes::from(changes))?,
        );
    }
    let mut text = super::json_text::pretty(&value)?;
    text.push('\n');
    Ok(text)
}

/// One round of `--watch` as one line of JSON.
///
/// # Errors
/// As [`json`].
pub fn json_line(
    report: &Report,
    changes: &Changes,
    now: OffsetDateTime,
) -> Result<String, serde_json::Error> {
    let mut text = super::json_text::line(&V1Round {
        time: stamp(now),
        status: report.status().as_str(),
        changes: changes.into(),
    })?;
    text.push('\n');
    Ok(text)
}

/// What has changed, and the verdict as the last line.
#[must_use]
pub fn table(report: &Report, changes: &Changes, style: Style) -> String {
    let mut out = String::new();
    if changes.first {
        out.push_str("no report before this one\n");
    }
    lines(changes, "", style, &mut out);
    out.push_str(&format!(
        "{} new, {} gone, {} not looked at this time, {} unchanged\n",
        changes.new.len(),
        changes.gone.len(),
        changes.unseen.len(),
        changes.unchanged.len(),
    ));
    not_checked(report, style, &mut out);
    out.push_str(&format!("\n{}\n", verdict(report, style)));
    out
}

/// One round of `--watch`: the first says how things stand, the others what has changed.
#[must_use]
pub fn round(report: &Report, changes: &Changes, now: OffsetDateTime, style: Style) -> String {
    let mut out = String::new();
    let stamp = stamp(now);
    lines(changes, &format!("{stamp} "), style, &mut out);
    for stopped in by_reason(&changes.stopped) {
        out.push_str(&format!(
            "{stamp} not checked {}: {} ({})\n",
            one_line(&stopped.who()),
            one_line(stopped.reason),
            count(stopped.rules.len(), "rule")
        ));
        out.push_str(&remedy(stopped.remedy.unwrap_or_default()));
    }
    for (service, rules) in resumed(changes) {
        out.push_str(&format!(
            "{stamp} checked again {}: {}\n",
            one_line(service),
            count(rules.len(), "rule")
        ));
    }
    if changes.first {
        out.push_str(&format!(
            "{stamp} {}, {} not checked\n",
            count(report.findings.len(), "finding"),
            causes(&report.not_checked)
        ));
    }
    out
}

fn lines(changes: &Changes, stamp: &str, style: Style, out: &mut String) {
    for (word, list) in [
        ("new ", &changes.new),
        ("gone", &changes.gone),
        ("?   ", &changes.unseen),
    ] {
        // What is not looked at round after round is said by the report itself.
        if word == "?   " && !stamp.is_empty() {
            continue;
        }
        for known in list {
            out.push_str(&format!(
                "{stamp}{word} {} {} {}: {}\n",
                style.paint(tone(known.severity), known.severity.as_str()),
                one_line(&known.rule),
                one_line(known.service.as_deref().unwrap_or("manifest")),
                one_line(&known.message)
            ));
            if word == "new " {
                out.push_str(&remedy(&known.remedy));
            }
        }
    }
}

/// What to do, on a line of its own.
fn remedy(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("    -> {}\n", one_line(text))
}

/// What is looked at again, by service.
fn resumed(changes: &Changes) -> BTreeMap<&str, Vec<&str>> {
    let mut services: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (service, rule) in &changes.resumed {
        services.entry(service).or_default().push(rule);
    }
    services
}

/// The time of a round, in UTC and whole seconds.
fn stamp(now: OffsetDateTime) -> String {
    let whole = now.replace_nanosecond(0).unwrap_or(now);
    // Rfc3339 has a form for every year that a clock can show.
    whole.format(&Rfc3339).unwrap_or_default()
}
