//! Functions that run with their owner's rights.

use std::collections::HashSet;

use super::reach::{Holder, Reach};
use super::revoke::revoke;
use super::{database, service_of};
use crate::rules::classify::Class;
use crate::rules::text::{bare_drop_sql, ident, named, sql_ident, sql_name};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity};
use crate::snapshot::attributes::{RETURNS, SECURITY_DEFINER, SETTINGS};
use crate::snapshot::privileges::{Grant, On};
use crate::snapshot::{Gap, Kind, Object, ObjectKey};

pub(in crate::rules) const SECURITY_DEFINER_RULE: Rule = Rule {
    id: "access/security-definer",
    severity: Severity::Error,
    summary: "Are functions that run with their owner's rights safe from their callers?",
    help: include_str!("../help/access-security-definer.md"),
    scope: Scope::Database,
    check: |case| {
        let findings: Vec<Finding> = findings(case)?
            .into_iter()
            .map(|(_, finding)| finding)
            .collect();
        Ok(findings.into())
    },
};

/// The functions that this rule has a finding for.
pub(in crate::rules) fn told(case: &Case<'_>) -> HashSet<ObjectKey> {
    findings(case)
        .map(|findings| findings.into_iter().map(|(key, _)| key).collect())
        .unwrap_or_default()
}

fn findings(case: &Case<'_>) -> Result<Vec<(ObjectKey, Finding)>, Gap> {
    let reach = Reach::new(case)?;
    let snapshot = case.own()?;
    let changed: HashSet<&ObjectKey> = case
        .diff()
        .map(|diff| {
            let ours = |attribute: &str| matches!(attribute, SECURITY_DEFINER | SETTINGS);
            diff.changed
                .iter()
                .filter(|change| ours(&change.attribute))
                .map(|change| &change.key)
                .collect()
        })
        .unwrap_or_default();
    let elsewhere: HashSet<&ObjectKey> = case
        .survey
        .extras
        .iter()
        .filter(|(_, class)| !matches!(class, Class::Unknown | Class::OwnCopy(_)))
        .map(|(object, _)| &object.key)
        .collect();
    Ok(snapshot
        .objects
        .iter()
        .filter(|object| {
            object.key.kind == Kind::Function
                && object.attributes.contains_key(SECURITY_DEFINER)
                // drift/changed-object and the rules about another's objects speak of those.
                && !changed.contains(&object.key)
                && !elsewhere.contains(&object.key)
        })
        .filter_map(|object| Some((object.key.clone(), judge(case, &reach, object)?)))
        .collect())
}

/// What is wrong with one function, and the SQL that mends it.
#[derive(Default)]
struct Faults {
    severity: Option<Severity>,
    words: Vec<String>,
    sql: Vec<String>,
    belongs_to: Option<String>,
}

impl Faults {
    fn add(&mut self, severity: Severity, words: String, sql: String) {
        self.severity = self.severity.max(Some(severity));
        self.words.push(words);
        self.sql.push(sql);
    }
}

fn judge(case: &Case<'_>, reach: &Reach<'_, '_>, object: &Object) -> Option<Finding> {
    let mut faults = Faults::default();
    let name = sql_name(&object.key);
    search_path(reach, object, &name, &mut faults);
    let owner = object.owner.as_deref().unwrap_or_default();
    if reach.is_superuser(owner) && !own_is_superuser(case, reach) {
        let role = case.subject.service.role_name().unwrap_or_default();
        faults.add(
            Severity::Error,
            format!("runs as superuser {}", ident(owner)),
            format!("ALTER ROUTINE {name} OWNER TO {};", sql_ident(role)),
        );
    }
    callers(reach, object, &name, &mut faults);
    let severity = faults.severity?;
    // What the set creates, access/object-owner tells.
    let foreign = service_of(case, owner).filter(|_| is_unknown(case, object));
    if let Some(service) = foreign {
        let words = format!("is owned by that role of {service}");
        faults.add(Severity::Error, words, String::new());
        faults.belongs_to = Some(service.to_owned());
    }
    let severity = severity.max(faults.severity.unwrap_or(severity));
    faults.sql.retain(|sql| !sql.is_empty());
    let what = faults.words.join("; it ");
    if is_unknown(case, object) {
        faults.sql.push(format!(
            "It is in no set; if nobody needs it: {}",
            bare_drop_sql(object)
        ));
    }
    let mut finding = SECURITY_DEFINER_RULE
        .finding(
            About::object(object),
            format!(
                "SECURITY DEFINER {} of role {} in database {} of {} {what}",
                named(&object.key),
                ident(owner),
                database(case),
                case.name()
            ),
        )
        .severity(severity)
        .saw(
            format!(
                "a fixed search_path, an ordinary owner, EXECUTE for {} alone",
                case.name()
            ),
            format!("a function that {what}"),
        )
        .remedy(format!(
            "In database {}: {}",
            database(case),
            faults.sql.join(" ")
        ));
    finding.belongs_to = faults.belongs_to;
    Some(finding)
}

