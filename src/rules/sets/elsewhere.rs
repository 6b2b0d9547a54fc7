//! What is not about the tables in the service's own database: other databases, links, files of the server, settings that stay, code
//! that cannot be read.

use super::judge::{Context, Draft};
use super::objects::with_holder;
use super::owners::Service;
use super::privileges::ROLE;
use super::schemas::{foreign_schema, history_leaves};
use super::{answer, rule};
use crate::migration::effects::{Act, CURRENT_DATABASE, CURRENT_USER, Scope, Superuser};
use crate::rules::text::ident;
use crate::rules::{About, Rule, Severity, known};

pub(super) const SWITCHES_DATABASE: Rule = rule(
    "sets/switches-database",
    Severity::Error,
    "Does a migration switch to another database, or make or drop one?",
    include_str!("../help/sets-switches-database.md"),
    |case| answer(case, "sets/switches-database"),
);

pub(super) const PSQL_COMMAND: Rule = rule(
    "sets/psql-command",
    Severity::Error,
    "Does a migration hold commands of psql?",
    include_str!("../help/sets-psql-command.md"),
    |case| answer(case, "sets/psql-command"),
);

pub(super) const SEARCH_PATH: Rule = rule(
    "sets/search-path",
    Severity::Error,
    "Does a migration decide what names without a schema mean?",
    include_str!("../help/sets-search-path.md"),
    |case| answer(case, "sets/search-path"),
);

pub(super) const LINK: Rule = rule(
    "sets/link",
    Severity::Error,
    "Does a migration open a way out of the database?",
    include_str!("../help/sets-link.md"),
    |case| answer(case, "sets/link"),
);

pub(super) const SERVER_FILE: Rule = rule(
    "sets/server-file",
    Severity::Error,
    "Does a migration read or write files of the server?",
    include_str!("../help/sets-server-file.md"),
    |case| answer(case, "sets/server-file"),
);

pub(super) const SERVER_SETTING: Rule = rule(
    "sets/server-setting",
    Severity::Error,
    "Does a migration steer the server, or every later session?",
    include_str!("../help/sets-server-setting.md"),
    |case| answer(case, "sets/server-setting"),
);

pub(super) const DYNAMIC_SQL: Rule = rule(
    "sets/dynamic-sql",
    Severity::Warning,
    "Can all SQL that a migration puts together be followed?",
    include_str!("../help/sets-dynamic-sql.md"),
    |case| answer(case, "sets/dynamic-sql"),
);

/// Languages in which code cannot leave the database; the first two every database has (PostgreSQL documentation, "Procedural
/// Languages"; plv8's, pllua's and PL/Rust's own).
const TRUSTED_LANGUAGES: [&str; 7] = [
    "plpgsql", "sql", "plperl", "pltcl", "plv8", "pllua", "plrust",
];

/// What is wrong with an effect that is no name and no privilege, if something is.
pub(super) fn act(context: &Context<'_, '_>, act: &Act) -> Option<Draft> {
    match act {
        Act::Psql { command, target } => Some(psql(context, command, target)),
        Act::Database { does, name } => database(context, does, name),
        Act::Sets {
            parameter,
            value,
            scope,
        } => sets(context, parameter, value, scope),
        Act::Link { kind, name } => link(kind, name),
        Act::ServerFile { what } => Some(
            Draft::new(
                &SERVER_FILE,
                About::plain("file", what),
                format!("reads or writes outside of the database: {what}"),
            )
            .expected("rows in the migration itself")
            .remedy("Remove it; what the server's files hold is not the service's. Write rows with INSERT."),
        ),
        Act::Server { what } => Some(
            Draft::new(
                &SERVER_SETTING,
                About::plain("parameter", what),
                format!("steers the whole server ({what}), which other services may share"),
            )
            .expected("a migration that leaves the server alone")
            .remedy("Remove it; the server's settings are its operator's."),
        ),
        Act::Superuser { what, of } => Some(superuser(what, *of)),
        Act::LeavesSchema { schema, .. } => history_leaves(schema),
        Act::Dynamic { why } => Some(
            Draft::new(
                &DYNAMIC_SQL,
                About::plain("migration", &context.file.file),
                format!("cannot be analysed: {why}"),
            )
            .expected("SQL that can be read from the file")
            .remedy(
                "Write the statements out, or put them together from texts of the file; else review it and allow it where it stands: \
                 -- dbctl:allow sets/dynamic-sql REASON",
            ),
        ),
        _ => None,
    }
}

fn superuser(what: &str, of: Superuser) -> Draft {
    let (kind, severity, does) = match of {
        Superuser::EventTrigger => (
            "event trigger",
            Severity::Error,
            "needs a superuser, and steers every session of the database that changes a schema",
        ),
        Superuser::AccessMethod => (
            "access method",
            Severity::Error,
            "needs a superuser, and decides which code of the server keeps tables or indexes",
        ),
        Superuser::Definition => (
            "definition",
            Severity::Warning,
            "needs a superuser, which the service's role should not be",
        ),
    };
    let remedy = match of {
        Superuser::EventTrigger => {
            "Remove it; what watches over all DDL is the server's operator's to make."
        }
        Superuser::AccessMethod | Superuser::Definition => {
            "Remove it; let an extension bring it that the server's operator has installed."
        }
    };
    Draft::new(
        &SERVER_SETTING,
        About::plain(kind, what),
        format!("{does} ({what})"),
    )
    .severity(severity)
    .expected("a migration that the service's role can run")
    .remedy(remedy)
}

