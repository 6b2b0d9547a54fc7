//! Settings of the server that copy rows out of it or load code into it, and connection strings in comments and settings.

use super::place::other_at;
use super::server::is_said_for_server;
use crate::report::text::{one_line, short};
use crate::rules::access::{elements, is_known_schema, is_shared, is_stock_library_path};
use crate::rules::text::{ident, mentions, redact, sql_ident};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::snapshot::{Dsn, Note, NotePlace, Setting, dsns};

pub(super) const SERVER_SETTING: Rule = Rule {
    id: "link/server-setting",
    severity: Severity::Error,
    summary: "Does a setting of the server copy its data out, or load foreign code?",
    help: include_str!("../help/link-server-setting.md"),
    scope: Scope::Database,
    check: server_setting,
};

/// Libraries that are known to stay within their server.
const LIBRARIES: [&str; 20] = [
    "timescaledb",
    "pg_stat_statements",
    "pg_stat_monitor",
    "pg_stat_kcache",
    "pg_qualstats",
    "pg_wait_sampling",
    "auto_explain",
    "pg_prewarm",
    "pg_hint_plan",
    "pg_partman_bgw",
    "pgaudit",
    "pg_cron",
    "passwordcheck",
    "credcheck",
    "set_user",
    "auth_delay",
    "sepgsql",
    "safeupdate",
    "plpgsql",
    "plugin_debugger",
];

/// Programs that archive for a backup.
const BACKUP_TOOLS: [&str; 6] = [
    "pgbackrest",
    "barman-wal-archive",
    "wal-g",
    "wal-e",
    "pg_probackup",
    "barman-cloud-wal-archive",
];

