//! The report of `verify` and `check` as one HTML file that needs nothing else: no script, no font, no picture from elsewhere.

mod matrix;
mod sections;

use time::format_description::well_known::Rfc3339;

use super::Style;
use super::escape::html as escape;
use super::verify::verdict;
use super::verify_words::TITLE;
use crate::report::verify::{Report, Status};

/// The looks: light and dark, phone and desk, screen and paper.
const STYLE: &str = include_str!("report.css");

/// What the page may load: its own style sheet, and nothing from anywhere.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole report.
#[must_use]
pub fn html(report: &Report) -> String {
    let status = report.status();
    let verdict = escape(&verdict(report, Style::default()));
    let (class, mark) = match status {
        Status::Pass => ("pass", "✓"),
        Status::Fail => ("fail", "✕"),
        Status::Incomplete => ("incomplete", "?"),
    };
    let parts = [
        ("reach", "Who can reach what", matrix::section(report)),
        ("findings", "Findings", sections::findings(report)),
        ("gaps", "Not checked", sections::gaps(report)),
        (
            "accepted",
            "Accepted by the manifest",
            sections::accepted(report),
        ),
        (
            "services",
            "Services and their schemas",
            sections::services(report),
        ),
    ];
    let links: Vec<String> = parts
        .iter()
        .map(|(id, title, _)| format!("<li><a href=\"#{id}\">{title}</a></li>\n"))
        .collect();
    let bodies: Vec<String> = parts
        .iter()
        .map(|(id, title, body)| {
            format!(
                "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{body}</section>\n"
            )
        })
        .collect();
    // A `time` element takes no more than milliseconds (HTML, "Global dates and times"); people want none of them.
    let at = report.at.replace_nanosecond(0).unwrap_or(report.at);
    let at = at.format(&Rfc3339).unwrap_or_default();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>dbctl: {verdict}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n\
         <header>\n<h1>{TITLE}</h1>\n\
         <p class=\"verdict {class}\"><span class=\"mark\" aria-hidden=\"true\">{mark}</span> {verdict}</p>\n\
         <nav aria-label=\"Contents\">\n<ul>\n{}</ul>\n</nav>\n</header>\n\
         <main>\n{}</main>\n\
         <footer>\n<p>dbctl {}, <time datetime=\"{at}\">{at}</time>, {} ms; exit code {}, \
         fails on {} and worse; manifest: {}</p>\n</footer>\n</body>\n</html>\n",
        links.concat(),
        bodies.concat(),
        crate::VERSION,
        report.duration.as_millis(),
        report.exit().code(),
        report.fail_on.as_str(),
        escape(report.manifest.as_deref().unwrap_or("built in")),
    )
}
