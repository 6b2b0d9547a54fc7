//! Objects of nobody that is known, in places and under names that tell.

use super::altered::unaltered;
use super::{database, each};
use crate::report::text::one_line;
use crate::rules::classify::Class;
use crate::rules::index::Names;
use crate::rules::link::is_spoken_of;
use crate::rules::text::{bare_drop_sql, drop_sql, ident, named, sql_ident, sql_name};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::attributes::{ALTERED, REPLACED};
use crate::snapshot::{Gap, Kind, Object};

pub(super) const HIDDEN_OBJECT: Rule = Rule {
    id: "bleed/hidden-object",
    severity: Severity::Error,
    summary: "Does anything lie in a schema of the system that is nobody's?",
    help: include_str!("../help/bleed-hidden-object.md"),
    scope: Scope::Database,
    check: hidden_object,
};

fn hidden_object(case: &Case<'_>) -> Verdict {
    each(case, false, |object, class| {
        matches!(class, Class::Hidden).then(|| {
            HIDDEN_OBJECT
                .finding(
                    About::object(object),
                    format!(
                        "{} in database {} of {} lies in a schema of the system, but neither the server nor an extension nor a hypertable made it",
                        named(&object.key),
                        database(case),
                        case.name()
                    ),
                )
                .saw(format!("nothing foreign in {}", ident(&object.key.schema)), named(&object.key))
                .remedy(format!("Find out who made it. {}", drop_sql(object)))
        })
    })
}

pub(super) const ATTACHED_TO_EXTENSION: Rule = Rule {
    id: "bleed/attached-to-extension",
    severity: Severity::Error,
    summary: "Do extensions hold only what their own scripts made?",
    help: include_str!("../help/bleed-attached-to-extension.md"),
    scope: Scope::Database,
    check: attached_to_extension,
};

fn attached_to_extension(case: &Case<'_>) -> Verdict {
    // One that reaches out of the database is told with what it does.
    let told = |object: &Object| is_spoken_of(&case.survey.reaches, &object.key);
    let mut outcome = each(case, false, |object, class| match class {
        Class::Attached(extension) if !told(object) => Some(whose(
            attached(case, object, extension),
            owner(case, object),
        )),
        _ => None,
    })?;
    // Where transactions do not tell, what a superuser attached is the extension's by all that the catalog says, but for its name.
    let named_alike = case.snapshot()?.state.members.iter().filter(|member| {
        let seen = |(object, _): &(&Object, _)| object.key == member.key;
        !case.survey.extras.iter().any(seen)
    });
    for member in named_alike {
        let extension = member.extension.as_deref().unwrap_or_default();
        let owner = owner(case, member);
        if owner.is_some() || knows(case.subject, member) {
            outcome
                .findings
                .push(whose(attached(case, member, extension), owner));
        }
    }
    outcome
        .gaps
        .extend(case.snapshot()?.state.moved.iter().map(moved));
    outcome
        .gaps
        .extend(case.snapshot()?.state.updated.iter().map(updated));
    Ok(outcome)
}

/// Nobody can know what became of an extension before it was moved.
fn moved((extension, member): &(String, String)) -> Gap {
    let extension = ident(extension);
    Gap {
        reason: format!(
            "extension {extension} was moved to another schema (ALTER EXTENSION … SET SCHEMA), which leaves no trace of what somebody had replaced or altered in it before, as {}",
            one_line(member)
        ),
        remedy: Some(format!(
            "compare it with the extension's script, or make it anew where nothing depends on it (DROP EXTENSION {extension}, CREATE EXTENSION {extension} SCHEMA …); \
             or accept it with an [[allow]] entry with not_checked"
        )),
    }
}

/// Nobody can know whose a text is that the last update's script left as it was.
fn updated((extension, member): &(String, String)) -> Gap {
    let extension = ident(extension);
    Gap {
        reason: format!(
            "extension {extension} was updated (ALTER EXTENSION … UPDATE), and whether an earlier update or somebody had replaced {} before, nothing tells any more",
            one_line(member)
        ),
        remedy: Some(format!(
            "compare it with the extension's script, or make it anew where nothing depends on it (DROP EXTENSION {extension}, CREATE EXTENSION {extension}); \
             or accept it with an [[allow]] entry with not_checked"
        )),
    }
}

