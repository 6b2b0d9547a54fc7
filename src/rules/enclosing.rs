//! Schemas of nobody's are told with what lies in them; what removes that removes them last.

use super::classify::Class;
use super::survey::Survey;
use super::text::sql_ident;
use crate::report::About;
use crate::report::verify::Found;
use crate::snapshot::{Kind, Rename};

/// Adds to the remedies of one service how the schemas go that have no finding of their own.
pub(super) fn tell(survey: &Survey<'_>, findings: &mut [Found]) {
    let schemas = survey
        .extras
        .iter()
        .filter(|(object, class)| {
            object.key.kind == Kind::Schema && matches!(class, Class::Implied)
        })
        .map(|(object, _)| object.key.name.as_str());
    for schema in schemas {
        // The last that is shown: the most severe come first.
        let last = findings
            .iter_mut()
            .rev()
            .filter(|found| {
                let about = &found.finding.about;
                let moved = |rename: &Rename| {
                    rename.moved_into() == Some(schema) && About::key(&rename.was) == *about
                };
                about.schema.as_deref() == Some(schema) || survey.renames().iter().any(moved)
            })
            .min_by_key(|found| found.finding.severity);
        if let Some(found) = last {
            let sql = format!(
                " If the schema is empty then: DROP SCHEMA {};",
                sql_ident(schema)
            );
            found.finding.remedy.push_str(&sql);
        }
    }
}
