//! What the service's role can become.

use std::collections::BTreeMap;

use super::login::proven_elsewhere;
use super::reach::Reach;
use super::role::own_role;
use super::{database, service_of};
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::snapshot::privileges::{Given, Membership, Privileges};

pub(in crate::rules) const MEMBERSHIP: Rule = Rule {
    id: "access/membership",
    severity: Severity::Error,
    summary: "Can the service's role become nobody else's, and nobody else the service's?",
    help: include_str!("../help/access-membership.md"),
    scope: Scope::Database,
    check: membership,
};

/// One way from a role to another that it is a member of, and what the whole way is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Options {
    inherit: bool,
    set: bool,
    admin: bool,
}

impl Options {
    /// A way is as good as its weakest link; ADMIN on a link opens it whatever the other options are. Who has become a role has what that
    /// one inherits, so INHERIT counts behind SET and ADMIN; SET counts for who logged in alone (SET ROLE, "Description").
    const fn and(self, link: &Membership) -> Self {
        Self {
            inherit: self.is_usable() && link.inherit,
            set: self.set && link.set,
            admin: self.admin && (link.set || link.admin)
                || (self.inherit || self.set) && link.admin,
        }
    }

    const fn or(self, other: Self) -> Self {
        Self {
            inherit: self.inherit || other.inherit,
            set: self.set || other.set,
            admin: self.admin || other.admin,
        }
    }

    const fn is_usable(self) -> bool {
        self.inherit || self.set || self.admin
    }

    fn words(self) -> String {
        let ways: Vec<&str> = [
            (self.set, "by SET ROLE"),
            (self.inherit, "by INHERIT"),
            (
                self.admin && !self.set,
                "once it has given itself the membership (ADMIN)",
            ),
        ]
        .into_iter()
        .filter_map(|(is, words)| is.then_some(words))
        .collect();
        if ways.is_empty() {
            "cannot use it: all options are off".to_owned()
        } else {
            format!("can act as it, {}", ways.join(" and "))
        }
    }
}

/// A role that can be reached: the options of all ways together, and the last link of one.
#[derive(Debug, Clone)]
pub(super) struct Reached<'a> {
    options: Options,
    /// The link that leads there: the group, and its member.
    link: (&'a str, &'a str),
    /// Who gave it.
    given: &'a Given,
}

/// Everything that a role is a member of, directly or not.
type Reachable<'a> = BTreeMap<&'a str, Reached<'a>>;

/// Finds it.
pub(super) fn reachable<'a>(privileges: &'a Privileges, role: &'a str) -> Reachable<'a> {
    let mut links: BTreeMap<&str, Vec<&'a Membership>> = BTreeMap::new();
    for link in &privileges.memberships {
        links.entry(link.member.as_str()).or_default().push(link);
    }
    let mut found: Reachable<'a> = BTreeMap::new();
    let start = Options {
        inherit: true,
        set: true,
        admin: false,
    };
    let mut waiting = vec![(role, start)];
    while let Some((member, options)) = waiting.pop() {
        for link in links.get(member).into_iter().flatten() {
            let group = link.group.as_str();
            let options = options.and(link);
            let known = found.get(group).map(|reached| reached.options);
            let all = known.map_or(options, |known| known.or(options));
            if known == Some(all) || group == role {
                continue;
            }
            let reached = Reached {
                options: all,
                link: (group, member),
                given: &link.given,
            };
            found.insert(group, reached);
            waiting.push((group, all));
        }
    }
    found
}

/// The roles in between, from the role on: followed when they are asked for, for each of thousands may have as many.
fn between<'a>(reachable: &Reachable<'a>, reached: &Reached<'a>) -> Vec<&'a str> {
    let mut between = Vec::new();
    let mut last = reached;
    // PostgreSQL allows no circle.
    while let Some(before) = reachable.get(last.link.1)
        && between.len() < reachable.len()
    {
        between.push(last.link.1);
        last = before;
    }
    between.reverse();
    between
}

fn membership(case: &Case<'_>) -> Verdict {
    let reach = Reach::new(case)?;
    let role = own_role(case, &case.own()?.access)?;
    // A superuser is a member of everything by definition, and has its own finding.
    if role.superuser {
        return Ok(Vec::new().into());
    }
    let reachable = reachable(reach.privileges, &role.name);
    let mut findings: Vec<Finding> = reachable
        .iter()
        .filter_map(|(group, reached)| {
            let service = service_of(case, group)?;
            Some(foreign(
                case,
                &role.name,
                group,
                (&reachable, reached),
                service,
            ))
        })
        .collect();
    let powerful: Vec<(&str, &Reached<'_>)> = reachable
        .iter()
        .filter(|(group, reached)| {
            service_of(case, group).is_none()
                && reached.options.is_usable()
                && !powers(reach.privileges, group).is_empty()
                // dbctl asks for it where it may not read the server's settings; it shows nothing else.
                && group != &&"pg_read_all_settings"
                // pg_monitor brings others along.
                && !between(&reachable, reached).iter().any(|between| between.starts_with("pg_"))
        })
        .map(|(group, reached)| (*group, reached))
        .collect();
    findings.extend(power(case, &reach, &role.name, (&reachable, &powerful)));
    findings.extend(members(case, &reach, &role.name));
    Ok(findings.into())
}

/// Roles of no service that can become the service's. What another service's role can become is said of that one.
fn members<'a>(case: &Case<'a>, reach: &Reach<'_, 'a>, own: &str) -> Vec<Finding> {
    let is_told = |role: &str| {
        reach.is_own(role) || reach.is_superuser(role) || service_of(case, role).is_some()
    };
    let roles = reach.privileges.roles.iter();
    roles
        .filter(|role| role.login && !is_told(&role.name))
        .filter_map(|role| {
            let reachable = reachable(reach.privileges, &role.name);
            let reached = reachable.get(own)?;
            let open = reached.options.is_usable()
                && !between(&reachable, reached)
                    .iter()
                    .any(|between| service_of(case, between).is_some());
            open.then(|| member(case, own, &role.name, (&reachable, reached)))
        })
        .collect()
}

