//! Privileges on the service's objects that others hold.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::reach::{Holder, Reach, some_of};
use super::revoke::{revoke, taken_back};
use super::{database, routine};
use crate::rules::classify::Class;
use crate::rules::text::{bare_drop_sql, ident, named, sql_ident};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::snapshot::privileges::{Grant, On, Origin, Securable};
use crate::snapshot::{Gap, Kind, Object, ObjectKey};

pub(in crate::rules) const OBJECT_GRANT: Rule = Rule {
    id: "access/object-grant",
    severity: Severity::Error,
    summary: "Does nobody but the service hold privileges on its objects?",
    help: include_str!("../help/access-object-grant.md"),
    scope: Scope::Database,
    check: object_grant,
};

fn object_grant(case: &Case<'_>) -> Verdict {
    let reach = Reach::new(case)?;
    let mut findings: Vec<Finding> = grouped(case, &reach)
        .into_iter()
        .map(|((holder, _), grants)| {
            let expected = format!("no privilege of anyone but {}", case.name());
            finding(case, &OBJECT_GRANT, holder, &grants).saw(expected, seen(holder, &grants))
        })
        .collect();
    findings.extend(on_database(case, &reach)?);
    Ok(findings.into())
}

/// Grants that are findings, one group for each holder and kind of object: what one GRANT gave is one cause.
fn grouped<'a>(
    case: &Case<'a>,
    reach: &Reach<'_, 'a>,
) -> BTreeMap<(Holder<'a>, &'static str), Vec<&'a Grant>> {
    let extras = extras(case);
    let told = routine::told(case);
    let mut groups: BTreeMap<_, Vec<&Grant>> = BTreeMap::new();
    for grant in &reach.privileges.grants {
        let holder = reach.holder(grant.grantee.as_deref());
        let key = grant.object.key();
        // What another rule says of the whole object contains what was granted on it.
        let elsewhere = extras
            .get(&key)
            .is_some_and(|class| !matches!(class, Class::Unknown | Class::OwnCopy(_)));
        if grant.origin == Origin::Made
            && !holder.is_welcome()
            && !elsewhere
            && !told.contains(&key)
            && !is_public_schema_rule(grant, holder)
        {
            groups
                .entry((holder, grant.object.on.as_str()))
                .or_default()
                .push(grant);
        }
    }
    groups
}

/// What the lock does not know, and what it is.
fn extras<'s>(case: &Case<'s>) -> HashMap<&'s ObjectKey, &'s Class<'s>> {
    case.survey
        .extras
        .iter()
        .map(|(object, class)| (&object.key, class))
        .collect()
}

/// Whether `access/public-schema-create` speaks of it, or it is what schema `public` has in every database.
fn is_public_schema_rule(grant: &Grant, holder: Holder<'_>) -> bool {
    let public = grant.object.on == On::Object(Kind::Schema) && grant.object.name == "public";
    let create = grant
        .privileges
        .iter()
        .any(|privilege| privilege == "CREATE");
    public
        && match holder {
            Holder::Everyone => true,
            Holder::Service { .. } => create,
            _ => false,
        }
}

/// Objects in no set of which a finding about privileges speaks already: what must go, goes with all that was granted on it.
pub(in crate::rules) fn spoken(case: &Case<'_>) -> HashSet<ObjectKey> {
    let Ok(reach) = Reach::new(case) else {
        return HashSet::new();
    };
    let mut spoken: HashSet<ObjectKey> = grouped(case, &reach)
        .values()
        .flatten()
        .map(|grant| grant.object.key())
        .collect();
    spoken.extend(routine::told(case));
    spoken
}

/// What one holder has, as in `SELECT on table public.k_vars for role analytics_ro`.
pub(super) fn seen(holder: Holder<'_>, grants: &[&Grant]) -> String {
    format!(
        "{} for {}",
        held(grants),
        holder.who().trim_end_matches(',')
    )
}

/// Privileges and the objects that they are on.
pub(super) fn held(grants: &[&Grant]) -> String {
    let mut by_privileges: BTreeMap<String, Vec<&Grant>> = BTreeMap::new();
    for grant in grants {
        by_privileges
            .entry(privileges(grant))
            .or_default()
            .push(grant);
    }
    let held: Vec<String> = by_privileges
        .iter()
        .map(|(privileges, grants)| {
            let names: Vec<String> = grants.iter().map(|grant| name(&grant.object)).collect();
            let more = grants.iter().map(|grant| grant.more).sum();
            format!("{privileges} on {}", some_of(&names, more))
        })
        .collect();
    held.join("; ")
}

