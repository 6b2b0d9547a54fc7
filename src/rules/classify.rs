//! Whose an object is that the service's lock does not know. Every rule about such objects asks here, so that each object is
//! reported by exactly one of them.

use std::collections::HashMap;

use super::index::{Index, Shape};
use super::{Subject, known, skeleton, text};

use crate::snapshot::attributes::{DEFINITION, FUNCTION, OWNED_BY, TYPE};
use crate::snapshot::{HISTORY_TABLE, Kind, Object, Snapshot};

/// What an object is that the lock does not know.
#[derive(Debug, Clone)]
pub(super) enum Class<'a> {
    /// It comes and goes with another object, which is reported.
    Implied,
    /// Somebody attached it to this extension.
    Attached(String),
    /// Something that reaches out of the database.
    Link,
    /// A schema named after another service, or disguised as `public`.
    SchemaName {
        like: String,
        owner: Option<&'a Subject<'a>>,
    },
    /// Another service has an object of this name, of this kind.
    Foreign { owner: &'a Subject<'a>, kind: Kind },
    /// A trigger that runs a function of another service.
    ForeignCall {
        owner: &'a Subject<'a>,
        function: String,
    },
    /// The history table of this other tool.
    ToolHistory(&'static str),
    /// A table of the file store of this engine.
    FileEngine(&'static str),
    /// A name that looks like this table of another service.
    LookAlike { owner: &'a Subject<'a>, of: String },
    /// The columns of this table of another service.
    SameShape {
        owner: &'a Subject<'a>,
        of: String,
        columns: usize,
    },
    /// It lies in a schema of the system.
    Hidden,
    /// A copy or disguise of this own table.
    OwnCopy(String),
    /// Nobody's that is known.
    Unknown,
}

/// What an object has to be seen beside.
pub(super) struct Surroundings<'a> {
    extras: &'a [&'a Object],
    shapes: HashMap<(&'a str, &'a str), Shape>,
    rgb_lib: bool,
    /// Functions that triggers of single chunks run.
    on_chunks: Vec<&'a str>,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, extras: &'a [&'a Object]) -> Self {
        let mut shapes: HashMap<(&str, &str), Shape> = HashMap::new();
        for object in &snapshot.objects {
            if object.key.kind == Kind::Column {
                shapes
                    .entry((&object.key.schema, &object.key.parent))
                    .or_default()
                    .insert((
                        object.key.name.clone(),
                        object.attributes.get(TYPE).cloned().unwrap_or_default(),
                    ));
            }
        }
        let on_chunks = snapshot
            .state
            .chunks
            .iter()
            .filter(|deviation| deviation.kind == "trigger")
            .filter_map(|deviation| deviation.detail.as_deref())
            .collect();
        Self {
            on_chunks,
            extras,
            shapes,
            rgb_lib: extras.iter().any(|extra| {
                extra.key.kind == Kind::Table && known::RGB_LIB.contains(&extra.key.name.as_str())
            }),
        }
    }
}

/// Classifies one object that the lock does not know. The order is the order of certainty.
pub(super) fn classify<'a>(
    object: &Object,
    index: &Index<'a>,
    around: &Surroundings<'_>,
) -> Class<'a> {
    let key = &object.key;
    // The history and the stamp of this very database are no objects of a snapshot; a history elsewhere is another's.
    if key.kind == Kind::Table && key.name == HISTORY_TABLE.1 {
        return Class::ToolHistory("refinery");
    }
    if let Some(extension) = &object.extension {
        return Class::Attached(extension.clone());
    }
    if is_implied(object, around) {
        return Class::Implied;
    }
    if key.kind == Kind::Schema {
        return schema_class(object, index);
    }
    if key.kind != Kind::ForeignTable && known::is_link(object) {
        return Class::Link;
    }
    if let Some(class) = foreign(object, index) {
        return class;
    }
    if key.kind == Kind::ForeignTable {
        return Class::Link;
    }
    if key.kind.is_relation() {
        if let Some(class) = known::table(&key.name, around.rgb_lib) {
            return class;
        }
        if let Some(class) = disguised(object, index, around) {
            return class;
        }
    } else if let Some(class) = look_alike(object, index) {
        return class;
    }
    if known::is_system_schema(&key.schema) && !key.kind.is_part() {
        return Class::Hidden;
    }
    Class::Unknown
}

/// Whether an object is no cause of its own: a serial column's sequence, a trigger's function, an extension's language.
fn is_implied(object: &Object, around: &Surroundings<'_>) -> bool {
    let key = &object.key;
    let extras = || around.extras.iter().map(|extra| (&extra.key, *extra));
    match key.kind {
        Kind::Sequence => object.attributes.get(OWNED_BY).is_some_and(|owner| {
            extras().any(|(extra, _)| {
                (extra.kind.is_relation() && text::mentions(owner, &extra.name))
                    || (extra.kind == Kind::Column
                        && text::mentions(owner, &extra.parent)
                        && text::mentions(owner, &extra.name))
            })
        }),
        Kind::Function => {
            around.on_chunks.contains(&key.name.as_str())
                || extras().any(|(extra, trigger)| {
                    matches!(extra.kind, Kind::Trigger | Kind::EventTrigger)
                        && calls(trigger, &key.name)
                })
        }
        Kind::Language => {
            extras().any(|(extra, _)| extra.kind == Kind::Extension && extra.name == key.name)
        }
        _ => false,
    }
}

