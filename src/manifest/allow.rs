//! Findings and gaps that the manifest accepts.

use super::table::{Scalar, Table};
use super::values::Values;
use super::{Allow, suggest};

/// Resolves one `[[allow]]` entry. `None` after a problem was reported.
pub(super) fn resolve(values: &mut Values<'_>, services: &[Table]) -> Option<Allow> {
    let what = "the id of a rule, as in bleed/foreign-object";
    values.require("rule", what, "add rule");
    let why = "why the finding is accepted";
    values.require("reason", why, "add reason");
    let rule = values.text("rule");
    let reason = values.text("reason");
    if let Some(reason) = reason.as_ref().filter(|text| text.value.trim().is_empty()) {
        let expected = "why the finding is accepted";
        values.unfit(
            "reason",
            &reason.source,
            expected,
            "spaces",
            "write it down",
        );
    }
    let service = values.text("service");
    if let Some(service) = &service
        && !services.iter().any(|table| table.name == service.value)
    {
        let names: Vec<&str> = services.iter().map(|table| table.name.as_str()).collect();
        let advice = suggest::advice(&service.value, &names);
        let found = format!("{:?}", service.value);
        values.unfit(
            "service",
            &service.source,
            "a service of this manifest",
            &found,
            &advice,
        );
    }
    let object = values.text("object");
    let until = until(values);
    let not_checked = values.truth("not_checked");
    Some(Allow {
        line: values.table.line,
        rule: rule?.value,
        service: service.map(|service| service.value),
        object: object.map(|object| object.value),
        reason: reason?.value,
        until,
        not_checked,
    })
}

/// The last day of an allow entry: a TOML date, or the same in quotes.
fn until(values: &mut Values<'_>) -> Option<time::Date> {
    let (scalar, source) = values.lookup("until")?;
    let date = match &scalar {
        Scalar::Date(year, month, day) => time::Month::try_from(*month)
            .and_then(|month| time::Date::from_calendar_date(i32::from(*year), month, *day))
            .ok(),
        Scalar::Text(text) if text.len() == 10 => {
            let format = time::macros::format_description!("[year]-[month]-[day]");
            time::Date::parse(text, format).ok()
        }
        _ => None,
    };
    if date.is_none() {
        let found = scalar.found(false);
        values.unfit(
            "until",
            &source,
            "a day as YYYY-MM-DD",
            &found,
            "write the last day on which it is accepted",
        );
    }
    date
}
