//! Rules of group `identity`: am I where I think I am, and am I there alone?

mod address;
mod left_over;
mod role;
mod sharing;

use std::collections::BTreeSet;

pub(in crate::rules) use role::share_a_role;

use super::survey::{Place, distinct_tables};
use super::text::{ident, sql_ident, sql_literal};
use super::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::manifest::{Managed, Service, Source, Target};
use crate::migration::CREATE_STAMP;
use crate::snapshot::{Identity, Snapshot};

/// The rules of this group.
pub(super) const RULES: &[Rule] = &[
    WRONG_DATABASE,
    FOREIGN_SCHEMA,
    FOREIGN_STAMP,
    sharing::SHARED_DATABASE,
    sharing::SHARED_SERVER,
    sharing::COPY,
    role::SHARED_ROLE,
    left_over::FOREIGN_DATABASE,
    role::WRONG_ROLE,
    address::POOLER,
    address::SEVERAL_HOSTS,
    address::SMUGGLED_SETTING,
    left_over::LOOK_ALIKE_DATABASE,
    STANDBY,
    UNSTAMPED,
];

const WRONG_DATABASE: Rule = Rule {
    id: "identity/wrong-database",
    severity: Severity::Error,
    summary: "Does the connection end in the database that the manifest names?",
    help: include_str!("../help/identity-wrong-database.md"),
    scope: Scope::Address,
    check: wrong_database,
};

fn wrong_database(case: &Case<'_>) -> Verdict {
    let owner = |name: &str| {
        case.others().find(|other| {
            let database = other.service.database.as_ref();
            database.is_some_and(|it| it.value == name)
        })
    };
    // Where nobody lets the service in, a URL that names another service's database is wrong all the same.
    let (actual, says) = match (case.snapshot(), case.elsewhere()) {
        (Ok(snapshot), _) => (snapshot.identity.database.as_str(), "connection ends in"),
        (Err(_), Some(named)) if owner(named).is_some() => (named, "URL names"),
        (Err(_), _) if case.system.offline => return Ok(Vec::new().into()),
        (Err(gap), _) => return Err(gap),
    };
    let expected = case.subject.service.database_name();
    if actual == expected {
        return Ok(Vec::new().into());
    }
    let owner = owner(actual);
    let whose = owner.map_or_else(String::new, |owner| {
        format!(", which is the database of {}", owner.service.name)
    });
    let mut finding = WRONG_DATABASE
        .finding(
            About::plain("database", actual),
            format!(
                "{} expects database {} but its {says} database {}{whose}",
                case.name(),
                ident(expected),
                ident(actual)
            ),
        )
        .saw(
            format!("database {}", ident(expected)),
            format!("database {}", ident(actual)),
        )
        .remedy(remedy(case, owner.map(|owner| owner.service)))
        .evidence(evidence(case));
    finding.belongs_to = owner.map(|owner| owner.service.name.clone());
    Ok(vec![finding].into())
}