fn psql(context: &Context<'_, '_>, command: &str, target: &str) -> Draft {
    let switches = matches!(command, "\\c" | "\\connect");
    if switches {
        let mut holder = context.owners.database_of(context.index, target);
        if let Some((_, database)) = target.rsplit_once('/') {
            holder = context.owners.database_of(context.index, database);
        }
        let draft = Draft::new(
            &SWITCHES_DATABASE,
            About::plain("database", target),
            format!(
                "switches to {target}: what follows would not be applied to this service's database"
            ),
        )
        .expected(format!("statements for {} only", context.own.database()))
        .remedy(
            "Remove it; dbctl connects to each service's database itself, and refuses the set.",
        );
        return with_holder(draft, holder);
    }
    Draft::new(
        &PSQL_COMMAND,
        About::plain("migration", command),
        format!("is a command of psql ({command}), not SQL"),
    )
    .expected("statements for the server only")
    .remedy("Remove it, or write out what it would bring; dbctl refuses the set.")
}

fn database(context: &Context<'_, '_>, does: &str, name: &str) -> Option<Draft> {
    let own = name == context.own.database() || name == CURRENT_DATABASE;
    // Its owner and its settings are told by themselves.
    if own && matches!(does, "ALTER DATABASE … SET" | "ALTER DATABASE … OWNER TO") {
        return None;
    }
    let holder = context.owners.database_of(context.index, name);
    Some(about_database(context, name, holder))
}

/// A statement about a database that is not what a migration is for.
pub(super) fn about_database(
    context: &Context<'_, '_>,
    name: &str,
    holder: Option<&Service<'_>>,
) -> Draft {
    let whose = holder.map_or_else(String::new, |holder| {
        format!(", the database of {}", holder.name())
    });
    let draft = Draft::new(
        &SWITCHES_DATABASE,
        About::plain("database", name),
        format!("is about database {name}{whose}, not about what is in the service's own"),
    )
    .expected(format!(
        "statements about what is in {}",
        context.own.database()
    ))
    .remedy("Remove it; `dbctl provision` makes databases.");
    with_holder(draft, holder)
}

fn sets(
    context: &Context<'_, '_>,
    parameter: &str,
    value: &[String],
    scope: &Scope,
) -> Option<Draft> {
    let shown: Vec<String> = value.iter().map(|schema| ident(schema)).collect();
    let shown = shown.join(", ");
    let foreign = value
        .iter()
        .find_map(|schema| foreign_schema(context, schema, "looks for names in"));
    if matches!(parameter, "role" | "session_authorization") {
        return Some(
            Draft::new(
                &ROLE,
                About::plain("role", parameter),
                format!("runs as another role (SET {parameter})"),
            )
            .expected("a migration that leaves roles alone")
            .remedy("Remove it."),
        );
    }
    if parameter != "search_path" {
        return lasting(context, parameter, scope);
    }
    let severity = match scope {
        Scope::Function => return foreign,
        Scope::Server => return None,
        Scope::Transaction if foreign.is_none() => Severity::Warning,
        _ => Severity::Error,
    };
    let draft = Draft::new(
        &SEARCH_PATH,
        About::plain("parameter", "search_path"),
        format!("sets search_path{} to {shown}", for_whom(scope)),
    )
    .severity(severity)
    .expected("names with their schema, and search_path = public")
    .remedy("Remove it and write names with their schema.");
    let holder = value
        .iter()
        .find_map(|schema| context.owners.schema_of(context.index, schema));
    Some(with_holder(draft, holder))
}

/// Other settings matter where they stay; those of a session the loader refuses.
fn lasting(context: &Context<'_, '_>, parameter: &str, scope: &Scope) -> Option<Draft> {
    let holder = match scope {
        Scope::Role(name) if context.own.role() != Some(name.as_str()) => {
            context.owners.role_of(context.index, name)
        }
        Scope::Database(_) | Scope::Role(_) => None,
        _ => return None,
    };
    let draft = Draft::new(
        &SERVER_SETTING,
        About::plain("parameter", parameter),
        format!(
            "sets {parameter}{}{}",
            for_whom(scope),
            holder.map_or_else(String::new, |holder| format!(
                ", the role of {}",
                holder.name()
            ))
        ),
    )
    .severity(if holder.is_some() {
        Severity::Error
    } else {
        Severity::Warning
    })
    .expected("settings that the service makes in its own sessions")
    .remedy("Remove it; let the service set it, or the server's operator.");
    Some(with_holder(draft, holder))
}

fn for_whom(scope: &Scope) -> String {
    match scope {
        Scope::Session => " for the session".to_owned(),
        Scope::Transaction => " for the migration".to_owned(),
        Scope::Function => " for a function".to_owned(),
        Scope::Server => " for the server".to_owned(),
        Scope::Database(name) if name == CURRENT_DATABASE => " for every session".to_owned(),
        Scope::Database(name) => format!(" for every session of database {name}"),
        Scope::Role(name) if name == CURRENT_USER => " for every session".to_owned(),
        Scope::Role(name) => format!(" for every session of role {name}"),
    }
}

pub(super) fn link(kind: &'static str, name: &str) -> Option<Draft> {
    let harmless = match kind {
        "extension" => !known::is_link_extension(name),
        "language" => TRUSTED_LANGUAGES.contains(&name),
        _ => false,
    };
    (!harmless).then(|| {
        Draft::new(
            &LINK,
            About::plain(kind, name),
            format!("uses {kind} {name}, which leads out of the database"),
        )
        .expected("no way from one database to another")
        .remedy("Remove it; services ask each other, not each other's databases. A reviewed need is allowed where it stands.")
    })
}
