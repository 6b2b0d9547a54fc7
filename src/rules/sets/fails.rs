//! Statements that the server refuses, or that leave rows unguarded, as far as the texts of a set tell.

use std::collections::{HashMap, HashSet};

use super::judge::{Context, Draft, Placed};
use super::keys::UNSAFE_DDL;
use super::objects::FOREIGN_SCHEMA;
use crate::migration::FileFacts;
use crate::migration::effects::{Access, Act, Class, Effect};
use crate::rules::{About, Severity, known};
use crate::snapshot::Kind;

/// The setting that keeps triggers from firing.
const REPLICATION_ROLE: &str = "session_replication_role";

/// What statements of a file leave unguarded: foreign keys that are checked no more.
pub(super) fn unguarded(context: &Context<'_, '_>, number: usize) -> Vec<Placed> {
    let effects = context.file.effects.effects.iter();
    let found = effects.filter_map(|effect| {
        let what = match &effect.act {
            Act::Unguards { table } => format!("all triggers of {table}"),
            Act::Sets {
                parameter, value, ..
            } if parameter == REPLICATION_ROLE && value.iter().any(|value| value == "replica") => {
                "all triggers of the session".to_owned()
            }
            _ => return None,
        };
        let draft = Draft::new(
            &UNSAFE_DDL,
            About::plain("migration", &context.file.file),
            format!("switches off {what}, those of foreign keys included: it needs a superuser, and wrong rows stay unseen"),
        )
        .expected("foreign keys that hold")
        .remedy("Remove it, or write DISABLE TRIGGER USER, which leaves foreign keys on.");
        Some(Placed::at(draft, effect, number))
    });
    found.collect()
}

/// Values of enums that are written in the transaction that added them, which the server refuses (PostgreSQL documentation, ALTER TYPE).
pub(super) fn new_values(files: &[FileFacts]) -> Vec<Placed> {
    let mut tables: HashMap<&str, HashSet<&str>> = HashMap::new();
    let mut found = Vec::new();
    for (number, file) in files.iter().enumerate().filter(|(_, file)| !file.down) {
        let effects = &file.effects.effects;
        let mut told: HashSet<(usize, &str)> = HashSet::new();
        for statement in effects.chunk_by(|one, other| one.statement == other.statement) {
            let names = Names::of(statement);
            for of in &names.types {
                let tied = names.changed.iter().copied();
                tables.entry(*of).or_default().extend(tied);
            }
            for effect in statement {
                let Act::WritesValue { of, value } = &effect.act else {
                    continue;
                };
                let kind = of.name.as_str();
                let holds = |table: &&str| tables.get(kind).is_some_and(|all| all.contains(*table));
                let says_type = names.types.contains(&kind);
                let is_meant = says_type || names.all.iter().any(holds);
                if !is_meant || is_made(effects, kind) || !told.insert((effect.statement, kind)) {
                    continue;
                }
                let draft = Draft::new(
                    &UNSAFE_DDL,
                    About::plain("type", kind),
                    format!(
                        "writes {value:?}, which the same transaction adds to {of}: the server refuses that (SQLSTATE 55P04)"
                    ),
                )
                .severity(if says_type {
                    Severity::Error
                } else {
                    Severity::Warning
                })
                .expected("a new value that is used after its transaction has ended")
                .remedy("Put this statement into a migration of its own, after the one with ADD VALUE.");
                found.push(Placed::at(draft, effect, number));
            }
        }
    }
    found
}

/// What one statement names.
#[derive(Default)]
struct Names<'a> {
    types: HashSet<&'a str>,
    all: HashSet<&'a str>,
    changed: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(statement: &'a [Effect]) -> Self {
        let mut names = Self::default();
        for effect in statement {
            let Act::Names {
                class,
                access,
                path,
                ..
            } = &effect.act
            else {
                continue;
            };
            match class {
                Class::Type if *access != Access::Create => {
                    names.types.insert(&path.name);
                }
                Class::Relation => {
                    names.all.insert(&path.name);
                    if *access != Access::Read {
                        names.changed.insert(&path.name);
                    }
                }
                _ => {}
            }
        }
        names
    }
}

/// Whether a file makes a type itself: then its values can be used at once.
fn is_made(effects: &[Effect], kind: &str) -> bool {
    effects.iter().any(|effect| {
        matches!(&effect.act, Act::Names { class: Class::Type, access: Access::Create, path, .. } if path.name == kind)
    })
}

/// Schemas that things are moved into and that nobody makes.
pub(super) fn lost_schemas(
    context: &Context<'_, '_>,
    number: usize,
    files: &[FileFacts],
) -> Vec<Placed> {
    let mut found: Vec<Placed> = Vec::new();
    for effect in &context.file.effects.effects {
        let Act::Moves { schema } = &effect.act else {
            continue;
        };
        let is_told = context.owners.schema_of(context.index, schema).is_some()
            || found
                .iter()
                .any(|placed| placed.draft.about.name == *schema);
        if is_told || known::is_system_schema(schema) || is_there(context, schema, files) {
            continue;
        }
        let draft = Draft::new(
            &FOREIGN_SCHEMA,
            About::plain("schema", schema),
            format!("moves it into schema {schema}, which no migration of the set makes"),
        )
        .severity(Severity::Warning)
        .expected("a schema that is there")
        .remedy("Make the schema in a migration before (CREATE SCHEMA), or leave it where it is.");
        found.push(Placed::at(draft, effect, number));
    }
    found
}

/// Whether a schema is there, or may be: the lock has it, a text makes it, or a text cannot be followed.
fn is_there(context: &Context<'_, '_>, schema: &str, files: &[FileFacts]) -> bool {
    let locked = context.own.lock.is_some_and(|lock| {
        let mut keys = lock.objects.keys();
        keys.any(|key| key.kind == Kind::Schema && key.name == schema)
    });
    let mut effects = files.iter().flat_map(|file| &file.effects.effects);
    schema == "public"
        || locked
        || effects.any(|effect| match &effect.act {
            Act::Names {
                class: Class::Schema,
                access: Access::Create,
                path,
                ..
            } => path.name == schema,
            Act::LeavesSchema { new: Some(new), .. } => new == schema,
            Act::Dynamic { .. } | Act::Unread { .. } => true,
            _ => false,
        })
}
