//! Whose an object is that the service's lock does not know. Every rule about such objects asks here, so that each object is
//! reported by exactly one of them.

use std::collections::HashMap;

use super::index::{Index, Shape};
use super::{Subject, known, skeleton, text};

use crate::snapshot::attributes::{
    DEFINITION, FORM, FUNCTION, IN_SCHEMA, OWNED_BY, PARTITION_OF, ROW_TYPE, TYPE,
};
use crate::snapshot::{Diff, HISTORY_TABLE, Kind, Object, ObjectKey, Rename, Snapshot};

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

impl Class<'_> {
    /// Whether nothing speaks for another owner or another purpose.
    pub(super) const fn may_be_own(&self) -> bool {
        matches!(
            self,
            Self::Implied
                | Self::Hidden
                | Self::OwnCopy(_)
                | Self::SameShape { .. }
                | Self::Unknown
        )
    }
}

/// What an object has to be seen beside.
pub(super) struct Surroundings<'a> {
    extras: &'a [&'a Object],
    shapes: HashMap<(&'a str, &'a str), Shape>,
    rgb_lib: bool,
    /// Functions that triggers of single chunks run.
    on_chunks: Vec<&'a str>,
    /// Own tables that were partitions: what hung on them by their parent hangs on them now.
    detached: Vec<&'a ObjectKey>,
    /// What is told as an own object under another name.
    renames: &'a [Rename],
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, diff: &'a Diff<'a>, renames: &'a [Rename]) -> Self {
        let extras: &[&Object] = &diff.extra;
        let detached = diff
            .changed
            .iter()
            .filter(|change| change.attribute == PARTITION_OF && change.actual.is_empty())
            .map(|change| &change.key)
            .collect();
        let mut shapes: HashMap<(&str, &str), Shape> = HashMap::new();
        for object in &snapshot.objects {
            if object.key.kind == Kind::Column {
                shapes
                    .entry((&object.key.schema, &object.key.parent))
                    .or_default()
                    .insert((
                        object.key.name.to_lowercase(),
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
            detached,
            renames,
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
        if is_own_history(key, around) {
            return Class::Implied;
        }
        return Class::ToolHistory("refinery");
    }
    if let Some(extension) = &object.extension {
        return Class::Attached(extension.clone());
    }
    if is_implied(object, around) {
        return Class::Implied;
    }
    if key.kind == Kind::Schema {
        return match schema_class(object, index) {
            Class::Unknown if is_told_with_content(object, index, around) => Class::Implied,
            class => class,
        };
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
    } else if key.kind == Kind::Type {
        if let Some(class) = disguised(object, index, around) {
            return class;
        }
    } else if let Some(class) = look_alike(object, index).or_else(|| named_after(object, index)) {
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
                || extras().any(|(extra, other)| {
                    let trigger = matches!(extra.kind, Kind::Trigger | Kind::EventTrigger);
                    trigger && calls(other, &key.name)
                        || extra != key && called_functions(other).contains(&key.name)
                })
        }
        // It goes with its column, or came with the partition's own life.
        Kind::Constraint | Kind::Index | Kind::Column
            if around
                .detached
                .iter()
                .any(|table| table.schema == key.schema && table.name == key.parent) =>
        {
            true
        }
        Kind::Constraint | Kind::Index => {
            let columns = object.attributes.get(DEFINITION).map(String::as_str);
            extras().any(|(extra, _)| {
                extra.kind == Kind::Column
                    && (&extra.schema, &extra.parent) == (&key.schema, &key.parent)
                    && columns.is_some_and(|text| first_brackets(text, &extra.name))
            })
        }
        Kind::Language => {
            extras().any(|(extra, _)| extra.kind == Kind::Extension && extra.name == key.name)
        }
        _ => false,
    }
}

/// Whether the first list in brackets names a column: that of a constraint or an index itself, not of what it refers to.
fn first_brackets(definition: &str, column: &str) -> bool {
    definition
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .is_some_and(|(list, _)| text::mentions(list, column))
}

/// Whether a schema of nobody's is told with what lies in it: an object has a finding of its own, and an extension needs a place.
fn is_told_with_content(schema: &Object, index: &Index<'_>, around: &Surroundings<'_>) -> bool {
    let foreign = schema.owner.as_deref().is_some_and(|owner| {
        let mut others = index.others.iter();
        others.any(|(other, _)| other.service.role_name() == Some(owner))
    });
    !foreign
        && (around.extras.iter().any(|extra| {
            let (key, name) = (&extra.key, &schema.key.name);
            let lies = key.schema == *name && !key.kind.is_part();
            lies || extra.attributes.get(IN_SCHEMA) == Some(name)
        }) || has_moved_into(schema, around))
}

/// Whether it is the history of this very database, which went with a schema that was renamed.
fn is_own_history(key: &ObjectKey, around: &Surroundings<'_>) -> bool {
    around.renames.iter().any(|rename| {
        rename.was.kind == Kind::Schema
            && rename.was.name == HISTORY_TABLE.0
            && rename.is.name == key.schema
    })
}

/// Whether an own object lies there now.
fn has_moved_into(schema: &Object, around: &Surroundings<'_>) -> bool {
    let mut renames = around.renames.iter();
    renames.any(|rename| rename.moved_into() == Some(schema.key.name.as_str()))
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

/// The plain names of the functions that an object runs: a trigger, an operator, a cast, an aggregate.
pub(super) fn called_functions(object: &Object) -> Vec<String> {
    let definition = object.attributes.get(DEFINITION).map_or("", String::as_str);
    let aggregate = object
        .attributes
        .get(FORM)
        .is_some_and(|form| form == "aggregate");
    match object.key.kind {
        Kind::Trigger | Kind::EventTrigger => called_function(object).into_iter().collect(),
        Kind::Cast => definition
            .split_once("WITH FUNCTION ")
            .map(|(_, function)| plain(function))
            .into_iter()
            .collect(),
        kind if kind == Kind::Operator || aggregate => definition
            .split(", ")
            .filter_map(|part| part.split_once(" = "))
            .filter(|(key, _)| key.ends_with("func") || *key == "function")
            .map(|(_, function)| plain(function))
            .collect(),
        _ => Vec::new(),
    }
}

/// The last part of a function's name, without what follows in brackets.
fn plain(function: &str) -> String {
    let name = function.split('(').next().unwrap_or_default();
    let plain = name.rsplit('.').next().unwrap_or(name);
    plain.trim().trim_matches('"').to_owned()
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
    let name = plain(
        tail.trim_start_matches("FUNCTION ")
            .trim_start_matches("PROCEDURE "),
    );
    (!name.is_empty()).then_some(name)
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

/// What hangs on a table and is named after another service's table.
fn named_after<'a>(object: &Object, index: &Index<'a>) -> Option<Class<'a>> {
    let name = object.key.name.as_str();
    if !matches!(
        object.key.kind,
        Kind::Index
            | Kind::Constraint
            | Kind::Statistics
            | Kind::Trigger
            | Kind::Rule
            | Kind::Policy
    ) {
        return None;
    }
    let own = index.own.named_in(name);
    index.known().find_map(|(owner, names)| {
        let of = names.named_in(name)?;
        let is_own = own.is_some_and(|own| own.contains(of));
        (!is_own).then(|| Class::LookAlike {
            owner,
            of: of.to_owned(),
        })
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
    let rows = row_type(object);
    let shape = rows.as_ref().or_else(|| {
        around
            .shapes
            .get(&(object.key.schema.as_str(), object.key.name.as_str()))
    })?;
    let own = index.own.table_within(shape);
    let (owner, of, columns) = index
        .known()
        .filter_map(|(owner, names)| {
            let (of, columns) = names.table_within(shape)?;
            Some((owner, of, columns))
        })
        .max_by_key(|(_, _, columns)| *columns)
        .filter(|(_, _, columns)| rows.is_none() || *columns >= FEW)?;
    match own {
        // A view of an own table is no copy of it.
        Some((_, size)) if rows.is_some() && size >= columns => None,
        Some((own, size)) if size >= columns => Some(Class::OwnCopy(own.to_owned())),
        _ => Some(Class::SameShape {
            owner,
            of: of.to_owned(),
            columns,
        }),
    }
}

/// So many columns a view or composite type has in common with another service's table by chance: it may pick any of its own tables'.
const FEW: usize = 5;

/// The columns of a view or a composite type, which are no objects of their own.
fn row_type(object: &Object) -> Option<Shape> {
    let columns = match object.key.kind {
        Kind::View | Kind::MaterializedView => object.attributes.get(ROW_TYPE)?,
        Kind::Type => object
            .attributes
            .get(DEFINITION)?
            .strip_prefix("COMPOSITE (")?
            .strip_suffix(')')?,
        _ => return None,
    };
    Some(
        columns
            .split(", ")
            .filter_map(|column| {
                let quoted = column.strip_prefix('"').and_then(|rest| {
                    let (name, kind) = rest.split_once("\" ")?;
                    Some((name.replace("\"\"", "\""), kind))
                });
                let (name, kind) = quoted.or_else(|| {
                    let (name, kind) = column.split_once(' ')?;
                    Some((name.to_owned(), kind))
                })?;
                Some((name.to_lowercase(), kind.to_owned()))
            })
            .collect(),
    )
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
