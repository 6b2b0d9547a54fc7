//! Which objects' texts reach out of the database, or name what is another service's. Texts that the lock holds are the set's own.

use std::collections::BTreeSet;

use super::place::service_at;
use super::scan::{Scan, named_functions, scan};
use crate::rules::classify::{Class, called_functions};
use crate::rules::text::{ident, mentions, named, sql_ident};
use crate::rules::{Subject, System};
use crate::snapshot::attributes::{
    ALTERED, DEFAULT, DEFINITION, FORM, GENERATED, LANGUAGE, LIBRARY, PARAMETERS, REPLACED,
    SETTINGS, SQL_BODY,
};
use crate::snapshot::{Kind, Lock, Object, ObjectKey, Rename, Snapshot, Text, explain};

/// The attributes that hold SQL, or what is like it.
const TEXTS: [&str; 6] = [
    DEFINITION, SQL_BODY, DEFAULT, GENERATED, PARAMETERS, SETTINGS,
];

/// An object whose text reaches out.
#[derive(Debug)]
pub(in crate::rules) struct Reach<'a> {
    pub(super) object: &'a Object,
    /// What it does beyond the database.
    pub(super) acts: Vec<String>,
    /// Whether it is code of the server's own process: language c or internal.
    pub(super) native: bool,
    /// Channels, and the service whose they are.
    pub(super) channels: Vec<(String, &'a str)>,
    /// What it names of others, in words.
    pub(super) names: Vec<String>,
    /// The service that it is about.
    pub(super) owner: Option<&'a str>,
    /// Triggers, operators, casts and aggregates of nobody's that run it.
    pub(super) run_by: Vec<&'a Object>,
    /// Columns of the lock whose new default calls it, with the default that the lock gives them.
    pub(super) defaults: Vec<(&'a Object, Option<String>)>,
    /// Whether it is an object of the lock, with another text.
    pub(super) changed: bool,
}

impl Reach<'_> {
    /// Whether the finding about this text is the one about this object.
    fn covers(&self, key: &ObjectKey) -> bool {
        self.object.key == *key
            || self.run_by.iter().any(|trigger| trigger.key == *key)
            || self.defaults.iter().any(|(column, _)| column.key == *key)
    }
}

/// Whether one of these speaks of the object.
pub(in crate::rules) fn is_spoken_of(reaches: &[Reach<'_>], key: &ObjectKey) -> bool {
    reaches.iter().any(|reach| reach.covers(key))
}

/// Whether an attribute is one of the texts that are read here.
pub(in crate::rules) fn is_text(attribute: &str) -> bool {
    TEXTS.contains(&attribute)
}

/// Reads every text that is not the lock's.
pub(in crate::rules) fn reaches<'a>(
    system: &'a System<'a>,
    subject: &'a Subject<'a>,
    snapshot: &'a Snapshot,
    lock: &Lock,
    extras: &[(&'a Object, Class<'a>)],
    renames: &[Rename],
) -> Vec<Reach<'a>> {
    snapshot
        .objects
        .iter()
        .filter(|object| has_text(object.key.kind))
        // Its text is the extension's.
        .filter(|object| {
            !object.attributes.contains_key(ALTERED) || object.attributes.contains_key(REPLACED)
        })
        .filter_map(|object| {
            let expected = lock.objects.get(&object.key);
            let texts: Vec<(&str, &str)> = object
                .attributes
                .iter()
                .filter(|(name, _)| is_text(name))
                .filter(|(name, text)| {
                    !expected.is_some_and(|expected| holds(expected.get(*name), text, renames))
                })
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            let mut reach = read(
                system,
                subject,
                lock,
                object,
                &texts,
                expected.is_some(),
                extras,
            )?;
            reach.defaults = match object.key.kind == Kind::Function && !reach.changed {
                true => defaults(snapshot, lock, &object.key.name),
                false => Vec::new(),
            };
            is_said_here(&reach, extras).then_some(reach)
        })
        .collect()
}

/// The columns of the lock whose default is another now, and calls the function.
fn defaults<'a>(
    snapshot: &'a Snapshot,
    lock: &Lock,
    function: &str,
) -> Vec<(&'a Object, Option<String>)> {
    let call = format!("{}(", sql_ident(function));
    let columns = snapshot
        .objects
        .iter()
        .filter(|object| object.key.kind == Kind::Column);
    columns
        .filter_map(|column| {
            let text = column.attributes.get(DEFAULT)?;
            let expected = match lock.objects.get(&column.key)?.get(DEFAULT) {
                None => None,
                Some(Text::Same(expected)) if expected != text => Some(expected.clone()),
                Some(_) => return None,
            };
            let calls = text.match_indices(&call).any(|(at, _)| {
                text.get(..at)
                    .is_some_and(|before| !before.ends_with(is_of_name))
            });
            calls.then_some((column, expected))
        })
        .collect()
}

