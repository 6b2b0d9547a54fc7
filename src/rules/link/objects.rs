//! Objects that reach out of the database: extensions, servers, foreign tables, subscriptions, publications, languages.

use super::place::other_at;
use crate::report::text::one_line;
use crate::rules::classify::Class;
use crate::rules::drift::foreign_owner;
use crate::rules::known::is_untrusted_language;
use crate::rules::text::{details, drop_sql, ident, mentions, named};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::snapshot::attributes::{
    DBNAME, FOREIGN_OPTIONS, HOST, PARTITION_OF, PORT, PUBLISHES, SERVER, USER_MAPPINGS, WRAPPER,
};
use crate::snapshot::{Dsn, Kind, Object};

pub(super) const EXTENSION: Rule = Rule {
    id: "link/extension",
    severity: Severity::Error,
    summary: "Is there an extension or a wrapper that opens other databases or files?",
    help: include_str!("../help/link-extension.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &EXTENSION, |object| match object.key.kind {
            Kind::Extension => !is_untrusted_language(&object.key.name),
            kind => kind == Kind::Wrapper,
        })
    },
};

pub(super) const FOREIGN_SERVER: Rule = Rule {
    id: "link/foreign-server",
    severity: Severity::Error,
    summary: "Is there a foreign server?",
    help: include_str!("../help/link-foreign-server.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &FOREIGN_SERVER, |object| {
            object.key.kind == Kind::Server
        })
    },
};

pub(super) const FOREIGN_TABLE: Rule = Rule {
    id: "link/foreign-table",
    severity: Severity::Error,
    summary: "Is there a table whose rows lie somewhere else?",
    help: include_str!("../help/link-foreign-table.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &FOREIGN_TABLE, |object| {
            object.key.kind == Kind::ForeignTable
        })
    },
};

pub(super) const SUBSCRIPTION: Rule = Rule {
    id: "link/subscription",
    severity: Severity::Error,
    summary: "Does the database pull rows from another one?",
    help: include_str!("../help/link-subscription.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &SUBSCRIPTION, |object| {
            object.key.kind == Kind::Subscription
        })
    },
};

pub(super) const PUBLICATION: Rule = Rule {
    id: "link/publication",
    severity: Severity::Error,
    summary: "Does the database offer its rows to others?",
    help: include_str!("../help/link-publication.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &PUBLICATION, |object| {
            object.key.kind == Kind::Publication
        })
    },
};

pub(super) const LANGUAGE: Rule = Rule {
    id: "link/language",
    severity: Severity::Error,
    summary: "Is there a language whose functions can do anything that the server can?",
    help: include_str!("../help/link-language.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &LANGUAGE, |object| match object.key.kind {
            Kind::Extension => is_untrusted_language(&object.key.name),
            kind => kind == Kind::Language,
        })
    },
};

/// The objects of group `link` that the lock does not know.
fn unknown<'s>(case: &'s Case<'_>) -> impl Iterator<Item = &'s Object> {
    case.survey
        .extras
        .iter()
        .filter(|(_, class)| matches!(class, Class::Link))
        .map(|(object, _)| *object)
}

fn links(case: &Case<'_>, rule: &Rule, wanted: fn(&Object) -> bool) -> Verdict {
    case.diff()?;
    let findings = unknown(case)
        .filter(|object| wanted(object) && !is_told_with_another(case, object))
        .map(|object| finding(case, rule, object))
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// A foreign table is told with its server, and an extension or a wrapper that can do nothing without a server with its servers.
fn is_told_with_another(case: &Case<'_>, object: &Object) -> bool {
    let is_server = |server: &&Object| server.key.kind == Kind::Server;
    match object.key.kind {
        Kind::ForeignTable => attribute(object, SERVER).is_some_and(|name| {
            unknown(case)
                .filter(is_server)
                .any(|server| server.key.name == name)
        }),
        Kind::Extension | Kind::Wrapper
            if object.key.kind == Kind::Wrapper || object.key.name.ends_with("_fdw") =>
        {
            unknown(case)
                .filter(is_server)
                .any(|server| attribute(server, WRAPPER) == Some(object.key.name.as_str()))
        }
        _ => false,
    }
}

fn attribute<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    object.attributes.get(name).map(String::as_str)
}

