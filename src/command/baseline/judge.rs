//! Is this database the service's, and does it have the schema of one of the set's versions?

use std::collections::BTreeMap;

use super::Ready;
use crate::command::Loaded;
use crate::migration::guard;
use crate::migration::other_tools::{nothing_else, recognise, without};
use crate::migration::proof::{Proof, Unproven, count, judged, prove};
use crate::report::About;
use crate::report::baseline::{Difference, What};
use crate::report::text;
use crate::snapshot::attributes::OWNED_BY;
use crate::snapshot::{Change, Diff, Kind, Snapshot};

/// A database that can be adopted.
pub(super) struct Judged {
    /// The version that its catalog is that of.
    pub(super) version: i32,
    /// What there is to know.
    pub(super) notes: Vec<String>,
}

/// A database that cannot be adopted.
pub(super) struct Unfit {
    /// Why, in a sentence.
    pub(super) reason: String,
    /// The version that it was compared with, if it came to that.
    pub(super) version: Option<i32>,
    /// How it differs from that version.
    pub(super) differences: Vec<Difference>,
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        Self {
            reason,
            version: None,
            differences: Vec::new(),
        }
    }
}

/// Judges a database: asked of a read-only session first, and again in the transaction that writes.
pub(super) fn judge(
    loaded: &Loaded<'_>,
    ready: &Ready<'_>,
    snapshot: Snapshot,
    wanted: Option<i32>,
) -> Result<Judged, Unfit> {
    guarded(loaded, ready, &snapshot)?;
    let Ready { lock, set, .. } = ready;
    let service = &ready.service.service.name;
    let database = snapshot.identity.database.clone();
    let histories = recognise(&snapshot, Some(lock));
    if let Some(advice) = nothing_else(&snapshot, &histories, &ready.service.service.name) {
        return Err(Unfit::from(format!("database {database}: {advice}")));
    }
    let snapshot = without(snapshot, &histories, lock);
    if snapshot.objects.is_empty() {
        return Err(Unfit::from(format!(
            "database {database} is empty, there is nothing to adopt: dbctl migrate --service {service} makes the schema"
        )));
    }
    let proof = prove(lock, &snapshot, wanted).ok_or_else(|| {
        Unfit::from(format!(
            "{} holds no version to compare with",
            set.lock_path()
        ))
    })?;
    let (version, alike) = match proof {
        Proof::Proven { version, alike } => (version, alike),
        Proof::Unproven(unproven) => {
            let major = snapshot.server.major();
            return Err(Unfit {
                reason: reason(ready, &database, &unproven, major, wanted.is_some()),
                version: Some(unproven.version),
                differences: differences(&unproven.diff),
            });
        }
    };
    if let Some(reason) = foreign_owner(loaded, ready, &snapshot) {
        return Err(Unfit::from(reason));
    }
    let mut notes = vec![format!(
        "what is proven is the catalog: rows that the migrations up to V{version} insert or change were not looked at"
    )];
    if let (Some(newest), false) = (alike.first(), alike.is_empty()) {
        let alike: Vec<String> = alike
            .iter()
            .rev()
            .map(|version| format!("V{version}"))
            .collect();
        notes.push(format!(
            "{} and V{version} leave the same catalog, so it cannot be told which of them ran: if what came after V{newest} has not \
             run, adopt it with --version {newest} instead, and dbctl migrate --service {service} runs the rest",
            alike.join(", ")
        ));
    }
    Ok(Judged { version, notes })
}

/// What must hold whatever the catalog is like.
fn guarded(loaded: &Loaded<'_>, ready: &Ready<'_>, snapshot: &Snapshot) -> Result<(), String> {
    let (own, others) = (
        ready.service.party(),
        loaded.others(&ready.service.service.name),
    );
    let database = &snapshot.identity.database;
    let unknown = |reason: &str| format!("database {database}: cannot tell whose it is: {reason}");
    if let Some(reason) = guard::wrong_database(own, &others, database) {
        return Err(reason);
    }
    let stamp = snapshot.identity.stamp.get();
    let stamp = stamp.map_err(|gap| unknown(&gap.reason))?.as_ref();
    let history = snapshot.history.get();
    let history = history.map_err(|gap| unknown(&gap.reason))?;
    if let Some(reason) = guard::marked(own, &others, database, stamp, history) {
        return Err(reason);
    }
    if !history.rows.is_empty() {
        return Err(match stamp {
            Some(_) => format!(
                "database {database} is already under dbctl, its history holds {}: dbctl migrate --service {} goes on from there",
                text::count(history.rows.len(), "migration"),
                own.service
            ),
            None => format!(
                "database {database} has refinery's history already, with {}: dbctl migrate --service {} goes on from there and stamps it",
                text::count(history.rows.len(), "migration"),
                own.service
            ),
        });
    }
    guard::foreign_tables(own, &others, snapshot).map_or(Ok(()), Err)
}

/// How a lock comes to speak for a major version of PostgreSQL.
fn lock_on(service: &str, major: u32) -> String {
    format!(
        "run dbctl lock --service {service} with --postgres-bin and the folder of PostgreSQL {major}'s binaries (once for each version that the \
         lock is to speak for), and check it in"
    )
}