fn is_of_name(character: char) -> bool {
    character == '_' || character == '$' || character.is_alphanumeric()
}

const fn has_text(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Function
            | Kind::View
            | Kind::MaterializedView
            | Kind::Column
            | Kind::Constraint
            | Kind::Index
            | Kind::Trigger
            | Kind::Rule
            | Kind::Policy
            | Kind::Type
            | Kind::Statistics
            | Kind::Operator
            | Kind::Cast
    )
}

/// Whether the lock has this text, but for what only has another name. One that it knows for other major versions only is
/// `drift/changed-object`'s gap.
fn holds(expected: Option<&Text>, text: &str, renames: &[Rename]) -> bool {
    match expected {
        Some(Text::Same(expected)) => expected == text || explain(renames, expected, text),
        Some(Text::ByMajor(_)) => true,
        None => false,
    }
}

/// Whether this is the place to speak of it: what another rule calls another service's is said there, and here only what it does.
fn is_said_here(reach: &Reach<'_>, extras: &[(&Object, Class<'_>)]) -> bool {
    if !reach.acts.is_empty() || reach.changed {
        return true;
    }
    let class = extras
        .iter()
        .find(|(object, _)| object.key == reach.object.key)
        .map(|(_, class)| class);
    matches!(
        class,
        Some(Class::Unknown | Class::OwnCopy(_) | Class::Implied)
    )
}

fn read<'a>(
    system: &'a System<'a>,
    subject: &'a Subject<'a>,
    lock: &Lock,
    object: &'a Object,
    texts: &[(&str, &str)],
    known: bool,
    extras: &[(&'a Object, Class<'a>)],
) -> Option<Reach<'a>> {
    let mut reach = Reach {
        object,
        acts: Vec::new(),
        native: false,
        channels: Vec::new(),
        names: Vec::new(),
        owner: None,
        run_by: Vec::new(),
        defaults: Vec::new(),
        changed: known,
    };
    let attribute = |name: &str| object.attributes.get(name).map_or("", String::as_str);
    // Every aggregate is of language internal: what it does, the functions do that it is made of.
    let is_aggregate = attribute(FORM) == "aggregate";
    if object.key.kind == Kind::Function
        && !is_aggregate
        && matches!(attribute(LANGUAGE), "c" | "internal")
    {
        if known && texts.is_empty() {
            return None;
        }
        reach.native = true;
        reach
            .acts
            .push(match (attribute(LIBRARY), attribute(DEFINITION)) {
                ("", symbol) => format!(
                    "is the server's own function {} under another name",
                    ident(symbol)
                ),
                (library, symbol) => format!(
                    "binds {} of library {library} without an extension",
                    ident(symbol)
                ),
            });
    } else {
        for (name, text) in texts {
            let mut found = scan(text);
            // Their texts are names of functions, not SQL: `function = dblink_exec`.
            if is_aggregate || matches!(object.key.kind, Kind::Operator | Kind::Cast) {
                found.acts.extend(named_functions(text));
            }
            if *name == SETTINGS {
                found.texts.push((*text).to_owned());
            }
            take(system, subject, lock, object, found, &mut reach);
        }
    }
    if reach.acts.is_empty() && reach.channels.is_empty() && reach.names.is_empty() {
        return None;
    }
    reach.names.sort();
    reach.names.dedup();
    let mut said = BTreeSet::new();
    reach.acts.retain(|act| said.insert(act.clone()));
    if object.key.kind == Kind::Function {
        reach.run_by = extras
            .iter()
            .filter(|(other, class)| {
                matches!(class, Class::Unknown)
                    && called_functions(other).contains(&object.key.name)
            })
            .map(|(trigger, _)| *trigger)
            .collect();
    }
    Some(reach)
}