/// Whether the subject's lock has an object of this name.
fn knows(subject: &Subject<'_>, member: &Object) -> bool {
    subject
        .lock
        .known()
        .is_some_and(|lock| Names::new(lock).kind_of(member).is_some())
}

/// The other service that has an object of this name.
fn owner<'a>(case: &Case<'a>, member: &Object) -> Option<&'a Subject<'a>> {
    case.others().find(|other| knows(other, member))
}

fn whose(mut finding: Finding, owner: Option<&Subject<'_>>) -> Finding {
    if let Some(owner) = owner {
        finding.belongs_to = Some(owner.service.name.clone());
        finding.message = format!(
            "{}; {} has one of this name",
            finding.message, owner.service.name
        );
    }
    finding
}

fn attached(case: &Case<'_>, object: &Object, extension: &str) -> Finding {
    let name = named(&object.key);
    let database = database(case);
    let (what, remedy) = membership(object, extension);
    let finding = ATTACHED_TO_EXTENSION.finding(
        About::object(object),
        format!("{name} in database {database} {what}"),
    );
    let extension = ident(extension);
    let finding = match object.attributes.get(ALTERED) {
        Some(altered) if altered == NULLABLE => finding.severity(Severity::Warning),
        _ => finding,
    };
    let since = if object.attributes.contains_key(REPLACED) {
        Some("replaced since".to_owned())
    } else {
        let altered = object.attributes.get(ALTERED);
        altered.map(|altered| format!("altered since: {}", one_line(altered)))
    };
    if let Some(since) = since {
        finding.saw(
            format!("{name} as the script of extension {extension} makes it"),
            since,
        )
    } else {
        finding.saw(
            format!("only what extension {extension} creates"),
            format!("{name} as its member"),
        )
    }
    .remedy(remedy)
}

/// A column that may have lost its NOT NULL: a GRANT that was taken back leaves the same trace.
const NULLABLE: &str = "DROP NOT NULL";

/// What somebody did with an extension's member, and what mends it.
pub(in crate::rules) fn membership(object: &Object, extension: &str) -> (String, String) {
    let name = ident(extension);
    if object.attributes.contains_key(REPLACED) {
        return (
            format!(
                "is not as extension {name} made it: somebody has replaced it, and dumps leave it out"
            ),
            format!(
                "Find out who replaced it. If nothing that is wanted depends on the extension: DROP EXTENSION {sql}; CREATE EXTENSION {sql}; \
                 else let a newer version make it again, if its script does: ALTER EXTENSION {sql} UPDATE; \
                 if it is meant, accept it with an [[allow]] entry and the reason.",
                sql = sql_ident(extension)
            ),
        );
    }
    if let Some(altered) = object.attributes.get(ALTERED) {
        return (
            if altered == NULLABLE {
                format!(
                    "may not be as extension {name} made it: it may be NULL, and somebody has altered it or granted it and taken that back since"
                )
            } else {
                format!(
                    "is not as extension {name} made it: somebody has altered it ({}), and dumps leave that out",
                    one_line(altered)
                )
            },
            format!(
                "Find out who altered it. If the extension's script does not say the same: {} If it is meant, accept it with an [[allow]] entry and the reason.",
                unaltered(&object.key, altered)
            ),
        );
    }
    let kind = match object.key.kind {
        Kind::Function => "ROUTINE".to_owned(),
        // Another word than in GRANT (ALTER EXTENSION, "member_object").
        Kind::Server => "SERVER".to_owned(),
        kind => kind.words().to_uppercase(),
    };
    (
        format!(
            "was attached to extension {name}, which hides it from dumps and from every inventory"
        ),
        format!(
            "ALTER EXTENSION {} DROP {kind} {}; then run `dbctl verify` again to see whose it is.",
            sql_ident(extension),
            sql_name(&object.key)
        ),
    )
}

