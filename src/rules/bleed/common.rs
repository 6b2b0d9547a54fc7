//! What lies in the databases that belong to no service.

use super::altered::unaltered;
use super::notes::noted;
use crate::report::text::count;
use crate::rules::access::given;
use crate::rules::drift::change;
use crate::rules::index::Names;
use crate::rules::known;
use crate::rules::text::{bare_drop_sql, ident, named, sql_ident};
use crate::rules::{About, Case, Finding, Outcome, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::attributes::{ALTERED, DBNAME, DEFINITION, FUNCTION, OWNED_BY, TYPE, WRAPPER};
use crate::snapshot::{Common, Fact, Kind, Object, ObjectKey};

/// Most objects that a sentence lists.
pub(super) const MOST: usize = 8;

pub(in crate::rules) const COMMON_DATABASE: Rule = Rule {
    id: "bleed/common-database",
    severity: Severity::Error,
    summary: "Did anybody leave something in template1 or postgres, or open them to a service?",
    help: include_str!("../help/bleed-common-database.md"),
    scope: Scope::Database,
    check: common_database,
};

fn common_database(case: &Case<'_>) -> Verdict {
    let snapshot = case.snapshot()?;
    let system = snapshot.identity.system_identifier.known();
    // Two services may reach one server under two names.
    let said = case
        .system
        .subjects
        .iter()
        .take_while(|subject| subject.service.name != case.name())
        .filter_map(|subject| subject.snapshot.as_ref()?.known())
        .any(|earlier| {
            system.is_some()
                && !earlier.state.commons.is_empty()
                && earlier.identity.system_identifier.known() == system
        });
    if said {
        return Ok(Outcome::default());
    }
    let subjects: Vec<(&Subject<'_>, Names)> = case
        .system
        .subjects
        .iter()
        .filter_map(|subject| Some((subject, Names::new(subject.lock.known()?))))
        .collect();
    let mut outcome = Outcome::default();
    for common in &snapshot.state.commons {
        // It may be some service's own, under another address.
        let is_own = case
            .system
            .subjects
            .iter()
            .any(|subject| subject.service.database_name() == common.database);
        match &common.content {
            _ if is_own => {}
            Fact::Unknown(gap) => outcome.gaps.push(gap.clone()),
            Fact::Known(content) => {
                let objects = &content.objects;
                outcome.findings.extend(judge(common, objects, &subjects));
                outcome.findings.extend(changed(common, &content.system));
                outcome.findings.extend(noted(common, &content.notes));
                if is_template(common) && content.template0_open {
                    outcome.findings.push(open_template());
                }
                match given(case, common, content) {
                    Ok(findings) => outcome.findings.extend(findings),
                    Err(gap) => outcome.gaps.push(gap),
                }
            }
        }
    }
    Ok(outcome)
}

/// What initdb made and somebody has changed.
fn changed(common: &Common, system: &[Object]) -> Vec<Finding> {
    let database = ident(&common.database);
    let why = why(common);
    system
        .iter()
        .map(|object| {
            let name = named(&object.key);
            let (what, remedy) = change(object, &sql_ident(&common.database));
            COMMON_DATABASE
                .finding(
                    About::object(object),
                    format!("{name} in database {database} is not as initdb made it: {what}{why}"),
                )
                .saw(format!("{name} as initdb made it"), what)
                .remedy(format!("Find out who changed it. {remedy}"))
        })
        .collect()
}

fn open_template() -> Finding {
    COMMON_DATABASE
        .finding(
            About::plain("database", "template0"),
            "database template0 takes log-ins: new databases that must be clean are copies of it, and nobody looks into it".to_owned(),
        )
        .severity(Severity::Warning)
        .saw("no log-in to template0", "ALLOW_CONNECTIONS true".to_owned())
        .remedy("See that nothing was left in it. Then: ALTER DATABASE template0 ALLOW_CONNECTIONS false;".to_owned())
}

/// Why it matters what is in this database.
pub(super) fn why(common: &Common) -> &'static str {
    if is_template(common) {
        "; every new database is a copy of it"
    } else {
        "; no service keeps anything there"
    }
}

fn is_template(common: &Common) -> bool {
    common.database == "template1"
}

/// One finding for each service whose objects are there, and one for those of nobody.
fn judge(common: &Common, objects: &[Object], subjects: &[(&Subject<'_>, Names)]) -> Vec<Finding> {
    let causes: Vec<(&Object, Option<&str>)> = objects
        .iter()
        .filter(|object| is_cause(object, objects))
        .map(|object| (object, owner(object, objects, subjects)))
        .collect();
    let mut owners: Vec<Option<&str>> = causes.iter().map(|(_, owner)| *owner).collect();
    owners.sort_unstable();
    owners.dedup();
    owners
        .into_iter()
        .filter_map(|owner| {
            let of: Vec<&Object> = causes
                .iter()
                .filter(|(_, whose)| *whose == owner)
                .map(|(object, _)| *object)
                .collect();
            finding(common, &of, owner)
        })
        .collect()
}

fn finding(common: &Common, objects: &[&Object], owner: Option<&str>) -> Option<Finding> {
    let first = objects.first()?;
    let is_template = is_template(common);
    let mut names: Vec<String> = objects
        .iter()
        .take(MOST)
        .map(|object| named(&object.key))
        .collect();
    let more = objects.len().saturating_sub(MOST);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let names = names.join(", ");
    let database = ident(&common.database);
    let leads = objects.iter().any(|object| known::is_link(object));
    let whose = match owner {
        None => ", which no service's set has".to_owned(),
        Some(owner) if leads => format!(", which leads to the database of {owner}"),
        Some(owner) => format!(" as {owner} has"),
    };
    let why = why(common);
    let mut shown: Vec<&&Object> = objects.iter().take(MOST).collect();
    // What others depend on goes last.
    shown.sort_by_key(|object| match object.key.kind {
        Kind::Trigger | Kind::EventTrigger => 0,
        Kind::Server => 2,
        Kind::Wrapper => 3,
        Kind::Extension | Kind::Schema => 4,
        _ => 1,
    });
    let drops: Vec<String> = shown
        .into_iter()
        .map(|object| match object.attributes.get(ALTERED) {
            Some(altered) => unaltered(&object.key, altered),
            None => bare_drop_sql(object),
        })
        .collect();
    let mut finding = COMMON_DATABASE
        .finding(
            About::object(first),
            format!("database {database} holds {names}{whose}{why}"),
        )
        .severity(if is_template || owner.is_some() {
            Severity::Error
        } else {
            Severity::Warning
        })
        .saw(
            format!("nothing but the server's own in {database}"),
            count(objects.len(), "object"),
        )
        .remedy(format!(
            "See who uses it and move it to a database of its own. Then, in database {database}: {}",
            drops.join(" ")
        ));
    finding.belongs_to = owner.map(str::to_owned);
    Some(finding)
}

/// Whether an object is there for its own sake: parts go with their table, a serial's sequence with its column, a trigger's function
/// with the trigger. Extensions are nobody's (TimescaleDB's images put theirs into template1), but for those that open ways out.
fn is_cause(object: &Object, objects: &[Object]) -> bool {
    let key = &object.key;
    match key.kind {
        Kind::Extension => known::is_link(object),
        Kind::Sequence => !object.attributes.contains_key(OWNED_BY),
        Kind::Function => !objects.iter().any(|other| {
            matches!(other.key.kind, Kind::Trigger | Kind::EventTrigger)
                && [FUNCTION, DEFINITION]
                    .iter()
                    .filter_map(|name| other.attributes.get(*name))
                    .any(|text| crate::rules::text::mentions(text, &key.name))
        }),
        // On what initdb or an extension made, a part is what somebody did.
        kind => !kind.is_part() || !objects.iter().any(|other| is_whole(other, key)),
    }
}

/// Whether this is the relation that a part is a part of.
fn is_whole(object: &Object, part: &ObjectKey) -> bool {
    let key = &object.key;
    key.kind.is_relation() && (&key.schema, &key.name) == (&part.schema, &part.parent)
}

/// The service whose object it is: by name, by look, by shape.
fn owner<'a>(
    object: &Object,
    objects: &[Object],
    subjects: &[(&'a Subject<'a>, Names)],
) -> Option<&'a str> {
    let shape = objects
        .iter()
        .filter(|column| {
            column.key.kind == Kind::Column
                && column.key.schema == object.key.schema
                && column.key.parent == object.key.name
        })
        .map(|column| {
            let kind = column.attributes.get(TYPE).cloned().unwrap_or_default();
            (column.key.name.to_lowercase(), kind)
        })
        .collect();
    let by = |test: &dyn Fn(&Names) -> bool| {
        subjects
            .iter()
            .find(|(_, names)| test(names))
            .map(|(subject, _)| subject.service.name.as_str())
    };
    // A server, by the database that it leads to; an extension goes with its server.
    let server = objects.iter().find(|server| {
        object.key.kind == Kind::Extension
            && server.attributes.get(WRAPPER) == Some(&object.key.name)
    });
    if let Some(database) = server.unwrap_or(object).attributes.get(DBNAME) {
        return subjects
            .iter()
            .find(|(subject, _)| subject.service.database_name() == database)
            .map(|(subject, _)| subject.service.name.as_str());
    }
    by(&|names| names.kind_of(object).is_some())
        .or_else(|| by(&|names| names.original_of(object).is_some()))
        .or_else(|| {
            by(&|names| object.key.kind.is_relation() && names.table_within(&shape).is_some())
        })
}
