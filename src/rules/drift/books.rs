//! dbctl's own tables, which no lock holds: history, stamp and progress as dbctl makes them.

use std::collections::BTreeMap;

use super::changed::{CHANGED_OBJECT, shown};
use crate::rules::text::{ident, mentions, named, sql_ident, sql_name};
use crate::rules::{About, Case, Finding};
use crate::snapshot::attributes::{
    DEFAULT, DEFINITION, ENABLED, FORCE_ROW_SECURITY, INHERITS, PERSISTENCE, ROW_SECURITY,
    VALIDATED,
};
use crate::snapshot::{HISTORY_TABLE, Kind, Object, ObjectKey, PROGRESS_TABLE, STAMP_TABLE};

/// What keeps its value in dbctl's tables, whatever the server's version; options and column types are the server's and refinery's.
const ATTRIBUTES: [&str; 8] = [
    PERSISTENCE,
    ROW_SECURITY,
    FORCE_ROW_SECURITY,
    INHERITS,
    DEFAULT,
    DEFINITION,
    VALIDATED,
    ENABLED,
];

/// A column's default or a constraint's definition: table, kind, name, text.
type Part = (
    (&'static str, &'static str),
    Kind,
    &'static str,
    &'static str,
);

/// What has a default or a definition.
const PARTS: [Part; 7] = [
    (
        HISTORY_TABLE,
        Kind::Constraint,
        "refinery_schema_history_pkey",
        "PRIMARY KEY (version)",
    ),
    (STAMP_TABLE, Kind::Column, "only_row", "true"),
    (STAMP_TABLE, Kind::Column, "stamped_at", "now()"),
    (
        STAMP_TABLE,
        Kind::Constraint,
        "identity_pkey",
        "PRIMARY KEY (only_row)",
    ),
    (
        STAMP_TABLE,
        Kind::Constraint,
        "identity_only_row_check",
        "CHECK (only_row)",
    ),
    (PROGRESS_TABLE, Kind::Column, "started_at", "now()"),
    (
        PROGRESS_TABLE,
        Kind::Constraint,
        "progress_pkey",
        "PRIMARY KEY (version, statement)",
    ),
];

/// Whether a text names one of these tables.
pub(super) fn are_named(text: &str) -> bool {
    [HISTORY_TABLE, STAMP_TABLE, PROGRESS_TABLE]
        .iter()
        .any(|(schema, table)| mentions(text, schema) && mentions(text, table))
}

/// What dbctl does not make so: one finding for each table.
pub(super) fn changed(case: &Case<'_>) -> Vec<Finding> {
    let Ok(snapshot) = case.snapshot() else {
        return Vec::new();
    };
    let books: BTreeMap<&ObjectKey, &Object> = snapshot
        .state
        .books
        .iter()
        .map(|object| (&object.key, object))
        .collect();
    let tables = books.keys().filter(|key| key.kind == Kind::Table);
    tables
        .filter_map(|table| {
            let differences = differences(table, &books);
            (!differences.is_empty()).then(|| finding(case, table, &differences))
        })
        .collect()
}

/// One thing that is not as dbctl makes it.
struct Difference {
    what: String,
    expected: String,
    actual: String,
    remedy: String,
}

fn finding(case: &Case<'_>, table: &ObjectKey, differences: &[Difference]) -> Finding {
    let list = |text: fn(&Difference) -> &str, separator: &str| {
        let texts: Vec<&str> = differences.iter().map(text).collect();
        texts.join(separator)
    };
    CHANGED_OBJECT
        .finding(
            About::key(table),
            format!(
                "{} in database {} of {}, which dbctl keeps for itself, is not as dbctl makes it: {}",
                named(table),
                ident(case.subject.service.database_name()),
                case.name(),
                list(|difference| &difference.what, "; ")
            ),
        )
        .saw(
            list(|difference| &difference.expected, "; "),
            list(|difference| &difference.actual, "; "),
        )
        .remedy(format!(
            "Find out who changed it. {}",
            list(|difference| &difference.remedy, " ")
        ))
}

