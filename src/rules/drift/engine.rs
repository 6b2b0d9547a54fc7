//! Extensions and TimescaleDB's own state.

use crate::rules::survey::Place;
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Rule, Scope, Severity, Verdict};

pub(in crate::rules) const EXTENSION_VERSION: Rule = Rule {
    id: "drift/extension-version",
    severity: Severity::Error,
    summary: "Has every extension a version that the server has files for?",
    help: include_str!("../help/drift-extension-version.md"),
    scope: Scope::Database,
    check: extension_version,
};

fn extension_version(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    let database = ident(&snapshot.identity.database);
    let findings = snapshot
        .state
        .extensions
        .get()?
        .iter()
        .map(|extension| {
            let name = ident(&extension.name);
            let (version, default) = (ident_free(&extension.version), extension.default.as_deref());
            let (severity, what, remedy) = match default {
                None => (
                    Severity::Warning,
                    "the server has no files of it".to_owned(),
                    format!("Install the package of extension {name} on the server, or drop the extension if nothing uses it."),
                ),
                Some(default) if extension.updatable => (
                    Severity::Info,
                    format!("the server's files are of version {}", ident_free(default)),
                    format!("ALTER EXTENSION {} UPDATE; as the first statement of a new session.", sql_ident(&extension.name)),
                ),
                Some(default) => (
                    EXTENSION_VERSION.severity,
                    format!("the server's files are of version {} and have no way from the one to the other", ident_free(default)),
                    format!(
                        "Install the files of version {version}, or, where only the catalog is wrong, take the database from a backup; then \
                         bring extension {name} to version {}.",
                        ident_free(default)
                    ),
                ),
            };
            EXTENSION_VERSION
                .finding(
                    About::plain("extension", &extension.name),
                    format!("extension {name} in database {database} of {} has version {version}; {what}", case.name()),
                )
                .severity(severity)
                .saw(format!("version {}", default.map_or_else(|| "of the server's files".to_owned(), ident_free)), format!("version {version}"))
                .remedy(remedy)
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// A version for a message: one line, nothing that deceives.
fn ident_free(version: &str) -> String {
    crate::report::text::short(version, 60)
}

pub(in crate::rules) const RESTORING: Rule = Rule {
    id: "drift/restoring",
    severity: Severity::Error,
    summary: "Was every restore of TimescaleDB finished?",
    help: include_str!("../help/drift-restoring.md"),
    scope: Scope::Database,
    check: restoring,
};

fn restoring(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    if let Place::NotMigrated = case.survey.place()? {
        return Ok(Vec::new().into());
    }
    let database = &snapshot.identity.database;
    let findings = snapshot
        .state
        .restoring
        .iter()
        .filter(|setting| is_on(&setting.value))
        // A setting of the whole server is nothing to a database without the extension.
        .filter(|setting| setting.database.is_some() || snapshot.server.timescaledb.is_some())
        .map(|setting| {
            let (whose, remedy) = match (&setting.database, &setting.role) {
                (Some(_), None) => (
                    format!("for database {}", ident(database)),
                    format!("ALTER DATABASE {} RESET timescaledb.restoring;", sql_ident(database)),
                ),
                (Some(_), Some(role)) => (
                    format!("for role {} in database {}", ident(role), ident(database)),
                    format!("ALTER ROLE {} IN DATABASE {} RESET timescaledb.restoring;", sql_ident(role), sql_ident(database)),
                ),
                (None, Some(role)) => (
                    format!("for role {}", ident(role)),
                    format!("ALTER ROLE {} RESET timescaledb.restoring;", sql_ident(role)),
                ),
                (None, None) => (
                    "for the whole server".to_owned(),
                    "ALTER SYSTEM RESET timescaledb.restoring; SELECT pg_reload_conf(); and take it out of postgresql.conf.".to_owned(),
                ),
            };
            RESTORING
                .finding(
                    About::plain("database", database),
                    format!(
                        "timescaledb.restoring is on {whose}: in database {} of {} TimescaleDB does nothing, so new rows go past the chunks",
                        ident(database),
                        case.name()
                    ),
                )
                .saw("timescaledb.restoring off", format!("timescaledb.restoring = {}", crate::report::text::short(&setting.value, 20)))
                .remedy(format!("{remedy} Sessions that are open keep the setting: start the service again."))
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// Whether PostgreSQL reads this as true ("Boolean Type": unique prefixes count).
fn is_on(value: &str) -> bool {
    let value = value.trim().trim_matches('\'').to_ascii_lowercase();
    !value.is_empty()
        && (value == "on"
            || value == "1"
            || "true".starts_with(&value)
            || "yes".starts_with(&value))
}

pub(in crate::rules) const ENCODING: Rule = Rule {
    id: "drift/encoding",
    severity: Severity::Warning,
    summary: "Does the database keep its text as UTF-8?",
    help: include_str!("../help/drift-encoding.md"),
    scope: Scope::Database,
    check: encoding,
};

fn encoding(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    let (encoding, name) = (&snapshot.state.encoding, &snapshot.identity.database);
    if encoding == "UTF8" {
        return Ok(Vec::new().into());
    }
    let finding = ENCODING
        .finding(
            About::plain("database", name),
            format!(
                "database {} of {} has encoding {encoding}, expected UTF8",
                ident(name),
                case.name()
            ),
        )
        .saw("encoding UTF8", format!("encoding {encoding}"))
        .remedy("An encoding cannot be changed: make a database from template0 with ENCODING 'UTF8', dump this one, restore it there, and exchange the names.");
    Ok(vec![finding].into())
}

pub(in crate::rules) const COLLATION: Rule = Rule {
    id: "drift/collation",
    severity: Severity::Warning,
    summary: "Does text still sort as it did when the database's indexes were built?",
    help: include_str!("../help/drift-collation.md"),
    scope: Scope::Database,
    check: collation,
};

fn collation(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    let name = &snapshot.identity.database;
    let Some(versions) = snapshot.state.collation.get()? else {
        return Ok(Vec::new().into());
    };
    let recorded = ident_free(&versions.recorded);
    let now = versions.actual.as_deref().map_or_else(
        || "no version".to_owned(),
        |actual| format!("version {}", ident_free(actual)),
    );
    let finding = COLLATION
        .finding(
            About::plain("database", name),
            format!(
                "the collation of database {} of {} was of version {recorded} when its indexes were built, and the server's is of {now}: indexes over text may be in the wrong order",
                ident(name),
                case.name()
            ),
        )
        .saw(format!("version {recorded}"), now)
        .remedy(format!(
            "In database {}: REINDEX DATABASE {}; then: ALTER DATABASE {} REFRESH COLLATION VERSION; or go back to the operating system's libraries that built the indexes.",
            ident(name),
            sql_ident(name),
            sql_ident(name)
        ));
    Ok(vec![finding].into())
}

#[cfg(test)]
mod tests {
    use super::is_on;

    #[test]
    fn booleans_are_read_as_postgresql_does() {
        for on in ["on", "ON", "true", "t", "yes", "1", "'on'"] {
            assert!(is_on(on), "{on}");
        }
        for off in ["off", "o", "false", "0", "", "no", "2"] {
            assert!(!is_on(off), "{off}");
        }
    }
}
