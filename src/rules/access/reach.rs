//! Who a grant reaches: PUBLIC, the service itself, an administrator, another service (itself or as a member of a group), or nobody
//! that the manifest knows.

use std::collections::{BTreeMap, BTreeSet};

use super::service_of;
use crate::rules::text::ident;
use crate::rules::{Case, Severity};
use crate::snapshot::privileges::Membership;
use crate::snapshot::{Gap, Privileges};

/// Who holds a privilege.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holder<'a> {
    /// PUBLIC.
    Everyone,
    /// The service itself: its role, the owner of its database, the role that its URL logs in as.
    Own(&'a str),
    /// A superuser, or one of the server's own roles.
    Administrator,
    /// A role of another service, itself or as a member of the grantee.
    Service {
        grantee: &'a str,
        role: &'a str,
        service: &'a str,
    },
    /// A role of no service.
    Unknown(&'a str),
}

impl Holder<'_> {
    /// Whether it is nobody's business that they hold it.
    pub(super) const fn is_welcome(&self) -> bool {
        matches!(self, Self::Own(_) | Self::Administrator)
    }

    /// How bad it is that they hold a privilege on what is this service's.
    pub(super) const fn severity(&self) -> Severity {
        match self {
            Self::Unknown(_) => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// The other service, if it is one.
    pub(super) fn service(&self) -> Option<String> {
        match self {
            Self::Service { service, .. } => Some((*service).to_owned()),
            _ => None,
        }
    }

    /// The holder as the subject of a sentence.
    pub(super) fn who(&self) -> String {
        match self {
            Self::Everyone => "PUBLIC".to_owned(),
            Self::Own(role) => format!("role {}", ident(role)),
            Self::Administrator => "an administrator".to_owned(),
            Self::Service {
                grantee,
                role,
                service,
            } if grantee == role => format!("role {} of {service}", ident(role)),
            Self::Service {
                grantee,
                role,
                service,
            } => format!(
                "role {}, which role {} of {service} is a member of,",
                ident(grantee),
                ident(role)
            ),
            Self::Unknown(role) => format!("role {}, which is no service's,", ident(role)),
        }
    }
}

/// The roles of the server as one service sees them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach<'c, 'a> {
    case: &'c Case<'a>,
    pub(super) privileges: &'a Privileges,
}

impl<'c, 'a> Reach<'c, 'a> {
    /// # Errors
    /// The gap, when privileges could not be read or the database is not the service's own.
    pub(super) fn new(case: &'c Case<'a>) -> Result<Self, Gap> {
        let privileges = case.own()?.privileges.get()?;
        Ok(Self { case, privileges })
    }

    /// Who a grant to this role reaches; `None` is PUBLIC.
    pub(super) fn holder(&self, grantee: Option<&'a str>) -> Holder<'a> {
        let Some(grantee) = grantee else {
            return Holder::Everyone;
        };
        if let Some(service) = service_of(self.case, grantee) {
            return Holder::Service {
                grantee,
                role: grantee,
                service,
            };
        }
        if self.is_own(grantee) {
            return Holder::Own(grantee);
        }
        if self.is_superuser(grantee) {
            return Holder::Administrator;
        }
        let members = self.members(grantee);
        let foreign = members
            .iter()
            .find_map(|role| Some((*role, service_of(self.case, role)?)));
        if let Some((role, service)) = foreign {
            return Holder::Service {
                grantee,
                role,
                service,
            };
        }
        if grantee.starts_with("pg_") {
            return Holder::Administrator;
        }
        // A group that only the service itself can use is its own affair.
        if !members.is_empty() && members.iter().all(|member| self.is_own(member)) {
            return Holder::Own(grantee);
        }
        Holder::Unknown(grantee)
    }

    /// Whether a role is the service itself.
    pub(super) fn is_own(&self, role: &str) -> bool {
        let service = self.case.subject.service;
        let of_admin = service
            .admin
            .as_ref()
            .is_some_and(|admin| admin.value.user == role);
        let snapshot = self.case.snapshot().ok();
        service.role_name() == Some(role)
            || of_admin
            || snapshot.is_some_and(|snapshot| {
                [
                    &snapshot.access.database_owner,
                    &snapshot.identity.session_user,
                ]
                .into_iter()
                .any(|own| own == role)
            })
            || role == "pg_database_owner"
    }

    pub(super) fn is_superuser(&self, role: &str) -> bool {
        self.privileges
            .roles
            .iter()
            .any(|known| known.name == role && known.is_superuser())
    }

    /// The roles that can use a role as its members, directly or not. A superuser is a member of everything by definition and is
    /// left out: access/superuser speaks of it.
    pub(super) fn members(&self, group: &str) -> Vec<&'a str> {
        self.closure(
            group,
            |membership| membership.group.as_str(),
            |membership| membership.member.as_str(),
        )
        .into_iter()
        .collect()
    }

    /// The roles that a role can use as their member, directly or not: the same links the other way, for who asks about many groups.
    pub(super) fn groups(&self, member: &str) -> BTreeSet<&'a str> {
        self.closure(
            member,
            |membership| membership.member.as_str(),
            |membership| membership.group.as_str(),
        )
    }

    /// All that the usable links lead to from a role, never through a superuser.
    fn closure(
        &self,
        role: &str,
        from: fn(&Membership) -> &str,
        to: fn(&Membership) -> &str,
    ) -> BTreeSet<&'a str> {
        let roles = self.privileges.roles.iter();
        let superusers: BTreeSet<&str> = roles
            .filter(|role| role.is_superuser())
            .map(|role| role.name.as_str())
            .collect();
        let mut links: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
        for membership in &self.privileges.memberships {
            if membership.inherit || membership.set || membership.admin {
                links
                    .entry(from(membership))
                    .or_default()
                    .push(to(membership));
            }
        }
        let mut found: BTreeSet<&'a str> = BTreeSet::new();
        let mut ahead = vec![role];
        while let Some(role) = ahead.pop() {
            for next in links.get(role).into_iter().flatten() {
                if !superusers.contains(next) && found.insert(next) {
                    ahead.push(next);
                }
            }
        }
        found
    }
}

/// The first names of a list, and how many more there are.
pub(super) fn some_of(names: &[String], more: u64) -> String {
    const SHOWN: usize = 10;
    let hidden = names.len().saturating_sub(SHOWN) as u64 + more;
    let list = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if hidden == 0 {
        list
    } else {
        format!("{list} and {hidden} more")
    }
}
