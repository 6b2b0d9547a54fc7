//! Whose database is it? What must hold before the first statement of a set is sent.

use super::other_tools::{nothing_else, recognise};
use super::{Plan, Set};
use crate::snapshot::{HISTORY_TABLE, History, Lock, LockSource, Snapshot, Stamp};

/// A service as the guard knows it: its name, its set, and the catalog that the set produces, where it is known.
#[derive(Debug, Clone, Copy)]
pub struct Party<'a> {
    /// The service.
    pub service: &'a str,
    /// The name that its database must have.
    pub database: &'a str,
    /// The role that it is to log in as; the URL's, where nothing else says so.
    pub role: Option<&'a str>,
    /// Its set.
    pub set: Option<&'a Set>,
    /// Its schema lock.
    pub lock: LockSource<'a>,
    /// The way to its database, as far as it is known.
    pub way: Way<'a>,
}

/// Where a service's way leads by its own words, and where it is from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Way<'a> {
    /// The role that it logs in as.
    pub user: Option<&'a str>,
    /// The database that it names.
    pub database: Option<&'a str>,
    /// The variable that holds it.
    pub variable: Option<&'a str>,
}

impl Way<'_> {
    /// The URL, with the variable that holds it, as in `the URL in A_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        self.variable
            .map_or_else(|| "the URL".to_owned(), |name| format!("the URL in {name}"))
    }
}

/// Why the set of `own` must not be applied to the database of this snapshot; `None` when nothing speaks against it. `begun`: some
/// statements of a migration ran that is not recorded yet.
#[must_use]
pub fn refusal(
    own: Party<'_>,
    others: &[Party<'_>],
    snapshot: &Snapshot,
    begun: bool,
) -> Option<String> {
    let database = &snapshot.identity.database;
    if let Some(reason) = wrong_database(own, others, database) {
        return Some(reason);
    }
    let history = match (snapshot.identity.stamp.get(), snapshot.history.get()) {
        (Ok(stamp), Ok(history)) => {
            if let Some(reason) = marked(own, others, database, stamp.as_ref(), history) {
                return Some(reason);
            }
            history
        }
        (Err(gap), _) | (_, Err(gap)) => {
            return Some(format!(
                "database {database}: cannot tell whose it is: {}",
                gap.reason
            ));
        }
    };
    foreign_tables(own, others, snapshot).or_else(|| unadopted(own, snapshot, history, begun))
}

/// Whether the database holds relations although no migration was ever recorded in it. `begun` as for [`refusal`].
#[must_use]
pub fn unadopted(
    own: Party<'_>,
    snapshot: &Snapshot,
    history: &History,
    begun: bool,
) -> Option<String> {
    // A first migration of which some statements ran has left its tables and no history.
    match snapshot.identity.stamp.get() {
        Ok(Some(_)) if begun => None,
        _ => unknown_tables(own, snapshot, history),
    }
}

/// Whether the connection led to another database than the manifest's.
#[must_use]
pub fn wrong_database(own: Party<'_>, others: &[Party<'_>], database: &str) -> Option<String> {
    if database == own.database {
        return None;
    }
    let fact = format!(
        "{} must be migrated in database {}, but its URL leads to database {database}",
        own.service, own.database
    );
    let owner = others.iter().find(|other| other.database == database);
    Some(match owner {
        Some(other) => format!(
            "{fact}, which is the database of {}: {}",
            other.service,
            exchanged(own, other)
        ),
        None => {
            format!("{fact}: check the URL, or the manifest's `database` if {database} is right")
        }
    })
}

/// What to do about a way that names another service's database: where it logs in as that one's role too, it is that one's as a whole.
#[must_use]
pub fn exchanged(own: Party<'_>, other: &Party<'_>) -> String {
    let url = own.way.url();
    let user = own.way.user.filter(|user| other.role == Some(*user));
    let Some(user) = user.filter(|user| own.role != Some(*user)) else {
        return format!("mend {url}, so that it ends in /{}", own.database);
    };
    let both = match other.way.database == Some(own.database) {
        true => format!(
            ", and {} leads to {}: the two look exchanged",
            match other.way.variable {
                Some(name) => format!("{name}, that of {},", other.service),
                None => format!("the URL of {}", other.service),
            },
            own.database
        ),
        false => String::new(),
    };
    format!(
        "{url} looks like that of {} as a whole, for it logs in as {user}, the role of {}{both}; give {} its own, with its own host, role{} and \
         password, that ends in /{}",
        other.service,
        other.service,
        own.service,
        own.role
            .map_or_else(String::new, |role| format!(" ({role})")),
        own.database
    )
}

/// Whether the database's stamp names another service or set.
#[must_use]
pub fn foreign_stamp(own: Party<'_>, database: &str, stamp: Option<&Stamp>) -> Option<String> {
    let stamp = stamp?;
    // A set that cannot be read has no name to compare; that is told by itself.
    let other_set = own.set.filter(|set| set.name != stamp.set);
    if stamp.service == own.service && other_set.is_none() {
        return None;
    }
    if let Some(set) = other_set.filter(|_| stamp.service == own.service) {
        return Some(format!(
            "database {database} of {} was migrated with set {}, says its stamp in dbctl.identity, but the manifest gives it set {}: \
             check the manifest's `set`, and the URL",
            own.service, stamp.set, set.name
        ));
    }
    let with = other_set.map_or_else(String::new, |set| format!(" (set {})", set.name));
    Some(format!(
        "database {database} belongs to service {} (set {}), says its stamp in dbctl.identity, \
         not to {}{with}: {}",
        stamp.service,
        stamp.set,
        own.service,
        match database == own.database {
            false => "check the URL".to_owned(),
            // The name is the right one: only the server, or what was done to the database, can be wrong.
            true => format!(
                "check the URL's host and port, and the manifest's `database`; if they are right, this is a database of {} that was renamed to \
                 {database}, or was restored into it: give both what is theirs",
                stamp.service
            ),
        }
    ))
}