/// Takes over what one text says.
fn take<'a>(
    system: &'a System<'a>,
    subject: &'a Subject<'a>,
    lock: &Lock,
    object: &Object,
    found: Scan,
    reach: &mut Reach<'a>,
) {
    let own = subject.service.name.as_str();
    reach.acts.extend(found.acts.iter().cloned());
    for dsn in &found.dsns {
        let at = service_at(system, own, dsn).map(|subject| subject.service.name.as_str());
        let whose = match at {
            Some(name) if name != own => {
                reach.owner = reach.owner.or(Some(name));
                format!(", the database of {name}")
            }
            _ => String::new(),
        };
        reach.acts.push(format!(
            "holds a connection string to {}{whose}",
            dsn.words()
        ));
    }
    let others = || {
        system
            .subjects
            .iter()
            .filter(|other| other.service.name != own)
    };
    for channel in &found.channels {
        if let Some(other) = channel_of(subject, others(), channel) {
            reach.channels.push((channel.clone(), other));
            reach.owner = reach.owner.or(Some(other));
        }
    }
    for other in others() {
        let names = names(subject, other, lock, object, &found);
        if !names.is_empty() {
            reach.owner = reach.owner.or(Some(&other.service.name));
            reach.names.extend(names);
        }
    }
}

/// The other service whose set speaks or listens on a channel, if the own set does not.
fn channel_of<'a>(
    subject: &Subject<'_>,
    mut others: impl Iterator<Item = &'a Subject<'a>>,
    channel: &str,
) -> Option<&'a str> {
    let speaks = |subject: &Subject<'_>| {
        subject.set.is_some_and(|set| {
            set.migrations.iter().any(|migration| {
                // Most files do not hold the name at all.
                migration.sql.contains(channel) && channels_of(&migration.sql).contains(channel)
            })
        })
    };
    if speaks(subject) {
        return None;
    }
    others
        .find(|other| speaks(other))
        .map(|other| other.service.name.as_str())
}

/// The channels in a migration's file, those of the functions that it makes included.
fn channels_of(sql: &str) -> BTreeSet<String> {
    let found = scan(sql);
    let mut channels = found.channels;
    for text in &found.texts {
        if text.to_lowercase().contains("notify") {
            channels.extend(scan(text).channels);
        }
    }
    channels
}

/// What of another service a text names.
fn names(
    subject: &Subject<'_>,
    other: &Subject<'_>,
    lock: &Lock,
    object: &Object,
    found: &Scan,
) -> Vec<String> {
    let (own, service) = (subject.service, other.service);
    let mut names = Vec::new();
    let named_in = |name: &str, places: &BTreeSet<String>| {
        places.contains(name)
            || found
                .texts
                .iter()
                .any(|text| text == name || (is_distinct(name) && mentions(text, name)))
    };
    if let Some(role) = service.role_name()
        && own.role_name() != Some(role)
        && named_in(role, &found.roles)
    {
        names.push(format!("role {} of {}", ident(role), service.name));
    }
    let database = service.database_name();
    let in_schemas = found
        .relations
        .iter()
        .any(|(schema, _)| schema.as_deref() == Some(database));
    if !database.is_empty()
        && database != own.database_name()
        && (named_in(database, &found.databases) || in_schemas)
    {
        names.push(format!("database {} of {}", ident(database), service.name));
    }
    let Some(theirs) = other.lock.known() else {
        return names;
    };
    for (schema, name) in &found.relations {
        let is_relation = |lock: &Lock| {
            lock.objects.keys().any(|key| {
                key.kind.is_relation()
                    && key.name == *name
                    && schema
                        .as_deref()
                        .is_none_or(|schema| schema == key.schema || schema == database)
            })
        };
        if *name != object.key.name
            && *name != object.key.parent
            && is_relation(theirs)
            && !is_relation(lock)
        {
            names.push(format!("table {} of {}", ident(name), service.name));
        }
    }
    names
}

/// Whether a name is no everyday word, so that it means the same wherever it stands in a text.
fn is_distinct(name: &str) -> bool {
    name.chars().count() >= 6 && name.contains(['_', '-'])
}

/// The object of a reach, with its triggers.
pub(super) fn shown(reach: &Reach<'_>) -> String {
    let columns = reach.defaults.iter().map(|(column, _)| *column);
    let triggers: Vec<String> = reach
        .run_by
        .iter()
        .copied()
        .chain(columns)
        .map(|object| match object.key.kind {
            Kind::Column => format!("the default of {}", named(&object.key)),
            _ => named(&object.key),
        })
        .collect();
    if triggers.is_empty() {
        named(&reach.object.key)
    } else {
        format!(
            "{}, which {} runs,",
            named(&reach.object.key),
            triggers.join(", ")
        )
    }
}