fn server_setting(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    let settings = snapshot.links.settings.get()?;
    if is_said_for_server(case, |earlier| earlier.links.settings.known().is_some())? {
        return Ok(Vec::new().into());
    }
    let findings = settings
        .iter()
        .filter_map(|setting| judge(case, setting, snapshot.server.standby))
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// Whether a value is one of the words for false, or the beginning of one ("Parameter Names and Values").
pub(in crate::rules) fn is_off(value: &str) -> bool {
    let value = value.to_lowercase();
    value == "of"
        || value == "off"
        || value == "0"
        || ["false", "no"]
            .iter()
            .any(|word| !value.is_empty() && word.starts_with(&value))
}

/// What a setting does, if it is a link.
fn judge(case: &Case<'_>, setting: &Setting, standby: bool) -> Option<Finding> {
    let value = setting.value.trim();
    let shared = is_shared(case, &case.snapshot().ok()?.access);
    let topology = if shared {
        Severity::Error
    } else {
        Severity::Warning
    };
    let (what, severity) = match setting.name.as_str() {
        // A standby follows its primary: identity/standby says so.
        "primary_conninfo" if standby => return None,
        "primary_conninfo" => ("names a server to copy everything from", topology),
        "restore_command" | "recovery_end_command" | "archive_cleanup_command" => {
            ("runs a program during recovery", topology)
        }
        "archive_command" | "archive_library" => {
            if matches!(
                value,
                "true" | "/bin/true" | "/usr/bin/true" | "exit 0" | ":"
            ) {
                return None;
            }
            let known = BACKUP_TOOLS.iter().any(|tool| mentions(value, tool));
            (
                "copies the WAL of every database of the server",
                if known { Severity::Info } else { topology },
            )
        }
        "shared_preload_libraries" | "session_preload_libraries" | "local_preload_libraries" => {
            let unknown: Vec<&str> = value
                .split(',')
                .map(|name| name.trim().trim_matches(['"', '\'']))
                .filter(|name| !name.is_empty())
                .filter(|name| {
                    let plain = name.strip_prefix("$libdir/").unwrap_or(name);
                    let plain = plain.strip_prefix("plugins/").unwrap_or(plain);
                    let plain = plain.strip_suffix(".so").unwrap_or(plain);
                    !LIBRARIES.contains(&plain) && !plain.starts_with("timescaledb-")
                })
                .collect();
            if unknown.is_empty() {
                return None;
            }
            (
                "loads code into every session that dbctl does not know",
                Severity::Error,
            )
        }
        "search_path" => {
            let known = |schema: &String| is_known_schema(case, schema);
            if elements(value).iter().all(known) {
                return None;
            }
            (
                "sends names without a schema to another one than the set's, in every session",
                Severity::Error,
            )
        }
        "session_replication_role" if value == "origin" => return None,
        "session_replication_role" => (
            "keeps triggers and foreign keys from firing, in every session",
            Severity::Error,
        ),
        "lo_compat_privileges" if is_off(value) => return None,
        "lo_compat_privileges" => ("lets every role read every large object", Severity::Error),
        "jit_provider" if value == "llvmjit" => return None,
        "jit_provider" => (
            "loads code into every session that dbctl does not know",
            Severity::Error,
        ),
        "event_triggers" if !is_off(value) => return None,
        "event_triggers" => (
            "keeps event triggers from firing, those of TimescaleDB among them, in every session",
            Severity::Error,
        ),
        "allow_system_table_mods" if is_off(value) => return None,
        "allow_system_table_mods" => (
            "lets superusers change the server's own tables",
            Severity::Warning,
        ),
        "dynamic_library_path" if is_stock_library_path(value) => return None,
        "dynamic_library_path" => (
            "has libraries looked for in other places than the server's",
            Severity::Warning,
        ),
        "hba_file" | "ident_file" => (
            "names another file of rules for log-ins, which dbctl does not see",
            Severity::Warning,
        ),
        "oauth_validator_libraries" => (
            "loads code that decides about log-ins, which dbctl does not know",
            Severity::Warning,
        ),
        "extension_control_path" if matches!(value, "" | "$system") => return None,
        "extension_control_path" => (
            "has extensions looked for in other places than the server's",
            Severity::Warning,
        ),
        _ => ("holds a connection string", Severity::Warning),
    };
    let mut finding = setting_finding(case, setting, what);
    finding.severity = if finding.belongs_to.is_some() {
        Severity::Error
    } else {
        severity
    };
    Some(finding)
}

fn setting_finding(case: &Case<'_>, setting: &Setting, what: &str) -> Finding {
    let value = setting.value.as_str();
    let leads = dsns(value);
    // Where it is a connection string, that is shown without its password; a command is shown with its passwords left out.
    let shown = if leads.is_empty() {
        short(&redact(value), 160)
    } else {
        let places: Vec<String> = leads.iter().map(|dsn| one_line(&dsn.words())).collect();
        places.join("; ")
    };
    let other = leads
        .iter()
        .find_map(|dsn| other_at(case, dsn))
        .or_else(|| named_in(case, value));
    let whose = other.map_or_else(String::new, |service| format!(", which names {service}"));
    let when = if setting.pending {
        " once the server reloads its files or restarts"
    } else {
        ""
    };
    let mut finding = SERVER_SETTING
        .finding(
            About::plain("setting", &setting.name),
            format!(
                "setting {} on the server of database {} of {} {what}{when}: {shown}{whose}",
                ident(&setting.name),
                ident(case.subject.service.database_name()),
                case.name()
            ),
        )
        .saw(format!("no {}", setting.name), shown)
        .remedy(format!(
            "If it is not wanted: ALTER SYSTEM RESET {}; SELECT pg_reload_conf(); where postgresql.conf sets it, remove it there. What a backup tool needs belongs into an [[allow]] entry.",
            sql_ident(&setting.name)
        ));
    finding.belongs_to = other.map(str::to_owned);
    finding
}

/// The other service whose name, database, role or set a command or path holds.
fn named_in<'a>(case: &Case<'a>, value: &str) -> Option<&'a str> {
    let own = case.subject.service;
    case.others()
        .map(|other| other.service)
        .find(|other| {
            let names = [
                Some(other.name.as_str()),
                other
                    .role_name()
                    .filter(|role| own.role_name() != Some(role)),
                Some(other.database_name()).filter(|name| *name != own.database_name()),
            ];
            names
                .into_iter()
                .flatten()
                .any(|name| mentions(value, name))
        })
        .map(|other| other.name.as_str())
}