/// What stamp and history say against the run.
#[must_use]
pub fn marked(
    own: Party<'_>,
    others: &[Party<'_>],
    database: &str,
    stamp: Option<&Stamp>,
    history: &History,
) -> Option<String> {
    if let Some(reason) = foreign_stamp(own, database, stamp) {
        return Some(reason);
    }
    if let Some(reason) = foreign_history(own, others, database, history) {
        return Some(reason);
    }
    let set = own.set?;
    let plan = Plan::new(set, history);
    if let Some(ahead) = &plan.ahead {
        return Some(format!("database {database}: {}", ahead.told(own.service)));
    }
    let problems = plan.told(own.service);
    (!problems.is_empty()).then(|| {
        format!(
            "database {database}: its history does not fit set {}: {}",
            set.name,
            problems.join("; ")
        )
    })
}

/// Whether the history holds a migration of another service that this one does not have.
#[must_use]
pub fn foreign_history(
    own: Party<'_>,
    others: &[Party<'_>],
    database: &str,
    history: &History,
) -> Option<String> {
    let set = own.set?;
    for row in &history.rows {
        // A checksum takes longer to compare than a name.
        let mut migrations = set.migrations.iter();
        let own_too = set.migrations.iter().any(|migration| {
            i64::from(migration.version) == row.version && migration.name == row.name
        }) || migrations.any(|migration| migration.has_checksum(&row.checksum));
        if own_too {
            continue;
        }
        let whose = others.iter().find(|other| {
            other.set.is_some_and(|set| {
                set.migrations.iter().any(|migration| {
                    migration.name == row.name && migration.has_checksum(&row.checksum)
                })
            })
        });
        if let Some(other) = whose {
            return Some(format!(
                "database {database} holds the history of {}: {} has its {}; \
                 the set of {} is not applied to it: check the URL and the service's set",
                other.service,
                HISTORY_TABLE.1,
                row.stem(),
                own.service
            ));
        }
    }
    None
}

/// Relations that are another service's and not this one's.
#[must_use]
pub fn foreign_tables(own: Party<'_>, others: &[Party<'_>], snapshot: &Snapshot) -> Option<String> {
    // Without a lock of its own it is not known which of the others' names this service uses as well, as both indexers use `vars`.
    let lock = own.lock.get()?;
    let mut found = Vec::new();
    for object in snapshot
        .objects
        .iter()
        .filter(|object| object.key.kind.is_relation())
    {
        if has_relation(lock, &object.key.name) {
            continue;
        }
        let owner = others.iter().find(|other| {
            other
                .lock
                .get()
                .is_some_and(|lock| has_relation(lock, &object.key.name))
        });
        if let Some(other) = owner {
            found.push(format!(
                "{}.{} of {}",
                object.key.schema, object.key.name, other.service
            ));
        }
    }
    (!found.is_empty()).then(|| {
        format!(
            "database {} holds tables of another service: {}; the set of {} is not applied to it: \
             check the URL, or move these tables away first (dbctl verify lists them)",
            snapshot.identity.database,
            found.join(", "),
            own.service
        )
    })
}

fn has_relation(lock: &Lock, name: &str) -> bool {
    lock.objects
        .keys()
        .any(|key| key.kind.is_relation() && key.name == name)
}

/// Relations in a database that no migration was ever recorded in.
fn unknown_tables(own: Party<'_>, snapshot: &Snapshot, history: &History) -> Option<String> {
    if !history.rows.is_empty() {
        return None;
    }
    let mut tables: Vec<String> = snapshot
        .relations()
        .map(|object| format!("{}.{}", object.key.schema, object.key.name))
        .collect();
    let more = tables.len().saturating_sub(5);
    tables.truncate(5);
    let histories = recognise(snapshot, own.lock.get());
    if let Some(advice) = nothing_else(snapshot, &histories, own.service) {
        return Some(format!(
            "database {} has no migration history of dbctl's but is not empty: {advice}",
            snapshot.identity.database
        ));
    }
    let adopt = format!(
        "dbctl baseline --service {} adopts it after proving the schema",
        own.service
    );
    let advice = match histories.as_slice() {
        [] => format!("give it an empty database, or, if this is its own schema, {adopt}"),
        _ => {
            let histories: Vec<String> = histories.iter().map(ToString::to_string).collect();
            format!("it holds {}: {adopt}", histories.join(" and "))
        }
    };
    (!tables.is_empty()).then(|| {
        format!(
            "database {} has no migration history but is not empty: {}{}; the set of {} is not applied to it: {advice}",
            snapshot.identity.database,
            tables.join(", "),
            if more > 0 { format!(" and {more} more") } else { String::new() },
            own.service
        )
    })
}