fn finding(case: &Case<'_>, rule: &Rule, object: &Object) -> Finding {
    let database = ident(case.subject.service.database_name());
    let tables: Vec<&Object> = tables_of(case, object).collect();
    let (owner, target) = target(case, object, &tables);
    let details = details(object);
    let with = if details.is_empty() {
        String::new()
    } else {
        format!(" ({details})")
    };
    let tables_shown: Vec<String> = tables.iter().map(|table| shown(table)).collect();
    let through = if tables_shown.is_empty() {
        String::new()
    } else {
        format!("; through it: {}", tables_shown.join(", "))
    };
    let mut remedies: Vec<String> = tables.iter().map(|table| drop_sql(table)).collect();
    // A function with a body of SQL's own, a view, a default keep the extension from being dropped.
    let callers = callers(case, object);
    if !callers.is_empty() {
        remedies.push(format!("When nothing calls it any more ({callers}):"));
    }
    remedies.push(drop_sql(object));
    if let Some(wrapper) = attribute(object, WRAPPER).filter(|_| object.key.kind == Kind::Server)
        && let Some(behind) = unknown(case).find(|behind| {
            matches!(behind.key.kind, Kind::Extension | Kind::Wrapper) && behind.key.name == wrapper
        })
    {
        remedies.push(format!(
            "Then, unless another server needs it: {}",
            drop_sql(behind)
        ));
    }
    let foreign = foreign_owner(case, object);
    let owned = foreign.map_or_else(String::new, |(role, service)| {
        format!("; it is owned by role {} of {service}", ident(role))
    });
    let mut finding = rule
        .finding(
            About::object(object),
            format!(
                "{} in database {database} {}{with}{target}{through}{owned}",
                named(&object.key),
                what(object)
            ),
        )
        .saw(
            format!("no {} in {database}", object.key.kind.words()),
            format!("{}{with}{through}", named(&object.key)),
        )
        .remedy(remedies.join(" "));
    finding.belongs_to = owner.or_else(|| foreign.map(|(_, service)| service.to_owned()));
    finding
}

/// What calls the functions of an extension: it has findings of its own.
fn callers(case: &Case<'_>, object: &Object) -> String {
    const SHOWN: usize = 3;
    let calls = format!("calls {}", object.key.name);
    let callers: Vec<String> = case
        .survey
        .reaches
        .iter()
        .filter(|_| object.key.kind == Kind::Extension)
        .filter(|reach| reach.acts.iter().any(|act| act.starts_with(&calls)))
        .map(|reach| named(&reach.object.key))
        .collect();
    let more = callers.len().saturating_sub(SHOWN);
    let mut shown = callers;
    shown.truncate(SHOWN);
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

/// The foreign tables of a server that are told with it. One with the name of another service's table has its own finding.
fn tables_of<'s>(case: &'s Case<'_>, server: &Object) -> impl Iterator<Item = &'s Object> {
    let name = (server.key.kind == Kind::Server).then(|| server.key.name.clone());
    unknown(case).filter(move |object| {
        object.key.kind == Kind::ForeignTable
            && name.is_some()
            && attribute(object, SERVER) == name.as_deref()
    })
}

/// A foreign table with what it reads, and whose partition it is.
fn shown(table: &Object) -> String {
    let mut shown = named(&table.key);
    if let Some(parent) = attribute(table, PARTITION_OF) {
        shown.push_str(&format!(
            " (a partition of {}: rows written there leave the database)",
            one_line(parent)
        ));
    }
    if let Some(options) = attribute(table, FOREIGN_OPTIONS) {
        shown.push_str(&format!(" ({})", crate::rules::text::shown_option(options)));
    }
    shown
}

/// What an object of this kind does.
fn what(object: &Object) -> &'static str {
    let all = attribute(object, PUBLISHES) == Some("FOR ALL TABLES");
    match object.key.kind {
        Kind::Extension if is_untrusted_language(&object.key.name) => {
            "brings an untrusted language, whose functions can do anything that the server's account can"
        }
        Kind::Language => {
            "is untrusted: its functions can do anything that the server's account can"
        }
        Kind::Extension | Kind::Wrapper => "opens the way to other databases or files",
        Kind::Server => "points out of the database",
        Kind::ForeignTable => "has its rows outside the database",
        Kind::Subscription => "pulls rows from another database",
        Kind::Publication if all => "publishes FOR ALL TABLES",
        Kind::Publication => "offers rows to subscribers",
        _ => "is a link",
    }
}

/// The service that the object leads to: by its address and database, else by a name of the service in its options.
fn target(case: &Case<'_>, object: &Object, tables: &[&Object]) -> (Option<String>, String) {
    if matches!(object.key.kind, Kind::Server | Kind::Subscription) {
        let dsn = Dsn {
            host: attribute(object, HOST).map(str::to_owned),
            port: attribute(object, PORT).map(str::to_owned),
            dbname: attribute(object, DBNAME).map(str::to_owned),
            // Of mappings such as `local as remote` the first remote name.
            user: attribute(object, USER_MAPPINGS)
                .and_then(|mappings| mappings.split(", ").next()?.split_once(" as "))
                .map(|(_, remote)| remote.to_owned()),
            password: false,
        };
        if let Some(other) = other_at(case, &dsn) {
            let database = case
                .others()
                .find(|subject| subject.service.name == other)
                .map_or("", |subject| subject.service.database_name());
            return (
                Some(other.to_owned()),
                format!(": it leads to database {} of {other}", ident(database)),
            );
        }
    }
    for other in case.others() {
        let service = other.service;
        let names = [
            (
                "database",
                service.database.as_ref().map(|name| name.value.as_str()),
            ),
            ("role", service.role_name()),
            (
                "container",
                service.container.as_ref().map(|name| name.value.as_str()),
            ),
        ];
        for (kind, name) in names {
            let Some(name) = name else { continue };
            if std::iter::once(&object)
                .chain(tables)
                .flat_map(|object| object.attributes.values())
                .any(|value| mentions(value, name))
            {
                return (
                    Some(service.name.clone()),
                    format!(": it names {kind} {} of {}", ident(name), service.name),
                );
            }
        }
    }
    (None, String::new())
}