pub(super) const CONNECTION_STRING: Rule = Rule {
    id: "link/connection-string",
    severity: Severity::Warning,
    summary: "Does a comment or a setting hold a connection string?",
    help: include_str!("../help/link-connection-string.md"),
    scope: Scope::Database,
    check: connection_string,
};

fn connection_string(case: &Case<'_>) -> Verdict {
    let findings = case
        .own()?
        .links
        .notes
        .iter()
        .filter_map(|note| about_note(case, note))
        .collect::<Vec<_>>();
    Ok(findings.into())
}

fn about_note(case: &Case<'_>, note: &Note) -> Option<Finding> {
    let own = case.name();
    // One to the own database that tells no password is a word to its readers.
    let telling: Vec<_> = note
        .dsns
        .iter()
        .filter(|dsn| {
            dsn.password
                || super::place::service_at(case.system, own, dsn)
                    .is_none_or(|subject| subject.service.name != own)
        })
        .collect();
    if telling.is_empty() {
        return None;
    }
    let other = telling.iter().find_map(|dsn| other_at(case, dsn));
    let places: Vec<String> = telling
        .iter()
        .map(|dsn| {
            let password = if dsn.password {
                ", with a password"
            } else {
                ""
            };
            format!("{}{password}", one_line(&dsn.words()))
        })
        .collect();
    let places = places.join("; ");
    let whose = other.map_or_else(String::new, |service| {
        let placed = |dsn: &Dsn| dsn.dbname.is_some() || dsn.host.is_some();
        let what = if telling.iter().any(|dsn| placed(dsn)) {
            "database"
        } else {
            "role"
        };
        format!(", the {what} of {service}")
    });
    let object = one_line(&note.described);
    let (text, severity, remedy) = match &note.place {
        NotePlace::Comment => (
            format!("the comment on {object}"),
            Severity::Warning,
            format!(
                "{} A password that stood there is known to every role of the database: change it.",
                note.statement
                    .as_deref()
                    .map_or_else(|| format!("COMMENT ON … IS NULL for {object}."), one_line)
            ),
        ),
        NotePlace::Setting(name) => (
            format!("setting {} of {object}", ident(name)),
            Severity::Error,
            format!(
                "ALTER {} {} RESET {}; a password that stood there is known to every role of the server: change it.",
                if note.kind == "database" {
                    "DATABASE"
                } else {
                    "ROLE"
                },
                sql_ident(&note.name),
                sql_ident(name)
            ),
        ),
    };
    let mut finding = CONNECTION_STRING
        .finding(
            About {
                kind: kind(&note.kind),
                schema: note.schema.clone(),
                name: note.name.clone(),
            },
            format!(
                "{text} in database {} of {own} holds a connection string to {places}{whose}",
                ident(case.subject.service.database_name())
            ),
        )
        .severity(severity)
        .saw("no connection string", format!("one to {places}"))
        .remedy(remedy);
    finding.belongs_to = other.map(str::to_owned);
    Some(finding)
}

/// One word for a kind of `pg_identify_object`.
fn kind(kind: &str) -> &'static str {
    match kind {
        "table" => "table",
        "table column"
        | "view column"
        | "materialized view column"
        | "composite type column"
        | "foreign table column" => "column",
        "view" => "view",
        "materialized view" => "materialized_view",
        "function" | "procedure" | "aggregate" => "function",
        "index" => "index",
        "sequence" => "sequence",
        "schema" => "schema",
        "type" => "type",
        "database" => "database",
        "role" => "role",
        "trigger" => "trigger",
        "table constraint" | "domain constraint" => "constraint",
        "policy" => "policy",
        "rule" => "rule",
        "extension" => "extension",
        "server" => "server",
        "publication" => "publication",
        "subscription" => "subscription",
        _ => "object",
    }
}
