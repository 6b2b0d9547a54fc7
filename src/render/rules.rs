//! The catalogue of rules: a list, or one page.

use serde::Serialize;

use super::Style;
use super::style::{Tone, lines};
use crate::report::Severity;
use crate::report::rules::RuleLine;

/// Every rule on a line of its own.
#[must_use]
pub fn list(rules: &[RuleLine], style: Style) -> String {
    let mut table = style.table(&["RULE", "SEVERITY", "ASKS"]);
    for rule in rules {
        let tone = match rule.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Warn,
            Severity::Info => Tone::Faint,
        };
        table.add_row([
            rule.id.to_owned(),
            style.paint(tone, rule.severity.as_str()),
            rule.summary.to_owned(),
        ]);
    }
    let mut text = lines(&table);
    text.push_str("\n`dbctl rules ID` shows what a rule means, why it matters and how to mend what it finds.\n");
    text
}

/// One rule's page.
#[must_use]
pub fn page(rule: &RuleLine) -> String {
    format!("{}\n", rule.help.trim_end())
}

#[derive(Serialize)]
struct V1Rule<'a> {
    id: &'a str,
    severity: &'a str,
    summary: &'a str,
    help: &'a str,
}

#[derive(Serialize)]
struct V1Rules<'a> {
    version: u8,
    rules: Vec<V1Rule<'a>>,
}

/// The rules as JSON, version 1.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(rules: &[RuleLine]) -> Result<String, serde_json::Error> {
    let rules = rules
        .iter()
        .map(|rule| V1Rule {
            id: rule.id,
            severity: rule.severity.as_str(),
            summary: rule.summary,
            help: rule.help,
        })
        .collect();
    let mut text = super::json_text::pretty(&V1Rules { version: 1, rules })?;
    text.push('\n');
    Ok(text)
}
