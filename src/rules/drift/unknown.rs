//! What no known service creates.

use super::inherited::{Tables, parts_told};
use super::newer::{LOCK_FIRST, makes, unlocked};
use super::renamed::perhaps_own;
use super::{books, pending};
use crate::rules::access::{definers, service_of, spoken};
use crate::rules::classify::{Class, called_functions};
use crate::rules::link::is_spoken_of;
use crate::rules::text::{drop_sql, ident, mentions, named, sql_ident};
use crate::rules::{About, Case, Rule, Scope, Severity, Verdict};
use crate::snapshot::attributes::{COUNT, INHERITS, LAST, VALID};
use crate::snapshot::{Kind, Object, ObjectKey, before};

pub(in crate::rules) const UNKNOWN_OBJECT: Rule = Rule {
    id: "drift/unknown-object",
    severity: Severity::Warning,
    summary: "Is there anything that no known service creates?",
    help: include_str!("../help/drift-unknown-object.md"),
    scope: Scope::Database,
    check: unknown_object,
};

/// Whether it takes the place of one of the set's in `public`: the schema that is named after the role comes first ("$user").
fn shadows(case: &Case<'_>, object: &Object) -> bool {
    let key = &object.key;
    let of_role = case.subject.service.role_name() == Some(key.schema.as_str());
    let same_name = |own: &ObjectKey| {
        own.schema == "public"
            && own.name == key.name
            && own.parent.is_empty()
            && key.parent.is_empty()
            && own.kind.is_relation() == key.kind.is_relation()
    };
    of_role
        && case
            .lock()
            .is_ok_and(|lock| lock.objects.keys().any(same_name))
}

