//! Who owns what the set creates.

use std::collections::{BTreeMap, HashSet};

use super::{database, service_of};
use crate::rules::text::{ident, named, owner_sql, sql_ident};
use crate::rules::{About, Case, Rule, Scope, Severity, Verdict};
use crate::snapshot::attributes::OWNED_BY;
use crate::snapshot::{Kind, Object, ObjectKey};

pub(in crate::rules) const OBJECT_OWNER: Rule = Rule {
    id: "access/object-owner",
    severity: Severity::Error,
    summary: "Is nothing that the service needs owned by another service's role?",
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
}

fn object_owner(case: &Case<'_>) -> Verdict {
    let diff = case.diff()?;
    let snapshot = case.own()?;
    // What the set does not create has findings of its own, which say whose it is.
    let extra: HashSet<&ObjectKey> = diff.extra.iter().map(|object| &object.key).collect();
    let mut by_role: BTreeMap<&str, Owned<'_>> = BTreeMap::new();
    for object in &snapshot.objects {
        // A serial column's sequence has the owner of its table, always.
        let follows = object.key.kind == Kind::Sequence && object.attributes.contains_key(OWNED_BY);
        let Some(owner) = object.owner.as_deref() else {
            continue;
        };
        if !follows && !extra.contains(&object.key) && service_of(case, owner).is_some() {
            by_role.entry(owner).or_default().objects.push(object);
        }
    }
    let public = snapshot.access.public_schema_owner.as_str();
    if service_of(case, public).is_some() {
        by_role.entry(public).or_default().public = true;
    }
    let own = case.subject.service.role_name().unwrap_or_default();
    let findings = by_role
        .into_iter()
        .filter_map(|(owner, owned)| {
            let service = service_of(case, owner)?;
            // One role that owns much is one cause: a migration or a restore that ran as it.
            let names: Vec<String> = owned
                .objects
                .iter()
                .map(|object| named(&object.key))
                .chain(owned.public.then(|| "schema public".to_owned()))
                .collect();
            let sql: Vec<String> = owned
                .objects
                .iter()
                .map(|object| owner_sql(object, own))
                .chain(
                    owned
                        .public
                        .then(|| "ALTER SCHEMA public OWNER TO pg_database_owner;".to_owned()),
                )
                .collect();
            let about = owned
                .objects
                .first()
                .map_or_else(|| About::plain("schema", "public"), |object| About::object(object));
            let verb = if names.len() == 1 { "is" } else { "are" };
            let names = names.join(", ");
            let finding = OBJECT_OWNER
                .finding(
                    about,
                    format!(
                        "{names} in database {} of {} {verb} owned by role {} of {service}, which may change or drop what it owns",
                        database(case),
                        case.name(),
                        ident(owner)
                    ),
                )
                .belongs_to(service)
                .saw(format!("owner {}", sql_ident(own)), format!("owner {}", sql_ident(owner)))
                .remedy(format!("In database {}: {}", database(case), sql.join(" ")));
            Some(finding)
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}
