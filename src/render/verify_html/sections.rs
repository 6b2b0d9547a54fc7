//! What stands below the picture: findings by service, what was not checked and why, what is accepted, the schemas.

use super::escape;
use crate::render::verify::{place, server};
use crate::render::verify_words::{accepted as words_of, location, schema};
use crate::report::Severity;
use crate::report::grouped::{by_reason, by_service};
use crate::report::text::count;
use crate::report::verify::{Found, Report};

pub(super) fn findings(report: &Report) -> String {
    let groups = by_service(report);
    if groups.is_empty() {
        let text = if report.checked == 0 {
            "None, but nothing was looked at."
        } else if report.not_checked.is_empty() {
            "None."
        } else {
            "None in what was looked at."
        };
        return format!("<p>{text}</p>\n");
    }
    groups
        .into_iter()
        .map(|(service, findings)| {
            format!(
                "<h3>{} <span class=\"of\">({})</span></h3>\n{}",
                escape(service.unwrap_or("manifest")),
                count(findings.len(), "finding"),
                findings.into_iter().map(finding).collect::<String>()
            )
        })
        .collect()
}

fn finding(found: &Found) -> String {
    let finding = &found.finding;
    let severity = finding.severity.as_str();
    let about = &finding.about;
    let object = format!("{} {}", about.kind, about.qualified());
    let place = location(found).unwrap_or_default();
    let rows: String = [
        ("Expected", finding.expected.as_str()),
        ("Actual", finding.actual.as_str()),
        ("How to mend", finding.remedy.as_str()),
        ("Object", object.as_str()),
        ("Database", found.database.as_deref().unwrap_or_default()),
        (
            "Belongs to",
            finding.belongs_to.as_deref().unwrap_or_default(),
        ),
        ("At", place.as_str()),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(word, text)| format!("<dt>{word}</dt><dd>{}</dd>\n", escape(text)))
    .collect();
    format!(
        "<article class=\"finding {severity}\">\n<h4><span class=\"badge {severity}\">{severity}</span> {}</h4>\n\
         <p>{}</p>\n<dl>\n{rows}</dl>\n</article>\n",
        escape(finding.rule),
        escape(&finding.message)
    )
}

pub(super) fn gaps(report: &Report) -> String {
    let stopped = by_reason(&report.not_checked);
    if stopped.is_empty() {
        let text = if report.checked == 0 && !report.nothing_to_check {
            "Nothing could be checked."
        } else {
            "Everything was checked."
        };
        return format!("<p>{text}</p>\n");
    }
    let items: String = stopped
        .iter()
        .map(|stopped| {
            let remedy = stopped.remedy.map_or_else(String::new, |remedy| {
                format!("<dt>How to mend</dt><dd>{}</dd>\n", escape(remedy))
            });
            format!(
                "<li>\n<p><strong>{}:</strong> {}</p>\n<dl>\n{remedy}<dt>{}</dt><dd>{}</dd>\n</dl>\n</li>\n",
                escape(&stopped.who()),
                escape(stopped.reason),
                count(stopped.rules.len(), "rule"),
                escape(&stopped.rules.join(", "))
            )
        })
        .collect();
    format!("<ul class=\"cards\">\n{items}</ul>\n")
}

pub(super) fn accepted(report: &Report) -> String {
    if report.allowed.is_empty() {
        return "<p>Nothing.</p>\n".to_owned();
    }
    let items: String = report
        .allowed
        .iter()
        .map(|allowed| {
            let (what, why) = words_of(allowed);
            format!(
                "<li>\n<p>{}</p>\n<p class=\"of\">{}</p>\n</li>\n",
                escape(&what),
                escape(&why)
            )
        })
        .collect();
    format!("<ul class=\"cards\">\n{items}</ul>\n")
}

pub(super) fn services(report: &Report) -> String {
    let rows: String = report
        .services
        .iter()
        .map(|service| {
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                escape(&service.name),
                escape(&place(service)),
                escape(&server(service)),
                escape(&schema(service)),
                report.count_of(&service.name, Severity::Error),
                report.count_of(&service.name, Severity::Warning),
                report.not_checked_of(&service.name)
            )
        })
        .collect();
    format!(
        "<p id=\"schemas\">The services, their databases, and what their schemas hold.</p>\n\
         <div class=\"scroll\" role=\"region\" aria-labelledby=\"schemas\" tabindex=\"0\">\n\
         <table class=\"schemas\" aria-labelledby=\"schemas\">\n<thead>\n\
         <tr><th scope=\"col\">Service</th><th scope=\"col\">Database</th><th scope=\"col\">Server</th>\
         <th scope=\"col\">Schema</th><th scope=\"col\">Errors</th><th scope=\"col\">Warnings</th>\
         <th scope=\"col\">Not checked</th></tr>\n</thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n"
    )
}