fn unknown_object(case: &Case<'_>) -> Verdict {
    case.diff()?;
    let database = ident(case.subject.service.database_name());
    // What an older lock does not know may be the set's own.
    let stale = !case.survey.extras.is_empty() && case.is_lock_stale();
    let place = match stale {
        true => "schema lock, and the lock of its own set is older than the set",
        false => "set",
    };
    let newer = match stale {
        true => unlocked(case),
        false => Vec::new(),
    };
    // Of what others may use, a rule of group access speaks, and says that it is in no set.
    let (spoken, definers) = (spoken(case), definers(case));
    let tables = Tables::new(case);
    let is_pending = pending(case.subject, case.snapshot()?) > 0;
    let lock = case.lock().ok();
    let extras = &case.survey.extras;
    let findings = case
        .survey
        .extras
        .iter()
        .filter_map(|(object, class)| {
            // A text that reaches out is told by group `link`; what a file makes that the lock has not seen, by sets/stale-lock; what a
            // pending migration takes away, by drift/pending.
            if is_pending && lock.is_some_and(|lock| lock.had(&object.key)) {
                return None;
            }
            if is_spoken_of(&case.survey.reaches, &object.key)
                || newer.iter().any(|sql| makes(sql, &object.key))
                || tables.is_told_of_parent(&object.key, |parent| {
                    extras.iter().any(|(other, _)| other.key == *parent)
                })
            {
                return None;
            }
            let shadows = shadows(case, object);
            let why = match class {
                Class::Unknown | Class::OwnCopy(_) if shadows => format!(
                    "; the service's names without a schema find it before {} in schema public",
                    ident(&object.key.name)
                ),
                Class::Unknown => String::new(),
                Class::OwnCopy(of) => format!("; it looks like a left-over copy of {}", ident(of)),
                _ => return None,
            };
            let name = named(&object.key);
            let owner = foreign_owner(case, object);
            let parts = match is_routine(case, &tables, object) {
                true => tables.own_parts(object),
                false => Vec::new(),
            };
            let own_column = tables.own_column(object);
            let severity = if owner.is_some() || shadows || !parts.is_empty() {
                Severity::Error
            } else {
                severity_of(case, &tables, object)
            };
            // A large object stands for all of its owner.
            let one = object
                .attributes
                .get(COUNT)
                .is_none_or(|count| count == "1");
            let told = severity < Severity::Error && one && spoken.contains(&object.key);
            // access/security-definer names the owner as well.
            if told || definers.contains(&object.key) {
                return None;
            }
            let owned = owner.map_or_else(String::new, |(role, service)| {
                format!("; it is owned by role {} of {service}", ident(role))
            });
            let mut finding = UNKNOWN_OBJECT
                .finding(
                    About::object(object),
                    format!(
                        "{name} in database {database} of {} is in no {place}{why}{}{owned}",
                        case.name(),
                        match &own_column {
                            Some((what, _)) => what.clone(),
                            None if !parts.is_empty() => parts_told(&parts).0,
                            None => more(case, object),
                        }
                    ),
                )
                .severity(severity)
                .saw(expected(case), name)
                .remedy(format!(
                    "{}; if it is meant to stay as it is, add an [[allow]] entry; otherwise: {}{}",
                    if_needed(case, object, stale),
                    match &own_column {
                        Some((_, sql)) => sql.clone(),
                        None if is_of_view(case, object) => drop_default_sql(&object.key),
                        None if !parts.is_empty() => parts_told(&parts).1,
                        // By then what it hangs on has its name back.
                        None => drop_sql(&Object {
                            key: before(case.survey.renames(), &object.key),
                            ..(*object).clone()
                        }),
                    },
                    drop_called(case, object)
                ));
            finding.belongs_to = owner.map(|(_, service)| service.to_owned());
            Some(perhaps_own(case, object, finding))
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// Whether it is a column of a view: listed because it has a default.
fn is_of_view(case: &Case<'_>, object: &Object) -> bool {
    let key = &object.key;
    let is_view = |other: &Object| {
        other.key.kind == Kind::View
            && (&other.key.schema, &other.key.name) == (&key.schema, &key.parent)
    };
    key.kind == Kind::Column
        && case
            .snapshot()
            .is_ok_and(|snapshot| snapshot.objects.iter().any(is_view))
}

fn drop_default_sql(key: &ObjectKey) -> String {
    format!(
        "ALTER VIEW {}.{} ALTER COLUMN {} DROP DEFAULT;",
        sql_ident(&key.schema),
        sql_ident(&key.parent),
        sql_ident(&key.name)
    )
}

/// The role of another service that owns an object, and that service.
pub(in crate::rules) fn foreign_owner<'a>(
    case: &Case<'a>,
    object: &'a Object,
) -> Option<(&'a str, &'a str)> {
    let owner = object.owner.as_deref()?;
    Some((owner, service_of(case, owner)?))
}

fn expected(case: &Case<'_>) -> String {
    case.subject.service.set.as_ref().map_or_else(
        || format!("nothing that the lock of {} does not hold", case.name()),
        |set| format!("nothing that set {} does not create", set.value),
    )
}

/// What to do about an unknown object that the service needs.
fn if_needed(case: &Case<'_>, object: &Object, stale: bool) -> String {
    if object.key.kind == Kind::LargeObject {
        "Large objects are data, which no lock holds".to_owned()
    } else if stale {
        LOCK_FIRST.to_owned()
    } else if case.subject.service.set.is_some() {
        "If the service needs it, create it in a migration of its set".to_owned()
    } else {
        format!(
            "If the service made it, record it with `dbctl lock --from {}`",
            case.name()
        )
    }
}

/// The SQL that removes the functions that nothing but this object runs: they are told with it.
fn drop_called(case: &Case<'_>, object: &Object) -> String {
    let called = called_functions(object);
    // Names are all that is known: of two that bear one name, neither is taken along.
    let is_only = |function: &Object| {
        let name = &function.key.name;
        let others = || case.survey.extras.iter().map(|(other, _)| *other);
        let calls = others().filter(|other| called_functions(other).contains(name));
        let bear =
            others().filter(|other| (other.key.kind, &other.key.name) == (Kind::Function, name));
        calls.count() == 1 && bear.count() == 1
    };
    case.survey
        .extras
        .iter()
        .filter(|(function, class)| {
            function.key.kind == Kind::Function
                && matches!(class, Class::Implied)
                && called.contains(&function.key.name)
                && is_only(function)
                && !is_spoken_of(&case.survey.reaches, &function.key)
        })
        .map(|(function, _)| format!(" {}", drop_sql(function)))
        .collect()
}

/// What else is to be known of an unknown object, such as the function that a trigger runs: without its trigger it would be a finding of
/// its own.
fn more(case: &Case<'_>, object: &Object) -> String {
    if is_of_view(case, object) {
        return "; it is a view's, and has a default".to_owned();
    }
    if object.key.kind == Kind::LargeObject {
        let attribute = |name: &str| object.attributes.get(name).map_or("", String::as_str);
        return format!(
            ", the first of {} of its owner, up to {}",
            attribute(COUNT),
            attribute(LAST)
        );
    }
    if object
        .attributes
        .get(VALID)
        .is_some_and(|valid| valid == "false")
    {
        return "; it is not valid, so no query uses it (unless somebody is building it right now)"
            .to_owned();
    }
    if !matches!(object.key.kind, Kind::Trigger | Kind::EventTrigger) {
        return String::new();
    }
    crate::rules::classify::called_function(object).map_or_else(String::new, |function| {
        format!("; it runs function {}", ident(&function))
    })
}

/// What an unknown object can do to the service decides how bad it is.
pub(in crate::rules) fn severity_of(
    case: &Case<'_>,
    tables: &Tables<'_>,
    object: &Object,
) -> Severity {
    let attribute = |name: &str| object.attributes.get(name).map_or("", String::as_str);
    match object.key.kind {
        // It changes what the service's own statements do.
        Kind::Column
        | Kind::Trigger
        | Kind::Rule
        | Kind::Policy
        | Kind::Constraint
        | Kind::EventTrigger
        | Kind::Hypertable => Severity::Error,
        // Writers pay for it, and no query uses it.
        Kind::Index if attribute(VALID) == "false" => Severity::Warning,
        Kind::Index | Kind::Statistics | Kind::Extension | Kind::Language => Severity::Info,
        Kind::Table if is_routine(case, tables, object) => Severity::Info,
        // Its rows appear as rows of the own table.
        Kind::Table
            if is_own(case, attribute(INHERITS))
                || books::are_named(attribute(INHERITS))
                || is_child_of_chunk(case, object) =>
        {
            Severity::Error
        }
        _ => UNKNOWN_OBJECT.severity,
    }
}

/// Whether it is a partition of one of the service's tables: they come and go.
fn is_routine(case: &Case<'_>, tables: &Tables<'_>, object: &Object) -> bool {
    object.key.kind == Kind::Table && tables.is_partition_of(object, |parent| is_own(case, parent))
}

/// Whether a table inherits from a single chunk.
fn is_child_of_chunk(case: &Case<'_>, object: &Object) -> bool {
    let name = format!(
        "{}.{}",
        sql_ident(&object.key.schema),
        sql_ident(&object.key.name)
    );
    case.snapshot().is_ok_and(|snapshot| {
        let chunks = &snapshot.state.chunks;
        chunks
            .iter()
            .any(|deviation| deviation.kind == "child" && deviation.name == name)
    })
}

/// Whether a text names one of the service's tables.
fn is_own(case: &Case<'_>, text: &str) -> bool {
    !text.is_empty()
        && case.lock().is_ok_and(|lock| {
            lock.objects
                .keys()
                .any(|key| key.kind == Kind::Table && mentions(text, &key.name))
        })
}
