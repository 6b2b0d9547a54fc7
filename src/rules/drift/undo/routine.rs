//! Functions, procedures and aggregates.

use super::{BY_HAND, Sql, Wanted, again, definition, names, quoted};
use crate::rules::text::{sql_ident, sql_name};
use crate::snapshot::attributes::{
    DEFINITION, FORM, LANGUAGE, LEAKPROOF, LIBRARY, PARALLEL, PARAMETERS, RETURNS,
    SECURITY_DEFINER, SETTINGS, SQL_BODY, STRICT, SUPPORT, VOLATILITY,
};
use crate::snapshot::{Change, ObjectKey};

/// What ALTER ROUTINE sets. The rest needs the whole definition.
const ALTERED: [&str; 6] = [
    VOLATILITY,
    STRICT,
    SECURITY_DEFINER,
    PARALLEL,
    LEAKPROOF,
    SETTINGS,
];

/// Settings whose values are lists of names.
const LISTS: [&str; 6] = [
    "search_path",
    "local_preload_libraries",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

pub(super) fn undo(wanted: &Wanted<'_>, key: &ObjectKey, changes: &[&Change]) -> Sql {
    let names = names(changes);
    if names.iter().all(|name| ALTERED.contains(name)) {
        let mut actions = Vec::new();
        for change in changes {
            actions.extend(altered(change)?);
        }
        // One action is one statement: SET and RESET stand alone.
        return Ok(actions
            .iter()
            .map(|action| format!("ALTER ROUTINE {} {action};", sql_name(key)))
            .collect());
    }
    // The server replaces no function by one that returns something else or whose arguments have other names.
    if [FORM, PARAMETERS, RETURNS]
        .iter()
        .any(|name| names.contains(name))
    {
        return Ok(again(
            format!("DROP ROUTINE {};", sql_name(key)),
            super::create::statements(wanted, key)?,
        ));
    }
    create(wanted, key, true)
}

fn altered(change: &Change) -> Result<Vec<String>, &'static str> {
    let expected = change.expected.as_str();
    let is_set = !expected.is_empty();
    Ok(vec![match change.attribute.as_str() {
        VOLATILITY if is_set => expected.to_uppercase(),
        VOLATILITY => "VOLATILE".to_owned(),
        STRICT if is_set => "STRICT".to_owned(),
        STRICT => "CALLED ON NULL INPUT".to_owned(),
        SECURITY_DEFINER if is_set => "SECURITY DEFINER".to_owned(),
        SECURITY_DEFINER => "SECURITY INVOKER".to_owned(),
        PARALLEL => format!(
            "PARALLEL {}",
            if is_set {
                expected.to_uppercase()
            } else {
                "UNSAFE".to_owned()
            }
        ),
        LEAKPROOF if is_set => "LEAKPROOF".to_owned(),
        LEAKPROOF => "NOT LEAKPROOF".to_owned(),
        _ => return settings(expected, &change.actual),
    }])
}

/// `name=value; name=value`.
fn pairs(settings: &str) -> Result<Vec<(&str, &str)>, &'static str> {
    let parts = settings.split("; ").filter(|setting| !setting.is_empty());
    parts
        .map(|setting| setting.split_once('='))
        .collect::<Option<_>>()
        .ok_or(BY_HAND)
}

fn settings(expected: &str, actual: &str) -> Result<Vec<String>, &'static str> {
    let (wanted, found) = (pairs(expected)?, pairs(actual)?);
    let gone = found
        .iter()
        .filter(|(name, _)| !wanted.iter().any(|(other, _)| other == name));
    let missing = wanted.iter().filter(|pair| !found.contains(pair));
    Ok(gone
        .map(|(name, _)| format!("RESET {}", setting_name(name)))
        .chain(missing.map(|(name, value)| set(name, value)))
        .collect())
}

fn setting_name(name: &str) -> String {
    let parts: Vec<String> = name.split('.').map(sql_ident).collect();
    parts.join(".")
}

fn set(name: &str, value: &str) -> String {
    let value = match (LISTS.contains(&name), value) {
        (true, "\"\"" | "") => "''".to_owned(),
        // The names are quoted already.
        (true, list) => definition(list),
        (false, value) => quoted(value),
    };
    format!("SET {} TO {value}", setting_name(name))
}

/// The statement that makes a routine as the lock has it.
pub(super) fn create(wanted: &Wanted<'_>, key: &ObjectKey, replace: bool) -> Sql {
    let text = |name: &str| wanted.text(key, name);
    let verb = if replace {
        "CREATE OR REPLACE"
    } else {
        "CREATE"
    };
    let name = format!("{}.{}", sql_ident(&key.schema), sql_ident(&key.name));
    let form = text(FORM)?;
    if form == "aggregate" {
        return aggregate(wanted, key, &format!("{verb} AGGREGATE {name}"));
    }
    let parameters = match text(PARAMETERS)? {
        "" => &key.arguments,
        parameters => parameters,
    };
    let mut sql = format!(
        "{verb} {} {name}({})",
        if form == "procedure" {
            "PROCEDURE"
        } else {
            "FUNCTION"
        },
        definition(parameters)
    );
    let mut clause = |words: String| {
        sql.push(' ');
        sql.push_str(&words);
    };
    if form != "procedure" {
        clause(format!("RETURNS {}", text(RETURNS)?));
    }
    clause(format!("LANGUAGE {}", sql_ident(text(LANGUAGE)?)));
    if form == "window" {
        clause("WINDOW".to_owned());
    }
    for (name, words) in [
        (STRICT, "STRICT"),
        (SECURITY_DEFINER, "SECURITY DEFINER"),
        (LEAKPROOF, "LEAKPROOF"),
    ] {
        if !text(name)?.is_empty() {
            clause(words.to_owned());
        }
    }
    match text(VOLATILITY)? {
        "" => {}
        volatility => clause(volatility.to_uppercase()),
    }
    match text(PARALLEL)? {
        "" => {}
        parallel => clause(format!("PARALLEL {}", parallel.to_uppercase())),
    }
    match text(SUPPORT)? {
        "" => {}
        support => clause(format!("SUPPORT {support}")),
    }
    for (name, value) in pairs(text(SETTINGS)?)? {
        clause(set(name, value));
    }
    match (text(SQL_BODY)?, text(LIBRARY)?) {
        ("", "") => clause(format!("AS {}", quoted(text(DEFINITION)?))),
        ("", library) => clause(format!(
            "AS {}, {}",
            quoted(library),
            quoted(text(DEFINITION)?)
        )),
        (body, _) => clause(definition(body)),
    }
    Ok(vec![format!("{sql};")])
}

/// Only of the simplest aggregates does the lock know all.
fn aggregate(wanted: &Wanted<'_>, key: &ObjectKey, head: &str) -> Sql {
    let text = wanted.text(key, DEFINITION)?;
    let is_plain = |part: &str| {
        ["sfunc = ", "stype = ", "combinefunc = "]
            .iter()
            .any(|name| part.starts_with(name))
    };
    if !text.split(", ").all(is_plain) || !wanted.text(key, PARAMETERS)?.is_empty() {
        return Err(BY_HAND);
    }
    let parallel = match wanted.text(key, PARALLEL)? {
        "" => String::new(),
        parallel => format!(", parallel = {parallel}"),
    };
    let arguments = if key.arguments.is_empty() {
        "*"
    } else {
        &key.arguments
    };
    Ok(vec![format!(
        "{head}({arguments}) ({}{parallel});",
        definition(text)
    )])
}
