//! Codes and rules, explained.

use serde::Serialize;

use super::Style;
use super::wrap::wrap;
use crate::report::explain::Explanation;

/// A page for each.
#[must_use]
pub fn text(explanations: &[Explanation], style: Style) -> String {
    let width = style.width.map_or(usize::MAX, usize::from);
    let pages: Vec<String> = explanations
        .iter()
        .map(|explanation| {
            // A rule's page has a heading and lines of its own.
            if explanation.kind == "rule" {
                return format!("{}\n", explanation.text);
            }
            let head = format!(
                "{} {}: {}",
                explanation.kind, explanation.topic, explanation.title
            );
            let body: Vec<String> = explanation
                .text
                .split("\n\n")
                .map(|paragraph| wrap(paragraph, width, 2))
                .collect();
            format!("{}{}", wrap(&head, width, 0), body.join("\n"))
        })
        .collect();
    pages.join("\n")
}

#[derive(Serialize)]
struct V1Explanations<'a> {
    version: u8,
    explanations: Vec<V1Explanation<'a>>,
}

#[derive(Serialize)]
struct V1Explanation<'a> {
    topic: &'a str,
    kind: &'a str,
    title: &'a str,
    text: &'a str,
}

/// The explanations as JSON, version 1.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(explanations: &[Explanation]) -> Result<String, serde_json::Error> {
    let explanations = explanations
        .iter()
        .map(|explanation| V1Explanation {
            topic: &explanation.topic,
            kind: explanation.kind,
            title: &explanation.title,
            text: &explanation.text,
        })
        .collect();
    let mut text = super::json_text::pretty(&V1Explanations {
        version: 1,
        explanations,
    })?;
    text.push('\n');
    Ok(text)
}
