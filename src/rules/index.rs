//! The names and shapes that locks know, arranged so that one foreign object is found among thousands in one look.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Subject, skeleton};
use crate::snapshot::attributes::TYPE;
use crate::snapshot::{Kind, Lock, Object, Text};

/// Columns as name, in lower case, and type.
pub(super) type Shape = BTreeSet<(String, String)>;

/// Kinds whose names stand for each other: a view can take a table's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Family {
    Relation,
    /// What hangs on a table: an index bears its constraint's name.
    Attached,
    Same(Kind),
}

/// Columns carry everyday names, schemas and extensions are judged by rules of their own.
fn family(kind: Kind) -> Option<Family> {
    match kind {
        Kind::Table
        | Kind::ForeignTable
        | Kind::View
        | Kind::MaterializedView
        | Kind::Sequence
        | Kind::Type => Some(Family::Relation),
        Kind::Index | Kind::Constraint | Kind::Statistics => Some(Family::Attached),
        Kind::Function
        | Kind::Trigger
        | Kind::Rule
        | Kind::Policy
        | Kind::Collation
        | Kind::Operator
        | Kind::OperatorClass
        | Kind::OperatorFamily
        | Kind::Conversion
        | Kind::TextSearchConfiguration
        | Kind::TextSearchDictionary
        | Kind::TextSearchParser
        | Kind::TextSearchTemplate
        | Kind::EventTrigger => Some(Family::Same(kind)),
        _ => None,
    }
}

/// What one lock knows.
#[derive(Debug, Default)]
pub(super) struct Names {
    exact: HashMap<(Family, String), Kind>,
    stems: HashMap<String, String>,
    schemas: BTreeSet<String>,
    shapes: Vec<(String, Shape)>,
}

impl Names {
    pub(super) fn new(lock: &Lock) -> Self {
        let mut names = Self::default();
        let mut shapes: BTreeMap<(String, String), Shape> = BTreeMap::new();
        for (key, attributes) in &lock.objects {
            if let Some(family) = family(key.kind) {
                names.exact.insert((family, key.name.clone()), key.kind);
                if family == Family::Relation {
                    names
                        .stems
                        .insert(skeleton::stem(&key.name), key.name.clone());
                }
            }
            match key.kind {
                Kind::Schema => {
                    names.schemas.insert(key.name.clone());
                }
                Kind::Column => {
                    let text = match attributes.get(TYPE) {
                        Some(Text::Same(text)) => text.clone(),
                        Some(Text::ByMajor(texts)) => {
                            texts.values().next_back().cloned().unwrap_or_default()
                        }
                        None => String::new(),
                    };
                    shapes
                        .entry((key.schema.clone(), key.parent.clone()))
                        .or_default()
                        .insert((key.name.to_lowercase(), text));
                }
                _ => {}
            }
        }
        // Two-column key/value tables look alike everywhere.
        names.shapes = shapes
            .into_iter()
            .filter(|(_, shape)| shape.len() >= 3)
            .map(|((_, table), shape)| (table, shape))
            .collect();
        names
    }

    /// The kind that this name has here, if it is known for a kind that could be mistaken for the object's.
    pub(super) fn kind_of(&self, object: &Object) -> Option<Kind> {
        let family = family(object.key.kind)?;
        self.exact.get(&(family, object.key.name.clone())).copied()
    }

    /// Whether this is the name of a function here.
    pub(super) fn has_function(&self, name: &str) -> bool {
        self.exact
            .contains_key(&(Family::Same(Kind::Function), name.to_owned()))
    }

    /// The name that this one was made from or disguises.
    pub(super) fn original_of(&self, object: &Object) -> Option<&str> {
        (family(object.key.kind) == Some(Family::Relation))
            .then(|| self.stems.get(&skeleton::stem(&object.key.name)))
            .flatten()
            .map(String::as_str)
    }

    /// The longest name of a table or view that stands within this name, word for word: `k_votes` in `k_votes_by_day`. Of one word alone
    /// (`users`) many names are made.
    pub(super) fn named_in(&self, name: &str) -> Option<&str> {
        let words: Vec<&str> = name.split('_').collect();
        (2..=words.len())
            .rev()
            .flat_map(|count| words.windows(count))
            .find_map(|some| {
                let (known, kind) = self
                    .exact
                    .get_key_value(&(Family::Relation, some.join("_")))?;
                kind.is_relation().then_some(known.1.as_str())
            })
    }

    /// Whether a schema of this name is known.
    pub(super) fn has_schema(&self, name: &str) -> bool {
        self.schemas.contains(name)
    }

    /// The largest table whose columns are all in this shape.
    pub(super) fn table_within(&self, shape: &Shape) -> Option<(&str, usize)> {
        self.shapes
            .iter()
            .filter(|(_, known)| known.is_subset(shape))
            .max_by_key(|(_, known)| known.len())
            .map(|(table, known)| (table.as_str(), known.len()))
    }
}

/// Own names and those of every other service whose lock is known.
#[derive(Debug)]
pub(super) struct Index<'a> {
    pub(super) own: Names,
    pub(super) others: Vec<(&'a Subject<'a>, Option<Names>)>,
}

impl<'a> Index<'a> {
    pub(super) fn new(
        subject: &'a Subject<'a>,
        others: impl Iterator<Item = &'a Subject<'a>>,
    ) -> Self {
        let names = |subject: &Subject<'_>| subject.lock.known().map(Names::new);
        Self {
            own: names(subject).unwrap_or_default(),
            others: others.map(|other| (other, names(other))).collect(),
        }
    }

    /// The other services with what is known of their schemas.
    pub(super) fn known(&self) -> impl Iterator<Item = (&'a Subject<'a>, &Names)> {
        self.others
            .iter()
            .filter_map(|(other, names)| names.as_ref().map(|names| (*other, names)))
    }
}
