//! What tables have from others that they are partitions or children of.

use std::collections::HashMap;

use crate::rules::Case;
use crate::rules::text::{bare_drop_sql, named, sql_ident};
use crate::snapshot::attributes::{DEFAULT, DEFINITION, INHERITS, NOT_NULL, PARTITION_OF};
use crate::snapshot::{Kind, Object, ObjectKey};

/// Partitions of partitions of partitions: nobody has more than this.
const DEEPEST: usize = 16;

/// How other objects' attributes name a table.
fn written(schema: &str, name: &str) -> String {
    format!("{}.{}", sql_ident(schema), sql_ident(name))
}

/// The tables of a database by name, and what hangs on each.
pub(in crate::rules) struct Tables<'a> {
    by_text: HashMap<String, &'a Object>,
    parts: HashMap<String, Vec<&'a Object>>,
}

impl<'a> Tables<'a> {
    pub(in crate::rules) fn new(case: &Case<'a>) -> Self {
        let mut tables = Self {
            by_text: HashMap::new(),
            parts: HashMap::new(),
        };
        let objects = case.snapshot().map_or(&[][..], |found| &found.objects);
        // Few databases have any table that has its columns from another.
        let inherits = |object: &Object| {
            let attributes = &object.attributes;
            attributes.contains_key(PARTITION_OF) || attributes.contains_key(INHERITS)
        };
        if !objects.iter().any(inherits) {
            return tables;
        }
        for object in objects {
            let key = &object.key;
            if key.kind.is_relation() {
                let text = written(&key.schema, &key.name);
                tables.by_text.insert(text, object);
            } else if key.kind.is_part() {
                let whole = written(&key.schema, &key.parent);
                tables.parts.entry(whole).or_default().push(object);
            }
        }
        tables
    }

    fn parts(&self, of: &ObjectKey) -> &[&'a Object] {
        self.parts
            .get(&written(&of.schema, &of.name))
            .map_or(&[], Vec::as_slice)
    }

    /// The tables that a table has its columns from.
    fn parents(&self, schema: &str, name: &str) -> Vec<&'a Object> {
        let attributes = self
            .by_text
            .get(&written(schema, name))
            .map(|object| [PARTITION_OF, INHERITS].map(|name| object.attributes.get(name)));
        attributes
            .into_iter()
            .flatten()
            .flatten()
            .flat_map(|names| names.split(", "))
            .filter_map(|parent| self.by_text.get(parent).copied())
            .collect()
    }

    /// Whether a column is as it is because the same column of a parent is so, of which something is told.
    pub(super) fn is_told_of_parent(
        &self,
        key: &ObjectKey,
        is_told: impl Fn(&ObjectKey) -> bool,
    ) -> bool {
        key.kind == Kind::Column
            && self.parents(&key.schema, &key.parent).iter().any(|parent| {
                is_told(&ObjectKey {
                    schema: parent.key.schema.clone(),
                    parent: parent.key.name.clone(),
                    ..key.clone()
                })
            })
    }

    /// Whether a table is a partition of one of those that `is_own` knows, or a partition of such a partition.
    pub(super) fn is_partition_of(&self, object: &Object, is_own: impl Fn(&str) -> bool) -> bool {
        let mut parent = object.attributes.get(PARTITION_OF);
        for _ in 0..DEEPEST {
            let Some(name) = parent else {
                return false;
            };
            if is_own(name) {
                return true;
            }
            let next = self.by_text.get(name);
            parent = next.and_then(|table| table.attributes.get(PARTITION_OF));
        }
        false
    }

    /// What hangs on a partition and not on the table that it is a partition of, and acts on its rows.
    pub(super) fn own_parts(&self, partition: &Object) -> Vec<&'a Object> {
        let parents = self.parents(&partition.key.schema, &partition.key.name);
        // A table that was attached brings its parent's constraints along.
        let is_parents = |part: &Object| {
            parents.iter().any(|parent| {
                self.parts(&parent.key).iter().any(|other| {
                    (other.key.kind, &other.key.name) == (part.key.kind, &part.key.name)
                        && other.attributes.get(DEFINITION) == part.attributes.get(DEFINITION)
                })
            })
        };
        let acts = |part: &Object| match part.key.kind {
            Kind::Trigger | Kind::Rule | Kind::Policy => true,
            Kind::Constraint => part
                .attributes
                .get(DEFINITION)
                .is_some_and(|text| text.starts_with("CHECK") || text.starts_with("FOREIGN")),
            _ => false,
        };
        let parts = self.parts(&partition.key).iter().copied();
        parts
            .filter(|part| acts(part) && !is_parents(part))
            .collect()
    }

    /// What a column of a partition has of its own, and what gives it its parent's: in words, and as SQL. `None` for other columns.
    pub(super) fn own_column(&self, column: &Object) -> Option<(String, String)> {
        let key = &column.key;
        if key.kind != Kind::Column {
            return None;
        }
        let relation = self.by_text.get(&written(&key.schema, &key.parent))?;
        relation.attributes.get(PARTITION_OF)?;
        let parents = self.parents(&key.schema, &key.parent);
        let mut of_parents = parents.iter().flat_map(|parent| self.parts(&parent.key));
        let of_parent = of_parents
            .find(|other| (other.key.kind, &other.key.name) == (Kind::Column, &key.name))?;
        let mut what = Vec::new();
        let mut actions = Vec::new();
        let name = sql_ident(&key.name);
        let differs = |attribute: &str| {
            column.attributes.get(attribute) != of_parent.attributes.get(attribute)
        };
        if differs(DEFAULT) {
            what.push("a default");
            actions.push(match of_parent.attributes.get(DEFAULT) {
                Some(default) => format!("ALTER COLUMN {name} SET DEFAULT {default}"),
                None => format!("ALTER COLUMN {name} DROP DEFAULT"),
            });
        }
        if differs(NOT_NULL) {
            what.push("a NOT NULL");
            let verb = match of_parent.attributes.contains_key(NOT_NULL) {
                true => "SET",
                false => "DROP",
            };
            actions.push(format!("ALTER COLUMN {name} {verb} NOT NULL"));
        }
        (!actions.is_empty()).then(|| {
            (
                format!(
                    "; it is a partition's, and has {} of its own",
                    what.join(" and ")
                ),
                format!(
                    "ALTER TABLE {} {};",
                    written(&key.schema, &key.parent),
                    actions.join(", ")
                ),
            )
        })
    }
}

/// Their names for a sentence, and what drops them.
pub(super) fn parts_told(parts: &[&Object]) -> (String, String) {
    let names: Vec<String> = parts.iter().map(|part| named(&part.key)).collect();
    let drops: Vec<String> = parts.iter().map(|part| bare_drop_sql(part)).collect();
    (
        format!(
            "; the table that it is a partition of has no {}",
            names.join(", ")
        ),
        drops.join(" "),
    )
}
