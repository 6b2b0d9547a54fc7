//! Who owns what the set creates, and what no snapshot lists.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::grant::{about, name};
use super::reach::{Reach, some_of};
use super::{database, service_of};
use crate::report::text::one_line;
use crate::rules::text::{ident, named, owner_sql, sql_ident, sql_name};
use crate::rules::{About, Case, Finding, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::attributes::OWNED_BY;
use crate::snapshot::privileges::{On, Owned as Elsewhere};
use crate::snapshot::{Diff, Kind, Object, ObjectKey, Shut, before};

pub(in crate::rules) const OBJECT_OWNER: Rule = Rule {
    id: "access/object-owner",
    severity: Severity::Error,
    summary: "Does the service own what it needs, and can it use it?",
    help: include_str!("../help/access-object-owner.md"),
    scope: Scope::Database,
    check: object_owner,
};

/// What one role owns.
#[derive(Default)]
struct Owned<'a> {
    objects: Vec<&'a Object>,
    /// The schema `public`, which no snapshot lists as an object.
    public: bool,
    /// Chunks, large objects and the like.
    unlisted: Vec<&'a Elsewhere>,
}

fn object_owner(case: &Case<'_>) -> Verdict {
    let diff = case.diff()?;
    let snapshot = case.own()?;
    // What the set does not create has findings of its own, which say whose it is.
    let extra: HashSet<&ObjectKey> = diff.extra.iter().map(|object| &object.key).collect();
    let mut by_role: BTreeMap<&str, Owned<'_>> = BTreeMap::new();
    let mut closed = Vec::new();
    for object in &snapshot.objects {
        // A serial column's sequence has the owner of its table, always.
        let follows = object.key.kind == Kind::Sequence && object.attributes.contains_key(OWNED_BY);
        let Some(owner) = object.owner.as_deref() else {
            continue;
        };
        // Made anew by an administrator, as another kind or as no hypertable: group drift says so.
        let drifted = is_superuser(case, owner) && is_replaced(diff, &object.key);
        if follows || drifted || extra.contains(&object.key) {
            continue;
        }
        if is_fault(case, object.key.kind, owner) {
            by_role.entry(owner).or_default().objects.push(object);
        } else if let Some(why) = shut(case, &object.key) {
            closed.push((object, why));
        }
    }
    let public = snapshot.access.public_schema_owner.as_str();
    // Where there is no such schema, it has no owner.
    if !public.is_empty() && !is_own(case, public) && !is_superuser(case, public) {
        by_role.entry(public).or_default().public = true;
    }
    // Large objects are in no set, and `drift/unknown-object` names their owner.
    let told: HashSet<&str> = diff
        .extra
        .iter()
        .filter(|object| object.key.kind == Kind::LargeObject)
        .filter_map(|object| object.owner.as_deref())
        .collect();
    let mut gaps = Vec::new();
    let is_told = |unlisted: &Elsewhere| {
        unlisted.object.on == On::LargeObject && told.contains(unlisted.owner.as_str())
    };
    match snapshot.privileges.get() {
        Ok(privileges) => {
            for unlisted in &privileges.owned {
                let owner = unlisted.owner.as_str();
                if is_told(unlisted) {
                    continue;
                }
                // What a superuser made besides the tables is an administrator's affair.
                let theirs = unlisted.object.on == On::Chunk || !is_superuser(case, owner);
                if theirs && !is_own(case, owner) {
                    by_role.entry(owner).or_default().unlisted.push(unlisted);
                }
            }
        }
        Err(gap) => gaps.push(gap),
    }
    let findings = by_role
        .into_iter()
        .map(|(owner, owned)| finding(case, owner, &owned))
        .chain(shut_out(case, &closed))
        .collect();
    Ok(Outcome { findings, gaps })
}

/// Why the service, which logs in as its own role, cannot use a relation, if it cannot.
fn shut(case: &Case<'_>, key: &ObjectKey) -> Option<Shut> {
    let snapshot = case.snapshot().ok()?;
    let own = case.subject.service.role_name()?;
    let why = (snapshot.shut.get(key).copied()).filter(|_| own == snapshot.identity.current_user);
    // Whoever has lost the database, or schema public, has lost what an owner has of it: that is told as such.
    let lost = key.schema == "public"
        && (snapshot.access.database_owner != own
            || !is_own(case, &snapshot.access.public_schema_owner));
    // To move it back is to open it again.
    let moved = (case.survey.renames().iter())
        .any(|rename| rename.is == *key && rename.moved_into().is_some());
    match why {
        Some(why) if lost || moved => (why != Shut::Schema).then_some(Shut::Relation),
        why => why,
    }
}