fn member(
    case: &Case<'_>,
    own: &str,
    role: &str,
    (reachable, reached): (&Reachable<'_>, &Reached<'_>),
) -> Finding {
    let through = through(reachable, reached);
    let way = format!("{}{through}", ident(own));
    MEMBERSHIP
        .finding(
            About::plain("role", role),
            format!(
                "role {}, which is no service's, is a member of role {} of {}{} and {}",
                ident(role),
                ident(own),
                case.name(),
                through,
                reached.options.words()
            ),
        )
        .severity(Severity::Warning)
        .saw(
            format!("no member of {} that may log in", ident(own)),
            format!("role {} is a member of {way}", ident(role)),
        )
        .remedy(revoke(reached))
}

fn foreign(
    case: &Case<'_>,
    role: &str,
    group: &str,
    (reachable, reached): (&Reachable<'_>, &Reached<'_>),
    service: &str,
) -> Finding {
    let through = through(reachable, reached);
    MEMBERSHIP
        .finding(
            About::plain("role", role),
            format!(
                "role {} of {} is a member of role {} of {service}{} and {}",
                ident(role),
                case.name(),
                ident(group),
                through,
                reached.options.words()
            ),
        )
        .severity(if reached.options.is_usable() {
            Severity::Error
        } else {
            Severity::Warning
        })
        .belongs_to(service)
        .saw(
            format!("no membership in a role of {service}"),
            format!(
                "member of {}{}{}",
                ident(group),
                through,
                proven_elsewhere(case)
            ),
        )
        .remedy(revoke(reached))
}

/// The roles in between.
fn through<'a>(reachable: &Reachable<'a>, reached: &Reached<'a>) -> String {
    const SHOWN: usize = 10;
    let between = between(reachable, reached);
    if between.is_empty() {
        return String::new();
    }
    let mut names: Vec<String> = between.iter().take(SHOWN).map(|name| ident(name)).collect();
    if between.len() > SHOWN {
        names.push(format!("{} more", between.len() - SHOWN));
    }
    format!(" through {}", names.join(", "))
}

fn power(
    case: &Case<'_>,
    reach: &Reach<'_, '_>,
    role: &str,
    (reachable, powerful): (&Reachable<'_>, &[(&str, &Reached<'_>)]),
) -> Option<Finding> {
    if powerful.is_empty() {
        return None;
    }
    let names: Vec<String> = powerful
        .iter()
        .map(|(name, reached)| {
            let powers = powers(reach.privileges, name);
            let with = if name.starts_with("pg_") {
                String::new()
            } else if powers == "SUPERUSER" {
                "superuser ".to_owned()
            } else {
                format!("{powers} role ")
            };
            format!("{with}{}{}", ident(name), through(reachable, reached))
        })
        .collect();
    let revokes: Vec<String> = powerful
        .iter()
        .map(|(_, reached)| revoke(reached))
        .collect();
    let finding = MEMBERSHIP
        .finding(
            About::plain("role", role),
            format!(
                "role {} of {} is a member of {}, whose power does not end at database {}",
                ident(role),
                case.name(),
                names.join(", "),
                database(case)
            ),
        )
        .saw(
            "no membership in a role of the server",
            format!("member of {}", names.join(", ")),
        )
        .remedy(revokes.join(" "));
    Some(finding)
}

/// What makes a role powerful: its attributes, or that the server itself brings it. `pg_database_owner` follows ownership.
fn powers(privileges: &Privileges, name: &str) -> String {
    if name.starts_with("pg_") && name != "pg_database_owner" {
        return "a role of the server".to_owned();
    }
    let Some(role) = privileges.roles.iter().find(|role| role.name == name) else {
        return String::new();
    };
    if role.is_superuser() {
        "SUPERUSER".to_owned()
    } else {
        role.powers.join(", ")
    }
}

/// Takes the link away that leads to the role.
pub(super) fn revoke(reached: &Reached<'_>) -> String {
    let (group, member) = reached.link;
    let plain = format!("REVOKE {} FROM {}", sql_ident(group), sql_ident(member));
    let own = (!reached.given.by_others_alone).then(|| format!("{plain};"));
    let others = (reached.given.grantors.iter())
        .map(|grantor| format!("{plain} GRANTED BY {} CASCADE;", sql_ident(grantor)));
    own.into_iter().chain(others).collect::<Vec<_>>().join(" ")
}