fn differences(table: &ObjectKey, books: &BTreeMap<&ObjectKey, &Object>) -> Vec<Difference> {
    let of = |key: &ObjectKey| {
        key == table || (&key.schema, &key.parent) == (&table.schema, &table.name)
    };
    let expected = |kind: Kind, name: &str, attribute: &str| {
        let text = match kind {
            Kind::Column => attribute == DEFAULT,
            _ => attribute == DEFINITION,
        };
        let mut parts = PARTS.iter().filter(|_| text);
        parts
            .find(|part| {
                part.0 == (table.schema.as_str(), table.name.as_str())
                    && (part.1, part.2) == (kind, name)
            })
            .map(|part| part.3)
    };
    let mut found: Vec<Difference> = Vec::new();
    for (key, object) in books.iter().filter(|(key, _)| of(key)) {
        for attribute in ATTRIBUTES {
            let actual = object.attributes.get(attribute).map(String::as_str);
            let expected = expected(key.kind, &key.name, attribute);
            if actual != expected {
                found.push(difference(table, key, attribute, expected, actual));
            }
        }
    }
    let missing = PARTS.iter().filter(|(relation, kind, name, _)| {
        *relation == (table.schema.as_str(), table.name.as_str())
            && *kind == Kind::Constraint
            && !books
                .keys()
                .any(|key| of(key) && (key.kind, key.name.as_str()) == (*kind, *name))
    });
    found.extend(missing.map(|(_, _, name, definition)| {
        let name = ident(name);
        Difference {
            what: format!("constraint {name} is missing"),
            expected: format!("constraint {name}: {definition}"),
            actual: "no such constraint".to_owned(),
            remedy: format!(
                "ALTER TABLE {} ADD CONSTRAINT {name} {definition};",
                sql_name(table)
            ),
        }
    }));
    found
}

fn difference(
    table: &ObjectKey,
    key: &ObjectKey,
    attribute: &str,
    expected: Option<&str>,
    actual: Option<&str>,
) -> Difference {
    let word = attribute.replace('_', " ");
    let word = match key.kind {
        Kind::Table => word,
        kind => format!("{word} of {} {}", kind.words(), ident(&key.name)),
    };
    let (expected_text, actual_text) = (
        shown(expected.unwrap_or_default()),
        shown(actual.unwrap_or_default()),
    );
    Difference {
        what: format!("{word} is {actual_text}, expected {expected_text}"),
        expected: format!("{word} {expected_text}"),
        actual: format!("{word} {actual_text}"),
        remedy: remedy(table, key, attribute, expected, actual),
    }
}

/// The statement that makes one attribute as dbctl makes it.
fn remedy(
    table: &ObjectKey,
    key: &ObjectKey,
    attribute: &str,
    expected: Option<&str>,
    actual: Option<&str>,
) -> String {
    let part = sql_ident(&key.name);
    let action = match attribute {
        PERSISTENCE => "SET LOGGED".to_owned(),
        ROW_SECURITY => "DISABLE ROW LEVEL SECURITY".to_owned(),
        FORCE_ROW_SECURITY => "NO FORCE ROW LEVEL SECURITY".to_owned(),
        // As the catalog quotes them.
        INHERITS => {
            let parents = actual.unwrap_or_default().split(", ");
            let actions: Vec<String> = parents
                .map(|parent| format!("NO INHERIT {parent}"))
                .collect();
            actions.join(", ")
        }
        DEFAULT => match expected {
            Some(default) => format!("ALTER COLUMN {part} SET DEFAULT {default}"),
            None => format!("ALTER COLUMN {part} DROP DEFAULT"),
        },
        VALIDATED => format!("VALIDATE CONSTRAINT {part}"),
        _ => match expected {
            Some(definition) => {
                format!("DROP CONSTRAINT {part}, ADD CONSTRAINT {part} {definition}")
            }
            None => "ENABLE TRIGGER ALL".to_owned(),
        },
    };
    format!("ALTER TABLE {} {action};", sql_name(table))
}