/// What the service has and cannot use: one finding, whatever was revoked.
fn shut_out(case: &Case<'_>, closed: &[(&Object, Shut)]) -> Option<Finding> {
    let (first, _) = closed.first()?;
    let role = case.subject.service.role_name().unwrap_or_default();
    let to = sql_ident(role);
    let names: Vec<String> = (closed.iter().map(|(object, _)| named(&object.key))).collect();
    let schemas: BTreeSet<&str> = closed
        .iter()
        .filter(|(_, why)| *why != Shut::Relation)
        .map(|(object, _)| object.key.schema.as_str())
        .collect();
    let open = |schema: &str| format!("GRANT USAGE ON SCHEMA {} TO {to};", sql_ident(schema));
    let give = |object: &Object| {
        let word = match object.key.kind {
            Kind::Sequence => "SEQUENCE",
            _ => "TABLE",
        };
        format!("GRANT ALL ON {word} {} TO {to};", sql_name(&object.key))
    };
    let relations = closed.iter().filter(|(_, why)| *why != Shut::Schema);
    let sql: Vec<String> = (schemas.into_iter().map(open))
        .chain(relations.map(|(object, _)| give(object)))
        .collect();
    Some(
        OBJECT_OWNER
            .finding(
                About::object(first),
                format!(
                    "role {} of {} cannot use {} in database {}: its rights there, or USAGE of the schema, were revoked",
                    ident(role),
                    case.name(),
                    some_of(&names, 0),
                    database(case)
                ),
            )
            .saw("an owner's rights", "no right to read or write")
            .remedy(format!("In database {}: {}", database(case), sql.join(" "))),
    )
}

/// Whether the object that has this name now is another one than the set's.
fn is_replaced(diff: &Diff<'_>, key: &ObjectKey) -> bool {
    let same = |other: &ObjectKey| {
        other.schema == key.schema && (other.name == key.name || other.parent == key.name)
    };
    let hypertable = |other: &&ObjectKey| other.kind == Kind::Hypertable && same(other);
    diff.missing.iter().any(|missing| hypertable(&missing))
        || diff.changed.iter().any(|change| {
            hypertable(&&change.key) || (change.attribute == "kind" && same(&change.key))
        })
}

/// Whether it is wrong that this role owns something of this kind that the set creates.
fn is_fault(case: &Case<'_>, kind: Kind, owner: &str) -> bool {
    let for_superusers = matches!(
        kind,
        Kind::Extension
            | Kind::Language
            | Kind::EventTrigger
            | Kind::Wrapper
            | Kind::Server
            | Kind::Publication
            | Kind::Subscription
    );
    !is_own(case, owner) && (service_of(case, owner).is_some() || !for_superusers)
}

/// Whether a role may own the service's objects: its own, or the one that owns the database.
fn is_own(case: &Case<'_>, owner: &str) -> bool {
    let owns_database = case
        .snapshot()
        .is_ok_and(|snapshot| snapshot.access.database_owner == owner)
        && service_of(case, owner).is_none();
    case.subject.service.role_name() == Some(owner) || owns_database || owner == "pg_database_owner"
}

fn is_superuser(case: &Case<'_>, owner: &str) -> bool {
    case.snapshot().is_ok_and(|snapshot| {
        snapshot
            .access
            .roles
            .iter()
            .any(|role| role.name == owner && role.superuser)
    })
}

