//! Rules of group `link`: objects that reach out of the database.

use super::classify::Class;
use super::known::is_untrusted_language;
use super::text::{details, drop_sql, ident, mentions, named};
use super::{About, Case, Rule, Scope, Severity, Verdict};
use crate::snapshot::attributes::PUBLISHES;
use crate::snapshot::{Kind, Object};

/// The rules of this group.
pub(super) const RULES: &[Rule] = &[
    EXTENSION,
    FOREIGN_SERVER,
    FOREIGN_TABLE,
    SUBSCRIPTION,
    PUBLICATION,
    LANGUAGE,
];

const EXTENSION: Rule = Rule {
    id: "link/extension",
    severity: Severity::Error,
    summary: "Is there an extension or a wrapper that opens other databases or files?",
    help: include_str!("help/link-extension.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &EXTENSION, |object| match object.key.kind {
            Kind::Extension => !is_untrusted_language(&object.key.name),
            kind => kind == Kind::Wrapper,
        })
    },
};

const FOREIGN_SERVER: Rule = Rule {
    id: "link/foreign-server",
    severity: Severity::Error,
    summary: "Is there a foreign server?",
    help: include_str!("help/link-foreign-server.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &FOREIGN_SERVER, |object| {
            object.key.kind == Kind::Server
        })
    },
};

const FOREIGN_TABLE: Rule = Rule {
    id: "link/foreign-table",
    severity: Severity::Error,
    summary: "Is there a table whose rows lie somewhere else?",
    help: include_str!("help/link-foreign-table.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &FOREIGN_TABLE, |object| {
            object.key.kind == Kind::ForeignTable
        })
    },
};

const SUBSCRIPTION: Rule = Rule {
    id: "link/subscription",
    severity: Severity::Error,
    summary: "Does the database pull rows from another one?",
    help: include_str!("help/link-subscription.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &SUBSCRIPTION, |object| {
            object.key.kind == Kind::Subscription
        })
    },
};

const PUBLICATION: Rule = Rule {
    id: "link/publication",
    severity: Severity::Error,
    summary: "Does the database offer its rows to others?",
    help: include_str!("help/link-publication.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &PUBLICATION, |object| {
            object.key.kind == Kind::Publication
        })
    },
};

const LANGUAGE: Rule = Rule {
    id: "link/language",
    severity: Severity::Error,
    summary: "Is there a language whose functions can do anything that the server can?",
    help: include_str!("help/link-language.md"),
    scope: Scope::Database,
    check: |case| {
        links(case, &LANGUAGE, |object| match object.key.kind {
            Kind::Extension => is_untrusted_language(&object.key.name),
            kind => kind == Kind::Language,
        })
    },
};

fn links(case: &Case<'_>, rule: &Rule, wanted: fn(&Object) -> bool) -> Verdict {
    case.diff()?;
    let database = ident(case.subject.service.database_name());
    let findings = case
        .survey
        .extras
        .iter()
        .filter(|(object, class)| matches!(class, Class::Link) && wanted(object))
        .map(|(object, _)| {
            let (owner, target) = target(case, object);
            let details = details(object);
            let with = if details.is_empty() {
                String::new()
            } else {
                format!(" ({details})")
            };
            let mut finding = rule
                .finding(
                    About::object(object),
                    format!(
                        "{} in database {database} {}{with}{target}",
                        named(&object.key),
                        what(object)
                    ),
                )
                .saw(
                    format!("no {} in {database}", object.key.kind.words()),
                    format!("{}{with}", named(&object.key)),
                )
                .remedy(drop_sql(object));
            finding.belongs_to = owner;
            finding
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// What an object of this kind does.
fn what(object: &Object) -> &'static str {
    let all = object
        .attributes
        .get(PUBLISHES)
        .is_some_and(|tables| tables == "FOR ALL TABLES");
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

/// The service that the object's options name, by database, role or container.
fn target(case: &Case<'_>, object: &Object) -> (Option<String>, String) {
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
            if object
                .attributes
                .values()
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
