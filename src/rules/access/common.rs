//! Who was given what in the databases that belong to no service, for `bleed/common-database`.

use std::collections::BTreeMap;

use super::grant::held;
use super::reach::{Holder, Reach};
use super::revoke::revoke;
use crate::rules::bleed::COMMON_DATABASE;
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Finding, Severity};
use crate::snapshot::privileges::{DefaultGrant, Grant};
use crate::snapshot::{Common, CommonContent, Gap};

/// What one holder has there.
#[derive(Default)]
struct Given<'a> {
    owns: bool,
    creates: bool,
    grants: Vec<&'a Grant>,
    defaults: Vec<&'a DefaultGrant>,
}

/// One finding for each holder of privileges that have no business there.
///
/// # Errors
/// The gap, when it is not known which role is whose.
pub(in crate::rules) fn given<'a>(
    case: &Case<'a>,
    common: &Common,
    content: &'a CommonContent,
) -> Result<Vec<Finding>, Gap> {
    let reach = Reach::new(case)?;
    let mut by: BTreeMap<Holder<'a>, Given<'a>> = BTreeMap::new();
    let holder = |grantee: &'a Option<String>| reach.holder(grantee.as_deref());
    if let Holder::Service { .. } | Holder::Own(_) = reach.holder(Some(&content.owner)) {
        let holder = reach.holder(Some(&content.owner));
        by.entry(holder).or_default().owns = true;
    }
    for creator in &content.creators {
        by.entry(holder(creator)).or_default().creates = true;
    }
    for grant in &content.grants {
        by.entry(holder(&grant.grantee))
            .or_default()
            .grants
            .push(grant);
    }
    for default in &content.default_grants {
        by.entry(holder(&default.grantee))
            .or_default()
            .defaults
            .push(default);
    }
    let findings = by.into_iter().filter_map(|(holder, given)| {
        let severity = severity(case, &reach, holder, common, &given)?;
        Some(finding(case, holder, common, &given).severity(severity))
    });
    let is_template = common.database == "template1";
    let template0 = content.template0_owner.as_deref().filter(|_| is_template);
    Ok(findings
        .chain(template0.and_then(|owner| template0_owned(case, &reach, owner)))
        .collect())
}

/// `template0` in a service's hands: its owner may let itself in and leave something there.
fn template0_owned(case: &Case<'_>, reach: &Reach<'_, '_>, owner: &str) -> Option<Finding> {
    let holder = reach.holder(Some(owner));
    let who = match holder {
        Holder::Own(role)
            if case.subject.service.role_name() == Some(role) && !reach.is_superuser(role) =>
        {
            format!("{} of {}", holder.who(), case.name())
        }
        Holder::Service { .. } => holder.who(),
        _ => return None,
    };
    let mut finding = COMMON_DATABASE
        .finding(
            About::plain("database", "template0"),
            format!("{who} owns database template0, and may let itself in; new databases that must be clean are copies of it"),
        )
        .saw("template0 of an administrator", format!("owner {}", ident(owner)))
        .remedy("See that nothing was left in it. Then: ALTER DATABASE template0 OWNER TO CURRENT_USER;".to_owned());
    finding.belongs_to = match holder {
        Holder::Own(_) => Some(case.name().to_owned()),
        holder => holder.service(),
    };
    Some(finding)
}

/// How bad it is; `None` where it is an administrator's own affair.
fn severity(
    case: &Case<'_>,
    reach: &Reach<'_, '_>,
    holder: Holder<'_>,
    common: &Common,
    given: &Given<'_>,
) -> Option<Severity> {
    let is_template = common.database == "template1";
    match holder {
        Holder::Administrator => None,
        // A stock container's role is its superuser, and an administrator may be any role.
        Holder::Own(role)
            if reach.is_superuser(role) || case.subject.service.role_name() != Some(role) =>
        {
            None
        }
        // Tools and their readers are kept in postgres.
        Holder::Unknown(_) => is_template.then_some(Severity::Warning),
        _ if is_template && !is_public_create(holder, given) => Some(Severity::Error),
        // Everybody may connect to postgres: what initdb closed is open to all services.
        _ if given
            .grants
            .iter()
            .any(|grant| grant.object.name != "public") =>
        {
            Some(Severity::Error)
        }
        _ => Some(Severity::Warning),
    }
}

/// Whether it is nothing but what a server has that was older than PostgreSQL 15 once.
fn is_public_create(holder: Holder<'_>, given: &Given<'_>) -> bool {
    holder == Holder::Everyone
        && !given.creates
        && given.defaults.is_empty()
        && given
            .grants
            .iter()
            .all(|grant| grant.object.name == "public")
}

fn finding(case: &Case<'_>, holder: Holder<'_>, common: &Common, given: &Given<'_>) -> Finding {
    let database = ident(&common.database);
    let name = sql_ident(&common.database);
    let role = match holder {
        Holder::Own(role) | Holder::Unknown(role) | Holder::Service { grantee: role, .. } => {
            sql_ident(role)
        }
        Holder::Everyone | Holder::Administrator => "PUBLIC".to_owned(),
    };
    let mut has = Vec::new();
    let mut sql = Vec::new();
    if given.owns {
        has.push("is the owner".to_owned());
        sql.push(format!("ALTER DATABASE {name} OWNER TO CURRENT_USER;"));
    }
    if given.creates {
        has.push("may create schemas".to_owned());
        sql.push(format!("REVOKE CREATE ON DATABASE {name} FROM {role};"));
    }
    if !given.grants.is_empty() {
        has.push(format!("has {}", held(&given.grants)));
        let mut kinds: BTreeMap<_, Vec<&Grant>> = BTreeMap::new();
        for grant in &given.grants {
            let key = (grant.object.on.as_str(), &grant.grantor, &grant.privileges);
            kinds.entry(key).or_default().push(grant);
        }
        sql.extend(kinds.values().flat_map(|grants| revoke(grants)));
    }
    for default in &given.defaults {
        let list = default.privileges.join(", ");
        let objects = default.objects.to_lowercase();
        let in_schema = default.schema.as_ref().map_or_else(String::new, |schema| {
            format!(" IN SCHEMA {}", sql_ident(schema))
        });
        has.push(format!(
            "will have {list} on future {objects} of role {}",
            ident(&default.role)
        ));
        sql.push(format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {}{in_schema} REVOKE {list} ON {} FROM {role};",
            sql_ident(&default.role),
            default.objects
        ));
    }
    let has = has.join("; ");
    let why = if common.database == "template1" {
        "every new database is a copy of it"
    } else {
        "it belongs to no service"
    };
    let who = match holder {
        Holder::Own(_) => format!("{} of {}", holder.who(), case.name()),
        holder => holder.who(),
    };
    let mut finding = COMMON_DATABASE
        .finding(
            About::plain("database", &common.database),
            format!("{who} {has} in database {database}; {why}"),
        )
        .saw(
            format!("no privilege of a service in {database}"),
            format!("{} {has}", who.trim_end_matches(',')),
        )
        .remedy(format!("In database {database}: {}", sql.join(" ")));
    finding.belongs_to = match holder {
        Holder::Own(_) => Some(case.name().to_owned()),
        holder => holder.service(),
    };
    finding
}