fn is_unknown(case: &Case<'_>, object: &Object) -> bool {
    case.survey
        .extras
        .iter()
        .any(|(extra, _)| extra.key == object.key)
}

/// Where the service itself is superuser, access/superuser says all there is to say.
fn own_is_superuser(case: &Case<'_>, reach: &Reach<'_, '_>) -> bool {
    case.subject
        .service
        .role_name()
        .is_some_and(|role| reach.is_superuser(role))
}

/// Without a path of its own the function finds what its caller wants it to find; so it does in a schema where others may create.
fn search_path(reach: &Reach<'_, '_>, object: &Object, name: &str, faults: &mut Faults) {
    let path = object
        .attributes
        .get(SETTINGS)
        .into_iter()
        .flat_map(|settings| settings.split("; "))
        .find_map(|setting| setting.strip_prefix("search_path="));
    let Some(path) = path else {
        faults.add(
            Severity::Warning,
            "has no fixed search_path: it finds what its caller wants it to find".to_owned(),
            format!("ALTER ROUTINE {name} SET search_path = pg_catalog, public, pg_temp;"),
        );
        return;
    };
    let schemas = super::setting::elements(path);
    if schemas.iter().any(|schema| schema == "$user") {
        faults.add(
            Severity::Warning,
            format!(
                "has the search_path {}, which depends on who runs it",
                crate::report::text::one_line(path)
            ),
            format!("ALTER ROUTINE {name} SET search_path = pg_catalog, public, pg_temp;"),
        );
    }
    for grant in &reach.privileges.grants {
        let writable = grant.object.on == On::Object(Kind::Schema)
            && schemas.contains(&grant.object.name)
            && grant
                .privileges
                .iter()
                .any(|privilege| privilege == "CREATE");
        let holder = reach.holder(grant.grantee.as_deref());
        if writable && !holder.is_welcome() {
            faults.add(
                Severity::Warning,
                format!(
                    "has schema {} in its search_path, in which {} may create",
                    ident(&grant.object.name),
                    holder.who().trim_end_matches(',')
                ),
                format!(
                    "REVOKE CREATE ON SCHEMA {} FROM {};",
                    sql_ident(&grant.object.name),
                    grant
                        .grantee
                        .as_deref()
                        .map_or_else(|| "PUBLIC".to_owned(), sql_ident)
                ),
            );
        }
    }
}

/// Who may call it. EXECUTE is PUBLIC's from the start (ALTER DEFAULT PRIVILEGES, "Notes"); a trigger's function cannot be called.
fn callers(reach: &Reach<'_, '_>, object: &Object, name: &str, faults: &mut Faults) {
    let is_trigger = object
        .attributes
        .get(RETURNS)
        .is_some_and(|returns| matches!(returns.as_str(), "trigger" | "event_trigger"));
    let open = reach
        .privileges
        .open_definers
        .iter()
        .any(|open| open.key() == object.key);
    if open && !is_trigger {
        faults.add(
            Severity::Error,
            "is executable by PUBLIC".to_owned(),
            format!("REVOKE EXECUTE ON ROUTINE {name} FROM PUBLIC;"),
        );
    }
    let granted: Vec<&Grant> = reach
        .privileges
        .grants
        .iter()
        .filter(|grant| grant.object.key() == object.key)
        .collect();
    for grant in granted {
        let holder = reach.holder(grant.grantee.as_deref());
        if let Holder::Service { .. } | Holder::Unknown(_) = holder {
            faults.add(
                holder.severity(),
                format!("is executable by {}", holder.who().trim_end_matches(',')),
                revoke(&[grant]).concat(),
            );
            faults.belongs_to = faults.belongs_to.take().or_else(|| holder.service());
        }
    }
}