/// The finding for what one holder has on objects of one kind.
pub(super) fn finding(
    case: &Case<'_>,
    rule: &Rule,
    holder: Holder<'_>,
    grants: &[&Grant],
) -> Finding {
    let about = grants.first().map_or_else(
        || About::plain("database", case.subject.service.database_name()),
        |grant| about(&grant.object),
    );
    let grantor: Vec<String> = grants
        .iter()
        .filter_map(|grant| grant.grantor.as_deref())
        .map(|grantor| format!(" (granted by role {})", ident(grantor)))
        .take(1)
        .collect();
    let mut finding = rule
        .finding(
            about,
            format!(
                "{} has {} in database {} of {}{}",
                holder.who(),
                held(grants),
                database(case),
                case.name(),
                grantor.concat()
            ),
        )
        .severity(holder.severity())
        .remedy(format!(
            "In database {}: {}",
            database(case),
            remedies(case, grants).join(" ")
        ));
    finding.belongs_to = holder.service();
    finding
}

fn privileges(grant: &Grant) -> String {
    let list = grant.privileges.join(", ");
    if grant.grantable {
        format!("{list} (and may grant it)")
    } else {
        list
    }
}

/// An object with its kind, for messages.
pub(super) fn name(object: &Securable) -> String {
    let key = object.key();
    match object.on {
        On::Object(_) => named(&key),
        On::Chunk => format!(
            "chunk {}.{} of {}",
            ident(&object.schema),
            ident(&object.name),
            ident(&object.parent)
        ),
        On::LargeObject => format!("large object {}", object.name),
        On::Other => crate::report::text::one_line(&object.name),
    }
}

pub(super) fn about(object: &Securable) -> About {
    match object.on {
        On::Object(_) => About::key(&object.key()),
        on => About {
            kind: on.as_str(),
            schema: (!object.schema.is_empty()).then(|| object.schema.clone()),
            name: object.name.clone(),
        },
    }
}

/// The statements that take the privileges away; for what is in no set, those that remove it as well.
fn remedies(case: &Case<'_>, grants: &[&Grant]) -> Vec<String> {
    let mut revokes: BTreeMap<(Option<&str>, &[String]), Vec<&Grant>> = BTreeMap::new();
    for grant in grants {
        let key = (grant.grantor.as_deref(), grant.privileges.as_slice());
        revokes.entry(key).or_default().push(grant);
    }
    let mut sql: Vec<String> = revokes
        .into_values()
        .flat_map(|grants| revoke(&grants))
        .collect();
    for object in unknown(case, grants) {
        let drop = match object.key.kind {
            // Of one owner's, a snapshot lists one for all: only this one was granted on.
            Kind::LargeObject => format!("SELECT lo_unlink({});", object.key.name),
            _ => bare_drop_sql(object),
        };
        sql.push(format!("It is in no set; if nobody needs it: {drop}"));
    }
    sql
}

/// The objects of these grants that are in no set.
fn unknown<'a>(case: &Case<'a>, grants: &[&Grant]) -> Vec<&'a Object> {
    let keys: HashSet<ObjectKey> = grants.iter().map(|grant| grant.object.key()).collect();
    case.survey
        .extras
        .iter()
        .filter(|(object, class)| {
            keys.contains(&object.key) && matches!(class, Class::Unknown | Class::OwnCopy(_))
        })
        .map(|(object, _)| *object)
        .collect()
}

/// Roles of no service that may do more in the database than connect.
fn on_database(case: &Case<'_>, reach: &Reach<'_, '_>) -> Result<Vec<Finding>, Gap> {
    let access = &case.own()?.access;
    let mut by_role: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (role, privilege) in &access.database_grants {
        if privilege != "CONNECT" && matches!(reach.holder(Some(role)), Holder::Unknown(_)) {
            by_role.entry(role).or_default().push(privilege);
        }
    }
    let name = case.subject.service.database_name();
    Ok(by_role
        .into_iter()
        .map(|(role, privileges)| {
            let list = privileges.join(", ");
            OBJECT_GRANT
                .finding(
                    About::plain("database", name),
                    format!(
                        "role {}, which is no service's, has {list} on database {} of {}",
                        ident(role),
                        database(case),
                        case.name()
                    ),
                )
                .severity(Severity::Warning)
                .saw(
                    format!("no privilege of anyone but {}", case.name()),
                    format!("{list} for role {}", ident(role)),
                )
                .remedy(taken_back(
                    &list,
                    &format!("DATABASE {}", sql_ident(name)),
                    &sql_ident(role),
                    access.given.get(&(true, role.to_owned())),
                ))
        })
        .collect())
}