/// Why the catalog is not proven, in one sentence; the differences follow it.
fn reason(
    ready: &Ready<'_>,
    database: &str,
    unproven: &Unproven<'_>,
    major: u32,
    asked: bool,
) -> String {
    let Unproven { version, diff, .. } = unproven;
    let (set, service) = (&ready.set.name, &ready.service.service.name);
    let differences = text::count(count(diff), "difference");
    if unproven.unspoken && judged(diff) == 0 {
        return format!(
            "it cannot be shown that database {database} has the schema of V{version} of set {set}: its lock does not speak for \
             PostgreSQL {major}: {}",
            lock_on(service, major)
        );
    }
    let mut text = if asked {
        format!(
            "database {database} does not have the schema of V{version} of set {set}: {differences}"
        )
    } else {
        format!(
            "database {database} has the schema of no version of set {set}; V{version} comes nearest: {differences}"
        )
    };
    if !unproven.silent.is_empty() {
        let silent: Vec<String> = unproven
            .silent
            .iter()
            .map(|key| format!("{} {}", key.kind.words(), About::key(key).qualified()))
            .collect();
        text.push_str(&format!(
            "; the lock does not hold what these were like at V{version}, and they may differ too: {}",
            silent.join(", ")
        ));
    }
    if unproven.unspoken {
        text.push_str(&format!(
            "; the lock does not speak for PostgreSQL {major}, so no older version can be shown there: \
             {}",
            lock_on(service, major)
        ));
    }
    text.push_str(&format!(
        "; give the database what the set makes, or the set what the database has (and dbctl lock --service {service}), and run dbctl baseline \
         --service {service} again"
    ));
    if !asked {
        text.push_str("; --version compares with another version");
    }
    text
}

/// What is owned by a role that the service's role is not a member of: migrations could not change it.
fn foreign_owner(loaded: &Loaded<'_>, ready: &Ready<'_>, snapshot: &Snapshot) -> Option<String> {
    let own = &snapshot.identity.current_user;
    let role = snapshot.access.roles.iter().find(|role| role.name == *own);
    let may = |owner: &str| {
        owner == own
            || role.is_some_and(|role| {
                role.superuser || role.member_of.iter().any(|group| group == owner)
            })
    };
    let mut by_owner: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for object in &snapshot.objects {
        // An administrator may have made the extension; a serial column's sequence has the owner of its table, always.
        let apart = matches!(object.key.kind, Kind::Extension | Kind::Language)
            || object.extension.is_some()
            || (object.key.kind == Kind::Sequence && object.attributes.contains_key(OWNED_BY));
        if let Some(owner) = object
            .owner
            .as_deref()
            .filter(|owner| !apart && !may(owner))
        {
            by_owner.entry(owner).or_default().push(format!(
                "{} {}",
                object.key.kind.words(),
                About::object(object).qualified()
            ));
        }
    }
    let (owner, objects) = by_owner.first_key_value()?;
    let roles = match by_owner.len() {
        1 => String::new(),
        more => format!(
            " (and {} has other owners)",
            text::count(more - 1, "other role")
        ),
    };
    let shown: Vec<&str> = objects.iter().take(5).map(String::as_str).collect();
    let more = match objects.len().saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    // Who is a member of a superuser or of another service's role can do more than migrate.
    let mut known = snapshot.access.roles.iter();
    let is_superuser = known.any(|role| role.name == *owner && role.superuser);
    let others = loaded.others(&ready.service.service.name);
    let is_others = others.iter().any(|other| other.role == Some(owner));
    let membership = match is_superuser || is_others {
        true => String::new(),
        false => format!(", or make {own} a member of {owner}"),
    };
    Some(format!(
        "role {own} may not change what it is to migrate: {}{more} in database {} belong to role {owner}{roles}; give them to {own} \
         (ALTER … OWNER TO){membership} ({})",
        shown.join(", "),
        snapshot.identity.database,
        ready.endpoint.display(),
    ))
}

/// The differences as the report has them.
fn differences(diff: &Diff<'_>) -> Vec<Difference> {
    let whole = |what, object| Difference {
        what,
        object,
        attribute: None,
        expected: None,
        actual: None,
    };
    let change = |what, change: &Change| Difference {
        what,
        object: About::key(&change.key),
        attribute: Some(change.attribute.clone()),
        expected: (!change.expected.is_empty()).then(|| change.expected.clone()),
        actual: (!change.actual.is_empty()).then(|| change.actual.clone()),
    };
    let missing = diff
        .missing
        .iter()
        .map(|key| whole(What::Missing, About::key(key)));
    let extra = diff
        .extra
        .iter()
        .map(|object| whole(What::Extra, About::object(object)));
    let changed = diff.changed.iter().map(|one| change(What::Changed, one));
    let unknown = diff.unknown.iter().map(|one| change(What::NotJudged, one));
    missing.chain(extra).chain(changed).chain(unknown).collect()
}