/// What a finding about the way in rests on.
const fn evidence(case: &Case<'_>) -> &'static str {
    if case.system.offline {
        "manifest"
    } else {
        "identity"
    }
}

/// What to do about a URL that names another database: where it logs in as that one's owner too, it is the other's as a whole.
fn remedy(case: &Case<'_>, owner: Option<&Service>) -> String {
    let own = case.subject.service;
    let expected = own.database_name();
    let variable = match &own.target {
        Target::Database(endpoint) => match &endpoint.source {
            Source::Env(name) | Source::DotEnv(name) => Some(name),
            _ => None,
        },
        _ => None,
    };
    let url = variable.map_or_else(
        || format!("the URL of {}", own.name),
        |name| format!("{name}, which holds the URL of {},", own.name),
    );
    let user = own.endpoint().map(|endpoint| endpoint.user.as_str());
    let whole = owner.filter(|owner| user == owner.role_name() && user != own.role_name());
    match (whole, user) {
        (Some(owner), Some(user)) => format!(
            "Set {url} to its own, with its own host, role and password, that ends in /{expected}: it looks like that of {} as a whole, for it \
             logs in as {user} too. Nothing was written.",
            owner.name
        ),
        _ => format!(
            "Set {url} to one that ends in /{expected}; `dbctl services` shows where it comes from. Nothing was written."
        ),
    }
}

const FOREIGN_SCHEMA: Rule = Rule {
    id: "identity/foreign-schema",
    severity: Severity::Error,
    summary: "Does the database hold this service's tables, and not those of another one?",
    help: include_str!("../help/identity-foreign-schema.md"),
    scope: Scope::Database,
    check: foreign_schema,
};

fn foreign_schema(case: &Case<'_>) -> Verdict {
    let snapshot = case.snapshot()?;
    let lock = case.lock()?;
    let Place::ForeignSchema(other) = case.survey.place()? else {
        return Ok(Vec::new().into());
    };
    let there: BTreeSet<&str> = snapshot
        .objects
        .iter()
        .filter(|object| object.key.kind.is_relation())
        .map(|object| object.key.name.as_str())
        .collect();
    let tables = distinct_tables(case.system, lock);
    let own = tables.intersection(&there).count();
    let database = &snapshot.identity.database;
    let foreign: Vec<&str> = other
        .lock
        .known()
        .map(|lock| distinct_tables(case.system, lock))
        .unwrap_or_default()
        .intersection(&there)
        .copied()
        .collect();
    let theirs = other.lock.known().map_or("", |lock| &lock.set);
    let finding = FOREIGN_SCHEMA
        .finding(
            About::plain("database", database),
            format!(
                "database {} of {} holds the tables of set {}, which is {}'s, and {own} of the {} tables of its own set {}: {}",
                ident(database),
                case.name(),
                theirs,
                other.service.name,
                tables.len(),
                lock.set,
                foreign.iter().map(|name| ident(name)).collect::<Vec<_>>().join(", ")
            ),
        )
        .belongs_to(&other.service.name)
        .saw(
            format!("the tables of set {}", lock.set),
            format!("the tables of set {theirs}"),
        )
        .remedy(format!(
            "Either the URL of {0} or the manifest's `set` of {0} is wrong; `dbctl services` shows both.{1} If `set` is right, find out whether two databases were exchanged or {2} was cloned (CREATE DATABASE … TEMPLATE): point the service at its own database, or restore it from a backup. Do not migrate this one.",
            case.name(),
            stamped(snapshot),
            ident(database)
        ));
    Ok(vec![finding].into())
}

/// What dbctl has written down of the database, as a sentence.
fn stamped(snapshot: &Snapshot) -> String {
    match snapshot.identity.stamp.get() {
        Ok(Some(stamp)) => format!(
            " dbctl's stamp in it says service {}, set {}.",
            stamp.service, stamp.set
        ),
        Ok(None) | Err(_) => String::new(),
    }
}

const FOREIGN_STAMP: Rule = Rule {
    id: "identity/foreign-stamp",
    severity: Severity::Error,
    summary: "Does the database's stamp name this service and its set?",
    help: include_str!("../help/identity-foreign-stamp.md"),
    scope: Scope::Database,
    check: foreign_stamp,
};

fn foreign_stamp(case: &Case<'_>) -> Verdict {
    let identity = &case.snapshot()?.identity;
    let stamp = identity.stamp.get()?;
    // Where the place itself is another's, its stamp is right.
    let (Place::Own | Place::NotMigrated | Place::ForeignStamp(_)) = case.survey.place()? else {
        return Ok(Vec::new().into());
    };
    let Some(stamp) = stamp else {
        return Ok(foreign_mark(case, identity)
            .into_iter()
            .collect::<Vec<_>>()
            .into());
    };
    let service = &case.subject.service;
    let set = service.set.as_ref().map_or("", |set| set.value.as_str());
    if stamp.service == service.name && (set.is_empty() || stamp.set == set) {
        return Ok(foreign_mark(case, identity)
            .into_iter()
            .collect::<Vec<_>>()
            .into());
    }
    let other = case
        .others()
        .find(|other| other.service.name == stamp.service);
    let mut finding = FOREIGN_STAMP
        .finding(
            About::plain("database", &identity.database),
            format!(
                "the stamp of database {} names service {} with set {}, but the manifest gives it to {} with set {}",
                ident(&identity.database),
                ident(&stamp.service),
                ident(&stamp.set),
                service.name,
                ident(set)
            ),
        )
        .saw(
            format!("service {}, set {set}", service.name),
            format!("service {}, set {}", stamp.service, stamp.set),
        )
        .remedy(format!(
            "If this is the database of {}, point {} elsewhere. If it was handed over on purpose: UPDATE dbctl.identity SET service = {}, set_name = {};",
            ident(&stamp.service),
            service.name,
            sql_literal(&service.name),
            sql_literal(set)
        ))
        .evidence("identity");
    finding.belongs_to = other.map(|other| other.service.name.clone());
    Ok(vec![finding].into())
}

/// A comment on the database that says whose it is, and means somebody else.
fn foreign_mark(case: &Case<'_>, identity: &Identity) -> Option<Finding> {
    let marked = identity.marked.as_ref()?;
    let own = case.name();
    let database = &identity.database;
    let other = case.others().find(|other| other.service.name == *marked);
    let mut finding = (marked != own).then(|| {
        FOREIGN_STAMP
            .finding(
                About::plain("database", database),
                format!(
                    "the comment on database {} says dbctl:service={}, but the manifest gives it to {own}",
                    ident(database),
                    ident(marked)
                ),
            )
            .saw(format!("dbctl:service={own}, or no mark"), format!("dbctl:service={marked}"))
            .remedy(format!(
                "If this is the database of {}, point {own} elsewhere. If not: COMMENT ON DATABASE {} IS {};",
                ident(marked),
                sql_ident(database),
                sql_literal(&format!("dbctl:service={own}"))
            ))
            .evidence("identity")
    })?;
    finding.belongs_to = other.map(|other| other.service.name.clone());
    Some(finding)
}

const STANDBY: Rule = Rule {
    id: "identity/standby",
    severity: Severity::Info,
    summary: "Is the server a primary?",
    help: include_str!("../help/identity-standby.md"),
    scope: Scope::Database,
    check: standby,
};

fn standby(case: &Case<'_>) -> Verdict {
    let snapshot = case.snapshot()?;
    if !snapshot.server.standby {
        return Ok(Vec::new().into());
    }
    let database = &snapshot.identity.database;
    let finding = STANDBY
        .finding(
            About::plain("database", database),
            format!(
                "database {} of {} was read on a standby, which shows what was replayed so far and cannot be migrated",
                ident(database),
                case.name()
            ),
        )
        .saw("a primary", "a standby")
        .remedy("To verify the primary, put its address into the service's URL, or add target_session_attrs=read-write to a URL with several hosts.")
        .evidence("identity");
    Ok(vec![finding].into())
}

const UNSTAMPED: Rule = Rule {
    id: "identity/unstamped",
    severity: Severity::Info,
    summary: "Does a migrated database carry dbctl's stamp?",
    help: include_str!("../help/identity-unstamped.md"),
    scope: Scope::Database,
    check: unstamped,
};

fn unstamped(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    let migrated = snapshot
        .history
        .get()
        .is_ok_and(|history| history.exists && !history.rows.is_empty());
    if snapshot.identity.stamp.get()?.is_some() || !migrated {
        return Ok(Vec::new().into());
    }
    let database = &snapshot.identity.database;
    let finding = UNSTAMPED
        .finding(
            About::plain("database", database),
            format!(
                "database {} has migrated tables but no stamp that says that it belongs to {}",
                ident(database),
                case.name()
            ),
        )
        .saw(format!("a stamp of {}", case.name()), "no stamp")
        .remedy(stamp_sql(case))
        .evidence("identity");
    Ok(vec![finding].into())
}

/// What stamps the database as the next migration would: as the service's role, which must be able to read it.
fn stamp_sql(case: &Case<'_>) -> String {
    let service = case.subject.service;
    let table: Vec<&str> = CREATE_STAMP.split_whitespace().collect();
    let begin = match service.managed {
        Managed::Service => {
            "dbctl migrates nothing of a service that does so itself. To stamp it all the same"
        }
        _ => "The next migration that `dbctl migrate` applies stamps it. To do it now",
    };
    format!(
        "{begin}, in database {}: SET ROLE {}; {} \
         INSERT INTO dbctl.identity (service, set_name) VALUES ({}, {});",
        ident(service.database_name()),
        sql_ident(service.role_name().unwrap_or_default()),
        table.join(" "),
        sql_literal(&service.name),
        sql_literal(service.set.as_ref().map_or("", |set| &set.value))
    )
}