/// One role that owns much is one cause: a migration or a restore that ran as it.
fn finding(case: &Case<'_>, owner: &str, owned: &Owned<'_>) -> Finding {
    let own = case.subject.service.role_name().unwrap_or_default();
    let service = service_of(case, owner);
    let names: Vec<String> = owned
        .objects
        .iter()
        .map(|object| named(&object.key))
        .chain(owned.public.then(|| "schema public".to_owned()))
        .chain(owned.unlisted.iter().map(|owned| name(&owned.object)))
        .collect();
    let about = match (owned.objects.first(), owned.unlisted.first()) {
        (Some(object), _) => About::object(object),
        (None, Some(unlisted)) if !owned.public => about(&unlisted.object),
        _ => About::plain("schema", "public"),
    };
    let verb = if names.len() == 1 { "is" } else { "are" };
    let more = owned.unlisted.iter().map(|owned| owned.more).sum();
    let group = group(case, owner);
    let cannot: Vec<String> = (owned.objects.iter())
        .filter(|object| shut(case, &object.key).is_some())
        .map(|object| named(&object.key))
        .collect();
    let (whose, severity) = match service {
        Some(service) => (
            format!("role {} of {service}", ident(owner)),
            Severity::Error,
        ),
        None if group.is_some() => (group.clone().unwrap_or_default().0, Severity::Error),
        None if is_superuser(case, owner) => {
            let severity = match cannot.is_empty() {
                true => Severity::Warning,
                false => Severity::Error,
            };
            (format!("superuser {}", ident(owner)), severity)
        }
        None => (
            format!("role {}, which is no service's", ident(owner)),
            Severity::Error,
        ),
    };
    let sql: Vec<String> = owned
        .objects
        .iter()
        .map(|object| owner_sql(&by_then(case, object, severity), own))
        .chain(
            owned
                .public
                .then(|| "ALTER SCHEMA public OWNER TO pg_database_owner;".to_owned()),
        )
        .chain(owned.unlisted.iter().map(|owned| unlisted_sql(owned, own)))
        .collect();
    // "role x, which is no service's, which may" is hard to read.
    let joint = match whose.contains(", which ") {
        true => " and",
        false => ", which",
    };
    let mut finding = OBJECT_OWNER
        .finding(
            about,
            format!(
                "{} in database {} of {} {verb} owned by {whose}{joint} may change or drop what it owns{}",
                some_of(&names, more),
                database(case),
                case.name(),
                match cannot.is_empty() {
                    true => String::new(),
                    false => format!("; {} itself cannot use {}", case.name(), some_of(&cannot, 0)),
                }
            ),
        )
        .severity(severity)
        .saw(format!("owner {}", sql_ident(own)), format!("owner {}", sql_ident(owner)))
        .remedy(format!("In database {}: {}", database(case), sql.join(" ")));
    finding.belongs_to = service
        .map(str::to_owned)
        .or_else(|| group.map(|(_, service)| service));
    finding
}

/// An object under the name that it has when its turn comes: what is told as missing under another name is an error, and gets its name back
/// before a warning is followed.
fn by_then(case: &Case<'_>, object: &Object, severity: Severity) -> Object {
    match severity {
        Severity::Error => object.clone(),
        _ => Object {
            key: before(case.survey.renames(), &object.key),
            ..object.clone()
        },
    }
}

/// Where another service's role is a member of the owner: the owner in words, and that service.
pub(super) fn group(case: &Case<'_>, owner: &str) -> Option<(String, String)> {
    let reach = Reach::new(case).ok()?;
    let (role, service) = reach
        .members(owner)
        .into_iter()
        .find_map(|member| Some((member, service_of(case, member)?)))?;
    let words = format!(
        "role {}, which role {} of {service} is a member of",
        ident(owner),
        ident(role)
    );
    Some((words, service.to_owned()))
}

fn unlisted_sql(owned: &Elsewhere, own: &str) -> String {
    let to = sql_ident(own);
    match owned.object.on {
        On::LargeObject => format!("ALTER LARGE OBJECT {} OWNER TO {to};", owned.object.name),
        // initdb made it, and it is no service's: the catalog says with which statement it goes back.
        On::Other if !owned.object.parent.is_empty() => one_line(&owned.object.parent),
        On::Other => format!(
            "Give {} back to the superuser that initdb made (ALTER … OWNER TO).",
            one_line(&owned.object.name)
        ),
        On::Object(Kind::Schema) => format!(
            "ALTER SCHEMA {} OWNER TO {to};",
            sql_name(&owned.object.key())
        ),
        _ => format!(
            "ALTER TABLE {} OWNER TO {to};",
            sql_name(&owned.object.key())
        ),
    }
}