pub(super) const FOREIGN_SCHEMA_NAME: Rule = Rule {
    id: "bleed/foreign-schema-name",
    severity: Severity::Error,
    summary: "Is a schema named after another service, or disguised as public?",
    help: include_str!("../help/bleed-foreign-schema-name.md"),
    scope: Scope::Database,
    check: foreign_schema_name,
};

fn foreign_schema_name(case: &Case<'_>) -> Verdict {
    each(case, false, |object, class| {
        let Class::SchemaName { like, owner } = class else {
            return None;
        };
        let name = named(&object.key);
        let what = owner.map_or_else(
            || {
                format!(
                    "looks like schema {}: an unqualified name can end in either",
                    ident(like)
                )
            },
            |owner| format!("is named after {} of {}", ident(like), owner.service.name),
        );
        let mut finding = FOREIGN_SCHEMA_NAME
            .finding(
                About::object(object),
                format!(
                    "{name} in database {} of {} {what}",
                    database(case),
                    case.name()
                ),
            )
            .saw("no such schema", name.clone())
            .remedy(format!(
                "See what is in it, move what is needed to where it belongs, then: {}",
                drop_sql(object)
            ));
        finding.belongs_to = owner.map(|owner| owner.service.name.clone());
        Some(finding)
    })
}

pub(super) const FOREIGN_TOOL_HISTORY: Rule = Rule {
    id: "bleed/foreign-tool-history",
    severity: Severity::Warning,
    summary: "Did another migration tool leave its history here?",
    help: include_str!("../help/bleed-foreign-tool-history.md"),
    scope: Scope::Database,
    check: foreign_tool_history,
};

fn foreign_tool_history(case: &Case<'_>) -> Verdict {
    each(case, false, |object, class| {
        let Class::ToolHistory(tool) = class else {
            return None;
        };
        let name = named(&object.key);
        Some(
            FOREIGN_TOOL_HISTORY
                .finding(
                    About::object(object),
                    format!("{name} in database {} of {} is the history of {tool}: another tool migrates here as well", database(case), case.name()),
                )
                .saw("one migration tool", format!("{name} of {tool}"))
                .remedy(format!(
                    "Stop the program that runs {tool} against this database, or accept it with an [[allow]] entry if the service migrates itself. Then: {}",
                    drop_sql(object)
                )),
        )
    })
}

pub(super) const FILE_ENGINE_TABLE: Rule = Rule {
    id: "bleed/file-engine-table",
    severity: Severity::Error,
    summary: "Are tables here that belong into a service's file store?",
    help: include_str!("../help/bleed-file-engine-table.md"),
    scope: Scope::Database,
    check: file_engine_table,
};

fn file_engine_table(case: &Case<'_>) -> Verdict {
    case.diff()?;
    let mut findings = Vec::new();
    // One engine that was pointed at PostgreSQL is one cause, however many tables it made.
    for (engine, store) in [
        ("rgb-lib", "the SQLite file of rgb-lib"),
        ("kasia-indexer", "the file store of kasia-indexer"),
    ] {
        let tables: Vec<&Object> = case
            .survey
            .extras
            .iter()
            .filter(|(_, class)| matches!(class, Class::FileEngine(name) if *name == engine))
            .map(|(object, _)| *object)
            .collect();
        let Some(first) = tables.first() else {
            continue;
        };
        let names: Vec<String> = tables.iter().map(|object| named(&object.key)).collect();
        let finding = FILE_ENGINE_TABLE
            .finding(
                About::object(first),
                format!(
                    "{} in database {} of {} {} into {store}, not into PostgreSQL",
                    names.join(", "),
                    database(case),
                    case.name(),
                    if tables.len() == 1 {
                        "belongs"
                    } else {
                        "belong"
                    }
                ),
            )
            .saw("no table of a file store", names.join(", "))
            .remedy(format!(
                "Point {engine} at its own directory again, move rows that are needed, then: {}",
                tables
                    .iter()
                    .map(|object| bare_drop_sql(object))
                    .collect::<Vec<_>>()
                    .join(" ")
            ));
        findings.push(finding);
    }
    Ok(findings.into())
}
