//! Settings of roles and databases that send statements elsewhere, or let them mean something else.

use std::collections::BTreeSet;

use super::reach::Reach;
use super::{database, service_of, speaks_first};
use crate::report::text::one_line;
use crate::rules::link::is_off;
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::snapshot::Kind;
use crate::snapshot::privileges::RoleSetting;

pub(in crate::rules) const SETTING: Rule = Rule {
    id: "access/setting",
    severity: Severity::Error,
    summary: "Do the settings of role and database leave statements where they belong?",
    help: include_str!("../help/access-setting.md"),
    scope: Scope::Database,
    check: setting,
};

/// Libraries that change nothing of what a statement does.
const HARMLESS_LIBRARIES: [&str; 5] = [
    "auto_explain",
    "pg_hint_plan",
    "pg_stat_statements",
    "plpgsql",
    "timescaledb",
];

fn setting(case: &Case<'_>) -> Verdict {
    let reach = Reach::new(case)?;
    let role = case.subject.service.role_name();
    let first = speaks_first(case);
    let findings = reach
        .privileges
        .settings
        .iter()
        // What holds for every role in every database is said once for a server.
        .filter(|setting| match &setting.role {
            None => setting.here || first,
            // What another service's role has here is said here; what it has everywhere, at its own service.
            Some(name) => {
                Some(name.as_str()) == role || setting.here && service_of(case, name).is_some()
            }
        })
        .filter_map(|setting| {
            let (why, severity) = fault(case, &reach, setting)
                .map(|why| (why, SETTING.severity))
                .or_else(|| other_meaning(&setting.name, &setting.value))?;
            Some(finding(case, setting, why, severity))
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// What a setting does that it should not; `None` where it does no harm.
fn fault(case: &Case<'_>, reach: &Reach<'_, '_>, setting: &RoleSetting) -> Option<&'static str> {
    let values = elements(&setting.value);
    let value = values.first().map_or("", String::as_str);
    match setting.name.as_str() {
        "search_path" if values.iter().any(|schema| !is_known_schema(case, schema)) => {
            Some("names without a schema can end in another one than the set's")
        }
        "search_path" => hides_the_set(case, &values)
            .then_some("names without a schema do not find the set's tables"),
        "role" | "session_authorization" => {
            // What is the service's own here is another's in the next database, and nobody's to become for an administrator or another service.
            let keeps = |role: &String| service_of(case, role).is_none();
            let own = reach.is_own(value) && setting.role.as_ref().map_or(setting.here, keeps);
            (!matches!(value, "" | "none" | "default") && !own)
                .then_some("every session becomes that role")
        }
        "session_preload_libraries" | "local_preload_libraries" => values
            .iter()
            .map(|library| library.rsplit('/').next().unwrap_or(library))
            .any(|library| !HARMLESS_LIBRARIES.contains(&library.trim_end_matches(".so")))
            .then_some("its code runs in every session"),
        "default_tablespace" | "temp_tablespaces" => values
            .iter()
            .any(|tablespace| !matches!(tablespace.as_str(), "" | "pg_default"))
            .then_some("new tables and indexes lie in another tablespace than the set's"),
        "session_replication_role" => {
            (value != "origin").then_some("triggers and foreign keys do not fire")
        }
        "dynamic_library_path" => (!is_stock_library_path(&setting.value))
            .then_some("libraries are looked for in other places than the server's"),
        "extension_control_path" => (!matches!(value, "" | "$system"))
            .then_some("extensions are looked for in other places than the server's"),
        "event_triggers" => {
            is_off(value).then_some("event triggers do not fire, those of TimescaleDB among them")
        }
        "default_table_access_method" => (value != "heap")
            .then_some("new tables are stored by another access method than the set's"),
        "lo_compat_privileges" => (!is_off(value)).then_some("every role reads every large object"),
        _ => None,
    }
}

/// What a setting changes of what every statement does, wherever it ends up, and how bad that is.
fn other_meaning(name: &str, value: &str) -> Option<(&'static str, Severity)> {
    use Severity::{Error, Warning};
    let value = value.to_lowercase();
    let is_on = matches!(value.as_str(), "on" | "true" | "yes" | "1" | "t" | "y");
    Some(match name {
        "default_transaction_read_only" if is_on => ("nothing can be written", Error),
        "zero_damaged_pages" if is_on => (
            "rows of damaged pages are thrown away without a word",
            Error,
        ),
        "ignore_checksum_failure" if is_on => (
            "what was read wrong from the disk is taken for right",
            Error,
        ),
        "allow_system_table_mods" if is_on => ("the server's own catalogs can be changed", Error),
        "ignore_system_indexes" if is_on => ("the server's own indexes are not read", Warning),
        "row_security" if is_off(&value) => (
            "a statement fails where a policy would hide rows from it",
            Warning,
        ),
        "check_function_bodies" if is_off(&value) => (
            "functions are created without a look at what they hold",
            Warning,
        ),
        "transform_null_equals" if is_on => ("= NULL means IS NULL", Warning),
        "array_nulls" if is_off(&value) => ("NULL in an array is a text", Warning),
        "standard_conforming_strings" if is_off(&value) => {
            ("a backslash in a text is no backslash", Warning)
        }
        "backslash_quote" if is_on => ("a quote after a backslash does not end a text", Warning),
        "gin_fuzzy_search_limit" if value != "0" => {
            ("searches in GIN indexes find a part of the rows", Warning)
        }
        "password_encryption" if value == "md5" => ("new passwords are kept as md5", Warning),
        _ => return None,
    })
}

/// Whether libraries are looked for where the server's own are, and nowhere else.
pub(in crate::rules) fn is_stock_library_path(path: &str) -> bool {
    path.trim_matches('"')
        .split(':')
        .all(|place| matches!(place, "$libdir" | ""))
}

/// Whether a schema of a search path is one that every database has, or one of the set's.
pub(in crate::rules) fn is_known_schema(case: &Case<'_>, schema: &str) -> bool {
    matches!(schema, "" | "$user" | "public" | "pg_catalog" | "pg_temp")
        || case.lock().is_ok_and(|lock| {
            lock.objects
                .keys()
                .any(|key| key.schema == schema || (key.kind == Kind::Schema && key.name == schema))
        })
}

/// Whether a search path leads to none of the set's tables, where some are in the schema that every path has unless told otherwise.
fn hides_the_set(case: &Case<'_>, path: &[String]) -> bool {
    let Ok(lock) = case.lock() else {
        return false;
    };
    let role = case.subject.service.role_name();
    let is_in_path = |schema: &str| {
        (path.iter()).any(|name| name == schema || name == "$user" && role == Some(schema))
    };
    let schemas: BTreeSet<&str> = (lock.objects.keys())
        .filter(|key| key.kind.is_relation())
        .map(|key| key.schema.as_str())
        .collect();
    schemas.contains("public") && !schemas.into_iter().any(is_in_path)
}

fn finding(case: &Case<'_>, setting: &RoleSetting, why: &str, severity: Severity) -> Finding {
    let here = case.subject.service.database_name();
    let role = setting.role.as_deref();
    let foreign = role.and_then(|role| service_of(case, role));
    let shown = format!("{} = {}", setting.name, one_line(&setting.value));
    let (about, who, alter) = match (&setting.role, setting.here) {
        (None, true) => (
            About::plain("database", here),
            format!("database {} of {}", database(case), case.name()),
            format!("ALTER DATABASE {}", sql_ident(here)),
        ),
        (None, false) => (
            About::plain("role", "ALL"),
            format!(
                "every role on the server of database {} of {}",
                database(case),
                case.name()
            ),
            "ALTER ROLE ALL".to_owned(),
        ),
        (Some(role), everywhere) => {
            let place = if everywhere {
                format!(" in database {}", database(case))
            } else {
                String::new()
            };
            let sql = if everywhere {
                format!(
                    "ALTER ROLE {} IN DATABASE {}",
                    sql_ident(role),
                    sql_ident(here)
                )
            } else {
                format!("ALTER ROLE {}", sql_ident(role))
            };
            (
                About::plain("role", role),
                format!(
                    "role {} of {}{place}",
                    ident(role),
                    foreign.unwrap_or(case.name())
                ),
                sql,
            )
        }
    };
    let mut finding = SETTING
        .finding(about, format!("{who} has the setting {shown}: {why}"))
        .severity(severity)
        .saw(format!("no {} of its own", setting.name), shown)
        .remedy(format!(
            "{}{alter} RESET {};",
            first(&setting.name),
            setting.name
        ));
    // It has no business in this database: its setting waits until somebody lets it in.
    if foreign.is_some() {
        finding.severity = Severity::Warning;
    }
    let value = elements(&setting.value);
    finding.belongs_to = value
        .first()
        .filter(|_| setting.name == "role")
        .and_then(|role| service_of(case, role))
        .or(foreign)
        .map(str::to_owned);
    finding
}

/// What lets the session that resets a setting do so: it may be under it as well.
fn first(name: &str) -> &'static str {
    match name {
        "default_transaction_read_only" => "SET default_transaction_read_only = off; ",
        _ => "",
    }
}

/// The elements of a list of names as the server keeps it: separated by commas, quoted where needed.
pub(in crate::rules) fn elements(list: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut element = String::new();
    let mut quoted = false;
    let mut chars = list.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => element.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => elements.push(std::mem::take(&mut element)),
            c if c.is_whitespace() && !quoted => {}
            c => element.push(c),
        }
    }
    elements.push(element);
    elements.retain(|element| !element.is_empty());
    elements
}

#[cfg(test)]
mod tests {
    use super::{Severity, elements, other_meaning};

    #[test]
    fn only_what_changes_a_meaning_is_told() {
        for (name, value, severity) in [
            ("default_transaction_read_only", "on", Some(Severity::Error)),
            ("default_transaction_read_only", "off", None),
            ("row_security", "OFF", Some(Severity::Warning)),
            ("row_security", "on", None),
            ("check_function_bodies", "false", Some(Severity::Warning)),
            ("backslash_quote", "safe_encoding", None),
            ("gin_fuzzy_search_limit", "0", None),
            ("gin_fuzzy_search_limit", "5000", Some(Severity::Warning)),
            ("password_encryption", "scram-sha-256", None),
            ("work_mem", "on", None),
        ] {
            let found = other_meaning(name, value).map(|(_, severity)| severity);
            assert_eq!(found, severity, "{name} {value}");
        }
    }

    #[test]
    fn lists_of_names_are_read() {
        assert_eq!(elements("\"$user\", public"), ["$user", "public"]);
        assert_eq!(elements("\"a,\"\"b\",c"), ["a,\"b", "c"]);
        assert_eq!(elements("\"\""), Vec::<String>::new());
        assert_eq!(elements(""), Vec::<String>::new());
    }
}