/// Whether a trigger runs this function.
fn calls(trigger: &Object, function: &str) -> bool {
    trigger
        .attributes
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), FUNCTION | DEFINITION))
        .any(|(_, value)| {
            // Only what follows EXECUTE is the function; the trigger's own name comes before.
            let called = value
                .rsplit_once("EXECUTE ")
                .map_or(value.as_str(), |(_, tail)| tail);
            text::mentions(called, function)
        })
}

fn schema_class<'a>(object: &Object, index: &Index<'a>) -> Class<'a> {
    let name = object.key.name.as_str();
    let public = skeleton::look("public");
    if name != "public" && skeleton::look(name) == public {
        return Class::SchemaName {
            like: "public".to_owned(),
            owner: None,
        };
    }
    for (owner, names) in &index.others {
        let service = owner.service;
        let own_names = [
            Some(service.name.as_str()),
            service
                .database
                .as_ref()
                .map(|database| database.value.as_str()),
            service.role_name(),
            service.set.as_ref().map(|set| set.value.as_str()),
        ];
        let like = own_names
            .into_iter()
            .flatten()
            .find(|own| skeleton::stem(own) == skeleton::stem(name))
            .or_else(|| {
                names
                    .as_ref()
                    .is_some_and(|names| names.has_schema(name))
                    .then_some(name)
            });
        if let Some(like) = like {
            return Class::SchemaName {
                like: like.to_owned(),
                owner: Some(owner),
            };
        }
    }
    Class::Unknown
}

/// Another service's by its exact name. A name that the service itself knows is never another's.
fn foreign<'a>(object: &Object, index: &Index<'a>) -> Option<Class<'a>> {
    if index.own.kind_of(object).is_some() {
        return None;
    }
    if let Some((owner, kind)) = index
        .known()
        .find_map(|(owner, names)| Some((owner, names.kind_of(object)?)))
    {
        return Some(Class::Foreign { owner, kind });
    }
    if !matches!(object.key.kind, Kind::Trigger | Kind::EventTrigger) {
        return None;
    }
    index.known().find_map(|(owner, names)| {
        let function = called_function(object)?;
        (names.has_function(&function) && !index.own.has_function(&function))
            .then_some(Class::ForeignCall { owner, function })
    })
}

/// The plain name of the function that a trigger runs.
pub(super) fn called_function(trigger: &Object) -> Option<String> {
    let text = trigger
        .attributes
        .get(FUNCTION)
        .or_else(|| trigger.attributes.get(DEFINITION))?;
    let tail = text
        .rsplit_once("EXECUTE ")
        .map_or(text.as_str(), |(_, tail)| tail);
    let name = tail
        .trim_start_matches("FUNCTION ")
        .trim_start_matches("PROCEDURE ")
        .split('(')
        .next()
        .unwrap_or_default();
    let plain = name
        .rsplit('.')
        .next()
        .unwrap_or(name)
        .trim()
        .trim_matches('"');
    (!plain.is_empty()).then(|| plain.to_owned())
}

fn look_alike<'a>(object: &Object, index: &Index<'a>) -> Option<Class<'a>> {
    if let Some(own) = index.own.original_of(object) {
        return Some(Class::OwnCopy(own.to_owned()));
    }
    index.known().find_map(|(owner, names)| {
        let of = names.original_of(object)?.to_owned();
        Some(Class::LookAlike { owner, of })
    })
}

/// A relation that is another service's under another name.
fn disguised<'a>(
    object: &Object,
    index: &Index<'a>,
    around: &Surroundings<'_>,
) -> Option<Class<'a>> {
    if let Some(class) = look_alike(object, index) {
        return Some(class);
    }
    let shape = around
        .shapes
        .get(&(object.key.schema.as_str(), object.key.name.as_str()))?;
    let own = index.own.table_within(shape);
    let (owner, of, columns) = index
        .known()
        .filter_map(|(owner, names)| {
            let (of, columns) = names.table_within(shape)?;
            Some((owner, of, columns))
        })
        .max_by_key(|(_, _, columns)| *columns)?;
    match own {
        Some((own, size)) if size >= columns => Some(Class::OwnCopy(own.to_owned())),
        _ => Some(Class::SameShape {
            owner,
            of: of.to_owned(),
            columns,
        }),
    }
}

/// Whether the relation is the table side of a hypertable.
pub(super) fn is_hypertable(object: &Object, snapshot: &Snapshot) -> bool {
    snapshot.objects.iter().any(|other| {
        other.key.kind == Kind::Hypertable
            && other.key.schema == object.key.schema
            && (other.key.parent == object.key.name
                || (other.key.parent.is_empty() && other.key.name == object.key.name))
    })
}
