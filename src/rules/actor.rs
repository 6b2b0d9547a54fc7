//! As whom the statements of a remedy run, where the service's own role may not: they are copied from top to bottom.

use std::collections::{HashMap, HashSet};

use super::text::ident;
use super::{Case, Finding};
use crate::report::About;
use crate::report::verify::Found;
use crate::snapshot::{ObjectKey, Snapshot};

/// Rules whose remedies concern other roles, the server, or what no ordinary role owns.
const SUPERUSERS: [&str; 15] = [
    "access/foreign-role",
    "access/look-alike-role",
    "access/membership",
    "access/object-owner",
    "access/owns-elsewhere",
    "access/parameter-grant",
    "access/shared-group",
    "access/system-grant",
    "bleed/attached-to-extension",
    "bleed/common-database",
    "drift/system-object",
    "link/replication-origin",
    "link/replication-slot",
    "link/server-setting",
    "link/subscription",
];

/// Rules whose remedies are the affair of the database's owner.
const OF_DATABASE: [&str; 4] = [
    "access/foreign-connect",
    "access/public-connect",
    "access/public-database",
    "access/template-database",
];

/// Says of the remedies of one service who runs them.
pub(super) fn tell(case: &Case<'_>, findings: &mut [Found]) {
    let (Ok(snapshot), Some(own)) = (case.snapshot(), case.subject.service.role_name()) else {
        return;
    };
    let role = snapshot.access.roles.iter().find(|role| role.name == own);
    if findings.is_empty() || role.is_some_and(|role| role.superuser) {
        return;
    }
    let owners = Owners::new(case, snapshot);
    let is_own = |owner: &str| {
        owner == own || role.is_some_and(|role| role.member_of.iter().any(|name| name == owner))
    };
    // As they are shown: the most severe first.
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|at| {
        findings
            .get(*at)
            .map(|found| std::cmp::Reverse(found.finding.severity))
    });
    let mut given_back: Vec<String> = Vec::new();
    for at in order {
        let Some(Found { finding, .. }) = findings.get_mut(at) else {
            continue;
        };
        if finding.rule == "access/object-owner" {
            given_back.push(finding.actual.clone());
        }
        if !has_sql(&finding.remedy) {
            continue;
        }
        let is_anothers = finding.rule == "access/default-privileges"
            && !finding
                .remedy
                .contains(&format!(" FOR ROLE {} ", super::text::sql_ident(own)));
        let whom = if is_anothers || SUPERUSERS.contains(&finding.rule) {
            "As superuser: ".to_owned()
        } else {
            let owner = match OF_DATABASE.contains(&finding.rule) {
                true => Some(snapshot.access.database_owner.as_str()),
                false => owners.of(finding),
            };
            let Some(owner) = owner.filter(|owner| !is_own(owner)) else {
                continue;
            };
            // What is in no set is given back to nobody.
            if !owners.is_extra(finding)
                && given_back.contains(&format!("owner {}", super::text::sql_ident(owner)))
            {
                continue;
            }
            let is_superuser = |name: &str| {
                let mut roles = snapshot.access.roles.iter();
                roles.any(|role| role.name == name && role.superuser)
            };
            match is_superuser(owner) {
                true => "As superuser: ".to_owned(),
                false => format!("As its owner, role {}, or as superuser: ", ident(owner)),
            }
        };
        finding.remedy.insert_str(0, &whom);
    }
}

/// Whether there is a statement to copy.
fn has_sql(remedy: &str) -> bool {
    const VERBS: [&str; 7] = [
        "ALTER ",
        "CREATE ",
        "DROP ",
        "GRANT ",
        "REVOKE ",
        "REASSIGN ",
        "SELECT ",
    ];
    remedy.contains(';') && VERBS.iter().any(|verb| remedy.contains(verb))
}

/// Kind, schema and name.
type Place = (&'static str, Option<String>, String);

/// Who owns what the findings are about; of what is missing, who owns the table that it belongs to.
struct Owners<'a> {
    snapshot: &'a Snapshot,
    of_relation: HashMap<(&'a str, &'a str), &'a str>,
    extras: HashSet<Place>,
    keys: HashMap<Place, (&'a ObjectKey, Option<&'a str>)>,
}

impl<'a> Owners<'a> {
    fn new(case: &Case<'a>, snapshot: &'a Snapshot) -> Self {
        let mut owners = Self {
            snapshot,
            of_relation: HashMap::new(),
            extras: case
                .survey
                .extras
                .iter()
                .map(|(object, _)| place(&object.key))
                .collect(),
            keys: HashMap::new(),
        };
        let there = snapshot
            .objects
            .iter()
            .map(|object| (&object.key, object.owner.as_deref()));
        let lock = case.lock().ok();
        let meant = lock
            .iter()
            .flat_map(|lock| lock.objects.keys())
            .map(|key| (key, None));
        for (key, owner) in meant.chain(there) {
            if let (true, Some(owner)) = (key.kind.is_relation(), owner) {
                owners.of_relation.insert((&key.schema, &key.name), owner);
            }
            owners.keys.insert(place(key), (key, owner));
        }
        // What is told as missing, and is there under another name.
        for rename in case.survey.renames() {
            if let Some(found) = owners.keys.get(&place(&rename.is)).copied() {
                owners.keys.insert(place(&rename.was), found);
                if let (true, Some(owner)) = (rename.was.kind.is_relation(), found.1) {
                    let was = (rename.was.schema.as_str(), rename.was.name.as_str());
                    owners.of_relation.insert(was, owner);
                }
            }
        }
        owners
    }

    fn is_extra(&self, finding: &Finding) -> bool {
        self.extras.contains(&about(finding))
    }

    fn of(&self, finding: &Finding) -> Option<&'a str> {
        let (key, owner) = self.keys.get(&about(finding))?;
        let owner = match key.kind.is_part() {
            true => self
                .of_relation
                .get(&(key.schema.as_str(), key.parent.as_str()))
                .copied(),
            false => *owner,
        }?;
        Some(match owner {
            "pg_database_owner" => &self.snapshot.access.database_owner,
            owner => owner,
        })
    }
}

/// What a finding about an object has to say of it.
fn place(key: &ObjectKey) -> Place {
    let About { kind, schema, name } = About::key(key);
    (kind, schema, name)
}

fn about(finding: &Finding) -> Place {
    let About { kind, schema, name } = finding.about.clone();
    (kind, schema, name)
}
